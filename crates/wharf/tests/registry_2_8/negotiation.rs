//! §9 and §10 of registry 2.8's behaviour: what `Accept` decides, and schema 1.

use serde_json::{Value, json};
use wharf_testing::Config;
use wharf_testing::encoding::{base64url_decode, sha256};
use wharf_testing::http::{Request, Response};

use crate::case::cases;
use crate::expect::Expect;
use crate::images::{INDEX, LIST, OCI, SCHEMA1, SCHEMA2, child, descriptor, found, index, push_oci, push_schema2};
use crate::subject::Subject;
use crate::uploads::{data, layer_link};

cases! {
    several_accept_lines: Config::new();
    accept_is_parsed: Config::new();
    schema2_by_tag: Config::new();
    schema2_by_digest: Config::new();
    schema2_with_wildcard: Config::new(), differs in ["no-accept"];
    list_by_tag: Config::new();
    list_with_wildcard: Config::new(), differs in ["no-accept"];
    list_without_amd64: Config::new().delete(), differs in ["error-detail"];
    list_with_oci_child: Config::new();
    oci_manifest: Config::new(), differs in ["oci-as-stored"];
    oci_index: Config::new(), differs in ["oci-as-stored"];
    conversion_vector: Config::new();
    conversion_stores_the_empty_layer: Config::new();
    conversion_without_history: Config::new(), differs in ["error-detail"];
}

/// The layer that stands for history entries without one.
const EMPTY_LAYER: &str = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";

/// The unsigned schema 1 text of the image under `foo:<tag>`.
fn converted(tag: &str) -> String {
    let top = r#"{\"architecture\":\"amd64\",\"config\":{\"Cmd\":[\"/bin/sh\"]},\"created\":\"2020-01-01T00:00:00Z\",\"id\":\"d38d07735715952bba89829e7669bf7bc1a876176dcea5531c3b81e8321d46d3\",\"os\":\"linux\",\"parent\":\"1ab7aceeafa7f76e8afd9b355d12f197ffee7648088ac4195b46914b0e5038f1\",\"throwaway\":true}"#;
    let bottom = r#"{\"id\":\"1ab7aceeafa7f76e8afd9b355d12f197ffee7648088ac4195b46914b0e5038f1\",\"created\":\"2020-01-01T00:00:00Z\",\"container_config\":{\"Cmd\":[\"ADD x\"]}}"#;
    let layer = sha256(crate::images::LAYER);
    format!(
        r#"{{
   "schemaVersion": 1,
   "name": "foo",
   "tag": "{tag}",
   "architecture": "amd64",
   "fsLayers": [
      {{
         "blobSum": "{EMPTY_LAYER}"
      }},
      {{
         "blobSum": "{layer}"
      }}
   ],
   "history": [
      {{
         "v1Compatibility": "{top}"
      }},
      {{
         "v1Compatibility": "{bottom}"
      }}
   ]
}}"#
    )
}

/// The schema 1 manifest of the image under `foo:v1` with a valid signature, as docker once pushed it.
pub(super) fn signed_schema1() -> String {
    let unsigned = converted("v1");
    let key = json!({
        "crv": "P-256",
        "kid": "MHKV:X33A:KVNZ:B6IZ:LRAE:ZDGI:XCDC:Q2HJ:5C3Z:ZFVY:26DW:53CM",
        "kty": "EC",
        "x": "yJGNXdwfmkhfobTJob6yUw4AIkAK5qiXmMtFEvkcczU",
        "y": "_Pj_NWZwkuQeoUuwr74QH3Z_QAL3l8_Vd5lHyDKGbrA",
    });
    let signature = json!([{
        "header": {"jwk": key, "alg": "ES256"},
        "signature": "BuuOn-924wPgGIxk-FnJ8IDJrq0Mjk4kgfWMwJe_rQePXPpxuEmBkWVxgKkJ0-hK3XXtg5-9L8HhsSbkPOJC1A",
        "protected": "eyJmb3JtYXRMZW5ndGgiOjg5NSwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI2LTExLTIxVDE5OjA4OjE1WiJ9",
    }]);
    let body = unsigned.strip_suffix("\n}").expect("the tail that the signature names");
    format!("{body},\n   \"signatures\": {signature}\n}}")
}

fn get(reference: &str, accept: &[&str]) -> Request {
    let request = Request::get(format!("/v2/foo/manifests/{reference}"));
    accept
        .iter()
        .fold(request, |request, accept| request.header("Accept", *accept))
}

