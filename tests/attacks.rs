//! What an implementer tries who wants to be merged without doing the work (design, section 9).

mod common;
#[expect(dead_code, reason = "a part of the pen is enough here")]
#[path = "common/forge.rs"]
mod forge;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{CHANGE, Rig, Verdict, junit, sarif};
use evidence_ledger::append::{Appender, Submission};
use evidence_ledger::attest::Signer;
use evidence_ledger::crypto::{Envelope, SecretKey};
use evidence_ledger::merkle::MapText;
use evidence_ledger::model::{Authority, Plan, Predicate, Statement, Subject};
use forge::Forge;

#[test]
fn change_that_git_was_told_to_overlook_is_dirt() {
    let rig = Rig::new();
    rig.plan("low");
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        rig.git(&["update-index", flag, "src/lib.rs"]);
        rig.write("src/lib.rs", "hidden\n");
        assert_eq!(rig.git(&["status", "--porcelain"]), "", "{flag}");
        rig.pass("build");
        rig.verify().refused(&["E209"]);
        rig.git(&["update-index", &flag.replace("--", "--no-"), "src/lib.rs"]);
        rig.git(&["checkout", "-q", "--", "src/lib.rs"]);
    }
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn sparse_checkout_hides_no_dirt() {
    let rig = Rig::new();
    rig.plan("low");
    rig.git(&["config", "core.sparseCheckout", "true"]);
    fs::create_dir_all(rig.repo().join(".git/info")).unwrap();
    fs::write(rig.repo().join(".git/info/sparse-checkout"), "/*\n!/src/\n").unwrap();
    rig.write("src/lib.rs", "hidden\n");
    let ran = rig.by("ci-1", &["attest", "build", "--", "true"]);
    if ran.code == 0 {
        rig.verify().refused(&["E209"]);
    } else {
        rig.verify().refused(&["E201"]);
    }
}

