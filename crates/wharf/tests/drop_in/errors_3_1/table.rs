//! What differs from registry 3.1.1, and why.

use std::collections::BTreeSet;

use crate::differences::DIFFERENCES;

/// A difference on purpose.
pub(crate) struct Difference {
    /// Its name: the id in the list of differences from registry 2.8, where that has it.
    pub(crate) id: &'static str,
    /// Why; `None` where the list of differences says it.
    pub(crate) reason: Option<&'static str>,
    /// The cases that meet it.
    pub(crate) answers: &'static [Answers],
}

/// A case and both answers to it, with the hex of digests as `…`.
pub(crate) struct Answers {
    /// The case.
    pub(crate) case: &'static str,
    /// What registry 3.1.1 answers.
    pub(crate) registry_3_1: &'static str,
    /// What wharf answers.
    pub(crate) wharf: &'static str,
}

/// A case's answers: those of registry 3.1.1, then those of wharf.
const fn answers(case: &'static str, registry_3_1: &'static str, wharf: &'static str) -> Answers {
    Answers {
        case,
        registry_3_1,
        wharf,
    }
}

/// Every difference from registry 3.1.1: uploads, blobs, manifests, lists.
pub(crate) const TABLE: &[Difference] = &[
    Difference {
        id: "content-range",
        reason: None,
        answers: &[
            answers(
                "chunk too far on",
                "416 RANGE_INVALID (invalid content range)",
                "416 BLOB_UPLOAD_INVALID (blob upload invalid) \"the upload goes on at byte 0\"",
            ),
            answers(
                "chunk's range malformed",
                "500 UNKNOWN (unknown error) \"invalid content range format, five\"",
                "416 BLOB_UPLOAD_INVALID (blob upload invalid) \"the upload goes on at byte 0\"",
            ),
            answers(
                "chunk's range backwards",
                "416 RANGE_INVALID (invalid content range)",
                "416 BLOB_UPLOAD_INVALID (blob upload invalid) \"the upload goes on at byte 0\"",
            ),
        ],
    },
    Difference {
        id: "stale-offset",
        reason: None,
        answers: &[answers(
            "stale offset",
            "416 RANGE_INVALID (invalid content range)",
            "416 BLOB_UPLOAD_INVALID (blob upload invalid) \"the upload goes on at byte 5\"",
        )],
    },
    Difference {
        id: "patch-content-type",
        reason: None,
        answers: &[answers(
            "chunk of text",
            "500 UNKNOWN (unknown error) \"bad Content-Type\"",
            "202 text \"\"",
        )],
    },
    Difference {
        id: "names-refused",
        reason: None,
        answers: &[answers(
            "blob, no digest",
            "404 text \"404 page not found\\n\"",
            "400 DIGEST_INVALID (provided digest did not match uploaded content) \"invalid checksum digest \
                 format\"",
        )],
    },
    Difference {
        id: "added-detail",
        reason: None,
        answers: &[
            answers(
                "delete unknown manifest",
                "404 MANIFEST_UNKNOWN (manifest unknown)",
                "404 MANIFEST_UNKNOWN (manifest unknown) \"unknown manifest name=foo revision=sha256:…\"",
            ),
            answers(
                "delete unknown blob",
                "404 BLOB_UNKNOWN (blob unknown to registry)",
                "404 BLOB_UNKNOWN (blob unknown to registry) \"sha256:…\"",
            ),
            answers(
                "manifest under another digest",
                "400 DIGEST_INVALID (provided digest did not match uploaded content)",
                "400 DIGEST_INVALID (provided digest did not match uploaded content) \"provided digest `sha256:…` did \
                 not match the manifest's `sha256:…`\"",
            ),
        ],
    },
    Difference {
        id: "malformed-digest",
        reason: None,
        answers: &[
            answers(
                "manifest, short digest",
                "500 UNKNOWN (unknown error) \"filesystem: invalid path: \
                 /docker/registry/v2/repositories/foo/_manifests/tags/sha256:abc/current/link\"",
                "400 DIGEST_INVALID (provided digest did not match uploaded content) \"invalid checksum digest \
                 length\"",
            ),
            answers(
                "manifest, unknown algorithm",
                "500 UNKNOWN (unknown error) \"filesystem: invalid path: \
                 /docker/registry/v2/repositories/foo/_manifests/tags/md5:d41d8cd98f00b204e9800998ecf8427e/current/link\"",
                "400 DIGEST_INVALID (provided digest did not match uploaded content) \"unsupported digest algorithm\"",
            ),
            answers(
                "manifest, digest in upper case",
                "500 UNKNOWN (unknown error) \"filesystem: invalid path: \
                 /docker/registry/v2/repositories/foo/_manifests/tags/sha256:…/current/link\"",
                "400 DIGEST_INVALID (provided digest did not match uploaded content) \"invalid checksum digest \
                 format\"",
            ),
            answers(
                "manifest, digest not hex",
                "500 UNKNOWN (unknown error) \"filesystem: invalid path: \
                 /docker/registry/v2/repositories/foo/_manifests/tags/sha256:xyz/current/link\"",
                "400 DIGEST_INVALID (provided digest did not match uploaded content) \"invalid checksum digest \
                 length\"",
            ),
            answers(
                "delete manifest, short digest",
                "500 UNKNOWN (unknown error) \"filesystem: invalid path: \
                 /docker/registry/v2/repositories/foo/_manifests/tags/sha256:abc\"",
                "400 DIGEST_INVALID (provided digest did not match uploaded content) \"invalid checksum digest \
                 length\"",
            ),
            answers(
                "put manifest, short digest",
                "500 UNKNOWN (unknown error) \"filesystem: invalid path: \
                 /docker/registry/v2/repositories/foo/_manifests/tags/sha256:abc/index/sha256/…/link\"",
                "400 DIGEST_INVALID (provided digest did not match uploaded content) \"invalid checksum digest \
                 length\"",
            ),
            answers(
                "put manifest, unknown algorithm",
                "500 UNKNOWN (unknown error) \"filesystem: invalid path: \
                 /docker/registry/v2/repositories/foo/_manifests/tags/md5:d41d8cd98f00b204e9800998ecf8427e/index/sha256/…/link\"",
                "400 DIGEST_INVALID (provided digest did not match uploaded content) \"unsupported digest algorithm\"",
            ),
        ],
    },
    Difference {
        id: "delete-by-tag-detail",
        reason: Some(
            "registry 3.1.1 tells the path of a file on the server; who asks for that tag by `GET` is told the same \
             as here.",
        ),
        answers: &[answers(
            "delete unknown tag",
            "404 MANIFEST_UNKNOWN (manifest unknown) \"filesystem: Path not found: \
                 /docker/registry/v2/repositories/foo/_manifests/tags/latest\"",
            "404 MANIFEST_UNKNOWN (manifest unknown) \"unknown tag=latest\"",
        )],
    },
    Difference {
        id: "manifest-too-large",
        reason: None,
        answers: &[answers(
            "manifest too large",
            "400 MANIFEST_INVALID (manifest invalid) \"http: request body too large\"",
            "413 MANIFEST_INVALID (manifest invalid) \"http: request body too large\"",
        )],
    },
    Difference {
        id: "malformed-manifest",
        reason: None,
        answers: &[
            answers(
                "manifest of version 1",
                "500 UNKNOWN (unknown error) \"unrecognized manifest schema version 1\"",
                "400 MANIFEST_INVALID (manifest invalid) \"`schemaVersion` must be 2\"",
            ),
            answers(
                "manifest with a short digest",
                "500 UNKNOWN (unknown error) UNKNOWN (unknown error) \"invalid checksum digest length\" \
                 MANIFEST_BLOB_UNKNOWN (blob unknown to registry) \"sha256:abc\" MANIFEST_BLOB_UNKNOWN (blob unknown \
                 to registry) \"sha256:…\" MANIFEST_BLOB_UNKNOWN (blob unknown to registry) \"sha256:…\"",
                "400 MANIFEST_INVALID (manifest invalid) \"`config.digest`: invalid checksum digest length\"",
            ),
            answers(
                "empty OCI manifest",
                "500 UNKNOWN (unknown error) \"unrecognized manifest schema version 0\"",
                "400 MANIFEST_INVALID (manifest invalid) \"`schemaVersion` must be 2\"",
            ),
        ],
    },
    Difference {
        id: "own-words",
        reason: Some(
            "same status and code; the detail is the text of another parser, or names what it found wrong first, and \
             no client may depend on it.",
        ),
        answers: &[
            answers(
                "state no base64",
                "404 BLOB_UPLOAD_INVALID (blob upload invalid) \"illegal base64 data at input byte 0\"",
                "404 BLOB_UPLOAD_INVALID (blob upload invalid) \"invalid secret\"",
            ),
            answers(
                "manifest of another type",
                "400 MANIFEST_INVALID (manifest invalid) \"mediaType in manifest should be \
                 'application/vnd.docker.distribution.manifest.v2+json' not \
                 'application/vnd.oci.image.manifest.v1+json'\"",
                "400 MANIFEST_INVALID (manifest invalid) \"mediaType in manifest should be \
                 `application/vnd.docker.distribution.manifest.v2+json` not \
                 `application/vnd.oci.image.manifest.v1+json`\"",
            ),
            answers(
                "empty docker manifest",
                "400 MANIFEST_INVALID (manifest invalid) \"mediaType in manifest should be \
                 'application/vnd.docker.distribution.manifest.v2+json' not ''\"",
                "400 MANIFEST_INVALID (manifest invalid) \"`schemaVersion` must be 2\"",
            ),
            answers(
                "manifest of no bytes",
                "400 MANIFEST_INVALID (manifest invalid) \"unexpected end of JSON input\"",
                "400 MANIFEST_INVALID (manifest invalid) \"EOF while parsing a value at line 1 column 0\"",
            ),
            answers(
                "manifest no JSON",
                "400 MANIFEST_INVALID (manifest invalid) \"invalid character 'o' in literal null (expecting 'u')\"",
                "400 MANIFEST_INVALID (manifest invalid) \"expected ident at line 1 column 2\"",
            ),
            answers(
                "docker manifest no JSON",
                "400 MANIFEST_INVALID (manifest invalid) \"unexpected end of JSON input\"",
                "400 MANIFEST_INVALID (manifest invalid) \"EOF while parsing a value at line 1 column 20\"",
            ),
        ],
    },
    Difference {
        id: "pagination-number",
        reason: None,
        answers: &[
            answers(
                "catalog, n negative",
                "400 PAGINATION_NUMBER_INVALID (invalid number of results requested) {\"n\":\"-1\"}",
                "400 UNSUPPORTED (The operation is unsupported.) {\"n\":\"-1\"}",
            ),
            answers(
                "catalog, n no number",
                "400 PAGINATION_NUMBER_INVALID (invalid number of results requested) {\"n\":\"abc\"}",
                "400 UNSUPPORTED (The operation is unsupported.) {\"n\":\"abc\"}",
            ),
        ],
    },
    Difference {
        id: "number-as-written",
        reason: Some(
            "a code of OCI's list, as in the catalog; the detail is what the client wrote, where registry 3.1.1 gives \
             the number that it read, 0 where there is none.",
        ),
        answers: &[
            answers(
                "tags of unknown repository, n negative",
                "400 PAGINATION_NUMBER_INVALID (invalid number of results requested) {\"n\":-1}",
                "400 UNSUPPORTED (The operation is unsupported.) {\"n\":\"-1\"}",
            ),
            answers(
                "tags, n negative",
                "400 PAGINATION_NUMBER_INVALID (invalid number of results requested) {\"n\":-1}",
                "400 UNSUPPORTED (The operation is unsupported.) {\"n\":\"-1\"}",
            ),
            answers(
                "tags, n no number",
                "400 PAGINATION_NUMBER_INVALID (invalid number of results requested) {\"n\":0}",
                "400 UNSUPPORTED (The operation is unsupported.) {\"n\":\"abc\"}",
            ),
        ],
    },
    Difference {
        id: "pagination-maximum",
        reason: None,
        answers: &[answers(
            "catalog, n above the maximum",
            "400 PAGINATION_NUMBER_INVALID (invalid number of results requested) {\"n\":1001}",
            "200 text \"{\\\"repositories\\\":[\\\"foo\\\"]}\\n\"",
        )],
    },
];

#[test]
fn every_difference_has_one_reason_and_its_cases() {
    let mut cases = BTreeSet::new();
    for Difference { id, reason, answers } in TABLE {
        let is_listed = DIFFERENCES.iter().any(|difference| difference.id == *id);
        assert_ne!(is_listed, reason.is_some(), "why `{id}` is must be told, and only once");
        assert!(!answers.is_empty(), "`{id}` has no case");
        for answer in *answers {
            assert!(cases.insert(answer.case), "`{}` is listed twice", answer.case);
            assert_ne!(answer.registry_3_1, answer.wharf, "`{}` is no difference", answer.case);
        }
    }
}
