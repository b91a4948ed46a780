//! Enums that a policy spells as one word out of a closed list.

use std::fmt;

/// A word out of a closed list.
pub(super) trait Word: Copy + fmt::Display + 'static {
    /// All words, in the order in which messages list them.
    const ALL: &'static [Self];
}

/// Declares an enum of words with `as_str`, `Display` and [`Word`].
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$member_doc])* $member),+
        }

        impl $name {
            /// Returns the word as policies spell it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$member => $text),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::policy::word::Word for $name {
            const ALL: &'static [Self] = &[$(Self::$member),+];
        }
    };
}
pub(super) use words;
