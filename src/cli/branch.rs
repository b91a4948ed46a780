//! `evidence audit --branch`: every commit of a branch, and the merge by which it was let in.

use std::cell::OnceCell;

use serde_json::json;

use super::context::Context;
use super::fail::Fail;
use super::merge::full_name;
use super::{print, print_json};
use crate::model::{Oid, check_schema};
use crate::trace::{Branch, BranchAudit, CommitAudit, CommitState, Cover, Merging, audit_branch};

pub(super) fn run(context: &Context, branch: &str, range: Option<&str>) -> Result<u8, Fail> {
    let trust = context.trust_of_auditor()?;
    let log = context.log(&trust)?;
    let repository = context.repository()?;
    let name = full_name(branch)?;
    let (from, to) = match range.map(ends).transpose()? {
        Some((from, to)) => (Some(repository.resolve_commit(from)?), to),
        None => (None, None),
    };
    let to = match to {
        Some(to) => repository.resolve_commit(to)?,
        None => repository.target(Some(branch))?.map(|target| target.commit).ok_or_else(|| {
            Fail::usage(format!("there is no branch {branch}")).hint("--range A..B names the commits")
        })?,
    };
    if log.size() == 0 {
        return Err(Fail::usage("the ledger is empty").hint("--ledger names another"));
    }
    let branch = Branch::read(&log, &trust, &name)?;
    let evaluator = context.evaluator();
    let remote = OnceCell::new();
    let bring = |head: &Oid| {
        let remote = remote.get_or_init(|| context.remote_of(&name).ok().flatten());
        // What cannot be fetched is not here, and is told as that.
        let _ = remote.as_ref().map(|remote| remote.fetch_commit(head));
    };
    let merging =
        Merging { log: &log, trust: &trust, repository, evaluator: &evaluator, branch: &branch, bring: &bring };
    let audit = audit_branch(&merging, from.as_ref(), &to)?;
    if context.json {
        let value = json!(audit);
        check_schema("branch-audit", &value).map_err(|(path, text)| {
            Fail::usage(format!("internal error: the audit breaks its own schema at {path}: {text}"))
        })?;
        print_json(&value);
    } else {
        print(&page(&audit));
    }
    let worst = audit.commits.iter().map(|commit| commit.state).max();
    Ok(match worst {
        Some(CommitState::Accepted) => 0,
        Some(CommitState::Unjudged) | None => 2,
        Some(CommitState::Unverified | CommitState::Refused | CommitState::WithoutEvidence) => 1,
    })
}

/// Splits a range; where nothing stands behind the dots, it goes up to the branch.
fn ends(range: &str) -> Result<(&str, Option<&str>), Fail> {
    match range.split_once("..") {
        Some((from, to)) if !from.is_empty() && !to.starts_with('.') => {
            Ok((from, Some(to).filter(|to| !to.is_empty())))
        }
        _ => Err(Fail::usage(format!("--range {range} is no range")).hint("--range A..B, or A.. up to the branch")),
    }
}

fn page(audit: &BranchAudit) -> String {
    let open = audit.commits.iter().filter(|commit| commit.state != CommitState::Accepted).count();
    let count = audit.commits.len();
    let mut text = format!(
        "{}: {} at {}, {count} commits, {open} not accepted\nas of {} size {}\n\n",
        if audit.accepted { "accepted" } else { "not accepted" },
        audit.branch,
        audit.to.short(),
        audit.origin,
        audit.size
    );
    for commit in &audit.commits {
        text.push_str(&line(commit));
        for why in &commit.why {
            text.push_str(&format!("    {}\n", super::verify::plain(why)));
        }
    }
    text
}

fn line(commit: &CommitAudit) -> String {
    let state = match commit.state {
        CommitState::Accepted => "accepted",
        CommitState::Unjudged => "not judged",
        CommitState::Unverified => "unverified",
        CommitState::Refused => "refused",
        CommitState::WithoutEvidence => "without evidence",
    };
    let mut text = format!("  {state:16}  {}", commit.commit.short());
    if let Some(merge) = commit.merge {
        text.push_str(&format!("  #{merge}"));
    }
    if !commit.verdicts.is_empty() {
        let serials: Vec<String> = commit.verdicts.iter().map(|serial| format!("#{serial}")).collect();
        text.push_str(&format!(" by verdict {}", serials.join(" ")));
    }
    let changes: Vec<&str> = commit.changes.iter().map(|change| change.as_str()).collect();
    text.push_str(&format!("  {}", changes.join(" ")));
    text.push_str(match commit.covered {
        Some(Cover::Inside) => "  (inside of it)",
        Some(Cover::EqualTree) => "  (an equal tree)",
        Some(Cover::Named) | None => "",
    });
    format!("{}\n", text.trim_end())
}
