//! What happens around the gate in the ready pipelines: labels, forks, queues that merge several at once, anchors, runners that vanish.

mod common;
#[path = "common/runner.rs"]
mod runner;

use std::fs;

use common::team::{Machine, Team};
use common::{Ran, Verdict};
use runner::{pull_request, shallow, step};

type Variables<'a> = Vec<(&'a str, &'a str)>;

fn is(ran: &Ran, code: i32, text: &str) {
    assert!(ran.code == code && (ran.out.contains(text) || ran.err.contains(text)), "wanted {code}, `{text}`: {ran:?}");
}

/// The program itself with a CI system's variables.
fn with(machine: &Machine, who: &str, words: &[&str], variables: &[(&str, &str)]) -> Ran {
    Ran::of(machine.command(who, words).envs(variables.iter().copied()).output().unwrap())
}

/// What GitHub says in a run for a request.
fn github<'a>(branch: &'a str, reference: &'a str) -> Variables<'a> {
    vec![
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_REF", reference),
        ("GITHUB_BASE_REF", "main"),
        ("GITHUB_HEAD_REF", branch),
    ]
}

// Labels.

#[test]
fn higher_label_raises_the_tier_and_a_lower_one_fails_the_step() {
    let team = Team::new();
    let author = team.machine("author");
    author.git(&["switch", "-q", "-c", "feature"]);
    author.commit("src/two.rs", "two\n");
    author.git(&["push", "-q", "origin", "feature"]);
    let plan = |labels: &str| {
        let variables = [github("feature", "refs/pull/4/merge"), vec![("EVIDENCE_LABELS", labels)]].concat();
        step(&author, "planner", &["plan", "--implementer", "agent"], &variables)
    };
    let tier = || {
        let verdict = author.verify("shop/feature");
        verdict.json["tier"]["effective"].as_str().unwrap_or_default().to_owned()
    };
    is(&plan("bug,evidence:low"), 0, "planned shop/feature, tier low");
    assert_eq!(tier(), "low");
    let records = || author.ok("reviewer", &["log", "--change", "shop/feature", "--json"]).out;
    let before = records();
    is(&plan("evidence:low"), 0, "planned already: shop/feature, tier low");
    assert_eq!(records(), before);
    // In whatever case it is written.
    is(&plan("Evidence:High,bug"), 0, "planned shop/feature, tier high");
    assert_eq!(tier(), "high");
    is(&plan("evidence:low"), 1, "tiers are raised only");
    is(&plan("EVIDENCE:MEDIUM"), 1, "tiers are raised only");
    is(&plan("evidence:hgih"), 1, "the policy has no tier hgih");
    is(&plan("evidence:low,evidence:high"), 2, "more than one label");
    assert_eq!(tier(), "high");
    is(&plan("Evidence: high "), 0, "planned already: shop/feature, tier high");
}

#[test]
fn label_makes_a_real_plan_of_an_implied_one() {
    let team = Team::new();
    let owner = team.machine("owner-box");
    fs::write(owner.path("policy.toml"), common::POLICY.replace("version = 1", "version = 1\nunplanned = \"low\""))
        .unwrap();
    owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
    let author = team.machine("author");
    author.git(&["switch", "-q", "-c", "feature"]);
    author.commit("src/two.rs", "two\n");
    author.git(&["push", "-q", "origin", "feature"]);
    let variables = github("feature", "refs/pull/4/merge");
    is(&step(&author, "ci-1", &["attest", "build", "--", "true"], &variables), 0, "implied");
    // What the first attempt planned has the request's number, too.
    is(&author.by("reviewer", &["status", "4"]), 0, "shop/feature");
    let labelled = [variables, vec![("EVIDENCE_LABELS", "evidence:low")]].concat();
    is(&step(&author, "planner", &["plan", "--implementer", "agent"], &labelled), 0, "planned shop/feature, tier low");
    is(&step(&author, "planner", &["plan", "--implementer", "agent"], &labelled), 0, "planned already");
}

// Requests.

/// Lays down the event of a request as GitHub has it, and returns the file's path.
fn event(machine: &Machine, number: u32, head: Option<&str>, branch: &str) -> String {
    let repo = head.map_or(serde_json::Value::Null, |name| serde_json::json!({"full_name": name}));
    let event = serde_json::json!({
        "action": "opened",
        "number": number,
        "pull_request": {
            "number": number,
            "head": {"ref": branch, "repo": repo},
            "base": {"ref": "main", "repo": {"full_name": "acme/shop"}},
        },
        "repository": {"full_name": "acme/shop"},
    });
    let path = machine.path(&format!("event-{number}.json"));
    fs::write(&path, event.to_string()).unwrap();
    path.display().to_string()
}

/// A request of another repository: its commit is on the remote under the request's ref alone.
fn forked(team: &Team, name: &str, number: u32, branch: &str) -> Machine {
    let machine = team.machine(name);
    machine.git(&["switch", "-q", "-C", branch, "origin/main"]);
    machine.commit(&format!("src/{name}.rs"), name);
    machine.git(&["push", "-q", "origin", &format!("HEAD:refs/pull/{number}/head")]);
    machine
}

