//! `docker` of Debian, with the shared engine.

use std::path::Path;
use std::sync::Arc;

use super::tool::Tool;
use super::{Client, ImageSource, IndexSource, Pulled, find_digest};
use crate::engine::Engine;
use crate::packages;

/// The docker command line with a configuration of its own; the engine behind it is shared.
#[derive(Debug)]
pub struct Docker {
    tool: Tool,
    _engine: Arc<Engine>,
}

impl Docker {
    /// Starts the engine unless it runs.
    pub fn new() -> Self {
        let engine = Engine::shared();
        let mut tool = Tool::new(packages::debian("docker"));
        tool.set("DOCKER_HOST", format!("unix://{}", engine.socket().display()));
        tool.env("DOCKER_CONFIG", "config");
        Self { tool, _engine: engine }
    }

    /// Runs `docker` with these arguments and returns its standard output.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> String {
        self.tool.run(args)
    }

    /// Loads a docker-archive.
    pub fn load(&self, archive: &Path) {
        self.run(&["load", "--input", &archive.display().to_string()]);
    }

    /// The image ID behind a name.
    pub fn image_id(&self, name: &str) -> String {
        self.run(&["image", "inspect", "--format", "{{.Id}}", name])
            .trim()
            .to_owned()
    }

    /// Runs a shell script, in a new directory, that finds this `docker` and its engine.
    #[track_caller]
    pub fn shell(&self, script: &str) -> String {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let mut command = self.tool.command(&packages::debian("bash"));
        // As a terminal would: every command runs, and the first that fails ends the script.
        command
            .current_dir(dir.path())
            .args(["-e", "-u", "-o", "pipefail", "-c", script]);
        super::tool::finish(&mut command).0
    }
}

impl Default for Docker {
    fn default() -> Self {
        Self::new()
    }
}

impl Client for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn keeps_bytes(&self) -> bool {
        false
    }

    fn push(&self, source: &ImageSource, to: &str) -> String {
        self.load(&source.archive());
        assert_eq!(
            self.image_id(&source.name()),
            source.image.id(),
            "docker knows the image by another ID"
        );
        self.copy(&source.name(), to)
    }

    fn copy(&self, from: &str, to: &str) -> String {
        self.run(&["tag", from, to]);
        let output = self.run(&["push", to]);
        let (_, digest) = output
            .rsplit_once("digest: ")
            .unwrap_or_else(|| panic!("no digest in {output}"));
        find_digest(digest)
    }

    fn pull(&self, from: &str) -> Pulled {
        let output = self.run(&["pull", from]);
        let (_, digest) = output
            .rsplit_once("Digest: ")
            .unwrap_or_else(|| panic!("no digest in {output}"));
        Pulled {
            digest: find_digest(digest),
            image_ids: vec![self.image_id(from)],
        }
    }

    fn push_index(&self, source: &IndexSource, to: &str) -> String {
        let mut args = vec![
            "manifest".to_owned(),
            "create".to_owned(),
            "--insecure".to_owned(),
            to.to_owned(),
        ];
        for image in &source.images {
            let by_platform = format!("{to}-{}", image.image.platform.replace('/', "-"));
            self.push(image, &by_platform);
            args.push(by_platform);
        }
        self.tool.run(&args);
        find_digest(&self.run(&["manifest", "push", "--insecure", to]))
    }

    fn pull_index(&self, from: &str) -> Pulled {
        self.pull(from)
    }
}
