//! The member `onBase` of a result: the same command, run where the change starts from.
//!
//! ```json
//! {"commit": "<base>", "tests": ["tests/**"],
//!  "plain":     {"tree": "..", "command": {..}, "materials": [..], "facts": [..]},
//!  "withTests": {"tree": "..", "command": {..}, "materials": [..], "facts": [..]}}
//! ```
//! Without `withTests` the change touches no file that the patterns match: the base with the head's tests is the base itself. Without
//! `plain` nothing ran there, and `problems` says why.

use serde::{Deserialize, Serialize};

use super::result::{Command, Material, MaterialFacts, Problem};
use crate::model::Oid;

/// What the command came to on the base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnBase {
    /// The commit that the change starts from.
    pub commit: Oid,
    /// The patterns of the files that were taken from the head.
    pub tests: Vec<String>,
    /// Why nothing ran, or not all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// The run on the base as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain: Option<BaseRun>,
    /// The run on the base with the head's tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_tests: Option<BaseRun>,
}

/// A run of the command on the base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BaseRun {
    /// The tree that was laid out for it.
    pub tree: Oid,
    /// The command and how it ended.
    pub command: Command,
    /// The raw files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub materials: Vec<Material>,
    /// What readers took out of the reports among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<MaterialFacts>,
    /// What is wrong with the reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

impl OnBase {
    /// Returns its runs.
    pub fn runs(&self) -> impl Iterator<Item = &BaseRun> {
        self.plain.iter().chain(&self.with_tests)
    }
}
