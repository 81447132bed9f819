//! `wharf fsck`: tree and index, compared and mended.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::json;
use wharf_registry::{Finding, Fsck, FsckSummary};

use super::offline;
use crate::exit::{DAMAGED, MENDED};

/// The least time between two changes of the line that tells how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Compare tree and index of a stopped root, and mend what is damaged
///
/// Each finding is one line: its class, its path, what is or would be done about it, and which images have to be pushed again. Content
/// that is damaged is moved to ROOT/wharf/quarantine. Without --repair nothing below ROOT changes but the process id in ROOT/wharf/lock.
///
/// A finding is damage, a left-over or a note. Left-overs are what registry:2 leaves of its own (empty directories, links of collected
/// blobs, remains of uploads) and rows of an index that lags behind the tree; nothing is lost by them, and --repair tidies them up.
///
/// Exit codes: 0 no damage, 3 damage was found and mended, 4 damage is left, 1 it could not run.
///
/// Examples:
///   wharf fsck /srv/registry
///   wharf fsck --read-data --repair /srv/registry
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct FsckArgs {
    /// Directory that holds docker/registry/v2
    root: PathBuf,
    /// Mend what is found
    #[arg(long)]
    repair: bool,
    /// Read all content and compare it with its digest
    #[arg(long)]
    read_data: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    /// One JSON object per finding, and one at the end
    Json,
}

pub(crate) fn run(args: &FsckArgs) -> anyhow::Result<ExitCode> {
    let driver = offline::open(&args.root)?;
    let root = driver.root().to_owned();
    let fsck = Fsck::open(driver, &root, args.repair).map_err(offline::with_hint)?;
    let bar = offline::progress()?;
    let mut output = Output::default();
    let mut found = |finding: &Finding| {
        bar.suspend(|| output.line(&line(args, finding)));
        // Nobody hears what else would be done; what is to be done is done all the same.
        if output.failure.is_some() && !args.repair {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let mut told_at: Option<Instant> = None;
    let mut progress = |progress: wharf_registry::FsckProgress| {
        if bar.is_hidden() || told_at.is_some_and(|at| at.elapsed() < PROGRESS_INTERVAL) {
            return;
        }
        told_at = Some(Instant::now());
        let (blobs, repositories) = (progress.blobs, progress.repositories);
        bar.set_message(format!("{blobs} blobs, {repositories} repositories"));
    };
    let summary = fsck
        .run(args.read_data, &mut found, &mut progress)
        .map_err(offline::with_hint)?;
    bar.finish_and_clear();
    output.line(&closing(args, summary));
    output.end()?;
    Ok(match summary {
        FsckSummary { left: 0, .. } if args.repair && summary.damaged > 0 => ExitCode::from(MENDED),
        FsckSummary {
            left: 0, damaged: 0, ..
        } => ExitCode::SUCCESS,
        _ => ExitCode::from(DAMAGED),
    })
}

/// Standard output, until it fails.
#[derive(Debug, Default)]
struct Output {
    failure: Option<io::Error>,
}

impl Output {
    fn line(&mut self, line: &str) {
        if self.failure.is_none() {
            self.failure = writeln!(io::stdout(), "{line}").err();
        }
    }

    /// A reader that has gone, as `head` does, is no failure.
    fn end(self) -> io::Result<()> {
        match self.failure {
            Some(failure) if failure.kind() != io::ErrorKind::BrokenPipe => Err(failure),
            _ => Ok(()),
        }
    }
}

fn line(args: &FsckArgs, finding: &Finding) -> String {
    let Finding {
        damage,
        path,
        remedy,
        error,
        missing,
        push_again,
    } = finding;
    if args.format == Format::Json {
        let (outcome, text) = match (error, finding.is_left()) {
            (Some(_), _) => ("failed", remedy.to_do()),
            (None, true) => ("left", remedy.done()),
            (None, false) if args.repair => ("mended", remedy.done()),
            (None, false) => ("would-mend", remedy.to_do()),
        };
        return json!({
            "class": damage.name(),
            "severity": damage.severity().name(),
            "path": path,
            "description": damage.description(),
            "outcome": outcome,
            "remedy": text,
            "error": error,
            "missing": missing.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "push_again": push_again,
        })
        .to_string();
    }
    let list = |before: &str, texts: Vec<String>, after: &str| match texts.join(", ") {
        none if none.is_empty() => none,
        texts => format!("{before}{texts}{after}"),
    };
    let missing = list(" (", missing.iter().map(ToString::to_string).collect(), ")");
    let outcome = match (error, args.repair) {
        (Some(error), _) => format!("could not {}: {error}", remedy.to_do()),
        (None, true) => remedy.done(),
        (None, false) => format!("would {}", remedy.to_do()),
    };
    let push_again = list("; push again: ", push_again.clone(), "");
    format!(
        "{damage:<21} {path}: {}{missing}; {outcome}{push_again}",
        damage.description()
    )
}

fn closing(args: &FsckArgs, summary: FsckSummary) -> String {
    let FsckSummary {
        progress,
        damaged,
        left,
        leftovers,
        notes,
    } = summary;
    let (blobs, repositories) = (progress.blobs, progress.repositories);
    if args.format == Format::Json {
        return json!({
            "blobs": blobs, "repositories": repositories, "damaged": damaged, "left": left, "leftovers": leftovers, "notes": notes,
        })
        .to_string();
    }
    let outcome = match (args.repair, left) {
        _ if damaged + leftovers == 0 => String::new(),
        (true, 0) => "; all mended".to_owned(),
        (true, _) => format!("; {left} left, all else mended"),
        (false, 0) => "; `--repair` mends all".to_owned(),
        (false, _) => format!("; `--repair` mends all but {left}"),
    };
    format!(
        "{blobs} blobs, {repositories} repositories: {damaged} damaged, {leftovers} left-overs, {notes} notes{outcome}"
    )
}
