//! RFC 9068 and RFC 7516: access tokens that their resource server alone can read.

use placet_jose::Algorithm;
use placet_oauth::grant_type::GrantType;
use placet_sdk::grant::Encoding;
use placet_server::config::Config;
use serde_json::{Value, json};

use super::{
    encrypting::{Reader, Shelf},
    exchanging::{ACCESS, EXCHANGE, REFRESH},
    harness::{Browser, CALLBACK, CHALLENGE, Params, Reply, SECRET, Stand, claims},
    helpers::{client, configured, header, refresh, text, verified},
    policy_stage::allow,
    prover::{Prover, code_form, refresh_form, token},
    sidecar::Sidecar,
};

const LOCKED: &str = "https://locked.example";
const OPEN: &str = "https://open.example";

/// A resource that wants its tokens encrypted, its server as the client `vault`, and one that does not care.
fn resources(config: &mut Config, encryption: &Value) {
    config.resource = serde_json::from_value(json!([
        { "uri": LOCKED, "encryption": encryption }, { "uri": OPEN },
    ]))
    .unwrap();
    let metadata = json!({ "grant_types": ["client_credentials"], "scope": "reports.read openid" });
    let mut vault = configured("vault", &metadata);
    vault.settings.resources = vec![LOCKED.to_owned()];
    config.clients.push(vault);
}

fn to(reader: &Reader) -> Value {
    json!({ "alg": "ECDH-ES+A256KW", "enc": "A256GCM", "jwk": reader.jwk() })
}

async fn stand(reader: &Reader) -> Stand {
    Stand::with(|config| resources(config, &to(reader))).await
}

fn own(resource: &str) -> [(&str, &str); 2] {
    [("grant_type", "client_credentials"), ("resource", resource)]
}

/// Signs alice in to a client for resources, and gives the parameters of the response.
async fn granted(stand: &Stand, id: &str, extra: &[(&str, &str)]) -> Params {
    let usual = [("scope", "openid offline_access reports.read"), ("prompt", "consent")];
    stand.sign_in(&mut Browser::new(), id, &[&usual[..], extra].concat()).await
}

async fn code(stand: &Stand) -> String {
    granted(stand, "web", &[("resource", LOCKED)]).await["code"].clone()
}

async fn users(stand: &Stand) -> Value {
    let reply = stand.redeem("web", &code(stand).await).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

/// What the resource server finds in a token, which nobody else can read.
async fn read(stand: &Stand, reader: &Reader, token: &Value) -> Value {
    let token = text(token);
    assert_eq!(token.split('.').count(), 5, "{token}");
    let (outer, inner) = reader.open(&token);
    assert_eq!(outer["cty"], "JWT");
    let (header, claims) = verified(stand, &inner).await;
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(claims["aud"], LOCKED);
    claims
}

async fn look(stand: &Stand, caller: &str, token: &str) -> Value {
    stand.post("/introspect", caller, &[("token", token)]).await.json
}

#[track_caller]
fn unavailable(reply: &Reply) {
    assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"), "{}", reply.text);
    assert!(!reply.header("retry-after").is_empty());
    assert!(reply.json.get("access_token").is_none());
}

#[tokio::test]
async fn every_grant_gives_tokens_that_the_resource_alone_can_read() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    let machine = stand.post("/token", "service", &own(LOCKED)).await.json;
    let (outer, _) = reader.open(&text(&machine["access_token"]));
    assert_eq!((&outer["alg"], &outer["enc"]), (&json!("ECDH-ES+A256KW"), &json!("A256GCM")));
    assert_eq!(outer["kid"], "k1");
    assert_eq!(read(&stand, &reader, &machine["access_token"]).await["sub"], "service");

    let tokens = users(&stand).await;
    assert_eq!(read(&stand, &reader, &tokens["access_token"]).await["sub"], "alice");
    let again = refresh(&stand, "web", &text(&tokens["refresh_token"])).await.json;
    assert_eq!(read(&stand, &reader, &again["access_token"]).await["sub"], "alice");

    let extra = [("resource", LOCKED), ("response_type", "code token"), ("nonce", "n")];
    let response = granted(&stand, "hybrid", &extra).await;
    assert_eq!(read(&stand, &reader, &json!(response["access_token"])).await["sub"], "alice");
}

