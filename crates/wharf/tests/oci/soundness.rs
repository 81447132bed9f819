//! What every answer of a registry has to fulfil, whatever was asked.

use wharf_testing::http::Response;

/// The closed list of the specification.
pub(crate) const CODES: [&str; 14] = [
    "BLOB_UNKNOWN",
    "BLOB_UPLOAD_INVALID",
    "BLOB_UPLOAD_UNKNOWN",
    "DIGEST_INVALID",
    "MANIFEST_BLOB_UNKNOWN",
    "MANIFEST_INVALID",
    "MANIFEST_UNKNOWN",
    "NAME_INVALID",
    "NAME_UNKNOWN",
    "SIZE_INVALID",
    "UNAUTHORIZED",
    "DENIED",
    "UNSUPPORTED",
    "TOOMANYREQUESTS",
];

/// The most bytes of warnings in one answer.
const WARNING_BYTES_MAX: usize = 4096;

/// Fails when an answer breaks a rule that holds for all of them.
#[track_caller]
pub(crate) fn check(response: &Response) {
    assert!(response.complete, "an answer cut short: {response}");
    assert!(response.status < 500, "a server error: {response}");
    assert!(
        !(300..400).contains(&response.status),
        "a redirect, though files are served from here: {response}"
    );
    check_warnings(response);
    if response.status == 429 {
        response.expect_header("Retry-After");
    }
    if response.status >= 400 && is_json(response) {
        check_errors(response);
    }
}

/// `Warning: 299 - "…"`, without a date behind it.
#[track_caller]
fn check_warnings(response: &Response) {
    let warnings: Vec<&str> = response.headers_named("Warning").collect();
    for warning in &warnings {
        let text = warning.strip_prefix("299 - \"").and_then(|rest| rest.strip_suffix('"'));
        assert!(
            text.is_some_and(|text| !text.replace("\\\"", "").contains('"')),
            "a warning of another form: {response}"
        );
    }
    assert!(
        warnings.iter().map(|warning| warning.len()).sum::<usize>() <= WARNING_BYTES_MAX,
        "too many warnings: {response}"
    );
}

fn is_json(response: &Response) -> bool {
    response
        .header("Content-Type")
        .is_some_and(|media_type| media_type.starts_with("application/json"))
        && !response.body.is_empty()
}

#[track_caller]
fn check_errors(response: &Response) {
    let json = response.json();
    let errors = json["errors"].as_array().filter(|errors| !errors.is_empty());
    let errors = errors.unwrap_or_else(|| panic!("no `errors` in {response}"));
    for error in errors {
        let code = error["code"].as_str().unwrap_or_default();
        assert!(CODES.contains(&code), "`{code}` is outside the list: {response}");
        assert!(
            error.get("message").is_none_or(serde_json::Value::is_string),
            "`message` is no string: {response}"
        );
    }
}

/// Checks that an answer refuses with this status and, in the body's first error, this code.
#[track_caller]
pub(crate) fn expect_error(response: &Response, status: u16, code: &str) {
    let (found, codes) = (response.status, response.error_codes());
    assert!(
        found == status && codes.first().is_some_and(|first| first == code),
        "expected {status} {code}, got {response}"
    );
    assert!(is_json(response), "an error body without its media type: {response}");
}
