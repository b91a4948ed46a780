//! Raw report -> facts: one format a file, limits in one place.
//!
//! Readers recount everything, fetch nothing, and fail closed: what they cannot read for certain they refuse with the
//! place and the reason, and the claim is inconclusive. They are numbered. The same bytes give the same facts for ever;
//! a reader that comes to other facts is a new number, and the old one stays.

mod cargo_mutants;
mod checkstyle;
mod cobertura;
mod coverage;
mod coverage_py;
mod criterion;
mod ctrf;
mod detect;
mod encoding;
mod error;
mod go_bench;
mod go_cover;
mod google_benchmark;
mod gotest;
mod graphql;
mod graphql_json;
mod graphql_sdl;
mod hyperfine;
mod jacoco;
mod json;
mod junit;
mod k6;
mod lcov;
mod libtest;
pub mod limits;
mod lines;
mod llvm_cov;
mod measures;
mod media;
mod mutants;
mod names;
mod nunit;
mod openapi;
mod parts;
mod pit;
mod pytest_benchmark;
mod robot;
mod sarif;
mod sonar;
mod spec;
mod stryker;
mod tally;
mod tap;
mod trx;
mod walk;
mod xml;
mod xunit;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;
use std::str::FromStr;
use std::sync::Arc;

use crate::model::{Digest, Facts, Severity};

pub use detect::{Detected, detect};
pub use error::{Cause, Place, ReadError};
pub use media::{Media, media};
pub use spec::{SpecError, SpecForm, SpecProblem, read_spec};
pub use tally::shown;

/// A format that has a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// JUnit XML of any dialect.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// The text that `cargo test` prints.
    Libtest,
    /// What `go test -json` prints.
    GoTest,
    /// TAP 13 and 14.
    Tap,
    /// CTRF, the Common Test Report Format.
    Ctrf,
    /// LCOV trace files.
    Lcov,
    /// Cobertura XML, from whichever tool.
    Cobertura,
    /// Go cover profiles.
    GoCover,
    /// JaCoCo XML.
    Jacoco,
    /// The JSON report of coverage.py.
    CoveragePy,
    /// The JSON export of llvm-cov and cargo-llvm-cov.
    LlvmCov,
    /// `mutants.out/outcomes.json` of cargo-mutants.
    CargoMutants,
    /// The mutation testing report of Stryker, schema 1 and 2.
    Stryker,
    /// `mutations.xml` of PIT.
    Pit,
    /// The JSON export of hyperfine.
    Hyperfine,
    /// The messages of `cargo criterion --message-format=json`.
    Criterion,
    /// The JSON of Google Benchmark.
    GoogleBenchmark,
    /// The JSON of pytest-benchmark.
    PytestBenchmark,
    /// What `go test -bench` prints, as text or with `-json`.
    GoBench,
    /// The summary of k6, by `--summary-export` or `handleSummary`.
    K6,
    /// A list of names, one a line.
    Names,
    /// The public items that `cargo public-api` prints.
    PublicApi,
    /// NUnit 3 XML.
    Nunit,
    /// xUnit.net v2 and v3 XML.
    Xunit,
    /// Visual Studio test results.
    Trx,
    /// The output.xml of Robot Framework 4 to 7.
    Robot,
    /// Checkstyle XML, from whichever linter.
    Checkstyle,
    /// The generic issues of SonarQube.
    Sonar,
    /// OpenAPI 3.0 and 3.1, in JSON or YAML.
    OpenApi,
    /// GraphQL schemas, as SDL or as an introspection in JSON.
    Graphql,
}

/// The text is no format's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a report format; wanted {}", Format::ALL.map(Format::name).join(", "))]
pub struct UnknownFormat {
    /// The text, cut at 40 characters.
    pub found: String,
}

