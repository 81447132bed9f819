//! `cargo xtask fuzz`: the fuzz targets of `fuzz/` under libFuzzer, for some time each.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::{debian, root};

/// The version of cargo-fuzz that was tried.
const VERSION: &str = "0.13.2";

/// libFuzzer is compiled from its C++ source.
const COMPILER: (&str, &[&str]) = ("g++", &["/usr/bin/c++"]);

/// Longer inputs find nothing that shorter ones do not: the longest token has 1024 characters.
const INPUT_BYTES_MAX: usize = 2048;
/// One input takes longer than this only if something is wrong.
const INPUT_SECONDS_MAX: usize = 25;
/// The sanitizer's own bookkeeping included.
const MEMORY_MIB_MAX: usize = 2048;

/// Runs the targets, all of them when none is named, one after the other, also after one has failed. With `keep`, inputs that reach
/// code which the committed corpus does not are added to it.
pub(crate) fn run(targets: &[String], seconds: u64, keep: bool) -> anyhow::Result<()> {
    let known = known()?;
    if let Some(unknown) = targets.iter().find(|target| !known.contains(target)) {
        bail!("there is no target `{unknown}`, only {}", known.join(", "));
    }
    let targets = if targets.is_empty() { &known } else { targets };
    debian::install(&[COMPILER])?;
    let program = install()?;

    let mut failed = Vec::new();
    for name in targets {
        let target = Target::new(&program, name)?;
        if let Err(error) = target.fuzz(seconds) {
            println!("error: {error:#}");
            failed.push(name.as_str());
        } else if keep {
            target.keep()?;
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// The names of all targets, sorted.
fn known() -> anyhow::Result<Vec<String>> {
    let dir = root::path("fuzz/fuzz_targets");
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot list `{}`", dir.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot list `{}`", dir.display()))?
            .path();
        names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Builds cargo-fuzz, without optimisation because it only starts other programs.
fn install() -> anyhow::Result<PathBuf> {
    let dir = root::path(&format!("target/tools/cargo-fuzz-{VERSION}"));
    let program = dir.join("bin/cargo-fuzz");
    if !program.exists() {
        let mut install = root::cargo();
        install.args(["install", "cargo-fuzz", "--version", VERSION, "--locked", "--debug"]);
        install.arg("--root").arg(&dir).env("CARGO_PROFILE_DEV_DEBUG", "0");
        root::run(&mut install)?;
    }
    Ok(program)
}

/// A target with its places on disk.
struct Target<'a> {
    program: &'a Path,
    name: &'a str,
    /// The corpus in the repository, which fuzzing only reads.
    committed: PathBuf,
    /// What fuzzing finds, in this run and those before.
    found: PathBuf,
    /// What libFuzzer says.
    log: PathBuf,
}

impl<'a> Target<'a> {
    fn new(program: &'a Path, name: &'a str) -> anyhow::Result<Self> {
        let found = root::path(&format!("target/fuzz/corpus/{name}"));
        fs::create_dir_all(&found).with_context(|| format!("cannot make `{}`", found.display()))?;
        Ok(Self {
            program,
            name,
            committed: root::path(&format!("fuzz/corpus/{name}")),
            found,
            log: root::path(&format!("target/fuzz/{name}.log")),
        })
    }

    /// libFuzzer with the target built in. What it takes from a corpus goes to the first one.
    fn command(&self, corpora: [&Path; 2]) -> Command {
        let mut command = root::command(&self.program.to_string_lossy());
        command.args(["run", self.name]).args(corpora);
        command.arg("--fuzz-dir").arg(root::path("fuzz"));
        command.arg("--target-dir").arg(root::path("target/fuzz"));
        // Instrumentation is unstable; with this, the compiler that builds wharf knows it too.
        command.env("RUSTC_BOOTSTRAP", "1");
        command.args(["--", &format!("-max_len={INPUT_BYTES_MAX}")]);
        command
    }

    fn fuzz(&self, seconds: u64) -> anyhow::Result<()> {
        println!("{}: {seconds} s, log in `{}`", self.name, self.log.display());
        let mut command = self.command([&self.found, &self.committed]);
        command.args([
            format!("-max_total_time={seconds}"),
            format!("-timeout={INPUT_SECONDS_MAX}"),
            format!("-rss_limit_mb={MEMORY_MIB_MAX}"),
        ]);
        let words = root::path(&format!("fuzz/dictionaries/{}", self.name));
        if words.exists() {
            command.arg(format!("-dict={}", words.display()));
        }
        let log = File::create(&self.log).with_context(|| format!("cannot write `{}`", self.log.display()))?;
        let status = command.stderr(log).status().context("cannot start cargo-fuzz")?;
        let said = fs::read(&self.log).with_context(|| format!("cannot read `{}`", self.log.display()))?;
        let said = String::from_utf8_lossy(&said);
        if !status.success() {
            let from = said.lines().count().saturating_sub(40);
            let last: Vec<&str> = said.lines().skip(from).collect();
            bail!("`{}`: {status}\n{}", self.name, last.join("\n"));
        }
        let done = said.lines().rev().find_map(|line| line.split_once("DONE"));
        let (executions, reached) = done.context("libFuzzer did not come to its end")?;
        println!(
            "{}: {} executions, {}",
            self.name,
            executions.trim_matches(['#', '\t']),
            reached.trim()
        );
        Ok(())
    }

    /// Adds to the committed corpus what reaches more of the code, however often it goes there.
    fn keep(&self) -> anyhow::Result<()> {
        let mut command = self.command([&self.committed, &self.found]);
        root::run(command.args(["-set_cover_merge=1", "-use_counters=0"]))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn targets_are_known_by_their_programs() {
        let known = super::known().unwrap();
        assert!(
            known.is_sorted() && known.iter().any(|name| name == "manifest"),
            "{known:?}"
        );
    }

    #[test]
    fn an_unknown_target_is_told_before_anything_is_installed() {
        let error = super::run(&["nothing".to_owned()], 1, false).unwrap_err();
        assert!(error.to_string().starts_with("there is no target `nothing`"), "{error}");
    }
}
