//! Whose an upload is, and how many there may be.

use wharf_testing::Config;
use wharf_testing::encoding::{base64url, base64url_decode, hmac_sha256, sha256};
use wharf_testing::http::{Request, percent_encode, query_value, with_query};

use super::{bare, begin, data, expect_blob, expect_created, expect_received, is_gone, noise, put, uploads};
use crate::harness::{Torture, eventually, expect_error};
use crate::transport::over_both;

const SECRET: &str = "the secret of all replicas";

/// Every request that asks of an upload, goes on with it or ends it.
fn all_requests(location: &str) -> Vec<Request> {
    vec![
        Request::get(location),
        Request::patch(location).body("foreign"),
        put(location, &sha256("foreign")).body("foreign"),
        Request::delete(location),
    ]
}

/// The same upload with another state.
fn with_state(location: &str, state: &str) -> String {
    with_query(bare(location), &format!("_state={}", percent_encode(state)))
}

/// The code is registry 2.8's; the case has `BLOB_UPLOAD_UNKNOWN`, which comes where no state is asked for.
#[test]
fn upl_09_an_upload_is_not_reached_through_another_repository() {
    let torture = Torture::start();
    over_both(&torture, |protocol, send| {
        let content = noise(protocol, 1000);
        let owner = format!("{protocol}/owner");
        let location = begin(&torture, &owner);
        let location = send(Request::patch(&location).body(&content[..400]))
            .expect_status(202)
            .location();
        for other in ["other".to_owned(), protocol.to_owned(), format!("{owner}/child")] {
            let foreign = location.replacen(&owner, &other, 1);
            for request in all_requests(&foreign) {
                expect_error(&send(request), 404, "BLOB_UPLOAD_INVALID");
            }
            expect_error(&send(Request::get(bare(&foreign))), 404, "BLOB_UPLOAD_UNKNOWN");
        }
        expect_received(&torture, &location, 400);
        let digest = sha256(&content);
        expect_created(send(put(&location, &digest).body(&content[400..])), &owner, &digest);
        expect_blob(&torture, &owner, &content);
    });
    torture.finish();
}

#[test]
fn upl_10_a_state_that_is_not_signed_is_refused() {
    let torture = Torture::start_with(&Config::new().delete().http(&format!("secret: {SECRET}")));
    over_both(&torture, |protocol, send| {
        let content = noise(protocol, 1000);
        let location = begin(&torture, protocol);
        let state = query_value(&location, "_state").unwrap();
        let signed = base64url_decode(&state);
        let (signature, json) = signed.split_at(32);
        let forged_json = String::from_utf8(json.to_vec())
            .unwrap()
            .replace("\"Offset\":0", "\"Offset\":7");
        assert_ne!(forged_json.as_bytes(), json, "the state has an offset");
        let mut flipped = signed.clone();
        flipped[0] ^= 1;
        let bad = [
            String::new(),
            "AAAA".to_owned(),
            "no base64!".to_owned(),
            "A".repeat(4000),
            state[..state.len() - 4].to_owned(),
            state[..40].to_owned(),
            base64url(signature),
            base64url(json),
            base64url(&flipped),
            base64url([signature, forged_json.as_bytes()].concat()),
            base64url([vec![0; 32], json.to_vec()].concat()),
            base64url([hmac_sha256(b"another secret", json), json.to_vec()].concat()),
            base64url([hmac_sha256(SECRET.as_bytes(), b"{}"), b"{}".to_vec()].concat()),
            base64url([hmac_sha256(SECRET.as_bytes(), b""), Vec::new()].concat()),
            base64url([hmac_sha256(SECRET.as_bytes(), b"\xff"), b"\xff".to_vec()].concat()),
        ];
        for state in bad {
            for request in all_requests(&with_state(&location, &state)) {
                let answer = send(request);
                assert_eq!(answer.status, 404, "`{state}`: {answer}");
                expect_error(&answer, 404, "BLOB_UPLOAD_INVALID");
            }
        }
        expect_received(&torture, &location, 0);
        let digest = sha256(&content);
        expect_created(send(put(&location, &digest).body(&content)), protocol, &digest);
    });
    torture.finish();
}

