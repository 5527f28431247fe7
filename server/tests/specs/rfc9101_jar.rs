//! Authorization requests as JWTs of their client (RFC 9101, OpenID Connect Core section 6).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_jose::{Algorithm, Encryption};
use placet_oauth::credentials::JWT_BEARER;
use placet_server::config::Config;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    encrypting::encrypt_to_server,
    harness::{Browser, CALLBACK, CHALLENGE, Reply, SECRET, Stand, UI},
    helpers::{configured, text},
    policy_stage::allow,
    sidecar::Sidecar,
    signer::Signer,
};

struct Scene {
    stand: Stand,
    key: Signer,
}

impl Scene {
    async fn start() -> Self {
        Self::with(|_, _| {}).await
    }

    /// A server with a client `jar` that signs; `change` alters settings and metadata.
    async fn with(change: impl FnOnce(&mut Config, &mut Value)) -> Self {
        let key = Signer::new("key-1");
        let mut metadata = json!({
            "redirect_uris": [CALLBACK, "https://client.example/other"], "jwks": key.jwks(),
            "scope": "openid email reports.read", "grant_types": ["authorization_code"],
        });
        let stand = Stand::with(|config| {
            change(config, &mut metadata);
            config.clients.push(configured("jar", &metadata));
        })
        .await;
        Self { stand, key }
    }

    fn claims(&self) -> Value {
        let now = self.stand.now();
        json!({
            "iss": "jar", "aud": self.stand.issuer, "exp": now + 60, "nbf": now, "iat": now,
            "client_id": "jar", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid email",
            "state": "the-state", "nonce": "n-1", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        })
    }

    /// The claims with those of `changes` over them; null leaves one out.
    fn altered(&self, changes: &Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }

    fn object(&self) -> String {
        self.key.sign(&self.claims())
    }

    async fn visit(&self, browser: &mut Browser, params: &[(&str, &str)]) -> Reply {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        browser.get(&format!("{}/authorize?{query}", self.stand.issuer)).await
    }

    /// Visits with an object and nothing else.
    async fn ask(&self, object: &str) -> Reply {
        self.visit(&mut Browser::new(), &[("client_id", "jar"), ("request", object)]).await
    }

    async fn refused(&self, object: &str, why: &str) {
        // A redirect URI beside an object that is not verified is nobody's word.
        let beside = [("client_id", "jar"), ("request", object), ("redirect_uri", CALLBACK), ("state", "x")];
        for reply in [self.ask(object).await, self.visit(&mut Browser::new(), &beside).await] {
            assert_page(&reply, "invalid_request_object");
            assert!(reply.text.contains(why), "the page does not say `{why}`: {}", reply.text);
        }
    }

    async fn shown(&self, reply: &Reply) -> Value {
        let path = format!("/interactions/{}", reply.interaction());
        self.stand.call(UI, Method::GET, &path, None).await.json
    }

    async fn push(&self, form: &[(&str, &str)]) -> Reply {
        self.stand.post("/par", "jar", form).await
    }
}

#[track_caller]
fn assert_page(reply: &Reply, code: &str) {
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(reply.headers.get("location").is_none() && reply.text.contains("error-page"), "{}", reply.text);
    assert!(reply.text.contains(code), "the page does not say `{code}`: {}", reply.text);
}

/// A JWT with this header and no signature.
fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}

/// A JWT under a MAC with this key.
fn mac(key: &[u8], claims: &Value) -> String {
    use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer as Mac};
    let message = unsigned(&json!({ "alg": "HS256", "kid": "key-1" }), claims);
    let message = message.trim_end_matches('.');
    let key = PKey::hmac(key).unwrap();
    let signature = Mac::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.unwrap()))
}

