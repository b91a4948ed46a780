//! `evidence baseline history`: when names joined what a branch protects, and left it, by which change, and who let them.
//!
//! What moved is told by the baselines that merges left. Who let a name go is told by the merge judged again as of its record, so
//! that an exception is shown only where it counted; where that cannot be done here, it is said why.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::baseline::{branch_name, line, row};
use super::context::Context;
use super::fail::Fail;
use super::{print, print_json};
use crate::model::{ChangeId, ClaimName, Digest, Id, Time};
use crate::policy::{Baseline, Moved, Protected};
use crate::trace::{Again, Branch, Judged, MergeError, Merging, Recorded, judged_again};
use crate::verify::{Allowed, read_baseline};

/// A thing that a merge moved.
struct Step {
    claim: ClaimName,
    variant: Option<Id>,
    moved: Moved,
    /// Whether somebody had to let it.
    allowed: bool,
}

/// What a merge came to when it was judged again.
enum Told {
    Judged(Vec<Judged>),
    Unknown(String),
}

pub(super) fn history(context: &Context, name: Option<&str>, branch: Option<&str>) -> Result<u8, Fail> {
    let branch = branch_name(context, branch)?;
    let rows = rows(context, name, &branch, None)?;
    if context.json {
        print_json(&json!({"branch": branch, "merges": rows}));
        return Ok(0);
    }
    if rows.is_empty() {
        print(&format!("{branch}: no merge moved {}\n", name.map_or("what is protected", |_| "a name like this")));
    }
    rows.iter().for_each(show);
    Ok(0)
}

/// Shows what the merge of a change moved.
pub(super) fn of_merged(context: &Context, change: &ChangeId, branch: &str) -> Result<u8, Fail> {
    let rows = rows(context, None, branch, Some(change))?;
    if context.json {
        print_json(&json!({"change": change, "branch": branch, "merged": true, "merges": rows}));
        return Ok(0);
    }
    let moved = if rows.is_empty() { "its merge moved nothing" } else { "its merge moved" };
    print(&format!("{change} is merged into {branch}; {moved}\n"));
    rows.iter().for_each(show);
    Ok(0)
}

/// Returns what each merge moved: names that are asked for, or that somebody let go; all of them for one change.
fn rows(context: &Context, name: Option<&str>, branch: &str, change: Option<&ChangeId>) -> Result<Vec<Value>, Fail> {
    let trust = context.trust(None)?;
    let log = context.log(&trust)?;
    let read = Branch::read(&log, &trust, branch)?;
    let evaluator = context.evaluator();
    let judge = |merge: &Recorded| -> Result<Told, Fail> {
        let repository = match context.repository() {
            Ok(repository) => repository,
            Err(fail) => return Ok(Told::Unknown(fail.text)),
        };
        let merging =
            Merging { log: &log, trust: &trust, repository, evaluator: &evaluator, branch: &read, bring: &|_| () };
        match judged_again(&merging, merge) {
            Ok(Again::Judged { judged, .. }) => Ok(Told::Judged(judged)),
            Ok(Again::Not { why, .. }) => Ok(Told::Unknown(why)),
            Err(error @ (MergeError::Git(_) | MergeError::NotHere { .. })) => Ok(Told::Unknown(error.to_string())),
            Err(error) => Err(error.into()),
        }
    };
    let mut before = Baseline::default();
    let mut known: Option<Digest> = None;
    let mut rows = Vec::new();
    for merge in read.merges.iter().filter(|merge| merge.entitled) {
        let Some(digest) = merge.baseline.filter(|digest| known != Some(*digest)) else { continue };
        let next = match read_baseline(merge.serial, &digest, &log)? {
            Some(Ok(next)) => next,
            Some(Err(error)) => return Err(Fail::usage(format!("record {}: {error}", merge.serial))),
            None => return Err(Fail::usage(format!("the baseline that record {} left is not there", merge.serial))),
        };
        let steps = steps(&before, &next);
        let joined = steps.iter().filter(|step| step.moved.after > step.moved.before).count();
        // Names that somebody let go are few: they are told without being asked for.
        let is_told =
            |step: &&Step| name.map_or(step.allowed || change.is_some(), |name| step.moved.name.contains(name));
        if change.is_some_and(|change| !merge.changes.contains(change)) {
            (before, known) = (next, Some(digest));
            continue;
        }
        let wanted: Vec<&Step> = steps.iter().filter(is_told).collect();
        let asks = wanted.iter().any(|step| step.allowed || merge.changes.len() > 1);
        let told = asks.then(|| judge(merge)).transpose()?;
        let names: Vec<Value> = wanted.into_iter().map(|step| step.row(merge, &before, told.as_ref())).collect();
        if name.is_none() || !names.is_empty() {
            rows.push(json!({
                "merge": merge.serial, "time": merge.time, "commit": merge.reached.commit, "changes": merge.changes,
                "joined": joined, "left": steps.len() - joined, "names": names,
            }));
        }
        (before, known) = (next, Some(digest));
    }
    Ok(rows)
}

