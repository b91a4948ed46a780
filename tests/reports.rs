//! Reports of real tools and of attackers against their golden facts, and random ones against the rules.
//!
//! Beside each report `X.<ext>` under `testdata/reports` lies either `X.<ext>.facts.json` with the facts or
//! `X.<ext>.refused.txt` with the sentence of the refusal. `EVIDENCE_REGENERATE=1 cargo test --test reports` writes them anew:
//! look at the difference, it is a change of a format.

use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use evidence_ledger::model::{Facts, MutationFacts, Outcome};
use evidence_ledger::reports::{Cause, Detected, Format, detect, limits, read, read_report};
use proptest::prelude::*;

#[test]
fn reports_have_their_golden_facts() {
    let reports = reports();
    assert!(reports.len() > 40, "found {}", reports.len());
    for report in reports {
        let (file, text) = golden(&report);
        let kept = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(kept, text, "{}", file.display());
        let is_facts = file.to_string_lossy().ends_with(".facts.json");
        let twin = sibling(&report, if is_facts { ".refused.txt" } else { ".facts.json" });
        assert!(!twin.exists(), "{} is left over", twin.display());
    }
}

#[test]
fn golden_facts_are_written_when_asked_for() {
    if std::env::var_os("EVIDENCE_REGENERATE").is_none() {
        return;
    }
    for report in reports() {
        let (file, text) = golden(&report);
        fs::write(file, text).unwrap();
    }
}

#[test]
fn real_reports_are_detected() {
    // No content says that it is a list of names.
    let told = |path: &&PathBuf| !path.to_string_lossy().contains("hostile") && format_of(path) != Format::Names;
    for report in reports().iter().filter(told) {
        let bytes = fs::read(report).unwrap();
        let head = &bytes[..bytes.len().min(limits::HEAD_BYTES)];
        let wanted = match report.file_name().unwrap().to_str().unwrap() {
            // Whoever gives these has to say which they are.
            "none.google-benchmark" | "go-none.go-bench" => Detected::Unknown,
            "go-json.go-bench" => Detected::One(Format::GoTest),
            _ => Detected::One(format_of(report)),
        };
        assert_eq!(detect(head), wanted, "{}", report.display());
    }
}

#[test]
fn facts_do_not_depend_on_how_the_bytes_arrive_or_what_is_kept() {
    for report in reports() {
        let bytes = fs::read(&report).unwrap();
        let format = format_of(&report);
        let whole = read(format, &mut bytes.as_slice());
        for size in [1, 7, 4_096] {
            let mut narrow = BufReader::with_capacity(size, bytes.as_slice());
            assert_eq!(read(format, &mut narrow), whole, "{} by {size}", report.display());
        }
        let detailed = read_report(format, &mut bytes.as_slice());
        if let Ok(report) = &detailed {
            let tests = report.facts.tests.as_ref().map_or(0, |tests| tests.total);
            assert_eq!(u64::try_from(report.cases.len()).unwrap(), tests);
            let counted = |found: usize, wanted: Option<u64>| {
                assert_eq!(u64::try_from(found).unwrap(), wanted.unwrap_or(0));
            };
            let mutants = |it: &MutationFacts| it.killed + it.timeout + it.survived + it.uncovered + it.invalid;
            counted(report.mutants.len(), report.facts.mutation.as_ref().map(mutants));
            counted(report.measurements.len(), report.facts.measurements.as_ref().map(|it| it.count));
            assert!(report.measurements.iter().all(|it| it.low <= it.middle && it.middle <= it.high));
            let names = report.facts.names.as_ref().map_or(0, |names| names.count);
            assert_eq!(u64::try_from(report.names.len()).unwrap(), names);
        }
        assert_eq!(detailed.map(|report| report.facts), whole);
    }
}

#[test]
fn formats_of_one_run_show_the_same_lines() {
    for same in [&["coverage-py.lcov", "coverage-py.cobertura"], &["clang.lcov", "clang.llvm-cov"]] {
        let lines = |name: &&str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/reports").join(name);
            read(format_of(&path), &mut fs::read(&path).unwrap().as_slice()).unwrap().coverage.unwrap()
        };
        let first = lines(&same[0]);
        assert!(first.lines > 0);
        assert!(same.iter().all(|name| lines(name) == first), "{same:?}");
    }
}

