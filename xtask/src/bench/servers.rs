//! The servers that are compared, each as one would run it, with what they log turned down.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::client::Connection;
use super::process::Processes;
use crate::root;

/// How long a server may take to answer, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Server {
    Wharf,
    Registry2,
    Registry3,
    Nginx,
}

impl Server {
    pub(crate) const ALL: [Self; 4] = [Self::Wharf, Self::Registry2, Self::Registry3, Self::Nginx];

    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wharf => "wharf",
            Self::Registry2 => "registry 2.8",
            Self::Registry3 => "registry 3",
            Self::Nginx => "nginx",
        }
    }
}

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) wharf: PathBuf,
    /// `None` without Go to build it with.
    pub(crate) registry3: Option<PathBuf>,
}

impl Programs {
    /// Whether a server can be started.
    pub(crate) fn have(&self, server: Server) -> bool {
        server != Server::Registry3 || self.registry3.is_some()
    }
}

/// A server that runs; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    pub(crate) addr: SocketAddr,
    pub(crate) processes: Processes,
}

impl Running {
    /// Starts a registry on a root, or a static server on a directory of files. Configuration and log go to `scratch`.
    pub(crate) fn start(server: Server, programs: &Programs, root: &Path, scratch: &Path) -> anyhow::Result<Self> {
        let addr = free_address()?;
        fs::create_dir_all(root).with_context(|| format!("cannot make `{}`", root.display()))?;
        let scratch = scratch.join(server.name().replace(' ', "-"));
        fs::create_dir_all(&scratch).with_context(|| format!("cannot make `{}`", scratch.display()))?;
        let mut command = match server {
            Server::Wharf => wharf(&programs.wharf, root, addr),
            Server::Registry2 => registry(Path::new("/usr/bin/docker-registry"), root, addr, &scratch)?,
            Server::Registry3 => {
                let program = programs.registry3.as_deref().context("registry 3 is not built")?;
                registry(program, root, addr, &scratch)?
            }
            Server::Nginx => nginx(root, addr, &scratch)?,
        };
        let log = scratch.join("log");
        let stderr = File::create(&log).with_context(|| format!("cannot write `{}`", log.display()))?;
        command
            .current_dir(&scratch)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", server.name()))?;
        if let Err(error) = wait_for(&mut child, addr) {
            end(&mut child);
            let log = fs::read_to_string(log).unwrap_or_default();
            return Err(error.context(format!("{} does not answer\n{log}", server.name())));
        }
        Ok(Self {
            addr,
            processes: Processes::of(child.id())?,
            child,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Asks a process to end, and ends it when it takes too long.
fn end(child: &mut Child) {
    // One that has ended already needs no signal.
    let _ = kill_process(Pid::from_child(child), Signal::TERM);
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Registries that write no log say no address, so the port is chosen for them.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    listener.local_addr().context("no free port")
}

fn wait_for(child: &mut Child, addr: SocketAddr) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            bail!("it ended: {status}");
        }
        if let Ok(mut connection) = Connection::open(addr) {
            connection.ask("GET", "/v2/", "")?;
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    bail!("it does not listen");
}

/// As without any configuration, but for the access log.
fn wharf(program: &Path, root: &Path, addr: SocketAddr) -> Command {
    let mut command = clean(program);
    command
        .args(["serve", "--addr", &addr.to_string(), "--root"])
        .arg(root)
        .env("REGISTRY_LOG_ACCESSLOG_DISABLED", "true");
    command
}

/// As Debian and the image of registry 3 configure it, without authorization, with errors alone logged.
fn registry(program: &Path, root: &Path, addr: SocketAddr, scratch: &Path) -> anyhow::Result<Command> {
    let file = scratch.join("config.yml");
    let text = format!(
        "version: 0.1
log:
  level: error
  accesslog:
    disabled: true
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: {}
  delete:
    enabled: true
  maintenance:
    uploadpurging:
      enabled: false
http:
  addr: {addr}
tags:
  maxtags: 10000
",
        root.display()
    );
    fs::write(&file, text).with_context(|| format!("cannot write `{}`", file.display()))?;
    let mut command = clean(program);
    // Traces go nowhere, and registry 3 would look for a collector.
    command.arg("serve").arg(file).env("OTEL_TRACES_EXPORTER", "none");
    Ok(command)
}

fn nginx(files: &Path, addr: SocketAddr, scratch: &Path) -> anyhow::Result<Command> {
    let file = scratch.join("nginx.conf");
    let user = root::output(root::command("id").arg("-un"))?;
    let (scratch, files) = (scratch.display(), files.display());
    let text = format!(
        "daemon off;
user {};
worker_processes auto;
pid {scratch}/pid;
error_log stderr error;
events {{
    worker_connections 1024;
}}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    open_file_cache max=1000 inactive=10m;
    open_file_cache_valid 10m;
    default_type application/octet-stream;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    server {{
        listen {addr};
        root {files};
        location = /v2/ {{
            try_files /base =404;
        }}
    }}
}}
",
        user.trim()
    );
    fs::write(&file, text).with_context(|| format!("cannot write `{}`", file.display()))?;
    let mut command = clean(Path::new("/usr/sbin/nginx"));
    command.args(["-e", "stderr", "-c"]).arg(file);
    Ok(command)
}

/// A command that no variable of the caller configures.
fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| {
        let name = name.to_string_lossy();
        ["REGISTRY_", "OTEL_", "GO"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    }) {
        command.env_remove(name);
    }
    command
}
