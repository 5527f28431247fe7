//! The decision API, `docs/protocol.md`: what decisions that are kept outlive, and what ends them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use placet_sdk::admin::CacheUse;
use placet_server::{
    config::{OnFailure, PolicyCache, PolicyConfig},
    policy::DecisionFilter,
};
use reqwest::Method;
use serde_json::json;

use super::{
    harness::{HEADLESS, Stand},
    helpers::{refresh, text},
    keeping::{HOOK, ask, counting, kept},
    sidecar::{Answered, Sidecar},
};

#[tokio::test]
async fn denials_are_kept_only_where_that_is_said_and_only_briefly() {
    for (denies, answers) in [(false, 2), (true, 1)] {
        let sidecar = Sidecar::start(|_| {
            json!({ "decision": "deny", "error": { "code": "access_denied" }, "cache": { "max_age": 60 } })
        })
        .await;
        let stand = Stand::with(|config| {
            let cache = PolicyCache { max_age: 60, stale_for: 0, denies };
            config.policy.push(PolicyConfig { cache, ..sidecar.policy("denying", &[HOOK]) });
        })
        .await;
        ask(&stand).await;
        assert_eq!(ask(&stand).await.error(), "access_denied");
        assert_eq!(sidecar.requests().len(), answers);
        stand.clock.advance(5);
        ask(&stand).await;
        assert_eq!(sidecar.requests().len(), answers + 1);
    }
}

#[tokio::test]
async fn a_challenge_is_never_kept() {
    let sidecar = Sidecar::start(|_| {
        json!({ "decision": "challenge", "challenge": { "kind": "step_up" }, "cache": { "max_age": 60 } })
    })
    .await;
    let stand = Stand::with(|config| {
        config.policy.push(kept(sidecar.policy("challenging", &["grant.refresh_token"]), 60));
    })
    .await;
    let token = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
    for _ in 0..2 {
        assert_eq!(refresh(&stand, "web", &token).await.status, 400);
    }
    assert_eq!(sidecar.requests().len(), 2);
}

