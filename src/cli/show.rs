//! `evidence show`: a record by serial or hash, a commit, or a change with its whole story.

use serde_json::{Value, json};

use super::args::ShowArgs;
use super::context::Context;
use super::fail::Fail;
use super::log::{line, row};
use super::{print, print_json};
use crate::append::Receipt;
use crate::crypto::Envelope;
use crate::merkle::MapText;
use crate::model::ChangeId;
use crate::store::{Log, Lookup, LookupKey};

pub(super) fn run(context: &Context, args: &ShowArgs) -> Result<u8, Fail> {
    let log = context.ledger()?.read()?;
    let what = args.what.trim_start_matches('#');
    if what.is_empty() {
        return Err(Fail::usage("there is nothing to show: the argument is empty").hint("evidence show CHANGE"));
    }
    if let Ok(serial) = what.parse::<u64>() {
        return one(context, &log, serial);
    }
    if let Ok(change) = what.parse::<ChangeId>() {
        for text in [MapText::chain(&format!("change:{change}")), MapText::label(&format!("alias:{change}"))] {
            let (mut serials, _) = log.newest(&text, usize::MAX)?;
            if !serials.is_empty() {
                // What happened to it stands in other chains, and names it.
                serials.extend(log.newest(&MapText::label(&format!("change:{change}")), usize::MAX)?.0);
                serials.sort_unstable();
                return story(context, &log, &format!("change {change}"), &serials);
            }
        }
    }
    let hash = what.trim_start_matches("sha256:");
    if hash.len() >= 6 && hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        let hash = hash.to_ascii_lowercase();
        let found = Lookup::find(&log, &LookupKey::Hash(hash.clone()), 2)?;
        match found[..] {
            [serial] => return one(context, &log, serial),
            [_, _, ..] => {
                return Err(
                    Fail::usage(format!("several records have hashes that begin with {hash}")).hint("give more digits")
                );
            }
            [] => {}
        }
    }
    if let Ok(repository) = context.repository()
        && let Ok(commit) = repository.resolve_commit(what)
    {
        let (serials, _) = log.newest(&MapText::label(&format!("commit:{commit}")), usize::MAX)?;
        if !serials.is_empty() {
            return story(context, &log, &format!("commit {commit}"), &serials);
        }
    }
    Err(Fail::usage(format!("the ledger has nothing under `{}`", args.what)).hint("evidence log lists what it has"))
}

fn one(context: &Context, log: &Log, serial: u64) -> Result<u8, Fail> {
    if serial >= log.size() {
        return Err(Fail::usage(format!("there is no entry {serial}: the ledger has {}", log.size())));
    }
    let Some(record) = log.record(serial)? else {
        let entry = log.map_entry(serial)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&entry).into_owned();
        if context.json {
            print_json(&json!({"serial": serial, "kind": "map", "entry": text}))
        } else {
            print(&text)
        }
        return Ok(0);
    };
    let envelope = Envelope::parse(&record.envelope).map_err(|error| Fail::usage(error.to_string()))?;
    let statement: Value = serde_json::from_slice(&envelope.payload).map_err(|error| Fail::usage(error.to_string()))?;
    let entry = String::from_utf8_lossy(&record.entry).into_owned();
    if context.json {
        let mut shown = row(serial, &record)?;
        shown["entry"] = json!(entry);
        shown["proof"] = json!(Receipt::of(log, serial)?.print());
        shown["statementBody"] = statement;
        print_json(&shown);
    } else {
        let body = serde_json::to_string_pretty(&statement).unwrap_or_default();
        let row = row(serial, &record)?;
        print(&format!("record {serial}\nleaf {}\n{entry}{body}\n", row["leaf"].as_str().unwrap_or_default()));
    }
    Ok(0)
}

fn story(context: &Context, log: &Log, what: &str, serials: &[u64]) -> Result<u8, Fail> {
    let mut rows = Vec::new();
    for serial in serials {
        if let Some(record) = log.record(*serial)? {
            rows.push(row(*serial, &record)?);
        }
    }
    if context.json {
        print_json(&json!({"what": what, "records": rows}));
        return Ok(0);
    }
    print(&format!("{what}: {} records\n", rows.len()));
    for row in &rows {
        print(&line(row));
    }
    Ok(0)
}
