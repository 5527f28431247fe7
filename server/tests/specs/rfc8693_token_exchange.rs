//! RFC 8693 section 2: which tokens are exchanged by whom, and for what.

use placet_server::config::ScopeCeiling;
use serde_json::json;

use super::{
    exchanging::{ACCESS, API, EXCHANGE, ID, JWT, REFRESH, SHIPPING, Scene},
    harness::{CALLBACK, Reply, Stand, claims},
    helpers::{client, refresh, text, verified},
    sidecar::Answered,
};

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
