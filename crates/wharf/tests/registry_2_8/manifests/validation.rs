//! What a manifest must be to be accepted.

use serde_json::{Value, json};
use wharf_testing::Config;
use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use crate::case::cases;
use crate::expect::{Detail, Expect};
use crate::images::{
    CONFIG, INDEX, LAYER, LIST, OCI, OCI_CONFIG, OCI_LAYER, SCHEMA1, SCHEMA2, SCHEMA2_CONFIG, SCHEMA2_FOREIGN,
    SCHEMA2_LAYER, descriptor, found, image, index, missing, oci, push_blobs, push_oci, push_schema2, schema2, stored,
};
use crate::subject::{Subject, put_manifest};

cases! {
    content_type_parameters: Config::new();
    content_type_unknown: Config::new(), differs in ["error-detail"];
    schema1: Config::new(), differs in ["schema1-push"];
    media_type_in_the_body: Config::new(), differs in ["error-detail"];
    media_type_missing: Config::new(), differs in ["error-detail"];
    image_and_index_at_once: Config::new(), differs in ["error-detail"];
    docker_image_and_list_at_once: Config::new(), differs in ["ambiguous-manifest"];
    ambiguous_json: Config::new(), differs in ["ambiguous-manifest"];
    not_json: Config::new(), differs in ["error-detail"];
    missing_blobs: Config::new();
    blobs_of_another_repository: Config::new();
    missing_children: Config::new();
    children_of_any_type: Config::new();
    free_contents: Config::new();
    subject: Config::new(), differs in ["referrers"];
    descriptor_sizes: Config::new(), differs in ["descriptor-size"];
    urls_without_a_list: Config::new(), differs in ["urls"];
    urls_with_a_list: with_urls(), differs in ["urls"];
    foreign_layer_without_urls: with_urls(), differs in ["foreign-layers"];
    bad_schema_version: Config::new(), differs in ["malformed-manifest"];
    bad_digest_inside: Config::new(), differs in ["malformed-manifest"];
    repository_classes: with_classes(), differs in ["added-detail"];
}

/// A PUT to `foo:v1`.
fn put(media_type: &str, manifest: &Value) -> Request {
    put_manifest("foo", "v1", media_type, &manifest.to_string())
}

/// PUT of a manifest that both accept; GET of it gives the same bytes.
fn accepted(c: &Subject, media_type: &str, manifest: &Value) {
    let text = manifest.to_string();
    c.ask(&put(media_type, manifest), &stored(c, "foo", &text));
    let get = Request::get("/v2/foo/manifests/v1").header("Accept", media_type);
    c.ask(&get, &found(media_type, &text));
}

/// Content-Type decides the parser; parameters after `;` are ignored.
fn content_type_parameters(c: &Subject) {
    push_blobs(c, "foo");
    let text = schema2().to_string();
    let request = put_manifest("foo", "v1", &format!("{SCHEMA2}; charset=utf-8"), &text);
    c.ask(&request, &stored(c, "foo", &text));
    let get = Request::get("/v2/foo/manifests/v1").header("Accept", SCHEMA2);
    c.ask(&get, &found(SCHEMA2, &text));
}

/// `application/json`, an absent or any unknown type (also `…manifest.v1+json`) falls into the signed schema 1 parser
/// and, without a signature, fails with 400 `MANIFEST_INVALID` `{}`.
fn content_type_unknown(c: &Subject) {
    push_blobs(c, "foo");
    let text = schema2().to_string();
    let dump = Expect::error_detail(400, "MANIFEST_INVALID", json!({}));
    let said = "unsupported manifest media type and no default available: ";
    let unsupported = |media_type: &str| Expect::error_detail(400, "MANIFEST_INVALID", format!("{said}{media_type}"));
    let old = "application/vnd.docker.distribution.manifest.v1+json";
    let schema1 = Expect::error_says(400, "MANIFEST_INVALID", &["schema 1"]);
    for media_type in [old, "application/json"] {
        let request = put_manifest("foo", "v1", media_type, &text);
        c.ask_differs("error-detail", &request, &dump, &schema1);
    }
    let request = put_manifest("foo", "v1", "text/plain", &text);
    c.ask_differs("error-detail", &request, &dump, &unsupported("text/plain"));
    let request = Request::put("/v2/foo/manifests/v1").body(&text);
    c.ask_differs("error-detail", &request, &dump, &unsupported(""));
}

