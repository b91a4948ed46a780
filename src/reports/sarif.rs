//! SARIF 2.1.0 (OASIS) -> facts about findings.
//!
//! Strict where it weighs (version, runs, results, kind, level, suppressions, invocations), lenient elsewhere: one in
//! twenty real files breaks the full schema. Findings never make a report fail; they are numbers that the policy judges.
//! A run that says it did not come to its end, or that has no results at all, is inconclusive. `baselineState` is the
//! tool's own idea of what is new, and out of scope.
//!
//! Severity: `security-severity` of the rule and of the result, the worse of both: 9 critical, 7 high, 4 medium, above 0
//! low, unreadable unknown; 0 says nothing. Without it the level: error high, warning medium, note and none low.
//!
//! Fingerprint, as netstrings after tool name, category (`automationDetails.id` up to its last `/`) and rule id:
//! 1. if the result has `fingerprints`: `fingerprints`, then each key and value, sorted by key; what Semgrep writes in place of one
//!    (`requires login`, the same for all findings) is none;
//! 2. else if it has `partialFingerprints`: `partialFingerprints`, the file, then each key and value, sorted by key;
//! 3. else: `place`, the file, the logical location, the snippet, the message id, the message text, its arguments.
//!
//! Line numbers are left out: a line added above is no new finding, and one more of the same kind is counted.

use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;
use std::ops::Range;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::encoding::Source;
use super::json::{Node, Stop, Wrong};
use super::limits::TREE_BYTES_MAX;
use super::parts::{Lists, Part, Shape, read_apart};
use super::tally::{FindingTally, netstring, shown};
use super::{Cause, Detail, Finding, Format, MESSAGE_CHARS_MAX, Place, ReadError, Report};
use crate::model::{Digest, Severity};

/// Reads a SARIF log.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let mut source = Source::open(input, TREE_BYTES_MAX)?;
    let mut results = Results::default();
    let apart = read_apart(&mut source, &RESULTS, &mut |part, _| {
        results.keep(part);
        Ok(())
    })?;
    read_log(&apart.root(), &results, detail).map_err(|stop| match stop {
        Stop::Read(error) => error,
        Stop::Wrong(wrong) => apart.place(wrong),
    })
}

/// The results of each run as text: what they mean is known at the end only, since their rules may follow.
#[derive(Default)]
struct Results {
    text: Vec<u8>,
    of_runs: BTreeMap<usize, Vec<(Range<usize>, Place)>>,
}

impl Results {
    fn keep(&mut self, part: &Part<'_>) {
        let start = self.text.len();
        self.text.extend_from_slice(part.bytes);
        self.of_runs.entry(part.owner).or_default().push((start..self.text.len(), part.place));
    }

    /// Returns the results of a run.
    fn of(&self, run: usize) -> impl Iterator<Item = Part<'_>> {
        let kept = self.of_runs.get(&run).into_iter().flatten().enumerate();
        kept.map(|(index, (at, place))| Part::kept(index, &self.text[at.clone()], *place))
    }
}

fn read_log(log: &Node<'_>, results: &Results, detail: Detail) -> Result<Report, Stop> {
    let version = log.member("version")?.ok_or_else(|| log.lacks("version", WANTED_VERSION))?;
    if version.text()? != "2.1.0" {
        return Err(version.wrong(WANTED_VERSION).into());
    }
    if let Some(external) = log.member("inlineExternalProperties")?
        && external.items()?.next().is_some()
    {
        return Err(elsewhere(&external, "parts of its runs").into());
    }
    let mut gathered = Gathered { tally: FindingTally::new(detail), doubts: Vec::new() };
    match log.member("runs")? {
        Some(runs) => {
            let mut count = 0_usize;
            for run in runs.items()? {
                read_run(&run, results.of(count), &mut gathered)?;
                count += 1;
            }
            gathered.doubt_if(count == 0, || "the log has no runs".to_owned());
        }
        None if log.value.get("runs").is_some() => gathered.doubt_if(true, || "`runs` is null".to_owned()),
        None => return Err(log.lacks("runs", "an array").into()),
    }
    Ok(gathered.tally.finish(Format::Sarif, gathered.doubts))
}

