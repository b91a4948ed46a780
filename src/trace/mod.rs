//! Questions across changes.

mod check;

pub use check::{CheckError, Checked, check_ledger};
