//! Verdicts on logs in memory whose keeper writes what append would refuse: one thing wrong at a time, and its twin.

#[path = "common/memory.rs"]
#[expect(dead_code, reason = "a part of what a keeper can do is enough here")]
mod memory;
#[path = "common/samples.rs"]
#[expect(dead_code, reason = "statements about one change are enough here")]
mod samples;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

use evidence_ledger::model::{
    Authority as AuthorityRecord, CommitFacts, Decision, Digest, Event, GitFacts, Grant, Material, MaterialFacts, Name,
    Outcome, Phase, Plan, PolicyRecord, Predicate, Purpose, Review, ReviewVerdict, Run, Shard, Start, Statement,
    Subject, Time, Worktree,
};
use evidence_ledger::policy::Moment;
use evidence_ledger::prove::{Change, Complete, Materials, SourceError, name_chain};
use evidence_ledger::reports::{Format, read};
use evidence_ledger::verify::{
    Answers, Clock, Judgement, Observed, Policies, Rechecked, State, Unanswered, Verdict, judge, observe, read_authors,
    read_names,
};
use memory::Keeper;
use samples::{ORIGIN, about_key, binding, commit_and_tree, digest, grant, id, key, oid, passed};
use serde_json::{Value, json};

const POLICY: &str = r#"version = 1
tiers = ["low"]

[claim.unit-tests]
family = "functionality"
by = "ci"

[claim.peer-review]
family = "process"
by = "reviewer"
form = "review"

[tier.low]
require = ["unit-tests", "peer-review"]

[may]
plan = ["planner"]
grant = ["admin"]
policy = ["admin"]
allow = ["admin"]
resume = ["admin"]
merge = ["ci"]
"#;

const ROOT: u8 = 1;
const ANA: u8 = 2;
const CI: u8 = 3;
const OTHER_CI: u8 = 4;
const BOB: u8 = 5;

/// The text of the policy, and what else is there under whatever hash.
struct Texts(String, BTreeMap<Digest, String>);

impl Materials for Texts {
    fn material(&self, wanted: &Digest) -> Result<Option<Box<dyn BufRead + '_>>, SourceError> {
        let text = if *wanted == digest(&self.0) { Some(&self.0) } else { self.1.get(wanted) };
        // In pieces, as files are read: none ends where another does.
        Ok(text.map(|text| Box::new(BufReader::with_capacity(1, text.as_bytes())) as Box<dyn BufRead>))
    }
}

/// A ledger with a policy, its people, and a change that ana planned.
struct Log {
    keeper: Keeper,
    policy: Texts,
    plan: Option<Digest>,
    number: u8,
    git: GitFacts,
}

impl Log {
    fn new() -> Self {
        Self::with(&[])
    }

    /// One whose policy is the usual one with some text replaced.
    fn with(replace: &[(&str, &str)]) -> Self {
        let mut log = Self::unplanned(replace);
        let (_, plan) = log.write(ANA, vec![Subject::base(oid('0'))], Predicate::Plan(plan()));
        log.plan = Some(plan);
        log
    }

