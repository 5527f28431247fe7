//! What a policy may set, and what it may not.

use placet_sdk::decision::{
    Decision, DecisionRequest, Outcome, Proposal, Violation, ViolationCode, apply, judge,
};
use serde_json::{Value, json};

fn base(hook: &str, proposal: &Value, limits: &Value) -> DecisionRequest {
    let request = json!({
        "protocol": "1.0", "id": "dec_1", "type": hook, "time": "2026-11-23T09:20:00.120Z",
        "deadline": "2026-11-23T09:20:00.920Z", "mode": "enforce", "attempt": 1, "issuer": "https://as.example",
        "chain": {"policy": "p", "position": 1, "of": 1}, "request": {"endpoint": "token"},
        "proposal": proposal, "limits": limits,
    });
    serde_json::from_value(request).unwrap()
}

fn exchange() -> DecisionRequest {
    base(
        "grant.token_exchange",
        &json!({"grant": {
            "sub": "alice", "act": {"sub": "orders", "client_id": "orders"},
            "scope": ["ship.quote", "ship.book"], "resources": ["https://api.example/ship"],
            "claims": {"access_token": ["email"]},
            "access_token": {
                "encoding": "jwt", "lifetime": 300, "audience": ["https://api.example/ship"],
                "sub_type": "public", "sender_constraint": "if_presented", "claims": {"tier": "gold"}
            },
            "refresh_token": {"issue": true, "lifetime": 3600, "rotation": "auto", "grace": 60, "tokens": "stored"},
            "id_token": {"issue": false}
        }}),
        &json!({
            "grant": {
                "sub": "fixed", "act": "settable", "scope": ["ship.quote", "ship.book"],
                "resources": ["https://api.example/ship"], "claims": {"access_token": ["email", "name"]},
                "authorization_details": [{"type": "payment", "amount": 5}],
                "access_token": {
                    "max_lifetime": 300, "audiences": ["https://api.example/ship"], "encodings": ["jwt"],
                    "sub_types": ["public", "pairwise"], "sender_constraint": "if_presented",
                    "single_use": true, "encrypt": true, "max_claims_bytes": 200
                },
                "refresh_token": {
                    "allowed": true, "max_lifetime": 3600, "max_grace": 60, "rotation": "auto",
                    "tokens": ["stored"]
                },
                "id_token": {"allowed": false, "max_lifetime": 300},
                "max_data_bytes": 100, "reserved_claims": ["iss", "sub", "house_rule"]
            },
            "token_response": {"max_bytes": 100}
        }),
    )
}

fn allow(set: &Value) -> Decision {
    Decision { set: set.as_object().cloned(), ..Decision::allow("dec_1") }
}

fn grant(member: &Value) -> Result<Proposal, Violation> {
    apply(&exchange(), &allow(&json!({"grant": member})))
}

/// Holds a patch against the limits and gives code and pointer of the violation.
fn refused(request: &DecisionRequest, set: &Value) -> (ViolationCode, String) {
    let violation = apply(request, &allow(set)).expect_err(&set.to_string());
    (violation.code, violation.pointer)
}

#[test]
fn a_bare_allow_gives_the_proposal() {
    let request = exchange();
    assert_eq!(apply(&request, &Decision::allow("dec_1")), Ok(request.proposal.clone()));
    let same = serde_json::to_value(&request.proposal).unwrap();
    assert_eq!(apply(&request, &allow(&same)), Ok(request.proposal));
}

#[test]
fn what_narrows_is_applied() {
    let narrow = json!({
        "scope": ["ship.quote"], "resources": [], "claims": {"access_token": ["name#fr"]},
        "act": {"sub": "gateway", "act": {"sub": "orders"}}, "authorization_details": [{"type": "payment", "amount": 5}],
        "access_token": {
            "lifetime": 1, "sub_type": "pairwise", "sender_constraint": "required", "single_use": true,
            "encrypt": true, "claims": {"limit": 500, "tier": null}
        },
        "refresh_token": {"issue": false, "lifetime": 60, "max_idle": 30, "rotation": "always", "grace": 0},
        "data": {"ticket": "flow-17"}, "x-note": 5,
    });
    let result = grant(&narrow).unwrap().grant.unwrap();
    assert_eq!(result.scope.unwrap(), ["ship.quote"]);
    let token = result.access_token.unwrap();
    assert_eq!(token.lifetime, Some(1));
    assert_eq!(Value::Object(token.claims.unwrap()), json!({"limit": 500}));
    assert_eq!(result.act.unwrap().client_id.as_deref(), Some("orders"), "a merge patch merges");
}

