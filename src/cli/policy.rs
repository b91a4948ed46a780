//! `evidence policy`: check a policy, put it into force, show it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::args::{PolicyAct, PolicyArgs};
use super::context::{Context, POLICY_IN_REPOSITORY, now};
use super::fail::Fail;
use super::{draft, eprint, explain, key, print, print_json};
use crate::append::Rights;
use crate::crypto::sha256;
use crate::model::{Decision, Digest};
use crate::policy::{Act, Difference, Direction, Holders, Place, Policy, PolicyError, Remark, Weight};
use crate::rego::Mistake;
use crate::trace::{Tried, TriedOutcome, try_policy};
use crate::verify::LIMITATIONS;

pub(super) fn run(context: &Context, args: &PolicyArgs) -> Result<u8, Fail> {
    match &args.act {
        PolicyAct::Check { file, strict } => return check(context, file.as_ref(), *strict),
        PolicyAct::Diff { files } => diff(context, files)?,
        PolicyAct::Apply { file, reason, lock_out } => apply(context, file.as_ref(), reason.as_ref(), *lock_out)?,
        PolicyAct::Explain(args) => explain::run(context, args)?,
        PolicyAct::Draft(args) => draft::run(context, args)?,
        PolicyAct::Test { file, changes } => test(context, file, changes.get())?,
        PolicyAct::Show { rego } => {
            let (digest, policy) = in_force(context)?
                .ok_or_else(|| Fail::usage("no policy is in force").hint("evidence policy apply FILE"))?;
            if *rego {
                show_rego(context, &digest, &policy)?;
            } else if context.json {
                print_json(&json!({"sha256": digest, "policy": policy.json()}));
            } else {
                let path = context.ledger()?.read()?.blobs().path(&digest);
                print(
                    &fs::read_to_string(&path)
                        .map_err(|error| Fail::io("the policy cannot be read:", &path, &error))?,
                );
            }
        }
    }
    Ok(0)
}

/// Prints the module alone, so that other tools for Rego can be run on it.
fn show_rego(context: &Context, digest: &Digest, policy: &Policy) -> Result<(), Fail> {
    let rego = policy.rego().ok_or_else(|| {
        Fail::usage(format!("the policy sha256:{digest} has no Rego")).hint("evidence help policy shows how it would")
    })?;
    if context.json {
        print_json(&json!({"sha256": digest, "rego": rego.text()}));
    } else {
        print(rego.text());
    }
    Ok(())
}

/// Returns the policy in force and its hash.
fn in_force(context: &Context) -> Result<Option<(Digest, Policy)>, Fail> {
    let trust = context.trust(None)?;
    let log = context.log(&trust)?;
    let rights = Rights::read(&log, &trust, [])?;
    let authority = rights.authority(&trust, now());
    Ok(authority.policy_at(u64::MAX).map(|(digest, policy)| (*digest, policy.clone())))
}

fn diff(context: &Context, files: &[PathBuf]) -> Result<(), Fail> {
    let of_file = |file: Option<&PathBuf>| -> Result<(String, Policy), Fail> {
        let (path, text) = read(context, file)?;
        let policy = parse(context, &path, &text)?;
        Ok((path.display().to_string(), policy))
    };
    let ((old_name, old), (new_name, new)) = match files {
        [old, new, ..] => (of_file(Some(old))?, of_file(Some(new))?),
        new => {
            let (digest, policy) = in_force(context)?.ok_or_else(|| {
                Fail::usage("no policy is in force to compare with").hint("evidence policy diff OLD NEW")
            })?;
            ((format!("sha256:{digest}"), policy), of_file(new.first())?)
        }
    };
    let differences = old.differences(&new);
    if context.json {
        print_json(&json!({"old": old_name, "new": new_name, "weaker": is_weaker(&differences),
            "differences": differences.iter().map(difference_json).collect::<Vec<_>>()}));
    } else if differences.is_empty() {
        context.say("they demand the same");
    } else {
        print(&lines(&differences));
    }
    Ok(())
}

