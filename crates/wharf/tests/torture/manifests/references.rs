//! What manifests refer to: missing, elsewhere, of another size, outside; tags in the query; and what `Accept` decides.

use std::net::TcpListener;

use serde_json::{Value, json};
use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;
use wharf_testing::image::{Format, ImageBuilder};

use super::{DOCKER_IMAGE, DOCKER_LIST, expect_nothing_stored, push_nothing, tiny};
use crate::harness::{OCI_IMAGE, OCI_INDEX, Torture, descriptor, expect_error, index};

/// An image of contents that are nowhere, with their digests.
fn hollow() -> (Vec<u8>, Vec<String>) {
    let contents = ["config", "layer 1", "layer 2"].map(|content| descriptor("application/x", content.as_bytes()));
    let [config, layers @ ..] = &contents;
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_IMAGE, "config": config, "layers": layers});
    let digests = contents
        .iter()
        .map(|content| content["digest"].as_str().unwrap().to_owned());
    (manifest.to_string().into_bytes(), digests.collect())
}

/// Checks that a push is refused with one `MANIFEST_BLOB_UNKNOWN` for each of these digests, and leaves nothing.
#[track_caller]
fn expect_unknown(torture: &Torture, media_type: &str, bytes: &[u8], missing: &[String]) {
    for reference in ["1".to_owned(), sha256(bytes)] {
        let answer = torture.put_manifest("a", &reference, media_type, bytes);
        expect_error(&answer, 400, "MANIFEST_BLOB_UNKNOWN");
        let json = answer.json();
        let errors = json["errors"].as_array().unwrap();
        assert!(
            errors.iter().all(|error| error["code"] == "MANIFEST_BLOB_UNKNOWN"),
            "{answer}"
        );
        let listed: Vec<_> = errors
            .iter()
            .map(|error| error["detail"].as_str().unwrap_or_default())
            .collect();
        assert_eq!(listed, missing, "{answer}");
    }
    expect_nothing_stored(torture, "a", "1", bytes);
}

#[test]
fn man_07_everything_that_is_missing_is_listed_and_nothing_stored() {
    let torture = Torture::start();
    let (image, digests) = hollow();
    expect_unknown(&torture, OCI_IMAGE, &image, &digests);
    torture.push_blob("a", b"layer 1");
    let rest = [digests[0].clone(), digests[2].clone()];
    expect_unknown(&torture, OCI_IMAGE, &image, &rest);

    let child = torture.push_image("a", "child", "present");
    let absent = tiny("absent").to_string().into_bytes();
    let entries = index(&[descriptor(OCI_IMAGE, &child), descriptor(OCI_IMAGE, &absent)]);
    expect_unknown(&torture, OCI_INDEX, &entries, &[sha256(&absent)]);
    torture.finish();
}

#[test]
fn man_08_what_another_repository_has_is_missing_here() {
    let torture = Torture::start();
    let (image, digests) = hollow();
    for content in ["config", "layer 1", "layer 2"] {
        torture.push_blob("b", content.as_bytes());
    }
    torture.put_manifest("b", "1", OCI_IMAGE, &image).expect_status(201);
    expect_missing_here(&torture, &image, &digests);
    let entries = index(&[descriptor(OCI_IMAGE, &image)]);
    expect_unknown(&torture, OCI_INDEX, &entries, &[sha256(&image)]);
    torture.expect_content("/v2/b/manifests/1", &image);
    torture.finish();
}

