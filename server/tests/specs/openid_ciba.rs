//! OpenID Connect Client-Initiated Backchannel Authentication Flow, Core 1.0: the request, and the answer of the user.

use placet_oauth::client::AuthMethod;
use placet_server::config::Config;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    calling::{CIBA, Desk, USER_CODE},
    harness::{HEADLESS, Stand, UI, auth, claims},
    helpers::{client, text, verified},
    policy_stage::set,
    sidecar::Sidecar,
};

#[tokio::test]
async fn a_user_says_yes_on_another_device_and_the_client_gets_tokens() {
    let desk = Desk::start().await;
    let reply = desk.ask("desk", &[("acr_values", "urn:acme:loa:2")]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!((&reply.json["expires_in"], &reply.json["interval"]), (&json!(300), &json!(5)));
    let id = text(&reply.json["auth_req_id"]);
    assert_eq!(desk.poll("desk", &id).await.error(), "authorization_pending");

    let prompt = desk.prompt("alice").await;
    assert_eq!(
        (&prompt["kind"], &prompt["type"], &prompt["step"]),
        (&json!("ciba"), &json!("auth"), &json!(1))
    );
    assert_eq!(prompt["auth"]["account"], json!({ "mode": "fixed", "sub": "alice" }));
    assert_eq!(prompt["client"]["name"], "Acme Phone Desk");
    assert_eq!(prompt["ciba"]["binding_message"], "W4SCT");
    assert_eq!(prompt["ciba"]["delivery"], "poll");
    assert_eq!(prompt["ciba"]["acr_values"], json!(["urn:acme:loa:2"]));
    assert_eq!(prompt["request"]["redirect_uri"], Value::Null);

    let last = desk.approve("alice").await;
    assert_eq!(last["response"]["outcome"], "success");
    assert_eq!(last["response"]["delivery"], json!({ "method": "none" }));
    assert_eq!(last["ciba"]["binding_message"], "W4SCT", "the facts are on every prompt");
    assert!(desk.waiting("alice").await.is_empty(), "it is answered");

    let tokens = desk.poll("desk", &id).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert_eq!(tokens.json["scope"], "openid email");
    let (_, id_token) = verified(&desk.stand, &text(&tokens.json["id_token"])).await;
    assert_eq!((&id_token["sub"], &id_token["aud"]), (&json!("alice"), &json!("desk")));
    assert_eq!(id_token["acr"], "urn:placet:acr:pwd");
    assert_eq!(id_token.get("sid"), None, "there is no session");
    let access = text(&tokens.json["access_token"]);
    assert_eq!(desk.stand.userinfo(&access).await.json["email"], "alice@example.com");
    assert_eq!(desk.stand.events("interaction.completed").len(), 1);
}

#[tokio::test]
async fn discovery_says_what_there_is() {
    let desk = Desk::start().await;
    let document = desk.stand.server.discovery();
    let issuer = &desk.stand.issuer;
    assert_eq!(document["backchannel_authentication_endpoint"], format!("{issuer}/bc-authorize"));
    assert_eq!(document["backchannel_token_delivery_modes_supported"], json!(["poll", "ping", "push"]));
    assert_eq!(document["backchannel_user_code_parameter_supported"], true);
    let algs =
        document["backchannel_authentication_request_signing_alg_values_supported"].as_array().unwrap();
    assert!(
        algs.contains(&json!("ES256")) && !algs.contains(&json!("HS256")) && !algs.contains(&json!("none"))
    );
    assert!(document["grant_types_supported"].as_array().unwrap().contains(&json!(CIBA)));
    let without = Stand::start().await;
    assert_eq!(without.server.discovery()["backchannel_user_code_parameter_supported"], false);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_has_its_code_and_asks_nobody() {
    type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);
    let desk = Desk::start().await;
    let long = "x".repeat(129);
    let cases: [Case<'_>; 21] = [
        (&[("scope", "")], 400, "invalid_scope"),
        (&[("scope", "email")], 400, "invalid_scope"),
        (&[("login_hint", "")], 400, "invalid_request"),
        (&[("login_hint_token", "x.y.z")], 400, "invalid_request"),
        (&[("login_hint", ""), ("login_hint_token", "x.y.z")], 400, "invalid_request"),
        (&[("login_hint", ""), ("id_token_hint", "x.y.z")], 400, "invalid_request"),
        (&[("login_hint", "nobody")], 400, "unknown_user_id"),
        (&[("login_hint", "carol")], 400, "missing_user_code"),
        (&[("user_code", "wrong")], 400, "invalid_user_code"),
        (&[("login_hint", "dave")], 403, "access_denied"),
        (&[("binding_message", &long)], 400, "invalid_binding_message"),
        (&[("binding_message", "two\nlines")], 400, "invalid_binding_message"),
        (&[("requested_expiry", "0")], 400, "invalid_request"),
        (&[("requested_expiry", "soon")], 400, "invalid_request"),
        (&[("resource", "https://unknown.example")], 400, "invalid_target"),
        (&[("authorization_details", "[{\"type\":\"unknown\"}]")], 400, "invalid_authorization_details"),
        (&[("authorization_details", "nonsense")], 400, "invalid_authorization_details"),
        (&[("request", "x.y.z")], 400, "invalid_request"),
        (&[("request_context", "[]")], 400, "invalid_request"),
        (&[("client_notification_token", "short")], 400, "invalid_request"),
        (&[("login_hint", "alice"), ("login_hint", "bob")], 400, "invalid_request"),
    ];
    for (extra, status, code) in cases {
        let reply = desk.ask("desk", extra).await;
        assert_eq!((reply.status, reply.error()), (status, code), "{extra:?}: {}", reply.text);
    }
    for sub in ["alice", "bob", "carol", "dave", "nobody"] {
        assert!(desk.waiting(sub).await.is_empty(), "{sub}");
    }
    assert!(desk.stand.events("interaction.created").is_empty());
}

#[tokio::test]
async fn a_client_proves_who_it_is_and_is_registered_for_it() {
    let desk = Desk::start().await;
    assert_eq!(desk.ask("web", &[]).await.error(), "unauthorized_client");
    assert_eq!(desk.ask("nobody", &[]).await.error(), "invalid_client");
    let form = [("client_id", "desk"), ("scope", "openid"), ("login_hint", "alice")];
    let unproved = desk.stand.post_public("/bc-authorize", &form).await;
    assert_eq!((unproved.status, unproved.error()), (401, "invalid_client"));
    assert_eq!(desk.poll("web", "anything").await.error(), "unauthorized_client");
    assert!(desk.waiting("alice").await.is_empty());
}

#[tokio::test]
async fn the_code_of_a_user_reaches_the_policy_and_nobody_else() {
    let desk = Desk::with(|config| {
        let mute = client(config, "desk2");
        mute.metadata.backchannel_user_code_parameter = None;
    })
    .await;
    desk.asked("desk", &[("user_code", USER_CODE)]).await;
    assert_eq!(desk.sidecar.requests()[0]["ciba"]["user_code"], USER_CODE);
    assert!(!desk.prompt("alice").await.to_string().contains(USER_CODE));
    let reply = desk.ask("desk2", &[("user_code", USER_CODE)]).await;
    assert_eq!(reply.error(), "invalid_request", "{}", reply.text);
}

#[tokio::test]
async fn a_policy_that_names_what_is_no_subject_fails_and_nobody_is_asked() {
    for sub in ["two\nlines", &"x".repeat(300)] {
        let named = sub.to_owned();
        let sidecar = Sidecar::start(move |_| set(&json!({ "ciba": { "sub": named } }))).await;
        let desk = Desk::with(|c| c.policy = vec![sidecar.policy("directory", &["ciba.request"])]).await;
        let reply = desk.ask("desk", &[]).await;
        assert_eq!(reply.status, 503, "{sub:?}: {}", reply.text);
        assert_eq!(sidecar.requests().len(), 1);
        assert!(desk.stand.events("interaction.created").is_empty(), "{sub:?}");
        assert!(desk.stand.rows("SELECT id FROM interactions").is_empty(), "{sub:?}");
    }
}

#[tokio::test]
async fn the_policy_is_told_what_is_asked_and_may_bound_it() {
    let desk = Desk::start().await;
    desk.asked("desk", &[("requested_expiry", "120"), ("request_context", "{\"amount\":5}")]).await;
    let asked = desk.sidecar.requests().remove(0);
    assert_eq!(asked["request"]["endpoint"], "ciba");
    assert_eq!(asked["grant"]["type"], CIBA);
    assert_eq!(asked["ciba"]["hint"], json!({ "kind": "login_hint", "value": "alice" }));
    assert_eq!(asked["ciba"]["request_context"]["amount"], 5);
    assert_eq!(asked["proposal"]["ciba"], json!({ "expires_in": 120, "interval": 5 }));
    assert_eq!(asked["limits"]["ciba"]["sub"], "settable");
    assert_eq!(asked["requires"], json!(["/ciba/sub"]));
    let event = desk.stand.events("interaction.created").remove(0);
    assert_eq!((&event.1["sub"], &event.1["kind"]), (&json!("alice"), &json!("ciba")));
    assert_eq!(event.1["channel"], json!({ "app": "phone" }));
    assert_eq!(event.0, desk.prompt("alice").await["id"].as_str().unwrap());
}

#[tokio::test]
async fn a_life_is_bounded_whatever_a_client_asks_for() {
    let desk = Desk::start().await;
    let reply = desk.ask("desk", &[("requested_expiry", "86400")]).await;
    assert_eq!(reply.json["expires_in"], 600);
    let short = desk.ask("desk", &[("requested_expiry", "30")]).await;
    assert_eq!(short.json["expires_in"], 30);
}

#[tokio::test]
async fn a_policy_lets_a_request_live_no_longer_and_be_asked_after_no_sooner_than_it_may() {
    for beyond in [
        json!({ "interval": 4 }),
        json!({ "expires_in": 601 }),
        json!({ "expires_in": 0 }),
        json!({ "channel": { "to": "x".repeat(10_000) } }),
    ] {
        let mut known = json!({ "sub": "alice" });
        known.as_object_mut().unwrap().extend(beyond.as_object().unwrap().clone());
        let sidecar = Sidecar::start(move |_| set(&json!({ "ciba": known }))).await;
        let desk =
            Desk::with(|config| config.policy = vec![sidecar.policy("directory", &["ciba.request"])]).await;
        let reply = desk.ask("desk", &[]).await;
        assert_eq!(reply.status, 503, "{beyond}: {}", reply.text);
        assert!(desk.waiting("alice").await.is_empty(), "{beyond}");
        let limits = &sidecar.requests()[0]["limits"]["ciba"];
        assert_eq!((&limits["max_expires_in"], &limits["min_interval"]), (&json!(600), &json!(5)));
    }
}

#[tokio::test]
async fn without_a_policy_an_id_token_names_the_user_and_nothing_else_does() {
    let desk = Desk::with(|config| config.policy = Vec::new()).await;
    assert_eq!(desk.ask("desk", &[]).await.error(), "unknown_user_id");
    assert_eq!(desk.ask("desk", &[("user_code", "1")]).await.error(), "invalid_request");
    let tokens = desk.stand.tokens("desk", "openid").await;
    let hint = text(&tokens["id_token"]);
    let code = [("login_hint", ""), ("id_token_hint", hint.as_str()), ("user_code", "1")];
    assert_eq!(desk.ask("desk", &code).await.error(), "invalid_request", "nobody compares it");
    assert!(desk.waiting("alice").await.is_empty());
    desk.stand.clock.advance(86_400);
    let id = desk.asked("desk", &[("login_hint", ""), ("id_token_hint", &hint)]).await;
    desk.approve("alice").await;
    assert_eq!(desk.poll("desk", &id).await.status, 200, "a hint may be over");
    let of_another = desk.ask("desk2", &[("login_hint", ""), ("id_token_hint", &hint)]).await;
    assert_eq!(of_another.error(), "invalid_request");
}

#[tokio::test]
async fn a_policy_does_not_put_somebody_else_in_the_place_of_whom_an_id_token_names() {
    let desk = Desk::start().await;
    let hint = text(&desk.stand.tokens("desk", "openid").await["id_token"]);
    desk.asked("desk", &[("login_hint", ""), ("id_token_hint", &hint)]).await;
    let asked = desk.sidecar.requests().pop().unwrap();
    assert_eq!(asked["limits"]["ciba"]["sub"], "fixed");
    assert_eq!(asked["subject"]["sub"], "alice");
    assert_eq!(asked["ciba"]["hint"]["claims"]["sub"], "alice");
}

#[tokio::test]
async fn a_pairwise_client_names_a_user_by_what_it_knows() {
    let desk = Desk::start().await;
    let id = desk.asked("quiet", &[]).await;
    desk.approve("alice").await;
    let tokens = desk.poll("quiet", &id).await.json;
    let hint = text(&tokens["id_token"]);
    let seen = text(&claims(&hint)["sub"]);
    assert_ne!(seen, "alice");
    let again = desk.asked("quiet", &[("login_hint", ""), ("id_token_hint", &hint)]).await;
    assert_eq!(desk.prompt("alice").await["auth"]["account"]["sub"], "alice");
    desk.approve("alice").await;
    assert_eq!(claims(&text(&desk.poll("quiet", &again).await.json["id_token"]))["sub"], seen);
}

#[tokio::test]
async fn only_the_very_user_can_say_yes() {
    let desk = Desk::start().await;
    let id = desk.asked("desk", &[]).await;
    let prompt = desk.prompt("alice").await;
    let interaction = text(&prompt["id"]);
    let other = desk.stand.answer(&interaction, 1, &auth("bob")).await;
    assert_eq!((other.status, &other.json["type"]), (200, &json!("auth")), "{}", other.text);
    assert_eq!(other.json["auth"]["reasons"], json!(["answer_insufficient", "subject_mismatch"]));
    assert_eq!(desk.poll("desk", &id).await.error(), "authorization_pending");
    assert!(desk.waiting("bob").await.is_empty(), "it waits for alice alone");
    let mine = desk.stand.answer(&interaction, 2, &auth("alice")).await;
    assert_eq!(mine.json["type"], "consent", "{}", mine.text);
    assert_eq!(mine.json["consent"]["subject"]["sub"], "alice");
}

#[tokio::test]
async fn another_login_app_neither_sees_nor_answers() {
    let desk = Desk::start().await;
    desk.asked("desk", &[]).await;
    let id = text(&desk.prompt("alice").await["id"]);
    let list = desk.stand.call(HEADLESS, Method::GET, "/interactions?kind=ciba&sub=alice", None).await;
    assert_eq!(list.json["items"], json!([]));
    let path = format!("/interactions/{id}/steps/1");
    assert_eq!(desk.stand.call(HEADLESS, Method::PUT, &path, Some(&auth("alice"))).await.status, 404);
    for query in ["kind=ciba", "kind=logout&sub=alice", "sub=alice", "kind=ciba&sub=alice&state=all"] {
        let reply = desk.stand.call(UI, Method::GET, &format!("/interactions?{query}"), None).await;
        assert_eq!(reply.status, 400, "{query}");
    }
}

#[tokio::test]
async fn the_configuration_names_the_app_that_asks() {
    let desk = Desk::with(|config| config.ciba.ui = Some("headless".to_owned())).await;
    desk.asked("desk", &[]).await;
    assert!(desk.waiting("alice").await.is_empty());
    let list = desk.stand.call(HEADLESS, Method::GET, "/interactions?kind=ciba&sub=alice", None).await;
    assert_eq!(list.json["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn consent_is_asked_each_time_and_counts_as_it_is_given() {
    let desk = Desk::with(|config| {
        let own = client(config, "desk2");
        own.settings.first_party = true;
        own.settings.consent = placet_server::config::ConsentMode::Implicit;
    })
    .await;
    desk.asked("desk2", &[]).await;
    let interaction = text(&desk.prompt("alice").await["id"]);
    let asked = desk.stand.answer(&interaction, 1, &auth("alice")).await.json;
    assert_eq!((&asked["type"], &asked["consent"]["reasons"]), (&json!("consent"), &json!(["always"])));

    let id = desk.asked("desk", &[("scope", "openid email reports.read"), ("login_hint", "bob")]).await;
    let interaction = text(&desk.prompt("bob").await["id"]);
    desk.stand.answer(&interaction, 1, &auth("bob")).await;
    let body =
        json!({ "type": "consent", "grant": { "scope": ["openid"] }, "remember": { "mode": "always" } });
    let done = desk.stand.answer(&interaction, 2, &body).await;
    assert_eq!(done.json["response"]["summary"]["scope"], json!(["openid"]), "{}", done.text);
    assert_eq!(desk.poll("desk", &id).await.json["scope"], "openid");
}

#[tokio::test]
async fn an_essential_class_is_for_policies_and_a_wanted_one_is_asked_for() {
    let desk = Desk::start().await;
    desk.asked("desk", &[("acr_values", "urn:acme:loa:2")]).await;
    let prompt = desk.prompt("alice").await;
    assert_eq!(prompt["auth"]["acr"], json!({ "values": ["urn:acme:loa:2"], "essential": false }));
}

fn refused(change: impl FnOnce(&mut Config)) -> String {
    let mut config = Config { development: true, ..Config::default() };
    config.clients = vec![super::calling::caller("desk", "ping", &json!({}))];
    change(&mut config);
    config.check().map_or_else(|error| error.to_string(), |()| String::new())
}

#[test]
fn check_config_refuses_what_cannot_work() {
    assert_eq!(refused(|_| {}), "");
    let metadata = |change: fn(&mut placet_oauth::client::ClientMetadata)| {
        refused(|config| change(&mut config.clients[0].metadata))
    };
    for (said, expected) in [
        (metadata(|m| m.backchannel_token_delivery_mode = None), "backchannel_token_delivery_mode"),
        (
            metadata(|m| m.backchannel_client_notification_endpoint = None),
            "backchannel_client_notification_endpoint",
        ),
        (
            metadata(|m| m.backchannel_client_notification_endpoint = Some("http://c.example/".to_owned())),
            "must be an https URL",
        ),
        (
            metadata(|m| m.backchannel_authentication_request_signing_alg = Some("HS256".to_owned())),
            "`HS256` is not supported",
        ),
        (metadata(|m| m.backchannel_authentication_request_signing_alg = Some("ES256".to_owned())), "`jwks`"),
        (metadata(|m| m.token_endpoint_auth_method = Some(AuthMethod::None)), "token_endpoint_auth_method"),
        (refused(|config| config.ciba.interval = 0), "ciba.interval"),
        (refused(|config| config.ciba.max_expiry = 100), "lifetimes.auth_req_id"),
        (refused(|config| config.ciba.ui = Some("missing".to_owned())), "ciba.ui"),
        (
            refused(|config| {
                config.development = false;
                config.ciba.automatic_answers = true;
            }),
            "ciba.automatic_answers",
        ),
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[tokio::test]
async fn a_test_suite_answers_in_the_name_of_users_where_that_is_switched_on() {
    let desk = Desk::with(|config| config.ciba.automatic_answers = true).await;
    let answer = async |desk: &Desk, id: &str, action: &str| {
        let url = format!("{}/dev/ciba?auth_req_id={id}&action={action}", desk.stand.issuer);
        desk.stand.http.post(url).send().await.unwrap().status().as_u16()
    };
    let id = desk.asked("desk", &[("acr_values", "urn:acme:loa:2")]).await;
    assert_eq!(answer(&desk, &id, "maybe").await, 400);
    assert_eq!(answer(&desk, "guessed", "allow").await, 400);
    assert_eq!(answer(&desk, &id, "allow").await, 204);
    let tokens = desk.poll("desk", &id).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert_eq!(claims(&text(&tokens.json["id_token"]))["acr"], "urn:acme:loa:2");
    let id = desk.asked("desk", &[]).await;
    assert_eq!(answer(&desk, &id, "deny").await, 204);
    assert_eq!(desk.poll("desk", &id).await.error(), "access_denied");

    let off = Desk::start().await;
    let id = off.asked("desk", &[]).await;
    assert_eq!(answer(&off, &id, "allow").await, 404);
    assert_eq!(off.poll("desk", &id).await.error(), "authorization_pending");
}

#[tokio::test]
async fn what_its_user_left_alone_for_too_long_is_not_shown_any_more() {
    let desk = Desk::with(|config| config.lifetimes.interaction_idle = 60).await;
    let id = desk.asked("desk", &[]).await;
    desk.stand.clock.advance(59);
    let prompt = desk.prompt("alice").await;
    desk.stand.clock.advance(1);
    assert!(desk.waiting("alice").await.is_empty(), "it could not be answered");
    let late = desk.stand.answer(&text(&prompt["id"]), 1, &auth("alice")).await;
    assert_eq!(late.status, 410, "{}", late.text);
    assert_eq!(desk.poll("desk", &id).await.error(), "authorization_pending");
}