#[tokio::test]
async fn a_signed_request_leads_to_a_code() {
    let scene = Scene::start().await;
    let mut browser = Browser::new();
    let object = scene.object();
    let reply = scene.visit(&mut browser, &[("client_id", "jar"), ("request", &object)]).await;
    let shown = scene.shown(&reply).await;
    assert_eq!((&shown["request"]["signed"], &shown["request"]["pushed"]), (&json!(true), &json!(false)));
    let params = scene.stand.finish(&mut browser, &reply.interaction(), "alice").await;
    assert_eq!(params["state"], "the-state");
    let tokens = scene.stand.redeem("jar", &params["code"]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert_eq!(super::harness::claims(&text(&tokens.json["id_token"]))["nonce"], "n-1");
    // The same object again is another request: nothing says that it counts once.
    let reply = scene.visit(&mut browser, &[("client_id", "jar"), ("request", &object)]).await;
    assert!(reply.params().contains_key("code"));
    for typ in ["oauth-authz-req+jwt", "application/oauth-authz-req+jwt"] {
        let header = json!({ "alg": "EdDSA", "kid": "key-1", "typ": typ });
        scene.ask(&scene.key.sign_with(&header, &scene.claims())).await.interaction();
    }
}

#[tokio::test]
async fn only_what_is_inside_counts() {
    let scene = Scene::start().await;
    let object = scene.key.sign(&scene.altered(&json!({ "nonce": null, "state": null })));
    let injected = [
        ("client_id", "jar"),
        ("request", object.as_str()),
        ("response_type", "code"),
        ("scope", "openid reports.read"),
        ("redirect_uri", "https://evil.example/"),
        ("state", "another"),
        ("nonce", "another"),
        ("prompt", "none"),
        ("resource", "https://api.example"),
        ("response_mode", "fragment"),
        ("acr_values", "gold"),
        ("claims", "{"),
    ];
    let mut browser = Browser::new();
    let reply = scene.visit(&mut browser, &injected).await;
    let shown = scene.shown(&reply).await;
    let request = &shown["request"];
    assert_eq!(request["scope"], json!(["openid", "email"]));
    assert_eq!((&request["redirect_uri"], &request["prompt"]), (&json!(CALLBACK), &json!([])));
    assert_eq!((&request["resources"], &request["response_mode"]), (&json!([]), &json!("query")));
    let params = scene.stand.finish(&mut browser, &reply.interaction(), "alice").await;
    assert!(!params.contains_key("state"), "{params:?}");
    // What is outside does not stand in for what is missing inside, either.
    let bare = scene.key.sign(&scene.altered(&json!({ "redirect_uri": null })));
    let beside = [("client_id", "jar"), ("request", bare.as_str()), ("redirect_uri", CALLBACK)];
    assert_page(&scene.visit(&mut browser, &beside).await, "invalid_request");
    let bare = scene.key.sign(&scene.altered(&json!({ "response_type": null })));
    let beside = [("client_id", "jar"), ("request", bare.as_str()), ("response_type", "code")];
    let told = scene.visit(&mut browser, &beside).await.params();
    assert_eq!((told["error"].as_str(), told["state"].as_str()), ("invalid_request", "the-state"));
}

#[tokio::test]
async fn once_an_object_is_verified_its_errors_go_where_it_says() {
    let scene = Scene::start().await;
    for (changes, error) in [
        (json!({ "scope": "openid admin email" }), None),
        (json!({ "scope": "admin" }), Some("invalid_scope")),
        (json!({ "response_type": "id_token" }), Some("unauthorized_client")),
        (json!({ "prompt": "none" }), Some("login_required")),
        (json!({ "max_age": 1.5 }), Some("invalid_request")),
        (json!({ "claims": "{" }), Some("invalid_request")),
        (json!({ "scope": ["openid"] }), Some("invalid_scope")),
        (json!({ "registration": {} }), Some("registration_not_supported")),
        (json!({ "resource": ["https://unknown.example"] }), Some("invalid_target")),
    ] {
        let reply = scene.ask(&scene.key.sign(&scene.altered(&changes))).await;
        match error {
            None => drop(reply.interaction()),
            Some(error) => {
                let told = reply.params();
                assert_eq!(
                    (told["error"].as_str(), told["state"].as_str()),
                    (error, "the-state"),
                    "{changes}"
                );
            }
        }
    }
    let evil = scene.altered(&json!({ "redirect_uri": "https://evil.example/" }));
    assert_page(&scene.ask(&scene.key.sign(&evil)).await, "invalid_request");
}

#[tokio::test]
async fn claims_that_are_objects_arrays_and_numbers_become_parameters() {
    let scene = Scene::start().await;
    let changes = json!({
        "claims": { "id_token": { "acr": { "essential": true, "values": ["gold"] } } },
        "resource": ["https://api.example", scene.stand.issuer],
        "max_age": 60,
    });
    let reply = scene.ask(&scene.key.sign(&scene.altered(&changes))).await;
    let shown = scene.shown(&reply).await;
    assert_eq!(shown["auth"]["acr"], json!({ "values": ["gold"], "essential": true }));
    assert_eq!(shown["request"]["max_age"], 60);
    assert_eq!(shown["request"]["resources"], json!(["https://api.example", scene.stand.issuer]));
}

#[tokio::test]
async fn an_object_must_be_from_its_client_for_us_and_for_now() {
    let scene = Scene::start().await;
    let now = scene.stand.now();
    for (changes, why) in [
        (json!({ "iss": "web" }), "issuer"),
        (json!({ "iss": null }), "iss"),
        (json!({ "aud": "https://elsewhere.example" }), "audience"),
        (json!({ "aud": [format!("{}/authorize", scene.stand.issuer)] }), "audience"),
        (json!({ "aud": null }), "aud"),
        (json!({ "client_id": "web" }), "client_id"),
        (json!({ "client_id": null }), "client_id"),
        (json!({ "exp": now - 10 }), "expired"),
        (json!({ "exp": null }), "exp"),
        (json!({ "nbf": now + 60 }), "not valid yet"),
        (json!({ "iat": now + 60 }), "not valid yet"),
        (json!({ "request": "a.b.c" }), "must not hold"),
        (json!({ "request_uri": "urn:ietf:params:oauth:request_uri:x" }), "must not hold"),
    ] {
        scene.refused(&scene.key.sign(&scene.altered(&changes)), why).await;
    }
    for changes in [
        json!({ "aud": ["https://elsewhere.example", scene.stand.issuer] }),
        json!({ "nbf": now + 8, "iat": now + 8 }),
        json!({ "nbf": null, "iat": null }),
    ] {
        scene.ask(&scene.key.sign(&scene.altered(&changes))).await.interaction();
    }
    let of_another = [("client_id", "web"), ("request", &scene.object())];
    assert_page(&scene.visit(&mut Browser::new(), &of_another).await, "invalid_request_object");
}

#[tokio::test]
async fn an_object_must_be_signed_by_a_key_of_its_client() {
    let scene = Scene::start().await;
    let stranger = Signer::new("key-1");
    scene.refused(&stranger.sign(&scene.claims()), "signature").await;
    scene.refused(&Signer::new("key-2").sign(&scene.claims()), "signature").await;
    scene.refused(&unsigned(&json!({ "alg": "none" }), &scene.claims()), "not signed").await;
    for alg in ["None", "NONE", "nOnE"] {
        scene.refused(&unsigned(&json!({ "alg": alg }), &scene.claims()), "request object").await;
    }
    // The public key as a secret, and the secret of the client: neither proves anything here.
    let public = scene.key.jwks()["keys"][0]["x"].as_str().map(|x| URL_SAFE_NO_PAD.decode(x).unwrap());
    for key in [public.unwrap(), SECRET.as_bytes().to_vec()] {
        scene.refused(&mac(&key, &scene.claims()), "not supported").await;
    }
    let jwk = stranger.jwks()["keys"][0].clone();
    for (member, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/x5u")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
    ] {
        let header = json!({ "alg": "EdDSA", "kid": "key-1", member: value });
        scene.refused(&stranger.sign_with(&header, &scene.claims()), member).await;
    }
    let object = scene.object();
    let (message, _) = object.rsplit_once('.').unwrap();
    for broken in ["", "x", "a.b.c", "..", message, &format!("{message}."), &format!("{object}AA")] {
        if broken.is_empty() {
            continue;
        }
        scene.refused(broken, "request object").await;
    }
    let payload =
        URL_SAFE_NO_PAD.encode(scene.altered(&json!({ "scope": "openid reports.read" })).to_string());
    let parts: Vec<&str> = object.split('.').collect();
    scene.refused(&format!("{}.{payload}.{}", parts[0], parts[2]), "signature").await;
}

#[tokio::test]
async fn jwts_that_the_client_made_for_another_purpose_are_no_requests() {
    let scene = Scene::start().await;
    let now = scene.stand.now();
    let assertion = scene.key.sign(&json!({
        "iss": "jar", "sub": "jar", "aud": scene.stand.issuer, "jti": "1", "iat": now, "exp": now + 60,
    }));
    scene.refused(&assertion, "client_id").await;
    for typ in ["at+jwt", "dpop+jwt", "client-authentication+jwt"] {
        let header = json!({ "alg": "EdDSA", "kid": "key-1", "typ": typ });
        scene.refused(&scene.key.sign_with(&header, &scene.claims()), "type").await;
    }
    // And a request is no proof of who sends it.
    let scene =
        Scene::with(|_, metadata| metadata["token_endpoint_auth_method"] = json!("private_key_jwt")).await;
    for header in ["JWT", "oauth-authz-req+jwt"] {
        let header = json!({ "alg": "EdDSA", "kid": "key-1", "typ": header });
        let object = scene.key.sign_with(&header, &scene.altered(&json!({ "jti": "1" })));
        let form = [("token", "x"), ("client_assertion_type", JWT_BEARER), ("client_assertion", &object)];
        let reply = scene.stand.post_public("/introspect", &form).await;
        assert_eq!((reply.status, reply.error()), (401, "invalid_client"), "{}", reply.text);
    }
}

#[tokio::test]
async fn the_algorithm_is_the_registered_one() {
    let scene = Scene::with(|_, metadata| metadata["request_object_signing_alg"] = json!("PS256")).await;
    scene.refused(&scene.object(), "another algorithm").await;
    let scene = Scene::with(|_, metadata| metadata["request_object_signing_alg"] = json!("EdDSA")).await;
    scene.ask(&scene.object()).await.interaction();
}

#[tokio::test]
async fn request_and_request_uri_exclude_each_other() {
    let scene = Scene::with(|config, _| config.request_objects.by_reference = true).await;
    let object = scene.object();
    for uri in ["https://client.example/r", "urn:ietf:params:oauth:request_uri:x"] {
        let params = [("client_id", "jar"), ("request", object.as_str()), ("request_uri", uri)];
        let reply = scene.visit(&mut Browser::new(), &params).await;
        assert_page(&reply, "exclude each other");
        let mut named = params.to_vec();
        named.extend([("redirect_uri", CALLBACK), ("state", "s")]);
        let told = scene.visit(&mut Browser::new(), &named).await.params();
        assert_eq!((told["error"].as_str(), told["state"].as_str()), ("invalid_request", "s"));
    }
    let twice = [("client_id", "jar"), ("request", object.as_str()), ("request", object.as_str())];
    assert_page(&scene.visit(&mut Browser::new(), &twice).await, "more than once");
}

#[tokio::test]
async fn the_response_type_beside_an_object_must_be_the_same() {
    let scene = Scene::start().await;
    let object = scene.object();
    let with = |beside: &'static str| {
        [("client_id", "jar"), ("request", object.as_str()), ("response_type", beside)]
    };
    scene.visit(&mut Browser::new(), &with("code")).await.interaction();
    assert_page(&scene.visit(&mut Browser::new(), &with("code id_token")).await, "response_type");
}

