//! How refresh tokens that carry everything themselves are revoked, and where they are stored after all.

use std::sync::Arc;

use placet_sdk::grant::Encoding;
use placet_server::{config::Tokens, store::embedded::Embedded};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering,
    flaky::Flaky,
    folder::Folder,
    granting::{tokens_of, trust_the_app},
    harness::{Browser, CALLBACK, Reply, Stand, VERIFIER},
    helpers::{client, refresh, text},
    stateless::{SCOPE, granted, is_over, refreshed, revoke_all, rows, stand, stateless},
};

#[tokio::test]
async fn memory_is_enough_for_a_while_and_without_the_store_nothing_is_issued_after_it() {
    let folder = Folder::new("store");
    let store = Embedded::open(&folder.join("placet.db"), "default").unwrap();
    let flaky = Arc::new(Flaky::new(Arc::new(store)));
    let stand = Stand::on(flaky.clone(), stateless).await;
    let token = granted(&stand, "web").await;
    flaky.set_down(true);
    stand.clock.advance(3);
    refreshed(&stand, "web", &token).await;
    stand.clock.advance(1);
    let unknown = refresh(&stand, "web", &token).await;
    assert_eq!(unknown.status, 503, "{}", unknown.text);
    stand.clock.advance(-2);
    refreshed(&stand, "web", &token).await;
    stand.clock.advance(-3);
    assert_eq!(refresh(&stand, "web", &token).await.status, 503, "a clock that went back proves nothing");
    flaky.set_down(false);
    refreshed(&stand, "web", &token).await;
}

#[tokio::test]
async fn what_is_revoked_is_over_with_the_next_request() {
    let stand = stand().await;
    let own = async || (granted(&stand, "web").await, granted(&stand, "other").await);
    let (kept, rotating) = own().await;
    let kept_next = text(&refreshed(&stand, "web", &kept).await["refresh_token"]);
    assert_eq!(stand.post("/revoke", "other", &[("token", &kept)]).await.status, 200);
    refreshed(&stand, "web", &kept).await;
    assert_eq!(stand.post("/revoke", "web", &[("token", &kept)]).await.status, 200);
    for token in [&kept, &kept_next] {
        is_over(&stand, "web", token).await;
        assert!(!stand.is_active("web", token).await);
    }
    let rotated = text(&refreshed(&stand, "other", &rotating).await["refresh_token"]);
    assert_eq!(stand.post("/revoke", "other", &[("token", &rotating)]).await.status, 200);
    is_over(&stand, "other", &rotated).await;

    for whose in [json!({ "sub": "alice" }), json!({ "client_id": "web" }), json!({ "everybody": true })] {
        let (kept, rotating) = own().await;
        let of_other_client = whose == json!({ "client_id": "web" });
        revoke_all(&stand, whose).await;
        is_over(&stand, "web", &kept).await;
        if of_other_client {
            refreshed(&stand, "other", &rotating).await;
        } else {
            is_over(&stand, "other", &rotating).await;
        }
        // What is granted from now on counts.
        let (kept, rotating) = own().await;
        refreshed(&stand, "web", &kept).await;
        refreshed(&stand, "other", &rotating).await;
        is_over(&stand, "web", &kept_next).await;
    }
}

#[tokio::test]
async fn many_revocations_of_one_subject_or_client_leave_one_mark() {
    let stand = stand().await;
    // What outlives its session does not end with it already.
    let granted = async || text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(granted().await);
    }
    revoke_all(&stand, json!({ "sub": "alice" })).await;
    assert_eq!(stand.rows("SELECT name FROM generation_marks"), ["subject:alice"]);
    let newer = granted().await;
    revoke_all(&stand, json!({ "client_id": "web" })).await;
    assert_eq!(
        stand.rows("SELECT name FROM generation_marks ORDER BY name"),
        ["client:web", "subject:alice"]
    );
    for token in tokens.iter().chain([&newer]) {
        is_over(&stand, "web", token).await;
    }
    stand.clock.advance(401 * 86_400);
    stand.server.store().purge(stand.now(), 100).await.unwrap();
    assert_eq!(rows(&stand, "generation_marks"), 0);
}