/// The facts of a report and what they were counted from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The facts, the same as without the rest.
    pub facts: Facts,
    /// The test cases in the order of the report, with multiplicity.
    pub cases: Vec<Case>,
    /// The findings in the order of the report, with multiplicity.
    pub findings: Vec<Finding>,
    /// The tools that the report says it is of, found they something or not.
    pub tools: Vec<String>,
    /// The files that have lines, by digest.
    pub coverage: Vec<CoveredFile>,
    /// The lines that the tool was told to leave out, by the file's path; none if the format does not tell.
    pub excluded: Option<BTreeMap<String, Vec<u32>>>,
    /// The names of the files that the report mentions without lines, or without mutants.
    pub without_lines: Vec<String>,
    /// The folders that the report says its files lie below; it does not say which below which.
    pub roots: Vec<String>,
    /// The mutants in the order of the report, with multiplicity.
    pub mutants: Vec<Mutant>,
    /// The tests that a report about mutants names and that make no mutant fail, by name.
    ///
    /// Where its tool stops at the first test that notices a mutant, such a test may have come second each time.
    pub idle_tests: Vec<String>,
    /// The measurements, by name and then by unit.
    pub measurements: Vec<Measurement>,
    /// The names of a surface, in the order of the report, with multiplicity.
    pub names: Vec<Named>,
}

/// A mutant: a small fault that was put into the code to see whether a test notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// What makes it the same mutant in the next report; spelled at [`crate::model::MutationFacts::digest`].
    pub identity: Digest,
    /// The file as the report has it.
    pub file: String,
    /// Its lines, first and last.
    pub lines: (u64, u64),
    /// What was changed, for people.
    pub text: String,
    /// What became of it.
    pub state: MutantState,
    /// The tests that noticed it, as far as the report names them.
    pub killers: Vec<Arc<str>>,
}

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MutantState {
    /// It does not count: the tool was told to leave it out. Facts count it as invalid.
    Ignored,
    /// It does not count: not built, or no program.
    Invalid,
    /// A test failed.
    Killed,
    /// No test noticed it.
    Survived,
    /// The tests did not end in time.
    Timeout,
    /// No test runs its code.
    Uncovered,
}

/// Something that was measured, as integers of a unit.
///
/// `low` and `high` bound the 95 % confidence interval around `middle`. Where the tool gives one it is the tool's. Where samples
/// are there, or their mean, standard deviation and number, it is `mean ± t * s / sqrt(n)` with Student's t of n - 1 degrees of
/// freedom from a table that is rounded up, computed in integers, both ends rounded outward. Where neither is there, as after
/// a single run, **nothing is known about its width**: `low` is 0 and `high` is [`u64::MAX`], so that every comparison of it is
/// inconclusive. Zero width is told apart from that: all of two or more samples were the same, or the tool says so.
///
/// Numbers are converted exactly: the nearest binary fraction of the decimal text (IEEE 754, as JSON's readers take it) times
/// the scale, rounded half up for the middle and outward for the ends. What is negative, no number, or beyond [`u64::MAX`] of
/// its unit is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// What makes it the same measurement in the next report; spelled at [`crate::model::MeasurementFacts::digest`].
    pub identity: Digest,
    /// Its name, with group and parameters.
    pub name: String,
    /// The unit with its scale: `ps` for all times; anything else is in millionths: `B/1000000`, `B/s/1000000`,
    /// `count/1000000`, `count/s/1000000`, `ratio/1000000`.
    pub unit: &'static str,
    /// Which way is better.
    pub better: Better,
    /// The lower end of the confidence interval; 0 if its width is not known.
    pub low: u64,
    /// The middle: the mean, or what the tool takes for the typical value.
    pub middle: u64,
    /// The upper end of the confidence interval; [`u64::MAX`] if its width is not known.
    pub high: u64,
}

impl Measurement {
    /// Returns whether anything is known about the width of its confidence interval.
    #[must_use]
    pub const fn has_interval(&self) -> bool {
        self.low != 0 || self.high != u64::MAX
    }
}

/// Which way of a measurement is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Better {
    /// More, such as a throughput.
    Higher,
    /// Less, such as a time.
    Lower,
}

/// A thing that a surface names: a public item, an operation, a field, a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What makes it the same in the next report; spelled at [`crate::model::NameFacts::digest`].
    pub identity: Digest,
    /// The name.
    pub name: String,
}

