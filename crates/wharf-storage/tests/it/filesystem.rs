//! What only the file system has: modes, symbolic links, foreign names, its root.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use wharf_storage::{Driver, Durability, Entry, EntryKind, Filesystem, StorageError};

use crate::{key, process};

fn filesystem() -> (TempDir, Filesystem) {
    let directory = tempfile::tempdir().unwrap();
    let driver = Filesystem::open(&directory.path().join("root")).unwrap();
    (directory, driver)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn modes_are_what_the_umask_leaves() {
    if !process::is_again() {
        for umask in ["000", "022", "027", "077"] {
            let name = "filesystem::modes_are_what_the_umask_leaves";
            process::again(name, &format!("umask {umask}"), umask);
        }
        return;
    }
    let umask = u32::from_str_radix(&process::argument(), 8).unwrap();
    let (_directory, driver) = filesystem();
    driver.write(&key("a/b/written"), b"", Durability::Synced).unwrap();
    driver.append(&key("c/appended"), 0).unwrap().sync().unwrap();
    driver.rename(&key("c/appended"), &key("d/e/renamed")).unwrap();
    for directory in ["", "a", "a/b", "c", "d", "d/e"] {
        assert_eq!(mode(&driver.root().join(directory)), 0o777 & !umask, "`{directory}`");
    }
    for file in ["a/b/written", "d/e/renamed"] {
        assert_eq!(mode(&driver.root().join(file)), 0o666 & !umask, "`{file}`");
    }
}

#[test]
fn keys_are_paths_below_the_root() {
    let (_directory, driver) = filesystem();
    driver
        .write(&key("docker/registry/v2/x"), b"1", Durability::Synced)
        .unwrap();
    assert_eq!(fs::read(driver.root().join("docker/registry/v2/x")).unwrap(), b"1");
    fs::write(driver.root().join("docker/y"), b"2").unwrap();
    assert_eq!(driver.read(&key("docker/y"), 1).unwrap(), b"2");
}

#[test]
fn the_root_is_made_with_those_above() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("a/b/c");
    let driver = Filesystem::open(&root).unwrap();
    assert_eq!(driver.root(), fs::canonicalize(&root).unwrap());
    assert_eq!(driver.name(), "filesystem");
    Filesystem::open(&root).unwrap();
}

#[test]
fn a_root_that_is_a_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    for root in [file.clone(), file.join("below")] {
        match Filesystem::open(&root) {
            Err(StorageError::Root { path, .. }) => assert_eq!(path, root),
            other => panic!("a file served as root: {other:?}"),
        }
    }
}

#[test]
fn is_writable_tries_it_and_leaves_nothing() {
    let (_directory, driver) = filesystem();
    assert!(driver.is_writable());
    assert_eq!(fs::read_dir(driver.root()).unwrap().count(), 0);
    fs::remove_dir(driver.root()).unwrap();
    assert!(!driver.is_writable());
}

#[test]
fn a_root_that_vanished_is_an_error_of_writes_and_comes_not_back() {
    let (_directory, driver) = filesystem();
    fs::remove_dir(driver.root()).unwrap();
    let results = [
        driver.write(&key("a/b"), b"", Durability::Synced),
        driver.append(&key("a/b"), 0).map(drop),
    ];
    for result in results {
        match result {
            Err(StorageError::Io { source, .. }) => {
                assert_eq!(source.kind(), io::ErrorKind::NotFound);
            }
            other => panic!("stored below a root that is gone: {other:?}"),
        }
    }
    assert!(driver.stat(&key("a/b")).unwrap_err().is_not_found());
    assert!(!driver.root().exists());
}

#[test]
fn directories_removed_by_others_are_made_again() {
    let (_directory, driver) = filesystem();
    for round in [b"1", b"2"] {
        driver.write(&key("a/b/c"), round, Durability::Synced).unwrap();
        assert_eq!(driver.read(&key("a/b/c"), 1).unwrap(), round);
        fs::remove_dir_all(driver.root().join("a")).unwrap();
    }
}

