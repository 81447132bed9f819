use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use crate::targets::{TARGETS, run};

/// A file or directory of `fuzz/`.
fn fuzz(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(relative)
}

/// The names in a directory, sorted, without endings.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("`{}`: {error}", dir.display()));
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<_> = entries.map(|entry| stem(entry.unwrap().path())).collect();
    names.sort();
    names
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let targets = TARGETS.map(|(name, _)| name);
    assert_eq!(names(&fuzz("fuzz_targets")), targets);
    assert_eq!(names(&fuzz("corpus")), targets);
    let manifest = fs::read_to_string(fuzz("Cargo.toml")).unwrap();
    for target in targets {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")),
            "{target}"
        );
        let program = fs::read_to_string(fuzz("fuzz_targets").join(target).with_extension("rs")).unwrap();
        assert!(program.contains(&format!("run(\"{target}\", data)")), "{target}");
    }
}

#[test]
fn the_corpus_keeps_every_promise() {
    for (name, _) in TARGETS {
        let corpus = fuzz("corpus").join(name);
        let mut inputs = 0;
        for entry in fs::read_dir(&corpus).unwrap() {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            assert!(
                catch_unwind(|| run(name, &input)).is_ok(),
                "target `{name}` fails on `{}`",
                path.display()
            );
            inputs += 1;
        }
        assert!(inputs > 10, "the corpus of `{name}` is lost");
    }
}
