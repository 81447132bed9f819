//! `wharf serve`: the registry.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};
use wharf_server::config::{Config, Listen, Loaded, LogFormat, Overrides};
use wharf_server::metrics::BuildInfo;
use wharf_server::{Server, StartError};

use super::{configuration_file, load_config, offline};
use crate::exit::Hint;
use crate::logging;

const BUILD: BuildInfo = BuildInfo {
    version: env!("CARGO_PKG_VERSION"),
    revision: "",
};

/// Serve a registry that docker, podman and every other client can push to and pull from
///
/// Without arguments it listens on 127.0.0.1:5000 and stores under ./data, in the tree that registry:2 keeps. A configuration file is
/// registry:2's, and so are the REGISTRY_* variables.
///
/// Examples:
///   wharf serve
///   wharf serve --root /srv/registry --addr 0.0.0.0:5000
///   wharf serve /etc/docker/registry/config.yml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ServeArgs {
    /// registry:2's YAML; without it the file that `REGISTRY_CONFIGURATION_PATH` names, or else the defaults
    config: Option<PathBuf>,
    /// Directory to store under [default: ./data]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:5000]
    #[arg(long, value_name = "HOST:PORT")]
    addr: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Serve a registry, with registry:2's command line
///
/// The configuration file is the argument, or else the one that `REGISTRY_CONFIGURATION_PATH` names.
#[derive(Debug, Args)]
pub(crate) struct RegistryServeArgs {
    /// registry:2's YAML
    config: Option<PathBuf>,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Args)]
struct CommonArgs {
    /// Start although the configuration has sections that wharf does not support, and warn instead
    #[arg(long)]
    ignore_unsupported: bool,
    /// Form of the log [default: text for a terminal, JSON otherwise]
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<Format>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(crate) fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let overrides = Overrides {
        root: args.root,
        addr: args.addr,
    };
    run(configuration_file(args.config).as_deref(), overrides, &args.common)
}

pub(crate) fn registry_serve(args: RegistryServeArgs) -> anyhow::Result<ExitCode> {
    let file = configuration_file(args.config);
    anyhow::ensure!(file.is_some(), "configuration error: configuration path unspecified");
    run(file.as_deref(), Overrides::default(), &args.common)
}

fn run(file: Option<&Path>, overrides: Overrides, common: &CommonArgs) -> anyhow::Result<ExitCode> {
    let Loaded {
        mut config, warnings, ..
    } = load_config(file, overrides, common.ignore_unsupported)?;
    match common.log_format {
        Some(Format::Text) => config.log.format = Some(LogFormat::Text),
        Some(Format::Json) => config.log.format = Some(LogFormat::Json),
        None => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start")?;
    let outcome = runtime.block_on(async {
        let (mut terminate, mut interrupt) = signals()?;
        let server = start(config.clone()).await?;
        announce(&server, &config)?;
        logging::init(&config.log).context("could not start the log")?;
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        if server.is_read_only() {
            tracing::warn!(root = %server.root().display(), "the registry is read-only: it serves pulls only");
        }
        let stop = async {
            next_signal(&mut terminate, &mut interrupt).await;
            tracing::info!("stopping; open requests may end, a second signal ends at once");
        };
        let (mut terminate, mut interrupt) = signals()?;
        tokio::select! {
            drained = server.run(stop) => anyhow::Ok(drained),
            () = second_signal(&mut terminate, &mut interrupt) => Ok(false),
        }
    });
    // Requests that still run must not hold up the end.
    runtime.shutdown_background();
    let drained = outcome?;
    if !drained {
        tracing::warn!("ended with open requests");
    }
    Ok(if drained { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn signals() -> anyhow::Result<(Signal, Signal)> {
    let failed = "could not listen to signals";
    Ok((
        signal(SignalKind::terminate()).context(failed)?,
        signal(SignalKind::interrupt()).context(failed)?,
    ))
}

async fn next_signal(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn second_signal(terminate: &mut Signal, interrupt: &mut Signal) {
    next_signal(terminate, interrupt).await;
    next_signal(terminate, interrupt).await;
}

async fn start(config: Config) -> anyhow::Result<Server> {
    // The access log is registry:2's, on stdout.
    Server::start(config, BUILD, Box::new(std::io::stdout()))
        .await
        .map_err(|error| {
            let hint = error.hint().or(match &error {
                StartError::Registry(error) => offline::Hinted::hint(error),
                _ => None,
            });
            let hint = hint.map(|text| Hint { text: text.to_owned() });
            let error = anyhow::Error::from(error).context("could not serve");
            match hint {
                Some(hint) => error.context(hint),
                None => error,
            }
        })
}

/// The one line that everyone looks for.
fn announce(server: &Server, config: &Config) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let root = server.root().display();
    let version = BUILD.version;
    match (&config.http.listen, server.address()) {
        (Listen::Tcp(_), Some(address)) => {
            let reachable = match address.ip() {
                ip if ip.is_unspecified() => format!("127.0.0.1:{}", address.port()),
                _ => address.to_string(),
            };
            let next = if server.is_read_only() {
                "pulls only, for it is read-only".to_owned()
            } else {
                format!("push a first image: docker tag IMAGE {reachable}/IMAGE && docker push {reachable}/IMAGE")
            };
            writeln!(stdout, "wharf {version} serves {root} on http://{address}; {next}")?;
        }
        (listen, _) => writeln!(stdout, "wharf {version} serves {root} on {listen}")?,
    }
    if let Some(debug) = server.debug_address() {
        writeln!(stdout, "debug listener on http://{debug}")?;
    }
    stdout.flush()?;
    Ok(())
}
