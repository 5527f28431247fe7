//! Whatever a policy answers, what comes out is as proposed or within the limits, member by member.

use placet_sdk::{
    decision::{Decision, DecisionRequest, Freedom, GrantLimits, ViolationCode, apply},
    grant::{Encoding, Grant, RESERVED_CLAIMS, Rotation, SenderConstraint, Tokens},
};
use proptest::{
    collection::{btree_map, hash_set},
    option,
    prelude::*,
    sample::select,
};
use serde_json::{Map, Value, json};

/// An object of some of these members, each there with this probability.
fn some(members: Vec<(&'static str, BoxedStrategy<Value>)>, likely: f64) -> BoxedStrategy<Value> {
    let each = members.into_iter().map(|(name, value)| {
        option::weighted(likely, value).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
    });
    each.collect::<Vec<_>>()
        .prop_map(|members| Value::Object(members.into_iter().flatten().collect::<Map<_, _>>()))
        .boxed()
}

fn words(of: &'static [&'static str]) -> BoxedStrategy<Value> {
    hash_set(select(of), 0..=of.len()).prop_map(|words| json!(words)).boxed()
}

fn word(of: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(of).prop_map(|word| json!(word)).boxed()
}

fn seconds() -> BoxedStrategy<Value> {
    (0u32..20).prop_map(|seconds| json!(seconds)).boxed()
}

fn on_or_off() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(|on| json!(on)).boxed()
}

fn claims() -> BoxedStrategy<Value> {
    btree_map(select(&["plan", "team", "sub", "cnf", "name#fr", "sub#fr"][..]), 0u8..3, 0..4)
        .prop_map(|claims| json!(claims))
        .boxed()
}

const ACTORS: &[&str] = &["gateway", "orders"];
const SCOPE: &[&str] = &["read", "write", "admin"];
const PLACES: &[&str] = &["https://a.example", "https://b.example", "https://c.example"];

fn grant(likely: f64) -> BoxedStrategy<Value> {
    let object = |members| some(members, likely);
    let actor = word(ACTORS).prop_map(|sub| json!({ "sub": sub }));
    let nested = (word(ACTORS), actor.clone()).prop_map(|(sub, act)| json!({"sub": sub, "act": act}));
    object(vec![
        ("sub", word(&["alice", "bob"])),
        ("act", actor.boxed().prop_union(nested.boxed()).boxed()),
        ("may_act", word(ACTORS).prop_map(|sub| json!({ "sub": sub })).boxed()),
        ("scope", words(SCOPE)),
        ("resources", words(PLACES)),
        ("claims", object(vec![("userinfo", words(&["email", "name", "name#fr"]))])),
        ("authentication", object(vec![("acr", word(&["loa1", "loa2"]))])),
        (
            "access_token",
            object(vec![
                ("encoding", word(&["jwt", "opaque"])),
                ("lifetime", seconds()),
                ("audience", words(PLACES)),
                ("sub_type", word(&["public", "pairwise"])),
                ("encrypt", on_or_off()),
                ("sender_constraint", word(&["none", "if_presented", "required"])),
                ("single_use", on_or_off()),
                ("claims", claims()),
            ]),
        ),
        (
            "refresh_token",
            object(vec![
                ("issue", on_or_off()),
                ("lifetime", seconds()),
                ("max_idle", seconds()),
                ("rotation", word(&["never", "auto", "always"])),
                ("grace", seconds()),
                ("tokens", word(&["stored", "stateless"])),
            ]),
        ),
        (
            "id_token",
            object(vec![
                ("issue", on_or_off()),
                ("lifetime", seconds()),
                ("audience", words(PLACES)),
                ("claims", claims()),
                ("reissue_on_refresh", on_or_off()),
            ]),
        ),
        ("data", claims()),
    ])
}

