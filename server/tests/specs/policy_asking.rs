//! The decision API, `docs/protocol.md`: when a policy is not asked at all, and what the last of a chain has to see to.

use std::time::Duration;

use placet_sdk::admin::{FailureCode, PolicyRecord};
use placet_server::{
    config::{BackendKind, OnFailure, PolicyConfig, PolicyMode},
    policy::DecisionFilter,
};
use serde_json::{Value, json};

use super::{
    deciding::ask,
    harness::Stand,
    helpers::configured,
    sidecar::{Answered, Sidecar},
};

const HOOK: &str = "grant.client_credentials";

/// What the last decision says of this policy.
fn part(stand: &Stand, name: &str) -> PolicyRecord {
    let page = stand.server.policies().decisions(&DecisionFilter::default());
    let mut parts = page.decisions.into_iter().flat_map(|decision| decision.policies);
    parts.find(|part| part.name == name).unwrap()
}

#[tokio::test]
async fn once_the_time_is_used_up_nobody_else_is_asked_not_even_rules_that_need_none() {
    let hanging = Sidecar::answering(|_| Answered::status(200).after(Duration::from_secs(600))).await;
    let next = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    for backend in [BackendKind::Rules, BackendKind::Http] {
        let stand = Stand::with(|config| {
            config.policy_defaults.chain_budget_ms = 50;
            config.policy.push(PolicyConfig {
                timeout_ms: Some(10_000),
                on_failure: Some(OnFailure::Proceed),
                acknowledge_fail_open: true,
                ..hanging.policy("hanging", &[HOOK])
            });
            let mut last = PolicyConfig { backend, ..next.policy("last", &[HOOK]) };
            if backend == BackendKind::Rules {
                (last.url, last.auth) = (None, placet_server::config::PolicyAuth::default());
            }
            config.policy.push(last);
        })
        .await;
        assert_eq!(ask(&stand).await.status, 503, "{backend:?}");
        let last = part(&stand, "last");
        assert_eq!((last.failure.map(FailureCode::as_str), last.attempts), (Some("budget"), 0));
    }
    assert!(next.asked().is_empty(), "not for its document either");
}

/// A sidecar whose document says that it knows these modes.
async fn knowing(modes: Value) -> (Sidecar, PolicyConfig) {
    let id = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let sidecar = Sidecar::serving({
        let id = id.clone();
        move |asked| match asked.method.as_str() {
            "GET" => Answered::json(
                200,
                &json!({
                    "sidecar": { "id": id.get().unwrap(), "name": "acme-policy", "version": "7" },
                    "protocols": ["1.0"], "decision_endpoint": id.get().unwrap(),
                    "types": [{ "type": HOOK }], "modes": modes,
                }),
            ),
            _ => Answered::allow(asked, &json!({})),
        }
    })
    .await;
    id.set(sidecar.url.clone()).unwrap();
    let policy = sidecar.policy("modes", &[HOOK]);
    (sidecar, policy)
}

#[tokio::test]
async fn a_policy_is_asked_only_in_a_mode_that_its_document_says_it_knows() {
    for (modes, status) in [(json!(["enforce"]), 200), (json!(["shadow", "test"]), 503)] {
        let (sidecar, policy) = knowing(modes).await;
        let stand = Stand::with(|config| config.policy.push(policy)).await;
        assert_eq!(ask(&stand).await.status, status);
        assert_eq!(sidecar.requests().len(), usize::from(status == 200));
        let told = part(&stand, "modes");
        let failure = (status == 503).then_some("not_implemented");
        assert_eq!(told.failure.map(FailureCode::as_str), failure);
        assert_eq!(told.attempts, u32::from(status == 200));
    }
    let (sidecar, policy) = knowing(json!(["enforce"])).await;
    let shadow = PolicyConfig { mode: PolicyMode::Shadow, ..policy };
    let stand = Stand::with(|config| config.policy.push(shadow)).await;
    assert_eq!(ask(&stand).await.status, 200);
    for _ in 0..200 {
        if !stand
            .server
            .policies()
            .decisions(&DecisionFilter { policy: Some("modes".to_owned()), ..Default::default() })
            .decisions
            .is_empty()
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(part(&stand, "modes").failure.map(FailureCode::as_str), Some("not_implemented"));
    assert!(sidecar.requests().is_empty(), "what it does would be in earnest");
}

#[tokio::test]
async fn what_the_result_must_have_is_asked_of_the_last_policy_alone() {
    let naming =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "grant": { "sub": "alice" } } })).await;
    let plain = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    for (chain, status, failing) in [
        ([&plain, &naming], 200, None),
        ([&naming, &plain], 200, None),
        ([&plain, &plain], 503, Some("requires")),
    ] {
        let before = (plain.requests().len(), naming.requests().len());
        let stand = Stand::with(|config| {
            let mut client =
                configured("own-app", &json!({ "grant_types": ["password"], "scope": "openid" }));
            client.settings.first_party = true;
            config.clients.push(client);
            for (sidecar, name) in chain.iter().zip(["first", "last"]) {
                config.policy.push(sidecar.policy(name, &["grant.password"]));
            }
        })
        .await;
        let form = [("grant_type", "password"), ("username", "alice"), ("password", "wonderland")];
        let reply = stand.post("/token", "own-app", &form).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        let asked = [&plain.requests()[before.0..], &naming.requests()[before.1..]].concat();
        for request in asked {
            let last = request["chain"]["position"] == 2;
            let required = request["requires"].as_array().is_some_and(|requires| !requires.is_empty());
            assert_eq!(required, last, "{request}");
        }
        assert_eq!(part(&stand, "first").failure, None);
        assert_eq!(part(&stand, "last").failure.map(FailureCode::as_str), failing);
    }
}
