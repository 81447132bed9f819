//! The fuzz targets of `fuzz/`, held against the committed corpus: what fuzzing reached once, and each input that broke something.
//!
//! Plain `cargo test` has no fuzzer, so that this is made of the targets' own files.
#![expect(clippy::unwrap_used, reason = "a target fails by panicking")]
#![expect(unreachable_pub, reason = "what is public in a crate is not in a test")]

mod replay;
#[path = "../../../../fuzz/src/lib.rs"]
mod targets;
