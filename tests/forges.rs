//! Many machines, one ledger, as forges run them: real repositories, fresh checkouts, the forges' documented variables.

mod common;
#[path = "common/runner.rs"]
mod runner;

use std::fs;

use common::team::{Machine, Team};
use common::{POLICY, Ran, Verdict, junit, system};
use runner::{program, pull_request, shallow, step};

type Variables<'a> = Vec<(&'a str, &'a str)>;

/// The program with variables that overrule the machine's.
fn with(machine: &Machine, who: &str, words: &[&str], variables: &[(&str, &str)]) -> Ran {
    Ran::of(machine.command(who, words).envs(variables.iter().copied()).output().unwrap())
}

/// Everything that the records say.
fn shown(machine: &Machine) -> String {
    let log = machine.ok("reviewer", &["log", "--limit", "100", "--kind", "result", "--json"]).json();
    let serials = log["records"].as_array().unwrap().iter().map(|record| record["serial"].to_string());
    serials.map(|serial| machine.ok("reviewer", &["show", &serial, "--json"]).out).collect()
}

fn passes(ran: &Ran) {
    assert_eq!(ran.code, 0, "{ran:?}");
}

fn is(ran: &Ran, code: i32, text: &str) {
    assert!(ran.code == code && (ran.out.contains(text) || ran.err.contains(text)), "wanted {code}, `{text}`: {ran:?}");
}

/// Puts the usual policy into force with some text replaced.
fn apply(team: &Team, replace: &[(&str, &str)]) {
    let mut text = POLICY.to_owned();
    for (from, to) in replace {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let owner = team.machine("owner-box");
    fs::write(owner.path("policy.toml"), text).unwrap();
    owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
}

/// What GitHub says in a run for a pull request whose commit itself is checked out.
fn github<'a>(branch: &'a str) -> Variables<'a> {
    vec![
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_REF", "refs/pull/1/merge"),
        ("GITHUB_SHA", "0123456789012345678901234567890123456789"),
        ("GITHUB_BASE_REF", "main"),
        ("GITHUB_HEAD_REF", branch),
    ]
}

fn gitlab<'a>(branch: &'a str) -> Variables<'a> {
    vec![
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_SOURCE", "merge_request_event"),
        ("CI_MERGE_REQUEST_EVENT_TYPE", "detached"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", branch),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_DEFAULT_BRANCH", "main"),
    ]
}

fn jenkins<'a>(branch: &'a str) -> Variables<'a> {
    vec![
        ("JENKINS_HOME", "/var/jenkins"),
        ("BUILD_NUMBER", "7"),
        ("BRANCH_NAME", "PR-1"),
        ("CHANGE_ID", "1"),
        ("CHANGE_BRANCH", branch),
        ("CHANGE_TARGET", "main"),
    ]
}

// Ledgers and repositories.

