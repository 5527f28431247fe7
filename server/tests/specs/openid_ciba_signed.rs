//! OpenID Connect CIBA Core: signed authentication requests (section 7.1.1), hints that are JWTs, and tokens that are
//! bound.

use placet_oauth::profile::Profile;
use placet_server::config::TrustedIssuer;
use serde_json::{Value, json};

use super::{
    calling::{BY_JWT, CIBA, Desk, caller},
    harness::{Reply, claims},
    helpers::{client, text},
    prover::{Prover, claims as proof_claims, token},
    signer::Signer,
};

const PARTNER: &str = "https://partner.example";

async fn send(desk: &Desk, request: &str) -> Reply {
    desk.stand.post("/bc-authorize", "signer", &[("request", request)]).await
}

#[tokio::test]
async fn a_signed_request_counts_and_counts_once() {
    let desk = Desk::start().await;
    let request = desk.signed(|_| {});
    let reply = send(&desk, &request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(desk.prompt("alice").await["request"]["signed"], true);
    let again = send(&desk, &request).await;
    assert_eq!((again.status, again.error()), (400, "invalid_request"), "{}", again.text);
    assert!(again.text.contains("used before"), "{}", again.text);
    assert_eq!(desk.waiting("alice").await.len(), 1);
    assert_eq!(send(&desk, &desk.signed(|claims| claims["jti"] = json!("request-2"))).await.status, 200);
}

#[tokio::test]
async fn of_racing_copies_of_a_signed_request_one_asks() {
    let desk = Desk::start().await;
    let request = desk.signed(|_| {});
    let races: Vec<_> = (0..20)
        .map(|_| {
            let (stand, request) = (desk.stand.clone(), request.clone());
            tokio::spawn(async move {
                stand.post("/bc-authorize", "signer", &[("request", &request)]).await.status
            })
        })
        .collect();
    let mut taken = 0;
    for race in races {
        taken += i32::from(race.await.unwrap() == 200);
    }
    assert_eq!(taken, 1);
    assert_eq!(desk.waiting("alice").await.len(), 1);
}

#[tokio::test]
async fn a_request_that_is_refused_uses_up_no_id() {
    let desk = Desk::start().await;
    let unknown = desk.signed(|claims| claims["login_hint"] = json!("nobody"));
    assert_eq!(send(&desk, &unknown).await.error(), "unknown_user_id");
    let known = desk.signed(|_| {});
    assert_eq!(send(&desk, &known).await.status, 200, "the same `jti`");
}

#[tokio::test]
async fn what_is_wrong_with_a_signed_request_is_refused() {
    let desk = Desk::start().await;
    let now = desk.stand.now();
    let token_endpoint = json!(format!("{}/token", desk.stand.issuer));
    let wrong: [(&str, Value); 11] = [
        ("iss", json!("desk")),
        ("iss", Value::Null),
        ("aud", json!("https://else.example")),
        ("aud", token_endpoint),
        ("exp", json!(now - 60)),
        ("exp", json!(now + 7200)),
        ("exp", Value::Null),
        ("nbf", json!(now + 60)),
        ("iat", Value::Null),
        ("jti", Value::Null),
        ("response_type", json!("code")),
    ];
    for (name, value) in wrong {
        let request = desk.signed(|claims| match &value {
            Value::Null => {
                claims.as_object_mut().unwrap().remove(name);
            }
            value => claims[name] = value.clone(),
        });
        let reply = send(&desk, &request).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{name} {value}: {}", reply.text);
    }
    let good = desk.signed(|_| {});
    let forged = Signer::new("desk-1").sign(&claims(&good));
    assert_eq!(send(&desk, &forged).await.error(), "invalid_request");
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).unwrap());
    assert_eq!(send(&desk, &unsigned).await.error(), "invalid_request");
    let beside = desk.stand.post("/bc-authorize", "signer", &[("request", &good), ("scope", "openid")]).await;
    assert_eq!(beside.error(), "invalid_request", "{}", beside.text);
    assert!(desk.waiting("alice").await.is_empty());
    assert_eq!(send(&desk, &good).await.status, 200, "none of it used up the id");
}

