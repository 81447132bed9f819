//! The registry that a case asks, with the few requests that many cases begin with.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use wharf_testing::encoding::{base64url_decode, sha256};
use wharf_testing::http::{Client, Request, Response, path_of, query_value, with_query};
use wharf_testing::{Config, DockerRegistry, Kind, Registry, WharfServer};

use crate::expect::Expect;

/// A running registry of either kind.
pub(crate) struct Subject {
    registry: Box<dyn Registry>,
    client: Client,
    used: Rc<RefCell<BTreeSet<&'static str>>>,
}

/// Starts wharf with a configuration of registry:2.
fn wharf(config: &Config) -> wharf_testing::server::Builder {
    let root = Path::new("/replaced/by/the/command/line");
    WharfServer::builder(env!("CARGO_BIN_EXE_wharf")).config(config.yaml(root))
}

impl Subject {
    /// Starts a registry on a root of its own.
    pub(crate) fn start(kind: Kind, config: &Config) -> Self {
        let registry: Box<dyn Registry> = match kind {
            Kind::Registry28 => Box::new(DockerRegistry::start(config)),
            Kind::Wharf => Box::new(wharf(config).start()),
        };
        Self::new(registry, Rc::default())
    }

    /// Starts another one of the same kind on this root. What differs in it counts for this one.
    pub(crate) fn another(&self, config: &Config, root: &Path) -> Self {
        let registry: Box<dyn Registry> = match self.kind() {
            Kind::Registry28 => Box::new(DockerRegistry::start_at(config, root)),
            Kind::Wharf => Box::new(wharf(config).root(root).start()),
        };
        Self::new(registry, Rc::clone(&self.used))
    }

    fn new(registry: Box<dyn Registry>, used: Rc<RefCell<BTreeSet<&'static str>>>) -> Self {
        let client = registry.client();
        Self { registry, client, used }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.registry.kind()
    }

    /// The standard error of wharf refusing this configuration, or this root.
    pub(crate) fn refusal(config: &Config, root: Option<&Path>) -> String {
        let builder = wharf(config);
        let builder = match root {
            Some(root) => builder.root(root),
            None => builder,
        };
        match builder.try_start() {
            Ok(_) => panic!("wharf starts with\n{}", config.yaml(Path::new("ROOT"))),
            Err(failure) => {
                assert_ne!(failure.status.code(), Some(0), "{failure}");
                failure.stderr
            }
        }
    }

