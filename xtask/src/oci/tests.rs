//! Tests of the comparison, on small tables.

use super::*;

const SOURCE: &str = "#[test]\nfn pulls() {\n}\n\nfn no_test() {}\n\n#[test]\n#[expect(x)]\nfn pushes() {}\n";

fn sources(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
    texts
        .iter()
        .map(|(module, text)| ((*module).to_owned(), (*text).to_owned()))
        .collect()
}

fn complaints_of(table: &str) -> Vec<String> {
    let sources = sources(&[("main", "mod blobs;\n"), ("blobs", SOURCE)]);
    let (rows, mut complaints) = parse_table(table);
    let tests = find_tests(&sources, &mut complaints);
    compare(&rows, &tests, &mut complaints);
    complaints
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
    let ignored = "#[test]\n#[ignore = \"slow\"]\nfn waits() {}\n";
    let mut complaints = Vec::new();
    find_tests(&sources(&[("main", "mod slow;\n"), ("slow", ignored)]), &mut complaints);
    assert_eq!(complaints, ["a test of module `slow` is ignored"]);
    complaints.clear();
    find_tests(&sources(&[("main", "mod blob;\n"), ("blobs", SOURCE)]), &mut complaints);
    assert_eq!(complaints, ["`main.rs` does not declare module `blobs`"]);
}
