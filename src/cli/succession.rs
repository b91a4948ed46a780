//! `evidence key root`, `evidence ledger trust|rotate|close`: what the roots say of the log itself. How it goes on in another is in `next.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::args::{CloseArgs, RotateArgs};
use super::context::{Context, now};
use super::fail::Fail;
use super::key::done;
use super::keys::{lent, log_keys_in, new_log_key, public_key};
use super::log_keys;
use super::write::may_be_replaced;
use super::{next, print, print_json};
use crate::append::{AppendError, Receipt, Refusal, Rights};
use crate::attest::Signer;
use crate::crypto::{NoteKey, PublicKey, SecretKey};
use crate::merkle::Checkpoint;
use crate::prove::Trust;
use crate::verify::{Code, follow};

/// Lets other keys be the roots.
pub(super) fn root(context: &Context, keys: &[String], threshold: u32) -> Result<(), Fail> {
    let keys = keys.iter().map(|which| public_key(which, &context.cwd)).collect::<Result<Vec<_>, _>>()?;
    let distinct = keys.iter().map(PublicKey::fingerprint).collect::<BTreeSet<_>>().len();
    if distinct < keys.len() || !usize::try_from(threshold).is_ok_and(|count| (1..=distinct).contains(&count)) {
        let text = format!("{} keys, {distinct} of them distinct, with a threshold of {threshold}", keys.len());
        return Err(Fail::usage(text).hint("wanted distinct keys, and a threshold from 1 to their number"));
    }
    let appender = context.appender(context.trust(None)?)?;
    let roots = context.root_keys()?;
    let receipt = Signer { appender: &appender, keys: lent(&roots) }.roots(&keys, threshold)?;
    done(context, &receipt, &format!("{threshold} of {} keys are the roots from here on", keys.len()));
    context.say(
        "hint: the trust file stays as it is: it names the roots of the log's beginning, and verifiers follow them",
    );
    Ok(())
}

/// Prints the trust file, followed forward by what the roots recorded.
pub(super) fn trust(context: &Context, output: Option<&Path>) -> Result<u8, Fail> {
    let trust = followed(context)?;
    let text = format!("{HEADER}{}", trust.print());
    match output {
        Some(path) => {
            let path = context.cwd.join(path);
            may_be_replaced(&path)?;
            replace(&path, &text)?;
        }
        None if context.json => print_json(&json!({"trust": text})),
        None => print(&text),
    }
    Ok(0)
}

/// Gives the log another key; the one before signs beside it until it is retired.
pub(super) fn rotate(context: &Context, args: &RotateArgs) -> Result<u8, Fail> {
    let ledger = context.ledger()?;
    let origin = ledger.origin().to_owned();
    let [current, old, next] = log_keys::paths(&origin)?;
    if args.retire {
        return retire(context, &origin, &current, &old);
    }
    if old.exists() && !log_keys::are_named() {
        return Err(Fail::usage(format!("the log key before this one still signs: {}", old.display()))
            .hint("when every trust file has the new one: evidence ledger rotate --retire"));
    }
    let path = match (&args.output, log_keys::are_named()) {
        (Some(path), _) => context.cwd.join(path),
        (None, false) => next.clone(),
        (None, true) => {
            return Err(Fail::usage("EVIDENCE_LOG_KEY holds the log key, so the new one needs a place")
                .hint("evidence ledger rotate --output FILE, and put it before the old one in EVIDENCE_LOG_KEY"));
        }
    };
    let appender = context.appender(context.trust(None)?)?;
    // One that is there was made by a change that did not come to its end.
    let key = if path == next && path.exists() { only(&path)? } else { new_log_key(&path)? };
    let vkey = NoteKey::new(&origin, key.public()).map_err(|error| Fail::usage(error.to_string()))?;
    let appender = appender.with_log_key(key);
    let roots = context.root_keys()?;
    let signer = Signer { appender: &appender, keys: lent(&roots) };
    let receipt = signed_from(&signer, &vkey).inspect_err(|_| {
        // Nobody was told of it.
        let _ = fs::remove_file(&path);
    })?;
    if path == next {
        let renamed = fs::rename(&current, &old).and_then(|()| fs::rename(&next, &current));
        renamed.map_err(|error| Fail::io("cannot rename", &current, &error))?;
    }
    remember(context, &followed(context)?)?;
    done(context, &receipt, &format!("the log's key is now {vkey}"));
    context.say(
        "both keys sign until the old one is retired\nhint: evidence ledger trust -o .evidence/trust.toml, commit it, and when every verifier has it: evidence ledger rotate --retire",
    );
    Ok(0)
}

