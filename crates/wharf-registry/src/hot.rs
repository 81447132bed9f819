//! What is read most, kept in memory: manifests whole, small blobs whole, larger blobs as open files, lists of tags.
//!
//! Bytes in memory may outlive their file, of which clients must hear: so the file is looked at again once a second, off the reactor.
//!
//! An entry is made by a read that asked the index, and goes with the commit that makes it untrue, before that change is acknowledged:
//! forgetting also spoils a read under way, whose answer from the index may be the old one. That something is absent is never remembered.

use std::fmt;
use std::hash::Hash;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use quick_cache::sync::{Cache, GuardResult};
use quick_cache::{Equivalent, Weighter};
use wharf_spec::{Digest, Reference, RepositoryName};
use wharf_storage::Object;

use crate::blob::Blob;
use crate::manifest::StoredManifest;

/// Blobs up to this size (bytes) are kept and sent whole.
const SMALL_BLOB_BYTES_MAX: u64 = 64 * 1024;
/// Manifests in memory, in bytes. In a real registry's day ten manifests are 72 % of those asked for, fifty 94 %.
const MANIFEST_BYTES_MAX: u64 = 8 << 20;
/// Small blobs in memory, in bytes.
const BLOB_BYTES_MAX: u64 = 16 << 20;
/// Larger blobs that are kept open, if there are only such: a descriptor each.
const OPEN_MAX: u64 = 64;
/// Lists of tags in memory, in bytes.
const TAG_BYTES_MAX: u64 = 4 << 20;
/// What an entry costs beside its bytes, roughly.
const ENTRY_BYTES: u64 = 256;

/// How long bytes in memory are served without a look at their file.
const FRESH: Duration = Duration::from_secs(1);

/// A manifest with its bytes.
#[derive(Debug)]
pub struct HotManifest {
    /// What the repository knows of it.
    pub manifest: StoredManifest,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A blob that can be read.
#[derive(Debug, Clone)]
pub struct OpenBlob {
    /// Which blob.
    pub blob: Blob,
    /// Its bytes.
    pub content: BlobContent,
}

/// The bytes of a blob. They have the blob's size.
#[derive(Debug, Clone)]
pub enum BlobContent {
    /// In memory.
    Bytes(Bytes),
    /// To be read.
    Object(Arc<dyn Object>),
}

impl OpenBlob {
    /// Reads a small blob, so that no file needs to stay open for it.
    pub(crate) fn new(blob: Blob, object: Box<dyn Object>) -> Result<Self, wharf_storage::StorageError> {
        let content = if blob.size_bytes <= SMALL_BLOB_BYTES_MAX {
            BlobContent::Bytes(read_whole(&*object)?)
        } else {
            BlobContent::Object(object.into())
        };
        Ok(Self { blob, content })
    }

