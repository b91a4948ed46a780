//! `evidence attest --on-base`: what runs on the base, and what is told of it.

use super::args::AttestArgs;
use super::context::{Context, now};
use super::fail::Fail;
use crate::append::Appender;
use crate::attest::{About, BaseSpec};
use crate::model::{BaseRun, ClaimName, Ended, Run};
use crate::policy::Paths;
use crate::prove::{Change, Complete, Trust};
use crate::verify::{Authority, Clock, Policies, plan_base};

/// Finds the base of the change, and where its tests lie: as the policy in force at the plan says, else as given.
pub(super) fn spec(
    context: &Context,
    args: &AttestArgs,
    appender: &Appender,
    trust: &Trust,
    about: &About,
    claim: &ClaimName,
) -> Result<BaseSpec, Fail> {
    for report in &args.reports {
        let name = report.split_once('=').map_or(report.as_str(), |(_, name)| name);
        if std::path::Path::new(name).is_absolute() || std::path::Path::new(name).iter().any(|part| part == "..") {
            let text =
                format!("--report {report}: with --on-base it must lie below this folder, where each run has its own");
            return Err(Fail::usage(text));
        }
    }
    let log = appender.ledger().read()?;
    let complete = Complete::check(&log, trust, Change { id: about.change.clone(), tree: about.tree.clone() })?;
    let policies = Policies::read(&complete, &log)?;
    let time = now();
    let Some(commit) = plan_base(&complete, &policies, trust, Clock::Live(time)) else {
        return Err(Fail::usage(format!("--on-base: {} has no plan that says what it starts from", about.change)));
    };
    let authority = Authority::replay(&complete, &policies, trust, time);
    let planned = complete.of_change().next().map_or(u64::MAX, |record| record.serial());
    let judging = authority.judging(planned);
    let of_policy = judging.iter().find_map(|(_, policy)| policy.claim(claim)?.differential()?.paths.as_ref());
    let mut given = args.tests.clone();
    given.sort();
    given.dedup();
    match (of_policy, given.is_empty()) {
        (Some(paths), true) => Ok(BaseSpec { commit, tests: paths.clone() }),
        (Some(paths), false) if sorted(paths) != given => {
            let text = format!("--tests: the policy says {} for {claim}", paths.patterns().join(", "));
            Err(Fail::usage(text).hint("leave --tests out"))
        }
        (None, true) => {
            let text = format!("--on-base: the policy does not say where the tests of {claim} lie");
            Err(Fail::usage(text).hint(format!("evidence attest {claim} --on-base --tests 'tests/**' -- CMD")))
        }
        (_, false) => {
            let words: Vec<&str> = given.iter().map(String::as_str).collect();
            let tests = Paths::compile(&words).map_err(|(_, problem)| Fail::usage(format!("--tests: {problem}")))?;
            context.say(&format!("on the base: {} with {} of the head", commit.short(), words.join(", ")));
            Ok(BaseSpec { commit, tests })
        }
    }
}

fn sorted(paths: &Paths) -> Vec<String> {
    let mut patterns = paths.patterns().to_vec();
    patterns.sort();
    patterns.dedup();
    patterns
}

/// Says in a line each what ran on the base.
pub(super) fn tell(run: &Run, text: &mut String) {
    let Some(on_base) = &run.on_base else { return };
    let base = on_base.commit.short();
    for (ran, how) in [(&on_base.plain, "as it is"), (&on_base.with_tests, "with the head's tests")] {
        if let Some(ran) = ran {
            text.push_str(&format!("  on the base {base} {how}: {}\n", came_to(ran)));
        }
    }
    if on_base.plain.is_some() && on_base.with_tests.is_none() && on_base.problems.is_empty() {
        let tests = on_base.tests.join(", ");
        text.push_str(&format!("  the change touches no file of {tests}: there are no other tests to run there\n"));
    }
    for problem in on_base.problems.iter().chain(on_base.runs().flat_map(|run| &run.problems)) {
        text.push_str(&format!("  on the base {base}: {}: {}\n", problem.code, problem.text));
    }
}

fn came_to(ran: &BaseRun) -> String {
    let mut text = match ran.command.ended {
        Ended::Exited { code } => format!("ended with {code}"),
        Ended::Signalled { signal } => format!("ended by signal {signal}"),
        Ended::TimedOut => "stopped, its time was over".to_owned(),
        Ended::Interrupted => "interrupted".to_owned(),
        Ended::NotStarted => "could not be started".to_owned(),
    };
    for read in &ran.facts {
        if let Some(tests) = &read.facts.tests {
            text.push_str(&format!("; {}: {} of {} tests pass", read.facts.reader, tests.passed, tests.total));
        }
    }
    text
}
