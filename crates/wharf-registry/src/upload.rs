//! Upload sessions: from POST to PUT, over as many requests and restarts as it takes.
//!
//! The tree is the record of an upload: its directory says that it exists, `data` how far it is. Memory holds what makes going on
//! cheap (the running hash) and safe (one lock per upload, held from the check of the offset until the bytes are stored).

use std::collections::HashMap;
use std::io::IoSlice;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch};
use uuid::Uuid;
use wharf_spec::{Algorithm, Digest, Hasher, RepositoryName, UploadId, hash_state};
use wharf_storage::{Appender, Durability};

use crate::blob::{Blob, remove_tree};
use crate::error::{Failure, UploadError};
use crate::paths;
use crate::registry::Registry;

/// `startedat` and hash states are short; nothing longer is read.
pub(crate) const SMALL_BYTES_MAX: u64 = 4096;
/// How much is read at a time to hash again what an upload holds.
const READ_BYTES: usize = 1 << 20;

/// The uploads that this process has seen.
#[derive(Debug)]
pub(crate) struct Uploads {
    max: usize,
    sessions: Mutex<HashMap<UploadId, Arc<Session>>>,
}

/// What memory holds of an upload.
#[derive(Debug)]
pub(crate) struct Session {
    /// Whoever works on the upload has it.
    progress: Arc<AsyncMutex<Progress>>,
    /// Set when a client cancels the upload, so that a request that writes to it ends.
    cancelled: watch::Sender<bool>,
}

/// How far this process has come with an upload.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The running hash over everything stored, if it is known.
    hasher: Option<Hasher>,
    /// When a request last worked on it.
    pub(crate) active_at: Timestamp,
}

impl Session {
    fn new(progress: Progress) -> Arc<Self> {
        Arc::new(Self {
            progress: Arc::new(AsyncMutex::new(progress)),
            cancelled: watch::Sender::new(false),
        })
    }

    /// The lock, if nobody has it.
    pub(crate) fn try_lock(&self) -> Option<OwnedMutexGuard<Progress>> {
        Arc::clone(&self.progress).try_lock_owned().ok()
    }
}

impl Uploads {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            sessions: Mutex::new(HashMap::new()),
        }
    }

    fn session(&self, id: &UploadId) -> Arc<Session> {
        let mut sessions = self.sessions.lock();
        Arc::clone(
            sessions
                .entry(id.clone())
                .or_insert_with(|| Session::new(Progress::default())),
        )
    }

    pub(crate) fn find(&self, id: &UploadId) -> Option<Arc<Session>> {
        self.sessions.lock().get(id).cloned()
    }

    /// Lets go of an upload that is no longer in the tree. Not before: whoever comes then would get a lock of its own.
    pub(crate) fn forget(&self, id: &UploadId) {
        self.sessions.lock().remove(id);
    }
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadStatus {
    /// Which upload.
    pub id: UploadId,
    /// The bytes received.
    pub size_bytes: u64,
    /// When it was started, RFC 3339.
    pub started_at: String,
}

/// The right to work on an upload. Nobody else has it until this is dropped.
#[derive(Debug)]
pub struct UploadGuard {
    repository: RepositoryName,
    id: UploadId,
    progress: OwnedMutexGuard<Progress>,
    cancelled: watch::Receiver<bool>,
}

/// An upload that takes bytes. Dropped without [`UploadWriter::suspend`] or [`UploadWriter::commit`], it keeps what was written.
#[derive(Debug)]
pub struct UploadWriter {
    registry: Arc<Registry>,
    guard: UploadGuard,
    appender: Box<dyn Appender>,
    hasher: Hasher,
    start_bytes: u64,
    started_at: String,
}

impl Registry {
    /// Starts an upload. `algorithm` is the one its digest will have, as far as the client told.
    pub fn create_upload(
        &self,
        repository: &RepositoryName,
        algorithm: Algorithm,
    ) -> Result<UploadStatus, UploadError> {
        self.check_writable()?;
        self.confirm_for_write(repository)?;
        let id: UploadId = Uuid::new_v4().to_string().parse().map_err(|_| UploadError::Unknown)?;
        {
            let mut sessions = self.uploads.sessions.lock();
            if sessions.len() >= self.uploads.max {
                return Err(UploadError::TooMany { max: self.uploads.max });
            }
            let progress = Progress {
                hasher: Some(Hasher::new(algorithm)),
                active_at: Timestamp::now(),
            };
            sessions.insert(id.clone(), Session::new(progress));
        }
        let now = Timestamp::now();
        let created = self.write_new_upload(repository, &id, algorithm, &whole_seconds(now));
        if let Err(error) = created {
            self.uploads.forget(&id);
            return Err(error.into());
        }
        Ok(UploadStatus {
            id,
            size_bytes: 0,
            started_at: now.to_string(),
        })
    }

