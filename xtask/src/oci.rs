//! The requirements of the OCI distribution specification: `docs/oci-requirements.md` against `crates/wharf/tests/oci`.
//!
//! A row has an id, how strong the requirement is, what it asks, and the tests that fail when wharf does not do it.

use crate::proof::{Page, number};

/// Words of the strength column: RFC 2119's, what only the conformance program asks, and what we decided ourselves.
const STRENGTHS: [&str; 6] = ["MUST", "SHOULD", "MAY", "suite", "decision", "–"];

pub(crate) const PAGE: Page = Page {
    name: "oci",
    path: "docs/oci-requirements.md",
    tests: "crates/wharf/tests/oci",
    others: &[],
    cells: 4,
    inspect,
    survey: |_| Vec::new(),
};

/// Checks the page against the tests.
///
/// # Errors
/// Lists every row and every test with which something is wrong.
pub(crate) fn check() -> anyhow::Result<()> {
    PAGE.check()
}

fn inspect(cells: &[&str]) -> Result<(), String> {
    let [id, strength, requirement] = cells else {
        return Err("not three cells before the tests".to_owned());
    };
    if !number(id).is_some_and(|(area, _)| area.starts_with("OCI-")) {
        return Err(format!("`{id}` is no id of the form `OCI-AREA-01`"));
    }
    if strength.split(" → ").any(|word| !STRENGTHS.contains(&word)) {
        return Err(format!("`{id}`: strength `{strength}` is none of {STRENGTHS:?}"));
    }
    if requirement.is_empty() {
        return Err(format!("`{id}` does not say what is required"));
    }
    Ok(())
}
