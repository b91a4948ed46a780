//! What the documented variables of CI systems say: where a run took place, which branch it is about, and which one a change is for.
//!
//! GitHub Actions (and what speaks its language), GitLab CI, Bitbucket Pipelines, Jenkins multibranch. Names only: what is judged comes
//! from commits and records, never from here. Who asks says how the variables and the event's file are read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::Oid;

/// A CI system as far as its variables tell of it.
pub struct Forge {
    variable: Box<Known<String>>,
    event: Box<Known<Vec<u8>>>,
}

/// What is known by a name.
type Known<T> = dyn Fn(&str) -> Option<T>;

/// A request to merge that a run is about.
pub struct Request {
    /// Its number.
    pub number: String,
    /// Whether its branch is one of another repository than the target's, where anybody may take any name.
    pub is_of_fork: bool,
}

impl Forge {
    /// Takes how a variable is read, and at most so many bytes as [`EVENT_BYTES_MAX`] of the file at a path.
    pub fn new(
        variable: impl Fn(&str) -> Option<String> + 'static,
        event: impl Fn(&str) -> Option<Vec<u8>> + 'static,
    ) -> Self {
        Self { variable: Box::new(variable), event: Box::new(event) }
    }

    /// Returns the CI system's documented variables that say where a run took place.
    #[must_use]
    pub fn context(&self) -> BTreeMap<String, String> {
        let Some((_, system, variables)) =
            SYSTEMS.iter().find(|(markers, ..)| markers.iter().any(|marker| (self.variable)(marker).is_some()))
        else {
            return BTreeMap::new();
        };
        let said = variables.iter().filter_map(|(name, variable)| {
            let value = (self.variable)(variable)?;
            Some(((*name).to_owned(), value.chars().take(CONTEXT_CHARS_MAX).collect()))
        });
        said.chain([("system".to_owned(), (*system).to_owned())]).collect()
    }

    /// Returns the branch that a run of a CI system is about, after a push to it or in its merge queue: HEAD is then what reached it.
    #[must_use]
    pub fn merged_branch(&self) -> Option<String> {
        // What a pull request's run has checked out has reached nothing, also where its ref is that of the target.
        let github = || {
            let name = self.of("GITHUB_REF").filter(|_| self.of("GITHUB_HEAD_REF").is_none())?;
            name.strip_prefix(HEADS).filter(|branch| !branch.is_empty()).map(ToOwned::to_owned)
        };
        let gitlab = if self.in_train() { "CI_MERGE_REQUEST_TARGET_BRANCH_NAME" } else { "CI_COMMIT_BRANCH" };
        self.queued_for()
            .or_else(github)
            .or_else(|| self.of(gitlab))
            .or_else(|| self.of("BITBUCKET_BRANCH").filter(|_| self.of("BITBUCKET_PR_ID").is_none()))
            .or_else(|| self.jenkins_branch())
    }

    /// Returns the commit at which the branch was before the push that a run is about.
    #[must_use]
    pub fn pushed_from(&self) -> Option<String> {
        let github = || {
            let path =
                self.of("GITHUB_EVENT_PATH").filter(|_| self.of("GITHUB_EVENT_NAME").as_deref() == Some("push"))?;
            Some(self.read_event(&path)?["before"].as_str()?.to_owned())
        };
        let gitlab = || self.of("CI_COMMIT_BEFORE_SHA").filter(|_| self.of("CI_COMMIT_BRANCH").is_some());
        let found = github()
            .or_else(gitlab)
            .or_else(|| self.of("GIT_PREVIOUS_COMMIT").filter(|_| self.jenkins_branch().is_some()));
        // A new branch comes from nowhere.
        found.filter(|oid| oid.bytes().any(|byte| byte != b'0'))
    }

    /// Returns the target branch that the environment names.
    #[must_use]
    pub fn target(&self) -> Option<String> {
        self.of("EVIDENCE_TARGET").or_else(|| self.of("GITHUB_BASE_REF")).or_else(|| self.queued_for()).or_else(|| {
            ["CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CHANGE_TARGET", "BITBUCKET_PR_DESTINATION_BRANCH"]
                .into_iter()
                .find_map(|name| self.of(name))
        })
    }

