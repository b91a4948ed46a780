//! `evidence policy explain`: what the policy asks of a change, and why.

use serde_json::{Value, json};

use super::args::ExplainArgs;
use super::context::{Context, now};
use super::fail::Fail;
use super::verify::{Live, decide_proven, plain};
use super::{key, print, print_json};
use crate::model::{Criterion, Digest, Oid, Predicate};
use crate::policy::{Act, Asked, Explained, Holders, Moment, Policy};
use crate::prove::Logged;
use crate::verify::{Code, CriterionShown, Verdict};

/// What one policy asks of the change.
struct Page<'a> {
    digest: Digest,
    policy: &'a Policy,
    explained: Explained,
}

pub(super) fn run(context: &Context, args: &ExplainArgs) -> Result<(), Fail> {
    let (decided, live) = decide_proven(context, args)?;
    let verdict = decided.into_verdict();
    let rights = key::all_rights(&live.log, &live.trust)?;
    let authority = rights.authority(&live.trust, now());
    let newest = authority
        .policy_at(u64::MAX)
        .ok_or_else(|| Fail::usage("no policy is in force").hint("evidence policy apply FILE"))?;
    let is_plan = |record: &&Logged| matches!(record.statement().predicate, Predicate::Plan(_));
    let planned = live.complete.of_change().find(is_plan).filter(|_| verdict.policy.is_some());
    // What is not planned would be judged by the policy that is in force now.
    let judges = planned.map_or_else(|| vec![newest], |plan| authority.judging(plan.serial()));
    let is_planned = verdict.policy.is_some();
    let base = match is_planned {
        true => live.base.clone(),
        false => unplanned_base(context, args, &live.head.commit)?,
    };
    let touched = context.repository()?.facts(&live.head.commit, &base)?.touched;
    let criteria = criteria(&live, &verdict);
    let mut pages = Vec::new();
    for (digest, policy) in judges {
        let lowest = policy.unplanned().unwrap_or(&policy.tiers()[0].name);
        let tier = verdict.tier.as_ref().map_or(lowest, |tier| &tier.planned);
        let mut explained = policy.explain(tier, &touched).ok_or_else(|| {
            Fail::refused(Code::UNKNOWN_TIER, format!("the policy {digest} has no tier {tier}"))
                .hint("evidence policy show")
        })?;
        policy.explain_criteria(&mut explained, &criteria);
        pages.push(Page { digest: *digest, policy, explained });
    }
    let holders = authority.holders(Some(&verdict.change));
    let change = verdict.change.as_str();
    if context.json {
        let policies: Vec<Value> = pages.iter().map(|page| page_json(page, change, &holders)).collect();
        print_json(&json!({"change": change, "commit": verdict.commit, "base": base, "isPlanned": is_planned,
            "policies": policies, "criteria": criteria}));
        return Ok(());
    }
    for page in &pages {
        print(&page_text(page, change, is_planned, &holders));
    }
    let may = pages.first().and_then(|page| page.policy.may(Act::Accept));
    let roles: Vec<&str> = may.iter().flat_map(|may| &may.roles).map(|role| role.as_str()).collect();
    for criterion in &criteria {
        print(&plain_lines(&criterion_text(criterion, &roles.join(" or "))));
    }
    Ok(())
}

/// Returns where a change leaves its target branch that no plan names a base for.
fn unplanned_base(context: &Context, args: &ExplainArgs, head: &Oid) -> Result<Oid, Fail> {
    let base = match context.target(args.of.target.as_deref())? {
        Some(target) => context.repository()?.merge_base(head, &target.commit)?,
        None => None,
    };
    Ok(base.unwrap_or_else(|| head.clone()))
}

/// Returns the criteria of the plans that count, as they were planned.
fn criteria(live: &Live, verdict: &Verdict) -> Vec<Criterion> {
    let of = |shown: &CriterionShown| {
        let record = live.complete.record(shown.plan)?;
        let Predicate::Plan(plan) = &record.statement().predicate else { return None };
        plan.criteria.iter().find(|criterion| criterion.id == shown.id).cloned()
    };
    verdict.criteria.iter().filter_map(of).collect()
}

