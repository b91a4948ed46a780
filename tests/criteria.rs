//! What a plan says that the change must do, tried from outside: what meets a criterion, and who tries to get round it.

mod common;
#[expect(dead_code, reason = "a part of the pen is enough here")]
#[path = "common/forge.rs"]
mod forge;

use std::fs;

use common::{CHANGE, Ran, Rig, Verdict};
use evidence_ledger::model::{Criterion, Plan, Predicate, Statement, Subject};
use forge::{Forge, key};
use serde_json::{Value, json};

const ACCEPT: (&str, &str) = ("merge = [\"ci\"]", "merge = [\"ci\"]\naccept = [\"product\"]");

/// A rig with `ana`, a person who may accept criteria.
fn rig(more: &[(&str, &str)]) -> Rig {
    let rig = Rig::with(&[&[ACCEPT], more].concat());
    rig.key("ana");
    rig.grant("ana", "ana", "product", &["--email", "ana@example.org"]);
    rig
}

/// Plans the change with a specification.
fn plan(rig: &Rig, spec: &str) -> Ran {
    plan_with(rig, spec, &[])
}

fn plan_with(rig: &Rig, spec: &str, more: &[&str]) -> Ran {
    fs::write(rig.path("spec.md"), spec).unwrap();
    let words = ["plan", CHANGE, "--tier", "low", "--implementer", "agent", "--spec", "../spec.md"];
    rig.ok("planner", &[&words, more].concat())
}

/// A JUnit report with these cases: name, and `passed`, `failed` or `skipped`.
fn cases(cases: &[(&str, &str)]) -> String {
    let mut text = "<testsuites><testsuite name=\"s\">".to_owned();
    for (name, outcome) in cases {
        let inside = match *outcome {
            "passed" => "",
            "failed" => "<failure message=\"no\"/>",
            _ => "<skipped/>",
        };
        text.push_str(&format!("<testcase classname=\"c\" name=\"{name}\">{inside}</testcase>"));
    }
    text.push_str("</testsuite></testsuites>");
    text
}

fn test(rig: &Rig, of: &[(&str, &str)]) -> Ran {
    rig.report("build", "tests.xml", &cases(of))
}

fn accept(rig: &Rig, who: &str, id: &str) {
    rig.ok(who, &["review", "--criterion", id, "--verdict", "pass"]);
}

/// Refused since this criterion is open, and says why.
fn open(verdict: &Verdict, id: &str, why: &str) {
    verdict.refused(&["E240"]);
    let criterion = criterion(verdict, id);
    assert_eq!(criterion["state"], "open", "{:#}", verdict.json);
    assert!(criterion["lacks"].to_string().contains(why), "{why}: {criterion:#}");
}

fn criterion(verdict: &Verdict, id: &str) -> Value {
    let all = verdict.json["criteria"].as_array().unwrap();
    all.iter().find(|criterion| criterion["id"] == id).unwrap().clone()
}

/// The commands that mend the findings, without the change's name.
fn mends(verdict: &Verdict) -> Vec<String> {
    let command = |finding: &Value| {
        let words = finding["mend"]["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        words.filter(|word| !["--change", CHANGE].contains(word)).collect::<Vec<_>>().join(" ")
    };
    verdict.json["findings"].as_array().unwrap().iter().map(command).collect()
}

#[test]
fn criterion_without_a_list_is_met_by_a_test_an_attachment_or_a_person_and_else_open() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: a visitor logs in\n- [ ] AC-2: and out\n");
    test(&rig, &[("AC-1 logs in", "passed"), ("AC-10", "passed"), ("AC-2.1", "passed")]);
    let verdict = rig.verify();
    open(&verdict, "AC-2", "nothing shows it");
    let met = criterion(&verdict, "AC-1");
    assert_eq!((&met["state"], &met["evidence"][0]["kind"]), (&json!("met"), &json!("tests")));
    assert_eq!((&met["evidence"][0]["count"], &met["text"]), (&json!(1), &json!("a visitor logs in")));
    accept(&rig, "ana", "AC-2");
    let verdict = rig.verify();
    verdict.accepted();
    let met = criterion(&verdict, "AC-2");
    assert_eq!((&met["evidence"][0]["kind"], &met["evidence"][0]["name"]), (&json!("person"), &json!("ana")));
    rig_with_attachment().verify().accepted();
}

fn rig_with_attachment() -> Rig {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-2: and out\n");
    fs::write(rig.path("note.txt"), "out").unwrap();
    rig.ok(
        "ci-1",
        &["attest", "build", "--attach", "../note.txt", "--criterion", "AC-2", "--", "touch", "../note.txt"],
    );
    rig
}

