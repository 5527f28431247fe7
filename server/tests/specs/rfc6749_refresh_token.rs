//! RFC 6749 section 6, RFC 9700 section 4.14: refresh tokens.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use super::harness::{Reply, Stand};

const SCOPE: &str = "openid email offline_access";

async fn refresh(stand: &Stand, client: &str, token: &str) -> Reply {
    stand.post("/token", client, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_refresh_rotates_the_token_and_keeps_the_grant() {
    let stand = Stand::start().await;
    let first = stand.tokens("web", SCOPE).await;
    let second = refresh(&stand, "web", &text(&first["refresh_token"])).await;
    assert_eq!(second.status, 200, "{}", second.text);
    assert_ne!(second.json["refresh_token"], first["refresh_token"]);
    assert_eq!(second.json["scope"], SCOPE);
    assert!(second.json["id_token"].is_string());
    assert_eq!(refresh(&stand, "web", &text(&second.json["refresh_token"])).await.status, 200);
}

#[tokio::test]
async fn without_offline_access_an_openid_request_gets_no_refresh_token() {
    let stand = Stand::start().await;
    assert!(stand.tokens("web", "openid email").await.get("refresh_token").is_none());
    assert!(stand.tokens("web", "reports.read").await["refresh_token"].is_string());
}

#[tokio::test]
async fn a_lost_answer_costs_nobody_the_session() {
    let stand = Stand::start().await;
    let first = stand.tokens("web", SCOPE).await;
    let parent = text(&first["refresh_token"]);
    let child = refresh(&stand, "web", &parent).await;
    stand.clock.advance(59);
    let again = refresh(&stand, "web", &parent).await;
    assert_eq!(again.json["refresh_token"], child.json["refresh_token"]);
    assert_eq!(refresh(&stand, "web", &text(&child.json["refresh_token"])).await.status, 200);
}

#[tokio::test]
async fn of_200_racing_refreshes_all_get_the_very_same_child() {
    let stand = Arc::new(Stand::start().await);
    let token = text(&stand.tokens("web", SCOPE).await["refresh_token"]);
    let mut races = Vec::new();
    for _ in 0..200 {
        let (stand, token) = (stand.clone(), token.clone());
        races.push(tokio::spawn(async move { refresh(&stand, "web", &token).await }));
    }
    let mut children = BTreeSet::new();
    for race in races {
        let reply = race.await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text);
        children.insert(text(&reply.json["refresh_token"]));
    }
    assert_eq!(children.len(), 1);
    assert_eq!(refresh(&stand, "web", children.first().unwrap()).await.status, 200);
}

#[tokio::test]
async fn a_parent_whose_child_was_used_or_whose_grace_is_over_is_a_replay_that_ends_everything() {
    for used in [true, false] {
        let stand = Stand::start().await;
        let first = stand.tokens("web", SCOPE).await;
        let parent = text(&first["refresh_token"]);
        let child = refresh(&stand, "web", &parent).await;
        if used {
            assert_eq!(refresh(&stand, "web", &text(&child.json["refresh_token"])).await.status, 200);
        } else {
            stand.clock.advance(61);
        }
        assert_eq!(refresh(&stand, "web", &parent).await.error(), "invalid_grant");
        assert_eq!(
            refresh(&stand, "web", &text(&child.json["refresh_token"])).await.error(),
            "invalid_grant"
        );
        assert!(!stand.is_active("web", &text(&child.json["access_token"])).await);
    }
}

#[tokio::test]
async fn a_strangers_refresh_is_refused_and_harms_nobody() {
    let stand = Stand::start().await;
    let first = stand.tokens("web", SCOPE).await;
    let token = text(&first["refresh_token"]);
    assert_eq!(refresh(&stand, "other", &token).await.error(), "invalid_grant");
    let mut guessed = token.clone().into_bytes();
    guessed[30] = if guessed[30] == b'A' { b'B' } else { b'A' };
    let guessed = String::from_utf8(guessed).unwrap();
    assert_eq!(refresh(&stand, "web", &guessed).await.error(), "invalid_grant");
    assert_eq!(refresh(&stand, "web", &token).await.status, 200);
}

#[tokio::test]
async fn scope_can_be_narrowed_for_one_access_token_and_never_widened() {
    let stand = Stand::start().await;
    let token = text(&stand.tokens("web", SCOPE).await["refresh_token"]);
    let with_scope = |token: String, scope: &'static str| {
        let stand = &stand;
        async move {
            let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), ("scope", scope)];
            stand.post("/token", "web", &form).await
        }
    };
    let wide = with_scope(token.clone(), "openid reports.read").await;
    assert_eq!((wide.status, wide.error()), (400, "invalid_scope"));
    let narrow = with_scope(token, "openid").await;
    assert_eq!(narrow.json["scope"], "openid");
    let back = refresh(&stand, "web", &text(&narrow.json["refresh_token"])).await;
    assert_eq!(back.json["scope"], SCOPE);
}

#[tokio::test]
async fn a_family_ends_when_it_is_idle_for_too_long() {
    let stand = Stand::start().await;
    let token = text(&stand.tokens("web", SCOPE).await["refresh_token"]);
    stand.clock.advance(30 * 86_400);
    assert_eq!(refresh(&stand, "web", &token).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_family_ends_at_its_absolute_limit_however_busy_it_is() {
    let stand = Stand::start().await;
    let mut token = text(&stand.tokens("web", SCOPE).await["refresh_token"]);
    for _ in 0..8 {
        stand.clock.advance(20 * 86_400);
        let reply = refresh(&stand, "web", &token).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        token = text(&reply.json["refresh_token"]);
    }
    stand.clock.advance(20 * 86_400);
    assert_eq!(refresh(&stand, "web", &token).await.error(), "invalid_grant");
}

#[tokio::test]
async fn offline_access_counts_only_where_the_user_is_asked_for_it() {
    let stand = Stand::start().await;
    let mut browser = super::harness::Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[("scope", "openid offline_access")]).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    assert_eq!(tokens["scope"], "openid");
    assert!(tokens.get("refresh_token").is_none());
}
