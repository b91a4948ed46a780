//! The mutation testing report of Stryker and its kin (StrykerJS, Stryker.NET, Stryker4s, Infection) -> facts about mutation.
//!
//! ```json
//! {"schemaVersion":"2","thresholds":{"high":80,"low":60},"files":{"src/a.js":{"language":"javascript","source":"a + b","mutants":[
//!   {"id":"1","mutatorName":"ArithmeticOperator","replacement":"a - b","status":"Killed","killedBy":["0"],"coveredBy":["0"],
//!    "location":{"start":{"line":1,"column":1},"end":{"line":1,"column":6}}}]}},
//!  "testFiles":{"test/a.js":{"tests":[{"id":"0","name":"adds"}]}}}
//! ```
//!
//! Spec: mutation-testing-report-schema 1 and 2. The identity of a mutant is its file, mutator, replacement and the beginning
//! of the line where it starts. `Pending` and words that this reader does not know are inconclusive; what was ignored, or did
//! not compile or run, does not count. Thresholds are the tool's own and not looked at. The tool stops at the first test that
//! notices a mutant unless told otherwise: a test that makes none fail may have come second.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;

use super::encoding::Source;
use super::json::{Node, Wrong, parse};
use super::limits::TREE_BYTES_MAX;
use super::mutants::{Found, MutantTally};
use super::{Detail, Format, MutantState, ReadError, Report};

/// Reads a mutation testing report.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let bytes = Source::open(input, TREE_BYTES_MAX)?.read_all()?;
    let value = parse(&bytes)?;
    let mut tally = MutantTally::new(detail);
    document(&mut tally, &Node::root(&value)).map_err(|wrong| wrong.place_in(&bytes))?;
    Ok(tally.finish(Format::Stryker, Vec::new()))
}

fn document(tally: &mut MutantTally, root: &Node<'_>) -> Result<(), Wrong> {
    let version = root.member("schemaVersion")?.ok_or_else(|| root.lacks("schemaVersion", VERSIONS))?;
    if !matches!(version.text()?.split('.').next(), Some("1" | "2")) {
        return Err(version.wrong(VERSIONS));
    }
    let mut tests: HashMap<String, Arc<str>> = HashMap::new();
    if let Some(files) = root.member("testFiles")? {
        for (path, file) in files.members()? {
            let Some(list) = file.member("tests")? else { continue };
            for test in list.items()? {
                let text =
                    |key| -> Result<&str, Wrong> { test.member(key)?.ok_or_else(|| test.lacks(key, "a text"))?.text() };
                let (id, name) = (text("id")?, text("name")?);
                let name = if path.is_empty() { name.to_owned() } else { format!("{path} > {name}") };
                if let Some(name) = tally.test(&name).map_err(|cause| test.refuse(cause))? {
                    tests.insert(id.to_owned(), name);
                }
            }
        }
    }
    let files = root.member("files")?.ok_or_else(|| root.lacks("files", "an object of files"))?;
    for (path, file) in files.members()? {
        let mutants = file.member("mutants")?.ok_or_else(|| file.lacks("mutants", "a list of mutants"))?;
        let source = file.member("source")?.map(|source| source.text()).transpose()?.unwrap_or_default();
        let lines: Vec<&str> = source.lines().collect();
        let mut some = false;
        for mutant in mutants.items()? {
            some = true;
            read_mutant(tally, path, &lines, &tests, &mutant)?;
        }
        if !some {
            tally.bare_file(path);
        }
    }
    Ok(())
}

fn read_mutant(
    tally: &mut MutantTally,
    path: &str,
    source: &[&str],
    tests: &HashMap<String, Arc<str>>,
    mutant: &Node<'_>,
) -> Result<(), Wrong> {
    let required = |key: &'static str| mutant.member(key)?.ok_or_else(|| mutant.lacks(key, "a text"));
    let mutator = required("mutatorName")?.text()?;
    let replacement = mutant.member("replacement")?.map(|node| node.text()).transpose()?.unwrap_or_default();
    let status = required("status")?.text()?;
    let state = match status {
        "Killed" => Some(MutantState::Killed),
        "Survived" => Some(MutantState::Survived),
        "NoCoverage" => Some(MutantState::Uncovered),
        "Timeout" => Some(MutantState::Timeout),
        "CompileError" | "RuntimeError" => Some(MutantState::Invalid),
        "Ignored" => Some(MutantState::Ignored),
        _ => None,
    };
    let location = mutant.member("location")?.ok_or_else(|| mutant.lacks("location", "the place of the mutant"))?;
    let lines = (line(&location, "start")?, line(&location, "end")?);
    if lines.0 > lines.1 {
        return Err(location.wrong("a place that ends after its start"));
    }
    let at = usize::try_from(lines.0 - 1).unwrap_or(usize::MAX);
    let before = source.get(at).map(|line| head(line.trim())).unwrap_or_default();
    let mut killers = Vec::new();
    for (key, kills) in [("killedBy", true), ("coveredBy", false)] {
        let Some(ids) = mutant.member(key)? else { continue };
        for id in ids.items()? {
            let refuse = |cause| id.refuse(cause);
            let name = match tests.get(id.text()?) {
                Some(known) => {
                    tally.mention().map_err(refuse)?;
                    Some(Arc::clone(known))
                }
                None => tally.test(id.text()?).map_err(refuse)?,
            };
            killers.extend(name.filter(|_| kills));
        }
    }
    let text = if replacement.is_empty() { mutator.to_owned() } else { format!("{mutator}: {replacement}") };
    let found = Found { parts: &[path, mutator, replacement, before], file: path, lines, text: &text, state };
    tally.add(&found, killers).map_err(|cause| mutant.refuse(cause))
}

