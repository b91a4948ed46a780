//! `evidence policy`: check a policy, put it into force, show it.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::args::{PolicyAct, PolicyArgs};
use super::context::{Context, POLICY_IN_REPOSITORY, now};
use super::fail::Fail;
use super::{key, print, print_json};
use crate::append::Rights;
use crate::policy::Policy;

pub(super) fn run(context: &Context, args: &PolicyArgs) -> Result<u8, Fail> {
    match &args.act {
        PolicyAct::Check { file } => {
            let (path, text) = read(context, file.as_ref())?;
            let policy = parse(context, &path, &text)?;
            let (claims, tiers) = (policy.claims().len(), policy.tiers().len());
            if context.json {
                print_json(&json!({"file": path, "claims": claims, "tiers": tiers, "unused": policy.claims_unused()}));
            } else {
                print(&format!("{}: {claims} claims in {tiers} tiers\n", path.display()));
                for claim in policy.claims_unused() {
                    context.say(&format!("note: nothing requires the claim {claim}"));
                }
            }
        }
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

fn parse(context: &Context, path: &std::path::Path, text: &str) -> Result<Policy, Fail> {
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
