//! The registry's HTTP face: configuration, routes, handlers, errors, metrics.
//!
//! A request comes in at [`listener`](Server::run), passes the service (health gate, metrics, access log), the router (path, rights)
//! and ends in a handler, which asks the registry. Only this crate knows HTTP.

pub mod access_log;
mod app;
mod blocking;
mod body;
pub mod config;
pub mod debug_listener;
mod error;
mod handlers;
pub mod health;
mod listener;
mod location;
pub mod metrics;
mod negotiation;
mod policy;
mod query;
mod range;
mod request_body;
mod router;
mod sendfile;
mod server;
mod service;
mod silence;

pub use server::{Server, StartError};
