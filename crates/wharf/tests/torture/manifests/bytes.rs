//! Sizes, and bytes that come back as they went.

use wharf_testing::encoding::sha256;
use wharf_testing::http::{Connection, Request, Response};
use wharf_testing::image::Random;

use super::{DOCKER_IMAGE, TYPES, expect_nothing_stored, nothing, push_nothing, tiny};
use crate::harness::{OCI_IMAGE, OCI_INDEX, Torture, check, descriptor, expect_error, index};

/// The largest manifest that is taken.
const LIMIT: usize = 4 << 20;

/// What a client may have written before it notices that nobody reads: the limit, and what kernels keep for both ends.
const WRITTEN_MAX: usize = 32 << 20;

/// An empty index with white space behind it, this long.
fn padded(length: usize) -> Vec<u8> {
    let mut bytes = index(&[]);
    bytes.resize(length, b' ');
    bytes
}

fn put(tag: &str) -> Request {
    Request::put(format!("/v2/a/manifests/{tag}")).header("Content-Type", OCI_INDEX)
}

#[test]
fn man_01_a_manifest_of_the_limit_is_taken_and_one_byte_more_is_not() {
    let torture = Torture::start();
    for (tag, request) in [
        ("length", put("length").body(padded(LIMIT))),
        ("chunked", put("chunked").chunked(padded(LIMIT).chunks(100_000))),
    ] {
        torture.send(request).expect_status(201);
        torture.expect_content(&format!("/v2/a/manifests/{tag}"), &padded(LIMIT));
    }
    let over = padded(LIMIT + 1);
    for (tag, request) in [
        ("length-over", put("length-over").body(&over)),
        ("chunked-over", put("chunked-over").chunked(over.chunks(100_000))),
    ] {
        let answer = torture.send(request);
        expect_error(&answer, 413, "MANIFEST_INVALID");
        assert_eq!(answer.header("Connection"), Some("close"), "{answer}");
        expect_nothing_stored(&torture, "a", tag, &over);
    }
    torture.finish();
}

/// Sends pieces until the server takes no more; how many bytes it was.
fn pour(connection: &mut Connection, piece: &[u8], most: usize) -> usize {
    let mut written = 0;
    while written < most && connection.write(piece).is_ok() {
        written += piece.len();
    }
    written
}

#[test]
fn man_01_no_more_than_the_limit_is_read() {
    const MOST: usize = 256 << 20;
    let torture = Torture::start();
    let head = |framing: &str| {
        format!("PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: a\r\nContent-Type: {OCI_INDEX}\r\n{framing}\r\n\r\n")
    };
    let plain = vec![b' '; 1 << 16];
    let chunk = [format!("{:x}\r\n", plain.len()).as_bytes(), &plain, b"\r\n"].concat();
    for (framing, piece) in [
        (format!("Content-Length: {MOST}"), &plain),
        ("Transfer-Encoding: chunked".to_owned(), &chunk),
    ] {
        let mut connection = torture.client().connect();
        connection.write(head(&framing).as_bytes()).unwrap();
        let written = pour(&mut connection, piece, MOST);
        assert!(written <= WRITTEN_MAX, "{framing}: the server took {written} bytes");
        // A client that writes on against a closed connection may find the answer thrown away by its own kernel.
        if let Ok(answer) = connection.read_response("PUT") {
            check(&answer);
            expect_error(&answer, 413, "MANIFEST_INVALID");
        }
        assert!(connection.is_closed());
    }
    torture.finish();
}

#[test]
fn man_06_every_manifest_that_is_taken_comes_back_byte_for_byte() {
    let torture = Torture::start();
    push_nothing(&torture, "a");
    let mut random = Random::new(6).with("manifests");
    for number in 0..150 {
        let manifest = scribble(&mut random);
        let tag = format!("t{}", number % 7);
        torture
            .put_manifest("a", &tag, OCI_IMAGE, manifest.as_bytes())
            .expect_status(201);
        for reference in [&tag, &sha256(&manifest)] {
            let target = format!("/v2/a/manifests/{reference}");
            torture.expect_content(&target, manifest.as_bytes());
            let head = torture.send(Request::head(target)).expect_status(200);
            assert_eq!(head.expect_header("Content-Length"), manifest.len().to_string());
            assert_eq!(head.expect_header("Docker-Content-Digest"), sha256(&manifest));
        }
    }
    torture.finish();
}

/// An image manifest in a form that no serialiser would give it: fields in any order, white space anywhere, escapes where
/// none are needed, fields that nobody knows.
fn scribble(random: &mut Random) -> String {
    let mut below = |limit: u64| usize::try_from(random.number() % limit).unwrap();
    let strange = [
        "1.0",
        "-0",
        "1e3",
        "1E-2",
        "12345678901234567890",
        "null",
        "true",
        "[]",
        "{}",
        "[[ ],{ }]",
        "\"\\u00e9\\/\\ud83d\\ude00\"",
        "\"é\u{202e}\"",
        "\"\"",
        "{\"a\" : {\"b\":\t[1 ,2]}}",
    ];
    let mut fields = vec![
        "\"schemaVersion\" : 2".to_owned(),
        format!("\"config\":{}", nothing()),
        format!("\"layers\" :\n[ {} ,{}]", nothing(), nothing()),
    ];
    if below(2) == 0 {
        fields.push(format!("\"media\\u0054ype\":\"{}\"", OCI_IMAGE.replace('/', "\\/")));
    }
    for number in 0..below(4) {
        fields.push(format!("\"x-{number}\\n\":{}", strange[below(strange.len() as u64)]));
    }
    fields.push(format!(
        "\"annotations\":{{\"Seed\":\"{}\",\"seed\":\"\"}}",
        below(u64::MAX)
    ));
    for last in (1..fields.len()).rev() {
        fields.swap(last, below(last as u64 + 1));
    }
    let space = [" ", "\n", "\t", "\r\n", "", "  "];
    let mut text = space[below(6)].to_owned() + "{";
    for (position, field) in fields.iter().enumerate() {
        text += if position == 0 { "" } else { "," };
        text += space[below(6)];
        text += field;
        text += space[below(6)];
    }
    text + "}" + space[below(6)]
}

