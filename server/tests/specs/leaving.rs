//! What the specifications of logout share: signing in to several clients with one browser, and out again.

use placet_server::{config::Config, delivery};
use serde_json::{Value, json};

use super::{
    harness::{Browser, Reply, Stand},
    helpers::{client, text},
    receiver::Receiver,
};

/// Where the browser goes after a logout.
pub const BYE: &str = "https://client.example/bye";

/// A client of the configuration wants logout tokens at this address.
pub fn tell(config: &mut Config, id: &str, uri: &str) {
    client(config, id).metadata.backchannel_logout_uri = Some(uri.to_owned());
}

/// A stand where `web` and `other` want logout tokens.
pub async fn stand_telling(web: &Receiver, other: &Receiver) -> Stand {
    Stand::with(|config| {
        tell(config, "web", &web.uri);
        tell(config, "other", &other.uri);
    })
    .await
}

/// Signs in and redeems; gives the token response.
pub async fn tokens(stand: &Stand, browser: &mut Browser, client: &str) -> Value {
    let asked = browser.authorize(stand, client, &[]).await;
    let params = if asked.header("location").starts_with("https://login.example/") {
        stand.finish(browser, &asked.interaction(), "alice").await
    } else {
        asked.params()
    };
    let reply = stand.redeem(client, &params["code"]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

/// Asks for a logout.
pub async fn ask(stand: &Stand, browser: &mut Browser, params: &[(&str, &str)]) -> Reply {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    browser.get(&format!("{}/logout?{query}", stand.issuer)).await
}

/// Asks for a logout, says yes, and brings the browser back.
pub async fn log_out(stand: &Stand, browser: &mut Browser, scope: &str, params: &[(&str, &str)]) -> Reply {
    let id = ask(stand, browser, params).await.interaction();
    let done = stand.answer(&id, 1, &json!({ "type": "confirm", "accepted": true, "scope": scope })).await;
    assert_eq!(done.json["type"], "response", "{}", done.text);
    browser.get(&text(&done.json["response"]["delivery"]["uri"])).await
}

/// Attempts everything that is due; gives how many attempts that were.
pub async fn deliver(stand: &Stand) -> usize {
    delivery::round(&stand.server).await.unwrap()
}

/// Attempts what is due now and in the coming days, until nothing waits.
pub async fn deliver_all(stand: &Stand) -> usize {
    let mut attempts = 0;
    for _ in 0..500 {
        attempts += deliver(stand).await;
        if stand.rows("SELECT id FROM deliveries WHERE dead_at IS NULL").is_empty() {
            return attempts;
        }
        stand.clock.advance(600);
    }
    panic!("there is no end to it");
}
