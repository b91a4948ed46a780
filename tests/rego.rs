//! Rego beside the policy, from outside: it refuses and never accepts, alone in a process that can be ended, and gate and
//! auditor come to the same.

mod common;
#[path = "common/forge.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod forge;

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{CHANGE, EVIDENCE, POLICY, Ran, Rig};
use evidence_ledger::export::{AuditError, Bundle, audit};
use evidence_ledger::model::check_schema;
use evidence_ledger::prove::Trust;
use evidence_ledger::rego::{Evaluator, RegoError};
use forge::Forge;
use serde_json::Value;

/// Returns the usual policy with a module.
fn with(rego: &str) -> String {
    POLICY.replace("[claim.build]", &format!("rego = '''\npackage evidence\n\n{rego}\n'''\n\n[claim.build]"))
}

/// Returns a rig with a module in force, and a change of tier low with all that it needs.
fn rig(rego: &str) -> Rig {
    let rig = Rig::new();
    fs::write(rig.path("policy.toml"), with(rego)).unwrap();
    rig.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
    rig.plan("low");
    rig.pass("build");
    rig
}

/// Returns the same with a policy that no `policy apply` lets pass.
fn smuggled(text: &str) -> Rig {
    let open = |text: &str| text.replace("[claim.build]", "applies = \"open\"\n\n[claim.build]");
    let rig = Rig::with(&[("[claim.build]", "applies = \"open\"\n\n[claim.build]")]);
    rig.plan("low");
    rig.pass("build");
    let forge = Forge::of(&rig);
    forge.policy(&rig, &open(text), forge.newest());
    rig
}

/// Returns what somebody is told whose module is not let into force.
fn not_applied(rego: &str) -> Ran {
    let rig = Rig::new();
    fs::write(rig.path("policy.toml"), with(rego)).unwrap();
    let before = rig.ok("stranger", &["log", "--json"]).out;
    let ran = rig.by("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(rig.ok("stranger", &["log", "--json"]).out, before);
    let checked = rig.by("owner", &["policy", "check", "../policy.toml"]);
    assert_eq!(checked.code, 2, "{checked:?}");
    ran
}

fn unjudged(rig: &Rig, why: &str) {
    let started = Instant::now();
    rig.verify().unjudged(why);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    let ran = rig.by("stranger", &["verify"]);
    assert!(ran.code == 2 && ran.out.is_empty() && ran.err.starts_with("error: "), "{ran:?}");
}

#[test]
fn what_rego_denies_is_refused_in_its_words() {
    let rig = rig("deny contains \"no merge on this branch\" if startswith(input.change, \"shop/\")");
    let verdict = rig.verify();
    verdict.refused(&["E225"]);
    assert_eq!(verdict.json["findings"][0]["found"], "no merge on this branch");
    assert_eq!(verdict.json["findings"][0]["thing"], "the policy's Rego");
}

#[test]
fn what_rego_does_not_deny_is_judged_as_without_it() {
    let rig = rig("deny contains \"no merge on this branch\" if startswith(input.change, \"till/\")");
    rig.verify().accepted();
    rig.fail("build");
    rig.verify().refused(&["E202"]);
}

#[test]
fn denial_names_its_thing_and_what_it_wants() {
    let rego = r#"deny contains {"msg": sprintf("%d paths", [count(input.paths)]), "thing": "size", "wanted": "none"} if {
    count(input.paths) > 0
}

deny contains "second"
deny contains "first""#;
    let verdict = rig(rego).verify();
    verdict.refused(&["E225"]);
    let sentences: Vec<String> =
        verdict.json["findings"].as_array().unwrap().iter().map(|f| format!("{} {}", f["thing"], f["found"])).collect();
    let wanted = ["\"the policy's Rego\" \"first\"", "\"the policy's Rego\" \"second\"", "\"size\" \"1 paths\""];
    assert_eq!(sentences, wanted);
}

#[test]
fn rego_that_speaks_for_acceptance_is_not_heard() {
    let rego = "allow := true\n\ndecision := \"accepted\"\n\nfindings := []\n\ndeny contains \"x\" if not allow";
    let rig = rig(rego);
    rig.verify().accepted();
    rig.fail("build");
    rig.verify().refused(&["E202"]);
    let other = Rig::new();
    fs::write(other.path("policy.toml"), with(rego)).unwrap();
    other.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
    other.plan("low");
    other.verify().refused(&["E201"]);
}

