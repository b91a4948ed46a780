//! `evidence allow`: exceptions signed, listed and ended. What becomes of one is for the judge to say.

use std::collections::BTreeMap;

use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::args::{ChangeArgs, ExplainArgs};
use super::baseline::known;
use super::context::{Context, now};
use super::extent::{self, Shown};
use super::fail::Fail;
use super::keys::{Key, lent};
use super::verify::{decide_proven, plain};
use super::{key, print, print_json};
use crate::attest::{Signer, first_plan};
use crate::crypto::{Envelope, sha256};
use crate::merkle::MapText;
use crate::model::{ChangeId, ClaimName, Effect, Entry, Exception, Id, Predicate, Rename, Span, Statement, Time};
use crate::policy::{Exceptions, Far};
use crate::prove::{EVERY_CHANGE, Trust};
use crate::store::{Log, Lookup, LookupKey};
use crate::verify::ExceptionState;

#[derive(Debug, ClapArgs)]
pub(super) struct AllowArgs {
    #[command(subcommand)]
    act: AllowAct,
}

#[derive(Debug, Subcommand)]
enum AllowAct {
    /// Demand claims of the change not this once
    #[command(
        after_help = "Example:\n  evidence allow waive security-scan --reason 'scanner is down, run by hand: ticket 12' --until 2d\n  evidence allow waive peer-review --changes 'shop/dep-*' --reason 'updates of dependencies by the bot' --until 14d"
    )]
    Waive {
        /// The claims
        #[arg(required = true, value_name = "CLAIM")]
        claims: Vec<ClaimName>,
        #[command(flatten)]
        how: HowArgs,
    },
    /// Let names go that a claim's baseline protects: tests, public items
    #[command(
        after_help = "Example:\n  evidence allow retire unit-tests --name 'legacy > *' --reason 'the old importer is gone' --until 14d\n  evidence allow retire unit-tests --name coverage --to 87.5% --reason 'the old importer was well tested'"
    )]
    Retire {
        /// The claim
        claim: ClaimName,
        /// Which names, repeatable: `*` stands for any run of characters
        #[arg(long = "name", value_name = "PATTERN", required = true)]
        names: Vec<String>,
        /// How far a number may go: `coverage` or `mutation` down to a percentage, a measurement by so many percent worse
        #[arg(long, value_name = "PERCENT")]
        to: Option<String>,
        #[command(flatten)]
        how: HowArgs,
    },
    /// Let findings come in that a claim's baseline has not
    #[command(
        after_help = "Example:\n  evidence allow admit security-scan --name '*CVE-2026-1234*' --reason 'not reachable: see note' --until 7d\n  evidence allow admit unit-tests --name skipped --to 3 --reason 'the sandbox of the bank is down'"
    )]
    Admit {
        /// The claim
        claim: ClaimName,
        /// Which findings, repeatable: `*` stands for any run of characters
        #[arg(long = "name", value_name = "PATTERN", required = true)]
        names: Vec<String>,
        /// How many there may be in all: of a count such as `skipped`, or of each finding by its name [default: 1 of a finding]
        #[arg(long, value_name = "COUNT")]
        to: Option<String>,
        #[command(flatten)]
        how: HowArgs,
    },
    /// Say that claims do not apply to the change
    #[command(
        after_help = "Example:\n  evidence allow exempt screenshots --reason 'nothing visible changes' --until 14d"
    )]
    Exempt {
        /// The claims
        #[arg(required = true, value_name = "CLAIM")]
        claims: Vec<ClaimName>,
        #[command(flatten)]
        how: HowArgs,
    },
    /// List the exceptions of the change: which are in force, which are over, and why one is not taken
    #[command(after_help = "Example:\n  evidence allow list shop/abc-123")]
    List {
        /// The change [default: from EVIDENCE_CHANGE, the commits' trailer, or the branch]
        name: Option<String>,
        /// Those of all changes, as they were logged; whether one is taken is for the verdict on its change to say
        #[arg(long, conflicts_with = "name")]
        all: bool,
        #[command(flatten)]
        of: ChangeArgs,
    },
    /// End an exception before its time
    #[command(after_help = "Example:\n  evidence allow end 2026-11-21-1a2b3c4d --reason 'the scanner is back'")]
    End {
        /// Its id
        id: Id,
        /// Why
        #[arg(long)]
        reason: String,
        /// It is about every change, or a pattern of them
        #[arg(long)]
        any_change: bool,
        #[command(flatten)]
        of: ChangeArgs,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct HowArgs {
    /// Why
    #[arg(long)]
    pub(super) reason: String,
    /// When it ends: a length of time such as 7d, a date, or a time as in 2026-12-01T12:00:00Z [default: as long as the policy says that one may last]
    #[arg(long, value_name = "DATE|SPAN")]
    pub(super) until: Option<String>,
    /// Its id, for ending it [default: the date and a part of a hash]
    #[arg(long)]
    pub(super) id: Option<Id>,
    /// Let it be about every change and not only one
    #[arg(long, conflicts_with = "change")]
    pub(super) any_change: bool,
    /// Let it be about the changes whose ids match, repeatable: `*` stands for any run of characters
    #[arg(long, value_name = "PATTERN", conflicts_with_all = ["change", "any_change"])]
    pub(super) changes: Vec<String>,
    #[command(flatten)]
    pub(super) of: ChangeArgs,
}

pub(super) fn run(context: &Context, args: &AllowArgs) -> Result<u8, Fail> {
    match &args.act {
        AllowAct::Waive { claims, how } => allow(context, Effect::Waive, claims, &How::of(&[], None, how)),
        AllowAct::Exempt { claims, how } => allow(context, Effect::Exempt, claims, &How::of(&[], None, how)),
        AllowAct::Retire { claim, names, to, how } => named(context, Effect::Retire, claim, names, to.as_deref(), how),
        AllowAct::Admit { claim, names, to, how } => named(context, Effect::Admit, claim, names, to.as_deref(), how),
        AllowAct::List { all: true, .. } => list_all(context),
        AllowAct::List { name, of, .. } => list(context, name.as_deref(), of),
        AllowAct::End { id, reason, any_change, of } => end(context, id, reason, *any_change, of),
    }
}

/// What is allowed of which names.
pub(super) struct How<'a> {
    pub(super) names: &'a [String],
    pub(super) renames: &'a [Rename],
    pub(super) to: Option<u64>,
    pub(super) args: &'a HowArgs,
}

