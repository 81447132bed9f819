//! What the commands on a stopped root have in common.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use wharf_registry::{OpenError, Rules, Settings, StateDirectory};
use wharf_storage::{Filesystem, LockError};

use crate::exit::Hint;

/// Takes possession of a root that no server uses.
pub(crate) fn open(root: &Path) -> anyhow::Result<(Arc<Filesystem>, StateDirectory)> {
    anyhow::ensure!(root.is_dir(), "`{}` is no directory", root.display());
    let filesystem = Filesystem::open(root)?;
    let state = StateDirectory::open(filesystem.root()).map_err(with_hint)?;
    Ok((Arc::new(filesystem), state))
}

/// An error with what the user can do about it.
pub(crate) fn with_hint(error: OpenError) -> anyhow::Error {
    let hint = match &error {
        OpenError::Lock(LockError::Held { .. }) => Some("stop the server first"),
        OpenError::IndexMissing { .. } => {
            Some("`wharf reindex ROOT` makes it anew from the tree, which has everything")
        }
        _ => None,
    };
    let error = anyhow::Error::from(error);
    match hint {
        Some(text) => error.context(Hint { text: text.to_owned() }),
        None => error,
    }
}

/// The settings of a registry that takes no requests.
pub(crate) fn settings() -> Settings {
    Settings {
        rules: Rules::default(),
        uploads_max: 0,
        secret: Some(Vec::new()),
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