#[test]
fn module_without_a_set_deny_is_not_applied_and_refuses_where_it_is_in_force() {
    for (rego, why) in [
        ("denny contains \"x\" if false", "it has no rule `deny`"),
        ("deny := \"x\" if false", "`deny` is no set here"),
        ("default deny := false", "`deny` is no set here"),
        ("deny contains \"x\" if {", ""),
        ("deny contains \"x\" if time.now_ns() == 0", "`time.now_ns` is no function"),
        ("deny contains \"x\" if rand.intn(\"x\", 9) == 0", "`rand.intn` is no function"),
        ("deny contains \"x\" if http.send({\"method\": \"get\"}).status == 0", "`http.send` is no function"),
        ("deny contains \"x\" if opa.runtime().env.X == 0", "`opa.runtime` is no function"),
        ("deny contains \"x\" if uuid.rfc4122(\"x\") == \"0\"", "`uuid.rfc4122` is no function"),
    ] {
        let ran = not_applied(rego);
        assert!(ran.err.contains(why), "{rego}: {ran:?}");
        let verdict = smuggled(&with(rego)).verify();
        verdict.refused(&["E226"]);
        let found = verdict.json["findings"][0]["found"].as_str().unwrap();
        assert!(found.contains(why), "{rego}: {found}");
    }
    let other = with("deny contains \"x\" if false").replace("package evidence", "package other");
    smuggled(&other).verify().refused(&["E226"]);
    smuggled(&with("deny contains \"x\" if false")).verify().accepted();
}

#[test]
fn mistakes_are_shown_where_they_stand_in_the_policy() {
    let rig = Rig::new();
    fs::write(rig.path("policy.toml"), with("deny contains \"x\" if {\n    input.tear.effective == \"high\"\n}"))
        .unwrap();
    let ran = rig.by("owner", &["policy", "check", "../policy.toml"]);
    assert_eq!(ran.code, 2);
    let line = with("").lines().position(|line| line == "package evidence").unwrap() + 4;
    let wanted = format!("policy.toml:{line}:5: Rego: the input has no member `tear`");
    assert!(ran.err.contains(&wanted), "{wanted}: {ran:?}");
    let json = rig.by("owner", &["policy", "check", "../policy.toml", "--json"]).json();
    assert_eq!((&json["findings"][0]["line"], &json["findings"][0]["column"]), (&line.into(), &5.into()), "{json}");
    assert_eq!(json["error"]["exit"], 2);
    fs::write(rig.path("policy.toml"), with("deny contains \"x\" if {\n    input.tier.effective == \"high\"\n}"))
        .unwrap();
    rig.ok("owner", &["policy", "check", "../policy.toml"]);
}

#[test]
fn error_while_it_runs_refuses() {
    for rego in [
        "deny contains \"x\" if 1 / (count(input.paths) - 1) == 1",
        "deny contains \"x\" if to_number(input.change) == 1",
        "deny contains 1 if input.change",
        "deny contains {\"message\": \"x\"} if input.change",
    ] {
        rig(rego).verify().refused(&["E226"]);
    }
    rig("deny contains \"x\" if 1 / count(input.paths) == 2").verify().accepted();
}

#[test]
fn what_takes_for_ever_is_ended_and_is_no_verdict() {
    let rig = rig(
        "deny contains \"x\" if {\n  some a in numbers.range(1, 100000)\n  some b in numbers.range(1, 100000)\n  a + b < 0\n}",
    );
    unjudged(&rig, "the policy's Rego was stopped");
    // Nor is it one for whoever asks what another policy would have said.
    fs::write(rig.path("other.toml"), POLICY).unwrap();
    let json = rig.ok("stranger", &["policy", "test", "../other.toml", "--json"]).json();
    assert_eq!(json["unjudged"], 1, "{json}");
    assert_eq!(rig.by("stranger", &["policy", "explain"]).code, 2);
}

#[test]
fn what_takes_all_memory_is_ended_and_is_no_verdict() {
    unjudged(&rig("deny contains \"x\" if count(numbers.range(1, 1000000000)) < 0"), "(signal: 6");
    unjudged(&rig("f(n) := f(n + 1)\ndeny contains \"x\" if f(1) < 0"), "the policy's Rego was stopped");
}

