//! What is attached to results, tried from outside: pictures that somebody has seen, logs of sessions, and who swaps them.

mod common;
#[expect(dead_code, reason = "a part of the pen is enough here")]
#[path = "common/forge.rs"]
mod forge;

use std::fs;

use common::{CHANGE, Ran, Rig, Verdict, png};
use serde_json::json;

/// A policy whose tier low wants pictures of `screens`, seen by `looking`.
const SCREENS: (&str, &str) = (
    "[tier.low]\nrequire = [\"build\"]",
    "[claim.screens]\nfamily = \"functionality\"\nby = \"ci\"\n\
     attachments = { min = 1, kinds = [\"picture\"], reviewed_by = \"looking\" }\n\n\
     [claim.looking]\nfamily = \"process\"\nby = \"reviewer\"\nindependent_of = [\"implementer\"]\n\n\
     [tier.low]\nrequire = [\"screens\"]",
);

fn rig() -> Rig {
    let rig = Rig::with(&[SCREENS]);
    rig.plan("low");
    rig
}

/// A rig whose tier low wants attachments as these limits say.
fn limited(limits: &str) -> Rig {
    let claim = format!("[claim.build]\nattachments = {limits}");
    let rig = Rig::with(&[("[claim.build]", &claim)]);
    rig.plan("low");
    rig
}

/// Writes a picture that differs by its end.
fn draw(rig: &Rig, name: &str, what: &str) {
    fs::write(rig.path(name), png(what)).unwrap();
}

fn shoot(rig: &Rig, named: &str) -> Ran {
    let file = named.split('=').next_back().unwrap();
    rig.by("ci-1", &["attest", "screens", "--attach", named, "--", "touch", file])
}

fn look(rig: &Rig, who: &str, picture: &str, verdict: &str) -> Ran {
    rig.by(who, &["review", "looking", "--picture", picture, "--verdict", verdict])
}

#[test]
fn picture_is_seen_as_it_is_or_the_change_is_refused() {
    let rig = rig();
    draw(&rig, "a.png", "one");
    shoot(&rig, "login=../a.png");
    let verdict = rig.verify();
    verdict.refused(&["E244"]);
    assert!(verdict.json["findings"][0]["found"].as_str().unwrap().starts_with("nobody has seen it; it is "));
    assert_eq!(look(&rig, "reviewer", "login", "pass").code, 0);
    rig.verify().accepted();
    // Replaced after the review: another hash is another picture.
    draw(&rig, "a.png", "two");
    shoot(&rig, "login=../a.png");
    let verdict = rig.verify();
    verdict.refused(&["E244"]);
    let found = verdict.json["findings"][0]["found"].as_str().unwrap();
    assert!(found.contains("the newest review of it, in record") && found.contains(", saw "), "{found}");
    assert_eq!(look(&rig, "reviewer", "login", "pass").code, 0);
    rig.verify().accepted();
    // The same bytes under another name were not seen as that.
    rig.ok(
        "ci-1",
        &["attest", "screens", "--attach", "login=../a.png", "--attach", "menu=../a.png", "--", "touch", "../a.png"],
    );
    rig.verify().refused(&["E244"]);
}

#[test]
fn picture_seen_on_one_tree_stands_on_the_next_while_its_bytes_are_the_same() {
    let rig = rig();
    draw(&rig, "a.png", "one");
    shoot(&rig, "login=../a.png");
    look(&rig, "reviewer", "login", "pass");
    rig.verify().accepted();
    rig.commit("src/lib.rs", "three\n");
    shoot(&rig, "login=../a.png");
    rig.verify().accepted();
    rig.commit("src/lib.rs", "four\n");
    draw(&rig, "a.png", "other");
    shoot(&rig, "login=../a.png");
    rig.verify().refused(&["E244"]);
}

