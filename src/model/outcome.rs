//! What a run came to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The outcome of a result. The order is of severity: the worst of several is their minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was shown to be wrong.
    Fail,
    /// It did not run, ran in part, or left nothing that can be read. Never counts as pass.
    Inconclusive,
    /// It was shown to be right.
    Pass,
}

impl Outcome {
    /// Returns the worse of two outcomes.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        self.min(other)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Pass => "pass",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_wins() {
        assert_eq!(Outcome::Pass.worst(Outcome::Inconclusive), Outcome::Inconclusive);
        assert_eq!(Outcome::Inconclusive.worst(Outcome::Fail), Outcome::Fail);
    }
}
