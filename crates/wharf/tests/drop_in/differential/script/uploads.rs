//! Uploads: half-finished, out of order, broken, over.

use std::time::{Duration, Instant};

use wharf_testing::Kind;
use wharf_testing::encoding::sha256;

use crate::differential::ask::{Ask, State};
use crate::differential::content::Contents;
use crate::differential::pair::{KINDS, Pair};
use crate::differential::push::{self, Way, begin, begin_with};
use crate::differential::upload::Fate;

const HELLO: &[u8] = b"hello world";

/// Uploads that are begun, asked for and left; ones that are cancelled.
pub(super) fn progress(pair: &mut Pair, contents: &Contents) {
    for pieces in [
        &[][..],
        &[&b"h"[..]],
        &[b"hello ", b"world"],
        &[&[b'x'; 64], &[b'y'; 63], b""],
    ] {
        let number = begin(pair, "uploads");
        for piece in pieces {
            pair.ask(&Ask::upload("PATCH", number).body(piece));
            pair.ask(&Ask::upload("HEAD", number));
        }
    }
    let large = contents
        .blobs
        .iter()
        .max_by_key(|blob| blob.bytes.len())
        .expect("there are blobs");
    begin_with(pair, "uploads", &large.bytes[..500_000]);
    for bytes in [&b""[..], HELLO] {
        let number = begin_with(pair, "uploads/cancelled", bytes);
        pair.ask(&Ask::upload("DELETE", number));
    }
    // The type of the bytes, which nobody needs to know.
    let number = begin(pair, "uploads");
    pair.ask(
        &Ask::upload("PATCH", number)
            .header("Content-Type", "application/octet-stream")
            .body(HELLO),
    );
    pair.ask(
        &Ask::upload("PATCH", number)
            .header("Content-Type", "text/plain")
            .body(HELLO),
    );
    push::cancel_only(pair, Kind::Registry28, number);
    push::cancel_only(pair, Kind::Wharf, number);
}

/// States that are missing, old, forged or another upload's; ranges that fit and that do not.
pub(super) fn out_of_place(pair: &mut Pair, _: &Contents) {
    let other = begin_with(pair, "places", b"other");
    let number = begin_with(pair, "places", b"hello ");
    for state in [State::Forged, State::Of(other)] {
        for method in ["PATCH", "PUT", "DELETE", "GET"] {
            let ask = Ask::upload(method, number).state(state);
            pair.ask(&if method == "PUT" {
                ask.query(&format!("digest={}", sha256(HELLO)))
            } else {
                ask
            });
        }
    }
    pair.ask(&Ask::upload("PATCH", number).state(State::Missing).body("x"));
    for state in [State::Missing, State::First] {
        pair.ask(&Ask::upload("GET", number).state(state));
        pair.ask(&Ask::upload("HEAD", number).state(state));
    }
    pair.ask(&Ask::upload("PATCH", number).state(State::First).body("x"));
    pair.ask(&Ask::finish(number, &sha256("x")).state(State::First).body("x"));
    pair.ask(&Ask::upload("PATCH", number).header("Content-Range", "6-8").body("wor"));
    pair.ask(
        &Ask::finish(number, &sha256(HELLO))
            .header("Content-Range", "9-10")
            .body("ld"),
    );
    for range in ["0-4", "7-11", "6-5", "x"] {
        let number = begin_with(pair, "places", b"hello ");
        pair.ask(
            &Ask::upload("PATCH", number)
                .header("Content-Range", range)
                .body("world"),
        );
        // One of them has the bytes and the other one has not.
        push::cancel_only(pair, Kind::Registry28, number);
        push::cancel_only(pair, Kind::Wharf, number);
    }
    pair.ask(&Ask::upload("DELETE", other).state(State::First));
    push::cancel_only(pair, Kind::Registry28, other);
}

/// Uploads that end with another digest than their bytes have, or with none.
pub(super) fn wrong_digests(pair: &mut Pair, _: &Contents) {
    let (right, wrong) = (sha256(HELLO), sha256("something else"));
    let number = begin_with(pair, "wrong", b"hello ");
    pair.ask(&Ask::upload("PUT", number).body("world"));
    for nonsense in ["", "x", "sha256:abc", "md5:0123456789abcdef0123456789abcdef"] {
        pair.ask(&Ask::finish(number, nonsense).body("world"));
    }
    pair.ask(&Ask::finish(number, &wrong).body("world"));
    for method in ["GET", "PATCH", "DELETE"] {
        pair.ask(&Ask::upload(method, number));
    }
    pair.ask(&Ask::finish(number, &right));
    // All bytes were there, so that registry 2.8 takes a second try.
    let number = begin_with(pair, "wrong", HELLO);
    pair.ask(&Ask::finish(number, &wrong));
    pair.ask(&Ask::upload("GET", number).state(State::Missing));
    pair.ask(&Ask::finish(number, &right));
    let content = wharf_testing::image::Content::new("", HELLO);
    push::blob(pair, "wrong", &content, Way::Monolithic);
    // A body that registry 2.8 takes for a form.
    let number = begin(pair, "wrong");
    let form = Ask::finish(number, &right).header("Content-Type", "application/x-www-form-urlencoded");
    pair.ask(&form.body(HELLO));
}

/// Uploads that ended or were cancelled.
pub(super) fn over(pair: &mut Pair, _: &Contents) {
    let finished = begin_with(pair, "over", HELLO);
    pair.ask(&Ask::finish(finished, &sha256(HELLO)));
    let cancelled = begin_with(pair, "over", HELLO);
    pair.ask(&Ask::upload("DELETE", cancelled));
    for number in [finished, cancelled] {
        for state in [State::Newest, State::First, State::Missing] {
            for method in ["GET", "PATCH", "DELETE"] {
                pair.ask(&Ask::upload(method, number).state(state));
            }
            pair.ask(&Ask::finish(number, &sha256("other")).state(state).body("other"));
        }
    }
    pair.ask(&Ask::finish(finished, &sha256(HELLO)));
}

/// A connection that breaks in the middle of a PATCH. Registry 2.8 has no way to go on from there.
pub(super) fn broken_connection(pair: &mut Pair, _: &Contents) {
    let (bytes, sent) = (vec![b'a'; 200_000], 150_000);
    let number = begin(pair, "broken");
    for kind in KINDS {
        let ask = Ask::upload("PATCH", number).body(&bytes);
        let target = pair.uploads.target(kind, &ask);
        pair.client(kind).send_and_cut(&ask.request(&target), sent);
        let deadline = Instant::now() + Duration::from_secs(20);
        while pair.bytes_at(kind, number) != sent as u64 {
            assert!(Instant::now() < deadline, "{kind:?} does not keep what arrived");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    pair.uploads.set_fate(Kind::Registry28, number, Fate::Broken);
    pair.ask(&Ask::upload("GET", number).state(State::First));
    let finish = Ask::finish(number, &sha256(&bytes)).body(&bytes[sent..]);
    assert_eq!(pair.ask_only(Kind::Wharf, &finish).status, 201);
    let content = wharf_testing::image::Content::new("", bytes);
    push::blob(pair, "broken", &content, Way::Monolithic);
}
