//! OpenID Connect Core sections 2, 5 and 3.1.3: ID tokens, and who gets which claims.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_server::config::Config;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use super::{
    harness::{Browser, Reply, Stand, claims},
    helpers::{client, refresh, text, verified},
};

fn half(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
}

fn registered(alg: &str) -> impl FnOnce(&mut Config) {
    let alg = alg.to_owned();
    move |config| client(config, "web").metadata.id_token_signed_response_alg = Some(alg)
}

async fn redeemed(stand: &Stand, client: &str, extra: &[(&str, &str)]) -> Reply {
    let params = stand.sign_in(&mut Browser::new(), client, extra).await;
    stand.redeem(client, &params["code"]).await
}

#[tokio::test]
async fn it_is_signed_with_rs256_unless_the_client_registered_another_algorithm() {
    let stand = Stand::start().await;
    let (header, said) = verified(&stand, &text(&stand.tokens("web", "openid").await["id_token"])).await;
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    assert_eq!((&said["iat"], &said["exp"]), (&json!(stand.now()), &json!(stand.now() + 600)));
    for alg in ["ES256", "PS256", "EdDSA"] {
        let stand = Stand::with(registered(alg)).await;
        let (header, _) = verified(&stand, &text(&stand.tokens("web", "openid").await["id_token"])).await;
        assert_eq!(header["alg"], alg);
    }
}

#[tokio::test]
async fn at_hash_binds_the_access_token_with_the_hash_of_the_algorithm() {
    for alg in ["RS256", "ES256", "PS256", "EdDSA"] {
        let stand = Stand::with(registered(alg)).await;
        let tokens = stand.tokens("web", "openid").await;
        let access = text(&tokens["access_token"]);
        let expected = match alg {
            "EdDSA" => half(&Sha512::digest(&access)),
            _ => half(&Sha256::digest(&access)),
        };
        assert_eq!(claims(&text(&tokens["id_token"]))["at_hash"], expected, "{alg}");
    }
}

#[tokio::test]
async fn it_repeats_the_nonce_and_the_facts_of_the_authentication() {
    let stand = Stand::start().await;
    let nonce = "n-0S6_WzA2Mj \u{e4}";
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[("nonce", nonce)]).await;
    let first = claims(&text(&stand.redeem("web", &params["code"]).await.json["id_token"]));
    assert_eq!(first["nonce"], nonce);
    assert_eq!(first["auth_time"], stand.now());
    assert_eq!((&first["acr"], &first["amr"]), (&json!("urn:placet:acr:pwd"), &json!(["pwd"])));
    assert!(first.get("azp").is_none());
    let signed_in = stand.now();
    stand.clock.advance(500);
    let params = browser.authorize(&stand, "web", &[]).await.params();
    let second = claims(&text(&stand.redeem("web", &params["code"]).await.json["id_token"]));
    assert!(second.get("nonce").is_none());
    assert_eq!(second["auth_time"], signed_in, "the session is as old as it is");
    assert_eq!(second["sid"], first["sid"]);
}

#[tokio::test]
async fn a_refreshed_id_token_is_about_the_same_authentication_and_without_nonce() {
    let stand = Stand::start().await;
    let scope = ("scope", "openid offline_access");
    let first = redeemed(&stand, "web", &[scope, ("prompt", "consent"), ("nonce", "n")]).await.json;
    let began = claims(&text(&first["id_token"]));
    stand.clock.advance(1000);
    let again = refresh(&stand, "web", &text(&first["refresh_token"])).await.json;
    let later = claims(&text(&again["id_token"]));
    for same in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(later[same], began[same], "{same}");
    }
    assert_eq!(later["iat"], stand.now());
    assert!(later.get("nonce").is_none());
    assert_eq!(later["at_hash"], half(&Sha256::digest(text(&again["access_token"]))));
}

