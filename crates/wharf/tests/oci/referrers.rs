//! end-12a, end-12b: the manifests that are about another one.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wharf_testing::encoding::{sha256, sha512};
use wharf_testing::http::{Response, path_of, percent_encode};

use crate::manifest::{CONFIG, IMAGE, INDEX, Manifest, artifact};
use crate::soundness::expect_error;
use crate::wharf::{Wharf, manifest};

const SBOM: &str = "application/vnd.example.sbom+json";
const SIGNATURE: &str = "application/vnd.example.signature";

/// Asks for referrers and checks the form of the answer.
#[track_caller]
pub(crate) fn list(wharf: &Wharf, repository: &str, subject: &str, query: &str) -> Response {
    let target = format!("/v2/{repository}/referrers/{subject}{query}");
    let answer = wharf.get(&target).expect_status(200);
    assert_eq!(answer.expect_header("Content-Type"), INDEX);
    let index = answer.json();
    assert_eq!(index["schemaVersion"], 2, "{answer}");
    assert_eq!(index["mediaType"], INDEX, "{answer}");
    assert!(index["manifests"].is_array(), "{answer}");
    answer
}

/// The descriptors of an answer.
pub(crate) fn descriptors(answer: &Response) -> Vec<Value> {
    answer.json()["manifests"].as_array().cloned().unwrap_or_default()
}

