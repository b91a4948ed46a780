//! What is wrong with a policy, where, and what was probably meant.

use std::fmt;

use crate::model::{Role, StoreUrlError};

use super::COUNT_MAX;

/// Everything found wrong with a policy, in the order of the file; at least one and at most [`ERRORS_MAX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyErrors(pub(super) Vec<PolicyError>);

/// One thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: PolicyProblem,
    /// What was probably meant.
    pub suggestion: Option<Suggestion>,
}

/// What is wrong at some place of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// The text is too long to be read.
    #[error("the policy has {bytes} bytes; wanted at most {bytes_max}")]
    TooLarge {
        /// The length found.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A byte order mark stands at the start.
    #[error("the policy starts with a byte order mark; wanted plain UTF-8")]
    ByteOrderMark,
    /// Brackets nest so deep that the text is not parsed.
    #[error("brackets nest deeper than {depth_max}; no policy needs more than three")]
    TooDeep {
        /// The limit.
        depth_max: usize,
    },
    /// The text is not TOML.
    #[error("not TOML: {message}")]
    Syntax {
        /// What the TOML parser says.
        message: String,
    },
    /// The version is not one that this program reads.
    #[error("version is {found}; wanted 1")]
    Version {
        /// The version found.
        found: String,
    },
    /// No table has such a key here.
    #[error("unknown key `{key}` in {place}")]
    UnknownKey {
        /// The key.
        key: String,
        /// The table.
        place: String,
    },
    /// A key that must be there is not.
    #[error("{place} has no `{key}`; wanted {wanted}")]
    MissingKey {
        /// The table.
        place: String,
        /// The key.
        key: &'static str,
        /// What it should hold.
        wanted: String,
    },
    /// A value has another type.
    #[error("{place} is {found}; wanted {wanted}")]
    WrongType {
        /// The key and its table.
        place: String,
        /// The type found.
        found: &'static str,
        /// The type wanted.
        wanted: &'static str,
    },
    /// A number is too small or too large.
    #[error("{place} is {found}; wanted {}", bounds(*min, *max))]
    OutOfRange {
        /// The key and its table.
        place: String,
        /// The number found.
        found: String,
        /// The least allowed.
        min: u64,
        /// The greatest allowed.
        max: u64,
    },
    /// A word is not one of the list.
    #[error("{place} is `{found}`; wanted {wanted}")]
    UnknownWord {
        /// The key and its table.
        place: String,
        /// The word found.
        found: String,
        /// The words allowed.
        wanted: String,
    },
    /// A name breaks the rule for ids.
    #[error("`{found}` in {place} is not an id: {reason}")]
    Id {
        /// Where it stands.
        place: String,
        /// The name.
        found: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// A text is no length of time.
    #[error("{place} is `{found}`; wanted a number from 1 and one of s, m, h, d, such as 24h")]
    Span {
        /// The key and its table.
        place: String,
        /// The text found.
        found: String,
    },
    /// A text is no URL of a store. It is not repeated, since it may hold a password.
    #[error("{place} cannot be a store of materials: {reason}")]
    Store {
        /// The key and its table.
        place: String,
        /// Why.
        reason: StoreUrlError,
    },
    /// A text is no size, or not within bounds.
    #[error("{place} is `{found}`; {reason}")]
    Size {
        /// The key and its table.
        place: String,
        /// The text found.
        found: String,
        /// What is wanted.
        reason: String,
    },
    /// A claim is named and not defined.
    #[error("{place} names the claim `{claim}`, which no [claim.NAME] defines")]
    UndefinedClaim {
        /// Who names it.
        place: String,
        /// The claim.
        claim: String,
    },
    /// A tier is named and not in the list.
    #[error("{place} names the tier `{tier}`; the tiers are {tiers}")]
    UndefinedTier {
        /// Who names it.
        place: String,
        /// The tier.
        tier: String,
        /// The tiers that there are.
        tiers: String,
    },
    /// Independence of a role that nobody has: it would always hold.
    #[error("{place} names the role `{role}`, which no claim and no act gives; wanted `implementer` or such a role")]
    UndefinedRole {
        /// Who names it.
        place: String,
        /// The role.
        role: Role,
    },
    /// A list names the same thing twice.
    #[error("{place} names `{name}` twice")]
    Duplicate {
        /// The list.
        place: String,
        /// The name.
        name: String,
    },
    /// A list or table is there and says nothing.
    #[error("{place} is empty; wanted {wanted}")]
    Empty {
        /// The list or table.
        place: String,
        /// What it should hold.
        wanted: &'static str,
    },
    /// There are more of something than are read.
    #[error("{place} has {found} members; wanted at most {max}")]
    TooMany {
        /// The list or table.
        place: String,
        /// How many were found.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// The lowest tier demands nothing, so that no change of it could ever be accepted.
    #[error("tier {tier} requires nothing; wanted at least one claim, since an empty set never passes")]
    EmptyTier {
        /// The tier.
        tier: String,
    },
    /// A path pattern matches nothing or cannot be read.
    #[error("the pattern `{pattern}` matches no path: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        reason: String,
    },
    /// A rule demands nothing that is not demanded anyway.
    #[error("{place} has no effect; wanted a tier above {lowest}, or a claim that {lowest} does not require")]
    NoEffect {
        /// The rule.
        place: String,
        /// The lowest tier.
        lowest: String,
    },
    /// A key has a meaning only for the other form of claim.
    #[error("{place} has no meaning for form = \"{form}\"")]
    OtherForm {
        /// The key and its claim.
        place: String,
        /// The form of the claim.
        form: super::Form,
    },
    /// The Rego is too long to be parsed.
    #[error("the Rego has {bytes} bytes; wanted at most {bytes_max}")]
    RegoTooLarge {
        /// The length found.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Brackets in the Rego nest so deep that it is not parsed.
    #[error("brackets of the Rego nest deeper than {depth_max}")]
    RegoTooDeep {
        /// The limit.
        depth_max: usize,
    },
    /// The JSON form breaks the published schema.
    #[error("{place} breaks the schema of policies: {message}")]
    Schema {
        /// The JSON pointer.
        place: String,
        /// What the schema says.
        message: String,
    },
}

/// What was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suggestion {
    /// Another spelling.
    Spelling(String),
    /// Another place, where the key is known, with its preposition.
    Place(&'static str),
}

impl PolicyErrors {
    /// Returns the errors, in the order of the file.
    #[must_use]
    pub fn as_slice(&self) -> &[PolicyError] {
        &self.0
    }
}

impl std::error::Error for PolicyErrors {}

impl fmt::Display for PolicyErrors {
    /// Writes one error a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for PolicyError {
    /// Writes `line 3, column 1: unknown key `claims` in the top of the file; did you mean `claim`?`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.problem)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spelling(text) => write!(f, "did you mean `{text}`?"),
            Self::Place(place) => write!(f, "it belongs {place}"),
        }
    }
}

fn bounds(min: u64, max: u64) -> String {
    match (min, max) {
        (0, COUNT_MAX) => "a count below 2^53".to_owned(),
        (min, COUNT_MAX) => format!("a count from {min}, below 2^53"),
        (min, max) => format!("{min} to {max}"),
    }
}

/// More errors than this are not read by anyone, and each costs a search for the nearest name.
pub const ERRORS_MAX: usize = 100;
