//! `wharf reindex`: the index, made anew.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use clap::Args;
use wharf_registry::{Registry, Settings, StateDirectory};

use super::offline;
use crate::exit::Hint;

/// Build the index of a stopped root anew from its tree
///
/// The tree has everything that the index has. The index in use stays until the new one is complete.
///
/// Example: wharf reindex /srv/registry
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ReindexArgs {
    /// Directory that holds docker/registry/v2
    root: PathBuf,
}

pub(crate) fn run(args: &ReindexArgs) -> anyhow::Result<ExitCode> {
    let driver = offline::open(&args.root)?;
    let state = StateDirectory::open(driver.root()).map_err(offline::with_hint)?;
    let registry = Registry::begin_reindex(driver, state, Settings::offline())?;
    let bar = offline::progress()?;
    thread::scope(|scope| {
        let sweep = scope.spawn(|| registry.sweep());
        while !sweep.is_finished() {
            let repositories = registry.sweep_progress().repositories.load(Ordering::Relaxed);
            bar.set_message(format!("{repositories} repositories"));
            thread::park_timeout(Duration::from_millis(50));
        }
    });
    bar.finish_and_clear();
    let errors = registry.sweep_progress().errors.load(Ordering::Relaxed);
    if errors > 0 {
        let text = "`wharf fsck ROOT` names them".to_owned();
        let error = anyhow::anyhow!("{errors} parts of the tree could not be read; the index was left as it was");
        return Err(error.context(Hint { text }));
    }
    let counts = registry.counts()?;
    registry.finish_reindex()?;
    writeln!(
        std::io::stdout(),
        "indexed {} repositories, {} manifests, {} tags, {} blobs",
        counts.repositories,
        counts.manifests,
        counts.tags,
        counts.blobs
    )?;
    Ok(ExitCode::SUCCESS)
}