#[test]
fn more_denials_than_anybody_reads_are_no_verdict() {
    let many = |count: u64| rig(&format!("deny contains sprintf(\"%d\", [n]) if some n in numbers.range(1, {count})"));
    assert_eq!(many(100).verify().codes().len(), 100);
    unjudged(&many(101), "says too much: it denies 101 times");
}

#[test]
fn nesting_and_size_are_bounded_wherever_the_policy_comes_from() {
    let nested = |depth: usize| format!("deny contains \"x\" if {}1{} == 2", "[".repeat(depth), "]".repeat(depth));
    let long = |bytes: usize| {
        format!("deny contains \"x\" if false\n#{}", format!("{}\n#", "x".repeat(98)).repeat(bytes / 100))
    };
    rig(&nested(12)).verify().accepted();
    rig(&long(60_000)).verify().accepted();
    for (rego, why) in
        [(nested(13), "nest deeper than 12"), (nested(30_000), "nest deeper"), (long(65_600), "wanted at most 65536")]
    {
        assert!(not_applied(&rego).err.contains(why));
        unjudged(&smuggled(&with(&rego)), why);
    }
}

#[test]
fn child_that_is_killed_or_not_there_is_no_verdict() {
    let rig = rig(
        "deny contains \"x\" if {\n  some a in numbers.range(1, 100000)\n  some b in numbers.range(1, 100000)\n  a + b < 0\n}",
    );
    let gate =
        rig.command("stranger", &["verify", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let child = child_of(gate.id());
    common::system("kill", &["-9", &child.to_string()]);
    let ran = Ran::of(gate.wait_with_output().unwrap());
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.json()["error"]["text"].as_str().unwrap().contains("signal: 9"), "{ran:?}");
    // A program that is gone when its child is wanted: the gate waits for the ledger meanwhile.
    let rig = self::rig("deny contains \"x\" if false");
    let copy = rig.path("evidence");
    fs::copy(EVIDENCE, &copy).unwrap();
    let run = |gone: bool| {
        let mut command = std::process::Command::new("sh");
        common::isolate(&mut command, &rig);
        let remove = if gone { "rm \"$0\"; " } else { "" };
        // The shell holds the program open, and starts it when its name is gone.
        let script = format!("exec 9<\"$0\"; {remove}exec /proc/self/fd/9 verify --json");
        command.args(["-c", &script]).arg(&copy).current_dir(rig.repo()).stdin(Stdio::null());
        Ran::of(command.output().unwrap())
    };
    assert_eq!(run(false).code, 0);
    let ran = run(true);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.json()["error"]["text"].as_str().unwrap().contains("cannot be run"), "{ran:?}");
}

