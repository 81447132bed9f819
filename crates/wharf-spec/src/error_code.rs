//! The codes a client finds in an error body.
//!
//! Source: OCI distribution specification, "Error codes" (a closed list), and `UNKNOWN` and `UNAVAILABLE`, which registry:2 adds
//! for failures of the server itself.

use std::fmt;

/// An error code with its fixed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// A blob that the repository does not have.
    BlobUnknown,
    /// A request that does not fit its upload.
    BlobUploadInvalid,
    /// An upload that is not there.
    BlobUploadUnknown,
    /// A digest that is none, or that its content does not have.
    DigestInvalid,
    /// A manifest that refers to something the repository does not have.
    ManifestBlobUnknown,
    /// A manifest that can't be accepted.
    ManifestInvalid,
    /// A manifest that the repository does not have.
    ManifestUnknown,
    /// A text that is no repository name.
    NameInvalid,
    /// A repository that is not there.
    NameUnknown,
    /// A length that does not fit its content.
    SizeInvalid,
    /// Credentials are needed.
    Unauthorized,
    /// The rights do not suffice.
    Denied,
    /// Not supported, or switched off.
    Unsupported,
    /// Too much at once.
    TooManyRequests,
    /// The server failed.
    Unknown,
    /// The server can't do this now.
    Unavailable,
}

impl ErrorCode {
    /// The code as it stands in a body.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied => "DENIED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::Unknown => "UNKNOWN",
            Self::Unavailable => "UNAVAILABLE",
        }
    }

    /// The message that registry:2 sends with the code.
    pub const fn message(self) -> &'static str {
        match self {
            Self::BlobUnknown | Self::ManifestBlobUnknown => "blob unknown to registry",
            Self::BlobUploadInvalid => "blob upload invalid",
            Self::BlobUploadUnknown => "blob upload unknown to registry",
            Self::DigestInvalid => "provided digest did not match uploaded content",
            Self::ManifestInvalid => "manifest invalid",
            Self::ManifestUnknown => "manifest unknown",
            Self::NameInvalid => "invalid repository name",
            Self::NameUnknown => "repository name not known to registry",
            Self::SizeInvalid => "provided length did not match content length",
            Self::Unauthorized => "authentication required",
            Self::Denied => "requested access to the resource is denied",
            Self::Unsupported => "The operation is unsupported.",
            Self::TooManyRequests => "too many requests",
            Self::Unknown => "unknown error",
            Self::Unavailable => "service unavailable",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
