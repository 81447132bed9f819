//! An answer with everything masked that no two servers can have in common: the address, ids of uploads, times,
//! signatures, boundaries.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};
use wharf_testing::encoding::{base64url_decode, hmac_sha256, sha256};
use wharf_testing::http::{Response, query_value};

/// Lines that belong to the connection, not to the answer.
const TRANSPORT: [&str; 3] = ["Date", "Connection", "Transfer-Encoding"];

/// A masked answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// By name as it was sent; several lines of one name are joined.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// Whether the body was as long as announced.
    pub(crate) complete: bool,
}

/// What is masked.
pub(crate) struct Masks<'a> {
    pub(crate) addr: SocketAddr,
    pub(crate) secret: &'a str,
    /// The name by which both know an upload.
    pub(crate) label: &'a dyn Fn(&str) -> String,
}

impl Answer {
    /// Masks an answer. A body sent in chunks is given the length that it has.
    pub(crate) fn new(response: &Response, method: &str, masks: &Masks<'_>) -> Self {
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in &response.headers {
            if TRANSPORT.contains(&name.as_str()) {
                continue;
            }
            let value = match name.as_str() {
                "Location" => masks.location(value),
                "Docker-Upload-Uuid" => (masks.label)(value),
                _ => value.clone(),
            };
            let lines = headers.entry(name.clone()).or_default();
            if !lines.is_empty() {
                lines.push('\n');
            }
            lines.push_str(&value);
        }
        let chunked = response.header("Transfer-Encoding").is_some();
        let mut answer = Self {
            status: response.status,
            headers,
            body: response.body.clone(),
            complete: response.complete,
        };
        if chunked {
            answer.set("Content-Length", answer.body.len().to_string());
        }
        answer.mask_boundary(method);
        if method != "HEAD" {
            answer.mask_signature();
        }
        answer
    }

    /// Boundaries are random, and not even of one length.
    fn mask_boundary(&mut self, method: &str) {
        let content_type = self.headers.get("Content-Type").cloned().unwrap_or_default();
        let Some((kind, boundary)) = content_type.split_once("; boundary=") else {
            return;
        };
        self.set("Content-Type", format!("{kind}; boundary=BOUNDARY"));
        if method == "HEAD" {
            self.headers.remove("Content-Length");
        } else {
            // The parts of the tests are text.
            let body = String::from_utf8_lossy(&self.body).replace(boundary, "BOUNDARY");
            self.set_body(body);
        }
    }

    /// Keys, signatures and times of schema 1 manifests are replaced by as many `x`.
    fn mask_signature(&mut self) {
        if self.headers.get("Content-Type").is_none_or(|kind| kind != SCHEMA1) {
            return;
        }
        let mut text = String::from_utf8_lossy(&self.body).into_owned();
        let manifest: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        for signature in manifest["signatures"].as_array().into_iter().flatten() {
            let key = &signature["header"]["jwk"];
            for value in [
                &key["kid"],
                &key["x"],
                &key["y"],
                &signature["signature"],
                &signature["protected"],
            ] {
                let value = value.as_str().unwrap_or_default();
                if !value.is_empty() {
                    text = text.replace(value, &"x".repeat(value.len()));
                }
            }
        }
        self.set_body(text);
    }

