//! Questions across changes.

mod check;
mod draft;
mod policies;

pub use check::{CheckError, Checked, check_ledger};
pub use draft::{DraftError, Drafted, draft};
pub use policies::{Tried, TriedOutcome, TryError, try_policy};
