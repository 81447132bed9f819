//! A server of one test and the steps that most tests have in common.

use std::path::{Path, PathBuf};

use wharf_testing::encoding::sha256;
use wharf_testing::http::{Client, Connection, Request, Response, with_query};
use wharf_testing::{Config, Registry as _, WharfServer};

use crate::manifest::Manifest;
use crate::soundness;

/// A running server and a client of it.
pub(crate) struct Wharf {
    server: WharfServer,
    client: Client,
}

impl Wharf {
    /// Starts a server without a configuration file, which means that deletes are on.
    pub(crate) fn start() -> Self {
        Self::of(WharfServer::builder(env!("CARGO_BIN_EXE_wharf")).start())
    }

    /// Starts a server with a configuration file.
    pub(crate) fn start_with(config: &Config) -> Self {
        Self::of(Self::configured(config).start())
    }

    /// Starts a server without a configuration file on a root that is there already.
    pub(crate) fn start_at(root: impl Into<PathBuf>) -> Self {
        Self::of(WharfServer::builder(env!("CARGO_BIN_EXE_wharf")).root(root).start())
    }

    fn configured(config: &Config) -> wharf_testing::server::Builder {
        // The builder's `--root` and `--addr` count; the file's root is only there because registry:2 wants one.
        let yaml = config.yaml(Path::new("/var/lib/registry"));
        WharfServer::builder(env!("CARGO_BIN_EXE_wharf")).config(yaml)
    }

    fn of(server: WharfServer) -> Self {
        Self {
            client: server.client(),
            server,
        }
    }

    /// Sends a request, and checks of the answer what must hold for every answer.
    #[track_caller]
    pub(crate) fn send(&self, request: Request) -> Response {
        let response = self.client.send(request);
        soundness::check(&response);
        response
    }

    /// A connection of its own.
    pub(crate) fn connect(&self) -> Connection {
        self.client.connect()
    }

    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Response {
        self.send(Request::get(target))
    }

    #[track_caller]
    pub(crate) fn head(&self, target: &str) -> Response {
        self.send(Request::head(target))
    }

    #[track_caller]
    pub(crate) fn delete(&self, target: &str) -> Response {
        self.send(Request::delete(target))
    }

    /// Begins an upload and returns its location.
    #[track_caller]
    pub(crate) fn begin_upload(&self, repository: &str) -> String {
        self.send(Request::post(uploads(repository)))
            .expect_status(202)
            .location()
    }

    /// Sends a chunk with its `Content-Range`.
    #[track_caller]
    pub(crate) fn patch(&self, location: &str, start: usize, chunk: &[u8]) -> Response {
        self.send(ranged(Request::patch(location), start, chunk))
    }

    /// Ends an upload with this digest, and with a last chunk unless that is empty.
    #[track_caller]
    pub(crate) fn finish(&self, location: &str, digest: &str, chunk: &[u8]) -> Response {
        let target = with_query(location, &format!("digest={digest}"));
        self.send(Request::put(target).header("Content-Type", OCTETS).body(chunk))
    }

    /// Pushes a blob by `POST` and `PUT` and returns its sha256 digest.
    #[track_caller]
    pub(crate) fn push_blob(&self, repository: &str, content: &[u8]) -> String {
        let digest = sha256(content);
        let location = self.begin_upload(repository);
        self.finish(&location, &digest, content).expect_status(201);
        digest
    }

    #[track_caller]
    pub(crate) fn put_manifest(&self, repository: &str, reference: &str, manifest: &Manifest) -> Response {
        let target = format!("/v2/{repository}/manifests/{reference}");
        let request = Request::put(target).header("Content-Type", manifest.media_type());
        self.send(request.body(manifest.bytes()))
    }

    /// Puts a manifest, which must succeed.
    #[track_caller]
    pub(crate) fn push_manifest(&self, repository: &str, reference: &str, manifest: &Manifest) {
        self.put_manifest(repository, reference, manifest).expect_status(201);
    }

    /// Pushes a config and a layer made from `seed`, and returns an image manifest of them that is not pushed yet.
    #[track_caller]
    pub(crate) fn image(&self, repository: &str, seed: &str) -> Manifest {
        let config = format!("{{\"architecture\":\"amd64\",\"os\":\"linux\",\"author\":\"{seed}\"}}");
        let layer = format!("layer of {seed}");
        self.push_blob(repository, config.as_bytes());
        self.push_blob(repository, layer.as_bytes());
        Manifest::image(config.as_bytes(), &[layer.as_bytes()])
    }

    /// Pushes an image made from `seed` under a tag or as its digest.
    #[track_caller]
    pub(crate) fn push_image(&self, repository: &str, tag: &str, seed: &str) -> Manifest {
        let image = self.image(repository, seed);
        self.push_manifest(repository, tag, &image);
        image
    }

    /// Checks that a manifest is served byte for byte, with the headers a pull relies on.
    #[track_caller]
    pub(crate) fn expect_manifest(&self, target: &str, digest: &str, manifest: &Manifest) {
        let response = self.get(target).expect_status(200);
        assert!(response.body == manifest.bytes(), "other bytes at {target}: {response}");
        for response in [response, self.head(target).expect_status(200)] {
            assert_eq!(response.expect_header("Content-Type"), manifest.media_type());
            assert_eq!(response.expect_header("Docker-Content-Digest"), digest);
            let length = manifest.bytes().len().to_string();
            assert_eq!(response.expect_header("Content-Length"), length);
        }
    }

    /// Checks that a blob is served byte for byte, with the headers a pull relies on.
    #[track_caller]
    pub(crate) fn expect_blob(&self, target: &str, digest: &str, content: &[u8]) {
        let response = self.get(target).expect_status(200);
        assert!(response.body == content, "other bytes at {target}: {response}");
        for response in [response, self.head(target).expect_status(200)] {
            assert_eq!(response.expect_header("Docker-Content-Digest"), digest);
            assert_eq!(response.expect_header("Content-Length"), content.len().to_string());
        }
    }

    /// `<root>/docker/registry/v2/<relative>`.
    pub(crate) fn tree(&self, relative: &str) -> PathBuf {
        self.server.tree(relative)
    }

    /// Ends the server as an operator would and starts it again on the same root.
    pub(crate) fn restart(&mut self) {
        self.server.restart();
        self.client = self.server.client();
    }
}

/// The media type of bytes of no particular type.
pub(crate) const OCTETS: &str = "application/octet-stream";

/// Where uploads of a repository begin.
pub(crate) fn uploads(repository: &str) -> String {
    format!("/v2/{repository}/blobs/uploads/")
}

/// Where a blob is.
pub(crate) fn blob(repository: &str, digest: &str) -> String {
    format!("/v2/{repository}/blobs/{digest}")
}

/// Where a manifest is, by tag or digest.
pub(crate) fn manifest(repository: &str, reference: &str) -> String {
    format!("/v2/{repository}/manifests/{reference}")
}

/// A request that carries a chunk which begins at `start`.
pub(crate) fn ranged(request: Request, start: usize, chunk: &[u8]) -> Request {
    let end = start + chunk.len() - 1;
    request
        .header("Content-Type", OCTETS)
        .header("Content-Range", format!("{start}-{end}"))
        .body(chunk)
}

/// Bytes that compress badly and differ for each seed, so that no test meets the blob of another.
pub(crate) fn noise(seed: &str, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 64);
    let mut block = 0_u32;
    while bytes.len() < length {
        bytes.extend_from_slice(sha256(format!("{seed} {block}")).as_bytes());
        block += 1;
    }
    bytes.truncate(length);
    bytes
}
