//! The four categories of the specification, and what holds for every answer in them.

use serde_json::json;
use wharf_testing::encoding::sha256;
use wharf_testing::http::{Request, Response};

use crate::manifest::artifact;
use crate::wharf::{OCTETS, Wharf, blob, manifest, ranged, uploads};

/// A client that keeps every answer it got.
struct Recorder {
    wharf: Wharf,
    answers: Vec<Response>,
}

impl Recorder {
    #[track_caller]
    fn send(&mut self, request: Request, status: u16) -> Response {
        let answer = self.wharf.send(request).expect_status(status);
        self.answers.push(answer.clone());
        answer
    }
}

/// The life of an image, with every endpoint of every category in it.
fn life_of_an_image() -> Vec<Response> {
    let mut client = Recorder {
        wharf: Wharf::start(),
        answers: Vec::new(),
    };
    client.send(Request::get("/v2/"), 200);
    // Push.
    let image = client.wharf.image("source", "life");
    let parts: serde_json::Value = serde_json::from_slice(image.bytes()).expect("JSON");
    for part in [&parts["config"], &parts["layers"][0]] {
        let digest = part["digest"].as_str().expect("a digest");
        let mount = format!("{}?mount={digest}&from=source", uploads("a"));
        client.send(Request::post(mount), 201);
    }
    let begun = client.send(Request::post(uploads("a")), 202).location();
    let begun = client.send(ranged(Request::patch(begun), 0, b"{"), 202).location();
    let begun = client.send(Request::get(begun), 204).location();
    let target = wharf_testing::http::with_query(&begun, &format!("digest={}", sha256("{}")));
    client.send(ranged(Request::put(target), 1, b"}"), 201);
    let cancelled = client.send(Request::post(uploads("a")), 202).location();
    client.send(Request::delete(cancelled), 204);
    let single = format!("{}?digest={}", uploads("a"), sha256("single"));
    client.send(Request::post(single).header("Content-Type", OCTETS).body("single"), 201);
    let signature = artifact("application/vnd.example.signature").about(&image);
    let signed = format!("{}?tag=signed", signature.digest());
    for (reference, pushed) in [("latest", &image), (signed.as_str(), &signature)] {
        let put = Request::put(manifest("a", reference)).body(pushed.bytes());
        client.send(put.header("Content-Type", pushed.media_type()), 201);
    }
    // Pull.
    let targets = [
        manifest("a", "latest"),
        manifest("a", &image.digest()),
        blob("a", &sha256("{}")),
    ];
    for target in &targets {
        client.send(Request::get(target), 200);
        client.send(Request::head(target), 200);
    }
    // Content discovery.
    let listed = client.send(Request::get("/v2/a/tags/list?n=5"), 200);
    assert_eq!(listed.json()["tags"], json!(["latest", "signed"]));
    let referrers = format!("/v2/a/referrers/{}", image.digest());
    let referrers = client.send(Request::get(referrers), 200);
    assert_eq!(referrers.json()["manifests"][0]["digest"], signature.digest());
    // Content management.
    for target in &targets {
        client.send(Request::delete(target), 202);
        client.send(Request::get(target), 404);
    }
    client.answers
}

#[test]
fn an_image_is_pushed_pulled_discovered_and_deleted() {
    // Every status is asserted on the way.
    assert!(life_of_an_image().len() > 25);
}

#[test]
fn warnings_have_the_specified_form() {
    for answer in life_of_an_image() {
        let warnings: Vec<&str> = answer.headers_named("Warning").collect();
        assert!(warnings.concat().len() <= 4096, "{answer}");
        for warning in warnings {
            let text = warning.strip_prefix("299 - \"").and_then(|rest| rest.strip_suffix('"'));
            assert!(text.is_some(), "no `299 - \"…\"`, or with a date: {answer}");
        }
    }
}

#[test]
fn nothing_is_redirected() {
    for answer in life_of_an_image() {
        assert!(!(300..400).contains(&answer.status), "{answer}");
    }
}

#[test]
fn every_location_is_an_absolute_path_or_url() {
    for answer in life_of_an_image() {
        if let Some(location) = answer.header("Location") {
            assert!(location.starts_with("http://127.0.0.1:") || location.starts_with("/v2/"));
        }
    }
}
