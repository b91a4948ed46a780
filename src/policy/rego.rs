//! Rego beside the policy: its text, within bounds that keep a parser of it from running away.
//!
//! Here it is a text and nothing more, so that whoever verifies without an evaluator still reads the policy, and can say
//! that it cannot judge. What the text may say and what it comes to is in `rego`.

use super::place::Place;
use super::problem::PolicyProblem;
use super::reader::position;

/// The Rego of a policy: not empty, not too long, and with brackets that do not nest too deep.
///
/// It is made by [`super::Policy::parse`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rego(String);

impl Rego {
    /// Checks the bounds of a text.
    ///
    /// If one is exceeded, returns the offset in bytes and what is wrong there.
    pub(super) fn check(text: &str) -> Result<Self, (usize, PolicyProblem)> {
        if text.trim().is_empty() {
            return Err((
                0,
                PolicyProblem::Empty { place: "`rego` of the policy".to_owned(), wanted: "a Rego module" },
            ));
        }
        if text.len() > REGO_BYTES_MAX {
            return Err((0, PolicyProblem::RegoTooLarge { bytes: text.len(), bytes_max: REGO_BYTES_MAX }));
        }
        match too_deep(text) {
            Some(at) => Err((at, PolicyProblem::RegoTooDeep { depth_max: REGO_NESTING_MAX })),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// Returns where a line and column of the module stand in the text of the policy that holds it as it was written; of
    /// one with escapes `None`.
    #[must_use]
    pub fn place_in(&self, policy: &str, (line, column): Place) -> Option<Place> {
        let (first, indent) = position(policy, policy.find(&self.0)?);
        Some((first + line.checked_sub(1)?, if line == 1 { indent - 1 + column } else { column }))
    }

    /// Returns the module's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Returns the offset of the first bracket that nests deeper than [`REGO_NESTING_MAX`].
///
/// Brackets in strings and comments do not count; a string in double quotes ends with its line at the latest.
fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth: usize = 0;
    let mut at = 0;
    let end = |from: usize, is_end: &dyn Fn(u8) -> bool| {
        bytes[from..].iter().position(|byte| is_end(*byte)).map_or(bytes.len(), |found| from + found)
    };
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'#' => at = end(at, &|byte| byte == b'\n'),
            b'`' => at = end(at + 1, &|byte| byte == b'`'),
            b'"' => {
                at = end(at + 1, &|byte| matches!(byte, b'"' | b'\\' | b'\n'));
                while bytes.get(at) == Some(&b'\\') {
                    at = end((at + 2).min(bytes.len()), &|byte| matches!(byte, b'"' | b'\\' | b'\n'));
                }
            }
            b'[' | b'{' | b'(' if depth == REGO_NESTING_MAX => return Some(at),
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// A module is for people; longer ones are refused before anything parses them.
pub const REGO_BYTES_MAX: usize = 64 * 1024;
/// The parser takes twice as long for each bracket more: at 12 it takes milliseconds, at 22 seconds.
pub const REGO_NESTING_MAX: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn deep(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(Rego::check(&deep(REGO_NESTING_MAX).repeat(3)).is_ok());
        let (at, problem) = Rego::check(&format!("a\n{}", deep(REGO_NESTING_MAX + 1))).unwrap_err();
        assert_eq!((at, problem), (2 + REGO_NESTING_MAX, PolicyProblem::RegoTooDeep { depth_max: REGO_NESTING_MAX }));
        for opening in ["({", "{[", "(["] {
            assert!(Rego::check(&opening.repeat(REGO_NESTING_MAX)).is_err(), "{opening}");
        }
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        for (before, after) in
            [("# ", "\n"), ("\"", "\""), ("`", "`"), ("\"\\\"", "\""), ("`\n\"", "`"), ("\"\\\\\\\"", "\"")]
        {
            let text = format!("{before}{}{after}", "[".repeat(40));
            assert!(Rego::check(&text).is_ok(), "{text}");
            assert!(Rego::check(&format!("{text}{}", deep(REGO_NESTING_MAX))).is_ok(), "{text}");
            assert!(Rego::check(&format!("{text}{}", deep(REGO_NESTING_MAX + 1))).is_err(), "{text}");
        }
        assert!(Rego::check(&format!("\"not closed\n{}", deep(REGO_NESTING_MAX + 1))).is_err());
        assert!(Rego::check("\"\\").is_ok());
    }

    #[test]
    fn places_are_those_of_the_policy() {
        let rego = Rego::check("one\n  two\n").unwrap();
        assert_eq!(rego.place_in("a = 1\nrego = '''\none\n  two\n'''\n", (2, 3)), Some((4, 3)));
        assert_eq!(rego.place_in("rego = '''one\n  two\n'''\n", (1, 2)), Some((1, 12)));
        assert_eq!(rego.place_in("rego = \"one\\n  two\\n\"\n", (1, 2)), None);
    }

    #[test]
    fn size_is_bounded() {
        assert!(Rego::check(&"a".repeat(REGO_BYTES_MAX)).is_ok());
        assert!(Rego::check(&"a".repeat(REGO_BYTES_MAX + 1)).is_err());
        assert!(Rego::check(" \n").is_err());
    }
}
