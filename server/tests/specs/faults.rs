//! When the store is gone: nobody is blamed, nothing is consumed, and everything goes on once it is back.

use std::sync::Arc;

use placet_server::store::{Store, embedded::Embedded};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    flaky::Flaky,
    folder::Folder,
    harness::{Browser, HEADLESS, Reply, SECRET, Stand, UI, auth},
    helpers::{refresh, text},
};

/// A stand whose store can be switched off.
pub(crate) async fn stand(name: &str) -> (Stand, Arc<Flaky>, Folder) {
    let folder = Folder::new(name);
    let store = Embedded::open(&folder.join("placet.db"), "default").unwrap();
    let flaky = Arc::new(Flaky::new(Arc::new(store)));
    let store: Arc<dyn Store> = flaky.clone();
    (Stand::on(store, |_| {}).await, flaky, folder)
}

/// Our own trouble, said so.
fn is_trouble(reply: &Reply) -> bool {
    reply.status == 503 && !reply.header("retry-after").is_empty() && reply.text.contains("unavailable")
}

#[tokio::test]
async fn a_code_and_a_refresh_token_outlive_the_trouble() {
    let (stand, store, _folder) = stand("code").await;
    let params = stand.sign_in(&mut Browser::new(), "web", &[("scope", "reports.read")]).await;
    store.set_down(true);
    let trouble = stand.redeem("web", &params["code"]).await;
    assert!(is_trouble(&trouble), "{trouble:?}");
    assert_eq!(trouble.error(), "temporarily_unavailable");
    store.set_down(false);
    let tokens = stand.redeem("web", &params["code"]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);

    let token = text(&tokens.json["refresh_token"]);
    store.set_down(true);
    assert!(is_trouble(&refresh(&stand, "web", &token).await));
    store.set_down(false);
    assert_eq!(refresh(&stand, "web", &token).await.status, 200);
}

#[tokio::test]
async fn a_pushed_request_outlives_the_trouble() {
    let (stand, store, _folder) = stand("pushed").await;
    let form = [
        ("redirect_uri", super::harness::CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("prompt", "none"),
    ];
    store.set_down(true);
    assert!(is_trouble(&stand.post("/par", "web", &form).await));
    store.set_down(false);
    let pushed = stand.post("/par", "web", &form).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text);
    let uri = text(&pushed.json["request_uri"]);
    let url = format!("{}/authorize?client_id=web&request_uri={uri}", stand.issuer);
    let mut browser = Browser::new();
    store.set_down(true);
    assert!(is_trouble(&browser.get(&url).await), "the browser is not sent anywhere");
    store.set_down(false);
    assert_eq!(browser.get(&url).await.params()["error"], "login_required");
}

#[tokio::test]
async fn a_token_is_never_called_inactive_because_nobody_could_look() {
    let (stand, store, _folder) = stand("look").await;
    for client in ["web", "opaque", "single"] {
        let tokens = stand.tokens(client, "openid offline_access").await;
        let access = text(&tokens["access_token"]);
        store.set_down(true);
        for token in [&access, &text(&tokens["refresh_token"])] {
            for path in ["/introspect", "/revoke"] {
                let reply = stand.post(path, client, &[("token", token)]).await;
                assert!(is_trouble(&reply), "{client} {path}: {reply:?}");
            }
        }
        let userinfo = stand.userinfo(&access).await;
        assert!(is_trouble(&userinfo), "{userinfo:?}");
        store.set_down(false);
        assert!(stand.is_active(client, &access).await, "{client}");
        assert_eq!(stand.userinfo(&access).await.status, 200, "{client}");
        assert_eq!(refresh(&stand, client, &text(&tokens["refresh_token"])).await.status, 200);
    }
}