struct Gathered {
    tally: FindingTally,
    doubts: Vec<String>,
}

impl Gathered {
    fn doubt_if(&mut self, holds: bool, sentence: impl FnOnce() -> String) {
        if holds && self.doubts.len() < crate::model::REASONS_MAX {
            self.doubts.push(sentence());
        }
    }
}

fn read_run<'p>(run: &Node<'_>, parts: impl Iterator<Item = Part<'p>>, gathered: &mut Gathered) -> Result<(), Stop> {
    refuse_external(run)?;
    let tool = text_at(run.value, "/tool/driver/name");
    let shown_tool = shown(tool, 60);
    if let Some(invocations) = run.member("invocations")? {
        for invocation in invocations.items()? {
            read_invocation(&invocation, &shown_tool, gathered)?;
        }
    }
    let Some(results) = run.member("results")? else {
        gathered.doubt_if(true, || format!("a run of {shown_tool} has no list of results"));
        return Ok(());
    };
    gathered.tally.ran(tool);
    let automation = text_at(run.value, "/automationDetails/id");
    let category = automation.rsplit_once('/').map_or("", |(category, _)| category);
    let rules = Rules::of(run.value);
    let context = Run { value: run.value, tool, category, rules };
    RESULTS.check(&results)?;
    for part in parts {
        part.read(&results, |result| read_result(result, &context, &mut gathered.tally))?;
    }
    Ok(())
}

/// Refuses a run of which a part that weighs lies in other files.
fn refuse_external(run: &Node<'_>) -> Result<(), Wrong> {
    let Some(files) = run.member("externalPropertyFileReferences")? else { return Ok(()) };
    for what in ["results", "invocations", "driver", "extensions"] {
        if files.member(what)?.is_some_and(|value| value.value.as_array().is_none_or(|files| !files.is_empty())) {
            return Err(elsewhere(&files, what));
        }
    }
    Ok(())
}

fn elsewhere(node: &Node<'_>, what: &'static str) -> Wrong {
    let pointer = node.pointer();
    Wrong { cause: Cause::External { pointer: pointer.clone(), what }, pointer }
}

fn read_invocation(invocation: &Node<'_>, tool: &str, gathered: &mut Gathered) -> Result<(), Wrong> {
    match invocation.member("executionSuccessful")? {
        None => gathered.doubt_if(true, || format!("a run of {tool} does not say that it was successful")),
        Some(successful) => {
            let successful = successful.value.as_bool().ok_or_else(|| successful.wrong("true or false"))?;
            gathered.doubt_if(!successful, || format!("a run of {tool} says that it was not successful"));
        }
    }
    for list in ["toolExecutionNotifications", "toolConfigurationNotifications"] {
        let Some(notifications) = invocation.member(list)? else { continue };
        for notification in notifications.items()? {
            let Some(level) = notification.member("level")? else { continue };
            let is_error = Level::of(&level)? == Level::Error;
            let text = || shown(text_at(notification.value, "/message/text"), 120);
            gathered.doubt_if(is_error, || format!("a run of {tool} notes an error: {}", text()));
        }
    }
    Ok(())
}

/// A run while its results are read.
struct Run<'a> {
    value: &'a Value,
    tool: &'a str,
    category: &'a str,
    rules: Rules<'a>,
}

