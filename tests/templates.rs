//! The pipelines that are ready to copy, run step by step as their CI systems would: what their files say, with the expressions put in.
//!
//! Not here: what only a forge can do (which jobs its conditions start, its artifacts and tokens).

mod common;
#[path = "common/runner.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod runner;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use common::team::{Machine, Team};
use common::{EVIDENCE, Ran, junit};
use runner::{program, pull_request, ready, shallow};

fn text(name: &str) -> String {
    fs::read_to_string(ready(name)).unwrap()
}

/// Returns the scripts under a key of a YAML file: blocks, plain and quoted lines, and items of lists.
fn scripts(yaml: &str, key: &str) -> Vec<String> {
    let lines: Vec<&str> = yaml.lines().collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Some(value) = line.trim_start().trim_start_matches("- ").strip_prefix(&format!("{key}:")) else { continue };
        let below = lines[number + 1..].iter().take_while(|next| next.trim().is_empty() || depth(next) > depth(line));
        let below: Vec<&str> = below.copied().collect();
        found.push(match value.trim() {
            "|" => {
                let indent = depth(below[0]);
                below.iter().map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
            }
            "" => below.iter().map(|line| line.trim().trim_start_matches("- ")).collect::<Vec<_>>().join("\n"),
            quoted if quoted.starts_with('\'') => quoted.trim_matches('\'').replace("''", "'"),
            plain => plain.to_owned(),
        });
    }
    found
}

/// Returns the steps of the example's job that use the action: what they give it.
fn uses(example: &str, job: &str) -> Vec<(String, String)> {
    let (_, rest) = example.split_once(&format!("\n  {job}:\n")).unwrap();
    let lines = rest.lines().take_while(|line| line.starts_with("    ") || line.trim().is_empty());
    let with = lines.skip_while(|line| !line.contains("OWNER/evidence")).skip(1);
    let mut found = Vec::new();
    for line in with {
        let line = line.trim();
        let line = line.strip_prefix("with: {").and_then(|line| line.strip_suffix('}')).unwrap_or(line).trim();
        match line.split_once(": ") {
            Some((name, value)) if !line.starts_with('#') => found.push((name.to_owned(), value.to_owned())),
            _ => {}
        }
    }
    found
}

/// Runs a job of the example on a machine, as the composite action's own steps say.
fn action(machine: &Machine, who: &str, job: &str, values: &[(&str, &str)], variables: &[(&str, &str)]) -> Vec<Ran> {
    let yaml = text("github/action.yml");
    let given = uses(&text("github/example.yml"), job);
    assert!(given.iter().any(|(name, _)| name == "step"), "{given:?}");
    let put = |text: &str| {
        let mut text = text.to_owned();
        for (expression, value) in values {
            text = text.replace(&format!("${{{{ {expression} }}}}"), value);
        }
        text
    };
    let input = |name: &str| {
        let (_, rest) = yaml.split_once(&format!("\n  {name}:\n")).unwrap_or_else(|| panic!("no input {name}"));
        let default = rest.lines().find_map(|line| line.trim().strip_prefix("default: ")).unwrap_or_default();
        let found = given.iter().find(|(given, _)| given == name).map_or(default, |(_, value)| value.as_str());
        put(found.trim_matches('"'))
    };
    // Nothing is given that the action does not take.
    let inputs: Vec<(String, String)> = given.iter().map(|(name, _)| (name.clone(), input(name))).collect();
    let is_gate = inputs.contains(&("step".to_owned(), "gate".to_owned()));
    let mut environment: Vec<(String, String)> = Vec::new();
    for line in yaml.lines().map(str::trim) {
        if let Some((name, rest)) = line.split_once(": ${{ ")
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        {
            let expression = rest.trim_end_matches(" }}");
            let value = match expression.strip_prefix("inputs.") {
                Some(name) => input(name),
                None => put(&format!("${{{{ {expression} }}}}")),
            };
            assert!(!value.contains("${{"), "{name} is {value}");
            environment.push((name.to_owned(), value));
        }
    }
    let folder = ready("github");
    environment.push(("GITHUB_ACTION_PATH".to_owned(), folder.display().to_string()));
    environment.push(("RUNNER_TEMP".to_owned(), machine.path("runner").display().to_string()));
    let mut all: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    all.extend(variables.iter().copied());
    let mut ran = Vec::new();
    for (number, script) in scripts(&yaml, "run").iter().enumerate() {
        // The second one is the gate's comment.
        if number == 0 || is_gate && all.contains(&("GITHUB_EVENT_NAME", "pull_request")) {
            fs::write(machine.path("step.sh"), script).unwrap();
            let words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "../step.sh"];
            ran.push(Ran::of(program(machine, who, &words, &all).output().unwrap()));
        }
    }
    ran
}

