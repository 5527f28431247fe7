//! What is counted of requests: by endpoint, and by grant type with what came of it.

use reqwest::Method;

use super::harness::{Browser, SECRET, Stand};

const CREDENTIALS: [(&str, &str); 1] = [("grant_type", "client_credentials")];

#[track_caller]
fn has(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "`{line}` is not in\n{text}");
}

#[tokio::test]
async fn each_endpoint_counts_its_answers_and_how_long_they_took() {
    let stand = Stand::start().await;
    for _ in 0..2 {
        assert_eq!(stand.post("/token", "service", &CREDENTIALS).await.status, 200);
    }
    assert_eq!(stand.post("/introspect", "service", &[("token", "x")]).await.status, 200);
    assert_eq!(stand.post("/token", "web", &[]).await.status, 400);
    for (path, status) in [("/jwks", 200), ("/register/nobody", 401), ("/resume", 400), ("/token", 405)] {
        let reply = stand.http.get(format!("{}{path}", stand.issuer)).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), status, "{path}");
    }
    stand.call("wrong", Method::GET, "/interactions/x", None).await;
    let text = stand.server.metrics().text().unwrap();
    for (endpoint, status, count) in [
        ("token", 200, 2),
        ("token", 400, 1),
        ("token", 405, 1),
        ("tokens.introspect", 200, 1),
        ("documents.jwks", 200, 1),
        ("register.manage", 401, 1),
        ("resume", 400, 1),
        ("ui.interaction", 401, 1),
    ] {
        has(
            &text,
            &format!("placet_http_requests_total{{endpoint=\"{endpoint}\",status=\"{status}\"}} {count}"),
        );
    }
    has(&text, "placet_http_request_duration_seconds_count{endpoint=\"token\"} 4");
}

#[tokio::test]
async fn each_grant_type_counts_what_came_of_its_requests_and_nobody_makes_up_more() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.token = 5;
    })
    .await;
    assert_eq!(stand.post("/token", "service", &CREDENTIALS).await.status, 200);
    let code = [("grant_type", "authorization_code"), ("code", "never-issued"), ("code_verifier", SECRET)];
    assert_eq!(stand.post("/token", "web", &code).await.error(), "invalid_grant");
    for made_up in ["made-up-1", "made-up-2", "implicit"] {
        stand.post("/token", "web", &[("grant_type", made_up)]).await;
    }
    assert_eq!(stand.post("/token", "service", &CREDENTIALS).await.status, 429);
    let text = stand.server.metrics().text().unwrap();
    for (grant_type, outcome, count) in [
        ("client_credentials", "issued", 1),
        ("authorization_code", "invalid_grant", 1),
        ("other", "unsupported_grant_type", 2),
        // It is refused before its form is read.
        ("other", "too_many", 1),
    ] {
        has(
            &text,
            &format!(
                "placet_token_requests_total{{grant_type=\"{grant_type}\",outcome=\"{outcome}\"}} {count}"
            ),
        );
    }
    assert!(!text.contains("made-up"), "what somebody sends is no label");
}

#[tokio::test]
async fn whoever_is_refused_for_a_rate_is_counted_by_the_limit_that_was_reached() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.token = 6;
        config.limits.clients.token = 1;
        config.limits.failures = 1;
    })
    .await;
    let mut statuses = Vec::new();
    for (client, secret) in [
        ("service", SECRET),
        ("service", SECRET),
        ("web", "a guess"),
        ("web", "a guess"),
        ("web", SECRET),
        ("service", SECRET),
        ("service", SECRET),
    ] {
        let request = stand.http.post(format!("{}/token", stand.issuer)).basic_auth(client, Some(secret));
        statuses.push(request.form(&CREDENTIALS).send().await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 429, 401, 401, 429, 429, 429]);
    let text = stand.server.metrics().text().unwrap();
    for (limit, count) in [("token-client", 2), ("failures", 1), ("token", 1)] {
        has(&text, &format!("placet_requests_limited_total{{limit=\"{limit}\"}} {count}"));
    }
    assert_eq!(text.matches("placet_requests_limited_total{").count(), 3);
}

/// The value of a line.
#[track_caller]
fn value(text: &str, line: &str) -> f64 {
    let found = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("`{line}` is not in\n{text}")).parse().unwrap()
}

#[tokio::test]
#[allow(clippy::float_cmp, reason = "counts are whole")]
async fn each_step_of_the_store_is_counted_by_its_name_with_its_time() {
    let stand = Stand::start().await;
    let params = stand.sign_in(&mut Browser::new(), "opaque", &[("scope", "openid")]).await;
    assert_eq!(stand.redeem("opaque", &params["code"]).await.status, 200);
    let text = stand.server.metrics().text().unwrap();
    for (step, count) in [("redeem_code", 1.0), ("code", 1.0), ("complete_interaction", 1.0)] {
        let line = format!("placet_store_duration_seconds_count{{operation=\"{step}\"}}");
        assert_eq!(value(&text, &line), count, "{step}");
    }
    assert!(value(&text, "placet_store_connections{state=\"open\"}") >= 2.0);
    assert_eq!(value(&text, "placet_store_waiting"), 0.0);
    assert!(value(&text, "placet_store_commits") >= 3.0);
    assert!(value(&text, "placet_store_committed_steps") >= value(&text, "placet_store_commits"));
}

#[tokio::test]
#[allow(clippy::float_cmp, reason = "counts are whole")]
async fn every_cache_is_counted_by_its_name() {
    let stand = Stand::start().await;
    super::helpers::keep_client(&stand, |_| {}).await;
    for _ in 0..3 {
        assert!(stand.server.client("kept").await.unwrap().is_some());
    }
    let text = stand.server.metrics().text().unwrap();
    for (what, count) in [("hits", 2.0), ("misses", 1.0), ("loads", 1.0), ("evictions", 0.0)] {
        let line = format!("placet_cache_{what}_total{{cache=\"clients\"}}");
        assert_eq!(value(&text, &line), count, "{what}");
    }
    for cache in
        ["clients", "tokens", "key_sets", "key_sets_asked", "key_sets_failed", "documents", "decisions"]
    {
        assert!(value(&text, &format!("placet_cache_bytes{{cache=\"{cache}\"}}")) >= 0.0);
        assert!(value(&text, &format!("placet_cache_entries{{cache=\"{cache}\"}}")) >= 0.0);
    }
}
