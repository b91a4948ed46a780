//! The nine predicates: `evidence:<name>/v1` (format, section 2). They are closed.

mod authority;
mod event;
mod exception;
mod on_base;
mod plan;
mod policy;
mod result;
mod review;
mod start;
mod verdict;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use authority::{Authority, Grant, Revoke};
pub use event::Event;
pub use exception::{Effect, Exception, Rename};
pub use on_base::{BaseRun, OnBase};
pub use plan::Plan;
pub use policy::PolicyRecord;
pub use result::{Attachment, Command, Ended, Material, MaterialFacts, Problem, Purpose, Run, Worktree};
pub use review::{Phase, PictureSeen, Review, ReviewVerdict};
pub use start::{Shard, ShardError, Start};
pub use verdict::{AsOf, Decision, VerdictRecord};

/// One of the nine predicates, without its member `evidence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicate {
    /// The first record of a change, and each later raise.
    Plan(Plan),
    /// An attempt begins.
    Start(Start),
    /// An attempt ended.
    Result(Run),
    /// Somebody looked.
    Review(Review),
    /// A signed, reasoned, ending deviation.
    Exception(Exception),
    /// Who may do what.
    Authority(Authority),
    /// Which policy is in force.
    Policy(PolicyRecord),
    /// Something happened to the project.
    Event(Event),
    /// A verdict was given.
    Verdict(VerdictRecord),
}

/// The nine names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PredicateName {
    /// `plan`
    Plan,
    /// `start`
    Start,
    /// `result`
    Result,
    /// `review`
    Review,
    /// `exception`
    Exception,
    /// `authority`
    Authority,
    /// `policy`
    Policy,
    /// `event`
    Event,
    /// `verdict`
    Verdict,
}

impl PredicateName {
    /// All nine, in the order of the format.
    pub const ALL: [Self; 9] = [
        Self::Plan,
        Self::Start,
        Self::Result,
        Self::Review,
        Self::Exception,
        Self::Authority,
        Self::Policy,
        Self::Event,
        Self::Verdict,
    ];

    /// Returns the name, `plan` for example.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Start => "start",
            Self::Result => "result",
            Self::Review => "review",
            Self::Exception => "exception",
            Self::Authority => "authority",
            Self::Policy => "policy",
            Self::Event => "event",
            Self::Verdict => "verdict",
        }
    }

    /// Returns the predicate type, `evidence:plan/v1` for example.
    #[must_use]
    pub fn predicate_type(self) -> String {
        format!("evidence:{}/v1", self.as_str())
    }

    /// Returns the name behind a predicate type; compares the whole string.
    #[must_use]
    pub fn of_type(predicate_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.predicate_type() == predicate_type)
    }
}

impl Predicate {
    /// Returns which of the nine this is.
    #[must_use]
    pub const fn name(&self) -> PredicateName {
        match self {
            Self::Plan(_) => PredicateName::Plan,
            Self::Start(_) => PredicateName::Start,
            Self::Result(_) => PredicateName::Result,
            Self::Review(_) => PredicateName::Review,
            Self::Exception(_) => PredicateName::Exception,
            Self::Authority(_) => PredicateName::Authority,
            Self::Policy(_) => PredicateName::Policy,
            Self::Event(_) => PredicateName::Event,
            Self::Verdict(_) => PredicateName::Verdict,
        }
    }

    /// Reads the members of a predicate, the member `evidence` taken out.
    pub(super) fn from_members(name: PredicateName, members: Value) -> Result<Self, serde_json::Error> {
        fn read<T: DeserializeOwned>(members: Value) -> Result<T, serde_json::Error> {
            serde_json::from_value(members)
        }
        Ok(match name {
            PredicateName::Plan => Self::Plan(read(members)?),
            PredicateName::Start => Self::Start(read(members)?),
            PredicateName::Result => Self::Result(read(members)?),
            PredicateName::Review => Self::Review(read(members)?),
            PredicateName::Exception => Self::Exception(read(members)?),
            PredicateName::Authority => Self::Authority(read(members)?),
            PredicateName::Policy => Self::Policy(read(members)?),
            PredicateName::Event => Self::Event(read(members)?),
            PredicateName::Verdict => Self::Verdict(read(members)?),
        })
    }

    pub(super) fn to_members(&self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Plan(p) => serde_json::to_value(p),
            Self::Start(p) => serde_json::to_value(p),
            Self::Result(p) => serde_json::to_value(p),
            Self::Review(p) => serde_json::to_value(p),
            Self::Exception(p) => serde_json::to_value(p),
            Self::Authority(p) => serde_json::to_value(p),
            Self::Policy(p) => serde_json::to_value(p),
            Self::Event(p) => serde_json::to_value(p),
            Self::Verdict(p) => serde_json::to_value(p),
        }
    }
}
