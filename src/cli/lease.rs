//! `evidence key lease`: a key for somebody else, with roles of one's own, for named changes and a while.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::args::{AlgorithmWord, LeaseArgs};
use super::context::{Context, config_folder, now};
use super::fail::Fail;
use super::keys::new_key;
use super::{key, print, print_json};
use crate::append::Rights;
use crate::model::{Fingerprint, Grant, IMPLEMENTER, Id, PrincipalId, Role, Span};
use crate::policy::nearest;

pub(super) fn run(context: &Context, args: &LeaseArgs) -> Result<(), Fail> {
    let span = until(&args.until)?;
    let keys = context.keys()?;
    let lessor = keys.first().ok_or_else(|| Fail::usage("you have no key"))?.public().fingerprint();
    let owner = principal_of(context, &lessor)?;
    // Whatever is wrong with the words is told before there is a key.
    let grant = asked(args, owner, lessor, span)?;
    tell_unknown_roles(context, &grant.roles)?;
    let (path, key) = made(context, args, &grant.principal)?;
    let grant = Grant { key: key.to_string(), ..grant };
    let receipt = key::signed(context, |signer| signer.grant(grant.clone())).inspect_err(|_| {
        // A key that nobody was told of is of no use to anybody.
        let _ = fs::remove_file(&path);
    })?;
    let until = grant.until.map_or_else(String::new, |until| until.to_string());
    if context.json {
        print_json(
            &json!({"path": path, "key": key.to_string(), "fingerprint": key.fingerprint(), "serial": receipt.serial,
            "principal": grant.principal, "owner": grant.owner, "until": grant.until}),
        );
    } else {
        context.say(&format!("private key {}", path.display()));
        let roles = args.roles.join(", ");
        print(&format!("#{} leased {roles} to {} until {until}\n", receipt.serial, grant.principal));
    }
    Ok(())
}

/// Reads how long a grant holds: longer than no time at all.
pub(super) fn until(text: &str) -> Result<Span, Fail> {
    let span: Span = text.parse().map_err(|error| Fail::usage(format!("--until: {error}")))?;
    match span {
        Span(0) => {
            let said = format!("--until: `{text}` is no time: what is granted would have ended already");
            Err(Fail::usage(said).hint("--until 2h"))
        }
        span => Ok(span),
    }
}

/// Says which roles the policy in force does not know: a grant may be older than the policy that names its role.
pub(super) fn tell_unknown_roles(context: &Context, roles: &[Role]) -> Result<(), Fail> {
    let trust = context.trust(None)?;
    let log = context.log(&trust)?;
    let rights = Rights::read(&log, &trust, [])?;
    let authority = rights.authority(&trust, now());
    let Some((_, policy)) = authority.policy_at(u64::MAX) else { return Ok(()) };
    let known = policy.roles();
    for role in roles.iter().filter(|role| role.as_str() != IMPLEMENTER && !known.contains(role)) {
        let names = known.iter().map(|role| role.as_str()).chain([IMPLEMENTER]);
        let meant = nearest(role.as_str(), names).map_or_else(String::new, |name| format!("; did you mean {name}?"));
        context.say(&format!("warning: the policy in force knows no role {role}, so it lets do nothing{meant}"));
    }
    Ok(())
}

/// Returns whom the lessor's key stands for.
fn principal_of(context: &Context, lessor: &Fingerprint) -> Result<PrincipalId, Fail> {
    let trust = context.trust(None)?;
    let log = context.log(&trust)?;
    let rights = Rights::read(&log, &trust, [lessor])?;
    let authority = rights.authority(&trust, now());
    let held = authority.grants().iter().find(|known| known.key == *lessor && authority.holds_now(known));
    held.map(|known| known.grant.principal.clone()).ok_or_else(|| {
        let why = authority.ended(lessor, log.size(), now());
        Fail::usage(format!("your key {lessor} {why}: there is nothing to lease")).hint("evidence key list")
    })
}

fn asked(args: &LeaseArgs, owner: PrincipalId, lessor: Fingerprint, span: Span) -> Result<Grant, Fail> {
    let id = |what: &str, text: &str| text.parse::<Id>().map_err(|error| Fail::usage(format!("{what}: {error}")));
    Ok(Grant {
        key: String::new(),
        principal: id("--for", &args.principal)?,
        owner: Some(owner),
        roles: args.roles.iter().map(|role| id("--role", role)).collect::<Result<_, _>>()?,
        emails: args.emails.iter().map(|email| email.to_ascii_lowercase()).collect(),
        changes: args.changes.iter().map(|change| id("--change", change)).collect::<Result<_, _>>()?,
        until: Some(now().after(span)),
        leased_by: Some(lessor),
    })
}

/// Makes the key, without a passphrase: it is for somebody else, an agent most often.
fn made(
    context: &Context,
    args: &LeaseArgs,
    principal: &PrincipalId,
) -> Result<(PathBuf, crate::crypto::PublicKey), Fail> {
    let make = |path: PathBuf| new_key(&path, AlgorithmWord::Ed25519, None).map(|key| (path, key.public()));
    if let Some(path) = &args.output {
        return make(context.cwd.join(path));
    }
    let folder = config_folder()?.join("keys");
    let name = format!("{}-{}", principal.as_str().replace('/', "-"), now().0);
    let first = folder.join(format!("{name}.pem"));
    match make(first.clone()) {
        // Another lease in the same second.
        Err(_) if first.exists() => make(folder.join(format!("{name}-{}.pem", std::process::id()))),
        made => made,
    }
}
