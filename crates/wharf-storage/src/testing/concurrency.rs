//! Several threads at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{Bench, Case, ENOUGH_BYTES};
use crate::{Durability, EntryKind};

pub(super) const CASES: &[(&str, Case)] = &[
    ("writers-never-mix", writers_never_mix),
    ("parents-at-once", parents_at_once),
    ("parents-against-removal", parents_against_removal),
];

/// Each writer's objects are of one byte, and of another size.
fn writers_never_mix(bench: &Bench<'_>) {
    const OBJECT_BYTES: usize = 40_000;

    bench.write("object", &vec![0; OBJECT_BYTES]);
    let key = bench.key("object");
    let done = AtomicBool::new(false);
    let check = |bytes: &[u8]| {
        let first = bytes.first().copied().expect("an object is never seen empty");
        assert_eq!(bytes.len(), OBJECT_BYTES + usize::from(first));
        assert!(bytes.iter().all(|byte| *byte == first), "objects were mixed");
    };
    thread::scope(|scope| {
        let writers: Vec<_> = (1..=4_u8)
            .map(|writer| {
                let (driver, key) = (bench.driver, &key);
                scope.spawn(move || {
                    let bytes = vec![writer; OBJECT_BYTES + usize::from(writer)];
                    for round in 0..50 {
                        let durability = if round % 10 == 0 {
                            Durability::Synced
                        } else {
                            Durability::Lazy
                        };
                        driver.write(key, &bytes, durability).expect("write");
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                check(&bench.driver.read(&key, ENOUGH_BYTES).expect("read"));
            }
        });
        let results: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok), "a writer failed");
    });
    check(&bench.read("object"));
}

fn parents_at_once(bench: &Bench<'_>) {
    for round in 0..10 {
        thread::scope(|scope| {
            for thread in 0..4 {
                let path = format!("{round}/a/b/c/{thread}");
                scope.spawn(move || {
                    bench.write(&path, b"object");
                    assert_eq!(bench.read(&path), b"object");
                });
            }
        });
        assert_eq!(bench.list(&format!("{round}/a/b/c")).len(), 4);
    }
}

/// Writers succeed although their directory is removed all the time.
fn parents_against_removal(bench: &Bench<'_>) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..200 {
                let object = bench.key("tree/a/b/object");
                let durability = if round % 10 == 0 {
                    Durability::Synced
                } else {
                    Durability::Lazy
                };
                bench.driver.write(&object, b"object", durability).expect("write");
                // Removed from under its appender it may not be synced, but it can be made.
                drop(bench.append("tree/c/d/object", 0));
            }
        });
        let remover = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                match bench.driver.remove_tree(&bench.key("tree"), Durability::Lazy) {
                    Err(error) if !error.is_not_found() => panic!("remove_tree: {error:?}"),
                    _ => thread::yield_now(),
                }
            }
        });
        let written = writer.join();
        done.store(true, Ordering::Relaxed);
        assert!(written.is_ok() && remover.join().is_ok(), "a thread failed");
    });
    bench.write("tree/a/b/object", b"last");
    assert_eq!(bench.list("tree/a/b"), [("object".to_owned(), EntryKind::File)]);
}
