//! What is accepted at all, and what stands above what.

use super::*;
use crate::verify::CODES;

#[test]
fn the_ledger_stands_above_the_plan_and_the_plan_above_claims() {
    for (code, _, _) in CODES {
        let wanted = match code.number.as_bytes()[1] {
            b'3' => 0,
            b'1' => 1,
            _ if [Code::FAILED, Code::LATER_FAILURE, Code::DISSENT].contains(code) => 2,
            _ => 3,
        };
        assert_eq!(rank(*code), wanted, "{}", code.number);
    }
}

fn verdict(moment: Moment, states: &[State]) -> Verdict {
    let requirement = |state: &State| Requirement {
        claim: "build".parse().unwrap(),
        why: String::new(),
        family: "functionality",
        state: *state,
        serials: Vec::new(),
        principals: Vec::new(),
        attempts: 1,
        numbers: None,
        failed_elsewhere: Vec::new(),
        delivered_late_seconds: None,
        exception: None,
        baseline: Vec::new(),
        not_compared: Vec::new(),
        policy: None,
    };
    Verdict {
        format: "evidence-verdict/v1",
        decision: Decision::Refused,
        change: "shop/a".parse().unwrap(),
        commit: "1".repeat(40).parse().unwrap(),
        tree: "2".repeat(40).parse().unwrap(),
        base: None,
        moment: moment.as_str(),
        tier: None,
        origin: "log.example/a".to_owned(),
        as_of: None,
        now: Time(0),
        policy: Some(crate::crypto::sha256(b"policy")),
        planned: None,
        criteria: Vec::new(),
        requirements: states.iter().map(requirement).collect(),
        findings: Vec::new(),
        limitations: Vec::new(),
        exceptions: Vec::new(),
        recommended: Vec::new(),
    }
}

#[test]
fn accepted_is_only_what_names_a_policy_requires_something_and_refuses_nothing() {
    let accepted = |verdict: Verdict, findings: Vec<Finding>| {
        finish(verdict, findings, BTreeSet::new(), Gains::default()).accepted()
    };
    let merge = |states: &[State]| verdict(Moment::Merge, states);
    assert!(accepted(merge(&[State::Pass, State::Pass]), Vec::new()));
    assert!(!accepted(merge(&[State::Pass, State::Missing]), Vec::new()));
    assert!(!accepted(merge(&[]), Vec::new()));
    assert!(!accepted(Verdict { policy: None, ..merge(&[State::Pass]) }, Vec::new()));
    let finding = Finding::new(Code::FAILED, "build", "it failed", "a pass");
    assert!(!accepted(merge(&[State::Pass]), vec![finding.clone()]));
    assert!(!accepted(Verdict { findings: vec![finding], ..merge(&[State::Pass]) }, Vec::new()));
    assert!(accepted(verdict(Moment::Plan, &[]), Vec::new()));
    assert!(!accepted(verdict(Moment::Plan, &[State::Missing]), Vec::new()));
    assert!(!accepted(Verdict { policy: None, ..verdict(Moment::Plan, &[]) }, Vec::new()));
}

#[test]
fn the_more_telling_state_stays() {
    use State::{Fail, Inconclusive, Invalid, Lost, Missing, Pass, Running};
    let order = [Pass, Missing, Invalid, Running, Lost, Inconclusive, Fail];
    for (one, first) in order.into_iter().enumerate() {
        for (two, second) in order.into_iter().enumerate() {
            let mut ruled = Ruled { state: first, ..Ruled::default() };
            ruled.worsen(second);
            assert_eq!(ruled.state, order[one.max(two)]);
        }
    }
}
