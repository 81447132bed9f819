//! What the commands on a stopped root have in common.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use wharf_registry::{Failure, OpenError};
use wharf_storage::{Filesystem, LockError};

use crate::exit::Hint;

/// What helps where the index is damaged or gone.
pub(crate) const REINDEX: &str = "`wharf reindex ROOT` makes the index anew from the tree, which has everything";

/// Opens the directory of a root, which must be one: a mistyped path is not an empty registry.
pub(crate) fn open(root: &Path) -> anyhow::Result<Arc<Filesystem>> {
    anyhow::ensure!(root.is_dir(), "`{}` is no directory", root.display());
    if !root.join("docker/registry/v2").is_dir() && !root.join("wharf").is_dir() {
        let text = "give the directory that the configuration names as `rootdirectory`".to_owned();
        return Err(
            anyhow::anyhow!("`{}` holds no registry: it has no `docker/registry/v2`", root.display())
                .context(Hint { text }),
        );
    }
    Ok(Arc::new(Filesystem::open(root)?))
}

/// An error that may be the index's, or the lock's.
pub(crate) trait Hinted: std::error::Error + Send + Sync + 'static {
    /// What the user can do about it.
    fn hint(&self) -> Option<&'static str>;
}

impl Hinted for OpenError {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Lock(LockError::Held { .. }) => Some("stop the server first"),
            _ => self.is_index_damaged().then_some(REINDEX),
        }
    }
}

impl Hinted for Failure {
    fn hint(&self) -> Option<&'static str> {
        self.is_index_damaged().then_some(REINDEX)
    }
}

/// An error with what the user can do about it.
pub(crate) fn with_hint(error: impl Hinted) -> anyhow::Error {
    let hint = error.hint();
    let error = anyhow::Error::from(error);
    match hint {
        Some(text) => error.context(Hint { text: text.to_owned() }),
        None => error,
    }
}

/// A line that tells how far a command is; on a terminal only.
pub(crate) fn progress() -> anyhow::Result<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}").context("progress style")?;
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    Ok(bar)
}
