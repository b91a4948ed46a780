//! Whose workflow attested: the file that GitHub runs is that of a ref, and a branch may be made for nothing else.

use super::bench::Bench;
use super::plan::Plans;
use crate::model::{ChangeId, Id, Outcome, Plan, Predicate, Run};

/// Returns a pass on the judged tree whose workflow is that of a ref which is neither the target branch, nor its queue's, nor the change's
/// own request or branch: its place in the log, and the ref.
pub(super) fn foreign(bench: &Bench<'_>, plans: &Plans<'_>) -> Option<(u64, String)> {
    let subject = bench.complete.subject();
    let mut trusted: Vec<&Plan> = plans.entitled(&bench.authority).map(|(_, plan)| plan).collect();
    if trusted.is_empty() {
        trusted.extend(plans.all.first().map(|(_, plan)| *plan));
    }
    bench.complete.of_change().find_map(|record| {
        let Predicate::Result(run) = &record.statement().predicate else { return None };
        let counts = run.outcome == Outcome::Pass && record.statement().tree() == Some(&subject.tree);
        let name = workflow_ref(run).filter(|name| counts && !is_own(name, &subject.id, &trusted))?;
        Some((record.serial(), name.to_owned()))
    })
}

/// Returns the ref of the workflow, if it is one of the repository that it ran for: a required one of elsewhere is nobody's branch.
fn workflow_ref(run: &Run) -> Option<&str> {
    run.context.get("system").filter(|system| *system == "github")?;
    let path = run.context.get("workflow")?.strip_prefix(run.context.get("repository")?.as_str())?;
    path.strip_prefix('/')?.rsplit_once('@').map(|(_, name)| name)
}

fn is_own(name: &str, change: &ChangeId, plans: &[&Plan]) -> bool {
    let number = name.strip_prefix("refs/pull/").and_then(|rest| rest.split('/').next());
    if let Some(number) = number {
        let is_number = |alias: &&Id| alias.as_str().bytes().all(|byte| byte.is_ascii_digit());
        let mut known = plans.iter().flat_map(|plan| plan.aliases.iter().filter(is_number)).peekable();
        return known.peek().is_none() || known.any(|alias| alias.as_str() == number);
    }
    let Some(branch) = name.strip_prefix("refs/heads/") else { return false };
    let is_target = |plan: &&Plan| {
        let queued = branch.strip_prefix("gh-readonly-queue/");
        plan.target == name
            || plan.target.strip_prefix("refs/heads/").zip(queued).is_some_and(|(target, queued)| {
                queued.strip_prefix(target).is_some_and(|rest| rest.starts_with("/pr-"))
            })
    };
    plans.iter().any(is_target) || makes(branch, change)
}

/// Returns whether a branch makes the change: its id ends in the branch's name, and in a number where an earlier one of that name is closed.
fn makes(branch: &str, change: &ChangeId) -> bool {
    let Some(slug) = Id::slug(branch) else { return false };
    let ends = |id: &str| id.strip_suffix(slug.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    let earlier = change.as_str().rsplit_once('-');
    let earlier = earlier.filter(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    ends(change.as_str()) || earlier.is_some_and(|(id, _)| ends(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TierName;

    #[test]
    fn refs_of_target_queue_request_and_branch_are_the_changes_own() {
        let tier: TierName = "low".parse().unwrap();
        let plan = Plan::bare(tier, "refs/heads/main".to_owned());
        let numbered = Plan { aliases: vec!["7".parse().unwrap(), "abc".parse().unwrap()], ..plan.clone() };
        let own = |name: &str, change: &str, plan: &Plan| is_own(name, &change.parse().unwrap(), &[plan]);
        for name in
            ["refs/heads/main", "refs/heads/gh-readonly-queue/main/pr-7-ab", "refs/pull/7/merge", "refs/heads/Feat"]
        {
            assert!(own(name, "shop/feat", &numbered), "{name}");
        }
        assert!(!own("refs/heads/feat", "shop/feat-x", &plan) && !own("refs/heads/feat", "shop/feat-", &plan));
        assert!(own("refs/heads/feat", "shop/feat-2", &plan) && own("refs/pull/9/merge", "shop/feat", &plan));
        for name in [
            "refs/heads/evil-ci",
            "refs/pull/8/merge",
            "refs/heads/at",
            "refs/tags/v1",
            "refs/heads/gh-readonly-queue/other/pr-7-ab",
            "refs/heads/maintain",
        ] {
            assert!(!own(name, "shop/feat", &numbered), "{name}");
        }
    }
}
