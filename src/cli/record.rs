//! `evidence record`: what happened to the project.

use super::args::{RecordArgs, RecordWhat};
use super::context::Context;
use super::fail::Fail;
use super::{key, merge};
use crate::model::Event;

pub(super) fn run(context: &Context, args: &RecordArgs) -> Result<u8, Fail> {
    let (event, what) = match &args.what {
        RecordWhat::Merge(args) => return merge::run(context, args),
        RecordWhat::Halt { reason } => (Event::Halt { reason: reason.clone() }, "halted"),
        RecordWhat::Resume { reason } => (Event::Resume { reason: reason.clone() }, "resumed"),
    };
    let recorded = key::signed(context, |signer| signer.event_once(&event))?;
    key::done_once(context, &recorded, what);
    Ok(0)
}
