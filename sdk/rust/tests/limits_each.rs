//! Each rule of the limits where it alone stands between a policy and what it wants.

use placet_sdk::decision::{Decision, DecisionRequest, Proposal, Violation, ViolationCode, apply, judge};
use serde_json::{Map, Value, json};

fn request(hook: &str, proposal: &Value, limits: &Value) -> DecisionRequest {
    let request = json!({
        "protocol": "1.0", "id": "dec_1", "type": hook, "time": "2026-11-23T09:20:00Z",
        "deadline": "2026-11-23T09:20:01Z", "mode": "enforce", "attempt": 1, "issuer": "https://as.example",
        "chain": {"policy": "p", "position": 1, "of": 1}, "request": {"endpoint": "token"},
        "proposal": proposal, "limits": limits,
    });
    serde_json::from_value(request).unwrap()
}

fn set(request: &DecisionRequest, set: &Value) -> Result<Proposal, Violation> {
    apply(request, &Decision { set: set.as_object().cloned(), ..Decision::allow("dec_1") })
}

/// The patch is refused there.
#[track_caller]
fn refused(request: &DecisionRequest, patch: &Value, (code, pointer): (ViolationCode, &str)) {
    let violation = set(request, patch).expect_err(&patch.to_string());
    assert_eq!((violation.code, violation.pointer.as_str()), (code, pointer), "{patch}");
}

/// A grant of which this is proposed within these limits.
fn grant(proposal: &Value, limits: &Value) -> DecisionRequest {
    request("grant.token_exchange", &json!({ "grant": proposal }), &json!({ "grant": limits }))
}

/// Patches of a grant that are each refused, where they stand.
#[track_caller]
fn beyond(request: &DecisionRequest, patches: &[(&str, Value)]) {
    for (pointer, patch) in patches {
        refused(request, &json!({ "grant": patch }), (ViolationCode::Limit, &format!("/grant/{pointer}")));
    }
}

#[test]
fn a_section_without_stated_limits_cannot_be_set() {
    let facts = json!({
        "trust": "third_party",
        "assertion": {
            "id": "_1", "issuer": "https://idp.example", "issued_at": "2026-11-23T09:59:41Z",
            "name_id": {"value": "jdoe"}, "conditions": {"audiences": ["https://as.example"]},
            "subject_confirmation": [{"method": "bearer"}]
        },
        "verified": {"signature": true, "signed": "assertion", "alg": "rsa-sha256"}
    });
    for (hook, section, value) in [
        ("authorization.request", "demand", json!({"force_auth": true})),
        ("authorization.request", "grant", json!({"scope": []})),
        ("interaction.evaluate", "consent", json!({"ask": true})),
        ("interaction.evaluate", "session", json!({"max_life": 5})),
        ("device.request", "device", json!({"expires_in": 60, "interval": 5})),
        ("ciba.request", "ciba", json!({"sub": "alice"})),
        ("client.register", "client", json!({"client_name": "A"})),
        ("logout.evaluate", "logout", json!({"confirm": false})),
        ("claims.source", "claims", json!({"email": "a@b.example"})),
        ("token.introspect", "introspection", json!({"team": "x"})),
        ("grant.refresh_token", "token_response", json!({"tenant": "a"})),
        ("assertion.saml2", "saml2_bearer", facts),
    ] {
        let request = request(hook, &json!({}), &json!({}));
        refused(&request, &json!({ section: value }), (ViolationCode::Limit, &format!("/{section}")));
    }
    let sources = json!({"claim_sources": {"hr": {"claims": ["email"], "jwt": "e.y.J"}}});
    let request = request("claims.source", &json!({}), &json!({}));
    refused(&request, &sources, (ViolationCode::Limit, "/claims"));
}

