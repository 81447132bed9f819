//! What clients do: several requests, the next of which depends on the answer.

use wharf_testing::Kind;
use wharf_testing::image::Content;

use super::ask::Ask;
use super::content::{Manifest, SCHEMA1};
use super::pair::Pair;

/// How a blob is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// POST, then PUT with everything.
    Monolithic,
    /// POST, PATCH with half, PUT with the rest.
    Halves,
    /// POST, PATCH several times without a length, PUT without a body.
    Chunked,
    /// POST with everything.
    Single,
}

pub(crate) const WAYS: [Way; 4] = [Way::Monolithic, Way::Halves, Way::Chunked, Way::Single];

/// `/v2/<repository>/blobs/uploads/`.
pub(crate) fn uploads(repository: &str) -> String {
    format!("/v2/{repository}/blobs/uploads/")
}

/// Begins an upload.
#[track_caller]
pub(crate) fn begin(pair: &mut Pair, repository: &str) -> usize {
    pair.ask(&Ask::new("POST", uploads(repository))).begun()
}

/// Begins an upload and sends these bytes.
#[track_caller]
pub(crate) fn begin_with(pair: &mut Pair, repository: &str, bytes: &[u8]) -> usize {
    let number = begin(pair, repository);
    let patched = pair.ask(&Ask::upload("PATCH", number).body(bytes));
    assert!(patched.is(202));
    number
}

/// Pushes a blob.
#[track_caller]
pub(crate) fn blob(pair: &mut Pair, repository: &str, blob: &Content, way: Way) {
    let (digest, bytes) = (&blob.digest, &blob.bytes);
    let (first, last) = bytes.split_at(bytes.len() / 2);
    let finished = match way {
        Way::Monolithic => {
            let number = begin(pair, repository);
            pair.ask(&Ask::finish(number, digest).body(bytes))
        }
        Way::Halves => {
            let number = begin_with(pair, repository, first);
            pair.ask(&Ask::finish(number, digest).body(last))
        }
        Way::Chunked => {
            let number = begin(pair, repository);
            for piece in [first, last, b""] {
                pair.ask(&Ask::upload("PATCH", number).body(piece).chunked());
            }
            pair.ask(&Ask::finish(number, digest))
        }
        Way::Single => return single(pair, repository, blob),
    };
    assert!(finished.is(201), "{}", finished.wharf);
}

/// Registry 2.8 begins an upload instead, which its client ends.
#[track_caller]
fn single(pair: &mut Pair, repository: &str, blob: &Content) {
    let post = Ask::new("POST", uploads(repository)).query(&format!("digest={}", blob.digest));
    let answers = pair.ask(&post.body(&blob.bytes));
    if let Some(number) = answers.upload {
        let finish = Ask::finish(number, &blob.digest).body(&blob.bytes);
        for kind in answers.begun_at() {
            assert_eq!(pair.ask_only(kind, &finish).status, 201);
        }
    }
}

/// Pushes what a manifest needs and is not there yet, and the manifest itself.
#[track_caller]
pub(crate) fn manifest(pair: &mut Pair, repository: &str, reference: &str, manifests: &[Manifest], position: usize) {
    let manifest = &manifests[position];
    for child in &manifest.children {
        let digest = manifests[*child].content.digest.clone();
        self::manifest(pair, repository, &digest, manifests, *child);
    }
    for (number, content) in manifest.blobs.iter().enumerate() {
        let head = Ask::new("HEAD", format!("/v2/{repository}/blobs/{}", content.digest));
        if !pair.ask(&head).is(200) {
            blob(pair, repository, content, WAYS[number % WAYS.len()]);
        }
    }
    let put = put(repository, reference, &manifest.content);
    assert!(pair.ask(&put).is(201));
}

/// A PUT of a manifest.
pub(crate) fn put(repository: &str, reference: &str, manifest: &Content) -> Ask {
    Ask::manifest(repository, reference, &manifest.media_type, &manifest.bytes)
}

/// Asks for a tag without saying which types are understood. Registry 2.8 converts docker's images to schema 1 then, and
/// stores the empty layer; asked for schema 1 by name, wharf does so too.
#[track_caller]
pub(crate) fn pull_anything(pair: &mut Pair, repository: &str, tag: &str, accept: Option<&str>) {
    let get = Ask::get(format!("/v2/{repository}/manifests/{tag}"));
    pair.ask(&match accept {
        Some(accept) => get.clone().header("Accept", accept),
        None => get.clone(),
    });
    pair.ask(&get.header("Accept", SCHEMA1));
}

/// Deletes a tag, which registry 2.8 refuses, and then the manifest that it is on, which takes the tag from both.
#[track_caller]
pub(crate) fn delete_tag(pair: &mut Pair, repository: &str, tag: &str) {
    let digest = pair.stored().resolve(repository, tag);
    pair.ask(&Ask::new("DELETE", format!("/v2/{repository}/manifests/{tag}")));
    if let Some(digest) = digest {
        pair.ask(&Ask::new("DELETE", format!("/v2/{repository}/manifests/{digest}")));
    }
}

/// Cancels an upload that goes on with one of them only.
#[track_caller]
pub(crate) fn cancel_only(pair: &mut Pair, kind: Kind, number: usize) {
    assert_eq!(pair.ask_only(kind, &Ask::upload("DELETE", number)).status, 204);
}

/// Deletes a manifest that only one of them took.
#[track_caller]
pub(crate) fn delete_only(pair: &mut Pair, kind: Kind, repository: &str, digest: &str) {
    let delete = Ask::new("DELETE", format!("/v2/{repository}/manifests/{digest}"));
    assert_eq!(pair.ask_only(kind, &delete).status, 202);
}
