//! Tokens of devices that are bound to a key (RFC 9449) or to a certificate (RFC 8705 section 3): whoever sees them, or
//! the code, has nothing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::sha::sha256;
use placet_server::config::Config;
use reqwest::RequestBuilder;
use serde_json::json;

use super::{
    certificates::{Identity, Wanted},
    device_flow::{DEVICE, approved, devices, form},
    harness::{Reply, Stand, claims},
    helpers::{client, text},
    prover::{self, Prover},
};

/// The header in which the proxy of these tests passes certificates on (RFC 9440).
const HEADER: &str = "client-cert";

/// The television proves a key, the box and the house show certificates.
async fn stand() -> Stand {
    Stand::with(|config: &mut Config| {
        devices(config);
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.mtls.proxy.header = Some(HEADER.to_owned());
        client(config, "tv").metadata.dpop_bound_access_tokens = Some(true);
        client(config, "box").metadata.tls_client_certificate_bound_access_tokens = Some(true);
    })
    .await
}

fn showing(request: RequestBuilder, certificate: Option<&Identity>) -> RequestBuilder {
    match certificate {
        Some(identity) => request.header(HEADER, format!(":{}:", identity.base64())),
        None => request,
    }
}

async fn sent(request: RequestBuilder) -> Reply {
    Reply::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_device_that_proves_a_key_gets_tokens_that_are_good_with_it_alone() {
    let stand = stand().await;
    let (own, thief) = (Prover::new(), Prover::new());
    let device_code = approved(&stand, "tv", "openid offline_access").await;
    let token = async |params: &[(&str, &str)], key: Option<&Prover>| {
        let request = form(&stand, "/token", "tv", params);
        sent(key.iter().fold(request, |request, key| request.header("DPoP", key.proof(&stand)))).await
    };
    let fetch = [("grant_type", DEVICE), ("device_code", &*device_code)];
    assert_eq!(token(&fetch, None).await.error(), "invalid_dpop_proof");
    let tokens = token(&fetch, Some(&own)).await;
    assert_eq!((tokens.status, &tokens.json["token_type"]), (200, &json!("DPoP")), "{}", tokens.text);
    let access = text(&tokens.json["access_token"]);
    assert_eq!(claims(&access)["cnf"], json!({ "jkt": own.jkt() }));
    assert_eq!(prover::userinfo(&stand, &access, &own).await.json["sub"], "alice");
    assert_eq!(prover::userinfo(&stand, &access, &thief).await.status, 401);
    assert_eq!(stand.userinfo(&access).await.status, 401, "nor without any");

    let refresh = text(&tokens.json["refresh_token"]);
    let form = prover::refresh_form(&refresh);
    assert_eq!(token(&form, Some(&thief)).await.error(), "invalid_grant");
    assert_eq!(token(&form, None).await.status, 400);
    let renewed = token(&form, Some(&own)).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    assert_eq!(claims(&text(&renewed.json["access_token"]))["cnf"]["jkt"], own.jkt());
}

#[tokio::test]
async fn a_device_that_shows_a_certificate_gets_tokens_that_are_good_with_it_alone() {
    let stand = stand().await;
    let identity = || Wanted::client("device").self_signed();
    let (own, other) = (identity(), identity());
    let device_code = approved(&stand, "box", "openid offline_access").await;
    let token = async |params: &[(&str, &str)], shown: Option<&Identity>| {
        sent(showing(form(&stand, "/token", "box", params), shown)).await
    };
    let fetch = [("grant_type", DEVICE), ("device_code", &*device_code)];
    assert_eq!(token(&fetch, None).await.error(), "invalid_request");
    let tokens = token(&fetch, Some(&own)).await;
    assert_eq!((tokens.status, &tokens.json["token_type"]), (200, &json!("Bearer")), "{}", tokens.text);
    let access = text(&tokens.json["access_token"]);
    let thumbprint = URL_SAFE_NO_PAD.encode(sha256(&own.certificate.to_der().unwrap()));
    assert_eq!(claims(&access)["cnf"], json!({ "x5t#S256": thumbprint }));
    let userinfo = async |shown: Option<&Identity>| {
        let request = stand.http.get(format!("{}/userinfo", stand.issuer)).bearer_auth(&access);
        sent(showing(request, shown)).await
    };
    assert_eq!(userinfo(Some(&own)).await.json["sub"], "alice");
    for wrong in [None, Some(&other)] {
        assert_eq!(userinfo(wrong).await.status, 401);
    }
    let refresh = text(&tokens.json["refresh_token"]);
    assert_eq!(token(&prover::refresh_form(&refresh), None).await.error(), "invalid_request");
    let renewed = token(&prover::refresh_form(&refresh), Some(&own)).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    assert_eq!(claims(&text(&renewed.json["access_token"]))["cnf"]["x5t#S256"], thumbprint);
}
