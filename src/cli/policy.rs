//! `evidence policy`: check a policy, put it into force, show it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::args::{PolicyAct, PolicyArgs};
use super::context::{Context, POLICY_IN_REPOSITORY, now};
use super::fail::Fail;
use super::{key, print, print_json};
use crate::append::Rights;
use crate::policy::{Holders, Policy, PolicyError, Remark, Weight};
use crate::verify::LIMITATIONS;

pub(super) fn run(context: &Context, args: &PolicyArgs) -> Result<u8, Fail> {
    match &args.act {
        PolicyAct::Check { file } => return check(context, file.as_ref()),
        PolicyAct::Apply { file, reason } => {
            let (path, text) = read(context, file.as_ref())?;
            parse(context, &path, &text)?;
            let receipt = key::signed(context, |signer| signer.policy(&text, reason.clone()))?;
            key::done(context, &receipt, &format!("{} is in force", path.display()));
        }
        PolicyAct::Show => {
            let trust = context.trust(None)?;
            let log = context.ledger()?.read()?;
            let rights = Rights::read(&log, &trust, [])?;
            let authority = rights.authority(&trust, now());
            let (digest, policy) = authority
                .policy_at(u64::MAX)
                .ok_or_else(|| Fail::usage("no policy is in force").hint("evidence policy apply FILE"))?;
            if context.json {
                print_json(&json!({"sha256": digest, "policy": policy.json()}));
            } else {
                let path = log.blobs().path(digest);
                print(
                    &fs::read_to_string(&path)
                        .map_err(|error| Fail::io("the policy cannot be read:", &path, &error))?,
                );
            }
        }
    }
    Ok(0)
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
        let lines: Vec<String> = errors.as_slice().iter().map(|error| format!("{}:{error}", path.display())).collect();
        if !context.json {
            for line in lines.iter().skip(1) {
                context.say(&format!("error: {line}"));
            }
        }
        Fail::usage(lines.first().cloned().unwrap_or_default())
    })
}

fn check(context: &Context, file: Option<&PathBuf>) -> Result<u8, Fail> {
    let (path, text) = read(context, file)?;
    let policy = match Policy::parse(&text) {
        Ok(policy) => policy,
        Err(errors) if context.json => {
            let findings: Vec<Value> = errors.as_slice().iter().map(error_json).collect();
            return Ok(refused(&path, &errors.to_string(), &findings));
        }
        Err(_) => return parse(context, &path, &text).map(|_| 0),
    };
    let holders = holders(context)?;
    let remarks = policy.remarks(&text, &LIMITATIONS, holders.as_ref());
    let is_wrong = remarks.iter().any(|remark| remark.weight() == Weight::Error);
    let (claims, tiers) = (policy.claims().len(), policy.tiers().len());
    if context.json {
        let findings: Vec<Value> = remarks.iter().map(remark_json).collect();
        if let Some(first) = remarks.iter().find(|remark| remark.weight() == Weight::Error) {
            return Ok(refused(&path, &first.to_string(), &findings));
        }
        print_json(&json!({"file": path, "claims": claims, "tiers": tiers, "unused": policy.claims_unused(),
            "findings": findings}));
        return Ok(0);
    }
    say_remarks(context, &path, &remarks);
    if is_wrong {
        return Ok(2);
    }
    print(&format!("{}: {claims} claims in {tiers} tiers\n", path.display()));
    Ok(0)
}

/// Answers with all that is wrong with a file, for machines.
fn refused(path: &Path, text: &str, findings: &[Value]) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    print_json(
        &json!({"error": {"exit": 2, "code": null, "name": null, "text": format!("{}:{first}", path.display()), "hint": null, "heads": []},
        "file": path, "findings": findings}),
    );
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
        context.say(&format!("{}: {}:{remark}", word(remark), path.display()));
    }
}

/// Returns who holds which role now; `None` where there is no ledger to ask.
fn holders(context: &Context) -> Result<Option<Holders>, Fail> {
    let (Ok(ledger), Ok(trust)) = (context.ledger(), context.trust(None)) else { return Ok(None) };
    let log = ledger.read()?;
    let rights = key::all_rights(&log, &trust)?;
    Ok(Some(rights.authority(&trust, now()).holders(None)))
}
