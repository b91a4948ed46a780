//! What git's objects say about a change, as plain values (design, section 7).
//!
//! The judge takes these and nothing else from git. They are made by `git::git_facts` alone, out of raw objects whose
//! ids were recomputed. Out of scope: reading objects, and who stands behind an e-mail address.

use super::{ChangeId, Digest, Oid};

/// The facts about the commits from a base to a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitFacts {
    /// The judged commit.
    pub head: Oid,
    /// The tree of the judged commit.
    pub tree: Oid,
    /// The commit that the range starts after, an ancestor of `head` or `head` itself.
    pub base: Oid,
    /// The commits that `head` has and `base` has not, newest first by committer date, then by id, descending.
    pub commits: Vec<CommitFacts>,
    /// The paths that differ between the trees of `base` and `head`, each once, sorted by bytes.
    ///
    /// A path is from the top of the repository, with `/`. Bytes that are not UTF-8 are spelled `%XX`.
    pub touched: Vec<String>,
}

/// The facts about one commit of the range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitFacts {
    /// The commit.
    pub oid: Oid,
    /// Its tree.
    pub tree: Oid,
    /// Its parents, in its own order.
    pub parents: Vec<Oid>,
    /// The e-mail addresses of author, committer and co-authors in ASCII lower case, sorted, each once.
    ///
    /// A person without an address is the empty text, which is an address of nobody.
    pub people: Vec<String>,
    /// The plans that its trailers name, in their order.
    pub plans: Vec<PlanTrailer>,
}

/// A trailer `Evidence-Plan: <change id> <leaf hash of the first plan>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanTrailer {
    /// The change that the commit says it belongs to.
    pub change: ChangeId,
    /// The leaf hash of that change's first plan.
    pub plan: Digest,
}
