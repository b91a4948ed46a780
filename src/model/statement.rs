//! in-toto Statement v1 with one of our nine predicates (format, section 2).
//!
//! ```json
//! {"_type": "https://in-toto.io/Statement/v1",
//!  "subject": [{"name": "commit", "digest": {"gitCommit": ".."}}, {"name": "tree", "digest": {"gitTree": ".."}}],
//!  "predicateType": "evidence:start/v1",
//!  "predicate": {"evidence": {"ledger": "..", "nonce": "..", "change": "..", "plan": ".."}, ..}}
//! ```
//! Foreign statements are no business of this module: they come in as materials.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::predicate::{Authority, Event, Phase, Predicate, PredicateName};
use super::{ChangeId, Digest, JsonError, Numbers, Oid, parse_json, schema};

/// A statement as its signer meant it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// Where it belongs.
    pub binding: Binding,
    /// What it says.
    pub predicate: Predicate,
}

/// The member `evidence` of every predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Binding {
    /// The origin of the ledger that it was made for.
    pub ledger: String,
    /// 32 hex digits that make it unlike any other.
    pub nonce: String,
    /// The change that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeId>,
    /// The leaf hash of the change's first plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
}

/// One subject: exactly one digest, a digest set would match by any of its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A git commit.
    Commit {
        /// `commit`, or `base` in a plan.
        name: String,
        /// Its id.
        oid: Oid,
    },
    /// A git tree.
    Tree(Oid),
    /// Anything that SHA-256 names: a key, a policy, a record, an origin, an artifact.
    Sha256 {
        /// What it is.
        name: String,
        /// Its digest.
        digest: Digest,
    },
}

/// Why bytes are not one of our statements.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not strict JSON.
    #[error("the statement is unreadable: {0}")]
    Json(#[from] JsonError),
    /// Not an in-toto Statement v1, or not of our nine types.
    #[error("the statement has {found}; wanted {wanted}")]
    Type {
        /// What stands there.
        found: String,
        /// What must stand there.
        wanted: String,
    },
    /// The published schema refuses it.
    #[error("the statement breaks the schema of {predicate_type} at {path}: {text}")]
    Schema {
        /// The predicate type.
        predicate_type: String,
        /// The JSON pointer of the place.
        path: String,
        /// What is wrong there.
        text: String,
    },
    /// A member has a value that its type refuses.
    #[error("the statement of type {predicate_type} is unreadable: {text}")]
    Member {
        /// The predicate type.
        predicate_type: String,
        /// What is wrong.
        text: String,
    },
    /// The subjects are not those of this kind of record.
    #[error("a record of kind {kind} has the subjects {found}; wanted {wanted}")]
    Subjects {
        /// The record's kind.
        kind: String,
        /// The kinds of subject found.
        found: String,
        /// Those wanted.
        wanted: &'static str,
    },
    /// The binding lacks or has a change or plan.
    #[error("a record of kind {kind} {text}")]
    Binding {
        /// The record's kind.
        kind: String,
        /// What is wrong.
        text: &'static str,
    },
}

