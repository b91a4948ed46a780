//! `evidence status`: what the board shows is what the gate says, and its commands lead to an acceptance.

mod common;
#[expect(dead_code, reason = "a part of the pen is enough here")]
#[path = "common/forge.rs"]
mod forge;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use common::{CHANGE, EVIDENCE, Rig, isolate, junit, sarif, wait_for};
use evidence_ledger::append::Submission;
use evidence_ledger::crypto::{Envelope, SecretKey};
use evidence_ledger::model::{
    Binding, Command as RunCommand, Digest, Ended, Event, Predicate, Run, Statement, Subject, Time, check_schema,
};
use evidence_ledger::store::{Lookup, LookupKey};
use forge::{Forge, key, oid, passed, start};
use serde_json::{Value, json};

/// The board as JSON, which its published schema accepts.
fn board(rig: &Rig, more: &[&str]) -> Value {
    let value = rig.ok("stranger", &[&["status", "--json"], more].concat()).json();
    check_schema("status", &value).unwrap();
    value
}

/// One change as JSON.
fn standing(rig: &Rig, more: &[&str]) -> Value {
    let value = board(rig, &[&[CHANGE], more].concat());
    assert_eq!(value["changes"].as_array().unwrap().len(), 1, "{value:#}");
    value["changes"][0].clone()
}

fn names(board: &Value) -> Vec<&str> {
    board["changes"].as_array().unwrap().iter().map(|change| change["change"].as_str().unwrap()).collect()
}

fn of<'a>(board: &'a Value, change: &str) -> &'a Value {
    let found = board["changes"].as_array().unwrap().iter().find(|it| it["change"] == change);
    found.unwrap_or_else(|| panic!("{change} is not in {board:#}"))
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// What is shown of the rig's change is what `verify` says of it: the findings, the requirements, and whether it is accepted.
fn agrees(rig: &Rig) -> Value {
    let shown = standing(rig, &[]);
    let verdict = rig.verify();
    let missing: Vec<Value> = shown["missing"].as_array().unwrap().clone();
    for name in ["code", "thing", "found", "wanted"] {
        let said = |steps: &[Value]| steps.iter().map(|step| step[name].clone()).collect::<Vec<_>>();
        assert_eq!(said(&missing), said(verdict.json["findings"].as_array().unwrap()), "{name}");
    }
    assert_eq!(shown["requirements"], verdict.json["requirements"]);
    assert_eq!(shown["commit"], verdict.json["commit"]);
    assert_eq!(shown["state"] == "ready", verdict.code == 0, "{shown:#}");
    // A second may have passed in between.
    let timeless = |standing: &Value| {
        let mut standing = standing.clone();
        standing["age"].take();
        standing
    };
    assert_eq!(timeless(of(&board(rig, &[]), CHANGE)), timeless(&shown), "the board says the same");
    shown
}

#[test]
fn empty_board_says_what_to_do_next() {
    let rig = Rig::new();
    let value = board(&rig, &[]);
    assert_eq!((&value["open"], &value["changes"]), (&json!(0), &json!([])));
    let text = rig.ok("stranger", &["status"]).out;
    assert!(text.starts_with("no change is open\nhint: evidence plan --tier TIER"), "{text}");
    rig.plan("low");
    assert!(!rig.ok("stranger", &["status"]).out.contains("no change is open"));
}