/// Counts a result if it is a finding or was left open.
fn read_result(result: &Node<'_>, run: &Run<'_>, tally: &mut FindingTally) -> Result<(), Wrong> {
    let open = match result.member("kind")? {
        None => false,
        Some(kind) => match kind.text()? {
            "fail" => false,
            "open" | "review" => true,
            "pass" | "notApplicable" | "informational" => return Ok(()),
            _ => return Err(kind.wrong("fail, open, review, pass, notApplicable or informational")),
        },
    };
    let rule = run.rules.of_result(result.value);
    let level = match result.member("level")? {
        Some(level) => Level::of(&level)?,
        None => default_level(result, run, rule)?,
    };
    let severity = if open { None } else { Some(severity(result.value, rule, level)) };
    let (fingerprint, suppressed) = (fingerprint(result.value, run), is_suppressed(result)?);
    let finding = || Finding {
        fingerprint,
        tool: shown(run.tool, 200),
        rule: shown(rule_id(result.value), 200),
        severity,
        suppressed,
        file: shown(file_of(result.value, run), MESSAGE_CHARS_MAX),
        line: at(result.value, "/locations/0/physicalLocation/region/startLine").and_then(Value::as_u64),
        message: shown(text_at(result.value, "/message/text"), MESSAGE_CHARS_MAX),
    };
    let added = tally.add(fingerprint, severity, suppressed, finding);
    added.map_err(|cause| Wrong { pointer: result.pointer(), cause })
}

/// Tells whether a result counts as suppressed: it has suppressions, and every one of them is accepted.
fn is_suppressed(result: &Node<'_>) -> Result<bool, Wrong> {
    let Some(suppressions) = result.member("suppressions")? else { return Ok(false) };
    let mut accepted = false;
    for suppression in suppressions.items()? {
        match suppression.member("status")? {
            None => accepted = true,
            Some(status) => match status.text()? {
                "accepted" => accepted = true,
                "underReview" | "rejected" => return Ok(false),
                _ => return Err(status.wrong("accepted, underReview or rejected")),
            },
        }
    }
    Ok(accepted)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Note,
    None,
}

impl Level {
    fn of(level: &Node<'_>) -> Result<Self, Wrong> {
        match level.value.as_str() {
            Some("error") => Ok(Self::Error),
            Some("warning") => Ok(Self::Warning),
            Some("note") => Ok(Self::Note),
            Some("none") => Ok(Self::None),
            Some(_) | None => Err(level.wrong("error, warning, note or none")),
        }
    }
}

/// Returns the level of a result that states none: that of the invocation's override, else of the rule, else warning.
fn default_level(result: &Node<'_>, run: &Run<'_>, rule: Option<&Value>) -> Result<Level, Wrong> {
    let level = override_of(result.value, run, rule)
        .or_else(|| rule.and_then(|rule| at(rule, "/defaultConfiguration/level")))
        .filter(|level| !level.is_null());
    match level {
        None => Ok(Level::Warning),
        Some(level) => Level::of(&Node::root(level)).map_err(|wrong| {
            let Cause::Value { found, wanted, .. } = wrong.cause else { return wrong };
            let pointer = format!("level of the rule of {}", result.pointer());
            Wrong { pointer: result.pointer(), cause: Cause::Value { pointer, found, wanted } }
        }),
    }
}

/// Returns the level that the invocation of a result gives its rule.
///
/// The invocation is the one that the result names, or the only one.
fn override_of<'a>(result: &Value, run: &Run<'a>, rule: Option<&Value>) -> Option<&'a Value> {
    let invocations = run.value.get("invocations")?.as_array()?;
    let invocation = match index_at(result, "/provenance/invocationIndex") {
        Some(index) => invocations.get(index)?,
        None if invocations.len() == 1 => &invocations[0],
        None => return None,
    };
    let id = rule.map_or_else(|| rule_id(result), |rule| text_at(rule, "/id"));
    let index = rule_index(result);
    let overrides = invocation.get("ruleConfigurationOverrides")?.as_array()?;
    let mine = overrides.iter().find(|given| match at(given, "/descriptor/id").and_then(Value::as_str) {
        Some(given_id) => given_id == id,
        None => index.is_some() && index_at(given, "/descriptor/index") == index,
    })?;
    at(mine, "/configuration/level")
}

fn severity(result: &Value, rule: Option<&Value>, level: Level) -> Severity {
    let stated = [Some(result), rule].into_iter().flatten().filter_map(stated_severity);
    // Critical is the least of the order. What cannot be read weighs as high does, so high is worse than it.
    stated.min().unwrap_or(match level {
        Level::Error => Severity::High,
        Level::Warning => Severity::Medium,
        Level::Note | Level::None => Severity::Low,
    })
}