/// Schema 1 is refused with 500 `UNKNOWN` `{}` unless `compatibility.schema1.enabled` is set.
fn schema1(c: &Subject) {
    let manifest = crate::negotiation::signed_schema1();
    let dump = Expect::error_detail(500, "UNKNOWN", json!({}));
    let text = Expect::error_says(400, "MANIFEST_INVALID", &["schema 1"]);
    let request = put_manifest("foo", "v1", SCHEMA1, &manifest);
    c.ask_differs("schema1-push", &request, &dump, &text);
}

/// `mediaType` inside the body must equal the header.
fn media_type_in_the_body(c: &Subject) {
    push_blobs(c, "foo");
    let dump = Expect::error_detail(400, "MANIFEST_INVALID", json!({}));
    let text = Expect::error_says(400, "MANIFEST_INVALID", &["mediaType"]);
    for (header, manifest) in [
        (SCHEMA2, oci()),
        (OCI, schema2()),
        (LIST, index(INDEX, &[])),
        (INDEX, index(LIST, &[])),
    ] {
        c.ask_differs("error-detail", &put(header, &manifest), &dump, &text);
    }
}

/// For docker types `mediaType` must be there; for OCI it may be missing: stored and served with the OCI type.
fn media_type_missing(c: &Subject) {
    push_blobs(c, "foo");
    let without = |mut manifest: Value| {
        manifest.as_object_mut().expect("an object").remove("mediaType");
        manifest
    };
    accepted(c, OCI, &without(oci()));
    accepted(c, INDEX, &without(index(INDEX, &[])));
    let dump = Expect::error_detail(400, "MANIFEST_INVALID", json!({}));
    let text = Expect::error_says(400, "MANIFEST_INVALID", &["mediaType"]);
    for (media_type, manifest) in [(SCHEMA2, schema2()), (LIST, index(LIST, &[]))] {
        c.ask_differs("error-detail", &put(media_type, &without(manifest)), &dump, &text);
    }
    let text = Expect::error_says(400, "MANIFEST_INVALID", &["schemaVersion"]);
    c.ask_differs("error-detail", &put(SCHEMA2, &json!({})), &dump, &text);
}

/// An image manifest that has `manifests`, or an index that has `config` or `layers`, is refused with 400.
fn image_and_index_at_once(c: &Subject) {
    push_blobs(c, "foo");
    let dump = Expect::error_detail(400, "MANIFEST_INVALID", json!({}));
    let text = Expect::error_says(400, "MANIFEST_INVALID", &[]);
    let refused = |media_type: &str, mut manifest: Value, key: &str, value: &Value| {
        manifest[key] = value.clone();
        c.ask_differs("error-detail", &put(media_type, &manifest), &dump, &text);
    };
    refused(OCI, oci(), "manifests", &json!([]));
    refused(INDEX, index(INDEX, &[]), "config", &descriptor(OCI_CONFIG, CONFIG));
    refused(INDEX, index(INDEX, &[]), "layers", &json!([]));
}

/// Docker's types are taken with the members of the other kind.
fn docker_image_and_list_at_once(c: &Subject) {
    push_blobs(c, "foo");
    let refused = Expect::error_says(400, "MANIFEST_INVALID", &[]);
    for (media_type, mut manifest, key, value) in [
        (SCHEMA2, schema2(), "manifests", json!([])),
        (LIST, index(LIST, &[]), "config", descriptor(OCI_CONFIG, CONFIG)),
        (LIST, index(LIST, &[]), "layers", json!([])),
    ] {
        manifest[key] = value;
        let before = stored(c, "foo", &manifest.to_string());
        c.ask_differs("ambiguous-manifest", &put(media_type, &manifest), &before, &refused);
    }
}

