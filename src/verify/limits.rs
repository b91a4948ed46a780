//! The rule of limits: numbers that readers took out of reports, held against the policy. Limits only tighten.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::changed::{self, Told};
use super::code::Code;
use super::coverage::Coverage;
use super::differential::Runs;
use super::floors;
use super::kinds::{Given, Kinds};
use super::mutants::Mutants;
use super::recheck::Rechecked;
use super::telling::counted;
use super::verdict::Finding;
use crate::model::{ChangedLines, ClaimName, Digest, Facts, FindingFacts, Purpose, Run, TestFacts};
use crate::policy::{Asserted, Ceiling, Claim, CoverageLimits, FindingLimits, TestLimits};
use crate::reports::Report;

/// The sum of what the reports of all shards of a variant say.
#[derive(Default)]
pub(super) struct Numbers {
    tests: Option<Tests>,
    findings: Option<Findings>,
    coverage: Option<Coverage>,
    /// The digests of cases that are counted already: whoever shows the same tests twice has not run more of them.
    counted: BTreeSet<Digest>,
    mutants: Mutants,
    /// The reports, where a policy asks for more than their facts; the same report is there once.
    reports: Vec<Arc<Report>>,
    /// The digests of those.
    kept: BTreeSet<Digest>,
    /// Records with a report that is not known whole.
    unread: BTreeSet<u64>,
    /// Records with a report whose lines are not known.
    lines_unknown: BTreeSet<u64>,
    /// The kind of host that the runs state.
    hosts: BTreeSet<String>,
    /// What was told of the changed lines, if the claim limits them.
    changed: Option<Told>,
    /// What was told of the lines of some files, if the claim limits them.
    paths: Vec<String>,
    /// The reports with cases.
    cases: Vec<Given>,
    /// Records with a report whose cases are not known.
    cases_unknown: BTreeSet<u64>,
    /// The runs on the base.
    pub(super) on_base: Runs,
    /// What was told of the kinds of tests, if the claim demands some.
    kinds: Option<Kinds>,
}

#[derive(Default, Clone, Copy)]
struct Tests {
    total: u64,
    passed: u64,
    failed: u64,
    skipped: u64,
    flaky: u64,
}

#[derive(Default)]
struct Findings {
    critical: u64,
    high: u64,
    medium: u64,
    low: u64,
    suppressed: u64,
}

/// What reports come to together, as limits are held against it: each only where some report shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Tests: passed, failed, skipped, flaky.
    pub tests: Option<[u64; 4]>,
    /// Findings: critical; high with what counts as high; medium; low; suppressed.
    pub findings: Option<[u64; 5]>,
    /// The whole percent of lines that were run.
    pub coverage: Option<u64>,
}

impl Numbers {
    /// Returns the sums.
    pub(super) fn totals(&self) -> Totals {
        Totals {
            tests: self.tests.map(|it| [it.passed, it.failed, it.skipped, it.flaky]),
            findings: self.findings.as_ref().map(|it| [it.critical, it.high, it.medium, it.low, it.suppressed]),
            coverage: self.coverage.as_ref().and_then(Coverage::percent).and_then(|it| u64::try_from(it).ok()),
        }
    }

    /// Adds what one result shows.
    ///
    /// Tests that both the output and a report show are the same run: the larger of the two counts, not the sum.
    pub(super) fn add(&mut self, read: &[(Purpose, Facts)]) {
        let mut of_reports: Option<Tests> = None;
        let mut of_output: Option<Tests> = None;
        for (purpose, facts) in read {
            if let Some(tests) =
                facts.tests.as_ref().filter(|tests| tests.total == 0 || self.counted.insert(tests.names))
            {
                let sum = match purpose {
                    Purpose::Stdout | Purpose::Stderr => &mut of_output,
                    Purpose::Report | Purpose::Attachment => &mut of_reports,
                };
                sum.get_or_insert_default().add(&Tests::from(tests));
            }
            self.add_findings(facts);
            if let Some(coverage) = &facts.coverage {
                self.coverage.get_or_insert_default().add(coverage);
            }
            self.mutants.add(facts);
        }
        let run = match (of_reports, of_output) {
            (Some(reports), Some(output)) => Some(reports.larger(&output)),
            (reports, output) => reports.or(output),
        };
        if let Some(run) = run {
            self.tests.get_or_insert_default().add(&run);
        } else if read.iter().any(|(_, facts)| facts.tests.is_some()) {
            self.tests.get_or_insert_default();
        }
    }

