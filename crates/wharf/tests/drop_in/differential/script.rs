//! The requests in a fixed order. After each group the trees are compared.

mod deletes;
mod lists;
mod manifests;
mod pulls;
mod pushes;
mod refusals;
mod uploads;

use super::content::Contents;
use super::pair::Pair;

/// What the groups push; any seed would do.
const SEED: u64 = 4;

/// A group of requests.
type Group = fn(&mut Pair, &Contents);

const GROUPS: [(&str, Group); 17] = [
    ("blobs in every way", pushes::blobs),
    ("images, lists and artifacts", pushes::images),
    ("mounts", pushes::mounts),
    ("sha512", pushes::sha512),
    ("uploads", uploads::progress),
    ("uploads with bytes in the wrong place", uploads::out_of_place),
    ("uploads with a wrong digest", uploads::wrong_digests),
    ("uploads that are over", uploads::over),
    ("a broken connection", uploads::broken_connection),
    ("ranges and conditions of blobs", pulls::blobs),
    ("manifests and Accept", pulls::manifests),
    ("conditions of manifests", pulls::conditions),
    ("refused manifests", manifests::refused),
    ("manifests that are blobs too", manifests::also_blobs),
    ("lists", lists::lists),
    ("refused requests", refusals::refused),
    ("deletes", deletes::deletes),
];

/// Performs all of them, with a restart of both in between.
pub(crate) fn run(pair: &mut Pair) {
    let contents = Contents::new(SEED);
    for (number, (name, group)) in GROUPS.into_iter().enumerate() {
        pair.note(name);
        group(pair, &contents);
        pair.compare_trees();
        if number == GROUPS.len() / 2 {
            pair.restart();
        }
    }
}
