//! Which format a report has, by its content and never by its name.
//!
//! Looks at the first [`HEAD_BYTES`](super::limits::HEAD_BYTES) only. It decides who reads a report, not whether it is
//! sound: the reader refuses what is not its own.

use super::Format;
use super::encoding::head_text;

/// What the beginning of a report looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detected {
    /// One format that has a reader.
    One(Format),
    /// Several at once, by name: whoever gives the report has to say which it is.
    Ambiguous(Vec<&'static str>),
    /// A format that has no reader here.
    Foreign(&'static str),
    /// Nothing that is known.
    Unknown,
}

/// Tells a report's format by its first bytes.
#[must_use]
pub fn detect(head: &[u8]) -> Detected {
    if let Some((_, name)) = PACKED.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Detected::Foreign(name);
    }
    let text = head_text(head);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let mut names = match start.chars().next() {
        Some('<') => xml_names(start),
        Some('{' | '[') => json_names(start),
        Some(_) | None => Vec::new(),
    };
    if names.is_empty() {
        names = text_names(start);
    }
    names.dedup();
    match names[..] {
        [] => Detected::Unknown,
        // No content says that it is a list of names.
        [name] => match Format::ALL.into_iter().find(|format| title(*format) == name) {
            Some(format) => Detected::One(format),
            None => Detected::Foreign(name),
        },
        _ => Detected::Ambiguous(names),
    }
}

/// Returns the format that has this root element and no reader here.
pub(super) fn foreign_root(root: &str) -> Option<&'static str> {
    let local = root.rsplit(':').next().unwrap_or(root);
    FOREIGN_ROOTS.into_iter().find(|(name, _)| *name == local).map(|(_, format)| format)
}

fn title(format: Format) -> &'static str {
    match format {
        Format::Junit => "JUnit XML",
        Format::Sarif => "SARIF",
        Format::Libtest => "libtest text",
        Format::GoTest => "go test -json",
        Format::Tap => "TAP",
        Format::Ctrf => "CTRF",
        Format::Lcov => "LCOV",
        Format::Cobertura => "Cobertura",
        Format::GoCover => "Go cover profile",
        Format::Jacoco => "JaCoCo",
        Format::CoveragePy => "coverage.py JSON",
        Format::LlvmCov => "llvm-cov JSON",
        Format::CargoMutants => "cargo-mutants outcomes",
        Format::Stryker => "Stryker JSON",
        Format::Pit => "PIT",
        Format::Hyperfine => "hyperfine JSON",
        Format::Criterion => "messages of cargo criterion",
        Format::GoogleBenchmark => "Google Benchmark JSON",
        Format::PytestBenchmark => "pytest-benchmark JSON",
        Format::GoBench => "go test -bench text",
        Format::K6 => "k6 summary",
        Format::Names => "a list of names",
        Format::PublicApi => "cargo public-api",
        Format::Nunit => "NUnit 3",
        Format::Xunit => "xUnit.net",
        Format::Trx => "TRX",
        Format::Robot => "Robot Framework",
        Format::Checkstyle => "Checkstyle",
        Format::Sonar => "SonarQube issues",
        Format::OpenApi => "OpenAPI",
        Format::Graphql => "GraphQL schema",
    }
}

fn xml_names(text: &str) -> Vec<&'static str> {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let after = if let Some(after) = rest.strip_prefix("<!--") {
            after.split_once("-->")
        } else if let Some(after) = rest.strip_prefix("<?") {
            after.split_once("?>")
        } else if let Some(after) = rest.strip_prefix("<!DOCTYPE") {
            let bracket = after.find('[').unwrap_or(after.len());
            let end = after.find('>').unwrap_or(after.len());
            if bracket < end { after.split_once("]>") } else { after.split_once('>') }
        } else {
            break;
        };
        match after {
            Some((_, next)) => rest = next,
            None => return Vec::new(),
        }
    }
    let Some(rest) = rest.strip_prefix('<') else { return Vec::new() };
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>')).unwrap_or(rest.len());
    let root = &rest[..end];
    let tag = &rest[..rest.find('>').unwrap_or(rest.len())];
    match root {
        "testsuites" | "testsuite" => vec![title(Format::Junit)],
        "coverage" if tag.contains("clover=") || is_clover(&rest[tag.len()..]) => vec!["Clover"],
        "coverage" if tag.contains("version=\"1\"") && !tag.contains("line-rate=") => vec!["SonarQube coverage"],
        "results" if rest.contains("<cppcheck ") => vec!["Cppcheck XML"],
        _ => foreign_root(root).into_iter().collect(),
    }
}