#[test]
fn open_change_shows_what_is_missing_who_may_do_it_and_how() {
    let rig = Rig::new();
    rig.plan("medium");
    let shown = agrees(&rig);
    assert_eq!((&shown["state"], &shown["done"], &shown["total"]), (&json!("waiting"), &json!(0), &json!(3)));
    assert_eq!(shown["tier"], json!({"planned": "medium", "effective": "medium"}));
    assert_eq!(shown["awaited"], json!([{"role": "ci", "who": ["ci-1", "ci-2", "owner"]}]));
    let step = &shown["missing"][0];
    assert_eq!((&step["claim"], &step["state"], &step["code"]), (&json!("build"), &json!("missing"), &json!("E201")));
    assert_eq!(step["command"], json!(["evidence", "attest", "build", "--change", CHANGE, "--", "CMD"]));
    assert_eq!((&step["placeholders"], &step["who"]), (&json!(["CMD"]), &json!(["ci-1", "ci-2", "owner"])));

    let text = rig.ok("stranger", &["status", CHANGE]).out;
    assert!(text.starts_with("waiting: shop/feature at "), "{text}");
    assert!(text.lines().any(|line| line == "  evidence attest build --change shop/feature -- CMD"), "{text}");
    assert!(text.contains("  who may: ci-1, ci-2, owner (role ci)\n"), "{text}");
    let text = rig.ok("stranger", &["status"]).out;
    let row: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..4], [CHANGE, "medium", "0/3", "waiting"], "{text}");
    assert!(text.contains("build, unit-tests, scan") && text.contains("ci: ci-1, ci-2"), "{text}");

    rig.medium();
    let shown = agrees(&rig);
    assert_eq!((&shown["state"], &shown["missing"]), (&json!("ready"), &json!([])));
    let text = rig.ok("stranger", &["status", "--change", CHANGE]).out;
    assert!(text.starts_with("ready: "), "{text}");
    // Nothing is missing, and there is somebody who may merge it.
    assert_eq!(shown["awaited"], json!([]));
    assert_eq!(shown["mayMerge"], json!([{"role": "ci", "who": ["ci-1", "ci-2", "owner"]}]));
    let wanted = format!("evidence record merge {CHANGE}\n  who may: ci-1, ci-2, owner (role ci)\n");
    assert!(text.contains(&wanted), "{text}");
    assert!(rig.ok("stranger", &["status"]).out.contains("ci: ci-1, ci-2, owner"));
    assert_eq!(names(&board(&rig, &["--for", "ci-2"])), [CHANGE]);
    assert!(names(&board(&rig, &["--for", "reviewer"])).is_empty());
}

#[test]
fn result_that_came_late_says_by_how_many_seconds() {
    for (late, shown) in [(120, None), (121, Some(121))] {
        let rig = Rig::new();
        rig.plan("low");
        let forge = Forge::of(&rig);
        let (_, begun) = forge.about(&rig, "ci-1", start("build"));
        let command =
            RunCommand { argv: vec!["make".to_owned()], ended: Ended::Exited { code: 0 }, duration_ms: 10_999 };
        let run = Run { command: Some(command), ..passed(&rig, "build", begun) };
        let statement = forge.statement(&rig, forge.planned(&rig).plan, Predicate::Result(run));
        let came = Time(forge.newest().0 + 10 + late);
        forge.write(&statement, &[&key(&rig, "ci-1")], came);
        let verdict = rig.verify();
        let requirement = &verdict.accepted().json["requirements"][0];
        assert_eq!(requirement["deliveredLateSeconds"].as_u64(), shown, "{requirement}");
        assert_eq!(
            requirement["numbers"].to_string().contains("delivered 121s late"),
            shown.is_some(),
            "{requirement}"
        );
    }
}

#[test]
fn failure_refuses_and_an_attempt_under_way_runs_until_it_ends() {
    let rig = Rig::new();
    rig.plan("low");
    let slow = rig.background("ci-1", "build", &[], "exit 1");
    let shown = agrees(&rig);
    assert_eq!((&shown["state"], &shown["requirements"][0]["state"]), (&json!("running"), &json!("running")));
    assert_eq!(shown["awaited"], json!([]));
    assert_eq!(rig.go(slow), 1);
    let shown = agrees(&rig);
    assert_eq!((&shown["state"], &shown["missing"][0]["code"]), (&json!("refused"), &json!("E202")));
    rig.pass("build");
    assert_eq!(agrees(&rig)["state"], "ready");
    rig.ok("owner", &["record", "halt", "--reason", "incident 12"]);
    assert_eq!(agrees(&rig)["state"], "refused");
    assert!(rig.ok("stranger", &["status"]).out.contains(" halted "));
}

#[test]
fn every_tier_shows_what_it_demands_and_the_newest_plan_stands_first() {
    let rig = Rig::new();
    rig.plan("low");
    rig.git(&["checkout", "-q", "-b", "risky"]);
    rig.ok("planner", &["plan", "--tier", "high", "--implementer", "agent"]);
    let value = board(&rig, &[]);
    assert_eq!(names(&value), ["shop/risky", CHANGE]);
    assert_eq!(value["open"], 2);
    let (risky, low) = (of(&value, "shop/risky"), of(&value, CHANGE));
    assert_eq!((&risky["total"], &low["total"]), (&json!(4), &json!(1)));
    let roles: Vec<&Value> = risky["awaited"].as_array().unwrap().iter().map(|awaited| &awaited["role"]).collect();
    assert_eq!(roles, ["ci", "reviewer"]);
    assert_eq!(names(&board(&rig, &["-n", "1"])), ["shop/risky"]);
    assert!(rig.ok("stranger", &["status", "-n", "1"]).out.contains("1 of 2 open changes"));
}

