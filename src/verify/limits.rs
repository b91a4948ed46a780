//! The rule of limits: numbers that readers took out of reports, held against the policy. Limits only tighten.

use super::code::Code;
use super::verdict::Finding;
use crate::model::{ClaimName, Facts, FindingFacts, TestFacts};
use crate::policy::{Claim, FindingLimits, TestLimits};

/// The sum of what the reports of all shards of a variant say.
#[derive(Default)]
pub(super) struct Numbers {
    tests: Option<Tests>,
    findings: Option<Findings>,
}

#[derive(Default)]
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
    pub(super) fn add(&mut self, facts: &Facts) {
        if let Some(TestFacts { total, passed, failed, skipped, unknown, flaky, .. }) = &facts.tests {
            let tests = self.tests.get_or_insert_default();
            add(&mut tests.total, *total);
            add(&mut tests.passed, *passed);
            add(&mut tests.failed, failed.saturating_add(*unknown));
            add(&mut tests.skipped, *skipped);
            add(&mut tests.flaky, *flaky);
        }
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
