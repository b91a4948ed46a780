//! Exceptions, as people sign them and as somebody who holds the ledger's key forges them: each helps with its twin refused.

mod common;
#[expect(dead_code, reason = "a part of the pen is enough here")]
#[path = "common/forge.rs"]
mod forge;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{CHANGE, Rig, junit, sarif};
use evidence_ledger::crypto::{Envelope, sha256};
use evidence_ledger::model::{Effect, Exception, Predicate, Statement, Subject, Time};
use forge::{Forge, key};
use serde_json::{Value, json};

/// A rig whose change is planned for tier medium, and lacks its scan alone.
fn without_scan(replace: &[(&str, &str)]) -> Rig {
    let rig = if replace.is_empty() { Rig::new() } else { Rig::with(replace) };
    boss(&rig);
    rig.plan("medium");
    rig.pass("build");
    assert_eq!(rig.report("unit-tests", "tests.xml", &junit(2, 0)).code, 0);
    rig
}

/// Somebody who may allow exceptions, and is nobody else.
fn boss(rig: &Rig) {
    rig.key("boss");
    rig.grant("boss", "boss", "admin", &["--email", "boss@example.org"]);
}

const WAIVE: [&str; 7] = ["allow", "waive", "scan", "--reason", "the scanner is down", "--until", "2d"];

fn with<'a>(words: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [words, more].concat()
}

/// Writes an exception of the change that append would not ask about.
fn forged(rig: &Rig, who: &str, change: impl FnOnce(&mut Exception)) -> u64 {
    forged_by(rig, &[who], change)
}

fn forged_by(rig: &Rig, who: &[&str], change: impl FnOnce(&mut Exception)) -> u64 {
    let forge = Forge::of(rig);
    let newest = forge.newest();
    let mut exception = waiver(newest);
    change(&mut exception);
    let plan = forge.planned(rig).plan;
    let subjects = vec![Subject::sha256("plan", plan)];
    let binding = forge.binding(true, Some(plan));
    let statement = Statement { subjects, binding, predicate: Predicate::Exception(exception) };
    let keys: Vec<_> = who.iter().map(|name| key(rig, name)).collect();
    forge.write(&statement, &keys.iter().collect::<Vec<_>>(), newest).0
}

/// Writes one that is about every change.
fn forged_wide(rig: &Rig, who: &str) -> u64 {
    forged_of_changes(rig, who, &[])
}

/// Writes one that is about changes with such ids.
fn forged_of_changes(rig: &Rig, who: &str, changes: &[&str]) -> u64 {
    let forge = Forge::of(rig);
    let newest = forge.newest();
    let subjects = vec![Subject::sha256("origin", sha256(forge.ledger.origin().as_bytes()))];
    let binding = forge.binding(false, None);
    let changes = changes.iter().map(|pattern| (*pattern).to_owned()).collect();
    let exception = Exception { changes, ..waiver(newest) };
    let statement = Statement { subjects, binding, predicate: Predicate::Exception(exception) };
    forge.write(&statement, &[&key(rig, who)], newest).0
}

fn waiver(now: Time) -> Exception {
    Exception {
        effect: Effect::Waive,
        id: "w-1".parse().unwrap(),
        claims: vec!["scan".parse().unwrap()],
        changes: Vec::new(),
        names: Vec::new(),
        renames: Vec::new(),
        to: None,
        reason: "forged".to_owned(),
        until: Time(now.0 + 3600),
    }
}

