//! `evidence record merge`: changes judged again, and closed, when their commit reaches the branch.
//!
//! The record stands at exactly the size of the log that was judged: whoever appends in between makes it judge again. Where no
//! verdict accepts the merge nothing is recorded, unless somebody says that it is to be recorded as unverified.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::args::MergeArgs;
use super::context::{Context, now};
use super::fail::Fail;
use super::forges::forge;
use super::keys::lent;
use super::verify::{advise, checked_json, page, recordable};
use super::{print, print_json, pushed};
use crate::append::{AppendError, Receipt, Refusal, may_merge};
use crate::attest::{About, Signer, first_plan};
use crate::crypto::Envelope;
use crate::git::kept_commit;
use crate::merkle::MapText;
use crate::model::{ChangeId, Digest, Event, Fingerprint, Id, Oid, Statement};
use crate::prove::Trust;
use crate::store::Log;
use crate::trace::{At, Branch, Judged, Merging, Reached, Recorded};
use crate::verify::{Code, Finding, Verdict};

/// What is merged, and where to.
pub(super) struct Place {
    pub(super) branch: String,
    pub(super) reached: Reached,
    /// Whether the CI system says that this was pushed to the branch.
    pub(super) is_pushed: bool,
}

/// What became of a merge that was to be recorded.
pub(super) struct Ended {
    pub(super) exit: u8,
    pub(super) json: Value,
}

/// Who records merges, and by what.
pub(super) struct Desk<'a> {
    pub(super) context: &'a Context,
    pub(super) args: &'a MergeArgs,
    pub(super) trust: Trust,
    pub(super) signer: Signer<'a>,
    signers: Vec<Fingerprint>,
}

pub(super) fn run(context: &Context, args: &MergeArgs) -> Result<u8, Fail> {
    let trust = context.trust_outside()?;
    let place = place(context, args)?;
    let appender = context.appender(trust.clone())?;
    let keys = context.keys()?;
    let signers = keys.iter().map(|key| key.public().fingerprint()).collect();
    let signer = Signer { appender: &appender, keys: lent(&keys) };
    let desk = Desk { context, args, trust, signer, signers };
    let named = named(args)?;
    let line = if named.is_empty() { pushed::line(&desk, &place)? } else { Vec::new() };
    if line.len() > 1 {
        return pushed::record(&desk, &place.branch, &line);
    }
    let ended = desk.record(&place, Some(&named).filter(|named| !named.is_empty()))?;
    if context.json {
        print_json(&ended.json);
    }
    Ok(ended.exit)
}

