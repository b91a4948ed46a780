//! `evidence baseline`: what a branch protects, how a change moves it, how it came about, and renames.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::allow::{How, HowArgs, allow, wants_until};
use super::args::{ChangeArgs, ExplainArgs};
use super::context::{Context, now};
use super::fail::Fail;
use super::history::{history, of_merged};
use super::merge::full_name;
use super::verify::{Live, decide_proven, plain};
use super::{print, print_json};
use crate::model::{ClaimName, Digest, Effect, Id, Rename};
use crate::policy::{Baseline, Ceiling, Exceptions, HUNDREDTHS, Moved, Protected, percent};
use crate::trace::{At, Branch, Merging};
use crate::verify::{Decided, counted};

#[derive(Debug, ClapArgs)]
pub(super) struct BaselineArgs {
    #[command(subcommand)]
    act: BaselineAct,
}

#[derive(Debug, Subcommand)]
enum BaselineAct {
    /// Show what the newest recorded merge left protected
    #[command(after_help = "Example:\n  evidence baseline show unit-tests --branch main")]
    Show {
        /// Only this claim, with its names
        claim: Option<ClaimName>,
        /// The branch [default: main, or the target of the change]
        #[arg(long, value_name = "BRANCH")]
        branch: Option<String>,
        /// All names, and not only how many
        #[arg(long)]
        names: bool,
    },
    /// Show what the change adds and takes away, and who allowed it
    #[command(after_help = "Example:\n  evidence baseline diff shop/abc-123")]
    Diff {
        /// The change [default: from EVIDENCE_CHANGE, the commits' trailer, or the branch]
        name: Option<String>,
        #[command(flatten)]
        of: ChangeArgs,
    },
    /// Show when names joined and left, by which change, and who let them go
    #[command(after_help = "Example:\n  evidence baseline history 'suite > pays twice'")]
    History {
        /// Names that contain this text [default: those that somebody let go, and how many moved at each merge]
        name: Option<String>,
        /// The branch [default: main, or the target of the change]
        #[arg(long, value_name = "BRANCH")]
        branch: Option<String>,
    },
    /// Propose pairs of names that a refactoring renamed; with --sign, sign them as somebody who may allow exceptions
    #[command(
        after_help = "Example:\n  evidence baseline rename\n  evidence baseline rename --sign --reason 'modules moved' --until 7d"
    )]
    Rename {
        /// Sign the pairs: each old name may go as far as its new one is there as often, and passes
        #[arg(long, requires = "reason")]
        sign: bool,
        /// Sign these pairs instead of the proposed ones, repeatable
        #[arg(long = "pair", value_name = "OLD=>NEW", requires = "sign")]
        pairs: Vec<String>,
        /// Only of this claim
        #[arg(long, value_name = "CLAIM")]
        claim: Option<ClaimName>,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        /// When it ends: 7d, a date or a time [default: as long as the policy says that one may last]
        #[arg(long, value_name = "DATE|SPAN")]
        until: Option<String>,
        #[command(flatten)]
        of: ChangeArgs,
    },
}

pub(super) fn run(context: &Context, args: &BaselineArgs) -> Result<u8, Fail> {
    match &args.act {
        BaselineAct::Show { claim, branch, names } => show(context, claim.as_ref(), branch.as_deref(), *names),
        BaselineAct::Diff { name, of } => diff(context, name.as_deref(), of),
        BaselineAct::History { name, branch } => history(context, name.as_deref(), branch.as_deref()),
        BaselineAct::Rename { sign, pairs, claim, reason, until, of } => {
            let how = reason.as_ref().filter(|_| *sign).map(|reason| (reason.clone(), until.clone()));
            rename(context, claim.as_ref(), pairs, how, of)
        }
    }
}

/// Returns the name of the branch that is meant.
pub(super) fn branch_name(context: &Context, named: Option<&str>) -> Result<String, Fail> {
    if let Some(name) = named {
        return full_name(name);
    }
    let target = context.target(None)?;
    let name = target.map(|target| target.name.replacen("refs/remotes/origin/", "refs/heads/", 1));
    name.ok_or_else(|| Fail::usage("there is no target branch").hint("--branch NAME"))
}