#[test]
fn both_shapes_of_a_k6_summary_come_to_the_same_outcome() {
    for run in ["pass", "fail", "nosample"] {
        let outcome = |shape: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/reports").join(format!("{run}-{shape}.k6"));
            let facts = read(Format::K6, &mut fs::read(path).unwrap().as_slice()).unwrap();
            (facts.outcome, facts.reasons, facts.measurements.unwrap().count)
        };
        assert_eq!(outcome("handled"), outcome("exported"), "{run}");
    }
}

#[test]
fn spellings_of_one_surface_name_the_same() {
    let names = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/reports").join(name);
        read(format_of(&path), &mut fs::read(&path).unwrap().as_slice()).unwrap().names.unwrap()
    };
    let sdl = names("strawberry.graphql");
    assert!(sdl.count > 10);
    assert_eq!(names("graphql-js-introspection.graphql"), sdl);
    // Two responses were added to the one that is YAML.
    assert_eq!(names("fastapi-yaml.openapi").count, names("fastapi.openapi").count + 2);
}

#[test]
fn what_is_read_in_parts_may_be_larger_than_what_is_held() {
    let filler = format!("\"x\":\"{}\"", "y".repeat(1 << 20));
    let read_long = |format, before: &str, element: &str, after: &str| {
        let elements = usize::try_from(limits::TREE_BYTES_MAX >> 20).unwrap() + 1;
        let element = |index: usize| {
            let comma = if index > 0 { "," } else { "" };
            format!("{comma}{}{filler}}}", element.replace("INDEX", &index.to_string()))
        };
        let pieces = std::iter::once(before.to_owned()).chain((0..elements).map(element)).chain([after.to_owned()]);
        read(format, &mut BufReader::new(Pieces { pieces, left: Vec::new(), at: 0 }))
    };
    let tests =
        read_long(Format::Ctrf, "{\"results\":{\"tests\":[", "{\"name\":\"INDEX\",\"status\":\"passed\",", "]}}");
    assert_eq!(tests.unwrap().tests.unwrap().passed, 65);
    let files = "{\"meta\":{\"version\":\"7\"},\"files\":{";
    let file = "\"INDEX.py\":{\"executed_lines\":[1],\"missing_lines\":[],";
    assert_eq!(read_long(Format::CoveragePy, files, file, "}}").unwrap().coverage.unwrap().files, 65);
    let end = "]}],\"type\":\"llvm.coverage.json.export\",\"version\":\"2.0.1\"}";
    let file = "{\"filename\":\"INDEX.c\",\"segments\":[[1,1,1,true,true,false],[2,1,0,false,false,false]],";
    let lines = read_long(Format::LlvmCov, "{\"data\":[{\"files\":[", file, end).unwrap();
    assert_eq!(lines.coverage.unwrap().files, 65);
    // What its results mean is known at the end only.
    let results = read_long(Format::Sarif, "{\"version\":\"2.1.0\",\"runs\":[{\"results\":[", "{", "]}]}");
    assert_eq!(results.unwrap_err().cause, Cause::TooLarge { bytes_max: limits::TREE_BYTES_MAX });
}

/// A long text that is never there as a whole.
struct Pieces<I> {
    pieces: I,
    left: Vec<u8>,
    at: usize,
}

impl<I: Iterator<Item = String>> Read for Pieces<I> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.left.len() {
            (self.left, self.at) = (self.pieces.next().unwrap_or_default().into_bytes(), 0);
        }
        let count = (&self.left[self.at..]).read(out)?;
        self.at += count;
        Ok(count)
    }
}

