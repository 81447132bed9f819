//! The clients that people use against a real `wharf serve`.
//!
//! `cargo xtask test` installs them. Each test starts its own server and gives each client its own configuration and
//! storage; only the docker engine is shared. They need root, as dockerd does.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in the steps that several tests share"
)]

mod artifacts;
mod large;
mod matrix;
mod readme;
mod restart;
mod seeds;
mod served;
