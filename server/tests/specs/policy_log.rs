//! The log of decisions, and what the server counts: what stands in them, and what never does.

use std::{path::Path, time::Duration};

use placet_sdk::{
    admin::DecisionOutcome,
    decision::{HookType, PasswordSection, Proposal, RequestFacts},
};
use placet_server::{
    config::{Config, PolicyConfig},
    policy::{Decided, DecisionFilter, Question},
};
use serde_json::{Value, json};

use super::{
    deciding::ask,
    folder::Folder,
    harness::{Reply, SECRET, Stand},
    helpers::{configured, refresh, text},
    sidecar::{Answered, Sidecar},
};

const HOOK: &str = "grant.client_credentials";
/// `O_NONBLOCK` of Linux.
const NONBLOCK: i32 = 0o4000;

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).expect("each line is a record")).collect()
}

/// A stand whose decisions are allowed with a few labels, and logged to this file.
async fn logging(path: &Path, change: impl FnOnce(&mut Config)) -> (Stand, Sidecar) {
    let sidecar = Sidecar::start(|_| {
        json!({ "decision": "allow", "set": { "grant": { "access_token": { "lifetime": 120 } } },
            "reason": { "code": "ok" }, "tags": { "rule": "DEL-4" },
            "policy": { "name": "acme", "version": "2026-11-20.3" } })
    })
    .await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("acme", &[HOOK, "grant.refresh_token"]));
        config.decision_log.file = Some(path.to_owned());
        config.decision_log.required = true;
        change(config);
    })
    .await;
    (stand, sidecar)
}

#[tokio::test]
async fn every_decision_leaves_one_record_that_says_what_came_of_it() {
    let folder = Folder::new("log-records");
    let path = folder.join("decisions.jsonl");
    let (stand, sidecar) = logging(&path, |_| ()).await;
    ask(&stand).await;
    let records = lines(&path);
    let [record] = &records[..] else { panic!("{} records", records.len()) };
    assert_eq!(record["id"], sidecar.requests()[0]["id"]);
    assert_eq!(record["type"], HOOK);
    assert_eq!((&record["outcome"], &record["enforced"]), (&json!("allow"), &json!(true)));
    assert_eq!((&record["client_id"], &record["issuer"]), (&json!("service"), &json!(stand.issuer)));
    let granted = json!({ "scope": ["reports.read", "reports.write"], "lifetime": 120 });
    assert_eq!(record["granted"], granted);
    assert_eq!(record["trace_id"].as_str().unwrap().len(), 32);
    let mut part = record["policies"][0].clone();
    part.as_object_mut().unwrap().remove("latency_ms");
    assert_eq!(
        part,
        json!({
            "name": "acme", "version": "2026-11-20.3", "mode": "enforce", "decision": "allow", "reason": "ok",
            "tags": { "rule": "DEL-4" }, "cache": "off", "attempts": 1,
        })
    );
    assert!(record.get("question").is_none());
    let token = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
    refresh(&stand, "web", &token).await;
    assert_eq!(lines(&path)[1]["sub"], "alice");
    assert!(!std::fs::read_to_string(&path).unwrap().contains(&token));
}

#[tokio::test]
async fn a_required_log_that_cannot_be_written_stops_issuing_and_nothing_is_lost() {
    let folder = Folder::new("log-required");
    let path = folder.join("logs").join("decisions.jsonl");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let (stand, _) = logging(&path, |_| ()).await;
    let token = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    assert_eq!(ask(&stand).await.status, 503);
    let reply = refresh(&stand, "web", &token).await;
    assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert_eq!(refresh(&stand, "web", &token).await.status, 200, "it goes on by itself, in a new file");
    assert_eq!(lines(&path).len(), 1);
}

