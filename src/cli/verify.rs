//! `evidence verify`: the merge gate.

use std::collections::BTreeSet;

use anstyle::{AnsiColor, Style};
use serde_json::json;

use super::args::{ExplainArgs, MomentWord, VerifyArgs};
use super::context::{Context, Head, now};
use super::fail::Fail;
use super::keys::lent;
use super::merge::brought;
use super::table::{BAD, GOOD, OPEN, Table};
use super::write::{Outputs, Signs};
use super::{key, print, print_json};
use crate::attest::{About, Signer, first_plan};
use crate::crypto::Envelope;
use crate::export::{Around, Attestation, Projection, command_line, layings};
use crate::git::{GitError, GitFactsError, Target};
use crate::model::{ChangeId, Decision, GitFacts, Grant, Oid, PrincipalId, Role, VerdictRecord, check_schema};
use crate::policy::{Act, Moment};
use crate::prove::{Change, Complete, Held, Trust};
use crate::store::{Ledger, Log};
use crate::trace::{Awaited, Branch, MergeError, Merging, Reached};
use crate::verify::{
    Clock, Code, CriterionShown, Decided, ExceptionShown, Finding, Judgement, Known, Limitation, Planned, Policies,
    REMOTE_UNSEEN, Rechecked, Recommended, Requirement, Shows, State, Verdict, aim, asks_changed_lines, plan_base,
    read_authors, read_branch, read_names,
};

/// What a live verdict rests on.
pub(super) struct Live {
    pub(super) trust: Trust,
    pub(super) log: Log,
    pub(super) head: Head,
    pub(super) complete: Complete<Change>,
    pub(super) policies: Policies,
    pub(super) base: Oid,
    pub(super) git: GitFacts,
}

/// Judges the merge of a change live, for a command that needs one that is proven.
pub(super) fn decide_proven(context: &Context, args: &ExplainArgs) -> Result<(Decided, Live), Fail> {
    let named = args.name.as_deref().or(args.of.change.as_deref());
    let Asked { ground, head, target } = ask(context, &args.of.commit, args.of.target.as_deref())?;
    let change = context.change(named, &head, target.as_ref(), &ground.trust, Some(&ground.log))?;
    match judge_at(context, &ground, target.as_ref(), &change, &head, Moment::Merge)? {
        Ok((decided, Proven { complete, policies, base, git })) => {
            let Ground { trust, log, .. } = ground;
            Ok((decided, Live { trust, log, head, complete, policies, base, git }))
        }
        Err(verdict) => {
            let finding = verdict.findings.first();
            Err(finding.map_or_else(
                || Fail::usage("the change cannot be proven"),
                |finding| Fail::refused(finding.code, format!("{}: {}", finding.thing, finding.found)),
            ))
        }
    }
}

pub(super) fn run(context: &Context, args: &VerifyArgs) -> Result<u8, Fail> {
    let outputs = Outputs::prepare(context, &args.write, if args.record { Signs::Records } else { Signs::IfNamed })?;
    let moment = match args.at {
        MomentWord::Plan => Moment::Plan,
        MomentWord::Merge => Moment::Merge,
        MomentWord::Deploy => Moment::Deploy,
    };
    let asked = ask(context, &args.of.commit, args.of.target.as_deref())?;
    let named: Vec<String> = args.name.iter().chain(&args.of.changes).cloned().collect();
    let Asked { ground, head, target } = &asked;
    let spots = match args.pushed {
        true => pushed(context, &asked, &named)?,
        false => {
            let changes = context.changes(&named, head, target.as_ref(), &ground.trust, &ground.log)?;
            changes.into_iter().map(|change| (change, vec![head.clone()])).collect()
        }
    };
    // Of all of them before anything is said: what cannot be judged leaves no answer behind.
    let mut judged = Vec::with_capacity(spots.len());
    for (change, heads) in &spots {
        judged.push(judge_at_one_of(context, ground, target.as_ref(), change, heads, moment)?);
    }
    let mut told = Vec::with_capacity(judged.len());
    for (head, judged) in judged {
        told.push(match judged {
            Ok((decided, proven)) => {
                if args.record {
                    record(context, &decided, ground, &head, &proven)?;
                }
                let verdict = decided.into_verdict();
                let more = if args.explain { explain(&head, &proven, &verdict) } else { String::new() };
                Told { verdict, more, attestations: proven.complete.records().map(Attestation::from).collect() }
            }
            Err(verdict) => Told { verdict: *verdict, more: String::new(), attestations: Vec::new() },
        });
    }
    told.iter_mut().for_each(|told| advise(&ground.log, &ground.trust, &mut told.verdict));
    answer(context, &outputs, &told)
}