#[test]
fn only_who_may_and_did_not_implement_it_passes_a_picture_and_anybody_refuses_it() {
    let rig = rig();
    draw(&rig, "a.png", "one");
    shoot(&rig, "login=../a.png");
    look(&rig, "ci-2", "login", "pass");
    rig.verify().refused(&["E206"]);
    rig.key("agent-2");
    rig.grant("agent-2", "agent", "reviewer", &[]);
    look(&rig, "agent-2", "login", "pass");
    rig.verify().refused(&["E207"]);
    look(&rig, "reviewer", "login", "pass");
    rig.verify().accepted();
    look(&rig, "ci-2", "login", "fail");
    rig.verify().refused(&["E218"]);
    look(&rig, "ci-2", "login", "pass");
    rig.verify().accepted();
    rig.revoke("reviewer");
    rig.verify().refused(&["E207"]);
}

#[test]
fn picture_is_not_seen_by_a_review_of_another_claim() {
    let rig = rig();
    draw(&rig, "a.png", "one");
    shoot(&rig, "login=../a.png");
    rig.ok("reviewer", &["review", "peer-review", "--picture", "login", "--verdict", "pass"]);
    rig.verify().refused(&["E244"]);
    look(&rig, "reviewer", "login", "pass");
    rig.verify().accepted();
    // Neither does it say that it is unfit.
    rig.ok("ci-2", &["review", "peer-review", "--picture", "login", "--verdict", "fail"]);
    rig.verify().accepted();
}

#[test]
fn picture_that_was_seen_too_long_ago_is_seen_again() {
    let (from, to) = SCREENS;
    let rig = Rig::with(&[(from, &to.replace("[claim.looking]\n", "[claim.looking]\nage_max = \"1h\"\n"))]);
    rig.plan("low");
    draw(&rig, "a.png", "one");
    shoot(&rig, "login=../a.png");
    look(&rig, "reviewer", "login", "pass");
    let forge = forge::Forge::of(&rig);
    let seen = forge.newest();
    for (wait, codes) in [(3600, None), (3601, Some("E244"))] {
        forge.wait_until(&rig, seen.after(evidence_ledger::model::Span(wait)));
        match codes {
            None => drop(rig.verify().accepted()),
            Some(code) => drop(rig.verify().refused(&[code])),
        }
    }
}

#[test]
fn reviewer_who_hands_over_the_file_signs_no_other() {
    let rig = rig();
    draw(&rig, "a.png", "one");
    fs::copy(rig.path("a.png"), rig.path("seen.png")).unwrap();
    shoot(&rig, "login=../a.png");
    // Between looking and signing it is replaced.
    draw(&rig, "a.png", "two");
    shoot(&rig, "login=../a.png");
    let ran = look(&rig, "reviewer", "login=../seen.png", "pass");
    assert!(ran.code == 2 && ran.err.contains("is not the picture that is attached under this name"), "{ran:?}");
    let ran = look(&rig, "reviewer", "menu", "pass");
    assert!(ran.code == 2 && ran.err.contains("nothing is attached as menu") && ran.err.contains("there is login"));
    rig.verify().refused(&["E244"]);
    assert_eq!(look(&rig, "reviewer", "login=../a.png", "pass").code, 0);
    rig.verify().accepted();
}

#[test]
fn bytes_tell_what_a_picture_is_and_not_the_name() {
    let rig = limited("{ min = 2, kinds = [\"picture\"] }");
    fs::write(rig.path("text.png"), "no picture").unwrap();
    draw(&rig, "picture.txt", "one");
    let attest = |files: &[&str]| {
        let attached = files.iter().flat_map(|file| ["--attach", *file]);
        rig.by("ci-1", &["attest", "build"].into_iter().chain(attached).chain(["--", "true"]).collect::<Vec<_>>())
    };
    attest(&["../text.png", "../picture.txt"]);
    let verdict = rig.verify();
    verdict.refused(&["E243"]);
    assert_eq!(verdict.json["findings"][0]["found"], "1 attached of kind picture");
    // The same bytes twice are one picture.
    fs::copy(rig.path("picture.txt"), rig.path("again.png")).unwrap();
    attest(&["../picture.txt", "../again.png"]);
    rig.verify().refused(&["E243"]);
    draw(&rig, "again.png", "two");
    attest(&["../picture.txt", "../again.png"]);
    rig.verify().accepted();
    rig.pass("build");
    rig.verify().refused(&["E243"]);
}