#[tokio::test]
async fn a_client_that_cannot_be_looked_up_is_not_a_wrong_client() {
    let (stand, store, _folder) = stand("client").await;
    let body = json!({ "redirect_uris": ["https://new.example/cb"] });
    let request = stand.http.post(format!("{}/register", stand.issuer)).json(&body);
    let mine = Reply::read(request.send().await.unwrap()).await.json;
    let (id, secret) = (text(&mine["client_id"]), text(&mine["client_secret"]));
    let token = text(&mine["registration_access_token"]);
    store.set_down(true);
    let form = [("grant_type", "authorization_code"), ("code", "x")];
    for path in ["/token", "/introspect", "/revoke"] {
        let request =
            stand.http.post(format!("{}{path}", stand.issuer)).basic_auth(&id, Some(&secret)).form(&form);
        let reply = Reply::read(request.send().await.unwrap()).await;
        assert!(is_trouble(&reply), "{path}: {reply:?}");
    }
    let page = Browser::new().authorize(&stand, &id, &[]).await;
    assert_eq!((page.status, page.text.contains("id=\"error-page\"")), (503, true));
    assert!(page.headers.get("location").is_none());
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let url = format!("{}/register/{id}", stand.issuer);
        let request = stand.http.request(method.clone(), url).bearer_auth(&token).json(&body);
        let reply = Reply::read(request.send().await.unwrap()).await;
        assert!(is_trouble(&reply), "{method}: {reply:?}");
    }
    let request = stand.http.post(format!("{}/register", stand.issuer)).json(&body);
    assert!(is_trouble(&Reply::read(request.send().await.unwrap()).await));
    store.set_down(false);
    let request = stand.http.get(format!("{}/register/{id}", stand.issuer)).bearer_auth(&token);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_browser_is_told_to_come_back_and_then_everything_works() {
    let (stand, store, _folder) = stand("browser").await;
    let mut browser = Browser::new();
    store.set_down(true);
    let refused = browser.authorize(&stand, "web", &[]).await.params();
    assert_eq!(refused["error"], "temporarily_unavailable");
    assert_eq!((&refused["state"], &refused["iss"]), (&"the-state".to_owned(), &stand.issuer));
    store.set_down(false);

    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    let step = async |n: u32, body: &Value| {
        store.set_down(true);
        let reply = stand.answer(&id, n, body).await;
        assert!(is_trouble(&reply), "{reply:?}");
        assert_eq!(
            (reply.error(), reply.header("content-type")),
            ("unavailable", "application/problem+json")
        );
        store.set_down(false);
        stand.answer(&id, n, body).await
    };
    assert_eq!(step(1, &auth("alice")).await.json["type"], "consent");
    let consent = json!({ "type": "consent", "accept_all": true, "remember": { "mode": "always" } });
    let done = step(2, &consent).await.json;
    let uri = text(&done["response"]["delivery"]["uri"]);
    store.set_down(true);
    let page = browser.get(&uri).await;
    assert_eq!((page.status, page.text.contains("id=\"error-page\"")), (503, true));
    store.set_down(false);
    let params = browser.get(&uri).await.params();
    assert_eq!(stand.redeem("web", &params["code"]).await.status, 200);

    store.set_down(true);
    for extra in [vec![], vec![("prompt", "none")]] {
        let again = browser.authorize(&stand, "web", &extra).await.params();
        assert_eq!(again["error"], "temporarily_unavailable", "nobody is signed out by our trouble");
    }
    let page = browser.get(&format!("{}/logout", stand.issuer)).await;
    assert_eq!(page.status, 503);
    store.set_down(false);
    assert!(browser.authorize(&stand, "web", &[]).await.params().contains_key("code"));
}