#[tokio::test]
async fn an_unsigned_object_counts_only_where_operator_and_client_want_that() {
    let object = |scene: &Scene| {
        unsigned(&json!({ "alg": "none" }), &scene.altered(&json!({ "iss": null, "aud": null, "exp": null })))
    };
    for (by_operator, by_client) in [(false, false), (true, false)] {
        let scene = Scene::with(|config, metadata| {
            config.request_objects.unsigned = by_operator;
            if by_client {
                metadata["request_object_signing_alg"] = json!("none");
            }
        })
        .await;
        scene.refused(&object(&scene), "not signed").await;
    }
    let scene = Scene::with(|config, metadata| {
        config.request_objects.unsigned = true;
        metadata["request_object_signing_alg"] = json!("none");
    })
    .await;
    let shown = scene.shown(&scene.ask(&object(&scene)).await).await;
    assert_eq!(shown["request"]["signed"], false);
    // Who registered that nothing is signed has no signature to show.
    scene.refused(&scene.object(), "another algorithm").await;
    let lying = scene.altered(&json!({ "iss": "web" }));
    scene.refused(&unsigned(&json!({ "alg": "none" }), &lying), "issuer").await;
    let discovery = format!("{}/.well-known/openid-configuration", scene.stand.issuer);
    let found = Reply::read(scene.stand.http.get(discovery).send().await.unwrap()).await.json;
    assert!(
        found["request_object_signing_alg_values_supported"].as_array().unwrap().contains(&json!("none"))
    );
}

