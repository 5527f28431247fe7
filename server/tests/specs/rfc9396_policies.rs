//! RFC 9396 and policies: they may take details away and say more in members that the type marks, and nothing else.

use serde_json::{Value, json};

use super::{
    detailing::{account, code, code_for, consent, granting, payment, redeem, stand_with, types},
    harness::{Browser, Stand, auth},
    helpers::text,
    policy_stage::{allow, assert_unavailable, challenge, prompt, reply, set},
    sidecar::Sidecar,
};

fn with(mut detail: Value, name: &str, value: Value) -> Value {
    detail[name] = value;
    detail
}

fn details(details: &Value) -> Value {
    set(&json!({ "grant": { "authorization_details": details } }))
}

async fn guarded(hook: &str, decision: Value) -> (Stand, Sidecar) {
    let sidecar = Sidecar::start(move |_| decision.clone()).await;
    let policy = sidecar.policy("guard", &[hook]);
    let stand = stand_with(|config| {
        config.clients.retain(|client| client.client_id != "hybrid");
        config.policy.push(policy);
    });
    (stand.await, sidecar)
}

#[tokio::test]
async fn a_policy_is_told_of_details_and_of_what_may_become_of_them() {
    let (stand, sidecar) = guarded("interaction.evaluate", allow()).await;
    let asked = json!([payment("5"), account(&["list"])]);
    consent(&stand, &mut Browser::new(), &asked, &[]).await;
    let request = sidecar.requests().pop().unwrap();
    assert_eq!(request["grant"]["requested"]["authorization_details"], asked);
    assert_eq!(request["proposal"]["grant"]["authorization_details"], asked);
    assert_eq!(request["limits"]["grant"]["authorization_details"], asked);
    assert_eq!(
        request["limits"]["grant"]["enrichable"],
        json!({ "payment": ["/debtor"], "account": ["/accounts"] })
    );
}

#[tokio::test]
async fn a_policy_takes_details_away_before_the_user_is_asked() {
    for hook in ["authorization.request", "interaction.evaluate"] {
        let (stand, _sidecar) = guarded(hook, details(&json!([account(&["list"])]))).await;
        let mut browser = Browser::new();
        let asked = json!([payment("5"), account(&["list"])]);
        let (id, shown) = consent(&stand, &mut browser, &asked, &[]).await;
        assert_eq!(shown["authorization_details"], json!([with(account(&["list"]), "status", json!("new"))]));
        let more = reply(&stand, &id, &granting(&asked)).await;
        assert_eq!(more.status, 403, "{hook}: {}", more.text);
        let code = code(&stand, &mut browser, &id, &granting(&json!([account(&["list"])]))).await;
        let tokens = redeem(&stand, &code, &[]).await.json;
        assert_eq!(tokens["authorization_details"], json!([account(&["list"])]), "{hook}");
    }
}

#[tokio::test]
async fn what_a_policy_says_in_a_marked_member_is_no_matter_of_the_login_app_any_more() {
    let chosen = with(account(&["list"]), "accounts", json!(["DE1"]));
    let (stand, _sidecar) = guarded("interaction.evaluate", details(&json!([chosen]))).await;
    let mut browser = Browser::new();
    let (id, shown) = consent(&stand, &mut browser, &json!([account(&["list"])]), &[]).await;
    assert_eq!(shown["authorization_details"][0]["accounts"], json!(["DE1"]));
    assert!(shown["authorization_details_info"][0].get("enrichable").is_none());
    let other = with(account(&["list"]), "accounts", json!(["DE2"]));
    for granted in [json!([other]), json!([account(&["list"])])] {
        assert_eq!(reply(&stand, &id, &granting(&granted)).await.status, 403, "{granted}");
    }
    let code = code(&stand, &mut browser, &id, &granting(&json!([chosen]))).await;
    assert_eq!(redeem(&stand, &code, &[]).await.json["authorization_details"], json!([chosen]));
}

#[tokio::test]
async fn a_policy_that_grants_more_is_a_failure_and_never_obeyed() {
    for set in [
        json!([payment("6")]),
        json!([payment("5"), payment("5")]),
        json!([with(payment("5"), "creditor", json!("Mallory"))]),
        json!([account(&["list"])]),
        // In a marked member, and against the type.
        json!([with(payment("5"), "debtor", json!({ "iban": 1 }))]),
        json!(null),
    ] {
        for hook in ["interaction.evaluate", "interaction.approve"] {
            let (stand, _sidecar) = guarded(hook, details(&set)).await;
            let mut browser = Browser::new();
            let asked = json!([payment("5")]).to_string();
            let request = browser.authorize(&stand, "web", &[("authorization_details", &asked)]).await;
            let id = request.interaction();
            let mut answered = reply(&stand, &id, &auth("alice")).await;
            if hook == "interaction.approve" {
                assert_eq!(answered.json["type"], "consent", "{}", answered.text);
                answered = reply(&stand, &id, &granting(&json!([payment("5")]))).await;
            }
            assert_unavailable(&answered);
        }
    }
}

#[tokio::test]
async fn what_the_user_chose_is_fixed_for_a_policy_that_approves() {
    let chosen = with(payment("5"), "debtor", json!({ "iban": "DE1" }));
    for (decided, allowed) in [
        (json!([chosen]), true),
        (json!([]), true),
        (json!([with(payment("5"), "debtor", json!({ "iban": "DE2" }))]), false),
        (json!([payment("5")]), false),
    ] {
        let (stand, _sidecar) = guarded("interaction.approve", details(&decided)).await;
        let mut browser = Browser::new();
        let (id, _) = consent(&stand, &mut browser, &json!([payment("5")]), &[]).await;
        if allowed {
            let code = code(&stand, &mut browser, &id, &granting(&json!([chosen]))).await;
            assert_eq!(redeem(&stand, &code, &[]).await.json["authorization_details"], decided);
        } else {
            assert_unavailable(&reply(&stand, &id, &granting(&json!([chosen]))).await);
        }
    }
}

