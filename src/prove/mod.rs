//! Proof of membership, growth, order and completeness: from bytes that anybody may have written to [`Complete`].

mod complete;
mod conviction;
mod held;
mod parallel;
mod placement;
mod source;
mod tail;
mod trust;

pub use complete::{Change, Complete, List, Logged, ProveError, lists_of_change, name_chain, open_head, open_head_of};
pub use conviction::{Convicted, Conviction, ConvictionError, Shown};
pub use held::Held;
pub use parallel::{ahead, side_by_side};
pub use placement::{EVERY_CHANGE, Placement, PlacementError, branch_chain, placement};
pub use source::{ListTail, Listing, Materials, Proven, RawRecord, Source, SourceError, Told};
pub use tail::Run;
pub use trust::{Trust, TrustError, TrustedLedger};
