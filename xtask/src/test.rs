//! `cargo xtask test`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::debian;
use crate::go::Programs;
use crate::root;

/// What the lines `test result:` add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    programs: usize,
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl Count {
    /// Adds a line of `cargo test`, unless it is another line.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        self.programs += 1;
        for part in result.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let number = words
                .next()
                .and_then(|word| word.parse::<usize>().ok())
                .unwrap_or_default();
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// Installs what the tests need, runs them, and says what was tested.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    debian::install(debian::FOR_TESTS)?;
    let programs = Programs::install()?;
    let started = Instant::now();
    let mut command = root::cargo();
    command
        .args(["test", "--no-fail-fast"])
        .env("WHARF_GO_PROGRAMS", programs.setting());
    if args.is_empty() {
        command.arg("--workspace");
    }
    if std::env::var_os("TMPDIR").is_none() {
        // Layers of gigabytes go through temporary directories, and `/tmp` is often in memory.
        command.env("TMPDIR", "/var/tmp");
    }
    if !debian::is_root()? {
        // dockerd, and what podman and buildah mount, need root; the tests themselves run as root then.
        command.env(runner_variable()?, "sudo --preserve-env");
    }
    let (success, count) = count(command.args(args))?;

    println!("\nsummary");
    println!(
        "  {} passed, {} failed, {} ignored in {} test programs, {} s",
        count.passed,
        count.failed,
        count.ignored,
        count.programs,
        started.elapsed().as_secs()
    );
    println!("  with {}", debian::versions(&debian::TESTED)?.join(", "));
    println!("  with {}", programs.summary());
    if !success {
        bail!("tests failed");
    }
    Ok(())
}

/// Runs `cargo test`, shows its lines as they come and counts.
fn count(command: &mut Command) -> anyhow::Result<(bool, Count)> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let stdout = child.stdout.take().context("cargo's output is not there")?;
    let mut count = Count::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("cannot read cargo's output")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        count.add(&line);
    }
    Ok((child.wait().context("cannot wait for cargo")?.success(), count))
}

/// The variable by which cargo runs test programs through another program.
fn runner_variable() -> anyhow::Result<String> {
    let version = root::output(root::command("rustc").arg("-vV"))?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc names no host")?;
    Ok(format!("CARGO_TARGET_{}_RUNNER", host.replace('-', "_").to_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_add_up() {
        let mut count = Count::default();
        for line in [
            "running 2 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.52s",
        ] {
            count.add(line);
        }
        assert_eq!(
            count,
            Count {
                programs: 2,
                passed: 4,
                failed: 2,
                ignored: 1
            }
        );
    }
}