/// A verdict at a commit, or why there is not even one that is proven.
type JudgedAt = (Head, Result<(Decided, Proven), Box<Verdict>>);

/// Judges a change at the first of some commits at which it is accepted; where it is at none, at the first.
fn judge_at_one_of(
    context: &Context,
    ground: &Ground,
    target: Option<&Target>,
    change: &ChangeId,
    heads: &[Head],
    moment: Moment,
) -> Result<JudgedAt, Fail> {
    let mut refused = None;
    for head in heads {
        let judged = judge_at(context, ground, target, change, head, moment)?;
        if judged.as_ref().is_ok_and(|(decided, _)| decided.accepted()) {
            return Ok((head.clone(), judged));
        }
        refused.get_or_insert((head.clone(), judged));
    }
    refused.ok_or_else(|| Fail::usage(format!("no commit is known at which {change} could be judged")))
}

/// Finds the changes that a commit brings to the target, as `record merge` does, each with the commits of its tree at which it may have been
/// shown: the commit itself first.
fn pushed(context: &Context, asked: &Asked, named: &[String]) -> Result<Vec<(ChangeId, Vec<Head>)>, Fail> {
    let Asked { ground: Ground { trust, log, .. }, head, target } = asked;
    if log.size() == 0 {
        return Err(Fail::usage("the ledger is empty").hint("--ledger names another"));
    }
    let reached = Reached { commit: head.commit.clone(), tree: head.tree.clone() };
    let repository = context.repository()?;
    let since = match target {
        Some(target) => repository.merge_base(&head.commit, &target.commit)?.filter(|base| *base != head.commit),
        None => None,
    };
    let is_named = !named.is_empty() || std::env::var_os("EVIDENCE_CHANGE").is_some();
    let mut changes: Vec<ChangeId> = match is_named {
        true => Vec::new(),
        false => brought(context, log, &trust.repository, &reached, since.as_ref())?.into_iter().collect(),
    };
    if changes.is_empty() {
        // Nothing is known of it: a branch of another name than the target's still says what its commit is.
        let here = repository.head()?;
        let short = |name: &str| name.trim_start_matches("refs/heads/").to_owned();
        let other =
            |name: &String| target.as_ref().is_none_or(|target| !target.name.ends_with(&format!("/{}", short(name))));
        if !is_named && (here.commit != head.commit || !here.branch.as_ref().is_some_and(other)) {
            return Err(Fail::usage(format!("no change is known that commit {} brings", head.commit.short()))
                .hint("a trailer or evidence about the commit or its tree tells; or name it: evidence verify CHANGE"));
        }
        changes = context.changes(named, head, target.as_ref(), trust, log)?;
    }
    let name = target.as_ref().map_or("", |target| target.name.as_str());
    let branch = Branch { name: name.to_owned(), origin: String::new(), size: 0, merges: Vec::new() };
    let evaluator = context.evaluator();
    let merging = Merging { log, trust, repository, evaluator: &evaluator, branch: &branch, bring: &|_| () };
    let mut spots = Vec::with_capacity(changes.len());
    for change in changes {
        let mut heads = vec![head.clone()];
        let shown = match merging.heads(&change, &reached) {
            // It may still be fit at the commit itself.
            Err(MergeError::NotHere { .. }) => Vec::new(),
            found => found?,
        };
        for commit in shown {
            if commit != head.commit {
                heads.push(Head { commit, tree: head.tree.clone() });
            }
        }
        spots.push((change, heads));
    }
    Ok(spots)
}

