//! `evidence export`: a change's proof bundle.

use std::fs::{self, File};
use std::io::BufWriter;

use serde_json::json;

use super::args::ExportArgs;
use super::context::Context;
use super::fail::Fail;
use super::write::may_be_replaced;
use super::{print, print_json};
use crate::export::{Lines, Parts, WriteError, audited_moment, audited_place, write_bundle};
use crate::merkle::{Checkpoint, SignedCheckpoint};
use crate::model::Oid;
use crate::prove::{Change, Complete, Trust};
use crate::store::{Ledger, Log};
use crate::verify::{Clock, Policies, asks_changed_lines, plan_base, read_branch, read_names};

pub(super) fn run(context: &Context, args: &ExportArgs) -> Result<u8, Fail> {
    let ledger = context.ledger()?;
    let trust = context.trust(args.of.target.as_deref())?;
    let (head, target) = context.judged(&args.of)?;
    let (log, _) = context.read(&ledger, &trust)?;
    let named = args.name.as_deref().or(args.of.change.as_deref());
    let change = context.change(named, &head, target.as_ref(), &trust, Some(&log))?;
    let since = args.since.as_ref().map(|path| grown(context, &ledger, &log, &trust, path)).transpose()?;
    let complete = Complete::check(&log, &trust, Change { id: change.clone(), tree: head.tree.clone() })?;
    if complete.of_change().next().is_none() {
        return Err(Fail::usage(format!("the ledger has no record of the change {change}"))
            .hint("evidence log lists what it has"));
    }
    let policies = Policies::read(&complete, &log)?;
    // The bundle holds what its auditor will ask for, who judges as of another moment than now.
    let moment = Clock::AsOf(audited_moment(&complete, &policies, &trust, &head.commit));
    let base = plan_base(&complete, &policies, &trust, moment).unwrap_or_else(|| head.commit.clone());
    let repository = context.repository()?;
    let mut git = repository.facts(&head.commit, &base)?;
    let complete = read_names(complete, &log, &trust, &policies, &git)?;
    let first_parent = &mut |commit: &Oid| repository.first_parent(commit).map_err(Fail::from);
    let before = audited_place(&complete, &policies, &trust);
    let complete = read_branch(complete, &log, &trust, &policies, &mut git, before, first_parent)?;
    let lines = if asks_changed_lines(&complete, &policies, &git) { Lines::Held } else { Lines::LeftOut };
    let output = context.cwd.join(&args.output);
    may_be_replaced(&output)?;
    // A run that fails or is stopped leaves no half-written bundle under the name.
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(&context.cwd);
    let file = tempfile::Builder::new()
        .prefix(".evidence-export-")
        .tempfile_in(folder)
        .map_err(|error| Fail::io("cannot write in", folder, &error))?;
    let out = BufWriter::new(file.as_file());
    let parts = Parts {
        source: &log,
        materials: &log,
        complete: &complete,
        objects: repository,
        head: &head.commit,
        base: &base,
        lines,
        below: git.below.as_ref(),
        trust: &trust,
        since: since.as_ref(),
    };
    let written = write_bundle(out, &parts);
    let exported = written.map_err(|error| match error {
        WriteError::Source(error) => error.into(),
        WriteError::Git(error) => error.into(),
        WriteError::Io(_) | WriteError::Zip(_) => Fail::usage(error.to_string()),
    })?;
    file.as_file().sync_all().map_err(|error| Fail::io("cannot sync", &output, &error))?;
    readable(file.as_file(), &output)?;
    file.persist(&output).map_err(|error| Fail::io("cannot write", &output, &error.error))?;
    let bytes = fs::metadata(&output).map_or(0, |metadata| metadata.len());
    for digest in &exported.left_out {
        context.say(&format!("note: the material {digest} is not in the ledger, and so not in the bundle"));
    }
    if context.json {
        print_json(
            &json!({"file": output, "bytes": bytes, "change": change, "commit": head.commit, "records": exported.records, "materials": exported.materials, "leftOut": exported.left_out, "size": complete.checkpoint().checkpoint().size}),
        );
    } else {
        print(&format!(
            "{}: {change} at {}, {} records, {} materials, {bytes} bytes\n",
            args.output.display(),
            head.commit.short(),
            exported.records,
            exported.materials
        ));
    }
    Ok(0)
}

/// A temporary file is its owner's alone; a bundle is for others.
pub(super) fn readable(file: &File, path: &std::path::Path) -> Result<(), Fail> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644)).map_err(|error| Fail::io("cannot write", path, &error))
}

fn grown(
    context: &Context,
    ledger: &Ledger,
    log: &Log,
    trust: &Trust,
    path: &std::path::Path,
) -> Result<crate::merkle::Consistency, Fail> {
    let path = context.cwd.join(path);
    let note = fs::read(&path).map_err(|error| Fail::io("the older checkpoint cannot be read:", &path, &error))?;
    let unreadable = |error: crate::merkle::CheckpointError| Fail::usage(format!("{}: {error}", path.display()));
    let size = Checkpoint::parse_note(&note).map_err(unreadable)?.size;
    let older =
        SignedCheckpoint::open(&note, &trust.log_keys(ledger.origin(), size), ledger.origin()).map_err(unreadable)?;
    let older = older.checkpoint();
    let newer = log.checkpoint()?.unwrap_or_default();
    let heads = || vec![String::from_utf8_lossy(&note).into_owned(), String::from_utf8_lossy(&newer).into_owned()];
    if older.size > log.size() {
        return Err(Fail::alarm(
            format!("the older checkpoint names {} entries and the ledger has {}", older.size, log.size()),
            heads(),
        ));
    }
    let proof = log.consistency(older.size)?;
    let now = Checkpoint::parse_note(&newer).map_err(unreadable)?;
    proof.check(&older.root, now.size, &now.root).map_err(|error| {
        Fail::alarm(format!("the ledger did not only grow since size {}: {error}", older.size), heads())
    })?;
    Ok(proof)
}
