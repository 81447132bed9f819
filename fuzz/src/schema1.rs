//! Schema 1: the first byte chooses whether the rest is an image config to convert, a stored manifest to sign, or a key.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use wharf_spec::schema1::{self, EMPTY_LAYER_DIGEST, Input, SigningKey};
use wharf_spec::{Algorithm, Digest};

use super::json::is_json;
use super::{first_byte, text};

const TIME: &str = "2026-11-21T19:08:15Z";
/// Made once: that takes longer than all else.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed(&[7; 32]).unwrap());

pub(super) fn target(data: &[u8]) {
    let (choice, rest) = first_byte(data);
    match choice % 3 {
        0 => convert(rest),
        1 => sign(rest),
        _ => {
            // Whatever it is, it is no key by chance; the message must hold for it, though.
            let _ = SigningKey::from_pem(&text(rest)).map_err(|error| error.to_string());
        }
    }
}

/// Converts with as many layers as the config says there are, so that more than that can be tried.
fn convert(config: &[u8]) {
    let value: Value = serde_json::from_slice(config).unwrap_or_default();
    let count = value["rootfs"]["diff_ids"].as_array().map_or(0, Vec::len);
    let layers: Vec<String> = (0..count)
        .map(|layer| Digest::of(Algorithm::Sha256, &layer.to_le_bytes()).to_string())
        .collect();
    let input = Input {
        config,
        layers: &layers,
        repository: "library/some",
        tag: "v1",
    };
    let converted = match schema1::convert(&input) {
        Ok(converted) => converted,
        Err(error) => {
            assert!(error.to_string().len() < 1000, "an error repeats its input: {error}");
            return;
        }
    };
    assert_eq!(converted.digest, Digest::of(Algorithm::Sha256, &converted.unsigned));
    let manifest: Value = serde_json::from_slice(&converted.unsigned).unwrap();
    assert_eq!(manifest["schemaVersion"], 1);
    assert_eq!(
        (&manifest["name"], &manifest["tag"]),
        (&"library/some".into(), &"v1".into())
    );
    let blobs: Vec<String> = schema1::layers(&converted.unsigned)
        .unwrap()
        .iter()
        .map(Digest::to_string)
        .collect();
    let real: Vec<&String> = blobs.iter().filter(|blob| *blob != EMPTY_LAYER_DIGEST).collect();
    assert_eq!(converted.needs_empty_layer, real.len() < blobs.len());
    // Layers that no history speaks of are left out, as registry:2 does.
    assert!(real.iter().rev().copied().eq(layers.iter().take(real.len())));
    is_chain(manifest["history"].as_array().unwrap(), blobs.len());
    sign(&converted.unsigned);
}

/// Every entry is JSON of its own; every parent is the entry behind it. Only the base of a Windows image is not among them.
fn is_chain(history: &[Value], layers: usize) {
    assert_eq!(history.len(), layers);
    let entries: Vec<&str> = history
        .iter()
        .map(|entry| entry["v1Compatibility"].as_str().unwrap())
        .collect();
    assert!(entries.iter().all(|entry| is_json(entry)), "{entries:?}");
    // A lone surrogate, which Go keeps, is beyond serde.
    let entries: Vec<Value> = entries
        .iter()
        .filter_map(|entry| serde_json::from_str(entry).ok())
        .collect();
    if entries.len() < layers {
        return;
    }
    for pair in entries.windows(2) {
        assert_eq!(pair[0]["parent"], pair[1]["id"]);
    }
}

/// A signature keeps the text: it can be taken out of the signed text again, as `formatLength` and `formatTail` say.
fn sign(unsigned: &[u8]) {
    let object = serde_json::from_slice::<Value>(unsigned).ok();
    let members = object
        .as_ref()
        .and_then(Value::as_object)
        .map_or(0, serde_json::Map::len);
    if schema1::layers(unsigned).is_some() {
        let text = str::from_utf8(unsigned).unwrap().trim_start();
        assert!(text.starts_with('{') && is_json(text));
        assert!(text.contains('1'), "schema 1 without its number");
    }

    let signed = KEY.sign(unsigned, TIME);
    assert!(signed.is_ok() || members == 0, "{object:?} is not signed");
    let (Ok(signed), Some(Value::Object(object))) = (signed, object) else {
        return;
    };
    let signed: (Value, Vec<u8>) = (serde_json::from_slice(&signed).unwrap(), signed);
    let signature = &signed.0["signatures"][0];
    let decode = |value: &Value| URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap();
    let protected: Value = serde_json::from_slice(&decode(&signature["protected"])).unwrap();
    let kept = usize::try_from(protected["formatLength"].as_u64().unwrap()).unwrap();
    let restored = [&signed.1[..kept], &decode(&protected["formatTail"])].concat();
    assert_eq!(restored, unsigned);
    assert_eq!(protected["time"], TIME);
    assert_eq!(signature["header"]["jwk"]["kid"], KEY.key_id());
    let kept = object.iter().filter(|(key, _)| *key != "signatures");
    assert!(kept.into_iter().all(|(key, value)| signed.0[key] == *value));
}