#[test]
fn authorization_details_grow_only_in_members_that_the_limits_name() {
    let mut request = exchange();
    let limits = request.limits.grant.as_mut().unwrap();
    limits.enrichable = [("payment".to_owned(), vec!["/account".to_owned()])].into();
    let proposed = request.proposal.grant.as_mut().unwrap();
    proposed.authorization_details =
        Some(serde_json::from_value(json!([{"type": "payment", "amount": 5}])).unwrap());
    let granted = |details: Value| {
        let set = json!({"grant": {"authorization_details": details}});
        let result =
            apply(&request, &allow(&set)).map(|result| json!(result.grant.unwrap().authorization_details));
        result.map_err(|violation| violation.pointer)
    };
    for details in [
        json!([]),
        json!([{"type": "payment", "amount": 5}]),
        json!([{"type": "payment", "amount": 5, "account": "DE1"}]),
    ] {
        assert_eq!(granted(details.clone()), Ok(details));
    }
    for details in [
        json!([{"type": "payment", "amount": 5, "limit": 9}]),
        json!([{"type": "payment", "account": "DE1"}]),
        json!([{"type": "payment", "amount": 6, "account": "DE1"}]),
        json!([{"type": "payment", "amount": 5}, {"type": "payment", "amount": 5, "account": "DE1"}]),
        json!([{"type": "other", "amount": 5}]),
        // Without details there is no ceiling for whoever is asked next.
        json!(null),
    ] {
        assert_eq!(granted(details.clone()), Err("/grant/authorization_details".to_owned()), "{details}");
    }
}

#[test]
fn what_widens_a_grant_is_refused_where_it_stands() {
    let request = exchange();
    for (pointer, set) in [
        ("/grant/sub", json!({"sub": "bob"})),
        ("/grant/sub", json!({"sub": null})),
        ("/grant/act", json!({"act": null})),
        ("/grant/may_act", json!({"may_act": {"sub": "bob"}})),
        ("/grant/scope", json!({"scope": ["ship.quote", "admin"]})),
        ("/grant/scope", json!({"scope": ["ship.quote", "ship.quote"]})),
        ("/grant/scope", json!({"scope": null})),
        ("/grant/resources", json!({"resources": ["https://api.example/other"]})),
        ("/grant/resources", json!({"resources": null})),
        (
            "/grant/authorization_details",
            json!({"authorization_details": [{"type": "payment", "amount": 6}]}),
        ),
        ("/grant/claims/userinfo", json!({"claims": {"userinfo": ["email"]}})),
        ("/grant/claims/access_token", json!({"claims": null})),
        ("/grant/authentication", json!({"authentication": {"acr": "loa9"}})),
        ("/grant/access_token/encoding", json!({"access_token": {"encoding": "opaque"}})),
        ("/grant/access_token/lifetime", json!({"access_token": {"lifetime": 301}})),
        ("/grant/access_token/lifetime", json!({"access_token": {"lifetime": 0}})),
        ("/grant/access_token/lifetime", json!({"access_token": {"lifetime": null}})),
        ("/grant/access_token/encoding", json!({"access_token": null})),
        ("/grant/access_token/audience", json!({"access_token": {"audience": ["https://other.example"]}})),
        ("/grant/access_token/audience", json!({"access_token": {"audience": []}})),
        ("/grant/access_token/sender_constraint", json!({"access_token": {"sender_constraint": "none"}})),
        ("/grant/access_token/claims/sub", json!({"access_token": {"claims": {"sub": "bob"}}})),
        ("/grant/access_token/claims/cnf", json!({"access_token": {"claims": {"cnf": {}}}})),
        ("/grant/access_token/claims/house_rule", json!({"access_token": {"claims": {"house_rule": 1}}})),
        ("/grant/access_token/claims", json!({"access_token": {"claims": {"a": "x".repeat(200)}}})),
        ("/grant/refresh_token/lifetime", json!({"refresh_token": {"lifetime": 0}})),
        ("/grant/refresh_token/rotation", json!({"refresh_token": {"rotation": "never"}})),
        ("/grant/refresh_token/grace", json!({"refresh_token": {"grace": 61}})),
        ("/grant/refresh_token/tokens", json!({"refresh_token": {"tokens": "stateless"}})),
        ("/grant/id_token/issue", json!({"id_token": {"issue": true}})),
        ("/grant/id_token/claims", json!({"id_token": {"claims": {"a": 1}}})),
        ("/grant/userinfo/claims", json!({"userinfo": {"claims": {"a": 1}}})),
        ("/grant/data", json!({"data": {"a": "x".repeat(100)}})),
        ("/grant/claims_context", json!({"claims_context": {"a": 1}})),
    ] {
        assert_eq!(
            refused(&request, &json!({"grant": set})),
            (ViolationCode::Limit, pointer.to_owned()),
            "{set}"
        );
    }
}

