//! `evidence plan`: the first record of a change, and each later raise.

use serde_json::json;

use super::args::PlanArgs;
use super::context::{Context, Head};
use super::fail::Fail;
use super::keys::lent;
use super::{print, print_json};
use crate::append::{AppendError, Appender, Receipt, Refusal};
use crate::attest::{About, Signer, first_plan};
use crate::git::{Repository, Target};
use crate::model::{ChangeId, Digest, Oid, Plan, PrincipalId};
use crate::store::Log;
use crate::verify::Authority;

pub(super) fn run(context: &Context, args: &PlanArgs) -> Result<u8, Fail> {
    let trust = context.trust(args.target.as_deref())?;
    let repository = context.repository()?;
    let head = context.head("HEAD")?;
    let target = context.target(args.target.as_deref())?;
    let log = context.log(&trust)?;
    let named = args.change.as_deref().or(args.change_flag.as_deref());
    let change = context.change(named, &head, target.as_ref(), &trust, Some(&log))?;
    let planned = first_plan(&log, &change)?;
    let Some(tier) = &args.tier else {
        let (_, leaf) = planned.ok_or_else(|| {
            Fail::usage(format!("the change {change} has no plan")).hint(format!("evidence plan {change} --tier TIER"))
        })?;
        print_trailer(context, &change, &leaf);
        return Ok(0);
    };
    let tier = tier.parse().map_err(|error| Fail::usage(format!("--tier: {error}")))?;
    let base = base(context, &head, target.as_ref(), args.base.as_deref())?;
    let ids = |texts: &[String], what: &str| -> Result<Vec<PrincipalId>, Fail> {
        texts.iter().map(|text| text.parse().map_err(|error| Fail::usage(format!("{what}: {error}")))).collect()
    };
    let plan = Plan {
        tier,
        implied: false,
        implementers: ids(&args.implementers, "--implementer")?,
        target: target_name(target.as_ref(), repository),
        aliases: ids(&args.aliases, "--alias")?,
        reason: args.reason.clone(),
    };
    if planned.is_none() && args.reason.is_some() {
        return Err(Fail::usage(format!("the change {change} has no plan yet: the first one needs no reason"))
            .hint("leave --reason out"));
    }
    let appender = context.appender(trust)?;
    let keys = context.keys()?;
    let signer = Signer { appender: &appender, keys: lent(&keys) };
    let first = planned.map(|(_, leaf)| leaf).filter(|_| args.reason.is_some());
    let receipt = signer.plan(&change, &base, plan.clone(), first)?;
    let leaf = planned.map_or(receipt.leaf, |(_, leaf)| leaf);
    if args.trailer {
        print_trailer(context, &change, &leaf);
    } else if context.json {
        print_json(
            &json!({"serial": receipt.serial, "leaf": receipt.leaf, "change": change, "tier": plan.tier, "base": base, "plan": leaf, "trailer": trailer(&change, &leaf)}),
        );
    } else {
        print(&format!("#{} planned {change}, tier {}, from {}\n", receipt.serial, plan.tier, base.short()));
    }
    Ok(0)
}

/// Returns the commit that a change starts from: where it leaves the target branch.
fn base(context: &Context, head: &Head, target: Option<&Target>, named: Option<&str>) -> Result<Oid, Fail> {
    let repository = context.repository()?;
    if let Some(name) = named {
        return Ok(repository.resolve_commit(name)?);
    }
    let Some(target) = target else { return Ok(head.commit.clone()) };
    match repository.merge_base(&head.commit, &target.commit)? {
        Some(base) => Ok(base),
        None if context.is_shallow()? => {
            Err(Fail::usage(format!("the history is shallow and does not reach {}", target.name))
                .hint("git fetch --unshallow"))
        }
        None => Err(Fail::usage(format!("HEAD and {} have no commit in common", target.name))
            .hint("--base REV, or --target BRANCH")),
    }
}

/// Returns what a record of a change is about; where nobody planned it and the policy lets that be, plans it.
pub(super) fn about(
    context: &Context,
    appender: &Appender,
    signer: &Signer<'_>,
    change: &ChangeId,
    head: &Head,
    target: Option<&Target>,
) -> Result<About, Fail> {
    let plan = match first_plan(&appender.ledger().read()?, change)? {
        Some((_, leaf)) => leaf,
        None => imply(context, appender, signer, change, head, target)?,
    };
    Ok(About { change: change.clone(), plan, commit: head.commit.clone(), tree: head.tree.clone() })
}

/// Writes the implied plan of a change that nobody planned.
fn imply(
    context: &Context,
    appender: &Appender,
    signer: &Signer<'_>,
    change: &ChangeId,
    head: &Head,
    target: Option<&Target>,
) -> Result<Digest, Fail> {
    let log = appender.ledger().read()?;
    let no_plan = || Fail::from(AppendError::Refused(Refusal::NoPlan(change.clone())));
    let rights = crate::append::Rights::read(&log, appender.trust(), [])?;
    let authority: Authority<'_> = rights.authority(appender.trust(), super::context::now());
    let (_, policy) =
        authority.policy_at(u64::MAX).ok_or_else(|| Fail::from(AppendError::Refused(Refusal::NoPolicy)))?;
    let tier = policy.unplanned().ok_or_else(no_plan)?;
    let repository = context.repository()?;
    let mut from = base(context, head, target, None)?;
    if from == head.commit {
        // On the target branch itself the newest commit is the change.
        from = repository.resolve_commit(&format!("{}^1", head.commit)).unwrap_or(from);
    }
    let target = target_name(target, repository);
    let plan =
        Plan { tier: tier.clone(), implied: true, implementers: Vec::new(), target, aliases: Vec::new(), reason: None };
    match signer.plan(change, &from, plan, None) {
        Ok(Receipt { leaf, serial, .. }) => {
            context.say(&format!(
                "#{serial} planned {change}, tier {tier}, implied: the policy lets a first attempt do that"
            ));
            Ok(leaf)
        }
        // Another attempt was faster.
        Err(AppendError::Refused(Refusal::Planned { .. })) => {
            let log: Log = appender.ledger().read()?;
            first_plan(&log, change)?.map(|(_, leaf)| leaf).ok_or_else(no_plan)
        }
        Err(error) => Err(error.into()),
    }
}

fn target_name(target: Option<&Target>, repository: &Repository) -> String {
    target
        .map(|target| target.name.replacen("refs/remotes/origin/", "refs/heads/", 1))
        .or_else(|| repository.head().ok().and_then(|head| head.branch))
        .unwrap_or_else(|| "refs/heads/main".to_owned())
}

fn trailer(change: &ChangeId, leaf: &Digest) -> String {
    format!("Evidence-Plan: {change} {leaf}")
}

fn print_trailer(context: &Context, change: &ChangeId, leaf: &Digest) {
    if context.json {
        print_json(&json!({"change": change, "plan": leaf, "trailer": trailer(change, leaf)}));
    } else {
        print(&format!("{}\n", trailer(change, leaf)));
    }
}