#[test]
fn ignore_file_of_the_user_hides_no_dirt() {
    let rig = Rig::new();
    rig.plan("low");
    fs::write(rig.path("ignore"), "planted.rs\n").unwrap();
    rig.git(&["config", "core.excludesFile", rig.path("ignore").to_str().unwrap()]);
    rig.write("planted.rs", "");
    assert_eq!(rig.git(&["status", "--porcelain"]), "");
    rig.pass("build");
    rig.verify().refused(&["E209"]);
    fs::remove_file(rig.repo().join("planted.rs")).unwrap();
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn mode_that_git_was_told_to_overlook_is_dirt() {
    let rig = Rig::new();
    rig.plan("low");
    rig.git(&["config", "core.fileMode", "false"]);
    let path = rig.repo().join("src/lib.rs");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    rig.pass("build");
    rig.verify().refused(&["E209"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn another_index_or_work_tree_in_the_environment_hides_no_dirt() {
    let rig = Rig::new();
    rig.plan("low");
    rig.git(&["worktree", "add", "-q", "--detach", "../clean"]);
    rig.write("src/lib.rs", "hidden\n");
    let mut command = rig.command("ci-1", &["attest", "build", "--", "true"]);
    command.env("GIT_WORK_TREE", rig.path("clean")).env("GIT_DIR", rig.repo().join(".git"));
    command.status().unwrap();
    rig.verify().refused(&["E209"]);
}

#[test]
fn replaced_commit_is_not_judged() {
    let rig = Rig::with(&[("[may]", "[[when]]\npaths = [\"pay/**\"]\ntier = \"medium\"\n\n[may]")]);
    rig.plan("low");
    let innocent = rig.git(&["rev-parse", "HEAD"]);
    rig.commit("pay/lib.rs", "");
    rig.pass("build");
    rig.verify().refused(&["E201"]);
    rig.git(&["replace", "HEAD", &innocent]);
    rig.verify().refused(&["E201"]);
}

#[test]
fn report_without_end_is_neither_waited_for_nor_kept() {
    let rig = Rig::new();
    rig.plan("low");
    let words = ["attest", "build", "--report", "../out.xml", "--", "sh", "-c"];
    for (make, why) in [
        ("mkfifo ../out.xml", "out.xml is not a file"),
        ("truncate -s 1T ../out.xml", "too-large: ../out.xml has 1099511627776 bytes or more"),
    ] {
        let ran = rig.by("ci-1", &[&words[..], &[make]].concat());
        assert!(ran.code == 1 && ran.err.contains(why), "{ran:?}");
        fs::remove_file(rig.path("out.xml")).unwrap();
        rig.verify().refused(&["E203"]);
    }
}

#[test]
fn report_from_before_the_command_is_stale() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.medium();
    let old = junit(3, 0);
    let attempt = |script: &str| {
        rig.write("out/old.xml", &old);
        common::system("touch", &["-d", "2020-01-01", rig.repo().join("out/old.xml").to_str().unwrap()]);
        let ran =
            rig.by("ci-1", &["attest", "unit-tests", "--json", "--report", "out/r.xml", "--", "sh", "-c", script]);
        (ran.code, ran.json()["problems"].to_string())
    };
    for (before, script) in [
        ("cp out/old.xml out/r.xml", "true"),
        ("cp out/old.xml out/r.xml; touch -d 2040-01-01 out/r.xml", "true"),
        ("true", "cp -p out/old.xml out/r.xml"),
        ("true", "mv out/old.xml out/r.xml"),
        ("true", "ln -sf old.xml out/r.xml"),
        ("true", "ln -f out/old.xml out/r.xml"),
        ("cp out/old.xml out/r.xml", "touch -d 2020-01-01 out/r.xml"),
    ] {
        let _ = fs::remove_dir_all(rig.repo().join("out"));
        rig.write("out/old.xml", &old);
        let status = Command::new("sh").args(["-c", before]).current_dir(rig.repo()).status();
        assert!(status.unwrap().success());
        let (code, problems) = attempt(script);
        assert_eq!(code, 1, "{before}; {script}");
        assert!(problems.contains("stale-report"), "{before}; {script}: {problems}");
    }
    rig.verify().refused(&["E203"]);
    let _ = fs::remove_dir_all(rig.repo().join("out"));
    assert_eq!(attempt("cat out/old.xml > out/r.xml").0, 0);
    rig.verify().accepted();
}

#[test]
fn implementer_named_in_the_plan_does_not_review_not_with_a_second_key_either() {
    let rig = Rig::new();
    rig.plan("high");
    rig.medium();
    assert_eq!(rig.review("agent", "pass").code, 0);
    rig.verify().refused(&["E206"]);
    rig.key("agent-2");
    rig.grant("agent-2", "agent", "reviewer", &[]);
    assert_eq!(rig.review("agent-2", "pass").code, 0);
    rig.verify().refused(&["E207"]);
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.verify().accepted();
}

#[test]
fn author_of_a_commit_does_not_review_whoever_the_plan_names() {
    let rig = Rig::new();
    rig.ok("planner", &["plan", CHANGE, "--tier", "high"]);
    rig.git(&["commit", "-q", "--amend", "-m", "work\n\nCo-authored-by: R <Reviewer@Example.org>"]);
    rig.medium();
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.verify().refused(&["E207"]);
    rig.git(&["commit", "-q", "--amend", "-m", "work"]);
    rig.medium();
    rig.verify().accepted();
}

#[test]
fn author_does_not_review_with_a_second_key_that_carries_no_address() {
    let rig = Rig::new();
    rig.ok("planner", &["plan", CHANGE, "--tier", "high"]);
    rig.medium();
    rig.key("agent-2");
    rig.grant("agent-2", "agent", "reviewer", &[]);
    assert_eq!(rig.review("agent-2", "pass").code, 0);
    rig.verify().refused(&["E207"]);
}

#[test]
fn grant_for_the_change_or_to_implement_another_makes_nobody_an_implementer_of_this_one() {
    let reviewed = |more: &[(&str, &str)]| {
        let rig = Rig::new();
        rig.ok("planner", &["plan", CHANGE, "--tier", "high"]);
        rig.medium();
        rig.key("carl");
        for (role, change) in more {
            rig.grant("carl", "carl", role, &["--for-change", change]);
        }
        assert_eq!(rig.review("carl", "pass").code, 0);
        rig.verify()
    };
    reviewed(&[("reviewer", CHANGE)]).accepted();
    reviewed(&[("reviewer", CHANGE), ("implementer", "shop/other")]).accepted();
    reviewed(&[("reviewer", CHANGE), ("implementer", CHANGE)]).refused(&["E207"]);
}

#[test]
fn owner_of_the_implementer_does_not_review() {
    let rig = Rig::new();
    rig.key("bot");
    rig.grant("bot", "bot", "implementer", &["--owner", "reviewer"]);
    rig.ok("planner", &["plan", CHANGE, "--tier", "high", "--implementer", "bot"]);
    rig.medium();
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig.verify().refused(&["E207"]);
}

#[test]
fn known_author_is_no_limitation() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    let verdict = rig.verify();
    verdict.accepted();
    assert!(!verdict.limitations().contains(&"unknown-author"), "{:#}", verdict.json);
}

#[test]
fn author_of_nobody_is_admitted_or_refused_as_the_policy_says() {
    let rig = Rig::new();
    rig.git(&["commit", "-q", "--amend", "--author", "X <x@nowhere.example>", "-m", "work"]);
    rig.plan("low");
    rig.pass("build");
    let verdict = rig.verify();
    verdict.accepted();
    assert!(verdict.limitations().contains(&"unknown-author"));
    rig.apply(&[("[claim.build]", "refuse_limitations = [\"unknown-author\"]\n\n[claim.build]")]);
    rig.ok("planner", &["plan", "shop/again", "--tier", "low"]);
    rig.ok("ci-1", &["attest", "build", "--change", "shop/again", "--", "true"]);
    rig.verify_with(&["shop/again"]).refused(&["E302"]);
}

#[test]
fn passes_of_a_revoked_key_lose_support_and_its_failures_stay() {
    let rig = Rig::new();
    rig.plan("low");
    rig.ok("ci-2", &["attest", "build", "--", "true"]);
    rig.verify().accepted();
    rig.revoke("ci-2");
    rig.verify().refused(&["E206"]);
    rig.refuses("ci-2", &["attest", "build", "--", "true"], "has no grant");
    rig.pass("build");
    rig.verify().accepted();
    rig.fail("build");
    rig.revoke("ci-1");
    rig.verify().refused(&["E202", "E206"]);
}

#[test]
fn revoked_key_is_never_granted_again() {
    let rig = Rig::new();
    rig.revoke("ci-2");
    let path = rig.key_path("ci-2");
    let words = ["key", "grant", path.to_str().unwrap(), "--principal", "ci-2", "--role", "ci"];
    rig.refuses("owner", &words, "revoked");
    rig.key("ci-3");
    rig.grant("ci-3", "ci-3", "ci", &[]);
}

#[test]
fn expired_grant_helps_no_more() {
    let rig = Rig::new();
    rig.key("short");
    rig.grant("short", "short", "ci", &["--until", "2s"]);
    rig.plan("low");
    rig.ok("short", &["attest", "build", "--", "true"]);
    rig.verify().accepted();
    std::thread::sleep(std::time::Duration::from_millis(1000));
    for _ in 0..20 {
        if rig.verify().code != 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    rig.verify().refused(&["E206"]);
    rig.refuses("short", &["attest", "build", "--", "true"], "has no grant");
}

#[test]
fn grant_for_one_change_helps_no_other() {
    let rig = Rig::new();
    rig.key("leased");
    rig.grant("leased", "leased", "ci", &["--for-change", "shop/other"]);
    rig.plan("low");
    rig.refuses("leased", &["attest", "build", "--", "true"], "has no grant");
    rig.ok("planner", &["plan", "shop/other", "--tier", "low"]);
    rig.ok("leased", &["attest", "build", "--change", "shop/other", "--", "true"]);
    rig.verify_with(&["shop/other"]).accepted();
    rig.verify().refused(&["E201"]);
}

#[test]
fn grant_by_somebody_who_may_not_is_refused() {
    let rig = Rig::new();
    let path = rig.key_path("stranger");
    let words = ["key", "grant", path.to_str().unwrap(), "--principal", "friend", "--role", "ci"];
    rig.refuses("agent", &words, "may not grant");
    rig.refuses("ci-1", &words, "may not grant");
    rig.refuses("stranger", &words, "has no grant");
    let other = ["key", "revoke", path.to_str().unwrap(), "--reason", "x"];
    rig.refuses("agent", &other, "may not grant");
    rig.ok("owner", &words);
}

#[test]
fn key_of_one_principal_is_not_given_to_another() {
    let rig = Rig::new();
    let path = rig.key_path("agent");
    let words = ["key", "grant", path.to_str().unwrap(), "--principal", "somebody", "--role", "reviewer"];
    rig.refuses("owner", &words, "agent's");
}

#[test]
fn policy_and_trust_of_the_branch_have_no_effect() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.pass("build");
    let weak = common::POLICY.replace("require = [\"unit-tests\", \"scan\"]", "require = [\"build\"]");
    rig.commit(".evidence/policy.toml", &weak);
    rig.pass("build");
    rig.verify().refused(&["E201"]);
    rig.refuses("agent", &["policy", "apply"], "may not");
    let trust = fs::read_to_string(rig.repo().join(".evidence/trust.toml")).unwrap();
    rig.verify_with(&["--trust", ".evidence/trust.toml"]).refused(&["E201"]);
    rig.write(".evidence/trust.toml", &format!("{trust}\n# mine\n"));
    rig.verify_with(&["--trust", ".evidence/trust.toml"]).unjudged("judged tree");
    rig.verify_with(&["--trust", "src/../.evidence/trust.toml"]).unjudged("judged tree");
    std::os::unix::fs::symlink(rig.repo().join(".evidence/trust.toml"), rig.path("link.toml")).unwrap();
    rig.verify_with(&["--trust", "../link.toml"]).unjudged("judged tree");
    rig.commit(".evidence/trust.toml", &format!("{trust}\n# mine\n"));
    rig.verify_with(&["--trust", ".evidence/trust.toml"]).unjudged("judged tree");
}

#[test]
fn trust_file_of_the_judged_branch_never_counts_where_no_target_branch_is_known() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    let trust = fs::read_to_string(rig.repo().join(".evidence/trust.toml")).unwrap();
    fs::remove_dir_all(rig.path("config/evidence/repositories")).unwrap();
    rig.verify().accepted();
    rig.commit(".evidence/trust.toml", &format!("{trust}\n# mine\n"));
    rig.verify().refused(&["E210"]);
    rig.git(&["branch", "-m", "main", "trunk"]);
    rig.verify().unjudged("no trust file");
    rig.verify_with(&["--trust", ".evidence/trust.toml"]).unjudged("judged tree");
    rig.verify_with(&["--target", "trunk"]).refused(&["E110", "E210"]);
}

#[test]
fn base_of_a_plan_must_be_on_the_target_branch() {
    let rig = Rig::with(&[("[may]", "[[when]]\npaths = [\"src/**\"]\ntier = \"medium\"\n\n[may]")]);
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--base", "HEAD"]);
    rig.pass("build");
    rig.verify().refused(&["E108"]);
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--base", "main", "--reason", "from main"]);
    rig.verify().refused(&["E201"]);
    rig.medium();
    rig.verify().accepted();
}

#[test]
fn implied_plan_from_a_target_of_ones_own_is_refused() {
    let rig = Rig::with(&[("[claim.build]", "unplanned = \"low\"\n\n[claim.build]")]);
    rig.git(&["branch", "mine"]);
    rig.commit("src/more.rs", "");
    rig.ok("ci-1", &["attest", "build", "--target", "mine", "--", "true"]);
    rig.verify().refused(&["E108", "E110"]);
}

#[test]
fn trailer_in_a_commit_cannot_name_a_change_that_shows_less() {
    let rig = Rig::with(&[("[may]", "[[when]]\npaths = [\"src/**\"]\ntier = \"medium\"\n\n[may]")]);
    rig.plan("high");
    rig.ok("planner", &["plan", "shop/typo", "--tier", "low"]);
    let trailer = rig.ok("planner", &["plan", "shop/typo", "--trailer"]).out;
    rig.commit_saying("src/lib.rs", "three\n", &format!("work\n\n{}", trailer.trim()));
    rig.ok("ci-1", &["attest", "build", "--", "true"]);
    let verdict = rig.verify();
    verdict.refused(&["E201"]);
    assert_eq!(verdict.json["change"], "shop/typo");
    assert_eq!(verdict.json["tier"]["effective"], "medium");
    rig.verify_with(&["--change", CHANGE]).refused(&["E201"]);
}

#[test]
fn attempts_are_not_laundered_through_other_shard_counts() {
    let rig = Rig::with(&[("[claim.build]", "[claim.build]\nattempts_max = 1")]);
    rig.plan("low");
    rig.fail("build");
    rig.ok("ci-1", &["attest", "build", "--shard", "1/2", "--", "true"]);
    rig.ok("ci-1", &["attest", "build", "--shard", "2/2", "--", "true"]);
    rig.verify().refused(&["E211"]);
    rig.commit("src/lib.rs", "three\n");
    rig.ok("ci-1", &["attest", "build", "--shard", "1/2", "--", "true"]);
    rig.ok("ci-1", &["attest", "build", "--shard", "2/2", "--", "true"]);
    rig.verify().accepted();
}

#[test]
fn failure_is_not_laundered_through_a_variant() {
    let rig = Rig::new();
    rig.plan("low");
    rig.fail("build");
    rig.ok("ci-1", &["attest", "build", "--variant", "mine", "--", "true"]);
    rig.verify().refused(&["E202"]);
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn pass_by_somebody_without_the_role_neither_helps_nor_hides() {
    let rig = Rig::new();
    rig.plan("low");
    rig.ok("agent", &["attest", "build", "--", "true"]);
    rig.verify().refused(&["E206"]);
    rig.fail("build");
    rig.ok("agent", &["attest", "build", "--", "true"]);
    rig.verify().refused(&["E202"]);
    rig.pass("build");
    rig.ok("agent", &["attest", "build", "--shard", "1/7", "--", "true"]);
    rig.verify().accepted();
}

#[test]
fn failing_report_is_not_hidden_behind_a_passing_one() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.medium();
    fs::write(rig.path("red.xml"), junit(4, 1)).unwrap();
    let words = ["attest", "unit-tests", "--report", "../tests.xml", "--report", "../red.xml"];
    assert_eq!(rig.by("ci-1", &words).code, 1);
    rig.verify().refused(&["E202"]);
    assert_eq!(rig.by("ci-1", &["attest", "unit-tests", "--report", "../tests.xml", "--report", "../no*.xml"]).code, 1);
    rig.verify().refused(&["E203"]);
    rig.ok("ci-1", &["attest", "unit-tests", "--report", "../tests.xml", "--attach", "../red.xml"]);
    rig.verify().accepted();
}

#[test]
fn same_report_given_twice_counts_once() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.medium();
    fs::write(rig.path("one.xml"), junit(1, 0)).unwrap();
    fs::copy(rig.path("one.xml"), rig.path("two.xml")).unwrap();
    for words in [["../one.xml", "../two.xml"], ["../one.xml", "../*e.xml"]] {
        rig.ok("ci-1", &["attest", "unit-tests", "--report", words[0], "--report", words[1]]);
        rig.verify().refused(&["E212"]);
    }
}

