//! The same command where the change starts from: on the base as it is, and on the base with the head's tests.
//!
//! What fails there is what was to be seen: nothing here changes what the attempt comes to. Each run has a folder of its own, so that
//! it finds nothing that another one left. Reports are looked for under the same patterns.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::attempt::{keep_output, recorded};
use super::command::{CommandSpec, Echo, Interrupts, Ran, run};
use super::gather::{Before, Gathered, Gathering, ReportSpec, Watch};
use crate::git::{Checkout, GitError, GitFactsError, Repository, TreeChange, laid_tree};
use crate::model::{BaseRun, Ended, Oid, OnBase, Problem, Purpose};
use crate::policy::Paths;
use crate::store::{Blobs, StoreError};

/// That the command is to run on the base, too.
#[derive(Debug, Clone)]
pub struct BaseSpec {
    /// The commit that the change starts from.
    pub commit: Oid,
    /// The files that are taken from the head.
    pub tests: Paths,
}

/// What runs on the base, and where it is seen.
pub(super) struct Rerun<'a> {
    pub(super) spec: &'a BaseSpec,
    pub(super) head: &'a Oid,
    pub(super) command: &'a CommandSpec,
    pub(super) reports: &'a [ReportSpec],
    /// The folder that the command ran in.
    pub(super) folder: &'a Path,
    pub(super) repository: &'a Repository,
    pub(super) blobs: &'a Blobs,
    pub(super) interrupts: &'a Interrupts,
    /// Whether the ledger takes a file of so many bytes.
    pub(super) takes: &'a (dyn Fn(u64) -> bool + Sync),
    /// What is told how far the reports are read.
    pub(super) watch: &'a Watch,
}

impl BaseSpec {
    /// Returns what is recorded where nothing ran.
    pub(super) fn skipped(&self, code: &str, text: String) -> OnBase {
        OnBase { problems: vec![problem(code, text)], ..self.nothing() }
    }

    /// Returns what is recorded before anything ran; the patterns are sorted, each once.
    fn nothing(&self) -> OnBase {
        let mut tests = self.tests.patterns().to_vec();
        tests.sort();
        tests.dedup();
        OnBase { commit: self.commit.clone(), tests, problems: Vec::new(), plain: None, with_tests: None }
    }
}

impl Rerun<'_> {
    /// Runs the command on the base. That it cannot run there is recorded, not an error.
    ///
    /// # Errors
    /// If the store cannot keep a file.
    pub(super) fn run(&self, echo: impl Fn() -> Echo) -> Result<OnBase, StoreError> {
        let Self { spec, repository, .. } = *self;
        let is_laid = |path: &str| spec.tests.matches(path.as_bytes());
        let prefix = self.prefix();
        let laid = repository.differing(&spec.commit, self.head, &is_laid).map_err(unable);
        let tree = |takes: &dyn Fn(&str) -> bool| laid_tree(repository, &spec.commit, self.head, takes).map_err(unread);
        let (prefix, laid, plain, with_tests) = match (prefix, laid, tree(&|_| false), tree(&is_laid)) {
            (Ok(prefix), Ok(laid), Ok(plain), Ok(with_tests)) => (prefix, laid, plain, with_tests),
            (Err(text), ..) | (_, Err(text), ..) | (.., Err(text), _) | (.., Err(text)) => {
                return Ok(spec.skipped("no-base-run", text));
            }
        };
        let mut on_base = spec.nothing();
        match self.once(&[], &plain, &prefix, echo())? {
            Ok(ran) => on_base.plain = Some(ran),
            Err(why) => on_base.problems.push(why),
        }
        let interrupted = on_base.runs().any(|run| run.command.ended == Ended::Interrupted);
        if laid.is_empty() || interrupted || !on_base.problems.is_empty() {
            return Ok(on_base);
        }
        match self.once(&laid, &with_tests, &prefix, echo())? {
            Ok(ran) => on_base.with_tests = Some(ran),
            Err(why) => on_base.problems.push(why),
        }
        Ok(on_base)
    }

    /// Returns where below the top of the repository the command runs.
    fn prefix(&self) -> Result<PathBuf, String> {
        let (top, folder) = (self.repository.top().canonicalize(), self.folder.canonicalize());
        let below = top.ok().zip(folder.ok()).and_then(|(top, folder)| Some(folder.strip_prefix(top).ok()?.to_owned()));
        below.ok_or_else(|| format!("{} is not below {}", self.folder.display(), self.repository.top().display()))
    }

    /// Runs it once, with these files laid over the base, which makes this tree.
    fn once(
        &self,
        laid: &[TreeChange],
        tree: &Oid,
        prefix: &Path,
        echo: Echo,
    ) -> Result<Result<BaseRun, Problem>, StoreError> {
        let checkout = match Checkout::of(self.repository.place(), &self.spec.commit, laid) {
            Ok(checkout) => checkout,
            Err(error) => return Ok(Err(problem("no-base-run", unable(error)))),
        };
        if checkout.tree() != tree {
            let text =
                format!("the base cannot be laid out: git writes the tree {}, and it is {tree}", checkout.tree());
            return Ok(Err(problem("no-base-run", text)));
        }
        let folder = checkout.top().join(prefix);
        // A work tree has its own: what a caller set is about the head's.
        let hidden = self.command.hidden.iter().cloned().chain(GIT_VARIABLES.iter().map(OsString::from)).collect();
        let command = CommandSpec { folder: Some(folder.clone()), hidden, ..self.command.clone() };
        let reports: Vec<ReportSpec> =
            self.reports.iter().filter(|report| report.purpose == Purpose::Report).cloned().collect();
        let before = Before::look(&folder, &reports);
        let ran: Ran = run(&command, self.blobs, echo, self.interrupts)?;
        let (blobs, before, takes, watch) = (self.blobs, Some(&before), self.takes, self.watch);
        let gathering = Gathering { folder: &folder, blobs, before, secrets: &self.command.secrets, takes, watch };
        let mut gathered: Gathered = gathering.gather(&reports)?;
        keep_output(&ran, self.blobs, &mut gathered)?;
        let secrets = &self.command.secrets;
        let mask = |problem: Problem| Problem { text: secrets.mask(&problem.text), ..problem };
        Ok(Ok(BaseRun {
            tree: checkout.tree().clone(),
            command: recorded(&command, &ran),
            materials: gathered.materials,
            facts: gathered.facts,
            problems: gathered.problems.into_iter().map(mask).collect(),
        }))
    }
}

fn unable(error: GitError) -> String {
    format!("the base cannot be laid out: {error}")
}

fn unread(error: GitFactsError) -> String {
    format!("the base cannot be laid out: {error}")
}

fn problem(code: &str, text: String) -> Problem {
    Problem { code: code.to_owned(), text: text.chars().take(TEXT_CHARS_MAX).collect() }
}

/// What tells git where another work tree lies.
const GIT_VARIABLES: &[&str] =
    &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"];
const TEXT_CHARS_MAX: usize = 1000;
