//! No dependency has an advisory.

use std::path::PathBuf;

use crate::root;

/// The version of cargo-audit that was tried.
const VERSION: &str = "0.22.2";

/// A copy of `RustSec`'s advisories beside the checkout, for machines that do not reach their home.
const COPY: &str = "../shared/advisory-db";

/// Runs cargo-audit on `Cargo.lock`, and installs it first when it is missing.
pub(crate) fn check() -> anyhow::Result<()> {
    let program = install()?;
    let mut audit = root::command(&program.to_string_lossy());
    audit.args(["audit", "--deny", "unsound"]);
    let copy = root::path(COPY);
    if copy.is_dir() {
        // The copy is no repository of git, and has no date.
        audit.arg("--db").arg(copy).args(["--no-fetch", "--stale"]);
    }
    root::run(&mut audit)
}

/// Builds cargo-audit, without optimisation because that takes twice as long and it runs for a second.
fn install() -> anyhow::Result<PathBuf> {
    let dir = root::path(&format!("target/tools/cargo-audit-{VERSION}"));
    let program = dir.join("bin/cargo-audit");
    if !program.exists() {
        let mut install = root::cargo();
        install.args([
            "install",
            "cargo-audit",
            "--version",
            VERSION,
            "--locked",
            "--debug",
            "--no-default-features",
        ]);
        install.arg("--root").arg(&dir).env("CARGO_PROFILE_DEV_DEBUG", "0");
        root::run(&mut install)?;
    }
    Ok(program)
}
