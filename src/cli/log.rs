//! `evidence log`: records, newest first, at a cost that follows the answer.

use serde_json::{Value, json};

use super::args::LogArgs;
use super::context::Context;
use super::fail::Fail;
use super::verify::plain;
use super::{key, print, print_json};
use crate::crypto::{Envelope, filed_under, leaf_hash};
use crate::merkle::MapText;
use crate::model::{Attachment, Authority, Entry, Event, Fingerprint, Grant, Plan, Predicate, Review, Statement};
use crate::prove::RawRecord;
use crate::store::{Log, Lookup, LookupKey};

pub(super) fn run(context: &Context, args: &LogArgs) -> Result<u8, Fail> {
    let log = context.ledger()?.read()?;
    let mut texts = Vec::new();
    let mut merged = None;
    if let Some(change) = &args.change {
        let change: crate::model::ChangeId =
            change.parse().map_err(|error| Fail::usage(format!("--change: {error}")))?;
        texts.push(MapText::chain(&format!("change:{change}")));
        merged = Some(MapText::label(&format!("change:{change}")));
    }
    if let Some(revision) = &args.commit {
        let oid = match revision.parse::<crate::model::Oid>() {
            Ok(oid) => oid,
            Err(_) => context.repository()?.resolve_commit(revision)?,
        };
        texts.push(MapText::label(&format!("commit:{oid}")));
    }
    if let Some(tree) = &args.tree {
        let oid: crate::model::Oid = tree.parse().map_err(|error| Fail::usage(format!("--tree: {error}")))?;
        texts.push(MapText::label(&format!("tree:{oid}")));
    }
    if let Some(signer) = &args.signer {
        let fingerprint = match signer.parse::<Fingerprint>() {
            Ok(fingerprint) => fingerprint,
            Err(_) => key::public_key(context, signer)?.fingerprint(),
        };
        texts.push(MapText::signer(&fingerprint));
    }
    if let Some(chain) = &args.chain {
        texts.push(MapText::chain(chain));
    }
    let mut serials = filtered(&log, &texts, args.kind.as_deref(), args.limit)?;
    if let Some(merged) = merged {
        // What happened to a change stands in other chains, and names it.
        texts[0] = merged;
        serials.extend(filtered(&log, &texts, args.kind.as_deref(), args.limit)?);
        serials.sort_unstable_by(|a, b| b.cmp(a));
        serials.truncate(args.limit);
    }
    let mut rows = Vec::new();
    for serial in serials {
        if let Some(record) = log.record(serial)? {
            rows.push(row(serial, &record)?);
        }
    }
    if context.json {
        print_json(&json!({"records": rows, "size": log.size()}));
        return Ok(0);
    }
    if !rows.is_empty() {
        print(HEADER);
    }
    for row in &rows {
        print(&line(row));
    }
    Ok(0)
}

/// Returns the newest serials that fit all filters, newest first. The shortest list leads; the others are only looked into.
fn filtered(log: &Log, texts: &[MapText], kind: Option<&str>, limit: usize) -> Result<Vec<u64>, Fail> {
    let mut shortest: Option<(u64, &MapText)> = None;
    for text in texts {
        let (_, count) = log.newest(text, 1)?;
        if shortest.is_none_or(|(least, _)| count < least) {
            shortest = Some((count, text));
        }
    }
    let Some((_, lead)) = shortest else {
        return match kind {
            Some(kind) => serials_of_kind(log, kind, limit),
            None => newest_records(log, limit),
        };
    };
    let mut found = Vec::new();
    let mut asked = limit.max(64);
    loop {
        let (serials, count) = log.newest(lead, asked)?;
        found.clear();
        for serial in serials.iter().rev() {
            if found.len() == limit {
                break;
            }
            let Some(record) = log.record(*serial)? else { continue };
            let entry = Entry::parse(&record.entry).map_err(|error| Fail::usage(error.to_string()))?;
            let listed: Vec<String> = entry.map_texts().collect();
            let all = texts.iter().all(|text| listed.contains(&text.to_string()));
            if all && kind.is_none_or(|kind| entry.kind == kind) {
                found.push(*serial);
            }
        }
        if found.len() == limit || u64::try_from(serials.len()).is_ok_and(|seen| seen == count) {
            return Ok(found);
        }
        asked = asked.saturating_mul(4);
    }
}

fn newest_records(log: &Log, limit: usize) -> Result<Vec<u64>, Fail> {
    let mut found = Vec::new();
    let mut place = log.size();
    while place > 0 && found.len() < limit {
        place -= 1;
        if log.record(place)?.is_some() {
            found.push(place);
        }
    }
    Ok(found)
}

/// Returns the newest serials of a kind, newest first.
fn serials_of_kind(log: &Log, kind: &str, limit: usize) -> Result<Vec<u64>, Fail> {
    Ok(Lookup::find(log, &LookupKey::Kind(kind.to_owned()), limit)?)
}

