//! `evidence key`: keys, and who may do what.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::json;

use super::args::{AlgorithmWord, KeyAct, KeyArgs};
use super::context::{Context, config_folder, now};
use super::fail::Fail;
use super::keys::{lent, new_key, new_passphrase};
use super::{print, print_json};
use crate::append::Rights;
use crate::attest::{Done, Signer};
use crate::crypto::{NoteKey, PublicKey};
use crate::merkle::MapText;
use crate::model::{Authority as AuthorityRecord, Entry, Fingerprint, Grant, Id, Predicate, Span, Statement};
use crate::prove::Trust;
use crate::store::Log;

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
            let until = until
                .as_deref()
                .map(str::parse::<Span>)
                .transpose()
                .map_err(|error| Fail::usage(format!("--until: {error}")))?;
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
            let granted = signed(context, |signer| signer.grant_once(&grant, now()))?;
            done_once(context, &granted, &format!("granted {} to {principal}", roles.join(", ")));
        }
        KeyAct::Lease { principal, roles, changes, until, emails, output } => {
            lease(context, principal, roles, changes, until, emails, output.as_deref())?;
        }
        KeyAct::Impact { which } => impact(context, which)?,
        KeyAct::Revoke { which, reason } => {
            let key = match which.parse::<Fingerprint>() {
                Ok(fingerprint) => granted_key(context, &fingerprint)?,
                Err(_) => public_key(context, which)?,
            };
            let receipt = signed(context, |signer| signer.revoke(&key, reason.clone()))?;
            done(context, &receipt, &format!("revoked {}", key.fingerprint()));
        }
        KeyAct::Root { keys, threshold } => super::succession::root(context, keys, *threshold)?,
        KeyAct::List => list(context)?,
    }
    Ok(0)
}

fn lease(
    context: &Context,
    principal: &str,
    roles: &[String],
    changes: &[String],
    until: &str,
    emails: &[String],
    output: Option<&Path>,
) -> Result<(), Fail> {
    let id = |what: &str, text: &str| text.parse::<Id>().map_err(|error| Fail::usage(format!("{what}: {error}")));
    let span: Span = until.parse().map_err(|error| Fail::usage(format!("--until: {error}")))?;
    let principal = id("--for", principal)?;
    let trust = context.trust(None)?;
    let keys = context.keys()?;
    let lessor = keys.first().ok_or_else(|| Fail::usage("you have no key"))?.public().fingerprint();
    let log = context.log(&trust)?;
    let rights = Rights::read(&log, &trust, [&lessor])?;
    let authority = rights.authority(&trust, now());
    let owner = authority.grants().iter().find(|known| known.key == lessor && authority.holds_now(known));
    let owner = owner.ok_or_else(|| {
        Fail::usage(format!("your key {lessor} has no grant here: there is nothing to lease")).hint("evidence key list")
    })?;
    let slug = principal.as_str().replace('/', "-");
    let path = match output {
        Some(path) => context.cwd.join(path),
        None => config_folder()?.join("keys").join(format!("{slug}-{}.pem", now().0)),
    };
    // No passphrase: it is for somebody else, an agent most often.
    let key = new_key(&path, AlgorithmWord::Ed25519, None)?.public();
    let grant = Grant {
        key: key.to_string(),
        principal: principal.clone(),
        owner: Some(owner.grant.principal.clone()),
        roles: roles.iter().map(|role| id("--role", role)).collect::<Result<_, _>>()?,
        emails: emails.iter().map(|email| email.to_ascii_lowercase()).collect(),
        changes: changes.iter().map(|change| id("--change", change)).collect::<Result<_, _>>()?,
        until: Some(now().after(span)),
        leased_by: Some(lessor),
    };
    let receipt = signed(context, |signer| signer.grant(grant.clone())).inspect_err(|_| {
        // A key that nobody was told of is of no use to anybody.
        let _ = fs::remove_file(&path);
    })?;
    if context.json {
        print_json(
            &json!({"path": path, "key": key.to_string(), "fingerprint": key.fingerprint(), "serial": receipt.serial,
            "principal": principal, "owner": grant.owner, "until": grant.until}),
        );
    } else {
        context.say(&format!("private key {}", path.display()));
        print(&format!("#{} leased {} to {principal} until {}\n", receipt.serial, roles.join(", "), now().after(span)));
    }
    Ok(())
}

