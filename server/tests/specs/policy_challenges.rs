//! Challenges, `docs/protocol.md`: what a policy may ask of a user, and when it is asked again.

use serde_json::{Value, json};

use super::{
    harness::{Browser, auth, claims},
    helpers::text,
    policy_stage::{allow, challenge, deny, everything, prompt, reply, rows, scripted, set, stand},
    sidecar::Sidecar,
};

const HOOK: [&str; 1] = ["interaction.evaluate"];

fn page(name: &str) -> Value {
    let params = json!({ "version": "2026-10" });
    challenge(&json!({ "kind": "prompt", "name": name, "params": params, "message": "Please read this" }))
}

#[tokio::test]
async fn a_step_up_asks_the_same_user_for_more() {
    let step_up = json!({
        "kind": "step_up", "acr_values": ["gold"], "amr_values": ["otp"], "max_age": 0, "message": "Payments need more",
    });
    let sidecar = scripted(vec![challenge(&step_up)]).await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    stand.clock.advance(5);
    let asked = reply(&stand, &id, &auth("alice")).await.json;
    let section = &asked["auth"];
    assert_eq!((&section["reasons"], &section["attempt"]), (&json!(["policy_step_up"]), &json!(1)));
    assert_eq!(section["account"], json!({ "mode": "fixed", "sub": "alice" }));
    assert_eq!(section["acr"], json!({ "values": ["gold"], "essential": true }));
    assert_eq!((&section["amr"], &section["max_age"]), (&json!({ "values": ["otp"] }), &json!(0)));
    assert_eq!(section["message"], "Payments need more");
    assert_eq!(section["not_before"], placet_sdk::Instant(stand.now()).to_string());

    let mut strong = auth("alice");
    (strong["acr"], strong["amr"]) = (json!("gold"), json!(["pwd", "otp"]));
    let (mut weak, mut stale, mut other) = (strong.clone(), strong.clone(), strong.clone());
    weak["amr"] = json!(["pwd"]);
    stale["authenticated_at"] = json!(placet_sdk::Instant(stand.now() - 1).to_string());
    other["sub"] = json!("bob");
    for (short, reason) in [
        (auth("alice"), "acr_insufficient"),
        (weak, "amr_insufficient"),
        (stale, "policy_step_up"),
        (other, "subject_mismatch"),
    ] {
        let again = reply(&stand, &id, &short).await.json;
        let reasons = again["auth"]["reasons"].as_array().unwrap();
        assert!(reasons.contains(&json!("answer_insufficient")), "{again}");
        assert!(reasons.contains(&json!(reason)), "{reason}: {again}");
    }
    assert_eq!(sidecar.requests().len(), 1);
    assert_eq!(reply(&stand, &id, &strong).await.json["type"], "consent");
    let again = &sidecar.requests()[1];
    assert_eq!(again["interaction"]["challenges"], 1);
    assert_eq!(
        (&again["session"]["acr"], &again["session"]["amr"]),
        (&json!("gold"), &json!(["pwd", "otp"]))
    );
    let params = stand.finish(&mut browser, &id, "alice").await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    assert_eq!(claims(&text(&tokens["id_token"]))["acr"], "gold");
}

#[tokio::test]
async fn a_session_that_is_too_weak_is_stepped_up() {
    let sidecar = Sidecar::start(|request| {
        let weak = request["session"]["acr"] != "gold" && request["request"]["endpoint"] == "authorize";
        if weak { challenge(&json!({ "kind": "step_up", "acr_values": ["gold"] })) } else { allow() }
    })
    .await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    let asked = prompt(&stand, &id).await;
    assert_eq!(asked["auth"]["reasons"], json!(["policy_step_up", "acr_insufficient"]));
    assert_eq!(asked["auth"]["account"], json!({ "mode": "fixed", "sub": "alice" }));
    let mut strong = auth("alice");
    strong["acr"] = json!("gold");
    strong["session"]["action"] = json!("reuse");
    strong["session"]["id"] = asked["session"]["id"].clone();
    let done = reply(&stand, &id, &strong).await.json;
    assert_eq!(done["type"], "response", "her consent is remembered: {done}");
    stand.finish(&mut browser, &id, "alice").await;
    assert!(browser.authorize(&stand, "web", &[]).await.params().contains_key("code"));
    assert_eq!(rows(&stand, "alice").await.0, 1);
}