/// Writes an event about the rig's commit and some changes.
fn event(rig: &Rig, event: Event) {
    let forge = Forge::of(rig);
    let mut subjects = vec![Subject::commit(oid(rig, "HEAD"))];
    subjects.extend(matches!(event, Event::Merge { .. }).then(|| Subject::Tree(oid(rig, "HEAD^{tree}"))));
    let statement = Statement { subjects, binding: forge.binding(false, None), predicate: Predicate::Event(event) };
    forge.write(&statement, &[&key(rig, "ci-1")], forge.newest());
}

#[test]
fn merged_change_leaves_the_board_and_one_with_an_incident_stays() {
    let rig = Rig::new();
    rig.plan("low");
    rig.ok("planner", &["plan", "shop/other", "--tier", "low"]);
    let change = || CHANGE.parse().unwrap();
    let incident = "inc-1".parse().unwrap();
    event(&rig, Event::Incident { incident, changes: vec![change()], reason: "it broke".to_owned() });
    assert_eq!(names(&board(&rig, &[])), ["shop/other", CHANGE]);
    event(
        &rig,
        Event::Merge {
            branch: "refs/heads/main".to_owned(),
            repository: "shop".parse().unwrap(),
            changes: vec![change()],
            verdict: None,
            baseline: None,
        },
    );
    assert_eq!(names(&board(&rig, &[])), ["shop/other"]);
    let shown = standing(&rig, &[]);
    assert_eq!((&shown["state"], &shown["missing"], &shown["awaited"]), (&json!("merged"), &json!([]), &json!([])));
    let text = rig.ok("stranger", &["status", CHANGE]).out;
    assert!(text.starts_with("merged: ") && text.contains("nobody is awaited"), "{text}");
    // The branch goes on as another change.
    rig.ok("planner", &["plan", "--tier", "low"]);
    let value = board(&rig, &[]);
    assert_eq!(names(&value), ["shop/feature-2", "shop/other"]);
    assert_eq!(of(&value, "shop/feature-2")["commit"], rig.git(&["rev-parse", "HEAD"]));
}

