//! Laws of what a branch protects, on reports drawn by lot and judged without a store: what is worse is never accepted where the
//! better was refused, order does not matter, and facts know neither language nor time.

#[path = "common/memory.rs"]
#[expect(dead_code, reason = "an honest keeper is enough here")]
mod memory;
#[path = "common/samples.rs"]
#[expect(dead_code, reason = "statements about one change are enough here")]
mod samples;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, Cursor};
use std::path::{Path, PathBuf};
use std::process::Command;

use evidence_ledger::crypto::{leaf_hash, list_item_hash};
use evidence_ledger::merkle::{Frontier, ListProof, MapText};
use evidence_ledger::model::{
    Authority as AuthorityRecord, Digest, Event, GitFacts, Material, MaterialFacts, Name, Outcome, Plan, PolicyRecord,
    Predicate, Purpose, Run, Start, Statement, Subject, Time,
};
use evidence_ledger::policy::{Baseline, Moment, Protected};
use evidence_ledger::prove::{
    Change, Complete, ListTail, Listing, Materials, ProveError, Proven, RawRecord, Source, SourceError,
    lists_of_change, name_chain,
};
use evidence_ledger::reports::{Format, read};
use evidence_ledger::verify::{
    Answers, Clock, Decided, Finding, Judgement, Policies, Rechecked, judge, next_baseline, read_branch, read_names,
};
use memory::Keeper;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use samples::{ORIGIN, about_key, binding, commit_and_tree, digest, grant, id, key, oid, passed};

const ROOT: u8 = 1;
const ANA: u8 = 2;
const CI: u8 = 3;
const BRANCH: &str = "shop:refs/heads/main";

/// Names of tests: those that show that the right thing is done, those that show that the wrong thing is not, and others.
const NAMES: [&str; 8] =
    ["accepts_one", "accepts_two", "accepts_three", "refuses_one", "refuses_two", "refuses_three", "adds", "prints"];

/// What a test did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Did {
    Pass,
    Skip,
    Flake,
    Fail,
}

/// What the reports of a change show.
#[derive(Debug, Clone, PartialEq, Eq)]
struct World {
    /// By the place of its name; several of one name are copies.
    tests: Vec<(usize, Did)>,
    /// Which lines ran.
    lines: Vec<bool>,
    /// By the number of the rule.
    findings: Vec<u8>,
    /// Those that the tool silences.
    silenced: Vec<u8>,
    /// The names of a surface, by number.
    names: Vec<u8>,
    /// How long things take, in milliseconds; in their places, what was not measured at all.
    times: Vec<Option<u64>>,
    /// Which mutants a test notices.
    noticed: Vec<bool>,
    /// Which picture it is, by the number of its name.
    pictures: BTreeMap<u8, u8>,
}

/// What is shown of a world.
#[derive(Debug, Clone)]
struct Shown {
    reports: Vec<(Format, String)>,
    attached: Vec<(String, String)>,
}

/// A place in a list of any length.
#[derive(Debug, Clone)]
struct Place(usize);

impl Place {
    const fn index(&self, length: usize) -> usize {
        self.0 % length
    }
}

/// How a world gets worse.
#[derive(Debug, Clone)]
enum Worse {
    AddFailing(usize),
    AddSkipped(usize),
    Silence(u8),
    Flake(Place),
    Drop(Place),
    DropAll(usize),
    Skip(Place),
    Fail(Place),
    RunLess(Place),
    Find(u8),
    LoseName(Place),
    Slow(Place, u64),
    Unmeasured(Place),
    Survive(Place),
    LosePicture(Place),
    Redraw(Place),
}

impl World {
    fn passing(&self) -> Vec<usize> {
        (0..self.tests.len()).filter(|at| self.tests[*at].1 == Did::Pass).collect()
    }

