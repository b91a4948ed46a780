//! ssh-agent: keys that it holds and signs with (draft-ietf-sshm-ssh-agent; OpenSSH, PROTOCOL.u2f).
//!
//! Two requests are made: which keys there are, and a signature. A key is added, and taken away, by `ssh-add`.
//! An agent signs what we sign, as it is: DSSE's bytes begin with `DSSEv1`, those of an SSH login with the length of a
//! session id, so that neither signature passes for the other.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::crypto::wire::{Wire, put};
use crate::crypto::{Algorithm, PublicKey, Sign, SignError, ecdsa_one_spelling};

/// An agent, by its socket.
#[derive(Debug, Clone)]
pub struct Agent {
    socket: PathBuf,
}

/// A key that an agent holds.
#[derive(Debug, Clone)]
pub struct AgentKey {
    agent: Agent,
    key: PublicKey,
    /// What the agent calls it.
    pub comment: String,
}

/// Why an agent gives no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The socket.
    #[error("the agent at {} does not answer: {error}", socket.display())]
    Io {
        /// Where it was looked for.
        socket: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It did not answer in time.
    #[error("the agent did not answer within {seconds} seconds")]
    Late {
        /// How long it was waited for.
        seconds: u64,
    },
    /// It said no.
    #[error("the agent refused")]
    Refused,
    /// It said something else.
    #[error("the agent's answer is malformed: {0}")]
    Malformed(&'static str),
}

impl Agent {
    /// Returns the agent that listens at a socket.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// Returns the keys that it holds, of those algorithms that we verify.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub fn keys(&self) -> Result<Vec<AgentKey>, AgentError> {
        let malformed = || AgentError::Malformed("wanted a list of keys");
        let answer = self.ask(&[REQUEST_IDENTITIES], LIST_SECONDS)?;
        let mut wire = answer.strip_prefix(&[IDENTITIES_ANSWER]).map(Wire).ok_or_else(malformed)?;
        let count = wire.number().ok_or_else(malformed)?;
        let mut keys = Vec::new();
        for _ in 0..count {
            let (blob, comment) = (wire.string().ok_or_else(malformed)?, wire.string().ok_or_else(malformed)?);
            // Keys of other algorithms, and certificates, are others' business.
            if let Ok(key) = PublicKey::from_wire(blob) {
                let comment = String::from_utf8_lossy(comment).into_owned();
                keys.push(AgentKey { agent: self.clone(), key, comment });
            }
        }
        wire.end().ok_or_else(malformed)?;
        Ok(keys)
    }

    fn sign(&self, key: &PublicKey, message: &[u8]) -> Result<Vec<u8>, AgentError> {
        let malformed = || AgentError::Malformed("wanted a signature of the key's algorithm");
        let mut request = vec![SIGN_REQUEST];
        put(&mut request, &key.to_wire());
        put(&mut request, message);
        request.extend_from_slice(&NO_FLAGS.to_be_bytes());
        let answer = self.ask(&request, SIGN_SECONDS)?;
        let mut wire = answer.strip_prefix(&[SIGN_RESPONSE]).map(Wire).ok_or_else(malformed)?;
        let blob = wire.string().ok_or_else(malformed)?;
        wire.end().ok_or_else(malformed)?;
        let signature = signature(key, blob).ok_or_else(malformed)?;
        match key.verify(message, &signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(AgentError::Malformed("the signature does not hold, or was made without a touch")),
        }
    }

    /// Sends a request and returns the answer to it.
    fn ask(&self, request: &[u8], seconds: u64) -> Result<Vec<u8>, AgentError> {
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => AgentError::Late { seconds },
            _ => AgentError::Io { socket: self.socket.clone(), error },
        };
        let mut stream = UnixStream::connect(&self.socket).map_err(failed)?;
        stream.set_read_timeout(Some(Duration::from_secs(seconds))).map_err(failed)?;
        stream.set_write_timeout(Some(Duration::from_secs(LIST_SECONDS))).map_err(failed)?;
        let mut framed = Vec::new();
        put(&mut framed, request);
        stream.write_all(&framed).map_err(failed)?;
        let mut length = [0; 4];
        stream.read_exact(&mut length).map_err(failed)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if !(1..=ANSWER_BYTES_MAX).contains(&length) {
            return Err(AgentError::Malformed("its length is none, or above 256 KiB"));
        }
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).map_err(failed)?;
        if answer[0] == FAILURE { Err(AgentError::Refused) } else { Ok(answer) }
    }
}