/// Returns the process that another one started for Rego, once it is there.
fn child_of(parent: u32) -> u32 {
    for _ in 0..2000 {
        let all = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        for child in all.split_whitespace() {
            let words = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
            if words.ends_with(b"\0rego-child\0") {
                return child.parse().unwrap();
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{parent} has started nothing");
}

#[test]
fn child_answers_only_what_it_is_asked() {
    let rig = Rig::new();
    let ran = rig.by("stranger", &["rego-child"]);
    assert!(ran.code == 2 && ran.out.is_empty(), "{ran:?}");
    let ran = rig.by("stranger", &["rego-child", "more"]);
    assert!(ran.code == 2 && ran.err.contains("rego-child"), "{ran:?}");
}

#[test]
fn auditor_comes_to_the_same_verdict_offline() {
    for (rego, code) in [
        ("deny contains sprintf(\"%v\", [input]) if input.change", 1),
        ("deny contains \"x\" if input.claims.build.state != \"pass\"", 0),
    ] {
        let rig = rig(rego);
        // The ledger is ahead of the clock, so that now is the ledger's time for both, however long this takes.
        let forge = Forge::of(&rig);
        forge.wait_until(&rig, forge.newest().after(evidence_ledger::model::Span(300)));
        let live = rig.by("ci-1", &["verify", "--record", "--json"]);
        assert_eq!(live.code, code, "{live:?}");
        rig.ok("ci-1", &["export", "-o", "../whole.zip"]);
        fs::copy(rig.repo().join(".evidence/trust.toml"), rig.path("trust.toml")).unwrap();
        let alone = rig.path("alone");
        fs::create_dir(&alone).unwrap();
        let mut command = rig.command("stranger", &["audit", "../whole.zip", "--trust", "../trust.toml", "--json"]);
        let audited = Ran::of(command.current_dir(&alone).output().unwrap());
        assert_eq!(audited.code, code, "{audited:?}");
        let (mut live, mut audited) = (live.json(), audited.json()["verdict"].clone());
        for verdict in [&mut live, &mut audited] {
            // The bundle's checkpoint is newer: it holds the verdict itself.
            verdict.as_object_mut().unwrap().remove("asOf");
            for finding in verdict["findings"].as_array_mut().unwrap() {
                finding["mend"].take();
            }
        }
        let without_texts = |mut verdict: Value| {
            for limitation in verdict["limitations"].as_array_mut().unwrap() {
                limitation["text"].take();
            }
            verdict
        };
        assert_eq!(without_texts(live), without_texts(audited));
    }
}

#[test]
fn who_has_no_evaluator_cannot_judge_a_policy_with_rego() {
    for (rego, judges) in [(true, false), (false, true)] {
        let rig = if rego { rig("deny contains \"x\" if false") } else { Rig::new() };
        if !rego {
            rig.plan("low");
            rig.pass("build");
        }
        rig.ok("ci-1", &["export", "-o", "../whole.zip"]);
        let trust = Trust::parse(&fs::read_to_string(rig.repo().join(".evidence/trust.toml")).unwrap()).unwrap();
        let bundle = Bundle::open(&rig.path("whole.zip")).unwrap();
        match audit(&bundle, &trust, None, &Evaluator::none()) {
            Ok(audited) => assert!(judges && audited.decided.accepted()),
            Err(AuditError::Rego(RegoError::NoEvaluator)) => assert!(!judges),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn each_policy_that_judges_runs_its_own_rego() {
    let rig = Rig::new();
    let open = |rego: &str| {
        with(rego).replace("[claim.build]", "applies = \"open\"\n\n[claim.build]").replace("rego = '''", "rego = '''\n")
    };
    let apply = |text: &str| {
        fs::write(rig.path("policy.toml"), text).unwrap();
        rig.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"])
    };
    apply(&open("deny contains \"old\" if true"));
    rig.plan("low");
    rig.pass("build");
    apply(&open("deny contains \"new\" if true"));
    let verdict = rig.verify();
    verdict.refused(&["E225"]);
    let found: Vec<&Value> = verdict.json["findings"].as_array().unwrap().iter().map(|f| &f["found"]).collect();
    assert_eq!(found, ["old", "new"]);
    apply(&open("deny contains \"new\" if false"));
    assert_eq!(rig.verify().json["findings"][0]["found"], "old");
}

#[test]
fn change_of_rego_is_shown_as_weaker_and_its_first_as_stronger() {
    let rig = Rig::new();
    let diff = |old: &str, new: &str| {
        fs::write(rig.path("old.toml"), old).unwrap();
        fs::write(rig.path("new.toml"), new).unwrap();
        rig.ok("stranger", &["policy", "diff", "../old.toml", "../new.toml", "--json"]).json()
    };
    let (one, two) = (with("deny contains \"1\" if false"), with("deny contains \"2\" if false"));
    for (old, new, weaker) in [(&one, &two, true), (&one, &POLICY.to_owned(), true), (&POLICY.to_owned(), &one, false)]
    {
        let json = diff(old, new);
        assert_eq!((&json["weaker"], &json["differences"][0]["key"]), (&weaker.into(), &"rego".into()), "{json}");
    }
    assert_eq!(diff(&one, &one)["differences"].as_array().unwrap().len(), 0);
    fs::write(rig.path("policy.toml"), &one).unwrap();
    // Whoever may not change the policy may not change its Rego.
    rig.refuses("ci-1", &["policy", "apply", "../policy.toml", "--reason", "x"], "may not");
    rig.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "x"]);
    fs::write(rig.path("old.toml"), &two).unwrap();
    rig.refuses("ci-1", &["policy", "apply", "../old.toml", "--reason", "x"], "may not");
}

#[test]
fn rego_is_shown_alone_and_supposed_with_its_policy() {
    let rig = rig("deny contains \"x\" if false");
    assert_eq!(
        rig.ok("stranger", &["policy", "show", "--rego"]).out,
        "package evidence\n\ndeny contains \"x\" if false\n"
    );
    assert!(rig.ok("stranger", &["policy", "explain"]).out.contains("Rego"));
    fs::write(rig.path("other.toml"), with("deny contains \"x\" if input.change")).unwrap();
    let json = rig.ok("stranger", &["policy", "test", "../other.toml", "--json"]).json();
    assert_eq!((&json["flips"], &json["changes"][0]["codes"]), (&1.into(), &serde_json::json!(["E225"])), "{json}");
    let none = Rig::new().by("stranger", &["policy", "show", "--rego"]);
    assert!(none.code == 2 && none.err.contains("has no Rego"), "{none:?}");
}

#[test]
fn example_of_the_manual_works() {
    let page = evidence_ledger::manual::topic("policy").unwrap().text();
    let (_, rest) = page.split_once("rego = '''\n").unwrap();
    let (module, _) = rest.split_once("'''\n").unwrap();
    let rig = rig(module.strip_prefix("package evidence\n").unwrap());
    rig.ok("planner", &["plan", CHANGE, "--tier", "medium", "--implementer", "agent", "--reason", "more"]);
    rig.medium();
    let verdict = rig.verify();
    verdict.refused(&["E225"]);
    let things: Vec<String> =
        verdict.json["findings"].as_array().unwrap().iter().map(|f| f["found"].to_string()).collect();
    let friday = verdict.json["now"].as_u64().unwrap() / 86_400 % 7 == 1;
    let mut wanted = vec!["\"2 tests passed in all variants together\""];
    if friday {
        wanted.push("\"it is Friday\"");
    }
    assert_eq!(things, wanted);
    fs::write(rig.path("tests.xml"), common::junit(150, 0)).unwrap();
    rig.ok("ci-1", &["attest", "unit-tests", "--report", "../tests.xml"]);
    if !friday {
        rig.verify().accepted();
    }
    rig.verify_with(&["--at", "plan"]).accepted();
}

#[test]
fn input_is_what_its_schema_says() {
    let rego = "deny contains json.marshal(input) if input.change";
    let rig = rig(rego);
    rig.ok("planner", &["plan", CHANGE, "--tier", "high", "--implementer", "agent", "--reason", "more"]);
    let input = |verdict: &common::Verdict| -> Value {
        let all = verdict.json["findings"].as_array().unwrap();
        let found =
            all.iter().find(|finding| finding["code"] == "E225").unwrap_or_else(|| panic!("{:#}", verdict.json));
        serde_json::from_str(found["found"].as_str().unwrap()).unwrap()
    };
    let check =
        |input: &Value| check_schema("rego-input", input).unwrap_or_else(|error| panic!("{error:?}: {input:#}"));
    let missing = input(&rig.verify());
    check(&missing);
    assert_eq!(missing["claims"]["unit-tests"]["state"], "missing");
    rig.medium();
    rig.review("reviewer", "fail");
    let failed = input(&rig.verify());
    check(&failed);
    assert_eq!(failed["tier"]["effective"], "high");
    assert_eq!(failed["implementers"], serde_json::json!(["agent"]));
    assert_eq!(failed["paths"], serde_json::json!(["src/lib.rs"]));
    assert_eq!(failed["commits"][0]["people"], serde_json::json!(["agent@example.org"]));
    let unit = &failed["claims"]["unit-tests"];
    assert_eq!((&unit["state"], &unit["principals"][0]), (&"pass".into(), &"ci-1".into()));
    assert_eq!(unit["attempts"][0]["facts"][0]["tests"]["passed"], 2, "{unit:#}");
    assert_eq!(failed["claims"]["scan"]["attempts"][0]["facts"][0]["findings"]["high"], 0);
    assert_eq!(failed["claims"]["peer-review"]["reviews"][0]["verdict"], "fail");
    assert_eq!(input(&rig.verify_with(&["--at", "deploy"]))["moment"], "deploy");
    let mut wrong = failed;
    wrong["now"] = "today".into();
    assert!(check_schema("rego-input", &wrong).is_err());
    assert_eq!(missing["change"], CHANGE);
}