/// A second ledger for the repository, under another ref, made by the owner: what its users set, and a trust file that believes both.
fn second_ledger(team: &Team) -> [(&'static str, String); 3] {
    let founder = team.machine("founder");
    // From before the first one's trust file.
    founder.git(&["switch", "-q", "-c", "second", "origin/main~1"]);
    let words = ["init", "--repository", "shop", "--principal", "owner", "--policy", "../../policy.toml"];
    let mut command = founder.command("owner", &words);
    command.env("EVIDENCE_LEDGER", SECOND).env_remove("EVIDENCE_TRUST").env_remove("EVIDENCE_LOG_KEY");
    passes(&Ran::of(command.output().unwrap()));
    let ledger = fs::read_dir(founder.path("config/evidence/ledgers")).unwrap().next().unwrap().unwrap().path();
    fs::copy(founder.repo().join(".evidence/trust.toml"), team.path("second.toml")).unwrap();
    let texts = ["trust.toml", "second.toml"].map(|name| fs::read_to_string(team.path(name)).unwrap());
    let keys = texts.each_ref().map(|text| text.split("keys = [").nth(1).unwrap().split(']').next().unwrap());
    let entry = texts[1].split("[[ledger]]").nth(1).unwrap().split("[roots]").next().unwrap();
    let both = texts[0]
        .replace("[roots]", &format!("[[ledger]]{entry}[roots]"))
        .replace(keys[0], &format!("{}, {}", keys[0], keys[1]));
    fs::write(team.path("both.toml"), both).unwrap();
    [
        ("EVIDENCE_LEDGER", SECOND.to_owned()),
        ("EVIDENCE_TRUST", team.path("both.toml").display().to_string()),
        ("EVIDENCE_LOG_KEY", ledger.join("log.pem").display().to_string()),
    ]
}

fn origin_of(team: &Team, name: &str) -> String {
    let text = fs::read_to_string(team.path(name)).unwrap();
    text.split("origin = \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn ledgers_of_one_repository_are_not_mixed() {
    let team = Team::new();
    let second = second_ledger(&team);
    let second: Variables<'_> = second.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let box_ = team.machine("box");
    box_.begin("feature", "low");
    let verify = |variables: &[(&str, &str)]| {
        Verdict::of(with(&box_, "reviewer", &["verify", "shop/feature", "--json"], variables))
    };
    // The plan and the pass of one are none of the other's, though one trust file believes both.
    verify(&second).refused(&["E101"]);
    passes(&with(&box_, "owner", &["plan", "shop/feature", "--tier", "low", "--implementer", "agent"], &second));
    passes(&with(&box_, "owner", &["attest", "build", "--", "true"], &second));
    let verdict = verify(&second);
    let said = verdict.accepted().json.to_string();
    assert!(
        said.contains(&origin_of(&team, "second.toml")) && !said.contains(&origin_of(&team, "trust.toml")),
        "{said}"
    );
    verify(&[]).refused(&["E201"]);
    verify(&second[1..2]).refused(&["E201"]);
    assert_eq!(box_.by("ci-1", &["attest", "build", "--", "false"]).code, 1);
    verify(&second).accepted();
    verify(&[]).refused(&["E202"]);
    // Whom the first one's trust file does not name is not believed, and the other way round.
    is(&with(&box_, "reviewer", &["verify", "shop/feature"], &second[..1]), 2, "is no ledger to believe");
    let trust = team.path("second.toml").display().to_string();
    is(&with(&box_, "reviewer", &["verify", "shop/feature"], &[("EVIDENCE_TRUST", &trust)]), 2, "");
    // The ref of one is moved to the other: who saw it before notices.
    team.git(&["update-ref", "refs/evidence/second", common::team::LEDGER_REF]);
    let ran = with(&box_, "reviewer", &["verify", "shop/feature"], &second);
    assert!([2, 3].contains(&ran.code), "{ran:?}");
}

#[test]
fn repositories_in_one_ledger_do_not_help_each_other() {
    let team = Team::new();
    let shop = team.machine("shop-box");
    shop.begin("feature", "low");
    // Another repository of the same commits, which is as near as one can come.
    let bare = team.path("pay.git");
    system("cp", &["-a".into(), team.remote().display().to_string(), bare.display().to_string()]);
    system(
        "git",
        &["-C".into(), bare.display().to_string(), "update-ref".into(), "-d".into(), common::team::LEDGER_REF.into()],
    );
    let text = fs::read_to_string(team.path("trust.toml")).unwrap();
    fs::write(team.path("pay.toml"), text.replace("repository = \"shop\"", "repository = \"pay\"")).unwrap();
    let pay = team.machine("pay-box");
    pay.git(&["remote", "set-url", "origin", bare.to_str().unwrap()]);
    pay.git(&["switch", "-q", "feature"]);
    let (ledger, trust) = (format!("git:{}", team.remote().display()), team.path("pay.toml").display().to_string());
    let own = [("EVIDENCE_LEDGER", ledger.as_str()), ("EVIDENCE_TRUST", trust.as_str())];
    let verify = || Verdict::of(with(&pay, "reviewer", &["verify", "--json"], &own));
    let audit = |machine: &Machine, variables: &[(&str, &str)]| {
        with(machine, "reviewer", &["audit", "--branch", "main", "--json"], variables)
    };
    passes(&with(&pay, "planner", &["plan", "--tier", "low", "--implementer", "agent"], &own));
    shop.ok("ci-1", &["attest", "build", "--", "true"]);
    shop.verify("shop/feature").accepted();
    let verdict = verify();
    assert_eq!(verdict.refused(&["E201"]).json["change"], "pay/feature");
    // The one is merged; the other one's branch has no merge by that, and its change is open.
    shop.git(&["switch", "-q", "main"]);
    shop.git(&["merge", "-q", "--ff-only", "feature"]);
    shop.git(&["push", "-q", "origin", "main"]);
    passes(&step(&shop, "ci-1", &["merge"], &with_trust(&team, &push_of("main"))));
    pay.git(&["switch", "-q", "main"]);
    pay.git(&["merge", "-q", "--ff-only", "feature"]);
    let ran = audit(&pay, &own);
    assert_eq!(ran.code, 2, "{ran:?}");
    let log = with(&pay, "reviewer", &["baseline", "--json"], &own);
    assert!(!log.out.contains("shop/feature"), "{log:?}");
    is(&with(&pay, "ci-1", &["record", "merge", "pay/feature", "--branch", "main"], &own), 1, "E201");
    // A change of the other one that has evidence about this very commit is nobody's to close here, unless it is named.
    shop.ok("planner", &["plan", "shop/open", "--tier", "low", "--implementer", "agent", "--base", "HEAD~1"]);
    shop.ok("ci-1", &["attest", "build", "--change", "shop/open", "--", "true"]);
    is(&with(&pay, "ci-1", &["record", "merge", "--branch", "main"], &own), 2, "no change is known");
    pay.git(&["switch", "-q", "feature"]);
    passes(&with(&pay, "ci-1", &["attest", "build", "--", "true"], &own));
    assert_eq!(verify().accepted().json["change"], "pay/feature");
    pay.git(&["switch", "-q", "main"]);
    passes(&with(&pay, "ci-1", &["record", "merge", "pay/feature", "--branch", "main"], &own));
    passes(&audit(&pay, &own));
    let ran = audit(&shop, &[]);
    passes(&ran);
    assert!(ran.out.contains("shop/feature") && !ran.out.contains("pay/feature"), "{ran:?}");
}

/// A trust file from outside, as a job that records merges has it.
fn with_trust<'a>(team: &Team, variables: &[(&'a str, &'a str)]) -> Variables<'a> {
    let path = team.path("trust.toml").display().to_string();
    [variables, &[("EVIDENCE_TRUST", &*Box::leak(path.into_boxed_str()))]].concat()
}

fn push_of(branch: &str) -> Variables<'static> {
    let reference: &str = Box::leak(format!("refs/heads/{branch}").into_boxed_str());
    vec![("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", reference)]
}

#[test]
fn heads_of_a_remote_are_checked_by_the_trust_file_of_the_named_target() {
    let team = Team::new();
    let second = second_ledger(&team);
    // `release` believes the second ledger only, `main` the first one only.
    let author = team.machine("author");
    author.git(&["switch", "-q", "-c", "release", "origin/main"]);
    author.commit(".evidence/trust.toml", &fs::read_to_string(team.path("second.toml")).unwrap());
    author.git(&["push", "-q", "origin", "release"]);
    author.git(&["switch", "-q", "-c", "fix"]);
    author.commit("src/fix.rs", "fix\n");
    let look = |ledger: &str, more: &[&str]| {
        let words = [&["verify", "shop/fix"], more].concat();
        let mut command = author.command("reviewer", &words);
        Ran::of(command.env_remove("EVIDENCE_TRUST").env("EVIDENCE_LEDGER", ledger).output().unwrap())
    };
    let copies = || fs::read_dir(author.repo().join(".git/evidence-remotes")).map_or(0, Iterator::count);
    // The first ledger is none to believe there, and leaves no copy with a head.
    is(&look("git:origin", &["--target", "release"]), 2, "is no ledger to believe");
    is(&look(SECOND, &[]), 2, "is no ledger to believe");
    is(&look(SECOND, &["--target", "release"]), 1, "E101");
    is(&look("git:origin", &[]), 1, "E101");
    let log_key = &second[2].1;
    let mut command = author.command("owner", &["plan", "shop/fix", "--tier", "low", "--target", "release"]);
    command.env_remove("EVIDENCE_TRUST").env("EVIDENCE_LEDGER", SECOND).env("EVIDENCE_LOG_KEY", log_key);
    passes(&Ran::of(command.output().unwrap()));
    assert_eq!(copies(), 2);
}

// One repository, many jobs.

#[test]
fn monorepo_asks_for_the_claims_of_touched_services_only() {
    let team = Team::new();
    let claims = "[claim.scan]";
    let services = "[claim.payments-tests]\nfamily = \"functionality\"\nby = \"ci\"\n\n[claim.search-tests]\nfamily = \"functionality\"\nby = \"ci\"\n\n[claim.scan]";
    let whens = "[[when]]\npaths = [\"services/payments/**\"]\nrequire = [\"payments-tests\"]\n\n[[when]]\npaths = [\"services/search/**\"]\nrequire = [\"search-tests\"]\n\n[may]";
    apply(&team, &[(claims, services), ("[may]", whens)]);
    let author = team.machine("author");
    author.begin("feature", "low");
    author.commit("services/payments/pay.rs", "pay\n");
    author.git(&["push", "-q", "origin", "feature"]);
    let job = |name: &str, words: &[&str]| {
        step(&shallow(&team, name, "refs/heads/feature"), "ci-1", words, &github("feature"))
    };
    passes(&job("build", &["attest", "build", "--", "true"]));
    is(&job("gate-1", &["gate"]), 1, "payments-tests");
    passes(&job("payments", &["attest", "payments-tests", "--", "true"]));
    passes(&job("gate-2", &["gate"]));
    // The other service too.
    author.commit("services/search/search.rs", "search\n");
    author.git(&["push", "-q", "origin", "feature"]);
    for (name, claim) in [("build-2", "build"), ("payments-2", "payments-tests")] {
        passes(&job(name, &["attest", claim, "--", "true"]));
    }
    let ran = job("gate-3", &["gate"]);
    is(&ran, 1, "search-tests");
    assert!(!ran.out.contains("payments-tests has"), "{ran:?}");
    passes(&job("search", &["attest", "search-tests", "--", "true"]));
    passes(&job("gate-4", &["gate"]));
}

const VARIANTS: [(&str, &str); 2] = [
    (
        "tests = { passed_min = 2, failed_max = 0 }",
        "tests = { passed_min = 2, failed_max = 0 }\nvariants = [\"linux\", \"windows\"]",
    ),
    ("require = [\"build\"]", "require = [\"unit-tests\"]"),
];

/// Runs two variants in two shards each, every one on a machine of its own, the last one only when asked.
fn matrix(team: &Team, variables: &[(&str, &str)], shard: impl Fn(usize) -> Variables<'static>, word: &str) {
    let job = |variant: &str, index: usize, suite: &str| {
        let machine = shallow(team, &format!("{variant}-{index}-{suite}"), "refs/heads/feature");
        fs::write(machine.path("tests.xml"), junit(2, 0)).unwrap();
        let line =
            format!("evidence-ci attest unit-tests --variant \"$VARIANT\" --shard \"{word}\" --report ../tests.xml");
        let variables = [variables, &shard(index), &[("VARIANT", variant)]].concat();
        Ran::of(program(&machine, "ci-1", &["sh", "-euc", &line], &variables).output().unwrap())
    };
    let gate = |name: &str| step(&shallow(team, name, "refs/heads/feature"), "reviewer", &["gate"], variables);
    for (variant, index) in [("linux", 1), ("linux", 2), ("windows", 1)] {
        passes(&job(variant, index, "a"));
    }
    is(&gate("gate-1"), 1, "E221");
    passes(&job("windows", 2, "a"));
    passes(&gate("gate-2"));
    let ran = step(
        &shallow(team, "resized", "refs/heads/feature"),
        "ci-1",
        &["attest", "unit-tests", "--variant", "linux", "--shard", "1/3", "--", "true"],
        variables,
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    // Whoever cuts into three now owes three.
    assert_eq!(gate("gate-3").code, 1);
}

fn matrix_team() -> Team {
    let team = Team::new();
    apply(&team, &VARIANTS);
    team.machine("author").begin("feature", "low");
    team
}

#[test]
fn matrix_and_shards_of_github_jobs_all_count() {
    // strategy.job-index counts from 0, and is an expression: what the workflow writes is its own matrix value.
    let shard = |index| vec![("SHARD", if index == 1 { "1" } else { "2" })];
    matrix(&matrix_team(), &github("feature"), shard, "$SHARD/2");
}

#[test]
fn parallel_jobs_of_gitlab_all_count() {
    let shard = |index| vec![("CI_NODE_INDEX", if index == 1 { "1" } else { "2" }), ("CI_NODE_TOTAL", "2")];
    matrix(&matrix_team(), &gitlab("feature"), shard, "$CI_NODE_INDEX/$CI_NODE_TOTAL");
}

#[test]
fn parallel_steps_of_bitbucket_all_count() {
    let shard = |index| {
        vec![("BITBUCKET_PARALLEL_STEP", if index == 1 { "0" } else { "1" }), ("BITBUCKET_PARALLEL_STEP_COUNT", "2")]
    };
    let variables = [
        ("BITBUCKET_BUILD_NUMBER", "3"),
        ("BITBUCKET_BRANCH", "feature"),
        ("BITBUCKET_PR_ID", "1"),
        ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
    ];
    matrix(&matrix_team(), &variables, shard, "$((BITBUCKET_PARALLEL_STEP + 1))/$BITBUCKET_PARALLEL_STEP_COUNT");
}

#[test]
fn axes_of_a_jenkins_matrix_all_count() {
    let shard = |index| vec![("SHARD", if index == 1 { "1" } else { "2" })];
    matrix(&matrix_team(), &jenkins("feature"), shard, "$SHARD/2");
}

#[test]
fn killed_and_cancelled_jobs_refuse_until_they_are_run_again() {
    let team = Team::new();
    team.machine("author").begin("feature", "low");
    let gate =
        |name: &str| step(&shallow(&team, name, "refs/heads/feature"), "reviewer", &["gate"], &github("feature"));
    let job = |name: &str, attempt: &str, signal: Option<&str>| {
        let machine = shallow(&team, name, "refs/heads/feature");
        let mut variables = github("feature");
        variables.extend([("GITHUB_RUN_ID", "77"), ("GITHUB_RUN_ATTEMPT", attempt)]);
        let Some(signal) = signal else {
            return step(&machine, "ci-1", &["attest", "build", "--", "true"], &variables);
        };
        let words = ["evidence-ci", "attest", "build", "--", "sh", "-c", ": > ../began; sleep 5"];
        let mut command = program(&machine, "ci-1", &words, &variables);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let child = command.spawn().unwrap();
        common::wait_for(&machine.path("began"));
        system("kill", &[format!("-{signal}"), child.id().to_string()]);
        Ran::of(child.wait_with_output().unwrap())
    };
    // The machine is gone: what it began is running for all that anybody knows.
    assert_eq!(job("lost", "1", Some("KILL")).code, 1009);
    is(&gate("gate-1"), 1, "E204");
    passes(&job("again", "2", None));
    passes(&gate("gate-2"));
    // A job that is told to end signs what it came to.
    assert_eq!(job("cancelled", "3", Some("TERM")).code, 143);
    assert_eq!(gate("gate-3").code, 1);
    passes(&job("once-more", "4", None));
    passes(&gate("gate-4"));
    let log = shown(&team.machine("reader"));
    for attempt in ["2", "3", "4"] {
        assert!(log.contains(&format!("\"attempt\": \"{attempt}\"")), "{log}");
    }
}

// Requests, queues and trains.

#[test]
fn merge_that_people_made_is_not_taken_for_the_forges_own() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    let trial = pull_request(&author, "feature");
    // The author merges the target, which is green, into a branch that is not: its second parent must not answer for it.
    author.git(&["switch", "-q", "feature"]);
    author.git(&["merge", "-q", "--no-ff", "-m", "up to date", "main"]);
    author.git(&["push", "-q", "origin", "feature"]);
    let head = author.git(&["rev-parse", "HEAD"]);
    let mut variables = github("feature");
    variables[3].1 = trial.as_str();
    let job = shallow(&team, "job", "refs/heads/feature");
    passes(&step(&job, "ci-1", &["attest", "build", "--", "true"], &variables));
    let ran = step(&shallow(&team, "gate", "refs/heads/feature"), "reviewer", &["gate"], &variables);
    is(&ran, 0, &format!("shop/feature at {}", &head[..12]));
    // A second step of a job stays where the first one went.
    let job = shallow(&team, "two-steps", "refs/pull/1/merge");
    for _ in 0..2 {
        let _ = step(&job, "reviewer", &["gate"], &variables);
        assert_eq!(job.git(&["rev-parse", "HEAD"]), author.git(&["rev-parse", "feature~1"]));
    }
}

/// Merges a branch into another one as a queue does, under a name of the queue, and returns the commit.
fn enqueue(author: &Machine, onto: &str, branch: &str, name: &str) -> String {
    author.git(&["switch", "-q", "--detach", onto]);
    author.git(&["merge", "-q", "--no-ff", "-m", "Merge pull request", branch]);
    author.git(&["push", "-q", "origin", &format!("HEAD:{name}")]);
    author.git(&["rev-parse", "HEAD"])
}

fn queue<'a>(name: &'a str, commit: &'a str) -> Variables<'a> {
    vec![("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "merge_group"), ("GITHUB_REF", name), ("GITHUB_SHA", commit)]
}

#[test]
fn merge_queue_judges_each_entry_as_its_own_change() {
    let team = Team::new();
    apply(&team, &[("version = 1", "version = 1\nunplanned = \"low\"")]);
    let author = team.machine("author");
    for branch in ["feature", "second"] {
        author.begin(branch, "low");
        passes(&step(
            &shallow(&team, branch, &format!("refs/heads/{branch}")),
            "ci-1",
            &["attest", "build", "--", "true"],
            &github(branch),
        ));
    }
    author.git(&["switch", "-q", "main"]);
    author.commit("src/other.rs", "meanwhile\n");
    author.git(&["push", "-q", "origin", "main"]);
    let names = ["refs/heads/gh-readonly-queue/main/pr-1-aa", "refs/heads/gh-readonly-queue/main/pr-2-bb"];
    let one = enqueue(&author, "main", "feature", names[0]);
    let two = enqueue(&author, &one, "second", names[1]);
    for (name, commit, change) in [(names[0], &one, "shop/feature"), (names[1], &two, "shop/second")] {
        let job = |at: &str| shallow(&team, &format!("{at}-{}", &commit[..8]), name);
        // What was shown of the request is not about what the queue made of it.
        is(&step(&job("gate-1"), "reviewer", &["gate"], &queue(name, commit)), 1, "E210");
        is(&step(&job("tests"), "ci-1", &["attest", "build", "--", "true"], &queue(name, commit)), 0, change);
        is(
            &step(&job("gate-2"), "reviewer", &["gate"], &queue(name, commit)),
            0,
            &format!("{change} at {}", &commit[..12]),
        );
    }
    // The queue merges both at once: the commit answers for both, or for none.
    author.git(&["push", "-q", "origin", &format!("{two}:main")]);
    let both = ["merge", "--change", "shop/feature", "--change", "shop/second"];
    let merge = |name: &str, words: &[&str]| {
        step(&shallow(&team, name, "refs/heads/main"), "ci-1", words, &with_trust(&team, &push_of("main")))
    };
    is(&merge("merge-1", &both), 1, "shop/feature");
    let job = shallow(&team, "both", names[1]);
    passes(&step(&job, "ci-1", &["attest", "build", "--change", "shop/feature", "--", "true"], &queue(names[1], &two)));
    // And a gate that is told which one.
    let ran = step(
        &shallow(&team, "gate-both", names[1]),
        "reviewer",
        &["gate", "--change", "shop/feature"],
        &queue(names[1], &two),
    );
    is(&ran, 0, "shop/feature");
    is(&merge("merge-2", &both), 0, "shop/feature and shop/second");
}

#[test]
fn queue_commit_that_no_change_is_known_for_gets_no_plan_of_its_own() {
    let team = Team::new();
    apply(&team, &[("version = 1", "version = 1\nunplanned = \"low\"")]);
    let author = team.machine("author");
    // Planned high, without any evidence: the queue's name must not become an unplanned change of the lowest tier.
    author.begin("feature", "high");
    let name = "refs/heads/gh-readonly-queue/main/pr-1-aa";
    let commit = enqueue(&author, "main", "feature", name);
    let job = |at: &str| {
        let machine = shallow(&team, at, name);
        // The checkout makes a branch of the queue's name.
        machine.git(&["checkout", "-q", "-B", "gh-readonly-queue/main/pr-1-aa"]);
        machine
    };
    let ran = step(&job("tests"), "ci-1", &["attest", "build", "--", "true"], &queue(name, &commit));
    let refused = step(&job("gate"), "reviewer", &["gate"], &queue(name, &commit));
    assert_ne!(refused.code, 0, "{refused:?}");
    let log = author.ok("reviewer", &["log", "--limit", "100", "--json"]).out;
    assert!(!log.contains("gh-readonly-queue"), "{ran:?} {log}");
}

#[test]
fn merge_train_of_gitlab_is_judged_by_what_reaches_the_branch() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    author.git(&["switch", "-q", "main"]);
    author.commit("src/other.rs", "meanwhile\n");
    author.git(&["push", "-q", "origin", "main"]);
    let source = author.git(&["rev-parse", "feature"]);
    let train = enqueue(&author, "main", "feature", "refs/merge-requests/1/train");
    let mut variables = gitlab("feature");
    variables[2].1 = "merged_result";
    variables.push(("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &source));
    let job = |name: &str, words: &[&str], variables: &[(&str, &str)]| {
        step(&shallow(&team, name, "refs/merge-requests/1/train"), "ci-1", words, variables)
    };
    // A trial merge is judged by what people wrote.
    passes(&job("trial", &["attest", "build", "--", "true"], &variables));
    is(&job("trial-gate", &["gate"], &variables), 0, &format!("shop/feature at {}", &source[..12]));
    variables[2].1 = "merge_train";
    is(&job("gate-1", &["gate"], &variables), 1, "E210");
    passes(&job("train", &["attest", "build", "--", "true"], &variables));
    is(&job("gate-2", &["gate"], &variables), 0, &format!("shop/feature at {}", &train[..12]));
    author.git(&["push", "-q", "origin", &format!("{train}:main")]);
    let pushed = [
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_SOURCE", "push"),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_DEFAULT_BRANCH", "main"),
    ];
    let ran = step(&shallow(&team, "merged", "refs/heads/main"), "ci-1", &["merge"], &with_trust(&team, &pushed));
    is(&ran, 0, "merged shop/feature to refs/heads/main");
}

/// A checkout in which the CI system has merged the target into the request's commit, kept under the name that Jenkins gives it.
fn merged_here(team: &Team, name: &str) -> Machine {
    let machine = team.machine(name);
    machine.git(&["update-ref", "refs/remotes/origin/PR-1", "refs/remotes/origin/feature"]);
    machine.git(&["checkout", "-q", "--detach", "refs/remotes/origin/PR-1"]);
    machine.git(&["branch", "-q", "-D", "main"]);
    machine.git(&["merge", "-q", "--no-edit", "refs/remotes/origin/main"]);
    machine
}

#[test]
fn requests_of_bitbucket_and_jenkins_are_judged_by_what_people_wrote() {
    let team = Team::new();
    let author = team.machine("author");
    let head = author.begin("feature", "low");
    author.git(&["switch", "-q", "main"]);
    author.commit("src/other.rs", "meanwhile\n");
    author.git(&["push", "-q", "origin", "main"]);
    let bitbucket = [
        ("BITBUCKET_BUILD_NUMBER", "3"),
        ("BITBUCKET_COMMIT", head.as_str()),
        ("BITBUCKET_BRANCH", "feature"),
        ("BITBUCKET_PR_ID", "1"),
        ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
    ];
    let accepted = format!("shop/feature at {}", &head[..12]);
    let gate =
        |name: &str, variables: &[(&str, &str)]| step(&merged_here(&team, name), "reviewer", &["gate"], variables);
    is(&gate("gate-1", &bitbucket), 1, "E201");
    passes(&step(&merged_here(&team, "bitbucket"), "ci-1", &["attest", "build", "--", "true"], &bitbucket));
    is(&gate("gate-2", &bitbucket), 0, &accepted);
    is(&gate("gate-3", &jenkins("feature")), 0, &accepted);
    passes(&step(&merged_here(&team, "jenkins"), "ci-1", &["attest", "build", "--", "true"], &jenkins("feature")));
    let shown = shown(&author);
    for system in ["bitbucket", "jenkins"] {
        assert!(shown.contains(&format!("\"system\": \"{system}\"")), "{shown}");
    }
    // What the author merged is the author's, and has no evidence.
    author.git(&["switch", "-q", "feature"]);
    author.git(&["merge", "-q", "--no-edit", "main"]);
    author.git(&["push", "-q", "origin", "feature"]);
    is(&gate("gate-4", &jenkins("feature")), 1, "E210");
    // Merged with the tree that was shown: each system says by its own variables that it was a push.
    passes(&step(&merged_here(&team, "again"), "ci-1", &["attest", "build", "--", "true"], &jenkins("feature")));
    author.git(&["push", "-q", "origin", "feature:main"]);
    let merge = |name: &str, variables: &[(&str, &str)]| {
        step(&shallow(&team, name, "refs/heads/main"), "ci-1", &["merge"], &with_trust(&team, variables))
    };
    is(
        &merge("merge-1", &[("JENKINS_HOME", "/j"), ("BRANCH_NAME", "main")]),
        0,
        "merged shop/feature to refs/heads/main",
    );
    is(&merge("merge-2", &[("BITBUCKET_BUILD_NUMBER", "9"), ("BITBUCKET_BRANCH", "main")]), 0, "merged already");
}

#[test]
fn branch_that_jenkins_builds_without_a_request_makes_its_change_and_a_tag_makes_none() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    let job = |name: &str, words: &[&str], variables: &[(&str, &str)]| {
        step(&shallow(&team, name, "refs/heads/feature"), "ci-1", words, variables)
    };
    let branch = [("JENKINS_URL", "http://ci"), ("BRANCH_NAME", "feature")];
    passes(&job("branch", &["attest", "build", "--", "true"], &branch));
    is(&job("gate", &["gate"], &branch), 0, "shop/feature at");
    let tag = [("JENKINS_URL", "http://ci"), ("BRANCH_NAME", "feature"), ("TAG_NAME", "feature")];
    is(&job("tag", &["attest", "build", "--", "true"], &tag), 125, "no change is named");
    // Nor is a tag's commit recorded as what reached a branch of its name.
    let ran = step(&shallow(&team, "tagged", "refs/heads/feature"), "ci-1", &["merge"], &with_trust(&team, &tag));
    assert!(!ran.out.contains("to refs/heads/feature"), "{ran:?}");
}

#[test]
fn stale_branch_of_the_targets_name_is_nobodys_target() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    // The change brings a trust file of its own, and a workspace that is used again has a `main` that stands on it.
    let text = fs::read_to_string(team.path("trust.toml")).unwrap();
    author.commit(".evidence/trust.toml", &text.replace("repository = \"shop\"", "repository = \"mine\""));
    author.git(&["push", "-q", "origin", "feature"]);
    let job = team.machine("job");
    job.git(&["switch", "-q", "feature"]);
    job.git(&["branch", "-q", "--force", "main", "feature"]);
    passes(&step(&job, "ci-1", &["attest", "build", "--", "true"], &github("feature")));
    is(&step(&job, "reviewer", &["gate"], &github("feature")), 0, "accepted: shop/feature");
    assert!(job.repo().join(".git/evidence-out/evidence.zip").exists());
}

const SECOND: &str = "git:origin#refs/evidence/second";