#[test]
fn requests_of_one_branch_name_are_changes_of_their_own() {
    let team = Team::new();
    let forks = [(4, "patch-9", Some("ana/shop")), (5, "patch-9", Some("ben/shop")), (6, "main", Some("cem/shop"))];
    let mut machines = Vec::new();
    for (number, branch, repository) in forks {
        let machine = forked(&team, &format!("fork-{number}"), number, branch);
        let path = event(&machine, number, repository, branch);
        machines.push((number, branch, machine, path));
    }
    let job = |(number, branch, machine, path): &(u32, &str, Machine, String),
               who: &str,
               words: &[&str],
               more: &[(&str, &str)]| {
        let reference = format!("refs/pull/{number}/merge");
        let mut variables = github(branch, &reference);
        variables.push(("GITHUB_EVENT_PATH", path));
        variables.extend(more);
        step(machine, who, words, &variables)
    };
    for request in &machines {
        let id = format!("shop/request-{}/{}", request.0, request.1);
        is(
            &job(request, "planner", &["plan", "--implementer", "agent"], &[("EVIDENCE_LABELS", "evidence:low")]),
            0,
            &id,
        );
    }
    // What one of them shows says nothing of the other.
    is(&job(&machines[0], "ci-1", &["attest", "build", "--", "true"], &[]), 0, "shop/request-4/patch-9");
    is(&job(&machines[0], "reviewer", &["gate"], &[]), 0, "accepted: shop/request-4/patch-9");
    is(&job(&machines[1], "reviewer", &["gate"], &[]), 1, "shop/request-5/patch-9");
    is(&job(&machines[2], "reviewer", &["gate"], &[]), 1, "shop/request-6/main");
    // A failure of the one does not stick to the other.
    assert_eq!(job(&machines[1], "ci-1", &["attest", "build", "--", "false"], &[]).code, 1);
    is(&job(&machines[0], "reviewer", &["gate"], &[]), 0, "accepted: shop/request-4/patch-9");
    // The fork is gone: it is still nobody's own branch. One whose event cannot be read is not either.
    let gone = event(&machines[0].2, 4, None, "patch-9");
    is(
        &job(&machines[0], "reviewer", &["gate"], &[("GITHUB_EVENT_PATH", &gone)]),
        0,
        "accepted: shop/request-4/patch-9",
    );
    is(
        &job(&machines[0], "reviewer", &["gate"], &[("GITHUB_EVENT_PATH", "/no/such")]),
        0,
        "accepted: shop/request-4/patch-9",
    );
    // The repository's own branch of that name is its own change, known by the request's number too.
    let author = team.machine("author");
    author.git(&["switch", "-q", "-c", "patch-9"]);
    author.commit("src/own.rs", "own\n");
    author.git(&["push", "-q", "origin", "patch-9"]);
    let path = event(&author, 7, Some("acme/shop"), "patch-9");
    let own = (7, "patch-9", author, path);
    is(
        &job(&own, "planner", &["plan", "--implementer", "agent"], &[("EVIDENCE_LABELS", "evidence:low")]),
        0,
        "planned shop/patch-9,",
    );
    is(&own.2.by("reviewer", &["status", "7"]), 0, "shop/patch-9");
    is(&own.2.by("reviewer", &["status", "5"]), 0, "shop/request-5/patch-9");
}

#[test]
fn each_forge_says_by_its_own_variables_whose_branch_it_is() {
    let team = Team::new();
    let author = team.machine("author");
    author.git(&["switch", "-q", "-c", "patch-9"]);
    author.commit("src/own.rs", "own\n");
    let gitlab = |source: &'static str| {
        vec![
            ("GITLAB_CI", "true"),
            ("CI_MERGE_REQUEST_IID", "4"),
            ("CI_MERGE_REQUEST_PROJECT_ID", "10"),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", source),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "patch-9"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ]
    };
    let jenkins = [
        ("JENKINS_URL", "http://ci"),
        ("CHANGE_ID", "4"),
        ("CHANGE_BRANCH", "patch-9"),
        ("CHANGE_TARGET", "main"),
        ("BRANCH_NAME", "PR-4"),
    ];
    let bitbucket = [
        ("BITBUCKET_BUILD_NUMBER", "1"),
        ("BITBUCKET_PR_ID", "4"),
        ("BITBUCKET_BRANCH", "patch-9"),
        ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
    ];
    let change = |variables: &[(&str, &str)]| {
        let ran = with(&author, "reviewer", &["verify", "--json"], variables);
        Verdict::of(ran).json["change"].as_str().unwrap().to_owned()
    };
    assert_eq!(change(&gitlab("10")), "shop/patch-9");
    assert_eq!(change(&gitlab("11")), "shop/request-4/patch-9");
    assert_eq!(change(&jenkins), "shop/patch-9");
    assert_eq!(change(&[&jenkins[..], &[("CHANGE_FORK", "ana")]].concat()), "shop/request-4/patch-9");
    assert_eq!(change(&bitbucket), "shop/patch-9");
}

#[test]
fn program_by_itself_judges_what_people_wrote_and_never_the_trial_merge() {
    let team = Team::new();
    let author = team.machine("author");
    let head = author.begin("feature", "low");
    let trial = pull_request(&author, "feature");
    let job = team.machine("job");
    job.git(&["fetch", "-q", "origin", "refs/pull/1/merge:refs/remotes/pull/1/merge"]);
    job.git(&["checkout", "-q", "--detach", "refs/remotes/pull/1/merge"]);
    let mut variables = github("feature", "refs/pull/1/merge");
    variables.push(("GITHUB_SHA", &trial));
    // The trial's tree is not what the attempt would be about.
    is(&with(&job, "ci-1", &["attest", "build", "--", "true"], &variables), 125, &format!("git checkout {head}"));
    is(&with(&job, "reviewer", &["verify"], &variables), 1, &format!("refused: shop/feature at {}", &head[..12]));
    author.git(&["switch", "-q", "feature"]);
    author.ok("ci-1", &["attest", "build", "--", "true"]);
    is(&with(&job, "reviewer", &["verify"], &variables), 0, &format!("accepted: shop/feature at {}", &head[..12]));
    // GitLab and Jenkins say it their way; a train is no trial.
    let merged = [
        ("GITLAB_CI", "true"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &head),
    ];
    is(&with(&job, "reviewer", &["verify"], &merged), 0, &format!("accepted: shop/feature at {}", &head[..12]));
    let train = [&merged[..], &[("CI_MERGE_REQUEST_EVENT_TYPE", "merge_train")]].concat();
    is(&with(&job, "reviewer", &["verify"], &train), 1, &format!("shop/feature at {}", &trial[..12]));
    let there = team.machine("there");
    there.git(&["update-ref", "refs/remotes/origin/PR-1", "refs/remotes/origin/feature"]);
    there.git(&["checkout", "-q", "--detach", "refs/remotes/origin/PR-1"]);
    there.git(&["merge", "-q", "--no-edit", "refs/remotes/origin/main"]);
    let jenkins = [
        ("JENKINS_URL", "http://ci"),
        ("CHANGE_ID", "1"),
        ("CHANGE_BRANCH", "feature"),
        ("CHANGE_TARGET", "main"),
        ("BRANCH_NAME", "PR-1"),
    ];
    is(&with(&there, "reviewer", &["verify"], &jenkins), 0, &format!("accepted: shop/feature at {}", &head[..12]));
    // A merge that people made is theirs, and has no evidence.
    is(
        &with(&job, "reviewer", &["verify"], &github("feature", "refs/pull/1/merge")),
        1,
        &format!("at {}", &trial[..12]),
    );
    let own = shallow(&team, "own", "refs/pull/1/merge");
    is(&with(&own, "reviewer", &["verify"], &variables), 2, "shallow");
}

// Queues.

/// Merges a branch onto another commit as a queue does, and returns the commit.
fn enqueue(author: &Machine, onto: &str, branch: &str, name: &str) -> String {
    author.git(&["switch", "-q", "--detach", onto]);
    author.git(&["merge", "-q", "--no-ff", "-m", "Merge pull request", branch]);
    author.git(&["push", "-q", "origin", &format!("HEAD:{name}")]);
    author.git(&["rev-parse", "HEAD"])
}

