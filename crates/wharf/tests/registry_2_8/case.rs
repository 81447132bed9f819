//! What a case is, and how one becomes two tests.

use std::collections::BTreeSet;

use wharf_testing::{Config, Kind};

use crate::differences::DIFFERENCES;
use crate::subject::Subject;

/// One row of registry 2.8's behaviour.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The registry's configuration; the same file starts both.
    pub(crate) config: fn() -> Config,
    /// The entries of the list of differences that the case shows.
    pub(crate) differences: &'static [&'static str],
    pub(crate) body: fn(&Subject),
}

/// Runs a case against one of the two registries.
pub(crate) fn run(cases: &[Case], name: &str, kind: Kind) {
    let case = cases
        .iter()
        .find(|case| case.name == name)
        .expect("the macro lists every case");
    for id in case.differences {
        assert!(
            DIFFERENCES.iter().any(|difference| difference.id == *id),
            "`{id}` is not in the list of differences"
        );
    }
    let subject = Subject::start(kind, &(case.config)());
    (case.body)(&subject);
    let declared: BTreeSet<&str> = case.differences.iter().copied().collect();
    assert_eq!(subject.differences_used(), declared, "differences shown and declared");
}

/// Lists the cases of a module and makes two tests of each.
macro_rules! cases {
    ($($name:ident: $config:expr $(, differs in [$($id:literal),+])?;)+) => {
        pub(crate) const CASES: &[crate::case::Case] = &[$(crate::case::Case {
            name: stringify!($name),
            config: || $config,
            differences: &[$($($id),+)?],
            body: $name,
        }),+];

        mod registry_2_8 {
            $(#[test]
            fn $name() {
                crate::case::run(super::CASES, stringify!($name), wharf_testing::Kind::Registry28);
            })+
        }

        mod wharf {
            $(#[test]
            fn $name() {
                crate::case::run(super::CASES, stringify!($name), wharf_testing::Kind::Wharf);
            })+
        }
    };
}

pub(crate) use cases;