#[tokio::test]
async fn many_who_ask_the_same_at_once_share_one_answer() {
    let calls = Arc::new(AtomicU64::new(0));
    let sidecar = Sidecar::answering({
        let calls = calls.clone();
        move |request| {
            calls.fetch_add(1, Ordering::SeqCst);
            let body = json!({ "id": request["id"], "decision": "allow", "cache": { "max_age": 60 } });
            Answered::json(200, &body).after(Duration::from_millis(200))
        }
    })
    .await;
    let stand = Stand::with(|config| config.policy.push(kept(sidecar.policy("kept", &[HOOK]), 60))).await;
    let stand = Arc::new(stand);
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let stand = stand.clone();
            tokio::spawn(async move { ask(&stand).await.status })
        })
        .collect();
    for asked in asking {
        assert_eq!(asked.await.unwrap(), 200);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_that_may_not_be_kept_is_given_to_nobody_else() {
    let sidecar = Sidecar::answering(|request| {
        Answered::json(200, &json!({ "id": request["id"], "decision": "allow" }))
            .after(Duration::from_millis(100))
    })
    .await;
    let stand = Stand::with(|config| config.policy.push(kept(sidecar.policy("kept", &[HOOK]), 60))).await;
    let stand = Arc::new(stand);
    let asking: Vec<_> = (0..10)
        .map(|_| {
            let stand = stand.clone();
            tokio::spawn(async move { ask(&stand).await.status })
        })
        .collect();
    for asked in asking {
        assert_eq!(asked.await.unwrap(), 200);
    }
    assert_eq!(sidecar.requests().len(), 10);
}

#[tokio::test]
async fn who_hangs_up_takes_nothing_from_those_who_wait_for_the_same_answer() {
    let calls = Arc::new(AtomicU64::new(0));
    let sidecar = Sidecar::answering({
        let calls = calls.clone();
        move |request| {
            calls.fetch_add(1, Ordering::SeqCst);
            let body = json!({ "id": request["id"], "decision": "allow", "cache": { "max_age": 60 } });
            Answered::json(200, &body).after(Duration::from_millis(500))
        }
    })
    .await;
    let policy = PolicyConfig { timeout_ms: Some(5_000), ..sidecar.policy("kept", &[HOOK]) };
    let stand = Stand::with(|config| {
        config.policy_defaults.chain_budget_ms = 4_000;
        config.policy.push(kept(policy, 60));
    })
    .await;
    let stand = Arc::new(stand);
    let first = tokio::spawn({
        let stand = stand.clone();
        async move { ask(&stand).await.status }
    });
    while calls.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = tokio::spawn({
        let stand = stand.clone();
        async move { ask(&stand).await.status }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    first.abort();
    assert_eq!(second.await.unwrap(), 200);
    assert_eq!(calls.load(Ordering::SeqCst), 1, "the question went on, and its answer is good for both");
}

#[tokio::test]
async fn changes_and_revocations_make_decisions_forgotten() {
    let sidecar = counting(json!({ "max_age": 3_600 })).await;
    let stand = Stand::with(|config| config.policy.push(kept(sidecar.policy("kept", &[HOOK]), 3_600))).await;
    let policies = stand.server.policies();
    let mut expected = 0;
    let mut forgets = async |what: &str| {
        expected += 1;
        assert_eq!(ask(&stand).await.json["number"], expected, "{what}");
        assert_eq!(ask(&stand).await.json["number"], expected, "{what}");
    };
    assert_eq!(ask(&stand).await.json["number"], 0);
    policies.purge("kept").unwrap();
    forgets("a purge").await;
    stand.server.forget_client("service").await;
    forgets("a change of the client").await;
    policies.set_order("kept", 3).unwrap();
    forgets("a change of the registration").await;
    stand.server.forget_client("other").await;
    assert_eq!(ask(&stand).await.json["number"], 3, "another client changed");
}

#[tokio::test]
async fn a_report_about_a_person_makes_decisions_about_them_forgotten() {
    let sidecar = counting(json!({ "max_age": 3_600 })).await;
    let policy = PolicyConfig { needs: Some(Vec::new()), ..sidecar.policy("kept", &["grant.refresh_token"]) };
    let stand = Stand::with(|config| config.policy.push(kept(policy, 3_600))).await;
    let mut token = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
    let mut number = async || {
        let reply = refresh(&stand, "web", &token).await;
        token = text(&reply.json["refresh_token"]);
        reply.json["number"].clone()
    };
    assert_eq!(number().await, 0);
    assert_eq!(number().await, 0);
    for (sub, expected) in [("bob", 0), ("alice", 1)] {
        let report = json!({ "type": "credential.changed", "sub": sub });
        let reply = stand.call(HEADLESS, Method::POST, "/reports", Some(&report)).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        assert_eq!(number().await, expected, "{sub}");
    }
}

#[tokio::test]
async fn a_new_version_of_a_policy_decides_anew() {
    let version = Arc::new(AtomicU64::new(1));
    let sidecar = Sidecar::start({
        let version = version.clone();
        move |request| {
            let version = version.load(Ordering::SeqCst);
            json!({
                "decision": "allow", "cache": { "max_age": 3_600 },
                "set": { "token_response": { "version": version, "scope_was": request["proposal"]["grant"]["scope"] } },
                "policy": { "name": "acme", "version": version.to_string() },
            })
        }
    })
    .await;
    let stand = Stand::with(|config| config.policy.push(kept(sidecar.policy("kept", &[HOOK]), 3_600))).await;
    assert_eq!(ask(&stand).await.json["version"], 1);
    version.store(2, Ordering::SeqCst);
    assert_eq!(ask(&stand).await.json["version"], 1, "nobody knows yet");
    let other = [("grant_type", "client_credentials"), ("scope", "reports.read")];
    assert_eq!(stand.post("/token", "service", &other).await.json["version"], 2);
    assert_eq!(ask(&stand).await.json["version"], 2);
}

#[tokio::test]
async fn an_old_decision_stands_in_for_a_policy_that_fails_but_not_for_ever() {
    let well = Arc::new(AtomicU64::new(1));
    let sidecar = Sidecar::answering({
        let well = well.clone();
        move |request| match well.load(Ordering::SeqCst) {
            0 => Answered::status(500),
            _ => Answered::json(200, &json!({
                "id": request["id"], "decision": "allow", "set": { "grant": { "scope": ["reports.read"] } },
                "cache": { "max_age": 10, "stale_if_error": 20 },
            })),
        }
    })
    .await;
    let stand = Stand::with(|config| {
        config.policy.push(PolicyConfig {
            cache: PolicyCache { max_age: 10, stale_for: 60, denies: false },
            on_failure: Some(OnFailure::Stale),
            ..sidecar.policy("stale", &[HOOK])
        });
    })
    .await;
    assert_eq!(ask(&stand).await.json["scope"], "reports.read");
    well.store(0, Ordering::SeqCst);
    stand.clock.advance(29);
    assert_eq!(ask(&stand).await.json["scope"], "reports.read");
    let record = &stand.server.policies().decisions(&DecisionFilter::default()).decisions[0];
    assert_eq!((record.degraded, record.policies[0].cache), (true, CacheUse::Stale));
    let other = [("grant_type", "client_credentials"), ("scope", "reports.read")];
    assert_eq!(
        stand.post("/token", "service", &other).await.status,
        503,
        "another question has no old answer"
    );
    stand.clock.advance(1);
    assert_eq!(stand.post("/token", "service", &other[..1]).await.status, 503, "too old");
}
