//! Which paths tell a CI system what to run.

use std::sync::LazyLock;

use crate::policy::{Paths, Policy};

/// Returns whether a path tells a CI system what to run: by its name, or because the policy says so.
pub(super) fn is_pipeline(path: &str, policy: Option<&Policy>) -> bool {
    let known = PIPELINES.as_ref().is_none_or(|known| known.matches(path.as_bytes()));
    known || policy.and_then(Policy::pipelines).is_some_and(|more| more.matches(path.as_bytes()))
}

/// If they could not be compiled, every path would be one.
static PIPELINES: LazyLock<Option<Paths>> = LazyLock::new(|| Paths::compile(KNOWN).ok());

/// Where CI systems look, and where their files are kept by custom. What these include from elsewhere is for the policy to name.
const KNOWN: &[&str] = &[
    ".github/workflows/**",
    ".github/actions/**",
    "**/action.{yml,yaml}",
    ".forgejo/workflows/**",
    ".gitea/workflows/**",
    "**/.gitlab-ci.{yml,yaml}",
    "**/*.gitlab-ci.{yml,yaml}",
    ".gitlab/ci/**",
    "**/Jenkinsfile",
    "**/Jenkinsfile.*",
    "**/*.{Jenkinsfile,jenkinsfile}",
    ".jenkins/**",
    ".circleci/**",
    ".buildkite/**",
    ".ci/**",
    ".drone.{yml,yaml,star,jsonnet}",
    ".woodpecker/**",
    ".woodpecker.{yml,yaml}",
    "**/azure-pipelines*.{yml,yaml}",
    ".azure-pipelines/**",
    ".azuredevops/**",
    ".azure/pipelines/**",
    ".pipelines/**",
    "bitbucket-pipelines.{yml,yaml}",
    ".travis.yml",
    ".cirrus.{yml,star}",
    "{.,}appveyor.yml",
    ".teamcity/**",
    ".semaphore/**",
    ".tekton/**",
    ".harness/**",
    ".build.yml",
    ".builds/**",
    "cloudbuild.{yml,yaml,json}",
    "buildspec.{yml,yaml}",
    "**/integrations/ci.sh",
    "**/evidence-ci",
    "**/evidence-ci.sh",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ci_systems_read_is_known_wherever_it_lies_and_other_files_are_not() {
        assert!(PIPELINES.is_some());
        for path in [
            ".github/workflows/ci.yml",
            ".gitlab-ci.yml",
            "Jenkinsfile",
            "services/a/Jenkinsfile",
            ".azure-pipelines/x.yml",
            "azure-pipelines.yml",
            ".ci/run",
            ".buildkite/pipeline.yml",
            "vendor/evidence/integrations/ci.sh",
            "integrations/ci.sh",
            "tools/action.yml",
            ".woodpecker.yaml",
            ".appveyor.yml",
        ] {
            assert!(is_pipeline(path, None), "{path}");
        }
        for path in
            ["src/lib.rs", "docs/Jenkinsfiles.md", "ci.sh", "src/ci/run", "action.yml.md", "github/workflows/ci.yml"]
        {
            assert!(!is_pipeline(path, None), "{path}");
        }
    }
}