#[tokio::test]
async fn a_client_signs_all_its_requests_or_none() {
    let desk = Desk::start().await;
    let plain = desk.ask("signer", &[]).await;
    assert_eq!(plain.error(), "invalid_request", "{}", plain.text);
    let request = desk.signed(|claims| claims["iss"] = json!("desk"));
    let signed = desk.stand.post("/bc-authorize", "desk", &[("request", &request)]).await;
    assert_eq!(signed.error(), "invalid_request", "{}", signed.text);
}

#[tokio::test]
async fn a_client_assertion_is_no_request_and_a_request_is_no_client_assertion() {
    let desk = Desk::asserting(|_| {}).await;
    let send = async |assertion: String, request: String| {
        let form =
            [("client_assertion_type", BY_JWT), ("client_assertion", &assertion), ("request", &request)];
        desk.stand.post_public("/bc-authorize", &form).await
    };
    assert_eq!(send(desk.assertion("a1"), desk.assertion("a2")).await.error(), "invalid_scope");
    assert_eq!(send(desk.signed(|_| {}), desk.signed(|_| {})).await.error(), "invalid_client");
    assert_eq!(send(desk.assertion("a3"), desk.signed(|_| {})).await.status, 200);
}

#[tokio::test]
async fn a_hint_may_be_a_jwt_of_the_client_or_of_a_trusted_issuer() {
    let partner = Signer::new("partner-1");
    let keys = partner.jwks();
    let desk = Desk::with(|config| {
        config.trusted_issuers = vec![TrustedIssuer {
            issuer: PARTNER.to_owned(),
            jwks: keys.as_object().cloned(),
            ..TrustedIssuer::default()
        }];
    })
    .await;
    let hint = |sub: &str, ends: i64| {
        let now = desk.stand.now();
        partner.sign(&json!({
            "iss": PARTNER, "sub": sub, "aud": desk.stand.issuer, "iat": now, "exp": now + ends,
        }))
    };
    let ask = async |hint: String| desk.ask("desk", &[("login_hint", ""), ("login_hint_token", &hint)]).await;
    let token = hint("alice", 60);
    assert_eq!(ask(token.clone()).await.status, 200);
    let told = desk.sidecar.requests().pop().unwrap();
    assert_eq!(told["ciba"]["hint"]["kind"], "login_hint_token");
    assert_eq!(told["ciba"]["hint"]["claims"]["sub"], "alice");
    assert_eq!(
        told["ciba"]["hint"]["value"],
        Value::Null,
        "policies see what was verified, and not the token"
    );
    assert_eq!(ask(token).await.status, 200, "it is used as often as the client likes");
    assert_eq!(ask(hint("nobody", 60)).await.error(), "unknown_user_id");
    assert_eq!(ask(hint("alice", -60)).await.error(), "expired_login_hint_token");
    let forged = Signer::new("partner-1").sign(&claims(&hint("alice", 60)));
    assert_eq!(ask(forged).await.error(), "invalid_request");
    let stranger = partner.sign(&json!({
        "iss": "https://stranger.example", "sub": "alice", "aud": desk.stand.issuer, "exp": desk.stand.now() + 60,
    }));
    assert_eq!(ask(stranger).await.error(), "invalid_request");
}