fn key(team: &Team, name: &str) -> String {
    fs::read_to_string(team.path(name)).unwrap()
}

/// A `gh` that knows no comment and writes down what it is asked.
fn forge_client(machine: &Machine) {
    let bin = machine.path("bin");
    fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(EVIDENCE, bin.join("evidence")).unwrap();
    std::os::unix::fs::symlink(ready("ci.sh"), bin.join("evidence-ci")).unwrap();
    fs::write(bin.join("gh"), "#!/bin/sh\necho \"$GH_TOKEN $*\" >>../asked\n").unwrap();
    fs::set_permissions(bin.join("gh"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// How the action finds out whether a run is a fork's.
const FORK: &str = "github.event_name == 'pull_request' && (github.event.pull_request.head.repo.full_name != github.repository || github.actor == 'dependabot[bot]')";

/// The policy of the team with the variants that the example runs.
fn variants(team: &Team) {
    let owner = team.machine("owner-box");
    let text = common::POLICY
        .replace("tests = {", "variants = [\"linux\", \"macos\"]\ntests = {")
        .replace("require = [\"build\"]", "require = [\"unit-tests\"]");
    fs::write(owner.path("policy.toml"), text).unwrap();
    owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
}

#[test]
fn github_workflow_plans_attests_judges_comments_and_merges() {
    let team = Team::new();
    variants(&team);
    let author = team.machine("author");
    author.git(&["switch", "-q", "-c", "feature"]);
    author.commit("src/two.rs", "two\n");
    author.commit("Makefile", "test:\n\tmkdir -p target\n\tcp ../tests.xml target/junit.xml\n");
    author.commit(".gitignore", "target/\n");
    author.git(&["push", "-q", "origin", "feature"]);
    let trial = pull_request(&author, "feature");
    let pull = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_REF", "refs/pull/1/merge"),
        ("GITHUB_SHA", trial.as_str()),
        ("GITHUB_BASE_REF", "main"),
        ("GITHUB_HEAD_REF", "feature"),
        ("GITHUB_REPOSITORY", "acme/shop"),
        ("GITHUB_SERVER_URL", "https://forge.example"),
    ];
    let (planner, ci, log) = (key(&team, "keys/planner.pem"), key(&team, "keys/ci-1.pem"), key(&team, "log.pem"));
    let trust = key(&team, "trust.toml");
    let values = |labels: &'static str, variant: &'static str| {
        [
            ("join(github.event.pull_request.labels.*.name, ',')", labels),
            ("matrix.variant", variant),
            ("github.token", "a-token"),
            (FORK, "false"),
            ("secrets.EVIDENCE_PLANNER_KEY", &planner),
            ("secrets.EVIDENCE_KEY", &ci),
            ("secrets.EVIDENCE_LOG_KEY", &log),
            ("vars.EVIDENCE_TRUST", &trust),
        ]
        .map(|(name, value)| (name, value.to_owned()))
    };
    let run = |name: &str, at: &str, job: &str, variant: &'static str, variables: &[(&str, &str)]| {
        let machine = shallow(&team, name, at);
        fs::write(machine.path("tests.xml"), junit(2, 0)).unwrap();
        forge_client(&machine);
        let values = values("bug,evidence:low", variant);
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // No key comes from anywhere but the action's inputs.
        let variables = [&[("EVIDENCE_KEY", ""), ("EVIDENCE_LOG_KEY", "")], variables].concat();
        let variables: Vec<(&str, &str)> = variables.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        (action(&machine, "agent", job, &values, &variables), machine)
    };
    let at = "refs/pull/1/merge";
    let (ran, _) = run("plan", at, "plan", "", &pull);
    assert!(ran[0].code == 0 && ran[0].out.contains("tier low"), "{ran:?}");
    let (ran, machine) = run("gate-1", at, "gate", "", &pull);
    assert_eq!((ran[0].code, ran[1].code), (1, 0), "{ran:?}");
    assert!(
        fs::read_to_string(machine.path("asked"))
            .unwrap()
            .contains("a-token api --silent --method POST repos/acme/shop/issues/1/comments")
    );
    for variant in ["linux", "macos"] {
        let (ran, _) = run(variant, at, "tests", variant, &pull);
        assert_eq!(ran[0].code, 0, "{ran:?}");
    }
    let (ran, machine) = run("gate-2", at, "gate", "", &pull);
    assert_eq!(ran[0].code, 0, "{ran:?}");
    // All that is to be uploaded is there.
    let paths = scripts(&text("github/action.yml"), "path");
    assert!(paths.contains(&"${{ runner.temp }}/evidence".to_owned()), "{paths:?}");
    for name in ["md", "json", "sarif", "zip"].map(|end| format!("runner/evidence/evidence.{end}")) {
        assert!(machine.path(&name).exists(), "{name}");
    }
    assert_eq!(machine.git(&["status", "--porcelain"]), "");
    // What waits lies where the artifact is taken from, and is brought to.
    let spool = paths.iter().filter(|path| *path == "${{ runner.temp }}/evidence-spool").count();
    assert_eq!(spool, 2, "{paths:?}");
    // The queue's run of the same jobs, on the commit that it made, and the push of that.
    let queue = "refs/heads/gh-readonly-queue/main/pr-1-aa";
    author.git(&["push", "-q", "origin", &format!("{trial}:{queue}")]);
    let group = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "merge_group"),
        ("GITHUB_REF", queue),
        ("GITHUB_SHA", trial.as_str()),
        ("GITHUB_SERVER_URL", "https://forge.example"),
    ];
    assert_eq!(run("queue-gate-1", queue, "gate", "", &group).0[0].code, 1);
    for variant in ["linux", "macos"] {
        let (ran, _) = run(&format!("queue-{variant}"), queue, "tests", variant, &group);
        assert_eq!(ran[0].code, 0, "{ran:?}");
    }
    let (ran, _) = run("queue-gate-2", queue, "gate", "", &group);
    assert_eq!((ran.len(), ran[0].code), (1, 0), "{ran:?}");
    author.git(&["push", "-q", "origin", &format!("{trial}:main")]);
    let push = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_SHA", trial.as_str()),
        ("GITHUB_SERVER_URL", "https://forge.example"),
    ];
    let (ran, _) = run("merged", "refs/heads/main", "merged", "", &push);
    assert!(ran[0].code == 0 && ran[0].out.contains("merged shop/feature to refs/heads/main"), "{ran:?}");
}

