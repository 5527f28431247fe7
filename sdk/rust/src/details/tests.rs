//! The law of enrichment: nothing grows except in members that are marked.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn detail(value: Value) -> Object {
    let Value::Object(members) = value else { panic!("an object") };
    members
}

fn details(value: Value) -> Vec<Object> {
    let Value::Array(items) = value else { panic!("an array") };
    items.into_iter().map(detail).collect()
}

fn marks(pointers: &[&str]) -> Vec<String> {
    pointers.iter().map(|pointer| (*pointer).to_owned()).collect()
}

fn enrichable(pointers: &[&str]) -> Enrichable {
    Enrichable::from([("pay".to_owned(), marks(pointers))])
}

#[test]
fn without_marks_only_the_same_is_granted_whatever_the_order_of_members() {
    let offered =
        detail(json!({ "type": "pay", "amount": { "value": "5", "currency": "EUR" }, "to": [1, 2] }));
    let same = detail(json!({ "to": [1, 2], "amount": { "currency": "EUR", "value": "5" }, "type": "pay" }));
    assert!(enriches(&offered, &same, &[]));
    for other in [
        json!({ "type": "pay", "amount": { "value": "6", "currency": "EUR" }, "to": [1, 2] }),
        json!({ "type": "pay", "amount": { "value": "5" }, "to": [1, 2] }),
        json!({ "type": "pay", "amount": { "value": "5", "currency": "EUR" }, "to": [2, 1] }),
        json!({ "type": "pay", "amount": { "value": "5", "currency": "EUR" }, "to": [1, 2], "more": 1 }),
        json!({ "type": "pay", "amount": { "value": "5", "currency": "EUR" } }),
        json!({ "type": "own", "amount": { "value": "5", "currency": "EUR" }, "to": [1, 2] }),
    ] {
        assert!(!enriches(&offered, &detail(other.clone()), &[]), "{other}");
    }
}

#[test]
fn marked_members_may_be_added_and_changed_and_never_taken_away() {
    let offered = detail(json!({ "type": "pay", "amount": "5", "account": null }));
    let marked = marks(&["/account", "/debtor/iban", "/a~1b"]);
    for (granted, allowed) in [
        (json!({ "type": "pay", "amount": "5", "account": "DE1" }), true),
        (json!({ "type": "pay", "amount": "5", "account": { "iban": "DE1" } }), true),
        (json!({ "type": "pay", "amount": "5", "account": null, "debtor": { "iban": "DE1" } }), true),
        (json!({ "type": "pay", "amount": "5", "account": null, "a/b": 1 }), true),
        (json!({ "type": "pay", "amount": "5" }), false),
        (json!({ "type": "pay", "amount": "5", "account": null, "debtor": { "name": "Bob" } }), false),
        (json!({ "type": "pay", "amount": "5", "account": null, "debtor": {} }), false),
        (json!({ "type": "pay", "amount": "5", "account": null, "debtor": "DE1" }), false),
        (json!({ "type": "pay", "amount": "5", "account": null, "iban": "DE1" }), false),
        (json!({ "type": "pay", "amount": "9", "account": "DE1" }), false),
    ] {
        assert_eq!(enriches(&offered, &detail(granted.clone()), &marked), allowed, "{granted}");
    }
}

#[test]
fn a_pointer_that_is_none_marks_nothing() {
    let offered = detail(json!({ "type": "pay" }));
    for pointer in ["", "account", "#/account"] {
        assert!(!enriches(&offered, &detail(json!({ "type": "pay", "account": 1 })), &marks(&[pointer])));
    }
}

#[test]
fn each_detail_that_is_offered_is_granted_once_at_the_most() {
    let offered = details(json!([{ "type": "pay", "to": "a" }, { "type": "pay", "to": "b" }]));
    let all = enrichable(&["/account"]);
    let assigned = |granted: Value| assign(&offered, &details(granted), &all);
    assert_eq!(assigned(json!([])), Some(vec![]));
    assert_eq!(assigned(json!([{ "type": "pay", "to": "b", "account": 1 }])), Some(vec![1]));
    assert_eq!(
        assigned(json!([{ "type": "pay", "to": "b" }, { "type": "pay", "to": "a" }])),
        Some(vec![1, 0])
    );
    assert_eq!(
        assigned(json!([{ "type": "pay", "to": "a" }, { "type": "pay", "to": "a", "account": 1 }])),
        None
    );
    assert_eq!(assigned(json!([{ "type": "pay", "to": "c" }])), None);
}

