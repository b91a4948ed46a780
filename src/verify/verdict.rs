//! The verdict as a value; its JSON is the norm (`schemas/verdict-report.schema.json`), all else a projection.

use std::collections::BTreeSet;

use serde::Serialize;

use super::code::Code;
use super::criteria::CriterionShown;
use super::planned::Planned;
use super::ratchet::{Compared, Gain};
use super::recommended::Recommended;
use crate::model::{AsOf, ChangeId, ClaimName, Decision, Digest, Id, Oid, PrincipalId, TierName, Time};
use crate::prove::Held;

/// What was judged, how, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// `evidence-verdict/v1`.
    pub format: &'static str,
    /// Whether the change is shown to be fit.
    pub decision: Decision,
    /// The change.
    pub change: ChangeId,
    /// The judged commit.
    pub commit: Oid,
    /// Its tree.
    pub tree: Oid,
    /// The commit that the change starts from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Oid>,
    /// The moment that it was judged for.
    pub moment: &'static str,
    /// The tiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierShown>,
    /// The ledger.
    pub origin: String,
    /// Which state of the ledger was judged; absent where none could be proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// The time that counted as now.
    pub now: Time,
    /// The hash of the policy that judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// What its plans say beside the tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<Planned>,
    /// Each requirement.
    pub requirements: Vec<Requirement>,
    /// What is recommended and not required: it decides nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recommended: Vec<Recommended>,
    /// Each criterion of its plans, and what shows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<CriterionShown>,
    /// Why it is refused, most telling first.
    pub findings: Vec<Finding>,
    /// What an acceptance admits.
    pub limitations: Vec<Limitation>,
    /// The exceptions that are about the change, in the order of the log: what became of each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ExceptionShown>,
}

/// The tier that was planned and the one that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TierShown {
    /// The highest that was planned.
    pub planned: TierName,
    /// The one that counts.
    pub effective: TierName,
}

/// A required claim and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Requirement {
    /// The claim.
    pub claim: ClaimName,
    /// What requires it.
    pub why: String,
    /// Its family.
    pub family: &'static str,
    /// Its state.
    pub state: State,
    /// The records that it rests on, or that speak against it.
    pub serials: Vec<u64>,
    /// Who stands behind it.
    pub principals: Vec<PrincipalId>,
    /// How many attempts were made on this tree.
    pub attempts: u64,
    /// Its numbers, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<String>,
    /// Failures on other trees: they void nothing and are shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_elsewhere: Vec<u64>,
    /// How many seconds after its command had ended the latest result came to the ledger, if that is more than it takes: it waited
    /// in a spool. It changes nothing of what it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_late_seconds: Option<u64>,
    /// The exception that stands in for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<Excepted>,
    /// What comparing with the branch's baseline came to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub baseline: Vec<Compared>,
    /// What the branch protects of it and nothing was held against, such as `coverage (linux)`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<String>,
    /// The newest policy, where that requires it besides the one in force at the plan, or otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
}

/// The exception that stands in for a requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Excepted {
    /// Its record.
    pub serial: u64,
    /// Its id.
    pub id: Id,
    /// `waive` or `exempt`.
    pub effect: &'static str,
    /// Who signed it: principals, and roots by their fingerprints.
    pub by: Vec<String>,
    /// Why.
    pub reason: String,
    /// When it ends.
    pub until: Time,
}

/// An exception that is about the change, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceptionShown {
    /// Its record.
    pub serial: u64,
    /// Its id.
    pub id: Id,
    /// What it would do.
    pub effect: &'static str,
    /// The claims that it is about.
    pub claims: Vec<ClaimName>,
    /// Patterns of the names that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// How far a number may go that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// Whether it is wider than one change.
    pub any_change: bool,
    /// Patterns of the changes that it is about, where it names some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Who signed it: principals, and roots by their fingerprints.
    pub by: Vec<String>,
    /// Why.
    pub reason: String,
    /// When it ends.
    pub until: Time,
    /// What became of it.
    pub state: ExceptionState,
    /// Why it does not help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What became of an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExceptionState {
    /// It helps.
    InForce,
    /// Its time is over.
    Ended,
    /// Another record ended it before its time.
    EndedEarly,
    /// It is such a record.
    End,
    /// It never helped, or does no more.
    NotTaken,
}

