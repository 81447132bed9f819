//! How errors end the program: what is printed, and the exit code.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | done |
//! | 1 | failed |
//! | 2 | the command line is wrong (from clap) |
//! | 3 | `fsck` found damage, and mended all of it |
//! | 4 | `fsck` found damage, and left it |

use std::process::ExitCode;

/// Damage was found and mended.
pub(crate) const MENDED: u8 = 3;
/// Damage was found and left.
pub(crate) const DAMAGED: u8 = 4;

/// An error with advice for whoever sees it.
#[derive(Debug)]
pub(crate) struct Hint {
    pub(crate) text: String,
}

impl std::fmt::Display for Hint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Prints an error, its causes and its hint to stderr.
#[expect(clippy::print_stderr, reason = "errors go to stderr")]
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let hint = error.downcast_ref::<Hint>().map(|hint| hint.text.clone());
    let mut causes = error
        .chain()
        .map(ToString::to_string)
        .filter(|text| Some(text) != hint.as_ref());
    eprintln!("error: {}", causes.next().unwrap_or_default());
    for cause in causes {
        eprintln!("caused by: {cause}");
    }
    if let Some(hint) = hint {
        eprintln!("hint: {hint}");
    }
    ExitCode::FAILURE
}
