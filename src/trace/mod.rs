//! Questions across changes.

mod branch;
mod check;
mod draft;
mod merging;
mod open;
mod policies;
mod status;

pub use branch::{Again, BranchAudit, CommitAudit, CommitState, Cover, audit_branch, judged_again};
pub use check::{CheckError, Checked, check_ledger};
pub use draft::{DraftError, Drafted, draft};
pub use merging::{At, Branch, Judged, MergeError, Merging, Reached, Recorded};
pub use open::{Planned, aliased, newest_commit, open_changes, planned, planned_at, plans, records};
pub use policies::{Tried, TriedOutcome, TryError, try_policy};
pub use status::{Awaited, Checkout, PLACEHOLDERS, Progress, Standing, Step, Tier, Unjudged};
