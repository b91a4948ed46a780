//! [`Name`]: under what else than its key somebody is known, so that a verifier finds every tie and proves that there is
//! no other.
//!
//! ```text
//! address:ana@example.org
//! principal:agent-7
//! change:shop/abc-123
//! ```

use std::fmt;

use super::{ChangeId, Grant, PrincipalId, Role};

/// A name that a grant files its principal under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// An address under which somebody commits, in ASCII lower case.
    Address(String),
    /// A principal: who answers for it, and from which key its keys come.
    Principal(PrincipalId),
    /// A change that somebody holds a lease to implement.
    Change(ChangeId),
}

impl Name {
    /// Returns an address, whatever its case.
    #[must_use]
    pub fn address(text: &str) -> Self {
        Self::Address(text.to_ascii_lowercase())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "address:{address}"),
            Self::Principal(principal) => write!(f, "principal:{principal}"),
            Self::Change(change) => write!(f, "change:{change}"),
        }
    }
}

impl Grant {
    /// Returns the names that this grant must be filed under before it is taken.
    ///
    /// Each address; the principal; each change that it is narrowed to as an implementer.
    #[must_use]
    pub fn names(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.emails.iter().map(|address| Name::address(address)).collect();
        names.push(Name::Principal(self.principal.clone()));
        if self.roles.iter().any(|role| role.as_str() == IMPLEMENTER) {
            names.extend(self.changes.iter().cloned().map(Name::Change));
        }
        names
    }

    /// Returns what is filed under a name for this grant: the same tie, given to the name's key in place of the own one.
    ///
    /// `key` is the OpenSSH line of the name's key.
    #[must_use]
    pub fn filing(&self, name: &Name, key: String) -> Self {
        let implementer = self.roles.iter().filter(|role| role.as_str() == IMPLEMENTER);
        let (roles, emails, changes): (Vec<Role>, _, _) = match name {
            Name::Address(address) => (Vec::new(), vec![address.clone()], Vec::new()),
            Name::Principal(_) => (Vec::new(), Vec::new(), Vec::new()),
            Name::Change(change) => (implementer.cloned().collect(), Vec::new(), vec![change.clone()]),
        };
        Self {
            key,
            principal: self.principal.clone(),
            owner: self.owner.clone(),
            roles,
            emails,
            changes,
            until: None,
            leased_by: self.leased_by.clone(),
        }
    }

    /// Returns the names whose filing this grant could be: one whose key it is given to makes it one.
    #[must_use]
    pub fn names_it_may_be_filed_under(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.emails.iter().map(|address| Name::address(address)).collect();
        names.push(Name::Principal(self.principal.clone()));
        names.extend(self.changes.iter().cloned().map(Name::Change));
        names
    }
}

/// The role of those who implement.
pub const IMPLEMENTER: &str = "implementer";

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Grant {
        Grant {
            key: "ssh-ed25519 AAAA".to_owned(),
            principal: "agent-7".parse().unwrap(),
            owner: Some("bob".parse().unwrap()),
            roles: vec!["implementer".parse().unwrap()],
            emails: vec!["Agent7@Example.org".to_owned()],
            changes: vec!["shop/a".parse().unwrap()],
            until: None,
            leased_by: None,
        }
    }

    #[test]
    fn a_lease_is_filed_under_address_principal_and_change() {
        let names: Vec<String> = lease().names().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["address:agent7@example.org", "principal:agent-7", "change:shop/a"]);
    }

    #[test]
    fn a_job_is_filed_as_its_principal_alone() {
        let job = Grant { owner: None, emails: Vec::new(), changes: Vec::new(), ..lease() };
        assert_eq!(job.names(), [Name::Principal("agent-7".parse().unwrap())]);
    }

    #[test]
    fn a_filing_gives_nothing_but_the_tie() {
        for name in lease().names() {
            let filing = lease().filing(&name, "k".to_owned());
            assert_eq!((filing.key.as_str(), filing.owner), ("k", lease().owner));
            assert!(filing.roles.is_empty() || matches!(name, Name::Change(_)));
        }
    }
}