#[test]
fn what_is_on_for_safety_stays_on() {
    let mut request = exchange();
    let token = request.proposal.grant.as_mut().unwrap().access_token.as_mut().unwrap();
    (token.single_use, token.encrypt) = (Some(true), Some(true));
    for off in [json!(false), Value::Null] {
        for name in ["single_use", "encrypt"] {
            let (code, pointer) = refused(&request, &json!({"grant": {"access_token": {name: off}}}));
            assert_eq!((code, pointer), (ViolationCode::Limit, format!("/grant/access_token/{name}")));
        }
    }
}

#[test]
fn an_actor_may_be_removed_only_where_the_subject_may_change() {
    let mut request = exchange();
    request.limits.grant.as_mut().unwrap().sub = placet_sdk::decision::Freedom::Settable;
    let result = apply(&request, &allow(&json!({"grant": {"act": null, "sub": "carol"}}))).unwrap();
    assert_eq!(result.grant.unwrap().act, None);
    let deep = (0..6).fold(Value::Null, |act, at| json!({"sub": format!("s{at}"), "act": act}));
    assert_eq!(refused(&request, &json!({"grant": {"act": deep}})).1, "/grant/act");
}

#[test]
fn what_is_not_known_or_not_of_its_type_is_told_by_its_pointer() {
    let request = exchange();
    for (pointer, set) in [
        ("/grant/scopes", json!({"grant": {"scopes": []}})),
        ("/grant/access_token/ttl", json!({"grant": {"access_token": {"ttl": 5}}})),
        ("/grant/access_token/lifetime", json!({"grant": {"scope": [], "access_token": {"lifetime": "5"}}})),
        ("/grant/access_token", json!({"grant": {"access_token": 5}})),
        ("/grant/act", json!({"grant": {"act": {"subject": "bob"}}})),
        ("/claims", json!({"claims": {"email": "a@b.example"}})),
        ("/session", json!({"session": {"max_life": 5}})),
        ("/grant", json!({"grant": null})),
        ("/grant/data/a", json!({"grant": {"data": {"a": "x".repeat(8193)}}})),
    ] {
        assert_eq!(refused(&request, &set), (ViolationCode::Schema, pointer.to_owned()), "{set}");
    }
    assert!(apply(&request, &allow(&json!({"x-trace": 1, "grant": {"access_token": {"x-y": 1}}}))).is_ok());
}

#[test]
fn nothing_can_be_set_for_which_no_limit_is_stated() {
    let mut request = exchange();
    request.limits.grant = None;
    let section = (ViolationCode::Limit, "/grant".to_owned());
    assert_eq!(refused(&request, &json!({"grant": {"scope": []}})), section);
    request.limits.grant = Some(placet_sdk::decision::GrantLimits::default());
    for set in [
        json!({"may_act": {"sub": "a"}}),
        json!({"scope": ["ship.quote"]}),
        json!({"access_token": {"lifetime": 5}}),
        json!({"access_token": {"claims": {"a": 1}}}),
        json!({"refresh_token": {"max_idle": 5}}),
        json!({"id_token": {"reissue_on_refresh": true}}),
        json!({"userinfo": {"claims": {}}}),
        json!({"data": {}}),
    ] {
        assert_eq!(refused(&request, &json!({"grant": set})).0, ViolationCode::Limit, "{set}");
    }
}

