//! Exceptions drawn by lot, in logs whose keeper writes anything: a further one never makes an acceptance a refusal, and one
//! that was never written never makes a refusal an acceptance.

#[path = "common/memory.rs"]
#[expect(dead_code, reason = "a part of what a keeper can do is enough here")]
mod memory;
#[path = "common/samples.rs"]
#[expect(dead_code, reason = "statements about one change are enough here")]
mod samples;

use std::io::{BufRead, Cursor};

use evidence_ledger::model::{
    Authority as AuthorityRecord, Digest, Effect, Exception, GitFacts, Name, Plan, PolicyRecord, Predicate, Start,
    Statement, Subject, Time,
};
use evidence_ledger::policy::Moment;
use evidence_ledger::prove::{Change, Complete, Materials, SourceError, lists_of_change, name_chain};
use evidence_ledger::verify::{Answers, Clock, Judgement, Policies, Rechecked, State, Verdict, judge, read_names};
use memory::Keeper;
use proptest::prelude::*;
use samples::{ORIGIN, about_key, binding, commit_and_tree, digest, grant, id, key, oid, passed};

const CLAIMS: [&str; 3] = ["build", "tests", "scan"];
const ROOT: u8 = 1;
const ANA: u8 = 2;
const CI: u8 = 3;
const BOSS: u8 = 4;
const CARL: u8 = 5;
const EVE: u8 = 6;

fn policy(refuse: &str, fixed: bool) -> String {
    let mut text = format!("version = 1\n{refuse}\n");
    for claim in CLAIMS {
        text.push_str(&format!("[claim.{claim}]\nfamily = \"functionality\"\nby = \"ci\"\n"));
        if fixed && claim == "tests" {
            text.push_str("waivable = false\n");
        }
    }
    text + "[tier.low]\nrequire = [\"build\", \"tests\", \"scan\"]\n[may]\nplan = [\"planner\"]\nallow = [\"admin\"]\n\
            [exceptions]\nat_once = 100\nlongest = \"1h\"\n"
}

/// An exception as it was drawn.
#[derive(Debug, Clone)]
struct Drawn {
    by: u8,
    effect: Effect,
    claims: Vec<usize>,
    seconds: u64,
    wide: bool,
    /// Patterns of changes, where it is wide.
    changes: Vec<&'static str>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let effects = prop::sample::select(vec![Effect::Waive, Effect::Exempt, Effect::Retire]);
    let seconds = prop::sample::select(vec![60, 1800, 3600, 3601]);
    let by = prop::sample::select(vec![BOSS, BOSS, CARL, EVE]);
    let claims = prop::collection::btree_set(0..CLAIMS.len(), 1..=2);
    let changes = prop::sample::select(vec![vec![], vec!["shop/*"], vec!["till/*", "*-123"], vec!["till/*"]]);
    (by, effects, claims, seconds, prop::bool::weighted(0.3), changes).prop_map(
        |(by, effect, claims, seconds, wide, changes)| Drawn {
            by,
            effect,
            claims: claims.into_iter().collect(),
            seconds,
            wide,
            changes: if wide { changes } else { Vec::new() },
        },
    )
}

struct Text(String);

impl Materials for Text {
    fn material(&self, wanted: &Digest) -> Result<Option<Box<dyn BufRead + '_>>, SourceError> {
        Ok((*wanted == digest(&self.0)).then(|| Box::new(Cursor::new(self.0.as_bytes())) as Box<dyn BufRead>))
    }
}

