//! The auditor's file: written from any source, read by its own rules, judged again (format, section 7); and the verdict
//! in the words of other tools.

mod audit;
mod bundle;
mod container;
mod layings;
mod layout;
mod report;
mod write;

pub use audit::{Audit, AuditError, Verified, audit, audited_moment, audited_place};
pub use bundle::Bundle;
pub use container::{Container, ContainerError};
pub use layings::layings;
pub use report::{
    Around, Attestation, Projection, UnknownProjection, VSA_TYPE, codequality, command_line, is_about, junit, markdown,
    sarif, vsa,
};
pub use write::{Exported, Lines, Parts, WriteError, write_bundle};
