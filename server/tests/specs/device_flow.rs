//! Devices without a browser, and the people who answer for them.

use std::sync::Arc;

use placet_server::config::{ClientConfig, ClientSettings, Config, ConsentMode};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{
    harness::{Browser, Reply, SECRET, Stand, UI, auth},
    helpers::{configured, text},
};

/// The grant type.
pub const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A television that anybody can claim to be, a box with a secret, and a box of the house that nobody has to agree to.
pub fn devices(config: &mut Config) {
    let metadata = |extra: Value| {
        let mut all = json!({
            "client_name": "Acme TV", "application_type": "native", "response_types": [],
            "grant_types": [DEVICE, "refresh_token"],
            "scope": "openid profile email offline_access reports.read reports.write",
        });
        all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        all
    };
    let tv = ClientConfig {
        client_id: "tv".to_owned(),
        metadata: serde_json::from_value(metadata(json!({ "token_endpoint_auth_method": "none" }))).unwrap(),
        ..ClientConfig::default()
    };
    let mut own = configured("house", &metadata(json!({})));
    own.settings =
        ClientSettings { first_party: true, consent: ConsentMode::Implicit, ..ClientSettings::default() };
    config.clients.extend([tv, configured("box", &metadata(json!({}))), own]);
}

/// A server that knows them.
pub async fn stand() -> Stand {
    Stand::with(devices).await
}

/// A form that a device posts; the television has no secret.
pub fn form(stand: &Stand, path: &str, client: &str, params: &[(&str, &str)]) -> RequestBuilder {
    let request = stand.http.post(format!("{}{path}", stand.issuer));
    if client == "tv" {
        request.form(&[&[("client_id", client)], params].concat())
    } else {
        request.basic_auth(client, Some(SECRET)).form(params)
    }
}

/// What a device gets when it asks for a code.
pub async fn ask(stand: &Stand, client: &str, params: &[(&str, &str)]) -> Reply {
    Reply::read(form(stand, "/device_authorization", client, params).send().await.unwrap()).await
}

/// The codes of a device.
#[derive(Clone, Debug)]
pub struct Codes {
    /// What it asks with.
    pub device: String,
    /// What it shows.
    pub user: String,
}

/// A device that asked for these scope values.
pub async fn start(stand: &Stand, client: &str, scope: &str) -> Codes {
    let reply = ask(stand, client, &[("scope", scope)]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    Codes { device: text(&reply.json["device_code"]), user: text(&reply.json["user_code"]) }
}

/// A device asks whether it was approved.
pub async fn poll(stand: &Stand, client: &str, device_code: &str) -> Reply {
    let params = [("grant_type", DEVICE), ("device_code", device_code)];
    Reply::read(form(stand, "/token", client, &params).send().await.unwrap()).await
}

/// Of many who ask after the same code at once, in turn at these servers, one is in time; the others are told to slow down.
pub async fn one_is_in_time(stands: &[Arc<Stand>], device_code: &str, times: usize) {
    let mut races = Vec::new();
    for n in 0..times {
        let (stand, device_code) = (stands[n % stands.len()].clone(), device_code.to_owned());
        races.push(tokio::spawn(async move { poll(&stand, "tv", &device_code).await }));
    }
    let mut in_time = 0;
    for race in races {
        match race.await.unwrap().error() {
            "authorization_pending" => in_time += 1,
            other => assert_eq!(other, "slow_down"),
        }
    }
    assert_eq!(in_time, 1);
}

/// A browser goes to `/device`, maybe by a link; gives the interaction.
pub async fn open(stand: &Stand, browser: &mut Browser, user_code: Option<&str>) -> String {
    let query = user_code.map(|code| format!("?user_code={code}")).unwrap_or_default();
    browser.get(&format!("{}/device{query}", stand.issuer)).await.interaction()
}

/// The current prompt.
pub async fn prompt(stand: &Stand, id: &str) -> Value {
    let reply = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

/// The answer with a code.
pub fn code(user_code: &str) -> Value {
    json!({ "type": "user_code", "user_code": user_code })
}

/// The answer to the question whether the device is the user's.
pub fn confirm(accepted: bool) -> Value {
    json!({ "type": "confirm", "accepted": accepted })
}

/// Answers the current prompt.
pub async fn answer(stand: &Stand, id: &str, body: &Value) -> Value {
    let step = u32::try_from(prompt(stand, id).await["step"].as_u64().unwrap()).unwrap();
    let reply = stand.answer(id, step, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

/// Plays the login app to its last prompt, whatever is asked; gives the address that leads back.
pub async fn agree(stand: &Stand, id: &str, sub: &str) -> String {
    let mut at = prompt(stand, id).await;
    while at["type"] != "response" {
        let body = match at["type"].as_str().unwrap() {
            "confirm" => confirm(true),
            "auth" => auth(sub),
            "consent" => json!({ "type": "consent", "accept_all": true, "remember": { "mode": "always" } }),
            other => panic!("unexpected prompt {other}: {at}"),
        };
        at = answer(stand, id, &body).await;
    }
    text(&at["response"]["delivery"]["uri"])
}

/// A user types the code and agrees to everything; gives the last page.
pub async fn approve(stand: &Stand, browser: &mut Browser, user_code: &str, sub: &str) -> Reply {
    let id = open(stand, browser, None).await;
    assert_eq!(answer(stand, &id, &code(user_code)).await["type"], "confirm");
    let back = agree(stand, &id, sub).await;
    browser.get(&back).await
}

/// A device that was approved: its code is good for tokens.
pub async fn approved(stand: &Stand, client: &str, scope: &str) -> String {
    let codes = start(stand, client, scope).await;
    let page = approve(stand, &mut Browser::new(), &codes.user, "alice").await;
    assert_eq!(page.status, 200, "{page:?}");
    codes.device
}

/// The television refreshes its tokens.
pub async fn refresh_tv(stand: &Stand, token: &str) -> Reply {
    let params = [("grant_type", "refresh_token"), ("refresh_token", token)];
    Reply::read(form(stand, "/token", "tv", &params).send().await.unwrap()).await
}
