//! What a reader takes out of a raw report: counts, an outcome, and digests of what was counted (design, section 5).
//!
//! Facts stand in signed statements and are computed again, byte for byte, by gates and auditors for ever. So they hold
//! integers and digests only, and depend on nothing but the report's bytes. How the digests are spelled is written at
//! their fields; the code that computes them is `reports`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Digest, Outcome};

/// The facts of one report.
///
/// ```json
/// {"reader":"junit/1","outcome":"fail","reasons":["1 of 2 tests failed"],
///  "tests":{"total":2,"passed":1,"failed":1,"skipped":0,"unknown":0,"flaky":0,"names":"<64 hex>"}}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Facts {
    /// The reader and its number, such as `junit/1`. A reader that comes to other facts is another number.
    pub reader: String,
    /// What the report alone comes to.
    pub outcome: Outcome,
    /// Why the outcome is not pass: at most [`REASONS_MAX`] short sentences, none if it is.
    pub reasons: Vec<String>,
    /// The tests, if the report is about tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<TestFacts>,
    /// The findings, if the report is about findings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<FindingFacts>,
    /// The coverage, if the report is about coverage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<CoverageFacts>,
    /// The mutants, if the report is about mutation testing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutation: Option<MutationFacts>,
    /// The measurements, if the report is about benchmarks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurements: Option<MeasurementFacts>,
    /// The named things, if the report lists a surface: public items, operations, fields, commands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<NameFacts>,
}

/// Counts of test cases, recounted and not taken from the report's totals.
///
/// `total` is the sum of `passed`, `failed`, `skipped` and `unknown`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestFacts {
    /// All cases, with multiplicity.
    pub total: u64,
    /// Those that passed, the flaky ones included.
    pub passed: u64,
    /// Those with an error or a failure, suite-level errors included.
    pub failed: u64,
    /// Those that did not run.
    pub skipped: u64,
    /// Those whose status the reader does not know: never a pass.
    pub unknown: u64,
    /// Those of `passed` that failed before they passed.
    pub flaky: u64,
    /// SHA-256 over the text `evidence-cases/v1`, LF, then one line for each pair of identity and outcome:
    /// `<identity, 64 hex digits> <failed|flaky|passed|skipped|unknown> <count>`, LF, the lines sorted by bytes.
    ///
    /// The identity of a case is SHA-256 over `evidence-case/v1`, LF, then as netstrings (`<bytes in decimal>:<text>,`)
    /// the names of its suites from the outermost in, its file, its class and its name; what is absent is empty. Of a file whose
    /// path is absolute it is the last component: the rest is that of a machine.
    /// Reports with the same cases have the same digest, in whatever order they list them.
    pub names: Digest,
}

/// Counts of findings. A finding that the tool calls suppressed counts at its severity like any other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FindingFacts {
    /// Findings of critical severity.
    pub critical: u64,
    /// Findings of high severity.
    pub high: u64,
    /// Findings of medium severity.
    pub medium: u64,
    /// Findings of low severity.
    pub low: u64,
    /// Findings whose stated severity cannot be read. Not low: a policy counts them as high.
    pub unknown: u64,
    /// Results that the tool left for somebody to decide; they are in no severity.
    pub unresolved: u64,
    /// Those of all the above that the tool calls suppressed: the implementer's word, silenced only by a waiver.
    pub suppressed: u64,
    /// SHA-256 over the text `evidence-findings/v1`, LF, then one line for each pair of fingerprint and severity:
    /// `<fingerprint, 64 hex digits> <critical|high|low|medium|unknown|unresolved> <count>`, LF, sorted by bytes.
    ///
    /// The fingerprint of a finding is SHA-256 over `evidence-finding/v1`, LF, then as netstrings the tool, the run's
    /// category, the rule, and what `reports::sarif` writes there.
    pub fingerprints: Digest,
}

/// Counts of lines, out of the records of lines and not from the report's totals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CoverageFacts {
    /// The files that have lines.
    pub files: u64,
    /// The lines that a test could run, each once.
    pub lines: u64,
    /// Those of `lines` that were run.
    pub covered: u64,
    /// SHA-256 over the text `evidence-coverage/v1`, LF, then one line for each line of each file:
    /// `<file, 64 hex digits> <line> <0|1>`, LF, where 1 says that it was run, sorted by the file's digits and then by the
    /// line's number.
    ///
    /// The file is SHA-256 over `evidence-file/v1`, LF, then as netstring the path as the report has it. Reports of
    /// different formats with the same paths and lines have the same digest.
    pub digest: Digest,
}

