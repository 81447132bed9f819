//! §6 of registry 2.8's behaviour: tags and catalog.

use serde_json::{Value, json};
use wharf_testing::Config;
use wharf_testing::http::Request;

use crate::case::cases;
use crate::expect::Expect;
use crate::images::{INDEX, index, push_oci};
use crate::subject::Subject;

cases! {
    tags: Config::new();
    tags_of_many: Config::new(), differs in ["tags-sorted", "tags-paged"];
    tags_of_an_unknown_repository: Config::new();
    tags_of_a_repository_without_tags: Config::new(), differs in ["untagged-repository"];
    catalog_of_nothing: Config::new();
    catalog_pages: Config::new();
    catalog_default: Config::new();
    catalog_bad_n: Config::new(), differs in ["pagination-number"];
    catalog_n_above_the_maximum: Config::new(), differs in ["pagination-maximum"];
    catalog_maximum: Config::new().top("catalog:\n  maxentries: 3"), differs in ["pagination-maximum"];
    catalog_membership: Config::new(), differs in ["catalog-membership"];
    catalog_order: Config::new();
    catalog_link_target: Config::new().http("prefix: /pfx/");
    catalog_link_to_an_empty_page: Config::new(), differs in ["catalog-link"];
    json_content_type: Config::new(), differs in ["json-content-type"];
}

/// Makes each a repository for both registries: with an image in it.
fn repositories(c: &Subject, names: &[&str]) {
    for name in names {
        push_oci(c, name, "v1");
    }
}

/// A list's answer, with the `Link` to a next page.
fn list(value: &Value, next: Option<&str>) -> Expect {
    let expect = Expect::json(200, value);
    match next {
        Some(next) => expect.header("link", format!("<{next}>; rel=\"next\"")),
        None => expect,
    }
}

fn catalog(names: &[&str], next: Option<&str>) -> Expect {
    list(&json!({"repositories": names}), next)
}

/// `GET tags/list` → `{"name":"<name>","tags":[…]}\n`.
fn tags(c: &Subject) {
    push_oci(c, "a/b", "v1");
    c.ask(
        &Request::get("/v2/a/b/tags/list"),
        &list(&json!({"name": "a/b", "tags": ["v1"]}), None),
    );
}

/// 2.8 ignores `n` and `last` and returns every tag in directory order, no Link.
fn tags_of_many(c: &Subject) {
    let sorted = ["0.1.2", "0.1.20", "A", "a", "b", "latest", "v1", "v10", "v2", "x_y"];
    let pushed = ["latest", "v10", "a", "v2", "0.1.20", "x_y", "v1", "A", "0.1.2", "b"];
    for tag in pushed {
        push_oci(c, "foo", tag);
    }
    let tags = |query: &str| {
        let path = format!("/v2/foo/tags/list{query}");
        let answer = c.send(&Request::get(path)).expect_status(200);
        let tags: Vec<String> = serde_json::from_value(answer.json()["tags"].clone()).expect("a list of strings");
        (tags, answer.header("Link").map(str::to_owned))
    };
    let (all, link) = tags("");
    let stored = c.names("repositories/foo/_manifests/tags");
    assert_ne!(stored, sorted, "the directory happens to be sorted: add a tag");
    assert_eq!(
        (all, link),
        (
            c.differs("tags-sorted", stored.clone(), sorted.map(Into::into).into()),
            None
        )
    );

    let page = |first: usize, end: usize, next: Option<&str>| {
        let page: Vec<String> = sorted[first..end].iter().map(|&tag| tag.to_owned()).collect();
        (
            page,
            next.map(|next| format!("</v2/foo/tags/list?{next}>; rel=\"next\"")),
        )
    };
    let whole = || (stored.clone(), None);
    for (query, expected) in [
        ("?n=2", page(0, 2, Some("last=0.1.20&n=2"))),
        ("?n=2&last=0.1.20", page(2, 4, Some("last=a&n=2"))),
        ("?n=10", page(0, 10, None)),
        ("?n=0", page(0, 0, None)),
        ("?last=v10", page(8, 10, None)),
        ("?last=v", page(6, 10, None)),
        ("?last=zzz&n=3", page(10, 10, None)),
    ] {
        assert_eq!(tags(query), c.differs("tags-paged", whole(), expected), "{query}");
    }
}

