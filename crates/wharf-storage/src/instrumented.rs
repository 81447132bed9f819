//! A driver that reports how long its calls take.

use std::fmt;
use std::time::{Duration, Instant};

use crate::{Appender, Driver, Durability, Entry, Object, Stat, StorageError, StorageKey};

/// What is told after each call: the action, by registry:2's name for its metrics (`GetContent`,
/// `PutContent`, `Stat`, `List`, `Move`, `Delete`, `Reader`, `Writer`), and how long it took.
type Observer = Box<dyn Fn(&'static str, Duration) + Send + Sync>;

/// A driver around another one that reports every call, whether it succeeds or fails. As in
/// registry:2, `Reader` and `Writer` are the opening of an object; what is done with it then is not
/// reported.
pub struct Instrumented<D> {
    driver: D,
    observer: Observer,
}

impl<D: Driver> Instrumented<D> {
    /// Wraps `driver`. `observer` is called in the thread of each call and should be quick.
    pub fn new(driver: D, observer: impl Fn(&'static str, Duration) + Send + Sync + 'static) -> Self {
        Self {
            driver,
            observer: Box::new(observer),
        }
    }

    fn timed<T>(&self, action: &'static str, call: impl FnOnce(&D) -> T) -> T {
        let start = Instant::now();
        let result = call(&self.driver);
        (self.observer)(action, start.elapsed());
        result
    }
}

impl<D: fmt::Debug> fmt::Debug for Instrumented<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumented")
            .field("driver", &self.driver)
            .finish_non_exhaustive()
    }
}

impl<D: Driver> Driver for Instrumented<D> {
    fn name(&self) -> &'static str {
        self.driver.name()
    }

    fn stat(&self, key: &StorageKey) -> Result<Stat, StorageError> {
        self.timed("Stat", |driver| driver.stat(key))
    }

    fn read(&self, key: &StorageKey, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.timed("GetContent", |driver| driver.read(key, max_bytes))
    }

    fn open(&self, key: &StorageKey) -> Result<Box<dyn Object>, StorageError> {
        self.timed("Reader", |driver| driver.open(key))
    }

    fn write(&self, key: &StorageKey, bytes: &[u8], durability: Durability) -> Result<(), StorageError> {
        self.timed("PutContent", |driver| driver.write(key, bytes, durability))
    }

    fn append(&self, key: &StorageKey, offset: u64) -> Result<Box<dyn Appender>, StorageError> {
        self.timed("Writer", |driver| driver.append(key, offset))
    }

    fn rename(&self, from: &StorageKey, to: &StorageKey) -> Result<(), StorageError> {
        self.timed("Move", |driver| driver.rename(from, to))
    }

    fn list(&self, key: &StorageKey) -> Result<Vec<Entry>, StorageError> {
        self.timed("List", |driver| driver.list(key))
    }

    fn remove(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError> {
        self.timed("Delete", |driver| driver.remove(key, durability))
    }

    fn remove_tree(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError> {
        self.timed("Delete", |driver| driver.remove_tree(key, durability))
    }
}
