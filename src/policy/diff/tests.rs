//! Which way each key of a policy is weaker.

use super::super::shape::{
    ATTACHMENTS, CLAIM, COVERAGE, ENTITLED, EXCEPTIONS as TABLE_OF_EXCEPTIONS, FINDINGS,
    MATERIALS as TABLE_OF_MATERIALS, MAY, MEASUREMENTS, MUTATION, SURFACE, TESTS, TIER, TOP as TOP_KEYS, WHEN,
};
use super::*;
use crate::policy::TIERS_EXAMPLE;

fn policy(text: &str) -> Policy {
    Policy::parse(text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

fn example(replace: &[(&str, &str)]) -> Policy {
    let mut text = TIERS_EXAMPLE.to_owned();
    for (from, to) in replace {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    policy(&text)
}

/// Returns the differences of the example to itself with some text replaced, and back.
fn lines(replace: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let (old, new) = (example(&[]), example(replace));
    let lines = |old: &Policy, new: &Policy| old.differences(new).iter().map(ToString::to_string).collect();
    (lines(&old, &new), lines(&new, &old))
}

#[test]
fn limits_are_weaker_one_way_and_stronger_the_other() {
    let (there, back) = lines(&[("passed_min = 1", "passed_min = 150")]);
    assert_eq!(there, ["claim unit-tests: tests.passed_min 1 -> 150 (stronger)"]);
    assert_eq!(back, ["claim unit-tests: tests.passed_min 150 -> 1 (weaker)"]);
    let (there, back) = lines(&[("{ high_max = 0, medium_max = 0 }", "{ high_max = 10 }")]);
    let lint = |what: &str| format!("claim lint: findings.{what}");
    assert_eq!(there, [lint("high_max 0 -> 10 (weaker)"), lint("medium_max 0 removed (weaker)")]);
    assert_eq!(back, [lint("high_max 10 -> 0 (stronger)"), lint("medium_max 0 added (stronger)")]);
    let (there, back) = lines(&[("waivable       = false", "age_max = \"36h\"")]);
    assert_eq!(there[0], "claim peer-review: age_max 36h added (stronger)");
    assert_eq!(there[1], "claim peer-review: waivable false -> true (weaker)");
    assert!(back[0].ends_with("(weaker)") && back[1].ends_with("(stronger)"), "{back:?}");
}

#[test]
fn requirement_that_moves_to_a_lower_tier_is_told_once_and_stronger() {
    let (there, back) = lines(&[
        ("[\"unit-tests\"]", "[\"unit-tests\", \"lint\"]"),
        ("[\"lint\", \"security-scan\"]", "[\"security-scan\"]"),
    ]);
    assert_eq!(there, ["tier low: require lint added (stronger)"]);
    assert_eq!(back, ["tier low: require lint removed (weaker)"]);
}

#[test]
fn requirement_that_is_dropped_is_weaker_and_its_definition_no_matter() {
    let (there, _) = lines(&[
        (
            "[claim.lint]\nfamily   = \"functionality\"\nby       = \"ci\"\nfindings = { high_max = 0, medium_max = 0 }\n",
            "",
        ),
        ("[\"lint\", \"security-scan\"]", "[\"security-scan\"]"),
    ]);
    assert_eq!(there, ["tier medium: require lint removed (weaker)", "claim lint: removed (other)"]);
}

#[test]
fn who_may_more_is_weaker() {
    let (there, back) = lines(&[("allow  = [\"admin\"]\n", ""), ("[\"planner\"]", "[\"planner\", \"ci\"]")]);
    assert_eq!(there, ["may plan: roles ci added (weaker)", "may allow: roles admin removed (stronger)"]);
    assert_eq!(back, ["may plan: roles ci removed (stronger)", "may allow: roles admin added (weaker)"]);
    let (there, _) = lines(&[("policy = [\"admin\"]", "policy = { roles = [\"admin\"], threshold = 2 }")]);
    assert_eq!(there, ["may policy: threshold 1 -> 2 (stronger)"]);
}

#[test]
fn more_exceptions_are_weaker_and_what_is_usual_needs_no_words() {
    let table = |lines: &str| policy(&format!("{TIERS_EXAMPLE}\n[exceptions]\n{lines}"));
    let usual = policy(TIERS_EXAMPLE);
    assert_eq!(usual.differences(&table("longest = \"30d\"\nat_once = 5\nany_change = false\n")), []);
    let narrow = table("effects = [\"waive\"]\nlongest = \"7d\"\nat_once = 1\n");
    let shown =
        |old: &Policy, new: &Policy| -> Vec<String> { old.differences(new).iter().map(ToString::to_string).collect() };
    let there = shown(&narrow, &usual);
    assert!(there.contains(&"exceptions: effects admit added (weaker)".to_owned()), "{there:?}");
    assert!(there.contains(&"exceptions: longest 7d -> 30d (weaker)".to_owned()), "{there:?}");
    assert!(there.contains(&"exceptions: at_once 1 -> 5 (weaker)".to_owned()), "{there:?}");
    assert!(shown(&usual, &narrow).iter().all(|line| line.ends_with("(stronger)")));
    let wide = shown(&usual, &table("any_change = true\n"));
    assert_eq!(wide, ["exceptions: any_change false -> true (weaker)"]);
}

#[test]
fn rules_are_compared_by_pattern_and_effect() {
    let rules = |rules: &str| TIERS_EXAMPLE.to_owned() + rules;
    let one = policy(&rules("[[when]]\npaths = [\"a/**\", \"b/**\"]\ntier = \"high\"\n"));
    let two = "[[when]]\npaths = [\"b/**\"]\ntier = \"high\"\n[[when]]\npaths = [\"a/**\"]\ntier = \"medium\"\n";
    let two = policy(&rules(two));
    let shown =
        |old: &Policy, new: &Policy| -> Vec<String> { old.differences(new).iter().map(ToString::to_string).collect() };
    assert_eq!(shown(&one, &two), ["[[when]] a/**: tier high -> medium (weaker)"]);
    assert_eq!(shown(&two, &one), ["[[when]] a/**: tier medium -> high (stronger)"]);
    assert_eq!(shown(&two, &policy(TIERS_EXAMPLE)).len(), 2);
    // The claim is required all the same, by the floor.
    let told = policy(&rules("[[when]]\npaths = [\"a/**\", \"b/**\"]\ntier = \"high\"\nrequire = [\"lint\"]\n"));
    assert_eq!(shown(&told, &one)[0], "[[when]] a/**: require lint removed (other)");
}

#[test]
fn tiers_that_come_and_go() {
    let (there, back) = lines(&[("\"high\"]", "\"high\", \"highest\"]")]);
    assert_eq!(there, ["policy: tiers above highest added (stronger)"]);
    assert_eq!(back, ["policy: tiers above highest removed (weaker)"]);
    let zero = "[tier.zero]\nrequire = [\"lint\"]\n\n[tier.low]";
    let (there, back) = lines(&[("[\"low\",", "[\"zero\", \"low\","), ("[tier.low]", zero)]);
    assert_eq!(there[0], "policy: tiers below zero added (weaker)");
    assert_eq!(back[0], "policy: tiers below zero removed (stronger)");
    let (there, back) = lines(&[("\"medium\", \"high\"]", "\"high\", \"medium\"]")]);
    let order = "policy: tiers low < medium < high -> low < high < medium (weaker)";
    assert!(there.iter().any(|line| line == order) && back.iter().any(|line| line.ends_with("(weaker)")), "{there:?}");
}

#[test]
fn what_cannot_be_ordered_is_weaker_both_ways() {
    let (there, back) = lines(&[("form           = \"review\"", "form = \"review\"\nat = \"plan\"")]);
    assert_eq!(there, ["claim peer-review: at merge -> plan (weaker)"]);
    assert_eq!(back, ["claim peer-review: at plan -> merge (weaker)"]);
    let (there, _) = lines(&[("by     = \"ci\"\ntests", "by = \"reviewer\"\ntests")]);
    assert_eq!(there, ["claim unit-tests: by ci -> reviewer (weaker)"]);
    assert_eq!(direction("a-key-of-tomorrow", None, None), Direction::Weaker);
}

#[test]
fn where_materials_go_is_for_a_person_to_see() {
    let table = |lines: &str| policy(&format!("{TIERS_EXAMPLE}\n{lines}"));
    let lines = |old: &Policy, new: &Policy| old.differences(new).iter().map(ToString::to_string).collect::<Vec<_>>();
    let none = table("");
    let shop = table("[materials]\nstore = \"s3://shop/x\"\n");
    let other = table("[materials]\nstore = \"s3://other/x\"\ninline_max = \"1 MiB\"\n");
    let added = ["materials: inline_max 4 MiB added (other)", "materials: store s3://shop/x added (weaker)"];
    assert_eq!(lines(&none, &shop), added);
    let moved =
        ["materials: inline_max 4 MiB -> 1 MiB (other)", "materials: store s3://shop/x -> s3://other/x (weaker)"];
    assert_eq!(lines(&shop, &other), moved);
    assert_eq!(lines(&shop, &none)[1], "materials: store s3://shop/x removed (weaker)");
}

#[test]
fn path_of_a_pipeline_less_is_weaker_and_one_more_is_not() {
    let (there, back) = lines(&[("version = 1", "version = 1\npipelines = [\"ci/**\"]")]);
    assert!(there.len() == 1 && !there[0].ends_with("(weaker)"), "{there:?}");
    assert!(back.len() == 1 && back[0].ends_with("(weaker)"), "{back:?}");
}

#[test]
fn every_key_of_a_policy_is_a_term() {
    let (_, text) = crate::policy::STARTER.split_once("version = 1").unwrap();
    assert!(!text.is_empty());
    let everything = include_str!("../../../testdata/policy/good/everything.toml");
    let everything = policy(everything);
    let terms = Terms::of(&everything, &Common::of(&everything, &everything));
    let names: BTreeSet<&str> = terms.0.keys().map(|key| key.name).collect();
    let within = |key: &str| {
        ["tests", "coverage", "findings", "names", "measurements", "mutation", "attachments"]
            .map(|table| format!("{table}.{key}"))
    };
    let structure = [
        "version",
        "tiers",
        "claim",
        "tier",
        "when",
        "may",
        "exceptions",
        "materials",
        "paths",
        "tests",
        "coverage",
        "findings",
        "names",
        "measurements",
        "mutation",
        "attachments",
    ];
    let acts = MAY.keys;
    for shape in [
        &TOP_KEYS,
        &CLAIM,
        &TESTS,
        &COVERAGE,
        &FINDINGS,
        &SURFACE,
        &MEASUREMENTS,
        &MUTATION,
        &ATTACHMENTS,
        &TIER,
        &WHEN,
        &ENTITLED,
        &TABLE_OF_EXCEPTIONS,
        &TABLE_OF_MATERIALS,
    ] {
        for key in shape.keys.iter().filter(|key| !structure.contains(key) && !acts.contains(key)) {
            let there = names.contains(key) || within(key).iter().any(|name| names.contains(name.as_str()));
            assert!(there, "{key} is no term");
        }
    }
}
