//! Changes that reach a branch: which commits a merge brings, which of them were judged, and the verdict, live or as of the
//! merge.
//!
//! A merge may be another commit than the judged one (squash, rebase, a merge commit); it has the judged tree. What it brings
//! lies between the branch before it and the merged commit. The branch before is told from git and the ledger alone:
//!
//! - another commit than the judged one: its first parent; where the branch got rewritten twins of the judged commits one by
//!   one (a rebase), the first commit below them;
//! - the judged commit itself (a merge queue, a fast-forward): the commit of the branch's newest merge record that lies below
//!   it; where that one lies below the first parent of a merge commit, that parent.

use std::collections::BTreeSet;

use crate::export::layings;
use crate::git::{GitError, GitFactsError, Objects as _, ObjectsError, Repository};
use crate::merkle::MapText;
use crate::model::{ChangeId, Digest, Event, GitFacts, Oid, Outcome, Predicate, Time};
use crate::policy::{Act, Baseline, Moment};
use crate::prove::{Change, Complete, Logged, Materials as _, ProveError, Trust, branch_chain};
use crate::rego::{Evaluator, RegoError};
use crate::store::{Log, StoreError};
use crate::verify::{
    Authority, BASELINE_BYTES_MAX, Clock, Code, Decided, Finding, Judgement, Policies, PolicyReadError, RecheckError,
    Rechecked, Verdict, aim, asks_changed_lines, next_baseline, plan_base, read_baseline, read_branch, read_names,
    told,
};

/// What reached a branch, as the ledger's records say.
pub struct Branch {
    /// Its full name.
    pub name: String,
    /// The origin of the log that was read.
    pub origin: String,
    /// Its size.
    pub size: u64,
    /// Every merge that is recorded, ascending.
    pub merges: Vec<Recorded>,
}

/// A recorded merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the log.
    pub serial: u64,
    /// Its time.
    pub time: Time,
    /// The merged commit, and the tree that it is said to have.
    pub reached: Reached,
    /// The changes that it closes.
    pub changes: Vec<ChangeId>,
    /// The hash of the baseline that it left.
    pub baseline: Option<Digest>,
    /// The leaf hash of the verdict on the first of them; those on the others stand right behind it.
    pub verdict: Option<Digest>,
    /// Whether its signers were entitled to record it.
    pub entitled: bool,
}

/// A commit that reached a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The commit.
    pub commit: Oid,
    /// Its tree.
    pub tree: Oid,
}

/// Which moment is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Now, by all of the log.
    Live(Time),
    /// That of a record, by what stood before it.
    Recorded {
        /// Its place.
        serial: u64,
        /// Its time.
        time: Time,
    },
}

/// A change that was judged for its merge.
pub struct Judged {
    /// The judged commit, which has the merged commit's tree.
    pub head: Oid,
    /// The verdict; `Err` is one on what could not even be proven.
    pub verdict: Result<Decided, Box<Verdict>>,
    /// The records that it rests on.
    pub complete: Complete<Change>,
    /// The commits of the branch that it speaks about, the merged one among them.
    pub covers: BTreeSet<Oid>,
}