/// Tells whether what stands behind the tag `coverage` is a project: PHPUnit's Clover has nothing else that says so.
fn is_clover(behind: &str) -> bool {
    behind.trim_start_matches('>').trim_start().starts_with("<project")
}

fn json_names(text: &str) -> Vec<&'static str> {
    let members = first_object(text);
    let has = |key: &str| members.iter().any(|(name, _)| name == key);
    let says = |key: &str, part: &str| members.iter().any(|(name, value)| name == key && value.contains(part));
    let all = |keys: &[&str]| keys.iter().all(|key| has(key));
    let mut names = Vec::new();
    let mut add = |holds: bool, name| {
        if holds {
            names.push(name);
        }
    };
    add(has("runs") || says("$schema", "sarif"), title(Format::Sarif));
    add(has("Action") && (has("Package") || has("Time") || has("ImportPath")), title(Format::GoTest));
    // Reports before specification 0.0.0 do not say what they are.
    let is_ctrf = has("results") && ["\"tool\"", "\"summary\"", "\"tests\""].iter().all(|key| text.contains(key));
    add(says("reportFormat", "CTRF") || is_ctrf, title(Format::Ctrf));
    add(says("bomFormat", "CycloneDX"), "CycloneDX");
    add(has("spdxVersion") || says("@context", "spdx.org"), "SPDX");
    add(all(&["SchemaVersion", "ArtifactName"]), "Trivy JSON");
    add(all(&["matches", "descriptor"]), "Grype JSON");
    add(has("auditReportVersion"), "npm audit JSON");
    add(all(&["lockfile", "vulnerabilities"]), "cargo-audit JSON");
    add(all(&["errors", "generated_at", "metrics"]), "Bandit JSON");
    add(has("RuleID"), "gitleaks JSON");
    add(says("type", "llvm.coverage.json.export"), title(Format::LlvmCov));
    add(all(&["meta", "files"]), title(Format::CoveragePy));
    // What tells these apart stands below lists that may be longer than what is looked at.
    let mentions = |word: &str| text.contains(word);
    add(has("outcomes") && mentions("\"scenario\""), title(Format::CargoMutants));
    let is_stryker = has("files") && mentions("\"mutatorName\"");
    add(all(&["schemaVersion", "thresholds"]) || is_stryker, title(Format::Stryker));
    let is_hyperfine = has("results") && mentions("\"command\"") && mentions("\"mean\"") && mentions("\"user\"");
    add(is_hyperfine, title(Format::Hyperfine));
    add(says("reason", "benchmark-complete") || says("reason", "group-complete"), title(Format::Criterion));
    add(all(&["context", "benchmarks"]), title(Format::GoogleBenchmark));
    add(all(&["machine_info", "benchmarks"]), title(Format::PytestBenchmark));
    add(has("root_group") || has("metrics") && mentions("\"iteration_duration\""), title(Format::K6));
    add(all(&["mean", "median", "std_dev"]), "estimates.json of criterion, which has no name in it");
    add(has("numTotalTests"), "Jest JSON");
    add(mentions("\"statementMap\"") && !has("numTotalTests") && !has("files"), "Istanbul JSON");
    add(says("generator", "Robot ") || says("generator", "Rebot "), "Robot Framework JSON");
    add(has("gcovr/format_version"), "gcovr JSON");
    add(all(&["examples", "summary_line"]), "RSpec JSON");
    add(all(&["elements", "keyword"]), "Cucumber JSON");
    add(all(&["stats", "passes"]), "mocha JSON");
    add(has("event") && (says("type", "suite") || says("type", "test")), "libtest JSON");
    let nothing_else = members.iter().all(|(name, _)| name == "issues" || name == "rules");
    add(has("issues") && (nothing_else || text.contains("\"primaryLocation\"")), title(Format::Sonar));
    add(has("openapi"), title(Format::OpenApi));
    add(has("swagger"), "Swagger 2");
    add(has("__schema") || (has("data") && text.contains("\"__schema\"")), title(Format::Graphql));
    add(has("payloadType"), "a DSSE envelope");
    add(says("_type", "in-toto.io"), "an in-toto statement");
    names
}

