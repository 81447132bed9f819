//! Conversion and signature against answers of a running registry 2.8.2.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::Value;

use super::*;
use crate::Algorithm;

const HELLO: &str = "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
const BOTTOM_ID: &str = "1ab7aceeafa7f76e8afd9b355d12f197ffee7648088ac4195b46914b0e5038f1";
const EMPTY_BOTTOM_ID: &str = "3690474eb5b4b26fdfbd89c6e159e8cc376ca76ef48032a30fa6aafd56337880";
/// The config of the test vector, 381 bytes, with spaces after its colons and commas.
const CONFIG: &str = concat!(
    r#"{"architecture": "amd64", "os": "linux", "created": "2020-01-01T00:00:00Z", "config": {"Cmd": ["/bin/sh"]}, "#,
    r#""rootfs": {"type": "layers", "diff_ids": ["#,
    r#""sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"]}, "#,
    r#""history": [{"created": "2020-01-01T00:00:00Z", "created_by": "ADD x"}, "#,
    r#"{"created": "2020-01-02T00:00:00Z", "created_by": "CMD sh", "empty_layer": true}]}"#,
);
const TIME: &str = "2026-11-21T19:08:15Z";

fn run(config: &str, layers: &[&str], repository: &str, tag: &str) -> Result<Converted, ConvertError> {
    let layers: Vec<String> = layers.iter().map(|layer| (*layer).to_owned()).collect();
    convert(&Input {
        config: config.as_bytes(),
        layers: &layers,
        repository,
        tag,
    })
}

fn refusal(config: &str) -> String {
    run(config, &[HELLO], "foo", "v1").expect_err(config).to_string()
}

/// A config with one layer and members put before `rootfs`, as the registry was asked about.
fn one_layer(before: &str, history: &str) -> String {
    format!(
        r#"{{"architecture":"amd64",{before}"rootfs":{{"type":"layers","diff_ids":["{HELLO}"]}},"history":{history}}}"#
    )
}

/// The `v1Compatibility` texts, newest first.
fn compatibility(converted: &Converted) -> Vec<String> {
    let manifest: Value = serde_json::from_slice(&converted.unsigned).unwrap();
    let history = manifest["history"].as_array().unwrap();
    history
        .iter()
        .map(|entry| entry["v1Compatibility"].as_str().unwrap().to_owned())
        .collect()
}

/// Checks that the registry's digest comes out, which covers every byte.
fn assert_digest(tag: &str, config: &str, layers: &[&str], digest: &str) -> Converted {
    let converted = run(config, layers, "probe", tag).expect(tag);
    assert_eq!(
        converted.digest.hex(),
        digest,
        "{tag}: {:#?}",
        compatibility(&converted)
    );
    converted
}

/// Reads a signed text as its consumers do, checks the signature and returns the unsigned text.
fn verified(signed: &[u8]) -> Vec<u8> {
    let manifest: Value = serde_json::from_slice(signed).unwrap();
    let signature = &manifest["signatures"][0];
    let text = |value: &Value| URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap();
    let protected: Value = serde_json::from_slice(&text(&signature["protected"])).unwrap();
    let kept = usize::try_from(protected["formatLength"].as_u64().unwrap()).unwrap();
    let mut unsigned = signed[..kept].to_vec();
    unsigned.extend(text(&protected["formatTail"]));

    let jwk = &signature["header"]["jwk"];
    let point = [vec![4], text(&jwk["x"]), text(&jwk["y"])].concat();
    let key = VerifyingKey::from_sec1_bytes(&point).unwrap();
    let message = format!(
        "{}.{}",
        signature["protected"].as_str().unwrap(),
        URL_SAFE_NO_PAD.encode(&unsigned)
    );
    let bytes = Signature::from_slice(&text(&signature["signature"])).unwrap();
    key.verify(message.as_bytes(), &bytes).unwrap();
    unsigned
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32]).unwrap()
}