impl Desk<'_> {
    /// Records one merge: of the changes that are named, else of those that are found.
    pub(super) fn record(&self, place: &Place, named: Option<&BTreeSet<ChangeId>>) -> Result<Ended, Fail> {
        let Self { context, args, trust, signer, signers } = self;
        // The verdicts of this run: whoever appends behind them makes it judge again, and what they say stays true.
        let mut verdicts: Option<(Receipt, Vec<(ChangeId, Oid)>)> = None;
        let mut kept = Vec::new();
        for _ in 0..ATTEMPTS_MAX {
            let log = signer.appender.ledger().read()?;
            if log.size() == 0 {
                return Err(Fail::usage("the ledger is empty").hint("--ledger names another"));
            }
            let branch = Branch::read(&log, trust, &place.branch)?;
            let changes: Vec<ChangeId> = match named {
                Some(named) => named.iter().cloned().collect(),
                None => found(context, &log, &trust.repository, &place.reached)??,
            };
            if let Some(merge) = recorded(&branch, &place.reached, &changes) {
                return Ok(already(context, args, place, merge));
            }
            for change in &changes {
                if let Some(serial) = log.merge_of(change)? {
                    return Err(AppendError::Refused(Refusal::Merged { change: change.clone(), serial }).into());
                }
            }
            if changes.is_empty() && !args.unverified {
                let commit = place.reached.commit.short();
                return Err(Fail::usage(format!("no change is known that commit {commit} merges"))
                    .hint("name it: evidence record merge CHANGE; --unverified records the commit without any"));
            }
            may_merge(&log, trust, signers, now())?;
            let event = |verdict: Option<Digest>, baseline: Option<Digest>| Event::Merge {
                branch: place.branch.clone(),
                repository: trust.repository.clone(),
                changes: changes.clone(),
                verdict,
                baseline,
            };
            let came = judge(context, args, &log, trust, &branch, &place.reached, &changes)?;
            let evaluator = context.evaluator();
            let repository = context.repository()?;
            let merging =
                Merging { log: &log, trust, repository, evaluator: &evaluator, branch: &branch, bring: &|_| () };
            let (verdict, baseline) = match (came, &verdicts) {
                (Came::Refused(json), _) => return Ok(Ended { exit: 1, json }),
                // Nothing is known of what it brings: what was protected stays so.
                (Came::Unverified, _) => (None, merging.newest_baseline(At::Live(now()))?.map(|(digest, _)| digest)),
                (Came::Accepted(judged), Some((receipt, about))) if *about == judged_at(&judged) => {
                    let baseline = merging.baseline_after(&judged, At::Live(now()))?;
                    let blobs = signer.appender.ledger().blobs();
                    let kept = baseline.map(|text| blobs.put(text.as_bytes())).transpose()?;
                    (Some(receipt.leaf), kept)
                }
                (Came::Accepted(judged), _) => {
                    kept = keep(context, place, &judged)?;
                    match record_verdicts(signer, &log, &judged, &place.reached.tree) {
                        Ok(receipt) => verdicts = Some((receipt, judged_at(&judged))),
                        Err(Recording::Moved) => {}
                        Err(Recording::Failed(fail)) => return Err(fail),
                    }
                    // The verdicts are records too: what is recorded next is judged at the size that they leave.
                    continue;
                }
            };
            match signer.merge_at(log.size(), &place.reached.commit, &place.reached.tree, event(verdict, baseline)) {
                Ok(receipt) => return Ok(done(context, place, &changes, &receipt, verdict, &kept)),
                Err(AppendError::Moved { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fail::usage(format!("the ledger grew each of the {ATTEMPTS_MAX} times that the changes were judged"))
            .hint("nothing is merged in the ledger yet: run it again"))
    }
}

/// Keeps the judged commits that the branch does not lead to, for whoever audits it once theirs are gone; returns those that the remote
/// keeps. Nothing of a merge depends on it: what cannot be kept is told.
fn keep(context: &Context, place: &Place, judged: &[Judged]) -> Result<Vec<Oid>, Fail> {
    let repository = context.repository()?;
    let mut heads = Vec::new();
    for judged in judged {
        if !heads.contains(&judged.head) && !repository.is_ancestor(&judged.head, &place.reached.commit)? {
            heads.push(judged.head.clone());
        }
    }
    for head in &heads {
        repository.keep_commit(head)?;
    }
    if heads.is_empty() {
        return Ok(heads);
    }
    let names: Vec<String> = heads.iter().map(kept_commit).collect();
    let by_hand = format!("hint: git push origin {} keeps for audits what was judged", names.join(" "));
    match context.remote_of(&place.branch).map(|remote| remote.map(|remote| remote.push_commits(&heads))) {
        Ok(Some(Ok(()))) => return Ok(heads),
        Ok(Some(Err(error))) => context.say(&format!("warning: {error}\n{by_hand}")),
        Err(fail) => context.say(&format!("warning: {}\n{by_hand}", fail.text)),
        Ok(None) if repository.config("remote.origin.url")?.is_some() => context.say(&by_hand),
        Ok(None) => {}
    }
    Ok(Vec::new())
}

/// Returns the changes, each with the commit at which it was judged.
fn judged_at(judged: &[Judged]) -> Vec<(ChangeId, Oid)> {
    judged.iter().map(|judged| (judged.verdict().change.clone(), judged.head.clone())).collect()
}

/// Why the verdicts are not recorded.
enum Recording {
    Moved,
    Failed(Fail),
}

/// Records the verdicts, one behind the other at the size that they are about, and returns the receipt of the first.
fn record_verdicts(signer: &Signer<'_>, log: &Log, judged: &[Judged], tree: &Oid) -> Result<Receipt, Recording> {
    let failed = |fail: Fail| Recording::Failed(fail);
    let mut verdicts = Vec::with_capacity(judged.len());
    for judged in judged {
        let verdict = judged.verdict();
        let plan = first_plan(log, &verdict.change).map_err(|error| failed(error.into()))?;
        let record = recordable(signer, verdict, &judged.complete).map_err(failed)?;
        let (Some((_, plan)), Some(record)) = (plan, record) else { continue };
        let (change, commit) = (verdict.change.clone(), judged.head.clone());
        verdicts.push((About { change, plan, commit, tree: tree.clone() }, record));
    }
    match signer.verdicts_at(log.size(), verdicts) {
        Ok(receipts) => {
            receipts.into_iter().next().ok_or_else(|| failed(Fail::usage("no verdict was there to be recorded")))
        }
        Err(AppendError::Moved { .. }) => Err(Recording::Moved),
        Err(error) => Err(failed(error.into())),
    }
}

/// What judging the changes came to.
enum Came {
    /// All of them are accepted.
    Accepted(Vec<Judged>),
    /// They are not, and the merge is to be recorded as unverified.
    Unverified,
    /// They are not, which was told; the answer for machines.
    Refused(Value),
}

/// Judges the changes, and tells why they are refused.
fn judge(
    context: &Context,
    args: &MergeArgs,
    log: &Log,
    trust: &Trust,
    branch: &Branch,
    reached: &Reached,
    changes: &[ChangeId],
) -> Result<Came, Fail> {
    let evaluator = context.evaluator();
    let merging =
        Merging { log, trust, repository: context.repository()?, evaluator: &evaluator, branch, bring: &|_| () };
    let (accepted, mut refused) = match accepted(&merging, reached, changes) {
        Ok(found) => found,
        Err(fail) if args.unverified && fail.exit != 3 => {
            context.say(&format!("not judged: {}", fail.text));
            return Ok(Came::Unverified);
        }
        Err(fail) => return Err(fail),
    };
    if refused.is_empty() && !accepted.is_empty() {
        return Ok(Came::Accepted(accepted));
    }
    refused.iter_mut().for_each(|verdict| advise(log, trust, verdict));
    if args.unverified {
        for verdict in &refused {
            context.say(page(verdict).trim_end());
        }
        return Ok(Came::Unverified);
    }
    if !context.json {
        for verdict in &refused {
            print(&page(verdict));
        }
        context.say("nothing is recorded; --unverified records the merge without a verdict, which shows for ever");
    }
    let verdicts: Vec<Value> = refused.iter().map(checked_json).collect::<Result<_, _>>()?;
    let json = json!({"recorded": false, "branch": branch.name, "commit": reached.commit, "verdicts": verdicts});
    Ok(Came::Refused(json))
}

/// Judges all changes at the first of their commits at which they are accepted; what is refused everywhere comes with the
/// verdict at the first.
fn accepted(
    merging: &Merging<'_>,
    reached: &Reached,
    changes: &[ChangeId],
) -> Result<(Vec<Judged>, Vec<Verdict>), Fail> {
    let at = At::Live(now());
    let mut chosen = Vec::with_capacity(changes.len());
    let mut refused = Vec::new();
    for change in changes {
        let heads = merging.heads(change, reached)?;
        let Some(first) = heads.first() else {
            let finding = no_head(merging, change, reached)?;
            refused.push(merging.unproven(change, &reached.commit, &reached.tree, at, finding));
            continue;
        };
        // One head is judged with the others below; of several the first that is accepted is taken.
        let mut found = first.clone();
        for head in heads.iter().filter(|_| heads.len() > 1) {
            let one = [(change.clone(), head.clone())];
            if merging.judge(reached, &one, at)?.iter().all(Judged::accepted) {
                found = head.clone();
                break;
            }
        }
        chosen.push((change.clone(), found));
    }
    let judged = merging.judge(reached, &chosen, at)?;
    refused.extend(judged.iter().filter(|judged| !judged.accepted()).map(|judged| judged.verdict().clone()));
    Ok((judged, refused))
}

/// Says why no commit of a change can be the merged one.
fn no_head(merging: &Merging<'_>, change: &ChangeId, reached: &Reached) -> Result<Finding, Fail> {
    let Some(last) = newest_commit(merging.log, change)? else {
        let plan = first_plan(merging.log, change)?;
        let found = Finding::new(
            if plan.is_some() { Code::MISSING_CLAIM } else { Code::NO_PLAN },
            format!("change {change}"),
            if plan.is_some() { "it has no evidence" } else { "it has no plan" },
            if plan.is_some() { "evidence about the merged tree" } else { "a plan before the first attempt" },
        );
        return Ok(found);
    };
    let found = format!(
        "its newest evidence is about commit {}, tree {}; {} has the tree {}",
        last.commit.short(),
        last.tree.short(),
        reached.commit.short(),
        reached.tree.short()
    );
    Ok(Finding::new(Code::OTHER_COMMIT, format!("change {change}"), found, "evidence about the merged tree"))
}

/// Returns what the newest result, review or verdict of a change is about.
fn newest_commit(log: &Log, change: &ChangeId) -> Result<Option<Reached>, Fail> {
    let (serials, _) = log.newest(&MapText::chain(&format!("change:{change}")), usize::MAX)?;
    for serial in serials.iter().rev() {
        let Some(statement) = statement(log, *serial)? else { continue };
        if let (Some(commit), Some(tree)) = (statement.commit(), statement.tree()) {
            return Ok(Some(Reached { commit: commit.clone(), tree: tree.clone() }));
        }
    }
    Ok(None)
}

/// Reads the statement of a record.
pub(super) fn statement(log: &Log, serial: u64) -> Result<Option<Statement>, Fail> {
    let Some(record) = log.record(serial)? else { return Ok(None) };
    let unreadable = |error: &dyn std::fmt::Display| Fail::usage(format!("record {serial}: {error}"));
    let envelope = Envelope::parse(&record.envelope).map_err(|error| unreadable(&error))?;
    Ok(Some(Statement::parse(&envelope.payload).map_err(|error| unreadable(&error))?))
}

/// Returns the changes that are named: by words, else by `EVIDENCE_CHANGE`.
fn named(args: &MergeArgs) -> Result<BTreeSet<ChangeId>, Fail> {
    let parse = |text: &str, from: &str| {
        text.parse::<ChangeId>()
            .map_err(|error| Fail::usage(format!("{from}: {error}")).hint("an id is lower case, such as shop/abc-123"))
    };
    let mut found = BTreeSet::new();
    for name in args.names.iter().chain(&args.changes) {
        found.insert(parse(name, "the change")?);
    }
    if found.is_empty()
        && let Some(text) = std::env::var_os("EVIDENCE_CHANGE")
    {
        let text = text.to_str().ok_or_else(|| Fail::usage("EVIDENCE_CHANGE is not UTF-8"))?;
        found.insert(parse(text, "EVIDENCE_CHANGE")?);
    }
    Ok(found)
}

/// Finds the changes: the trailers of the commits that the merge brings, what the ledger has about the commit, its tree, or the other
/// parents of a merge commit. Closed ones, and those of other repositories, are found only by trailer. The inner `Err` says that it
/// cannot be told which.
pub(super) fn found(
    context: &Context,
    log: &Log,
    repository: &Id,
    reached: &Reached,
) -> Result<Result<Vec<ChangeId>, Fail>, Fail> {
    let mut found = BTreeSet::new();
    let git = context.repository()?;
    let parents = git.commit(&reached.commit)?.parents;
    if let Some(first) = parents.first() {
        let commits = git.facts(&reached.commit, first)?.commits;
        found.extend(commits.into_iter().flat_map(|commit| commit.plans).map(|plan| plan.change));
    }
    let mut labels = vec![format!("commit:{}", reached.commit), format!("tree:{}", reached.tree)];
    labels.extend(parents.iter().skip(1).map(|parent| format!("commit:{parent}")));
    for label in labels {
        if !found.is_empty() {
            break;
        }
        found.extend(open_under(log, repository, &label)?);
        // Whoever runs gates on the merged commit itself says what it merges; that a tree is equal may be chance.
        if found.len() > 1 && !label.ends_with(reached.commit.as_str()) {
            let ids: Vec<&str> = found.iter().map(|change| change.as_str()).collect();
            return Ok(Err(Fail::usage(format!("several changes have evidence about {label}: {}", ids.join(", ")))
                .hint("name those that it merges: evidence record merge CHANGE")));
        }
    }
    Ok(Ok(found.into_iter().collect()))
}

/// Returns the open changes of a repository that have records under a label.
fn open_under(log: &Log, repository: &Id, label: &str) -> Result<BTreeSet<ChangeId>, Fail> {
    let mut found = BTreeSet::new();
    for serial in log.newest(&MapText::label(label), usize::MAX)?.0 {
        let change = statement(log, serial)?.and_then(|statement| statement.binding.change);
        if let Some(change) = change.filter(|change| !found.contains(change) && is_of(change, repository))
            && log.merge_of(&change)?.is_none()
        {
            found.insert(change);
        }
    }
    Ok(found)
}

/// Finds every open change that a commit may bring on top of another one: by all that [`found`] looks at, so that evidence which
/// somebody made on the commit under another name stands in for none that was shown before.
pub(super) fn brought(
    context: &Context,
    log: &Log,
    repository: &Id,
    reached: &Reached,
    since: Option<&Oid>,
) -> Result<BTreeSet<ChangeId>, Fail> {
    let git = context.repository()?;
    let parents = git.commit(&reached.commit)?.parents;
    let mut found = BTreeSet::new();
    if let Some(since) = since.or(parents.first()) {
        let commits = git.facts(&reached.commit, since)?.commits;
        for plan in commits.into_iter().flat_map(|commit| commit.plans) {
            if log.merge_of(&plan.change)?.is_none() {
                found.insert(plan.change);
            }
        }
    }
    let parents = parents.iter().skip(1).map(|parent| format!("commit:{parent}"));
    for label in [format!("commit:{}", reached.commit), format!("tree:{}", reached.tree)].into_iter().chain(parents) {
        found.extend(open_under(log, repository, &label)?);
    }
    Ok(found)
}

/// Returns whether a change of which only evidence tells is this repository's: repositories that share a ledger may share commits too.
pub(super) fn is_of(change: &ChangeId, repository: &Id) -> bool {
    let rest = change.as_str().strip_prefix(repository.as_str());
    rest.is_some_and(|rest| rest.starts_with('/')) || !change.as_str().contains('/')
}

/// Returns the merge record of the commit that closes all these changes; of any, if there are none.
pub(super) fn recorded<'a>(branch: &'a Branch, reached: &Reached, changes: &[ChangeId]) -> Option<&'a Recorded> {
    let has_all = |merge: &&Recorded| changes.iter().all(|change| merge.changes.contains(change));
    let ours = branch.merges.iter().filter(|merge| merge.entitled && merge.reached.commit == reached.commit);
    ours.rev().find(has_all)
}