/// As [`expect_unknown`], where the content is in the registry, but of another repository.
#[track_caller]
fn expect_missing_here(torture: &Torture, image: &[u8], digests: &[String]) {
    let answer = torture.put_manifest("a", "1", OCI_IMAGE, image);
    expect_error(&answer, 400, "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(answer.error_codes().len(), digests.len(), "{answer}");
    assert_eq!(torture.manifest_status("a", "1"), 404);
    assert_eq!(torture.manifest_status("a", &sha256(image)), 404);
    for digest in digests {
        torture.get(&format!("/v2/a/blobs/{digest}")).expect_status(404);
    }
}

#[test]
fn man_13_urls_of_layers_are_never_fetched() {
    let torture = Torture::start();
    let bait = TcpListener::bind("127.0.0.1:0").unwrap();
    bait.set_nonblocking(true).unwrap();
    let host = bait.local_addr().unwrap();
    push_nothing(&torture, "a");
    let foreign = [
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar",
    ];
    for (number, media_type) in foreign.iter().enumerate() {
        let (layer, tag) = (format!("elsewhere {number}"), format!("t{number}"));
        let mut manifest = tiny("foreign");
        manifest["layers"][0] = descriptor(media_type, layer.as_bytes());
        manifest["layers"][0]["urls"] = json!([
            format!("http://{host}/{number}"),
            "http://[::1]:1/",
            "file:///etc/passwd"
        ]);
        manifest["annotations"]["org.opencontainers.image.url"] = format!("http://{host}/annotation").into();
        let bytes = manifest.to_string();
        torture
            .put_manifest("a", &tag, OCI_IMAGE, bytes.as_bytes())
            .expect_status(201);
        torture.expect_content(&format!("/v2/a/manifests/{tag}"), bytes.as_bytes());
        let blob = format!("/v2/a/blobs/{}", sha256(&layer));
        expect_error(&torture.get(&blob), 404, "BLOB_UNKNOWN");
        torture.send(Request::head(blob)).expect_status(404);
    }
    let visitor = bait.accept().unwrap_err();
    assert_eq!(visitor.kind(), std::io::ErrorKind::WouldBlock, "nobody has come");
    torture.finish();
}

#[test]
fn man_14_a_size_that_is_not_the_contents_is_refused() {
    let torture = Torture::start();
    push_nothing(&torture, "a");
    let child = torture.push_image("a", "child", "sized");
    for wrong in [0, 1, 3, 2_u64.pow(40)] {
        for pointer in ["/config/size", "/layers/0/size"] {
            let mut manifest = tiny("sizes");
            *manifest.pointer_mut(pointer).unwrap() = wrong.into();
            expect_wrong_size(&torture, OCI_IMAGE, &manifest);
        }
        let mut entry = descriptor(OCI_IMAGE, &child);
        entry["size"] = wrong.into();
        let manifest = serde_json::from_slice(&index(&[entry])).unwrap();
        expect_wrong_size(&torture, OCI_INDEX, &manifest);
    }
    torture.finish();
}

#[track_caller]
fn expect_wrong_size(torture: &Torture, media_type: &str, manifest: &Value) {
    let bytes = manifest.to_string().into_bytes();
    let answer = torture.put_manifest("a", "1", media_type, &bytes);
    expect_error(&answer, 400, "SIZE_INVALID");
    expect_nothing_stored(torture, "a", "1", &bytes);
}

#[test]
fn man_18_one_bad_tag_of_twelve_and_none_is_written() {
    let torture = Torture::start();
    push_nothing(&torture, "a");
    let bytes = tiny("tags").to_string().into_bytes();
    let digest = sha256(&bytes);
    let tags: Vec<String> = (0..12).map(|number| format!("v{number}")).collect();
    let query = |tags: &[String]| {
        tags.iter()
            .map(|tag| format!("tag={tag}"))
            .collect::<Vec<_>>()
            .join("&")
    };
    for bad in ["-bad", "%2e%2e", "a%2Fb", "", "%00", "a%20b"] {
        for position in [0, 5, 11] {
            let mut some = tags.clone();
            bad.clone_into(&mut some[position]);
            let answer = torture.put_manifest("a", &format!("{digest}?{}", query(&some)), OCI_IMAGE, &bytes);
            expect_error(&answer, 400, "MANIFEST_INVALID");
            for tag in &tags {
                expect_nothing_stored(&torture, "a", tag, &bytes);
            }
        }
    }
    let answer = torture.put_manifest("a", &format!("{digest}?{}", query(&tags)), OCI_IMAGE, &bytes);
    let listed: Vec<_> = answer
        .headers_named("OCI-Tag")
        .flat_map(|line| line.split(", "))
        .collect();
    assert_eq!(listed, tags, "{answer}");
    assert_eq!(answer.status, 201);
    for tag in &tags {
        torture.expect_content(&format!("/v2/a/manifests/{tag}"), &bytes);
    }
    torture.finish();
}

#[test]
fn man_21_a_narrow_accept_decides_for_docker_types_only() {
    let torture = Torture::start();
    let platforms = ["linux/arm64", "linux/amd64"];
    let oci = ImageBuilder::new(21).build_index(&platforms);
    let docker = ImageBuilder::new(22).format(Format::Docker).build_index(&platforms);
    oci.push(&torture.client(), "a", "oci");
    docker.push(&torture.client(), "a", "docker");
    let ask = |tag: &str, accept: &str| {
        let request = Request::get(format!("/v2/a/manifests/{tag}")).header("Accept", accept);
        torture.send(request).expect_status(200)
    };
    for accept in [
        DOCKER_IMAGE,
        DOCKER_LIST,
        "text/html",
        "application/vnd.oci.image.manifest.v1+json",
        "x",
        "",
    ] {
        assert_eq!(ask("oci", accept).body, oci.manifest.bytes, "{accept}");
    }
    for accept in [DOCKER_LIST, "*/*", "application/*", "text/html, */*;q=0.1"] {
        assert_eq!(ask("docker", accept).body, docker.manifest.bytes, "{accept}");
    }
    let child = ask("docker", DOCKER_IMAGE);
    assert_eq!(child.body, docker.image("linux/amd64").manifest.bytes);
    assert_eq!(child.expect_header("Content-Type"), DOCKER_IMAGE);
    let converted = ask("docker", "application/vnd.docker.distribution.manifest.v1+prettyjws");
    assert_eq!(converted.json()["schemaVersion"], 1);
    torture.finish();
}
