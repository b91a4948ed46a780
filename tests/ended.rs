//! Grants that ended with those on whom they rested: nothing is taken from such a key, and nothing that it signed later counts.

#![cfg(feature = "cli")]

mod common;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "common/forge.rs"]
mod forge;

use common::{CHANGE, Rig};
use evidence_ledger::model::{Event, Outcome, Predicate, Statement, Subject};
use forge::Forge;

/// A rig with an administrator who granted `given` the role of a job.
fn granted() -> Rig {
    let rig = Rig::new();
    rig.key("admin");
    rig.grant("admin", "adm", "admin", &[]);
    rig.key("given");
    let path = rig.key_path("given").display().to_string();
    rig.ok("admin", &["key", "grant", &path, "--principal", "given", "--role", "ci"]);
    rig.plan("low");
    rig
}

/// A rig whose `ci-1` leased a key to a job for the change.
fn leased() -> Rig {
    let rig = Rig::new();
    rig.plan("low");
    let key = rig.key_path("given").display().to_string();
    let words = ["--for", "job-7", "--role", "ci", "--change", CHANGE, "--until", "2h", "-o", &key];
    rig.ok("ci-1", &[&["key", "lease"], &words[..]].concat());
    rig
}

/// Everything that is asked of a key is refused, with the reason.
fn is_out(rig: &Rig, who: &str, why: &str) {
    rig.refuses(who, &["attest", "build", "--", "true"], why);
    rig.refuses(who, &["attest", "build", "--", "false"], why);
    rig.refuses(who, &["record", "halt", "--reason", "denial of service"], why);
    let other = rig.key_path("stranger").display().to_string();
    rig.refuses(who, &["key", "revoke", &other, "--reason", "x"], why);
}

#[test]
fn a_key_whose_granter_was_revoked_appends_nothing() {
    let rig = granted();
    rig.ok("given", &["attest", "build", "--", "true"]);
    rig.verify().accepted();
    rig.revoke("admin");
    is_out(&rig, "given", "by which adm was revoked");
    rig.verify().refused(&["E206"]);
    rig.pass("build");
    rig.verify().accepted();
    // Somebody who may grants it again.
    rig.grant("given", "given", "ci", &[]);
    rig.ok("given", &["attest", "build", "--", "true"]);
    rig.verify().accepted();
}

#[test]
fn a_key_whose_lessor_was_revoked_appends_nothing() {
    let rig = leased();
    rig.ok("given", &["attest", "build", "--", "true"]);
    rig.verify().accepted();
    rig.revoke("ci-1");
    is_out(&rig, "given", "by which ci-1 was revoked");
    rig.verify().refused(&["E206"]);
    rig.ok("ci-2", &["attest", "build", "--", "true"]);
    rig.verify().accepted();
}

#[test]
fn a_failure_from_before_the_end_of_the_granter_stays() {
    for rig in [granted(), leased()] {
        assert_eq!(rig.by("given", &["attest", "build", "--", "false"]).code, 1);
        rig.ok("given", &["record", "halt", "--reason", "smoke"]);
        let granter = if rig.key_path("admin").exists() { "admin" } else { "ci-1" };
        rig.revoke(granter);
        rig.verify().refused(&["E202", "E206", "E301"]);
    }
}

#[test]
fn what_an_ended_key_wrote_past_append_counts_neither_for_nor_against() {
    for rig in [granted(), leased()] {
        rig.ok("ci-2", &["attest", "build", "--", "true"]);
        let granter = if rig.key_path("admin").exists() { "admin" } else { "ci-1" };
        let forge = Forge::of(&rig);
        let halt = || {
            let predicate = Predicate::Event(Event::Halt { reason: "denial of service".to_owned() });
            let subjects =
                vec![Subject::sha256("origin", evidence_ledger::crypto::sha256(forge.ledger.origin().as_bytes()))];
            Statement { subjects, binding: forge.binding(false, None), predicate }
        };
        rig.revoke(granter);
        let (_, start) = forge.about(&rig, "given", forge::start("build"));
        let failed = evidence_ledger::model::Run { outcome: Outcome::Fail, ..forge::passed(&rig, "build", start) };
        forge.about(&rig, "given", Predicate::Result(failed));
        forge.write(&halt(), &[&forge::key(&rig, "given")], forge.newest());
        rig.verify().accepted();
        // The same by a key that is granted hurts.
        forge.write(&halt(), &[&forge::key(&rig, "ci-2")], forge.newest());
        rig.verify().refused(&["E301"]);
    }
}

