//! `evidence key impact`: what a key signed, and what rests on the keys that it granted or leased.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::context::{Context, now};
use super::fail::Fail;
use super::key::{all_rights, public_key};
use super::{print, print_json};
use crate::merkle::MapText;
use crate::model::{Entry, Fingerprint};
use crate::store::Log;
use crate::verify::{Authority, Known};

pub(super) fn run(context: &Context, which: &str) -> Result<(), Fail> {
    let key = match which.parse::<Fingerprint>() {
        Ok(fingerprint) => fingerprint,
        Err(_) => public_key(context, which)?.fingerprint(),
    };
    let trust = context.trust(None)?;
    let log = context.log(&trust)?;
    let rights = all_rights(&log, &trust)?;
    let authority = rights.authority(&trust, now());
    let own = Signed::by(&log, &key)?;
    let below = below(&authority, &key)
        .into_iter()
        .map(|known| Ok((known, Signed::by(&log, &known.key)?)))
        .collect::<Result<Vec<_>, Fail>>()?;
    let revoked = authority.revoked(&key);
    if context.json {
        let of = |is_lease: bool| -> Vec<Value> {
            let wanted = below.iter().filter(|(known, _)| known.grant.leased_by.is_some() == is_lease);
            wanted.map(|(known, signed)| below_json(known, signed)).collect()
        };
        print_json(&json!({"key": key, "revoked": revoked, "records": own.records, "changes": own.changes_json(),
            "granted": of(false), "leased": of(true)}));
        return Ok(());
    }
    let state = revoked.map_or_else(|| "not revoked".to_owned(), |serial| format!("revoked in #{serial}"));
    let mut text = format!("{key}: {}, {state}\n{}", own.counts(), own.lines("  "));
    for (known, signed) in &below {
        let what = if known.grant.leased_by.is_some() { "leased" } else { "granted" };
        let (serial, key, principal) = (known.serial, &known.key, &known.grant.principal);
        text.push_str(&format!("  {what} #{serial} {key} to {principal}: {}\n", signed.counts()));
        text.push_str(&signed.lines("    "));
    }
    if revoked.is_none() {
        context.say("hint: evidence key revoke KEY --reason WHY ends what it supports, and what it granted and leased");
    }
    print(&text);
    Ok(())
}

/// Returns the grants that rest on a key, each key once: those that it signed, and those that such keys signed.
fn below<'a>(authority: &'a Authority<'_>, key: &Fingerprint) -> Vec<&'a Known> {
    let mut keys = BTreeSet::from([key.clone()]);
    let mut found = Vec::new();
    for known in authority.grants().iter().filter(|known| !known.is_filing()) {
        if known.signers().iter().any(|signer| keys.contains(signer)) && keys.insert(known.key.clone()) {
            found.push(known);
        }
    }
    found
}

/// What a key signed.
struct Signed {
    records: Vec<Value>,
    /// The number of records about each change, and whether it is merged.
    changes: BTreeMap<String, (u64, bool)>,
}

impl Signed {
    fn by(log: &Log, key: &Fingerprint) -> Result<Self, Fail> {
        let (serials, _) = log.newest(&MapText::signer(key), usize::MAX)?;
        let (mut records, mut changes) = (Vec::new(), BTreeMap::new());
        for serial in serials {
            let Some(record) = log.record(serial)? else { continue };
            let entry = Entry::parse(&record.entry).map_err(|error| Fail::usage(error.to_string()))?;
            if let Some(change) = entry.chain.strip_prefix("change:") {
                let merged = !log.newest(&MapText::label(&format!("change:{change}")), 1)?.0.is_empty();
                changes.entry(change.to_owned()).or_insert((0, merged)).0 += 1;
            }
            records.push(json!({"serial": serial, "kind": entry.kind, "chain": entry.chain, "time": entry.time}));
        }
        Ok(Self { records, changes })
    }

    fn counts(&self) -> String {
        format!("{} records, {} changes", self.records.len(), self.changes.len())
    }

    fn lines(&self, indent: &str) -> String {
        let line = |(change, (count, merged)): (&String, &(u64, bool))| {
            format!("{indent}{change}: {count} records{}\n", if *merged { ", merged" } else { "" })
        };
        self.changes.iter().map(line).collect()
    }

    fn changes_json(&self) -> Vec<Value> {
        let of = |(change, (count, merged)): (&String, &(u64, bool))| json!({"change": change, "records": count, "merged": merged});
        self.changes.iter().map(of).collect()
    }
}

fn below_json(known: &Known, signed: &Signed) -> Value {
    json!({"key": known.key, "principal": known.grant.principal, "serial": known.serial, "by": known.signers(),
        "records": signed.records, "changes": signed.changes_json()})
}
