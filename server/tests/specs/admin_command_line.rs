//! The command line as a client of the admin API: the real program against a running server.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use super::{
    administering::{TOKEN, one_role, stand, stand_with, url},
    harness::Stand,
    sidecar::Sidecar,
};

async fn placet(stand: &Stand, token: &str, arguments: &[&str], input: &Value) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_placet"));
    command.args(arguments).env("PLACET_ADMIN_URL", url(stand, "").trim_end_matches("/admin/v1"));
    command
        .env("PLACET_ADMIN_TOKEN", token)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let input = input.to_string();
    let run = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        // A program that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    });
    run.await.unwrap()
}

async fn done(stand: &Stand, arguments: &[&str], input: &Value) -> String {
    let output = placet(stand, TOKEN, arguments, input).await;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn told(stand: &Stand, arguments: &[&str], input: &Value) -> Value {
    serde_json::from_str(&done(stand, arguments, input).await).unwrap()
}

#[tokio::test]
async fn clients_are_looked_after() {
    let stand = stand().await;
    let nothing = Value::Null;
    let mut write = json!({ "client_id": "mine", "metadata": { "grant_types": ["client_credentials"] } });
    let made = told(&stand, &["client", "create", "-"], &write).await;
    let secret = made["client_secret"].as_str().unwrap();
    write["metadata"]["client_name"] = json!("Mine");
    told(&stand, &["client", "update", "mine", "-"], &write).await;
    let list = done(&stand, &["client", "list"], &nothing).await;
    let line = list.lines().find(|line| line.starts_with("mine ")).unwrap();
    assert!(
        line.contains("Mine") && line.contains("client_secret_basic") && line.contains("an admin"),
        "{line}"
    );
    assert!(told(&stand, &["client", "list", "--json"], &nothing).await.is_array());
    let renewed = told(&stand, &["client", "rotate-secret", "mine"], &nothing).await;
    assert_ne!(renewed["client_secret"], secret);
    assert!(told(&stand, &["client", "show", "mine"], &nothing).await.get("client_secret").is_none());
    done(&stand, &["client", "delete", "mine"], &nothing).await;
    let gone = placet(&stand, TOKEN, &["client", "show", "mine"], &nothing).await;
    assert_eq!(gone.status.code(), Some(1));
}

#[tokio::test]
async fn a_decision_is_read_in_a_line_and_policies_are_switched_and_tried() {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow", "reason": { "code": "because" } })).await;
    let policy = sidecar.policy("tiers", &["grant.client_credentials"]);
    let stand = stand_with(|config| {
        config.policy.push(policy);
        config.decision_log.questions = true;
    })
    .await;
    let nothing = Value::Null;
    stand.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    let list =
        done(&stand, &["decisions", "list", "--policy", "tiers", "--outcome", "allow"], &nothing).await;
    let line = list.lines().nth(1).unwrap();
    for cell in ["dec_", "grant.client_credentials", "allow", "tiers", "because"] {
        assert!(line.contains(cell), "{list}");
    }
    let id = line.split_whitespace().find(|cell| cell.starts_with("dec_")).unwrap();
    assert_eq!(told(&stand, &["decisions", "show", id], &nothing).await["record"]["id"], id);
    assert_eq!(told(&stand, &["decisions", "replay", id], &nothing).await["differs"], false);
    assert_eq!(told(&stand, &["simulate", id], &nothing).await["outcome"], "allow");
    let mut question = told(&stand, &["decisions", "show", id], &nothing).await["question"].take();
    question["id"] = json!("dec_other");
    assert_eq!(told(&stand, &["simulate", "-"], &question).await["outcome"], "allow");
    let states = done(&stand, &["policies", "mode", "tiers", "off"], &nothing).await;
    assert!(states.lines().nth(1).unwrap().contains(" off "), "{states}");
    done(&stand, &["policies", "order", "tiers", "-3"], &nothing).await;
    done(&stand, &["policies", "purge", "tiers"], &nothing).await;
    assert_eq!(told(&stand, &["policies", "show", "tiers"], &nothing).await["order"], -3);
    assert!(done(&stand, &["policies", "list"], &nothing).await.contains("tiers"));
}

#[tokio::test]
async fn a_refusal_is_said_in_words_and_never_with_the_bearer() {
    let stand = stand().await;
    for (token, arguments, code) in [
        (one_role("read"), &["policies", "purge", "tiers"][..], 1),
        ("wrong".to_owned(), &["client", "list"][..], 1),
        (TOKEN.to_owned(), &["decisions", "list", "--type", "nonsense"][..], 1),
        (TOKEN.to_owned(), &["policies", "mode", "tiers", "loud"][..], 2),
        (TOKEN.to_owned(), &["client", "list", "--token-file", "absent"][..], 1),
    ] {
        let output = placet(&stand, &token, arguments, &Value::Null).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.len() > 10 && !said.contains(&token), "{arguments:?}: {said}");
    }
}