/// Keys that occur twice, or differ in case only, are taken.
fn ambiguous_json(c: &Subject) {
    push_blobs(c, "foo");
    let refused = Expect::error_says(400, "MANIFEST_INVALID", &[]);
    for key in ["schemaVersion", "SchemaVersion"] {
        let text = oci().to_string().replacen('{', &format!("{{\"{key}\":2,"), 1);
        let before = stored(c, "foo", &text);
        let request = put_manifest("foo", "v1", OCI, &text);
        c.ask_differs("ambiguous-manifest", &request, &before, &refused);
    }
}

/// Not JSON → 400 `MANIFEST_INVALID` with the parser's error.
fn not_json(c: &Subject) {
    let dump = Expect::error_detail(400, "MANIFEST_INVALID", json!({"Offset": 2}));
    let text = Expect::error_says(400, "MANIFEST_INVALID", &[]);
    for media_type in [SCHEMA2, OCI, LIST, INDEX] {
        let request = put_manifest("foo", "v1", media_type, "not JSON");
        c.ask_differs("error-detail", &request, &dump, &text);
    }
}

fn unknown(digests: &[&Value]) -> Expect {
    let error = |digest: &&Value| ("MANIFEST_BLOB_UNKNOWN", Detail::Is((*digest).clone()));
    Expect::errors(400, digests.iter().map(error))
}

/// Config and layers must be linked in this repository: one `MANIFEST_BLOB_UNKNOWN` per missing digest, in manifest
/// order with the config first, detail = digest.
fn missing_blobs(c: &Subject) {
    for (media_type, config, layer) in [(SCHEMA2, SCHEMA2_CONFIG, SCHEMA2_LAYER), (OCI, OCI_CONFIG, OCI_LAYER)] {
        let config = missing(config, "config");
        let layers = [missing(layer, "z"), descriptor(layer, LAYER), missing(layer, "a")];
        let manifest = image(media_type, &config, &layers);
        let (first, last) = (&layers[0]["digest"], &layers[2]["digest"]);
        c.push_blob("foo", LAYER);
        c.ask(&put(media_type, &manifest), &unknown(&[&config["digest"], first, last]));
    }
    assert!(!c.exists("repositories/foo/_manifests"));
}

/// A blob that is linked only in another repository is missing.
fn blobs_of_another_repository(c: &Subject) {
    push_blobs(c, "bar");
    let manifest = schema2();
    let (config, layer) = (&manifest["config"]["digest"], &manifest["layers"][0]["digest"]);
    c.ask(&put(SCHEMA2, &manifest), &unknown(&[config, layer]));
}

/// Children of a list or index: the manifest must exist in this repository.
fn missing_children(c: &Subject) {
    let text = push_oci(c, "bar", "v1");
    for media_type in [LIST, INDEX] {
        let children = [missing(OCI, "b"), descriptor(OCI, &text)];
        let manifest = index(media_type, &children);
        let digests = [&children[0]["digest"], &children[1]["digest"]];
        c.ask(&put(media_type, &manifest), &unknown(&digests));
    }
}

/// A child may have any media type, whatever the descriptor says.
fn children_of_any_type(c: &Subject) {
    let docker = push_schema2(c, "foo", "docker");
    let nested = index(INDEX, &[descriptor(SCHEMA2, &docker)]);
    accepted(c, INDEX, &nested);
    let nested = nested.to_string();
    accepted(
        c,
        LIST,
        &index(LIST, &[descriptor("text/plain", &docker), descriptor(INDEX, &nested)]),
    );
}

