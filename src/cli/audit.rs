//! `evidence audit`: a bundle, checked with nothing but it and a trust file.

use std::cell::RefCell;
use std::fs;
use std::rc::Rc;

use serde_json::json;

use super::args::AuditArgs;
use super::context::{Context, now};
use super::fail::Fail;
use super::progress::{Progress, megabytes};
use super::verify::page;
use super::write::{Outputs, Signs};
use super::{print, print_json};
use crate::export::{Audit, AuditError, Bundle, Verified, audit};
use crate::git::need_commit;
use crate::model::Decision;
use crate::verify::{Code, Finding, Verdict};

pub(super) fn run(context: &Context, args: &AuditArgs) -> Result<u8, Fail> {
    if let Some(branch) = &args.branch {
        return super::branch::run(context, branch, args.range.as_deref());
    }
    let Some(file) = &args.file else { return Err(Fail::usage("no bundle is named").hint("evidence audit FILE")) };
    let outputs = Outputs::prepare(context, &args.write, Signs::IfNamed)?;
    let path = context.cwd.join(file);
    if !path.exists() {
        return Err(Fail::usage(format!("there is no bundle {}", path.display())).hint("evidence export writes one"));
    }
    let trust = context.trust_of_auditor()?;
    let since = match &args.since {
        None => None,
        Some(note) => {
            let path = context.cwd.join(note);
            Some(fs::read(&path).map_err(|error| Fail::io("the older checkpoint cannot be read:", &path, &error))?)
        }
    };
    if let Some(conviction) = super::convict::read(&path)? {
        return super::convict::audit(context, &conviction, &trust);
    }
    let progress = Rc::new(RefCell::new((Progress::begin(context), 0_u64)));
    let watched = Rc::clone(&progress);
    let bundle = Bundle::open(&path).map_err(Fail::from)?.watched(move |bytes| {
        let (progress, read) = &mut *watched.borrow_mut();
        *read = read.saturating_add(bytes);
        progress.show(|| format!("{} of the bundle read", megabytes(*read)));
    });
    if let Some(wanted) = args.change.as_deref().filter(|wanted| *wanted != bundle.change().as_str()) {
        return Err(Fail::refused(
            Code::OTHER_COMMIT,
            format!("the bundle is about the change {}; wanted {wanted}", bundle.change()),
        ));
    }
    if let Some(wanted) = args.commit.as_deref().filter(|wanted| *wanted != bundle.commit().as_str()) {
        return Err(Fail::refused(
            Code::OTHER_COMMIT,
            format!("the bundle is about the commit {}; wanted {wanted}", bundle.commit()),
        ));
    }
    let audited = audit(&bundle, &trust, since.as_deref(), &context.evaluator());
    progress.borrow_mut().0.clear();
    let audited = match audited {
        Ok(audited) => audited,
        Err(error) => {
            let fail = fail(error);
            if let Some(verdict) = unproven(&bundle, &fail) {
                outputs.write(&[(&verdict, &[])])?;
            }
            return Err(fail);
        }
    };
    let verdict = audited.decided.verdict();
    outputs.write(&[(verdict, &audited.attestations)])?;
    if context.json {
        let later: Vec<_> = audited
            .later
            .iter()
            .map(|(serial, kind, time)| json!({"serial": serial, "kind": kind, "time": time}))
            .collect();
        let lapsed: Vec<_> = audited
            .lapsed
            .iter()
            .map(|(serial, id, until)| json!({"serial": serial, "id": id, "until": until}))
            .collect();
        print_json(
            &json!({"verdict": super::verify::checked_json(verdict)?, "records": audited.records, "lists": audited.lists, "materials": audited.materials.0,
            "bytes": audited.materials.1, "merge": audited.merge.map(|(serial, verified)| json!({"serial": serial, "unverified": verified == Verified::No})), "leftOut": audited.left_out, "grewSince": audited.grew_since, "later": later, "lapsed": lapsed}),
        );
    } else {
        print(&page(verdict));
        print(&summary(&audited));
    }
    Ok(match verdict.decision {
        Decision::Accepted => 0,
        Decision::Refused => 1,
    })
}

/// Returns the verdict on a bundle that is refused before anything is judged: that of files, the answer is the failure.
fn unproven(bundle: &Bundle, fail: &Fail) -> Option<Verdict> {
    let code = fail.code.filter(|_| fail.exit == 1)?;
    let tree = need_commit(bundle, bundle.commit()).ok()?.tree;
    let finding = Finding::new(code, "the bundle", fail.text.clone(), "every record, list and object that it needs");
    let (change, commit) = (bundle.change().clone(), bundle.commit().clone());
    Some(Verdict::unproven(change, commit, tree, bundle.origin().to_owned(), now(), finding))
}

fn summary(audited: &Audit) -> String {
    let (materials, bytes) = audited.materials;
    let mut text = format!(
        "\nchecked: {} records with their signatures, {} lists complete, {materials} materials of {bytes} bytes, facts and git facts computed again\n",
        audited.records, audited.lists
    );
    if let Some(size) = audited.grew_since {
        text.push_str(&format!("the log only grew since size {size}\n"));
    }
    match audited.merge {
        Some((serial, Verified::Named)) => {
            text.push_str(&format!("merged by record #{serial}, and judged as of then\n"))
        }
        Some((serial, Verified::No)) => {
            text.push_str(&format!("merged by record #{serial}, unverified: without a verdict that accepts it\n"));
        }
        None => {}
    }
    for digest in &audited.left_out {
        text.push_str(&format!("not in the bundle: material {digest}\n"));
    }
    for (serial, id, until) in &audited.lapsed {
        text.push_str(&format!("in force then, over since: exception {id} (#{serial}), until {until}\n"));
    }
    for (serial, kind, time) in &audited.later {
        // Only a merge ends what is judged; a verdict says as of when.
        let counts = if audited.merge.is_some() { "not judged" } else { "and judged too" };
        text.push_str(&format!("recorded later, {counts}: #{serial} {kind} {time}\n"));
    }
    text
}

fn fail(error: AuditError) -> Fail {
    let text = error.to_string();
    match error {
        AuditError::Prove(error) => error.into(),
        AuditError::Policy(error) => error.into(),
        AuditError::Recheck(error) => error.into(),
        AuditError::Rego(error) => error.into(),
        AuditError::Git(crate::git::GitFactsError::MissingObject { .. }) => Fail::refused(Code::GIT_MISSING, text),
        AuditError::Git(crate::git::GitFactsError::NotDescended { .. }) => {
            Fail::refused(Code::BASE_NOT_BEFORE_HEAD, text)
        }
        AuditError::Git(crate::git::GitFactsError::Object { .. })
        | AuditError::Derived(_)
        | AuditError::Material { .. } => Fail::alarm(text, Vec::new()),
        AuditError::Git(_) => Fail::usage(text),
        AuditError::Unreached(_) => Fail::refused(Code::UNREACHED, text),
    }
}
