//! Why a remote did not do what was asked, told by what git, ssh and the server said.
//!
//! Messages are matched in the locale C. Out of scope: what git says while nothing is wrong.

use super::run::GitError;

/// Why a remote did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It was reached, and does not let us in, or has no repository there.
    #[error("the remote {remote} refuses: {message}")]
    Refused {
        /// The remote.
        remote: String,
        /// What it said.
        message: String,
    },
    /// It could not be reached.
    #[error("the remote {remote} cannot be reached: {message}")]
    Unreachable {
        /// The remote.
        remote: String,
        /// What git said.
        message: String,
    },
    /// It said nothing for so long that nobody waits on.
    #[error("the remote {remote} said nothing for {seconds} s")]
    Silent {
        /// The remote.
        remote: String,
        /// How long.
        seconds: u64,
    },
    /// It does not let the ref be pushed.
    #[error("the remote {remote} does not accept a push to {name}: {message}")]
    Rejected {
        /// The remote.
        remote: String,
        /// The ref.
        name: String,
        /// What it said.
        message: String,
    },
    /// Somebody else pushed first.
    #[error("somebody else pushed to {name} first")]
    Moved {
        /// The ref.
        name: String,
    },
    /// Our own repository does not work.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl RemoteError {
    /// Returns the error that git's words about a remote tell: it refuses, or is not reached.
    pub(super) fn of_words(remote: String, stderr: &str) -> Self {
        let told = telling(stderr);
        let message = clipped(&shown(&told));
        if is_refusal(&told) { Self::Refused { remote, message } } else { Self::Unreachable { remote, message } }
    }

    /// Returns what mends it, where something does.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { message, .. } if message.contains("unadvertised object") => Some(
                "let the server speak protocol version 2 (AcceptEnv GIT_PROTOCOL), or there: git config uploadpack.allowAnySHA1InWant true"
                    .to_owned(),
            ),
            Self::Refused { message, .. } if message.contains("Host key verification failed") => Some(
                "the server's host key is not known here, or another than before: put the right one into known_hosts"
                    .to_owned(),
            ),
            Self::Refused { remote, .. } => Some(format!(
                "git ls-remote {remote} must work without a prompt: check the address, and the key or token that this machine has for it"
            )),
            Self::Unreachable { remote, .. } => {
                Some(format!("git ls-remote {remote} says whether git reaches it; no prompt is answered here"))
            }
            Self::Silent { .. } => {
                Some("try again; EVIDENCE_REMOTE_SILENCE sets how many seconds it may say nothing".to_owned())
            }
            Self::Rejected { name, .. } => Some(format!(
                "let those who append push to {name}: not a protected ref for them, no hook that declines it"
            )),
            Self::Moved { .. } => Some("try again".to_owned()),
            Self::Git(error) => error.hint().map(str::to_owned),
        }
    }
}

/// Returns what tells the cause among the lines that git and what it ran said: what ssh or the server said before git gave up,
/// else git's own words.
fn telling(stderr: &str) -> String {
    let is_kept = |line: &&str| {
        let is_noise = line.is_empty() || line.contains("% (") || NOISE.iter().any(|noise| line.contains(noise));
        !is_noise && !line.chars().all(|c| "@*#-=_ ".contains(c))
    };
    let plain = |line: &'_ str| line.trim_start_matches("remote:").trim().to_owned();
    let lines: Vec<String> = stderr.split(['\n', '\r']).map(plain).filter(|line| is_kept(&line.as_str())).collect();
    let of_git = |line: &&String| line.starts_with("fatal:") || line.starts_with("error:");
    let found =
        lines.iter().find(|line| is_refusal(line)).or_else(|| lines.iter().find(of_git)).or_else(|| lines.last());
    match found {
        Some(line) => line.clone(),
        None => "git said nothing".to_owned(),
    }
}

fn is_refusal(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    REFUSALS.iter().any(|words| line.contains(words))
}

/// Returns a text without the password of a URL in it.
pub(super) fn shown(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let host_ends = rest.find(['/', '\'', ' ']).unwrap_or(rest.len());
    match rest[..host_ends].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => text.to_owned(),
    }
}

/// Returns a text that fits into a sentence, without control characters.
pub(super) fn clipped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MESSAGE_CHARS_MAX).collect()
}

/// What says no more than that something failed before.
const NOISE: &[&str] = &[
    "Could not read from remote repository",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
];
/// What servers and ssh say, in lower case, to somebody whom they do not let in, or who asks for what is not there.
const REFUSALS: &[&str] = &[
    "permission denied",
    "repository not found",
    "project you were looking for could not be found",
    "host key verification failed",
    "authentication failed",
    "access denied",
    "could not read username",
    "could not read password",
    "returned error: 401",
    "returned error: 403",
    "returned error: 404",
    "is this a git repository",
    "not a git repository",
];
const MESSAGE_CHARS_MAX: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telling_line_is_the_cause_and_not_that_git_gave_up() {
        let end = "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n";
        for (said, told) in [
            ("git@x.example: Permission denied (publickey).\r\n", "git@x.example: Permission denied (publickey)."),
            ("ERROR: Repository not found.\n", "ERROR: Repository not found."),
            ("@@@@@@@\n@ WARNING: CHANGED @\nHost key verification failed.\n", "Host key verification failed."),
            (
                "ssh: connect to host x.example port 22: Connection refused\n",
                "ssh: connect to host x.example port 22: Connection refused",
            ),
            ("remote: \nremote: ERROR: no access denied here\n", "ERROR: no access denied here"),
            ("", "git said nothing"),
        ] {
            assert_eq!(telling(&format!("{said}{end}")), told);
        }
        assert_eq!(
            telling("warning: x\nfatal: unable to access 'https://x/': 7\nmore\n"),
            "fatal: unable to access 'https://x/': 7"
        );
    }

    #[test]
    fn passwords_of_urls_are_not_shown() {
        let wanted = "fatal: unable to access 'https://x.example/a.git/'";
        assert_eq!(shown("fatal: unable to access 'https://ci:secret@x.example/a.git/'"), wanted);
        assert_eq!(shown("https://ci:se@cret@x.example"), "https://x.example");
        assert_eq!(shown("git@x.example:a.git"), "git@x.example:a.git");
    }
}
