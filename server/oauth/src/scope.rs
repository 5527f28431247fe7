//! Scope: an ordered set of values (RFC 6749 section 3.3).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::error::OAuthError;

/// The most values a client may send; membership is looked up by walking the list.
const MAX_VALUES: usize = 256;

/// A set of scope values, in the order they were first named. Two scopes are equal if they hold the same
/// values: their order carries no meaning (RFC 6749 section 3.3).
#[derive(Clone, Debug, Default, Eq, Serialize)]
#[serde(transparent)]
pub struct Scope(Vec<String>);

impl Scope {
    /// Reads values separated by spaces; a value named twice counts once, and surplus spaces are ignored.
    ///
    /// # Errors
    ///
    /// `invalid_scope` for a character outside RFC 6749 section 3.3, or more than 256 values.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let mut scope = Self::empty();
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            if !is_value(value) {
                return Err(OAuthError::invalid_scope(format!("`{value}` is not a valid scope value")));
            }
            scope.add(value);
            if scope.len() > MAX_VALUES {
                return Err(OAuthError::invalid_scope(format!("more than {MAX_VALUES} scope values")));
            }
        }
        Ok(scope)
    }

    /// No value at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The set of these values. What is not a scope value is left out: it could never be asked for, and
    /// written next to others it could be taken for several.
    pub fn from_values(values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut scope = Self::empty();
        for value in values {
            let value = value.into();
            if is_value(&value) {
                scope.add(&value);
            }
        }
        scope
    }

    /// Whether `value` is one of the values.
    pub fn contains(&self, value: &str) -> bool {
        self.iter().any(|known| known == value)
    }

    /// Whether every value is also in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|value| other.contains(value))
    }

    /// The values that are also in `other`, in the order of `self`.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        self.filtered(|value| other.contains(value))
    }

    /// The values of `self`, then those that only `other` has.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        for value in other.iter() {
            union.add(value);
        }
        union
    }

    /// The values that `other` does not have, in the order of `self`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.filtered(|value| !other.contains(value))
    }

    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The values in order, as owned strings.
    pub fn to_vec(&self) -> Vec<String> {
        self.0.clone()
    }

    fn add(&mut self, value: &str) {
        if !self.contains(value) {
            self.0.push(value.to_owned());
        }
    }

    fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.iter().filter(|value| keep(value)).map(str::to_owned).collect())
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.is_subset(other)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Vec::<String>::deserialize(deserializer)?;
        match values.iter().find(|value| !is_value(value)) {
            Some(value) => Err(D::Error::custom(format!("`{value}` is not a valid scope value"))),
            None => Ok(Self::from_values(values)),
        }
    }
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`
fn is_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorCode;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    #[test]
    fn values_keep_their_order_and_count_once() {
        assert_eq!(scope("openid b a b openid").to_string(), "openid b a");
        assert_eq!(scope("  a   b ").to_vec(), ["a", "b"]);
        assert_eq!(scope("").len(), 0);
    }

    #[test]
    fn scope_values_are_case_sensitive() {
        assert!(!scope("Openid").contains("openid"));
    }

    #[test]
    fn characters_outside_the_grammar_are_refused() {
        for text in ["a\"b", "a\\b", "a\tb", "a\nb", "ä", "a\u{7f}"] {
            assert_eq!(Scope::parse(text).unwrap_err().code, ErrorCode::InvalidScope, "{text:?}");
        }
        assert_eq!(scope("!#[]~").to_vec(), ["!#[]~"]);
    }

    #[test]
    fn a_flood_of_values_is_refused() {
        let flood = |count: usize| (0..count).map(|i| i.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(scope(&flood(256)).len(), 256);
        assert_eq!(Scope::parse(&flood(257)).unwrap_err().description, "more than 256 scope values");
    }

    #[test]
    fn what_is_not_a_value_does_not_become_one() {
        assert_eq!(Scope::from_values(["a", "", "b c", "a"]).to_vec(), ["a"]);
    }

    #[test]
    fn json_is_an_array_and_is_checked() {
        assert_eq!(serde_json::to_string(&scope("b a")).unwrap(), r#"["b","a"]"#);
        assert_eq!(serde_json::from_str::<Scope>(r#"["b","a","b"]"#).unwrap().to_string(), "b a");
        assert!(serde_json::from_str::<Scope>(r#"["b a"]"#).is_err());
    }

    fn any_scope() -> impl Strategy<Value = Scope> {
        prop::collection::vec("[a-f]", 0..8).prop_map(Scope::from_values)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(values in prop::collection::vec("[!#-\\[\\]-~]{1,9}", 0..20)) {
            let scope = Scope::from_values(values);
            let read = Scope::parse(&scope.to_string()).unwrap();
            prop_assert_eq!(read.to_vec(), scope.to_vec());
        }

        #[test]
        fn scopes_distribute_and_associate(a in any_scope(), b in any_scope(), c in any_scope()) {
            prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
            prop_assert_eq!(a.intersect(&b).intersect(&c), a.intersect(&b.intersect(&c)));
            prop_assert_eq!(a.intersect(&b.union(&c)), a.intersect(&b).union(&a.intersect(&c)));
            prop_assert_eq!(a.difference(&b.union(&c)), a.difference(&b).difference(&c));
            prop_assert_eq!((a.union(&a), a.intersect(&a)), (a.clone(), a.clone()));
            prop_assert!(a.difference(&a).is_empty());
        }

        #[test]
        fn what_is_left_keeps_its_order(a in any_scope(), b in any_scope()) {
            let order = a.to_vec();
            let in_order = |left: &Scope| {
                let places: Vec<_> = left.iter().map(|value| order.iter().position(|known| known == value)).collect();
                places.is_sorted()
            };
            prop_assert!(in_order(&a.intersect(&b)) && in_order(&a.difference(&b)));
            prop_assert_eq!(a.union(&b).to_vec()[..a.len()].to_vec(), order);
        }

        #[test]
        fn scopes_obey_the_algebra_of_sets(a in any_scope(), b in any_scope()) {
            prop_assert_eq!(a.union(&b), b.union(&a));
            prop_assert_eq!(a.intersect(&b), b.intersect(&a));
            prop_assert_eq!(a.difference(&b).union(&a.intersect(&b)), a.clone());
            prop_assert!(a.difference(&b).intersect(&b).is_empty());
            prop_assert!(a.intersect(&b).is_subset(&a) && a.is_subset(&a.union(&b)));
            prop_assert_eq!(a.is_subset(&b), a.intersect(&b) == a);
        }
    }
}