/// Says what a criterion wants, each of its lists a line.
fn criterion_text(criterion: &Criterion, accept: &str) -> String {
    let Criterion { id, text: says, tests, claims, pictures, human, critical } = criterion;
    let mut text = format!("\ncriterion {id}: {says}\n");
    let mut line = |what: &str| text.push_str(&format!("  wanted   {what}\n"));
    tests.iter().for_each(|pattern| line(&format!("tests that match {pattern}, all of them passing")));
    claims.iter().for_each(|claim| line(&format!("the claim {claim} passes")));
    pictures.iter().for_each(|name| line(&format!("a picture {name} in a result that counts")));
    let person = match accept {
        "" => "a person accepts it, and the policy lets nobody ([may] accept)".to_owned(),
        roles => format!("a person accepts it (role {roles})"),
    };
    match (criterion.lists_nothing(), critical) {
        (true, true) => {
            line("a passing test that carries its id, or a picture attached for it that somebody has looked at")
        }
        (true, false) => line(&format!("a passing test that carries its id, a file attached for it, or {person}")),
        (false, true) => {
            line("it is critical: tests, a run or a picture that somebody has looked at, and no exception")
        }
        (false, false) => {}
    }
    if *human {
        line(&person);
    }
    text
}

fn plain_lines(text: &str) -> String {
    text.lines().map(|line| plain(line) + "\n").collect()
}

fn commands(asked: &Asked, change: &str) -> Vec<Vec<String>> {
    let of_change = ["--change".to_owned(), change.to_owned()];
    let with = |command: &Vec<String>| {
        let (head, tail) = command.split_at(command.len().min(3));
        [head, &of_change, tail].concat()
    };
    asked.commands.iter().map(with).collect()
}

fn who<'a>(asked: &Asked, holders: &'a Holders) -> Vec<&'a str> {
    holders.get(&asked.by).into_iter().flatten().map(|principal| principal.as_str()).collect()
}

fn page_json(page: &Page<'_>, change: &str, holders: &Holders) -> Value {
    let Page { digest, policy, explained } = page;
    let claims: Vec<Value> = explained
        .claims
        .iter()
        .map(|asked| {
            json!({"claim": asked.claim, "why": asked.why.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "family": policy.claim(&asked.claim).map(|claim| claim.family.as_str()), "form": asked.form.as_str(),
                "at": asked.at.as_str(), "limits": asked.limits, "role": asked.by, "who": who(asked, holders),
                "commands": commands(asked, change)})
        })
        .collect();
    json!({"sha256": digest, "planned": explained.planned, "effective": explained.effective,
        "raisedBy": explained.raised_by.as_ref().map(ToString::to_string), "requirements": claims,
        "recommended": explained.recommended, "also": explained.also})
}

fn page_text(page: &Page<'_>, change: &str, is_planned: bool, holders: &Holders) -> String {
    let Page { digest, policy, explained } = page;
    let planned = match is_planned {
        true => format!("planned for tier {}", explained.planned),
        false => format!("not planned; for tier {}", explained.planned),
    };
    let raised = explained.raised_by.as_ref().map_or_else(String::new, |reason| {
        format!(", raised to tier {} by {}", explained.effective, plain(&reason.to_string()))
    });
    let mut text = format!("{change}: {planned}{raised}\npolicy sha256:{digest}\n");
    for asked in &explained.claims {
        let family = policy.claim(&asked.claim).map_or("", |claim| claim.family.as_str());
        text.push_str(&format!("\n{} ({family}, by {}, before the {})\n", asked.claim, asked.form, due(asked.at)));
        for reason in &asked.why {
            text.push_str(&format!("  why      {}\n", plain(&reason.to_string())));
        }
        for limit in &asked.limits {
            text.push_str(&format!("  wanted   {limit}\n"));
        }
        let names = who(asked, holders);
        let names = if names.is_empty() { "nobody yet".to_owned() } else { names.join(", ") };

        text.push_str(&format!("  who      {names} (role {})\n", asked.by));
        for command in commands(asked, change) {
            text.push_str(&format!("  command  {}\n", command.join(" ")));
        }
    }
    if !explained.recommended.is_empty() || !explained.also.is_empty() {
        text.push('\n');
    }
    for line in &explained.also {
        text.push_str(&format!("also: {line}\n"));
    }
    for claim in &explained.recommended {
        text.push_str(&format!("recommended: {claim}\n"));
    }
    text
}

const fn due(at: Moment) -> &'static str {
    match at {
        Moment::Plan => "first attempt",
        Moment::Merge => "merge",
        Moment::Deploy => "rollout",
    }
}
