//! Whether a name of a surface is told by the names of tests: as whole words, and with what it belongs to.
//!
//! A name is told where its words follow each other in the name of a test: `login` in `test_login`, `logIn` in `logInFails`, `order
//! new` in `order_new_prints`, and not in `test_logout`. A path stands as it is, and not as the beginning of a longer one: `GET /health`
//! in `GET /health answers 200`, and not in `GET /health/live`. What belongs to an operation or a type counts with it: responses and
//! parameters of an operation (OpenAPI), methods, fields and implementations of a type (`cargo public-api`, GraphQL).

/// The names of tests, and other texts that tell, one a line.
pub(super) struct Told {
    text: String,
    /// The words of each line, in small letters, with a space on either side.
    words: String,
}

impl Told {
    pub(super) fn new(text: String) -> Self {
        let mut all = String::new();
        for line in text.lines() {
            all.push_str(&spaced(line));
            all.push('\n');
        }
        Self { text, words: all }
    }

    /// Returns whether a name of a surface is told.
    pub(super) fn tells(&self, name: &str) -> bool {
        let subject = subject(name);
        if subject.contains('/') {
            return self.has_path(subject);
        }
        let wanted = spaced(subject);
        if wanted.trim().is_empty() { self.text.contains(name) } else { self.words.contains(&wanted) }
    }

    /// Returns whether a path stands somewhere as a whole.
    fn has_path(&self, path: &str) -> bool {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        self.text.match_indices(path).any(|(at, _)| {
            let before = self.text[..at].chars().next_back();
            let mut behind = self.text[at + path.len()..].chars();
            let goes_on = match behind.next() {
                Some('/' | '-' | '.' | '~' | '%' | '{') => {
                    behind.next().is_some_and(|next| is_word(next) || next == '{')
                }
                Some(next) => is_word(next),
                None => false,
            };
            !before.is_some_and(|letter| is_word(letter) || letter == '/') && !goes_on
        })
    }
}

/// Returns the words of a text in small letters, with a space on either side: parted by what is no letter or digit, and where a
/// large letter begins one.
fn spaced(text: &str) -> String {
    let mut spaced = String::from(" ");
    let letters: Vec<char> = text.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            if !spaced.ends_with(' ') {
                spaced.push(' ');
            }
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let behind = letters.get(at + 1);
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_numeric()
                    || before.is_uppercase() && behind.is_some_and(|behind| behind.is_lowercase())
            });
        if begins && !spaced.ends_with(' ') {
            spaced.push(' ');
        }
        spaced.extend(letter.to_lowercase());
    }
    if !spaced.ends_with(' ') {
        spaced.push(' ');
    }
    spaced
}

/// Returns what a test has to name for a name to be tested: the operation or the type that it belongs to, else itself.
fn subject(name: &str) -> &str {
    let is_operation = name
        .split_once(" /")
        .is_some_and(|(method, _)| !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase()));
    if is_operation || name.starts_with("webhook ") {
        let name = name.split(" > ").next().unwrap_or(name);
        return name.split(" requires ").next().unwrap_or(name);
    }
    item(name).or_else(|| of_schema(name)).unwrap_or(name)
}

/// Returns the type that an item of `cargo public-api` belongs to, else its own name.
fn item(name: &str) -> Option<&str> {
    let name = name.rfind("] pub ").map_or(name, |at| &name[at + 2..]);
    let name = name.strip_prefix("unsafe ").unwrap_or(name);
    let path = if name.starts_with("impl ") || name.starts_with("impl<") {
        let of = name.split(" where ").next().unwrap_or(name);
        of.rsplit_once(" for ").map_or_else(|| of.rsplit(' ').next().unwrap_or(of), |(_, of)| of)
    } else {
        let mut words = name.strip_prefix("pub ")?.split(' ');
        words.find(|word| !KEYWORDS.contains(word) && !word.starts_with('"'))?
    };
    let path = path.trim_start_matches(['&', '[', '(', '*']);
    let end = path.find(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':');
    let path = path[..end.unwrap_or(path.len())].trim_end_matches(':');
    let segments = path.split("::");
    let of_type = segments.clone().find(|segment| segment.starts_with(char::is_uppercase));
    of_type.or_else(|| segments.last()).filter(|segment| !segment.is_empty())
}

