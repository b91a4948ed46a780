//! A team's day: one bare remote with its ledger, four CI machines, three people and two agents with keys of their own, twenty changes.
//!
//! Races, retries, force pushes, cancelled jobs, a matrix, a trailer, a fork, a queue, branches that are deleted, a remote that goes away; and
//! cheats. In the evening a fresh clone audits the
//! branch: every merged change holds, nothing is lost, and what went past the gate is listed.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Stdio};

use common::Ran;
use common::team::{LEDGER_REF, Machine, Team};

/// How many results were answered, by what their commands came to.
#[derive(Default)]
struct Answered {
    passed: usize,
    failed: usize,
}

struct Day {
    team: Team,
    machines: Vec<Machine>,
    gate: Machine,
    main: Machine,
    answered: Answered,
}

impl Day {
    fn new() -> Self {
        let team = Team::new();
        let machines = (1..=4).map(|number| team.machine(&format!("ci-{number}"))).collect();
        let (gate, main) = (team.machine("gate"), team.machine("main-box"));
        Self { team, machines, gate, main, answered: Answered::default() }
    }

    /// An author's branch with one commit, planned and pushed.
    fn begin(&self, author: &Machine, branch: &str, tier: &str) {
        author.git(&["fetch", "-q", "origin"]);
        author.begin(branch, tier);
    }

    fn check_out(machine: &Machine, branch: &str) {
        machine.git(&["fetch", "-q", "origin"]);
        machine.git(&["checkout", "-q", "--detach", &format!("origin/{branch}")]);
    }