    fn add_findings(&mut self, facts: &Facts) {
        if let Some(FindingFacts { critical, high, medium, low, unknown, unresolved, suppressed, .. }) = &facts.findings
        {
            let findings = self.findings.get_or_insert_default();
            // Critical, unknown and what nobody has decided count as high.
            add(&mut findings.critical, *critical);
            for more in [critical, high, unknown, unresolved] {
                add(&mut findings.high, *more);
            }
            add(&mut findings.medium, *medium);
            add(&mut findings.low, *low);
            add(&mut findings.suppressed, *suppressed);
        }
    }

    /// Adds the reports of a result, where they are kept whole.
    pub(super) fn add_reports(&mut self, serial: u64, run: &Run, rechecked: &Rechecked) {
        let host: Vec<&str> = HOST.iter().filter_map(|key| run.context.get(*key).map(String::as_str)).collect();
        self.hosts.insert(host.join(" "));
        self.on_base.add(serial, run, rechecked);
        for read in run.facts.iter().filter(|read| read.facts.mutation.is_some()) {
            self.mutants.add_report(serial, rechecked.report(serial, &read.material));
        }
        for read in run.facts.iter().filter(|read| read.facts.tests.is_some()) {
            let material = run.materials.iter().find(|material| material.sha256 == read.material);
            match (rechecked.report(serial, &read.material), material) {
                (Some(report), Some(material)) => {
                    self.cases.push(Given { name: material.name.to_string(), report: Arc::clone(report) });
                }
                _ => drop(self.cases_unknown.insert(serial)),
            }
        }
        for read in &run.facts {
            match rechecked.report(serial, &read.material) {
                Some(report) => {
                    if self.kept.insert(read.material) {
                        self.reports.push(Arc::clone(report));
                    }
                }
                None => {
                    self.unread.insert(serial);
                    if read.facts.coverage.is_some() {
                        self.lines_unknown.insert(serial);
                    }
                }
            }
        }
    }

    /// Returns the reports, each once.
    pub(super) fn reports(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter().map(Arc::as_ref)
    }

    /// Returns a record with a report that is not known whole.
    pub(super) fn unread(&self) -> Option<u64> {
        self.unread.first().copied()
    }

    /// Returns the kind of host that the runs state; several are joined, and are no other's like.
    pub(super) fn host(&self) -> String {
        self.hosts.iter().map(String::as_str).collect::<Vec<_>>().join(" and ")
    }

    /// Returns the part of the mutants that count that was noticed, in hundredths of a percent, rounded down.
    pub(super) fn mutation_floor(&self) -> Option<u64> {
        self.mutants.hundredths()
    }

    /// Returns the part of all lines that was run, in hundredths of a percent, rounded down.
    pub(super) fn coverage_floor(&self) -> Option<u64> {
        self.coverage.as_ref()?.hundredths()
    }

    /// Returns a count that may be held against a ceiling.
    pub(super) fn counted(&self, ceiling: Ceiling) -> Option<u64> {
        match ceiling {
            Ceiling::Skipped => self.tests.as_ref().map(|tests| tests.skipped),
            Ceiling::Flaky => self.tests.as_ref().map(|tests| tests.flaky),
            Ceiling::Suppressed => self.findings.as_ref().map(|found| found.suppressed),
            Ceiling::TimedOut => self.mutants.timed_out(),
            Ceiling::LeftOut => self.mutants.left_out(),
            Ceiling::Excluded => self.coverage.as_ref().and_then(Coverage::excluded),
        }
    }