#[tokio::test]
async fn an_operator_or_a_client_can_insist_on_signed_requests() {
    for all in [true, false] {
        let scene = Scene::with(|config, metadata| {
            config.request_objects.required = all;
            metadata["require_signed_request_object"] = json!(!all);
        })
        .await;
        let mut browser = Browser::new();
        let plain = browser.authorize(&scene.stand, "jar", &[]).await.params();
        assert_eq!((plain["error"].as_str(), plain["state"].as_str()), ("invalid_request", "the-state"));
        assert!(plain["error_description"].contains("signed"), "{plain:?}");
        let form = [("redirect_uri", CALLBACK), ("response_type", "code"), ("scope", "openid")];
        let pushed = scene.push(&form).await;
        assert_eq!((pushed.status, pushed.error()), (400, "invalid_request"), "{}", pushed.text);
        scene.ask(&scene.object()).await.interaction();
        let pushed = scene.push(&[("request", &scene.object())]).await;
        assert_eq!(pushed.status, 201, "{}", pushed.text);
        let others = browser.authorize(&scene.stand, "web", &[]).await;
        assert_eq!(others.header("location").starts_with("https://login.example/"), !all);
    }
}

#[tokio::test]
async fn an_object_can_be_pushed() {
    let scene = Scene::start().await;
    // What is beside it does not count, and its client need not be named again.
    let pushed = scene.push(&[("request", &scene.object()), ("scope", "openid reports.read")]).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text);
    let uri = text(&pushed.json["request_uri"]);
    let mut browser = Browser::new();
    let reply = scene.visit(&mut browser, &[("client_id", "jar"), ("request_uri", &uri)]).await;
    let shown = scene.shown(&reply).await;
    let request = &shown["request"];
    assert_eq!((&request["signed"], &request["pushed"]), (&json!(true), &json!(true)));
    assert_eq!(request["scope"], json!(["openid", "email"]));
    let params = scene.stand.finish(&mut browser, &reply.interaction(), "alice").await;
    assert!(params.contains_key("code"));
    for (changes, code) in [
        (json!({ "iss": "web" }), "invalid_request_object"),
        (json!({ "client_id": "web" }), "invalid_request_object"),
        (json!({ "exp": 1 }), "invalid_request_object"),
        (json!({ "request_uri": "https://client.example/r" }), "invalid_request_object"),
        (json!({ "redirect_uri": "https://evil.example/" }), "invalid_request"),
        (json!({ "scope": "admin" }), "invalid_scope"),
    ] {
        let refused = scene.push(&[("request", &scene.key.sign(&scene.altered(&changes)))]).await;
        assert_eq!((refused.status, refused.error()), (400, code), "{changes}: {}", refused.text);
    }
    // Another client cannot push it in its own name.
    let stolen = scene.stand.post("/par", "web", &[("request", &scene.object())]).await;
    assert_eq!((stolen.status, stolen.error()), (400, "invalid_request_object"), "{}", stolen.text);
}