#[test]
fn what_is_required_must_be_there() {
    let mut request = exchange();
    request.requires = vec!["/grant/sub".to_owned(), "/grant/authentication/acr".to_owned()];
    let violation = apply(&request, &allow(&json!({}))).unwrap_err();
    assert_eq!(violation.code, ViolationCode::Requires);
    assert_eq!(violation.pointer, "/grant/authentication/acr");
}

#[test]
fn the_token_response_keeps_its_standard_members() {
    let request = exchange();
    assert!(apply(&request, &allow(&json!({"token_response": {"tenant": "a"}}))).is_ok());
    for set in [json!({"scope": "x"}), json!({"expires_in": 9}), json!({"a": "x".repeat(100)})] {
        assert_eq!(refused(&request, &json!({"token_response": set})).0, ViolationCode::Limit, "{set}");
    }
}

#[test]
fn a_denial_has_a_code_of_its_type_and_says_it_in_plain_ascii() {
    let request = exchange();
    let deny = |code: &str, description: Option<&str>, extra: &[String]| {
        let mut decision = Decision::deny("dec_1", code);
        decision.error.as_mut().unwrap().description = description.map(ToOwned::to_owned);
        judge(&request, &decision, extra).map_err(|violation| violation.code)
    };
    assert!(matches!(deny("invalid_target", Some("Not for you."), &[]), Ok(Outcome::Deny(_))));
    assert_eq!(deny("login_required", None, &[]), Err(ViolationCode::ErrorCode));
    assert!(deny("login_required", None, &["login_required".to_owned()]).is_ok());
    for bad in ["", "a \"quote\"", "zwölf", "two\nlines", &"x".repeat(513)] {
        assert_eq!(deny("access_denied", Some(bad), &[]), Err(ViolationCode::Schema), "{bad}");
    }
    let silent = Decision { error: None, ..Decision::deny("dec_1", "access_denied") };
    assert_eq!(judge(&request, &silent, &[]).unwrap_err().code, ViolationCode::Schema);
}

#[test]
fn an_answer_repeats_the_id_and_has_only_what_goes_with_its_verdict() {
    let request = exchange();
    let code = |decision: &Decision| judge(&request, decision, &[]).unwrap_err().code;
    assert_eq!(code(&Decision::allow("dec_2")), ViolationCode::IdMismatch);
    let both = Decision { set: Some(serde_json::Map::new()), ..Decision::deny("dec_1", "access_denied") };
    assert_eq!(code(&both), ViolationCode::Schema);
    let tags = (0..17).map(|at| (at.to_string(), String::new())).collect();
    assert_eq!(code(&Decision { tags, ..Decision::allow("dec_1") }), ViolationCode::Schema);
}

#[test]
fn a_challenge_needs_somebody_who_can_meet_it() {
    let judged = |hook: &str, challenge: &Value| {
        let request = base(hook, &json!({}), &json!({}));
        let answer = json!({"id": "dec_1", "decision": "challenge", "challenge": challenge});
        judge(&request, &Decision::read(answer.to_string().as_bytes()).unwrap(), &[])
    };
    let (step_up, page) =
        (json!({"kind": "step_up", "max_age": 0}), json!({"kind": "prompt", "name": "terms"}));
    assert!(judged("grant.token_exchange", &step_up).is_ok());
    assert!(judged("interaction.approve", &page).is_ok());
    assert_eq!(judged("grant.token_exchange", &page).unwrap_err().pointer, "/challenge/kind");
    assert_eq!(judged("grant.client_credentials", &step_up).unwrap_err().pointer, "/challenge");
}

#[test]
fn a_body_that_is_no_decision_is_told_by_its_kind() {
    for (body, code) in [
        ("{", ViolationCode::Malformed),
        (r#"{"id": "dec_1", "id": "dec_1", "decision": "allow"}"#, ViolationCode::Malformed),
        (r#"{"id": "dec_1"}"#, ViolationCode::Schema),
        (r#"{"id": "dec_1", "decision": "perhaps"}"#, ViolationCode::Schema),
        (
            r#"{"id": "dec_1", "decision": "challenge", "challenge": {"kind": "dance"}}"#,
            ViolationCode::Schema,
        ),
        (&"x".repeat(65_537), ViolationCode::TooLarge),
    ] {
        assert_eq!(Decision::read(body.as_bytes()).unwrap_err().code, code, "{body:.40}");
    }
    assert!(Decision::read(br#"{"id": "dec_1", "decision": "allow", "later": 1}"#).is_ok());
}
