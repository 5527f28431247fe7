//! RFC 8693 section 2: which tokens are exchanged by whom, and for what.

use placet_oauth::grant_type::GrantType;
use placet_server::config::{ScopeCeiling, TrustedIssuer};
use serde_json::{Value, json};

use super::{
    exchanging::{ACCESS, API, EXCHANGE, ID, JWT, REFRESH, SHIPPING, Scene},
    harness::{CALLBACK, Reply, Stand, claims},
    helpers::{client, refresh, text, verified},
    sidecar::Answered,
    signer::Signer,
};

const PARTNER: &str = "https://idp.partner.example";
const ELSEWHERE: &str = "https://pairwise.example/cb";

#[tokio::test]
async fn a_resource_server_gets_a_token_for_another_one() {
    let scene = Scene::start().await;
    let access = text(&scene.user("alice").await["access_token"]);
    let extra = [("resource", SHIPPING), ("scope", "reports.read")];
    let reply = scene.exchange("api", &access, &extra).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(
        (&reply.json["issued_token_type"], &reply.json["token_type"]),
        (&json!(ACCESS), &json!("Bearer"))
    );
    assert_eq!((&reply.json["expires_in"], &reply.json["scope"]), (&json!(600), &json!("reports.read")));
    assert!(reply.json.get("refresh_token").is_none() && reply.json.get("id_token").is_none());
    let issued = text(&reply.json["access_token"]);
    let (header, said) = verified(&scene.stand, &issued).await;
    assert_eq!(header["typ"], "at+jwt");
    for (name, value) in [
        ("sub", json!("alice")),
        ("client_id", json!("api")),
        ("aud", json!(SHIPPING)),
        ("scope", json!("reports.read")),
        ("acr", json!("urn:placet:acr:pwd")),
        ("amr", json!(["pwd"])),
    ] {
        assert_eq!(said[name], value, "{name}");
    }
    assert!(said.get("act").is_none() && said.get("email").is_none());
    assert!(scene.stand.is_active("shipping", &issued).await);
    assert!(scene.stand.is_active("web", &access).await, "what was exchanged lives on");
    let (id, granted) = scene.stand.events("authorization.granted").pop().unwrap();
    assert_eq!(
        (&granted["sub"], &granted["client_id"], &granted["grant_type"]),
        (&json!("alice"), &json!("api"), &json!(EXCHANGE))
    );
    assert_eq!(scene.stand.events("authorization.impersonated"), []);
    let (before, _) = &scene.stand.events("authorization.granted")[0];
    assert_eq!(granted["subject_authorization_id"], before.as_str());
    assert_ne!(id, *before, "it is an authorization of its own");
}

#[tokio::test]
async fn a_policy_is_told_what_was_verified_and_what_it_may_set() {
    let scene = Scene::start().await;
    let access = text(&scene.user("alice").await["access_token"]);
    scene.exchanged("api", &access, &[("resource", SHIPPING), ("audience", "shipping")]).await;
    let asked = scene.asked();
    assert_eq!(asked["subject"], json!({ "sub": "alice", "type": "user", "source": "subject_token" }));
    assert_eq!(asked["client"]["client_id"], "api");
    let grant = &asked["grant"];
    assert_eq!(grant["type"], EXCHANGE);
    assert_eq!(grant["requested"]["audience"], json!(["shipping"]));
    assert_eq!(grant["requested"]["requested_token_type"], ACCESS);
    let section = &asked["token_exchange"];
    assert_eq!(section["semantics"], "impersonation");
    assert_eq!(
        (&section["subject_token"]["type"], &section["subject_token"]["origin"]),
        (&json!(ACCESS), &json!("local"))
    );
    assert_eq!(section["subject_token"]["authorization_id"], grant["authorization_id"]);
    assert_eq!(section["subject_token"]["claims"]["client_id"], "web");
    assert_eq!(asked["requires"], json!(["/grant/sub", "/grant/scope"]));
    let (proposed, limits) = (&asked["proposal"]["grant"], &asked["limits"]["grant"]);
    assert_eq!((&proposed["sub"], &proposed["resources"]), (&json!("alice"), &json!([SHIPPING])));
    assert_eq!((&limits["act"], &limits["authentication"]), (&json!("settable"), &json!("fixed")));
    assert_eq!(limits["scope"], json!(["reports.read", "reports.write"]), "`openid` is for `web` alone");
    assert!(!asked.to_string().contains(&access), "the token itself is nobody's business");

    scene.sets(&json!({
        "scope": ["reports.read"], "data": { "ticket": "flow-17" },
        "access_token": { "lifetime": 120, "claims": { "order_limit_eur": 500 } },
    }));
    let narrowed = scene.exchanged("api", &access, &[("resource", SHIPPING)]).await;
    let said = claims(&text(&narrowed["access_token"]));
    assert_eq!((&said["scope"], &said["order_limit_eur"]), (&json!("reports.read"), &json!(500)));
    assert_eq!(narrowed["expires_in"], 120);
    assert!(!said.to_string().contains("flow-17"));
    scene.sets(&json!({ "scope": ["reports.read", "email"] }));
    assert_eq!(scene.exchange("api", &access, &[]).await.status, 503, "a policy only narrows");
}