#[tokio::test]
async fn without_pages_a_challenge_is_the_error_that_says_what_is_needed() {
    for (demanded, error) in [
        (json!({ "kind": "step_up", "acr_values": ["gold"] }), "login_required"),
        (json!({ "kind": "consent" }), "consent_required"),
        (json!({ "kind": "select_account" }), "account_selection_required"),
        (json!({ "kind": "prompt", "name": "terms" }), "interaction_required"),
    ] {
        let sidecar = scripted(vec![allow(), challenge(&demanded)]).await;
        let stand = stand(&sidecar, &HOOK).await;
        let mut browser = Browser::new();
        stand.sign_in(&mut browser, "web", &[]).await;
        let before = rows(&stand, "alice").await;
        let params = browser.authorize(&stand, "web", &[("prompt", "none")]).await.params();
        assert_eq!(params["error"], error, "{demanded}");
        assert_eq!(rows(&stand, "alice").await, before);
    }
}

#[tokio::test]
async fn a_policy_has_the_user_consent_again() {
    let demanded = json!({ "kind": "consent", "scope": ["email"], "message": "The terms have changed" });
    let ask = set(&json!({ "consent": { "ask": true } }));
    for (decision, message, status) in
        [(challenge(&demanded), json!("The terms have changed"), "new"), (ask, Value::Null, "granted")]
    {
        let again = decision.clone();
        let sidecar = Sidecar::start(move |request| {
            let first =
                request["proposal"]["consent"]["ask"] == true || request["interaction"]["challenges"] == 1;
            if first { allow() } else { again.clone() }
        })
        .await;
        let stand = stand(&sidecar, &HOOK).await;
        let mut browser = Browser::new();
        stand.sign_in(&mut browser, "web", &[]).await;
        let id = browser.authorize(&stand, "web", &[]).await.interaction();
        let asked = prompt(&stand, &id).await;
        assert_eq!((&asked["type"], &asked["consent"]["reasons"]), (&json!("consent"), &json!(["policy"])));
        assert_eq!(asked["consent"]["message"], message);
        let scope = asked["consent"]["scope"].as_array().unwrap();
        let of = |value: &str| &scope.iter().find(|item| item["value"] == value).unwrap()["status"];
        assert_eq!((of("openid"), of("email")), (&json!("granted"), &json!(status)));
        assert!(stand.finish(&mut browser, &id, "alice").await.contains_key("code"));
        // A client that asks nobody is no exception.
        let implicit = browser.authorize(&stand, "own", &[]).await.interaction();
        assert_eq!(prompt(&stand, &implicit).await["consent"]["reasons"], json!(["policy"]));
    }
}

#[tokio::test]
async fn another_account_inherits_no_result_and_no_consent() {
    let sidecar = Sidecar::start(|request| {
        let results = request["interaction"].get("results");
        match (
            request["interaction"]["challenges"].as_u64().unwrap(),
            request["subject"]["sub"].as_str().unwrap(),
        ) {
            (0, _) => page("terms"),
            (1, _) => {
                assert_eq!(results.unwrap()["terms"]["accepted"], true);
                challenge(&json!({ "kind": "select_account", "message": "Which one?" }))
            }
            (_, sub) => {
                assert!(results.is_none(), "{sub} gave no result: {results:?}");
                allow()
            }
        }
    })
    .await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    assert_eq!(reply(&stand, &id, &auth("alice")).await.json["type"], "custom");
    let accepted = json!({ "type": "custom", "name": "terms", "result": { "accepted": true } });
    let select = reply(&stand, &id, &accepted).await.json;
    assert_eq!(select["auth"]["reasons"], json!(["no_session", "prompt_select_account"]));
    assert_eq!(select["auth"]["message"], "Which one?");
    assert_eq!(select["auth"]["account"], json!({ "mode": "any" }));
    let consent = reply(&stand, &id, &auth("bob")).await.json;
    assert_eq!(consent["consent"]["subject"]["sub"], "bob");
    let params = stand.finish(&mut browser, &id, "bob").await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    assert_eq!(claims(&text(&tokens["id_token"]))["sub"], "bob");
    assert_eq!(rows(&stand, "alice").await, (0, 0, 0));
}

#[tokio::test]
async fn select_account_offers_the_accounts_of_this_browser() {
    let sidecar = Sidecar::start(|request| {
        let choose =
            request["request"]["endpoint"] == "authorize" && request["interaction"]["challenges"] == 0;
        if choose { challenge(&json!({ "kind": "select_account" })) } else { allow() }
    })
    .await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    let asked = prompt(&stand, &id).await;
    assert_eq!(asked["auth"]["account"]["mode"], "select");
    let candidate = asked["auth"]["account"]["candidates"][0].clone();
    assert_eq!(candidate["sub"], "alice");
    let mut choice = auth("alice");
    choice["session"] = json!({ "action": "reuse", "id": candidate["session_id"] });
    let done = reply(&stand, &id, &choice).await.json;
    assert_eq!(done["type"], "response", "her consent is remembered: {done}");
}

