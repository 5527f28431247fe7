//! Clients that authenticate by a JWT (RFC 7523 section 2.2, OpenID Connect Core section 9).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer as Mac};
use placet_oauth::credentials::JWT_BEARER;
use placet_server::config::AssertionAudience;
use serde_json::{Value, json};

use super::{
    harness::{Reply, SECRET, Stand},
    helpers::configured,
    signer::Signer,
};

struct Scene {
    stand: Stand,
    key: Signer,
}

impl Scene {
    async fn start() -> Self {
        let key = Signer::new("key-1");
        let jwks = key.jwks();
        let stand = Stand::with(|config| {
            let metadata = |method: &str| {
                json!({
                    "token_endpoint_auth_method": method, "grant_types": ["client_credentials"],
                    "scope": "reports.read",
                })
            };
            let mut signs = metadata("private_key_jwt");
            signs["jwks"] = jwks.clone();
            config.clients.push(configured("signs", &signs));
            let mut strict = configured("strict", &signs);
            strict.settings.assertion_audience = AssertionAudience::Issuer;
            config.clients.push(strict);
            config.clients.push(configured("macs", &metadata("client_secret_jwt")));
            let mut fixed = metadata("client_secret_jwt");
            fixed["token_endpoint_auth_signing_alg"] = json!("HS512");
            config.clients.push(configured("fixed", &fixed));
        })
        .await;
        Self { stand, key }
    }

    fn claims(&self, client_id: &str, jti: &str) -> Value {
        let now = self.stand.now();
        json!({
            "iss": client_id, "sub": client_id, "aud": self.stand.issuer, "jti": jti, "iat": now, "exp": now + 60,
        })
    }

    async fn present(&self, path: &str, assertion: &str) -> Reply {
        let form = [
            ("grant_type", "client_credentials"),
            ("token", "nothing"),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
        ];
        let answer = self.stand.http.post(format!("{}{path}", self.stand.issuer)).form(&form).send().await;
        Reply::read(answer.unwrap()).await
    }

    async fn refused(&self, assertion: &str, why: &str) {
        let reply = self.present("/token", assertion).await;
        assert_eq!((reply.status, reply.error()), (401, "invalid_client"), "{}", reply.text);
        let description = reply.json["error_description"].as_str().unwrap();
        assert!(description.contains(why), "`{description}` does not say `{why}`");
    }
}

