//! The names that the reports of a variant show now: tests, names of a surface, findings.

use std::collections::BTreeSet;

use super::limits::Numbers;
use crate::model::Digest;
use crate::policy::{Kept, NameSet};
use crate::reports::CaseOutcome;

/// What the reports show now.
pub(super) struct Now {
    pub(super) tests: NameSet,
    pub(super) not_passing: BTreeSet<Digest>,
    pub(super) names: NameSet,
    pub(super) findings: NameSet,
}

impl Now {
    pub(super) fn of(numbers: &Numbers) -> Self {
        let mut not_passing = BTreeSet::new();
        let (mut tests, mut names, mut findings) = (Vec::new(), Vec::new(), Vec::new());
        let (mut of_tests, mut of_names) = (BTreeSet::new(), BTreeSet::new());
        for report in numbers.reports() {
            // As for limits: who shows the same twice has not shown more of it. Findings only weigh more by it.
            let is_new = report.facts.tests.as_ref().is_some_and(|facts| of_tests.insert(facts.names));
            for case in &report.cases {
                match case.outcome {
                    CaseOutcome::Passed | CaseOutcome::Flaky if !is_new => {}
                    CaseOutcome::Passed | CaseOutcome::Flaky => {
                        tests.push(Kept { identity: case.identity, count: 1, name: case.shown().into() });
                    }
                    CaseOutcome::Failed | CaseOutcome::Unknown | CaseOutcome::Skipped => {
                        not_passing.insert(case.identity);
                    }
                }
            }
            let is_new = report.facts.names.as_ref().is_some_and(|facts| of_names.insert(facts.digest));
            names.extend(report.names.iter().filter(|_| is_new).map(|named| Kept {
                identity: named.identity,
                count: 1,
                name: named.name.as_str().into(),
            }));
            findings.extend(report.findings.iter().map(|finding| Kept {
                identity: finding.fingerprint,
                count: 1,
                name: shown_finding(finding).into(),
            }));
        }
        // One copy that does not pass makes all of that name not pass.
        tests.retain(|test: &Kept| !not_passing.contains(&test.identity));
        let (tests, names, findings) = (NameSet::new(tests), NameSet::new(names), NameSet::new(findings));
        Self { tests, not_passing, names, findings }
    }
}

fn shown_finding(finding: &crate::reports::Finding) -> String {
    let line = finding.line.map_or_else(String::new, |line| format!(":{line}"));
    let place = format!("{}{line}", finding.file);
    let parts = [&finding.tool, &finding.rule, &place];
    parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ")
}
