//! A log that lies is convicted by what it gave out, and an honest one by nothing.

mod common;
#[path = "common/convictions.rs"]
#[expect(dead_code, reason = "the vectors are for another test")]
mod convictions;
#[path = "common/forge.rs"]
#[expect(dead_code, reason = "a part of the pen is enough here")]
mod forge;
#[path = "common/formats.rs"]
#[expect(dead_code, reason = "only the type of a vector is used")]
mod formats;
#[path = "common/memory.rs"]
#[expect(dead_code, reason = "a part of what a keeper can do is enough here")]
mod memory;
#[path = "common/samples.rs"]
mod samples;

use std::fs;
use std::process::Command;

use common::Rig;
use convictions::{Case, Map};
use evidence_ledger::prove::Conviction;
use forge::Forge;
use serde_json::json;

#[test]
fn map_that_leaves_a_record_out_is_convicted_by_its_receipt() {
    let liar = Case::tell(Map::Lies, "incident 12");
    let conviction = Conviction::find(&liar.shown_receipt(), &liar.shown()).unwrap();
    assert!(Conviction::find(&liar.shown(), &liar.shown_receipt()).is_some(), "in whichever order");
    let honest = Case::tell(Map::True, "incident 12");
    assert!(Conviction::find(&honest.shown_receipt(), &honest.shown()).is_none());

    let rig = Rig::new();
    fs::write(rig.path("conviction.json"), conviction.print()).unwrap();
    fs::write(rig.path("trust.toml"), liar.trust().print()).unwrap();
    let audit = ["audit", "../conviction.json", "--trust", "../trust.toml"];
    let ran = rig.ok("stranger", &audit);
    assert!(ran.out.contains("lacks it") && ran.out.matches("\u{2014} evidence.local/").count() == 2, "{ran:?}");
    fs::write(rig.path("trust.toml"), Forge::of(&rig).trust.print()).unwrap();
    assert_eq!(rig.by("stranger", &audit).code, 1, "of a log that nobody here believes");
    let text = conviction.print();
    let at = text.find("\"entry\"").unwrap();
    fs::write(rig.path("trust.toml"), liar.trust().print()).unwrap();
    fs::write(rig.path("conviction.json"), format!("{}{}", &text[..at], text[at..].replacen("halt", "holt", 1)))
        .unwrap();
    assert_eq!(rig.by("stranger", &audit).code, 1, "a byte of the entry is another");
}

#[test]
fn forked_log_is_convicted_by_two_of_its_bundles() {
    let rig = planned();
    let copy = |from: &str, to: &str| {
        let (from, to) = (rig.path(from), rig.path(to));
        let _ = fs::remove_dir_all(&to);
        assert!(Command::new("cp").arg("-r").args([&from, &to]).status().unwrap().success());
    };
    copy("repo/.git/evidence", "before");
    rig.pass("build");
    rig.ok("ci-1", &["export", "-o", "../one.zip"]);
    copy("repo/.git/evidence", "one");
    // The operator takes the older state, forgets what was seen of the newer one, and lets another story be told.
    copy("before", "repo/.git/evidence");
    fs::remove_dir_all(rig.path("config/evidence/seen")).unwrap();
    rig.pass("build");
    rig.ok("ci-1", &["export", "-o", "../two.zip"]);
    let convict = |a: &str, b: &str, out: &str| {
        rig.by("stranger", &["ledger", "convict", a, b, "-o", out, "--trust", ".evidence/trust.toml"])
    };
    let audit = |file: &str| rig.by("stranger", &["audit", file, "--trust", ".evidence/trust.toml"]);
    assert_eq!(convict("../one.zip", "../two.zip", "../heads.json").code, 0);
    let said = audit("../heads.json");
    assert!(said.code == 0 && said.out.contains("different roots"), "{said:?}");
    rig.ok("stranger", &["ledger", "convict", "../one.zip", "../two.zip", "--trust", ".evidence/trust.toml"]);
    assert_eq!(audit("conviction.json").code, 0);
    assert_eq!(convict("../one/checkpoint", "../two.zip", "../notes.json").code, 0);
    fs::remove_file(rig.repo().join("conviction.json")).unwrap();
    // Of another size, the heads alone show nothing: what stands at one place does.
    rig.pass("build");
    rig.ok("ci-1", &["export", "-o", "../three.zip"]);
    assert_eq!(convict("../one/checkpoint", ".git/evidence/checkpoint", "../nothing.json").code, 1);
    assert!(!rig.path("nothing.json").exists());
    assert_eq!(convict("../one.zip", "../three.zip", "../place.json").code, 0);
    let said = audit("../place.json");
    assert!(said.code == 0 && said.out.contains("stand at place"), "{said:?}");
    assert_eq!(convict("../two.zip", "../three.zip", "../nothing.json").code, 1, "the log only grew between these");
}

#[test]
fn receipts_of_the_program_are_halves_of_a_conviction() {
    let rig = planned();
    let attested = rig.ok("ci-1", &["attest", "build", "--json", "--", "true"]);
    let json = attested.err.lines().chain(attested.out.lines()).collect::<Vec<_>>().join("\n");
    let start = json.find('{').unwrap();
    fs::write(rig.path("receipt.json"), &json[start..]).unwrap();
    rig.ok("ci-1", &["export", "-o", "../honest.zip"]);
    let serial = (Forge::of(&rig).ledger.read().unwrap().size() - 2).to_string();
    fs::write(rig.path("shown.json"), rig.ok("ci-1", &["show", &serial, "--json"]).out).unwrap();
    for receipt in ["../receipt.json", "../shown.json"] {
        let words = ["ledger", "convict", receipt, "../honest.zip", "-o", "../no.json"];
        let ran = rig.by("stranger", &[&words[..], &["--trust", ".evidence/trust.toml"]].concat());
        assert_eq!(ran.code, 1, "{receipt}: {ran:?}");
        assert!(ran.err.contains("do not contradict"), "{ran:?}");
    }
    // A receipt whose entry was changed is no half of anything.
    let mut value: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(rig.path("shown.json")).unwrap()).unwrap();
    value["entry"] = json!(value["entry"].as_str().unwrap().replace("kind result", "kind review"));
    fs::write(rig.path("shown.json"), value.to_string()).unwrap();
    let words = ["ledger", "convict", "../shown.json", "../honest.zip", "-o", "../no.json"];
    let ran = rig.by("stranger", &[&words[..], &["--trust", ".evidence/trust.toml"]].concat());
    assert!(ran.code == 1 && ran.err.contains("does not lead"), "{ran:?}");
}

fn planned() -> Rig {
    let rig = Rig::new();
    rig.plan("low");
    rig
}
