//! Manifests of every type: which bytes are one, and what they say.

use serde_json::Value;
use serde_json::value::to_raw_value;
use wharf_spec::referrers::{Referrer, index};
use wharf_spec::{Algorithm, Descriptor, Digest, Manifest, ManifestError, MediaType};

use super::json::{Ambiguity, Document};

pub(super) fn target(data: &[u8]) {
    let value = serde_json::from_slice::<Value>(data);
    let ambiguity = serde_json::from_slice::<Document>(data)
        .ok()
        .map(|document| document.ambiguity(false));
    assert_eq!(ambiguity.is_some(), value.is_ok());
    let accepted = MediaType::ALL.map(|media_type| parse(media_type, data, ambiguity));
    let accepted: Vec<&Manifest> = accepted.iter().flatten().collect();
    assert!(accepted.len() <= 1, "one digest with two readings: {accepted:?}");
    let (Ok(value), [manifest]) = (value, accepted.as_slice()) else {
        return;
    };

    says_what_json_says(manifest, &value);
    for text in [serde_json::to_vec(&value), serde_json::to_vec_pretty(&value)] {
        let again = Manifest::parse(manifest.media_type, &text.unwrap()).unwrap();
        assert!(again.references().eq(manifest.references()), "white space counts");
        assert_eq!(again.subject, manifest.subject);
        assert_eq!(again.artifact_type(), manifest.artifact_type());
    }
    is_listed(manifest, data);
}

/// Parses, and holds what is refused as JSON against what an independent reader makes of it.
fn parse(media_type: MediaType, data: &[u8], ambiguity: Option<Ambiguity>) -> Option<Manifest> {
    let parsed = Manifest::parse(media_type, data);
    match (&parsed, ambiguity) {
        (Err(ManifestError::Json(_)), None | Some(Ambiguity::CaseOfOthers | Ambiguity::Certain))
        | (_, Some(Ambiguity::None | Ambiguity::CaseOfOthers)) => {}
        _ => panic!("{parsed:?} of a document with ambiguity {ambiguity:?}"),
    }
    if let (Err(error @ ManifestError::Json(_)), Some(Ambiguity::None)) = (&parsed, ambiguity) {
        panic!("refused without need: {error}");
    }
    if let Err(error) = &parsed {
        assert!(!error.to_string().is_empty());
    }
    parsed.ok()
}

fn says_what_json_says(manifest: &Manifest, value: &Value) {
    let images = [MediaType::DockerManifest, MediaType::OciManifest];
    let own: &[&str] = match manifest.media_type {
        MediaType::DockerManifest | MediaType::OciManifest => &["config", "layers"],
        MediaType::DockerList | MediaType::OciIndex => &["manifests"],
        MediaType::OciArtifact => &["blobs"],
    };
    let parts = ["config", "layers", "manifests", "blobs"];
    let mut foreign = parts.iter().filter(|part| !own.contains(part));
    assert!(
        foreign.all(|part| value[*part].is_null()),
        "parts of another kind: {value}"
    );
    let layers = if manifest.media_type == MediaType::OciArtifact {
        "blobs"
    } else {
        "layers"
    };
    let list = |name: &str| value[name].as_array().cloned().unwrap_or_default();
    let config = images.contains(&manifest.media_type).then(|| value["config"].clone());
    let expected: Vec<Value> = config
        .into_iter()
        .chain(list(layers))
        .chain(list("manifests"))
        .collect();
    let found: Vec<&Descriptor> = manifest.references().collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.into_iter().zip(&expected) {
        is_described(found, expected);
    }
    match &manifest.subject {
        Some(subject) => is_described(subject, &value["subject"]),
        None => assert!(value["subject"].is_null()),
    }
    let own_type = value["artifactType"].as_str().filter(|own| !own.is_empty());
    let config_type = images
        .contains(&manifest.media_type)
        .then(|| value["config"]["mediaType"].as_str().unwrap_or_default());
    assert_eq!(manifest.artifact_type(), own_type.or(config_type));
    let media_type = value["mediaType"].as_str().unwrap_or_default();
    assert!(media_type == manifest.media_type.as_str() || media_type.is_empty() && !manifest.media_type.is_docker());
}

fn is_described(found: &Descriptor, expected: &Value) {
    assert_eq!(Some(found.digest.to_string().as_str()), expected["digest"].as_str());
    assert_eq!(Some(found.size_bytes), expected["size"].as_u64());
    assert!(i64::try_from(found.size_bytes).is_ok(), "Go has no such size");
    assert_eq!(found.media_type, expected["mediaType"].as_str().unwrap_or_default());
    let urls = expected["urls"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(
        found
            .urls
            .iter()
            .map(String::as_str)
            .eq(urls.iter().filter_map(Value::as_str))
    );
    assert_eq!(found.urls.len(), urls.len());
    let platform = &expected["platform"];
    match &found.platform {
        Some(found) => {
            assert_eq!(
                found.architecture,
                platform["architecture"].as_str().unwrap_or_default()
            );
            assert_eq!(found.os, platform["os"].as_str().unwrap_or_default());
        }
        None => assert!(platform.is_null()),
    }
}

/// The list of referrers with this manifest in it is an index by our own rules, and names it.
fn is_listed(manifest: &Manifest, data: &[u8]) {
    let digest = Digest::of(Algorithm::Sha256, data);
    let annotations = manifest.annotations.as_ref();
    assert!(annotations.into_iter().flatten().all(|(_, value)| value.is_string()));
    let listed = index(&[Referrer {
        media_type: manifest.media_type.to_string(),
        digest,
        size: data.len() as u64,
        artifact_type: manifest.artifact_type().map(str::to_owned),
        annotations: annotations.map(|annotations| to_raw_value(annotations).unwrap()),
    }]);
    let listed = Manifest::parse(MediaType::OciIndex, &listed).unwrap();
    let [entry] = listed.manifests.as_slice() else {
        panic!("{listed:?}");
    };
    assert_eq!((entry.digest, entry.size_bytes), (digest, data.len() as u64));
    assert_eq!(entry.media_type, manifest.media_type.as_str());
}