/// A verdict, and what is told with it.
struct Told {
    verdict: Verdict,
    more: String,
    attestations: Vec<Attestation>,
}

/// Tells the verdicts; the exit code is the worst.
fn answer(context: &Context, outputs: &Outputs, told: &[Told]) -> Result<u8, Fail> {
    let verdicts: Vec<(&Verdict, &[Attestation])> =
        told.iter().map(|told| (&told.verdict, &told.attestations[..])).collect();
    outputs.write(&verdicts)?;
    if context.json {
        match verdicts.as_slice() {
            [(verdict, _)] => answer_json(verdict)?,
            all => {
                let all: Result<Vec<_>, Fail> = all.iter().map(|(verdict, _)| checked_json(verdict)).collect();
                print_json(&json!(all?));
            }
        }
    } else {
        for Told { verdict, more, .. } in told {
            print(&page(verdict));
            print(more);
        }
    }
    let refused = told.iter().any(|told| told.verdict.decision == Decision::Refused);
    Ok(u8::from(refused))
}

/// What is judged, and by which state of the ledger.
struct Asked {
    ground: Ground,
    head: Head,
    target: Option<Target>,
}

fn ask(context: &Context, revision: &str, target: Option<&str>) -> Result<Asked, Fail> {
    let ledger = context.ledger()?;
    let trust = context.trust(target)?;
    let (head, target) = context.judged_at(revision, target)?;
    let (log, held) = context.read(&ledger, &trust)?;
    let (origin, admitted) = (ledger.origin().to_owned(), unseen(&ledger));
    Ok(Asked { ground: Ground { trust, log, origin, admitted, held, shared: None }, head, target })
}

/// A state of the ledger, and who is believed: what live judgements share.
pub(super) struct Ground {
    pub(super) trust: Trust,
    pub(super) log: Log,
    pub(super) origin: String,
    /// What an acceptance has to admit of how it was read.
    pub(super) admitted: Vec<Limitation>,
    /// The heads that it was held against.
    pub(super) held: Vec<Held>,
    /// What all changes rest on, where many are judged: their policies, and the records behind them.
    pub(super) shared: Option<(Complete<()>, Policies)>,
}

/// What was proven of a change before it was judged.
pub(super) struct Proven {
    complete: Complete<Change>,
    policies: Policies,
    base: Oid,
    git: GitFacts,
}