#[test]
fn the_vector_converts_to_the_byte() {
    assert_eq!(CONFIG.len(), 381);
    let converted = run(CONFIG, &[HELLO], "foo", "v1").unwrap();
    assert_eq!(converted.unsigned.len(), 897);
    assert_eq!(
        converted.digest.hex(),
        "b4f9d14717d01fc2420683e6c0e43380531c5ac9da978df62d01d9097b3414ad"
    );
    assert!(converted.needs_empty_layer);
    let manifest: Value = serde_json::from_slice(&converted.unsigned).unwrap();
    assert_eq!(manifest["fsLayers"][0]["blobSum"], EMPTY_LAYER_DIGEST);
    assert_eq!(manifest["fsLayers"][1]["blobSum"], HELLO);
    assert_eq!(
        compatibility(&converted),
        [
            concat!(
                r#"{"architecture":"amd64","config":{"Cmd":["/bin/sh"]},"created":"2020-01-01T00:00:00Z","#,
                r#""id":"d38d07735715952bba89829e7669bf7bc1a876176dcea5531c3b81e8321d46d3","os":"linux","#,
                r#""parent":"1ab7aceeafa7f76e8afd9b355d12f197ffee7648088ac4195b46914b0e5038f1","throwaway":true}"#,
            )
            .to_owned(),
            format!(
                r#"{{"id":"{BOTTOM_ID}","created":"2020-01-01T00:00:00Z","container_config":{{"Cmd":["ADD x"]}}}}"#
            ),
        ]
    );
}

#[test]
fn the_vector_signs_to_the_length_registry_2_sends() {
    let converted = run(CONFIG, &[HELLO], "foo", "v1").unwrap();
    let signed = key().sign(&converted.unsigned, TIME).unwrap();
    assert_eq!(signed.len(), 1540);
    assert_eq!(verified(&signed), converted.unsigned);
    let manifest: Value = serde_json::from_slice(&signed).unwrap();
    assert_eq!(
        manifest["signatures"][0]["protected"],
        "eyJmb3JtYXRMZW5ndGgiOjg5NSwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI2LTExLTIxVDE5OjA4OjE1WiJ9"
    );

    let other = run(CONFIG, &[HELLO], "foo", "list").unwrap();
    assert_eq!(
        other.digest.hex(),
        "372be9a7c8a3913e352a3b7f93dc587b1ff7168224c229ba510f44cdae731be3"
    );
    assert_eq!(key().sign(&other.unsigned, TIME).unwrap().len(), 1542);
}

/// The bytes around the signature are those of registry:2: its own signed text, with its key and signature put in.
#[test]
fn the_signature_of_registry_2_verifies_around_our_text() {
    let unsigned = run(CONFIG, &[HELLO], "foo", "v1").unwrap().unsigned;
    let block = r#",
   "signatures": [
      {
         "header": {
            "jwk": {
               "crv": "P-256",
               "kid": "MHKV:X33A:KVNZ:B6IZ:LRAE:ZDGI:XCDC:Q2HJ:5C3Z:ZFVY:26DW:53CM",
               "kty": "EC",
               "x": "yJGNXdwfmkhfobTJob6yUw4AIkAK5qiXmMtFEvkcczU",
               "y": "_Pj_NWZwkuQeoUuwr74QH3Z_QAL3l8_Vd5lHyDKGbrA"
            },
            "alg": "ES256"
         },
         "signature": "BuuOn-924wPgGIxk-FnJ8IDJrq0Mjk4kgfWMwJe_rQePXPpxuEmBkWVxgKkJ0-hK3XXtg5-9L8HhsSbkPOJC1A",
         "protected": "eyJmb3JtYXRMZW5ndGgiOjg5NSwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI2LTExLTIxVDE5OjA4OjE1WiJ9"
      }
   ]
}"#;
    let theirs = [&unsigned[..895], block.as_bytes()].concat();
    assert_eq!(verified(&theirs), unsigned);

    // Ours differs in the values of the key and the signature alone.
    let masked = |signed: &[u8]| {
        let text = String::from_utf8(signed.to_vec()).unwrap();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        let signature = &manifest["signatures"][0];
        let jwk = &signature["header"]["jwk"];
        [&jwk["kid"], &jwk["x"], &jwk["y"], &signature["signature"]]
            .iter()
            .fold(text.clone(), |text, value| text.replace(value.as_str().unwrap(), "*"))
    };
    assert_eq!(masked(&key().sign(&unsigned, TIME).unwrap()), masked(&theirs));
}