/// Shows what changes, and signs. Who may weaken a policy is what the policy in force says, as for any other change of it.
fn apply(context: &Context, file: Option<&PathBuf>, reason: Option<&String>, lock_out: bool) -> Result<(), Fail> {
    let (path, text) = read(context, file)?;
    let policy = parse(context, &path, &text)?;
    let holders = holders(context)?;
    say_remarks(context, &path, &policy.remarks(&text, &LIMITATIONS, holders.as_ref()));
    let_rego_be(context, &path, &text, &policy)?;
    let old = in_force(context)?;
    let digest = sha256(text.as_bytes());
    if old.as_ref().is_some_and(|(known, _)| *known == digest) {
        if context.json {
            print_json(&json!({"sha256": digest, "unchanged": true, "serial": null, "differences": []}));
        } else {
            print(&format!("{} is in force already\n", path.display()));
        }
        return Ok(());
    }
    if let (Some((_, old)), Some(holders), false) = (&old, &holders, lock_out) {
        refuse_lock_out(old, &policy, holders)?;
    }
    let differences = old.map(|(_, old)| old.differences(&policy)).unwrap_or_default();
    if !context.json {
        eprint(&lines(&differences));
        if is_weaker(&differences) {
            context.say("note: it demands less than the policy in force, or lets more act");
        }
    }
    let receipt = key::signed(context, |signer| signer.policy(&text, reason.cloned()))?;
    if context.json {
        print_json(
            &json!({"serial": receipt.serial, "leaf": receipt.leaf, "time": receipt.time(), "kind": receipt.entry.kind,
            "sha256": digest, "unchanged": false,
            "weaker": is_weaker(&differences), "differences": differences.iter().map(difference_json).collect::<Vec<_>>()}),
        );
    } else {
        key::done(context, &receipt, &format!("{} is in force", path.display()));
    }
    Ok(())
}

/// Refuses to take from everybody but the roots what somebody has now: to change the policy, be it after granting roles.
fn refuse_lock_out(old: &Policy, new: &Policy, holders: &Holders) -> Result<(), Fail> {
    let stuck = |policy: &Policy| -> Option<[String; 2]> {
        Some([policy.out_of_reach(Act::Policy, holders)?, policy.out_of_reach(Act::Grant, holders)?])
    };
    match stuck(new).filter(|_| stuck(old).is_none()) {
        None => Ok(()),
        Some([policy, grant]) => {
            let text = format!("under this policy only the roots may ever change the policy again: {policy}; {grant}");
            Err(Fail { exit: 1, ..Fail::usage(text) }.hint("if that is what you want: --lock-out"))
        }
    }
}

fn test(context: &Context, file: &PathBuf, changes_max: usize) -> Result<(), Fail> {
    let (path, text) = read(context, Some(file))?;
    let policy = parse(context, &path, &text)?;
    let trust = context.trust(None)?;
    let log = context.log(&trust)?;
    let tried = try_policy(&log, &trust, context.repository()?, &policy, changes_max, &context.evaluator())?;
    let flips = tried.iter().filter(|tried| tried.flips()).count();
    let is_unjudged = |tried: &&Tried| matches!(tried.outcome, TriedOutcome::Unjudged { .. });
    let unjudged = tried.iter().filter(is_unjudged).count();
    if context.json {
        print_json(&json!({"file": path, "flips": flips, "unjudged": unjudged,
            "changes": tried.iter().map(tried_json).collect::<Vec<_>>()}));
        return Ok(());
    }
    for tried in &tried {
        let at = tried.commit.as_ref().map_or_else(String::new, |commit| format!(" at {}", commit.short()));
        match &tried.outcome {
            TriedOutcome::Unjudged { text } => {
                context.say(&format!("note: {}{at} could not be judged: {text}", tried.change));
            }
            TriedOutcome::Judged { was, would_be, codes } if tried.flips() => {
                let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
                let why = if codes.is_empty() { String::new() } else { format!(": {}", codes.join(", ")) };
                print(&format!("{}{at}: {} -> {}{why}\n", tried.change, decided(*was), decided(*would_be)));
            }
            TriedOutcome::Judged { .. } => {}
        }
    }
    let judged = tried.len() - unjudged;
    print(&format!("{judged} changes judged, {flips} flip, {} stay as they were\n", judged - flips));
    Ok(())
}

