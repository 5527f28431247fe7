//! Every scenario, walked to its end by a scripted app that gives the right answers.

use placet_mock::{Arrival, Gallery};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::stage::{Stage, valid};

/// A walk that has not ended after so many calls never will.
const MOST_CALLS: usize = 20;

/// Walks a scenario as its examples say, and gives the types of the prompts on the way.
async fn walk(stage: &Stage, name: &str) -> (String, Vec<String>) {
    let (id, cookie) = stage.begin(name).await;
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..MOST_CALLS {
        let read = stage.get(&format!("/interactions/{id}")).await;
        match read.status.as_u16() {
            200 => {}
            503 => continue,
            _ => {
                read.problem();
                return (id, seen);
            }
        }
        let prompt = read.json();
        valid("prompt", &prompt);
        let kind = prompt["type"].as_str().unwrap().to_owned();
        seen.push(kind.clone());
        if kind == "error" {
            return (id, seen);
        }
        if kind == "response" {
            if prompt["response"]["delivery"]["method"] == "redirect" {
                assert_eq!(stage.back(&prompt, &cookie).await.status, StatusCode::OK);
            }
            return (id, seen);
        }
        let example = stage.report(&id).await["example"].take();
        assert!(!example.is_null(), "{name}: a step without an example cannot be walked");
        valid("answer", &example);
        let step = prompt["step"].as_u64().unwrap();
        let answered = stage.answer(&id, step, &example).await;
        match answered.status.as_u16() {
            200 => valid("prompt", &answered.json()),
            410 => {
                answered.problem();
                return (id, seen);
            }
            _ => {
                answered.problem();
            }
        }
    }
    panic!("{name}: the walk does not end: {seen:?}");
}

#[tokio::test]
async fn every_scenario_leads_to_its_end_and_every_prompt_is_what_the_schemas_say() {
    let stage = Stage::start().await;
    for scenario in Gallery::of(&["all".to_owned()]).unwrap().scenarios() {
        let name = &scenario.name;
        if scenario.arrives == Arrival::Never {
            continue;
        }
        let (id, seen) = walk(&stage, name).await;
        let report = stage.report(&id).await;
        assert_eq!(report["verdict"], "expected", "{name}: {report:#}");
        if scenario.arrives == Arrival::Waiting {
            let first = scenario.steps[0].prompt["type"].as_str().unwrap();
            assert_eq!(seen[0], first, "{name}");
        }
        let page = stage.page(&format!("/runs/{id}")).await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        assert!(page.text.contains("as expected"), "{name}");
    }
}

