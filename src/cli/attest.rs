//! `evidence attest`: run a gate and record what it came to.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::args::AttestArgs;
use super::context::{Context, now};
use super::fail::Fail;
use super::forges::forge;
use super::keys::lent;
use super::progress::Progress;
use super::verify::plain;
use super::{eprint, host, on_base, plan, print, print_json};
use crate::append::{AppendError, Appender, Receipt, may_start};
use crate::attest::{
    About, Attempt, Attempted, CommandSpec, Delivered, Echo, Interrupts, Looking, ReportSpec, Secrets, Signer,
    Undelivered,
};
use crate::model::{ChangeId, ClaimName, CriterionId, Digest, Ended, Outcome, Predicate, Purpose, Run, Span};
use crate::prove::{Change, Complete, Trust};
use crate::reports::Format;
use crate::store::StoreError;
use crate::trace::plans;
use crate::verify::{Clock, Policies, plan_base};

pub(super) fn run(context: &Context, args: AttestArgs) -> Result<u8, Fail> {
    if args.flush {
        return flush(context, &args);
    }
    let named = args.claim.as_deref().unwrap_or_default();
    let claim = named.parse().map_err(|error| Fail::usage(format!("the claim: {error}")))?;
    let variant = args
        .variant
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|error| Fail::usage(format!("--variant: {error}")))?;
    let shard =
        args.shard.as_deref().map(str::parse).transpose().map_err(|error| Fail::usage(format!("--shard: {error}")))?;
    let timeout = args
        .timeout
        .as_deref()
        .map(str::parse::<Span>)
        .transpose()
        .map_err(|error| Fail::usage(format!("--timeout: {error}")))?;
    let mut reports = Vec::new();
    for text in &args.reports {
        reports.push(report_spec(text)?);
    }
    reports.extend(args.attached.specs()?);
    if args.command.is_empty() && reports.is_empty() {
        return Err(Fail::usage("there is nothing to attest: neither a command nor a report")
            .hint(format!("evidence attest {named} -- CMD")));
    }
    let trust = context.trust(args.of.target.as_deref())?;
    let repository = context.repository()?;
    let (head, target) = context.judged_at(&args.of.commit, args.of.target.as_deref())?;
    let checked_out = repository.head()?;
    if checked_out.commit != head.commit {
        let text = format!(
            "{} is checked out, and the attempt would be about {}",
            checked_out.commit.short(),
            head.commit.short()
        );
        return Err(Fail::usage(text).hint(format!("git checkout {}", head.commit)));
    }
    let looking = Looking::begin(repository, &head.tree);
    let appender = context.appender(trust.clone())?;
    let changes = {
        let log = appender.ledger().read()?;
        context.changes(&args.of.changes, &head, target.as_ref(), &trust, &log)?
    };
    if changes.len() > 1 && (args.on_base || args.receipt.is_some()) {
        let word = if args.on_base { "--on-base" } else { "--receipt" };
        return Err(Fail::usage(format!("{word} is of one change, and {} are named", changes.len()))
            .hint("run the command once for each change"));
    }
    let keys = context.keys()?;
    let signer = Signer { appender: &appender, keys: lent(&keys) };
    let mut about = Vec::with_capacity(changes.len());
    for change in &changes {
        let one = plan::about(context, &appender, &signer, change, &head, target.as_ref())?;
        await_first(context, &appender, &trust, &one, &claim)?;
        about.push(one);
    }
    for spec in &reports {
        let label = spec.label.as_ref().and_then(|label| label.criterion.as_ref());
        label.map(|id| unknown_criterion(context, &appender, &changes, id)).transpose()?;
    }
    let on_base = match about.first().filter(|_| args.on_base) {
        Some(about) => Some(on_base::spec(context, &args, &appender, &trust, about, &claim)?),
        None => None,
    };
    let secrets = Arc::new(Secrets::among(std::env::vars_os(), &args.command));
    let command = (!args.command.is_empty()).then(|| CommandSpec {
        argv: args.command.clone(),
        hidden: hidden(),
        timeout: timeout.map(|span| Duration::from_secs(span.0)),
        secrets: Arc::clone(&secrets),
        keep_output: !args.no_log,
        on_terminal: std::io::stdin().is_terminal(),
        folder: None,
    });
    let with_command = command.is_some();
    let progress = Arc::new(Mutex::new(Progress::begin(context)));
    let watched = Arc::clone(&progress);
    let attempt = Attempt {
        claim,
        variant,
        shard,
        about,
        deadline_seconds: deadline(timeout, on_base.is_some()),
        command,
        reports,
        on_base,
        secrets,
        folder: context.cwd.clone(),
        context: {
            let mut said = forge().context();
            host::add(&mut said);
            said
        },
        spool: context.spool()?,
        watch: Box::new(move |name, done, whole| {
            let mut progress = watched.lock().unwrap_or_else(PoisonError::into_inner);
            // Its end is not the end of the command: what comes next says its own.
            match done < whole {
                true => progress.show(|| format!("{name}: {} % read", done.saturating_mul(100) / whole)),
                false => progress.clear(),
            }
        }),
        looking,
    };
    let (interrupts, signal) = interrupts(with_command)?;
    let made = attempt.make(&signer, repository, echo(context), echo_of_base, &interrupts);
    progress.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let (attempted, delivered) = made?;
    let delivered: Result<Vec<Receipt>, Undelivered> = delivered.into_iter().collect();
    let recorded = delivered.map_err(|undelivered| waits(&attempted, undelivered, signal.get()))?;
    if let (Some(path), Some(receipt)) = (&args.receipt, recorded.first()) {
        let path = context.cwd.join(path);
        std::fs::write(&path, receipt.print()).map_err(|error| Fail::io("cannot write the receipt:", &path, &error))?;
    }
    show(context, &attempted, &recorded, &changes, with_command);
    Ok(exit_code(&attempted, signal.get()))
}