#[tokio::test]
async fn so_does_an_exchange() {
    let reader = Reader::rsa("k1");
    let sidecar = Sidecar::start(|_| allow()).await;
    let encryption = json!({ "alg": "RSA-OAEP-256", "enc": "A128CBC-HS256", "jwks": reader.jwks() });
    let stand = Stand::with(|config| {
        resources(config, &encryption);
        for id in ["web", "service", "vault"] {
            client(config, id).metadata.grant_types.get_or_insert_default().push(GrantType::TokenExchange);
        }
        config.policy.push(sidecar.policy("exchange", &["grant.token_exchange"]));
    })
    .await;
    let clear = text(&stand.tokens("web", "openid reports.read").await["access_token"]);
    let form = |token, kind, resource| {
        [
            ("grant_type", EXCHANGE),
            ("subject_token", token),
            ("subject_token_type", kind),
            ("resource", resource),
        ]
    };
    let locked = stand.post("/token", "web", &form(&clear, ACCESS, LOCKED)).await;
    assert_eq!(locked.status, 200, "{}", locked.text);
    assert_eq!(read(&stand, &reader, &locked.json["access_token"]).await["sub"], "alice");

    // Presented back, it is recognized: by its client, and by the server that it is for. What comes of it ends with it.
    let tokens = users(&stand).await;
    let token = text(&tokens["access_token"]);
    let mut derived = Vec::new();
    for id in ["web", "vault"] {
        let reply = stand.post("/token", id, &form(&token, ACCESS, OPEN)).await;
        assert_eq!(reply.status, 200, "{id}: {}", reply.text);
        derived.push((id, text(&reply.json["access_token"])));
    }
    let refresh_token = text(&tokens["refresh_token"]);
    let by_refresh = stand.post("/token", "web", &form(&refresh_token, REFRESH, LOCKED)).await;
    read(&stand, &reader, &by_refresh.json["access_token"]).await;
    let foreign = stand.post("/token", "service", &form(&token, ACCESS, OPEN)).await;
    assert_eq!((foreign.status, foreign.error()), (400, "invalid_request"));
    let (_, inner) = reader.open(&token);
    for id in ["web", "vault"] {
        let inside = stand.post("/token", id, &form(&inner, ACCESS, OPEN)).await;
        assert_eq!((inside.status, inside.error()), (400, "invalid_request"), "{id}");
    }
    assert_eq!(stand.post("/revoke", "web", &[("token", &token)]).await.status, 200);
    for (id, token) in derived {
        assert!(!stand.is_active(id, &token).await, "{id}");
    }
}

#[tokio::test]
async fn the_resource_server_may_ask_about_it_and_nobody_learns_what_is_inside() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    let token = text(&users(&stand).await["access_token"]);
    let said = look(&stand, "vault", &token).await;
    assert_eq!((&said["active"], &said["sub"]), (&json!(true), &json!("alice")));
    let inside = read(&stand, &reader, &json!(token)).await;
    for name in ["sub", "scope", "exp", "jti", "client_id", "auth_time"] {
        assert_eq!(said[name], inside[name], "{name}");
    }
    // The client knows what the token endpoint told it, and no more.
    let mut known: Vec<String> =
        look(&stand, "web", &token).await.as_object().unwrap().keys().cloned().collect();
    known.sort_unstable();
    assert_eq!(known, ["active", "aud", "client_id", "exp", "iat", "iss", "scope", "token_type"]);
    for other in ["other", "service", "api"] {
        assert_eq!(look(&stand, other, &token).await, json!({ "active": false }));
    }
    // In clear, there is nothing to hide from it.
    let clear = text(&stand.tokens("web", "openid").await["access_token"]);
    assert_eq!(look(&stand, "web", &clear).await["sub"], "alice");
}

#[tokio::test]
async fn what_is_inside_is_no_token_and_neither_is_what_was_altered() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    for token in [
        text(&users(&stand).await["access_token"]),
        text(&stand.post("/token", "service", &own(LOCKED)).await.json["access_token"]),
    ] {
        let (_, inner) = reader.open(&token);
        let mut altered = token.clone();
        altered.truncate(token.len() - 1);
        for not_it in [&inner, &altered, &format!("{token}."), &format!("{token}A")] {
            assert!(!stand.is_active("vault", not_it).await, "{not_it}");
            assert!(!stand.is_active("web", not_it).await, "{not_it}");
            assert_eq!(stand.userinfo(not_it).await.status, 401);
            // Nor is anything revoked by it.
            assert_eq!(stand.post("/revoke", "web", &[("token", not_it)]).await.status, 200);
        }
        assert!(stand.is_active("vault", &token).await);
        // Userinfo is no matter of this resource.
        let reply = stand.userinfo(&token).await;
        assert_eq!(reply.status, 401);
        assert!(reply.header("www-authenticate").contains("meant for another resource"), "{reply:?}");
    }
}