/// Checks an answer that is the image's schema 1 conversion under this tag: digest and `Etag` of the unsigned text, the
/// length of the signed one, which is the unsigned text with one signature put in.
#[track_caller]
fn is_converted(c: &Subject, answer: &Response, tag: &str) {
    let unsigned = converted(tag);
    let digest = sha256(&unsigned);
    let expected = Expect::any_body(200)
        .header("content-length", answer.body.len().to_string())
        .header("content-type", SCHEMA1)
        .header("etag", format!("\"{digest}\""))
        .header("docker-content-digest", digest);
    c.check(answer, &expected);
    let body = unsigned.strip_suffix("\n}").expect("it ends so");
    let text = answer.text();
    assert!(text.starts_with(body) && text.ends_with("\n   ]\n}"), "{text}");
    let signatures = &answer.json()["signatures"];
    let padded = |text: &str| format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
    let protected = signatures[0]["protected"].as_str().expect("a signature has it");
    let protected: Value = serde_json::from_slice(&base64url_decode(&padded(protected))).expect("it is JSON");
    assert_eq!(protected["formatLength"], body.len());
    assert_eq!(protected["formatTail"], "Cn0");
    let signature = signatures[0]["signature"].as_str().expect("a signature has it");
    assert_eq!(base64url_decode(&padded(signature)).len(), 64);
}

/// All `Accept` lines are read, each split at commas.
fn several_accept_lines(c: &Subject) {
    let text = push_schema2(c, "foo", "v1");
    for accept in [
        &[OCI, SCHEMA2][..],
        &[&format!("{OCI},{SCHEMA2}")],
        &[INDEX, LIST, SCHEMA2, OCI],
    ] {
        c.ask(&get("v1", accept), &found(SCHEMA2, &text));
    }
}

/// Parameters after `;` are cut, spaces trimmed, types compared case-sensitively; q values are ignored.
fn accept_is_parsed(c: &Subject) {
    let text = push_schema2(c, "foo", "v1");
    for accept in [format!("text/html,  {SCHEMA2} ;q=0.1"), format!("{SCHEMA2}; q=0")] {
        c.ask(&get("v1", &[&accept]), &found(SCHEMA2, &text));
    }
    let upper = SCHEMA2.replace("application", "Application");
    is_converted(c, &c.send(&get("v1", &[&upper])), "v1");
}

/// Schema 2 by tag: as stored if in Accept, else converted to schema 1 with the conversion's digest.
fn schema2_by_tag(c: &Subject) {
    let text = push_schema2(c, "foo", "v1");
    c.ask(&get("v1", &[SCHEMA2]), &found(SCHEMA2, &text));
    for accept in [&[SCHEMA1][..], &[OCI, INDEX], &["text/html"]] {
        is_converted(c, &c.send(&get("v1", accept)), "v1");
    }
}

/// Schema 2 by digest: as stored, whatever Accept says.
fn schema2_by_digest(c: &Subject) {
    let text = push_schema2(c, "foo", "v1");
    for accept in [&[SCHEMA2][..], &[], &[OCI]] {
        c.ask(&get(&sha256(&text), accept), &found(SCHEMA2, &text));
    }
}

/// No Accept, `*/*` and `application/*` count for nothing: converted to schema 1.
fn schema2_with_wildcard(c: &Subject) {
    let text = push_schema2(c, "foo", "v1");
    for accept in [&[][..], &["*/*"], &["application/*"]] {
        let answer = c.send(&get("v1", accept));
        if c.only_wharf("no-accept") {
            c.check(&answer, &found(SCHEMA2, &text));
        } else {
            is_converted(c, &answer, "v1");
        }
    }
}

/// A list `foo:list` of the docker image for linux/amd64 and something else.
fn push_list(c: &Subject) -> (String, String) {
    let text = push_schema2(c, "foo", "v1");
    let children = [child(SCHEMA2, &text, "arm64"), child(SCHEMA2, &text, "amd64")];
    let list = index(LIST, &children).to_string();
    c.push_manifest("foo", "list", LIST, &list);
    (list, text)
}

/// List by tag, not in Accept: the first entry for linux/amd64, as schema 2 if accepted, else converted to schema 1.
fn list_by_tag(c: &Subject) {
    let (list, text) = push_list(c);
    c.ask(&get("list", &[LIST]), &found(LIST, &list));
    c.ask(&get("list", &[SCHEMA2]), &found(SCHEMA2, &text));
    is_converted(c, &c.send(&get("list", &[OCI])), "list");
    for accept in [&[][..], &[SCHEMA2]] {
        c.ask(&get(&sha256(&list), accept), &found(LIST, &list));
    }
}

/// The same without Accept: schema 1.
fn list_with_wildcard(c: &Subject) {
    let (list, _) = push_list(c);
    for accept in [&[][..], &["*/*"]] {
        let answer = c.send(&get("list", accept));
        if c.only_wharf("no-accept") {
            c.check(&answer, &found(LIST, &list));
        } else {
            is_converted(c, &answer, "list");
        }
    }
}

