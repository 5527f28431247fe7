//! The rules of the interaction API: what a server refuses, the mock refuses in the same way.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::stage::{Stage, settings, valid};

#[tokio::test]
async fn only_the_bearer_of_the_app_opens_the_api() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("first-login").await;
    for token in ["", "wrong", "placet-development-ui-token-012345678"] {
        let url = format!("{}/ui/v1/interactions/{id}", stage.base);
        let refused = stage.send(stage.http.get(url).bearer_auth(token)).await;
        assert_eq!(refused.problem(), (401, "unauthorized".to_owned()));
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"placet\"");
    }
    let url = format!("{}/ui/v1/interactions/{id}", stage.base);
    assert_eq!(stage.send(stage.http.get(&url)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stage.get(&format!("/interactions/{id}")).await.status, StatusCode::OK);
    let mut other = settings(&["all"]);
    other.token = "another-token".to_owned();
    let stage = Stage::with(other).await;
    let (id, _) = stage.begin("first-login").await;
    assert_eq!(stage.get(&format!("/interactions/{id}")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_same_answer_again_gives_the_same_prompt_and_another_one_is_a_conflict() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("first-login").await;
    let answer = json!({"type": "auth", "sub": "alice"});
    let first = stage.answer(&id, 1, &answer).await;
    assert_eq!(first.header("placet-replayed"), "");
    let again = stage.answer(&id, 1, &answer).await;
    assert_eq!((again.status, again.header("placet-replayed")), (StatusCode::OK, "true"));
    assert_eq!(again.json(), first.json());
    let other = stage.answer(&id, 1, &json!({"type": "auth", "sub": "bob"})).await;
    assert_eq!(other.problem(), (409, "step_conflict".to_owned()));
    assert_eq!(
        (&other.json()["current_step"], &other.json()["current_type"]),
        (&json!(2), &json!("consent"))
    );
    assert_eq!(stage.answer(&id, 3, &answer).await.problem(), (409, "step_ahead".to_owned()));
    let consent = stage.answer(&id, 2, &json!({"type": "consent", "accept_all": true})).await;
    assert_eq!(consent.json()["type"], "response");
    let old = stage.answer(&id, 1, &answer).await;
    assert_eq!(old.json(), first.json(), "the prompt that this answer led to");
}

#[tokio::test]
async fn of_many_racing_answers_one_is_taken() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("first-login").await;
    let answers: Vec<Value> = (0..20).map(|n| json!({"type": "auth", "sub": format!("user-{n}")})).collect();
    let mut taken = 0;
    let replies = answers.iter().map(|answer| stage.answer(&id, 1, answer));
    for reply in futures_util::future::join_all(replies).await {
        match reply.status.as_u16() {
            200 => taken += 1,
            _ => assert_eq!(reply.problem(), (409, "step_conflict".to_owned())),
        }
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn the_other_tab_of_a_scenario_makes_the_answer_come_too_late() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("step-conflict").await;
    let late = stage.answer(&id, 1, &json!({"type": "auth", "sub": "alice"})).await;
    assert_eq!(late.problem(), (409, "step_conflict".to_owned()));
    let now = stage.get(&format!("/interactions/{id}")).await.json();
    assert_eq!((&now["step"], &now["consent"]["subject"]["sub"]), (&json!(2), &json!("bob")));
}

#[tokio::test]
async fn an_answer_that_is_none_is_refused_with_a_pointer_and_changes_nothing() {
    let stage = Stage::start().await;
    let cases: &[(&str, Value, &str)] = &[
        ("first-login", json!({"type": "auth"}), ""),
        ("first-login", json!({"sub": "alice"}), "/type"),
        ("first-login", json!([]), ""),
        ("first-login", json!({"type": "auth", "sub": "alice", "password": "x"}), "/password"),
        ("first-login", json!({"type": "auth", "sub": ""}), "/sub"),
        ("first-login", json!({"type": "auth", "sub": "a", "authenticated_at": 17}), "/authenticated_at"),
        (
            "first-login",
            json!({"type": "auth", "sub": "a", "authenticated_at": "2999-01-01T00:00:00Z"}),
            "/authenticated_at",
        ),
        (
            "first-login",
            json!({"type": "auth", "sub": "a", "session": {"action": "keep"}}),
            "/session/action",
        ),
        ("first-login", json!({"type": "auth", "sub": "a", "session": {"action": "reuse"}}), "/session/id"),
        ("first-login", json!({"type": "auth", "sub": "a", "session": {"id": "ses_1"}}), "/session/id"),
        (
            "max-age",
            json!({"type": "auth", "sub": "bob", "session": {"action": "reuse", "id": "ses_Zk2mJ8vQx0aLr4Tn6Yb1Cw"}}),
            "/session/id",
        ),
        (
            "first-login",
            json!({"type": "auth", "sub": "a", "session": {"data": {"x": "y".repeat(9000)}}}),
            "/session/data",
        ),
        ("first-login", json!({"type": "deny", "error_description": "a \"quote\""}), "/error_description"),
        ("consent-first", json!({"type": "consent"}), "/grant/scope"),
        (
            "consent-first",
            json!({"type": "consent", "accept_all": true, "grant": {"scope": []}}),
            "/accept_all",
        ),
        (
            "consent-first",
            json!({"type": "consent", "grant": {"scope": ["openid", "openid"]}}),
            "/grant/scope",
        ),
        (
            "consent-first",
            json!({"type": "consent", "grant": {"scope": [], "id_token": {"claims": {"sub": "x"}}}}),
            "/grant/id_token/claims/sub",
        ),
        (
            "consent-first",
            json!({"type": "consent", "grant": {"scope": [], "authentication": {}}}),
            "/grant/authentication",
        ),
        (
            "consent-first",
            json!({"type": "consent", "accept_all": true, "remember": {"mode": "for"}}),
            "/remember/lifetime",
        ),
        (
            "consent-first",
            json!({"type": "consent", "accept_all": true, "remember": {"mode": "never", "lifetime": 1}}),
            "/remember/lifetime",
        ),
        (
            "consent-offline-refused",
            json!({"type": "consent", "grant": {"scope": ["offline_access"]}}),
            "/grant/scope",
        ),
        ("custom-unknown", json!({"type": "custom", "name": "other", "result": {}}), "/name"),
        ("logout-by-user", json!({"type": "confirm", "accepted": true, "scope": "client"}), "/scope"),
    ];
    for (name, answer, pointer) in cases {
        let (id, _) = stage.begin(name).await;
        let refused = stage.answer(&id, 1, answer).await;
        assert_eq!(refused.problem(), (422, "invalid_answer".to_owned()), "{answer}");
        assert_eq!(refused.json()["errors"][0]["pointer"], *pointer, "{answer}: {}", refused.text);
        assert_eq!(stage.get(&format!("/interactions/{id}")).await.json()["step"], 1);
    }
}

#[tokio::test]
async fn json_with_a_name_twice_is_refused() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("first-login").await;
    let request = stage.request(Method::PUT, &format!("/interactions/{id}/steps/1"));
    let body = r#"{"type": "auth", "sub": "alice", "sub": "bob"}"#;
    let refused = stage.send(request.header(header::CONTENT_TYPE, "application/json").body(body)).await;
    assert_eq!(refused.json()["errors"][0]["code"], "malformed");
}

#[tokio::test]
async fn an_answer_of_another_type_is_told_the_type_of_the_prompt() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("first-login").await;
    let refused = stage.answer(&id, 1, &json!({"type": "consent", "accept_all": true})).await;
    assert_eq!(refused.problem(), (422, "type_mismatch".to_owned()));
    assert_eq!(refused.json()["current_type"], "auth");
}

