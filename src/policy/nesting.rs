//! How deep the brackets of a TOML text nest, found before it is parsed.
//!
//! The TOML parser bounds brackets and dotted keys at 80 each, but not their product: 80 brackets with 80 dots in each
//! key make a tree of 6,400 levels, and dropping it overflows the stack of a thread. A policy needs three brackets.

/// Returns the offset of the first bracket that nests deeper than [`NESTING_MAX`]; brackets in strings and comments
/// do not count.
///
/// A string that is not closed is taken to end with its line (with the text, if it is a multi-line one), as TOML's
/// lexer does.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth: usize = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'#' => at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at),
            b'"' | b'\'' => at += string_bytes(&bytes[at..], *byte),
            b'[' | b'{' if depth == NESTING_MAX => return Some(at),
            b'[' | b'{' => {
                depth += 1;
                at += 1;
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            _ => at += 1,
        }
    }
    None
}

/// Returns the length of the string that starts here, its quotes included; at least 1.
fn string_bytes(bytes: &[u8], quote: u8) -> usize {
    let quotes = |at: usize| bytes[at..].iter().take_while(|b| **b == quote).count();
    let multi_line = quotes(0) >= 3;
    let escapes = quote == b'"';
    let mut at = if multi_line { 3 } else { 1 };
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if escapes && bytes.get(at + 1) != Some(&b'\n') => at += 2,
            // Up to two quotes may stand right before the closing three, and belong to the string.
            _ if multi_line && quotes(at) >= 3 => return at + quotes(at).min(5),
            _ if !multi_line && *byte == quote => return at + 1,
            b'\n' if !multi_line => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A policy written in inline tables nests three brackets; the rest is leeway.
pub const NESTING_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether a bracket that is one too deep is seen behind this text, in which none is open.
    fn seen_behind(text: &str) -> bool {
        let deep = "[".repeat(NESTING_MAX + 1);
        too_deep(&format!("{text}{deep}")) == Some(text.len() + NESTING_MAX)
    }

    #[test]
    fn brackets_behind_strings_and_comments_count() {
        for text in [
            "",
            "a = [[]]\n{}\n",
            "# [[[\n",
            "# \"\n",
            r#""[" "#,
            r#""\"[" "#,
            r#""\\" "#,
            "'[' ",
            r"'\' ",
            "'' ",
            "\"\" ",
            "\"\"\"[\n\"\"\" ",
            r#""""\"""" "#,
            "\"\"\"a\"\"\"\" ",
            "\"\"\"\"\"\"\"\" ",
            "'''\n'\n''' ",
            "'''\\''' ",
            "\"not closed [\n",
            "'not closed [\n",
            "\"not closed \\\n",
        ] {
            assert!(seen_behind(text), "{text}");
        }
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        for text in ["# ", "a = \"", "a = '", "a = \"\"\"\n", "a = '''\n", "a = \"\"\"\\\"\"\"", "a = '''\"\"\"'"] {
            assert!(!seen_behind(text), "{text}");
            assert_eq!(too_deep(&format!("{text}{}", "[".repeat(NESTING_MAX + 1))), None, "{text}");
        }
    }

    #[test]
    fn closed_brackets_do_not_add_up() {
        let deepest = format!("{}{}", "[{".repeat(NESTING_MAX / 2), "}]".repeat(NESTING_MAX / 2));
        assert_eq!(too_deep(&deepest.repeat(3)), None);
        assert_eq!(too_deep(&format!("[{deepest}]")), Some(NESTING_MAX));
    }
}