#[test]
fn the_key_id_is_libtrusts() {
    // Public key and ID are those of the vector: only the private half of the key is not known.
    let id = "MHKV:X33A:KVNZ:B6IZ:LRAE:ZDGI:XCDC:Q2HJ:5C3Z:ZFVY:26DW:53CM";
    let x = URL_SAFE_NO_PAD
        .decode("yJGNXdwfmkhfobTJob6yUw4AIkAK5qiXmMtFEvkcczU")
        .unwrap();
    let y = URL_SAFE_NO_PAD
        .decode("_Pj_NWZwkuQeoUuwr74QH3Z_QAL3l8_Vd5lHyDKGbrA")
        .unwrap();
    assert_eq!(sign::key_id(&[x, y].concat().try_into().unwrap()), id);
    assert_eq!(key().key_id().len(), id.len());
    assert!(format!("{:?}", key()).contains(&key().key_id()));
}

#[test]
fn keys_come_from_seeds_and_pem_files() {
    assert!(SigningKey::from_seed(&[0; 32]).is_none());
    assert!(SigningKey::from_seed(&[0xff; 32]).is_none());

    let sec1 = include_str!("../../tests/data/schema1/ec-private-key.pem");
    let id = SigningKey::from_pem(sec1).unwrap().key_id();
    assert_eq!(id, include_str!("../../tests/data/schema1/ec-private-key.id").trim());
    let without_parameters = &sec1[sec1.find("-----BEGIN EC PRIVATE").unwrap()..];
    assert_eq!(SigningKey::from_pem(without_parameters).unwrap().key_id(), id);
    let pkcs8 = include_str!("../../tests/data/schema1/ec-private-key.pkcs8.pem");
    assert_eq!(SigningKey::from_pem(pkcs8).unwrap().key_id(), id);

    let refused = |pem: &str| SigningKey::from_pem(pem).expect_err(pem).to_string();
    assert_eq!(refused(""), "no `EC PRIVATE KEY` in PEM form found");
    assert_eq!(refused("-----BEGIN EC PRIVATE KEY-----\nMHcC"), refused(""));
    assert!(
        refused("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n").contains("`RSA PRIVATE KEY`")
    );
    assert!(refused(&without_parameters.replace("\nM", "\n!")).starts_with("private key is damaged"));
    let p384 = include_str!("../../tests/data/schema1/p384-private-key.pem");
    assert!(refused(p384).starts_with("private key is damaged or not of the curve P-256"));
}

#[test]
fn texts_laid_out_otherwise_are_signed_in_their_own_form() {
    let compact = br#"{"schemaVersion":1,"name":"a","tag":"b"}"#;
    let signed = key().sign(compact, TIME).unwrap();
    assert!(signed.starts_with(
        br#"{"schemaVersion":1,"name":"a","tag":"b","signatures":[{"header":{"jwk":{"crv":"P-256","kid":""#
    ));
    assert!(!signed.contains(&b' ') && !signed.contains(&b'\n'));
    assert_eq!(verified(&signed), compact);

    let trailing = b"{\n \"a\": 1\n}\n";
    let signed = key().sign(trailing, TIME).unwrap();
    assert!(signed.starts_with(b"{\n \"a\": 1,\n \"signatures\": [\n  {\n"));
    assert_eq!(verified(&signed), trailing);

    for text in ["", "[1]", "{}", "{ }", "{\"a\":1", "}"] {
        assert!(key().sign(text.as_bytes(), TIME).is_err(), "{text}");
    }
}

#[test]
fn the_empty_layer_has_its_digest() {
    assert_eq!(
        Digest::of(Algorithm::Sha256, &EMPTY_LAYER).to_string(),
        EMPTY_LAYER_DIGEST
    );
}

