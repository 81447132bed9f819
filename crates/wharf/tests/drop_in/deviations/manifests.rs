//! Manifests.

use serde_json::{Value, json};
use wharf_testing::encoding::sha256;

use super::Exchange;
use crate::differential::answer::Answer;
use crate::differential::ask::Endpoint;
use crate::differential::content::{INDEX, LIST, OCI, SCHEMA1, SCHEMA2};
use crate::differential::stored::StoredManifest;

/// Repository and reference of a request for a manifest with this method.
fn manifest<'a>(exchange: &'a Exchange<'_>, methods: &[&str]) -> Option<(&'a str, &'a str)> {
    match exchange.ask.endpoint() {
        Endpoint::Manifest(name, reference) if methods.contains(&exchange.ask.method) => Some((name, reference)),
        _ => None,
    }
}

const READ: &[&str] = &["GET", "HEAD"];

fn body(exchange: &Exchange<'_>) -> Value {
    serde_json::from_slice(exchange.ask.body.as_deref().unwrap_or_default()).unwrap_or_default()
}

fn as_stored(found: &StoredManifest) -> Answer {
    Answer::body(200, &found.media_type, &*found.bytes)
        .with("Docker-Content-Digest", &*found.digest)
        .with("Etag", format!("\"{}\"", found.digest))
}

fn unknown(name: &str, reference: &str) -> Answer {
    let detail = if reference.contains(':') {
        format!("unknown manifest name={name} revision={reference}")
    } else {
        format!("unknown tag={reference}")
    };
    Answer::error(404, "MANIFEST_UNKNOWN", Some(detail.into()))
}

/// Replaces the answer with a refusal that says why.
fn refused(exchange: &Exchange<'_>, answer: &mut Answer, code: &str, words: &[&str]) -> bool {
    let detail = exchange.says(words);
    detail
        .map(|detail| *answer = Answer::error(400, code, Some(detail)))
        .is_some()
}

/// The answer to PUT of a manifest.
fn stored(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Endpoint::Manifest(name, _) = exchange.ask.endpoint() else {
        return false;
    };
    let digest = sha256(exchange.ask.body.as_deref().unwrap_or_default());
    *answer = Answer::empty(201)
        .with("Location", format!("http://HOST/v2/{name}/manifests/{digest}"))
        .with("Docker-Content-Digest", digest);
    true
}

/// A layer asked for, deleted or listed as a manifest.
pub(super) fn manifest_of_a_layer(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Endpoint::Manifest(name, reference) = exchange.ask.endpoint() else {
        return false;
    };
    match (exchange.ask.method, answer.status) {
        ("GET" | "HEAD", 200 | 404 | 500) => {
            let is_manifest = exchange.stored.has_manifest(name, reference);
            let is_layer = exchange.stored.has_blob(name, reference) && !is_manifest;
            if is_layer {
                *answer = unknown(name, reference);
            }
            is_layer
        }
        ("DELETE", 202) => {
            let is_layer = !exchange.before.is_manifest;
            if is_layer {
                *answer = unknown(name, reference);
            }
            is_layer
        }
        ("PUT", 201) => {
            let body = body(exchange);
            let children = body["manifests"].as_array().into_iter().flatten();
            let digests = children.map(|child| child["digest"].as_str().unwrap_or_default());
            let missing: Vec<_> = digests
                .filter(|digest| !exchange.stored.has_manifest(name, digest))
                .collect();
            if !missing.is_empty() {
                *answer = Answer::missing(&missing);
            }
            !missing.is_empty()
        }
        _ => false,
    }
}

/// More than 4 MiB.
pub(super) fn too_large(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let length = exchange.ask.body.as_ref().map(Vec::len);
    let is_too_large = manifest(exchange, &["PUT"]).is_some() && length > Some(4 << 20) && answer.status == 400;
    if is_too_large {
        answer.status = 413;
    }
    is_too_large
}

/// DELETE of a tag. Registry 2.8 still has it.
pub(super) fn delete_by_tag(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    match manifest(exchange, &["DELETE"]) {
        Some((name, tag)) if !tag.contains(':') && answer.code() == "DIGEST_INVALID" => {
            *answer = match exchange.stored.resolve(name, tag) {
                Some(_) => Answer::empty(202),
                None => unknown(name, tag),
            };
            true
        }
        _ => false,
    }
}