#[test]
fn gitlab_template_attests_judges_and_merges() {
    let team = Team::new();
    let author = team.machine("author");
    author.git(&["switch", "-q", "-c", "feature"]);
    author.commit("src/feature.rs", "feature\n");
    author.git(&["push", "-q", "origin", "feature"]);
    // Where GitLab looks for components.
    let yaml = text("gitlab/templates/evidence.yml");
    let lines = scripts(&yaml, "script");
    let [plan, attest, flush, gate, merged] = &lines[..] else { panic!("{lines:?}") };
    let script = |line: &str| line.replace("$[[ inputs.claim ]]", "build");
    let run = |name: &str, at: &str, line: &str, variables: &[(&str, &str)]| {
        let who = if line == plan { "planner" } else { "ci-1" };
        let machine = shallow(&team, name, at);
        let out = if line == gate { "." } else { "" };
        let all = [
            &[
                ("EVIDENCE_OUT", out),
                ("GITLAB_CI", "true"),
                ("CI_DEFAULT_BRANCH", "main"),
                ("REPORT", ""),
                ("COMMAND", "echo \"it's\" && true"),
            ],
            variables,
        ]
        .concat();
        let ran = Ran::of(program(&machine, who, &["sh", "-euc", &script(line)], &all).output().unwrap());
        (ran, machine)
    };
    let request = [
        ("CI_PIPELINE_SOURCE", "merge_request_event"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
    ];
    let labels = [&request[..], &[("CI_MERGE_REQUEST_LABELS", "Evidence:Low,bug")]].concat();
    let (ran, _) = run("plan", "refs/heads/feature", plan, &labels);
    assert!(ran.code == 0 && ran.out.contains("planned shop/feature, tier low"), "{ran:?}");
    let (ran, _) = run("flush", "refs/heads/feature", flush, &request);
    assert!(ran.code == 0 && ran.out.contains("nothing waits"), "{ran:?}");
    assert_eq!(run("gate-1", "refs/heads/feature", gate, &request).0.code, 1);
    let (ran, _) = run("attest", "refs/heads/feature", attest, &request);
    assert_eq!(ran.code, 0, "{ran:?}");
    let (ran, machine) = run("gate-2", "refs/heads/feature", gate, &request);
    assert_eq!(ran.code, 0, "{ran:?}");
    for name in ["evidence.zip", "evidence.md", "evidence.json", "evidence-junit.xml", "evidence-codequality.json"] {
        assert!(
            yaml.contains(&name.replace("evidence.zip", "evidence*.zip")) && machine.repo().join(name).exists(),
            "{name}"
        );
    }
    team.git(&["update-ref", "refs/heads/main", "refs/heads/feature"]);
    let trust = team.path("trust.toml").display().to_string();
    let push = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "main")];
    // Without a trust file from outside nothing is recorded.
    assert_eq!(run("merged-1", "refs/heads/main", merged, &push).0.code, 2);
    let (ran, _) =
        run("merged-2", "refs/heads/main", merged, &[&push[..], &[("EVIDENCE_TRUST", trust.as_str())]].concat());
    assert!(ran.code == 0 && ran.out.contains("merged shop/feature to refs/heads/main"), "{ran:?}");
}