/// The digests of an answer, sorted, each once; fails when one is there twice.
#[track_caller]
pub(crate) fn digests(answer: &Response) -> BTreeSet<String> {
    let descriptors = descriptors(answer);
    let digests: BTreeSet<String> = descriptors
        .iter()
        .map(|descriptor| descriptor["digest"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(digests.len(), descriptors.len(), "a referrer is there twice: {answer}");
    digests
}

/// A server on which `{}` is pushed to `a`, and an image to be the subject.
fn with_subject() -> (Wharf, Manifest) {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    let subject = wharf.push_image("a", "latest", "subject");
    (wharf, subject)
}

/// Pushes by digest what is to refer to the subject.
#[track_caller]
fn refer(wharf: &Wharf, referrer: &Manifest, subject: &Manifest) -> Manifest {
    let referrer = referrer.about(subject);
    wharf.push_manifest("a", &referrer.digest(), &referrer);
    referrer
}

#[test]
fn without_referrers_the_list_is_an_empty_index() {
    let (wharf, subject) = with_subject();
    assert_eq!(digests(&list(&wharf, "a", &subject.digest(), "")), BTreeSet::new());
    for digest in [sha256("no such subject"), sha512("no such subject")] {
        assert_eq!(digests(&list(&wharf, "a", &digest, "")), BTreeSet::new());
        assert_eq!(digests(&list(&wharf, "never/pushed", &digest, "")), BTreeSet::new());
    }
}

#[test]
fn a_digest_that_is_none_is_400() {
    let (wharf, _) = with_subject();
    let long = format!("sha256:{}", "a".repeat(65));
    let unknown = format!("md5:{}", "a".repeat(32));
    for digest in ["sha256:abc", "latest", "sha256:", &long, &unknown] {
        let answer = wharf.get(&format!("/v2/a/referrers/{digest}"));
        expect_error(&answer, 400, "DIGEST_INVALID");
    }
}

#[test]
fn a_descriptor_tells_type_size_digest_artifact_type_and_annotations() {
    let (wharf, subject) = with_subject();
    let notes = json!({ "org.example.format": "json", "org.opencontainers.image.created": "2024" });
    let image_json = Manifest::image(b"{}", &[]);
    // What is pushed, and the artifact type that its descriptor must have.
    let cases = [
        (artifact(SBOM).with("annotations", notes.clone()), Some(SBOM)),
        (
            image_json.with("annotations", json!({ "plain": "image" })),
            Some(CONFIG),
        ),
        (image_json.with("artifactType", json!("")), Some(CONFIG)),
        (image_json.with("annotations", json!({})), Some(CONFIG)),
        (
            Manifest::index(&[]).with("artifactType", json!(SIGNATURE)),
            Some(SIGNATURE),
        ),
        (Manifest::index(&[]).with("annotations", notes), None),
        (Manifest::index(&[]).with("artifactType", json!("")), None),
    ];
    let pushed = cases.map(|(referrer, artifact_type)| (refer(&wharf, &referrer, &subject), artifact_type));
    let found = descriptors(&list(&wharf, "a", &subject.digest(), ""));
    assert_eq!(found.len(), pushed.len());
    for (referrer, artifact_type) in pushed {
        let found = found.iter().find(|found| found["digest"] == referrer.digest()).unwrap();
        assert_eq!(found["mediaType"], referrer.media_type());
        assert_eq!(found["size"], referrer.bytes().len());
        assert_eq!(
            found.get("artifactType").and_then(Value::as_str),
            artifact_type,
            "{found}"
        );
        let source: Value = serde_json::from_slice(referrer.bytes()).unwrap();
        let expected = source["annotations"].as_object().cloned().unwrap_or_default();
        let annotations = found["annotations"].as_object().cloned().unwrap_or_default();
        assert_eq!(annotations, expected, "{found}");
    }
}

#[test]
fn referrers_may_come_before_their_subject() {
    let wharf = Wharf::start();
    wharf.push_blob("a", b"{}");
    let subject = wharf.image("a", "later");
    let referrer = refer(&wharf, &artifact(SBOM), &subject);
    let expected = BTreeSet::from([referrer.digest()]);
    assert_eq!(digests(&list(&wharf, "a", &subject.digest(), "")), expected);
    wharf.push_manifest("a", "latest", &subject);
    assert_eq!(digests(&list(&wharf, "a", &subject.digest(), "")), expected);
}

#[test]
fn referrers_by_tag_and_by_digest_count_once() {
    let (wharf, subject) = with_subject();
    let referrer = refer(&wharf, &artifact(SBOM), &subject);
    wharf.push_manifest("a", "tagged", &referrer);
    wharf.push_manifest("a", "tagged-again", &referrer);
    let expected = BTreeSet::from([referrer.digest()]);
    assert_eq!(digests(&list(&wharf, "a", &subject.digest(), "")), expected);
}

#[test]
fn only_the_same_repository_counts() {
    let (wharf, subject) = with_subject();
    let referrer = refer(&wharf, &artifact(SBOM), &subject);
    wharf.push_blob("b", b"{}");
    let other = artifact(SIGNATURE).about(&subject);
    wharf.push_manifest("b", "signature", &other);
    let in_a = digests(&list(&wharf, "a", &subject.digest(), ""));
    assert_eq!(in_a, BTreeSet::from([referrer.digest()]));
    let in_b = digests(&list(&wharf, "b", &subject.digest(), ""));
    assert_eq!(in_b, BTreeSet::from([other.digest()]));
}

#[test]
fn a_referrer_of_a_referrer_is_listed_with_its_own_subject() {
    let (wharf, subject) = with_subject();
    let sbom = refer(&wharf, &artifact(SBOM), &subject);
    let signature = refer(&wharf, &artifact(SIGNATURE), &sbom);
    let of_subject = digests(&list(&wharf, "a", &subject.digest(), ""));
    assert_eq!(of_subject, BTreeSet::from([sbom.digest()]));
    let of_sbom = digests(&list(&wharf, "a", &sbom.digest(), ""));
    assert_eq!(of_sbom, BTreeSet::from([signature.digest()]));
}

#[test]
fn a_filter_leaves_one_artifact_type_and_says_so() {
    let (wharf, subject) = with_subject();
    let sbom = refer(&wharf, &artifact(SBOM), &subject);
    let signature = refer(&wharf, &artifact(SIGNATURE), &subject);
    let image = refer(&wharf, &Manifest::image(b"{}", &[]), &subject);
    let index = refer(&wharf, &Manifest::index(&[]), &subject);
    for (filter, expected) in [(SBOM, &sbom), (SIGNATURE, &signature), (CONFIG, &image)] {
        let query = format!("?artifactType={}", percent_encode(filter));
        let answer = list(&wharf, "a", &subject.digest(), &query);
        assert_eq!(digests(&answer), BTreeSet::from([expected.digest()]), "{filter}");
        assert_eq!(answer.expect_header("OCI-Filters-Applied"), "artifactType");
    }
    let answer = list(&wharf, "a", &subject.digest(), "?artifactType=text%2Fnothing");
    assert_eq!(digests(&answer), BTreeSet::new());
    assert_eq!(answer.expect_header("OCI-Filters-Applied"), "artifactType");
    let all = list(&wharf, "a", &subject.digest(), "");
    assert_eq!(all.header("OCI-Filters-Applied"), None, "{all}");
    let expected = [&sbom, &signature, &image, &index].map(Manifest::digest);
    assert_eq!(digests(&all), BTreeSet::from(expected));
}

/// Follows `Link` from the first page and returns all pages.
#[track_caller]
fn pages(wharf: &Wharf, subject: &Manifest, query: &str) -> Vec<Response> {
    let mut pages = vec![list(wharf, "a", &subject.digest(), query)];
    while let Some(link) = pages[pages.len() - 1].header("Link") {
        let (target, relation) = link.split_once('>').expect("a link has a target");
        assert_eq!(relation.replace(' ', ""), ";rel=\"next\"");
        let target = path_of(target.strip_prefix('<').expect("a link has a target"));
        let (path, query) = target.split_once('?').expect("a link says where to go on");
        assert_eq!(path, format!("/v2/a/referrers/{}", subject.digest()));
        pages.push(list(wharf, "a", &subject.digest(), &format!("?{query}")));
    }
    pages
}

/// Pushes this many referrers of one type and returns their digests.
fn refer_often(wharf: &Wharf, subject: &Manifest, artifact_type: &str, count: usize) -> BTreeSet<String> {
    let referrer = |number: usize| {
        let numbered = artifact(artifact_type).with("annotations", json!({ "number": number.to_string() }));
        refer(wharf, &numbered, subject).digest()
    };
    (0..count).map(referrer).collect()
}

/// Checks that pages of three hold exactly these referrers, each once.
#[track_caller]
fn expect_pages_of_three(pages: &[Response], expected: &BTreeSet<String>) {
    assert_eq!(pages.len(), expected.len().div_ceil(3));
    let (last, full) = pages.split_last().expect("there is a page");
    assert!(full.iter().all(|page| digests(page).len() == 3) && !digests(last).is_empty());
    let seen: Vec<String> = pages.iter().flat_map(digests).collect();
    assert_eq!(seen.len(), expected.len(), "pages overlap: {seen:?}");
    assert_eq!(&BTreeSet::from_iter(seen), expected);
}

#[test]
fn a_long_list_comes_in_pages() {
    let (wharf, subject) = with_subject();
    let expected = refer_often(&wharf, &subject, SBOM, 10);
    expect_pages_of_three(&pages(&wharf, &subject, "?n=3"), &expected);
    let all = pages(&wharf, &subject, "");
    assert_eq!(all.len(), 1);
    assert_eq!(digests(&all[0]), expected);
}

#[test]
fn a_list_too_large_for_one_answer_comes_in_pages() {
    let (wharf, subject) = with_subject();
    // Clients read 4 MiB of a manifest at most, so no page may be larger than what could be pushed.
    let large = |number: usize| {
        let annotations = json!({ "number": number.to_string(), "large": "A".repeat(1_000_000) });
        refer(&wharf, &artifact(SBOM).with("annotations", annotations), &subject).digest()
    };
    let expected: BTreeSet<String> = (0..6).map(large).collect();
    let pages = pages(&wharf, &subject, "");
    assert!(
        pages.iter().all(|page| page.body.len() <= 4 << 20),
        "a page is too large"
    );
    let seen: Vec<String> = pages.iter().flat_map(digests).collect();
    assert_eq!(seen.len(), expected.len(), "pages overlap: {seen:?}");
    assert_eq!(BTreeSet::from_iter(seen), expected);
}

#[test]
fn pages_keep_the_filter() {
    let (wharf, subject) = with_subject();
    let expected = refer_often(&wharf, &subject, SBOM, 6);
    refer_often(&wharf, &subject, SIGNATURE, 6);
    let query = format!("?n=3&artifactType={}", percent_encode(SBOM));
    let pages = pages(&wharf, &subject, &query);
    expect_pages_of_three(&pages, &expected);
    for page in &pages {
        assert_eq!(page.expect_header("OCI-Filters-Applied"), "artifactType");
    }
}

#[test]
fn a_subject_known_by_sha512_has_referrers() {
    let (wharf, _) = with_subject();
    let subject = wharf.image("a", "sha512 subject");
    wharf.push_manifest("a", &subject.sha512(), &subject);
    let descriptor = json!({ "mediaType": IMAGE, "digest": subject.sha512(), "size": subject.bytes().len() });
    let referrer = artifact(SBOM).with("subject", descriptor);
    wharf.push_manifest("a", &referrer.sha512(), &referrer);
    let answer = list(&wharf, "a", &subject.sha512(), "");
    assert_eq!(digests(&answer), BTreeSet::from([referrer.sha512()]));
    assert_eq!(digests(&list(&wharf, "a", &subject.digest(), "")), BTreeSet::new());
}

#[test]
fn a_deleted_referrer_leaves_the_list() {
    let (wharf, subject) = with_subject();
    let sbom = refer(&wharf, &artifact(SBOM), &subject);
    let signature = refer(&wharf, &artifact(SIGNATURE), &subject);
    wharf.delete(&manifest("a", &sbom.digest())).expect_status(202);
    let left = digests(&list(&wharf, "a", &subject.digest(), ""));
    assert_eq!(left, BTreeSet::from([signature.digest()]));
}

#[test]
fn referrers_outlive_their_subject() {
    let (wharf, subject) = with_subject();
    let sbom = refer(&wharf, &artifact(SBOM), &subject);
    wharf.delete(&manifest("a", &subject.digest())).expect_status(202);
    let left = digests(&list(&wharf, "a", &subject.digest(), ""));
    assert_eq!(left, BTreeSet::from([sbom.digest()]));
    wharf.expect_manifest(&manifest("a", &sbom.digest()), &sbom.digest(), &sbom);
}

#[test]
fn the_list_is_the_same_after_a_restart() {
    let (mut wharf, subject) = with_subject();
    let sbom = refer(&wharf, &artifact(SBOM), &subject);
    let before = descriptors(&list(&wharf, "a", &subject.digest(), ""));
    wharf.restart();
    let after = list(&wharf, "a", &subject.digest(), "");
    assert_eq!(digests(&after), BTreeSet::from([sbom.digest()]));
    assert_eq!(descriptors(&after), before);
}
