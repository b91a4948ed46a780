//! One attempt: start, command, result. Whatever happens to the command, the result is signed and kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use super::capture::Kept;
use super::command::{CommandSpec, Echo, Interrupts, Ran, run};
use super::gather::{Before, Gathered, Gathering, ReportSpec, Watch, detect};
use super::on_base::{BaseSpec, Rerun};
use super::secrets::Secrets;
use super::signer::{About, Signer};
use super::spool::Spool;
use crate::append::{AppendError, Receipt};
use crate::crypto::Envelope;
use crate::git::{GitError, Repository, WorkTree, worktree_then};
use crate::model::{
    Attachment, ClaimName, Command, Digest, Ended, Id, Material, Oid, Outcome, Predicate, Problem, Purpose, Run, Shard,
    Start, Worktree,
};
use crate::reports::{Detected, Format};
use crate::store::{Blobs, StoreError};

/// What is to be attested.
pub struct Attempt {
    /// The claim.
    pub claim: ClaimName,
    /// The variant.
    pub variant: Option<Id>,
    /// The shard.
    pub shard: Option<Shard>,
    /// What it is about: one change, or several that one commit merges; each gets a start and a result. One commit and tree for all.
    pub about: Vec<About>,
    /// Seconds until an attempt without result is lost.
    pub deadline_seconds: u64,
    /// The command, if one runs.
    pub command: Option<CommandSpec>,
    /// Reports and attachments.
    pub reports: Vec<ReportSpec>,
    /// Whether the command runs on the base, too.
    pub on_base: Option<BaseSpec>,
    /// What comes into no record.
    pub secrets: Arc<Secrets>,
    /// The folder that their names are from.
    pub folder: PathBuf,
    /// Where it runs.
    pub context: BTreeMap<String, String>,
    /// Where a result waits whose ledger went away.
    pub spool: Spool,
    /// What is told how far the reports are read.
    pub watch: Box<Watch>,
    /// The look at the work tree before it, which was begun as soon as the tree was known.
    pub looking: Looking,
}

/// A look at the work tree that another thread takes.
pub struct Looking {
    found: Receiver<Result<WorkTree, GitError>>,
    thread: Option<JoinHandle<()>>,
}

impl Looking {
    /// Begins to compare the work tree with a tree.
    #[must_use]
    pub fn begin(repository: &Repository, tree: &Oid) -> Self {
        let (place, tree) = (repository.place().clone(), tree.clone());
        let (tell, found) = channel();
        let look = move || {
            worktree_then(&place, &tree, |found| {
                // Nobody waits for it any more where the attempt was given up.
                let _ = tell.send(found);
            });
        };
        Self { found, thread: Some(std::thread::spawn(look)) }
    }

    /// Waits for what lies there, not for the end of the thread.
    fn found(&self) -> Option<Result<WorkTree, GitError>> {
        self.found.recv().ok()
    }
}