#[test]
fn same_report_in_two_shards_counts_once() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.medium();
    fs::write(rig.path("one.xml"), junit(1, 0)).unwrap();
    for shard in ["1/2", "2/2"] {
        rig.ok("ci-1", &["attest", "unit-tests", "--shard", shard, "--report", "../one.xml"]);
    }
    rig.verify().refused(&["E212"]);
}

#[test]
fn tests_that_output_and_report_both_show_count_once() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.medium();
    let script = "mkdir -p out; cp ../one.xml out/one.xml; printf '\\nrunning 1 test\\ntest p0 ... ok\\n\\n\
                  test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\\n\\n'";
    fs::write(rig.path("one.xml"), junit(1, 0)).unwrap();
    rig.ok("ci-1", &["attest", "unit-tests", "--report", "out/one.xml", "--", "sh", "-c", script]);
    rig.verify().refused(&["E212"]);
}

#[test]
fn swapped_material_is_an_alarm() {
    let rig = Rig::new();
    rig.plan("medium");
    rig.medium();
    rig.verify().accepted();
    let find =
        Command::new("grep").args(["-rlF", "<testsuites"]).arg(rig.repo().join(".git/evidence")).output().unwrap();
    let found = String::from_utf8(find.stdout).unwrap();
    let blob = found.lines().next().unwrap().to_owned();
    let text = fs::read(&blob).unwrap();
    let _ = fs::set_permissions(&blob, fs::Permissions::from_mode(0o644));
    fs::write(&blob, junit(9, 0)).unwrap();
    assert_eq!(rig.verify().code, 3);
    fs::remove_file(&blob).unwrap();
    rig.verify().refused(&["E216"]);
    fs::write(&blob, text).unwrap();
    rig.verify().accepted();
}