#[tokio::test]
async fn more_than_is_offered_or_allowed_is_refused() {
    let stage = Stage::start().await;
    for (grant, pointer) in [
        (json!({"scope": ["openid", "admin"]}), "/grant/scope"),
        (json!({"scope": [], "sub": "bob"}), "/grant/sub"),
        (json!({"scope": [], "act": {"sub": "bob"}}), "/grant/act"),
        (json!({"scope": [], "resources": ["https://elsewhere.example"]}), "/grant/resources"),
        (json!({"scope": [], "claims": {"userinfo": ["birthdate"]}}), "/grant/claims/userinfo"),
        (
            json!({"scope": [], "authorization_details": [{"type": "payment"}]}),
            "/grant/authorization_details/0",
        ),
    ] {
        let (id, _) = stage.begin("consent-first").await;
        let refused = stage.answer(&id, 1, &json!({"type": "consent", "grant": grant})).await;
        assert_eq!(refused.problem(), (403, "capability_missing".to_owned()), "{grant}");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
    let set = json!({"type": "consent", "grant": {"scope": ["openid"], "access_token": {"lifetime": 60}}});
    let (id, _) = stage.begin("consent-first").await;
    assert_eq!(stage.answer(&id, 1, &set).await.status, StatusCode::OK);
    let mut narrow = settings(&["all"]);
    narrow.capabilities.clear();
    let stage = Stage::with(narrow).await;
    let (id, _) = stage.begin("consent-first").await;
    assert_eq!(stage.answer(&id, 1, &set).await.problem(), (403, "capability_missing".to_owned()));
    assert_eq!(stage.get("/sessions?sub=alice").await.problem(), (403, "capability_missing".to_owned()));
}

#[tokio::test]
async fn what_is_over_is_410_and_what_never_was_is_404() {
    let stage = Stage::start().await;
    let forged = format!("ia_{}", "A".repeat(38));
    for id in ["ia_1", &forged] {
        let refused = stage.get(&format!("/interactions/{id}")).await;
        assert_eq!(refused.problem(), (404, "interaction_not_found".to_owned()));
    }
    let (id, _) = stage.begin("not-found").await;
    assert_eq!(stage.get(&format!("/interactions/{id}")).await.status, StatusCode::NOT_FOUND);
    let (id, _) = stage.begin("expired-on-arrival").await;
    let over = stage.get(&format!("/interactions/{id}")).await;
    assert_eq!(over.problem(), (410, "interaction_expired".to_owned()));
    assert!(over.json()["restart_uri"].as_str().unwrap().ends_with("/start/expired-on-arrival"));
    assert_eq!(over.json()["client"]["name"], "Acme Books");
    let (id, cookie) = stage.begin("login-only").await;
    let last = stage.answer(&id, 1, &json!({"type": "auth", "sub": "alice"})).await.json();
    stage.back(&last, &cookie).await;
    assert_eq!(stage.get(&format!("/interactions/{id}")).await.status, StatusCode::GONE);
    let (id, _) = stage.begin("login-only").await;
    assert_eq!(stage.delete(&format!("/interactions/{id}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.get(&format!("/interactions/{id}")).await.status, StatusCode::GONE);
    assert_eq!(stage.report(&id).await["verdict"], "different");
}

#[tokio::test]
async fn refusals_come_as_often_as_the_scenario_says() {
    let stage = Stage::start().await;
    let answer = json!({"type": "auth", "sub": "alice"});
    for (name, times, status, code, wait) in [
        ("too-many-requests", 1, 429, "too_many_requests", "20"),
        ("policy-unavailable", 2, 503, "policy_unavailable", "2"),
        ("invalid-answer", 1, 422, "invalid_answer", ""),
    ] {
        let (id, _) = stage.begin(name).await;
        for _ in 0..times {
            let refused = stage.answer(&id, 1, &answer).await;
            assert_eq!(refused.problem(), (status, code.to_owned()));
            assert_eq!(refused.header("retry-after"), wait);
        }
        assert_eq!(stage.answer(&id, 1, &answer).await.status, StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn scratch_state_is_kept_shown_and_bounded() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("first-login").await;
    let path = format!("/interactions/{id}/data");
    assert_eq!(stage.get(&path).await.json(), json!({}));
    assert_eq!(stage.put(&path, &json!({"tries": 1})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.get(&path).await.json(), json!({"tries": 1}));
    assert_eq!(stage.get(&format!("/interactions/{id}")).await.json()["data"], json!({"tries": 1}));
    let next = stage.answer(&id, 1, &json!({"type": "auth", "sub": "alice"})).await.json();
    assert_eq!(next["data"], json!({"tries": 1}));
    let large = json!({"x": "y".repeat(8 * 1024)});
    assert_eq!(stage.put(&path, &large).await.problem(), (413, "payload_too_large".to_owned()));
    stage.answer(&id, 2, &json!({"type": "consent", "accept_all": true})).await;
    assert_eq!(stage.put(&path, &json!({})).await.problem(), (409, "step_conflict".to_owned()));
}

#[tokio::test]
async fn bodies_have_a_type_and_a_size_and_resources_their_methods() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("first-login").await;
    let path = format!("/interactions/{id}/steps/1");
    let form = stage.request(Method::PUT, &path).form(&[("type", "auth")]);
    assert_eq!(stage.send(form).await.problem(), (415, "unsupported_media_type".to_owned()));
    let huge = json!({"type": "auth", "sub": "x".repeat(200 * 1024)});
    assert_eq!(stage.put(&path, &huge).await.problem(), (413, "payload_too_large".to_owned()));
    let posted = stage.post(&path, &json!({})).await;
    assert_eq!(posted.problem(), (405, "method_not_allowed".to_owned()));
    assert_eq!(posted.header("allow"), "PUT");
    assert_eq!(stage.get("/nothing").await.problem(), (404, "not_found".to_owned()));
    assert_eq!(stage.get("/openapi.json").await.json()["openapi"], "3.1.0");
}

#[tokio::test]
async fn account_pages_have_something_to_show_and_to_end() {
    let stage = Stage::start().await;
    for (path, schema) in
        [("authorizations", "authorization-list"), ("sessions", "session-list"), ("consents", "consent-list")]
    {
        let list = stage.get(&format!("/{path}?sub=alice")).await.json();
        valid(schema, &list);
        assert!(list["items"].as_array().unwrap().len() >= 2, "{path}");
        assert_eq!(stage.get(&format!("/{path}?sub=nobody")).await.json()["items"], json!([]));
        assert_eq!(stage.get(&format!("/{path}")).await.problem(), (400, "invalid_request".to_owned()));
        let id = list["items"][0]["id"].as_str().unwrap();
        if path == "sessions" {
            valid("session", &stage.get(&format!("/sessions/{id}")).await.json());
        }
        assert_eq!(stage.delete(&format!("/{path}/{id}")).await.status, StatusCode::NO_CONTENT);
        assert_eq!(stage.delete(&format!("/{path}/{id}")).await.problem(), (404, "not_found".to_owned()));
    }
    let report = json!({"type": "account.disabled", "sub": "bob"});
    assert_eq!(stage.post("/reports", &report).await.status, StatusCode::ACCEPTED);
    assert_eq!(stage.get("/sessions?sub=bob").await.json()["items"], json!([]));
    let grant = json!({"client_id": "books-web", "sub": "alice", "grant": {"scope": ["openid"]}});
    assert_eq!(stage.post("/grants", &grant).await.problem(), (403, "capability_missing".to_owned()));
    let mut broker = settings(&["all"]);
    broker.capabilities.push("direct_grant".to_owned());
    valid("direct-grant-tokens", &Stage::with(broker).await.post("/grants", &grant).await.json());
}

#[tokio::test]
async fn an_app_finds_the_work_that_waits_for_it() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("ciba-approve").await;
    let list = stage.get("/interactions?kind=ciba&sub=alice&state=open").await.json();
    valid("prompt-list", &list);
    assert_eq!(list["items"][0]["id"], id);
    assert_eq!(stage.get("/interactions?kind=ciba&sub=bob").await.json()["items"], json!([]));
    assert_eq!(
        stage.get("/interactions?kind=authorization").await.problem(),
        (400, "invalid_request".to_owned())
    );
    stage.answer(&id, 1, &json!({"type": "deny"})).await;
    assert_eq!(stage.get("/interactions?kind=ciba").await.json()["items"], json!([]));
}
