//! The image that has to survive everything.

use std::thread;

use wharf_testing::encoding::{base64, sha256};
use wharf_testing::http::{Client, Request};
use wharf_testing::image::{Image, ImageBuilder};
use wharf_testing::{Registry as _, WharfServer};

use super::SECRET;

const REPOSITORY: &str = "keep/alive";
const TAG: &str = "1";

/// `keep/alive:1`.
pub(super) struct Canary {
    image: Image,
}

impl Canary {
    pub(super) fn push(client: &Client) -> Self {
        let image = ImageBuilder::new(1).build();
        image.push(client, REPOSITORY, TAG);
        Self { image }
    }

    /// INV-03: everything of it pulls, and has the digest by which it is known.
    #[track_caller]
    pub(super) fn expect_whole(&self, client: &Client) {
        for reference in [TAG, &self.image.manifest.digest] {
            let target = format!("/v2/{REPOSITORY}/manifests/{reference}");
            let answer = client.send(Request::get(target)).expect_status(200);
            assert_eq!(sha256(&answer.body), self.image.manifest.digest, "INV-03: {answer}");
        }
        for blob in self.image.blobs() {
            let target = format!("/v2/{REPOSITORY}/blobs/{}", blob.digest);
            let answer = client.send(Request::get(target)).expect_status(200);
            assert_eq!(sha256(&answer.body), blob.digest, "INV-03: blob of the canary");
        }
    }

    /// Makes the server do everything once, by several clients at a time, so that threads, pools and caches which live
    /// as long as the server are there before anything is measured.
    pub(super) fn warm_up(&self, server: &WharfServer) {
        thread::scope(|scope| {
            for number in 0..8 {
                scope.spawn(move || {
                    let client = server.client();
                    for round in 0..4 {
                        self.expect_whole(&client);
                        let layer = format!("warm-up {number} {round}").repeat(20_000);
                        let target = format!("/v2/{REPOSITORY}/blobs/uploads/?digest={}", sha256(&layer));
                        client.send(Request::post(target).body(&layer)).expect_status(201);
                        let manifest = Request::put(format!("/v2/{REPOSITORY}/manifests/{TAG}"))
                            .header("Content-Type", &self.image.manifest.media_type)
                            .body(&self.image.manifest.bytes);
                        client.send(manifest).expect_status(201);
                        client.send(Request::get("/v2/_catalog")).expect_status(200);
                        client.send(Request::get("/v2/keep/alive/tags/list")).expect_status(200);
                    }
                });
            }
        });
    }
}

/// Sends the secret wherever clients put credentials, with requests that are taken and requests that are refused.
pub(super) fn leave_secrets(server: &WharfServer) {
    let client = server.client();
    let basic = format!("Basic {}", base64(format!("user:{SECRET}")));
    for target in [
        "/v2/",
        "/v2/keep/alive/manifests/1",
        "/v2/no/such/manifests/1",
        "/v2/NO/tags/list",
        "/nowhere",
    ] {
        for name in ["access_token", "_state", "token", "X-Amz-Signature", "password"] {
            let _ = client.try_send(&Request::get(format!("{target}?n=1&{name}={SECRET}")));
        }
        for method in ["GET", "HEAD", "PUT", "TRACE"] {
            for (name, value) in [
                ("Authorization", format!("Bearer {SECRET}")),
                ("Authorization", basic.clone()),
                ("Proxy-Authorization", basic.clone()),
                ("Cookie", format!("session={SECRET}")),
                ("X-Registry-Auth", SECRET.to_owned()),
                ("Referer", format!("http://localhost/?access_token={SECRET}")),
            ] {
                let request = Request::new(method, target).header(name, value);
                // Whatever the answer is, it is the log that counts.
                let _ = client.try_send(&request);
            }
        }
    }
}
