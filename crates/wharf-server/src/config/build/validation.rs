//! `validation`: what a pushed manifest must hold to.

use regex::bytes::Regex;

use crate::config::model::{IndexChildren, IndexPlatform, Validation};
use crate::config::reader::Reader;
use crate::config::urls::{ForeignUrls, expression};

#[derive(Clone, Copy)]
enum Platforms {
    All,
    None,
    List,
}

pub(super) fn validation(reader: &mut Reader<'_>) -> Validation {
    // `enabled` is the older key; where it is set, registry:2 does not look at `disabled`.
    let enabled = match reader.node("validation.enabled") {
        Some(_) => reader.boolean("validation.enabled", false),
        None => false,
    };
    let disabled = reader.boolean("validation.disabled", false) && !enabled;
    let allow = expressions(reader, "validation.manifests.urls.allow");
    let deny = expressions(reader, "validation.manifests.urls.deny");
    let foreign_urls = if disabled {
        ForeignUrls::default()
    } else {
        ForeignUrls::new(allow, deny)
    };
    Validation {
        foreign_urls,
        index_children: index_children(reader),
    }
}

fn expressions(reader: &mut Reader<'_>, list: &str) -> Vec<Regex> {
    let paths = (0..reader.list_length(list)).map(|index| format!("{list}.{index}"));
    paths
        .filter_map(|path| {
            let compiled = expression(reader.text(&path, "").unwrap_or_default());
            if compiled.is_none() {
                reader.refuse(&path, "a regular expression, in the syntax of RE2");
            }
            compiled
        })
        .collect()
}

fn index_children(reader: &mut Reader<'_>) -> IndexChildren {
    let words = [
        ("all", Platforms::All),
        ("none", Platforms::None),
        ("list", Platforms::List),
    ];
    match reader.word("validation.manifests.indexes.platforms", &words, "all") {
        None | Some(Platforms::All) => IndexChildren::All,
        Some(Platforms::None) => IndexChildren::None,
        Some(Platforms::List) => IndexChildren::Listed(platforms(reader)),
    }
}

fn platforms(reader: &mut Reader<'_>) -> Vec<IndexPlatform> {
    let list = "validation.manifests.indexes.platformlist";
    let indices = 0..reader.list_length(list);
    indices
        .filter_map(|index| {
            let architecture = platform_part(reader, &format!("{list}.{index}.architecture"));
            let os = platform_part(reader, &format!("{list}.{index}.os"));
            Some(IndexPlatform {
                architecture: architecture?,
                os: os?,
            })
        })
        .collect()
}

fn platform_part(reader: &mut Reader<'_>, path: &str) -> Option<String> {
    let text = reader.text(path, "");
    if text.is_none() {
        reader.refuse(path, "a name as Go has it, such as amd64 or linux");
    }
    text.map(str::to_owned)
}
