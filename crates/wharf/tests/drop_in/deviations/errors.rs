//! Errors, and the form of every answer.

use serde_json::{Value, json};

use super::Exchange;
use crate::differential::answer::Answer;
use crate::differential::ask::Endpoint;

fn is_plain(answer: &Answer, status: u16) -> bool {
    let content_type = answer.headers.get("Content-Type").map(String::as_str);
    answer.status == status && content_type == Some("text/plain; charset=utf-8")
}

/// A name, tag or digest outside the grammar.
pub(super) fn names_refused(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let path = exchange.ask.path_and_query();
    let has_bad_name = path.contains("___") || path.bytes().any(|byte| byte.is_ascii_uppercase());
    let (status, code, what) = match (exchange.ask.endpoint(), exchange.ask.method) {
        _ if !is_plain(answer, 404) => return false,
        (Endpoint::Other | Endpoint::Referrers, _) => return false,
        _ if has_bad_name => (400, "NAME_INVALID", "name"),
        (Endpoint::Manifest(..), "PUT") => (400, "MANIFEST_INVALID", "tag"),
        (Endpoint::Manifest(..), _) => (404, "MANIFEST_UNKNOWN", "tag"),
        (Endpoint::Blob(..), _) => (400, "DIGEST_INVALID", "digest"),
        _ => return false,
    };
    let detail = exchange.says(&[what]);
    detail
        .map(|detail| *answer = Answer::error(status, code, Some(detail)))
        .is_some()
}

/// 301 to another form of the path.
pub(super) fn redirects(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    if answer.status != 301 {
        return false;
    }
    *answer = match exchange.ask.path_and_query() {
        "/v2" => Answer::empty(301).with("Location", "/v2/"),
        _ => Answer::error(404, "UNSUPPORTED", Some("no such endpoint".into())),
    };
    true
}

/// HEAD of a list, and other methods than POST where uploads begin.
pub(super) fn allowed_methods(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    match (exchange.ask.endpoint(), exchange.ask.method) {
        (Endpoint::Catalog | Endpoint::Tags(_), "HEAD") if answer.status == 405 => {
            let Some(got) = exchange.got else { return false };
            *answer = got.clone();
            answer.body.clear();
            true
        }
        (Endpoint::Catalog | Endpoint::Tags(_), _)
            if answer.headers.get("Allow").is_some_and(|allow| allow == "GET") =>
        {
            answer.set("Allow", "GET, HEAD");
            true
        }
        (Endpoint::Uploads(_), method) if method != "POST" && answer.code() == "BLOB_UPLOAD_UNKNOWN" => {
            *answer = Answer::error(405, "UNSUPPORTED", None).with("Allow", "POST");
            true
        }
        _ => false,
    }
}

/// Go's plain text.
pub(super) fn plain_text(_: &Exchange<'_>, answer: &mut Answer) -> bool {
    let allowed = answer.headers.get("Allow").cloned();
    if is_plain(answer, 404) {
        *answer = Answer::error(404, "UNSUPPORTED", Some("no such endpoint".into()));
    } else if is_plain(answer, 405) {
        *answer = Answer::error(405, "UNSUPPORTED", None).with("Allow", allowed.unwrap_or_default());
    } else {
        return false;
    }
    true
}

/// A target above 8 KiB.
pub(super) fn limits(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    if exchange.ask.path_and_query().len() <= 8 << 10 {
        return false;
    }
    let refused = exchange
        .says(&["too long"])
        .map(|detail| Answer::error(414, "UNSUPPORTED", Some(detail)));
    refused.map(|refused| *answer = refused).is_some()
}

/// Registry 3's text for a detail of registry 2.8. Where it has none of its own, wharf's counts.
fn text(code: &str, detail: &Value, wharf: &Value) -> Option<Value> {
    let field = |name: &str| detail[name].as_str();
    let is_dump = *detail == json!({}) || detail["Offset"].is_number() || detail.is_number();
    let text = match code {
        "MANIFEST_UNKNOWN" => match (field("Tag"), field("Name"), field("Revision")) {
            (Some(tag), ..) => format!("unknown tag={tag}"),
            (_, Some(name), Some(revision)) => format!("unknown manifest name={name} revision={revision}"),
            _ => return None,
        },
        "DIGEST_INVALID" if field("Digest").is_some() => format!(
            "invalid digest for referenced layer: {}, content does not match digest",
            field("Digest").unwrap_or_default()
        ),
        "BLOB_UPLOAD_UNKNOWN" if is_dump => "blob upload unknown".to_owned(),
        "BLOB_UPLOAD_INVALID" if is_dump => "invalid secret".to_owned(),
        "MANIFEST_INVALID" | "DIGEST_INVALID" if is_dump => wharf["detail"].as_str()?.to_owned(),
        _ => return None,
    };
    Some(text.into())
}

/// Sets the errors in the body; the form stays that of registry 2.8.
fn set_errors(answer: &mut Answer, errors: &[Value]) {
    answer.set_body(format!("{}\n", json!({"errors": errors})));
}

/// A dump of Go's error value.
pub(super) fn detail(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let mut errors = answer.errors();
    let mut changed = false;
    for (error, wharf) in errors.iter_mut().zip(exchange.wharf.errors()) {
        let code = error["code"].as_str().unwrap_or_default().to_owned();
        let text = error.get("detail").and_then(|detail| text(&code, detail, &wharf));
        if let Some(text) = text {
            error["detail"] = text;
            changed = true;
        }
    }
    if changed {
        set_errors(answer, &errors);
    }
    changed
}

/// Nothing but the code.
pub(super) fn added_detail(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let bare = match (exchange.ask.method, answer.code().as_str()) {
        ("DELETE", "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN") | ("PUT", "DIGEST_INVALID") | (_, "BLOB_UPLOAD_INVALID") => {
            answer.detail().is_none()
        }
        _ => false,
    };
    let Some(detail) = exchange.says(&[]).filter(|_| bare) else {
        return false;
    };
    let mut errors = answer.errors();
    errors[0]["detail"] = detail;
    set_errors(answer, &errors);
    true
}

/// JSON with a charset.
pub(super) fn json_content_type(_: &Exchange<'_>, answer: &mut Answer) -> bool {
    let differs = answer
        .headers
        .get("Content-Type")
        .is_some_and(|kind| kind == "application/json; charset=utf-8");
    if differs {
        answer.set("Content-Type", "application/json");
    }
    differs
}