    /// Whether an open file is still what lies under the blob's name, and whole. `None` where there is no open file to ask.
    fn is_current(&self) -> Option<bool> {
        let BlobContent::Object(object) = &self.content else {
            return None;
        };
        let metadata = object.file().and_then(|file| file.metadata().ok());
        Some(metadata.is_some_and(|metadata| metadata.nlink() > 0 && metadata.len() == self.blob.size_bytes))
    }
}

/// Reads an object to the end it had when it was opened. What was cut off since is missing from the result.
fn read_whole(object: &dyn Object) -> Result<Bytes, wharf_storage::StorageError> {
    let mut bytes = vec![0; usize::try_from(object.size_bytes()).unwrap_or_default()];
    let mut filled = 0;
    while filled < bytes.len() {
        match object.read_at(filled as u64, &mut bytes[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    Ok(bytes.into())
}

/// An entry of a repository, by tag or digest.
type Key<T> = (RepositoryName, T);

/// A key that is looked up without being made.
#[derive(Hash)]
struct Borrowed<'a, T>(&'a RepositoryName, &'a T);

impl<T: PartialEq> Equivalent<Key<T>> for Borrowed<'_, T> {
    fn equivalent(&self, key: &Key<T>) -> bool {
        *self.0 == key.0 && *self.1 == key.1
    }
}

/// Something remembered, and when its file was last seen.
#[derive(Debug, Clone)]
struct Entry<V> {
    value: V,
    seen: Arc<Mutex<Instant>>,
}

impl<V> Entry<V> {
    fn new(value: V) -> Self {
        let seen = Arc::new(Mutex::new(Instant::now()));
        Self { value, seen }
    }

    fn is_fresh(&self) -> bool {
        self.seen.lock().elapsed() < FRESH
    }
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Key<Reference>, Entry<Arc<HotManifest>>> for ByBytes {
    fn weight(&self, _: &Key<Reference>, entry: &Entry<Arc<HotManifest>>) -> u64 {
        entry.value.bytes.len() as u64 + ENTRY_BYTES
    }
}

impl Weighter<Key<Digest>, Entry<OpenBlob>> for ByBytes {
    fn weight(&self, _: &Key<Digest>, entry: &Entry<OpenBlob>) -> u64 {
        match &entry.value.content {
            BlobContent::Bytes(bytes) => bytes.len() as u64 + ENTRY_BYTES,
            BlobContent::Object(_) => BLOB_BYTES_MAX / OPEN_MAX,
        }
    }
}

impl Weighter<RepositoryName, Entry<Bytes>> for ByBytes {
    fn weight(&self, _: &RepositoryName, entry: &Entry<Bytes>) -> u64 {
        entry.value.len() as u64 + ENTRY_BYTES
    }
}

/// The caches. Looking up and forgetting take a lock in memory, and nothing that could wait for a disk.
pub(crate) struct Hot {
    manifests: Cache<Key<Reference>, Entry<Arc<HotManifest>>, ByBytes>,
    blobs: Cache<Key<Digest>, Entry<OpenBlob>, ByBytes>,
    tags: Cache<RepositoryName, Entry<Bytes>, ByBytes>,
    /// Counts the times that more was forgotten than single entries.
    generation: AtomicU64,
}

impl fmt::Debug for Hot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hot")
            .field("manifests", &self.manifests.len())
            .field("blobs", &self.blobs.len())
            .finish_non_exhaustive()
    }
}

impl Hot {
    pub(crate) fn new() -> Self {
        Self {
            manifests: Cache::with_weighter(256, MANIFEST_BYTES_MAX, ByBytes),
            blobs: Cache::with_weighter(1024, BLOB_BYTES_MAX, ByBytes),
            tags: Cache::with_weighter(64, TAG_BYTES_MAX, ByBytes),
            generation: AtomicU64::new(0),
        }
    }

    pub(crate) fn manifest(&self, repository: &RepositoryName, reference: &Reference) -> Option<Arc<HotManifest>> {
        let entry = self.manifests.get(&Borrowed(repository, reference))?;
        entry.is_fresh().then_some(entry.value)
    }

    pub(crate) fn blob(&self, repository: &RepositoryName, digest: Digest) -> Option<OpenBlob> {
        let entry = self.blobs.get(&Borrowed(repository, &digest))?;
        let is_current = entry.value.is_current().unwrap_or_else(|| entry.is_fresh());
        is_current.then_some(entry.value)
    }

    pub(crate) fn tags(&self, repository: &RepositoryName) -> Option<Bytes> {
        Some(self.tags.get(repository)?.value)
    }

    /// Runs `load` and remembers what it finds, unless someone loads the same just now or makes it untrue meanwhile. What is remembered
    /// already is asked after with `is_there`.
    pub(crate) fn load_manifest<E>(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
        is_there: impl FnOnce(&HotManifest) -> Result<bool, E>,
        load: impl FnOnce() -> Result<Option<Arc<HotManifest>>, E>,
    ) -> Result<Option<Arc<HotManifest>>, E> {
        let key = (repository.clone(), reference.clone());
        self.load_into(&self.manifests, &key, |manifest| is_there(manifest), load)
    }

    /// The same for a blob.
    pub(crate) fn load_blob<E>(
        &self,
        repository: &RepositoryName,
        digest: Digest,
        is_there: impl FnOnce(Blob) -> Result<bool, E>,
        load: impl FnOnce() -> Result<Option<OpenBlob>, E>,
    ) -> Result<Option<OpenBlob>, E> {
        let key = (repository.clone(), digest);
        let is_there = |open: &OpenBlob| open.is_current().map_or_else(|| is_there(open.blob), Ok);
        self.load_into(&self.blobs, &key, is_there, load)
    }

    /// The same for the tags of a repository.
    pub(crate) fn load_tags<E>(
        &self,
        repository: &RepositoryName,
        load: impl FnOnce() -> Result<Option<Bytes>, E>,
    ) -> Result<Option<Bytes>, E> {
        self.load_into(&self.tags, repository, |_| Ok(true), load)
    }

    /// Forgets a manifest by one of its names, and, since that may be a tag, the list of tags.
    pub(crate) fn forget_manifest(&self, repository: &RepositoryName, reference: &Reference) {
        self.manifests.remove(&Borrowed(repository, reference));
        if matches!(reference, Reference::Tag(_)) {
            self.tags.remove(repository);
        }
    }

    pub(crate) fn forget_blob(&self, repository: &RepositoryName, digest: Digest) {
        self.blobs.remove(&Borrowed(repository, &digest));
    }

    /// Forgets everything of a repository.
    pub(crate) fn forget_repository(&self, repository: &RepositoryName) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.manifests.retain(|(name, _), _| name != repository);
        self.blobs.retain(|(name, _), _| name != repository);
        self.tags.remove(repository);
    }

    fn load_into<K, V, E>(
        &self,
        cache: &Cache<K, Entry<V>, ByBytes>,
        key: &K,
        is_there: impl FnOnce(&V) -> Result<bool, E>,
        load: impl FnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<V>, E>
    where
        K: Eq + Hash + Clone,
        V: Clone,
        ByBytes: Weighter<K, Entry<V>>,
    {
        // Nobody waits for another's load: threads that all wait for one slow disk would be missed elsewhere.
        let guard = match cache.get_value_or_guard(key, Some(Duration::ZERO)) {
            GuardResult::Value(entry) => {
                if is_there(&entry.value)? {
                    *entry.seen.lock() = Instant::now();
                    return Ok(Some(entry.value));
                }
                cache.remove(key);
                return load();
            }
            GuardResult::Timeout => return load(),
            GuardResult::Guard(guard) => guard,
        };
        let generation = self.generation.load(Ordering::SeqCst);
        let loaded = load()?;
        if let Some(value) = &loaded {
            // Refused when the entry was forgotten meanwhile, because what was loaded may be old.
            let _ = guard.insert(Entry::new(value.clone()));
            if self.generation.load(Ordering::SeqCst) != generation {
                cache.remove(key);
            }
        }
        Ok(loaded)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use wharf_spec::Algorithm;

    use super::*;

    fn name() -> RepositoryName {
        "a/b".parse().unwrap()
    }

    fn tag() -> Reference {
        "latest".parse().unwrap()
    }

    fn manifest(text: &'static str) -> Arc<HotManifest> {
        let digest = Digest::of(Algorithm::Sha256, text.as_bytes());
        let (media_type, size_bytes) = ("text/plain".to_owned(), text.len() as u64);
        let manifest = StoredManifest {
            digest,
            media_type,
            size_bytes,
        };
        Arc::new(HotManifest {
            manifest,
            bytes: Bytes::from_static(text.as_bytes()),
        })
    }

    #[expect(clippy::unnecessary_wraps, reason = "the signature is given")]
    fn there(_: &HotManifest) -> Result<bool, Infallible> {
        Ok(true)
    }

    fn load(hot: &Hot, text: &'static str) -> Bytes {
        let loaded = hot.load_manifest(&name(), &tag(), there, || Ok::<_, Infallible>(Some(manifest(text))));
        loaded.unwrap().unwrap().bytes.clone()
    }

    #[test]
    fn what_was_loaded_is_remembered_until_it_is_forgotten() {
        let hot = Hot::new();
        assert!(hot.manifest(&name(), &tag()).is_none());
        assert_eq!(load(&hot, "old"), "old");
        assert_eq!(hot.manifest(&name(), &tag()).unwrap().bytes, "old");
        assert_eq!(load(&hot, "new"), "old");
        hot.forget_manifest(&name(), &tag());
        assert!(hot.manifest(&name(), &tag()).is_none());
        assert_eq!(load(&hot, "new"), "new");
        hot.forget_repository(&"a".parse().unwrap());
        assert!(hot.manifest(&name(), &tag()).is_some());
        hot.forget_repository(&name());
        assert!(hot.manifest(&name(), &tag()).is_none());
    }

    #[test]
    fn the_list_of_tags_goes_with_a_tag() {
        let hot = Hot::new();
        let list = || Ok::<_, Infallible>(Some(Bytes::from_static(b"[]")));
        hot.load_tags(&name(), list).unwrap();
        hot.forget_manifest(&name(), &Reference::Digest(manifest("other").manifest.digest));
        assert_eq!(hot.tags(&name()).as_deref(), Some(b"[]".as_slice()));
        hot.forget_manifest(&name(), &tag());
        assert_eq!(hot.tags(&name()), None);
    }

    #[test]
    fn a_load_under_way_while_the_entry_is_forgotten_is_not_remembered() {
        let hot = Hot::new();
        let loaded = hot.load_manifest(&name(), &tag(), there, || {
            hot.forget_manifest(&name(), &tag());
            Ok::<_, Infallible>(Some(manifest("old")))
        });
        assert!(loaded.unwrap().is_some());
        assert!(hot.manifest(&name(), &tag()).is_none());
    }

    #[test]
    fn nor_is_one_under_way_while_its_repository_is_forgotten() {
        let hot = Hot::new();
        let loaded = hot.load_manifest(&name(), &tag(), there, || {
            hot.forget_repository(&name());
            Ok::<_, Infallible>(Some(manifest("old")))
        });
        assert!(loaded.unwrap().is_some());
        assert!(hot.manifest(&name(), &tag()).is_none());
    }

    #[test]
    fn a_second_load_at_the_same_time_does_not_wait() {
        let hot = Hot::new();
        let outer = hot.load_manifest(&name(), &tag(), there, || {
            assert_eq!(load(&hot, "inner"), "inner");
            Ok::<_, Infallible>(Some(manifest("outer")))
        });
        assert_eq!(outer.unwrap().unwrap().bytes, "outer");
    }

    #[test]
    fn absence_is_not_remembered() {
        let hot = Hot::new();
        let absent = hot.load_manifest(&name(), &tag(), there, || Ok::<_, Infallible>(None));
        assert!(absent.unwrap().is_none());
        assert_eq!(load(&hot, "there"), "there");
    }

    #[test]
    fn what_is_there_no_more_is_loaded_again() {
        let hot = Hot::new();
        load(&hot, "old");
        let gone = |_: &HotManifest| Ok::<_, Infallible>(false);
        let loaded = hot.load_manifest(&name(), &tag(), gone, || Ok(Some(manifest("new"))));
        assert_eq!(loaded.unwrap().unwrap().bytes, "new");
        assert!(hot.manifest(&name(), &tag()).is_none());
    }

    #[test]
    fn memory_and_descriptors_are_bounded() {
        let hot = Hot::new();
        let bytes = Bytes::from(vec![0; 64 * 1024]);
        for number in 0..2000_u32 {
            let digest = Digest::of(Algorithm::Sha256, &number.to_be_bytes());
            let blob = Blob::stored(digest, bytes.len() as u64);
            let content = BlobContent::Bytes(bytes.clone());
            let open = OpenBlob { blob, content };
            hot.load_blob(&name(), digest, |_| Ok(true), || Ok::<_, Infallible>(Some(open)))
                .unwrap();
        }
        assert!(hot.blobs.weight() <= BLOB_BYTES_MAX);
        assert!(hot.blobs.len() >= 100, "{}", hot.blobs.len());
    }
}