#[tokio::test]
async fn an_object_of_64_kib_can_be_pushed_if_the_request_in_it_is_small_enough() {
    let scene = Scene::start().await;
    let of = |bytes: usize| scene.key.sign(&scene.altered(&json!({ "jti": "x".repeat(bytes) })));
    let fits = of(48_000);
    assert!(fits.len() < 64 * 1024);
    assert_eq!(scene.push(&[("request", &fits)]).await.status, 201);
    let larger = of(49_500);
    assert!(larger.len() > 64 * 1024);
    let refused = scene.push(&[("request", &larger)]).await;
    assert_eq!((refused.status, refused.error()), (400, "invalid_request_object"), "{}", refused.text);
    let long = scene.key.sign(&scene.altered(&json!({ "hidden": "x".repeat(33 * 1024) })));
    let refused = scene.push(&[("request", &long)]).await;
    assert_eq!((refused.status, refused.error()), (400, "invalid_request"), "{}", refused.text);
    // A browser cannot carry as much.
    let reply = scene.visit(&mut Browser::new(), &[("client_id", "jar"), ("request", &of(30_000))]).await;
    assert_page(&reply, "longer than");
}

#[tokio::test]
async fn its_type_and_life_are_as_strict_as_the_operator_wants() {
    let scene = Scene::with(|config, _| {
        config.request_objects.explicit_type = true;
        config.request_objects.max_lifetime = Some(3_600);
    })
    .await;
    let now = scene.stand.now();
    scene.refused(&scene.object(), "type").await;
    let header = json!({ "alg": "EdDSA", "kid": "key-1", "typ": "oauth-authz-req+jwt" });
    let with = |changes: &Value| scene.key.sign_with(&header, &scene.altered(changes));
    for (changes, why) in [
        (json!({ "nbf": null }), "nbf"),
        (json!({ "exp": null }), "exp"),
        (json!({ "nbf": now - 3_700 }), "seconds ago"),
        (json!({ "exp": now + 3_601 }), "good for more"),
    ] {
        scene.refused(&with(&changes), why).await;
    }
    scene.ask(&with(&json!({ "nbf": now - 3_500, "exp": now + 60 }))).await.interaction();
    let scene = Scene::with(|config, _| config.request_objects.expires = false).await;
    scene.ask(&scene.key.sign(&scene.altered(&json!({ "exp": null })))).await.interaction();
}