fn show(row: &Value) {
    let changes: Vec<&str> = row["changes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let time = Time(row["time"].as_u64().unwrap_or(0));
    print(&format!("#{:<6} {time}  +{} -{}  {}\n", row["merge"], row["joined"], row["left"], changes.join(" ")));
    for name in row["names"].as_array().into_iter().flatten() {
        // One change alone stands in the line above.
        let by = name["change"].as_str().filter(|_| changes.len() > 1);
        let by = by.map_or_else(String::new, |change| format!("  by {change}"));
        let text = line(name);
        print(&format!("  {}{by}\n", text.strip_suffix('\n').unwrap_or(&text)));
    }
}

/// Returns all that moved from one baseline to the next.
fn steps(before: &Baseline, after: &Baseline) -> Vec<Step> {
    let nothing = Protected::default();
    let keys: BTreeSet<_> = before.parts.keys().chain(after.parts.keys()).collect();
    let mut steps = Vec::new();
    for key in keys {
        let (old, new) = (before.parts.get(key).unwrap_or(&nothing), after.parts.get(key).unwrap_or(&nothing));
        steps.extend(old.moved(new).into_iter().map(|moved| {
            let allowed = needs_leave(old, &moved);
            Step { claim: key.0.clone(), variant: key.1.clone(), moved, allowed }
        }));
    }
    steps
}

/// Returns whether a ratchet went the other way: somebody must have let it.
fn needs_leave(old: &Protected, Moved { what, name, before, after, .. }: &Moved) -> bool {
    match *what {
        "finding" => old.findings.is_some() && after > before,
        "ceiling" => old.ceilings.keys().any(|ceiling| ceiling.as_str() == name) && after > before,
        "measurement" => *after == 0 && *before > 0,
        _ => after < before,
    }
}

impl Step {
    fn row(&self, merge: &Recorded, before: &Baseline, told: Option<&Told>) -> Value {
        let Self { claim, variant, moved, allowed } = self;
        let mut row = row(claim, variant.as_ref(), moved);
        let found = match told {
            Some(Told::Judged(judged)) => judged.iter().find_map(|judged| self.allowed_by(judged)),
            Some(Told::Unknown(_)) | None => None,
        };
        let by = match (&merge.changes[..], told) {
            ([only], _) => Some(only.to_string()),
            (_, Some(Told::Judged(judged))) => judged
                .iter()
                .find(|judged| self.allowed_by(judged).is_some() || (!allowed && self.is_brought_by(judged, before)))
                .map(|judged| judged.verdict().change.to_string()),
            _ => None,
        };
        if let Some(change) = by {
            row["change"] = json!(change);
        }
        match (found, told) {
            (Some(found), _) => row["allowed"] = json!(found),
            (None, Some(Told::Unknown(why))) if *allowed => row["unknown"] = json!(why),
            _ => {}
        }
        row
    }

    /// Returns the exception by which a change let it.
    fn allowed_by<'a>(&self, judged: &'a Judged) -> Option<&'a Allowed> {
        let of_claim = judged.verdict().requirements.iter().filter(|requirement| requirement.claim == self.claim);
        let compared = of_claim.flat_map(|it| &it.baseline).filter(|compared| compared.variant == self.variant);
        compared.flat_map(|compared| &compared.allowed).find(|allowed| allowed.name == self.moved.name)
    }

    /// Returns whether what a change showed moves it.
    fn is_brought_by(&self, judged: &Judged, before: &Baseline) -> bool {
        let nothing = Protected::default();
        let Ok(decided) = &judged.verdict else { return false };
        let key = (self.claim.clone(), self.variant.clone());
        let old = before.parts.get(&key).unwrap_or(&nothing);
        let of_it = decided.shown().iter().filter(|gain| gain.of() == (&self.claim, self.variant.as_ref()));
        let mut moved = of_it.flat_map(|gain| old.moved(gain.now()));
        moved.any(|moved| (moved.what, &moved.name) == (self.moved.what, &self.moved.name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::policy::{Ceiling, Floor, NameSet};

    #[test]
    fn only_what_went_the_other_way_needs_somebody_s_leave() {
        let old = Protected {
            findings: Some(NameSet::default()),
            ceilings: [(Ceiling::Skipped, 2)].into(),
            floors: [(Floor::Coverage, 5)].into(),
            ..Protected::default()
        };
        let needs = |old: &Protected, what, name: &str, before, after| {
            needs_leave(old, &Moved { what, name: name.to_owned(), before, after, unit: None })
        };
        for (what, name, worse, better) in [
            ("test", "a", (1, 0), (0, 1)),
            ("name", "a", (2, 1), (1, 2)),
            ("picture", "a", (1, 0), (0, 1)),
            ("floor", "coverage", (5, 4), (5, 6)),
            ("finding", "a", (0, 1), (1, 0)),
            ("ceiling", "skipped", (2, 3), (2, 1)),
            ("measurement", "a", (9, 0), (9, 8)),
        ] {
            assert!(
                needs(&old, what, name, worse.0, worse.1) && !needs(&old, what, name, better.0, better.1),
                "{what}"
            );
        }
        // What begins needs nobody's.
        let none = Protected::default();
        assert!(!needs(&none, "finding", "a", 0, 1) && !needs(&none, "ceiling", "skipped", 0, 3));
    }

    #[test]
    fn parts_of_either_side_are_walked() {
        let part = |number| Protected { floors: [(Floor::Mutation, number)].into(), ..Protected::default() };
        let baseline = |claim: &str, number| {
            let key: (ClaimName, Option<Id>) = (claim.parse().unwrap_or_else(|_| unreachable!()), None);
            Baseline { parts: BTreeMap::from([(key, part(number))]), ..Baseline::default() }
        };
        let found = steps(&baseline("a", 5), &baseline("a", 4));
        assert_eq!((found.len(), found[0].allowed, found[0].moved.after), (1, true, 4));
        assert_eq!(steps(&Baseline::default(), &baseline("b", 4)).len(), 1);
    }
}
