//! One story: a small shop in a real repository, whose runner runs its tests, its mutants, its speed and its pictures, and a team that
//! tries what makes numbers look well. Each is refused with its code, and each is accepted once it is mended the honest way.
//!
//! The shop and its runner lie in `testdata/story`. Skipped, with a message, where `python3` is absent.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{EVIDENCE, Ran, Rig, Verdict, isolate};
use serde_json::Value;

/// Tests and lines at all times, mutants from medium on, speed and pictures at high.
const POLICY: &str = r#"version = 1
tiers = ["low", "medium", "high"]

[claim.tests]
family = "functionality"
by = "ci"
tests = { baseline = "keep", failed_max = 0 }
coverage = { baseline = "floor", changed_lines_min = 90, changed_lines_except = ["tests/**", "check.py"] }

[claim.mutants]
family = "non-regression"
by = "ci"
mutation = { score_min = 80 }

[claim.speed]
family = "non-regression"
by = "ci"
measurements = { tolerance = 10 }

[claim.pictures]
family = "functionality"
by = "ci"
attachments = { min = 1, kinds = ["picture"], reviewed_by = "looking" }

[claim.looking]
family = "process"
by = "reviewer"
independent_of = ["implementer"]

[tier.low]
require = ["tests"]

[tier.medium]
require = ["mutants"]

[tier.high]
require = ["speed", "pictures"]

[may]
plan = ["planner"]
grant = ["admin"]
policy = ["admin"]
allow = ["admin"]
resume = ["admin"]
merge = ["ci"]
"#;

const CART: &str = "tests/test_cart.py";
const TILL: &str = "tests/test_till.py";
const SHOP: &str = "src/shop.py";

/// The changes in the order in which they were merged.
const CHANGES: [&str; 12] = [
    "shop/opens",
    "shop/gift",
    "shop/tidy",
    "shop/no-vouchers",
    "shop/postage",
    "shop/names",
    "shop/quick",
    "shop/docs",
    "shop/careful",
    "shop/bold",
    "shop/late",
    "shop/short",
];

/// The shop, its ledger, and who works there.
struct Shop {
    rig: Rig,
}

impl Shop {
    fn new() -> Self {
        let rig = Rig::new();
        fs::write(rig.path("policy.toml"), POLICY).unwrap();
        rig.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "the shop's own"]);
        rig.key("boss");
        rig.grant("boss", "boss", "admin", &["--email", "boss@example.org"]);
        rig.git(&["checkout", "-q", "main"]);
        Self { rig }
    }

    /// Begins a change on main, planned before it is written.
    fn begin(&self, name: &str, tier: &str) {
        self.rig.git(&["checkout", "-q", "-b", name]);
        self.rig.ok("planner", &["plan", &format!("shop/{name}"), "--tier", tier, "--implementer", "agent"]);
    }

    /// Commits a file with some text replaced; none at all writes at the end.
    fn edit(&self, name: &str, from: &str, to: &str) {
        let old = fs::read_to_string(self.rig.repo().join(name)).unwrap();
        assert!(old.contains(from), "{from}");
        let new = if from.is_empty() { old + to } else { old.replacen(from, to, 1) };
        self.rig.commit(name, &new);
    }

    /// Commits a file as it is on main.
    fn bring_back(&self, name: &str) {
        self.rig.git(&["checkout", "-q", "main", "--", name]);
        self.rig.git(&["commit", "-q", "-m", "bring it back"]);
    }

    /// Runs the shop's runner under a claim; it must end as is told.
    fn ran(&self, claim: &str, given: &[&str], what: &str, code: i32) -> Ran {
        let command = ["sh", "-c", &format!("python3 -B check.py {what}")];
        let words = [&["attest", claim], given, &["--"], &command[..]].concat();
        let ran = self.rig.by("ci-1", &words);
        assert_eq!(ran.code, code, "{words:?}: {ran:?}");
        ran
    }

    fn tests(&self) {
        self.some_tests("");
    }

    fn some_tests(&self, files: &str) {
        let reports = ["--report", "out/tests.xml", "--report", "out/lines.info"];
        self.ran("tests", &reports, &format!("tests {files}"), 0);
    }

    fn mutants(&self) {
        self.ran("mutants", &["--report", "out/outcomes.json"], "mutants", 0);
    }

    fn speed(&self) {
        self.ran("speed", &["--report", "out/speed.json"], "speed", 0);
    }

    /// Draws the receipt in a shade of grey.
    fn picture(&self, shade: u8) {
        self.ran("pictures", &["--attach", "receipt=out/receipt.png"], &format!("picture {shade}"), 0);
    }

    fn look(&self) {
        self.rig.ok("reviewer", &["review", "looking", "--picture", "receipt", "--verdict", "pass"]);
    }

    /// Refused at the gate, with exactly these codes; returns what was found first.
    fn refused(&self, codes: &[&str]) -> String {
        let verdict = self.rig.verify();
        verdict.refused(codes);
        verdict.json["findings"][0]["found"].as_str().unwrap().to_owned()
    }

    fn accepted(&self) -> Verdict {
        let verdict = self.rig.verify();
        verdict.accepted();
        verdict
    }

    /// Accepted at the gate and merged into main.
    fn merged(&self, name: &str) {
        self.accepted();
        self.rig.git(&["checkout", "-q", "main"]);
        self.rig.git(&["merge", "-q", "--ff-only", name]);
        let merge = self.rig.ok("ci-1", &["record", "merge", "--json"]).json();
        assert_eq!(merge["changes"], serde_json::json!([format!("shop/{name}")]));
    }
}

