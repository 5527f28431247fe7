//! Policies of the device authorization grant: `docs/protocol.md`, `device.request`, `grant.device_code`, and those of
//! interactions.

use placet_server::config::{Matcher, Predicate};
use serde_json::{Value, json};

use super::{
    device_flow::{
        DEVICE, agree, answer, approve, approved, ask, confirm, devices, open, poll, prompt, start,
    },
    harness::{Browser, Stand, auth},
    helpers::text,
    policy_stage::{challenge, deny, failing, scripted, set},
    sidecar::Sidecar,
};

async fn stand(sidecar: &Sidecar, types: &[&str]) -> Stand {
    Stand::with(|config| {
        devices(config);
        config.policy.push(sidecar.policy("guard", types));
    })
    .await
}

#[tokio::test]
async fn a_policy_sees_what_a_device_asks_and_may_give_it_less() {
    let patch = json!({
        "device": { "expires_in": 120, "interval": 10 },
        "grant": { "scope": ["openid", "reports.read"] },
    });
    let sidecar = scripted(vec![set(&patch)]).await;
    let stand = stand(&sidecar, &["device.request"]).await;
    let asked = ask(&stand, "tv", &[("scope", "openid reports.read reports.write")]).await.json;
    assert_eq!((&asked["expires_in"], &asked["interval"]), (&json!(120), &json!(10)));
    let question = &sidecar.requests()[0];
    assert_eq!(question["device"], json!({ "expires_in": 600, "interval": 5 }));
    assert_eq!(question["request"]["endpoint"], "device");
    assert_eq!(question["client"]["client_id"], "tv");
    assert_eq!(question["grant"]["type"], DEVICE);
    let scope = json!(["openid", "reports.read", "reports.write"]);
    assert_eq!(question["grant"]["requested"]["scope"], scope);
    assert_eq!(question["limits"]["device"], json!({ "max_expires_in": 600, "min_interval": 5 }));
    assert_eq!(question["proposal"]["grant"]["scope"], scope);

    let mut browser = Browser::new();
    let id = open(&stand, &mut browser, Some(&text(&asked["user_code"]))).await;
    answer(&stand, &id, &confirm(true)).await;
    let consent = answer(&stand, &id, &auth("alice")).await;
    let offered: Vec<_> =
        consent["consent"]["scope"].as_array().unwrap().iter().map(|s| &s["value"]).collect();
    assert_eq!(offered, [&json!("openid"), &json!("reports.read")]);
    let back = agree(&stand, &id, "alice").await;
    browser.get(&back).await;
    let tokens = poll(&stand, "tv", &text(&asked["device_code"])).await;
    assert_eq!(tokens.json["scope"], "openid reports.read", "{}", tokens.text);
}

#[tokio::test]
async fn a_policy_refuses_a_device_and_nothing_is_kept() {
    let too_much = json!({ "device": { "expires_in": 6_000 } });
    let sidecar = scripted(vec![deny("access_denied"), deny("unauthorized_client"), set(&too_much)]).await;
    let stand = stand(&sidecar, &["device.request"]).await;
    for (status, error) in
        [(400, "access_denied"), (400, "unauthorized_client"), (503, "temporarily_unavailable")]
    {
        let reply = ask(&stand, "box", &[("scope", "openid")]).await;
        assert_eq!((reply.status, reply.error()), (status, error), "{}", reply.text);
    }
    assert_eq!(stand.rows("SELECT kind FROM polled_requests"), Vec::<String>::new());
}