/// No entry for linux/amd64 → 404 `MANIFEST_UNKNOWN` without detail; child gone → 404 with `{"Name","Revision"}`.
fn list_without_amd64(c: &Subject) {
    let text = push_schema2(c, "foo", "v1");
    let list = index(LIST, &[child(SCHEMA2, &text, "arm64")]).to_string();
    c.push_manifest("foo", "list", LIST, &list);
    c.ask(&get("list", &[SCHEMA2]), &Expect::error(404, "MANIFEST_UNKNOWN"));
    let (_, text) = push_list(c);
    let digest = sha256(&text);
    c.send(&Request::delete(format!("/v2/foo/manifests/{digest}")))
        .expect_status(202);
    let dump = json!({"Name": "foo", "Revision": digest});
    let dump = Expect::error_detail(404, "MANIFEST_UNKNOWN", dump);
    let text = format!("unknown manifest name=foo revision={digest}");
    let text = Expect::error_detail(404, "MANIFEST_UNKNOWN", text);
    c.ask_differs("error-detail", &get("list", &[SCHEMA2]), &dump, &text);
}

/// A child of another type is served as it is.
fn list_with_oci_child(c: &Subject) {
    let text = push_oci(c, "foo", "v1");
    let list = index(LIST, &[child(OCI, &text, "amd64")]).to_string();
    c.push_manifest("foo", "list", LIST, &list);
    c.ask(&get("list", &[SCHEMA2]), &found(OCI, &text));
}

/// OCI manifest, not in Accept → 404 `MANIFEST_UNKNOWN` with a message of its own, by tag and by digest.
fn oci_manifest(c: &Subject) {
    let text = push_oci(c, "foo", "v1");
    let message = "OCI manifest found, but accept header does not support OCI manifests";
    for reference in ["v1", &sha256(&text)] {
        refused(c, reference, message, &found(OCI, &text));
    }
}

/// OCI index, not in Accept → 404 `MANIFEST_UNKNOWN` with a message of its own, by tag and by digest.
fn oci_index(c: &Subject) {
    let text = push_oci(c, "foo", "v1");
    let text = index(INDEX, &[descriptor(OCI, &text)]).to_string();
    c.push_manifest("foo", "index", INDEX, &text);
    let message = "OCI index found, but accept header does not support OCI indexes";
    for reference in ["index", &sha256(&text)] {
        refused(c, reference, message, &found(INDEX, &text));
    }
}

fn refused(c: &Subject, reference: &str, message: &str, as_stored: &Expect) {
    let error = json!({"errors": [{"code": "MANIFEST_UNKNOWN", "message": message}]});
    let unknown = Expect::json(404, &error);
    for accept in [&[][..], &["*/*"], &[SCHEMA2, LIST]] {
        c.ask_differs("oci-as-stored", &get(reference, accept), &unknown, as_stored);
    }
}

/// The unsigned text of the conversion has 897 bytes and the digest b4f9d147…, under tag `list` 372be9a7….
fn conversion_vector(c: &Subject) {
    let digest = "sha256:b4f9d14717d01fc2420683e6c0e43380531c5ac9da978df62d01d9097b3414ad";
    assert_eq!((converted("v1").len(), sha256(converted("v1")).as_str()), (897, digest));
    let digest = "sha256:372be9a7c8a3913e352a3b7f93dc587b1ff7168224c229ba510f44cdae731be3";
    assert_eq!(sha256(converted("list")), digest);
    push_list(c);
    let answer = c.send(&get("v1", &[SCHEMA1]));
    is_converted(c, &answer, "v1");
    assert_eq!(answer.body.len(), 1540);
}

/// The conversion stores the empty layer (32 bytes) and its link into the repository during a GET.
fn conversion_stores_the_empty_layer(c: &Subject) {
    push_schema2(c, "foo", "v1");
    assert!(!c.exists(&data(EMPTY_LAYER)));
    is_converted(c, &c.send(&get("v1", &[SCHEMA1])), "v1");
    c.send(&Request::get(format!("/v2/foo/blobs/{EMPTY_LAYER}")))
        .expect_status(200);
    assert_eq!(c.file(&layer_link("foo", EMPTY_LAYER)), EMPTY_LAYER.as_bytes());
    assert_eq!(c.file(&data(EMPTY_LAYER)).len(), 32);
}

/// A config without history can't be converted: 400 `MANIFEST_INVALID` `detail:{}`.
fn conversion_without_history(c: &Subject) {
    let config = r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
    c.push_blob("foo", config);
    let config = descriptor(crate::images::SCHEMA2_CONFIG, config);
    let manifest = crate::images::image(SCHEMA2, &config, &[]).to_string();
    c.push_manifest("foo", "v1", SCHEMA2, &manifest);
    let dump = Expect::error_detail(400, "MANIFEST_INVALID", json!({}));
    let text = Expect::error_says(400, "MANIFEST_INVALID", &["history"]);
    c.ask_differs("error-detail", &get("v1", &[SCHEMA1]), &dump, &text);
}
