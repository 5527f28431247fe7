//! Authorization details (RFC 9396): how what is granted is held against what was asked for.
//!
//! What the members of a detail mean is a matter of its type (RFC 9396 section 6.1), which nobody here knows. So details
//! are compared as JSON: they are equal or they are not, except in members that the operator marks. In *enrichable*
//! members what is granted may say more or something else than what was asked for: the account that the user chose. In
//! *narrowable* members, which are arrays, a client may later ask for fewer elements.
//!
//! Members are named by JSON pointers (RFC 6901) that begin at the detail and lead through objects alone: an array is
//! compared as a whole.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::grant::Object;

/// The members in which details may be enriched: for each type, pointers.
pub type Enrichable = BTreeMap<String, Vec<String>>;

/// The type of a detail (RFC 9396 section 2); empty if it has none.
pub fn type_of(detail: &Object) -> &str {
    detail.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// Whether `granted` is `offered`, or an enrichment of it: everything that was offered is still there, and what differs
/// or is new lies in members that `marked` leads to.
pub fn enriches(offered: &Object, granted: &Object, marked: &[String]) -> bool {
    let paths: Vec<Vec<String>> = marked.iter().map(|pointer| tokens(pointer)).collect();
    type_of(offered) == type_of(granted) && object(offered, granted, &below_all(&paths))
}

/// For each detail that is granted the one that it was offered as; none if there is one that was not offered. Each that
/// was offered stands for one at the most, however many of them it could stand for.
pub fn assign(offered: &[Object], granted: &[Object], enrichable: &Enrichable) -> Option<Vec<usize>> {
    let marked = |detail: &Object| enrichable.get(type_of(detail)).map_or(&[][..], Vec::as_slice);
    let fits = |at: usize, of: usize| enriches(&offered[of], &granted[at], marked(&offered[of]));
    matching(granted.len(), offered.len(), fits)
}

/// The members that are still free for enrichment after somebody made `current` of what was `offered`: those that
/// nobody has touched. If `current` was not offered at all, there are none.
pub fn still_enrichable(offered: &[Object], enrichable: &Enrichable, current: &[Object]) -> Enrichable {
    let Some(origins) = assign(offered, current, enrichable) else { return Enrichable::new() };
    let mut left = enrichable.clone();
    for (detail, origin) in current.iter().zip(origins) {
        let (before, after) = (Value::Object(offered[origin].clone()), Value::Object(detail.clone()));
        if let Some(pointers) = left.get_mut(type_of(detail)) {
            pointers.retain(|pointer| before.pointer(pointer) == after.pointer(pointer));
        }
    }
    left.retain(|_, pointers| !pointers.is_empty());
    left
}

/// What a client gets that asks for `asked` under a grant of `granted`: `granted` with the arrays as `asked` has them,
/// where these are narrowable. None if `asked` is anything else than `granted`, or what it was before it was enriched.
///
/// Whatever `asked` says, the result grants nothing that `granted` does not: enrichable members stay as they were
/// granted.
pub fn narrowed(
    granted: &Object,
    asked: &Object,
    (enrichable, narrowable): (&[String], &[String]),
) -> Option<Object> {
    let mut narrowed = Value::Object(granted.clone());
    for pointer in narrowable {
        let asked = at(asked, pointer);
        let (Some(Value::Array(fewer)), Some(Value::Array(all))) = (asked, narrowed.pointer_mut(pointer))
        else {
            continue;
        };
        if !fewer.is_empty() && distinct(fewer) && fewer.iter().all(|one| all.contains(one)) {
            all.clone_from(fewer);
        }
    }
    let Value::Object(narrowed) = narrowed else { return None };
    enriches(asked, &narrowed, enrichable).then_some(narrowed)
}

/// What a client gets that asks for these details under a grant of `granted`, in the order it asks; the index of the
/// first one that it cannot get if there is one.
pub fn narrowed_all<'a>(
    granted: &[Object],
    asked: &[Object],
    marked: impl Fn(&str) -> (&'a [String], &'a [String]),
) -> Result<Vec<Object>, usize> {
    let get = |at: usize, of: usize| narrowed(&granted[of], &asked[at], marked(type_of(&granted[of])));
    for count in 1..=asked.len() {
        // The details before this one could be had together.
        if matching(count, granted.len(), |at, of| get(at, of).is_some()).is_none() {
            return Err(count - 1);
        }
    }
    let chosen = matching(asked.len(), granted.len(), |at, of| get(at, of).is_some()).unwrap_or_default();
    Ok(chosen.into_iter().enumerate().filter_map(|(at, of)| get(at, of)).collect())
}

/// Pairs each of `count` things with one of `places` that it fits, no two with the same (a maximum matching along
/// augmenting paths).
fn matching(count: usize, places: usize, fits: impl Fn(usize, usize) -> bool) -> Option<Vec<usize>> {
    fn seat(
        thing: usize,
        taken: &mut [Option<usize>],
        seen: &mut [bool],
        fits: &impl Fn(usize, usize) -> bool,
    ) -> bool {
        for place in 0..taken.len() {
            if seen[place] || !fits(thing, place) {
                continue;
            }
            seen[place] = true;
            if taken[place].is_none_or(|other| seat(other, taken, seen, fits)) {
                taken[place] = Some(thing);
                return true;
            }
        }
        false
    }
    let mut taken = vec![None; places];
    for thing in 0..count {
        if !seat(thing, &mut taken, &mut vec![false; places], &fits) {
            return None;
        }
    }
    (0..count).map(|thing| taken.iter().position(|other| *other == Some(thing))).collect()
}

/// Where the marked members are, seen from here: for each what is left of its path.
type Marks<'a> = Vec<&'a [String]>;

fn below_all(paths: &[Vec<String>]) -> Marks<'_> {
    paths.iter().map(Vec::as_slice).collect()
}

fn object(offered: &Object, granted: &Object, marks: &Marks<'_>) -> bool {
    let below = |name: &str| -> Marks<'_> {
        marks
            .iter()
            .filter_map(|path| path.split_first().filter(|(first, _)| *first == name).map(|(_, rest)| rest))
            .collect()
    };
    offered.keys().all(|name| granted.contains_key(name))
        && granted.iter().all(|(name, value)| member(offered.get(name), value, &below(name)))
}

fn member(offered: Option<&Value>, granted: &Value, marks: &Marks<'_>) -> bool {
    if marks.iter().any(|path| path.is_empty()) {
        return true;
    }
    match (offered, granted) {
        (Some(Value::Object(offered)), Value::Object(granted)) => object(offered, granted, marks),
        // An object that was not there may be if all that it holds is marked.
        (None, Value::Object(granted)) => !granted.is_empty() && object(&Object::new(), granted, marks),
        (Some(offered), granted) => offered == granted,
        (None, _) => false,
    }
}

/// The tokens of a pointer (RFC 6901 section 4); those that cannot be one lead nowhere.
fn tokens(pointer: &str) -> Vec<String> {
    match pointer.strip_prefix('/') {
        Some(rest) => rest.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect(),
        // It would mark the whole detail.
        None => vec![String::new()],
    }
}

fn at<'a>(detail: &'a Object, pointer: &str) -> Option<&'a Value> {
    let mut tokens = tokens(pointer).into_iter();
    let first = detail.get(&tokens.next()?)?;
    tokens.try_fold(first, |value, token| value.get(&token))
}

fn distinct(values: &[Value]) -> bool {
    values.iter().enumerate().all(|(at, value)| !values[..at].contains(value))
}

#[cfg(test)]
mod tests;
