//! `cargo xtask bench`: wharf beside others, in one run on one machine.

mod aims;
mod cases;
mod client;
mod content;
mod figures;
mod machine;
mod memory;
mod process;
mod pull;
mod push;
mod report;
mod rounds;
mod serve;
mod servers;
mod tree;

use clap::Subcommand;

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// `wharf serve` beside registry 2.8, registry 3 and nginx
    Serve(serve::Options),
}

/// Measures it.
pub(crate) fn run(what: &What) -> anyhow::Result<()> {
    match what {
        What::Serve(options) => serve::run(options),
    }
}
