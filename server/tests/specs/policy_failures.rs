//! The decision API, `docs/protocol.md`: how a policy can fail, and what then happens.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use placet_sdk::admin::{BreakerState, FailureCode};
use placet_server::{
    config::{OnFailure, PolicyConfig},
    policy::DecisionFilter,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

use super::{
    deciding::{ask, with},
    harness::Stand,
    helpers::{refresh, text},
    sidecar::{Answered, Asked, Sidecar, policy},
};

const HOOK: &str = "grant.client_credentials";

/// The code of the last failure, and how often the policy was asked then.
fn last(stand: &Stand) -> (&'static str, u32) {
    let page = stand.server.policies().decisions(&DecisionFilter::default());
    let policy = &page.decisions[0].policies[0];
    (policy.failure.map_or("none", FailureCode::as_str), policy.attempts)
}

/// Asks once, and gives the code of the failure.
async fn failing(policy: PolicyConfig) -> (&'static str, u32) {
    let stand = with(policy).await;
    let reply = ask(&stand).await;
    assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"), "{}", reply.text);
    last(&stand)
}

fn deep(levels: usize) -> String {
    format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
}

#[tokio::test]
async fn every_failure_has_its_code_and_issues_nothing() {
    type Answer = fn(&Asked) -> Answered;
    let answers: [(&str, Answer); 22] = [
        ("http_status", |_| Answered::status(500)),
        ("http_status", |_| Answered::status(400)),
        ("http_status", |_| Answered::status(401)),
        ("http_status", |_| Answered::status(204)),
        ("not_implemented", |_| Answered::status(501)),
        ("redirect", |_| Answered::status(302).header("Location", "/elsewhere")),
        ("redirect", |_| Answered::status(307).header("Location", "/elsewhere")),
        ("content_type", |asked| Answered { headers: String::new(), ..Answered::allow(asked, &json!({})) }),
        ("content_type", |_| Answered::status(200).header("Content-Type", "text/html").body("{}")),
        ("too_large", |asked| Answered::allow(asked, &json!({ "x-fill": vec!["x".repeat(8000); 9] }))),
        ("malformed", |_| Answered::json(200, &json!(null)).body("{\"decision\": \"allow\"")),
        ("malformed", |_| Answered::json(200, &json!(null)).body("{\"id\": \"a\", \"id\": \"b\"}")),
        ("malformed", |_| Answered::json(200, &json!(null)).body(deep(33))),
        ("schema", |_| Answered::json(200, &json!({ "decision": "allow" }))),
        ("schema", |asked| Answered::json(200, &json!({ "id": asked.body["id"], "decision": "maybe" }))),
        ("schema", |asked| Answered::allow(asked, &json!({ "x-long": "x".repeat(8193) }))),
        ("schema", |asked| Answered::allow(asked, &json!({ "grant": { "colour": "red" } }))),
        ("schema", |asked| {
            let body =
                json!({ "id": asked.body["id"], "decision": "challenge", "challenge": { "kind": "dance" } });
            Answered::json(200, &body)
        }),
        ("id_mismatch", |_| Answered::json(200, &json!({ "id": "dec_other", "decision": "allow" }))),
        ("limit", |asked| Answered::allow(asked, &json!({ "grant": { "scope": ["admin"] } }))),
        ("error_code", |asked| {
            let error = json!({ "code": "no_such_code" });
            Answered::json(200, &json!({ "id": asked.body["id"], "decision": "deny", "error": error }))
        }),
        ("connect", |_| Answered::broken()),
    ];
    for (code, answer) in answers {
        let sidecar = Sidecar::serving(move |asked| match asked.method.as_str() {
            "POST" => answer(asked),
            _ => Answered::status(404),
        })
        .await;
        assert_eq!(failing(sidecar.policy("broken", &[HOOK])).await, (code, 1));
        assert_eq!(sidecar.requests().len(), 1, "{code}: asked once, and redirects are not followed");
    }
}

#[tokio::test]
async fn an_answer_at_its_limits_is_an_answer() {
    let sidecar = Sidecar::answering(|request| {
        let body = json!({ "id": request["id"], "decision": "allow", "set": { "x-long": "x".repeat(8192) } });
        Answered::status(200).header("Content-Type", "Application/JSON; charset=utf-8").body(body.to_string())
    })
    .await;
    assert_eq!(ask(&with(sidecar.policy("long", &[HOOK])).await).await.status, 200);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_a_failure_and_is_not_asked_for_again() {
    let sidecar = Sidecar::answering(|_| Answered::status(200).after(Duration::from_secs(30))).await;
    let slow = PolicyConfig { timeout_ms: Some(100), ..sidecar.policy("slow", &[HOOK]) };
    assert_eq!(failing(slow).await, ("timeout", 1));
    assert_eq!(sidecar.requests().len(), 1);
    assert_eq!(sidecar.asked()[1].headers["placet-timeout-ms"].to_str().unwrap().len(), 2, "less than 100");
}

#[tokio::test]
async fn an_answer_whose_end_never_comes_is_too_late() {
    // The head promises more than is sent.
    let sidecar = Sidecar::answering(|request| {
        let body = json!({ "id": request["id"], "decision": "allow" }).to_string();
        let promise = format!("{}", body.len() + 1_000);
        Answered::status(200)
            .header("Content-Type", "application/json")
            .header("Transfer-Encoding", "chunked")
            .header("X-Promise", &promise)
            .body(format!("{:x}\r\n{body}\r\n", body.len()))
    })
    .await;
    let slow = PolicyConfig { timeout_ms: Some(100), ..sidecar.policy("slow", &[HOOK]) };
    assert!(["timeout", "connect"].contains(&failing(slow).await.0));
}

#[tokio::test]
async fn a_sidecar_that_is_not_there_is_tried_twice() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/decide", listener.local_addr().unwrap());
    drop(listener);
    let gone = PolicyConfig { discovery: false, ..policy("gone", &[HOOK], &url) };
    assert_eq!(failing(gone).await, ("connect", 2));
}

#[tokio::test]
async fn a_sidecar_that_asks_for_patience_is_asked_once_more_with_the_same_id() {
    let calls = Arc::new(AtomicU64::new(0));
    let sidecar = Sidecar::answering({
        let calls = calls.clone();
        move |request| match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Answered::status(503).header("Retry-After", "0"),
            _ => Answered::json(200, &json!({ "id": request["id"], "decision": "allow" })),
        }
    })
    .await;
    let stand = with(sidecar.policy("busy", &[HOOK])).await;
    assert_eq!(ask(&stand).await.status, 200);
    assert_eq!(last(&stand), ("none", 2));
    let asked = sidecar.requests();
    assert_eq!((&asked[0]["attempt"], &asked[1]["attempt"]), (&json!(1), &json!(2)));
    assert_eq!(asked[0]["id"], asked[1]["id"]);
}

