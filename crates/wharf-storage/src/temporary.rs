//! Names of files that are still being written.

use uuid::Uuid;

/// What comes after the name: a dot, a UUID with hyphens, `.tmp`.
const SUFFIX_BYTES: usize = 1 + 36 + 4;
/// Longest name of a file on Linux.
const MAX_NAME_BYTES: usize = 255;

/// A fresh name beside `name`: `<name>.<uuid>.tmp`, as registry 3 writes it, with `name` cut where
/// the whole would be too long for a file system.
pub(crate) fn temporary_name(name: &str) -> String {
    let end = name.floor_char_boundary(MAX_NAME_BYTES - SUFFIX_BYTES);
    format!("{}.{}.tmp", &name[..end], Uuid::new_v4())
}

/// Whether `name` is one that a write under way, or one that was cut off, leaves beside its key:
/// `<name>.<uuid>.tmp`. Readers of a directory pass over files with such names, and a sweep may
/// remove them while no writer runs.
///
/// ```
/// use wharf_storage::is_temporary_name;
///
/// assert!(is_temporary_name("link.4b0b7f0e-59f5-4f5c-8a39-2f4dd7f1f3a2.tmp"));
/// assert!(!is_temporary_name("v1.tmp"));
/// ```
pub fn is_temporary_name(name: &str) -> bool {
    let Some((name, uuid)) = name.strip_suffix(".tmp").and_then(|rest| rest.rsplit_once('.')) else {
        return false;
    };
    !name.is_empty() && uuid.len() == 36 && Uuid::try_parse(uuid).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fresh_and_recognised() {
        let (first, second) = (temporary_name("link"), temporary_name("link"));
        assert_ne!(first, second);
        assert!(first.starts_with("link.") && is_temporary_name(&first));
    }

    #[test]
    fn long_names_are_cut_at_a_character() {
        for name in ["n".repeat(255), "é".repeat(127)] {
            let temporary = temporary_name(&name);
            assert!(temporary.len() <= 255 && is_temporary_name(&temporary), "{temporary}");
        }
    }

    #[test]
    fn other_names_are_left_alone() {
        for name in [
            "",
            ".tmp",
            "a.tmp",
            "a.b.tmp",
            ".4b0b7f0e-59f5-4f5c-8a39-2f4dd7f1f3a2.tmp",
        ] {
            assert!(!is_temporary_name(name), "`{name}`");
        }
        assert!(!is_temporary_name("a.4b0b7f0e59f54f5c8a392f4dd7f1f3a2.tmp"));
        assert!(!is_temporary_name("a.4b0b7f0e-59f5-4f5c-8a39-2f4dd7f1f3a2"));
    }
}
