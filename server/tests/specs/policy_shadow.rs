//! The decision API, `docs/protocol.md`: policies that are tried before they count.

use std::time::Duration;

use placet_sdk::{
    admin::{BreakerState, DecisionOutcome, DecisionRecord, FailureCode},
    decision::{DecisionRequest, Mode},
};
use placet_server::{
    config::{PolicyConfig, PolicyMode},
    policy::{AdminError, DecisionFilter, Question},
};
use serde_json::{Value, json};

use super::{
    deciding::ask,
    harness::{Reply, Stand},
    sidecar::{Answered, Sidecar},
};

const HOOK: &str = "grant.client_credentials";

fn shadow(policy: PolicyConfig) -> PolicyConfig {
    PolicyConfig { mode: PolicyMode::Shadow, ..policy }
}

/// The record of the policy in shadow, when it is there.
async fn compared(stand: &Stand) -> DecisionRecord {
    for _ in 0..200 {
        let page = stand.server.policies().decisions(&DecisionFilter::default());
        if let Some(record) = page.decisions.into_iter().find(|record| !record.enforced) {
            return record;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing was compared");
}

#[tokio::test]
async fn a_policy_in_shadow_is_asked_on_the_side_and_changes_nothing() {
    let enforced = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let strict =
        Sidecar::start(|_| json!({ "decision": "deny", "error": { "code": "access_denied" } })).await;
    let stand = Stand::with(|config| {
        config.policy.push(enforced.policy("now", &[HOOK]));
        config.policy.push(shadow(strict.policy("next", &[HOOK])));
    })
    .await;
    let reply = ask(&stand).await;
    assert_eq!(reply.json["scope"], "reports.read reports.write");
    let record = compared(&stand).await;
    let part = &record.policies[0];
    assert_eq!((part.name.as_str(), part.mode, part.diverged), ("next", Mode::Shadow, Some(true)));
    assert_eq!(record.outcome, DecisionOutcome::Allow);
    let asked = &strict.requests()[0];
    assert_eq!(asked["mode"], "shadow");
    assert_eq!(asked["proposal"], enforced.requests()[0]["proposal"]);
    let text = stand.server.metrics().text().unwrap();
    assert!(text.contains("placet_policy_shadow_divergence_total{policy=\"next\"} 1"), "{text}");
}

#[tokio::test]
async fn a_policy_in_shadow_alone_is_asked_too_and_may_agree_hang_or_fail() {
    let agreeing = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let stand = Stand::with(|config| config.policy.push(shadow(agreeing.policy("next", &[HOOK])))).await;
    assert_eq!(ask(&stand).await.status, 200);
    assert_eq!(compared(&stand).await.policies[0].diverged, Some(false));

    let failing = Sidecar::answering(|_| Answered::status(500)).await;
    let stand = Stand::with(|config| config.policy.push(shadow(failing.policy("next", &[HOOK])))).await;
    assert_eq!(ask(&stand).await.status, 200);
    let record = compared(&stand).await;
    assert_eq!(
        (record.policies[0].failure, record.policies[0].diverged),
        (Some(FailureCode::HttpStatus), None)
    );

    let hanging = Sidecar::answering(|_| Answered::status(200).after(Duration::from_secs(600))).await;
    let slow = PolicyConfig { timeout_ms: Some(10_000), ..hanging.policy("next", &[HOOK]) };
    let stand = Stand::with(|config| config.policy.push(shadow(slow))).await;
    assert_eq!(ask(&stand).await.status, 200, "nobody waits for it");
}

#[tokio::test]
async fn a_policy_in_shadow_that_fails_keeps_nobody_from_the_same_endpoint() {
    for cached in [false, true] {
        let sidecar = Sidecar::answering(|request| match request["mode"].as_str() {
            Some("shadow") => Answered::status(500),
            _ => Answered::json(
                200,
                &json!({ "id": request["id"], "decision": "allow", "cache": { "max_age": 60 } }),
            ),
        })
        .await;
        let stand = Stand::with(|config| {
            let mut now = sidecar.policy("now", &[HOOK]);
            now.cache.max_age = if cached { 60 } else { 0 };
            config.policy.push(now);
            config.policy.push(shadow(sidecar.policy("next", &[HOOK])));
        })
        .await;
        for n in 0..40 {
            let reply = ask(&stand).await;
            assert_eq!(reply.status, 200, "{n}: {}", reply.text);
            let asked =
                async || sidecar.requests().iter().filter(|request| request["mode"] == "shadow").count();
            for _ in 0..500 {
                if asked().await > n {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        let breaker = stand.server.policies().policy("now").unwrap().breaker;
        assert_eq!(breaker, Some(BreakerState::Closed));
    }
}

#[tokio::test]
async fn a_policy_in_shadow_is_held_to_what_those_before_it_set_and_to_nothing_that_came_later() {
    let plan = async |plan: &'static str| {
        Sidecar::start(move |_| {
            let grant = json!({ "access_token": { "claims": { "plan": plan } } });
            json!({ "decision": "allow", "set": { "grant": grant } })
        })
        .await
    };
    let (gold, free) = (plan("gold").await, plan("free").await);
    for (order, failure, diverged) in [(20, Some(FailureCode::Limit), None), (5, None, Some(true))] {
        let stand = Stand::with(|config| {
            config.policy.push(PolicyConfig { order: 10, ..gold.policy("now", &[HOOK]) });
            config.policy.push(PolicyConfig { order, ..shadow(free.policy("next", &[HOOK])) });
        })
        .await;
        let token = ask(&stand).await.json["access_token"].as_str().unwrap().to_owned();
        assert_eq!(super::harness::claims(&token)["plan"], "gold");
        let part = compared(&stand).await.policies.remove(0);
        assert_eq!((part.failure, part.diverged), (failure, diverged), "{order}");
        // As it would be if it counted.
        stand.server.policies().set_mode("next", PolicyMode::Enforce).unwrap();
        assert_eq!(ask(&stand).await.status, 503, "{order}");
    }
}

#[tokio::test]
async fn a_policy_in_shadow_turns_no_grant_on() {
    let sidecar =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "grant": { "sub": "alice" } } })).await;
    let stand =
        Stand::with(|config| config.policy.push(shadow(sidecar.policy("next", &["grant.password"])))).await;
    let discovery = stand.http.get(format!("{}/.well-known/openid-configuration", stand.issuer));
    let discovery = Reply::read(discovery.send().await.unwrap()).await;
    assert!(!discovery.json["grant_types_supported"].as_array().unwrap().contains(&json!("password")));
}

