//! HTTP transport (HTTP).
