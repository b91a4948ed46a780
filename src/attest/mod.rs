//! Commands and reports in, signed statements out.

mod attempt;
mod capture;
mod command;
mod gather;
mod signer;

pub use attempt::{Attempt, AttemptError, Attempted, Looking};
pub use command::{CommandSpec, Echo, Interrupts, Ran};
pub use gather::{Gathered, ReportSpec, gather};
pub use signer::{About, Signer, first_plan};