#[tokio::test]
async fn only_the_share_of_requests_that_is_sampled_is_asked() {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let never = PolicyConfig { sample: 0.0, ..sidecar.policy("next", &[HOOK]) };
    let stand = Stand::with(|config| config.policy.push(shadow(never))).await;
    for _ in 0..20 {
        assert_eq!(ask(&stand).await.status, 200);
    }
    assert!(sidecar.requests().is_empty());
}

/// The question of the last decision, as the log keeps it.
fn question(stand: &Stand) -> (String, DecisionRequest) {
    let page = stand.server.policies().decisions(&DecisionFilter::default());
    let id = page.decisions[0].id.clone();
    let question = stand.server.policies().decision(&id).unwrap().question;
    (id, serde_json::from_value(question.unwrap()).unwrap())
}

#[tokio::test]
async fn what_policies_would_say_can_be_seen_without_any_effect() {
    let sidecar = Sidecar::start(|_| {
        json!({ "decision": "allow", "set": { "grant": { "scope": ["reports.read"] } },
            "reason": { "code": "tier", "detail": "gold" }, "tags": { "rule": "7" },
            "policy": { "name": "acme", "version": "3" } })
    })
    .await;
    let stand = Stand::with(|config| config.policy.push(sidecar.policy("tiers", &[HOOK]))).await;
    ask(&stand).await;
    let (id, asked) = question(&stand);
    let simulated = stand.server.policies().simulate(Question::simulated(asked.clone(), None)).await.unwrap();
    assert_eq!(simulated.outcome, DecisionOutcome::Allow);
    assert_eq!(simulated.proposal.grant.unwrap().scope.unwrap(), ["reports.read"]);
    let part = &simulated.policies[0];
    assert_eq!(
        (part.mode, part.version.as_deref(), part.reason.as_deref()),
        (Mode::Test, Some("3"), Some("tier"))
    );
    assert_eq!(part.tags["rule"], "7");
    assert_eq!(sidecar.requests()[1]["mode"], "test");
    assert_eq!(stand.server.policies().decisions(&DecisionFilter::default()).decisions.len(), 1, "no record");

    let (_, again) = stand.server.policies().recorded(&id).unwrap();
    assert_eq!(again, asked);
    assert!(matches!(stand.server.policies().recorded("dec_unknown"), Err(AdminError::UnknownDecision)));
    stand.server.policies().set_mode("tiers", PolicyMode::Off).unwrap();
    let without = stand.server.policies().simulate(Question::simulated(asked, None)).await.unwrap();
    assert_eq!(without.proposal.grant.unwrap().scope.unwrap().len(), 2);
}

