//! `evidence show`: a record by serial or hash, a commit, a change with its whole story, or a file that was kept.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal as _, Read};
use std::path::Path;

use serde_json::{Value, json};

use super::args::ShowArgs;
use super::context::Context;
use super::export::readable;
use super::fail::Fail;
use super::log::{line, row};
use super::verify::plain;
use super::write::may_be_replaced;
use super::{print, print_json};
use crate::append::Receipt;
use crate::crypto::{Envelope, Hasher};
use crate::merkle::MapText;
use crate::model::{ChangeId, Digest, Material, PictureSeen, Predicate, Statement};
use crate::prove::{Materials as _, SourceError};
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
    if let Some((material, named)) = material(&log, hash)? {
        return kept(context, &log, &material, &named, args.output.as_deref());
    }
    Err(Fail::usage(format!("the ledger has nothing under `{}`", args.what)).hint("evidence log lists what it has"))
}

/// Finds a file that some record names, by its hash or the beginning of it, and what records call it.
fn material(log: &Log, hash: &str) -> Result<Option<(Digest, BTreeSet<String>)>, Fail> {
    let hash = hash.to_ascii_lowercase();
    if hash.len() < 6 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let mut found: BTreeMap<Digest, BTreeSet<String>> = BTreeMap::new();
    for serial in (0..log.size()).rev() {
        let Some(record) = log.record(serial)? else { continue };
        let payload = Envelope::parse(&record.envelope).map_err(|error| Fail::usage(error.to_string()))?.payload;
        let Ok(statement) = Statement::parse(&payload) else { continue };
        for (digest, name) in named(&statement.predicate) {
            if digest.to_string().starts_with(&hash) {
                found.entry(digest).or_default().insert(name);
            }
        }
    }
    match found.len() {
        0 | 1 => Ok(found.pop_first()),
        _ => Err(Fail::usage(format!("several files have hashes that begin with {hash}")).hint("give more digits")),
    }
}

/// Returns the files that a record names, and what it calls them.
fn named(predicate: &Predicate) -> Vec<(Digest, String)> {
    let of = |material: &Material| (material.sha256, material.name.clone());
    match predicate {
        Predicate::Result(run) => {
            let of_base = run.base_runs().flat_map(|run| &run.materials);
            let called = run.attachments.iter().map(|said| (said.material, said.name.clone()));
            run.materials.iter().chain(of_base).map(of).chain(called).collect()
        }
        Predicate::Plan(plan) => plan.materials().map(of).collect(),
        Predicate::Review(review) => {
            let old = |seen: &PictureSeen| seen.old.map(|old| (old, seen.name.clone()));
            review.notes.iter().map(of).chain(review.pictures.iter().filter_map(old)).collect()
        }
        _ => Vec::new(),
    }
}

/// Writes a file that the ledger keeps as it is.
fn kept(
    context: &Context,
    log: &Log,
    material: &Digest,
    named: &BTreeSet<String>,
    output: Option<&Path>,
) -> Result<u8, Fail> {
    let bytes = checked(log, material)?;
    let mut input = open(log, material)?;
    let names: Vec<&str> = named.iter().map(String::as_str).collect();
    if let Some(output) = output {
        let place = context.cwd.join(output);
        may_be_replaced(&place)?;
        let io = |error: &io::Error| Fail::io("cannot write", &place, error);
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(&context.cwd);
        let file = tempfile::NamedTempFile::new_in(folder).map_err(|error| io(&error))?;
        io::copy(&mut input, &mut file.as_file()).map_err(|error| io(&error))?;
        readable(file.as_file(), &place)?;
        file.persist(&place).map_err(|error| io(&error.error))?;
        if context.json {
            print_json(&json!({"file": place, "sha256": material, "bytes": bytes, "names": names}));
        } else {
            print(&format!(
                "{}: {bytes} bytes, sha256:{material}, called {}\n",
                output.display(),
                plain(&names.join(", "))
            ));
        }
        return Ok(0);
    }
    let mut out = io::stdout().lock();
    if context.json || out.is_terminal() {
        drop(out);
        if context.json {
            print_json(&json!({"sha256": material, "bytes": bytes, "names": names}));
        } else {
            print(&format!("file sha256:{material}, {bytes} bytes, called {}\n", plain(&names.join(", "))));
            context.say("hint: evidence show HASH -o FILE writes it");
        }
        return Ok(0);
    }
    io::copy(&mut input, &mut out).map_err(|error| Fail::usage(error.to_string()))?;
    Ok(0)
}

fn open<'a>(log: &'a Log, material: &Digest) -> Result<Box<dyn Read + 'a>, Fail> {
    let broken = |error: SourceError| Fail::usage(error.to_string());
    log.prepare(&[*material]).map_err(broken)?;
    let input = log.material(material).map_err(broken)?;
    let missing = || Fail::usage(format!("records name the file sha256:{material}, and it is not in the ledger"));
    input.map(|input| Box::new(input) as Box<dyn Read>).ok_or_else(missing)
}

/// Checks that what is kept under a hash has it, before anything of it is given out; returns how long it is.
fn checked(log: &Log, material: &Digest) -> Result<u64, Fail> {
    let mut input = open(log, material)?;
    let (mut hasher, mut bytes, mut buffer) = (Hasher::default(), 0, vec![0; BUFFER_BYTES]);
    loop {
        match input.read(&mut buffer).map_err(|error| Fail::usage(error.to_string()))? {
            0 => break,
            count => {
                hasher.update(&buffer[..count]);
                bytes += u64::try_from(count).unwrap_or(u64::MAX);
            }
        }
    }
    let is = hasher.finish();
    match is == *material {
        true => Ok(bytes),
        false => {
            Err(Fail::usage(format!("what is kept as sha256:{material} has the hash {is}"))
                .hint("evidence ledger check"))
        }
    }
}

const BUFFER_BYTES: usize = 64 * 1024;

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
