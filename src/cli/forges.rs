//! What the documented variables of CI systems say: where a run took place, which branch it is about, and which one a change is for.
//!
//! GitHub Actions (and what speaks its language), GitLab CI, Bitbucket Pipelines, Jenkins multibranch. Names only: what is judged comes
//! from commits and records, never from here.

use std::collections::BTreeMap;

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

/// Returns the target branch that the environment names.
pub(super) fn target_of_environment() -> Option<String> {
    of("EVIDENCE_TARGET").or_else(|| of("GITHUB_BASE_REF")).or_else(queued_for).or_else(|| {
        ["CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CHANGE_TARGET", "BITBUCKET_PR_DESTINATION_BRANCH"]
            .into_iter()
            .find_map(of)
    })
}

/// Returns the branch that makes the change, as the CI system names it.
pub(super) fn source_branch() -> Option<String> {
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

/// Returns whether HEAD is the commit of a merge queue whose branch says nothing of the change. A merge train names the change's own.
pub(super) fn in_queue() -> bool {
    queued_for().is_some()
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
