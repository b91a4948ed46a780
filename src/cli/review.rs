//! `evidence review`: a person or agent looked at the tree, at criteria of the plan, or at pictures.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;

use super::args::{ChangeArgs, ExplainArgs, ReviewArgs, ReviewWord};
use super::context::Context;
use super::fail::Fail;
use super::keys::lent;
use super::verify::{decide_proven, plain};
use super::{files, key, plan};
use crate::attest::Signer;
use crate::crypto::Hasher;
use crate::model::{
    ChangeId, ClaimName, CriterionId, Digest, Oid, Phase, PictureSeen, Predicate, Purpose, Review, ReviewVerdict,
};
use crate::store::Log;
use crate::trace::{plans, records};

pub(super) fn run(context: &Context, args: &ReviewArgs) -> Result<u8, Fail> {
    let named = args.claim.as_deref().unwrap_or(ACCEPTANCE);
    let claim: ClaimName = named.parse().map_err(|error| Fail::usage(format!("the claim: {error}")))?;
    let trust = context.trust(args.of.target.as_deref())?;
    let (head, target) = context.judged(&args.of)?;
    let appender = context.appender(trust.clone())?;
    let log = appender.ledger().read()?;
    let change = context.change(args.of.change.as_deref(), &head, target.as_ref(), &trust, Some(&log))?;
    let criteria = criteria(&log, &change, &args.criteria)?;
    let mut pictures = pictures(context, &log, &change, &head.tree, &args.pictures)?;
    if !pictures.is_empty() {
        held_against(context, args, &change, &mut pictures)?;
    }
    let keys = context.keys()?;
    let signer = Signer { appender: &appender, keys: lent(&keys) };
    let notes = args.notes.as_ref().map(|path| files::keep(context, &appender, path)).transpose()?;
    let (verdict, word) = match args.verdict {
        ReviewWord::Pass => (ReviewVerdict::Pass, "pass"),
        ReviewWord::Fail => (ReviewVerdict::Fail, "fail"),
    };
    let about = plan::about(context, &appender, &signer, &change, &head, target.as_ref())?;
    let accepts = criteria.clone();
    let mut what = named.to_owned();
    if !criteria.is_empty() {
        let ids: Vec<&str> = criteria.iter().map(CriterionId::as_str).collect();
        what = format!("criterion {}", ids.join(", "));
    }
    for seen in &pictures {
        what.push_str(&format!(", picture {} sha256:{}", seen.name, seen.new));
    }
    let review = Review { notes, criteria, pictures, ..Review::bare(claim, Phase::Plain, Some(verdict)) };
    let receipt = signer.review(&about, review)?;
    key::done(context, &receipt, &format!("{what} {word} on tree {} ({change})", head.tree.short()));
    if verdict == ReviewVerdict::Pass && !accepts.is_empty() {
        still_open(context, args, &change, &accepts);
    }
    Ok(0)
}

/// Reads the ids of criteria, which the plans of the change must have.
fn criteria(log: &Log, change: &ChangeId, ids: &[String]) -> Result<Vec<CriterionId>, Fail> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let known: BTreeSet<CriterionId> =
        plans(log, change)?.into_iter().flat_map(|(_, plan)| plan.criteria).map(|criterion| criterion.id).collect();
    let mut found = BTreeSet::new();
    for id in ids {
        let id: CriterionId = id.parse().map_err(|error| Fail::usage(format!("--criterion: {error}")))?;
        if !known.contains(&id) {
            let known: Vec<&str> = known.iter().map(CriterionId::as_str).collect();
            let has = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
            return Err(Fail::usage(format!("--criterion: no plan of {change} has the criterion {id}; {has}")));
        }
        found.insert(id);
    }
    Ok(found.into_iter().collect())
}

