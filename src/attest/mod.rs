//! Commands and reports in, signed statements out.

mod again;
mod agent;
mod attempt;
mod capture;
mod command;
mod gather;
mod on_base;
mod secrets;
mod signer;
mod spool;

pub use again::Done;
pub use agent::{Agent, AgentError, AgentKey};
pub use attempt::{Attempt, AttemptError, Attempted, Looking, Undelivered};
pub use command::{CommandSpec, Echo, Interrupts, Ran};
pub use gather::{Gathered, Label, ReportSpec, Watch, gather};
pub use on_base::BaseSpec;
pub use secrets::Secrets;
pub use signer::{About, Signer, first_plan};
pub use spool::{Delivered, Spool, Waiting};