impl Report {
    /// Returns a report of which nothing but the facts is kept.
    #[must_use]
    pub const fn of(facts: Facts) -> Self {
        Self {
            facts,
            cases: Vec::new(),
            findings: Vec::new(),
            tools: Vec::new(),
            coverage: Vec::new(),
            excluded: None,
            without_lines: Vec::new(),
            roots: Vec::new(),
            mutants: Vec::new(),
            idle_tests: Vec::new(),
            measurements: Vec::new(),
            names: Vec::new(),
        }
    }
}

/// A test case. Names longer than [`limits::NAME_KEPT_BYTES_MAX`] are kept as `sha256:<hex>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What makes it the same case in the next report; spelled at [`crate::model::TestFacts::names`].
    pub identity: Digest,
    /// The names of its suites from the outermost in, joined by ` > ` and cut on the left, for people.
    pub suite: String,
    /// The file that the report names for it, or empty.
    pub file: String,
    /// The class, or empty.
    pub class: String,
    /// The name.
    pub name: String,
    /// What became of it.
    pub outcome: CaseOutcome,
    /// What the report says beside: properties, traits, tags.
    pub properties: Properties,
}

/// Properties of a test case, each as `name=value`: its own, then those of the suites around it from the innermost out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(Option<Arc<PropertyList>>);

#[derive(Debug, PartialEq, Eq)]
struct PropertyList {
    own: Vec<String>,
    around: Properties,
}

impl Properties {
    /// Returns these properties inside those of a suite. Suites share theirs with all their cases.
    fn inside(around: &Self, own: Vec<String>) -> Self {
        if own.is_empty() { around.clone() } else { Self(Some(Arc::new(PropertyList { own, around: around.clone() }))) }
    }

    /// Returns the properties.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let lists = std::iter::successors(self.0.as_deref(), |list| list.around.0.as_deref());
        lists.flat_map(|list| list.own.iter().map(String::as_str))
    }
}

impl Case {
    /// Returns what a case is called, for people and patterns: suite, file, class and name joined by ` > `, what is empty left out.
    #[must_use]
    pub fn shown(&self) -> String {
        let parts = [&self.suite, &self.file, &self.class, &self.name];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let length: usize = parts.clone().map(|part| part.len() + SEPARATOR.len()).sum();
        let mut text = String::with_capacity(length.saturating_sub(SEPARATOR.len()));
        for part in parts {
            text.push_str(if text.is_empty() { "" } else { SEPARATOR });
            text.push_str(part);
        }
        text
    }
}

/// What became of a case. The order is of severity: where a report says several things, the most severe wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseOutcome {
    /// An error or a failure.
    Failed,
    /// Something that the reader does not know.
    Unknown,
    /// It did not run.
    Skipped,
    /// It failed, was run again, and passed.
    Flaky,
    /// It passed at once.
    Passed,
}

/// A result of a scanner that is a finding, or that the scanner left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What makes it the same finding in the next report; spelled at [`crate::model::FindingFacts::fingerprints`].
    pub fingerprint: Digest,
    /// The tool that found it.
    pub tool: String,
    /// The rule's id, or empty.
    pub rule: String,
    /// How much it weighs; none if the tool left it open.
    pub severity: Option<Severity>,
    /// Whether the tool calls it suppressed.
    pub suppressed: bool,
    /// The file as the report has it, or empty.
    pub file: String,
    /// The line in that file.
    pub line: Option<u64>,
    /// What the tool says, cut at [`MESSAGE_CHARS_MAX`] characters.
    pub message: String,
}

/// A file whose lines a coverage report has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoveredFile {
    /// The digest of its path; spelled at [`crate::model::CoverageFacts::digest`].
    pub digest: Digest,
    /// The path as the report has it; one longer than [`limits::NAME_KEPT_BYTES_MAX`] is kept as `sha256:<hex>`.
    pub path: String,
    /// Its path below the folder that the tool was told about; the same as `path` where a report does not group files.
    pub name: String,
    /// The lines in order, each once.
    pub lines: Vec<CoveredLine>,
}

/// A line that a test could run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoveredLine {
    /// Its number; the first is 1.
    pub number: u32,
    /// Whether it was run.
    pub run: bool,
}

