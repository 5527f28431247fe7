//! RFC 7518 section 3.1: the algorithms of signatures, of what this server signs and of what it is shown.

use std::sync::Arc;

use placet_oauth::credentials::JWT_BEARER;
use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, CHALLENGE, Reply, SECRET, Stand, VERIFIER},
    helpers::{client, configured, decode, header, jwks, text, verified},
    prover::{Prover, claims as proof_claims, digest, token},
};

const ALL: [&str; 9] = ["RS256", "PS256", "ES256", "EdDSA", "RS384", "RS512", "PS384", "PS512", "ES384"];
/// Those that have a key from the start.
const AT_HAND: usize = 4;

async fn discovery(stand: &Stand) -> Value {
    let url = format!("{}/.well-known/openid-configuration", stand.issuer);
    Reply::read(stand.http.get(url).send().await.unwrap()).await.json
}

/// The algorithms of the published keys.
async fn published(stand: &Stand) -> Vec<String> {
    jwks(stand).await.iter().filter_map(|key| key["alg"].as_str().map(str::to_owned)).collect()
}

/// Registers a client that wants everything signed with this algorithm; gives its id and secret.
async fn registered(stand: &Stand, alg: &str) -> (String, String) {
    let metadata = json!({
        "redirect_uris": [CALLBACK], "id_token_signed_response_alg": alg, "userinfo_signed_response_alg": alg,
        "introspection_signed_response_alg": alg, "authorization_signed_response_alg": alg,
    });
    let request = stand.http.post(format!("{}/register", stand.issuer)).json(&metadata);
    let reply = Reply::read(request.send().await.unwrap()).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    (text(&reply.json["client_id"]), text(&reply.json["client_secret"]))
}

