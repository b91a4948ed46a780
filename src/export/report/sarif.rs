//! SARIF 2.1.0 (OASIS): one run of the tool `evidence`, a rule for each code, a result for each finding.

use serde_json::{Value, json};

use super::codequality::fingerprints;
use super::{POLICY_FILE, headline, reasons};
use crate::verify::{CODES, Verdict};

/// Returns a verdict as a SARIF log; one that accepts has no results.
#[must_use]
pub fn sarif(verdict: &Verdict) -> Value {
    let reasons = reasons(verdict);
    let results = reasons.iter().zip(fingerprints(verdict, &reasons)).map(|(reason, fingerprint)| {
        let mut result = json!({
            "ruleId": reason.rule,
            "level": "error",
            "message": {"text": reason.text()},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": POLICY_FILE},
                "region": {"startLine": 1},
            }}],
            "partialFingerprints": {"evidence/v1": fingerprint.to_string()},
        });
        if let Some(index) = CODES.iter().position(|(code, _, _)| code.number == reason.rule) {
            result["ruleIndex"] = json!(index);
        }
        result
    });
    let notes = verdict.limitations.iter().map(|limitation| {
        let text = format!("limitation {}: {}", limitation.name, limitation.text);
        json!({"level": "note", "descriptor": {"id": limitation.name}, "message": {"text": text}})
    });
    let notes: Vec<Value> = notes.collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "evidence", "version": env!("CARGO_PKG_VERSION"), "rules": rules()}},
            "automationDetails": {"id": format!("evidence/{}/", verdict.moment)},
            // It ran and judged; a verdict that refuses is shown by its results.
            "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": notes}],
            "results": results.collect::<Vec<_>>(),
            "properties": {
                "verdict": headline(verdict),
                "commit": verdict.commit,
                "origin": verdict.origin,
                "asOf": verdict.as_of,
            },
        }],
    })
}

/// Returns several logs as one run, since platforms take one run of a kind: all results, and all verdicts in words.
pub(super) fn together(logs: Vec<Value>) -> Value {
    let mut logs = logs.into_iter();
    let mut whole = logs.next().unwrap_or_default();
    for log in logs {
        for list in ["/runs/0/results", "/runs/0/invocations/0/toolExecutionNotifications"] {
            let more = log.pointer(list).and_then(Value::as_array).cloned().unwrap_or_default();
            if let Some(all) = whole.pointer_mut(list).and_then(Value::as_array_mut) {
                all.extend(more);
            }
        }
        let headline = "/runs/0/properties/verdict";
        let words = [&whole, &log].map(|log| log.pointer(headline).and_then(Value::as_str).unwrap_or_default());
        let words = words.join("; ");
        if let Some(verdict) = whole.pointer_mut(headline) {
            *verdict = words.into();
        }
    }
    whole
}

fn rules() -> Vec<Value> {
    let rules = CODES.iter().map(|(code, meaning, mend)| {
        json!({
            "id": code.number,
            "name": code.name,
            "shortDescription": {"text": meaning},
            "help": {"text": format!("How to mend it: {mend}")},
            "defaultConfiguration": {"level": "error"},
        })
    });
    rules.collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HOSTILE, accepted, refused, unexplained};
    use super::*;
    use crate::model::{Outcome, Severity};
    use crate::reports::{Format, Report, read_report};

    fn read(verdict: &Verdict) -> Report {
        let text = sarif(verdict).to_string();
        read_report(Format::Sarif, &mut text.as_bytes()).unwrap()
    }

    #[test]
    fn our_reader_finds_each_finding_and_none_in_an_acceptance() {
        let clean = read(&accepted());
        assert!(clean.findings.is_empty());
        let report = read(&refused());
        assert_eq!(report.findings.len(), 2);
        for finding in &report.findings {
            assert_eq!((finding.tool.as_str(), finding.severity), ("evidence", Some(Severity::High)));
            assert_eq!((finding.file.as_str(), finding.line), (".evidence/policy.toml", Some(1)));
            assert!(!finding.suppressed);
        }
        assert_eq!(report.findings[0].rule, "E301");
        assert!(report.findings[1].message.starts_with("scan (linux) shard 1/2: a|b `c`"));
        assert_eq!(read(&unexplained()).findings.len(), 1);
    }

    #[test]
    fn reader_has_no_doubts_about_either() {
        for verdict in [accepted(), refused()] {
            let facts = read(&verdict).facts;
            assert!(facts.outcome == Outcome::Pass && facts.reasons.is_empty(), "{facts:?}");
        }
    }

    #[test]
    fn rules_are_the_codes_and_results_point_to_theirs() {
        let log = sarif(&refused());
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), CODES.len());
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        }
        assert!(run["results"][1]["message"]["text"].as_str().unwrap().contains(HOSTILE));
        let notes = &sarif(&accepted())["runs"][0]["invocations"][0]["toolExecutionNotifications"];
        assert_eq!(notes[0]["level"], "note");
    }
}