    /// Sets a header.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.headers.insert(name.to_owned(), value.into());
    }

    /// Replaces the body, and the length with it.
    pub(crate) fn set_body(&mut self, body: impl Into<Vec<u8>>) {
        self.body = body.into();
        self.complete = true;
        self.set("Content-Length", self.body.len().to_string());
    }

    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        let mut answer = Self {
            status,
            headers: BTreeMap::new(),
            body: Vec::new(),
            complete: true,
        };
        answer.set("Docker-Distribution-Api-Version", "registry/2.0");
        if status != 204 && status != 304 {
            answer.set("Content-Length", "0");
        }
        answer
    }

    /// With a header.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// A body of this type.
    pub(crate) fn body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut answer = Self::empty(status).with("Content-Type", content_type);
        answer.set_body(body);
        answer
    }

    /// A JSON body as wharf sends it.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", format!("{body}\n"))
    }

    /// An error as wharf sends it.
    pub(crate) fn error(status: u16, code: &str, detail: Option<Value>) -> Self {
        Self::json(status, &json!({"errors": [error(code, detail)]}))
    }

    /// The refusal of a manifest that refers to what is not there, as wharf sends it.
    pub(crate) fn missing(digests: &[&str]) -> Self {
        let errors = digests
            .iter()
            .map(|digest| error("MANIFEST_BLOB_UNKNOWN", Some((*digest).into())));
        Self::json(400, &json!({"errors": errors.collect::<Vec<_>>()}))
    }

    /// The errors in the body, empty if it is none.
    pub(crate) fn errors(&self) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["errors"].as_array().cloned().unwrap_or_default()
    }

    /// The code of the only error.
    pub(crate) fn code(&self) -> String {
        match self.errors().as_slice() {
            [error] => error["code"].as_str().unwrap_or_default().to_owned(),
            _ => String::new(),
        }
    }

    /// The detail of the only error.
    pub(crate) fn detail(&self) -> Option<Value> {
        match self.errors().as_slice() {
            [error] => error.get("detail").cloned(),
            _ => None,
        }
    }
}

const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// An error in a body.
fn error(code: &str, detail: Option<Value>) -> Value {
    let mut error = json!({"code": code, "message": message(code)});
    if let Some(detail) = detail {
        error["detail"] = detail;
    }
    error
}

/// The message of a code, the same from both.
fn message(code: &str) -> &'static str {
    match code {
        "UNSUPPORTED" => "The operation is unsupported.",
        "DIGEST_INVALID" => "provided digest did not match uploaded content",
        "SIZE_INVALID" => "provided length did not match content length",
        "NAME_INVALID" => "invalid repository name",
        "NAME_UNKNOWN" => "repository name not known to registry",
        "MANIFEST_UNKNOWN" => "manifest unknown",
        "MANIFEST_INVALID" => "manifest invalid",
        "BLOB_UNKNOWN" | "MANIFEST_BLOB_UNKNOWN" => "blob unknown to registry",
        "BLOB_UPLOAD_UNKNOWN" => "blob upload unknown to registry",
        "BLOB_UPLOAD_INVALID" => "blob upload invalid",
        other => panic!("`{other}` is not known here"),
    }
}

impl Masks<'_> {
    /// `http://HOST…`, an upload's id replaced by its label and its state written out.
    fn location(&self, location: &str) -> String {
        let origin = format!("http://{}", self.addr);
        let location = location.replacen(&origin, "http://HOST", 1);
        let Some((path, _)) = location.split_once('?') else {
            return location;
        };
        let (base, id) = path.rsplit_once('/').unwrap_or(("", path));
        let state = query_value(&location, "_state").map_or_else(|| "NONE".to_owned(), |state| self.state(&state));
        format!("{base}/{}?{state}", (self.label)(id))
    }

    /// `name@label+offset, s`, the last being the precision of the time: seconds, or less.
    fn state(&self, token: &str) -> String {
        let token = base64url_decode(token);
        let (signature, json) = token.split_at(32);
        if hmac_sha256(self.secret.as_bytes(), json) != signature {
            return "FORGED".to_owned();
        }
        let state: Value = serde_json::from_slice(json).unwrap_or_default();
        let text = |name: &str| state[name].as_str().unwrap_or_default();
        let precision = if text("StartedAt").contains('.') { "ns" } else { "s" };
        format!(
            "{}@{}+{}, {precision}",
            text("Name"),
            (self.label)(text("UUID")),
            state["Offset"]
        )
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        let shown = match std::str::from_utf8(&self.body) {
            Ok(text) if text.len() < 3000 => text.to_owned(),
            _ => format!("[{} bytes, {}]", self.body.len(), sha256(&self.body)),
        };
        write!(f, "\n{shown}{}", if self.complete { "" } else { "[cut short]" })
    }
}