#[test]
fn a_subject_has_a_form_whoever_may_set_it() {
    let settable = grant(&json!({"sub": "alice"}), &json!({"sub": "settable", "act": "settable"}));
    let long = "x".repeat(256);
    for bad in ["", long.as_str(), "a\u{7}b"] {
        beyond(&settable, &[("sub", json!({"sub": bad})), ("act", json!({"act": {"sub": bad}}))]);
        beyond(&settable, &[("act", json!({"act": {"sub": "orders", "act": {"sub": bad}}}))]);
    }
    beyond(&settable, &[("sub", json!({"sub": null}))]);
    let just = json!({"grant": {"sub": "x".repeat(255), "act": {"sub": "ü".repeat(255)}}});
    assert!(set(&settable, &just).is_ok());
}

#[test]
fn actors_that_are_fixed_stay() {
    let act = json!({"sub": "orders", "act": {"sub": "web"}});
    let fixed = grant(&json!({"sub": "alice", "act": act}), &json!({"sub": "settable", "act": "fixed"}));
    beyond(&fixed, &[("act", json!({"act": {"sub": "gateway"}})), ("act", json!({"act": null}))]);
    let fixed = grant(&json!({"sub": "alice", "act": act}), &json!({"sub": "fixed", "act": "settable"}));
    beyond(&fixed, &[("act", json!({"act": {"act": null}}))]);
}

#[test]
fn names_of_claims_are_limited_for_each_target_and_named_once() {
    let one = json!({"claims": {"id_token": ["email"], "userinfo": ["email"], "access_token": ["email"]}});
    let request = grant(&json!({}), &one);
    for target in ["id_token", "userinfo", "access_token"] {
        let pointer = format!("claims/{target}");
        beyond(
            &request,
            &[
                (&pointer, json!({"claims": {target: ["phone_number"]}})),
                (&pointer, json!({"claims": {target: ["email", "email"]}})),
            ],
        );
        assert!(set(&request, &json!({"grant": {"claims": {target: ["email", "email#de"]}}})).is_ok());
    }
}

#[test]
fn each_member_of_a_token_has_its_limit() {
    let request = grant(
        &json!({
            "access_token": {"lifetime": 300},
            "refresh_token": {"issue": true, "lifetime": 3600, "max_idle": 30},
            "id_token": {"issue": true, "lifetime": 300},
        }),
        &json!({
            "access_token": {"sub_types": ["public"], "encodings": ["jwt"]},
            "refresh_token": {"allowed": true, "max_lifetime": 3600, "max_idle": 30},
            "id_token": {"allowed": true, "max_lifetime": 300, "audiences": ["https://api.example"]},
        }),
    );
    beyond(
        &request,
        &[
            ("access_token/sub_type", json!({"access_token": {"sub_type": "pairwise"}})),
            ("access_token/encoding", json!({"access_token": {"encoding": "opaque"}})),
            ("access_token/single_use", json!({"access_token": {"single_use": true}})),
            ("access_token/encrypt", json!({"access_token": {"encrypt": true}})),
            ("refresh_token/max_idle", json!({"refresh_token": {"max_idle": 31}})),
            ("refresh_token/max_idle", json!({"refresh_token": {"max_idle": 0}})),
            ("refresh_token/lifetime", json!({"refresh_token": {"lifetime": 3601}})),
            ("refresh_token/tokens", json!({"refresh_token": {"tokens": "stored"}})),
            ("id_token/lifetime", json!({"id_token": {"lifetime": 301}})),
            ("id_token/audience", json!({"id_token": {"audience": ["https://other.example"]}})),
            ("id_token/reissue_on_refresh", json!({"id_token": {"reissue_on_refresh": true}})),
        ],
    );
    let none = grant(&json!({"refresh_token": {"issue": false}}), &json!({}));
    beyond(&none, &[("refresh_token/issue", json!({"refresh_token": {"issue": true}}))]);
    beyond(&none, &[("refresh_token", json!({"refresh_token": {"lifetime": 5}}))]);
    // Where no idle time is stated, one may be set; what was proposed stays.
    let free =
        grant(&json!({"refresh_token": {"max_idle": 30}}), &json!({"refresh_token": {"allowed": true}}));
    assert!(set(&free, &json!({"grant": {"refresh_token": {"max_idle": 31}}})).is_ok());
    beyond(&free, &[("refresh_token/max_idle", json!({"refresh_token": {"max_idle": null}}))]);
}

