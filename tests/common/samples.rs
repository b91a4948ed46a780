//! A statement of every kind, with every optional member present and with every one absent.

use evidence_ledger::crypto::{NoteKey, PublicKey, SecretKey, sha256};
use evidence_ledger::model::{
    AsOf, Attachment, Authority, BaseRun, Binding, Command, CoverageFacts, Criterion, Decision, Digest, Effect, Ended,
    Event, Exception, Facts, FindingFacts, Grant, Material, MaterialFacts, MeasurementFacts, MutationFacts, Oid,
    OnBase, Outcome, Phase, PictureSeen, Plan, PolicyRecord, Predicate, Problem, Purpose, Rename, Review,
    ReviewVerdict, Revoke, Run, Shard, Start, Statement, Subject, TestFacts, Time, VerdictRecord, Worktree,
};

/// The origin of the test ledger.
pub const ORIGIN: &str = "evidence.local/0123456789abcdef0123456789abcdef";

/// Returns a key that nobody may use for anything else: its seed says so.
pub fn key(number: u8) -> SecretKey {
    let seed = format!("EVIDENCE TEST KEY, NOT SECRET {number:02}");
    SecretKey::from_seed(seed.as_bytes().try_into().unwrap())
}

/// Returns an id.
pub fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// Returns the id of a git object that does not exist.
pub fn oid(digit: char) -> Oid {
    id(&digit.to_string().repeat(40))
}

/// Returns the hash of a text.
pub fn digest(text: &str) -> Digest {
    sha256(text.as_bytes())
}

/// Returns the judged commit and its tree.
pub fn commit_and_tree() -> Vec<Subject> {
    vec![Subject::commit(oid('1')), Subject::Tree(oid('2'))]
}

/// Returns the SHA-256 subject of a key.
pub fn about_key(key: &PublicKey) -> Vec<Subject> {
    vec![Subject::sha256("key", key.spki_sha256())]
}

/// Binds to the test ledger, and to a change by its first plan.
pub fn binding(number: u8, plan: Option<Digest>, of_change: bool) -> Binding {
    let nonce = format!("{number:02x}").repeat(16);
    Binding { ledger: ORIGIN.to_owned(), nonce, change: of_change.then(|| id("shop/abc-123")), plan }
}

/// Returns a grant of some roles.
pub fn grant(key: &PublicKey, principal: &str, roles: &[&str]) -> Grant {
    Grant {
        key: key.to_string(),
        principal: id(principal),
        owner: None,
        roles: roles.iter().map(|role| id(role)).collect(),
        emails: Vec::new(),
        changes: Vec::new(),
        until: None,
        leased_by: None,
    }
}

/// Returns the smallest result of a start.
pub fn passed(start: Digest) -> Run {
    Run {
        start,
        claim: id("unit-tests"),
        variant: None,
        shard: None,
        outcome: Outcome::Pass,
        problems: Vec::new(),
        command: None,
        worktree: Worktree { before: oid('2'), after: oid('2') },
        context: [].into(),
        materials: Vec::new(),
        facts: Vec::new(),
        attachments: Vec::new(),
        on_base: None,
    }
}

