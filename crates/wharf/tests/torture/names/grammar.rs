//! What is a name and what is none.

use regex::Regex;
use wharf_spec::RepositoryName;
use wharf_testing::http::{Request, percent_encode};
use wharf_testing::image::Random;

use crate::harness::{OCI_INDEX, Torture, check, expect_error, index};

/// The specification's pattern for repository names.
const NAME_PATTERN: &str = r"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$";

#[test]
fn name_02_names_outside_the_grammar_are_refused() {
    let torture = Torture::start();
    let bad = [
        "A", "a/B", "aB", ".a", "a.", "-a", "a-", "_a", "a_", "a/.b", "a/b.", "a/-b", "a/b-", "a/_b", "a/b_", "a___b",
        "a..b", "a._b", "a-_b", "a+b", "a%20b", "a~b", "a@b", "a%3Ab",
    ];
    for name in bad {
        let push = torture.put_manifest(name, "1", OCI_INDEX, &index(&[]));
        expect_error(&push, 400, "NAME_INVALID");
        expect_error(&torture.get(&format!("/v2/{name}/manifests/1")), 400, "NAME_INVALID");
        expect_error(&torture.get(&format!("/v2/{name}/tags/list")), 400, "NAME_INVALID");
        let upload = torture.send(Request::post(format!("/v2/{name}/blobs/uploads/")));
        expect_error(&upload, 400, "NAME_INVALID");
    }
    torture.finish();
}

/// A text that is a name about as often as not: pieces of names with separators between, some of them wrong.
fn generate(random: &mut Random) -> String {
    const PIECES: [&str; 8] = ["a", "b0", "z9z", "0", "", "A", "a-b", "é"];
    const SEPARATORS: [&str; 10] = ["/", "/", ".", "_", "__", "-", "---", "___", "..", "//"];
    let mut pick = |from: &[&'static str]| from[usize::try_from(random.number() % from.len() as u64).unwrap()];
    let mut text = pick(&PIECES).to_owned();
    while !pick(&["stop", "on", "on"]).starts_with('s') && text.len() < 40 {
        // The first pieces and separators are right ones, and come more often.
        let (separators, pieces) = if pick(&["wrong", "right", "right", "right", "right"]) == "wrong" {
            (&SEPARATORS[..], &PIECES[..])
        } else {
            (&SEPARATORS[..7], &PIECES[..4])
        };
        text.push_str(pick(separators));
        text.push_str(pick(pieces));
    }
    text
}

#[test]
fn name_02_a_million_names_agree_with_the_regular_expression() {
    let torture = Torture::start();
    let pattern = Regex::new(NAME_PATTERN).unwrap();
    let (mut random, mut names) = (Random::new(2).with("names"), 0);
    for number in 0..1_000_000 {
        let text = generate(&mut random);
        let is_name = pattern.is_match(&text);
        assert_eq!(text.parse::<RepositoryName>().is_ok(), is_name, "`{text}`");
        names += usize::from(is_name);
        // And a sample of them over the wire.
        if number % 5000 == 0 {
            let answer = torture.get(&format!("/v2/{}/tags/list", percent_encode(&text)));
            let expected = if is_name { "NAME_UNKNOWN" } else { "NAME_INVALID" };
            expect_error(&answer, if is_name { 404 } else { 400 }, expected);
        }
    }
    assert!((200_000..800_000).contains(&names), "{names} of a million are names");
    torture.finish();
}

#[test]
fn name_03_names_have_255_characters_at_most() {
    let torture = Torture::start();
    let longest = format!("a/{}", "b".repeat(253));
    torture
        .put_manifest(&longest, "1", OCI_INDEX, &index(&[]))
        .expect_status(201);
    torture.expect_content(&format!("/v2/{longest}/manifests/1"), &index(&[]));
    let upload = torture.send(Request::post(format!("/v2/{longest}/blobs/uploads/")));
    torture.delete(&upload.expect_status(202).location()).expect_status(204);

    let longer = format!("{longest}b");
    expect_error(
        &torture.put_manifest(&longer, "1", OCI_INDEX, &index(&[])),
        400,
        "NAME_INVALID",
    );
    for target in ["manifests/1", "tags/list"] {
        expect_error(&torture.get(&format!("/v2/{longer}/{target}")), 400, "NAME_INVALID");
    }
    torture.finish();
}

#[test]
fn name_06_letters_beyond_ascii_are_refused_and_escaped_in_logs() {
    let torture = Torture::start_verbose();
    // Invalid UTF-8, an overlong slash, half a surrogate pair; then letters that look or behave like others.
    let encoded = ["%ff", "a%80", "a%c0%afb", "%ed%a0%80", "%f4%90%80%80"].map(str::to_owned);
    let letters = [
        "a\u{202e}b",
        "\u{200b}a",
        "e\u{301}",
        "é",
        "ａｂ",
        "a／b",
        "ſ",
        "\u{feff}a",
        "a\u{1b}[31m",
    ];
    let all: Vec<_> = encoded.into_iter().chain(letters.map(percent_encode)).collect();
    for text in &all {
        for target in [format!("/v2/{text}/tags/list"), format!("/v2/a/{text}/manifests/1")] {
            expect_error(&torture.get(&target), 400, "NAME_INVALID");
        }
        let tag = torture.get(&format!("/v2/keep/alive/manifests/{text}"));
        assert!([400, 404].contains(&tag.status), "{text}: {tag}");
        let push = torture.put_manifest("a", text, OCI_INDEX, &index(&[]));
        assert_eq!(push.status, 400, "{text}: {push}");
    }
    // The same letters as they are, where a URI should have them encoded, and in headers that are logged.
    for letters in letters.iter().filter(|letters| !letters.contains('\u{1b}')) {
        let request = Request::get(format!("/v2/{letters}/tags/list"))
            .header("User-Agent", format!("agent {letters}"))
            .header("Referer", *letters);
        let answer = torture.client().send(request);
        check(&answer);
        assert_eq!(answer.status, 400, "{letters}: {answer}");
    }
    // What a person can read may stay as it is, but nothing that moves, hides or turns around what is beside it.
    let hostile = |letter: char| {
        letter.is_control()
            || ('\u{200b}'..='\u{200f}').contains(&letter)
            || ('\u{202a}'..='\u{202e}').contains(&letter)
            || ['\u{feff}', '\u{fffd}'].contains(&letter)
    };
    torture.finish_and_read_logs(|logs| {
        assert!(logs.contains("202e"), "the letters have come to the logs");
        assert_eq!(
            logs.lines().find(|line| line.contains(hostile)),
            None,
            "a letter that is not escaped"
        );
    });
}
