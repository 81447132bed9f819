//! The grammar of the HTTP API's paths: the server parses them, the server and clients print them.
//!
//! Source: OCI distribution specification, "Endpoints"; `_catalog` from the Docker registry HTTP API v2. A repository name may
//! itself hold `blobs` or `manifests`, so a path is read from its end.

use std::fmt;

use crate::digest::{Digest, DigestError};
use crate::name::{NameError, Reference, ReferenceError, RepositoryName};
use crate::upload_id::UploadId;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `/v2/`
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/<name>/tags/list`
    Tags(RepositoryName),
    /// `/v2/<name>/manifests/<tag or digest>`
    Manifest(RepositoryName, Reference),
    /// `/v2/<name>/blobs/<digest>`
    Blob(RepositoryName, Digest),
    /// `/v2/<name>/blobs/uploads/`
    Uploads(RepositoryName),
    /// `/v2/<name>/blobs/uploads/<id>`
    Upload(RepositoryName, UploadId),
    /// `/v2/<name>/referrers/<digest>`
    Referrers(RepositoryName, Digest),
}

/// Why a path names nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// No endpoint has this form.
    #[error("no such endpoint")]
    Unknown,
    /// An endpoint, but of something that is no repository name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A manifest endpoint with something that is neither tag nor digest.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A blob or referrers endpoint with something that is no digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// An upload endpoint with something that no upload is named by.
    #[error("blob upload unknown")]
    UploadId,
}

impl Endpoint {
    /// Parses a path whose percent-encoding was taken off.
    ///
    /// ```
    /// use wharf_spec::{Endpoint, EndpointError};
    /// assert_eq!(Endpoint::parse("/v2/"), Ok(Endpoint::Base));
    /// assert!(matches!(Endpoint::parse("/v2/a/blobs/tags/list"), Ok(Endpoint::Tags(name)) if name.as_str() == "a/blobs"));
    /// assert_eq!(Endpoint::parse("/v1/"), Err(EndpointError::Unknown));
    /// assert!(matches!(Endpoint::parse("/v2/A/tags/list"), Err(EndpointError::Name(_))));
    /// ```
    pub fn parse(path: &str) -> Result<Self, EndpointError> {
        let rest = path.strip_prefix("/v2/").ok_or(EndpointError::Unknown)?;
        match rest {
            "" => return Ok(Self::Base),
            "_catalog" => return Ok(Self::Catalog),
            _ => {}
        }
        let (head, last) = rest.rsplit_once('/').ok_or(EndpointError::Unknown)?;
        if let ("list", Some(name)) = (last, head.strip_suffix("/tags")) {
            return Ok(Self::Tags(name.parse()?));
        }
        if let Some(name) = head.strip_suffix("/manifests") {
            return Ok(Self::Manifest(name.parse()?, last.parse()?));
        }
        if let Some(name) = head.strip_suffix("/referrers") {
            return Ok(Self::Referrers(name.parse()?, last.parse()?));
        }
        if let Some(name) = head.strip_suffix("/blobs/uploads") {
            return match last {
                "" => Ok(Self::Uploads(name.parse()?)),
                id => Ok(Self::Upload(
                    name.parse()?,
                    id.parse().map_err(|_| EndpointError::UploadId)?,
                )),
            };
        }
        if let Some(name) = head.strip_suffix("/blobs") {
            return match last {
                "uploads" => Ok(Self::Uploads(name.parse()?)),
                digest => Ok(Self::Blob(name.parse()?, digest.parse()?)),
            };
        }
        Err(EndpointError::Unknown)
    }

    /// The methods the endpoint answers, sorted.
    pub const fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Base | Self::Catalog | Self::Tags(_) | Self::Referrers(..) => &["GET", "HEAD"],
            Self::Manifest(..) => &["DELETE", "GET", "HEAD", "PUT"],
            Self::Blob(..) => &["DELETE", "GET", "HEAD"],
            Self::Uploads(_) => &["POST"],
            Self::Upload(..) => &["DELETE", "GET", "HEAD", "PATCH", "PUT"],
        }
    }
}

impl fmt::Display for Endpoint {
    /// The path. Nothing in it needs percent-encoding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base => f.write_str("/v2/"),
            Self::Catalog => f.write_str("/v2/_catalog"),
            Self::Tags(name) => write!(f, "/v2/{name}/tags/list"),
            Self::Manifest(name, reference) => write!(f, "/v2/{name}/manifests/{reference}"),
            Self::Blob(name, digest) => write!(f, "/v2/{name}/blobs/{digest}"),
            Self::Uploads(name) => write!(f, "/v2/{name}/blobs/uploads/"),
            Self::Upload(name, id) => write!(f, "/v2/{name}/blobs/uploads/{id}"),
            Self::Referrers(name, digest) => write!(f, "/v2/{name}/referrers/{digest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "5f01d00f-8cd3-40ba-b7ac-f2f003f6ab59";

    #[test]
    fn what_is_no_endpoint_says_why() {
        let cases = [
            ("/", EndpointError::Unknown),
            ("/v2", EndpointError::Unknown),
            ("/v2/foo", EndpointError::Unknown),
            ("/v2/foo/tags/list/", EndpointError::Unknown),
            ("/v2/foo/tags/lists", EndpointError::Unknown),
            ("/v2//tags/list", EndpointError::Name(NameError::Pattern)),
            ("/v2/a/../b/tags/list", EndpointError::Name(NameError::Pattern)),
            (
                "/v2/foo/manifests/",
                EndpointError::Reference(ReferenceError::Tag(NameError::Tag)),
            ),
            (
                "/v2/foo/manifests/sha256:abc",
                EndpointError::Reference(ReferenceError::Digest(DigestError::Length)),
            ),
            ("/v2/foo/blobs/md5:abc", EndpointError::Digest(DigestError::Unsupported)),
            ("/v2/foo/blobs/uploads/abc", EndpointError::UploadId),
        ];
        for (path, error) in cases {
            assert_eq!(Endpoint::parse(path), Err(error), "{path}");
        }
    }

    #[test]
    fn a_name_may_hold_the_words_of_the_grammar() {
        let path = format!("/v2/blobs/uploads/manifests/blobs/uploads/{ID}");
        let Ok(Endpoint::Upload(name, _)) = Endpoint::parse(&path) else {
            panic!("{path}")
        };
        assert_eq!(name.as_str(), "blobs/uploads/manifests");
    }

    proptest! {
        #[test]
        fn printing_round_trips(name in "[a-z0-9]{1,8}(/(blobs|tags|manifests|uploads|[a-z0-9]{1,4})){0,3}", tag in "[a-z_][a-zA-Z0-9._-]{0,20}") {
            let name: RepositoryName = name.parse().unwrap();
            let digest = Digest::of(crate::Algorithm::Sha256, tag.as_bytes());
            let endpoints = [
                Endpoint::Base, Endpoint::Catalog, Endpoint::Tags(name.clone()),
                Endpoint::Manifest(name.clone(), Reference::Tag(tag.parse().unwrap())),
                Endpoint::Manifest(name.clone(), Reference::Digest(digest)),
                Endpoint::Blob(name.clone(), digest), Endpoint::Uploads(name.clone()),
                Endpoint::Upload(name.clone(), ID.parse().unwrap()), Endpoint::Referrers(name, digest),
            ];
            for endpoint in endpoints {
                prop_assert_eq!(Endpoint::parse(&endpoint.to_string()), Ok(endpoint));
            }
        }

        #[test]
        fn no_path_panics(path in "/v2/.{0,100}") {
            let _ = Endpoint::parse(&path);
        }
    }
}
