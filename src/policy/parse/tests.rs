//! Policies that are read and refused, each mistake at its place.

use std::fs;
use std::path::PathBuf;

use super::super::shape::{SHAPES, Shape};
use super::super::{ERRORS_MAX, PolicyError, STARTER, TIERS_EXAMPLE};
use super::*;
use crate::model::schema;

/// Returns name and text of the policies in a folder of the test files.
fn files(folder: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/policy").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().display().to_string(), fs::read_to_string(path).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Returns whether a text is TOML whose JSON form satisfies the published schema.
fn satisfies_schema(text: &str) -> bool {
    DeTable::parse(text).is_ok_and(|cells| check_schema("policy", &json(cells.get_ref())).is_ok())
}

fn errors(text: &str) -> Vec<PolicyError> {
    Policy::parse(text).expect_err("the policy is wrong").as_slice().to_vec()
}

#[test]
fn good_policies_are_read_and_satisfy_the_schema() {
    let own = [("starter", STARTER), ("tiers", TIERS_EXAMPLE)].map(|(name, text)| (name.to_owned(), text.to_owned()));
    for (name, text) in files("good").into_iter().chain(own) {
        let policy = Policy::parse(&text).unwrap_or_else(|errors| panic!("{name}:\n{errors}"));
        assert!(satisfies_schema(&text), "{name}");
        assert_eq!(check_schema("policy", policy.json()), Ok(()), "{name}");
    }
}

#[test]
fn bad_policies_are_refused_with_place_and_reason() {
    let mut differences = String::new();
    for (name, text) in files("bad") {
        let wanted: Vec<_> = text.lines().map_while(|line| line.strip_prefix("# expect: ")).collect();
        let found = Policy::parse(&text).err().map(|errors| errors.as_slice().to_vec()).unwrap_or_default();
        let told = |(wanted, error): (&&str, &PolicyError)| {
            let place = format!("{}:{} ", error.line, error.column);
            wanted.strip_prefix(&*place).is_some_and(|part| !part.is_empty() && error.to_string().contains(part))
        };
        if wanted.is_empty() || wanted.len() != found.len() || !wanted.iter().zip(&found).all(told) {
            differences.push_str(&format!("{name}:\n"));
            for error in found {
                let text = error.to_string();
                let message = text.split_once(": ").unwrap().1;
                differences.push_str(&format!("# expect: {}:{} {message}\n", error.line, error.column));
            }
        }
    }
    assert!(differences.is_empty(), "these were found instead:\n{differences}");
}

#[test]
fn schema_and_types_have_the_same_keys() {
    let schema: Value = serde_json::from_str(schema("policy").unwrap().text).unwrap();
    let defs = &schema["$defs"];
    let described = |shape: &Shape| match shape.place {
        place if place == TOP.place => schema["properties"].clone(),
        place if place == CLAIM.place => defs["claim"]["properties"].clone(),
        place if place == TESTS.place => defs["tests"]["properties"].clone(),
        place if place == DIFFERENTIAL.place => defs["differential"]["oneOf"][1]["properties"].clone(),
        place if place == TEST_KIND.place => defs["testKind"]["properties"].clone(),
        place if place == PATH_FLOOR.place => defs["pathFloor"]["properties"].clone(),
        place if place == COVERAGE.place => defs["coverage"]["properties"].clone(),
        place if place == FINDINGS.place => defs["findings"]["properties"].clone(),
        place if place == SURFACE.place => defs["names"]["properties"].clone(),
        place if place == MEASUREMENTS.place => defs["measurements"]["properties"].clone(),
        place if place == MUTATION.place => defs["mutation"]["properties"].clone(),
        place if place == ATTACHMENTS.place => defs["attachments"]["properties"].clone(),
        place if place == TIER.place => defs["tier"]["properties"].clone(),
        place if place == WHEN.place => defs["when"]["properties"].clone(),
        place if place == MAY.place => defs["may"]["properties"].clone(),
        place if place == ENTITLED.place => defs["entitled"]["oneOf"][1]["properties"].clone(),
        place if place == MATERIALS.place => defs["materials"]["properties"].clone(),
        place if place == EXCEPTIONS.place => defs["exceptions"]["properties"].clone(),
        place => panic!("{place} has no schema"),
    };
    for shape in SHAPES {
        let keys: BTreeSet<_> = shape.keys.iter().map(ToString::to_string).collect();
        let described: BTreeSet<_> = described(shape).as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, described, "{}", shape.place);
    }
}

#[test]
fn one_example_uses_every_key() {
    let (_, text) = files("good").into_iter().find(|(name, _)| name == "everything.toml").unwrap();
    for key in SHAPES.iter().flat_map(|shape| shape.keys) {
        let used = text.lines().any(|line| {
            let line = line.trim_start_matches(['[', ' ']);
            line.split(['{', ',', '.', ' ', '[', ']']).any(|word| word == *key)
        });
        assert!(used, "{key}");
    }
}

#[test]
fn schema_refuses_what_has_the_wrong_shape() {
    let beyond_a_schema = [
        "undefined-",
        "rule-without-effect",
        "patterns",
        "empty-tier",
        "date-for-text",
        "whole-fraction",
        "rego-too-deep",
    ];
    for (name, text) in files("bad") {
        let beyond = beyond_a_schema.iter().any(|prefix| name.starts_with(prefix));
        assert!(beyond || !satisfies_schema(&text), "{name}");
    }
}

