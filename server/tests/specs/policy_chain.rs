//! The decision API, `docs/protocol.md`: what policies may make of a grant, one after the other.

use placet_sdk::admin::BreakerState;
use placet_server::config::{BackendKind, Config, Matcher, PolicyConfig, PolicyMode, RulesConfig};
use serde_json::{Value, json};

use super::{
    deciding::ask,
    harness::{Stand, claims},
    helpers::{client, refresh, text},
    sidecar::{Answered, Sidecar},
};

const HOOK: &str = "grant.client_credentials";

fn matcher(json: Value) -> Matcher {
    serde_json::from_value(json).unwrap()
}

/// A sidecar that sets this of the grant.
async fn setting(set: Value) -> Sidecar {
    Sidecar::start(move |_| json!({ "decision": "allow", "set": { "grant": set } })).await
}

#[tokio::test]
async fn a_policy_narrows_what_a_client_gets_for_itself() {
    let sidecar = Sidecar::start(|_| {
        json!({ "decision": "allow", "set": { "grant": {
            "scope": ["reports.read"],
            "access_token": { "lifetime": 60, "claims": { "plan": "gold" } },
        }, "token_response": { "quota": 7 } } })
    })
    .await;
    let stand = Stand::with(|config| config.policy.push(sidecar.policy("tiers", &[HOOK]))).await;
    let reply = ask(&stand).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json["scope"], "reports.read");
    assert_eq!(reply.json["expires_in"], 60);
    assert_eq!(reply.json["quota"], 7);
    let said = claims(&text(&reply.json["access_token"]));
    assert_eq!((&said["scope"], &said["plan"]), (&json!("reports.read"), &json!("gold")));

    let asked = &sidecar.requests()[..];
    let [asked] = asked else { panic!("asked {} times", asked.len()) };
    assert_eq!(asked["type"], HOOK);
    assert_eq!(asked["issuer"], stand.issuer);
    assert_eq!(asked["client"]["client_id"], "service");
    assert_eq!(asked["chain"], json!({ "policy": "tiers", "position": 1, "of": 1 }));
}

#[tokio::test]
async fn a_policy_denies_and_the_client_is_told_what_it_says() {
    let sidecar = Sidecar::start(|_| {
        json!({ "decision": "deny", "reason": { "code": "internal" },
            "error": { "code": "invalid_target", "description": "no contract" } })
    })
    .await;
    let stand = Stand::with(|config| config.policy.push(sidecar.policy("contracts", &[HOOK]))).await;
    let reply = ask(&stand).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_target"));
    assert_eq!(reply.json["error_description"], "no contract");
    assert!(!reply.text.contains("internal"));
}

#[tokio::test]
async fn an_operator_can_allow_a_policy_other_error_codes() {
    let deny = || json!({ "decision": "deny", "error": { "code": "quota_exceeded" } });
    let sidecar = Sidecar::start(move |_| deny()).await;
    let policy = |extra: &[&str]| PolicyConfig {
        extra_error_codes: extra.iter().map(|code| (*code).to_owned()).collect(),
        ..sidecar.policy("quota", &[HOOK])
    };
    let stand = Stand::with(|config| config.policy.push(policy(&["quota_exceeded"]))).await;
    let reply = ask(&stand).await;
    assert_eq!((reply.status, reply.error()), (400, "quota_exceeded"));
    let strict = Stand::with(|config| config.policy.push(policy(&[]))).await;
    assert_eq!(ask(&strict).await.status, 503);
}

#[tokio::test]
async fn while_a_policy_fails_nothing_is_issued() {
    let sidecar = Sidecar::answering(|_| Answered::status(500)).await;
    let stand = Stand::with(|config| config.policy.push(sidecar.policy("broken", &[HOOK]))).await;
    let reply = ask(&stand).await;
    assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"));
    assert_eq!(reply.header("retry-after"), "2");
    assert!(reply.json.get("access_token").is_none());
    assert_eq!(sidecar.requests().len(), 1);
}