fn limits() -> BoxedStrategy<Value> {
    let object = |members| some(members, 0.8);
    let freedom = || word(&["forbidden", "fixed", "settable"]);
    object(vec![
        ("sub", freedom()),
        ("act", freedom()),
        ("may_act", freedom()),
        ("scope", words(SCOPE)),
        ("resources", words(PLACES)),
        ("claims", object(vec![("userinfo", words(&["email", "name"]))])),
        ("authentication", freedom()),
        (
            "access_token",
            object(vec![
                ("max_lifetime", seconds()),
                ("audiences", words(PLACES)),
                ("encodings", words(&["jwt", "opaque"])),
                ("sub_types", words(&["public", "pairwise"])),
                ("sender_constraint", word(&["none", "if_presented", "required"])),
                ("encrypt", on_or_off()),
                ("single_use", on_or_off()),
                ("max_claims_bytes", select(vec![0, 10, 100]).prop_map(|max| json!(max)).boxed()),
            ]),
        ),
        (
            "refresh_token",
            object(vec![
                ("allowed", on_or_off()),
                ("max_lifetime", seconds()),
                ("max_idle", seconds()),
                ("max_grace", seconds()),
                ("rotation", word(&["never", "auto", "always"])),
                ("tokens", words(&["stored", "stateless"])),
            ]),
        ),
        (
            "id_token",
            object(vec![
                ("allowed", on_or_off()),
                ("max_lifetime", seconds()),
                ("audiences", words(PLACES)),
                ("max_claims_bytes", select(vec![0, 100]).prop_map(|max| json!(max)).boxed()),
                ("reissue_on_refresh", on_or_off()),
            ]),
        ),
        ("max_data_bytes", select(vec![0, 10, 100]).prop_map(|max| json!(max)).boxed()),
    ])
}

/// A patch: members of a grant, some of them null instead.
fn patch() -> BoxedStrategy<Value> {
    (
        grant(0.2),
        hash_set(select(vec!["sub", "act", "scope", "access_token", "lifetime", "claims", "data"]), 0..3),
    )
        .prop_map(|(mut grant, removed)| {
            for (name, value) in grant.as_object_mut().unwrap() {
                if removed.contains(name.as_str()) {
                    *value = Value::Null;
                } else if let (true, Some(inner)) = (name.ends_with("_token"), value.as_object_mut()) {
                    inner.retain(|_, value| !value.is_null());
                    for name in inner.keys().cloned().collect::<Vec<_>>() {
                        if removed.contains(name.as_str()) {
                            inner[&name] = Value::Null;
                        }
                    }
                }
            }
            grant
        })
        .boxed()
}

fn request(proposal: &Value, limits: &Value) -> DecisionRequest {
    serde_json::from_value(json!({
        "protocol": "1.0", "id": "dec_1", "type": "grant.token_exchange", "time": "2026-11-23T09:20:00Z",
        "deadline": "2026-11-23T09:20:01Z", "mode": "enforce", "attempt": 1, "issuer": "https://as.example",
        "chain": {"policy": "p", "position": 1, "of": 1}, "request": {"endpoint": "token"},
        "proposal": {"grant": proposal}, "limits": {"grant": limits},
    }))
    .unwrap()
}

fn all<T: PartialEq>(new: Option<&Vec<T>>, allowed: &[T]) -> bool {
    new.is_some_and(|new| new.iter().all(|one| allowed.contains(one)))
}

fn up_to(new: Option<u32>, max: u32) -> bool {
    new.is_some_and(|new| new <= max)
}

fn no_reserved(new: Option<&Map<String, Value>>) -> bool {
    new.is_none_or(|new| new.keys().all(|name| !RESERVED_CLAIMS.contains(&name.split('#').next().unwrap())))
}

