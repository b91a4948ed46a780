//! Git: the one place that runs it, and the one that reads its objects.
//!
//! [`git_facts`] computes what the judge needs out of raw objects alone, each hashed again; gate and auditor run the same
//! code, the one over a live [`Repository`], the other over the objects of a bundle. What spawns processes needs the
//! feature `store`.

#[cfg(feature = "store")]
mod batch;
mod changed;
#[cfg(feature = "store")]
mod checkout;
mod diff;
mod facts;
mod forge;
#[cfg(feature = "store")]
mod index;
#[cfg(feature = "store")]
mod kept;
#[cfg(feature = "store")]
mod kept_commits;
mod laid;
#[cfg(feature = "store")]
mod mirror;
mod objects;
#[cfg(feature = "store")]
mod remote_error;
#[cfg(feature = "store")]
mod repository;
#[cfg(feature = "store")]
mod run;
#[cfg(all(test, feature = "store"))]
mod testing;
#[cfg(feature = "store")]
mod worktree;

pub use changed::changed_lines;
#[cfg(feature = "store")]
pub use checkout::Checkout;
pub use facts::{
    COMMITS_MAX, ENTRIES_MAX, GitFactsError, Objects, ObjectsError, Recording, TOUCHED_BYTES_MAX, TREES_MAX,
    TreeChange, first_parent, git_facts, need_commit, tree_changes,
};
pub use forge::{EVENT_BYTES_MAX, Forge, Request};
#[cfg(feature = "store")]
pub use kept::Kept;
#[cfg(feature = "store")]
pub use kept_commits::kept_commit;
pub use laid::{Laying, laid_tree};
#[cfg(feature = "store")]
pub use mirror::{Added, Addition, MATERIALS, Mirror, RemotePlace};
pub use objects::{Commit, Kind, Mode, OBJECT_BYTES_MAX, Object, ObjectError, TreeEntry, text_of};
#[cfg(feature = "store")]
pub use remote_error::RemoteError;
#[cfg(feature = "store")]
pub use repository::{Head, History, Place, Repository, Target};
#[cfg(feature = "store")]
pub use run::{Git, GitEnvironment, GitError};
#[cfg(feature = "store")]
pub use worktree::{WorkTree, worktree, worktree_then};
