//! SonarQube's format of generic issues, old and new -> facts about findings.
//!
//! ```json
//! {"rules":[{"id":"r1","engineId":"lint","impacts":[{"softwareQuality":"SECURITY","severity":"HIGH"}]}],
//!  "issues":[{"ruleId":"r1","primaryLocation":{"message":"weak","filePath":"src/a.js","textRange":{"startLine":3}}}]}
//! ```
//!
//! Spec: "Generic issue import format" of the SonarQube documentation. The old shape has `engineId`, `severity` and `type` in each
//! issue, the new one a list of rules that the issues name. Severity is the worst of what the issue, its rule and the impacts of both
//! say: BLOCKER critical, CRITICAL and HIGH high, MAJOR and MEDIUM medium, MINOR, LOW and INFO low; an unknown word, no word and an
//! issue of an unknown rule are unknown. A list of issues that is empty says that nothing was found; without one nobody looked.
//!
//! Fingerprint, as netstrings after the engine, an empty category and the rule: `place`, the file, the message. Lines are left out.

use std::collections::HashMap;
use std::io::BufRead;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::encoding::Source;
use super::json::{Node, Wrong, parse};
use super::limits::TREE_BYTES_MAX;
use super::tally::{FindingTally, netstring, shown};
use super::{Detail, Finding, Format, MESSAGE_CHARS_MAX, ReadError, Report};
use crate::model::{Digest, Severity};

/// Reads a list of issues.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let bytes = Source::open(input, TREE_BYTES_MAX)?.read_all()?;
    let value = parse(&bytes)?;
    let mut tally = FindingTally::new(detail);
    let doubts = document(&mut tally, &Node::root(&value)).map_err(|wrong| wrong.place_in(&bytes))?;
    Ok(tally.finish(Format::Sonar, doubts))
}

/// A rule of the new shape.
struct Rule {
    engine: String,
    severity: Option<Severity>,
}

fn document(tally: &mut FindingTally, root: &Node<'_>) -> Result<Vec<String>, Wrong> {
    let mut rules: HashMap<String, Rule> = HashMap::new();
    if let Some(list) = root.member("rules")? {
        for rule in list.items()? {
            let id = text_of(&rule, "id")?.ok_or_else(|| rule.lacks("id", "the rule's id"))?;
            let engine = text_of(&rule, "engineId")?.unwrap_or_default();
            tally.ran(&engine);
            let severity = stated(&rule)?;
            // Of two rules of one id the worse one counts.
            let known = rules.entry(id).or_insert(Rule { engine, severity });
            known.severity = worse(known.severity, severity);
        }
    }
    let Some(issues) = root.member("issues")? else {
        if root.value.get("issues").is_some() {
            return Ok(vec!["`issues` is null".to_owned()]);
        }
        return Err(root.lacks("issues", "a list of issues"));
    };
    for issue in issues.items()? {
        finding(tally, &issue, &rules)?;
    }
    Ok(Vec::new())
}

fn finding(tally: &mut FindingTally, issue: &Node<'_>, rules: &HashMap<String, Rule>) -> Result<(), Wrong> {
    let id = text_of(issue, "ruleId")?.ok_or_else(|| issue.lacks("ruleId", "the rule's id"))?;
    let rule = rules.get(&id);
    let engine = text_of(issue, "engineId")?;
    let engine = engine.as_deref().or(rule.map(|rule| rule.engine.as_str())).unwrap_or_default();
    tally.ran(engine);
    let of_rule = rule.and_then(|rule| rule.severity);
    let severity = worse(stated(issue)?, of_rule).unwrap_or(Severity::Unknown);
    let (mut file, mut message, mut line) = (String::new(), String::new(), None);
    if let Some(location) = issue.member("primaryLocation")? {
        file = text_of(&location, "filePath")?.unwrap_or_default();
        message = text_of(&location, "message")?.unwrap_or_default();
        line = location.value.pointer("/textRange/startLine").and_then(Value::as_u64);
    }
    let mut hash = Sha256::new_with_prefix("evidence-finding/v1\n");
    for text in [engine, "", &id, "place", &file, &message] {
        netstring(&mut hash, text);
    }
    let fingerprint = Digest(hash.finalize().into());
    let added = tally.add(fingerprint, Some(severity), false, || Finding {
        fingerprint,
        tool: shown(engine, 200),
        rule: shown(&id, 200),
        severity: Some(severity),
        suppressed: false,
        file: shown(&file, MESSAGE_CHARS_MAX),
        line,
        message: shown(&message, MESSAGE_CHARS_MAX),
    });
    added.map_err(|cause| issue.refuse(cause))
}

fn text_of(node: &Node<'_>, key: &str) -> Result<Option<String>, Wrong> {
    node.member(key)?.map(|member| member.text().map(str::to_owned)).transpose()
}

/// Returns the worst that an issue or a rule says of itself.
///
/// What cannot be read weighs as high does, so it hides behind nothing but high and critical.
fn stated(node: &Node<'_>) -> Result<Option<Severity>, Wrong> {
    let mut found = None;
    if let Some(severity) = node.member("severity")? {
        found = worse(found, Some(severity_of(severity.text()?)));
    }
    if let Some(impacts) = node.member("impacts")? {
        for impact in impacts.items()? {
            let said = text_of(&impact, "severity")?;
            found = worse(found, Some(said.as_deref().map_or(Severity::Unknown, severity_of)));
        }
    }
    Ok(found)
}