#[tokio::test]
async fn a_required_log_that_hangs_holds_nobody_up_for_longer_than_policies_may_take() {
    use std::os::unix::fs::OpenOptionsExt as _;
    let folder = Folder::new("log-hangs");
    let path = folder.join("decisions.jsonl");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    // Whoever opens it in both directions waits for nobody; it is filled up, and nobody reads.
    let mut pipe =
        std::fs::OpenOptions::new().read(true).write(true).custom_flags(NONBLOCK).open(&path).unwrap();
    while std::io::Write::write(&mut pipe, &[b' '; 4096]).is_ok() {}
    while std::io::Write::write(&mut pipe, b" ").is_ok() {}
    let (stand, _) = logging(&path, |config| config.policy_defaults.chain_budget_ms = 200).await;
    let asked =
        tokio::time::timeout(Duration::from_secs(20), futures_util::future::join(ask(&stand), ask(&stand)));
    let (one, other) = asked.await.expect("nobody waits for ever");
    assert_eq!((one.status, other.status), (503, 503), "{}", one.text);
    // It is read again, so that what hangs can end.
    let drained = std::thread::spawn(move || {
        let mut buffer = [0; 8_192];
        while std::io::Read::read(&mut pipe, &mut buffer).is_ok_and(|read| read > 0) {}
    });
    drained.join().unwrap();
}

#[tokio::test]
async fn a_log_that_is_not_required_drops_and_counts_what_it_cannot_write() {
    let folder = Folder::new("log-best-effort");
    let path = folder.join("logs").join("decisions.jsonl");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let (stand, _) = logging(&path, |config| config.decision_log.required = false).await;
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    assert_eq!(ask(&stand).await.status, 200);
    let mut text = String::new();
    for _ in 0..200 {
        text = stand.server.metrics().text().unwrap();
        if text.contains("placet_decision_log_dropped_total 1") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(text.contains("placet_decision_log_dropped_total 1"), "{text}");
}

#[tokio::test]
async fn a_log_that_was_moved_away_is_begun_anew() {
    let folder = Folder::new("log-moved");
    let (path, old) = (folder.join("decisions.jsonl"), folder.join("decisions.1.jsonl"));
    let (stand, _) = logging(&path, |_| ()).await;
    ask(&stand).await;
    std::fs::rename(&path, &old).unwrap();
    ask(&stand).await;
    assert_eq!((lines(&old).len(), lines(&path).len()), (1, 1));
}

#[tokio::test]
async fn what_the_operator_masks_stands_nowhere() {
    let folder = Folder::new("log-masked");
    let path = folder.join("decisions.jsonl");
    let (stand, _) = logging(&path, |config| {
        config.decision_log.questions = true;
        config.decision_log.hash = vec!["/subject/sub".to_owned(), "/proposal/grant/sub".to_owned()];
        config.decision_log.mask = vec!["/request/remote".to_owned(), "/refresh_token/data".to_owned()];
    })
    .await;
    let token = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
    refresh(&stand, "web", &token).await;
    let record = &lines(&path)[0];
    assert!(!record.to_string().contains("alice"), "{record}");
    assert!(record["sub"].as_str().unwrap().starts_with("hmac:"));
    assert_eq!(record["sub"], record["question"]["subject"]["sub"]);
    assert_eq!(record["question"]["request"]["remote"], "***");
    let masked: Vec<_> = record["masked"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    assert_eq!(masked, ["/request/remote", "/subject/sub", "/proposal/grant/sub"]);
    let kept = stand.server.policies().decisions(&DecisionFilter::default());
    let question = stand.server.policies().decision(&kept.decisions[0].id).unwrap().question;
    assert!(!question.unwrap().to_string().contains("alice"));
}

#[tokio::test]
async fn passwords_are_never_written_down() {
    let folder = Folder::new("log-password");
    let path = folder.join("decisions.jsonl");
    let sidecar =
        Sidecar::start(|_| json!({ "decision": "deny", "error": { "code": "invalid_grant" } })).await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("users", &["grant.password"]));
        config.decision_log.file = Some(path.clone());
        (config.decision_log.required, config.decision_log.questions) = (true, true);
    })
    .await;
    let mut question = Question::new(HookType::GrantPassword, None, RequestFacts::default());
    question.request.password = Some(PasswordSection {
        username: "alice".to_owned(),
        password: "correct horse battery staple".to_owned(),
        otp: Some("917253".to_owned()),
    });
    question.request.proposal = Proposal::default();
    assert!(matches!(stand.server.policies().decide(question).await, Ok(Decided::Deny(_))));
    assert_eq!(sidecar.requests()[0]["password"]["otp"], "917253");
    let text = std::fs::read_to_string(&path).unwrap();
    let kept = stand.server.policies().decisions(&DecisionFilter::default());
    let question = stand.server.policies().decision(&kept.decisions[0].id).unwrap().question;
    for written in [text, question.unwrap().to_string()] {
        assert!(!written.contains("correct horse") && !written.contains("917253"), "{written}");
        assert!(
            !written.contains("alice") && written.contains("hmac:"),
            "people type passwords there: {written}"
        );
    }
}