#[test]
fn stateless_goes_with_access_tokens_that_are_jwts_and_are_not_used_up() {
    let limits = json!({
        "access_token": {"encodings": ["jwt", "opaque"], "single_use": true},
        "refresh_token": {"allowed": true, "tokens": ["stored", "stateless"]},
    });
    let proposed = |tokens: &str| {
        grant(
            &json!({"access_token": {"encoding": "jwt"}, "refresh_token": {"issue": true, "tokens": tokens}}),
            &limits,
        )
    };
    let stateless = |access: Value| json!({"access_token": access, "refresh_token": {"tokens": "stateless"}});
    let stored = proposed("stored");
    assert!(set(&stored, &json!({"grant": stateless(json!({}))})).is_ok());
    beyond(
        &stored,
        &[
            ("refresh_token/tokens", stateless(json!({"encoding": "opaque"}))),
            ("refresh_token/tokens", stateless(json!({"single_use": true}))),
            ("refresh_token/tokens", json!({"refresh_token": {"tokens": null}})),
        ],
    );
    // Where nobody chooses it, each access token that somebody wants to be asked about is a row.
    let chosen = proposed("stateless");
    for members in [json!({"encoding": "opaque"}), json!({"single_use": true})] {
        assert!(set(&chosen, &json!({"grant": {"access_token": members}})).is_ok());
    }
    assert!(set(&chosen, &json!({"grant": {"refresh_token": {"tokens": "stored"}}})).is_ok());
}

#[test]
fn a_token_is_not_bound_more_loosely_than_proposed_where_no_floor_is_stated() {
    let constraint = |value: &str| json!({"access_token": {"sender_constraint": value}});
    let pointer = "access_token/sender_constraint";
    let proposed = grant(&constraint("if_presented"), &json!({}));
    beyond(&proposed, &[(pointer, constraint("none"))]);
    let nothing = grant(&json!({}), &json!({}));
    beyond(&nothing, &[(pointer, constraint("none")), (pointer, constraint("if_presented"))]);
    for request in [proposed, nothing] {
        assert!(set(&request, &json!({ "grant": constraint("required") })).is_ok());
    }
}

#[test]
fn an_object_without_room_cannot_even_be_removed() {
    let request = grant(&json!({"data": {"a": 1}, "claims_context": {"a": 1}}), &json!({}));
    beyond(&request, &[("data", json!({"data": null})), ("claims_context", json!({"claims_context": null}))]);
}

#[test]
fn claims_of_a_token_are_few_and_none_is_the_servers_own() {
    let many: Map<String, Value> = (0..257).map(|at| (format!("c{at}"), json!(1))).collect();
    let limits = json!({
        "access_token": {"max_claims_bytes": 100_000}, "reserved_claims": ["house_rule", "motto#de"],
    });
    let request = grant(&json!({}), &limits);
    let claims = |claims: Value| json!({"access_token": {"claims": claims}});
    beyond(
        &request,
        &[
            ("access_token/claims", claims(Value::Object(many.clone()))),
            ("access_token/claims/house_rule#fr", claims(json!({"house_rule#fr": 1}))),
            ("access_token/claims/motto#de", claims(json!({"motto#de": 1}))),
        ],
    );
    let just: Map<String, Value> = many.into_iter().take(256).collect();
    assert!(set(&request, &json!({ "grant": claims(Value::Object(just)) })).is_ok());
}

