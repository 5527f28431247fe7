//! RFC 9068 and RFC 7516, access tokens that their resource server alone can read: what settings, documents and browsers
//! make of it.

use placet_jose::Algorithm;
use placet_sdk::grant::Encoding;
use placet_server::config::Config;
use serde_json::{Value, json};

use super::{
    encrypting::{Reader, Shelf},
    harness::{Browser, CALLBACK, CHALLENGE, Params, Reply, SECRET, Stand, claims},
    helpers::{client, configured, header, text, verified},
    locking::{LOCKED, OPEN, granted, look, own, read, resources, stand, to, users},
    prover::{code_form, refresh_form},
};

#[tokio::test]
async fn no_token_is_for_it_and_another() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    for other in [OPEN, &stand.issuer, LOCKED] {
        let form = [&own(LOCKED)[..], &[("resource", other)]].concat();
        let reply = stand.post("/token", "service", &form).await;
        let expected = if other == LOCKED { (200, "") } else { (400, "invalid_target") };
        assert_eq!((reply.status, reply.error()), expected, "{other}: {}", reply.text);
    }
    // One grant for both gives tokens for one after the other, each as its resource wants it.
    let both = format!("{}&resource={OPEN}", authorization(&stand, "code"));
    let code = answered(&stand, &both).await["code"].clone();
    let redeemed = stand.redeem("web", &code).await;
    assert_eq!((redeemed.status, redeemed.error()), (400, "invalid_target"), "and the code is still good");
    let form = [&code_form(&code)[..], &[("resource", LOCKED)]].concat();
    let tokens = stand.post("/token", "web", &form).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    read(&stand, &reader, &tokens.json["access_token"]).await;
    let token = text(&tokens.json["refresh_token"]);
    let form = [&refresh_form(&token)[..], &[("resource", OPEN)]].concat();
    let tokens = stand.post("/token", "web", &form).await;
    assert_eq!(claims(&text(&tokens.json["access_token"]))["aud"], OPEN);
    // A token of the response itself cannot be for both.
    let both = format!("{}&resource={OPEN}", authorization(&stand, "code token"));
    let params = Browser::new().get(&both).await.params();
    assert_eq!(params["error"], "invalid_target");
}