/// Judges a change live at a commit and for a branch; `Err` is the verdict on what could not even be proven.
pub(super) fn judge_at(
    context: &Context,
    ground: &Ground,
    target: Option<&Target>,
    change: &ChangeId,
    head: &Head,
    moment: Moment,
) -> Result<Result<(Decided, Proven), Box<Verdict>>, Fail> {
    let Ground { trust, log, origin, admitted, held, shared } = ground;
    let subject = Change { id: change.clone(), tree: head.tree.clone() };
    let unproven = |finding: Finding| {
        let (commit, tree) = (head.commit.clone(), head.tree.clone());
        Ok(Err(Box::new(Verdict::unproven(change.clone(), commit, tree, origin.clone(), now(), finding))))
    };
    // What refuses before anything is judged is a verdict too: it has a code, and stands in every file that is asked for.
    let refused = |fail: Fail| match fail.code {
        Some(code) => unproven(of_ledger(code, fail.text)),
        None => Err(fail),
    };
    if log.size() == 0 {
        return unproven(of_ledger(Code::NO_PLAN, "the ledger is empty".to_owned()));
    }
    let complete = match shared {
        Some((shared, _)) => shared.with_change(log, trust, subject),
        None => Complete::check(log, trust, subject),
    };
    let complete = match complete {
        Ok(complete) => complete,
        Err(error) => return refused(error.into()),
    };
    let policies = match shared {
        Some((_, policies)) => Ok(policies.clone()),
        None => Policies::read(&complete, log),
    };
    let policies = match policies {
        Ok(policies) => policies,
        Err(error) => return refused(error.into()),
    };
    let mut rechecked = match Rechecked::of_tree(&complete, &policies, log) {
        Ok(rechecked) => rechecked,
        Err(error) => return refused(error.into()),
    };
    let repository = context.repository()?;
    let planned = plan_base(&complete, &policies, trust, Clock::Live(now()));
    let base = planned.clone().unwrap_or_else(|| head.commit.clone());
    let mut found_before = Vec::new();
    if let (Some(aim), Some(target)) = (aim(&complete, &policies, trust, None), target) {
        found_before.extend(aim.misses(change, &target.name));
    }
    if planned.is_some() {
        let on_target = match target {
            Some(target) => repository.merge_base(&base, &target.commit)?.as_ref() == Some(&base),
            None => false,
        };
        if !on_target {
            let name = target.map_or("any target branch", |target| target.name.as_str());
            let finding = Finding::new(
                Code::BASE_NOT_ON_TARGET,
                format!("commit {}", base.short()),
                format!("it is not on {name}"),
                "a base that the target branch has",
            );
            let plan = ["evidence", "plan", change.as_str(), "--tier", "TIER", "--reason", "WHY"];
            found_before.push(match target {
                Some(_) => finding.mended_by(&plan, Some("planner")),
                None => finding.mended_by(&["evidence", "verify", "--target", "BRANCH"], None),
            });
        }
    }
    let mut git = match repository.facts(&head.commit, &base) {
        Ok(git) => git,
        Err(GitError::Facts(GitFactsError::NotDescended { .. })) => {
            let finding = Finding::new(
                Code::BASE_NOT_BEFORE_HEAD,
                format!("commit {}", head.commit.short()),
                format!("it does not descend from {}", base.short()),
                "a commit on top of the plan's base",
            );
            let plan = ["evidence", "plan", change.as_str(), "--tier", "TIER", "--reason", "WHY"];
            return unproven(finding.mended_by(&plan, Some("planner")));
        }
        Err(error) => return Err(error.into()),
    };
    let named = read_names(complete, log, trust, &policies, &git);
    let complete = match named.and_then(|complete| read_authors(complete, log, trust, &git)) {
        Ok(complete) => complete,
        Err(error) => return refused(error.into()),
    };
    if asks_changed_lines(&complete, &policies, &git) {
        git.changed = Some(repository.changed_lines(&head.commit, &base, &layings(&complete))?);
    }
    let first_parent = &mut |commit: &Oid| repository.first_parent(commit).map_err(Fail::from);
    let complete = match read_branch(complete, log, trust, &policies, &mut git, None, first_parent) {
        Ok(complete) => complete,
        Err(fail) => return refused(fail),
    };
    if let Err(error) = rechecked.read_baselines(&complete, trust, &git, log) {
        return refused(error.into());
    }
    let judgement = Judgement {
        complete: &complete,
        trust,
        policies: &policies,
        rechecked: &rechecked,
        git: &git,
        clock: Clock::Live(now()),
        moment,
        found_before,
        admitted: admitted.clone(),
    };
    let decided = context.evaluator().judge(&judgement)?.held_against(held);
    Ok(Ok((decided, Proven { complete, policies, base, git })))
}

