//! Jobs of CI systems as far as they go without a forge: fresh checkouts at depth 1, the documented variables, and `integrations/`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::team::{Machine, Team};
use crate::common::{EVIDENCE, Ran};

/// A file of `integrations/`.
pub fn ready(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations").join(name)
}

/// A program on a machine with variables of a CI system, somebody's keys, and `evidence` and `evidence-ci` where programs are found.
pub fn program(machine: &Machine, who: &str, words: &[&str], variables: &[(&str, &str)]) -> Command {
    let bin = machine.path("bin");
    if !bin.exists() {
        fs::create_dir_all(&bin).unwrap();
        symlink(EVIDENCE, bin.join("evidence")).unwrap();
        symlink(ready("ci.sh"), bin.join("evidence-ci")).unwrap();
    }
    let mut command = Command::new(words[0]);
    command.env_clear().args(&words[1..]).current_dir(machine.repo()).stdin(Stdio::null());
    for (name, value) in machine.command(who, &[]).get_envs() {
        command.env(name, value.unwrap());
    }
    command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
    command.env("EVIDENCE", EVIDENCE).env_remove("EVIDENCE_TRUST").envs(variables.iter().copied());
    command
}

/// A step of `ci.sh`.
pub fn step(machine: &Machine, who: &str, words: &[&str], variables: &[(&str, &str)]) -> Ran {
    let script = ready("ci.sh");
    let words = [&[script.to_str().unwrap()], words].concat();
    Ran::of(program(machine, who, &words, variables).output().unwrap())
}

/// A machine with nothing but one commit of the remote, at depth 1, without a branch.
pub fn shallow(team: &Team, name: &str, reference: &str) -> Machine {
    let machine = team.machine(name);
    fs::remove_dir_all(machine.repo()).unwrap();
    fs::create_dir_all(machine.repo()).unwrap();
    machine.git(&["init", "-q", "-b", "scratch"]);
    machine.git(&["remote", "add", "origin", &format!("file://{}", team.remote().display())]);
    let kept = "refs/remotes/pull/1/merge";
    machine.git(&["fetch", "-q", "--depth=1", "--no-tags", "origin", &format!("+{reference}:{kept}")]);
    machine.git(&["checkout", "-q", "--detach", kept]);
    machine.git(&["config", "user.name", "agent"]);
    machine.git(&["config", "user.email", "agent@example.org"]);
    machine
}

/// Makes `refs/pull/1/merge` on the remote as GitHub does, out of the branch and a `main` that has gone on; returns it.
pub fn pull_request(author: &Machine, branch: &str) -> String {
    author.git(&["switch", "-q", "main"]);
    author.commit("src/other.rs", "meanwhile\n");
    author.git(&["push", "-q", "origin", "main"]);
    author.git(&["switch", "-q", "--detach", "main"]);
    author.git(&["merge", "-q", "--no-ff", "-m", "Merge into main", &format!("origin/{branch}")]);
    author.git(&["push", "-q", "origin", "HEAD:refs/pull/1/merge"]);
    author.git(&["rev-parse", "HEAD"])
}
