//! Every requirement of the OCI distribution specification against a real `wharf serve`.
//!
//! `docs/oci-requirements.md` says which test proves which requirement; `cargo xtask oci` checks that the table is
//! complete. Each test starts a server of its own, and [`wharf::Wharf::send`] checks on every single answer what the
//! specification asks of all of them.

mod manifest;
mod soundness;
mod wharf;

mod algorithms;
mod cancel;
mod categories;
mod chunks;
mod deletes;
mod errors;
mod fallback_tag;
mod limits;
mod manifest_kinds;
mod manifest_size;
mod mount;
mod multi_tags;
mod names;
mod ping;
mod pull_blob;
mod pull_manifest;
mod push_blob;
mod push_manifest;
mod ranges;
mod referrers;
mod sparse;
mod subject;
mod tags;
