//! The manifests that refer to a subject.

use http::header::{CONTENT_TYPE, HeaderName, LINK};
use http::{HeaderValue, Response};
use wharf_spec::referrers::{Referrer, index};
use wharf_spec::{Digest, Endpoint, MediaType, RepositoryName};

use crate::app::{App, Request};
use crate::body::Body;
use crate::error::ApiError;
use crate::handlers::with;
use crate::query::next_page;

/// Referrers of one answer.
const PAGE_SIZE: usize = 1000;
/// An answer is cut when it gets longer than this, because clients limit what they read of a manifest. One referrer is always sent.
const PAGE_BYTES: usize = 2 << 20;

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// Lists them, filtered by `artifactType` if asked to.
pub(crate) async fn list(
    app: &App,
    request: &Request,
    name: &RepositoryName,
    subject: Digest,
) -> Result<Response<Body>, ApiError> {
    let query = request.query();
    let artifact_type = query.get("artifactType").map(String::from);
    let page_size = query
        .page_size(PAGE_SIZE)?
        .filter(|size| *size > 0)
        .unwrap_or(PAGE_SIZE);
    let last = query.get("last").map(|last| last.parse::<Digest>()).transpose()?;
    let filter = artifact_type.clone();
    let referrers = app.with_repository(name, move |registry, name| {
        // What goes beyond a page is read only to see that there is more.
        registry.referrers(
            name,
            subject,
            filter.as_deref(),
            last.as_ref(),
            page_size + 1,
            PAGE_BYTES,
        )
    });
    let mut referrers = referrers.await?;
    let fitting = fitting(&referrers).min(page_size);
    let more = referrers.len() > fitting;
    referrers.truncate(fitting);

    let mut response = with(
        Response::new(index(&referrers).into()),
        CONTENT_TYPE,
        HeaderValue::from_static(MediaType::OciIndex.as_str()),
    );
    if artifact_type.is_some() {
        response = with(response, FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
    }
    if let (true, Some(last)) = (more, referrers.last()) {
        let (last, n) = (last.digest.to_string(), page_size.to_string());
        let mut parameters = vec![("last", last.as_str()), ("n", &n)];
        if let Some(artifact_type) = &artifact_type {
            parameters.insert(0, ("artifactType", artifact_type));
        }
        let path = app.path(&Endpoint::Referrers(name.clone(), subject));
        response = with(response, LINK, next_page(&path, &parameters));
    }
    Ok(response)
}

/// How many of the first referrers fit into an answer.
fn fitting(referrers: &[Referrer]) -> usize {
    let mut size_bytes = 0;
    let fitting = referrers.iter().take_while(|referrer| {
        size_bytes += serde_json::to_vec(referrer).map_or(0, |json| json.len());
        size_bytes <= PAGE_BYTES
    });
    fitting.count().max(1)
}