/// Counts of mutants, out of the records of mutants and not from the report's totals.
///
/// The score is `(killed + timeout) / (killed + timeout + survived + uncovered)`; where that is 0/0 there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MutationFacts {
    /// Mutants that made a test fail.
    pub killed: u64,
    /// Mutants under which the tests did not end in time: found too.
    pub timeout: u64,
    /// Mutants that no test noticed.
    pub survived: u64,
    /// Mutants in code that no test runs.
    pub uncovered: u64,
    /// Mutants that do not count: not built, ignored, or no program.
    pub invalid: u64,
    /// SHA-256 over the text `evidence-mutants/v1`, LF, then one line for each pair of identity and state:
    /// `<identity, 64 hex digits> <invalid|killed|survived|timeout|uncovered> <count>`, LF, the lines sorted by bytes.
    ///
    /// The identity of a mutant is SHA-256 over `evidence-mutant/v1`, LF, then as netstrings what its reader says (format,
    /// section 16), without line numbers. Mutants that the tool did not judge are in no count and not in the digest.
    pub digest: Digest,
}

/// How many things were measured, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeasurementFacts {
    /// The measurements.
    pub count: u64,
    /// SHA-256 over the text `evidence-measurements/v1`, LF, then one line for each measurement:
    /// `<identity, 64 hex digits> <unit> <higher|lower> <low> <middle> <high>`, LF, the lines sorted by bytes.
    ///
    /// The identity is SHA-256 over `evidence-measurement/v1`, LF, then as netstrings the measurement's name and its unit;
    /// the word says what is better; low and high bound the confidence interval around the middle, and are 0 and 2^64 - 1
    /// where nothing is known about it. Units, their scale and how ends are rounded stand at `reports::Measurement`. A report
    /// has each pair of name and unit once.
    pub digest: Digest,
}

/// How many things a surface names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameFacts {
    /// The names, with multiplicity.
    pub count: u64,
    /// SHA-256 over the text `evidence-names/v1`, LF, then one line for each name:
    /// `<identity, 64 hex digits> <count>`, LF, the lines sorted by bytes.
    ///
    /// The identity of a name is SHA-256 over `evidence-name/v1`, LF, then the name as netstring.
    pub digest: Digest,
}

impl Facts {
    /// Returns facts that count nothing yet.
    #[must_use]
    pub fn bare(reader: impl Into<String>, outcome: Outcome, reasons: Vec<String>) -> Self {
        Self {
            reader: reader.into(),
            outcome,
            reasons,
            tests: None,
            findings: None,
            coverage: None,
            mutation: None,
            measurements: None,
            names: None,
        }
    }
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// 9.0 and above.
    Critical,
    /// 7.0 and above, or an error.
    High,
    /// 4.0 and above, or a warning.
    Medium,
    /// Above 0, or a note.
    Low,
    /// Stated in a way that cannot be read.
    Unknown,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Unknown => "unknown",
        })
    }
}

/// Facts give at most so many reasons: enough to know where to look, and a statement stays small.
pub const REASONS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let names = Digest([0; 32]);
        let tests = TestFacts { total: 2, passed: 1, failed: 1, skipped: 0, unknown: 0, flaky: 0, names };
        Facts { tests: Some(tests), ..Facts::bare("junit/1", Outcome::Fail, vec!["1 of 2 tests failed".into()]) }
    }

    #[test]
    fn facts_keep_their_bytes() {
        let text = serde_json::to_string(&facts()).unwrap();
        let zeros = "0".repeat(64);
        assert_eq!(
            text,
            format!(
                r#"{{"reader":"junit/1","outcome":"fail","reasons":["1 of 2 tests failed"],"tests":{{"total":2,"passed":1,"failed":1,"skipped":0,"unknown":0,"flaky":0,"names":"{zeros}"}}}}"#
            )
        );
        assert_eq!(serde_json::from_str::<Facts>(&text).unwrap(), facts());
    }

    #[test]
    fn facts_about_coverage_keep_their_bytes() {
        let coverage = CoverageFacts { files: 1, lines: 4, covered: 3, digest: Digest([0; 32]) };
        let facts = Facts { reader: "lcov/1".into(), tests: None, coverage: Some(coverage), ..facts() };
        let text = serde_json::to_string(&facts).unwrap();
        let zeros = "0".repeat(64);
        let wanted = format!(r#""coverage":{{"files":1,"lines":4,"covered":3,"digest":"{zeros}"}}}}"#);
        assert!(text.ends_with(&wanted), "{text}");
        assert_eq!(serde_json::from_str::<Facts>(&text).unwrap(), facts);
        assert!(serde_json::from_str::<Facts>(&text.replace(r#""lines":4"#, r#""lines":4,"extra":0"#)).is_err());
        assert!(serde_json::from_str::<Facts>(&text.replace(r#""lines":4,"#, "")).is_err());
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let text = serde_json::to_string(&facts()).unwrap();
        assert!(serde_json::from_str::<Facts>(&text.replacen('{', r#"{"extra":1,"#, 1)).is_err());
        assert!(serde_json::from_str::<Facts>(&text.replace(r#""flaky":0"#, r#""flaky":0,"extra":0"#)).is_err());
        assert!(serde_json::from_str::<Facts>(&text.replace(r#""flaky":0"#, r#""flaky":0.5"#)).is_err());
    }
}