/// Returns what the property `security-severity` says; nothing if it is absent or 0.
fn stated_severity(owner: &Value) -> Option<Severity> {
    let text = match at(owner, "/properties/security-severity")? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null => return None,
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Some(Severity::Unknown),
    };
    let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) {
        return Some(Severity::Unknown);
    }
    let is_zero = |digits: &str| digits.bytes().all(|byte| byte == b'0');
    Some(match whole.parse::<u32>() {
        Ok(0) if is_zero(part) => return None,
        Ok(0..4) => Severity::Low,
        Ok(4..7) => Severity::Medium,
        Ok(7..9) => Severity::High,
        Ok(9) => Severity::Critical,
        Ok(10) if is_zero(part) => Severity::Critical,
        Ok(10..) | Err(_) => Severity::Unknown,
    })
}

/// The rules of a run, by place and by id.
struct Rules<'a> {
    driver: &'a [Value],
    extensions: Vec<(&'a Value, &'a [Value])>,
    by_id: HashMap<&'a str, &'a Value>,
}

impl<'a> Rules<'a> {
    fn of(run: &'a Value) -> Self {
        let rules = |component: Option<&'a Value>| -> &'a [Value] {
            component.and_then(|component| component.get("rules")?.as_array()).map_or(&[], Vec::as_slice)
        };
        let driver = rules(at(run, "/tool/driver"));
        let extensions = at(run, "/tool/extensions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let extensions: Vec<_> = extensions.iter().map(|extension| (extension, rules(Some(extension)))).collect();
        let mut by_id = HashMap::new();
        for rule in driver.iter().chain(extensions.iter().flat_map(|(_, rules)| rules.iter())) {
            if let Some(id) = rule.get("id").and_then(Value::as_str) {
                by_id.entry(id).or_insert(rule);
            }
        }
        Self { driver, extensions, by_id }
    }

    /// Returns the rule of a result: by its index if the id there is the result's, else by id, else by the id without
    /// its last component.
    fn of_result(&self, result: &Value) -> Option<&'a Value> {
        let id = rule_id(result);
        let parent = id.rsplit_once('/').map(|(parent, _)| parent);
        let is_mine = |rule: &&Value| {
            let rule_id = text_at(rule, "/id");
            id.is_empty() || rule_id == id || Some(rule_id) == parent
        };
        let indexed = rule_index(result).and_then(|index| self.component(result)?.get(index)).filter(is_mine);
        indexed.or_else(|| self.by_id.get(id).copied()).or_else(|| self.by_id.get(parent?).copied())
    }

    fn component(&self, result: &Value) -> Option<&'a [Value]> {
        let Some(component) = at(result, "/rule/toolComponent") else { return Some(self.driver) };
        if let Some(index) = index_at(component, "/index") {
            return self.extensions.get(index).map(|(_, rules)| *rules);
        }
        let same = |key: &str, extension: &Value| {
            component.get(key).is_some_and(|wanted| wanted.is_string() && extension.get(key) == Some(wanted))
        };
        let found = self.extensions.iter().find(|(extension, _)| same("guid", extension) || same("name", extension));
        Some(found.map_or(self.driver, |(_, rules)| *rules))
    }
}

fn rule_id(result: &Value) -> &str {
    let id = text_at(result, "/ruleId");
    if id.is_empty() { text_at(result, "/rule/id") } else { id }
}

fn rule_index(result: &Value) -> Option<usize> {
    index_at(result, "/ruleIndex").or_else(|| index_at(result, "/rule/index"))
}

