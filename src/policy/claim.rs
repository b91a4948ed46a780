//! A claim: what is asserted, by whom, and the limits that its evidence must keep (design, section 6).
//!
//! ```toml
//! [claim.unit-tests]
//! family   = "functionality"
//! by       = "ci"
//! tests    = { passed_min = 200, failed_max = 0, skipped_max = 5 }
//! ```

use std::num::NonZeroU64;

use crate::model::{ClaimName, Id, Role, Span};
use crate::reports::Media;

use super::baseline::Ceiling;
use super::tier::Paths;
use super::wild::Wildcards;
use super::word::words;

/// What one claim of the policy asks for. A limit that is `None` was not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What the claim is about.
    pub family: Family,
    /// The role whose principals may show it.
    pub by: Role,
    /// Whether it is shown by runs or by reviews.
    pub form: Form,
    /// When it has to be met.
    pub at: Moment,
    /// What evidence must be about: this commit, or any commit with an equal tree.
    pub bound_to: BoundTo,
    /// Limits on test facts.
    pub tests: Option<TestLimits>,
    /// Limits on coverage facts.
    pub coverage: Option<CoverageLimits>,
    /// Limits on findings.
    pub findings: Option<FindingLimits>,
    /// Limits on the names of a surface.
    pub names: Option<NameLimits>,
    /// Limits on measurements.
    pub measurements: Option<MeasurementLimits>,
    /// Limits on mutants.
    pub mutation: Option<MutationLimits>,
    /// Limits on attachments.
    pub attachments: Option<AttachmentLimits>,
    /// The variants that must all be shown; empty: the one without a name.
    pub variants: Vec<Id>,
    /// How many attempts there may be, per variant, shard and tree.
    pub attempts_max: Option<NonZeroU64>,
    /// How old the result may be, counted from the time of its entry.
    pub age_max: Option<Span>,
    /// In which capacities in the same change nobody may stand who shows this claim; `implementer`, or a role.
    pub independent_of: Vec<Role>,
    /// How many distinct principals must show it; above 1 only where `form` is `review`.
    pub principals_min: NonZeroU64,
    /// Whether an exception may stand in for it.
    pub waivable: Waivable,
    /// Whether facts that cannot be recomputed from their materials may count.
    pub asserted: Asserted,
}

/// Limits on the facts of test reports. At least one is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestLimits {
    /// At least so many passed.
    pub passed_min: Option<u64>,
    /// At most so many failed; a failed test makes the outcome fail whatever stands here.
    pub failed_max: Option<u64>,
    /// At most so many were skipped.
    pub skipped_max: Option<u64>,
    /// At most so many passed only when repeated.
    pub flaky_max: Option<u64>,
    /// How many are skipped, held against the branch's baseline.
    pub skipped: Option<CeilingRule>,
    /// How many passed only when repeated, held against the branch's baseline.
    pub flaky: Option<CeilingRule>,
    /// How the tests relate to those of the branch's baseline.
    pub baseline: Option<BaselineRule>,
    /// Whether tests that are added or changed must fail on the base.
    pub differential: Option<Differential>,
    /// Tests that show that the right thing is done.
    pub positive: Option<TestKind>,
    /// Tests that show that the wrong thing is not done.
    pub negative: Option<TestKind>,
}

/// That tests which the change adds or changes pass on the head and fail on the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differential {
    /// The files of tests; none: those that whoever attests names.
    pub paths: Option<Paths>,
}

/// A kind of tests: those that any of its patterns matches, of which each has to pass. At least one pattern is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestKind {
    /// Names of tests.
    pub names: Wildcards,
    /// Suites, files or classes of tests.
    pub suites: Wildcards,
    /// Names of the reports that they stand in.
    pub reports: Wildcards,
    /// Properties of tests, as `name=value`.
    pub properties: Wildcards,
    /// At least so many passed; at least 1.
    pub passed_min: u64,
}

/// A floor for the lines of some files, in whole percent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathFloor {
    /// The files.
    pub paths: Paths,
    /// At least so much of their lines.
    pub min: u64,
}

/// Limits on coverage, in whole percent. At least one is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageLimits {
    /// At least so much of all lines.
    pub total_min: Option<u64>,
    /// At least so much of the lines that the change adds or changes.
    pub changed_lines_min: Option<u64>,
    /// Paths whose changed lines do not count, such as those of tests that no tool reports.
    pub changed_lines_except: Option<Paths>,
    /// Floors for the lines of some files.
    pub paths: Vec<PathFloor>,
    /// How the total relates to that of the branch's baseline.
    pub baseline: Option<FloorRule>,
    /// How the lines that the tool was told to leave out relate to those of the branch's baseline.
    pub excluded: Option<CeilingRule>,
}

/// Limits on the names that a surface has: public items, operations, commands. At least one is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameLimits {
    /// How the names relate to those of the branch's baseline.
    pub baseline: Option<BaselineRule>,
    /// At most so many that the branch's baseline does not have.
    pub new_max: Option<u64>,
    /// What a name that joins has to have.
    pub surface: Option<Surface>,
}

