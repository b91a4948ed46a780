//! `evidence status`: how a change stands, and who is awaited for what, out of its verdict and nothing else.
//!
//! ```json
//! {"change": "shop/abc", "state": "waiting", "done": 1, "total": 2, "missing": [{"code": "E201",
//!  "command": ["evidence", "attest", "unit-tests", "--change", "shop/abc", "--", "CMD"],
//!  "placeholders": ["CMD"], "role": "ci", "who": ["ci-linux"], ..}], ..}
//! ```
//! The schema is `status`. Out of scope: judging (`verify`), and finding the commit that is judged (`cli`).

use serde::Serialize;

use super::open::Planned;
use crate::export::is_about;
use crate::model::{ChangeId, ClaimName, Decision, Oid, PrincipalId, Span, TierName, Time};
use crate::verify::{CODES, Code, CriterionShown, Finding, Limitation, Recommended, Requirement, State, Verdict};

/// How a change stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The change.
    pub change: ChangeId,
    /// In one word.
    pub state: Progress,
    /// The record of its first plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<u64>,
    /// When it was planned first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<Time>,
    /// How long ago that was, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<u64>,
    /// The tiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The branch that it was held against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The commit that was judged, or that is wanted and not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Oid>,
    /// The record of the merge that closed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<u64>,
    /// How many requirements are met.
    pub done: usize,
    /// How many there are.
    pub total: usize,
    /// Each requirement, as the verdict has it.
    pub requirements: Vec<Requirement>,
    /// What is recommended and not required, as the verdict has it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recommended: Vec<Recommended>,
    /// Each criterion of its plans, as the verdict has it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<CriterionShown>,
    /// What keeps it from being accepted, each with what mends it, most telling first: one for each finding of the verdict.
    pub missing: Vec<Step>,
    /// Who is awaited, each role once.
    pub awaited: Vec<Awaited>,
    /// Of a change that is ready, who may merge it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub may_merge: Vec<Awaited>,
    /// What an acceptance would admit.
    pub limitations: Vec<Limitation>,
    /// Why it was not judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unjudged: Option<Unjudged>,
}

/// How a change stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// The verdict accepts it.
    Ready,
    /// Nothing speaks against it, and an attempt is under way.
    Running,
    /// Nothing speaks against it, and something is yet to be shown.
    Waiting,
    /// Something speaks against it.
    Refused,
    /// A merge closed it.
    Merged,
    /// It could not be judged here.
    Unjudged,
}

/// The tier that was planned and the one that counts; that one is known where the change was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tier {
    /// The highest that was planned.
    pub planned: TierName,
    /// The one that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<TierName>,
}

/// A finding of the verdict, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The finding's code.
    pub code: Code,
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub thing: String,
    /// What was found.
    pub found: String,
    /// What was wanted.
    pub wanted: String,
    /// The requirement that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimName>,
    /// How that stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// What mends such a thing, in words.
    pub how: &'static str,
    /// The command that mends it: program and arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The words of the command that are to be replaced before it is run.
    pub placeholders: Vec<String>,
    /// The role that is needed for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The principals who hold that role for the change now.
    pub who: Vec<PrincipalId>,
}

/// A role that is awaited, and who holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Awaited {
    /// The role.
    pub role: String,
    /// The principals who hold it for the change now; none: nobody does yet.
    pub who: Vec<PrincipalId>,
}

/// Why a change was not judged here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unjudged {
    /// The sentence.
    pub text: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Whether the judged commit is the one that is checked out, so that commands mean it by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checkout {
    /// It is.
    Here,
    /// It is not: commands must name it.
    Elsewhere,
}

impl Progress {
    /// Returns the word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Merged => "merged",
            Self::Unjudged => "unjudged",
        }
    }

    /// Returns how a change stands that has this verdict.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        match verdict.decision {
            Decision::Accepted => Self::Ready,
            // A code that is none of these speaks against the change: so does one that is added later.
            Decision::Refused if !verdict.findings.iter().all(|finding| LACKING.contains(&finding.code)) => {
                Self::Refused
            }
            Decision::Refused if verdict.findings.iter().any(|finding| finding.code == Code::RUNNING) => Self::Running,
            Decision::Refused => Self::Waiting,
        }
    }
}

impl Standing {
    /// Returns how a change stands by its verdict, as of the verdict's time.
    #[must_use]
    pub fn judged(verdict: &Verdict, planned: Option<&Planned>, target: Option<&str>, checkout: Checkout) -> Self {
        let tier = verdict
            .tier
            .as_ref()
            .map(|tier| Tier { planned: tier.planned.clone(), effective: Some(tier.effective.clone()) });
        let missing: Vec<Step> = verdict.findings.iter().map(|finding| Step::of(finding, verdict, checkout)).collect();
        let met = |requirement: &&Requirement| requirement.state == State::Pass;
        let blank = Self::blank(verdict.change.clone(), Progress::of(verdict), planned, verdict.now);
        Self {
            tier: tier.or(blank.tier),
            target: target.map(ToOwned::to_owned),
            commit: Some(verdict.commit.clone()),
            done: verdict.requirements.iter().filter(met).count(),
            total: verdict.requirements.len(),
            requirements: verdict.requirements.clone(),
            recommended: verdict.recommended.clone(),
            criteria: verdict.criteria.clone(),
            awaited: awaited(&missing),
            missing,
            limitations: verdict.limitations.clone(),
            ..blank
        }
    }

