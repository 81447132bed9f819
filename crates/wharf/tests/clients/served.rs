//! What the server itself says about what the clients pushed.

use std::time::{Duration, Instant};

use serde_json::Value;
use wharf_testing::clients::{Client, Containers, Crane, Docker, Regctl, Skopeo};
use wharf_testing::http::Request;
use wharf_testing::{Registry, WharfServer};

/// What every client accepts, on lines of its own as docker and skopeo send it.
const TYPES: [&str; 4] = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
];

/// Starts `wharf serve` on a temporary root and a free port.
pub(crate) fn start() -> WharfServer {
    WharfServer::builder(env!("CARGO_BIN_EXE_wharf")).start()
}

/// All clients that there are: crane and regctl only where Go could build them, which the test command's summary says.
pub(crate) fn clients(registry: &str) -> Vec<Box<dyn Client>> {
    let mut clients: Vec<Box<dyn Client>> = vec![
        Box::new(Docker::new()),
        Box::new(Containers::podman()),
        Box::new(Containers::buildah()),
        Box::new(Skopeo::new()),
    ];
    clients.extend(Crane::new().map(|client| Box::new(client) as Box<dyn Client>));
    clients.extend(Regctl::new(registry).map(|client| Box::new(client) as Box<dyn Client>));
    clients
}

/// The digest and the content of a manifest.
pub(crate) fn manifest(registry: &impl Registry, repository: &str, reference: &str) -> (String, Value) {
    let path = format!("/v2/{repository}/manifests/{reference}");
    let client = registry.client();
    let accepting = |request| {
        TYPES
            .iter()
            .fold(request, |request: Request, kind| request.header("Accept", *kind))
    };
    let head = client.send(accepting(Request::head(&path))).expect_status(200);
    let digest = head.expect_header("Docker-Content-Digest").to_owned();
    (
        digest,
        client.send(accepting(Request::get(&path))).expect_status(200).json(),
    )
}

/// How many uploads into a repository have ended, by the access log, up to the push of this tag.
pub(crate) fn uploads(registry: &impl Registry, repository: &str, tag: &str) -> usize {
    let upload = format!("/v2/{repository}/blobs/uploads/");
    let manifest = format!("/v2/{repository}/manifests/{tag}");
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let logs = registry.logs();
        let puts = |path: &str| {
            logs.lines()
                .filter(|line| line.contains("PUT") && line.contains(path))
                .count()
        };
        if puts(&manifest) > 0 {
            return puts(&upload);
        }
        assert!(
            Instant::now() < deadline,
            "the access log shows no PUT of `{manifest}`:\n{logs}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
