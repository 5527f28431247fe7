//! Other subjects than the user who signed in, `docs/protocol.md`: only for policies that the operator lets do it, and
//! never unnoticed.

use placet_server::config::PolicyConfig;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    folder::Folder,
    granting,
    harness::{Browser, HEADLESS, Stand, auth, claims},
    helpers::text,
    policy_stage::{everything, reply, rows, set},
    sidecar::Sidecar,
};

/// A server with a policy that puts bob in the place of whoever signs in.
async fn stand(hook: &str, change: impl FnOnce(&mut PolicyConfig)) -> Stand {
    let sidecar =
        Sidecar::start(|_| set(&json!({ "grant": { "sub": "bob", "data": { "case": "CASE-1182" } } }))).await;
    let mut policy = sidecar.policy("support", &[hook]);
    policy.allow_impersonation = true;
    change(&mut policy);
    Stand::with(|config| config.policy.push(policy)).await
}

async fn tokens(stand: &Stand) -> Value {
    let params = stand.sign_in(&mut Browser::new(), "web", &[]).await;
    let tokens = stand.redeem("web", &params["code"]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    tokens.json
}

#[tokio::test]
async fn a_policy_that_may_puts_another_subject_in_the_place_of_the_user() {
    for hook in ["interaction.evaluate", "interaction.approve"] {
        let stand = stand(hook, |_| {}).await;
        let tokens = tokens(&stand).await;
        let id = claims(&text(&tokens["id_token"]));
        assert_eq!((&id["sub"], id.get("act")), (&json!("bob"), None), "{hook}");
        let known = stand.userinfo(&text(&tokens["access_token"])).await.json;
        assert_eq!(known, json!({ "sub": "bob" }), "what is known of alice says nothing about bob");
        // Session and consent are those of the user who was there.
        assert_eq!((rows(&stand, "alice").await, rows(&stand, "bob").await), ((1, 1, 0), (0, 0, 1)));
        let recorded = stand.events("authorization.impersonated");
        let [(_, data)] = recorded.as_slice() else { panic!("{recorded:?}") };
        assert_eq!((&data["sub"], &data["authenticated_sub"]), (&json!("bob"), &json!("alice")));
        assert_eq!((&data["policy"], &data["data"]), (&json!("support"), &json!({ "case": "CASE-1182" })));
    }
}

#[tokio::test]
async fn the_operator_has_the_actor_named_and_subjects_ruled_out() {
    let forced = stand("interaction.approve", |policy| policy.force_act = true).await;
    let id = claims(&text(&tokens(&forced).await["access_token"]));
    assert_eq!((&id["sub"], &id["act"]["sub"]), (&json!("bob"), &json!("alice")));
    assert_eq!(forced.events("authorization.impersonated").len(), 1);

    for change in [
        (|policy: &mut PolicyConfig| policy.allow_impersonation = false) as fn(&mut PolicyConfig),
        |policy| policy.sub_deny = vec!["bo*".to_owned()],
        |policy| policy.sub_allow = vec!["customer:*".to_owned()],
    ] {
        let stand = stand("interaction.approve", change).await;
        let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
        reply(&stand, &id, &auth("alice")).await;
        let refused = reply(&stand, &id, &everything()).await;
        assert_eq!((refused.status, refused.error()), (503, "policy_unavailable"));
        assert_eq!((rows(&stand, "alice").await, rows(&stand, "bob").await), ((0, 0, 0), (0, 0, 0)));
        assert_eq!(stand.events("authorization.impersonated").len(), 0);
    }
}

#[tokio::test]
async fn a_direct_grant_for_another_subject_is_recorded_too() {
    let stand = stand("interaction.approve", |_| {}).await;
    let body = json!({ "client_id": "web", "sub": "alice", "grant": { "scope": ["openid"] } });
    let tokens = stand.call(HEADLESS, Method::POST, "/grants", Some(&body)).await.json;
    assert_eq!(claims(&text(&tokens["id_token"]))["sub"], "bob", "{tokens}");
    let (_, data) = stand.events("authorization.impersonated").pop().expect("it was recorded");
    assert_eq!((&data["authenticated_sub"], &data["policy"]), (&json!("alice"), &json!("support")));
    // The tokens end with the user on whose behalf they were given.
    let report = json!({ "type": "account.disabled", "sub": "alice" });
    assert_eq!(stand.call(HEADLESS, Method::POST, "/reports", Some(&report)).await.status, 202);
    assert!(!stand.is_active("web", &text(&tokens["access_token"])).await);
}

#[tokio::test]
async fn to_take_an_actor_away_is_recorded_like_another_subject() {
    for allowed in [true, false] {
        let sidecar = Sidecar::start(|_| set(&json!({ "grant": { "act": null } }))).await;
        let mut policy = sidecar.policy("support", &["interaction.approve"]);
        policy.allow_impersonation = allowed;
        let stand = Stand::with(|config| {
            granting::trust_the_app(config);
            config.policy.push(policy);
        })
        .await;
        let mut browser = Browser::new();
        let id = browser.authorize(&stand, "web", &[]).await.interaction();
        reply(&stand, &id, &auth("alice")).await;
        let grant = json!({ "scope": ["openid"], "act": { "sub": "carol" } });
        let answered = reply(&stand, &id, &json!({ "type": "consent", "grant": grant })).await;
        if !allowed {
            assert_eq!(answered.status, 503, "{}", answered.text);
            continue;
        }
        let uri = answered.json["response"]["delivery"]["uri"].as_str().expect("a response").to_owned();
        let tokens = stand.redeem("web", &browser.get(&uri).await.params()["code"]).await.json;
        assert_eq!(claims(&text(&tokens["access_token"])).get("act"), None);
        let recorded = stand.events("authorization.impersonated");
        let [(_, data)] = recorded.as_slice() else { panic!("{recorded:?}") };
        assert_eq!((&data["sub"], &data["authenticated_sub"]), (&json!("alice"), &json!("alice")));
        assert_eq!(data["policy"], "support");
    }
}

#[tokio::test]
async fn nobody_is_impersonated_without_a_record_in_the_log_whatever_else_it_drops() {
    let folder = Folder::new("impersonated");
    let (gone, path) = (folder.join("logs"), folder.join("logs").join("decisions.jsonl"));
    std::fs::create_dir_all(&gone).unwrap();
    let sidecar = Sidecar::start(|request| {
        let other = request["subject"]["sub"] == "alice";
        set(&if other { json!({ "grant": { "sub": "bob" } }) } else { json!({}) })
    })
    .await;
    let mut policy = sidecar.policy("support", &["interaction.approve"]);
    policy.allow_impersonation = true;
    let stand = Stand::with(|config| {
        config.policy.push(policy);
        config.decision_log.file = Some(path.clone());
    })
    .await;
    std::fs::remove_dir_all(&gone).unwrap();
    for (sub, status) in [("carol", 200), ("alice", 503)] {
        let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
        reply(&stand, &id, &auth(sub)).await;
        let answered = reply(&stand, &id, &everything()).await;
        assert_eq!(answered.status, status, "{sub}: {}", answered.text);
    }
    assert_eq!(rows(&stand, "bob").await, (0, 0, 0));
    std::fs::create_dir_all(&gone).unwrap();
    tokens(&stand).await;
    let written = std::fs::read_to_string(&path).unwrap();
    let record: Value = serde_json::from_str(written.lines().last().unwrap()).unwrap();
    assert_eq!((&record["sub"], &record["original_sub"]), (&json!("bob"), &json!("alice")));
}