#[test]
fn a_policy_by_an_ended_administrator_is_not_in_force() {
    let rig = granted();
    rig.key("second");
    let path = rig.key_path("second").display().to_string();
    rig.ok("admin", &["key", "grant", &path, "--principal", "second", "--role", "admin"]);
    rig.pass("build");
    rig.revoke("admin");
    let forge = Forge::of(&rig);
    let text = common::POLICY
        .replace("version = 1\n", "version = 1\napplies = \"open\"\n")
        .replace("[\"build\"]", "[\"scan\"]");
    let put = |who: &str| {
        let digest = forge.ledger.blobs().put(text.as_bytes()).unwrap();
        let bytes = u64::try_from(text.len()).unwrap();
        let predicate = Predicate::Policy(evidence_ledger::model::PolicyRecord { bytes, reason: None });
        let subjects = vec![Subject::sha256("policy", digest)];
        let statement = Statement { subjects, binding: forge.binding(false, None), predicate };
        forge.write(&statement, &[&forge::key(&rig, who)], forge.newest());
    };
    put("second");
    rig.verify().accepted();
    put("root");
    rig.verify().refused(&["E201"]);
}

#[test]
fn whoever_is_refused_is_told_why_their_key_counts_no_more() {
    let rig = granted();
    let says = |who: &str, why: &str| {
        rig.refuses(who, &["attest", "build", "--", "true"], why);
    };
    says("stranger", "is no root and has no grant");
    rig.key("elsewhere");
    rig.grant("elsewhere", "elsewhere", "ci", &["--for-change", "shop/other"]);
    says("elsewhere", "its grant is for shop/other");
    rig.revoke("ci-2");
    says("ci-2", "has no grant here any more: record ");
    rig.key("short");
    rig.grant("short", "short", "ci", &["--until", "1h"]);
    rig.key("below");
    rig.grant("below", "boss", "admin", &["--until", "1h"]);
    let path = rig.key_path("stranger").display().to_string();
    rig.ok("below", &["key", "grant", &path, "--principal", "worker", "--role", "ci"]);
    rig.ok("stranger", &["attest", "build", "--", "true"]);
    let forge = Forge::of(&rig);
    forge.wait_until(&rig, forge.newest().after(evidence_ledger::model::Span(3600)));
    let late = |who: &str| rig.by(who, &["attest", "build", "--", "true"]);
    // The program's own clock is behind the ledger now, by more than it may be.
    assert!(late("short").err.contains("the clock says"));
    let appender = forge.appender(forge.newest());
    let refusal = |who: &str| {
        let key = forge::key(&rig, who);
        let statement = forge.statement(&rig, forge.planned(&rig).plan, forge::start("build"));
        let envelope = evidence_ledger::crypto::Envelope::seal(statement.print().unwrap(), &[&key]).unwrap();
        appender.append(vec![evidence_ledger::append::Submission { envelope }]).unwrap_err().to_string()
    };
    assert!(refusal("short").contains("its grant ended at "), "{}", refusal("short"));
    assert!(refusal("stranger").contains("its grant ended with that of boss, at "), "{}", refusal("stranger"));
}

// Leases.

#[test]
fn a_lease_that_is_refused_leaves_no_key_and_two_at_once_have_a_key_each() {
    let rig = Rig::new();
    rig.plan("low");
    let keys = || std::fs::read_dir(rig.path("config/evidence/keys")).unwrap().count();
    let before = keys();
    let lease = |change: &str, until: &str, role: &str| {
        rig.by("ci-1", &["key", "lease", "--for", "a", "--role", role, "--change", change, "--until", until])
    };
    for (ran, why) in [
        (lease("BAD", "2h", "ci"), "--change: "),
        (lease(CHANGE, "0h", "ci"), "--until: `0h` is no time"),
        (lease(CHANGE, "2h", "BAD"), "--role: "),
        (lease(CHANGE, "2h", "reviewer"), "the lease gives what its signer does not hold"),
    ] {
        assert!([1, 2].contains(&ran.code) && ran.err.contains(why), "{why}: {ran:?}");
        assert_eq!(keys(), before, "{why}");
    }
    for number in 1..=3 {
        assert_eq!(lease(CHANGE, "2h", "ci").code, 0);
        assert_eq!(keys(), before + number);
    }
    let path = rig.key_path("stranger").display().to_string();
    let grant = ["key", "grant", &path, "--principal", "x", "--role", "ci", "--until", "0h"];
    assert!(rig.by("owner", &grant).err.contains("`0h` is no time"));
}

