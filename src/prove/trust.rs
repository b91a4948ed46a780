//! The trust file (format, section 6): what a verifier believes before it reads anything.
//!
//! ```toml
//! version = 1
//! repository = "shop"
//!
//! [[ledger]]
//! origin = "evidence.local/0123456789abcdef0123456789abcdef"
//! vkey = "evidence.local/0123456789abcdef0123456789abcdef+d09fa1ee+AYqI.."
//!
//! [roots]
//! keys = ["ssh-ed25519 AAAA.."]
//! threshold = 1
//! ```

use serde::{Deserialize, Serialize};

use crate::crypto::{KeyError, NoteError, NoteKey, PublicKey};
use crate::model::{Fingerprint, Id, Span, check_schema};

/// What a verifier believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The id of the repository, the first part of its changes' default ids.
    pub repository: Id,
    /// The ledgers, oldest first.
    pub ledgers: Vec<TrustedLedger>,
    /// Who decides before the first policy, and for ever what no policy gives to roles.
    pub roots: Vec<PublicKey>,
    /// How many roots act together.
    pub threshold: usize,
    /// The least size of a ledger that is believed.
    pub min_size: Option<u64>,
    /// The greatest age of a checkpoint that is believed.
    pub max_age: Option<Span>,
}

/// A ledger and the key of its checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedLedger {
    /// The ledger's origin.
    pub origin: String,
    /// Its verifier key.
    pub vkey: NoteKey,
    /// The sizes for which this key signs.
    pub from_size: u64,
    /// The last of them; open where absent.
    pub to_size: Option<u64>,
}

/// Why a trust file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Not TOML, or not of this form; the message has line and column.
    #[error("the trust file cannot be read: {0}")]
    Form(String),
    /// The schema refuses it.
    #[error("the trust file breaks its schema at {path}: {text}")]
    Schema {
        /// The place.
        path: String,
        /// What is wrong there.
        text: String,
    },
    /// A root key is unfit.
    #[error("a root key of the trust file is unfit: {0}")]
    Root(#[from] KeyError),
    /// A verifier key is unfit.
    #[error("a ledger key of the trust file is unfit: {0}")]
    Vkey(#[from] NoteError),
    /// A verifier key has another name than its origin.
    #[error("the verifier key of {origin} is named {found}; a log signs under its origin")]
    Name {
        /// The origin.
        origin: String,
        /// The key's name.
        found: String,
    },
    /// More roots must act together than there are.
    #[error("the threshold of the roots is {threshold}, and there are {roots}")]
    Threshold {
        /// The threshold.
        threshold: usize,
        /// The number of roots.
        roots: usize,
    },
    /// It demands what this version cannot check.
    #[error("the trust file demands {0}, which this version cannot check")]
    Unsupported(&'static str),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    repository: Id,
    ledger: Vec<FileLedger>,
    roots: FileRoots,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    witnesses: Vec<toml::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quorum: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_age: Option<Span>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLedger {
    origin: String,
    vkey: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    from_size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to_size: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRoots {
    keys: Vec<String>,
    threshold: usize,
}

impl Trust {
    /// Parses a trust file.
    ///
    /// # Errors
    /// See [`TrustError`]; unknown fields are refused.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let form = |error: toml::de::Error| TrustError::Form(error.to_string().trim().replace('\n', " "));
        let table: toml::Table = toml::from_str(text).map_err(form)?;
        let json = serde_json::to_value(&table).map_err(|error| TrustError::Form(error.to_string()))?;
        let file: File = toml::from_str(text).map_err(form)?;
        check_schema("trust", &json).map_err(|(path, text)| TrustError::Schema { path, text })?;
        if file.quorum.is_some() || !file.witnesses.is_empty() {
            return Err(TrustError::Unsupported("witnesses"));
        }
        let mut ledgers = Vec::with_capacity(file.ledger.len());
        for ledger in file.ledger {
            let vkey: NoteKey = ledger.vkey.parse()?;
            if vkey.name() != ledger.origin {
                return Err(TrustError::Name { origin: ledger.origin, found: vkey.name().to_owned() });
            }
            ledgers.push(TrustedLedger {
                origin: ledger.origin,
                vkey,
                from_size: ledger.from_size,
                to_size: ledger.to_size,
            });
        }
        let roots: Vec<PublicKey> = file.roots.keys.iter().map(|line| line.parse()).collect::<Result<_, _>>()?;
        let threshold = file.roots.threshold;
        if threshold > roots.len() {
            return Err(TrustError::Threshold { threshold, roots: roots.len() });
        }
        Ok(Self {
            repository: file.repository,
            ledgers,
            roots,
            threshold,
            min_size: file.min_size,
            max_age: file.max_age,
        })
    }

    /// Prints the file.
    #[must_use]
    pub fn print(&self) -> String {
        let file = File {
            version: 1,
            repository: self.repository.clone(),
            ledger: self
                .ledgers
                .iter()
                .map(|ledger| FileLedger {
                    origin: ledger.origin.clone(),
                    vkey: ledger.vkey.to_string(),
                    from_size: ledger.from_size,
                    to_size: ledger.to_size,
                })
                .collect(),
            roots: FileRoots { keys: self.roots.iter().map(ToString::to_string).collect(), threshold: self.threshold },
            witnesses: Vec::new(),
            quorum: None,
            min_size: self.min_size,
            max_age: self.max_age,
        };
        // Plain values come before tables in TOML, whatever their order in the type.
        toml::to_string(&file).expect("a trust file holds nothing that TOML cannot say")
    }

    /// Returns the keys that sign for an origin at a size.
    #[must_use]
    pub fn log_keys(&self, origin: &str, size: u64) -> Vec<NoteKey> {
        let fits = |ledger: &&TrustedLedger| {
            ledger.origin == origin && ledger.from_size <= size && ledger.to_size.is_none_or(|to| size <= to)
        };
        self.ledgers.iter().filter(fits).map(|ledger| ledger.vkey.clone()).collect()
    }

    /// Returns whether a key is a root.
    #[must_use]
    pub fn is_root(&self, key: &Fingerprint) -> bool {
        self.roots.iter().any(|root| root.fingerprint() == *key)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SecretKey;

    fn trust() -> Trust {
        let key = SecretKey::from_seed(&[1; 32]).public();
        let ledger = TrustedLedger {
            origin: "log.example".to_owned(),
            vkey: NoteKey::new("log.example", key.clone()).unwrap(),
            from_size: 0,
            to_size: None,
        };
        Trust {
            repository: "shop".parse().unwrap(),
            ledgers: vec![ledger],
            roots: vec![key],
            threshold: 1,
            min_size: None,
            max_age: None,
        }
    }

    #[test]
    fn a_trust_file_reads_and_prints() {
        assert_eq!(Trust::parse(&trust().print()).unwrap(), trust());
    }

    #[test]
    fn a_trust_file_that_says_more_or_less_is_refused() {
        let text = trust().print();
        for bad in [
            format!("{text}\nextra = 1\n"),
            text.replace("threshold = 1", "threshold = 2"),
            text.replace("threshold = 1", "threshold = 0"),
            text.replace("version = 1", "version = 2"),
            text.replace("origin = \"log.example\"", "origin = \"log.example2\""),
            format!("quorum = 1\n{text}"),
        ] {
            assert!(Trust::parse(&bad).is_err(), "{bad}");
        }
    }
}
