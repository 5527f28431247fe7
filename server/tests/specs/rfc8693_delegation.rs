//! RFC 8693 sections 4.1 and 4.4: who acts in an exchanged token, and who was allowed to.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    exchanging::{ACCESS, API, EXCHANGE, ID, SHIPPING, Scene},
    harness::{CALLBACK, HEADLESS, claims},
    helpers::{client, text},
};

fn actor(token: &str) -> [(&str, &str); 2] {
    [("actor_token", token), ("actor_token_type", ACCESS)]
}

/// The claim `act` of the access token that was issued.
fn act_of(issued: &Value) -> Value {
    claims(&text(&issued["access_token"]))["act"].clone()
}

#[tokio::test]
async fn whoever_the_actor_token_is_about_acts_for_the_subject() {
    let scene = Scene::start().await;
    let access = text(&scene.user("alice").await["access_token"]);
    let service = scene.own_token("api").await;
    let issued = scene.exchanged("api", &access, &actor(&service)).await;
    let said = claims(&text(&issued["access_token"]));
    assert_eq!((&said["sub"], &said["act"]), (&json!("alice"), &json!({ "sub": "api", "client_id": "api" })));
    let asked = scene.asked();
    assert_eq!(asked["actor"], json!({ "sub": "api", "type": "client", "source": "actor_token" }));
    assert_eq!(asked["token_exchange"]["semantics"], "delegation");
    assert_eq!(asked["token_exchange"]["act_depth"], 1);
    let (_, granted) = scene.stand.events("authorization.granted").pop().unwrap();
    assert_eq!(granted["act"], said["act"]);
    assert_eq!(scene.stand.events("authorization.impersonated"), [], "the subject is the same");

    // A user acts for another one.
    let bob = text(&scene.user("bob").await["access_token"]);
    assert_eq!(act_of(&scene.exchanged("web", &access, &actor(&bob)).await), json!({ "sub": "bob" }));
    let id = text(&scene.user("bob").await["id_token"]);
    let acting = [("actor_token", id.as_str()), ("actor_token_type", ID), ("requested_token_type", ID)];
    let issued = scene.exchanged("web", &access, &acting).await;
    assert_eq!(act_of(&issued), json!({ "sub": "bob" }), "an ID token tells it too");
}

#[tokio::test]
async fn earlier_actors_stay_behind_the_newest_and_are_five_at_most() {
    let scene = Scene::with(|config, _| {
        for i in 1..=6 {
            let metadata =
                json!({ "grant_types": [EXCHANGE, "client_credentials"], "scope": "reports.read" });
            let mut service = super::helpers::configured(&format!("service {i}"), &metadata);
            service.settings.token_exchange.may_exchange_of =
                (0..i).map(|before| format!("service {before}")).chain(["web".to_owned()]).collect();
            config.clients.push(service);
        }
    })
    .await;
    let mut token = text(&scene.user("alice").await["access_token"]);
    let mut chain = Value::Null;
    for i in 1..=5 {
        let service = format!("service {i}");
        let own = scene.own_token(&service).await;
        let issued = scene.exchanged(&service, &token, &actor(&own)).await;
        let mut act = json!({ "sub": service, "client_id": service });
        if i > 1 {
            act["act"] = chain;
        }
        chain = act;
        assert_eq!(act_of(&issued), chain);
        token = text(&issued["access_token"]);
        // Who acts already is not named twice, and without an actor token the chain stays as it is.
        assert_eq!(act_of(&scene.exchanged(&service, &token, &actor(&own)).await), chain);
        assert_eq!(act_of(&scene.exchanged(&service, &token, &[]).await), chain);
    }
    let own = scene.own_token("service 6").await;
    scene.refused_unasked("service 6", &token, &actor(&own), "invalid_request").await;
}

