//! OpenID Connect Back-Channel Logout 1.0.

use placet_jose::{Algorithm, Encryption};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering,
    encrypting::Reader,
    harness::{Browser, HEADLESS, SECRET, Stand, claims},
    helpers::{client, header, text, verified},
    leaving::{BYE, ask, deliver, log_out, stand_telling, tell, tokens},
    receiver::Receiver,
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Alice signs in to `web` and `other` with one browser; gives both ID tokens.
async fn both(stand: &Stand, browser: &mut Browser) -> [Value; 2] {
    let web = tokens(stand, browser, "web").await;
    let other = tokens(stand, browser, "other").await;
    [web, other].map(|tokens| claims(&text(&tokens["id_token"])))
}

async fn two() -> (Stand, Receiver, Receiver) {
    let (web, other) = (Receiver::start(&[]).await, Receiver::start(&[]).await);
    (stand_telling(&web, &other).await, web, other)
}

#[tokio::test]
async fn every_client_of_the_session_gets_a_logout_token_of_its_own() {
    let (stand, web, other) = two().await;
    let mut browser = Browser::new();
    let id_tokens = both(&stand, &mut browser).await;
    log_out(&stand, &mut browser, "session", &[]).await;
    assert_eq!(deliver(&stand).await, 2);
    for (receiver, (name, id_token)) in
        [&web, &other].into_iter().zip(["web", "other"].into_iter().zip(&id_tokens))
    {
        let tokens = receiver.tokens();
        assert_eq!(tokens.len(), 1, "{name}");
        assert_eq!(receiver.got()[0].keys().collect::<Vec<_>>(), ["logout_token"]);
        let (header, claims) = verified(&stand, &tokens[0]).await;
        assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("RS256")));
        assert_eq!(claims["iss"], stand.issuer.as_str());
        assert_eq!(claims["aud"], name);
        assert_eq!((&claims["sub"], &claims["sid"]), (&id_token["sub"], &id_token["sid"]));
        assert_eq!(claims["events"], json!({ EVENT: {} }));
        assert_eq!(
            (claims["iat"].as_i64(), claims["exp"].as_i64()),
            (Some(stand.now()), Some(stand.now() + 120))
        );
        assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() >= 22));
        assert!(claims.get("nonce").is_none());
    }
    assert_ne!(id_tokens[0]["sid"], id_tokens[1]["sid"], "clients cannot compare");
    assert_eq!(deliver(&stand).await, 0);
}

#[tokio::test]
async fn every_way_to_end_a_session_is_told_and_its_expiry_is_not() {
    let web = Receiver::start(&[]).await;
    let stand = administering::stand_with(|config| tell(config, "web", &web.uri)).await;
    let session = async || -> String {
        let mut browser = Browser::new();
        tokens(&stand, &mut browser, "web").await;
        let list = stand.call(HEADLESS, Method::GET, "/sessions?sub=alice", None).await.json;
        text(&list["items"][0]["id"])
    };
    let report = |kind: &str, ends: Option<bool>| {
        let mut report = json!({ "type": kind, "sub": "alice" });
        if let Some(ends) = ends {
            report["end_sessions"] = json!(ends);
        }
        report
    };
    let mut expected = 0;
    for way in ["ui", "admin", "credential.changed", "account.disabled", "subjects"] {
        let id = session().await;
        let reply = match way {
            "ui" => stand.call(HEADLESS, Method::DELETE, &format!("/sessions/{id}"), None).await,
            "admin" => {
                let path = format!("/sessions/{id}");
                administering::call(&stand, administering::TOKEN, Method::DELETE, &path, None).await
            }
            "credential.changed" => {
                let body = report(way, Some(true));
                stand.call(HEADLESS, Method::POST, "/reports", Some(&body)).await
            }
            "account.disabled" => {
                stand.call(HEADLESS, Method::POST, "/reports", Some(&report(way, None))).await
            }
            _ => {
                let (path, body) = ("/subjects/alice", json!({ "disabled": true }));
                administering::call(&stand, administering::TOKEN, Method::PUT, path, Some(&body)).await
            }
        };
        assert!((200..300).contains(&reply.status), "{way}: {}", reply.text);
        expected += 1;
        assert_eq!(deliver(&stand).await, 1, "{way}");
        assert_eq!(web.tokens().len(), expected, "{way}");
        let enabled =
            stand.call(HEADLESS, Method::POST, "/reports", Some(&report("account.enabled", None))).await;
        assert_eq!(enabled.status, 202, "{}", enabled.text);
    }
    session().await;
    stand.clock.advance(30 * 86_400);
    stand.server.store().purge(stand.now(), 1_000).await.unwrap();
    assert_eq!(deliver(&stand).await, 0);
    assert_eq!(web.tokens().len(), expected);
}

