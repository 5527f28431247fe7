//! The console: decisions, policies, clients, users and keys, looked at and changed.

use std::sync::atomic::Ordering;

use placet_server::config::PolicyMode;
use serde_json::json;

use super::{
    administering::{stand, stand_with},
    consoling::{Console, says},
    harness::Browser,
    policy_stage::{allow, failing, scripted},
};

const HOOK: &str = "grant.client_credentials";

#[tokio::test]
async fn a_decision_is_replayed_against_the_policies_of_today_without_any_effect() {
    let yes = json!({ "decision": "allow", "reason": { "code": "yes_of_then" } });
    let no = json!({ "decision": "deny", "error": { "code": "access_denied" }, "reason": { "code": "no_of_today" } });
    let sidecar = scripted(vec![yes, no]).await;
    let stand = stand_with(|config| config.policy.push(sidecar.policy("guard", &[HOOK]))).await;
    assert_eq!(stand.post("/token", "service", &[("grant_type", "client_credentials")]).await.status, 200);
    let mut console = Console::enter(&stand).await;
    let list =
        console.sees(&format!("/decisions?type={HOOK}&outcome=allow&policy=guard&client_id=service")).await;
    says(&list, &["/console/decisions/dec_", HOOK, "allow", "yes_of_then", "guard", "service"]);
    let id = list.split("/console/decisions/").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/decisions/{id}");
    assert_eq!(console.finds(id).await.as_deref(), Some(path.as_str()));
    says(&console.sees(&path).await, &["allow", "guard", "yes_of_then", "Replay", "Granted", "Question"]);
    let replayed = console.post(&path, &[]).await;
    assert_eq!(replayed.status, 200, "{}", replayed.text);
    says(&replayed.text, &["yes_of_then", "Other than it was decided", "access_denied", "no_of_today"]);
    let after = console.sees("/decisions").await;
    assert_eq!(after.matches("/console/decisions/dec_").count(), 1, "a replay is no decision");
    assert_eq!(console.get("/decisions?type=nothing").await.status, 400);
    says(&console.sees("/decisions?outcome=deny").await, &["No decision that is kept fits"]);
}

#[tokio::test]
async fn a_question_that_somebody_writes_is_answered_and_a_wrong_one_is_explained() {
    let sidecar = scripted(vec![
        json!({ "decision": "deny", "error": { "code": "access_denied" }, "reason": { "code": "because" } }),
    ])
    .await;
    let stand = stand_with(|config| config.policy.push(sidecar.policy("guard", &[HOOK]))).await;
    let mut console = Console::enter(&stand).await;
    let page = console.sees("/simulate").await;
    let example = page.split("</textarea>").next().unwrap().rsplit("required>").next().unwrap();
    let example = example.replace("&#34;", "\"").replace("&quot;", "\"");
    let asked = console.post("/simulate", &[("question", &example)]).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    says(&asked.text, &["deny", "access_denied", "guard", "because"]);
    let misspelt = example.replace("\"proposal\"", "\"prpsal\": 1, \"proposal\"");
    for (wrong, why) in [
        ("{", "cannot be asked"),
        ("[]", "cannot be asked"),
        ("{\"type\": \"x\"}", "cannot be asked"),
        (misspelt.as_str(), "/request/prpsal"),
    ] {
        let refused = console.post("/simulate", &[("question", wrong)]).await;
        assert!((400..500).contains(&refused.status), "{wrong}: {}", refused.status);
        says(&refused.text, &[why, "textarea"]);
    }
}

#[tokio::test]
async fn a_policy_is_shown_with_its_breaker_and_its_failure_and_its_mode_is_changed_and_recorded() {
    let (sidecar, fails) = failing(|_| allow()).await;
    fails.store(true, Ordering::SeqCst);
    let stand = stand_with(|config| {
        config.policy.push(sidecar.policy("guard", &[HOOK]));
        config.policy.push(super::sidecar::policy("other", &["grant.refresh_token"], "http://127.0.0.1:9"));
    })
    .await;
    for _ in 0..5 {
        assert_eq!(
            stand.post("/token", "service", &[("grant_type", "client_credentials")]).await.status,
            503
        );
    }
    let mut console = Console::enter(&stand).await;
    says(
        &console.sees("/policies").await,
        &["guard", "enforce", "breaker open", HOOK, "http://127.0.0.1:", "tag bad"],
    );
    let changed = console.post("/policies", &[("name", "other"), ("mode", "shadow")]).await;
    assert_eq!(changed.header("location"), "/console/policies?done=mode", "{}", changed.text);
    says(
        &console.sees("/policies?done=mode").await,
        &["is changed", "other", "shadow", "changed since the start"],
    );
    assert_eq!(stand.server.policies().policy("other").unwrap().mode, PolicyMode::Shadow);
    let purged = console.post("/policies", &[("name", "guard"), ("action", "purge")]).await;
    assert_eq!(purged.header("location"), "/console/policies?done=purged");
    for (event, policy) in [("policy.changed", "other"), ("policy.cache_purged", "guard")] {
        let recorded = stand.events(event);
        assert_eq!(recorded.len(), 1, "{event}");
        assert_eq!((recorded[0].0.as_str(), &recorded[0].1["by"]), (policy, &json!("admin:root")));
    }
    for form in [
        &[("name", "none"), ("mode", "off")][..],
        &[("name", "guard"), ("mode", "loud")],
        &[("name", "guard")],
        &[],
    ] {
        let refused = console.post("/policies", form).await;
        assert!([400, 404].contains(&refused.status), "{form:?}: {}", refused.status);
    }
}

