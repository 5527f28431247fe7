//! `grant.authorization_code` and `grant.refresh_token`, `docs/policies.md`: what a policy takes away stays away.

use placet_server::config::{BackendKind, PolicyConfig, RulesConfig};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, HEADLESS, Stand, claims},
    helpers::{client, refresh, text},
    policy_stage::{allow, scripted, set, stand},
    sidecar::Sidecar,
};

/// A server that asks this sidecar when a code is redeemed.
async fn at_the_code(sidecar: &Sidecar) -> Stand {
    Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &["grant.authorization_code"]));
        // It may get tokens past that policy.
        config.clients.retain(|client| client.client_id != "hybrid");
    })
    .await
}

/// What is stored of the only authorization of alice: its grant, and whether it outlives the session.
async fn stored(stand: &Stand) -> (Value, bool) {
    let page = placet_server::store::Paging { after: "", limit: 2 };
    let found = stand.server.store().authorizations_of("alice", page, stand.now()).await.unwrap();
    let [authorization] = found.as_slice() else { panic!("{} authorizations", found.len()) };
    (serde_json::from_str::<Value>(&authorization.doc).unwrap()["grant"].clone(), authorization.offline)
}

#[tokio::test]
async fn what_a_policy_takes_away_at_the_code_never_comes_back() {
    let sidecar = Sidecar::start(|_| {
        set(&json!({ "grant": {
            "scope": ["openid", "email", "offline_access"], "claims": { "userinfo": ["email"] },
            "access_token": { "lifetime": 60, "claims": { "plan": "basic" } },
            "userinfo": { "claims": { "points": 7 } }, "id_token": { "reissue_on_refresh": false },
        } }))
    })
    .await;
    let stand = at_the_code(&sidecar).await;
    let tokens = stand.tokens("web", "openid email phone reports.read offline_access").await;
    assert_eq!(tokens["scope"], "openid email offline_access");
    let mut last = tokens;
    for round in 0..2 {
        assert_eq!(
            (&last["scope"], &last["expires_in"]),
            (&json!("openid email offline_access"), &json!(60))
        );
        assert_eq!(last.get("id_token").is_some(), round == 0);
        let access = text(&last["access_token"]);
        assert_eq!(claims(&access)["plan"], "basic");
        let known = stand.userinfo(&access).await.json;
        assert_eq!((&known["email"], &known["points"]), (&json!("alice@example.com"), &json!(7)));
        for gone in ["phone_number", "email_verified"] {
            assert!(known.get(gone).is_none(), "{known}");
        }
        let more = [
            ("grant_type", "refresh_token"),
            ("refresh_token", last["refresh_token"].as_str().unwrap()),
            ("scope", "openid reports.read"),
        ];
        assert_eq!(stand.post("/token", "web", &more).await.error(), "invalid_scope");
        last = refresh(&stand, "web", &text(&last["refresh_token"])).await.json;
    }
    assert_eq!(sidecar.requests().len(), 1);
}

#[tokio::test]
async fn what_a_policy_leaves_at_the_code_follows_the_settings_of_the_client() {
    let sidecar = Sidecar::start(|request| {
        let phone = request["proposal"]["grant"]["scope"].as_array().unwrap().contains(&json!("phone"));
        if phone { set(&json!({ "grant": { "scope": ["openid", "email"] } })) } else { allow() }
    })
    .await;
    for scope in ["openid email", "openid email phone"] {
        let stand = at_the_code(&sidecar).await;
        stand.tokens("web", scope).await;
        let (grant, _) = stored(&stand).await;
        assert_eq!(grant["scope"], json!(["openid", "email"]));
        for untouched in ["access_token", "refresh_token", "id_token", "sub", "authentication"] {
            assert!(grant.get(untouched).is_none(), "{scope}: {untouched}: {grant}");
        }
    }
}

#[tokio::test]
async fn a_code_without_offline_access_leads_to_tokens_that_end_with_the_session() {
    let sidecar = Sidecar::start(|_| set(&json!({ "grant": { "scope": ["openid", "reports.read"] } }))).await;
    let stand = at_the_code(&sidecar).await;
    let tokens = stand.tokens("web", "openid reports.read offline_access").await;
    assert!(tokens.get("refresh_token").is_none(), "{tokens}");
    assert!(!stored(&stand).await.1);
    let access = text(&tokens["access_token"]);
    assert!(stand.is_active("web", &access).await);
    let list = stand.call(HEADLESS, Method::GET, "/sessions?sub=alice", None).await.json;
    let session = text(&list["items"][0]["id"]);
    let ended = stand.call(HEADLESS, Method::DELETE, &format!("/sessions/{session}"), None).await;
    assert_eq!(ended.status, 204, "{}", ended.text);
    assert!(!stand.is_active("web", &access).await);
}