#[tokio::test]
async fn what_is_counted_is_told_on_the_private_listener_alone() {
    let sidecar = Sidecar::answering(|_| Answered::status(500)).await;
    let stand = Stand::with(|config| {
        config.policy.push(PolicyConfig { discovery: false, ..sidecar.policy("sick", &[HOOK]) });
    })
    .await;
    ask(&stand).await;
    let private = stand.api.trim_end_matches("/ui/v1");
    let reply = Reply::read(stand.http.get(format!("{private}/metrics")).send().await.unwrap()).await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").starts_with("application/openmetrics-text"));
    for line in [
        "placet_policy_requests_total{policy=\"sick\",type=\"grant.client_credentials\",outcome=\"failed\"} 1",
        "placet_policy_failures_total{policy=\"sick\",code=\"http_status\"} 1",
        "placet_policy_duration_seconds_count{policy=\"sick\",type=\"grant.client_credentials\"} 1",
        "placet_policy_breaker_state{policy=\"sick\"} 0",
    ] {
        assert!(reply.text.contains(line), "{line}\n{}", reply.text);
    }
    let public = Reply::read(stand.http.get(format!("{}/metrics", stand.issuer)).send().await.unwrap()).await;
    assert_eq!(public.status, 404);
}

#[tokio::test]
async fn whoever_hangs_up_while_a_policy_thinks_leaves_a_record_all_the_same() {
    for required in [false, true] {
        let folder = Folder::new(&format!("log-hang-up-{required}"));
        let path = folder.join("decisions.jsonl");
        let sidecar = Sidecar::answering(|request| {
            let denied =
                json!({ "id": request["id"], "decision": "deny", "error": { "code": "invalid_grant" } });
            Answered::json(200, &denied).after(Duration::from_millis(300))
        })
        .await;
        let stand = Stand::with(|config| {
            let mut app = configured("own-app", &json!({ "grant_types": ["password"], "scope": "openid" }));
            app.settings.first_party = true;
            config.clients.push(app);
            config.policy.push(sidecar.policy("store", &["grant.password"]));
            config.decision_log.file = Some(path.clone());
            config.decision_log.required = required;
        })
        .await;
        let guesses = (0..20).map(|n| {
            let (url, guess) = (format!("{}/token", stand.issuer), format!("guess-{n}"));
            let form = [("grant_type", "password"), ("username", "alice"), ("password", &guess)];
            let asked = stand.http.post(url).basic_auth("own-app", Some(SECRET)).form(&form).send();
            tokio::time::timeout(Duration::from_millis(100), asked)
        });
        for gone in futures_util::future::join_all(guesses).await {
            assert!(gone.is_err(), "who guesses does not wait for the answer");
        }
        stand.server.policies().settle().await;
        let asked = sidecar.requests().len();
        assert!(asked > 0, "nobody got as far as the policy");
        let records = stand
            .server
            .policies()
            .decisions(&DecisionFilter { limit: Some(200), ..DecisionFilter::default() });
        assert_eq!(records.decisions.len(), asked);
        assert!(records.decisions.iter().all(|record| record.outcome == DecisionOutcome::Deny));
        let text = stand.server.metrics().text().unwrap();
        let counted = format!(
            "placet_policy_requests_total{{policy=\"store\",type=\"grant.password\",outcome=\"deny\"}} {asked}"
        );
        assert!(text.contains(&counted), "{text}");
        for _ in 0..200 {
            if lines(&path).len() == asked {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(lines(&path).len(), asked);
    }
}
