//! Commands and reports in, signed statements out.

mod agent;
mod attempt;
mod capture;
mod command;
mod gather;
mod secrets;
mod signer;

pub use agent::{Agent, AgentError, AgentKey};
pub use attempt::{Attempt, AttemptError, Attempted, Looking};
pub use command::{CommandSpec, Echo, Interrupts, Ran};
pub use gather::{Gathered, ReportSpec, gather};
pub use secrets::Secrets;
pub use signer::{About, Signer, first_plan};
