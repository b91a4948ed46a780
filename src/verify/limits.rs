//! The rule of limits: numbers that readers took out of reports, held against the policy. Limits only tighten.

use std::collections::BTreeSet;

use super::code::Code;
use super::verdict::Finding;
use crate::model::{ClaimName, Digest, Facts, FindingFacts, Purpose, TestFacts};
use crate::policy::{Claim, FindingLimits, TestLimits};

/// The sum of what the reports of all shards of a variant say.
#[derive(Default)]
pub(super) struct Numbers {
    tests: Option<Tests>,
    findings: Option<Findings>,
    /// The digests of cases that are counted already: whoever shows the same tests twice has not run more of them.
    counted: BTreeSet<Digest>,
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

impl Numbers {
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
        match (tests, findings) {
            (Some(tests), Some(findings)) => Some(format!("{tests}; {findings}")),
            (tests, findings) => tests.or(findings),
        }
    }

    /// Holds the numbers against the limits of a claim.
    pub(super) fn check(&self, name: &ClaimName, claim: &Claim, findings: &mut Vec<Finding>) {
        if let Some(limits) = &claim.tests {
            match &self.tests {
                None => findings.push(no_facts(name, "tests")),
                Some(tests) => check_tests(name, tests, limits, findings),
            }
        }
        if let Some(limits) = &claim.findings {
            match &self.findings {
                None => findings.push(no_facts(name, "findings")),
                Some(found) => check_findings(name, found, limits, findings),
            }
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
    let TestLimits { passed_min, failed_max, skipped_max, flaky_max, baseline: _ } = limits;
    if let Some(least) = passed_min.filter(|least| tests.passed < *least) {
        findings.push(Finding::new(
            Code::TEST_LIMIT,
            name.as_str(),
            format!("{} tests pass", tests.passed),
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
                format!("{found} tests {what}"),
                format!("at most {most}"),
            ));
        }
    }
}

fn check_findings(name: &ClaimName, found: &Findings, limits: &FindingLimits, findings: &mut Vec<Finding>) {
    let FindingLimits { critical_max, high_max, medium_max, low_max, new_max: _, suppressed_max } = limits;
    for (count, most, what) in [
        (found.critical, critical_max, "critical findings"),
        (found.high, high_max, "findings of high severity or above"),
        (found.medium, medium_max, "findings of medium severity"),
        (found.low, low_max, "findings of low severity"),
        (found.suppressed, suppressed_max, "findings suppressed in the tool"),
    ] {
        if let Some(most) = most.filter(|most| count > *most) {
            findings.push(Finding::new(
                Code::FINDING_LIMIT,
                name.as_str(),
                format!("{count} {what}"),
                format!("at most {most}"),
            ));
        }
    }
}

fn no_facts(name: &ClaimName, what: &str) -> Finding {
    Finding::new(
        Code::NO_FACTS,
        name.as_str(),
        format!("no report shows {what}"),
        format!("a report that shows the {what} that the policy limits"),
    )
    .mended_by(&["evidence", "attest", name.as_str(), "--report", "FILE", "--", "CMD"], None)
}
