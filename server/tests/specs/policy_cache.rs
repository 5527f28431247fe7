//! The decision API, `docs/protocol.md`: decisions that are used again, and those that never are.

use std::{collections::BTreeSet, sync::Arc};

use placet_sdk::{
    admin::CacheUse,
    decision::{
        ClientCredentialsSection, Freedom, GrantLimits, HookType, Limits, Proposal, RequestFacts,
        SessionFacts,
    },
    grant::{Grant, SenderConstraint},
};
use placet_server::{
    config::PolicyConfig,
    policy::{Decided, DecisionFilter, Question, client_facts},
};
use serde_json::{Value, json};

use super::{
    harness::{Stand, claims},
    helpers::{refresh, text},
    keeping::{HOOK, ask, counting, kept},
    sidecar::Sidecar,
};

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
