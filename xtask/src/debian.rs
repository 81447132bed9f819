//! Debian packages that the tests and the benchmarks run.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail};

use crate::root;

/// A package with the files of it that we need. Written for Debian 12; what a package needs itself comes with it.
type Package = (&'static str, &'static [&'static str]);

const DOCKER_REGISTRY: Package = ("docker-registry", &["/usr/bin/docker-registry"]);
/// Go's module proxy and the crate registry are reached by HTTPS.
const CERTIFICATES: Package = ("ca-certificates", &["/etc/ssl/certs/ca-certificates.crt"]);
/// SQLite is compiled from its C source.
const COMPILER: Package = ("gcc", &["/usr/bin/cc"]);
const LIBC: Package = ("libc6-dev", &["/usr/include/stdio.h"]);

/// What the tests need.
pub(crate) const FOR_TESTS: &[Package] = &[
    ("docker.io", &["/usr/bin/docker", "/usr/sbin/dockerd"]),
    ("podman", &["/usr/bin/podman"]),
    ("buildah", &["/usr/bin/buildah"]),
    ("skopeo", &["/usr/bin/skopeo"]),
    DOCKER_REGISTRY,
    ("jq", &["/usr/bin/jq"]),
    ("curl", &["/usr/bin/curl"]),
    CERTIFICATES,
    COMPILER,
    LIBC,
    // Looks into the index from outside.
    ("sqlite3", &["/usr/bin/sqlite3"]),
    // Watches which files the server opens.
    ("strace", &["/usr/bin/strace"]),
];

/// What the benchmarks need.
pub(crate) const FOR_BENCH: &[Package] = &[
    DOCKER_REGISTRY,
    ("nginx", &["/usr/sbin/nginx"]),
    ("wrk", &["/usr/bin/wrk"]),
    CERTIFICATES,
    COMPILER,
    LIBC,
];

/// Installs without starting the services that the packages bring: a registry on port 5000 and a docker engine are
/// nothing that a test command should leave running.
const INSTALL: &str = r#"
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if ! [ -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
apt-get -q -o DPkg::Lock::Timeout=600 update
apt-get -q -o DPkg::Lock::Timeout=600 install --yes --no-install-recommends "$@"
"#;

/// Installs those of these packages that are missing.
pub(crate) fn install(packages: &[Package]) -> anyhow::Result<()> {
    let missing = missing(packages);
    if missing.is_empty() {
        return Ok(());
    }
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "this needs {}, and there is no apt-get: it runs on Debian",
            missing.join(", ")
        );
    }
    println!("installing from Debian: {}", missing.join(", "));
    let mut command = if is_root()? { root::command("sh") } else { sudo()? };
    command.args(["-e", "-c", INSTALL, "sh"]).args(&missing);
    let status = command.status().context("cannot start apt-get")?;
    if !status.success() {
        bail!("apt-get could not install {}: {status}", missing.join(", "));
    }
    let missing = self::missing(packages);
    if !missing.is_empty() {
        bail!(
            "apt-get installed them, but {} do not bring what they bring on Debian 12",
            missing.join(", ")
        );
    }
    Ok(())
}

/// The packages of which a file is missing.
fn missing(packages: &[Package]) -> Vec<&'static str> {
    let lacks = |files: &[&str]| files.iter().any(|file| !Path::new(file).exists());
    packages
        .iter()
        .filter(|(_, files)| lacks(files))
        .map(|(package, _)| *package)
        .collect()
}

/// The packages of the programs that are tested.
pub(crate) const TESTED: [&str; 5] = ["docker.io", "podman", "buildah", "skopeo", "docker-registry"];

/// The versions of packages, as `name version`.
pub(crate) fn versions(packages: &[&str]) -> anyhow::Result<Vec<String>> {
    let mut query = root::command("dpkg-query");
    let listed = root::output(
        query
            .args(["--show", "--showformat", "${Package} ${Version}\\n"])
            .args(packages),
    )?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// Whether we are root.
pub(crate) fn is_root() -> anyhow::Result<bool> {
    Ok(root::output(root::command("id").arg("-u"))?.trim() == "0")
}

/// `sudo sh`, which may ask for a password.
fn sudo() -> anyhow::Result<std::process::Command> {
    if !Path::new("/usr/bin/sudo").exists() {
        bail!("installing packages and running dockerd needs root, and there is no sudo");
    }
    let mut command = root::command("sudo");
    command.stdin(Stdio::inherit()).arg("sh");
    Ok(command)
}
