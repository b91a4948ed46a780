//! Where in a policy's text something stands, for what is only seen once the whole is understood.

use toml::de::{DeTable, DeValue};

use super::reader::position;

/// A line and a column in characters, both from 1.
pub type Place = (usize, usize);

/// The places of a text that is a policy.
pub(super) struct Places<'t> {
    text: &'t str,
    cells: Option<DeTable<'t>>,
}

/// A step from a table or list to what it holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    /// The key of a table.
    Key(&'a str),
    /// The place in a list, from 0.
    Index(usize),
}

impl<'t> Places<'t> {
    /// Reads the places of a text; of one that is not TOML there are none.
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, cells: DeTable::parse(text).ok().map(toml::Spanned::into_inner) }
    }

    /// Returns where the last of these steps that can be taken leads to; `None` if the first cannot.
    pub(super) fn find(&self, steps: &[Step<'_>]) -> Option<Place> {
        let (first, rest) = steps.split_first()?;
        let Step::Key(key) = first else { return None };
        let (name, value) = self.cells.as_ref()?.get_key_value(*key)?;
        // A header has no value of its own to point at.
        let start = |name: std::ops::Range<usize>, value: &toml::Spanned<DeValue<'_>>| {
            if value.get_ref().is_table() { name.start } else { value.span().start }
        };
        let mut at = start(name.span(), value);
        let mut here = value.get_ref();
        for step in rest {
            let next = match step {
                Step::Key(key) => here
                    .as_table()
                    .and_then(|table| table.get_key_value(*key))
                    .map(|(name, value)| (start(name.span(), value), value)),
                Step::Index(index) => {
                    here.as_array().and_then(|items| items.get(*index)).map(|item| (item.span().start, item))
                }
            };
            let Some((start, value)) = next else { break };
            (at, here) = (start, value.get_ref());
        }
        Some(position(self.text, at))
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{Index, Key};
    use super::*;

    const TEXT: &str = "a = 1\n[b.c]\nd = [\"e\",\n  \"f\"]\n[[g]]\nh = 1\n[[g]]\nh = 2\n";

    #[test]
    fn what_is_there_has_a_place() {
        let places = Places::of(TEXT);
        assert_eq!(places.find(&[Key("a")]), Some((1, 5)));
        assert_eq!(places.find(&[Key("b"), Key("c")]), Some((2, 4)));
        assert_eq!(places.find(&[Key("b"), Key("c"), Key("d"), Index(1)]), Some((4, 3)));
        assert_eq!(places.find(&[Key("g"), Index(1), Key("h")]), Some((8, 5)));
    }

    #[test]
    fn what_is_not_there_has_the_place_around_it_or_none() {
        let places = Places::of(TEXT);
        assert_eq!(places.find(&[Key("b"), Key("c"), Key("x")]), Some((2, 4)));
        assert_eq!(places.find(&[Key("x")]), None);
        assert_eq!(Places::of("[").find(&[Key("a")]), None);
    }
}
