//! `/v2/`, the catalog and the tag list.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LINK};
use http::{HeaderValue, Response};
use serde::Serialize;
use wharf_registry::{Failure, Registry};
use wharf_spec::{Endpoint, RepositoryName};

use crate::app::{App, Request};
use crate::body::{Body, Part};
use crate::error::ApiError;
use crate::handlers::with;
use crate::query::next_page;

/// Repositories in one answer when the client does not say how many.
const CATALOG_DEFAULT: usize = 100;

/// The registry is here and speaks version 2.
pub(crate) fn base() -> Response<Body> {
    json("{}".to_owned())
}

fn json(body: impl Into<Body>) -> Response<Body> {
    with(
        Response::new(body.into()),
        CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )
}

fn json_line(body: &impl Serialize) -> Result<Response<Body>, ApiError> {
    let mut line = serde_json::to_string(body).map_err(|error| ApiError::internal(error.to_string()))?;
    line.push('\n');
    Ok(json(line))
}

/// Cuts a list that was asked for with one entry more than the page has; the last entry of the page if there is more.
fn cut(entries: &mut Vec<String>, page_size: usize) -> Option<String> {
    if entries.len() <= page_size {
        return None;
    }
    entries.truncate(page_size);
    entries.last().cloned()
}

/// The repositories that hold a manifest.
pub(crate) async fn catalog(app: &App, request: &Request) -> Result<Response<Body>, ApiError> {
    #[derive(Serialize)]
    struct Catalog {
        repositories: Vec<String>,
    }
    let query = request.query();
    let page_size = query
        .page_size(app.catalog_max)?
        .unwrap_or(CATALOG_DEFAULT.min(app.catalog_max));
    let last = query.get("last").unwrap_or_default().into_owned();
    app.registry.wait_until_swept().await;
    let mut repositories = match page_size {
        0 => Vec::new(),
        _ => {
            app.with_registry(move |registry| registry.catalog(&last, page_size + 1))
                .await?
        }
    };
    let last = cut(&mut repositories, page_size);
    let response = json_line(&Catalog { repositories })?;
    Ok(match last {
        Some(last) => {
            let link = next_page(
                &app.path(&Endpoint::Catalog),
                &[("last", &last), ("n", &page_size.to_string())],
            );
            with(response, LINK, link)
        }
        None => response,
    })
}

/// Tags are read this many at a time, so that a list of very many takes little more memory than its bytes.
const TAGS_AT_ONCE: usize = 4096;

/// An answer with tags.
struct TagPage {
    json: Vec<u8>,
    /// The last tag, if there are more behind it.
    last: Option<String>,
}

/// The tags of a repository behind `after`, `page_size` at most. `None` when there is no such repository.
fn tag_page(
    registry: &Registry,
    name: &RepositoryName,
    mut after: Option<String>,
    page_size: usize,
) -> Result<Option<TagPage>, Failure> {
    let mut json = format!(r#"{{"name":"{name}","tags":["#).into_bytes();
    let mut left = page_size;
    let last = loop {
        let chunk = left.min(TAGS_AT_ONCE);
        // One more than is sent, to see whether there is a next one; the repository must exist even for an empty page.
        let Some(mut tags) = registry.tags(name, after.as_deref(), if left == 0 { 0 } else { chunk + 1 })? else {
            return Ok(None);
        };
        let last = cut(&mut tags, chunk);
        for tag in &tags {
            if json.last() == Some(&b'"') {
                json.push(b',');
            }
            // Writing to a Vec can't fail.
            let _ = serde_json::to_writer(&mut json, tag);
        }
        left -= chunk;
        if last.is_none() || left == 0 {
            break last;
        }
        after = last;
    };
    json.extend_from_slice(b"]}\n");
    Ok(Some(TagPage { json, last }))
}

/// The tags of a repository that was asked for them lately, if all of them are wanted. Never waits for a disk.
pub(crate) fn hot_tags(app: &App, request: &Request, name: &RepositoryName) -> Option<Response<Body>> {
    if !wants_all_tags(app, request) {
        return None;
    }
    Some(all_tags(name, app.registry.hot_tags(name)?))
}

fn wants_all_tags(app: &App, request: &Request) -> bool {
    app.tags_max.is_none() && request.uri.query().is_none_or(str::is_empty)
}

fn all_tags(name: &RepositoryName, array: Bytes) -> Response<Body> {
    let head = format!(r#"{{"name":"{name}","tags":"#);
    let parts = [head.into(), array, Bytes::from_static(b"}\n")];
    json(Body::from_parts(parts.map(Part::Bytes)))
}

/// The tags of a repository.
pub(crate) async fn tags(app: &App, request: &Request, name: &RepositoryName) -> Result<Response<Body>, ApiError> {
    if wants_all_tags(app, request) {
        let tags = app.with_repository(name, |registry, name| registry.all_tags(name));
        let tags = tags.await?.ok_or_else(|| ApiError::name_unknown(name.as_str()))?;
        return Ok(all_tags(name, tags));
    }
    let query = request.query();
    // Without `n` all of them are sent, unless the configuration sets a limit.
    let max = app.tags_max.unwrap_or(usize::MAX);
    let page_size = query.page_size(max)?.unwrap_or(max);
    let last = query.get("last").map(String::from);
    let page = app.with_repository(name, move |registry, name| tag_page(registry, name, last, page_size));
    let TagPage { json: body, last } = page.await?.ok_or_else(|| ApiError::name_unknown(name.as_str()))?;
    let response = json(body);
    Ok(match last {
        Some(last) => {
            let path = app.path(&Endpoint::Tags(name.clone()));
            with(
                response,
                LINK,
                next_page(&path, &[("last", &last), ("n", &page_size.to_string())]),
            )
        }
        None => response,
    })
}