/// The baseline that the newest merge of a branch left, and the serial of a merge that left it.
pub(super) fn newest(context: &Context, branch: &str) -> Result<Option<(u64, Digest, Baseline)>, Fail> {
    let trust = context.trust(None)?;
    let log = context.log(&trust)?;
    if log.size() == 0 {
        return Err(Fail::usage("the ledger is empty").hint("--ledger names another"));
    }
    let branch = Branch::read(&log, &trust, branch)?;
    let evaluator = context.evaluator();
    let merging = Merging {
        log: &log,
        trust: &trust,
        repository: context.repository()?,
        evaluator: &evaluator,
        branch: &branch,
        bring: &|_| (),
    };
    let Some((digest, baseline)) = merging.newest_baseline(At::Live(now()))? else { return Ok(None) };
    let serial =
        branch.merges.iter().rev().find(|merge| merge.baseline == Some(digest)).map_or(0, |merge| merge.serial);
    Ok(Some((serial, digest, baseline)))
}

fn show(context: &Context, claim: Option<&ClaimName>, branch: Option<&str>, names: bool) -> Result<u8, Fail> {
    let branch = branch_name(context, branch)?;
    let Some((serial, digest, baseline)) = newest(context, &branch)? else {
        if context.json {
            print_json(&json!({"branch": branch, "merge": null, "baseline": null, "claims": []}));
        } else {
            print(&format!("{branch} protects nothing yet: no merge left a baseline\n"));
        }
        return Ok(0);
    };
    let wanted = baseline.parts.iter().filter(|((name, _), _)| claim.is_none_or(|claim| name == claim));
    let detail = names || claim.is_some();
    let parts: Vec<Value> =
        wanted.map(|((claim, variant), part)| part_json(claim, variant.as_ref(), part, detail)).collect();
    if parts.is_empty()
        && let Some(claim) = claim
    {
        return Err(Fail::usage(format!("{branch} protects nothing of {claim}")).hint("evidence baseline show"));
    }
    if context.json {
        print_json(
            &json!({"branch": branch, "merge": serial, "baseline": digest, "previous": baseline.previous, "claims": parts}),
        );
        return Ok(0);
    }
    let mut text = format!("{branch} since merge #{serial}\n");
    for part in &parts {
        let variant = part["variant"].as_str().map_or_else(String::new, |variant| format!(" ({variant})"));
        text.push_str(&format!("  {}{variant}\n", part["claim"].as_str().unwrap_or_default()));
        for noun in ["test", "name", "finding", "picture", "measurement"] {
            let kind = format!("{noun}s");
            if let Some(count) = part[&kind]["count"].as_u64() {
                text.push_str(&format!("    {}\n", counted(count, noun)));
            }
            for name in part[&kind]["names"].as_array().into_iter().flatten() {
                let count = name["count"].as_u64().filter(|count| *count > 1);
                let count = count.map_or_else(String::new, |count| format!("  x{count}"));
                let hash = name["sha256"].as_str().map_or_else(String::new, |hash| format!("  sha256:{hash}"));
                text.push_str(&format!("      {}{count}{hash}\n", plain(name["name"].as_str().unwrap_or_default())));
            }
        }
        for (floor, number) in part["floors"].as_object().into_iter().flatten() {
            text.push_str(&format!("    {floor} at least {}\n", percent(number.as_u64().unwrap_or(0))));
        }
        for (ceiling, number) in part["ceilings"].as_object().into_iter().flatten() {
            let counted = Ceiling::of(ceiling).zip(number.as_u64()).map(|(ceiling, count)| ceiling.counted(count));
            text.push_str(&format!("    at most {}\n", counted.unwrap_or_default()));
        }
    }
    print(&text);
    Ok(0)
}

fn part_json(claim: &ClaimName, variant: Option<&Id>, part: &Protected, detail: bool) -> Value {
    let mut value = json!({"claim": claim});
    if let Some(variant) = variant {
        value["variant"] = json!(variant);
    }
    let sets = [("tests", &part.tests), ("names", &part.names), ("findings", &part.findings)];
    for (kind, set) in sets {
        let Some(set) = set else { continue };
        value[kind] = json!({"count": set.total()});
        if detail {
            let mut names: Vec<(&str, u64)> = set.names().iter().map(|kept| (&*kept.name, kept.count)).collect();
            names.sort_unstable();
            let names: Vec<Value> = names.iter().map(|(name, count)| json!({"name": name, "count": count})).collect();
            value[kind]["names"] = json!(names);
        }
    }
    if let Some(pictures) = &part.pictures {
        value["pictures"] = json!({"count": pictures.len()});
        if detail {
            let names = pictures.iter().map(|(name, hash)| json!({"name": name, "sha256": hash}));
            value["pictures"]["names"] = json!(names.collect::<Vec<_>>());
        }
    }
    if !part.floors.is_empty() {
        let floors: BTreeMap<&str, u64> = part.floors.iter().map(|(floor, number)| (floor.as_str(), *number)).collect();
        value["floors"] = json!(floors);
    }
    if !part.ceilings.is_empty() {
        let ceilings = part.ceilings.iter().map(|(ceiling, number)| (ceiling.as_str(), *number));
        value["ceilings"] = json!(ceilings.collect::<BTreeMap<&str, u64>>());
    }
    if !part.measurements.is_empty() {
        value["measurements"] = json!({"count": part.measurements.len()});
        if detail {
            let all = part.measurements.values().map(|it| {
                let [low, middle, high] = it.interval;
                json!({"name": it.name, "unit": it.unit, "host": it.host, "low": low, "middle": middle, "high": high})
            });
            value["measurements"]["names"] = json!(all.collect::<Vec<_>>());
        }
    }
    value
}

