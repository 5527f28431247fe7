//! RFC 9068: access tokens that are JWTs; and that a JWT made for one purpose is refused for every other.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{
    harness::{Browser, Stand, claims},
    helpers::{client, header, refresh, text, verified},
};

const SCOPE: &str = "openid email offline_access";

#[tokio::test]
async fn it_says_what_the_profile_demands_and_a_published_key_verifies_it() {
    let stand = Stand::start().await;
    let tokens = stand.tokens("web", SCOPE).await;
    let (header, said) = verified(&stand, &text(&tokens["access_token"])).await;
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("EdDSA")));
    assert_eq!(said["iss"], stand.issuer);
    assert_eq!(said["aud"], stand.issuer);
    assert_eq!(said["sub"], "alice");
    assert_eq!(said["client_id"], "web");
    assert_eq!(said["scope"], SCOPE);
    assert_eq!((&said["iat"], &said["exp"]), (&json!(stand.now()), &json!(stand.now() + 600)));
    assert_eq!(said["auth_time"], stand.now());
    assert_eq!((&said["acr"], &said["amr"]), (&json!("urn:placet:acr:pwd"), &json!(["pwd"])));
    for private in ["email", "name", "nonce", "at_hash"] {
        assert!(said.get(private).is_none(), "{private}");
    }
    let again = refresh(&stand, "web", &text(&tokens["refresh_token"])).await.json;
    assert_ne!(claims(&text(&again["access_token"]))["jti"], said["jti"]);
}

#[tokio::test]
async fn a_client_can_have_another_algorithm() {
    for alg in ["EdDSA", "ES256", "PS256", "RS256"] {
        let stand = Stand::with(|config| {
            client(config, "web").settings.access_token.signing_alg = Some(alg.to_owned());
        })
        .await;
        let token = text(&stand.tokens("web", "openid").await["access_token"]);
        let (header, _) = verified(&stand, &token).await;
        assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!(alg)));
        assert!(stand.is_active("web", &token).await);
    }
}

#[tokio::test]
async fn whatever_is_altered_the_token_counts_no_more() {
    let stand = Stand::start().await;
    let token = text(&stand.tokens("web", "openid").await["access_token"]);
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let parts: Vec<&str> = token.split('.').collect();
    let mut richer = claims(&token);
    richer["scope"] = json!("openid admin");
    let with_header = |name: &str, value: serde_json::Value| {
        let mut head = header(&token);
        head[name] = value;
        format!("{}.{}.{}", encode(&head), parts[1], parts[2])
    };
    let forged = [
        format!("{}.{}.{}", parts[0], encode(&richer), parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.", encode(&json!({ "alg": "none", "typ": "at+jwt" })), parts[1]),
        format!("{token}x"),
        format!("{token}."),
        format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
        with_header("alg", json!("none")),
        with_header("alg", json!("HS256")),
        with_header("typ", json!("JWT")),
        with_header("kid", json!("other")),
        with_header("crit", json!(["exp"])),
        with_header("jwk", json!({})),
    ];
    for forged in forged {
        assert!(!stand.is_active("web", &forged).await, "{forged}");
        assert_ne!(stand.userinfo(&forged).await.status, 200, "{forged}");
    }
    assert!(stand.is_active("web", &token).await);
}

/// Where a token can be put, and whether it is taken there.
async fn taken(stand: &Stand, slot: &str, token: &str) -> bool {
    match slot {
        "userinfo" => stand.userinfo(token).await.status == 200,
        "introspect" => stand.is_active("web", token).await,
        "refresh_token" => refresh(stand, "web", token).await.status == 200,
        "code" => stand.redeem("web", token).await.status == 200,
        "id_token_hint" => {
            let extra = [("id_token_hint", token), ("prompt", "none")];
            let params = Browser::new().authorize(stand, "web", &extra).await.params();
            // A hint that counts gets as far as the question who is signed in.
            params["error"] == "login_required"
        }
        "logout hint" => {
            let url = format!("{}/logout?id_token_hint={token}", stand.issuer);
            stand.http.get(url).send().await.unwrap().status() == 200
        }
        "interaction api" => {
            let reply = stand.call(token, reqwest::Method::GET, "/sessions?sub=alice", None).await;
            reply.status == 200
        }
        "registration" => {
            let request = stand.http.get(format!("{}/register/web", stand.issuer)).bearer_auth(token);
            request.send().await.unwrap().status() == 200
        }
        other => panic!("unknown slot {other}"),
    }
}

#[tokio::test]
async fn what_was_made_for_one_purpose_is_refused_for_every_other() {
    // All JWTs with the same key, so that nothing but their purpose tells them apart.
    let stand = Stand::with(|config| {
        let web = client(config, "web");
        web.metadata.id_token_signed_response_alg = Some("EdDSA".to_owned());
    })
    .await;
    let tokens = stand.tokens("web", SCOPE).await;
    let unused = stand.sign_in(&mut Browser::new(), "web", &[]).await;
    let service = stand.post("/token", "service", &[("grant_type", "client_credentials")]).await.json;
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let of_the_user = ["userinfo", "introspect"];
    let hints = ["id_token_hint", "logout hint"];
    for (what, token, fits) in [
        ("id_token", text(&tokens["id_token"]), &hints[..]),
        ("access token", text(&tokens["access_token"]), &of_the_user[..]),
        ("service token", text(&service["access_token"]), &[]),
        ("interaction", id, &[]),
        ("refresh_token", text(&tokens["refresh_token"]), &["introspect", "refresh_token"]),
        ("code", unused["code"].clone(), &["code"]),
    ] {
        for slot in [
            "userinfo",
            "introspect",
            "id_token_hint",
            "logout hint",
            "interaction api",
            "registration",
            "code",
            "refresh_token",
        ] {
            assert_eq!(taken(&stand, slot, &token).await, fits.contains(&slot), "{what} as {slot}");
        }
    }
}

#[tokio::test]
async fn a_token_for_another_resource_does_not_open_userinfo() {
    let stand = Stand::start().await;
    let extra = [("resource", "https://api.example")];
    let params = stand.sign_in(&mut Browser::new(), "web", &extra).await;
    let token = text(&stand.redeem("web", &params["code"]).await.json["access_token"]);
    let reply = stand.userinfo(&token).await;
    assert_eq!((reply.status, reply.error()), (401, "invalid_token"));
    assert!(reply.header("www-authenticate").contains("invalid_token"));
}

#[tokio::test]
async fn the_token_of_another_server_with_the_same_keys_is_foreign() {
    let (here, there) = (Stand::start().await, Stand::start().await);
    let token = text(&there.tokens("web", "openid").await["access_token"]);
    assert!(there.is_active("web", &token).await);
    assert!(!here.is_active("web", &token).await);
    assert_eq!(here.userinfo(&token).await.status, 401);
}
