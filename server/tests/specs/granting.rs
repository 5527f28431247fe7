//! Sign-ins in which the login app says more about the grant than yes.

use placet_server::config::{Capability, Config};
use serde_json::{Value, json};

use super::{
    harness::{Browser, Reply, Stand, auth},
    helpers::redeem_at,
};

/// Lets the login app of the redirect door set subjects, actors and tokens.
pub fn trust_the_app(config: &mut Config) {
    config.ui[0].capabilities = vec![Capability::AllowImpersonation, Capability::SetTokens];
}

/// A sign-in of `sub` to `client` with consent to `scope` and this grant; gives what the app is answered.
pub async fn consented(
    stand: &Stand,
    browser: &mut Browser,
    (client, uri): (&str, &str),
    (sub, scope, grant): (&str, &str, &Value),
) -> Reply {
    let extra = [("redirect_uri", uri), ("scope", scope), ("prompt", "login consent")];
    let id = browser.authorize(stand, client, &extra).await.interaction();
    let prompt = stand.answer(&id, 1, &auth(sub)).await;
    assert_eq!(prompt.json["type"], "consent", "{}", prompt.text);
    let body = json!({ "type": "consent", "accept_all": true, "grant": grant });
    stand.answer(&id, 2, &body).await
}

/// The tokens that such a sign-in leads to.
pub async fn tokens_of(stand: &Stand, (client, uri): (&str, &str), asked: (&str, &str, &Value)) -> Value {
    let mut browser = Browser::new();
    let done = consented(stand, &mut browser, (client, uri), asked).await;
    assert_eq!(done.json["type"], "response", "{}", done.text);
    let params = browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await.params();
    let reply = redeem_at(stand, client, &params["code"], uri).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}