/// Returns every variant by a name, smallest and largest.
pub fn all() -> Vec<(String, Statement)> {
    let mut all = Vec::new();
    for (name, subjects, predicate) in of_change() {
        let first = name == "plan-first" || name == "plan-implied";
        let plan = if first { None } else { Some(digest("first plan")) };
        all.push((name, subjects, predicate, plan, true));
    }
    for (name, subjects, predicate) in of_no_change() {
        all.push((name, subjects, predicate, None, false));
    }
    // Each sample is numbered: a new one comes last.
    let coverage = Predicate::Result(run_with_coverage());
    all.push(("result-coverage".into(), commit_and_tree(), coverage, Some(digest("first plan")), true));
    let mutation = Predicate::Result(run_with_mutants_and_measurements());
    all.push(("result-mutation".into(), commit_and_tree(), mutation, Some(digest("first plan")), true));
    all.extend(told().into_iter().map(|(name, subjects, predicate)| {
        let plan = if name == "plan-told" { None } else { Some(digest("first plan")) };
        (name, subjects, predicate, plan, true)
    }));
    let Predicate::Exception(retired) = exception(Effect::Retire) else { unreachable!() };
    let renames = vec![Rename { from: "till > pays".into(), to: "till > pays at once".into() }];
    let renamed = Predicate::Exception(Exception { names: Vec::new(), renames, ..retired.clone() });
    let subject = vec![Subject::sha256("record", digest("record"))];
    all.push(("exception-renames".into(), subject, renamed, Some(digest("first plan")), true));
    let on_base = Predicate::Result(run_on_base());
    all.push(("result-on-base".into(), commit_and_tree(), on_base, Some(digest("first plan")), true));
    let changes = vec!["shop/dep-*".into(), "till/*".into()];
    let of_changes = Predicate::Exception(Exception { changes, ..retired.clone() });
    let subject = vec![Subject::sha256("origin", digest("origin"))];
    all.push(("exception-changes".into(), subject, of_changes, None, false));
    let lowered = Predicate::Exception(Exception { names: vec!["coverage".into()], to: Some(8_750), ..retired });
    let subject = vec![Subject::sha256("record", digest("record"))];
    all.push(("exception-to".into(), subject, lowered, Some(digest("first plan")), true));
    let numbered = (0_u8..).zip(all);
    numbered
        .map(|(number, (name, subjects, predicate, plan, of_change))| {
            (name, Statement { subjects, binding: binding(number, plan, of_change), predicate })
        })
        .collect()
}

type Sample = (String, Vec<Subject>, Predicate);

fn of_change() -> Vec<Sample> {
    let mut all = plans();
    let start = Start { claim: id("unit-tests"), variant: None, shard: None, deadline_seconds: 1 };
    all.push(("start-least".into(), commit_and_tree(), Predicate::Start(start.clone())));
    let shard = Some(Shard::new(3, 8).unwrap());
    let start = Start { variant: Some(id("linux")), shard, deadline_seconds: 31_622_400, ..start };
    all.push(("start-most".into(), commit_and_tree(), Predicate::Start(start)));
    all.extend(results());
    all.extend(reviews());
    for effect in [Effect::Waive, Effect::Retire, Effect::Admit, Effect::Exempt] {
        let subject = vec![Subject::sha256("record", digest("record"))];
        all.push((format!("exception-{}", effect.as_str()), subject, exception(effect)));
    }
    let with_artifact = [commit_and_tree(), vec![Subject::sha256("shop.tar", digest("artifact"))]].concat();
    let rollout = Event::Rollout { stage: "production 10 %".into() };
    all.push(("event-rollout".into(), with_artifact.clone(), Predicate::Event(rollout)));
    let rollback = Event::Rollback { reason: "too many errors".into() };
    all.push(("event-rollback".into(), with_artifact, Predicate::Event(rollback)));
    let erase = Event::Erase { reason: "it held an address".into() };
    all.push(("event-erase".into(), vec![Subject::sha256("material", digest("log"))], Predicate::Event(erase)));
    all.extend(verdicts());
    all
}

fn plans() -> Vec<Sample> {
    let base = || vec![Subject::base(oid('0'))];
    let plan = Plan {
        implementers: vec![id("agent-7")],
        aliases: vec![id("pr-12")],
        ..Plan::bare(id("medium"), "refs/heads/main")
    };
    let implied = Plan { implied: true, implementers: Vec::new(), aliases: Vec::new(), ..plan.clone() };
    let raised = Plan { tier: id("high"), reason: Some("it touches the till".into()), ..plan.clone() };
    vec![
        ("plan-first".into(), base(), Predicate::Plan(plan)),
        ("plan-implied".into(), base(), Predicate::Plan(implied)),
        ("plan-raised".into(), base(), Predicate::Plan(raised)),
    ]
}