#[test]
fn ledger_of_ones_own_is_refused() {
    let rig = Rig::new();
    rig.plan("low");
    let other = Rig::new();
    other.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    let mut init = other.command("owner", &["init", "--repository", "shop", "--policy", "../policy.toml"]);
    init.args(["--ledger", "../mine", "--origin", "evidence.local/mine"])
        .env("XDG_CONFIG_HOME", other.path("config-2"));
    fs::remove_dir_all(other.repo().join(".evidence")).unwrap();
    let ran = common::Ran::of(init.output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    let mine = other.path("mine");
    rig.verify_with(&["--ledger", mine.to_str().unwrap()]).refused(&["E307"]);
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn command_that_attests_itself_or_kills_its_parent_leaves_no_pass() {
    let rig = Rig::new();
    rig.plan("low");
    let ran = rig.by("ci-1", &["attest", "build", "--", "sh", "-c", "kill -9 $PPID; exit 0"]);
    assert_eq!(ran.code, 1009, "{ran:?}");
    rig.verify().refused(&["E204"]);
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn command_that_commits_is_judged_on_the_tree_that_it_started_from() {
    let rig = Rig::new();
    rig.plan("low");
    let script = "echo sneaky > src/lib.rs && git add -A && git commit -qm sneaky";
    rig.ok("ci-1", &["attest", "build", "--", "sh", "-c", script]);
    rig.verify().refused(&["E210"]);
    rig.verify_with(&["--commit", "HEAD~1"]).refused(&["E209"]);
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn attempt_about_a_commit_that_is_not_checked_out_is_not_made() {
    let rig = Rig::new();
    rig.plan("low");
    rig.refuses("ci-1", &["attest", "build", "--commit", "main", "--", "true"], "is checked out");
    rig.ok("ci-1", &["attest", "build", "--commit", "feature", "--", "true"]);
    rig.verify().accepted();
}

#[test]
fn dirt_inside_a_submodule_is_dirt() {
    let rig = Rig::new();
    rig.git(&["init", "-q", "../module"]);
    rig.git(&[
        "-C",
        "../module",
        "-c",
        "user.name=m",
        "-c",
        "user.email=m@m",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "m",
    ]);
    fs::write(rig.path("module/lib.c"), "int a;\n").unwrap();
    rig.git(&["-C", "../module", "add", "-A"]);
    rig.git(&["-C", "../module", "-c", "user.name=m", "-c", "user.email=m@m", "commit", "-q", "-m", "m"]);
    let url = format!("file://{}", rig.path("module").display());
    rig.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "module"]);
    rig.git(&["commit", "-q", "-m", "module"]);
    rig.plan("low");
    rig.pass("build");
    rig.verify().accepted();
    rig.write("module/lib.c", "int hidden;\n");
    rig.pass("build");
    rig.verify().refused(&["E209"]);
}

#[test]
fn submodule_that_is_no_repository_hides_no_dirt() {
    let rig = Rig::new();
    rig.git(&["clone", "-q", ".", "../module"]);
    let url = format!("file://{}", rig.path("module").display());
    rig.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "module"]);
    rig.git(&["commit", "-q", "-m", "module"]);
    rig.plan("low");
    rig.pass("build");
    rig.verify().accepted();
    fs::remove_file(rig.repo().join("module/.git")).unwrap();
    rig.write("module/src/lib.rs", "hidden\n");
    rig.pass("build");
    rig.verify().refused(&["E209"]);
}

