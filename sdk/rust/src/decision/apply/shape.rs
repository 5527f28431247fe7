//! Which members `set` may have. A member that is not known is a failure: who sends it believes in an effect that it
//! does not have.

use serde_json::Value;

use super::super::{hook::HookType, json::below, proposal::Proposal, violation::Violation};
use crate::grant::Object;

/// What may stand at a place.
#[derive(Clone, Copy)]
enum Shape {
    /// A value, or an object whose type knows its own members.
    Value,
    /// An object with these members.
    Members(&'static [(&'static str, Shape)]),
    /// A list of objects with these members.
    List(&'static [(&'static str, Shape)]),
}

use Shape::{List, Members, Value as Leaf};

const PROPOSAL: &[(&str, Shape)] = &[
    ("demand", Members(DEMAND)),
    ("grant", Members(GRANT)),
    ("consent", Members(&[("ask", Leaf)])),
    ("session", Members(&[("max_life", Leaf), ("max_idle", Leaf), ("auth_life", Leaf)])),
    ("device", Members(&[("expires_in", Leaf), ("interval", Leaf)])),
    ("ciba", Members(&[("sub", Leaf), ("expires_in", Leaf), ("interval", Leaf), ("channel", Leaf)])),
    ("logout", Members(&[("confirm", Leaf)])),
    ("client", Leaf),
    ("claims", Leaf),
    ("claim_sources", Leaf),
    ("introspection", Leaf),
    ("token_response", Leaf),
    ("saml2_bearer", Members(SAML2)),
];
const DEMAND: &[(&str, Shape)] =
    &[("acr_values", Leaf), ("acr_essential", Leaf), ("max_age", Leaf), ("force_auth", Leaf), ("ui", Leaf)];
const GRANT: &[(&str, Shape)] = &[
    ("sub", Leaf),
    ("act", Leaf),
    ("may_act", Leaf),
    ("scope", Leaf),
    ("resources", Leaf),
    ("authorization_details", Leaf),
    ("claims", Members(&[("id_token", Leaf), ("userinfo", Leaf), ("access_token", Leaf)])),
    ("authentication", Members(&[("authenticated_at", Leaf), ("acr", Leaf), ("amr", Leaf)])),
    ("access_token", Members(ACCESS_TOKEN)),
    ("refresh_token", Members(REFRESH_TOKEN)),
    ("id_token", Members(ID_TOKEN)),
    ("userinfo", Members(&[("claims", Leaf)])),
    ("data", Leaf),
    ("claims_context", Leaf),
];
const ACCESS_TOKEN: &[(&str, Shape)] = &[
    ("encoding", Leaf),
    ("lifetime", Leaf),
    ("audience", Leaf),
    ("sub_type", Leaf),
    ("encrypt", Leaf),
    ("sender_constraint", Leaf),
    ("single_use", Leaf),
    ("claims", Leaf),
];
const REFRESH_TOKEN: &[(&str, Shape)] = &[
    ("issue", Leaf),
    ("lifetime", Leaf),
    ("max_idle", Leaf),
    ("rotation", Leaf),
    ("grace", Leaf),
    ("tokens", Leaf),
];
const ID_TOKEN: &[(&str, Shape)] = &[
    ("issue", Leaf),
    ("lifetime", Leaf),
    ("audience", Leaf),
    ("claims", Leaf),
    ("reissue_on_refresh", Leaf),
];
const SAML2: &[(&str, Shape)] = &[
    ("trust", Leaf),
    (
        "assertion",
        Members(&[
            ("id", Leaf),
            ("issuer", Leaf),
            ("issued_at", Leaf),
            (
                "name_id",
                Members(&[
                    ("value", Leaf),
                    ("format", Leaf),
                    ("name_qualifier", Leaf),
                    ("sp_name_qualifier", Leaf),
                ]),
            ),
            (
                "conditions",
                Members(&[
                    ("not_before", Leaf),
                    ("not_on_or_after", Leaf),
                    ("audiences", Leaf),
                    ("one_time_use", Leaf),
                ]),
            ),
            (
                "subject_confirmation",
                List(&[("method", Leaf), ("recipient", Leaf), ("not_on_or_after", Leaf)]),
            ),
            ("authn", List(&[("instant", Leaf), ("session_index", Leaf), ("class_ref", Leaf)])),
            (
                "attributes",
                List(&[("name", Leaf), ("name_format", Leaf), ("friendly_name", Leaf), ("values", Leaf)]),
            ),
        ]),
    ),
    (
        "verified",
        Members(&[
            ("signature", Leaf),
            ("signed", Leaf),
            ("alg", Leaf),
            ("encrypted", Leaf),
            ("replay_checked", Leaf),
        ]),
    ),
];

