//! Policies, tried from outside: what is odd about one, what another one changes, and what one asks of a change.

mod common;

use std::fs;

use common::{CHANGE, POLICY, Ran, Rig};

/// Writes the usual policy with some text replaced beside the repository, and returns how commands call it.
fn file(rig: &Rig, replace: &[(&str, &str)]) -> &'static str {
    let mut text = POLICY.to_owned();
    for (from, to) in replace {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    fs::write(rig.path("other.toml"), text).unwrap();
    "../other.toml"
}

/// Returns what was said, without the folder of the test.
fn said(rig: &Rig, ran: &Ran) -> String {
    let folder = rig.path("").display().to_string();
    let text = format!("{}{}", ran.out, ran.err);
    text.replace(&format!("{}repo/../", folder), "").replace(&format!("{}/repo/../", folder.trim_end_matches('/')), "")
}

#[test]
fn policy_that_is_not_odd_has_no_findings() {
    let rig = Rig::new();
    let ran = rig.ok("stranger", &["policy", "check", "../policy.toml"]);
    assert_eq!(said(&rig, &ran), "policy.toml: 4 claims in 3 tiers\n");
    let json = rig.ok("stranger", &["policy", "check", "../policy.toml", "--json"]).json();
    assert_eq!((&json["claims"], &json["findings"]), (&4.into(), &serde_json::json!([])));
}

#[test]
fn odd_policy_has_notes_and_ends_with_0() {
    let rig = Rig::new();
    let auditor = ("by = \"reviewer\"", "by = \"auditor\"");
    let idle = ("[tier.high]\nrequire = [\"peer-review\"]\n", "[tier.high]\nrequire = [\"scan\"]\n");
    let ran = rig.ok("stranger", &["policy", "check", file(&rig, &[auditor, idle])]);
    assert_eq!(
        said(&rig, &ran),
        "other.toml: 4 claims in 3 tiers\n\
         note: other.toml:18:8: nothing requires the claim peer-review\n\
         note: other.toml:20:6: nobody may show the claim peer-review: nobody holds the role auditor\n\
         note: other.toml:31:7: tier high demands nothing that medium does not\n"
    );
    let json = rig.ok("stranger", &["policy", "check", "../other.toml", "--json"]).json();
    let note = serde_json::json!({"kind": "note", "line": 31, "column": 7,
        "text": "tier high demands nothing that medium does not", "suggestion": null});
    assert_eq!(json["findings"][2], note);
}

#[test]
fn strict_check_ends_with_1_where_there_is_a_note_and_names_what_is_out_of_reach() {
    let rig = Rig::new();
    rig.ok("stranger", &["policy", "check", "--strict", "../policy.toml"]);
    let auditor = ("by = \"reviewer\"", "by = \"auditor\"");
    let check = ["policy", "check", "--strict", file(&rig, &[auditor])];
    let ran = rig.by("stranger", &check);
    let why = "tier high is out of reach, but for exceptions: nobody may show the claim peer-review: nobody holds the role auditor";
    assert!(ran.code == 1 && ran.err.contains(why), "{ran:?}");
    assert!(!ran.err.contains("tier medium is out"), "{ran:?}");
    let json = rig.by("stranger", &[&check[..], &["--json"]].concat()).json();
    assert_eq!((&json["unreachable"][0]["tier"], &json["unreachable"][1]), (&"high".into(), &serde_json::Value::Null));
    let unbound = ("tiers = [", "refuse_limitations = [\"operator-unbound\"]\ntiers = [");
    let ran = rig.by("stranger", &["policy", "check", "--strict", file(&rig, &[unbound])]);
    assert!(ran.code == 1 && ran.err.matches(" is out of reach").count() == 3, "{ran:?}");
}

#[test]
fn claim_that_implementers_show_of_each_other_is_noted_while_there_is_one() {
    let rig = Rig::new();
    let own = ("by = \"reviewer\"", "by = \"implementer\"");
    let ran = rig.ok("stranger", &["policy", "check", file(&rig, &[own])]);
    assert!(ran.err.contains("it takes 1 more than those, and 1 hold the role"), "{ran:?}");
    // One who does is independent.
    rig.apply(&[own]);
    rig.key("other");
    rig.grant("other", "other", "implementer", &[]);
    assert!(rig.ok("stranger", &["policy", "check", "--strict", "../policy.toml"]).err.is_empty());
    rig.plan("high");
    rig.medium();
    assert_eq!(rig.review("agent", "pass").code, 0);
    rig.verify().refused(&["E207"]);
    assert_eq!(rig.review("other", "pass").code, 0);
    rig.verify().accepted();
}