#[test]
fn log_of_a_session_is_known_by_its_lines_and_kept_without_secrets() {
    let rig = limited("{ kinds = [\"session-log\"] }");
    let attach = ["attest", "build", "--attach", "../session.jsonl", "--", "true"];
    // Cut short, and objects that say nothing.
    for log in ["{\"role\":\"user\"\n", "{}\n{}\n"] {
        fs::write(rig.path("session.jsonl"), log).unwrap();
        rig.ok("ci-1", &attach);
        rig.verify().refused(&["E243"]);
    }
    fs::write(
        rig.path("session.jsonl"),
        "{\"role\":\"user\"}\n{\"role\":\"agent\",\"text\":\"canary-0123456789abcdef\"}\n",
    )
    .unwrap();
    let mut command = rig.command("ci-1", &attach);
    let ran = Ran::of(command.env("API_TOKEN", "canary-0123456789abcdef").output().unwrap());
    assert!(ran.code == 1 && ran.err.contains("holds the value of the variable API_TOKEN"), "{ran:?}");
    rig.verify().refused(&["E203"]);
    rig.ok("ci-1", &attach);
    rig.verify().accepted();
}

#[test]
fn caption_and_criterion_belong_to_the_attachment_before_them() {
    let rig = rig();
    draw(&rig, "a.png", "one");
    draw(&rig, "b.png", "two");
    let words = ["--attach", "login=../a.png", "--caption", "after login", "--attach", "menu=../b.png"];
    let more = ["--criterion", "AC-1", "--caption", "the menu", "--", "touch", "../a.png", "../b.png"];
    let ran = rig.ok("ci-1", &[&["attest", "screens", "--json"], &words[..], &more].concat());
    let serial = ran.json()["result"]["serial"].to_string();
    let body = &rig.ok("ci-1", &["show", &serial, "--json"]).json()["statementBody"]["predicate"]["attachments"];
    assert_eq!((&body[0]["name"], &body[0]["caption"]), (&json!("login"), &json!("after login")));
    assert_eq!((&body[1]["caption"], &body[1]["criterion"]), (&json!("the menu"), &json!("AC-1")));
    assert!(body[0].get("criterion").is_none());
    let told = rig.by("stranger", &["verify"]).out;
    assert!(told.contains("attached login (after login), menu (the menu)"), "{told}");
    assert!(rig.ok("stranger", &["log"]).out.contains("with login (after login), menu (the menu)"));
    let ran = rig.ok("ci-1", &[&["attest", "screens"], &words[..], &more].concat());
    let why = "note: --criterion: no plan of shop/feature has the criterion AC-1; it has none";
    assert!(ran.err.contains(why), "{ran:?}");
    for (words, why) in [
        (vec!["--caption", "x", "--attach", "../a.png"], "no --attach stands before it"),
        (vec!["--attach", "../a.png", "--caption", "x", "--caption", "y"], "has one already"),
        (vec!["--attach", "../a.png", "--criterion", "a b"], "is not the id of a criterion"),
        (vec!["--attach", "login="], "--attach is empty"),
    ] {
        let ran = rig.by("ci-1", &[&["attest", "screens"], &words[..], &["--", "true"]].concat());
        assert!(ran.code != 0 && ran.err.contains(why), "{why}: {ran:?}");
    }
}

#[test]
fn name_is_of_one_file_and_a_planted_one_is_told() {
    let rig = rig();
    draw(&rig, "a.png", "one");
    draw(&rig, "b.png", "two");
    rig.write("out/a.png", "a");
    rig.write("out/b.png", "b");
    // It lay there before: what the command did not make shows nothing of it.
    let planted = rig.by("ci-1", &["attest", "screens", "--attach", "login=../a.png", "--", "true"]);
    assert!(planted.code == 1 && planted.err.contains("../a.png is older than the command"), "{planted:?}");
    rig.verify().refused(&["E203"]);
    let words = ["attest", "screens", "--attach", "login=out/*.png", "--", "touch", "out/a.png", "out/b.png"];
    let several = rig.by("ci-1", &words);
    assert!(several.code == 1 && several.err.contains("2 files match out/*.png"), "{several:?}");
    let words = ["attest", "screens", "--attach", "login=../a.png", "--attach", "login=../b.png"];
    let twice = rig.by("ci-1", &[&words[..], &["--", "touch", "../a.png", "../b.png"]].concat());
    assert!(twice.code == 1 && twice.err.contains("two attachments are called login"), "{twice:?}");
}