    /// Makes it worse, or leaves it where there is nothing that could get worse.
    fn worsened(mut self, how: &Worse) -> Self {
        let passing = self.passing();
        let one = |at: &Place| (!passing.is_empty()).then(|| passing[at.index(passing.len())]);
        match how {
            Worse::AddFailing(name) => self.tests.push((*name, Did::Fail)),
            Worse::AddSkipped(name) => self.tests.push((*name, Did::Skip)),
            Worse::Flake(at) => drop(one(at).map(|at| self.tests[at].1 = Did::Flake)),
            Worse::Drop(at) => drop(one(at).map(|at| self.tests.remove(at))),
            Worse::DropAll(name) => self.tests.retain(|(of, did)| of != name || *did != Did::Pass),
            Worse::Skip(at) => drop(one(at).map(|at| self.tests[at].1 = Did::Skip)),
            Worse::Fail(at) => drop(one(at).map(|at| self.tests[at].1 = Did::Fail)),
            Worse::RunLess(at) => {
                let at = at.index(self.lines.len());
                self.lines[at] = false;
            }
            Worse::Find(rule) => self.findings.push(*rule),
            Worse::Silence(rule) => self.silenced.push(*rule),
            Worse::LoseName(at) if !self.names.is_empty() => drop(self.names.remove(at.index(self.names.len()))),
            Worse::LoseName(_) => {}
            Worse::Slow(at, percent) => {
                let at = at.index(self.times.len());
                self.times[at] = self.times[at].map(|time| time + time * percent / 100);
            }
            Worse::Unmeasured(at) => {
                let at = at.index(self.times.len());
                self.times[at] = None;
            }
            Worse::Survive(at) => {
                let at = at.index(self.noticed.len());
                self.noticed[at] = false;
            }
            Worse::LosePicture(at) | Worse::Redraw(at) if !self.pictures.is_empty() => {
                let name = *self.pictures.keys().nth(at.index(self.pictures.len())).unwrap();
                match how {
                    Worse::Redraw(_) => *self.pictures.get_mut(&name).unwrap() += 1,
                    _ => drop(self.pictures.remove(&name)),
                }
            }
            Worse::LosePicture(_) | Worse::Redraw(_) => {}
        }
        self
    }

    /// What is shown of it.
    fn shown(&self) -> Shown {
        let picture = |(name, which): (&u8, &u8)| (format!("page-{name}"), format!("GIF89a\u{1}\0\u{1}\0{which}"));
        let notes = ("notes".to_owned(), "seen by nobody".to_owned());
        Shown { reports: self.reports(), attached: self.pictures.iter().map(picture).chain([notes]).collect() }
    }

    /// Its reports: the tests of some names each, the lines, the findings, the names, the times, the mutants.
    fn reports(&self) -> Vec<(Format, String)> {
        let mut reports: Vec<(Format, String)> = (0..SUITES)
            .map(|suite| {
                let of_suite = self.tests.iter().filter(|(name, _)| name % SUITES == suite);
                let case = |(name, did): &(usize, Did)| {
                    let inner = match did {
                        Did::Pass => "",
                        Did::Skip => "<skipped/>",
                        Did::Flake => "<flakyFailure/>",
                        Did::Fail => "<failure/>",
                    };
                    format!("<testcase classname=\"c\" name=\"{}\">{inner}</testcase>", NAMES[*name])
                };
                let cases: Vec<String> = of_suite.map(case).collect();
                let count = cases.len();
                let text = format!("<testsuite name=\"s{suite}\" tests=\"{count}\">{}</testsuite>", cases.concat());
                (Format::Junit, text)
            })
            .collect();
        let line = |(at, ran): (usize, &bool)| format!("DA:{},{}\n", at + 1, u8::from(*ran));
        let lines: String = self.lines.iter().enumerate().map(line).collect();
        reports.push((Format::Lcov, format!("SF:src/lib.rs\n{lines}end_of_record\n")));
        let result = |rule: &u8| {
            serde_json::json!({"ruleId": format!("R{rule}"), "level": "note", "message": {"text": format!("finding {rule}")},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/lib.rs"}, "region": {"startLine": 1 + rule}}}]})
        };
        let silenced = self.silenced.iter().map(result).map(|mut result| {
            result["suppressions"] = serde_json::json!([{"kind": "inSource"}]);
            result
        });
        let results: Vec<serde_json::Value> = self.findings.iter().map(result).chain(silenced).collect();
        let sarif = serde_json::json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scanner", "rules": []}},
            "invocations": [{"executionSuccessful": true}], "results": results}]});
        reports.push((Format::Sarif, sarif.to_string()));
        // One name, one time and one mutant are always there: a report without any says nothing.
        let names = self.names.iter().map(|name| format!("operation-{name}\n"));
        reports.push((Format::Names, format!("always\n{}", names.collect::<String>())));
        let time = |(at, time): (usize, u64)| {
            let seconds = serde_json::Number::from_f64(f64::from(u32::try_from(time).unwrap()) / 1000.0).unwrap();
            serde_json::json!({"command": format!("command-{at}"), "mean": seconds, "median": seconds, "min": seconds, "max": seconds,
                "times": [seconds, seconds], "exit_codes": [0, 0]})
        };
        let times = self.times.iter().enumerate().filter_map(|(at, time)| Some((at, (*time)?)));
        let times: Vec<serde_json::Value> = times.chain([(99, 1)]).map(time).collect();
        reports.push((Format::Hyperfine, serde_json::json!({"results": times}).to_string()));
        let mutant = |(at, noticed): (usize, bool)| {
            let status = if noticed { "Killed" } else { "Survived" };
            serde_json::json!({"id": at.to_string(), "mutatorName": "m", "status": status,
                "location": {"start": {"line": 1, "column": at + 1}, "end": {"line": 1, "column": at + 2}}})
        };
        let mutants: Vec<serde_json::Value> =
            self.noticed.iter().copied().chain([true]).enumerate().map(mutant).collect();
        let file = serde_json::json!({"language": "rust", "source": "a", "mutants": mutants});
        let stryker = serde_json::json!({"schemaVersion": "1.0", "thresholds": {"high": 80, "low": 60}, "files": {"src/lib.rs": file}});
        reports.push((Format::Stryker, stryker.to_string()));
        reports
    }
}

