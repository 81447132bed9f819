//! Faults and bad input: `docs/torture.md` against `crates/wharf/tests/torture`, and the long form of those tests.
//!
//! A row has the id of a case, what is done to the registry, and the tests, whose names begin with the id.

use anyhow::{Context as _, bail};

use crate::proof::{Page, Row, number};
use crate::root;

/// The areas, and how many cases each has. INV are the invariants of all others.
const AREAS: [(&str, u8); 6] = [
    ("INV", 6),
    ("NAME", 9),
    ("UPL", 21),
    ("MAN", 21),
    ("LST", 5),
    ("HTTP", 12),
];

pub(crate) const PAGE: Page = Page {
    name: "torture",
    path: "docs/torture.md",
    tests: "crates/wharf/tests/torture",
    // Only there can a handler be made to panic.
    others: &[("server", "crates/wharf-server/src/server/tests.rs")],
    cells: 3,
    inspect,
    survey,
};

/// Checks the page against the tests, or runs the tests in their long form.
///
/// # Errors
/// Lists every row and every test with which something is wrong; or says that a test failed.
pub(crate) fn run(is_long: bool, filter: &[String]) -> anyhow::Result<()> {
    if is_long { run_long(filter) } else { check() }
}

/// Checks the page against the tests.
///
/// # Errors
/// Lists every row and every test with which something is wrong.
pub(crate) fn check() -> anyhow::Result<()> {
    PAGE.check()
}

/// With optimised code, one test after the other, since each of them may need all there is. The roots are made under
/// `TMPDIR`, which should be on a disk.
fn run_long(filter: &[String]) -> anyhow::Result<()> {
    let mut command = root::cargo();
    command.args(["test", "--release", "-p", "wharf", "--test", "torture", "--"]);
    command.args(["--nocapture", "--test-threads", "1"]).args(filter);
    command.env("WHARF_TORTURE", "long");
    if std::env::var_os("TMPDIR").is_none() {
        command.env("TMPDIR", "/var/tmp");
    }
    let status = command.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("the torture tests failed in their long form: {status}");
    }
    Ok(())
}

fn inspect(cells: &[&str]) -> Result<(), String> {
    let [id, what] = cells else {
        return Err("not two cells before the tests".to_owned());
    };
    let known = number(id).is_some_and(|(area, number)| {
        let count = AREAS.iter().find(|(known, _)| *known == area);
        count.is_some_and(|(_, count)| (1..=*count).contains(&number))
    });
    if !known {
        return Err(format!("`{id}` is no case of {AREAS:?}"));
    }
    if what.is_empty() {
        return Err(format!("`{id}` does not say what is done"));
    }
    Ok(())
}

/// Every case has a row, and every test of a row the name of its case.
fn survey(rows: &[Row]) -> Vec<String> {
    let cases = AREAS
        .iter()
        .flat_map(|(area, count)| (1..=*count).map(move |number| format!("{area}-{number:02}")));
    let missing = cases.filter(|id| rows.iter().all(|row| row.id != *id));
    let misnamed = rows.iter().flat_map(|row| {
        let begin = format!("::{}_", row.id.to_lowercase().replace('-', "_"));
        let wrong = row.tests.iter().filter(move |test| !test.contains(&begin));
        wrong.map(move |test| {
            format!(
                "line {}: the name of `{test}` does not begin with `{}`",
                row.line, row.id
            )
        })
    });
    missing
        .map(|id| format!("no row has the case `{id}`"))
        .chain(misnamed)
        .collect()
}