/// Reads a report down to its facts, without keeping cases, findings or lines.
///
/// # Errors
/// See [`Cause`]. The report is then unreadable, and what it was to prove is inconclusive.
pub fn read(format: Format, input: &mut dyn BufRead) -> Result<Facts, ReadError> {
    read_in(Detail::FactsOnly, format, input).map(|report| report.facts)
}

/// Reads a report and keeps its cases, findings and lines.
///
/// # Errors
/// As [`read`].
pub fn read_report(format: Format, input: &mut dyn BufRead) -> Result<Report, ReadError> {
    read_in(Detail::Everything, format, input)
}

fn read_in(detail: Detail, format: Format, input: &mut dyn BufRead) -> Result<Report, ReadError> {
    match format {
        Format::Junit => junit::read(input, detail),
        Format::Sarif => sarif::read(input, detail),
        Format::Libtest => libtest::read(input, detail),
        Format::GoTest => gotest::read(input, detail),
        Format::Tap => tap::read(input, detail),
        Format::Ctrf => ctrf::read(input, detail),
        Format::Lcov => lcov::read(input, detail),
        Format::Cobertura => cobertura::read(input, detail),
        Format::GoCover => go_cover::read(input, detail),
        Format::Jacoco => jacoco::read(input, detail),
        Format::CoveragePy => coverage_py::read(input, detail),
        Format::LlvmCov => llvm_cov::read(input, detail),
        Format::CargoMutants => cargo_mutants::read(input, detail),
        Format::Stryker => stryker::read(input, detail),
        Format::Pit => pit::read(input, detail),
        Format::Hyperfine => hyperfine::read(input, detail),
        Format::Criterion => criterion::read(input, detail),
        Format::GoogleBenchmark => google_benchmark::read(input, detail),
        Format::PytestBenchmark => pytest_benchmark::read(input, detail),
        Format::GoBench => go_bench::read(input, detail),
        Format::K6 => k6::read(input, detail),
        Format::Names => names::read(input, detail),
        Format::PublicApi => names::read_public_api(input, detail),
        Format::Nunit => nunit::read(input, detail),
        Format::Xunit => xunit::read(input, detail),
        Format::Trx => trx::read(input, detail),
        Format::Robot => robot::read(input, detail),
        Format::Checkstyle => checkstyle::read(input, detail),
        Format::Sonar => sonar::read(input, detail),
        Format::OpenApi => openapi::read(input, detail),
        Format::Graphql => graphql::read(input, detail),
    }
}