#[tokio::test]
async fn policies_of_the_interaction_learn_of_the_device_and_may_ask_for_more() {
    let step_up = challenge(&json!({ "kind": "step_up", "acr_values": ["urn:acme:loa:2"], "max_age": 60 }));
    let sidecar = scripted(vec![step_up]).await;
    let stand = stand(&sidecar, &["interaction.approve"]).await;
    let codes = start(&stand, "tv", "openid").await;
    let mut browser = Browser::new();
    let id = open(&stand, &mut browser, Some(&codes.user)).await;
    answer(&stand, &id, &confirm(true)).await;
    answer(&stand, &id, &auth("alice")).await;
    let again = answer(&stand, &id, &json!({ "type": "consent", "accept_all": true })).await;
    assert_eq!((&again["type"], &again["auth"]["reasons"]), (&json!("auth"), &json!(["policy_step_up"])));
    let question = &sidecar.requests()[0];
    assert_eq!(question["grant"]["type"], DEVICE);
    let interaction = &question["interaction"];
    assert_eq!((&interaction["kind"], &interaction["stage"]), (&json!("device"), &json!("approve")));
    let device = &interaction["device"];
    assert_eq!((&device["ip"], &device["same_network"]), (&json!("127.0.0.1"), &json!(true)));
    assert_eq!(device["prefilled"], true);
    assert!(device.get("user_code").is_none(), "{device}");
    let mut stronger = auth("alice");
    stronger["acr"] = json!("urn:acme:loa:2");
    answer(&stand, &id, &stronger).await;
    let back = agree(&stand, &id, "alice").await;
    assert_eq!(browser.get(&back).await.status, 200);
    assert_eq!(poll(&stand, "tv", &codes.device).await.status, 200);
}

#[tokio::test]
async fn a_policy_that_refuses_the_user_is_a_refusal_for_the_device() {
    let sidecar = scripted(vec![deny("access_denied")]).await;
    let stand = stand(&sidecar, &["interaction.evaluate"]).await;
    let codes = start(&stand, "tv", "openid").await;
    let page = approve(&stand, &mut Browser::new(), &codes.user, "alice").await;
    assert!(page.text.contains("is not connected"), "{}", page.text);
    assert_eq!(poll(&stand, "tv", &codes.device).await.error(), "access_denied");
}

#[tokio::test]
async fn a_policy_narrows_what_a_device_redeems_for_good() {
    let sidecar = scripted(vec![set(&json!({ "grant": { "scope": ["reports.read"] } }))]).await;
    let stand = stand(&sidecar, &["grant.device_code"]).await;
    let device_code = approved(&stand, "box", "reports.read reports.write").await;
    assert!(sidecar.requests().is_empty(), "nobody is asked before there is something to redeem");
    let tokens = poll(&stand, "box", &device_code).await;
    assert_eq!(tokens.json["scope"], "reports.read", "{}", tokens.text);
    let question = &sidecar.requests()[0];
    assert_eq!(
        (&question["type"], &question["grant"]["type"]),
        (&json!("grant.device_code"), &json!(DEVICE))
    );
    assert_eq!(question["authorization"]["kind"], "device");
    assert_eq!(question["subject"]["sub"], "alice");
    let refreshed = super::helpers::refresh(&stand, "box", &text(&tokens.json["refresh_token"])).await;
    assert_eq!(refreshed.json["scope"], "reports.read", "{}", refreshed.text);
}

#[tokio::test]
async fn a_policy_that_refuses_or_fails_uses_no_code_up() {
    let (sidecar, fails) = failing(|_| json!({ "decision": "allow" })).await;
    let stand = stand(&sidecar, &["grant.device_code"]).await;
    let device_code = approved(&stand, "tv", "openid").await;
    fails.store(true, std::sync::atomic::Ordering::SeqCst);
    let trouble = poll(&stand, "tv", &device_code).await;
    assert_eq!((trouble.status, trouble.error()), (503, "temporarily_unavailable"), "{}", trouble.text);
    assert_eq!(trouble.header("retry-after"), "2");
    fails.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(poll(&stand, "tv", &device_code).await.status, 200);
}

#[tokio::test]
async fn a_policy_of_one_client_is_not_asked_about_another() {
    let sidecar = scripted(vec![deny("access_denied")]).await;
    let stand = Stand::with(|config| {
        devices(config);
        let mut policy = sidecar.policy("guard", &["device.request"]);
        let one = Predicate { eq: Some(json!("box")), ..Predicate::default() };
        policy.when = vec![Matcher::from([("/client/client_id".to_owned(), one)])];
        config.policy.push(policy);
    })
    .await;
    assert_eq!(ask(&stand, "tv", &[("scope", "openid")]).await.status, 200);
    assert_eq!(ask(&stand, "box", &[("scope", "openid")]).await.error(), "access_denied");
    let id = open(&stand, &mut Browser::new(), None).await;
    let first: Value = prompt(&stand, &id).await;
    assert_eq!(first["type"], "user_code");
}