#[tokio::test]
async fn it_ends_when_it_is_revoked_when_its_grant_ends_and_when_its_time_is_over() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    let tokens = users(&stand).await;
    let token = text(&tokens["access_token"]);
    assert_eq!(stand.post("/revoke", "other", &[("token", &token)]).await.status, 200);
    assert!(stand.is_active("vault", &token).await, "it is not theirs");
    assert_eq!(stand.post("/revoke", "web", &[("token", &token)]).await.status, 200);
    assert!(!stand.is_active("vault", &token).await);

    let next = refresh(&stand, "web", &text(&tokens["refresh_token"])).await.json;
    let token = text(&next["access_token"]);
    assert!(stand.is_active("vault", &token).await);
    stand.post("/revoke", "web", &[("token", &text(&next["refresh_token"]))]).await;
    assert!(!stand.is_active("vault", &token).await);

    let machine = text(&stand.post("/token", "service", &own(LOCKED)).await.json["access_token"]);
    assert!(stand.is_active("vault", &machine).await);
    stand.clock.advance(601);
    assert!(!stand.is_active("vault", &machine).await);
}

#[tokio::test]
async fn without_a_key_there_is_no_token_and_nothing_is_used_up() {
    let shelf = Shelf::empty().await;
    let encryption = json!({ "alg": "ECDH-ES", "enc": "A128GCM", "jwks_uri": shelf.uri });
    let stand = Stand::with(|config| resources(config, &encryption)).await;
    let code = code(&stand).await;
    unavailable(&stand.redeem("web", &code).await);
    unavailable(&stand.post("/token", "service", &own(LOCKED)).await);
    // A key of another kind is none.
    shelf.put(Reader::rsa("k1").jwks());
    let refused = stand.redeem("web", &code).await;
    unavailable(&refused);
    assert!(refused.text.contains(LOCKED), "{}", refused.text);
    // Tokens for others do not depend on it.
    assert_eq!(stand.post("/token", "service", &own(OPEN)).await.status, 200);

    let reader = Reader::p256("k2");
    shelf.put(reader.jwks());
    // It has just been fetched, and is not fetched again at once.
    let fresh = Stand::with(|config| resources(config, &encryption)).await;
    let machine = fresh.post("/token", "service", &own(LOCKED)).await.json;
    assert_eq!(read(&fresh, &reader, &machine["access_token"]).await["client_id"], "service");
}

#[tokio::test]
async fn a_code_is_good_once_the_keys_of_the_resource_are_back() {
    let shelf = Shelf::empty().await;
    let encryption = json!({ "alg": "ECDH-ES", "enc": "A128GCM", "jwks_uri": shelf.uri });
    let stand = Stand::with(|config| resources(config, &encryption)).await;
    let code = code(&stand).await;
    unavailable(&stand.redeem("web", &code).await);
    let reader = Reader::p256("k1");
    shelf.put(reader.jwks());
    let tokens = stand.redeem("web", &code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    read(&stand, &reader, &tokens.json["access_token"]).await;
    let token = text(&tokens.json["refresh_token"]);
    assert_eq!(refresh(&stand, "web", &token).await.status, 200);
}

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
async fn a_bound_token_is_bound_inside_and_in_what_is_said_of_it() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    let key = Prover::new();
    let reply = token(&stand, "service", &own(LOCKED), Some(&key)).await;
    assert_eq!(reply.json["token_type"], "DPoP", "{}", reply.text);
    let cnf = json!({ "jkt": key.jkt() });
    assert_eq!(read(&stand, &reader, &reply.json["access_token"]).await["cnf"], cnf);
    let said = look(&stand, "vault", &text(&reply.json["access_token"])).await;
    assert_eq!((&said["cnf"], &said["token_type"]), (&cnf, &json!("DPoP")));
}

#[tokio::test]
async fn the_store_keeps_a_digest_of_it_and_nothing_of_tokens_in_clear() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    let rows = || stand.rows("SELECT CAST(COUNT(*) AS TEXT) FROM tokens")[0].clone();
    let clear = text(&stand.post("/token", "service", &own(OPEN)).await.json["access_token"]);
    assert_eq!(claims(&clear)["aud"], OPEN);
    assert_eq!(rows(), "0");
    stand.post("/token", "service", &own(LOCKED)).await;
    assert_eq!(rows(), "1");
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
