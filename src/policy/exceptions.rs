//! Which exceptions a policy allows at all: the table `[exceptions]`. Who may sign them is said by `[may] allow`.
//!
//! ```toml
//! [exceptions]
//! effects    = ["waive", "retire"]
//! longest    = "14d"
//! at_once    = 3
//! any_change = false
//! ```

use std::collections::BTreeSet;

use crate::model::{ChangeId, ClaimName, Effect, Exception, Span, Time};

use super::baseline::{Ceiling, Floor, percent};
use super::wild::Wildcards;
use super::word::Word;
use super::{Policy, Waivable};

/// What exceptions may do, how long and how many; without the table, [`Exceptions::default`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceptions {
    /// What an exception may do; never empty.
    pub effects: BTreeSet<Effect>,
    /// How long one may last from its entry; `None`: [`Exceptions::LONGEST`].
    pub longest: Option<Span>,
    /// How many of one change may be in force at once; 0 allows none.
    pub at_once: u64,
    /// How far one may reach.
    pub reach: Reach,
}

/// Why a policy does not allow an exception, whoever signs it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Outside {
    /// It does what no exception may do.
    #[error("the policy allows no exception of the kind {0}")]
    Effect(Effect),
    /// It is about every change, or a pattern of them.
    #[error("it is wider than one change, which the policy does not allow")]
    Reach,
    /// It lasts too long.
    #[error("it lasts {found}; the policy allows {most}")]
    TooLong {
        /// How long it lasts.
        found: Span,
        /// How long it may last.
        most: Span,
    },
    /// It is about nothing.
    #[error("it names no claim")]
    NoClaim,
    /// It would let every name go or come.
    #[error("it names no test, finding or item; wanted patterns of their names")]
    NoNames,
    /// It stands in for claims, and says that it is about names.
    #[error("it stands in for claims as a whole, and names more than them")]
    Names,
    /// Nothing stands in for the claim.
    #[error("no exception stands in for {0}: it is not waivable")]
    NotWaivable(ClaimName),
}

/// How far an exception lets a number go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Far {
    /// A floor, in hundredths of a percent.
    Floor(u64),
    /// A count: of a ceiling, or of a finding by its name.
    Count(u64),
    /// By how many percent a measurement may be worse.
    Worse(u64),
}

impl Far {
    /// Returns how far an exception of these names goes; none if it names no number, or numbers that have no unit in common.
    #[must_use]
    pub fn of(effect: Effect, names: &[String], to: Option<u64>) -> Option<Self> {
        let floors = names.iter().filter(|name| Floor::of(name).is_some()).count();
        match effect {
            Effect::Admit => to.map(Self::Count),
            Effect::Retire if floors == 0 => to.map(Self::Worse),
            Effect::Retire if floors == names.len() => to.map(Self::Floor),
            Effect::Retire | Effect::Waive | Effect::Exempt => None,
        }
    }
}

impl std::fmt::Display for Far {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Floor(to) => write!(f, "down to {}", percent(*to)),
            Self::Count(to) => write!(f, "up to {to}"),
            Self::Worse(to) => write!(f, "up to {to} % worse"),
        }
    }
}

/// Returns whether a name is the word of a floor or a ceiling: such a number is meant only where its word is written out.
#[must_use]
pub fn is_number(name: &str) -> bool {
    Floor::of(name).is_some() || Ceiling::of(name).is_some()
}

/// How far an exception may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// It is about one change (the default).
    OneChange,
    /// It may be about every change, or patterns of them.
    AnyChange,
}

impl Exceptions {
    /// How long an exception lasts at most where the policy does not say it.
    pub const LONGEST: Span = Span(30 * 86_400);

    /// What hints say for `--until` where the policy does not say how long.
    pub const UNTIL_SHOWN: &'static str = "7d";
    /// How many exceptions of one change may be in force at once where the policy does not say it.
    pub const AT_ONCE: u64 = 5;

    /// Returns how long an exception may last.
    #[must_use]
    pub fn longest(&self) -> Span {
        self.longest.unwrap_or(Self::LONGEST)
    }
}

impl Default for Exceptions {
    fn default() -> Self {
        Self {
            effects: Effect::ALL.iter().copied().collect(),
            longest: None,
            at_once: Self::AT_ONCE,
            reach: Reach::OneChange,
        }
    }
}

