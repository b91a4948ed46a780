//! `policy draft`: what it writes is a policy, says what was seen, and accepts what was accepted.

mod common;

use std::fs;

use common::{Ran, Rig, junit, sarif};
use serde_json::Value;

/// Drafts, checks the draft, and returns what `policy test` says of it.
fn drafted(rig: &Rig) -> (String, Value) {
    let ran = rig.ok("stranger", &["policy", "draft"]);
    fs::write(rig.path("draft.toml"), &ran.out).unwrap();
    let checked = rig.ok("stranger", &["policy", "check", "../draft.toml"]);
    assert!(!checked.err.contains("error"), "{checked:?}");
    (ran.out, rig.ok("stranger", &["policy", "test", "../draft.toml", "--json"]).json())
}

fn high() -> Rig {
    let rig = Rig::new();
    rig.plan("high");
    rig.pass("build");
    fs::write(rig.path("tests.xml"), junit(7, 0)).unwrap();
    fs::write(rig.path("scan.sarif"), sarif(&["5.0", "2.0"])).unwrap();
    rig.ok("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
    rig.ok("ci-1", &["attest", "scan", "--report", "../scan.sarif"]);
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    rig
}

#[test]
fn accepted_change_is_accepted_by_what_is_drafted_from_it() {
    let rig = high();
    rig.verify().accepted();
    let (text, tried) = drafted(&rig);
    assert_eq!((&tried["flips"], &tried["changes"][0]["wouldBe"]), (&0.into(), &"accepted".into()), "{text}{tried:#}");
    for line in [
        "passed_min = 7, failed_max = 0",
        "critical_max = 0, high_max = 0, medium_max = 1, low_max = 1",
        "independent_of = [\"implementer\"]",
        "by = \"reviewer\"",
        "[tier.high]",
        "require = [\"build\", \"scan\", \"unit-tests\"]",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    // Each number names the record that it comes from.
    let serial = rig.verify().json["requirements"][1]["serials"][1].as_u64().unwrap();
    let line = text.lines().find(|line| line.starts_with("tests = ")).unwrap();
    assert!(line.ends_with(&format!("# from #{serial}")), "{line}: {serial}");
    let json = rig.ok("stranger", &["policy", "draft", "--json"]).json();
    assert_eq!((&json["text"], &json["wouldBe"], &json["was"]), (&text.into(), &"accepted".into(), &"accepted".into()));
    assert_eq!(json["policy"]["claim"]["unit-tests"]["tests"]["passed_min"], 7);
}

#[test]
fn draft_in_force_refuses_what_shows_less() {
    let rig = high();
    drafted(&rig);
    rig.ok("owner", &["policy", "apply", "../draft.toml", "--reason", "drafted"]);
    rig.git(&["checkout", "-q", "-b", "second"]);
    rig.commit("src/lib.rs", "three\n");
    rig.ok("planner", &["plan", "shop/second", "--tier", "low", "--implementer", "agent"]);
    rig.pass("build");
    let report = |claim: &str, name: &str, text: &str| assert_eq!(rig.report(claim, name, text).code, 0);
    report("scan", "scan.sarif", &sarif(&["5.0", "2.0"]));
    report("unit-tests", "tests.xml", &junit(6, 0));
    rig.verify().refused(&["E212"]);
    report("unit-tests", "tests.xml", &junit(7, 0));
    rig.verify().accepted();
    report("scan", "scan.sarif", &sarif(&["9.0"]));
    rig.verify().refused(&["E213"]);
}

#[test]
fn refused_change_is_drafted_by_what_of_it_passed() {
    let rig = high();
    rig.fail("build");
    rig.verify().refused(&["E202"]);
    let ran = rig.ok("stranger", &["policy", "draft"]);
    assert!(!ran.out.contains("[claim.build]") && ran.out.contains("claims that this change has not shown"), "{ran:?}");
    let (_, tried) = drafted(&rig);
    assert_eq!(tried["changes"][0]["was"], "refused");
}

#[test]
fn change_that_has_shown_nothing_is_no_draft() {
    let rig = Rig::new();
    let ran = rig.by("stranger", &["policy", "draft"]);
    assert!(ran.code == 2 && ran.out.is_empty(), "{ran:?}");
    rig.plan("low");
    let ran = rig.by("stranger", &["policy", "draft"]);
    assert!(ran.code == 2 && ran.err.contains("has shown nothing on this tree"), "{ran:?}");
    rig.fail("build");
    assert_eq!(rig.by("stranger", &["policy", "draft"]).code, 2);
    rig.pass("build");
    drafted(&rig);
}

#[test]
fn variants_shards_and_coverage_are_seen() {
    let rig = Rig::with(&[(
        "[tier.low]",
        "[claim.\"pay/cov.lines\"]\nfamily = \"non-regression\"\nby = \"ci\"\n\n[tier.low]",
    )]);
    rig.plan("low");
    rig.pass("build");
    let run = |words: &[&str]| -> Ran { rig.ok("ci-1", &[&["attest"], words].concat()) };
    for (variant, count) in [("linux", 9), ("windows", 8)] {
        fs::write(rig.path("tests.xml"), junit(count, 0)).unwrap();
        run(&["unit-tests", "--variant", variant, "--report", "../tests.xml"]);
    }
    fs::write(rig.path("lcov.info"), "SF:src/lib.rs\nDA:1,1\nDA:2,1\nDA:3,0\nend_of_record\n").unwrap();
    run(&["pay/cov.lines", "--report", "../lcov.info"]);
    rig.verify().accepted();
    let (text, tried) = drafted(&rig);
    for line in ["variants = [\"linux\", \"windows\"]", "passed_min = 8", "total_min = 66", "[claim.\"pay/cov.lines\"]"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(tried["changes"][0]["wouldBe"], "accepted", "{text}{tried:#}");
}

#[test]
fn independence_is_drafted_only_where_it_held() {
    let rig = Rig::with(&[("independent_of = [\"implementer\"]\n", "")]);
    rig.grant("agent", "agent", "reviewer", &[]);
    rig.plan("high");
    rig.medium();
    assert_eq!(rig.review("agent", "pass").code, 0);
    rig.verify().accepted();
    let (text, tried) = drafted(&rig);
    assert!(!text.contains("independent_of") && text.contains("No independence"), "{text}");
    assert_eq!(tried["changes"][0]["wouldBe"], "accepted", "{text}{tried:#}");
}

#[test]
fn change_that_nobody_planned_and_one_person_did_is_drafted_so() {
    let solo = [("[claim.build]", "unplanned = \"low\"\nindependence = \"record\"\n\n[claim.build]")];
    let rig = Rig::with(&solo);
    rig.pass("build");
    rig.verify().accepted();
    let (text, tried) = drafted(&rig);
    assert!(text.contains("unplanned = \"low\"") && text.contains("independence = \"record\""), "{text}");
    assert_eq!(tried["changes"][0]["wouldBe"], "accepted", "{text}{tried:#}");
}
