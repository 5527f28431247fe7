//! A server that announces two classes of authentication, and users who step up.

use placet_server::config::Config;
use serde_json::{Value, json};

use super::{
    harness::{Browser, Params, Stand, auth, claims},
    helpers::text,
    policy_stage::{prompt, reply},
};

/// The class of a password.
pub const PWD: &str = "urn:placet:acr:pwd";
/// The class of a second factor.
pub const MFA: &str = "urn:placet:acr:mfa";

/// A server that announces two classes.
pub async fn stand() -> Stand {
    stand_with(|_| {}).await
}

/// The same with other settings.
pub async fn stand_with(change: impl FnOnce(&mut Config)) -> Stand {
    Stand::with(|config| {
        config.acr_values.push(MFA.to_owned());
        change(config);
    })
    .await
}

/// An authentication with a second factor; of the session that the prompt shows, if it shows one.
pub fn strong(prompt: &Value) -> Value {
    let mut answer = auth("alice");
    (answer["acr"], answer["amr"]) = (json!(MFA), json!(["pwd", "otp", "mfa"]));
    reusing(answer, prompt)
}

/// The same in the session that the prompt shows, if it shows one.
pub fn reusing(mut answer: Value, prompt: &Value) -> Value {
    if let Some(id) = prompt["session"]["id"].as_str() {
        answer["session"]["action"] = json!("reuse");
        answer["session"]["id"] = json!(id);
    }
    answer
}

/// Answers the prompt of an interaction with a second factor, then goes on to the response.
pub async fn stepped_up(stand: &Stand, browser: &mut Browser, id: &str) -> Params {
    let answer = strong(&prompt(stand, id).await);
    let next = reply(stand, id, &answer).await;
    assert_eq!(next.status, 200, "{}", next.text);
    assert_ne!(next.json["type"], "auth", "{}", next.text);
    stand.finish(browser, id, "alice").await
}

/// The tokens for a code.
pub async fn tokens(stand: &Stand, params: &Params) -> Value {
    let reply = stand.redeem("web", &params["code"]).await;
    assert_eq!(reply.status, 200, "{}: {params:?}", reply.text);
    reply.json
}

/// Class and time of an authentication, as an ID token, an access token and introspection tell it.
pub async fn told(stand: &Stand, tokens: &Value) -> Vec<(Value, Value)> {
    let introspected = stand.post("/introspect", "web", &[("token", &text(&tokens["access_token"]))]).await;
    let mut all = vec![claims(&text(&tokens["access_token"])), introspected.json];
    all.extend(tokens["id_token"].as_str().map(claims));
    all.iter().map(|claims| (claims["acr"].clone(), claims["auth_time"].clone())).collect()
}

/// Everything that tells of the authentication tells this.
pub async fn assert_told(stand: &Stand, tokens: &Value, acr: &str, at: i64) {
    for found in told(stand, tokens).await {
        assert_eq!(found, (json!(acr), json!(at)));
    }
}
