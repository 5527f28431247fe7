//! Token exchange (RFC 8693): which tokens can be exchanged, and by whom.

use placet_oauth::grant_type::GrantType;
use placet_server::config::{ScopeCeiling, TrustedIssuer};
use serde_json::{Value, json};

use super::{
    exchanging::{ACCESS, API, ID, JWT, REFRESH, Scene},
    harness::{CALLBACK, claims},
    helpers::{client, refresh, text},
    signer::Signer,
};

const PARTNER: &str = "https://idp.partner.example";
const ELSEWHERE: &str = "https://pairwise.example/cb";

#[tokio::test]
async fn a_client_exchanges_its_own_tokens_those_meant_for_it_and_those_of_named_clients() {
    let scene = Scene::with(|config, _| {
        client(config, "shipping").settings.token_exchange.may_exchange_of = vec!["opaque".to_owned()];
        client(config, "spa").settings.resources = vec![API.to_owned()];
        client(config, "spa").settings.token_exchange.may_exchange_of = vec!["web".to_owned()];
    })
    .await;
    let of_web = text(&scene.user("alice").await["access_token"]);
    let of_opaque = text(&scene.tokens("opaque", CALLBACK, "alice", &json!({})).await["access_token"]);
    for (client, token) in
        [("web", &of_web), ("api", &of_web), ("opaque", &of_opaque), ("shipping", &of_opaque)]
    {
        scene.exchanged(client, token, &[]).await;
    }
    let mut told = Vec::new();
    for (client, token) in [
        ("opaque", of_web.as_str()),
        ("shipping", &of_web),
        ("api", &of_opaque),
        ("web", &of_opaque),
        ("web", "unknown"),
        ("web", "a.b.c"),
    ] {
        told.push(scene.refused_unasked(client, token, &[], "invalid_request").await);
    }
    // Whoever does not authenticate could claim to be any resource server.
    let mut form = super::exchanging::form(&of_web, &[]);
    form.push(("client_id", "spa"));
    let reply = scene.stand.post_public("/token", &form).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{}", reply.text);
    told.push(text(&reply.json["error_description"]));
    told.dedup();
    assert_eq!(told.len(), 1, "nothing tells tokens of others from no tokens: {told:?}");
}

#[tokio::test]
async fn a_public_client_exchanges_its_own_tokens() {
    let scene = Scene::start().await;
    let params = scene.stand.sign_in(&mut super::harness::Browser::new(), "spa", &[]).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", params["code"].as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", super::harness::VERIFIER),
        ("client_id", "spa"),
    ];
    let tokens = scene.stand.post_public("/token", &form).await.json;
    let token = text(&tokens["access_token"]);
    let mut form = super::exchanging::form(&token, &[("resource", API)]);
    form.push(("client_id", "spa"));
    let reply = scene.stand.post_public("/token", &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(claims(&text(&reply.json["access_token"]))["client_id"], "spa");
}

#[tokio::test]
async fn every_kind_of_local_token_is_good_in_its_own_place_alone() {
    let scene = Scene::start().await;
    let tokens = scene.user("alice").await;
    let opaque = scene.tokens("opaque", CALLBACK, "alice", &json!({})).await;
    let own = scene.own_token("api").await;
    for (client, token, kind) in [
        ("web", &tokens["access_token"], ACCESS),
        ("web", &tokens["refresh_token"], REFRESH),
        ("web", &tokens["id_token"], ID),
        ("opaque", &opaque["access_token"], ACCESS),
    ] {
        let token = text(token);
        for presented in [ACCESS, REFRESH, ID, JWT] {
            if presented == kind {
                let issued = scene.exchanged(client, &token, &[("subject_token_type", kind)]).await;
                assert_eq!(
                    claims_of(&scene, client, &issued["access_token"]).await["sub"],
                    "alice",
                    "{kind}"
                );
                assert_eq!(scene.asked()["token_exchange"]["subject_token"]["claims"]["sub"], "alice");
            } else {
                scene
                    .refused_unasked(client, &token, &[("subject_token_type", presented)], "invalid_request")
                    .await;
            }
        }
    }
    let issued = scene.exchanged("api", &own, &[]).await;
    assert_eq!(claims(&text(&issued["access_token"]))["sub"], "api");
    assert_eq!(scene.asked()["subject"]["type"], "client");
    for kind in ["urn:ietf:params:oauth:token-type:saml2", "urn:ietf:params:oauth:token-type:saml1"] {
        scene.refused_unasked("web", "x", &[("subject_token_type", kind)], "invalid_request").await;
    }
}

