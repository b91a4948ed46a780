//! JUnit XML: a case for each requirement, and one for each finding that no requirement explains.
//!
//! Only a requirement that is shown passes. One that an exception stands in for is skipped, and says by whom and until when.

use super::{Reason, headline, is_about, reasons, word};
use crate::verify::{Requirement, State, Verdict};

/// Returns a verdict as a JUnit report.
#[must_use]
pub fn junit(verdict: &Verdict) -> String {
    let reasons = reasons(verdict);
    let mut told = vec![false; reasons.len()];
    let mut cases = Vec::new();
    for requirement in &verdict.requirements {
        // A finding about a requirement that is met is not hidden in it: it gets a case of its own.
        let mut mine = Vec::new();
        for (reason, told) in reasons.iter().zip(&mut told) {
            let unmet = requirement.state != State::Pass && !requirement.state.is_excepted();
            if unmet && !*told && is_about(reason.thing, requirement) {
                *told = true;
                mine.push(reason);
            }
        }
        cases.push(case_of(requirement, &mine));
    }
    for (reason, _) in reasons.iter().zip(&told).filter(|(_, told)| !**told) {
        let name = format!("{} {}: {}", reason.rule, reason.name, reason.thing);
        cases.push(Case {
            class: "evidence",
            name,
            failure: Some((reason.text(), sentence(reason))),
            skipped: None,
            output: None,
        });
    }
    let failed = cases.iter().filter(|case| case.failure.is_some()).count();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let skipped = cases.iter().filter(|case| case.skipped.is_some()).count();
    let counts = format!("tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\"", cases.len());
    let name = escaped(&headline(verdict));
    text.push_str(&format!("<testsuites name=\"evidence\" {counts}>\n  <testsuite name=\"{name}\" {counts}>\n"));
    for case in &cases {
        text.push_str(&case.print());
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

/// Returns several reports as one: a suite for each.
pub(super) fn together(reports: &[String]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"evidence\">\n");
    for report in reports {
        // What stands in the text of a case is escaped, and so no line of it is a tag of the root.
        let inner = report.lines().skip(2).filter(|line| *line != "</testsuites>");
        inner.for_each(|line| text.push_str(&format!("{line}\n")));
    }
    text.push_str("</testsuites>\n");
    text
}

struct Case {
    class: &'static str,
    name: String,
    /// Its first line and its text.
    failure: Option<(String, String)>,
    /// Which exception stands in for it.
    skipped: Option<String>,
    output: Option<String>,
}

impl Case {
    fn print(&self) -> String {
        let mut text =
            format!("    <testcase classname=\"{}\" name=\"{}\" time=\"0\">", self.class, escaped(&self.name));
        if let Some((message, sentences)) = &self.failure {
            let (message, sentences) = (escaped(message), escaped(sentences));
            text.push_str(&format!("<failure message=\"{message}\" type=\"refused\">{sentences}</failure>"));
        }
        if let Some(why) = &self.skipped {
            text.push_str(&format!("<skipped message=\"{}\"/>", escaped(why)));
        }
        if let Some(output) = &self.output {
            text.push_str(&format!("<system-out>{}</system-out>", escaped(output)));
        }
        text.push_str("</testcase>\n");
        text
    }
}

fn case_of(requirement: &Requirement, reasons: &[&Reason<'_>]) -> Case {
    let failure = match requirement.state {
        State::Pass | State::Waived | State::NotApplicable => None,
        State::Fail | State::Inconclusive | State::Running | State::Lost | State::Missing | State::Invalid => {
            let state = format!("{}: {}", requirement.claim, word(requirement.state));
            let message = reasons.first().map_or_else(|| state.clone(), |reason| reason.text());
            let sentences: Vec<String> = reasons.iter().map(|reason| sentence(reason)).collect();
            Some((message, if sentences.is_empty() { state } else { sentences.join("\n") }))
        }
    };
    let excepted = requirement.state.is_excepted().then(|| {
        let why = requirement.exception.as_ref().map_or_else(String::new, |it| format!(": {}", it.sentence()));
        format!("{}{why}", word(requirement.state))
    });
    let serials: Vec<String> = requirement.serials.iter().map(|serial| format!("#{serial}")).collect();
    let who: Vec<&str> = requirement.principals.iter().map(|principal| principal.as_str()).collect();
    let output = format!(
        "{}; required by {}; records {}; by {}{}",
        word(requirement.state),
        requirement.why,
        serials.join(" "),
        who.join(", "),
        requirement.numbers.as_ref().map_or_else(String::new, |numbers| format!("; {numbers}"))
    );
    Case {
        class: requirement.family,
        name: requirement.claim.to_string(),
        failure,
        skipped: excepted,
        output: Some(output),
    }
}

fn sentence(reason: &Reason<'_>) -> String {
    format!("{} {}: {}", reason.rule, reason.name, reason.text())
}

/// Returns a text as XML takes it in an attribute and between tags; what XML 1.0 has no characters for is replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepted, refused, unexplained};
    use super::*;
    use crate::reports::{CaseOutcome, Format, Report, read_report};
    use crate::verify::{Code, Finding};

    fn read(verdict: &Verdict) -> Report {
        let text = junit(verdict);
        read_report(Format::Junit, &mut text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn outcomes(verdict: &Verdict) -> Vec<(String, CaseOutcome)> {
        read(verdict).cases.into_iter().map(|case| (case.name, case.outcome)).collect()
    }

    #[test]
    fn requirements_and_findings_without_one_are_cases() {
        let wanted = vec![("unit-tests".to_owned(), CaseOutcome::Passed)];
        assert_eq!(outcomes(&accepted()), wanted);
        let mut found = outcomes(&refused());
        assert_eq!(found.pop(), Some(("E301 halted: the ledger".to_owned(), CaseOutcome::Failed)));
        assert_eq!(found.pop(), Some(("scan".to_owned(), CaseOutcome::Failed)));
        assert_eq!(found, wanted);
    }

    #[test]
    fn nothing_passes_that_the_verdict_does_not_pass() {
        for state in [State::Fail, State::Inconclusive, State::Running, State::Lost, State::Missing, State::Invalid] {
            let mut verdict = refused();
            verdict.findings.truncate(1);
            verdict.requirements[1].state = state;
            let found = outcomes(&verdict);
            assert!(found.contains(&("scan".to_owned(), CaseOutcome::Failed)), "{state:?} {found:?}");
        }
    }

    #[test]
    fn refusal_never_comes_out_green() {
        assert!(outcomes(&unexplained()).iter().any(|(_, outcome)| *outcome == CaseOutcome::Failed));
        let mut verdict = unexplained();
        verdict.findings.push(Finding::new(
            Code::UNSUPPORTED,
            "unit-tests",
            "a rule of a later version",
            "one that is known",
        ));
        let found = outcomes(&verdict);
        assert_eq!(found.last(), Some(&("E220 unsupported: unit-tests".to_owned(), CaseOutcome::Failed)));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn hostile_text_stays_text() {
        let text = junit(&refused());
        assert!(!text.contains("<img") && !text.contains('\u{1b}') && !text.contains("]]>"));
        assert!(text.contains("&lt;img src=x"));
    }
}