#[tokio::test]
async fn policies_are_asked_in_their_order_each_about_what_the_one_before_made_of_it() {
    let first = setting(json!({ "scope": ["reports.read"], "access_token": { "lifetime": 300 } })).await;
    let second = setting(json!({ "access_token": { "lifetime": 120 } })).await;
    let stand = Stand::with(|config| {
        config.policy.push(PolicyConfig { order: 20, ..second.policy("second", &[HOOK]) });
        config.policy.push(PolicyConfig { order: 10, ..first.policy("first", &[HOOK]) });
    })
    .await;
    let reply = ask(&stand).await;
    assert_eq!((&reply.json["scope"], &reply.json["expires_in"]), (&json!("reports.read"), &json!(120)));
    let (one, two) = (&first.requests()[0], &second.requests()[0]);
    assert_eq!(one["proposal"]["grant"]["scope"], json!(["reports.read", "reports.write"]));
    assert_eq!(two["proposal"]["grant"]["scope"], json!(["reports.read"]));
    assert_eq!(two["limits"]["grant"]["scope"], json!(["reports.read"]));
    assert_eq!(two["limits"]["grant"]["access_token"]["max_lifetime"], 300);
    assert_eq!(two["chain"], json!({ "policy": "second", "position": 2, "of": 2 }));
    assert_ne!(one["id"], two["id"], "each question has an id of its own");
    assert!(two["id"].as_str().unwrap().starts_with(one["id"].as_str().unwrap()));
}