#[test]
fn picture_of_a_criterion_is_there_by_its_name_and_is_one() {
    let rig = Rig::new();
    fs::write(rig.path("spec.md"), "- [ ] AC-1: one sees it {pictures: login}\n- [ ] AC-2: and that\n").unwrap();
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--spec", "../spec.md"]);
    let words = ["attest", "build", "--attach", "login=../a.png", "--criterion", "AC-2", "--", "touch", "../a.png"];
    // The signature alone is no picture.
    for bytes in [&b"text"[..], b"\x89PNG\r\n\x1a\n"] {
        fs::write(rig.path("a.png"), bytes).unwrap();
        rig.ok("ci-1", &words);
        let verdict = rig.verify();
        verdict.refused(&["E240"]);
        assert_eq!(verdict.json["findings"].as_array().unwrap().len(), 1, "{:#}", verdict.json);
    }
    // Nor does a file with nothing in it show anything.
    fs::write(rig.path("a.png"), "").unwrap();
    let empty = rig.by("ci-1", &words);
    assert!(empty.code == 1 && empty.err.contains("../a.png is empty"), "{empty:?}");
    rig.verify().refused(&["E203", "E240"]);
    draw(&rig, "a.png", "one");
    rig.ok("ci-1", &words);
    rig.verify().accepted();
}

#[test]
fn picture_that_nobody_looked_at_shows_nothing_critical() {
    let accept = ("merge = [\"ci\"]", "merge = [\"ci\"]\naccept = [\"product\"]");
    for spec in ["- [ ] AC-1: one sees it {critical}\n", "- [ ] AC-1: one sees it {pictures: login; critical}\n"] {
        let rig = Rig::with(&[accept]);
        rig.key("ana");
        rig.grant("ana", "ana", "product", &["--email", "ana@example.org"]);
        fs::write(rig.path("spec.md"), spec).unwrap();
        rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--spec", "../spec.md"]);
        draw(&rig, "a.png", "one");
        rig.ok(
            "ci-1",
            &["attest", "build", "--attach", "login=../a.png", "--criterion", "AC-1", "--", "touch", "../a.png"],
        );
        let verdict = rig.verify();
        verdict.refused(&["E240"]);
        assert!(verdict.json["criteria"][0]["lacks"][0].as_str().unwrap().contains("nobody has looked at its picture"));
        rig.ok("ana", &["review", "--criterion", "AC-1", "--verdict", "pass"]);
        rig.verify().accepted();
    }
    // Or a review has to see it, as its claim says.
    let rig = Rig::with(&[SCREENS]);
    fs::write(rig.path("spec.md"), "- [ ] AC-1: one sees it {pictures: login; critical}\n").unwrap();
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--spec", "../spec.md"]);
    draw(&rig, "a.png", "one");
    shoot(&rig, "login=../a.png");
    rig.verify().refused(&["E240", "E244"]);
    look(&rig, "reviewer", "login", "pass");
    rig.verify().accepted();
}

#[test]
fn bundle_holds_what_is_attached_and_says_when_it_is_gone() {
    let rig = rig();
    draw(&rig, "a.png", "one");
    shoot(&rig, "login=../a.png");
    look(&rig, "reviewer", "login", "pass");
    let audit = || {
        let _ = fs::remove_file(rig.path("bundle.zip"));
        rig.ok("planner", &["export", "-o", "../bundle.zip"]);
        let ran = rig.by("stranger", &["audit", "../bundle.zip", "--trust", ".evidence/trust.toml", "--json"]);
        Verdict { code: ran.code, json: ran.json()["verdict"].clone() }
    };
    audit().accepted();
    // Whoever takes the picture out of the ledger takes its proof with it.
    let mut todo = vec![rig.repo().join(".git/evidence")];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if fs::read(&path).unwrap().starts_with(b"\x89PNG") {
                fs::remove_file(path).unwrap();
            }
        }
    }
    rig.verify().refused(&["E216", "E243"]);
    audit().refused(&["E216", "E243"]);
}

