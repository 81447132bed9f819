//! Lists: tags, catalog, referrers (LST).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use wharf_spec::RepositoryName;
use wharf_testing::Config;
use wharf_testing::encoding::sha256;
use wharf_testing::http::{Client, Request, Response, path_of, percent_encode};
use wharf_testing::image::Random;

use crate::harness::{OCI_INDEX, Peak, Torture, check, expect_error, index, is_long};

/// Numbers that no page has.
const HUGE: [&str; 6] = [
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "18446744073709551616",
    "2000000000",
    "1000000000000000000000000000000",
];

const NO_NUMBERS: [&str; 9] = [
    "-1",
    "-9223372036854775808",
    "abc",
    "",
    "1.5",
    "1e3",
    "0x10",
    "%201",
    "١",
];

fn tag(torture: &Torture, repository: &str, tag: &str) {
    torture
        .put_manifest(repository, tag, OCI_INDEX, &index(&[]))
        .expect_status(201);
}

/// The names of a list's page.
fn names(page: &Response, key: &str) -> Vec<String> {
    let json = page.json();
    let names = json[key].as_array().unwrap_or_else(|| panic!("no list in {page}"));
    names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Where the next page is.
fn next(page: &Response) -> Option<String> {
    let link = page.header("Link")?;
    let (target, rest) = link.strip_prefix('<')?.split_once('>')?;
    assert_eq!(rest, "; rel=\"next\"", "{page}");
    Some(path_of(target).to_owned())
}

/// All pages, one after the other.
fn scan(client: &Client, first: &str, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut target = Some(first.to_owned());
    while let Some(here) = target {
        let page = client.send(Request::get(here)).expect_status(200);
        check(&page);
        found.extend(names(&page, key));
        target = next(&page);
    }
    found
}

#[test]
fn lst_01_n_is_a_number_and_never_more_than_there_is() {
    let torture = Torture::start_with(&Config::new().top("catalog:\n  maxentries: 3"));
    let tags: Vec<_> = (0..5).map(|number| format!("t{number}")).collect();
    for name in &tags {
        tag(&torture, "a", name);
        tag(&torture, &format!("r/{name}"), "1");
    }
    let peak = Peak::begin(torture.server());
    for (list, key) in [("/v2/_catalog", "repositories"), ("/v2/a/tags/list", "tags")] {
        let none = torture.get(&format!("{list}?n=0")).expect_status(200);
        assert_eq!((names(&none, key), none.header("Link")), (Vec::new(), None), "{none}");
        for n in NO_NUMBERS {
            let answer = torture.get(&format!("{list}?n={}", percent_encode(n)));
            expect_error(&answer, 400, "UNSUPPORTED");
        }
    }
    for n in HUGE {
        // What is configured is the most, and the rest comes behind a link.
        let catalog = torture.get(&format!("/v2/_catalog?n={n}")).expect_status(200);
        assert_eq!(names(&catalog, "repositories").len(), 3);
        assert!(next(&catalog).is_some(), "{catalog}");
        let list = torture.get(&format!("/v2/a/tags/list?n={n}")).expect_status(200);
        assert_eq!(names(&list, "tags"), tags);
        let subject = sha256("subject");
        torture
            .get(&format!("/v2/a/referrers/{subject}?n={n}"))
            .expect_status(200);
    }
    let grown = peak.end_kib();
    assert!(grown < 5 << 10, "{grown} KiB for numbers");
    torture.finish();
}

#[test]
fn lst_02_pages_of_tags_make_the_set_in_the_order_of_its_bytes() {
    let torture = Torture::start();
    let mut random = Random::new(2).with("tags");
    let mut tags: BTreeSet<String> = ["0.1.2", "0.1.20", "0.1.3", "A", "a", "_", "a.", "a-", "Z", "0"]
        .map(str::to_owned)
        .into();
    while tags.len() < 60 {
        let letters = b"aAbB01._-";
        let pick = |random: &mut Random| char::from(letters[usize::try_from(random.number() % 9).unwrap()]);
        let text: String = (0..=random.number() % 5).map(|_| pick(&mut random)).collect();
        tags.extend((!text.starts_with(['.', '-'])).then_some(text));
    }
    let mut pushed: Vec<_> = tags.iter().collect();
    for last in (1..pushed.len()).rev() {
        pushed.swap(last, usize::try_from(random.number()).unwrap() % (last + 1));
    }
    for name in pushed {
        tag(&torture, "a", name);
    }
    let expected: Vec<_> = tags.iter().cloned().collect();
    for n in [1, 2, 7, 59, 60, 61, 1000] {
        assert_eq!(
            scan(&torture.client(), &format!("/v2/a/tags/list?n={n}"), "tags"),
            expected,
            "n={n}"
        );
    }
    assert_eq!(scan(&torture.client(), "/v2/a/tags/list", "tags"), expected);
    // From any place, also one where no tag is.
    for last in ["", "0.1.2", "0.1.2a", "~", "a", "zzz", "ä"] {
        let after: Vec<_> = expected
            .iter()
            .filter(|tag| tag.as_bytes() > last.as_bytes())
            .cloned()
            .collect();
        let first = format!("/v2/a/tags/list?n=3&last={}", percent_encode(last));
        assert_eq!(scan(&torture.client(), &first, "tags"), after, "last={last}");
    }
    torture.finish();
}

#[test]
fn lst_02_pages_of_the_catalog_make_the_set_in_the_order_of_components() {
    let torture = Torture::start();
    let mut random = Random::new(2).with("catalog");
    let mut repositories: BTreeSet<String> = [
        "a",
        "a/b",
        "a-b",
        "a/b/c",
        "a0",
        "math",
        "math-voila",
        "math/voila",
        "keep/alive",
    ]
    .map(str::to_owned)
    .into();
    while repositories.len() < 40 {
        let pieces = ["a", "b", "0", "/a", "-b", ".a", "_0", "/b"];
        let text: String = (0..=random.number() % 6)
            .map(|_| pieces[usize::try_from(random.number() % 8).unwrap()])
            .collect();
        repositories.extend(text.parse::<RepositoryName>().is_ok().then_some(text));
    }
    for repository in repositories.iter().rev() {
        if repository != "keep/alive" {
            tag(&torture, repository, "1");
        }
    }
    let by_component: BTreeMap<Vec<&str>, &String> = repositories
        .iter()
        .map(|name| (name.split('/').collect(), name))
        .collect();
    let expected: Vec<_> = by_component.into_values().cloned().collect();
    assert!(expected.iter().position(|name| name == "a/b") < expected.iter().position(|name| name == "a-b"));
    for n in [1, 2, 7, 39, 40, 41, 1000] {
        let found = scan(&torture.client(), &format!("/v2/_catalog?n={n}"), "repositories");
        assert_eq!(found, expected, "n={n}");
    }
    for last in ["a", "a/", "a/b", "a-", "math", "~", "keep"] {
        let after = expected
            .iter()
            .filter(|name| order(name) > order(last))
            .cloned()
            .collect::<Vec<_>>();
        let first = format!("/v2/_catalog?n=3&last={}", percent_encode(last));
        assert_eq!(scan(&torture.client(), &first, "repositories"), after, "last={last}");
    }
    torture.finish();
}

/// A name as registry:2 sorts it.
fn order(name: &str) -> Vec<&str> {
    name.split('/').collect()
}

#[test]
fn lst_03_what_is_there_all_the_time_is_listed_once() {
    let scans = if is_long() { 2000 } else { 40 };
    let torture = Torture::start();
    let stable: Vec<_> = (0..30).map(|number| format!("s{number:02}")).collect();
    for name in &stable {
        tag(&torture, "a", name);
        tag(&torture, &format!("c/{name}"), "1");
    }
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..2 {
            let (client, over) = (torture.client(), &over);
            scope.spawn(move || come_and_go(&client, number, over));
        }
        let client = torture.client();
        for round in 0..scans {
            let n = 1 + round % 7;
            let tags = scan(&client, &format!("/v2/a/tags/list?n={n}"), "tags");
            expect_once(&tags, &stable, 's');
            let catalog = scan(&client, &format!("/v2/_catalog?n={n}"), "repositories");
            let catalog: Vec<_> = catalog
                .iter()
                .filter_map(|name| Some(name.strip_prefix("c/")?.to_owned()))
                .collect();
            expect_once(&catalog, &stable, 's');
        }
        over.store(true, Ordering::Relaxed);
    });
    torture.finish();
}