/// Redeems a code of a registered client.
async fn redeem(stand: &Stand, (id, secret): (&str, &str), code: &str) -> Value {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let request = stand.http.post(format!("{}/token", stand.issuer)).basic_auth(id, Some(secret)).form(&form);
    let reply = Reply::read(request.send().await.unwrap()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

async fn introspection(stand: &Stand, (id, secret): (&str, &str), token: &str) -> String {
    let request = stand.http.post(format!("{}/introspect", stand.issuer)).basic_auth(id, Some(secret));
    let request = request.header("accept", "application/token-introspection+jwt").form(&[("token", token)]);
    Reply::read(request.send().await.unwrap()).await.text
}

#[tokio::test]
async fn whatever_a_client_chooses_of_discovery_signs_all_that_it_gets() {
    let stand = Stand::start().await;
    let found = discovery(&stand).await;
    for name in ["id_token", "userinfo", "introspection", "authorization"] {
        let listed = &found[format!("{name}_signing_alg_values_supported")];
        assert_eq!(*listed, json!([&ALL[..], &["HS256", "HS384", "HS512"]].concat()), "{name}");
    }
    for alg in &ALL[AT_HAND..] {
        assert!(!published(&stand).await.contains(&(*alg).to_owned()), "{alg} costs nothing yet");
        let (id, secret) = registered(&stand, alg).await;
        let own = (id.as_str(), secret.as_str());
        let params = stand.sign_in(&mut Browser::new(), &id, &[("response_mode", "jwt")]).await;
        let (_, answer) = verified(&stand, &params["response"]).await;
        let tokens = redeem(&stand, own, &text(&answer["code"])).await;
        let access = text(&tokens["access_token"]);
        for jwt in [
            params["response"].clone(),
            text(&tokens["id_token"]),
            stand.userinfo(&access).await.text,
            introspection(&stand, own, &access).await,
        ] {
            assert_eq!(verified(&stand, &jwt).await.0["alg"], *alg);
        }
        // The hash of the access token is that of the algorithm (OpenID Connect Core section 3.1.3.6).
        let (_, id_token) = verified(&stand, &text(&tokens["id_token"])).await;
        let hashed = openssl::hash::hash(digest(alg), access.as_bytes()).unwrap();
        let half = &hashed[..hashed.len() / 2];
        assert_eq!(decode(&text(&id_token["at_hash"])), half, "{alg}");
        assert_eq!(published(&stand).await.iter().filter(|one| one == alg).count(), 1);
    }
}

#[tokio::test]
async fn access_tokens_and_metadata_are_signed_as_the_operator_says() {
    let stand = Stand::with(|config| {
        config.signing_alg = Some("ES384".to_owned());
        client(config, "other").settings.access_token.signing_alg = Some("PS384".to_owned());
        config.resource = serde_json::from_value(json!([
            { "uri": "https://rs512.example", "signing_alg": "RS512" },
        ]))
        .unwrap();
    })
    .await;
    // What is in the configuration has its key before the first request.
    let keys = published(&stand).await;
    assert!(["ES384", "PS384", "RS512"].iter().all(|alg| keys.contains(&(*alg).to_owned())), "{keys:?}");
    assert!(!keys.contains(&"RS384".to_owned()));
    for (id, resource, alg) in [
        ("web", stand.issuer.as_str(), "ES384"),
        ("other", &stand.issuer, "PS384"),
        ("other", "https://rs512.example", "RS512"),
    ] {
        let extra = [("scope", "openid"), ("resource", resource)];
        let params = stand.sign_in(&mut Browser::new(), id, &extra).await;
        let token = text(&stand.redeem(id, &params["code"]).await.json["access_token"]);
        assert_eq!(verified(&stand, &token).await.0["alg"], alg);
        assert!(stand.is_active(id, &token).await);
    }
    let url = format!("{}/.well-known/placet-resource-metadata?resource=https://rs512.example", stand.issuer);
    let document = Reply::read(stand.http.get(url).send().await.unwrap()).await.json;
    assert_eq!(verified(&stand, &text(&document["signed_metadata"])).await.0["alg"], "ES384");
}

#[tokio::test]
async fn of_many_first_uses_one_makes_the_key_and_other_processes_know_it_at_once() {
    let one = Arc::new(Stand::start().await);
    let issuer = one.issuer.clone();
    let two = Stand::on(one.environment().store, |config| config.issuer = issuer).await;
    let (id, secret) = registered(&one, "ES384").await;
    let mut codes = Vec::new();
    for _ in 0..8 {
        codes.push(one.sign_in(&mut Browser::new(), &id, &[]).await["code"].clone());
    }
    let mut racing = Vec::new();
    for code in codes {
        let (stand, id, secret) = (one.clone(), id.clone(), secret.clone());
        racing.push(tokio::spawn(async move { redeem(&stand, (&id, &secret), &code).await }));
    }
    let mut kids = std::collections::BTreeSet::new();
    let mut token = String::new();
    for race in racing {
        token = text(&race.await.unwrap()["id_token"]);
        kids.insert(text(&header(&token)["kid"]));
    }
    assert_eq!(kids.len(), 1);
    // The other process has loaded its keys before this one was made.
    let hint = [("id_token_hint", token.as_str()), ("prompt", "none")];
    let params = Browser::new().authorize(&two, &id, &hint).await.params();
    assert_eq!(params["error"], "login_required", "the hint counts: {params:?}");
}

#[tokio::test]
async fn clients_authenticate_and_ask_and_prove_with_every_algorithm() {
    let provers: Vec<(&str, Prover)> = ALL.iter().map(|alg| (*alg, Prover::for_algorithm(alg))).collect();
    let stand = Stand::with(|config| {
        for (alg, prover) in &provers {
            let mut metadata = json!({
                "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": alg,
                "request_object_signing_alg": alg, "jwks": { "keys": [prover.jwk()] },
                "grant_types": ["authorization_code", "client_credentials"], "scope": "openid reports.read",
            });
            metadata["redirect_uris"] = json!([CALLBACK]);
            let mut client = configured(alg, &metadata);
            client.secret = None;
            config.clients.push(client);
        }
    })
    .await;
    let found = discovery(&stand).await;
    for name in ["token_endpoint_auth", "request_object", "dpop"] {
        let listed = found[format!("{name}_signing_alg_values_supported")].as_array().unwrap();
        assert!(ALL.iter().all(|alg| listed.contains(&json!(alg))), "{name}");
    }
    for (n, (alg, prover)) in provers.iter().enumerate() {
        let now = stand.now();
        let assertion = |alg: &str| {
            prover.sign(
                &json!({ "alg": alg }),
                &json!({ "iss": ALL[n], "sub": ALL[n], "aud": stand.issuer, "exp": now + 60, "jti": "a" }),
            )
        };
        let form = |assertion: &str| {
            [
                ("grant_type", "client_credentials".to_owned()),
                ("client_assertion_type", JWT_BEARER.to_owned()),
                ("client_assertion", assertion.to_owned()),
            ]
        };
        let post = async |assertion: &str| {
            let request = stand.http.post(format!("{}/token", stand.issuer)).form(&form(assertion));
            Reply::read(request.send().await.unwrap()).await
        };
        // Another name of the same family, over the same signature, is none of it.
        let other = ALL[(n + 1) % ALL.len()];
        assert_eq!(post(&assertion(other)).await.error(), "invalid_client", "{alg} as {other}");
        assert_eq!(post(&assertion(alg)).await.status, 200, "{alg}");

        let object = prover.sign(
            &json!({ "alg": alg }),
            &json!({
                "iss": alg, "aud": stand.issuer, "exp": now + 60, "client_id": alg, "redirect_uri": CALLBACK,
                "response_type": "code", "scope": "openid", "code_challenge": CHALLENGE,
                "code_challenge_method": "S256",
            }),
        );
        let url = format!("{}/authorize?client_id={alg}&request={object}", stand.issuer);
        assert_eq!(Browser::new().get(&url).await.status, 303, "{alg}");

        let form = [("grant_type", "client_credentials")];
        let reply = token(&stand, "service", &form, Some(prover)).await;
        assert_eq!(reply.json["token_type"], "DPoP", "{alg}: {}", reply.text);
        let mut secret = prover.header();
        secret["alg"] = "HS256".into();
        let proof = prover.sign(&secret, &proof_claims(&stand, "POST", "/token"));
        let request = stand.http.post(format!("{}/token", stand.issuer)).basic_auth("service", Some(SECRET));
        let reply = Reply::read(request.header("DPoP", proof).form(&form).send().await.unwrap()).await;
        assert_eq!(reply.error(), "invalid_dpop_proof");
    }
}

#[test]
fn the_operator_cannot_choose_what_there_is_not_nor_what_a_profile_forbids() {
    let wrong = |change: &dyn Fn(&mut placet_server::config::Config)| {
        let mut config = placet_server::config::Config { development: true, ..Default::default() };
        change(&mut config);
        config.check().err().map(|error| error.to_string()).unwrap_or_default()
    };
    for alg in ["none", "HS256", "ES512", "es256", ""] {
        let found = wrong(&|config| config.signing_alg = Some(alg.to_owned()));
        assert!(found.contains(&format!("signing_alg: `{alg}` is not supported")), "{found}");
    }
    let under = |alg: &'static str| {
        wrong(&|config| {
            config.profile = Some(placet_oauth::profile::Profile::Fapi2SecurityProfile);
            config.signing_alg = Some(alg.to_owned());
        })
    };
    assert!(under("ES384").contains("must be PS256, ES256 or EdDSA"), "{}", under("ES384"));
    assert!(!under("PS256").contains("signing_alg"));
}