impl<'a> How<'a> {
    const fn of(names: &'a [String], to: Option<u64>, args: &'a HowArgs) -> Self {
        Self { names, renames: &[], to, args }
    }
}

/// Signs and records an exception about names, once what it is about can be told.
fn named(
    context: &Context,
    effect: Effect,
    claim: &ClaimName,
    names: &[String],
    to: Option<&str>,
    how: &HowArgs,
) -> Result<u8, Fail> {
    let limit = extent::read(effect, names, to)?;
    let is_wide = how.any_change || !how.changes.is_empty();
    let shown = Shown::of(context, if is_wide { None } else { Some(&how.of) });
    extent::demand(effect, claim, names, limit, &shown, how, &|| wants_until(context, how.of.target.as_deref()))?;
    let code = allow(context, effect, std::slice::from_ref(claim), &How::of(names, limit, how))?;
    for warning in extent::idle(effect, claim, names, limit, &shown) {
        context.say(&warning);
    }
    Ok(code)
}

/// Tells whether `--until` has to be said: the policy does not say how long an exception may last.
pub(super) fn wants_until(context: &Context, target: Option<&str>) -> bool {
    let longest = || -> Result<Span, Fail> {
        let trust = context.trust(target)?;
        longest(&context.ledger()?.read()?, &trust, u64::MAX)
    };
    longest().is_err()
}

