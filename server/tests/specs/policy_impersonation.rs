//! Other subjects than the user who signed in, `docs/protocol.md`: only for policies that the operator lets do it, and
//! never unnoticed.

use placet_server::config::PolicyConfig;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
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
