//! `POST …?mount=<d>&from=<repo>`.

use wharf_testing::encoding::{sha256, sha512};
use wharf_testing::http::Request;
use wharf_testing::{Config, Kind};

use super::{HELLO, created, data, layer_link};
use crate::case::cases;
use crate::expect::Expect;
use crate::subject::{Subject, UploadHeaders};

cases! {
    mount: Config::new();
    mount_from_itself: Config::new();
    mount_of_a_blob_that_the_source_lacks: Config::new();
    mount_without_from: Config::new(), differs in ["mount-without-from"];
    mount_with_bad_digest: Config::new();
    mount_from_no_name: Config::new(), differs in ["mount-from-no-name"];
    mount_of_sha512: crate::blobs::cached(), differs in ["sha512"];
    mount_needs_pull_rights_on_the_source: Config::new(), differs in ["auth"];
}

fn post(query: &str) -> Request {
    Request::post(format!("/v2/target/blobs/uploads/?{query}"))
}

/// Source has it → 201, `Content-Length: 0`, `Docker-Content-Digest`, `Location: <blob>` in the target repository.
/// On disk: only the link in the target repository.
fn mount(c: &Subject) {
    let digest = c.push_blob("a/source", HELLO);
    let request = post(&format!("mount={digest}&from=a/source"));
    c.ask(&request, &created(c, "target", &digest));
    let link = layer_link("target", &digest).replace("repositories/target/", "");
    assert_eq!(c.files("repositories/target"), [link]);
    assert_eq!(c.file(&layer_link("target", &digest)), digest.as_bytes());
    c.ask(
        &post(&format!("from=a%2Fsource&mount={digest}")),
        &created(c, "target", &digest),
    );
}

/// Mount from the same repository → 201, as mount.
fn mount_from_itself(c: &Subject) {
    let digest = c.push_blob("target", HELLO);
    c.ask(
        &post(&format!("mount={digest}&from=target")),
        &created(c, "target", &digest),
    );
}

/// Source lacks it → 202, as plain POST, an upload was started; also when another repository has it.
fn mount_of_a_blob_that_the_source_lacks(c: &Subject) {
    let digest = c.push_blob("elsewhere", HELLO);
    let begun = Expect::empty(202).upload(c, "target", 0);
    for from in ["source", "target"] {
        c.ask(&post(&format!("mount={digest}&from={from}")), &begun);
    }
    assert!(!c.exists(&layer_link("target", &digest)));
    let unknown = sha256("unknown");
    c.ask(&post(&format!("mount={unknown}&from=elsewhere")), &begun);
    assert!(!c.files("repositories/target/_uploads").is_empty());
}

/// No `from` → 202, as plain POST: both `mount` and `from` are needed.
fn mount_without_from(c: &Subject) {
    let digest = c.push_blob("source", HELLO);
    let begun = Expect::empty(202).upload(c, "target", 0);
    let request = post(&format!("mount={digest}"));
    c.ask_differs("mount-without-from", &request, &begun, &created(c, "target", &digest));
    assert_eq!(
        c.exists(&layer_link("target", &digest)),
        c.only_wharf("mount-without-from")
    );
    c.ask(&post(&format!("mount={}", sha256("unknown"))), &begun);
    c.ask(&post("from=source"), &begun);
}

/// Bad digest → 202, as plain POST.
fn mount_with_bad_digest(c: &Subject) {
    c.push_blob("source", HELLO);
    let begun = Expect::empty(202).upload(c, "target", 0);
    for mount in ["sha256:abc", "md5:0123456789abcdef0123456789abcdef", "x"] {
        c.ask(&post(&format!("mount={mount}&from=source")), &begun);
    }
}

/// Bad `from` → 202, as plain POST.
fn mount_from_no_name(c: &Subject) {
    let digest = c.push_blob("source", HELLO);
    let begun = Expect::empty(202).upload(c, "target", 0);
    let refused = Expect::error_says(400, "NAME_INVALID", &["repository name"]);
    for from in ["UPPER", "..%2Fsource", "a__%20"] {
        let request = post(&format!("mount={digest}&from={from}"));
        c.ask_differs("mount-from-no-name", &request, &begun, &refused);
    }
}

/// The mounted digest may be any algorithm that has a link in the source. (The blob behind a mounted sha512 digest is
/// lost on 2.8: GET → 500 `UNKNOWN` `{}`.)
fn mount_of_sha512(c: &Subject) {
    let (short, long) = (sha256(HELLO), sha512(HELLO));
    c.push_blob_as("source", HELLO, &long);
    let request = post(&format!("mount={long}&from=source"));
    let answer = c.ask(&request, &created(c, "target", &long));
    let lost = Expect::error_detail(500, "UNKNOWN", serde_json::json!({}));
    let found = crate::blobs::found(&long, HELLO);
    c.ask_differs(
        "sha512",
        &Request::get(format!("/v2/target/blobs/{long}")),
        &lost,
        &found,
    );
    assert!(c.exists(&data(c.differs("sha512", &short, &long))));
    if c.kind() == Kind::Wharf {
        c.ask(&Request::get(answer.location()), &found);
    }
}

/// `from` needs pull rights when auth is on: the challenge names the source.
fn mount_needs_pull_rights_on_the_source(c: &Subject) {
    let silly = "auth:\n  silly:\n    realm: silly-realm\n    service: silly-service";
    let guarded = Config::new().top(silly);
    if c.only_wharf("auth") {
        let refusal = Subject::refusal(&guarded, None);
        assert!(
            refusal.contains("auth") && refusal.contains("--ignore-unsupported"),
            "{refusal}"
        );
        return;
    }
    let guarded = Subject::start(c.kind(), &guarded);
    let digest = sha256(HELLO);
    let answer = guarded
        .send(&post(&format!("mount={digest}&from=source")))
        .expect_status(401);
    let challenge = answer.expect_header("WWW-Authenticate");
    let scope = "scope=\"repository:target:pull repository:target:push repository:source:pull\"";
    assert!(challenge.ends_with(scope), "{challenge}");
}
