//! Putting the server together, and its life from start to end.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use wharf_registry::{IndexRule, OpenError, Registry, Rules, Settings, StateDirectory, UploadPurging, UrlRule};
use wharf_spec::schema1::SigningKey;
use wharf_storage::{Driver, Filesystem, Instrumented, LockError, StorageError, StorageKey};

use crate::access_log::AccessLog;
use crate::app::App;
use crate::config::{Config, IndexChildren, ManifestClass};
use crate::debug_listener::DebugListener;
use crate::health::{Check, Health};
use crate::listener::{Listener, bind_tcp, serve};
use crate::location::Locations;
use crate::metrics::{BuildInfo, Metrics, Totals};
use crate::policy::Policy;
use crate::service::Service;

/// How long the access log may take to write its last lines.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);
/// The least time between two counts of everything, for the metrics.
const COUNT_INTERVAL: Duration = Duration::from_secs(10);
/// Counting takes at most this part of the time, however much there is to count.
const COUNT_SHARE: u32 = 50;

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The root is no directory that can be used.
    #[error(transparent)]
    Root(#[from] StorageError),
    /// The registry could not be opened.
    #[error(transparent)]
    Registry(#[from] OpenError),
    /// The address is taken, or not this machine's.
    #[error("could not listen on `{address}`")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key that signs schema 1 manifests can't be used.
    #[error("signing key `{path}`: {problem}")]
    SigningKey {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The system has no threads or no randomness left.
    #[error("could not start: {0}")]
    System(#[from] std::io::Error),
}

impl StartError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Registry(OpenError::Lock(LockError::Held { .. })) => {
                Some("stop the other server first, or give this one another root with `--root`")
            }
            Self::Registry(OpenError::IndexMissing { .. }) => {
                Some("`wharf reindex ROOT` makes it anew from the tree, which has everything")
            }
            Self::Listen { .. } => Some("choose another address with `--addr`; port 0 takes a free one"),
            _ => None,
        }
    }
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    config: Config,
    listener: Listener,
    service: Arc<Service>,
    registry: Arc<Registry>,
    debug: Option<(DebugListener, TcpListener)>,
    metrics: Metrics,
    root: PathBuf,
}

impl Server {
    /// Takes possession of the root and binds the addresses. `access_log` gets a line per request, if the configuration wants it.
    pub async fn start(
        config: Config,
        build: BuildInfo,
        access_log: Box<dyn Write + Send>,
    ) -> Result<Self, StartError> {
        let metrics = Metrics::new(build);
        let (registry, root) = open_registry(&config, &metrics)?;
        let registry = Arc::new(registry);
        let listener = Listener::bind(&config.http.listen)
            .await
            .map_err(|source| StartError::Listen {
                address: config.http.listen.to_string(),
                source,
            })?;
        let health = Health::start(Check::configured(&config.health, registry.driver(), &health_key()));
        let debug = bind_debug(&config, build, &health, &metrics).await?;
        let access_log = if config.log.access {
            Some(AccessLog::start(access_log)?)
        } else {
            None
        };
        let app = Arc::new(app(&config, &registry, &metrics)?);
        let service = Arc::new(Service {
            app,
            health,
            access_log,
        });
        Ok(Self {
            config,
            listener,
            service,
            registry,
            debug,
            metrics,
            root,
        })
    }

    /// The TCP address that it listens on; `None` for a Unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.tcp_address()
    }

    /// The address of the debug listener, where there is one.
    pub fn debug_address(&self) -> Option<SocketAddr> {
        self.debug.as_ref().and_then(|(_, listener)| listener.local_addr().ok())
    }

    /// Whether it serves pulls only: because it is configured so, or because the root can't be written to.
    pub fn is_read_only(&self) -> bool {
        self.service.app.policy.read_only
    }

    /// The root.
    pub fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// Serves until `stop` is done. Then open requests have the configured time to end; says whether all of them did.
    pub async fn run(self, stop: impl Future<Output = ()>) -> bool {
        let (stopped, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        if let Some((debug, listener)) = self.debug {
            tasks.spawn(debug.serve(listener, stopping));
        }
        spawn_background(&mut tasks, &self.registry, &self.config, &self.metrics);
        let service = Arc::clone(&self.service);
        let drained = serve(self.listener, service, &self.config.http, &self.config.limits, stop).await;
        // Nobody listens any more if the tasks have ended.
        let _ = stopped.send(true);
        tasks.abort_all();
        if let Some(access_log) = self.service.access_log.clone() {
            let _ = tokio::task::spawn_blocking(move || access_log.flush(FLUSH_LIMIT)).await;
        }
        drained
    }
}

/// The top of the tree: what the storage health check looks at.
fn health_key() -> StorageKey {
    "docker".parse().expect("a plain word is a key")
}

fn open_registry(config: &Config, metrics: &Metrics) -> Result<(Registry, PathBuf), StartError> {
    let filesystem = Filesystem::open(&config.storage.root)?;
    let root = filesystem.root().to_owned();
    let state = if filesystem.is_writable() {
        StateDirectory::open(&root)?
    } else {
        StateDirectory::read_only()?
    };
    let (metrics, name) = (metrics.clone(), filesystem.name());
    let driver = Instrumented::new(filesystem, move |action, duration| {
        metrics.storage_action(name, action, duration);
    });
    let settings = Settings {
        rules: rules(config),
        uploads_max: config.limits.uploads_max,
        secret: config
            .http
            .secret
            .as_ref()
            .map(|secret| secret.expose().as_bytes().to_vec()),
    };
    Ok((Registry::open(Arc::new(driver), state, settings)?, root))
}