#[test]
fn shop_keeps_what_it_has_whatever_is_tried() {
    if !Command::new("python3").arg("-V").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: no python3");
        return;
    }
    let shop = Shop::new();
    opens(&shop);
    new_lines_are_untested_while_the_total_rises(&shop);
    test_is_deleted_beside_a_refactoring(&shop);
    feature_goes_with_its_tests(&shop);
    test_is_skipped(&shop);
    test_is_renamed(&shop);
    test_is_emptied(&shop);
    half_of_the_suite_runs(&shop);
    total_gets_slower_by_a_third(&shop);
    picture_is_replaced_after_the_review(&shop);
    mutants_are_cut_short(&shop);
    many_copies_of_a_test_become_one(&shop);
    auditor_comes_to_the_same(&shop);
    names_tell_when_they_joined(&shop);
}

fn opens(shop: &Shop) {
    shop.begin("opens", "high");
    for name in ["check.py", SHOP, CART, TILL] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/story").join(name);
        shop.rig.commit(name, &fs::read_to_string(from).unwrap());
    }
    // Of the policy's limits one is about the lines that a change adds: the shop begins with a label that nobody tests.
    shop.tests();
    shop.mutants();
    shop.speed();
    shop.picture(0);
    let verdict = shop.rig.verify();
    verdict.refused(&["E244", "E224"]);
    shop.edit(TILL, "", "\n\ndef test_label_names_the_price():\n    assert shop.label('tea', 250) == 'tea 2.50'\n");
    shop.tests();
    shop.mutants();
    shop.speed();
    shop.picture(0);
    shop.look();
    shop.merged("opens");
}

fn test_is_deleted_beside_a_refactoring(shop: &Shop) {
    shop.begin("tidy", "low");
    shop.edit(SHOP, "    cents = 0\n", "    cents = 0  # nothing yet\n");
    let free = "def test_free_costs_nothing():\n    assert shop.total([0]) == 0\n\n\n";
    shop.edit(CART, free, "");
    shop.tests();
    let found = shop.refused(&["E260"]);
    assert!(found.contains("shop > test_cart > test_free_costs_nothing (is gone)"), "{found}");
    // No merge takes it, and whoever wrote it may not say that it may go.
    shop.rig.git(&["checkout", "-q", "main"]);
    shop.rig.git(&["merge", "-q", "--ff-only", "tidy"]);
    assert_eq!(shop.rig.by("ci-1", &["record", "merge"]).code, 1);
    shop.rig.git(&["reset", "-q", "--hard", "HEAD~2"]);
    shop.rig.git(&["checkout", "-q", "tidy"]);
    retire(shop, "agent", 1);
    shop.bring_back(CART);
    shop.tests();
    shop.merged("tidy");
}

fn retire(shop: &Shop, who: &str, code: i32) {
    let reason = ["--reason", "there are no vouchers any more", "--until", "2d"];
    let words = [&["allow", "retire", "tests", "--name", "shop > test_till > test_voucher_*"], &reason[..]].concat();
    let ran = shop.rig.by(who, &words);
    assert_eq!(ran.code, code, "{ran:?}");
}

fn feature_goes_with_its_tests(shop: &Shop) {
    shop.begin("no-vouchers", "low");
    shop.edit(SHOP, "def voucher(cents):\n    return 0 if cents < 500 else cents - 500\n\n\n", "");
    shop.edit(TILL, "def test_voucher_takes_five_off():\n    assert shop.voucher(700) == 200\n\n\n", "");
    shop.edit(TILL, "def test_voucher_never_pays_out():\n    assert shop.voucher(499) == 0\n\n\n", "");
    shop.tests();
    shop.refused(&["E260"]);
    retire(shop, "boss", 0);
    let verdict = shop.accepted();
    let allowed = &verdict.json["requirements"][0]["baseline"][0]["allowed"];
    assert_eq!(allowed.as_array().unwrap().len(), 2, "{allowed}");
    assert_eq!(
        (&allowed[0]["by"][0], &allowed[0]["reason"]),
        (&"boss".into(), &"there are no vouchers any more".into())
    );
    shop.merged("no-vouchers");
}