#[tokio::test]
async fn the_grant_exists_while_a_policy_decides_about_it() {
    let without = Stand::start().await;
    let form = [("grant_type", EXCHANGE), ("subject_token", "x"), ("subject_token_type", ACCESS)];
    let reply = without.post("/token", "web", &form).await;
    assert_eq!((reply.status, reply.error()), (400, "unsupported_grant_type"));
    let scene = Scene::start().await;
    for (stand, there) in [(&without, false), (&scene.stand, true)] {
        let url = format!("{}/.well-known/openid-configuration", stand.issuer);
        let document = Reply::read(stand.http.get(url).send().await.unwrap()).await.json;
        let grants = document["grant_types_supported"].as_array().unwrap();
        assert_eq!(grants.contains(&json!(EXCHANGE)), there);
    }
    scene.refused_unasked("other", "x", &[], "unauthorized_client").await;
    let register = json!({ "redirect_uris": [CALLBACK], "grant_types": ["authorization_code", EXCHANGE] });
    let request = scene.stand.http.post(format!("{}/register", scene.stand.issuer)).json(&register);
    let reply = Reply::read(request.send().await.unwrap()).await;
    assert_eq!(
        (reply.status, reply.error()),
        (400, "invalid_client_metadata"),
        "no client gives it to itself"
    );
}

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
async fn scope_is_bounded_as_the_operator_says() {
    for (ceiling, most) in [
        (ScopeCeiling::Both, "reports.read"),
        (ScopeCeiling::SubjectToken, "email reports.read reports.write"),
        (ScopeCeiling::Client, "reports.read profile"),
    ] {
        let scene = Scene::with(|config, _| {
            let api = client(config, "api");
            api.settings.token_exchange.scope_ceiling = ceiling;
            api.settings.default_scope = vec!["phone".to_owned()];
            api.settings.denied_scope = vec!["address".to_owned()];
            api.metadata.scope = Some("openid reports.read profile address offline_access".to_owned());
        })
        .await;
        let access = text(&scene.user("alice").await["access_token"]);
        let issued = scene.exchanged("api", &access, &[]).await;
        assert_eq!(issued["scope"], most, "{ceiling:?}");
        for more in ["openid", "address", "offline_access", "phone", "reports.read unknown"] {
            scene.refused_unasked("api", &access, &[("scope", more)], "invalid_scope").await;
        }
    }
}

#[tokio::test]
async fn a_target_has_to_be_known() {
    let scene = Scene::start().await;
    let access = text(&scene.user("alice").await["access_token"]);
    for target in [("resource", "https://unknown.example"), ("audience", "unknown"), ("audience", "web")] {
        scene.refused_unasked("api", &access, &[target], "invalid_target").await;
    }
    for (target, audience) in [
        (("resource", SHIPPING), json!(SHIPPING)),
        (("audience", SHIPPING), json!(SHIPPING)),
        (("audience", "shipping"), json!(SHIPPING)),
        (("audience", ""), json!(scene.stand.issuer)),
    ] {
        let issued = scene.exchanged("api", &access, &[target]).await;
        assert_eq!(claims(&text(&issued["access_token"]))["aud"], audience, "{target:?}");
    }
    let both =
        scene.exchanged("api", &access, &[("resource", API), ("audience", "shipping"), ("audience", API)]);
    assert_eq!(claims(&text(&both.await["access_token"]))["aud"], json!([API, SHIPPING]));
    scene.answers(
        json!({ "decision": "deny", "error": { "code": "invalid_target", "description": "no contract" } }),
    );
    let denied = scene.exchange("api", &access, &[("resource", SHIPPING)]).await;
    assert_eq!((denied.status, denied.error()), (400, "invalid_target"));
    assert_eq!(denied.json["error_description"], "no contract");
}