#[test]
fn ignore_file_that_names_itself_hides_no_dirt() {
    let rig = Rig::new();
    rig.plan("low");
    rig.write("src/planted/.gitignore", "*\n");
    rig.write("src/planted/mod.rs", "");
    assert_eq!(rig.git(&["status", "--porcelain"]), "");
    let told = rig.pass("build").err;
    assert!(told.contains("(src/planted/.gitignore)"), "{told}");
    rig.verify().refused(&["E209"]);
    fs::remove_dir_all(rig.repo().join("src/planted")).unwrap();
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn letters_that_git_was_told_to_take_for_others_hide_no_dirt() {
    let rig = Rig::new();
    rig.plan("low");
    rig.git(&["config", "core.ignoreCase", "true"]);
    rig.write("src/LIB.rs", "hidden\n");
    assert_eq!(rig.git(&["status", "--porcelain"]), "");
    rig.pass("build");
    rig.verify().refused(&["E209"]);
}

#[test]
fn work_tree_that_the_configuration_puts_elsewhere_is_not_looked_at() {
    let rig = Rig::new();
    rig.plan("low");
    rig.git(&["worktree", "add", "-q", "--detach", "../clean"]);
    rig.git(&["config", "core.worktree", rig.path("clean").to_str().unwrap()]);
    rig.write("src/lib.rs", "hidden\n");
    let ran = rig.by("ci-1", &["attest", "build", "--", "true"]);
    assert_eq!(ran.code, 125, "{}", ran.err);
    assert!(ran.err.contains("hint: git config --unset core.worktree"), "{}", ran.err);
    rig.git(&["config", "--unset", "core.worktree"]);
    rig.pass("build");
    rig.verify().refused(&["E209"]);
}

#[test]
fn folder_that_lies_under_the_id_of_another_hides_no_dirt() {
    let rig = Rig::new();
    rig.plan("low");
    let object = |revision: &str| {
        let id = rig.git(&["rev-parse", revision]);
        rig.repo().join(".git/objects").join(&id[..2]).join(&id[2..])
    };
    let honest = object("HEAD:src");
    rig.write("src/lib.rs", "hidden\n");
    rig.git(&["stash", "-q"]);
    rig.git(&["checkout", "-q", "stash@{0}", "--", "src/lib.rs"]);
    let forged = object("stash@{0}:src");
    fs::remove_file(&honest).unwrap();
    fs::copy(forged, honest).unwrap();
    let ran = rig.by("ci-1", &["attest", "build", "--", "true"]);
    assert!(ran.code != 0 && ran.err.contains("unknown-worktree"), "{}", ran.err);
    assert!(rig.by("gate", &["verify"]).code != 0);
}

#[test]
fn filter_of_the_local_configuration_hides_no_dirt() {
    let rig = Rig::new();
    rig.plan("low");
    fs::create_dir_all(rig.repo().join(".git/info")).unwrap();
    fs::write(rig.repo().join(".git/info/attributes"), "src/** filter=cheat\n").unwrap();
    rig.git(&["config", "filter.cheat.clean", "git cat-file blob HEAD:%f"]);
    rig.write("src/lib.rs", "hidden\n");
    rig.pass("build");
    rig.verify().refused(&["E209"]);
}

#[test]
fn local_exclude_file_hides_no_dirt() {
    let rig = Rig::new();
    rig.plan("low");
    fs::create_dir_all(rig.repo().join(".git/info")).unwrap();
    fs::write(rig.repo().join(".git/info/exclude"), "conftest.py\n").unwrap();
    rig.write("conftest.py", "");
    rig.pass("build");
    rig.verify().refused(&["E209"]);
}

#[test]
fn empty_set_never_passes() {
    let rig = Rig::with(&[("[claim.build]", "[claim.build]\nat = \"deploy\"")]);
    rig.plan("low");
    let verdict = rig.verify();
    verdict.refused(&["E309"]);
    let _: &Verdict = &verdict;
    rig.report("scan", "s.sarif", &sarif(&[]));
    rig.verify().refused(&["E309"]);
}

fn lease(rig: &Rig, by: &str, words: &[&str]) -> common::Ran {
    let key = rig.key_path("leased");
    rig.by(by, &[&["key", "lease"], words, &["-o", key.to_str().unwrap()]].concat())
}

#[test]
fn leased_key_helps_for_its_change_and_role_alone() {
    let rig = Rig::new();
    rig.plan("low");
    let words = ["--for", "job-7", "--role", "ci", "--change", CHANGE, "--until", "2h"];
    assert_eq!(lease(&rig, "ci-1", &words).code, 0);
    rig.ok("leased", &["attest", "build", "--", "true"]);
    let verdict = rig.verify();
    verdict.accepted();
    assert_eq!(verdict.json["requirements"][0]["principals"], serde_json::json!(["job-7"]));
    rig.ok("planner", &["plan", "shop/other", "--tier", "low"]);
    let other = rig.by("leased", &["attest", "build", "--change", "shop/other", "--", "true"]);
    assert_eq!(other.code, 125, "{other:?}");
    rig.revoke("ci-1");
    rig.verify().refused(&["E206"]);
}

#[test]
fn nobody_leases_what_they_do_not_hold() {
    let rig = Rig::new();
    rig.plan("low");
    for words in [
        ["--for", "job-7", "--role", "reviewer", "--change", CHANGE, "--until", "2h"],
        ["--for", "reviewer", "--role", "ci", "--change", CHANGE, "--until", "2h"],
    ] {
        let ran = lease(&rig, "ci-1", &words);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(!rig.key_path("leased").exists(), "a key is left of a lease that was refused");
    }
    let stranger = lease(&rig, "stranger", &["--for", "x", "--role", "ci", "--change", CHANGE, "--until", "2h"]);
    assert_eq!(stranger.code, 2, "{stranger:?}");
}

#[test]
fn lessor_does_not_review_what_the_leased_agent_implements() {
    let rig = Rig::new();
    rig.ok("planner", &["plan", CHANGE, "--tier", "high"]);
    let words = ["--for", "agent-9", "--role", "implementer", "--change", CHANGE, "--until", "2h"];
    assert_eq!(lease(&rig, "reviewer", &words).code, 0);
    rig.medium();
    rig.review("reviewer", "pass");
    rig.verify().refused(&["E207"]);
    rig.key("other");
    rig.grant("other", "other", "reviewer", &[]);
    rig.review("other", "pass");
    rig.verify().accepted();
}

#[test]
fn lessor_does_not_become_two() {
    let rig = Rig::with(&[("waivable = false", "waivable = false\nprincipals_min = 2")]);
    rig.ok("planner", &["plan", CHANGE, "--tier", "high"]);
    rig.medium();
    rig.review("reviewer", "pass");
    rig.verify().refused(&["E219"]);
    let words = ["--for", "agent-9", "--role", "reviewer", "--change", CHANGE, "--until", "2h"];
    assert_eq!(lease(&rig, "reviewer", &words).code, 0);
    rig.review("leased", "pass");
    rig.verify().refused(&["E219"]);
    rig.key("other");
    rig.grant("other", "other", "reviewer", &[]);
    rig.review("other", "pass");
    rig.verify().accepted();
}

#[test]
fn impact_of_a_key_lists_what_it_signed_granted_and_leased() {
    let rig = Rig::new();
    rig.plan("low");
    let words = ["--for", "job-7", "--role", "ci", "--change", CHANGE, "--until", "2h"];
    assert_eq!(lease(&rig, "ci-1", &words).code, 0);
    rig.pass("build");
    let key = format!("{}", rig.key_path("ci-1").display());
    let said = rig.ok("owner", &["key", "impact", &key, "--json"]).json();
    assert_eq!(said["changes"][0]["change"], CHANGE);
    assert_eq!(said["leased"][0]["principal"], "job-7");
    let none = rig.key_path("stranger");
    let said = rig.ok("owner", &["key", "impact", none.to_str().unwrap(), "--json"]).json();
    assert_eq!(said["records"], serde_json::json!([]));
}

#[test]
fn canaries_in_environment_words_and_output_are_in_no_bundle_and_in_no_blob() {
    let rig = Rig::new();
    rig.plan("low");
    let canaries =
        ["canary-env-81f3c", "canary-arg-92d4e", "canary-out-a3e5f", "ghp_0123456789abcdefghijABCDEFGHIJ012345"];
    let [in_environment, in_word, in_output, token] = canaries;
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIcanary0000000000000000000\n-----END PRIVATE KEY-----";
    let script = format!(
        "echo \"$DEPLOY_TOKEN\"; printf %s canary; printf -- '-out-a3e5f' ; echo; echo {token} >&2; echo '{pem}'; env; printf %s \"$DEPLOY_TOKEN\" | base64; echo plain-words"
    );
    let words = ["attest", "build", "--", "sh", "-c", &script, "sh", "--password", in_word];
    let mut command = rig.command("ci-1", &words);
    command.env("DEPLOY_TOKEN", in_environment).env("OUT_SECRET", in_output).env("EVIDENCE_PASSPHRASE", in_word);
    let ran = common::Ran::of(command.output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains(in_environment) && ran.out.contains(in_output), "what is shown is as it was: {ran:?}");
    // A report with the value of a secret in it is not kept, and so shows nothing.
    let report = junit(2, 0).replace("</testsuite>", &format!("<system-out>{in_environment}</system-out></testsuite>"));
    for (text, code) in [(report.as_str(), 1), (&junit(2, 0), 0)] {
        fs::write(rig.path("tests.xml"), text).unwrap();
        let mut command = rig.command("ci-1", &["attest", "build", "--report", "../tests.xml"]);
        let ran = common::Ran::of(command.env("DEPLOY_TOKEN", in_environment).output().unwrap());
        assert_eq!(ran.code, code, "{ran:?}");
    }
    rig.ok("ci-1", &["export", "-o", "../bundle.zip"]);
    rig.ok("stranger", &["audit", "../bundle.zip", "--trust", ".evidence/trust.toml"]);
    let mut places = vec![rig.repo().join(".git/evidence")];
    let mut all = unpacked(&fs::read(rig.path("bundle.zip")).unwrap());
    while let Some(place) = places.pop() {
        if place.is_dir() {
            places.extend(fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            all.push(fs::read(place).unwrap());
        }
    }
    let plain = |bytes: &Vec<u8>| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        // Payloads are base64 in their envelopes.
        let payload =
            text.split("\"payload\":\"").nth(1).and_then(|rest| STANDARD.decode(rest.split('"').next()?).ok());
        format!("{text}{}", String::from_utf8_lossy(&payload.unwrap_or_default()))
    };
    let all: Vec<String> = all.iter().map(plain).collect();
    assert!(all.iter().any(|text| text.contains("plain-words")), "what is no secret is kept");
    let encoded = STANDARD.encode(in_environment);
    for canary in canaries.iter().chain(&["MC4CAQAwBQYDK2VwBCIEIcanary", &encoded[..encoded.len() - 4]]) {
        assert!(!all.iter().any(|text| text.contains(canary)), "{canary}");
    }
}

fn unpacked(zip: &[u8]) -> Vec<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    let member = |index| {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut archive.by_index(index).unwrap(), &mut bytes).unwrap();
        bytes
    };
    (0..zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap().len()).map(member).collect()
}