/// Says that an attachment is for a criterion that no plan has: it may be planned later, and until then it meets none.
fn unknown_criterion(
    context: &Context,
    appender: &Appender,
    changes: &[ChangeId],
    id: &CriterionId,
) -> Result<(), Fail> {
    let log = appender.ledger().read()?;
    let mut known = BTreeSet::new();
    for change in changes {
        let planned = plans(&log, change)?;
        known.extend(planned.into_iter().flat_map(|(_, plan)| plan.criteria).map(|criterion| criterion.id));
    }
    if !known.contains(id) {
        let of = changes.iter().map(|change| change.as_str()).collect::<Vec<_>>().join(", ");
        let ids: Vec<&str> = known.iter().map(CriterionId::as_str).collect();
        let has = if ids.is_empty() { "it has none".to_owned() } else { format!("it has {}", ids.join(", ")) };
        context.say(&format!("note: --criterion: no plan of {of} has the criterion {id}; {has}"));
    }
    Ok(())
}

/// Refuses before anything runs where the touched paths demand something before the first attempt.
fn await_first(
    context: &Context,
    appender: &Appender,
    trust: &Trust,
    about: &About,
    claim: &ClaimName,
) -> Result<(), Fail> {
    let touched = || -> Result<Vec<String>, Fail> {
        let log = appender.ledger().read()?;
        let complete = Complete::check(&log, trust, Change { id: about.change.clone(), tree: about.tree.clone() })?;
        let policies = Policies::read(&complete, &log)?;
        let base = plan_base(&complete, &policies, trust, Clock::Live(now()));
        // Where history does not reach the base, `verify` tells; an attempt is recorded all the same.
        let facts = base.and_then(|base| context.repository().ok()?.facts(&about.commit, &base).ok());
        Ok(facts.map(|facts| facts.touched).unwrap_or_default())
    };
    may_start(appender.ledger(), trust, (&about.change, claim), now(), touched)
}

