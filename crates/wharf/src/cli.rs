//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{config, fsck, reindex, serve};

/// One binary for the whole life of a container image: a registry to push to and pull from
#[derive(Debug, Parser)]
#[command(name = "wharf", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    /// The commands of registry:2, under the names its users know
    #[command(subcommand)]
    Registry(RegistryCommand),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    Fsck(fsck::FsckArgs),
    Reindex(reindex::ReindexArgs),
}

#[derive(Debug, Subcommand)]
enum RegistryCommand {
    Serve(serve::RegistryServeArgs),
}

/// Runs the command.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Serve(args) => serve::serve(args),
        Command::Registry(RegistryCommand::Serve(args)) => serve::registry_serve(args),
        Command::Config(command) => config::run(&command),
        Command::Fsck(args) => fsck::run(&args),
        Command::Reindex(args) => reindex::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
