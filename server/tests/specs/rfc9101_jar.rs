//! Authorization requests as JWTs of their client (RFC 9101, OpenID Connect Core section 6).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_jose::{Algorithm, Encryption};
use placet_oauth::credentials::JWT_BEARER;
use serde_json::{Value, json};

use super::{
    encrypting::encrypt_to_server,
    harness::{Browser, CALLBACK, SECRET},
    helpers::text,
    policy_stage::allow,
    requesting::{Scene, assert_page, unsigned},
    sidecar::Sidecar,
    signer::Signer,
};

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
