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
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Objects of a few names, some of them with objects inside; `null` as often as `holes` says.
    fn objects(holes: u32) -> impl Strategy<Value = Object> {
        let leaf = prop_oneof![
            holes => Just(Value::Null),
            2 => (0..3_u8).prop_map(Value::from),
            1 => Just(json!([{ "a": null }])),
            1 => Just(json!("text")),
        ];
        let value = leaf.prop_recursive(3, 16, 4, |inner| {
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect()))
        });
        prop::collection::btree_map("[a-d]", value, 0..4).prop_map(|members| members.into_iter().collect())
    }

    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Object(members) => members.values().any(has_null),
            _ => false,
        }
    }

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

    proptest! {
        #[test]
        fn a_patch_that_is_applied_twice_changes_nothing_the_second_time(
            document in objects(1), patch in objects(2),
        ) {
            let once = merged(Value::Object(document), &patch);
            prop_assert_eq!(merged(once.clone(), &patch), once);
        }

        #[test]
        fn a_patch_reaches_what_it_names_and_nothing_else(document in objects(0), patch in objects(2)) {
            let result = object(merged(Value::Object(document.clone()), &patch));
            prop_assert!(!has_null(&Value::Object(result.clone())));
            for (name, value) in &document {
                if !patch.contains_key(name) {
                    prop_assert_eq!(result.get(name), Some(value));
                }
            }
            for name in result.keys() {
                prop_assert!(document.contains_key(name) || patch.contains_key(name));
            }
            for (name, change) in &patch {
                prop_assert_eq!(result.contains_key(name), !change.is_null());
            }
        }

        #[test]
        fn whatever_is_not_an_object_counts_as_an_empty_one(patch in objects(2)) {
            let of_nothing = merged(json!({}), &patch);
            for document in [json!(null), json!(7), json!("text"), json!([1])] {
                prop_assert_eq!(merged(document, &patch), of_nothing.clone());
            }
        }

        #[test]
        fn the_difference_of_any_two_leads_from_one_to_the_other(old in objects(0), new in objects(0)) {
            let patch = difference(&old, &new);
            prop_assert_eq!(patch.is_empty(), old == new);
            prop_assert_eq!(merged(Value::Object(old), &patch), Value::Object(new));
        }
    }
}
