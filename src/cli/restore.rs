//! `evidence ledger restore|forget`: the ways back after an alarm about a ledger on a git remote.

use serde_json::json;

use super::context::Context;
use super::fail::Fail;
use super::{print, print_json};

/// Gives back to the remote what it lacks.
pub(super) fn restore(context: &Context) -> Result<u8, Fail> {
    let ledger = context.ledger_copy()?;
    let trust = context.trust(None)?;
    context.memory(&ledger, &trust)?.hold(ledger.origin(), &ledger.read()?)?;
    let restored = ledger.restore()?;
    // What is there now is read as everybody reads it.
    let now = context.ledger()?.read()?.size();
    let (origin, before) = (ledger.origin(), restored.before);
    if context.json {
        print_json(&json!({"origin": origin, "before": before, "size": now,
            "restored": restored.commit.is_some(), "commit": restored.commit, "missing": restored.missing}));
        return Ok(0);
    }
    match restored.commit {
        None => print(&format!("{origin}: nothing is lacking, it has {now} entries\n")),
        Some(commit) => {
            print(&format!("{origin}: it had {before} entries and has {now} again, by commit {}\n", commit.short()));
            context.say("hint: find out who took it back, and protect the ref: evidence help remote");
        }
    }
    for digest in &restored.missing {
        print(&format!("missing material {digest}: neither here nor there; another copy may have it\n"));
    }
    Ok(0)
}

/// Sets the copy aside.
pub(super) fn forget(context: &Context) -> Result<u8, Fail> {
    let (folder, kept) = context.set_copy_aside()?;
    if context.json {
        print_json(&json!({"copy": folder, "kept": kept}));
        return Ok(0);
    }
    print(&format!("the copy is set aside: {}\n", kept.display()));
    context.say(
        "the next command fetches the ledger anew, and what your config folder remembers of it is still held against it",
    );
    Ok(0)
}