    fn start(machine: &Machine, branch: &str, claim: &str, command: &str) -> Child {
        Self::check_out(machine, branch);
        let change = format!("shop/{branch}");
        let words = ["attest", claim, "--change", &change, "--", "sh", "-c", command];
        machine.command("ci-1", &words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn end(&mut self, child: Child, wanted: i32) {
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, wanted, "{ran:?}");
        if wanted == 0 { self.answered.passed += 1 } else { self.answered.failed += 1 }
    }

    fn attest(&mut self, machine: usize, branch: &str, claim: &str, command: &str, wanted: i32) {
        let child = Self::start(&self.machines[machine], branch, claim, command);
        self.end(child, wanted);
    }

    /// Judges as the gate does; returns the exit code.
    fn judge(&self, branch: &str) -> i32 {
        Self::check_out(&self.gate, branch);
        self.gate.by("reviewer", &["verify", &format!("shop/{branch}")]).code
    }

    /// Squashes a branch onto main, pushes and records the merge.
    fn squash(&self, branch: &str) -> Ran {
        self.main.git(&["fetch", "-q", "origin"]);
        self.main.git(&["checkout", "-q", "-B", "main", "origin/main"]);
        self.main.git(&["merge", "-q", "--squash", &format!("origin/{branch}")]);
        self.main.git(&["commit", "-q", "-m", &format!("{branch} (squashed)")]);
        self.main.git(&["push", "-q", "origin", "main"]);
        self.main.by("ci-2", &["record", "merge", &format!("shop/{branch}"), "--branch", "main"])
    }

    /// Brings a branch up to main: a new tree, which needs new evidence.
    fn update(&self, author: &Machine, branch: &str) {
        author.git(&["fetch", "-q", "origin"]);
        author.git(&["checkout", "-q", "-B", branch, &format!("origin/{branch}")]);
        author.git(&["merge", "-q", "-m", "update", "origin/main"]);
        author.git(&["push", "-q", "origin", branch]);
    }
}

#[test]
fn in_the_evening_every_merge_holds_nothing_is_lost_and_every_cheat_is_listed() {
    let mut day = Day::new();
    let (ana, bot) = (day.team.machine("ana"), day.team.machine("bot"));
    let mut merged = Vec::new();
    // The second agent has a key and an address of its own; the tests run on two systems.
    let owner = day.team.machine("owner-box");
    owner.ok("owner", &["key", "new", "bot", "-o", "../../keys/bot.pem"]);
    let grant = ["key", "grant", "../../keys/bot.pem", "--principal", "bot", "--role", "implementer"];
    owner.ok("owner", &[&grant[..], &["--email", "bot@example.org"]].concat());
    let policy = common::POLICY.replace("tests = {", "variants = [\"linux\", \"macos\"]\ntests = {");
    fs::write(owner.path("policy.toml"), policy).unwrap();
    owner.ok("owner", &["policy", "apply", "../policy.toml", "--reason", "two systems"]);
    bot.git(&["config", "user.name", "bot"]);
    bot.git(&["config", "user.email", "bot@example.org"]);

    // Four at once on four machines: jobs race for the ledger. One fails first and is mended, one is cancelled and run again.
    let morning = ["m1", "m2", "m3", "m4"];
    for branch in morning {
        day.begin(&ana, branch, "low");
    }
    let children: Vec<Child> = morning
        .iter()
        .zip(&day.machines)
        .map(|(branch, machine)| {
            let command = if *branch == "m3" { "exit 3" } else { "true" };
            Day::start(machine, branch, "build", command)
        })
        .collect();
    for (branch, child) in morning.iter().zip(children) {
        day.end(child, if *branch == "m3" { 3 } else { 0 });
    }
    assert_eq!(day.judge("m3"), 1);
    day.attest(2, "m3", "build", "true", 0);
    let mut cancelled = Day::start(&day.machines[3], "m4", "build", "sleep 60");
    while day.gate.verify("shop/m4").code == 0 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    cancelled.kill().unwrap();
    cancelled.wait().unwrap();
    day.attest(3, "m4", "build", "true", 0);
    for branch in morning {
        // Each merge moves main: the next branch is brought up to it and judged anew.
        if !merged.is_empty() {
            day.update(&ana, branch);
            assert_eq!(day.judge(branch), 1, "{branch}: the old evidence is about another tree");
            day.attest(merged.len() % 4, branch, "build", "true", 0);
        }
        assert_eq!(day.judge(branch), 0, "{branch}");
        let ran = day.squash(branch);
        assert_eq!(ran.code, 0, "{branch}: {ran:?}");
        merged.push(branch.to_owned());
    }

    // Agents: reviews by who may, and by who may not.
    day.begin(&bot, "agent-1", "high");
    fs::write(day.machines[0].path("tests.xml"), common::junit(3, 0)).unwrap();
    fs::write(day.machines[0].path("scan.sarif"), common::sarif(&[])).unwrap();
    day.attest(0, "agent-1", "build", "true", 0);
    day.machines[0].ok("ci-1", &["attest", "scan", "--change", "shop/agent-1", "--report", "../scan.sarif"]);
    day.answered.passed += 1;
    for (variant, refused) in [("linux", 1), ("macos", 1)] {
        let tests =
            ["attest", "unit-tests", "--change", "shop/agent-1", "--variant", variant, "--report", "../tests.xml"];
        assert_eq!(day.judge("agent-1"), refused);
        day.machines[0].ok("ci-1", &tests);
        day.answered.passed += 1;
    }
    // The agent reviews itself: refused, whatever it says. Another agent may, if it holds the role, and this one does not.
    let review = ["review", "peer-review", "--change", "shop/agent-1", "--verdict", "pass"];
    for agent in ["bot", "agent"] {
        Day::check_out(&bot, "agent-1");
        let _ = bot.by(agent, &review);
        assert_eq!(day.judge("agent-1"), 1, "{agent}");
    }
    Day::check_out(&day.gate, "agent-1");
    day.gate.ok("reviewer", &review);
    assert_eq!(day.judge("agent-1"), 0);
    assert_eq!(day.squash("agent-1").code, 0);
    merged.push("agent-1".to_owned());

    // A force push after the verdict: what is judged is what is there.
    day.begin(&bot, "forced", "low");
    day.attest(1, "forced", "build", "true", 0);
    assert_eq!(day.judge("forced"), 0);
    bot.git(&["checkout", "-q", "forced"]);
    bot.write("src/forced.rs", "something else\n");
    bot.git(&["add", "-A"]);
    bot.git(&["commit", "-q", "--amend", "-m", "swapped"]);
    bot.git(&["push", "-q", "--force", "origin", "forced"]);
    assert_eq!(day.judge("forced"), 1);
    day.attest(1, "forced", "build", "true", 0);
    assert_eq!(day.judge("forced"), 0);
    assert_eq!(day.squash("forced").code, 0);
    merged.push("forced".to_owned());

    // A queue: one commit with two changes, judged as that commit.
    for branch in ["q1", "q2"] {
        day.begin(&ana, branch, "low");
    }
    ana.git(&["checkout", "-q", "--detach", "origin/main"]);
    ana.git(&["merge", "-q", "--no-ff", "-m", "queue of two", "origin/q1", "origin/q2"]);
    ana.git(&["push", "-q", "origin", "HEAD:refs/heads/queue"]);
    for (machine, branch) in [(0, "q1"), (1, "q2")] {
        Day::check_out(&day.machines[machine], "queue");
        let change = format!("shop/{branch}");
        day.machines[machine].ok("ci-1", &["attest", "build", "--change", &change, "--", "true"]);
        day.answered.passed += 1;
    }
    day.main.git(&["fetch", "-q", "origin"]);
    day.main.git(&["checkout", "-q", "-B", "main", "origin/queue"]);
    day.main.git(&["push", "-q", "origin", "main"]);
    let words = ["record", "merge", "--change", "shop/q1", "--change", "shop/q2", "--branch", "main"];
    day.main.ok("ci-2", &words);
    merged.extend(["q1".to_owned(), "q2".to_owned()]);
    // Said twice, it is recorded once.
    day.main.ok("ci-2", &words);
    // What is merged needs its branches no more.
    ana.git(&["push", "-q", "origin", "--delete", "q1", "q2", "queue"]);

    // A change that nobody names anywhere: the trailer in its commit tells which plan it is of, and the push which commit it is.
    bot.git(&["fetch", "-q", "origin"]);
    bot.git(&["switch", "-q", "-c", "named", "origin/main"]);
    bot.ok("planner", &["plan", "shop/ticket-7", "--tier", "low", "--implementer", "bot"]);
    let trailer = bot.ok("reviewer", &["plan", "shop/ticket-7", "--trailer"]).out;
    bot.write("src/named.rs", "named\n");
    bot.git(&["add", "-A"]);
    bot.git(&["commit", "-q", "-m", "named", "--trailer", trailer.trim()]);
    bot.git(&["push", "-q", "origin", "named"]);
    Day::check_out(&day.machines[1], "named");
    day.machines[1].ok("ci-1", &["attest", "build", "--", "true"]);
    day.answered.passed += 1;
    day.main.git(&["fetch", "-q", "origin"]);
    day.main.git(&["checkout", "-q", "-B", "main", "origin/main"]);
    day.main.git(&["merge", "-q", "--ff-only", "origin/named"]);
    day.main.git(&["push", "-q", "origin", "main"]);
    let ran = day.main.ok("ci-2", &["record", "merge", "--branch", "main"]);
    assert!(ran.out.contains("merged shop/ticket-7"), "{ran:?}");
    bot.git(&["push", "-q", "origin", "--delete", "named"]);
    merged.push("ticket-7".to_owned());

    // The remote goes away while a job runs; what it came to is delivered when it is back.
    day.begin(&ana, "spooled", "low");
    let (here, away) = (day.team.remote(), day.team.path("away.git"));
    let script = format!("mv {} {}", here.display(), away.display());
    let child = Day::start(&day.machines[2], "spooled", "build", &script);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(125));
    fs::rename(away, here).unwrap();
    day.machines[2].ok("ci-1", &["attest", "--flush"]);
    day.answered.passed += 1;
    assert_eq!(day.judge("spooled"), 0);
    assert_eq!(day.squash("spooled").code, 0);
    merged.push("spooled".to_owned());

