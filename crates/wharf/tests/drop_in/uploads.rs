//! An upload in progress when its root changes hands.

use std::path::Path;

use wharf_testing::encoding::{encoded, sha256};
use wharf_testing::http::{Client, Request, with_query};
use wharf_testing::image::Content;
use wharf_testing::{Config, DockerRegistry, Kind, Registry};

use crate::differential::content::blob;
use crate::{config, wharf};

fn start(kind: Kind, config: &Config, root: &Path) -> Box<dyn Registry> {
    match kind {
        Kind::Registry28 => Box::new(DockerRegistry::start_at(config, root)),
        Kind::Wharf => Box::new(wharf(config).root(root).start()),
    }
}

fn begin(client: &Client) -> String {
    let post = Request::post("/v2/some/image/blobs/uploads/");
    client.send(post).expect_status(202).location()
}

/// Sends bytes and returns the next URL.
fn send(client: &Client, location: &str, bytes: &[u8]) -> String {
    client
        .send(Request::patch(location).body(bytes))
        .expect_status(202)
        .location()
}

/// Asks how far the upload is, which must be this far, and returns the next URL.
fn ask(client: &Client, location: &str, sent: usize) -> String {
    let status = client.send(Request::get(location)).expect_status(204);
    assert_eq!(status.expect_header("Range"), format!("0-{}", sent.saturating_sub(1)));
    status.location()
}

/// Ends the upload with these bytes, and pulls the blob.
fn end(client: &Client, location: &str, bytes: &[u8], blob: &Content) {
    let put = Request::put(with_query(location, &format!("digest={}", blob.digest)));
    client.send(put.body(bytes)).expect_status(201);
    let pulled = client.send(Request::get(format!("/v2/some/image/blobs/{}", blob.digest)));
    assert!(pulled.expect_status(200).body == blob.bytes);
}

/// Each of them in turn sends a piece, the last one nothing but the end. No piece fills blocks of the hash.
fn pass_on(kinds: &[Kind]) {
    let root = tempfile::tempdir().expect("a temporary directory can be made");
    let blob = blob(91, kinds.len(), 70_001 * (kinds.len() - 1));
    let mut location = String::new();
    for (number, kind) in kinds.iter().enumerate() {
        let registry = start(*kind, &config(), root.path());
        let client = registry.client();
        location = match number {
            0 => begin(&client),
            _ => ask(&client, &location, 70_001 * number),
        };
        let piece = blob.bytes.get(70_001 * number..70_001 * (number + 1));
        match piece {
            Some(piece) => location = send(&client, &location, piece),
            None => end(&client, &location, b"", &blob),
        }
    }
    let last = start(Kind::Wharf, &config(), root.path());
    let uploads = std::fs::read_dir(last.tree("repositories/some/image/_uploads"));
    assert_eq!(
        uploads.expect("it is there").count(),
        0,
        "something is left of the upload"
    );
}

#[test]
fn an_upload_begun_under_wharf_ends_under_registry_2_8() {
    pass_on(&[Kind::Wharf, Kind::Registry28]);
}

#[test]
fn an_upload_begun_under_registry_2_8_ends_under_wharf() {
    pass_on(&[Kind::Registry28, Kind::Wharf]);
}

#[test]
fn an_upload_goes_to_and_fro() {
    use Kind::{Registry28, Wharf};
    pass_on(&[Wharf, Registry28, Wharf, Wharf, Registry28, Registry28, Wharf]);
}

/// The hash goes on from the state that the other one kept; nothing is read again. That shows when the bytes change
/// behind the registry's back: the digest is still that of what was sent.
#[test]
fn the_hash_goes_on_from_the_state_that_the_other_one_kept() {
    for (first, second) in [(Kind::Wharf, Kind::Registry28), (Kind::Registry28, Kind::Wharf)] {
        let root = tempfile::tempdir().expect("a temporary directory can be made");
        let registry = start(first, &config(), root.path());
        let location = send(&registry.client(), &begin(&registry.client()), b"hello ");
        drop(registry);
        let registry = start(second, &config(), root.path());
        let uploads = registry.tree("repositories/some/image/_uploads");
        let upload = std::fs::read_dir(uploads)
            .expect("it is there")
            .flatten()
            .next()
            .expect("one upload")
            .path();
        std::fs::write(upload.join("data"), "HELLO ").expect("the file can be written");
        let digest = sha256("hello world");
        let put = Request::put(with_query(&location, &format!("digest={digest}"))).body("world");
        registry.client().send(put).expect_status(201);
        let data = registry.tree(&format!(
            "blobs/sha256/{}/{}/data",
            &encoded(&digest)[..2],
            encoded(&digest)
        ));
        assert_eq!(std::fs::read(data).expect("it is there"), b"HELLO world");
    }
}

/// Without the same secret the URL of an upload is a forgery; the upload stays for whoever signed it.
#[test]
fn an_upload_stays_where_it_is_when_the_secrets_differ() {
    let root = tempfile::tempdir().expect("a temporary directory can be made");
    let blob = blob(92, 0, 5000);
    let registry = start(Kind::Registry28, &config(), root.path());
    let location = send(&registry.client(), &begin(&registry.client()), &blob.bytes[..4000]);
    drop(registry);
    let other = Config::new().delete().http("secret: another");
    let registry = start(Kind::Wharf, &other, root.path());
    let refused = registry
        .client()
        .send(Request::patch(&location).body("x"))
        .expect_status(404);
    assert_eq!(refused.error_codes(), ["BLOB_UPLOAD_INVALID"]);
    drop(registry);
    let registry = start(Kind::Registry28, &config(), root.path());
    end(&registry.client(), &location, &blob.bytes[4000..], &blob);
}

#[test]
fn an_upload_begun_under_wharf_is_cancelled_under_registry_2_8_and_the_other_way_round() {
    for (first, second) in [(Kind::Wharf, Kind::Registry28), (Kind::Registry28, Kind::Wharf)] {
        let root = tempfile::tempdir().expect("a temporary directory can be made");
        let registry = start(first, &config(), root.path());
        let location = send(&registry.client(), &begin(&registry.client()), b"some bytes");
        drop(registry);
        let registry = start(second, &config(), root.path());
        registry.client().send(Request::delete(&location)).expect_status(204);
        drop(registry);
        let registry = start(first, &config(), root.path());
        registry.client().send(Request::get(&location)).expect_status(404);
    }
}
