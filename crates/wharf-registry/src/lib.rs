//! The registry:2 tree with its index: blobs, manifests, tags and uploads, without HTTP.
//!
//! Every write goes to the tree first, then to the index, where it becomes visible, and returns only then; every delete goes the
//! other way round. A crash between the two leaves something that nobody refers to, never a reference to something that is gone.
//!
//! Calls block, except the one that waits for an upload; a server runs them on a pool of threads made for that.

mod adopt;
mod blob;
mod damage;
mod error;
mod fsck;
mod hot;
mod locks;
mod manifest;
mod paths;
mod purge;
mod registry;
mod rules;
mod state;
mod stored;
mod tree;
mod upload;
mod upload_token;

pub use adopt::SweepProgress;
pub use blob::Blob;
pub use damage::{Damage, Remedy, Severity};
pub use error::{Failure, OpenError, PutManifestError, UploadError};
pub use fsck::{Finding, Fsck, FsckProgress, FsckSummary};
pub use hot::{BlobContent, HotManifest, OpenBlob};
pub use manifest::{PutManifest, StoredManifest};
pub use purge::{Purged, UploadPurging};
pub use registry::{Registry, Settings};
pub use rules::{IndexRule, Rules, UrlRule};
pub use state::StateDirectory;
pub use upload::{UploadGuard, UploadStatus, UploadWriter};
pub use upload_token::{TokenError, UploadToken};
pub use wharf_index::Counts;

#[cfg(test)]
mod tests;
