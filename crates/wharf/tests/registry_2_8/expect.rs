//! What an answer must look like, header for header and byte for byte.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};
use wharf_testing::Kind;
use wharf_testing::http::Response;

/// Lines that every answer may carry or that belong to the transport.
const TRANSPORT: [&str; 3] = ["date", "connection", "transfer-encoding"];

/// A test of one header's value.
type Test = Rc<dyn Fn(&str) -> Result<(), String>>;

/// An expected answer: status, exactly these headers, and the body.
#[derive(Clone)]
pub(crate) struct Expect {
    status: u16,
    headers: BTreeMap<String, Test>,
    body: Body,
    head: bool,
    api_version: bool,
}

#[derive(Clone)]
enum Body {
    /// These bytes; `json` when the content type is that of JSON answers.
    Bytes { bytes: Vec<u8>, json: bool },
    /// Errors whose details are tested one by one.
    Errors(Vec<(&'static str, Detail)>),
    /// Whatever, checked by the case.
    Any,
    /// Shorter than the `Content-Length` that the case expects, and these bytes.
    Broken(Vec<u8>),
}

/// The `detail` of an error.
#[derive(Clone, Debug)]
pub(crate) enum Detail {
    /// Not there.
    None,
    /// This value.
    Is(Value),
    /// A string with all of these in it.
    Says(&'static [&'static str]),
}

impl Expect {
    fn new(status: u16, body: Body) -> Self {
        Self {
            status,
            headers: BTreeMap::new(),
            body,
            head: false,
            api_version: true,
        }
    }

    /// No body: `Content-Length: 0`, and no length at all for 204 and 304.
    pub(crate) fn empty(status: u16) -> Self {
        let expect = Self::new(
            status,
            Body::Bytes {
                bytes: Vec::new(),
                json: false,
            },
        );
        if status == 204 || status == 304 {
            expect
        } else {
            expect.header("content-length", "0")
        }
    }

    /// These bytes with their `Content-Length`.
    pub(crate) fn bytes(status: u16, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref().to_vec();
        let length = bytes.len().to_string();
        Self::new(status, Body::Bytes { bytes, json: false }).header("content-length", length)
    }

    /// This JSON text, a newline after it, with its `Content-Length` and the content type of JSON.
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        let bytes = format!("{value}\n").into_bytes();
        let length = bytes.len().to_string();
        Self::new(status, Body::Bytes { bytes, json: true }).header("content-length", length)
    }

    /// One error without detail.
    pub(crate) fn error(status: u16, code: &'static str) -> Self {
        Self::errors(status, [(code, Detail::None)])
    }

    /// One error with this detail.
    pub(crate) fn error_detail(status: u16, code: &'static str, detail: impl Into<Value>) -> Self {
        Self::errors(status, [(code, Detail::Is(detail.into()))])
    }

