//! The nearest name to a mistyped one.

/// Returns the candidate that is so near to `name` that it was probably meant.
///
/// Near is an edit distance (insertions, deletions, substitutions and swaps of neighbours) of at most two fifths of the
/// name's length; of equally near ones the first wins. If none is near, returns `None`.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.to_ascii_lowercase().chars().take(NAME_CHARS_MAX + 1).collect();
    if name.is_empty() || name.len() > NAME_CHARS_MAX {
        return None;
    }
    let distance_max = (name.len() * 2 / 5).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let wanted: Vec<char> = candidate.chars().collect();
        if wanted.len().abs_diff(name.len()) > distance_max {
            continue;
        }
        let found = distance(&name, &wanted);
        if found <= distance_max && best.is_none_or(|(least, _)| found < least) {
            best = Some((found, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Returns the optimal string alignment distance, by three rows of the usual table.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut two_ago: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let changed = last[j] + usize::from(l != r);
            let mut least = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                least = least.min(two_ago[j - 1] + 1);
            }
            row.push(least);
        }
        two_ago = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

/// Longer names are not compared: the table grows with the square, and nobody mistypes so much by accident.
const NAME_CHARS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn distances_count_edits() {
        for (left, right, wanted) in
            [("", "", 0), ("", "ab", 2), ("ab", "ba", 1), ("kitten", "sitting", 3), ("require", "requires", 1)]
        {
            assert_eq!(distance(&chars(left), &chars(right)), wanted, "{left} {right}");
            assert_eq!(distance(&chars(right), &chars(left)), wanted, "{right} {left}");
        }
    }

    #[test]
    fn a_near_name_is_found() {
        assert_eq!(nearest("unit-test", ["lint", "unit-tests"]), Some("unit-tests"));
        assert_eq!(nearest("Security", ["process", "security"]), Some("security"));
        assert_eq!(nearest("skip_max", ["passed_min", "skipped_max"]), Some("skipped_max"));
    }

    #[test]
    fn a_far_name_is_not_suggested() {
        assert_eq!(nearest("mutation", ["lint", "unit-tests"]), None);
        assert_eq!(nearest("", ["a"]), None);
        assert_eq!(nearest(&"a".repeat(65), [&*"a".repeat(64)]), None);
    }
}
