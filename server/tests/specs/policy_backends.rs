//! Decision points that do not speak the decision API: AuthZEN and the Open Policy Agent, over real HTTP.

use placet_server::{
    config::{
        AuthzenConfig, AuthzenStrategy, BackendKind, Config, OpaConfig, PolicyAuth, PolicyConfig,
        ResourceSearch, ScopeConfig,
    },
    policy::DecisionFilter,
};
use serde_json::{Value, json};

use super::{
    harness::{Browser, Reply, Stand},
    helpers::{client, text},
    sidecar::{Answered, Asked, Sidecar, policy},
};

const HOOK: &str = "grant.client_credentials";

async fn ask(stand: &Stand, extra: &[(&str, &str)]) -> Reply {
    stand.post("/token", "service", &[&[("grant_type", "client_credentials")], extra].concat()).await
}

fn failure(stand: &Stand) -> &'static str {
    let page = stand.server.policies().decisions(&DecisionFilter::default());
    page.decisions[0].policies[0].failure.map_or("none", placet_sdk::admin::FailureCode::as_str)
}

/// A registration of a server at the origin of this one.
fn at(sidecar: &Sidecar, backend: BackendKind, types: &[&str]) -> PolicyConfig {
    let origin = sidecar.url.trim_end_matches("/decide");
    PolicyConfig { backend, auth: PolicyAuth::default(), ..policy("other", types, origin) }
}

/// A decision point without metadata that answers evaluations like this.
async fn pdp(answer: impl Fn(&Asked) -> Value + Send + Sync + 'static) -> Sidecar {
    Sidecar::serving(move |asked| match asked.method.as_str() {
        "POST" => Answered::json(200, &answer(asked)),
        _ => Answered::status(404),
    })
    .await
}

