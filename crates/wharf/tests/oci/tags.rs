//! end-8a, end-8b: the tags of a repository.

use serde_json::{Value, json};
use wharf_testing::Config;
use wharf_testing::http::Response;

use crate::manifest::Manifest;
use crate::soundness::expect_error;
use crate::wharf::{Wharf, manifest};

/// Tags that differ in case, length and every kind of character, in byte order.
const TAGS: [&str; 10] = ["0.1.2", "0.1.20", "1", "10", "9", "B", "_x", "a", "a-b", "a.b"];

/// A server with these tags in `a`.
fn with_tags(tags: &[&str]) -> Wharf {
    let wharf = Wharf::start();
    push_tags(&wharf, tags);
    wharf
}

/// Pushes these tags to `a`, in another order.
fn push_tags(wharf: &Wharf, tags: &[&str]) {
    let (first, second) = tags.split_at(tags.len() / 2);
    for tag in second.iter().chain(first).rev() {
        wharf.push_manifest("a", tag, &Manifest::index(&[]));
    }
}

#[track_caller]
fn list(wharf: &Wharf, query: &str) -> Response {
    let answer = wharf.get(&format!("/v2/a/tags/list{query}")).expect_status(200);
    assert!(
        answer.expect_header("Content-Type").starts_with("application/json"),
        "{answer}"
    );
    assert_eq!(answer.json()["name"], "a", "{answer}");
    answer
}

/// The tags of an answer; a list without any may be `null`, as registry:2 writes it.
fn tags(answer: &Response) -> Vec<String> {
    let json = answer.json();
    let tags = json["tags"].as_array().cloned().unwrap_or_default();
    tags.iter()
        .map(|tag| tag.as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The target of `Link`, which must have the relation `next`.
fn next(answer: &Response) -> Option<String> {
    let link = answer.header("Link")?;
    let (target, relation) = link.split_once('>').unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(relation.replace(' ', ""), ";rel=\"next\"", "{answer}");
    Some(
        target
            .strip_prefix('<')
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned(),
    )
}

#[test]
fn all_tags_come_in_byte_order() {
    let wharf = with_tags(&TAGS);
    let answer = list(&wharf, "");
    assert_eq!(answer.json(), json!({ "name": "a", "tags": TAGS }));
    assert_eq!(next(&answer), None);
}

#[test]
fn a_repository_nobody_pushed_to_is_404() {
    let wharf = with_tags(&["latest"]);
    let answer = wharf.get("/v2/never/pushed/tags/list");
    expect_error(&answer, 404, "NAME_UNKNOWN");
}

#[test]
fn a_repository_may_have_no_tags() {
    let wharf = Wharf::start();
    let index = Manifest::index(&[]);
    wharf.push_manifest("a", &index.digest(), &index);
    assert_eq!(tags(&list(&wharf, "")), [""; 0]);
    wharf.push_manifest("a", "latest", &index);
    wharf.delete(&manifest("a", "latest")).expect_status(202);
    assert_eq!(tags(&list(&wharf, "")), [""; 0]);
}

#[test]
fn n_limits_the_list_and_link_leads_through_all_of_it() {
    let wharf = with_tags(&TAGS);
    for n in 1..=TAGS.len() + 1 {
        let mut pages = Vec::new();
        let mut answer = list(&wharf, &format!("?n={n}"));
        while let Some(target) = next(&answer) {
            assert_eq!(tags(&answer).len(), n, "a page with `Link` is full: {answer}");
            pages.extend(tags(&answer));
            answer = wharf.get(&target).expect_status(200);
        }
        pages.extend(tags(&answer));
        assert_eq!(pages, TAGS, "n={n}");
    }
}

#[test]
fn n_as_large_as_the_list_or_larger_gives_all_of_it_without_link() {
    let wharf = with_tags(&TAGS);
    for n in [TAGS.len(), TAGS.len() + 1, 999] {
        let answer = list(&wharf, &format!("?n={n}"));
        assert_eq!(tags(&answer), TAGS);
        assert_eq!(next(&answer), None, "n={n}");
    }
}

#[test]
fn n_of_zero_gives_an_empty_list_without_link() {
    let wharf = with_tags(&TAGS);
    for query in ["?n=0", "?n=0&last=1"] {
        let answer = list(&wharf, query);
        assert_eq!(answer.json()["tags"], json!([]), "{answer}");
        assert_eq!(answer.header("Link"), None, "{answer}");
    }
}

#[test]
fn n_that_is_no_number_or_negative_is_400() {
    let wharf = with_tags(&TAGS);
    for n in ["-1", "abc", "1.5", "0x1", "%20"] {
        let answer = wharf.get(&format!("/v2/a/tags/list?n={n}"));
        expect_error(&answer, 400, "UNSUPPORTED");
    }
}

#[test]
fn n_beyond_every_limit_is_taken_for_the_limit() {
    let wharf = with_tags(&TAGS);
    for n in ["1000000", "18446744073709551615", "99999999999999999999999999"] {
        assert_eq!(tags(&list(&wharf, &format!("?n={n}"))), TAGS, "n={n}");
    }
}

#[test]
fn n_above_the_configured_maximum_is_taken_for_it() {
    let wharf = Wharf::start_with(&Config::new().top("tags:\n  maxtags: 3"));
    push_tags(&wharf, &TAGS);
    for query in ["?n=1000", ""] {
        let answer = list(&wharf, query);
        assert_eq!(tags(&answer), TAGS[..3]);
        let rest = wharf.get(&next(&answer).expect("a link")).expect_status(200);
        assert_eq!(tags(&rest), TAGS[3..6]);
    }
}

#[test]
fn last_is_exclusive_and_needs_no_n() {
    let wharf = with_tags(&TAGS);
    for (index, tag) in TAGS.iter().enumerate() {
        let answer = list(&wharf, &format!("?last={tag}"));
        assert_eq!(tags(&answer), TAGS[index + 1..], "last={tag}");
    }
}

#[test]
fn last_and_n_together() {
    let wharf = with_tags(&TAGS);
    let answer = list(&wharf, "?n=3&last=10");
    assert_eq!(tags(&answer), ["9", "B", "_x"]);
    assert!(next(&answer).is_some(), "{answer}");
    let answer = list(&wharf, "?n=3&last=a");
    assert_eq!(tags(&answer), ["a-b", "a.b"]);
    assert_eq!(next(&answer), None);
}

#[test]
fn last_need_not_be_a_tag_that_is_there() {
    let wharf = with_tags(&TAGS);
    assert_eq!(tags(&list(&wharf, "?last=5")), TAGS[4..]);
    assert_eq!(tags(&list(&wharf, "?last=zzz")), [""; 0]);
    assert_eq!(tags(&list(&wharf, "?last=0")), TAGS);
}

#[test]
fn the_order_is_kept_while_tags_come_and_go() {
    let wharf = with_tags(&TAGS);
    wharf.push_manifest("a", "5", &Manifest::index(&[]));
    wharf.delete(&manifest("a", "B")).expect_status(202);
    let mut expected: Vec<Value> = TAGS.iter().map(|tag| json!(tag)).collect();
    expected.retain(|tag| tag != "B");
    expected.insert(4, json!("5"));
    assert_eq!(list(&wharf, "").json()["tags"], Value::Array(expected));
}
