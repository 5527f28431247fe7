//! Authorization responses as JWTs (JWT Secured Authorization Response Mode for OAuth 2.0).

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    encrypting::{Reader, Shelf},
    harness::{Browser, CALLBACK, CHALLENGE, HEADLESS, Params, Reply, Stand, UI, claims},
    helpers::{configured, text, verified},
};

/// A client of every response type, with this metadata over the usual one.
async fn stand(extra: Value) -> Stand {
    let mut metadata = json!({
        "redirect_uris": [CALLBACK], "scope": "openid email",
        "grant_types": ["authorization_code", "implicit"],
        "response_types": ["code", "id_token", "id_token token", "code id_token", "code id_token token"],
    });
    metadata.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    Stand::with(|config| config.clients.push(configured("jarm", &metadata))).await
}

/// The claims of the one parameter that a response has.
async fn opened(stand: &Stand, params: &Params) -> Value {
    assert_eq!(params.keys().collect::<Vec<_>>(), ["response"], "nothing travels beside it");
    let (header, claims) = verified(stand, &params["response"]).await;
    assert_eq!(header["alg"], "RS256");
    claims
}

async fn sign_in(stand: &Stand, extra: &[(&str, &str)]) -> (Browser, Reply) {
    let mut browser = Browser::new();
    let id = browser.authorize(stand, "jarm", extra).await.interaction();
    let mut prompt = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await.json;
    while prompt["type"] != "response" {
        let body = match prompt["type"].as_str().unwrap() {
            "auth" => super::harness::auth("alice"),
            _ => super::policy_stage::everything(),
        };
        let step = u32::try_from(prompt["step"].as_u64().unwrap()).unwrap();
        prompt = stand.answer(&id, step, &body).await.json;
    }
    let reply = browser.get(&text(&prompt["response"]["delivery"]["uri"])).await;
    (browser, reply)
}

#[tokio::test]
async fn a_response_is_a_jwt_for_its_client_where_its_parameters_would_be() {
    let stand = stand(json!({})).await;
    for (mode, response_type, mark) in [
        ("jwt", "code", '?'),
        ("query.jwt", "code", '?'),
        ("fragment.jwt", "code", '#'),
        ("jwt", "code id_token", '#'),
        ("fragment.jwt", "code id_token", '#'),
        ("jwt", "id_token", '#'),
    ] {
        let asked = [("response_mode", mode), ("response_type", response_type), ("nonce", "n")];
        let (_, reply) = sign_in(&stand, &asked).await;
        let location = reply.header("location").to_owned();
        assert!(location.starts_with(&format!("{CALLBACK}{mark}response=")), "{mode}: {location}");
        let said = opened(&stand, &reply.params()).await;
        assert_eq!((&said["iss"], &said["aud"]), (&json!(stand.issuer), &json!("jarm")));
        assert_eq!((&said["exp"], &said["state"]), (&json!(stand.now() + 600), &json!("the-state")));
        assert!(said.get("sub").is_none());
        if response_type.contains("code") {
            let tokens = stand.redeem("jarm", &text(&said["code"])).await;
            assert_eq!(tokens.status, 200, "{mode}: {}", tokens.text);
        }
        if response_type.contains("id_token") {
            verified(&stand, &text(&said["id_token"])).await;
        }
    }
}

#[tokio::test]
async fn a_form_carries_it_too() {
    let stand = stand(json!({})).await;
    let (_, reply) = sign_in(&stand, &[("response_mode", "form_post.jwt")]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text.matches("<input").count(), 1, "{}", reply.text);
    let (_, rest) = reply.text.split_once("name=\"response\" value=\"").expect("a field of that name");
    let jwt = rest.split('"').next().unwrap();
    let (_, said) = verified(&stand, jwt).await;
    assert_eq!(stand.redeem("jarm", &text(&said["code"])).await.status, 200);
}

#[tokio::test]
async fn errors_are_jwts_as_well() {
    let stand = stand(json!({})).await;
    let mut browser = Browser::new();
    for (extra, error) in [
        (("prompt", "none"), "login_required"),
        (("scope", "admin"), "invalid_scope"),
        (("max_age", "soon"), "invalid_request"),
    ] {
        let params = browser.authorize(&stand, "jarm", &[("response_mode", "jwt"), extra]).await.params();
        let said = opened(&stand, &params).await;
        assert_eq!((&said["error"], &said["state"]), (&json!(error), &json!("the-state")));
        assert!(
            said["error_description"].is_string() && said["aud"] == "jarm" && said["iss"] == stand.issuer
        );
    }
    let id = browser.authorize(&stand, "jarm", &[("response_mode", "jwt")]).await.interaction();
    let denied = stand.answer(&id, 1, &json!({ "type": "deny" })).await.json;
    let back = text(&denied["response"]["delivery"]["uri"]);
    let said = opened(&stand, &browser.get(&back).await.params()).await;
    assert_eq!(said["error"], "access_denied");
    // The same browser gets the same answer again.
    let again = opened(&stand, &browser.get(&back).await.params()).await;
    assert_eq!(again, said);
}

#[tokio::test]
async fn no_token_goes_into_a_query_not_even_in_a_jwt() {
    let stand = stand(json!({})).await;
    let asked = [("response_mode", "query.jwt"), ("response_type", "code id_token"), ("nonce", "n")];
    let reply = Browser::new().authorize(&stand, "jarm", &asked).await;
    assert!(reply.header("location").starts_with(&format!("{CALLBACK}#response=")), "{reply:?}");
    assert_eq!(opened(&stand, &reply.params()).await["error"], "invalid_request");
    let unknown = Browser::new().authorize(&stand, "jarm", &[("response_mode", "web_message.jwt")]).await;
    assert_eq!(unknown.params()["error"], "invalid_request");
}

