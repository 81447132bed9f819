//! The configuration that the server works with: parsed, in range, defaults filled in.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::address::{Listen, PathPrefix, PublicHost, TcpAddress};
use super::secrecy::Secret;
use super::urls::ForeignUrls;

/// Everything that can be configured. `Default` is what counts without any file.
#[derive(Debug, Clone)]
pub struct Config {
    /// `log`.
    pub log: Log,
    /// `storage`.
    pub storage: Storage,
    /// `http`.
    pub http: Http,
    /// `health`.
    pub health: Health,
    /// `catalog.maxentries`: most repositories in one answer of the catalog.
    pub catalog_max_entries: usize,
    /// `tags.maxtags`: most tags in one answer of the tag list; `None` for no limit.
    pub tags_max: Option<usize>,
    /// `validation`.
    pub validation: Validation,
    /// `compatibility.schema1.signingkeyfile`: the file with the key that signs schema 1 conversions; without it one is
    /// made at each start.
    pub schema1_signing_key_file: Option<PathBuf>,
    /// `policy.repository.classes`: the classes of image manifests that may be pushed; empty for
    /// all.
    pub allowed_classes: Vec<ManifestClass>,
    /// `wharf`: limits that registry:2 does not have.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            log: Log::default(),
            storage: Storage::default(),
            http: Http::default(),
            health: Health::default(),
            catalog_max_entries: 1000,
            tags_max: None,
            validation: Validation::default(),
            schema1_signing_key_file: None,
            allowed_classes: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// `log`: what is logged, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// Whether each request gets a line in the access log: not `log.accesslog.disabled`.
    pub access: bool,
    /// `log.level`, or the older `loglevel`.
    pub level: LogLevel,
    /// `log.formatter`; `None` means text for a terminal and JSON otherwise.
    pub format: Option<LogFormat>,
    /// `log.fields`: added to every line.
    pub fields: Map<String, Value>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            access: true,
            level: LogLevel::Info,
            format: None,
            fields: Map::new(),
        }
    }
}

/// The least important events that are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Failures only.
    Error,
    /// And what probably needs attention.
    Warn,
    /// And the normal course of things.
    Info,
    /// And what helps to find a fault.
    Debug,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `key=value` pairs for people.
    Text,
    /// One JSON object per line.
    Json,
    /// One JSON object per line, with Logstash's names.
    Logstash,
}

/// `storage`: where the tree is and what may be done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// `storage.filesystem.rootdirectory`: the directory that holds `docker/registry/v2`.
    pub root: PathBuf,
    /// `storage.delete.enabled`: whether manifests, tags and blobs may be deleted.
    pub delete_enabled: bool,
    /// `storage.maintenance.readonly.enabled`: pulls only.
    pub read_only: bool,
    /// `storage.maintenance.uploadpurging`; `None` when it is switched off.
    pub upload_purging: Option<UploadPurging>,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            root: PathBuf::from("./data"),
            delete_enabled: true,
            read_only: false,
            upload_purging: Some(UploadPurging::default()),
        }
    }
}

/// The removal of upload sessions that nobody ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadPurging {
    /// Sessions that began longer ago than this are removed; at least 1 ms.
    pub age: Duration,
    /// Time from one removal to the next; at least 1 ms.
    pub interval: Duration,
    /// Whether sessions are only counted.
    pub dry_run: bool,
}

impl Default for UploadPurging {
    fn default() -> Self {
        Self {
            age: Duration::from_hours(168),
            interval: Duration::from_hours(24),
            dry_run: false,
        }
    }
}

/// `http`: the listeners and what answers look like.
#[derive(Debug, Clone, PartialEq)]
pub struct Http {
    /// `http.net` and `http.addr`.
    pub listen: Listen,
    /// `http.host`: the address in absolute `Location`s, before anything a request says.
    pub host: Option<PublicHost>,
    /// `http.prefix`.
    pub prefix: PathPrefix,
    /// `http.secret`: signs upload state tokens; `None` for one that is made and kept under the
    /// root.
    pub secret: Option<Secret>,
    /// `http.relativeurls`: `Location`s are paths only.
    pub relative_urls: bool,
    /// `http.draintimeout`: how long requests may go on after a signal to end.
    pub drain_timeout: Duration,
    /// `http.headers`: added to every answer; a name may occur several times.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// `http.debug`; `None` without `http.debug.addr`.
    pub debug: Option<DebugListener>,
    /// Whether HTTP/2 is spoken: not `http.http2.disabled`.
    pub http2: bool,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: Listen::Tcp(TcpAddress::new("127.0.0.1", 5000)),
            host: None,
            prefix: PathPrefix::default(),
            secret: None,
            relative_urls: false,
            drain_timeout: Duration::from_secs(30),
            headers: Vec::new(),
            debug: None,
            http2: true,
        }
    }
}

