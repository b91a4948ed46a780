//! Where a ledger on a git remote keeps what is too large for git: the table `[materials]`.
//!
//! ```toml
//! [materials]
//! store      = "s3://shop-evidence/materials"
//! inline_max = "4 MiB"
//! ```

use crate::model::{Size, StoreUrl};

use super::Policy;

/// Where large materials go; without the table there is no such place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaterialsRule {
    /// The store of what is larger.
    pub store: StoreUrl,
    /// Up to this size a material is an object of git.
    pub inline_max: Size,
}

impl MaterialsRule {
    /// What is larger goes to the store, where the policy does not say it: reports of an ordinary run stay with the log.
    pub const INLINE_MAX: Size = Size(4 << 20);
}

impl Policy {
    /// Returns where large materials of a ledger on a git remote go; `None`: there is no such place.
    #[must_use]
    pub const fn materials(&self) -> Option<&MaterialsRule> {
        self.materials.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{BYTES_MAX, STARTER};

    fn parsed(table: &str) -> Option<MaterialsRule> {
        let policy = Policy::parse(&format!("{STARTER}\n{table}")).unwrap_or_else(|errors| panic!("{errors}"));
        policy.materials().cloned()
    }

    fn refused(table: &str) -> String {
        Policy::parse(&format!("{STARTER}\n{table}")).unwrap_err().to_string()
    }

    #[test]
    fn what_the_table_says_holds_and_without_it_there_is_no_store() {
        assert_eq!(parsed(""), None);
        let rule = parsed("[materials]\nstore = \"s3://shop/x\"\n").unwrap();
        assert_eq!((rule.store.to_string().as_str(), rule.inline_max), ("s3://shop/x", MaterialsRule::INLINE_MAX));
        let rule = parsed("[materials]\nstore = \"file:///srv/x\"\ninline_max = \"512 KiB\"\n").unwrap();
        assert_eq!(rule.inline_max, Size(512 << 10));
        for (text, size) in [("256 KiB", Size::INLINE_LEAST), ("95 MiB", Size::INLINE_MOST)] {
            let rule = parsed(&format!("[materials]\nstore = \"gs://shop\"\ninline_max = \"{text}\"\n")).unwrap();
            assert_eq!(rule.inline_max, size);
        }
    }

    #[test]
    fn text_of_a_policy_stays_with_the_log() {
        assert_eq!(usize::try_from(Size::INLINE_LEAST.0), Ok(BYTES_MAX));
    }

    #[test]
    fn what_has_no_meaning_is_refused_where_it_stands() {
        let lines = STARTER.lines().count();
        let store = |url: &str| refused(&format!("[materials]\nstore = \"{url}\"\n"));
        let error = store("s3://AKIA:secret@shop/x");
        assert!(error.starts_with(&format!("line {}, column 9: ", lines + 3)), "{error}");
        assert!(error.contains("user info") && !error.contains("secret"), "{error}");
        assert!(store("s3://shop/x?token=secret").contains("it holds a query"));
        assert!(store("ftp://shop/x").contains("wanted file:///FOLDER"));
        assert!(refused("[materials]\ninline_max = \"4 MiB\"\n").contains("has no `store`"));
        let size = |text: &str| refused(&format!("[materials]\nstore = \"s3://shop\"\ninline_max = {text}\n"));
        assert!(size("\"4MB\"").contains("such as 4 MiB"));
        assert!(size("4").contains("wanted a string"), "{}", size("4"));
        for text in ["\"255 KiB\"", "\"96 MiB\""] {
            assert!(size(text).contains("wanted 256 KiB to 95 MiB"), "{}", size(text));
        }
        assert!(refused("[materials]\nurl = \"s3://shop\"\n").contains("unknown key `url`"));
    }
}
