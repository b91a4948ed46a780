//! What binds a log against whoever operates it: heads that somebody else remembers.

/// A remembered head that a log was found to have grown from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Who remembers it, for people: this machine, or a git ref.
    pub by: String,
    /// Its size.
    pub size: u64,
}

impl Held {
    /// Returns what follows from it, for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("its first {} entries are those that {} remembers", self.size, self.by)
    }
}
