//! OpenID Connect Front-Channel Logout 1.0.

use std::collections::BTreeSet;

use placet_server::config::{Config, ConsentMode};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, HEADLESS, Reply, Stand, claims, query},
    helpers::{client, configured, text},
    leaving::{BYE, log_out, tokens},
    policy_stage::set,
    sidecar::Sidecar,
};

fn framed(config: &mut Config, id: &str, uri: &str) {
    client(config, id).metadata.frontchannel_logout_uri = Some(uri.to_owned());
}

async fn stand() -> Stand {
    Stand::with(|config| {
        framed(config, "web", "https://client.example/out?of=web");
        framed(config, "own", "https://client.example/gone");
        framed(config, "pairwise", "https://pairwise.example/out");
    })
    .await
}

/// The addresses that a page loads in frames.
fn frames(page: &Reply) -> Vec<String> {
    let mut parts = page.text.split("<iframe src=\"");
    parts.next();
    parts.map(|part| part.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")).collect()
}

/// Alice signs in to these clients; gives the claims of their ID tokens.
async fn signed_in(stand: &Stand, browser: &mut Browser, clients: &[&str]) -> Vec<Value> {
    let mut found = Vec::new();
    for id in clients {
        found.push(claims(&text(&tokens(stand, browser, id).await["id_token"])));
    }
    found
}

#[tokio::test]
async fn the_last_page_loads_the_page_of_every_client_with_issuer_and_session() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let id_tokens = signed_in(&stand, &mut browser, &["web", "own", "other"]).await;
    let asked = [("client_id", "web"), ("post_logout_redirect_uri", BYE), ("state", "a\"b")];
    let page = log_out(&stand, &mut browser, "session", &asked).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let mut found = frames(&page);
    found.sort();
    assert_eq!(found.len(), 2, "{}", page.text);
    assert!(found[0].starts_with("https://client.example/gone?iss="), "{found:?}");
    assert!(found[1].starts_with("https://client.example/out?of=web&iss="), "{found:?}");
    for (frame, id_token) in found.iter().zip([&id_tokens[1], &id_tokens[0]]) {
        let params = query(frame);
        assert_eq!(
            (params["iss"].as_str(), &json!(params["sid"])),
            (stand.issuer.as_str(), &id_token["sid"])
        );
    }
    // Then the browser goes on, by a script or without one.
    let next = format!("{BYE}?state=a%22b");
    assert_eq!(page.text.matches(&next).count(), 2, "{}", page.text);
    assert!(page.text.contains(&format!("http-equiv=\"refresh\" content=\"4;url={next}\"")));
    let policy = page.header("content-security-policy");
    let nonce = page.text.split("<script nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.contains(&format!("script-src 'nonce-{nonce}'")), "{policy}");
    assert!(policy.contains("; frame-src https://client.example; frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!browser.cookies.contains_key("placet-sso"));
}

#[tokio::test]
async fn the_page_is_the_same_when_it_is_loaded_again_and_is_not_shown_to_others() {
    let stand = stand().await;
    let mut browser = Browser::new();
    signed_in(&stand, &mut browser, &["web"]).await;
    let id = super::leaving::ask(&stand, &mut browser, &[]).await.interaction();
    let yes = json!({ "type": "confirm", "accepted": true, "scope": "session" });
    let uri = text(&stand.answer(&id, 1, &yes).await.json["response"]["delivery"]["uri"]);
    let first = browser.get(&uri).await;
    assert!(
        first.text.contains("You are signed out") && first.text.contains("close this window"),
        "{}",
        first.text
    );
    assert!(!first.text.contains("http-equiv"));
    assert_eq!(frames(&first).len(), 1);
    assert_eq!(frames(&browser.get(&uri).await), frames(&first));
    assert_eq!(Browser::new().get(&uri).await.status, 400);
}

#[tokio::test]
async fn no_frame_is_loaded_for_who_stays_signed_in() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[]).await;
    let hint = text(&stand.redeem("web", &params["code"]).await.json["id_token"]);
    signed_in(&stand, &mut browser, &["own"]).await;
    let page = log_out(&stand, &mut browser, "client", &[("id_token_hint", &hint)]).await;
    assert_eq!(frames(&page).len(), 1);
    assert!(frames(&page)[0].contains("of=web"));
    // It is out now, and not told again.
    let page = log_out(&stand, &mut browser, "session", &[]).await;
    assert_eq!(frames(&page).len(), 1);
    assert!(frames(&page)[0].contains("/gone"));

    let mut browser = Browser::new();
    signed_in(&stand, &mut browser, &["web"]).await;
    let id = super::leaving::ask(&stand, &mut browser, &[]).await.interaction();
    let no = json!({ "type": "confirm", "accepted": false });
    let uri = text(&stand.answer(&id, 1, &no).await.json["response"]["delivery"]["uri"]);
    assert!(frames(&browser.get(&uri).await).is_empty());
}

#[tokio::test]
async fn of_two_accounts_in_one_browser_everywhere_means_the_one_that_was_meant() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[]).await;
    let hint = text(&stand.redeem("web", &params["code"]).await.json["id_token"]);
    let id = browser.authorize(&stand, "web", &[("prompt", "login")]).await.interaction();
    stand.finish(&mut browser, &id, "bob").await;
    let page = log_out(&stand, &mut browser, "subject", &[("id_token_hint", &hint)]).await;
    assert_eq!(frames(&page).len(), 1);
    assert_eq!(query(&frames(&page)[0])["sid"], claims(&hint)["sid"].as_str().unwrap());
    let still = browser.authorize(&stand, "web", &[("prompt", "none")]).await.params();
    assert!(still.contains_key("code"), "bob is signed in here as before: {still:?}");
}