#[tokio::test]
async fn another_client_of_the_same_id_revives_nothing() {
    let stand = stand().await;
    let metadata = json!({
        "redirect_uris": [CALLBACK], "scope": SCOPE, "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let settings = json!({ "refresh_token": { "rotation": "never" } });
    let write = json!({ "client_id": "mine", "metadata": metadata, "settings": settings });
    let admin = async |method: Method, path: &str, body: Option<&Value>| {
        let reply = administering::call(&stand, administering::TOKEN, method, path, body).await;
        assert!(reply.status < 300, "{}", reply.text);
        reply.json
    };
    let post = async |secret: &str, form: &[(&str, &str)]| {
        let request = stand.http.post(format!("{}/token", stand.issuer)).basic_auth("mine", Some(secret));
        Reply::read(request.form(form).send().await.unwrap()).await
    };
    let signed_in = async |secret: &str| {
        let params = stand.sign_in(&mut Browser::new(), "mine", &[("scope", SCOPE)]).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", params["code"].as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        text(&post(secret, &form).await.json["refresh_token"])
    };
    let again = async |secret: &str, token: &str| {
        post(secret, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    };
    let secret = text(&admin(Method::POST, "/clients", Some(&write)).await["client_secret"]);
    let token = signed_in(&secret).await;
    assert_eq!(again(&secret, &token).await.status, 200);
    admin(Method::DELETE, "/clients/mine", None).await;
    let secret = text(&admin(Method::POST, "/clients", Some(&write)).await["client_secret"]);
    assert_eq!(again(&secret, &token).await.error(), "invalid_grant");
    let newer = signed_in(&secret).await;
    assert_eq!(again(&secret, &newer).await.status, 200);
}

#[tokio::test]
async fn what_is_more_than_a_token_should_carry_is_stored() {
    let stand = Stand::with(|config| {
        stateless(config);
        trust_the_app(config);
    })
    .await;
    for (size, stored) in [(100, 0), (7000, 1)] {
        let grant = json!({ "data": { "note": "x".repeat(size) } });
        let tokens = tokens_of(&stand, ("web", CALLBACK), ("alice", SCOPE, &grant)).await;
        assert_eq!(rows(&stand, "families"), stored);
        refreshed(&stand, "web", &text(&tokens["refresh_token"])).await;
    }
}

#[tokio::test]
async fn a_client_whose_access_tokens_are_opaque_cannot_be_stateless() {
    let stand = stand().await;
    let tokens = stand.tokens("opaque", SCOPE).await;
    assert_eq!(rows(&stand, "families"), 1, "what the server says is for those who can");
    refreshed(&stand, "opaque", &text(&tokens["refresh_token"])).await;
    let check = |single_use: bool| {
        let mut config = stand.server.config().clone();
        let web = &mut client(&mut config, "web").settings;
        web.tokens = Some(Tokens::Stateless);
        web.access_token.single_use = single_use;
        web.access_token.encoding = (!single_use).then_some(Encoding::Opaque);
        config.check().expect_err("they contradict each other").to_string()
    };
    for single_use in [true, false] {
        let refused = check(single_use);
        assert!(refused.contains("tokens") && refused.contains("JWTs"), "{refused}");
    }
}

#[tokio::test]
async fn a_client_can_be_stateless_at_a_server_that_is_not_and_the_other_way_round() {
    for server in [Tokens::Stored, Tokens::Stateless] {
        let own = if server == Tokens::Stored { Tokens::Stateless } else { Tokens::Stored };
        let stand = Stand::with(|config| {
            config.tokens = server;
            client(config, "web").settings.tokens = Some(own);
        })
        .await;
        granted(&stand, "web").await;
        assert_eq!(rows(&stand, "families"), usize::from(own == Tokens::Stored));
    }
}

#[tokio::test]
async fn after_a_restore_what_the_store_cannot_know_of_is_over() {
    let stand = stand().await;
    let (before, doomed) = (granted(&stand, "web").await, granted(&stand, "web").await);
    let folder = Folder::new("restored");
    let copy = folder.join("placet.db");
    stand.database().execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    assert_eq!(stand.post("/revoke", "web", &[("token", &doomed)]).await.status, 200);
    let since = text(&refreshed(&stand, "web", &before).await["refresh_token"]);
    let granted_since = granted(&stand, "web").await;

    let issuer = stand.issuer.clone();
    let restored = Stand::on(Arc::new(Embedded::open(&copy, "default").unwrap()), |config| {
        config.issuer = issuer;
        stateless(config);
    })
    .await;
    for unknown in [&since, &granted_since] {
        is_over(&restored, "web", unknown).await;
    }
    // The store is as it was: so are these, until everything is revoked, as after every restore.
    refreshed(&restored, "web", &before).await;
    refreshed(&restored, "web", &doomed).await;
    revoke_all(&restored, json!({ "everybody": true })).await;
    for token in [&before, &doomed, &since, &granted_since] {
        is_over(&restored, "web", token).await;
    }
}