/// Says that a signed result waits. A command that failed keeps its own code; the code is never 0.
fn waits(attempted: &Attempted, undelivered: Undelivered, signal: Option<&u8>) -> Fail {
    let Undelivered { path, error } = undelivered;
    let large = matches!(&error, AppendError::Store(StoreError::MaterialTooLarge { .. }));
    let mut fail = Fail::from(error);
    let outcome = attempted.run.outcome;
    fail.text = format!("{}; the result ({outcome}) is signed and waits at {}", fail.text, path.display());
    fail.hint = Some(match large {
        true => format!(
            "a store for large materials in the policy lets evidence attest --flush deliver it (evidence help policy); rm '{}' gives it up",
            path.display()
        ),
        false => "evidence attest --flush delivers it once the ledger is there".to_owned(),
    });
    let ended = attempted.run.command.as_ref().map(|command| command.ended);
    let failed = ended.is_some_and(|ended| ended != Ended::Exited { code: 0 });
    fail.of_command = failed.then(|| exit_code(attempted, signal));
    fail
}

/// Delivers what waits: 0 if nothing is left, 1 if the ledger refuses some of it, 2 if it still cannot be reached.
fn flush(context: &Context, args: &AttestArgs) -> Result<u8, Fail> {
    let spool = context.spool()?;
    let waiting = spool.waiting()?;
    let mut told = Vec::new();
    let mut refused = 0_usize;
    if !waiting.is_empty() {
        let appender = context.appender(context.trust(args.of.target.as_deref())?)?;
        let origin = appender.ledger().origin().to_owned();
        for waiting in &waiting {
            let claim = match &waiting.statement.predicate {
                Predicate::Result(run) => run.claim.to_string(),
                _ => waiting.statement.kind(),
            };
            let change = waiting.statement.binding.change.as_ref().map(ToString::to_string).unwrap_or_default();
            if waiting.statement.binding.ledger != origin {
                refused += 1;
                let why = format!("it is for the ledger {}", waiting.statement.binding.ledger);
                told.push(json!({"claim": claim, "change": change, "path": waiting.path, "waits": why}));
                continue;
            }
            match spool.deliver(waiting, &appender) {
                Ok(delivered) => {
                    let (before, receipt) = match delivered {
                        Delivered::Now(receipt) => (false, receipt),
                        Delivered::Before(receipt) => (true, receipt),
                        Delivered::Without(digest) => {
                            refused += 1;
                            let why = format!("its material {digest} is neither in the spool nor in the ledger");
                            told.push(json!({"claim": claim, "change": change, "path": waiting.path, "waits": why}));
                            continue;
                        }
                    };
                    told.push(json!({"claim": claim, "change": change, "serial": receipt.serial, "wasThere": before}));
                }
                // No waiting mends it, and what came later does not wait for it.
                Err(error @ AppendError::Store(StoreError::MaterialTooLarge { .. })) => {
                    refused += 1;
                    let why = format!("{error}; to give it up: rm '{}'", waiting.path.display());
                    told.push(json!({"claim": claim, "change": change, "path": waiting.path, "waits": why}));
                }
                // Whatever comes later waits for what came before it.
                Err(error) if !error.is_final() => return Err(error.into()),
                Err(error) => {
                    refused += 1;
                    let why = error.to_string();
                    told.push(json!({"claim": claim, "change": change, "path": waiting.path, "waits": why}));
                }
            }
        }
    }
    if context.json {
        print_json(&json!({"delivered": told}));
    } else if told.is_empty() {
        print("nothing waits\n");
    }
    for item in told.iter().filter(|_| !context.json) {
        let (claim, change) = (item["claim"].as_str().unwrap_or_default(), item["change"].as_str().unwrap_or_default());
        let line = match (item["serial"].as_u64(), item["waits"].as_str()) {
            (Some(serial), _) if item["wasThere"] == true => format!("#{serial} {claim} ({change}) was there already"),
            (Some(serial), _) => format!("#{serial} {claim} ({change}) delivered"),
            (None, why) => format!("{claim} ({change}) waits on: {}", why.unwrap_or_default()),
        };
        print(&format!("{line}\n"));
    }
    Ok(u8::from(refused > 0))
}

/// Reads `[FORMAT=]FILE`.
fn report_spec(text: &str) -> Result<ReportSpec, Fail> {
    let (format, pattern) = match text.split_once('=') {
        Some((word, rest))
            if !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') =>
        {
            let format: Format = word.parse().map_err(|error| Fail::usage(format!("--report {text}: {error}")))?;
            (Some(format), rest)
        }
        _ => (None, text),
    };
    if pattern.is_empty() {
        return Err(Fail::usage("--report is empty; wanted a file or a pattern"));
    }
    Ok(ReportSpec { format, pattern: pattern.to_owned(), purpose: Purpose::Report, label: None })
}

