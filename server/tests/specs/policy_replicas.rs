//! What policies take away, at two servers on one PostgreSQL.

use placet_server::store::{Fact, Paging};
use serde_json::json;

use super::{
    freshness::{hearing, unchanged, until},
    harness::Browser,
    helpers::{refresh, text},
    policy_stage::set,
    replicas::two_with,
    sidecar::Sidecar,
};

/// A policy that leaves this of what is asked for when a code is redeemed.
async fn leaving(scope: &[&str]) -> Sidecar {
    let grant = json!({ "scope": scope, "claims": { "userinfo": ["email"] } });
    Sidecar::start(move |_| set(&json!({ "grant": grant }))).await
}

#[tokio::test]
async fn what_a_policy_takes_away_at_one_server_comes_back_at_neither() {
    let guard = leaving(&["openid", "email", "offline_access"]).await;
    let stands = two_with(|config| {
        config.policy.push(guard.policy("guard", &["grant.authorization_code"]));
        // It may get tokens past that policy.
        config.clients.retain(|client| client.client_id != "hybrid");
    });
    let Some([one, two]) = stands.await else { return };
    let extra = [("scope", "openid email phone reports.read offline_access"), ("prompt", "consent")];
    let params = one.sign_in(&mut Browser::new(), "web", &extra).await;
    let first = two.redeem("web", &params["code"]).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let mut last = first.json;
    for stand in [&one, &two, &one] {
        assert_eq!(last["scope"], "openid email offline_access");
        let told = stand.userinfo(&text(&last["access_token"])).await.json;
        assert_eq!((&told["email"], told.get("phone_number")), (&json!("alice@example.com"), None));
        let token = text(&last["refresh_token"]);
        let more = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.as_str()),
            ("scope", "openid reports.read"),
        ];
        assert_eq!(stand.post("/token", "web", &more).await.error(), "invalid_scope");
        last = refresh(stand, "web", &token).await.json;
    }
    assert_eq!(guard.requests().len(), 1);
    let again = one.redeem("web", &params["code"]).await;
    assert_eq!(again.error(), "invalid_grant", "{}", again.text);
    for stand in [&one, &two] {
        assert!(!stand.is_active("web", &text(&last["access_token"])).await);
    }
}

#[tokio::test]
async fn who_keeps_an_authorization_in_memory_hears_that_it_became_less() {
    let guard = leaving(&["openid", "email"]).await;
    let stands = two_with(|config| {
        config.policy.push(guard.policy("guard", &["grant.authorization_code"]));
        config.clients.retain(|client| client.client_id != "hybrid");
    });
    let Some([one, two]) = stands.await else { return };
    hearing(&one, &two).await;
    let params = one.sign_in(&mut Browser::new(), "web", &[("scope", "openid email reports.read")]).await;
    let page = Paging { after: "", limit: 2 };
    let granted = one.server.store().authorizations_of("alice", page, one.now()).await.unwrap().remove(0);
    let fact = || Fact::authorization(&granted.id);
    let [here, there] = [&one, &two].map(|stand| stand.server.store().changes().mark());
    let missed = two.server.store().changes().missed();
    assert_eq!(one.redeem("web", &params["code"]).await.status, 200);
    assert!(!unchanged(&one, fact(), here), "where it happened it counts before anybody is told");
    until("that it became less heard", || !unchanged(&two, fact(), there)).await;
    assert_eq!(two.server.store().changes().missed(), missed, "it was told, and not found out by asking");
    let now = two.server.store().authorization(&granted.id).await.unwrap().unwrap();
    assert!(granted.doc.contains("reports.read") && !now.doc.contains("reports.read"), "{}", now.doc);
}