fn world() -> impl Strategy<Value = World> {
    let did = prop_oneof![30 => Just(Did::Pass), 1 => Just(Did::Skip), 1 => Just(Did::Flake), 1 => Just(Did::Fail)];
    let tests = prop::collection::vec((0..NAMES.len(), did), 4..12);
    let lines = prop::collection::vec(prop::bool::weighted(0.7), 10..20);
    let found = || prop::collection::vec(0_u8..4, 0..3);
    let names = prop::collection::btree_set(0_u8..6, 0..4).prop_map(|names| names.into_iter().collect::<Vec<u8>>());
    let times = prop::collection::vec(prop::option::weighted(0.9, 10_u64..1_000), 1..3);
    let noticed = prop::collection::vec(prop::bool::weighted(0.8), 1..6);
    let pictures = prop::collection::btree_map(0_u8..3, Just(0_u8), 0..3);
    (tests, lines, found(), found(), names, times, noticed, pictures).prop_map(
        |(mut tests, lines, findings, silenced, names, times, noticed, pictures)| {
            // No suite is empty at first: a report without tests says nothing.
            tests.extend([(0, Did::Pass), (3, Did::Pass)]);
            World { tests, lines, findings, silenced, names, times, noticed, pictures }
        },
    )
}

fn worse() -> impl Strategy<Value = Worse> {
    let index = || any::<usize>().prop_map(Place);
    prop_oneof![
        (0..NAMES.len()).prop_map(Worse::AddFailing),
        (0..NAMES.len()).prop_map(Worse::AddSkipped),
        index().prop_map(Worse::Flake),
        (0_u8..6).prop_map(Worse::Silence),
        index().prop_map(Worse::Drop),
        (0..NAMES.len()).prop_map(Worse::DropAll),
        index().prop_map(Worse::Skip),
        index().prop_map(Worse::Fail),
        index().prop_map(Worse::RunLess),
        (0_u8..6).prop_map(Worse::Find),
        index().prop_map(Worse::LoseName),
        (index(), 1_u64..60).prop_map(|(at, percent)| Worse::Slow(at, percent)),
        index().prop_map(Worse::Unmeasured),
        index().prop_map(Worse::Survive),
        index().prop_map(Worse::LosePicture),
        index().prop_map(Worse::Redraw),
    ]
}

/// Limits of all the kinds that have an order.
#[derive(Debug, Clone)]
struct Limits {
    baseline: bool,
    passed: u64,
    kinds: u64,
    total: u64,
    new: u64,
    tolerance: u64,
    score: u64,
}