/// Signs and records an exception.
pub(super) fn allow(context: &Context, effect: Effect, claims: &[ClaimName], how: &How<'_>) -> Result<u8, Fail> {
    let How { names, renames, to, args: how } = *how;
    told("--reason", &how.reason, "why it is allowed")?;
    names.iter().try_for_each(|name| told("--name", name, "a name, or a pattern of names"))?;
    let trust = context.trust(how.of.target.as_deref())?;
    let appender = context.appender(trust.clone())?;
    let log = appender.ledger().read()?;
    let patterns = patterns(&how.changes)?;
    let is_wide = how.any_change || !patterns.is_empty();
    let change = if is_wide { None } else { Some(change(context, &how.of, &trust, &log)?) };
    let plan = change.as_ref().map(|change| first_plan(&log, change)).transpose()?.flatten();
    let now = now();
    let until = match &how.until {
        Some(text) => until(text, now)?,
        None => now.after(longest(&log, &trust, plan.map_or(u64::MAX, |(serial, _)| serial))?),
    };
    if until <= now {
        return Err(Fail::usage(format!("--until: {until} is past")).hint("a length of time such as 7d, or a date"));
    }
    let id = match &how.id {
        Some(id) => id.clone(),
        None => {
            let to = to.map(|to| format!("to {to}"));
            let all: Vec<String> = names.iter().cloned().chain(renames.iter().map(arrow)).chain(to).collect();
            usual_id(effect, claims, &all, &how.reason, change.as_ref(), &patterns, now)?
        }
    };
    let exception = Exception {
        effect,
        id: id.clone(),
        claims: claims.to_vec(),
        changes: patterns.clone(),
        names: names.to_vec(),
        renames: renames.to_vec(),
        to,
        reason: how.reason.clone(),
        until,
    };
    let keys = context.keys()?;
    let signer = Signer { appender: &appender, keys: lent(&keys) };
    let about = change.as_ref().map(|change| (change, plan.map(|(_, leaf)| leaf)));
    let receipt = signer.exception(about, exception)?;
    let claims: Vec<&str> = claims.iter().map(|claim| claim.as_str()).collect();
    if context.json {
        let mut said = json!({
            "serial": receipt.serial, "leaf": receipt.leaf, "time": receipt.time(), "kind": receipt.entry.kind,
            "id": id, "effect": effect, "claims": claims, "names": names, "renames": renames, "change": change, "until": until,
        });
        if !patterns.is_empty() {
            said["changes"] = json!(patterns);
        }
        if let Some(to) = to {
            said["to"] = json!(to);
        }
        print_json(&said);
        return Ok(0);
    }
    let of = change.map_or_else(|| wide(&patterns), |change| change.to_string());
    let far = Far::of(effect, names, to).map_or_else(String::new, |far| format!(" {far}"));
    let names: Vec<String> = names.iter().cloned().chain(renames.iter().map(arrow)).map(|name| plain(&name)).collect();
    let names = if names.is_empty() { String::new() } else { format!(" of {}", names.join(", ")) };
    print(&format!("#{} {id}: {effect} {}{names}{far} for {of}, until {until}\n", receipt.serial, claims.join(", ")));
    context.say(&format!("hint: evidence allow end {id} --reason WHY ends it before"));
    Ok(0)
}

/// Refuses a flag that says nothing.
fn told(flag: &str, text: &str, wanted: &str) -> Result<(), Fail> {
    if text.trim().is_empty() { Err(Fail::usage(format!("{flag} is empty; wanted {wanted}"))) } else { Ok(()) }
}

/// Says what an exception is about that is wider than one change.
fn wide(patterns: &[String]) -> String {
    if patterns.is_empty() { "every change".to_owned() } else { format!("changes {}", patterns.join(", ")) }
}

