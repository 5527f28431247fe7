//! OpenID Connect Core section 10.2, RFC 7516: what is encrypted to the server, and what it encrypts to clients.

use placet_jose::{Algorithm, Encryption};
use serde_json::{Value, json};

use super::{
    encrypting::{Reader, Shelf, encrypt_to, encrypt_to_server},
    harness::{Browser, Reply, Stand},
    helpers::{client, decode, jwks, refresh, text, verified},
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

/// A server at which `id` has these keys and wants its ID tokens encrypted with `alg`.
async fn encrypting(id: &str, alg: &str, keys: Keys<'_>) -> Stand {
    Stand::with(|config| {
        let metadata = &mut client(config, id).metadata;
        metadata.id_token_encrypted_response_alg = Some(alg.to_owned());
        match keys {
            Keys::Inline(set) => metadata.jwks = Some(set),
            Keys::At(shelf) => metadata.jwks_uri = Some(shelf.uri.clone()),
        }
    })
    .await
}

enum Keys<'a> {
    Inline(Value),
    At(&'a Shelf),
}

#[tokio::test]
async fn an_id_token_is_signed_and_then_encrypted_to_the_client_that_registered_so() {
    let (rsa, curve) = (Reader::rsa("rsa"), Reader::p256("curve"));
    let set = json!({ "keys": [rsa.jwk(), curve.jwk()] });
    for alg in placet_server::encryption::DECRYPTED {
        let stand = encrypting("web", alg.name(), Keys::Inline(set.clone())).await;
        let tokens = stand.tokens("web", "openid offline_access").await;
        let again = refresh(&stand, "web", &text(&tokens["refresh_token"])).await.json;
        for token in [&tokens, &again] {
            let reader = if alg.name().starts_with("RSA") { &rsa } else { &curve };
            let (header, inside) = reader.open(&text(&token["id_token"]));
            assert_eq!((&header["alg"], &header["enc"]), (&json!(alg.name()), &json!("A128CBC-HS256")));
            assert_eq!(header["cty"], "JWT");
            assert_eq!(header["kid"], reader.jwk()["kid"]);
            let (inner, said) = verified(&stand, &inside).await;
            assert_eq!(
                (&inner["alg"], &said["sub"], &said["aud"]),
                (&json!("RS256"), &json!("alice"), &json!("web"))
            );
            assert!(said["at_hash"].is_string());
        }
    }
    let stand = Stand::with(|config| {
        let metadata = &mut client(config, "web").metadata;
        metadata.jwks = Some(set);
        metadata.id_token_signed_response_alg = Some("EdDSA".to_owned());
        metadata.id_token_encrypted_response_alg = Some("ECDH-ES+A256KW".to_owned());
        metadata.id_token_encrypted_response_enc = Some("A256GCM".to_owned());
    })
    .await;
    let (header, inside) = curve.open(&text(&stand.tokens("web", "openid").await["id_token"]));
    assert_eq!(header["enc"], "A256GCM");
    assert_eq!(verified(&stand, &inside).await.0["alg"], "EdDSA");
    let other = text(&stand.tokens("other", "openid").await["id_token"]);
    verified(&stand, &other).await;
}

#[tokio::test]
async fn what_is_encrypted_to_a_client_is_a_hint_once_the_client_has_opened_it() {
    let reader = Reader::p256("k");
    let stand = encrypting("web", "ECDH-ES", Keys::Inline(reader.jwks())).await;
    let (browser, encrypted) = signed_in(&stand).await;
    assert_eq!(hinted(&stand, &browser, &encrypted).await, "invalid_request");
    let (_, inside) = reader.open(&encrypted);
    assert_eq!(hinted(&stand, &browser, &inside).await, "");
    let to_us = encrypt_to_server(&stand, Algorithm::RsaOaep256, ENC, &inside).await;
    assert_eq!(hinted(&stand, &browser, &to_us).await, "");
}

/// Nothing was sent, and why.
#[track_caller]
fn withheld(reply: &Reply, why: &str) {
    assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"), "{}", reply.text);
    assert!(reply.json["error_description"].as_str().unwrap().contains(why), "{}", reply.text);
    assert!(reply.json.get("id_token").is_none() && reply.json.get("access_token").is_none());
}

#[tokio::test]
async fn without_a_key_of_the_client_nothing_is_sent_and_the_code_stays_good() {
    let shelf = Shelf::empty().await;
    let stand = encrypting("web", "ECDH-ES", Keys::At(&shelf)).await;
    let code = stand.sign_in(&mut Browser::new(), "web", &[]).await["code"].clone();
    withheld(&stand.redeem("web", &code).await, "cannot be encrypted to the client");
    let reader = Reader::p256("k");
    shelf.put(reader.jwks());
    let reply = stand.redeem("web", &code).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reader.open(&text(&reply.json["id_token"]));
    withheld_for_lack_of_a_key(&Reader::rsa("k").jwks()).await;
    withheld_for_lack_of_a_key(&json!({ "keys": [] })).await;
    let mut for_signatures = Reader::p256("k").jwk();
    for_signatures["use"] = json!("sig");
    withheld_for_lack_of_a_key(&json!({ "keys": [for_signatures] })).await;
}

async fn withheld_for_lack_of_a_key(set: &Value) {
    let shelf = Shelf::empty().await;
    shelf.put(set.clone());
    let stand = encrypting("web", "ECDH-ES+A128KW", Keys::At(&shelf)).await;
    let code = stand.sign_in(&mut Browser::new(), "web", &[]).await["code"].clone();
    withheld(&stand.redeem("web", &code).await, "no key for `ECDH-ES+A128KW`");
    let plain = stand.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    assert_eq!(plain.status, 200, "nobody else is concerned");
}

#[tokio::test]
async fn in_the_browser_the_client_is_told_that_nothing_can_be_encrypted_to_it() {
    let shelf = Shelf::empty().await;
    let stand = encrypting("hybrid", "ECDH-ES", Keys::At(&shelf)).await;
    let extra = [("response_type", "code id_token"), ("nonce", "n")];
    let params = stand.sign_in(&mut Browser::new(), "hybrid", &extra).await;
    assert_eq!(params["error"], "temporarily_unavailable", "{params:?}");
    assert!(!params.contains_key("code") && !params.contains_key("id_token"));
    assert_eq!(params["state"], "the-state");
    let reader = Reader::p256("k");
    shelf.put(reader.jwks());
    let params = stand.sign_in(&mut Browser::new(), "hybrid", &extra).await;
    let (_, inside) = reader.open(&params["id_token"]);
    assert_eq!(verified(&stand, &inside).await.1["nonce"], "n");
}

#[tokio::test]
async fn a_client_registers_only_what_can_be_encrypted_to_it() {
    let stand = Stand::start().await;
    let set = Reader::p256("k").jwks();
    let register = async |extra: Value| {
        let mut body = json!({ "redirect_uris": ["https://new.example/cb"] });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let request = stand.http.post(format!("{}/register", stand.issuer)).json(&body);
        Reply::read(request.send().await.unwrap()).await
    };
    let discovery =
        stand.http.get(format!("{}/.well-known/openid-configuration", stand.issuer)).send().await.unwrap();
    let discovery = Reply::read(discovery).await.json;
    for response in ["id_token", "userinfo", "introspection", "authorization"] {
        let alg = format!("{response}_encrypted_response_alg");
        let enc = format!("{response}_encrypted_response_enc");
        let listed = |name: &str, value: &str| {
            discovery[format!("{response}_{name}_values_supported")]
                .as_array()
                .unwrap()
                .contains(&json!(value))
        };
        assert!(listed("encryption_alg", "ECDH-ES") && listed("encryption_enc", "A256GCM"));
        assert!(listed("signing_alg", "RS256") && listed("signing_alg", "HS256"));
        for sound in [
            json!({ &alg: "ECDH-ES", "jwks": set }),
            json!({ &alg: "ECDH-ES", &enc: "A256GCM", "jwks": set }),
            json!({ &alg: "RSA-OAEP", "jwks_uri": "https://new.example/jwks" }),
            json!({ &alg: "dir", &enc: "A128GCM" }),
        ] {
            let reply = register(sound.clone()).await;
            assert_eq!(reply.status, 201, "{sound}: {}", reply.text);
            assert_eq!(reply.json[&alg], sound[&alg]);
        }
        for (wrong, named) in [
            (json!({ &enc: "A128GCM", "jwks": set }), &enc),
            (json!({ &alg: "ECDH-ES", &enc: "A128", "jwks": set }), &enc),
            (json!({ &alg: "RSA1_5", "jwks": set }), &alg),
            (json!({ &alg: "none", "jwks": set }), &alg),
            (json!({ &alg: "PBES2-HS256+A128KW" }), &alg),
            (json!({ &alg: "ECDH-ES" }), &alg),
            (json!({ &alg: "RSA-OAEP", "jwks": set }), &alg),
            (json!({ &alg: "A128KW", "token_endpoint_auth_method": "none" }), &alg),
            (json!({ &alg: "dir", "token_endpoint_auth_method": "private_key_jwt", "jwks": set }), &alg),
        ] {
            let reply = register(wrong.clone()).await;
            assert_eq!((reply.status, reply.error()), (400, "invalid_client_metadata"), "{wrong}");
            let description = reply.json["error_description"].as_str().unwrap();
            assert!(description.contains(&format!("`{named}`")), "{description}");
        }
    }
}
