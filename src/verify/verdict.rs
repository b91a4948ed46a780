//! The verdict as a value; its JSON is the norm (`schemas/verdict-report.schema.json`), all else a projection.

use serde::Serialize;

use super::code::Code;
use crate::model::{AsOf, ChangeId, ClaimName, Decision, Digest, Oid, PrincipalId, TierName, Time};
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
    /// Each requirement.
    pub requirements: Vec<Requirement>,
    /// Why it is refused, most telling first.
    pub findings: Vec<Finding>,
    /// What an acceptance admits.
    pub limitations: Vec<Limitation>,
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
pub struct Decided(pub(super) Verdict);

impl Decided {
    /// Returns the verdict.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.0
    }

    /// Returns the verdict, for showing it.
    #[must_use]
    pub fn into_verdict(self) -> Verdict {
        self.0
    }

    /// Says in the limitation `operator-unbound` which heads the log was held against: up to the largest of them it is bound.
    ///
    /// The limitation stays: what was logged behind that head is remembered by nobody yet, and who remembers may be the operator.
    #[must_use]
    pub fn held_against(mut self, held: &[Held]) -> Self {
        let unbound = self.0.limitations.iter_mut().filter(|limitation| limitation.name == OPERATOR_UNBOUND);
        for limitation in unbound {
            for one in held {
                limitation.text.push_str("; ");
                limitation.text.push_str(&one.sentence());
            }
        }
        self
    }

    /// Returns whether the change is shown to be fit.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.0.decision == Decision::Accepted
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
            requirements: Vec::new(),
            findings: vec![finding],
            limitations: Vec::new(),
        }
    }

    /// Prints the JSON that is the norm.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a verdict holds nothing that JSON cannot say")
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