#[test]
fn jenkinsfile_attests_judges_and_merges() {
    let team = Team::new();
    let author = team.machine("author");
    author.git(&["switch", "-q", "-c", "feature", "origin/main"]);
    author.commit("Makefile", "test:\n\tmkdir -p target\n\tcp ../tests.xml target/junit.xml\n");
    author.commit(".gitignore", "target/\n");
    author.git(&["push", "-q", "origin", "feature"]);
    let owner = team.machine("owner-box");
    let policy = common::POLICY.replace("require = [\"build\"]", "require = [\"unit-tests\"]");
    fs::write(owner.path("policy.toml"), policy).unwrap();
    owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
    let file = text("jenkins/Jenkinsfile");
    let steps: Vec<&str> = file.split("sh '").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect();
    let [plan, attest, flush, gate, merged] = steps[..] else { panic!("{steps:?}") };
    let run = |name: &str, at: &str, script: &str, variables: &[(&str, &str)]| {
        let who = if script == plan { "planner" } else { "ci-1" };
        let machine = shallow(&team, name, at);
        fs::write(machine.path("tests.xml"), junit(2, 0)).unwrap();
        let ledger = format!("git:file://{}", team.remote().display());
        let all =
            [&[("JENKINS_URL", "http://ci"), ("WORKSPACE_TMP", "../tmp"), ("EVIDENCE_LEDGER", &ledger)], variables]
                .concat();
        Ran::of(program(&machine, who, &["sh", "-xec", script], &all).output().unwrap())
    };
    let request =
        [("BRANCH_NAME", "PR-1"), ("CHANGE_ID", "1"), ("CHANGE_BRANCH", "feature"), ("CHANGE_TARGET", "main")];
    let ran = run("unplanned", "refs/heads/feature", plan, &request);
    assert!(ran.code == 0 && ran.err.contains("nothing is planned"), "{ran:?}");
    let ran = run("plan", "refs/heads/feature", plan, &[&request[..], &[("TIER", "low")]].concat());
    assert!(ran.code == 0 && ran.out.contains("planned shop/feature, tier low"), "{ran:?}");
    let ran = run("flush", "refs/heads/feature", &flush.replace("sleep 20", ":"), &request);
    assert!(ran.code == 0 && ran.out.contains("nothing waits"), "{ran:?}");
    assert_eq!(run("gate-1", "refs/heads/feature", gate, &request).code, 1);
    let ran = run("tests", "refs/heads/feature", attest, &request);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = run("gate-2", "refs/heads/feature", gate, &request);
    assert_eq!(ran.code, 0, "{ran:?}");
    team.git(&["update-ref", "refs/heads/main", "refs/heads/feature"]);
    assert!(file.contains("variable: 'EVIDENCE_TRUST'"));
    let trust = team.path("trust.toml").display().to_string();
    let ran = run("merged", "refs/heads/main", merged, &[("BRANCH_NAME", "main"), ("EVIDENCE_TRUST", &trust)]);
    assert!(ran.code == 0 && ran.out.contains("merged shop/feature to refs/heads/main"), "{ran:?}");
}

