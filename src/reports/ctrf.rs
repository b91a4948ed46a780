//! CTRF, the Common Test Report Format -> facts about tests.
//!
//! ```json
//! {"reportFormat":"CTRF","specVersion":"0.0.0","results":{"tool":{"name":"jest"},"summary":{"tests":1},
//!  "tests":[{"name":"adds","status":"passed","duration":3,"suite":["calc"],"filePath":"calc.test.js","flaky":false}]}}
//! ```
//!
//! Spec: ctrf.io, specifications 0 and 1. The suite is a text or a list of texts from the outermost in; a case that passed after
//! retries is flaky, whether the tool says so or not; `other` is not known, save what the tool itself calls to be written. Cases are recounted: of the summary only `failed` is looked at, and a report
//! that declares more of them than it lists is refused as cut or edited. Durations, steps, attachments and insights are out
//! of scope.

use std::io::BufRead;

use super::encoding::Source;
use super::json::{Node, Wrong};
use super::limits::STREAM_BYTES_MAX;
use super::parts::{Lists, Shape, read_apart};
use super::tally::{CaseName, CaseTally, SuitePath};
use super::{CaseOutcome, Cause, Detail, Format, ReadError, Report};

/// Reads a CTRF report.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut source = Source::open(input, STREAM_BYTES_MAX)?;
    let mut tally = CaseTally::new(detail);
    let mut found = 0;
    let apart = read_apart(&mut source, &TESTS, &mut |part, list| {
        part.read(list, |test| {
            match case(&mut tally, test)? {
                CaseOutcome::Failed | CaseOutcome::Unknown => found += 1,
                CaseOutcome::Flaky | CaseOutcome::Passed | CaseOutcome::Skipped => {}
            }
            Ok(())
        })
    })?;
    check_document(&apart.root()).map_err(|wrong| apart.place(wrong))?;
    apart.check_parts()?;
    check_failures(&apart.root(), found).map_err(|wrong| apart.place(wrong))?;
    Ok(tally.finish(Format::Ctrf, Vec::new()))
}

fn check_document(root: &Node<'_>) -> Result<(), Wrong> {
    if let Some(format) = root.member("reportFormat")?
        && format.text()? != "CTRF"
    {
        return Err(format.wrong("CTRF"));
    }
    if let Some(version) = root.member("specVersion")? {
        let text = version.text()?;
        if !text.starts_with("0.") && !text.starts_with("1.") {
            return Err(version.wrong("specification 0 or 1"));
        }
    }
    let results = root.member("results")?.ok_or_else(|| root.lacks("results", "the results of CTRF"))?;
    TESTS.check(&results.member("tests")?.ok_or_else(|| results.lacks("tests", "a list of tests"))?)
}

/// Refuses a summary that declares more failures than were found.
fn check_failures(root: &Node<'_>, found: u64) -> Result<(), Wrong> {
    let Some(results) = root.member("results")? else { return Ok(()) };
    let Some(summary) = results.member("summary")? else { return Ok(()) };
    let Some(failed) = summary.member("failed")? else { return Ok(()) };
    let declared = failed.value.as_u64().ok_or_else(|| failed.wrong("a number"))?;
    if declared > found {
        return Err(failed.refuse(Cause::FailuresMissing { suite: String::new(), declared, found }));
    }
    Ok(())
}