fn severity_of(word: &str) -> Severity {
    match word {
        "BLOCKER" => Severity::Critical,
        "CRITICAL" | "HIGH" => Severity::High,
        "MAJOR" | "MEDIUM" => Severity::Medium,
        "MINOR" | "LOW" | "INFO" => Severity::Low,
        _ => Severity::Unknown,
    }
}

fn worse(one: Option<Severity>, other: Option<Severity>) -> Option<Severity> {
    let rank = |severity: &Severity| match severity {
        Severity::Critical => 0,
        Severity::High => 1,
        Severity::Unknown => 2,
        Severity::Medium => 3,
        Severity::Low => 4,
    };
    one.into_iter().chain(other).min_by_key(rank)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FindingFacts, Outcome};
    use crate::reports::{read as read_facts, read_report};

    fn facts(text: &str) -> (Outcome, FindingFacts) {
        let facts = read_facts(Format::Sonar, &mut text.as_bytes()).unwrap();
        (facts.outcome, facts.findings.unwrap())
    }

    fn refused(text: &str) -> String {
        read_facts(Format::Sonar, &mut text.as_bytes()).unwrap_err().to_string()
    }

    /// Returns the counts: critical, high, medium, low, unknown.
    fn counts(rule: &str, issue: &str) -> [u64; 5] {
        let rule = format!(r#"{{"id":"r","engineId":"lint"{rule}}}"#);
        let text = format!(r#"{{"rules":[{rule}],"issues":[{{"ruleId":"r"{issue}}}]}}"#);
        let found = facts(&text).1;
        [found.critical, found.high, found.medium, found.low, found.unknown]
    }

    #[test]
    fn severities_of_both_shapes_are_read() {
        for (word, at) in [("BLOCKER", 0), ("CRITICAL", 1), ("MAJOR", 2), ("MINOR", 3), ("INFO", 3), ("minor", 4)] {
            let mut wanted = [0; 5];
            wanted[at] = 1;
            assert_eq!(counts("", &format!(r#","severity":"{word}""#)), wanted, "{word}");
        }
        for (word, at) in [("BLOCKER", 0), ("HIGH", 1), ("MEDIUM", 2), ("LOW", 3), ("INFO", 3), ("", 4)] {
            let mut wanted = [0; 5];
            wanted[at] = 1;
            assert_eq!(counts(&format!(r#","impacts":[{{"severity":"{word}"}}]"#), ""), wanted, "{word}");
        }
        assert_eq!(counts("", ""), [0, 0, 0, 0, 1]);
    }

    #[test]
    fn the_worst_statement_wins_and_unknown_is_not_low() {
        let impacts = r#","severity":"MINOR","impacts":[{"severity":"LOW"},{"severity":"HIGH"}]"#;
        assert_eq!(counts(impacts, ""), [0, 1, 0, 0, 0]);
        assert_eq!(counts(impacts, r#","severity":"BLOCKER""#), [1, 0, 0, 0, 0]);
        assert_eq!(counts(r#","severity":"MAJOR","impacts":[{}]"#, ""), [0, 0, 0, 0, 1]);
        let unknown_rule = r#"{"rules":[],"issues":[{"ruleId":"x"}]}"#;
        assert_eq!(facts(unknown_rule).1.unknown, 1);
        let twice =
            r#"{"rules":[{"id":"r","severity":"INFO"},{"id":"r","severity":"BLOCKER"}],"issues":[{"ruleId":"r"}]}"#;
        assert_eq!(facts(twice).1.critical, 1);
    }

    #[test]
    fn no_list_is_no_scan_and_an_empty_one_is() {
        assert_eq!(facts(r#"{"issues":[]}"#).0, Outcome::Pass);
        assert_eq!(facts(r#"{"issues":null}"#).0, Outcome::Inconclusive);
        assert!(refused("{}").contains("`/issues` is absent"));
        assert!(refused(r#"{"issues":[{}]}"#).contains("`/issues/0/ruleId` is absent"));
        assert!(refused(r#"{"issues":[{"ruleId":"r","severity":7}]}"#).contains("wanted a string"));
        assert!(refused(r#"{"rules":7,"issues":[]}"#).contains("wanted an array"));
        assert!(refused(r#"{"issues":[],"issues":[]}"#).contains("occurs twice"));
    }

    #[test]
    fn both_shapes_have_one_fingerprint_and_lines_are_no_part_of_it() {
        let place = |line: u32| {
            format!(r#""primaryLocation":{{"message":"m","filePath":"f","textRange":{{"startLine":{line}}}}}"#)
        };
        let old = format!(r#"{{"issues":[{{"engineId":"lint","ruleId":"r","severity":"INFO",{}}}]}}"#, place(1));
        let new = format!(
            r#"{{"rules":[{{"id":"r","engineId":"lint","impacts":[{{"severity":"LOW"}}]}}],"issues":[{{"ruleId":"r",{}}}]}}"#,
            place(9)
        );
        assert_eq!(facts(&old), facts(&new));
        assert_ne!(facts(&old).1.fingerprints, facts(&old.replace("\"f\"", "\"g\"")).1.fingerprints);
        let report = read_report(Format::Sonar, &mut new.as_bytes()).unwrap();
        assert_eq!((report.findings[0].tool.as_str(), report.findings[0].line), ("lint", Some(9)));
    }
}