/// Returns the finding of what refuses before anything is judged.
fn of_ledger(code: Code, text: String) -> Finding {
    let wanted = match code {
        Code::NO_PLAN => "a plan before the first attempt",
        Code::FOREIGN_LEDGER => "a ledger that it names",
        Code::TOO_SMALL => "all of them",
        Code::UNKNOWN_SIGNER => "a signer that the ledger knows",
        _ => "every record that the signed map lists",
    };
    Finding::new(code, "the ledger", text, wanted)
}

/// Admits that the ledger's remote could not be asked, if so.
pub(super) fn unseen(ledger: &Ledger) -> Vec<Limitation> {
    let admit = |why: &str| Limitation {
        name: REMOTE_UNSEEN,
        text: format!("{why}; what others recorded since this copy was brought up to date was not seen"),
    };
    ledger.behind().map(admit).into_iter().collect()
}

/// Appends the verdict; it is never an input of a later one.
fn record(context: &Context, decided: &Decided, ground: &Ground, head: &Head, proven: &Proven) -> Result<(), Fail> {
    let verdict = decided.verdict();
    let Some((_, plan)) = first_plan(&ground.log, &verdict.change)? else {
        return Err(Fail::usage("a verdict about a change without a plan is not recorded")
            .hint(format!("evidence plan {} --tier TIER", verdict.change)));
    };
    let appender = context.appender(ground.trust.clone())?;
    let keys = context.keys()?;
    let signer = Signer { appender: &appender, keys: lent(&keys) };
    let (change, Head { commit, tree }) = (verdict.change.clone(), head.clone());
    let about = About { change, plan, commit, tree };
    let Some(record) = recordable(&signer, verdict, &proven.complete)? else { return Ok(()) };
    let receipt = signer.verdict(&about, record)?;
    context.say(&format!("#{} recorded the verdict", receipt.serial));
    Ok(())
}

/// Keeps a verdict's report and its signed summary, and returns the record that names them; `None` if no state of the ledger
/// was judged.
pub(super) fn recordable(
    signer: &Signer<'_>,
    verdict: &Verdict,
    complete: &Complete<Change>,
) -> Result<Option<VerdictRecord>, Fail> {
    let Some(as_of) = verdict.as_of.clone() else { return Ok(None) };
    let blobs = signer.appender.ledger().blobs();
    let report = blobs.put(format!("{}\n", checked_json(verdict)?).as_bytes())?;
    let around = Around { judged: now(), attestations: complete.records().map(Attestation::from).collect() };
    let vsa = Envelope::seal(Projection::Vsa.of(verdict, &around).into_bytes(), &signer.keys)
        .map_err(|error| Fail::usage(error.to_string()))?;
    let vsa = blobs.put(&vsa.print())?;
    Ok(Some(VerdictRecord {
        decision: verdict.decision,
        as_of,
        tier: verdict.tier.as_ref().map(|tier| tier.effective.clone()),
        codes: verdict.findings.iter().map(|finding| finding.code.number.to_owned()).collect(),
        limitations: verdict.limitations.iter().map(|limitation| limitation.name.to_owned()).collect(),
        report,
        vsa: Some(vsa),
    }))
}

/// Adds who may run what mends a finding, as the ledger's grants say now: advice, and no part of the judgement.
pub(super) fn advise(log: &Log, trust: &Trust, verdict: &mut Verdict) {
    let wants = verdict.findings.iter().any(|finding| finding.mend.as_ref().is_some_and(|mend| mend.role.is_some()));
    if !wants {
        return;
    }
    if let Ok(advisor) = Advisor::of(log, trust) {
        advisor.advise(verdict);
    }
}

/// Who holds what now.
#[derive(Default)]
pub(super) struct Advisor {
    held: Vec<Grant>,
    /// The roles that may merge by the newest policy; none where only the roots may.
    mergers: Vec<Role>,
}

