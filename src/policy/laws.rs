//! Laws that the differences of any two policies keep.
//!
//! A policy has no difference to itself; what is weaker one way is stronger the other; what weakens nothing requires no less.

use proptest::prelude::*;

use super::{Difference, Direction, Policy};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_global_rejects: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn policy_against_itself_has_no_difference(bytes in prop::collection::vec(any::<u8>(), 80)) {
        let policy = made(&bytes);
        prop_assume!(policy.is_some());
        let policy = policy.unwrap();
        prop_assert_eq!(policy.differences(&policy), []);
    }

    #[test]
    fn difference_is_the_other_way_round_back(left in prop::collection::vec(any::<u8>(), 80), right in prop::collection::vec(any::<u8>(), 80)) {
        let (old, new) = (made(&left), made(&right));
        prop_assume!(old.is_some() && new.is_some());
        let (old, new) = (old.unwrap(), new.unwrap());
        let mut there = old.differences(&new);
        let mut back = new.differences(&old);
        let order = |difference: &Difference| (difference.thing.clone(), difference.key, difference.old.clone(), difference.new.clone());
        for difference in &mut back {
            std::mem::swap(&mut difference.old, &mut difference.new);
        }
        there.sort_by_key(order);
        back.sort_by_key(order);
        prop_assert_eq!(there.len(), back.len());
        for (there, back) in there.iter().zip(&back) {
            prop_assert_eq!(order(there), order(back));
            let mirrored = match there.direction {
                Direction::Weaker => Direction::Stronger,
                Direction::Stronger => Direction::Weaker,
                Direction::Other => Direction::Other,
            };
            let unordered = UNORDERED.contains(&there.key) || there.key.starts_with("tiers ");
            let both = unordered && (there.direction, back.direction) == (Direction::Weaker, Direction::Weaker);
            prop_assert!(both || back.direction == mirrored, "{there} {back}");
        }
    }

    #[test]
    fn policy_that_weakens_nothing_requires_no_less(left in prop::collection::vec(any::<u8>(), 80), change in (0..80_usize, any::<u8>()), path in prop::sample::select(vec!["p/x", "q/x", "r"])) {
        let mut right = left.clone();
        right[change.0] = change.1;
        let (old, new) = (made(&left), made(&right));
        prop_assume!(old.is_some() && new.is_some());
        let (old, new) = (old.unwrap(), new.unwrap());
        prop_assume!(old.differences(&new).iter().all(|difference| difference.direction != Direction::Weaker));
        for tier in old.tiers().iter().filter(|tier| new.tier_rank(&tier.name).is_some()) {
            let before = old.requirements(&tier.name, &[path]).unwrap();
            let after = new.requirements(&tier.name, &[path]).unwrap();
            for required in &before.claims {
                prop_assert!(after.claims.iter().any(|other| other.claim == required.claim), "{}", required.claim);
            }
            prop_assert!(after.base >= before.base && after.trailer >= before.trailer);
        }
    }
}

/// Makes a policy out of bytes.
fn made(bytes: &[u8]) -> Option<Policy> {
    let mut bytes = bytes.iter().copied();
    let mut pick = |words: &[&str]| -> String {
        let byte = usize::from(bytes.next().unwrap_or(0));
        words[byte % words.len()].to_owned()
    };
    let mut text = "version = 1\n".to_owned();
    for line in [
        pick(&[
            "",
            "tiers = [\"low\", \"high\"]",
            "tiers = [\"zero\", \"low\", \"high\"]",
            "tiers = [\"high\", \"low\"]",
        ]),
        pick(&["", "applies = \"open\""]),
        pick(&["", "independence = \"record\""]),
        pick(&["", "unplanned = \"low\"", "unplanned = \"high\""]),
        pick(&["", "plan_valid_for = \"3d\"", "plan_valid_for = \"30d\""]),
        pick(&["", "refuse_limitations = [\"asserted\"]", "refuse_limitations = [\"one-person\", \"asserted\"]"]),
    ] {
        text.push_str(&(line + "\n"));
    }
    for claim in ["a", "b", "c"] {
        text.push_str(&format!("[claim.{claim}]\nfamily = \"{}\"\n", pick(&["security", "functionality"])));
        for line in [
            pick(&["by = \"ci\"", "by = \"ci\"", "by = \"ana\""]),
            pick(&[
                "",
                "tests = { passed_min = 1 }",
                "tests = { passed_min = 9, skipped_max = 0 }",
                "tests.skipped_max = 1",
            ]),
            pick(&["", "findings = { high_max = 0 }", "findings.high_max = 2"]),
            pick(&["", "coverage = { total_min = 80 }", "coverage = { total_min = 90 }"]),
            pick(&["", "variants = [\"x\"]", "variants = [\"x\", \"y\"]"]),
            pick(&["", "attempts_max = 1", "attempts_max = 3"]),
            pick(&["", "age_max = \"2h\"", "age_max = \"1h\""]),
            pick(&["", "independent_of = [\"implementer\"]"]),
            pick(&["", "waivable = false"]),
            pick(&["", "asserted = \"allow\""]),
            pick(&["", "bound_to = \"commit\""]),
            pick(&["", "at = \"plan\"", "at = \"deploy\""]),
        ] {
            text.push_str(&(line + "\n"));
        }
    }
    let lists = ["[\"a\"]", "[\"b\"]", "[\"a\", \"c\"]"];
    for tier in ["zero", "low", "high"] {
        if tier != "zero" || text.contains("zero") {
            text.push_str(&format!("[tier.{tier}]\nrequire = {}\n", pick(&lists)));
            text.push_str(&pick(&["", "recommend = [\"b\"]\n"]));
            text.push_str(&pick(&["", "base = \"newest\"\n"]));
            text.push_str(&pick(&["", "trailer = true\n"]));
        }
    }
    for _ in 0..2 {
        text.push_str(&pick(&["", "[[when]]\npaths = [\"p/**\"]\n", "[[when]]\npaths = [\"p/**\", \"q/**\"]\n"]));
        if text.ends_with("]\n") && text.rfind("[[when]]") > text.rfind("require") {
            text.push_str(&pick(&["tier = \"high\"\n", "tier = \"low\"\n", ""]));
            text.push_str(&format!("require = {}\n", pick(&lists)));
        }
    }
    text.push_str("[may]\n");
    for act in ["plan", "allow"] {
        let roles = ["", "[\"ci\"]", "[\"ci\", \"ana\"]", "{ roles = [\"ana\"], threshold = 2 }"];
        let roles = pick(&roles);
        if !roles.is_empty() {
            text.push_str(&format!("{act} = {roles}\n"));
        }
    }
    Policy::parse(&text).ok()
}

/// Keys whose values no rule can order, at least some of them.
const UNORDERED: [&str; 6] = ["by", "form", "at", "tier", "unplanned", "tiers"];
