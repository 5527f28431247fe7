//! OAuth 2.0 Attestation-Based Client Authentication (a draft): whose word counts, challenges, and what is announced.

use placet_oauth::profile::Profile;
use placet_server::config::{Attester, Config, ConfigError};
use reqwest::Method;
use serde_json::json;

use super::{
    attesting::{ATTESTATION, Backend, INVALID, OWN, Scene, post, post_with},
    encrypting::Shelf,
    harness::{Reply, Stand},
    helpers::{client, configured},
    prover::{self, Prover},
};

#[tokio::test]
async fn an_attester_vouches_for_the_clients_that_are_set_and_for_no_other() {
    let backend = Backend::new();
    let instance = Prover::new();
    for (ids, status) in [(vec!["other"], 400), (vec!["other", "wallet"], 200), (vec!["*"], 200)] {
        let stand = Stand::with(|config| {
            backend.introduce(config);
            config.client_attestation.attesters[0].client_ids =
                ids.iter().map(|id| (*id).to_owned()).collect();
        })
        .await;
        let reply = post(&stand, &backend, ("wallet", &instance), ("/token", &OWN)).await;
        assert_eq!(reply.status, status, "{ids:?}: {}", reply.text);
    }
}

#[tokio::test]
async fn an_issuer_counts_where_one_is_set_and_so_does_an_age() {
    let scene = Scene::with(|config| {
        let attester = &mut config.client_attestation.attesters[0];
        attester.issuer = Some("https://attester.example".to_owned());
        attester.max_age = Some(300);
    })
    .await;
    let now = scene.stand.now();
    scene.is_let_in().await;
    let proof = scene.pop(|_, _| ());
    let elsewhere = scene.attestation(|_, c| c["iss"] = json!("https://elsewhere.example"));
    scene.refused((&elsewhere, &proof), (INVALID, "no attester")).await;
    let old = scene.attestation(|_, c| c["iat"] = json!(now - 311));
    scene.refused((&old, &proof), ("use_fresh_attestation", "fresh")).await;
    let undated = scene.attestation(|_, c| drop(c.as_object_mut().unwrap().remove("iat")));
    scene.refused((&undated, &proof), ("use_fresh_attestation", "fresh")).await;
    let named = scene.attestation(|_, c| c["iss"] = json!("https://attester.example"));
    assert_eq!(scene.send(&named, &proof).await.status, 200);
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_trouble_of_the_server_and_use_nothing_up() {
    let shelf = Shelf::empty().await;
    let scene = Scene::with(|config| {
        let attester = &mut config.client_attestation.attesters[0];
        (attester.jwks, attester.jwks_uri) = (None, Some(shelf.uri.clone()));
    })
    .await;
    let (attestation, proof) = (scene.attestation(|_, _| ()), scene.pop(|_, _| ()));
    let reply = scene.send(&attestation, &proof).await;
    assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"), "{}", reply.text);
    // Somebody else who vouches for the client, too, does not need them.
    let inline = Scene::with(|config| {
        let down = Attester {
            jwks: None,
            jwks_uri: Some(shelf.uri.clone()),
            ..config.client_attestation.attesters[0].clone()
        };
        config.client_attestation.attesters.insert(0, Attester { name: "down".to_owned(), ..down });
    })
    .await;
    inline.is_let_in().await;
    shelf.put(scene.backend.jwks());
    let fresh = Scene::with(|config| {
        let attester = &mut config.client_attestation.attesters[0];
        (attester.jwks, attester.jwks_uri) = (None, Some(shelf.uri.clone()));
    })
    .await;
    shelf.put(fresh.backend.jwks());
    fresh.is_let_in().await;
}

#[tokio::test]
async fn proofs_answer_a_challenge_where_that_is_asked_for() {
    let scene = Scene::with(|config| config.client_attestation.require_challenge = true).await;
    let Scene { stand, backend, instance } = &scene;
    let attestation = scene.attestation(|_, _| ());
    let first = scene.send(&attestation, &scene.pop(|_, _| ())).await;
    assert_eq!((first.status, first.error()), (400, "use_attestation_challenge"), "{}", first.text);
    let told = first.header("oauth-client-attestation-challenge").to_owned();
    let with = |challenge: &str| scene.pop(|_, c| c["challenge"] = json!(challenge));
    assert_eq!(scene.send(&attestation, &with(&told)).await.status, 200);

    let asked = post_with(stand, "/challenge", &[], &[]).await;
    assert_eq!((asked.status, asked.header("cache-control")), (200, "no-store"));
    let given = asked.json["attestation_challenge"].as_str().unwrap();
    let proof = with(given);
    assert_eq!(scene.send(&attestation, &proof).await.status, 200);
    scene.refused((&attestation, &proof), (INVALID, "used before")).await;
    for wrong in ["made-up", &format!("{given}x")] {
        let reply = scene.send(&attestation, &with(wrong)).await;
        assert_eq!(reply.error(), "use_attestation_challenge", "{}", reply.text);
    }

    // Where the proof is that of DPoP, its nonce is the answer.
    let combined = |nonce: Option<&str>| {
        let mut claims = prover::claims(stand, "POST", "/token");
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        [(ATTESTATION, backend.attest(stand, "combined", instance)), ("DPoP", instance.proof_of(&claims))]
    };
    let without = post_with(stand, "/token", &OWN, &combined(None)).await;
    assert_eq!((without.status, without.error()), (400, "use_attestation_challenge"), "{}", without.text);
    assert_eq!(post_with(stand, "/token", &OWN, &combined(Some(given))).await.status, 200);

    stand.clock.advance(601);
    let late = scene.send(&scene.attestation(|_, _| ()), &with(&told)).await;
    assert_eq!(late.error(), "use_attestation_challenge", "{}", late.text);
}

#[tokio::test]
async fn a_client_that_lacks_a_challenge_has_not_failed() {
    let scene = Scene::with(|config| {
        config.client_attestation.require_challenge = true;
        config.limits.enabled = true;
        config.limits.failures = 2;
    })
    .await;
    let attestation = scene.attestation(|_, _| ());
    let mut challenge = String::new();
    for _ in 0..5 {
        let reply = scene.send(&attestation, &scene.pop(|_, _| ())).await;
        assert_eq!(reply.error(), "use_attestation_challenge", "{}", reply.text);
        challenge = reply.header("oauth-client-attestation-challenge").to_owned();
    }
    let proof = scene.pop(|_, c| c["challenge"] = json!(challenge));
    assert_eq!(scene.send(&attestation, &proof).await.status, 200);
}

#[tokio::test]
async fn all_of_it_is_off_unless_it_is_set() {
    let backend = Backend::new();
    let stand = Stand::start().await;
    let document = stand.server.discovery();
    let methods = document["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.iter().all(|method| !method.as_str().unwrap().starts_with("attest_")));
    assert_eq!(document.get("client_attestation_signing_alg_values_supported"), None);
    assert_eq!(document.get("challenge_endpoint"), None);
    assert_eq!(post_with(&stand, "/challenge", &[], &[]).await.status, 404);
    let body = json!({ "redirect_uris": ["https://wallet.example/cb"], "token_endpoint_auth_method": "attest_jwt_client_auth" });
    let register = |stand: &Stand| stand.http.post(format!("{}/register", stand.issuer)).json(&body).send();
    let reply = Reply::read(register(&stand).await.unwrap()).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_client_metadata"), "{}", reply.text);
    let reply = post(&stand, &backend, ("wallet", &Prover::new()), ("/token", &OWN)).await;
    assert_eq!((reply.status, reply.error()), (401, "invalid_client"), "{}", reply.text);

    let on = Scene::with(|config| config.client_attestation.require_challenge = true).await.stand;
    let document = on.server.discovery();
    let methods = document["token_endpoint_auth_methods_supported"].as_array().unwrap();
    for method in ["attest_jwt_client_auth", "attest_jwt_client_auth_dpop"] {
        assert!(methods.contains(&json!(method)));
    }
    assert_eq!(
        document["client_attestation_signing_alg_values_supported"],
        json!(["PS256", "ES256", "ES384", "EdDSA"])
    );
    let algs = &document["client_attestation_pop_signing_alg_values_supported"];
    assert_eq!(algs, &document["dpop_signing_alg_values_supported"]);
    assert_eq!(document["challenge_endpoint"], format!("{}/challenge", on.issuer));
    let reply = Reply::read(register(&on).await.unwrap()).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(reply.json["token_endpoint_auth_method"], "attest_jwt_client_auth");
    assert_eq!(reply.json.get("client_secret"), None, "it needs none");
}

#[tokio::test]
async fn scripts_of_other_origins_may_send_and_read_the_headers() {
    let scene = Scene::with(|config| config.client_attestation.require_challenge = true).await;
    let url = format!("{}/token", scene.stand.issuer);
    let asked = scene.stand.http.request(Method::OPTIONS, &url).header("Origin", "https://app.example");
    let reply = Reply::read(asked.send().await.unwrap()).await;
    assert!(reply.header("access-control-allow-headers").contains("oauth-client-attestation-pop"));
    let asked = scene.stand.http.post(&url).header("Origin", "https://app.example").form(&OWN);
    let reply = Reply::read(asked.send().await.unwrap()).await;
    assert!(reply.header("access-control-expose-headers").contains("oauth-client-attestation-challenge"));
}

#[test]
fn what_is_unsafe_or_of_no_use_is_refused() {
    let backend = Backend::new();
    let wrong = |change: &dyn Fn(&mut Config)| {
        let mut config = Config {
            issuer: "https://as.example".to_owned(),
            master_key_file: Some("master.key".into()),
            ..Config::default()
        };
        config.client_attestation.enabled = true;
        config.client_attestation.attesters = vec![backend.attester()];
        change(&mut config);
        match config.check() {
            Ok(()) => Vec::new(),
            Err(ConfigError::Refused(wrong)) => wrong,
            Err(other) => panic!("{other}"),
        }
    };
    let attester = |change: fn(&mut Attester)| wrong(&|c| change(&mut c.client_attestation.attesters[0]));
    assert_eq!(wrong(&|_| ()), Vec::<String>::new());
    for (found, what) in [
        (wrong(&|c| c.client_attestation.attesters.clear()), "without attesters"),
        (wrong(&|c| c.profile = Some(Profile::Fapi2SecurityProfile)), "does not allow"),
        (wrong(&|c| c.client_attestation.attesters.push(backend.attester())), "name of its own"),
        (attester(|a| a.client_ids.clear()), "client_ids is needed"),
        (attester(|a| a.jwks = None), "either jwks or jwks_uri"),
        (attester(|a| a.jwks_uri = Some("https://keys.example".to_owned())), "either jwks or jwks_uri"),
        (attester(|a| (a.jwks, a.jwks_uri) = (None, Some("http://keys.example".to_owned()))), "https URL"),
        (attester(|a| a.algorithms = vec!["HS256".to_owned()]), "`HS256` is not supported"),
        (attester(|a| a.algorithms.clear()), "must not be empty"),
        (attester(|a| a.issuer = Some("https://as.example".to_owned())), "another than this server"),
        (attester(|a| a.max_age = Some(0)), "max_age"),
        (attester(|a| a.jwks = json!({}).as_object().cloned()), "keys"),
        (
            wrong(&|c| {
                c.client_attestation.enabled = false;
                let metadata = json!({
                    "token_endpoint_auth_method": "attest_jwt_client_auth", "grant_types": ["client_credentials"],
                });
                c.clients.push(configured("wallet", &metadata));
                client(c, "wallet").secret = None;
            }),
            "is not allowed here",
        ),
    ] {
        assert!(found.iter().any(|line| line.contains(what)), "`{what}` is not in {found:#?}");
    }
}
