//! `evidence key`: keys, and who may do what.

use anstyle::Style;
use serde_json::{Value, json};

use super::args::{KeyAct, KeyArgs};
use super::context::{Context, config_folder, now};
use super::fail::Fail;
use super::keys::{lent, new_key, new_passphrase};
use super::table::{BAD, DULL, GOOD, Table};
use super::{impact, lease, print, print_json};
use crate::append::Rights;
use crate::attest::{Done, Signer};
use crate::crypto::{NoteKey, PublicKey};
use crate::merkle::MapText;
use crate::model::{Authority as AuthorityRecord, Fingerprint, Grant, Id, Predicate, Statement, Time};
use crate::prove::Trust;
use crate::store::Log;
use crate::verify::Ended;

pub(super) fn run(context: &Context, args: &KeyArgs) -> Result<u8, Fail> {
    match &args.act {
        KeyAct::New { name, output, algorithm, passphrase } => {
            let name: Id = name.parse().map_err(|error| Fail::usage(format!("the key's name: {error}")))?;
            let path = match output {
                Some(path) => context.cwd.join(path),
                None => config_folder()?.join("keys").join(format!("{name}.pem")),
            };
            let passphrase = new_passphrase(*passphrase)?;
            let key = new_key(&path, *algorithm, passphrase.as_ref())?.public();
            if context.json {
                print_json(&json!({"path": path, "key": key.to_string(), "fingerprint": key.fingerprint()}));
            } else {
                context.say(&format!("private key {}", path.display()));
                print(&format!("{key}\n"));
            }
        }
        KeyAct::Show { which, vkey } => show(context, which.as_deref(), vkey.as_deref())?,
        KeyAct::Grant { which, principal, owner, roles, emails, changes, until } => {
            let id = |what: &str, text: &str| text.parse().map_err(|error| Fail::usage(format!("{what}: {error}")));
            let until = until.as_deref().map(lease::until).transpose()?;
            let grant = Grant {
                key: public_key(context, which)?.to_string(),
                principal: id("--principal", principal)?,
                owner: owner.as_deref().map(|owner| id("--owner", owner)).transpose()?,
                roles: roles.iter().map(|role| id("--role", role)).collect::<Result<_, _>>()?,
                emails: emails.iter().map(|email| email.to_ascii_lowercase()).collect(),
                changes: changes.iter().map(|change| id("--for-change", change)).collect::<Result<_, _>>()?,
                until: until.map(|span| now().after(span)),
                leased_by: None,
            };
            lease::tell_unknown_roles(context, &grant.roles)?;
            let granted = signed(context, |signer| signer.grant_once(&grant, now()))?;
            done_once(context, &granted, &format!("granted {} to {principal}", roles.join(", ")));
        }
        KeyAct::Lease(args) => lease::run(context, args)?,
        KeyAct::Impact { which } => impact::run(context, which)?,
        KeyAct::Revoke { which, reason } => {
            let key = match which.parse::<Fingerprint>() {
                Ok(fingerprint) => granted_key(context, &fingerprint)?,
                Err(_) => public_key(context, which)?,
            };
            revoke(context, &key, reason)?;
        }
        KeyAct::Root { keys, threshold } => super::succession::root(context, keys, *threshold)?,
        KeyAct::List => list(context)?,
    }
    Ok(0)
}

