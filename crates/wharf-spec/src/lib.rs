//! The words every other crate speaks: digests, repository and tag names, media types, descriptors, manifests, error codes
//! and the grammar of the HTTP API.
//!
//! Nothing here does I/O, is asynchronous or reads a clock. Every type is built by parsing only, serde included, so a value
//! that exists is valid.

pub mod content_range;
pub mod digest;
pub mod endpoint;
pub mod error_code;
pub mod hash_state;
mod json;
pub mod manifest;
pub mod media_type;
pub mod name;
pub mod referrers;
pub mod schema1;
pub mod upload_id;

pub use content_range::ContentRange;
pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use endpoint::{Endpoint, EndpointError};
pub use error_code::ErrorCode;
pub use manifest::{Descriptor, Manifest, ManifestError, Platform};
pub use media_type::MediaType;
pub use name::{NameError, Reference, RepositoryName, Tag};
pub use upload_id::UploadId;