    /// Returns the branch that makes the change, as the CI system names it: where that is a fork's, behind the number of its request.
    #[must_use]
    pub fn source_branch(&self) -> Option<String> {
        let name = self.named_source()?;
        Some(match self.request().filter(|request| request.is_of_fork) {
            Some(request) => format!("request-{}/{name}", request.number),
            None => name,
        })
    }

    fn named_source(&self) -> Option<String> {
        let variables = [
            "GITHUB_HEAD_REF",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
            "CHANGE_BRANCH",
            "BITBUCKET_BRANCH",
            "CI_COMMIT_BRANCH",
        ];
        // Jenkins checks out a commit and no branch, also where no request is built.
        variables.into_iter().find_map(|name| self.of(name)).or_else(|| self.jenkins_branch())
    }

    /// Returns the request that a run is about, as the CI system names it.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        self.github_request().or_else(|| self.gitlab_request()).or_else(|| {
            // Bitbucket runs nothing for the requests of forks.
            let bitbucket = self.of("BITBUCKET_PR_ID").map(|number| Request { number, is_of_fork: false });
            bitbucket.or_else(|| {
                Some(Request { number: self.of("CHANGE_ID")?, is_of_fork: self.of("CHANGE_FORK").is_some() })
            })
        })
    }

    /// GitHub's variables do not say whose branch it is: its event does, and one that cannot be read is no proof that it is the repository's own.
    fn github_request(&self) -> Option<Request> {
        self.of("GITHUB_HEAD_REF")?;
        let of_ref = || {
            let name = self.of("GITHUB_REF")?;
            Some(name.strip_prefix("refs/pull/")?.split('/').next()?.to_owned())
        };
        let Some(path) = self.of("GITHUB_EVENT_PATH") else {
            return Some(Request { number: of_ref()?, is_of_fork: false });
        };
        let event = self.read_event(&path).unwrap_or_default();
        let asked = &event["pull_request"];
        let number = asked["number"].as_u64().or_else(|| event["number"].as_u64()).map(|number| number.to_string());
        let of_side = |side: &str| asked[side]["repo"]["full_name"].as_str();
        let is_own = of_side("base").is_some() && of_side("head") == of_side("base");
        let number = number.or_else(of_ref).unwrap_or_else(|| "unknown".to_owned());
        Some(Request { number, is_of_fork: !is_own })
    }

    fn gitlab_request(&self) -> Option<Request> {
        let projects = ["CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID"].map(|name| self.of(name));
        let is_of_fork = projects.iter().all(Option::is_some) && projects[0] != projects[1];
        Some(Request { number: self.of("CI_MERGE_REQUEST_IID")?, is_of_fork })
    }

    /// Reads the event of a run as GitHub lays it down; `None` if it is not there or no JSON.
    fn read_event(&self, path: &str) -> Option<Value> {
        serde_json::from_slice(&(self.event)(path)?).ok()
    }

    /// Returns whether HEAD is the commit of a merge queue whose branch says nothing of the change. A merge train names the change's own.
    #[must_use]
    pub fn in_queue(&self) -> bool {
        self.queued_for().is_some()
    }

    /// Returns the commit that people wrote where HEAD is the forge's own trial merge of it, told by the parents of HEAD.
    #[must_use]
    pub fn tried(&self, head: &Oid, parents: &[Oid], resolve: impl Fn(&str) -> Option<Oid>) -> Option<Oid> {
        let (first, second) = (parents.first()?, parents.get(1)?);
        // GitHub merges the request into the target: only the very commit that it names is its own.
        let is_github =
            self.of("GITHUB_REF").is_some_and(|name| name.starts_with("refs/pull/") && name.ends_with("/merge"))
                && self.of("GITHUB_SHA").as_deref() == Some(head.as_str());
        let gitlab = self.of("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").filter(|_| !self.in_train());
        if is_github || gitlab.as_deref() == Some(second.as_str()) {
            return Some(second.clone());
        }
        // Bitbucket and Jenkins merge the target into the request.
        let bitbucket = self.of("BITBUCKET_COMMIT").filter(|_| self.of("BITBUCKET_PR_ID").is_some());
        let jenkins = self.of("BRANCH_NAME").filter(|_| self.of("CHANGE_ID").is_some());
        let requested = bitbucket.or_else(|| Some(format!("refs/remotes/origin/{}", jenkins?)));
        requested.and_then(|requested| resolve(&requested)).filter(|requested| requested == first)
    }

    /// Returns the number of the request for which GitHub's merge queue made HEAD.
    #[must_use]
    pub fn queued_request(&self) -> Option<String> {
        let name = self.of("GITHUB_REF")?;
        let (_, rest) = name.strip_prefix(HEADS)?.strip_prefix("gh-readonly-queue/")?.rsplit_once("/pr-")?;
        let number = rest.split('-').next()?;
        Some(number.to_owned()).filter(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Returns the branch for which GitHub's merge queue made the ref: `refs/heads/gh-readonly-queue/<branch>/pr-<number>-<commit>`.
    fn queued_for(&self) -> Option<String> {
        let name = self.of("GITHUB_REF")?;
        let rest = name.strip_prefix(HEADS)?.strip_prefix("gh-readonly-queue/")?;
        Some(rest.rsplit_once("/pr-").map_or(rest, |(branch, _)| branch).to_owned())
    }

    fn in_train(&self) -> bool {
        self.of("CI_MERGE_REQUEST_EVENT_TYPE").as_deref() == Some("merge_train")
    }

    /// Of requests and tags the name is that of no branch.
    fn jenkins_branch(&self) -> Option<String> {
        self.of("BRANCH_NAME").filter(|_| self.of("CHANGE_ID").is_none() && self.of("TAG_NAME").is_none())
    }

    fn of(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }
}

const HEADS: &str = "refs/heads/";
const CONTEXT_CHARS_MAX: usize = 500;
/// GitHub's payloads have at most 25 MB.
pub const EVENT_BYTES_MAX: u64 = 32 << 20;

/// A CI system: the variables of which one shows it, its name, and the names and variables of what it says.
type CiSystem = (&'static [&'static str], &'static str, &'static [(&'static str, &'static str)]);
const SYSTEMS: [CiSystem; 4] = [
    (
        &["GITHUB_ACTIONS"],
        "github",
        &[
            ("repository", "GITHUB_REPOSITORY"),
            ("run", "GITHUB_RUN_ID"),
            ("attempt", "GITHUB_RUN_ATTEMPT"),
            ("workflow", "GITHUB_WORKFLOW_REF"),
            ("job", "GITHUB_JOB"),
            ("event", "GITHUB_EVENT_NAME"),
            ("ref", "GITHUB_REF"),
        ],
    ),
    (
        &["GITLAB_CI"],
        "gitlab",
        &[
            ("repository", "CI_PROJECT_PATH"),
            ("run", "CI_PIPELINE_ID"),
            ("job", "CI_JOB_NAME"),
            ("jobId", "CI_JOB_ID"),
            ("event", "CI_PIPELINE_SOURCE"),
            ("ref", "CI_COMMIT_REF_NAME"),
        ],
    ),
    (
        &["BITBUCKET_BUILD_NUMBER"],
        "bitbucket",
        &[
            ("repository", "BITBUCKET_REPO_FULL_NAME"),
            ("run", "BITBUCKET_BUILD_NUMBER"),
            ("attempt", "BITBUCKET_STEP_RUN_NUMBER"),
            ("job", "BITBUCKET_STEP_UUID"),
            ("request", "BITBUCKET_PR_ID"),
            ("ref", "BITBUCKET_BRANCH"),
        ],
    ),
    // Its URL is only known where somebody has set it.
    (
        &["JENKINS_URL", "JENKINS_HOME"],
        "jenkins",
        &[
            ("repository", "JOB_NAME"),
            ("run", "BUILD_NUMBER"),
            ("stage", "STAGE_NAME"),
            ("request", "CHANGE_ID"),
            ("ref", "BRANCH_NAME"),
        ],
    ),
];