#[tokio::test]
async fn the_first_denial_ends_the_chain() {
    let first = Sidecar::start(|_| json!({ "decision": "deny", "error": { "code": "access_denied" } })).await;
    let second = setting(json!({})).await;
    let stand = Stand::with(|config| {
        config.policy.push(first.policy("first", &[HOOK]));
        config.policy.push(second.policy("second", &[HOOK]));
    })
    .await;
    assert_eq!(ask(&stand).await.error(), "access_denied");
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn a_later_policy_cannot_widen_what_an_earlier_one_set_unless_its_registration_says_so() {
    let first = setting(json!({ "scope": ["reports.read"] })).await;
    let second = setting(json!({ "scope": ["reports.read", "reports.write"] })).await;
    let with = async |may_widen: &[&str]| {
        let may_widen = may_widen.iter().map(|pointer| (*pointer).to_owned()).collect();
        let stand = Stand::with(|config| {
            config.policy.push(first.policy("first", &[HOOK]));
            config.policy.push(PolicyConfig { may_widen, ..second.policy("second", &[HOOK]) });
        })
        .await;
        ask(&stand).await
    };
    assert_eq!(with(&[]).await.status, 503, "beyond the limits: a failure");
    assert_eq!(with(&["/grant/scope"]).await.json["scope"], "reports.read reports.write");
    assert_eq!(with(&["/grant/resources"]).await.status, 503);
}

#[tokio::test]
async fn no_policy_goes_beyond_what_the_client_asked_and_the_server_allows() {
    for set in [
        json!({ "scope": ["reports.read", "admin"] }),
        json!({ "sub": "alice" }),
        json!({ "act": { "sub": "alice" } }),
        json!({ "access_token": { "lifetime": 3600 } }),
        json!({ "access_token": { "audience": ["https://other.example"] } }),
        json!({ "access_token": { "claims": { "sub": "alice" } } }),
        json!({ "refresh_token": { "issue": true } }),
        json!({ "id_token": { "issue": true } }),
        json!({ "resources": ["https://api.example"] }),
    ] {
        let sidecar = setting(set.clone()).await;
        let stand = Stand::with(|config| config.policy.push(sidecar.policy("greedy", &[HOOK]))).await;
        assert_eq!(ask(&stand).await.status, 503, "{set}");
    }
}

#[tokio::test]
async fn a_policy_is_asked_about_what_it_is_registered_for_and_no_more() {
    let sidecar =
        Sidecar::start(|_| json!({ "decision": "deny", "error": { "code": "access_denied" } })).await;
    let when = |predicate: Value| vec![matcher(json!({ "/client/data/tier": predicate }))];
    let with = async |when: Vec<Matcher>, tier: Option<&str>| {
        let before = sidecar.requests().len();
        let stand = Stand::with(|config| {
            if let Some(tier) = tier {
                client(config, "service").settings.data.insert("tier".to_owned(), tier.into());
            }
            config.policy.push(PolicyConfig { when, ..sidecar.policy("partners", &[HOOK]) });
        })
        .await;
        let status = ask(&stand).await.status;
        let asked = sidecar.requests().len() > before;
        assert_eq!(status, if asked { 400 } else { 200 });
        asked
    };
    assert!(with(when(json!({ "in": ["partner"] })), Some("partner")).await);
    assert!(!with(when(json!({ "in": ["partner"] })), Some("gold")).await);
    assert!(with(when(json!({ "in": ["partner"] })), None).await, "what cannot be said counts as a match");
    assert!(!with(when(json!({ "exists": true, "in": ["partner"] })), None).await);
    assert!(with(when(json!({ "not": { "eq": "gold" } })), Some("partner")).await);
    let both = vec![matcher(json!({ "/client/data/tier": { "prefix": "par" }, "/type": { "eq": "x" } }))];
    assert!(!with(both, Some("partner")).await, "all have to match");
}

#[tokio::test]
async fn policies_can_be_changed_while_the_server_runs() {
    let sidecar = setting(json!({ "scope": ["reports.read"] })).await;
    let stand = Stand::with(|config| config.policy.push(sidecar.policy("tiers", &[HOOK]))).await;
    let policies = stand.server.policies();
    policies.set_mode("tiers", PolicyMode::Off).unwrap();
    assert_eq!(ask(&stand).await.json["scope"], "reports.read reports.write");
    policies.set_mode("tiers", PolicyMode::Enforce).unwrap();
    policies.set_order("tiers", 7).unwrap();
    assert_eq!(ask(&stand).await.json["scope"], "reports.read");
    let listed = policies.list();
    assert_eq!(
        (listed[0].order, listed[0].mode, listed[0].breaker),
        (7, PolicyMode::Enforce, Some(BreakerState::Closed))
    );
    assert!(policies.set_mode("unknown", PolicyMode::Off).is_err());
}

#[tokio::test]
async fn rules_within_the_server_narrow_without_any_sidecar() {
    let rules = |rules: RulesConfig| {
        move |config: &mut Config| {
            config.policy.push(PolicyConfig {
                name: "rules".to_owned(),
                types: vec![HOOK.parse().unwrap()],
                backend: BackendKind::Rules,
                rules,
                ..PolicyConfig::default()
            });
        }
    };
    let scope = |values: &[&str]| Some(values.iter().map(|v| (*v).to_owned()).collect());
    let narrow = RulesConfig {
        scope: scope(&["reports.r*"]),
        access_token_lifetime: Some(90),
        ..RulesConfig::default()
    };
    let reply = ask(&Stand::with(rules(narrow)).await).await;
    assert_eq!((&reply.json["scope"], &reply.json["expires_in"]), (&json!("reports.read"), &json!(90)));
    let nothing = RulesConfig { scope: scope(&["invoices.*"]), ..RulesConfig::default() };
    assert_eq!(ask(&Stand::with(rules(nothing)).await).await.error(), "invalid_scope");
    let deny = RulesConfig { deny: Some("unauthorized_client".to_owned()), ..RulesConfig::default() };
    assert_eq!(ask(&Stand::with(rules(deny)).await).await.error(), "unauthorized_client");
}

#[tokio::test]
async fn a_resource_that_a_policy_takes_away_is_no_audience_any_more() {
    let sidecar = setting(json!({ "resources": ["https://api.example"] })).await;
    let stand = Stand::with(|config| config.policy.push(sidecar.policy("resources", &[HOOK]))).await;
    let issuer = stand.issuer.clone();
    let both =
        [("grant_type", "client_credentials"), ("resource", "https://api.example"), ("resource", &issuer)];
    let reply = stand.post("/token", "service", &both).await;
    assert_eq!(claims(&text(&reply.json["access_token"]))["aud"], "https://api.example");

    let nothing = setting(json!({ "resources": [] })).await;
    let stand = Stand::with(|config| config.policy.push(nothing.policy("resources", &[HOOK]))).await;
    let one = [("grant_type", "client_credentials"), ("resource", "https://api.example")];
    assert_eq!(stand.post("/token", "service", &one).await.status, 503, "a token is meant for somebody");
}

#[tokio::test]
async fn a_refresh_is_narrowed_for_this_once_and_a_denied_one_can_be_repeated() {
    let sidecar = Sidecar::start(|request| match request["refresh_token"]["count"].as_u64() {
        Some(0) => json!({ "decision": "allow", "set": { "grant": { "scope": ["openid"] } } }),
        _ => json!({ "decision": "deny", "error": { "code": "invalid_grant" } }),
    })
    .await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("refresh", &["grant.refresh_token"]));
    })
    .await;
    let tokens = stand.tokens("web", "openid email offline_access").await;
    let first = refresh(&stand, "web", &text(&tokens["refresh_token"])).await;
    assert_eq!(first.json["scope"], "openid", "{}", first.text);
    let next = text(&first.json["refresh_token"]);
    assert_eq!(refresh(&stand, "web", &next).await.error(), "invalid_grant");
    stand.server.policies().set_mode("refresh", PolicyMode::Off).unwrap();
    let again = refresh(&stand, "web", &next).await;
    assert_eq!(again.status, 200, "the denial used nothing up: {}", again.text);
    assert_eq!(again.json["scope"], "openid email offline_access", "the authorization is what it was");
}

