//! The verdict: `judge(&Complete<Change>, &Rechecked, &GitFacts, now) -> Verdict`, and what Rego said where a policy has some.
//!
//! Nothing here touches a store, a clock or a network: the same arguments give the same verdict on any machine, for ever.
//! One rule a file. An empty set never passes; unknown never counts as pass; every finding is listed.

mod attachments;
mod attempts;
mod authority;
mod bench;
mod branch;
mod cases;
mod changed;
mod code;
mod coverage;
mod criteria;
mod differential;
mod ended;
mod exceptions;
mod floors;
mod independence;
mod judge;
mod kinds;
mod lasting;
mod limits;
mod mapping;
mod measurements;
mod mutants;
mod names;
mod not_compared;
mod now;
mod observe;
mod pipelines;
mod plan;
mod planned;
mod question;
mod ratchet;
mod recheck;
mod recommended;
mod reviews;
mod succession;
mod suppose;
mod surface;
mod telling;
mod verdict;
mod workflow;

pub use attempts::{Attempt, AttemptState};
pub use authority::{Authority, Grants, Known, LogKey, Policies, PolicyReadError, Roots, Who};
pub use branch::{Aim, aim, baselines_of, read_branch};
pub use changed::asks_changed_lines;
pub use code::{CODES, Code};
pub use criteria::{CriterionShown, CriterionState, Shows, ShowsKind};
pub use ended::Ended;
pub use judge::{Clock, Judgement, LIMITATIONS, REMOTE_UNSEEN, judge, plan_base};
pub use limits::Totals;
pub use measurements::least;
pub use names::{read_authors, read_names};
pub use observe::{Observed, Passed, observe};
pub use planned::{Planned, PlannedFile, PlannedPaths};
pub use question::{Answer, Answers, Denial, Question, Said, Unanswered, question_digest};
pub use ratchet::{Allowed, Compared, Gain, next_baseline};
pub use recheck::{BASELINE_BYTES_MAX, Recheck, RecheckError, Rechecked, read_baseline};
pub use recommended::Recommended;
pub use succession::follow;
pub use suppose::Supposed;
#[cfg(feature = "store")]
pub(crate) use telling::told;
pub use verdict::{
    Advice, Decided, Excepted, ExceptionShown, ExceptionState, Finding, Limitation, Requirement, State, TierShown,
    Verdict,
};
