//! The policy: who must show what before a change may merge.
//!
//! A policy is one TOML text (design, section 6; `policy.schema.json` describes its JSON form). [`Policy::parse`] is the
//! only way to hold one: afterwards every name in it is defined, every pattern compiles and every limit is within its
//! bounds, so that nothing further in has to ask. From there, [`Policy::requirements`] answers what a change of a tier
//! that touches certain paths has to show, and [`Policy::may`] who may do what.
//!
//! Out of scope: which policy is in force, whether a requirement is met (`verify`), and reading files.

mod baseline;
mod claim;
mod diff;
mod exceptions;
mod explain;
mod materials;
mod nearest;
mod nesting;
mod parse;
mod place;
mod problem;
mod reach;
mod reader;
mod rego;
mod remark;
mod requirements;
mod shape;
mod starter;
mod tier;
mod who;
mod wild;
mod word;

pub use baseline::{
    Baseline, BaselineError, Ceiling, Floor, HUNDREDTHS, Kept, Measured, Moved, NameSet, Protected, percent,
};
pub use claim::{
    Asserted, AttachmentKind, AttachmentLimits, BaselineRule, BoundTo, CeilingRule, Claim, CoverageLimits,
    Differential, Family, FindingLimits, FloorRule, Form, MeasurementLimits, MeasurementRule, Moment, MutationLimits,
    NameLimits, PathFloor, Surface, TestKind, TestLimits, Waivable,
};
pub use diff::{Difference, Direction};
pub use exceptions::{Exceptions, Far, Outside, Reach, concerns, is_number};
pub use explain::{Asked, Explained, Reason};
pub use materials::MaterialsRule;
pub use nearest::nearest;
pub use nesting::NESTING_MAX;
pub use parse::{BYTES_MAX, CLAIMS_MAX, COUNT_MAX, NAMES_MAX, PRINCIPALS_MAX, TIERS_MAX, WHENS_MAX};
pub use place::Place;
pub use problem::{ERRORS_MAX, PolicyError, PolicyErrors, PolicyProblem, Suggestion};
pub use rego::{REGO_BYTES_MAX, REGO_NESTING_MAX, Rego};
pub use remark::{Holders, Oddity, Remark, Weight};
pub use requirements::{Required, Requirements, Why};
pub use starter::{MODEL, STARTER, TIERS_EXAMPLE};
pub use tier::{Base, PATTERN_BYTES_MAX, Paths, PlanPart, Tier, Trailer, When};
pub use who::{Act, Entitled, THRESHOLD_MAX};
pub use wild::Wildcards;
pub(crate) use wild::wildcard_matches;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{ClaimName, Id, Role, Span, TierName};
use word::words;

/// A policy that has been parsed and checked; immutable.
///
/// The only constructor is [`Policy::parse`].
#[derive(Debug, Clone)]
pub struct Policy {
    tiers: Vec<Tier>,
    claims: BTreeMap<ClaimName, Claim>,
    whens: Vec<When>,
    may: BTreeMap<Act, Entitled>,
    exceptions: Exceptions,
    materials: Option<MaterialsRule>,
    applies: Applies,
    independence: Independence,
    unplanned: Option<TierName>,
    plan_valid_for: Option<Span>,
    refuse_limitations: BTreeSet<Id>,
    pipelines: Option<Paths>,
    rego: Option<Rego>,
    json: Value,
}

words! {
    /// Which policies judge a change that was planned under this one.
    Applies {
        /// The policy in force at the first plan (the default).
        Plan = "plan",
        /// That one, and the newest too: both must accept.
        Open = "open",
    }
}

words! {
    /// What happens where independence is wanted and not there.
    Independence {
        /// The verdict refuses (the default).
        Require = "require",
        /// The verdict admits a limitation: the small team's form.
        Record = "record",
    }
}

impl Policy {
    /// Returns the tiers, lowest first; never empty.
    #[must_use]
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// Returns the claim of that name.
    #[must_use]
    pub fn claim(&self, name: &ClaimName) -> Option<&Claim> {
        self.claims.get(name)
    }

    /// Returns all claims, by name.
    #[must_use]
    pub const fn claims(&self) -> &BTreeMap<ClaimName, Claim> {
        &self.claims
    }

    /// Returns the `[[when]]` rules in their order in the file.
    #[must_use]
    pub fn whens(&self) -> &[When] {
        &self.whens
    }

    /// Returns which policies judge a change planned under this one.
    #[must_use]
    pub const fn applies(&self) -> Applies {
        self.applies
    }

    /// Returns what happens where independence is wanted and not there.
    #[must_use]
    pub const fn independence(&self) -> Independence {
        self.independence
    }

    /// Returns the tier of the implied plan that a first attempt may write; `None`: every change must be planned.
    #[must_use]
    pub const fn unplanned(&self) -> Option<&TierName> {
        self.unplanned.as_ref()
    }

    /// Returns how long after its entry a plan serves; `None`: without end.
    #[must_use]
    pub const fn plan_valid_for(&self) -> Option<Span> {
        self.plan_valid_for
    }

    /// Returns the limitations under which nothing may be accepted.
    ///
    /// Whether a name is a limitation at all is known where limitations are made: a verifier that meets a name here which
    /// it does not know cannot judge, since a limitation that it never reports would never be refused.
    #[must_use]
    pub const fn refuse_limitations(&self) -> &BTreeSet<Id> {
        &self.refuse_limitations
    }

    /// Returns the paths that tell a CI system what to run, besides those that every verdict knows.
    #[must_use]
    pub const fn pipelines(&self) -> Option<&Paths> {
        self.pipelines.as_ref()
    }

    /// Returns the Rego that may refuse what the rest accepts; without it none is run.
    #[must_use]
    pub const fn rego(&self) -> Option<&Rego> {
        self.rego.as_ref()
    }

    /// Returns every role that a claim or an act names, sorted.
    #[must_use]
    pub fn roles(&self) -> BTreeSet<&Role> {
        self.claims.values().map(|claim| &claim.by).chain(self.may.values().flat_map(|e| &e.roles)).collect()
    }

    /// Returns the claims that nothing requires or recommends, by name.
    #[must_use]
    pub fn claims_unused(&self) -> Vec<&ClaimName> {
        let tiers = self.tiers.iter().flat_map(|tier| tier.require.iter().chain(&tier.recommend));
        let reviews = self.claims.values().filter_map(|claim| claim.attachments.as_ref()?.reviewed_by.as_ref());
        let used: BTreeSet<_> = tiers.chain(self.whens.iter().flat_map(|when| &when.require)).chain(reviews).collect();
        self.claims.keys().filter(|name| !used.contains(name)).collect()
    }

    /// Returns the JSON form of the TOML, as the published schema describes it: what was written, without defaults.
    #[must_use]
    pub const fn json(&self) -> &Value {
        &self.json
    }
}
