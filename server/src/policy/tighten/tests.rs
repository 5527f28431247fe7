use placet_sdk::decision::{AccessTokenLimits, DeviceLimits, DeviceProposal, ObjectLimits};
use serde_json::json;

use super::*;

fn noted(set: Value) -> Set {
    let Value::Object(set) = set else { panic!("an object") };
    let mut noted = Set::default();
    noted.note(&set);
    noted
}

fn server() -> Limits {
    Limits {
        grant: Some(GrantLimits {
            sub: Freedom::Settable,
            scope: vec!["a".to_owned(), "b".to_owned()],
            access_token: AccessTokenLimits { max_lifetime: 900, ..AccessTokenLimits::default() },
            ..GrantLimits::default()
        }),
        device: Some(DeviceLimits { max_expires_in: 600, min_interval: 5 }),
        ..Limits::default()
    }
}

#[test]
fn what_was_set_is_the_ceiling_and_the_rest_is_as_it_was() {
    let set = noted(json!({ "grant": { "scope": ["a"], "sub": "alice" }, "device": { "interval": 9 } }));
    let grant = Grant { scope: Some(vec!["a".to_owned()]), ..Grant::default() };
    let device = DeviceProposal { expires_in: 300, interval: 9 };
    let proposal = Proposal { grant: Some(grant), device: Some(device), ..Proposal::default() };
    let limits = set.limits(&server(), &proposal, &[]);
    let grant = limits.grant.unwrap();
    assert_eq!((grant.sub, grant.scope), (Freedom::Fixed, vec!["a".to_owned()]));
    assert_eq!(grant.access_token.max_lifetime, 900);
    assert_eq!(limits.device, Some(DeviceLimits { max_expires_in: 600, min_interval: 9 }));

    let widened = set.limits(&server(), &proposal, &["/grant/scope".to_owned()]);
    assert_eq!(widened.grant.unwrap().scope, server().grant.unwrap().scope);
    let all = set.limits(&server(), &proposal, &["/grant".to_owned()]);
    assert_eq!(all.grant, server().grant);
}

#[test]
fn what_was_set_of_a_free_object_stays_as_it_is_and_the_rest_is_free() {
    let proposal = |claims: Value, data: Value| -> Proposal {
        let grant = json!({ "access_token": { "claims": claims }, "data": data });
        serde_json::from_value(json!({ "grant": grant, "token_response": { "hint": "x" } })).unwrap()
    };
    let set = noted(json!({
        "grant": { "access_token": { "claims": { "limit": 5, "plan": null } }, "data": { "a/b": 1 } },
        "token_response": { "hint": "x" },
    }));
    let before = proposal(json!({ "limit": 5 }), json!({ "a/b": 1 }));
    for (claims, data, changed) in [
        (json!({ "limit": 5, "team": "x" }), json!({ "a/b": 1, "c": 2 }), None),
        (json!({ "limit": 500 }), json!({ "a/b": 1 }), Some("/grant/access_token/claims/limit")),
        (json!({}), json!({ "a/b": 1 }), Some("/grant/access_token/claims/limit")),
        (json!({ "limit": 5, "plan": "gold" }), json!({ "a/b": 1 }), Some("/grant/access_token/claims/plan")),
        (json!({ "limit": 5 }), json!({ "a/b": 2 }), Some("/grant/data/a~1b")),
    ] {
        let after = proposal(claims, data);
        assert_eq!(set.changed(&before, &after, &[]).as_deref(), changed);
        assert_eq!(set.changed(&before, &after, &["/grant".to_owned()]), None);
    }
    let limits = Limits { token_response: Some(ObjectLimits::default()), ..server() };
    let reserved = |may: &[String]| set.limits(&limits, &before, may).token_response.unwrap().reserved;
    assert_eq!((reserved(&[]), reserved(&["/token_response".to_owned()])), (vec!["hint".to_owned()], vec![]));

    let removed = noted(json!({ "grant": { "data": null } }));
    let empty = proposal(json!({}), json!({}));
    let after = proposal(json!({}), json!({ "c": 2 }));
    assert_eq!(removed.changed(&empty, &after, &[]).as_deref(), Some("/grant/data"));
}

#[test]
fn removing_a_section_touches_what_is_in_it() {
    for (set, pointer, expected) in [
        (json!({ "grant": { "access_token": null } }), "/grant/access_token/lifetime", true),
        (
            json!({ "grant": { "access_token": { "encoding": "jwt" } } }),
            "/grant/access_token/lifetime",
            false,
        ),
        (json!({ "grant": { "claims": { "userinfo": [] } } }), "/grant/claims", true),
        (json!({}), "/grant/claims", false),
    ] {
        assert_eq!(touches(set.as_object().unwrap(), pointer), expected, "{set} {pointer}");
    }
}