/// A JWT under the secret of the confidential clients.
fn mac(alg: &str, claims: &Value) -> String {
    let digest = match alg {
        "HS384" => MessageDigest::sha384(),
        "HS512" => MessageDigest::sha512(),
        _ => MessageDigest::sha256(),
    };
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({ "alg": alg })), part(claims));
    let key = PKey::hmac(SECRET.as_bytes()).unwrap();
    let signature = Mac::new(digest, &key).unwrap().sign_oneshot_to_vec(message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_client_proves_itself_by_its_key_or_by_a_mac_under_its_secret() {
    let scene = Scene::start().await;
    let mut assertion = scene.key.sign(&scene.claims("signs", "1"));
    let reply = scene.present("/token", &assertion).await;
    assert_eq!((reply.status, &reply.json["scope"]), (200, &json!("reports.read")), "{}", reply.text);
    for (n, alg) in ["HS256", "HS384", "HS512"].into_iter().enumerate() {
        assertion = mac(alg, &scene.claims("macs", &n.to_string()));
        assert_eq!(scene.present("/token", &assertion).await.status, 200, "{alg}");
    }
    for path in ["/introspect", "/revoke"] {
        let assertion = scene.key.sign(&scene.claims("signs", path));
        assert_eq!(scene.present(path, &assertion).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_assertion_counts_once() {
    let scene = Scene::start().await;
    let assertion = scene.key.sign(&scene.claims("signs", "1"));
    let racing = futures_util::future::join_all((0..20).map(|_| scene.present("/token", &assertion))).await;
    assert_eq!(racing.iter().filter(|reply| reply.status == 200).count(), 1);
    scene.refused(&assertion, "used before").await;
    // What was refused is not used up, and the ids of one client are not those of another.
    let mut late = scene.claims("signs", "2");
    late["exp"] = json!(scene.stand.now() - 30);
    scene.refused(&scene.key.sign(&late), "expired").await;
    assert_eq!(scene.present("/token", &scene.key.sign(&scene.claims("signs", "2"))).await.status, 200);
    assert_eq!(scene.present("/token", &scene.key.sign(&scene.claims("strict", "2"))).await.status, 200);
}

#[tokio::test]
async fn an_assertion_must_be_about_its_sender_for_us_and_for_now() {
    let scene = Scene::start().await;
    let now = scene.stand.now();
    for (member, value, why) in [
        ("iss", json!("web"), "issuer"),
        ("iss", Value::Null, "issuer"),
        ("aud", json!("https://elsewhere.example"), "audience"),
        ("aud", json!(format!("{}/authorize", scene.stand.issuer)), "audience"),
        ("jti", Value::Null, "jti"),
        ("jti", json!(""), "jti"),
        ("exp", Value::Null, "malformed"),
        ("exp", json!(now - 11), "expired"),
        ("exp", json!(now + 700), "600 seconds"),
        ("iat", json!(now + 60), "not valid yet"),
        ("iat", json!(now - 700), "600 seconds"),
        ("nbf", json!(now + 60), "not valid yet"),
    ] {
        let mut claims = scene.claims("signs", "same");
        claims[member] = value;
        scene.refused(&scene.key.sign(&claims), why).await;
    }
    let typ = json!({ "alg": "EdDSA", "kid": "key-1", "typ": "at+jwt" });
    scene.refused(&scene.key.sign_with(&typ, &scene.claims("signs", "same")), "type").await;
    assert_eq!(scene.present("/token", &scene.key.sign(&scene.claims("signs", "same"))).await.status, 200);
}

#[tokio::test]
async fn the_key_is_that_of_the_client_and_the_method_the_registered_one() {
    let scene = Scene::start().await;
    let stranger = Signer::new("key-1");
    scene.refused(&stranger.sign(&scene.claims("signs", "1")), "signature").await;
    scene.refused(&mac("HS256", &scene.claims("signs", "1")), "authentication failed").await;
    scene.refused(&scene.key.sign(&scene.claims("web", "1")), "authentication failed").await;
    scene.refused(&scene.key.sign(&scene.claims("nobody", "1")), "authentication failed").await;
    scene.refused(&mac("HS256", &scene.claims("fixed", "1")), "another algorithm").await;
    assert_eq!(scene.present("/token", &mac("HS512", &scene.claims("fixed", "1"))).await.status, 200);
    // The secret alone is not what this client is registered for.
    let form = [("grant_type", "client_credentials")];
    assert_eq!(scene.stand.post("/token", "macs", &form).await.status, 401);
}

#[tokio::test]
async fn the_audience_is_the_issuer_or_the_endpoint_unless_the_operator_is_strict() {
    let scene = Scene::start().await;
    let issuer = &scene.stand.issuer;
    for (n, (path, audience)) in [
        ("/token", json!(format!("{issuer}/token"))),
        ("/token", json!([issuer, "https://elsewhere.example"])),
        ("/introspect", json!(format!("{issuer}/token"))),
        ("/introspect", json!(format!("{issuer}/introspect"))),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claims = scene.claims("signs", &n.to_string());
        claims["aud"] = audience.clone();
        assert_eq!(scene.present(path, &scene.key.sign(&claims)).await.status, 200, "{path} {audience}");
        claims["iss"] = json!("strict");
        claims["sub"] = json!("strict");
        assert_eq!(scene.present(path, &scene.key.sign(&claims)).await.status, 401, "{path} {audience}");
    }
    assert_eq!(scene.present("/token", &scene.key.sign(&scene.claims("strict", "x"))).await.status, 200);
}

#[tokio::test]
async fn a_client_that_registers_for_a_mac_gets_a_secret_that_it_can_read_again() {
    let stand = Stand::start().await;
    let register = |body: Value| {
        let request = stand.http.post(format!("{}/register", stand.issuer)).json(&body);
        async { Reply::read(request.send().await.unwrap()).await }
    };
    let metadata = json!({
        "token_endpoint_auth_method": "client_secret_jwt", "redirect_uris": ["https://client.example/callback"],
    });
    let made = register(metadata).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (uri, token) = (&made.json["registration_client_uri"], &made.json["registration_access_token"]);
    let read = stand.http.get(uri.as_str().unwrap()).bearer_auth(token.as_str().unwrap()).send().await;
    let read = Reply::read(read.unwrap()).await;
    assert_eq!(read.json["client_secret"], made.json["client_secret"]);
    let now = stand.now();
    let claims = json!({
        "iss": made.json["client_id"], "sub": made.json["client_id"], "aud": stand.issuer, "jti": "1", "exp": now + 60,
    });
    let key = PKey::hmac(made.json["client_secret"].as_str().unwrap().as_bytes()).unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({ "alg": "HS256" })), part(&claims));
    let mut mac = Mac::new(MessageDigest::sha256(), &key).unwrap();
    let signature = URL_SAFE_NO_PAD.encode(mac.sign_oneshot_to_vec(message.as_bytes()).unwrap());
    let assertion = format!("{message}.{signature}");
    let form = [("token", "x"), ("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)];
    let answer = stand.http.post(format!("{}/introspect", stand.issuer)).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    // Keys are needed for the other method, and only public ones.
    for jwks in [Value::Null, json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] })] {
        let refused = register(json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks,
            "redirect_uris": ["https://client.example/callback"],
        }))
        .await;
        assert_eq!((refused.status, refused.error()), (400, "invalid_client_metadata"), "{}", refused.text);
    }
}
