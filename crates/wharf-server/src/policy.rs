//! Who may do what: asked before every handler, for every endpoint there is.
//!
//! What this registry allows depends on its settings only, since it knows no users yet. An endpoint that is added to the grammar
//! does not compile until it is named here.

use http::Method;
use wharf_spec::Endpoint;

use crate::error::ApiError;

/// The settings that decide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) delete_enabled: bool,
    pub(crate) read_only: bool,
}

/// What a request does.
enum Action {
    Pull,
    Push,
    /// Deletes something that was pushed; cancelling an upload is part of pushing.
    Delete,
}

impl Policy {
    /// Refuses what is not allowed.
    pub(crate) fn authorize(self, endpoint: &Endpoint, method: &Method) -> Result<(), ApiError> {
        let action = match endpoint {
            Endpoint::Base | Endpoint::Catalog | Endpoint::Tags(_) | Endpoint::Referrers(..) => Action::Pull,
            Endpoint::Manifest(..) | Endpoint::Blob(..) => match *method {
                Method::GET | Method::HEAD => Action::Pull,
                Method::DELETE => Action::Delete,
                _ => Action::Push,
            },
            Endpoint::Uploads(_) | Endpoint::Upload(..) => Action::Push,
        };
        match action {
            Action::Push | Action::Delete if self.read_only => Err(ApiError::unsupported("the registry is read-only")),
            Action::Delete if !self.delete_enabled => Err(ApiError::unsupported(
                "deletion is disabled; `storage.delete.enabled` enables it",
            )),
            Action::Pull | Action::Push | Action::Delete => Ok(()),
        }
    }
}