/// A request for the locked resource, to which other resources can be added.
fn authorization(stand: &Stand, response_type: &str) -> String {
    let id = if response_type == "code" { "web" } else { "hybrid" };
    let pairs = [
        ("client_id", id),
        ("redirect_uri", CALLBACK),
        ("response_type", response_type),
        ("scope", "openid offline_access reports.read"),
        ("prompt", "consent"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", LOCKED),
    ];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{}/authorize?{query}", stand.issuer)
}

/// What a browser brings back for a request, once alice granted it.
async fn answered(stand: &Stand, url: &str) -> Params {
    let mut browser = Browser::new();
    let id = browser.get(url).await.interaction();
    stand.finish(&mut browser, &id, "alice").await
}

#[tokio::test]
async fn nobodys_settings_make_it_less() {
    let reader = Reader::p256("k1");
    let stand = Stand::with(|config| {
        resources(config, &to(&reader));
        let service = &mut client(config, "service").settings.access_token;
        service.encoding = Some(Encoding::Opaque);
        service.audience = vec![LOCKED.to_owned()];
        service.signing_alg = Some("ES256".to_owned());
    })
    .await;
    let by_default = stand.post("/token", "service", &[("grant_type", "client_credentials")]).await.json;
    read(&stand, &reader, &by_default["access_token"]).await;
    let (_, inner) = reader.open(&text(&by_default["access_token"]));
    assert_eq!(header(&inner)["alg"], "ES256");
    // What can be used once only says nothing at all.
    let params = granted(&stand, "single", &[("resource", LOCKED)]).await;
    let token = text(&stand.redeem("single", &params["code"]).await.json["access_token"]);
    assert!(!token.contains('.'));
    assert_eq!(look(&stand, "vault", &token).await["sub"], "alice");
    assert!(!stand.is_active("vault", &token).await);
}

#[tokio::test]
async fn answers_of_introspection_that_are_jwts_are_encrypted_to_the_resource_as_well() {
    let (reader, registered) =
        (Reader::p256("k1"), Reader::secret(SECRET, Algorithm::Dir, placet_jose::Encryption::A256gcm));
    let stand = Stand::with(|config| {
        resources(config, &to(&reader));
        let mut second = configured("keen", &json!({
            "grant_types": ["client_credentials"],
            "introspection_encrypted_response_alg": "dir", "introspection_encrypted_response_enc": "A256GCM",
        }));
        second.settings.resources = vec![LOCKED.to_owned()];
        config.clients.push(second);
    })
    .await;
    let token = text(&users(&stand).await["access_token"]);
    let ask = async |caller: &str, token: &str| {
        let request =
            stand.http.post(format!("{}/introspect", stand.issuer)).basic_auth(caller, Some(SECRET));
        let request =
            request.header("accept", "application/token-introspection+jwt").form(&[("token", token)]);
        Reply::read(request.send().await.unwrap()).await.text
    };
    for (caller, key, asked, active) in [
        ("vault", &reader, token.as_str(), true),
        ("vault", &reader, "unknown", false),
        // Whoever registered an encryption gets that one.
        ("keen", &registered, &token, true),
    ] {
        let (outer, inner) = key.open(&ask(caller, asked).await);
        assert_eq!(outer["cty"], "JWT");
        let (_, said) = verified(&stand, &inner).await;
        assert_eq!((&said["aud"], &said["token_introspection"]["active"]), (&json!(caller), &json!(active)));
    }
    // Others are answered in clear.
    assert_eq!(ask("web", &token).await.split('.').count(), 3);
}

#[tokio::test]
async fn where_the_keys_of_a_resource_are_is_published() {
    let shelf = Shelf::empty().await;
    let encryption = json!({ "alg": "ECDH-ES", "enc": "A128GCM", "jwks_uri": shelf.uri });
    let stand = Stand::with(|config| resources(config, &encryption)).await;
    let at = |uri: &str| format!("{}/.well-known/placet-resource-metadata?resource={uri}", stand.issuer);
    let document = Reply::read(stand.http.get(at(LOCKED)).send().await.unwrap()).await.json;
    assert_eq!(document["jwks_uri"], shelf.uri);
    assert_eq!(claims(&text(&document["signed_metadata"]))["jwks_uri"], shelf.uri);
    let document = Reply::read(stand.http.get(at(OPEN)).send().await.unwrap()).await.json;
    assert!(document.get("jwks_uri").is_none());
}

#[tokio::test]
async fn a_browser_gets_no_token_in_clear_either() {
    let shelf = Shelf::empty().await;
    let encryption = json!({ "alg": "ECDH-ES", "enc": "A128GCM", "jwks_uri": shelf.uri });
    let stand = Stand::with(|config| resources(config, &encryption)).await;
    let extra = [("resource", LOCKED), ("response_type", "code token"), ("nonce", "n")];
    let params = granted(&stand, "hybrid", &extra).await;
    assert_eq!(params["error"], "temporarily_unavailable");
    assert!(!params.contains_key("access_token") && !params.contains_key("code"), "{params:?}");
    let reader = Reader::p256("k1");
    shelf.put(reader.jwks());
    let params = granted(&stand, "hybrid", &extra).await;
    read(&stand, &reader, &json!(params["access_token"])).await;
}

#[test]
fn a_server_that_could_not_encrypt_what_it_has_to_does_not_start() {
    let key = Reader::p256("k1").jwk();
    let check = |encryption: Value| {
        let mut config = Config { development: true, ..Config::default() };
        resources(&mut config, &encryption);
        config.check().map_err(|error| error.to_string())
    };
    let sound = json!({ "alg": "ECDH-ES", "enc": "A128GCM", "jwk": key });
    check(sound.clone()).unwrap();
    for (member, value) in [
        ("alg", json!("RSA-OAEP-256")),
        ("alg", json!("dir")),
        ("alg", json!("")),
        ("enc", json!("none")),
        ("jwk", json!({ "kty": "EC" })),
        ("jwks_uri", json!("https://api.example/jwks")),
    ] {
        let mut broken = sound.clone();
        broken[member] = value;
        let said = check(broken).unwrap_err();
        assert!(said.contains(&format!("[[resource]] `{LOCKED}`: encryption")), "{said}");
    }
    let none = check(json!({ "alg": "ECDH-ES", "enc": "A128GCM" })).unwrap_err();
    assert!(none.contains("one of jwk, jwks and jwks_uri"), "{none}");
}
