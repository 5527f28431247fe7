//! The command line as a client of the admin API: the real program against a running server.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use placet_server::store::embedded::Embedded;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering::{TOKEN, one_role, stand, stand_with, url},
    folder::Folder,
    harness::{HEADLESS, Stand},
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
async fn what_a_user_has_is_seen_in_lines_and_ended() {
    let stand = stand().await;
    let nothing = Value::Null;
    stand.tokens("web", "openid offline_access").await;
    let list = done(&stand, &["sessions", "list", "alice"], &nothing).await;
    let session = list.lines().nth(1).unwrap().split_whitespace().next().unwrap();
    assert!(session.starts_with("ses_") && list.contains("urn:placet:acr:pwd"), "{list}");
    let list = done(&stand, &["authorizations", "list", "alice"], &nothing).await;
    let line = list.lines().nth(1).unwrap();
    assert!(line.contains(" web ") && line.contains("openid") && line.contains("offline_access"), "{list}");
    let authorization = line.split_whitespace().next().unwrap();

    assert_eq!(told(&stand, &["sessions", "show", session], &nothing).await["sub"], "alice");
    assert_eq!(told(&stand, &["authorizations", "show", authorization], &nothing).await["client_id"], "web");
    done(&stand, &["sessions", "end", session], &nothing).await;
    done(&stand, &["authorizations", "revoke", authorization], &nothing).await;
    for what in ["sessions", "authorizations"] {
        let left = told(&stand, &[what, "list", "alice", "--json"], &nothing).await;
        assert_eq!(left, json!([]), "{what}");
    }
    let gone = placet(&stand, TOKEN, &["sessions", "end", session], &nothing).await;
    assert_eq!(gone.status.code(), Some(1));
}

#[tokio::test]
async fn a_list_is_printed_whole_however_many_pages_it_has() {
    let stand = stand().await;
    let grant = json!({ "client_id": "web", "sub": "alice", "grant": { "scope": ["openid"] } });
    for _ in 0..51 {
        assert_eq!(stand.call(HEADLESS, Method::POST, "/grants", Some(&grant)).await.status, 200);
    }
    let all = told(&stand, &["authorizations", "list", "alice", "--json"], &Value::Null).await;
    assert_eq!(all.as_array().unwrap().len(), 51);
    let lines = done(&stand, &["authorizations", "list", "alice"], &Value::Null).await;
    assert_eq!(lines.lines().count(), 52);
}

#[tokio::test]
async fn everything_of_a_user_a_client_or_an_actor_is_revoked() {
    let stand = stand().await;
    for (of, name) in [("subject", "alice"), ("client", "web"), ("actor", "-nobody-")] {
        let access = stand.tokens("web", "openid").await["access_token"].as_str().unwrap().to_owned();
        assert_eq!(done(&stand, &["revoke", of, "--", name], &Value::Null).await, "");
        assert_eq!(stand.is_active("web", &access).await, of == "actor", "{of}");
    }
    let access = stand.tokens("web", "openid").await["access_token"].as_str().unwrap().to_owned();
    let unsure = placet(&stand, TOKEN, &["revoke", "everybody"], &Value::Null).await;
    assert!(!unsure.status.success() && stand.is_active("web", &access).await);
    done(&stand, &["revoke", "everybody", "--yes"], &Value::Null).await;
    assert!(!stand.is_active("web", &access).await);
    let refused = placet(&stand, &one_role("read"), &["revoke", "subject", "alice"], &Value::Null).await;
    assert_eq!(refused.status.code(), Some(1));
}

#[tokio::test]
async fn users_are_disabled_and_enabled() {
    let stand = stand().await;
    let nothing = Value::Null;
    let unknown = done(&stand, &["subjects", "show", "alice/of here"], &nothing).await;
    assert!(unknown.lines().nth(1).unwrap().starts_with("alice/of here  enabled"), "{unknown}");
    let off = done(&stand, &["subjects", "disable", "alice/of here"], &nothing).await;
    assert!(off.lines().nth(1).unwrap().contains("disabled  2026-"), "{off}");
    let shown = told(&stand, &["subjects", "show", "alice/of here", "--json"], &nothing).await;
    assert_eq!(shown["disabled"], true);
    let on = told(&stand, &["subjects", "enable", "alice/of here", "--json"], &nothing).await;
    assert_eq!(on["disabled"], false);
}

#[tokio::test]
async fn keys_of_a_running_server_are_listed_rotated_and_revoked_through_it() {
    let stand = stand().await;
    let nothing = Value::Null;
    let private = url(&stand, "").trim_end_matches("/admin/v1").to_owned();
    let keys = async |arguments: &[&str]| {
        let arguments = [&["keys", "--admin", private.as_str()], arguments].concat();
        done(&stand, &arguments, &nothing).await
    };
    let before = keys(&["list"]).await;
    assert!(before.lines().next().unwrap().starts_with("ALGORITHM"), "{before}");
    assert!(before.contains("signing") && !before.contains("staged"), "{before}");
    let rotated = keys(&["rotate"]).await;
    assert!(rotated.contains("staged"), "{rotated}");
    let signing = rotated.lines().find(|line| line.starts_with("EdDSA") && line.contains("signing"));
    let kid = signing.unwrap().split_whitespace().last().unwrap();
    let revoked = keys(&["revoke", kid]).await;
    assert!(revoked.lines().any(|line| line.contains(kid) && line.contains("revoked")), "{revoked}");
    let listed: Value = serde_json::from_str(&keys(&["list", "--json"]).await).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), revoked.lines().count() - 1);

    // Only who opens the store may break verifiers.
    for arguments in [&["rotate", "--now"][..], &["revoke", "unknown"][..]] {
        let arguments = [&["keys", "--admin", private.as_str()], arguments].concat();
        let output = placet(&stand, TOKEN, &arguments, &nothing).await;
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    }
    let reader = placet(&stand, &one_role("read"), &["keys", "rotate", "--admin", &private], &nothing).await;
    assert_eq!(reader.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&reader.stderr).contains("role"), "{reader:?}");
}

#[tokio::test]
async fn keys_of_a_store_that_nobody_holds_are_looked_after_without_a_server() {
    let folder = Folder::new("keys");
    let file = folder.join("placet.toml");
    std::fs::write(
        &file,
        format!("issuer = \"https://login.example\"\ndata_dir = {:?}\n", folder.join("data")),
    )
    .unwrap();
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_placet"));
        command.arg("--config").arg(&file).arg("keys").args(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    let out = |output: &Output| {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout.clone()).unwrap()
    };
    let first = out(&run(&["list"]).await);
    let kid = |text: &str, state: &str| {
        let line = text.lines().find(|line| line.starts_with("ES256 ") && line.contains(state));
        line.unwrap_or_else(|| panic!("{state}: {text}")).split_whitespace().last().unwrap().to_owned()
    };
    let old = kid(&first, "signing");
    let staged = out(&run(&["rotate"]).await);
    let next = kid(&staged, "staged");
    let now = out(&run(&["rotate", "--now"]).await);
    assert_eq!((kid(&now, "signing"), kid(&now, "verify_only")), (next, old.clone()));
    assert_eq!(kid(&out(&run(&["revoke", &old]).await), "revoked"), old);
    assert_eq!(run(&["revoke", &old]).await.status.code(), Some(1), "it is not in force any more");

    let held = Embedded::open(&folder.join("data/placet.db"), "default").unwrap();
    let refused = run(&["list"]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains("another process has it open") && said.contains("--admin URL"), "{said}");
    drop(held);
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
