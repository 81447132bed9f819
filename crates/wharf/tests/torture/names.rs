//! Names and digests (NAME).

use wharf_testing::http::Request;

use crate::harness::{Torture, expect_error};

#[test]
fn name_03_names_have_255_characters_at_most() {
    let torture = Torture::start();
    for (length, is_name) in [(255, true), (256, false)] {
        let name = format!("a/{}", "b".repeat(length - 2));
        let answer = torture.send(Request::post(format!("/v2/{name}/blobs/uploads/")));
        if is_name {
            let upload = answer.expect_status(202).location();
            torture.send(Request::delete(upload)).expect_status(204);
        } else {
            expect_error(&answer, 400, "NAME_INVALID");
        }
    }
    torture.finish();
}
