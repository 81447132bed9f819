//! The table of OCI requirements against the tests that prove them.
//!
//! `docs/oci-requirements.md` has one row per requirement of the distribution specification: an id, how strong it is,
//! what it asks, and the tests of `crates/wharf/tests/oci` that fail when wharf does not do it. [`check`] keeps the two
//! together: no cell is empty, every test that is named exists and runs, and every test that exists is named. A row
//! without a test must say why the server has nothing to show.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::root;

#[cfg(test)]
mod tests;

const TABLE: &str = "docs/oci-requirements.md";
const TESTS: &str = "crates/wharf/tests/oci";

/// The module that declares the others.
const MAIN: &str = "main";

/// What a row without a test begins with; the reason follows.
const NO_TEST: &str = "nothing to test:";

/// Words of the strength column: RFC 2119's, what only the conformance program asks, and what we decided ourselves.
const STRENGTHS: [&str; 6] = ["MUST", "SHOULD", "MAY", "suite", "decision", "–"];

/// Checks the table against the tests and prints how many there are of each.
///
/// # Errors
/// Lists every row and every test with which something is wrong.
pub(crate) fn check() -> anyhow::Result<()> {
    let table = read(&root::path(TABLE))?;
    let sources = read_sources(&root::path(TESTS))?;
    let (rows, mut complaints) = parse_table(&table);
    let tests = find_tests(&sources, &mut complaints);
    compare(&rows, &tests, &mut complaints);
    if !complaints.is_empty() {
        bail!("{TABLE} and {TESTS} do not agree:\n  {}", complaints.join("\n  "));
    }
    let untested = rows.iter().filter(|row| row.tests.is_empty()).count();
    println!(
        "oci: {} requirements, {} tests, {untested} requirements with nothing to test",
        rows.len(),
        tests.len()
    );
    Ok(())
}

/// One requirement.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    line: usize,
    id: String,
    /// `module::function` of each test; empty when the row says that there is nothing to test.
    tests: Vec<String>,
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))
}

/// The text of each module of the test program, by module name.
fn read_sources(directory: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let entries = fs::read_dir(directory).with_context(|| format!("listing `{}`", directory.display()))?;
    let mut sources = BTreeMap::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let module = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            sources.insert(module, read(&path)?);
        }
    }
    Ok(sources)
}

/// The rows of the table and what is wrong with it. Every line that begins with `|` is a heading, a rule or a row, so
/// that no row is lost by a slip of the pen.
fn parse_table(table: &str) -> (Vec<Row>, Vec<String>) {
    let mut rows = Vec::new();
    let mut complaints = Vec::new();
    let mut ids = BTreeSet::new();
    for (index, text) in table.lines().enumerate() {
        let line = index + 1;
        if !text.starts_with('|') || text.starts_with("| Id |") || text.starts_with("| --- |") {
            continue;
        }
        match parse_row(line, text) {
            Ok(row) => {
                if !ids.insert(row.id.clone()) {
                    complaints.push(format!("line {line}: id `{}` is there twice", row.id));
                }
                rows.push(row);
            }
            Err(complaint) => complaints.push(format!("line {line}: {complaint}")),
        }
    }
    if rows.is_empty() {
        complaints.push("the table has no rows".to_owned());
    }
    (rows, complaints)
}

fn parse_row(line: usize, text: &str) -> Result<Row, String> {
    let inner = text
        .strip_prefix('|')
        .and_then(|rest| rest.trim_end().strip_suffix('|'));
    let cells: Vec<&str> = inner.unwrap_or_default().split('|').map(str::trim).collect();
    let [id, strength, requirement, proof] = cells[..] else {
        return Err(format!("{} cells where a row has four", cells.len()));
    };
    if !is_id(id) {
        return Err(format!("`{id}` is no id of the form `OCI-AREA-01`"));
    }
    if strength.split(" → ").any(|word| !STRENGTHS.contains(&word)) {
        return Err(format!("`{id}`: strength `{strength}` is none of {STRENGTHS:?}"));
    }
    if requirement.is_empty() {
        return Err(format!("`{id}` does not say what is required"));
    }
    Ok(Row {
        line,
        id: id.to_owned(),
        tests: parse_proof(id, proof)?,
    })
}

fn is_id(text: &str) -> bool {
    let Some((area, number)) = text.strip_prefix("OCI-").and_then(|rest| rest.rsplit_once('-')) else {
        return false;
    };
    !area.is_empty()
        && area.bytes().all(|byte| byte.is_ascii_uppercase())
        && number.len() == 2
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The tests of the last cell, or none when the cell gives a reason instead.
fn parse_proof(id: &str, proof: &str) -> Result<Vec<String>, String> {
    if let Some(reason) = proof.strip_prefix(NO_TEST) {
        return if reason.trim().is_empty() {
            Err(format!("`{id}` has no test and gives no reason"))
        } else {
            Ok(Vec::new())
        };
    }
    if proof.is_empty() {
        return Err(format!("`{id}` has no test"));
    }
    proof
        .split(", ")
        .map(|name| {
            name.strip_prefix('`')
                .and_then(|rest| rest.strip_suffix('`'))
                .filter(|name| name.contains("::"))
                .map(str::to_owned)
                .ok_or_else(|| format!("`{id}`: {name} is no `module::function`"))
        })
        .collect()
}

/// The test functions of the sources as `module::function`. A test that does not run, because it is ignored or its
/// module is not part of the program, proves nothing and is a complaint.
fn find_tests(sources: &BTreeMap<String, String>, complaints: &mut Vec<String>) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    let main = sources.get(MAIN).map_or("", String::as_str);
    for (module, source) in sources {
        let declared = main.lines().any(|line| line == format!("mod {module};"));
        if module != MAIN && !declared {
            complaints.push(format!("`{MAIN}.rs` does not declare module `{module}`"));
        }
        let mut is_test = false;
        for line in source.lines().map(str::trim) {
            if line == "#[test]" {
                is_test = true;
            } else if line.starts_with("#[ignore") {
                complaints.push(format!("a test of module `{module}` is ignored"));
            } else if let Some(rest) = line.strip_prefix("fn ").filter(|_| is_test) {
                let function = rest.split('(').next().unwrap_or_default();
                tests.insert(format!("{module}::{function}"));
                is_test = false;
            }
        }
    }
    tests
}

fn compare(rows: &[Row], tests: &BTreeSet<String>, complaints: &mut Vec<String>) {
    let mut named = BTreeSet::new();
    for row in rows {
        for test in &row.tests {
            named.insert(test.as_str());
            if !tests.contains(test) {
                complaints.push(format!(
                    "line {}: `{}` names `{test}`, which is no test",
                    row.line, row.id
                ));
            }
        }
    }
    for test in tests.iter().filter(|test| !named.contains(test.as_str())) {
        complaints.push(format!("no row names the test `{test}`"));
    }
}
