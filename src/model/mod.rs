//! The nouns: what exists before anything happens to it.
//!
//! Nothing here touches a file, a clock or a key. Every type is made by a parser that refuses what
//! the format does not spell.

mod digest;
mod id;
mod json;
mod outcome;
mod time;

pub use digest::{Digest, DigestError, Fingerprint, Oid};
pub use id::{ChangeId, ClaimName, Id, IdError, PrincipalId, Role, TierName};
pub use json::{JsonError, Numbers, parse_json};
pub use outcome::Outcome;
pub use time::{Span, SpanError, Time};