/// Why nothing is judged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger contradicts itself, or lists what is not there.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// A policy of the ledger.
    #[error(transparent)]
    Policy(#[from] PolicyReadError),
    /// A report.
    #[error(transparent)]
    Recheck(#[from] RecheckError),
    /// The repository.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A policy's Rego could not be run to its end.
    #[error(transparent)]
    Rego(#[from] RegoError),
    /// A range does not begin below its end.
    #[error("commit {from} is not below {to} on the first-parent line of {branch}")]
    Range {
        /// Where it begins.
        from: Oid,
        /// Where it ends.
        to: Oid,
        /// The branch.
        branch: String,
    },
    /// No merge is recorded on the line of the branch, so that there is nothing to begin with.
    #[error("no commit of {0} has a recorded merge")]
    NoMerge(String),
    /// The judged commit is not in this clone.
    #[error("commit {head}, on which {change} was shown, is not in this clone")]
    NotHere {
        /// The commit.
        head: Oid,
        /// The change.
        change: ChangeId,
    },
}

impl Branch {
    /// Reads every merge that the signed map lists for a branch.
    ///
    /// # Errors
    /// See [`MergeError`].
    pub fn read(log: &Log, trust: &Trust, name: &str) -> Result<Self, MergeError> {
        let chain = MapText::chain(&branch_chain(&trust.repository, name));
        let complete = Complete::check_chains(log, trust, &[MapText::chain("policy"), chain.clone()])?;
        let policies = Policies::read(&complete, log)?;
        let authority = Authority::replay(&complete, &policies, trust, complete.map().time);
        let merges = complete.of_list(&chain);
        let merges = merges.filter_map(|record| Recorded::of(record, authority.may_at(Act::Merge, record))).collect();
        let head = complete.checkpoint().checkpoint();
        Ok(Self { name: name.to_owned(), origin: head.origin.clone(), size: head.size, merges })
    }
}

impl Recorded {
    fn of(record: &Logged, entitled: bool) -> Option<Self> {
        let statement = record.statement();
        let Predicate::Event(Event::Merge { changes, verdict, baseline, .. }) = &statement.predicate else {
            return None;
        };
        let reached = Reached { commit: statement.commit()?.clone(), tree: statement.tree()?.clone() };
        let (serial, time, changes) = (record.serial(), record.time(), changes.clone());
        Some(Self { serial, time, reached, changes, baseline: *baseline, verdict: *verdict, entitled })
    }
}

impl Judged {
    /// Returns the verdict.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        self.verdict.as_ref().map_or_else(|verdict| verdict, Decided::verdict)
    }

    /// Returns whether the change has a result that passed, or one that did not, about such a commit.
    fn has_result(&self, is_about: &dyn Fn(&Oid) -> bool, passed: bool) -> bool {
        self.complete.of_change().any(|record| match &record.statement().predicate {
            Predicate::Result(run) => {
                (run.outcome == Outcome::Pass) == passed && record.statement().commit().is_some_and(is_about)
            }
            _ => false,
        })
    }

    /// Returns whether the change is shown to be fit.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.verdict.as_ref().is_ok_and(Decided::accepted)
    }
}

/// What merges are judged by.
#[derive(Clone, Copy)]
pub struct Merging<'a> {
    /// The records.
    pub log: &'a Log,
    /// What is believed before anything is read.
    pub trust: &'a Trust,
    /// The commits.
    pub repository: &'a Repository,
    /// What runs the Rego of policies.
    pub evaluator: &'a Evaluator,
    /// The branch.
    pub branch: &'a Branch,
    /// Brings a commit that is not here, if it can: it is looked for again after.
    pub bring: &'a dyn Fn(&Oid),
}

/// What the verdicts on all changes of a merge speak about.
struct Spoken {
    commits: BTreeSet<Oid>,
    touched: BTreeSet<String>,
}

/// A change whose records and commits are read.
struct Read {
    complete: Complete<Change>,
    policies: Policies,
    rechecked: Rechecked,
    clock: Clock,
    base: Option<Oid>,
    git: GitFacts,
}

