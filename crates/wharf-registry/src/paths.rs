//! The tree of registry:2, and the only code that builds its paths.
//!
//! ```text
//! docker/registry/v2/
//! ├── blobs/<algorithm>/<first two hex digits>/<hex>/data        bytes of a blob or manifest
//! └── repositories/<name>/
//!     ├── _layers/<algorithm>/<hex>/link                         the digest, no newline
//!     ├── _manifests/
//!     │   ├── revisions/<algorithm>/<hex>/link                   the same
//!     │   └── tags/<tag>/
//!     │       ├── current/link                                   the digest the tag points to
//!     │       └── index/<algorithm>/<hex>/link                   every digest it ever pointed to
//!     └── _uploads/<id>/
//!         ├── startedat                                          RFC 3339, UTC, whole seconds, no newline
//!         ├── data                                               the bytes received so far
//!         └── hashstates/<algorithm>/<bytes hashed>              state of the running hash, in Go's form
//! ```
//!
//! A name may hold `/`, so a repository may lie inside another one; no component of a name starts with `_`. A reader passes over
//! files it does not know, `link.<uuid>.tmp` among them.

use wharf_spec::{Algorithm, Digest, RepositoryName, Tag, UploadId};
use wharf_storage::StorageKey;

const ROOT: &str = "docker/registry/v2";

/// The directories of a repository start with this, which no name does.
pub(crate) const RESERVED_PREFIX: char = '_';

fn key(path: &str) -> StorageKey {
    // Every part is a parsed type whose characters and length a key allows.
    path.parse().expect("names, tags and digests make valid keys")
}

fn hashed(digest: &Digest) -> String {
    format!("{}/{}", digest.algorithm(), digest.hex())
}

/// The tree.
pub(crate) fn tree() -> StorageKey {
    key(ROOT)
}

/// The directory of all repositories.
pub(crate) fn repositories() -> StorageKey {
    key(&format!("{ROOT}/repositories"))
}

/// The bytes of a blob or manifest.
pub(crate) fn blob_data(digest: &Digest) -> StorageKey {
    let hex = digest.hex();
    key(&format!("{ROOT}/blobs/{}/{}/{hex}/data", digest.algorithm(), &hex[..2]))
}

/// All content.
pub(crate) fn all_blobs() -> StorageKey {
    key(&format!("{ROOT}/blobs"))
}

/// All content of one algorithm.
pub(crate) fn blobs(algorithm: Algorithm) -> StorageKey {
    key(&format!("{ROOT}/blobs/{algorithm}"))
}

/// Where damaged content is moved to, beside registry:2's tree. Content that was damaged `number` times before has a number.
pub(crate) fn quarantine(digest: &Digest, number: u64) -> StorageKey {
    let suffix = if number == 0 {
        String::new()
    } else {
        format!(".{number}")
    };
    key(&format!("wharf/quarantine/{}{suffix}", hashed(digest)))
}

/// A repository's directory.
pub(crate) fn repository(name: &RepositoryName) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}"))
}

/// The links to a repository's blobs.
pub(crate) fn all_layers(name: &RepositoryName) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}/_layers"))
}

/// The links to a repository's blobs of one algorithm.
pub(crate) fn layers(name: &RepositoryName, algorithm: Algorithm) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}/_layers/{algorithm}"))
}

/// The directory of the link to a blob.
pub(crate) fn layer(name: &RepositoryName, digest: &Digest) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}/_layers/{}", hashed(digest)))
}

/// The link to a blob.
pub(crate) fn layer_link(name: &RepositoryName, digest: &Digest) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}/_layers/{}/link", hashed(digest)))
}

/// A repository's manifests and tags.
pub(crate) fn manifests(name: &RepositoryName) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}/_manifests"))
}

/// The links to a repository's manifests of one algorithm.
pub(crate) fn revisions(name: &RepositoryName, algorithm: Algorithm) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}/_manifests/revisions/{algorithm}"))
}

/// The directory of the link to a manifest.
pub(crate) fn revision(name: &RepositoryName, digest: &Digest) -> StorageKey {
    key(&format!(
        "{ROOT}/repositories/{name}/_manifests/revisions/{}",
        hashed(digest)
    ))
}

/// The link to a manifest.
pub(crate) fn revision_link(name: &RepositoryName, digest: &Digest) -> StorageKey {
    key(&format!(
        "{ROOT}/repositories/{name}/_manifests/revisions/{}/link",
        hashed(digest)
    ))
}

/// A repository's tags.
pub(crate) fn tags(name: &RepositoryName) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}/_manifests/tags"))
}

/// A tag's directory.
pub(crate) fn tag(name: &RepositoryName, tag: &Tag) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}/_manifests/tags/{tag}"))
}

/// The link to the manifest that a tag points to.
pub(crate) fn tag_current(name: &RepositoryName, tag: &Tag) -> StorageKey {
    key(&format!(
        "{ROOT}/repositories/{name}/_manifests/tags/{tag}/current/link"
    ))
}

/// The link to a manifest that a tag points to, or once did.
pub(crate) fn tag_index(name: &RepositoryName, tag: &Tag, digest: &Digest) -> StorageKey {
    key(&format!(
        "{ROOT}/repositories/{name}/_manifests/tags/{tag}/index/{}/link",
        hashed(digest)
    ))
}

/// The links to every manifest of one algorithm that a tag points to, or once did.
pub(crate) fn tag_history(name: &RepositoryName, tag: &Tag, algorithm: Algorithm) -> StorageKey {
    key(&format!(
        "{ROOT}/repositories/{name}/_manifests/tags/{tag}/index/{algorithm}"
    ))
}

/// A repository's uploads.
pub(crate) fn uploads(name: &RepositoryName) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}/_uploads"))
}

/// An upload's directory.
pub(crate) fn upload(name: &RepositoryName, id: &UploadId) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}/_uploads/{id}"))
}

/// The bytes an upload has received.
pub(crate) fn upload_data(name: &RepositoryName, id: &UploadId) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}/_uploads/{id}/data"))
}

/// When an upload was started.
pub(crate) fn upload_started_at(name: &RepositoryName, id: &UploadId) -> StorageKey {
    key(&format!("{ROOT}/repositories/{name}/_uploads/{id}/startedat"))
}

/// The hash states of an upload, of one algorithm.
pub(crate) fn hash_states(name: &RepositoryName, id: &UploadId, algorithm: Algorithm) -> StorageKey {
    key(&format!(
        "{ROOT}/repositories/{name}/_uploads/{id}/hashstates/{algorithm}"
    ))
}

/// The hash state of an upload after `size_bytes` bytes.
pub(crate) fn hash_state(name: &RepositoryName, id: &UploadId, algorithm: Algorithm, size_bytes: u64) -> StorageKey {
    key(&format!(
        "{ROOT}/repositories/{name}/_uploads/{id}/hashstates/{algorithm}/{size_bytes}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_names_make_keys() {
        let name: RepositoryName = "a".repeat(255).parse().unwrap();
        let nested: RepositoryName = format!("{}a", "a/".repeat(127)).parse().unwrap();
        let tag: Tag = "t".repeat(128).parse().unwrap();
        let digest = Digest::of(Algorithm::Sha512, b"");
        for name in [name, nested] {
            assert!(tag_index(&name, &tag, &digest).as_str().ends_with("/link"));
        }
    }
}