/// Judges a change that shows some claims, with some exceptions.
fn judged(text: &str, shown: &[bool], exceptions: &[Drawn]) -> Verdict {
    let mut keeper = Keeper::new(ORIGIN, key(9));
    let mut number = 0;
    let mut write =
        |keeper: &mut Keeper, by: u8, subjects: Vec<Subject>, plan: Option<Digest>, of: bool, it: Predicate| {
            number += 1;
            keeper.append(&Statement { subjects, binding: binding(number, plan, of), predicate: it }, &[&key(by)])
        };
    for (by, name, role) in [
        (ANA, "ana", "planner"),
        (CI, "ci", "ci"),
        (BOSS, "boss", "admin"),
        (CARL, "carl", "admin"),
        (EVE, "eve", "reviewer"),
    ] {
        let grant = grant(&key(by).public(), name, &[role]);
        let subjects = about_key(&grant.key.parse().unwrap());
        write(&mut keeper, ROOT, subjects, None, false, Predicate::Authority(AuthorityRecord::Grant(grant)));
    }
    let bytes = u64::try_from(text.len()).unwrap();
    let subjects = vec![Subject::sha256("policy", digest(text))];
    write(&mut keeper, ROOT, subjects, None, false, Predicate::Policy(PolicyRecord { bytes, reason: None }));
    // Who implements it might allow exceptions, of others' changes.
    let plan = Plan { implementers: vec![id("carl")], ..Plan::bare(id("low"), "refs/heads/main") };
    let (_, plan) = write(&mut keeper, ANA, vec![Subject::base(oid('0'))], None, true, Predicate::Plan(plan));
    for (claim, shown) in CLAIMS.into_iter().zip(shown) {
        if *shown {
            let start = Start { claim: id(claim), variant: None, shard: None, deadline_seconds: 600 };
            let (_, leaf) = write(&mut keeper, CI, commit_and_tree(), Some(plan), true, Predicate::Start(start));
            let mut run = passed(leaf);
            run.claim = id(claim);
            write(&mut keeper, CI, commit_and_tree(), Some(plan), true, Predicate::Result(run));
        }
    }
    let begun = keeper.time;
    for (place, Drawn { by, effect, claims, seconds, wide, changes }) in exceptions.iter().enumerate() {
        // Each is of the same moment, so that one more or less moves none of the others.
        keeper.time = begun;
        let exception = Exception {
            effect: *effect,
            id: id(&format!("e-{place}")),
            claims: claims.iter().map(|claim| id(CLAIMS[*claim])).collect(),
            changes: changes.iter().map(|pattern| (*pattern).to_owned()).collect(),
            names: if *effect == Effect::Retire { vec!["*".to_owned()] } else { Vec::new() },
            renames: Vec::new(),
            to: None,
            reason: "drawn".to_owned(),
            until: Time(begun + seconds),
        };
        let (plan, of_change) = if *wide { (None, false) } else { (Some(plan), true) };
        let subjects = vec![Subject::sha256("record", digest("x"))];
        write(&mut keeper, *by, subjects, plan, of_change, Predicate::Exception(exception));
    }
    keeper.time = begun + 120;
    let change = Change { id: id("shop/abc-123"), tree: oid('2') };
    let git = GitFacts {
        head: oid('1'),
        tree: oid('2'),
        base: oid('0'),
        commits: Vec::new(),
        touched: Vec::new(),
        undone: Vec::new(),
        changed: None,
        below: None,
    };
    let trust = keeper.trusted_by(&[&key(ROOT)]);
    let mut lists = lists_of_change(&change).to_vec();
    lists.push(name_chain(&Name::Change(change.id.clone())));
    lists.extend(["ana", "ci", "boss", "carl", "eve"].map(|name| name_chain(&Name::Principal(id(name)))));
    let source = keeper.answer_lists(&lists);
    let complete = Complete::check(&source, &trust, change).unwrap();
    let text = Text(text.to_owned());
    let policies = Policies::read(&complete, &text).unwrap();
    let complete = read_names(complete, &source, &trust, &policies, &git).unwrap();
    let rechecked = Rechecked::of_tree(&complete, &policies, &text).unwrap();
    let judgement = Judgement {
        complete: &complete,
        trust: &trust,
        policies: &policies,
        rechecked: &rechecked,
        git: &git,
        clock: Clock::Live(Time(keeper.time)),
        moment: Moment::Merge,
        found_before: Vec::new(),
        admitted: Vec::new(),
    };
    judge(&judgement, &Answers::default()).unwrap().into_verdict()
}

fn accepts(verdict: &Verdict) -> bool {
    verdict.findings.is_empty()
}

/// The state of each claim.
fn states(verdict: &Verdict) -> Vec<State> {
    verdict.requirements.iter().map(|requirement| requirement.state).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn further_exception_takes_nothing_away_and_one_less_adds_nothing(
        shown in prop::collection::vec(prop::bool::weighted(0.6), CLAIMS.len()),
        all in prop::collection::vec(drawn(), 1..5),
        left_out in any::<prop::sample::Index>(),
        refuse in prop::sample::select(vec!["", "refuse_limitations = [\"waived\"]", "refuse_limitations = [\"not-applicable\"]"]),
        fixed in any::<bool>(),
    ) {
        let text = policy(refuse, fixed);
        let left_out = left_out.index(all.len());
        let mut fewer = all.clone();
        fewer.remove(left_out);
        let (with, without) = (judged(&text, &shown, &all), judged(&text, &shown, &fewer));
        prop_assert!(accepts(&with) || !accepts(&without), "{:?} {:?}", with.findings, without.findings);
        for (claim, (shown, state)) in CLAIMS.into_iter().zip(shown.iter().zip(states(&with))) {
            let helps = |one: &Drawn| one.by == BOSS && (1800..=3600).contains(&one.seconds) && !one.wide;
            let about = |one: &&Drawn| one.claims.iter().any(|place| CLAIMS[*place] == claim);
            // What names a claim that nothing stands in for is taken for none of its claims.
            let whole = |one: &Drawn| !(fixed && one.claims.iter().any(|place| CLAIMS[*place] == "tests"));
            let stands = |effect| all.iter().filter(about).any(|one| one.effect == effect && helps(one) && whole(one));
            let wanted: &[State] = match (shown, stands(Effect::Waive), stands(Effect::Exempt)) {
                (true, ..) => &[State::Pass],
                (false, false, false) => &[State::Missing],
                (false, true, false) => &[State::Waived],
                (false, false, true) => &[State::NotApplicable],
                (false, true, true) => &[State::Waived, State::NotApplicable],
            };
            prop_assert!(wanted.contains(&state), "{claim}: {state:?}");
        }
        // Something must be shown, and nothing that is not may be left open.
        let open = states(&with).into_iter().any(|state| !matches!(state, State::Pass | State::Waived | State::NotApplicable));
        let limited = with.limitations.iter().any(|limitation| !refuse.is_empty() && refuse.contains(limitation.name));
        prop_assert_eq!(accepts(&with), shown.contains(&true) && !open && !limited, "{:?}", with.findings);
    }
}