/// The rules once more, written as plainly as can be: the names of the members that are neither as proposed nor within.
#[expect(clippy::many_single_char_names, reason = "before and after, side by side")]
fn beyond(old: &Grant, new: &Grant, limits: &GrantLimits) -> Vec<&'static str> {
    let free = |freedom: Freedom| freedom == Freedom::Settable;
    let (a, b) = (old.access_token.clone().unwrap_or_default(), new.access_token.clone().unwrap_or_default());
    let (r, s) =
        (old.refresh_token.clone().unwrap_or_default(), new.refresh_token.clone().unwrap_or_default());
    let (i, j) = (old.id_token.clone().unwrap_or_default(), new.id_token.clone().unwrap_or_default());
    let at = &limits.access_token;
    let rt = &limits.refresh_token;
    let it = &limits.id_token;
    let floor = at.sender_constraint.or(a.sender_constraint).unwrap_or(SenderConstraint::Required);
    let userinfo =
        |grant: &Grant| grant.claims.clone().and_then(|claims| claims.userinfo).unwrap_or_default();
    let named = limits.claims.userinfo.clone().unwrap_or_default();
    let jwt = b.encoding != Some(Encoding::Opaque) && b.single_use != Some(true);
    let rotates = match rt.rotation.or(r.rotation) {
        Some(Rotation::Never) => s.rotation.is_some(),
        Some(Rotation::Auto) => matches!(s.rotation, Some(Rotation::Auto | Rotation::Always)),
        _ => s.rotation == Some(Rotation::Always),
    };
    [
        ("sub", old.sub == new.sub || free(limits.sub) && new.sub.is_some()),
        ("act", old.act == new.act || free(limits.act)),
        ("act removed", old.act.is_none() || new.act.is_some() || free(limits.sub)),
        ("may_act", old.may_act == new.may_act || free(limits.may_act)),
        ("scope", old.scope == new.scope || all(new.scope.as_ref(), &limits.scope)),
        ("resources", old.resources == new.resources || all(new.resources.as_ref(), &limits.resources)),
        (
            "claims",
            userinfo(old) == userinfo(new)
                || userinfo(new).iter().all(|n| named.iter().any(|l| l == n.split('#').next().unwrap())),
        ),
        ("authentication", old.authentication == new.authentication || free(limits.authentication)),
        ("encoding", a.encoding == b.encoding || b.encoding.is_some_and(|e| at.encodings.contains(&e))),
        ("lifetime", a.lifetime == b.lifetime || up_to(b.lifetime, at.max_lifetime) && b.lifetime != Some(0)),
        ("audience", a.audience == b.audience || all(b.audience.as_ref(), &at.audiences)),
        ("sub_type", a.sub_type == b.sub_type || b.sub_type.is_some_and(|s| at.sub_types.contains(&s))),
        ("encrypt", a.encrypt != Some(true) || b.encrypt == Some(true)),
        ("single_use", a.single_use != Some(true) || b.single_use == Some(true)),
        (
            "sender_constraint",
            a.sender_constraint == b.sender_constraint || b.sender_constraint.is_some_and(|s| s >= floor),
        ),
        ("claims of the token", a.claims == b.claims || at.max_claims_bytes > 0),
        ("reserved", no_reserved(b.claims.as_ref()) || !no_reserved(a.claims.as_ref())),
        ("refresh issue", r.issue == s.issue || s.issue == Some(false) || rt.allowed && s.issue.is_some()),
        (
            "refresh lifetime",
            r.lifetime == s.lifetime || up_to(s.lifetime, rt.max_lifetime) && s.lifetime != Some(0),
        ),
        ("idle", r.max_idle == s.max_idle || rt.max_idle == 0 || up_to(s.max_idle, rt.max_idle)),
        ("rotation", r.rotation == s.rotation || rotates),
        ("grace", r.grace == s.grace || up_to(s.grace, rt.max_grace)),
        ("tokens", r.tokens == s.tokens || s.tokens.is_some_and(|tokens| rt.tokens.contains(&tokens))),
        ("chosen", r.tokens == s.tokens || s.tokens != Some(Tokens::Stateless) || jwt),
        ("id issue", i.issue == j.issue || j.issue == Some(false) || it.allowed && j.issue.is_some()),
        ("id lifetime", i.lifetime == j.lifetime || up_to(j.lifetime, it.max_lifetime)),
        ("id audience", i.audience == j.audience || all(j.audience.as_ref(), &it.audiences)),
        ("data", old.data == new.data || limits.max_data_bytes > 0),
    ]
    .into_iter()
    .filter_map(|(name, holds)| (!holds).then_some(name))
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_result_is_as_proposed_or_within_the_limits(proposal in grant(0.5), limits in limits(), patch in patch()) {
        let request = request(&proposal, &limits);
        let set = json!({"grant": patch}).as_object().cloned();
        let answer = Decision { set, ..Decision::allow("dec_1") };
        match apply(&request, &answer) {
            Ok(result) => {
                let (old, new) = (request.proposal.grant.unwrap(), result.grant.unwrap());
                let beyond = beyond(&old, &new, &request.limits.grant.unwrap());
                prop_assert!(beyond.is_empty(), "{beyond:?}: {patch}");
            }
            Err(violation) => {
                prop_assert!(matches!(violation.code, ViolationCode::Limit | ViolationCode::Schema));
                prop_assert!(violation.pointer.starts_with("/grant"), "{violation}");
            }
        }
    }

    #[test]
    fn a_subset_of_the_scope_and_a_shorter_life_are_always_taken(
        scope in proptest::sample::subsequence(SCOPE.to_vec(), 0..=3), lifetime in 1u32..=300, limits in limits(),
    ) {
        let mut limits = limits;
        limits["scope"] = json!(SCOPE);
        limits["access_token"] = json!({"max_lifetime": 300});
        let request = request(&json!({"scope": SCOPE, "access_token": {"lifetime": 300}}), &limits);
        let set = json!({"grant": {"scope": scope, "access_token": {"lifetime": lifetime}}});
        let answer = Decision { set: set.as_object().cloned(), ..Decision::allow("dec_1") };
        prop_assert!(apply(&request, &answer).is_ok());
    }
}
