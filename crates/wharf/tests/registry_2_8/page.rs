//! The page that is made from the list of differences, and what keeps the list true.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::case::Case;
use crate::differences::DIFFERENCES;

const INTRODUCTION: &str = "# Differences from registry 2.8

wharf takes registry:2's place: same HTTP API, same tree on disk, same configuration. What it does otherwise, it does
on purpose, and what concerns the API and the tree stands here; what concerns a configuration key stands beside that key
in [configuration.md](configuration.md). Each entry is shown by tests that ask both programs, `docker-registry` 2.8 and
wharf; an entry without such a test fails, and so does a difference without an entry.

This page is made from `crates/wharf/tests/registry_2_8/differences.rs`. To write it anew:
`UPDATE_DOCS=1 cargo test -p wharf --test registry_2_8 page`.
";

/// The cases of all modules.
fn all_cases() -> impl Iterator<Item = &'static Case> {
    [
        crate::blobs::CASES,
        crate::errors::CASES,
        crate::leftovers::CASES,
        crate::lists::CASES,
        crate::manifests::CASES,
        crate::manifests::validation::CASES,
        crate::negotiation::CASES,
        crate::operation::CASES,
        crate::routes::CASES,
        crate::states::CASES,
        crate::uploads::CASES,
        crate::uploads::faults::CASES,
        crate::uploads::mounts::CASES,
    ]
    .into_iter()
    .flatten()
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for difference in DIFFERENCES {
        let _ = write!(
            page,
            "\n## `{}`\n\n- registry 2.8: {}\n- wharf: {}\n- why: {}\n",
            difference.id, difference.registry_2_8, difference.wharf, difference.reason
        );
    }
    page
}

#[test]
fn the_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/differences.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page()).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "`docs/differences.md` is stale; to write it anew: \
         UPDATE_DOCS=1 cargo test -p wharf --test registry_2_8 page"
    );
}

#[test]
fn every_entry_is_used_once_in_the_list_and_by_a_case() {
    let used: BTreeSet<&str> = all_cases().flat_map(|case| case.differences).copied().collect();
    let listed: BTreeSet<&str> = DIFFERENCES.iter().map(|difference| difference.id).collect();
    assert_eq!(listed.len(), DIFFERENCES.len(), "an id stands twice in the list");
    let unused: Vec<_> = listed.difference(&used).collect();
    assert!(unused.is_empty(), "no case shows the differences {unused:?}");
    let unlisted: Vec<_> = used.difference(&listed).collect();
    assert!(unlisted.is_empty(), "the differences {unlisted:?} are not in the list");
}