/// Refused for want of the scan, and the newest exception is told so, with a reason that says this.
fn not_taken(rig: &Rig, state: &str, why: &str) {
    let verdict = rig.verify();
    verdict.refused(&["E201"]);
    let shown = verdict.json["exceptions"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(shown["state"], state, "{shown:#}");
    assert!(shown["why"].as_str().unwrap_or_default().contains(why), "wanted `{why}`: {shown:#}");
    assert_ne!(requirement(&verdict.json, "scan")["state"], "waived");
}

fn requirement(verdict: &Value, claim: &str) -> Value {
    let all = verdict["requirements"].as_array().unwrap();
    all.iter().find(|requirement| requirement["claim"] == claim).unwrap().clone()
}

#[test]
fn what_is_waived_is_accepted_and_never_shown_as_passed() {
    let rig = without_scan(&[]);
    rig.verify().refused(&["E201"]);
    let said = rig.ok("boss", &with(&WAIVE, &["--id", "w-1", "--json"])).json();
    let verdict = rig.verify();
    verdict.accepted();
    let scan = requirement(&verdict.json, "scan");
    assert_eq!(scan["state"], "waived");
    assert_eq!(scan["principals"], json!([]));
    assert_eq!(scan["exception"]["by"], json!(["boss"]));
    assert_eq!(scan["exception"]["serial"], said["serial"]);
    assert_eq!(scan["exception"]["until"], said["until"]);
    assert_eq!(scan["exception"]["reason"], "the scanner is down");
    assert!(verdict.limitations().contains(&"waived"));
    assert_eq!(verdict.json["exceptions"][0]["state"], "in-force");
    let out = rig.repo().join("out");
    fs::create_dir_all(&out).unwrap();
    let files = ["json=out/v.json", "junit=out/v.xml", "vsa=out/v.vsa", "markdown=out/v.md", "sarif=out/v.sarif"];
    let words: Vec<&str> = ["verify"].into_iter().chain(files.iter().flat_map(|file| ["--write", file])).collect();
    let page = rig.ok("stranger", &words);
    assert!(
        page.out.contains("waived") && page.out.contains("limitation waived: scan: boss waives it until"),
        "{page:?}"
    );
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let junit = read("v.xml");
    assert!(junit.contains("tests=\"3\" failures=\"0\" errors=\"0\" skipped=\"1\""), "{junit}");
    assert!(junit.contains("name=\"scan\" time=\"0\"><skipped message=\"waived: boss waives it until"), "{junit}");
    let vsa = Envelope::parse(read("v.vsa").as_bytes()).unwrap();
    let vsa: Value = serde_json::from_slice(&vsa.payload).unwrap();
    assert_eq!(vsa["predicate"]["verifiedLevels"], json!(["EVIDENCE_TIER_MEDIUM_WITH_EXCEPTIONS"]));
    assert_eq!(vsa["predicate"]["evidence:verdict/v1"]["excepted"], json!(["scan"]));
    let markdown = read("v.md");
    assert!(markdown.contains("⚠️ waived") && markdown.contains("boss waives it until"), "{markdown}");
    let sarif: Value = serde_json::from_str(&read("v.sarif")).unwrap();
    let notes = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert!(notes.iter().any(|note| note["descriptor"]["id"] == "waived"));
    let status = rig.ok("stranger", &["status", CHANGE, "--json"]).json();
    let of = &status["changes"][0];
    assert_eq!((of["done"].as_u64(), of["total"].as_u64()), (Some(2), Some(3)), "{status:#}");
}

#[test]
fn policy_that_refuses_the_limitation_takes_no_waiver_for_an_answer() {
    let rig = without_scan(&[("version = 1", "version = 1\nrefuse_limitations = [\"waived\"]")]);
    rig.ok("boss", &WAIVE);
    rig.verify().refused(&["E302"]);
}

#[test]
fn failed_claim_is_waived_with_what_failed_still_shown() {
    let rig = without_scan(&[]);
    assert_eq!(rig.report("scan", "scan.sarif", &sarif(&["9.8"])).code, 0);
    rig.verify().refused(&["E213"]);
    rig.ok("boss", &WAIVE);
    let verdict = rig.verify();
    verdict.accepted();
    let scan = requirement(&verdict.json, "scan");
    assert_eq!(scan["state"], "waived");
    assert!(scan["numbers"].as_str().unwrap().contains("1 high"), "{scan:#}");
    assert!(!scan["serials"].as_array().unwrap().is_empty());
}

#[test]
fn claim_that_does_not_apply_is_said_so_by_somebody() {
    let rig = without_scan(&[]);
    rig.ok("boss", &["allow", "exempt", "scan", "--reason", "no code changes", "--until", "2d"]);
    let verdict = rig.verify();
    verdict.accepted();
    assert_eq!(requirement(&verdict.json, "scan")["state"], "not-applicable");
    assert!(verdict.limitations().contains(&"not-applicable"));
    let rig = without_scan(&[("version = 1", "version = 1\nrefuse_limitations = [\"not-applicable\"]")]);
    rig.ok("boss", &["allow", "exempt", "scan", "--reason", "no code changes", "--until", "2d"]);
    rig.verify().refused(&["E302"]);
    // To refuse what is waived refuses nothing that does not apply.
    let rig = without_scan(&[("version = 1", "version = 1\nrefuse_limitations = [\"waived\"]")]);
    rig.ok("boss", &["allow", "exempt", "scan", "--reason", "no code changes", "--until", "2d"]);
    rig.verify().accepted();
    // Nor does an earlier waiver, which stands back.
    let rig = without_scan(&[("version = 1", "version = 1\nrefuse_limitations = [\"waived\"]")]);
    rig.ok("boss", &WAIVE);
    rig.verify().refused(&["E302"]);
    rig.ok("boss", &["allow", "exempt", "scan", "--reason", "no code changes", "--until", "2d"]);
    rig.verify().accepted();
}

#[test]
fn waiver_takes_away_nothing_but_its_claim() {
    let rig = Rig::new();
    boss(&rig);
    rig.plan("medium");
    rig.pass("build");
    rig.ok("boss", &WAIVE);
    rig.verify().refused(&["E201"]);
    assert_eq!(rig.report("unit-tests", "tests.xml", &junit(2, 1)).code, 1);
    rig.verify().refused(&["E202"]);
    assert_eq!(rig.report("unit-tests", "tests.xml", &junit(2, 0)).code, 0);
    rig.verify().accepted();
    rig.ok("agent", &["record", "halt", "--reason", "something is wrong"]);
    rig.verify().refused(&["E301"]);
}

#[test]
fn exceptions_for_everything_show_nothing() {
    let rig = Rig::new();
    boss(&rig);
    rig.plan("low");
    rig.ok("boss", &["allow", "waive", "build", "--reason", "hurry", "--until", "1h"]);
    rig.verify().refused(&["E230"]);
    rig.pass("build");
    let verdict = rig.verify();
    verdict.accepted();
    // What is shown needs no exception, and admits none.
    assert_eq!(requirement(&verdict.json, "build")["state"], "pass");
    assert!(!verdict.limitations().contains(&"waived"));
}

#[test]
fn waiver_that_an_implementer_signs_too_rests_on_who_else_signed_it() {
    let rig = without_scan(&[]);
    rig.grant("agent", "agent", "admin", &[]);
    forged_by(&rig, &["agent", "reviewer"], |_| ());
    not_taken(&rig, "not-taken", "agent implements the change");
    forged_by(&rig, &["agent", "boss"], |it| it.id = "w-2".parse().unwrap());
    rig.verify().accepted();
}

#[test]
fn who_implements_the_change_allows_nothing_for_it() {
    let rig = without_scan(&[]);
    rig.grant("agent", "agent", "admin", &[]);
    rig.refuses("agent", &WAIVE, "agent stands behind the implementation of shop/feature");
    let serial = forged(&rig, "agent", |_| ());
    not_taken(&rig, "not-taken", "agent implements the change");
    let file = rig.path("v.md");
    let page = rig.by("stranger", &["verify", "--write", &format!("markdown={}", file.display())]);
    let idle = format!("w-1 (record {serial}, waive scan by agent) not taken: agent implements the change");
    assert!(page.out.contains(&format!("\nexception {idle}\n")), "{page:?}");
    assert!(fs::read_to_string(file).unwrap().contains("Exceptions that do not help (1)"));
}

#[test]
fn neither_an_agent_of_the_owner_nor_the_owner_allows_what_their_agent_made() {
    let rig = Rig::new();
    rig.key("bot");
    rig.grant("bot", "bot", "implementer", &["--owner", "carl"]);
    for name in ["carl", "helper"] {
        rig.key(name);
    }
    rig.grant("carl", "carl", "admin", &[]);
    rig.grant("helper", "helper", "admin", &["--owner", "carl"]);
    boss(&rig);
    rig.ok("planner", &["plan", CHANGE, "--tier", "medium", "--implementer", "bot"]);
    rig.pass("build");
    assert_eq!(rig.report("unit-tests", "tests.xml", &junit(2, 0)).code, 0);
    for who in ["carl", "helper"] {
        rig.refuses(who, &WAIVE, "carl stands behind the implementation");
    }
    forged(&rig, "helper", |_| ());
    not_taken(&rig, "not-taken", "carl, who answers for helper, stands behind the implementation too");
    forged(&rig, "carl", |it| it.id = "w-2".parse().unwrap());
    not_taken(&rig, "not-taken", "carl answers for somebody who implements the change");
    rig.ok("boss", &WAIVE);
    rig.verify().accepted();
}

#[test]
fn author_whom_no_plan_names_allows_nothing_for_the_change() {
    let rig = without_scan(&[]);
    rig.key("writer");
    rig.grant("writer", "writer", "admin", &["--email", "agent@example.org"]);
    // Nobody knows at the ledger who wrote the commits.
    rig.ok("writer", &WAIVE);
    not_taken(&rig, "not-taken", "writer implements the change");
    rig.ok("boss", &with(&WAIVE, &["--id", "by-boss"]));
    rig.verify().accepted();
}

#[test]
fn who_holds_a_lease_to_implement_allows_nothing_for_the_change() {
    let rig = without_scan(&[]);
    rig.key("lent");
    rig.grant("lent", "lent", "admin", &[]);
    rig.grant("lent", "lent", "implementer", &["--for-change", CHANGE]);
    rig.refuses("lent", &WAIVE, "lent stands behind the implementation");
    forged(&rig, "lent", |_| ());
    not_taken(&rig, "not-taken", "lent implements the change");
}

#[test]
fn who_may_not_allow_does_not() {
    let rig = without_scan(&[]);
    for who in ["reviewer", "ci-1", "planner"] {
        rig.refuses(who, &WAIVE, "may not allow exceptions here");
    }
    assert_eq!(rig.by("stranger", &WAIVE).code, 1);
    forged(&rig, "reviewer", |_| ());
    not_taken(&rig, "not-taken", "signed by reviewer, who might not allow it");
}

#[test]
fn what_a_revoked_key_allowed_helps_no_more() {
    let rig = without_scan(&[]);
    rig.ok("boss", &WAIVE);
    rig.verify().accepted();
    rig.revoke("boss");
    not_taken(&rig, "not-taken", "boss, who may allow nothing any more");
}

#[test]
fn role_that_came_later_does_not_reach_back() {
    let rig = without_scan(&[]);
    forged(&rig, "reviewer", |_| ());
    rig.grant("reviewer", "reviewer", "admin", &[]);
    not_taken(&rig, "not-taken", "who might not allow it");
}

#[test]
fn waiver_ends_by_itself_and_stays_to_be_seen() {
    let rig = without_scan(&[]);
    rig.ok("boss", &["allow", "waive", "scan", "--reason", "short", "--until", "1h"]);
    rig.verify().accepted();
    let forge = Forge::of(&rig);
    forge.wait_until(&rig, Time(forge.newest().0 + 3590));
    rig.verify().accepted();
    forge.wait_until(&rig, Time(forge.newest().0 + 11));
    not_taken(&rig, "ended", "");
}

#[test]
fn waiver_is_ended_early_by_those_who_may_and_by_nobody_else() {
    let rig = without_scan(&[]);
    rig.ok("boss", &with(&WAIVE, &["--id", "w-1"]));
    rig.refuses("reviewer", &["allow", "end", "w-1", "--reason", "no"], "may not allow exceptions here");
    forged(&rig, "reviewer", |it| it.until = Time(0));
    let verdict = rig.verify();
    verdict.accepted();
    assert!(verdict.json["exceptions"][1]["why"].as_str().unwrap().contains("signed by reviewer"));
    rig.ok("owner", &["allow", "end", "w-1", "--reason", "the scanner is back"]);
    let verdict = rig.verify();
    verdict.refused(&["E201"]);
    assert_eq!(verdict.json["exceptions"][0]["state"], "ended-early");
    assert_eq!(verdict.json["exceptions"][2]["state"], "end");
    let list = rig.ok("stranger", &["allow", "list"]);
    assert!(list.out.contains("ended early"), "{list:?}");
    let all = rig.ok("stranger", &["allow", "list", "--all", "--json"]).json();
    assert_eq!(all["exceptions"][0]["state"], "ended-early");
    rig.refuses("boss", &with(&WAIVE, &["--id", "w-1"]), "the exception w-1 is there already");
    assert_eq!(rig.by("owner", &["allow", "end", "w-9", "--reason", "never was"]).code, 2);
}

#[test]
fn end_outlives_who_signed_it() {
    let rig = without_scan(&[]);
    rig.ok("owner", &with(&WAIVE, &["--id", "w-1"]));
    rig.ok("boss", &["allow", "end", "w-1", "--reason", "no"]);
    rig.verify().refused(&["E201"]);
    rig.revoke("boss");
    rig.verify().refused(&["E201"]);
}

#[test]
fn waiver_lasts_no_longer_than_the_policy_lets_it() {
    let rig = without_scan(&[]);
    let long = ["allow", "waive", "scan", "--reason", "long", "--until", "31d"];
    rig.refuses("boss", &long, "it lasts 31d; the policy allows 30d");
    forged(&rig, "boss", |it| it.until = Time(it.until.0 + 31 * 86_400));
    not_taken(&rig, "not-taken", "the policy allows 30d");
    let none = rig.by("boss", &["allow", "waive", "scan", "--reason", "no end"]);
    assert_eq!(none.code, 2);
    assert!(none.err.contains("--until is missing"), "{none:?}");
    let past = rig.by("boss", &["allow", "waive", "scan", "--reason", "past", "--until", "2001-01-01"]);
    assert!(past.code == 2 && past.err.contains("is past"), "{past:?}");
}

#[test]
fn waiver_without_an_end_lasts_as_long_as_the_policy_says() {
    let rig = without_scan(&[("[may]", "[exceptions]\nlongest = \"3d\"\n\n[may]")]);
    let said = rig.ok("boss", &["allow", "waive", "scan", "--reason", "usual", "--json"]).json();
    let lasts = said["until"].as_u64().unwrap() - said["time"].as_u64().unwrap();
    assert!((3 * 86_400 - 60..=3 * 86_400).contains(&lasts), "{said:#}");
    rig.verify().accepted();
}

#[test]
fn no_more_waivers_at_once_than_the_policy_lets_be() {
    let rig = without_scan(&[("[may]", "[exceptions]\nat_once = 1\n\n[may]")]);
    rig.ok("boss", &["allow", "waive", "build", "--reason", "first", "--until", "1d", "--id", "first"]);
    rig.refuses("boss", &WAIVE, "1 exceptions are in force here; the policy allows 1 at once");
    forged(&rig, "boss", |_| ());
    not_taken(&rig, "not-taken", "1 others were in force with it");
    // It was too much when it was logged, whatever became of the other.
    rig.ok("boss", &["allow", "end", "first", "--reason", "done"]);
    let verdict = rig.verify();
    verdict.refused(&["E201"]);
    assert_eq!(verdict.json["exceptions"][1]["state"], "not-taken");
    rig.ok("boss", &["allow", "end", "w-1", "--reason", "never helped"]);
    rig.ok("boss", &WAIVE);
    rig.verify().accepted();
}

#[test]
fn waiver_that_ends_makes_room_from_its_end_on() {
    for (wait, taken) in [(3599, false), (3600, true)] {
        let rig = without_scan(&[("[may]", "[exceptions]\nat_once = 1\n\n[may]")]);
        let forge = Forge::of(&rig);
        let begun = forge.newest().0;
        forged(&rig, "boss", |it| {
            it.id = "first".parse().unwrap();
            it.claims = vec!["build".parse().unwrap()];
        });
        forge.wait_until(&rig, Time(begun + wait));
        forged(&rig, "boss", |_| ());
        match taken {
            true => drop(rig.verify().accepted()),
            false => not_taken(&rig, "not-taken", "1 others were in force with it"),
        }
    }
}

#[test]
fn second_exception_of_an_id_is_none() {
    let rig = without_scan(&[]);
    forged(&rig, "boss", |it| it.claims = vec!["build".parse().unwrap()]);
    forged(&rig, "boss", |_| ());
    not_taken(&rig, "not-taken", "its id is that of record");
    forged(&rig, "boss", |it| it.id = "w-2".parse().unwrap());
    rig.verify().accepted();
    // An end of nothing takes no id.
    let rig = without_scan(&[]);
    forged(&rig, "boss", |it| it.until = Time(0));
    forged(&rig, "boss", |_| ());
    rig.verify().accepted();
}

#[test]
fn policy_that_lets_none_be_takes_none() {
    let rig = without_scan(&[("[may]", "[exceptions]\nat_once = 0\n\n[may]")]);
    rig.refuses("boss", &WAIVE, "the policy allows 0 at once");
    forged(&rig, "boss", |_| ());
    not_taken(&rig, "not-taken", "the policy allows 0");
}

#[test]
fn only_what_the_policy_lets_an_exception_do_is_done() {
    let rig = without_scan(&[("[may]", "[exceptions]\neffects = [\"exempt\"]\n\n[may]")]);
    rig.refuses("boss", &WAIVE, "the policy allows no exception of the kind waive");
    forged(&rig, "boss", |_| ());
    not_taken(&rig, "not-taken", "no exception of the kind waive");
    rig.ok("boss", &["allow", "exempt", "scan", "--reason", "it may", "--until", "1d"]);
    rig.verify().accepted();
}

#[test]
fn claim_that_is_not_waivable_must_be_shown() {
    let rig = without_scan(&[("findings = { high_max = 0 }", "findings = { high_max = 0 }\nwaivable = false")]);
    rig.refuses("boss", &WAIVE, "no exception stands in for scan: it is not waivable");
    let exempt = ["allow", "exempt", "build", "scan", "--reason", "both", "--until", "1d"];
    rig.refuses("boss", &exempt, "no exception stands in for scan");
    forged(&rig, "boss", |_| ());
    not_taken(&rig, "not-taken", "not waivable");
    forged(&rig, "boss", |it| {
        it.id = "w-2".parse().unwrap();
        it.effect = Effect::Exempt;
    });
    not_taken(&rig, "not-taken", "not waivable");
}

#[test]
fn waiver_that_one_of_the_judging_policies_does_not_take_is_shown_as_not_taken() {
    // The policy of the plan and the newest one both judge, in either order.
    let open = ("version = 1", "version = 1\napplies = \"open\"");
    let plain = ("findings = { high_max = 0 }", "findings = { high_max = 0 }");
    let fixed = ("findings = { high_max = 0 }", "findings = { high_max = 0 }\nwaivable = false");
    for (planned, newest) in [(plain, fixed), (fixed, plain)] {
        let rig = without_scan(&[planned]);
        rig.apply(&[open, newest]);
        forged(&rig, "boss", |_| ());
        let verdict = rig.verify();
        verdict.refused(&["E201"]);
        let shown = verdict.json["exceptions"].as_array().unwrap();
        assert_eq!((shown.len(), &shown[0]["state"]), (1, &json!("not-taken")), "{shown:#?}");
        assert!(shown[0]["why"].as_str().unwrap().contains("not waivable"), "{shown:#?}");
    }
    let rig = without_scan(&[]);
    rig.apply(&[open, ("[may]", "[exceptions]\nlongest = \"3d\"\n\n[may]")]);
    forged(&rig, "boss", |_| ());
    let verdict = rig.verify();
    verdict.accepted();
    assert_eq!(verdict.json["exceptions"][0]["state"], "in-force");
}

#[test]
fn waiver_is_for_its_change_alone() {
    let rig = without_scan(&[]);
    rig.ok("planner", &["plan", "shop/other", "--tier", "medium", "--implementer", "agent"]);
    rig.ok("boss", &with(&WAIVE, &["--change", "shop/other"]));
    let verdict = rig.verify();
    verdict.refused(&["E201"]);
    assert!(verdict.json.get("exceptions").is_none());
    rig.refuses("boss", &with(&WAIVE, &["--change", "shop/nobody-planned"]), "has no plan");
}

#[test]
fn waiver_of_every_change_is_only_where_the_policy_lets_it_be() {
    let wide = with(&WAIVE, &["--any-change", "--id", "w-1"]);
    let rig = without_scan(&[]);
    rig.refuses("boss", &wide, "it is wider than one change, which the policy does not allow");
    forged_wide(&rig, "boss");
    not_taken(&rig, "not-taken", "wider than one change");

    let rig = without_scan(&[("[may]", "[exceptions]\nany_change = true\n\n[may]")]);
    rig.grant("agent", "agent", "admin", &[]);
    // Whose change it will be, nobody knows yet.
    rig.ok("agent", &with(&WAIVE, &["--any-change"]));
    not_taken(&rig, "not-taken", "agent implements the change");
    rig.ok("boss", &wide);
    let verdict = rig.verify();
    verdict.accepted();
    assert_eq!(verdict.json["exceptions"][1]["anyChange"], true);
    rig.ok("boss", &["allow", "end", "w-1", "--reason", "enough"]);
    rig.verify().refused(&["E201"]);
}

/// A policy that lets exceptions be wider than one change.
const WIDE: (&str, &str) = ("[may]", "[exceptions]\nany_change = true\nat_once = 2\n\n[may]");

#[test]
fn waiver_of_a_pattern_is_for_the_changes_that_it_matches_and_no_others() {
    let rig = without_scan(&[WIDE]);
    // Another change's pattern is nothing to this one, nor do such count among those at once.
    for (pattern, id) in [("shop/dep-*", "w-0"), ("till/*", "w-1"), ("shop/featur", "w-2"), ("*/feature-2", "w-3")] {
        rig.ok("boss", &with(&WAIVE, &["--changes", pattern, "--id", id]));
        let verdict = rig.verify();
        verdict.refused(&["E201"]);
        assert!(verdict.json.get("exceptions").is_none(), "{verdict:?}");
    }
    let said =
        rig.ok("boss", &with(&WAIVE, &["--changes", "shop/feat*", "--changes", "till/*", "--id", "w-4", "--json"]));
    assert_eq!((&said.json()["changes"], &said.json()["change"]), (&json!(["shop/feat*", "till/*"]), &Value::Null));
    let verdict = rig.verify();
    verdict.accepted();
    assert_eq!(requirement(&verdict.json, "scan")["exception"]["id"], "w-4");
    let shown = verdict.json["exceptions"].as_array().unwrap();
    assert_eq!(
        (shown.len(), &shown[0]["anyChange"], &shown[0]["changes"]),
        (1, &json!(true), &json!(["shop/feat*", "till/*"]))
    );
    let list = rig.ok("stranger", &["allow", "list"]).out;
    assert!(
        list.contains("w-4") && list.contains("by boss for changes shop/feat*, till/*") && !list.contains("w-1"),
        "{list}"
    );
    let all = rig.ok("stranger", &["allow", "list", "--all"]).out;
    assert!(all.contains("for changes shop/dep-*") && all.contains("for changes shop/feat*, till/*"), "{all}");
    rig.ok("stranger", &["export", "-o", "../of-changes.zip"]);
    let audit = rig.by("stranger", &["audit", "../of-changes.zip", "--json"]);
    assert_eq!((audit.code, &audit.json()["verdict"]["exceptions"][0]["id"]), (0, &json!("w-4")), "{audit:?}");
    rig.ok("boss", &["allow", "end", "w-4", "--reason", "enough"]);
    rig.verify().refused(&["E201"]);
    // Two others that match are in force with the third.
    for id in ["w-5", "w-6"] {
        rig.ok(
            "boss",
            &[
                "allow",
                "retire",
                "unit-tests",
                "--name",
                "x",
                "--reason",
                "r",
                "--until",
                "1d",
                "--changes",
                "shop/f*",
                "--id",
                id,
            ],
        );
    }
    rig.ok("boss", &with(&WAIVE, &["--changes", "shop/*", "--id", "w-7"]));
    not_taken(&rig, "not-taken", "2 others were in force with it");
}

#[test]
fn pattern_is_as_wide_as_every_change_to_the_policy_and_to_whoever_may_allow() {
    let of_changes = with(&WAIVE, &["--changes", "shop/feat*"]);
    let rig = without_scan(&[]);
    rig.refuses("boss", &of_changes, "it is wider than one change, which the policy does not allow");
    forged_of_changes(&rig, "boss", &["shop/feat*"]);
    not_taken(&rig, "not-taken", "wider than one change");

    let rig = without_scan(&[WIDE]);
    rig.refuses("reviewer", &of_changes, "allow");
    forged_of_changes(&rig, "reviewer", &["shop/feat*"]);
    not_taken(&rig, "not-taken", "who might not allow it");
    rig.grant("agent", "agent", "admin", &[]);
    rig.ok("agent", &of_changes);
    not_taken(&rig, "not-taken", "agent implements the change");
    for bad in [
        &["--changes", "Shop/*"][..],
        &["--changes", ""],
        &["--changes", "shop/*", "--any-change"],
        &["--changes", "x", "--change", CHANGE],
    ] {
        assert_eq!(rig.by("boss", &with(&WAIVE, bad)).code, 2, "{bad:?}");
    }
}

#[test]
fn pattern_that_was_added_to_a_signed_waiver_is_an_alarm_and_one_of_a_change_is_no_statement() {
    let rig = without_scan(&[WIDE]);
    rig.ok("boss", &with(&WAIVE, &["--changes", "shop/dep-*"]));
    rig.verify().refused(&["E201"]);
    // Whoever holds the folder widens what was signed.
    let mut widened = 0;
    let mut todo = vec![rig.repo().join(".git/evidence")];
    let encoded = |text: &str| -> Vec<String> {
        // Base64 knows three places at which a text may begin.
        use base64::Engine as _;
        (0..3)
            .map(|skip| {
                let whole =
                    base64::engine::general_purpose::STANDARD.encode([&b"   "[..skip], text.as_bytes()].concat());
                whole[4.min(skip * 4)..whole.len() - 4].to_owned()
            })
            .collect()
    };
    let (old, new) = (encoded("\"shop/dep-*\""), encoded("\"shop/fea*\""));
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let Some((old, new)) = old.iter().zip(&new).find(|(old, _)| text.contains(old.as_str())) else { continue };
        let at = bytes.windows(old.len()).position(|window| window == old.as_bytes()).unwrap();
        let bytes = [&bytes[..at], new.as_bytes(), &bytes[at + old.len()..]].concat();
        fs::write(&path, bytes).unwrap();
        widened += 1;
    }
    assert!(widened > 0);
    assert_eq!(rig.by("stranger", &["verify"]).code, 3);
    // A change of its own and a pattern of others: nobody may say both.
    let rig = without_scan(&[WIDE]);
    let exception = Exception { changes: vec!["shop/*".to_owned()], ..waiver(Time(1)) };
    let (subjects, binding) =
        (vec![Subject::sha256("plan", sha256(b"x"))], Forge::of(&rig).binding(true, Some(sha256(b"x"))));
    let statement = Statement { subjects, binding, predicate: Predicate::Exception(exception) };
    assert!(statement.print().unwrap_err().to_string().contains("names a change, and belongs to none"));
}