#[test]
fn picture_of_the_branch_may_not_go_and_another_in_its_place_is_seen_beside_it() {
    let (from, to) = SCREENS;
    let keep = to.replace("reviewed_by = ", "baseline = \"keep\", reviewed_by = ");
    let rig = Rig::with(&[(from, &keep)]);
    begin(&rig, "one");
    draw(&rig, "a.png", "one");
    shoot(&rig, "login=../a.png");
    assert_eq!(look(&rig, "reviewer", "login", "pass").code, 0);
    rig.verify().accepted();
    merge(&rig, "one");
    // As it was it needs nobody.
    begin(&rig, "two");
    shoot(&rig, "login=../a.png");
    rig.verify().accepted();
    // Under another name it is gone.
    shoot(&rig, "entry=../a.png");
    let verdict = rig.verify();
    verdict.refused(&["E244", "E260"]);
    let told = &verdict.json["requirements"][0]["baseline"][0];
    assert_eq!((&told["held"], &told["against"]), (&json!(0), &json!(1)), "{:#}", verdict.json);
    // Another one is seen beside the one before.
    draw(&rig, "a.png", "two");
    shoot(&rig, "login=../a.png");
    let verdict = rig.verify();
    verdict.refused(&["E244"]);
    let found = verdict.json["findings"][0]["found"].as_str().unwrap();
    assert!(found.starts_with("nobody has seen both; it changed: the baseline has "), "{found}");
    let told = &verdict.json["requirements"][0]["baseline"][0];
    assert_eq!((&told["held"], &told["against"]), (&json!(0), &json!(1)), "{:#}", verdict.json);
    let said = rig.by("stranger", &["verify"]).out;
    assert!(said.contains("  worse: screens 0 of 1 baseline pictures: login (is another one)"), "{said}");
    assert_eq!(look(&rig, "reviewer", "login", "pass").code, 0);
    rig.verify().accepted();
    // Both can be looked at: by their hashes, which the branch's baseline and the change name.
    let diff = rig.ok("stranger", &["baseline", "diff", "--json"]).json();
    let (old, new) = (diff["moved"][0]["old"].as_str().unwrap(), diff["moved"][0]["new"].as_str().unwrap());
    let told = rig.ok("stranger", &["baseline", "diff"]).out;
    assert!(told.contains(&format!("~ screens picture login  sha256:{old} -> sha256:{new}")), "{told}");
    assert!(rig.ok("stranger", &["baseline", "show", "screens"]).out.contains(&format!("login  sha256:{old}")));
    assert!(found.contains(&old[..12]) && found.contains(&new[..12]), "{found}");
    for (hash, bytes) in [(&old[..12], png("one")), (new, png("two"))] {
        rig.ok("stranger", &["show", hash, "-o", "../shown.png"]);
        assert_eq!(fs::read(rig.path("shown.png")).unwrap(), bytes);
        let mut command = rig.command("stranger", &["show", hash]);
        assert_eq!(command.output().unwrap().stdout, bytes);
        let said = rig.ok("stranger", &["show", hash, "--json"]).json();
        assert_eq!(
            (said["bytes"].as_u64().unwrap(), said["names"].to_string().contains("login")),
            (u64::try_from(bytes.len()).unwrap(), true)
        );
    }
    // Replaced after the review.
    draw(&rig, "a.png", "three");
    shoot(&rig, "login=../a.png");
    rig.verify().refused(&["E244"]);
    // One that somebody let go is protected no more once that is merged.
    rig.key("boss");
    rig.grant("boss", "boss", "admin", &["--email", "boss@example.org"]);
    shoot(&rig, "entry=../a.png");
    assert_eq!(look(&rig, "reviewer", "entry", "pass").code, 0);
    rig.verify().refused(&["E260"]);
    rig.ok("boss", &["allow", "retire", "screens", "--name", "login", "--reason", "another way in", "--until", "1d"]);
    rig.verify().accepted();
    merge(&rig, "two");
    let told = rig.ok("stranger", &["baseline", "show", "screens"]).out;
    assert!(told.contains("entry") && !told.contains("login"), "{told}");
}

