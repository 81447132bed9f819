//! What people and programs read.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use wharf_testing::encoding::sha256;

use super::{LAYER, Root};
use crate::{WHARF, text};

fn fsck(root: &Root, flags: &[&str]) -> String {
    let output = Command::new(WHARF)
        .arg("fsck")
        .args(flags)
        .arg(root.path())
        .output()
        .unwrap();
    text(&output.stdout)
}

#[test]
fn the_text_tells_what_would_be_done_what_was_and_what_to_push() {
    let root = Root::new();
    fs::write(root.data(LAYER), "").unwrap();
    fs::write(root.current("one"), "").unwrap();
    let (told, done) = (fsck(&root, &[]), fsck(&root, &["--repair"]));
    let hex = sha256(LAYER).replace("sha256:", "");
    for (would, did) in [
        (
            format!("content is empty; would move it to wharf/quarantine/sha256/{hex}\n"),
            format!("content is empty; moved it to wharf/quarantine/sha256/{hex}\n"),
        ),
        (
            format!("would point the tag to {}\n", root.manifest),
            format!("pointed the tag to {}\n", root.manifest),
        ),
        ("would remove the row\n".to_owned(), "removed the row\n".to_owned()),
        (
            "would leave it alone: what is missing has to be pushed again; push again: foo:one, foo:two\n".to_owned(),
            "left it alone: what is missing has to be pushed again; push again: foo:one, foo:two\n".to_owned(),
        ),
        (
            "3 damaged, 2 left-overs, 0 notes; `--repair` mends all but 1\n".to_owned(),
            "3 damaged, 2 left-overs, 0 notes; 1 left, all else mended\n".to_owned(),
        ),
    ] {
        assert!(told.contains(&would), "{would} in\n{told}");
        assert!(done.contains(&did), "{did} in\n{done}");
    }
    let clean = fsck(&Root::new(), &[]);
    assert!(clean.ends_with("0 damaged, 0 left-overs, 0 notes\n"), "{clean}");
}

#[test]
fn every_finding_says_how_it_came_out() {
    let root = Root::new();
    fs::write(root.data(LAYER), "").unwrap();
    let outcome = |flags: &[&str], class: &str| {
        let report = root.fsck(flags);
        report.only(class)["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(outcome(&[], "empty-data"), "would-mend");
    assert_eq!(outcome(&[], "manifest-without-blob"), "left");
    let repaired = root.repair(&[]);
    assert_eq!(repaired.only("empty-data")["outcome"], "mended");
    assert_eq!(repaired.only("link-without-blob")["severity"], "left-over");
    assert_eq!(repaired.summary["damaged"], 2);
    assert_eq!(repaired.summary["left"], 1);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let root = Root::new();
    for number in 0..1000 {
        fs::create_dir_all(root.foo(&format!("_layers/sha256/{number:064x}"))).unwrap();
    }
    for (flags, code) in [(&[][..], 0), (&["--repair"], 0)] {
        let mut child = Command::new(WHARF)
            .arg("fsck")
            .args(flags)
            .arg(root.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut first)
            .unwrap();
        assert!(first.starts_with("empty-directory"), "{first}");
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), text(&ended.stderr).as_str()), (Some(code), ""));
    }
    assert!(root.fsck(&[]).findings.is_empty(), "what was to be mended was mended");
}
