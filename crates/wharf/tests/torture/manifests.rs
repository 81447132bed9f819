//! Manifests (MAN).