#[tokio::test]
async fn a_later_policy_leaves_claims_and_members_as_an_earlier_one_set_them() {
    let first = Sidecar::start(|_| {
        json!({ "decision": "allow", "set": {
            "grant": { "access_token": { "claims": { "limit": 5 } } }, "token_response": { "hint": "first" },
        } })
    })
    .await;
    for (set, widens, limit, status) in [
        (json!({ "grant": { "access_token": { "claims": { "limit": 500 } } } }), None, 5, 503),
        (json!({ "grant": { "access_token": { "claims": { "limit": null } } } }), None, 5, 503),
        (json!({ "grant": { "access_token": { "claims": null } } }), None, 5, 503),
        (json!({ "token_response": { "hint": "second" } }), None, 5, 503),
        (json!({ "grant": { "access_token": { "claims": { "team": "x" } } } }), None, 5, 200),
        (
            json!({ "grant": { "access_token": { "claims": { "limit": 500 } } } }),
            Some("/grant/access_token/claims/limit"),
            500,
            200,
        ),
    ] {
        let patch = set.clone();
        let second = Sidecar::start(move |_| json!({ "decision": "allow", "set": patch })).await;
        let stand = Stand::with(|config| {
            config.policy.push(first.policy("first", &[HOOK]));
            let may_widen = widens.into_iter().map(str::to_owned).collect();
            config.policy.push(PolicyConfig { may_widen, ..second.policy("second", &[HOOK]) });
        })
        .await;
        let reply = ask(&stand).await;
        assert_eq!(reply.status, status, "{set}: {}", reply.text);
        if status == 200 {
            assert_eq!(reply.json["hint"], "first");
            assert_eq!(claims(&text(&reply.json["access_token"]))["limit"], limit, "{set}");
        }
    }
}