#[test]
fn plain_shell_pipeline_plans_attests_judges_and_merges() {
    let team = Team::new();
    let owner = team.machine("owner-box");
    let policy = common::POLICY.replace("require = [\"build\"]", "require = [\"build\", \"unit-tests\"]");
    fs::write(owner.path("policy.toml"), policy).unwrap();
    owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
    let author = team.machine("author");
    author.git(&["switch", "-q", "-c", "feature", "origin/main"]);
    author.commit("Makefile", "build:\n\ttrue\ntest:\n\tmkdir -p target\n\tcp ../tests.xml target/junit.xml\n");
    author.commit(".gitignore", "target/\n");
    author.git(&["push", "-q", "origin", "feature"]);
    let before = author.git(&["rev-parse", "origin/main"]);
    let example = ready("shell/example.sh").display().to_string();
    let made = RefCell::new(BTreeMap::new());
    let run = |name: &str, at: &str, word: &str, failed: usize, variables: &[(&str, &str)]| {
        let machine = match made.borrow_mut().remove(name) {
            Some(machine) => machine,
            None => shallow(&team, name, at),
        };
        fs::write(machine.path("tests.xml"), junit(2, failed)).unwrap();
        let (planner, ci, log) = (key(&team, "keys/planner.pem"), key(&team, "keys/ci-1.pem"), key(&team, "log.pem"));
        let trust = team.path("trust.toml").display().to_string();
        let keys = [("PLANNER_KEY", planner.as_str()), ("CI_KEY", &ci), ("LOG_KEY", &log), ("TRUST", &trust)];
        let mut command = program(&machine, "stranger", &["sh", &example, word], &[&keys[..], variables].concat());
        // No key comes from anywhere but the example's own variables.
        let ran = Ran::of(command.env_remove("EVIDENCE_KEY").env_remove("EVIDENCE_LOG_KEY").output().unwrap());
        made.borrow_mut().insert(name.to_owned(), machine);
        ran
    };
    let request = [("BRANCH", "feature"), ("TIER", "low")];
    let ran = run("red", "refs/heads/feature", "request", 1, &request);
    assert!(ran.code == 1 && ran.err.contains("refused: shop/feature"), "{ran:?}");
    let ran = run("green", "refs/heads/feature", "request", 0, &request);
    assert!(ran.code == 0 && ran.err.contains("accepted: shop/feature"), "{ran:?}");
    // Once more in the workspace that there is by now: what the gate wrote makes no other tree of it.
    let ran = run("green", "refs/heads/feature", "request", 0, &request);
    assert!(ran.code == 0 && ran.err.contains("accepted: shop/feature"), "{ran:?}");
    team.git(&["update-ref", "refs/heads/main", "refs/heads/feature"]);
    let ran = run("merged", "refs/heads/main", "merged", 0, &[("BEFORE", &before)]);
    assert!(ran.code == 0 && ran.out.contains("merged shop/feature to refs/heads/main"), "{ran:?}");
}

