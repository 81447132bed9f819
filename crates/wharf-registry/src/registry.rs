//! The registry: its tree, its index, and what keeps the two in step.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use tokio::sync::watch;
use wharf_index::{Counts, Index};
use wharf_spec::referrers::Referrer;
use wharf_spec::{Digest, RepositoryName, Tag};
use wharf_storage::Driver;

use crate::adopt::SweepProgress;
use crate::error::{Failure, OpenError};
use crate::hot::Hot;
use crate::locks::Locks;
use crate::rules::Rules;
use crate::state::StateDirectory;
use crate::upload::Uploads;
use crate::upload_token::UploadToken;

/// What can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What is demanded of manifests.
    pub rules: Rules,
    /// Uploads that may be open at once.
    pub uploads_max: usize,
    /// The secret of upload tokens, `http.secret` of registry:2. Without one, one is made and kept.
    pub secret: Option<Vec<u8>>,
}

impl Settings {
    /// For a root that takes no requests.
    pub fn offline() -> Self {
        Self {
            rules: Rules::default(),
            uploads_max: 0,
            secret: Some(Vec::new()),
        }
    }
}

/// One root: a tree as registry:2 keeps it, and its index.
#[derive(Debug)]
pub struct Registry {
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) index: Index,
    pub(crate) rules: Rules,
    pub(crate) locks: Locks,
    /// What was read lately. Whoever changes the index makes it forget.
    pub(crate) hot: Hot,
    pub(crate) uploads: Uploads,
    pub(crate) token: UploadToken,
    /// Repositories whose index was compared with the tree since the start.
    pub(crate) confirmed: RwLock<HashSet<RepositoryName>>,
    /// Whether everything was compared with the tree since the start, before which a list of everything may be wrong.
    pub(crate) swept: watch::Sender<bool>,
    pub(crate) sweep_progress: SweepProgress,
    pub(crate) state: StateDirectory,
}

impl Registry {
    /// Opens the registry whose tree `driver` holds.
    pub fn open(driver: Arc<dyn Driver>, state: StateDirectory, settings: Settings) -> Result<Self, OpenError> {
        let index = state.open_index()?;
        Self::with_index(driver, state, settings, index)
    }

    /// Opens the registry with an empty index beside the one in use, to be filled by [`Registry::sweep`] and put in its place by
    /// [`Registry::finish_reindex`].
    pub fn begin_reindex(
        driver: Arc<dyn Driver>,
        state: StateDirectory,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let index = state.open_new_index()?;
        Self::with_index(driver, state, settings, index)
    }

    /// Puts the index that was made anew in the place of the other.
    pub fn finish_reindex(self) -> Result<(), OpenError> {
        let Self { index, state, .. } = self;
        drop(index);
        state.adopt_new_index()
    }

    pub(crate) fn with_index(
        driver: Arc<dyn Driver>,
        state: StateDirectory,
        settings: Settings,
        index: Index,
    ) -> Result<Self, OpenError> {
        // A root that can't be read must not look like an empty one.
        crate::tree::entries(&*driver, &crate::paths::repositories())?;
        let secret = match settings.secret {
            Some(secret) => secret,
            None => state.secret()?,
        };
        Ok(Self {
            driver,
            index,
            rules: settings.rules,
            locks: Locks::new(),
            hot: Hot::new(),
            uploads: Uploads::new(settings.uploads_max),
            token: UploadToken::new(&secret),
            confirmed: RwLock::new(HashSet::new()),
            swept: watch::Sender::new(false),
            sweep_progress: SweepProgress::default(),
            state,
        })
    }

    /// Whether nothing can be written.
    pub fn is_read_only(&self) -> bool {
        self.state.is_read_only()
    }

    /// Signs and reads the state that travels in upload URLs.
    pub fn token(&self) -> &UploadToken {
        &self.token
    }

    /// The driver under the tree.
    pub fn driver(&self) -> &Arc<dyn Driver> {
        &self.driver
    }

    /// Refuses writes where they are impossible, before any byte is taken.
    pub(crate) fn check_writable(&self) -> Result<(), Failure> {
        if self.is_read_only() {
            Err(Failure::ReadOnly)
        } else {
            Ok(())
        }
    }

    /// Whether the repository holds a manifest, which is what makes it exist for clients.
    pub fn exists(&self, repository: &RepositoryName) -> Result<bool, Failure> {
        self.confirm(repository)?;
        Ok(self.index.has_manifests(repository)?)
    }

    /// Tags in bytewise order, behind `after`, `limit` at most. `None` when there is no such repository.
    pub fn tags(
        &self,
        repository: &RepositoryName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<String>>, Failure> {
        if !self.exists(repository)? {
            return Ok(None);
        }
        Ok(Some(self.index.tags(repository, after, limit)?))
    }

    /// The tags of a repository that was asked for them lately, as [`Registry::all_tags`] tells them. Never waits for a disk.
    pub fn hot_tags(&self, repository: &RepositoryName) -> Option<Bytes> {
        self.hot.tags(repository)
    }

    /// All tags in bytewise order, as an array in JSON. `None` when there is no such repository.
    pub fn all_tags(&self, repository: &RepositoryName) -> Result<Option<Bytes>, Failure> {
        self.confirm(repository)?;
        self.hot.load_tags(repository, || {
            if !self.index.has_manifests(repository)? {
                return Ok(None);
            }
            let mut array = String::from("[");
            self.index.for_each_tag(repository, |tag| {
                let comma = if array.len() == 1 { "" } else { "," };
                // No character of a tag needs to be escaped.
                array.extend([comma, "\"", tag, "\""]);
            })?;
            array.push(']');
            Ok(Some(array.into()))
        })
    }

    /// Repositories that hold a manifest, by path component, behind the name `after`, `limit` at most. `after` need not be a
    /// repository, nor even a name. Complete only after [`Registry::wait_until_swept`].
    pub fn catalog(&self, after: &str, limit: usize) -> Result<Vec<String>, Failure> {
        let after: Vec<u8> = after.bytes().map(|byte| if byte == b'/' { 0 } else { byte }).collect();
        Ok(self.index.catalog(&after, limit)?)
    }

    /// Manifests whose subject is `subject`, by digest, behind `after`, `limit` at most; of one artifact type if given. Once they
    /// have more than `bytes_max` bytes of text, no more are read, but two in any case.
    pub fn referrers(
        &self,
        repository: &RepositoryName,
        subject: Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Referrer>, Failure> {
        self.confirm(repository)?;
        let list = self
            .index
            .referrers(repository, subject, artifact_type, after, limit, bytes_max);
        Ok(list?)
    }

    /// The digest a tag points to.
    pub fn find_tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<Option<Digest>, Failure> {
        self.confirm(repository)?;
        Ok(self.index.find_tag(repository, tag)?)
    }

    /// How much there is. Reads whole indexes: for metrics now and then.
    pub fn counts(&self) -> Result<Counts, Failure> {
        Ok(self.index.counts()?)
    }
}
