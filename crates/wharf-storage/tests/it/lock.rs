//! One process per root.

use std::fs;
use std::path::Path;

use wharf_storage::{LockError, RootLock};

use crate::process;

fn assert_held(path: &Path, holder: u32) {
    match RootLock::acquire(path) {
        Err(LockError::Held { path: named, pid }) => {
            assert_eq!((named.as_path(), pid), (path, Some(holder)));
        }
        other => panic!("a held lock was acquired: {other:?}"),
    }
}

#[test]
fn a_second_holder_in_this_process_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wharf/lock");
    let lock = RootLock::acquire(&path).unwrap();
    assert_held(&path, std::process::id());
    assert_held(&path, std::process::id());
    let pid: u32 = fs::read_to_string(&path).unwrap().trim().parse().unwrap();
    assert_eq!(pid, std::process::id());
    drop(lock);
    assert!(path.exists(), "the file stays");
    drop(RootLock::acquire(&path).unwrap());
}

#[test]
fn a_second_process_is_refused() {
    if process::is_again() {
        let argument = process::argument();
        let (pid, path) = argument.split_once(' ').unwrap();
        assert_held(Path::new(path), pid.parse().unwrap());
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lock");
    let _lock = RootLock::acquire(&path).unwrap();
    let argument = format!("{} {}", std::process::id(), path.display());
    process::again("lock::a_second_process_is_refused", ":", &argument);
}

#[test]
fn what_a_dead_holder_wrote_does_not_count() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lock");
    fs::write(&path, "4194304 and some more\n").unwrap();
    let _lock = RootLock::acquire(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
}

#[test]
fn the_message_names_file_and_holder() {
    let path = Path::new("/data/wharf/lock");
    let error = LockError::Held {
        path: path.to_owned(),
        pid: Some(42),
    };
    assert_eq!(error.to_string(), "`/data/wharf/lock` is locked by process `42`");
    let error = LockError::Held {
        path: path.to_owned(),
        pid: None,
    };
    assert_eq!(error.to_string(), "`/data/wharf/lock` is locked by another process");
}

#[test]
fn a_file_that_cannot_be_made_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    let result = RootLock::acquire(&directory.path().join("file/lock"));
    assert!(matches!(result, Err(LockError::Io { .. })), "{result:?}");
}