/// The size from which the key signs must lie ahead of the record, whoever appends beside us.
fn signed_from(signer: &Signer<'_>, vkey: &NoteKey) -> Result<Receipt, Fail> {
    let mut tries = 0;
    loop {
        let from_size = signer.appender.ledger().read()?.size() + 2;
        match signer.log_key(vkey, from_size) {
            Err(AppendError::Refused(Refusal::LogKey { .. })) if tries < TRIES => tries += 1,
            other => return Ok(other?),
        }
    }
}

fn only(path: &Path) -> Result<SecretKey, Fail> {
    let first = log_keys_in(path)?.into_iter().next();
    first.ok_or_else(|| Fail::usage(format!("{} holds no key", path.display())))
}

fn retire(context: &Context, origin: &str, current: &Path, old: &Path) -> Result<u8, Fail> {
    if log_keys::are_named() {
        return Err(Fail::usage("EVIDENCE_LOG_KEY holds the log keys").hint("take the old one out of it"));
    }
    let trust = context.trust(None)?;
    let log = context.log(&trust)?;
    let rights = Rights::read(&log, &trust, [])?;
    let given = rights.authority(&trust, now()).log_keys().last().map(|key| key.vkey.key().clone());
    if !old.exists() || given != Some(only(current)?.public()) {
        return Err(Fail::usage(format!("no key of {origin} gave way to another here: there is no {}", old.display()))
            .hint("evidence ledger rotate"));
    }
    fs::remove_file(old).map_err(|error| Fail::io("cannot remove", old, &error))?;
    if context.json {
        print_json(&json!({"origin": origin, "retired": old}));
    } else {
        print(&format!("{origin}: only the new key signs from here on\n"));
    }
    Ok(0)
}

/// Closes the log, and goes on in another where that is wanted.
pub(super) fn close(context: &Context, args: &CloseArgs) -> Result<u8, Fail> {
    let trust = context.trust(None)?;
    let appender = context.appender(trust.clone())?;
    let at = if args.next { Some(next::place(context, &appender, args.reference.as_deref())?) } else { None };
    let roots = context.root_keys()?;
    let log = appender.ledger().read()?;
    let before = Rights::read(&log, &trust, [])?.authority(&trust, now()).closed();
    let last = match (before, &args.reason) {
        (Some(last), _) if args.next => last,
        (Some(last), _) => {
            return Err(Fail::refused(Code::CLOSED_LEDGER, format!("record {last} closes the log already"))
                .hint("evidence ledger close --next goes on in another"));
        }
        (None, None) => return Err(Fail::usage("a log is closed for a reason").hint("--reason WHY")),
        (None, Some(reason)) => {
            let signer = Signer { appender: &appender, keys: lent(&roots) };
            signer.close(reason.clone())?.serial
        }
    };
    let log = appender.ledger().read()?;
    let note = log.checkpoint()?.ok_or_else(|| Fail::usage("the closed log has no head"))?;
    let head = Checkpoint::parse_note(&note).map_err(|error| Fail::usage(error.to_string()))?;
    let next = match &at {
        Some(at) => Some(next::go_on(context, &appender, at, &roots, &head)?),
        None => {
            remember(context, &followed(context)?)?;
            None
        }
    };
    if context.json {
        let next = next.as_ref().map(next::Next::to_json);
        print_json(&json!({"serial": last, "origin": head.origin, "size": head.size, "root": head.root, "next": next}));
        return Ok(0);
    }
    print(&format!("#{last} closes {} at {} entries\n", head.origin, head.size));
    match next {
        Some(next) => next.show(context)?,
        None => context.say("hint: evidence ledger close --next goes on in another"),
    }
    Ok(0)
}

/// Reads the trust file and follows it forward.
pub(super) fn followed(context: &Context) -> Result<Trust, Fail> {
    let trust = context.trust(None)?;
    let ledger = context.ledger()?;
    let rights = Rights::read(&context.read(&ledger, &trust)?.0, &trust, [])?;
    Ok(follow(&trust, ledger.origin(), &rights.authority(&trust, now())))
}

/// Keeps a trust file where `init` put it, if that is the one in use; else prints it.
pub(super) fn remember(context: &Context, trust: &Trust) -> Result<(), Fail> {
    let text = format!("{HEADER}{}", trust.print());
    match context.remembered_trust()? {
        Some(path) => replace(&path, &text),
        None => {
            context.say(&format!("the trust file that is in use is not changed; it is now to say:\n{text}"));
            Ok(())
        }
    }
}

/// Puts a file into the place of another in one step.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Fail> {
    let folder = path.parent().unwrap_or(path);
    let written = tempfile::Builder::new().prefix(".new-").tempfile_in(folder).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        fs::File::open(folder)?.sync_all()
    });
    written.map_err(|error| Fail::io("cannot write", path, &error))
}

pub(super) const HEADER: &str =
    "# Whom verifiers of this repository believe: the ledger's key and the roots. Commit it.\n";
/// Whoever loses this many races in a row is told so.
const TRIES: u32 = 20;