#[test]
fn release_carries_a_checksum_and_a_statement_that_an_auditor_accepts() {
    let team = Team::new();
    let owner = team.machine("owner-box");
    let root = ready("..");
    // The claim as this project's own policy has it.
    let own = fs::read_to_string(root.join(".evidence/policy.toml")).unwrap();
    let own = own.split("\n\n").find(|table| table.contains("[claim.release]")).unwrap();
    let policy = common::POLICY
        .replace("[claim.build]", &format!("{own}\n\n[claim.build]"))
        .replace("require = [\"build\"]", "require = [\"release\"]");
    fs::write(owner.path("policy.toml"), policy).unwrap();
    owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
    let author = team.machine("author");
    let version = format!("[package]\nversion = \"{}\"\n", env!("CARGO_PKG_VERSION"));
    author.git(&["switch", "-q", "-c", "release", "origin/main"]);
    author.commit("release.sh", &fs::read_to_string(root.join("release.sh")).unwrap());
    author.commit("Cargo.toml", &version);
    author.commit(".gitignore", "/dist\n");
    author.ok("planner", &["plan", "shop/release", "--tier", "low", "--implementer", "agent"]);
    let trust = team.path("trust.toml").display().to_string();
    let release = |binary: &str| {
        let variables = [("EVIDENCE_BINARY", binary), ("EVIDENCE_TRUST", trust.as_str())];
        Ran::of(program(&author, "ci-1", &["bash", "release.sh"], &variables).output().unwrap())
    };
    // A binary of another version is not released under this one's name.
    fs::write(author.path("other"), "#!/bin/sh\necho evidence 99.0.0\n").unwrap();
    fs::set_permissions(author.path("other"), fs::Permissions::from_mode(0o755)).unwrap();
    let ran = release(author.path("other").to_str().unwrap());
    assert!(ran.code == 1 && ran.err.contains("wanted `evidence"), "{ran:?}");
    assert!(!author.repo().join("dist").exists());
    // Without a ledger there is no statement, and it is said.
    let nowhere = [("EVIDENCE_BINARY", EVIDENCE), ("EVIDENCE_LEDGER", "nowhere"), ("EVIDENCE_TRUST", trust.as_str())];
    let ran = Ran::of(program(&author, "ci-1", &["bash", "release.sh"], &nowhere).output().unwrap());
    assert!(ran.code == 125 && ran.err.contains("no signed statement"), "{ran:?}");
    fs::remove_dir_all(author.repo().join("dist")).unwrap();
    // A small one that does what this one does: what is tried here carries symbols, which no ledger on a remote takes.
    fs::write(author.path("small"), format!("#!/bin/sh\nexec {EVIDENCE} \"$@\"\n")).unwrap();
    fs::set_permissions(author.path("small"), fs::Permissions::from_mode(0o755)).unwrap();
    let ran = release(author.path("small").to_str().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    let dist = author.repo().join("dist");
    let mut names = fs::read_dir(&dist).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let name = names.find(|name| name.ends_with("-prebuilt")).unwrap();
    // Offline, with what was released and the trust file.
    author.ok("reviewer", &["audit", &format!("dist/{name}.evidence.zip")]);
    let check = || {
        let sums = format!("{name}.sha256");
        Command::new("sha256sum").args(["-c", &sums]).current_dir(&dist).output().unwrap().status.success()
    };
    assert!(check());
    fs::write(dist.join(&name), "another one").unwrap();
    assert!(!check());
}

/// Starts a script on a machine, waits until a file is there, and sends the one process that a runner knows a signal.
fn cancelled(machine: &Machine, script: &str, variables: &[(&str, &str)], sign: &str) -> Option<i32> {
    fs::write(machine.path("step.sh"), script).unwrap();
    let words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "../step.sh"];
    let mut child = program(machine, "ci-1", &words, variables).spawn().unwrap();
    let began = machine.path(sign);
    let since = std::time::Instant::now();
    while !began.exists() && since.elapsed() < std::time::Duration::from_secs(60) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(began.exists());
    common::system("kill", &["-INT".into(), child.id().to_string()]);
    child.wait().unwrap().code()
}

