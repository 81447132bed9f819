//! The registry's HTTP face: configuration, routes, handlers, errors, metrics.
