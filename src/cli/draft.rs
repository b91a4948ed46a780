//! `evidence policy draft`: a policy out of what a change has shown.

use serde_json::json;

use super::args::ExplainArgs;
use super::context::{Context, now};
use super::fail::Fail;
use super::verify::decide_proven;
use super::{print, print_json};
use crate::model::Decision;
use crate::policy::Moment;
use crate::trace::draft;
use crate::verify::{Clock, Judgement, Rechecked};

pub(super) fn run(context: &Context, args: &ExplainArgs) -> Result<(), Fail> {
    let (decided, live) = decide_proven(context, args)?;
    let in_force = decided.verdict().policy.and_then(|digest| live.policies.find(&digest)).ok_or_else(|| {
        Fail::usage("the change is not planned under any policy: nobody can tell what it has shown")
            .hint("evidence plan --tier TIER, and attest")
    })?;
    let judgement = Judgement {
        complete: &live.complete,
        trust: &live.trust,
        policies: &live.policies,
        rechecked: &Rechecked::of_change(&live.complete, &live.policies, &live.log)?,
        git: &live.git,
        clock: Clock::Live(now()),
        moment: Moment::Merge,
        found_before: Vec::new(),
        admitted: Vec::new(),
    };
    let drafted = draft(&live.log, &judgement, in_force, &context.evaluator())?;
    if context.json {
        print_json(&json!({"change": drafted.would_be.change, "commit": live.head.commit, "text": drafted.text,
            "policy": drafted.policy.json(), "claims": drafted.claims(), "was": drafted.was,
            "wouldBe": drafted.would_be.decision, "objections": drafted.objections()}));
        return Ok(());
    }
    print(&drafted.text);
    let says = match drafted.would_be.decision {
        Decision::Accepted => "note: this policy would accept the change".to_owned(),
        Decision::Refused => "note: this policy would refuse the change".to_owned(),
    };
    context.say(&says);
    for objection in drafted.objections() {
        context.say(&format!("note: {objection}"));
    }
    Ok(())
}