/// How much of a report is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    FactsOnly,
    Everything,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 31] = [
        Self::Junit,
        Self::Sarif,
        Self::Libtest,
        Self::GoTest,
        Self::Tap,
        Self::Ctrf,
        Self::Lcov,
        Self::Cobertura,
        Self::GoCover,
        Self::Jacoco,
        Self::CoveragePy,
        Self::LlvmCov,
        Self::CargoMutants,
        Self::Stryker,
        Self::Pit,
        Self::Hyperfine,
        Self::Criterion,
        Self::GoogleBenchmark,
        Self::PytestBenchmark,
        Self::GoBench,
        Self::K6,
        Self::Names,
        Self::PublicApi,
        Self::Nunit,
        Self::Xunit,
        Self::Trx,
        Self::Robot,
        Self::Checkstyle,
        Self::Sonar,
        Self::OpenApi,
        Self::Graphql,
    ];

    /// Returns the reader's name and number, which facts carry.
    #[must_use]
    pub const fn reader(self) -> &'static str {
        match self {
            Self::Junit => "junit/1",
            Self::Sarif => "sarif/1",
            Self::Libtest => "libtest/1",
            Self::GoTest => "gotest/1",
            Self::Tap => "tap/1",
            Self::Ctrf => "ctrf/1",
            Self::Lcov => "lcov/1",
            Self::Cobertura => "cobertura/1",
            Self::GoCover => "go-cover/1",
            Self::Jacoco => "jacoco/1",
            Self::CoveragePy => "coverage-py/1",
            Self::LlvmCov => "llvm-cov/1",
            Self::CargoMutants => "cargo-mutants/1",
            Self::Stryker => "stryker/1",
            Self::Pit => "pit/1",
            Self::Hyperfine => "hyperfine/1",
            Self::Criterion => "criterion/1",
            Self::GoogleBenchmark => "google-benchmark/1",
            Self::PytestBenchmark => "pytest-benchmark/1",
            Self::GoBench => "go-bench/1",
            Self::K6 => "k6/1",
            Self::Names => "names/1",
            Self::PublicApi => "public-api/1",
            Self::Nunit => "nunit/1",
            Self::Xunit => "xunit/1",
            Self::Trx => "trx/1",
            Self::Robot => "robot/1",
            Self::Checkstyle => "checkstyle/1",
            Self::Sonar => "sonar/1",
            Self::OpenApi => "openapi/1",
            Self::Graphql => "graphql/1",
        }
    }

    /// Returns whether reports of this format show which lines were run.
    #[must_use]
    pub const fn shows_lines(self) -> bool {
        match self {
            Self::Lcov | Self::Cobertura | Self::GoCover | Self::Jacoco | Self::CoveragePy | Self::LlvmCov => true,
            Self::Junit
            | Self::Sarif
            | Self::Libtest
            | Self::GoTest
            | Self::Tap
            | Self::Ctrf
            | Self::CargoMutants
            | Self::Stryker
            | Self::Pit
            | Self::Hyperfine
            | Self::Criterion
            | Self::GoogleBenchmark
            | Self::PytestBenchmark
            | Self::GoBench
            | Self::K6 => false,
            Self::Names
            | Self::PublicApi
            | Self::Nunit
            | Self::Xunit
            | Self::Trx
            | Self::Robot
            | Self::Checkstyle
            | Self::Sonar
            | Self::OpenApi
            | Self::Graphql => false,
        }
    }

    /// Returns the format whose reader made some facts.
    ///
    /// If this program has no reader of that name and number, returns `None`.
    #[must_use]
    pub fn of_reader(reader: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.reader() == reader)
    }

    /// Returns the format's name as `--report` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Libtest => "libtest",
            Self::GoTest => "gotest",
            Self::Tap => "tap",
            Self::Ctrf => "ctrf",
            Self::Lcov => "lcov",
            Self::Cobertura => "cobertura",
            Self::GoCover => "go-cover",
            Self::Jacoco => "jacoco",
            Self::CoveragePy => "coverage-py",
            Self::LlvmCov => "llvm-cov",
            Self::CargoMutants => "cargo-mutants",
            Self::Stryker => "stryker",
            Self::Pit => "pit",
            Self::Hyperfine => "hyperfine",
            Self::Criterion => "criterion",
            Self::GoogleBenchmark => "google-benchmark",
            Self::PytestBenchmark => "pytest-benchmark",
            Self::GoBench => "go-bench",
            Self::K6 => "k6",
            Self::Names => "names",
            Self::PublicApi => "public-api",
            Self::Nunit => "nunit",
            Self::Xunit => "xunit",
            Self::Trx => "trx",
            Self::Robot => "robot",
            Self::Checkstyle => "checkstyle",
            Self::Sonar => "sonar",
            Self::OpenApi => "openapi",
            Self::Graphql => "graphql",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let wrong = || UnknownFormat { found: text.chars().take(40).collect() };
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(wrong)
    }
}

impl MutantState {
    /// Returns the word that stands in digests, where what is ignored is invalid.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Invalid => "invalid",
            Self::Killed => "killed",
            Self::Survived => "survived",
            Self::Timeout => "timeout",
            Self::Uncovered => "uncovered",
        }
    }
}

impl Better {
    /// Returns the word that stands in digests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
        }
    }
}

impl CaseOutcome {
    /// Returns the word that stands in digests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
            Self::Flaky => "flaky",
            Self::Passed => "passed",
        }
    }
}

/// A finding's message is kept up to so many characters.
pub const MESSAGE_CHARS_MAX: usize = 300;
/// Stands between the parts of a name.
const SEPARATOR: &str = " > ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_one_name_and_one_reader() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
            assert_eq!(Format::of_reader(format.reader()), Some(format));
        }
        assert!("JUnit".parse::<Format>().is_err());
        assert_eq!(Format::of_reader("junit/2"), None);
    }
}