fn test_is_skipped(shop: &Shop) {
    shop.begin("postage", "low");
    shop.edit(TILL, "    assert shop.postage(5000) == 0\n", "    raise Skipped('flaky')\n");
    shop.edit(SHOP, "return 490", "return 450 + 40");
    shop.tests();
    // Its line does not run any more, either.
    let found = shop.refused(&["E260", "E264"]);
    assert!(found.contains("test_large_orders_pay_none (does not pass)"), "{found}");
    shop.bring_back(TILL);
    shop.tests();
    shop.merged("postage");
}

fn test_is_renamed(shop: &Shop) {
    shop.begin("names", "low");
    shop.edit(TILL, "test_cash_is_rounded", "test_cash_is_rounded_to_five");
    shop.tests();
    shop.refused(&["E260"]);
    let sign = ["baseline", "rename", "--sign", "--reason", "says to what", "--until", "2d"];
    shop.rig.refuses("agent", &sign, "allow");
    shop.rig.ok("boss", &sign);
    let verdict = shop.accepted();
    let allowed = &verdict.json["requirements"][0]["baseline"][0]["allowed"][0];
    assert_eq!(allowed["to"], "shop > test_till > test_cash_is_rounded_to_five");
    shop.merged("names");
}

/// An empty test passes: by its name alone nobody sees it. Lines that nothing runs show it, and where the calls are left, mutants do.
fn test_is_emptied(shop: &Shop) {
    shop.begin("quick", "medium");
    let call = "[shop.rounded(cents) for cents in (10, 11, 12, 13, 14)]";
    shop.edit(TILL, &format!("assert {call} == [10, 10, 10, 15, 15]"), "pass");
    shop.tests();
    shop.mutants();
    shop.refused(&["E250", "E264"]);
    shop.edit(TILL, "    pass\n", &format!("    {call}\n"));
    shop.tests();
    shop.mutants();
    let found = shop.refused(&["E250"]);
    assert!(found.contains("lower = cents // 5 * 5"), "{found}");
    shop.bring_back(TILL);
    shop.edit(TILL, "", "\n\ndef test_pennies_are_rounded_down():\n    assert shop.rounded(1) == 0\n");
    shop.tests();
    shop.mutants();
    shop.merged("quick");
}

fn half_of_the_suite_runs(shop: &Shop) {
    shop.begin("docs", "low");
    shop.rig.commit("README.md", "A shop.\n");
    shop.some_tests(CART);
    let found = shop.refused(&["E260", "E264"]);
    assert!(found.contains("test_till"), "{found}");
    shop.tests();
    shop.merged("docs");
}

fn new_lines_are_untested_while_the_total_rises(shop: &Shop) {
    shop.begin("gift", "low");
    shop.edit(SHOP, "", "\n\ndef gift(cents):\n    if cents < 100:\n        return 100\n    return cents\n");
    shop.edit(TILL, "", "\n\ndef test_gift():\n    assert shop.gift(200) == 200\n");
    shop.edit(CART, "", "\n\ndef test_greets():\n    assert shop.greeting(' ana') == 'Hello, Ana!'\n");
    shop.tests();
    let verdict = shop.rig.verify();
    verdict.refused(&["E224"]);
    let numbers = verdict.json["requirements"][0]["numbers"].as_str().unwrap();
    assert!(numbers.contains("coverage 96.55 % (baseline 92.00 %)"), "{numbers}");
    assert!(numbers.contains("3 of 4 changed lines run, 75 %"), "{numbers}");
    shop.edit(TILL, "", "\n\ndef test_gift_is_never_small():\n    assert shop.gift(99) == 100\n");
    shop.tests();
    shop.merged("gift");
}

fn total_gets_slower_by_a_third(shop: &Shop) {
    shop.begin("careful", "high");
    let quick = "        cents = cents + price\n";
    shop.edit(SHOP, quick, "        price = int(price)\n        cents = cents + price\n");
    let all = || {
        shop.tests();
        shop.mutants();
        shop.speed();
        shop.picture(0);
        shop.look();
    };
    all();
    let found = shop.refused(&["E265"]);
    assert!(found.contains("total of 1000 (is +33 % worse)"), "{found}");
    shop.edit(
        SHOP,
        "        price = int(price)\n        cents = cents + price\n",
        "        cents = cents + int(price)\n",
    );
    all();
    shop.merged("careful");
}