fn fingerprint(result: &Value, run: &Run<'_>) -> Digest {
    let mut hash = Sha256::new_with_prefix("evidence-finding/v1\n");
    let mut put = |text: &str| netstring(&mut hash, text);
    for text in [run.tool, run.category, rule_id(result)] {
        put(text);
    }
    let map = |key: &str| result.get(key).and_then(Value::as_object).filter(|map| !map.is_empty());
    let is_one = |value: &Value| value.as_str().is_none_or(|text| !text.is_empty() && text != NO_FINGERPRINT);
    if let Some(given) = map("fingerprints").filter(|given| given.values().any(is_one)) {
        put("fingerprints");
        put_sorted(given, &mut put);
    } else if let Some(given) = map("partialFingerprints") {
        put("partialFingerprints");
        put(file_of(result, run));
        put_sorted(given, &mut put);
    } else {
        put("place");
        put(file_of(result, run));
        put(text_at(result, "/locations/0/logicalLocations/0/fullyQualifiedName"));
        put(text_at(result, "/locations/0/physicalLocation/region/snippet/text"));
        put(text_at(result, "/message/id"));
        put(text_at(result, "/message/text"));
        for argument in at(result, "/message/arguments").and_then(Value::as_array).into_iter().flatten() {
            put(argument.as_str().unwrap_or_default());
        }
    }
    Digest(hash.finalize().into())
}

fn put_sorted(given: &Map<String, Value>, put: &mut impl FnMut(&str)) {
    let mut members: Vec<_> = given.iter().collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    for (key, value) in members {
        put(key);
        put(value.as_str().unwrap_or_default());
    }
}

/// Returns the file of a result's first location as the report spells it, or an empty text.
fn file_of<'a>(result: &'a Value, run: &Run<'a>) -> &'a str {
    let Some(artifact) = at(result, "/locations/0/physicalLocation/artifactLocation") else { return "" };
    if let Some(uri) = artifact.get("uri").and_then(Value::as_str) {
        return uri;
    }
    let artifacts = run.value.get("artifacts").and_then(Value::as_array);
    let named = index_at(artifact, "/index").and_then(|index| artifacts?.get(index));
    named.map_or("", |artifact| text_at(artifact, "/location/uri"))
}

/// Returns what stands at a pointer without escapes.
fn at<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer.split('/').skip(1).try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    })
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    at(value, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Returns an index; SARIF writes -1 for none.
fn index_at(value: &Value, pointer: &str) -> Option<usize> {
    at(value, pointer).and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok())
}

const RESULTS: Lists = Lists { path: &["runs", "*"], names: &["results"], shape: Shape::Arrays };
const WANTED_VERSION: &str = "2.1.0";

