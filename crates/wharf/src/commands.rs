//! One module per command.

pub(crate) mod config;
pub(crate) mod fsck;
mod offline;
pub(crate) mod reindex;
pub(crate) mod serve;

use std::path::{Path, PathBuf};

use anyhow::Context;
use wharf_server::config::{Loaded, Overrides, Source, load};

/// Names the configuration file for registry:2 when its command line does not.
const CONFIGURATION_PATH: &str = "REGISTRY_CONFIGURATION_PATH";

/// The configuration file: the one on the command line, or else the one the environment names.
fn configuration_file(argument: Option<PathBuf>) -> Option<PathBuf> {
    argument.or_else(|| {
        std::env::var_os(CONFIGURATION_PATH)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    })
}

/// Reads file and environment. Without a file, the defaults count.
fn load_config(file: Option<&Path>, overrides: Overrides, ignore_unsupported: bool) -> anyhow::Result<Loaded> {
    let text = match file {
        Some(path) => {
            Some(std::fs::read_to_string(path).with_context(|| format!("could not read `{}`", path.display()))?)
        }
        None => None,
    };
    let path = file.map(|path| path.display().to_string()).unwrap_or_default();
    // What is not UTF-8 is no value that YAML knows.
    let environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let source = Source {
        file: text.as_deref().map(|text| (path.as_str(), text)),
        environment: &environment,
        overrides,
        ignore_unsupported,
    };
    Ok(load(&source)?)
}
