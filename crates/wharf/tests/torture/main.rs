//! Faults and bad input that need no login: whatever a client sends, the registry stays whole.
//!
//! `docs/torture.md` says which test proves which case; `cargo xtask torture` checks that the table is complete. A test is
//! named after the id of its case, as in `name_03_…`, and runs within [`harness::Torture`], which asks of every case what
//! is asked of all of them (INV-01 to INV-06). Cases that take minutes or gigabytes are here in a short form;
//! `cargo xtask torture --long` runs the long one ([`harness::is_long`]).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

mod lists;
mod manifests;
mod names;
mod transport;
mod uploads;