/// Limits on measurements, held against those of the branch's baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasurementLimits {
    /// How many percent worse they may be.
    pub tolerance: u64,
    /// Whether the baseline follows what got better.
    pub baseline: MeasurementRule,
}

/// Limits on findings. At least one is set.
///
/// A finding that is critical, or of unknown severity, counts as high too (design, section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingLimits {
    /// At most so many critical ones.
    pub critical_max: Option<u64>,
    /// At most so many high ones; critical and unknown ones are among them, whatever `critical_max` says.
    pub high_max: Option<u64>,
    /// At most so many medium ones.
    pub medium_max: Option<u64>,
    /// At most so many low ones.
    pub low_max: Option<u64>,
    /// At most so many that the branch's baseline does not have.
    pub new_max: Option<u64>,
    /// At most so many silenced inside the tool's output.
    pub suppressed_max: Option<u64>,
    /// How many are silenced there, held against the branch's baseline.
    pub suppressed: Option<CeilingRule>,
}

/// Limits on mutants, the scores in whole percent. At least one is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutationLimits {
    /// At least so much of all mutants that count is noticed.
    pub score_min: Option<u64>,
    /// At least so much of the mutants that touch a line which the change adds or changes.
    pub changed_score_min: Option<u64>,
    /// Paths whose changed lines do not count, such as those of tests, in which no tool puts mutants.
    pub changed_score_except: Option<Paths>,
    /// At most so many are noticed by no test, whether a test runs their code or not.
    pub survived_max: Option<u64>,
    /// How the score relates to that of the branch's baseline.
    pub baseline: Option<FloorRule>,
    /// How many are noticed by time alone, held against the branch's baseline.
    pub timed_out: Option<CeilingRule>,
    /// How many do not count, held against the branch's baseline.
    pub left_out: Option<CeilingRule>,
}

/// What must be attached to the results of a claim, in each variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentLimits {
    /// At least so many, of the kinds that count.
    pub min: NonZeroU64,
    /// The kinds that count; empty: all.
    pub kinds: Vec<AttachmentKind>,
    /// How the pictures relate to those of the branch's baseline.
    pub baseline: Option<BaselineRule>,
    /// The claim whose reviews must have seen each picture that the baseline does not have.
    pub reviewed_by: Option<ClaimName>,
}

words! {
    /// Of what kind an attachment is, as its bytes say.
    AttachmentKind {
        /// A PNG, JPEG, WebP or GIF.
        Picture = "picture",
        /// An MP4 or WebM.
        Video = "video",
        /// Lines of JSON objects: what an agent keeps of its session.
        SessionLog = "session-log",
        /// Anything else.
        File = "file",
    }
}

words! {
    /// What a claim is about.
    Family {
        /// The change does what it is for.
        Functionality = "functionality",
        /// What worked before still works.
        NonRegression = "non-regression",
        /// The change opens no hole.
        Security = "security",
        /// It came about in the agreed way.
        Process = "process",
    }
}

words! {
    /// How a claim is shown.
    Form {
        /// By a start and a result (the default, but for claims about process).
        Run = "run",
        /// By reviews (the default for claims about process).
        Review = "review",
    }
}

words! {
    /// When a requirement has to be met. The order is that of a change's life.
    Moment {
        /// Before the first start.
        Plan = "plan",
        /// Before the merge (the default).
        Merge = "merge",
        /// Before the rollout.
        Deploy = "deploy",
    }
}

words! {
    /// What evidence must be about.
    BoundTo {
        /// Exactly the judged commit.
        Commit = "commit",
        /// A commit whose tree equals the judged one's (the default: what was tested is the content, and a rebase onto
        /// the same base or a reworded message changes none of it).
        Tree = "tree",
    }
}

words! {
    /// How the tests of a claim relate to the baseline.
    BaselineRule {
        /// Named tests that passed there must still be there and pass.
        Keep = "keep",
    }
}

words! {
    /// How a number relates to the baseline.
    FloorRule {
        /// It may not fall below the highest that was merged.
        Floor = "floor",
    }
}

words! {
    /// How a count relates to the baseline.
    CeilingRule {
        /// It may not grow beyond the least that was merged.
        Ceiling = "ceiling",
    }
}

words! {
    /// What a name that joins a surface has to have.
    Surface {
        /// A test that passes names it, or a criterion that is met.
        Tested = "tested",
    }
}

words! {
    /// How the baseline of measurements moves.
    MeasurementRule {
        /// What was measured first stays (the default): many small losses are one large one.
        Keep = "keep",
        /// What is better for certain takes its place.
        Tighten = "tighten",
    }
}

words! {
    /// What to do with facts that cannot be recomputed, their material being withheld or erased.
    Asserted {
        /// They do not count (the default).
        Refuse = "refuse",
        /// They count as stated, and the verdict says so.
        Allow = "allow",
    }
}