/// Artifacts, unknown config or layer types, annotations, empty `layers` and empty `manifests` are accepted.
fn free_contents(c: &Subject) {
    push_blobs(c, "foo");
    c.push_blob("foo", "{}");
    let strange = descriptor("application/x-anything", "{}");
    let mut artifact = image(OCI, &strange, std::slice::from_ref(&strange));
    artifact["artifactType"] = "application/x-example".into();
    artifact["annotations"] = json!({"org.example": "<ü>"});
    accepted(c, OCI, &artifact);
    accepted(c, OCI, &image(OCI, &descriptor(OCI_CONFIG, CONFIG), &[]));
    accepted(c, SCHEMA2, &image(SCHEMA2, &strange, std::slice::from_ref(&strange)));
    accepted(c, SCHEMA2, &image(SCHEMA2, &strange, &[]));
    accepted(c, INDEX, &index(INDEX, &[]));
    accepted(c, LIST, &index(LIST, &[]));
}

/// `subject` is accepted and stored, also when it points nowhere; no `OCI-Subject` is answered.
fn subject(c: &Subject) {
    push_blobs(c, "foo");
    let mut manifest = oci();
    manifest["subject"] = missing(OCI, "nowhere");
    let text = manifest.to_string();
    let before = stored(c, "foo", &text);
    let now = before.clone().header("oci-subject", sha256("nowhere"));
    c.ask_differs("referrers", &put(OCI, &manifest), &before, &now);
    let get = Request::get("/v2/foo/manifests/v1").header("Accept", OCI);
    c.ask(&get, &found(OCI, &text));
}

/// `size` in descriptors is never compared: wrong and negative sizes are accepted.
fn descriptor_sizes(c: &Subject) {
    push_blobs(c, "foo");
    for (place, size) in [("/config/size", 1), ("/layers/0/size", 99), ("/layers/0/size", -1)] {
        for (media_type, mut manifest) in [(SCHEMA2, schema2()), (OCI, oci())] {
            *manifest.pointer_mut(place).expect("it has a size") = size.into();
            let before = stored(c, "foo", &manifest.to_string());
            let code = if size < 0 { "MANIFEST_INVALID" } else { "SIZE_INVALID" };
            let refused = Expect::error_says(400, code, &[]);
            c.ask_differs("descriptor-size", &put(media_type, &manifest), &before, &refused);
        }
    }
}

const NONDISTRIBUTABLE: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";

/// An image of either kind whose only layer is elsewhere.
fn with_layer_at(media_type: &str, layer: &str, urls: &[&str]) -> Value {
    let config = descriptor(OCI_CONFIG, CONFIG);
    let mut layer = missing(layer, "elsewhere");
    if !urls.is_empty() {
        layer["urls"] = json!(urls);
    }
    image(media_type, &config, &[layer])
}

/// What 2.8 says to a URL that is not allowed.
fn forbidden() -> Expect {
    let unknown = Detail::Is(sha256("elsewhere").into());
    Expect::errors(
        500,
        [
            ("UNKNOWN", Detail::None),
            ("UNKNOWN", Detail::Is(json!({}))),
            ("MANIFEST_BLOB_UNKNOWN", unknown),
        ],
    )
}

/// With neither allow nor deny configured, no URL is allowed: status 500, `UNKNOWN` without detail, `UNKNOWN` with
/// `detail:{}`, `MANIFEST_BLOB_UNKNOWN`.
fn urls_without_a_list(c: &Subject) {
    push_blobs(c, "foo");
    for (media_type, layer) in [(SCHEMA2, SCHEMA2_FOREIGN), (OCI, OCI_LAYER), (OCI, NONDISTRIBUTABLE)] {
        let manifest = with_layer_at(media_type, layer, &["https://example.com/layer"]);
        let accepted = stored(c, "foo", &manifest.to_string());
        c.ask_differs("urls", &put(media_type, &manifest), &forbidden(), &accepted);
    }
}

fn with_urls() -> Config {
    Config::new().top(
        "validation:\n  manifests:\n    urls:\n      allow: ['^https?://good\\.example/']\n      \
         deny: ['/secret']",
    )
}

