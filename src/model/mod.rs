//! The nouns: what exists before anything happens to it.
//!
//! Nothing here touches a file, a clock or a key. Every type is made by a parser that refuses what
//! the format does not spell.

mod criterion;
mod digest;
mod facts;
mod git_facts;
mod id;
mod json;
mod name;
mod outcome;
mod predicate;
mod record;
mod schema;
mod statement;
mod store_url;
mod time;

pub use criterion::{CRITERIA_MAX, Criterion, CriterionId, CriterionIdError, is_tag};
pub use digest::{Digest, DigestError, Fingerprint, Oid};
pub use facts::{
    CoverageFacts, Facts, FindingFacts, MeasurementFacts, MutationFacts, NameFacts, REASONS_MAX, Severity, TestFacts,
};
pub use git_facts::{Below, ChangedLines, CommitFacts, FileLines, GitFacts, LineEnds, PlanTrailer};
pub use id::{ChangeId, ClaimName, Id, IdError, PrincipalId, Role, TierName};
pub use json::{JsonError, Numbers, parse_json};
pub use name::{IMPLEMENTER, Name};
pub use outcome::Outcome;
pub use predicate::*;
pub use record::{ENTRY_BYTES_MAX, Entry, LABELS_MAX, MapEntry, RecordError, SIGNED_MAX, SignedLine, is_map_entry};
pub use schema::{SCHEMAS, Schema, check as check_schema, predicate_schema, schema};
pub use statement::{Binding, STATEMENT_TYPE, Statement, StatementError, Subject};
pub use store_url::{Size, SizeError, StoreScheme, StoreUrl, StoreUrlError};
pub use time::{Span, SpanError, Time};