impl Drop for Looking {
    /// Waits for the thread, so that no temporary folder is left.
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What became of it.
pub struct Attempted {
    /// The receipts of the starts, in the order of the changes.
    pub starts: Vec<Receipt>,
    /// The result of the first change; those of the others differ in the start that they name.
    pub run: Run,
    /// The paths of the work tree that were not as the commit has them, before the command or after it.
    pub dirty: Vec<String>,
    /// Why the command could not be started.
    pub not_started: Option<std::io::Error>,
}

/// A signed result that waits, since its ledger went away.
#[derive(Debug)]
pub struct Undelivered {
    /// Where it waits.
    pub path: PathBuf,
    /// Why.
    pub error: AppendError,
}

/// Why an attempt could not be made or recorded.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The ledger refuses, or cannot.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A file cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The work tree cannot be looked at.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl Attempt {
    /// Makes the attempt and returns it with the receipt of each change's result, or with where the result waits. A start that cannot be
    /// logged does not run the command.
    ///
    /// # Errors
    /// See [`AttemptError`].
    pub fn make(
        self,
        signer: &Signer<'_>,
        repository: &Repository,
        echo: Echo,
        echo_of_base: impl Fn() -> Echo,
        interrupts: &Interrupts,
    ) -> Result<(Attempted, Vec<Result<Receipt, Undelivered>>), AttemptError> {
        let Some(About { commit, tree, .. }) = self.about.first().cloned() else {
            return Err(StoreError::unreadable("the attempt", &"it is about no change").into());
        };
        // What cannot be kept where the ledger was goes where the result will wait.
        let blobs = signer.appender.ledger().blobs().or_in(&self.spool.blobs());
        let start = Start {
            claim: self.claim.clone(),
            variant: self.variant.clone(),
            shard: self.shard,
            deadline_seconds: self.deadline_seconds,
        };
        let takes = |bytes| signer.appender.ledger().takes(bytes);
        let (folder, secrets) = (self.folder.as_path(), self.secrets.as_ref());
        let watch = self.watch.as_ref();
        let gather =
            |before| Gathering { folder, blobs: &blobs, before, secrets, takes: &takes, watch }.gather(&self.reports);
        // What waits for git or the disk waits side by side: nothing here needs what the other finds.
        let (started, gathered) = std::thread::scope(|scope| {
            let gathering = self.command.is_none().then(|| scope.spawn(|| gather(None)));
            let started = signer.starts(&self.about, &start);
            (started, gathering.map(joined))
        });
        let before = self.looking.found();
        let started = started?;
        let files = self.command.as_ref().map(|_| Before::look(&self.folder, &self.reports));
        let ran = self.command.as_ref().map(|command| run(command, &blobs, echo, interrupts)).transpose()?;
        let again = self.command.as_ref().map(|_| Looking::begin(repository, &tree));
        let gathered = match gathered {
            Some(gathered) => gathered,
            None => gather(files.as_ref()),
        };
        let after = again.as_ref().map(Looking::found);
        let mut gathered = gathered?;
        // A work tree that cannot be read (no git any more, say) is not clean: a commit's id is no tree's.
        let mut dirty = BTreeSet::new();
        let mut known = |found: Option<Result<WorkTree, GitError>>, when| {
            let why = match found {
                Some(Ok(found)) => {
                    dirty.extend(found.changed);
                    return found.tree;
                }
                Some(Err(error)) => error.to_string(),
                None => "nothing was found".to_owned(),
            };
            gathered.problem("unknown-worktree", format!("the work tree could not be read {when} the command: {why}"));
            commit.clone()
        };
        let worktree_before = known(before, "before");
        let worktree_after = after.map_or_else(|| worktree_before.clone(), |after| known(after, "after"));
        let mut outcome = gathered.outcome();
        if let Some(ran) = &ran {
            outcome = outcome.worst(judge_command(ran, &mut gathered));
            keep_output(ran, &blobs, &mut gathered)?;
            outcome = outcome.worst(gathered.outcome());
        } else if self.reports.iter().all(|report| report.purpose != Purpose::Report) {
            gathered.problem("nothing-run", "neither a command nor a report shows anything; give one: -- CMD (-- true where a file is only to be kept)".to_owned());
            outcome = Outcome::Inconclusive;
        }
        let on_base = match (&self.on_base, &self.command) {
            (Some(spec), Some(command)) if outcome == Outcome::Pass => {
                let (head, reports, folder) = (&commit, &self.reports[..], &self.folder);
                let (blobs, interrupts) = (&blobs, interrupts);
                let takes = &takes;
                let rerun = Rerun { spec, head, command, reports, folder, repository, blobs, interrupts, takes, watch };
                Some(rerun.run(echo_of_base)?)
            }
            (Some(spec), _) => {
                let text = "it did not pass on the head, so nothing ran on the base";
                Some(spec.skipped("no-base-run", text.to_owned()))
            }
            (None, _) => None,
        };
        let command = self.command.as_ref().zip(ran.as_ref()).map(|(spec, ran)| recorded(spec, ran));
        let Some(first) = started.first() else {
            return Err(StoreError::unreadable("the receipt", &"there is none").into());
        };
        let result = Run {
            start: first.leaf,
            claim: self.claim,
            variant: self.variant,
            shard: self.shard,
            outcome,
            problems: gathered
                .problems
                .into_iter()
                .map(|problem| Problem { text: self.secrets.mask(&problem.text), ..problem })
                .collect(),
            command,
            worktree: Worktree { before: worktree_before, after: worktree_after },
            context: self.context.into_iter().map(|(name, value)| (name, self.secrets.mask(&value))).collect(),
            materials: gathered.materials,
            facts: gathered.facts,
            attachments: gathered
                .attachments
                .into_iter()
                .map(|it| Attachment { caption: it.caption.map(|text| self.secrets.mask(&text)), ..it })
                .collect(),
            on_base: on_base.map(Box::new),
        };
        let mut envelopes = Vec::with_capacity(self.about.len());
        for (about, start) in self.about.iter().zip(&started) {
            let run = Run { start: start.leaf, ..result.clone() };
            envelopes.push(signer.seal(about, Predicate::Result(run))?);
        }
        let delivered = deliver_all(signer, &self.spool, envelopes, &result, &blobs)?;
        let not_started = ran.and_then(|ran| ran.not_started);
        let dirty = dirty.into_iter().collect();
        Ok((Attempted { starts: started, run: result, dirty, not_started }, delivered))
    }
}

