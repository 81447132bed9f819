//! Real clients, real registries and seeded images for tests.
//!
//! Everything here blocks and panics with a message that says what went wrong: it is for tests
//! only. A server of ours ([`WharfServer`]) and Debian's registry 2.8 ([`DockerRegistry`]) answer
//! to the same trait, [`Registry`], so that one test body can ask both; [`http`] sends requests
//! exactly as written and shows answers exactly as received.
#![expect(clippy::missing_panics_doc, reason = "a test tool fails by panicking, everywhere")]

pub mod clients;
pub mod docker_registry;
pub mod encoding;
pub mod engine;
pub mod http;
pub mod image;
pub mod packages;
mod process;
pub mod server;

use std::net::SocketAddr;
use std::path::Path;

pub use docker_registry::{Config, DockerRegistry};
pub use server::WharfServer;

/// Which program answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `docker-registry` 2.8 of Debian.
    Registry28,
    /// `wharf serve`.
    Wharf,
}

/// A running registry on loopback.
pub trait Registry {
    /// Which program it is.
    fn kind(&self) -> Kind;
    /// Where it listens.
    fn addr(&self) -> SocketAddr;
    /// The storage root: the directory that holds `docker/registry/v2`.
    fn root(&self) -> &Path;
    /// Everything it has written to standard output and standard error so far.
    fn logs(&self) -> String;

    /// A new client of it.
    fn client(&self) -> http::Client {
        http::Client::new(self.addr())
    }

    /// `<root>/docker/registry/v2/<relative>`.
    fn tree(&self, relative: &str) -> std::path::PathBuf {
        self.root().join("docker/registry/v2").join(relative)
    }
}