#[tokio::test]
async fn at_a_refresh_a_policy_narrows_the_tokens_of_that_refresh() {
    let sidecar = Sidecar::start(|request| {
        let narrow = request["refresh_token"]["count"] == 0;
        let patch = json!({ "grant": { "scope": ["openid"], "access_token": { "lifetime": 60 } } });
        if narrow { set(&patch) } else { allow() }
    })
    .await;
    let stand = stand(&sidecar, &["grant.refresh_token"]).await;
    let tokens = stand.tokens("web", "openid email offline_access").await;
    let once = refresh(&stand, "web", &text(&tokens["refresh_token"])).await.json;
    assert_eq!((&once["scope"], &once["expires_in"]), (&json!("openid"), &json!(60)));
    assert!(stand.userinfo(&text(&once["access_token"])).await.json.get("email").is_none());
    let again = refresh(&stand, "web", &text(&once["refresh_token"])).await.json;
    assert_eq!((&again["scope"], &again["expires_in"]), (&json!("openid email offline_access"), &json!(600)));
}

#[tokio::test]
async fn what_userinfo_tells_is_not_decided_at_a_refresh() {
    for patch in
        [json!({ "claims": { "userinfo": ["email"] } }), json!({ "userinfo": { "claims": { "a": 1 } } })]
    {
        let sidecar = Sidecar::start(move |_| set(&json!({ "grant": patch }))).await;
        let stand = stand(&sidecar, &["grant.refresh_token"]).await;
        let tokens = stand.tokens("web", "openid email offline_access").await;
        let refused = refresh(&stand, "web", &text(&tokens["refresh_token"])).await;
        assert_eq!(refused.status, 503, "{}", refused.text);
        let asked = &sidecar.requests()[0];
        assert!(asked["proposal"]["grant"].pointer("/claims/userinfo").is_none(), "{asked}");
        assert_eq!(asked["limits"]["grant"]["max_userinfo_bytes"], 0);
    }
}

/// A client whose refresh tokens do not rotate and end with the authorization, and a policy that sets this of the first
/// refresh.
async fn refreshed(set_of_it: Value) -> (Stand, Value, Value) {
    let patch = json!({ "grant": { "refresh_token": set_of_it } });
    let sidecar = scripted(vec![set(&patch)]).await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &["grant.refresh_token"]));
        let web = &mut client(config, "web").settings.refresh_token;
        web.rotation = Some(placet_sdk::grant::Rotation::Never);
        web.lifetime = Some(0);
    })
    .await;
    let first = stand.tokens("web", "openid offline_access").await;
    let reply = refresh(&stand, "web", &text(&first["refresh_token"])).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    (stand, first, reply.json)
}

#[tokio::test]
async fn a_policy_can_withhold_the_next_refresh_token_and_then_there_is_none() {
    let (stand, first, second) = refreshed(json!({ "issue": false })).await;
    assert!(second.get("refresh_token").is_none(), "{second}");
    assert!(stand.is_active("web", &text(&second["access_token"])).await);
    let old = refresh(&stand, "web", &text(&first["refresh_token"])).await;
    assert_eq!(old.error(), "invalid_grant", "{}", old.text);
    assert!(stand.is_active("web", &text(&second["access_token"])).await, "it is no replay");
}

#[tokio::test]
async fn a_policy_can_let_the_next_refresh_token_live_shorter() {
    for (patch, life) in [(json!({ "lifetime": 60 }), 60), (json!({ "max_idle": 30 }), 30)] {
        for late in [false, true] {
            let (stand, _, second) = refreshed(patch.clone()).await;
            stand.clock.advance(if late { life } else { life - 1 });
            let third = refresh(&stand, "web", &text(&second["refresh_token"])).await;
            assert_eq!(third.status, if late { 400 } else { 200 }, "{patch} {}", third.text);
        }
    }
}