/// Appends results; if the ledger went away meanwhile, they wait in the spool.
///
/// Over a remote they wait there before, so that none is lost with a program that is killed on the way.
fn deliver_all(
    signer: &Signer<'_>,
    spool: &Spool,
    envelopes: Vec<Envelope>,
    run: &Run,
    blobs: &Blobs,
) -> Result<Vec<Result<Receipt, Undelivered>>, AttemptError> {
    let digests: Vec<Digest> = run.all_materials().map(|material| material.sha256).collect();
    // A spool that cannot be written keeps nobody from appending.
    let ahead = |envelope: &Envelope| {
        signer.appender.ledger().remote().and_then(|_| spool.keep(envelope, &digests, blobs).ok())
    };
    let ahead: Vec<Option<PathBuf>> = envelopes.iter().map(ahead).collect();
    let mut delivered = Vec::with_capacity(envelopes.len());
    for (envelope, ahead) in envelopes.into_iter().zip(ahead) {
        delivered.push(deliver(signer, spool, envelope, ahead, &digests, blobs));
    }
    // One that is refused keeps no other from being delivered.
    delivered.into_iter().collect()
}

fn deliver(
    signer: &Signer<'_>,
    spool: &Spool,
    envelope: Envelope,
    ahead: Option<PathBuf>,
    digests: &[Digest],
    blobs: &Blobs,
) -> Result<Result<Receipt, Undelivered>, AttemptError> {
    // What a fault sent to the spool belongs beside the record that names it, or that waits too.
    let brought = bring(digests, blobs, &signer.appender.ledger().blobs()).map_err(AppendError::from);
    match brought.and_then(|()| signer.submit(envelope.clone())) {
        Ok(receipt) => {
            // It is in the ledger; that it still waits here does no harm.
            let _ = match ahead {
                Some(path) => spool.forget(&path),
                None => spool.tidy(),
            };
            Ok(Ok(receipt))
        }
        // Somebody who delivers what waits may have been faster.
        Err(error) if error.is_final() => {
            let found = spool.find(&envelope, signer.appender).ok().flatten();
            if let Some(path) = ahead {
                let _ = spool.forget(&path);
            }
            match found {
                Some(receipt) => Ok(Ok(receipt)),
                None => Err(error.into()),
            }
        }
        Err(error) => {
            let path = match ahead {
                Some(path) => path,
                None => spool.keep(&envelope, digests, blobs)?,
            };
            Ok(Err(Undelivered { path, error }))
        }
    }
}

/// Copies what lies elsewhere to where it belongs.
fn bring(digests: &[Digest], from: &Blobs, to: &Blobs) -> Result<(), StoreError> {
    for digest in digests {
        let path = from.path(digest);
        if path != to.path(digest) {
            let mut file = std::fs::File::open(&path).map_err(StoreError::cannot_read(&path))?;
            to.put_from(&mut file)?;
        }
    }
    Ok(())
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn judge_command(ran: &Ran, gathered: &mut Gathered) -> Outcome {
    match ran.ended {
        Ended::Exited { code: 0 } => Outcome::Pass,
        Ended::Exited { code } => {
            gathered.problem("command-failed", format!("the command ended with {code}"));
            Outcome::Fail
        }
        Ended::Signalled { signal } => {
            gathered.problem("command-killed", format!("signal {signal} ended the command"));
            Outcome::Fail
        }
        Ended::TimedOut => {
            gathered.problem("timed-out", format!("the command was stopped after {} s", ran.duration.as_secs()));
            Outcome::Inconclusive
        }
        Ended::Interrupted => {
            gathered.problem("interrupted", "the command was interrupted".to_owned());
            Outcome::Inconclusive
        }
        Ended::NotStarted => {
            let why = ran.not_started.as_ref().map_or_else(|| "its end is unknown".to_owned(), ToString::to_string);
            gathered.problem("not-started", format!("the command did not run: {why}"));
            Outcome::Inconclusive
        }
    }
}

/// Returns what is recorded of a command.
pub(super) fn recorded(spec: &CommandSpec, ran: &Ran) -> Command {
    Command {
        argv: spec.argv.iter().map(|word| spec.secrets.mask(&word.to_string_lossy())).collect(),
        ended: ran.ended,
        duration_ms: u64::try_from(ran.duration.as_millis()).unwrap_or(u64::MAX),
    }
}

/// Adds the recorded outputs, and reads test results out of the standard output where it is a test runner's.
pub(super) fn keep_output(ran: &Ran, blobs: &Blobs, gathered: &mut Gathered) -> Result<(), StoreError> {
    for (kept, name, purpose) in [(ran.stdout, "stdout", Purpose::Stdout), (ran.stderr, "stderr", Purpose::Stderr)] {
        let Some(Kept { sha256, bytes, omitted }) = kept else { continue };
        if bytes == 0 {
            continue;
        }
        let omitted_bytes = (omitted > 0).then_some(omitted);
        gathered.materials.push(Material { name: name.to_owned(), purpose, sha256, bytes, omitted_bytes });
        if purpose == Purpose::Stdout && omitted == 0 && is_libtest(&sha256, blobs)? {
            gathered.read(name, sha256, Some(Format::Libtest), blobs)?;
        }
    }
    Ok(())
}

fn is_libtest(sha256: &Digest, blobs: &Blobs) -> Result<bool, StoreError> {
    let Some(mut file) = blobs.open(sha256)? else { return Ok(false) };
    Ok(matches!(detect(&mut file)?, Detected::One(Format::Libtest)))
}