fn picture_is_replaced_after_the_review(shop: &Shop) {
    shop.begin("bold", "high");
    shop.rig.commit("README.md", "A shop whose receipts are easy to read.\n");
    shop.tests();
    shop.mutants();
    shop.speed();
    shop.picture(60);
    shop.look();
    shop.accepted();
    shop.picture(250);
    let found = shop.refused(&["E244"]);
    assert!(found.contains("the newest review of it"), "{found}");
    shop.look();
    shop.merged("bold");
}

fn mutants_are_cut_short(shop: &Shop) {
    shop.begin("late", "medium");
    shop.rig.commit("README.md", "A shop, open late.\n");
    shop.tests();
    // All of the first five are noticed: a score of 100 %, and an exit code of 0.
    shop.ran("mutants", &["--report", "out/outcomes.json"], "mutants 5; true", 1);
    let found = shop.refused(&["E203"]);
    assert!(found.contains("inconclusive"), "{found}");
    shop.mutants();
    shop.merged("late");
}

fn many_copies_of_a_test_become_one(shop: &Shop) {
    shop.begin("short", "low");
    shop.edit(CART, "copies = 54", "copies = 1");
    shop.tests();
    let found = shop.refused(&["E260"]);
    assert!(found.contains("test_every_order_adds_up (1 of 54 are left)"), "{found}");
    shop.bring_back(CART);
    shop.rig.commit("README.md", "A shop that counts.\n");
    shop.tests();
    shop.merged("short");
}

/// Somebody with nothing but a clone, the ledger and the trust file.
fn auditor_comes_to_the_same(shop: &Shop) {
    let rig = &shop.rig;
    rig.git(&["clone", "-q", "--branch", "main", rig.repo().to_str().unwrap(), "../clone"]);
    let audit = |tip: &str| {
        rig.git(&["-C", "../clone", "checkout", "-q", "-B", "main", tip]);
        let mut command = Command::new(EVIDENCE);
        isolate(&mut command, rig);
        command.args(["audit", "--branch", "main", "--json", "--trust", "../repo/.evidence/trust.toml"]);
        command.args(["--ledger", "../repo/.git/evidence"]).env("XDG_CONFIG_HOME", rig.path("nowhere"));
        Ran::of(command.current_dir(rig.path("clone")).output().unwrap())
    };
    let ran = audit("origin/main");
    let json = ran.json();
    let commits = json["commits"].as_array().unwrap();
    assert_eq!(ran.code, 0, "{json:#}");
    assert!(commits.iter().all(|commit| commit["state"] == "accepted"), "{json:#}");
    // All commits since the shop began to keep what it has, and no other.
    let since = format!("{}..main", json["from"].as_str().unwrap());
    assert_eq!(commits.len().to_string(), rig.git(&["rev-list", "--count", &since]));
    let mut changes: Vec<&str> =
        commits.iter().rev().flat_map(|it| it["changes"].as_array().unwrap()).map(|it| it.as_str().unwrap()).collect();
    changes.dedup();
    assert_eq!(changes, CHANGES);
    // A commit past the gate is found among them.
    fs::write(rig.path("clone/README.md"), "A shop that nobody looks at.\n").unwrap();
    let who = ["-C", "../clone", "-c", "user.name=agent", "-c", "user.email=agent@example.org"];
    rig.git(&[&who[..], &["commit", "-q", "-a", "-m", "past the gate"]].concat());
    let ran = audit("HEAD");
    assert_eq!((ran.code, &ran.json()["commits"][0]["state"]), (1, &"without-evidence".into()));
}

fn names_tell_when_they_joined(shop: &Shop) {
    let told = |name: &str| -> Vec<String> {
        let json = shop.rig.ok("stranger", &["baseline", "history", name, "--json"]).json();
        let merges = json["merges"].as_array().unwrap().iter();
        let told = |merge: &Value| {
            let row = &merge["names"][0];
            format!("{} {} -> {}", merge["changes"][0].as_str().unwrap(), row["before"], row["after"])
        };
        merges.map(told).collect()
    };
    assert_eq!(told("test_every_order"), ["shop/opens 0 -> 54"]);
    assert_eq!(told("test_gift_is_never_small"), ["shop/gift 0 -> 1"]);
    assert_eq!(told("test_voucher_takes"), ["shop/opens 0 -> 1", "shop/no-vouchers 1 -> 0"]);
    assert_eq!(told("rounded_to_five"), ["shop/names 0 -> 1"]);
    assert_eq!(told("test_nobody_wrote"), Vec::<String>::new());
}
