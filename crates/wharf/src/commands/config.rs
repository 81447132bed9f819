//! `wharf config`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use wharf_server::config::Overrides;

use super::{configuration_file, load_config};

/// Look at the configuration of the registry
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    Check(CheckArgs),
}

/// Print what a configuration comes to, and where each value is from
///
/// The environment's `REGISTRY_*` variables count, as they do for `wharf serve`. Secrets are not shown.
///
/// Example: wharf config check /etc/docker/registry/config.yml
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// registry:2's YAML; without it the file that `REGISTRY_CONFIGURATION_PATH` names, or else the defaults
    file: Option<PathBuf>,
    /// Show sections that wharf does not support as warnings, not as an error
    #[arg(long)]
    ignore_unsupported: bool,
}

pub(crate) fn run(command: &ConfigCommand) -> anyhow::Result<ExitCode> {
    let ConfigCommand::Check(args) = command;
    let file = configuration_file(args.file.clone());
    let loaded = load_config(file.as_deref(), Overrides::default(), args.ignore_unsupported)?;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(loaded.render().as_bytes())?;
    let mut stderr = std::io::stderr().lock();
    for warning in &loaded.warnings {
        writeln!(stderr, "warning: {warning}")?;
    }
    Ok(ExitCode::SUCCESS)
}