#[test]
fn man_02_a_type_that_is_not_the_manifests_own_is_refused() {
    let torture = Torture::start();
    push_nothing(&torture, "a");
    for own in TYPES {
        for sent in TYPES.into_iter().filter(|sent| *sent != own) {
            let mut manifest = tiny(own);
            if own.contains("index") || own.contains("list") {
                manifest = serde_json::from_slice(&index(&[])).unwrap();
            }
            manifest["mediaType"] = own.into();
            let bytes = manifest.to_string().into_bytes();
            let answer = torture.put_manifest("a", "1", sent, &bytes);
            expect_error(&answer, 400, "MANIFEST_INVALID");
            expect_nothing_stored(&torture, "a", "1", &bytes);
        }
    }
    // The wrong shape under a type that it does not name.
    let mut untyped = tiny("untyped");
    untyped.as_object_mut().unwrap().remove("mediaType");
    let as_index = torture.put_manifest("a", "1", OCI_INDEX, untyped.to_string().as_bytes());
    expect_error(&as_index, 400, "MANIFEST_INVALID");
    let bytes = br#"{"schemaVersion":2,"manifests":[]}"#;
    expect_error(
        &torture.put_manifest("a", "1", OCI_IMAGE, bytes),
        400,
        "MANIFEST_INVALID",
    );
    torture.finish();
}

#[test]
fn man_11_schema_1_is_refused_in_every_form() {
    let torture = Torture::start();
    let digest = torture.push_blob("a", b"layer");
    let unsigned = format!(
        r#"{{"schemaVersion":1,"name":"a","tag":"1","architecture":"amd64","fsLayers":[{{"blobSum":"{digest}"}}],"history":[{{"v1Compatibility":"{{\"id\":\"x\"}}"}}]}}"#
    );
    let signatures = r#","signatures":[{"header":{"jwk":{"kty":"EC","crv":"P-256","kid":"A","x":"AA","y":"AA"},"alg":"ES256"},"signature":"AAAA","protected":"eyJmb3JtYXRMZW5ndGgiOjEsImZvcm1hdFRhaWwiOiJmUSJ9"}]}"#;
    let signed = unsigned.strip_suffix('}').unwrap().to_owned() + signatures;
    assert!(serde_json::from_str::<serde_json::Value>(&signed).is_ok());
    let bodies = [
        unsigned.as_str(),
        &signed,
        "{\"schemaVersion\":1}",
        "garbage",
        "",
        "\0\0\0",
    ];
    let types = [
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/json",
        "text/plain",
        "",
        DOCKER_IMAGE,
    ];
    for (body, media_type) in bodies
        .iter()
        .flat_map(|body| types.map(|media_type| (body, media_type)))
    {
        let answer = torture.put_manifest("a", "1", media_type, body.as_bytes());
        expect_error(&answer, 400, "MANIFEST_INVALID");
        expect_nothing_stored(&torture, "a", "1", body.as_bytes());
    }
    torture.finish();
}

#[test]
fn man_12_artifacts_of_any_type_are_taken() {
    let torture = Torture::start();
    push_nothing(&torture, "a");
    let subject = torture.push_image("a", "subject", "of artifacts");
    for (number, artifact_type) in [
        "application/vnd.example.unheard-of.v7+json",
        "application/x;charset=utf-8",
        "x/y",
        "not even a media type",
        "\u{202e}",
        "",
    ]
    .iter()
    .enumerate()
    {
        let mut manifest = tiny("artifact");
        manifest["artifactType"] = (*artifact_type).into();
        manifest["config"]["mediaType"] = (*artifact_type).into();
        manifest["layers"][0]["mediaType"] = "application/vnd.example.secret-sauce".into();
        manifest["subject"] = descriptor(OCI_IMAGE, &subject);
        manifest["annotations"]["number"] = number.to_string().into();
        let bytes = manifest.to_string();
        let tag = format!("t{number}");
        torture
            .put_manifest("a", &tag, OCI_IMAGE, bytes.as_bytes())
            .expect_status(201);
        torture.expect_content(&format!("/v2/a/manifests/{tag}"), bytes.as_bytes());
        expect_referrer(&torture, &sha256(&subject), &sha256(&bytes));
    }
    torture.finish();
}

#[track_caller]
fn expect_referrer(torture: &Torture, subject: &str, digest: &str) {
    let list: Response = torture.get(&format!("/v2/a/referrers/{subject}")).expect_status(200);
    let json = list.json();
    let manifests = json["manifests"].as_array().unwrap();
    assert!(manifests.iter().any(|referrer| referrer["digest"] == digest), "{list}");
}
