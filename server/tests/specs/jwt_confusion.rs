//! RFC 8725: a JWT that was made for one purpose is refused for every other, and nobody but the server chooses its keys
//! and algorithms.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use openssl::pkey::{Id, PKey};
use placet_oauth::{credentials::JWT_BEARER, grant_type::GrantType};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    encrypting::Reader,
    exchanging::{ACCESS, EXCHANGE, ID, JWT, REFRESH, Scene},
    harness::{Browser, CALLBACK, CHALLENGE, Reply, SECRET, claims},
    helpers::{client, configured, decode, header, jwks, text},
    prover::{Prover, claims as proof_claims},
    signer::Signer,
};

/// Where a JWT can be put.
const SLOTS: [&str; 13] = [
    "bearer at userinfo",
    "introspection",
    "id_token_hint",
    "logout hint",
    "subject_token as access token",
    "subject_token as ID token",
    "subject_token as refresh token",
    "subject_token as JWT",
    "client_assertion",
    "jwt-bearer assertion",
    "registration access token",
    "request object",
    "DPoP proof",
];

/// A server with one key for everything, so that nothing but their purpose tells JWTs apart. The client `keyed` says
/// that the keys of the server are its own.
async fn one_key_for_all(key: &Signer, reader: &Reader) -> Scene {
    let set = key.jwks();
    let encryption = json!({ "alg": "ECDH-ES", "enc": "A128GCM", "jwk": reader.jwk() });
    Scene::with(move |config, _| {
        config.resource =
            serde_json::from_value(json!([{ "uri": LOCKED, "encryption": encryption }])).unwrap();
        let issuer = config.issuer.clone();
        for id in ["web", "api"] {
            let metadata = &mut client(config, id).metadata;
            metadata.id_token_signed_response_alg = Some("EdDSA".to_owned());
            metadata.userinfo_signed_response_alg = Some("EdDSA".to_owned());
            metadata.introspection_signed_response_alg = Some("EdDSA".to_owned());
            metadata.authorization_signed_response_alg = Some("EdDSA".to_owned());
            metadata.jwks_uri = Some(format!("{issuer}/jwks"));
        }
        let metadata = json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": format!("{issuer}/jwks"),
            "grant_types": [JWT_GRANT, EXCHANGE, "client_credentials"], "scope": "reports.read",
        });
        config.clients.push(configured("keyed", &metadata));
        let mut own = metadata.clone();
        own["jwks_uri"] = Value::Null;
        own["jwks"] = set.clone();
        config.clients.push(configured("signs", &own));
        let mut asks = own.clone();
        asks["token_endpoint_auth_method"] = json!("client_secret_basic");
        asks["grant_types"] = json!(["authorization_code"]);
        asks["redirect_uris"] = json!([CALLBACK]);
        config.clients.push(configured("asks", &asks));
        own["token_endpoint_auth_method"] = json!("client_secret_basic");
        config.clients.push(configured("vouches", &own));
        client(config, "web").metadata.grant_types.get_or_insert_default().push(GrantType::JwtBearer);
    })
    .await
}