#[test]
fn test_that_carries_the_id_and_fails_or_is_skipped_meets_nothing() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: a visitor logs in\n");
    test(&rig, &[("ac_1_logs_in", "passed"), ("AC-1 again", "skipped")]);
    open(&rig.verify(), "AC-1", "was skipped\"");
    test(&rig, &[("ac_1_logs_in", "passed"), ("AC-1 again", "skipped"), ("AC-1 too", "skipped")]);
    open(&rig.verify(), "AC-1", "was skipped and 1 more\"");
    test(&rig, &[("ac_1_logs_in", "passed"), ("AC-1 again", "failed")]);
    let verdict = rig.verify();
    verdict.refused(&["E202", "E240"]);
    assert!(criterion(&verdict, "AC-1")["lacks"].to_string().contains("AC-1 again of record"), "{:#}", verdict.json);
    test(&rig, &[("ac_1_logs_in", "passed"), ("AC-1 again", "passed")]);
    rig.verify().accepted();
}

#[test]
fn listed_tests_must_be_there_and_all_pass() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: a visitor logs in {tests: *login*, s > c > logout}\n");
    test(&rig, &[("login", "passed")]);
    open(&rig.verify(), "AC-1", "no counted report has a test that matches s > c > logout");
    test(&rig, &[("login", "passed"), ("login twice", "skipped"), ("logout", "passed")]);
    open(&rig.verify(), "AC-1", "login twice of record");
    // A person's word is no test.
    accept(&rig, "ana", "AC-1");
    open(&rig.verify(), "AC-1", "login twice of record");
    test(&rig, &[("login", "passed"), ("login twice", "passed"), ("logout", "passed")]);
    rig.verify().accepted();
}

#[test]
fn tests_of_another_tree_or_of_a_claim_that_nothing_requires_count_for_nothing() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: a visitor logs in {tests: login}\n");
    test(&rig, &[("login", "passed")]);
    rig.verify().accepted();
    rig.commit("src/lib.rs", "three\n");
    rig.pass("build");
    rig.report("unit-tests", "other.xml", &cases(&[("login", "passed"), ("more", "passed")]));
    open(&rig.verify(), "AC-1", "no counted report");
    test(&rig, &[("login", "passed")]);
    rig.verify().accepted();
}

#[test]
fn listed_claim_must_pass_though_nothing_else_requires_it() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: two tests {claims: unit-tests}\n- [ ] AC-2: no such {claims: nothing}\n");
    rig.pass("build");
    let verdict = rig.verify();
    open(&verdict, "AC-1", "the claim unit-tests is missing");
    open(&verdict, "AC-2", "the policy has no claim nothing");
    rig.report("unit-tests", "tests.xml", &cases(&[("one", "passed")]));
    open(&rig.verify(), "AC-1", "the claim unit-tests is invalid");
    rig.report("unit-tests", "tests.xml", &cases(&[("one", "passed"), ("two", "passed")]));
    let verdict = rig.verify();
    open(&verdict, "AC-2", "the policy has no claim nothing");
    assert_eq!(criterion(&verdict, "AC-1")["state"], "met");
}

#[test]
fn listed_claim_with_a_ratchet_is_held_against_what_was_merged_though_nothing_else_requires_it() {
    let limits = "tests = { passed_min = 1, baseline = \"keep\", skipped = \"ceiling\" }";
    let rig = rig(&[("tests = { passed_min = 2, failed_max = 0 }", limits)]);
    rig.git(&["checkout", "-q", "main"]);
    let change = |name: &str, of: &[(&str, &str)]| {
        rig.git(&["checkout", "-q", "-b", name]);
        rig.commit(&format!("src/{name}.rs"), name);
        fs::write(rig.path("spec.md"), "- [ ] AC-1: its tests {claims: unit-tests}\n").unwrap();
        let words =
            ["plan", &format!("shop/{name}"), "--tier", "low", "--implementer", "agent", "--spec", "../spec.md"];
        rig.ok("planner", &words);
        rig.pass("build");
        rig.report("unit-tests", "tests.xml", &cases(of));
    };
    change("one", &[("a", "passed"), ("b", "passed"), ("c", "skipped")]);
    let verdict = rig.verify();
    verdict.accepted();
    assert_eq!(criterion(&verdict, "AC-1")["state"], "met");
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", "one"]);
    rig.ok("ci-1", &["record", "merge"]);
    let protected = rig.ok("stranger", &["baseline", "show", "unit-tests", "--branch", "main", "--json"]).json();
    assert_eq!(
        (&protected["claims"][0]["tests"]["count"], &protected["claims"][0]["ceilings"]["skipped"]),
        (&json!(2), &json!(1))
    );
    change("two", &[("b", "passed")]);
    open(&rig.verify(), "AC-1", "the claim unit-tests is invalid");
    rig.report(
        "unit-tests",
        "tests.xml",
        &cases(&[("a", "passed"), ("b", "passed"), ("c", "skipped"), ("d", "skipped")]),
    );
    open(&rig.verify(), "AC-1", "the claim unit-tests is invalid");
    rig.report("unit-tests", "tests.xml", &cases(&[("a", "passed"), ("b", "passed")]));
    rig.verify().accepted();
    // An auditor with the bundle alone comes to the same.
    rig.ok("stranger", &["export", "shop/two", "-o", "../two.zip"]);
    assert_eq!(rig.by("stranger", &["audit", "../two.zip", "--json"]).code, 0);
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", "two"]);
    rig.ok("ci-1", &["record", "merge"]);
    let audit = rig.by("stranger", &["audit", "--branch", "main", "--json"]).json();
    assert_eq!(audit["accepted"], true, "{audit:#}");
}