#[test]
fn a_huge_name_is_refused() {
    let text = format!("<testsuite><testcase name='{}'/></testsuite>", "n".repeat(100_000));
    let error = read(Format::Junit, &mut text.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 12: attribute `name` has 100000 bytes; wanted at most 65536");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn readers_never_panic_on_mutated_reports(
        seed in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..12),
        end in prop::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        let reports = reports();
        let mut bytes = fs::read(&reports[seed.index(reports.len())]).unwrap();
        for (place, byte, kind) in edits {
            let at = place.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => { bytes.remove(at); }
                2 if at < bytes.len() => bytes[at] = byte,
                // The rest twice, the first time without its beginning.
                _ => {
                    let rest = bytes.split_off(at);
                    bytes.extend(rest.iter().skip(usize::from(byte)));
                    bytes.extend(rest);
                }
            }
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len() + 1));
        }
        let _ = detect(&bytes);
        for format in Format::ALL {
            let first = read(format, &mut bytes.as_slice());
            prop_assert_eq!(&first, &read(format, &mut bytes.as_slice()));
        }
    }

    #[test]
    fn junit_cannot_be_improved_by_leaving_out_a_pass_or_adding_a_failure(
        cases in prop::collection::vec(case(), 0..8),
        declared in prop::option::of(0_u64..4),
        at in any::<prop::sample::Index>(),
    ) {
        let before = outcome(Format::Junit, &junit(&cases, declared));
        for after in altered(&cases, at) {
            let after = outcome(Format::Junit, &junit(&after, declared));
            prop_assert!(before == Some(Outcome::Pass) || after != Some(Outcome::Pass));
        }
    }

    #[test]
    fn libtest_cannot_be_improved_by_leaving_out_a_pass_or_adding_a_failure(
        cases in prop::collection::vec(case(), 0..8),
        honest in any::<bool>(),
        at in any::<prop::sample::Index>(),
    ) {
        let summary = libtest_summary(&cases);
        let before = outcome(Format::Libtest, &libtest(&cases, &summary));
        for after in altered(&cases, at) {
            let summary = if honest { libtest_summary(&after) } else { summary.clone() };
            let after = outcome(Format::Libtest, &libtest(&after, &summary));
            prop_assert!(before == Some(Outcome::Pass) || after != Some(Outcome::Pass));
        }
    }

    #[test]
    fn other_test_reports_cannot_be_improved_by_leaving_out_a_pass_or_adding_a_failure(
        cases in prop::collection::vec(case(), 0..8),
        honest in any::<bool>(),
        at in any::<prop::sample::Index>(),
    ) {
        for (format, print) in [(Format::GoTest, gotest as fn(&[Case], &[Case]) -> String), (Format::Tap, tap), (Format::Ctrf, ctrf)] {
            let before = outcome(format, &print(&cases, &cases));
            for after in altered(&cases, at) {
                // A dishonest report has the totals of what it was before.
                let after = outcome(format, &print(&after, if honest { &after } else { &cases }));
                prop_assert!(before == Some(Outcome::Pass) || after != Some(Outcome::Pass), "{format}");
            }
        }
    }

    #[test]
    fn coverage_does_not_depend_on_order_repetition_or_format(
        lines in prop::collection::vec((0_u8..3, 1_u64..30, any::<bool>()), 1..20),
        at in any::<prop::sample::Index>(),
    ) {
        let mut turned = lines.clone();
        turned.rotate_left(at.index(lines.len()));
        turned.push(lines[0]);
        let coverage = |format, text: &str| facts(format, text).unwrap().coverage.unwrap();
        let wanted = coverage(Format::Lcov, &lcov(&lines));
        prop_assert!(wanted.covered <= wanted.lines);
        prop_assert_eq!(&coverage(Format::Lcov, &lcov(&turned)), &wanted);
        prop_assert_eq!(&coverage(Format::Cobertura, &cobertura(&lines)), &wanted);
        prop_assert_eq!(&coverage(Format::Jacoco, &jacoco(&lines)), &wanted);
        prop_assert_eq!(&coverage(Format::GoCover, &go_cover(&lines)), &wanted);
        let less: Vec<_> = lines.iter().map(|(file, line, _)| (*file, *line, false)).collect();
        prop_assert_eq!(coverage(Format::Lcov, &lcov(&less)).lines, wanted.lines);
    }

    #[test]
    fn counts_and_names_do_not_depend_on_the_order(cases in prop::collection::vec(case(), 1..8), at in any::<prop::sample::Index>()) {
        let mut turned = cases.clone();
        turned.rotate_left(at.index(cases.len()));
        prop_assert_eq!(facts(Format::Junit, &junit(&cases, None)), facts(Format::Junit, &junit(&turned, None)));
    }

    #[test]
    fn the_facts_add_up(cases in prop::collection::vec(case(), 0..8)) {
        let tests = facts(Format::Junit, &junit(&cases, None)).unwrap().tests.unwrap();
        prop_assert_eq!(tests.total, u64::try_from(cases.len()).unwrap());
        prop_assert_eq!(tests.total, tests.passed + tests.failed + tests.skipped + tests.unknown);
        prop_assert!(tests.flaky <= tests.passed);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Passed,
    Failed,
    Errored,
    Skipped,
    Flaky,
    Unknown,
    StatusFailed,
}

type Case = (u8, Said);