fn tried_json(tried: &Tried) -> Value {
    let Tried { change, commit, outcome } = tried;
    match outcome {
        TriedOutcome::Judged { was, would_be, codes } => {
            json!({"change": change, "commit": commit, "was": was, "wouldBe": would_be, "flips": tried.flips(),
                "codes": codes.iter().map(|code| code.number).collect::<Vec<_>>()})
        }
        TriedOutcome::Unjudged { text } => json!({"change": change, "commit": commit, "unjudged": text}),
    }
}

const fn decided(decision: Decision) -> &'static str {
    match decision {
        Decision::Accepted => "accepted",
        Decision::Refused => "refused",
    }
}

fn is_weaker(differences: &[Difference]) -> bool {
    differences.iter().any(|difference| difference.direction == Direction::Weaker)
}

fn lines(differences: &[Difference]) -> String {
    differences.iter().map(|difference| format!("{difference}\n")).collect()
}

fn difference_json(difference: &Difference) -> Value {
    let Difference { thing, key, old, new, direction } = difference;
    json!({"thing": thing, "key": key, "old": old, "new": new, "direction": direction.as_str(),
        "text": difference.to_string()})
}

fn read(context: &Context, file: Option<&PathBuf>) -> Result<(PathBuf, String), Fail> {
    let path = match file {
        Some(file) => context.cwd.join(file),
        None => context.repository()?.top().join(POLICY_IN_REPOSITORY),
    };
    let text = fs::read_to_string(&path).map_err(|error| Fail::io("the policy cannot be read:", &path, &error))?;
    Ok((path, text))
}

fn parse(context: &Context, path: &Path, text: &str) -> Result<Policy, Fail> {
    Policy::parse(text).map_err(|errors| {
        let lines: Vec<String> = errors.as_slice().iter().map(|error| error_at(path, error)).collect();
        // One after the other as they stand in the file; the answer in JSON has one text.
        Fail::usage(if context.json { lines.first().cloned().unwrap_or_default() } else { lines.join("\nerror: ") })
    })
}

/// Spells a mistake with its place as editors read it: `FILE:LINE:COLUMN: what is wrong`.
fn error_at(path: &Path, error: &PolicyError) -> String {
    let suggestion = error.suggestion.as_ref().map_or_else(String::new, |suggestion| format!("; {suggestion}"));
    at(path, Some((error.line, error.column)), &format!("{}{suggestion}", error.problem))
}

fn at(path: &Path, place: Option<Place>, said: &str) -> String {
    let place = place.map_or_else(String::new, |(line, column)| format!("{line}:{column}:"));
    format!("{}:{place} {said}", path.display())
}

/// Refuses a policy whose Rego this program would not run.
pub(super) fn let_rego_be(context: &Context, path: &Path, text: &str, policy: &Policy) -> Result<(), Fail> {
    match rego_mistake(context, text, policy)? {
        None => Ok(()),
        Some((place, mistake)) => Err(Fail::usage(at(path, place, &mistake))),
    }
}

/// Returns the first mistake in the Rego of a policy, and where in the policy's file it stands.
fn rego_mistake(context: &Context, text: &str, policy: &Policy) -> Result<Option<(Option<Place>, String)>, Fail> {
    let Some(rego) = policy.rego() else { return Ok(None) };
    let Some(Mistake { place, text: said }) = context.evaluator().check(rego)? else { return Ok(None) };
    let in_file = place.and_then(|place| rego.place_in(text, place));
    Ok(Some(match (in_file, place) {
        (None, Some((line, column))) => (None, format!("Rego: line {line}, column {column} of it: {said}")),
        (place, _) => (place, format!("Rego: {said}")),
    }))
}

