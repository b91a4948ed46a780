//! `evidence review`: a person or agent looked at the tree.

use std::fs::File;

use super::args::{ReviewArgs, ReviewWord};
use super::context::Context;
use super::fail::Fail;
use super::keys::lent;
use super::{key, plan};
use crate::attest::Signer;
use crate::model::{Material, Phase, Purpose, Review, ReviewVerdict};

pub(super) fn run(context: &Context, args: &ReviewArgs) -> Result<u8, Fail> {
    let claim = args.claim.parse().map_err(|error| Fail::usage(format!("the claim: {error}")))?;
    let trust = context.trust(args.of.target.as_deref())?;
    let (head, target) = context.judged(&args.of)?;
    let appender = context.appender(trust.clone())?;
    let change = {
        let log = appender.ledger().read()?;
        context.change(args.of.change.as_deref(), &head, target.as_ref(), &trust, Some(&log))?
    };
    let keys = context.keys()?;
    let signer = Signer { appender: &appender, keys: lent(&keys) };
    let notes = match &args.notes {
        None => None,
        Some(path) => {
            let path = context.cwd.join(path);
            let mut file = File::open(&path).map_err(|error| Fail::io("the notes cannot be read:", &path, &error))?;
            let (sha256, bytes) = appender.ledger().blobs().put_from(&mut file)?;
            let name = path.file_name().map_or_else(|| "notes".to_owned(), |name| name.to_string_lossy().into_owned());
            Some(Material { name, purpose: Purpose::Attachment, sha256, bytes, omitted_bytes: None })
        }
    };
    let (verdict, word) = match args.verdict {
        ReviewWord::Pass => (ReviewVerdict::Pass, "pass"),
        ReviewWord::Fail => (ReviewVerdict::Fail, "fail"),
    };
    let about = plan::about(context, &appender, &signer, &change, &head, target.as_ref())?;
    let review = Review { claim, phase: Phase::Plain, verdict: Some(verdict), notes, commitment: None };
    let receipt = signer.review(&about, review)?;
    key::done(context, &receipt, &format!("{} {word} on tree {} ({change})", args.claim, head.tree.short()));
    Ok(0)
}