impl Merging<'_> {
    /// Returns the commits at which a change may have been shown to be fit for a merged commit: each has its tree. First the
    /// other parents of a merge commit, then what the change's records are about, the newest first.
    ///
    /// # Errors
    /// [`MergeError::NotHere`] if there are such commits, and none of them is in this clone; else see [`MergeError`].
    pub fn heads(&self, change: &ChangeId, reached: &Reached) -> Result<Vec<Oid>, MergeError> {
        let subject = Change { id: change.clone(), tree: reached.tree.clone() };
        let complete = Complete::check(self.log, self.trust, subject)?;
        let about = |record: &&Logged| record.statement().tree() == Some(&reached.tree);
        let shown = complete.of_change().rev().filter(about).filter_map(|record| record.statement().commit().cloned());
        let mut heads: Vec<Oid> = Vec::new();
        let mut elsewhere = None;
        let parents = self.repository.commit(&reached.commit)?.parents;
        for parent in parents.into_iter().skip(1) {
            if self.repository.tree_of(&parent)? == reached.tree {
                heads.push(parent);
            }
        }
        for head in shown.collect::<Vec<_>>() {
            if heads.contains(&head) || heads.len() == HEADS_MAX {
                continue;
            }
            match self.is_here(&head)? {
                true => heads.push(head),
                false => elsewhere = elsewhere.or(Some(head)),
            }
        }
        match elsewhere {
            Some(head) if heads.is_empty() => Err(MergeError::NotHere { head, change: change.clone() }),
            _ => Ok(heads),
        }
    }

    /// Judges changes for the merge of a commit, each at a commit that has its tree.
    ///
    /// # Errors
    /// See [`MergeError`]; a change that is not fit is no error, but a refusing verdict.
    pub fn judge(&self, reached: &Reached, changes: &[(ChangeId, Oid)], at: At) -> Result<Vec<Judged>, MergeError> {
        let mut read = Vec::with_capacity(changes.len());
        for (change, head) in changes {
            read.push(self.read(reached, change, head, at)?);
        }
        // What one change of a merge queue's commit does not speak about, another one may.
        let spoken = read.iter().filter_map(|read| read.as_ref().ok());
        let all = Spoken {
            commits: spoken.clone().flat_map(|read| &read.git.commits).map(|commit| commit.oid.clone()).collect(),
            touched: spoken.flat_map(|read| &read.git.touched).cloned().collect(),
        };
        let mut judged = Vec::with_capacity(read.len());
        for ((_, head), read) in changes.iter().zip(read) {
            judged.push(match read {
                Ok(read) => self.judge_one(reached, head, read, &all, at)?,
                Err((verdict, complete)) => {
                    let (head, covers) = (head.clone(), BTreeSet::from([reached.commit.clone()]));
                    Judged { head, verdict: Err(verdict), complete, covers }
                }
            });
        }
        let stacked = self.stacked(reached, &judged, &all.commits, at)?;
        if let Some(first) = judged.first_mut() {
            first.covers.extend(stacked);
        }
        Ok(judged)
    }

    /// Returns the merge commits right below a queue's commit that stand for other changes judged with it: the queue made one for each
    /// change and merged them all at once. Each brings commits that were judged, a change of its own has evidence about one of them or
    /// about it, and nothing about it failed; one change is left for the queue's commit itself.
    fn stacked(
        &self,
        reached: &Reached,
        judged: &[Judged],
        all: &BTreeSet<Oid>,
        at: At,
    ) -> Result<BTreeSet<Oid>, MergeError> {
        let mut covers = BTreeSet::new();
        if judged.len() < 2 || judged.iter().any(|judged| judged.head != reached.commit || judged.verdict.is_err()) {
            return Ok(covers);
        }
        let newest = self.newest_below(&reached.commit, at)?;
        let mut left: Vec<&Judged> = judged.iter().collect();
        let mut next = self.repository.first_parent(&reached.commit)?;
        while let Some(commit) = next.take().filter(|commit| Some(commit) != newest.as_ref()) {
            let parents = self.repository.commit(&commit)?.parents;
            let Some(first) = parents.first().filter(|_| parents.len() > 1) else { break };
            let brought = self.repository.facts(&commit, first)?.commits;
            let brought: BTreeSet<Oid> = brought.into_iter().map(|commit| commit.oid).collect();
            let failed = judged.iter().any(|judged| judged.has_result(&|about| *about == commit, false));
            let before = left.len();
            left.retain(|judged| !judged.has_result(&|about| brought.contains(about), true));
            if failed || left.len() == before || left.is_empty() || !brought.is_subset(all) {
                break;
            }
            next = Some(first.clone());
            covers.insert(commit);
        }
        Ok(covers)
    }

    #[expect(clippy::type_complexity, reason = "what cannot be judged is a verdict on the same records")]
    fn read(
        &self,
        reached: &Reached,
        change: &ChangeId,
        head: &Oid,
        at: At,
    ) -> Result<Result<Read, (Box<Verdict>, Complete<Change>)>, MergeError> {
        let subject = Change { id: change.clone(), tree: reached.tree.clone() };
        let whole = Complete::check(self.log, self.trust, subject)?;
        let policies = Policies::read(&whole, self.log)?;
        let as_of = |whole: Complete<Change>| match at {
            At::Live(_) => whole,
            At::Recorded { serial, .. } => whole.before(serial),
        };
        let clock = match at {
            At::Live(now) => Clock::Live(now),
            At::Recorded { time, .. } => Clock::AsOf(time),
        };
        let complete = as_of(whole.clone());
        let planned = plan_base(&complete, &policies, self.trust, clock);
        let base = planned.clone().unwrap_or_else(|| head.clone());
        let mut git = match self.repository.facts(head, &base) {
            Ok(git) => git,
            Err(GitError::Facts(GitFactsError::NotDescended { .. })) => {
                let found = format!("it does not descend from {}", base.short());
                let thing = format!("commit {}", head.short());
                let finding =
                    Finding::new(Code::BASE_NOT_BEFORE_HEAD, thing, found, "a commit on top of the plan's base");
                return Ok(Err((Box::new(self.unproven(change, head, &reached.tree, at, finding)), complete)));
            }
            Err(error) => return Err(error.into()),
        };
        let whole = read_names(whole, self.log, self.trust, &policies, &git)?;
        let whole = {
            let first_parent = &mut |commit: &Oid| self.repository.first_parent(commit).map_err(MergeError::from);
            let before = match at {
                At::Live(_) => None,
                At::Recorded { serial, .. } => Some(serial),
            };
            read_branch(whole, self.log, self.trust, &policies, &mut git, before, first_parent)?
        };
        if asks_changed_lines(&whole, &policies, &git) {
            git.changed = Some(self.repository.changed_lines(head, &base, &layings(&whole))?);
        }
        let complete = as_of(whole);
        let mut rechecked = Rechecked::of_tree(&complete, &policies, self.log)?;
        rechecked.read_baselines(&complete, self.trust, &git, self.log)?;
        Ok(Ok(Read { complete, policies, rechecked, clock, base: planned, git }))
    }

    fn judge_one(&self, reached: &Reached, head: &Oid, read: Read, all: &Spoken, at: At) -> Result<Judged, MergeError> {
        let Read { complete, policies, rechecked, clock, base, git } = read;
        let mut covers = BTreeSet::from([reached.commit.clone()]);
        let before = self.before(reached, &git, at, &mut covers)?;
        let mut found_before = Vec::new();
        if let Some(aim) = aim(&complete, &policies, self.trust, None) {
            found_before.extend(aim.misses(&complete.subject().id, &self.branch.name));
        }
        if git.tree != reached.tree {
            let found = format!("its tree is {}; {} has {}", git.tree, reached.commit.short(), reached.tree);
            let thing = format!("commit {}", head.short());
            found_before.push(Finding::new(Code::OTHER_COMMIT, thing, found, "the tree of the merged commit"));
        }
        if let Some(base) = &base {
            let fits = match &before {
                Some(before) => self.repository.is_ancestor(base, before)?,
                None => *base != reached.commit,
            };
            if !fits {
                let at = before
                    .as_ref()
                    .map_or_else(|| "nothing that is recorded".to_owned(), |before| before.short().to_owned());
                let found = format!("it is not on {} as it was before the merge, at {at}", self.branch.name);
                let thing = format!("commit {}", base.short());
                found_before.push(Finding::new(
                    Code::BASE_NOT_ON_TARGET,
                    thing,
                    found,
                    "a base that the branch had before",
                ));
            }
        }
        if let Some(before) = &before {
            let brought = self.repository.facts(&reached.commit, before)?;
            let known = |oid: &Oid| all.commits.contains(oid) || covers.contains(oid);
            if let Some(other) = brought.commits.iter().find(|commit| !known(&commit.oid)) {
                let found = format!("it brings commit {}, which no verdict speaks about", other.oid.short());
                let thing = format!("commit {}", reached.commit.short());
                found_before.push(Finding::new(Code::OTHER_COMMIT, thing, found, "commits of the change alone"));
            }
            let foreign: Vec<&str> = brought.differing().filter(|path| !all.touched.contains(*path)).collect();
            if !foreign.is_empty() {
                let shown = told(foreign.iter().copied(), foreign.len());
                let found = format!("on {} it changes {shown}, which the change does not touch", self.branch.name);
                let thing = format!("commit {}", reached.commit.short());
                let wanted = "what the change touches, and nothing of the branch taken back";
                found_before.push(Finding::new(Code::OTHER_COMMIT, thing, found, wanted));
            }
            // Only what lies above the branch as it was: else a commit pushed before would pass for part of the change.
            covers.extend(brought.commits.into_iter().map(|commit| commit.oid).filter(|oid| all.commits.contains(oid)));
        } else {
            covers.extend(git.commits.iter().map(|commit| commit.oid.clone()));
        }
        let judgement = Judgement {
            complete: &complete,
            trust: self.trust,
            policies: &policies,
            rechecked: &rechecked,
            git: &git,
            clock,
            moment: Moment::Merge,
            found_before,
            admitted: Vec::new(),
        };
        let decided = self.evaluator.judge(&judgement)?;
        Ok(Judged { head: head.clone(), verdict: Ok(decided), complete, covers })
    }

    /// Returns the branch as it was before a merge, as far as that can be told, and adds the rewritten twins of judged commits
    /// to what the merge covers.
    fn before(
        &self,
        reached: &Reached,
        git: &GitFacts,
        at: At,
        covers: &mut BTreeSet<Oid>,
    ) -> Result<Option<Oid>, MergeError> {
        let parents = self.repository.commit(&reached.commit)?.parents;
        let Some(first) = parents.first() else { return Ok(None) };
        if reached.commit == git.head {
            let Some(newest) = self.newest_below(&reached.commit, at)? else { return Ok(None) };
            let on_first = parents.len() > 1 && self.repository.is_ancestor(&newest, first)?;
            return Ok(Some(if on_first { first.clone() } else { newest }));
        }
        let mut before = first.clone();
        while parents.len() == 1 {
            let commit = self.repository.commit(&before)?;
            let is_twin = git.commits.iter().any(|judged| judged.tree == commit.tree)
                && git.commits.iter().all(|judged| judged.oid != before)
                && !self.repository.is_ancestor(&before, &git.base)?;
            match (&commit.parents[..], is_twin) {
                ([parent], true) => covers.insert(std::mem::replace(&mut before, parent.clone())),
                _ => break,
            };
        }
        Ok(Some(before))
    }

    /// Returns the commit of the newest merge that lies below another commit, of those recorded before a moment.
    fn newest_below(&self, commit: &Oid, at: At) -> Result<Option<Oid>, MergeError> {
        let earlier = |merge: &&Recorded| match at {
            At::Live(_) => true,
            At::Recorded { serial, .. } => merge.serial < serial,
        };
        for merge in self.branch.merges.iter().rev().filter(|merge| merge.entitled).filter(earlier) {
            let below = &merge.reached.commit;
            if below != commit && self.is_here(below)? && self.repository.is_ancestor(below, commit)? {
                return Ok(Some(below.clone()));
            }
        }
        Ok(None)
    }

    /// Returns whether a commit is in this clone.
    pub(super) fn is_here(&self, commit: &Oid) -> Result<bool, MergeError> {
        let unreadable = |error: ObjectsError| ProveError::Unreadable(error.to_string());
        Ok(self.repository.object(commit).map_err(unreadable)?.is_some())
    }

    /// Returns the baseline that a merge of these verdicts leaves, as text: what follows from the newest one before it, the facts and the
    /// exceptions. `None` if nothing was protected before and nothing is now.
    ///
    /// # Errors
    /// See [`MergeError`]; the newest baseline must be there and readable.
    pub fn baseline_after(&self, judged: &[Judged], at: At) -> Result<Option<String>, MergeError> {
        let newest = self.newest_baseline(at)?;
        let decided: Vec<&Decided> = judged.iter().filter_map(|judged| judged.verdict.as_ref().ok()).collect();
        let branch = format!("{}:{}", self.trust.repository, self.branch.name);
        let known = newest.as_ref().map(|(digest, baseline)| (*digest, baseline));
        let next = next_baseline(&branch, known, &decided);
        if next.parts.is_empty() && newest.is_none() {
            return Ok(None);
        }
        let text = next.print();
        let bytes = text.len();
        if bytes > BASELINE_BYTES_MAX {
            let why =
                format!("the baseline of {branch} would have {bytes} bytes; at most {BASELINE_BYTES_MAX} can be read");
            return Err(ProveError::Unreadable(why).into());
        }
        Ok(Some(text))
    }

    /// Returns the newest baseline that a merge of the branch left before a moment.
    ///
    /// # Errors
    /// As [`Merging::baseline_after`].
    pub fn newest_baseline(&self, at: At) -> Result<Option<(Digest, Baseline)>, MergeError> {
        let earlier = |merge: &&Recorded| match at {
            At::Live(_) => merge.entitled,
            At::Recorded { serial, .. } => merge.entitled && merge.serial < serial,
        };
        let found =
            self.branch.merges.iter().rev().filter(earlier).find_map(|merge| Some((merge.serial, merge.baseline?)));
        let Some((serial, digest)) = found else { return Ok(None) };
        self.log.prepare(&[digest]).map_err(ProveError::from)?;
        let broken = |text: String| ProveError::Missing(format!("baseline {digest} that record {serial} left{text}"));
        match read_baseline(serial, &digest, self.log)? {
            Some(Ok(baseline)) => Ok(Some((digest, baseline))),
            Some(Err(error)) => Err(ProveError::Unreadable(format!("record {serial}: {error}")).into()),
            None => Err(broken(String::new()).into()),
        }
    }

    /// Returns the refusal of what cannot be judged further.
    #[must_use]
    pub fn unproven(&self, change: &ChangeId, head: &Oid, tree: &Oid, at: At, finding: Finding) -> Verdict {
        let now = match at {
            At::Live(now) | At::Recorded { time: now, .. } => now,
        };
        let origin = self.branch.origin.clone();
        Verdict::unproven(change.clone(), head.clone(), tree.clone(), origin, now, finding)
    }
}

/// More commits of one change with one tree are not tried.
const HEADS_MAX: usize = 16;
