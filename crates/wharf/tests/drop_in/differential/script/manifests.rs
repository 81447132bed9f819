//! Manifests that at least one of them refuses.

use serde_json::{Value, json};
use wharf_testing::Kind;
use wharf_testing::encoding::sha256;
use wharf_testing::image::Content;

use crate::differential::ask::Ask;
use crate::differential::content::{Contents, INDEX, LIST, OCI, SCHEMA1, SCHEMA2, image};
use crate::differential::pair::Pair;
use crate::differential::push::{self, Way};

const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const OCI_FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
const DOCKER_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

fn descriptor(media_type: &str, content: &Content) -> Value {
    json!({"mediaType": media_type, "size": content.bytes.len(), "digest": content.digest})
}

fn with(mut descriptor: Value, key: &str, value: Value) -> Value {
    descriptor[key] = value;
    descriptor
}

/// Pushes a manifest, and deletes it where it was taken if only one of them did.
fn put(pair: &mut Pair, reference: &str, media_type: &str, bytes: impl AsRef<[u8]>) {
    let answers = pair.ask(&Ask::manifest("refused", reference, media_type, &bytes));
    let taken = [answers.registry_2_8.status == 201, answers.wharf.status == 201];
    match taken {
        [true, false] => push::delete_only(pair, Kind::Registry28, "refused", &sha256(&bytes)),
        [false, true] => push::delete_only(pair, Kind::Wharf, "refused", &sha256(&bytes)),
        _ => {}
    }
}

/// Whatever can be wrong with a manifest.
pub(super) fn refused(pair: &mut Pair, contents: &Contents) {
    let (config, layer) = (&contents.blobs[0], &contents.blobs[1]);
    push::blob(pair, "refused", config, Way::Monolithic);
    push::blob(pair, "refused", layer, Way::Monolithic);
    let (config, layer) = (descriptor(OCI_CONFIG, config), descriptor(OCI_LAYER, layer));
    let good = image(OCI, &config, std::slice::from_ref(&layer));
    put(pair, "good", OCI, &good.bytes);

    // What it refers to is not there.
    let missing = |seed: &str| descriptor(OCI_LAYER, &Content::new("", seed));
    put(
        pair,
        "v1",
        OCI,
        &image(OCI, &missing("a"), &[missing("b"), missing("b"), layer.clone()]).bytes,
    );
    let list = json!({"schemaVersion": 2, "mediaType": LIST, "manifests": [missing("c"), missing("d")]});
    put(pair, "v1", LIST, list.to_string());
    // What it says is wrong.
    put(pair, &sha256("other"), OCI, &good.bytes);
    for size in [json!(1), json!(-1)] {
        let wrong = with(layer.clone(), "size", size);
        put(pair, "v1", OCI, &image(OCI, &config, &[wrong]).bytes);
    }
    for digest in ["sha256:abc", "nonsense"] {
        let wrong = with(layer.clone(), "digest", json!(digest));
        put(pair, "v1", OCI, &image(OCI, &config, &[wrong]).bytes);
    }
    let older = json!({"schemaVersion": 1, "mediaType": OCI, "config": config, "layers": [layer]});
    put(pair, "v1", OCI, older.to_string());
    // It is none, or not the one it is sent as.
    for body in ["", "{", "null", "[]", "{}", "\"text\""] {
        put(pair, "v1", SCHEMA2, body);
    }
    put(pair, "v1", SCHEMA2, &good.bytes);
    put(pair, "v1", INDEX, &good.bytes);
    put(pair, "v1", "text/plain", &good.bytes);
    put(pair, "v1", SCHEMA1, &good.bytes);
    put(pair, "v1", SCHEMA1, signed(pair));
    put(pair, "v1", SCHEMA2, vec![b' '; (4 << 20) + 1]);
    // It is two things at once.
    let both = json!({"schemaVersion": 2, "mediaType": SCHEMA2, "config": config, "layers": [layer], "manifests": []});
    put(pair, "v1", SCHEMA2, both.to_string());
    let twice = image(SCHEMA2, &config, std::slice::from_ref(&layer));
    let twice = String::from_utf8_lossy(&twice.bytes).replace("\"layers\"", "\"layers\":[],\"layers\"");
    put(pair, "v1", SCHEMA2, twice);
    foreign(pair, &config, &layer);
}

/// A signed schema 1 manifest, as registry 2.8 makes one of another.
fn signed(pair: &Pair) -> Vec<u8> {
    let get = Ask::get("/v2/images/manifests/v0").header("Accept", SCHEMA1);
    let client = pair.client(Kind::Registry28);
    client.send(get.request(get.path_and_query())).expect_status(200).body
}

/// Layers that are somewhere else.
fn foreign(pair: &mut Pair, config: &Value, layer: &Value) {
    let elsewhere = with(layer.clone(), "urls", json!(["https://example.org/layer"]));
    let elsewhere = |kind: &str| with(elsewhere.clone(), "mediaType", json!(kind));
    put(pair, "v1", OCI, &image(OCI, config, &[elsewhere(OCI_LAYER)]).bytes);
    put(
        pair,
        "v1",
        SCHEMA2,
        &image(SCHEMA2, config, &[elsewhere(DOCKER_FOREIGN)]).bytes,
    );
    let absent = |kind: &str| descriptor(kind, &Content::new("", "absent"));
    put(
        pair,
        "v1",
        SCHEMA2,
        &image(SCHEMA2, config, &[absent(DOCKER_FOREIGN)]).bytes,
    );
    put(pair, "v1", OCI, &image(OCI, config, &[absent(OCI_FOREIGN)]).bytes);
}

/// Blobs whose bytes are manifests. Registry 2.8 takes them for such, and for the blobs' links when it deletes them.
pub(super) fn also_blobs(pair: &mut Pair, contents: &Contents) {
    let manifests = &contents.manifests;
    let first = &manifests[0].content;
    push::blob(pair, "both", first, Way::Monolithic);
    let path = format!("/v2/both/manifests/{}", first.digest);
    pair.ask(&Ask::new("HEAD", &path).header("Accept", SCHEMA2));
    let list = json!({"schemaVersion": 2, "mediaType": LIST, "manifests": [descriptor(SCHEMA2, first)]}).to_string();
    pair.ask(&Ask::manifest("both", "v1", LIST, &list));
    push::delete_only(pair, Kind::Registry28, "both", &sha256(&list));
    pair.ask(&Ask::new("DELETE", &path));
    push::blob(pair, "both", first, Way::Monolithic);
    push::manifest(pair, "both", "v1", manifests, 0);
    pair.ask(&Ask::new("DELETE", &path));
    push::blob(pair, "both", first, Way::Monolithic);
    pair.ask(&Ask::new("HEAD", &path).header("Accept", SCHEMA2));
    pair.ask(&Ask::new("HEAD", format!("/v2/both/blobs/{}", first.digest)));
}