#[tokio::test]
async fn the_result_of_a_page_reaches_the_policy_that_asked_for_it() {
    let sidecar =
        Sidecar::start(|request| match request["interaction"]["results"]["terms"]["accepted"].as_bool() {
            None => page("terms"),
            Some(true) => allow(),
            Some(false) => deny("access_denied"),
        })
        .await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    let asked = reply(&stand, &id, &auth("alice")).await.json;
    let section =
        json!({ "name": "terms", "params": { "version": "2026-10" }, "message": "Please read this" });
    assert_eq!((&asked["type"], &asked["custom"]), (&json!("custom"), &section));
    assert_eq!((&asked["client"]["client_id"], &asked["step"]), (&json!("web"), &json!(2)));
    assert_eq!(prompt(&stand, &id).await, asked, "it can be read again");

    let result = |name: &str, result: &Value| json!({ "type": "custom", "name": name, "result": result });
    let yes = result("terms", &json!({ "accepted": true }));
    for (body, status, code) in [
        (result("other", &json!({})), 422, "invalid_answer"),
        (result("terms", &json!({ "x": "y".repeat(8192) })), 422, "invalid_answer"),
        (json!({ "type": "custom", "name": "terms" }), 422, "invalid_answer"),
        (json!({ "type": "custom", "name": "terms", "result": [] }), 422, "invalid_answer"),
        (auth("alice"), 422, "type_mismatch"),
        (everything(), 422, "type_mismatch"),
    ] {
        let refused = stand.answer(&id, 2, &body).await;
        assert_eq!((refused.status, refused.error()), (status, code), "{body}: {}", refused.text);
    }
    assert_eq!(sidecar.requests().len(), 1);
    let next = stand.answer(&id, 2, &yes).await;
    assert_eq!(next.json["type"], "consent", "{}", next.text);
    let again = &sidecar.requests()[1];
    assert_eq!(again["interaction"]["results"], json!({ "terms": { "accepted": true } }));
    // The same answer again is a repetition, another one is a conflict.
    let repeated = stand.answer(&id, 2, &yes).await;
    assert_eq!((repeated.header("placet-replayed"), &repeated.json), ("true", &next.json));
    let other = stand.answer(&id, 2, &result("terms", &json!({ "accepted": false }))).await;
    assert_eq!((other.status, other.error()), (409, "step_conflict"));
    assert!(stand.finish(&mut browser, &id, "alice").await.contains_key("code"));

    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    reply(&stand, &id, &auth("alice")).await;
    let declined = reply(&stand, &id, &result("terms", &json!({ "accepted": false }))).await.json;
    assert_eq!(declined["response"]["error"], "access_denied");
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    reply(&stand, &id, &auth("alice")).await;
    let left = reply(&stand, &id, &json!({ "type": "deny" })).await.json;
    assert_eq!(left["response"]["error"], "access_denied");
}

#[tokio::test]
async fn after_five_challenges_the_request_is_denied() {
    let sidecar = Sidecar::start(|_| page("again")).await;
    let stand = stand(&sidecar, &HOOK).await;
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let mut next = reply(&stand, &id, &auth("alice")).await.json;
    for n in 1..=5 {
        assert_eq!(next["type"], "custom", "{n}: {next}");
        let answer = json!({ "type": "custom", "name": "again", "result": { "n": n } });
        next = reply(&stand, &id, &answer).await.json;
    }
    assert_eq!(next["response"]["error"], "access_denied", "{next}");
    assert_eq!(sidecar.requests().len(), 6);
}

#[tokio::test]
async fn a_demand_that_contradicts_the_request_is_not_asked_for() {
    let sidecar = scripted(vec![challenge(&json!({ "kind": "step_up", "acr_values": ["platinum"] }))]).await;
    let stand = stand(&sidecar, &HOOK).await;
    let essential = r#"{"id_token":{"acr":{"essential":true,"values":["gold"]}}}"#;
    let id = Browser::new().authorize(&stand, "web", &[("claims", essential)]).await.interaction();
    let mut strong = auth("alice");
    strong["acr"] = json!("gold");
    let done = reply(&stand, &id, &strong).await.json;
    assert_eq!(done["response"]["error"], "unmet_authentication_requirements", "{done}");
}
