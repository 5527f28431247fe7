//! Which requests a policy is asked about.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Predicates by JSON Pointer into the request: `{ "/client/data/tier" = { in = ["partner"] } }`.
pub type Matcher = BTreeMap<String, Predicate>;

/// What a member must be like. Several conditions must all hold. Where the member is absent or of another type than
/// the condition needs, the condition cannot be evaluated, which counts as a match; `exists` can always be.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Predicate {
    /// It is this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eq: Option<Value>,
    /// It is one of these.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Value>>,
    /// It is a string that begins so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// It is a list with this in it, or a string with this in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<Value>,
    /// It is there, or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
    /// This does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Predicate>>,
}

impl Predicate {
    /// Whether it holds; none if that cannot be said.
    pub fn holds(&self, member: Option<&Value>) -> Option<bool> {
        let known = [
            self.exists.map(|exists| Some(exists == member.is_some())),
            self.eq.as_ref().map(|value| member.map(|member| member == value)),
            self.one_of.as_ref().map(|values| member.map(|member| values.contains(member))),
            self.prefix.as_ref().map(|prefix| member?.as_str().map(|text| text.starts_with(prefix.as_str()))),
            self.contains.as_ref().map(|value| contains(member?, value)),
            self.not.as_ref().map(|inner| inner.holds(member).map(std::ops::Not::not)),
        ];
        let known: Vec<Option<bool>> = known.into_iter().flatten().collect();
        if known.contains(&Some(false)) {
            return Some(false);
        }
        if known.contains(&None) { None } else { Some(true) }
    }
}

fn contains(member: &Value, value: &Value) -> Option<bool> {
    match (member, value) {
        (Value::Array(items), value) => Some(items.contains(value)),
        (Value::String(text), Value::String(part)) => Some(text.contains(part.as_str())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(predicate: &Value, member: Option<&Value>) -> Option<bool> {
        serde_json::from_value::<Predicate>(predicate.clone()).unwrap().holds(member)
    }

    #[test]
    fn conditions_hold_fail_or_cannot_be_evaluated() {
        let gold = || Some(json!("gold"));
        for (predicate, member, expected) in [
            (json!({"eq": "gold"}), gold(), Some(true)),
            (json!({"eq": "lead"}), gold(), Some(false)),
            (json!({"eq": "gold"}), None, None),
            (json!({"in": ["gold", 1]}), Some(json!(1)), Some(true)),
            (json!({"in": []}), gold(), Some(false)),
            (json!({"prefix": "go"}), gold(), Some(true)),
            (json!({"prefix": "go"}), Some(json!(1)), None),
            (json!({"contains": "b"}), Some(json!(["a", "b"])), Some(true)),
            (json!({"contains": "ol"}), gold(), Some(true)),
            (json!({"contains": "b"}), Some(json!({"b": 1})), None),
            (json!({"exists": true}), None, Some(false)),
            (json!({"exists": false}), None, Some(true)),
            (json!({"not": {"eq": "gold"}}), gold(), Some(false)),
            (json!({"not": {"eq": "gold"}}), None, None),
            (json!({"exists": true, "eq": "gold"}), None, Some(false)),
            (json!({"exists": false, "eq": "gold"}), None, None),
            (json!({}), None, Some(true)),
        ] {
            assert_eq!(holds(&predicate, member.as_ref()), expected, "{predicate} of {member:?}");
        }
    }
}
