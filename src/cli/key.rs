//! `evidence key`: keys, and who may do what.

use std::fs;

use serde_json::json;

use super::args::{KeyAct, KeyArgs};
use super::context::{Context, config_folder, now, read_key};
use super::fail::Fail;
use super::init::new_key;
use super::{print, print_json};
use crate::append::Rights;
use crate::attest::Signer;
use crate::crypto::{NoteKey, PublicKey};
use crate::merkle::MapText;
use crate::model::{Authority as AuthorityRecord, Fingerprint, Grant, Predicate, Span, Statement};
use crate::prove::Trust;
use crate::store::Log;

pub(super) fn run(context: &Context, args: &KeyArgs) -> Result<u8, Fail> {
    match &args.act {
        KeyAct::New { name, output } => {
            let name: crate::model::Id =
                name.parse().map_err(|error| Fail::usage(format!("the key's name: {error}")))?;
            let path = match output {
                Some(path) => context.cwd.join(path),
                None => config_folder()?.join("keys").join(format!("{name}.pem")),
            };
            let key = new_key(&path)?.public();
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
            let receipt = signed(context, |signer| signer.grant(grant.clone()))?;
            done(context, &receipt, &format!("granted {} to {principal}", roles.join(", ")));
        }
        KeyAct::Revoke { which, reason } => {
            let key = match which.parse::<Fingerprint>() {
                Ok(fingerprint) => granted_key(context, &fingerprint)?,
                Err(_) => public_key(context, which)?,
            };
            let receipt = signed(context, |signer| signer.revoke(&key, reason.clone()))?;
            done(context, &receipt, &format!("revoked {}", key.fingerprint()));
        }
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
    let signer = Signer { appender: &appender, keys: keys.iter().collect() };
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

/// Reads a public key: an OpenSSH line, or a file with one, with a PEM, or with a private key.
pub(super) fn public_key(context: &Context, which: &str) -> Result<PublicKey, Fail> {
    if which.starts_with("ssh-") {
        return PublicKey::parse_with_comment(which).map_err(|error| Fail::usage(error.to_string()));
    }
    let path = context.cwd.join(which);
    let text = fs::read_to_string(&path).map_err(|error| Fail::io("the key cannot be read:", &path, &error))?;
    if text.contains("PRIVATE KEY") {
        return Ok(read_key(&path)?.public());
    }
    let parsed = if text.contains("PUBLIC KEY") {
        PublicKey::from_pem(&text)
    } else {
        PublicKey::parse_with_comment(text.trim())
    };
    parsed.map_err(|error| {
        Fail::usage(format!("{}: {error}", path.display())).hint("wanted an Ed25519 key: evidence key new")
    })
}

fn show(context: &Context, which: Option<&str>, vkey: Option<&str>) -> Result<(), Fail> {
    let key = match which {
        Some(which) => public_key(context, which)?,
        None => context
            .keys()?
            .first()
            .map(crate::crypto::SecretKey::public)
            .ok_or_else(|| Fail::usage("you have no key"))?,
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
        print(&format!("{key}\n{}\n{vkey}{}", key.fingerprint(), key.to_pem()));
    }
    Ok(())
}

fn list(context: &Context) -> Result<(), Fail> {
    let trust = context.trust(None)?;
    let log = context.ledger()?.read()?;
    let rights = all_rights(&log, &trust)?;
    let authority = rights.authority(&trust, now());
    let mut rows = Vec::new();
    for root in &trust.roots {
        let key = root.fingerprint();
        let state = if authority.revoked(&key).is_some() { "revoked" } else { "holds" };
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
    for serial in super::log::serials_of_kind(log, "authority-grant", usize::MAX)? {
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