#[test]
fn pattern_ends_by_itself_and_an_end_that_names_other_changes_ends_it_too() {
    let rig = without_scan(&[WIDE]);
    let forge = Forge::of(&rig);
    forged_of_changes(&rig, "boss", &["shop/feat*"]);
    rig.verify().accepted();
    // The end names what it likes: its id tells what it ends.
    let newest = forge.newest();
    let subjects = vec![Subject::sha256("origin", sha256(forge.ledger.origin().as_bytes()))];
    let end = Exception { changes: vec!["till/*".to_owned()], until: Time(newest.0 - 1), ..waiver(newest) };
    let statement = Statement { subjects, binding: forge.binding(false, None), predicate: Predicate::Exception(end) };
    forge.write(&statement, &[&key(&rig, "boss")], newest);
    let verdict = rig.verify();
    verdict.refused(&["E201"]);
    assert_eq!(verdict.json["exceptions"][0]["state"], "ended-early");

    let rig = without_scan(&[WIDE]);
    rig.ok("boss", &["allow", "waive", "scan", "--reason", "short", "--until", "1h", "--changes", "shop/feat*"]);
    rig.verify().accepted();
    let forge = Forge::of(&rig);
    forge.wait_until(&rig, Time(forge.newest().0 + 3601));
    not_taken(&rig, "ended", "");
}