#[test]
fn a_role_that_the_policy_does_not_know_is_warned_of() {
    let rig = Rig::new();
    rig.plan("low");
    let lease = |role: &str| {
        rig.ok("owner", &["key", "lease", "--for", "a", "--role", role, "--change", CHANGE, "--until", "2h"]).err
    };
    assert!(lease("reviwer").contains("knows no role reviwer, so it lets do nothing; did you mean reviewer?"));
    // Who may grant may lease what it does not hold; `implementer` is known to every policy.
    for role in ["reviewer", "implementer"] {
        assert!(!lease(role).contains("knows no role"), "{role}");
    }
    let path = rig.key_path("stranger").display().to_string();
    let ran = rig.ok("owner", &["key", "grant", &path, "--principal", "x", "--role", "plannr"]);
    assert!(ran.err.contains("did you mean planner?"), "{ran:?}");
}

#[test]
fn the_list_of_keys_says_how_long_for_what_and_why_no_more() {
    let rig = leased();
    let page = rig.ok("owner", &["key", "list"]).out;
    let header: Vec<&str> = page.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["STATE", "PRINCIPAL", "KEY", "ROLES", "OWNER", "UNTIL", "CHANGES"], "{page}");
    let row = page.lines().find(|line| line.contains("job-7")).unwrap();
    assert!(
        row.starts_with("holds ") && row.contains(" ci-1 ") && row.contains(" 20") && row.contains(CHANGE),
        "{row}"
    );
    rig.revoke("ci-1");
    let json = rig.ok("owner", &["key", "list", "--json"]).json();
    let of = |name: &str| json["keys"].as_array().unwrap().iter().find(|row| row["principal"] == name).unwrap().clone();
    assert_eq!(of("job-7")["state"], "ended");
    assert!(of("job-7")["why"].as_str().unwrap().contains("by which ci-1 was revoked"));
    assert_eq!((of("ci-1")["state"].as_str(), of("ci-2")["why"].is_null()), (Some("revoked"), true));
}

#[test]
fn a_key_is_revoked_once() {
    let rig = Rig::new();
    rig.revoke("ci-1");
    let size = || rig.ok("stranger", &["log", "--json"]).json()["size"].clone();
    let before = size();
    let path = rig.key_path("ci-1").display().to_string();
    let ran = rig.ok("owner", &["key", "revoke", &path, "--reason", "again"]);
    assert!(ran.out.contains("already: nothing was recorded") && size() == before, "{ran:?}");
    let other = rig.key_path("ci-2").display().to_string();
    rig.ok("owner", &["key", "revoke", &other, "--reason", "stolen"]);
    assert!(size() != before);
}

#[test]
fn the_impact_of_a_key_is_that_of_what_it_granted_and_leased_too() {
    let rig = granted();
    rig.ok("given", &["attest", "build", "--", "true"]);
    let below = rig.key_path("below").display().to_string();
    let words = ["--for", "job-7", "--role", "ci", "--change", CHANGE, "--until", "2h", "-o", &below];
    rig.ok("given", &[&["key", "lease"], &words[..]].concat());
    rig.ok("below", &["attest", "build", "--", "true"]);
    let impact = |who: &str| {
        let key = rig.key_path(who).display().to_string();
        (rig.ok("owner", &["key", "impact", &key]).out, rig.ok("owner", &["key", "impact", &key, "--json"]).json())
    };
    let (page, json) = impact("admin");
    assert_eq!(json["changes"], serde_json::json!([]), "it attested nothing itself: {json}");
    let (given, leased) = (&json["granted"][0], &json["leased"][0]);
    assert_eq!((given["principal"].as_str(), leased["principal"].as_str()), (Some("given"), Some("job-7")));
    for one in [given, leased] {
        assert_eq!(one["changes"], serde_json::json!([{"change": CHANGE, "records": 2, "merged": false}]));
    }
    assert_eq!(page.matches(&format!("    {CHANGE}: 2 records\n")).count(), 2, "{page}");
    // Each lease once, and nothing that is not below.
    let (page, json) = impact("given");
    assert_eq!((page.matches("leased #").count(), page.matches("granted #").count()), (1, 0), "{page}");
    assert_eq!((json["granted"].as_array().unwrap().len(), json["leased"].as_array().unwrap().len()), (0, 1));
    let (page, _) = impact("below");
    assert!(!page.contains("leased #") && page.contains("1 changes"), "{page}");
}
