//! How far one name is from another, to say which known name was probably meant.

/// Edits from one name to the other: insertion, deletion, substitution, and swap of two
/// neighbours, without regard to case.
pub(super) fn between(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let substituted = last[j] + usize::from(a != b);
            let mut best = substituted.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

/// Whether so few edits look like a slip of the finger in a name of this length.
pub(super) fn is_slip(name: &str, edits: usize) -> bool {
    edits <= (name.chars().count() / 3).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (left, right, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("addr", "addr", 0),
            ("ADDR", "addr", 0),
            ("adr", "addr", 1),
            ("adrd", "addr", 1),
            ("delet", "delete", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(between(left, right), edits, "{left} {right}");
            assert_eq!(between(right, left), edits, "{right} {left}");
        }
    }

    #[test]
    fn a_slip_is_a_third_of_the_name_at_most() {
        assert!(is_slip("adr", 1));
        assert!(!is_slip("adr", 2));
        assert!(is_slip("maxentries", 3));
        assert!(is_slip("x", 1));
    }
}