impl ExceptionShown {
    /// Returns why it does not help, as a sentence; none if it does, or ends another one.
    #[must_use]
    pub fn idle(&self) -> Option<String> {
        let Self { serial, id, effect, claims, by, until, state, why, .. } = self;
        let why = match state {
            ExceptionState::InForce | ExceptionState::End => return None,
            ExceptionState::Ended => format!("ended at {until}"),
            ExceptionState::EndedEarly | ExceptionState::NotTaken => {
                format!("{}: {}", state.as_str(), why.as_deref().unwrap_or_default())
            }
        };
        let claims: Vec<&str> = claims.iter().map(|claim| claim.as_str()).collect();
        Some(format!("{id} (record {serial}, {effect} {} by {}) {why}", claims.join(", "), by.join(" and ")))
    }
}

impl ExceptionState {
    /// Returns it in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::Ended => "ended",
            Self::EndedEarly => "ended early",
            Self::End => "an end",
            Self::NotTaken => "not taken",
        }
    }
}

/// The state of a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Met.
    Pass,
    /// Shown not to be met.
    Fail,
    /// Nothing is shown.
    Inconclusive,
    /// An attempt is under way.
    Running,
    /// An attempt never ended.
    Lost,
    /// Nothing is there.
    Missing,
    /// Something is there that does not count.
    Invalid,
    /// Not demanded this once: an exception stands in for it.
    Waived,
    /// It does not apply: an exception says so.
    NotApplicable,
}

impl State {
    /// Returns it as the JSON has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Running => "running",
            Self::Lost => "lost",
            Self::Missing => "missing",
            Self::Invalid => "invalid",
            Self::Waived => "waived",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// One reason why a verdict refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The code.
    pub code: Code,
    /// Its name.
    pub name: &'static str,
    /// What it is about: a claim, a record, a commit.
    pub thing: String,
    /// What was found.
    pub found: String,
    /// What was wanted.
    pub wanted: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<Advice>,
}

/// A command that mends a finding, and who may run it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// Program and arguments.
    pub command: Vec<String>,
    /// The role that is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The principals that hold it.
    pub who: Vec<PrincipalId>,
}

/// What an accepting verdict admits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limitation {
    /// Its name, which a policy may refuse.
    pub name: &'static str,
    /// The sentence for people.
    pub text: String,
}

/// A verdict together with what it was computed from: only [`super::judge`] makes one.
#[derive(Debug, Clone)]
pub struct Decided {
    pub(super) verdict: Verdict,
    pub(super) gains: Vec<Gain>,
    pub(super) shown: Vec<Gain>,
    pub(super) pictures: BTreeSet<(Box<str>, Digest)>,
}

impl Decided {
    /// Returns the verdict.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Returns what the requirements that are met bring to the baseline of the branch.
    pub(super) fn gains(&self) -> &[Gain] {
        &self.gains
    }

    /// Returns the verdict, for showing it.
    #[must_use]
    pub fn into_verdict(self) -> Verdict {
        self.verdict
    }

    /// Says in the limitation `operator-unbound` which heads the log was held against: up to the largest of them it is bound.
    ///
    /// The limitation stays: what was logged behind that head is remembered by nobody yet, and who remembers may be the operator.
    #[must_use]
    pub fn held_against(mut self, held: &[Held]) -> Self {
        let unbound = self.verdict.limitations.iter_mut().filter(|limitation| limitation.name == OPERATOR_UNBOUND);
        for limitation in unbound {
            for one in held {
                limitation.text.push_str("; ");
                limitation.text.push_str(&one.sentence());
            }
        }
        self
    }

    /// Returns what the reports show of the kinds that the branch protects, also where a requirement is not met: nothing of it is
    /// believed to be enough.
    #[must_use]
    pub fn shown(&self) -> &[Gain] {
        &self.shown
    }

    /// Returns the hashes that the branch's baseline has of a picture, of whichever claim.
    pub fn picture_before(&self, name: &str) -> impl Iterator<Item = &Digest> {
        self.pictures.iter().filter(move |(known, _)| &**known == name).map(|(_, hash)| hash)
    }

    /// Adds a reason that makes it a refusal.
    #[must_use]
    pub fn refused_for(mut self, finding: Finding) -> Self {
        self.verdict.decision = Decision::Refused;
        self.verdict.findings.push(finding);
        self
    }

    /// Returns whether the change is shown to be fit.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.verdict.decision == Decision::Accepted
    }
}

impl Verdict {
    /// Returns the refusal of what could not even be proven complete.
    #[must_use]
    pub fn unproven(change: ChangeId, commit: Oid, tree: Oid, origin: String, now: Time, finding: Finding) -> Self {
        Self {
            format: "evidence-verdict/v1",
            decision: Decision::Refused,
            change,
            commit,
            tree,
            base: None,
            moment: "merge",
            tier: None,
            origin,
            as_of: None,
            now,
            policy: None,
            planned: None,
            requirements: Vec::new(),
            recommended: Vec::new(),
            criteria: Vec::new(),
            findings: vec![finding],
            limitations: Vec::new(),
            exceptions: Vec::new(),
        }
    }

