//! Commands from the documents that describe the system, as they stand there; only the port is ours, and the registry
//! they start is the server under test.
//!
//! Where such a command shows what registry 2.8 makes up itself (the signed schema 1 manifest), Debian's
//! `docker-registry` runs it too and both answers are compared.

mod schema1;

use serde_json::Value;
use wharf_testing::clients::Docker;
use wharf_testing::{Config, DockerRegistry, Registry};

use crate::served;

/// Files and a Dockerfile like those of the documents, as far as they go without running anything: layers with and
/// without content alternate, the last line makes none.
const PREPARE: &str = r#"
mkdir opt && for name in a b c; do printf 'file %s of %s\n' $name $NAME >opt/$name; done
mkdir etc && echo $NAME >etc/hostname && tar -cf rootfs.tar etc
cat >Dockerfile <<'END'
FROM scratch
ADD rootfs.tar /
COPY opt/a /opt/a
CMD ["/bin/bash"]
ARG SUFFIX
COPY opt/b /opt/b
COPY opt/c /opt/c
ENV PATH=/usr/bin:/bin NAME=<&>
CMD ["/opt/a"]
END
"#;

/// A shell that runs the commands of a document against a registry.
struct Shell {
    docker: Docker,
    port: u16,
}

impl Shell {
    fn new(registry: &impl Registry) -> Self {
        for program in ["curl", "jq"] {
            wharf_testing::packages::debian(program);
        }
        Self {
            docker: Docker::new(),
            port: registry.addr().port(),
        }
    }

    /// Runs commands with the port put right and returns what they print.
    #[track_caller]
    fn run(&self, commands: &str) -> String {
        let port = self.port.to_string();
        self.docker
            .shell(&commands.replace("localhost:5000", &format!("localhost:{port}")))
    }

    /// Runs commands that need variables set before.
    #[track_caller]
    fn run_with(&self, variables: &[(&str, &str)], commands: &str) -> String {
        let set = |(name, value): &(&str, &str)| format!("{name}='{value}'\n");
        self.run(&(variables.iter().map(set).collect::<String>() + commands))
    }
}

/// Builds an image.
fn build(shell: &Shell, name: &str) {
    shell.run_with(
        &[("NAME", name)],
        &format!("{PREPARE}\ndocker build --tag {name} .\ndocker history {name}"),
    );
}

/// Pushes an image that was built; returns the digest that docker reports.
fn push(shell: &Shell, name: &str) -> String {
    let output = shell.run(&format!(
        "docker tag {name} localhost:5000/{name}\ndocker push localhost:5000/{name}"
    ));
    let (_, digest) = output
        .rsplit_once("latest: digest: ")
        .unwrap_or_else(|| panic!("no digest in {output}"));
    digest.split(' ').next().unwrap().to_owned()
}

fn build_and_push(shell: &Shell, name: &str) -> String {
    build(shell, name);
    push(shell, name)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in `{text}`"))
}