/// A resource whose tokens are encrypted.
const LOCKED: &str = "https://locked.example";
const JWT_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Whether a JWT is taken in a slot, by whoever is the likeliest to take it.
async fn taken(scene: &Scene, slot: &str, jwt: &str) -> bool {
    let stand = &scene.stand;
    let exchanged = async |client: &str, kind: &str| {
        scene.exchange(client, jwt, &[("subject_token_type", kind)]).await.status == 200
    };
    match slot {
        "bearer at userinfo" => stand.userinfo(jwt).await.status == 200,
        "introspection" => stand.is_active("web", jwt).await,
        "id_token_hint" => {
            let extra = [("id_token_hint", jwt), ("prompt", "none")];
            let params = Browser::new().authorize(stand, "web", &extra).await.params();
            // A hint that counts gets as far as the question who is signed in.
            params["error"] == "login_required"
        }
        "logout hint" => {
            let url = format!("{}/logout?id_token_hint={jwt}", stand.issuer);
            stand.http.get(url).send().await.unwrap().status() == 200
        }
        "subject_token as access token" => exchanged("web", ACCESS).await,
        "subject_token as ID token" => exchanged("web", ID).await,
        "subject_token as refresh token" => exchanged("web", REFRESH).await,
        "subject_token as JWT" => exchanged("web", JWT).await || exchanged("vouches", JWT).await,
        "client_assertion" => {
            let mut any = false;
            for id in ["keyed", "signs"] {
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_id", id),
                    ("client_assertion_type", JWT_BEARER),
                    ("client_assertion", jwt),
                ];
                any |= stand.post_public("/token", &form).await.status == 200;
            }
            any
        }
        "jwt-bearer assertion" => {
            let mut any = false;
            for id in ["web", "vouches"] {
                let form = [("grant_type", JWT_GRANT), ("assertion", jwt)];
                let reply = stand.post("/token", id, &form).await;
                assert!(reply.status == 200 || reply.error() == "invalid_grant", "{}", reply.text);
                any |= reply.status == 200;
            }
            any
        }
        "registration access token" => {
            let request = stand.http.get(format!("{}/register/web", stand.issuer)).bearer_auth(jwt);
            request.send().await.unwrap().status() == 200
        }
        "request object" => {
            let mut any = false;
            for id in ["web", "asks"] {
                let query = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs([("client_id", id), ("request", jwt)])
                    .finish();
                // What is no request of this client is told on a page, and nobody is sent anywhere.
                any |= Browser::new().get(&format!("{}/authorize?{query}", stand.issuer)).await.status == 303;
            }
            any
        }
        "DPoP proof" => {
            let form = [("grant_type", "client_credentials")];
            let request = stand.http.post(format!("{}/token", stand.issuer));
            let request = request.basic_auth("service", Some(SECRET)).header("DPoP", jwt).form(&form);
            Reply::read(request.send().await.unwrap()).await.status == 200
        }
        other => panic!("unknown slot {other}"),
    }
}

