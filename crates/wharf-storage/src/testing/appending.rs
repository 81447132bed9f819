//! Objects that grow, and their publishing.

use std::io::IoSlice;

use super::{Bench, Case, assert_not_found};
use crate::{Durability, StorageError};

pub(super) const CASES: &[(&str, Case)] = &[
    ("append-in-pieces", in_pieces),
    ("append-pieces-at-once", pieces_at_once),
    ("append-on", on),
    ("append-nothing", nothing),
    ("append-cuts", cuts),
    ("append-short", short),
    ("append-unsynced", unsynced),
    ("append-and-publish", and_publish),
    ("append-without-directory", without_directory),
];

fn in_pieces(bench: &Bench<'_>) {
    let mut appender = bench.append("new/object", 0);
    let mut expected = Vec::new();
    for number in 0_u8..200 {
        let bytes = vec![number; usize::from(number)];
        appender.write(&bytes).expect("write");
        expected.extend(bytes);
        assert_eq!(appender.size_bytes(), expected.len() as u64);
        if number % 50 == 0 {
            appender.sync().expect("sync");
            assert_eq!(bench.read("new/object"), expected);
        }
    }
    appender.sync().expect("sync");
    appender.sync().expect("sync again");
    assert_eq!(bench.read("new/object"), expected);
}

fn pieces_at_once(bench: &Bench<'_>) {
    let mut appender = bench.append("object", 0);
    let mut expected = Vec::new();
    for round in 0..3_usize {
        // Among them are empty ones, at both ends and in the middle.
        let pieces: Vec<_> = (0..30_u8)
            .map(|number| vec![number; usize::from(number % 10) * 1000 * round])
            .collect();
        let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        appender.write_pieces(&slices).expect("write");
        expected.extend(pieces.concat());
        assert_eq!(appender.size_bytes(), expected.len() as u64);
    }
    appender.sync().expect("sync");
    assert_eq!(bench.read("object"), expected);
}

fn on(bench: &Bench<'_>) {
    for (offset, bytes) in [(0, b"one "), (4, b"two "), (8, b"thre")] {
        let mut appender = bench.append("object", offset);
        assert_eq!(appender.size_bytes(), offset);
        appender.write(bytes).expect("write");
        appender.sync().expect("sync");
    }
    assert_eq!(bench.read("object"), b"one two thre");
}

fn nothing(bench: &Bench<'_>) {
    bench.append("object", 0).sync().expect("sync");
    assert_eq!(bench.read("object"), b"");
    let mut appender = bench.append("object", 0);
    appender.write(b"").expect("write");
    assert_eq!(appender.size_bytes(), 0);
}

fn cuts(bench: &Bench<'_>) {
    bench.write("object", b"0123456789");
    let mut appender = bench.append("object", 4);
    assert_eq!(bench.read("object"), b"0123");
    appender.write(b"xy").expect("write");
    appender.sync().expect("sync");
    assert_eq!(bench.read("object"), b"0123xy");
    bench.append("object", 0).sync().expect("sync");
    assert_eq!(bench.read("object"), b"");
}

fn short(bench: &Bench<'_>) {
    bench.write("object", b"0123");
    for offset in [5, 1 << 40] {
        match bench.driver.append(&bench.key("object"), offset) {
            Err(StorageError::Short { key, have, want }) => {
                assert_eq!((key, have, want), (bench.key("object"), 4, offset));
            }
            other => panic!("appending to 4 bytes at {offset}: {other:?}"),
        }
    }
    assert_eq!(bench.read("object"), b"0123");
}

fn unsynced(bench: &Bench<'_>) {
    let mut appender = bench.append("object", 0);
    appender.write(b"kept").expect("write");
    appender.sync().expect("sync");
    appender.write(b" and not acknowledged").expect("write");
    drop(appender);
    let mut appender = bench.append("object", 4);
    appender.write(b"!").expect("write");
    appender.sync().expect("sync");
    assert_eq!(bench.read("object"), b"kept!");
}

fn and_publish(bench: &Bench<'_>) {
    for bytes in [b"first", b"again"] {
        let mut appender = bench.append("uploads/one/data", 0);
        appender.write(bytes).expect("write");
        appender.sync().expect("sync");
        drop(appender);
        let (from, to) = (bench.key("uploads/one/data"), bench.key("blobs/aa/data"));
        bench.driver.rename(&from, &to).expect("rename");
        assert_eq!(bench.read("blobs/aa/data"), bytes);
        bench.assert_absent("uploads/one/data");
        bench
            .driver
            .remove_tree(&bench.key("uploads/one"), Durability::Synced)
            .expect("remove");
    }
}

fn without_directory(bench: &Bench<'_>) {
    let mut appender = bench.append("uploads/one/data", 0);
    appender.write(b"bytes").expect("write");
    bench
        .driver
        .remove_tree(&bench.key("uploads/one"), Durability::Lazy)
        .expect("remove");
    let key = bench.key("uploads/one/data");
    assert_not_found(appender.sync(), &key);
    for result in [appender.sync(), appender.write(b"more")] {
        match result {
            Err(StorageError::Failed { key: named }) => assert_eq!(named, key),
            other => panic!("an appender went on after an error: {other:?}"),
        }
    }
    bench.assert_absent("uploads/one");
}