#[tokio::test]
async fn an_approval_may_say_what_the_user_left_open() {
    let chosen = with(payment("5"), "debtor", json!({ "iban": "DE1" }));
    let (stand, _sidecar) = guarded("interaction.approve", details(&json!([chosen]))).await;
    let code = code_for(&stand, &json!([payment("5")]), &[]).await;
    assert_eq!(redeem(&stand, &code, &[]).await.json["authorization_details"], json!([chosen]));
}

#[tokio::test]
async fn of_several_policies_the_first_word_counts() {
    let first = with(account(&["list"]), "accounts", json!(["DE1"]));
    let second = with(account(&["list"]), "accounts", json!(["DE2"]));
    let of = |decided: &Value| {
        let decision = details(&json!([decided]));
        Sidecar::start(move |_| decision.clone())
    };
    let (one, other) = (of(&first).await, of(&second).await);
    let stand = Stand::with(|config| {
        types(config);
        config.policy.push(one.policy("one", &["interaction.evaluate"]));
        config.policy.push(other.policy("other", &["interaction.evaluate"]));
    })
    .await;
    let asked = json!([account(&["list"])]).to_string();
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[("authorization_details", &asked)]).await.interaction();
    assert_unavailable(&reply(&stand, &id, &auth("alice")).await);
    let told = &other.requests()[0]["limits"]["grant"];
    assert_eq!(told["authorization_details"], json!([first]));
    assert_eq!(told["enrichable"], json!({ "payment": ["/debtor"] }));
}

#[tokio::test]
async fn after_the_consent_details_only_become_fewer() {
    for (hook, decided, status) in [
        ("grant.authorization_code", json!([]), 200),
        ("grant.authorization_code", json!([with(payment("5"), "debtor", json!({ "iban": "DE1" }))]), 503),
    ] {
        let (stand, _sidecar) = guarded(hook, details(&decided)).await;
        let code = code_for(&stand, &json!([payment("5")]), &[]).await;
        let reply = redeem(&stand, &code, &[]).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        if status == 200 {
            assert_eq!(reply.json["authorization_details"], decided);
        }
    }
}

#[tokio::test]
async fn a_policy_may_say_more_of_what_a_client_asks_for_itself() {
    let enriched = with(account(&["list"]), "accounts", json!(["DE1"]));
    let (stand, _sidecar) = guarded("grant.client_credentials", details(&json!([enriched]))).await;
    let asked = json!([account(&["list"])]).to_string();
    let form = [("grant_type", "client_credentials"), ("authorization_details", asked.as_str())];
    let reply = stand.post("/token", "service", &form).await;
    assert_eq!(reply.json["authorization_details"], json!([enriched]), "{}", reply.text);
}

/// As `sample-policies/typescript/step-up-by-amount` does it.
#[tokio::test]
async fn a_large_payment_needs_a_strong_sign_in() {
    let sidecar = Sidecar::start(|request| {
        let details =
            request["proposal"]["grant"]["authorization_details"].as_array().cloned().unwrap_or_default();
        let amount = |detail: &Value| detail["amount"]["value"].as_str()?.parse::<f64>().ok();
        let total: f64 = details.iter().filter_map(amount).sum();
        if total <= 100.0 || request["session"]["acr"] == "urn:example:acr:mfa" {
            return allow();
        }
        challenge(&json!({ "kind": "step_up", "acr_values": ["urn:example:acr:mfa"], "max_age": 300 }))
    })
    .await;
    let policy = sidecar.policy("step-up", &["interaction.evaluate"]);
    let stand = stand_with(|config| {
        config.acr_values.push("urn:example:acr:mfa".to_owned());
        config.policy.push(policy);
    })
    .await;
    let mut browser = Browser::new();
    code_in(&stand, &mut browser, &json!([payment("40")])).await;
    let asked = json!([payment("60"), payment("40.01")]).to_string();
    let id = browser.authorize(&stand, "web", &[("authorization_details", &asked)]).await.interaction();
    let demanded = prompt(&stand, &id).await;
    assert_eq!(demanded["type"], "auth", "{demanded}");
    assert!(demanded["auth"]["reasons"].as_array().unwrap().contains(&json!("policy_step_up")), "{demanded}");
    let mut strong = auth("alice");
    strong["acr"] = json!("urn:example:acr:mfa");
    reply(&stand, &id, &strong).await;
    assert_eq!(prompt(&stand, &id).await["type"], "consent");
    let code = code(&stand, &mut browser, &id, &json!({ "type": "consent", "accept_all": true })).await;
    let tokens = redeem(&stand, &code, &[]).await.json;
    assert_eq!(tokens["authorization_details"], json!([payment("60"), payment("40.01")]));
    assert_eq!(super::harness::claims(&text(&tokens["access_token"]))["acr"], "urn:example:acr:mfa");
}

async fn code_in(stand: &Stand, browser: &mut Browser, details: &Value) {
    let (id, _) = consent(stand, browser, details, &[]).await;
    code(stand, browser, &id, &json!({ "type": "consent", "accept_all": true })).await;
}