/// What a claim and variant of a change moves.
struct Diff {
    claim: ClaimName,
    variant: Option<Id>,
    moved: Vec<Moved>,
    /// The hashes of pictures before and after, by name.
    pictures: BTreeMap<String, [Option<Digest>; 2]>,
}

fn moved(decided: &Decided, baseline: Option<&Baseline>) -> Vec<Diff> {
    let nothing = Protected::default();
    let of = |gain: &crate::verify::Gain| {
        let (claim, variant) = gain.of();
        let (claim, variant) = (claim.clone(), variant.cloned());
        let before = baseline.and_then(|baseline| baseline.parts.get(&(claim.clone(), variant.clone())));
        let before = before.unwrap_or(&nothing);
        let moved = before.moved(gain.now());
        let hash = |part: &Protected, name: &str| part.pictures.as_ref().and_then(|all| all.get(name)).copied();
        let pictures = moved.iter().filter(|it| it.what == "picture");
        let pictures =
            pictures.map(|it| (it.name.clone(), [hash(before, &it.name), hash(gain.now(), &it.name)])).collect();
        Diff { claim, variant, moved, pictures }
    };
    decided.shown().iter().map(of).collect()
}

fn diff(context: &Context, name: Option<&str>, of: &ChangeArgs) -> Result<u8, Fail> {
    let args = ExplainArgs { name: name.map(ToOwned::to_owned), of: of.clone() };
    let (decided, live) = decide_proven(context, &args)?;
    known(&decided, &live)?;
    let branch = branch_name(context, of.target.as_deref())?;
    let merges = Branch::read(&live.log, &live.trust, &branch)?.merges;
    if merges.iter().any(|merge| merge.entitled && merge.changes.contains(&decided.verdict().change)) {
        return of_merged(context, &decided.verdict().change, &branch);
    }
    let newest = newest(context, &branch)?;
    let diffs = moved(&decided, newest.as_ref().map(|(_, _, baseline)| baseline));
    let verdict = decided.verdict();
    // What exceptions say about a name, by claim.
    let allowed = |claim: &ClaimName, name: &str| -> Option<Value> {
        let of_claim = verdict.requirements.iter().filter(|requirement| requirement.claim == *claim);
        let mut all = of_claim.flat_map(|requirement| &requirement.baseline).flat_map(|compared| &compared.allowed);
        all.find(|allowed| allowed.name == name).map(|allowed| json!(allowed))
    };
    let rows = diffs.iter().flat_map(|diff| diff.moved.iter().map(move |moved| (diff, moved)));
    let rows: Vec<Value> = rows
        .map(|(Diff { claim, variant, pictures, .. }, moved)| {
            let Moved { what, name, .. } = moved;
            let mut row = row(claim, variant.as_ref(), moved);
            if let Some([old, new]) = pictures.get(name).filter(|_| *what == "picture") {
                (row["old"], row["new"]) = (json!(old), json!(new));
            }
            if let Some(allowed) = allowed(claim, name) {
                row["allowed"] = allowed;
            }
            row
        })
        .collect();
    if context.json {
        let merge = newest.as_ref().map(|(serial, ..)| serial);
        print_json(
            &json!({"change": verdict.change, "branch": branch, "merge": merge, "decision": verdict.decision, "moved": rows}),
        );
        return Ok(0);
    }
    let since = newest.as_ref().map_or_else(|| "nothing yet".to_owned(), |(serial, ..)| format!("merge #{serial}"));
    let mut text = format!("{} against {branch} since {since}\n", verdict.change);
    for row in &rows {
        text.push_str(&line(row));
    }
    if rows.is_empty() {
        text.push_str("  nothing moves\n");
    }
    print(&text);
    Ok(0)
}