impl Statement {
    /// Parses the payload of an envelope.
    ///
    /// # Errors
    /// See [`StatementError`]; an unknown field, name or version is unreadable, never skipped.
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        let value = parse_json(payload, Numbers::Exact)?;
        let wanted = |found: String, wanted: &str| StatementError::Type { found, wanted: wanted.to_owned() };
        let kind = value.get("_type").and_then(Value::as_str);
        if kind != Some(STATEMENT_TYPE) {
            return Err(wanted(format!("_type {}", shown(value.get("_type"))), STATEMENT_TYPE));
        }
        let name = value.get("predicateType").and_then(Value::as_str).and_then(PredicateName::of_type);
        let Some(name) = name else {
            let found = format!("predicateType {}", shown(value.get("predicateType")));
            return Err(wanted(found, "evidence:<one of nine names>/v1"));
        };
        schema::check_statement(name, &value)?;
        let member = |error: serde_json::Error| StatementError::Member {
            predicate_type: name.predicate_type(),
            text: error.to_string(),
        };
        let raw: RawStatement = serde_json::from_value(value).map_err(member)?;
        let mut members = raw.predicate;
        let binding = members.remove("evidence").unwrap_or(Value::Null);
        let statement = Self {
            subjects: raw.subject.into_iter().map(Subject::try_from).collect::<Result<_, _>>().map_err(member)?,
            binding: serde_json::from_value(binding).map_err(member)?,
            predicate: Predicate::from_members(name, Value::Object(members)).map_err(member)?,
        };
        statement.check_shape()?;
        Ok(statement)
    }

    /// Prints the payload that is signed, and checks it as a reader would.
    ///
    /// # Errors
    /// If the statement is not one that [`Statement::parse`] reads back as the same value.
    pub fn print(&self) -> Result<Vec<u8>, StatementError> {
        let member = |error: serde_json::Error| StatementError::Member {
            predicate_type: self.predicate.name().predicate_type(),
            text: error.to_string(),
        };
        let mut predicate = Map::new();
        predicate.insert("evidence".to_owned(), serde_json::to_value(&self.binding).map_err(member)?);
        if let Value::Object(members) = self.predicate.to_members().map_err(member)? {
            predicate.extend(members);
        }
        let raw = RawStatement {
            kind: STATEMENT_TYPE.to_owned(),
            subject: self.subjects.iter().map(RawSubject::from).collect(),
            predicate_type: self.predicate.name().predicate_type(),
            predicate,
        };
        let payload = serde_json::to_vec(&raw).map_err(member)?;
        Self::parse(&payload)?;
        Ok(payload)
    }

    /// Returns the kind of its record: the predicate's name, with the sub-kind where there is one.
    #[must_use]
    pub fn kind(&self) -> String {
        match &self.predicate {
            Predicate::Review(review) => format!("review-{}", review.phase.as_str()),
            Predicate::Exception(exception) => format!("exception-{}", exception.effect.as_str()),
            Predicate::Authority(authority) => format!("authority-{}", authority.act()),
            Predicate::Event(event) => format!("event-{}", event.as_str()),
            other => other.name().as_str().to_owned(),
        }
    }

    /// Returns the first commit among the subjects.
    #[must_use]
    pub fn commit(&self) -> Option<&Oid> {
        self.subjects.iter().find_map(|subject| match subject {
            Subject::Commit { oid, .. } => Some(oid),
            Subject::Tree(_) | Subject::Sha256 { .. } => None,
        })
    }

    /// Returns the first tree among the subjects.
    #[must_use]
    pub fn tree(&self) -> Option<&Oid> {
        self.subjects.iter().find_map(|subject| match subject {
            Subject::Tree(oid) => Some(oid),
            Subject::Commit { .. } | Subject::Sha256 { .. } => None,
        })
    }

    /// Returns the SHA-256 digests among the subjects.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.subjects.iter().filter_map(|subject| match subject {
            Subject::Sha256 { digest, .. } => Some(digest),
            Subject::Commit { .. } | Subject::Tree(_) => None,
        })
    }

    /// Returns the hashes of the materials that it rests on.
    #[must_use]
    pub fn materials(&self) -> Vec<Digest> {
        match &self.predicate {
            Predicate::Policy(_) => self.digests().copied().collect(),
            Predicate::Result(run) => run.all_materials().map(|material| material.sha256).collect(),
            Predicate::Review(review) => review.notes.iter().map(|material| material.sha256).collect(),
            Predicate::Verdict(verdict) => verdict.materials().copied().collect(),
            Predicate::Event(Event::Merge { baseline, .. }) => baseline.iter().copied().collect(),
            Predicate::Plan(plan) => plan.materials().map(|material| material.sha256).collect(),
            Predicate::Start(_) | Predicate::Exception(_) | Predicate::Authority(_) | Predicate::Event(_) => Vec::new(),
        }
    }

    fn check_shape(&self) -> Result<(), StatementError> {
        let (fits, wanted) = self.subjects_fit();
        if !fits {
            let found: Vec<&str> = self.subjects.iter().map(Subject::field).collect();
            return Err(StatementError::Subjects {
                kind: self.kind(),
                found: format!("[{}]", found.join(", ")),
                wanted,
            });
        }
        let binding = |text| Err(StatementError::Binding { kind: self.kind(), text });
        match (self.needs_change(), &self.binding.change, &self.binding.plan) {
            (Some(true), None, _) => binding("names no change"),
            (Some(false), Some(_), _) | (Some(false), _, Some(_)) => binding("names a change, and belongs to none"),
            (_, None, Some(_)) => binding("names a plan and no change"),
            (_, Some(_), plan) => match (self.predicate.name(), plan, self.first_plan()) {
                (PredicateName::Plan, Some(_), true) => binding("names a plan, and is the first one"),
                (PredicateName::Plan, None, true) => Ok(()),
                (_, None, _) => binding("does not name the change's first plan"),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Whether this is a change's first plan: only that one gives no reason and names no plan.
    fn first_plan(&self) -> bool {
        matches!(&self.predicate, Predicate::Plan(plan) if plan.reason.is_none())
    }

    /// Whether the record must (`Some(true)`), must not, or may belong to a change.
    fn needs_change(&self) -> Option<bool> {
        match &self.predicate {
            Predicate::Plan(_)
            | Predicate::Start(_)
            | Predicate::Result(_)
            | Predicate::Review(_)
            | Predicate::Verdict(_)
            | Predicate::Event(Event::Rollout { .. } | Event::Rollback { .. } | Event::Erase { .. }) => Some(true),
            // Who names patterns of changes speaks of no single one.
            Predicate::Exception(exception) if exception.changes.is_empty() => None,
            Predicate::Exception(_)
            | Predicate::Authority(_)
            | Predicate::Policy(_)
            | Predicate::Event(
                Event::Halt { .. } | Event::Resume { .. } | Event::Merge { .. } | Event::Incident { .. },
            ) => Some(false),
        }
    }

    fn subjects_fit(&self) -> (bool, &'static str) {
        let fields: Vec<&str> = self.subjects.iter().map(Subject::field).collect();
        let commit_tree = fields.starts_with(&["gitCommit", "gitTree"]);
        let more = |field: &str| fields.iter().skip(2).all(|found| *found == field);
        match &self.predicate {
            Predicate::Plan(_) => (fields == ["gitCommit"], "[gitCommit]"),
            Predicate::Review(review) if matches!(review.phase, Phase::Reveal | Phase::Approve) => {
                (commit_tree && fields.len() > 2 && more("sha256"), "[gitCommit, gitTree, sha256, sha256..]")
            }
            Predicate::Result(_) | Predicate::Event(Event::Rollout { .. } | Event::Rollback { .. }) => {
                (commit_tree && more("sha256"), "[gitCommit, gitTree, sha256..]")
            }
            Predicate::Start(_)
            | Predicate::Review(_)
            | Predicate::Verdict(_)
            | Predicate::Event(Event::Merge { .. }) => (fields == ["gitCommit", "gitTree"], "[gitCommit, gitTree]"),
            Predicate::Event(Event::Incident { .. }) => {
                (!fields.is_empty() && fields.iter().all(|field| *field == "gitCommit"), "[gitCommit..]")
            }
            Predicate::Authority(Authority::Root { .. }) => {
                (!fields.is_empty() && fields.iter().all(|field| *field == "sha256"), "[sha256..]")
            }
            Predicate::Authority(_)
            | Predicate::Policy(_)
            | Predicate::Exception(_)
            | Predicate::Event(Event::Halt { .. } | Event::Resume { .. } | Event::Erase { .. }) => {
                (fields == ["sha256"], "[sha256]")
            }
        }
    }
}

impl Subject {
    /// Returns the subject of the judged commit.
    #[must_use]
    pub fn commit(oid: Oid) -> Self {
        Self::Commit { name: "commit".to_owned(), oid }
    }

    /// Returns the subject of a plan: the commit that the change starts from.
    #[must_use]
    pub fn base(oid: Oid) -> Self {
        Self::Commit { name: "base".to_owned(), oid }
    }

    /// Returns a subject that its SHA-256 names.
    #[must_use]
    pub fn sha256(name: &str, digest: Digest) -> Self {
        Self::Sha256 { name: name.to_owned(), digest }
    }

    const fn field(&self) -> &'static str {
        match self {
            Self::Commit { .. } => "gitCommit",
            Self::Tree(_) => "gitTree",
            Self::Sha256 { .. } => "sha256",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStatement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<RawSubject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSubject {
    name: String,
    digest: RawDigest,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum RawDigest {
    GitCommit(Oid),
    GitTree(Oid),
    Sha256(Digest),
}

impl From<&Subject> for RawSubject {
    fn from(subject: &Subject) -> Self {
        match subject {
            Subject::Commit { name, oid } => Self { name: name.clone(), digest: RawDigest::GitCommit(oid.clone()) },
            Subject::Tree(oid) => Self { name: "tree".to_owned(), digest: RawDigest::GitTree(oid.clone()) },
            Subject::Sha256 { name, digest } => Self { name: name.clone(), digest: RawDigest::Sha256(*digest) },
        }
    }
}

impl TryFrom<RawSubject> for Subject {
    type Error = serde_json::Error;

    fn try_from(raw: RawSubject) -> Result<Self, serde_json::Error> {
        match raw.digest {
            RawDigest::GitCommit(oid) => Ok(Self::Commit { name: raw.name, oid }),
            RawDigest::GitTree(oid) if raw.name == "tree" => Ok(Self::Tree(oid)),
            RawDigest::GitTree(_) => {
                Err(serde::de::Error::custom(format_args!("the git tree is named {:?}; wanted \"tree\"", raw.name)))
            }
            RawDigest::Sha256(digest) => Ok(Self::Sha256 { name: raw.name, digest }),
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), |value| value.to_string().chars().take(120).collect())
}

/// The in-toto Statement v1 type.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
