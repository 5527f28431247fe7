//! OpenID Connect Core section 4: a sign-in that somebody else begins at a client.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, HEADLESS, Reply, Stand, UI, auth},
    helpers::text,
};

const LOGIN: &str = "https://client.example/login";

/// A stand whose client `web` has such an address.
async fn stand(uri: &'static str) -> Stand {
    Stand::with(|config| {
        let web = config.clients.iter_mut().find(|client| client.client_id == "web").unwrap();
        web.metadata.initiate_login_uri = Some(uri.to_owned());
    })
    .await
}

async fn send(stand: &Stand, method: Method, url: &str, (token, body): (&str, &Value)) -> Reply {
    let request = stand.http.request(method, url).json(body);
    let request = if token.is_empty() { request } else { request.bearer_auth(token) };
    Reply::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn the_address_is_registered_read_changed_and_taken_back() {
    let stand = Stand::start().await;
    let register = async |uri: Value| {
        let body = json!({ "redirect_uris": ["https://dynamic.example/cb"], "initiate_login_uri": uri });
        send(&stand, Method::POST, &format!("{}/register", stand.issuer), ("", &body)).await
    };
    for wrong in
        ["http://dynamic.example/login", "https://u@dynamic.example/", "https://dynamic.example/#x", "x"]
    {
        let refused = register(json!(wrong)).await;
        assert_eq!((refused.status, refused.error()), (400, "invalid_client_metadata"), "{wrong}");
        assert!(refused.json["error_description"].as_str().unwrap().contains("initiate_login_uri"));
    }
    let made = register(json!("https://dynamic.example/login")).await;
    assert_eq!(
        (made.status, &made.json["initiate_login_uri"]),
        (201, &json!("https://dynamic.example/login"))
    );
    let (url, token) =
        (text(&made.json["registration_client_uri"]), text(&made.json["registration_access_token"]));
    let read = send(&stand, Method::GET, &url, (&token, &Value::Null)).await;
    assert_eq!(read.json["initiate_login_uri"], "https://dynamic.example/login", "{}", read.text);
    let mut body = json!({
        "client_id": made.json["client_id"], "redirect_uris": ["https://dynamic.example/cb"],
        "initiate_login_uri": "https://dynamic.example/begin",
    });
    let changed = send(&stand, Method::PUT, &url, (&token, &body)).await;
    assert_eq!(changed.json["initiate_login_uri"], "https://dynamic.example/begin", "{}", changed.text);
    body.as_object_mut().unwrap().remove("initiate_login_uri");
    let without = send(&stand, Method::PUT, &url, (&token, &body)).await;
    assert_eq!((without.status, without.json.get("initiate_login_uri")), (200, None));
}

#[tokio::test]
async fn who_came_too_late_is_shown_where_to_begin_again_and_never_the_request() {
    for (uri, expected) in [
        (LOGIN, "https://client.example/login?iss="),
        ("https://client.example/?a=b", "https://client.example/?a=b&iss="),
    ] {
        let stand = stand(uri).await;
        let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
        stand.clock.advance(900);
        let gone = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await;
        assert_eq!((gone.status, gone.error()), (410, "interaction_expired"));
        let link = text(&gone.json["restart_uri"]);
        assert!(link.starts_with(expected), "{link}");
        let pairs: Vec<(String, String)> =
            url::Url::parse(&link).unwrap().query_pairs().into_owned().collect();
        assert!(pairs.contains(&("iss".to_owned(), stand.issuer.clone())), "{link}");
        assert!(!gone.text.contains("the-state"), "{}", gone.text);
    }
    let stand = Stand::start().await;
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    stand.clock.advance(900);
    let gone = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await;
    assert_eq!((gone.status, gone.json.get("restart_uri")), (410, None), "{}", gone.text);
}

#[tokio::test]
async fn who_comes_back_too_late_finds_the_way_to_the_client_on_the_page_of_the_server() {
    let stand = stand(LOGIN).await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    stand.answer(&id, 1, &auth("alice")).await;
    let done = stand.answer(&id, 2, &json!({ "type": "consent", "accept_all": true })).await;
    let back = text(&done.json["response"]["delivery"]["uri"]);
    stand.clock.advance(61);
    let page = browser.get(&back).await;
    assert_eq!(page.status, 400, "{}", page.text);
    assert!(
        page.text.contains("id=\"restart\" href=\"https://client.example/login?iss=http"),
        "{}",
        page.text
    );
    // Whoever was lured here is shown no way on.
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    stand.answer(&id, 1, &auth("alice")).await;
    let done = stand.answer(&id, 2, &json!({ "type": "consent", "accept_all": true })).await;
    let lured = Browser::new().get(&text(&done.json["response"]["delivery"]["uri"])).await;
    assert!(lured.status == 400 && !lured.text.contains("id=\"restart\""), "{}", lured.text);
}

#[tokio::test]
async fn account_pages_know_the_clients_of_a_user_and_where_sign_ins_begin() {
    let stand = stand(LOGIN).await;
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[]).await;
    stand.redeem("web", &params["code"]).await;
    let params = stand.sign_in(&mut browser, "other", &[]).await;
    stand.redeem("other", &params["code"]).await;
    for list in ["consents", "authorizations"] {
        let found = stand.call(HEADLESS, Method::GET, &format!("/{list}?sub=alice"), None).await.json;
        let of = |client: &str| {
            let items = found["items"].as_array().unwrap();
            items.iter().find(|item| item["client_id"] == client).unwrap_or_else(|| panic!("{found}")).clone()
        };
        let web = of("web");
        assert_eq!((&web["client"]["client_id"], &web["client"]["name"]), (&json!("web"), &json!("Books")));
        let link = text(&web["sign_in_uri"]);
        assert!(link.starts_with("https://client.example/login?iss=http"), "{link}");
        assert_eq!(of("other").get("sign_in_uri"), None, "{found}");
    }
}
