//! The merge gate, tried from outside: each acceptance with the refusal next to it.

mod common;

use std::fs;
use std::process::Command;

use common::{CHANGE, Rig, Verdict, isolate, junit, sarif};

#[test]
fn passing_attempt_is_accepted_and_a_missing_one_refused() {
    let rig = Rig::new();
    rig.plan("low");
    let verdict = rig.verify();
    verdict.refused(&["E201"]);
    let mend = &verdict.json["findings"][0]["mend"];
    assert_eq!(mend["command"], serde_json::json!(["evidence", "attest", "build", "--", "CMD"]));
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn failed_attempt_refuses_until_a_retry_passes_and_a_later_failure_voids() {
    let rig = Rig::new();
    rig.plan("low");
    rig.fail("build");
    rig.verify().refused(&["E202"]);
    rig.pass("build");
    rig.verify().accepted();
    rig.fail("build");
    rig.verify().refused(&["E202"]);
}

#[test]
fn failure_that_ends_after_the_passing_attempt_began_voids_it() {
    let rig = Rig::new();
    rig.plan("low");
    let slow = rig.background("ci-1", "build", &[], "exit 1");
    rig.ok("ci-2", &["attest", "build", "--", "true"]);
    assert_eq!(rig.go(slow), 1);
    rig.verify().refused(&["E217"]);
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn failure_under_another_change_voids_and_a_pass_there_never_helps() {
    let rig = Rig::new();
    rig.plan("low");
    rig.ok("planner", &["plan", "shop/other", "--tier", "low"]);
    rig.ok("ci-1", &["attest", "build", "--change", "shop/other", "--", "true"]);
    rig.verify().refused(&["E201"]);
    rig.pass("build");
    rig.verify().accepted();
    assert_eq!(rig.by("ci-1", &["attest", "build", "--change", "shop/other", "--", "false"]).code, 1);
    rig.verify().refused(&["E217"]);
}

#[test]
fn failure_under_another_change_before_the_start_voids_nothing() {
    let rig = Rig::new();
    rig.plan("low");
    rig.ok("planner", &["plan", "shop/other", "--tier", "low"]);
    assert_eq!(rig.by("ci-1", &["attest", "build", "--change", "shop/other", "--", "false"]).code, 1);
    rig.pass("build");
    rig.verify().accepted();
}

const ONCE: (&str, &str) = ("[claim.build]", "[claim.build]\nattempts_max = 2");

#[test]
fn retrying_until_green_ends_at_the_most_attempts() {
    let rig = Rig::with(&[ONCE]);
    rig.plan("low");
    rig.fail("build");
    rig.pass("build");
    rig.verify().accepted();
    rig.pass("build");
    rig.verify().refused(&["E211"]);
    rig.commit("src/lib.rs", "three\n");
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn running_attempt_refuses_until_it_ends() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    let slow = rig.background("ci-1", "build", &[], "exit 0");
    rig.verify().refused(&["E204"]);
    assert_eq!(rig.go(slow), 0);
    rig.verify().accepted();
}

#[test]
fn dirty_work_tree_is_recorded_and_refused() {
    let rig = Rig::new();
    rig.plan("low");
    rig.write("untracked.rs", "");
    let told = rig.pass("build").err;
    assert!(
        told.contains("dirty: the work tree is not the commit's tree (untracked.rs), which verify refuses"),
        "{told}"
    );
    rig.verify().refused(&["E209"]);
    fs::remove_file(rig.repo().join("untracked.rs")).unwrap();
    rig.ok("ci-1", &["attest", "build", "--", "touch", "made.rs"]);
    rig.verify().refused(&["E209"]);
    fs::remove_file(rig.repo().join("made.rs")).unwrap();
    rig.ok("ci-1", &["attest", "build", "--", "sh", "-c", "mkdir out && touch out/made.rs"]);
    rig.verify().accepted();
}

#[test]
fn report_that_is_given_again_under_another_name_is_told_to_count_once() {
    let rig = Rig::new();
    rig.plan("low");
    let attest = |second: &str| {
        fs::write(rig.path("a.xml"), junit(2, 0)).unwrap();
        fs::write(rig.path("b.xml"), second).unwrap();
        rig.ok("ci-1", &["attest", "build", "--report", "../a.xml", "--report", "../b.xml"]).out
    };
    assert!(attest(&junit(2, 0)).contains("../b.xml has the same bytes as ../a.xml, so that it counts once"));
    assert!(!attest(&junit(3, 0)).contains("same bytes"));
}

#[test]
fn report_without_tests_does_not_meet_a_limit_on_tests() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.medium();
    rig.verify().accepted();
    rig.pass("unit-tests");
    rig.verify().refused(&["E214"]);
    rig.report("unit-tests", "scan.sarif", &sarif(&[]));
    rig.verify().refused(&["E214"]);
}

#[test]
fn too_few_tests_and_failed_tests_are_refused() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.medium();
    assert_eq!(rig.report("unit-tests", "few.xml", &junit(1, 0)).code, 0);
    rig.verify().refused(&["E212"]);
    assert_eq!(rig.report("unit-tests", "red.xml", &junit(5, 1)).code, 1);
    rig.verify().refused(&["E202"]);
    assert_eq!(rig.report("unit-tests", "green.xml", &junit(5, 0)).code, 0);
    rig.verify().accepted();
}

