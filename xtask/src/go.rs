//! Programs that are built with Go, where it is installed: clients, and registry 3.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

use crate::root;

/// Where the tests look for the programs.
const DIR: &str = "target/tools/go";

/// Each program with the package that makes it and the version that was tried.
const PROGRAMS: [(&str, &str, &str); 3] = [
    ("crane", "github.com/google/go-containerregistry/cmd/crane", "v0.22.1"),
    ("regctl", "github.com/regclient/regclient/cmd/regctl", "v0.11.7"),
    (
        "registry",
        "github.com/distribution/distribution/v3/cmd/registry",
        "v3.1.1",
    ),
];

/// The programs.
#[derive(Debug)]
pub(crate) enum Programs {
    /// They are in this directory.
    Built(PathBuf),
    /// There is no Go to build them with.
    NoGo,
}

impl Programs {
    /// Builds the programs that are missing or of another version.
    pub(crate) fn install() -> anyhow::Result<Self> {
        if Command::new("go").arg("version").output().is_err() {
            return Ok(Self::NoGo);
        }
        let dir = root::path(DIR);
        fs::create_dir_all(&dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
        let dir = dir
            .canonicalize()
            .with_context(|| format!("cannot find `{}`", dir.display()))?;
        for (name, package, version) in PROGRAMS {
            let (program, stamp) = (dir.join(name), dir.join(format!("{name}.version")));
            let built = program.exists() && fs::read_to_string(&stamp).is_ok_and(|built| built == version);
            if !built {
                let mut install = root::command("go");
                // Outside the workspace, so that no Go module or workspace around it counts.
                install.current_dir(&dir).env("GOBIN", &dir).env("CGO_ENABLED", "0");
                root::run(install.arg("install").arg(format!("{package}@{version}")))?;
                fs::write(&stamp, version).with_context(|| format!("cannot write `{}`", stamp.display()))?;
            }
        }
        Ok(Self::Built(dir))
    }

    /// The value of the variable by which the tests find them.
    pub(crate) fn setting(&self) -> PathBuf {
        match self {
            Self::Built(dir) => dir.clone(),
            Self::NoGo => PathBuf::from("absent"),
        }
    }

    /// What the summary says of them.
    pub(crate) fn summary(&self) -> String {
        let names = |with_version: bool| {
            let name = |(name, _, version): &(&str, &str, &str)| {
                if with_version {
                    format!("{name} {version}")
                } else {
                    (*name).to_owned()
                }
            };
            PROGRAMS.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Built(_) => names(true),
            Self::NoGo => format!("{}: not tested, Go is not installed", names(false)),
        }
    }
}
