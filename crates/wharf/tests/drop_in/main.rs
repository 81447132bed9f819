//! wharf in the place of registry:2 and back: the same requests, the same tree, one root handed to and fro.
//!
//! Everything here asks the real programs, Debian's `docker-registry` 2.8 and `wharf serve`.
//!
//! - `differential`: both are sent exactly the same requests, every answer and both trees are compared. What may differ
//!   stands in one table, [`deviations::DEVIATIONS`], by the ids of the list of differences; a difference that is not in
//!   the table fails, and so does an entry that the run does not meet.
//! - `adoption`: wharf takes over a root of registry:2 with all its left-overs, gives it back, and takes it again.
//! - `uploads`: an upload in progress crosses over.
//! - `errors_3_1`: errors are compared with those of registry 3.1.1, where Go is there to build it.
//! - `schema1`: stored signed schema 1 manifests.

mod adoption;
mod deviations;
#[path = "../registry_2_8/differences.rs"]
mod differences;
mod differential;
mod errors_3_1;
mod schema1;
mod uploads;

use std::path::Path;

use wharf_testing::server::Builder;
use wharf_testing::{Config, WharfServer};

/// The secret that both sign upload states with.
const SECRET: &str = "the secret of both";

/// The configuration of both: deletes are on, and upload states are signed with one secret.
fn config() -> Config {
    Config::new().delete().http(&format!("secret: {SECRET}"))
}

/// wharf with a configuration of registry:2. Its root is given separately.
fn wharf(config: &Config) -> Builder {
    let root = Path::new("/replaced/by/the/command/line");
    WharfServer::builder(env!("CARGO_BIN_EXE_wharf")).config(config.yaml(root))
}
