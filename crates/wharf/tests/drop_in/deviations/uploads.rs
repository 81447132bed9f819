//! Uploads.

use serde_json::{Value, json};
use wharf_testing::Kind;
use wharf_testing::encoding::{sha256, sha512 as digest512};

use super::Exchange;
use crate::differential::answer::Answer;
use crate::differential::ask::{Endpoint, State, Target};
use crate::differential::upload::Fate;

/// The answer to a committed upload or a mount.
fn created(repository: &str, digest: &str) -> Answer {
    let location = format!("http://HOST/v2/{repository}/blobs/{digest}");
    Answer::empty(201)
        .with("Docker-Content-Digest", digest)
        .with("Location", location)
}

fn mismatch(digest: &str) -> Answer {
    let detail = format!("invalid digest for referenced layer: {digest}, content does not match digest");
    Answer::error(400, "DIGEST_INVALID", Some(detail.into()))
}

fn unknown() -> Answer {
    Answer::error(404, "BLOB_UPLOAD_UNKNOWN", Some("blob upload unknown".into()))
}

/// An answer with where an upload goes on.
fn going_on(exchange: &Exchange<'_>, answer: Answer, size: u64) -> Answer {
    let (number, upload) = exchange.upload.expect("the request goes to an upload");
    let (name, label) = (&upload.repository, format!("upload-{number}"));
    let location = format!("http://HOST/v2/{name}/blobs/uploads/{label}?{name}@{label}+{size}, s");
    answer
        .with("Location", location)
        .with("Range", format!("0-{}", size.saturating_sub(1)))
        .with("Docker-Upload-Uuid", label)
}

/// 416 with where the upload goes on.
fn out_of_place(exchange: &Exchange<'_>) -> Option<Answer> {
    let size = exchange.before.upload_bytes;
    let detail = exchange.says(&[&format!("byte {size}")])?;
    let answer = Answer::error(416, "BLOB_UPLOAD_INVALID", Some(detail));
    Some(going_on(exchange, answer, size))
}

fn body<'a>(exchange: &'a Exchange<'_>) -> &'a [u8] {
    exchange.ask.body.as_deref().unwrap_or_default()
}

/// Whether registry 2.8 refused the state in the URL.
fn is_invalid(answer: &Answer, detail: Option<&Value>) -> bool {
    answer.status == 404 && answer.code() == "BLOB_UPLOAD_INVALID" && answer.detail().as_ref() == detail
}

fn has_state(exchange: &Exchange<'_>, wanted: State) -> bool {
    matches!(exchange.ask.target, Target::Upload { state, .. } if state == wanted)
}

fn is_read(exchange: &Exchange<'_>) -> bool {
    matches!(exchange.ask.method, "GET" | "HEAD")
}

/// 202 to a POST that brings the blob.
pub(super) fn post_with_digest(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let (Endpoint::Uploads(name), Some(digest)) = (exchange.ask.endpoint(), exchange.ask.parameter("digest")) else {
        return false;
    };
    if answer.status != 202 || body(exchange).is_empty() {
        return false;
    }
    *answer = if digest == sha256(body(exchange)) {
        created(name, digest)
    } else if digest.len() == 71 {
        mismatch(digest)
    } else {
        let Some(detail) = exchange.says(&["digest"]) else {
            return false;
        };
        Answer::error(400, "DIGEST_INVALID", Some(detail))
    };
    true
}

/// 202 to a mount that does not say from where, when some repository has the blob.
pub(super) fn mount_without_from(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let (Endpoint::Uploads(name), Some(digest)) = (exchange.ask.endpoint(), exchange.ask.parameter("mount")) else {
        return false;
    };
    let is_there = || {
        let names = exchange.stored.directories();
        names.iter().any(|name| exchange.stored.has_blob(name, digest))
    };
    if answer.status != 202 || exchange.ask.parameter("from").is_some() || !is_there() {
        return false;
    }
    *answer = created(name, digest);
    true
}

/// 202 to a mount from something that no repository can be.
pub(super) fn mount_from_no_name(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let (Endpoint::Uploads(_), Some(from)) = (exchange.ask.endpoint(), exchange.ask.parameter("from")) else {
        return false;
    };
    let is_odd = |letter: char| letter.is_ascii_uppercase() || letter == '%';
    if answer.status != 202 || exchange.ask.parameter("mount").is_none() || !from.contains(is_odd) {
        return false;
    }
    let Some(detail) = exchange.says(&["repository name"]) else {
        return false;
    };
    *answer = Answer::error(400, "NAME_INVALID", Some(detail));
    true
}