    /// Adds what became of the exceptions under one policy; where another policy does not take one, it does not help.
    pub(super) fn show_exceptions(&mut self, shown: &[ExceptionShown]) {
        for one in shown {
            match self.exceptions.iter_mut().find(|known| known.serial == one.serial) {
                None => self.exceptions.push(one.clone()),
                Some(known) if known.state < one.state => *known = one.clone(),
                Some(_) => {}
            }
        }
    }

    /// Returns in one line whether anything that the branch protects is worse, with the numbers; none where nothing is held against it.
    #[must_use]
    pub fn not_worse(&self) -> Option<String> {
        let (word, parts) = self.compared()?;
        Some(format!("{word}: {}", parts.join("; ")))
    }

    /// Returns whether anything that the branch protects is worse, and the numbers of each claim with its name; none where nothing is held
    /// against it.
    #[must_use]
    pub fn compared(&self) -> Option<(&'static str, Vec<String>)> {
        let all: Vec<&Compared> = self.requirements.iter().flat_map(|requirement| &requirement.baseline).collect();
        let codes = [
            Code::LOST_NAME,
            Code::NEW_NAME,
            Code::BELOW_FLOOR,
            Code::SLOWER,
            Code::UNTESTED_NAME,
            Code::ABOVE_CEILING,
        ];
        let changed = |compared: &&Compared| compared.what == "pictures" && compared.against > 0;
        let worse = self.findings.iter().any(|finding| codes.contains(&finding.code)) || all.iter().any(changed);
        let of = |requirement: &Requirement| {
            let numbers: Vec<String> = requirement.baseline.iter().map(Compared::sentence).collect();
            (!numbers.is_empty()).then(|| format!("{} {}", requirement.claim, numbers.join(", ")))
        };
        let mut parts: Vec<String> = self.requirements.iter().filter_map(of).collect();
        let left = self.requirements.iter().map(|it| (it.claim.as_str(), it.not_compared.join(", ")));
        let left: BTreeSet<String> =
            left.filter(|(_, what)| !what.is_empty()).map(|(claim, what)| format!("{what} of {claim}")).collect();
        let left = left.into_iter().collect::<Vec<_>>().join("; ");
        // Nobody is told that nothing is worse where not all of it was looked at.
        let word = match (all.is_empty(), left.is_empty()) {
            (true, true) => return None,
            (true, false) => return Some(("not compared", vec![left])),
            (false, _) if worse => "worse",
            (false, true) => "not worse",
            (false, false) => "compared",
        };
        if !left.is_empty() {
            parts.push(format!("not compared: {left}"));
        }
        Some((word, parts))
    }

    /// Prints the JSON that is the norm.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a verdict holds nothing that JSON cannot say")
    }
}

impl State {
    /// Returns whether an exception stands in for what is not shown.
    #[must_use]
    pub const fn is_excepted(self) -> bool {
        matches!(self, Self::Waived | Self::NotApplicable)
    }
}

impl Excepted {
    /// Returns it as a sentence: `ana waives it until .. (record 12, w-1): why`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { serial, id, effect, by, reason, until } = self;
        let does = if *effect == "exempt" { "says that it does not apply" } else { "waives it" };
        format!("{} {does} until {until} (record {serial}, {id}): {reason}", by.join(" and "))
    }
}

impl Finding {
    /// Returns a finding without a command that mends it.
    #[must_use]
    pub fn new(code: Code, thing: impl Into<String>, found: impl Into<String>, wanted: impl Into<String>) -> Self {
        Self { code, name: code.name, thing: thing.into(), found: found.into(), wanted: wanted.into(), mend: None }
    }

    /// Adds the command that mends it and the role that may run it.
    #[must_use]
    pub fn mended_by(self, command: &[&str], role: Option<&str>) -> Self {
        self.mended_by_words(command.iter().map(|word| (*word).to_owned()).collect(), role)
    }

    /// Adds the command that mends it and the role that may run it.
    #[must_use]
    pub(super) fn mended_by_words(mut self, command: Vec<String>, role: Option<&str>) -> Self {
        self.mend = Some(Advice { command, role: role.map(ToOwned::to_owned), who: Vec::new() });
        self
    }

    /// Returns the sentence: `E201 missing-claim: unit-tests: found nothing; wanted ..`.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{}: {}: {}; wanted {}", self.code, self.thing, self.found, self.wanted)
    }
}

/// The limitation of every verdict on a ledger whose heads no witness signs.
pub(super) const OPERATOR_UNBOUND: &str = "operator-unbound";