#[tokio::test]
async fn a_client_is_told_although_its_authorizations_are_long_over() {
    let (stand, web, _) = two().await;
    let mut browser = Browser::new();
    tokens(&stand, &mut browser, "web").await;
    // Shorter than the session may be idle, and longer than tokens without refresh live.
    let hours = 6 * 3_600;
    stand.clock.advance(hours);
    stand.server.store().purge(stand.now(), 1_000).await.unwrap();
    log_out(&stand, &mut browser, "session", &[]).await;
    deliver(&stand).await;
    assert_eq!(web.tokens().len(), 1);
}

#[tokio::test]
async fn signed_out_of_one_application_only_that_one_is_told_and_only_once() {
    let (stand, web, other) = two().await;
    let mut browser = Browser::new();
    let first = tokens(&stand, &mut browser, "web").await;
    tokens(&stand, &mut browser, "other").await;
    let hint = text(&first["id_token"]);
    log_out(&stand, &mut browser, "client", &[("id_token_hint", &hint)]).await;
    assert_eq!(deliver(&stand).await, 1);
    assert_eq!((web.tokens().len(), other.tokens().len()), (1, 0));
    log_out(&stand, &mut browser, "session", &[]).await;
    deliver(&stand).await;
    assert_eq!((web.tokens().len(), other.tokens().len()), (1, 1));
}