#[test]
fn cancelled_job_of_github_signs_that_it_was() {
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    let yaml = text("github/action.yml");
    let script = &scripts(&yaml, "run")[0];
    let folder = ready("github").display().to_string();
    let runner = author.path("runner").display().to_string();
    let variables = [
        ("GITHUB_ACTION_PATH", folder.as_str()),
        ("RUNNER_TEMP", runner.as_str()),
        ("STEP", "attest"),
        ("ARGUMENTS", "build -- sh -c ': >../began; exec sleep 60'"),
        ("INPUT_TRUST", ""),
    ];
    let code = cancelled(&author, script, &variables, "began");
    assert_ne!(code, Some(0));
    let log = author.ok("reviewer", &["log", "--change", "shop/feature", "--kind", "result", "--json"]).json();
    let serial = log["records"][0]["serial"].to_string();
    let shown = author.ok("reviewer", &["show", &serial, "--json"]).out;
    assert!(shown.contains("interrupted"), "{shown}");
    // What could not be delivered is kept, also then; and one of a matrix that fails cancels no other.
    assert!(yaml.contains("if: (failure() || cancelled()) && inputs.step == 'attest'"));
    assert!(text("github/example.yml").contains("fail-fast: false"));
}

#[test]
fn jobs_that_run_the_branchs_code_leave_no_token_in_the_checkout() {
    let example = text("github/example.yml");
    for file in [&example, &text("github/forks.yml")] {
        let checkouts = file.matches("uses: actions/checkout@").count();
        assert_eq!(file.matches("persist-credentials: false").count(), checkouts);
        assert!(file.contains("\npermissions: {}\n"));
    }
    // Git gets the token from `ci.sh`, for that forge and no other, and the command does not see it.
    let team = Team::new();
    let author = team.machine("author");
    author.begin("feature", "low");
    let ask =
        |host: &str| format!("printf 'protocol=https\\nhost={host}\\n\\n' | GIT_TERMINAL_PROMPT=0 git credential fill");
    let told = author.path("told");
    let fake = author.path("asks");
    fs::write(
        &fake,
        format!(
            "#!/bin/sh\n{{ {}; {}; }} >{} 2>&1\nexec {EVIDENCE} \"$@\"\n",
            ask("forge.example"),
            ask("evil.example"),
            told.display()
        ),
    )
    .unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    let ci = ready("ci.sh").display().to_string();
    let fake = fake.display().to_string();
    let attest = |name: &str, host: &str| {
        let line = format!("{} >../seen-{name} 2>&1 || :", ask(host));
        let words = ["sh", &ci, "attest", "build", "--", "sh", "-c", &line];
        let variables =
            [("EVIDENCE_TOKEN", "t0ken"), ("GITHUB_SERVER_URL", "https://forge.example"), ("EVIDENCE", &fake)];
        let ran = Ran::of(program(&author, "ci-1", &words, &variables).output().unwrap());
        assert_eq!(ran.code, 0, "{ran:?}");
        fs::read_to_string(author.path(&format!("seen-{name}"))).unwrap()
    };
    let seen = attest("one", "forge.example");
    // Nor does it stand in the way of what the command has of its own.
    assert!(!seen.contains("t0ken") && !seen.contains("username"), "{seen}");
    let told = fs::read_to_string(told).unwrap();
    assert_eq!(told.matches("password=t0ken").count(), 1, "{told}");
    assert!(told.contains("host=forge.example") && !told.contains("host=evil.example\nusername"), "{told}");
    let config = fs::read_to_string(author.repo().join(".git/config")).unwrap();
    assert!(!config.contains("t0ken"), "{config}");
}