/// Returns patterns of changes, sorted, each once.
fn patterns(given: &[String]) -> Result<Vec<String>, Fail> {
    let of_ids = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._/*-".contains(&byte);
    for pattern in given {
        let fits = !pattern.is_empty() && pattern.len() <= PATTERN_BYTES_MAX && pattern.bytes().all(of_ids);
        if !fits || pattern.starts_with(['.', '_', '/', '-']) {
            let text = format!(
                "--changes: `{}` matches no id of a change",
                plain(pattern).chars().take(40).collect::<String>()
            );
            return Err(Fail::usage(text).hint("such as 'shop/dep-*'"));
        }
    }
    let all: std::collections::BTreeSet<&String> = given.iter().collect();
    match all.len() {
        0..=PATTERNS_MAX => Ok(all.into_iter().cloned().collect()),
        found => Err(Fail::usage(format!("--changes: {found} patterns; at most {PATTERNS_MAX} in one exception"))),
    }
}

fn arrow(Rename { from, to }: &Rename) -> String {
    format!("{from} -> {to}")
}

fn change(context: &Context, of: &ChangeArgs, trust: &Trust, log: &Log) -> Result<ChangeId, Fail> {
    let (head, target) = context.judged(of)?;
    context.change(of.change.as_deref(), &head, target.as_ref(), trust, Some(log))
}

/// Returns how long an exception may last, where the policy says it.
fn longest(log: &Log, trust: &Trust, planned: u64) -> Result<Span, Fail> {
    let rights = crate::append::Rights::read(log, trust, [])?;
    let authority = rights.authority(trust, now());
    let policy = authority.policy_at(planned).map(|(_, policy)| policy.exceptions().clone());
    policy.and_then(|Exceptions { longest, .. }| longest).ok_or_else(|| {
        Fail::usage("--until is missing, and the policy does not say how long an exception may last")
            .hint("--until 7d, or a date")
    })
}

/// Reads a length of time from now, a date, or a time in UTC.
fn until(text: &str, now: Time) -> Result<Time, Fail> {
    if let Ok(span) = text.parse::<Span>() {
        return Ok(now.after(span));
    }
    let date = || text.parse::<chrono::NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|time| time.and_utc().timestamp());
    let time = || chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp());
    let seconds = date().or_else(time).and_then(|seconds| u64::try_from(seconds).ok());
    seconds.map(Time).ok_or_else(|| {
        Fail::usage(format!(
            "--until: `{}` is no length of time, date or time",
            text.chars().take(40).collect::<String>()
        ))
        .hint("such as 7d, 2026-12-01 or 2026-12-01T12:00:00Z")
    })
}

/// Returns the date and the beginning of a hash of what is allowed: the same twice on a day is told as such.
fn usual_id(
    effect: Effect,
    claims: &[ClaimName],
    names: &[String],
    reason: &str,
    change: Option<&ChangeId>,
    patterns: &[String],
    now: Time,
) -> Result<Id, Fail> {
    let hash = sha256(json!([effect, claims, names, reason, change, patterns]).to_string().as_bytes()).to_string();
    let date = now.to_string();
    let (date, hash) = (date.get(..10).unwrap_or("exception"), &hash[..8]);
    format!("{date}-{hash}").parse().map_err(|error| Fail::usage(format!("--id: {error}")))
}

fn end(context: &Context, id: &Id, reason: &str, any_change: bool, of: &ChangeArgs) -> Result<u8, Fail> {
    told("--reason", reason, "why it ends")?;
    let trust = context.trust(of.target.as_deref())?;
    let appender = context.appender(trust.clone())?;
    let log = appender.ledger().read()?;
    let wide = MapText::chain(EVERY_CHANGE);
    let mut found = None;
    if !any_change {
        let change = change(context, of, &trust, &log)?;
        found = find(&log, &MapText::chain(&format!("change:{change}")), id)?.map(|it| (it, Some(change)));
    }
    if found.is_none() && of.change.is_none() {
        found = find(&log, &wide, id)?.map(|it| (it, None));
    }
    let ((began, exception), change) = found.ok_or_else(|| {
        Fail::usage(format!("there is no exception {id}")).hint("evidence allow list --all; --change names its change")
    })?;
    let keys = context.keys()?;
    let chain = change.as_ref().map_or_else(|| wide, |change| MapText::chain(&format!("change:{change}")));
    if let Some(serial) = ended_by(&log, &chain, id, &keys)? {
        if context.json {
            print_json(&json!({"serial": serial, "id": id, "already": true}));
        } else {
            print(&format!("#{serial} ended {id} already\n"));
        }
        return Ok(0);
    }
    let plan = change.as_ref().map(|change| first_plan(&log, change)).transpose()?.flatten();
    // It is over from its own entry on: a time that was past then in any case is that of the exception's entry.
    let over = Exception { reason: reason.to_owned(), until: began, ..exception };
    let signer = Signer { appender: &appender, keys: lent(&keys) };
    let receipt = signer.exception(change.as_ref().map(|change| (change, plan.map(|(_, leaf)| leaf))), over)?;
    key::done(context, &receipt, &format!("ended {id}"));
    Ok(0)
}

/// Returns the record by which one of these keys ended an exception; whether that of another one counts is for the judge to say.
fn ended_by(log: &Log, chain: &MapText, id: &Id, keys: &[Key]) -> Result<Option<u64>, Fail> {
    let own: Vec<String> = keys.iter().map(|key| key.public().fingerprint().to_string()).collect();
    let (places, _) = log.newest(chain, usize::MAX)?;
    for place in places {
        if let Some((entry, Predicate::Exception(exception), _)) = read(log, place)?
            && exception.id == *id
            && exception.until <= entry.time
            && entry.signed.iter().any(|line| own.contains(&line.fingerprint.to_string()))
        {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// Finds the exception of an id in a chain, and the time of its entry.
fn find(log: &Log, chain: &MapText, id: &Id) -> Result<Option<(Time, Exception)>, Fail> {
    let (places, _) = log.newest(chain, usize::MAX)?;
    for place in places {
        if let Some((entry, Predicate::Exception(exception), _)) = read(log, place)?
            && exception.id == *id
            && exception.until > entry.time
        {
            return Ok(Some((entry.time, exception)));
        }
    }
    Ok(None)
}

fn read(log: &Log, place: u64) -> Result<Option<(Entry, Predicate, Option<ChangeId>)>, Fail> {
    let Some(record) = log.record(place)? else { return Ok(None) };
    let unreadable = |error: &dyn std::fmt::Display| Fail::usage(format!("record {place}: {error}"));
    let entry = Entry::parse(&record.entry).map_err(|error| unreadable(&error))?;
    let envelope = Envelope::parse(&record.envelope).map_err(|error| unreadable(&error))?;
    let Statement { predicate, binding, .. } =
        Statement::parse(&envelope.payload).map_err(|error| unreadable(&error))?;
    Ok(Some((entry, predicate, binding.change)))
}

fn list(context: &Context, name: Option<&str>, of: &ChangeArgs) -> Result<u8, Fail> {
    let args = ExplainArgs { name: name.map(ToOwned::to_owned), of: of.clone() };
    let (decided, live) = decide_proven(context, &args)?;
    known(&decided, &live)?;
    let verdict = decided.verdict();
    if context.json {
        print_json(&json!({"change": verdict.change, "exceptions": verdict.exceptions}));
        return Ok(0);
    }
    if verdict.exceptions.is_empty() {
        print(&format!("{} has no exceptions\n", verdict.change));
    }
    for shown in &verdict.exceptions {
        let why = shown.why.as_ref().map_or_else(String::new, |why| format!(": {}", plain(why)));
        let of = if shown.any_change { format!(" for {}", wide(&shown.changes)) } else { String::new() };
        print(&line(&json!(shown), shown.state, &format!("by {}{of}{why}", shown.by.join(" and "))));
    }
    Ok(0)
}

/// Lists what was logged, of all changes, oldest first.
fn list_all(context: &Context) -> Result<u8, Fail> {
    let log = context.ledger()?.read()?;
    let mut places = Vec::new();
    for effect in ["waive", "retire", "admit", "exempt"] {
        places.extend(Lookup::find(&log, &LookupKey::Kind(format!("exception-{effect}")), usize::MAX)?);
    }
    places.sort_unstable();
    let mut rows: Vec<(Value, ExceptionState)> = Vec::new();
    let mut known: BTreeMap<(String, Id), usize> = BTreeMap::new();
    for place in places {
        let Some((entry, Predicate::Exception(exception), change)) = read(&log, place)? else { continue };
        let key = (entry.chain.clone(), exception.id.clone());
        let state = match exception.until {
            until if until <= entry.time => ExceptionState::End,
            until if until <= now() => ExceptionState::Ended,
            _ => ExceptionState::InForce,
        };
        let earlier = known.get(&key).and_then(|row| rows.get_mut(*row));
        if let (ExceptionState::End, Some((_, state @ (ExceptionState::InForce | ExceptionState::Ended)))) =
            (state, earlier)
        {
            *state = ExceptionState::EndedEarly;
        }
        known.entry(key).or_insert(rows.len());
        let Exception { effect, id, claims, changes, names, renames, to, reason, until } = exception;
        let signers: Vec<String> = entry.signed.iter().map(|line| line.fingerprint.to_string()).collect();
        let mut row = json!({
            "serial": place, "id": id, "effect": effect, "claims": claims, "names": names, "renames": renames, "reason": reason, "until": until,
            "change": change, "anyChange": change.is_none(), "signers": signers,
        });
        if !changes.is_empty() {
            row["changes"] = json!(changes);
        }
        if let Some(to) = to {
            row["to"] = json!(to);
        }
        rows.push((row, state));
    }
    if context.json {
        let rows = rows.into_iter().map(|(mut row, state)| {
            row["state"] = json!(state);
            row
        });
        print_json(&json!({"exceptions": rows.collect::<Vec<_>>()}));
        return Ok(0);
    }
    for (row, state) in &rows {
        let of = row["change"].as_str().map_or_else(|| about(row), ToOwned::to_owned);
        print(&line(row, *state, &format!("for {of}")));
    }
    Ok(0)
}

/// Says what a listed exception is about that is wider than one change.
fn about(row: &Value) -> String {
    let all = row["changes"].as_array().into_iter().flatten();
    wide(&all.filter_map(Value::as_str).map(plain).collect::<Vec<_>>())
}

fn line(row: &Value, state: ExceptionState, more: &str) -> String {
    let words = |name: &str| -> String {
        let all = row[name].as_array().into_iter().flatten();
        all.filter_map(Value::as_str).map(plain).collect::<Vec<_>>().join(", ")
    };
    let names = if words("names").is_empty() { String::new() } else { format!(" of {}", words("names")) };
    let effect = [Effect::Retire, Effect::Admit].into_iter().find(|effect| row["effect"] == effect.as_str());
    let patterns: Vec<String> =
        row["names"].as_array().into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
    let far = effect.and_then(|effect| Far::of(effect, &patterns, row["to"].as_u64()));
    let far = far.map_or_else(String::new, |far| format!(" {far}"));
    format!(
        "#{:<6} {:12} {}  {} {}{names}{far}, until {}, {}  {more}\n",
        row["serial"],
        state.as_str(),
        row["id"].as_str().unwrap_or_default(),
        row["effect"].as_str().unwrap_or_default(),
        words("claims"),
        Time(row["until"].as_u64().unwrap_or_default()),
        plain(row["reason"].as_str().unwrap_or_default()),
    )
}

/// More patterns of changes do not stand in one exception.
const PATTERNS_MAX: usize = 64;
/// An id of a change has no more.
const PATTERN_BYTES_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_spans_dates_and_times() {
        let now = Time(1_800_000_000);
        assert_eq!(until("2d", now).unwrap_or(now), Time(1_800_172_800));
        assert_eq!(until("2027-01-16", now).unwrap_or(now), Time(1_800_057_600));
        assert_eq!(until("2027-01-16T01:00:00+01:00", now).unwrap_or(now), Time(1_800_057_600));
    }

    #[test]
    fn other_ends_are_told() {
        for text in ["", "soon", "2027-13-01", "1969-01-01", "7 d", "-1d", "2027-01-16T01:00:00"] {
            assert!(until(text, Time(0)).is_err(), "{text}");
        }
    }

    #[test]
    fn patterns_that_match_no_change_are_told() {
        let of = |all: &[&str]| patterns(&all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()).ok();
        assert_eq!(of(&["shop/dep-*", "*", "shop/dep-*"]), Some(vec!["*".to_owned(), "shop/dep-*".to_owned()]));
        for bad in ["", "Shop/*", "shop *", "/x", "shop/dep-?", "-x", "a\u{e4}*"] {
            assert_eq!(of(&[bad]), None, "{bad}");
        }
        assert_eq!(of(&[&"a".repeat(201)]), None);
    }

    #[test]
    fn an_id_tells_the_day_and_what_is_allowed() {
        let claims = ["a".parse().unwrap_or_else(|_| unreachable!())];
        let of = |reason: &str| usual_id(Effect::Waive, &claims, &[], reason, None, &[], Time(1_800_000_000)).ok();
        assert_eq!(of("x"), of("x"));
        assert_ne!(of("x"), of("y"));
        assert!(of("x").is_some_and(|id| id.as_str().starts_with("2027-01-15-")));
    }
}