#[tokio::test]
async fn an_actor_token_is_verified_like_a_subject_token() {
    let scene = Scene::start().await;
    let access = text(&scene.user("alice").await["access_token"]);
    let foreign = text(&scene.tokens("opaque", CALLBACK, "bob", &json!({})).await["access_token"]);
    let dead = text(&scene.user("bob").await["access_token"]);
    assert_eq!(scene.stand.post("/revoke", "web", &[("token", &dead)]).await.status, 200);
    for bad in ["unknown", foreign.as_str(), dead.as_str()] {
        scene.refused_unasked("web", &access, &actor(bad), "invalid_request").await;
    }
    let wrong = [("actor_token", access.as_str()), ("actor_token_type", ID)];
    scene.refused_unasked("web", &access, &wrong, "invalid_request").await;
    scene.refused_unasked("web", &access, &[("actor_token_type", ACCESS)], "invalid_request").await;
    scene.refused_unasked("web", &access, &[("actor_token", &access)], "invalid_request").await;
    let long = "x".repeat(20_000);
    scene.refused_unasked("web", &access, &actor(&long), "invalid_request").await;
}

#[tokio::test]
async fn a_token_may_say_who_alone_may_act() {
    let scene = Scene::with(|config, _| {
        client(config, "shipping").settings.token_exchange.may_exchange_of = vec!["web".to_owned()];
        client(config, "shipping").settings.token_exchange.enforce_may_act = false;
    })
    .await;
    let token = async |may_act: Value| {
        text(&scene.user_with("alice", &json!({ "may_act": may_act })).await["access_token"])
    };
    let (api, bob) = (scene.own_token("api").await, text(&scene.user("bob").await["access_token"]));
    let for_api = token(json!({ "sub": "api" })).await;
    assert_eq!(claims(&for_api)["may_act"], json!({ "sub": "api" }));
    let issued = scene.exchanged("api", &for_api, &actor(&api)).await;
    assert_eq!(act_of(&issued)["sub"], "api");
    assert!(claims(&text(&issued["access_token"])).get("may_act").is_none(), "it was said of that token");
    scene.exchanged("api", &for_api, &[]).await;
    let precise = token(json!({ "sub": "api", "client_id": "api", "iss": scene.stand.issuer })).await;
    scene.exchanged("api", &precise, &actor(&api)).await;
    let for_bob = token(json!({ "sub": "bob" })).await;
    scene.exchanged("web", &for_bob, &actor(&bob)).await;

    let refused = [
        ("web", &for_api, None),
        ("web", &for_api, Some(&bob)),
        ("api", &for_api, Some(&bob)),
        ("api", &for_bob, None),
        ("api", &for_bob, Some(&api)),
        ("web", &for_bob, None),
    ];
    for (client, token, acting) in refused {
        let extra = acting.map(|token| actor(token).to_vec()).unwrap_or_default();
        let told = scene.refused_unasked(client, token, &extra, "invalid_request").await;
        assert!(told.contains("may_act") || told.contains("not for this client"), "{told}");
    }
    let other_issuer = token(json!({ "sub": "api", "iss": "https://else.example" })).await;
    scene.refused_unasked("api", &other_issuer, &actor(&api), "invalid_request").await;
    // The operator trusts the policy of this client to look at it.
    scene.exchanged("shipping", &for_api, &[]).await;
    assert_eq!(
        scene.asked()["token_exchange"]["subject_token"]["claims"]["may_act"],
        json!({ "sub": "api" })
    );
}

#[tokio::test]
async fn a_policy_may_name_actors_that_fit_into_a_token() {
    let scene = Scene::start().await;
    let access = text(&scene.user("alice").await["access_token"]);
    scene.sets(&json!({ "act": { "sub": "bob" }, "may_act": { "sub": "shipping" } }));
    let issued = scene.exchanged("api", &access, &[("resource", SHIPPING)]).await;
    let said = claims(&text(&issued["access_token"]));
    assert_eq!((&said["act"], &said["may_act"]), (&json!({ "sub": "bob" }), &json!({ "sub": "shipping" })));
    let report = json!({ "type": "account.disabled", "sub": "bob" });
    assert_eq!(scene.stand.call(HEADLESS, Method::POST, "/reports", Some(&report)).await.status, 202);
    assert!(!scene.is_live("api", &issued["access_token"]).await, "it ends with the actor");
    let refused = scene.exchange("api", &access, &[]).await;
    assert_eq!((refused.status, refused.error()), (400, "invalid_request"), "{}", refused.text);
    let chain = (0..6).fold(json!({ "sub": "x" }), |act, _| json!({ "sub": "x", "act": act }));
    for grant in [
        json!({ "act": chain }),
        json!({ "act": { "sub": "" } }),
        json!({ "act": { "sub": "x", "client_id": "x".repeat(300) } }),
        json!({ "may_act": { "sub": "x", "more": "x".repeat(1024) } }),
        json!({ "may_act": { "client_id": "x" } }),
    ] {
        scene.sets(&grant);
        let reply = scene.exchange("api", &access, &[("resource", API)]).await;
        assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"), "{grant}");
    }
}

