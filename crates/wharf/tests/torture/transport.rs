//! HTTP transport (HTTP).

mod descriptors;
mod files;
mod floods;
pub(crate) mod frames;
mod http2;
mod limits;
mod methods;
mod ranges;
mod reflection;
mod slow;

use std::fs;

pub(crate) use http2::{Http2, over_both};

use crate::harness::Torture;

/// How many sockets a server has open.
fn sockets(torture: &Torture) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", torture.server().pid())).unwrap();
    // A descriptor may be closed between the listing and the look at it.
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}