fn case() -> impl Strategy<Value = Case> {
    let said = prop_oneof![
        4 => Just(Said::Passed),
        1 => Just(Said::Failed),
        1 => Just(Said::Errored),
        2 => Just(Said::Skipped),
        1 => Just(Said::Flaky),
        1 => Just(Said::Unknown),
        1 => Just(Said::StatusFailed),
    ];
    (0_u8..5, said)
}

/// Returns the cases without one of the passed, and the cases with a failure more.
fn altered(cases: &[Case], at: prop::sample::Index) -> Vec<Vec<Case>> {
    let mut more = cases.to_vec();
    more.insert(at.index(cases.len() + 1), (9, Said::Failed));
    let mut all = vec![more];
    for (index, (_, said)) in cases.iter().enumerate() {
        if *said == Said::Passed {
            let mut fewer = cases.to_vec();
            fewer.remove(index);
            all.push(fewer);
        }
    }
    all
}

fn junit(cases: &[Case], declared: Option<u64>) -> String {
    let mut text = "<testsuites>".to_owned();
    text += &declared.map_or("<testsuite>".to_owned(), |count| format!("<testsuite failures='{count}'>"));
    for (name, said) in cases {
        text += &match said {
            Said::Passed => format!("<testcase name='{name}'/>"),
            Said::Failed => format!("<testcase name='{name}'><failure/></testcase>"),
            Said::Errored => format!("<testcase name='{name}'><skipped/><error/></testcase>"),
            Said::Skipped => format!("<testcase name='{name}' status='notrun'/>"),
            Said::Flaky => format!("<testcase name='{name}'><flakyFailure/></testcase>"),
            Said::Unknown => format!("<testcase name='{name}' status='new'/>"),
            Said::StatusFailed => format!("<testcase name='{name}' result='failed'/>"),
        };
    }
    text + "</testsuite></testsuites>"
}

fn libtest_summary(cases: &[Case]) -> String {
    let count = |wanted: &str| cases.iter().filter(|(_, said)| libtest_word(*said) == wanted).count();
    let (passed, failed, ignored) = (count("ok"), count("FAILED"), count("ignored"));
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    format!("test result: {verdict}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; 0 filtered out\n")
}

fn libtest(cases: &[Case], summary: &str) -> String {
    let plural = if cases.len() == 1 { "" } else { "s" };
    let lines: String =
        cases.iter().map(|(name, said)| format!("test t{name} ... {}\n", libtest_word(*said))).collect();
    format!("running {} test{plural}\n{lines}\n{summary}", cases.len())
}

fn libtest_word(said: Said) -> &'static str {
    match said {
        Said::Passed | Said::Flaky => "ok",
        Said::Failed | Said::Errored | Said::StatusFailed => "FAILED",
        Said::Skipped | Said::Unknown => "ignored",
    }
}

/// Prints what `go test -json` would; the package ends as `ended` says.
fn gotest(cases: &[Case], ended: &[Case]) -> String {
    let event = |action: &str, test: &str| format!("{{\"Action\":\"{action}\",\"Package\":\"p\"{test}}}\n");
    let mut text = event("start", "");
    for (name, said) in cases {
        let test = format!(",\"Test\":\"T{name}\"");
        text += &event("run", &test);
        text += &match said {
            Said::Passed | Said::Flaky => event("pass", &test),
            Said::Failed | Said::Errored | Said::StatusFailed => event("fail", &test),
            Said::Skipped => event("skip", &test),
            Said::Unknown => String::new(),
        };
    }
    text + &event(if ended.iter().any(|(_, said)| libtest_word(*said) == "FAILED") { "fail" } else { "pass" }, "")
}

/// Prints TAP; the plan is that of `planned`.
fn tap(cases: &[Case], planned: &[Case]) -> String {
    let mut text = format!("1..{}\n", planned.len());
    for (index, (name, said)) in cases.iter().enumerate() {
        text += &match said {
            Said::Passed | Said::Flaky => format!("ok {} - t{name}\n", index + 1),
            Said::Failed | Said::Errored | Said::StatusFailed => format!("not ok {} - t{name}\n", index + 1),
            Said::Skipped => format!("ok {} - t{name} # SKIP\n", index + 1),
            Said::Unknown => format!("not ok {} - t{name} # TODO\n", index + 1),
        };
    }
    text
}

