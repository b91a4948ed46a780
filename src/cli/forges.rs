//! What the documented variables of CI systems say: where a run took place, which branch it is about, and which one a change is for.
//!
//! GitHub Actions (and what speaks its language), GitLab CI, Bitbucket Pipelines, Jenkins multibranch. Names only: what is judged comes
//! from commits and records, never from here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use crate::model::Oid;

/// Returns the CI system's documented variables that say where a run took place.
pub(super) fn ci_context() -> BTreeMap<String, String> {
    let Some((_, system, variables)) =
        SYSTEMS.iter().find(|(markers, ..)| markers.iter().any(|marker| std::env::var_os(marker).is_some()))
    else {
        return BTreeMap::new();
    };
    let said = variables.iter().filter_map(|(name, variable)| {
        let value = std::env::var(variable).ok()?;
        Some(((*name).to_owned(), value.chars().take(CONTEXT_CHARS_MAX).collect()))
    });
    said.chain([("system".to_owned(), (*system).to_owned())]).collect()
}

/// Returns the branch that a run of a CI system is about, after a push to it or in its merge queue: HEAD is then what reached it.
pub(super) fn merged_branch() -> Option<String> {
    // What a pull request's run has checked out has reached nothing, also where its ref is that of the target.
    let github =
        || of("GITHUB_REF").filter(|_| of("GITHUB_HEAD_REF").is_none())?.strip_prefix(HEADS).map(ToOwned::to_owned);
    let gitlab = if in_train() { "CI_MERGE_REQUEST_TARGET_BRANCH_NAME" } else { "CI_COMMIT_BRANCH" };
    queued_for()
        .or_else(github)
        .or_else(|| of(gitlab))
        .or_else(|| of("BITBUCKET_BRANCH").filter(|_| of("BITBUCKET_PR_ID").is_none()))
        .or_else(jenkins_branch)
}

/// Returns the commit at which the branch was before the push that a run is about.
pub(super) fn pushed_from() -> Option<String> {
    let github = || {
        let path = of("GITHUB_EVENT_PATH").filter(|_| of("GITHUB_EVENT_NAME").as_deref() == Some("push"))?;
        Some(read_event(Path::new(&path))?["before"].as_str()?.to_owned())
    };
    let gitlab = || of("CI_COMMIT_BEFORE_SHA").filter(|_| of("CI_COMMIT_BRANCH").is_some());
    let found = github().or_else(gitlab).or_else(|| of("GIT_PREVIOUS_COMMIT").filter(|_| jenkins_branch().is_some()));
    // A new branch comes from nowhere.
    found.filter(|oid| oid.bytes().any(|byte| byte != b'0'))
}

/// Returns the target branch that the environment names.
pub(super) fn target_of_environment() -> Option<String> {
    of("EVIDENCE_TARGET").or_else(|| of("GITHUB_BASE_REF")).or_else(queued_for).or_else(|| {
        ["CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CHANGE_TARGET", "BITBUCKET_PR_DESTINATION_BRANCH"]
            .into_iter()
            .find_map(of)
    })
}

/// Returns the branch that makes the change, as the CI system names it: where that is a fork's, behind the number of its request.
pub(super) fn source_branch() -> Option<String> {
    let name = named_source()?;
    Some(match request().filter(|request| request.is_of_fork) {
        Some(request) => format!("request-{}/{name}", request.number),
        None => name,
    })
}

fn named_source() -> Option<String> {
    let variables = [
        "GITHUB_HEAD_REF",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
        "CHANGE_BRANCH",
        "BITBUCKET_BRANCH",
        "CI_COMMIT_BRANCH",
    ];
    // Jenkins checks out a commit and no branch, also where no request is built.
    variables.into_iter().find_map(of).or_else(jenkins_branch)
}

/// A request to merge that a run is about.
pub(super) struct Request {
    /// Its number.
    pub(super) number: String,
    /// Whether its branch is one of another repository than the target's, where anybody may take any name.
    pub(super) is_of_fork: bool,
}

/// Returns the request that a run is about, as the CI system names it.
pub(super) fn request() -> Option<Request> {
    github_request().or_else(gitlab_request).or_else(|| {
        // Bitbucket runs nothing for the requests of forks.
        let bitbucket = of("BITBUCKET_PR_ID").map(|number| Request { number, is_of_fork: false });
        bitbucket.or_else(|| Some(Request { number: of("CHANGE_ID")?, is_of_fork: of("CHANGE_FORK").is_some() }))
    })
}

