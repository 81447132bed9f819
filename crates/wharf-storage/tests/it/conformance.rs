//! Every driver passes the suite.

use std::fs;
use std::sync::Arc;

use wharf_storage::testing::conformance;
use wharf_storage::{Driver, FaultPlan, Faulty, Filesystem, Instrumented, Memory};

#[test]
fn filesystem() {
    let directory = tempfile::tempdir().unwrap();
    conformance(&Filesystem::open(directory.path()).unwrap());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something was left");
}

#[test]
fn memory() {
    conformance(&Memory::new());
}

#[test]
fn faulty_without_faults() {
    let plan = FaultPlan::none();
    conformance(&Faulty::new(Memory::new(), plan.clone()));
    assert!(plan.calls() > 1000 && !plan.has_fired());
}

#[test]
fn instrumented_and_shared() {
    let driver: Arc<dyn Driver> = Arc::new(Memory::new());
    conformance(&Instrumented::new(driver, |_, _| {}));
}