#[tokio::test]
async fn a_jwt_is_taken_for_nothing_but_what_it_was_made_for() {
    let key = Signer::new("own-1");
    let reader = Reader::p256("locked-1");
    let scene = one_key_for_all(&key, &reader).await;
    let stand = &scene.stand;
    let tokens = scene.user("alice").await;
    let access = text(&tokens["access_token"]);
    let userinfo = stand.userinfo(&access).await;
    assert_eq!(userinfo.header("content-type"), "application/jwt");
    let introspection = stand
        .http
        .post(format!("{}/introspect", stand.issuer))
        .basic_auth("web", Some(SECRET))
        .header("accept", "application/token-introspection+jwt")
        .form(&[("token", access.as_str())]);
    let introspection = Reply::read(introspection.send().await.unwrap()).await;
    let own = stand.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    let code = stand.sign_in(&mut Browser::new(), "web", &[("resource", LOCKED)]).await["code"].clone();
    let locked = text(&stand.redeem("web", &code).await.json["access_token"]);
    assert!(stand.is_active("web", &locked).await);
    let (_, inside) = reader.open(&locked);
    let answered = stand.sign_in(&mut Browser::new(), "web", &[("response_mode", "jwt")]).await;
    let object = key.sign(&json!({
        "iss": "asks", "aud": stand.issuer, "exp": stand.now() + 60, "client_id": "asks", "redirect_uri": CALLBACK,
        "response_type": "code", "scope": "reports.read", "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }));
    let prover = Prover::new();
    // Assertions and proofs are good once, so that each slot gets one of its own.
    let assertion = |of: &str, slot: &str| {
        key.sign(&json!({
            "iss": of, "sub": of, "aud": stand.issuer, "jti": slot, "iat": stand.now(), "exp": stand.now() + 60,
        }))
    };
    for (what, jwt, fits) in [
        (
            "ID token",
            text(&tokens["id_token"]),
            &["id_token_hint", "logout hint", "subject_token as ID token"][..],
        ),
        ("access token", access, &["bearer at userinfo", "introspection", "subject_token as access token"]),
        ("access token of a client", text(&own.json["access_token"]), &[]),
        ("what is inside of an encrypted access token", inside, &[]),
        ("UserInfo response", userinfo.text, &[]),
        ("introspection response", introspection.text, &[]),
        ("authorization response", answered["response"].clone(), &[]),
        ("request object of asks", object, &["request object"]),
        ("DPoP proof", String::new(), &["DPoP proof"]),
        ("assertion of signs", String::new(), &["client_assertion"]),
        ("assertion of vouches", String::new(), &["jwt-bearer assertion", "subject_token as JWT"]),
    ] {
        for slot in SLOTS {
            let jwt = match what.strip_prefix("assertion of ") {
                Some(of) => assertion(of, slot),
                None if what == "DPoP proof" => prover.proof_of(&proof_claims(stand, "POST", "/token")),
                None => jwt.clone(),
            };
            assert_eq!(jwt.split('.').count(), 3, "{what}");
            assert_eq!(taken(&scene, slot, &jwt).await, fits.contains(&slot), "{what} as {slot}");
        }
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// The texts in which somebody might use a public key as a secret.
fn as_secrets(jwk: &Value) -> Vec<Vec<u8>> {
    let x = decode(jwk["x"].as_str().unwrap());
    let key = PKey::public_key_from_raw_bytes(&x, Id::ED25519).unwrap();
    let (pem, der) = (key.public_key_to_pem().unwrap(), key.public_key_to_der().unwrap());
    vec![pem, der, x, jwk.to_string().into_bytes(), jwk["x"].as_str().unwrap().into(), Vec::new()]
}

#[tokio::test]
async fn nobody_but_the_server_chooses_key_and_algorithm() {
    let stranger = Signer::new("stranger");
    let scene = one_key_for_all(&stranger, &Reader::p256("locked-1")).await;
    let tokens = scene.user("alice").await;
    let public = jwks(&scene.stand).await;
    for (what, token, slots) in [
        (
            "access token",
            text(&tokens["access_token"]),
            &["bearer at userinfo", "introspection", "subject_token as access token"][..],
        ),
        (
            "ID token",
            text(&tokens["id_token"]),
            &["id_token_hint", "logout hint", "subject_token as ID token"],
        ),
    ] {
        let (genuine, said) = (header(&token), claims(&token));
        let signature = token.rsplit_once('.').unwrap().1;
        let with = |name: &str, value: Value| {
            let mut header = genuine.clone();
            header[name] = value;
            header
        };
        let own = public.iter().find(|jwk| jwk["kid"] == genuine["kid"]).unwrap();
        let mut forged = Vec::new();
        for alg in ["none", "None", "NONE", ""] {
            forged.push(format!("{}.", unsigned(&with("alg", json!(alg)), &said)));
            forged.push(format!("{}.{signature}", unsigned(&with("alg", json!(alg)), &said)));
        }
        for secret in as_secrets(own) {
            let message = unsigned(&with("alg", json!("HS256")), &said);
            let mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap().chain_update(&message).finalize();
            forged.push(format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes())));
        }
        // A key of another algorithm, and the names of others for this one.
        for other in &public {
            forged.push(format!("{}.{signature}", unsigned(&with("kid", other["kid"].clone()), &said)));
            let mut header = with("alg", other["alg"].clone());
            header["kid"] = other["kid"].clone();
            forged.push(format!("{}.{signature}", unsigned(&header, &said)));
        }
        // Keys that the sender brings along, under the id of the server's key and under their own.
        let brought = stranger.jwks()["keys"][0].clone();
        for kid in [genuine["kid"].clone(), brought["kid"].clone(), Value::Null] {
            for (name, value) in [
                ("kid", kid.clone()),
                ("jwk", brought.clone()),
                ("jku", json!("https://attacker.example/jwks")),
                ("x5u", json!("https://attacker.example/cert")),
                ("x5c", json!(["MIIB"])),
            ] {
                let mut header = with("kid", kid.clone());
                header[name] = value;
                forged.push(stranger.sign_with(&header, &said));
            }
        }
        forged.retain(|forged| *forged != token);
        for slot in slots {
            for forged in &forged {
                assert!(!taken(&scene, slot, forged).await, "{what} as {slot}: {}", header(forged));
            }
            assert!(taken(&scene, slot, &token).await, "{what} as {slot}");
        }
    }
}