#[tokio::test]
async fn to_change_the_subject_or_to_drop_an_actor_is_not_for_every_policy() {
    let scene = Scene::start().await;
    let access = text(&scene.user("alice").await["access_token"]);
    let acting = text(&scene.user_with("alice", &json!({ "act": { "sub": "bob" } })).await["access_token"]);
    for (token, grant) in [
        (&access, json!({ "sub": "carol" })),
        (&access, json!({ "sub": null })),
        (&acting, json!({ "act": null })),
        (&acting, json!({ "act": { "sub": "eve" } })),
    ] {
        scene.sets(&grant);
        let reply = scene.exchange("api", token, &[]).await;
        assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"), "{grant}");
    }
    assert_eq!(scene.stand.events("authorization.impersonated"), []);
}

#[tokio::test]
async fn a_policy_that_may_impersonate_is_recorded_with_whom_it_replaced() {
    let scene = Scene::with(|config, policy| {
        policy.allow_impersonation = true;
        policy.sub_deny = vec!["admin*".to_owned()];
        let api = client(config, "api");
        api.metadata.scope = Some("reports.read".to_owned());
    })
    .await;
    let access = text(&scene.user("carol").await["access_token"]);
    scene.sets(
        &json!({ "sub": "alice", "data": { "case": "CASE-1182" }, "access_token": { "lifetime": 180 } }),
    );
    let issued = scene.exchanged("api", &access, &[("resource", SHIPPING)]).await;
    let said = claims(&text(&issued["access_token"]));
    assert_eq!((&said["sub"], said.get("act")), (&json!("alice"), None));
    assert!(said.get("acr").is_none() && said.get("auth_time").is_none(), "alice did not authenticate");
    let (id, recorded) = scene.stand.events("authorization.impersonated").pop().unwrap();
    assert_eq!((&recorded["sub"], &recorded["subject_token_sub"]), (&json!("alice"), &json!("carol")));
    assert_eq!((&recorded["policy"], &recorded["data"]["case"]), (&json!("exchange"), &json!("CASE-1182")));
    assert_eq!(scene.stand.events("authorization.granted").pop().unwrap().0, id);

    // The recommended form names who acts, and is recorded too.
    scene.sets(&json!({ "sub": "alice", "act": { "sub": "carol" } }));
    let issued = scene.exchanged("api", &access, &[("resource", SHIPPING)]).await;
    assert_eq!(act_of(&issued), json!({ "sub": "carol" }));
    assert_eq!(scene.stand.events("authorization.impersonated").len(), 2);
    let acting = text(&scene.user_with("alice", &json!({ "act": { "sub": "bob" } })).await["access_token"]);
    scene.sets(&json!({ "act": null }));
    let without = scene.exchanged("api", &acting, &[]).await;
    assert_eq!(act_of(&without), Value::Null);
    let (_, recorded) = scene.stand.events("authorization.impersonated").pop().unwrap();
    assert_eq!((&recorded["proposed_act"], &recorded["act"]), (&json!({ "sub": "bob" }), &Value::Null));

    scene.sets(&json!({ "sub": "admin 1" }));
    assert_eq!(scene.exchange("api", &access, &[]).await.status, 503);
    // Whoever was replaced takes it along.
    let report = json!({ "type": "account.disabled", "sub": "carol" });
    assert_eq!(scene.stand.call(HEADLESS, Method::POST, "/reports", Some(&report)).await.status, 202);
    assert!(!scene.is_live("api", &issued["access_token"]).await);
}