/// The variables that a command does not see: whatever is ours, and the way to an agent that signs.
fn hidden() -> Vec<OsString> {
    let ours = |name: &OsString| name.to_string_lossy().starts_with("EVIDENCE_") || name == "SSH_AUTH_SOCK";
    std::env::vars_os().map(|(name, _)| name).filter(ours).collect()
}

/// Signals that would end us reach the attempt instead, so that its result is signed; the first one is kept.
fn interrupts(with_command: bool) -> Result<(Interrupts, Arc<OnceLock<u8>>), Fail> {
    let (sender, receiver) = channel();
    let first = Arc::new(OnceLock::new());
    if with_command {
        let wanted = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP];
        let mut signals = signal_hook::iterator::Signals::new(wanted)
            .map_err(|error| Fail::usage(format!("signals cannot be caught: {error}")))?;
        let kept = Arc::clone(&first);
        std::thread::spawn(move || {
            for signal in signals.forever() {
                kept.get_or_init(|| u8::try_from(signal).unwrap_or(SIGINT));
                if sender.send(signal).is_err() {
                    return;
                }
            }
        });
    }
    Ok((receiver, first))
}

/// With `--json` the answer has standard output for itself.
fn echo(context: &Context) -> Echo {
    let stdout: Box<dyn std::io::Write + Send> =
        if context.json { Box::new(std::io::stderr()) } else { Box::new(std::io::stdout()) };
    Echo { stdout, stderr: Box::new(std::io::stderr()) }
}

/// What is said on the base is beside the answer.
fn echo_of_base() -> Echo {
    Echo { stdout: Box::new(std::io::stderr()), stderr: Box::new(std::io::stderr()) }
}

/// Returns how long an attempt may take until it is lost: the command runs up to three times with `--on-base`.
fn deadline(timeout: Option<Span>, on_base: bool) -> u64 {
    let once = timeout.map_or(DEADLINE_SECONDS, |span| span.0.saturating_add(GRACE_SECONDS));
    if on_base { once.saturating_mul(3).min(once.max(DEADLINE_SECONDS_MAX)) } else { once }
}

fn show(context: &Context, attempted: &Attempted, results: &[Receipt], changes: &[ChangeId], with_command: bool) {
    let Attempted { starts, run, dirty, .. } = attempted;
    if context.json {
        let one = |((change, start), result): ((&ChangeId, &Receipt), &Receipt)| {
            json!({
                "change": change, "claim": run.claim, "outcome": run.outcome, "problems": run.problems, "facts": run.facts, "onBase": run.on_base, "dirty": dirty,
                "start": receipt(start), "result": receipt(result), "proof": result.print(), "entry": result.entry.print(),
            })
        };
        let all: Vec<Value> = changes.iter().zip(starts).zip(results).map(one).collect();
        match all.as_slice() {
            [one] => print_json(one),
            _ => print_json(&Value::Array(all)),
        }
        return;
    }
    let mut text = String::new();
    for (change, result) in changes.iter().zip(results) {
        text.push_str(&came_to(run, result, change));
    }
    for problem in &run.problems {
        text.push_str(&format!("  {}: {}\n", problem.code, problem.text));
    }
    for reason in run.facts.iter().flat_map(|read| &read.facts.reasons) {
        text.push_str(&format!("  {reason}\n"));
    }
    for (name, first) in repeated(run) {
        text.push_str(&format!("  {name} has the same bytes as {first}, so that it counts once\n"));
    }
    on_base::tell(run, &mut text);
    let tree = results.first().and_then(result_tree);
    if run.worktree.before != run.worktree.after || Some(&run.worktree.before) != tree.as_ref() {
        text.push_str(&dirt(dirty));
    }
    for result in results {
        text.push_str(&format!("  receipt: entry {} of leaf {}\n", result.serial, result.leaf));
    }
    if with_command { eprint(&text) } else { print(&text) }
}

