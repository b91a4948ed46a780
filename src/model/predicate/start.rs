//! `evidence:start/v1`: an attempt begins, and from now on cannot be left out.
//!
//! ```json
//! {"claim": "unit-tests", "variant": "linux", "shard": {"index": 3, "count": 8}, "deadlineSeconds": 21600}
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::{ClaimName, Id};

/// The predicate of a start. Its subjects are the commit and its tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Start {
    /// The claim that the attempt is for.
    pub claim: ClaimName,
    /// The variant of the claim, `linux` for example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<Id>,
    /// Which part of how many; none is 1/1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// Seconds from the entry's time after which an attempt without result is lost.
    pub deadline_seconds: u64,
}

/// One part of an attempt that runs in several, spelled `3/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "ShardMembers", into = "ShardMembers")]
pub struct Shard {
    index: u32,
    count: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShardMembers {
    index: u32,
    count: u32,
}

/// Why a text or pair is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a shard: wanted INDEX/COUNT with 1 <= INDEX <= COUNT <= 1000, such as 3/8")]
pub struct ShardError(pub String);

impl Shard {
    /// The only shard of an attempt that runs whole.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// Returns the part `index` of `count`, counted from 1.
    ///
    /// # Errors
    /// If the index is zero or beyond the count, or the count beyond `SHARDS_MAX`.
    pub fn new(index: u32, count: u32) -> Result<Self, ShardError> {
        if index == 0 || index > count || count > SHARDS_MAX {
            return Err(ShardError(format!("{index}/{count}")));
        }
        Ok(Self { index, count })
    }

    /// Returns the number of this part, from 1.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// Returns the number of parts.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count
    }
}

impl TryFrom<ShardMembers> for Shard {
    type Error = ShardError;

    fn try_from(members: ShardMembers) -> Result<Self, ShardError> {
        Self::new(members.index, members.count)
    }
}

impl From<Shard> for ShardMembers {
    fn from(shard: Shard) -> Self {
        Self { index: shard.index, count: shard.count }
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let wrong = || ShardError(text.chars().take(40).collect());
        let number = |digits: &str| -> Result<u32, ShardError> {
            if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().map_err(|_| wrong()) } else { Err(wrong()) }
        };
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        Self::new(number(index)?, number(count)?)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// More parts than this is a mistake in a pipeline, and would make a verdict's page useless.
pub const SHARDS_MAX: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_have_one_spelling() {
        assert_eq!("3/8".parse::<Shard>().unwrap().to_string(), "3/8");
        for bad in ["", "0/1", "2/1", "1/1001", "1", "+1/2", "1/2/3", "a/b"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }
}
