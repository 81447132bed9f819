//! What every answer to bad input has to fulfil.

use wharf_testing::http::Response;

/// The closed list of the OCI distribution specification.
const CODES: [&str; 14] = [
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

/// INV-01 and INV-02: no server error, and errors in JSON with codes of the list. An answer without a body (to HEAD) has no
/// code to look at.
#[track_caller]
pub(crate) fn check(answer: &Response) {
    assert!(answer.complete, "an answer cut short: {answer}");
    assert!(answer.status < 500, "INV-01: a server error: {answer}");
    if answer.status < 400 || answer.body.is_empty() {
        return;
    }
    let media_type = answer.expect_header("Content-Type");
    assert!(media_type.starts_with("application/json"), "INV-02: no JSON: {answer}");
    let codes = answer.error_codes();
    assert!(!codes.is_empty(), "INV-02: no `errors` in {answer}");
    for code in codes {
        assert!(
            CODES.contains(&code.as_str()),
            "INV-02: `{code}` is not in the list: {answer}"
        );
    }
}

/// Checks that an answer refuses with this status and, in the first error of its body, this code.
#[track_caller]
pub(crate) fn expect_error(answer: &Response, status: u16, code: &str) {
    let codes = answer.error_codes();
    assert!(
        answer.status == status && codes.first().is_some_and(|first| first == code),
        "expected {status} {code}, got {answer}"
    );
}