impl Sign for AgentKey {
    fn public(&self) -> PublicKey {
        self.key.clone()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let failed = |error: AgentError| SignError { key: self.key.fingerprint(), reason: error.to_string() };
        self.agent.sign(&self.key, message).map_err(failed)
    }
}

/// Takes a signature out of its wire form, into the spelling of envelopes.
fn signature(key: &PublicKey, blob: &[u8]) -> Option<Vec<u8>> {
    let mut wire = Wire(blob);
    let (word, raw) = (wire.string()?, wire.string()?);
    if !key.to_string().as_bytes().strip_prefix(word)?.starts_with(b" ") {
        return None;
    }
    match key.algorithm() {
        Algorithm::Ed25519 => wire.end().map(|()| raw.to_vec()),
        Algorithm::SkEd25519 => (wire.0.len() == FLAGS_AND_COUNTER_BYTES).then(|| [raw, wire.0].concat()),
        Algorithm::EcdsaP256 => {
            wire.end()?;
            let mut numbers = Wire(raw);
            let (r, s) = (numbers.string().and_then(scalar)?, numbers.string().and_then(scalar)?);
            numbers.end()?;
            ecdsa_one_spelling(&[r, s].concat())
        }
    }
}

/// Takes a number of at most 32 bytes, whose first byte may be a zero more.
fn scalar(number: &[u8]) -> Option<[u8; 32]> {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let digits = &number[start..];
    let mut bytes = [0; 32];
    bytes.get_mut(32_usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    Some(bytes)
}

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const NO_FLAGS: u32 = 0;
const FLAGS_AND_COUNTER_BYTES: usize = 5;
/// What OpenSSH's own agent sends at most.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
const LIST_SECONDS: u64 = 10;
/// A person has to find the key and touch it, or to type a PIN.
const SIGN_SECONDS: u64 = 120;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{EcdsaKey, SecretKey};

    fn wire(parts: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for part in parts {
            put(&mut out, part);
        }
        out
    }

    #[test]
    fn signatures_of_another_algorithm_or_length_are_refused() {
        let key = SecretKey::from_seed(&[1; 32]).public();
        assert_eq!(signature(&key, &wire(&[b"ssh-ed25519", &[7; 64]])), Some(vec![7; 64]));
        assert_eq!(signature(&key, &wire(&[b"ssh-ed", &[7; 64]])), None);
        assert_eq!(signature(&key, &wire(&[b"ssh-rsa", &[7; 64]])), None);
        assert_eq!(signature(&key, &wire(&[b"ssh-ed25519", &[7; 64], b""])), None);
        assert_eq!(signature(&key, &wire(&[b"ssh-ed25519"])), None);
        let key = EcdsaKey::from_bytes(&[1; 32]).unwrap().public();
        let of = |r: &[u8], s: &[u8]| signature(&key, &wire(&[b"ecdsa-sha2-nistp256", &wire(&[r, s])]));
        assert!(of(&[1], &[0, 0x80]).is_some());
        assert!(of(&[1; 33], &[1]).is_none() && of(&[], &[1]).is_none() && of(&[0xff; 32], &[1]).is_none());
    }

    #[test]
    fn an_agent_that_is_not_there_is_named() {
        let error = Agent::at(Path::new("/nowhere/agent.sock")).keys().unwrap_err();
        assert!(error.to_string().contains("/nowhere/agent.sock"));
    }
}
