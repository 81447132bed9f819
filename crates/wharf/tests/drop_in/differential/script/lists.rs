//! The catalog and lists of tags.

use crate::differential::ask::Ask;
use crate::differential::content::Contents;
use crate::differential::pair::Pair;
use crate::differential::push;

/// All of both, in pages, beyond the end, and of what is not there.
pub(super) fn lists(pair: &mut Pair, contents: &Contents) {
    // In another order than that of the alphabet.
    for tag in ["10", "latest", "v1.10", "a", "Z", "v1.9", "_x", "0", "b", "edge"] {
        pair.ask(&push::put("images", tag, &contents.manifests[0].content));
    }
    push::manifest(pair, "list-a", "v1", &contents.manifests, 0);
    push::manifest(pair, "list/a", "v1", &contents.manifests, 0);
    push::manifest(pair, "list", "v1", &contents.manifests, 0);
    for query in [
        "",
        "?n=1",
        "?n=3",
        "?n=3&last=images",
        "?n=100",
        "?n=0",
        "?last=list%2Fa",
        "?last=zzz&n=2",
        "?n=-1",
        "?n=x",
        "?n=1001",
        "?n=1000",
        "?last=j",
    ] {
        pair.ask(&Ask::get(format!("/v2/_catalog{query}")));
    }
    pair.ask(&Ask::new("HEAD", "/v2/_catalog"));
    // Behind the last repository there are directories of others, without manifests.
    pair.ask(&Ask::get("/v2/_catalog?n=1&last=places"));
    for query in [
        "",
        "?n=2",
        "?n=2&last=Z",
        "?n=100",
        "?n=0",
        "?last=v",
        "?last=zzz",
        "?n=x",
    ] {
        pair.ask(&Ask::get(format!("/v2/images/tags/list{query}")));
    }
    for repository in ["images", "images/by-digest", "list/a", "blobs", "nowhere", "uploads"] {
        pair.ask(&Ask::new("HEAD", format!("/v2/{repository}/tags/list")));
    }
}
