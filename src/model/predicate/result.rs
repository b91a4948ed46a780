//! `evidence:result/v1`: what an attempt came to, and the raw files that it rests on.
//!
//! ```json
//! {"start": "<leaf hash>", "claim": "unit-tests", "outcome": "pass",
//!  "command": {"argv": ["cargo", "test"], "ended": {"how": "exited", "code": 0}, "durationMs": 4210},
//!  "worktree": {"before": "<tree>", "after": "<tree>"},
//!  "context": {"system": "github", "run": "..."},
//!  "materials": [{"name": "stdout", "purpose": "stdout", "sha256": "..", "bytes": 612}],
//!  "facts": [{"material": "..", "facts": {"reader": "libtest/1", "outcome": "pass", "tests": {..}}}]}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::on_base::{BaseRun, OnBase};
use super::start::Shard;
use crate::model::{ClaimName, CriterionId, Digest, Facts, Id, Oid, Outcome};

/// The predicate of a result. Its subjects are commit, tree and artifacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Run {
    /// The leaf hash of its start.
    pub start: Digest,
    /// The claim of the start.
    pub claim: ClaimName,
    /// The variant of the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<Id>,
    /// The shard of the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// What it came to, the worst of command, reports and readers.
    pub outcome: Outcome,
    /// Why the outcome is not pass, as far as no reader says it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// The command, where one ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// What lay in the work tree.
    pub worktree: Worktree,
    /// Where it ran, as the CI system's documented variables say it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
    /// The raw files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub materials: Vec<Material>,
    /// What readers took out of the reports among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<MaterialFacts>,
    /// What attachments among the raw files are called, and what they are for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// What the same command came to on the base, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_base: Option<Box<OnBase>>,
}

impl Run {
    /// Returns the raw files, those of the runs on the base among them.
    pub fn all_materials(&self) -> impl Iterator<Item = &Material> {
        self.materials.iter().chain(self.base_runs().flat_map(|run| &run.materials))
    }

    /// Returns the runs on the base.
    pub fn base_runs(&self) -> impl Iterator<Item = &BaseRun> {
        self.on_base.iter().flat_map(|on_base| on_base.runs())
    }
}

/// What an attachment is called, and what it is for. Of what kind it is its bytes say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attachment {
    /// The material's hash.
    pub material: Digest,
    /// Its name, by which it is the same picture in the next result.
    pub name: String,
    /// What it shows, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The criterion that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criterion: Option<CriterionId>,
}

/// Why an outcome is not pass: a stable code and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Problem {
    /// `stale-report`, `unreadable-report`, `missing-report`, `command-failed`, `timed-out`, ..
    pub code: String,
    /// The sentence for people.
    pub text: String,
}

/// A command that ran under an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Command {
    /// Program and arguments, as given.
    pub argv: Vec<String>,
    /// How it ended.
    pub ended: Ended,
    /// Milliseconds from its start to its end by a monotonic clock.
    pub duration_ms: u64,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ended {
    /// It exited by itself.
    Exited {
        /// Its exit code.
        code: u8,
    },
    /// A signal ended it.
    Signalled {
        /// The signal's number.
        signal: u8,
    },
    /// It ran longer than `--timeout` and was killed.
    TimedOut,
    /// The person pressed Ctrl-C, or the attester was asked to end.
    Interrupted,
    /// It could not be started.
    NotStarted,
}

/// The tree that a temporary index with everything added writes, before and after the command.
///
/// The work tree was clean if both equal the judged tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Worktree {
    /// Before the command.
    pub before: Oid,
    /// After it.
    pub after: Oid,
}

/// A raw file, kept by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Material {
    /// The file's name as it was given, for people.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The hash of the bytes.
    pub sha256: Digest,
    /// The number of bytes.
    pub bytes: u64,
    /// How many bytes of the middle were left out of a recorded output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omitted_bytes: Option<u64>,
}

/// What a material is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A report that a reader reads.
    Report,
    /// The command's standard output.
    Stdout,
    /// The command's standard error.
    Stderr,
    /// Anything else.
    Attachment,
}

/// Facts and the material that they were read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MaterialFacts {
    /// The material's hash.
    pub material: Digest,
    /// What the reader took out.
    pub facts: Facts,
}