    /// One error whose detail is a string with all of these in it.
    pub(crate) fn error_says(status: u16, code: &'static str, words: &'static [&'static str]) -> Self {
        Self::errors(status, [(code, Detail::Says(words))])
    }

    /// These errors in this order.
    pub(crate) fn errors(status: u16, errors: impl IntoIterator<Item = (&'static str, Detail)>) -> Self {
        Self::new(status, Body::Errors(errors.into_iter().collect()))
    }

    /// A body that the case looks at itself, and its length with it.
    pub(crate) fn any_body(status: u16) -> Self {
        Self::new(status, Body::Any)
    }

    /// A body cut short: fewer bytes than the `Content-Length` that is expected separately.
    pub(crate) fn broken(status: u16, bytes: &str) -> Self {
        Self::new(status, Body::Broken(bytes.into()))
    }

    /// Go's plain text error: text, newline, `nosniff`.
    pub(crate) fn plain(status: u16, text: &str) -> Self {
        Self::bytes(status, format!("{text}\n"))
            .header("content-type", "text/plain; charset=utf-8")
            .header("x-content-type-options", "nosniff")
    }

    /// The header must be there with this value.
    pub(crate) fn header(self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.header_like(name, move |got| {
            if got == value {
                Ok(())
            } else {
                Err(format!("expected `{value}`"))
            }
        })
    }

    /// The header must be there and pass the test.
    pub(crate) fn header_like(mut self, name: &str, test: impl Fn(&str) -> Result<(), String> + 'static) -> Self {
        self.headers.insert(name.to_ascii_lowercase(), Rc::new(test));
        self
    }

    /// The same answer to HEAD: all headers, no body.
    pub(crate) fn for_head(mut self) -> Self {
        self.head = true;
        self
    }

    /// Without `Docker-Distribution-Api-Version`.
    pub(crate) fn without_api_version(mut self) -> Self {
        self.api_version = false;
        self
    }

    /// What is wrong with the answer; nothing when it is as expected.
    pub(crate) fn mismatches(&self, kind: Kind, response: &Response) -> Vec<String> {
        let mut wrong = Vec::new();
        if response.status != self.status {
            wrong.push(format!("status: expected {}", self.status));
        }
        self.check_headers(kind, response, &mut wrong);
        self.check_body(response, &mut wrong);
        wrong
    }

    fn check_headers(&self, kind: Kind, response: &Response, wrong: &mut Vec<String>) {
        let mut expected = self.headers.clone();
        let mut add = |name: &str, value: String| {
            let test: Test = Rc::new(move |got: &str| {
                if got == value {
                    Ok(())
                } else {
                    Err(format!("expected `{value}`"))
                }
            });
            expected.entry(name.to_owned()).or_insert(test);
        };
        if self.api_version {
            add("docker-distribution-api-version", "registry/2.0".to_owned());
        }
        match &self.body {
            Body::Bytes { json: true, .. } => add("content-type", json_type(kind).to_owned()),
            Body::Errors(_) => {
                add("content-type", json_type(kind).to_owned());
                if !self.head {
                    add("content-length", response.body.len().to_string());
                } else if let Some(length) = response.header("content-length") {
                    add("content-length", length.to_owned());
                }
            }
            Body::Bytes { .. } | Body::Any | Body::Broken(_) => {}
        }
        if response.header("transfer-encoding").is_some() {
            expected.remove("content-length");
        }
        for (name, value) in &response.headers {
            let name = name.to_ascii_lowercase();
            match expected.remove(&name) {
                Some(test) => {
                    if let Err(expectation) = test(value) {
                        wrong.push(format!("header `{name}`: {expectation}, got `{value}`"));
                    }
                }
                None if TRANSPORT.contains(&name.as_str()) => {}
                None => wrong.push(format!("header `{name}: {value}` is not expected")),
            }
        }
        wrong.extend(expected.keys().map(|name| format!("header `{name}` is missing")));
    }

    fn check_body(&self, response: &Response, wrong: &mut Vec<String>) {
        let broken = matches!(self.body, Body::Broken(_)) && !self.head;
        if response.complete == broken {
            wrong.push(format!("body complete: expected {}", !broken));
        }
        match &self.body {
            _ if self.head => {
                if !response.body.is_empty() {
                    wrong.push("a body answers HEAD".to_owned());
                }
            }
            Body::Any => {}
            Body::Bytes { bytes, .. } | Body::Broken(bytes) => {
                if response.body != *bytes {
                    wrong.push(format!("body: expected `{}`", String::from_utf8_lossy(bytes)));
                }
            }
            Body::Errors(errors) => check_errors(errors, response, wrong),
        }
    }
}

/// The content type of JSON answers. That they differ is a case of its own.
pub(crate) fn json_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Registry28 => "application/json; charset=utf-8",
        Kind::Wharf => "application/json",
    }
}

fn check_errors(errors: &[(&str, Detail)], response: &Response, wrong: &mut Vec<String>) {
    let got: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let mut expected = Vec::new();
    for (index, (code, detail)) in errors.iter().enumerate() {
        let mut error = json!({"code": code, "message": message(code)});
        match detail {
            Detail::None => {}
            Detail::Is(value) => error["detail"] = value.clone(),
            Detail::Says(words) => {
                let said = &got["errors"][index]["detail"];
                let fits = |text: &str| words.iter().all(|word| text.contains(word));
                if !said.as_str().is_some_and(fits) {
                    wrong.push(format!("detail {index}: expected a string with {words:?}"));
                }
                error["detail"] = said.clone();
            }
        }
        expected.push(error);
    }
    let expected = format!("{}\n", json!({"errors": expected}));
    if response.text() != expected {
        wrong.push(format!("body: expected `{}`", expected.trim_end()));
    }
}

/// The message that registry 2.8 sends with a code.
fn message(code: &str) -> &'static str {
    match code {
        "UNKNOWN" => "unknown error",
        "UNSUPPORTED" => "The operation is unsupported.",
        "UNAUTHORIZED" => "authentication required",
        "DENIED" => "requested access to the resource is denied",
        "UNAVAILABLE" => "service unavailable",
        "DIGEST_INVALID" => "provided digest did not match uploaded content",
        "SIZE_INVALID" => "provided length did not match content length",
        "NAME_INVALID" => "invalid repository name",
        "NAME_UNKNOWN" => "repository name not known to registry",
        "MANIFEST_UNKNOWN" => "manifest unknown",
        "MANIFEST_INVALID" => "manifest invalid",
        "MANIFEST_UNVERIFIED" => "manifest failed signature verification",
        "MANIFEST_BLOB_UNKNOWN" | "BLOB_UNKNOWN" => "blob unknown to registry",
        "BLOB_UPLOAD_UNKNOWN" => "blob upload unknown to registry",
        "BLOB_UPLOAD_INVALID" => "blob upload invalid",
        "PAGINATION_NUMBER_INVALID" => "invalid number of results requested",
        other => panic!("`{other}` is no code of registry 2.8"),
    }
}
