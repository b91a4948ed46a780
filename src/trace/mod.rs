//! Questions across changes.

mod check;
mod policies;

pub use check::{CheckError, Checked, check_ledger};
pub use policies::{Tried, TriedOutcome, TryError, try_policy};