/// Yes to these actions, no to others.
fn evaluations(asked: &Asked, yes: &[&str]) -> Value {
    let all = asked.body["evaluations"].as_array().unwrap();
    let answers =
        all.iter().map(|one| json!({ "decision": yes.contains(&one["action"]["name"].as_str().unwrap()) }));
    json!({ "evaluations": answers.collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_plain_authzen_decision_point_grants_scope_by_scope() {
    let pdp = pdp(|asked| evaluations(asked, &["reports.read"])).await;
    let stand = Stand::with(|config| config.policy.push(at(&pdp, BackendKind::Authzen, &[HOOK]))).await;
    let reply = ask(&stand, &[("resource", "https://api.example")]).await;
    assert_eq!(reply.json["scope"], "reports.read", "{}", reply.text);
    let asked = &pdp.asked()[1];
    assert_eq!(asked.path, "/access/v1/evaluations");
    assert_eq!(asked.body["subject"], json!({ "type": "client", "id": "service", "properties": {} }));
    assert_eq!(asked.body["options"], json!({ "evaluations_semantic": "execute_all" }));
    let one = &asked.body["evaluations"][1];
    assert_eq!(one["action"], json!({ "name": "reports.write" }));
    assert_eq!(one["resource"], json!({ "type": "api", "id": "https://api.example" }));
    let facts = &asked.body["context"]["placet"];
    assert_eq!((&facts["type"], &facts["client_id"]), (&json!(HOOK), &json!("service")));
    assert_eq!(asked.headers["x-request-id"], facts["id"].as_str().unwrap());
}

#[tokio::test]
async fn a_scope_is_granted_only_if_every_resource_agrees_and_none_at_all_is_a_denial() {
    let picky = pdp(|asked| {
        let all = asked.body["evaluations"].as_array().unwrap();
        let yes = |one: &Value| {
            one["action"]["name"] == "reports.read" || one["resource"]["id"] == "https://api.example"
        };
        json!({ "evaluations": all.iter().map(|one| json!({ "decision": yes(one) })).collect::<Vec<_>>() })
    })
    .await;
    let stand = Stand::with(|config| config.policy.push(at(&picky, BackendKind::Authzen, &[HOOK]))).await;
    let issuer = stand.issuer.clone();
    let both = [("resource", "https://api.example"), ("resource", &issuer)];
    assert_eq!(ask(&stand, &both).await.json["scope"], "reports.read");
    let none = pdp(|asked| evaluations(asked, &[])).await;
    let stand = Stand::with(|config| config.policy.push(at(&none, BackendKind::Authzen, &[HOOK]))).await;
    assert_eq!(ask(&stand, &[]).await.error(), "access_denied");
}

fn whole(pdp: &Sidecar, accept_context_step_up: bool) -> impl FnOnce(&mut Config) {
    let policy = PolicyConfig {
        authzen: AuthzenConfig {
            strategy: AuthzenStrategy::Whole,
            accept_context_step_up,
            ..AuthzenConfig::default()
        },
        ..at(pdp, BackendKind::Authzen, &[HOOK, "grant.refresh_token"])
    };
    move |config| {
        client(config, "web").settings.interaction_required = true;
        config.policy.push(policy);
    }
}

#[tokio::test]
async fn the_whole_decision_can_be_one_question() {
    for (decision, status) in [(true, 200), (false, 400)] {
        let pdp = pdp(move |_| json!({ "decision": decision, "context": { "reason": "because" } })).await;
        let stand = Stand::with(whole(&pdp, false)).await;
        assert_eq!(ask(&stand, &[]).await.status, status);
        assert_eq!(pdp.asked()[1].path, "/access/v1/evaluation");
        assert_eq!(pdp.asked()[1].body["action"], json!({ "name": HOOK }));
    }
}

#[tokio::test]
async fn a_duty_to_step_up_is_a_challenge_and_an_unknown_duty_a_denial() {
    let step_up =
        json!({ "id": "step-up", "attributes": { "acr_values": ["urn:acme:loa:2"], "max_age": 60 } });
    for (answer, accept, error) in [
        (json!({ "decision": true, "context": { "obligations": [step_up] } }), false, "interaction_required"),
        (
            json!({ "decision": false, "context": { "obligations": [step_up] } }),
            false,
            "interaction_required",
        ),
        (
            json!({ "decision": true, "context": { "obligations": [{ "id": "log-it" }] } }),
            false,
            "access_denied",
        ),
        (
            json!({ "decision": false, "context": { "acr_values": ["urn:acme:loa:2"] } }),
            true,
            "interaction_required",
        ),
        (
            json!({ "decision": false, "context": { "acr_values": ["urn:acme:loa:2"] } }),
            false,
            "access_denied",
        ),
    ] {
        let shown = answer.to_string();
        let pdp = pdp(move |_| answer.clone()).await;
        let stand = Stand::with(whole(&pdp, accept)).await;
        let token = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
        let reply = super::helpers::refresh(&stand, "web", &token).await;
        assert_eq!((reply.status, reply.error()), (400, error), "{shown}");
        if error == "interaction_required" {
            assert_eq!(reply.json["acr_values"], "urn:acme:loa:2");
        }
    }
}

#[tokio::test]
async fn a_decision_point_is_asked_about_whoever_it_is_whatever_its_registration_shows_it() {
    for needs in [None, Some(vec![]), Some(vec!["/request/endpoint"]), Some(vec!["/subject"])] {
        let pdp = pdp(|_| json!({ "decision": true })).await;
        let change = whole(&pdp, false);
        let stand = Stand::with(|config| {
            change(config);
            config.policy[0].needs =
                needs.clone().map(|needs| needs.into_iter().map(str::to_owned).collect());
        })
        .await;
        let token = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
        assert_eq!(super::helpers::refresh(&stand, "web", &token).await.status, 200);
        let asked = pdp.asked().pop().unwrap().body;
        let who = (&asked["subject"]["type"], &asked["subject"]["id"]);
        assert_eq!(who, (&json!("user"), &json!("alice")), "{needs:?}: {asked}");
        assert_eq!(asked["context"]["placet"]["client_id"], "web", "{needs:?}");
        assert_eq!(ask(&stand, &[]).await.status, 200);
        let asked = pdp.asked().pop().unwrap().body;
        let who = (&asked["subject"]["type"], &asked["subject"]["id"]);
        assert_eq!(who, (&json!("client"), &json!("service")), "{needs:?}: {asked}");
    }
}

#[tokio::test]
async fn what_is_no_answer_of_authzen_is_a_failure() {
    for (body, code) in
        [(json!({ "decision": "yes" }), "schema"), (json!({}), "schema"), (json!([]), "schema")]
    {
        let pdp = pdp(move |_| body.clone()).await;
        let stand = Stand::with(whole(&pdp, false)).await;
        assert_eq!(ask(&stand, &[]).await.status, 503);
        assert_eq!(failure(&stand), code);
    }
    let short = pdp(|_| json!({ "evaluations": [{ "decision": true }] })).await;
    let stand = Stand::with(|config| config.policy.push(at(&short, BackendKind::Authzen, &[HOOK]))).await;
    assert_eq!(ask(&stand, &[]).await.status, 503, "not every question is answered");
    let denying =
        Sidecar::serving(|asked| Answered::status(if asked.method == "GET" { 404 } else { 403 })).await;
    let stand = Stand::with(whole(&denying, false)).await;
    assert_eq!(ask(&stand, &[]).await.status, 503, "a denial is 200 with `decision: false`");
}

#[tokio::test]
async fn the_metadata_of_a_decision_point_says_where_it_is_asked() {
    for (other, status) in [(false, 200), (true, 503)] {
        let origin = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
        let pdp = Sidecar::serving({
            let origin = origin.clone();
            move |asked| match (asked.method.as_str(), asked.path.as_str()) {
                ("GET", "/.well-known/authzen-configuration") => {
                    let origin = origin.get().unwrap();
                    let id = if other { "https://other.example" } else { origin };
                    Answered::json(
                        200,
                        &json!({
                            "policy_decision_point": id,
                            "access_evaluations_endpoint": format!("{origin}/decide/many"),
                        }),
                    )
                }
                ("POST", "/decide/many") => Answered::json(200, &evaluations(asked, &["reports.read"])),
                _ => Answered::status(404),
            }
        })
        .await;
        origin.set(pdp.url.trim_end_matches("/decide").to_owned()).unwrap();
        let stand = Stand::with(|config| config.policy.push(at(&pdp, BackendKind::Authzen, &[HOOK]))).await;
        assert_eq!(ask(&stand, &[]).await.status, status);
    }
}

/// A source of the claim `groups`, which are those that a user is a member of.
fn searching(pdp: &Sidecar) -> PolicyConfig {
    let search = ResourceSearch { resource_type: "group".to_owned(), action: "member".to_owned() };
    PolicyConfig {
        owns: vec!["groups".to_owned()],
        authzen: AuthzenConfig { claims: [("groups".to_owned(), search)].into(), ..AuthzenConfig::default() },
        ..at(pdp, BackendKind::Authzen, &["claims.source"])
    }
}

#[tokio::test]
async fn claims_can_be_what_a_search_for_resources_finds() {
    let pdp = pdp(|asked| {
        assert_eq!(asked.path, "/access/v1/search/resource");
        assert_eq!(asked.body["subject"]["id"], "alice");
        assert_eq!(asked.body["resource"], json!({ "type": "group" }));
        json!({ "results": [{ "type": "group", "id": "staff" }, { "type": "group", "id": "readers" }] })
    })
    .await;
    let stand = Stand::with(|config| {
        config.policy.push(searching(&pdp));
    })
    .await;
    let mut browser = Browser::new();
    let claims = json!({ "userinfo": { "groups": null } }).to_string();
    let code = stand.sign_in(&mut browser, "web", &[("claims", &claims)]).await["code"].clone();
    let token = text(&stand.redeem("web", &code).await.json["access_token"]);
    let userinfo = stand.userinfo(&token).await;
    assert_eq!(userinfo.json["groups"], json!(["staff", "readers"]), "{}", userinfo.text);
}

#[tokio::test]
async fn a_search_that_found_more_than_one_page_tells_nothing() {
    let found = json!([{ "type": "group", "id": "staff" }]);
    for (page, status) in [
        (json!({}), 200),
        (json!({ "page": { "next_token": "" } }), 200),
        (json!({ "page": { "next_token": "2" } }), 503),
        (json!({ "next_token": "2" }), 503),
    ] {
        let mut answer = page.clone();
        answer["results"] = found.clone();
        let pdp = pdp(move |_| answer.clone()).await;
        let stand = Stand::with(|config| config.policy.push(searching(&pdp))).await;
        let mut browser = Browser::new();
        let claims = json!({ "userinfo": { "groups": null } }).to_string();
        let code = stand.sign_in(&mut browser, "web", &[("claims", &claims)]).await["code"].clone();
        let token = text(&stand.redeem("web", &code).await.json["access_token"]);
        assert_eq!(stand.userinfo(&token).await.status, status, "{page}");
        assert_eq!(failure(&stand), if status == 200 { "none" } else { "too_large" }, "{page}");
    }
}

#[tokio::test]
async fn no_more_is_asked_of_a_decision_point_than_fits_one_request() {
    for (scopes, status) in [(128, 200), (129, 503)] {
        let pdp = pdp(|asked| {
            let all = asked.body["evaluations"].as_array().unwrap();
            json!({ "evaluations": all.iter().map(|_| json!({ "decision": true })).collect::<Vec<_>>() })
        })
        .await;
        let names: Vec<String> = (0..scopes).map(|n| format!("s{n}")).collect();
        let stand = Stand::with(|config| {
            config.scopes.extend(names.iter().map(|name| ScopeConfig::named(name)));
            client(config, "service").metadata.scope = Some(names.join(" ").parse().unwrap());
            config.policy.push(at(&pdp, BackendKind::Authzen, &[HOOK]));
        })
        .await;
        let issuer = stand.issuer.clone();
        let both = [("resource", "https://api.example"), ("resource", &*issuer)];
        let reply = ask(&stand, &both).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        assert_eq!(failure(&stand), if status == 200 { "none" } else { "too_large" });
        assert_eq!(pdp.requests().len(), usize::from(status == 200));
    }
}

#[tokio::test]
async fn decision_points_of_others_go_on_with_the_trace_too() {
    let yes = pdp(|asked| match asked.path.as_str() {
        "/access/v1/evaluation" => json!({ "decision": true }),
        _ => json!({ "result": true }),
    })
    .await;
    for backend in [BackendKind::Authzen, BackendKind::Opa] {
        let policy = PolicyConfig {
            authzen: AuthzenConfig { strategy: AuthzenStrategy::Whole, ..AuthzenConfig::default() },
            ..at(&yes, backend, &[HOOK])
        };
        let stand = Stand::with(|config| config.policy.push(policy)).await;
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let request = stand
            .http
            .post(format!("{}/token", stand.issuer))
            .basic_auth("service", Some(super::harness::SECRET))
            .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
            .header("tracestate", "rojo=00f067aa0ba902b7")
            .form(&[("grant_type", "client_credentials")]);
        assert_eq!(request.send().await.unwrap().status(), 200, "{backend:?}");
        let asked = yes.asked().pop().unwrap();
        let parent = asked.headers["traceparent"].to_str().unwrap();
        assert!(parent.starts_with(&format!("00-{trace}-")) && parent.ends_with("-01"), "{parent}");
        assert!(!parent.contains("00f067aa0ba902b7"), "{parent}");
        assert_eq!(asked.headers["tracestate"], "rojo=00f067aa0ba902b7");
        assert_eq!(ask(&stand, &[]).await.status, 200);
        let headers = yes.asked().pop().unwrap().headers;
        assert!(headers.contains_key("traceparent") && !headers.contains_key("tracestate"), "{backend:?}");
    }
}

#[tokio::test]
async fn an_open_policy_agent_decides_at_the_path_of_the_type() {
    let opa = pdp(|asked| {
        assert_eq!(asked.path, "/v1/data/acme/grant/client_credentials/decision");
        assert_eq!(asked.body["input"]["client"]["client_id"], "service");
        json!({ "decision_id": "4ca636c1", "result": {
            "decision": "allow", "set": { "grant": { "scope": ["reports.read"] } }, "tags": { "rule": "1" },
        } })
    })
    .await;
    let stand = Stand::with(|config| {
        config.policy.push(PolicyConfig {
            opa: OpaConfig { package: "acme".to_owned(), ..OpaConfig::default() },
            ..at(&opa, BackendKind::Opa, &[HOOK])
        });
    })
    .await;
    assert_eq!(ask(&stand, &[]).await.json["scope"], "reports.read");
    let record = &stand.server.policies().decisions(&DecisionFilter::default()).decisions[0];
    let tags = &record.policies[0].tags;
    assert_eq!((tags["rule"].as_str(), tags["opa_decision_id"].as_str()), ("1", "4ca636c1"));
}

#[tokio::test]
async fn an_undefined_result_of_an_open_policy_agent_never_allows() {
    for (body, status, code) in [
        (json!({ "result": true }), 200, "none"),
        (json!({ "result": false }), 400, "none"),
        (json!({}), 503, "schema"),
        (json!({ "result": null }), 503, "schema"),
        (json!({ "result": "allow" }), 503, "schema"),
        (json!({ "result": {} }), 503, "schema"),
        (json!({ "result": { "decision": "allow", "set": { "grant": { "sub": "alice" } } } }), 503, "limit"),
    ] {
        let shown = body.to_string();
        let opa = pdp(move |_| body.clone()).await;
        let stand = Stand::with(|config| config.policy.push(at(&opa, BackendKind::Opa, &[HOOK]))).await;
        assert_eq!(ask(&stand, &[]).await.status, status, "{shown}");
        assert_eq!(failure(&stand), code, "{shown}");
    }
}