    /// The ids of differences shown so far.
    pub(crate) fn differences_used(&self) -> BTreeSet<&'static str> {
        self.used.borrow().clone()
    }

    /// The value for this registry where the two differ, and the proof that they do.
    pub(crate) fn differs<T: PartialEq + Debug>(&self, id: &'static str, registry_2_8: T, wharf: T) -> T {
        assert_ne!(registry_2_8, wharf, "`{id}` makes no difference");
        self.used.borrow_mut().insert(id);
        match self.kind() {
            Kind::Registry28 => registry_2_8,
            Kind::Wharf => wharf,
        }
    }

    /// Whether wharf is asked, in a step that only one of the two can take.
    pub(crate) fn only_wharf(&self, id: &'static str) -> bool {
        self.differs(id, false, true)
    }

    /// Checks an answer that is the same from both.
    #[track_caller]
    pub(crate) fn check(&self, response: &Response, expect: &Expect) {
        let wrong = expect.mismatches(self.kind(), response);
        assert!(
            wrong.is_empty(),
            "{:?} answers wrongly:\n{}\n--- got\n{response}\n--- log\n{}",
            self.kind(),
            wrong.join("\n"),
            self.log_tail()
        );
    }

    /// Checks an answer in which the two differ; each must give its own and must not give the other's.
    #[track_caller]
    pub(crate) fn check_differs(&self, id: &'static str, response: &Response, registry_2_8: &Expect, wharf: &Expect) {
        self.used.borrow_mut().insert(id);
        let (own, other) = match self.kind() {
            Kind::Registry28 => (registry_2_8, wharf),
            Kind::Wharf => (wharf, registry_2_8),
        };
        self.check(response, own);
        let unlike = !other.mismatches(self.kind(), response).is_empty();
        assert!(unlike, "`{id}` makes no difference in\n{response}");
    }

    /// Sends a request and checks the answer, the same from both.
    #[track_caller]
    pub(crate) fn ask(&self, request: &Request, expect: &Expect) -> Response {
        let response = self.send(request);
        self.check(&response, expect);
        response
    }

    /// Sends a request and checks the answer, in which the two differ.
    #[track_caller]
    pub(crate) fn ask_differs(
        &self,
        id: &'static str,
        request: &Request,
        registry_2_8: &Expect,
        wharf: &Expect,
    ) -> Response {
        let response = self.send(request);
        self.check_differs(id, &response, registry_2_8, wharf);
        response
    }

    /// Sends a request.
    #[track_caller]
    pub(crate) fn send(&self, request: &Request) -> Response {
        self.client.send(request)
    }

    /// The client itself, for broken requests.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// `http://HOST:PORT<path>`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.registry.addr())
    }

    /// Starts an upload; its `Location`.
    #[track_caller]
    pub(crate) fn start_upload(&self, repository: &str) -> String {
        let request = Request::post(format!("/v2/{repository}/blobs/uploads/"));
        self.send(&request).expect_status(202).location()
    }

    /// Starts an upload and sends these bytes with PATCH; its `Location` after that.
    #[track_caller]
    pub(crate) fn begun_upload(&self, repository: &str, bytes: &[u8]) -> String {
        let request = Request::patch(self.start_upload(repository)).body(bytes);
        self.send(&request).expect_status(202).location()
    }

    /// Pushes a blob; its sha256 digest.
    #[track_caller]
    pub(crate) fn push_blob(&self, repository: &str, bytes: impl AsRef<[u8]>) -> String {
        let digest = sha256(&bytes);
        self.push_blob_as(repository, bytes, &digest);
        digest
    }

    /// Pushes a blob under this digest.
    #[track_caller]
    pub(crate) fn push_blob_as(&self, repository: &str, bytes: impl AsRef<[u8]>, digest: &str) {
        let target = with_query(&self.start_upload(repository), &format!("digest={digest}"));
        self.send(&Request::put(target).body(bytes)).expect_status(201);
    }

    /// Pushes a manifest; its sha256 digest.
    #[track_caller]
    pub(crate) fn push_manifest(&self, repository: &str, reference: &str, media_type: &str, bytes: &str) -> String {
        self.send(&put_manifest(repository, reference, media_type, bytes))
            .expect_status(201);
        sha256(bytes)
    }

    /// The storage root.
    pub(crate) fn root(&self) -> &Path {
        self.registry.root()
    }

    /// Everything in a file or directory of the tree, given relative to `docker/registry/v2`: the paths of all files
    /// below it, sorted, with the ids of uploads written as `UPLOAD`.
    pub(crate) fn files(&self, directory: &str) -> Vec<String> {
        let mut files = Vec::new();
        let base = self.registry.tree(directory);
        collect_files(&base, &base, &mut files);
        files.sort();
        files
    }

    /// The names in a directory of the tree, in its own order.
    pub(crate) fn names(&self, directory: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.registry.tree(directory)).into_iter().flatten();
        entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }

    /// The bytes of a file of the tree.
    #[track_caller]
    pub(crate) fn file(&self, path: &str) -> Vec<u8> {
        let path = self.registry.tree(path);
        std::fs::read(&path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()))
    }

    /// Whether a file or directory of the tree is there.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.registry.tree(path).exists()
    }

    /// When a file of the tree was written last, and its inode.
    pub(crate) fn modified(&self, path: &str) -> (SystemTime, u64) {
        let metadata = std::fs::metadata(self.registry.tree(path)).expect("the file is there");
        (metadata.modified().expect("Linux knows it"), metadata.ino())
    }

    /// Removes a file of the tree behind the registry's back.
    pub(crate) fn remove_file(&self, path: &str) {
        std::fs::remove_file(self.registry.tree(path)).expect("the file is there");
    }

    /// Writes a file of the tree behind the registry's back.
    pub(crate) fn write_file(&self, path: &str, text: &str) {
        let path = self.registry.tree(path);
        let directory = path.parent().expect("it lies in a directory");
        std::fs::create_dir_all(directory).expect("directories can be made");
        std::fs::write(path, text).expect("files can be written");
    }

    /// Waits until the registry has logged a line with all of these in it.
    #[track_caller]
    pub(crate) fn expect_log(&self, words: &[&str]) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let found = |logs: &str| logs.lines().any(|line| words.iter().all(|w| line.contains(w)));
        while !found(&self.registry.logs()) {
            assert!(
                Instant::now() < deadline,
                "no line with {words:?} in\n{}",
                self.log_tail()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks until the answer has this status.
    #[track_caller]
    pub(crate) fn wait_for_status(&self, path: &str, status: u16) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.send(&Request::get(path)).status != status {
            assert!(Instant::now() < deadline, "no {status} in\n{}", self.log_tail());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it has logged so far.
    pub(crate) fn logs(&self) -> String {
        self.registry.logs()
    }

    fn log_tail(&self) -> String {
        let logs = self.registry.logs();
        let lines: Vec<String> = logs.lines().map(|line| line.chars().take(400).collect()).collect();
        lines[lines.len().saturating_sub(6)..].join("\n")
    }
}

fn collect_files(base: &Path, directory: &Path, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_files(base, &path, files);
        } else {
            let relative = path.strip_prefix(base).expect("below the base");
            let parts = relative.iter().map(|part| part.to_string_lossy());
            let parts = parts.map(|part| if is_uuid(&part) { "UPLOAD".into() } else { part });
            files.push(parts.collect::<Vec<_>>().join("/"));
        }
    }
}