/// Unknown repository → 404 `NAME_UNKNOWN` `{"name":"<name>"}`.
fn tags_of_an_unknown_repository(c: &Subject) {
    let unknown = Expect::error_detail(404, "NAME_UNKNOWN", json!({"name": "foo"}));
    c.ask(&Request::get("/v2/foo/tags/list"), &unknown);
    c.push_blob("foo", "only a blob");
    c.ask(&Request::get("/v2/foo/tags/list"), &unknown);
}

/// A repository without `_manifests/tags` → 404 `NAME_UNKNOWN` `{"name":"<name>"}`.
fn tags_of_a_repository_without_tags(c: &Subject) {
    let text = index(INDEX, &[]).to_string();
    c.push_manifest("foo", &wharf_testing::encoding::sha256(&text), INDEX, &text);
    let unknown = Expect::error_detail(404, "NAME_UNKNOWN", json!({"name": "foo"}));
    let none = list(&json!({"name": "foo", "tags": []}), None);
    c.ask_differs(
        "untagged-repository",
        &Request::get("/v2/foo/tags/list"),
        &unknown,
        &none,
    );
}

/// Empty store → `[]`.
fn catalog_of_nothing(c: &Subject) {
    c.ask(&Request::get("/v2/_catalog"), &catalog(&[], None));
    c.ask(&Request::get("/v2/_catalog?n=5&last=x"), &catalog(&[], None));
}

/// `n=2` → page + Link; `n` = exact count → all, no Link; `n=0` → `[]`, no Link; `last` beyond the end → `[]`.
fn catalog_pages(c: &Subject) {
    let all = ["a", "a/b", "a-b", "bar", "foo", "zed"];
    repositories(c, &["zed", "foo", "a-b", "a/b", "bar", "a"]);
    for (query, names, next) in [
        ("", &all[..], None),
        ("?n=2", &all[..2], Some("last=a%2Fb&n=2")),
        ("?n=2&last=a%2Fb", &all[2..4], Some("last=bar&n=2")),
        ("?n=2&last=bar", &all[4..], None),
        ("?n=6", &all[..], None),
        ("?n=7", &all[..], None),
        ("?n=0", &[], None),
        ("?last=zed", &[], None),
        ("?last=zzz&n=1", &[], None),
        ("?last=b", &all[3..], None),
    ] {
        let next = next.map(|next| format!("/v2/_catalog?{next}"));
        let request = Request::get(format!("/v2/_catalog{query}"));
        c.ask(&request, &catalog(names, next.as_deref()));
    }
}