fn results() -> Vec<Sample> {
    let mut all = vec![("result-least".into(), commit_and_tree(), Predicate::Result(passed(digest("start"))))];
    let ends = [
        ("exited", Ended::Exited { code: 255 }),
        ("signalled", Ended::Signalled { signal: 9 }),
        ("timed-out", Ended::TimedOut),
        ("interrupted", Ended::Interrupted),
        ("not-started", Ended::NotStarted),
    ];
    for (name, ended) in ends {
        all.push((format!("result-{name}"), commit_and_tree(), Predicate::Result(full_run(ended))));
    }
    let subjects = [commit_and_tree(), vec![Subject::sha256("shop.tar", digest("artifact"))]].concat();
    all.push(("result-artifact".into(), subjects, Predicate::Result(full_run(Ended::Exited { code: 1 }))));
    all
}

fn full_run(ended: Ended) -> Run {
    let material = |name: &str, purpose, omitted_bytes| Material {
        name: name.into(),
        purpose,
        sha256: digest(name),
        bytes: 9_007_199_254_740_991,
        omitted_bytes,
    };
    let names = digest("names");
    let tests = TestFacts { total: 4, passed: 2, failed: 1, skipped: 1, unknown: 0, flaky: 1, names };
    let findings = FindingFacts {
        critical: 0,
        high: 1,
        medium: 2,
        low: 3,
        unknown: 4,
        unresolved: 5,
        suppressed: 6,
        fingerprints: digest("findings"),
    };
    let facts = |reader: &str, tests, findings| {
        let reasons = vec!["1 of 4 tests failed".into()];
        Facts { tests, findings, ..Facts::bare(reader, Outcome::Fail, reasons) }
    };
    Run {
        variant: Some(id("linux")),
        shard: Some(Shard::new(1, 1).unwrap()),
        outcome: Outcome::Fail,
        problems: vec![Problem { code: "command-failed".into(), text: "the command ended with 1".into() }],
        command: Some(Command { argv: vec!["cargo".into(), "test".into(), String::new()], ended, duration_ms: 0 }),
        worktree: Worktree { before: oid('2'), after: id(&"3".repeat(64)) },
        context: [("system".into(), "github".into()), ("jobId".into(), "7".into())].into(),
        materials: vec![
            material("junit.xml", Purpose::Report, None),
            material("stdout", Purpose::Stdout, Some(1)),
            material("stderr", Purpose::Stderr, None),
            material("photo", Purpose::Attachment, None),
        ],
        facts: vec![
            MaterialFacts { material: digest("junit.xml"), facts: facts("junit/1", Some(tests), None) },
            MaterialFacts { material: digest("scan"), facts: facts("sarif/1", None, Some(findings)) },
        ],
        ..passed(digest("start"))
    }
}

fn run_with_coverage() -> Run {
    let coverage = CoverageFacts { files: 2, lines: 12, covered: 9, digest: digest("coverage") };
    let facts = Facts { coverage: Some(coverage), ..Facts::bare("lcov/1", Outcome::Pass, Vec::new()) };
    let run = full_run(Ended::Exited { code: 0 });
    Run { outcome: Outcome::Pass, facts: vec![MaterialFacts { material: digest("lcov.info"), facts }], ..run }
}

fn run_on_base() -> Run {
    let run = full_run(Ended::Exited { code: 0 });
    let base = |code, problems| BaseRun {
        tree: oid('4'),
        command: Command { argv: vec!["make".into()], ended: Ended::Exited { code }, duration_ms: 1 },
        materials: run.materials.clone(),
        facts: run.facts.clone(),
        problems,
    };
    let on_base = OnBase {
        commit: oid('5'),
        tests: vec!["tests/**".into()],
        problems: run.problems.clone(),
        plain: Some(base(0, Vec::new())),
        with_tests: Some(base(1, run.problems.clone())),
    };
    Run { on_base: Some(Box::new(on_base)), ..run }
}

fn run_with_mutants_and_measurements() -> Run {
    let bare = |reader: &str| Facts::bare(reader, Outcome::Pass, Vec::new());
    let mutation =
        MutationFacts { killed: 7, timeout: 1, survived: 2, uncovered: 3, invalid: 4, digest: digest("mutants") };
    let measurements = MeasurementFacts { count: 5, digest: digest("measurements") };
    let mutation = Facts { mutation: Some(mutation), ..bare("stryker/1") };
    let measurements = Facts { measurements: Some(measurements), ..bare("hyperfine/1") };
    let read = |material: &str, facts| MaterialFacts { material: digest(material), facts };
    let facts = vec![read("mutation.json", mutation), read("times.json", measurements)];
    Run { outcome: Outcome::Pass, facts, ..full_run(Ended::Exited { code: 0 }) }
}