fn limits() -> impl Strategy<Value = Limits> {
    (prop::bool::weighted(0.8), 0_u64..8, 0_u64..3, 0_u64..80, 0_u64..3, 0_u64..40, 0_u64..80).prop_map(
        |(baseline, passed, kinds, total, new, tolerance, score)| Limits {
            baseline,
            passed,
            kinds,
            total,
            new,
            tolerance,
            score,
        },
    )
}

impl Limits {
    fn policy(&self) -> String {
        let Self { baseline, passed, kinds, total, new, tolerance, score } = self;
        let (keep, floor, silenced) = match *baseline {
            true => (
                ", baseline = \"keep\", skipped = \"ceiling\", flaky = \"ceiling\"",
                ", baseline = \"floor\"",
                ", suppressed = \"ceiling\"",
            ),
            false => ("", "", ""),
        };
        let more = match *baseline {
            true => format!(
                "names = {{ baseline = \"keep\" }}\nmeasurements = {{ tolerance = {tolerance} }}\nattachments = {{ baseline = \"keep\" }}\n"
            ),
            false => String::new(),
        };
        let kinds = match kinds {
            0 => String::new(),
            least => format!(
                ", positive = {{ names = [\"accepts*\"], passed_min = {least} }}, negative = {{ names = [\"refuses*\"], passed_min = {least} }}"
            ),
        };
        format!(
            "version = 1\ntiers = [\"low\"]\n\n[claim.unit-tests]\nfamily = \"functionality\"\nby = \"ci\"\n\
             tests = {{ passed_min = {passed}{keep}{kinds} }}\ncoverage = {{ total_min = {total}{floor} }}\n\
             findings = {{ new_max = {new}{silenced} }}\nmutation = {{ score_min = {score}{floor} }}\n{more}\n[tier.low]\nrequire = [\"unit-tests\"]\n\n\
             [may]\nplan = [\"planner\"]\nmerge = [\"ci\"]\n"
        )
    }
}

/// Texts by their hashes.
#[derive(Default)]
struct Texts(BTreeMap<Digest, String>);

impl Texts {
    fn put(&mut self, text: &str) -> Digest {
        self.0.insert(digest(text), text.to_owned());
        digest(text)
    }
}

impl Materials for Texts {
    fn material(&self, wanted: &Digest) -> Result<Option<Box<dyn BufRead + '_>>, SourceError> {
        Ok(self.0.get(wanted).map(|text| Box::new(Cursor::new(text.as_bytes())) as Box<dyn BufRead>))
    }
}

/// An honest ledger that answers about one branch, too.
struct Whole<'a> {
    keeper: &'a Keeper,
    answers: memory::Answers,
}

impl Source for Whole<'_> {
    fn note(&self) -> Result<Vec<u8>, SourceError> {
        self.answers.note()
    }

    fn last_entry(&self) -> Result<Vec<u8>, SourceError> {
        self.answers.last_entry()
    }

    fn list(&self, text: &MapText) -> Result<Listing, SourceError> {
        self.answers.list(text)
    }

    fn tail(&self, text: &MapText, most: usize) -> Result<ListTail, SourceError> {
        let Listing { mut serials, proof } = self.answers.list(text)?;
        let Some((_, earlier)) = serials.split_last() else { return Ok(ListTail { serials, item: None, proof }) };
        let mut before = Frontier::default();
        for serial in earlier {
            before.push(list_item_hash(*serial, &leaf_hash(&self.record(*serial)?.entry)));
        }
        let serials = serials.split_off(serials.len().saturating_sub(most));
        Ok(ListTail { item: Some(ListProof::newest(&before)), serials, proof })
    }

    fn record(&self, serial: u64) -> Result<RawRecord, SourceError> {
        self.answers.record(serial)
    }

    fn multiproof(&self, places: &[u64]) -> Result<Proven, SourceError> {
        Ok(Proven { proof: self.keeper.multiproof(places.iter().copied()), others: Vec::new() })
    }
}

/// Judges a change that shows these reports, on a branch with this baseline.
fn judged(policy: &str, baseline: Option<&Baseline>, shown: &Shown) -> Decided {
    judged_with(policy, baseline, shown, "0", &|_| {})
}

