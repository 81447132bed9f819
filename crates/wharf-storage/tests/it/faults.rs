//! Each call of a piece of work fails once, in every way: what is left is the old or the new.

use std::sync::Arc;

use wharf_storage::{
    Driver, Durability, Entry, EntryKind, Fault, FaultPlan, Faulty, Filesystem, Memory, StorageError, is_temporary_name,
};

use crate::key;

const FAULTS: [Fault; 5] = [
    Fault::Io,
    Fault::LateIo,
    Fault::ShortWrite,
    Fault::NoSpace,
    Fault::ReadOnly,
];

/// Blob data before and after, and a link.
const OLD: &[u8] = b"the old content";
const NEW: &[u8] = b"the new content, which is longer";

/// An upload in two appends, published over an old object; then a link is written, the upload is
/// removed, and what was published is read.
fn push(driver: &dyn Driver) -> Result<(), StorageError> {
    let upload = key("uploads/one/data");
    let (first, second) = NEW.split_at(10);
    for (offset, bytes) in [(0, first), (first.len() as u64, second)] {
        let mut appender = driver.append(&upload, offset)?;
        appender.write(bytes)?;
        appender.sync()?;
    }
    driver.rename(&upload, &key("blobs/data"))?;
    driver.write(&key("links/link"), NEW, Durability::Synced)?;
    driver.remove(&key("uploads/startedat"), Durability::Synced)?;
    driver.remove_tree(&key("uploads/one"), Durability::Synced)?;
    let object = driver.open(&key("blobs/data"))?;
    object.read_at(0, &mut [0; 8])?;
    driver.list(&key("links"))?;
    driver.stat(&key("links/link"))?;
    driver.read(&key("links/link"), 100)?;
    Ok(())
}

fn prepare(driver: &dyn Driver) {
    for path in ["blobs/data", "links/link", "uploads/startedat"] {
        driver.write(&key(path), OLD, Durability::Synced).unwrap();
    }
}

fn assert_old_or_new(driver: &dyn Driver, result: &Result<(), StorageError>, plan: &FaultPlan) {
    let read = |path| driver.read(&key(path), 1000).unwrap();
    let (blob, link) = (read("blobs/data"), read("links/link"));
    for bytes in [&blob, &link] {
        assert!(*bytes == OLD || *bytes == NEW, "{plan:?} left {bytes:?}");
    }
    assert!(!(link == NEW && blob == OLD), "{plan:?}: a link without its blob");
    assert_eq!(result.is_err(), plan.has_fired(), "{plan:?}: {result:?}");
    if result.is_ok() {
        assert_eq!((blob.as_slice(), link.as_slice()), (NEW, NEW));
    }
    for directory in ["blobs", "links", "uploads"] {
        let entries = driver.list(&key(directory)).unwrap();
        let temporary = |entry: &Entry| entry.kind == EntryKind::File && is_temporary_name(&entry.name);
        assert!(!entries.iter().any(temporary), "{plan:?} left {entries:?}");
    }
}

/// Calls of `push` that `fault` can meet.
fn calls_met(fault: Fault) -> u64 {
    match fault {
        Fault::Io | Fault::LateIo | Fault::Panic => 15,
        Fault::ShortWrite => 3,
        Fault::NoSpace => 8,
        Fault::ReadOnly => 10,
    }
}

fn fail_each_call(make: impl Fn() -> Arc<dyn Driver>) {
    for fault in FAULTS {
        for plans in [FaultPlan::each_call(fault), FaultPlan::from_each_call(fault)] {
            let mut runs = 0;
            for plan in plans {
                let driver = make();
                prepare(&driver);
                let result = push(&Faulty::new(Arc::clone(&driver), plan.clone()));
                assert_old_or_new(&driver, &result, &plan);
                // After the fault the same work goes through, over whatever is left.
                let _ = driver.write(&key("uploads/startedat"), OLD, Durability::Lazy);
                push(&driver).unwrap();
                assert_old_or_new(&driver, &Ok(()), &FaultPlan::none());
                runs += 1;
            }
            assert_eq!(runs, calls_met(fault) + 1, "{fault:?}");
        }
    }
}

#[test]
fn each_call_in_memory() {
    fail_each_call(|| Arc::new(Memory::new()));
}

#[test]
fn each_call_on_the_file_system() {
    let directory = tempfile::tempdir().unwrap();
    fail_each_call(|| {
        let root = directory.path().join("root");
        let _ = std::fs::remove_dir_all(&root);
        Arc::new(Filesystem::open(&root).unwrap())
    });
}

#[test]
fn errors_are_those_of_the_system() {
    let object = key("a");
    let write = |fault| {
        let driver = Faulty::new(Memory::new(), FaultPlan::at(1, fault));
        driver.write(&object, b"", Durability::Synced).unwrap_err()
    };
    assert!(write(Fault::NoSpace).is_no_space());
    assert!(write(Fault::ReadOnly).is_read_only());
    for fault in [Fault::Io, Fault::LateIo, Fault::ShortWrite] {
        assert!(matches!(write(fault), StorageError::Io { .. }));
    }
}

#[test]
fn a_short_write_keeps_half_and_ends_the_appender() {
    let memory = Memory::new();
    let plan = FaultPlan::at(1, Fault::ShortWrite);
    let driver = Faulty::new(memory.clone(), plan.clone());
    let mut appender = driver.append(&key("a"), 0).unwrap();
    appender.write(b"123456").unwrap_err();
    assert_eq!(memory.read(&key("a"), 10).unwrap(), b"123");
    for result in [appender.write(b"7"), appender.sync()] {
        assert!(matches!(result, Err(StorageError::Failed { .. })), "{result:?}");
    }
    assert_eq!(plan.calls(), 1, "a call reached the storage after the error");
}

#[test]
fn a_failed_sync_is_not_tried_again() {
    let plan = FaultPlan::at(2, Fault::Io);
    let driver = Faulty::new(Memory::new(), plan.clone());
    let mut appender = driver.append(&key("a"), 0).unwrap();
    appender.sync().unwrap_err();
    assert!(matches!(appender.sync(), Err(StorageError::Failed { .. })));
    assert_eq!(plan.calls(), 2);
}

#[test]
fn a_full_disk_still_reads_and_removes_and_recovers() {
    let memory = Memory::new();
    prepare(&memory);
    let plan = FaultPlan::starting_at(1, Fault::NoSpace);
    let driver = Faulty::new(memory, plan.clone());
    for _ in 0..3 {
        driver.write(&key("a"), b"", Durability::Synced).unwrap_err();
        driver.append(&key("a"), 0).unwrap_err();
    }
    driver.read(&key("links/link"), 100).unwrap();
    driver.remove(&key("links/link"), Durability::Synced).unwrap();
    plan.lift();
    driver.write(&key("a"), b"", Durability::Synced).unwrap();
}