    /// Returns that a change was not judged.
    #[must_use]
    pub fn unjudged(
        change: ChangeId,
        planned: Option<&Planned>,
        commit: Option<Oid>,
        now: Time,
        why: Unjudged,
    ) -> Self {
        Self { commit, unjudged: Some(why), ..Self::blank(change, Progress::Unjudged, planned, now) }
    }

    /// Returns that a merge closed the change: what the verdict lacks awaits nobody any more.
    #[must_use]
    pub fn merged(self, merge: u64) -> Self {
        Self {
            state: Progress::Merged,
            merge: Some(merge),
            missing: Vec::new(),
            awaited: Vec::new(),
            may_merge: Vec::new(),
            ..self
        }
    }

    /// Returns that whoever holds one of these roles may merge it now.
    #[must_use]
    pub fn to_be_merged_by(self, may_merge: Vec<Awaited>) -> Self {
        Self { may_merge, ..self }
    }

    /// Returns whether anything is missing, or anybody may merge it.
    #[must_use]
    pub fn awaits(&self) -> bool {
        !self.missing.is_empty() || !self.may_merge.is_empty()
    }

    /// Keeps what a principal may do.
    #[must_use]
    pub fn for_principal(mut self, principal: &PrincipalId) -> Self {
        self.missing.retain(|step| step.who.contains(principal));
        self.awaited.retain(|awaited| awaited.who.contains(principal));
        self.may_merge.retain(|awaited| awaited.who.contains(principal));
        self
    }

    /// Returns what is missing, each once: claims, and the names of what is no claim's.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for step in &self.missing {
            let name = step.claim.as_ref().map_or(step.name, |claim| claim.as_str());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn blank(change: ChangeId, state: Progress, planned: Option<&Planned>, now: Time) -> Self {
        let Span(age) = planned.map_or(Span(0), |planned| now.since(planned.time));
        Self {
            change,
            state,
            plan: planned.map(|planned| planned.serial),
            planned: planned.map(|planned| planned.time),
            age: planned.map(|_| age),
            tier: planned.map(|planned| Tier { planned: planned.plan.tier.clone(), effective: None }),
            target: None,
            commit: None,
            merge: None,
            done: 0,
            total: 0,
            requirements: Vec::new(),
            recommended: Vec::new(),
            criteria: Vec::new(),
            missing: Vec::new(),
            awaited: Vec::new(),
            may_merge: Vec::new(),
            limitations: Vec::new(),
            unjudged: None,
        }
    }
}

impl Step {
    fn of(finding: &Finding, verdict: &Verdict, checkout: Checkout) -> Self {
        let requirement = verdict.requirements.iter().find(|requirement| is_about(&finding.thing, requirement));
        let how = CODES.iter().find(|(code, ..)| *code == finding.code).map_or("", |(_, _, mend)| mend);
        let mend = finding.mend.as_ref();
        let command = mend.map(|mend| named(&mend.command, verdict, checkout));
        let is_placeholder = |word: &&String| PLACEHOLDERS.contains(&word.as_str());
        Self {
            code: finding.code,
            name: finding.name,
            thing: finding.thing.clone(),
            found: finding.found.clone(),
            wanted: finding.wanted.clone(),
            claim: requirement.map(|requirement| requirement.claim.clone()),
            state: requirement.map(|requirement| requirement.state),
            how,
            placeholders: command.iter().flatten().filter(is_placeholder).cloned().collect(),
            command,
            role: mend.and_then(|mend| mend.role.clone()),
            who: mend.map_or_else(Vec::new, |mend| mend.who.clone()),
        }
    }
}

/// Names the change, and the commit where it is not the one that is checked out, in a command that takes both from its place.
fn named(command: &[String], verdict: &Verdict, checkout: Checkout) -> Vec<String> {
    let mut words = command.to_vec();
    if !matches!(command, [_, verb, _, ..] if verb == "attest" || verb == "review") {
        return words;
    }
    let mut flags = vec!["--change".to_owned(), verdict.change.to_string()];
    if checkout == Checkout::Elsewhere {
        flags.extend(["--commit".to_owned(), verdict.commit.to_string()]);
    }
    // Behind the claim; a review of criteria has none.
    let at = if command[2].starts_with('-') { 2 } else { 3 };
    words.splice(at..at, flags);
    words
}

fn awaited(missing: &[Step]) -> Vec<Awaited> {
    let mut all: Vec<Awaited> = Vec::new();
    for step in missing {
        if let Some(role) = step.role.as_ref().filter(|role| all.iter().all(|awaited| awaited.role != **role)) {
            all.push(Awaited { role: role.clone(), who: step.who.clone() });
        }
    }
    all
}

/// What is not there yet, or not any more, and speaks against nothing.
const LACKING: [Code; 14] = [
    Code::NOTHING_SHOWN,
    Code::NO_PLAN,
    Code::MISSING_CLAIM,
    Code::RUNNING,
    Code::LOST,
    Code::TOO_OLD,
    Code::OTHER_COMMIT,
    Code::TOO_FEW,
    Code::MISSING_SHARD,
    Code::NO_FACTS,
    Code::CRITERION_OPEN,
    Code::PLAN_INCOMPLETE,
    Code::ATTACHMENT_LIMIT,
    Code::PICTURE_NOT_REVIEWED,
];

/// What stands in the commands of findings for what only their reader knows.
pub const PLACEHOLDERS: [&str; 10] =
    ["CMD", "FILE", "WHY", "TIER", "BRANCH", "NEW-ID", "URL", "TIME", "GLOB", "NAME=FILE"];