#[tokio::test]
async fn the_interaction_api_says_so_at_every_path() {
    let (stand, store, _folder) = stand("api").await;
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let grant = json!({ "client_id": "web", "sub": "alice", "grant": { "scope": ["openid"] } });
    let open = json!({ "kind": "logout", "request": { "method": "GET", "query": "" },
        "browser": { "binding": "binding-of-the-browser-0123456789", "sessions": ["x"] } });
    store.set_down(true);
    for (token, method, path, body) in [
        (UI, Method::GET, format!("/interactions/{id}"), None),
        (UI, Method::DELETE, format!("/interactions/{id}"), None),
        (UI, Method::GET, format!("/interactions/{id}/data"), None),
        (UI, Method::PUT, format!("/interactions/{id}/data"), Some(json!({}))),
        (HEADLESS, Method::POST, "/interactions".to_owned(), Some(open)),
        (HEADLESS, Method::GET, "/sessions?sub=alice".to_owned(), None),
        (HEADLESS, Method::GET, "/sessions/ses_x".to_owned(), None),
        (HEADLESS, Method::DELETE, "/sessions/ses_x".to_owned(), None),
        (HEADLESS, Method::GET, "/consents?sub=alice".to_owned(), None),
        (HEADLESS, Method::DELETE, "/consents/cns_x".to_owned(), None),
        (HEADLESS, Method::GET, "/authorizations?sub=alice".to_owned(), None),
        (HEADLESS, Method::DELETE, "/authorizations/az_x".to_owned(), None),
        (HEADLESS, Method::POST, "/grants".to_owned(), Some(grant)),
        (
            HEADLESS,
            Method::POST,
            "/reports".to_owned(),
            Some(json!({ "type": "account.disabled", "sub": "a" })),
        ),
    ] {
        let reply = stand.call(token, method.clone(), &path, body.as_ref()).await;
        assert!(is_trouble(&reply), "{method} {path}: {reply:?}");
        assert_eq!(reply.error(), "unavailable");
    }
    store.set_down(false);
    let prompt = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await;
    assert_eq!((prompt.status, &prompt.json["step"]), (200, &json!(1)));
}

#[tokio::test]
async fn what_needs_no_store_goes_on_and_readiness_tells() {
    let (stand, store, _folder) = stand("ready").await;
    store.set_down(true);
    for path in ["/jwks", "/.well-known/openid-configuration"] {
        let reply = stand.http.get(format!("{}{path}", stand.issuer)).send().await.unwrap();
        assert_eq!(reply.status(), 200, "{path}");
    }
    let base = stand.api.trim_end_matches("/ui/v1").to_owned();
    let status = async |path: &str| stand.http.get(format!("{base}{path}")).send().await.unwrap().status();
    assert_eq!((status("/livez").await.as_u16(), status("/readyz").await.as_u16()), (200, 503));
    let service = stand.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    assert_eq!(service.status, 200, "a JWT for a client of the configuration needs no store");
    let wrong = stand.http.post(format!("{}/token", stand.issuer)).basic_auth("web", Some("x"));
    let wrong = wrong.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
    assert_eq!(wrong.status(), 401, "a wrong secret is still wrong");
    assert_ne!(SECRET, "x");
    store.set_down(false);
    assert_eq!(status("/readyz").await.as_u16(), 200);
}

#[tokio::test]
async fn whether_a_key_is_unknown_is_asked_of_the_store_once_a_second_and_not_guessed() {
    let (stand, store, _folder) = stand("kid").await;
    // Somebody else's JWT: its key could be one that another process has just made.
    let foreign = super::signer::Signer::new("made-elsewhere").sign(&json!({ "iss": stand.issuer }));
    let ask = async || stand.post("/introspect", "web", &[("token", &foreign)]).await;
    store.set_down(true);
    assert!(is_trouble(&ask().await), "nobody knows");
    store.set_down(false);
    assert_eq!(ask().await.json, json!({ "active": false }));
    // A stranger who sends many does not make the store answer each.
    store.set_down(true);
    assert_eq!(ask().await.json, json!({ "active": false }));
    stand.clock.advance(1);
    assert!(is_trouble(&ask().await));
}

#[tokio::test]
async fn a_server_whose_clock_cannot_be_right_lives_and_is_not_ready() {
    let stand = Stand::start().await;
    let base = stand.api.trim_end_matches("/ui/v1").to_owned();
    let status =
        async |path: &str| stand.http.get(format!("{base}{path}")).send().await.unwrap().status().as_u16();
    assert_eq!((status("/livez").await, status("/readyz").await), (200, 200));
    stand.clock.doubt();
    assert_eq!((status("/livez").await, status("/readyz").await), (200, 503));
}