/// 0 if it is fit, 2 if something in it can never be accepted; with `strict` 1 where there is a note.
fn check(context: &Context, file: Option<&PathBuf>, strict: bool) -> Result<u8, Fail> {
    let (path, text) = read(context, file)?;
    let policy = match Policy::parse(&text) {
        Ok(policy) => policy,
        Err(errors) if context.json => {
            let findings: Vec<Value> = errors.as_slice().iter().map(error_json).collect();
            let first = errors.as_slice().first().map_or_else(String::new, |error| error_at(&path, error));
            return Ok(refused(&path, &first, &findings));
        }
        Err(_) => return parse(context, &path, &text).map(|_| 0),
    };
    let holders = holders(context)?;
    let remarks = policy.remarks(&text, &LIMITATIONS, holders.as_ref());
    let rego = rego_mistake(context, &text, &policy)?;
    let is_wrong = rego.is_some() || remarks.iter().any(|remark| remark.weight() == Weight::Error);
    let closed = policy.tiers_out_of_reach(&remarks);
    let code = u8::from(strict && !remarks.is_empty());
    let (claims, tiers) = (policy.claims().len(), policy.tiers().len());
    if context.json {
        let mut findings: Vec<Value> = remarks.iter().map(remark_json).collect();
        if let Some((place, said)) = &rego {
            let (line, column) = place.unzip();
            findings.push(json!({"kind": "error", "line": line, "column": column, "text": said, "suggestion": null}));
            return Ok(refused(&path, &at(&path, *place, said), &findings));
        }
        if let Some(first) = remarks.iter().find(|remark| remark.weight() == Weight::Error) {
            return Ok(refused(&path, &remark_at(&path, first), &findings));
        }
        let unreachable: Vec<Value> = closed.iter().map(|(tier, why)| json!({"tier": tier, "why": why})).collect();
        print_json(&json!({"file": path, "claims": claims, "tiers": tiers, "unused": policy.claims_unused(),
            "findings": findings, "unreachable": unreachable}));
        return Ok(code);
    }
    say_remarks(context, &path, &remarks);
    if let Some((place, said)) = &rego {
        context.say(&format!("error: {}", at(&path, *place, said)));
    }
    for (tier, why) in &closed {
        context.say(&format!("tier {tier} is out of reach, but for exceptions: {}", why.join("; ")));
    }
    if is_wrong {
        return Ok(2);
    }
    print(&format!("{}: {claims} claims in {tiers} tiers\n", path.display()));
    Ok(code)
}

/// Answers with all that is wrong with a file, for machines.
fn refused(path: &Path, text: &str, findings: &[Value]) -> u8 {
    print_json(&json!({"error": {"exit": 2, "code": null, "name": null, "text": text, "hint": null, "heads": []},
        "file": path, "findings": findings}));
    2
}

fn error_json(error: &PolicyError) -> Value {
    json!({"kind": "error", "line": error.line, "column": error.column, "text": error.problem.to_string(),
        "suggestion": error.suggestion.as_ref().map(ToString::to_string)})
}

fn remark_json(remark: &Remark) -> Value {
    let (line, column) = remark.place.unzip();
    json!({"kind": word(remark), "line": line, "column": column, "text": remark.oddity.to_string(),
        "suggestion": remark.suggestion.as_ref().map(ToString::to_string)})
}

fn word(remark: &Remark) -> &'static str {
    match remark.weight() {
        Weight::Error => "error",
        Weight::Note => "note",
    }
}

fn say_remarks(context: &Context, path: &Path, remarks: &[Remark]) {
    for remark in remarks {
        context.say(&format!("{}: {}", word(remark), remark_at(path, remark)));
    }
}

fn remark_at(path: &Path, remark: &Remark) -> String {
    let suggestion = remark.suggestion.as_ref().map_or_else(String::new, |suggestion| format!("; {suggestion}"));
    at(path, remark.place, &format!("{}{suggestion}", remark.oddity))
}

/// Returns who holds which role now; `None` where there is no ledger to ask.
fn holders(context: &Context) -> Result<Option<Holders>, Fail> {
    let (Ok(ledger), Ok(trust)) = (context.ledger(), context.trust(None)) else { return Ok(None) };
    let (log, _) = context.read(&ledger, &trust)?;
    let rights = key::all_rights(&log, &trust)?;
    Ok(Some(rights.authority(&trust, now()).holders(None)))
}