    // Small ones through the afternoon.
    for number in 1..=8 {
        let branch = format!("a{number}");
        day.begin(if number % 2 == 0 { &bot } else { &ana }, &branch, "low");
        day.attest(number % 4, &branch, "build", "true", 0);
        assert_eq!(day.judge(&branch), 0);
        let ran = day.squash(&branch);
        assert_eq!(ran.code, 0, "{branch}: {ran:?}");
        merged.push(branch);
    }

    // A fork: its own pipeline has no key, so nothing of it counts; a pipeline of the base attests it.
    day.begin(&bot, "fork", "low");
    let mut keyless = bot.command("stranger", &["attest", "build", "--change", "shop/fork", "--", "true"]);
    let ran = Ran::of(keyless.env_remove("EVIDENCE_LOG_KEY").env_remove("EVIDENCE_KEY").output().unwrap());
    assert_eq!(ran.code, 125, "{ran:?}");
    day.attest(0, "fork", "build", "true", 0);
    assert_eq!(day.squash("fork").code, 0);
    merged.push("fork".to_owned());

    // Cheats. A push past the gate, and a merge that is recorded without a verdict.
    day.main.git(&["checkout", "-q", "-B", "main", "origin/main"]);
    let past = day.main.commit("src/backdoor.rs", "past the gate\n");
    day.main.git(&["push", "-q", "origin", "main"]);
    day.begin(&ana, "unproven", "low");
    let refused = day.squash("unproven");
    assert_eq!(refused.code, 1, "{refused:?}");
    day.main.ok("ci-2", &["record", "merge", "shop/unproven", "--branch", "main", "--unverified"]);
    let unproven = day.main.git(&["rev-parse", "HEAD"]);
    // A failure is to be forgotten by taking the ledger back: every machine that saw it says so, and it is put back.
    let newest = day.team.head();
    let old = day.team.git(&["rev-parse", &format!("{LEDGER_REF}~3")]);
    day.team.git(&["update-ref", LEDGER_REF, &old]);
    assert_eq!(day.main.by("reviewer", &["verify", "shop/unproven"]).code, 3);
    day.team.git(&["update-ref", LEDGER_REF, &newest]);