    /// Nothing of the client's is in a new upload, so that its files need not be durable yet; the first bytes make them so.
    fn write_new_upload(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
        algorithm: Algorithm,
        started_at: &str,
    ) -> Result<(), Failure> {
        self.driver.write(
            &paths::upload_started_at(repository, id),
            started_at.as_bytes(),
            Durability::Lazy,
        )?;
        self.driver.append(&paths::upload_data(repository, id), 0)?;
        let state = hash_state::export(&Hasher::new(algorithm));
        Ok(self.driver.write(
            &paths::hash_state(repository, id, algorithm, 0),
            &state,
            Durability::Lazy,
        )?)
    }

    /// The number of uploads that this process works on.
    pub fn open_uploads(&self) -> usize {
        self.uploads.sessions.lock().len()
    }

    /// How far an upload is.
    pub fn upload_status(&self, repository: &RepositoryName, id: &UploadId) -> Result<UploadStatus, UploadError> {
        let started_at = match self
            .driver
            .read(&paths::upload_started_at(repository, id), SMALL_BYTES_MAX)
        {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.is_not_found() => return Err(UploadError::Unknown),
            Err(error) => return Err(error.into()),
        };
        let size_bytes = match self.driver.stat(&paths::upload_data(repository, id)) {
            Ok(stat) => stat.size_bytes,
            Err(error) if error.is_not_found() => 0,
            Err(error) => return Err(error.into()),
        };
        Ok(UploadStatus {
            id: id.clone(),
            size_bytes,
            started_at,
        })
    }

    /// Waits until nobody else works on an upload. It may be gone then.
    pub async fn lock_upload(&self, repository: &RepositoryName, id: &UploadId) -> UploadGuard {
        let session = self.uploads.session(id);
        let cancelled = session.cancelled.subscribe();
        let mut progress = Arc::clone(&session.progress).lock_owned().await;
        progress.active_at = Timestamp::now();
        UploadGuard {
            repository: repository.clone(),
            id: id.clone(),
            progress,
            cancelled,
        }
    }

    /// How far an upload is whose lock was waited for, if it is still there.
    pub fn locked_upload_status(&self, guard: &UploadGuard) -> Result<UploadStatus, UploadError> {
        self.upload_status(&guard.repository, &guard.id).inspect_err(|error| {
            if matches!(error, UploadError::Unknown) {
                self.uploads.forget(&guard.id);
            }
        })
    }

    /// Opens an upload for writing at its end.
    pub fn open_upload(self: &Arc<Self>, mut guard: UploadGuard) -> Result<UploadWriter, UploadError> {
        self.check_writable()?;
        let status = self.locked_upload_status(&guard)?;
        let hasher = match guard.progress.hasher.take() {
            Some(hasher) if hasher.size_bytes() == status.size_bytes => hasher,
            _ => self.resume_hash(&guard, status.size_bytes)?,
        };
        let data = paths::upload_data(&guard.repository, &guard.id);
        let appender = match self.driver.append(&data, status.size_bytes) {
            Ok(appender) => appender,
            Err(error) if error.is_not_found() => return Err(UploadError::Unknown),
            Err(error) => return Err(error.into()),
        };
        Ok(UploadWriter {
            registry: Arc::clone(self),
            guard,
            appender,
            hasher,
            start_bytes: status.size_bytes,
            started_at: status.started_at,
        })
    }

    /// Makes a request that writes to an upload end, so that whoever cancels it need not wait.
    pub fn interrupt_upload(&self, id: &UploadId) {
        if let Some(session) = self.uploads.find(id) {
            session.cancelled.send_replace(true);
        }
    }

    /// Ends an upload and throws its bytes away.
    pub fn cancel_upload(&self, guard: &UploadGuard) -> Result<(), UploadError> {
        self.check_writable()?;
        self.locked_upload_status(guard)?;
        remove_tree(&*self.driver, &paths::upload(&guard.repository, &guard.id))?;
        self.uploads.forget(&guard.id);
        Ok(())
    }

    /// The hash over what an upload holds: from its kept state, or else by reading it all again.
    fn resume_hash(&self, guard: &UploadGuard, size_bytes: u64) -> Result<Hasher, Failure> {
        let (repository, id) = (&guard.repository, &guard.id);
        let sha512 = self
            .driver
            .stat(&paths::hash_states(repository, id, Algorithm::Sha512))
            .is_ok();
        let algorithm = if sha512 { Algorithm::Sha512 } else { Algorithm::Sha256 };
        let kept = self.driver.read(
            &paths::hash_state(repository, id, algorithm, size_bytes),
            SMALL_BYTES_MAX,
        );
        let state = kept.ok().and_then(|bytes| hash_state::import(algorithm, &bytes));
        match state {
            // registry:2 writes states whose name does not fit what they hashed; those don't count.
            Some(hasher) if hasher.size_bytes() == size_bytes => Ok(hasher),
            _ => self.hash_data(repository, id, algorithm),
        }
    }