    /// Returns one line for people.
    pub(super) fn shown(&self) -> Option<String> {
        let tests = self.tests.as_ref().map(|tests| {
            let mut text = format!("{} of {} tests pass", tests.passed, tests.total);
            for (count, what) in [(tests.failed, "failed"), (tests.skipped, "skipped"), (tests.flaky, "flaky")] {
                if count > 0 {
                    text.push_str(&format!(", {count} {what}"));
                }
            }
            text
        });
        let findings = self.findings.as_ref().map(|found| {
            let mut text = format!("findings: {} high, {} medium, {} low", found.high, found.medium, found.low);
            if found.suppressed > 0 {
                text.push_str(&format!(", {} suppressed in the tool", found.suppressed));
            }
            text
        });
        let coverage = self.coverage.as_ref().map(Coverage::shown);
        let changed = self.changed.as_ref().map(Told::shown);
        let kinds = self.kinds.as_ref().map(Kinds::shown);
        let mut parts: Vec<String> =
            [tests, kinds, findings, coverage, changed, self.mutants.shown()].into_iter().flatten().collect();
        parts.extend(self.paths.iter().cloned());
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// Holds the numbers against the limits of a claim.
    pub(super) fn check(
        &mut self,
        name: &ClaimName,
        claim: &Claim,
        changes: Option<&ChangedLines>,
        findings: &mut Vec<Finding>,
    ) {
        if let Some(limits) = &claim.tests {
            match &self.tests {
                None => findings.push(no_facts(name, "tests")),
                Some(tests) => {
                    check_tests(name, tests, limits, findings);
                    if claim.limits_test_kinds() {
                        self.check_kinds(name, claim, limits, findings);
                    }
                }
            }
        }
        if let Some(limits) = &claim.findings {
            match &self.findings {
                None => findings.push(no_facts(name, "findings")),
                Some(found) => check_findings(name, found, limits, findings),
            }
        }
        if let Some(limits) = &claim.mutation {
            match self.mutants.any() {
                false => findings.push(no_facts(name, "mutants")),
                true => self.mutants.check(name, claim, limits, changes, findings),
            }
        }
        // Nothing that is shown is no empty list: it would hold any limit.
        let shows = |wanted: fn(&Facts) -> bool| self.reports.iter().any(|report| wanted(&report.facts));
        if self.unread.is_empty() {
            if claim.names.is_some() && !shows(|facts| facts.names.is_some()) {
                findings.push(no_facts(name, "names"));
            }
            if claim.measurements.is_some() && !shows(|facts| facts.measurements.is_some()) {
                findings.push(no_facts(name, "measurements"));
            }
        }
        if let Some(limits) = &claim.coverage {
            let covering = self.covering();
            match &mut self.coverage {
                None => findings.push(no_facts(name, "coverage")),
                Some(coverage) => {
                    // What is read must follow from this claim alone: another's limit moves no number of this one.
                    let files = changes.filter(|_| claim.limits_changed_lines()).map_or(&[][..], |it| &it.files);
                    coverage.count(&covering, files);
                    check_coverage(name, coverage, limits, findings);
                    // Another format is no way around: it would hold any ceiling.
                    if limits.excluded.is_some() && coverage.excluded().is_none() && self.lines_unknown.is_empty() {
                        let found = "a report does not tell which lines are excluded in the tool";
                        let wanted = "reports of a format that tells it: the JSON of coverage.py";
                        findings.push(Finding::new(Code::NO_FACTS, name.as_str(), found, wanted));
                    }
                    if coverage.percent().is_some() {
                        self.check_changed(name, claim, limits, changes, findings);
                    }
                }
            }
        }
    }

    /// Returns the reports that show lines.
    fn covering(&self) -> Vec<Arc<Report>> {
        self.reports.iter().filter(|report| report.facts.coverage.is_some()).cloned().collect()
    }

    fn check_changed(
        &mut self,
        name: &ClaimName,
        claim: &Claim,
        limits: &CoverageLimits,
        changes: Option<&ChangedLines>,
        findings: &mut Vec<Finding>,
    ) {
        if limits.changed_lines_min.is_none() && limits.paths.is_empty() {
            return;
        }
        let unknown = self.lines_unknown.first().filter(|_| claim.asserted == Asserted::Allow);
        if let Some(serial) = unknown {
            let found = format!(
                "a report of record {serial} is not there, and which of the changed lines it runs is not known"
            );
            findings.push(Finding::new(Code::NO_MATERIAL, name.as_str(), found, "every report that shows lines"));
        }
        if !self.lines_unknown.is_empty() {
            // Where that is no finding yet, the missing or unreadable report is one by itself.
            return;
        }
        let Some(changes) = changes else {
            let found = "nobody looked which lines the change adds";
            findings.push(Finding::new(Code::NO_FACTS, name.as_str(), found, "the blobs of base and head"));
            return;
        };
        if let Some(least) = limits.changed_lines_min {
            let told = changed::tell(changes, &self.covering(), limits.changed_lines_except.as_ref());
            told.check(name, least, findings);
            self.changed = Some(told);
        }
        if !limits.paths.is_empty() {
            self.paths = floors::check(name, &changes.files, &self.covering(), &limits.paths, findings);
        }
    }

    fn check_kinds(&mut self, name: &ClaimName, claim: &Claim, limits: &TestLimits, findings: &mut Vec<Finding>) {
        if let Some(serial) = self.cases_unknown.first() {
            // Where that is no finding yet, the missing or unreadable report is one by itself.
            if claim.asserted == Asserted::Allow {
                let found = format!("a report of record {serial} is not there, and which tests are in it is not known");
                findings.push(Finding::new(Code::NO_MATERIAL, name.as_str(), found, "every report that shows tests"));
            }
            return;
        }
        self.kinds = Kinds::tell(limits, &self.cases);
        if let Some(kinds) = &self.kinds {
            kinds.check(name, limits, findings);
        }
    }
}

impl From<&TestFacts> for Tests {
    fn from(facts: &TestFacts) -> Self {
        let TestFacts { total, passed, failed, skipped, unknown, flaky, .. } = *facts;
        Self { total, passed, failed: failed.saturating_add(unknown), skipped, flaky }
    }
}

impl Tests {
    fn add(&mut self, more: &Self) {
        add(&mut self.total, more.total);
        add(&mut self.passed, more.passed);
        add(&mut self.failed, more.failed);
        add(&mut self.skipped, more.skipped);
        add(&mut self.flaky, more.flaky);
    }

