//! Whole objects: writing, reading, replacing, removing.

use std::fmt::Debug;
use std::io;

use super::{Bench, Case, ENOUGH_BYTES, assert_not_file, assert_not_found, join};
use crate::{Durability, EntryKind, Object, Stat, StorageError};

pub(super) const CASES: &[(&str, Case)] = &[
    ("absent", absent),
    ("written-is-read", written_is_read),
    ("read-limit", read_limit),
    ("replaced-at-once", replaced_at_once),
    ("read-in-pieces", read_in_pieces),
    ("open-survives", open_survives),
    ("names", names),
    ("long-names", long_names),
    ("directory-is-no-object", directory_is_no_object),
    ("below-an-object", below_an_object),
    ("removed", removed),
];

fn absent(bench: &Bench<'_>) {
    let driver = bench.driver;
    bench.write("here", b"");
    for path in ["gone", "gone/below"] {
        let key = bench.key(path);
        assert_not_found(driver.stat(&key), &key);
        assert_not_found(driver.read(&key, 0), &key);
        assert_not_found(driver.open(&key), &key);
        assert_not_found(driver.list(&key), &key);
        assert_not_found(driver.append(&key, 1), &key);
        assert_not_found(driver.rename(&key, &bench.key("new/place")), &key);
        for durability in [Durability::Lazy, Durability::Synced] {
            assert_not_found(driver.remove(&key, durability), &key);
            assert_not_found(driver.remove_tree(&key, durability), &key);
        }
    }
    assert_eq!(
        bench.list_names(),
        ["here"],
        "looking for what is absent made something"
    );
}

fn written_is_read(bench: &Bench<'_>) {
    for durability in [Durability::Lazy, Durability::Synced] {
        for size in [0, 1, 255, 4096, 4097, 1_000_000] {
            let bytes: Vec<u8> = (0..size).map(|i: u32| i.to_le_bytes()[i as usize % 4]).collect();
            let key = bench.key("some/where/object");
            bench.driver.write(&key, &bytes, durability).expect("write");
            assert_eq!(bench.read("some/where/object"), bytes, "{size} bytes, {durability:?}");
            let stat = Stat {
                kind: EntryKind::File,
                size_bytes: u64::from(size),
            };
            assert_eq!(bench.driver.stat(&key).expect("stat"), stat);
        }
    }
}

fn read_limit(bench: &Bench<'_>) {
    bench.write("object", b"12345");
    let key = bench.key("object");
    for max_bytes in [5, 6, u64::MAX] {
        assert_eq!(bench.driver.read(&key, max_bytes).expect("read"), b"12345");
    }
    for limit in [0, 4] {
        match bench.driver.read(&key, limit) {
            Err(StorageError::TooLarge { key: named, max_bytes }) => {
                assert_eq!((named, max_bytes), (key.clone(), limit));
            }
            other => panic!("5 bytes within a limit of {limit}: {other:?}"),
        }
    }
}

fn replaced_at_once(bench: &Bench<'_>) {
    for bytes in [&b"a longer object"[..], b"short", b"", b"again"] {
        bench.write("object", bytes);
        assert_eq!(bench.read("object"), bytes);
    }
    assert_eq!(bench.list_names(), ["object"]);
}

fn read_in_pieces(bench: &Bench<'_>) {
    bench.write("object", b"0123456789");
    let object = bench.open("object");
    assert_eq!(object.size_bytes(), 10);
    assert_eq!(piece(&*object, 0, 10), b"0123456789");
    assert_eq!(piece(&*object, 3, 4), b"3456");
    assert_eq!(piece(&*object, 8, 5), b"89");
    assert_eq!(piece(&*object, 5, 0), b"");
    for beyond in [10, 11, 1 << 40] {
        assert_eq!(piece(&*object, beyond, 5), b"", "at {beyond}");
    }
}

fn open_survives(bench: &Bench<'_>) {
    bench.write("object", b"first");
    let first = bench.open("object");
    bench.write("object", b"2nd");
    let second = bench.open("object");
    bench.write("other", b"the third");
    bench
        .driver
        .rename(&bench.key("other"), &bench.key("object"))
        .expect("rename");
    let third = bench.open("object");
    bench
        .driver
        .remove(&bench.key("object"), Durability::Lazy)
        .expect("remove");
    for (object, bytes) in [(first, &b"first"[..]), (second, b"2nd"), (third, b"the third")] {
        assert_eq!(object.size_bytes(), bytes.len() as u64);
        assert_eq!(piece(&*object, 0, 100), bytes);
    }
}

