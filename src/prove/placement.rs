//! Kind, chain and labels as a function of the statement (format, section 3).
//!
//! Append computes them, the submitter computes them again before it trusts a receipt, every verifier too.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::crypto::{KeyError, NoteError, NoteKey, PublicKey, sha256};
use crate::model::{Authority, ChangeId, Digest, Event, Id, LABELS_MAX, Predicate, Statement, Subject};

/// The chain of exceptions that are for more than one change.
pub const EVERY_CHANGE: &str = "exception";

/// Where a record belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// By predicate type, with the sub-kind where there is one.
    pub kind: String,
    /// The chain that it continues.
    pub chain: String,
    /// Its labels, sorted by bytes, unique.
    pub labels: Vec<String>,
}

/// Why a statement has no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// It would need more labels than an entry holds.
    #[error("the record would need {0} labels; at most {LABELS_MAX} fit")]
    TooManyLabels(usize),
    /// The key that an authority record is about is unfit.
    #[error("the record is about an unfit key: {0}")]
    Key(#[from] KeyError),
    /// The verifier key of the record is unfit.
    #[error(transparent)]
    Vkey(#[from] NoteError),
    /// The subject of an authority record is not the key or log that it is about.
    #[error("the record's subject is not the key or log that it is about")]
    Subject,
}

/// Returns kind, chain and labels of a statement.
///
/// # Errors
/// See [`PlacementError`].
pub fn placement(statement: &Statement) -> Result<Placement, PlacementError> {
    let change = statement.binding.change.as_ref();
    let of_change = || change.map_or_else(|| EVERY_CHANGE.to_owned(), |id| format!("change:{id}"));
    let chain = match &statement.predicate {
        Predicate::Plan(_)
        | Predicate::Start(_)
        | Predicate::Result(_)
        | Predicate::Review(_)
        | Predicate::Verdict(_) => of_change(),
        Predicate::Exception(_) => of_change(),
        Predicate::Authority(Authority::Grant(grant)) => key_chain(statement, &grant.key)?,
        Predicate::Authority(Authority::Revoke(revoke)) => key_chain(statement, &revoke.key)?,
        Predicate::Authority(authority) => {
            check_subjects(statement, authority)?;
            "policy".to_owned()
        }
        Predicate::Policy(_) => "policy".to_owned(),
        Predicate::Event(event) => match event {
            Event::Halt { .. } | Event::Resume { .. } => "halt".to_owned(),
            Event::Merge { branch, repository, .. } => branch_chain(repository, branch),
            Event::Rollout { .. } | Event::Rollback { .. } | Event::Erase { .. } => of_change(),
            Event::Incident { incident, .. } => format!("incident:{incident}"),
        },
    };
    let labels: Vec<String> = labels(statement).into_iter().collect();
    if labels.len() > LABELS_MAX {
        return Err(PlacementError::TooManyLabels(labels.len()));
    }
    Ok(Placement { kind: statement.kind(), chain, labels })
}

/// Checks that what is said of the log itself has the subjects that follow from it (format, section 11): keys by their SPKI,
/// a log by its origin.
fn check_subjects(statement: &Statement, authority: &Authority) -> Result<(), PlacementError> {
    let wanted = match authority {
        Authority::Root { keys, .. } => {
            let spki = |line: &String| Ok(line.parse::<PublicKey>()?.spki_sha256());
            keys.iter().map(spki).collect::<Result<Vec<Digest>, PlacementError>>()?
        }
        Authority::LedgerKey { vkey, .. } => vec![vkey.parse::<NoteKey>()?.key().spki_sha256()],
        Authority::Close { .. } => vec![sha256(statement.binding.ledger.as_bytes())],
        Authority::Genesis { origin, .. } => vec![sha256(origin.as_bytes())],
        Authority::Grant(_) | Authority::Revoke(_) | Authority::Format { .. } => return Ok(()),
    };
    if statement.digests().copied().eq(wanted) { Ok(()) } else { Err(PlacementError::Subject) }
}

fn key_chain(statement: &Statement, line: &str) -> Result<String, PlacementError> {
    let key: PublicKey = line.parse()?;
    if statement.digests().next() != Some(&key.spki_sha256()) {
        return Err(PlacementError::Subject);
    }
    Ok(format!("key:{}", key.fingerprint()))
}

fn labels(statement: &Statement) -> BTreeSet<String> {
    let commits_and_trees = statement.subjects.iter().filter_map(|subject| match subject {
        Subject::Commit { oid, .. } => Some(format!("commit:{oid}")),
        Subject::Tree(oid) => Some(format!("tree:{oid}")),
        Subject::Sha256 { .. } => None,
    });
    let artifacts = || statement.digests().map(|digest| format!("artifact:sha256:{digest}"));
    let changes = |ids: &[ChangeId]| -> Vec<String> { ids.iter().map(|id| format!("change:{id}")).collect() };
    match &statement.predicate {
        Predicate::Plan(plan) => plan.aliases.iter().map(|alias| format!("alias:{alias}")).collect(),
        Predicate::Start(_) | Predicate::Review(_) | Predicate::Verdict(_) => commits_and_trees.collect(),
        Predicate::Result(_) => commits_and_trees.chain(artifacts()).collect(),
        Predicate::Exception(_) | Predicate::Authority(_) | Predicate::Policy(_) => BTreeSet::new(),
        Predicate::Event(event) => match event {
            Event::Halt { .. } | Event::Resume { .. } => BTreeSet::new(),
            Event::Merge { changes: ids, .. } => commits_and_trees.chain(changes(ids)).collect(),
            Event::Rollout { .. } | Event::Rollback { .. } | Event::Erase { .. } => {
                commits_and_trees.chain(artifacts()).collect()
            }
            Event::Incident { changes: ids, .. } => commits_and_trees.chain(changes(ids)).collect(),
        },
    }
}

/// Returns the chain of what reached a branch, by the branch's full name.
#[must_use]
pub fn branch_chain(repository: &Id, branch: &str) -> String {
    format!("branch:{repository}:{}", escape_ref(branch))
}

/// Spells a full ref name: bytes outside `[A-Za-z0-9._/-]` as %XX in upper case.
fn escape_ref(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-') {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Binding, Grant};

    fn about(statement: Predicate, subjects: Vec<Subject>, change: Option<&str>) -> Statement {
        let change = change.map(|id| id.parse().unwrap());
        Statement {
            subjects,
            binding: Binding { ledger: "l".to_owned(), nonce: "0".repeat(32), change, plan: None },
            predicate: statement,
        }
    }

    #[test]
    fn a_merge_is_placed_by_its_branch() {
        let oid: crate::model::Oid = "1".repeat(40).parse().unwrap();
        let event = Event::Merge {
            branch: "refs/heads/x y%".to_owned(),
            repository: "shop".parse().unwrap(),
            changes: vec!["shop/a".parse().unwrap()],
            verdict: None,
            baseline: None,
        };
        let placed =
            placement(&about(Predicate::Event(event), vec![Subject::commit(oid.clone()), Subject::Tree(oid)], None))
                .unwrap();
        assert_eq!(placed.chain, "branch:shop:refs/heads/x%20y%25");
        assert_eq!(placed.labels.len(), 3);
        assert_eq!(placed.kind, "event-merge");
    }

    #[test]
    fn a_grant_about_another_key_has_no_place() {
        let [one, two] = [1, 2].map(|seed| crate::crypto::SecretKey::from_seed(&[seed; 32]).public());
        let grant = |key: &PublicKey| Grant {
            key: key.to_string(),
            principal: "ana".parse().unwrap(),
            owner: None,
            roles: vec!["ci".parse().unwrap()],
            emails: Vec::new(),
            changes: Vec::new(),
            until: None,
            leased_by: None,
        };
        let of = |key, subject: &PublicKey| {
            about(
                Predicate::Authority(Authority::Grant(grant(key))),
                vec![Subject::sha256("key", subject.spki_sha256())],
                None,
            )
        };
        assert_eq!(placement(&of(&one, &one)).unwrap().chain, format!("key:{}", one.fingerprint()));
        assert_eq!(placement(&of(&one, &two)), Err(PlacementError::Subject));
    }
}
