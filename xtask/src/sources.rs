//! Rules on source files that no lint knows.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::root;

/// The most lines of a file.
const MOST_LINES: usize = 800;

/// File names that say nothing.
const EMPTY_NAMES: [&str; 5] = ["utils.rs", "helpers.rs", "common.rs", "types.rs", "misc.rs"];

/// Words that stay out of some crates' code, tests excepted, with the reason.
const WORDS: [(&[&str], &[&str], &str); 2] = [
    (
        &[
            "std::env::",
            "println!(",
            "print!(",
            "eprintln!(",
            "eprint!(",
            "process::exit",
        ],
        &[
            "wharf-spec",
            "wharf-storage",
            "wharf-index",
            "wharf-registry",
            "wharf-server",
        ],
        "a library leaves environment, output and exit to the binary",
    ),
    (
        &[
            "std::fs",
            "std::net",
            "std::thread",
            "SystemTime",
            "Instant",
            "async fn",
        ],
        &["wharf-spec"],
        "the specification crate has no I/O, no clock and no async",
    ),
];

/// Checks every file of ours.
pub(crate) fn check() -> anyhow::Result<()> {
    let mut files = Vec::new();
    for dir in ["crates", "fuzz", "xtask"] {
        collect(&root::path(dir), &mut files)?;
    }
    let base = root::path("");
    let mut complaints = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let relative = file.strip_prefix(&base).unwrap_or(file);
        complaints.extend(
            inspect(relative, &text)
                .into_iter()
                .map(|what| format!("{}: {what}", relative.display())),
        );
    }
    if !complaints.is_empty() {
        bail!("source files:\n  {}", complaints.join("\n  "));
    }
    println!("sources: {} files", files.len());
    Ok(())
}

/// All Rust files below a directory, build output excepted.
fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot list `{}`", dir.display()))?;
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot list `{}`", dir.display()))?
            .path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

/// What is wrong with a file.
fn inspect(path: &Path, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if EMPTY_NAMES.contains(&name.as_ref()) {
        complaints.push("the name says nothing of what is in it".to_owned());
    }
    let lines = text.lines().count();
    if lines > MOST_LINES {
        complaints.push(format!("{lines} lines are more than {MOST_LINES}"));
    }
    let is_test = path.iter().any(|part| part == "tests") || name == "tests.rs";
    if is_test && name != "main.rs" {
        return complaints;
    }
    if !text.starts_with("//!") {
        complaints.push("it does not begin with `//!` and what it is for".to_owned());
    }
    let crate_name = path.iter().nth(1).unwrap_or_default().to_string_lossy();
    for (words, _, reason) in WORDS
        .iter()
        .filter(|(_, crates, _)| crates.contains(&crate_name.as_ref()))
    {
        for (number, line) in code(text) {
            for word in words.iter().filter(|word| line.contains(**word)) {
                complaints.push(format!("line {number} has `{word}`: {reason}"));
            }
        }
    }
    complaints
}

/// The numbered lines of a file without comments and without the tests at its end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines().enumerate();
    lines
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(path: &str, text: &str) -> usize {
        inspect(Path::new(path), text).len()
    }

    #[test]
    fn files_have_docs_and_names_and_an_end() {
        assert_eq!(wrong("crates/wharf-index/src/schema.rs", "//! Docs.\n"), 0);
        assert_eq!(wrong("crates/wharf-index/src/schema.rs", "fn f() {}\n"), 1);
        assert_eq!(wrong("crates/wharf-index/src/utils.rs", "//! Docs.\n"), 1);
        assert_eq!(wrong("crates/wharf-index/src/schema.rs", &"//! Docs.\n".repeat(801)), 1);
        assert_eq!(wrong("crates/wharf/tests/clients/seeds.rs", "fn f() {}\n"), 0);
        assert_eq!(wrong("crates/wharf/tests/clients/main.rs", "fn f() {}\n"), 1);
    }

    #[test]
    fn libraries_do_not_print() {
        let text = "//! Docs.\nfn f() {\n    println!();\n}\n";
        assert_eq!(wrong("crates/wharf-server/src/log.rs", text), 1);
        assert_eq!(wrong("crates/wharf/src/log.rs", text), 0);
        let tested = "//! Docs.\n// println!()\n#[cfg(test)]\nmod tests {\n    println!();\n}\n";
        assert_eq!(wrong("crates/wharf-server/src/log.rs", tested), 0);
    }

    #[test]
    fn the_specification_has_no_clock() {
        let text = "//! Docs.\nuse std::time::SystemTime;\n";
        assert_eq!(wrong("crates/wharf-spec/src/digest.rs", text), 1);
        assert_eq!(wrong("crates/wharf-server/src/digest.rs", text), 0);
    }
}