#[tokio::test]
async fn sessions_and_authorizations_of_a_user_are_found_by_any_id_and_ended() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[]).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let access = tokens["access_token"].as_str().unwrap();
    let mut console = Console::enter(&stand).await;
    let html = console.sees("/people?sub=alice").await;
    let id = |prefix: &str| {
        let at = html.find(&format!("<code>{prefix}")).unwrap() + 6;
        html[at..].split('<').next().unwrap().to_owned()
    };
    let (session, authorization) = (id("ses_"), id("az_"));
    says(
        &html,
        &[
            "Sessions",
            &session,
            "urn:placet:acr:pwd, pwd",
            "Authorizations",
            &authorization,
            "web",
            "openid email",
        ],
    );
    assert_eq!(console.finds(&session).await.as_deref(), Some("/people?sub=alice"));
    assert_eq!(console.finds("alice").await.as_deref(), Some("/people?sub=alice"));
    assert_eq!(console.finds("web").await.as_deref(), Some("/client?id=web"));
    assert_eq!(console.finds("nobody").await, None);
    assert!(stand.is_active("web", access).await);
    let revoked = console.post("/people", &[("sub", "alice"), ("authorization", &authorization)]).await;
    assert_eq!(
        revoked.header("location"),
        "/console/people?sub=alice&done=authorization-revoked",
        "{}",
        revoked.text
    );
    assert!(!stand.is_active("web", access).await);
    let ended = console.post("/people", &[("sub", "alice"), ("session", &session)]).await;
    assert_eq!(ended.header("location"), "/console/people?sub=alice&done=session-ended", "{}", ended.text);
    for (event, about) in [("authorization.revoked", &authorization), ("session.ended", &session)] {
        let recorded: Vec<_> =
            stand.events(event).into_iter().filter(|(_, data)| data["by"] == "admin:root").collect();
        assert_eq!((recorded.len(), &recorded[0].0), (1, about), "{event}");
    }
    says(
        &console.sees("/people?sub=alice").await,
        &["signed in nowhere", "granted nothing that still lives"],
    );
    assert_eq!(console.post("/people", &[("sub", "alice"), ("session", &session)]).await.status, 404);
    assert_eq!(console.get("/people?sub=%00").await.status, 400);
}

#[tokio::test]
async fn clients_are_listed_page_by_page_and_shown_with_all_that_they_registered() {
    let stand = stand().await;
    let mut console = Console::enter(&stand).await;
    for n in 0..51 {
        let mut client = (*stand.server.client("web").await.unwrap().unwrap()).clone();
        client.id = format!("https://client.example/?n={n:03}");
        assert!(stand.server.store().insert_client(client.to_record().unwrap(), Vec::new()).await.unwrap());
    }
    let first = console.sees("/clients").await;
    says(&first, &["web", "More clients"]);
    assert!(!first.contains("n=050"));
    let next = first.split("class=\"pages\"><a href=\"/console").nth(1).unwrap().split('"').next().unwrap();
    says(&console.sees(&next.replace("&#38;", "&").replace("&amp;", "&")).await, &["n=050"]);
    let shown = console.sees("/client?id=https%3A%2F%2Fclient.example%2F%3Fn%3D007").await;
    says(&shown, &["https://client.example/?n=007", "redirect_uris", "https://client.example/callback"]);
    assert_eq!(console.get("/client?id=none").await.status, 404);
}

#[tokio::test]
async fn keys_are_shown_and_their_successors_staged_and_recorded() {
    let stand = stand().await;
    let mut console = Console::enter(&stand).await;
    says(&console.sees("/keys").await, &["Stage a successor", "RS256", "signing"]);
    let before = stand.events("key.rotated").len();
    assert_eq!(console.post("/keys", &[]).await.header("location"), "/console/keys?done=rotated");
    says(&console.sees("/keys?done=rotated").await, &["are staged", "staged"]);
    let recorded = stand.events("key.rotated");
    assert!(recorded.len() > before);
    assert_eq!(recorded.last().unwrap().1["by"], "admin:root");
}
