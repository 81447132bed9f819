//! The one list of what wharf does otherwise than registry 2.8, and why.

/// A difference on purpose.
pub(crate) struct Difference {
    /// What cases call it.
    pub(crate) id: &'static str,
    /// What registry 2.8 does.
    pub(crate) registry_2_8: &'static str,
    /// What wharf does.
    pub(crate) wharf: &'static str,
    /// Why.
    pub(crate) reason: &'static str,
}

/// Every difference, in the order of the page: uploads, blobs, manifests, lists, all answers, configuration.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        id: "post-with-digest",
        registry_2_8: "ignores digest and body of `POST …/blobs/uploads/?digest=<d>` and starts an upload (202).",
        wharf: "stores the blob and answers 201; a body that does not match, or a malformed digest, gets 400 \
                `DIGEST_INVALID`.",
        reason: "OCI's upload in a single request; its clients handle 201 and 202.",
    },
    Difference {
        id: "hash-states",
        registry_2_8: "keeps every hash state of an upload, and writes the state of nothing again when asked for the \
                       status.",
        wharf: "keeps the newest hash state only; a status request writes nothing.",
        reason: "only the newest can be resumed from, and a file per chunk adds up; registry:2 reads on from it.",
    },
    Difference {
        id: "patch-content-type",
        registry_2_8: "refuses a `PATCH` whose Content-Type is not `application/octet-stream` with 500 `UNKNOWN`.",
        wharf: "takes the body as bytes, whatever its Content-Type.",
        reason: "bad input is no server error, and the type says nothing about a blob.",
    },
    Difference {
        id: "content-range",
        registry_2_8: "ignores `Content-Range` on `PATCH` and `PUT` and appends.",
        wharf: "answers 416 `BLOB_UPLOAD_INVALID` with `Location`, `Range` and `Docker-Upload-Uuid` when it is \
                malformed, does not start at the current end or does not have the body's length; nothing is written.",
        reason: "OCI demands it, and a chunk in the wrong place is a broken blob found much later.",
    },
    Difference {
        id: "form-bodies",
        registry_2_8: "reads `digest` and the other parameters also from a body of type \
                       `application/x-www-form-urlencoded`, and loses blob bytes that are sent with that type.",
        wharf: "reads parameters from the URL only; a body is always the blob's bytes.",
        reason: "command-line clients send that type by default, and their uploads should not be corrupted.",
    },
    Difference {
        id: "upload-leftovers",
        registry_2_8: "leaves a directory with a hash state behind when an upload is cancelled.",
        wharf: "leaves nothing; the upload's directory is removed last.",
        reason: "registry:2 never purges that directory, since it has no `startedat`.",
    },
    Difference {
        id: "digest-mismatch",
        registry_2_8: "keeps an upload that ended with a wrong digest; it can be ended again only if the `PUT` was \
                       empty.",
        wharf: "removes the upload: 404 `BLOB_UPLOAD_UNKNOWN` from then on.",
        reason: "its bytes are not what the client meant, and half of such uploads are dead on registry:2 too.",
    },
    Difference {
        id: "repeated-put",
        registry_2_8: "answers 404 `BLOB_UPLOAD_UNKNOWN` to a closing `PUT` sent again.",
        wharf: "answers 201 when the repository has the blob of that digest.",
        reason: "a client whose 201 was lost sends it again, and its blob is there.",
    },
    Difference {
        id: "status-without-state",
        registry_2_8: "answers 404 `BLOB_UPLOAD_INVALID` to `GET` or `HEAD` of an upload without `_state` or with \
                       an old one.",
        wharf: "answers 204 with the current `Location` and `Range`; a forged `_state` is refused as before.",
        reason: "asking is how a client that lost an answer finds out where to go on (registry 3 and OCI).",
    },
    Difference {
        id: "stale-offset",
        registry_2_8: "answers 404 `BLOB_UPLOAD_INVALID` when the offset in `_state` is not the current end.",
        wharf: "answers 416 `BLOB_UPLOAD_INVALID` with `Location`, `Range` and `Docker-Upload-Uuid`; `DELETE` takes \
                any offset.",
        reason: "OCI's answer to a chunk out of order, with what the client needs to go on.",
    },
    Difference {
        id: "lost-connection",
        registry_2_8: "keeps what arrived before a connection broke but refuses every `_state` the client has; logs \
                       status 500.",
        wharf: "lets the client ask for the status with the old `_state` and go on from there; logs status 499.",
        reason: "large layers over bad lines should not start from zero.",
    },
    Difference {
        id: "mount-without-from",
        registry_2_8: "starts an upload (202) when `from` is missing.",
        wharf: "mounts the blob (201) when any repository has it.",
        reason: "OCI allows it, and the bytes need not travel again.",
    },
    Difference {
        id: "mount-from-no-name",
        registry_2_8: "starts an upload (202) when `from` is outside the grammar of names.",
        wharf: "answers 400 `NAME_INVALID`.",
        reason: "such a request is a mistake or an attempt on the tree, and the client should hear of it.",
    },
    Difference {
        id: "sha512",
        registry_2_8: "stores content under its sha256 whatever digest was asked for, answers with that, refuses \
                       manifests by sha512 and loses blobs mounted by sha512.",
        wharf: "stores and serves it under the digest that was pushed.",
        reason: "OCI: what was pushed under a digest is found under it.",
    },
    Difference {
        id: "range-not-satisfiable",
        registry_2_8: "announces the blob's length in a 416 and sends a short text.",
        wharf: "sends a clean 416: `Content-Range: bytes */<size>`, the text and its own length.",
        reason: "strict clients take registry 2.8's answer for a broken connection (registry 3 mended it).",
    },
    Difference {
        id: "many-ranges",
        registry_2_8: "sends any number of ranges of a blob in one answer.",
        wharf: "sends the whole blob when more than 16 are asked for.",
        reason: "small requests must not make large answers.",
    },
    Difference {
        id: "precondition-failed",
        registry_2_8: "announces the blob's length in a 412 and sends nothing.",
        wharf: "sends `Content-Length: 0`.",
        reason: "strict clients take registry 2.8's answer for a broken connection.",
    },
    Difference {
        id: "vanished-blob",
        registry_2_8: "with a descriptor cache, answers 200 with a length and no bytes when a blob's file is gone.",
        wharf: "answers 404 `BLOB_UNKNOWN`.",
        reason: "a client can push a blob that it knows to be missing.",
    },
    Difference {
        id: "manifest-conditions",
        registry_2_8: "compares the whole `If-None-Match` with the digest, before it looks whether there is such a \
                       manifest, sends 304 without any validator, and ignores `If-Match`.",
        wharf: "understands lists, weak tags and `*` (and a bare digest, as registry 2.8), sends `ETag` and \
                `Docker-Content-Digest` with 304, 404 for a manifest that does not exist, and 412 where `If-Match` \
                says so.",
        reason: "HTTP's rules, as for blobs.",
    },
    Difference {
        id: "manifest-too-large",
        registry_2_8: "answers 400 `MANIFEST_INVALID` to a manifest over 4 MiB.",
        wharf: "answers 413 `MANIFEST_INVALID`.",
        reason: "OCI's status for it.",
    },
    Difference {
        id: "delete-by-tag",
        registry_2_8: "answers 400 `DIGEST_INVALID` to `DELETE` of a tag.",
        wharf: "removes that tag and nothing else (202).",
        reason: "OCI and registry 3; without it a tag can't be removed while another has the same manifest.",
    },
    Difference {
        id: "schema1-push",
        registry_2_8: "answers 500 `UNKNOWN` to a schema 1 manifest, or takes it where the configuration allows it.",
        wharf: "answers 400 `MANIFEST_INVALID` and says that the type is not supported.",
        reason: "the format is dead, and refusing it is no server error. Stored ones are still served.",
    },
    Difference {
        id: "referrers",
        registry_2_8: "stores `subject` and has no referrers API.",
        wharf: "answers `OCI-Subject` to the push and lists referrers.",
        reason: "OCI 1.1.",
    },
    Difference {
        id: "descriptor-size",
        registry_2_8: "never compares `size` in descriptors, and takes negative ones.",
        wharf: "answers 400 `SIZE_INVALID` when it is not the size of what is stored, 400 `MANIFEST_INVALID` when it \
                is negative.",
        reason: "clients check it on pull: such an image could be pushed and never be pulled.",
    },
    Difference {
        id: "urls",
        registry_2_8: "allows no layer `urls` unless the configuration lists some, and answers 500 to the others.",
        wharf: "accepts all, never fetching them, unless the configuration lists some, and answers 400 \
                `MANIFEST_INVALID` to the others.",
        reason: "OCI demands that non-distributable layers can be pushed.",
    },
    Difference {
        id: "foreign-layers",
        registry_2_8: "refuses docker's foreign layers without `urls` (500), and OCI's non-distributable ones without \
                       `urls` whose content is missing (400).",
        wharf: "never asks for the content of a layer of these types.",
        reason: "such layers are not meant to be in a registry, and OCI does not make `urls` a condition.",
    },
    Difference {
        id: "malformed-manifest",
        registry_2_8: "answers 500 `UNKNOWN`, or 400 with other codes, to a wrong `schemaVersion` or a malformed \
                       digest inside a manifest.",
        wharf: "answers 400 `MANIFEST_INVALID`.",
        reason: "bad input is no server error.",
    },
    Difference {
        id: "ambiguous-manifest",
        registry_2_8: "takes docker manifests that are image and list at once, and JSON whose keys occur twice or \
                       differ in case only.",
        wharf: "answers 400 `MANIFEST_INVALID`.",
        reason: "two readers of such a manifest may see two images (CVE-2021-41190).",
    },
    Difference {
        id: "malformed-digest",
        registry_2_8: "answers 500 `UNKNOWN` to a malformed digest as a manifest's reference.",
        wharf: "answers 400 `DIGEST_INVALID`.",
        reason: "bad input is no server error.",
    },
    Difference {
        id: "manifest-of-a-layer",
        registry_2_8: "takes layers for manifests: answers 500 when one is asked for as a manifest (or serves it, where its \
                       bytes are a manifest), takes them as entries of lists, and removes the blob's link when a \
                       manifest of that digest is deleted.",
        wharf: "answers 404 `MANIFEST_UNKNOWN`; a blob and a manifest are two things.",
        reason: "registry 2.8 resolves manifests through layer links because of a mistake of release 2.1.0.",
    },
    Difference {
        id: "no-accept",
        registry_2_8: "takes a missing `Accept`, `*/*` and `application/*` as accepting nothing and converts docker \
                       images and lists to schema 1.",
        wharf: "serves the manifest as stored; the conversion is for clients that name types of which none fits.",
        reason: "HTTP's meaning of these, and nobody who sends no `Accept` today wants schema 1.",
    },
    Difference {
        id: "oci-as-stored",
        registry_2_8: "answers 404 `MANIFEST_UNKNOWN` for an OCI manifest or index that is not in `Accept`.",
        wharf: "serves it as stored.",
        reason: "OCI: a manifest that exists is found.",
    },
    Difference {
        id: "tags-sorted",
        registry_2_8: "lists tags in the order of the directory.",
        wharf: "lists tags sorted by their bytes.",
        reason: "OCI.",
    },
    Difference {
        id: "tags-paged",
        registry_2_8: "ignores `n` and `last` of a tag list.",
        wharf: "pages by them, with `Link`; without `n` it lists all tags.",
        reason: "OCI.",
    },
    Difference {
        id: "untagged-repository",
        registry_2_8: "answers 404 `NAME_UNKNOWN` for the tags of a repository that never had one.",
        wharf: "answers 200 with `\"tags\":[]` when it holds a manifest.",
        reason: "the repository exists.",
    },
    Difference {
        id: "no-manifests-left",
        registry_2_8: "answers 200 with `\"tags\":null` after the last tag is gone.",
        wharf: "answers 404 `NAME_UNKNOWN` when no manifest is left, `\"tags\":[]` otherwise.",
        reason: "no ghost repositories, and a list is always a list.",
    },
    Difference {
        id: "catalog-membership",
        registry_2_8: "lists a repository once it has a layer, and for ever.",
        wharf: "lists a repository while it holds a manifest.",
        reason: "registry 3's rule; no ghost repositories.",
    },
    Difference {
        id: "catalog-link",
        registry_2_8: "sends a catalog `Link` when any further directory exists, so the last page may be empty.",
        wharf: "sends it only when a further repository exists.",
        reason: "the index knows.",
    },
    Difference {
        id: "pagination-number",
        registry_2_8: "takes a catalog's `n` that is negative or no number as 100.",
        wharf: "answers 400 `UNSUPPORTED`.",
        reason: "as registry 3, with a code of OCI's list.",
    },
    Difference {
        id: "pagination-maximum",
        registry_2_8: "answers 400 `PAGINATION_NUMBER_INVALID` to a catalog's `n` above `catalog.maxentries`.",
        wharf: "takes the maximum, with a `Link` to the rest.",
        reason: "the client gets its list.",
    },
    Difference {
        id: "error-detail",
        registry_2_8: "puts a dump of Go's error value, often `{}`, into an error's `detail`.",
        wharf: "puts registry 3's text there.",
        reason: "a person can read it; no client may depend on either.",
    },
    Difference {
        id: "added-detail",
        registry_2_8: "says nothing but the code in some errors (deletes of what is not there or while deletion is \
                       off, a wrong digest in a manifest's URL, a state of another upload), and the class of a \
                       refused manifest in `message`.",
        wharf: "says why in `detail`, with the same status and code.",
        reason: "a person can read it; no client may depend on it.",
    },
    Difference {
        id: "plain-text-errors",
        registry_2_8: "answers unknown paths (404), wrong methods (405) and writes in read-only mode (405) in plain \
                       text.",
        wharf: "answers them with the same status and a JSON body of code `UNSUPPORTED`.",
        reason: "clients find an error's text in one place.",
    },
    Difference {
        id: "allowed-methods",
        registry_2_8: "answers 405 to `HEAD` of the catalog and of a tag list, and 404 `BLOB_UPLOAD_UNKNOWN` to \
                       methods other than `POST` at `…/blobs/uploads/`.",
        wharf: "answers `HEAD` like `GET` without the body, and 405 `UNSUPPORTED` with `Allow: POST` there.",
        reason: "HTTP: `HEAD` is wherever `GET` is, and 405 says what is wrong.",
    },
    Difference {
        id: "trace",
        registry_2_8: "answers 200 to `TRACE` of `/v2/` and of `/`.",
        wharf: "answers 405 `UNSUPPORTED` to `TRACE` and `CONNECT` everywhere.",
        reason: "one is for echoing a request with its secrets, the other for tunnels; a registry does neither.",
    },
    Difference {
        id: "redirects",
        registry_2_8: "redirects paths with a slash too many or too few, with `//` or `..`, to its own form.",
        wharf: "redirects `/v2` only, without an HTML body, takes `POST …/blobs/uploads` without its last slash, and \
                refuses the others.",
        reason: "one path, one meaning: what was authorised is what is served.",
    },
    Difference {
        id: "json-content-type",
        registry_2_8: "sends JSON as `application/json; charset=utf-8`.",
        wharf: "sends `application/json`.",
        reason: "JSON has no charset parameter (registry 3).",
    },
    Difference {
        id: "names-refused",
        registry_2_8: "answers a plain 404 to names and tags outside the grammar, and lets some upper-case names \
                       through.",
        wharf: "answers 400 `NAME_INVALID`, for a blob's digest 400 `DIGEST_INVALID`; for a tag 404 `MANIFEST_UNKNOWN` to `GET` and 400 `MANIFEST_INVALID` to \
                `PUT`.",
        reason: "OCI's grammar and codes; a client sees what is wrong.",
    },
    Difference {
        id: "auth",
        registry_2_8: "guards itself as the `auth` section says.",
        wharf: "refuses to start with one; `--ignore-unsupported` makes it a warning.",
        reason: "authentication is not built yet, and nobody should run open without knowing.",
    },
    Difference {
        id: "middleware",
        registry_2_8: "loads the configured middleware, such as redirects of blobs to another server.",
        wharf: "refuses to start with one; `--ignore-unsupported` makes it a warning.",
        reason: "middleware is not built yet, and decides where data comes from.",
    },
    Difference {
        id: "kept-secret",
        registry_2_8: "makes a new secret at each start when `http.secret` is not set, so that no upload survives a \
                       restart.",
        wharf: "makes one and keeps it under the root.",
        reason: "an upload begun before a restart ends after it.",
    },
    Difference {
        id: "own-files",
        registry_2_8: "keeps `docker` under the root, and nothing else.",
        wharf: "keeps its index, its secret and its lock in `wharf` beside it.",
        reason: "registry:2 ignores it; without it every list would read the whole tree.",
    },
    Difference {
        id: "one-server",
        registry_2_8: "starts a second time on the same root.",
        wharf: "refuses, and says that another process has the root.",
        reason: "one index has one writer.",
    },
    Difference {
        id: "unknown-keys",
        registry_2_8: "ignores unknown configuration keys in silence.",
        wharf: "warns, and names the nearest key it knows.",
        reason: "a misspelt setting is found before it matters.",
    },
    Difference {
        id: "log-secrets",
        registry_2_8: "writes the query of a request and of its `Referer` into the access log as it came.",
        wharf: "writes `<redacted>` in place of the values of parameters that are none of the API's, and of `_state`.",
        reason: "what lets somebody in has no place in a log.",
    },
    Difference {
        id: "empty-directories",
        registry_2_8: "removes the link of a deleted manifest or blob, and leaves its directory.",
        wharf: "removes the directory too.",
        reason: "neither reads anything into an empty directory, and they add up.",
    },
    Difference {
        id: "broken-links",
        registry_2_8: "answers 500 `UNKNOWN` where a link in the tree is empty or ends in a newline.",
        wharf: "answers 404, as to what is not there; `wharf fsck` tells of it and mends it.",
        reason: "a client can push what it knows to be missing.",
    },
    Difference {
        id: "dangling-tags",
        registry_2_8: "lists every directory of tags, whether there is a manifest or not.",
        wharf: "lists the tags that can be pulled; `wharf fsck` tells of the others.",
        reason: "a list of tags is for those who pull them.",
    },
    Difference {
        id: "limits",
        registry_2_8: "reads a request target of any length up to Go's limit of 1 MiB.",
        wharf: "answers 414 `UNSUPPORTED` above 8 KiB.",
        reason: "everything has a limit; no endpoint needs a longer one.",
    },
];
