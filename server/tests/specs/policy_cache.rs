//! The decision API, `docs/protocol.md`: decisions that are used again, and those that never are.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use placet_sdk::{
    admin::CacheUse,
    decision::{
        ClientCredentialsSection, Freedom, GrantLimits, HookType, Limits, Proposal, RequestFacts,
        SessionFacts,
    },
    grant::{Grant, SenderConstraint},
};
use placet_server::{
    config::{OnFailure, PolicyCache, PolicyConfig},
    policy::{Decided, DecisionFilter, Question, client_facts},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{HEADLESS, Reply, Stand, claims},
    helpers::{refresh, text},
    sidecar::{Answered, Sidecar},
};

const HOOK: &str = "grant.client_credentials";

fn kept(policy: PolicyConfig, max_age: u32) -> PolicyConfig {
    PolicyConfig { cache: PolicyCache { max_age, ..PolicyCache::default() }, ..policy }
}

async fn ask(stand: &Stand) -> Reply {
    let reply = stand.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    assert!([200, 400].contains(&reply.status), "{}", reply.text);
    reply
}

/// A sidecar that answers with a number that grows, and says that the answer may be kept.
async fn counting(cache: Value) -> Sidecar {
    let calls = AtomicU64::new(0);
    Sidecar::start(move |_| {
        let number = calls.fetch_add(1, Ordering::SeqCst);
        json!({ "decision": "allow", "set": { "token_response": { "number": number } }, "cache": cache })
    })
    .await
}

fn last(stand: &Stand) -> CacheUse {
    stand.server.policies().decisions(&DecisionFilter::default()).decisions[0].policies[0].cache
}

#[tokio::test]
async fn a_decision_is_used_again_only_while_both_sides_say_so() {
    for (max_age, cache, lives) in [
        (20, json!({ "max_age": 20 }), 20),
        (20, json!({ "max_age": 5 }), 5),
        (5, json!({ "max_age": 20 }), 5),
        (0, json!({ "max_age": 20 }), 0),
        (20, json!({ "max_age": 0 }), 0),
        (20, Value::Null, 0),
    ] {
        let sidecar = counting(cache).await;
        let stand =
            Stand::with(|config| config.policy.push(kept(sidecar.policy("kept", &[HOOK]), max_age))).await;
        assert_eq!(ask(&stand).await.json["number"], 0);
        if lives > 0 {
            assert_eq!(last(&stand), CacheUse::Miss);
            stand.clock.advance(lives - 1);
            assert_eq!(ask(&stand).await.json["number"], 0, "the same decision");
            assert_eq!(last(&stand), CacheUse::Hit);
            stand.clock.advance(1);
        }
        assert_eq!(ask(&stand).await.json["number"], 1, "a new one");
    }
}

#[tokio::test]
async fn whatever_a_policy_is_shown_makes_another_decision() {
    let sidecar = counting(json!({ "max_age": 60 })).await;
    let stand = Stand::with(|config| config.policy.push(kept(sidecar.policy("kept", &[HOOK]), 60))).await;
    let number = async |client: &str, extra: &[(&str, &str)]| {
        let form = [&[("grant_type", "client_credentials")], extra].concat();
        stand.post("/token", client, &form).await.json["number"].clone()
    };
    let first = number("service", &[]).await;
    assert_eq!(number("service", &[]).await, first);
    let read = number("service", &[("scope", "reports.read")]).await;
    assert_ne!(read, first, "another scope");
    let other = number("api", &[]).await;
    assert!(other != first && other != read, "another client");
    let resource = number("service", &[("resource", "https://api.example")]).await;
    assert!(![first, read, other].contains(&resource), "another resource");
    assert!(sidecar.requests().iter().all(|r| r["request"].get("remote").is_none()));
}

#[tokio::test]
async fn a_decision_about_one_person_never_reaches_another_over_refresh() {
    // The worst sidecar: it says that it looks at nothing, answers by the subject all the same, and asks for all of it
    // to be kept.
    let sidecar = Sidecar::start(|request| {
        let sub = request["proposal"]["grant"]["sub"].clone();
        json!({
            "decision": "allow", "cache": { "max_age": 600 },
            "set": { "grant": { "access_token": { "claims": { "person": sub } } } },
        })
    })
    .await;
    let policy =
        PolicyConfig { needs: Some(Vec::new()), ..sidecar.policy("persons", &["grant.refresh_token"]) };
    let stand = Arc::new(Stand::with(|config| config.policy.push(kept(policy, 600))).await);
    let mut families = Vec::new();
    for sub in ["alice", "bob", "carol"] {
        let mut browser = super::harness::Browser::new();
        let extra = [("scope", "openid offline_access"), ("prompt", "consent")];
        let id = browser.authorize(&stand, "web", &extra).await.interaction();
        let code = stand.finish(&mut browser, &id, sub).await["code"].clone();
        families.push((sub, text(&stand.redeem("web", &code).await.json["refresh_token"])));
    }
    let racing = families.into_iter().map(|(sub, mut token)| {
        let stand = stand.clone();
        tokio::spawn(async move {
            for _ in 0..8 {
                let reply = refresh(&stand, "web", &token).await;
                assert_eq!(reply.status, 200, "{}", reply.text);
                assert_eq!(claims(&text(&reply.json["access_token"]))["person"], sub);
                token = text(&reply.json["refresh_token"]);
            }
        })
    });
    for race in racing.collect::<Vec<_>>() {
        race.await.unwrap();
    }
    let asked: BTreeSet<String> =
        sidecar.requests().iter().map(|r| text(&r["proposal"]["grant"]["sub"])).collect();
    assert_eq!(asked.len(), 3);
    assert!(sidecar.requests().len() < 24, "decisions were used again");
}