/// Lists what a key signed, and the changes in which that counts.
fn impact(context: &Context, which: &str) -> Result<(), Fail> {
    let key = match which.parse::<Fingerprint>() {
        Ok(fingerprint) => fingerprint,
        Err(_) => public_key(context, which)?.fingerprint(),
    };
    let trust = context.trust(None)?;
    let log = context.log(&trust)?;
    let (serials, _) = log.newest(&MapText::signer(&key), usize::MAX)?;
    let rights = all_rights(&log, &trust)?;
    let authority = rights.authority(&trust, now());
    let leased: Vec<&crate::verify::Known> = authority
        .grants()
        .iter()
        .filter(|known| known.key != key && authority.lineage(&known.key).contains(&key) && !known.is_filing())
        .collect();
    let mut records = Vec::new();
    let mut changes: BTreeMap<String, (u64, bool)> = BTreeMap::new();
    let mut granted = BTreeSet::new();
    for serial in serials {
        let Some(record) = log.record(serial)? else { continue };
        let entry = Entry::parse(&record.entry).map_err(|error| Fail::usage(error.to_string()))?;
        if let Some(change) = entry.chain.strip_prefix("change:") {
            let merged = !log.newest(&MapText::label(&format!("change:{change}")), 1)?.0.is_empty();
            let seen = changes.entry(change.to_owned()).or_insert((0, merged));
            seen.0 += 1;
        }
        if entry.kind == "authority-grant" {
            granted.insert(entry.chain.trim_start_matches("key:").to_owned());
        }
        records.push(json!({"serial": serial, "kind": entry.kind, "chain": entry.chain, "time": entry.time}));
    }
    let held: Vec<&crate::verify::Known> = authority
        .grants()
        .iter()
        .filter(|known| granted.contains(&known.key.to_string()) && !known.is_filing())
        .collect();
    if context.json {
        let changes: Vec<_> = changes
            .iter()
            .map(|(change, (count, merged))| json!({"change": change, "records": count, "merged": merged}))
            .collect();
        let key_of = |known: &&crate::verify::Known| json!({"key": known.key, "principal": known.grant.principal, "serial": known.serial});
        print_json(&json!({"key": key, "revoked": authority.revoked(&key), "records": records, "changes": changes,
            "granted": held.iter().map(key_of).collect::<Vec<_>>(), "leased": leased.iter().map(key_of).collect::<Vec<_>>()}));
        return Ok(());
    }
    let state =
        authority.revoked(&key).map_or_else(|| "not revoked".to_owned(), |serial| format!("revoked in #{serial}"));
    let mut text = format!("{key}: {} records, {} changes, {state}\n", records.len(), changes.len());
    for (change, (count, merged)) in &changes {
        text.push_str(&format!("  {change}: {count} records{}\n", if *merged { ", merged" } else { "" }));
    }
    for (what, keys) in [("granted", &held), ("leased", &leased)] {
        for known in keys {
            text.push_str(&format!("  {what} #{} {} to {}\n", known.serial, known.key, known.grant.principal));
        }
    }
    if authority.revoked(&key).is_none() {
        context.say("hint: evidence key revoke KEY --reason WHY ends what it supports, and what it granted and leased");
    }
    print(&text);
    Ok(())
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
        let state = if authority.revoked(&known.key).is_some() {
            "revoked"
        } else if authority.holds_now(known) {
            "holds"
        } else {
            "ended"
        };
        rows.push(json!({"key": known.key, "principal": known.grant.principal, "owner": known.grant.owner, "roles": known.grant.roles,
            "emails": known.grant.emails, "changes": known.grant.changes, "until": known.grant.until, "state": state, "serial": known.serial}));
    }
    if context.json {
        print_json(&json!({"keys": rows}));
        return Ok(());
    }
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let roles = |value: &serde_json::Value| {
        let words: Vec<&str> = value.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
        words.join(",")
    };
    let width = rows.iter().map(|row| text(&row["principal"]).len()).max().unwrap_or(0);
    for row in &rows {
        print(&format!(
            "{:8} {:width$} {} {}\n",
            text(&row["state"]),
            text(&row["principal"]),
            text(&row["key"]),
            roles(&row["roles"])
        ));
    }
    Ok(())
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
