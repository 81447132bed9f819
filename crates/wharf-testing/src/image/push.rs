//! Pushing without a client: monolithic uploads and manifest puts over raw HTTP.

use super::{Content, Image, Index};
use crate::http::{Client, Request, with_query};

impl Image {
    /// Pushes the blobs, then the manifest under this tag or digest.
    pub fn push(&self, client: &Client, repository: &str, reference: &str) {
        for blob in self.blobs() {
            push_blob(client, repository, blob);
        }
        push_manifest(client, repository, reference, &self.manifest);
    }
}

impl Index {
    /// Pushes the images by digest, then the index under this tag or digest.
    pub fn push(&self, client: &Client, repository: &str, reference: &str) {
        for image in &self.images {
            image.push(client, repository, &image.manifest.digest);
        }
        push_manifest(client, repository, reference, &self.manifest);
    }
}

/// Pushes a blob: `POST`, then `PUT` with everything at the location that came back.
pub fn push_blob(client: &Client, repository: &str, blob: &Content) {
    let upload = client
        .send(Request::post(format!("/v2/{repository}/blobs/uploads/")))
        .expect_status(202);
    let put = Request::put(with_query(&upload.location(), &format!("digest={}", blob.digest)));
    client
        .send(put.header("Content-Type", "application/octet-stream").body(&blob.bytes))
        .expect_status(201);
}

/// Puts a manifest under this tag or digest.
pub fn push_manifest(client: &Client, repository: &str, reference: &str, manifest: &Content) {
    let put = Request::put(format!("/v2/{repository}/manifests/{reference}"));
    client
        .send(put.header("Content-Type", &manifest.media_type).body(&manifest.bytes))
        .expect_status(201);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Format, ImageBuilder};
    use crate::{Config, DockerRegistry, Registry as _};

    #[test]
    fn what_was_pushed_is_served() {
        let registry = DockerRegistry::start(&Config::new());
        let client = registry.client();
        let index = ImageBuilder::new(11)
            .format(Format::Docker)
            .build_index(&["linux/amd64", "linux/arm64"]);
        index.push(&client, "some/where", "both");
        let get = Request::get("/v2/some/where/manifests/both").header("Accept", &index.manifest.media_type);
        assert_eq!(client.send(get).expect_status(200).body, index.manifest.bytes);
        let layer = &index.image("linux/arm64").layers[2].blob;
        let get = Request::get(format!("/v2/some/where/blobs/{}", layer.digest));
        assert_eq!(client.send(get).expect_status(200).body, layer.bytes);
    }
}