impl Advisor {
    /// Reads every grant of the ledger.
    pub(super) fn of(log: &Log, trust: &Trust) -> Result<Self, Fail> {
        let rights = key::all_rights(log, trust)?;
        let authority = rights.authority(trust, now());
        let holds = |known: &&Known| !known.is_filing() && authority.holds_now(known);
        let held = authority.grants().iter().filter(holds).map(|known| known.grant.clone()).collect();
        let may = authority.policy_at(u64::MAX).and_then(|(_, policy)| policy.may(Act::Merge));
        Ok(Self { held, mergers: may.map_or_else(Vec::new, |entitled| entitled.roles.to_vec()) })
    }

    /// Returns the roles that may merge a change, and who holds each for it.
    pub(super) fn mergers(&self, change: &ChangeId) -> Vec<Awaited> {
        let awaited = |role: &Role| Awaited { role: role.to_string(), who: self.holders(role.as_str(), change) };
        self.mergers.iter().map(awaited).collect()
    }

    /// Returns who holds a role for a change.
    fn holders(&self, role: &str, change: &ChangeId) -> Vec<PrincipalId> {
        let holds = |grant: &&Grant| {
            grant.roles.iter().any(|held| held.as_str() == role)
                && (grant.changes.is_empty() || grant.changes.contains(change))
        };
        let holders: BTreeSet<PrincipalId> =
            self.held.iter().filter(holds).map(|grant| grant.principal.clone()).collect();
        holders.into_iter().collect()
    }

    /// Returns everybody who holds anything.
    pub(super) fn principals(&self) -> BTreeSet<&PrincipalId> {
        self.held.iter().map(|grant| &grant.principal).collect()
    }

    /// Adds who may run what mends the findings of a verdict: whose role is good for its change.
    pub(super) fn advise(&self, verdict: &mut Verdict) {
        let Verdict { change, findings, .. } = verdict;
        for mend in findings.iter_mut().filter_map(|finding| finding.mend.as_mut()) {
            let Some(role) = &mend.role else { continue };
            mend.who = self.holders(role, change);
        }
    }
}

/// Prints the JSON verdict, held against its published schema.
///
/// # Errors
/// If the schema refuses it: then nobody who reads by the schema could rely on it, and nothing is answered.
pub(super) fn answer_json(verdict: &Verdict) -> Result<(), Fail> {
    print_json(&checked_json(verdict)?);
    Ok(())
}

/// Returns the JSON verdict, which its published schema accepts.
pub(super) fn checked_json(verdict: &Verdict) -> Result<serde_json::Value, Fail> {
    let value = verdict.to_json();
    check_schema("verdict-report", &value).map_err(|(path, text)| {
        Fail::usage(format!("internal error: the verdict breaks its own schema at {path}: {text}"))
            .hint("without --json the verdict is printed as it is; please report this")
    })?;
    Ok(value)
}

