//! What the Rego of a policy is asked about a change, and what it said: made before the verdict, and no part of the judge.
//!
//! A [`Question`] is a module and the bytes of its input, as the schema `rego-input` describes them: the verdict without its
//! findings, which a module has no use for, since it may only add some. The judge makes it out of what it judges and of
//! nothing else, so that gate and auditor ask the same. An [`Answer`] belongs to exactly one question.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::attempts::{self, Attempt, AttemptState};
use super::authority::Who;
use super::code::Code;
use super::judge::Bench;
use super::plan::Plans;
use super::verdict::{Finding, Requirement, State, TierShown};
use crate::crypto::Hasher;
use crate::model::{
    ChangeId, ClaimName, Digest, Facts, Id, Oid, Outcome, Phase, Predicate, PrincipalId, Review, ReviewVerdict, Shard,
    Time,
};
use crate::policy::{Form, Moment, Policy, Rego};
use crate::prove::Logged;

/// A module of Rego and the input that it is to judge.
///
/// It is made by [`super::judge`] alone, which returns it where an answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    rego: Rego,
    input: Vec<u8>,
    digest: Digest,
}

/// What the Rego of a policy said to a question.
///
/// Nobody outside of this program makes one: only what ran the module knows what it says.
///
/// ```compile_fail
/// use evidence_ledger::verify::{Answer, Question, Said};
/// fn forged(question: &Question) -> Answer {
///     question.answered(question.digest(), Said::Denied(Vec::new())).unwrap()
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    question: Digest,
    said: Said,
}

/// What a module came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// These refusals; none is no objection.
    Denied(Vec<Denial>),
    /// Nothing that counts: it has no set `deny`, or broke off. That refuses too.
    Nothing(String),
}

/// One refusal by a module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denial {
    /// What it is about; `None`: the change.
    pub thing: Option<String>,
    /// What was found.
    pub found: String,
    /// What was wanted.
    pub wanted: Option<String>,
}

/// The answers that are there; [`Answers::default`] has none, which is all that policies without Rego need.
#[derive(Debug, Clone, Default)]
pub struct Answers(BTreeMap<Digest, Said>);

/// What must be asked before there is a verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} of the policies that judge the change say more in Rego, and it was not run", questions.len())]
pub struct Unanswered {
    /// The questions, one for each policy with Rego, never none.
    pub questions: Vec<Question>,
}

impl Question {
    fn new(rego: &Rego, input: Vec<u8>) -> Self {
        Self { rego: rego.clone(), digest: question_digest(rego.text().as_bytes(), &input), input }
    }

    /// Returns the module.
    #[must_use]
    pub const fn rego(&self) -> &Rego {
        &self.rego
    }

    /// Returns the bytes of the input: one JSON value.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        &self.input
    }

    /// Returns the hash of module and input.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Takes what was said to the question of that hash, if it is this one.
    #[cfg_attr(not(feature = "rego"), expect(dead_code, reason = "without an evaluator nothing is answered"))]
    pub(crate) fn answered(&self, digest: &Digest, said: Said) -> Option<Answer> {
        (*digest == self.digest).then_some(Answer { question: self.digest, said })
    }
}

/// Returns the hash by which a question is known: SHA-256 of `evidence-rego-question/v1\n`, u64be length of the module, module,
/// input.
#[must_use]
pub fn question_digest(rego: &[u8], input: &[u8]) -> Digest {
    let mut hasher = Hasher::default();
    hasher.update(b"evidence-rego-question/v1\n");
    hasher.update(&u64::try_from(rego.len()).unwrap_or(u64::MAX).to_be_bytes());
    hasher.update(rego);
    hasher.update(input);
    hasher.finish()
}

impl Answers {
    /// Adds an answer.
    pub fn add(&mut self, answer: Answer) {
        self.0.insert(answer.question, answer.said);
    }

    /// Returns what an answer adds to the findings of a verdict; `None` if there is no answer to the question.
    pub(super) fn findings(&self, question: &Question) -> Option<Vec<Finding>> {
        let show = ["evidence", "policy", "show", "--rego"];
        Some(match self.0.get(&question.digest)? {
            Said::Denied(denials) => {
                let found = denials.iter().map(|Denial { thing, found, wanted }| {
                    let thing = thing.as_deref().unwrap_or(THING);
                    let wanted = wanted.as_deref().unwrap_or("nothing that it denies");
                    Finding::new(Code::REGO_DENIED, thing, found, wanted).mended_by(&show, None)
                });
                found.collect()
            }
            Said::Nothing(text) => {
                vec![
                    Finding::new(Code::REGO_ERROR, THING, text, "a module that comes to a set `deny`")
                        .mended_by(&show, None),
                ]
            }
        })
    }
}