#[test]
fn grant_by_a_granter_who_was_revoked_helps_no_more() {
    let rig = Rig::new();
    rig.key("admin");
    rig.grant("admin", "second", "admin", &[]);
    rig.key("given");
    let path = rig.key_path("given").display().to_string();
    rig.ok("admin", &["key", "grant", &path, "--principal", "given", "--role", "ci"]);
    rig.plan("low");
    rig.ok("given", &["attest", "build", "--", "true"]);
    rig.verify().accepted();
    rig.revoke("admin");
    rig.verify().refused(&["E206"]);
    let other = rig.key_path("stranger").display().to_string();
    rig.refuses("admin", &["key", "grant", &other, "--principal", "x", "--role", "ci"], "has no grant");
    // By the library: an old grant by the revoked granter, written behind the revocation by whoever holds the log.
    let forge = Forge::of(&rig);
    let late = SecretKey::from_seed(&[0x63; 32]);
    let subjects = vec![Subject::sha256("key", late.public().spki_sha256())];
    let predicate = Predicate::Authority(Authority::Grant(forge::grant(&late, "late", "ci")));
    let grant = Statement { subjects, binding: forge.binding(false, None), predicate };
    forge.write(&grant, &[&forge::key(&rig, "admin")], forge.newest());
    let (_, leaf) = {
        let started = forge.statement(&rig, forge.planned(&rig).plan, forge::start("build"));
        forge.write(&started, &[&late], forge.newest())
    };
    let result = Predicate::Result(forge::passed(&rig, "build", leaf));
    forge.write(&forge.statement(&rig, forge.planned(&rig).plan, result), &[&late], forge.newest());
    rig.verify().refused(&["E206"]);
    rig.pass("build");
    rig.verify().accepted();
}