fn rules(config: &Config) -> Rules {
    let Config {
        validation,
        allowed_classes,
        limits,
        ..
    } = config;
    let urls = validation.foreign_urls.clone();
    let index = match &validation.index_children {
        IndexChildren::All => IndexRule::All,
        IndexChildren::None => IndexRule::None,
        IndexChildren::Listed(platforms) => IndexRule::Platforms(
            platforms
                .iter()
                .map(|platform| (platform.os.clone(), platform.architecture.clone()))
                .collect(),
        ),
    };
    let class = |class: &ManifestClass| match class {
        ManifestClass::Image => "image".to_owned(),
        ManifestClass::Plugin => "plugin".to_owned(),
    };
    Rules {
        sparse: limits.manifest_sparse,
        urls: UrlRule::new(move |url| urls.permit(url)),
        index,
        classes: allowed_classes.iter().map(class).collect(),
    }
}

fn app(config: &Config, registry: &Arc<Registry>, metrics: &Metrics) -> Result<App, StartError> {
    Ok(App {
        registry: Arc::clone(registry),
        policy: Policy {
            delete_enabled: config.storage.delete_enabled,
            read_only: config.storage.read_only || registry.is_read_only(),
        },
        locations: Locations {
            host: config.http.host.clone(),
            prefix: config.http.prefix.clone(),
            relative: config.http.relative_urls,
        },
        limits: config.limits,
        catalog_max: config.catalog_max_entries,
        tags_max: config.tags_max,
        headers: config.http.headers.clone(),
        signing_key: signing_key(config)?,
        metrics: metrics.clone(),
    })
}

/// The configured key, or one that lasts as long as the process, as in registry:2.
fn signing_key(config: &Config) -> Result<SigningKey, StartError> {
    if let Some(path) = &config.schema1_signing_key_file {
        let failed = |problem: String| StartError::SigningKey {
            path: path.clone(),
            problem,
        };
        let pem = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        return SigningKey::from_pem(&pem).map_err(|error| failed(error.to_string()));
    }
    loop {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
        // One seed in 2^32 is no key.
        if let Some(key) = SigningKey::from_seed(&seed) {
            return Ok(key);
        }
    }
}

async fn bind_debug(
    config: &Config,
    build: BuildInfo,
    health: &Health,
    metrics: &Metrics,
) -> Result<Option<(DebugListener, TcpListener)>, StartError> {
    let Some(debug) = &config.http.debug else {
        return Ok(None);
    };
    let listener = bind_tcp(&debug.address).await;
    let listener = listener.map_err(|source| StartError::Listen {
        address: debug.address.to_string(),
        source,
    })?;
    let mut shown = DebugListener::new(build, health.clone());
    if let Some(path) = &debug.metrics_path {
        shown = shown.with_metrics(path.clone(), metrics.clone());
    }
    Ok(Some((shown, listener)))
}

fn spawn_background(tasks: &mut JoinSet<()>, registry: &Arc<Registry>, config: &Config, metrics: &Metrics) {
    let sweeping = Arc::clone(registry);
    tasks.spawn_blocking(move || sweeping.sweep());
    if let Some(purging) = config.storage.upload_purging
        && !registry.is_read_only()
        && !config.storage.read_only
    {
        let purging = UploadPurging {
            age: purging.age,
            interval: purging.interval,
            dry_run: purging.dry_run,
        };
        tasks.spawn(purge(Arc::clone(registry), purging, metrics.clone()));
    }
    tasks.spawn(count(Arc::clone(registry), metrics.clone()));
}

async fn purge(registry: Arc<Registry>, settings: UploadPurging, metrics: Metrics) {
    let mut ticks = tokio::time::interval(settings.interval);
    loop {
        ticks.tick().await;
        let registry = Arc::clone(&registry);
        let purged = tokio::task::spawn_blocking(move || registry.purge_uploads(&settings, Timestamp::now())).await;
        match purged {
            Ok(purged) => {
                tracing::info!(
                    uploads = purged.uploads,
                    errors = purged.errors,
                    dry_run = settings.dry_run,
                    "purged uploads"
                );
                metrics.task_succeeded(
                    "upload_purge",
                    u64::try_from(Timestamp::now().as_second()).unwrap_or_default(),
                );
            }
            Err(error) => tracing::error!(%error, "purging uploads panicked; it goes on with the next run"),
        }
    }
}

async fn count(registry: Arc<Registry>, metrics: Metrics) {
    loop {
        metrics.set_uploads_open(registry.open_uploads() as u64);
        let counting = Arc::clone(&registry);
        let started = Instant::now();
        let counts = tokio::task::spawn_blocking(move || counting.counts()).await;
        if let Ok(Ok(counts)) = counts {
            metrics.set_totals(Totals {
                repositories: counts.repositories,
                manifests: counts.manifests,
                tags: counts.tags,
                blobs: counts.blobs,
                confirmed_repositories: registry.sweep_progress().repositories.load(Ordering::Relaxed),
            });
        }
        tokio::time::sleep(COUNT_INTERVAL.max(started.elapsed() * COUNT_SHARE)).await;
    }
}

#[cfg(test)]
mod tests;
