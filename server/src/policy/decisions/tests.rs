use placet_sdk::decision::CacheHint;
use serde_json::json;

use super::*;
use crate::{
    clock::ManualClock,
    config::{BackendKind, PolicyConfig},
    policy::registration::Making,
    random::OsRandom,
};

fn registration(name: &str) -> Registration {
    let config =
        PolicyConfig { name: name.to_owned(), backend: BackendKind::Rules, ..PolicyConfig::default() };
    let mut making = Making {
        clock: Arc::new(ManualClock::new(0)),
        random: Arc::new(OsRandom),
        gates: &mut HashMap::new(),
    };
    Registration::new(&config, &mut making).unwrap()
}

/// A question that shows something of everything.
fn question() -> Value {
    json!({
        "protocol": "1.0", "id": "dec_1", "type": "grant.token_exchange", "time": "2026-11-23T09:00:00Z",
        "deadline": "2026-11-23T09:00:01Z", "mode": "enforce", "attempt": 1, "issuer": "https://as.example",
        "tenant": "one", "chain": { "policy": "p", "position": 1, "of": 2 },
        "client": { "client_id": "web", "auth": { "method": "none", "verified": false }, "data": { "tier": "gold" } },
        "grant": { "type": "x", "authorization_id": "az_1", "requested": { "scope": ["a"], "resources": ["b"] } },
        "subject": { "sub": "alice", "type": "user", "source": "subject_token", "claims": { "exp": 1 } },
        "actor": { "sub": "bob", "type": "user", "source": "actor_token" },
        "session": { "id": "ses_1", "sub": "alice", "acr": "1", "amr": ["pwd"], "data": { "iat": 1 } },
        "interaction": { "stage": "evaluate", "results": { "terms": { "accepted": true } } },
        "request": {
            "endpoint": "token", "received_at": "2026-11-23T09:00:00Z", "remote": { "ip": "192.0.2.1" },
            "user_agent": "x", "headers": { "x-tenant": "a" }, "parameters": { "case": ["7"] },
        },
        "pop": { "binding": "dpop", "dpop": { "jkt": "k" } },
        "proposal": { "grant": { "sub": "alice", "scope": ["a"], "access_token": { "lifetime": 60 } } },
        "limits": { "grant": { "sub": "fixed", "scope": ["a"], "access_token": { "max_lifetime": 60 } } },
        "requires": ["/grant/sub"],
        "token_exchange": {
            "semantics": "delegation",
            "subject_token": { "type": "t", "claims": { "sub": "alice", "exp": 1, "iat": 1, "nbf": 1, "jti": "j" } },
            "last_used_at": 1,
        },
    })
}

/// The pointers of all that has no members.
fn leaves(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| leaves(value, &format!("{pointer}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| leaves(value, &format!("{pointer}/{at}"), found));
        }
        _ => found.push(pointer.to_owned()),
    }
}

#[test]
fn whatever_is_shown_makes_another_question_save_what_differs_every_time() {
    let fleeting = [
        "/id",
        "/time",
        "/deadline",
        "/attempt",
        "/request/received_at",
        "/token_exchange/last_used_at",
        "/token_exchange/subject_token/claims/exp",
        "/token_exchange/subject_token/claims/iat",
        "/token_exchange/subject_token/claims/nbf",
        "/token_exchange/subject_token/claims/jti",
    ];
    let policy = registration("p");
    let key = |policy: &Registration, shown: &Value| super::key(policy, HookType::GrantTokenExchange, shown);
    let first = key(&policy, &question());
    let mut all = Vec::new();
    leaves(&question(), "", &mut all);
    for pointer in all {
        let mut other = question();
        *other.pointer_mut(&pointer).unwrap() = json!("another");
        let same = key(&policy, &other) == first;
        assert_eq!(same, fleeting.contains(&pointer.as_str()), "{pointer}");
    }
    assert_ne!(key(&registration("q"), &question()), first, "another policy");
    policy.purge();
    assert_ne!(key(&policy, &question()), first, "what was kept before a purge");
}

fn digest(value: &Value) -> Vec<u8> {
    let mut hash = Sha256::new();
    feed(&mut hash, value);
    hash.finalize().to_vec()
}

#[test]
fn different_values_are_different_inputs() {
    let values = [
        json!({}),
        json!([]),
        json!(null),
        json!("null"),
        json!(1),
        json!("1"),
        json!(["a", "b"]),
        json!(["ab"]),
        json!([["a"], "b"]),
        json!({"a": "b"}),
        json!({"a": {"b": ""}}),
        json!({"ab": ""}),
    ];
    for (at, one) in values.iter().enumerate() {
        for other in &values[at + 1..] {
            assert_ne!(digest(one), digest(other), "{one} {other}");
        }
    }
}

#[tokio::test]
async fn a_decision_that_was_asked_for_before_a_flush_does_not_count_after_it() {
    let decisions = Decisions::new(1 << 20, &Caches::default());
    let about = || About {
        client: Some("web".to_owned()),
        subjects: vec!["alice".to_owned()],
        epoch: decisions.epoch(),
    };
    let decision = Decision { cache: Some(CacheHint::default()), ..Decision::allow("dec_1") };
    let ages = Ages { fresh: 10, stale: 5 };
    let early = about();
    for flush in [|d: &Decisions| d.flush_client("web"), |d: &Decisions| d.flush_subject("alice")] {
        let fresh = about();
        decisions.keep([0; 32], &decision, ages, (&fresh, 100)).await;
        assert!(decisions.fresh(&[0; 32], 109).await.is_some());
        assert!(decisions.fresh(&[0; 32], 110).await.is_none());
        assert!(decisions.stale(&[0; 32], 114).await.is_some());
        flush(&decisions);
        assert!(decisions.fresh(&[0; 32], 100).await.is_none());
        decisions.keep([0; 32], &decision, ages, (&early, 100)).await;
        assert!(decisions.fresh(&[0; 32], 100).await.is_none(), "asked before, answered after");
    }
    decisions.flush_subject("bob");
    decisions.keep([0; 32], &decision, ages, (&about(), 100)).await;
    decisions.flush_client("other");
    assert!(decisions.fresh(&[0; 32], 100).await.is_some());
    for n in 0..=MAX_FLUSHED {
        decisions.flush_subject(&n.to_string());
    }
    assert!(decisions.fresh(&[0; 32], 100).await.is_none(), "too many to remember: all are flushed");
}
