//! The parts of an image config that the conversion looks at, read as Go reads them into its struct.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::convert::ConvertError;
use super::go_json::{Members, names, unquote};
use super::go_time;

/// How much of a value an error repeats: it goes to a client, and the value may be as long as the config.
const SHOWN_LETTERS: usize = 64;

/// More history than any image has. Each entry becomes some hundred bytes, however short it is in the config.
pub(super) const HISTORY_ENTRIES_MAX: usize = 10_000;

/// An image config, taken apart. Strings that are absent are empty.
pub(super) struct ImageConfig<'a> {
    /// Every member by its exact key, the last one of equal keys.
    pub(super) members: BTreeMap<String, &'a RawValue>,
    pub(super) architecture: String,
    pub(super) rootfs: Option<RootFs>,
    pub(super) history: Vec<HistoryEntry>,
}

/// `rootfs`: how many diff IDs it lists, and the base layer that some Windows images name.
#[derive(Default)]
pub(super) struct RootFs {
    pub(super) diff_ids: usize,
    pub(super) base_layer: String,
}

/// One entry of `history`; `created` is written the way Go would write it.
pub(super) struct HistoryEntry {
    pub(super) created: String,
    pub(super) author: String,
    pub(super) created_by: String,
    pub(super) comment: String,
    pub(super) empty_layer: bool,
}

impl<'a> ImageConfig<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, ConvertError> {
        let text = str::from_utf8(text).map_err(ConvertError::NotUtf8)?;
        let Members(members) = serde_json::from_str(text).map_err(ConvertError::Json)?;
        let mut config = Self {
            members: BTreeMap::new(),
            architecture: String::new(),
            rootfs: None,
            history: Vec::new(),
        };
        for (key, value) in members {
            if names(&key, "architecture") {
                set_string(&mut config.architecture, value, "architecture")?;
            } else if names(&key, "rootfs") {
                config.rootfs = (!is_null(value)).then(|| RootFs::parse(value)).transpose()?;
            } else if names(&key, "history") {
                let entries = array(value, "history")?;
                if entries.len() > HISTORY_ENTRIES_MAX {
                    let entries = entries.len();
                    return Err(ConvertError::LongHistory { entries });
                }
                config.history = entries.into_iter().map(HistoryEntry::parse).collect::<Result<_, _>>()?;
            }
            config.members.insert(key, value);
        }
        Ok(config)
    }
}

impl RootFs {
    fn parse(value: &RawValue) -> Result<Self, ConvertError> {
        let mut rootfs = Self::default();
        for (key, value) in object(value, "rootfs")? {
            if names(&key, "diff_ids") {
                let diff_ids = array(value, "rootfs.diff_ids")?;
                for diff_id in &diff_ids {
                    set_string(&mut String::new(), diff_id, "rootfs.diff_ids")?;
                }
                rootfs.diff_ids = diff_ids.len();
            } else if names(&key, "base_layer") {
                set_string(&mut rootfs.base_layer, value, "rootfs.base_layer")?;
            }
        }
        Ok(rootfs)
    }
}

impl HistoryEntry {
    fn parse(value: &RawValue) -> Result<Self, ConvertError> {
        let mut entry = Self {
            created: go_time::ZERO.to_owned(),
            author: String::new(),
            created_by: String::new(),
            comment: String::new(),
            empty_layer: false,
        };
        for (key, value) in object(value, "history")? {
            if names(&key, "created") {
                set_time(&mut entry.created, value)?;
            } else if names(&key, "author") {
                set_string(&mut entry.author, value, "history.author")?;
            } else if names(&key, "created_by") {
                set_string(&mut entry.created_by, value, "history.created_by")?;
            } else if names(&key, "comment") {
                set_string(&mut entry.comment, value, "history.comment")?;
            } else if names(&key, "empty_layer") {
                set_bool(&mut entry.empty_layer, value)?;
            }
        }
        Ok(entry)
    }
}

fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// The members of an object; `null` counts as an empty one.
fn object<'a>(value: &'a RawValue, field: &'static str) -> Result<Vec<(String, &'a RawValue)>, ConvertError> {
    if is_null(value) {
        return Ok(Vec::new());
    }
    match serde_json::from_str(value.get()) {
        Ok(Members(members)) => Ok(members),
        Err(_) => Err(ConvertError::WrongType {
            field,
            expected: "an object",
        }),
    }
}

/// The elements of an array; `null` counts as an empty one.
fn array<'a>(value: &'a RawValue, field: &'static str) -> Result<Vec<&'a RawValue>, ConvertError> {
    if is_null(value) {
        return Ok(Vec::new());
    }
    serde_json::from_str(value.get()).map_err(|_| ConvertError::WrongType {
        field,
        expected: "an array",
    })
}

/// Sets `target` to a string value; `null` leaves it as it is.
fn set_string(target: &mut String, value: &RawValue, field: &'static str) -> Result<(), ConvertError> {
    if value.get().starts_with('"') {
        *target = unquote(value.get());
    } else if !is_null(value) {
        return Err(ConvertError::WrongType {
            field,
            expected: "a string",
        });
    }
    Ok(())
}

fn set_bool(target: &mut bool, value: &RawValue) -> Result<(), ConvertError> {
    match value.get() {
        "true" => *target = true,
        "false" => *target = false,
        "null" => {}
        _ => {
            return Err(ConvertError::WrongType {
                field: "history.empty_layer",
                expected: "a boolean",
            });
        }
    }
    Ok(())
}

/// Sets `target` to a time. Go looks at the text between the quotes without undoing escapes, and so does this.
fn set_time(target: &mut String, value: &RawValue) -> Result<(), ConvertError> {
    if is_null(value) {
        return Ok(());
    }
    let inside = value.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    *target = inside.and_then(go_time::rewrite).ok_or_else(|| ConvertError::Time {
        value: value.get().chars().take(SHOWN_LETTERS).collect(),
    })?;
    Ok(())
}