#[test]
fn high_findings_are_refused_and_low_ones_accepted() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.medium();
    rig.report("scan", "high.sarif", &sarif(&["8.1"]));
    rig.verify().refused(&["E213"]);
    rig.report("scan", "critical.sarif", &sarif(&["9.8"]));
    rig.verify().refused(&["E213"]);
    rig.report("scan", "low.sarif", &sarif(&["1.0"]));
    rig.verify().accepted();
}

#[test]
fn too_few_lines_run_are_refused_and_coverage_must_be_shown() {
    let rig = Rig::with(&[("tests = { passed_min = 2, failed_max = 0 }", "coverage = { total_min = 75 }")]);
    rig.plan("medium");
    rig.medium();
    rig.verify().refused(&["E214"]);
    let lcov = |counts: [u8; 4]| {
        let lines: String = counts.iter().enumerate().map(|(at, count)| format!("DA:{},{count}\n", at + 1)).collect();
        format!("SF:src/a.rs\n{lines}LF:4\nLH:4\nend_of_record\n")
    };
    assert_eq!(rig.report("unit-tests", "low.info", &lcov([1, 0, 0, 1])).code, 0);
    rig.verify().refused(&["E224"]);
    assert_eq!(rig.report("unit-tests", "none.info", "SF:src/a.rs\nLF:4\nLH:4\nend_of_record\n").code, 1);
    rig.verify().refused(&["E203"]);
    assert_eq!(rig.report("unit-tests", "enough.info", &lcov([1, 0, 7, 1])).code, 0);
    rig.verify().accepted();
}