    fn larger(&self, other: &Self) -> Self {
        Self {
            total: self.total.max(other.total),
            passed: self.passed.max(other.passed),
            failed: self.failed.max(other.failed),
            skipped: self.skipped.max(other.skipped),
            flaky: self.flaky.max(other.flaky),
        }
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

fn check_tests(name: &ClaimName, tests: &Tests, limits: &TestLimits, findings: &mut Vec<Finding>) {
    let TestLimits { passed_min, failed_max, skipped_max, flaky_max, .. } = limits;
    if let Some(least) = passed_min.filter(|least| tests.passed < *least) {
        findings.push(Finding::new(
            Code::TEST_LIMIT,
            name.as_str(),
            format!("{} pass", counted(tests.passed, "test")),
            format!("at least {least}"),
        ));
    }
    for (found, most, what) in [
        (tests.failed, failed_max, "failed"),
        (tests.skipped, skipped_max, "skipped"),
        (tests.flaky, flaky_max, "flaky"),
    ] {
        if let Some(most) = most.filter(|most| found > *most) {
            findings.push(Finding::new(
                Code::TEST_LIMIT,
                name.as_str(),
                format!("{} {what}", counted(found, "test")),
                format!("at most {most}"),
            ));
        }
    }
}

fn check_findings(name: &ClaimName, found: &Findings, limits: &FindingLimits, findings: &mut Vec<Finding>) {
    let FindingLimits { critical_max, high_max, medium_max, low_max, suppressed_max, .. } = limits;
    for (count, most, (noun, which)) in [
        (found.critical, critical_max, ("critical finding", "")),
        (found.high, high_max, ("finding", " of high severity or above")),
        (found.medium, medium_max, ("finding", " of medium severity")),
        (found.low, low_max, ("finding", " of low severity")),
        (found.suppressed, suppressed_max, ("finding", " suppressed in the tool")),
    ] {
        if let Some(most) = most.filter(|most| count > *most) {
            findings.push(Finding::new(
                Code::FINDING_LIMIT,
                name.as_str(),
                format!("{}{which}", counted(count, noun)),
                format!("at most {most}"),
            ));
        }
    }
}

fn check_coverage(name: &ClaimName, coverage: &Coverage, limits: &CoverageLimits, findings: &mut Vec<Finding>) {
    let CoverageLimits { total_min, .. } = limits;
    match (coverage.percent(), total_min) {
        (None, _) => findings.push(no_facts(name, "coverage")),
        (Some(percent), Some(least)) if percent < u128::from(*least) => findings.push(Finding::new(
            Code::COVERAGE_LIMIT,
            name.as_str(),
            coverage.shown(),
            format!("at least {least} %"),
        )),
        (Some(_), _) => {}
    }
}

fn no_facts(name: &ClaimName, what: &str) -> Finding {
    Finding::new(
        Code::NO_FACTS,
        name.as_str(),
        format!("no report shows {what}"),
        format!("a report that shows the {what} that the policy limits"),
    )
}

/// What the context of a run says of its host's kind.
const HOST: [&str; 1] = ["host"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CoverageFacts, Outcome};
    use crate::policy::Policy;

    fn facts(lines: u64, covered: u64, digest: u8) -> (Purpose, Facts) {
        let coverage = CoverageFacts { files: 1, lines, covered, digest: Digest([digest; 32]) };
        let facts = Facts { coverage: Some(coverage), ..Facts::bare("lcov/1", Outcome::Pass, Vec::new()) };
        (Purpose::Report, facts)
    }

    /// Returns the codes of holding results of one report each against a least percentage.
    fn codes(least: u64, results: &[(Purpose, Facts)]) -> Vec<&'static str> {
        codes_of(&format!("total_min = {least}"), results)
    }

