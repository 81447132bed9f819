//! Digests, names, manifests, error codes and endpoints: the words every other crate speaks.
