//! The catalog and lists of tags.

use serde_json::{Value, json};
use wharf_testing::http::percent_decode;

use super::Exchange;
use crate::differential::answer::Answer;
use crate::differential::ask::Endpoint;

/// Repositories in one answer when the client does not say how many, and at most.
const CATALOG_DEFAULT: usize = 100;
const CATALOG_MAX: usize = 1000;

/// The repository whose tags are asked for.
fn tags(exchange: &Exchange<'_>) -> Option<String> {
    match exchange.ask.endpoint() {
        Endpoint::Tags(name) if exchange.ask.method == "GET" => Some(percent_decode(name)),
        _ => None,
    }
}

fn is_catalog(exchange: &Exchange<'_>) -> bool {
    exchange.ask.endpoint() == Endpoint::Catalog && exchange.ask.method == "GET"
}

/// Tags of a repository that holds manifests, none of them ever tagged.
pub(super) fn untagged_repository(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Some(name) = tags(exchange).filter(|name| exchange.stored.holds_manifests(name)) else {
        return false;
    };
    if answer.code() != "NAME_UNKNOWN" {
        return false;
    }
    *answer = Answer::json(200, &json!({"name": name, "tags": []}));
    true
}

/// Tags after the last one is gone, or after the last manifest is.
pub(super) fn no_manifests_left(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Some(name) = tags(exchange).filter(|_| answer.status == 200) else {
        return false;
    };
    let before = answer.clone();
    if !exchange.stored.holds_manifests(&name) {
        *answer = Answer::error(404, "NAME_UNKNOWN", Some(json!({"name": name})));
    } else if listed(answer, "tags").is_none() {
        let content_type = answer.headers["Content-Type"].clone();
        *answer = Answer::json(200, &json!({"name": name, "tags": []}));
        answer.set("Content-Type", content_type);
    }
    before != *answer
}

/// The names in a list; `None` for `null`.
fn listed(answer: &Answer, key: &str) -> Option<Vec<String>> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let names = body[key].as_array()?.iter();
    Some(names.map(|name| name.as_str().unwrap_or_default().to_owned()).collect())
}

fn set_tags(answer: &mut Answer, name: &str, tags: &[String]) {
    answer.set_body(format!("{}\n", json!({"name": name, "tags": tags})));
}

/// Tags in the directory's order.
pub(super) fn tags_sorted(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let (Some(name), Some(listed)) = (tags(exchange), listed(answer, "tags")) else {
        return false;
    };
    let mut sorted = listed.clone();
    sorted.sort();
    let differs = sorted != listed;
    if differs {
        set_tags(answer, &name, &sorted);
    }
    differs
}

/// The number of names that is asked for, if it is one.
fn page_size(exchange: &Exchange<'_>) -> Option<Result<usize, ()>> {
    exchange.ask.parameter("n").map(|n| n.parse().map_err(|_| ()))
}

/// Names behind `last`, `size` at most, and the last of them if there are more.
fn page(names: &[String], last: &str, size: usize, key: fn(&str) -> String) -> (Vec<String>, Option<String>) {
    let rest: Vec<_> = names.iter().filter(|name| key(name) > key(last)).cloned().collect();
    let shown: Vec<_> = rest.iter().take(size).cloned().collect();
    let next = shown.last().filter(|_| rest.len() > size).cloned();
    (shown, next)
}

/// `n` and `last` of a list of tags.
pub(super) fn tags_paged(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let (Some(name), Some(listed)) = (tags(exchange), listed(answer, "tags")) else {
        return false;
    };
    let size = match page_size(exchange) {
        None => usize::MAX,
        Some(Ok(size)) => size,
        Some(Err(())) => return false,
    };
    let last = percent_decode(exchange.ask.parameter("last").unwrap_or_default());
    let (shown, next) = page(&listed, &last, size, str::to_owned);
    let differs = shown != listed;
    if differs {
        set_tags(answer, &name, &shown);
    }
    if let Some(next) = next {
        let link = format!("</v2/{name}/tags/list?last={}&n={size}>; rel=\"next\"", escaped(&next));
        answer.set("Link", link);
    }
    differs
}

fn escaped(name: &str) -> String {
    name.replace('/', "%2F")
}

/// `n` that is no number.
pub(super) fn pagination_number(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let is_list = is_catalog(exchange) || tags(exchange).is_some();
    if !is_list || answer.status != 200 || page_size(exchange) != Some(Err(())) {
        return false;
    }
    let detail = json!({"n": exchange.ask.parameter("n")});
    *answer = Answer::error(400, "UNSUPPORTED", Some(detail));
    true
}

/// The part of the catalog that wharf must list, and the address of the next.
fn catalog(exchange: &Exchange<'_>) -> (Vec<String>, Option<String>) {
    let size = match page_size(exchange) {
        Some(Ok(size)) => size.min(CATALOG_MAX),
        _ => CATALOG_DEFAULT,
    };
    let last = percent_decode(exchange.ask.parameter("last").unwrap_or_default());
    let by_component = |name: &str| name.replace('/', "\0");
    let (shown, next) = page(
        &exchange.stored.repositories_with_manifests(),
        &last,
        size,
        by_component,
    );
    let link = next.map(|next| format!("</v2/_catalog?last={}&n={size}>; rel=\"next\"", escaped(&next)));
    (shown, link)
}

fn set_catalog(answer: &mut Answer, (shown, link): &(Vec<String>, Option<String>)) {
    answer.set_body(format!("{}\n", json!({"repositories": shown})));
    match link {
        Some(link) => answer.set("Link", link),
        None => {
            answer.headers.remove("Link");
        }
    }
}

/// `n` above the maximum.
pub(super) fn pagination_maximum(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    if !is_catalog(exchange) || answer.code() != "PAGINATION_NUMBER_INVALID" {
        return false;
    }
    *answer = Answer::json(200, &Value::Null);
    set_catalog(answer, &catalog(exchange));
    true
}

/// Repositories with layers and without manifests, or the other way round.
pub(super) fn catalog_membership(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Some(listed) = listed(answer, "repositories").filter(|_| is_catalog(exchange)) else {
        return false;
    };
    let expected = catalog(exchange);
    let differs = listed != expected.0;
    if differs {
        set_catalog(answer, &expected);
    }
    differs
}

/// A `Link` to an empty page.
pub(super) fn catalog_link(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    if !is_catalog(exchange) || answer.status != 200 {
        return false;
    }
    let expected = catalog(exchange);
    let differs = answer.headers.get("Link") != expected.1.as_ref();
    if differs {
        set_catalog(answer, &expected);
    }
    differs
}
