//! A file system that takes no more. A limit on the size of files stands for it: the error is
//! treated the same, and no file system has to be filled.

use wharf_storage::{Driver, Durability, Filesystem, LockError, RootLock, StorageError};

use crate::{key, process};

/// Files end at 64 KiB; the signal that tells so is ignored, which leaves the error.
const LIMITED: &str = "trap '' XFSZ; ulimit -f 128";

#[test]
fn a_write_that_fails_ends_the_appender_and_keeps_what_was_synced() {
    if !process::is_again() {
        let name = "full::a_write_that_fails_ends_the_appender_and_keeps_what_was_synced";
        return process::again(name, LIMITED, "");
    }
    let directory = tempfile::tempdir().unwrap();
    let driver = Filesystem::open(directory.path()).unwrap();
    let object = key("upload/data");
    let mut appender = driver.append(&object, 0).unwrap();
    appender.write(b"kept").unwrap();
    appender.sync().unwrap();
    let error = appender.write(&vec![1; 1 << 20]).unwrap_err();
    assert!(error.is_no_space(), "{error:?}");
    assert_eq!(appender.size_bytes(), 4);
    for result in [appender.sync(), appender.write(b"more")] {
        assert!(matches!(result, Err(StorageError::Failed { .. })), "{result:?}");
    }
    assert!(
        driver.stat(&object).unwrap().size_bytes > 4,
        "the write was not a short one"
    );

    let mut appender = driver.append(&object, 4).unwrap();
    appender.write(b" on").unwrap();
    appender.sync().unwrap();
    assert_eq!(driver.read(&object, 100).unwrap(), b"kept on");
}

#[test]
fn an_object_that_does_not_fit_leaves_the_old_one_and_no_file() {
    if !process::is_again() {
        let name = "full::an_object_that_does_not_fit_leaves_the_old_one_and_no_file";
        return process::again(name, LIMITED, "");
    }
    let directory = tempfile::tempdir().unwrap();
    let driver = Filesystem::open(directory.path()).unwrap();
    let object = key("directory/object");
    driver.write(&object, b"old", Durability::Synced).unwrap();
    for durability in [Durability::Lazy, Durability::Synced] {
        let error = driver.write(&object, &vec![1; 1 << 20], durability).unwrap_err();
        assert!(error.is_no_space(), "{error:?}");
    }
    assert_eq!(driver.read(&object, 100).unwrap(), b"old");
    assert_eq!(driver.list(&key("directory")).unwrap().len(), 1);
    driver.write(&object, b"fits", Durability::Synced).unwrap();
}

#[test]
fn a_lock_is_had_even_when_its_holder_cannot_be_told() {
    if !process::is_again() {
        let name = "full::a_lock_is_had_even_when_its_holder_cannot_be_told";
        return process::again(name, "trap '' XFSZ; ulimit -f 0", "");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lock");
    let _lock = RootLock::acquire(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"", "the id was written after all");
    match RootLock::acquire(&path) {
        Err(LockError::Held { pid: None, .. }) => {}
        other => panic!("a held lock: {other:?}"),
    }
}
