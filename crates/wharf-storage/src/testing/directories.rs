//! Directories: listing, removing, moving between them.

use super::{Bench, Case, assert_not_found};
use crate::{Durability, EntryKind};

pub(super) const CASES: &[(&str, Case)] = &[
    ("list", list),
    ("list-many", list_many),
    ("remove-tree", remove_tree),
    ("remove-tree-of-an-object", remove_tree_of_an_object),
    ("make-again", make_again),
    ("rename", rename),
    ("rename-to-itself", rename_to_itself),
];

fn entry(name: &str, kind: EntryKind) -> (String, EntryKind) {
    (name.to_owned(), kind)
}

fn list(bench: &Bench<'_>) {
    bench.write("directory/object", b"");
    bench.write("directory/child/object", b"");
    bench.write("directory/child/grandchild/object", b"");
    bench.write("directory-beside/object", b"");
    let expected = [entry("child", EntryKind::Directory), entry("object", EntryKind::File)];
    assert_eq!(bench.list("directory"), expected);
    let object = bench.key("directory/object");
    assert_not_found(bench.driver.list(&object), &object);
}

fn list_many(bench: &Bench<'_>) {
    let names: Vec<_> = (0..500).map(|number| format!("{number:03}")).collect();
    for name in &names {
        let key = bench.key("directory").join(name).expect("a key");
        bench.driver.write(&key, b"", Durability::Lazy).expect("write");
    }
    let expected: Vec<_> = names.iter().map(|name| entry(name, EntryKind::File)).collect();
    assert_eq!(bench.list("directory"), expected);
}

fn remove_tree(bench: &Bench<'_>) {
    for durability in [Durability::Lazy, Durability::Synced] {
        for path in [
            "foo/link",
            "foo/bar/link",
            "foo/bar/baz/link",
            "foo-bar/link",
            "foo0/link",
        ] {
            bench.write(path, path.as_bytes());
        }
        bench
            .driver
            .remove_tree(&bench.key("foo"), durability)
            .expect("remove_tree");
        bench.assert_absent("foo");
        bench.assert_absent("foo/bar/baz/link");
        for path in ["foo-bar/link", "foo0/link"] {
            assert_eq!(bench.read(path), path.as_bytes());
        }
    }
}

fn remove_tree_of_an_object(bench: &Bench<'_>) {
    bench.write("object", b"");
    bench.write("kept", b"");
    bench
        .driver
        .remove_tree(&bench.key("object"), Durability::Synced)
        .expect("remove_tree");
    bench.assert_absent("object");
    assert_eq!(bench.read("kept"), b"");
}

fn make_again(bench: &Bench<'_>) {
    for round in [b"1", b"2", b"3"] {
        bench.write("a/b/c/object", round);
        assert_eq!(bench.read("a/b/c/object"), round);
        bench.append("a/b/d/object", 0).sync().expect("sync");
        bench
            .driver
            .rename(&bench.key("a/b/d/object"), &bench.key("a/e/object"))
            .expect("rename");
        for path in ["a/b/c", "a/b", "a"] {
            let key = bench.key(path);
            bench.driver.remove_tree(&key, Durability::Synced).expect("remove_tree");
        }
    }
}

fn rename(bench: &Bench<'_>) {
    bench.write("from/object", b"new");
    let (from, to) = (bench.key("from/object"), bench.key("deep/new/place"));
    bench.driver.rename(&from, &to).expect("rename to where nothing is");
    assert_eq!(bench.read("deep/new/place"), b"new");
    bench.assert_absent("from/object");
    assert_eq!(bench.list("from"), [], "the old directory stays");

    bench.write("from/object", b"newer");
    bench.driver.rename(&from, &to).expect("rename over an object");
    assert_eq!(bench.read("deep/new/place"), b"newer");

    assert_not_found(bench.driver.rename(&from, &to), &from);
    assert_eq!(bench.read("deep/new/place"), b"newer");
}

fn rename_to_itself(bench: &Bench<'_>) {
    bench.write("object", b"same");
    bench
        .driver
        .rename(&bench.key("object"), &bench.key("object"))
        .expect("rename");
    assert_eq!(bench.read("object"), b"same");
}