#[test]
fn a_claims_source_tells_few_claims_and_names_sources_as_the_standard_has_them() {
    let many: Map<String, Value> = (0..257).map(|at| (format!("name#{at}"), json!(1))).collect();
    let limits =
        json!({"claims": {"names": ["email", "name", "sub"], "max_bytes": 100_000, "claim_sources": true}});
    let request = request("claims.source", &json!({}), &limits);
    refused(&request, &json!({ "claims": many }), (ViolationCode::Limit, "/claims"));
    // Whatever the limits say.
    refused(&request, &json!({"claims": {"sub": "bob"}}), (ViolationCode::Limit, "/claims/sub"));
    for (pointer, source) in [
        ("", json!("https://hr.example")),
        ("/jwt", json!({"claims": ["email"], "jwt": 5})),
        ("/endpoint", json!({"claims": ["email"], "endpoint": 5})),
        ("", json!({"claims": ["email"], "jwt": "e.y.J", "access_token": "t"})),
        ("/claims", json!({"claims": [5], "jwt": "e.y.J"})),
    ] {
        let pointer = format!("/claim_sources/hr{pointer}");
        refused(&request, &json!({"claim_sources": {"hr": source}}), (ViolationCode::Schema, &pointer));
    }
}

#[test]
fn members_that_the_limits_reserve_stay_out_of_an_answer() {
    let response = request(
        "grant.refresh_token",
        &json!({}),
        &json!({
            "token_response": {"reserved": ["tenant"], "max_bytes": 100},
        }),
    );
    refused(
        &response,
        &json!({"token_response": {"tenant": "a"}}),
        (ViolationCode::Limit, "/token_response/tenant"),
    );
    let facts = json!({"saml2_bearer": {
        "trust": "third_party",
        "assertion": {
            "id": "_1", "issuer": "https://idp.example", "issued_at": "2026-11-23T09:59:41Z",
            "name_id": {"value": "x".repeat(200)}, "conditions": {"audiences": ["https://as.example"]},
            "subject_confirmation": [{"method": "bearer"}]
        },
        "verified": {"signature": true, "signed": "assertion", "alg": "rsa-sha256"}
    }});
    for (limits, pointer) in [
        (json!({"max_bytes": 4096, "reserved": ["trust"]}), "/saml2_bearer/trust"),
        (json!({"max_bytes": 200}), "/saml2_bearer"),
    ] {
        let request = request("assertion.saml2", &json!({}), &json!({ "saml2_bearer": limits }));
        refused(&request, &facts, (ViolationCode::Limit, pointer));
    }
}

#[test]
fn what_is_demanded_within_which_time_is_the_shorter_of_both() {
    for (proposed, limit) in [(json!({"max_age": 900}), json!({})), (json!({}), json!({"max_age": 900}))] {
        let limits = json!({ "demand": limit });
        let request = request("authorization.request", &json!({ "demand": proposed }), &limits);
        refused(&request, &json!({"demand": {"max_age": 901}}), (ViolationCode::Limit, "/demand/max_age"));
        assert!(set(&request, &json!({"demand": {"max_age": 899}})).is_ok());
    }
}

#[test]
fn each_member_of_a_session_and_of_a_backchannel_request_has_its_limit() {
    let session = request(
        "interaction.evaluate",
        &json!({"session": {"max_life": 3600, "max_idle": 60}}),
        &json!({"session": {"max_life": 3600, "max_idle": 60, "auth_life": 60}}),
    );
    refused(&session, &json!({"session": {"max_idle": 61}}), (ViolationCode::Limit, "/session/max_idle"));
    refused(&session, &json!({"session": {"auth_life": 61}}), (ViolationCode::Limit, "/session/auth_life"));
    let ciba = request(
        "ciba.request",
        &json!({"ciba": {"sub": "alice", "expires_in": 300, "interval": 5}}),
        &json!({"ciba": {"sub": "fixed", "max_expires_in": 300, "max_channel_bytes": 40}}),
    );
    for (pointer, patch) in [
        ("/ciba/sub", json!({"sub": "bob"})),
        ("/ciba/sub", json!({"sub": null})),
        ("/ciba/expires_in", json!({"expires_in": 301})),
        // Nobody polls without a pause, whatever the limits say.
        ("/ciba/interval", json!({"interval": 0})),
    ] {
        refused(&ciba, &json!({ "ciba": patch }), (ViolationCode::Limit, pointer));
    }
}