#[tokio::test]
async fn an_object_with_an_id_counts_once_if_the_operator_wants_that() {
    let scene = Scene::with(|config, _| config.request_objects.single_use = true).await;
    let once = scene.key.sign(&scene.altered(&json!({ "jti": "1" })));
    // What is refused is not used up.
    let refused = scene.key.sign(&scene.altered(&json!({ "jti": "1", "scope": "admin" })));
    assert_eq!(scene.ask(&refused).await.params()["error"], "invalid_scope");
    let racing = futures_util::future::join_all((0..20).map(|_| scene.ask(&once))).await;
    let (asked, told): (Vec<_>, Vec<_>) =
        racing.into_iter().partition(|reply| reply.header("location").starts_with("https://login.example"));
    assert_eq!((asked.len(), told.len()), (1, 19));
    for reply in told {
        assert_page(&reply, "used before");
    }
    let pushed = scene.push(&[("request", &once)]).await;
    assert_eq!((pushed.status, pushed.error()), (400, "invalid_request_object"), "{}", pushed.text);
    let another = scene.key.sign(&scene.altered(&json!({ "jti": "2" })));
    assert_eq!(scene.push(&[("request", &another)]).await.status, 201);
    assert_page(&scene.ask(&another).await, "used before");
    for _ in 0..2 {
        scene.ask(&scene.object()).await.interaction();
    }
}

