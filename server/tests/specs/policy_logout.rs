//! `logout.evaluate`, `docs/protocol.md`: what a policy may make of a logout.

use placet_server::config::OnFailure;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, HEADLESS, Stand},
    helpers::text,
    policy_stage::{allow, deny, rows, set},
    sidecar::{Answered, Sidecar},
};

const BYE: &str = "https://client.example/bye";

async fn stand(sidecar: &Sidecar) -> Stand {
    Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &["logout.evaluate"]));
        config.passed_parameters = vec!["campaign".to_owned()];
    })
    .await
}

/// Alice and bob are signed in; the hint is of alice.
async fn signed_in(stand: &Stand) -> (Browser, String) {
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[]).await;
    let hint = text(&stand.redeem("web", &params["code"]).await.json["id_token"]);
    let id = browser.authorize(stand, "web", &[("prompt", "login")]).await.interaction();
    stand.finish(&mut browser, &id, "bob").await;
    (browser, hint)
}

fn url(stand: &Stand, params: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    format!("{}/logout?{query}", stand.issuer)
}

fn no_question() -> Value {
    set(&json!({ "logout": { "confirm": false } }))
}

#[tokio::test]
async fn a_policy_spares_the_question_where_the_hint_is_of_this_browsers_session() {
    let sidecar = Sidecar::start(|_| no_question()).await;
    let stand = stand(&sidecar).await;
    let (mut browser, hint) = signed_in(&stand).await;
    let params =
        [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("campaign", "autumn")];
    let gone = browser.get(&url(&stand, &params)).await;
    assert_eq!((gone.status, gone.header("location")), (303, BYE));
    assert_eq!(rows(&stand, "alice").await.0, 0);
    assert_eq!(rows(&stand, "bob").await.0, 1, "the hint says nothing of him");
    let request = sidecar.requests().remove(0);
    assert_eq!((&request["subject"]["sub"], &request["session"]["sub"]), (&json!("alice"), &json!("alice")));
    assert_eq!(
        (&request["logout"]["initiator"], &request["logout"]["hint"]["verified"]),
        (&json!("rp"), &json!(true))
    );
    assert_eq!(request["logout"]["clients"][0]["client_id"], "web");
    assert_eq!(request["logout"]["parameters"], json!({ "campaign": ["autumn"] }));
    assert_eq!(
        (&request["request"]["endpoint"], &request["client"]["client_id"]),
        (&json!("logout"), &json!("web"))
    );
    assert_eq!(request["proposal"]["logout"], json!({ "confirm": true }));
    assert_eq!(request["limits"]["logout"], json!({ "skip_confirm": true }));
    // Bob is still signed in here.
    assert!(browser.authorize(&stand, "web", &[("prompt", "none")]).await.params().contains_key("code"));
}

#[tokio::test]
async fn without_a_hint_of_this_browser_the_user_is_asked_whatever_the_policy_says() {
    let sidecar = Sidecar::start(|_| no_question()).await;
    // A policy of this type that fails does not keep anybody signed in: the proposal stands.
    let stand = stand(&sidecar).await;
    let (mut browser, hint) = signed_in(&stand).await;
    let mut stranger = Browser::new();
    let id = stranger.authorize(&stand, "web", &[]).await.interaction();
    stand.finish(&mut stranger, &id, "carol").await;
    for (browser, params) in
        [(&mut browser, vec![("client_id", "web")]), (&mut stranger, vec![("id_token_hint", hint.as_str())])]
    {
        let asked = browser.get(&url(&stand, &params)).await;
        let id = asked.interaction();
        let prompt = super::policy_stage::prompt(&stand, &id).await;
        assert_eq!(prompt["type"], "confirm", "{prompt}");
    }
    assert_eq!((rows(&stand, "alice").await.0, rows(&stand, "carol").await.0), (1, 1));
    assert_eq!(sidecar.requests()[1]["limits"]["logout"], json!({ "skip_confirm": false }));
}

#[tokio::test]
async fn a_refused_logout_ends_nothing_and_goes_nowhere() {
    let sidecar = Sidecar::start(|_| deny("access_denied")).await;
    let stand = stand(&sidecar).await;
    let (mut browser, hint) = signed_in(&stand).await;
    let page =
        browser.get(&url(&stand, &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)])).await;
    assert_eq!((page.status, page.header("location")), (403, ""));
    assert!(page.text.contains("access_denied"), "{}", page.text);
    assert_eq!((rows(&stand, "alice").await.0, rows(&stand, "bob").await.0), (1, 1));
    let handles = browser.cookies["placet-sso"].split('.').collect::<Vec<_>>();
    let body = json!({
        "kind": "logout", "initiator": "op", "sub": "alice",
        "browser": { "binding": "binding-of-the-browser-0123456789", "sessions": handles },
    });
    let prompt = stand.call(HEADLESS, Method::POST, "/interactions", Some(&body)).await.json;
    assert_eq!(
        (&prompt["type"], &prompt["error"]["error"]),
        (&json!("error"), &json!("access_denied")),
        "{prompt}"
    );
    assert_eq!(sidecar.requests()[1]["logout"]["initiator"], "op");
}

#[tokio::test]
async fn a_dead_sidecar_keeps_nobody_signed_in_unless_the_operator_says_so() {
    let dead = Sidecar::answering(|_| Answered::status(500)).await;
    let lenient = stand(&dead).await;
    let (mut browser, hint) = signed_in(&lenient).await;
    let asked = browser.get(&url(&lenient, &[("id_token_hint", &hint)])).await;
    assert_eq!(super::policy_stage::prompt(&lenient, &asked.interaction()).await["type"], "confirm");

    let strict = Stand::with(|config| {
        let mut policy = dead.policy("guard", &["logout.evaluate"]);
        policy.on_failure = Some(OnFailure::Fail);
        config.policy.push(policy);
    })
    .await;
    let (mut browser, hint) = signed_in(&strict).await;
    let page = browser.get(&url(&strict, &[("id_token_hint", &hint)])).await;
    assert_eq!(page.status, 503, "{}", page.text);
    assert_eq!(rows(&strict, "alice").await.0, 1);
}

#[tokio::test]
async fn where_nobody_is_signed_in_nobody_is_asked() {
    let sidecar = Sidecar::start(|_| allow()).await;
    let stand = stand(&sidecar).await;
    let gone = Browser::new().get(&url(&stand, &[])).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    assert_eq!(sidecar.requests().len(), 0);
}