/// What Semgrep writes for a fingerprint that it keeps for those who log in.
const NO_FINGERPRINT: &str = "requires login";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FindingFacts, Outcome};
    use crate::reports::{read as read_facts, read_report};

    fn log(run: &str) -> String {
        format!(r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"t"{RULES}}}}},{run}}}]}}"#)
    }
    const RULES: &str = r#","rules":[{"id":"a","defaultConfiguration":{"level":"error"}},{"id":"b","properties":{"security-severity":"9.8"}},{"id":"c"}]"#;

    fn outcome(text: &str) -> Outcome {
        read_facts(Format::Sarif, &mut text.as_bytes()).unwrap().outcome
    }

    fn counts(results: &str) -> FindingFacts {
        let text = log(&format!(r#""results":[{results}]"#));
        read_facts(Format::Sarif, &mut text.as_bytes()).unwrap().findings.unwrap()
    }

    fn refused(text: &str) -> String {
        read_facts(Format::Sarif, &mut text.as_bytes()).unwrap_err().to_string()
    }

    fn findings(results: &str) -> Vec<Finding> {
        let text = log(&format!(r#""results":[{results}]"#));
        read_report(Format::Sarif, &mut text.as_bytes()).unwrap().findings
    }

    #[test]
    fn findings_are_numbers_and_no_failure() {
        assert_eq!(outcome(&log(r#""results":[]"#)), Outcome::Pass);
        assert_eq!(outcome(&log(r#""results":[{"level":"error"}]"#)), Outcome::Pass);
    }

    #[test]
    fn what_did_not_run_is_inconclusive() {
        for run in [
            r#""x":1"#,
            r#""results":null"#,
            r#""results":[],"invocations":[{"executionSuccessful":false}]"#,
            r#""results":[],"invocations":[{}]"#,
            r#""results":[],"invocations":[{"executionSuccessful":true,"toolExecutionNotifications":[{"level":"error"}]}]"#,
        ] {
            assert_eq!(outcome(&log(run)), Outcome::Inconclusive, "{run}");
        }
        assert_eq!(outcome(r#"{"version":"2.1.0","runs":[]}"#), Outcome::Inconclusive);
        assert_eq!(outcome(r#"{"version":"2.1.0","runs":null}"#), Outcome::Inconclusive);
        let fine = r#""results":[],"invocations":[{"executionSuccessful":true,"toolExecutionNotifications":[{"level":"warning"},{}]}]"#;
        assert_eq!(outcome(&log(fine)), Outcome::Pass);
    }

    #[test]
    fn what_weighs_is_read_strictly() {
        assert_eq!(
            refused(r#"{"version":"2.0.0","runs":[]}"#),
            r#"line 1, column 12: `/version` is "2.0.0"; wanted 2.1.0"#
        );
        assert!(refused(r#"{"version":"2.1.0"}"#).ends_with("`/runs` is absent; wanted an array"));
        assert!(refused("[]").ends_with("`the document` is an array; wanted an object"));
        for results in [
            r#"{"kind":"failed"}"#,
            r#"{"level":"fatal"}"#,
            r#"{"suppressions":[{"status":"x"}]}"#,
            r#"{"kind":1}"#,
            "7",
        ] {
            refused(&log(&format!(r#""results":[{results}]"#)));
        }
        refused(&log(r#""results":{}"#));
        refused(&log(r#""results":[],"invocations":[{"executionSuccessful":"false"}]"#));
        assert!(refused(&log(r#""results":[{"level":"note","level":"note"}]"#)).contains("occurs twice"));
    }

    #[test]
    fn results_in_other_files_are_refused() {
        let external = r#""results":[],"externalPropertyFileReferences":{"results":[{"location":{}}]}"#;
        assert!(refused(&log(external)).contains("names results in other files"));
        assert_eq!(outcome(&log(&external.replace("{\"results", "{\"artifacts"))), Outcome::Pass);
    }

    #[test]
    fn the_level_comes_from_result_override_rule_or_warning() {
        assert_eq!(counts(r#"{"ruleId":"a","level":"note"}"#).low, 1);
        assert_eq!(counts(r#"{"ruleId":"a"}"#).high, 1);
        assert_eq!(counts(r#"{"ruleId":"a/x"}"#).high, 1);
        assert_eq!(counts(r#"{"ruleIndex":0}"#).high, 1);
        assert_eq!(counts(r#"{"ruleIndex":2,"ruleId":"a"}"#).high, 1);
        assert_eq!(counts(r#"{"ruleId":"zz","ruleIndex":-1}"#).medium, 1);
        assert_eq!(counts(r#"{"level":"none"}"#).low, 1);
        let with = |override_level: &str| {
            let text = log(&format!(
                r#""results":[{{"ruleId":"a"}}],"invocations":[{{"executionSuccessful":true,"ruleConfigurationOverrides":[{{"descriptor":{{"id":"a"}},"configuration":{{"level":"{override_level}"}}}}]}}]"#
            ));
            read_facts(Format::Sarif, &mut text.as_bytes())
        };
        assert_eq!(with("note").unwrap().findings.unwrap().low, 1);
        assert!(with("loud").is_err());
    }

    #[test]
    fn rules_of_extensions_are_found_by_component() {
        let run = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"},"extensions":[{"name":"e","rules":[{"id":"q","properties":{"security-severity":"7.5"}}]}]},"results":[{"rule":{"index":0,"toolComponent":{"index":0}}},{"rule":{"index":0,"toolComponent":{"name":"e"}}},{"ruleId":"q"}]}]}"#;
        assert_eq!(read_facts(Format::Sarif, &mut run.as_bytes()).unwrap().findings.unwrap().high, 3);
    }

    #[test]
    fn what_stands_for_a_fingerprint_is_none() {
        let at = |value: &str, file: &str| {
            let text = format!(
                r#"{{"ruleId":"c","message":{{"text":"m"}},"fingerprints":{{"matchBasedId/v1":{value}}},"locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":"{file}"}}}}}}]}}"#
            );
            findings(&text)[0].fingerprint
        };
        assert_ne!(at("\"requires login\"", "a.py"), at("\"requires login\"", "b.py"));
        assert_ne!(at("\"\"", "a.py"), at("\"\"", "b.py"));
        assert_eq!(at("\"7f\"", "a.py"), at("\"7f\"", "b.py"));
    }

    #[test]
    fn security_severity_outweighs_the_level() {
        assert_eq!(counts(r#"{"ruleId":"b","level":"note"}"#).critical, 1);
        let stated = |value: &str| {
            let text = format!(r#"{{"level":"error","properties":{{"security-severity":{value}}}}}"#);
            findings(&text)[0].severity.unwrap()
        };
        for (value, wanted) in [
            (r#""10.0""#, Severity::Critical),
            (r#""9""#, Severity::Critical),
            (r#""8.99""#, Severity::High),
            ("7.0", Severity::High),
            (r#""6.9""#, Severity::Medium),
            (r#""4.0""#, Severity::Medium),
            (r#""0.1""#, Severity::Low),
            (r#""0.0""#, Severity::High),
            (r#""high""#, Severity::Unknown),
            (r#""-1""#, Severity::Unknown),
            (r#""99""#, Severity::Unknown),
            (r#""""#, Severity::Unknown),
            ("1e1", Severity::Critical),
            ("true", Severity::Unknown),
        ] {
            assert_eq!(stated(value), wanted, "{value}");
        }
        assert_eq!(
            findings(r#"{"ruleId":"b","properties":{"security-severity":"1"}}"#)[0].severity,
            Some(Severity::Critical)
        );
    }

    #[test]
    fn only_failures_are_findings_and_open_ones_unresolved() {
        let facts = counts(
            r#"{"kind":"pass"},{"kind":"informational"},{"kind":"notApplicable"},{"kind":"open"},{"kind":"review"},{"kind":"fail"}"#,
        );
        assert_eq!((facts.medium, facts.unresolved), (1, 2));
    }

    #[test]
    fn suppressed_findings_still_count() {
        let facts = counts(
            r#"{"suppressions":[{"kind":"inSource"}]},{"suppressions":[]},{"suppressions":[{"status":"accepted"},{"status":"underReview"}]},{"suppressions":[{"status":"rejected"}]}"#,
        );
        assert_eq!((facts.medium, facts.suppressed), (4, 1));
    }

    #[test]
    fn fingerprints_do_not_move_with_the_line() {
        let at = |line: u32, file: &str, rest: &str| {
            let text = format!(
                r#"{{"ruleId":"c","message":{{"text":"m"}},"locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":"{file}"}},"region":{{"startLine":{line}}}}}}}]{rest}}}"#
            );
            findings(&text)[0].fingerprint
        };
        assert_eq!(at(1, "a.rs", ""), at(2, "a.rs", ""));
        assert_ne!(at(1, "a.rs", ""), at(1, "b.rs", ""));
        let partial = |value: &str| format!(r#","partialFingerprints":{{"x":"{value}","a":"2"}}"#);
        let swapped = r#","partialFingerprints":{"a":"2","x":"1"}"#;
        assert_eq!(at(1, "a.rs", &partial("1")), at(2, "a.rs", swapped));
        assert_ne!(at(1, "a.rs", &partial("1")), at(1, "a.rs", &partial("2")));
        assert_ne!(at(1, "a.rs", &partial("1")), at(1, "b.rs", &partial("1")));
        let whole = r#","fingerprints":{"x":"1"}"#;
        assert_eq!(at(1, "a.rs", whole), at(9, "b.rs", whole));
        let (one, two) = (counts(r#"{"ruleId":"c"}"#), counts(r#"{"ruleId":"c"},{"ruleId":"c"}"#));
        assert_ne!(one.fingerprints, two.fingerprints);
    }
}
