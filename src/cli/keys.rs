//! Which key signs: a private key file or its text, one under a passphrase, or one that an ssh-agent holds.

use std::fs::{self, File};
use std::io::{ErrorKind, IsTerminal as _, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::args::AlgorithmWord;
use super::fail::Fail;
use super::init::write_new;
use crate::attest::{Agent, AgentKey};
use crate::crypto::{EcdsaKey, KeyFile, KeyFileError, LockedKey, PrivateKey, PublicKey, SecretKey, Sign};
use crate::model::Fingerprint;

/// A key that signs.
pub(super) type Key = Rc<dyn Sign>;

/// Lends keys to whoever signs.
pub(super) fn lent(keys: &[Key]) -> Vec<&dyn Sign> {
    keys.iter().map(|key| &**key).collect()
}

/// Finds the key that a word names: `agent`, a fingerprint, an OpenSSH line, or a file.
pub(super) fn signing_key(word: &Path, cwd: &Path) -> Result<Key, Fail> {
    if let Some(named) = word.to_str().and_then(|word| in_agent(word).transpose()) {
        return Ok(Rc::new(named?));
    }
    let path = cwd.join(word);
    let text = read(&path)?;
    if text.contains(PRIVATE) {
        warn_readable(&path)?;
        return Ok(Rc::new(opened(&path.display().to_string(), &text)?));
    }
    let key = of_public_text(&path, &text)?;
    Ok(Rc::new(held(&key.fingerprint())?))
}

/// Finds the signing key that a variable names or holds.
pub(super) fn signing_key_of(variable: &str, cwd: &Path) -> Result<Option<Key>, Fail> {
    let Some(value) = value_of(variable)? else { return Ok(None) };
    if value.contains(BEGIN) {
        return Ok(Some(Rc::new(opened(variable, &value)?)));
    }
    no_secret(variable, &value, cwd)?;
    signing_key(Path::new(&*value), cwd).map(Some)
}

/// Reads the log keys that a variable names or holds, if it is set: one, or several PEMs after each other.
pub(super) fn log_keys_of(variable: &str, cwd: &Path) -> Result<Option<Vec<SecretKey>>, Fail> {
    let Some(value) = value_of(variable)? else { return Ok(None) };
    if value.contains(BEGIN) {
        return parsed_log_keys(variable, &value).map(Some);
    }
    no_secret(variable, &value, cwd)?;
    log_keys_in(&cwd.join(&*value)).map(Some)
}

/// Reads the log keys of a file.
pub(super) fn log_keys_in(path: &Path) -> Result<Vec<SecretKey>, Fail> {
    let text = read(path)?;
    warn_readable(path)?;
    parsed_log_keys(&path.display().to_string(), &text)
}

fn parsed_log_keys(name: &str, text: &str) -> Result<Vec<SecretKey>, Fail> {
    let mut starts: Vec<usize> = text.match_indices(BEGIN).map(|(at, _)| at).collect();
    if starts.len() < 2 {
        return Ok(vec![ed25519(name, opened(name, text)?)?]);
    }
    starts.push(text.len());
    starts.windows(2).map(|part| ed25519(name, opened(name, &text[part[0]..part[1]])?)).collect()
}

/// Reads a public key: `agent`, a fingerprint that the agent holds, an OpenSSH line, or a file with one, a PEM or a private key.
pub(super) fn public_key(word: &str, cwd: &Path) -> Result<PublicKey, Fail> {
    if is_line(word) {
        return PublicKey::parse_with_comment(word).map_err(|error| Fail::usage(error.to_string()));
    }
    if let Some(key) = in_agent(word)? {
        return Ok(key.public());
    }
    let path = cwd.join(word);
    let text = read(&path)?;
    if !text.contains(PRIVATE) {
        return of_public_text(&path, &text);
    }
    warn_readable(&path)?;
    let name = path.display().to_string();
    match parsed(&name, &text)? {
        KeyFile::Open(key) => Ok(key.public()),
        KeyFile::Locked(locked) => match locked.public() {
            Some(key) => Ok(key),
            None => Ok(unlocked(&name, &locked)?.public()),
        },
    }
}

/// Makes a key and keeps its private half where only its owner reads it.
pub(super) fn new_key(
    path: &Path,
    algorithm: AlgorithmWord,
    passphrase: Option<&Zeroizing<String>>,
) -> Result<PrivateKey, Fail> {
    let key = match algorithm {
        AlgorithmWord::Ed25519 => PrivateKey::Ed25519(SecretKey::from_seed(&*random()?)),
        // One in four thousand million drawings is no number below the group's order.
        AlgorithmWord::EcdsaP256 => loop {
            if let Some(key) = EcdsaKey::from_bytes(&*random()?) {
                break PrivateKey::EcdsaP256(key);
            }
        },
    };
    let pem = match passphrase {
        None => key.to_pem(),
        Some(passphrase) => key.to_locked_pem(passphrase, &[*random()?, *random()?]),
    };
    write_new(path, pem.as_bytes(), 0o600)?;
    Ok(key)
}

/// Makes a log key. No passphrase: it signs at every record, where nobody can be asked.
pub(super) fn new_log_key(path: &Path) -> Result<SecretKey, Fail> {
    let key = SecretKey::from_seed(&*random()?);
    write_new(path, key.to_pem().as_bytes(), 0o600)?;
    Ok(key)
}

/// Returns the passphrase for a new key: that of the variable, or one that is asked for twice.
pub(super) fn new_passphrase(ask: bool) -> Result<Option<Zeroizing<String>>, Fail> {
    if let Some(passphrase) = value_of(PASSPHRASE)? {
        return Ok(Some(passphrase));
    }
    if !ask {
        return Ok(None);
    }
    if !is_terminal() {
        return Err(Fail::usage("nobody can be asked for a passphrase here: there is no terminal").hint(SET_PASSPHRASE));
    }
    let first = prompt("new passphrase: ")?;
    if first.is_empty() {
        return Err(Fail::usage("the passphrase is empty").hint("without --passphrase the key needs none"));
    }
    if *prompt("the same again: ")? == *first {
        Ok(Some(first))
    } else {
        Err(Fail::usage("the two passphrases differ").hint("nothing was written"))
    }
}

/// Finds the key that a word names in the agent, if it is a word about the agent.
fn in_agent(word: &str) -> Result<Option<AgentKey>, Fail> {
    if word == AGENT {
        let mut keys = agent_keys()?;
        return match keys.len() {
            1 => Ok(keys.pop()),
            0 => Err(Fail::usage(
                "the agent holds no key that signs here: wanted Ed25519, P-256 or a security key's Ed25519",
            )
            .hint("ssh-add FILE")),
            _ => Err(Fail::usage(format!("the agent holds {} keys: {}", keys.len(), listed(&keys)))
                .hint("name one: --key SHA256:..., or --key with its public key file")),
        };
    }
    if let Ok(fingerprint) = word.parse::<Fingerprint>() {
        return held(&fingerprint).map(Some);
    }
    if is_line(word) {
        let key = PublicKey::parse_with_comment(word).map_err(|error| Fail::usage(error.to_string()))?;
        return held(&key.fingerprint()).map(Some);
    }
    Ok(None)
}

/// Finds a key in the agent.
fn held(fingerprint: &Fingerprint) -> Result<AgentKey, Fail> {
    let keys = agent_keys()?;
    if let Some(key) = keys.iter().find(|key| key.public().fingerprint() == *fingerprint) {
        return Ok(key.clone());
    }
    let others = if keys.is_empty() { "no other that signs here".to_owned() } else { listed(&keys) };
    Err(Fail::usage(format!("the agent does not hold {fingerprint}; it holds {others}")).hint("ssh-add FILE"))
}

fn agent_keys() -> Result<Vec<AgentKey>, Fail> {
    let socket = std::env::var_os(SOCKET).filter(|socket| !socket.is_empty()).ok_or_else(|| {
        Fail::usage(format!("there is no agent: {SOCKET} is not set"))
            .hint("eval \"$(ssh-agent)\" && ssh-add FILE; or name a private key file with --key")
    })?;
    Agent::at(Path::new(&socket)).keys().map_err(|error| Fail::usage(error.to_string()).hint("ssh-add -l"))
}

fn listed(keys: &[AgentKey]) -> String {
    let names: Vec<String> =
        keys.iter().map(|key| format!("{} ({})", key.public().fingerprint(), key.comment)).collect();
    names.join(", ")
}

fn opened(name: &str, text: &str) -> Result<PrivateKey, Fail> {
    match parsed(name, text)? {
        KeyFile::Open(key) => Ok(*key),
        KeyFile::Locked(locked) => unlocked(name, &locked),
    }
}

fn parsed(name: &str, text: &str) -> Result<KeyFile, Fail> {
    KeyFile::parse(text).map_err(|error| {
        let hint = match error {
            KeyFileError::SecurityKey => "ssh-add it, and name its public key file: --key FILE.pub",
            KeyFileError::Cipher(_) => "openssl pkcs8 -topk8 -in FILE -out NEW writes it in the newer form",
            KeyFileError::NoPem
            | KeyFileError::Label(_)
            | KeyFileError::Damaged(_)
            | KeyFileError::Algorithm(_)
            | KeyFileError::Passphrase => "evidence key new makes one; ssh-keygen -t ed25519 too",
        };
        Fail::usage(format!("{name}: {error}")).hint(hint)
    })
}

fn unlocked(name: &str, locked: &LockedKey) -> Result<PrivateKey, Fail> {
    let wrong = |error: KeyFileError| Fail::usage(format!("{name}: {error}"));
    if let Some(passphrase) = value_of(PASSPHRASE)? {
        return locked.unlock(&passphrase).map_err(|error| match error {
            KeyFileError::Passphrase => wrong(error).hint(format!("{PASSPHRASE} holds another one")),
            other => wrong(other),
        });
    }
    if !is_terminal() {
        return Err(Fail::usage(format!("{name} is under a passphrase, and there is no terminal to ask for it at"))
            .hint(format!("{SET_PASSPHRASE}; or ssh-add the key, and name its public half with --key")));
    }
    for _ in 1..ASKED_TIMES {
        match locked.unlock(&prompt(&format!("passphrase of {name}: "))?) {
            Err(KeyFileError::Passphrase) => super::eprint("the passphrase is wrong\n"),
            found => return found.map_err(wrong),
        }
    }
    locked.unlock(&prompt(&format!("passphrase of {name}: "))?).map_err(wrong)
}

fn prompt(text: &str) -> Result<Zeroizing<String>, Fail> {
    let typed = rpassword::prompt_password(text);
    typed.map(Zeroizing::new).map_err(|error| Fail::usage(format!("the terminal cannot be read: {error}")))
}

/// Returns whether somebody sits there who can be asked.
fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn ed25519(name: &str, key: PrivateKey) -> Result<SecretKey, Fail> {
    match key {
        PrivateKey::Ed25519(key) => Ok(key),
        PrivateKey::EcdsaP256(_) => Err(Fail::usage(format!("{name}: the log key is of P-256; wanted Ed25519"))),
    }
}

fn of_public_text(path: &Path, text: &str) -> Result<PublicKey, Fail> {
    let parsed = if text.contains("PUBLIC KEY") {
        PublicKey::from_pem(text)
    } else {
        PublicKey::parse_with_comment(text.trim())
    };
    parsed.map_err(|error| {
        Fail::usage(format!("{}: {error}", path.display()))
            .hint("evidence key new makes one; ssh-keygen -t ed25519 too")
    })
}

fn is_line(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"].iter().any(|start| word.starts_with(start)) && word.contains(' ')
}

/// Warns of a private key that others than its owner can read.
fn warn_readable(path: &Path) -> Result<(), Fail> {
    let found = fs::metadata(path).map_err(|error| Fail::io("the key cannot be read:", path, &error))?;
    let mode = found.mode() & 0o777;
    // A file of somebody else's, which this user may read, is for them to guard.
    if found.uid() == rustix::process::geteuid().as_raw() && found.is_file() && mode & OTHERS != 0 {
        super::eprint(&format!(
            "warning: others can read the private key {}: its mode is {mode:04o}\nhint: chmod 600 {}\n",
            path.display(),
            path.display()
        ));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Zeroizing<String>, Fail> {
    let failed = |error: std::io::Error| {
        let fail = Fail::io("the key cannot be read:", path, &error);
        if error.kind() == ErrorKind::NotFound { fail.hint("evidence key new makes one") } else { fail }
    };
    let mut text = Zeroizing::new(String::new());
    File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text)).map_err(failed)?;
    Ok(text)
}

/// Returns what a variable holds; none if it is not set.
fn value_of(variable: &str) -> Result<Option<Zeroizing<String>>, Fail> {
    let value = match std::env::var(variable) {
        Ok(value) => Zeroizing::new(value),
        Err(std::env::VarError::NotPresent) => return Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => return Err(Fail::usage(format!("{variable} is not UTF-8"))),
    };
    if value.is_empty() {
        let wanted = if variable == PASSPHRASE { "a passphrase" } else { "a key file or PEM" };
        return Err(Fail::usage(format!("{variable} is empty; wanted {wanted}"))
            .hint(format!("unset it or fill it in: {variable}")));
    }
    if variable == PASSPHRASE {
        return Ok(Some(value));
    }
    // CI systems that take no line ends are given the text in base64.
    let text = of_base64(&value).and_then(|bytes| Some(Zeroizing::new(str::from_utf8(&bytes).ok()?.to_owned())));
    Ok(Some(text.filter(|text| text.contains(BEGIN)).unwrap_or(value)))
}

/// Refuses what would be taken for the name of a file, and shown, and may be a secret.
fn no_secret(variable: &str, value: &str, cwd: &Path) -> Result<(), Fail> {
    match of_base64(value) {
        Some(bytes) if bytes.len() >= SECRET_BYTES_MIN && !cwd.join(value).exists() => Err(Fail::usage(format!(
            "{variable} holds something in base64 that is no PEM; wanted the name of a key file or PEM"
        ))
        .hint("the text begins with -----BEGIN; base64 of the whole of it does, too")),
        _ => Ok(()),
    }
}

fn of_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text: Zeroizing<String> = Zeroizing::new(text.split_ascii_whitespace().collect());
    STANDARD.decode(text.as_bytes()).ok().map(Zeroizing::new)
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Fail> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut())
        .map_err(|error| Fail::usage(format!("the operating system gives no random bytes: {error}")))?;
    Ok(bytes)
}

const AGENT: &str = "agent";
const SOCKET: &str = "SSH_AUTH_SOCK";
const PASSPHRASE: &str = "EVIDENCE_PASSPHRASE";
const SET_PASSPHRASE: &str = "set EVIDENCE_PASSPHRASE";
const BEGIN: &str = "-----BEGIN";
const PRIVATE: &str = "PRIVATE KEY-----";
const OTHERS: u32 = 0o077;
const ASKED_TIMES: usize = 3;
/// The shortest private keys have 32 bytes.
const SECRET_BYTES_MIN: usize = 32;
/// A key has a few hundred bytes, one of a large RSA key a few thousand.
const FILE_BYTES_MAX: u64 = 64 * 1024;