#[tokio::test]
async fn it_is_signed_as_the_client_registered_and_never_unsigned() {
    for alg in ["PS256", "ES256", "EdDSA"] {
        let stand = stand(json!({ "authorization_signed_response_alg": alg })).await;
        let asked = [("response_mode", "jwt"), ("prompt", "none")];
        let params = Browser::new().authorize(&stand, "jarm", &asked).await.params();
        let (header, said) = verified(&stand, &params["response"]).await;
        assert_eq!((&header["alg"], &said["error"]), (&json!(alg), &json!("login_required")));
    }
    let stand = Stand::start().await;
    let found = stand.http.get(format!("{}/.well-known/openid-configuration", stand.issuer)).send().await;
    let found = Reply::read(found.unwrap()).await.json;
    let modes = found["response_modes_supported"].as_array().unwrap();
    for mode in ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"] {
        assert!(modes.contains(&json!(mode)), "{mode}");
    }
    let supported = found["authorization_signing_alg_values_supported"].as_array().unwrap();
    assert!(supported.contains(&json!("PS256")) && !supported.contains(&json!("none")));
    for member in ["authorization_signed_response_alg", "authorization_encrypted_response_alg"] {
        for alg in ["none", "HS1"] {
            let body = json!({ "redirect_uris": [CALLBACK], member: alg });
            let made =
                stand.http.post(format!("{}/register", stand.issuer)).json(&body).send().await.unwrap();
            let refused = Reply::read(made).await;
            assert_eq!(
                (refused.status, refused.error()),
                (400, "invalid_client_metadata"),
                "{}",
                refused.text
            );
        }
    }
}

#[tokio::test]
async fn tokens_of_the_front_channel_travel_in_it() {
    let stand = stand(json!({})).await;
    let asked = [("response_mode", "jwt"), ("response_type", "code id_token token"), ("nonce", "n")];
    let (_, reply) = sign_in(&stand, &asked).await;
    let said = opened(&stand, &reply.params()).await;
    assert_eq!(said["expires_in"], "600");
    assert_eq!(stand.userinfo(&text(&said["access_token"])).await.status, 200);
    let id_token = claims(&text(&said["id_token"]));
    for member in ["at_hash", "c_hash", "s_hash"] {
        assert!(id_token[member].is_string(), "{member}");
    }
}

#[tokio::test]
async fn it_is_no_id_token() {
    let stand = stand(json!({})).await;
    let (_, reply) = sign_in(&stand, &[("response_mode", "jwt")]).await;
    let hint = reply.params()["response"].clone();
    let told = Browser::new().authorize(&stand, "jarm", &[("id_token_hint", &hint)]).await.params();
    assert_eq!(told["error"], "invalid_request");
    assert_eq!(stand.userinfo(&hint).await.status, 401);
}

#[tokio::test]
async fn a_pushed_request_and_the_headless_front_door_know_it() {
    let stand = stand(json!({})).await;
    let form = [
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("response_mode", "jwt"),
        ("prompt", "none"),
        ("state", "the-state"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let pushed = stand.post("/par", "jarm", &form).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text);
    let uri = text(&pushed.json["request_uri"]);
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", "jarm"), ("request_uri", uri.as_str())])
        .finish();
    let body = json!({
        "kind": "authorization", "request": { "method": "GET", "query": query },
        "browser": { "binding": "the-binding-of-this-browser-012345" },
    });
    let done = stand.call(HEADLESS, Method::POST, "/interactions", Some(&body)).await.json;
    let location = text(&done["response"]["delivery"]["uri"]);
    let said = opened(&stand, &super::harness::query(&location)).await;
    assert_eq!((&said["error"], &said["state"]), (&json!("login_required"), &json!("the-state")));
}

#[tokio::test]
async fn it_is_encrypted_to_the_client_that_registered_so_errors_too() {
    let reader = Reader::p256("k");
    let stand = stand(json!({
        "jwks": reader.jwks(), "authorization_signed_response_alg": "ES256",
        "authorization_encrypted_response_alg": "ECDH-ES+A128KW",
        "authorization_encrypted_response_enc": "A256GCM",
    }))
    .await;
    let silent = [("response_mode", "jwt"), ("prompt", "none")];
    let told = Browser::new().authorize(&stand, "jarm", &silent).await.params();
    let (_, granted) = sign_in(&stand, &[("response_mode", "jwt")]).await;
    for (params, member) in [(told, "error"), (granted.params(), "code")] {
        let (header, inside) = reader.open(&params["response"]);
        assert_eq!((&header["cty"], &header["enc"]), (&json!("JWT"), &json!("A256GCM")));
        let (inner, said) = verified(&stand, &inside).await;
        assert_eq!((&inner["alg"], &said["aud"]), (&json!("ES256"), &json!("jarm")));
        assert!(said[member].is_string(), "{said}");
    }
}

#[tokio::test]
async fn without_a_key_of_the_client_nothing_of_it_reaches_the_browser() {
    let shelf = Shelf::empty().await;
    let stand = stand(json!({
        "jwks_uri": shelf.uri, "authorization_encrypted_response_alg": "ECDH-ES",
    }))
    .await;
    let (_, page) = sign_in(&stand, &[("response_mode", "jwt")]).await;
    assert!(page.status >= 400 && page.header("location").is_empty(), "{}", page.text);
    let silent = [("response_mode", "jwt"), ("prompt", "none")];
    let page = Browser::new().authorize(&stand, "jarm", &silent).await;
    assert!(page.status >= 400 && page.header("location").is_empty(), "{}", page.text);
    let reader = Reader::p256("k");
    shelf.put(reader.jwks());
    let (_, reply) = sign_in(&stand, &[("response_mode", "jwt")]).await;
    reader.open(&reply.params()["response"]);
}
