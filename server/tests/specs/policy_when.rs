//! `when`, `docs/policies.md`: what a policy is asked about is decided on the question that it would be sent.

use placet_server::{
    config::{BackendKind, PolicyConfig, PolicyMode, RulesConfig},
    policy::DecisionFilter,
};
use serde_json::{Value, json};

use super::{
    harness::{Reply, SECRET, Stand},
    helpers::{client, configured},
    policy_stage::{allow, set},
    sidecar::Sidecar,
};

const HOOK: &str = "grant.client_credentials";

/// A policy with a condition that sees a header and metadata of the client.
fn seeing(sidecar: &Sidecar, when: &Value) -> PolicyConfig {
    PolicyConfig {
        when: vec![serde_json::from_value(when.clone()).unwrap()],
        headers: vec!["X-Partner".to_owned()],
        client_metadata: vec!["software_id".to_owned()],
        ..sidecar.policy("guard", &[HOOK])
    }
}

async fn stand(policies: Vec<PolicyConfig>) -> Stand {
    Stand::with(|config| {
        client(config, "service").metadata.software_id = Some("app-7".to_owned());
        config.policy = policies;
    })
    .await
}

async fn ask(stand: &Stand) -> Reply {
    let request = stand
        .http
        .post(format!("{}/token", stand.issuer))
        .basic_auth("service", Some(SECRET))
        .header("x-partner", "acme")
        .form(&[("grant_type", "client_credentials")]);
    Reply::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn conditions_see_what_the_question_has() {
    for (pointer, is, is_not) in [
        ("/request/headers/x-partner", json!("acme"), json!("other")),
        ("/client/metadata/software_id", json!("app-7"), json!("app-8")),
        ("/mode", json!("enforce"), json!("shadow")),
        ("/chain/policy", json!("guard"), json!("other")),
        ("/chain/position", json!(1), json!(2)),
        ("/client/client_id", json!("service"), json!("web")),
        ("/proposal/grant/scope/0", json!("reports.read"), json!("admin")),
    ] {
        for (predicate, asked) in [
            (json!({ "eq": is }), true),
            (json!({ "eq": is_not }), false),
            (json!({ "exists": true, "eq": is }), true),
            (json!({ "exists": true }), true),
            (json!({ "exists": false }), false),
            (json!({ "not": { "eq": is } }), false),
            (json!({ "not": { "eq": is_not } }), true),
        ] {
            let sidecar = Sidecar::start(|_| allow()).await;
            let stand = stand(vec![seeing(&sidecar, &json!({ pointer: predicate }))]).await;
            assert_eq!(ask(&stand).await.status, 200);
            assert_eq!(!sidecar.requests().is_empty(), asked, "{pointer} {predicate}");
        }
    }
    let sidecar = Sidecar::start(|_| allow()).await;
    let issuer = seeing(&sidecar, &json!({ "/issuer": { "prefix": "http://127.0.0.1:" } }));
    let other = seeing(&sidecar, &json!({ "/issuer": { "prefix": "https://" } }));
    ask(&stand(vec![issuer]).await).await;
    ask(&stand(vec![other]).await).await;
    assert_eq!(sidecar.requests().len(), 1);
}

#[tokio::test]
async fn where_all_conditions_leave_a_client_out_nobody_decides() {
    let sidecar = Sidecar::start(|_| allow()).await;
    for (whens, asked) in [
        (vec![json!({ "/client/client_id": { "eq": "web" } })], false),
        (vec![json!({ "/client/client_id": { "eq": "service" } })], true),
        (
            vec![json!({ "/client/client_id": { "eq": "web" } }), json!({ "/issuer": { "exists": true } })],
            true,
        ),
        // What is absent counts as a match.
        (vec![json!({ "/client/data/tier": { "eq": "gold" } })], true),
        (vec![json!({ "/client/data/tier": { "exists": true } })], false),
    ] {
        let before = sidecar.requests().len();
        let policies = whens.iter().enumerate();
        let policies = policies.map(|(at, when)| PolicyConfig {
            when: vec![serde_json::from_value(when.clone()).unwrap()],
            ..sidecar.policy(&format!("p{at}"), &[HOOK])
        });
        let stand = stand(policies.collect()).await;
        assert_eq!(ask(&stand).await.status, 200);
        let decided = stand.server.policies().decisions(&DecisionFilter::default()).decisions;
        assert_eq!(
            (sidecar.requests().len() - before, decided.len()),
            (asked.into(), asked.into()),
            "{whens:?}"
        );
    }
}

/// The pointers to everything in a JSON document.
fn pointers(value: &Value, here: &str, all: &mut Vec<String>) {
    if !here.is_empty() {
        all.push(here.to_owned());
    }
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                pointers(value, &format!("{here}/{}", escaped(name)), all);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                pointers(value, &format!("{here}/{at}"), all);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn whatever_a_question_has_can_be_a_condition() {
    let sidecar = Sidecar::start(|_| allow()).await;
    ask(&stand(vec![seeing(&sidecar, &json!({}))]).await).await;
    let mut all = Vec::new();
    pointers(&sidecar.requests()[0], "", &mut all);
    assert!(all.len() > 80, "{all:?}");
    for (exists, expected) in [(true, all.len()), (false, 0)] {
        let policies = all.iter().enumerate().map(|(at, pointer)| PolicyConfig {
            name: format!("p{at}"),
            backend: BackendKind::Rules,
            rules: RulesConfig::default(),
            url: None,
            ..seeing(&sidecar, &json!({ pointer: { "exists": exists } }))
        });
        let stand = stand(policies.collect()).await;
        assert_eq!(ask(&stand).await.status, 200);
        let records = stand.server.policies().decisions(&DecisionFilter::default()).decisions;
        let asked: Vec<&str> = records[0].policies.iter().map(|policy| policy.name.as_str()).collect();
        let missed: Vec<&String> = all
            .iter()
            .enumerate()
            .filter(|(at, _)| !asked.contains(&format!("p{at}").as_str()))
            .map(|(_, p)| p)
            .collect();
        assert_eq!(asked.len(), expected, "{missed:?}");
    }
}

#[tokio::test]
async fn a_later_policy_is_asked_about_what_the_earlier_ones_made_of_it() {
    let first = Sidecar::start(|_| set(&json!({ "grant": { "scope": ["reports.read"] } }))).await;
    for (value, asked) in [("reports.read", true), ("reports.write", false)] {
        let second = Sidecar::start(|_| allow()).await;
        let when = json!({ "/proposal/grant/scope": { "contains": value } });
        let second_policy = PolicyConfig { name: "second".to_owned(), order: 9, ..seeing(&second, &when) };
        let stand = stand(vec![first.policy("first", &[HOOK]), second_policy]).await;
        assert_eq!(ask(&stand).await.json["scope"], "reports.read");
        assert_eq!(!second.requests().is_empty(), asked, "{value}");
    }
}

#[tokio::test]
async fn who_a_policy_says_somebody_is_can_be_a_condition_of_the_next() {
    let who = Sidecar::start(|request| {
        let name = request["password"]["username"].as_str().unwrap();
        set(&json!({ "grant": { "sub": if name == "nobody" { None } else { Some(name) } } }))
    })
    .await;
    let when = json!({ "/proposal/grant/sub": { "exists": true, "prefix": "admin" } });
    let stand = Stand::with(|config| {
        let mut app = configured("own-app", &json!({ "grant_types": ["password"], "scope": "openid" }));
        app.settings.first_party = true;
        config.clients.push(app);
        config.policy.push(who.policy("who", &["grant.password"]));
        config.policy.push(PolicyConfig {
            name: "no-admins".to_owned(),
            order: 1000,
            types: vec!["grant.password".parse().unwrap()],
            backend: BackendKind::Rules,
            when: vec![serde_json::from_value(when.clone()).unwrap()],
            rules: RulesConfig { deny: Some("access_denied".to_owned()), ..RulesConfig::default() },
            ..PolicyConfig::default()
        });
    })
    .await;
    let log_in = async |name: &str| {
        let form = [("grant_type", "password"), ("username", name), ("password", "x")];
        stand.post("/token", "own-app", &form).await
    };
    assert_eq!(log_in("alice").await.status, 200);
    assert_eq!(log_in("admin-1").await.error(), "access_denied");
    // The last one, who would have had to see to it, was not asked.
    let nobody = log_in("nobody").await;
    assert_eq!((nobody.status, nobody.error()), (400, "unauthorized_client"), "{}", nobody.text);
}

#[tokio::test]
async fn a_policy_in_shadow_has_the_same_conditions_and_sees_the_same() {
    let sidecar = Sidecar::start(|_| allow()).await;
    let when = json!({ "/request/headers/x-partner": { "exists": true, "eq": "acme" }, "/mode": { "eq": "shadow" } });
    let policy = PolicyConfig { mode: PolicyMode::Shadow, ..seeing(&sidecar, &when) };
    let stand = stand(vec![policy]).await;
    assert_eq!(ask(&stand).await.status, 200);
    for _ in 0..200 {
        if !sidecar.requests().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let asked = &sidecar.requests()[0];
    assert_eq!(
        (&asked["mode"], &asked["request"]["headers"]["x-partner"]),
        (&json!("shadow"), &json!("acme"))
    );
}