/// Returns the members of the first object in the text with their values where these are strings.
///
/// The text may end anywhere. Escapes are left as they are: no key that we look for has one.
fn first_object(text: &str) -> Vec<(String, String)> {
    let mut members: Vec<(String, String)> = Vec::new();
    let Some(start) = text.find('{') else { return members };
    let mut depth = 0_usize;
    let mut wants_key = false;
    let mut rest = &text[start..];
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '{' | '[' => {
                depth += 1;
                wants_key = depth == 1;
            }
            '}' | ']' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            ',' => wants_key = depth == 1,
            '"' => {
                let end = end_of_string(rest);
                let string = &rest[..end];
                rest = rest.get(end + 1..).unwrap_or_default();
                if wants_key {
                    members.push((string.to_owned(), String::new()));
                    wants_key = false;
                } else if let (1, Some(last)) = (depth, members.last_mut()) {
                    string.clone_into(&mut last.1);
                }
            }
            _ => {}
        }
    }
    members
}

/// Returns where the string ends that the text continues.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    text.len()
}

fn text_names(text: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    if super::names::is_listing(text) {
        names.push(title(Format::PublicApi));
    }
    for (index, line) in text.lines().enumerate() {
        let name = match line.trim_end() {
            "TAP version 13" | "TAP version 14" => title(Format::Tap),
            plan if index == 0 && is_tap_plan(plan) => title(Format::Tap),
            point if index == 0 && is_tap_point(point) => title(Format::Tap),
            line if index == 0 && line.starts_with("mode: ") => title(Format::GoCover),
            line if index == 0 && line.starts_with("goos: ") => title(Format::GoBench),
            line if line.starts_with("Benchmark") && line.contains(" ns/op") => title(Format::GoBench),
            line if line.starts_with("SF:") => title(Format::Lcov),
            line if line.starts_with("openapi:") || line.starts_with("\"openapi\":") => title(Format::OpenApi),
            line if line.starts_with("swagger:") => "Swagger 2",
            line if super::graphql::is_schema_line(line) => title(Format::Graphql),
            line if line.starts_with("=== RUN   ") => "go test text",
            line if line.starts_with("##teamcity[") => "TeamCity messages",
            line if line.starts_with("{\"Time\":") || line.starts_with("{\"Action\":") => title(Format::GoTest),
            line if super::libtest::announced(line).is_some() => title(Format::Libtest),
            _ => continue,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn is_tap_plan(line: &str) -> bool {
    let plan = line.split('#').next().unwrap_or(line).trim_end();
    plan.strip_prefix("1..").is_some_and(|last| !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_tap_point(line: &str) -> bool {
    let rest = line.strip_prefix("not ").unwrap_or(line).strip_prefix("ok 1");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// How packed files begin: they are read by nobody here, as they are.
const PACKED: [(&[u8], &str); 5] = [
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh91AY&SY", "bzip2"),
];

const FOREIGN_ROOTS: [(&str, &str); 27] = [
    ("testExecutions", "SonarQube test executions"),
    ("unitTest", "SonarQube test executions"),
    ("test-run", "NUnit 3"),
    ("test-results", "NUnit 2"),
    ("assemblies", "xUnit.net"),
    ("assembly", "xUnit.net"),
    ("TestRun", "TRX"),
    ("testng-results", "TestNG"),
    ("robot", "Robot Framework"),
    ("Catch", "Catch2 XML"),
    ("Catch2TestRun", "Catch2 XML"),
    ("doctest", "doctest XML"),
    ("TestLog", "Boost.Test XML"),
    ("TestResult", "Boost.Test XML"),
    ("Site", "CTest XML"),
    ("TestCase", "Qt Test XML"),
    ("checkstyle", "Checkstyle"),
    ("pmd", "PMD"),
    ("pmd-cpd", "PMD CPD"),
    ("BugCollection", "SpotBugs"),
    ("issues", "Android Lint"),
    ("coverage", "Cobertura"),
    ("report", "JaCoCo"),
    ("mutations", "PIT"),
    ("bom", "CycloneDX"),
    ("html", "HTML"),
    ("svg", "SVG"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_content() {
        let one = |text: &str| detect(text.as_bytes());
        assert_eq!(one("<?xml version='1.0'?>\n<!-- x -->\n<testsuites>"), Detected::One(Format::Junit));
        assert_eq!(one("\u{feff}<testsuite name='a'/>"), Detected::One(Format::Junit));
        assert_eq!(one(r#"{"version":"2.1.0","runs":[]}"#), Detected::One(Format::Sarif));
        assert_eq!(
            one(r#"{ "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "x": "#),
            Detected::One(Format::Sarif)
        );
        assert_eq!(one("   Compiling a\n\nrunning 3 tests\ntest a ... ok\n"), Detected::One(Format::Libtest));
        assert_eq!(one(r#"{"Time":"2026","Action":"start","Package":"x"}"#), Detected::One(Format::GoTest));
        assert_eq!(one(r#"{"ImportPath":"x","Action":"build-output","Output":"#), Detected::One(Format::GoTest));
        for text in ["TAP version 14\n1..2\nok 1\n", "1..2 # x\nok 1\n", "ok 1 - a\n1..1\n", "not ok 1\n"] {
            assert_eq!(one(text), Detected::One(Format::Tap), "{text}");
        }
        assert_eq!(one("<!DOCTYPE report [<!ELEMENT a (b)>]><report name='x'>"), Detected::One(Format::Jacoco));
        assert_eq!(one(r#"{"meta":{"version":"7"},"files":{"a":"#), Detected::One(Format::CoveragePy));
        assert_eq!(one(r#"{"data":[],"type":"llvm.coverage.json.export"}"#), Detected::One(Format::LlvmCov));
        assert_eq!(one(r#"{"reportFormat":"CTRF","results":{}}"#), Detected::One(Format::Ctrf));
        assert_eq!(one(r#"{"results":{"tool":{"name":"jest"},"summary":{},"tests":["#), Detected::One(Format::Ctrf));
        assert_eq!(one(r#"{"results":[],"tool":"x","summary":{}}"#), Detected::Unknown);
        // jest-tap-reporter tells suites that failed in comments only.
        assert_eq!(one("\n# Starting...\n#  FAIL  /b.test.js\nok 1 - a\n1..1\n"), Detected::Unknown);
        assert_eq!(one("TN:\nSF:src/a.rs\n"), Detected::One(Format::Lcov));
        assert_eq!(one("<!DOCTYPE coverage SYSTEM 'x'>\n<coverage line-rate='1'>"), Detected::One(Format::Cobertura));
        assert_eq!(one("mode: set\n"), Detected::One(Format::GoCover));
        assert_eq!(one("<mutations partial='true'>"), Detected::One(Format::Pit));
        assert_eq!(one("{\"outcomes\":[{\"scenario\":\"Baseline\""), Detected::One(Format::CargoMutants));
        assert_eq!(one("{\"files\":{\"a\":{\"mutants\":[{\"mutatorName\":"), Detected::One(Format::Stryker));
        assert_eq!(one("{\"schemaVersion\":\"2\",\"thresholds\":{}"), Detected::One(Format::Stryker));
        assert_eq!(one("{\"context\":{},\"benchmarks\":["), Detected::One(Format::GoogleBenchmark));
        assert_eq!(one("{\"machine_info\":{},\"benchmarks\":["), Detected::One(Format::PytestBenchmark));
        assert_eq!(one("{\"metrics\":{},\"root_group\":{}}"), Detected::One(Format::K6));
        assert_eq!(one("{\"reason\":\"benchmark-complete\"}"), Detected::One(Format::Criterion));
        assert_eq!(one("goos: linux\npkg: x\n"), Detected::One(Format::GoBench));
        assert_eq!(one("BenchmarkA-2 1 2.5 ns/op\n"), Detected::One(Format::GoBench));
        assert_eq!(
            one("{\"mean\":{},\"median\":{},\"std_dev\":{}}"),
            Detected::Foreign("estimates.json of criterion, which has no name in it")
        );
        assert_eq!(one("# a shop\ninfo: {}\nopenapi: 3.1.0\n"), Detected::One(Format::OpenApi));
        assert_eq!(one("{\"openapi\":\"3.0.0\",\"paths\":{}}"), Detected::One(Format::OpenApi));
        let sonar = "{\"issues\":[{\"ruleId\":\"r\",\"primaryLocation\":{}}]}";
        assert_eq!(one(sonar), Detected::One(Format::Sonar));
        assert_eq!(one("# a shop\ntype Query {\n"), Detected::One(Format::Graphql));
        assert_eq!(one("{\"data\":{\"__schema\":{\"types\":["), Detected::One(Format::Graphql));
        assert_eq!(one("<test-run id='2'>"), Detected::One(Format::Nunit));
        assert_eq!(one("<assemblies>"), Detected::One(Format::Xunit));
        let trx = "<TestRun xmlns='http://microsoft.com/schemas/VisualStudio/TeamTest/2010'>";
        assert_eq!(one(trx), Detected::One(Format::Trx));
        assert_eq!(one("<robot generator='Robot 7.0'>"), Detected::One(Format::Robot));
        assert_eq!(one("<checkstyle version='8'>"), Detected::One(Format::Checkstyle));
        assert_eq!(one("pub mod shop\npub fn shop::order(id: u6"), Detected::One(Format::PublicApi));
        assert_eq!(one("pub mod shop\nSF:a\npub mod shop::x\n"), Detected::One(Format::Lcov));
        let wide: Vec<u8> = "\u{feff}<testsuites/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(detect(&wide), Detected::One(Format::Junit));
    }

    #[test]
    fn foreign_formats_are_named() {
        let foreign = |text: &str| match detect(text.as_bytes()) {
            Detected::Foreign(name) => name,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(foreign("<test-results name='x'>"), "NUnit 2");
        assert_eq!(foreign("swagger: '2.0'\n"), "Swagger 2");
        assert_eq!(foreign("<coverage generated='1' clover='4'>"), "Clover");
        assert_eq!(foreign("<coverage generated=\"1\">\n  <project timestamp='1'>"), "Clover");
        assert_eq!(foreign("<testExecutions version='1'>"), "SonarQube test executions");
        assert_eq!(foreign("<results version=\"2\">\n <cppcheck version='2'/>"), "Cppcheck XML");
        assert_eq!(foreign("{\"/a.js\":{\"path\":\"/a.js\",\"statementMap\":{"), "Istanbul JSON");
        assert_eq!(foreign("{\"generator\":\"Robot 7.5 (Python 3.11)\",\"generated\":\"\"}"), "Robot Framework JSON");
        assert_eq!(foreign("\n##teamcity[testCount count='1']\n"), "TeamCity messages");
        assert_eq!(detect(b"\x1f\x8b\x08\0\0"), Detected::Foreign("gzip"));
        assert_eq!(detect(b"PK\x03\x04\x14"), Detected::Foreign("a zip archive"));
        assert_eq!(foreign("<coverage version=\"1\"><file path='a'>"), "SonarQube coverage");
        assert_eq!(foreign(r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#), "CycloneDX");
        assert_eq!(foreign("<bom xmlns='http://cyclonedx.org/schema/bom/1.4'>"), "CycloneDX");
    }

    #[test]
    fn two_candidates_are_ambiguous_and_none_is_unknown() {
        assert_eq!(detect(b"TAP version 13\nrunning 1 test\n"), Detected::Ambiguous(vec!["TAP", "libtest text"]));
        assert_eq!(detect(br#"{"bomFormat":"CycloneDX","runs":[]}"#), Detected::Ambiguous(vec!["SARIF", "CycloneDX"]));
        for text in
            ["", " ", "hello", "{", "[", "<", "<!--", "<!DOCTYPE", "{\"a", "[1,2]", "{\"x\":{\"runs\":1}}", "]}"]
        {
            assert_eq!(detect(text.as_bytes()), Detected::Unknown, "{text}");
        }
    }
}