#[tokio::test]
async fn tokens_are_bound_to_the_key_that_asks_for_them() {
    let desk = Desk::with(|config| {
        client(config, "desk2").metadata.dpop_bound_access_tokens = Some(true);
    })
    .await;
    let key = Prover::new();
    let id = desk.asked("desk", &[]).await;
    desk.approve("alice").await;
    let form = [("grant_type", CIBA), ("auth_req_id", id.as_str())];
    let bound = token(&desk.stand, "desk", &form, Some(&key)).await;
    assert_eq!((bound.status, &bound.json["token_type"]), (200, &json!("DPoP")), "{}", bound.text);
    assert_eq!(claims(&text(&bound.json["access_token"]))["cnf"]["jkt"], key.jkt());

    let id = desk.asked("desk2", &[]).await;
    let form = [("grant_type", CIBA), ("auth_req_id", id.as_str())];
    let unproved = token(&desk.stand, "desk2", &form, None).await;
    assert_eq!(unproved.error(), "invalid_dpop_proof", "also while nobody answered: {}", unproved.text);
    let proved = token(&desk.stand, "desk2", &form, Some(&key)).await;
    assert_eq!(proved.error(), "authorization_pending", "what was refused is no question: {}", proved.text);
    desk.approve("alice").await;
    let unproved = token(&desk.stand, "desk2", &form, None).await;
    assert_eq!(unproved.error(), "invalid_dpop_proof", "{}", unproved.text);
    assert_eq!(token(&desk.stand, "desk2", &form, Some(&key)).await.status, 200, "nothing was used up");
}

#[tokio::test]
async fn fapi_wants_signed_requests_that_say_what_they_are_about_and_no_push() {
    let desk = Desk::asserting(|signer| signer.settings.profile = Some(Profile::FapiCiba)).await;
    let send = async |jti: &str, request: String| {
        let assertion = desk.assertion(jti);
        let form =
            [("client_assertion_type", BY_JWT), ("client_assertion", &assertion), ("request", &request)];
        desk.stand.post_public("/bc-authorize", &form).await
    };
    let mute = desk.signed(|claims| {
        claims.as_object_mut().unwrap().remove("binding_message");
    });
    assert_eq!(send("a1", mute).await.error(), "invalid_binding_message");
    let taken = send("a2", desk.signed(|_| {})).await;
    assert_eq!(taken.status, 200, "{}", taken.text);
    desk.approve("alice").await;
    let id = text(&taken.json["auth_req_id"]);
    let poll = async |jti: &str, key: Option<&Prover>| {
        let assertion = desk.assertion(jti);
        let form = [
            ("client_assertion_type", BY_JWT),
            ("client_assertion", assertion.as_str()),
            ("grant_type", CIBA),
            ("auth_req_id", &id),
        ];
        let mut request = desk.stand.http.post(format!("{}/token", desk.stand.issuer)).form(&form);
        if let Some(key) = key {
            request = request.header("dpop", key.proof(&desk.stand));
        }
        Reply::read(request.send().await.unwrap()).await
    };
    assert_eq!(poll("a3", None).await.error(), "invalid_request", "tokens have to be bound");
    let tokens = poll("a4", Some(&Prover::new())).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
}

#[test]
fn what_contradicts_fapi_is_said_of_clients_that_call() {
    let complete = |more: &Value| {
        let mut wanted = json!({
            "token_endpoint_auth_method": "private_key_jwt", "id_token_signed_response_alg": "PS256",
            "backchannel_authentication_request_signing_alg": "ES256",
        });
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut metadata = caller("desk", "ping", &wanted).metadata;
        Profile::FapiCiba.apply(&mut metadata);
        Profile::FapiCiba.shortcomings(&metadata.with_defaults())
    };
    assert_eq!(complete(&json!({})), Vec::<String>::new());
    for (more, member) in [
        (json!({ "backchannel_token_delivery_mode": "push" }), "backchannel_token_delivery_mode"),
        (json!({ "backchannel_authentication_request_signing_alg": "RS256" }), "signing_alg"),
        (
            json!({ "backchannel_authentication_request_signing_alg": null }),
            "backchannel_authentication_request_signing_alg",
        ),
        (json!({ "token_endpoint_auth_method": "client_secret_basic" }), "token_endpoint_auth_method"),
    ] {
        let found = complete(&more);
        assert!(found.len() == 1 && found[0].contains(member), "{more}: {found:?}");
    }
    let mut document = json!({
        "backchannel_token_delivery_modes_supported": ["poll", "ping", "push"],
        "backchannel_authentication_request_signing_alg_values_supported": ["RS256", "ES256"],
    });
    Profile::Fapi2SecurityProfile.announce(&mut document);
    assert_eq!(document["backchannel_token_delivery_modes_supported"], json!(["poll", "ping"]));
    assert_eq!(document["backchannel_authentication_request_signing_alg_values_supported"], json!(["ES256"]));
}