/// Returns what of a claim and variant moved, as `--json` and [`line`] have it.
pub(super) fn row(claim: &ClaimName, variant: Option<&Id>, moved: &Moved) -> Value {
    let Moved { what, name, before, after, unit } = moved;
    let mut row = json!({"claim": claim, "what": what, "name": name, "before": before, "after": after});
    if let Some(variant) = variant {
        row["variant"] = json!(variant);
    }
    if let Some(unit) = unit {
        row["unit"] = json!(unit);
    }
    row
}

pub(super) fn line(row: &Value) -> String {
    let count = |name: &str| row[name].as_u64().unwrap_or(0);
    let hash = |name: &str| row[name].as_str().map(|hash| format!("sha256:{hash}"));
    let (old, new) = (hash("old"), hash("new"));
    let sign = match count("after").cmp(&count("before")) {
        std::cmp::Ordering::Greater => '+',
        std::cmp::Ordering::Equal if old.is_some() => '~',
        std::cmp::Ordering::Less | std::cmp::Ordering::Equal => '-',
    };
    let shown = |number: u64| match row["unit"].as_str() {
        Some(unit) => amount(number, &plain(unit)),
        None => number.to_string(),
    };
    let numbers = match (count("before"), count("after")) {
        _ if old.is_some() || new.is_some() => {
            let hashes: Vec<String> = old.into_iter().chain(new).collect();
            format!("  {}", hashes.join(" -> "))
        }
        (0, number) | (number, 0) if row["what"] == "measurement" => format!("  {}", shown(number)),
        (0, 1) | (1, 0) if row["unit"].is_null() && row["what"] != "ceiling" => String::new(),
        (before, after) => format!("  {} -> {}", shown(before), shown(after)),
    };
    let allowed = row["allowed"].as_object().map_or_else(String::new, |allowed| {
        let by: Vec<&str> = allowed["by"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let to = allowed.get("to").and_then(Value::as_str).map_or_else(String::new, |to| format!(" as {}", plain(to)));
        let reason = plain(allowed["reason"].as_str().unwrap_or_default());
        let id = allowed["id"].as_str().unwrap_or_default();
        let limit = allowed.get("limit").and_then(Value::as_str).map_or_else(String::new, |limit| format!(" {limit}"));
        format!("  (allowed{to}{limit} by {}, {id}: {reason})", by.join(" and "))
    });
    let unknown = row["unknown"]
        .as_str()
        .map_or_else(String::new, |why| format!("  (who let it cannot be told: {})", plain(why)));
    let variant = row["variant"].as_str().map_or_else(String::new, |variant| format!(" ({variant})"));
    let (claim, what) = (row["claim"].as_str().unwrap_or_default(), row["what"].as_str().unwrap_or_default());
    let name = plain(row["name"].as_str().unwrap_or_default());
    format!("  {sign} {claim}{variant} {what} {name}{numbers}{allowed}{unknown}\n")
}

/// Returns a number with its unit; picoseconds in the largest unit of time of which there is one at least, and the hundredths of a percent
/// that floors are in as percent.
fn amount(number: u64, unit: &str) -> String {
    if unit == HUNDREDTHS {
        return percent(number);
    }
    let scales = [("s", 1_000_000_000_000), ("ms", 1_000_000_000), ("us", 1_000_000), ("ns", 1_000)];
    let scale = scales.into_iter().filter(|_| unit == "ps").find(|(_, scale)| number >= *scale);
    let Some((unit, scale)) = scale else { return format!("{number} {unit}") };
    let thousandths = format!("{}.{:03}", number / scale, number % scale / (scale / 1_000));
    format!("{} {unit}", thousandths.trim_end_matches('0').trim_end_matches('.'))
}

/// Refuses a change that nobody planned: nothing is known of it, which is not that it moves nothing.
pub(super) fn known(decided: &Decided, live: &Live) -> Result<(), Fail> {
    match live.complete.of_change().next() {
        Some(_) => Ok(()),
        None => Err(Fail::usage(format!("no change {} is known", decided.verdict().change))
            .hint("evidence status lists the changes that are open; evidence plan begins one")),
    }
}

/// Refuses pairs that would help nothing: what goes must be protected, and enough must have joined that it became.
fn fit(claim: &ClaimName, pairs: &[Rename], decided: &Decided, baseline: Option<&Baseline>) -> Result<(), Fail> {
    let of_claim = |name: &ClaimName| name == claim;
    let before: Vec<&Protected> = baseline
        .iter()
        .flat_map(|baseline| &baseline.parts)
        .filter(|((name, _), _)| of_claim(name))
        .map(|(_, part)| part)
        .collect();
    let now: Vec<&Protected> =
        decided.shown().iter().filter(|gain| of_claim(gain.of().0)).map(|gain| gain.now()).collect();
    let most = |parts: &[&Protected], name: &str| -> u64 {
        let sets = parts.iter().flat_map(|part| part.tests.iter().chain(&part.names));
        sets.filter_map(|set| set.copies().get(name).copied()).max().unwrap_or(0)
    };
    let mut became: BTreeMap<&str, u64> = BTreeMap::new();
    for Rename { from, to } in pairs {
        let had = most(&before, from);
        if had == 0 {
            let text = format!("--pair: the branch protects no name `{}` of {claim}", plain(from));
            return Err(Fail::usage(text).hint(format!("evidence baseline show {claim}")));
        }
        let needed = became.entry(to).or_default();
        *needed = needed.saturating_add(had);
        let joined = most(&now, to).saturating_sub(most(&before, to));
        // What the change shows is not known before its reports are there.
        if !now.is_empty() && joined < *needed {
            let text =
                format!("--pair: {joined} tests or names joined as `{}`, and {needed} would have become it", plain(to));
            return Err(
                Fail::usage(text).hint("a name that was there already, or that another one became, is no new name")
            );
        }
    }
    Ok(())
}

fn rename(
    context: &Context,
    claim: Option<&ClaimName>,
    pairs: &[String],
    sign: Option<(String, Option<String>)>,
    of: &ChangeArgs,
) -> Result<u8, Fail> {
    let args = ExplainArgs { name: None, of: of.clone() };
    let (decided, live) = decide_proven(context, &args)?;
    known(&decided, &live)?;
    let branch = branch_name(context, of.target.as_deref())?;
    let newest = newest(context, &branch)?;
    if let Some(claim) = claim
        && !newest.iter().any(|(_, _, baseline)| baseline.parts.keys().any(|(known, _)| known == claim))
    {
        return Err(Fail::usage(format!("{branch} protects nothing of {claim}")).hint("evidence baseline show"));
    }
    let mut proposed: BTreeMap<ClaimName, Vec<Rename>> = BTreeMap::new();
    for diff in moved(&decided, newest.as_ref().map(|(_, _, baseline)| baseline)) {
        if claim.is_none_or(|claim| diff.claim == *claim) {
            let known = proposed.entry(diff.claim).or_default();
            known.extend(pair(&diff.moved).into_iter().filter(|pair| !known.contains(pair)).collect::<Vec<_>>());
        }
    }
    if !pairs.is_empty() {
        let only = claim.cloned().or_else(|| proposed.keys().next().filter(|_| proposed.len() == 1).cloned());
        let only = only.ok_or_else(|| Fail::usage("--pair needs the claim").hint("--claim CLAIM"))?;
        let parse = |text: &String| match text.split_once("=>") {
            Some((from, to)) => Ok(Rename { from: from.trim().to_owned(), to: to.trim().to_owned() }),
            None => Err(Fail::usage(format!("--pair {text}: wanted OLD=>NEW"))),
        };
        let pairs: Vec<Rename> = pairs.iter().map(parse).collect::<Result<_, _>>()?;
        fit(&only, &pairs, &decided, newest.as_ref().map(|(_, _, baseline)| baseline))?;
        proposed = BTreeMap::from([(only, pairs)]);
    }
    proposed.retain(|_, pairs| !pairs.is_empty());
    let Some((reason, until)) = sign else {
        if context.json {
            print_json(&json!({"change": decided.verdict().change, "renames": proposed}));
            return Ok(0);
        }
        for (claim, pairs) in &proposed {
            for Rename { from, to } in pairs {
                print(&format!("{claim}: {} => {}\n", plain(from), plain(to)));
            }
        }
        if proposed.is_empty() {
            print("no protected name is gone for which one like it came\n");
        } else {
            let until = if wants_until(context, None) {
                format!(" --until {}", Exceptions::UNTIL_SHOWN)
            } else {
                String::new()
            };
            context.say(&format!(
                "hint: evidence baseline rename --sign --reason WHY{until}, by somebody who may allow exceptions"
            ));
        }
        return Ok(0);
    };
    if proposed.is_empty() {
        return Err(Fail::usage("no protected name is gone for which one like it came").hint("--pair 'OLD=>NEW'"));
    }
    for (claim, renames) in proposed {
        let how = HowArgs {
            reason: reason.clone(),
            until: until.clone(),
            id: None,
            any_change: false,
            changes: Vec::new(),
            of: of.clone(),
        };
        allow(context, Effect::Retire, &[claim], &How { names: &[], renames: &renames, to: None, args: &how })?;
    }
    Ok(0)
}

/// Proposes which name became which: of the same kind, each once, the most alike first, at least half alike.
fn pair(moved: &[Moved]) -> Vec<Rename> {
    let kind = |moved: &&Moved| matches!(moved.what, "test" | "name");
    let gone: Vec<&Moved> = moved.iter().filter(kind).filter(|it| it.after == 0).take(PAIRED_MAX).collect();
    let came: Vec<&Moved> = moved.iter().filter(kind).filter(|it| it.before == 0).take(PAIRED_MAX).collect();
    let mut likely: Vec<(usize, usize, usize)> = Vec::new();
    for (old, gone) in gone.iter().enumerate() {
        for (new, came) in
            came.iter().enumerate().filter(|(_, came)| came.what == gone.what && came.after >= gone.before)
        {
            let alike = alike(&gone.name, &came.name);
            if alike >= 50 {
                likely.push((alike, old, new));
            }
        }
    }
    likely.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let (mut old_taken, mut new_taken) = (BTreeSet::new(), BTreeSet::new());
    let mut pairs = Vec::new();
    for (_, old, new) in likely {
        if !old_taken.contains(&old) && !new_taken.contains(&new) {
            old_taken.insert(old);
            new_taken.insert(new);
            pairs.push(Rename { from: gone[old].name.clone(), to: came[new].name.clone() });
        }
    }
    pairs.sort();
    pairs
}

/// Returns how alike two names are, in percent: twice the pairs of neighbouring letters that they share, of all that they have.
fn alike(one: &str, other: &str) -> usize {
    let pairs = |text: &str| -> BTreeMap<(char, char), usize> {
        let letters: Vec<char> = text.chars().collect();
        let mut pairs = BTreeMap::new();
        for pair in letters.windows(2) {
            *pairs.entry((pair[0], pair[1])).or_default() += 1;
        }
        pairs
    };
    let (one, other) = (pairs(one), pairs(other));
    let total: usize = one.values().chain(other.values()).sum();
    let shared: usize = one.iter().map(|(pair, count)| (*count).min(other.get(pair).copied().unwrap_or(0))).sum();
    (200 * shared).checked_div(total).unwrap_or(0)
}

/// More names are not paired: comparing them takes their square.
const PAIRED_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_units_that_people_read() {
        let times = [999, 1_000, 1_234_567, 1_500_000_000, 1_340_000_000_000, 90_000_000_000_000];
        let told = times.map(|time| amount(time, "ps"));
        assert_eq!(told, ["999 ps", "1 ns", "1.234 us", "1.5 ms", "1.34 s", "90 s"]);
        assert_eq!(amount(1_000_000, "bytes"), "1000000 bytes");
        assert_eq!(amount(8_905, HUNDREDTHS), "89.05 %");
    }

    fn moved(name: &str, before: u64, after: u64) -> Moved {
        Moved { what: "test", name: name.to_owned(), before, after, unit: None }
    }

    #[test]
    fn names_that_are_alike_are_paired_once() {
        let all = [
            moved("u > till > pays", 1, 0),
            moved("u > till > pays twice", 1, 0),
            moved("u > checkout > pays", 0, 1),
            moved("u > checkout > pays twice", 0, 1),
            moved("u > other", 0, 1),
        ];
        let pairs: Vec<(String, String)> = pair(&all).into_iter().map(|it| (it.from, it.to)).collect();
        let wanted =
            [("u > till > pays", "u > checkout > pays"), ("u > till > pays twice", "u > checkout > pays twice")];
        assert_eq!(pairs, wanted.map(|(from, to)| (from.to_owned(), to.to_owned())));
    }

    #[test]
    fn what_is_not_alike_or_came_less_often_is_not_paired() {
        assert!(pair(&[moved("abc", 1, 0), moved("xyz", 0, 1)]).is_empty());
        assert!(pair(&[moved("same > a", 2, 0), moved("same > b", 0, 1)]).is_empty());
        assert!(pair(&[moved("same > a", 2, 1), moved("same > b", 0, 1)]).is_empty());
    }
}
