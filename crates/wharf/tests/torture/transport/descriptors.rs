//! More connections than there are descriptors.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use wharf_testing::http::Request;
use wharf_testing::{Registry as _, WharfServer};

use crate::harness::{Torture, WHARF, eventually};

/// Enough for the server, not for its clients.
const DESCRIPTORS: usize = 256;

#[test]
fn http_02_without_descriptors_the_server_keeps_running() {
    let directory = tempfile::tempdir().unwrap();
    let limited = directory.path().join("limited");
    fs::write(
        &limited,
        format!("#!/bin/sh\nulimit -n {DESCRIPTORS}\nexec '{WHARF}' \"$@\"\n"),
    )
    .unwrap();
    fs::set_permissions(&limited, fs::Permissions::from_mode(0o755)).unwrap();
    let torture = Torture::of(WharfServer::builder(limited));
    let mut early = torture.client().connect();
    early.send(&Request::get("/v2/")).unwrap().expect_status(200);
    for _ in 0..3 {
        let addr = torture.client().addr();
        let held: Vec<_> = (0..DESCRIPTORS + 50)
            .map(|_| TcpStream::connect(addr).unwrap())
            .collect();
        eventually("there are no descriptors left", || {
            torture.server().logs().contains("could not accept a connection")
        });
        // Who is in goes on.
        early.send(&Request::get("/v2/")).unwrap().expect_status(200);
        drop(held);
        // And when there is room again, everybody is.
        torture.get("/v2/keep/alive/manifests/1").expect_status(200);
        torture.push_blob("foo", b"content");
    }
    drop(early);
    torture.finish();
}
