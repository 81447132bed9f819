//! The server over a storage whose calls panic.

use std::future::pending;

use wharf_storage::{Fault, FaultPlan, Faulty, Memory};
use wharf_testing::encoding::sha256;
use wharf_testing::http::{Client, Request, Response, with_query};

use super::*;
use crate::config::Listen;

const BUILD: BuildInfo = BuildInfo {
    version: "1.2.3",
    revision: "abc",
};
const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

/// A server on a free port of loopback, in memory, with the plan that its storage follows.
struct Running {
    client: Client,
    plan: FaultPlan,
    runtime: tokio::runtime::Runtime,
    _state: tempfile::TempDir,
}

impl Running {
    fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (state, plan) = (tempfile::tempdir().unwrap(), FaultPlan::none());
        let mut config = Config::default();
        config.http.listen = Listen::Tcp("127.0.0.1:0".parse().unwrap());
        config.storage.upload_purging = None;
        let settings = Settings {
            rules: rules(&config),
            uploads_max: config.limits.uploads_max,
            secret: None,
        };
        let driver = Arc::new(Faulty::new(Memory::new(), plan.clone()));
        let directory = StateDirectory::open(state.path()).unwrap();
        let registry = Arc::new(Registry::open(driver, directory, settings).unwrap());
        let metrics = Metrics::new(BUILD);
        let server = runtime.block_on(async {
            let service = Service {
                app: Arc::new(app(&config, &registry, &metrics).unwrap()),
                health: Health::start(Vec::new()),
                access_log: None,
            };
            Server {
                listener: Listener::bind(&config.http.listen).await.unwrap(),
                service: Arc::new(service),
                registry: Arc::clone(&registry),
                debug: None,
                metrics,
                root: state.path().to_owned(),
                config,
            }
        });
        let client = Client::new(server.address().unwrap());
        runtime.spawn(server.run(pending()));
        // What runs in the background after a start must not meet the panics that are meant for requests.
        runtime.block_on(registry.wait_until_swept());
        Self {
            client,
            plan,
            runtime,
            _state: state,
        }
    }

    fn begin_upload(&self, repository: &str) -> String {
        let post = Request::post(format!("/v2/{repository}/blobs/uploads/"));
        self.client.send(post).expect_status(202).location()
    }

    fn push_blob(&self, repository: &str, content: &[u8]) -> String {
        let digest = sha256(content);
        let put = Request::put(with_query(&self.begin_upload(repository), &format!("digest={digest}")));
        self.client.send(put.body(content)).expect_status(201);
        digest
    }

    /// Pushes a manifest of one blob with the tag `t`, and returns the request that did it and its digest.
    fn push_manifest(&self, repository: &str) -> (Request, String) {
        let config = self.push_blob(repository, b"{}");
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI_IMAGE}","config":{{"mediaType":"x/y","digest":"{config}","size":2}},"layers":[]}}"#
        );
        let put = Request::put(format!("/v2/{repository}/manifests/t"))
            .header("Content-Type", OCI_IMAGE)
            .body(&manifest);
        self.client.send(&put).expect_status(201);
        (put, sha256(manifest))
    }
}

/// Makes what a request needs in a repository, and returns the request.
type Prepare = fn(&Running, &str) -> Request;