#[tokio::test]
async fn an_object_can_be_encrypted_to_the_server() {
    let scene = Scene::start().await;
    for (alg, enc) in
        [(Algorithm::RsaOaep256, Encryption::A256gcm), (Algorithm::EcdhEs, Encryption::A128cbcHs256)]
    {
        let object = encrypt_to_server(&scene.stand, alg, enc, &scene.object()).await;
        let shown = scene.shown(&scene.ask(&object).await).await;
        assert_eq!(shown["request"]["signed"], true);
        assert_eq!(scene.push(&[("request", &object)]).await.status, 201);
    }
    // Anybody can encrypt to the server: what is inside has to be signed nevertheless.
    let (alg, enc) = (Algorithm::RsaOaep256, Encryption::A256gcm);
    let inner = unsigned(&json!({ "alg": "none" }), &scene.claims());
    scene.refused(&encrypt_to_server(&scene.stand, alg, enc, &inner).await, "not signed").await;
    let inner = Signer::new("key-1").sign(&scene.claims());
    scene.refused(&encrypt_to_server(&scene.stand, alg, enc, &inner).await, "signature").await;
    scene.refused(&encrypt_to_server(&scene.stand, alg, enc, "{}").await, "request object").await;
    scene.refused("a.b.c.d.e", "decrypted").await;
}

/// A server on this machine that answers every request with `answer`; gives its address, and how often it was asked.
async fn serve(answer: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = hits.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&answer()).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, hits)
}