/// Whether this is a UUID in its usual form.
pub(crate) fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// The id in the path of an upload.
pub(crate) fn upload_id(location: &str) -> String {
    let path = location.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The JSON in the `_state` of an upload's URL.
pub(crate) fn upload_state(location: &str) -> Result<Value, String> {
    let state = query_value(location, "_state").ok_or("expected a `_state`")?;
    let token = base64url_decode(&state);
    let json = token.get(32..).ok_or("expected a signature of 32 bytes")?;
    serde_json::from_slice(json).map_err(|error| error.to_string())
}

/// A PUT of a manifest.
pub(crate) fn put_manifest(repository: &str, reference: &str, media_type: &str, bytes: &str) -> Request {
    let target = format!("/v2/{repository}/manifests/{reference}");
    Request::put(target).header("Content-Type", media_type).body(bytes)
}

/// The headers that every answer about an upload in progress has: `Docker-Upload-Uuid`, an absolute `Location` whose
/// state says this offset, and `Range`.
pub(crate) trait UploadHeaders {
    fn upload(self, subject: &Subject, repository: &str, offset: usize) -> Self;
}

impl UploadHeaders for Expect {
    fn upload(self, subject: &Subject, repository: &str, offset: usize) -> Self {
        let prefix = subject.url(&format!("/v2/{repository}/blobs/uploads/"));
        let name = repository.to_owned();
        let location = move |got: &str| {
            let rest = got.strip_prefix(&prefix).ok_or(format!("expected `{prefix}…`"))?;
            let id = upload_id(path_of(rest));
            let state = upload_state(got)?;
            let fields = (&state["Name"], &state["UUID"], &state["Offset"]);
            if fields == (&name.as_str().into(), &id.as_str().into(), &offset.into()) {
                Ok(())
            } else {
                Err(format!("expected name `{name}` and offset {offset} in {state}"))
            }
        };
        let uuid = |got: &str| {
            let version_4 = got.as_bytes().get(14) == Some(&b'4');
            let variant = got.as_bytes().get(19).is_some_and(|digit| b"89ab".contains(digit));
            if is_uuid(got) && version_4 && variant {
                Ok(())
            } else {
                Err("expected a UUID of version 4".to_owned())
            }
        };
        self.header_like("docker-upload-uuid", uuid)
            .header_like("location", location)
            .header("range", format!("0-{}", offset.saturating_sub(1)))
    }
}