#[tokio::test]
async fn patience_has_its_limits() {
    for (retry_after, attempts) in [("0", 2), ("60", 1), ("soon", 1)] {
        let sidecar =
            Sidecar::answering(move |_| Answered::status(503).header("Retry-After", retry_after)).await;
        let busy = sidecar.policy("busy", &[HOOK]);
        assert_eq!(failing(busy).await, ("http_status", attempts), "{retry_after}");
        assert_eq!(sidecar.requests().len(), attempts as usize);
    }
}

#[tokio::test]
async fn a_question_that_is_too_large_is_not_asked() {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let stand = Stand::with(|config| {
        let data = &mut super::helpers::client(config, "service").settings.data;
        data.insert("notes".to_owned(), "x".repeat(66_000).into());
        config.policy.push(sidecar.policy("large", &[HOOK]));
    })
    .await;
    assert_eq!(ask(&stand).await.status, 503);
    assert_eq!(last(&stand), ("too_large", 0));
    assert!(sidecar.requests().is_empty());
}

#[tokio::test]
async fn a_failure_counts_as_the_registration_says() {
    let broken = Sidecar::answering(|_| Answered::status(500)).await;
    let narrow =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "grant": { "scope": ["reports.read"] } } }))
            .await;
    let with = async |on_failure| {
        let policy = PolicyConfig {
            on_failure: Some(on_failure),
            acknowledge_fail_open: true,
            ..broken.policy("broken", &[HOOK])
        };
        let stand = Stand::with(|config| {
            config.policy.push(policy);
            config.policy.push(narrow.policy("narrow", &[HOOK]));
        })
        .await;
        (ask(&stand).await, stand)
    };
    let (reply, _) = with(OnFailure::Fail).await;
    assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"));
    let (reply, _) = with(OnFailure::Deny).await;
    assert_eq!((reply.status, reply.error()), (400, "access_denied"));
    let (reply, stand) = with(OnFailure::Proceed).await;
    assert_eq!(reply.json["scope"], "reports.read", "the other policies are asked all the same");
    let page = stand.server.policies().decisions(&DecisionFilter::default());
    assert!(page.decisions[0].degraded);
    assert!(
        stand.server.metrics().text().unwrap().contains("placet_policy_degraded_total{policy=\"broken\"} 1")
    );
    let state = &stand.server.policies().list()[0];
    assert_eq!(state.last_failure.as_ref().unwrap().code, FailureCode::HttpStatus);
}