#[test]
fn defaults_are_the_documented_ones() {
    let (_, text) = files("good").into_iter().find(|(name, _)| name == "smallest.toml").unwrap();
    let policy = Policy::parse(&text).unwrap();
    let names: Vec<_> = policy.tiers().iter().map(|tier| tier.name.as_str()).collect();
    assert_eq!(names, ["low", "medium", "high"]);
    assert_eq!((policy.applies(), policy.independence()), (Applies::Plan, Independence::Require));
    assert_eq!((policy.unplanned(), policy.plan_valid_for()), (None, None));
    assert!(policy.refuse_limitations().is_empty());
    assert!(Act::ALL.iter().all(|act| policy.may(*act).is_none()));
    let claim = policy.claim(&"tests".parse().unwrap()).unwrap();
    assert_eq!((claim.form, claim.at, claim.bound_to), (Form::Run, Moment::Merge, BoundTo::Tree));
    assert_eq!((claim.waivable, claim.asserted), (Waivable::Yes, Asserted::Refuse));
    assert_eq!((claim.principals_min.get(), claim.attempts_max, claim.age_max), (1, None, None));
}

#[test]
fn written_values_are_kept() {
    let (_, text) = files("good").into_iter().find(|(name, _)| name == "everything.toml").unwrap();
    let policy = Policy::parse(&text).unwrap();
    assert_eq!((policy.applies(), policy.independence()), (Applies::Open, Independence::Require));
    assert_eq!(policy.unplanned().map(Id::as_str), Some("routine"));
    assert_eq!(policy.plan_valid_for().map(|span| span.0), Some(30 * 86_400));
    let claim = |name: &str| policy.claim(&name.parse().unwrap()).unwrap();
    let specification = claim("specification");
    assert_eq!((specification.at, specification.bound_to), (Moment::Plan, BoundTo::Commit));
    assert_eq!((specification.principals_min.get(), specification.waivable), (2, Waivable::No));
    let unit = claim("unit-tests");
    assert_eq!((unit.asserted, unit.attempts_max.map(NonZeroU64::get)), (Asserted::Allow, Some(2)));
    assert!(unit.unsupported().is_empty() && unit.asks_baseline());
    let findings = claim("security/scan").findings.clone().unwrap();
    assert_eq!((findings.medium_max, findings.low_max, findings.critical_max), (Some(16), Some(1_000), Some(0)));
    assert_eq!(findings.suppressed_max, Some(COUNT_MAX));
    let high = policy.may(Act::Policy).unwrap();
    assert_eq!((high.roles.len(), high.threshold), (2, 2));
    assert_eq!(policy.whens()[0].paths.patterns(), ["services/payments/**", "**/*.sql"]);
    assert!(policy.claims_unused().is_empty());
}

#[test]
fn several_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let found = errors("tirs = 1\nversion = 2\n[claim.a]\nby = 3\n[tier.low]\nrequire = [\"b\"]\n");
    let lines: Vec<_> = found.iter().map(|error| error.line).collect();
    assert_eq!(lines, [1, 2, 3, 4, 6]);
    assert_eq!(found[0].to_string(), "line 1, column 1: unknown key `tirs` in the policy; did you mean `tiers`?");
}

#[test]
fn columns_count_characters() {
    let found = errors(&STARTER.replace("tests\"]", "tests\", \"täst\", \"tets\"]"));
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].column - found[0].column, 8);
}

#[test]
fn size_is_bounded() {
    let padded = |bytes: usize| format!("{STARTER}#{}", "x".repeat(bytes - STARTER.len() - 1));
    assert!(Policy::parse(&padded(BYTES_MAX)).is_ok());
    let found = errors(&padded(BYTES_MAX + 1));
    assert_eq!(found[0].problem, PolicyProblem::TooLarge { bytes: BYTES_MAX + 1, bytes_max: BYTES_MAX });
}

#[test]
fn number_of_claims_is_bounded() {
    let claims = |count: usize| -> String {
        let claim = |n| format!("claim.c{n} = {{ family = \"process\", by = \"ci\" }}\n");
        "version = 1\ntier.low.require = [\"c0\"]\n".to_owned() + &(0..count).map(claim).collect::<String>()
    };
    assert!(Policy::parse(&claims(CLAIMS_MAX)).is_ok());
    let too_many = PolicyProblem::TooMany { place: "[claim]".to_owned(), found: 257, max: 256 };
    assert!(errors(&claims(CLAIMS_MAX + 1)).iter().any(|error| error.problem == too_many));
}

#[test]
fn number_of_errors_is_bounded() {
    let text: String = (0..20_000).map(|n| format!("k{n} = 1\n")).collect();
    assert_eq!(errors(&text).len(), ERRORS_MAX);
}

#[test]
fn nesting_exhausts_neither_stack_nor_time() {
    let half = BYTES_MAX / 2 - 8;
    let dots = ".a".repeat(78);
    let deep =
        |brackets| format!("[a{dots}]\na{dots}={}1{}\n", format!("{{a{dots}=").repeat(brackets), "}".repeat(brackets));
    for text in [
        format!("a={}", "[".repeat(half)),
        format!("a={}{}", "[".repeat(half), "]".repeat(half)),
        format!("a={}", "{a=".repeat(half / 2)),
        format!("a{}=1", ".a".repeat(half)),
        format!("[a{}]", ".a".repeat(half)),
        format!("[[a{}]]", ".a".repeat(half)),
        format!("a={{a{}=1}}", ".a".repeat(half)),
        deep(NESTING_MAX),
        deep(NESTING_MAX).repeat(2),
        deep(NESTING_MAX + 1),
        deep(79),
    ] {
        assert!(Policy::parse(&text).is_err());
    }
}

#[test]
fn byte_order_mark_is_refused() {
    assert_eq!(errors(&format!("\u{feff}{STARTER}"))[0].problem, PolicyProblem::ByteOrderMark);
}