/// What a token says, to its own client.
async fn claims_of(scene: &Scene, client: &str, token: &Value) -> Value {
    scene.stand.post("/introspect", client, &[("token", &text(token))]).await.json
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_by_its_client_while_it_is_the_current_one() {
    let scene = Scene::start().await;
    let first = text(&scene.user("alice").await["refresh_token"]);
    let kind = [("subject_token_type", REFRESH)];
    scene.refused_unasked("api", &first, &kind, "invalid_request").await;
    scene.exchanged("web", &first, &kind).await;
    let second = text(&refresh(&scene.stand, "web", &first).await.json["refresh_token"]);
    scene.refused_unasked("web", &first, &kind, "invalid_request").await;
    for _ in 0..2 {
        scene.exchanged("web", &second, &kind).await;
    }
    let third = refresh(&scene.stand, "web", &second).await;
    assert_eq!(third.status, 200, "an exchange neither uses it up nor replaces it: {}", third.text);
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_by_no_client_that_exchanges_the_access_tokens_beside_it() {
    let scene = Scene::with(|config, _| {
        client(config, "opaque").settings.token_exchange.may_exchange_of = vec!["web".to_owned()];
    })
    .await;
    let tokens = scene.user("alice").await;
    scene.exchanged("opaque", &text(&tokens["access_token"]), &[]).await;
    let kind = [("subject_token_type", REFRESH)];
    let token = text(&tokens["refresh_token"]);
    scene.refused_unasked("opaque", &token, &kind, "invalid_request").await;
    scene.exchanged("web", &token, &kind).await;
}

#[tokio::test]
async fn an_id_token_is_exchanged_by_those_it_is_meant_for() {
    let scene = Scene::start().await;
    let token = text(&scene.user("alice").await["id_token"]);
    let kind = [("subject_token_type", ID)];
    scene.refused_unasked("api", &token, &kind, "invalid_request").await;
    let issued = scene.exchanged("web", &token, &kind).await;
    assert_eq!(issued["scope"], "openid email reports.read reports.write");
    scene.stand.clock.advance(600);
    scene.refused_unasked("web", &token, &kind, "invalid_request").await;
}

#[tokio::test]
async fn jwts_of_trusted_issuers_count_once_a_policy_says_whose_they_are() {
    let (partner, own, stranger) = (Signer::new("p-1"), Signer::new("own-1"), Signer::new("p-1"));
    let (set, own_set) = (partner.jwks(), own.jwks());
    let scene = Scene::with(|config, _| {
        config.trusted_issuers.push(TrustedIssuer {
            issuer: PARTNER.to_owned(),
            jwks: set.as_object().cloned(),
            ..TrustedIssuer::default()
        });
        let api = client(config, "api");
        api.metadata.jwks = Some(own_set);
        api.settings.token_exchange.scope_ceiling = ScopeCeiling::Client;
    })
    .await;
    let now = scene.stand.now();
    let jwt = |signer: &Signer, issuer: &str, sub: &str, more: Value| {
        let mut said =
            json!({ "iss": issuer, "sub": sub, "aud": scene.stand.issuer, "iat": now, "exp": now + 300 });
        said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        signer.sign(&said)
    };
    let kind = [("subject_token_type", JWT)];
    let good = jwt(&partner, PARTNER, "alice", json!({}));
    assert_eq!(scene.exchange("api", &good, &kind).await.status, 503, "their alice is not ours");
    let asked = scene.asked();
    assert_eq!(asked["token_exchange"]["subject_token"]["origin"], "trusted_issuer");
    assert_eq!(
        (&asked["subject"]["type"], asked["proposal"]["grant"].get("sub")),
        (&json!("external"), None)
    );
    scene.sets(&json!({ "sub": "partner:alice" }));
    let issued = scene.exchanged("api", &good, &kind).await;
    assert_eq!(claims(&text(&issued["access_token"]))["sub"], "partner:alice");
    assert_eq!(issued["expires_in"], 300);
    assert_eq!(
        scene.stand.events("authorization.impersonated"),
        [],
        "nobody was put in the place of another"
    );
    let acting = jwt(&partner, PARTNER, "alice", json!({ "act": { "sub": "bot", "app": 7 } }));
    let issued = scene.exchanged("api", &acting, &kind).await;
    assert_eq!(claims(&text(&issued["access_token"]))["act"], json!({ "sub": "bot", "iss": PARTNER }));

    for bad in [
        jwt(&stranger, PARTNER, "alice", json!({})),
        jwt(&partner, "https://else.example", "alice", json!({})),
        jwt(&partner, PARTNER, "alice", json!({ "aud": "https://else.example" })),
        jwt(&partner, PARTNER, "alice", json!({ "exp": now })),
        jwt(&partner, PARTNER, "alice", json!({ "cnf": { "jkt": "x" } })),
        jwt(&partner, PARTNER, "alice", json!({ "act": "bot" })),
        jwt(&partner, PARTNER, "alice", json!({ "may_act": "bot" })),
        jwt(&own, "api", "alice", json!({})),
    ] {
        scene.refused_unasked("api", &bad, &kind, "invalid_request").await;
    }
    scene.answers(json!({ "decision": "allow" }));
    let issued = scene.exchanged("api", &jwt(&own, "api", "api", json!({})), &kind).await;
    assert_eq!(claims(&text(&issued["access_token"]))["sub"], "api", "a client vouches for itself alone");
}

#[tokio::test]
async fn pairwise_subjects_are_mapped_back_and_shown_to_their_own_sector_only() {
    let scene = Scene::with(|config, _| {
        let mut far = client(config, "pairwise").clone();
        "far".clone_into(&mut far.client_id);
        far.metadata.redirect_uris = Some(vec!["https://far.example/cb".to_owned()]);
        far.metadata.grant_types.get_or_insert_default().push(GrantType::ClientCredentials);
        far.settings.token_exchange.may_exchange_of = vec!["pairwise".to_owned()];
        config.clients.push(far);
    })
    .await;
    let grant = json!({ "may_act": { "sub": "bob" } });
    let tokens = scene.tokens("pairwise", ELSEWHERE, "alice", &grant).await;
    let actor = scene.tokens("pairwise", ELSEWHERE, "bob", &json!({})).await;
    let (access, bob) = (text(&tokens["access_token"]), text(&actor["access_token"]));
    let pairwise = claims(&access)["sub"].clone();
    let acting = [("actor_token", bob.as_str()), ("actor_token_type", ACCESS)];
    let mut seen = Vec::new();
    for client in ["pairwise", "far"] {
        let said = claims(&text(&scene.exchanged(client, &access, &acting).await["access_token"]));
        assert!(!said.to_string().contains("alice") && !said.to_string().contains("\"bob\""), "{said}");
        seen.push((said["sub"].clone(), said["act"]["sub"].clone()));
        let asked = scene.asked();
        assert_eq!((&asked["subject"]["sub"], &asked["actor"]["sub"]), (&json!("alice"), &json!("bob")));
        assert_eq!(asked["token_exchange"]["subject_token"]["claims"]["sub"], "alice");
        assert_eq!(asked["token_exchange"]["actor_token"]["claims"]["sub"], "bob");
        assert_eq!(asked["proposal"]["grant"]["act"], json!({ "sub": "bob" }));
    }
    assert_eq!(seen[0], (pairwise.clone(), claims(&bob)["sub"].clone()), "the same within the sector");
    assert!(seen[0].0 != seen[1].0 && seen[0].1 != seen[1].1, "and another one outside");
    let own = scene.own_token("far").await;
    let issued = scene.exchanged("far", &own, &[]).await;
    assert_eq!(claims(&text(&issued["access_token"]))["sub"], "far", "a client has one name");
}
