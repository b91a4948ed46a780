//! `evidence ledger convict`, and the audit of what it writes: proof that a log signed what cannot both be true.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};

use super::args::ConvictArgs;
use super::context::Context;
use super::fail::Fail;
use super::{print, print_json};
use crate::export::Bundle;
use crate::git::need_commit;
use crate::prove::{Change, Complete, Convicted, Conviction, ConvictionError, Shown, Trust};

pub(super) fn run(context: &Context, args: &ConvictArgs) -> Result<u8, Fail> {
    let trust = context.trust_of_auditor()?;
    let shown = |path: &Path| shown(&context.cwd.join(path), &trust);
    let (a, b) = (shown(&args.a)?, shown(&args.b)?);
    let Some(conviction) = Conviction::find(&a, &b) else {
        let text = "the two do not contradict each other: where they speak of the same, they agree";
        return Err(Fail { exit: 1, ..Fail::usage(text) });
    };
    let convicted = conviction.check(&trust)?;
    let path = context.cwd.join(&args.output);
    super::init::write_new(&path, conviction.print().as_bytes(), 0o644)?;
    if context.json {
        print_json(&json!({"file": path, "text": convicted.text, "heads": convicted.heads}));
    } else {
        print(&format!("{}: {}\n", path.display(), convicted.text));
        context.say("hint: hand it to whoever believes this log; evidence audit checks it offline");
    }
    Ok(0)
}

/// Reads a conviction, if the file is one.
pub(super) fn read(path: &Path) -> Result<Option<Conviction>, Fail> {
    let file = File::open(path).map_err(|error| Fail::io("cannot read", path, &error))?;
    let mut bytes = Vec::new();
    let read = file.take(CONVICTION_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| Fail::io("cannot read", path, &error))?;
    if bytes.first() != Some(&b'{') {
        return Ok(None);
    }
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > CONVICTION_BYTES_MAX {
        return Err(Fail::usage(format!("{} has more than 64 MiB", path.display())));
    }
    Ok(Some(Conviction::parse(&bytes)?))
}

/// Checks a conviction under a trust file.
pub(super) fn audit(context: &Context, conviction: &Conviction, trust: &Trust) -> Result<u8, Fail> {
    let Convicted { text, heads } = conviction.check(trust)?;
    if context.json {
        print_json(&json!({"convicted": text, "heads": heads}));
    } else {
        print(&format!("holds: the log is convicted: {text}\n\n{}\n{}", heads[0], heads[1]));
    }
    Ok(0)
}

/// Reads what a log gave out: a bundle, a checkpoint, or a receipt with its entry.
fn shown(path: &Path, trust: &Trust) -> Result<Shown, Fail> {
    let wrong = |error: &dyn std::fmt::Display| {
        Fail::usage(format!("{}: {error}", path.display()))
            .hint("wanted a checkpoint, a bundle, or what `attest --json` or `show SERIAL --json` printed")
    };
    let mut start = [0; 2];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut start))
        .map_err(|error| Fail::io("cannot read", path, &error))?;
    if &start == b"PK" {
        let bundle = Bundle::open(path)?;
        let tree = need_commit(&bundle, bundle.commit()).map_err(|error| wrong(&error))?.tree;
        let complete = Complete::check(&bundle, trust, Change { id: bundle.change().clone(), tree })?;
        return Ok(Shown::of_complete(&complete, &bundle)?);
    }
    let bytes = fs::read(path).map_err(|error| Fail::io("cannot read", path, &error))?;
    if start[0] != b'{' {
        return Ok(Shown::of_note(&bytes, trust)?);
    }
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| wrong(&error))?;
    match (value["proof"].as_str(), value["entry"].as_str()) {
        (Some(proof), Some(entry)) => Ok(Shown::of_receipt(proof, entry, trust)?),
        _ => Err(wrong(&"it has no members `proof` and `entry`")),
    }
}

impl From<ConvictionError> for Fail {
    fn from(error: ConvictionError) -> Self {
        let text = error.to_string();
        match error {
            ConvictionError::Head(error) => error.into(),
            ConvictionError::Form(_) | ConvictionError::Entry(_) => Self::usage(text),
            ConvictionError::Proof(_) | ConvictionError::Nothing(_) => Self { exit: 1, ..Self::usage(text) },
        }
    }
}

/// A list of half a million records.
const CONVICTION_BYTES_MAX: u64 = 64 * 1024 * 1024;