/// `http.debug`: the listener for health and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugListener {
    /// `http.debug.addr`.
    pub address: TcpAddress,
    /// `http.debug.prometheus.path`, starting with `/`; `None` when metrics are off.
    pub metrics_path: Option<String>,
}

/// `health`: what is checked. While any check fails, every request is answered with 503.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// `health.storagedriver`; `None` unless it is enabled.
    pub storage: Option<CheckTimes>,
    /// `health.file`: each is healthy while the file does not exist.
    pub files: Vec<FileCheck>,
    /// `health.tcp`: each is healthy while a connection can be opened.
    pub tcp: Vec<TcpCheck>,
}

/// When a check runs and when it counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckTimes {
    /// Time from one run to the next; at least 1 ms.
    pub interval: Duration,
    /// Failures in a row from which on the check counts as failed; at least 1.
    pub threshold: u32,
}

/// One entry of `health.file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCheck {
    /// The file whose existence means ill health.
    pub path: PathBuf,
    /// When it is looked for.
    pub times: CheckTimes,
}

/// One entry of `health.tcp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpCheck {
    /// Where a connection is opened; has a host.
    pub address: TcpAddress,
    /// How long that may take.
    pub timeout: Duration,
    /// When it is tried.
    pub times: CheckTimes,
}

/// `validation`: what a pushed manifest must hold to.
#[derive(Debug, Clone, Default)]
pub struct Validation {
    /// `validation.manifests.urls`: which URLs layers may name. No rules when `validation.disabled`
    /// is set.
    pub foreign_urls: ForeignUrls,
    /// `validation.manifests.indexes`: which children of an image index must exist.
    pub index_children: IndexChildren,
}

/// Which children of a pushed image index must exist in the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IndexChildren {
    /// All of them, as in registry:2.
    #[default]
    All,
    /// None: sparse indexes are accepted.
    None,
    /// Those for these platforms.
    Listed(Vec<IndexPlatform>),
}

/// A platform whose children must exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPlatform {
    /// Go's name of the architecture, as `amd64`.
    pub architecture: String,
    /// Go's name of the operating system, as `linux`.
    pub os: String,
}

/// What an image manifest is for, by the media type of its config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestClass {
    /// A container image.
    Image,
    /// A plugin of the docker engine.
    Plugin,
}

/// `wharf`: limits that registry:2 does not have, or does not let one set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `wharf.manifest.sparse`: whether what a manifest refers to need not be in the repository.
    pub manifest_sparse: bool,
    /// `wharf.manifest.maxbytes`: the largest manifest that may be pushed.
    pub manifest_max_bytes: usize,
    /// `wharf.uploads.max`: most upload sessions open at once.
    pub uploads_max: usize,
    /// `wharf.http.headertimeout`: from the opening of a connection, or the end of its last answer, to the end of the header of the
    /// next request.
    pub header_timeout: Duration,
    /// `wharf.http.bodytimeout`: longest silence inside the body of a request.
    pub body_timeout: Duration,
    /// `wharf.http.writetimeout`: longest time in which a client takes nothing of an answer.
    pub write_timeout: Duration,
    /// `wharf.http.maxheaderbytes`: largest header of a request, in bytes.
    pub header_max_bytes: usize,
    /// `wharf.http.maxuribytes`: longest request target, in bytes.
    pub uri_max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest_sparse: false,
            manifest_max_bytes: 4 * 1024 * 1024,
            uploads_max: 10_000,
            header_timeout: Duration::from_mins(2),
            body_timeout: Duration::from_mins(1),
            write_timeout: Duration::from_mins(1),
            header_max_bytes: 32 * 1024,
            uri_max_bytes: 8 * 1024,
        }
    }
}