/// Pushes and deletes tags and repositories between and around the others, until it is over.
fn come_and_go(client: &Client, number: usize, over: &AtomicBool) {
    let send = |request: Request| check(&client.send(request));
    let mut round = 0;
    while !over.load(Ordering::Relaxed) {
        let place = (round * 7) % 30;
        let (tag, repository) = (format!("s{place:02}-{number}"), format!("c/s{place:02}-{number}"));
        let targets = [
            format!("/v2/a/manifests/{tag}"),
            format!("/v2/{repository}/manifests/1"),
        ];
        for target in &targets {
            send(Request::put(target).header("Content-Type", OCI_INDEX).body(index(&[])));
        }
        for target in &targets {
            send(Request::delete(target));
        }
        send(Request::delete(format!(
            "/v2/{repository}/manifests/{}",
            sha256(index(&[]))
        )));
        round += 1;
    }
}

/// Sorted, nothing twice, and everything stable in it.
#[track_caller]
fn expect_once(found: &[String], stable: &[String], first: char) {
    assert!(found.iter().all(|name| name.starts_with(first)), "{found:?}");
    let distinct: BTreeSet<_> = found.iter().collect();
    assert_eq!(distinct.len(), found.len(), "something comes twice: {found:?}");
    let missing: Vec<_> = stable.iter().filter(|name| !distinct.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?} is missing in {found:?}");
}

