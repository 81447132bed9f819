//! end-3: manifests, by tag and by digest.

use wharf_testing::encoding::{sha256, sha512};
use wharf_testing::http::{Request, with_query};

use crate::manifest::{IMAGE, INDEX, Manifest};
use crate::soundness::expect_error;
use crate::wharf::{Wharf, manifest};

#[test]
fn get_and_head_by_tag_and_by_digest() {
    let wharf = Wharf::start();
    let image = wharf.push_image("a", "latest", "pull");
    for reference in ["latest", &image.digest()] {
        wharf.expect_manifest(&manifest("a", reference), &image.digest(), &image);
    }
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let wharf = Wharf::start();
    wharf.push_image("a", "latest", "head");
    let target = manifest("a", "latest");
    let (get, head) = (wharf.get(&target), wharf.head(&target));
    assert!(head.body.is_empty());
    let headers = |response: &wharf_testing::http::Response| {
        let mut headers = response.headers.clone();
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
        headers.sort();
        headers
    };
    assert_eq!(headers(&get), headers(&head));
}

#[test]
fn an_unknown_manifest_or_repository_is_404() {
    let wharf = Wharf::start();
    wharf.push_image("a", "latest", "known");
    for repository in ["a", "never/pushed"] {
        for reference in ["gone", &sha256("gone"), &sha512("gone")] {
            let target = manifest(repository, reference);
            expect_error(&wharf.get(&target), 404, "MANIFEST_UNKNOWN");
            wharf.head(&target).expect_status(404);
        }
    }
}

#[test]
fn a_manifest_of_another_repository_is_404() {
    let wharf = Wharf::start();
    let image = wharf.push_image("a", "latest", "elsewhere");
    wharf.push_image("b", "latest", "here");
    wharf.get(&manifest("b", &image.digest())).expect_status(404);
}

#[test]
fn the_content_type_is_the_one_that_was_pushed_without_parameters() {
    let wharf = Wharf::start();
    let image = wharf.image("a", "typed");
    let request = Request::put(manifest("a", "latest")).body(image.bytes());
    let answer = wharf.send(request.header("Content-Type", format!("{IMAGE}; charset=utf-8")));
    answer.expect_status(201);
    wharf.expect_manifest(&manifest("a", "latest"), &image.digest(), &image);
}

#[test]
fn a_reference_that_is_neither_tag_nor_digest_is_refused() {
    let wharf = Wharf::start();
    wharf.push_image("a", "latest", "reference");
    let long = format!("sha256:{}", "a".repeat(65));
    let upper = format!("sha256:{}", "A".repeat(64));
    let unknown = format!("md5:{}", "a".repeat(32));
    let references = ["sha256:baddigeststring", "sha256:", "latest@", &long, &upper, &unknown];
    for reference in references {
        let get = wharf.get(&manifest("a", reference));
        assert!([400, 404].contains(&get.status), "{reference}: {get}");
        let head = wharf.head(&manifest("a", reference));
        assert_eq!(head.status, get.status, "{reference}");
    }
}

#[test]
fn oci_manifests_are_served_as_stored_whatever_accept_says() {
    let wharf = Wharf::start();
    let image = wharf.push_image("a", "image", "accept");
    let index = Manifest::index(&[&image]);
    wharf.push_manifest("a", "index", &index);
    let accepts: [&[&str]; 7] = [
        &[],
        &["*/*"],
        &["application/json"],
        &["application/vnd.docker.distribution.manifest.v2+json"],
        &[INDEX, IMAGE],
        &[IMAGE],
        &[INDEX],
    ];
    for (stored, tag) in [(&image, "image"), (&index, "index")] {
        for reference in [tag, &stored.digest()] {
            for accept in accepts {
                let mut request = Request::get(manifest("a", reference));
                for media_type in accept {
                    request = request.header("Accept", *media_type);
                }
                let answer = wharf.send(request).expect_status(200);
                assert_eq!(answer.expect_header("Content-Type"), stored.media_type());
                assert_eq!(answer.expect_header("Docker-Content-Digest"), stored.digest());
                assert_eq!(answer.body, stored.bytes(), "{reference} with {accept:?}");
            }
        }
    }
}

#[test]
fn the_source_host_of_a_proxy_request_is_ignored() {
    let wharf = Wharf::start();
    let image = wharf.push_image("a", "latest", "ns");
    let target = with_query(&manifest("a", "latest"), "ns=registry.example.org");
    wharf.expect_manifest(&target, &image.digest(), &image);
    let answer = wharf.get(&target);
    assert_eq!(
        answer.header("OCI-Namespace"),
        None,
        "it scoped nothing by `ns`: {answer}"
    );
}