#[test]
fn picture_that_a_criterion_lacks_is_brought_by_the_claim_that_has_attachments() {
    let rig = Rig::with(&[
        (SCREENS.0, &SCREENS.1.replace("require = [\"screens\"]", "require = [\"build\", \"screens\"]")),
        ("by = \"ci\"\n\n[claim.unit-tests]", "by = \"ci\"\ntests = { failed_max = 0 }\n\n[claim.unit-tests]"),
    ]);
    fs::write(rig.path("spec.md"), "- [ ] AC-1: it is seen {pictures: login}\n- [ ] AC-2: a test {tests: login}\n")
        .unwrap();
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--implementer", "agent", "--spec", "../spec.md"]);
    let verdict = rig.verify();
    let mend = |id: &str| {
        let findings = verdict.json["findings"].as_array().unwrap();
        let finding = findings.iter().find(|it| it.to_string().contains(&format!("criterion {id}"))).unwrap();
        let words = finding["mend"]["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        words.filter(|word| !["--change", CHANGE].contains(word)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(mend("AC-1"), "evidence attest screens --attach login=FILE -- CMD");
    assert_eq!(mend("AC-2"), "evidence attest build --report FILE -- CMD");
}

/// Begins a change with a plan, from what the branch has.
fn begin(rig: &Rig, name: &str) {
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["checkout", "-q", "-b", name]);
    rig.commit(&format!("src/{name}.rs"), name);
    rig.ok("planner", &["plan", &format!("shop/{name}"), "--tier", "low", "--implementer", "agent"]);
}

fn merge(rig: &Rig, name: &str) {
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", name]);
    rig.ok("ci-1", &["record", "merge"]);
}

#[test]
fn picture_that_changed_is_refused_where_no_review_of_it_counts() {
    let claim = "[claim.build]\nattachments = { baseline = \"keep\" }";
    let allow = ("allow = [\"admin\"]", "allow = [\"reviewer\"]");
    let rig = Rig::with(&[("[claim.build]", claim), allow]);
    let shoot = |of: &str| rig.ok("ci-1", &["attest", "build", "--attach", of, "--", "touch", "../a.png", "../b.png"]);
    begin(&rig, "one");
    draw(&rig, "a.png", "one");
    draw(&rig, "b.png", "two");
    shoot("login=../a.png");
    rig.verify().accepted();
    merge(&rig, "one");
    begin(&rig, "two");
    shoot("login=../a.png");
    rig.verify().accepted();
    // Other bytes under the same name are no picture of the baseline.
    shoot("login=../b.png");
    let verdict = rig.verify();
    verdict.refused(&["E244"]);
    let finding = &verdict.json["findings"][0];
    let found = finding["found"].as_str().unwrap();
    assert!(found.starts_with("it changed: the baseline has ") && found.contains("no `reviewed_by`"), "{found}");
    assert_eq!(finding["mend"]["command"][2], "retire");
    assert!(rig.by("stranger", &["verify"]).out.contains("  worse: build 0 of 1 baseline pictures"));
    assert_eq!(rig.by("stranger", &["export", "-o", "../two.zip"]).code, 0);
    let audited = rig.by("stranger", &["audit", "../two.zip", "--trust", ".evidence/trust.toml", "--json"]).json();
    assert_eq!(audited["verdict"]["findings"][0]["code"], "E244", "{audited:#}");
    // Somebody entitled lets the old one go, and says why; that shows.
    rig.ok("reviewer", &["allow", "retire", "build", "--name", "login", "--reason", "new look", "--until", "2d"]);
    rig.verify().accepted();
    let said = rig.by("stranger", &["verify"]).out;
    assert!(said.contains("not worse: build 0 of 1 baseline pictures, 1 retired by reviewer: \"new look\""), "{said}");
    merge(&rig, "two");
    // From then on it is the new one that is protected.
    begin(&rig, "three");
    shoot("login=../a.png");
    rig.verify().refused(&["E244"]);
    shoot("login=../b.png");
    rig.verify().accepted();
}
