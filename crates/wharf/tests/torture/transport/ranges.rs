//! Parts of blobs, and answers without their bodies.

use wharf_testing::encoding::sha256;
use wharf_testing::http::{Request, Response};

use super::{Http2, over_both};
use crate::harness::{Torture, expect_error};

const LENGTH: usize = 100_000;

fn content() -> Vec<u8> {
    (0..LENGTH).map(|number| u8::try_from(number % 251).unwrap()).collect()
}

#[test]
fn http_06_a_range_is_served_or_refused() {
    let torture = Torture::start();
    let content = content();
    let blob = format!("/v2/foo/blobs/{}", torture.push_blob("foo", &content));
    let last = LENGTH - 1;
    over_both(&torture, |_, send| {
        for (range, first, end) in [
            ("bytes=-1".to_owned(), last, last),
            ("bytes=-500".to_owned(), LENGTH - 500, last),
            (format!("bytes=-{}", LENGTH + 1), 0, last),
            ("bytes=-99999999999999999999".to_owned(), 0, last),
            ("bytes=0-0".to_owned(), 0, 0),
            (format!("bytes={last}-"), last, last),
            ("bytes=5-99999999999999999999".to_owned(), 5, last),
        ] {
            let answer = send(Request::get(&blob).header("Range", &range)).expect_status(206);
            assert_eq!(
                answer.expect_header("Content-Range"),
                format!("bytes {first}-{end}/{LENGTH}"),
                "{range}"
            );
            assert!(answer.body == content[first..=end], "{range}: other bytes");
        }
    });
    let clients: [&dyn Fn(&Request) -> Response; 2] = [&|request| torture.client().send(request), &|request| {
        Http2::open(torture.client().addr()).try_send(request).unwrap()
    }];
    // The body is registry 3's line of text; an invariant asks for JSON, and clients look at neither.
    for send in clients {
        for range in [
            format!("bytes={LENGTH}-"),
            "bytes=99999999999999999999-".to_owned(),
            "bytes=-0".to_owned(),
            "bytes=9-5".to_owned(),
            "bytes=a-b".to_owned(),
            "bytes=0--1".to_owned(),
            "bytes=\u{7f}".to_owned().replace('\u{7f}', "%00"),
        ] {
            let answer = send(&Request::get(&blob).header("Range", &range)).expect_status(416);
            assert_eq!(
                answer.expect_header("Content-Range"),
                format!("bytes */{LENGTH}"),
                "{range}"
            );
        }
    }
    torture.finish();
}

#[test]
fn http_06_many_ranges_are_the_whole_or_few_parts() {
    let torture = Torture::start();
    let content = content();
    let blob = format!("/v2/foo/blobs/{}", torture.push_blob("foo", &content));
    over_both(&torture, |_, send| {
        let ranges = |count: usize, one: &dyn Fn(usize) -> String| {
            let ranges: Vec<_> = (0..count).map(one).collect();
            send(Request::get(&blob).header("Range", format!("bytes={}", ranges.join(","))))
        };
        for whole in [
            ranges(1000, &|number| format!("{number}-{number}")),
            ranges(17, &|number| format!("{number}-{number}")),
            ranges(1000, &|_| "0-".to_owned()),
            ranges(2, &|_| "0-".to_owned()),
            ranges(16, &|number| format!("{number}-")),
        ] {
            assert!(whole.expect_status(200).body == content);
        }
        let parts = ranges(16, &|number| format!("{}-{}", 10 * number, 10 * number + 4)).expect_status(206);
        assert_eq!(parts.text().matches("Content-Range: bytes ").count(), 16);
    });
    torture.finish();
}

#[test]
fn http_06_if_range_is_honoured() {
    let torture = Torture::start();
    let content = content();
    let digest = torture.push_blob("foo", &content);
    let blob = format!("/v2/foo/blobs/{digest}");
    over_both(&torture, |_, send| {
        let etag = send(Request::head(&blob)).expect_header("Etag").to_owned();
        assert_eq!(etag, format!("\"{digest}\""));
        for (validator, status) in [
            (etag.clone(), 206),
            (format!("W/{etag}"), 200),
            ("\"another\"".to_owned(), 200),
            ("*".to_owned(), 200),
            ("Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), 200),
        ] {
            let request = Request::get(&blob)
                .header("Range", "bytes=0-9")
                .header("If-Range", &validator);
            let answer = send(request).expect_status(status);
            let expected = if status == 206 { &content[..10] } else { &content };
            assert!(answer.body == expected, "{validator}: other bytes");
        }
    });
    torture.finish();
}

/// The headers of an answer that should not differ from one request to the next.
fn lasting(answer: &Response) -> Vec<(String, String)> {
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("date"));
    let mut headers: Vec<_> = headers.cloned().collect();
    headers.sort();
    headers
}

#[test]
fn http_07_a_head_has_the_headers_of_its_get() {
    let torture = Torture::start();
    let manifest = torture.push_image("foo", "v1", "head");
    let digest = sha256(&manifest);
    let large = torture.push_blob("foo", &content());
    let small = torture.push_blob("foo", b"small");
    let upload = torture.send(Request::post("/v2/foo/blobs/uploads/")).location();
    let upload = upload.split('?').next().unwrap();
    over_both(&torture, |_, send| {
        for (target, status) in [
            ("/".to_owned(), 200),
            ("/v2/".to_owned(), 200),
            ("/v2/_catalog".to_owned(), 200),
            ("/v2/_catalog?n=1".to_owned(), 200),
            ("/v2/foo/tags/list".to_owned(), 200),
            ("/v2/foo/tags/list?n=0".to_owned(), 200),
            ("/v2/foo/tags/list?n=x".to_owned(), 400),
            ("/v2/none/tags/list".to_owned(), 404),
            ("/v2/foo/manifests/v1".to_owned(), 200),
            (format!("/v2/foo/manifests/{digest}"), 200),
            ("/v2/foo/manifests/none".to_owned(), 404),
            (format!("/v2/foo/blobs/{large}"), 200),
            (format!("/v2/foo/blobs/{small}"), 200),
            (format!("/v2/foo/blobs/{}", sha256("none")), 404),
            ("/v2/foo/blobs/sha256:short".to_owned(), 400),
            (format!("/v2/foo/referrers/{digest}"), 200),
            ("/v2/FOO/tags/list".to_owned(), 400),
            ("/elsewhere".to_owned(), 404),
        ] {
            let get = send(Request::get(&target)).expect_status(status);
            let head = send(Request::head(&target)).expect_status(status);
            assert_eq!(lasting(&get), lasting(&head), "{target}");
            assert!(head.body.is_empty(), "{target}: {head}");
        }
        for (range, status) in [("bytes=0-9", 206), ("bytes=0-1,5-6", 206)] {
            let blob = format!("/v2/foo/blobs/{large}");
            let get = send(Request::get(&blob).header("Range", range)).expect_status(status);
            let head = send(Request::head(&blob).header("Range", range)).expect_status(status);
            let names = |answer: &Response| lasting(answer).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
            // The boundary of parts differs each time.
            assert_eq!(names(&get), names(&head), "{range}");
            assert_eq!(get.header("Content-Length"), head.header("Content-Length"), "{range}");
        }
        let get = send(Request::get(upload)).expect_status(204);
        let head = send(Request::head(upload)).expect_status(204);
        assert_eq!(lasting(&get), lasting(&head), "{upload}");
    });
    let location = torture.get(upload).location();
    torture.send(Request::delete(location)).expect_status(204);
    let missing = torture.get(upload);
    expect_error(&missing, 404, "BLOB_UPLOAD_UNKNOWN");
    torture.finish();
}
