//! `evidence init`: from nothing to a ledger that can be used. It overwrites nothing.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::json;

use super::args::{AlgorithmWord, InitArgs};
use super::context::{
    Context, POLICY_IN_REPOSITORY, TRUST_IN_REPOSITORY, config_folder, log_key_path, now, repository_folder,
};
use super::fail::Fail;
use super::keys::{Key, new_key, new_log_key, new_passphrase, signing_key};
use super::policy::let_rego_be;
use super::{print, print_json};
use crate::append::{AppendError, Appender};
use crate::attest::Signer;
use crate::crypto::NoteKey;
use crate::git::Repository;
use crate::model::{Grant, Id, Role};
use crate::policy::{Form, MODEL, Moment, Policy, STARTER};
use crate::prove::{Trust, TrustedLedger};
use crate::store::make_folder;

pub(super) fn run(context: &Context, args: &InitArgs) -> Result<u8, Fail> {
    let repository = context.repository()?;
    let folder = context.ledger_folder()?;
    let top = repository.top();
    let policy_path = top.join(POLICY_IN_REPOSITORY);
    let trust_path = top.join(TRUST_IN_REPOSITORY);
    let remembered = repository_folder(repository)?.join("trust.toml");
    for path in [&folder.join("ledger.toml"), &trust_path, &remembered] {
        if path.exists() {
            return Err(Fail::usage(format!("{} is there already", path.display()))
                .hint("nothing was changed; evidence verify uses what is there"));
        }
    }
    let policy = starter(context, args.policy.as_deref(), &policy_path)?;
    let origin = args.origin.clone().map_or_else(fresh_origin, Ok)?;
    let log_key_path = log_key_path(&origin)?;
    let id = repository_id(args, repository)?;
    let principal = principal(args, repository)?;
    let email = repository.config("user.email")?;

    let own_path = config_folder()?.join("keys/default.pem");
    let passphrase = new_passphrase(false)?;
    let fresh =
        |path: &Path| -> Result<Key, Fail> { Ok(Rc::new(new_key(path, AlgorithmWord::Ed25519, passphrase.as_ref())?)) };
    // What is named is found before anything is made.
    let named_root = args.root.as_ref().map(|word| signing_key(word, &context.cwd)).transpose()?;
    let own = match context.named_keys()?.into_iter().next() {
        Some(named) => named,
        None if own_path.exists() => signing_key(&own_path, &context.cwd)?,
        None => fresh(&own_path)?,
    };
    let root = named_root.map_or_else(|| fresh(&remembered.with_file_name("root.pem")), Ok)?;
    let log_key = new_log_key(&log_key_path)?;
    let vkey = NoteKey::new(&origin, log_key.public()).map_err(|error| Fail::usage(error.to_string()))?;
    let ledger = TrustedLedger { origin: origin.clone(), vkey, from_size: 0, to_size: None };
    let trust = Trust {
        repository: id.clone(),
        ledgers: vec![ledger],
        roots: vec![root.public()],
        threshold: 1,
        min_size: None,
        max_age: None,
    };
    let grant = Grant {
        key: own.public().to_string(),
        principal: principal.clone(),
        owner: None,
        roles: roles_of(&policy)?,
        emails: email.into_iter().collect(),
        changes: Vec::new(),
        until: None,
        leased_by: None,
    };
    let is_new = !folder.exists();
    let appender = Appender::new(context.new_ledger(&origin, &trust)?, log_key, trust.clone(), now);
    let signer = Signer { appender: &appender, keys: vec![&*root] };
    signer.policy(&policy, None).and_then(|_| signer.grant(grant)).inspect_err(|error| {
        // What may have reached a remote needs its key: the ref is taken.
        let is_away = appender.ledger().remote().is_some()
            && (matches!(error, AppendError::Store(_)) || appender.ledger().read().map_or(true, |log| log.size() > 0));
        if is_away {
            return;
        }
        // A root in an agent may not sign: the next try finds nothing of this one.
        let _ = fs::remove_file(&log_key_path);
        if is_new {
            let _ = fs::remove_dir_all(&folder);
        }
    })?;
    if !policy_path.exists() {
        write_new(&policy_path, policy.as_bytes(), 0o644)?;
    }
    let commented = format!(
        "# Whom verifiers of this repository believe: the ledger's key and the roots. Commit it.\n{}",
        trust.print()
    );
    write_new(&trust_path, commented.as_bytes(), 0o644)?;
    write_new(&remembered, commented.as_bytes(), 0o644)?;
    context.remember_ledger()?;
    let named = !context.named_keys()?.is_empty();
    let key = if named { own.public().fingerprint().to_string() } else { own_path.display().to_string() };
    let place = match appender.ledger().remote() {
        Some(remote) => format!("git:{}#{}", remote.name(), remote.reference()),
        None => folder.display().to_string(),
    };
    show(context, top, &place, &id, principal.as_str(), &key, &first_commands(&policy)?);
    if appender.ledger().remote().is_some() {
        let path = log_key_path.display();
        context.say(&format!(
            "hint: the CI needs {path} as EVIDENCE_LOG_KEY, and a key of its own as EVIDENCE_KEY: evidence help remote"
        ));
    }
    if named {
        context.say("hint: EVIDENCE_KEY, set to what names this key, spares you --key");
    }
    Ok(0)
}

