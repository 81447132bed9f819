//! A driver that fails on command.

mod plan;

use self::plan::Call;
use crate::{Appender, Driver, Durability, Entry, Object, Stat, StorageError, StorageKey};

pub use self::plan::{Fault, FaultPlan, FaultPlans};

/// A driver around another one that counts every call, those of its [`Object`]s and [`Appender`]s
/// included, and fails the one its [`FaultPlan`] names.
///
/// The loop that fails each call of a piece of work once, and looks at what is left each time:
///
/// ```
/// use wharf_storage::{Driver, Durability, Fault, FaultPlan, Faulty, Memory};
///
/// # let (key, other) = ("a".parse()?, "b".parse()?);
/// for plan in FaultPlan::each_call(Fault::Io) {
///     let memory = Memory::new();
///     let driver = Faulty::new(memory.clone(), plan.clone());
///     let work = || {
///         driver.write(&key, b"new", Durability::Synced)?;
///         driver.rename(&key, &other)
///     };
///     match work() {
///         Ok(()) => assert_eq!(memory.read(&other, 3)?, b"new"),
///         Err(_) => assert!(memory.stat(&other).is_err()),
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Faulty<D> {
    driver: D,
    plan: FaultPlan,
}

impl<D: Driver> Faulty<D> {
    /// Wraps `driver`. The caller keeps a clone of `plan` to look at and to change.
    pub fn new(driver: D, plan: FaultPlan) -> Self {
        Self { driver, plan }
    }
}

impl<D: Driver> Driver for Faulty<D> {
    fn name(&self) -> &'static str {
        self.driver.name()
    }

    fn stat(&self, key: &StorageKey) -> Result<Stat, StorageError> {
        self.plan.run(Call::Read, "stat", key, || self.driver.stat(key))
    }

    fn read(&self, key: &StorageKey, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.plan
            .run(Call::Read, "read", key, || self.driver.read(key, max_bytes))
    }

    fn open(&self, key: &StorageKey) -> Result<Box<dyn Object>, StorageError> {
        let object = self.plan.run(Call::Read, "open", key, || self.driver.open(key))?;
        Ok(Box::new(FaultyObject {
            object,
            plan: self.plan.clone(),
            key: key.clone(),
        }))
    }

    fn write(&self, key: &StorageKey, bytes: &[u8], durability: Durability) -> Result<(), StorageError> {
        self.plan
            .run(Call::Bytes, "write", key, || self.driver.write(key, bytes, durability))
    }

    fn append(&self, key: &StorageKey, offset: u64) -> Result<Box<dyn Appender>, StorageError> {
        let call = || self.driver.append(key, offset);
        let appender = self.plan.run(Call::Store, "append to", key, call)?;
        let (plan, key) = (self.plan.clone(), key.clone());
        Ok(Box::new(FaultyAppender {
            appender,
            plan,
            key,
            failed: false,
        }))
    }

    fn rename(&self, from: &StorageKey, to: &StorageKey) -> Result<(), StorageError> {
        self.plan
            .run(Call::Store, "rename to", to, || self.driver.rename(from, to))
    }

    fn list(&self, key: &StorageKey) -> Result<Vec<Entry>, StorageError> {
        self.plan.run(Call::Read, "list", key, || self.driver.list(key))
    }

    fn remove(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError> {
        self.plan
            .run(Call::Remove, "remove", key, || self.driver.remove(key, durability))
    }

    fn remove_tree(&self, key: &StorageKey, durability: Durability) -> Result<(), StorageError> {
        self.plan
            .run(Call::Remove, "remove", key, || self.driver.remove_tree(key, durability))
    }
}

#[derive(Debug)]
struct FaultyObject {
    object: Box<dyn Object>,
    plan: FaultPlan,
    key: StorageKey,
}

impl Object for FaultyObject {
    fn size_bytes(&self) -> u64 {
        self.object.size_bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.plan
            .run(Call::Read, "read", &self.key, || self.object.read_at(offset, buffer))
    }
}

#[derive(Debug)]
struct FaultyAppender {
    appender: Box<dyn Appender>,
    plan: FaultPlan,
    key: StorageKey,
    failed: bool,
}

impl FaultyAppender {
    fn unless_failed(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::Failed { key: self.key.clone() });
        }
        let result = change(self);
        self.failed = result.is_err();
        result
    }
}

impl Appender for FaultyAppender {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.unless_failed(|this| {
            let half = &bytes[..bytes.len() / 2];
            let fault = this.plan.next(Call::Bytes);
            if fault == Some(Fault::ShortWrite) {
                this.appender.write(half)?;
            }
            plan::apply(fault, "append to", &this.key, || this.appender.write(bytes))
        })
    }

    fn size_bytes(&self) -> u64 {
        self.appender.size_bytes()
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.unless_failed(|this| this.plan.run(Call::Store, "sync", &this.key, || this.appender.sync()))
    }
}