impl Policy {
    /// Returns which exceptions this policy allows.
    #[must_use]
    pub const fn exceptions(&self) -> &Exceptions {
        &self.exceptions
    }

    /// Checks that this policy allows an exception that is logged at a time: what it does, how far, how long, and to what.
    ///
    /// Who signs it, and how many others are in force, is not asked here.
    ///
    /// # Errors
    /// See [`Outside`].
    pub fn allows_exception(&self, exception: &Exception, reach: Reach, logged: Time) -> Result<(), Outside> {
        let Exception { effect, id: _, claims, changes: _, names, renames, to, reason: _, until } = exception;
        let (found, most) = (until.since(logged), self.exceptions.longest());
        if !self.exceptions.effects.contains(effect) {
            return Err(Outside::Effect(*effect));
        }
        if reach > self.exceptions.reach {
            return Err(Outside::Reach);
        }
        if found > most {
            return Err(Outside::TooLong { found, most });
        }
        if claims.is_empty() {
            return Err(Outside::NoClaim);
        }
        if !renames.is_empty() && *effect != Effect::Retire {
            return Err(Outside::Names);
        }
        if to.is_some() && matches!(effect, Effect::Waive | Effect::Exempt) {
            return Err(Outside::Names);
        }
        if to.is_some() && names.is_empty() {
            return Err(Outside::NoNames);
        }
        match (effect, names.is_empty() && renames.is_empty()) {
            (Effect::Retire | Effect::Admit, true) => Err(Outside::NoNames),
            (Effect::Retire | Effect::Admit, false) => Ok(()),
            (Effect::Waive | Effect::Exempt, false) => Err(Outside::Names),
            (Effect::Waive | Effect::Exempt, true) => {
                let fixed = |claim: &&ClaimName| self.claim(claim).is_some_and(|it| it.waivable == Waivable::No);
                claims.iter().find(fixed).map_or(Ok(()), |claim| Err(Outside::NotWaivable(claim.clone())))
            }
        }
    }
}

/// Returns whether an exception that is wider than one change is about this one: it names no pattern, or one that matches.
#[must_use]
pub fn concerns(exception: &Exception, change: &ChangeId) -> bool {
    exception.changes.is_empty() || Wildcards::of(exception.changes.clone()).matches(change.as_str())
}

impl Word for Effect {
    const ALL: &'static [Self] = &[Self::Waive, Self::Retire, Self::Admit, Self::Exempt];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{PolicyProblem, STARTER};

    fn parsed(table: &str) -> Exceptions {
        let policy = Policy::parse(&format!("{STARTER}\n{table}")).unwrap_or_else(|errors| panic!("{errors}"));
        policy.exceptions().clone()
    }

    fn refused(table: &str) -> String {
        Policy::parse(&format!("{STARTER}\n{table}")).unwrap_err().to_string()
    }

    #[test]
    fn without_the_table_one_change_and_thirty_days() {
        let found = parsed("");
        assert_eq!(found, Exceptions::default());
        assert_eq!((found.longest(), found.at_once, found.reach), (Span(2_592_000), 5, Reach::OneChange));
        assert_eq!(found.effects.len(), 4);
    }

    #[test]
    fn what_the_table_says_holds() {
        let found = parsed("[exceptions]\neffects = [\"waive\"]\nlongest = \"14d\"\nat_once = 0\nany_change = true\n");
        assert_eq!(found.effects, BTreeSet::from([Effect::Waive]));
        assert_eq!((found.longest(), found.at_once, found.reach), (Span(1_209_600), 0, Reach::AnyChange));
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        assert!(refused("[exceptions]\neffects = [\"wave\"]\n").contains("did you mean `waive`"));
        assert!(refused("[exceptions]\neffects = []\n").contains("at least one"));
        assert!(refused("[exceptions]\nlongest = \"0d\"\n").contains("longest"));
        assert!(refused("[exceptions]\nat_once = -1\n").contains("at_once"));
        assert!(refused("[exceptions]\nanychange = true\n").contains("any_change"));
        let twice = Policy::parse(&format!("{STARTER}\n[exceptions]\neffects = [\"waive\", \"waive\"]\n"));
        assert!(matches!(twice.unwrap_err().0[0].problem, PolicyProblem::Duplicate { .. }));
    }
}
