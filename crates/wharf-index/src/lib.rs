//! The metadata database: repositories, tags, manifests, blobs and what refers to what.