#[tokio::test]
async fn a_client_that_has_to_do_with_no_logout_is_not_told_of_the_session() {
    for (member, told) in [
        ("client_uri", false),
        ("backchannel_logout_uri", true),
        ("frontchannel_logout_uri", true),
        ("post_logout_redirect_uris", true),
    ] {
        let stand = Stand::with(|config| {
            let web = config.clients.iter_mut().find(|client| client.client_id == "web").unwrap();
            let mut metadata = serde_json::to_value(&web.metadata).unwrap();
            metadata["post_logout_redirect_uris"] = json!([]);
            let uri = "https://client.example/bye";
            metadata[member] = if member.ends_with('s') { json!([uri]) } else { json!(uri) };
            web.metadata = serde_json::from_value(metadata).unwrap();
        })
        .await;
        let tokens = stand.tokens("web", "openid").await;
        assert_eq!(claims(&text(&tokens["id_token"])).get("sid").is_some(), told, "{member}");
    }
}

#[tokio::test]
async fn the_session_id_differs_from_client_to_client() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let mut sids = Vec::new();
    for client in ["web", "other"] {
        let params = stand.sign_in(&mut browser, client, &[]).await;
        let id = claims(&text(&stand.redeem(client, &params["code"]).await.json["id_token"]));
        sids.push(text(&id["sid"]));
    }
    assert_ne!(sids[0], sids[1]);
    assert!(sids.iter().all(|sid| !sid.starts_with("ses_")), "the id of the session stays here: {sids:?}");
}