/// Runs the program with the root key that `init` made, which must end with 0.
fn by_root(rig: &Rig, words: &[&str]) -> Ran {
    let folder = fs::read_dir(rig.path("config/evidence/repositories")).unwrap().next().unwrap().unwrap().path();
    let root = folder.join("root.pem").display().to_string();
    rig.ok("owner", &[&["--key", &root], words].concat())
}

#[test]
fn policy_that_leaves_changing_it_to_the_roots_is_refused_unless_that_is_said() {
    let rig = Rig::new();
    let three = ("policy = [\"admin\"]", "policy = { roles = [\"admin\"], threshold = 3 }");
    let ghost = ("grant = [\"admin\"]", "grant = [\"ghost\"]");
    // One who may grant can still make two more.
    let ran = rig.ok("owner", &["policy", "apply", file(&rig, &[three])]);
    assert!(ran.err.contains("`policy` of [may] needs 3 of admin, and 1 principals hold that"), "{ran:?}");
    by_root(&rig, &["policy", "apply", "../policy.toml"]);
    rig.ok("owner", &["policy", "apply", file(&rig, &[ghost])]);
    rig.ok("owner", &["policy", "apply", "../policy.toml"]);
    let apply = ["policy", "apply", file(&rig, &[three, ghost])];
    let ran = rig.refuses("owner", &apply, "under this policy only the roots may ever change the policy again");
    assert!(ran.err.contains("hint: if that is what you want: --lock-out"), "{ran:?}");
    let shown = rig.ok("stranger", &["policy", "show"]).out;
    assert!(!shown.contains("ghost"), "{shown}");
    rig.ok("owner", &[&apply[..], &["--lock-out"]].concat());
    rig.refuses("owner", &["policy", "apply", "../policy.toml"], "the signers may not change the policy here");
    // Whoever is locked out already loses nothing more, and the roots go on.
    by_root(
        &rig,
        &["policy", "apply", file(&rig, &[three, ghost, ("failed_max = 0", "failed_max = 0, skipped_max = 1")])],
    );
    by_root(&rig, &["policy", "apply", "../policy.toml"]);
    rig.ok("owner", &["policy", "apply", file(&rig, &[STRICTER])]);
}

#[test]
fn policy_that_is_in_force_is_not_recorded_again() {
    let rig = Rig::new();
    let size = || rig.ok("stranger", &["log", "--json"]).json()["size"].clone();
    let before = size();
    let ran = rig.ok("owner", &["policy", "apply", "../policy.toml"]);
    assert!(ran.out.ends_with("is in force already\n") && size() == before, "{ran:?}");
    let json = rig.ok("owner", &["policy", "apply", "../policy.toml", "--json"]).json();
    assert_eq!((&json["unchanged"], &json["serial"]), (&true.into(), &serde_json::Value::Null));
    let json = rig.ok("owner", &["policy", "apply", file(&rig, &[STRICTER]), "--json"]).json();
    assert!(json["unchanged"] == false && size() != before, "{json}");
}

#[test]
fn threshold_that_nobody_can_meet_is_noted() {
    let rig = Rig::new();
    let two = ("resume = [\"admin\"]", "resume = { roles = [\"ci\"], threshold = 2 }");
    assert!(rig.ok("stranger", &["policy", "check", file(&rig, &[two])]).err.is_empty());
    let three = ("resume = [\"admin\"]", "resume = { roles = [\"planner\"], threshold = 3 }");
    let ran = rig.ok("stranger", &["policy", "check", file(&rig, &[three])]);
    assert!(ran.err.contains("`resume` of [may] needs 3 of planner, and 2 principals hold that"), "{ran:?}");
}

#[test]
fn policy_without_a_ledger_is_checked_by_itself() {
    let rig = Rig::new();
    let auditor = ("by = \"reviewer\"", "by = \"auditor\"");
    let elsewhere = ["--ledger", "../nowhere", "policy", "check", file(&rig, &[auditor])];
    let ran = rig.ok("stranger", &elsewhere);
    assert!(ran.err.is_empty(), "{ran:?}");
}

