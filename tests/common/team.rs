//! A bare repository with a ledger under its ref, and clones of it that share nothing else: machines of a team.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::{EVIDENCE, POLICY, Ran, Verdict, system};

/// The remote, and what people hold.
pub struct Team {
    folder: TempDir,
}

/// A clone on a machine of its own: nothing of another's memory is there.
pub struct Machine {
    folder: PathBuf,
    team: PathBuf,
}

impl Team {
    /// Copies the template: `main` with policy and trust file, and grants for all.
    pub fn new() -> Self {
        let template = TEMPLATE.get_or_init(Self::template);
        let team = Self { folder: TempDir::new().unwrap() };
        system("cp", &["-a".into(), format!("{}/.", template.display()), team.path("").display().to_string()]);
        team
    }

    fn template() -> PathBuf {
        let team = Self { folder: TempDir::new().unwrap() };
        git(&team.path(""), &["init", "-q", "--bare", "-b", "main", "shop.git"]);
        fs::create_dir_all(team.path("keys")).unwrap();
        let seed = team.seed();
        fs::write(team.path("policy.toml"), POLICY).unwrap();
        let founder = |words: &[&str]| {
            let mut command = seed.command("owner", words);
            // Who makes the ledger has no key, no trust file and no log key yet.
            for name in ["EVIDENCE_KEY", "EVIDENCE_TRUST", "EVIDENCE_LOG_KEY"] {
                command.env_remove(name);
            }
            let ran = Ran::of(command.output().unwrap());
            assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        };
        founder(&["init", "--repository", "shop", "--policy", "../../policy.toml"]);
        seed.git(&["add", "-A"]);
        seed.git(&["commit", "-q", "-m", "evidence"]);
        seed.git(&["push", "-q", "origin", "HEAD:main"]);
        let config = seed.folder.join("config/evidence");
        for (name, role) in PEOPLE {
            founder(&["key", "new", name]);
            let key = config.join("keys").join(format!("{name}.pem"));
            let email = format!("{name}@example.org");
            founder(&["key", "grant", key.to_str().unwrap(), "--principal", name, "--role", role, "--email", &email]);
            fs::copy(key, team.path("keys").join(format!("{name}.pem"))).unwrap();
        }
        fs::copy(config.join("keys/default.pem"), team.path("keys/owner.pem")).unwrap();
        let memory = fs::read_dir(config.join("repositories")).unwrap().next().unwrap().unwrap().path();
        fs::copy(memory.join("root.pem"), team.path("keys/root.pem")).unwrap();
        let ledger = fs::read_dir(config.join("ledgers")).unwrap().next().unwrap().unwrap().path();
        fs::copy(ledger.join("log.pem"), team.path("log.pem")).unwrap();
        fs::copy(seed.repo().join(".evidence/trust.toml"), team.path("trust.toml")).unwrap();
        fs::remove_dir_all(&seed.folder).unwrap();
        team.folder.keep()
    }

    fn seed(&self) -> Machine {
        let seed = self.machine("seed");
        seed.git(&["switch", "-q", "-c", "main"]);
        seed.write("src/lib.rs", "one\n");
        seed.git(&["add", "-A"]);
        seed.git(&["commit", "-q", "-m", "start"]);
        seed.git(&["push", "-q", "origin", "HEAD:main"]);
        seed
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The bare repository.
    pub fn remote(&self) -> PathBuf {
        self.path("shop.git")
    }

    /// Clones the remote.
    pub fn machine(&self, name: &str) -> Machine {
        let machine = Machine { folder: self.path(name), team: self.path("") };
        fs::create_dir_all(machine.folder.join("home")).unwrap();
        git(&machine.folder, &["clone", "-q", self.remote().to_str().unwrap(), "repo"]);
        machine.git(&["config", "user.name", "agent"]);
        machine.git(&["config", "user.email", "agent@example.org"]);
        machine
    }

    /// Runs git in the bare repository.
    pub fn git(&self, words: &[&str]) -> String {
        git(&self.remote(), words)
    }

    /// Returns the value of the ledger's ref.
    pub fn head(&self) -> String {
        self.git(&["rev-parse", LEDGER_REF])
    }
}

impl Machine {
    pub fn repo(&self) -> PathBuf {
        self.folder.join("repo")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder of the copy of the ledger.
    pub fn copy(&self) -> PathBuf {
        let copies = self.repo().join(".git/evidence-remotes");
        fs::read_dir(copies).unwrap().next().unwrap().unwrap().path()
    }

    /// The program, signing with somebody's key.
    pub fn command(&self, who: &str, words: &[&str]) -> Command {
        let mut command = Command::new(EVIDENCE);
        isolate(&mut command, &self.folder);
        command.args(words).current_dir(self.repo()).stdin(Stdio::null());
        command.env("EVIDENCE_LEDGER", "git:origin").env("EVIDENCE_TRUST", self.team.join("trust.toml"));
        command.env("EVIDENCE_LOG_KEY", self.team.join("log.pem"));
        command.env("EVIDENCE_KEY", self.team.join("keys").join(format!("{who}.pem")));
        command
    }

    pub fn by(&self, who: &str, words: &[&str]) -> Ran {
        Ran::of(self.command(who, words).output().unwrap())
    }

    /// Runs the program, which must end with 0.
    pub fn ok(&self, who: &str, words: &[&str]) -> Ran {
        let ran = self.by(who, words);
        assert_eq!(ran.code, 0, "{words:?} by {who}: {ran:?}");
        ran
    }

    pub fn verify(&self, change: &str) -> Verdict {
        Verdict::of(self.by("reviewer", &["verify", change, "--json"]))
    }

    /// Makes a branch with a commit, pushes it, and plans the change.
    pub fn begin(&self, branch: &str, tier: &str) -> String {
        self.git(&["switch", "-q", "-c", branch, "origin/main"]);
        let file = format!("src/{}.rs", branch.replace('/', "_"));
        let commit = self.commit(&file, branch);
        self.git(&["push", "-q", "origin", branch]);
        self.ok("planner", &["plan", &format!("shop/{branch}"), "--tier", tier, "--implementer", "agent"]);
        commit
    }

    pub fn git(&self, words: &[&str]) -> String {
        let mut command = Command::new("git");
        isolate(&mut command, &self.folder);
        run(command.current_dir(self.repo()).args(words), words)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.repo().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn commit(&self, name: &str, text: &str) -> String {
        self.write(name, text);
        self.git(&["add", "--", name]);
        self.git(&["commit", "-q", "-m", "work"]);
        self.git(&["rev-parse", "HEAD"])
    }
}

fn isolate(command: &mut Command, folder: &Path) {
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.env("HOME", folder.join("home")).env("XDG_CONFIG_HOME", folder.join("config"));
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
    // Another machine's folder for temporary files is another one.
    command.env("TMPDIR", folder.join("home"));
}

fn git(folder: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    isolate(&mut command, folder);
    run(command.current_dir(folder).args(words), words)
}

fn run(command: &mut Command, words: &[&str]) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The ref of the ledger.
pub const LEDGER_REF: &str = "refs/evidence/ledger";
const PEOPLE: [(&str, &str); 5] =
    [("planner", "planner"), ("ci-1", "ci"), ("ci-2", "ci"), ("reviewer", "reviewer"), ("agent", "implementer")];
static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
