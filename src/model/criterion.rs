//! An acceptance criterion: one thing that a change must do, and what shows that it does (format, section 2).
//!
//! ```json
//! {"id": "AC-1", "text": "a visitor can log in", "tests": ["*login*"], "pictures": ["login"], "critical": true}
//! ```
//! Reading them out of a specification is `reports::spec`; judging them is `verify`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ClaimName;

/// One criterion of a plan. All that it lists must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Criterion {
    /// Its id.
    pub id: CriterionId,
    /// What it says, for people.
    pub text: String,
    /// Patterns of the names of tests: each must match some, and all that match must pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
    /// Claims that must pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimName>,
    /// Names of pictures that must be attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<String>,
    /// Whether a person must accept it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub human: bool,
    /// Whether no exception may stand in for it, nor a person alone.
    #[serde(default, skip_serializing_if = "is_no")]
    pub critical: bool,
}

/// So many criteria may the plans of one change have together: sixteen plans as long as they can be.
pub const CRITERIA_MAX: usize = 4096;

/// The id of a criterion, such as `AC-1`: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, the last byte a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CriterionId(String);

/// Why a text is no id of a criterion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not the id of a criterion; wanted letters, digits, `.`, `_` and `-`, at most 64, such as AC-1")]
pub struct CriterionIdError {
    /// The text, cut at 64 characters.
    pub found: String,
}

impl Criterion {
    /// Returns whether it lists anything that is to hold.
    #[must_use]
    pub fn lists_nothing(&self) -> bool {
        self.tests.is_empty() && self.claims.is_empty() && self.pictures.is_empty() && !self.human
    }
}

impl CriterionId {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CriterionId {
    type Error = CriterionIdError;

    fn try_from(text: String) -> Result<Self, CriterionIdError> {
        if is_tag(&text) { Ok(Self(text)) } else { Err(CriterionIdError { found: text.chars().take(64).collect() }) }
    }
}

impl FromStr for CriterionId {
    type Err = CriterionIdError;

    fn from_str(text: &str) -> Result<Self, CriterionIdError> {
        Self::try_from(text.to_owned())
    }
}

impl From<CriterionId> for String {
    fn from(id: CriterionId) -> Self {
        id.0
    }
}

impl fmt::Display for CriterionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CriterionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Returns whether a text has the form of a criterion's id, which names of pictures have too.
#[must_use]
pub fn is_tag(text: &str) -> bool {
    let (Some(first), Some(last)) = (text.bytes().next(), text.bytes().last()) else { return false };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    text.len() <= TAG_BYTES_MAX
        && first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && text.bytes().all(fits)
}

const fn is_no(flag: &bool) -> bool {
    !*flag
}

const TAG_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_form() {
        for good in ["AC-1", "1", "a.b_c-d", &"x".repeat(64)] {
            assert_eq!(good.parse::<CriterionId>().unwrap().as_str(), good);
        }
        for bad in ["", "-1", "AC-", "AC 1", "AC:1", "ä", "a/b", &"x".repeat(65)] {
            assert!(bad.parse::<CriterionId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_criterion_does_not_list_is_not_spelled() {
        let criterion: Criterion = serde_json::from_str(r#"{"id":"AC-1","text":"it works"}"#).unwrap();
        assert!(criterion.lists_nothing());
        assert_eq!(serde_json::to_string(&criterion).unwrap(), r#"{"id":"AC-1","text":"it works"}"#);
        assert!(serde_json::from_str::<Criterion>(r#"{"id":"AC-1","text":"x","test":["y"]}"#).is_err());
    }
}