/// Says which criteria are open all the same, and why: who may not accept them has said so in vain.
fn still_open(context: &Context, args: &ReviewArgs, change: &ChangeId, ids: &[CriterionId]) {
    let of = ChangeArgs { change: Some(change.to_string()), ..args.of.clone() };
    // It is recorded: what cannot be judged now is for the gate to say.
    let Ok((decided, _)) = decide_proven(context, &ExplainArgs { name: None, of }) else { return };
    let all = &decided.verdict().criteria;
    for criterion in all.iter().filter(|criterion| ids.contains(&criterion.id) && !criterion.lacks.is_empty()) {
        context.say(&plain(&format!("note: criterion {} is still open: {}", criterion.id, criterion.lacks.join("; "))));
    }
}

/// Finds the pictures of these names as the newest results on the tree have them.
fn pictures(
    context: &Context,
    log: &Log,
    change: &ChangeId,
    tree: &Oid,
    asked: &[String],
) -> Result<Vec<PictureSeen>, Fail> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    // The newest result of each claim, variant and shard.
    let mut attached: BTreeMap<_, Vec<(String, Digest)>> = BTreeMap::new();
    for (_, statement) in records(log, change)? {
        if statement.tree() != Some(tree) {
            continue;
        }
        let Predicate::Result(run) = statement.predicate else { continue };
        let mut named: Vec<(String, Digest)> =
            run.attachments.iter().map(|said| (said.name.clone(), said.material)).collect();
        let plain = run.materials.iter().filter(|material| material.purpose == Purpose::Attachment);
        let plain = plain.filter(|material| run.attachments.iter().all(|said| said.material != material.sha256));
        named.extend(plain.map(|material| (material.name.clone(), material.sha256)));
        attached.insert((run.claim, run.variant, run.shard), named);
    }
    let all: BTreeSet<(String, Digest)> = attached.into_values().flatten().collect();
    let mut seen = Vec::new();
    for text in asked {
        let (name, file) = match text.split_once('=') {
            Some((name, file)) => (name, Some(file)),
            None => (text.as_str(), None),
        };
        let mut found: Vec<Digest> = all.iter().filter(|(known, _)| known == name).map(|(_, hash)| *hash).collect();
        if let Some(file) = file {
            let looked_at = hash(context, file)?;
            if !found.contains(&looked_at) {
                let text = format!("--picture {name}: {file} is not the picture that is attached under this name");
                return Err(Fail::usage(text).hint(match found.first() {
                    Some(is) => format!("look at the one that is: evidence show {is} -o FILE"),
                    None => format!("look at what is attached: evidence show {change}"),
                }));
            }
            found.retain(|hash| *hash == looked_at);
        }
        if found.is_empty() {
            let known: BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
            let known: Vec<&str> = known.into_iter().collect();
            let has = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
            let text = format!("--picture: nothing is attached as {name} on tree {}; there is {has}", tree.short());
            return Err(Fail::usage(text));
        }
        seen.extend(found.into_iter().map(|new| PictureSeen { name: name.to_owned(), old: None, new }));
    }
    Ok(seen)
}

/// Says which picture of the same name the branch has where the change starts.
fn held_against(
    context: &Context,
    args: &ReviewArgs,
    change: &ChangeId,
    pictures: &mut [PictureSeen],
) -> Result<(), Fail> {
    let of = ChangeArgs { change: Some(change.to_string()), ..args.of.clone() };
    let (decided, _) = decide_proven(context, &ExplainArgs { name: None, of })?;
    for seen in pictures {
        let before: Vec<&Digest> = decided.picture_before(&seen.name).collect();
        seen.old = match before[..] {
            [] => None,
            [one] => Some(*one),
            _ => {
                let text = format!("--picture: several claims of the branch have a picture {}", seen.name);
                return Err(Fail::usage(text).hint("attach them under different names"));
            }
        };
    }
    Ok(())
}

fn hash(context: &Context, file: &str) -> Result<Digest, Fail> {
    let place = context.cwd.join(file);
    let io = |error: &std::io::Error| Fail::io("the picture cannot be read:", &place, error);
    let mut input = File::open(&place).map_err(|error| io(&error))?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match input.read(&mut buffer).map_err(|error| io(&error))? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// What a review of criteria is recorded under; it is no claim of any policy.
const ACCEPTANCE: &str = "acceptance";
