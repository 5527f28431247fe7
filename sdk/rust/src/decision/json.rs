//! Reading JSON strictly: no name twice (RFC 7493 section 2.3), no deep nesting, no long strings.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::violation::{Violation, ViolationCode};

/// How deep a message may be nested.
pub const MAX_DEPTH: usize = 32;
/// The longest string of a message, in bytes.
pub const MAX_STRING: usize = 8 * 1024;

/// Reads JSON of which no object has a name twice, and that is not nested deeper than [`MAX_DEPTH`].
pub fn parse(body: &[u8]) -> Result<Value, Violation> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = Strict { left: MAX_DEPTH }.deserialize(&mut reader);
    let value = value.and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| Violation::new(ViolationCode::Malformed, "", error.to_string()))
}

/// Checks that no string, and no name, is longer than [`MAX_STRING`]; gives the pointer of one that is.
pub(crate) fn long_string(value: &Value, pointer: &str) -> Option<String> {
    match value {
        Value::String(text) => (text.len() > MAX_STRING).then(|| pointer.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| long_string(item, &format!("{pointer}/{at}")))
        }
        Value::Object(members) => members.iter().find_map(|(name, item)| {
            if name.len() > MAX_STRING {
                return Some(pointer.to_owned());
            }
            long_string(item, &below(pointer, name))
        }),
        _ => None,
    }
}

/// How deep a value is nested: 0 for what has no members.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The pointer of a member (RFC 6901 section 3).
pub(crate) fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[derive(Clone, Copy)]
struct Strict {
    left: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let left = self.left.checked_sub(1);
        left.map(|left| Self { left }).ok_or_else(|| E::custom(format!("nested deeper than {MAX_DEPTH}")))
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

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if all.contains_key(&name) {
                return Err(A::Error::custom("an object has a name twice"));
            }
            all.insert(name, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_was_written() {
        let text = r#"{"a": [1, -2, 3.5, true, null, "ü"], "b": {"c": {}}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn a_name_twice_a_deep_nest_and_a_second_value_are_refused() {
        let deep = format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
        for bad in [r#"{"a": 1, "a": 2}"#, r#"{"a": {"b": 1, "b": 1}}"#, &deep, "{} {}", "{", ""] {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().code, ViolationCode::Malformed, "{bad}");
        }
        let just = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert_eq!(depth(&parse(just.as_bytes()).unwrap()), MAX_DEPTH);
    }

    #[test]
    fn a_long_string_is_found_by_its_pointer() {
        let value = serde_json::json!({"a/b": [0, "x".repeat(MAX_STRING + 1)]});
        assert_eq!(long_string(&value, ""), Some("/a~1b/1".to_owned()));
        assert_eq!(long_string(&serde_json::json!({"a": "x".repeat(MAX_STRING)}), ""), None);
    }
}