#[test]
fn records_of_a_staging_ledger_are_not_replayed_here() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    let forge = Forge::of(&rig);
    let staging = Forge::empty(&rig);
    let log = forge.ledger.read().unwrap();
    let appender = staging.appender(forge.newest());
    for serial in 0..log.size() {
        let Some(record) = log.record(serial).unwrap() else { continue };
        let envelope = Envelope::parse(&record.envelope).unwrap();
        let error = appender.append(vec![Submission { envelope }]).unwrap_err().to_string();
        assert!(
            error.contains("was made for the ledger") || error.contains("by nobody") || error.contains("no grant"),
            "{error}"
        );
    }
    // The same envelope twice in its own ledger is refused too: an old pass.
    let own = forge.appender(forge.newest());
    let last = log.record(log.size() - 2).unwrap().unwrap();
    let again = own.append(vec![Submission { envelope: Envelope::parse(&last.envelope).unwrap() }]);
    assert!(again.unwrap_err().to_string().contains("holds this statement already"));
    drop(log);
    rig.verify().accepted();
}

#[test]
fn old_grant_is_replayed_neither_here_nor_in_another_ledger() {
    let rig = Rig::new();
    rig.key("given");
    rig.grant("given", "given", "ci", &["--until", "1h"]);
    rig.plan("low");
    rig.ok("given", &["attest", "build", "--", "true"]);
    rig.verify().accepted();
    let forge = Forge::of(&rig);
    let log = forge.ledger.read().unwrap();
    let fingerprint = forge::key(&rig, "given").public().fingerprint();
    let (places, _) = log.newest(&MapText::chain(&format!("key:{fingerprint}")), 1).unwrap();
    let old = Envelope::parse(&log.record(places[0]).unwrap().unwrap().envelope).unwrap();
    drop(log);
    let replayed = |appender: &Appender, envelope: &Envelope| {
        appender.append(vec![Submission { envelope: envelope.clone() }]).unwrap_err().to_string()
    };
    let now = forge.newest();
    assert!(replayed(&forge.appender(now), &old).contains("holds this statement already"));
    // Another signature by the same root makes no other statement of it.
    let again = Envelope::seal(old.payload.clone(), &[&forge::key(&rig, "root")]).unwrap();
    assert!(replayed(&forge.appender(now), &again).contains("holds this statement already"));
    let staging = Forge::empty(&rig);
    let elsewhere = replayed(&staging.appender(now), &again);
    assert!(elsewhere.contains("was made for the ledger"), "{elsewhere}");
    // Behind its end it brings nothing back, and a revoked key is granted nothing anew; a fresh grant of a key that ended does.
    let later = now.after(evidence_ledger::model::Span(3600));
    forge.wait_until(&rig, later);
    assert!(replayed(&forge.appender(later), &old).contains("holds this statement already"));
    let start = || {
        let statement = forge.statement(&rig, forge.planned(&rig).plan, forge::start("build"));
        Envelope::seal(statement.print().unwrap(), &[&forge::key(&rig, "given")]).unwrap()
    };
    assert!(replayed(&forge.appender(later), &start()).contains("its grant ended at "));
    let root = forge::key(&rig, "root");
    let appender = forge.appender(later);
    let signer = Signer { appender: &appender, keys: vec![&root] };
    signer.grant(forge::grant(&forge::key(&rig, "given"), "given", "ci")).unwrap();
    appender.append(vec![Submission { envelope: start() }]).unwrap();
}