fn names(bench: &Bench<'_>) {
    let names = [
        "...",
        "a b",
        "é ü",
        "-rf",
        "a.tmp",
        "~",
        "*",
        "sha256:ab",
        "%2e%2e",
        "UP",
        "up",
    ];
    for name in names {
        let key = join(&join(&bench.base, name), name);
        bench.driver.write(&key, name.as_bytes(), Durability::Lazy).expect(name);
    }
    for name in names {
        let directory = join(&bench.base, name);
        let bytes = bench.driver.read(&join(&directory, name), ENOUGH_BYTES).expect(name);
        assert_eq!(bytes, name.as_bytes());
        let entries = bench.driver.list(&directory).expect(name);
        assert_eq!(entries.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), [name]);
    }
    let mut sorted = names.map(str::to_owned);
    sorted.sort();
    assert_eq!(bench.list_names(), sorted);
}

fn long_names(bench: &Bench<'_>) {
    for name in ["n".repeat(255), "é".repeat(127)] {
        for bytes in [b"old", b"new"] {
            bench.write(&name, bytes);
            assert_eq!(bench.read(&name), bytes);
        }
    }
    let deep = ["d"; 400].join("/");
    bench.write(&deep, b"deep");
    assert_eq!(bench.read(&deep), b"deep");
}

fn directory_is_no_object(bench: &Bench<'_>) {
    let driver = bench.driver;
    bench.write("directory/child", b"kept");
    bench.write("object", b"object");
    let directory = bench.key("directory");
    let stat = Stat {
        kind: EntryKind::Directory,
        size_bytes: 0,
    };
    assert_eq!(driver.stat(&directory).expect("stat"), stat);
    assert_not_file(driver.read(&directory, ENOUGH_BYTES), &directory);
    assert_not_file(driver.open(&directory), &directory);
    assert_not_file(driver.write(&directory, b"", Durability::Synced), &directory);
    assert_not_file(driver.append(&directory, 0), &directory);
    assert_not_file(driver.append(&directory, 1), &directory);
    assert_not_file(driver.remove(&directory, Durability::Synced), &directory);
    assert_not_file(driver.rename(&directory, &bench.key("elsewhere")), &directory);
    assert_not_file(driver.rename(&bench.key("object"), &directory), &directory);
    assert_eq!(bench.read("directory/child"), b"kept");
    assert_eq!(bench.read("object"), b"object");
    bench.assert_absent("elsewhere");
}

fn below_an_object(bench: &Bench<'_>) {
    let driver = bench.driver;
    bench.write("object", b"kept");
    bench.write("other", b"other");
    for path in ["object/child", "object/child/of/child"] {
        let key = bench.key(path);
        assert_not_found(driver.stat(&key), &key);
        assert_not_found(driver.read(&key, ENOUGH_BYTES), &key);
        assert_not_found(driver.open(&key), &key);
        assert_not_found(driver.list(&key), &key);
        assert_not_found(driver.append(&key, 1), &key);
        assert_not_found(driver.remove(&key, Durability::Synced), &key);
        assert_not_found(driver.remove_tree(&key, Durability::Synced), &key);
        assert_not_found(driver.rename(&key, &bench.key("new")), &key);
        assert_not_a_directory(driver.write(&key, b"", Durability::Synced));
        assert_not_a_directory(driver.append(&key, 0));
        assert_not_a_directory(driver.rename(&bench.key("other"), &key));
    }
    let object = bench.key("object");
    assert_not_found(driver.list(&object), &object);
    assert_eq!(bench.read("object"), b"kept");
    assert_eq!(bench.read("other"), b"other");
}

fn removed(bench: &Bench<'_>) {
    for durability in [Durability::Lazy, Durability::Synced] {
        bench.write("directory/gone", b"gone");
        bench.write("directory/kept", b"kept");
        bench
            .driver
            .remove(&bench.key("directory/gone"), durability)
            .expect("remove");
        bench.assert_absent("directory/gone");
        assert_eq!(bench.read("directory/kept"), b"kept");
    }
    bench
        .driver
        .remove(&bench.key("directory/kept"), Durability::Synced)
        .expect("remove");
    assert_eq!(bench.list("directory"), [], "the directory stays");
}

#[track_caller]
fn assert_not_a_directory<T: Debug>(result: Result<T, StorageError>) {
    match result {
        Err(StorageError::Io { source, .. }) => {
            assert_eq!(source.kind(), io::ErrorKind::NotADirectory);
        }
        other => panic!("made something below an object: {other:?}"),
    }
}

/// Up to `size` bytes of `object` at `offset`: all there are.
fn piece(object: &dyn Object, offset: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    let mut filled = 0;
    while filled < size {
        match object
            .read_at(offset + filled as u64, &mut bytes[filled..])
            .expect("read_at")
        {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    bytes
}

impl Bench<'_> {
    fn open(&self, path: &str) -> Box<dyn Object> {
        self.driver.open(&self.key(path)).expect(self.name)
    }

    /// Names in this case's directory, sorted.
    fn list_names(&self) -> Vec<String> {
        let entries = self.driver.list(&self.base).expect(self.name);
        let mut names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
        names.sort();
        names
    }
}