/// A request of this client, signed with a key of its own.
fn request_of(desk: &Desk, client: &str, key: &Prover, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims(&desk.signed(|claims| claims["iss"] = json!(client)));
    change(&mut claims);
    key.sign(&json!({ "alg": key.header()["alg"] }), &claims)
}

#[tokio::test]
async fn only_the_algorithm_that_the_client_registered_counts() {
    let (registered, other) = (Prover::for_algorithm("ES256"), Prover::ed25519());
    let keys = json!({ "keys": [registered.jwk(), other.jwk()] });
    let desk = Desk::with(|config| {
        let signs = json!({ "backchannel_authentication_request_signing_alg": "ES256", "jwks": keys });
        config.clients.push(caller("both", "poll", &signs));
    })
    .await;
    let send = async |request: &str| desk.stand.post("/bc-authorize", "both", &[("request", request)]).await;
    let refused = send(&request_of(&desk, "both", &other, |_| {})).await;
    assert_eq!((refused.status, refused.error()), (400, "invalid_request"), "{}", refused.text);
    assert!(refused.text.contains("another algorithm"), "{}", refused.text);
    assert!(desk.waiting("alice").await.is_empty());
    let taken = send(&request_of(&desk, "both", &registered, |_| {})).await;
    assert_eq!(taken.status, 200, "the key alone was not the reason: {}", taken.text);
}

#[tokio::test]
async fn the_ids_of_one_client_are_no_business_of_another() {
    let key = Prover::new();
    let keys = json!({ "keys": [key.jwk()] });
    let desk = Desk::with(|config| {
        let signs = json!({ "backchannel_authentication_request_signing_alg": "ES256", "jwks": keys });
        config.clients.push(caller("signer2", "poll", &signs));
    })
    .await;
    assert_eq!(send(&desk, &desk.signed(|_| {})).await.status, 200);
    let same = request_of(&desk, "signer2", &key, |_| {});
    let reply = desk.stand.post("/bc-authorize", "signer2", &[("request", &same)]).await;
    assert_eq!(reply.status, 200, "the same `jti` of somebody else: {}", reply.text);
}

#[tokio::test]
async fn a_request_is_remembered_for_as_long_as_it_is_accepted() {
    let desk = Desk::start().await;
    let ends = desk.stand.now() + 60;
    let request = desk.signed(|claims| claims["exp"] = json!(ends));
    assert_eq!(send(&desk, &request).await.status, 200);
    for _ in 0..10 {
        desk.stand.clock.advance(7);
        desk.stand.server.store().purge(desk.stand.now(), 100).await.unwrap();
        let again = send(&desk, &request).await;
        assert_eq!(again.error(), "invalid_request", "at {}: {}", desk.stand.now() - ends, again.text);
    }
    assert!(desk.waiting("alice").await.len() <= 1);
}

#[tokio::test]
async fn whoever_asks_for_a_user_is_held_to_its_profile_before_anybody_is_asked() {
    let desk = Desk::asserting(|signer| signer.settings.profile = Some(Profile::FapiCiba)).await;
    let request = desk.signed(|_| {});
    let send = async |jti: &str, key: &Prover| {
        let assertion = desk.assertion(jti);
        let form =
            [("client_assertion_type", BY_JWT), ("client_assertion", &assertion), ("request", &request)];
        let proof = key.proof_of(&proof_claims(&desk.stand, "POST", "/bc-authorize"));
        let sent = desk.stand.http.post(format!("{}/bc-authorize", desk.stand.issuer)).header("dpop", proof);
        Reply::read(sent.form(&form).send().await.unwrap()).await
    };
    let weak = send("a1", &Prover::rsa(2048)).await;
    assert_eq!((weak.status, weak.error()), (400, "invalid_dpop_proof"), "{}", weak.text);
    assert!(desk.waiting("alice").await.is_empty());
    assert_eq!(send("a2", &Prover::new()).await.status, 200, "nothing was used up");
}
