//! Answers as they came over the wire.

use super::path_of;

/// An answer as it came over the wire.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Every header line in order, names as received.
    pub headers: Vec<(String, String)>,
    /// The body, chunked coding removed.
    pub body: Vec<u8>,
    /// Whether the body was as long as announced.
    pub complete: bool,
}

impl Response {
    /// The value of the first header line of this name, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).next()
    }

    /// The values of all header lines of this name, compared without case.
    pub fn headers_named(&self, name: &str) -> impl Iterator<Item = &str> {
        let wanted = name.to_owned();
        self.headers
            .iter()
            .filter(move |(name, _)| name.eq_ignore_ascii_case(&wanted))
            .map(|(_, value)| value.as_str())
    }

    /// The value of a header that must be there.
    pub fn expect_header(&self, name: &str) -> &str {
        self.header(name).unwrap_or_else(|| panic!("no `{name}` in {self}"))
    }

    /// The path and query of `Location`, absolute or relative.
    pub fn location(&self) -> String {
        path_of(self.expect_header("Location")).to_owned()
    }

    /// The body as text; bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}) in {self}"))
    }

    /// The codes of the error body, in order; empty when the body is none.
    pub fn error_codes(&self) -> Vec<String> {
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .filter_map(|error| Some(error["code"].as_str()?.to_owned()))
            .collect()
    }

    /// Panics with the whole answer when the status is another.
    #[track_caller]
    #[expect(
        clippy::return_self_not_must_use,
        reason = "the check alone is often all a test wants"
    )]
    pub fn expect_status(self, status: u16) -> Self {
        assert!(self.status == status, "expected status {status}, got {self}");
        self
    }
}

impl std::fmt::Display for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        let text = self.text();
        let shown: String = text.chars().take(4000).collect();
        write!(f, "\n{shown}{}", if self.complete { "" } else { "\n[cut short]" })
    }
}