/// Prints CTRF; the summary is that of `summed`.
fn ctrf(cases: &[Case], summed: &[Case]) -> String {
    let test = |(name, said): &Case| {
        let status = match said {
            Said::Passed => "passed",
            Said::Flaky => "passed\",\"retries\":1,\"rawStatus\":\"x",
            Said::Failed | Said::Errored | Said::StatusFailed => "failed",
            Said::Skipped => "pending",
            Said::Unknown => "other",
        };
        format!("{{\"name\":\"{name}\",\"status\":\"{status}\"}}")
    };
    let tests: Vec<String> = cases.iter().map(test).collect();
    format!("{{\"results\":{{\"summary\":{{\"tests\":{}}},\"tests\":[{}]}}}}", summed.len(), tests.join(","))
}

type CoverageLine = (u8, u64, bool);

fn lcov(lines: &[CoverageLine]) -> String {
    let record =
        |(file, line, run): &CoverageLine| format!("SF:p/{file}.x\nDA:{line},{}\nend_of_record\n", u8::from(*run));
    lines.iter().map(record).collect()
}

fn cobertura(lines: &[CoverageLine]) -> String {
    let class = |(file, line, run): &CoverageLine| {
        format!("<class filename='p/{file}.x'><lines><line number='{line}' hits='{}'/></lines></class>", u8::from(*run))
    };
    format!("<coverage line-rate='1'>{}</coverage>", lines.iter().map(class).collect::<String>())
}

fn jacoco(lines: &[CoverageLine]) -> String {
    let source = |(file, line, run): &CoverageLine| {
        format!("<sourcefile name='{file}.x'><line nr='{line}' ci='{}'/></sourcefile>", u8::from(*run))
    };
    format!("<report><package name='p'>{}</package></report>", lines.iter().map(source).collect::<String>())
}

fn go_cover(lines: &[CoverageLine]) -> String {
    let block = |(file, line, run): &CoverageLine| format!("p/{file}.x:{line}.1,{line}.9 1 {}\n", u8::from(*run));
    format!("mode: set\n{}", lines.iter().map(block).collect::<String>())
}

fn facts(format: Format, text: &str) -> Option<Facts> {
    read(format, &mut text.as_bytes()).ok()
}

fn outcome(format: Format, text: &str) -> Option<Outcome> {
    facts(format, text).map(|facts| facts.outcome)
}

fn reports() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/reports");
    let mut found = Vec::new();
    for folder in [root.clone(), root.join("hostile")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_no_report = name.starts_with(".git")
                || name == "README.md"
                || name.ends_with(".facts.json")
                || name.ends_with(".refused.txt");
            if path.is_file() && !is_no_report {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn format_of(report: &Path) -> Format {
    match report.extension().unwrap().to_str().unwrap() {
        "xml" => Format::Junit,
        "sarif" => Format::Sarif,
        "txt" => Format::Libtest,
        "jsonl" => Format::GoTest,
        "tap" => Format::Tap,
        "jacoco" => Format::Jacoco,
        "coverage-py" => Format::CoveragePy,
        "llvm-cov" => Format::LlvmCov,
        "ctrf" => Format::Ctrf,
        "cover" => Format::GoCover,
        "lcov" => Format::Lcov,
        "cobertura" => Format::Cobertura,
        "cargo-mutants" => Format::CargoMutants,
        "stryker" => Format::Stryker,
        "pit" => Format::Pit,
        "hyperfine" => Format::Hyperfine,
        "criterion" => Format::Criterion,
        "google-benchmark" => Format::GoogleBenchmark,
        "pytest-benchmark" => Format::PytestBenchmark,
        "go-bench" => Format::GoBench,
        "k6" => Format::K6,
        "names" => Format::Names,
        "public-api" => Format::PublicApi,
        "nunit" => Format::Nunit,
        "xunit" => Format::Xunit,
        "trx" => Format::Trx,
        "robot" => Format::Robot,
        "checkstyle" => Format::Checkstyle,
        "sonar" => Format::Sonar,
        "openapi" => Format::OpenApi,
        "graphql" => Format::Graphql,
        other => panic!("{other}"),
    }
}

fn sibling(report: &Path, suffix: &str) -> PathBuf {
    let mut name = report.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Returns the golden file of a report and what is to stand in it.
fn golden(report: &Path) -> (PathBuf, String) {
    match read(format_of(report), &mut fs::read(report).unwrap().as_slice()) {
        Ok(facts) => (sibling(report, ".facts.json"), serde_json::to_string_pretty(&facts).unwrap() + "\n"),
        Err(error) => (sibling(report, ".refused.txt"), format!("{error}\n")),
    }
}
