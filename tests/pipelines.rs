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