#[tokio::test]
async fn everywhere_is_every_session_of_the_user_and_of_nobody_else() {
    let (stand, web, _) = two().await;
    let (mut here, mut there, mut of_bob) = (Browser::new(), Browser::new(), Browser::new());
    let mine = tokens(&stand, &mut here, "web").await;
    let elsewhere = tokens(&stand, &mut there, "web").await;
    let id = of_bob.authorize(&stand, "web", &[]).await.interaction();
    stand.finish(&mut of_bob, &id, "bob").await;
    log_out(&stand, &mut here, "subject", &[]).await;
    assert_eq!(deliver(&stand).await, 2);
    let sid = |tokens: &Value| text(&claims(&text(&tokens["id_token"]))["sid"]);
    let mut told: Vec<_> = web.tokens().iter().map(|token| text(&claims(token)["sid"])).collect();
    let mut expected = vec![sid(&mine), sid(&elsewhere)];
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn nothing_is_told_before_the_logout_takes_effect_nor_of_one_that_is_declined() {
    let (stand, web, _) = two().await;
    let mut browser = Browser::new();
    tokens(&stand, &mut browser, "web").await;
    let id = ask(&stand, &mut browser, &[]).await.interaction();
    let yes = json!({ "type": "confirm", "accepted": true, "scope": "subject" });
    let done = stand.answer(&id, 1, &yes).await.json;
    assert_eq!(deliver(&stand).await, 0);
    assert_eq!(Browser::new().get(&text(&done["response"]["delivery"]["uri"])).await.status, 400);
    let id = ask(&stand, &mut browser, &[]).await.interaction();
    let done = stand.answer(&id, 1, &json!({ "type": "confirm", "accepted": false })).await.json;
    browser.get(&text(&done["response"]["delivery"]["uri"])).await;
    assert_eq!(deliver(&stand).await, 0);
    assert!(web.tokens().is_empty());
}

#[tokio::test]
async fn a_token_is_signed_and_encrypted_as_the_id_tokens_of_its_client_are() {
    let (web, other) = (Receiver::start(&[]).await, Receiver::start(&[]).await);
    let pairwise = Receiver::start(&[]).await;
    let reader = Reader::p256("the-key");
    let stand = Stand::with(|config| {
        tell(config, "web", &web.uri);
        tell(config, "other", &other.uri);
        tell(config, "pairwise", &pairwise.uri);
        client(config, "web").metadata.id_token_signed_response_alg = Some("HS256".to_owned());
        let encrypted = &mut client(config, "other").metadata;
        encrypted.jwks = Some(reader.jwks());
        encrypted.id_token_signed_response_alg = Some("ES256".to_owned());
        encrypted.id_token_encrypted_response_alg = Some("ECDH-ES".to_owned());
        encrypted.id_token_encrypted_response_enc = Some("A256GCM".to_owned());
    })
    .await;
    let mut browser = Browser::new();
    for id in ["web", "other"] {
        stand.sign_in(&mut browser, id, &[]).await;
    }
    let asked = [("redirect_uri", "https://pairwise.example/cb")];
    let params = stand.sign_in(&mut browser, "pairwise", &asked).await;
    let own = super::helpers::redeem_at(&stand, "pairwise", &params["code"], asked[0].1).await.json;
    log_out(&stand, &mut browser, "session", &[]).await;
    assert_eq!(deliver(&stand).await, 3);
    let by_secret = web.tokens().remove(0);
    assert_eq!(header(&by_secret)["alg"], "HS256");
    assert_eq!(super::oidc_core_symmetric::verified(&by_secret, SECRET)["aud"], "web");
    let (outer, inner) = reader.open(&other.tokens()[0]);
    assert_eq!((&outer["alg"], &outer["cty"]), (&json!(Algorithm::EcdhEs.to_string()), &json!("JWT")));
    assert_eq!(outer["enc"], json!(Encryption::A256gcm.to_string()));
    let (inside, said) = verified(&stand, &inner).await;
    assert_eq!(
        (&inside["typ"], &inside["alg"], &said["aud"]),
        (&json!("logout+jwt"), &json!("ES256"), &json!("other"))
    );
    // A client that sees pairwise subjects sees its own one here, too.
    let said = claims(&pairwise.tokens()[0]);
    assert_eq!(said["sub"], claims(&text(&own["id_token"]))["sub"]);
    assert_ne!(said["sub"], "alice");
}

#[tokio::test]
async fn a_logout_token_is_good_for_nothing_else() {
    let (stand, web, _) = two().await;
    let mut browser = Browser::new();
    tokens(&stand, &mut browser, "web").await;
    log_out(&stand, &mut browser, "session", &[]).await;
    deliver(&stand).await;
    let token = web.tokens().remove(0);
    assert_eq!(stand.userinfo(&token).await.status, 401);
    assert!(!stand.is_active("web", &token).await);
    let mut browser = Browser::new();
    tokens(&stand, &mut browser, "web").await;
    let page = ask(&stand, &mut browser, &[("id_token_hint", &token)]).await;
    assert_eq!(page.status, 400, "{}", page.text);
    let hinted = browser.authorize(&stand, "web", &[("id_token_hint", &token), ("prompt", "none")]).await;
    assert_eq!(hinted.params()["error"], "invalid_request");
}

#[tokio::test]
async fn the_confirmation_and_the_policies_know_whom_it_concerns() {
    let (stand, ..) = two().await;
    let mut browser = Browser::new();
    both(&stand, &mut browser).await;
    let id = ask(&stand, &mut browser, &[]).await.interaction();
    let prompt = super::policy_stage::prompt(&stand, &id).await;
    assert_eq!(prompt["logout"]["clients"], json!(["other", "web"]));
}

#[tokio::test]
async fn what_a_client_registers_is_checked_and_what_the_server_can_is_announced() {
    let stand = Stand::start().await;
    let document =
        stand.http.get(format!("{}/.well-known/openid-configuration", stand.issuer)).send().await.unwrap();
    let document: Value = document.json().await.unwrap();
    for flag in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
        assert_eq!(document[flag], true);
    }
    let register = async |member: &str, value: Value| {
        let mut body =
            json!({ "redirect_uris": ["https://rp.example/cb"], "post_logout_redirect_uris": [BYE] });
        body[member] = value;
        let sent = stand.http.post(format!("{}/register", stand.issuer)).json(&body).send().await.unwrap();
        super::harness::Reply::read(sent).await
    };
    let good = register("backchannel_logout_uri", json!("https://rp.example/bc?x=1")).await;
    assert_eq!(
        (good.status, &good.json["backchannel_logout_uri"]),
        (201, &json!("https://rp.example/bc?x=1"))
    );
    for (member, value) in [
        ("backchannel_logout_uri", json!("http://rp.example/bc")),
        ("backchannel_logout_uri", json!("https://rp.example/bc#fragment")),
        ("backchannel_logout_uri", json!("https://user:secret@rp.example/bc")),
        ("backchannel_logout_uri", json!("/bc")),
        ("backchannel_logout_uri", json!(7)),
        ("backchannel_logout_session_required", json!("yes")),
        ("backchannel_logout_session_required", json!(true)),
    ] {
        let refused = register(member, value.clone()).await;
        assert_eq!((refused.status, refused.error()), (400, "invalid_client_metadata"), "{member} {value}");
        assert!(refused.text.contains(member), "{}", refused.text);
    }
}
