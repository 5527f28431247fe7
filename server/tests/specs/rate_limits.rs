//! Limits: who asks too often is told when to come back, and nobody else pays for it.

use serde_json::json;

use super::harness::{Browser, Reply, Stand, auth};

async fn limited() -> Stand {
    Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.token = 3;
        config.limits.authorize = 3;
        config.limits.register = 3;
        config.limits.failures = 3;
        config.limits.answers = 3;
    })
    .await
}

/// Sends the same request until it is refused for its rate.
async fn until_refused(stand: &Stand, method: reqwest::Method, path: &str) -> Reply {
    for _ in 0..6 {
        let request = stand.http.request(method.clone(), format!("{}{path}", stand.issuer));
        let reply = Reply::read(request.send().await.unwrap()).await;
        if reply.status == 429 {
            return reply;
        }
    }
    panic!("{path} knows no limit");
}

#[tokio::test]
async fn every_kind_of_endpoint_has_its_limit_and_says_when_to_come_back() {
    use reqwest::Method;
    for (method, path) in [
        (Method::POST, "/token"),
        (Method::POST, "/device_authorization"),
        (Method::GET, "/device"),
        (Method::POST, "/introspect"),
        (Method::POST, "/revoke"),
        (Method::GET, "/userinfo"),
        (Method::GET, "/authorize"),
        (Method::POST, "/authorize"),
        (Method::GET, "/logout"),
        (Method::POST, "/register"),
        (Method::GET, "/register/x"),
    ] {
        let stand = limited().await;
        let reply = until_refused(&stand, method, path).await;
        let wait: u64 = reply.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{path}");
        assert!(reply.header("placet-request-id").starts_with("req_"));
    }
}

#[tokio::test]
async fn answers_to_one_interaction_are_limited_and_those_to_another_are_not() {
    let stand = limited().await;
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let other = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let wrong = json!({ "type": "auth" });
    let mut last = stand.answer(&id, 1, &wrong).await;
    for _ in 0..4 {
        last = stand.answer(&id, 1, &wrong).await;
    }
    assert_eq!((last.status, last.error()), (429, "too_many_requests"));
    assert!(!last.header("retry-after").is_empty(), "{last:?}");
    assert_eq!(stand.answer(&other, 1, &auth("alice")).await.status, 200);
}

#[tokio::test]
async fn who_keeps_guessing_secrets_has_to_wait_and_the_client_is_not_locked_out() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.failures = 3;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let ask = async |address: &str, secret: &str| {
        let request = stand.http.post(format!("{}/token", stand.issuer)).basic_auth("service", Some(secret));
        let request =
            request.header("x-forwarded-for", address).form(&[("grant_type", "client_credentials")]);
        Reply::read(request.send().await.unwrap()).await
    };
    let mut guesses = 0;
    while ask("192.0.2.1", "guess").await.status == 401 {
        guesses += 1;
        assert!(guesses < 100, "nobody had to wait");
    }
    assert!(guesses >= 3, "{guesses}");
    for secret in ["guess", super::harness::SECRET] {
        let reply = ask("192.0.2.1", secret).await;
        assert_eq!(reply.status, 429, "the right secret does not end the wait: {}", reply.text);
        assert!(!reply.header("retry-after").is_empty());
    }
    assert_eq!(ask("192.0.2.2", super::harness::SECRET).await.status, 200);
}

#[tokio::test]
async fn what_a_stranger_writes_into_x_forwarded_for_counts_for_nothing() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.register = 2;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let mut refused = 0;
    for n in 0..6 {
        let request = stand.http.post(format!("{}/register", stand.issuer)).json(&serde_json::json!({}));
        let forged = format!("192.0.2.{n}, x, 198.51.100.7");
        let reply = Reply::read(request.header("x-forwarded-for", forged).send().await.unwrap()).await;
        refused += u32::from(reply.status == 429);
    }
    assert!(refused >= 3, "{refused}");
}
