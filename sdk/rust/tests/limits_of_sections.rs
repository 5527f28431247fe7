//! What a policy may set besides a grant.

use placet_sdk::decision::{Decision, DecisionRequest, ViolationCode, apply};
use serde_json::{Value, json};

fn request(hook: &str, proposal: &Value, limits: &Value) -> DecisionRequest {
    let request = json!({
        "protocol": "1.0", "id": "dec_1", "type": hook, "time": "2026-11-23T09:20:00Z",
        "deadline": "2026-11-23T09:20:01Z", "mode": "enforce", "attempt": 1, "issuer": "https://as.example",
        "chain": {"policy": "p", "position": 1, "of": 1}, "request": {"endpoint": "token"},
        "proposal": proposal, "limits": limits,
    });
    serde_json::from_value(request).unwrap()
}

/// Every patch is taken, or refused at the pointer.
fn holds(request: &DecisionRequest, taken: &[Value], refused: &[(&str, Value)]) {
    let decide = |set: &Value| {
        let set = set.as_object().cloned();
        apply(request, &Decision { set, ..Decision::allow("dec_1") })
    };
    for set in taken {
        assert!(decide(set).is_ok(), "{set}: {}", decide(set).unwrap_err());
    }
    for (pointer, set) in refused {
        let violation = decide(set).expect_err(&set.to_string());
        assert_eq!((violation.code, violation.pointer.as_str()), (ViolationCode::Limit, *pointer), "{set}");
    }
}

#[test]
fn a_demand_is_only_raised() {
    let request = request(
        "authorization.request",
        &json!({"demand": {"acr_values": ["loa1"], "acr_essential": true, "max_age": 900, "force_auth": true}}),
        &json!({"demand": {"acr_values": ["loa1", "loa2"], "max_age": 900, "uis": ["login", "strong"]}}),
    );
    holds(
        &request,
        &[json!({"demand": {"acr_values": ["loa2"], "max_age": 0, "ui": "strong"}})],
        &[
            ("/demand/acr_values", json!({"demand": {"acr_values": ["loa9"]}})),
            ("/demand/acr_values", json!({"demand": {"acr_values": []}})),
            ("/demand/acr_values", json!({"demand": {"acr_values": null}})),
            ("/demand/acr_essential", json!({"demand": {"acr_essential": false}})),
            ("/demand/acr_essential", json!({"demand": {"acr_essential": null}})),
            ("/demand/max_age", json!({"demand": {"max_age": 901}})),
            ("/demand/max_age", json!({"demand": {"max_age": null}})),
            ("/demand/force_auth", json!({"demand": {"force_auth": false}})),
            ("/demand/ui", json!({"demand": {"ui": "evil"}})),
        ],
    );
}

#[test]
fn a_consent_is_never_spared_and_a_session_never_longer() {
    let request = request(
        "interaction.evaluate",
        &json!({"consent": {"ask": true}, "session": {"max_life": 3600}}),
        &json!({"consent": {"ask": true}, "session": {"max_life": 3600, "max_idle": 60}}),
    );
    holds(
        &request,
        &[json!({"session": {"max_life": 60, "max_idle": 30}})],
        &[
            ("/consent/ask", json!({"consent": {"ask": false}})),
            ("/consent/ask", json!({"consent": {"ask": null}})),
            ("/session/max_life", json!({"session": {"max_life": 3601}})),
            ("/session/max_life", json!({"session": {"max_life": null}})),
            ("/session/max_life", json!({"session": {"max_life": 0}})),
            ("/session/auth_life", json!({"session": {"auth_life": 5}})),
        ],
    );
}

#[test]
fn codes_live_no_longer_and_are_polled_no_faster() {
    let device = request(
        "device.request",
        &json!({"device": {"expires_in": 600, "interval": 5}}),
        &json!({"device": {"max_expires_in": 600, "min_interval": 5}}),
    );
    holds(
        &device,
        &[json!({"device": {"expires_in": 60, "interval": 10}})],
        &[
            ("/device/expires_in", json!({"device": {"expires_in": 601}})),
            ("/device/expires_in", json!({"device": {"expires_in": null}})),
            ("/device/interval", json!({"device": {"interval": 4}})),
        ],
    );
    let ciba = request(
        "ciba.request",
        &json!({"ciba": {"expires_in": 300, "interval": 5}}),
        &json!({"ciba": {"sub": "settable", "max_expires_in": 300, "min_interval": 5, "max_channel_bytes": 40}}),
    );
    holds(
        &ciba,
        &[json!({"ciba": {"sub": "alice", "channel": {"device": "phone-1"}}})],
        &[
            ("/ciba/sub", json!({"ciba": {"sub": ""}})),
            ("/ciba/interval", json!({"ciba": {"interval": 0}})),
            ("/ciba/channel", json!({"ciba": {"channel": {"a": "x".repeat(40)}}})),
        ],
    );
}

#[test]
fn a_logout_is_confirmed_unless_the_limits_say_otherwise() {
    let logout = |skip: bool| {
        let limits = json!({"logout": {"skip_confirm": skip}});
        request("logout.evaluate", &json!({"logout": {"confirm": true}}), &limits)
    };
    let off = json!({"logout": {"confirm": false}});
    holds(
        &logout(false),
        &[],
        &[("/logout/confirm", off.clone()), ("/logout/confirm", json!({"logout": {"confirm": null}}))],
    );
    holds(&logout(true), &[off], &[]);
}

