//! Ids of changes, principals, claims and repositories (format, section 1).
//!
//! Segments `[a-z0-9][a-z0-9._-]{0,62}` joined by `/`, at most 8 segments and 200 bytes, none ending in `.` or `.lock`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An id in the one spelling that the format allows, such as `shop/abc-123`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(String);

/// The id of a change.
pub type ChangeId = Id;
/// The name of a claim, as the policy has it.
pub type ClaimName = Id;
/// The id of a principal: a person, an agent or a job.
pub type PrincipalId = Id;
/// What a policy names and a grant gives.
pub type Role = Id;
/// The name of a tier.
pub type TierName = Id;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id: {reason}")]
pub struct IdError {
    /// The text, cut at 200 characters.
    pub text: String,
    /// The rule that it breaks.
    pub reason: &'static str,
}

impl Id {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the nearest id to any text: lower case, other bytes as `-`, empty segments and forbidden ends dropped.
    ///
    /// If nothing of the text is left, returns `None`.
    #[must_use]
    pub fn slug(text: &str) -> Option<Self> {
        let mut segments = Vec::new();
        for raw in text.split('/').take(SEGMENTS_MAX) {
            let mut segment: String =
                raw.chars().map(|c| c.to_ascii_lowercase()).map(|c| if is_segment_byte(c) { c } else { '-' }).collect();
            segment = segment.trim_start_matches(['-', '.', '_']).to_owned();
            segment.truncate(SEGMENT_BYTES_MAX);
            while segment.ends_with('.') || segment.ends_with(".lock") {
                let end = segment.len() - if segment.ends_with('.') { 1 } else { ".lock".len() };
                segment.truncate(end);
            }
            if !segment.is_empty() {
                segments.push(segment);
            }
        }
        let mut joined = segments.join("/");
        joined.truncate(BYTES_MAX);
        let joined = joined.trim_end_matches(['/', '.']).to_owned();
        Self::try_from(joined).ok()
    }
}

impl TryFrom<String> for Id {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        match broken_rule(&text) {
            None => Ok(Self(text)),
            Some(reason) => Err(IdError { text: text.chars().take(BYTES_MAX).collect(), reason }),
        }
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::try_from(text.to_owned())
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn broken_rule(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.len() > BYTES_MAX {
        return Some("it has more than 200 bytes");
    }
    if text.split('/').count() > SEGMENTS_MAX {
        return Some("it has more than 8 segments");
    }
    for segment in text.split('/') {
        let starts = segment.chars().next().is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !starts {
            return Some("each segment starts with a lower-case letter or a digit");
        }
        if !segment.chars().all(is_segment_byte) {
            return Some("only a-z, 0-9, `.`, `_`, `-` and `/` may stand in it");
        }
        if segment.len() > SEGMENT_BYTES_MAX {
            return Some("a segment has more than 63 bytes");
        }
        if segment.ends_with('.') || segment.ends_with(".lock") {
            return Some("no segment ends in `.` or `.lock`");
        }
    }
    None
}

fn is_segment_byte(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-')
}

const BYTES_MAX: usize = 200;
const SEGMENTS_MAX: usize = 8;
const SEGMENT_BYTES_MAX: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_spelling() {
        for good in ["a", "shop/abc-123", "0/1/2/3/4/5/6/7", "a.b_c-d"] {
            assert_eq!(good.parse::<Id>().unwrap().as_str(), good);
        }
        for bad in ["", "/", "a/", "/a", "A", "a b", "-a", "a.", "a.lock", "a//b", "ä", "0/1/2/3/4/5/6/7/8"] {
            assert!(bad.parse::<Id>().is_err(), "{bad}");
        }
        assert!("a".repeat(64).parse::<Id>().is_err());
    }

    #[test]
    fn slugs_are_ids() {
        assert_eq!(Id::slug("Feature/ABC 123").unwrap().as_str(), "feature/abc-123");
        assert_eq!(Id::slug("-x.lock/..").unwrap().as_str(), "x");
        assert_eq!(Id::slug("///"), None);
    }
}