/// Says that the merge is recorded already. Who asks for a verified one is refused an unverified one.
pub(super) fn already(context: &Context, args: &MergeArgs, place: &Place, merge: &Recorded) -> Ended {
    let unverified = merge.verdict.is_none();
    if !context.json {
        print(&told(merge.serial, "merged already: ", place, &merge.changes, merge.verdict));
    }
    let json = json!({"recorded": true, "already": true, "serial": merge.serial, "time": merge.time,
        "branch": place.branch, "commit": place.reached.commit, "tree": place.reached.tree,
        "changes": merge.changes, "verdict": merge.verdict, "unverified": unverified});
    Ended { exit: u8::from(unverified && !args.unverified), json }
}

fn done(
    context: &Context,
    place: &Place,
    changes: &[ChangeId],
    receipt: &Receipt,
    verdict: Option<Digest>,
    kept: &[Oid],
) -> Ended {
    if !context.json {
        print(&told(receipt.serial, "merged ", place, changes, verdict));
    }
    let json = json!({"recorded": true, "already": false, "serial": receipt.serial, "time": receipt.time(),
        "branch": place.branch, "commit": place.reached.commit, "tree": place.reached.tree,
        "changes": changes, "verdict": verdict, "unverified": verdict.is_none(), "kept": kept, "leaf": receipt.leaf});
    Ended { exit: 0, json }
}