#[tokio::test]
async fn what_is_issued_is_of_the_type_that_was_asked_for() {
    let scene = Scene::start().await;
    let (web, opaque) =
        (scene.user("alice").await, scene.tokens("opaque", CALLBACK, "alice", &json!({})).await);
    let (of_web, of_opaque) = (text(&web["access_token"]), text(&opaque["access_token"]));
    let wanted = |kind| [("requested_token_type", kind)];
    let issued = scene.exchanged("opaque", &of_opaque, &[]).await;
    assert!(!text(&issued["access_token"]).contains('.'));
    let issued = scene.exchanged("opaque", &of_opaque, &wanted(JWT)).await;
    assert_eq!((&issued["issued_token_type"], &issued["token_type"]), (&json!(JWT), &json!("Bearer")));
    verified(&scene.stand, &text(&issued["access_token"])).await;
    scene.sets(&json!({ "access_token": { "encoding": "opaque" } }));
    assert_eq!(scene.exchange("opaque", &of_opaque, &wanted(JWT)).await.status, 503);

    scene.answers(json!({ "decision": "allow" }));
    let issued = scene.exchanged("web", &of_web, &wanted(ID)).await;
    assert_eq!((&issued["issued_token_type"], &issued["token_type"]), (&json!(ID), &json!("N_A")));
    assert!(issued.get("id_token").is_none());
    let (header, said) = verified(&scene.stand, &text(&issued["access_token"])).await;
    assert_eq!(header["typ"], "JWT");
    assert_eq!((&said["sub"], &said["aud"]), (&json!("alice"), &json!("web")));
    assert!(said.get("at_hash").is_none(), "there is no access token beside it");
    scene.refused_unasked("api", &of_web, &wanted(ID), "invalid_request").await;
    let narrow = [("requested_token_type", ID), ("scope", "email")];
    scene.refused_unasked("web", &of_web, &narrow, "invalid_scope").await;
    scene.sets(&json!({ "id_token": { "issue": false } }));
    assert_eq!(scene.exchange("web", &of_web, &wanted(ID)).await.error(), "access_denied");
    for kind in ["urn:ietf:params:oauth:token-type:saml2", "urn:x"] {
        scene.refused_unasked("web", &of_web, &wanted(kind), "invalid_request").await;
    }
    let single = text(&scene.tokens("single", CALLBACK, "alice", &json!({})).await["access_token"]);
    scene.refused_unasked("single", &single, &wanted(JWT), "invalid_request").await;
}

#[tokio::test]
async fn a_refresh_token_is_issued_if_a_policy_says_so_and_never_outlives_what_it_was_exchanged_for() {
    let scene = Scene::start().await;
    let tokens = scene.user("alice").await;
    let (access, refreshing) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    let wanted = [("requested_token_type", REFRESH)];
    scene.refused_unasked("api", &access, &wanted, "unauthorized_client").await;
    assert_eq!(scene.exchange("web", &access, &wanted).await.error(), "access_denied", "nobody said so");
    scene.sets(&json!({ "refresh_token": { "issue": true } }));
    assert_eq!(scene.exchange("web", &access, &[]).await.status, 503, "nor was one asked for");
    for (token, kind, life) in [(&access, ACCESS, 600), (&refreshing, REFRESH, 30 * 86_400)] {
        let extra = [("requested_token_type", REFRESH), ("subject_token_type", kind)];
        let issued = scene.exchanged("web", token, &extra).await;
        assert_eq!((&issued["issued_token_type"], &issued["token_type"]), (&json!(REFRESH), &json!("N_A")));
        assert!(issued["expires_in"].as_i64().unwrap() <= life, "{issued}");
        let used = refresh(&scene.stand, "web", &text(&issued["access_token"])).await;
        assert_eq!(used.status, 200, "{}", used.text);
        assert_eq!(claims(&text(&used.json["access_token"]))["sub"], "alice");
    }
    scene.stand.clock.advance(599);
    let extra = [("requested_token_type", REFRESH)];
    let short = scene.exchanged("web", &access, &extra).await;
    assert_eq!(short["expires_in"], 1);
    scene.stand.clock.advance(1);
    assert_eq!(refresh(&scene.stand, "web", &text(&short["access_token"])).await.error(), "invalid_grant");
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

#[tokio::test]
async fn while_the_policy_fails_nothing_is_issued_and_nothing_used_up() {
    let scene = Scene::start().await;
    let sidecar = super::sidecar::Sidecar::answering(|_| Answered::status(500)).await;
    let broken = Scene::with(|_, policy| policy.url = Some(sidecar.url.clone())).await;
    for (scene, status, error) in [(&scene, 400, "access_denied"), (&broken, 503, "temporarily_unavailable")]
    {
        scene.answers(json!({ "decision": "deny", "error": { "code": "access_denied" } }));
        let single = text(&scene.tokens("single", CALLBACK, "alice", &json!({})).await["access_token"]);
        let reply = scene.exchange("single", &single, &[]).await;
        assert_eq!((reply.status, reply.error()), (status, error), "{}", reply.text);
        assert!(scene.stand.is_active("single", &single).await, "it can still be used");
        assert_eq!(scene.stand.events("authorization.granted").len(), 1);
    }
    let single = text(&scene.tokens("single", CALLBACK, "alice", &json!({})).await["access_token"]);
    scene.answers(json!({ "decision": "allow" }));
    scene.exchanged("single", &single, &[]).await;
    scene.refused_unasked("single", &single, &[], "invalid_request").await;
}