fn reviews() -> Vec<Sample> {
    let notes = Material {
        name: "notes.md".into(),
        purpose: Purpose::Attachment,
        sha256: digest("notes"),
        bytes: 12,
        omitted_bytes: None,
    };
    let review = |phase, verdict| Review::bare(id("peer-review"), phase, verdict);
    let plain = review(Phase::Plain, Some(ReviewVerdict::Pass));
    let failed = Review { notes: Some(notes), ..review(Phase::Plain, Some(ReviewVerdict::Fail)) };
    let commit = Review { commitment: Some(digest("sealed")), ..review(Phase::Commit, None) };
    let about = [commit_and_tree(), vec![Subject::sha256("review", digest("review"))]].concat();
    vec![
        ("review-plain".into(), commit_and_tree(), Predicate::Review(plain)),
        ("review-fail".into(), commit_and_tree(), Predicate::Review(failed)),
        ("review-commit".into(), commit_and_tree(), Predicate::Review(commit)),
        ("review-reveal".into(), about.clone(), Predicate::Review(review(Phase::Reveal, Some(ReviewVerdict::Pass)))),
        ("review-approve".into(), about, Predicate::Review(review(Phase::Approve, Some(ReviewVerdict::Pass)))),
    ]
}

/// What plans, results and reviews say more (format, section 16).
fn told() -> Vec<Sample> {
    let file = |name: &str| Material {
        name: name.into(),
        purpose: Purpose::Attachment,
        sha256: digest(name),
        bytes: 7,
        omitted_bytes: None,
    };
    let criterion = Criterion {
        id: "AC-1".parse().unwrap(),
        text: "a visitor logs in".into(),
        tests: vec!["*login*".into()],
        claims: vec![id("unit-tests")],
        pictures: vec!["login".into()],
        human: true,
        critical: true,
    };
    let least = Criterion {
        id: "AC-2".parse().unwrap(),
        tests: Vec::new(),
        claims: Vec::new(),
        pictures: Vec::new(),
        human: false,
        critical: false,
        ..criterion.clone()
    };
    let plan = Plan {
        origin: Some("https://tickets.example.org/12".into()),
        requested: Some(Time(1)),
        paths: vec!["src/**".into()],
        rollback: Some(file("rollback.md")),
        attachments: vec![file("sketch.png")],
        specs: vec![file("spec.md")],
        criteria: vec![criterion, least],
        ..Plan::bare(id("medium"), "refs/heads/main")
    };
    let photo = Attachment { material: digest("photo"), name: "login".into(), caption: None, criterion: None };
    let said =
        Attachment { caption: Some("after login".into()), criterion: Some("AC-1".parse().unwrap()), ..photo.clone() };
    let run = Run { attachments: vec![photo, said], ..full_run(Ended::Exited { code: 0 }) };
    let plain = Review::bare(id("acceptance"), Phase::Plain, Some(ReviewVerdict::Pass));
    let accepted = Review { criteria: vec!["AC-1".parse().unwrap()], ..plain.clone() };
    let picture = |old: Option<&str>| PictureSeen { name: "login".into(), old: old.map(digest), new: digest("new") };
    let seen = Review { pictures: vec![picture(None), picture(Some("old"))], ..plain.clone() };
    vec![
        ("plan-told".into(), vec![Subject::base(oid('0'))], Predicate::Plan(plan)),
        ("result-attached".into(), commit_and_tree(), Predicate::Result(run)),
        ("review-criteria".into(), commit_and_tree(), Predicate::Review(accepted)),
        ("review-pictures".into(), commit_and_tree(), Predicate::Review(seen)),
    ]
}

