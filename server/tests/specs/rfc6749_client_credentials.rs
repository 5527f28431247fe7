//! RFC 6749 section 4.4, RFC 8707: the client credentials grant.

use placet_sdk::grant::Encoding;
use placet_server::housekeeping;
use reqwest::Method;
use serde_json::json;

use super::{
    administering::{self, TOKEN},
    harness::{Reply, Stand, claims},
    helpers::{client, text},
};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

async fn ask(stand: &Stand, extra: &[(&str, &str)]) -> Reply {
    stand.post("/token", "service", &[&[GRANT], extra].concat()).await
}

#[tokio::test]
async fn a_client_gets_a_token_for_itself_and_nothing_that_stands_for_a_user() {
    let stand = Stand::start().await;
    let reply = ask(&stand, &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.json["token_type"], "Bearer");
    assert_eq!(reply.json["scope"], "reports.read reports.write");
    assert_eq!(reply.json["expires_in"], 600);
    assert!(reply.json.get("refresh_token").is_none());
    assert!(reply.json.get("id_token").is_none());
    let token = text(&reply.json["access_token"]);
    let said = claims(&token);
    assert_eq!((&said["sub"], &said["client_id"]), (&json!("service"), &json!("service")));
    assert_eq!(said["aud"], stand.issuer);
    assert!(said.get("auth_time").is_none());
    let userinfo = stand.userinfo(&token).await;
    assert_eq!((userinfo.status, userinfo.error()), (403, "insufficient_scope"));
}

#[tokio::test]
async fn an_opaque_token_says_the_same_to_whoever_may_ask() {
    let stand = Stand::with(|config| {
        client(config, "service").settings.access_token.encoding = Some(Encoding::Opaque);
    })
    .await;
    let token = text(&ask(&stand, &[]).await.json["access_token"]);
    assert!(!token.contains('.'));
    let seen = stand.post("/introspect", "service", &[("token", &token)]).await.json;
    assert_eq!(seen["active"], true);
    assert_eq!(seen["sub"], "service");
    assert_eq!(seen["scope"], "reports.read reports.write");
    stand.clock.advance(600);
    assert!(!stand.is_active("service", &token).await);
}

#[tokio::test]
async fn scope_can_be_less_than_registered_and_never_more_nor_that_of_a_person() {
    let stand = Stand::start().await;
    let less = ask(&stand, &[("scope", "reports.read")]).await;
    assert_eq!(less.json["scope"], "reports.read");
    assert_eq!(claims(&text(&less.json["access_token"]))["scope"], "reports.read");
    for scope in ["reports.read admin", "openid", "email", "offline_access"] {
        let more = ask(&stand, &[("scope", scope)]).await;
        assert_eq!((more.status, more.error()), (400, "invalid_scope"), "{scope}");
    }
}

#[tokio::test]
async fn the_operator_can_give_a_scope_without_asking_and_keep_another_back() {
    let stand = Stand::with(|config| {
        let settings = &mut client(config, "service").settings;
        settings.default_scope = vec!["status".to_owned(), "reports.write".to_owned()];
        settings.denied_scope = vec!["reports.write".to_owned()];
    })
    .await;
    assert_eq!(ask(&stand, &[]).await.json["scope"], "reports.read status");
    assert_eq!(ask(&stand, &[("scope", "reports.write")]).await.error(), "invalid_scope");
}

#[tokio::test]
async fn only_confidential_clients_of_the_operator_that_are_registered_for_it_may_use_it() {
    let stand = Stand::start().await;
    let public = stand.post_public("/token", &[GRANT, ("client_id", "spa")]).await;
    assert_eq!((public.status, public.error()), (400, "unauthorized_client"));
    assert_eq!(stand.post("/token", "web", &[GRANT]).await.error(), "unauthorized_client");

    let register = async |body: serde_json::Value| {
        let request = stand.http.request(Method::POST, format!("{}/register", stand.issuer)).json(&body);
        Reply::read(request.send().await.unwrap()).await
    };
    let refused = register(json!({ "grant_types": ["client_credentials"], "scope": "openid" })).await;
    assert_eq!((refused.status, refused.error()), (400, "invalid_client_metadata"));
    assert!(text(&refused.json["error_description"]).contains("grant_types"), "{}", refused.text);
    let dynamic = register(json!({ "redirect_uris": ["https://new.example/cb"] })).await.json;
    let form = [GRANT];
    let request = stand
        .http
        .post(format!("{}/token", stand.issuer))
        .basic_auth(text(&dynamic["client_id"]), Some(text(&dynamic["client_secret"])))
        .form(&form);
    assert_eq!(Reply::read(request.send().await.unwrap()).await.error(), "unauthorized_client");
}

#[tokio::test]
async fn the_audience_is_the_resource_that_was_asked_for() {
    let stand = Stand::start().await;
    let issuer = stand.issuer.clone();
    let one = ask(&stand, &[("resource", "https://api.example")]).await;
    assert_eq!(claims(&text(&one.json["access_token"]))["aud"], "https://api.example");
    let two = ask(&stand, &[("resource", "https://api.example"), ("resource", &issuer)]).await;
    assert_eq!(claims(&text(&two.json["access_token"]))["aud"], json!(["https://api.example", issuer]));
    for resource in [
        "https://unknown.example",
        "https://api.example/",
        "https://API.example",
        "api.example",
        "https://api.example#fragment",
    ] {
        let refused = ask(&stand, &[("resource", resource)]).await;
        assert_eq!((refused.status, refused.error()), (400, "invalid_target"), "{resource}");
    }
}

#[tokio::test]
async fn a_client_can_have_an_audience_of_its_own() {
    let stand = Stand::with(|config| {
        client(config, "service").settings.access_token.audience = vec!["https://own.example".to_owned()];
    })
    .await;
    let token = text(&ask(&stand, &[]).await.json["access_token"]);
    assert_eq!(claims(&token)["aud"], "https://own.example");
    let named = text(&ask(&stand, &[("resource", "https://api.example")]).await.json["access_token"]);
    assert_eq!(claims(&named)["aud"], "https://api.example");
}

#[tokio::test]
async fn a_token_lives_no_longer_than_it_is_remembered_that_everything_of_its_client_was_revoked() {
    let stand = Stand::with(|config| {
        administering::admit(config);
        config.lifetimes.access_token = 500 * 86_400;
    })
    .await;
    let granted = ask(&stand, &[]).await;
    let token = text(&granted.json["access_token"]);
    let whose = json!({ "client_id": "service" });
    let revoked = administering::call(&stand, TOKEN, Method::POST, "/revocations", Some(&whose)).await;
    assert_eq!(revoked.status, 204, "{}", revoked.text);
    assert!(!stand.is_active("service", &token).await);
    stand.clock.advance(400 * 86_400);
    housekeeping::purge(&stand.server).await.unwrap();
    assert!(!stand.is_active("service", &token).await, "what is revoked never comes to life again");
    assert_eq!(granted.json["expires_in"], 400 * 86_400);
}