    fn hash_data(&self, repository: &RepositoryName, id: &UploadId, algorithm: Algorithm) -> Result<Hasher, Failure> {
        let mut hasher = Hasher::new(algorithm);
        let object = match self.driver.open(&paths::upload_data(repository, id)) {
            Ok(object) => object,
            Err(error) if error.is_not_found() => return Ok(hasher),
            Err(error) => return Err(error.into()),
        };
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match object.read_at(hasher.size_bytes(), &mut buffer)? {
                0 => return Ok(hasher),
                count => hasher.update(&buffer[..count]),
            }
        }
    }
}

impl UploadWriter {
    /// The bytes received so far.
    pub fn size_bytes(&self) -> u64 {
        self.appender.size_bytes()
    }

    /// How far the upload is.
    pub fn status(&self) -> UploadStatus {
        UploadStatus {
            id: self.guard.id.clone(),
            size_bytes: self.size_bytes(),
            started_at: self.started_at.clone(),
        }
    }

    /// Becomes true when a client cancels the upload.
    pub fn cancelled(&self) -> watch::Receiver<bool> {
        self.guard.cancelled.clone()
    }

    /// Takes back everything that was written since it was opened.
    pub fn roll_back(self) -> Result<UploadStatus, UploadError> {
        let Self {
            registry,
            guard,
            appender,
            start_bytes,
            started_at,
            ..
        } = self;
        drop(appender);
        registry
            .driver
            .append(&paths::upload_data(&guard.repository, &guard.id), start_bytes)?;
        Ok(UploadStatus {
            id: guard.id.clone(),
            size_bytes: start_bytes,
            started_at,
        })
    }

    /// The bytes written since it was opened.
    pub fn written_bytes(&self) -> u64 {
        self.size_bytes() - self.start_bytes
    }

    /// Appends bytes, in pieces as they came: up to a thousand.
    pub fn write<T: AsRef<[u8]>>(&mut self, pieces: &[T]) -> Result<(), Failure> {
        let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece.as_ref())).collect();
        self.appender.write_pieces(&slices)?;
        for piece in pieces {
            self.hasher.update(piece.as_ref());
        }
        Ok(())
    }

    /// Makes what was received durable, to go on in another request.
    pub fn suspend(mut self) -> Result<UploadStatus, UploadError> {
        if self.size_bytes() != self.start_bytes {
            self.appender.sync()?;
            self.keep_hash_state()?;
        }
        let status = self.status();
        self.guard.progress.hasher = Some(self.hasher);
        Ok(status)
    }

    /// Keeps the newest hash state only. It can be computed anew, so that it need not be durable.
    fn keep_hash_state(&self) -> Result<(), Failure> {
        let UploadGuard { repository, id, .. } = &self.guard;
        let state_key = |size_bytes| paths::hash_state(repository, id, self.hasher.algorithm(), size_bytes);
        let state = hash_state::export(&self.hasher);
        self.registry
            .driver
            .write(&state_key(self.hasher.size_bytes()), &state, Durability::Lazy)?;
        match self
            .registry
            .driver
            .remove(&state_key(self.start_bytes), Durability::Lazy)
        {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Ends the upload: its bytes become a blob of the repository, if they have this digest. If not, they are thrown away.
    pub fn commit(self, expected: Digest) -> Result<Blob, UploadError> {
        let Self {
            registry,
            guard,
            mut appender,
            hasher,
            ..
        } = self;
        let UploadGuard { repository, id, .. } = &guard;
        let size_bytes = appender.size_bytes();
        let hasher = if hasher.algorithm() == expected.algorithm() {
            hasher
        } else {
            registry.hash_data(repository, id, expected.algorithm())?
        };
        if hasher.finish() != expected {
            remove_tree(&*registry.driver, &paths::upload(repository, id))?;
            registry.uploads.forget(id);
            return Err(UploadError::Digest { expected });
        }
        let blob = Blob::stored(expected, size_bytes);
        if !registry.has_content(expected, size_bytes)? {
            appender.sync()?;
            registry
                .driver
                .rename(&paths::upload_data(repository, id), &paths::blob_data(&expected))?;
        }
        registry.link_blob(repository, blob)?;
        // The blob is safe; what is left of the upload can wait for the purge if it can't be removed now.
        if let Err(error) = registry
            .driver
            .remove_tree(&paths::upload(repository, id), Durability::Lazy)
        {
            tracing::warn!(%repository, upload_id = %id, %error, "could not remove a finished upload");
        }
        registry.uploads.forget(id);
        Ok(blob)
    }
}

/// Go's RFC 3339 of whole seconds in UTC.
pub(crate) fn whole_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
