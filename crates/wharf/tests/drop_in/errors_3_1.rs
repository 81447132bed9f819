//! Errors beside those of registry 3.1.1: it and wharf, started with the same configuration, are sent the same bad
//! requests, and status, codes, messages and details are compared.
//!
//! What may differ stands in [`table::TABLE`], with both answers in full; a difference that is not in the table fails, and
//! so does an entry that no case met.

mod cases;
mod registry;
mod table;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;
use wharf_testing::Registry as _;
use wharf_testing::http::Response;
use wharf_testing::packages;

use crate::{config, wharf};

use registry::Registry31;
use table::TABLE;

/// Status and errors of an answer, in one line: `404 NAME_UNKNOWN (repository name not known to registry) {"name":"a"}`.
/// An answer that is no error body shows its text.
fn told(response: &Response) -> String {
    let mut line = response.status.to_string();
    let json = serde_json::from_slice::<Value>(&response.body).unwrap_or_default();
    let Some(errors) = json["errors"].as_array() else {
        return format!("{line} text {:?}", response.text());
    };
    for error in errors {
        let text = |key: &str| error[key].as_str().unwrap_or("?").to_owned();
        let _ = write!(line, " {} ({})", text("code"), text("message"));
        if let Some(detail) = error.get("detail") {
            let _ = write!(line, " {detail}");
        }
    }
    line
}

/// The line with the hex of every sha256 digest as `…`, so that the table can be read.
fn masked(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(next) = rest.chars().next() {
        let hex = rest.chars().take_while(char::is_ascii_hexdigit).count();
        let length = if hex == 0 { next.len_utf8() } else { hex };
        text.push_str(if hex == 64 { "…" } else { &rest[..length] });
        rest = &rest[length..];
    }
    text
}

#[test]
fn errors_are_those_of_registry_3_1_or_listed() {
    let Some(program) = packages::go("registry") else {
        println!("not compared with registry 3.1.1: Go is not installed");
        return;
    };
    let config = config();
    let (theirs, ours) = (Registry31::start(&program, &config), wharf(&config).start());
    let (their_client, our_client) = (theirs.client(), ours.client());
    let asked = cases::prepare(&their_client)
        .into_iter()
        .zip(cases::prepare(&our_client));

    let mut failures = Vec::new();
    let (mut cases, mut met) = (BTreeSet::new(), BTreeSet::new());
    for ((case, to_them), (same_case, to_us)) in asked {
        assert_eq!(case, same_case);
        assert!(cases.insert(case), "two cases are called `{case}`");
        let (theirs, ours) = (told(&their_client.send(to_them)), told(&our_client.send(to_us)));
        if theirs == ours {
            continue;
        }
        let (theirs, ours) = (masked(&theirs), masked(&ours));
        let listed = TABLE
            .iter()
            .flat_map(|difference| difference.answers)
            .any(|answer| (answer.case, answer.registry_3_1, answer.wharf) == (case, theirs.as_str(), ours.as_str()));
        if listed {
            met.insert(case);
        } else {
            failures.push(format!("{case}\n  registry 3.1.1: {theirs}\n  wharf:          {ours}"));
        }
    }
    assert!(failures.is_empty(), "not listed:\n{}", failures.join("\n"));
    let listed = TABLE.iter().flat_map(|difference| difference.answers);
    let unmet: Vec<_> = listed
        .map(|answer| answer.case)
        .filter(|case| !met.contains(case))
        .collect();
    assert_eq!(unmet, Vec::<&str>::new(), "listed, but not met");
}
