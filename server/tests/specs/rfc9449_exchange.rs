//! Token exchange (RFC 8693) of tokens that are bound to a key (RFC 9449): they ask for it, and what comes of them is
//! bound too.

use placet_server::config::{Config, ExchangeBound, PolicyConfig, TrustedIssuer};
use serde_json::{Value, json};

use super::{
    exchanging::{ACCESS, ID, JWT, REFRESH, SCOPE, Scene, code, form},
    harness::{Browser, Reply, claims},
    helpers::{client, text},
    prover::{Prover, code_form, refresh_form, token},
    signer::Signer,
};

const PARTNER: &str = "https://idp.partner.example";

/// The tokens of alice for `web`, bound to this key.
async fn bound(scene: &Scene, key: &Prover) -> Value {
    let code = code(&scene.stand).await;
    let reply = token(&scene.stand, "web", &code_form(&code), Some(key)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

async fn exchange(
    scene: &Scene,
    client: &str,
    (subject, extra): (&Value, &[(&str, &str)]),
    key: Option<&Prover>,
) -> Reply {
    let subject = text(subject);
    token(&scene.stand, client, &form(&subject, extra), key).await
}

/// Refused, and no policy was asked.
async fn refused(
    scene: &Scene,
    client: &str,
    asked: (&Value, &[(&str, &str)]),
    key: Option<&Prover>,
) -> String {
    let before = scene.sidecar.requests().len();
    let reply = exchange(scene, client, asked, key).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{}", reply.text);
    assert_eq!(scene.sidecar.requests().len(), before, "a policy was asked");
    text(&reply.json["error_description"])
}

#[track_caller]
fn is_bound(reply: &Reply, key: &Prover) {
    assert_eq!((reply.status, &reply.json["token_type"]), (200, &json!("DPoP")), "{}", reply.text);
    assert_eq!(claims(&text(&reply.json["access_token"]))["cnf"], json!({ "jkt": key.jkt() }));
}

#[tokio::test]
async fn a_bound_token_is_exchanged_by_whoever_proves_its_key_for_one_that_is_bound() {
    let scene = Scene::start().await;
    let (key, other) = (Prover::new(), Prover::new());
    let access = &bound(&scene, &key).await["access_token"];
    for wrong in [None, Some(&other)] {
        let told = refused(&scene, "web", (access, &[]), wrong).await;
        assert!(told.contains("`subject_token` is bound to a key whose proof is not given"), "{told}");
    }
    is_bound(&exchange(&scene, "web", (access, &[]), Some(&key)).await, &key);
    let asked = scene.asked();
    assert_eq!(asked["pop"]["dpop"], json!({ "verified": true, "jkt": key.jkt(), "alg": "ES256" }));
    assert_eq!(asked["pop"]["binding"], "dpop");
    assert_eq!(asked["token_exchange"]["subject_token"]["cnf"], json!({ "jkt": key.jkt() }));
    assert_eq!(asked["proposal"]["grant"]["access_token"]["sender_constraint"], "required");
    assert_eq!(asked["limits"]["grant"]["access_token"]["sender_constraint"], "required");
    for lower in ["none", "if_presented"] {
        scene.sets(&json!({ "access_token": { "sender_constraint": lower } }));
        assert_eq!(exchange(&scene, "web", (access, &[]), Some(&key)).await.status, 503, "{lower}");
    }
}

#[tokio::test]
async fn a_bound_actor_token_needs_its_proof() {
    let scene = Scene::start().await;
    let key = Prover::new();
    let form_of = [("grant_type", "client_credentials")];
    let actor = token(&scene.stand, "shipping", &form_of, Some(&key)).await;
    let actor = text(&actor.json["access_token"]);
    let user = &scene.user("alice").await["access_token"];
    let acting = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS)];
    let change = |config: &mut Config, _: &mut PolicyConfig| {
        client(config, "api").settings.token_exchange.may_exchange_of.push("shipping".to_owned());
    };
    let told = refused(&scene, "api", (user, &acting), None).await;
    assert!(told.contains("`actor_token`"), "{told}");
    let scene = Scene::with(change).await;
    let actor = token(&scene.stand, "shipping", &form_of, Some(&key)).await;
    let actor = text(&actor.json["access_token"]);
    let acting = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS)];
    let user = &scene.user("alice").await["access_token"];
    let told = refused(&scene, "api", (user, &acting), Some(&Prover::new())).await;
    assert!(told.contains("`actor_token` is bound to a key"), "{told}");
    is_bound(&exchange(&scene, "api", (user, &acting), Some(&key)).await, &key);
    assert_eq!(scene.asked()["limits"]["grant"]["access_token"]["sender_constraint"], "required");
}