#[tokio::test]
async fn scopes_give_claims_at_userinfo_and_not_in_the_id_token() {
    let stand = Stand::start().await;
    let tokens = stand.tokens("web", "openid profile email phone").await;
    let id = claims(&text(&tokens["id_token"]));
    assert!(id.get("email").is_none() && id.get("name").is_none());
    let userinfo = stand.userinfo(&text(&tokens["access_token"])).await;
    let expected = json!({
        "sub": "alice", "name": "Alice Adams", "name#de": "Alice Adams (de)", "email": "alice@example.com",
        "email_verified": true, "phone_number": "+1 555 0100",
    });
    assert_eq!(userinfo.json, expected);
    assert_eq!(userinfo.header("content-type"), "application/json");
    assert_eq!(userinfo.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_claims_parameter_says_which_claim_goes_where() {
    let stand = Stand::start().await;
    let asked = json!({
        "id_token": { "email": null, "name#de": { "essential": true } },
        "userinfo": { "phone_number": { "essential": true }, "unknown": null },
    })
    .to_string();
    let tokens = redeemed(&stand, "web", &[("scope", "openid"), ("claims", &asked)]).await.json;
    let id = claims(&text(&tokens["id_token"]));
    assert_eq!((&id["email"], &id["name#de"]), (&json!("alice@example.com"), &json!("Alice Adams (de)")));
    assert!(id.get("name").is_none() && id.get("phone_number").is_none());
    let userinfo = stand.userinfo(&text(&tokens["access_token"])).await;
    assert_eq!(userinfo.json, json!({ "sub": "alice", "phone_number": "+1 555 0100" }));
}

#[tokio::test]
async fn who_asks_for_a_claim_by_its_name_gets_the_languages_that_it_asked_for() {
    let stand = Stand::start().await;
    let asked = |target: &str| json!({ target: { "name": null } }).to_string();
    let told = async |scope: &'static str, languages: &'static str| {
        let claims = asked("userinfo");
        let wanted = [("scope", scope), ("claims", claims.as_str()), ("claims_locales", languages)];
        let tokens = redeemed(&stand, "web", &wanted).await.json;
        stand.userinfo(&text(&tokens["access_token"])).await.json
    };
    let both = json!({ "sub": "alice", "name": "Alice Adams", "name#de": "Alice Adams (de)" });
    let one = json!({ "sub": "alice", "name": "Alice Adams" });
    for (scope, languages, expected) in [
        ("openid", "fr d", &one),
        ("openid", "fr DE", &both),
        ("openid", "de-AT", &one),
        ("openid profile", "fr", &both),
    ] {
        assert_eq!(&told(scope, languages).await, expected, "{scope}, {languages}");
    }
    let claims_of = asked("id_token");
    let tokens = redeemed(&stand, "web", &[("scope", "openid"), ("claims", &claims_of)]).await.json;
    let id = claims(&text(&tokens["id_token"]));
    assert_eq!((&id["name"], id.get("name#de")), (&json!("Alice Adams"), None));
}

#[tokio::test]
async fn nobody_writes_the_servers_own_claims_by_asking_for_them() {
    let stand = Stand::start().await;
    let asked = r#"{"id_token":{"aud":null,"exp":null,"client_id":null},"userinfo":{"iss":null,"act":null}}"#;
    let id = Browser::new().authorize(&stand, "web", &[("scope", "openid"), ("claims", asked)]).await;
    let mut answer = super::harness::auth("alice");
    answer["session"]["claims"] =
        json!({ "aud": "evil", "act": { "sub": "evil" }, "iss": "https://evil.example" });
    let prompt = stand.answer(&id.interaction(), 1, &answer).await.json;
    assert_eq!(prompt["consent"]["claims"], json!([]), "they are not even offered");
}

#[tokio::test]
async fn a_claims_request_for_another_user_is_login_required() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    for (sub, error) in [("alice", None), ("bob", Some("login_required"))] {
        let asked = json!({ "id_token": { "sub": { "value": sub } } }).to_string();
        let params =
            browser.authorize(&stand, "web", &[("claims", &asked), ("prompt", "none")]).await.params();
        assert_eq!(params.get("error").map(String::as_str), error, "{params:?}");
    }
}

#[tokio::test]
async fn without_openid_there_is_no_id_token_and_no_userinfo() {
    let stand = Stand::start().await;
    let tokens = stand.tokens("web", "reports.read").await;
    assert!(tokens.get("id_token").is_none());
    let userinfo = stand.userinfo(&text(&tokens["access_token"])).await;
    assert_eq!((userinfo.status, userinfo.error()), (403, "insufficient_scope"));
    assert!(userinfo.header("www-authenticate").contains("insufficient_scope"));
}

#[tokio::test]
async fn the_lifetime_is_the_clients() {
    let stand = Stand::with(|config| client(config, "web").settings.id_token.lifetime = Some(77)).await;
    let id = claims(&text(&stand.tokens("web", "openid").await["id_token"]));
    assert_eq!(id["exp"], stand.now() + 77);
}

#[tokio::test]
async fn userinfo_takes_the_token_in_header_or_form_once_and_never_in_the_query() {
    let stand = Stand::start().await;
    let token = text(&stand.tokens("web", "openid").await["access_token"]);
    let url = format!("{}/userinfo", stand.issuer);
    let send = async |request: reqwest::RequestBuilder| Reply::read(request.send().await.unwrap()).await;
    let form = [("access_token", token.as_str())];
    let ok = send(stand.http.post(&url).form(&form)).await;
    assert_eq!((ok.status, &ok.json["sub"]), (200, &json!("alice")));
    assert_eq!(send(stand.http.post(&url).bearer_auth(&token)).await.status, 200);
    let twice = send(stand.http.post(&url).bearer_auth(&token).form(&form)).await;
    assert_eq!((twice.status, twice.error()), (400, "invalid_request"));
    let in_query = send(stand.http.get(format!("{url}?access_token={token}"))).await;
    assert!(matches!(in_query.status, 400 | 401), "{in_query:?}");
    let none = send(stand.http.get(&url)).await;
    assert_eq!(none.status, 401);
    let challenge = none.header("www-authenticate");
    assert!(challenge.starts_with("Bearer") && !challenge.contains("error"), "{challenge}");
    let basic: Value = send(stand.http.get(&url).basic_auth("web", Some("x"))).await.json;
    assert!(basic.get("sub").is_none());
}
