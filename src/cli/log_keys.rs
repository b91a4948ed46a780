//! The private keys that sign a ledger's heads: one, or two while the log's key changes (`evidence help keys`).
//!
//! They lie in the config folder as `log.pem`, beside it `log.old.pem` while the key before still signs, and `log.next.pem`
//! while a change is under way; or `EVIDENCE_LOG_KEY` names a file or holds PEM, of one key or of several.

use std::fs;
use std::path::{Path, PathBuf};

use super::context::log_key_path;
use super::fail::Fail;
use crate::crypto::SecretKey;

/// Returns the keys that sign a ledger's heads; at least one.
pub(super) fn log_keys(origin: &str, cwd: &Path) -> Result<Vec<SecretKey>, Fail> {
    let keys = match named(cwd)? {
        Some((from, text)) => parse(&from, &text)?,
        None => {
            let mut keys = Vec::new();
            for path in paths(origin)?.into_iter().filter(|path| path.exists()) {
                keys.extend(parse(&path.display().to_string(), &read(&path)?)?);
            }
            keys
        }
    };
    if keys.is_empty() {
        let text = format!("there is no log key of {origin}: no {}", log_key_path(origin)?.display());
        return Err(Fail::usage(text).hint("EVIDENCE_LOG_KEY names it; whoever made the ledger has it"));
    }
    Ok(keys)
}

/// Returns whether the keys come from `EVIDENCE_LOG_KEY`.
pub(super) fn are_named() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Returns where the keys of a ledger lie: the one that signs, the one before it, and the one that is to come.
pub(super) fn paths(origin: &str) -> Result<[PathBuf; 3], Fail> {
    let path = log_key_path(origin)?;
    Ok([path.clone(), path.with_file_name("log.old.pem"), path.with_file_name("log.next.pem")])
}

fn named(cwd: &Path) -> Result<Option<(String, String)>, Fail> {
    let Some(value) = std::env::var_os(VARIABLE) else { return Ok(None) };
    let text = value.to_string_lossy();
    if text.is_empty() {
        return Err(Fail::usage(format!("{VARIABLE} is empty; wanted a key file or PEM"))
            .hint(format!("unset it or fill it in: {VARIABLE}")));
    }
    if text.contains(BEGIN) {
        return Ok(Some((VARIABLE.to_owned(), text.into_owned())));
    }
    let path = cwd.join(&*text);
    Ok(Some((path.display().to_string(), read(&path)?)))
}

fn read(path: &Path) -> Result<String, Fail> {
    fs::read_to_string(path).map_err(|error| Fail::io("the key cannot be read:", path, &error))
}

/// Parses every PEM of a text.
fn parse(from: &str, text: &str) -> Result<Vec<SecretKey>, Fail> {
    let wrong = |error: crate::crypto::KeyError| Fail::usage(format!("{from}: {error}"));
    let mut starts: Vec<usize> = text.match_indices(BEGIN).map(|(at, _)| at).collect();
    if starts.is_empty() {
        return SecretKey::from_pem(text).map(|key| vec![key]).map_err(wrong);
    }
    starts.push(text.len());
    starts.windows(2).map(|part| SecretKey::from_pem(&text[part[0]..part[1]]).map_err(wrong)).collect()
}

const VARIABLE: &str = "EVIDENCE_LOG_KEY";
const BEGIN: &str = "-----BEGIN";