#[tokio::test]
async fn a_simulation_shows_where_an_answer_breaks_the_contract() {
    let sidecar =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "grant": { "scope": ["admin"] } } })).await;
    let stand = Stand::with(|config| config.policy.push(sidecar.policy("greedy", &[HOOK]))).await;
    assert_eq!(ask(&stand).await.status, 503);
    let (_, asked) = question(&stand);
    let simulated = stand.server.policies().simulate(Question::simulated(asked, None)).await.unwrap();
    let failure = simulated.failure.unwrap();
    assert_eq!((simulated.outcome, failure.code), (DecisionOutcome::Failed, FailureCode::Limit));
    assert!(failure.detail.contains("/grant/scope"), "{}", failure.detail);
}

#[tokio::test]
async fn decisions_are_found_by_what_they_were_about() {
    let sidecar = Sidecar::start(|request| match request["client"]["client_id"].as_str() {
        Some("api") => json!({ "decision": "deny", "error": { "code": "access_denied" } }),
        _ => json!({ "decision": "allow" }),
    })
    .await;
    let stand = Stand::with(|config| {
        config.decision_log.keep = 5;
        config.policy.push(sidecar.policy("tiers", &[HOOK]));
    })
    .await;
    for client in ["service", "api", "service", "api", "service", "api"] {
        stand.post("/token", client, &[("grant_type", "client_credentials")]).await;
    }
    let find = |filter: DecisionFilter| stand.server.policies().decisions(&filter);
    let outcomes = |records: &[DecisionRecord]| -> Vec<Value> {
        records.iter().map(|r| json!([r.client_id, r.outcome])).collect()
    };
    let denied = find(DecisionFilter { outcome: Some(DecisionOutcome::Deny), ..Default::default() });
    assert_eq!(outcomes(&denied.decisions), vec![json!(["api", "deny"]); 3]);
    assert_eq!(denied.decisions[0].error.as_deref(), Some("access_denied"));
    let of_service = find(DecisionFilter { client_id: Some("service".to_owned()), ..Default::default() });
    assert_eq!(outcomes(&of_service.decisions), vec![json!(["service", "allow"]); 2], "five are kept");
    assert!(
        find(DecisionFilter { policy: Some("other".to_owned()), ..Default::default() }).decisions.is_empty()
    );

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = find(DecisionFilter { limit: Some(2), after, ..Default::default() });
        seen.extend(page.decisions.iter().map(|record| record.id.clone()));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let all: Vec<_> = find(DecisionFilter::default()).decisions.into_iter().map(|r| r.id).collect();
    assert_eq!(seen, all);
}