#[tokio::test]
async fn who_is_not_needed_is_not_called() {
    let stage = Stage::start().await;
    for (name, parameter) in [("sso-silent", "code"), ("prompt-none", "error")] {
        let sent = stage.page(&format!("/start/{name}")).await;
        let location = sent.header("location");
        assert!(location.starts_with("/runs/ia_"), "{location}");
        let report = stage.page(&format!("{location}.json")).await.json();
        assert_eq!(report["verdict"], "expected");
        assert!(report["sent"]["parameters"][parameter].is_string(), "{report:#}");
        assert_eq!(stage.page(location).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_client_gets_its_response_in_the_mode_that_it_asked_for() {
    let stage = Stage::start().await;
    for (name, how, part) in [
        ("response-query", "303 to the client, in the query", "cb?code="),
        ("response-fragment", "303 to the client, in the fragment", "cb#code="),
        ("response-form-post", "POST by a form that sends itself", "books.example/cb"),
        ("response-query-jwt", "303 to the client, in the query", "cb?response="),
        ("response-fragment-jwt", "303 to the client, in the fragment", "cb#response="),
        ("response-form-post-jwt", "POST by a form that sends itself", "books.example/cb"),
        ("response-fragment-hybrid", "303 to the client, in the fragment", "&id_token="),
    ] {
        let (id, _) = walk(&stage, name).await;
        let sent = stage.report(&id).await["sent"].take();
        assert_eq!(sent["how"], how, "{name}");
        assert!(sent["uri"].as_str().unwrap().contains(part), "{name}: {sent}");
    }
}

#[tokio::test]
async fn what_a_refusal_says_reaches_the_client() {
    let stage = Stage::start().await;
    for (name, error) in [
        ("deny-login", "access_denied"),
        ("policy-refuses", "access_denied"),
        ("prompt-none", "login_required"),
    ] {
        let id = if name == "prompt-none" {
            let sent = stage.page("/start/prompt-none").await;
            sent.header("location").trim_start_matches("/runs/").to_owned()
        } else {
            walk(&stage, name).await.0
        };
        let sent = stage.report(&id).await["sent"].take();
        assert_eq!(sent["parameters"]["error"], error, "{name}: {sent}");
        assert!(sent["parameters"].get("code").is_none());
    }
}

#[tokio::test]
async fn a_wrong_code_costs_an_attempt_and_the_last_one_ends_it() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("device-code").await;
    for (step, left) in [(1, 4), (2, 3), (3, 2), (4, 1)] {
        let wrong = json!({"type": "user_code", "user_code": "QQQQ-QQQQ"});
        let prompt = stage.answer(&id, step, &wrong).await.json();
        assert_eq!(
            (&prompt["type"], &prompt["user_code"]["attempts_left"]),
            (&json!("user_code"), &json!(left))
        );
    }
    let end = stage.answer(&id, 5, &json!({"type": "user_code", "user_code": "no"})).await.json();
    assert_eq!(end["type"], "error");
    let (id, _) = stage.begin("device-code").await;
    let good = json!({"type": "user_code", "user_code": "wdjb mjht"});
    assert_eq!(stage.answer(&id, 1, &good).await.json()["type"], "confirm");
}

#[tokio::test]
async fn an_authentication_that_falls_short_is_asked_again_with_the_reason() {
    let stage = Stage::start().await;
    for (name, answer, reason) in [
        ("step-up-essential", json!({"type": "auth", "sub": "alice"}), "acr_insufficient"),
        (
            "step-up-essential",
            json!({"type": "auth", "sub": "bob", "acr": "urn:placet:acr:mfa"}),
            "subject_mismatch",
        ),
        ("step-up-policy", json!({"type": "auth", "sub": "alice", "amr": ["pwd"]}), "amr_insufficient"),
        (
            "prompt-login",
            json!({"type": "auth", "sub": "alice", "authenticated_at": "2026-01-01T00:00:00Z"}),
            "max_age_exceeded",
        ),
    ] {
        let (id, _) = stage.begin(name).await;
        let again = stage.answer(&id, 1, &answer).await.json();
        valid("prompt", &again);
        assert_eq!(again["step"], 2, "{name}");
        assert_eq!(again["auth"]["attempt"], 2, "{name}");
        let reasons: Vec<&Value> = again["auth"]["reasons"].as_array().unwrap().iter().collect();
        assert_eq!(reasons, [&json!("answer_insufficient"), &json!(reason)], "{name}");
        assert_eq!(stage.report(&id).await["answers"][0]["fell_short"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_is_allowed_but_not_expected_is_told_apart() {
    let stage = Stage::start().await;
    let (id, cookie) = stage.begin("deny-consent").await;
    let last = stage.answer(&id, 1, &json!({"type": "consent", "accept_all": true})).await.json();
    stage.back(&last, &cookie).await;
    let report = stage.report(&id).await;
    assert_eq!(report["verdict"], "different");
    assert!(
        report["reasons"][1].as_str().unwrap().starts_with("step 1: `/type` is \"consent\""),
        "{report:#}"
    );
    assert!(stage.page(&format!("/runs/{id}")).await.text.contains("not as expected"));
}

#[tokio::test]
async fn later_prompts_show_who_signed_in() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("first-login").await;
    let consent = stage.answer(&id, 1, &json!({"type": "auth", "sub": "bob", "amr": ["pwd"]})).await.json();
    assert_eq!(consent["consent"]["subject"]["sub"], "bob");
    assert_eq!(consent["session"]["sub"], "bob");
    assert_eq!(consent["session"]["amr"], json!(["pwd"]));
    let last = stage.answer(&id, 2, &json!({"type": "consent", "grant": {"scope": ["email"]}})).await.json();
    assert_eq!(last["response"]["summary"], json!({"sub": "bob", "scope": ["openid", "email"]}));
}