#[test]
fn mistyped_claims_and_patterns_are_told() {
    let rig = without_scan(&[]);
    let ran = rig.refuses("boss", &["allow", "waive", "scam", "--reason", "x", "--until", "1d"], "did you mean scan?");
    assert_eq!(ran.code, 1);
    forged(&rig, "boss", |it| it.names = vec!["*".to_owned()]);
    not_taken(&rig, "not-taken", "names more than");
    let retire = ["allow", "retire", "unit-tests", "--name", "s > p1", "--reason", "gone", "--until", "1d"];
    let said = rig.ok("boss", &with(&retire, &["--json"])).json();
    assert_eq!((&said["effect"], &said["names"]), (&json!("retire"), &json!(["s > p1"])));
    rig.verify().refused(&["E201"]);
    assert_eq!(rig.by("boss", &["allow", "retire", "unit-tests", "--reason", "x", "--until", "1d"]).code, 2);
    assert_eq!(rig.by("boss", &["allow", "waive", "--reason", "x", "--until", "1d"]).code, 2);
    assert_eq!(rig.by("boss", &["allow", "waive", "scan", "--until", "1d"]).code, 2);
}

#[test]
fn waiver_of_what_the_plan_wants_lets_the_work_begin() {
    let replace = [("form = \"review\"", "form = \"review\"\nat = \"plan\""), ("waivable = false\n", "")];
    let rig = Rig::with(&replace);
    boss(&rig);
    rig.plan("high");
    rig.refuses("ci-1", &["attest", "build", "--", "true"], "demands peer-review before the first attempt");
    rig.ok("boss", &["allow", "waive", "peer-review", "--reason", "reviewed in person", "--until", "1d"]);
    assert_eq!(rig.by("stranger", &["verify", "--at", "plan"]).code, 0);
    rig.medium();
    rig.verify().accepted();
    assert_eq!(requirement(&rig.verify().json, "peer-review")["state"], "waived");
}

