//! The storage drivers against their contract, and what only one of them has.

#![expect(clippy::unwrap_used, reason = "this crate is nothing but tests")]

mod conformance;
mod faults;
mod filesystem;
mod full;
mod instrumented;
mod lock;
mod process;

use wharf_storage::StorageKey;

fn key(text: &str) -> StorageKey {
    text.parse().expect("a storage key")
}
