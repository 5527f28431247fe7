//! DPoP (RFC 9449): tokens that are good only together with a proof of their key.

use placet_sdk::grant::SenderConstraint;
use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, CHALLENGE, Reply, SECRET, Stand, claims},
    helpers::{client, text},
    prover::{self, Prover, code_form, refresh_form, token, userinfo},
};

const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// A code for alice; `extra` parameters of the authorization request.
pub async fn code(stand: &Stand, client: &str, extra: &[(&str, &str)]) -> String {
    let mut asked = vec![("scope", "openid email offline_access"), ("prompt", "consent")];
    asked.extend(extra);
    stand.sign_in(&mut Browser::new(), client, &asked).await["code"].clone()
}

/// The tokens for a code, with a proof of this key or without.
async fn redeem(stand: &Stand, client: &str, key: Option<&Prover>) -> Value {
    let code = code(stand, client, &[]).await;
    issued(token(stand, client, &code_form(&code), key).await)
}

#[track_caller]
fn issued(reply: Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

#[track_caller]
fn refused(reply: &Reply, error: &str) {
    assert_eq!((reply.status, reply.error()), (400, error), "{}", reply.text);
}

async fn look(stand: &Stand, client: &str, token: &Value) -> Value {
    let token = text(token);
    let reply = stand.post("/introspect", client, &[("token", &token)]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

#[tokio::test]
async fn a_token_is_bound_to_the_key_that_was_proved_for_it() {
    let stand = Stand::start().await;
    for key in [Prover::new(), Prover::ed25519(), Prover::rsa(2048)] {
        for client in ["web", "opaque", "spa"] {
            let tokens = redeem(&stand, client, Some(&key)).await;
            assert_eq!(tokens["token_type"], "DPoP", "{client}");
            let cnf = json!({ "jkt": key.jkt() });
            let access = text(&tokens["access_token"]);
            if client != "opaque" {
                assert_eq!(claims(&access)["cnf"], cnf);
            }
            if client != "spa" {
                let seen = look(&stand, client, &tokens["access_token"]).await;
                assert_eq!((&seen["token_type"], &seen["cnf"]), (&json!("DPoP"), &cnf), "{seen}");
            }
            assert!(
                claims(&text(&tokens["id_token"])).get("cnf").is_none(),
                "an ID token is no access token"
            );
            let told = userinfo(&stand, &access, &key).await;
            assert_eq!((told.status, &told.json["sub"]), (200, &json!("alice")), "{}", told.text);
        }
        let own = issued(token(&stand, "service", &OWN, Some(&key)).await);
        assert_eq!(own["token_type"], "DPoP");
        assert_eq!(claims(&text(&own["access_token"]))["cnf"], json!({ "jkt": key.jkt() }));
    }
}

#[tokio::test]
async fn without_a_proof_there_is_a_bearer_token() {
    let stand = Stand::start().await;
    let tokens = redeem(&stand, "web", None).await;
    assert_eq!(tokens["token_type"], "Bearer");
    let seen = look(&stand, "web", &tokens["access_token"]).await;
    assert_eq!(seen["token_type"], "Bearer");
    assert!(seen.get("cnf").is_none());
}

#[tokio::test]
async fn a_client_that_wants_bound_tokens_gets_no_others() {
    let stand = Stand::with(|config| {
        for id in ["web", "service", "spa"] {
            client(config, id).metadata.dpop_bound_access_tokens = Some(true);
        }
        client(config, "other").settings.access_token.sender_constraint = Some(SenderConstraint::Required);
    })
    .await;
    let key = Prover::new();
    refused(&token(&stand, "service", &OWN, None).await, "invalid_dpop_proof");
    assert_eq!(issued(token(&stand, "service", &OWN, Some(&key)).await)["token_type"], "DPoP");
    for (client, error) in
        [("web", "invalid_dpop_proof"), ("spa", "invalid_dpop_proof"), ("other", "invalid_request")]
    {
        let code = code(&stand, client, &[]).await;
        refused(&token(&stand, client, &code_form(&code), None).await, error);
        // The refusal burnt nothing.
        let tokens = issued(token(&stand, client, &code_form(&code), Some(&key)).await);
        assert_eq!(tokens["token_type"], "DPoP");
        let refresh = text(&tokens["refresh_token"]);
        let lacking = token(&stand, client, &refresh_form(&refresh), None).await;
        assert_eq!(lacking.status, 400, "{}", lacking.text);
        issued(token(&stand, client, &refresh_form(&refresh), Some(&key)).await);
    }
}

#[tokio::test]
async fn a_code_is_only_good_with_the_key_that_was_announced() {
    let stand = Stand::start().await;
    let (key, other) = (Prover::new(), Prover::new());
    let jkt = key.jkt();
    for client in ["web", "spa"] {
        let code = code(&stand, client, &[("dpop_jkt", &jkt)]).await;
        for wrong in [None, Some(&other)] {
            refused(&token(&stand, client, &code_form(&code), wrong).await, "invalid_grant");
        }
        // A mismatch changes nothing: the code is still good.
        assert_eq!(issued(token(&stand, client, &code_form(&code), Some(&key)).await)["token_type"], "DPoP");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused_at_the_authorization_endpoint() {
    let stand = Stand::start().await;
    for jkt in ["x", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I="] {
        let reply = Browser::new().authorize(&stand, "web", &[("dpop_jkt", jkt)]).await;
        let params = reply.params();
        assert_eq!(params["error"], "invalid_request");
        assert!(params["error_description"].contains("dpop_jkt"), "{params:?}");
    }
}

/// The code for a request that is pushed with these parameters, and a proof of this key or without.
async fn push(stand: &Stand, extra: &[(&str, &str)], key: Option<&Prover>) -> Reply {
    let mut form = vec![
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    form.extend(extra);
    let mut request = stand.http.post(format!("{}/par", stand.issuer)).basic_auth("web", Some(SECRET));
    if let Some(key) = key {
        request = request.header("DPoP", key.proof_of(&prover::claims(stand, "POST", "/par")));
    }
    Reply::read(request.form(&form).send().await.unwrap()).await
}

#[tokio::test]
async fn a_proof_with_a_pushed_request_announces_its_key() {
    let stand = Stand::start().await;
    let (key, other) = (Prover::new(), Prover::new());
    let jkt = key.jkt();
    let pushed = [
        push(&stand, &[], Some(&key)).await,
        push(&stand, &[("dpop_jkt", &jkt)], Some(&key)).await,
        push(&stand, &[("dpop_jkt", &jkt)], None).await,
    ];
    for pushed in pushed {
        assert_eq!(pushed.status, 201, "{}", pushed.text);
        let uri = text(&pushed.json["request_uri"]);
        let mut browser = Browser::new();
        let query = format!("client_id=web&request_uri={uri}");
        let asked = browser.get(&format!("{}/authorize?{query}", stand.issuer)).await;
        let code = stand.finish(&mut browser, &asked.interaction(), "alice").await["code"].clone();
        for wrong in [None, Some(&other)] {
            refused(&token(&stand, "web", &code_form(&code), wrong).await, "invalid_grant");
        }
        assert_eq!(issued(token(&stand, "web", &code_form(&code), Some(&key)).await)["token_type"], "DPoP");
    }
    refused(&push(&stand, &[("dpop_jkt", &jkt)], Some(&other)).await, "invalid_dpop_proof");
    refused(&push(&stand, &[("dpop_jkt", "x")], None).await, "invalid_request");
    // A proof for another endpoint is none here.
    let request = stand.http.post(format!("{}/par", stand.issuer)).basic_auth("web", Some(SECRET));
    let request = request.header("DPoP", key.proof(&stand)).form(&[("response_type", "code")]);
    refused(&Reply::read(request.send().await.unwrap()).await, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_pushed_request_may_have_to_hold_a_nonce() {
    let stand = Stand::with(|config| config.dpop.require_nonce = true).await;
    let key = Prover::new();
    let asked = push(&stand, &[], Some(&key)).await;
    refused(&asked, "use_dpop_nonce");
    let mut claims = prover::claims(&stand, "POST", "/par");
    claims["nonce"] = asked.header("dpop-nonce").into();
    let request = stand.http.post(format!("{}/par", stand.issuer)).basic_auth("web", Some(SECRET));
    let form = [
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let request = request.header("DPoP", key.proof_of(&claims)).form(&form);
    let given = Reply::read(request.send().await.unwrap()).await;
    assert_eq!(given.status, 201, "{}", given.text);
    assert!(!given.header("dpop-nonce").is_empty());
}

#[tokio::test]
async fn the_login_app_sees_the_announced_key() {
    let stand = Stand::start().await;
    let jkt = Prover::new().jkt();
    let asked = Browser::new().authorize(&stand, "web", &[("dpop_jkt", &jkt)]).await;
    let path = format!("/interactions/{}", asked.interaction());
    let prompt = stand.call(super::harness::UI, reqwest::Method::GET, &path, None).await;
    assert_eq!(prompt.json["request"]["dpop_jkt"], jkt);
}

#[tokio::test]
async fn the_refresh_tokens_of_a_public_client_are_bound_to_its_key_for_ever() {
    let stand = Stand::start().await;
    let (key, other) = (Prover::new(), Prover::new());
    let mut refresh = text(&redeem(&stand, "spa", Some(&key)).await["refresh_token"]);
    for round in 0..3 {
        for wrong in [None, Some(&other)] {
            refused(&token(&stand, "spa", &refresh_form(&refresh), wrong).await, "invalid_grant");
        }
        let next = issued(token(&stand, "spa", &refresh_form(&refresh), Some(&key)).await);
        assert_eq!(next["token_type"], "DPoP", "round {round}");
        assert_eq!(claims(&text(&next["access_token"]))["cnf"]["jkt"], key.jkt());
        refresh = text(&next["refresh_token"]);
    }
}

/// Who only has the refresh token must not be able to end what it belongs to by using it twice.
#[tokio::test]
async fn a_replay_without_the_key_is_none() {
    let stand = Stand::start().await;
    let key = Prover::new();
    let first = text(&redeem(&stand, "spa", Some(&key)).await["refresh_token"]);
    let second =
        text(&issued(token(&stand, "spa", &refresh_form(&first), Some(&key)).await)["refresh_token"]);
    let third =
        text(&issued(token(&stand, "spa", &refresh_form(&second), Some(&key)).await)["refresh_token"]);
    refused(&token(&stand, "spa", &refresh_form(&first), None).await, "invalid_grant");
    refused(&token(&stand, "spa", &refresh_form(&first), Some(&Prover::new())).await, "invalid_grant");
    issued(token(&stand, "spa", &refresh_form(&third), Some(&key)).await);
    // With the key it is one.
    refused(&token(&stand, "spa", &refresh_form(&first), Some(&key)).await, "invalid_grant");
    refused(&token(&stand, "spa", &refresh_form(&third), Some(&key)).await, "invalid_grant");
}

#[tokio::test]
async fn a_client_that_authenticates_may_take_another_key_but_not_none() {
    let stand = Stand::start().await;
    let (key, next) = (Prover::new(), Prover::new());
    let refresh = text(&redeem(&stand, "web", Some(&key)).await["refresh_token"]);
    refused(&token(&stand, "web", &refresh_form(&refresh), None).await, "invalid_request");
    let tokens = issued(token(&stand, "web", &refresh_form(&refresh), Some(&next)).await);
    assert_eq!(claims(&text(&tokens["access_token"]))["cnf"]["jkt"], next.jkt());
    // A family that began without a key goes on so, and takes one when it is shown.
    let refresh = text(&redeem(&stand, "web", None).await["refresh_token"]);
    let tokens = issued(token(&stand, "web", &refresh_form(&refresh), None).await);
    assert_eq!(tokens["token_type"], "Bearer");
    let refresh = text(&tokens["refresh_token"]);
    let tokens = issued(token(&stand, "web", &refresh_form(&refresh), Some(&key)).await);
    assert_eq!(tokens["token_type"], "DPoP");
}

#[tokio::test]
async fn a_refresh_token_of_a_client_that_authenticates_is_bound_to_no_key() {
    let stand = Stand::start().await;
    let key = Prover::new();
    let tokens = redeem(&stand, "web", Some(&key)).await;
    let seen = look(&stand, "web", &tokens["refresh_token"]).await;
    assert_eq!(seen["active"], true);
    // It is bound to its client, which may take another key.
    assert!(seen.get("cnf").is_none() && seen.get("token_type").is_none(), "{seen}");
}

#[tokio::test]
async fn a_refresh_token_that_is_bound_need_not_rotate() {
    let stand = Stand::with(|config| {
        client(config, "spa").settings.refresh_token.rotation = Some(placet_sdk::grant::Rotation::Auto);
    })
    .await;
    let key = Prover::new();
    let refresh = text(&redeem(&stand, "spa", Some(&key)).await["refresh_token"]);
    let next = issued(token(&stand, "spa", &refresh_form(&refresh), Some(&key)).await);
    assert_eq!(next["refresh_token"], refresh.as_str());
    let refresh = text(&redeem(&stand, "spa", None).await["refresh_token"]);
    let next = issued(token(&stand, "spa", &refresh_form(&refresh), None).await);
    assert_ne!(next["refresh_token"], refresh.as_str(), "whoever has it could use it");
}

#[tokio::test]
async fn what_is_supported_is_published() {
    let stand = Stand::start().await;
    let uri = format!("{}/.well-known/oauth-authorization-server", stand.issuer);
    let document = Reply::read(stand.http.get(uri).send().await.unwrap()).await.json;
    let algorithms = document["dpop_signing_alg_values_supported"].as_array().unwrap();
    assert!(algorithms.contains(&json!("ES256")) && algorithms.contains(&json!("EdDSA")));
    assert!(!algorithms.iter().any(|alg| alg == "none" || alg.as_str().unwrap().starts_with("HS")));
}
