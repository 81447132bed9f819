//! `wharf fsck`: tree and index, compared and mended.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;
use wharf_registry::{Finding, FsckOptions, FsckSummary, Registry};

use super::offline;
use crate::exit::{DAMAGED, MENDED};

/// Compare tree and index of a stopped root, and mend what is damaged
///
/// Each finding is one line: its class, its path and what is, or would be, done about it. Content that is damaged is moved to
/// ROOT/wharf/quarantine; pushing it again, into each repository that had it, heals them.
///
/// Exit codes: 0 nothing is wrong, 3 damage was found and mended, 4 damage was found and left.
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
    let (driver, state) = offline::open(&args.root)?;
    let registry = Registry::open_offline(driver, state, offline::settings()).map_err(offline::with_hint)?;
    let bar = offline::progress()?;
    let mut written = Ok(());
    let mut found = |finding: &Finding| {
        let line = line(args, finding);
        bar.suspend(|| written = std::mem::replace(&mut written, Ok(())).and(writeln!(std::io::stdout(), "{line}")));
    };
    let mut progress = |progress: wharf_registry::FsckProgress| {
        bar.set_message(format!(
            "{} blobs, {} repositories",
            progress.blobs, progress.repositories
        ));
    };
    let options = FsckOptions {
        repair: args.repair,
        read_data: args.read_data,
    };
    let summary = registry.fsck(options, &mut found, &mut progress)?;
    bar.finish_and_clear();
    written?;
    writeln!(std::io::stdout(), "{}", closing(args, summary))?;
    Ok(match summary {
        FsckSummary { damaged: 0, .. } => ExitCode::SUCCESS,
        FsckSummary { damaged, mended, .. } if damaged == mended => ExitCode::from(MENDED),
        _ => ExitCode::from(DAMAGED),
    })
}

fn line(args: &FsckArgs, finding: &Finding) -> String {
    let Finding { damage, path, mended } = finding;
    if args.format == Format::Json {
        return json!({
            "class": damage.name(),
            "path": path,
            "description": damage.description(),
            "remedy": damage.remedy(),
            "mended": mended,
        })
        .to_string();
    }
    let verb = match (mended, damage.is_note()) {
        (true, _) => "did",
        (false, true) => "will",
        (false, false) => "would",
    };
    format!(
        "{damage:<18} {path}: {}; {verb} {}",
        damage.description(),
        damage.remedy()
    )
}

fn closing(args: &FsckArgs, summary: FsckSummary) -> String {
    let FsckSummary {
        progress,
        damaged,
        mended,
        notes,
    } = summary;
    let (blobs, repositories) = (progress.blobs, progress.repositories);
    if args.format == Format::Json {
        return json!({
            "blobs": blobs, "repositories": repositories, "damaged": damaged, "mended": mended, "notes": notes,
        })
        .to_string();
    }
    let advice = if damaged > mended { "; `--repair` mends" } else { "" };
    format!("{blobs} blobs, {repositories} repositories: {damaged} damaged, {mended} mended, {notes} notes{advice}")
}
