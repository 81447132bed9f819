//! The signed schema 1 manifest that a document shows.

use serde_json::{Value, json};

use super::json;

/// The blob that stands for a layer without content: an empty tar, in gzip.
const EMPTY_LAYER: &str = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";

/// Checks the text of a schema 1 manifest against the document's, and against the image config behind it.
pub(super) fn check(text: &str, config: &Value) {
    let begin = "{\n   \"schemaVersion\": 1,\n   \"name\": \"seed-schema1\",\n   \"tag\": \"latest\",\n   \
                 \"architecture\": \"amd64\",\n   \"fsLayers\": [\n      {\n         \"blobSum\": \"sha256:";
    assert!(text.starts_with(begin), "{text}");
    let manifest = json(text);
    let empty: Vec<_> = history(config)
        .map(|entry| entry["empty_layer"] == true)
        .rev()
        .collect();
    let layers: Vec<_> = manifest["fsLayers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| layer["blobSum"] == EMPTY_LAYER)
        .collect();
    assert_eq!(
        layers, empty,
        "layers stand newest first, and empty ones are the empty blob"
    );
    let versions: Vec<_> = manifest["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| json(entry["v1Compatibility"].as_str().unwrap()))
        .collect();
    check_history(&versions, config);
    check_signature(&manifest["signatures"]);
}

fn history(config: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    config["history"].as_array().unwrap().iter()
}

fn check_history(versions: &[Value], config: &Value) {
    for (number, (version, entry)) in versions.iter().zip(history(config).rev()).enumerate() {
        assert_eq!(version["id"].as_str().map(str::len), Some(64), "{version}");
        let parent = versions.get(number + 1).map_or(&Value::Null, |below| &below["id"]);
        assert_eq!(&version["parent"], parent, "{version}");
        assert_eq!(version["throwaway"] == true, entry["empty_layer"] == true, "{version}");
        if number == 0 {
            // The newest entry is the image config without history and rootfs.
            for key in [
                "architecture",
                "config",
                "container",
                "container_config",
                "created",
                "docker_version",
                "os",
            ] {
                assert_eq!(version[key], config[key], "{key} in {version}");
            }
            assert!(version["rootfs"].is_null() && version["history"].is_null(), "{version}");
        } else {
            assert_eq!(version["created"], entry["created"]);
            assert_eq!(version["container_config"], json!({"Cmd": [entry["created_by"]]}));
        }
    }
}

fn check_signature(signatures: &Value) {
    let signature = &signatures[0];
    let jwk = &signature["header"]["jwk"];
    assert_eq!(
        (&jwk["crv"], &jwk["kty"], &signature["header"]["alg"]),
        (&json!("P-256"), &json!("EC"), &json!("ES256"))
    );
    assert_eq!(jwk["kid"].as_str().map(|kid| kid.split(':').count()), Some(12), "{jwk}");
    for (value, length) in [(&jwk["x"], 43), (&jwk["y"], 43), (&signature["signature"], 86)] {
        assert_eq!(value.as_str().map(str::len), Some(length), "{value}");
    }
}

/// What is signed: everything but the signatures, with its formatting.
pub(super) fn payload(text: &str) -> &str {
    text.split_once(",\n   \"signatures\": [")
        .map_or_else(|| panic!("no signatures in {text}"), |(payload, _)| payload)
}
