//! Query parameters, and links to the next page.

use std::borrow::Cow;

use http::HeaderValue;
use wharf_spec::ErrorCode;

use crate::error::ApiError;
use crate::location::header_value;

/// The parameters of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a>(pub(crate) &'a str);

impl<'a> Query<'a> {
    /// The first parameter of that name.
    pub(crate) fn get(self, name: &'a str) -> Option<Cow<'a, str>> {
        self.all(name).next()
    }

    /// Every parameter of that name.
    pub(crate) fn all(self, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        form_urlencoded::parse(self.0.as_bytes())
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// `n`, the size of a page, at most `max`. `None` when it is not given.
    pub(crate) fn page_size(self, max: usize) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.get("n") else { return Ok(None) };
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            let detail = serde_json::json!({ "n": text });
            return Err(ApiError::bad_request(ErrorCode::Unsupported, detail));
        }
        // What is too large for a number is too large for a page.
        Ok(Some(text.parse::<usize>().unwrap_or(max).min(max)))
    }
}

/// `Link` to the next page: `path` with `parameters`, which are in alphabetical order.
pub(crate) fn next_page(path: &str, parameters: &[(&str, &str)]) -> HeaderValue {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    header_value(&format!("<{path}?{query}>; rel=\"next\""))
}