/// Returns the one screen for people, in colour: `print` leaves that out where it is no terminal or nobody wants it.
///
/// What others wrote stands in it without control characters: it can neither colour anything nor begin a line.
pub(super) fn page(verdict: &Verdict) -> String {
    let word = match verdict.decision {
        Decision::Accepted => format!("{ACCEPTED}accepted{ACCEPTED:#}"),
        Decision::Refused => format!("{REFUSED}refused{REFUSED:#}"),
    };
    let tier = verdict.tier.as_ref().map_or_else(String::new, |tier| {
        if tier.planned == tier.effective {
            format!(", tier {}", tier.effective)
        } else {
            format!(", tier {} (planned: {})", tier.effective, tier.planned)
        }
    });
    let mut text = format!("{word}: {} at {}{tier}\n", verdict.change, verdict.commit.short());
    if let Some(as_of) = &verdict.as_of {
        text.push_str(&format!("as of {} size {}, {}\n", verdict.origin, as_of.size, verdict.now));
    }
    text.push_str(&requirements_text(&verdict.requirements));
    if let Some(numbers) = verdict.not_worse() {
        text.push_str(&format!("  {}\n", plain(&numbers)));
    }
    if let Some(open) = Recommended::not_shown(&verdict.recommended) {
        text.push_str(&format!("  {}\n", plain(&open)));
    }
    text.push_str(&criteria_text(&verdict.criteria));
    if let Some(planned) = &verdict.planned {
        text.push_str(&planned_text(planned));
    }
    if !verdict.findings.is_empty() {
        text.push('\n');
    }
    for finding in &verdict.findings {
        text.push_str(&format!("{REFUSED}refused{REFUSED:#}: {}\n", plain(&finding.sentence())));
        if let Some(mend) = &finding.mend {
            let who: Vec<&str> = mend.who.iter().map(|principal| principal.as_str()).collect();
            let may = match (&mend.role, who.is_empty()) {
                (_, false) => format!(" (who may: {})", who.join(", ")),
                (Some(role), true) => format!(" (who may: nobody yet; role {role})"),
                (None, true) => String::new(),
            };
            text.push_str(&format!("hint: {}{may}\n", plain(&command_line(&mend.command))));
        }
    }
    if !verdict.limitations.is_empty() {
        text.push('\n');
    }
    for limitation in &verdict.limitations {
        text.push_str(&format!("limitation {}: {}\n", limitation.name, plain(&limitation.text)));
    }
    for idle in verdict.exceptions.iter().filter_map(ExceptionShown::idle) {
        text.push_str(&format!("exception {}\n", plain(&idle)));
    }
    text
}