#[test]
fn claim_that_nobody_can_show_is_an_error() {
    let rig = Rig::new();
    let own = ("independent_of = [\"implementer\"]", "independent_of = [\"reviewer\"]");
    let ran = rig.by("stranger", &["policy", "check", file(&rig, &[own])]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert_eq!(
        said(&rig, &ran),
        "error: other.toml:22:18: claim peer-review is shown by the role reviewer and must be independent of \
         reviewer: nobody can show it\n\
         tier high is out of reach, but for exceptions: claim peer-review is shown by the role reviewer and must be \
         independent of reviewer: nobody can show it\n"
    );
    let ran = rig.by("stranger", &["policy", "check", "../other.toml", "--json"]);
    let json = ran.json();
    assert_eq!((ran.code, &json["findings"][0]["kind"], &json["error"]["exit"]), (2, &"error".into(), &2.into()));
}

#[test]
fn mistakes_are_told_with_line_column_and_suggestion() {
    let rig = Rig::new();
    let typo = [("require = [\"build\"]", "require = [\"biuld\"]"), ("waivable = false", "waivable = \"no\"")];
    let ran = rig.by("stranger", &["policy", "check", file(&rig, &typo)]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("other.toml:26:12: `require` of tier low names the claim `biuld`"), "{ran:?}");
    assert!(ran.err.lines().all(|line| line.starts_with("error: ")), "{ran:?}");
    assert!(ran.err.find(":23:") < ran.err.find(":26:"), "in the order of the file: {ran:?}");
    let ran = rig.by("stranger", &["policy", "check", "../other.toml", "--json"]);
    let findings = &ran.json()["findings"];
    assert_eq!((findings[0]["line"].as_u64(), findings[1]["line"].as_u64()), (Some(23), Some(26)));
    assert_eq!((ran.code, &findings[1]["suggestion"]), (2, &"did you mean `build`?".into()));
}

const STRICTER: (&str, &str) = ("passed_min = 2", "passed_min = 3");
const WEAKER: (&str, &str) = ("passed_min = 2", "passed_min = 1");

#[test]
fn differences_are_told_line_by_line() {
    let rig = Rig::new();
    let more = ("plan = [\"planner\"]", "plan = [\"planner\", \"ci\"]");
    let ran = rig.ok("stranger", &["policy", "diff", file(&rig, &[WEAKER, more])]);
    assert_eq!(
        ran.out,
        "claim unit-tests: tests.passed_min 2 -> 1 (weaker)\n\
         may plan: roles ci added (weaker)\n"
    );
    let ran = rig.ok("stranger", &["policy", "diff", "../other.toml", "../policy.toml"]);
    assert_eq!(
        ran.out,
        "claim unit-tests: tests.passed_min 1 -> 2 (stronger)\n\
         may plan: roles ci removed (stronger)\n"
    );
    let json = rig.ok("stranger", &["policy", "diff", "../other.toml", "--json"]).json();
    let first = serde_json::json!({"thing": "claim unit-tests", "key": "tests.passed_min", "old": "2", "new": "1",
        "direction": "weaker", "text": "claim unit-tests: tests.passed_min 2 -> 1 (weaker)"});
    assert_eq!((&json["differences"][0], &json["weaker"]), (&first, &true.into()));
    let ran = rig.ok("stranger", &["policy", "diff", "../policy.toml"]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", "they demand the same\n"));
}

#[test]
fn policy_that_weakens_says_so_and_needs_the_authority_of_any_other() {
    let rig = Rig::new();
    let apply = ["policy", "apply", file(&rig, &[WEAKER])];
    rig.refuses("agent", &apply, "may not");
    let ran = rig.ok("owner", &apply);
    assert!(
        ran.err.starts_with("claim unit-tests: tests.passed_min 2 -> 1 (weaker)\nnote: it demands less"),
        "{ran:?}"
    );
    assert!(ran.out.ends_with("is in force\n"), "{ran:?}");
    let json = rig.ok("owner", &["policy", "apply", file(&rig, &[STRICTER]), "--json"]).json();
    assert_eq!((&json["weaker"], &json["differences"][0]["direction"]), (&false.into(), &"stronger".into()));
}

#[test]
fn policy_that_demands_more_says_so() {
    let rig = Rig::new();
    let apply = ["policy", "apply", file(&rig, &[STRICTER])];
    rig.refuses("agent", &apply, "may not");
    let ran = rig.ok("owner", &apply);
    assert_eq!(ran.err, "claim unit-tests: tests.passed_min 2 -> 3 (stronger)\n");
}

/// A rule for the file that the branch of a rig touches.
const RULE: (&str, &str) = ("[may]", "[[when]]\npaths = [\"docs/**\", \"src/**\"]\ntier = \"high\"\n\n[may]");
/// The same for a file that it does not touch.
const OTHER_RULE: (&str, &str) = ("[may]", "[[when]]\npaths = [\"docs/**\"]\ntier = \"high\"\n\n[may]");

#[test]
fn what_the_policy_asks_is_told_with_reason_people_and_command() {
    let rig = Rig::with(&[RULE]);
    rig.plan("low");
    let ran = rig.ok("stranger", &["policy", "explain"]);
    let (first, rest) = ran.out.split_once('\n').unwrap();
    let rule = "[[when]] rule 1: src/lib.rs matches src/**";
    assert_eq!(first, format!("{CHANGE}: planned for tier low, raised to tier high by {rule}"));
    let (_, review) = rest.split_once("\npeer-review ").unwrap();
    assert_eq!(
        review,
        "(process, by review, before the merge)\n  why      tier high\n\
         \x20 wanted   somebody says that it is fit, and nobody that it is not\n\
         \x20 wanted   about this commit, or one with the same tree\n\
         \x20 wanted   by somebody independent of implementer\n\
         \x20 wanted   no exception stands in for it\n\
         \x20 who      owner, reviewer (role reviewer)\n\
         \x20 command  evidence review peer-review --change shop/feature --verdict pass\n"
    );
    let json = rig.ok("stranger", &["policy", "explain", CHANGE, "--json"]).json();
    let policy = &json["policies"][0];
    assert_eq!((&policy["planned"], &policy["effective"]), (&"low".into(), &"high".into()));
    assert_eq!((&policy["raisedBy"], &json["isPlanned"]), (&rule.into(), &true.into()));
    let unit = &policy["requirements"][1];
    assert_eq!(unit["who"], serde_json::json!(["ci-1", "ci-2", "owner"]));
    let command = ["evidence", "attest", "unit-tests", "--change", CHANGE, "--report", "FILE", "--", "CMD"];
    assert_eq!(unit["commands"], serde_json::json!([command]));
}

#[test]
fn name_of_a_file_neither_colours_what_is_told_nor_begins_a_line() {
    let rig = Rig::with(&[OTHER_RULE]);
    rig.commit("docs/a\nclaims: none\u{1b}[31m", "");
    rig.plan("low");
    let ran = rig.ok("stranger", &["policy", "explain"]);
    assert!(ran.out.contains("raised to tier high") && !ran.out.contains('\u{1b}'), "{ran:?}");
    assert!(!ran.out.lines().any(|line| line.starts_with("claims")), "{ran:?}");
}

#[test]
fn rule_for_other_paths_is_no_reason() {
    let rig = Rig::with(&[OTHER_RULE]);
    rig.plan("low");
    let ran = rig.ok("stranger", &["policy", "explain"]);
    assert!(ran.out.starts_with("shop/feature: planned for tier low\n"), "{ran:?}");
    assert!(!ran.out.contains("peer-review"), "{ran:?}");
}

#[test]
fn change_without_a_plan_is_explained_by_the_policy_in_force() {
    let rig = Rig::with(&[RULE]);
    let ran = rig.ok("stranger", &["policy", "explain"]);
    assert!(ran.out.starts_with("shop/feature: not planned; for tier low, raised to tier high by"), "{ran:?}");
    // Once planned, a policy that comes later asks nothing of it.
    rig.plan("low");
    rig.apply(&[]);
    let ran = rig.ok("stranger", &["policy", "explain"]);
    assert!(ran.out.contains("\npeer-review "), "{ran:?}");
    rig.ok("planner", &["plan", "shop/later", "--tier", "low"]);
    let ran = rig.ok("stranger", &["policy", "explain", "shop/later"]);
    assert!(!ran.out.contains("\npeer-review "), "{ran:?}");
}

#[test]
fn both_policies_are_explained_where_both_judge() {
    let rig = Rig::new();
    rig.plan("low");
    rig.apply(&[("[claim.build]", "applies = \"open\"\n\n[claim.build]"), RULE]);
    let json = rig.ok("stranger", &["policy", "explain", "--json"]).json();
    let tiers: Vec<_> = json["policies"].as_array().unwrap().iter().map(|policy| policy["effective"].clone()).collect();
    assert_eq!(tiers, ["low", "high"]);
}

#[test]
fn nobody_yet_is_told_where_nobody_holds_the_role() {
    let rig = Rig::with(&[("by = \"reviewer\"", "by = \"auditor\""), RULE]);
    rig.plan("low");
    let ran = rig.ok("stranger", &["policy", "explain"]);
    assert!(ran.out.contains("  who      nobody yet (role auditor)\n"), "{ran:?}");
}

#[test]
fn what_the_newest_policy_wants_is_told_as_its_own() {
    let open = ("[claim.build]", "applies = \"open\"\n\n[claim.build]");
    let rig = Rig::with(&[open]);
    rig.plan("medium");
    rig.medium();
    rig.verify().accepted();
    rig.apply(&[open, ("passed_min = 2", "passed_min = 9")]);
    let verdict = rig.verify();
    verdict.refused(&["E212"]);
    let wanted = verdict.json["findings"][0]["wanted"].as_str().unwrap();
    assert!(wanted.ends_with(", says the newest policy (applies = \"open\")"), "{wanted}");
    let of_newest: Vec<_> = verdict.json["requirements"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|requirement| requirement.get("policy").is_some())
        .map(|requirement| requirement["claim"].clone())
        .collect();
    assert_eq!(of_newest, ["unit-tests"], "what both want alike is told once");
    let page = rig.by("stranger", &["verify"]).out;
    assert!(page.contains("(by the newest policy)"), "{page}");
}

#[test]
fn what_is_recommended_and_not_shown_is_told_and_decides_nothing() {
    let rig = Rig::with(&[("require = [\"build\"]", "require = [\"build\"]\nrecommend = [\"scan\", \"peer-review\"]")]);
    rig.plan("low");
    rig.pass("build");
    let told = "recommended, not shown: scan (missing), peer-review (missing)";
    let verdict = rig.verify();
    verdict.accepted();
    assert_eq!(verdict.json["recommended"][0], serde_json::json!({"claim": "scan", "state": "missing"}));
    assert!(rig.ok("stranger", &["verify", "--write", "markdown=../verdict.md"]).out.contains(told));
    assert!(fs::read_to_string(rig.path("verdict.md")).unwrap().contains("recommended, not shown"), "markdown");
    assert!(rig.ok("stranger", &["status", CHANGE]).out.contains(told));
    let status = rig.ok("stranger", &["status", CHANGE, "--json"]).json();
    assert_eq!(status["changes"][0]["recommended"][1]["claim"], "peer-review");
    // One that finds too much is told as such, and still decides nothing; one that is shown is not told.
    fs::write(rig.path("s.sarif"), common::sarif(&["9.0"])).unwrap();
    rig.ok("ci-1", &["attest", "scan", "--report", "../s.sarif"]);
    assert_eq!(rig.review("reviewer", "pass").code, 0);
    let verdict = rig.verify();
    verdict.accepted();
    let page = rig.ok("stranger", &["verify"]).out;
    assert!(page.contains("recommended, not shown: scan (invalid)\n"), "{page}");
    // What is required is no recommendation, and refuses.
    rig.apply(&[]);
    rig.ok("planner", &["plan", CHANGE, "--tier", "medium", "--reason", "more"]);
    rig.verify().refused(&["E213", "E201"]);
}

/// Attests tests of which so many pass.
fn tests(rig: &Rig, change: &str, passed: usize) {
    fs::write(rig.path("tests.xml"), common::junit(passed, 0)).unwrap();
    rig.ok("ci-1", &["attest", "unit-tests", "--change", change, "--report", "../tests.xml"]);
}

/// A rig with three changes of tier medium: two with two tests, then one with three.
fn three_changes() -> Rig {
    let rig = Rig::new();
    make_changes(&rig);
    rig
}

fn make_changes(rig: &Rig) {
    fs::write(rig.path("scan.sarif"), common::sarif(&[])).unwrap();
    for (number, passed) in [(1, 2), (2, 2), (3, 3)] {
        let change = format!("shop/c{number}");
        rig.ok("planner", &["plan", &change, "--tier", "medium"]);
        rig.ok("ci-1", &["attest", "build", "--change", &change, "--", "true"]);
        rig.ok("ci-1", &["attest", "scan", "--change", &change, "--report", "../scan.sarif"]);
        tests(rig, &change, passed);
        rig.commit("src/lib.rs", &format!("{number}\n"));
    }
}

#[test]
fn stricter_policy_flips_what_would_not_have_met_it() {
    let rig = three_changes();
    let ran = rig.ok("stranger", &["policy", "test", file(&rig, &[STRICTER])]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3, "{ran:?}");
    assert!(
        lines[0].starts_with("shop/c2 at ") && lines[0].ends_with(": accepted -> refused: E212 test-limit"),
        "{ran:?}"
    );
    assert!(lines[1].starts_with("shop/c1 at "), "{ran:?}");
    assert_eq!(lines[2], "3 changes judged, 2 flip, 1 stay as they were");
    let json = rig.ok("stranger", &["policy", "test", "../other.toml", "--changes", "2", "--json"]).json();
    assert_eq!((&json["flips"], json["changes"].as_array().unwrap().len()), (&1.into(), 2));
    assert_eq!(json["changes"][1]["codes"], serde_json::json!(["E212"]));
    // The policy in force flips nothing, and a supposition is not recorded.
    let size = rig.ok("stranger", &["log", "--json"]).json()["size"].clone();
    let ran = rig.ok("stranger", &["policy", "test", "../policy.toml"]);
    assert_eq!(ran.out, "3 changes judged, 0 flip, 3 stay as they were\n");
    assert_eq!(rig.ok("stranger", &["log", "--json"]).json()["size"], size);
}

#[test]
fn weaker_policy_flips_what_was_refused() {
    let rig = three_changes();
    rig.ok("planner", &["plan", "shop/c4", "--tier", "medium"]);
    rig.ok("ci-1", &["attest", "build", "--change", "shop/c4", "--", "true"]);
    let weak = ("require = [\"unit-tests\", \"scan\"]", "recommend = [\"unit-tests\", \"scan\"]");
    let ran = rig.ok("stranger", &["policy", "test", file(&rig, &[weak])]);
    let (first, rest) = ran.out.split_once('\n').unwrap();
    assert!(first.starts_with("shop/c4 at ") && first.ends_with(": refused -> accepted"), "{ran:?}");
    assert_eq!(rest, "4 changes judged, 1 flip, 3 stay as they were\n");
}

#[test]
fn what_is_needed_of_people_is_supposed_and_what_they_may_is_not() {
    let rig = three_changes();
    // Another role may plan and attest: those who did were entitled when they did.
    let may = ("plan = [\"planner\"]", "plan = [\"reviewer\"]");
    let ran = rig.ok("stranger", &["policy", "test", file(&rig, &[may])]);
    assert_eq!(ran.out, "3 changes judged, 0 flip, 3 stay as they were\n");
    // The names behind the author are looked up only for the supposed policy.
    let bound = ("[claim.build]", "[claim.build]\nindependent_of = [\"implementer\"]");
    let ran = rig.ok("stranger", &["policy", "test", file(&rig, &[bound])]);
    assert_eq!(ran.out, "3 changes judged, 0 flip, 3 stay as they were\n");
    // As it was then counts: what is granted later tells nothing about it.
    let late = ["--email", "agent@example.org"];
    rig.grant("ci-1", "ci-1", "ci", &late);
    assert_eq!(rig.ok("stranger", &["policy", "test", "../other.toml"]).out, ran.out);
    let rig = Rig::new();
    rig.grant("ci-1", "ci-1", "ci", &late);
    make_changes(&rig);
    let ran = rig.ok("stranger", &["policy", "test", file(&rig, &[bound])]);
    assert!(ran.out.contains(": accepted -> refused: E207 not-independent\n"), "{ran:?}");
}

#[test]
fn change_without_a_result_is_told_and_later_halts_change_nothing() {
    let rig = three_changes();
    rig.ok("planner", &["plan", "shop/c4", "--tier", "medium"]);
    rig.ok("agent", &["record", "halt", "--reason", "incident"]);
    let ran = rig.ok("stranger", &["policy", "test", file(&rig, &[STRICTER])]);
    assert!(ran.out.ends_with("3 changes judged, 2 flip, 1 stay as they were\n"), "{ran:?}");
    assert_eq!(ran.err, "note: shop/c4 could not be judged: it has no result yet\n");
    let ran = rig.by("stranger", &["policy", "test", "../other.toml", "--changes", "0"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}