#[test]
fn more_criteria_than_are_judged_are_refused_at_the_plan_and_by_the_verdict() {
    let rig = rig(&[]);
    let spec = |plan: usize, count: usize| -> String {
        (0..count).map(|at| format!("- [ ] AC-{plan}.{at}: one of many {{tests: t*}}\n")).collect()
    };
    plan(&rig, &spec(0, 256));
    let more = |plan: usize, count: usize| {
        fs::write(rig.path("spec.md"), spec(plan, count)).unwrap();
        rig.by("planner", &["plan", CHANGE, "--tier", "low", "--spec", "../spec.md", "--reason", "more"])
    };
    for plan in 1..16 {
        assert_eq!(more(plan, 256).code, 0);
    }
    let refused = more(16, 1);
    assert!(refused.code != 0 && refused.err.contains("the change's plans would have 4097 criteria"), "{refused:?}");
    // The same once more adds none.
    assert_eq!(more(3, 256).code, 0);
    test(&rig, &[("t", "passed")]);
    let verdict = rig.verify();
    verdict.accepted();
    assert_eq!(verdict.json["criteria"].as_array().unwrap().len(), 4096);
    // Somebody who writes past append does not get round it.
    let forge = Forge::of(&rig);
    let planned = forge.planned(&rig);
    let one: Criterion = serde_json::from_value(json!({"id": "AC-X", "text": "one too many"})).unwrap();
    let again = Plan {
        criteria: vec![one],
        reason: Some("more".to_owned()),
        ..Plan::bare("low".parse().unwrap(), "refs/heads/main")
    };
    let base = rig.git(&["rev-parse", "main"]).parse().unwrap();
    let binding = forge.binding(true, Some(planned.plan));
    let statement = Statement { subjects: vec![Subject::base(base)], binding, predicate: Predicate::Plan(again) };
    forge.write(&statement, &[&key(&rig, "planner")], forge.newest());
    let verdict = rig.verify();
    verdict.refused(&["E240"]);
    let found = verdict.json["findings"][0]["found"].as_str().unwrap();
    assert_eq!(found, "its plans have 4097 criteria");
}

#[test]
fn only_a_person_who_may_and_did_not_implement_it_accepts() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: it is beautiful {human}\n");
    rig.pass("build");
    open(&rig.verify(), "AC-1", "nobody who may has accepted it");
    // Somebody without the role.
    accept(&rig, "reviewer", "AC-1");
    open(&rig.verify(), "AC-1", "who may not accept it");
    // The implementer, who has been given the role.
    rig.key("agent-2");
    rig.grant("agent-2", "agent", "product", &[]);
    accept(&rig, "agent-2", "AC-1");
    open(&rig.verify(), "AC-1", "agent implements the change");
    // An agent that somebody answers for.
    rig.key("bot");
    rig.grant("bot", "bot", "product", &["--owner", "ana"]);
    accept(&rig, "bot", "AC-1");
    open(&rig.verify(), "AC-1", "bot is no person");
    accept(&rig, "ana", "AC-1");
    let verdict = rig.verify();
    verdict.accepted();
    assert_eq!(criterion(&verdict, "AC-1")["evidence"].as_array().unwrap().len(), 1);
}

#[test]
fn whoever_says_that_it_is_not_met_is_heard_until_they_take_it_back() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: it is beautiful {human}\n- [ ] AC-2: it works {tests: works}\n");
    test(&rig, &[("works", "passed")]);
    accept(&rig, "ana", "AC-1");
    rig.verify().accepted();
    rig.ok("reviewer", &["review", "--criterion", "AC-2", "--verdict", "fail"]);
    let verdict = rig.verify();
    verdict.refused(&["E218", "E240"]);
    assert!(criterion(&verdict, "AC-2")["lacks"].to_string().contains("says that it is not met"));
    accept(&rig, "reviewer", "AC-2");
    rig.verify().accepted();
    rig.ok("ana", &["review", "--criterion", "AC-1", "--verdict", "fail"]);
    rig.verify().refused(&["E218", "E240"]);
}

