//! What each parser promises, for any input: besides not panicking, that what it accepts is what an independent reading of the
//! specification accepts, and that printing and parsing again changes nothing.
//!
//! A target takes one input and panics when a promise is broken. The programs in `fuzz_targets` run the targets under libFuzzer; a
//! test of `wharf-spec` is made of these same files and replays the committed corpus.

mod accept;
mod content_range;
mod digest;
mod endpoint;
mod grammar;
mod hash_state;
mod json;
mod manifest;
mod name;
mod range;
mod reference;
mod schema1;
// These two depend on nothing in their crates and are private there: they are compiled once more here rather than made public there,
// which also spares the fuzzer all that those crates depend on.
#[path = "../../crates/wharf-server/src/range.rs"]
mod server_range;
mod upload_token;
#[path = "../../crates/wharf-registry/src/upload_token.rs"]
mod upload_token_of_registry;

/// A target takes one input.
pub type Target = fn(&[u8]);

/// All targets by name, which is the name of their program and of their directory in `fuzz/corpus`.
pub const TARGETS: [(&str, Target); 11] = [
    ("accept", accept::target),
    ("content_range", content_range::target),
    ("digest", digest::target),
    ("endpoint", endpoint::target),
    ("hash_state", hash_state::target),
    ("manifest", manifest::target),
    ("name", name::target),
    ("range", range::target),
    ("reference", reference::target),
    ("schema1", schema1::target),
    ("upload_token", upload_token::target),
];

/// Holds one input against the target of that name, which must be in [`TARGETS`].
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = target.unwrap_or_else(|| panic!("no target `{name}`"));
    target(data);
}

/// The input as text. What is not UTF-8 never reaches a parser of text.
fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// Takes the first byte off, zero when there is none.
fn first_byte(data: &[u8]) -> (u8, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (*first, rest))
}