#[tokio::test]
async fn a_policy_that_spares_the_question_spares_no_client() {
    let sidecar = Sidecar::start(|_| set(&json!({ "logout": { "confirm": false } }))).await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &["logout.evaluate"]));
        framed(config, "web", "https://client.example/out");
        client(config, "web").metadata.backchannel_logout_uri = Some("https://client.example/bc".to_owned());
    })
    .await;
    let mut browser = Browser::new();
    let hint = text(&tokens(&stand, &mut browser, "web").await["id_token"]);
    let asked = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE)];
    let page = super::leaving::ask(&stand, &mut browser, &asked).await;
    assert_eq!((page.status, frames(&page).len()), (200, 1), "{}", page.text);
    assert_eq!(stand.rows("SELECT destination FROM deliveries"), ["web"]);
    assert_eq!(
        sidecar.requests()[0]["logout"]["clients"],
        json!([{ "client_id": "web", "frontchannel": true, "backchannel": true }])
    );
}

#[tokio::test]
async fn in_the_headless_door_the_login_app_learns_what_to_load_and_how_many_are_told() {
    let stand = Stand::with(|config| {
        framed(config, "web", "https://client.example/out");
        client(config, "other").metadata.backchannel_logout_uri =
            Some("https://client.example/bc".to_owned());
    })
    .await;
    let mut browser = Browser::new();
    signed_in(&stand, &mut browser, &["web", "other"]).await;
    let handles: Vec<_> = browser.cookies["placet-sso"].split('.').collect();
    let binding = "binding-of-the-browser-0123456789";
    let body = json!({
        "kind": "logout", "initiator": "op", "browser": { "binding": binding, "sessions": handles },
    });
    let prompt = stand.call(HEADLESS, Method::POST, "/interactions", Some(&body)).await.json;
    let path = format!("{}/interactions/{}/steps/1", stand.api, text(&prompt["id"]));
    let yes = json!({ "type": "confirm", "accepted": true, "scope": "session" });
    let request =
        stand.http.put(path).bearer_auth(HEADLESS).header("placet-browser-binding", binding).json(&yes);
    let done = Reply::read(request.send().await.unwrap()).await.json;
    let logout = &done["response"]["logout"];
    assert_eq!(logout["frontchannel"].as_array().unwrap().len(), 1, "{done}");
    assert_eq!(
        (&logout["backchannel"]["queued"], &logout["clear_cookies"]),
        (&json!(1), &json!(["placet-sso"]))
    );
}

#[tokio::test]
async fn a_client_frames_its_own_origin_alone() {
    let stand = Stand::start().await;
    let document =
        stand.http.get(format!("{}/.well-known/openid-configuration", stand.issuer)).send().await.unwrap();
    let document: Value = document.json().await.unwrap();
    for flag in ["frontchannel_logout_supported", "frontchannel_logout_session_supported"] {
        assert_eq!(document[flag], true);
    }
    let register = async |uri: Value| {
        let body = json!({
            "redirect_uris": ["https://rp.example/cb", "https://rp2.example:8443/cb"], "frontchannel_logout_uri": uri,
        });
        let sent = stand.http.post(format!("{}/register", stand.issuer)).json(&body).send().await.unwrap();
        Reply::read(sent).await
    };
    for good in ["https://rp.example/out", "https://RP.example:443/out?x=1", "https://rp2.example:8443/"] {
        let reply = register(json!(good)).await;
        assert_eq!(
            (reply.status, &reply.json["frontchannel_logout_uri"]),
            (201, &json!(good)),
            "{}",
            reply.text
        );
    }
    for bad in [
        "https://evil.example/out",
        "https://rp.example:8443/out",
        "https://rp2.example/out",
        "http://rp.example/out",
        "https://rp.example/out#x",
        "javascript:alert(1)",
        "/out",
    ] {
        let reply = register(json!(bad)).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_client_metadata"), "{bad}");
    }
}

#[tokio::test]
async fn a_page_loads_fifty_frames_and_no_more() {
    let ids: Vec<String> = (0..52).map(|n| format!("app-{n}")).collect();
    let stand = Stand::with(|config| {
        for id in &ids {
            let told = json!({
                "redirect_uris": [CALLBACK], "scope": "openid profile email",
                "frontchannel_logout_uri": format!("https://client.example/out/{id}"),
            });
            let mut app = configured(id, &told);
            app.settings.first_party = true;
            app.settings.consent = ConsentMode::Implicit;
            config.clients.push(app);
        }
    })
    .await;
    let mut browser = Browser::new();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    signed_in(&stand, &mut browser, &ids).await;
    let page = log_out(&stand, &mut browser, "session", &[]).await;
    let found: BTreeSet<String> = frames(&page).into_iter().collect();
    assert_eq!((frames(&page).len(), found.len()), (50, 50));
}
