//! Tests that mean something: a shop with a test runner of its own, which writes JUnit, and whoever adds tests that show nothing.

mod common;
#[expect(dead_code, reason = "a part of the pen is enough here")]
#[path = "common/forge.rs"]
mod forge;

use std::fs;
use std::process::{Command, Stdio};

use common::{Ran, Rig, Verdict, wait_for};
use evidence_ledger::crypto::Envelope;
use evidence_ledger::model::{Predicate, Purpose, Run, Statement};
use forge::{Forge, oid, start};
use serde_json::json;

/// Runs each file of tests by itself. One that says `needs two` does not build without it.
const RUNNER: &str = r#"
if cat tests/*.sh units/*.sh 2>/dev/null | grep -q 'needs two' && ! grep -q two src/lib.rs; then echo broken >&2; exit 2; fi
mkdir -p out
fail=0
{
  echo '<testsuite name="cart">'
  for file in tests/*.sh units/*.sh; do
    [ -e "$file" ] || continue
    echo "<testcase file=\"$file\" name=\"$(sh "$file" name)\">"
    sh "$file"
    case $? in
      0) ;;
      3) echo '<skipped/>' ;;
      *) echo '<failure/>'; fail=1 ;;
    esac
    echo '</testcase>'
  done
  echo '</testsuite>'
} > out/t.xml
exit $fail
"#;

const MEANS: &str = "[ \"$1\" = name ] && echo two is there && exit\ngrep -q two src/lib.rs\n";
const EMPTY: &str = "[ \"$1\" = name ] && echo nothing\ntrue\n";
const OLD: &str = "[ \"$1\" = name ] && echo old && exit\ngrep -q . src/lib.rs\n";
const PATHS: &str = "{ paths = [\"tests/**\"] }";

/// A shop with a runner and one test on its branch, and a change that is planned.
fn shop() -> Rig {
    shop_with(PATHS)
}

fn shop_with(differential: &str) -> Rig {
    shop_of(differential, "")
}

fn shop_of(differential: &str, more: &str) -> Rig {
    shop_on(differential, more, &[])
}

/// A shop whose branch has these files besides.
fn shop_on(differential: &str, more: &str, files: &[(&str, &str)]) -> Rig {
    let tests = format!("tests = {{ failed_max = 0, differential = {differential} }}{more}");
    let low = ("[tier.low]\nrequire = [\"build\"]", "[tier.low]\nrequire = [\"unit-tests\"]");
    let rig = Rig::with(&[("tests = { passed_min = 2, failed_max = 0 }", &tests), low]);
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("run.sh", RUNNER);
    rig.commit("tests/old.sh", OLD);
    for (path, text) in files {
        rig.commit(path, text);
    }
    rig.git(&["checkout", "-q", "-B", "feature"]);
    rig.commit("src/lib.rs", "two\n");
    rig.plan("low");
    rig
}

const RUN: [&str; 4] = ["attest", "unit-tests", "--report", "out/t.xml"];

fn attest(rig: &Rig, more: &[&str]) -> Ran {
    rig.by("ci-1", &[&RUN[..], more, &["--", "sh", "run.sh"]].concat())
}

fn judged(rig: &Rig) -> Verdict {
    let ran = attest(rig, &["--on-base"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(rig.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(rig.git(&["status", "--porcelain"]), "");
    let verdict = rig.verify();
    audited(rig, verdict.code);
    verdict
}

/// The auditor comes to the same by the bundle alone.
fn audited(rig: &Rig, code: i32) {
    rig.ok("ci-1", &["export", "-o", "../bundle.zip"]);
    let ran = rig.by("stranger", &["audit", "../bundle.zip", "--trust", ".evidence/trust.toml"]);
    assert_eq!(ran.code, code, "{ran:?}");
}

fn numbers(verdict: &Verdict) -> &str {
    verdict.accepted();
    verdict.json["requirements"][0]["numbers"].as_str().unwrap()
}

fn refused(rig: &Rig, code: &str, why: &str) {
    let verdict = judged(rig);
    verdict.refused(&[code]);
    found(&verdict, why);
}

fn found(verdict: &Verdict, why: &str) {
    let text = verdict.json["findings"].to_string();
    assert!(text.contains(why), "wanted `{why}`: {:#}", verdict.json["findings"]);
}

#[test]
fn test_that_fails_on_the_base_is_accepted_and_an_empty_one_is_not() {
    let rig = shop();
    rig.commit("tests/new.sh", MEANS);
    let verdict = judged(&rig);
    let said = numbers(&verdict);
    assert_eq!(said, "1 added test, it fails on the base; 1 file of tests changed; 2 of 2 tests pass");
    rig.commit("tests/nothing.sh", EMPTY);
    refused(&rig, "E270", "1 of 2 added tests does not fail on the base: cart > tests/nothing.sh > nothing");
    rig.git(&["rm", "-q", "tests/nothing.sh"]);
    rig.git(&["commit", "-q", "-m", "taken back"]);
    judged(&rig).accepted();
}

#[test]
fn what_ran_on_the_base_is_recorded_and_told() {
    let rig = shop();
    rig.commit("tests/new.sh", MEANS);
    let ran = attest(&rig, &["--on-base", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let said = ran.json();
    let on_base = &said["onBase"];
    assert_eq!((on_base["tests"].clone(), said["outcome"].clone()), (json!(["tests/**"]), json!("pass")));
    assert_eq!(on_base["commit"].as_str().unwrap(), rig.git(&["rev-parse", "main"]));
    assert_eq!(on_base["plain"]["tree"].as_str().unwrap(), rig.git(&["rev-parse", "main^{tree}"]));
    assert_ne!(on_base["withTests"]["tree"], on_base["plain"]["tree"]);
    assert_eq!(on_base["plain"]["command"]["ended"], json!({"how": "exited", "code": 0}));
    assert_eq!(on_base["withTests"]["command"]["ended"], json!({"how": "exited", "code": 1}));
    assert_eq!(on_base["withTests"]["facts"][0]["facts"]["tests"]["failed"], 1);
    assert_eq!(on_base["plain"]["facts"][0]["facts"]["tests"]["total"], 1);
    // The ledger keeps what it rests on, and looks for it.
    let material = on_base["withTests"]["materials"][0]["sha256"].as_str().unwrap();
    assert_eq!(rig.by("stranger", &["ledger", "check"]).code, 0);
    let blob = find(&rig.repo().join(".git/evidence"), material);
    fs::remove_file(blob).unwrap();
    let ran = rig.by("stranger", &["ledger", "check", "--json"]);
    assert!(ran.out.contains(material), "{ran:?}");
    rig.verify().refused(&["E216", "E271"]);
}

/// Finds a file by the end of its name.
fn find(folder: &std::path::Path, name: &str) -> std::path::PathBuf {
    let output = Command::new("find").arg(folder).args(["-type", "f"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let all = text.lines().find(|line| line.replace('/', "").ends_with(name) || line.ends_with(&name[2..]));
    all.unwrap_or_else(|| panic!("{name} in {text}")).into()
}

#[test]
fn change_that_touches_no_test_says_so() {
    let rig = shop();
    assert!(numbers(&judged(&rig)).starts_with("no tests added or changed; "));
    rig.git(&["rm", "-q", "tests/old.sh"]);
    rig.git(&["commit", "-q", "-m", "a test less"]);
    // A test that moves away from the patterns leaves a run that shows none.
    rig.commit("units/old.sh", OLD);
    refused(&rig, "E271", "the command ended with 0 and shows no test");
}

#[test]
fn deleted_test_is_no_added_one() {
    let rig = shop();
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("tests/other.sh", &OLD.replace("old", "other"));
    rig.git(&["checkout", "-q", "-B", "feature"]);
    rig.commit("src/lib.rs", "two again\n");
    rig.ok("planner", &["plan", common::CHANGE, "--tier", "low", "--base", "main", "--reason", "rebased"]);
    rig.git(&["rm", "-q", "tests/old.sh"]);
    rig.git(&["commit", "-q", "-m", "a test less"]);
    assert!(numbers(&judged(&rig)).starts_with("no tests added or changed; "));
}

#[test]
fn changed_test_must_tell_the_head_from_the_base() {
    let rig = shop();
    rig.commit("tests/old.sh", &OLD.replace("grep -q .", "grep -q two"));
    assert!(numbers(&judged(&rig)).starts_with("no tests added; 1 file of tests changed; "));
    rig.commit("tests/old.sh", &format!("# said otherwise\n{OLD}"));
    refused(&rig, "E270", "tests/old.sh is changed, and on the base none of its 1 test fails");
    // Another test that means something does not speak for it.
    rig.commit("tests/new.sh", MEANS);
    refused(&rig, "E270", "tests/old.sh is changed, and on the base none of its 1 test fails");
}

#[test]
fn test_that_does_not_build_on_the_base_fails_there() {
    let rig = shop();
    rig.commit("tests/new.sh", &format!("# needs two\n{MEANS}"));
    let verdict = judged(&rig);
    assert!(numbers(&verdict).starts_with("1 added test, it does not run on the base; "), "{}", numbers(&verdict));
}

#[test]
fn test_that_does_not_build_there_and_names_no_file_counts_where_all_was_well_before() {
    let bare = "sh run.sh; code=$?; test ! -e out/t.xml || sed -i 's# file=\"[^\"]*\"##' out/t.xml; exit $code";
    let rig = shop();
    rig.commit("tests/new.sh", &format!("# needs two\n{MEANS}"));
    rig.ok("ci-1", &[&RUN[..], &["--on-base", "--", "sh", "-c", bare]].concat());
    let verdict = rig.verify();
    assert!(numbers(&verdict).starts_with("1 added test, it does not run on the base; "), "{}", numbers(&verdict));
    // Something failed there without the head's tests: then that is why, for all that anybody knows.
    let rig = shop();
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("tests/broken.sh", &MEANS.replace("two is there", "broken"));
    rig.git(&["checkout", "-q", "-B", "feature"]);
    rig.commit("src/lib.rs", "two\n");
    rig.ok("planner", &["plan", common::CHANGE, "--tier", "low", "--base", "main", "--reason", "rebased"]);
    rig.commit("tests/new.sh", &format!("# needs two\n{MEANS}"));
    rig.ok("ci-1", &[&RUN[..], &["--on-base", "--", "sh", "-c", bare]].concat());
    rig.verify().refused(&["E270"]);
}

/// Runs the tests of two folders as two suites; one in which a test `needs two` does not build without it. No report names a file.
const SUITES: &str = r#"
mkdir -p out
fail=0
{
  echo '<testsuites>'
  for dir in tests units; do
    if cat $dir/*.sh | grep -q 'needs two' && ! grep -q two src/lib.rs; then fail=1; continue; fi
    echo "<testsuite name=\"$dir\">"
    for file in $dir/*.sh; do
      echo "<testcase name=\"$(sh "$file" name)\">"
      sh "$file" || { echo '<failure/>'; fail=1; }
      echo '</testcase>'
    done
    echo '</testsuite>'
  done
  echo '</testsuites>'
} > out/t.xml
exit $fail
"#;

#[test]
fn suite_that_does_not_build_there_beside_one_that_runs_counts() {
    let rig = shop_on(PATHS, "", &[("suites.sh", SUITES), ("units/old.sh", OLD)]);
    let run = || {
        rig.ok("ci-1", &[&RUN[..], &["--on-base", "--", "sh", "suites.sh"]].concat());
        rig.verify()
    };
    rig.commit("tests/new.sh", &format!("# needs two\n{MEANS}"));
    let verdict = run();
    assert!(numbers(&verdict).starts_with("1 added test, it does not run on the base"), "{}", numbers(&verdict));
    // A second test of a name is another one, though no report tells them apart, and so it is where the patterns leave its file out.
    rig.commit("tests/new.sh", OLD);
    let verdict = run();
    verdict.refused(&["E270"]);
    rig.git(&["rm", "-q", "tests/new.sh"]);
    rig.commit("units/new.sh", OLD);
    let verdict = run();
    verdict.refused(&["E270"]);
    found(&verdict, "old");
    rig.git(&["rm", "-q", "units/new.sh"]);
    // A runner that leaves it out and ends well has not shown that it fails.
    rig.commit("tests/new.sh", &format!("# needs two\n{MEANS}"));
    let quiet = "sed 's/then fail=1; continue; fi/then continue; fi/' suites.sh | sh";
    rig.ok("ci-1", &[&RUN[..], &["--on-base", "--", "sh", "-c", quiet]].concat());
    rig.verify().refused(&["E270"]);
    // One whose suite runs there fails by itself.
    rig.commit("tests/new.sh", &format!("# needs nothing\n{MEANS}"));
    let verdict = run();
    assert!(numbers(&verdict).starts_with("1 added test, it fails on the base"), "{}", numbers(&verdict));
}

#[test]
fn second_test_of_a_name_is_an_added_one() {
    let rig = shop();
    rig.commit("tests/old2.sh", OLD);
    refused(&rig, "E270", "old");
    rig.commit("tests/old2.sh", &OLD.replace("grep -q . src/lib.rs", "grep -q two src/lib.rs"));
    let verdict = judged(&rig);
    assert!(numbers(&verdict).starts_with("1 added test, it fails on the base"), "{}", numbers(&verdict));
}

#[test]
fn command_that_does_not_run_on_the_base_at_all_tells_nothing() {
    let rig = shop();
    rig.commit("tests/new.sh", EMPTY);
    let run = |script: &str| {
        rig.ok("ci-1", &[&RUN[..], &["--on-base", "--", "sh", "-c", script]].concat());
        rig.verify()
    };
    // It wants what only the head has.
    let verdict = run("grep -q two src/lib.rs || exit 1; sh run.sh");
    verdict.refused(&["E270"]);
    found(&verdict, "the command does not run on the base as it is");
    let verdict = run("grep -q two src/lib.rs || exit 127; sh run.sh");
    verdict.refused(&["E271"]);
    // It ends well without a report.
    let verdict = run("test ! -e tests/new.sh || grep -q two src/lib.rs || exit 0; sh run.sh");
    verdict.refused(&["E271"]);
    found(&verdict, "the command ended with 0 and shows no test");
    let verdict = run("test ! -e tests/new.sh || grep -q two src/lib.rs || exit 127; sh run.sh");
    verdict.refused(&["E271"]);
    found(&verdict, "the command ended with 127: something that it needs was not found");
    let verdict = run("test ! -e tests/new.sh || grep -q two src/lib.rs || kill -9 $$; sh run.sh");
    verdict.refused(&["E271"]);
    found(&verdict, "signal 9 ended the command");
}

#[test]
fn report_that_lay_there_before_is_none_of_the_run() {
    let rig = shop();
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("out-t.xml", "<testsuite name='cart'><testcase name='nothing' file='tests/new.sh'/></testsuite>");
    rig.git(&["checkout", "-q", "-B", "feature"]);
    rig.commit("tests/new.sh", EMPTY);
    rig.ok("planner", &["plan", common::CHANGE, "--tier", "low", "--base", "main", "--reason", "rebased"]);
    let script = "git rev-parse --git-dir | grep -q worktrees && exit 1; sh run.sh && cp out/t.xml out-t.xml";
    rig.by("ci-1", &["attest", "unit-tests", "--report", "out-t.xml", "--on-base", "--", "sh", "-c", script]);
    rig.git(&["checkout", "-q", "--", "out-t.xml"]);
    let verdict = rig.verify();
    assert!(verdict.codes().contains(&"E271"), "{:#}", verdict.json);
    found(&verdict, "out-t.xml is older than the command");
}

#[test]
fn base_in_which_no_test_passes_tells_nothing() {
    let rig = shop();
    rig.git(&["checkout", "-q", "main"]);
    rig.commit(".gitignore", "out/\npackages\n");
    rig.git(&["checkout", "-q", "-B", "feature"]);
    rig.commit("src/lib.rs", "two\n");
    rig.ok("planner", &["plan", common::CHANGE, "--tier", "low", "--base", "main", "--reason", "rebased"]);
    rig.commit("tests/nothing.sh", EMPTY);
    rig.write("packages", "here and nowhere else");
    let run = |script: &str| {
        rig.ok("ci-1", &[&RUN[..], &["--on-base", "--", "sh", "-c", script]].concat());
        let verdict = rig.verify();
        audited(&rig, verdict.code);
        verdict
    };
    // What is not committed is missing on the base, so that each test fails there, the empty one too.
    let all_need = "test -e packages || export BROKEN=1; sed 's/sh \"$file\"$/test -z \"$BROKEN\" \\&\\& &/' run.sh > ../run.sh; sh ../run.sh";
    let verdict = run(all_need);
    verdict.refused(&["E271"]);
    found(&verdict, "on the base as it is: the one test does not pass");
    // Its twin: some fail there for what they are about, and others pass.
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("tests/broken.sh", &MEANS.replace("two is there", "broken"));
    rig.git(&["checkout", "-q", "-B", "feature"]);
    rig.commit("src/lib.rs", "two\n");
    rig.ok("planner", &["plan", common::CHANGE, "--tier", "low", "--base", "main", "--reason", "rebased"]);
    rig.commit("tests/new.sh", MEANS);
    let said =
        "1 added test, it fails on the base; 1 file of tests changed, 1 test of the base that did not pass there; ";
    let verdict = judged(&rig);
    assert!(numbers(&verdict).starts_with(said), "{}", numbers(&verdict));
}

#[test]
fn emptied_test_beside_a_real_one_is_found_by_its_class() {
    let rig = shop();
    rig.commit("tests/new.sh", MEANS);
    // As pytest writes it: no file, and the class is the path.
    let script = "sh run.sh; code=$?; sed -E 's#file=\"(tests)/(.*)\\.sh\"#classname=\"\\1.\\2\"#' out/t.xml > out/u.xml; mv out/u.xml out/t.xml; exit $code";
    let run = || {
        rig.ok("ci-1", &[&RUN[..], &["--on-base", "--", "sh", "-c", script]].concat());
        rig.verify()
    };
    let verdict = run();
    let said = "1 added test, it fails on the base; 1 file of tests changed; ";
    assert!(numbers(&verdict).starts_with(said), "{}", numbers(&verdict));
    rig.commit("tests/old.sh", &OLD.replace("grep -q . src/lib.rs", "true"));
    let verdict = run();
    verdict.refused(&["E270"]);
    found(&verdict, "tests/old.sh is changed, and on the base none of its 1 test fails");
    rig.git(&["checkout", "-q", "HEAD~1", "--", "tests/old.sh"]);
    // Of what no report knows the place, the verdict says so.
    rig.commit("tests/helper", "x");
    let verdict = run();
    assert!(
        numbers(&verdict).contains("2 files of tests changed, no report tells which tests stand in tests/helper; "),
        "{}",
        numbers(&verdict)
    );
}

#[test]
fn files_of_tests_that_the_attester_names_leave_none_out() {
    let rig = shop_with("true");
    rig.commit("tests/old.sh", &OLD.replace("grep -q . src/lib.rs", "true"));
    for (patterns, why) in
        [("zzz/**", "and no file is one"), ("run.sh", "tests stand in tests/old.sh, which the change touches")]
    {
        assert_eq!(attest(&rig, &["--on-base", "--tests", patterns]).code, 0);
        let verdict = rig.verify();
        audited(&rig, verdict.code);
        verdict.refused(&["E271"]);
        found(&verdict, why);
    }
    rig.commit("tests/old.sh", &OLD.replace("grep -q . src/lib.rs", "grep -q two src/lib.rs"));
    assert_eq!(attest(&rig, &["--on-base", "--tests", "tests/**"]).code, 0);
    let verdict = rig.verify();
    assert!(
        numbers(&verdict).contains("1 file of tests changed; files of tests as attested: tests/**; "),
        "{}",
        numbers(&verdict)
    );
}

#[test]
fn skipped_test_has_not_failed() {
    let rig = shop();
    let skips = "[ \"$1\" = name ] && echo skips && exit\ngrep -q two src/lib.rs || exit 3\n";
    rig.commit("tests/new.sh", skips);
    refused(&rig, "E270", "1 added test does not fail on the base");
    rig.commit("tests/new.sh", "[ \"$1\" = name ] && echo skips && exit\nexit 3\n");
    refused(&rig, "E270", "1 added test does not pass on the head");
}

#[test]
fn test_that_fails_on_the_base_for_want_of_its_file_is_added() {
    let rig = shop();
    rig.commit("tests/new.sh", MEANS);
    rig.commit("tests/nothing.sh", EMPTY);
    let runner = "mkdir -p out; { echo '<testsuite>'; for name in old new nothing; do echo \"<testcase name='$name'>\"; \
                  sh tests/$name.sh || echo '<failure/>'; echo '</testcase>'; done; echo '</testsuite>'; } > out/t.xml";
    rig.ok("ci-1", &[&RUN[..], &["--on-base", "--", "sh", "-c", runner]].concat());
    let verdict = rig.verify();
    verdict.refused(&["E270"]);
    found(&verdict, "1 of 2 added tests does not fail on the base: nothing");
}

#[test]
fn test_beside_the_patterns_is_no_way_around() {
    let rig = shop();
    rig.commit("units/new.sh", EMPTY);
    refused(&rig, "E270", "1 added test is not in the run on the base");
    // One that fails there makes it no better.
    rig.commit("tests/new.sh", MEANS);
    refused(&rig, "E270", "1 of 2 added tests is not in the run on the base");
}

#[test]
fn names_that_differ_from_run_to_run_tell_nothing() {
    let rig = shop();
    rig.commit("tests/new.sh", "[ \"$1\" = name ] && git rev-parse --git-dir && exit\ntrue\n");
    refused(&rig, "E271", "passes on the base, and neither head nor base have it by that name");
}

#[test]
fn without_a_run_on_the_base_there_is_no_acceptance() {
    let rig = shop();
    rig.commit("tests/new.sh", MEANS);
    assert_eq!(attest(&rig, &[]).code, 0);
    let verdict = rig.verify();
    verdict.refused(&["E271"]);
    let mend = verdict.json["findings"][0]["mend"]["command"].to_string();
    assert!(mend.contains("--on-base"), "{:#}", verdict.json["findings"]);
    judged(&rig).accepted();
}

#[test]
fn failing_head_keeps_its_own_code_and_nothing_runs_on_the_base() {
    let rig = shop();
    rig.commit("tests/new.sh", &MEANS.replace("two src", "three src"));
    let ran = attest(&rig, &["--on-base"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("nothing ran on the base"), "{ran:?}");
    rig.verify().refused(&["E202"]);
}

#[test]
fn who_attests_names_the_tests_where_the_policy_does_not() {
    let rig = shop_with("true");
    rig.commit("tests/new.sh", MEANS);
    let ran = attest(&rig, &["--on-base"]);
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.err.contains("the policy does not say where the tests of unit-tests lie"), "{ran:?}");
    assert_eq!(attest(&rig, &["--on-base", "--tests", "tests/**"]).code, 0);
    rig.verify().accepted();
    let rig = shop();
    rig.commit("tests/new.sh", MEANS);
    let ran = attest(&rig, &["--on-base", "--tests", "**"]);
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.err.contains("the policy says tests/** for unit-tests"), "{ran:?}");
    for bad in
        [&["--tests", "tests/**"][..], &["--on-base", "--report", "/out/t.xml"], &["--on-base", "--report", "../t.xml"]]
    {
        assert!([2, 125].contains(&attest(&rig, bad).code), "{bad:?}");
    }
    assert_eq!(rig.by("ci-1", &[&RUN[..], &["--on-base"]].concat()).code, 2);
}

#[test]
fn command_on_the_base_sees_no_secret_and_its_own_repository() {
    let rig = shop();
    let script = "env | grep -q '^EVIDENCE_KEY' && exit 9; test \"$(git rev-parse --show-toplevel)\" = \"$(pwd -P)\" || exit 8; \
                  test \"$PWD\" -ef . || exit 7; sh run.sh";
    let mut words = RUN.to_vec();
    words.extend(["--on-base", "--json", "--", "sh", "-c", script]);
    let mut command = rig.command("ci-1", &words);
    let ran = Ran::of(command.env("GIT_PREFIX", "nowhere/").output().unwrap());
    assert_eq!(ran.json()["onBase"]["plain"]["command"]["ended"]["code"], 0, "{ran:?}");
}

#[test]
fn interrupted_run_on_the_base_leaves_nothing_and_refuses() {
    let rig = shop();
    rig.commit("tests/new.sh", MEANS);
    let began = rig.path("began");
    let script = format!(
        "if git rev-parse --git-dir | grep -q worktrees; then pwd > {0}.tmp; mv {0}.tmp {0}; sleep 60; fi; sh run.sh",
        began.display()
    );
    let words = [&RUN[..], &["--on-base", "--", "sh", "-c", &script]].concat();
    let mut command = rig.command("ci-1", &words);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(&began);
    let place = fs::read_to_string(&began).unwrap();
    common::system("kill", &["-INT", &child.id().to_string()]);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!std::path::Path::new(place.trim()).exists(), "{place}");
    assert_eq!(rig.git(&["worktree", "list"]).lines().count(), 1);
    let verdict = rig.verify();
    verdict.refused(&["E271"]);
    found(&verdict, "the command was interrupted");
}

/// Attests, and writes what was recorded once more with something changed, by the same signer.
fn forged(rig: &Rig, change: impl FnOnce(&mut Run)) -> Verdict {
    let said = attest(rig, &["--on-base", "--json"]).json();
    rig.verify().accepted();
    let forge = Forge::of(rig);
    let raw = forge.ledger.read().unwrap().record(said["result"]["serial"].as_u64().unwrap()).unwrap();
    let payload = Envelope::parse(&raw.unwrap().envelope).unwrap().payload;
    let Predicate::Result(mut run) = Statement::parse(&payload).unwrap().predicate else { panic!("no result") };
    let (_, leaf) = forge.about(rig, "ci-1", start("unit-tests"));
    run.start = leaf;
    change(&mut run);
    forge.about(rig, "ci-1", Predicate::Result(run));
    let verdict = rig.verify();
    audited(rig, verdict.code);
    verdict
}

#[test]
fn run_whose_report_is_gone_tells_nothing_also_where_facts_are_believed() {
    let rig = shop_of(PATHS, "\nasserted = \"allow\"");
    rig.commit("tests/new.sh", MEANS);
    let said = attest(&rig, &["--on-base", "--json"]).json();
    rig.verify().accepted();
    let log = Forge::of(&rig).ledger.read().unwrap();
    let raw = log.record(said["result"]["serial"].as_u64().unwrap()).unwrap().unwrap();
    let payload = Envelope::parse(&raw.envelope).unwrap().payload;
    let Predicate::Result(run) = Statement::parse(&payload).unwrap().predicate else { panic!("no result") };
    let runs = std::iter::once(&run.materials).chain(run.base_runs().map(|run| &run.materials));
    let reports: Vec<String> =
        runs.flatten().filter(|it| it.purpose == Purpose::Report).map(|it| it.sha256.to_string()).collect();
    assert_eq!(reports.len(), 3);
    for hash in reports {
        let path = rig.repo().join(format!(".git/evidence/blobs/sha256/{}/{hash}", &hash[..2]));
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let verdict = rig.verify();
        verdict.refused(&["E271"]);
        found(&verdict, "is not there");
        fs::write(&path, bytes).unwrap();
    }
    rig.verify().accepted();
}

fn meaningful() -> Rig {
    let rig = shop();
    rig.commit("tests/new.sh", MEANS);
    rig
}

#[test]
fn record_written_once_more_as_it_is_is_accepted() {
    forged(&meaningful(), |_| {}).accepted();
}

#[test]
fn forged_facts_of_the_base_are_refused() {
    let verdict = forged(&meaningful(), |run| {
        let on_base = run.on_base.as_mut().unwrap();
        let tests = on_base.with_tests.as_mut().unwrap().facts[0].facts.tests.as_mut().unwrap();
        (tests.failed, tests.passed) = (2, 0);
    });
    verdict.refused(&["E215"]);
}

#[test]
fn run_on_another_commit_is_none_on_the_base() {
    let rig = meaningful();
    let other = oid(&rig, "main~1");
    let verdict = forged(&rig, |run| run.on_base.as_mut().unwrap().commit = other);
    verdict.refused(&["E271"]);
    found(&verdict, "and the change starts from");
}

#[test]
fn run_with_other_files_than_the_policy_names_is_refused() {
    let verdict = forged(&meaningful(), |run| run.on_base.as_mut().unwrap().tests = vec!["**".into()]);
    verdict.refused(&["E271"]);
    found(&verdict, "took ** from the head, and not tests/**");
}

#[test]
fn run_that_took_nothing_from_the_head_is_refused() {
    let verdict = forged(&meaningful(), |run| {
        let on_base = run.on_base.as_mut().unwrap();
        on_base.with_tests = on_base.plain.clone();
    });
    verdict.refused(&["E271"]);
    let verdict = forged(&meaningful(), |run| run.on_base.as_mut().unwrap().with_tests = None);
    verdict.refused(&["E271"]);
}

#[test]
fn run_on_a_tree_that_is_not_the_base_with_the_head_s_tests_is_refused() {
    let rig = meaningful();
    let head = oid(&rig, "HEAD^{tree}");
    let verdict = forged(&rig, |run| run.on_base.as_mut().unwrap().with_tests.as_mut().unwrap().tree = head);
    verdict.refused(&["E271"]);
    found(&verdict, "and with the head's tests the base has ");
    // The code of the head beside its tests, or the base with some of them only.
    let rig = meaningful();
    let parent = oid(&rig, "main~1^{tree}");
    let verdict = forged(&rig, |run| run.on_base.as_mut().unwrap().plain.as_mut().unwrap().tree = parent);
    verdict.refused(&["E271"]);
    found(&verdict, "and as it is the base has ");
}

#[test]
fn report_of_the_base_that_nobody_read_is_refused() {
    let verdict = forged(&meaningful(), |run| run.on_base.as_mut().unwrap().with_tests.as_mut().unwrap().facts.clear());
    verdict.refused(&["E271"]);
    found(&verdict, "nobody read the report out/t.xml");
}

#[test]
fn problem_of_the_base_run_is_shown_and_refuses() {
    let rig = meaningful();
    let text = "the base cannot be laid out: no room";
    let verdict = forged(&rig, |run| {
        let on_base = run.on_base.as_mut().unwrap();
        (on_base.plain, on_base.with_tests) = (None, None);
        on_base.problems = serde_json::from_value::<Vec<_>>(json!([{"code": "no-base-run", "text": text}])).unwrap();
    });
    verdict.refused(&["E271"]);
    found(&verdict, text);
}

#[test]
fn replanned_base_asks_for_another_run() {
    let rig = meaningful();
    judged(&rig).accepted();
    let older = rig.git(&["rev-parse", "main~1"]);
    rig.ok("planner", &["plan", common::CHANGE, "--tier", "low", "--base", &older, "--reason", "further back"]);
    rig.verify().refused(&["E271"]);
}