fn told(serial: u64, word: &str, place: &Place, changes: &[ChangeId], verdict: Option<Digest>) -> String {
    let ids: Vec<&str> = changes.iter().map(|change| change.as_str()).collect();
    let what = if ids.is_empty() { "no known change".to_owned() } else { ids.join(" and ") };
    let how = if verdict.is_some() { "" } else { ", unverified: no verdict accepts it" };
    format!("#{serial} {word}{what} to {} at {}{how}\n", place.branch, place.reached.commit.short())
}

/// Finds the branch and the commit that reached it.
fn place(context: &Context, args: &MergeArgs) -> Result<Place, Fail> {
    let repository = context.repository()?;
    let head = repository.head()?;
    let from_ci = forge().merged_branch();
    let named = args.branch.clone().or_else(|| std::env::var("EVIDENCE_TARGET").ok().filter(|name| !name.is_empty()));
    let name = match named.or_else(|| from_ci.clone()) {
        Some(name) => name,
        None => repository.target(None)?.map(|target| target.name).or_else(|| head.branch.clone()).unwrap_or_default(),
    };
    if name.is_empty() {
        return Err(Fail::usage("no branch is known").hint("--branch BRANCH"));
    }
    let name = full_name(&name)?;
    // A CI system checks out what it is about, by another name or by none.
    let is_pushed = from_ci.is_some_and(|from_ci| full_name(&from_ci).is_ok_and(|full| full == name));
    let is_here = head.branch.as_ref() == Some(&name) || is_pushed;
    let commit = match &args.commit {
        Some(revision) if revision.is_empty() => {
            return Err(Fail::usage("--commit is empty; wanted a revision such as HEAD"));
        }
        Some(revision) => repository.resolve_commit(revision)?,
        None if is_here => head.commit,
        None => {
            let found = repository.target(Some(name.trim_start_matches("refs/heads/")));
            let found = found.map_err(|error| Fail::from(error).hint("--commit REV names the merged commit"))?;
            found.map(|target| target.commit).ok_or_else(|| Fail::usage(format!("there is no branch {name}")))?
        }
    };
    let tree = repository.tree_of(&commit)?;
    Ok(Place { branch: name, reached: Reached { commit, tree }, is_pushed })
}

/// Returns the full name that a branch has in the ledger, whichever remote it is known by here.
pub(super) fn full_name(name: &str) -> Result<String, Fail> {
    let full = match name.strip_prefix("refs/remotes/origin/").or_else(|| name.strip_prefix("origin/")) {
        Some(branch) => format!("refs/heads/{branch}"),
        None if name.starts_with("refs/") => name.to_owned(),
        None => format!("refs/heads/{name}"),
    };
    let fits = full.len() <= BRANCH_BYTES_MAX && full.len() > "refs/heads/".len();
    if fits && full.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(full);
    }
    Err(Fail::usage(format!("`{name}` is no branch that a record can name: wanted printable ASCII, at most 300 bytes")))
}

/// So often the changes are judged before somebody else's records are given way to.
const ATTEMPTS_MAX: usize = 16;
/// As the schema of events has it.
const BRANCH_BYTES_MAX: usize = 300;
