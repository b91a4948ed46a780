//! Questions across changes.

mod branch;
mod check;
mod draft;
mod merging;
mod policies;

pub use branch::{BranchAudit, CommitAudit, CommitState, Cover, audit_branch};
pub use check::{CheckError, Checked, check_ledger};
pub use draft::{DraftError, Drafted, draft};
pub use merging::{At, Branch, Judged, MergeError, Merging, Reached, Recorded};
pub use policies::{Tried, TriedOutcome, TryError, try_policy};