#[test]
fn acceptance_is_of_one_tree_and_no_review_of_a_claim() {
    let rig = rig(&[("require = [\"build\"]", "require = [\"build\", \"peer-review\"]")]);
    plan(&rig, "- [ ] AC-1: it is beautiful {human}\n");
    rig.pass("build");
    accept(&rig, "ana", "AC-1");
    // The reviewer's word about a criterion says nothing about the claim.
    accept(&rig, "reviewer", "AC-1");
    rig.verify().refused(&["E201"]);
    rig.review("reviewer", "pass");
    rig.verify().accepted();
    rig.commit("src/lib.rs", "three\n");
    rig.pass("build");
    rig.review("reviewer", "pass");
    open(&rig.verify(), "AC-1", "nobody who may has accepted it");
}

#[test]
fn without_the_right_in_the_policy_nobody_accepts() {
    let rig = Rig::new();
    plan(&rig, "- [ ] AC-1: it is beautiful {human}\n");
    rig.pass("build");
    accept(&rig, "reviewer", "AC-1");
    accept(&rig, "owner", "AC-1");
    open(&rig.verify(), "AC-1", "the policy lets nobody");
}

#[test]
fn as_many_people_accept_as_the_policy_says() {
    let rig = rig(&[("accept = [\"product\"]", "accept = { roles = [\"product\"], threshold = 2 }")]);
    rig.key("eve");
    rig.grant("eve", "eve", "product", &[]);
    rig.key("ana-2");
    rig.grant("ana-2", "ana", "product", &[]);
    plan(&rig, "- [ ] AC-1: it is beautiful {human}\n");
    rig.pass("build");
    accept(&rig, "ana", "AC-1");
    // Two keys of one person are one person.
    accept(&rig, "ana-2", "AC-1");
    open(&rig.verify(), "AC-1", "1 accepted it, of 2 that are wanted");
    accept(&rig, "eve", "AC-1");
    rig.verify().accepted();
}

#[test]
fn what_is_critical_rests_on_no_person_alone() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: money is not lost {critical}\n- [ ] AC-2: nor time {human; critical}\n");
    rig.pass("build");
    accept(&rig, "ana", "AC-1");
    accept(&rig, "ana", "AC-2");
    let verdict = rig.verify();
    open(&verdict, "AC-1", "it is critical, and no test, claim or picture shows it");
    open(&verdict, "AC-2", "it is critical, and no test, claim or picture shows it");
    // A file that says so is somebody's word too.
    fs::write(rig.path("note.txt"), "it works").unwrap();
    rig.ok(
        "ci-1",
        &["attest", "build", "--attach", "../note.txt", "--criterion", "AC-1", "--", "touch", "../note.txt"],
    );
    open(&rig.verify(), "AC-1", "it is critical");
    test(&rig, &[("AC-1", "passed"), ("ac_2_time", "passed")]);
    let verdict = rig.verify();
    verdict.accepted();
    assert_eq!(criterion(&verdict, "AC-2")["evidence"].as_array().unwrap().len(), 2);
    assert_eq!(criterion(&verdict, "AC-2")["critical"], true);
}

#[test]
fn criterion_whose_claim_is_waived_is_shown_as_waived() {
    let rig = rig(&[("allow = [\"admin\"]", "allow = [\"product\"]")]);
    plan(&rig, "- [ ] AC-1: two tests {claims: unit-tests}\n- [ ] AC-2: it builds {claims: build}\n");
    rig.pass("build");
    open(&rig.verify(), "AC-1", "the claim unit-tests is missing");
    rig.ok("ana", &["allow", "waive", "build", "--reason", "no runner", "--until", "1d"]);
    rig.report("unit-tests", "tests.xml", &cases(&[("one", "passed"), ("two", "passed")]));
    let verdict = rig.verify();
    verdict.accepted();
    // What passes takes no exception.
    assert_eq!(
        (criterion(&verdict, "AC-1")["state"].clone(), criterion(&verdict, "AC-2")["state"].clone()),
        (json!("met"), json!("met"))
    );
    rig.by("ci-1", &["attest", "build", "--", "false"]);
    let verdict = rig.verify();
    let waived = criterion(&verdict, "AC-2");
    assert_eq!((&waived["state"], &waived["evidence"][0]["excepted"]), (&json!("waived"), &json!("waived")));
    let ran = rig.by("stranger", &["verify", "--write", "markdown=../v.md"]);
    assert!(ran.out.contains("waived       AC-2  it builds: claim build waived"), "{ran:?}");
    assert!(fs::read_to_string(rig.path("v.md")).unwrap().contains("| <code>AC-2</code> | ⚠️ waived |"));
}