impl AttachmentKind {
    /// Returns the word for what a reader found.
    #[must_use]
    pub const fn of(media: Media) -> Self {
        match media {
            Media::Picture => Self::Picture,
            Media::Video => Self::Video,
            Media::SessionLog => Self::SessionLog,
            Media::File => Self::File,
        }
    }
}

/// Whether an exception may stand in for a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Waivable {
    /// It may (the default).
    Yes,
    /// Nothing but the claim itself will do.
    No,
}

impl Claim {
    /// Returns whether it limits what becomes of the lines that the change adds (how many are run, whose mutants are noticed), how
    /// many are run of some files, or what files of tests show: all need to know every file of the tree.
    #[must_use]
    pub fn limits_changed_lines(&self) -> bool {
        self.coverage
            .as_ref()
            .is_some_and(|coverage| coverage.changed_lines_min.is_some() || !coverage.paths.is_empty())
            || self.mutation.as_ref().is_some_and(|mutation| mutation.changed_score_min.is_some())
            || self.differential().is_some()
    }

    /// Returns whether and which tests must fail on the base.
    #[must_use]
    pub fn differential(&self) -> Option<&Differential> {
        self.tests.as_ref().and_then(|tests| tests.differential.as_ref())
    }

    /// Returns whether it demands a kind of tests.
    #[must_use]
    pub fn limits_test_kinds(&self) -> bool {
        self.tests.as_ref().is_some_and(|tests| tests.positive.is_some() || tests.negative.is_some())
    }

    /// Returns whether more of a report is asked for than its facts: its lines, mutants, cases or names.
    #[must_use]
    pub fn asks_more_than_facts(&self) -> bool {
        // Lines and mutants are counted by what they are: two reports of the same ones do not add up.
        self.limits_changed_lines()
            || self.coverage.is_some()
            || self.mutation.is_some()
            || self.limits_test_kinds()
            || self.asks_baseline()
    }

    /// Returns whether it is held against the baseline of the branch.
    #[must_use]
    pub fn asks_baseline(&self) -> bool {
        self.tests.as_ref().is_some_and(|tests| tests.baseline.is_some())
            || self.findings.as_ref().is_some_and(|findings| findings.new_max.is_some())
            || self.coverage.as_ref().is_some_and(|coverage| coverage.baseline.is_some())
            || self.names.is_some()
            || self.measurements.is_some()
            || self.mutation.as_ref().is_some_and(|mutation| mutation.baseline.is_some())
            || self.attachments.as_ref().is_some_and(|attachments| attachments.baseline.is_some())
            || self.ceilings().next().is_some()
    }

    /// Returns the counts that may not grow.
    pub fn ceilings(&self) -> impl Iterator<Item = Ceiling> {
        let (tests, findings, mutation) = (self.tests.as_ref(), self.findings.as_ref(), self.mutation.as_ref());
        let all = [
            (Ceiling::Skipped, tests.and_then(|limits| limits.skipped)),
            (Ceiling::Flaky, tests.and_then(|limits| limits.flaky)),
            (Ceiling::Suppressed, findings.and_then(|limits| limits.suppressed)),
            (Ceiling::TimedOut, mutation.and_then(|limits| limits.timed_out)),
            (Ceiling::Excluded, self.coverage.as_ref().and_then(|limits| limits.excluded)),
            (Ceiling::LeftOut, mutation.and_then(|limits| limits.left_out)),
        ];
        all.into_iter().filter_map(|(ceiling, rule)| rule.map(|CeilingRule::Ceiling| ceiling))
    }

    /// Returns the keys of this claim that this version reads and keeps, and cannot judge yet.
    ///
    /// Empty is the only answer under which the claim may be judged: a limit that is not judged must refuse, since the
    /// policy's author believes that it holds.
    #[must_use]
    pub fn unsupported(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Policy;

    fn unsupported(limits: &str) -> Vec<&'static str> {
        let text = format!(
            "version = 1\n[claim.a]\nfamily = \"security\"\nby = \"ci\"\n{limits}\n[tier.low]\nrequire = [\"a\"]\n"
        );
        Policy::parse(&text).unwrap().claim(&"a".parse().unwrap()).unwrap().unsupported()
    }

    #[test]
    fn limits_that_cannot_be_judged_are_named() {
        assert!(unsupported("tests = { baseline = \"keep\" }\nfindings = { new_max = 3 }").is_empty());
    }

    #[test]
    fn limits_that_can_be_judged_are_not_named() {
        assert!(unsupported("").is_empty());
        assert!(unsupported("tests = { positive = { names = [\"*a*\"] } }").is_empty());
        assert!(unsupported("attachments = { min = 2, kinds = [\"picture\"] }").is_empty());
        assert!(unsupported("coverage = { total_min = 80, changed_lines_min = 90 }").is_empty());
        assert!(unsupported("mutation = { score_min = 80, changed_score_min = 90, survived_max = 3 }").is_empty());
        assert!(unsupported("tests = { failed_max = 0 }\nfindings = { high_max = 0, suppressed_max = 0 }").is_empty());
    }
}
