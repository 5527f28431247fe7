//! JSON Merge Patch (RFC 7396).

use serde_json::Value;

use crate::grant::Object;

/// The document with the patch applied.
pub(crate) fn merged(document: Value, patch: &Object) -> Value {
    let mut members = match document {
        Value::Object(members) => members,
        _ => Object::new(),
    };
    for (name, change) in patch {
        match change {
            Value::Null => {
                members.remove(name);
            }
            Value::Object(inner) => {
                let before = members.remove(name).unwrap_or(Value::Null);
                members.insert(name.clone(), merged(before, inner));
            }
            other => {
                members.insert(name.clone(), other.clone());
            }
        }
    }
    Value::Object(members)
}

#[cfg(any(test, feature = "serve"))]
/// The patch that makes `new` of `old`.
pub(crate) fn difference(old: &Object, new: &Object) -> Object {
    let mut patch = Object::new();
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, value) in new {
        match (old.get(name), value) {
            (Some(before), after) if before == after => {}
            (Some(Value::Object(before)), Value::Object(after)) => {
                patch.insert(name.clone(), Value::Object(difference(before, after)));
            }
            (_, after) => {
                patch.insert(name.clone(), after.clone());
            }
        }
    }
    patch
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        let Value::Object(members) = value else { panic!("an object") };
        members
    }

    #[test]
    fn the_examples_of_rfc_7396_hold() {
        for (document, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            assert_eq!(merged(document, &object(patch)), result);
        }
    }

    #[test]
    fn a_difference_leads_from_one_to_the_other() {
        let old = object(json!({"a": 1, "b": {"c": 1, "d": [1]}, "e": {"f": 1}, "same": {"x": 1}}));
        let new = object(json!({"a": 2, "b": {"d": [2]}, "g": {"h": 1}, "same": {"x": 1}}));
        let patch = difference(&old, &new);
        assert_eq!(
            Value::Object(patch.clone()),
            json!({"a": 2, "b": {"c": null, "d": [2]}, "e": null, "g": {"h": 1}})
        );
        assert_eq!(merged(Value::Object(old), &patch), Value::Object(new));
    }
}