#[test]
fn criterion_whose_claim_does_not_apply_is_shown_so() {
    let rig = rig(&[("allow = [\"admin\"]", "allow = [\"product\"]")]);
    plan(&rig, "- [ ] AC-1: it builds {claims: build}\n");
    rig.ok("ana", &["allow", "exempt", "build", "--reason", "no code", "--until", "1d"]);
    rig.by("ci-1", &["attest", "build", "--", "false"]);
    let exempt = criterion(&rig.verify(), "AC-1");
    let state = json!("not-applicable");
    assert_eq!((&exempt["state"], &exempt["evidence"][0]["excepted"]), (&state, &state));
}

#[test]
fn of_two_policies_that_judge_the_one_that_is_not_content_is_shown() {
    // The policy of the plan and the newest one both judge, in either order.
    let both = ("version = 1", "version = 1\napplies = \"open\"");
    for (planned, newest, wanted) in [(1, 2, 2), (2, 1, 2), (3, 2, 3)] {
        let rule = |count: u32| format!("accept = {{ roles = [\"product\"], threshold = {count} }}");
        let (planned, newest) = (rule(planned), rule(newest));
        let rig = rig(&[("accept = [\"product\"]", &planned)]);
        plan(&rig, "- [ ] AC-1: it is beautiful {human}\n");
        rig.apply(&[ACCEPT, both, ("accept = [\"product\"]", &newest)]);
        rig.pass("build");
        accept(&rig, "ana", "AC-1");
        let verdict = rig.verify();
        open(&verdict, "AC-1", &format!("1 accepted it, of {wanted} that are wanted"));
        assert_eq!(verdict.json["criteria"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn what_is_critical_rests_on_no_flaky_test() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: money is not lost {critical}\n- [ ] AC-2: nor time\n");
    let flaky = "<testsuite name=\"s\"><testcase name=\"AC-1\">FLAKY</testcase><testcase name=\"AC-2\"><flakyFailure/></testcase></testsuite>";
    rig.report("build", "flaky.xml", &flaky.replace("FLAKY", "<flakyFailure/>"));
    let verdict = rig.verify();
    open(&verdict, "AC-1", "passed only when repeated");
    assert_eq!(criterion(&verdict, "AC-2")["state"], "met");
    rig.report("build", "steady.xml", &flaky.replace("FLAKY", ""));
    rig.verify().accepted();
}

#[test]
fn what_is_open_names_the_command_that_shows_it() {
    let rig = rig(&[]);
    let spec = "- [ ] AC-1: one logs in {tests: login}\n- [ ] AC-2: two tests {claims: unit-tests}\n- [ ] AC-3: it is seen {pictures: login}\n\
                - [ ] AC-4: no money is lost {critical}\n- [ ] AC-5: a claim {claims: peer-review}\n";
    let said = plan(&rig, spec).out;
    assert!(said.contains(", 5 criteria: AC-1, AC-2, AC-3, AC-4, AC-5\n"), "{said}");
    rig.pass("build");
    let verdict = rig.verify();
    verdict.refused(&["E240"]);
    let wanted = [
        "evidence attest build --report FILE -- CMD",
        "evidence attest unit-tests --report FILE -- CMD",
        "evidence attest build --attach login=FILE -- CMD",
        "evidence attest build --report FILE -- CMD",
        "evidence review peer-review --verdict pass",
    ];
    assert_eq!(mends(&verdict)[..wanted.len()], wanted);
    // And what is asked stands in the explanation, a claim that nothing but a criterion wants among it.
    let told = rig.ok("stranger", &["policy", "explain"]).out;
    for part in [
        "unit-tests (functionality, by run",
        "  why      criterion AC-2\n",
        "criterion AC-1: one logs in\n  wanted   tests that match login",
        "criterion AC-4: no money is lost\n  wanted   a passing test that carries its id",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let json = rig.ok("stranger", &["policy", "explain", "--json"]).json();
    assert_eq!(json["criteria"][2]["pictures"], json!(["login"]));
}

#[test]
fn who_accepts_in_vain_learns_it_and_so_does_who_lists_an_unknown_claim() {
    let rig = rig(&[]);
    let ran = plan(&rig, "- [ ] AC-1: it is beautiful {human}\n- [ ] AC-2: no such {claims: nope}\n");
    assert!(
        ran.err.contains("note: criterion AC-2 lists the claim nope, which the policy in force does not have"),
        "{ran:?}"
    );
    rig.pass("build");
    let ran = rig.ok("reviewer", &["review", "--criterion", "AC-1", "--verdict", "pass"]);
    assert!(
        ran.err.contains("note: criterion AC-1 is still open: record") && ran.err.contains("who may not accept it"),
        "{ran:?}"
    );
    let ran = rig.ok("ana", &["review", "--criterion", "AC-1", "--verdict", "pass"]);
    assert!(!ran.err.contains("still open"), "{ran:?}");
    // A folder is no file, and an address that runs something is none.
    for (words, why) in [
        (["--rollback", "."], ". is not a file"),
        (["--origin", "javascript:alert(1)"], "an address cannot begin with `javascript:`"),
    ] {
        let ran = rig.by("planner", &[&["plan", CHANGE, "--tier", "low", "--reason", "more"], &words[..]].concat());
        assert!(ran.code == 2 && ran.err.contains(why), "{ran:?}");
    }
}

#[test]
fn what_is_critical_and_open_is_mended_by_what_it_lists_else_by_a_report() {
    let rig = rig(&[]);
    let spec = "- [ ] AC-1: a {human; critical}\n- [ ] AC-2: b {claims: unit-tests; critical}\n- [ ] AC-3: c {human}\n\
                - [ ] AC-4: d {critical}\n- [ ] AC-5: e\n";
    plan(&rig, spec);
    rig.pass("build");
    let verdict = rig.verify();
    verdict.refused(&["E240"]);
    let wanted = [
        "evidence review --criterion AC-1 --verdict pass",
        "evidence attest unit-tests --report FILE -- CMD",
        "evidence review --criterion AC-3 --verdict pass",
        "evidence attest build --report FILE -- CMD",
        "evidence review --criterion AC-5 --verdict pass",
    ];
    assert_eq!(mends(&verdict), wanted);
}

#[test]
fn specification_that_is_edited_after_the_plan_changes_nothing() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: a visitor logs in {tests: login}\n- [ ] AC-2: and out {tests: logout}\n");
    test(&rig, &[("login", "passed"), ("other", "passed")]);
    open(&rig.verify(), "AC-2", "logout");
    // The file alone counts for nothing; a later plan that drops one or weakens another neither.
    let easier = "- [ ] AC-1: anything {tests: *}\n- [ ] AC-3: more {tests: other}\n";
    let again = plan_with(&rig, easier, &["--reason", "simpler"]);
    assert!(again.err.contains("criterion AC-1: record") && again.err.contains("those stand"), "{again:?}");
    let verdict = rig.verify();
    open(&verdict, "AC-2", "logout");
    assert_eq!(criterion(&verdict, "AC-1")["text"], "a visitor logs in");
    assert_eq!(criterion(&verdict, "AC-3")["state"], "met");
    test(&rig, &[("login", "passed"), ("logout", "passed"), ("other", "passed")]);
    rig.verify().accepted();
    // Who replaces the bytes that were kept is found out.
    let kept = kept_spec(&rig);
    fs::write(&kept, "- [ ] AC-1: nothing\n").unwrap();
    assert_eq!(rig.by("stranger", &["ledger", "check"]).code, 3);
}

/// Returns where the ledger keeps the newest specification.
fn kept_spec(rig: &Rig) -> std::path::PathBuf {
    let mut todo = vec![rig.repo().join(".git/evidence")];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if fs::read(&path).unwrap().starts_with(b"- [ ] AC-1: anything") {
                return path;
            }
        }
    }
    panic!("no specification is kept");
}

#[test]
fn criteria_of_a_plan_that_nobody_entitled_signed_do_not_count() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: a visitor logs in {tests: login}\n");
    fs::write(rig.path("spec.md"), "- [ ] AC-9: mine\n").unwrap();
    let words = ["plan", CHANGE, "--tier", "low", "--spec", "../spec.md", "--reason", "mine"];
    rig.refuses("agent", &words, "planner");
    test(&rig, &[("login", "passed")]);
    let verdict = rig.verify();
    verdict.accepted();
    assert_eq!(verdict.json["criteria"].as_array().unwrap().len(), 1);
}