/// 500 to a schema 1 manifest.
pub(super) fn schema1_push(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let is_schema1 = exchange.ask.header_values("Content-Type").any(|kind| kind == SCHEMA1);
    let is_put = manifest(exchange, &["PUT"]).is_some();
    is_schema1 && is_put && answer.status == 500 && refused(exchange, answer, "MANIFEST_INVALID", &["schema 1"])
}

/// Every descriptor in a manifest.
fn descriptors(manifest: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["layers", "manifests"].map(|key| manifest[key].as_array());
    lists
        .into_iter()
        .flatten()
        .flatten()
        .chain([&manifest["config"]])
        .filter(|descriptor| descriptor.is_object())
}

/// A manifest with a wrong size in it.
pub(super) fn descriptor_size(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    if manifest(exchange, &["PUT"]).is_none() || answer.status != 201 {
        return false;
    }
    let body = body(exchange);
    for descriptor in descriptors(&body) {
        let Some(size) = descriptor["size"].as_i64() else {
            continue;
        };
        let content = exchange
            .stored
            .content(descriptor["digest"].as_str().unwrap_or_default());
        if size < 0 {
            return refused(exchange, answer, "MANIFEST_INVALID", &["size"]);
        }
        if content.is_some_and(|content| i64::try_from(content.len()) != Ok(size)) {
            return refused(exchange, answer, "SIZE_INVALID", &[]);
        }
    }
    false
}

/// 500 to layers with `urls`.
pub(super) fn urls(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let has_urls = descriptors(&body(exchange)).any(|descriptor| descriptor["urls"].is_array());
    manifest(exchange, &["PUT"]).is_some() && has_urls && answer.status == 500 && stored(exchange, answer)
}

/// 500 or 400 to layers that need not be there.
pub(super) fn foreign_layers(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let is_foreign = |descriptor: &Value| {
        let kind = descriptor["mediaType"].as_str().unwrap_or_default();
        kind.contains(".foreign.") || kind.contains(".nondistributable.")
    };
    let body = body(exchange);
    let is_put = manifest(exchange, &["PUT"]).is_some() && matches!(answer.status, 400 | 500);
    is_put && descriptors(&body).any(is_foreign) && stored(exchange, answer)
}

/// 500 to a wrong `schemaVersion` or a malformed digest in a manifest; 400 of other codes where that is no digest at all.
pub(super) fn malformed(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let body = body(exchange);
    let is_malformed = body["schemaVersion"] != 2
        || descriptors(&body).any(|descriptor| descriptor["digest"].as_str().is_none_or(|digest| digest.len() < 71));
    let is_put = manifest(exchange, &["PUT"]).is_some_and(|(_, reference)| !reference.starts_with("sha256:bad"));
    let first = answer
        .errors()
        .first()
        .map(|error| error["code"].to_string())
        .unwrap_or_default();
    let is_other = answer.status == 500 || first.contains("DIGEST_INVALID");
    is_put && is_malformed && is_other && refused(exchange, answer, "MANIFEST_INVALID", &[])
}

/// A docker manifest that is image and list at once, or has a key twice.
pub(super) fn ambiguous(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let body = body(exchange);
    let text = String::from_utf8_lossy(exchange.ask.body.as_deref().unwrap_or_default()).into_owned();
    let is_both = body["layers"].is_array() && body["manifests"].is_array();
    let is_ambiguous = is_both || text.matches("\"layers\"").count() > 1;
    let is_put = manifest(exchange, &["PUT"]).is_some() && answer.status == 201;
    is_put && is_ambiguous && refused(exchange, answer, "MANIFEST_INVALID", &[])
}

/// 500 to a malformed digest in the URL.
pub(super) fn malformed_digest(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let has_digest = manifest(exchange, READ).is_some_and(|(_, reference)| reference.contains(':'));
    has_digest && answer.status == 500 && refused(exchange, answer, "DIGEST_INVALID", &["digest"])
}

