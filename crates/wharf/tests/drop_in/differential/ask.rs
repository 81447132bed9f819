//! A request as data: what is sent to both, and what the table of deviations looks at.

use wharf_testing::http::{Request, percent_encode, with_query};

/// Where a request goes.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The same path and query for both.
    Path(String),
    /// The URL of an upload, which each of them made itself.
    Upload {
        /// Its number in the pair.
        number: usize,
        /// Which of the URLs that it had.
        state: State,
        /// What is added to the query.
        query: String,
    },
}

/// The state in an upload's URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The newest.
    Newest,
    /// The one that the upload began with.
    First,
    /// None at all.
    Missing,
    /// One that nobody signed.
    Forged,
    /// That of the upload with this number.
    Of(usize),
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) target: Target,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
    /// Whether the body goes out in pieces, without `Content-Length`.
    pub(crate) chunked: bool,
}

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint<'a> {
    Catalog,
    Tags(&'a str),
    Manifest(&'a str, &'a str),
    Blob(&'a str, &'a str),
    Uploads(&'a str),
    Referrers,
    Other,
}

impl Ask {
    /// A request for a path; those that send something begin with an empty body.
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self::to(method, Target::Path(path.into()))
    }

    fn to(method: &'static str, target: Target) -> Self {
        let sends = matches!(method, "POST" | "PATCH" | "PUT");
        Self {
            method,
            target,
            headers: Vec::new(),
            body: sends.then(Vec::new),
            chunked: false,
        }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    /// A request to an upload, with its newest state.
    pub(crate) fn upload(method: &'static str, number: usize) -> Self {
        let (state, query) = (State::Newest, String::new());
        Self::to(method, Target::Upload { number, state, query })
    }

    /// `PUT <upload>&digest=<d>`.
    pub(crate) fn finish(number: usize, digest: &str) -> Self {
        Self::upload("PUT", number).query(&format!("digest={digest}"))
    }

    /// A PUT of a manifest.
    pub(crate) fn manifest(repository: &str, reference: &str, media_type: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = format!("/v2/{repository}/manifests/{reference}");
        Self::new("PUT", path).header("Content-Type", media_type).body(bytes)
    }

    /// With another state in the upload's URL.
    pub(crate) fn state(mut self, other: State) -> Self {
        if let Target::Upload { state, .. } = &mut self.target {
            *state = other;
        }
        self
    }

    /// With this query; an upload's URL keeps its state.
    pub(crate) fn query(mut self, added: &str) -> Self {
        match &mut self.target {
            Target::Path(path) => *path = with_query(path, added),
            Target::Upload { query, .. } => added.clone_into(query),
        }
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Some(body.as_ref().to_vec());
        self
    }

    /// Sends the body in pieces of a third.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// The same request with another method.
    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// The values of a header, all lines of it.
    pub(crate) fn header_values(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.headers.iter().filter(move |(given, _)| *given == name);
        lines.map(|(_, value)| value.as_str())
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.header_values(name).next().is_some()
    }

    /// The path with its query; of an upload only what is added to the query.
    pub(crate) fn path_and_query(&self) -> &str {
        match &self.target {
            Target::Path(path) => path,
            Target::Upload { query, .. } => query,
        }
    }

    /// A parameter of the query, as written.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let text = self.path_and_query();
        let query = text.split_once('?').map_or_else(
            || {
                if matches!(self.target, Target::Upload { .. }) {
                    text
                } else {
                    ""
                }
            },
            |(_, query)| query,
        );
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The number of the upload it goes to.
    pub(crate) fn upload_number(&self) -> Option<usize> {
        match self.target {
            Target::Upload { number, .. } => Some(number),
            Target::Path(_) => None,
        }
    }

    /// The request in a line.
    pub(crate) fn describe(&self) -> String {
        let target = match &self.target {
            Target::Path(path) => path.chars().take(300).collect(),
            Target::Upload { number, state, query } => format!("upload-{number} ({state:?}) {query}"),
        };
        let body = self.body.as_ref().map(|body| format!(" with {} bytes", body.len()));
        format!(
            "{} {target} {:?}{}",
            self.method,
            self.headers,
            body.unwrap_or_default()
        )
    }

    /// What the path asks for.
    pub(crate) fn endpoint(&self) -> Endpoint<'_> {
        let Target::Path(target) = &self.target else {
            return Endpoint::Other;
        };
        let path = target.split('?').next().unwrap_or_default();
        let Some(rest) = path.strip_prefix("/v2/") else {
            return Endpoint::Other;
        };
        if rest == "_catalog" {
            return Endpoint::Catalog;
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return Endpoint::Tags(name);
        }
        if let Some(name) = rest.strip_suffix("/blobs/uploads/") {
            return Endpoint::Uploads(name);
        }
        if rest.contains("/referrers/") {
            return Endpoint::Referrers;
        }
        if let Some((name, reference)) = rest.rsplit_once("/manifests/") {
            return Endpoint::Manifest(name, reference);
        }
        match rest.rsplit_once("/blobs/") {
            Some((name, digest)) if !digest.contains('/') => Endpoint::Blob(name, digest),
            _ => Endpoint::Other,
        }
    }

    /// The request as it goes out, to this target.
    pub(crate) fn request(&self, target: &str) -> Request {
        let request = self
            .headers
            .iter()
            .fold(Request::new(self.method, target), |request, (name, value)| {
                request.header(*name, value)
            });
        match &self.body {
            None => request,
            Some(body) if self.chunked => request.chunked(body.chunks(body.len() / 3 + 1)),
            Some(body) => request.body(body),
        }
    }
}

impl State {
    /// The URL with this state, of the URLs an upload had.
    pub(crate) fn apply(self, locations: &[String], other: impl FnOnce(usize) -> String) -> String {
        let newest = locations.last().map_or("", String::as_str);
        let bare = newest.split('?').next().unwrap_or_default();
        let with = |state: &str| format!("{bare}?_state={}", percent_encode(state));
        match self {
            Self::Newest => newest.to_owned(),
            Self::First => locations.first().cloned().unwrap_or_default(),
            Self::Missing => bare.to_owned(),
            Self::Forged => with(&wharf_testing::encoding::base64url([b'x'; 80])),
            Self::Of(number) => with(&other(number)),
        }
    }
}