fn show(context: &Context, top: &Path, ledger: &str, id: &Id, principal: &str, key: &str, commands: &[String]) {
    if context.json {
        print_json(
            &json!({"repository": id, "principal": principal, "ledger": ledger, "key": key, "policy": top.join(POLICY_IN_REPOSITORY), "trust": top.join(TRUST_IN_REPOSITORY), "next": commands}),
        );
        return;
    }
    let mut text = format!(
        "ledger   {ledger}\nkey      {} ({principal})\npolicy   {POLICY_IN_REPOSITORY}\ntrust    {TRUST_IN_REPOSITORY}\n\nnext, with your own test command for CMD:\n",
        key
    );
    for command in commands {
        text.push_str(&format!("  {command}\n"));
    }
    print(&text);
}

/// Returns what comes next: a plan where the policy wants one, and the first gate of its lowest tier.
fn first_commands(policy: &str) -> Result<Vec<String>, Fail> {
    let policy = Policy::parse(policy).map_err(|errors| Fail::usage(errors.to_string()))?;
    let lowest = &policy.tiers()[0];
    let gate = lowest
        .require
        .iter()
        .find(|name| policy.claim(name).is_some_and(|claim| claim.form == Form::Run && claim.at != Moment::Deploy));
    let commit = "git add .evidence && git commit -m 'evidence: policy and trust'".to_owned();
    let plan = policy.unplanned().is_none().then(|| format!("evidence plan --tier {}", lowest.name));
    let gate = gate.map(|name| format!("evidence attest {name} -- CMD"));
    Ok([Some(commit), plan, gate, Some("evidence verify".to_owned())].into_iter().flatten().collect())
}

fn starter(context: &Context, named: Option<&Path>, policy_path: &Path) -> Result<String, Fail> {
    let named = match named {
        Some(word) if word == Path::new(MODEL_WORD) => {
            if policy_path.exists() {
                return Err(Fail::usage(format!("{} is there already", policy_path.display()))
                    .hint(format!("evidence init takes it; or move it away for --policy {MODEL_WORD}")));
            }
            return Ok(MODEL.to_owned());
        }
        named => named.map(|path| context.cwd.join(path)),
    };
    let path = match &named {
        Some(path) => path,
        None if policy_path.exists() => policy_path,
        None => return Ok(STARTER.to_owned()),
    };
    let text = fs::read_to_string(path).map_err(|error| Fail::io("the policy cannot be read:", path, &error))?;
    let policy = Policy::parse(&text)
        .map_err(|errors| Fail::usage(format!("{}: {errors}", path.display())).hint("evidence policy check"))?;
    let_rego_be(context, path, &text, &policy)?;
    Ok(text)
}

/// The first person holds every role that the policy names, but that of an implementer, which nobody needs.
fn roles_of(policy: &str) -> Result<Vec<Role>, Fail> {
    let policy = Policy::parse(policy).map_err(|errors| Fail::usage(errors.to_string()))?;
    let mut roles: Vec<Role> = policy.roles().into_iter().cloned().collect();
    for usual in ["admin", "ci", "planner", "reviewer"] {
        let role: Role = usual.parse().map_err(|error: crate::model::IdError| Fail::usage(error.to_string()))?;
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles.sort();
    Ok(roles)
}

fn repository_id(args: &InitArgs, repository: &Repository) -> Result<Id, Fail> {
    if let Some(id) = &args.repository {
        return id.parse().map_err(|error| Fail::usage(format!("--repository: {error}")));
    }
    let remote = repository.config("remote.origin.url")?;
    let of_remote = remote.as_deref().and_then(|url| {
        url.trim_end_matches('/').trim_end_matches(".git").rsplit(['/', ':']).next().map(ToOwned::to_owned)
    });
    let of_folder = repository.top().file_name().map(|name| name.to_string_lossy().into_owned());
    let found = of_remote.or(of_folder).and_then(|name| Id::slug(&name));
    found.ok_or_else(|| Fail::usage("the repository's name makes no id").hint("--repository ID"))
}

fn principal(args: &InitArgs, repository: &Repository) -> Result<Id, Fail> {
    if let Some(name) = &args.principal {
        return name.parse().map_err(|error| Fail::usage(format!("--principal: {error}")));
    }
    let name =
        repository.config("user.name")?.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "owner".to_owned());
    Ok(Id::slug(&name.replace('/', "-")).unwrap_or_else(|| "owner".parse().expect("it is an id")))
}

pub(super) fn fresh_origin() -> Result<String, Fail> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Fail::usage(format!("the operating system gives no random bytes: {error}")))?;
    Ok(format!("evidence.local/{}", hex::encode(bytes)))
}

/// Writes a file that is not there yet.
pub(super) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Fail> {
    let folder: PathBuf = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    make_folder(&folder).map_err(|error| Fail::io("cannot make the folder", &folder, &error))?;
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Fail::usage(format!("{} is there already", path.display())).hint("nothing is overwritten")
        }
        _ => Fail::io("cannot write", path, &error),
    })?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| Fail::io("cannot write", path, &error))?;
    // Its name is durable too: a key that a power cut takes away is lost for good.
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(|error| Fail::io("cannot sync", &folder, &error))
}

/// The policy that comes with the program and is asked for by this word: a file of that name is `./tiers`.
const MODEL_WORD: &str = "tiers";