#[test]
fn a_registration_gets_no_more_than_registrations_may_have() {
    let request = request(
        "client.register",
        &json!({"client": {"client_name": "A", "scope": "openid", "grant_types": ["refresh_token"]}}),
        &json!({"client": {
            "members": ["client_name", "scope", "grant_types"], "grant_types": ["refresh_token"], "scope": ["openid"]
        }}),
    );
    holds(
        &request,
        &[json!({"client": {"client_name": "B", "scope": ""}})],
        &[
            ("/client/first_party", json!({"client": {"first_party": true}})),
            ("/client/scope", json!({"client": {"scope": "openid admin"}})),
            ("/client/scope", json!({"client": {"scope": null}})),
            ("/client/grant_types", json!({"client": {"grant_types": ["password"]}})),
            ("/client/grant_types", json!({"client": {"grant_types": null}})),
        ],
    );
}

#[test]
fn a_claims_source_gives_the_claims_it_owns_and_no_others() {
    let claims = |sources: bool| {
        request(
            "claims.source",
            &json!({"claims": {"plan": "gold"}}),
            &json!({"claims": {"names": ["email", "name"], "max_bytes": 200, "claim_sources": sources}}),
        )
    };
    let aggregated = json!({"claim_sources": {"hr": {"claims": ["email"], "jwt": "e.y.J"}}});
    let many: serde_json::Map<_, _> = (0..300).map(|at| (format!("name#{at}"), json!(1))).collect();
    holds(
        &claims(false),
        &[json!({"claims": {"email": "alice@example.com", "name#fr": "Alice"}})],
        &[
            ("/claims/plan", json!({"claims": {"plan": null}})),
            ("/claims/plan", json!({"claims": {"plan": "none"}})),
            ("/claims/sub", json!({"claims": {"sub": "bob"}})),
            ("/claims/sub#fr", json!({"claims": {"sub#fr": "bob"}})),
            ("/claims/groups", json!({"claims": {"groups": []}})),
            ("/claims", json!({"claims": {"email": "x".repeat(200)}})),
            ("/claims", json!({ "claims": many })),
            ("/claim_sources/hr", aggregated.clone()),
        ],
    );
    let stolen = json!({"claim_sources": {"hr": {"claims": ["acr"], "endpoint": "https://hr.example"}}});
    holds(&claims(true), &[aggregated], &[("/claim_sources/hr/claims/acr", stolen)]);
    for bad in [
        json!({"claims": ["email"]}),
        json!({"claims": ["email"], "jwt": "e", "endpoint": "https://hr.example"}),
        json!({"claims": ["email"], "endpoint": "http://hr.example"}),
        json!({"claims": [], "jwt": "e"}),
        json!({"claims": ["email"], "jwt": "e", "key": "k"}),
    ] {
        let set = json!({"claim_sources": {"hr": bad}}).as_object().cloned();
        let violation = apply(&claims(true), &Decision { set, ..Decision::allow("dec_1") }).unwrap_err();
        assert_eq!(violation.code, ViolationCode::Schema, "{bad}");
    }
}

#[test]
fn an_introspection_keeps_what_the_standard_says() {
    let request = request(
        "token.introspect",
        &json!({"introspection": {"active": true, "sub": "alice", "scope": "a b", "username": "al", "acr": "1", "auth_time": 1}}),
        &json!({"introspection": {"scope": ["a", "b"], "reserved": ["sub"], "max_bytes": 200}}),
    );
    holds(
        &request,
        &[
            json!({"introspection": {"scope": "a", "username": null, "team": "x"}}),
            json!({"introspection": {"acr": null, "auth_time": null}}),
        ],
        &[
            ("/introspection/active", json!({"introspection": {"active": false}})),
            ("/introspection/sub", json!({"introspection": {"sub": null}})),
            ("/introspection/acr", json!({"introspection": {"acr": "2"}})),
            ("/introspection/acr#de", json!({"introspection": {"acr#de": "2"}})),
            ("/introspection/amr", json!({"introspection": {"amr": ["hwk"]}})),
            ("/introspection/authorization_details", json!({"introspection": {"authorization_details": []}})),
            ("/introspection/username", json!({"introspection": {"username": "bob"}})),
            ("/introspection/scope", json!({"introspection": {"scope": "a c"}})),
            ("/introspection", json!({"introspection": {"team": "x".repeat(200)}})),
        ],
    );
}

#[test]
fn facts_of_an_assertion_are_whole_and_do_not_speak_for_the_server() {
    let facts = |replay: bool| {
        json!({"saml2_bearer": {
            "trust": "third_party",
            "assertion": {
                "id": "_1", "issuer": "https://idp.example", "issued_at": "2026-11-23T09:59:41Z",
                "name_id": {"value": "jdoe"}, "conditions": {"audiences": ["https://as.example"]},
                "subject_confirmation": [{"method": "bearer"}]
            },
            "verified": {"signature": true, "signed": "assertion", "alg": "rsa-sha256", "replay_checked": replay}
        }})
    };
    let request = request("assertion.saml2", &json!({}), &json!({"saml2_bearer": {"max_bytes": 4096}}));
    holds(&request, &[facts(false)], &[("/saml2_bearer/verified/replay_checked", facts(true))]);
    let mut unknown = facts(false);
    unknown["saml2_bearer"]["assertion"]["subject_confirmation"][0]["colour"] = json!("red");
    let set = unknown.as_object().cloned();
    let violation = apply(&request, &Decision { set, ..Decision::allow("dec_1") }).unwrap_err();
    assert_eq!(violation.pointer, "/saml2_bearer/assertion/subject_confirmation/0/colour");
}
