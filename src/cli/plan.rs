//! `evidence plan`: the first record of a change, and each later raise.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::PlanArgs;
use super::context::{Context, Head};
use super::fail::Fail;
use super::files;
use super::forges::forge;
use super::form::{self, Form};
use super::keys::lent;
use super::{print, print_json};
use crate::append::{AppendError, Appender, Receipt, Refusal};
use crate::attest::{About, Signer, first_plan};
use crate::git::{Repository, Target};
use crate::model::{ChangeId, Criterion, Digest, Id, Oid, Plan, PrincipalId, TierName, Time};
use crate::policy::Paths;
use crate::prove::Trust;
use crate::reports::{SpecForm, read_spec};
use crate::store::Log;
use crate::trace::plans;
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
    let form = args.form.as_ref().map(|path| form::read(&context.cwd.join(path))).transpose()?.unwrap_or_default();
    let Some(tier) = args.tier.as_ref().or(form.tier.as_ref()) else {
        if let Some(path) = args.form.as_ref().filter(|_| args.raise) {
            unasked(context, &change, path);
            return Ok(0);
        }
        if let Some(path) = &args.form {
            return Err(Fail::usage(format!("the form {} has no heading `### Tier` with a tier", path.display()))
                .hint("--tier TIER"));
        }
        let (_, leaf) = planned.ok_or_else(|| {
            Fail::usage(format!("the change {change} has no plan")).hint(format!("evidence plan {change} --tier TIER"))
        })?;
        print_trailer(context, &change, &leaf);
        return Ok(0);
    };
    let tier: TierName = tier.parse().map_err(|error| Fail::usage(format!("--tier: {error}")))?;
    let base = base(context, &head, target.as_ref(), args.base.as_deref())?;
    let ids = |texts: &[String], what: &str| -> Result<Vec<PrincipalId>, Fail> {
        texts.iter().map(|text| text.parse().map_err(|error| Fail::usage(format!("{what}: {error}")))).collect()
    };
    let asked = asked(args, &form)?;
    let specs = specs(context, args)?;
    let reason = if args.raise {
        let usual = match planned_so(&log, &change, &tier)? {
            None => format!("raised to tier {tier}"),
            Some(serial) => match unknown_number(context, &log, &change)? {
                // Who planned it by hand did not know the number of its request.
                Some(number) => format!("known as request {number}"),
                None => {
                    already(context, serial, &change, &tier, planned.as_ref().map(|(_, leaf)| leaf));
                    return Ok(0);
                }
            },
        };
        planned.as_ref().map(|_| args.reason.clone().unwrap_or(usual))
    } else {
        args.reason.clone()
    };
    if planned.is_none() && reason.is_some() {
        return Err(Fail::usage(format!("the change {change} has no plan yet: the first one needs no reason"))
            .hint("leave --reason out"));
    }
    let appender = context.appender(trust)?;
    let keys = context.keys()?;
    let signer = Signer { appender: &appender, keys: lent(&keys) };
    let keep = |path: &PathBuf| files::keep(context, &appender, path);
    let plan = Plan {
        implementers: ids(&args.implementers, "--implementer")?,
        aliases: aliases(ids(&args.aliases, "--alias")?),
        reason: reason.clone(),
        rollback: args.rollback.as_ref().map(keep).transpose()?,
        attachments: args.attachments.iter().map(keep).collect::<Result<_, _>>()?,
        specs: args.specs.iter().map(keep).collect::<Result<_, _>>()?,
        criteria: specs,
        ..asked.plan(tier, target_name(target.as_ref(), repository))
    };
    if planned.is_some() {
        told_otherwise(context, &log, &change, &plan)?;
    }
    never_met(context, &log, appender.trust(), &plan)?;
    let first = planned.map(|(_, leaf)| leaf).filter(|_| reason.is_some());
    let done = match signer.plan_once(&change, &base, &plan, first) {
        // Another job was faster: what it planned is raised.
        Err(AppendError::Refused(Refusal::Planned { .. })) if args.raise && planned.is_none() => {
            return run(&context.again(), args);
        }
        done => done?,
    };
    let (receipt, already) = (done.receipt(), done.is_before());
    let leaf = planned.map_or(receipt.leaf, |(_, leaf)| leaf);
    if args.trailer {
        print_trailer(context, &change, &leaf);
    } else if context.json {
        print_json(
            &json!({"serial": receipt.serial, "leaf": receipt.leaf, "change": change, "tier": plan.tier, "base": base, "plan": leaf, "already": already, "trailer": trailer(&change, &leaf), "criteria": plan.criteria.iter().map(|it| &it.id).collect::<Vec<_>>()}),
        );
    } else {
        let criteria = match plan.criteria.len() {
            0 => String::new(),
            count => {
                let ids: Vec<&str> = plan.criteria.iter().take(IDS_TOLD_MAX).map(|it| it.id.as_str()).collect();
                let more =
                    if count > IDS_TOLD_MAX { format!(" and {} more", count - IDS_TOLD_MAX) } else { String::new() };
                let noun = if count == 1 { "1 criterion".to_owned() } else { format!("{count} criteria") };
                format!(", {noun}: {}{more}", ids.join(", "))
            }
        };
        let word = if already { "was there already: " } else { "" };
        print(&format!(
            "#{} {word}planned {change}, tier {}, from {}{criteria}\n",
            receipt.serial,
            plan.tier,
            base.short()
        ));
    }
    Ok(0)
}

