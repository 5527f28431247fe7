//! RFC 7009: token revocation. What dies with what is a promise (the table of life cycles).

use super::{
    harness::{Browser, CALLBACK, Stand, VERIFIER},
    helpers::{refresh, text},
};

const SCOPE: &str = "openid email offline_access";

async fn revoke(stand: &Stand, client: &str, token: &str) {
    let reply = stand.post("/revoke", client, &[("token", token)]).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));
}

#[tokio::test]
async fn a_revoked_access_token_dies_alone_and_at_once() {
    let stand = Stand::start().await;
    for client in ["web", "opaque"] {
        let tokens = stand.tokens(client, SCOPE).await;
        let (access, refreshing) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
        let next = refresh(&stand, client, &refreshing).await.json;
        revoke(&stand, client, &access).await;
        assert!(!stand.is_active(client, &access).await);
        assert_eq!(stand.userinfo(&access).await.status, 401);
        let sibling = text(&next["access_token"]);
        assert!(stand.is_active(client, &sibling).await, "{client}: a token of the same grant lives on");
        assert_eq!(refresh(&stand, client, &text(&next["refresh_token"])).await.status, 200);
    }
}

#[tokio::test]
async fn a_revoked_refresh_token_takes_everything_of_its_grant_along() {
    let stand = Stand::start().await;
    for client in ["web", "opaque"] {
        let first = stand.tokens(client, SCOPE).await;
        let second = refresh(&stand, client, &text(&first["refresh_token"])).await.json;
        revoke(&stand, client, &text(&second["refresh_token"])).await;
        for tokens in [&first, &second] {
            let access = text(&tokens["access_token"]);
            assert!(!stand.is_active(client, &access).await);
            assert_eq!(stand.userinfo(&access).await.status, 401);
            let again = refresh(&stand, client, &text(&tokens["refresh_token"])).await;
            assert_eq!(again.error(), "invalid_grant");
        }
    }
}

#[tokio::test]
async fn another_grant_of_the_same_user_and_client_lives_on() {
    let stand = Stand::start().await;
    let (gone, kept) = (stand.tokens("web", SCOPE).await, stand.tokens("web", SCOPE).await);
    revoke(&stand, "web", &text(&gone["refresh_token"])).await;
    assert!(stand.is_active("web", &text(&kept["access_token"])).await);
    assert_eq!(refresh(&stand, "web", &text(&kept["refresh_token"])).await.status, 200);
}

#[tokio::test]
async fn an_older_token_of_the_family_ends_the_grant_too() {
    let stand = Stand::start().await;
    let first = text(&stand.tokens("web", SCOPE).await["refresh_token"]);
    let second = text(&refresh(&stand, "web", &first).await.json["refresh_token"]);
    revoke(&stand, "web", &first).await;
    assert_eq!(refresh(&stand, "web", &second).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_foreign_token_is_answered_alike_and_stays_as_it_is() {
    let stand = Stand::start().await;
    for client in ["web", "opaque"] {
        let tokens = stand.tokens(client, SCOPE).await;
        for name in ["access_token", "refresh_token"] {
            revoke(&stand, "other", &text(&tokens[name])).await;
        }
        assert!(stand.is_active(client, &text(&tokens["access_token"])).await);
        assert_eq!(refresh(&stand, client, &text(&tokens["refresh_token"])).await.status, 200);
    }
}

#[tokio::test]
async fn what_is_unknown_over_or_something_else_is_answered_alike() {
    let stand = Stand::start().await;
    let tokens = stand.tokens("web", SCOPE).await;
    let id_token = text(&tokens["id_token"]);
    for token in ["unknown", "a.b.c", id_token.as_str()] {
        revoke(&stand, "web", token).await;
    }
    let access = text(&tokens["access_token"]);
    assert!(stand.is_active("web", &access).await);
    revoke(&stand, "web", &access).await;
    revoke(&stand, "web", &access).await;
    let none = stand.post("/revoke", "web", &[]).await;
    assert_eq!((none.status, none.error()), (400, "invalid_request"));
}

#[tokio::test]
async fn a_wrong_hint_changes_nothing() {
    let stand = Stand::start().await;
    let tokens = stand.tokens("web", SCOPE).await;
    let access = text(&tokens["access_token"]);
    for hint in ["refresh_token", "nonsense"] {
        let form = [("token", access.as_str()), ("token_type_hint", hint)];
        assert_eq!(stand.post("/revoke", "web", &form).await.status, 200);
        assert!(!stand.is_active("web", &access).await);
    }
}

#[tokio::test]
async fn a_public_client_revokes_by_its_id_and_strangers_without_one_cannot() {
    let stand = Stand::start().await;
    let extra = [("scope", "reports.read")];
    let params = stand.sign_in(&mut Browser::new(), "spa", &extra).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "spa"),
        ("code", &params["code"]),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let tokens = stand.post_public("/token", &form).await.json;
    let token = text(&tokens["refresh_token"]);
    let nobody = stand.post_public("/revoke", &[("token", &token)]).await;
    assert_eq!((nobody.status, nobody.error()), (401, "invalid_client"));
    let form = [("grant_type", "refresh_token"), ("client_id", "spa"), ("refresh_token", token.as_str())];
    assert_eq!(stand.post_public("/token", &form).await.status, 200);
    assert_eq!(stand.post_public("/revoke", &[("client_id", "spa"), ("token", &token)]).await.status, 200);
    assert_eq!(stand.post_public("/token", &form).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_redemption_after_the_revocation_of_its_grant_gets_nothing() {
    let stand = Stand::start().await;
    let params = stand
        .sign_in(&mut Browser::new(), "hybrid", &[("response_type", "code token"), ("nonce", "n")])
        .await;
    let access = &params["access_token"];
    assert!(stand.is_active("hybrid", access).await);
    revoke(&stand, "hybrid", access).await;
    assert!(!stand.is_active("hybrid", access).await);
    let tokens = stand.redeem("hybrid", &params["code"]).await;
    assert_eq!(tokens.status, 200, "an access token dies alone: {}", tokens.text);
}