/// Without `n`: the first 100, with a Link when there are more.
fn catalog_default(c: &Subject) {
    let names: Vec<String> = (0..101).map(|number| format!("r{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    repositories(c, &names);
    let first = catalog(&names[..100], Some("/v2/_catalog?last=r099&n=100"));
    c.ask(&Request::get("/v2/_catalog"), &first);
    c.ask(&Request::get("/v2/_catalog?n=101"), &catalog(&names, None));
}

/// `n=-1`, `n=abc` → default 100.
fn catalog_bad_n(c: &Subject) {
    repositories(c, &["foo"]);
    for n in ["-1", "abc", "1.5"] {
        let request = Request::get(format!("/v2/_catalog?n={n}"));
        let refused = Expect::error_detail(400, "UNSUPPORTED", json!({"n": n}));
        c.ask_differs("pagination-number", &request, &catalog(&["foo"], None), &refused);
    }
}

/// `n` > `catalog.maxentries` (1000) → 400 `PAGINATION_NUMBER_INVALID` `{"n":1001}`.
fn catalog_n_above_the_maximum(c: &Subject) {
    repositories(c, &["foo"]);
    c.ask(&Request::get("/v2/_catalog?n=1000"), &catalog(&["foo"], None));
    let refused = Expect::error_detail(400, "PAGINATION_NUMBER_INVALID", json!({"n": 1001}));
    let request = Request::get("/v2/_catalog?n=1001");
    c.ask_differs("pagination-maximum", &request, &refused, &catalog(&["foo"], None));
}

/// `catalog.maxentries` is the maximum.
fn catalog_maximum(c: &Subject) {
    repositories(c, &["a", "b", "c", "d"]);
    let next = Some("/v2/_catalog?last=c&n=3");
    c.ask(&Request::get("/v2/_catalog?n=3"), &catalog(&["a", "b", "c"], next));
    let refused = Expect::error_detail(400, "PAGINATION_NUMBER_INVALID", json!({"n": 4}));
    let clamped = catalog(&["a", "b", "c"], next);
    let request = Request::get("/v2/_catalog?n=4");
    c.ask_differs("pagination-maximum", &request, &refused, &clamped);
}

/// A repository exists for the catalog when it has a `_layers` directory.
fn catalog_membership(c: &Subject) {
    c.push_blob("only-a-blob", "x");
    c.push_manifest("only-a-manifest", "v1", INDEX, &index(INDEX, &[]).to_string());
    repositories(c, &["whole"]);
    let layers = catalog(&["only-a-blob", "whole"], None);
    let manifests = catalog(&["only-a-manifest", "whole"], None);
    let request = Request::get("/v2/_catalog");
    c.ask_differs("catalog-membership", &request, &layers, &manifests);
}

/// Order is by path component with `/` sorting lowest; `last` is exclusive under the same order.
fn catalog_order(c: &Subject) {
    let all = [
        "a",
        "a/b",
        "a/b/c",
        "a/b-c",
        "a-b",
        "a.b",
        "a0",
        "a_b",
        "b/a",
        "math",
        "math-voila",
    ];
    repositories(
        c,
        &[
            "math-voila",
            "a_b",
            "a/b-c",
            "a0",
            "a.b",
            "a-b",
            "math",
            "b/a",
            "a/b/c",
            "a/b",
            "a",
        ],
    );
    c.ask(&Request::get("/v2/_catalog"), &catalog(&all, None));
    for (position, last) in all.iter().enumerate() {
        let last = last.replace('/', "%2F");
        let request = Request::get(format!("/v2/_catalog?last={last}"));
        c.ask(&request, &catalog(&all[position + 1..], None));
    }
}

/// The Link target is path-absolute, keeps the configured prefix and drops other query parameters; keys are in
/// alphabetical order, values query-escaped.
fn catalog_link_target(c: &Subject) {
    for name in ["a/b", "c"] {
        let text = index(INDEX, &[]).to_string();
        let upload = Request::post(format!("/pfx/v2/{name}/blobs/uploads/"));
        let upload = c.send(&upload).expect_status(202).location();
        let digest = wharf_testing::encoding::sha256("");
        c.send(&crate::uploads::put(&upload, &digest)).expect_status(201);
        let put = Request::put(format!("/pfx/v2/{name}/manifests/v1")).body(&text);
        c.send(&put.header("Content-Type", INDEX)).expect_status(201);
    }
    let next = Some("/pfx/v2/_catalog?last=a%2Fb&n=1");
    c.ask(&Request::get("/pfx/v2/_catalog?x=y&n=1"), &catalog(&["a/b"], next));
}

/// A Link is set when, after the page is full, the walk meets at least one more ordinary directory, repository or not;
/// so a Link can lead to an empty last page.
fn catalog_link_to_an_empty_page(c: &Subject) {
    repositories(c, &["a"]);
    c.start_upload("b");
    let request = Request::get("/v2/_catalog?n=1");
    let linked = catalog(&["a"], Some("/v2/_catalog?last=a&n=1"));
    c.ask_differs("catalog-link", &request, &linked, &catalog(&["a"], None));
    c.ask(&Request::get("/v2/_catalog?last=a&n=1"), &catalog(&[], None));
}

/// JSON answers are `application/json; charset=utf-8`.
fn json_content_type(c: &Subject) {
    for path in ["/v2/", "/v2/_catalog", "/v2/foo/tags/list"] {
        let answer = c.send(&Request::get(path));
        let with = "application/json; charset=utf-8";
        let expected = c.differs("json-content-type", with, "application/json");
        assert_eq!(answer.expect_header("Content-Type"), expected);
    }
}
