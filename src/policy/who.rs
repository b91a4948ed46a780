//! Who may do what: the table `[may]` (design, section 6).
//!
//! ```toml
//! [may]
//! plan   = ["planner"]
//! policy = { roles = ["admin"], threshold = 1 }
//! ```
//!
//! Any granted principal may halt; that is not in the table, because no policy may take it away.

use crate::model::Role;

use super::Policy;
use super::word::words;

words! {
    /// What a policy entitles roles to do.
    Act {
        /// Plan a change, and raise its tier.
        Plan = "plan",
        /// Grant, lease and revoke keys.
        Grant = "grant",
        /// Put another policy into force.
        Policy = "policy",
        /// Sign exceptions.
        Allow = "allow",
        /// End a halt.
        Resume = "resume",
        /// Record merges and verdicts.
        Merge = "merge",
        /// Accept criteria, as a person: without it nobody may, the roots neither.
        Accept = "accept",
    }
}

impl Act {
    /// Returns what somebody does who does it, as in "may not ... here".
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Grant => "grant or revoke keys",
            Self::Policy => "change the policy",
            Self::Allow => "allow exceptions",
            Self::Resume => "resume",
            Self::Merge => "merge",
            Self::Accept => "accept criteria",
        }
    }
}

/// Who may do an act: so many distinct principals, each of whom holds one of the roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitled {
    /// The roles; never empty.
    pub roles: Vec<Role>,
    /// How many distinct principals must sign, from 1 to [`THRESHOLD_MAX`].
    pub threshold: u64,
}

impl Policy {
    /// Returns who may do an act. `None`: the roots only, by the threshold of the trust file.
    #[must_use]
    pub fn may(&self, act: Act) -> Option<&Entitled> {
        self.may.get(&act)
    }
}

impl Policy {
    /// Returns this policy with another's rules of who may do what.
    pub(crate) fn with_may_of(mut self, other: &Self) -> Self {
        self.may.clone_from(&other.may);
        self
    }
}

impl Entitled {
    /// Returns whether one of the roles is among those held.
    #[must_use]
    pub fn includes<'a>(&self, held: impl IntoIterator<Item = &'a Role>) -> bool {
        held.into_iter().any(|role| self.roles.contains(role))
    }
}

/// A record carries at most 8 signatures (format, section 3), so a higher threshold could never be met.
pub const THRESHOLD_MAX: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::STARTER;

    fn role(text: &str) -> Role {
        text.parse().unwrap()
    }

    #[test]
    fn a_named_role_is_entitled() {
        let policy = Policy::parse(STARTER).unwrap();
        let entitled = policy.may(Act::Plan).unwrap();
        assert_eq!(entitled.threshold, 1);
        assert!(entitled.includes(&[role("ci"), role("planner")]));
    }

    #[test]
    fn other_roles_and_acts_left_out_are_not_entitled() {
        let text = STARTER.replace("\nresume = [\"admin\"]", "");
        let policy = Policy::parse(&text).unwrap();
        assert!(!policy.may(Act::Plan).unwrap().includes(&[role("ci")]));
        assert!(policy.may(Act::Resume).is_none());
    }
}