/// As [`judged`], with merges of these commits, and other facts of git for the judge.
fn judged_with(
    policy: &str,
    baseline: Option<&Baseline>,
    shown: &Shown,
    merged: &str,
    alter: &dyn Fn(&mut GitFacts),
) -> Decided {
    let mut keeper = Keeper::new(ORIGIN, key(9));
    let mut texts = Texts::default();
    let mut number = 0;
    let mut write = |keeper: &mut Keeper, by: u8, subjects: Vec<Subject>, plan: Option<Digest>, of: bool, it| {
        number += 1;
        keeper.append(&Statement { subjects, binding: binding(number, plan, of), predicate: it }, &[&key(by)])
    };
    for (by, name, role) in [(ANA, "ana", "planner"), (CI, "ci", "ci")] {
        let grant = grant(&key(by).public(), name, &[role]);
        let subjects = about_key(&grant.key.parse().unwrap());
        write(&mut keeper, ROOT, subjects, None, false, Predicate::Authority(AuthorityRecord::Grant(grant)));
    }
    let bytes = u64::try_from(policy.len()).unwrap();
    let subjects = vec![Subject::sha256("policy", texts.put(policy))];
    write(&mut keeper, ROOT, subjects, None, false, Predicate::Policy(PolicyRecord { bytes, reason: None }));
    for (commit, baseline) in merged.chars().filter_map(|commit| Some((commit, baseline?))) {
        let merge = Event::Merge {
            branch: "refs/heads/main".to_owned(),
            repository: id("shop"),
            changes: Vec::new(),
            verdict: None,
            baseline: Some(texts.put(&baseline.print())),
        };
        let subjects = vec![Subject::commit(oid(commit)), Subject::Tree(oid('9'))];
        write(&mut keeper, CI, subjects, None, false, Predicate::Event(merge));
    }
    let plan = Plan::bare(id("low"), "refs/heads/main");
    let (_, plan) = write(&mut keeper, ANA, vec![Subject::base(oid('0'))], None, true, Predicate::Plan(plan));
    let start = Start { claim: id("unit-tests"), variant: None, shard: None, deadline_seconds: 600 };
    let (_, leaf) = write(&mut keeper, CI, commit_and_tree(), Some(plan), true, Predicate::Start(start));
    let (mut materials, mut facts, mut outcome) = (Vec::new(), Vec::new(), Outcome::Pass);
    for (name, text) in &shown.attached {
        let (name, sha256, bytes) = (name.clone(), texts.put(text), u64::try_from(text.len()).unwrap());
        materials.push(Material { name, purpose: Purpose::Attachment, sha256, bytes, omitted_bytes: None });
    }
    for (place, (format, text)) in shown.reports.iter().enumerate() {
        let sha256 = texts.put(text);
        let bytes = u64::try_from(text.len()).unwrap();
        let name = format!("report-{place}");
        materials.push(Material { name, purpose: Purpose::Report, sha256, bytes, omitted_bytes: None });
        let read = read(*format, &mut text.as_bytes()).unwrap();
        outcome = outcome.worst(read.outcome);
        facts.push(MaterialFacts { material: sha256, facts: read });
    }
    let run = Run { outcome, materials, facts, ..passed(leaf) };
    write(&mut keeper, CI, commit_and_tree(), Some(plan), true, Predicate::Result(run));
    let change = Change { id: id("shop/abc-123"), tree: oid('2') };
    let mut git = GitFacts {
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
    lists.push(MapText::chain(&format!("branch:{BRANCH}")));
    lists.extend(["ana", "ci"].map(|name| name_chain(&Name::Principal(id(name)))));
    let source = Whole { keeper: &keeper, answers: keeper.answer_lists(&lists) };
    let complete = Complete::check(&source, &trust, change).unwrap();
    let policies = Policies::read(&complete, &texts).unwrap();
    let complete = read_names(complete, &source, &trust, &policies, &git).unwrap();
    let mut none = |_: &_| Ok::<_, ProveError>(None);
    let complete = read_branch(complete, &source, &trust, &policies, &mut git, None, &mut none).unwrap();
    let mut rechecked = Rechecked::of_tree(&complete, &policies, &texts).unwrap();
    rechecked.read_baselines(&complete, &trust, &git, &texts).unwrap();
    alter(&mut git);
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
    judge(&judgement, &Answers::default()).unwrap()
}

fn codes(decided: &Decided) -> Vec<String> {
    decided.verdict().findings.iter().map(|finding| finding.code.to_string()).collect()
}

fn accepts(decided: &Decided) -> bool {
    decided.verdict().findings.is_empty()
}

/// What a merge of an accepted change leaves.
fn left(before: Option<&Baseline>, decided: &Decided) -> Baseline {
    let known = before.map(|baseline| (digest(&baseline.print()), baseline));
    next_baseline(BRANCH, known, &[decided])
}

/// The baseline that a world begins, once what fails in it is mended.
fn begun(world: &World) -> Baseline {
    let mended = |(name, did): &(usize, Did)| (*name, if *did == Did::Fail { Did::Pass } else { *did });
    let world = World { tests: world.tests.iter().map(mended).collect(), ..world.clone() };
    let loose = Limits { baseline: true, passed: 0, kinds: 0, total: 0, new: 0, tolerance: 0, score: 0 };
    left(None, &judged(&loose.policy(), None, &world.shown()))
}

const SUITES: usize = 2;

fn good() -> World {
    World {
        tests: [0, 0, 1, 3, 4, 6].map(|name| (name, Did::Pass)).to_vec(),
        lines: [true, true, true, false].to_vec(),
        findings: vec![1],
        silenced: vec![2],
        names: vec![1, 2],
        times: vec![Some(100), Some(200)],
        noticed: vec![true, true, false],
        pictures: [(1, 0), (2, 0)].into(),
    }
}

fn strict() -> Limits {
    Limits { baseline: true, passed: 6, kinds: 2, total: 75, new: 0, tolerance: 10, score: 70 }
}

#[test]
fn world_that_stayed_as_it_was_is_accepted_and_each_that_got_worse_is_refused() {
    let (policy, baseline) = (strict().policy(), begun(&good()));
    let first = || Place(0);
    let same = judged(&policy, Some(&baseline), &good().shown());
    assert_eq!(codes(&same), Vec::<String>::new());
    assert_eq!(left(Some(&baseline), &same), baseline);
    for (how, wanted) in [
        (Worse::AddFailing(6), "E202 failed"),
        (Worse::DropAll(0), "E260 lost-name"),
        (Worse::DropAll(6), "E260 lost-name"),
        (Worse::DropAll(1), "E255 test-kind-limit"),
        (Worse::Find(1), "E262 new-name"),
        (Worse::Find(2), "E262 new-name"),
        (Worse::AddSkipped(7), "E269 above-ceiling"),
        (Worse::Silence(3), "E269 above-ceiling"),
        (Worse::LoseName(first()), "E260 lost-name"),
        (Worse::Slow(first(), 11), "E265 worse-measurement"),
        (Worse::Unmeasured(first()), "E265 worse-measurement"),
        (Worse::Survive(first()), "E250 mutation-limit"),
        (Worse::Survive(first()), "E264 below-floor"),
        (Worse::LosePicture(first()), "E260 lost-name"),
        (Worse::Redraw(first()), "E244 picture-not-reviewed"),
    ] {
        let found = codes(&judged(&policy, Some(&baseline), &good().worsened(&how).shown()));
        assert!(found.iter().any(|code| code == wanted), "{how:?}: {found:?}");
    }
    let lines = World { lines: vec![true, true, false, false], ..good() };
    assert_eq!(codes(&judged(&policy, Some(&baseline), &lines.shown())), ["E224 coverage-limit", "E264 below-floor"]);
    let flaky = World { tests: [&good().tests[1..], &[(0, Did::Flake)]].concat(), ..good() };
    assert_eq!(codes(&judged(&policy, Some(&baseline), &flaky.shown())), ["E269 above-ceiling"]);
    let skipped = World { tests: [&good().tests[1..], &[(0, Did::Skip)]].concat(), ..good() };
    assert_eq!(
        codes(&judged(&policy, Some(&baseline), &skipped.shown())),
        ["E212 test-limit", "E255 test-kind-limit", "E260 lost-name", "E269 above-ceiling"]
    );
}

/// Whoever keeps the commits below the base from the judge gets no branch on which nothing is protected.
#[test]
fn a_baseline_that_is_on_no_known_line_refuses_unless_the_whole_line_is_known() {
    let (policy, baseline) = (strict().policy(), begun(&good()));
    let on = |merged: &str, commit: char, is_whole: bool| {
        let decided = judged_with(&policy, Some(&baseline), &good().shown(), merged, &|git| {
            let below = git.below.as_mut().unwrap();
            below.commits = vec![oid(commit)];
            below.whole = is_whole;
        });
        codes(&decided)
    };
    assert_eq!((on("0", '0', true), on("0", '0', false)), (Vec::new(), Vec::new()));
    assert_eq!(on("0", '7', true), Vec::<String>::new());
    assert_eq!(on("0", '7', false), ["E263 no-baseline"]);
    // The newest of two was enough, so that nobody knows of the other.
    assert_eq!(on("50", '0', true), Vec::<String>::new());
    assert_eq!(on("50", '7', true), ["E263 no-baseline"]);
}

/// The gate keeps no empty file; whoever signs one all the same has shown nothing.
#[test]
fn an_empty_attachment_shows_nothing() {
    let with = |notes: &str| {
        let attached = vec![("notes".to_owned(), notes.to_owned())];
        let world = World { pictures: BTreeMap::new(), ..good() };
        let shown = Shown { attached, ..world.shown() };
        codes(&judged(&strict().policy(), None, &shown))
    };
    assert_eq!(with("seen by nobody"), Vec::<String>::new());
    assert_eq!(with(""), ["E243 attachment-limit"]);
}

#[test]
fn of_what_is_drawn_some_is_accepted_and_some_is_refused() {
    let mut runner = TestRunner::deterministic();
    let drawn = (world(), prop::option::of(worse()), limits());
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..60 {
        let (before, more, limits) = drawn.new_tree(&mut runner).unwrap().current();
        let baseline = begun(&before);
        assert!(!baseline.parts.is_empty());
        let now = more.iter().fold(before, World::worsened);
        match accepts(&judged(&limits.policy(), Some(&baseline), &now.shown())) {
            true => taken += 1,
            false => refused += 1,
        }
    }
    assert!(taken >= 10 && refused >= 10, "{taken} accepted, {refused} refused");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_gets_worse_is_never_accepted_where_the_better_was_refused(
        before in world(),
        done in prop::collection::vec(worse(), 0..2),
        more in worse(),
        limits in limits(),
    ) {
        let policy = limits.policy();
        let baseline = begun(&before);
        let now = done.iter().fold(before, World::worsened);
        let then = now.clone().worsened(&more);
        let (now, then) = (judged(&policy, Some(&baseline), &now.shown()), judged(&policy, Some(&baseline), &then.shown()));
        prop_assert!(accepts(&now) || !accepts(&then), "{:?}", codes(&now));
    }

    #[test]
    fn order_of_reports_and_of_what_is_in_them_does_not_matter(
        before in world(),
        done in prop::collection::vec(worse(), 0..3),
        limits in limits(),
        shuffled in Just((0..SUITES + 5).collect::<Vec<_>>()).prop_shuffle(),
        seed in any::<prop::sample::Index>(),
    ) {
        let policy = limits.policy();
        let baseline = begun(&before);
        let now = done.iter().fold(before, World::worsened);
        let mut other = now.clone();
        if !other.tests.is_empty() {
            let by = seed.index(other.tests.len());
            other.tests.rotate_left(by);
        }
        other.findings.reverse();
        other.names.reverse();
        let Shown { reports, mut attached } = other.shown();
        attached.reverse();
        let reports: Vec<(Format, String)> = shuffled.iter().map(|at| reports[*at].clone()).collect();
        let shown = Shown { reports, attached };
        let (one, other) = (judged(&policy, Some(&baseline), &now.shown()), judged(&policy, Some(&baseline), &shown));
        let said = |decided: &Decided| {
            let verdict = decided.verdict();
            let requirements = verdict.requirements.iter().map(|it| (it.state, it.numbers.clone(), it.baseline.clone()));
            // Of several reports that say fail, the sentence gives the first one's reason.
            let sentence = |finding: &Finding| match finding.code.to_string() {
                code if code == "E202 failed" || code == "E203 inconclusive" => code,
                _ => finding.sentence(),
            };
            let mut findings: Vec<String> = verdict.findings.iter().map(sentence).collect();
            findings.sort();
            (findings, requirements.collect::<Vec<_>>())
        };
        prop_assert_eq!(said(&one), said(&other));
        prop_assert_eq!(left(Some(&baseline), &one).print(), left(Some(&baseline), &other).print());
    }

    #[test]
    fn merge_gives_nothing_up_and_lets_nothing_in(
        before in world(),
        now in world(),
        extra in prop::collection::vec(0_u8..6, 0..2),
    ) {
        let limits = Limits { baseline: true, passed: 0, kinds: 0, total: 0, new: 9, tolerance: 10, score: 0 };
        let baseline = begun(&before);
        // All that was there and passed, and some more.
        let tests = before.tests.iter().chain(&now.tests).map(|(name, _)| (*name, Did::Pass)).collect();
        let lines = vec![true; 5];
        let silenced = before.silenced[..before.silenced.len() / 2].to_vec();
        let names = before.names.iter().chain(&now.names).copied().collect();
        let pictures = now.pictures.iter().chain(&before.pictures).map(|(name, which)| (*name, *which)).collect();
        let noticed = vec![true; 3];
        let times: Vec<Option<u64>> = before.times.iter().map(|time| time.map(|time| time + time / 20)).chain([Some(7)]).collect();
        let findings = [&before.findings[..], &extra].concat();
        let now = World { tests, lines, findings, silenced, names, times, noticed, pictures };
        let decided = judged(&limits.policy(), Some(&baseline), &now.shown());
        prop_assert_eq!(codes(&decided), Vec::<String>::new());
        let next = left(Some(&baseline), &decided);
        for (at, old) in &baseline.parts {
            let new = &next.parts[at];
            for kept in old.tests.iter().flat_map(|set| set.names()) {
                prop_assert!(new.tests.as_ref().unwrap().count(&kept.identity) >= kept.count);
            }
            for kept in new.findings.iter().flat_map(|set| set.names()) {
                prop_assert!(old.findings.as_ref().unwrap().count(&kept.identity) >= kept.count);
            }
            prop_assert!(old.ceilings.len() == 3 && old.ceilings.iter().all(|(ceiling, most)| new.ceilings[ceiling] <= *most));
            for kept in old.names.iter().flat_map(|set| set.names()) {
                prop_assert!(new.names.as_ref().unwrap().count(&kept.identity) >= kept.count);
            }
            let pictures = |part: &Protected| part.pictures.clone().unwrap();
            prop_assert!(pictures(old).iter().all(|(name, hash)| pictures(new).get(name) == Some(hash)));
            prop_assert!(old.measurements.iter().all(|(identity, before)| new.measurements.get(identity) == Some(before)));
            prop_assert!(old.floors.len() == 2 && new.measurements.len() > old.measurements.len());
            prop_assert!(old.floors.iter().all(|(floor, number)| new.floors[floor] >= *number));
        }
    }
}

/// One report of each format that is known by its beginning.
fn samples_of_formats() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/reports");
    let mut by_ending: BTreeMap<String, PathBuf> = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_file() && !name.ends_with(".facts.json") {
            by_ending.entry(ending).or_insert(path);
        }
    }
    by_ending.into_values().collect()
}

#[test]
fn facts_know_neither_language_nor_time() {
    let places: [&[(&str, &str)]; 4] = [
        &[],
        &[("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8"), ("TZ", "Pacific/Kiritimati")],
        &[
            ("LC_ALL", "de_DE.UTF-8"),
            ("LC_NUMERIC", "de_DE.UTF-8"),
            ("TZ", "America/St_Johns"),
            ("FAKETIME", "@2038-01-19 03:14:08"),
        ],
        &[("LC_ALL", "C"), ("TZ", ":/nowhere"), ("SOURCE_DATE_EPOCH", "0"), ("FAKETIME", "-40y")],
    ];
    let samples = samples_of_formats();
    let mut read = 0;
    for path in &samples {
        let facts = |place: &[(&str, &str)]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_evidence"));
            command.args(["facts", "--json"]).arg(path).env_clear().envs(place.iter().copied());
            let output = command.output().unwrap();
            (output.status.code(), output.stdout, output.stderr)
        };
        let first = facts(places[0]);
        read += usize::from(first.0 == Some(0));
        for place in &places[1..] {
            assert_eq!(facts(place), first, "{}: {place:?}", path.display());
        }
    }
    assert!(read >= 15, "{read} of {}", samples.len());
}