#[test]
fn a_windows_base_layer_is_the_parent_of_the_first() {
    let history = r#"[{"created_by":"a","empty_layer":true,"comment":"co","author":"au"},{"created_by":"b","empty_layer":true,"comment":"c"},{}]"#;
    let config = one_layer("", history)
        .replace(r#""type":"layers""#, r#""type":"layers+base""#)
        .replace("]},\"history", "],\"base_layer\":\"sha384:abc\"},\"history");
    let converted = assert_digest(
        "base",
        &config,
        &[HELLO],
        "9f9730f187a15c9a0065bc6f9d065c92869a125024007b5c98c5f200b39e33c4",
    );
    let base = "4b9e657d80d52d721d7308b8e6b76c50d83b0f2f7c74c197530ae70042131542";
    let texts = compatibility(&converted);
    assert_eq!(
        texts[2],
        format!(
            r#"{{"id":"{EMPTY_BOTTOM_ID}","parent":"{base}","comment":"co","created":"0001-01-01T00:00:00Z","container_config":{{"Cmd":["a"]}},"author":"au","throwaway":true}}"#
        )
    );
    assert!(texts[1].contains(&format!(r#""parent":"{EMPTY_BOTTOM_ID}","comment":"c","#)));
}

#[test]
fn a_base_layer_does_not_reach_an_image_of_one_entry() {
    let config = one_layer("", "[{}]")
        .replace(r#""type":"layers""#, r#""type":"layers+base""#)
        .replace("]},\"history", "],\"base_layer\":\"sha384:abc\"},\"history");
    let digest = "e4df53ccb1d361931c93d889e8bcbbb72f1e143bebe899a6e108eb4281e9b8a0";
    assert!(!assert_digest("baseone", &config, &[HELLO], digest).needs_empty_layer);
}

#[test]
fn escapes_and_raw_values_come_out_as_go_writes_them() {
    let history = r#"[{"created":"2020-01-01T00:00:00Z","created_by":"a\ud800b <&> \u2028 \b\f\u001b\u007f\/","empty_layer":true},{}]"#;
    let before =
        "\"config\":{\"x\":\"a\\ud800b <&> \u{2028} \\b\\f\\/ \u{7f}\"},\"<k>\":1.50e3,\"z\":null,\"n\": 1e400 ,";
    let digest = "9f69a123ea16c44dab69c67d4a726cc1580c36c23850fb081632e744d5bce56f";
    let converted = assert_digest("surrogate", &one_layer(before, history), &[HELLO], digest);
    let texts = compatibility(&converted);
    assert!(
        texts[0].starts_with(r#"{"\u003ck\u003e":1.50e3,"architecture":"amd64","#),
        "{}",
        texts[0]
    );

    let config = one_layer("", r#"[{"created":"2020-01-01T00:00:00Z","created_by":"x"}]"#)
        .replace(r#""amd64""#, r#""a<é\u00e9\n\"\\""#);
    assert_digest(
        "archesc",
        &config,
        &[HELLO],
        "bf508b553a00f5754e8d626852cd2e04927559406c9b6d2544c94828a35d7842",
    );
}

#[test]
fn configs_that_go_reads_leniently_convert_alike() {
    let x = r#"[{"created":"2020-01-01T00:00:00Z","created_by":"x"}]"#;
    let cases = [
        (
            "notime",
            one_layer("", r#"[{"empty_layer":true},{"created_by":"a"}]"#),
            "b33f71b88d8fa13be74ee0d8b7214e0e0a84b3cccb664b7bd2b1c905bc9489e5",
        ),
        (
            "nullentry",
            one_layer("", r#"[{"empty_layer":true},null]"#),
            "1b8088fcf62b6b151e6536638b7f9e75f11ed51fc4caa8db8b5d201c4952277b",
        ),
        (
            "case",
            format!(
                r#"{{"Architecture":"amd64","RootFS":{{"DIFF_IDS":["{HELLO}"]}},"hiſtory":[{{"Created_By":"A"}}]}}"#
            ),
            "7f47a5ae68d6becf65698fa0d6eb2adcad09cbc6f970bf5c3360296c06c17f89",
        ),
        (
            "dup",
            one_layer(
                r#""history":[],"a":1,"a":2,"id":"mine","parent":"p","throwaway":"x","#,
                x,
            ),
            "0645e487613433807dd526f21c8e3c08bca9984cca9826a56458ef5caaf08d70",
        ),
        (
            "created_by_null",
            one_layer(
                "",
                r#"[{"created_by":null,"comment":null,"author":"","empty_layer":null},{"empty_layer":true}]"#,
            ),
            "0bac0ae76d9242f95fdfc47ac2729967019cea142892611c5c7e4701017a717a",
        ),
        (
            "diffbad",
            one_layer("", x).replace(
                &format!("\"type\":\"layers\",\"diff_ids\":[\"{HELLO}\"]"),
                r#""diff_ids":["x"]"#,
            ),
            "4fc577a32b75079fcbbbc88e7c000ab3fa51de55e2e54cbcd39d3373c8a01b96",
        ),
        (
            "fewer",
            one_layer("", r#"[{"empty_layer":true}]"#),
            "bf1276de1db5d26113d448220fa8c37d0af7e6a234c02e066e615c9e8de57d0e",
        ),
        (
            "ws",
            format!(" \n{} \n", one_layer("", x)),
            "79985bee9d5c39da17580b58ad3e711c3d6d828359df0e2dd940bdc0d8bb5fcf",
        ),
        (
            "deep",
            one_layer(&format!(r#""x":{}{},"#, "[".repeat(200), "]".repeat(200)), x),
            "cbe47b1e9aee396a0f5c33edde1797ee52542fb2681c078791fafa96d1b7e03a",
        ),
    ];
    for (tag, config, digest) in cases {
        assert_digest(tag, &config, &[HELLO], digest);
    }
    let two = "sha256:9dbe3cfc5af797f3516eb7c92f37fe507b83c13017aa9ddb57b9afe25a75a3a6";
    let config =
        format!(r#"{{"architecture":"amd64","rootfs":{{"diff_ids":["{HELLO}","{HELLO}"]}},"history":[{{}},{{}}]}}"#);
    let digest = "db9aa4e6ee8c3cc9468504c6f99cf1db6380693b5c4621d5fb01d9537c0f87da";
    let converted = assert_digest("twolayer", &config, &[HELLO, two], digest);
    assert!(!converted.needs_empty_layer);
    let manifest: Value = serde_json::from_slice(&converted.unsigned).unwrap();
    assert_eq!(manifest["fsLayers"][0]["blobSum"], two);
}

#[test]
fn what_cannot_be_converted_says_why() {
    let x = r#"[{"created":"2020-01-01T00:00:00Z"}]"#;
    assert_eq!(
        refusal(&one_layer("", "[]")),
        "image config has no history, which schema 1 needs"
    );
    assert_eq!(refusal("{}"), "image config has no history, which schema 1 needs");
    assert_eq!(
        refusal(&format!(r#"{{"history":{x}}}"#)),
        "image config has no `rootfs`"
    );
    assert_eq!(
        refusal(&format!(r#"{{"rootfs":null,"history":{x}}}"#)),
        "image config has no `rootfs`"
    );
    assert_eq!(
        refusal(&one_layer("", x).replace(&format!("[\"{HELLO}\"]"), r#"["a","b"]"#)),
        "image config lists `2` diff IDs, but the manifest has `1` layers"
    );
    for history in ["[{},{}]", "[{},{},{}]"] {
        assert_eq!(
            refusal(&one_layer("", history)),
            "history has more non-empty entries than the `1` layers of the manifest"
        );
    }
}

#[test]
fn configs_of_other_types_are_refused_with_the_member() {
    let x = r#"[{"created":"2020-01-01T00:00:00Z"}]"#;
    for (config, what) in [
        (one_layer("", r#"{"a":1}"#), "`history` is not an array"),
        (one_layer("", "[5]"), "`history` is not an object"),
        (
            one_layer("", r#"[{"created_by":5}]"#),
            "`history.created_by` is not a string",
        ),
        (one_layer("", r#"[{"author":[]}]"#), "`history.author` is not a string"),
        (
            one_layer("", r#"[{"comment":{}}]"#),
            "`history.comment` is not a string",
        ),
        (
            one_layer("", r#"[{"empty_layer":1}]"#),
            "`history.empty_layer` is not a boolean",
        ),
        (
            one_layer("", r#"[{"created":5}]"#),
            "`history.created` is not an RFC 3339 time: `5`",
        ),
        (
            one_layer("", r#"[{"created":""}]"#),
            "`history.created` is not an RFC 3339 time: `\"\"`",
        ),
        (
            one_layer("", x).replace("\"amd64\"", "6"),
            "`architecture` is not a string",
        ),
        (format!(r#"{{"rootfs":[],"history":{x}}}"#), "`rootfs` is not an object"),
        (
            one_layer("", x).replace(&format!("[\"{HELLO}\"]"), "[5]"),
            "`rootfs.diff_ids` is not a string",
        ),
        (
            one_layer("", x).replace(&format!("[\"{HELLO}\"]"), "7"),
            "`rootfs.diff_ids` is not an array",
        ),
    ] {
        assert_eq!(refusal(&config), format!("image config: {what}"));
    }
}

#[test]
fn what_is_no_config_or_no_digest_is_refused() {
    let long = one_layer("", &format!(r#"[{{"created":"{}"}}]"#, "9".repeat(10_000)));
    assert!(refusal(&long).len() < 200);
    let x = r#"[{"created":"2020-01-01T00:00:00Z"}]"#;
    for text in ["", "[1]", "null", "{", &format!("{} x", one_layer("", x))] {
        assert_eq!(refusal(text), "image config is not a JSON object", "{text}");
    }
    let config = one_layer("", x);
    let error = run(&config, &["b94d"], "foo", "v1").unwrap_err();
    assert_eq!(error.to_string(), "layer digest `b94d` is not `algorithm:encoded`");
    let input = Input {
        config: b"{\"a\":\"\xff\"}",
        layers: &[],
        repository: "a",
        tag: "b",
    };
    assert_eq!(convert(&input).unwrap_err().to_string(), "image config is not UTF-8");
}

#[test]
fn a_history_beyond_all_measure_is_refused() {
    let entries = vec![r#"{"empty_layer":true}"#; 10_001];
    let refused = refusal(&one_layer("", &format!("[{}]", entries.join(","))));
    assert_eq!(refused, "image config has `10001` history entries, more than `10000`");
}

#[test]
fn layers_of_a_stored_manifest_are_read_as_go_reads_them() {
    let stored = |text: &str| layers(text.replace("HELLO", HELLO).as_bytes());
    let hello: Digest = HELLO.parse().unwrap();
    for good in [
        r#"{"schemaVersion":1,"fsLayers":[{"blobSum":"HELLO"}],"history":[{"v1Compatibility":"\ud800"}]}"#,
        r#"{"FSLAYERS":[{"x":1,"blobsum":"HELLO"}],"SchemaVersion":1}"#,
        r#"{"schemaVersion":1,"fsLayers":[],"fsLayers":[{"blobSum":"HELLO"}]}"#,
    ] {
        assert_eq!(stored(good), Some(vec![hello]), "{good}");
    }
    for bad in [
        "",
        "[1,[]]",
        r#"[1,[["HELLO"]]]"#,
        r#"{"schemaVersion":2,"fsLayers":[]}"#,
        r#"{"schemaVersion":1}"#,
        r#"{"schemaVersion":1,"fsLayers":[["HELLO"]]}"#,
        r#"{"schemaVersion":1,"fsLayers":[{}]}"#,
        r#"{"schemaVersion":1,"fsLayers":[{"blobSum":"x"}]}"#,
    ] {
        assert_eq!(stored(bad), None, "{bad}");
    }
    // Neither an array in place of an object nor bytes that are no text, which the fuzzer found.
    assert_eq!(layers(b"{\"name\":\"\x8b\",\"schemaVersion\":1,\"fsLayers\":[]}"), None);
}