/// Every URL must be http or https, have no fragment, match allow and not match deny; the content is not checked.
fn urls_with_a_list(c: &Subject) {
    push_blobs(c, "foo");
    let refused = Expect::error_says(400, "MANIFEST_INVALID", &["invalid URL on layer"]);
    for (media_type, layer) in [(SCHEMA2, SCHEMA2_FOREIGN), (OCI, OCI_LAYER), (OCI, NONDISTRIBUTABLE)] {
        let with = |urls: &[&str]| with_layer_at(media_type, layer, urls);
        accepted(
            c,
            media_type,
            &with(&["https://good.example/a", "http://good.example/b"]),
        );
        for bad in [
            "https://bad.example/a",
            "https://good.example/secret",
            "https://good.example/a#fragment",
            "ftp://good.example/a",
        ] {
            let request = put(media_type, &with(&["https://good.example/a", bad]));
            c.ask_differs("urls", &request, &forbidden(), &refused);
        }
    }
}

/// A foreign layer of schema 2 needs at least one URL; the content of a non-distributable OCI layer without one must be
/// there.
fn foreign_layer_without_urls(c: &Subject) {
    push_blobs(c, "foo");
    let digest = Value::from(sha256("elsewhere"));
    for (media_type, layer, refused) in [
        (SCHEMA2, SCHEMA2_FOREIGN, forbidden()),
        (OCI, NONDISTRIBUTABLE, unknown(&[&digest])),
    ] {
        let manifest = with_layer_at(media_type, layer, &[]);
        let accepted = stored(c, "foo", &manifest.to_string());
        c.ask_differs("foreign-layers", &put(media_type, &manifest), &refused, &accepted);
    }
}

/// `schemaVersion` other than 2 → 500.
fn bad_schema_version(c: &Subject) {
    push_blobs(c, "foo");
    let invalid = Expect::error_says(400, "MANIFEST_INVALID", &[]);
    for (media_type, mut manifest) in [(SCHEMA2, schema2()), (OCI, oci())] {
        manifest["schemaVersion"] = 3.into();
        let dump = Expect::error_detail(500, "UNKNOWN", json!({}));
        c.ask_differs("malformed-manifest", &put(media_type, &manifest), &dump, &invalid);
    }
}

/// A malformed digest inside the manifest → 500.
fn bad_digest_inside(c: &Subject) {
    push_blobs(c, "foo");
    let invalid = Expect::error_says(400, "MANIFEST_INVALID", &["digest"]);
    let dump = Expect::errors(
        500,
        [
            ("UNKNOWN", Detail::None),
            ("UNKNOWN", Detail::Is(json!({}))),
            ("MANIFEST_BLOB_UNKNOWN", Detail::Is("sha256:abc".into())),
        ],
    );
    for (media_type, mut manifest) in [(SCHEMA2, schema2()), (OCI, oci())] {
        manifest["layers"][0]["digest"] = "sha256:abc".into();
        c.ask_differs("malformed-manifest", &put(media_type, &manifest), &dump, &invalid);
    }
}

fn with_classes() -> Config {
    Config::new().top("policy:\n  repository:\n    classes: [plugin]")
}

/// `policy.repository.classes`: the manifest's class must be listed, otherwise 403 `DENIED` with a message naming the
/// class.
fn repository_classes(c: &Subject) {
    push_blobs(c, "foo");
    let message = "registry does not allow image manifest";
    let own = Expect::json(403, &json!({"errors": [{"code": "DENIED", "message": message}]}));
    let detailed = Expect::error_detail(403, "DENIED", message);
    c.ask_differs("added-detail", &put(SCHEMA2, &schema2()), &own, &detailed);
    c.push_blob("foo", "{}");
    let plugin = descriptor("application/vnd.docker.plugin.v1+json", "{}");
    accepted(c, SCHEMA2, &image(SCHEMA2, &plugin, &[]));
}