/// Returns the beginning of a line: files of one line have any number of mutants in it.
fn head(line: &str) -> &str {
    &line[..line.floor_char_boundary(HEAD_BYTES_MAX)]
}

fn line(location: &Node<'_>, key: &'static str) -> Result<u64, Wrong> {
    let end = location.member(key)?.ok_or_else(|| location.lacks(key, "a line"))?;
    let line = end.member("line")?.ok_or_else(|| end.lacks("line", "a line"))?;
    line.value.as_u64().filter(|line| *line > 0).ok_or_else(|| line.wrong("the number of a line"))
}

const VERSIONS: &str = "version 1 or 2 of the mutation testing report";
/// So much of the line where a mutant starts tells it from others.
const HEAD_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Facts, Outcome};
    use crate::reports::{read as read_facts, read_report};

    fn mutant(line: u64, status: &str, more: &str) -> String {
        format!(
            "{{\"id\":\"1\",\"mutatorName\":\"Math\",\"replacement\":\"a - b\",\"status\":\"{status}\",\"location\":{{\"start\":{{\"line\":{line},\"column\":1}},\"end\":{{\"line\":{line},\"column\":6}}}}{more}}}"
        )
    }

    fn document(source: &str, mutants: &[String]) -> String {
        format!(
            "{{\"schemaVersion\":\"1.0\",\"thresholds\":{{}},\"files\":{{\"a.js\":{{\"source\":\"{source}\",\"mutants\":[{}]}},\"b.js\":{{\"mutants\":[]}}}},\"testFiles\":{{\"t.js\":{{\"tests\":[{{\"id\":\"0\",\"name\":\"adds\"}},{{\"id\":\"1\",\"name\":\"idles\"}}]}}}}}}",
            mutants.join(",")
        )
    }

    fn facts(text: &str) -> Facts {
        read_facts(Format::Stryker, &mut text.as_bytes()).unwrap()
    }

    #[test]
    fn states_are_told_apart() {
        let words = ["Killed", "Survived", "NoCoverage", "Timeout", "CompileError", "RuntimeError", "Ignored"];
        let mutants: Vec<String> = words.iter().map(|word| mutant(1, word, "")).collect();
        let found = facts(&document("a + b", &mutants));
        let mutation = found.mutation.unwrap();
        assert_eq!((mutation.killed, mutation.survived, mutation.uncovered), (1, 1, 1));
        assert_eq!((mutation.timeout, mutation.invalid, found.outcome), (1, 3, Outcome::Pass));
    }

    #[test]
    fn what_is_pending_or_unknown_is_inconclusive() {
        for word in ["Pending", "killed", "Detected", ""] {
            let found = facts(&document("", &[mutant(1, "Killed", ""), mutant(1, word, "")]));
            assert_eq!(
                (found.outcome, &found.reasons[..]),
                (Outcome::Inconclusive, &["1 mutant was not judged".to_owned()][..])
            );
        }
    }

    #[test]
    fn killers_have_names_and_a_test_without_mutant_is_told() {
        let killed = mutant(1, "Killed", ",\"killedBy\":[\"0\"],\"coveredBy\":[\"0\",\"1\",\"7\"]");
        let text = document("a + b", &[killed]);
        let report = read_report(Format::Stryker, &mut text.as_bytes()).unwrap();
        assert_eq!(report.mutants[0].killers.iter().map(|name| &**name).collect::<Vec<_>>(), ["t.js > adds"]);
        assert_eq!(report.idle_tests, ["7", "t.js > idles"]);
        assert_eq!(report.without_lines, ["b.js"]);
        assert_eq!(report.mutants[0].text, "Math: a - b");
    }

    #[test]
    fn a_mutant_stays_the_same_when_lines_move() {
        let one = facts(&document("a + b", &[mutant(1, "Killed", "")]));
        assert_eq!(facts(&document("\\n\\n  a + b", &[mutant(3, "Killed", "")])), one);
        assert_ne!(facts(&document("a * b", &[mutant(1, "Killed", "")])), one);
        // The place may lie behind the source, and the line may be cut inside a letter.
        let long = "ä".repeat(300);
        facts(&document(&long, &[mutant(1, "Killed", ""), mutant(u64::MAX, "Killed", "")]));
    }

    #[test]
    fn other_versions_and_broken_mutants_are_refused() {
        let refused = |text: &str| read_facts(Format::Stryker, &mut text.as_bytes()).unwrap_err().to_string();
        let good = document("", &[mutant(1, "Killed", "")]);
        for (from, to, wanted) in [
            ("\"1.0\"", "\"3\"", "`/schemaVersion` is \"3\"; wanted version 1 or 2"),
            ("\"1.0\"", "\"10.0\"", "wanted version 1 or 2"),
            ("\"1.0\"", "1", "wanted a string"),
            ("\"status\":\"Killed\",", "", "`/files/a.js/mutants/0/status` is absent"),
            ("\"start\":{\"line\":1", "\"start\":{\"line\":2", "wanted a place that ends after its start"),
            ("\"mutants\":[]", "\"x\":[]", "`/files/b.js/mutants` is absent; wanted a list of mutants"),
            ("\"files\"", "\"file\"", "`/files` is absent"),
        ] {
            let found = refused(&good.replacen(from, to, 1));
            assert!(found.contains(wanted), "{found}");
        }
    }
}
