//! The policies that come with the program: what `evidence init` writes, and the one of the demonstration.

/// The policy that `evidence init` writes, with comments that say how to demand more.
///
/// It suits one person who is planner, implementer and admin at once, and accepts a command that ends 0 and leaves no
/// report. A line that starts with `#` and no space behind it is policy that waits for its comment sign to be removed;
/// with all of them removed it is a policy too.
pub const STARTER: &str = include_str!("starter.toml");

/// The policy that `evidence init --policy tiers` writes: low, medium and high, each with what a team of people and agents shows.
///
/// It asks for a plan, for another than who implements, and at high for a person; exceptions last two weeks at most.
pub const MODEL: &str = include_str!("model.toml");

/// A policy with three tiers that demand tests, scans and independent review.
pub const TIERS_EXAMPLE: &str = include_str!("tiers.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Id, Span};
    use crate::policy::word::Word as _;
    use crate::policy::{Act, Family, Form, Independence, Policy, Waivable};

    fn id(text: &str) -> Id {
        text.parse().unwrap()
    }

    fn claims(policy: &Policy, tier: &str) -> Vec<String> {
        let requirements = policy.requirements::<&str>(&id(tier), &[]).unwrap();
        requirements.claims.iter().map(|required| required.claim.to_string()).collect()
    }

    #[test]
    fn starter_suits_one_person_and_a_command_without_report() {
        let policy = Policy::parse(STARTER).unwrap();
        assert_eq!(policy.independence(), Independence::Record);
        assert_eq!(policy.unplanned(), Some(&id("low")));
        assert_eq!(claims(&policy, "low"), ["tests"]);
        let tests = policy.claim(&id("tests")).unwrap();
        assert_eq!((tests.family, tests.by.as_str(), tests.form), (Family::Functionality, "ci", Form::Run));
        assert!(tests.tests.is_none() && tests.coverage.is_none() && tests.findings.is_none());
        assert!(tests.variants.is_empty() && tests.independent_of.is_empty());
        assert!(Act::ALL.iter().all(|act| policy.may(*act).is_some()));
        assert_eq!(policy.roles().into_iter().map(Id::as_str).collect::<Vec<_>>(), ["admin", "ci", "planner"]);
    }

    #[test]
    fn starter_with_all_its_suggestions_is_a_policy() {
        let line = |line: &str| match line.strip_prefix('#') {
            Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest.to_owned(),
            _ => line.to_owned(),
        };
        let text: String = STARTER.lines().map(|l| line(l) + "\n").collect();
        assert_ne!(text, STARTER);
        let policy = Policy::parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(claims(&policy, "high"), ["tests", "security-scan", "peer-review"]);
        assert!(policy.claims_unused().is_empty());
    }

    #[test]
    fn example_demands_more_in_each_tier() {
        let policy = Policy::parse(TIERS_EXAMPLE).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(claims(&policy, "low"), ["unit-tests"]);
        assert_eq!(claims(&policy, "medium"), ["unit-tests", "lint", "security-scan"]);
        assert_eq!(claims(&policy, "high"), ["unit-tests", "lint", "security-scan", "peer-review"]);
        let tests = policy.claim(&id("unit-tests")).unwrap().tests.clone().unwrap();
        assert_eq!((tests.passed_min, tests.failed_max), (Some(1), Some(0)));
        let review = policy.claim(&id("peer-review")).unwrap();
        assert_eq!((review.form, review.independent_of.as_slice()), (Form::Review, &[id("implementer")][..]));
        assert!(policy.claims().values().all(|claim| claim.unsupported().is_empty()));
        assert_eq!(policy.independence(), Independence::Require);
    }

    #[test]
    fn model_demands_what_each_risk_is_worth() {
        let policy = Policy::parse(MODEL).unwrap_or_else(|errors| panic!("{errors}"));
        let low = ["build", "screenshots"];
        let medium = ["unit-tests", "security-scan", "peer-review"];
        let high = ["full-regression", "adversarial-review", "approval", "staged-rollout"];
        assert_eq!(claims(&policy, "low"), low);
        assert_eq!(claims(&policy, "medium"), [&low[..], &medium].concat());
        assert_eq!(claims(&policy, "high"), [&low[..], &medium, &high].concat());
        assert!(policy.claims_unused().is_empty());
        assert_eq!((policy.independence(), policy.unplanned()), (Independence::Require, None));
        for (name, claim) in policy.claims() {
            assert!(claim.unsupported().is_empty(), "{name}");
            let reviewed = claim.form == Form::Review;
            assert_eq!(claim.independent_of == [id("implementer")], reviewed, "{name}");
        }
        assert!(policy.remarks(MODEL, &[], None).is_empty());
    }

    #[test]
    fn model_takes_no_exception_for_another_pair_of_eyes() {
        let policy = Policy::parse(MODEL).unwrap();
        for (name, fixed) in [("peer-review", true), ("adversarial-review", true), ("approval", true), ("build", false)]
        {
            assert_eq!(policy.claim(&id(name)).unwrap().waivable == Waivable::No, fixed, "{name}");
        }
        assert_eq!(policy.exceptions().longest(), Span(14 * 86_400));
    }

    #[test]
    fn starter_without_its_claim_is_refused() {
        assert!(Policy::parse(&STARTER.replace("[claim.tests]", "[claim.test]")).is_err());
    }
}
