//! Tiers and `[[when]]` rules: which claims are demanded of which changes (design, section 6).
//!
//! ```toml
//! [tier.medium]
//! require = ["unit-tests", "peer-review"]
//!
//! [[when]]
//! paths   = ["services/payments/**"]
//! tier    = "high"
//! require = ["payments-tests"]
//! ```

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::{ClaimName, TierName};

use super::problem::PolicyProblem;
use super::word::words;

/// A tier of the policy and what it adds to the tiers before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// The name.
    pub name: TierName,
    /// The claims that it requires, in the order of the file.
    pub require: Vec<ClaimName>,
    /// The claims that it recommends: shown, never decisive.
    pub recommend: Vec<ClaimName>,
    /// Which baseline it compares with.
    pub base: Base,
    /// Whether every commit must name the plan.
    pub trailer: Trailer,
    /// What a plan must say.
    pub plan: Vec<PlanPart>,
}

words! {
    /// What a plan may say and a tier may demand.
    PlanPart {
        /// Where the work was asked for.
        Origin = "origin",
        /// When.
        Requested = "requested",
        /// Which paths it is to touch.
        Paths = "paths",
        /// How it is taken back.
        Rollback = "rollback",
        /// Files that belong to it.
        Attachments = "attachments",
        /// What the change must do.
        Criteria = "criteria",
    }
}

words! {
    /// Which baseline of the branch a change is compared with. The order is of strictness.
    Base {
        /// That of the newest merge at or before the merge base (the default).
        MergeBase = "merge-base",
        /// That of the branch's newest merge, which must be the judged base.
        Newest = "newest",
    }
}

/// Whether every commit from base to head must carry the plan's trailer. The order is of strictness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trailer {
    /// It need not (the default): the plan is then proven older only than the first start.
    Optional,
    /// It must: the plan is then proven older than the code.
    EveryCommit,
}

/// A rule that holds only for changes that touch certain paths. It has an effect: a floor, claims, or both.
#[derive(Debug, Clone)]
pub struct When {
    /// The paths.
    pub paths: Paths,
    /// The lowest tier for such a change.
    pub tier: Option<TierName>,
    /// The claims that such a change must show, whatever its tier.
    pub require: Vec<ClaimName>,
}

/// Path patterns, compiled.
///
/// A path is relative to the root of the repository, with `/` between its parts, as git has it. `*` and `?` stay
/// within a part, `**` spans parts; case counts. `a/**` matches `a` too, so that a folder which is replaced by a link
/// or a submodule stays under its rule.
#[derive(Debug, Clone)]
pub struct Paths {
    patterns: Vec<String>,
    set: GlobSet,
    /// The pattern that each glob of the set stands for.
    of: Vec<usize>,
}

impl PartialEq for Paths {
    fn eq(&self, other: &Self) -> bool {
        self.patterns == other.patterns
    }
}

impl Eq for Paths {}

impl Paths {
    /// Compiles patterns.
    ///
    /// # Errors
    /// If a pattern could never match a path of a repository, or is not a pattern: its index and why.
    pub fn compile(patterns: &[&str]) -> Result<Self, (usize, PolicyProblem)> {
        let mut set = GlobSetBuilder::new();
        let mut of = Vec::new();
        for (index, pattern) in patterns.iter().enumerate() {
            let refused = |reason: String| (index, PolicyProblem::Pattern { pattern: (*pattern).to_owned(), reason });
            if let Some(reason) = never_matches(pattern) {
                return Err(refused(reason.to_owned()));
            }
            for text in [Some(*pattern), pattern.strip_suffix("/**")].into_iter().flatten() {
                let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build();
                set.add(glob.map_err(|error| refused(error.kind().to_string()))?);
                of.push(index);
            }
        }
        let last = patterns.len().saturating_sub(1);
        let set = set.build().map_err(|error| {
            (last, PolicyProblem::Pattern { pattern: patterns.join(" "), reason: error.kind().to_string() })
        })?;
        Ok(Self { patterns: patterns.iter().map(|p| (*p).to_owned()).collect(), set, of })
    }

    /// Returns the patterns as written.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Returns whether one of the patterns matches this path, which need not be UTF-8.
    #[must_use]
    pub fn matches(&self, path: &[u8]) -> bool {
        self.set.is_match_candidate(&Candidate::from_bytes(path))
    }

    /// Returns the first pattern that matches this path.
    #[must_use]
    pub fn matching(&self, path: &[u8]) -> Option<&str> {
        let hits = self.set.matches_candidate(&Candidate::from_bytes(path));
        let first = hits.into_iter().filter_map(|glob| self.of.get(glob)).min()?;
        self.patterns.get(*first).map(String::as_str)
    }
}

/// Returns why no path of a repository can match: a rule that never holds would look like protection.
fn never_matches(pattern: &str) -> Option<&'static str> {
    if pattern.is_empty() {
        Some("it is empty")
    } else if pattern.len() > PATTERN_BYTES_MAX {
        Some("it has more than 512 bytes")
    } else if pattern.starts_with('/') {
        Some("paths start at the root of the repository, without `/`")
    } else if pattern.ends_with('/') {
        Some("nothing ends in `/`; wanted `/**` for what is below a folder")
    } else if pattern.split('/').any(|part| matches!(part, "" | "." | "..")) {
        Some("no path has an empty part, `.` or `..`")
    } else if pattern.starts_with('!') {
        Some("there is no negation")
    } else {
        None
    }
}

/// Longer patterns are a mistake, and their automata take memory.
pub const PATTERN_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Paths::compile(&[pattern]).unwrap().matches(path.as_bytes())
    }

    #[test]
    fn touched_paths_match() {
        assert!(matches("services/payments/**", "services/payments/src/lib.rs"));
        assert!(matches("**/*.sql", "a.sql"));
        assert!(matches("**/*.sql", "db/x/a.sql"));
        assert!(matches("src/*.rs", "src/lib.rs"));
        assert!(matches(".github/**", ".github/workflows/ci.yml"));
        assert!(matches("{a,b}/**", "b/c"));
    }

    #[test]
    fn other_paths_do_not_match() {
        assert!(!matches("services/payments/**", "services/payments2/lib.rs"));
        assert!(!matches("src/*.rs", "src/a/lib.rs"));
        assert!(!matches("src/?.rs", "src///rs"));
        assert!(!matches("a/**", "A/b"));
    }

    #[test]
    fn folder_replaced_by_a_link_stays_under_its_rule() {
        assert!(matches("services/payments/**", "services/payments"));
    }

    #[test]
    fn path_that_is_not_utf8_is_matched() {
        let paths = Paths::compile(&["pay/**"]).unwrap();
        assert!(paths.matches(b"pay/\xff"));
        assert!(!paths.matches(b"\xff/pay"));
    }

    #[test]
    fn pattern_that_never_matches_is_refused() {
        let long = "a".repeat(PATTERN_BYTES_MAX + 1);
        for pattern in ["", "/a", "a/", "a//b", "./a", "a/../b", "!a", "[", "{a", &long] {
            assert!(Paths::compile(&["ok", pattern]).is_err_and(|(index, _)| index == 1), "{pattern}");
        }
        assert!(Paths::compile(&[&long[1..]]).is_ok());
    }
}