/// A request for every handler, and the status of its answer when nothing panics.
const REQUESTS: [(&str, u16, Prepare); 22] = [
    ("base", 200, |_, _| Request::get("/v2/")),
    ("catalog", 200, |_, _| Request::get("/v2/_catalog")),
    ("tags-untouched", 404, |_, name| {
        Request::get(format!("/v2/{name}/tags/list"))
    }),
    ("tags", 200, |server, name| {
        server.push_manifest(name);
        Request::get(format!("/v2/{name}/tags/list"))
    }),
    ("referrers", 200, |server, name| {
        let (_, digest) = server.push_manifest(name);
        Request::get(format!("/v2/{name}/referrers/{digest}"))
    }),
    ("manifest-get", 200, |server, name| {
        server.push_manifest(name);
        Request::get(format!("/v2/{name}/manifests/t"))
    }),
    ("manifest-head", 200, |server, name| {
        let (_, digest) = server.push_manifest(name);
        Request::head(format!("/v2/{name}/manifests/{digest}"))
    }),
    ("manifest-put", 201, |server, name| server.push_manifest(name).0),
    ("manifest-put-first", 201, |server, name| {
        let (put, digest) = server.push_manifest(name);
        let delete = Request::delete(format!("/v2/{name}/manifests/{digest}"));
        server.client.send(delete).expect_status(202);
        put
    }),
    ("manifest-delete", 202, |server, name| {
        let (_, digest) = server.push_manifest(name);
        Request::delete(format!("/v2/{name}/manifests/{digest}"))
    }),
    ("tag-delete", 202, |server, name| {
        server.push_manifest(name);
        Request::delete(format!("/v2/{name}/manifests/t"))
    }),
    ("blob-get", 200, |server, name| {
        Request::get(format!("/v2/{name}/blobs/{}", server.push_blob(name, b"small")))
    }),
    ("blob-get-large", 200, |server, name| {
        let digest = server.push_blob(name, &[7; 600_000]);
        Request::get(format!("/v2/{name}/blobs/{digest}"))
    }),
    ("blob-head", 200, |server, name| {
        Request::head(format!("/v2/{name}/blobs/{}", server.push_blob(name, b"small")))
    }),
    ("blob-delete", 202, |server, name| {
        Request::delete(format!("/v2/{name}/blobs/{}", server.push_blob(name, b"small")))
    }),
    ("upload-post", 202, |_, name| {
        Request::post(format!("/v2/{name}/blobs/uploads/"))
    }),
    ("upload-post-digest", 201, |_, name| {
        let digest = sha256(name);
        Request::post(format!("/v2/{name}/blobs/uploads/?digest={digest}")).body(name)
    }),
    ("upload-mount", 201, |server, name| {
        let digest = server.push_blob("source", b"mounted");
        Request::post(format!("/v2/{name}/blobs/uploads/?mount={digest}&from=source"))
    }),
    ("upload-get", 204, |server, name| {
        Request::get(server.begin_upload(name))
    }),
    ("upload-patch", 202, |server, name| {
        Request::patch(server.begin_upload(name)).body([7; 600_000])
    }),
    ("upload-put", 201, |server, name| {
        let digest = sha256(name);
        Request::put(with_query(&server.begin_upload(name), &format!("digest={digest}"))).body(name)
    }),
    ("upload-delete", 204, |server, name| {
        Request::delete(server.begin_upload(name))
    }),
];

/// Fails unless the answer admits the failure: with 500, or with a body cut short where the panic came after its head.
fn expect_admitted(what: &str, method: &str, answer: &Response) {
    if answer.status == 200 && !answer.complete {
        return;
    }
    assert_eq!(answer.status, 500, "{what}: {answer}");
    if method != "HEAD" {
        assert_eq!(answer.error_codes(), ["UNKNOWN"], "{what}: {answer}");
        assert!(
            !answer.text().contains("injected"),
            "{what}: the cause is the log's alone"
        );
    }
}

/// HTTP-12: a panic in any storage call of any request is 500 for that one; the process lives, and no lock stays locked.
#[test]
fn http_12_a_panic_in_any_handler_is_500_for_that_request_only() {
    let server = Running::start();
    let mut panics = 0;
    for (label, status, prepare) in REQUESTS {
        for nth in 1.. {
            let (what, repository) = (format!("{label}, call {nth}"), format!("{label}/{nth}"));
            let request = prepare(&server, &repository);
            server.plan.set(nth, Fault::Panic);
            let answer = server.client.try_send(&request);
            server.plan.lift();
            if !server.plan.has_fired() {
                let answer = answer.unwrap();
                assert_eq!(answer.status, status, "{what}: {answer}");
                break;
            }
            panics += 1;
            match answer {
                Ok(answer) => expect_admitted(&what, request.method(), &answer),
                // What panics while the body is sent may cut the connection before the head has left.
                Err(error) => assert!(label == "blob-get-large", "{what}: {error}"),
            }
            let again = server.client.send(prepare(&server, &repository));
            assert_eq!(again.status, status, "{what}, asked again: {again}");
        }
    }
    assert!(panics > 50, "only {panics} calls panicked");
    server.runtime.shutdown_background();
}

/// The lock of an upload is free after a panic, and its bytes can be sent again.
#[test]
fn http_12_an_upload_goes_on_after_a_panic() {
    let server = Running::start();
    let content = vec![7; 600_000];
    for nth in 1.. {
        let upload = server.begin_upload("uploads");
        server.plan.set(nth, Fault::Panic);
        let answer = server.client.send(Request::patch(&upload).body(content.clone()));
        server.plan.lift();
        if !server.plan.has_fired() {
            answer.expect_status(202);
            break;
        }
        expect_admitted(&format!("call {nth}"), "PATCH", &answer);
        let bare = upload.split('?').next().unwrap();
        let status = server.client.send(Request::get(bare)).expect_status(204);
        let range = status.expect_header("Range");
        let last: usize = range.strip_prefix("0-").unwrap().parse().unwrap();
        let received = if last == 0 { 0 } else { last + 1 };
        let digest = format!("digest={}", sha256(&content));
        let put = Request::put(with_query(&status.location(), &digest)).body(&content[received..]);
        server.client.send(put).expect_status(201);
    }
    server.runtime.shutdown_background();
}
