//! Patterns of texts: `*` stands for any run of characters, everything else for itself.
//!
//! Names of tests hold brackets, dots and spaces, so nothing else is special, and case counts.

/// Patterns as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wildcards(Vec<String>);

impl Wildcards {
    pub(super) fn of(patterns: Vec<String>) -> Self {
        Self(patterns)
    }

    /// Returns the patterns as written.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.0
    }

    /// Returns whether one of the patterns matches a whole text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| wildcard_matches(pattern, text))
    }
}

/// Returns whether a pattern matches a whole text.
///
/// Matches from both ends in; between them each piece is found as early as it can be.
pub(crate) fn wildcard_matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let (between, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in between.split('*').filter(|piece| !piece.is_empty()) {
        let Some(at) = text.find(piece) else { return false };
        text = &text[at + piece.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_and_the_rest_is_itself() {
        for (pattern, text) in [
            ("a", "a"),
            ("*", ""),
            ("*", "a > b"),
            ("a*", "a"),
            ("*accepts*", "cart accepts an order"),
            ("suite > a > *", "suite > a > b > c"),
            ("a*b*c", "a-b-c-b-c"),
            ("a*b*c", "a-b-b-c"),
            ("test[1]*", "test[1] (x)"),
            ("exact [1]?", "exact [1]?"),
            ("*.pos.xml", "out/unit.pos.xml"),
            ("a**b", "ab"),
            ("**x", "yx"),
            ("*é", "caf\u{e9}"),
        ] {
            assert!(wildcard_matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("a", "ab"),
            ("a", ""),
            ("", "a"),
            ("a*a", "a"),
            ("a*b", "a"),
            ("a*b", "a-c"),
            ("ab*ba", "aba"),
            ("*a*a*", "a"),
            ("a*b*b", "ab"),
            ("*b", "bc"),
            ("*accepts*", "Accepts"),
            ("A*", "ab"),
            ("a?c", "abc"),
            ("a?", "ab"),
            ("?", "a"),
            ("[ab]", "a"),
            ("[a]", "a"),
        ] {
            assert!(!wildcard_matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_text_times_pattern() {
        let (pattern, text) = ("*a".repeat(1000) + "b", "a".repeat(4000));
        assert!(!wildcard_matches(&pattern, &text));
    }
}
