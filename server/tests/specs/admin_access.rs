//! Who may call the admin API: bearers, tokens of clients, host names, and how often one may guess.

use placet_server::config::{AdminConfig, AdminRole, Config};
use reqwest::{Method, StatusCode, header};
use serde_json::json;

use super::{
    administering::{TOKEN, call, stand_with, url},
    harness::{Reply, Stand},
    helpers::{client, text},
};

/// A server whose client `service` is an admin with the role `read`, and gets tokens for what `audience` makes of the
/// issuer.
async fn stand_of_client(audience: impl FnOnce(&Config) -> String, encoding: &str) -> Stand {
    stand_with(|config| {
        let audience = audience(config);
        let settings = &mut client(config, "service").settings.access_token;
        settings.audience = vec![audience];
        settings.encoding = serde_json::from_value(json!(encoding)).unwrap();
        config.admin.push(AdminConfig {
            name: "service".to_owned(),
            client_ids: vec!["service".to_owned()],
            roles: vec![AdminRole::Read],
            ..AdminConfig::default()
        });
    })
    .await
}

async fn own_token(stand: &Stand, client: &str) -> String {
    let reply = stand.post("/token", client, &[("grant_type", "client_credentials")]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    text(&reply.json["access_token"])
}

#[tokio::test]
async fn a_client_that_is_named_may_use_a_token_of_its_own_for_this_audience() {
    for encoding in ["jwt", "opaque"] {
        let stand = stand_of_client(|config| format!("{}/admin", config.issuer), encoding).await;
        let token = own_token(&stand, "service").await;
        assert_eq!(call(&stand, &token, Method::GET, "/keys", None).await.status, 200, "{encoding}");
        let beyond = call(&stand, &token, Method::POST, "/keys:rotate", None).await;
        assert_eq!((beyond.status, beyond.error()), (403, "role_missing"));
        stand.post("/revoke", "service", &[("token", &token)]).await;
        assert_eq!(call(&stand, &token, Method::GET, "/keys", None).await.status, 401, "{encoding}: revoked");
        let late = own_token(&stand, "service").await;
        stand.clock.advance(601);
        assert_eq!(call(&stand, &late, Method::GET, "/keys", None).await.status, 401, "{encoding}: expired");
    }
}

#[tokio::test]
async fn a_token_for_another_audience_or_of_another_client_or_for_a_single_use_opens_nothing() {
    for audience in ["{issuer}", "{issuer}/ui", "{issuer}/admin/", "https://api.example"] {
        let stand = stand_of_client(|config| audience.replace("{issuer}", &config.issuer), "jwt").await;
        let token = own_token(&stand, "service").await;
        assert_eq!(call(&stand, &token, Method::GET, "/keys", None).await.status, 401, "{audience}");
    }
    let stand = stand_with(|config| {
        let audience = format!("{}/admin", config.issuer);
        for id in ["service", "api"] {
            client(config, id).settings.access_token.audience = vec![audience.clone()];
        }
        let once = &mut client(config, "service").settings.access_token;
        (once.encoding, once.single_use) = (serde_json::from_value(json!("opaque")).unwrap(), true);
        config.admin.push(AdminConfig {
            name: "service".to_owned(),
            client_ids: vec!["service".to_owned()],
            roles: vec![AdminRole::Read],
            ..AdminConfig::default()
        });
    })
    .await;
    for id in ["service", "api"] {
        let token = own_token(&stand, id).await;
        assert_eq!(call(&stand, &token, Method::GET, "/keys", None).await.status, 401, "{id}");
    }
}

#[tokio::test]
async fn a_token_that_stands_for_a_user_opens_nothing_though_audience_and_client_are_right() {
    let stand = stand_with(|config| {
        let audience = format!("{}/admin", config.issuer);
        client(config, "web").settings.access_token.audience = vec![audience];
        config.admin.push(AdminConfig {
            name: "web".to_owned(),
            client_ids: vec!["web".to_owned()],
            roles: vec![AdminRole::Read],
            ..AdminConfig::default()
        });
    })
    .await;
    let token = text(&stand.tokens("web", "openid").await["access_token"]);
    assert_eq!(super::harness::claims(&token)["aud"], json!(format!("{}/admin", stand.issuer)));
    assert_eq!(call(&stand, &token, Method::GET, "/keys", None).await.status, 401);
}

#[tokio::test]
async fn who_guesses_waits_and_so_does_everybody_at_that_address_but_no_right_bearer_is_counted() {
    let stand = stand_with(|config| {
        config.limits.enabled = true;
        config.limits.failures = 3;
    })
    .await;
    for _ in 0..8 {
        assert_eq!(call(&stand, TOKEN, Method::GET, "/keys", None).await.status, 200);
    }
    let mut last = call(&stand, "admin-token-guessed-0123456789", Method::GET, "/keys", None).await;
    for _ in 0..8 {
        if last.status == 429 {
            break;
        }
        assert_eq!(last.status, 401);
        last = call(&stand, "admin-token-guessed-0123456789", Method::GET, "/keys", None).await;
    }
    assert_eq!((last.status, last.error()), (429, "too_many_requests"));
    assert!(last.header("retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(
        call(&stand, TOKEN, Method::GET, "/keys", None).await.status,
        429,
        "a right guess tells nothing"
    );
}

async fn named(stand: &Stand, host: &str) -> StatusCode {
    let request = stand.http.get(url(stand, "/keys")).bearer_auth(TOKEN).header(header::HOST, host);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn the_names_of_the_private_listener_are_known_and_no_others() {
    let stand = stand_with(|_| {}).await;
    let port = stand.server.config().private_listen.port();
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"] {
        assert_eq!(named(&stand, &format!("{host}:{port}")).await, 200, "{host}");
    }
    for host in [
        "localhost".to_owned(),
        format!("localhost.:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("evil.example:{port}"),
        format!("127.0.0.1:{}", port.wrapping_add(1)),
        format!("user@localhost:{port}"),
    ] {
        assert_eq!(named(&stand, &host).await, 421, "{host}");
    }
}

#[tokio::test]
async fn names_of_the_configuration_stand_instead_of_those_of_the_listener() {
    let stand = stand_with(|config| config.admin_hosts = vec!["admin.example:8443".to_owned()]).await;
    assert_eq!(named(&stand, "Admin.Example:8443").await, 200);
    for host in
        ["admin.example".to_owned(), format!("localhost:{}", stand.server.config().private_listen.port())]
    {
        assert_eq!(named(&stand, &host).await, 421, "{host}");
    }
}

#[tokio::test]
async fn a_bearer_in_another_place_or_twice_is_none() {
    let stand = stand_with(|_| {}).await;
    let keys = || url(&stand, "/keys");
    let twice = stand.http.get(keys()).bearer_auth(TOKEN).bearer_auth(TOKEN);
    let basic = stand.http.get(keys()).basic_auth("root", Some(TOKEN));
    let query = stand.http.get(format!("{}?access_token={TOKEN}", keys()));
    let both = stand.http.get(format!("{}?access_token={TOKEN}", keys())).bearer_auth(TOKEN);
    for request in [twice, basic, query, both] {
        let reply = Reply::read(request.send().await.unwrap()).await;
        assert_eq!((reply.status, reply.error()), (401, "unauthorized"));
        assert!(!reply.text.contains(TOKEN));
    }
}
