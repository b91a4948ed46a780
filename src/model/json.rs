//! Strict JSON (format, section 1): UTF-8 without BOM, no duplicate keys at any depth, no lone
//! surrogates, nothing after the value, depth 64; in our own formats also no floats and no integers beyond 2^53 - 1.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Which numbers a document may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Integers from -(2^53 - 1) to 2^53 - 1: our own formats.
    Exact,
    /// Whatever JSON allows: what others wrote.
    Any,
}

/// Why bytes are not strict JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// A byte order mark stands at the start.
    #[error("the JSON starts with a byte order mark; wanted plain UTF-8")]
    ByteOrderMark,
    /// The text breaks a rule; the message ends with line and column.
    #[error("not strict JSON: {0}")]
    Syntax(String),
}

/// Parses one strict JSON value.
///
/// If a key occurs twice in an object, compared after unescaping, returns [`JsonError::Syntax`].
/// If the value nests deeper than 64 levels, returns [`JsonError::Syntax`].
///
/// # Errors
/// See [`JsonError`].
pub fn parse_json(bytes: &[u8], numbers: Numbers) -> Result<Value, JsonError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError::ByteOrderMark);
    }
    let syntax = |error: serde_json::Error| JsonError::Syntax(error.to_string());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { numbers, depth: 0 }.deserialize(&mut deserializer).map_err(syntax)?;
    deserializer.end().map_err(syntax)?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Strict {
    numbers: Numbers,
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_MAX {
            return Err(E::custom(format_args!("nested deeper than {DEPTH_MAX}")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        if self.numbers == Numbers::Exact && value.unsigned_abs() > INTEGER_MAX {
            return Err(E::custom(format_args!("the integer {value} is beyond 2^53 - 1")));
        }
        Ok(Value::from(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        if self.numbers == Numbers::Exact && value > INTEGER_MAX {
            return Err(E::custom(format_args!("the integer {value} is beyond 2^53 - 1")));
        }
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        if self.numbers == Numbers::Exact {
            return Err(E::custom(format_args!("the number {value} is not an integer below 2^53")));
        }
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} occurs twice")));
            }
            let value = access.next_value_seed(inner)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// Deeper documents are refused: nothing that we read needs more, and recursion stays bounded.
pub const DEPTH_MAX: usize = 64;
const INTEGER_MAX: u64 = (1 << 53) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> bool {
        parse_json(text.as_bytes(), Numbers::Exact).is_err()
    }

    #[test]
    fn strict_json_is_read() {
        let value = parse_json(br#"{"a":[1,null,true,"x"]}"#, Numbers::Exact).unwrap();
        assert_eq!(value.to_string(), r#"{"a":[1,null,true,"x"]}"#);
    }

    #[test]
    fn duplicate_keys_are_refused_after_unescaping() {
        assert!(refused(r#"{"a":1,"a":1}"#));
        assert!(refused(r#"{"a":1,"\u0061":1}"#));
        assert!(refused(r#"[{"x":{"a":1,"a":2}}]"#));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "\u{feff}{}",
            "{} {}",
            "{}x",
            r#""\ud800""#,
            "1.0",
            "1e3",
            "9007199254740992",
            "-9007199254740992",
            "",
            "-0",
        ] {
            assert!(refused(text), "{text}");
        }
        assert!(!refused("9007199254740991"));
        assert!(parse_json(b"1.5", Numbers::Any).is_ok());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!refused(&nested(64)));
        assert!(refused(&nested(65)));
        assert!(refused(&nested(100_000)));
    }
}
