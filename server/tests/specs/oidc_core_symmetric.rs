//! OpenID Connect Core sections 10.1, 10.2 and 16.19: the client secret as a key.

use hmac::{Hmac, Mac as _};
use placet_jose::{Algorithm, Encryption};
use placet_server::config::Config;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::{
    encrypting::Reader,
    exchanging::{self, ID},
    harness::{Browser, Reply, SECRET, Stand, claims},
    helpers::{client, decode, header, text},
};

/// `web` gets ID tokens that are signed with its secret.
fn signed(alg: &'static str) -> impl FnOnce(&mut Config) {
    move |config| client(config, "web").metadata.id_token_signed_response_alg = Some(alg.to_owned())
}

fn mac(alg: &str, secret: &str, message: &str) -> Vec<u8> {
    macro_rules! mac {
        ($hash:ty) => {
            Hmac::<$hash>::new_from_slice(secret.as_bytes())
                .unwrap()
                .chain_update(message)
                .finalize()
                .into_bytes()
                .to_vec()
        };
    }
    match alg {
        "HS256" => mac!(Sha256),
        "HS384" => mac!(Sha384),
        _ => mac!(Sha512),
    }
}

/// A JWT with these claims under a secret.
pub(crate) fn make(alg: &str, secret: &str, claims: &Value) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({ "alg": alg, "typ": "JWT" })), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(mac(alg, secret, &message));
    format!("{message}.{signature}")
}

/// The claims of a JWT that was signed with this secret.
#[track_caller]
pub(crate) fn verified(token: &str, secret: &str) -> Value {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let alg = text(&header(token)["alg"]);
    assert_eq!(decode(signature), mac(&alg, secret, message), "the signature is wrong");
    claims(token)
}

async fn signed_in(stand: &Stand) -> (Browser, Value) {
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[]).await;
    (browser, stand.redeem("web", &params["code"]).await.json)
}

async fn hinted(stand: &Stand, browser: &Browser, asking: &str, hint: &str) -> String {
    let extra = [("prompt", "none"), ("id_token_hint", hint)];
    let params = browser.clone().authorize(stand, asking, &extra).await.params();
    params.get("error").cloned().unwrap_or_default()
}

#[tokio::test]
async fn an_id_token_is_signed_with_the_secret_of_its_client() {
    for alg in ["HS256", "HS384", "HS512"] {
        let stand = Stand::with(signed(alg)).await;
        let (browser, tokens) = signed_in(&stand).await;
        let token = text(&tokens["id_token"]);
        assert_eq!(header(&token), json!({ "alg": alg, "typ": "JWT" }));
        let said = verified(&token, SECRET);
        assert_eq!((&said["sub"], &said["aud"]), (&json!("alice"), &json!("web")));
        let access = text(&tokens["access_token"]);
        let hash = match alg {
            "HS256" => Sha256::digest(&access).to_vec(),
            "HS384" => Sha384::digest(&access).to_vec(),
            _ => Sha512::digest(&access).to_vec(),
        };
        assert_eq!(decode(said["at_hash"].as_str().unwrap()), hash[..hash.len() / 2], "{alg}");
        assert_ne!(header(&access)["alg"], alg, "an access token is for others, too");
        assert_eq!(hinted(&stand, &browser, "web", &token).await, "");
        assert_eq!(hinted(&stand, &browser, "other", &token).await, "invalid_request");
    }
}

#[tokio::test]
async fn a_hint_under_a_secret_counts_by_the_registered_algorithm_and_for_its_own_client_alone() {
    let stand = Stand::with(signed("HS256")).await;
    let (browser, tokens) = signed_in(&stand).await;
    let said = claims(&text(&tokens["id_token"]));
    assert_eq!(hinted(&stand, &browser, "web", &make("HS256", SECRET, &said)).await, "");
    let mut for_other = said.clone();
    for_other["aud"] = json!("other");
    let mut by_other = said.clone();
    by_other["azp"] = json!("other");
    let mut of_another_server = said.clone();
    of_another_server["iss"] = json!("https://elsewhere.example");
    let public: String = stand.server.keys().current().jwks().to_owned();
    for (asking, hint) in [
        ("web", make("HS512", SECRET, &said)),
        ("web", make("HS256", "another secret, also one of some length", &said)),
        ("web", make("HS256", "", &said)),
        ("web", make("HS256", &public, &said)),
        // This client registered no such algorithm, although its secret is the same here.
        ("other", make("HS256", SECRET, &for_other)),
        ("web", make("HS256", SECRET, &by_other)),
        ("web", make("HS256", SECRET, &of_another_server)),
        ("web", make("HS256", SECRET, &json!({ "iss": stand.issuer, "aud": "web", "exp": said["exp"] }))),
    ] {
        assert_eq!(hinted(&stand, &browser, asking, &hint).await, "invalid_request", "{hint}");
    }
}

