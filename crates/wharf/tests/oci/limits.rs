//! 429: when there is too much at once.

use wharf_testing::Config;
use wharf_testing::encoding::sha256;
use wharf_testing::http::Request;

use crate::soundness::expect_error;
use crate::wharf::{Wharf, uploads};

#[test]
fn too_many_uploads_are_429_with_a_time_to_come_back() {
    let wharf = Wharf::start_with(&Config::new().top("wharf:\n  uploads:\n    max: 2"));
    let (first, second) = (wharf.begin_upload("a"), wharf.begin_upload("b"));
    let refused = wharf.send(Request::post(uploads("a")));
    expect_error(&refused, 429, "TOOMANYREQUESTS");
    let seconds: u32 = refused
        .expect_header("Retry-After")
        .parse()
        .expect("a number of seconds");
    assert!(seconds > 0, "{refused}");
    // What is open goes on, and one that ends makes room.
    wharf.finish(&first, &sha256("first"), b"first").expect_status(201);
    let third = wharf.begin_upload("a");
    wharf.send(Request::post(uploads("a"))).expect_status(429);
    wharf.delete(&second).expect_status(204);
    wharf.begin_upload("a");
    wharf.finish(&third, &sha256("third"), b"third").expect_status(201);
}
