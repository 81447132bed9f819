//! Tables of what must hold against the tests that prove it.
//!
//! A page has one row per requirement: an id first, the tests last, and between them what the page is about. [`Page::check`]
//! keeps page and tests together: no cell is empty, every test that is named exists and runs, and every test that exists
//! is named. A row without a test must say why there is nothing to test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::root;

#[cfg(test)]
mod tests;

/// The module that declares the others.
const MAIN: &str = "main";

/// What a row without a test begins with; the reason follows.
const NO_TEST: &str = "nothing to test:";

/// A page with a table, and the test program that it tells of.
pub(crate) struct Page {
    /// The command's name.
    pub(crate) name: &'static str,
    /// The page.
    pub(crate) path: &'static str,
    /// The directory of the test program.
    pub(crate) tests: &'static str,
    /// Tests that lie beside what they test, as a module's name and its file.
    pub(crate) others: &'static [(&'static str, &'static str)],
    /// How many cells a row has.
    pub(crate) cells: usize,
    /// What is wrong with a row's cells but the last. The first is the id.
    pub(crate) inspect: fn(&[&str]) -> Result<(), String>,
    /// What is wrong with all rows together.
    pub(crate) survey: fn(&[Row]) -> Vec<String>,
}

/// One requirement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its line in the page, from 1.
    pub(crate) line: usize,
    /// Its id.
    pub(crate) id: String,
    /// `module::function` of each test; empty when the row says that there is nothing to test.
    pub(crate) tests: Vec<String>,
}

impl Page {
    /// Checks the table against the tests and prints how many there are of each.
    ///
    /// # Errors
    /// Lists every row and every test with which something is wrong.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let text = read(&root::path(self.path))?;
        let mut sources = BTreeMap::new();
        read_sources(&root::path(self.tests), "", &mut sources)?;
        let others = self.others.iter();
        let others = others.map(|(module, path)| Ok(((*module).to_owned(), read(&root::path(path))?)));
        let (rows, tests, complaints) = self.compare(&text, &sources, &others.collect::<anyhow::Result<_>>()?);
        if !complaints.is_empty() {
            let (page, tests) = (self.path, self.tests);
            bail!("{page} and {tests} do not agree:\n  {}", complaints.join("\n  "));
        }
        let untested = rows.iter().filter(|row| row.tests.is_empty()).count();
        println!(
            "{}: {} rows, {} tests, {untested} rows with nothing to test",
            self.name,
            rows.len(),
            tests.len()
        );
        Ok(())
    }

    /// The rows, the tests, and everything that is wrong with either.
    fn compare(
        &self,
        text: &str,
        sources: &BTreeMap<String, String>,
        others: &BTreeMap<String, String>,
    ) -> (Vec<Row>, BTreeSet<String>, Vec<String>) {
        let (rows, mut complaints) = self.parse_table(text);
        complaints.extend((self.survey)(&rows));
        check_declarations(sources, &mut complaints);
        let mut tests = find_tests(sources, &mut complaints);
        tests.extend(find_tests(others, &mut complaints));
        hold_against(&rows, &tests, &mut complaints);
        (rows, tests, complaints)
    }

    /// The rows of the table and what is wrong with it. Every line that begins with `|` is a heading, a rule or a row,
    /// so that no row is lost by a slip of the pen.
    fn parse_table(&self, text: &str) -> (Vec<Row>, Vec<String>) {
        let mut rows = Vec::new();
        let mut complaints = Vec::new();
        let mut ids = BTreeSet::new();
        for (index, text) in text.lines().enumerate() {
            let line = index + 1;
            if !text.starts_with('|') || text.starts_with("| Id |") || text.starts_with("| --- |") {
                continue;
            }
            match self.parse_row(line, text) {
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

    fn parse_row(&self, line: usize, text: &str) -> Result<Row, String> {
        let inner = text
            .strip_prefix('|')
            .and_then(|rest| rest.trim_end().strip_suffix('|'));
        let cells: Vec<&str> = inner.unwrap_or_default().split('|').map(str::trim).collect();
        let Some((proof, [id, ..])) = cells.split_last().filter(|_| cells.len() == self.cells) else {
            return Err(format!("{} cells where a row has {}", cells.len(), self.cells));
        };
        (self.inspect)(&cells[..self.cells - 1])?;
        Ok(Row {
            line,
            id: (*id).to_owned(),
            tests: parse_proof(id, proof)?,
        })
    }
}

/// Whether a text is an id of this area: the area, a hyphen, two digits. What they say, if it is.
pub(crate) fn number(id: &str) -> Option<(&str, u8)> {
    let (area, number) = id.rsplit_once('-')?;
    let is_area = !area.is_empty() && area.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    let is_number = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_area && is_number).then_some(())?;
    Some((area, number.parse().ok()?))
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))
}

/// The text of each module of the test program, by its path as in `uploads::chunks`.
fn read_sources(directory: &Path, parent: &str, sources: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    let entries = fs::read_dir(directory).with_context(|| format!("listing `{}`", directory.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let module = format!("{parent}{name}");
        if path.is_dir() {
            read_sources(&path, &format!("{module}::"), sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.insert(module, read(&path)?);
        }
    }
    Ok(())
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

/// The test functions of the sources as `module::function`. A test that does not run, because it is ignored or left out,
/// proves nothing and is a complaint.
fn find_tests(sources: &BTreeMap<String, String>, complaints: &mut Vec<String>) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for (module, source) in sources {
        let mut is_test = false;
        for line in source.lines().map(str::trim) {
            if line == "#[test]" {
                is_test = true;
            } else if line.starts_with("#[ignore") {
                complaints.push(format!("a test of module `{module}` is ignored"));
            } else if line.starts_with("#[cfg") {
                complaints.push(format!("a part of module `{module}` may be left out"));
            } else if let Some(rest) = line.strip_prefix("fn ").filter(|_| is_test) {
                let function = rest.split('(').next().unwrap_or_default();
                tests.insert(format!("{module}::{function}"));
                is_test = false;
            }
        }
    }
    tests
}

/// A file of the test program that is no module of it is a complaint.
fn check_declarations(sources: &BTreeMap<String, String>, complaints: &mut Vec<String>) {
    for module in sources.keys().filter(|module| *module != MAIN) {
        let (parent, name) = module.rsplit_once("::").unwrap_or((MAIN, module));
        if !declares(sources.get(parent), name) {
            complaints.push(format!("`{parent}` does not declare module `{name}`"));
        }
    }
}

fn declares(source: Option<&String>, module: &str) -> bool {
    let declaration = format!("mod {module};");
    let mut lines = source.map_or("", String::as_str).lines();
    lines.any(|line| line.strip_prefix("pub(crate) ").unwrap_or(line) == declaration)
}

fn hold_against(rows: &[Row], tests: &BTreeSet<String>, complaints: &mut Vec<String>) {
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
