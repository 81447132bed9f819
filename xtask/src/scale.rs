//! `cargo xtask scale`: the long form of the `scale` tests, with optimised code and figures.

use anyhow::{Context as _, bail};

use crate::root;

/// Runs it. The root is made under `TMPDIR`, which should be on a disk.
pub(crate) fn run(blobs: usize) -> anyhow::Result<()> {
    let mut command = root::cargo();
    command.args([
        "test",
        "--release",
        "-p",
        "wharf",
        "--test",
        "scale",
        "--",
        "--nocapture",
    ]);
    command.env("WHARF_SCALE_BLOBS", blobs.to_string());
    if std::env::var_os("TMPDIR").is_none() {
        command.env("TMPDIR", "/var/tmp");
    }
    let status = command.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("the scale tests failed: {status}");
    }
    Ok(())
}