/// Returns the record by which a change has just this tier by a real plan.
fn planned_so(log: &Log, change: &ChangeId, tier: &TierName) -> Result<Option<u64>, Fail> {
    let newest = plans(log, change)?.into_iter().rfind(|(_, plan)| !plan.implied);
    Ok(newest.filter(|(_, plan)| plan.tier == *tier).map(|(serial, _)| serial))
}

fn already(context: &Context, serial: u64, change: &ChangeId, tier: &TierName, plan: Option<&Digest>) {
    if context.json {
        print_json(&json!({"serial": serial, "already": true, "change": change, "tier": tier, "plan": plan}));
    } else {
        print(&format!("#{serial} planned already: {change}, tier {tier}\n"));
    }
}

/// Says that a form asks for no tier.
fn unasked(context: &Context, change: &ChangeId, form: &Path) {
    if context.json {
        print_json(&json!({"change": change, "planned": false}));
    } else {
        print(&format!("nothing is planned: {} has no heading `### Tier` with a tier\n", form.display()));
    }
}

/// Returns the number of the request that a run is about, where no plan of the change has it and there is a key to plan with.
fn unknown_number(context: &Context, log: &Log, change: &ChangeId) -> Result<Option<Id>, Fail> {
    let Some(number) = number() else { return Ok(None) };
    let is_known = plans(log, change)?.iter().any(|(_, plan)| plan.aliases.contains(&number));
    Ok(Some(number).filter(|_| !is_known && context.named_keys().is_ok_and(|keys| !keys.is_empty())))
}

/// Returns the number of the request that the CI system names: what people know the change by.
fn number() -> Option<Id> {
    forge().request().and_then(|request| Id::slug(&request.number)).and_then(|id| id.as_str().parse().ok())
}

/// Adds that number to the ids that are given.
fn aliases(mut given: Vec<PrincipalId>) -> Vec<PrincipalId> {
    let number = number();
    given.extend(number.filter(|number| !given.contains(number)));
    given
}

/// What a plan says in words.
struct Asked {
    origin: Option<String>,
    requested: Option<Time>,
    paths: Vec<String>,
}

impl Asked {
    fn plan(self, tier: TierName, target: String) -> Plan {
        Plan { origin: self.origin, requested: self.requested, paths: self.paths, ..Plan::bare(tier, target) }
    }
}

fn asked(args: &PlanArgs, form: &Form) -> Result<Asked, Fail> {
    let requested = args.requested.as_deref().or(form.requested.as_deref()).map(time).transpose()?;
    if let Some(time) = requested.filter(|time| *time > super::context::now()) {
        return Err(Fail::usage(format!("--requested: {time} is yet to come")));
    }
    let printable = |text: &&String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let origin = args.origin.as_ref().or(form.origin.as_ref());
    if let Some(origin) = origin.filter(|origin| !printable(origin)) {
        return Err(Fail::usage(format!("--origin: `{origin}` is no address; wanted a URL without blanks")));
    }
    if let Some((scheme, _)) = origin.and_then(|origin| origin.split_once(':'))
        && !ORIGIN_SCHEMES.contains(&scheme.to_ascii_lowercase().as_str())
    {
        let text =
            format!("--origin: an address cannot begin with `{scheme}:`; wanted {}:", ORIGIN_SCHEMES.join(":, "));
        return Err(Fail::usage(text));
    }
    let patterns: Vec<&str> = args.paths.iter().map(String::as_str).collect();
    Paths::compile(&patterns).map_err(|(_, problem)| Fail::usage(format!("--paths: {problem}")))?;
    let mut paths = args.paths.clone();
    paths.sort();
    paths.dedup();
    Ok(Asked { origin: origin.cloned(), requested, paths })
}

