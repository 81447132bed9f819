//! The actions an instrumented driver reports.

use std::sync::Arc;
use std::sync::Mutex;

use wharf_storage::{Driver, Durability, Instrumented, Memory};

use crate::key;

#[test]
fn every_call_is_reported_by_registry_2s_name() {
    let actions = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&actions);
    let driver = Instrumented::new(Memory::new(), move |action, _| {
        seen.lock().unwrap().push(action);
    });
    let (object, directory) = (key("a/b"), key("a"));
    driver.write(&object, b"1", Durability::Lazy).unwrap();
    driver.read(&object, 1).unwrap();
    driver.stat(&object).unwrap();
    driver.list(&directory).unwrap();
    driver.open(&object).unwrap().read_at(0, &mut [0]).unwrap();
    driver.append(&object, 1).unwrap().write(b"2").unwrap();
    driver.rename(&object, &key("a/c")).unwrap();
    driver.remove(&key("a/c"), Durability::Lazy).unwrap();
    driver.remove_tree(&directory, Durability::Lazy).unwrap();
    driver.stat(&object).unwrap_err();
    let expected = [
        "PutContent",
        "GetContent",
        "Stat",
        "List",
        "Reader",
        "Writer",
        "Move",
        "Delete",
        "Delete",
        "Stat",
    ];
    assert_eq!(*actions.lock().unwrap(), expected);
}
