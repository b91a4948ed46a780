//! `evidence facts`: what a report means, said by the program without ledger or repository.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn facts(words: &[&str]) -> Ran {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/reports");
    let mut command = Command::new(env!("CARGO_BIN_EXE_evidence"));
    command.current_dir(folder).arg("facts").args(words).env_clear();
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn a_report_that_fails_is_read_and_its_failures_are_named() {
    let ran = facts(&["go-panic.jsonl"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let wanted = "gotest, read by gotest/1: fail\ntests: 5 of 8 pass, 2 failed, 1 skipped, 0 unknown, 0 flaky\n  failed: example.test/shop/panics > TestOuter/inner\n  failed: example.test/shop/panics > TestOuter\nwhy fail: 2 of 8 tests failed\n";
    assert_eq!(ran.stdout, wanted);
}

#[test]
fn coverage_is_told_by_file() {
    let ran = facts(&["coverage-py.lcov"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("coverage: 18 of 22 lines run in 3 files, 81 %\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("  6 of 8 lines: shop.py\n"), "{}", ran.stdout);
    let none = facts(&["coverage-py-empty.lcov"]);
    assert_eq!(none.code, 0);
    assert!(
        none.stdout.starts_with("lcov, read by lcov/1: inconclusive\ncoverage: 0 of 0 lines run in 0 files, no data\n")
    );
}

#[test]
fn mutants_that_survive_and_tests_that_notice_nothing_are_named() {
    let ran = facts(&["survive.stryker"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("\n  survived: src/prices.js:8 EqualityOperator: coupon >= price\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\n  uncovered: src/prices.js:15 ArithmeticOperator: a / 2\n"), "{}", ran.stdout);
    let idle = "tests that no mutant makes fail: 1 (of each mutant the first that does is named, and others may have come second)\n  test/prices.js > prices says nothing\n";
    assert!(ran.stdout.contains(idle), "{}", ran.stdout);
    let answer: Value = serde_json::from_str(&facts(&["survive.stryker", "--json"]).stdout).unwrap();
    assert_eq!(answer["idleTests"], serde_json::json!(["test/prices.js > prices says nothing"]));
    let killed = answer["mutants"].as_array().unwrap().iter().filter(|mutant| mutant["state"] == "killed");
    assert!(
        killed.clone().count() > 0 && killed.clone().all(|mutant| !mutant["killers"].as_array().unwrap().is_empty())
    );
}

#[test]
fn measurements_are_told_with_their_intervals() {
    let ran = facts(&["once.hyperfine"]);
    assert!(
        ran.stdout.contains("measurements: 1\n  3.955 ms, of one value, no interval, lower is better: true\n"),
        "{}",
        ran.stdout
    );
    let answer: Value = serde_json::from_str(&facts(&["go-count.go-bench", "--json"]).stdout).unwrap();
    let measured = answer["measurements"].as_array().unwrap();
    assert_eq!(measured.len(), 10);
    assert!(measured.iter().all(|it| it["hasInterval"] == true));
}

#[test]
fn the_answer_in_json_holds_the_facts_and_what_they_were_counted_from() {
    let ran = facts(&["bandit.sarif", "--json"]);
    assert_eq!(ran.code, 0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["format"], "sarif");
    assert!(!answer["findings"].as_array().unwrap().is_empty());
    let golden =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/reports/bandit.sarif.facts.json"));
    assert_eq!(answer["facts"], serde_json::from_str::<Value>(&golden.unwrap()).unwrap());
}

#[test]
fn a_surface_is_told_by_name_and_a_list_of_names_only_if_it_is_said_to_be_one() {
    let ran = facts(&["strawberry.graphql"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.starts_with("graphql, read by graphql/1: pass\nnames: "), "{}", ran.stdout);
    assert!(ran.stdout.contains("  Query.order(id: ID!): Order\n"), "{}", ran.stdout);
    assert_eq!(facts(&["commands.names"]).code, 2);
    let told = facts(&["commands.names", "--format", "names", "--json"]);
    let answer: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(answer["names"][0]["name"], "shop order new");
    assert_eq!(answer["facts"]["names"]["count"], 3);
}

#[test]
fn an_unreadable_report_is_refused_with_its_place() {
    let ran = facts(&["hostile/go-foreign-line.jsonl"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("go-foreign-line.jsonl: line 6, column 1: not strict JSON"), "{}", ran.stderr);
    let ran = facts(&["hostile/go-foreign-line.jsonl", "--json"]);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, answer["error"]["exit"].as_u64()), (2, Some(2)));
}

#[test]
fn a_format_that_is_unknown_ambiguous_or_wrong_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let both = file("both", "mode: set\nSF:a.rs\nend_of_record\n");
    let ran = facts(&[&both]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("it could be Go cover profile or LCOV\nhint: say which: --format"), "{}", ran.stderr);
    assert!(facts(&[&both, "--format", "lcov"]).stderr.contains("line 1, column 1: found `mode: set`"));
    assert!(facts(&[&both, "--format", "x"]).stderr.contains("`x` is not a report format; wanted junit, "));
    assert!(facts(&[&file("new", "hello")]).stderr.contains("its format is none that is known"));
    assert!(facts(&[&file("old", "<test-results/>")]).stderr.contains("this is NUnit 2, which no reader here reads"));
    assert_eq!(facts(&["not-there"]).code, 2);
}

#[test]
fn a_report_is_named_with_its_format_or_comes_in_by_standard_input() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/reports");
    let of_file = facts(&["coverage-py.lcov"]).stdout;
    assert_eq!(facts(&["lcov=coverage-py.lcov"]).stdout, of_file);
    for words in [["facts", "-"], ["facts", "lcov=-"], ["facts", "/dev/stdin"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evidence"));
        let input = fs::File::open(folder.join("coverage-py.lcov")).unwrap();
        let output = command.args(words).env_clear().stdin(input).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), of_file, "{words:?}");
    }
    // A pipe is read once, as `evidence facts <(COMMAND)` gives one.
    let mut piped = Command::new("cat").arg(folder.join("coverage-py.lcov")).stdout(Stdio::piped()).spawn().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_evidence"));
    let output =
        command.args(["facts", "/dev/stdin"]).env_clear().stdin(piped.stdout.take().unwrap()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), of_file, "{}", String::from_utf8_lossy(&output.stderr));
    assert!(piped.wait().unwrap().success());
    let ran = facts(&["junit=coverage-py.lcov"]);
    assert!(ran.code == 2 && ran.stdout.is_empty(), "{}", ran.stderr);
}