fn case(tally: &mut CaseTally, test: &Node<'_>) -> Result<CaseOutcome, Wrong> {
    let name = test.member("name")?.ok_or_else(|| test.lacks("name", "a name"))?.text()?;
    let status =
        test.member("status")?.ok_or_else(|| test.lacks("status", "passed, failed, skipped, pending or other"))?;
    let outcome = match status.text()? {
        "passed" if was_retried(test)? => CaseOutcome::Flaky,
        "passed" => CaseOutcome::Passed,
        "failed" => CaseOutcome::Failed,
        "skipped" | "pending" => CaseOutcome::Skipped,
        // Jest: a test that is still to be written.
        "other" if raw_status(test)? == Some("todo") => CaseOutcome::Skipped,
        _ => CaseOutcome::Unknown,
    };
    let mut suites = SuitePath::root();
    if let Some(suite) = test.member("suite")? {
        if suite.value.is_array() {
            for name in suite.items()? {
                suites = suites.inside(name.text()?);
            }
        } else {
            suites = suites.inside(suite.text()?);
        }
    }
    let file = test.member("filePath")?.map(|node| node.text()).transpose()?.unwrap_or_default();
    tally.add(&suites, CaseName { file, class: "", name }, outcome).map_err(|cause| test.refuse(cause))?;
    Ok(outcome)
}

/// Returns what the tool itself called the outcome.
fn raw_status<'a>(test: &'a Node<'a>) -> Result<Option<&'a str>, Wrong> {
    Ok(test.member("rawStatus")?.and_then(|node| node.value.as_str()))
}

/// Tells whether a case failed before: by its flag, its count of retries, or the attempts that it lists.
fn was_retried(test: &Node<'_>) -> Result<bool, Wrong> {
    let mut retried = false;
    if let Some(flaky) = test.member("flaky")? {
        retried |= flaky.value.as_bool().ok_or_else(|| flaky.wrong("true or false"))?;
    }
    if let Some(retries) = test.member("retries")? {
        retried |= retries.value.as_u64().ok_or_else(|| retries.wrong("a number"))? > 0;
    }
    if let Some(attempts) = test.member("retryAttempts")? {
        retried |= attempts.items()?.next().is_some();
    }
    Ok(retried)
}