#[tokio::test]
async fn a_lifetime_counts_from_the_first_token_and_may_be_over() {
    for (age, left) in [(59, true), (60, false)] {
        let shorter = json!({ "grant": { "refresh_token": { "lifetime": 60 } } });
        let sidecar = scripted(vec![set(&shorter)]).await;
        let stand = stand(&sidecar, &["grant.refresh_token"]).await;
        let first = stand.tokens("web", "openid offline_access").await;
        stand.clock.advance(age);
        let second = refresh(&stand, "web", &text(&first["refresh_token"])).await;
        assert_eq!(
            (second.status, second.json.get("refresh_token").is_some()),
            (200, left),
            "{}",
            second.text
        );
        stand.clock.advance(1);
        let token = text(second.json.get("refresh_token").unwrap_or(&first["refresh_token"]));
        assert_eq!(refresh(&stand, "web", &token).await.error(), "invalid_grant");
    }
}

#[tokio::test]
async fn a_kept_decision_is_good_for_the_next_refresh_too() {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow", "cache": { "max_age": 600 } })).await;
    let stand = Stand::with(|config| {
        let mut policy = sidecar.policy("guard", &["grant.refresh_token"]);
        policy.needs = Some(vec!["/client/client_id".to_owned()]);
        policy.cache.max_age = 600;
        config.policy.push(policy);
    })
    .await;
    let mut last = stand.tokens("web", "reports.read").await;
    for _ in 0..3 {
        stand.clock.advance(10);
        last = refresh(&stand, "web", &text(&last["refresh_token"])).await.json;
    }
    assert_eq!(sidecar.requests().len(), 1, "time alone makes no other question");
}

#[tokio::test]
async fn a_policy_can_let_the_token_rotate_of_a_client_whose_tokens_do_not() {
    let (_, first, second) = refreshed(json!({ "rotation": "always" })).await;
    assert!(second["refresh_token"].is_string());
    assert_ne!(first["refresh_token"], second["refresh_token"]);
}

#[tokio::test]
async fn a_refresh_proposes_what_a_bare_allow_leads_to() {
    let sidecar = Sidecar::start(|_| allow()).await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &["grant.refresh_token"]));
        let spa = &mut client(config, "spa").settings.refresh_token;
        (spa.rotation, spa.lifetime, spa.max_idle) =
            (Some(placet_sdk::grant::Rotation::Never), Some(1000), Some(0));
    })
    .await;
    let params = stand
        .sign_in(&mut Browser::new(), "spa", &[("scope", "openid offline_access"), ("prompt", "consent")])
        .await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "spa"),
        ("code", &params["code"]),
        ("redirect_uri", super::harness::CALLBACK),
        ("code_verifier", super::harness::VERIFIER),
    ];
    let first = stand.post_public("/token", &form).await.json;
    stand.clock.advance(400);
    let token = text(&first["refresh_token"]);
    let form = [("grant_type", "refresh_token"), ("client_id", "spa"), ("refresh_token", &token)];
    assert_eq!(stand.post_public("/token", &form).await.status, 200);
    let asked = &sidecar.requests()[0];
    assert_eq!(
        asked["proposal"]["grant"]["refresh_token"],
        json!({
            "issue": true, "lifetime": 1000, "max_idle": 0, "rotation": "always", "grace": 60, "tokens": "stored",
        })
    );
    let limits = &asked["limits"]["grant"]["refresh_token"];
    assert_eq!((&limits["max_lifetime"], &limits["rotation"]), (&json!(1000), &json!("always")));
}

#[tokio::test]
async fn a_rule_shortens_what_lasts_as_long_as_the_authorization() {
    let stand = Stand::with(|config| {
        config.clients.retain(|client| client.client_id != "hybrid");
        client(config, "web").settings.refresh_token.lifetime = Some(0);
        config.policy.push(PolicyConfig {
            name: "short".to_owned(),
            backend: BackendKind::Rules,
            types: vec!["grant.authorization_code".parse().unwrap()],
            rules: RulesConfig { refresh_token_lifetime: Some(3600), ..RulesConfig::default() },
            ..PolicyConfig::default()
        });
    })
    .await;
    let tokens = stand.tokens("web", "openid offline_access").await;
    stand.clock.advance(3599);
    let second = refresh(&stand, "web", &text(&tokens["refresh_token"])).await;
    assert_eq!(second.status, 200, "{}", second.text);
    stand.clock.advance(1);
    let over = refresh(&stand, "web", &text(&second.json["refresh_token"])).await;
    assert_eq!(over.error(), "invalid_grant");
}
