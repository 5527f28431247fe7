//! The admin API: the log of decisions.

use std::time::Duration;

use placet_server::config::{PolicyConfig, PolicyMode};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering::{TOKEN, call, get, stand_with},
    harness::{Reply, Stand},
    helpers::{refresh, text},
    sidecar::{Answered, Sidecar},
};

const HOOK: &str = "grant.client_credentials";

async fn ask(stand: &Stand, client: &str) -> Reply {
    stand.post("/token", client, &[("grant_type", "client_credentials")]).await
}

/// A sidecar that refuses the client `api`.
async fn choosy() -> Sidecar {
    Sidecar::start(|request| match request["client"]["client_id"].as_str() {
        Some("api") => json!({ "decision": "deny", "error": { "code": "access_denied" },
            "reason": { "code": "not_today", "detail": "closed on Mondays" } }),
        _ => json!({ "decision": "allow" }),
    })
    .await
}

fn ids(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json["items"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect()
}

async fn replay(stand: &Stand, id: &str) -> Reply {
    call(stand, TOKEN, Method::POST, &format!("/decisions/{id}:replay"), None).await
}

#[tokio::test]
async fn decisions_are_listed_newest_first_and_found_by_what_they_were_about() {
    let sidecar = choosy().await;
    let stand =
        stand_with(|config| config.policy.push(sidecar.policy("tiers", &[HOOK, "grant.refresh_token"])))
            .await;
    for client in ["service", "api", "service"] {
        ask(&stand, client).await;
    }
    let token = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
    refresh(&stand, "web", &token).await;
    let all = get(&stand, "/decisions").await;
    let shown: Vec<Value> = all.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| json!([d["type"], d["client_id"], d["sub"], d["outcome"], d["policies"][0]["reason"]]))
        .collect();
    assert_eq!(
        shown,
        [
            json!(["grant.refresh_token", "web", "alice", "allow", null]),
            json!([HOOK, "service", "service", "allow", null]),
            json!([HOOK, "api", "api", "deny", "not_today"]),
            json!([HOOK, "service", "service", "allow", null]),
        ]
    );
    let all = ids(&all);
    let trace = text(&get(&stand, &format!("/decisions/{}", all[2])).await.json["record"]["trace_id"]);
    for (query, expected) in [
        ("type=grant.refresh_token", vec![0]),
        ("outcome=deny", vec![2]),
        ("client_id=service", vec![1, 3]),
        ("client_id=service&outcome=deny", vec![]),
        ("sub=alice", vec![0]),
        ("sub=bob", vec![]),
        ("policy=tiers", vec![0, 1, 2, 3]),
        ("policy=other", vec![]),
        ("limit=2", vec![0, 1]),
        (&format!("trace_id={trace}"), vec![2]),
    ] {
        let found = ids(&get(&stand, &format!("/decisions?{query}")).await);
        let expected: Vec<String> = expected.into_iter().map(|at: usize| all[at].clone()).collect();
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_is_refused_and_never_ignored() {
    let sidecar = choosy().await;
    let stand = stand_with(|config| config.policy.push(sidecar.policy("tiers", &[HOOK]))).await;
    ask(&stand, "service").await;
    for (query, named) in [
        ("type=grant.magic", "grant.magic"),
        ("outcome=maybe", "maybe"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("cursor=dec_x", "cursor"),
        ("cursor=-1", "cursor"),
        ("subject=alice", "subject"),
        ("outcome=allow&outcome=deny", "outcome"),
    ] {
        let reply = get(&stand, &format!("/decisions?{query}")).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{query}");
        assert!(reply.json["detail"].as_str().unwrap().contains(named), "{query}: {}", reply.text);
    }
}

#[tokio::test]
async fn pages_go_on_where_the_last_one_ended_though_records_come_and_go_meanwhile() {
    let sidecar = choosy().await;
    let stand = stand_with(|config| {
        config.decision_log.keep = 6;
        config.policy.push(sidecar.policy("tiers", &[HOOK]));
    })
    .await;
    for _ in 0..6 {
        ask(&stand, "service").await;
    }
    let all = ids(&get(&stand, "/decisions").await);
    let page = get(&stand, "/decisions?limit=2").await;
    assert_eq!(ids(&page), all[..2]);
    let cursor = text(&page.json["next_cursor"]);
    ask(&stand, "service").await;
    let next = get(&stand, &format!("/decisions?limit=2&cursor={cursor}")).await;
    assert_eq!(ids(&next), all[2..4]);
    let cursor = text(&next.json["next_cursor"]);
    for _ in 0..6 {
        ask(&stand, "service").await;
    }
    let last = get(&stand, &format!("/decisions?limit=2&cursor={cursor}")).await;
    assert!(ids(&last).is_empty(), "what came after is not shown as if it were older");
    assert!(last.json["next_cursor"].is_null());
    let exact = get(&stand, "/decisions?limit=6").await;
    assert_eq!((ids(&exact).len(), &exact.json["next_cursor"]), (6, &Value::Null), "there is no empty page");
}

#[tokio::test]
async fn a_page_that_ends_between_a_decision_and_its_shadow_loses_neither() {
    let (now, next) = (choosy().await, choosy().await);
    let stand = stand_with(|config| {
        config.policy.push(now.policy("now", &[HOOK]));
        config.policy.push(PolicyConfig { mode: PolicyMode::Shadow, ..next.policy("next", &[HOOK]) });
    })
    .await;
    for count in [2, 4] {
        ask(&stand, "service").await;
        for _ in 0..200 {
            if ids(&get(&stand, "/decisions").await).len() == count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let all = ids(&get(&stand, "/decisions").await);
    assert_eq!(all.len(), 4);
    let (mut seen, mut query) = (Vec::new(), "/decisions?limit=1".to_owned());
    loop {
        let page = get(&stand, &query).await;
        seen.extend(ids(&page));
        match page.json["next_cursor"].as_str() {
            Some(cursor) => query = format!("/decisions?limit=1&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, all);
    let entry = get(&stand, &format!("/decisions/{}", all[0])).await.json;
    assert_eq!(entry["record"]["enforced"], true);
    assert_eq!(entry["shadow"][0]["name"], "next");
    let of_question = text(&entry["shadow"][0]["id"]);
    assert_ne!(of_question, all[0]);
    let found = get(&stand, &format!("/decisions/{of_question}")).await.json;
    assert_eq!(found["record"]["id"], entry["record"]["id"], "the id in a sidecar's log leads there too");
}

#[tokio::test]
async fn a_decision_is_shown_with_its_question_and_nothing_that_is_masked() {
    let sidecar = choosy().await;
    let stand = stand_with(|config| {
        config.policy.push(sidecar.policy("tiers", &["grant.refresh_token"]));
        config.decision_log.hash = vec!["/subject/sub".to_owned(), "/proposal/grant/sub".to_owned()];
        config.decision_log.mask = vec!["/request/remote".to_owned()];
    })
    .await;
    let token = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
    refresh(&stand, "web", &token).await;
    let listed = get(&stand, "/decisions?sub=alice").await;
    let id = &ids(&listed)[0];
    let shown = get(&stand, &format!("/decisions/{id}")).await;
    assert_eq!(shown.json["record"]["policies"][0]["name"], "tiers");
    assert_eq!(shown.json["question"]["request"]["remote"], "***");
    assert_eq!(shown.json["question"]["type"], "grant.refresh_token");
    for reply in [&listed, &shown] {
        assert!(!reply.text.contains("alice") && !reply.text.contains(&token), "{}", reply.text);
    }
    assert_eq!(shown.json["record"]["masked"][0], "/request/remote");
    let unknown = get(&stand, "/decisions/dec_unknown").await;
    assert_eq!((unknown.status, unknown.error()), (404, "not_found"));
    assert!(unknown.json["detail"].as_str().unwrap().contains("decision_log.keep"));
}

#[tokio::test]
async fn subjects_that_are_replaced_in_the_log_are_found_by_nobody() {
    let sidecar = choosy().await;
    let stand = stand_with(|config| {
        config.policy.push(sidecar.policy("tiers", &["grant.refresh_token"]));
        config.decision_log.mask = vec!["/subject/sub".to_owned()];
    })
    .await;
    let token = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
    refresh(&stand, "web", &token).await;
    assert_eq!(get(&stand, "/decisions").await.json["items"][0]["sub"], "***");
    for sub in ["alice", "bob"] {
        assert!(ids(&get(&stand, &format!("/decisions?sub={sub}")).await).is_empty(), "{sub}");
    }
}

#[tokio::test]
async fn a_replay_says_what_would_be_decided_today_and_whether_that_differs() {
    let open = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_open = open.clone();
    let sidecar = Sidecar::start(move |_| {
        if is_open.load(std::sync::atomic::Ordering::SeqCst) {
            json!({ "decision": "allow", "set": { "grant": { "scope": ["reports.read"] } } })
        } else {
            json!({ "decision": "deny", "error": { "code": "access_denied" } })
        }
    })
    .await;
    let stand = stand_with(|config| config.policy.push(sidecar.policy("tiers", &[HOOK]))).await;
    ask(&stand, "service").await;
    let id = ids(&get(&stand, "/decisions").await)[0].clone();
    let same = replay(&stand, &id).await;
    assert_eq!(same.status, 200, "{}", same.text);
    assert_eq!((&same.json["differs"], &same.json["record"]["id"]), (&json!(false), &json!(id)));
    assert_eq!(same.json["simulation"]["proposal"]["grant"]["scope"], json!(["reports.read"]));
    open.store(false, std::sync::atomic::Ordering::SeqCst);
    let other = replay(&stand, &id).await;
    assert_eq!(
        (&other.json["differs"], &other.json["simulation"]["outcome"]),
        (&json!(true), &json!("deny"))
    );
    assert_eq!(other.json["record"]["outcome"], "allow");
    let [first, again, _] = &sidecar.requests()[..] else { panic!("asked three times") };
    assert_eq!((&first["mode"], &again["mode"]), (&json!("enforce"), &json!("test")));
    for member in ["client", "grant", "proposal", "limits", "client_credentials", "request"] {
        assert_eq!(first[member], again[member], "{member}");
    }
    assert_eq!(ids(&get(&stand, "/decisions").await), [id], "a replay is no decision");
}

#[tokio::test]
async fn what_cannot_be_asked_again_is_refused() {
    let sidecar = choosy().await;
    let stand = stand_with(|config| {
        config.policy.push(sidecar.policy("tiers", &[HOOK]));
        config.policy.push(sidecar.policy("other", &["grant.refresh_token"]));
        config.policy.push(sidecar.policy("registrar", &["client.register"]));
        config.decision_log.mask = vec!["/refresh_token".to_owned()];
    })
    .await;
    let refused = async |id: &str, status: u16, code: &str| {
        let body = json!({ "decision_id": id });
        let simulated = call(&stand, TOKEN, Method::POST, "/policies:simulate", Some(&body)).await;
        for reply in [replay(&stand, id).await, simulated] {
            assert_eq!((reply.status, reply.error()), (status, code), "{}", reply.text);
        }
    };
    refused("dec_unknown", 404, "not_found").await;

    ask(&stand, "service").await;
    let id = ids(&get(&stand, "/decisions").await)[0].clone();
    let off = json!({ "mode": "off" });
    assert_eq!(call(&stand, TOKEN, Method::PATCH, "/policies/tiers", Some(&off)).await.status, 200);
    refused(&id, 409, "policies_gone").await;
    let shadow = json!({ "mode": "shadow" });
    assert_eq!(call(&stand, TOKEN, Method::PATCH, "/policies/tiers", Some(&shadow)).await.status, 200);
    let replayed = replay(&stand, &id).await;
    assert_eq!(replayed.json["simulation"]["policies"][0]["mode"], "shadow", "{}", replayed.text);

    let token = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
    refresh(&stand, "web", &token).await;
    let masked = ids(&get(&stand, "/decisions?type=grant.refresh_token").await)[0].clone();
    refused(&masked, 409, "question_not_kept").await;

    let long: Vec<String> = (0..40).map(|n| format!("https://client.example/{n:0>600}")).collect();
    let registration = stand.http.post(format!("{}/register", stand.issuer));
    let reply = Reply::read(registration.json(&json!({ "redirect_uris": long })).send().await.unwrap()).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let large = ids(&get(&stand, "/decisions?type=client.register").await)[0].clone();
    assert!(get(&stand, &format!("/decisions/{large}")).await.json["question"].is_null());
    refused(&large, 409, "question_not_kept").await;

    for (method, path, allow) in [
        (Method::GET, format!("/decisions/{id}:replay"), "POST"),
        (Method::POST, format!("/decisions/{id}"), "GET"),
        (Method::DELETE, format!("/decisions/{id}"), "GET"),
    ] {
        let reply = call(&stand, TOKEN, method, &path, None).await;
        assert_eq!((reply.status, reply.header("allow")), (405, allow), "{path}");
    }
}

#[tokio::test]
async fn a_failure_is_told_with_its_code() {
    let sidecar = Sidecar::answering(|_| Answered::status(500)).await;
    let stand = stand_with(|config| config.policy.push(sidecar.policy("sick", &[HOOK]))).await;
    assert_eq!(ask(&stand, "service").await.status, 503);
    let listed = get(&stand, "/decisions?outcome=failed").await;
    let policy = &listed.json["items"][0]["policies"][0];
    assert_eq!((&policy["failure"], &policy["decision"]), (&json!("http_status"), &Value::Null));
}
