//! The auditor's file: written from any source, read by its own rules, judged again (format, section 7).

mod audit;
mod bundle;
mod container;
mod layout;
mod write;

pub use audit::{Audit, AuditError, audit, audited_moment};
pub use bundle::Bundle;
pub use container::{Container, ContainerError};
pub use write::{Exported, Parts, WriteError, write_bundle};
