//! The private keys that sign a ledger's heads: one, or two while the log's key changes (`evidence help keys`).
//!
//! They lie in the config folder as `log.pem`, beside it `log.old.pem` while the key before still signs, and `log.next.pem`
//! while a change is under way; or `EVIDENCE_LOG_KEY` names a file or holds PEM, of one key or of several.

use std::path::{Path, PathBuf};

use super::context::log_key_path;
use super::fail::Fail;
use super::keys::{log_keys_in, log_keys_of};
use crate::crypto::SecretKey;

/// Returns the keys that sign a ledger's heads; at least one.
pub(super) fn log_keys(origin: &str, cwd: &Path) -> Result<Vec<SecretKey>, Fail> {
    if let Some(keys) = log_keys_of(VARIABLE, cwd)? {
        return Ok(keys);
    }
    let mut keys = Vec::new();
    for path in paths(origin)?.into_iter().filter(|path| path.exists()) {
        keys.extend(log_keys_in(&path)?);
    }
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

/// The variable that names or holds them.
pub(super) const VARIABLE: &str = "EVIDENCE_LOG_KEY";