#[test]
fn symbolic_links_are_followed_but_replaced_and_removed_themselves() {
    let (directory, driver) = filesystem();
    let outside = directory.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("object"), "outside").unwrap();
    let link = |target: &Path, name: &str| symlink(target, driver.root().join(name)).unwrap();
    link(&outside.join("object"), "object");
    link(&outside, "directory");
    link(Path::new("nowhere"), "broken");
    link(Path::new("circle"), "circle");
    fs::create_dir(driver.root().join("d")).unwrap();
    link(&outside.join("object"), "d/object");
    link(&outside, "d/directory");
    link(Path::new("nowhere"), "d/broken");

    assert_eq!(driver.read(&key("object"), 10).unwrap(), b"outside");
    assert_eq!(driver.read(&key("directory/object"), 10).unwrap(), b"outside");
    assert_eq!(driver.stat(&key("directory")).unwrap().kind, EntryKind::Directory);
    assert!(driver.stat(&key("broken")).unwrap_err().is_not_found());
    for circle in [driver.stat(&key("circle")).err(), driver.read(&key("circle"), 10).err()] {
        assert!(matches!(circle, Some(StorageError::NotFile { .. })), "{circle:?}");
    }
    let mut entries = driver.list(&key("d")).unwrap();
    entries.sort();
    let entry = |name: &str, kind| Entry {
        name: name.to_owned(),
        kind,
    };
    let expected = [
        entry("broken", EntryKind::Other),
        entry("directory", EntryKind::Directory),
        entry("object", EntryKind::File),
    ];
    assert_eq!(entries, expected);

    driver.write(&key("object"), b"inside", Durability::Synced).unwrap();
    driver.remove(&key("broken"), Durability::Synced).unwrap();
    driver.remove_tree(&key("directory"), Durability::Synced).unwrap();
    driver.remove_tree(&key("d"), Durability::Synced).unwrap();
    assert_eq!(driver.read(&key("object"), 10).unwrap(), b"inside");
    assert_eq!(fs::read(outside.join("object")).unwrap(), b"outside");
}

#[test]
fn names_no_key_can_have_are_listed_escaped_and_removed() {
    let (_directory, driver) = filesystem();
    driver.write(&key("d/object"), b"", Durability::Lazy).unwrap();
    for name in [&b"\xff"[..], b"a\\b", b"a\nb"] {
        fs::write(driver.root().join("d").join(OsStr::from_bytes(name)), "").unwrap();
    }
    let mut entries = driver.list(&key("d")).unwrap();
    entries.sort();
    let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, [r"\xff", r"a\\b", r"a\nb", "object"]);
    for entry in &entries[..3] {
        assert_eq!(entry.kind, EntryKind::Other);
        assert!(key("d").join(&entry.name).is_err());
    }
    driver.remove_tree(&key("d"), Durability::Synced).unwrap();
    assert!(!driver.root().join("d").exists());
}

/// Opening a pipe waits for its other end, unless one asks not to.
#[test]
fn a_pipe_is_no_object_and_nobody_waits_for_it() {
    let (_directory, driver) = filesystem();
    let path = driver.root().join("pipe");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let pipe = key("pipe");
    assert_eq!(driver.stat(&pipe).unwrap().kind, EntryKind::Other);
    let results = [
        driver.read(&pipe, 1).map(drop),
        driver.open(&pipe).map(drop),
        driver.append(&pipe, 0).map(drop),
    ];
    for result in results {
        assert!(matches!(result, Err(StorageError::NotFile { .. })), "{result:?}");
    }
}

#[test]
fn what_no_path_can_be_is_not_found() {
    let (_directory, driver) = filesystem();
    // With the root before it, longer than any path may be.
    let long = key(&vec!["d"; 2048].join("/"));
    assert!(driver.stat(&long).unwrap_err().is_not_found());
    assert!(driver.read(&long, 1).unwrap_err().is_not_found());
    let error = driver.write(&long, b"", Durability::Lazy).unwrap_err();
    assert!(matches!(error, StorageError::Io { .. }), "{error:?}");
}

#[test]
fn an_object_cut_while_open_ends_early() {
    let (_directory, driver) = filesystem();
    driver.write(&key("object"), b"0123456789", Durability::Lazy).unwrap();
    let object = driver.open(&key("object")).unwrap();
    fs::File::options()
        .write(true)
        .open(driver.root().join("object"))
        .and_then(|file| file.set_len(3))
        .unwrap();
    let mut buffer = [0; 10];
    assert_eq!(object.size_bytes(), 10);
    assert_eq!(object.read_at(0, &mut buffer).unwrap(), 3);
    assert_eq!(object.read_at(3, &mut buffer).unwrap(), 0);
}