#[test]
fn criteria_of_a_planner_who_lost_the_key_stand() {
    let rig = rig(&[]);
    plan_with(&rig, "- [ ] AC-1: a visitor logs in {tests: login}\n", &["--paths", "src/**"]);
    rig.pass("build");
    rig.revoke("planner");
    rig.verify().refused(&["E102", "E240", "E241"]);
    rig.ok("owner", &["plan", CHANGE, "--tier", "low", "--paths", "**", "--reason", "taken over"]);
    open(&rig.verify(), "AC-1", "login");
    test(&rig, &[("login", "passed")]);
    rig.verify().accepted();
}

#[test]
fn file_of_a_plan_that_is_gone_is_told() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: anything {tests: login}\n");
    test(&rig, &[("login", "passed")]);
    rig.verify().accepted();
    fs::remove_file(kept_spec(&rig)).unwrap();
    rig.verify().refused(&["E216"]);
}

#[test]
fn specification_with_a_mistake_is_refused_with_its_place_and_nothing_is_planned() {
    let rig = rig(&[]);
    for (text, why) in [
        ("- [ ] AC-1: one\n- [ ] log in\n", "../spec.md: line 2, column 1: the item `log in` has no id"),
        ("- [ ] AC-1: one {tets: x}\n", "line 1, column 1: `tets` is unknown here"),
        ("nothing\n", "there is no criterion"),
    ] {
        fs::write(rig.path("spec.md"), text).unwrap();
        let ran = rig.by("planner", &["plan", CHANGE, "--tier", "low", "--spec", "../spec.md"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(why), "{why}: {ran:?}");
    }
    fs::write(rig.path("spec.toml"), "[[criterion]]\nid = \"AC-1\"\ntext = \"one\"\ntest = [\"x\"]\n").unwrap();
    let ran = rig.by("planner", &["plan", CHANGE, "--tier", "low", "--spec", "../spec.toml"]);
    assert!(ran.code == 2 && ran.err.contains("line 4, column 1: unknown field `test`"), "{ran:?}");
    rig.verify().refused(&["E101"]);
    fs::write(rig.path("spec.toml"), "[[criterion]]\nid = \"AC-1\"\ntext = \"one\"\ntests = [\"x\"]\n").unwrap();
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--spec", "../spec.toml"]);
    let review = rig.by("ana", &["review", "--criterion", "AC-2", "--verdict", "pass"]);
    assert!(review.code == 2 && review.err.contains("has the criterion AC-2; it has AC-1"), "{review:?}");
}

#[test]
fn path_outside_of_the_plan_refuses_until_a_planner_widens_it_with_a_reason() {
    let rig = rig(&[]);
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--paths", "src/**", "doc/*.md"]);
    rig.pass("build");
    rig.verify().accepted();
    rig.commit("pay/till.rs", "");
    rig.pass("build");
    let verdict = rig.verify();
    verdict.refused(&["E241"]);
    assert_eq!(verdict.json["findings"][0]["found"], "it touches pay/till.rs");
    let words = ["plan", CHANGE, "--tier", "low", "--paths", "pay/**", "--reason", "the till too"];
    rig.refuses("agent", &words, "planner");
    rig.verify().refused(&["E241"]);
    rig.ok("planner", &words);
    let verdict = rig.verify();
    verdict.accepted();
    let paths = &verdict.json["planned"]["paths"];
    assert_eq!(paths[0]["patterns"], json!(["doc/*.md", "src/**"]));
    assert_eq!((&paths[1]["patterns"], &paths[1]["reason"]), (&json!(["pay/**"]), &json!("the till too")));
    // A later plan that says nothing of paths takes none back.
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--reason", "once more"]);
    rig.commit("other.rs", "");
    rig.pass("build");
    rig.verify().refused(&["E241"]);
}

const DEMANDS: (&str, &str) = (
    "[tier.low]",
    "[tier.low]\nplan = [\"origin\", \"requested\", \"paths\", \"rollback\", \"attachments\", \"criteria\"]",
);

#[test]
fn plan_says_what_the_tier_demands_or_is_incomplete() {
    let rig = rig(&[DEMANDS]);
    fs::write(rig.path("back.md"), "git revert").unwrap();
    fs::write(rig.path("sketch.png"), "\u{89}PNG").unwrap();
    rig.plan("low");
    test(&rig, &[("login", "passed")]);
    let verdict = rig.verify();
    verdict.refused(&["E242"]);
    let found = "its plan does not say: origin, requested, paths, rollback, attachments, criteria";
    assert_eq!(verdict.json["findings"][0]["found"], found);
    let of = ["--rollback", "../back.md", "--attach", "../sketch.png", "--origin", "https://tickets.example.org/1"];
    let time = ["--requested", "2026-01-01T10:00:00+02:00", "--paths", "**", "--reason", "it was all there"];
    let again = ["plan", CHANGE, "--tier", "low"];
    rig.ok("planner", &[&again[..], &of, &time].concat());
    let verdict = rig.verify();
    verdict.refused(&["E242"]);
    assert_eq!(verdict.json["findings"][0]["found"], "its plan does not say: criteria");
    plan_with(&rig, "- [ ] AC-1: a visitor logs in {tests: login}\n", &["--reason", "criteria"]);
    let verdict = rig.verify();
    verdict.accepted();
    let planned = &verdict.json["planned"];
    assert_eq!(
        (&planned["origin"], &planned["requested"]),
        (&json!("https://tickets.example.org/1"), &json!(1_767_254_400))
    );
    assert_eq!(planned["rollback"]["name"], "back.md");
    assert_eq!(planned["attachments"].as_array().unwrap().len(), 2);
}

#[test]
fn implied_plan_says_nothing_of_what_a_tier_demands() {
    let rig = rig(&[DEMANDS, ("[claim.build]", "unplanned = \"low\"\n\n[claim.build]")]);
    rig.pass("build");
    rig.verify().refused(&["E242"]);
}

#[test]
fn plan_with_what_cannot_be_is_refused() {
    let rig = rig(&[]);
    for (words, why) in [
        (["--requested", "2999-01-01T00:00:00Z"], "is yet to come"),
        (["--requested", "yesterday"], "is no time"),
        (["--paths", "/src"], "paths start at the root"),
        (["--origin", "two words"], "is no address"),
        (["--spec", "../spec.txt"], "ends in .toml or .md"),
        (["--rollback", "../none.md"], "cannot be read"),
    ] {
        let ran = rig.by("planner", &[&["plan", CHANGE, "--tier", "low"], &words[..]].concat());
        assert!(ran.code == 2 && ran.err.contains(why), "{why}: {ran:?}");
    }
    // What comes into the ledger stays there.
    fs::write(rig.path("back.md"), "psql --password=correct-horse-battery").unwrap();
    let mut command = rig.command("planner", &["plan", CHANGE, "--tier", "low", "--rollback", "../back.md"]);
    let ran = Ran::of(command.env("DB_PASSWORD", "correct-horse-battery").output().unwrap());
    assert!(ran.code == 2 && ran.err.contains("is secret by its name: it is not kept"), "{ran:?}");
    rig.verify().refused(&["E101"]);
}

#[test]
fn auditor_recomputes_the_criteria_from_the_bundle_alone() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: a visitor logs in {tests: login}\n- [ ] AC-2: it is beautiful {human}\n");
    test(&rig, &[("login", "passed")]);
    rig.ok("planner", &["export", "-o", "../open.zip"]);
    let audit = |file: &str| {
        let ran = rig.by("stranger", &["audit", file, "--trust", ".evidence/trust.toml", "--json"]);
        Verdict { code: ran.code, json: ran.json()["verdict"].clone() }
    };
    audit("../open.zip").refused(&["E240"]);
    accept(&rig, "ana", "AC-2");
    rig.ok("planner", &["export", "-o", "../met.zip"]);
    let verdict = audit("../met.zip");
    verdict.accepted();
    assert_eq!(verdict.json["criteria"], rig.verify().json["criteria"]);
    let members = zip::ZipArchive::new(fs::File::open(rig.path("met.zip")).unwrap()).unwrap();
    let hash = verdict.json["planned"]["attachments"][0]["sha256"].as_str().unwrap();
    assert!(members.file_names().any(|name| name.unwrap().ends_with(hash)), "the specification is in the bundle");
}

#[test]
fn people_see_each_criterion_and_what_shows_it() {
    let rig = rig(&[]);
    plan(&rig, "- [ ] AC-1: a visitor logs in {tests: login}\n- [ ] AC-2: it is beautiful {human}\n");
    test(&rig, &[("login", "passed")]);
    let page = rig.by("stranger", &["verify", "--write", "markdown=../page.md"]).out;
    assert!(page.contains("met          AC-1  a visitor logs in: 1 tests login #"), "{page}");
    assert!(page.contains("open         AC-2  it is beautiful: nobody who may has accepted it"), "{page}");
    let hint = "hint: evidence review --criterion AC-2 --verdict pass (who may: ana)";
    assert!(page.contains(hint) || rig.by("stranger", &["verify"]).err.contains(hint), "{page}");
    let markdown = fs::read_to_string(rig.path("page.md")).unwrap();
    assert!(markdown.contains("| <code>AC-2</code> | ❌ open | <code>it is beautiful</code> |"), "{markdown}");
    let status = rig.ok("stranger", &["status", CHANGE, "--json"]).json();
    assert_eq!(status["changes"][0]["criteria"][1]["state"], "open");
    assert_eq!(status["changes"][0]["state"], "waiting");
    let command = &status["changes"][0]["missing"][0]["command"];
    assert_eq!(*command, json!(["evidence", "review", "--change", CHANGE, "--criterion", "AC-2", "--verdict", "pass"]));
    let story = rig.ok("stranger", &["show", CHANGE]).out;
    assert!(story.contains("criteria AC-1 AC-2"), "{story}");
    let names = status["changes"][0]["awaited"].to_string();
    assert!(names.contains("product"), "{names}");
}
