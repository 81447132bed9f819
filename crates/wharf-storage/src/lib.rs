//! Keys and bytes: where wharf keeps what it is given.
//!
//! A [`StorageKey`] names an object, a [`Driver`] stores it. Nothing here knows what a digest, a
//! manifest or a repository is. All calls block; an asynchronous caller runs them on a pool of
//! threads made for blocking.
//!
//! | driver | for |
//! | --- | --- |
//! | [`Filesystem`] | the local file system, the tree registry:2 can be started on |
//! | [`Memory`] | tests, and a registry that may forget everything |
//! | [`Instrumented`] | wraps a driver and reports how long each call took |
//! | `Faulty` | wraps a driver and fails one call of many (feature `testing`) |
//!
//! Every driver passes the same suite, `testing::conformance` (feature `testing`).
//!
//! # What durable means here
//!
//! An object is *durable* when it is found, whole, under its key after the machine lost its power
//! at any later moment. On the local file system that takes three things, and a call that promises
//! durability has done all of them when it returns:
//!
//! 1. The bytes of the file were flushed (`fdatasync`) before the file got its name.
//! 2. The directory that holds the name was flushed (`fsync`) after it got the name.
//! 3. So was the parent of every directory on the way that is not known to be durable already,
//!    up to the root. Who created such a directory does not matter: a thread that finds a
//!    directory made, but not yet flushed, by another one flushes its parent itself. Which
//!    directories are durable is remembered in memory, never assumed after a start.
//!
//! These calls promise it: [`Driver::write`], [`Driver::remove`] and [`Driver::remove_tree`] with
//! [`Durability::Synced`], [`Driver::rename`], and [`Appender::sync`]. With [`Durability::Lazy`]
//! the change is visible and atomic for everyone who looks at the running system, and a power cut
//! may undo or mangle it.
//!
//! A flush that fails is final. The kernel may have dropped the very pages it could not write and
//! report success when asked again, so the descriptor is never flushed a second time: the call
//! fails, a temporary file is thrown away, and an [`Appender`] fails every further call. What a
//! failed call leaves under its key is the old content or the new, never a mixture; it may be the
//! new one, not durable.
//!
//! Removal is the same with the roles exchanged: durable when the directory that held the name was
//! flushed after the name had gone.
//!
//! The promise rests on a file system and a disk that keep their own: flushes that are carried
//! out, and `rename` that is atomic. Network file systems often do neither.

mod driver;
mod error;
#[cfg(feature = "testing")]
mod faulty;
mod filesystem;
mod instrumented;
mod key;
mod memory;
mod residency;
mod temporary;
#[cfg(feature = "testing")]
pub mod testing;

pub use driver::{Appender, Driver, Durability, Entry, EntryKind, Object, Stat};
pub use error::StorageError;
#[cfg(feature = "testing")]
pub use faulty::{Fault, FaultPlan, FaultPlans, Faulty};
pub use filesystem::{Filesystem, LockError, RootLock};
pub use instrumented::Instrumented;
pub use key::{KeyError, StorageKey};
pub use memory::Memory;
pub use residency::is_in_memory;
pub use temporary::is_temporary_name;
