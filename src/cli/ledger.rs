//! `evidence ledger`: the ledger itself.

use serde_json::{Value, json};

use super::args::{LedgerAct, LedgerArgs};
use super::context::Context;
use super::fail::Fail;
use super::log::row;
use super::progress::Progress;
use super::{anchor, convict, restore, succession};
use super::{print, print_json};
use crate::model::Digest;
use crate::store::{Log, StoreError};
use crate::trace::{CheckError, check_ledger};
use crate::verify::Code;

pub(super) fn run(context: &Context, args: &LedgerArgs) -> Result<u8, Fail> {
    match &args.act {
        LedgerAct::Check => check(context),
        LedgerAct::Rebuild => rebuild(context),
        LedgerAct::Restore => restore::restore(context),
        LedgerAct::Forget => restore::forget(context),
        LedgerAct::Anchor(args) => anchor::run(context, args),
        LedgerAct::Trust { output } => succession::trust(context, output.as_deref()),
        LedgerAct::Rotate(args) => succession::rotate(context, args),
        LedgerAct::Convict(args) => convict::run(context, args),
        LedgerAct::Close(args) => succession::close(context, args),
    }
}

fn rebuild(context: &Context) -> Result<u8, Fail> {
    let ledger = context.ledger()?;
    // It also takes away what a cut-off writer left: not while a larger log is remembered.
    if let Ok(trust) = context.trust(None) {
        context.read(&ledger, &trust)?;
    }
    let mut progress = Progress::begin(context);
    let size = ledger.rebuild(&mut |entries| progress.show(|| format!("{entries} entries read")))?;
    drop(progress);
    if context.json {
        print_json(&json!({"origin": ledger.origin(), "size": size}));
    } else {
        print(&format!("{}: the cache of {size} entries is made anew\n", ledger.origin()));
        context.say("hint: evidence ledger check holds every signature and material too");
    }
    Ok(0)
}

fn check(context: &Context) -> Result<u8, Fail> {
    let ledger = context.ledger()?;
    let trust = context.trust(None)?;
    let mut progress = Progress::begin(context);
    let mut tell = |records: u64| progress.show(|| format!("{records} records checked"));
    let checked = check_ledger(&ledger, &trust, &mut tell).map_err(fail)?;
    drop(progress);
    let (log, mut held) = context.read(&ledger, &trust)?;
    if let Some(repository) = context.repository_if_any()? {
        held.extend(anchor::hold_notes(repository, &ledger, &log, &trust)?);
    }
    let missing: Vec<String> = checked.missing.keys().map(ToString::to_string).collect();
    let missing_of = checked.missing.iter().map(|(digest, serial)| named_by(&log, digest, *serial));
    let missing_of = missing_of.collect::<Result<Vec<Value>, Fail>>()?;
    let jumps: Vec<_> =
        checked.jumps.iter().map(|(serial, from, to)| json!({"serial": serial, "from": from, "to": to})).collect();
    if context.json {
        print_json(
            &json!({"origin": ledger.origin(), "size": checked.replayed.size, "root": checked.replayed.root, "records": checked.records,
            "signatures": checked.signatures, "materials": checked.materials, "missing": missing, "missingOf": missing_of, "jumps": jumps, "torn": checked.replayed.torn,
            "held": held.iter().map(|held| json!({"by": held.by, "size": held.size})).collect::<Vec<_>>()}),
        );
    } else {
        print(&format!(
            "{}: {} entries, {} records, {} signatures, {} materials: all hold\n",
            ledger.origin(),
            checked.replayed.size,
            checked.records,
            checked.signatures,
            checked.materials
        ));
        for held in &held {
            print(&format!("{}\n", held.sentence()));
        }
        for (serial, from, to) in &checked.jumps {
            print(&format!("the clock jumps from {from} to {to} at record {serial}\n"));
        }
        if checked.replayed.torn {
            print(
                "a writer was cut off: the tail behind the last checkpoint goes to log/torn-* with the next append\n",
            );
        }
        for of in &missing_of {
            let text = |name: &str| of[name].as_str().map_or_else(String::new, |text| format!(" {text}"));
            print(&format!(
                "missing material{}, of record {}:{}{}{}\n",
                text("material"),
                of["serial"],
                text("kind"),
                text("claim"),
                text("about")
            ));
        }
    }
    if missing.is_empty() {
        return Ok(0);
    }
    Err(Fail::refused(Code::NO_MATERIAL, format!("{} materials that records name are not there", missing.len()))
        .hint("restore them under blobs/sha256 from a copy"))
}

/// Returns what is known of a material that is not there, by the first record that names it.
fn named_by(log: &Log, digest: &Digest, serial: u64) -> Result<Value, Fail> {
    let record = log.record(serial)?.map(|record| row(serial, &record)).transpose()?;
    let record = record.unwrap_or_default();
    Ok(json!({"material": digest, "serial": serial, "kind": record["kind"], "claim": record["claim"],
        "about": record["change"], "time": record["time"]}))
}

fn fail(error: CheckError) -> Fail {
    match error {
        // Where to look is this command's own answer to others; here it is what it found.
        CheckError::Store(error @ StoreError::Contradiction { .. }) => Fail { hint: None, ..error.into() }.hint(ALARM),
        CheckError::Store(error) => error.into(),
        CheckError::Rights(error) => (*error).into(),
        CheckError::Checkpoint { .. }
        | CheckError::RetiredKey { .. }
        | CheckError::Closed { .. }
        | CheckError::Record { .. }
        | CheckError::Material { .. } => Fail { hint: None, ..Fail::alarm(error.to_string(), Vec::new()) }.hint(ALARM),
    }
}

const ALARM: &str = "let nobody append, keep the folder as it is, and hold it against a copy or a bundle of others: evidence help threats";
