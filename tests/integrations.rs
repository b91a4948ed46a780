//! What is ready to copy, run as far as that goes without a forge: on real repositories, with the forges' documented variables.

mod common;
#[path = "common/runner.rs"]
mod runner;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use common::team::{Machine, Team};
use common::{EVIDENCE, Ran, junit};
use runner::{pull_request, ready, shallow, step};

const PULL: [(&str, &str); 4] = [
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_REF", "refs/pull/1/merge"),
    ("GITHUB_BASE_REF", "main"),
    ("GITHUB_HEAD_REF", "feature"),
];

#[test]
fn pull_request_checked_out_as_a_trial_merge_at_depth_one_is_judged_by_its_head() {
    let team = Team::new();
    let author = team.machine("author");
    author.git(&["switch", "-q", "-c", "feature"]);
    let head = author.commit("src/two.rs", "two\n");
    author.git(&["push", "-q", "origin", "feature"]);
    let trial = pull_request(&author, "feature");
    let planner = shallow(&team, "job-plan", "refs/pull/1/merge");
    let pull = [&PULL[..], &[("GITHUB_SHA", trial.as_str())]].concat();
    let mut variables = pull.clone();
    variables.push(("EVIDENCE_LABELS", "bug,evidence:medium"));
    let ran = step(&planner, "planner", &["plan", "--implementer", "agent"], &variables);
    assert_eq!(ran.code, 0, "{ran:?}");
    // The label does not lower it later.
    variables.pop();
    variables.push(("EVIDENCE_LABELS", "evidence:low"));
    let ran = step(&planner, "planner", &["plan", "--implementer", "agent"], &variables);
    assert!(ran.code == 1 && ran.err.contains("tiers are raised only"), "{ran:?}");
    let job = shallow(&team, "job-tests", "refs/pull/1/merge");
    fs::write(job.path("tests.xml"), junit(2, 0)).unwrap();
    fs::write(job.path("scan.sarif"), common::sarif(&[])).unwrap();
    for words in [
        &["attest", "build", "--", "true"][..],
        &["attest", "unit-tests", "--report", "../tests.xml"],
        &["attest", "scan", "--report", "../scan.sarif"],
    ] {
        let ran = step(&job, "ci-1", words, &pull);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let gate = shallow(&team, "job-gate", "refs/pull/1/merge");
    let summary = gate.path("summary.md");
    let mut variables = pull.clone();
    variables.push(("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()));
    let ran = step(&gate, "reviewer", &["gate"], &variables);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains(&format!("accepted: shop/feature at {}, tier medium", &head[..12])), "{ran:?}");
    assert!(fs::read_to_string(summary).unwrap().contains("shop/feature"));
    for name in [
        "evidence.md",
        "evidence.json",
        "evidence.sarif",
        "evidence-junit.xml",
        "evidence-codequality.json",
        "evidence.zip",
    ] {
        assert!(gate.repo().join(".git/evidence-out").join(name).exists(), "{name}");
        assert!(!gate.repo().join(name).exists(), "{name}");
    }
    gate.ok("reviewer", &["audit", ".git/evidence-out/evidence.zip"]);
}

#[test]
fn force_push_needs_new_evidence_and_a_rebase_with_the_same_tree_does_not() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    let gitlab = |machine: &Machine, who: &str, words: &[&str]| {
        let head = machine.git(&["rev-parse", "HEAD"]);
        let variables = [
            ("GITLAB_CI", "true"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", head.as_str()),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature"),
        ];
        step(machine, who, words, &variables)
    };
    let job = team.machine("job");
    job.git(&["checkout", "-q", "--detach", "origin/feature"]);
    let ran = gitlab(&job, "ci-1", &["attest", "build", "--", "true"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = gitlab(&job, "reviewer", &["gate"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // The same tree under another commit, as a reworded message makes it.
    author.git(&["commit", "-q", "--amend", "-m", "said better"]);
    author.git(&["push", "-q", "--force", "origin", "feature"]);
    job.git(&["fetch", "-q", "origin"]);
    job.git(&["checkout", "-q", "--detach", "origin/feature"]);
    let ran = gitlab(&job, "reviewer", &["gate"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // Another tree.
    author.write("src/two.rs", "three\n");
    author.git(&["add", "-A"]);
    author.git(&["commit", "-q", "--amend", "-m", "and other code"]);
    author.git(&["push", "-q", "--force", "origin", "feature"]);
    job.git(&["fetch", "-q", "origin"]);
    job.git(&["checkout", "-q", "--detach", "origin/feature"]);
    let ran = gitlab(&job, "reviewer", &["gate"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("E210"), "{ran:?}");
    assert!(job.repo().join(".git/evidence-out/evidence-codequality.json").exists());
}

#[test]
fn pipeline_of_a_fork_without_secrets_says_so_and_runs_nothing() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    let job = team.machine("job");
    job.git(&["switch", "-q", "feature"]);
    let mut variables = PULL.to_vec();
    variables.extend([("EVIDENCE_KEY", ""), ("EVIDENCE_LOG_KEY", "")]);
    let attest = |fork: &'static str| {
        let variables = [&variables[..], &[("EVIDENCE_FORK", fork)]].concat();
        let ran = step(&job, "ci-1", &["attest", "build", "--", "sh", "-c", ": > ../ran"], &variables);
        assert_eq!(ran.code, 125, "{ran:?}");
        assert!(!job.path("ran").exists());
        (ran.err.contains("pipelines of forks get no secrets"), ran.err.contains("set the secret"))
    };
    // Whoever forgot the secret is told that, and nothing of forks; where it cannot be told which, both.
    assert_eq!([attest("true"), attest("false"), attest("")], [(true, false), (false, true), (true, true)]);
    // The gate needs no key, and refuses.
    assert_eq!(step(&job, "ci-1", &["gate"], &variables).code, 1);
}

#[test]
fn pipeline_edited_by_the_change_is_admitted_and_may_be_refused() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    author.ok("ci-1", &["attest", "build", "--", "true"]);
    assert!(!author.verify("shop/feature").accepted().limitations().contains(&"pipeline-edited"));
    author.commit(".github/workflows/evidence.yml", "on: push\n");
    author.ok("ci-1", &["attest", "build", "--", "true"]);
    assert!(author.verify("shop/feature").accepted().limitations().contains(&"pipeline-edited"));
    let owner = team.machine("owner-box");
    let policy = common::POLICY.replace("version = 1", "version = 1\nrefuse_limitations = [\"pipeline-edited\"]");
    fs::write(owner.path("policy.toml"), policy).unwrap();
    owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
    let judged = |branch: &str, file: &str| {
        author.git(&["fetch", "-q", "origin"]);
        author.begin(branch, "low");
        author.commit(file, "x\n");
        author.ok("ci-1", &["attest", "build", "--", "true"]);
        author.verify(&format!("shop/{branch}"))
    };
    judged("edited", ".github/workflows/evidence.yml").refused(&["E302"]);
    judged("other", "src/other.rs").accepted();
}

#[test]
fn workflow_of_a_branch_that_is_neither_the_target_nor_the_changes_own_is_admitted() {
    let team = Team::new();
    let author = team.machine("author");
    let judged = |branch: &str, workflow: &str| {
        author.git(&["fetch", "-q", "origin"]);
        author.begin(branch, "low");
        let mut command = author.command("ci-1", &["attest", "build", "--", "true"]);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_REPOSITORY", "acme/shop");
        command.env("GITHUB_WORKFLOW_REF", workflow).env("EVIDENCE_CHANGE", format!("shop/{branch}"));
        assert_eq!(Ran::of(command.output().unwrap()).code, 0);
        let verdict = author.verify(&format!("shop/{branch}"));
        verdict.accepted().limitations().contains(&"pipeline-edited")
    };
    let file = "acme/shop/.github/workflows/evidence.yml";
    assert!(judged("a", &format!("{file}@refs/heads/evil-ci")));
    assert!(!judged("b", &format!("{file}@refs/heads/main")));
    assert!(!judged("c", &format!("{file}@refs/pull/4/merge")));
    assert!(!judged("d", &format!("{file}@refs/heads/d")));
    // One that the organisation requires is no branch's.
    assert!(!judged("e", "acme/ci/.github/workflows/evidence.yml@refs/heads/evil-ci"));
}

#[test]
fn files_that_the_branch_put_under_the_gates_names_are_not_shown() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    fs::write(author.path("secret"), "of the gate\n").unwrap();
    for name in ["evidence.md", "evidence.zip"] {
        std::os::unix::fs::symlink("../secret", author.repo().join(name)).unwrap();
    }
    author.git(&["add", "-A"]);
    author.git(&["commit", "-q", "-m", "links"]);
    let summary = author.path("summary.md");
    let mut variables = PULL.to_vec();
    variables.extend([("GITHUB_REF", "refs/heads/feature"), ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())]);
    // Also where they are written into the work tree.
    variables.push(("EVIDENCE_OUT", "."));
    let ran = step(&author, "reviewer", &["gate"], &variables);
    assert_eq!(ran.code, 1, "{ran:?}");
    let shown = fs::read_to_string(summary).unwrap();
    assert!(shown.contains("refused") && !shown.contains("of the gate"), "{shown}");
    assert!(!author.repo().join("evidence.zip").exists());
    assert_eq!(fs::read_to_string(author.path("secret")).unwrap(), "of the gate\n");
}

#[test]
fn comment_is_made_once_and_edited_in_place() {
    let team = Team::new();
    let job = team.machine("job");
    let bin = job.path("bin");
    fs::create_dir_all(&bin).unwrap();
    // What `gh api` would be asked, and a forge with one comment after the first time.
    let gh = format!(
        "#!/bin/sh\necho \"$@\" >> {0}/asked\nfor word; do case $word in body=@*) cat \"${{word#body=@}}\" > {0}/said ;; esac; done\ncase \"$*\" in 'api user'*) cat {0}/me 2>/dev/null; exit ;; *--paginate*) cat {0}/comments 2>/dev/null; exit 0 ;; *POST*) echo 77 > {0}/comments ;; esac\n",
        bin.display()
    );
    fs::write(bin.join("gh"), gh).unwrap();
    fs::set_permissions(bin.join("gh"), fs::Permissions::from_mode(0o755)).unwrap();
    let said = || fs::read_to_string(bin.join("said")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut variables = PULL.to_vec();
    variables.extend([("GITHUB_REPOSITORY", "acme/shop"), ("PATH", path.as_str())]);
    // Without a verdict there is nothing to say, where nothing was said before.
    let asked = || fs::read_to_string(bin.join("asked")).unwrap();
    assert_eq!(step(&job, "ci-1", &["comment"], &variables).code, 0);
    assert!(!asked().contains("--method"), "{}", asked());
    job.write(".git/evidence-out/evidence.md", "accepted\n");
    for _ in 0..2 {
        let ran = step(&job, "ci-1", &["comment"], &variables);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    assert_eq!(asked().matches("--method POST repos/acme/shop/issues/1/comments").count(), 1, "{}", asked());
    assert_eq!(asked().matches("--method PATCH repos/acme/shop/issues/comments/77").count(), 1, "{}", asked());
    assert!(asked().contains(".user.type == \"Bot\"") && !asked().contains(".user.login =="), "{}", asked());
    assert!(said().ends_with("accepted\n"), "{}", said());
    // An acceptance does not stay where the gate could not judge any more; a person's token finds what that person wrote.
    fs::remove_file(job.repo().join(".git/evidence-out/evidence.md")).unwrap();
    fs::write(bin.join("me"), "ana\n").unwrap();
    assert_eq!(step(&job, "ci-1", &["comment"], &variables).code, 0);
    assert_eq!(asked().matches("--method PATCH repos/acme/shop/issues/comments/77").count(), 2, "{}", asked());
    assert!(asked().contains(".user.login == \"ana\""), "{}", asked());
    assert!(said().contains("could not judge") && !said().contains("accepted"), "{}", said());
}

#[test]
fn push_to_a_protected_branch_is_stopped_until_the_change_is_accepted() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    fs::create_dir_all(author.repo().join(".git/hooks")).unwrap();
    fs::copy(ready("git/pre-push"), author.repo().join(".git/hooks/pre-push")).unwrap();
    let push = |branch: &str| {
        let source = author.command("ci-1", &[]);
        let mut command = Command::new("git");
        command.env_clear().current_dir(author.repo()).args(["push", "-q", "origin", &format!("HEAD:{branch}")]);
        for (name, value) in source.get_envs() {
            command.env(name, value.unwrap());
        }
        Ran::of(command.env("EVIDENCE", EVIDENCE).output().unwrap())
    };
    assert_eq!(push("elsewhere").code, 0);
    let ran = push("main");
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("E201"), "{ran:?}");
    author.ok("ci-1", &["attest", "build", "--", "true"]);
    let ran = push("main");
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn agent_is_sent_back_while_it_can_mend_what_is_missing_and_no_longer() {
    if Command::new("jq").arg("--version").output().is_err() {
        eprintln!("jq is not installed: the hook needs it");
        return;
    }
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "high");
    let stop = |input: &str, roles: &str| {
        let source = author.command("ci-1", &[]);
        let mut command = Command::new(ready("agent/stop-hook.sh"));
        command.env_clear().current_dir(author.repo());
        for (name, value) in source.get_envs() {
            command.env(name, value.unwrap());
        }
        fs::write(author.path("input.json"), input).unwrap();
        let input = fs::File::open(author.path("input.json")).unwrap();
        command.env("EVIDENCE", EVIDENCE).env("EVIDENCE_AGENT_ROLES", roles).stdin(input);
        Ran::of(command.output().unwrap())
    };
    let ran = stop("{}", "ci");
    assert_eq!(ran.code, 0, "{ran:?}");
    let said = ran.json();
    assert_eq!(said["decision"], "block");
    let reason = said["reason"].as_str().unwrap();
    assert!(reason.contains("E201") && reason.contains("'evidence' 'attest' 'build'"), "{reason}");
    // Whoever was sent back once may stop; and what only others can mend sends nobody back.
    assert_eq!(stop("{\"stop_hook_active\": true}", "ci").out, "");
    for claim in ["build", "unit-tests", "scan"] {
        let reports = match claim {
            "unit-tests" => vec!["--report", "../tests.xml"],
            "scan" => vec!["--report", "../scan.sarif"],
            _ => vec!["--", "true"],
        };
        fs::write(author.path("tests.xml"), junit(2, 0)).unwrap();
        fs::write(author.path("scan.sarif"), common::sarif(&[])).unwrap();
        let mut words = vec!["attest", claim];
        words.extend(reports);
        author.ok("ci-1", &words);
    }
    let ran = stop("{}", "ci");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    // The reviewer is sent to review.
    assert!(stop("{}", "reviewer").out.contains("peer-review"));
    author.ok("reviewer", &["review", "peer-review", "--verdict", "pass"]);
    assert_eq!(stop("{}", "reviewer").out, "");
}