/// Signs with the given keys; an act that only the roots may do is signed with the root key that `init` made, if it is there.
pub(super) fn signed<T>(
    context: &Context,
    act: impl Fn(&Signer<'_>) -> Result<T, crate::append::AppendError>,
) -> Result<T, Fail> {
    let trust = context.trust(None)?;
    let appender = context.appender(trust)?;
    let keys = context.keys()?;
    let signer = Signer { appender: &appender, keys: lent(&keys) };
    Ok(act(&signer)?)
}

/// Says what was recorded.
pub(super) fn done(context: &Context, receipt: &crate::append::Receipt, what: &str) {
    if context.json {
        print_json(
            &json!({"serial": receipt.serial, "leaf": receipt.leaf, "time": receipt.time(), "kind": receipt.entry.kind}),
        );
    } else {
        print(&format!("#{} {what}\n", receipt.serial));
    }
}

/// Says what was recorded, or that it was there already.
pub(super) fn done_once(context: &Context, act: &Done, what: &str) {
    let receipt = act.receipt();
    if context.json {
        print_json(&json!({"serial": receipt.serial, "leaf": receipt.leaf, "time": receipt.time(),
            "kind": receipt.entry.kind, "already": act.is_before()}));
    } else if act.is_before() {
        print(&format!("#{} was there already: {what}\n", receipt.serial));
    } else {
        print(&format!("#{} {what}\n", receipt.serial));
    }
}

/// Reads a public key.
pub(super) fn public_key(context: &Context, which: &str) -> Result<PublicKey, Fail> {
    super::keys::public_key(which, &context.cwd)
}

/// Revokes a key, unless it is revoked: that is final, and a second record says no more.
fn revoke(context: &Context, key: &PublicKey, reason: &str) -> Result<(), Fail> {
    let fingerprint = key.fingerprint();
    let trust = context.trust(None)?;
    let log = context.log(&trust)?;
    let rights = Rights::read(&log, &trust, [&fingerprint])?;
    if let Some(serial) = rights.authority(&trust, now()).revoked(&fingerprint) {
        if context.json {
            print_json(&json!({"serial": serial, "unchanged": true, "key": fingerprint}));
        } else {
            print(&format!("#{serial} revoked {fingerprint} already: nothing was recorded\n"));
        }
        return Ok(());
    }
    let receipt = signed(context, |signer| signer.revoke(key, reason.to_owned()))?;
    done(context, &receipt, &format!("revoked {fingerprint}"));
    Ok(())
}

fn show(context: &Context, which: Option<&str>, vkey: Option<&str>) -> Result<(), Fail> {
    let key = match which {
        Some(which) => public_key(context, which)?,
        None => context.keys()?.first().map(|key| key.public()).ok_or_else(|| Fail::usage("you have no key"))?,
    };
    let vkey =
        vkey.map(|name| NoteKey::new(name, key.clone())).transpose().map_err(|error| Fail::usage(error.to_string()))?;
    if context.json {
        let vkey = vkey.map(|vkey| vkey.to_string());
        print_json(
            &json!({"key": key.to_string(), "fingerprint": key.fingerprint(), "spkiSha256": key.spki_sha256(), "pem": key.to_pem(), "vkey": vkey}),
        );
    } else {
        let vkey = vkey.map_or_else(String::new, |vkey| format!("{vkey}\n"));
        print(&format!("{key}\n{}\n{vkey}{}", key.fingerprint(), key.to_pem().unwrap_or_default()));
    }
    Ok(())
}

fn list(context: &Context) -> Result<(), Fail> {
    let trust = context.trust(None)?;
    let log = context.log(&trust)?;
    let rights = all_rights(&log, &trust)?;
    let authority = rights.authority(&trust, now());
    let mut rows = Vec::new();
    for key in authority.roots_at(u64::MAX).keys.keys() {
        let state = if authority.revoked(key).is_some() { "revoked" } else { "holds" };
        rows.push(json!({"key": key, "principal": null, "roles": ["root"], "state": state, "serial": null}));
    }
    for known in authority.grants().iter().filter(|known| !known.is_filing()) {
        let ended = (!authority.holds_now(known)).then(|| authority.ended_grant(known, log.size(), now()));
        let state = match &ended {
            None => "holds",
            Some(Ended::Revoked(_)) => "revoked",
            Some(_) => "ended",
        };
        rows.push(json!({"key": known.key, "principal": known.grant.principal, "owner": known.grant.owner, "roles": known.grant.roles,
            "emails": known.grant.emails, "changes": known.grant.changes, "until": known.grant.until, "leasedBy": known.grant.leased_by,
            "state": state, "why": ended.map(|ended| ended.to_string()), "serial": known.serial}));
    }
    if context.json {
        print_json(&json!({"keys": rows}));
        return Ok(());
    }
    let mut table = Table::new(["STATE", "PRINCIPAL", "KEY", "ROLES", "OWNER", "UNTIL", "CHANGES"]);
    for row in &rows {
        let list = |name: &str| {
            let words: Vec<&str> = row[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            words.join(",")
        };
        let word = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let until = row["until"].as_u64().map_or_else(String::new, |until| Time(until).to_string());
        let cells =
            [word("state"), word("principal"), word("key"), list("roles"), word("owner"), until, list("changes")];
        table.row(cells, of_grant(&word("state")));
    }
    print(&table.text());
    Ok(())
}

fn of_grant(state: &str) -> Style {
    match state {
        "holds" => GOOD,
        "revoked" => BAD,
        _ => DULL,
    }
}

/// Reads the chains of every key that the log knows, as its grants name them.
pub(super) fn all_rights(log: &Log, trust: &Trust) -> Result<Rights, Fail> {
    let mut keys: Vec<Fingerprint> = trust.roots.iter().map(PublicKey::fingerprint).collect();
    for serial in log.grants()? {
        if let Some(key) = granted_at(log, serial)? {
            keys.push(key.fingerprint());
        }
    }
    Ok(Rights::read(log, trust, &keys)?)
}

fn granted_at(log: &Log, serial: u64) -> Result<Option<PublicKey>, Fail> {
    let Some(record) = log.record(serial)? else { return Ok(None) };
    let envelope = crate::crypto::Envelope::parse(&record.envelope).map_err(|error| Fail::usage(error.to_string()))?;
    let statement = Statement::parse(&envelope.payload).map_err(|error| Fail::usage(error.to_string()))?;
    match statement.predicate {
        Predicate::Authority(AuthorityRecord::Grant(grant)) => Ok(grant.key.parse().ok()),
        _ => Ok(None),
    }
}

fn granted_key(context: &Context, fingerprint: &Fingerprint) -> Result<PublicKey, Fail> {
    let log = context.ledger()?.read()?;
    let (serials, _) = log.newest(&MapText::chain(&format!("key:{fingerprint}")), usize::MAX)?;
    for serial in serials {
        if let Some(key) = granted_at(&log, serial)? {
            return Ok(key);
        }
    }
    Err(Fail::usage(format!("the ledger knows no key {fingerprint}")).hint("evidence key list"))
}
