//! Both are sent the same requests, in a fixed order first and at random then; their answers and trees are compared.

pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod content;
pub(crate) mod pair;
mod push;
mod random;
mod script;
pub(crate) mod stored;
pub(crate) mod tree;
pub(crate) mod upload;

use std::env;

use content::Contents;
use pair::Pair;
use random::Operations;

/// Names another seed than the one below, for a run of one's own.
const SEED: &str = "WHARF_SEED";
/// Names another number of operations.
const OPERATIONS: &str = "WHARF_OPERATIONS";

fn setting(name: &str, default: u64) -> u64 {
    let given = env::var(name).ok();
    given.map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("`{name}` is no number: `{text}`"))
    })
}

/// Everything that the table of deviations lists happens in the script, so that the script alone must meet all of it.
#[test]
fn the_same_requests_give_the_same_answers_and_the_same_tree() {
    let mut pair = Pair::start();
    script::run(&mut pair);
    pair.finish();
    assert_eq!(pair.unmet(), Vec::<&str>::new(), "listed, but not met");
}

/// Uploads, pushes, pulls, mounts, re-tags and deletes in any order, in a few repositories.
#[test]
fn random_requests_give_the_same_answers_and_the_same_tree() {
    let (seed, count) = (setting(SEED, 28), setting(OPERATIONS, 500));
    println!("{count} operations from the seed {seed}; for others set `{SEED}` and `{OPERATIONS}`");
    let mut pair = Pair::start();
    let contents = Contents::new(seed);
    let mut operations = Operations::new(seed, &contents);
    for number in 1..=count {
        operations.perform(&mut pair);
        if number % 100 == 0 || number == count {
            pair.compare_trees();
        }
        if number == count / 2 {
            pair.restart();
        }
    }
    operations.ask_for_everything(&mut pair);
    pair.finish();
}