#[tokio::test]
async fn what_a_client_could_have_made_itself_is_not_exchanged() {
    let scene = exchanging::Scene::with(|config, _| signed("HS256")(config)).await;
    let tokens = scene.user("alice").await;
    let extra = [("subject_token_type", ID)];
    let reply = scene.exchange("web", &text(&tokens["id_token"]), &extra).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{}", reply.text);
    let forged = make("HS256", SECRET, &claims(&text(&tokens["id_token"])));
    assert_eq!(scene.exchange("web", &forged, &extra).await.status, 400);
}

#[tokio::test]
async fn an_id_token_is_encrypted_with_the_secret_of_its_client() {
    for (alg, enc) in [
        (Algorithm::Dir, Encryption::A128cbcHs256),
        (Algorithm::Dir, Encryption::A256cbcHs512),
        (Algorithm::A128kw, Encryption::A128gcm),
        (Algorithm::A256kw, Encryption::A128cbcHs256),
        (Algorithm::A256gcmkw, Encryption::A256gcm),
    ] {
        let stand = Stand::with(|config| {
            let metadata = &mut client(config, "web").metadata;
            metadata.id_token_encrypted_response_alg = Some(alg.to_string());
            metadata.id_token_encrypted_response_enc = Some(enc.to_string());
        })
        .await;
        let token = text(&stand.tokens("web", "openid").await["id_token"]);
        let (header, inside) = Reader::secret(SECRET, alg, enc).open(&token);
        assert_eq!((&header["alg"], &header["enc"]), (&json!(alg.name()), &json!(enc.name())));
        assert_eq!(super::helpers::verified(&stand, &inside).await.1["sub"], "alice");
    }
}

#[tokio::test]
async fn a_secret_that_is_a_key_is_long_enough_sealed_and_can_be_read_again() {
    let stand = Stand::start().await;
    let body = json!({
        "redirect_uris": ["https://new.example/cb"], "id_token_signed_response_alg": "HS512",
    });
    let request = stand.http.post(format!("{}/register", stand.issuer)).json(&body);
    let made = Reply::read(request.send().await.unwrap()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let secret = text(&made.json["client_secret"]);
    assert!(secret.len() >= 64, "it is as long as the hash");
    let uri = text(&made.json["registration_client_uri"]);
    let token = text(&made.json["registration_access_token"]);
    let read = Reply::read(stand.http.get(&uri).bearer_auth(&token).send().await.unwrap()).await;
    assert_eq!(read.json["client_secret"], secret.as_str());
    // With RS256 the server need not know it any more.
    let id = &made.json["client_id"];
    let plain = json!({ "client_id": id, "redirect_uris": ["https://new.example/cb"] });
    let changed = stand.http.put(&uri).bearer_auth(&token).json(&plain).send().await.unwrap();
    let changed = Reply::read(changed).await;
    assert_eq!((changed.status, changed.json.get("client_secret")), (200, None), "{}", changed.text);
    // Back again it is another one: a digest is no key.
    let mut again = body.clone();
    again["client_id"] = id.clone();
    let back = stand.http.put(&uri).bearer_auth(&token).json(&again).send().await.unwrap();
    let back = Reply::read(back).await;
    assert_eq!(back.status, 200, "{}", back.text);
    assert_ne!(back.json["client_secret"], secret.as_str());
}

#[tokio::test]
async fn a_configured_secret_that_is_too_short_for_its_algorithm_does_not_start() {
    let stand = Stand::start().await;
    let mut config = stand.server.config().clone();
    let web = client(&mut config, "web");
    web.secret = Some("a secret of forty-five characters, not of 64.".to_owned());
    web.metadata.id_token_signed_response_alg = Some("HS512".to_owned());
    let start = async |config: Config| {
        let environment = stand.environment();
        placet_server::server::Server::start(config, environment).await.map(|_| ())
    };
    let refused = start(config.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("`web`") && refused.contains("shorter"), "{refused}");
    client(&mut config, "web").metadata.id_token_signed_response_alg = Some("HS256".to_owned());
    assert!(start(config).await.is_ok());
}