/// Reads a record for showing it.
pub(super) fn row(serial: u64, record: &RawRecord) -> Result<Value, Fail> {
    let unreadable = |error: &dyn std::fmt::Display| Fail::usage(format!("record {serial}: {error}"));
    let entry = Entry::parse(&record.entry).map_err(|error| unreadable(&error))?;
    let envelope = Envelope::parse(&record.envelope).map_err(|error| unreadable(&error))?;
    let statement = Statement::parse(&envelope.payload).map_err(|error| unreadable(&error))?;
    let (claim, outcome) = match &statement.predicate {
        Predicate::Start(start) => (Some(start.claim.to_string()), None),
        Predicate::Result(run) => (Some(run.claim.to_string()), Some(run.outcome.to_string())),
        Predicate::Review(review) => (
            Some(review.claim.to_string()),
            review.verdict.map(|verdict| json!(verdict).as_str().unwrap_or_default().to_owned()),
        ),
        Predicate::Plan(plan) => (None, Some(format!("tier {}", plan.tier))),
        Predicate::Verdict(verdict) => (None, json!(verdict.decision).as_str().map(ToOwned::to_owned)),
        Predicate::Event(Event::Merge { verdict: None, .. }) => (None, Some("unverified".to_owned())),
        _ => (None, None),
    };
    let about = match &statement.predicate {
        Predicate::Plan(plan) => planned(plan),
        Predicate::Review(review) => looked_at(review),
        Predicate::Result(run) => {
            let told = |it: &Attachment| match &it.caption {
                Some(caption) => format!("{} ({})", it.name, plain(caption)),
                None => it.name.clone(),
            };
            let names: Vec<String> = run.attachments.iter().map(told).collect();
            (!names.is_empty()).then(|| format!("with {}", names.join(", ")))
        }
        Predicate::Authority(Authority::Grant(grant)) => Some(granted(grant)),
        Predicate::Authority(Authority::Root { keys, threshold }) => {
            Some(format!("{threshold} of {} keys", keys.len()))
        }
        Predicate::Authority(Authority::LedgerKey { from_size, .. }) => Some(format!("from size {from_size}")),
        Predicate::Authority(Authority::Genesis { origin, size, .. }) => {
            Some(format!("goes on from {origin} at {size}"))
        }
        Predicate::Exception(exception) => {
            let claims: Vec<&str> = exception.claims.iter().map(|claim| claim.as_str()).collect();
            let of = if exception.changes.is_empty() {
                String::new()
            } else {
                format!(" for {}", exception.changes.join(", "))
            };
            Some(format!("{} {}{of}", exception.id, claims.join(", ")))
        }
        Predicate::Event(Event::Merge { changes, .. }) => {
            let commit = statement.commit().map_or("", |commit| commit.short());
            let changes: Vec<&str> = changes.iter().map(|change| change.as_str()).collect();
            Some(format!("{commit} {}", changes.join(" ")).trim_end().to_owned())
        }
        _ => None,
    };
    Ok(json!({
        "serial": serial, "kind": entry.kind, "time": entry.time, "chain": entry.chain, "claim": claim, "outcome": outcome, "about": about,
        "leaf": leaf_hash(&record.entry), "statement": entry.statement, "labels": entry.labels,
        "change": statement.binding.change, "signers": entry.signed.iter().map(|line| line.fingerprint.to_string()).collect::<Vec<_>>(),
    }))
}

/// Says what a plan says beside its tier.
fn planned(plan: &Plan) -> Option<String> {
    let mut parts: Vec<String> = plan.origin.iter().cloned().collect();
    if !plan.paths.is_empty() {
        parts.push(format!("paths {}", plan.paths.join(" ")));
    }
    if !plan.criteria.is_empty() {
        let ids: Vec<&str> = plan.criteria.iter().map(|criterion| criterion.id.as_str()).collect();
        parts.push(format!("criteria {}", ids.join(" ")));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Says which criteria and pictures a review is about.
fn looked_at(review: &Review) -> Option<String> {
    let criteria = review.criteria.iter().map(|id| format!("criterion {id}"));
    let parts: Vec<String> =
        criteria.chain(review.pictures.iter().map(|seen| format!("picture {}", seen.name))).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Says what a grant gives: roles to a principal, or a name to the principal that it belongs to.
fn granted(grant: &Grant) -> String {
    match filed_under(grant) {
        Some(name) => format!("{name} is {}", grant.principal),
        None => {
            let roles: Vec<&str> = grant.roles.iter().map(|role| role.as_str()).collect();
            format!("{}: {}", grant.principal, roles.join(", "))
        }
    }
}

/// Returns a row's line for people.
pub(super) fn line(row: &Value) -> String {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let time = crate::model::Time(row["time"].as_u64().unwrap_or_default());
    let what = [text("claim"), text("outcome"), text("about")].join(" ");
    let signer = row["signers"][0].as_str().unwrap_or_default();
    format!(
        "#{:<6} {time} {:16} {:28} {} {}\n",
        row["serial"].as_u64().unwrap_or_default(),
        text("kind"),
        text("chain"),
        plain(what.trim()),
        &signer[..signer.len().min(15)]
    )
}

/// Above the columns of [`line`].
const HEADER: &str =
    "SERIAL  TIME                 KIND             CHAIN                        WHAT, AND THE FIRST SIGNER\n";
