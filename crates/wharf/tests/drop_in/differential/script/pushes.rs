//! Pushes that succeed.

use wharf_testing::encoding::{sha256, sha512 as digest512};
use wharf_testing::http::percent_encode;

use crate::differential::ask::Ask;
use crate::differential::content::{Contents, blob};
use crate::differential::pair::Pair;
use crate::differential::push::{self, WAYS, Way, uploads};

/// Every blob in every way, the same ones again, and a wrong digest with the whole body.
pub(super) fn blobs(pair: &mut Pair, contents: &Contents) {
    for (number, content) in contents.blobs.iter().enumerate() {
        let way = if content.bytes.is_empty() {
            Way::Halves
        } else {
            WAYS[number % WAYS.len()]
        };
        push::blob(pair, "blobs", content, way);
    }
    for way in WAYS {
        push::blob(pair, "blobs/again", &contents.blobs[0], way);
        push::blob(pair, "blobs/again", &contents.blobs[0], way);
    }
    for digest in [sha256("something else"), "sha256:abc".to_owned()] {
        let post = Ask::new("POST", uploads("blobs")).query(&format!("digest={digest}"));
        let number = pair.ask(&post.body("something")).begun();
        push::cancel_only(pair, wharf_testing::Kind::Registry28, number);
    }
}

/// Every manifest by tag and by digest, in two repositories, one within the other; tags that move.
pub(super) fn images(pair: &mut Pair, contents: &Contents) {
    let manifests = &contents.manifests;
    for position in 0..manifests.len() {
        push::manifest(pair, "images", &format!("v{position}"), manifests, position);
        let digest = manifests[position].content.digest.clone();
        push::manifest(pair, "images/by-digest", &digest, manifests, position);
    }
    for position in [0, 3, 1, 0] {
        pair.ask(&push::put("images", "moving", &manifests[position].content));
        pair.ask(&push::put("images", "moving", &manifests[position].content));
    }
}

/// Mounts: from where the blob is, from where it is not, from the same repository, from nowhere, and of nonsense.
pub(super) fn mounts(pair: &mut Pair, contents: &Contents) {
    let digest = &contents.blobs[0].digest;
    let unknown = sha256("unknown");
    for query in [
        format!("mount={digest}&from=blobs"),
        format!("mount={}&from=blobs%2Fagain", percent_encode(digest)),
        format!("mount={digest}&from=mounts"),
        format!("mount={digest}&from=nowhere"),
        format!("mount={unknown}&from=blobs"),
        format!("mount={unknown}"),
        "mount=nonsense&from=blobs".to_owned(),
        "mount=nonsense".to_owned(),
        "from=blobs".to_owned(),
    ] {
        pair.ask(&Ask::new("POST", uploads("mounts")).query(&query));
    }
    let nonsense = format!("mount={digest}&from=NOT%20A%20NAME");
    let answers = pair.ask(&Ask::new("POST", uploads("mounts")).query(&nonsense));
    for kind in answers.begun_at() {
        push::cancel_only(pair, kind, answers.begun());
    }
    let content = &contents.blobs[1];
    let answers = pair.ask(&Ask::new("POST", uploads("mounts")).query(&format!("mount={}", content.digest)));
    // A client that gets an upload instead of a mount pushes.
    let finish = Ask::finish(answers.begun(), &content.digest).body(&content.bytes);
    for kind in answers.begun_at() {
        assert_eq!(pair.ask_only(kind, &finish).status, 201);
    }
}

/// A blob pushed and pulled by its sha512.
pub(super) fn sha512(pair: &mut Pair, _: &Contents) {
    let content = blob(512, 0, 5000);
    let digest = digest512(&content.bytes);
    let number = push::begin(pair, "long");
    pair.ask(&Ask::finish(number, &digest).body(&content.bytes));
    pair.ask(&Ask::new("HEAD", format!("/v2/long/blobs/{digest}")));
    let range = Ask::get(format!("/v2/long/blobs/{digest}")).header("Range", "bytes=10-19");
    pair.ask(&range);
}
