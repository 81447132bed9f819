//! What registry:2 leaves in a root, made by requests where it makes it itself and by hand where a crash, registry 3 or
//! a person does.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use wharf_testing::encoding::{encoded, sha256, sha512};
use wharf_testing::http::{Client, Request, Response, with_query};
use wharf_testing::image::{Content, push_blob};
use wharf_testing::{DockerRegistry, Registry as _};

use super::images::{self, Images};
use crate::differential::content::blob;

/// An upload that waits for its end.
pub(super) struct Begun {
    pub(super) location: String,
    pub(super) rest: Vec<u8>,
    pub(super) blob: Content,
}

fn post(client: &Client, repository: &str, query: &str) -> Response {
    let target = with_query(&format!("/v2/{repository}/blobs/uploads/"), query);
    client.send(Request::post(target)).expect_status(202)
}

fn patch(client: &Client, location: &str, bytes: &[u8]) -> String {
    client
        .send(Request::patch(location).body(bytes))
        .expect_status(202)
        .location()
}

/// Everything that requests leave. The uploads are of `uploads`, the rest of `left`.
pub(super) fn by_requests(registry: &DockerRegistry, images: &Images) -> Begun {
    let client = registry.client();
    images.first.push(&client, "left", "v1");
    // Uploads that were never used: begun, announced with a digest, mounts that failed.
    let unknown = sha256("unknown");
    for query in [
        "",
        &format!("digest={unknown}"),
        &format!("mount={unknown}&from=left"),
        "mount=nonsense",
    ] {
        post(&client, "left", query);
    }
    // Uploads that were cancelled, with and without bytes.
    for bytes in [&b""[..], b"some bytes"] {
        let location = patch(&client, &post(&client, "left", "").location(), bytes);
        client.send(Request::delete(location)).expect_status(204);
    }
    // Uploads that ended with a wrong digest, the bytes in PATCH or in PUT.
    for (sent, put) in [("all of it", ""), ("half of ", "it")] {
        let location = patch(&client, &post(&client, "left", "").location(), sent.as_bytes());
        let finish = Request::put(with_query(&location, &format!("digest={unknown}")));
        client.send(finish.body(put)).expect_status(400);
    }
    broken_connection(registry, &client);
    // An image that was deleted, a blob that was, and tags that moved.
    let gone = images::image(81);
    gone.push(&client, "left", "gone");
    client
        .send(Request::delete(format!("/v2/left/manifests/{}", gone.manifest.digest)))
        .expect_status(202);
    client
        .send(Request::delete(format!(
            "/v2/left/blobs/{}",
            gone.layers[0].blob.digest
        )))
        .expect_status(202);
    // Content that was pushed by its sha512.
    let mut long = blob(82, 0, 3000);
    long.digest = sha512(&long.bytes);
    push_blob(&client, "left", &long);
    // A repository that has nothing but an empty index, and so no layers.
    let empty = Content::new(
        crate::differential::content::INDEX,
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
    );
    wharf_testing::image::push_manifest(&client, "left/empty", "v1", &empty);

    let blob = blob(83, 0, 300_000);
    let location = patch(
        &client,
        &post(&client, "uploads", "").location(),
        &blob.bytes[..100_000],
    );
    let rest = blob.bytes[100_000..].to_vec();
    Begun { location, rest, blob }
}

/// A PATCH whose connection breaks.
fn broken_connection(registry: &DockerRegistry, client: &Client) {
    let upload = post(client, "left", "");
    client.send_and_cut(&Request::patch(upload.location()).body([b'x'; 1000]), 900);
    let data = format!(
        "repositories/left/_uploads/{}/data",
        upload.expect_header("Docker-Upload-Uuid")
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    while fs::metadata(registry.tree(&data)).map_or(0, |metadata| metadata.len()) != 900 {
        assert!(Instant::now() < deadline, "what arrived is not kept");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn write(path: PathBuf, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("it has a parent")).expect("directories can be made");
    fs::write(path, bytes).expect("files can be written");
}

fn repositories(root: &Path) -> PathBuf {
    root.join("docker/registry/v2/repositories")
}

/// A repository `many` with this manifest under this many tags.
pub(super) fn many_tags(root: &Path, manifest: &Content, count: usize) {
    let repository = repositories(root).join("many");
    let link = format!("sha256/{}/link", encoded(&manifest.digest));
    write(repository.join("_manifests/revisions").join(&link), &manifest.digest);
    let layers = repository.join("_layers");
    fs::create_dir_all(&layers).expect("directories can be made");
    for layer in fs::read_dir(repositories(root).join("library/first/_layers/sha256"))
        .expect("it is there")
        .flatten()
    {
        let hex = layer.file_name().to_string_lossy().into_owned();
        write(layers.join(format!("sha256/{hex}/link")), format!("sha256:{hex}"));
    }
    for number in 0..count {
        let tag = repository.join(format!("_manifests/tags/t{number}"));
        write(tag.join("index").join(&link), &manifest.digest);
        write(tag.join("current/link"), &manifest.digest);
    }
}

/// What interrupted writes, registry 3, proxies and people leave, in the repository `left`.
pub(super) fn by_hand(root: &Path) {
    let left = repositories(root).join("left");
    let absent = sha256("absent");
    let link = |digest: &str| format!("sha256/{}/link", encoded(digest));
    let tag = |name: &str| left.join("_manifests/tags").join(name);
    write(tag("no-current").join("index").join(link(&absent)), &absent);
    write(tag("no-revision/current/link"), &absent);
    write(tag("no-data/current/link"), sha256("no data"));
    write(
        left.join("_manifests/revisions").join(link(&sha256("no data"))),
        sha256("no data"),
    );
    write(tag("empty-link/current/link"), "");
    let newline = sha256("newline");
    write(left.join("_layers").join(link(&newline)), format!("{newline}\n"));
    write(left.join("_layers").join(link(&sha256("empty link"))), "");
    write(left.join("_layers").join(link(&absent)), &absent);
    // A small file that registry 3 was writing when it was killed.
    write(
        tag("v1/current/link.4fd2f2a4-5b1f-4e73-9d0c-5a1f6a2f6a77.tmp"),
        "sha256:",
    );
    // An upload of which only the time is there, one of which only the bytes are, and one that is none.
    let uploads = left.join("_uploads");
    write(
        uploads.join("0f8fad5b-d9cb-469f-a165-70867728950e/startedat"),
        "2020-01-01T00:00:00Z",
    );
    write(uploads.join("7c9e6679-7425-40de-944b-e07fc1f90ae7/data"), "bytes");
    write(uploads.join("not-an-upload/data"), "bytes");
    for directory in [
        "_layers/sha256",
        "_uploads",
        "_manifests/tags/empty",
        "_manifests/revisions/sha256",
    ] {
        fs::create_dir_all(repositories(root).join("left/bare").join(directory)).expect("directories can be made");
    }
    fs::create_dir_all(root.join("docker/registry/v2/blobs/sha256/00")).expect("directories can be made");
    write(root.join("scheduler-state.json"), "{}");
    write(repositories(root).join("left/README"), "what a person left");
}