    /// Returns the codes of results against limits of coverage, where nobody looked which lines the change adds.
    fn codes_of(limits: &str, results: &[(Purpose, Facts)]) -> Vec<&'static str> {
        let text = format!(
            "version = 1\n[claim.a]\nfamily = \"functionality\"\nby = \"ci\"\ncoverage = {{ {limits} }}\n[tier.low]\nrequire = [\"a\"]\n"
        );
        let policy = Policy::parse(&text).unwrap();
        let name: ClaimName = "a".parse().unwrap();
        let mut numbers = Numbers::default();
        for result in results {
            numbers.add(std::slice::from_ref(result));
        }
        let mut findings = Vec::new();
        numbers.check(&name, policy.claim(&name).unwrap(), None, &mut findings);
        findings.iter().map(|finding| finding.code.number).collect()
    }

    #[test]
    fn coverage_is_rounded_down_and_held_against_its_limit() {
        assert_eq!(codes(80, &[facts(5, 4, 1)]), [""; 0]);
        assert_eq!(codes(80, &[facts(1_000, 799, 1)]), ["E224"]);
        assert_eq!(codes(100, &[facts(u64::MAX, u64::MAX - 1, 1)]), ["E224"]);
        assert_eq!(codes(100, &[facts(u64::MAX, u64::MAX, 1)]), [""; 0]);
        assert_eq!(codes(0, &[facts(7, 0, 1)]), [""; 0]);
    }

    #[test]
    fn no_data_is_no_coverage_whatever_the_limit() {
        assert_eq!(codes(0, &[]), ["E214"]);
        assert_eq!(codes(0, &[facts(0, 0, 1)]), ["E214"]);
        assert_eq!(codes(0, &[facts(1, 0, 1)]), [""; 0]);
    }

    #[test]
    fn the_same_counts_shown_twice_count_once_and_others_only_as_far_as_they_are_certain() {
        let (low, high) = (facts(10, 4, 1), facts(10, 10, 2));
        assert_eq!(codes(100, &[high.clone(), high.clone()]), [""; 0]);
        // Which lines they share is not known.
        assert_eq!(codes(62, &[low.clone(), high.clone(), high.clone()]), [""; 0]);
        assert_eq!(codes(63, &[low, high]), ["E224"]);
    }

    #[test]
    fn changed_lines_are_asked_for_only_where_there_are_lines() {
        assert_eq!(codes_of("changed_lines_min = 80", &[facts(0, 0, 1)]), ["E214"]);
        assert_eq!(codes_of("changed_lines_min = 80", &[facts(2, 1, 1)]), ["E214"]);
        assert_eq!(codes_of("total_min = 80, changed_lines_min = 80", &[facts(0, 0, 1)]), ["E214"]);
        assert_eq!(codes_of("total_min = 80, changed_lines_min = 80", &[facts(2, 1, 1)]), ["E224", "E214"]);
    }