/// GitHub's variables do not say whose branch it is: its event does, and one that cannot be read is no proof that it is the repository's own.
fn github_request() -> Option<Request> {
    of("GITHUB_HEAD_REF")?;
    let of_ref = || {
        let name = of("GITHUB_REF")?;
        Some(name.strip_prefix("refs/pull/")?.split('/').next()?.to_owned())
    };
    let Some(path) = of("GITHUB_EVENT_PATH") else { return Some(Request { number: of_ref()?, is_of_fork: false }) };
    let event = read_event(Path::new(&path)).unwrap_or_default();
    let asked = &event["pull_request"];
    let number = asked["number"].as_u64().or_else(|| event["number"].as_u64()).map(|number| number.to_string());
    let of_side = |side: &str| asked[side]["repo"]["full_name"].as_str();
    let is_own = of_side("base").is_some() && of_side("head") == of_side("base");
    let number = number.or_else(of_ref).unwrap_or_else(|| "unknown".to_owned());
    Some(Request { number, is_of_fork: !is_own })
}

fn gitlab_request() -> Option<Request> {
    let projects = ["CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID"].map(of);
    let is_of_fork = projects.iter().all(Option::is_some) && projects[0] != projects[1];
    Some(Request { number: of("CI_MERGE_REQUEST_IID")?, is_of_fork })
}

/// Reads the event of a run as GitHub lays it down; `None` if it is not there or no JSON.
fn read_event(path: &Path) -> Option<Value> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(EVENT_BYTES_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Returns whether HEAD is the commit of a merge queue whose branch says nothing of the change. A merge train names the change's own.
pub(super) fn in_queue() -> bool {
    queued_for().is_some()
}

/// Returns the commit that people wrote where HEAD is the forge's own trial merge of it, told by the parents of HEAD.
pub(super) fn tried(head: &Oid, parents: &[Oid], resolve: impl Fn(&str) -> Option<Oid>) -> Option<Oid> {
    let (first, second) = (parents.first()?, parents.get(1)?);
    // GitHub merges the request into the target: only the very commit that it names is its own.
    let is_github = of("GITHUB_REF").is_some_and(|name| name.starts_with("refs/pull/") && name.ends_with("/merge"))
        && of("GITHUB_SHA").as_deref() == Some(head.as_str());
    let gitlab = of("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").filter(|_| !in_train());
    if is_github || gitlab.as_deref() == Some(second.as_str()) {
        return Some(second.clone());
    }
    // Bitbucket and Jenkins merge the target into the request.
    let bitbucket = of("BITBUCKET_COMMIT").filter(|_| of("BITBUCKET_PR_ID").is_some());
    let jenkins = of("BRANCH_NAME").filter(|_| of("CHANGE_ID").is_some());
    let requested = bitbucket.or_else(|| Some(format!("refs/remotes/origin/{}", jenkins?)));
    requested.and_then(|requested| resolve(&requested)).filter(|requested| requested == first)
}

/// Returns the number of the request for which GitHub's merge queue made HEAD.
pub(super) fn queued_request() -> Option<String> {
    let name = of("GITHUB_REF")?;
    let (_, rest) = name.strip_prefix(HEADS)?.strip_prefix("gh-readonly-queue/")?.rsplit_once("/pr-")?;
    let number = rest.split('-').next()?;
    Some(number.to_owned()).filter(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns the branch for which GitHub's merge queue made the ref: `refs/heads/gh-readonly-queue/<branch>/pr-<number>-<commit>`.
fn queued_for() -> Option<String> {
    let name = of("GITHUB_REF")?;
    let rest = name.strip_prefix(HEADS)?.strip_prefix("gh-readonly-queue/")?;
    Some(rest.rsplit_once("/pr-").map_or(rest, |(branch, _)| branch).to_owned())
}

fn in_train() -> bool {
    of("CI_MERGE_REQUEST_EVENT_TYPE").as_deref() == Some("merge_train")
}

/// Of requests and tags the name is that of no branch.
fn jenkins_branch() -> Option<String> {
    of("BRANCH_NAME").filter(|_| of("CHANGE_ID").is_none() && of("TAG_NAME").is_none())
}

fn of(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

const HEADS: &str = "refs/heads/";
const CONTEXT_CHARS_MAX: usize = 500;
/// GitHub's payloads have at most 25 MB.
const EVENT_BYTES_MAX: u64 = 32 << 20;

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