#[test]
fn grant_types_of_a_client_are_a_list() {
    let limits = json!({"client": {"members": ["grant_types"], "grant_types": ["refresh_token"]}});
    let request = request("client.register", &json!({"client": {}}), &limits);
    let patch = json!({"client": {"grant_types": "password"}});
    refused(&request, &patch, (ViolationCode::Schema, "/client/grant_types"));
}

#[test]
fn what_is_required_and_null_is_not_there() {
    let limits = json!({"max_data_bytes": 100, "scope": ["a"]});
    let mut request = grant(&json!({"data": {"ticket": null}, "scope": ["a"]}), &limits);
    request.requires = vec!["/grant/scope".to_owned(), "/grant/data/ticket".to_owned()];
    refused(&request, &json!({}), (ViolationCode::Requires, "/grant/data/ticket"));
}

#[test]
fn a_patch_that_was_never_read_is_bounded_all_the_same() {
    let request = grant(&json!({}), &json!({"max_data_bytes": 10_000}));
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    refused(&request, &json!({"grant": {"data": {"a": nested(30)}}}), (ViolationCode::Schema, ""));
    assert!(set(&request, &json!({"grant": {"data": {"a": nested(29)}}})).is_ok());
}

#[test]
fn no_string_and_no_name_of_an_answer_is_endless() {
    let long = "x".repeat(8_193);
    for (body, pointer) in [
        (json!({"id": "dec_1", "decision": "allow", "reason": {"code": long}}), "/reason/code"),
        (json!({"id": "dec_1", "decision": "allow", "later": {long.as_str(): 1}}), "/later"),
    ] {
        let violation = Decision::read(body.to_string().as_bytes()).unwrap_err();
        assert_eq!((violation.code, violation.pointer.as_str()), (ViolationCode::Schema, pointer));
    }
}

#[test]
fn what_is_told_and_asked_of_people_is_short() {
    let judged = |hook: &str, answer: Value| {
        let request = request(hook, &json!({}), &json!({}));
        let decision: Decision = serde_json::from_value(answer).unwrap();
        judge(&request, &decision, &[]).map_err(|violation| (violation.code, violation.pointer))
    };
    let schema = |pointer: &str| Err((ViolationCode::Schema, pointer.to_owned()));
    for uri in ["", "https://a.example/with space", "https://a.example/ü", &"x".repeat(2_049)] {
        let error = json!({"code": "access_denied", "uri": uri});
        let denied =
            judged("grant.refresh_token", json!({"id": "dec_1", "decision": "deny", "error": error}));
        assert_eq!(denied, schema("/error/uri"), "{uri}");
    }
    let many = vec!["x"; 33];
    for (pointer, challenge) in [
        ("/challenge/message", json!({"kind": "step_up", "message": "x".repeat(513)})),
        ("/challenge/acr_values", json!({"kind": "step_up", "acr_values": many})),
        ("/challenge/amr_values", json!({"kind": "step_up", "amr_values": many})),
        ("/challenge/scope", json!({"kind": "consent", "scope": many})),
        ("/challenge/name", json!({"kind": "prompt", "name": ""})),
        ("/challenge/name", json!({"kind": "prompt", "name": "x".repeat(65)})),
        ("/challenge/name", json!({"kind": "prompt", "name": "../admin"})),
    ] {
        let shown = challenge.to_string();
        let answer = json!({"id": "dec_1", "decision": "challenge", "challenge": challenge});
        assert_eq!(judged("interaction.evaluate", answer), schema(pointer), "{shown}");
    }
}