/// Says which paths are not as the commit has them: the first few, which name the rest.
fn dirt(paths: &[String]) -> String {
    let shown: Vec<String> = paths.iter().take(DIRTY_SHOWN_MAX).map(|path| plain(path)).collect();
    let more = paths.len() - shown.len();
    let which = match (shown.join(", "), more) {
        (none, 0) if none.is_empty() => String::new(),
        (shown, 0) => format!(" ({shown})"),
        (shown, more) => format!(" ({shown} and {more} more)"),
    };
    format!("  dirty: the work tree is not the commit's tree{which}, which verify refuses\n")
}

/// Returns the reports that were given before under another name, each with that name.
fn repeated(run: &Run) -> Vec<(&str, &str)> {
    let reports = run.materials.iter().filter(|material| material.purpose == Purpose::Report);
    let mut first: BTreeMap<Digest, &str> = BTreeMap::new();
    reports
        .filter_map(|report| {
            let earlier = first.get(&report.sha256).copied();
            first.entry(report.sha256).or_insert(&report.name);
            Some((report.name.as_str(), earlier?))
        })
        .collect()
}

fn came_to(run: &Run, result: &Receipt, change: &ChangeId) -> String {
    let mut text = format!("#{} {} {} ({change})", result.serial, run.claim, run.outcome);
    for read in &run.facts {
        if let Some(tests) = &read.facts.tests {
            text.push_str(&format!("; {}: {} of {} tests pass", read.facts.reader, tests.passed, tests.total));
        }
        if let Some(found) = &read.facts.findings {
            text.push_str(&format!(
                "; {}: {} critical, {} high, {} medium, {} low",
                read.facts.reader, found.critical, found.high, found.medium, found.low
            ));
        }
        if let Some(found) = &read.facts.coverage {
            text.push_str(&format!("; {}: {} of {} lines run", read.facts.reader, found.covered, found.lines));
        }
        if let Some(found) = &read.facts.mutation {
            let noticed = u128::from(found.killed) + u128::from(found.timeout);
            let counted = noticed + u128::from(found.survived) + u128::from(found.uncovered);
            text.push_str(&format!("; {}: {noticed} of {counted} mutants noticed", read.facts.reader));
            if found.invalid > 0 {
                text.push_str(&format!(", {} left out", found.invalid));
            }
        }
    }
    text.push('\n');
    text
}

fn result_tree(receipt: &Receipt) -> Option<crate::model::Oid> {
    receipt.entry.labels.iter().find_map(|label| label.strip_prefix("tree:")?.parse().ok())
}

fn receipt(receipt: &Receipt) -> Value {
    json!({"serial": receipt.serial, "leaf": receipt.leaf, "time": receipt.time()})
}

/// The command's own code when it failed; 1 when what was shown is not a pass; as env(1) says else.
fn exit_code(attempted: &Attempted, signal: Option<&u8>) -> u8 {
    let interrupted = 128_u8.saturating_add(signal.copied().unwrap_or(SIGINT));
    let ended = attempted.run.command.as_ref().map(|command| command.ended);
    if attempted.run.base_runs().any(|run| run.command.ended == Ended::Interrupted) {
        return interrupted;
    }
    match (ended, attempted.run.outcome) {
        (Some(Ended::Exited { code }), _) if code != 0 => code,
        (Some(Ended::Signalled { signal }), _) => 128_u8.saturating_add(signal),
        (Some(Ended::TimedOut), _) => 124,
        (Some(Ended::Interrupted), _) => interrupted,
        (Some(Ended::NotStarted), _) => {
            let missing =
                attempted.not_started.as_ref().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound);
            if missing { 127 } else { 126 }
        }
        (_, Outcome::Pass) => 0,
        _ => 1,
    }
}

/// What Ctrl-C sends.
const SIGINT: u8 = 2;
/// As many paths as a line holds.
const DIRTY_SHOWN_MAX: usize = 3;
/// An attempt without result is lost after six hours (design, section 7).
const DEADLINE_SECONDS: u64 = 6 * 3600;
/// With `--timeout`, after that and ten minutes.
const GRACE_SECONDS: u64 = 600;
/// A start says no more.
const DEADLINE_SECONDS_MAX: u64 = 366 * 86_400;