/// 500 to a PATCH of another type than bytes.
pub(super) fn patch_content_type(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let is_refused = exchange.ask.method == "PATCH" && answer.status == 500 && answer.code() == "UNKNOWN";
    if !is_refused || !exchange.ask.has_header("Content-Type") {
        return false;
    }
    let size = exchange.before.upload_bytes + body(exchange).len() as u64;
    *answer = going_on(exchange, Answer::empty(202), size);
    true
}

/// 400 to a PUT whose body was eaten as a form.
pub(super) fn form_bodies(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let form = exchange
        .ask
        .header_values("Content-Type")
        .any(|kind| kind == "application/x-www-form-urlencoded");
    let (Some((_, upload)), Some(digest)) = (exchange.upload, exchange.ask.parameter("digest")) else {
        return false;
    };
    if !form || answer.status != 400 || exchange.before.upload_bytes != 0 || digest != sha256(body(exchange)) {
        return false;
    }
    *answer = created(&upload.repository, digest);
    true
}

/// 202 or 201 to bytes that do not belong where the upload is.
pub(super) fn content_range(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Some(range) = exchange.ask.header_values("Content-Range").next() else {
        return false;
    };
    let (first, length) = (exchange.before.upload_bytes, body(exchange).len() as u64);
    if range == format!("{first}-{}", first + length - 1) || !matches!(answer.status, 201 | 202) {
        return false;
    }
    out_of_place(exchange).map(|refused| *answer = refused).is_some()
}

/// 404 for ever after a broken connection.
pub(super) fn lost_connection(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let is_dead = exchange
        .upload
        .is_some_and(|(_, upload)| upload.fate(Kind::Registry28) == Fate::Broken);
    if !is_dead || !is_read(exchange) || !is_invalid(answer, None) {
        return false;
    }
    *answer = going_on(exchange, Answer::empty(204), exchange.before.upload_bytes);
    true
}

/// Whatever registry 2.8 says of an upload that ended with a wrong digest.
pub(super) fn digest_mismatch(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let ended_so = exchange
        .upload
        .is_some_and(|(_, upload)| upload.fate(Kind::Wharf) == Fate::Mismatched);
    // Without a state both refuse, but for wharf's answer to who asks for the status.
    let is_stateless = has_state(exchange, State::Forged) || has_state(exchange, State::Missing) && !is_read(exchange);
    if !ended_so || is_stateless || answer.code() == "BLOB_UPLOAD_UNKNOWN" {
        return false;
    }
    *answer = unknown();
    true
}

/// 404 to the closing PUT sent again.
pub(super) fn repeated_put(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let (Some((_, upload)), Some(digest)) = (exchange.upload, exchange.ask.parameter("digest")) else {
        return false;
    };
    let is_gone = answer.status == 404 && answer.code() == "BLOB_UPLOAD_UNKNOWN";
    if exchange.ask.method != "PUT" || !is_gone || !exchange.before.is_blob {
        return false;
    }
    *answer = created(&upload.repository, digest);
    true
}

/// 404 to who asks for the status without a state, or with an old one.
pub(super) fn status_without_state(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Some((_, upload)) = exchange.upload else {
        return false;
    };
    let is_refused = match exchange.ask.target {
        Target::Upload {
            state: State::Missing, ..
        } => is_invalid(answer, Some(&json!({}))),
        Target::Upload {
            state: State::First, ..
        } => is_invalid(answer, None),
        _ => false,
    };
    if !is_read(exchange) || !is_refused {
        return false;
    }
    *answer = match upload.fate(Kind::Wharf) {
        Fate::Open => going_on(exchange, Answer::empty(204), exchange.before.upload_bytes),
        _ => unknown(),
    };
    true
}

/// 404 to bytes, or to the end, of an upload that is further on.
pub(super) fn stale_offset(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    if !has_state(exchange, State::First) || !is_invalid(answer, None) {
        return false;
    }
    let expected = match (exchange.ask.method, exchange.upload) {
        ("PATCH" | "PUT", _) => out_of_place(exchange),
        ("DELETE", Some((number, _))) => {
            Some(Answer::empty(204).with("Docker-Upload-Uuid", format!("upload-{number}")))
        }
        _ => None,
    };
    expected.map(|expected| *answer = expected).is_some()
}

/// The sha256 of content that was pushed, or is asked for, by its sha512.
pub(super) fn sha512(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Some(asked) = (match exchange.ask.endpoint() {
        Endpoint::Blob(_, digest) => Some(digest),
        _ => exchange.ask.parameter("digest"),
    }) else {
        return false;
    };
    let given = answer.headers.get("Docker-Content-Digest").cloned().unwrap_or_default();
    let content = exchange.stored.content(&given);
    if !asked.starts_with("sha512:") || content.is_none_or(|content| digest512(content) != asked) {
        return false;
    }
    for value in answer.headers.values_mut() {
        *value = value.replace(&given, asked);
    }
    true
}