const TESTS: Lists = Lists { path: &["results"], names: &["tests"], shape: Shape::Arrays };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, TestFacts};
    use crate::reports::{read as read_facts, read_report};

    fn document(tests: &str) -> String {
        format!(
            "{{\"reportFormat\":\"CTRF\",\"specVersion\":\"0.0.0\",\n\"results\":{{\"summary\":{{\"tests\":900,\"failed\":0}},\"tests\":[{tests}]}}}}"
        )
    }

    fn facts(tests: &str) -> (Outcome, TestFacts) {
        let facts = read_facts(Format::Ctrf, &mut document(tests).as_bytes()).unwrap();
        (facts.outcome, facts.tests.unwrap())
    }

    fn refused(text: &str) -> String {
        read_facts(Format::Ctrf, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn statuses_are_outcomes() {
        let test = |status: &str| format!("{{\"name\":\"a\",\"status\":\"{status}\",\"duration\":1}}");
        let all = ["passed", "skipped", "pending"].map(test).join(",");
        let (outcome, tests) = facts(&all);
        assert_eq!((outcome, tests.passed, tests.skipped), (Outcome::Pass, 1, 2));
        assert_eq!(facts(&format!("{all},{}", test("failed"))).0, Outcome::Fail);
        for status in ["other", "Passed", ""] {
            assert_eq!(facts(&format!("{all},{}", test(status))).0, Outcome::Inconclusive, "{status}");
        }
        assert_eq!(facts("").0, Outcome::Inconclusive);
        let raw = |raw: &str| facts(&format!("{all},{{\"name\":\"a\",\"status\":\"other\",\"rawStatus\":{raw}}}"));
        assert_eq!((raw("\"todo\"").0, raw("\"todo\"").1.skipped), (Outcome::Pass, 3));
        for odd in ["\"passed\"", "\"timedOut\"", "null", "7"] {
            assert_eq!(raw(odd).0, Outcome::Inconclusive, "{odd}");
        }
    }

    #[test]
    fn specifications_0_and_1_have_the_same_cases() {
        let text = document("{\"name\":\"a\",\"status\":\"passed\"}");
        let facts = |text: &str| read_facts(Format::Ctrf, &mut text.as_bytes()).unwrap();
        assert_eq!(facts(&text), facts(&text.replace("\"0.0.0\"", "\"1.0.0\"")));
    }

    #[test]
    fn a_pass_after_retries_is_flaky() {
        let test = |more: &str| facts(&format!("{{\"name\":\"a\",\"status\":\"passed\"{more}}}")).1.flaky;
        assert_eq!(test(""), 0);
        assert_eq!(test(",\"flaky\":false,\"retries\":0,\"retryAttempts\":[]"), 0);
        assert_eq!(test(",\"flaky\":true"), 1);
        assert_eq!(test(",\"retries\":2"), 1);
        assert_eq!(test(",\"retryAttempts\":[{\"status\":\"failed\"}]"), 1);
        assert_eq!(facts("{\"name\":\"a\",\"status\":\"failed\",\"flaky\":true}").0, Outcome::Fail);
    }

    #[test]
    fn fewer_failures_than_declared_are_refused() {
        let of = |failed: &str, statuses: &[&str]| {
            let tests: Vec<String> =
                statuses.iter().map(|it| format!("{{\"name\":\"a\",\"status\":\"{it}\"}}")).collect();
            document(&tests.join(",")).replace("\"failed\":0", &format!("\"failed\":{failed}"))
        };
        let outcome = |text: &str| read_facts(Format::Ctrf, &mut text.as_bytes()).unwrap().outcome;
        let cut = refused(&of("3", &["passed"]));
        assert!(cut.ends_with("the report declares 3 failures and errors; found 0"), "{cut}");
        assert!(refused(&of("3", &["failed", "failed"])).contains("found 2"));
        assert_eq!(outcome(&of("2", &["failed", "failed"])), Outcome::Fail);
        assert_eq!(outcome(&of("0", &["passed"])), Outcome::Pass);
        assert!(refused(&of("\"3\"", &["passed"])).contains("wanted a number"));
    }

    #[test]
    fn suites_are_texts_or_lists() {
        let of = |suite: &str| {
            let text =
                document(&format!("{{\"name\":\"a\",\"status\":\"passed\",\"filePath\":\"f\",\"suite\":{suite}}}"));
            read_report(Format::Ctrf, &mut text.as_bytes()).unwrap().cases.remove(0)
        };
        assert_eq!((of("\"x\"").suite, of("[\"x\",\"y\"]").suite), ("x".to_owned(), "x > y".to_owned()));
        assert_eq!(of("\"x\""), of("[\"x\"]"));
        assert_ne!(of("\"x > y\"").identity, of("[\"x\",\"y\"]").identity);
        assert_eq!(of("null").file, "f");
    }

    #[test]
    fn broken_reports_are_refused_with_their_pointer() {
        let test = |test: &str| refused(&document(test));
        assert!(test("{\"status\":\"passed\"}").ends_with("`/results/tests/0/name` is absent; wanted a name"));
        assert!(test("{\"name\":\"a\"}").contains("`/results/tests/0/status` is absent"));
        assert!(test("{\"name\":\"a\",\"status\":\"passed\",\"flaky\":1}").contains("wanted true or false"));
        assert!(test("{\"name\":\"a\",\"status\":\"passed\",\"retries\":-1}").contains("wanted a number"));
        assert!(test("{\"name\":\"a\",\"status\":\"passed\",\"suite\":7}").contains("wanted a string"));
        assert!(test("{\"name\":\"a\",\"status\":\"failed\",\"status\":\"passed\"}").contains("occurs twice"));
        assert!(refused("{\"results\":{}}").contains("`/results/tests` is absent"));
        assert!(refused("{\"reportFormat\":\"XTRF\"}").contains("wanted CTRF"));
        assert!(refused("{\"specVersion\":\"2.0.0\"}").contains("wanted specification 0 or 1"));
        assert!(refused("{\"specVersion\":\"1.0.0\"}").contains("`/results` is absent"));
        assert!(refused("[]").contains("wanted an object"));
    }
}