#[tokio::test]
async fn a_resource_server_exchanges_what_is_bound_to_its_caller_only_where_the_operator_says_so() {
    let (key, own) = (Prover::new(), Prover::new());
    let scene = Scene::start().await;
    let access = &bound(&scene, &key).await["access_token"];
    for proof in [None, Some(&own)] {
        refused(&scene, "api", (access, &[]), proof).await;
    }
    let scene = Scene::with(|config, _| {
        let settings = &mut client(config, "api").settings.token_exchange;
        settings.exchange_bound = ExchangeBound::Audience;
        let settings = &mut client(config, "shipping").settings.token_exchange;
        settings.exchange_bound = ExchangeBound::Audience;
        settings.may_exchange_of = vec!["web".to_owned()];
    })
    .await;
    let access = &bound(&scene, &key).await["access_token"];
    is_bound(&exchange(&scene, "api", (access, &[]), Some(&own)).await, &own);
    let asked = scene.asked();
    assert_eq!(asked["token_exchange"]["subject_token"]["cnf"]["jkt"], key.jkt());
    assert_eq!(asked["pop"]["dpop"]["jkt"], own.jkt());
    let unbound = exchange(&scene, "api", (access, &[]), None).await;
    assert_eq!((unbound.status, unbound.error()), (400, "invalid_request"), "{}", unbound.text);
    // The token is not meant for this one, although it may exchange tokens of `web`.
    refused(&scene, "shipping", (access, &[]), Some(&own)).await;
    // To be meant for somebody is no excuse for its own client.
    refused(&scene, "web", (access, &[]), Some(&own)).await;
}

#[tokio::test]
async fn a_bound_refresh_token_asks_for_what_it_asks_for_at_a_refresh() {
    let scene = Scene::start().await;
    let (key, other) = (Prover::new(), Prover::new());
    let kind = [("subject_token_type", REFRESH)];
    // A public client's is bound to the key.
    let params =
        scene.stand.sign_in(&mut Browser::new(), "spa", &[("scope", SCOPE), ("prompt", "consent")]).await;
    let tokens = token(&scene.stand, "spa", &code_form(&params["code"]), Some(&key)).await.json;
    let refresh = &tokens["refresh_token"];
    for wrong in [None, Some(&other)] {
        refused(&scene, "spa", (refresh, &kind), wrong).await;
    }
    is_bound(&exchange(&scene, "spa", (refresh, &kind), Some(&key)).await, &key);
    // That of a client that authenticates, to any.
    let refresh = &bound(&scene, &key).await["refresh_token"];
    let unbound = exchange(&scene, "web", (refresh, &kind), None).await;
    assert_eq!((unbound.status, unbound.error()), (400, "invalid_request"), "{}", unbound.text);
    is_bound(&exchange(&scene, "web", (refresh, &kind), Some(&other)).await, &other);
}

#[tokio::test]
async fn nothing_that_came_of_a_bound_token_leads_to_one_that_is_not() {
    let scene = Scene::start().await;
    let key = Prover::new();
    let access = &bound(&scene, &key).await["access_token"];
    // By way of an ID token, which nothing binds.
    let wanted = [("requested_token_type", ID), ("scope", "openid email")];
    let issued = exchange(&scene, "web", (access, &wanted), Some(&key)).await;
    assert_eq!((issued.status, &issued.json["token_type"]), (200, &json!("N_A")), "{}", issued.text);
    let id_token = &issued.json["access_token"];
    let kind = [("subject_token_type", ID)];
    let unbound = exchange(&scene, "web", (id_token, &kind), None).await;
    assert_eq!((unbound.status, unbound.error()), (400, "invalid_request"), "{}", unbound.text);
    is_bound(&exchange(&scene, "web", (id_token, &kind), Some(&key)).await, &key);
    // By way of a refresh token.
    scene.sets(&json!({ "refresh_token": { "issue": true } }));
    let wanted = [("requested_token_type", REFRESH)];
    let issued = exchange(&scene, "web", (access, &wanted), Some(&key)).await;
    assert_eq!(issued.status, 200, "{}", issued.text);
    let refresh = text(&issued.json["access_token"]);
    let unbound = token(&scene.stand, "web", &refresh_form(&refresh), None).await;
    assert_eq!((unbound.status, unbound.error()), (400, "invalid_request"), "{}", unbound.text);
    is_bound(&token(&scene.stand, "web", &refresh_form(&refresh), Some(&key)).await, &key);
}

#[tokio::test]
async fn a_foreign_token_that_is_bound_needs_its_proof_too() {
    let partner = Signer::new("partner");
    let jwks = partner.jwks();
    let scene = Scene::with(|config, _| {
        config.trusted_issuers.push(TrustedIssuer {
            issuer: PARTNER.to_owned(),
            jwks: jwks.as_object().cloned(),
            client_ids: vec!["api".to_owned()],
            ..TrustedIssuer::default()
        });
    })
    .await;
    scene.sets(&json!({ "sub": "partner:alice" }));
    let (key, now) = (Prover::new(), scene.stand.now());
    let signed = |cnf: Value| -> Value {
        let said = json!({
            "iss": PARTNER, "sub": "alice", "aud": scene.stand.issuer, "iat": now, "exp": now + 300, "cnf": cnf,
        });
        partner.sign(&said).into()
    };
    let kind = [("subject_token_type", JWT)];
    let good = signed(json!({ "jkt": key.jkt() }));
    for wrong in [None, Some(&Prover::new())] {
        refused(&scene, "api", (&good, &kind), wrong).await;
    }
    is_bound(&exchange(&scene, "api", (&good, &kind), Some(&key)).await, &key);
    // What this server cannot check, nobody can prove.
    for cnf in [json!({}), json!({ "jwk": key.jwk() }), json!({ "jkt": key.jkt(), "kid": "1" }), json!("x")] {
        refused(&scene, "api", (&signed(cnf), &kind), Some(&key)).await;
    }
}