#[test]
fn each_sees_what_they_may_do_and_a_misspelled_name_is_refused() {
    let rig = Rig::new();
    rig.plan("high");
    rig.ok("planner", &["plan", "shop/other", "--tier", "low"]);
    let theirs = board(&rig, &["--for", "reviewer"]);
    assert_eq!((names(&theirs), &theirs["for"]), (vec![CHANGE], &json!("reviewer")));
    let claims = |board: &Value| -> Vec<Value> {
        let steps = of(board, CHANGE)["missing"].as_array().unwrap();
        steps.iter().map(|step| step["claim"].clone()).collect()
    };
    assert_eq!(claims(&theirs), ["peer-review"]);
    assert_eq!(names(&board(&rig, &["--for", "ci-2"])), ["shop/other", CHANGE]);
    assert_eq!(claims(&board(&rig, &["--for", "ci-2", CHANGE])), ["build", "unit-tests", "scan"]);
    let text = rig.ok("stranger", &["status", "--for", "planner"]).out;
    assert!(text.contains("nothing awaits planner in 2 open changes"), "{text}");
    assert!(rig.ok("stranger", &["status", CHANGE, "--for", "agent"]).out.contains("nothing here awaits agent"));

    // A lease for one change holds there only, and one that ended or was revoked nowhere.
    rig.key("lent");
    rig.grant("lent", "lent", "reviewer", &["--for-change", CHANGE]);
    assert_eq!(of(&theirs, CHANGE)["missing"][0]["who"], json!(["owner", "reviewer"]));
    assert_eq!(of(&board(&rig, &["--for", "lent"]), CHANGE)["missing"][0]["who"], json!(["lent", "owner", "reviewer"]));
    rig.ok("planner", &["plan", "shop/third", "--tier", "high"]);
    assert_eq!(names(&board(&rig, &["--for", "lent"])), [CHANGE]);
    rig.revoke("lent");
    let ran = rig.by("stranger", &["status", "--for", "lent"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
    let ran = rig.by("stranger", &["status", "--for", "reviever"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean reviewer?"), "{ran:?}");
}

#[test]
fn branch_is_judged_from_elsewhere_and_its_commands_do_not_speak_about_what_is_checked_out() {
    let rig = Rig::new();
    rig.plan("low");
    rig.pass("build");
    let older = rig.git(&["rev-parse", "HEAD"]);
    assert_eq!(agrees(&rig)["state"], "ready");
    let mut amend = rig.git_command(&["commit", "-q", "--allow-empty", "-m", "more"]);
    rig.write("src/lib.rs", "three\n");
    rig.git(&["add", "-A"]);
    assert!(amend.env("GIT_COMMITTER_DATE", "2099-01-01T00:00:00Z").status().unwrap().success());
    let newer = rig.git(&["rev-parse", "HEAD"]);
    rig.git(&["checkout", "-q", "main"]);
    let shown = standing(&rig, &[]);
    assert_eq!((&shown["state"], &shown["commit"]), (&json!("waiting"), &json!(newer)));
    assert_eq!(of(&board(&rig, &[]), CHANGE)["commit"], shown["commit"]);
    let mut words = strings(&shown["missing"][0]["command"]);
    assert_eq!(words[3..7], ["--change", CHANGE, "--commit", &newer]);
    *words.last_mut().unwrap() = "true";
    let ran = rig.by("ci-1", &words[1..]);
    assert!(ran.code == 125 && ran.err.contains("git checkout"), "{ran:?}");
    assert_eq!(standing(&rig, &["--commit", &older])["state"], "ready");
    rig.git(&["checkout", "-q", "feature"]);
    let ran = rig.by("ci-1", &words[1..]);
    assert_eq!(ran.code, 0, "{ran:?}");
    rig.git(&["checkout", "-q", "main"]);
    assert_eq!(standing(&rig, &[])["state"], "ready");
}

#[test]
fn commit_that_is_not_here_is_told_and_stops_nothing_else() {
    let rig = Rig::new();
    rig.plan("low");
    rig.git(&["checkout", "-q", "-b", "gone"]);
    let gone = rig.commit("src/lib.rs", "gone\n");
    rig.ok("planner", &["plan", "--tier", "low"]);
    rig.ok("ci-1", &["attest", "build", "--", "true"]);
    rig.git(&["checkout", "-q", "feature"]);
    assert_eq!(of(&board(&rig, &[]), "shop/gone")["state"], "ready");
    rig.git(&["branch", "-q", "-D", "gone"]);
    assert_eq!(of(&board(&rig, &[]), "shop/gone")["state"], "ready", "the records tell the commit");
    rig.git(&["reflog", "expire", "--expire=now", "--all"]);
    rig.git(&["gc", "-q", "--prune=now"]);
    let value = board(&rig, &[]);
    let shown = of(&value, "shop/gone");
    assert_eq!((&shown["state"], &shown["commit"]), (&json!("unjudged"), &json!(gone)));
    assert!(shown["unjudged"]["text"].as_str().unwrap().contains("not here"), "{shown:#}");
    assert_eq!(of(&value, CHANGE)["state"], "waiting");
    let told = rig.ok("stranger", &["status"]).out;
    assert!(told.contains(&format!("commit {} not here", &gone[..12])), "{told}");
    assert!(told.lines().next().unwrap().len() < 80, "it widens no other row: {told}");
    let ran = rig.by("stranger", &["status", "shop/gone"]);
    assert!(ran.code == 2 && ran.err.contains("not here") && ran.err.contains("hint: git fetch"), "{ran:?}");
}

#[test]
fn base_that_is_not_here_is_told_with_how_to_get_it() {
    let rig = Rig::new();
    rig.plan("low");
    rig.git(&["checkout", "-q", "main"]);
    let base = rig.commit("src/lib.rs", "base\n");
    rig.git(&["checkout", "-q", "-b", "later"]);
    rig.commit("src/lib.rs", "later\n");
    rig.ok("planner", &["plan", "--tier", "low"]);
    // The branch was made anew elsewhere, and what it was planned on never came here.
    rig.git(&["checkout", "-q", "feature"]);
    rig.git(&["branch", "-q", "-f", "main", "main~1"]);
    rig.git(&["branch", "-q", "-f", "later", "main"]);
    rig.git(&["reflog", "expire", "--expire=now", "--all"]);
    rig.git(&["gc", "-q", "--prune=now"]);
    let value = board(&rig, &[]);
    let shown = of(&value, "shop/later");
    let unjudged = &shown["unjudged"];
    assert_eq!(shown["state"], json!("unjudged"), "{shown:#}");
    assert_eq!(unjudged["text"], json!(format!("commit {} is not here", &base[..12])), "{shown:#}");
    assert_eq!(unjudged["hint"], json!("git fetch"), "{shown:#}");
    let ran = rig.by("stranger", &["status", "shop/later"]);
    assert!(ran.code == 2 && ran.err.contains("is not here\nhint: git fetch") && !ran.err.contains("fatal"), "{ran:?}");
}

#[test]
fn change_for_another_branch_is_held_against_that_one() {
    let rig = Rig::new();
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["checkout", "-q", "-b", "release"]);
    rig.commit("src/lib.rs", "release\n");
    rig.git(&["checkout", "-q", "-b", "fix"]);
    rig.commit("src/fix.rs", "fix\n");
    rig.ok("planner", &["plan", "--tier", "low", "--target", "release"]);
    rig.ok("ci-1", &["attest", "build", "--", "true"]);
    let shown = board(&rig, &[]);
    let shown = of(&shown, "shop/fix");
    assert_eq!((&shown["state"], &shown["target"]), (&json!("ready"), &json!("refs/heads/release")));
    assert_eq!(of(&board(&rig, &["--target", "main"]), "shop/fix")["missing"][0]["code"], "E110");
}

#[test]
fn alias_names_its_change_and_an_unknown_id_is_refused_with_the_nearest() {
    let rig = Rig::new();
    // What HEAD makes is no unknown change: it is shown how it begins.
    let shown = standing(&rig, &[]);
    assert_eq!((&shown["state"], &shown["missing"][0]["code"]), (&json!("waiting"), &json!("E101")));
    assert_eq!(shown["missing"][0]["command"], json!(["evidence", "plan", CHANGE, "--tier", "low"]));
    rig.ok("planner", &["plan", CHANGE, "--tier", "low", "--alias", "pr-12"]);
    assert_eq!(board(&rig, &["pr-12"])["changes"][0]["change"], CHANGE);
    for (word, hint) in [
        ("pr-13", "did you mean pr-12?"),
        ("shop/featur", "did you mean shop/feature?"),
        ("origin/nope", "evidence plan origin/nope --tier TIER begins it"),
    ] {
        let ran = rig.by("stranger", &["status", word]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.contains(&format!("no change {word} is known")) && ran.err.contains(hint), "{ran:?}");
    }
    for words in [&["status", "Not An Id"][..], &["status", "--commit", "HEAD"], &["status", CHANGE, "--commit", "no"]]
    {
        let ran = rig.by("stranger", words);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
    }
}

/// Runs what the status says until nothing is left: an agent that knows the placeholders and nothing else.
#[test]
fn agent_that_runs_the_commands_comes_to_an_acceptance() {
    let rig = Rig::with(&[
        ("[claim.build]", "[claim.build]\nvariants = [\"linux\", \"windows\"]"),
        ("tests = { passed_min = 2, failed_max = 0 }", "attempts_max = 1\ntests = { passed_min = 2 }"),
    ]);
    rig.plan("high");
    fs::write(rig.path("tests.xml"), junit(2, 0)).unwrap();
    fs::write(rig.path("scan.sarif"), sarif(&[])).unwrap();
    fs::write(rig.path("notes.md"), "read\n").unwrap();
    let mut runs = 0;
    loop {
        let shown = agrees(&rig);
        if shown["state"] == "ready" {
            break;
        }
        let step = &shown["missing"][0];
        let file = match step["claim"].as_str().unwrap() {
            "unit-tests" => "../tests.xml",
            "scan" => "../scan.sarif",
            _ => "../notes.md",
        };
        let placeholders = strings(&step["placeholders"]);
        let words = strings(&step["command"]);
        let mut filled = Vec::new();
        for word in words {
            match (placeholders.contains(&word), word) {
                (true, "CMD") => filled.extend(["touch", file]),
                (true, _) => filled.push(file),
                (false, word) => filled.push(word),
            }
        }
        assert_eq!(filled[0], "evidence");
        rig.ok(strings(&step["who"])[0], &filled[1..]);
        runs += 1;
        assert!(runs <= 5, "{shown:#}");
    }
    assert_eq!(runs, 5, "each command was enough the first time");
    rig.verify().accepted();
}

#[test]
fn line_of_a_command_can_be_pasted() {
    let rig = Rig::new();
    rig.plan("low");
    let text = rig.ok("stranger", &["status", CHANGE]).out;
    let line = text.lines().find(|line| line.trim_start().starts_with("evidence ")).unwrap().replace("CMD", "true");
    let script = format!("evidence() {{ '{EVIDENCE}' \"$@\"; }}\n{line}\n");
    let mut command = Command::new("sh");
    isolate(&mut command, &rig);
    command.args(["-c", &script]).current_dir(rig.repo()).env("EVIDENCE_KEY", rig.key_path("ci-1"));
    assert!(command.stdin(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    assert_eq!(agrees(&rig)["state"], "ready");
}

#[test]
fn schema_refuses_what_the_status_never_says() {
    let rig = Rig::new();
    rig.plan("low");
    let value = board(&rig, &[]);
    let ran = rig.ok("stranger", &["help", "schema", "status"]);
    assert_eq!(ran.json()["$id"], "urn:evidence:schema:status:v1");
    let changes: [(&str, Value); 6] = [
        ("/format", json!("evidence-status/v2")),
        ("/changes/0/state", json!("fine")),
        ("/changes/0/state", json!("ready")),
        ("/changes/0/state", json!("unjudged")),
        ("/changes/0/missing/0/placeholders", json!(["WHATEVER"])),
        ("/changes/0/commit", Value::Null),
    ];
    for (at, new) in changes {
        let mut wrong = value.clone();
        *wrong.pointer_mut(at).unwrap() = new;
        assert!(check_schema("status", &wrong).is_err(), "{at}");
    }
}

#[test]
fn watching_needs_a_terminal_and_leaves_it_as_it_was() {
    let rig = Rig::new();
    rig.plan("low");
    for words in [&["status", "--watch"][..], &["status", "--watch", "--json"]] {
        let ran = rig.by("stranger", words);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(format!("{}{}", ran.out, ran.err).contains("terminal"), "{ran:?}");
    }
    // util-linux has a program that lends a terminal.
    if cfg!(not(target_os = "linux")) || Command::new("script").arg("--version").output().is_err() {
        return;
    }
    let typed = rig.path("typescript");
    let mut command = Command::new("script");
    isolate(&mut command, &rig);
    let line = format!("trap : INT; stty rows 12 cols 60; '{EVIDENCE}' status --watch; stty -a > ../stty");
    command.args(["-q", "-f", "-c", &line, typed.to_str().unwrap()]).current_dir(rig.repo());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let frames = |wanted: usize| {
        for _ in 0..2_000 {
            let text = fs::read(&typed).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
            if text.matches("Ctrl-C ends it").count() >= wanted {
                return text;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("frame {wanted} did not come");
    };
    let first = frames(1);
    assert!(first.contains("waiting") && !first.contains("\u{1b}[2J"), "{first:?}");
    rig.pass("build");
    let second = frames(2);
    assert!(second.contains("ready"), "{second:?}");
    // Every mode that a frame sets it takes back.
    assert_eq!(second.matches("\u{1b}[?7l").count(), second.matches("\u{1b}[?7h").count());
    assert!(!second.contains("?25l") && !second.contains("?1049h"), "{second:?}");
    child.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    wait_for(&rig.path("stty"));
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(fs::read_to_string(rig.path("stty")).unwrap().contains(" echo "), "the terminal echoes");
}

/// Appends many changes at once, each with a plan by the planner, and a passing attempt of `build` for the even ones.
fn many(rig: &Rig, count: usize) {
    let forge = Forge::of(rig);
    let appender = forge.appender(forge.newest());
    let (planner, ci) = (key(rig, "planner"), key(rig, "ci-1"));
    let ids: Vec<String> = (0..count).map(|number| format!("many/{number}")).collect();
    let base = oid(rig, "main");
    let submit = |statements: Vec<Statement>, key: &SecretKey| {
        let seal = |statement: Statement| Envelope::seal(statement.print().unwrap(), &[key]).unwrap();
        let all = statements.into_iter().map(|statement| Submission { envelope: seal(statement) }).collect();
        appender.append(all).unwrap()
    };
    let bound = |number: usize, kind: usize, plan: Option<Digest>| Binding {
        ledger: forge.ledger.origin().to_owned(),
        nonce: format!("{:032x}", 1_000_000 * kind + number),
        change: Some(ids[number].parse().unwrap()),
        plan,
    };
    let plan = Predicate::Plan(evidence_ledger::model::Plan {
        implementers: vec!["agent".parse().unwrap()],
        ..evidence_ledger::model::Plan::bare("low".parse().unwrap(), "refs/heads/main")
    });
    let plans = (0..count).map(|number| Statement {
        subjects: vec![Subject::base(base.clone())],
        binding: bound(number, 1, None),
        predicate: plan.clone(),
    });
    let plans = submit(plans.collect(), &planner);
    let about = || vec![Subject::commit(oid(rig, "HEAD")), Subject::Tree(oid(rig, "HEAD^{tree}"))];
    let subjects = about();
    let tried: Vec<usize> = (0..count).step_by(2).collect();
    let starts = tried.iter().map(|number| Statement {
        subjects: subjects.clone(),
        binding: bound(*number, 2, Some(plans[*number].leaf)),
        predicate: start("build"),
    });
    let starts = submit(starts.collect(), &ci);
    let result = passed(rig, "build", starts[0].leaf);
    let results = tried.iter().zip(&starts).map(|(number, start)| {
        let run = Run { start: start.leaf, ..result.clone() };
        let binding = bound(*number, 3, Some(plans[*number].leaf));
        Statement { subjects: subjects.clone(), binding, predicate: Predicate::Result(run) }
    });
    submit(results.collect(), &ci);
}

#[test]
fn long_log_shows_the_same_changes_by_its_index_as_by_walking() {
    let rig = Rig::new();
    many(&rig, 900);
    rig.plan("low");
    // Now the log is so long that the index is asked.
    let forge = Forge::of(&rig);
    let shown = board(&rig, &["-n", "3"]);
    assert_eq!((&shown["open"], names(&shown)), (&json!(901), vec![CHANGE, "many/899", "many/898"]));
    assert_eq!((&shown["changes"][1]["state"], &shown["changes"][2]["state"]), (&json!("waiting"), &json!("ready")));
    many_more(&rig);
    let log = forge.ledger.read().unwrap();
    assert!(log.size() > 2_000, "{}", log.size());
    let found = Lookup::find(&log, &LookupKey::Open, usize::MAX).unwrap();
    let walked: BTreeSet<u64> = (0..log.size()).filter(|place| is_first_plan(&log, *place)).collect();
    assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), walked);
    assert!(found.is_sorted_by(|a, b| a > b));
    assert_eq!(found.len(), 901);
    let change: evidence_ledger::model::ChangeId = "many/898".parse().unwrap();
    event(
        &rig,
        Event::Merge {
            branch: "refs/heads/main".to_owned(),
            repository: "shop".parse().unwrap(),
            changes: vec![change],
            verdict: None,
            baseline: None,
        },
    );
    let shown = board(&rig, &["-n", "3"]);
    assert_eq!((&shown["open"], names(&shown)), (&json!(900), vec![CHANGE, "many/899", "many/897"]));
}

fn is_first_plan(log: &evidence_ledger::store::Log, place: u64) -> bool {
    let Some(record) = log.record(place).unwrap() else { return false };
    let entry = evidence_ledger::model::Entry::parse(&record.entry).unwrap();
    entry.kind == "plan" && entry.previous.is_none()
}

/// Grows the log by records that are no plans.
fn many_more(rig: &Rig) {
    let forge = Forge::of(rig);
    let appender = forge.appender(forge.newest());
    let root = key(rig, "root");
    let statements = (0..400).map(|number| Statement {
        subjects: vec![Subject::sha256("ledger", evidence_ledger::crypto::sha256(forge.ledger.origin().as_bytes()))],
        binding: Binding {
            ledger: forge.ledger.origin().to_owned(),
            nonce: format!("{:032x}", 9_000_000 + number),
            change: None,
            plan: None,
        },
        predicate: Predicate::Event(Event::Resume { reason: "fine".to_owned() }),
    });
    let seal = |statement: Statement| Envelope::seal(statement.print().unwrap(), &[&root]).unwrap();
    appender.append(statements.map(|statement| Submission { envelope: seal(statement) }).collect()).unwrap();
}