/// Returns a table of the requirements, below an empty line if there is any.
pub(super) fn requirements_text(requirements: &[Requirement]) -> String {
    let mut table = Table::new(["STATE", "CLAIM", "RECORDS", "BY", "SHOWN"]);
    for requirement in requirements {
        let serials: Vec<String> = requirement.serials.iter().map(|serial| format!("#{serial}")).collect();
        let who: Vec<&str> = requirement.principals.iter().map(|principal| principal.as_str()).collect();
        let mut notes: Vec<String> = requirement.numbers.iter().map(|numbers| plain(numbers)).collect();
        if requirement.attempts > 1 && requirement.state == State::Pass {
            notes.push(format!("({} attempts)", requirement.attempts));
        }
        if !requirement.failed_elsewhere.is_empty() {
            let serials: Vec<String> = requirement.failed_elsewhere.iter().map(|serial| format!("#{serial}")).collect();
            notes.push(format!("(not passed on other trees: {})", serials.join(" ")));
        }
        if requirement.policy.is_some() {
            notes.push("(by the newest policy)".to_owned());
        }
        let state = requirement.state.as_str().to_owned();
        let cells = [state, requirement.claim.to_string(), serials.join(" "), who.join(", "), notes.join("  ")];
        table.row(cells, of_state(requirement.state));
    }
    let lines: String = table.text().lines().map(|line| format!("  {line}\n")).collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

const fn of_state(state: State) -> Style {
    match state {
        State::Pass => GOOD,
        State::Fail | State::Inconclusive | State::Lost | State::Invalid => BAD,
        State::Missing | State::Running | State::Waived | State::NotApplicable => OPEN,
    }
}

/// Returns a line for each criterion, below an empty one if there is any.
pub(super) fn criteria_text(criteria: &[CriterionShown]) -> String {
    let mut text = String::new();
    let width = criteria.iter().map(|criterion| criterion.id.as_str().len()).max().unwrap_or(0);
    let state_width = criteria.iter().map(|criterion| criterion.state.as_str().len()).max().unwrap_or(0).max(12);
    if !criteria.is_empty() {
        text.push('\n');
    }
    for criterion in criteria {
        let state = criterion.state.as_str();
        let mut parts: Vec<String> = criterion.evidence.iter().map(Shows::told).collect();
        parts.extend(criterion.lacks.iter().cloned());
        let critical = if criterion.critical { " (critical)" } else { "" };
        let says: String = criterion.text.chars().take(CRITERION_CHARS_MAX).collect();
        let line = format!("  {state:state_width$} {:width$}  {says}{critical}: {}", criterion.id, parts.join("; "));
        text.push_str(plain(&line).trim_end());
        text.push('\n');
    }
    text
}

/// Returns what plans say beside the tier, below an empty line; nothing if they say nothing.
fn planned_text(planned: &Planned) -> String {
    let mut text = String::from("\n");
    let mut line = |name: &str, value: &str| text.push_str(&format!("{name}: {}\n", plain(value)));
    if let Some(origin) = &planned.origin {
        let requested = planned.requested.map_or_else(String::new, |time| format!(", of {time}"));
        line("asked for in", &format!("{origin}{requested}"));
    }
    for paths in &planned.paths {
        let why = paths.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        line("planned paths", &format!("{} (#{}{why})", paths.patterns.join(", "), paths.serial));
    }
    if let Some(rollback) = &planned.rollback {
        line("rollback", &format!("{} (#{})", rollback.name, rollback.serial));
    }
    if text == "\n" { String::new() } else { text }
}

/// Returns a text of others in one line and without control characters.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn explain(head: &Head, proven: &Proven, verdict: &Verdict) -> String {
    let mut text = String::from("\nwhat was judged\n");
    let checkpoint = proven.complete.checkpoint().checkpoint();
    text.push_str(&format!("  checkpoint  {} entries, root {}\n", checkpoint.size, checkpoint.root));
    text.push_str(&format!(
        "  commit      {}\n  tree        {}\n  base        {}\n",
        head.commit, head.tree, proven.base
    ));
    if let Some(policy) = &verdict.policy {
        let tiers = proven.policies.find(policy).map_or(0, |policy| policy.tiers().len());
        text.push_str(&format!("  policy      sha256:{policy}, {tiers} tiers, in force when the change was planned\n"));
    }
    text.push_str("  lists, each proven complete against the signed map\n");
    for (name, list) in proven.complete.lists() {
        text.push_str(&format!("    {:5} records  {name}\n", list.serials.len()));
    }
    text.push_str("  records\n");
    for record in proven.complete.of_change() {
        let signers: Vec<String> = record.signers().map(ToString::to_string).collect();
        text.push_str(&format!(
            "    #{:<6} {} {:16} {}\n",
            record.serial(),
            record.time(),
            record.entry().kind,
            signers.join(" ")
        ));
    }
    for requirement in &verdict.requirements {
        text.push_str(&format!("  {} is required by {}\n", requirement.claim, requirement.why));
    }
    text
}

/// The words of a criterion are shown up to so many characters.
const CRITERION_CHARS_MAX: usize = 80;
const ACCEPTED: Style = AnsiColor::Green.on_default().bold();
const REFUSED: Style = AnsiColor::Red.on_default().bold();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    #[test]
    fn text_of_others_neither_colours_anything_nor_begins_a_line() {
        let (green, red) = ("\u{1b}[1m\u{1b}[32m", "\u{1b}[1m\u{1b}[31m");
        let found = format!("x\r\naccepted: all\n{green}accepted");
        let oid = || "4f0c1d9aa0b7cbd5c3a1f3f9e2d8c1b0a9f8e7d6".parse::<Oid>().unwrap();
        let finding = Finding::new(Code::FAILED, "scan", found, "a passing attempt");
        let change = "shop/abc".parse().unwrap();
        let mut verdict = Verdict::unproven(change, oid(), oid(), "log.example/a".to_owned(), Time(0), finding);
        let text = page(&verdict);
        assert!(text.starts_with(red) && !text.contains(green), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("accepted")), "{text:?}");
        verdict.decision = Decision::Accepted;
        verdict.findings.clear();
        let text = page(&verdict);
        assert!(text.starts_with(green) && !text.contains(red), "{text:?}");
    }
}