#[tokio::test]
async fn a_failed_policy_uses_up_neither_codes_nor_refresh_tokens() {
    let well = Arc::new(AtomicU64::new(0));
    let sidecar = Sidecar::answering({
        let well = well.clone();
        move |request| match well.load(Ordering::SeqCst) {
            0 => Answered::status(500),
            _ => Answered::json(200, &json!({ "id": request["id"], "decision": "allow" })),
        }
    })
    .await;
    let stand = Stand::with(|config| {
        config.clients.retain(|client| client.client_id != "hybrid");
        config.policy.push(sidecar.policy("redeem", &["grant.authorization_code", "grant.refresh_token"]));
    })
    .await;
    let mut browser = super::harness::Browser::new();
    let extra = [("scope", "openid offline_access"), ("prompt", "consent")];
    let code = stand.sign_in(&mut browser, "web", &extra).await["code"].clone();
    assert_eq!(stand.redeem("web", &code).await.status, 503);
    assert_eq!(stand.redeem("web", &code).await.status, 503);
    well.store(1, Ordering::SeqCst);
    let tokens = stand.redeem("web", &code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    let token = text(&tokens.json["refresh_token"]);
    well.store(0, Ordering::SeqCst);
    assert_eq!(refresh(&stand, "web", &token).await.status, 503);
    well.store(1, Ordering::SeqCst);
    assert_eq!(refresh(&stand, "web", &token).await.status, 200);
}

#[tokio::test]
async fn an_endpoint_that_keeps_failing_is_left_alone_and_asked_again_after_a_while() {
    let well = Arc::new(AtomicU64::new(0));
    let sidecar = Sidecar::answering({
        let well = well.clone();
        move |request| match well.load(Ordering::SeqCst) {
            0 => Answered::status(500),
            _ => Answered::json(200, &json!({ "id": request["id"], "decision": "allow" })),
        }
    })
    .await;
    let policy = PolicyConfig { discovery: false, ..sidecar.policy("sick", &[HOOK]) };
    let stand = with(policy).await;
    for _ in 0..5 {
        assert_eq!(ask(&stand).await.status, 503);
    }
    assert_eq!(stand.server.policies().list()[0].breaker, Some(BreakerState::Open));
    well.store(1, Ordering::SeqCst);
    assert_eq!(ask(&stand).await.status, 503, "nobody asks");
    assert_eq!(last(&stand), ("breaker_open", 0));
    assert_eq!(sidecar.requests().len(), 5);
    assert!(
        stand.server.metrics().text().unwrap().contains("placet_policy_breaker_state{policy=\"sick\"} 2")
    );
    let started = Instant::now();
    while ask(&stand).await.status != 200 {
        assert!(started.elapsed() < Duration::from_secs(20), "it recovers by itself");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(stand.server.policies().list()[0].breaker, Some(BreakerState::Closed));
}

#[tokio::test]
async fn answers_that_only_some_requests_get_do_not_close_the_way_for_others() {
    // A policy that answers nonsense to one client is asked about the others all the same.
    let sidecar =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "grant": { "sub": "alice" } } })).await;
    let stand = with(sidecar.policy("odd", &[HOOK])).await;
    for _ in 0..8 {
        assert_eq!(ask(&stand).await.status, 503);
        assert_eq!(last(&stand).0, "limit");
    }
    assert_eq!(sidecar.requests().len(), 8);
}

