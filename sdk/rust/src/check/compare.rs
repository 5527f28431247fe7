//! Whether two decisions are the same, given that some of what a policy says differs each time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::decision::below;

/// The leaves of a value by their pointers.
fn leaves(value: &Value) -> BTreeMap<String, Value> {
    fn walk(value: &Value, pointer: &str, found: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, inner) in members {
                    walk(inner, &below(pointer, name), found);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (at, inner) in items.iter().enumerate() {
                    walk(inner, &format!("{pointer}/{at}"), found);
                }
            }
            leaf => {
                found.insert(pointer.to_owned(), leaf.clone());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(value, "", &mut found);
    // Every question has an id of its own, and the answer repeats it.
    found.remove("/id");
    found
}

/// The pointers at which two decisions differ.
pub(super) fn differences(one: &Value, other: &Value) -> BTreeSet<String> {
    let (one, other) = (leaves(one), leaves(other));
    let pointers: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    pointers.into_iter().filter(|pointer| one.get(*pointer) != other.get(*pointer)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_told_by_their_pointers_and_ids_do_not_count() {
        let one = json!({"id": "a", "set": {"grant": {"scope": ["x", "y"], "data": {"at": 1}}}, "tags": {}});
        let other = json!({"id": "b", "set": {"grant": {"scope": ["x"], "data": {"at": 2}}}, "tags": {}});
        let found = differences(&one, &other);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["/set/grant/data/at", "/set/grant/scope/1"]);
        assert!(differences(&one, &json!({"id": "c", "set": one["set"], "tags": {}})).is_empty());
    }
}
