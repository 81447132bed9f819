//! The registry:2 tree with its index: blobs, manifests, tags and uploads.