    #[test]
    fn tests_of_a_report_and_of_the_output_are_the_larger_of_the_two() {
        let tests = |purpose, passed: u64, failed: u64, skipped: u64, flaky: u64| {
            let total = passed + failed + skipped;
            let names = Digest([u8::try_from(passed).unwrap(); 32]);
            let tests = TestFacts { total, passed, failed, skipped, unknown: 0, flaky, names };
            (purpose, Facts { coverage: None, tests: Some(tests), ..facts(0, 0, 1).1 })
        };
        let mut numbers = Numbers::default();
        numbers.add(&[tests(Purpose::Report, 5, 1, 0, 2), tests(Purpose::Stdout, 4, 2, 1, 0)]);
        assert_eq!(numbers.totals().tests, Some([5, 2, 1, 2]));
        numbers.add(&[tests(Purpose::Report, 7, 0, 0, 0), tests(Purpose::Report, 8, 1, 0, 0)]);
        assert_eq!(numbers.totals().tests, Some([20, 3, 1, 2]));
        numbers.add(&[tests(Purpose::Report, 7, 0, 0, 0)]);
        assert_eq!(numbers.totals().tests, Some([20, 3, 1, 2]));
    }

    #[test]
    fn what_is_unknown_or_undecided_counts_as_high() {
        let found = FindingFacts {
            critical: 1,
            high: 2,
            unknown: 4,
            unresolved: 8,
            medium: 16,
            low: 32,
            suppressed: 64,
            fingerprints: Digest([0; 32]),
        };
        let found = Facts { coverage: None, findings: Some(found), ..facts(0, 0, 1).1 };
        let mut numbers = Numbers::default();
        assert_eq!(numbers.totals().findings, None);
        numbers.add(&[(Purpose::Report, found.clone())]);
        assert_eq!(numbers.totals().findings, Some([1, 15, 16, 32, 64]));
        numbers.add(&[(Purpose::Report, found)]);
        assert_eq!(numbers.totals().findings, Some([2, 30, 32, 64, 128]));
    }

    #[test]
    fn people_see_every_number_that_is_not_nought() {
        let shown = |tests: Tests, findings: Findings| {
            Numbers { tests: Some(tests), findings: Some(findings), ..Numbers::default() }.shown().unwrap()
        };
        let none = Findings { high: 1, medium: 2, low: 3, ..Findings::default() };
        let passed = Tests { total: 5, passed: 5, ..Tests::default() };
        assert_eq!(shown(passed, none), "5 of 5 tests pass; findings: 1 high, 2 medium, 3 low");
        let mixed = Tests { total: 9, passed: 5, failed: 1, skipped: 2, flaky: 1 };
        let suppressed = Findings { suppressed: 2, ..Findings::default() };
        assert_eq!(
            shown(mixed, suppressed),
            "5 of 9 tests pass, 1 failed, 2 skipped, 1 flaky; findings: 0 high, 0 medium, 0 low, 2 suppressed in the tool"
        );
        assert_eq!(Numbers::default().shown(), None);
    }

    #[test]
    fn tests_are_held_against_each_limit() {
        let text = "version = 1\n[claim.a]\nfamily = \"functionality\"\nby = \"ci\"\ntests = { passed_min = 2, \
            failed_max = 1, skipped_max = 1, flaky_max = 1 }\n[tier.low]\nrequire = [\"a\"]\n";
        let policy = Policy::parse(text).unwrap();
        let name: ClaimName = "a".parse().unwrap();
        let limits = policy.claim(&name).unwrap().tests.as_ref().unwrap();
        let count = |passed, failed, skipped, flaky| {
            let mut findings = Vec::new();
            check_tests(&name, &Tests { total: 9, passed, failed, skipped, flaky }, limits, &mut findings);
            findings.len()
        };
        assert_eq!((count(2, 1, 1, 1), count(3, 0, 0, 0)), (0, 0));
        assert_eq!([count(1, 0, 0, 0), count(2, 2, 0, 0), count(2, 0, 2, 0), count(2, 0, 0, 2)], [1; 4]);
        assert_eq!(count(0, 2, 2, 2), 4);
    }
}