#[test]
fn plan_that_comes_after_the_first_start_is_none() {
    let rig = Rig::new();
    rig.refuses("ci-1", &["attest", "build", "--", "true"], "no plan");
    rig.plan("low");
    rig.pass("build");
    rig.verify().accepted();
    // A lower tier later, and a first plan anew, whoever signs.
    let lower = ["plan", CHANGE, "--tier", "low", "--reason", "less"];
    rig.ok("planner", &["plan", CHANGE, "--tier", "medium", "--reason", "more"]);
    rig.refuses("planner", &lower, "raised only");
    rig.verify().refused(&["E201"]);
    let forge = Forge::of(&rig);
    let plan = Plan::bare("low".parse().unwrap(), "refs/heads/main");
    let base = vec![Subject::base(forge::oid(&rig, "main"))];
    let statement = Statement { subjects: base, binding: forge.binding(true, None), predicate: Predicate::Plan(plan) };
    forge.write(&statement, &[&forge::key(&rig, "planner")], forge.newest());
    assert_eq!(rig.verify().code, 1, "a second first plan, smuggled in, lowers nothing");
}

#[test]
fn older_state_of_the_ledger_is_refused_where_a_newer_one_is_remembered() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    let copy = rig.path("old");
    assert!(Command::new("cp").arg("-r").arg(rig.repo().join(".git/evidence")).arg(&copy).status().unwrap().success());
    rig.verify_with(&["--ledger", "../old"]).accepted();
    rig.fail("build");
    let newer = rig.repo().join(".git/evidence/checkpoint");
    rig.verify().refused(&["E202"]);
    // The operator puts the older log back, and the newer head is still there.
    fs::copy(&newer, copy.join("checkpoint")).unwrap();
    let ran = rig.by("stranger", &["verify", "--ledger", "../old"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    // A trust file may name the least size.
    let trust = fs::read_to_string(rig.repo().join(".evidence/trust.toml")).unwrap();
    let size = Forge::of(&rig).ledger.read().unwrap().size();
    fs::write(rig.path("sized.toml"), format!("min_size = {}\n{trust}", size + 1)).unwrap();
    rig.verify_with(&["--trust", "../sized.toml"]).refused(&["E308"]);
    fs::write(rig.path("sized.toml"), format!("min_size = {size}\n{trust}")).unwrap();
    rig.verify_with(&["--trust", "../sized.toml"]).refused(&["E202"]);
}
