//! Tests of the comparison, on small tables.

use super::*;
use crate::{oci, torture};

const SOURCE: &str = "#[test]\nfn pulls() {\n}\n\nfn no_test() {}\n\n#[test]\n#[expect(x)]\nfn pushes() {}\n";

fn sources(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
    texts
        .iter()
        .map(|(module, text)| ((*module).to_owned(), (*text).to_owned()))
        .collect()
}

fn complaints_of(table: &str) -> Vec<String> {
    oci::PAGE
        .compare(
            table,
            &sources(&[("main", "mod blobs;\n"), ("blobs", SOURCE)]),
            &BTreeMap::new(),
        )
        .2
}

fn table(rows: &str) -> String {
    format!("# Title\n\n| Id | Strength | Requirement | Test |\n| --- | --- | --- | --- |\n{rows}\nText.\n")
}

#[test]
fn a_full_table_is_accepted() {
    let full = table(
        "| OCI-A-01 | SHOULD → MUST | pull | `blobs::pulls`, `blobs::pushes` |\n\
         | OCI-A-02 | MAY | follow | nothing to test: a duty of the client |",
    );
    assert_eq!(complaints_of(&full), Vec::<String>::new());
}

#[test]
fn each_fault_of_a_row_is_named() {
    let cases = [
        ("| OCI-A-01 | MUST | pull |", "3 cells"),
        ("| OCI-A-1 | MUST | pull | `blobs::pulls` |", "no id of the form"),
        ("| OCI-a-01 | MUST | pull | `blobs::pulls` |", "no id of the form"),
        ("| X-A-01 | MUST | pull | `blobs::pulls` |", "no id of the form"),
        ("| OCI-A-01 | WILL | pull | `blobs::pulls` |", "strength `WILL`"),
        ("| OCI-A-01 | | pull | `blobs::pulls` |", "strength ``"),
        (
            "| OCI-A-01 | MUST | | `blobs::pulls` |",
            "does not say what is required",
        ),
        ("| OCI-A-01 | MUST | pull | |", "has no test"),
        ("| OCI-A-01 | MUST | pull | nothing to test: |", "gives no reason"),
        ("| OCI-A-01 | MUST | pull | later |", "is no `module::function`"),
        (
            "| OCI-A-01 | MUST | pull | `blobs::gone` |",
            "names `blobs::gone`, which is no test",
        ),
    ];
    for (row, expected) in cases {
        let complaints = complaints_of(&table(row));
        assert!(
            complaints.iter().any(|line| line.contains(expected)),
            "{row}: {complaints:?}"
        );
    }
}

#[test]
fn an_id_may_stand_only_once() {
    let row = "| OCI-A-01 | MUST | pull | `blobs::pulls`, `blobs::pushes` |";
    let complaints = complaints_of(&table(&format!("{row}\n{row}")));
    assert_eq!(complaints, ["line 6: id `OCI-A-01` is there twice"]);
}

#[test]
fn a_test_that_no_row_names_is_a_complaint() {
    let complaints = complaints_of(&table("| OCI-A-01 | MUST | pull | `blobs::pulls` |"));
    assert_eq!(complaints, ["no row names the test `blobs::pushes`"]);
}

#[test]
fn an_empty_table_is_a_complaint() {
    assert!(complaints_of("nothing").contains(&"the table has no rows".to_owned()));
}

#[test]
fn a_test_that_does_not_run_is_a_complaint() {
    let cases = [
        (
            "mod slow;\n",
            "slow",
            "#[test]\n#[ignore = \"slow\"]\nfn waits() {}\n",
            "a test of module `slow` is ignored",
        ),
        (
            "mod slow;\n",
            "slow",
            "#[cfg(windows)]\n#[test]\nfn waits() {}\n",
            "a part of module `slow` may be left out",
        ),
        ("mod blob;\n", "blobs", SOURCE, "`main` does not declare module `blobs`"),
    ];
    for (main, module, source, expected) in cases {
        let mut complaints = Vec::new();
        let sources = sources(&[("main", main), (module, source)]);
        check_declarations(&sources, &mut complaints);
        find_tests(&sources, &mut complaints);
        assert_eq!(complaints, [expected]);
    }
}

#[test]
fn modules_lie_in_modules() {
    let mut complaints = Vec::new();
    let texts = [
        ("main", "mod blobs;\n"),
        ("blobs", "pub(crate) mod large;\n"),
        ("blobs::large", SOURCE),
        ("blobs::small", SOURCE),
    ];
    check_declarations(&sources(&texts), &mut complaints);
    let found = find_tests(&sources(&texts), &mut complaints);
    assert!(found.contains("blobs::large::pulls"), "{found:?}");
    assert_eq!(complaints, ["`blobs` does not declare module `small`"]);
}

#[test]
fn every_case_of_torture_has_a_row_and_its_tests_its_name() {
    let source = "#[test]\nfn name_01_paths() {}\n";
    let sources = sources(&[("main", "mod names;\n"), ("names", source)]);
    let rows = "| NAME-01 | paths | `names::name_01_paths` |\n\
                | NAME-02 | letters | `names::name_01_paths` |\n\
                | NAME-10 | more | nothing to test: there is none |\n";
    let complaints = torture::PAGE.compare(rows, &sources, &BTreeMap::new()).2;
    let told = |text: &str| complaints.iter().any(|complaint| complaint.contains(text));
    assert!(
        told("the name of `names::name_01_paths` does not begin with `NAME-02`"),
        "{complaints:?}"
    );
    assert!(told("`NAME-10` is no case"), "{complaints:?}");
    assert!(told("no row has the case `HTTP-12`"), "{complaints:?}");
    assert!(!told("no row has the case `NAME-01`"), "{complaints:?}");
}
