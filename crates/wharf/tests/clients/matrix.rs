//! Every client pushes, and every other client pulls what it pushed.

use wharf_testing::Registry as _;
use wharf_testing::clients::{Client, ImageSource, IndexSource};
use wharf_testing::image::{Compression, Format, ImageBuilder};

use crate::served;

const PLATFORMS: [&str; 2] = ["linux/amd64", "linux/arm64"];

/// The client of this name; none is crane or regctl without Go.
fn find<'a>(clients: &'a [Box<dyn Client>], name: &str) -> Option<&'a dyn Client> {
    clients.iter().find(|client| client.name() == name).map(AsRef::as_ref)
}

/// One client pushes an image to two repositories; the others pull it from both.
fn push_image(pusher: &str, seed: u64, format: Format) {
    let registry = served::start();
    let host = registry.addr().to_string();
    let clients = served::clients(&host);
    let Some(pusher) = find(&clients, pusher) else {
        return;
    };
    let source = ImageSource::new(ImageBuilder::new(seed).format(format).build());
    let (first, second) = (format!("{host}/first/image:1.0"), format!("{host}/second/copy:2.0"));
    let digest = pusher.push(&source, &first);
    assert_eq!(pusher.copy(&first, &second), digest, "the copy is another manifest");
    if pusher.keeps_bytes() {
        assert_eq!(digest, source.image.manifest.digest);
    }
    for (repository, tag, reference) in [("first/image", "1.0", first), ("second/copy", "2.0", second)] {
        let (served, manifest) = served::manifest(&registry, repository, tag);
        assert_eq!(served, digest);
        assert_eq!(manifest["config"]["digest"], source.image.id());
        for puller in clients.iter().filter(|client| client.name() != pusher.name()) {
            let pulled = puller.pull(&reference);
            assert_eq!(pulled.digest, digest, "{} pulls another manifest", puller.name());
            assert_eq!(
                pulled.image_ids,
                [source.image.id()],
                "{} pulls another image",
                puller.name()
            );
        }
    }
    assert!(
        served::uploads(&registry, "first/image", "1.0") >= 4,
        "the access log does not show uploads"
    );
    // All clients mount the layers; some upload the config again.
    assert!(
        served::uploads(&registry, "second/copy", "2.0") <= 1,
        "layers were not mounted:\n{}",
        registry.logs()
    );
}

/// One client pushes images of two platforms under one tag; the others pull it.
fn push_index(pusher: &str, seed: u64, format: Format) {
    let registry = served::start();
    let host = registry.addr().to_string();
    let clients = served::clients(&host);
    let Some(pusher) = find(&clients, pusher) else {
        return;
    };
    let source = IndexSource::new(ImageBuilder::new(seed).format(format).build_index(&PLATFORMS));
    let reference = format!("{host}/several/platforms:1.0");
    let digest = pusher.push_index(&source, &reference);
    if pusher.keeps_bytes() {
        assert_eq!(digest, source.index.manifest.digest);
    }
    let (served, index) = served::manifest(&registry, "several/platforms", "1.0");
    assert_eq!(served, digest);
    let ids = PLATFORMS.map(|platform| source.index.image(platform).id());
    for (number, id) in ids.iter().enumerate() {
        let child = &index["manifests"][number];
        assert_eq!(
            format!("linux/{}", child["platform"]["architecture"].as_str().unwrap()),
            PLATFORMS[number]
        );
        let (_, manifest) = served::manifest(&registry, "several/platforms", child["digest"].as_str().unwrap());
        assert_eq!(manifest["config"]["digest"], *id);
    }
    for puller in clients.iter().filter(|client| client.name() != pusher.name()) {
        let pulled = puller.pull_index(&reference);
        assert_eq!(pulled.digest, digest, "{} pulls another index", puller.name());
        // docker, podman and buildah keep the image of their own platform only.
        let expected = if puller.keeps_bytes() { &ids[..] } else { &ids[..1] };
        assert_eq!(pulled.image_ids, expected, "{} pulls other images", puller.name());
    }
}

macro_rules! pushes_and_the_others_pull {
    ($($client:ident $seed:literal $format:ident)*) => {$(
        mod $client {
            use super::*;

            #[test]
            fn pushes_an_image_to_two_repositories_and_the_others_pull_it() {
                push_image(stringify!($client), $seed, Format::$format);
            }

            #[test]
            fn pushes_images_of_two_platforms_and_the_others_pull_them() {
                push_index(stringify!($client), $seed + 100, Format::$format);
            }
        }
    )*};
}

pushes_and_the_others_pull! {
    docker 1001 Docker
    podman 1002 Oci
    buildah 1003 Docker
    skopeo 1004 Oci
    crane 1005 Oci
    regctl 1006 Docker
}

#[test]
fn every_client_pulls_layers_without_compression() {
    pull_with_all(2001, Compression::None, |_| true);
}

#[test]
fn every_client_that_knows_zstd_pulls_layers_with_it() {
    // The docker engine learned it in version 23; Debian's is 20.10.
    pull_with_all(2002, Compression::Zstd, |client| client != "docker");
}

fn pull_with_all(seed: u64, compression: Compression, knows: fn(&str) -> bool) {
    let registry = served::start();
    let host = registry.addr().to_string();
    let image = ImageBuilder::new(seed).compression(compression).build();
    image.push(&registry.client(), "some/image", "1.0");
    for client in served::clients(&host).iter().filter(|client| knows(client.name())) {
        let pulled = client.pull(&format!("{host}/some/image:1.0"));
        assert_eq!(
            pulled.digest,
            image.manifest.digest,
            "{} pulls another manifest",
            client.name()
        );
        assert_eq!(pulled.image_ids, [image.id()], "{} pulls another image", client.name());
    }
}