/// A million tags in the long form. They are written as registry:2 would have, which is faster than pushing them.
#[test]
fn lst_05_a_million_tags_are_paged_in_constant_memory() {
    const GROWTH_KIB: u64 = 16 << 10;
    let count = if is_long() { 1_000_000 } else { 5_000 };
    let mut torture = Torture::start();
    tag(&torture, "many", "first");
    torture.restart_after(|root| plant_tags(root, count));
    // The first touch compares the tree with the index.
    torture.get("/v2/many/tags/list?n=1").expect_status(200);

    let peak = Peak::begin(torture.server());
    let mut found = 0;
    let mut target = Some("/v2/many/tags/list?n=1000".to_owned());
    let mut last = String::new();
    while let Some(here) = target {
        let page = torture.get(&here).expect_status(200);
        for name in names(&page, "tags") {
            assert!(name > last, "`{name}` comes after `{last}`");
            last = name;
            found += 1;
        }
        target = next(&page);
    }
    assert_eq!(found, count + 1);
    let grown = peak.end_kib();
    assert!(grown < GROWTH_KIB, "{grown} KiB for pages");

    // All at once, it takes little more than its bytes.
    let peak = Peak::begin(torture.server());
    let all = torture.get("/v2/many/tags/list").expect_status(200);
    let (grown, body_kib) = (peak.end_kib(), all.body.len() as u64 >> 10);
    assert_eq!(names(&all, "tags").len(), count + 1);
    assert!(grown < GROWTH_KIB + 2 * body_kib, "{grown} KiB for {body_kib} KiB");
    torture.finish();
}

/// Tags of the manifest that the tag `first` has.
fn plant_tags(root: &Path, count: usize) {
    let digest = sha256(index(&[]));
    let tags = root.join("docker/registry/v2/repositories/many/_manifests/tags");
    for number in 0..count {
        let current = tags.join(format!("v{number:07}/current"));
        fs::create_dir_all(&current).unwrap();
        fs::write(current.join("link"), &digest).unwrap();
    }
}
