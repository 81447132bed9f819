//! `cargo xtask check`.

use anyhow::bail;

use crate::{advisories, directions, licences, oci, root, sources, torture};

type Check = (&'static str, fn() -> anyhow::Result<()>);

/// All checks, the quick ones first.
const CHECKS: [Check; 9] = [
    ("formatting", || {
        root::run(root::cargo().args(["fmt", "--all", "--check"]))
    }),
    ("directions", directions::check),
    ("sources", sources::check),
    ("oci", oci::check),
    ("torture", torture::check),
    ("licences", licences::check),
    ("clippy", || {
        root::run(root::cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))
    }),
    ("documentation", || {
        root::run(
            root::cargo()
                .args(["doc", "--workspace", "--no-deps", "--locked"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    }),
    ("advisories", advisories::check),
];

/// Runs every check, also after one has failed.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        if let Err(error) = check() {
            println!("error: {error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("checks failed: {}", failed.join(", "));
    }
    println!("all checks passed");
    Ok(())
}
