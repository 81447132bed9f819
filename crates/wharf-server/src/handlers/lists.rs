//! `/v2/`, the catalog and the tag list.

use http::header::{CONTENT_TYPE, LINK};
use http::{HeaderValue, Response};
use serde::Serialize;
use wharf_spec::{Endpoint, RepositoryName};

use crate::app::{App, Request};
use crate::body::Body;
use crate::error::ApiError;
use crate::handlers::with;
use crate::query::next_page;

/// Repositories in one answer when the client does not say how many.
const CATALOG_DEFAULT: usize = 100;

/// The registry is here and speaks version 2.
pub(crate) fn base() -> Response<Body> {
    json("{}".to_owned())
}

fn json(body: String) -> Response<Body> {
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

/// The tags of a repository.
pub(crate) async fn tags(app: &App, request: &Request, name: &RepositoryName) -> Result<Response<Body>, ApiError> {
    #[derive(Serialize)]
    struct Tags<'a> {
        name: &'a str,
        tags: Vec<String>,
    }
    let query = request.query();
    // Without `n` all of them are sent, unless the configuration sets a limit.
    let max = app.tags_max.unwrap_or(usize::MAX - 1);
    let page_size = query.page_size(max)?.unwrap_or(max);
    let last = query.get("last").map(String::from);
    let tags = app.with_repository(name, move |registry, name| {
        // One more than the page has, to see whether there is a next one; the repository must exist even for an empty page.
        registry.tags(name, last.as_deref(), if page_size == 0 { 0 } else { page_size + 1 })
    });
    let mut tags = tags.await?.ok_or_else(|| ApiError::name_unknown(name.as_str()))?;
    let last = cut(&mut tags, page_size);
    let response = json_line(&Tags {
        name: name.as_str(),
        tags,
    })?;
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