    fn unplanned(replace: &[(&str, &str)]) -> Self {
        let text = replace.iter().fold(POLICY.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
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
        let mut log = Self {
            keeper: Keeper::new(ORIGIN, key(9)),
            policy: Texts(text, BTreeMap::new()),
            plan: None,
            number: 0,
            git,
        };
        for (number, name, role) in
            [(ANA, "ana", "planner"), (CI, "ci-1", "ci"), (OTHER_CI, "ci-2", "ci"), (BOB, "bob", "reviewer")]
        {
            log.grant(grant(&key(number).public(), name, &[role]));
        }
        let bytes = u64::try_from(log.policy.0.len()).unwrap();
        let subjects = vec![Subject::sha256("policy", digest(&log.policy.0))];
        log.write(ROOT, subjects, Predicate::Policy(PolicyRecord { bytes, reason: None }));
        log
    }

    fn write(&mut self, by: u8, subjects: Vec<Subject>, predicate: Predicate) -> (u64, Digest) {
        self.number += 1;
        let of_change =
            matches!(predicate, Predicate::Plan(_) | Predicate::Start(_) | Predicate::Result(_) | Predicate::Review(_));
        let plan = self.plan.filter(|_| of_change);
        let statement = Statement { subjects, binding: binding(self.number, plan, of_change), predicate };
        self.keeper.append(&statement, &[&key(by)])
    }

    fn grant(&mut self, grant: Grant) -> u64 {
        let subjects = about_key(&grant.key.parse().unwrap());
        self.write(ROOT, subjects, Predicate::Authority(AuthorityRecord::Grant(grant))).0
    }

    fn start(&mut self, by: u8, start: Start, subjects: Vec<Subject>) -> (u64, Digest) {
        self.write(by, subjects, Predicate::Start(start))
    }

    fn result(&mut self, by: u8, run: Run, subjects: Vec<Subject>) -> u64 {
        self.write(by, subjects, Predicate::Result(run)).0
    }

    /// Runs the unit tests by a key, on the judged commit.
    fn run(&mut self, by: u8, outcome: Outcome) -> [u64; 2] {
        let (begun, leaf) = self.start(by, start(), commit_and_tree());
        [begun, self.result(by, Run { outcome, ..passed(leaf) }, commit_and_tree())]
    }

    /// Runs the unit tests with a report, whose facts are signed as they are read, or otherwise.
    fn run_with(&mut self, report: &str, signed: impl Fn(Run) -> Run) {
        self.run_of(start(), commit_and_tree(), &[(Purpose::Report, report)], signed);
    }

    /// Runs what was begun, with some files whose facts are read.
    fn run_of(&mut self, start: Start, subjects: Vec<Subject>, files: &[(Purpose, &str)], signed: impl Fn(Run) -> Run) {
        let claim = start.claim.clone();
        let (_, leaf) = self.start(CI, start, subjects.clone());
        let mut run = Run { claim, ..passed(leaf) };
        for (purpose, text) in files {
            let sha256 = digest(text);
            let mut facts = read(Format::Junit, &mut text.as_bytes()).unwrap();
            facts.reader = Format::Junit.reader().to_owned();
            let (name, bytes) = ("tests.xml".to_owned(), u64::try_from(text.len()).unwrap());
            run.outcome = run.outcome.worst(facts.outcome);
            run.materials.push(Material { name, purpose: *purpose, sha256, bytes, omitted_bytes: None });
            run.facts.push(MaterialFacts { material: sha256, facts });
            self.policy.1.insert(sha256, (*text).to_owned());
        }
        self.result(CI, signed(run), subjects);
    }

    fn review(&mut self, by: u8, review: Review) -> u64 {
        self.write(by, commit_and_tree(), Predicate::Review(review)).0
    }

    /// Lets the unit tests pass and bob agree.
    fn shown(mut self) -> Self {
        self.run(CI, Outcome::Pass);
        self.review(BOB, yes());
        self
    }

    fn asked<T>(&self, asked: impl FnOnce(&Judgement<'_>) -> T) -> T {
        let change = Change { id: id("shop/abc-123"), tree: oid('2') };
        let trust = self.keeper.trusted_by(&[&key(ROOT)]);
        let source = self.keeper.answer(&change);
        let complete = Complete::check(&source, &trust, change).unwrap();
        let policies = Policies::read(&complete, &self.policy).unwrap();
        let rechecked = Rechecked::of_tree(&complete, &policies, &self.policy).unwrap();
        asked(&Judgement {
            complete: &complete,
            trust: &trust,
            policies: &policies,
            rechecked: &rechecked,
            git: &self.git,
            clock: Clock::Live(Time(self.keeper.time)),
            moment: Moment::Merge,
            found_before: Vec::new(),
            admitted: Vec::new(),
        })
    }

    /// Returns why the materials of the change cannot be read again.
    fn not_reread(&self) -> Option<String> {
        let change = Change { id: id("shop/abc-123"), tree: oid('2') };
        let complete = Complete::check(&self.keeper.answer(&change), &self.keeper.trusted_by(&[&key(ROOT)]), change);
        let complete = complete.unwrap();
        let policies = Policies::read(&complete, &self.policy).unwrap();
        Rechecked::of_tree(&complete, &policies, &self.policy).err().map(|error| error.to_string())
    }

    fn judged(&self) -> Result<Verdict, Unanswered> {
        self.asked(|judgement| {
            judge(judgement, &Answers::default()).map(evidence_ledger::verify::Decided::into_verdict)
        })
    }

    /// Returns the codes of the findings.
    fn codes(&self) -> Vec<&'static str> {
        self.judged().unwrap().findings.iter().map(|finding| finding.code.number).collect()
    }

    fn observed(&self) -> BTreeMap<String, Observed> {
        let all = self.asked(observe);
        all.into_iter().map(|observed| (observed.claim.to_string(), observed)).collect()
    }
}

fn plan() -> Plan {
    Plan::bare(id("low"), "refs/heads/main")
}

fn start() -> Start {
    Start { claim: id("unit-tests"), variant: None, shard: None, deadline_seconds: 600 }
}

fn yes() -> Review {
    let verdict = Some(ReviewVerdict::Pass);
    Review::bare(id("peer-review"), Phase::Plain, verdict)
}

fn other_commit() -> Vec<Subject> {
    vec![Subject::commit(oid('3')), Subject::Tree(oid('2'))]
}

fn other_tree() -> Vec<Subject> {
    vec![Subject::commit(oid('1')), Subject::Tree(oid('4'))]
}

const NONE: [&str; 0] = [];

#[test]
fn what_is_shown_is_accepted_and_each_half_alone_is_not() {
    assert_eq!(Log::new().shown().codes(), NONE);
    let mut run = Log::new();
    run.run(CI, Outcome::Pass);
    assert_eq!(run.codes(), ["E201"]);
    let mut review = Log::new();
    review.review(BOB, yes());
    assert_eq!(review.codes(), ["E201"]);
}

#[test]
fn of_two_results_of_one_start_the_worse_one_counts() {
    use Outcome::{Fail, Pass};
    for (first, second, codes) in
        [(Pass, Pass, &[][..]), (Pass, Fail, &["E202"][..]), (Fail, Pass, &["E202"]), (Fail, Fail, &["E202"])]
    {
        let mut log = Log::new();
        log.review(BOB, yes());
        let (_, leaf) = log.start(CI, start(), commit_and_tree());
        log.result(CI, Run { outcome: first, ..passed(leaf) }, commit_and_tree());
        log.result(CI, Run { outcome: second, ..passed(leaf) }, commit_and_tree());
        assert_eq!(log.codes(), codes, "{first} {second}");
    }
}

#[test]
fn a_result_matches_its_start_in_everything() {
    let result = |change: &dyn Fn(Run) -> Run, by: u8, subjects: Vec<Subject>| {
        let mut log = Log::new();
        log.review(BOB, yes());
        let (_, leaf) = log.start(CI, start(), commit_and_tree());
        log.result(by, change(passed(leaf)), subjects);
        log.codes()
    };
    let same = |run: Run| run;
    assert_eq!(result(&same, CI, commit_and_tree()), NONE);
    let codes = [
        result(&same, OTHER_CI, commit_and_tree()),
        result(&same, CI, other_commit()),
        result(&same, CI, other_tree()),
        result(&|run| Run { variant: Some(id("linux")), ..run }, CI, commit_and_tree()),
        result(&|run| Run { shard: Some(Shard::new(1, 2).unwrap()), ..run }, CI, commit_and_tree()),
    ];
    for found in codes {
        assert!(found.contains(&"E223"), "{found:?}");
    }
}

#[test]
fn a_claim_is_bound_to_the_tree_or_to_the_commit() {
    let by_commit = [("by = \"ci\"\n", "by = \"ci\"\nbound_to = \"commit\"\n")];
    for (replace, subjects, codes) in [
        (&[][..], commit_and_tree(), &[][..]),
        (&[], other_commit(), &[]),
        (&[], other_tree(), &["E210"]),
        (&by_commit[..], commit_and_tree(), &[]),
        (&by_commit, other_commit(), &["E210"]),
    ] {
        let mut log = Log::with(replace);
        log.review(BOB, yes());
        let (_, leaf) = log.start(CI, start(), subjects.clone());
        log.result(CI, passed(leaf), subjects.clone());
        assert_eq!(log.codes(), codes, "{replace:?} {subjects:?}");
    }
}

#[test]
fn who_holds_a_role_is_not_independent_of_it() {
    let replace = [("form = \"review\"\n", "form = \"review\"\nindependent_of = [\"ci\"]\n")];
    assert_eq!(Log::with(&replace).shown().codes(), NONE);
    let mut log = Log::with(&replace);
    log.grant(grant(&key(BOB).public(), "bob", &["ci"]));
    assert_eq!(log.shown().codes(), ["E207"]);
}

#[test]
fn a_ledger_is_halted_by_whom_it_knew_then() {
    let halt = || Predicate::Event(Event::Halt { reason: "incident 12".to_owned() });
    let subjects = || vec![Subject::sha256("origin", digest(ORIGIN))];
    let mut known = Log::new().shown();
    known.grant(grant(&key(6).public(), "eve", &["ci"]));
    known.write(6, subjects(), halt());
    assert_eq!(known.codes(), ["E301"]);
    let mut unknown = Log::new().shown();
    unknown.grant(Grant { until: Some(Time(1)), ..grant(&key(6).public(), "eve", &["ci"]) });
    unknown.write(6, subjects(), halt());
    unknown.grant(grant(&key(6).public(), "eve", &["ci"]));
    assert_eq!(unknown.codes(), NONE);
}

#[test]
fn reviews_count_that_are_plain_and_of_the_claim() {
    let no = || Review { verdict: Some(ReviewVerdict::Fail), ..yes() };
    let reviewed = |more: Review| {
        let mut log = Log::new().shown();
        log.review(BOB, more);
        log.codes()
    };
    assert_eq!(reviewed(yes()), NONE);
    assert_eq!(reviewed(no()), ["E218", "E201"]);
    assert_eq!(reviewed(Review { claim: id("other-review"), ..no() }), NONE);
    let sealed = Review { phase: Phase::Commit, verdict: None, commitment: Some(digest("sealed")), ..yes() };
    assert_eq!(reviewed(sealed), NONE);
}

#[test]
fn a_review_is_too_old_after_its_age() {
    let replace = [("form = \"review\"\n", "form = \"review\"\nage_max = \"1h\"\n")];
    let mut log = Log::with(&replace).shown();
    assert_eq!(log.codes(), NONE);
    log.keeper.time += 3600;
    assert_eq!(log.codes(), ["E208"]);
}

#[test]
fn what_the_plan_demands_first_comes_before_the_first_attempt() {
    let replace = [("form = \"review\"\n", "form = \"review\"\nat = \"plan\"\n")];
    let mut before = Log::with(&replace);
    before.review(BOB, yes());
    before.run(CI, Outcome::Pass);
    assert_eq!(before.codes(), NONE);
    before.review(BOB, yes());
    assert_eq!(before.codes(), NONE);
    let mut after = Log::with(&replace);
    after.run(CI, Outcome::Pass);
    after.review(BOB, yes());
    assert_eq!(after.codes(), ["E222"]);
}

#[test]
fn only_an_implied_plan_stands_in_for_one() {
    let replace = [("version = 1\n", "version = 1\nunplanned = \"low\"\n")];
    let judged = |implied: bool, by: u8| {
        let mut log = Log::unplanned(&replace);
        let plan = Plan { implied, ..plan() };
        log.plan = Some(log.write(by, vec![Subject::base(oid('0'))], Predicate::Plan(plan)).1);
        log.shown().codes()
    };
    assert_eq!(judged(false, ANA), NONE);
    assert_eq!(judged(true, CI), NONE);
    assert_eq!(judged(false, CI), ["E102"]);
}

#[test]
fn what_passed_is_observed_with_the_roles_behind_it() {
    let observed = Log::new().shown().observed();
    let roles = |name: &str| observed[name].roles.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((roles("unit-tests"), roles("peer-review")), (vec!["ci".to_owned()], vec!["reviewer".to_owned()]));
    assert!(!observed["unit-tests"].reviewed && observed["peer-review"].reviewed);

    let mut log = Log::new();
    let of_run = log.run(CI, Outcome::Pass);
    log.review(ROOT, yes());
    let no = log.review(BOB, Review { verdict: Some(ReviewVerdict::Fail), ..yes() });
    let observed = log.observed();
    assert_eq!(observed["unit-tests"].passed[&None].serials, [of_run[1]]);
    assert!(!observed["unit-tests"].asserted);
    assert!(observed["peer-review"].passed.is_empty() && observed["peer-review"].roles.is_empty(), "{no}");

    let mut elsewhere = Log::new();
    let (_, leaf) = elsewhere.start(CI, start(), other_tree());
    elsewhere.result(CI, passed(leaf), other_tree());
    assert!(elsewhere.observed().is_empty());
}

#[test]
fn rego_sees_attempts_and_reviews_and_who_is_behind_them() {
    let rego = "rego = '''\npackage evidence\n\ndeny contains \"x\" if false\n'''\n\n[claim.unit-tests]";
    let mut log = Log::with(&[("[claim.unit-tests]", rego)]);
    let [first, _] = log.run(CI, Outcome::Fail);
    let [second, result] = log.run(OTHER_CI, Outcome::Pass);
    let (elsewhere, _) = log.start(CI, start(), other_tree());
    let review = log.review(BOB, yes());
    log.review(BOB, Review { claim: id("other-review"), ..yes() });
    let elsewhere_review = log.write(BOB, other_tree(), Predicate::Review(yes())).0;
    let questions = log.judged().unwrap_err().questions;
    let input: Value = serde_json::from_slice(questions[0].input()).unwrap();
    let tests = input["claims"]["unit-tests"]["attempts"].as_array().unwrap();
    let of = |attempt: &Value| ["start", "judged", "counts", "principals"].map(|member| attempt[member].clone());
    assert_eq!(of(&tests[0]), [json!(first), json!(true), json!(false), json!(["ci-1"])]);
    assert_eq!(of(&tests[1]), [json!(second), json!(true), json!(true), json!(["ci-2"])]);
    assert_eq!(of(&tests[2]), [json!(elsewhere), json!(false), json!(false), json!(["ci-1"])]);
    assert_eq!((&tests[1]["result"], &tests[2]["result"]), (&json!(result), &Value::Null));
    let reviews = input["claims"]["peer-review"]["reviews"].as_array().unwrap();
    let of = |review: &Value| ["serial", "judged", "principals"].map(|member| review[member].clone());
    assert_eq!(reviews.len(), 2);
    assert_eq!(of(&reviews[0]), [json!(review), json!(true), json!(["bob"])]);
    assert_eq!(of(&reviews[1]), [json!(elsewhere_review), json!(false), json!(["bob"])]);
}

#[test]
fn a_name_that_was_looked_up_is_not_asked_for_again() {
    let mut log = Log::new();
    let people = vec!["eve@example.org".to_owned()];
    let commit = CommitFacts { oid: oid('1'), tree: oid('2'), parents: vec![oid('0')], people, plans: Vec::new() };
    log.git.commits.push(commit);
    let change = Change { id: id("shop/abc-123"), tree: oid('2') };
    let trust = log.keeper.trusted_by(&[&key(ROOT)]);
    let (mut source, bare) = (log.keeper.answer(&change), log.keeper.answer(&change));
    let name = Name::address("eve@example.org");
    source.lists.extend(log.keeper.answer_lists(&[name_chain(&name)]).lists);
    let complete = Complete::check(&source, &trust, change).unwrap();
    // Whoever cannot answer is asked where the name is unknown, and only there.
    assert!(read_authors(complete.clone(), &bare, &trust, &log.git).is_err());
    let known = complete.with_names(&source, &trust, [&name]).unwrap();
    assert!(read_authors(known, &bare, &trust, &log.git).is_ok());
}

#[test]
fn authors_are_looked_up_where_somebody_must_be_independent_of_them() {
    let read = |from: &str, to: &str| {
        let mut log = Log::with(&[(from, to)]);
        let people = vec!["eve@example.org".to_owned()];
        let commit = CommitFacts { oid: oid('1'), tree: oid('2'), parents: vec![oid('0')], people, plans: Vec::new() };
        log.git.commits.push(commit);
        let change = Change { id: id("shop/abc-123"), tree: oid('2') };
        let trust = log.keeper.trusted_by(&[&key(ROOT)]);
        let chain = name_chain(&Name::address("eve@example.org"));
        let mut source = log.keeper.answer(&change);
        let people = ["ana", "bob", "ci-1", "ci-2"].map(|name| name_chain(&Name::Principal(id(name))));
        let names = [&[chain.clone(), name_chain(&Name::Change(id("shop/abc-123")))], &people[..]].concat();
        source.lists.extend(log.keeper.answer_lists(&names).lists);
        let complete = Complete::check(&source, &trust, change).unwrap();
        let policies = Policies::read(&complete, &log.policy).unwrap();
        read_names(complete, &source, &trust, &policies, &log.git).unwrap().lists().contains_key(&chain)
    };
    let independent =
        |of: &str| read("form = \"review\"\n", &format!("form = \"review\"\nindependent_of = [\"{of}\"]\n"));
    assert!(independent("implementer") && !independent("ci"));
    let refused = |name: &str| read("version = 1\n", &format!("version = 1\nrefuse_limitations = [\"{name}\"]\n"));
    assert!(refused("unknown-author") && !refused("one-person"));
}

#[test]
fn every_commit_names_this_plan_of_this_change() {
    let replace = [("[tier.low]\n", "[tier.low]\ntrailer = true\n")];
    let judged = |change: &str, other_plan: bool| {
        let mut log = Log::with(&replace).shown();
        let plan = if other_plan { digest("other plan") } else { log.plan.unwrap() };
        let plans = vec![evidence_ledger::model::PlanTrailer { change: id(change), plan }];
        let commit = CommitFacts { oid: oid('1'), tree: oid('2'), parents: vec![oid('0')], people: Vec::new(), plans };
        log.git.commits.push(commit);
        log.codes()
    };
    assert_eq!(judged("shop/abc-123", false), NONE);
    assert_eq!(judged("shop/abc-124", false), ["E105"]);
    assert_eq!(judged("shop/abc-123", true), ["E105"]);
}

/// A log whose policy demands a run of `design` before the first attempt.
fn with_design(more: &str) -> Log {
    let gate = format!("[claim.design]\nfamily = \"functionality\"\nby = \"ci\"\nat = \"plan\"\n{more}\n[tier.low]\n");
    Log::with(&[("[tier.low]\n", &gate), ("require = [\"unit-tests\"", "require = [\"design\", \"unit-tests\"")])
}

fn junit(failed: bool) -> String {
    let failure = if failed { "<failure message=\"no\"/>" } else { "" };
    format!(
        "<testsuites><testsuite name=\"s\"><testcase classname=\"s\" name=\"a\">{failure}</testcase></testsuite></testsuites>"
    )
}

#[test]
fn reports_are_read_again_and_the_worst_counts() {
    let judged = |report: &str, signed: &dyn Fn(Run) -> Run| {
        let mut log = Log::new();
        log.review(BOB, yes());
        log.run_with(report, signed);
        log.codes()
    };
    let same = |run: Run| run;
    assert_eq!(judged(&junit(false), &same), NONE);
    assert_eq!(judged(&junit(true), &same), ["E202"]);
    assert_eq!(judged(&junit(true), &|run| Run { outcome: Outcome::Pass, ..run }), ["E202"]);
    let lied = |run: Run| {
        let mut run = run;
        run.outcome = Outcome::Pass;
        run.facts[0].facts.outcome = Outcome::Pass;
        run
    };
    assert_eq!(judged(&junit(true), &lied), ["E202", "E215"]);
    let recounted = |run: Run| {
        let mut run = run;
        run.facts[0].facts.tests.as_mut().unwrap().passed += 1;
        run
    };
    assert_eq!(judged(&junit(false), &recounted), ["E215"]);
    let unread = |run: Run| Run { facts: Vec::new(), ..run };
    assert_eq!(judged(&junit(false), &unread), ["E203"]);
}

#[test]
fn a_report_that_is_not_there_is_asserted_or_refused() {
    let judged = |replace: &[(&str, &str)]| {
        let mut log = Log::with(replace);
        log.review(BOB, yes());
        log.run_with(&junit(false), |run| run);
        log.policy.1.clear();
        let verdict = log.judged().unwrap();
        let limited = verdict.limitations.iter().any(|limitation| limitation.name == "asserted");
        let codes: Vec<&str> = verdict.findings.iter().map(|finding| finding.code.number).collect();
        (codes, limited, log.observed()["unit-tests"].asserted)
    };
    assert_eq!(judged(&[]), (vec!["E216"], false, true));
    let allowed = [("by = \"ci\"\n", "by = \"ci\"\nasserted = \"allow\"\n")];
    assert_eq!(judged(&allowed), (vec![], true, true));
}

#[test]
fn a_report_that_is_longer_shorter_or_another_one_is_a_contradiction() {
    let reread = |change: &dyn Fn(&mut String)| {
        let mut log = Log::new();
        log.run_with(&junit(false), |run| run);
        change(log.policy.1.values_mut().next().unwrap());
        log.not_reread()
    };
    assert_eq!(reread(&|_| ()), None);
    let wrong: [&dyn Fn(&mut String); 4] = [
        &|text| text.push(' '),
        &|text| text.push_str(&" ".repeat(100_000)),
        &|text| text.truncate(text.len() - 1),
        &|text| *text = text.replace("name=\"a\"", "name=\"b\""),
    ];
    for change in wrong {
        assert!(reread(change).is_some_and(|why| why.contains("tests.xml")));
    }
    let mut log = Log::new();
    log.run_with(&junit(false), |mut run| {
        run.materials[0].bytes += 1;
        run
    });
    assert!(log.not_reread().is_some());
    let mut log = Log::new();
    log.run_with(&junit(false), |mut run| {
        run.facts[0].facts.reader = "other/1".to_owned();
        run
    });
    assert_eq!(log.not_reread(), None);
}

#[test]
fn reports_of_what_comes_before_the_first_attempt_are_read_again_on_whatever_tree() {
    let judged = |subjects: Vec<Subject>, tree: char, more: u64| {
        let mut log = with_design("tests = { passed_min = 1 }");
        let design = Start { claim: id("design"), ..start() };
        log.run_of(design, subjects, &[(Purpose::Report, &junit(false))], |mut run| {
            run.facts[0].facts.tests.as_mut().unwrap().passed += more;
            run.worktree = Worktree { before: oid(tree), after: oid(tree) };
            run
        });
        log.shown().codes()
    };
    for (subjects, tree) in [(commit_and_tree(), '2'), (other_tree(), '4')] {
        assert_eq!(judged(subjects.clone(), tree, 0), NONE);
        assert_eq!(judged(subjects, tree, 1), ["E215"]);
    }
}

#[test]
fn what_is_printed_and_reported_counts_once_beside_several_reports() {
    let of = |names: &str| {
        let case = |name: char| format!("<testcase classname=\"s\" name=\"{name}\"/>");
        format!("<testsuite name=\"s\">{}</testsuite>", names.chars().map(case).collect::<String>())
    };
    let judged = |passed_min: u8| {
        let limits = format!("by = \"ci\"\ntests = {{ passed_min = {passed_min} }}\n");
        let mut log = Log::with(&[("by = \"ci\"\n", &limits)]);
        log.review(BOB, yes());
        let (one, two, printed) = (of("ab"), of("cd"), of("abcd"));
        let files = [(Purpose::Report, &*one), (Purpose::Report, &two), (Purpose::Stdout, &printed)];
        log.run_of(start(), commit_and_tree(), &files, |run| run);
        log.codes()
    };
    assert_eq!(judged(4), NONE);
    assert_eq!(judged(5), ["E212"]);
}

#[test]
fn whatever_is_looked_at_is_named_in_the_verdict() {
    let mut log = Log::new();
    let run = log.run(CI, Outcome::Fail);
    let review = log.review(BOB, yes());
    let verdict = log.judged().unwrap();
    let shown: Vec<_> = verdict.requirements.iter().map(|it| (it.state, it.serials.clone())).collect();
    assert_eq!(shown, [(State::Fail, run.to_vec()), (State::Pass, vec![review])]);
    assert!(verdict.limitations.iter().any(|it| it.name == "operator-unbound"));
}

#[test]
fn nothing_required_is_accepted_before_the_first_attempt_only() {
    let replace = [("require = [\"unit-tests\", \"peer-review\"]", "require = [\"peer-review\"]")];
    let at = |moment: Moment, replace: &[(&str, &str)], reviewed: bool| {
        let mut log = Log::with(replace);
        if reviewed {
            log.review(BOB, yes());
        }
        let verdict = log.asked(|judgement| {
            let judgement = Judgement { moment, found_before: Vec::new(), admitted: Vec::new(), ..*judgement };
            judge(&judgement, &Answers::default()).unwrap().into_verdict()
        });
        let codes: Vec<&str> = verdict.findings.iter().map(|finding| finding.code.number).collect();
        (codes, verdict.decision == Decision::Accepted, verdict.requirements.len())
    };
    assert_eq!(at(Moment::Merge, &replace, true), (vec![], true, 1));
    assert_eq!(at(Moment::Merge, &replace, false), (vec!["E201"], false, 1));
    assert_eq!(at(Moment::Plan, &replace, false), (vec![], true, 0));
    let at_plan = [("form = \"review\"\n", "form = \"review\"\nat = \"plan\"\n")];
    assert_eq!(at(Moment::Plan, &at_plan, false), (vec!["E201"], false, 1));
    assert_eq!(at(Moment::Plan, &at_plan, true), (vec![], true, 1));
}

#[test]
fn of_two_equal_results_the_first_is_shown() {
    let mut log = Log::new();
    log.review(BOB, yes());
    let (begun, leaf) = log.start(CI, start(), commit_and_tree());
    let first = log.result(CI, passed(leaf), commit_and_tree());
    log.result(CI, passed(leaf), commit_and_tree());
    assert_eq!(log.judged().unwrap().requirements[0].serials, [begun, first]);
}

#[test]
fn a_gate_is_tried_as_often_as_it_may_be() {
    let tried = |attempts: u8, shards: Option<u32>| {
        let mut log = Log::with(&[("by = \"ci\"\n", "by = \"ci\"\nattempts_max = 2\n")]);
        log.review(BOB, yes());
        for _ in 0..attempts {
            for index in 1..=shards.unwrap_or(1) {
                let shard = shards.map(|count| Shard::new(index, count).unwrap());
                let (_, leaf) = log.start(CI, Start { shard, ..start() }, commit_and_tree());
                log.result(CI, Run { shard, ..passed(leaf) }, commit_and_tree());
            }
        }
        let verdict = log.judged().unwrap();
        (verdict.findings.iter().map(|it| it.code.number).collect::<Vec<_>>(), verdict.requirements[0].state)
    };
    for shards in [None, Some(3)] {
        assert_eq!(tried(2, shards), (vec![], State::Pass));
        assert_eq!(tried(3, shards), (vec!["E211"], State::Invalid));
    }
}

#[test]
fn every_shard_is_shown() {
    let mut log = Log::new();
    log.review(BOB, yes());
    for index in [1, 2] {
        let shard = Some(Shard::new(index, 2).unwrap());
        let (_, leaf) = log.start(CI, Start { shard, ..start() }, commit_and_tree());
        log.result(CI, Run { shard, ..passed(leaf) }, commit_and_tree());
        assert_eq!(log.codes(), if index == 1 { &["E221"][..] } else { &[] });
    }
}

#[test]
fn who_is_not_entitled_neither_helps_nor_takes_back_with_a_pass() {
    let mut alone = Log::new();
    alone.review(BOB, yes());
    alone.run(BOB, Outcome::Pass);
    assert_eq!(alone.codes(), ["E206"]);
    let mut both = Log::new().shown();
    both.run(BOB, Outcome::Pass);
    assert_eq!(both.codes(), NONE);
    assert!(both.judged().unwrap().requirements[0].principals.iter().any(|it| it.as_str() == "ci-1"));
    both.run(BOB, Outcome::Fail);
    assert_eq!(both.codes()[0], "E202");
}

#[test]
fn a_pass_stands_until_what_began_beside_it_fails_later() {
    let judged = |fails_later: bool| {
        let mut log = Log::new();
        log.review(BOB, yes());
        let (_, older) = log.start(OTHER_CI, start(), commit_and_tree());
        let fail = Run { outcome: Outcome::Fail, ..passed(older) };
        if !fails_later {
            log.result(OTHER_CI, fail.clone(), commit_and_tree());
        }
        log.run(CI, Outcome::Pass);
        if fails_later {
            log.result(OTHER_CI, fail, commit_and_tree());
        }
        log.codes()
    };
    assert_eq!(judged(false), NONE);
    assert_eq!(judged(true)[0], "E217");
}

#[test]
fn a_run_that_the_plan_demands_first_comes_before_the_first_attempt() {
    let design = |log: &mut Log| {
        let (begun, leaf) = log.start(CI, Start { claim: id("design"), ..start() }, commit_and_tree());
        (begun, log.result(CI, Run { claim: id("design"), ..passed(leaf) }, commit_and_tree()))
    };
    let mut before = with_design("");
    design(&mut before);
    let mut before = before.shown();
    assert_eq!(before.codes(), NONE);
    design(&mut before);
    assert_eq!(before.codes(), NONE);
    let mut after = with_design("").shown();
    design(&mut after);
    assert_eq!(after.codes(), ["E222"]);
}

#[test]
fn a_late_yes_is_late_whatever_was_said_before_and_however_old_it_may_be() {
    let replace = [("form = \"review\"\n", "form = \"review\"\nat = \"plan\"\nage_max = \"1h\"\n")];
    let mut log = Log::with(&replace);
    log.review(BOB, Review { verdict: Some(ReviewVerdict::Fail), ..yes() });
    log.run(CI, Outcome::Pass);
    assert_eq!(log.codes()[0], "E218");
    log.review(BOB, yes());
    assert_eq!(log.codes(), ["E222"]);
    log.keeper.time += 3600;
    assert_eq!(log.codes(), ["E208"]);
}

#[test]
fn names_that_nobody_looked_up_are_missing() {
    let replace = [("form = \"review\"\n", "form = \"review\"\nindependent_of = [\"implementer\"]\n")];
    assert!(Log::with(&replace).shown().codes().contains(&"E304"));
    assert_eq!(Log::new().shown().codes(), NONE);
}

#[test]
fn attempts_count_of_whom_the_ledger_knew_then() {
    let judged = |known: bool| {
        let mut log = Log::new().shown();
        let person = grant(&key(6).public(), "eve", &["ci"]);
        // Without any grant before it a record is none of the ledger.
        let until = if known { None } else { Some(Time(1)) };
        log.grant(Grant { until, ..person.clone() });
        log.run(6, Outcome::Fail);
        log.grant(person);
        log.codes()
    };
    assert_eq!((judged(false), judged(true)), (vec![], vec!["E202"]));
}

#[test]
fn who_was_not_entitled_when_it_began_is_not() {
    let judged = |entitled: bool| {
        let mut log = Log::new().shown();
        let person = grant(&key(BOB).public(), "bob", &["ci"]);
        if entitled {
            log.grant(person.clone());
        }
        let (begun, leaf) = log.start(BOB, start(), commit_and_tree());
        log.grant(person);
        log.result(BOB, passed(leaf), commit_and_tree());
        let verdict = log.judged().unwrap();
        assert_eq!(verdict.findings, []);
        verdict.requirements[0].serials.contains(&begun)
    };
    assert!(judged(true) && !judged(false));
}

#[test]
fn failures_on_other_trees_are_shown_and_hurt_nobody() {
    let mut log = Log::new();
    let (elsewhere, leaf) = log.start(CI, start(), other_tree());
    log.result(CI, Run { outcome: Outcome::Fail, ..passed(leaf) }, other_tree());
    let (_, leaf) = log.start(CI, start(), other_tree());
    log.result(CI, passed(leaf), other_tree());
    log.run(CI, Outcome::Fail);
    let verdict = log.shown().judged().unwrap();
    assert_eq!((verdict.findings, &verdict.requirements[0].failed_elsewhere), (vec![], &vec![elsewhere]));
}

#[test]
fn numbers_are_held_against_limits_where_the_run_passed() {
    let judged = |least: u64, failed: bool| {
        let limited = format!("by = \"ci\"\ntests = {{ passed_min = {least} }}\n");
        let mut log = Log::with(&[("by = \"ci\"\n", &limited)]);
        log.review(BOB, yes());
        log.run_with(&junit(failed), |run| run);
        log.judged().unwrap().findings.iter().map(|it| (it.code.number, it.thing.clone())).collect::<Vec<_>>()
    };
    let tests = |code: &'static str| vec![(code, "unit-tests".to_owned())];
    assert_eq!([judged(1, false), judged(2, false), judged(2, true)], [vec![], tests("E212"), tests("E202")]);
}

#[test]
fn each_variant_is_late_by_itself() {
    let design = |log: &mut Log, variant: &str| {
        let variant = Some(id(variant));
        let begun = Start { claim: id("design"), variant: variant.clone(), ..start() };
        let (_, leaf) = log.start(CI, begun, commit_and_tree());
        log.result(CI, Run { claim: id("design"), variant, ..passed(leaf) }, commit_and_tree());
    };
    let mut both = with_design("variants = [\"linux\", \"mac\"]\n");
    design(&mut both, "linux");
    design(&mut both, "mac");
    let mut both = both.shown();
    design(&mut both, "mac");
    assert_eq!(both.codes(), NONE);
    let mut one = with_design("variants = [\"linux\", \"mac\"]\n");
    design(&mut one, "linux");
    let mut one = one.shown();
    design(&mut one, "mac");
    assert_eq!(one.codes(), ["E222"]);
}
