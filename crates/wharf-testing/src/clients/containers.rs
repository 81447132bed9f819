//! `podman` and `buildah` of Debian: two programs with one kind of storage and the same words.

use std::fs;

use super::tool::Tool;
use super::{Client, ImageSource, IndexSource, Pulled};
use crate::packages;

/// The name of a list before it is pushed.
const LIST: &str = "localhost/list:latest";

/// `podman` or `buildah`, with an empty storage.
#[derive(Debug)]
pub struct Containers {
    name: &'static str,
    tool: Tool,
    /// Where it loads an image from.
    transport: fn(&ImageSource) -> String,
    /// The format in which it pushes manifests and lists.
    format: &'static str,
}

impl Containers {
    /// `podman`; images are loaded and pushed as OCI images.
    pub fn podman() -> Self {
        let mut tool = storage("podman");
        tool.args(["--cgroup-manager=cgroupfs", "--events-backend=none"]);
        let tmpdir = tool.path_text("temporary");
        tool.args(["--tmpdir", &tmpdir]);
        Self {
            name: "podman",
            tool,
            transport: ImageSource::oci_archive,
            format: "oci",
        }
    }

    /// `buildah`; images are loaded and pushed in docker's format.
    pub fn buildah() -> Self {
        Self {
            name: "buildah",
            tool: storage("buildah"),
            transport: ImageSource::docker_archive,
            format: "v2s2",
        }
    }

    /// Pulls from any transport and returns the image ID.
    fn pull_from(&self, from: &str) -> String {
        let output = self.tool.run(["pull", "--quiet", "--tls-verify=false", from]);
        format!("sha256:{}", output.trim().trim_start_matches("sha256:"))
    }

    /// Loads the image of a source and returns its image ID.
    fn load(&self, source: &ImageSource) -> String {
        let id = self.pull_from(&(self.transport)(source));
        assert_eq!(id, source.image.id(), "{} knows the image by another ID", self.name);
        id
    }

    /// Pushes what is known by this name and returns the digest that the program reports.
    fn push_as(&self, command: &[&str], name: &str, to: &str) -> String {
        let (file, to) = (self.tool.path_text("digest"), format!("docker://{to}"));
        let options = [
            "--tls-verify=false",
            "--digestfile",
            &file,
            "--format",
            self.format,
            name,
            &to,
        ];
        self.tool.run(command.iter().chain(&options));
        let digest = fs::read_to_string(file).expect("the program writes the digest");
        digest.trim().to_owned()
    }
}

/// A program with a storage of its own. The `vfs` driver works wherever files can be written.
fn storage(name: &str) -> Tool {
    let mut tool = Tool::new(packages::debian(name));
    configure(&mut tool);
    tool.write("containers.conf", "");
    tool.env("CONTAINERS_CONF", "containers.conf");
    let (root, runroot) = (tool.path_text("storage"), tool.path_text("run"));
    let conf = format!("[storage]\ndriver = 'vfs'\ngraphroot = '{root}'\nrunroot = '{runroot}'\n");
    tool.write("storage.conf", &conf);
    tool.env("CONTAINERS_STORAGE_CONF", "storage.conf");
    tool
}

/// Gives the configuration that podman, buildah and skopeo share: any image is taken, no short name is known, nobody is
/// logged in, and no other program's memory of blobs counts.
pub(super) fn configure(tool: &mut Tool) {
    tool.hide_state();
    let user = ".config/containers";
    fs::create_dir_all(tool.path(user)).expect("a directory can be made in the home directory");
    tool.write(
        &format!("{user}/policy.json"),
        r#"{"default":[{"type":"insecureAcceptAnything"}]}"#,
    );
    tool.write("registries.conf", "unqualified-search-registries = []\n");
    tool.env("CONTAINERS_REGISTRIES_CONF", "registries.conf");
    tool.write("auth.json", "{}");
    tool.env("REGISTRY_AUTH_FILE", "auth.json");
}

impl Client for Containers {
    fn name(&self) -> &'static str {
        self.name
    }

    fn keeps_bytes(&self) -> bool {
        false
    }

    fn push(&self, source: &ImageSource, to: &str) -> String {
        let id = self.load(source);
        self.copy(&id, to)
    }

    fn copy(&self, from: &str, to: &str) -> String {
        self.tool.run(["tag", from, to]);
        self.push_as(&["push"], to, to)
    }

    fn pull(&self, from: &str) -> Pulled {
        let id = self.pull_from(from);
        // One line for each name that the image has.
        let listed = self
            .tool
            .run(["images", "--no-trunc", "--format", "{{.Digest}} {{.ID}}", from]);
        let mut words = listed.split_whitespace();
        let digest = words.next().unwrap_or_default().to_owned();
        assert_eq!(
            words.next(),
            Some(id.as_str()),
            "{} lists another image than it pulled",
            self.name
        );
        Pulled {
            digest,
            image_ids: vec![id],
        }
    }

    fn push_index(&self, source: &IndexSource, to: &str) -> String {
        self.tool.run(["manifest", "create", LIST]);
        for image in &source.images {
            let id = self.load(image);
            let stored = format!("containers-storage:{}", id.trim_start_matches("sha256:"));
            self.tool.run(["manifest", "add", LIST, &stored]);
        }
        self.push_as(&["manifest", "push", "--all"], LIST, to)
    }

    fn pull_index(&self, from: &str) -> Pulled {
        self.pull(from)
    }
}