fn queue<'a>(name: &'a str, commit: &'a str) -> Variables<'a> {
    vec![("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "merge_group"), ("GITHUB_REF", name), ("GITHUB_SHA", commit)]
}

/// What the job has that records what was pushed to `main`: the event says where the push began.
fn pushed(team: &Team, machine: &Machine, before: &str) -> Vec<(&'static str, String)> {
    let path = machine.path("push.json");
    fs::write(&path, serde_json::json!({"ref": "refs/heads/main", "before": before}).to_string()).unwrap();
    vec![
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_EVENT_NAME", "push".to_owned()),
        ("GITHUB_REF", "refs/heads/main".to_owned()),
        ("GITHUB_EVENT_PATH", path.display().to_string()),
        ("EVIDENCE_TRUST", team.path("trust.toml").display().to_string()),
    ]
}

const QUEUE: [&str; 2] = ["refs/heads/gh-readonly-queue/main/pr-1-aa", "refs/heads/gh-readonly-queue/main/pr-2-bb"];

/// Two branches with evidence of their own, and the queue's two commits, one on top of the other.
fn stack(team: &Team, author: &Machine) -> [String; 3] {
    for branch in ["a", "b"] {
        author.begin(branch, "low");
        author.ok("ci-1", &["attest", "build", "--change", &format!("shop/{branch}"), "--", "true"]);
    }
    let before = author.git(&["rev-parse", "origin/main"]);
    let one = enqueue(author, "origin/main", "a", QUEUE[0]);
    let two = enqueue(author, &one, "b", QUEUE[1]);
    let _ = team;
    [before, one, two]
}

fn audited(machine: &Machine, since: &str) -> (i32, String) {
    let ran = machine.by("reviewer", &["audit", "--branch", "origin/main", "--range", &format!("{since}..")]);
    (ran.code, ran.out)
}

fn merge_job(team: &Team, name: &str, before: &str, words: &[&str]) -> (Ran, Machine) {
    let machine = shallow(team, name, "refs/heads/main");
    let variables = pushed(team, &machine, before);
    let variables: Variables<'_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    (step(&machine, "ci-1", &[&["merge"], words].concat(), &variables), machine)
}

#[test]
fn push_of_two_queue_entries_records_both() {
    let team = Team::new();
    let author = team.machine("author");
    let [before, one, two] = stack(&team, &author);
    for (name, commit) in [(QUEUE[0], &one), (QUEUE[1], &two)] {
        let job = shallow(&team, &format!("tests-{}", &commit[..8]), name);
        is(&step(&job, "ci-1", &["attest", "build", "--", "true"], &queue(name, commit)), 0, "build pass");
        is(&step(&job, "reviewer", &["gate"], &queue(name, commit)), 0, "accepted");
    }
    author.git(&["push", "-q", "origin", &format!("{two}:main")]);
    let (ran, machine) = merge_job(&team, "merged", &before, &[]);
    is(&ran, 0, &format!("merged shop/a to refs/heads/main at {}", &one[..12]));
    is(&ran, 0, &format!("merged shop/b to refs/heads/main at {}", &two[..12]));
    let (code, page) = audited(&machine, &before);
    assert_eq!(code, 0, "{page}");
    // Run again, it adds nothing.
    let (ran, _) = merge_job(&team, "again", &before, &[]);
    is(&ran, 0, "merged already: shop/a");
    is(&ran, 0, "merged already: shop/b");
}

#[test]
fn commit_of_a_push_that_no_change_is_known_for_is_told_and_the_merges_beside_it_are_recorded() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("a", "low");
    author.ok("ci-1", &["attest", "build", "--", "true"]);
    let before = author.git(&["rev-parse", "origin/main"]);
    author.git(&["switch", "-q", "-C", "main", "origin/main"]);
    author.git(&["merge", "-q", "--no-ff", "-m", "Merge", "a"]);
    let past = author.commit("src/past.rs", "past the gate\n");
    author.git(&["push", "-q", "origin", "main"]);
    let (ran, machine) = merge_job(&team, "merged", &before, &[]);
    is(&ran, 2, "merged shop/a to refs/heads/main");
    is(&ran, 2, &format!("no merge that is recorded covers commit {}", &past[..12]));
    let (code, page) = audited(&machine, &before);
    assert!(code == 1 && page.contains(&format!("without evidence  {}", &past[..12])), "{page}");
    // The same in JSON, where the CI system does not say it.
    let words = ["record", "merge", "--branch", "main", "--since", &before, "--json"];
    let said = machine.by("ci-1", &words).json();
    let states: Vec<bool> = said["commits"].as_array().unwrap().iter().map(|it| it["recorded"] == true).collect();
    assert_eq!(states, [true, false], "{said:#}");
    is(&machine.by("ci-1", &["record", "merge", "--branch", "main", "--since", "origin/a"]), 2, "is not below");
}

#[test]
fn tip_that_answers_for_the_whole_queue_covers_its_entries_and_nothing_pushed_between() {
    let tip = |between: &dyn Fn(&Machine), wanted: i32| {
        let team = Team::new();
        let author = team.machine("author");
        // The branch was recorded before: what came since is told by that.
        green(&author, "zero");
        is(&land(&team, "zero").0, 0, "merged shop/zero");
        author.git(&["fetch", "-q", "origin"]);
        for branch in ["a", "b"] {
            author.begin(branch, "low");
            author.ok("ci-1", &["attest", "build", "--change", &format!("shop/{branch}"), "--", "true"]);
        }
        let before = author.git(&["rev-parse", "origin/main"]);
        enqueue(&author, "origin/main", "a", QUEUE[0]);
        between(&author);
        let two = enqueue(&author, "HEAD", "b", QUEUE[1]);
        let job = shallow(&team, "tests", QUEUE[1]);
        let both = ["--change", "shop/a", "--change", "shop/b"];
        let words = [&["attest", "build"], &both[..], &["--", "sh", "-c", "echo ran >>../ran"]].concat();
        let ran = step(&job, "ci-1", &words, &queue(QUEUE[1], &two));
        is(&ran, 0, "build pass (shop/a)");
        is(&ran, 0, "build pass (shop/b)");
        assert_eq!(fs::read_to_string(job.path("ran")).unwrap(), "ran\n");
        let ran = step(&job, "reviewer", &[&["gate"], &both[..]].concat(), &queue(QUEUE[1], &two));
        is(&ran, 0, "accepted: shop/a");
        is(&ran, 0, "accepted: shop/b");
        author.git(&["push", "-q", "origin", &format!("{two}:main")]);
        let (ran, machine) = merge_job(&team, "merged", &before, &both);
        is(&ran, 0, "merged shop/a and shop/b to refs/heads/main");
        let (code, page) = audited(&machine, &before);
        assert_eq!(code, wanted, "{page}");
        page
    };
    assert!(tip(&|_| {}, 0).contains("shop/a shop/b  (inside of it)"));
    // A commit past the gate, and one that says of itself that it is part of the queue.
    let past = |author: &Machine| {
        author.commit("src/past.rs", "past the gate\n");
    };
    assert!(tip(&past, 1).contains("without evidence"));
    let merged = |author: &Machine| {
        let here = author.git(&["rev-parse", "HEAD"]);
        author.git(&["switch", "-q", "-c", "past"]);
        author.commit("src/past.rs", "past the gate\n");
        author.git(&["switch", "-q", "--detach", &here]);
        author.git(&["merge", "-q", "--no-ff", "-m", "Merge pull request a", "past"]);
    };
    assert!(tip(&merged, 1).contains("without evidence"));
}

#[test]
fn several_changes_are_attested_by_one_run_and_accepted_together_or_not() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("a", "low");
    author.ok("planner", &["plan", "shop/b", "--tier", "low", "--implementer", "agent"]);
    author.ok("planner", &["plan", "shop/c", "--tier", "high", "--implementer", "agent"]);
    let both = ["--change", "shop/a", "--change", "shop/b", "--change", "shop/a"];
    let words = [&["attest", "build", "--json"], &both[..], &["--", "sh", "-c", "echo ran >>../ran"]].concat();
    let said = author.ok("ci-1", &words).json();
    let changes: Vec<&str> = said.as_array().unwrap().iter().map(|it| it["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["shop/a", "shop/b"]);
    assert_eq!(fs::read_to_string(author.path("ran")).unwrap(), "ran\n");
    for change in changes {
        author.verify(change).accepted();
        let log = author.ok("reviewer", &["log", "--change", change, "--json"]).out;
        assert_eq!((log.matches("\"start\"").count(), log.matches("\"result\"").count()), (1, 1), "{log}");
    }
    // One verdict each, and the worst counts.
    let verify = |words: &[&str]| author.by("reviewer", &[&["verify", "--json"], words].concat());
    let ran = verify(&["shop/a", "--change", "shop/b"]);
    assert_eq!((ran.code, ran.json().as_array().unwrap().len()), (0, 2), "{ran:?}");
    let ran = verify(&["--change", "shop/a", "--change", "shop/c"]);
    let decisions: Vec<String> =
        ran.json().as_array().unwrap().iter().map(|it| it["decision"].as_str().unwrap().to_owned()).collect();
    assert_eq!((ran.code, decisions), (1, vec!["accepted".to_owned(), "refused".to_owned()]), "{ran:?}");
    // A failure is one of both.
    assert_eq!(author.by("ci-1", &[&["attest", "build"], &both[..], &["--", "false"]].concat()).code, 1);
    assert_eq!(verify(&["--change", "shop/a", "--change", "shop/b"]).code, 1);
    for change in ["shop/a", "shop/b"] {
        author.verify(change).refused(&["E202", "E217"]);
    }
    // A start that one of them cannot have is none of the other, and nothing runs.
    let ran = author
        .by("ci-1", &["attest", "build", "--change", "shop/a", "--change", "shop/none", "--", "touch", "../never"]);
    assert!(ran.code == 125 && !author.path("never").exists(), "{ran:?}");
    author.verify("shop/a").refused(&["E202", "E217"]);
    // What is about one change says so.
    is(
        &author.by("ci-1", &[&["attest", "build", "--receipt", "../r"], &both[..], &["--", "true"]].concat()),
        125,
        "--receipt is of one",
    );
    is(&verify(&["--change", "shop/a", "--change", "shop/b", "--write", "vsa=../v.json"]), 2, "is about one change");
    // Files of several hold all of them.
    let files = ["json=../v.json", "sarif=../v.sarif", "junit=../v.xml", "markdown=../v.md", "codequality=../q.json"];
    let mut words = vec!["--change", "shop/a", "--change", "shop/b"];
    files.iter().for_each(|file| words.extend(["--write", file]));
    assert_eq!(verify(&words).code, 1);
    let read = |name: &str| fs::read_to_string(author.path(name)).unwrap();
    for name in ["v.json", "v.sarif", "v.xml", "v.md"] {
        assert!(read(name).contains("shop/a") && read(name).contains("shop/b"), "{name}: {}", read(name));
    }
    let sarif = author.ok("reviewer", &["facts", "../v.sarif", "--json"]).json();
    assert_eq!(sarif["facts"]["findings"]["high"].as_u64().unwrap(), 4, "{sarif:#}");
    assert!(author.by("reviewer", &["facts", "../v.xml"]).out.contains("junit"));
    // Mended for both by one run.
    author.ok("ci-1", &[&["attest", "build"], &both[..], &["--", "true"]].concat());
    assert_eq!(verify(&["--change", "shop/a", "--change", "shop/b"]).code, 0);
}

/// A branch that is planned in the run of its request, and the commit that a queue squashes it to on top of `main`.
fn squash(author: &Machine, branch: &str, number: u32) -> String {
    author.git(&["switch", "-q", "-c", branch, "origin/main"]);
    author.commit(&format!("src/{branch}.rs"), branch);
    author.git(&["push", "-q", "origin", branch]);
    let reference = format!("refs/pull/{number}/merge");
    let variables = [github(branch, &reference), vec![("EVIDENCE_LABELS", "evidence:low")]].concat();
    is(&step(author, "planner", &["plan", "--implementer", "agent"], &variables), 0, "tier low");
    squashed(author, branch, number)
}

/// Squashes a branch as a queue does, on top of a `main` that has gone on, and pushes it under the queue's name for a number.
fn squashed(author: &Machine, branch: &str, number: u32) -> String {
    author.git(&["switch", "-q", "--detach", "origin/main"]);
    author.commit("src/meanwhile.rs", branch);
    author.git(&["merge", "-q", "--squash", branch]);
    author.git(&["commit", "-q", "-m", &format!("{branch} (#{number})")]);
    author.git(&["push", "-q", "--force", "origin", &format!("HEAD:{}", queue_name(number))]);
    author.git(&["rev-parse", "HEAD"])
}

fn queue_name(number: u32) -> String {
    format!("refs/heads/gh-readonly-queue/main/pr-{number}-0123456789abcdef0123456789abcdef01234567")
}

#[test]
fn squash_of_a_queue_is_the_change_whose_number_the_queues_branch_names() {
    let team = Team::new();
    let author = team.machine("author");
    let job = |name: &str, number: u32, commit: &str, words: &[&str]| {
        let reference = queue_name(number);
        step(&shallow(&team, name, &reference), "ci-1", words, &queue(&reference, commit))
    };
    let commit = squash(&author, "feat", 7);
    // What was shown of the branch is about another tree.
    author.git(&["switch", "-q", "feat"]);
    author.ok("ci-1", &["attest", "build", "--", "true"]);
    is(&job("gate-1", 7, &commit, &["gate"]), 1, "refused: shop/feat");
    assert_eq!(job("red", 7, &commit, &["attest", "build", "--", "false"]).code, 1);
    is(&job("gate-2", 7, &commit, &["gate"]), 1, "E202");
    is(&job("green", 7, &commit, &["attest", "build", "--", "true"]), 0, "shop/feat");
    is(&job("gate-3", 7, &commit, &["gate"]), 0, "accepted: shop/feat");
    // A number that no change has; what somebody shows of the commit under its name tells then.
    let unknown = squashed(&author, "feat", 8);
    is(&job("gate-4", 8, &unknown, &["gate"]), 2, "no change is known");
    is(&job("named", 8, &unknown, &["attest", "build", "--change", "shop/feat", "--", "true"]), 0, "shop/feat");
    is(&job("gate-5", 8, &unknown, &["gate"]), 0, "accepted: shop/feat");
    // Another change that claims the number makes it ambiguous: neither is chosen. One of another repository does not.
    author.ok("planner", &["plan", "pay/feat", "--tier", "low", "--alias", "7", "--implementer", "agent"]);
    is(&job("gate-6", 7, &commit, &["gate"]), 0, "accepted: shop/feat");
    author.ok("planner", &["plan", "shop/evil", "--tier", "low", "--alias", "7", "--implementer", "agent"]);
    is(&job("gate-7", 7, &commit, &["gate"]), 2, "brings several changes: shop/evil, shop/feat");
    let named = [queue(&queue_name(7), &commit), vec![("EVIDENCE_CHANGE", "shop/feat")]]
        .concat()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect::<Vec<_>>();
    let named: Variables<'_> = named.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    is(&step(&shallow(&team, "gate-8", &queue_name(7)), "ci-1", &["gate"], &named), 0, "accepted: shop/feat");
    // It is merged under that name.
    team.git(&["update-ref", "refs/heads/main", &commit]);
    let before = team.git(&["rev-parse", &format!("{commit}~2")]);
    let (ran, _) =
        merge_job(&team, "merged", &before, &["shop/feat", "--json", "--commit", "HEAD", "--branch", "main"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // What is for machines is that alone.
    assert_eq!(ran.json()["changes"][0], "shop/feat");
}

#[test]
fn number_of_a_request_is_an_alias_of_what_a_person_planned_before() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feat", "low");
    assert_eq!(author.by("reviewer", &["status", "7"]).code, 2);
    let variables = [github("feat", "refs/pull/7/merge"), vec![("EVIDENCE_LABELS", "evidence:low")]].concat();
    is(&step(&author, "planner", &["plan"], &variables), 0, "planned shop/feat, tier low");
    is(&author.by("reviewer", &["status", "7"]), 0, "shop/feat");
    let head = team.head();
    is(&step(&author, "planner", &["plan"], &variables), 0, "planned already");
    assert_eq!(team.head(), head);
    // Nobody raises or lowers anything by that.
    assert_eq!(author.verify("shop/feat").json["tier"]["effective"], "low");
    author.ok("ci-1", &["attest", "build", "--", "true"]);
    author.verify("shop/feat").accepted();
}

/// A `gh` of a forge with one request.
fn forge(machine: &Machine, number: u32, head: &str, branch: &str, labels: &str) -> String {
    let path = event(machine, number, Some("ana/shop"), branch);
    let said = [head, branch, "main", &fs::read_to_string(path).unwrap(), labels].join("\n");
    fs::write(machine.path("said"), said + "\n").unwrap();
    let bin = machine.path("bin");
    fs::create_dir_all(&bin).unwrap();
    let gh = format!(
        "#!/bin/sh\n[ \"$GH_TOKEN $1 $2\" = 't api repos/acme/shop/pulls/{number}' ] && cat {}\n",
        machine.path("said").display()
    );
    fs::write(bin.join("gh"), gh).unwrap();
    common::system("chmod", &["755".into(), bin.join("gh").display().to_string()]);
    format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())
}

#[test]
fn request_of_a_fork_is_planned_and_attested_by_the_base_and_judged_by_its_own_run() {
    let team = Team::new();
    let fork = forked(&team, "fork-7", 7, "patch-9");
    let head = fork.git(&["rev-parse", "HEAD"]);
    let path = event(&fork, 7, Some("ana/shop"), "patch-9");
    let mut own = github("patch-9", "refs/pull/7/merge");
    own.extend([("GITHUB_EVENT_PATH", path.as_str()), ("EVIDENCE_FORK", "true")]);
    own.extend([("EVIDENCE_KEY", ""), ("EVIDENCE_LOG_KEY", "")]);
    let labelled = [&own[..], &[("EVIDENCE_LABELS", "evidence:low")]].concat();
    // Without a label there is nothing to plan; with one, somebody with keys has to.
    is(&step(&fork, "ci-1", &["plan"], &own), 0, "nothing is planned");
    is(&step(&fork, "ci-1", &["plan"], &labelled), 125, "integrations/github/forks.yml");
    is(&step(&fork, "ci-1", &["gate"], &own), 1, "refused: shop/request-7/patch-9");
    let base = |name: &str, who: &str, commit: &str, words: &[&str]| {
        let machine = shallow(&team, name, "refs/heads/main");
        let search = forge(&machine, 7, &head, "patch-9", "evidence:low,bug");
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "workflow_dispatch"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_REPOSITORY", "acme/shop"),
            ("GITHUB_SERVER_URL", "https://forge.example"),
            ("EVIDENCE_TOKEN", "t"),
            ("EVIDENCE_REQUEST", "7"),
            ("EVIDENCE_COMMIT", commit),
            ("PATH", &search),
        ];
        fs::write(machine.path("junit.xml"), common::junit(2, 0)).unwrap();
        step(&machine, who, words, &variables)
    };
    // Only the commit that somebody looked at.
    let other = "0123456789012345678901234567890123456789";
    is(&base("late", "planner", other, &["plan"]), 2, "look at it");
    is(&base("unnamed", "planner", "", &["plan"]), 2, "EVIDENCE_COMMIT is empty");
    is(
        &base("plan", "planner", &head, &["plan", "--implementer", "agent"]),
        0,
        "planned shop/request-7/patch-9, tier low",
    );
    is(&step(&fork, "ci-1", &["plan"], &labelled), 0, "planned already");
    let higher = [&own[..], &[("EVIDENCE_LABELS", "evidence:high")]].concat();
    is(&step(&fork, "ci-1", &["plan"], &higher), 125, "somebody there looked at it");
    is(&base("attest", "ci-1", &head, &["attest", "build", "--", "true"]), 0, "shop/request-7/patch-9");
    is(&step(&fork, "ci-1", &["gate"], &own), 0, "accepted: shop/request-7/patch-9");
    is(&fork.by("reviewer", &["status", "7"]), 0, "shop/request-7/patch-9");
    // What is pushed later has none of it.
    fork.commit("src/later.rs", "later\n");
    fork.git(&["push", "-q", "origin", "HEAD:refs/pull/7/head"]);
    is(&step(&fork, "ci-1", &["gate"], &own), 1, "refused: shop/request-7/patch-9");
    // The request's code never runs where the keys are.
    let yaml = fs::read_to_string(runner::ready("github/forks.yml")).unwrap();
    let (run, attest) = yaml.split_once("\n  attest:\n").unwrap();
    assert!(!run.split("\njobs:").nth(1).unwrap().contains("secrets.") && run.contains("make test"));
    assert!(!attest.contains("make test") && !attest.contains(" -- ") && attest.contains("environment: evidence"));
    assert!(!yaml.contains("\n  pull_request_target:") && !yaml.contains("\n  workflow_run:"));
}

// Anchors.

/// Merges a branch into `main` by fast-forward, as the remote has it, and runs the step that records it on a fresh machine.
fn land(team: &Team, branch: &str) -> (Ran, Machine) {
    let before = team.git(&["rev-parse", "refs/heads/main"]);
    team.git(&["update-ref", "refs/heads/main", &format!("refs/heads/{branch}")]);
    merge_job(team, &format!("merged-{branch}"), &before, &[])
}

fn green(author: &Machine, branch: &str) {
    author.git(&["fetch", "-q", "origin"]);
    author.begin(branch, "low");
    author.ok("ci-1", &["attest", "build", "--", "true"]);
}

#[test]
fn ledger_that_was_taken_back_behind_a_failure_fools_no_fresh_machine() {
    let team = Team::new();
    let author = team.machine("author");
    green(&author, "first");
    let (ran, _) = land(&team, "first");
    is(&ran, 0, "refs/evidence/anchor now remembers");
    green(&author, "bad");
    let good = team.head();
    assert_eq!(author.by("ci-1", &["attest", "build", "--", "false"]).code, 1);
    green(&author, "second");
    // The second machine and the third: each goes on from what the one before pushed.
    is(&land(&team, "second").0, 0, "refs/evidence/anchor now remembers");
    green(&author, "third");
    is(&land(&team, "third").0, 0, "refs/evidence/anchor now remembers");
    assert_eq!(team.git(&["ls-tree", "--name-only", "refs/notes/evidence"]).lines().count(), 3);
    let gate = |name: &str| {
        step(&shallow(&team, name, "refs/heads/bad"), "reviewer", &["gate"], &github("bad", "refs/pull/1/merge"))
    };
    is(&gate("gate-1"), 1, "refused: shop/bad");
    team.git(&["update-ref", common::team::LEDGER_REF, &good]);
    is(&gate("gate-2"), 3, "alarm");
    // Whoever takes the anchor away too is noticed where the gate was told that there is one.
    team.git(&["update-ref", "-d", "refs/evidence/anchor"]);
    let named = [github("bad", "refs/pull/1/merge"), vec![("EVIDENCE_ANCHOR", "refs/evidence/anchor")]].concat();
    let ran = step(&shallow(&team, "gate-3", "refs/heads/bad"), "reviewer", &["gate"], &named);
    is(&ran, 2, "nothing is judged without it");
}

#[test]
fn anchor_that_loses_a_race_is_pushed_again_and_one_that_is_refused_is_told() {
    let team = Team::new();
    let author = team.machine("author");
    green(&author, "first");
    is(&land(&team, "first").0, 0, "now remembers");
    green(&author, "second");
    // Somebody else anchors between the fetch and the push, once.
    let hooks = team.remote().join("hooks");
    let hook = |text: &str| {
        let path = hooks.join("update");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        common::system("chmod", &["755".into(), path.display().to_string()]);
    };
    hook("[ \"$1\" = refs/notes/evidence ] && [ ! -e raced ] && : >raced && exit 1\nexit 0");
    is(&land(&team, "second").0, 0, "merged shop/second");
    assert!(team.remote().join("raced").exists());
    assert_eq!(team.git(&["ls-tree", "--name-only", "refs/notes/evidence"]).lines().count(), 2);
    green(&author, "third");
    hook("case $1 in refs/notes/*) echo 'not for you' >&2; exit 1 ;; esac");
    let (ran, _) = land(&team, "third");
    is(&ran, 2, "merged shop/third");
    is(&ran, 2, "could not be pushed");
    is(&ran, 2, "not for you");
}

#[test]
fn recipe_for_anchors_works_from_machine_to_machine() {
    let team = Team::new();
    let manual = fs::read_to_string(runner::ready("../src/manual/start.md")).unwrap();
    let (_, recipe) = manual.split_once("after each merge:\n\n```text\n").unwrap();
    let (recipe, _) = recipe.split_once("```").unwrap();
    for name in ["one", "two", "three"] {
        let machine = team.machine(name);
        machine.git(&["commit", "-q", "--allow-empty", "-m", name]);
        machine.ok("planner", &["plan", &format!("shop/{name}"), "--tier", "low"]);
        let ran = Ran::of(runner::program(&machine, "ci-1", &["sh", "-euc", recipe], &[]).output().unwrap());
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    assert_eq!(team.git(&["ls-tree", "--name-only", "refs/notes/evidence"]).lines().count(), 3);
}

// Hooks.

fn hooked(team: &Team, name: &str) -> Machine {
    let machine = team.machine(name);
    let hooks = machine.repo().join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    fs::copy(runner::ready("git/pre-push"), hooks.join("pre-push")).unwrap();
    machine
}

fn push(machine: &Machine, what: &str) -> Ran {
    Ran::of(runner::program(machine, "ci-1", &["git", "push", "-q", "origin", what], &[]).output().unwrap())
}

#[test]
fn push_is_judged_against_what_the_remote_has_and_by_what_it_brings() {
    let team = Team::new();
    let author = hooked(&team, "author");
    for branch in ["pf", "pg", "ph", "pi"] {
        // Each starts from what the remote has then; the local `main` stays behind.
        author.git(&["fetch", "-q", "origin"]);
        author.begin(branch, "low");
        is(&push(&author, &format!("{branch}:main")), 1, "refused: shop/");
        author.ok("ci-1", &["attest", "build", "--", "true"]);
        match branch {
            "pf" => is(&push(&author, "pf:main"), 0, "accepted: shop/pf"),
            "pg" => is(&push(&author, "pg:main"), 0, "accepted: shop/pg"),
            // From `main` itself: by fast-forward, and squashed.
            "ph" => {
                author.git(&["checkout", "-q", "-B", "main", "origin/main"]);
                author.git(&["merge", "-q", "--ff-only", "ph"]);
                is(&push(&author, "main"), 0, "accepted: shop/ph");
            }
            _ => {
                author.git(&["checkout", "-q", "-B", "main", "origin/main"]);
                author.git(&["merge", "-q", "--squash", "pi"]);
                author.git(&["commit", "-q", "-m", "squashed"]);
                is(&push(&author, "main"), 0, "accepted: shop/pi");
            }
        }
        // Merged by the server's step, as it would be.
        let machine = shallow(&team, &format!("merged-{branch}"), "refs/heads/main");
        machine.git(&["fetch", "-q", "origin", branch]);
        let words = ["merge", &format!("shop/{branch}"), "--branch", "main", "--commit", "HEAD"];
        let trust = team.path("trust.toml").display().to_string();
        is(&step(&machine, "ci-1", &words, &[("EVIDENCE_TRUST", &trust)]), 0, "merged shop/");
    }
    // What nothing is known of is stopped.
    author.commit("src/past.rs", "past\n");
    is(&push(&author, "main"), 1, "no change is known");
}

#[test]
fn evidence_made_on_the_target_does_not_stand_in_for_the_reviewed_change() {
    let team = Team::new();
    let owner = team.machine("owner-box");
    let policy = common::POLICY.replace("version = 1", "version = 1\nunplanned = \"low\"");
    fs::write(owner.path("policy.toml"), policy).unwrap();
    owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
    let author = hooked(&team, "author");
    author.begin("pf", "high");
    author.ok("ci-1", &["attest", "build", "--", "true"]);
    author.git(&["checkout", "-q", "-B", "main", "origin/main"]);
    author.git(&["merge", "-q", "--squash", "pf"]);
    author.git(&["commit", "-q", "-m", "squashed"]);
    is(&author.ok("ci-1", &["attest", "build", "--", "true"]), 0, "implied");
    let ran = push(&author, "main");
    is(&ran, 1, "refused: shop/pf");
}

#[test]
fn push_of_a_new_protected_branch_is_judged_against_the_default_one() {
    let team = Team::new();
    let author = hooked(&team, "author");
    author.git(&["config", "evidence.protected", "main release/*"]);
    // What `main` has is released as it is, whatever is checked out.
    is(&push(&author, "origin/main:refs/heads/release/1"), 0, "");
    author.begin("feat", "low");
    is(&push(&author, "feat:refs/heads/release/2"), 1, "refused: shop/feat");
    author.ok("ci-1", &["attest", "build", "--", "true"]);
    is(&push(&author, "feat:refs/heads/release/2"), 0, "accepted: shop/feat");
    author.git(&["switch", "-q", "-c", "release/3", "origin/main"]);
    author.commit("src/past.rs", "past\n");
    assert_eq!(push(&author, "release/3").code, 1);
    // A remote without any branch has nothing to judge against.
    let empty = team.path("empty.git").display().to_string();
    common::system("git", &["init".into(), "-q".into(), "--bare".into(), empty.clone()]);
    let words = ["git", "push", "-q", &empty, "release/3:main"];
    is(&Ran::of(runner::program(&author, "ci-1", &words, &[]).output().unwrap()), 0, "has no branch yet");
}

// Machines that vanish.

/// Puts a file of more than 95 MiB beside a checkout, which takes no place on the disk.
fn large(machine: &Machine) {
    let file = fs::File::create(machine.path("large")).unwrap();
    file.set_len((95 << 20) + 1).unwrap();
}

#[test]
fn file_that_no_git_remote_takes_is_a_problem_of_the_result_and_blocks_nothing() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    large(&author);
    let attach = |words: &[&str]| {
        let words = [&["attest", "build", "--attach", "../large"], words].concat();
        let ran = author.by("ci-1", &words);
        assert!(ran.code == 1 && ran.err.contains("too-large"), "{ran:?}");
        author.verify("shop/feature").refused(&["E203"]);
        is(&author.by("ci-1", &["attest", "--flush"]), 0, "nothing waits");
    };
    attach(&["--", "true"]);
    attach(&["--", "sh", "-c", "touch ../large"]);
    author.ok("ci-1", &["attest", "build", "--", "true"]);
    author.verify("shop/feature").accepted();
}

#[test]
fn result_that_no_waiting_mends_keeps_no_other_from_being_delivered() {
    let team = Team::new();
    let owner = team.machine("owner-box");
    let apply = |text: &str| {
        fs::write(owner.path("policy.toml"), text).unwrap();
        owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
    };
    let store = team.path("store");
    fs::create_dir_all(&store).unwrap();
    apply(&format!("{}\n[materials]\nstore = \"file://{}\"\n", common::POLICY, store.display()));
    let author = team.machine("author");
    author.begin("one", "low");
    author.begin("two", "low");
    large(&author);
    let (here, away) = (team.remote(), team.path("away.git"));
    let leave = format!("mv {} {}; touch ../large", here.display(), away.display());
    for (change, more) in [("shop/one", &["--attach", "../large"][..]), ("shop/two", &[])] {
        let words = [&["attest", "build", "--change", change], more, &["--", "sh", "-c", &leave]].concat();
        is(&author.by("ci-1", &words), 125, "waits at");
        fs::rename(&away, &here).unwrap();
    }
    // The store is given up meanwhile.
    apply(common::POLICY);
    let ran = author.by("ci-1", &["attest", "--flush"]);
    is(&ran, 1, "build (shop/one) waits on: a material cannot be appended");
    is(&ran, 1, "to give it up: rm '");
    is(&ran, 1, "build (shop/two) delivered");
    author.verify("shop/one").refused(&["E204"]);
    author.verify("shop/two").accepted();
}

#[test]
fn result_that_waits_is_delivered_by_the_next_step_on_another_machine() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    let kept = team.path("kept-spool").display().to_string();
    let variables = [github("feature", "refs/pull/1/merge"), vec![("EVIDENCE_SPOOL", kept.as_str())]].concat();
    let job = |name: &str, words: &[&str]| step(&shallow(&team, name, "refs/heads/feature"), "ci-1", words, &variables);
    let (here, away) = (team.remote(), team.path("away.git"));
    let leave = format!("mv {} {}", here.display(), away.display());
    for (number, words) in [(1, &["flush"][..]), (2, &["attest", "build", "--", "true"])] {
        let ran = job(&format!("lost-{number}"), &["attest", "build", "--", "sh", "-c", &leave]);
        assert_eq!(ran.code, 125, "{ran:?}");
        fs::rename(&away, &here).unwrap();
        is(&job(&format!("gate-{number}"), &["gate"]), 1, "E204");
        is(&job(&format!("next-{number}"), words), 0, "build (shop/feature) delivered");
        is(&job(&format!("gate-again-{number}"), &["gate"]), 0, "accepted");
    }
    is(&job("nothing", &["flush"]), 0, "nothing waits");
}