/// Every type that a client accepts.
fn accepted<'a>(exchange: &'a Exchange<'_>) -> Vec<&'a str> {
    let types = exchange.ask.header_values("Accept").flat_map(|line| line.split(','));
    types
        .map(|kind| kind.split(';').next().unwrap_or_default().trim())
        .collect()
}

/// A docker manifest by tag, for a client that leaves the type to the server.
pub(super) fn no_accept(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Some((name, tag)) = manifest(exchange, READ).filter(|(_, tag)| !tag.contains(':')) else {
        return false;
    };
    let accepted = accepted(exchange);
    let is_open = accepted.is_empty() || accepted.iter().any(|kind| kind.ends_with("/*"));
    let Some(found) = exchange.stored.manifest(name, tag) else {
        return false;
    };
    let is_docker = [SCHEMA2, LIST].contains(&&*found.media_type);
    if !is_open || !is_docker || accepted.contains(&&*found.media_type) || answer.status == 304 {
        return false;
    }
    *answer = as_stored(&found);
    true
}

/// 404 to a client that does not name OCI's types.
pub(super) fn oci_as_stored(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Some((name, reference)) = manifest(exchange, READ) else {
        return false;
    };
    let message = answer
        .errors()
        .first()
        .map(|error| error["message"].to_string())
        .unwrap_or_default();
    if answer.status != 404 || !message.contains("found, but accept header does not support OCI") {
        return false;
    }
    let found = exchange.stored.manifest(name, reference);
    let found = found.filter(|found| [OCI, INDEX].contains(&&*found.media_type));
    found.map(|found| *answer = as_stored(&found)).is_some()
}

/// `If-Match` and `If-None-Match`.
pub(super) fn conditions(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Some((name, reference)) = manifest(exchange, READ) else {
        return false;
    };
    let matches = |header: &str, weak: bool, etag: &str| {
        let mut tags = exchange
            .ask
            .header_values(header)
            .flat_map(|line| line.split(','))
            .map(str::trim);
        tags.any(|tag| {
            let tag = if weak { tag.trim_start_matches("W/") } else { tag };
            tag == "*" || tag.trim_matches('"') == etag
        })
    };
    match answer.status {
        304 => {
            let found = exchange.stored.manifest(name, reference);
            *answer = match found {
                Some(found) => with_validators(Answer::empty(304), &found.digest),
                None => unknown(name, reference),
            };
            true
        }
        200 => {
            let digest = answer.headers.get("Docker-Content-Digest").cloned().unwrap_or_default();
            let status = if exchange.ask.has_header("If-Match") && !matches("If-Match", false, &digest) {
                412
            } else if matches("If-None-Match", true, &digest) {
                304
            } else {
                return false;
            };
            *answer = with_validators(Answer::empty(status), &digest);
            true
        }
        _ => false,
    }
}

fn with_validators(answer: Answer, digest: &str) -> Answer {
    answer
        .with("Etag", format!("\"{digest}\""))
        .with("Docker-Content-Digest", digest)
}

/// `OCI-Subject`, and the list of referrers.
pub(super) fn referrers(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    if manifest(exchange, &["PUT"]).is_some() && answer.status == 201 {
        let subject = body(exchange)["subject"]["digest"].as_str().map(str::to_owned);
        return subject.map(|subject| answer.set("Oci-Subject", subject)).is_some();
    }
    if exchange.ask.endpoint() != Endpoint::Referrers || answer.status != 404 {
        return false;
    }
    let path = exchange.ask.path_and_query().trim_start_matches("/v2/");
    let Some((name, subject)) = path.split_once("/referrers/") else {
        return false;
    };
    let referring = exchange
        .stored
        .manifests(name)
        .into_iter()
        .filter_map(|(digest, bytes)| {
            let manifest: Value = serde_json::from_slice(&bytes).ok()?;
            let refers = manifest["subject"]["digest"] == subject;
            refers.then(|| {
                let kind = &manifest["artifactType"];
                json!({"mediaType": manifest["mediaType"], "digest": digest, "size": bytes.len(), "artifactType": kind})
            })
        });
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": referring.collect::<Vec<_>>()});
    *answer = Answer::body(200, INDEX, index.to_string());
    true
}