#[test]
fn easy_part_of_the_lines_shown_again_adds_nothing() {
    let rig = Rig::with(&[("tests = { passed_min = 2, failed_max = 0 }", "coverage = { total_min = 80 }")]);
    rig.plan("medium");
    rig.medium();
    let lcov = |path: &str, run: usize, lines: usize| {
        let lines: String = (1..=lines).map(|line| format!("DA:{line},{}\n", u8::from(line <= run))).collect();
        format!("SF:{path}\n{lines}end_of_record\n")
    };
    let show = |reports: &[(&str, String)]| {
        let mut words = vec!["attest".to_owned(), "unit-tests".to_owned()];
        for (name, text) in reports {
            fs::write(rig.path(name), text).unwrap();
            words.extend(["--report".to_owned(), format!("../{name}")]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(rig.by("ci-1", &words).code, 0);
    };
    let full = ("full.info", lcov("src/a.rs", 5, 10) + &lcov("src/b.rs", 10, 10));
    show(std::slice::from_ref(&full));
    rig.verify().refused(&["E224"]);
    for path in ["src/b.rs", "/elsewhere/shop/src/b.rs", "src\\b.rs"] {
        show(&[full.clone(), ("easy.info", lcov(path, 10, 10)), ("easier.info", lcov(path, 9, 9))]);
        let verdict = rig.verify();
        verdict.refused(&["E224"]);
        let finding = &verdict.json["findings"][0];
        assert_eq!(finding["found"], "15 of 20 lines run, 75 %", "{path}");
    }
    // Two parts of the tests come together, for the auditor too.
    show(&[full, ("rest.info", lcov("src/a.rs", 6, 10))]);
    let verdict = rig.verify();
    verdict.accepted();
    assert!(verdict.json.to_string().contains("16 of 20 lines run, 80 %"), "{verdict:?}");
    rig.ok("ci-1", &["export", "-o", "../bundle.zip"]);
    let ran = rig.by("stranger", &["audit", "../bundle.zip", "--trust", ".evidence/trust.toml"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn review_is_needed_and_a_dissent_refuses_until_the_same_reviewer_mends_it() {
    let rig = Rig::new();
    rig.key("second");
    rig.grant("second", "second", "reviewer", &[]);
    rig.plan("high");
    rig.medium();
    rig.verify().refused(&["E201"]);
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.verify().accepted();
    assert_eq!(rig.review("second", "fail").code, 0);
    rig.verify().refused(&["E218"]);
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.verify().refused(&["E218"]);
    assert_eq!(rig.review("second", "pass").code, 0);
    rig.verify().accepted();
}

#[test]
fn review_of_an_older_tree_does_not_count() {
    let rig = Rig::new();
    rig.plan("high");
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.commit("src/lib.rs", "three\n");
    rig.medium();
    rig.verify().refused(&["E210"]);
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.verify().accepted();
}

#[test]
fn attempt_on_an_older_commit_does_not_count() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    rig.commit("src/lib.rs", "three\n");
    rig.verify().refused(&["E210"]);
    rig.git(&["commit", "-q", "--allow-empty", "-m", "same tree"]);
    rig.pass("build");
    rig.git(&["commit", "-q", "--allow-empty", "-m", "same tree again"]);
    rig.verify().accepted();
}

#[test]
fn plan_by_somebody_who_may_not_plan_is_refused() {
    let rig = Rig::new();
    rig.refuses("agent", &["plan", CHANGE, "--tier", "low"], "may not plan");
    rig.refuses("stranger", &["plan", CHANGE, "--tier", "low"], "has no grant");
    rig.refuses("ci-1", &["attest", "build", "--", "true"], "has no plan");
    rig.verify().refused(&["E101"]);
    rig.plan("low");
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn planned_change_is_not_planned_again_without_reason_and_its_tier_never_falls() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.refuses("planner", &["plan", CHANGE, "--tier", "high"], "planned already");
    rig.refuses("planner", &["plan", CHANGE, "--tier", "low", "--reason", "small"], "medium");
    rig.refuses("planner", &["plan", "shop/x", "--tier", "urgent"], "urgent");
    rig.ok("planner", &["plan", CHANGE, "--tier", "high", "--reason", "money"]);
    rig.medium();
    let verdict = rig.verify();
    verdict.refused(&["E201"]);
    assert_eq!(verdict.json["tier"]["effective"], "high");
}

const UNPLANNED: (&str, &str) = ("[claim.build]", "unplanned = \"low\"\n\n[claim.build]");

#[test]
fn implied_plan_serves_the_lowest_tier_and_no_path_that_needs_more() {
    let rig = Rig::with(&[UNPLANNED, ("[may]", "[[when]]\npaths = [\"pay/**\"]\ntier = \"medium\"\n\n[may]")]);
    rig.medium();
    rig.verify().accepted();
    rig.commit("pay/lib.rs", "");
    rig.medium();
    rig.verify().refused(&["E104"]);
    rig.ok("planner", &["plan", CHANGE, "--tier", "medium", "--reason", "looked at it"]);
    rig.verify().accepted();
}

#[test]
fn path_floor_sees_renames_deletions_and_modes() {
    let rig = Rig::with(&[("[may]", "[[when]]\npaths = [\"pay/**\"]\ntier = \"medium\"\n\n[may]")]);
    rig.git(&["checkout", "-q", "main"]);
    rig.commit("pay/lib.rs", "money\n");
    rig.git(&["checkout", "-q", "-B", "feature"]);
    rig.commit("src/more.rs", "");
    rig.plan("low");
    rig.pass("build");
    rig.verify().accepted();
    rig.git(&["mv", "pay", "paid"]);
    rig.git(&["commit", "-q", "-m", "move"]);
    rig.pass("build");
    rig.verify().refused(&["E201"]);
    rig.git(&["reset", "-q", "--hard", "HEAD~1"]);
    rig.git(&["update-index", "--chmod=+x", "pay/lib.rs"]);
    rig.git(&["commit", "-q", "-m", "mode"]);
    rig.git(&["checkout", "-q", "--", "."]);
    rig.pass("build");
    rig.verify().refused(&["E201"]);
}

#[test]
fn demanded_trailer_is_looked_for_on_every_commit() {
    let rig = Rig::with(&[("[tier.low]", "[tier.low]\ntrailer = true")]);
    rig.plan("low");
    rig.pass("build");
    rig.verify().refused(&["E105"]);
    let trailer = rig.ok("planner", &["plan", CHANGE, "--trailer"]).out;
    rig.git(&["commit", "-q", "--amend", "-m", &format!("work\n\n{}", trailer.trim())]);
    rig.verify().accepted();
    rig.commit("src/more.rs", "");
    rig.pass("build");
    rig.verify().refused(&["E105"]);
}

#[test]
fn halt_by_anybody_refuses_and_only_the_entitled_resume() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    rig.refuses("stranger", &["record", "halt", "--reason", "x"], "has no grant");
    rig.verify().accepted();
    rig.ok("agent", &["record", "halt", "--reason", "incident 12"]);
    rig.verify().refused(&["E301"]);
    rig.refuses("agent", &["record", "resume", "--reason", "fine"], "may not resume");
    rig.ok("owner", &["record", "resume", "--reason", "fine"]);
    rig.verify().accepted();
}

#[test]
fn change_is_named_or_found_but_never_empty() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    rig.verify_with(&["--change", ""]).unjudged("change");
    rig.verify_with(&[""]).unjudged("change");
    let empty = rig.command("ci-1", &["verify", "--json"]).env("EVIDENCE_CHANGE", "").output().unwrap();
    Verdict::of(common::Ran::of(empty)).unjudged("EVIDENCE_CHANGE");
    rig.verify_with(&["--commit", ""]).unjudged("--commit");
    rig.verify_with(&["--target", ""]).unjudged("--target");
    rig.verify_with(&["--target", "nowhere"]).unjudged("nowhere");
    rig.verify_with(&[CHANGE]).accepted();
    rig.verify_with(&["shop/unknown"]).refused(&["E101"]);
}

#[test]
fn unknown_claim_names_the_nearest() {
    let rig = Rig::new();
    rig.plan("low");
    rig.refuses("ci-1", &["attest", "unit-test", "--", "true"], "unit-tests");
    rig.refuses("ci-1", &["attest", "peer-review", "--", "true"], "evidence review");
    rig.refuses("reviewer", &["review", "build", "--verdict", "pass"], "evidence attest");
}

#[test]
fn detached_head_needs_a_named_change() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    rig.git(&["checkout", "-q", "--detach"]);
    rig.verify().unjudged("detached");
    rig.verify_with(&["--change", CHANGE]).accepted();
}

#[test]
fn places_without_repository_or_commit_cannot_be_judged() {
    let rig = Rig::new();
    fs::create_dir_all(rig.path("empty")).unwrap();
    let run = |words: &[&str]| {
        let mut command = rig.command("ci-1", &[]);
        common::Ran::of(command.current_dir(rig.path("empty")).args(words).output().unwrap())
    };
    let none = run(&["verify", "--json"]);
    assert_eq!((none.code, none.json()["error"]["hint"].as_str()), (2, Some("git init")), "{none:?}");
    let mut init = Command::new("git");
    isolate(&mut init, &rig);
    assert!(init.args(["init", "-q"]).current_dir(rig.path("empty")).status().unwrap().success());
    assert_eq!(run(&["verify"]).code, 2);
    assert_eq!(run(&["init"]).code, 0);
    let unborn = run(&["verify"]);
    assert_eq!(unborn.code, 2, "{unborn:?}");
    assert!(unborn.err.contains("no commit yet"), "{unborn:?}");
    assert_eq!(run(&["attest", "tests", "--", "true"]).code, 125);
}

#[test]
fn shallow_history_cannot_be_judged_until_it_is_fetched() {
    let rig = Rig::new();
    rig.plan("low");
    rig.git(&["commit", "-q", "--allow-empty", "-m", "more"]);
    rig.pass("build");
    let from = format!("file://{}", rig.repo().display());
    rig.git(&["clone", "-q", "--depth", "1", "--branch", "feature", "--no-single-branch", &from, "../clone"]);
    let ledger = rig.repo().join(".git/evidence");
    let trust = rig.path("trust.toml");
    fs::copy(rig.repo().join(".evidence/trust.toml"), &trust).unwrap();
    let verify = || {
        let words = ["verify", "--json", "--ledger", ledger.to_str().unwrap(), "--trust", trust.to_str().unwrap()];
        let mut command = rig.command("ci-1", &words);
        Verdict::of(common::Ran::of(
            command.args(["--target", "main"]).current_dir(rig.path("clone")).output().unwrap(),
        ))
    };
    let verdict = verify();
    assert_eq!(verdict.code, 2, "{:#}", verdict.json);
    assert_eq!(verdict.json["error"]["hint"], "git fetch --unshallow", "{:#}", verdict.json);
    rig.git(&["-C", "../clone", "fetch", "-q", "--unshallow"]);
    verify().accepted();
}

#[test]
fn command_does_not_see_what_is_ours() {
    let rig = Rig::new();
    rig.plan("low");
    let mut command = rig.command("ci-1", &["attest", "build", "--", "env"]);
    let output = command.env("EVIDENCE_CANARY", "1").env("SSH_AUTH_SOCK", "/canary").env("OTHER", "seen").output();
    let ran = common::Ran::of(output.unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("OTHER=seen") && !ran.out.contains("EVIDENCE_") && !ran.out.contains("SSH_AUTH_SOCK"));
}

/// On Linux, for whoever may not trace any process: a superuser gives up what it may do first.
#[cfg(target_os = "linux")]
#[test]
fn command_does_not_read_the_environment_or_memory_of_whoever_runs_it() {
    let rig = Rig::new();
    rig.plan("low");
    let read = "for file in environ mem maps; do cat /proc/$PPID/$file >/dev/null && echo \"$file was read\"; done; \
                cat /proc/$$/environ >/dev/null && echo its own was read";
    let mut program = rig.command("ci-1", &["attest", "build", "--", "sh", "-c", read]);
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let output = if is_root {
        let mut without = Command::new("setpriv");
        without.args(["--bounding-set=-all", "--inh-caps=-all"]).arg(program.get_program());
        without.args(program.get_args()).env_clear();
        without.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = program.get_current_dir() {
            without.current_dir(folder);
        }
        without.output()
    } else {
        program.output()
    };
    let ran = common::Ran::of(output.unwrap());
    assert_eq!((ran.code, ran.out.contains(" was read")), (0, true), "{ran:?}");
    assert!(ran.out.contains("its own was read") && !ran.out.contains("environ was read"), "{ran:?}");
    assert!(!ran.out.contains("mem was read") && !ran.out.contains("maps was read"), "{ran:?}");
}

#[test]
fn exit_codes_of_attest_are_those_of_env() {
    let rig = Rig::new();
    rig.plan("low");
    let code = |words: &[&str]| {
        let mut all = vec!["attest", "build"];
        all.extend(words);
        rig.by("ci-1", &all).code
    };
    assert_eq!(code(&["--", "true"]), 0);
    assert_eq!(code(&["--", "sh", "-c", "exit 7"]), 7);
    assert_eq!(code(&["--", "sh", "-c", "kill -9 $$"]), 137);
    assert_eq!(code(&["--", "/nowhere/at/all"]), 127);
    assert_eq!(code(&["--", "/etc"]), 126);
    assert_eq!(code(&["--timeout", "1s", "--", "sleep", "20"]), 124);
    assert_eq!(code(&["--report", "no.xml", "--", "true"]), 1);
    assert_eq!(code(&["--report", "no.xml"]), 1);
    assert_eq!(code(&["--ledger", "/nowhere", "--", "true"]), 125);
    assert_eq!(code(&["--shard", "3/2", "--", "true"]), 125);
    assert_eq!(code(&["--nonsense", "--", "true"]), 125);
    assert_eq!(code(&[]), 2);
    assert_eq!(code(&["--ledger", "/nowhere", "--report", "no.xml"]), 2);
}

#[test]
fn interrupted_attempt_is_recorded_and_ends_with_130() {
    let rig = Rig::new();
    rig.plan("low");
    let child = rig.background("ci-1", "build", &[], "exit 0");
    common::system("kill", &["-INT", &child.id().to_string()]);
    let mut child = child;
    assert_eq!(child.wait().unwrap().code(), Some(130));
    rig.verify().refused(&["E203"]);
}

#[test]
fn output_is_passed_through_byte_for_byte() {
    let rig = Rig::new();
    rig.plan("low");
    let ran = rig.ok("ci-1", &["attest", "build", "--", "printf", r"a\000\377\r\n\033[1mb"]);
    assert_eq!(ran.stdout, b"a\0\xff\r\n\x1b[1mb");
    let ran = rig.ok("ci-1", &["attest", "build", "--json", "--", "echo", "noise"]);
    assert_eq!(ran.json()["outcome"], "pass");
}

#[test]
fn output_is_kept_unless_told_otherwise() {
    let rig = Rig::new();
    rig.plan("low");
    let kept = || {
        let mut grep = Command::new("grep");
        grep.args(["-rl", "sentinel-7341", "."]).current_dir(rig.repo().join(".git/evidence"));
        grep.output().unwrap().status.success()
    };
    rig.ok("ci-1", &["attest", "build", "--no-log", "--", "printf", "%s-%s", "sentinel", "7341"]);
    assert!(!kept());
    rig.ok("ci-1", &["attest", "build", "--", "printf", "%s-%s", "sentinel", "7341"]);
    assert!(kept());
}

#[test]
fn every_variant_must_pass() {
    let rig = Rig::with(&[("[claim.build]", "[claim.build]\nvariants = [\"linux\", \"windows\"]")]);
    rig.plan("low");
    rig.refuses("ci-1", &["attest", "build", "--", "true"], "linux");
    rig.refuses("ci-1", &["attest", "build", "--variant", "linus", "--", "true"], "linux");
    rig.ok("ci-1", &["attest", "build", "--variant", "linux", "--", "true"]);
    rig.verify().refused(&["E201"]);
    rig.ok("ci-1", &["attest", "build", "--variant", "windows", "--", "true"]);
    rig.verify().accepted();
    assert_eq!(rig.by("ci-1", &["attest", "build", "--variant", "linux", "--", "false"]).code, 1);
    rig.verify().refused(&["E202"]);
}

#[test]
fn every_shard_of_the_newest_count_must_pass() {
    let rig = Rig::new();
    rig.plan("low");
    let shard = |shard: &str, command: &str| rig.by("ci-1", &["attest", "build", "--shard", shard, "--", command]).code;
    assert_eq!(shard("1/2", "true"), 0);
    rig.verify().refused(&["E221"]);
    assert_eq!(shard("2/2", "true"), 0);
    rig.verify().accepted();
    assert_eq!(shard("1/3", "true"), 0);
    rig.verify().refused(&["E221"]);
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn two_attempts_at_once_are_both_recorded() {
    let rig = Rig::new();
    rig.plan("low");
    let attempt = |who: &str| rig.command(who, &["attest", "build", "--", "true"]).spawn().unwrap();
    let mut children: Vec<_> = ["ci-1", "ci-2", "ci-1", "ci-2"].into_iter().map(attempt).collect();
    for child in &mut children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    let verdict = rig.verify();
    verdict.accepted();
    assert_eq!(verdict.json["requirements"][0]["attempts"], 4);
    rig.ok("owner", &["ledger", "check"]);
}

#[test]
fn answers_for_machines_parse_whatever_happens() {
    let rig = Rig::new();
    for words in [
        &["verify", "--json", "--nonsense"][..],
        &["--json"],
        &["--json", "log", "--kind"],
        &["verify", "--json", "--ledger", "/no"],
    ] {
        let ran = rig.by("ci-1", words);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(ran.json()["error"]["exit"], 2);
    }
    for (words, missing) in [(["key", "impact", "--json"], "<WHICH>"), (["policy", "test", "--json"], "<FILE>")] {
        let ran = rig.by("ci-1", &words);
        let wanted = format!("the following required arguments were not provided: {missing}");
        assert_eq!((ran.code, ran.json()["error"]["text"].as_str()), (2, Some(&*wanted)), "{ran:?}");
    }
    let ran = rig.by("ci-1", &["attest", "build", "--json", "--", "true"]);
    assert_eq!((ran.code, ran.json()["error"]["exit"].as_i64()), (125, Some(125)));
    let ran = rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--json"]);
    assert_eq!(ran.json()["change"], CHANGE);
    for words in [
        &["log", "--json"][..],
        &["key", "list", "--json"],
        &["show", "0", "--json"],
        &["ledger", "check", "--json"],
        &["policy", "show", "--json"],
    ] {
        rig.ok("ci-1", words).json();
    }
}

#[test]
fn missing_material_is_named_with_the_record_and_claim_that_want_it() {
    let rig = Rig::new();
    rig.plan("low");
    let report = junit(2, 0);
    assert_eq!(rig.report("build", "tests.xml", &report).code, 0);
    rig.ok("stranger", &["ledger", "check"]);
    let digest = evidence_ledger::crypto::sha256(report.as_bytes());
    let ledger = evidence_ledger::store::Ledger::open(&rig.repo().join(".git/evidence")).unwrap();
    fs::remove_file(ledger.blobs().path(&digest)).unwrap();
    let ran = rig.by("stranger", &["ledger", "check"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let line = ran.out.lines().find(|line| line.starts_with("missing material ")).unwrap();
    assert!(line.contains(&format!(" {digest}, of record ")), "{line}");
    assert!(line.ends_with(&format!(": result build {CHANGE}")), "{line}");
    let json = rig.by("stranger", &["ledger", "check", "--json"]).out;
    assert!(json.contains("\"missingOf\"") && json.contains("\"claim\": \"build\""), "{json}");
}

#[test]
fn list_of_records_has_a_header_and_an_empty_one_has_none() {
    let rig = Rig::new();
    rig.plan("low");
    let ran = rig.ok("stranger", &["log", "--kind", "plan"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("SERIAL  TIME ") && lines[1].starts_with('#'), "{ran:?}");
    assert_eq!(lines[0].find("KIND"), lines[1].find("plan"), "{ran:?}");
    assert_eq!(rig.ok("stranger", &["log", "--kind", "result"]).out, "");
}

#[test]
fn ledger_that_cannot_be_written_is_still_judged() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    let ledger = rig.repo().join(".git/evidence");
    let path = ledger.to_str().unwrap();
    let mounts = |words: &[&str]| Command::new("mount").args(words).output().is_ok_and(|out| out.status.success());
    if !mounts(&["--bind", path, path]) {
        eprintln!("skipped: this machine does not let us mount");
        return;
    }
    let read_only = mounts(&["-o", "remount,ro,bind", path]);
    let (verdict, append) = (rig.verify(), rig.by("ci-1", &["attest", "build", "--", "true"]));
    common::system("umount", &[path]);
    assert!(read_only);
    verdict.accepted();
    assert_eq!(append.code, 125, "{append:?}");
}

#[test]
fn verdict_by_a_copy_of_the_ledger_is_the_same() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    let copy = rig.path("copy");
    common::system("cp", &["-a", rig.repo().join(".git/evidence").to_str().unwrap(), copy.to_str().unwrap()]);
    let index = fs::read_dir(&copy).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.ends_with("index"));
    if let Some(index) = index {
        fs::remove_dir_all(index).unwrap();
    }
    rig.verify_with(&["--ledger", copy.to_str().unwrap()]).accepted();
    rig.fail("build");
    rig.verify().refused(&["E202"]);
}

#[test]
fn cache_is_made_anew_on_request_and_a_damaged_one_never_tells() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    let cache = rig.repo().join(".git/evidence/cache");
    for name in ["hashes", "positions", "head"] {
        fs::write(cache.join(name), "garbage").unwrap();
    }
    rig.verify().accepted();
    let said = rig.ok("owner", &["ledger", "rebuild", "--json"]).json();
    let checked = rig.ok("owner", &["ledger", "check", "--json"]).json();
    assert_eq!(said["size"], checked["size"]);
    assert_ne!(fs::read(cache.join("hashes")).unwrap(), b"garbage");
    rig.verify().accepted();
}
