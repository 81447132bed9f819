//! Debian packages that the tests run.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail};

use crate::root;

/// Each package with the files of it that tests need. Written for Debian 12; what a package needs itself comes with it.
const PACKAGES: [(&str, &[&str]); 12] = [
    ("docker.io", &["/usr/bin/docker", "/usr/sbin/dockerd"]),
    ("podman", &["/usr/bin/podman"]),
    ("buildah", &["/usr/bin/buildah"]),
    ("skopeo", &["/usr/bin/skopeo"]),
    ("docker-registry", &["/usr/bin/docker-registry"]),
    ("jq", &["/usr/bin/jq"]),
    ("curl", &["/usr/bin/curl"]),
    // Go's module proxy and the crate registry are reached by HTTPS.
    ("ca-certificates", &["/etc/ssl/certs/ca-certificates.crt"]),
    // SQLite is compiled from its C source.
    ("gcc", &["/usr/bin/cc"]),
    ("libc6-dev", &["/usr/include/stdio.h"]),
    // Looks into the index from outside.
    ("sqlite3", &["/usr/bin/sqlite3"]),
    // Watches which files the server opens.
    ("strace", &["/usr/bin/strace"]),
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

/// Installs the packages that are missing.
pub(crate) fn install() -> anyhow::Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "the tests need {}, and there is no apt-get: they run on Debian",
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
    let missing = self::missing();
    if !missing.is_empty() {
        bail!(
            "apt-get installed them, but {} do not bring what they bring on Debian 12",
            missing.join(", ")
        );
    }
    Ok(())
}

/// The packages of which a file is missing.
fn missing() -> Vec<&'static str> {
    let lacks = |files: &[&str]| files.iter().any(|file| !Path::new(file).exists());
    PACKAGES
        .iter()
        .filter(|(_, files)| lacks(files))
        .map(|(package, _)| *package)
        .collect()
}

/// The versions of the programs that are tested, as `name version`.
pub(crate) fn versions() -> anyhow::Result<Vec<String>> {
    let tested = PACKAGES.iter().take(5).map(|(package, _)| *package);
    let mut query = root::command("dpkg-query");
    let listed = root::output(
        query
            .args(["--show", "--showformat", "${Package} ${Version}\\n"])
            .args(tested),
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