/// A question of the authorization endpoint, in the session of this user.
async fn at_authorize(stand: &Stand, sub: &str) -> Question {
    let client = stand.server.client("web").await.unwrap().unwrap();
    let facts = client_facts(&client, false);
    let mut question =
        Question::new(HookType::AuthorizationRequest, Some((&client, facts)), RequestFacts::default());
    question.request.session = Some(SessionFacts {
        id: Some(format!("ses_{sub}")),
        sub: sub.to_owned(),
        created_at: None,
        authenticated_at: None,
        acr: None,
        amr: Vec::new(),
        data: None,
    });
    let grant = Grant { scope: Some(vec!["openid".to_owned(), "email".to_owned()]), ..Grant::default() };
    let limits =
        GrantLimits { scope: vec!["openid".to_owned(), "email".to_owned()], ..GrantLimits::default() };
    question.request.proposal = Proposal { grant: Some(grant), ..Proposal::default() };
    question.request.limits = Limits { grant: Some(limits), ..Limits::default() };
    question
}

#[tokio::test]
async fn a_decision_about_one_person_never_reaches_another_at_the_authorization_endpoint() {
    let sidecar = Sidecar::start(|request| {
        let scope =
            if request["session"]["sub"] == "alice" { vec!["openid", "email"] } else { vec!["openid"] };
        json!({ "decision": "allow", "cache": { "max_age": 600 }, "set": { "grant": { "scope": scope } } })
    })
    .await;
    let stand = Stand::with(|config| {
        config.policy.push(kept(sidecar.policy("sessions", &["authorization.request"]), 600));
    })
    .await;
    for _ in 0..3 {
        for (sub, scope) in [("alice", 2), ("bob", 1)] {
            let question = at_authorize(&stand, sub).await;
            let Ok(Decided::Allow(allowed)) = stand.server.policies().decide(question).await else {
                panic!("{sub}")
            };
            assert_eq!(allowed.proposal.grant.unwrap().scope.unwrap().len(), scope, "{sub}");
        }
    }
    let requests = sidecar.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request["session"].get("id").is_none()), "ids differ every time");
}

#[tokio::test]
async fn a_decision_that_says_who_somebody_is_is_never_kept() {
    for named in [
        json!({ "sub": "alice" }),
        json!({ "act": { "sub": "carol" } }),
        json!({ "authentication": { "acr": "gold" } }),
    ] {
        let answer =
            json!({ "decision": "allow", "cache": { "max_age": 600 }, "set": { "grant": named.clone() } });
        let sidecar = Sidecar::start(move |_| answer.clone()).await;
        let stand = Stand::with(|config| {
            config.policy.push(kept(sidecar.policy("names", &["grant.jwt_bearer"]), 600));
        })
        .await;
        // Also if that changes nothing.
        let same: Grant = serde_json::from_value(named.clone()).unwrap();
        for proposed in [Grant::default(), same] {
            for _ in 0..2 {
                let client = stand.server.client("web").await.unwrap().unwrap();
                let facts = client_facts(&client, true);
                let mut question =
                    Question::new(HookType::GrantJwtBearer, Some((&client, facts)), RequestFacts::default());
                let limits = GrantLimits {
                    sub: Freedom::Settable,
                    act: Freedom::Settable,
                    authentication: Freedom::Settable,
                    ..GrantLimits::default()
                };
                question.request.proposal = Proposal { grant: Some(proposed.clone()), ..Proposal::default() };
                question.request.limits = Limits { grant: Some(limits), ..Limits::default() };
                assert!(matches!(stand.server.policies().decide(question).await, Ok(Decided::Allow(_))));
            }
        }
        assert_eq!(sidecar.requests().len(), 4, "{named}");
    }
}

#[tokio::test]
async fn a_changed_proposal_is_another_question() {
    let sidecar = counting(json!({ "max_age": 600 })).await;
    let stand = Stand::with(|config| config.policy.push(kept(sidecar.policy("kept", &[HOOK]), 600))).await;
    for constraint in [SenderConstraint::None, SenderConstraint::Required, SenderConstraint::None] {
        let client = stand.server.client("service").await.unwrap().unwrap();
        let facts = client_facts(&client, true);
        let mut question =
            Question::new(HookType::GrantClientCredentials, Some((&client, facts)), RequestFacts::default());
        question.request.client_credentials = Some(ClientCredentialsSection::default());
        let grant = Grant {
            access_token: Some(placet_sdk::grant::AccessTokenSettings {
                sender_constraint: Some(constraint),
                ..Default::default()
            }),
            ..Grant::default()
        };
        question.request.proposal = Proposal {
            grant: Some(grant),
            token_response: Some(serde_json::Map::new()),
            ..Proposal::default()
        };
        question.request.limits = Limits {
            grant: Some(GrantLimits::default()),
            token_response: Some(placet_server::policy::ceiling::token_response()),
            ..Limits::default()
        };
        let Ok(Decided::Allow(allowed)) = stand.server.policies().decide(question).await else { panic!() };
        let kept = allowed.proposal.grant.unwrap().access_token.unwrap().sender_constraint;
        assert_eq!(kept, Some(constraint));
    }
    assert_eq!(sidecar.requests().len(), 2);
}

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
