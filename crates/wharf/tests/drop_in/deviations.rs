//! The one table of what may differ between the two when they are asked the same.
//!
//! An entry has an id of the list of differences, where what both do and why is told, and a rule: how the difference is
//! recognised, in the request and in what registry 2.8 answered or left on disk, and what wharf must have instead. Only
//! texts for people are taken from wharf's answer.

mod blobs;
mod errors;
mod lists;
mod manifests;
mod trees;
mod uploads;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::differences::{DIFFERENCES, Difference};
use crate::differential::answer::Answer;
use crate::differential::ask::Ask;

use crate::differential::stored::Stored;
use crate::differential::tree::Tree;
use crate::differential::upload::{Upload, Uploads};

/// What may differ.
pub(crate) struct Deviation {
    pub(crate) id: &'static str,
    pub(crate) rule: Rule,
}

/// How a difference is recognised.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    /// Turns registry 2.8's answer, or what earlier rules made of it, into the one that wharf must give. Says whether it
    /// did.
    Answer(fn(&Exchange<'_>, &mut Answer) -> bool),
    /// Says whether the difference of the trees at this path is the one of this id.
    Tree(fn(&TreeExchange<'_>, &str, &str) -> bool),
}

/// A request and what came of it.
pub(crate) struct Exchange<'a> {
    pub(crate) ask: &'a Ask,
    /// The upload that it goes to, or that it began.
    pub(crate) upload: Option<(usize, &'a Upload)>,
    pub(crate) before: Before,
    /// wharf's answer to the same GET, where this is HEAD of a list.
    pub(crate) got: Option<&'a Answer>,
    /// What registry 2.8 has now.
    pub(crate) stored: &'a Stored,
    pub(crate) wharf: &'a Answer,
}

/// What registry 2.8 had before a request.
pub(crate) struct Before {
    /// The bytes of the upload that it goes to.
    pub(crate) upload_bytes: u64,
    /// Whether the upload's repository had the blob of the digest that is named.
    pub(crate) is_blob: bool,
    /// Whether there was a manifest of the digest in the path.
    pub(crate) is_manifest: bool,
}

/// Both trees, and what is known of how they came to be.
pub(crate) struct TreeExchange<'a> {
    pub(crate) registry_2_8: &'a Tree,
    pub(crate) wharf: &'a Tree,
    pub(crate) uploads: &'a Uploads,
    /// Manifests that only one of them took, with the id that explains it.
    pub(crate) one_sided: &'a BTreeMap<String, &'static str>,
}

impl Exchange<'_> {
    /// The detail of wharf's only error, if it is a text with all of these in it.
    fn says(&self, words: &[&str]) -> Option<Value> {
        let detail = self.wharf.detail()?;
        let text = detail.as_str()?;
        words.iter().all(|word| text.contains(word)).then_some(detail)
    }
}

const fn answer(id: &'static str, rule: fn(&Exchange<'_>, &mut Answer) -> bool) -> Deviation {
    let rule = Rule::Answer(rule);
    Deviation { id, rule }
}

const fn tree(id: &'static str, rule: fn(&TreeExchange<'_>, &str, &str) -> bool) -> Deviation {
    let rule = Rule::Tree(rule);
    Deviation { id, rule }
}

/// Every deviation. Rules of answers are tried in this order, those that change the status before those that change the
/// form of whatever is answered.
pub(crate) const DEVIATIONS: &[Deviation] = &[
    answer("post-with-digest", uploads::post_with_digest),
    answer("mount-without-from", uploads::mount_without_from),
    answer("mount-from-no-name", uploads::mount_from_no_name),
    answer("patch-content-type", uploads::patch_content_type),
    answer("form-bodies", uploads::form_bodies),
    answer("content-range", uploads::content_range),
    answer("lost-connection", uploads::lost_connection),
    answer("digest-mismatch", uploads::digest_mismatch),
    answer("repeated-put", uploads::repeated_put),
    answer("status-without-state", uploads::status_without_state),
    answer("stale-offset", uploads::stale_offset),
    answer("sha512", uploads::sha512),
    answer("range-not-satisfiable", blobs::range_not_satisfiable),
    answer("many-ranges", blobs::many_ranges),
    answer("precondition-failed", blobs::precondition_failed),
    answer("manifest-of-a-layer", manifests::manifest_of_a_layer),
    answer("manifest-too-large", manifests::too_large),
    answer("delete-by-tag", manifests::delete_by_tag),
    answer("schema1-push", manifests::schema1_push),
    answer("descriptor-size", manifests::descriptor_size),
    answer("urls", manifests::urls),
    answer("foreign-layers", manifests::foreign_layers),
    answer("malformed-manifest", manifests::malformed),
    answer("ambiguous-manifest", manifests::ambiguous),
    answer("malformed-digest", manifests::malformed_digest),
    answer("no-accept", manifests::no_accept),
    answer("oci-as-stored", manifests::oci_as_stored),
    answer("manifest-conditions", manifests::conditions),
    answer("referrers", manifests::referrers),
    answer("untagged-repository", lists::untagged_repository),
    answer("no-manifests-left", lists::no_manifests_left),
    answer("tags-sorted", lists::tags_sorted),
    answer("tags-paged", lists::tags_paged),
    answer("pagination-number", lists::pagination_number),
    answer("pagination-maximum", lists::pagination_maximum),
    answer("catalog-membership", lists::catalog_membership),
    answer("catalog-link", lists::catalog_link),
    answer("names-refused", errors::names_refused),
    answer("redirects", errors::redirects),
    answer("allowed-methods", errors::allowed_methods),
    answer("plain-text-errors", errors::plain_text),
    answer("limits", errors::limits),
    answer("error-detail", errors::detail),
    answer("added-detail", errors::added_detail),
    answer("json-content-type", errors::json_content_type),
    tree("own-files", trees::own_files),
    tree("hash-states", trees::hash_states),
    tree("upload-leftovers", trees::upload_leftovers),
    tree("digest-mismatch", trees::mismatched_uploads),
    tree("lost-connection", trees::broken_uploads),
    tree("sha512", trees::sha512),
    tree("manifest-of-a-layer", trees::one_sided_manifests),
    tree("descriptor-size", trees::one_sided_manifests),
    tree("urls", trees::one_sided_manifests),
    tree("foreign-layers", trees::one_sided_manifests),
    tree("ambiguous-manifest", trees::one_sided_manifests),
    tree("empty-directories", trees::empty_directories),
];

fn texts(difference: &Difference) -> [&'static str; 3] {
    [difference.registry_2_8, difference.wharf, difference.reason]
}

/// The id, if it is told what it is.
pub(crate) fn told(id: &'static str) -> &'static str {
    let mut told = DIFFERENCES
        .iter()
        .filter(|difference| difference.id == id && !texts(difference).contains(&""));
    assert!(told.next().is_some(), "what `{id}` is must be told");
    id
}

#[test]
fn every_deviation_is_told_in_the_list_of_differences() {
    for deviation in DEVIATIONS {
        told(deviation.id);
    }
}