/// Returns the type that a name of a GraphQL schema belongs to, or the operation, if it is one.
fn of_schema(name: &str) -> Option<&str> {
    for kind in ["type ", "interface ", "union ", "enum ", "scalar ", "input "] {
        if let Some(rest) = name.strip_prefix(kind).filter(|rest| rest.starts_with(char::is_uppercase)) {
            return rest.split('(').next();
        }
    }
    let left = name.split([':', '(', '=']).next().unwrap_or(name).trim_end();
    let left = left.split(" implements ").next().unwrap_or(left);
    let (of, field) = left.split_once('.').unwrap_or((left, ""));
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if left.len() == name.len() || !of.starts_with(char::is_uppercase) || !is_name(of) || !is_name(field) {
        return None;
    }
    let is_root = matches!(of, "Query" | "Mutation" | "Subscription") && !field.is_empty();
    Some(if is_root { field } else { of })
}

/// Words between `pub` and the path of an item.
const KEYWORDS: [&str; 16] = [
    "mod", "fn", "struct", "enum", "union", "trait", "type", "const", "static", "unsafe", "async", "extern", "macro",
    "use", "mut", "auto",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> Told {
        Told::new(lines.join("\n"))
    }

    #[test]
    fn only_what_is_spelled_as_an_operation_is_one() {
        assert_eq!(subject("GET /orders > response 200"), "GET /orders");
        assert_eq!(subject("GET /orders requires key"), "GET /orders");
        for name in ["Get /orders > response 200", " /orders > response 200", "note /orders requires key"] {
            assert_eq!(subject(name), name);
        }
    }

    #[test]
    fn name_is_told_by_whole_words_alone() {
        let tests = told(&["s > test_logout", "s > catalog", "s > orderNewPrints", "s > HTTPServer starts"]);
        for name in ["login", "log", "out", "a", "te", "cat", "order new prints all", "new order", "server http"] {
            assert!(!tests.tells(name), "{name}");
        }
        for name in ["logout", "catalog", "order new", "order-new", "orderNew", "http-server", "HTTPServer"] {
            assert!(tests.tells(name), "{name}");
        }
    }

    #[test]
    fn path_is_told_as_a_whole_and_what_belongs_to_it_with_it() {
        let tests = told(&["s > GET /health answers 200", "GET /orders/{id}/lines lists", "PUT /carts/1"]);
        for name in
            ["GET /health", "GET /health > response 200", "GET /health requires nothing", "GET /orders/{id}/lines"]
        {
            assert!(tests.tells(name), "{name}");
        }
        for name in
            ["GET /orders/{id}", "GET /orders", "GET /heal", "POST /health", "PUT /carts", "PUT /cart", "ET /health"]
        {
            assert!(!tests.tells(name), "{name}");
        }
        assert!(!told(&["GET /health/live", "GET /health-check", "GET /healthy"]).tells("GET /health > response 200"));
    }

    #[test]
    fn what_is_not_of_a_schema_stands_for_itself() {
        for name in ["order.id: ID!", "Or der.id: ID!", "Order.i-d: ID!", "Order.", "order", "login = on", "Order > id"]
        {
            assert_eq!(subject(name), name);
        }
        for (name, of) in [("Order.id: ID!", "Order"), ("Order: x", "Order"), ("Query.till: Till", "till")] {
            assert_eq!(subject(name), of);
        }
        assert_eq!(subject("Query: x"), "Query");
    }

    #[test]
    fn what_belongs_to_a_type_counts_with_it() {
        let tests = told(&["tests::state_is_empty", "finds_order"]);
        for name in [
            "pub enum shop::cart::State",
            "pub shop::cart::State::Paid::at: u64",
            "pub fn shop::cart::State::try_from(U) -> core::result::Result<T, <T as core::convert::TryFrom<U>>::Error>",
            "impl core::marker::Freeze for shop::cart::State",
            "impl<T, U> core::convert::TryInto<U> for shop::cart::State where U: core::convert::TryFrom<T>",
            "#[non_exhaustive] pub struct shop::cart::State<T>",
            "impl<T> shop::cart::State<T>",
            "pub mod shop::state",
            "type Order",
            "Order.id: ID!",
            "Query.order(id: ID!): Order",
            "Order implements Node",
        ] {
            assert!(tests.tells(name), "{name}: {}", subject(name));
        }
        for name in [
            "pub enum shop::cart::Cart",
            "pub fn shop::cart::empty_all()",
            "impl core::marker::Freeze for shop::cart::Cart",
            "type Till",
            "Till.id: ID!",
            "Query.till: Till",
        ] {
            assert!(!tests.tells(name), "{name}: {}", subject(name));
        }
    }
}