#[test]
fn audit_takes_the_exceptions_of_the_merge_and_lists_what_came_after() {
    let rig = without_scan(&[]);
    rig.ok("boss", &["allow", "waive", "scan", "--reason", "short", "--until", "1h", "--id", "w-1"]);
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", "feature"]);
    rig.ok("ci-1", &["record", "merge", CHANGE]);
    rig.ok("boss", &["allow", "end", "w-1", "--reason", "too late", "--change", CHANGE]);
    rig.revoke("boss");
    let forge = Forge::of(&rig);
    forge.wait_until(&rig, Time(forge.newest().0 + 7200));
    rig.ok("ci-1", &["export", CHANGE, "-o", "../bundle.zip"]);
    let ran = rig.ok("stranger", &["audit", "../bundle.zip", "--trust", ".evidence/trust.toml", "--json"]);
    let audit = ran.json();
    assert_eq!(audit["verdict"]["decision"], "accepted", "{audit:#}");
    assert_eq!(audit["verdict"]["exceptions"][0]["state"], "in-force");
    let text = rig.ok("stranger", &["audit", "../bundle.zip", "--trust", ".evidence/trust.toml"]);
    assert!(text.out.contains("recorded later, not judged: #") && text.out.contains("exception-waive"), "{text:?}");
    assert!(text.out.contains("in force then, over since: exception w-1"), "{text:?}");
    assert_eq!(audit["lapsed"][0]["id"], "w-1");
    // A second auditor, made from the format's text alone, knows whose names an exception asks for.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/audit.py");
    let is_there = "import sys, tomllib, cryptography; sys.exit(sys.version_info < (3, 11))";
    if Command::new("python3").args(["-c", is_there]).output().is_ok_and(|output| output.status.success()) {
        let (bundle, trust) = (rig.path("bundle.zip"), rig.repo().join(".evidence/trust.toml"));
        let output = Command::new("python3").arg(script).args([bundle, trust]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn audit_before_a_merge_says_that_what_came_after_the_verdict_was_judged_too() {
    let rig = without_scan(&[]);
    rig.ok("boss", &["allow", "waive", "scan", "--reason", "short", "--until", "1h", "--id", "w-1"]);
    rig.ok("ci-1", &["verify", "--record"]);
    let forge = Forge::of(&rig);
    forge.wait_until(&rig, Time(forge.newest().0 + 2));
    rig.fail("build");
    rig.ok("ci-1", &["export", CHANGE, "-o", "../bundle.zip"]);
    let ran = rig.by("stranger", &["audit", "../bundle.zip", "--trust", ".evidence/trust.toml"]);
    assert!(ran.code == 1 && ran.out.contains("E202"), "{ran:?}");
    assert!(ran.out.contains("recorded later, and judged too: #") && !ran.out.contains("not judged"), "{ran:?}");
}

#[test]
fn module_of_the_policy_sees_what_is_waived() {
    let module = "version = 1\nrego = '''\npackage evidence\n\ndeny contains name if input.claims[name].waived\n'''";
    let rig = without_scan(&[("version = 1", module)]);
    let ran = rig.verify();
    if ran.code == 2 {
        // This build runs no module.
        return;
    }
    ran.refused(&["E201"]);
    rig.ok("boss", &WAIVE);
    rig.verify().refused(&["E225"]);
}