/// Reads a time as RFC 3339 has it.
fn time(text: &str) -> Result<Time, Fail> {
    let read = chrono::DateTime::parse_from_rfc3339(text).ok().and_then(|time| u64::try_from(time.timestamp()).ok());
    read.map(Time).ok_or_else(|| {
        Fail::usage(format!("--requested: `{text}` is no time; wanted one such as 2026-11-21T09:00:00Z"))
    })
}

/// Reads the criteria of all specifications.
fn specs(context: &Context, args: &PlanArgs) -> Result<Vec<Criterion>, Fail> {
    let mut all: Vec<Criterion> = Vec::new();
    for path in &args.specs {
        let shown = path.display();
        let form = match path.extension().and_then(|end| end.to_str()) {
            Some("toml") => SpecForm::Toml,
            Some("md" | "markdown") => SpecForm::Markdown,
            _ => return Err(Fail::usage(format!("--spec {shown}: wanted a file that ends in .toml or .md"))),
        };
        let place = context.cwd.join(path);
        let text = std::fs::read_to_string(&place)
            .map_err(|error| Fail::io("the specification cannot be read:", &place, &error))?;
        for criterion in read_spec(&text, form).map_err(|error| Fail::usage(format!("--spec {shown}: {error}")))? {
            if all.iter().any(|known| known.id == criterion.id) {
                let text =
                    format!("--spec {shown}: the criterion {} stands in another specification too", criterion.id);
                return Err(Fail::usage(text));
            }
            all.push(criterion);
        }
    }
    Ok(all)
}

/// Says which criteria list a claim that the policy in force does not have.
fn never_met(context: &Context, log: &Log, trust: &Trust, plan: &Plan) -> Result<(), Fail> {
    if plan.criteria.iter().all(|criterion| criterion.claims.is_empty()) {
        return Ok(());
    }
    let rights = crate::append::Rights::read(log, trust, [])?;
    let authority: Authority<'_> = rights.authority(trust, super::context::now());
    let Some((_, policy)) = authority.policy_at(u64::MAX) else { return Ok(()) };
    for criterion in &plan.criteria {
        for claim in criterion.claims.iter().filter(|claim| policy.claim(claim).is_none()) {
            let known: Vec<&str> = policy.claims().keys().map(|name| name.as_str()).collect();
            context.say(&format!(
                "note: criterion {} lists the claim {claim}, which the policy in force does not have: it cannot be met; there is {}",
                criterion.id,
                known.join(", ")
            ));
        }
    }
    Ok(())
}

/// Says which criteria were planned before in other words: the first ones stand.
fn told_otherwise(context: &Context, log: &Log, change: &ChangeId, plan: &Plan) -> Result<(), Fail> {
    for (serial, earlier) in plans(log, change)? {
        let other = |criterion: &&Criterion| {
            earlier.criteria.iter().any(|known| known.id == criterion.id && known != *criterion)
        };
        for criterion in plan.criteria.iter().filter(other) {
            context.say(&format!(
                "criterion {}: record {serial} plans it in other words, and those stand; a new one needs a new id",
                criterion.id
            ));
        }
    }
    Ok(())
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
    let plan = Plan { implied: true, aliases: aliases(Vec::new()), ..Plan::bare(tier.clone(), target) };
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

/// So many ids of criteria stand in the answer.
const IDS_TOLD_MAX: usize = 20;
/// Who reads a verdict may follow the address: none of these runs anything.
const ORIGIN_SCHEMES: [&str; 6] = ["https", "http", "ssh", "git", "mailto", "urn"];

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
