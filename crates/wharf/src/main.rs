//! One binary for the whole life of a container image.

#[cfg(target_env = "gnu")]
mod allocator;
mod cli;
mod commands;
mod exit;
mod logging;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    #[cfg(target_env = "gnu")]
    allocator::give_back_what_is_large();
    match cli::run(cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}