/// The result that a requirement rests on.
pub(super) struct Counted {
    /// The serial of its start.
    pub(super) start: u64,
    /// The serial of the result.
    pub(super) result: u64,
    /// What it counts as: the worst of what was stated and read again.
    pub(super) outcome: Outcome,
    /// The facts that count.
    pub(super) facts: Vec<Facts>,
}

/// What a policy requires, and how it stands.
pub(super) struct Shown {
    pub(super) requirement: Requirement,
    pub(super) form: Form,
    pub(super) asserted: bool,
    pub(super) counted: Vec<Counted>,
}

/// What one policy came to, before its Rego.
pub(super) struct Draft<'a> {
    pub(super) moment: Moment,
    pub(super) tier: Option<TierShown>,
    pub(super) base: Option<Oid>,
    pub(super) shown: Vec<Shown>,
    pub(super) limitations: BTreeSet<&'static str>,
    pub(super) implementers: &'a BTreeSet<PrincipalId>,
    pub(super) unknown_authors: &'a BTreeSet<String>,
}

impl Draft<'_> {
    /// Returns what the Rego of a policy is asked; `None` if it has none.
    pub(super) fn question(self, bench: &Bench<'_>, plans: &Plans<'_>, policy: &Policy) -> Option<Question> {
        let rego = policy.rego()?;
        let labels: BTreeSet<&String> = bench.complete.of_change().flat_map(|record| &record.entry().labels).collect();
        let mut claims = BTreeMap::new();
        for shown in &self.shown {
            claims.insert(shown.requirement.claim.clone(), ClaimInput::of(bench, shown));
        }
        let input = Input {
            format: "evidence-rego-input/v1",
            change: &bench.complete.subject().id,
            commit: bench.git.map(|git| &git.head),
            tree: &bench.complete.subject().tree,
            base: self.base,
            moment: self.moment.as_str(),
            now: bench.now,
            tier: self.tier,
            plan: plans.first.map(|first| PlanInput {
                serial: first.serial(),
                time: first.time(),
                implied: matches!(&first.statement().predicate, Predicate::Plan(plan) if plan.implied),
                principals: behind(bench, first),
            }),
            labels,
            paths: bench.git.iter().flat_map(|git| &git.touched).collect(),
            commits: bench
                .git
                .iter()
                .flat_map(|git| &git.commits)
                .map(|commit| CommitInput { commit: &commit.oid, people: &commit.people })
                .collect(),
            implementers: self.implementers,
            unknown_authors: self.unknown_authors,
            claims,
            limitations: self.limitations,
        };
        let input = serde_json::to_vec(&input).expect("the input holds nothing that JSON cannot say");
        Some(Question::new(rego, input))
    }
}

/// The input: `schemas/rego-input.schema.json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input<'a> {
    format: &'static str,
    change: &'a ChangeId,
    commit: Option<&'a Oid>,
    tree: &'a Oid,
    base: Option<Oid>,
    moment: &'static str,
    now: Time,
    tier: Option<TierShown>,
    plan: Option<PlanInput>,
    labels: BTreeSet<&'a String>,
    paths: Vec<&'a String>,
    commits: Vec<CommitInput<'a>>,
    implementers: &'a BTreeSet<PrincipalId>,
    unknown_authors: &'a BTreeSet<String>,
    claims: BTreeMap<ClaimName, ClaimInput<'a>>,
    limitations: BTreeSet<&'static str>,
}

#[derive(Serialize)]
struct PlanInput {
    serial: u64,
    time: Time,
    implied: bool,
    principals: BTreeSet<String>,
}

#[derive(Serialize)]
struct CommitInput<'a> {
    commit: &'a Oid,
    people: &'a [String],
}