#[test]
fn of_several_ways_to_assign_one_that_works_is_found() {
    // The first one granted could be either; the second one only the first that was offered.
    let offered = details(json!([{ "type": "pay" }, { "type": "pay", "account": 0 }]));
    let granted = details(json!([{ "type": "pay", "account": 7 }, { "type": "pay" }]));
    assert_eq!(assign(&offered, &granted, &enrichable(&["/account"])), Some(vec![1, 0]));
}

#[test]
fn what_somebody_enriched_is_free_for_nobody_else() {
    let offered = details(json!([{ "type": "pay", "to": "a" }, { "type": "own" }]));
    let all = enrichable(&["/account", "/limit"]);
    let left = |current: Value| still_enrichable(&offered, &all, &details(current));
    assert_eq!(left(json!([{ "type": "pay", "to": "a" }])), all);
    assert_eq!(left(json!([{ "type": "pay", "to": "a", "limit": 5 }])), enrichable(&["/account"]));
    assert_eq!(left(json!([{ "type": "pay", "to": "a", "limit": 5, "account": 1 }])), Enrichable::new());
    assert_eq!(left(json!([{ "type": "pay", "to": "other" }])), Enrichable::new());
}

#[test]
fn a_client_gets_what_was_granted_or_less_in_narrowable_arrays() {
    let granted = detail(json!({
        "type": "pay", "actions": ["list", "read", "write"], "amount": "5", "account": "DE1",
    }));
    let marked = (marks(&["/account"]), marks(&["/actions"]));
    let get = |asked: Value| narrowed(&granted, &detail(asked), (&marked.0, &marked.1)).map(Value::Object);
    let with = |actions: Value| json!({ "type": "pay", "actions": actions, "amount": "5", "account": "DE1" });
    let all = json!(["list", "read", "write"]);
    for (asked, got) in [
        (with(all.clone()), Some(all.clone())),
        // As it was before it was enriched, or with another value there: the granted one stays.
        (json!({ "type": "pay", "actions": all, "amount": "5" }), Some(all.clone())),
        (json!({ "type": "pay", "actions": all, "amount": "5", "account": "DE2" }), Some(all.clone())),
        (with(json!(["write", "list"])), Some(json!(["write", "list"]))),
        (with(json!([])), None),
        (with(json!(["list", "list"])), None),
        (with(json!(["list", "delete"])), None),
        (with(json!("list")), None),
        (json!({ "type": "pay", "amount": "5" }), None),
        (json!({ "type": "pay", "actions": all }), None),
        (json!({ "type": "pay", "actions": all, "amount": "6" }), None),
        (json!({ "type": "pay", "actions": all, "amount": "5", "more": 1 }), None),
    ] {
        assert_eq!(get(asked.clone()), got.map(with), "{asked}");
    }
}

#[test]
fn the_first_detail_that_cannot_be_had_is_named() {
    let granted = details(json!([{ "type": "pay", "to": "a" }, { "type": "pay", "to": "b" }]));
    let none: (&[String], &[String]) = (&[], &[]);
    let get = |asked: Value| narrowed_all(&granted, &details(asked), |_| none);
    assert_eq!(
        get(json!([{ "type": "pay", "to": "b" }])),
        Ok(details(json!([{ "type": "pay", "to": "b" }])))
    );
    assert_eq!(get(json!([{ "type": "pay", "to": "b" }, { "type": "pay", "to": "c" }])), Err(1));
    assert_eq!(get(json!([{ "type": "pay", "to": "b" }, { "type": "pay", "to": "b" }])), Err(1));
    assert_eq!(get(json!([])), Ok(vec![]));
}

/// A small value, with names that are also marked below.
fn values() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(json!(null)), any::<bool>().prop_map(Value::from), (0..3i64).prop_map(Value::from)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..3)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn any_detail() -> impl Strategy<Value = Object> {
    prop::collection::btree_map("[abc]", values(), 0..4).prop_map(|members| {
        let mut detail: Object = members.into_iter().collect();
        detail.insert("type".to_owned(), "pay".into());
        detail
    })
}