/// Another instance on the same root goes on with an upload by its URL. That registry:2 and wharf take each other's is in the
/// suite `drop_in`.
#[test]
fn upl_10_a_state_of_another_instance_with_the_same_secret_is_valid() {
    let mut torture = Torture::start_with(&Config::new().delete().http(&format!("secret: {SECRET}")));
    let content = noise("another instance", 1000);
    let location = begin(&torture, "foo");
    let patch = Request::patch(&location).body(&content[..400]);
    let location = torture.send(patch).expect_status(202).location();
    // Of an instance that is not this process, nor knows of this upload.
    let json = base64url_decode(&query_value(&location, "_state").unwrap())[32..].to_vec();
    let signed = base64url([hmac_sha256(SECRET.as_bytes(), &json), json].concat());
    torture.restart_after(|_| ());
    let digest = sha256(&content);
    let closing = put(&with_state(&location, &signed), &digest).body(&content[400..]);
    expect_created(torture.send(closing), "foo", &digest);
    expect_blob(&torture, "foo", &content);
    torture.finish();
}

#[test]
fn upl_11_a_cancelled_upload_is_gone() {
    let torture = Torture::start();
    over_both(&torture, |protocol, send| {
        let location = begin(&torture, protocol);
        let location = send(Request::patch(&location).body("content"))
            .expect_status(202)
            .location();
        send(Request::delete(&location)).expect_status(204);
        assert!(is_gone(&torture, &location));
        for request in all_requests(&location) {
            expect_error(&send(request), 404, "BLOB_UPLOAD_UNKNOWN");
        }
    });
    torture.finish();
}

#[test]
fn upl_11_a_patch_in_flight_fails_when_its_upload_is_cancelled() {
    let torture = Torture::start();
    over_both(&torture, |protocol, send| {
        let content = noise(protocol, 1_000_000);
        let location = begin(&torture, protocol);
        let mut slow = torture.client().connect();
        slow.send_part(&Request::patch(&location).body(&content), 600_000)
            .unwrap();
        eventually("the PATCH is being written", || {
            std::fs::metadata(data(&torture, &location)).is_ok_and(|file| file.len() > 0)
        });
        send(Request::delete(&location)).expect_status(204);
        assert!(is_gone(&torture, &location));
        let refused = slow.read_response("PATCH").unwrap();
        expect_error(&refused, 404, "BLOB_UPLOAD_UNKNOWN");
        expect_error(&send(Request::get(bare(&location))), 404, "BLOB_UPLOAD_UNKNOWN");
        assert!(is_gone(&torture, &location));
    });
    torture.finish();
}

/// 10,000 by default; scaled down by configuration.
#[test]
fn upl_12_there_is_a_limit_to_open_uploads() {
    let torture = Torture::start_with(&Config::new().delete().top("wharf: {uploads: {max: 20}}"));
    over_both(&torture, |protocol, send| {
        let mut open: Vec<_> = (0..20).map(|_| begin(&torture, protocol)).collect();
        let digest = sha256("whole");
        for target in [
            uploads(protocol),
            uploads("another"),
            format!("{}?digest={digest}", uploads(protocol)),
            format!("{}?mount={digest}&from=foo", uploads(protocol)),
        ] {
            let refused = send(Request::post(target).body("whole"));
            expect_error(&refused, 429, "TOOMANYREQUESTS");
            let retry_after: u32 = refused.expect_header("Retry-After").parse().unwrap();
            assert!(retry_after > 0, "{refused}");
        }
        // Those that are open go on, and make room.
        let first = open.remove(0);
        expect_created(send(put(&first, &digest).body("whole")), protocol, &digest);
        open.push(begin(&torture, protocol));
        expect_error(&send(Request::post(uploads(protocol))), 429, "TOOMANYREQUESTS");
        for location in open {
            send(Request::delete(location)).expect_status(204);
        }
    });
    torture.finish();
}