/// The digests and sizes of the layers, base first.
fn layers(manifest: &Value) -> Vec<(String, u64)> {
    let layers = manifest["layers"].as_array().expect("a manifest has layers").iter();
    layers
        .map(|layer| {
            (
                layer["digest"].as_str().unwrap().to_owned(),
                layer["size"].as_u64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn the_manifest_is_what_docker_pushed() {
    let registry = served::start();
    let shell = Shell::new(&registry);
    let digest = build_and_push(&shell, "seed-manifest");
    let manifest = shell.run(
        r#"curl -sLH "Accept: application/vnd.docker.distribution.manifest.v2+json" http://localhost:5000/v2/seed-manifest/manifests/latest"#,
    );
    let begin = "{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"application/vnd.docker.distribution.manifest.v2+json\",\n   \
                 \"config\": {\n      \"mediaType\": \"application/vnd.docker.container.image.v1+json\",\n      \"size\": ";
    assert!(manifest.starts_with(begin), "{manifest}");
    assert!(manifest.ends_with("\n      }\n   ]\n}"), "{manifest}");
    assert_eq!(wharf_testing::encoding::sha256(&manifest), digest);
    let manifest = json(&manifest);
    assert_eq!(layers(&manifest).len(), 4);
    for layer in manifest["layers"].as_array().unwrap() {
        assert_eq!(layer["mediaType"], "application/vnd.docker.image.rootfs.diff.tar.gzip");
    }
    assert_eq!(manifest["config"]["digest"], shell.docker.image_id("seed-manifest"));
}

#[test]
fn an_accept_header_that_fits_nothing_gives_the_signed_schema_1_manifest_of_registry_2_8() {
    let (wharf, theirs) = (served::start(), DockerRegistry::start(&Config::new()));
    let (ours, theirs) = (Shell::new(&wharf), Shell::new(&theirs));
    build(&ours, "seed-schema1");
    let [ours, theirs] = [ours, theirs].map(|shell| {
        push(&shell, "seed-schema1");
        let manifest = shell.run(
            r#"curl -sLH "Accept: application/vnd.docker.container.image.v1+json" http://localhost:5000/v2/seed-schema1/manifests/latest"#,
        );
        let id = shell.docker.image_id("seed-schema1");
        let config = json(&shell.run(&format!("curl -sL http://localhost:5000/v2/seed-schema1/blobs/{id}")));
        schema1::check(&manifest, &config);
        manifest
    });
    assert_eq!(schema1::payload(&ours), schema1::payload(&theirs));
}

#[test]
fn layers_are_what_their_digests_and_sizes_say() {
    let registry = served::start();
    let shell = Shell::new(&registry);
    build_and_push(&shell, "seed-layers");
    let (_, manifest) = served::manifest(&registry, "seed-layers", "latest");
    let gzip = r#"-LH "Accept: application/vnd.docker.image.rootfs.diff.tar.gzip""#;
    for (digest, size) in layers(&manifest) {
        let url = format!("http://localhost:5000/v2/seed-layers/blobs/{digest}");
        let listed = shell.run(&format!("curl -s{} {url} | tar -tz", &gzip[1..]));
        assert!(listed.contains("etc/hostname") || listed.contains("opt/"), "{listed}");
        let sum = shell.run(&format!("curl {gzip} {url} | sha256sum"));
        assert_eq!(sum, format!("{}  -\n", digest.trim_start_matches("sha256:")));
        let length = shell.run(&format!("curl -L {url} | wc -c"));
        assert_eq!(length.trim().parse(), Ok(size));
    }
}

#[test]
fn an_image_gets_another_tag_without_a_pull() {
    let registry = served::start();
    let shell = Shell::new(&registry);
    let digest = build_and_push(&shell, "seed-tag");
    let variables = [
        ("REGISTRY_USER", "someone"),
        ("REGISTRY_PASS", "a secret"),
        ("REGISTRY_NAME", "http://localhost:5000"),
        ("REPOSITORY", "seed-tag"),
        ("TAG_OLD", "latest"),
        ("TAG_NEW", "stable"),
    ];
    shell.run_with(
        &variables,
        r#"
# Download manifest from old name
MANIFEST=$(curl -u "${REGISTRY_USER}:${REGISTRY_PASS}" -H "Accept: application/vnd.docker.distribution.manifest.v2+json" "${REGISTRY_NAME}/v2/${REPOSITORY}/manifests/${TAG_OLD}")

# Push manifest with new name
curl -u "${REGISTRY_USER}:${REGISTRY_PASS}" -X PUT -H "Content-Type: application/vnd.docker.distribution.manifest.v2+json" -d "${MANIFEST}" "${REGISTRY_NAME}/v2/${REPOSITORY}/manifests/${TAG_NEW}"
"#,
    );
    assert_eq!(served::manifest(&registry, "seed-tag", "stable").0, digest);
}

#[test]
fn manifest_configuration_and_layers_come_through_jq_and_tar() {
    let registry = served::start();
    let shell = Shell::new(&registry);
    let digest = build_and_push(&shell, "hello-world-java");
    let (_, manifest) = served::manifest(&registry, "hello-world-java", "latest");
    let get_manifest = r#"
curl http://localhost:5000/v2/hello-world-java/manifests/latest \
    --silent \
    --header "Accept: application/vnd.docker.distribution.manifest.v2+json""#;
    assert_eq!(json(&shell.run(&format!("{get_manifest} \\\n| jq"))), manifest);

    let config = shell.run(&format!("{get_manifest} \\\n| jq --raw-output '.config.digest'"));
    assert_eq!(config.trim(), shell.docker.image_id("hello-world-java"));
    let config = shell.run_with(
        &[("DIGEST", config.trim())],
        r#"
curl http://localhost:5000/v2/hello-world-java/blobs/${DIGEST} \
    --silent \
    --header "Accept: application/vnd.docker.container.image.v1+json" \
| jq"#,
    );
    let config = json(&config);
    assert_eq!(config["config"]["Cmd"], serde_json::json!(["/opt/a"]));
    assert_eq!(config["rootfs"]["diff_ids"].as_array().map(Vec::len), Some(4));

    let last = shell.run(&format!("{get_manifest} \\\n| jq --raw-output '.layers[-1].digest'"));
    let layers = layers(&manifest);
    assert_eq!(last.trim(), layers[3].0);
    let layer = |then: &str| {
        let get = r#"
curl http://localhost:5000/v2/hello-world-java/blobs/${DIGEST} \
    --silent \
    --header "Accept: application/vnd.docker.image.rootfs.diff.tar.gzip" \
| "#;
        shell.run_with(&[("DIGEST", last.trim())], &format!("{get}{then}"))
    };
    assert!(
        layer("tar -tvz")
            .lines()
            .any(|line| line.starts_with("-rw") && line.ends_with(" opt/c"))
    );
    assert_eq!(
        layer("sha256sum"),
        format!("{}  -\n", last.trim().trim_start_matches("sha256:"))
    );
    assert_eq!(layer("wc -c").trim().parse(), Ok(layers[3].1));

    shell.run(&format!(
        r#"MANIFEST=$({get_manifest})
curl http://localhost:5000/v2/hello-world-java/manifests/new \
    --request PUT \
    --header "Content-Type: application/vnd.docker.distribution.manifest.v2+json" \
    --data "${{MANIFEST}}""#
    ));
    assert_eq!(served::manifest(&registry, "hello-world-java", "new").0, digest);
}

#[test]
fn push_and_pull_print_what_they_always_print() {
    let registry = served::start();
    let shell = Shell::new(&registry);
    let image = format!("127.0.0.1:{}/lutaoact2/hello-world", registry.addr().port());
    build(&shell, "seed-transcript");
    let output = shell.run(&format!(
        "docker tag seed-transcript {image}:3
docker push {image}:3"
    ));
    let pushed = |output: &str, word: &str| output.lines().filter(|line| line.ends_with(word)).count();
    assert!(
        output.contains(&format!("The push refers to repository [{image}]\n")),
        "{output}"
    );
    assert_eq!(pushed(&output, ": Pushed"), 4, "{output}");
    let (digest, manifest) = served::manifest(&registry, "lutaoact2/hello-world", "3");
    let size = shell.run(&format!("cat {} | wc -c", registry.tree(&data(&digest)).display()));
    assert!(
        output.ends_with(&format!("3: digest: {digest} size: {}\n", size.trim())),
        "{output}"
    );

    let output = shell.run(&format!("docker tag {image}:3 {image}:2\ndocker push {image}:2"));
    assert_eq!(pushed(&output, ": Layer already exists"), 4, "{output}");

    let output = shell.run(&format!(
        "docker rmi seed-transcript {image}:2 {image}:3 >/dev/null\ndocker pull {image}:3"
    ));
    assert!(
        output.starts_with("3: Pulling from lutaoact2/hello-world\n"),
        "{output}"
    );
    for (layer, _) in layers(&manifest) {
        assert!(
            output.contains(&format!("{}: Pull complete\n", &layer["sha256:".len()..][..12])),
            "{output}"
        );
    }
    let end = format!("Digest: {digest}\nStatus: Downloaded newer image for {image}:3\n{image}:3\n");
    assert!(output.ends_with(&end), "{output}");
}

/// Where a blob or manifest lies in the tree.
fn data(digest: &str) -> String {
    let hex = digest.trim_start_matches("sha256:");
    format!("blobs/sha256/{}/{hex}/data", &hex[..2])
}