#[tokio::test]
async fn all_policies_of_a_decision_together_have_so_much_time() {
    let slow = || {
        Sidecar::answering(|request| {
            Answered::json(200, &json!({ "id": request["id"], "decision": "allow" }))
                .after(Duration::from_millis(150))
        })
    };
    let sidecars = [slow().await, slow().await, slow().await];
    let stand = Stand::with(|config| {
        config.policy_defaults.chain_budget_ms = 250;
        for (sidecar, name) in sidecars.iter().zip(["one", "two", "three"]) {
            config.policy.push(PolicyConfig { timeout_ms: Some(5_000), ..sidecar.policy(name, &[HOOK]) });
        }
    })
    .await;
    assert_eq!(ask(&stand).await.status, 503);
    let page = stand.server.policies().decisions(&DecisionFilter::default());
    let last = page.decisions[0].policies.last().unwrap();
    assert_eq!((last.name.as_str(), last.failure.map(FailureCode::as_str)), ("two", Some("budget")));
    assert!(sidecars[2].requests().is_empty());
}

#[tokio::test]
async fn all_decisions_of_a_request_together_have_so_much_time() {
    let sidecar = Sidecar::answering(|request| {
        Answered::json(200, &json!({ "id": request["id"], "decision": "allow" }))
            .after(Duration::from_millis(150))
    })
    .await;
    let stand = Stand::with(|config| {
        config.policy_defaults.chain_budget_ms = 200;
        config.policy_defaults.request_budget_ms = 200;
        config.clients.retain(|client| client.client_id != "hybrid");
        config.policy.push(sidecar.policy("redeem", &["grant.authorization_code"]));
        config.policy.push(PolicyConfig {
            timeout_ms: Some(5_000),
            owns: vec!["email".to_owned()],
            ..sidecar.policy("claims", &["claims.source"])
        });
    })
    .await;
    let mut browser = super::harness::Browser::new();
    let claims: Value = json!({ "id_token": { "email": null } });
    let extra = [("claims", &*claims.to_string())];
    let code = stand.sign_in(&mut browser, "web", &extra).await["code"].clone();
    assert_eq!(stand.redeem("web", &code).await.status, 503);
    let page = stand.server.policies().decisions(&DecisionFilter::default());
    let failures: Vec<_> = page
        .decisions
        .iter()
        .map(|d| (d.hook.as_str(), d.policies[0].failure.map(FailureCode::as_str)))
        .collect();
    assert_eq!(failures, [("claims.source", Some("budget")), ("grant.authorization_code", None)]);
}

#[tokio::test]
async fn so_many_questions_to_one_endpoint_are_open_at_once_and_no_more() {
    let sidecar = Sidecar::answering(|_| Answered::status(200).after(Duration::from_secs(60))).await;
    let hung = PolicyConfig { timeout_ms: Some(3_000), ..sidecar.policy("hung", &[HOOK]) };
    let stand = Stand::with(|config| {
        config.policy.push(PolicyConfig { discovery: false, ..hung });
        // All of them are let in at once, so that it is the policy's own limit that is met.
        config.overload.requests = 400;
    })
    .await;
    let stand = Arc::new(stand);
    let asking: Vec<_> = (0..300)
        .map(|_| {
            let stand = stand.clone();
            tokio::spawn(async move { ask(&stand).await.status })
        })
        .collect();
    for asked in asking {
        assert_eq!(asked.await.unwrap(), 503);
    }
    assert!(sidecar.requests().len() <= 256);
    let text = stand.server.metrics().text().unwrap();
    assert!(text.contains("placet_policy_failures_total{policy=\"hung\",code=\"bulkhead\"}"), "{text}");
}