fn response(status: &str, media_type: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

/// A scene whose client may refer to objects below this address.
async fn referring(uris: &[String]) -> Scene {
    Scene::with(|config, metadata| {
        config.request_objects.by_reference = true;
        metadata["request_uris"] = json!(uris);
    })
    .await
}

async fn refer(scene: &Scene, uri: &str) -> Reply {
    scene.visit(&mut Browser::new(), &[("client_id", "jar"), ("request_uri", uri)]).await
}

#[tokio::test]
async fn an_object_can_be_fetched_from_where_the_client_registered() {
    let served = Arc::new(std::sync::Mutex::new(Vec::new()));
    let body = served.clone();
    let (address, hits) = serve(move || body.lock().unwrap().clone()).await;
    let uri = format!("{address}/r");
    let scene = referring(std::slice::from_ref(&uri)).await;
    let object = scene.object();
    for media_type in
        ["application/oauth-authz-req+jwt", "application/jwt", "application/jose; charset=utf-8"]
    {
        *served.lock().unwrap() = response("200 OK", media_type, &object);
        let shown = scene.shown(&refer(&scene, &uri).await).await;
        assert_eq!(shown["request"]["signed"], true);
    }
    assert_eq!(hits.load(Ordering::SeqCst), 3, "nothing is kept");
    // A fragment tells versions apart for those who keep what they fetched (OpenID Connect Core section 6.2).
    for version in ["v2", &URL_SAFE_NO_PAD.encode(Sha256::digest("an earlier one"))] {
        refer(&scene, &format!("{uri}#{version}")).await.interaction();
    }
    assert_eq!(hits.load(Ordering::SeqCst), 5, "fetched anew each time");
    *served.lock().unwrap() =
        response("200 OK", "application/jwt", &Signer::new("key-1").sign(&scene.claims()));
    assert_page(&refer(&scene, &uri).await, "invalid_request_object");
}

#[tokio::test]
async fn only_registered_places_are_asked_and_only_if_the_operator_wants_it() {
    let (address, hits) = serve(|| response("200 OK", "application/jwt", "x")).await;
    let registered = format!("{address}/r");
    let scene = referring(std::slice::from_ref(&registered)).await;
    for uri in [
        format!("{address}/other"),
        format!("{address}/r/../other"),
        format!("{registered}?x=1"),
        format!("{registered}/"),
        "https://evil.example/".to_owned(),
        "urn:x".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        assert_page(&refer(&scene, &uri).await, "invalid_request_uri");
    }
    let off = Scene::with(|_, metadata| metadata["request_uris"] = json!([registered])).await;
    assert_page(&refer(&off, &registered).await, "request_uri_not_supported");
    let named = [("client_id", "jar"), ("request_uri", registered.as_str()), ("redirect_uri", CALLBACK)];
    let told = off.visit(&mut Browser::new(), &named).await.params();
    assert_eq!(told["error"], "request_uri_not_supported");
    let pushed = scene.push(&[("request_uri", &registered)]).await;
    assert_eq!((pushed.status, pushed.error()), (400, "invalid_request"), "{}", pushed.text);
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_reference_leads_nowhere_inside_and_takes_little_from_where_it_leads() {
    let (inside, hits) = serve(|| response("200 OK", "application/jwt", "x")).await;
    let elsewhere = inside.clone();
    let (redirects, _) = serve(move || {
        format!("HTTP/1.1 302 Found\r\nLocation: {elsewhere}/\r\nContent-Length: 0\r\n\r\n").into_bytes()
    })
    .await;
    let (endless, _) = serve(|| response("200 OK", "application/jwt", &"x".repeat(1024 * 1024))).await;
    let (page, _) = serve(|| response("200 OK", "text/html", "<html>")).await;
    let (missing, _) = serve(|| response("404 Not Found", "application/jwt", "x")).await;
    let (binary, _) = serve(|| {
        let mut answer = response("200 OK", "application/jwt", "");
        answer.extend([0xff, 0xfe]);
        answer
    })
    .await;
    let uris: Vec<String> = [
        "https://10.0.0.1/r",
        "https://192.168.1.1/r",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00::1]/r",
        "https://[fe80::1]/r",
        "https://0.0.0.0/r",
        "https://127.0.0.1:1/r",
        redirects.as_str(),
        endless.as_str(),
        page.as_str(),
        missing.as_str(),
        binary.as_str(),
    ]
    .map(ToOwned::to_owned)
    .to_vec();
    let scene = referring(&uris).await;
    for uri in &uris {
        assert_page(&refer(&scene, uri).await, "invalid_request_uri");
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0, "a redirect was followed");
}

#[tokio::test]
async fn policies_learn_that_a_request_was_signed() {
    let sidecar = Sidecar::start(|_| allow()).await;
    let scene = Scene::with(|config, _| {
        config.policy.push(sidecar.policy("guard", &["authorization.request"]));
    })
    .await;
    scene.ask(&scene.object()).await.interaction();
    let asked = sidecar.requests();
    assert_eq!(asked[0]["authorization_request"]["request"]["signed"], true);
    assert!(!asked[0].to_string().contains("the-state"));
}

#[tokio::test]
async fn contradictory_settings_are_refused() {
    let refused = |change: fn(&mut Config)| {
        let mut config = Config { development: true, ..Config::default() };
        change(&mut config);
        config.check().map_err(|error| error.to_string()).expect_err("it is refused")
    };
    assert!(
        refused(|c| {
            c.request_objects.required = true;
            c.request_objects.unsigned = true;
        })
        .contains("contradicts")
    );
    assert!(
        refused(|c| {
            c.request_objects.single_use = true;
            c.request_objects.expires = false;
        })
        .contains("single_use")
    );
    assert!(refused(|c| c.request_objects.max_lifetime = Some(0)).contains("max_lifetime"));
}
