//! Mounts that cannot be.

use wharf_testing::encoding::sha256;
use wharf_testing::http::{Request, Response};

use super::{expect_blob, expect_created, noise, uploads};
use crate::harness::{Torture, expect_error};
use crate::transport::over_both;

/// What a client sees of an answer that began an upload, without what differs from one upload to the next.
fn outline(answer: &Response) -> (u16, Vec<(String, Option<String>)>, String) {
    let headers = answer.headers.iter().map(|(name, value)| {
        let varies = ["location", "docker-upload-uuid", "date"].contains(&name.to_ascii_lowercase().as_str());
        (name.to_ascii_lowercase(), (!varies).then(|| value.clone()))
    });
    (answer.status, headers.collect(), answer.text())
}

/// Rights need authentication; without it every repository may be read. What is left of the case: nothing tells a source that lacks
/// the blob from one that does not exist, or from a blob that nobody has.
#[test]
fn upl_17_a_mount_that_fails_does_not_say_why() {
    let torture = Torture::start();
    over_both(&torture, |protocol, send| {
        let elsewhere = torture.push_blob("elsewhere", &noise(protocol, 100));
        torture.push_blob("source", b"another blob");
        let unknown = sha256(format!("unknown {protocol}"));
        let attempts = [
            (&unknown, "source"),
            (&unknown, "nowhere"),
            (&elsewhere, "source"),
            (&elsewhere, "nowhere"),
        ];
        let outlines = attempts.map(|(digest, from)| {
            let target = uploads(protocol);
            let answer = send(Request::post(format!("{target}?mount={digest}&from={from}")));
            send(Request::delete(answer.location())).expect_status(204);
            outline(&answer)
        });
        for other in &outlines {
            assert_eq!((outlines[0].0, other), (202, &outlines[0]));
        }
    });
    torture.finish();
}

/// A blob that is there is mounted from its own repository, as by registry 2.8.
#[test]
fn upl_18_a_mount_that_cannot_be_begins_an_upload_or_is_refused() {
    let torture = Torture::start();
    over_both(&torture, |protocol, send| {
        let content = noise(protocol, 1000);
        let digest = torture.push_blob("source", &content);
        let missing = sha256(format!("missing {protocol}"));
        let mount = |query: String| send(Request::post(format!("{}?{query}", uploads(protocol))));
        for query in [
            format!("mount={digest}&from={protocol}"),
            format!("mount={digest}&from=elsewhere"),
            format!("mount={missing}&from=source"),
            format!("mount={missing}&from={protocol}"),
            format!("mount={missing}"),
            "mount=sha256:abc&from=source".to_owned(),
            "mount=md5:0123456789abcdef0123456789abcdef&from=source".to_owned(),
            "mount=..%2F..&from=source".to_owned(),
            "mount=%00&from=source".to_owned(),
            "mount=&from=source".to_owned(),
        ] {
            let answer = mount(query.clone());
            assert_eq!(answer.status, 202, "{query}: {answer}");
            send(Request::delete(answer.location())).expect_status(204);
            let blob = format!("/v2/{protocol}/blobs/{digest}");
            expect_error(&send(Request::get(blob)), 404, "BLOB_UNKNOWN");
        }
        let bad_source = mount(format!("mount={digest}&from=..%2Fsource"));
        expect_error(&bad_source, 400, "NAME_INVALID");

        expect_created(mount(format!("mount={digest}&from=source")), protocol, &digest);
        expect_created(mount(format!("mount={digest}&from={protocol}")), protocol, &digest);
        expect_blob(&torture, protocol, &content);
    });
    torture.finish();
}