// Forms.

#[test]
fn form_in_the_text_of_a_request_plans_it_and_a_label_counts_before_it() {
    let team = Team::new();
    let author = team.machine("author");
    let body = "Two.\r\n\r\n### Tier\r\n\r\nMedium\r\n\r\n### Origin\r\n\r\nhttps://t.example/7\r\n\r\n### Requested\r\n\r\n2026-01-02T03:04:05Z\r\n";
    let plan = |branch: &str, body: &str, labels: &str| {
        author.git(&["switch", "-q", "-C", branch, "origin/main"]);
        author.commit("src/two.rs", branch);
        let path = event(&author, 4, Some("acme/shop"), branch);
        let mut event: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        event["pull_request"]["body"] = body.into();
        fs::write(&path, event.to_string()).unwrap();
        let variables =
            [github(branch, "refs/pull/4/merge"), vec![("GITHUB_EVENT_PATH", &path), ("EVIDENCE_LABELS", labels)]];
        step(&author, "planner", &["plan", "--implementer", "agent"], &variables.concat())
    };
    is(&plan("formed", body, ""), 0, "planned shop/formed, tier medium");
    let verdict = author.verify("shop/formed");
    assert_eq!(verdict.json["planned"]["origin"], "https://t.example/7", "{:#}", verdict.json);
    assert_eq!(verdict.json["planned"]["requested"], 1_767_323_045, "{:#}", verdict.json);
    is(&plan("labelled", body, "Evidence:High"), 0, "planned shop/labelled, tier high");
    is(&plan("plain", "Two.", ""), 0, "nothing is planned");
    is(&plan("wrong", "### Tier\r\n\r\nenormous\r\n", ""), 1, "the policy has no tier enormous");
    // What was not filled in asks for nothing, nor does a heading anywhere else than in the text.
    is(&plan("empty", "### Tier\r\n\r\n_No response_\r\n", ""), 0, "nothing is planned");
    let template = fs::read_to_string(runner::ready("github/PULL_REQUEST_TEMPLATE.md")).unwrap();
    is(&plan("untouched", &template, ""), 0, "nothing is planned");
    is(
        &plan("filled", &template.replace("### Tier\n", "### Tier\n\nmedium\n"), ""),
        0,
        "planned shop/filled, tier medium",
    );
    author.git(&["switch", "-q", "-C", "bare", "origin/main"]);
    author.commit("src/two.rs", "bare");
    let path = event(&author, 4, Some("acme/shop"), "bare");
    let mut event: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    event["pull_request"]["body"] = serde_json::Value::Null;
    event["pull_request"]["title"] = "### Tier\n\nhigh".into();
    fs::write(&path, event.to_string()).unwrap();
    let variables = [github("bare", "refs/pull/4/merge"), vec![("GITHUB_EVENT_PATH", &path)]].concat();
    is(&step(&author, "planner", &["plan"], &variables), 0, "nothing is planned");
    is(&author.by("planner", &["plan", "shop/bare", "--form", &path]), 2, "no heading `### Tier` with a tier");
    // GitLab gives the text in a variable.
    author.git(&["switch", "-q", "-C", "lab", "origin/main"]);
    author.commit("src/lab.rs", "lab");
    let gitlab = [
        ("GITLAB_CI", "true"),
        ("CI_MERGE_REQUEST_IID", "4"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "lab"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_MERGE_REQUEST_DESCRIPTION", body),
    ];
    is(&step(&author, "planner", &["plan"], &gitlab), 0, "planned shop/lab, tier medium");
    // What is shipped renders to what is read.
    for name in ["github/ISSUE_TEMPLATE/evidence.yml", "github/PULL_REQUEST_TEMPLATE.md"] {
        let text = fs::read_to_string(runner::ready(name)).unwrap();
        for heading in ["Tier", "Origin", "Requested"] {
            assert!(
                text.contains(&format!("label: {heading}\n")) || text.contains(&format!("### {heading}\n")),
                "{name}: {heading}"
            );
        }
    }
    // An issue asks for work: its address and time are those of the request.
    let issue = serde_json::json!({"action": "opened", "issue": {"number": 9, "body": "### Tier\n\nlow\n",
        "html_url": "https://forge.example/acme/shop/issues/9", "created_at": "2026-02-03T04:05:06Z"}});
    fs::write(author.path("issue.json"), issue.to_string()).unwrap();
    author.ok("planner", &["plan", "shop/issue-9", "--form", "../issue.json"]);
    let verdict = author.verify("shop/issue-9");
    assert_eq!(verdict.json["planned"]["origin"], "https://forge.example/acme/shop/issues/9", "{:#}", verdict.json);
}

// Pipelines that are edited.

#[test]
fn files_of_pipelines_are_known_by_pattern_and_by_the_policy() {
    let team = Team::new();
    let owner = team.machine("owner-box");
    let apply = |top: &str| {
        let policy = common::POLICY.replace("version = 1", &format!("version = 1\n{top}"));
        fs::write(owner.path("policy.toml"), policy).unwrap();
        owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"])
    };
    let edited = |branch: &str, file: &str| {
        let author = team.machine(branch);
        author.begin(branch, "low");
        author.commit(file, "x\n");
        author.ok("ci-1", &["attest", "build", "--", "true"]);
        let verdict = author.verify(&format!("shop/{branch}"));
        verdict.accepted().limitations().contains(&"pipeline-edited")
    };
    assert!(edited("jenkins", "services/a/Jenkinsfile"));
    assert!(edited("azure", ".azure-pipelines/x.yml"));
    assert!(!edited("before", "tools/build.sh"));
    let ran = apply("pipelines = [\"tools/**\"]");
    assert!(!format!("{ran:?}").contains("weaker"), "{ran:?}");
    assert!(edited("after", "tools/build.sh"));
    assert!(!edited("other", "src/build.sh"));
    // A path more is stronger, one less is weaker.
    let ran = apply("pipelines = [\"tools/**\", \"Makefile\"]");
    assert!(!format!("{ran:?}").contains("weaker"), "{ran:?}");
    let ran = apply("pipelines = [\"Makefile\"]");
    assert!(format!("{ran:?}").contains("weaker"), "{ran:?}");
}
