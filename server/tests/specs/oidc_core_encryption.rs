//! OpenID Connect Core section 10.2, RFC 7516: what is encrypted to the server, and what it encrypts to clients.

use placet_jose::{Algorithm, Encryption};
use serde_json::{Value, json};

use super::{
    encrypting::{encrypt_to, encrypt_to_server},
    harness::{Browser, Stand},
    helpers::{decode, jwks, text},
};

const DAY: i64 = 86_400;
const ENC: Encryption = Encryption::A128gcm;

/// What becomes of a silent request with this hint.
async fn hinted(stand: &Stand, browser: &Browser, hint: &str) -> String {
    let extra = [("prompt", "none"), ("id_token_hint", hint)];
    let params = browser.clone().authorize(stand, "web", &extra).await.params();
    params.get("error").cloned().unwrap_or_default()
}

async fn signed_in(stand: &Stand) -> (Browser, String) {
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[]).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    (browser, text(&tokens["id_token"]))
}

async fn published(stand: &Stand) -> Vec<Value> {
    jwks(stand).await.into_iter().filter(|key| key["use"] == "enc").collect()
}

#[tokio::test]
async fn keys_to_encrypt_with_are_published_after_those_that_sign() {
    let stand = Stand::start().await;
    let all = jwks(&stand).await;
    let uses: Vec<&str> = all.iter().map(|key| key["use"].as_str().unwrap()).collect();
    assert_eq!(uses, ["sig", "sig", "sig", "sig", "enc", "enc"]);
    let kinds: Vec<&Value> = all[4..].iter().map(|key| &key["kty"]).collect();
    assert!(kinds.contains(&&json!("RSA")) && kinds.contains(&&json!("EC")));
    for key in &all[4..] {
        assert!(key.get("alg").is_none(), "it serves several algorithms");
        assert!(["d", "p", "q"].iter().all(|secret| key.get(*secret).is_none()));
    }
}

#[tokio::test]
async fn a_hint_may_be_encrypted_to_the_server_with_every_algorithm_of_its_keys() {
    let stand = Stand::start().await;
    let (browser, id_token) = signed_in(&stand).await;
    for alg in placet_server::encryption::DECRYPTED {
        let hint = encrypt_to_server(&stand, alg, ENC, &id_token).await;
        assert_eq!(hinted(&stand, &browser, &hint).await, "", "{alg}");
    }
    for enc in Encryption::ALL {
        let hint = encrypt_to_server(&stand, Algorithm::EcdhEsA128kw, enc, &id_token).await;
        assert_eq!(hinted(&stand, &browser, &hint).await, "", "{enc}");
    }
    let keys = jwks(&stand).await;
    let without_type = encrypt_to(&keys, (Algorithm::RsaOaep256, ENC), None, &id_token);
    assert_eq!(hinted(&stand, &browser, &without_type).await, "");
}

#[tokio::test]
async fn what_is_encrypted_to_the_server_has_to_be_signed_by_it_inside() {
    let stand = Stand::start().await;
    let (browser, id_token) = signed_in(&stand).await;
    let keys = jwks(&stand).await;
    let how = (Algorithm::EcdhEs, ENC);
    let body = id_token.split('.').nth(1).unwrap();
    let claims = String::from_utf8(decode(body)).unwrap();
    let none = format!("eyJhbGciOiJub25lIn0.{body}.");
    let twice = encrypt_to(&keys, how, Some("JWT"), &id_token);
    for inside in [claims.as_str(), &none, &id_token[..id_token.len() - 4], &twice, "", "\u{e4}"] {
        let hint = encrypt_to(&keys, how, Some("JWT"), inside);
        assert_eq!(hinted(&stand, &browser, &hint).await, "invalid_request", "{inside}");
    }
    let of_another_type = encrypt_to(&keys, how, Some("text/plain"), &id_token);
    assert_eq!(hinted(&stand, &browser, &of_another_type).await, "invalid_request");
}

#[tokio::test]
async fn whatever_is_wrong_with_an_encrypted_hint_is_told_alike() {
    let stand = Stand::start().await;
    let (browser, id_token) = signed_in(&stand).await;
    let good = encrypt_to_server(&stand, Algorithm::RsaOaep, Encryption::A128cbcHs256, &id_token).await;
    let parts: Vec<&str> = good.split('.').collect();
    let altered = |at: usize, part: &str| {
        let mut parts = parts.clone();
        parts[at] = part;
        parts.join(".")
    };
    let flip = |part: &str| {
        let other = if part.starts_with('A') { "B" } else { "A" };
        format!("{other}{}", &part[1..])
    };
    let mut answers = Vec::new();
    for token in [
        altered(1, &flip(parts[1])),
        altered(2, &flip(parts[2])),
        altered(3, &flip(parts[3])),
        altered(4, &flip(parts[4])),
        altered(4, &parts[4][..20]),
        altered(1, ""),
        format!("{good}A"),
    ] {
        let extra = [("prompt", "none"), ("id_token_hint", token.as_str())];
        answers.push(browser.clone().authorize(&stand, "web", &extra).await.params());
    }
    assert_eq!(answers[0]["error"], "invalid_request");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_sender_may_keep_the_key_set_while_the_keys_change() {
    let stand = Stand::start().await;
    let began = published(&stand).await;
    let (_, id_token) = signed_in(&stand).await;
    let kept = encrypt_to(&began, (Algorithm::EcdhEs, ENC), Some("JWT"), &id_token);
    stand.clock.advance(90 * DAY - 3_600);
    stand.server.keys().maintain().await.unwrap();
    assert_eq!(
        published(&stand).await,
        began,
        "a successor is known to all processes before it is published"
    );
    stand.clock.advance(3_600);
    stand.server.keys().maintain().await.unwrap();
    let successors = published(&stand).await;
    assert_eq!(successors.len(), began.len());
    assert!(successors.iter().all(|key| !began.contains(key)));

    let open = |token: String| {
        let accepted = (&placet_server::encryption::DECRYPTED[..], &Encryption::ALL[..]);
        let refuse = |why: &str| placet_oauth::error::OAuthError::invalid_request(why);
        placet_server::encryption::decrypt_jwt(&stand.server, &token, accepted, refuse).map(|_| ())
    };
    assert!(open(kept.clone()).is_ok(), "it was encrypted under a key set that may still be kept");
    assert!(open(encrypt_to(&successors, (Algorithm::RsaOaep, ENC), Some("JWT"), &id_token)).is_ok());
    stand.clock.advance(3_600 + 600 + 3_600);
    stand.server.keys().maintain().await.unwrap();
    assert!(open(kept).is_err());
}