fn pointers() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("(/[abc]){1,2}", 0..3)
}

/// Changes at some places: the other side of a comparison is like this one in most of it, or they never agree.
fn edits() -> impl Strategy<Value = Vec<(String, Option<String>, Value)>> {
    prop::collection::vec(("[abc]", prop::option::of("[abc]"), values()), 0..3)
}

fn edited(detail: &Object, edits: Vec<(String, Option<String>, Value)>) -> Object {
    let mut edited = detail.clone();
    for (outer, inner, value) in edits {
        match (edited.get_mut(&outer), inner) {
            (Some(Value::Object(members)), Some(inner)) => members.insert(inner, value),
            (_, Some(inner)) => edited.insert(outer, json!({ inner: value })),
            (_, None) => edited.insert(outer, value),
        };
    }
    edited
}

/// Every place of a value that holds no object, by its pointer; objects without members too.
fn leaves(value: &Value, pointer: &str, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, inner) in members {
                leaves(inner, &format!("{pointer}/{name}"), into);
            }
        }
        other => {
            into.insert(pointer.to_owned(), other.clone());
        }
    }
}

fn places(detail: &Object) -> BTreeMap<String, Value> {
    let mut places = BTreeMap::new();
    leaves(&Value::Object(detail.clone()), "", &mut places);
    places
}

fn is_below(pointer: &str, marks: &[String]) -> bool {
    marks
        .iter()
        .any(|mark| pointer.strip_prefix(mark.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('/')))
}

proptest! {
    #[test]
    fn nothing_grows_except_in_marked_members(
        offered in any_detail(), edits in edits(), marked in pointers(),
    ) {
        let granted = edited(&offered, edits);
        if enriches(&offered, &granted, &marked) {
            let (before, after) = (places(&offered), places(&granted));
            for (pointer, value) in &after {
                if !is_below(pointer, &marked) {
                    prop_assert_eq!(before.get(pointer).or(Some(value)), Some(value), "{}", pointer);
                }
            }
            // What stands outside of marked members is the same on both sides.
            let outside = |places: &BTreeMap<String, Value>| -> BTreeMap<String, Value> {
                let kept = places.iter().filter(|(p, v)| !is_below(p, &marked) && **v != json!({}));
                kept.map(|(p, v)| (p.clone(), v.clone())).collect()
            };
            prop_assert_eq!(outside(&before), outside(&after));
            for pointer in before.keys() {
                prop_assert!(Value::Object(granted.clone()).pointer(pointer).is_some() || is_below(pointer, &marked));
            }
        } else {
            prop_assert_ne!(offered, granted);
        }
    }

    #[test]
    fn whatever_is_put_into_marked_members_is_an_enrichment(
        offered in any_detail(), value in values(), name in "[abc]",
    ) {
        let mut granted = offered.clone();
        granted.insert(name.clone(), value);
        let marked = vec![format!("/{name}")];
        prop_assert!(enriches(&offered, &granted, &marked));
        prop_assert_eq!(enriches(&offered, &granted, &[]), offered == granted);
    }

    #[test]
    fn what_a_client_gets_is_never_more_than_was_granted(
        granted in any_detail(), edits in edits(), marked in pointers(), narrowable in pointers(),
    ) {
        let asked = edited(&granted, edits);
        if let Some(got) = narrowed(&granted, &asked, (&marked, &narrowable)) {
            for (pointer, value) in places(&got) {
                let before = Value::Object(granted.clone()).pointer(&pointer).cloned();
                match (before, value) {
                    (Some(Value::Array(all)), Value::Array(fewer)) if is_below(&pointer, &narrowable) => {
                        prop_assert!(fewer.iter().all(|one| all.contains(one)));
                        prop_assert!(all.is_empty() || !fewer.is_empty());
                    }
                    (before, value) => prop_assert_eq!(before, Some(value)),
                }
            }
        }
        prop_assert_eq!(narrowed(&granted, &granted, (&marked, &narrowable)), Some(granted));
    }
}
