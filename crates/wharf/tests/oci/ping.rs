//! end-1: whether this is a registry at all.

use wharf_testing::http::Request;

use crate::wharf::Wharf;

#[test]
fn the_base_answers_200() {
    let wharf = Wharf::start();
    wharf.get("/v2/").expect_status(200);
    wharf.head("/v2/").expect_status(200);
}

#[test]
fn a_registry_says_which_api_it_speaks() {
    let wharf = Wharf::start();
    let answer = wharf.get("/v2/");
    assert_eq!(answer.expect_header("Docker-Distribution-Api-Version"), "registry/2.0");
}

#[test]
fn an_endpoint_that_there_is_not_gives_404() {
    let wharf = Wharf::start();
    wharf.get("/v2/a/nothing/here").expect_status(404);
    wharf.get("/v3/").expect_status(404);
    let put = wharf.send(Request::put("/v2/a/tags/list"));
    assert_eq!(put.status, 405, "{put}");
}
