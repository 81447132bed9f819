//! Tests, checks and benchmarks of the project: `cargo xtask test`, `cargo xtask check` and `cargo xtask bench`.
//!
//! `test` needs nothing but Rust and Debian to begin with and installs the rest itself. `check` is everything that can
//! be said without running wharf; each of its parts is a command of its own as well.
#![expect(clippy::print_stdout, reason = "commands answer on standard output")]

mod advisories;
mod bench;
mod check;
mod debian;
mod directions;
mod fuzz;
mod go;
mod licences;
mod metadata;
mod oci;
mod proof;
mod root;
mod scale;
mod sources;
mod test;
mod torture;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Tests, checks and benchmarks of wharf")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install the real clients and registries from Debian and Go, run all tests, say what was tested
    Test {
        /// Arguments for `cargo test`, such as `-p wharf --test clients`; without any, all tests run
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Serve, sweep, check and reindex a large root of registry 2, and print times and memory
    Scale {
        /// How many blobs and manifests, a hundred to a repository
        #[arg(long, default_value_t = 100_000)]
        blobs: usize,
    },
    /// Measure speed and memory beside other servers, and print a page with what is wanted and what is reached
    Bench {
        #[command(subcommand)]
        what: bench::What,
    },
    /// Hold every parser against arbitrary input, and fail when it breaks a promise
    Fuzz {
        /// Which targets; without any, all run, one after the other
        targets: Vec<String>,
        /// For how long each
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// Add inputs that reach new code to the corpus in the repository
        #[arg(long)]
        keep: bool,
    },
    /// Everything below, and formatting, clippy and the documentation build
    Check,
    /// Dependencies between crates point down, and each outside library is used where it belongs
    Directions,
    /// Rules on source files: sizes, names, module docs, what a library crate does not do
    Sources,
    /// Every requirement of the OCI distribution specification has a test
    Oci,
    /// Every case of faults and bad input has a test; or run those tests in their long form
    Torture {
        /// Run the tests, with millions of requests and gigabytes where CI has thousands and megabytes
        #[arg(long)]
        long: bool,
        /// Which tests, with `--long`: a part of their names, such as `man_19`
        #[arg(requires = "long")]
        filter: Vec<String>,
    },
    /// Every dependency has a licence that we accept
    Licences,
    /// No dependency has an advisory
    Advisories,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Test { args } => test::run(&args),
        Command::Scale { blobs } => scale::run(blobs),
        Command::Bench { what } => bench::run(&what),
        Command::Fuzz { targets, seconds, keep } => fuzz::run(&targets, seconds, keep),
        Command::Check => check::run(),
        Command::Directions => directions::check(),
        Command::Sources => sources::check(),
        Command::Oci => oci::check(),
        Command::Torture { long, filter } => torture::run(long, &filter),
        Command::Licences => licences::check(),
        Command::Advisories => advisories::check(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