fn verdicts() -> Vec<Sample> {
    let verdict = VerdictRecord {
        decision: Decision::Accepted,
        as_of: AsOf { size: 12, root: digest("root"), time: Time(1_763_690_400) },
        tier: None,
        codes: Vec::new(),
        limitations: Vec::new(),
        report: digest("report"),
        vsa: None,
    };
    let refused = VerdictRecord {
        decision: Decision::Refused,
        tier: Some(id("medium")),
        codes: vec!["E201".into(), "E218".into()],
        limitations: vec!["one-person".into()],
        vsa: Some(digest("vsa")),
        ..verdict.clone()
    };
    vec![
        ("verdict-accepted".into(), commit_and_tree(), Predicate::Verdict(verdict)),
        ("verdict-refused".into(), commit_and_tree(), Predicate::Verdict(refused)),
    ]
}

fn exception(effect: Effect) -> Predicate {
    Predicate::Exception(Exception {
        effect,
        id: id("w-12"),
        claims: vec![id("security-scan")],
        changes: Vec::new(),
        names: if effect == Effect::Retire { vec!["till::*".into()] } else { Vec::new() },
        renames: Vec::new(),
        to: None,
        reason: "the scanner is down".into(),
        until: Time(1_790_000_000),
    })
}

fn of_no_change() -> Vec<Sample> {
    let ana = key(2).public();
    let record = || vec![Subject::sha256("record", digest("record"))];
    let most = Grant {
        owner: Some(id("team")),
        emails: vec!["ana@example.org".into()],
        changes: vec![id("shop/abc-123")],
        until: Some(Time(1_790_000_000)),
        leased_by: Some(key(1).public().fingerprint()),
        ..grant(&ana, "ana", &["planner", "reviewer"])
    };
    let root = Authority::Root { keys: vec![ana.to_string()], threshold: 1 };
    let genesis = Authority::Genesis { origin: "evidence.local/old".into(), size: 7, root: digest("root") };
    let vkey = NoteKey::new(ORIGIN, key(3).public()).unwrap().to_string();
    let origin = |origin: &str| vec![Subject::sha256("origin", sha256(origin.as_bytes()))];
    let mut all: Vec<Sample> = [
        ("grant-least", about_key(&ana), Authority::Grant(grant(&ana, "ana", &["ci"]))),
        ("grant-most", about_key(&ana), Authority::Grant(most)),
        ("revoke", about_key(&ana), Authority::Revoke(Revoke { key: ana.to_string(), reason: "laptop lost".into() })),
        ("root", about_key(&ana), root),
        ("ledger-key", about_key(&key(3).public()), Authority::LedgerKey { vkey, from_size: 8 }),
        ("format", about_key(&ana), Authority::Format { version: 2 }),
        ("close", origin(ORIGIN), Authority::Close { reason: "it is full".into() }),
        ("genesis", origin("evidence.local/old"), genesis),
    ]
    .map(|(act, subjects, authority)| (format!("authority-{act}"), subjects, Predicate::Authority(authority)))
    .into();
    for (name, reason) in [("policy-least", None), ("policy-most", Some("a new claim".to_owned()))] {
        let policy = Predicate::Policy(PolicyRecord { bytes: 1, reason });
        all.push((name.into(), vec![Subject::sha256("policy", digest("policy"))], policy));
    }
    all.push(("exception-wide".into(), record(), exception(Effect::Waive)));
    let halt = Event::Halt { reason: "incident 12".into() };
    all.push(("event-halt".into(), vec![Subject::sha256("origin", digest(ORIGIN))], Predicate::Event(halt)));
    let resume = Event::Resume { reason: "it is over".into() };
    all.push(("event-resume".into(), vec![Subject::sha256("origin", digest(ORIGIN))], Predicate::Event(resume)));
    let merge = |verdict, baseline| Event::Merge {
        branch: "refs/heads/main".into(),
        repository: id("shop"),
        changes: vec![id("shop/abc-123")],
        verdict,
        baseline,
    };
    all.push(("event-merge-least".into(), commit_and_tree(), Predicate::Event(merge(None, None))));
    let most = merge(Some(digest("verdict")), Some(digest("baseline")));
    all.push(("event-merge-most".into(), commit_and_tree(), Predicate::Event(most)));
    let incident = Event::Incident { incident: id("i-7"), changes: vec![id("shop/abc-123")], reason: "slow".into() };
    all.push(("event-incident".into(), vec![Subject::commit(oid('1'))], Predicate::Event(incident)));
    all
}
