//! Authorization requests that are pushed, and browsers that come with them.

use super::{
    harness::{Browser, Reply, Stand, request},
    helpers::text,
};

/// Pushes the usual request.
pub async fn push(stand: &Stand, client: &str, extra: &[(&str, &str)]) -> Reply {
    stand.post("/par", client, &request(extra)).await
}

/// The `request_uri` of a request that was pushed.
pub async fn pushed(stand: &Stand, client: &str, extra: &[(&str, &str)]) -> String {
    let reply = push(stand, client, extra).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    text(&reply.json["request_uri"])
}

/// Sends a browser with a pushed request and nothing else.
pub async fn visit(stand: &Stand, browser: &mut Browser, client: &str, request_uri: &str) -> Reply {
    visit_with(stand, browser, &[("client_id", client), ("request_uri", request_uri)]).await
}

/// Sends a browser with these parameters.
pub async fn visit_with(stand: &Stand, browser: &mut Browser, params: &[(&str, &str)]) -> Reply {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    browser.get(&format!("{}/authorize?{query}", stand.issuer)).await
}

/// A page says what was wrong, and nobody is redirected.
#[track_caller]
pub fn assert_page(reply: &Reply, code: &str) {
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(reply.headers.get("location").is_none() && reply.text.contains("error-page"), "{}", reply.text);
    assert!(reply.text.contains(code), "the page does not say `{code}`: {}", reply.text);
}

/// The client is told this code.
#[track_caller]
pub fn assert_refused(reply: &Reply, code: &str) {
    assert_eq!((reply.status, reply.error()), (400, code), "{}", reply.text);
    assert!(reply.headers.get("location").is_none());
}