#[derive(Serialize)]
struct ClaimInput<'a> {
    family: &'static str,
    form: &'static str,
    why: &'a str,
    state: State,
    waived: bool,
    asserted: bool,
    principals: &'a [PrincipalId],
    attempts: Vec<AttemptInput<'a>>,
    reviews: Vec<ReviewInput>,
}

/// One attempt of this change, on whatever tree.
#[derive(Serialize)]
struct AttemptInput<'a> {
    start: u64,
    time: Time,
    result: Option<u64>,
    ended: Option<Time>,
    variant: Option<&'a Id>,
    shard: Shard,
    commit: Option<&'a Oid>,
    tree: Option<&'a Oid>,
    /// Whether it is about what is judged.
    judged: bool,
    /// Whether the verdict rests on it: the newest of its variant and shard.
    counts: bool,
    state: String,
    principals: BTreeSet<String>,
    facts: &'a [Facts],
}

#[derive(Serialize)]
struct ReviewInput {
    serial: u64,
    time: Time,
    judged: bool,
    verdict: Option<ReviewVerdict>,
    principals: BTreeSet<String>,
}

impl<'a> ClaimInput<'a> {
    fn of(bench: &Bench<'a>, shown: &'a Shown) -> Self {
        let Requirement { claim, why, family, state, principals, .. } = &shown.requirement;
        Self {
            family,
            form: shown.form.as_str(),
            why,
            state: *state,
            waived: matches!(state, State::Waived | State::NotApplicable),
            asserted: shown.asserted,
            principals,
            attempts: match shown.form {
                Form::Run => attempts_of(bench, claim, &shown.counted),
                Form::Review => Vec::new(),
            },
            reviews: match shown.form {
                Form::Run => Vec::new(),
                Form::Review => reviews_of(bench, claim),
            },
        }
    }
}

fn attempts_of<'a>(bench: &Bench<'a>, claim: &ClaimName, counted: &'a [Counted]) -> Vec<AttemptInput<'a>> {
    let attempts = attempts::collect(bench, Some(claim), &mut Vec::new());
    let input = |attempt: Attempt<'a>| {
        let counts = counted.iter().find(|counted| counted.start == attempt.record.serial());
        let statement = attempt.record.statement();
        AttemptInput {
            start: attempt.record.serial(),
            time: attempt.record.time(),
            result: attempt.result.map(|(record, _)| record.serial()),
            ended: attempt.result.map(|(record, _)| record.time()),
            variant: attempt.start.variant.as_ref(),
            shard: attempt.shard(),
            commit: statement.commit(),
            tree: statement.tree(),
            judged: statement.tree() == Some(&bench.complete.subject().tree),
            counts: counts.is_some(),
            state: match (counts, attempt.state(bench.now)) {
                (Some(counted), _) => counted.outcome.to_string(),
                (None, AttemptState::Ended(outcome)) => outcome.to_string(),
                (None, AttemptState::Running) => "running".to_owned(),
                (None, AttemptState::Lost) => "lost".to_owned(),
            },
            principals: behind(bench, attempt.record),
            facts: counts.map_or(&[], |counted| &counted.facts),
        }
    };
    attempts.into_iter().filter(|attempt| attempt.ours).map(input).collect()
}

fn reviews_of(bench: &Bench<'_>, claim: &ClaimName) -> Vec<ReviewInput> {
    let review = |record: &Logged| match &record.statement().predicate {
        Predicate::Review(review) if is_of(review, claim) => Some(ReviewInput {
            serial: record.serial(),
            time: record.time(),
            judged: record.statement().tree() == Some(&bench.complete.subject().tree),
            verdict: review.verdict,
            principals: behind(bench, record),
        }),
        _ => None,
    };
    bench.complete.of_change().filter_map(review).collect()
}

/// Returns whether a review is about the claim as a whole.
fn is_of(review: &Review, claim: &ClaimName) -> bool {
    review.claim == *claim && review.phase == Phase::Plain && review.criteria.is_empty()
}

/// Returns who signed a record: principals, and roots by their fingerprints.
pub(super) fn behind(bench: &Bench<'_>, record: &Logged) -> BTreeSet<String> {
    let who = bench.authority.behind(record).into_iter();
    who.map(|who| match who {
        Who::Principal(principal) => principal.to_string(),
        Who::Root(key) => key.to_string(),
    })
    .collect()
}

/// What a finding of Rego is about that does not say it.
const THING: &str = "the policy's Rego";