#[test]
fn what_the_branch_left_in_the_workspace_does_not_reach_the_gate() {
    let team = Team::new();
    let author = team.machine("author");
    // The fake has the ledger as it was before anything failed, and the branch's code points the workspace at it.
    author.git(&["switch", "-q", "-c", "feature", "origin/main"]);
    let evil =
        "build:\n\tgit config remote.origin.url ../../fake.git\n\tgit config core.hooksPath ../hooks\ntest:\n\tfalse\n";
    author.commit("Makefile", evil);
    author.git(&["push", "-q", "origin", "feature"]);
    let owner = team.machine("owner-box");
    let policy = common::POLICY.replace("require = [\"build\"]", "require = [\"build\", \"unit-tests\"]");
    fs::write(owner.path("policy.toml"), policy).unwrap();
    owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "test"]);
    common::system(
        "cp",
        &["-a".into(), team.remote().display().to_string(), team.path("fake.git").display().to_string()],
    );
    let example = ready("shell/example.sh").display().to_string();
    let machine = shallow(&team, "ws", "refs/heads/feature");
    let (planner, ci, log) = (key(&team, "keys/planner.pem"), key(&team, "keys/ci-1.pem"), key(&team, "log.pem"));
    let variables =
        [("PLANNER_KEY", planner.as_str()), ("CI_KEY", &ci), ("LOG_KEY", &log), ("BRANCH", "feature"), ("TIER", "low")];
    let mut command = program(&machine, "stranger", &["sh", &example, "request"], &variables);
    command.env_remove("EVIDENCE_KEY").env_remove("EVIDENCE_LOG_KEY").env_remove("EVIDENCE_LEDGER");
    let ran = Ran::of(command.output().unwrap());
    assert!(machine.git(&["config", "remote.origin.url"]).ends_with("fake.git"));
    // Judged by the ledger in which the failure stands.
    assert!(ran.code == 1 && ran.err.contains("E202"), "{ran:?}");
    let gate = text("jenkins/Jenkinsfile");
    let (_, gate) = gate.split_once("stage('gate')").unwrap();
    assert!(
        gate.contains("deleteDir()") && gate.contains("XDG_CONFIG_HOME=") && gate.contains("label 'evidence-gate'")
    );
    assert!(text("jenkins/Jenkinsfile").contains("EVIDENCE_LEDGER_URL"));
}

#[test]
fn verdict_is_shown_where_a_gate_before_it_failed() {
    let lab = text("gitlab/templates/evidence.yml");
    let (_, gate) = lab.split_once("\nevidence-gate:\n").unwrap();
    assert!(gate.split("\nevidence-merged:").next().unwrap().contains("when: always"));
    let jenkins = text("jenkins/Jenkinsfile");
    let (tests, _) = jenkins.split_once("stage('gate')").unwrap();
    assert!(tests.contains("catchError("));
    // No credentials for forks, and one job for each claim, variant and shard.
    assert_eq!(tests.matches("expression { !env.CHANGE_FORK }").count(), 2);
    assert!(lab.contains("\n\"evidence-attest:$[[ inputs.claim ]]:$[[ inputs.variant ]]:$[[ inputs.shard ]]\":\n"));
}
