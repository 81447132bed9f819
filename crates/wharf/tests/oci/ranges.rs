//! Range requests on blobs.

use wharf_testing::encoding::sha512;
use wharf_testing::http::{Request, Response};

use crate::wharf::{Wharf, blob, noise};

const LENGTH: usize = 2048;

/// Ranges and the bytes they stand for, of a blob of [`LENGTH`] bytes.
const SATISFIABLE: [(&str, usize, usize); 7] = [
    ("bytes=500-1499", 500, 1499),
    ("bytes=500-", 500, LENGTH - 1),
    ("bytes=-500", LENGTH - 500, LENGTH - 1),
    ("bytes=2000-5000", 2000, LENGTH - 1),
    ("bytes=0-0", 0, 0),
    ("bytes=2047-", LENGTH - 1, LENGTH - 1),
    ("bytes=-5000", 0, LENGTH - 1),
];

fn ranged(wharf: &Wharf, digest: &str, range: &str) -> Response {
    wharf.send(Request::get(blob("a", digest)).header("Range", range))
}

#[test]
fn a_satisfiable_range_gives_206_and_exactly_these_bytes() {
    let wharf = Wharf::start();
    let content = noise("ranges", LENGTH);
    let digest = wharf.push_blob("a", &content);
    for (range, first, last) in SATISFIABLE {
        let answer = ranged(&wharf, &digest, range).expect_status(206);
        assert_eq!(answer.body, &content[first..=last], "{range}");
        let content_range = format!("bytes {first}-{last}/{LENGTH}");
        assert_eq!(answer.expect_header("Content-Range"), content_range);
        assert_eq!(answer.expect_header("Content-Length"), (last - first + 1).to_string());
        assert_eq!(answer.expect_header("Docker-Content-Digest"), digest);
    }
}

#[test]
fn ranges_of_a_blob_known_by_sha512() {
    let wharf = Wharf::start();
    let content = noise("ranges of sha512", LENGTH);
    let digest = sha512(&content);
    let location = wharf.begin_upload("a");
    wharf.finish(&location, &digest, &content).expect_status(201);
    for (range, first, last) in SATISFIABLE {
        let answer = ranged(&wharf, &digest, range).expect_status(206);
        assert_eq!(answer.body, &content[first..=last], "{range}");
        assert_eq!(answer.expect_header("Docker-Content-Digest"), digest);
    }
}

#[test]
fn an_unsatisfiable_range_gives_416() {
    let wharf = Wharf::start();
    let digest = wharf.push_blob("a", &noise("beyond", LENGTH));
    for range in ["bytes=500-0", "bytes=5000-10000", "bytes=2048-"] {
        ranged(&wharf, &digest, range).expect_status(416);
    }
    let answer = ranged(&wharf, &digest, "bytes=5000-10000");
    assert_eq!(answer.expect_header("Content-Range"), format!("bytes */{LENGTH}"));
}

#[test]
fn blobs_say_that_they_take_ranges() {
    let wharf = Wharf::start();
    let digest = wharf.push_blob("a", b"accepts ranges");
    assert_eq!(wharf.head(&blob("a", &digest)).expect_header("Accept-Ranges"), "bytes");
}

#[test]
fn several_ranges_come_as_parts() {
    let wharf = Wharf::start();
    let content = noise("parts", LENGTH);
    let digest = wharf.push_blob("a", &content);
    let answer = ranged(&wharf, &digest, "bytes=0-9,100-109").expect_status(206);
    let media_type = answer.expect_header("Content-Type").to_owned();
    let boundary = media_type.strip_prefix("multipart/byteranges; boundary=");
    let boundary = boundary.unwrap_or_else(|| panic!("no boundary in {answer}"));
    let text = answer.text();
    for (first, last) in [(0, 9), (100, 109)] {
        assert!(text.contains(&format!("bytes {first}-{last}/{LENGTH}")), "{answer}");
        let bytes = String::from_utf8(content[first..=last].to_vec()).unwrap();
        assert!(text.contains(&format!("\r\n\r\n{bytes}\r\n--{boundary}")), "{answer}");
    }
}

#[test]
fn a_range_is_dropped_when_if_range_does_not_match() {
    let wharf = Wharf::start();
    let content = noise("if-range", LENGTH);
    let digest = wharf.push_blob("a", &content);
    let etag = wharf.head(&blob("a", &digest)).expect_header("Etag").to_owned();
    for (validator, status) in [(etag.as_str(), 206), ("\"another\"", 200)] {
        let request = Request::get(blob("a", &digest)).header("Range", "bytes=0-9");
        wharf.send(request.header("If-Range", validator)).expect_status(status);
    }
}
