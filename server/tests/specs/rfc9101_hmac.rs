//! Request objects under the secret of their client (OpenID Connect Core section 6.1, RFC 9101 section 6.2).

use placet_oauth::profile::Profile;
use placet_server::server::Server;
use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, CHALLENGE, Reply, SECRET, Stand, UI},
    helpers::{client, configured, text},
    oidc_core_symmetric::make,
    signer::Signer,
};

fn claims(stand: &Stand, id: &str) -> Value {
    json!({
        "iss": id, "aud": stand.issuer, "exp": stand.now() + 60, "client_id": id, "redirect_uri": CALLBACK,
        "response_type": "code", "scope": "openid", "state": "inside", "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    })
}

/// A server at which these clients sign their requests with these algorithms; null is none.
async fn stand(clients: &[(&str, Value)]) -> Stand {
    Stand::with(|config| {
        for (id, alg) in clients {
            let metadata = json!({ "redirect_uris": [CALLBACK], "request_object_signing_alg": alg });
            config.clients.push(configured(id, &metadata));
        }
    })
    .await
}

async fn ask(stand: &Stand, id: &str, object: &str) -> Reply {
    Browser::new().get(&format!("{}/authorize?client_id={id}&request={object}", stand.issuer)).await
}

async fn refused(stand: &Stand, id: &str, object: &str, why: &str) {
    let reply = ask(stand, id, object).await;
    assert_eq!(reply.status, 400, "{object}: {reply:?}");
    assert!(reply.headers.get("location").is_none());
    assert!(reply.text.contains("invalid_request_object") && reply.text.contains(why), "{}", reply.text);
    let pushed = stand.post("/par", id, &[("request", object)]).await;
    assert_eq!((pushed.status, pushed.error()), (400, "invalid_request_object"), "{}", pushed.text);
}

#[tokio::test]
async fn who_registered_it_signs_with_its_secret() {
    let clients = ["HS256", "HS384", "HS512"].map(|alg| (alg, json!(alg)));
    let stand = stand(&clients).await;
    for (id, _) in &clients {
        let object = make(id, SECRET, &claims(&stand, id));
        let mut browser = Browser::new();
        let url = format!("{}/authorize?client_id={id}&request={object}&state=outside", stand.issuer);
        let reply = browser.get(&url).await;
        let path = format!("/interactions/{}", reply.interaction());
        let shown = stand.call(UI, reqwest::Method::GET, &path, None).await.json;
        assert_eq!(shown["request"]["signed"], true);
        let params = stand.finish(&mut browser, &reply.interaction(), "alice").await;
        assert_eq!(params["state"], "inside");
        assert_eq!(stand.redeem(id, &params["code"]).await.status, 200);
        let pushed = stand.post("/par", id, &[("request", &object)]).await;
        assert_eq!(pushed.status, 201, "{}", pushed.text);
    }
    let url = format!("{}/.well-known/openid-configuration", stand.issuer);
    let found = Reply::read(stand.http.get(url).send().await.unwrap()).await.json;
    let listed = found["request_object_signing_alg_values_supported"].as_array().unwrap();
    assert!(clients.iter().all(|(alg, _)| listed.contains(&json!(alg))), "{listed:?}");
}

#[tokio::test]
async fn no_other_key_no_other_algorithm_and_nobody_else() {
    let key = Signer::new("k");
    let stand = Stand::with(|config| {
        for (id, alg) in [("hs", json!("HS256")), ("plain", Value::Null), ("ed", json!("EdDSA"))] {
            let metadata = json!({
                "redirect_uris": [CALLBACK], "request_object_signing_alg": alg, "jwks": key.jwks(),
            });
            config.clients.push(configured(id, &metadata));
        }
    })
    .await;
    let own = claims(&stand, "hs");
    let public = key.jwks()["keys"][0]["x"].as_str().unwrap().to_owned();
    let mut wider = own.clone();
    wider["scope"] = json!("openid email");
    let (genuine, wider) = (make("HS256", SECRET, &own), make("HS256", "", &wider));
    let (signature, message) = (genuine.rsplit_once('.').unwrap().1, wider.rsplit_once('.').unwrap().0);
    let altered = format!("{message}.{signature}");
    for (object, why) in [
        (make("HS256", "another secret, also one of some length", &own), "signature that does not hold"),
        (make("HS256", "", &own), "signature that does not hold"),
        (make("HS256", &public, &own), "signature that does not hold"),
        (altered, "signature that does not hold"),
        (make("HS512", SECRET, &own), "another algorithm"),
        (key.sign(&own), "another algorithm"),
        // That of another client, whose secret is the same here.
        (make("HS256", SECRET, &claims(&stand, "plain")), "issuer"),
    ] {
        refused(&stand, "hs", &object, why).await;
    }
    // A secret proves nothing of those who did not say that it does.
    for (id, why) in [("plain", "not supported"), ("ed", "another algorithm")] {
        refused(&stand, id, &make("HS256", SECRET, &claims(&stand, id)), why).await;
    }
    assert_eq!(ask(&stand, "plain", &key.sign(&claims(&stand, "plain"))).await.status, 303);
}

#[tokio::test]
async fn whoever_registers_it_gets_a_secret_that_is_kept_and_long_enough() {
    let stand = Stand::start().await;
    let register = async |metadata: &Value| {
        let request = stand.http.post(format!("{}/register", stand.issuer)).json(metadata);
        Reply::read(request.send().await.unwrap()).await
    };
    for method in ["none", "private_key_jwt"] {
        let reply = register(&json!({
            "redirect_uris": [CALLBACK], "request_object_signing_alg": "HS256",
            "token_endpoint_auth_method": method, "jwks": { "keys": [] },
        }))
        .await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_client_metadata"));
        assert!(reply.text.contains("request_object_signing_alg"), "{}", reply.text);
    }
    let reply = register(&json!({
        "redirect_uris": [CALLBACK], "request_object_signing_alg": "HS512", "require_signed_request_object": true,
    }))
    .await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let (id, secret) = (text(&reply.json["client_id"]), text(&reply.json["client_secret"]));
    assert!(secret.len() >= 64);
    assert_eq!(ask(&stand, &id, &make("HS512", &secret, &claims(&stand, &id))).await.status, 303);

    // Who registers it later has had a secret of which nothing but a digest is kept: it gets a new one.
    let plain = register(&json!({ "redirect_uris": [CALLBACK] })).await.json;
    let (id, before) = (text(&plain["client_id"]), text(&plain["client_secret"]));
    let change = json!({
        "client_id": id, "redirect_uris": [CALLBACK], "request_object_signing_alg": "HS256",
    });
    let request = stand.http.put(text(&plain["registration_client_uri"])).json(&change);
    let request = request.bearer_auth(text(&plain["registration_access_token"]));
    let changed = Reply::read(request.send().await.unwrap()).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let secret = text(&changed.json["client_secret"]);
    assert_ne!(secret, before);
    let own = claims(&stand, &id);
    assert_eq!(ask(&stand, &id, &make("HS256", &secret, &own)).await.status, 303);
    let reply = ask(&stand, &id, &make("HS256", &before, &own)).await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn a_secret_that_is_too_short_for_its_algorithm_signs_nothing() {
    let stand = Stand::start().await;
    for (alg, length, starts) in
        [("HS256", 31, false), ("HS256", 32, true), ("HS512", 63, false), ("HS512", 64, true)]
    {
        let mut config = stand.server.config().clone();
        let metadata = json!({ "redirect_uris": [CALLBACK], "request_object_signing_alg": alg });
        let mut client = configured("hs", &metadata);
        client.secret = Some("s".repeat(length));
        config.clients.push(client);
        assert_eq!(Server::start(config, stand.environment()).await.is_ok(), starts, "{alg} {length}");
    }
}

#[tokio::test]
async fn a_profile_allows_no_secret() {
    let stand = Stand::with(|config| {
        let metadata = json!({ "redirect_uris": [CALLBACK], "request_object_signing_alg": "HS256" });
        config.clients.push(configured("hs", &metadata));
    })
    .await;
    let own = make("HS256", SECRET, &claims(&stand, "hs"));
    assert_eq!(ask(&stand, "hs", &own).await.status, 303);
    let mut config = stand.server.config().clone();
    for profile in [Profile::Fapi1Advanced, Profile::Fapi2SecurityProfile, Profile::Fapi2MessageSigning] {
        client(&mut config, "hs").settings.profile = Some(profile);
        let wrong = config.check().unwrap_err().to_string();
        let text = "`request_object_signing_alg` must be PS256, ES256 or EdDSA, and is HS256";
        assert!(wrong.contains(text), "{wrong}");
    }
}