    // The evening: a fresh clone, and nobody's memory.
    assert_eq!(merged.len() + 1, 20, "with the one that went past the gate");
    let auditor = day.team.machine("auditor");
    auditor.ok("reviewer", &["ledger", "check"]);
    auditor.git(&["checkout", "-q", "-B", "main", "origin/main"]);
    let first = auditor.git(&["rev-list", "--max-parents=0", "HEAD"]);
    let range = format!("{first}..main");
    let ran = auditor.by("reviewer", &["audit", "--branch", "main", "--range", &range, "--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let audit = ran.json();
    let mut states: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut accepted: Vec<String> = Vec::new();
    for commit in audit["commits"].as_array().unwrap() {
        let state = commit["state"].as_str().unwrap().to_owned();
        states.entry(state.clone()).or_default().push(commit["commit"].as_str().unwrap().to_owned());
        if state == "accepted" {
            let changes = commit.to_string();
            accepted.extend(merged.iter().filter(|branch| changes.contains(&format!("shop/{branch}\""))).cloned());
        }
    }
    accepted.sort();
    accepted.dedup();
    merged.sort();
    assert_eq!(accepted, merged, "{audit:#}");
    assert_eq!(states["unverified"], [unproven], "{audit:#}");
    // The commit that brought the ledger's own policy came before there was anything to judge by.
    let without = &states["without-evidence"];
    assert!(without.contains(&past) && without.len() <= 2, "{audit:#}");
    assert!(!states.contains_key("refused"), "{audit:#}");
    // Nothing is lost: each answered result is there, once.
    let log = auditor.ok("reviewer", &["log", "--kind", "result", "--limit", "1000", "--json"]).json();
    let outcomes: Vec<&str> =
        log["records"].as_array().unwrap().iter().map(|record| record["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "pass").count(), day.answered.passed);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome != "pass").count(), day.answered.failed);
}