/// `set` without the members that begin with `x-`; or a violation, if it has members that are not known, or sections
/// that this type does not set.
pub(super) fn known(set: &Object, hook: HookType) -> Result<Object, Violation> {
    for (name, value) in set {
        if extension(name) {
            continue;
        }
        let pointer = below("", name);
        if !hook.settable().contains(&name.as_str()) {
            return Err(Violation::schema(&pointer, format!("`{hook}` does not set `{name}`")));
        }
        if !value.is_object() {
            return Err(Violation::schema(&pointer, "a section is an object and cannot be removed"));
        }
    }
    members(set, PROPOSAL, "")
}

fn members(given: &Object, shape: &[(&str, Shape)], pointer: &str) -> Result<Object, Violation> {
    let mut clean = Object::new();
    for (name, value) in given {
        let here = below(pointer, name);
        match shape.iter().find(|(known, _)| known == name) {
            Some((_, shape)) => {
                clean.insert(name.clone(), fitted(value, *shape, &here)?);
            }
            None if extension(name) => {}
            None => return Err(Violation::schema(&here, format!("`{name}` is not a member here"))),
        }
    }
    Ok(clean)
}

fn fitted(value: &Value, shape: Shape, pointer: &str) -> Result<Value, Violation> {
    match (shape, value) {
        (Members(shape), Value::Object(inner)) => members(inner, shape, pointer).map(Value::Object),
        (List(shape), Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(at, item)| fitted(item, Members(shape), &format!("{pointer}/{at}")))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        // What is neither is told by its type.
        _ => Ok(value.clone()),
    }
}

fn extension(name: &str) -> bool {
    name.starts_with("x-")
}

/// Says where a patched proposal is not what its types say. The patch is at fault, so each of its members is looked
/// at alone.
pub(super) fn misfit(set: &Object, error: &str) -> Violation {
    let found = set.iter().find_map(|(section, value)| {
        let (_, shape) = PROPOSAL.iter().find(|(known, _)| known == section)?;
        unfit(value, *shape, &[section])
    });
    found.unwrap_or_else(|| Violation::schema("", error))
}

fn unfit(value: &Value, shape: Shape, path: &[&str]) -> Option<Violation> {
    match (shape, value) {
        // The facts of an assertion are required, so they are not whole in parts.
        (Members(known), Value::Object(inner)) if path != ["saml2_bearer"] => {
            inner.iter().find_map(|(name, value)| {
                let (_, shape) = known.iter().find(|(known, _)| known == name)?;
                unfit(value, *shape, &[path, &[name.as_str()]].concat())
            })
        }
        (_, Value::Null) => None,
        _ => {
            let alone = path.iter().rev().fold(value.clone(), |value, name| {
                Value::Object(Object::from_iter([((*name).to_owned(), value)]))
            });
            let error = serde_json::from_value::<Proposal>(alone).err()?;
            Some(Violation::schema(&format!("/{}", path.join("/")), error.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use schemars::schema_for;

    use super::*;

    /// Follows references and takes the alternative that is not null.
    fn resolved<'a>(schema: &'a Value, whole: &'a Value) -> &'a Value {
        if let Some(path) = schema["$ref"].as_str() {
            return resolved(whole.pointer(&path[1..]).unwrap(), whole);
        }
        match schema["anyOf"].as_array() {
            Some(either) => resolved(either.iter().find(|s| s["type"] != "null").unwrap(), whole),
            None => schema,
        }
    }

    fn compare(shape: Shape, schema: &Value, whole: &Value, pointer: &str) {
        let schema = resolved(schema, whole);
        let (members, properties) = match shape {
            Leaf => return,
            Members(members) => (members, &schema["properties"]),
            List(members) => (members, &resolved(&schema["items"], whole)["properties"]),
        };
        let mut known: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
        let mut typed: Vec<&str> = properties.as_object().unwrap().keys().map(String::as_str).collect();
        known.sort_unstable();
        typed.sort_unstable();
        assert_eq!(known, typed, "{pointer}");
        for (name, shape) in members {
            compare(*shape, &properties[name], whole, &below(pointer, name));
        }
    }

    #[test]
    fn the_members_that_may_be_set_are_those_of_the_types() {
        let whole = schema_for!(Proposal).to_value();
        compare(Members(PROPOSAL), &whole, &whole, "");
    }
}
