//! The sample policy in Rego, asked by a server as its README shows. It runs where there is an Open Policy Agent:
//! `PLACET_OPA` names it, as `sample-policies/rego/scopes-by-tier/check` does.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use placet_sdk::check::CaseFile;
use placet_server::{
    config::{BackendKind, PolicyAuth, PolicyConfig},
    policy::{Decided, Question},
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::{harness::Stand, helpers::configured, sidecar::policy};

const HOOK: &str = "grant.client_credentials";

fn samples() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../sample-policies"))
}

/// An agent that ends with the test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An agent with the policy, and its URL; none where there is no agent.
async fn agent() -> Option<(Agent, String)> {
    let Some(program) = std::env::var_os("PLACET_OPA") else {
        eprintln!("skipped: PLACET_OPA names no Open Policy Agent");
        return None;
    };
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let child = Command::new(program)
        .args(["run", "--server", "--disable-telemetry", "--addr", &address.to_string()])
        .arg(samples().join("rego/scopes-by-tier/scopes_by_tier.rego"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the agent starts");
    let agent = Agent(child);
    for _ in 0..400 {
        if TcpStream::connect(address).await.is_ok() {
            return Some((agent, format!("http://{address}")));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the agent does not answer");
}

async fn stand(url: &str) -> Stand {
    let asked = policy("tiers", &[HOOK], url);
    Stand::with(|config| {
        for (id, tier) in [("gold", json!("gold")), ("silver", json!("silver")), ("bronze", json!("bronze"))]
        {
            let metadata =
                json!({ "grant_types": ["client_credentials"], "scope": "reports.read reports.write" });
            let mut client = configured(id, &metadata);
            client.settings.data.insert("tier".to_owned(), tier);
            config.clients.push(client);
        }
        let auth = PolicyAuth::default();
        config.policy.push(PolicyConfig {
            backend: BackendKind::Opa,
            auth,
            timeout_ms: Some(5_000),
            ..asked
        });
        (config.policy_defaults.chain_budget_ms, config.policy_defaults.request_budget_ms) = (5_000, 5_000);
    })
    .await
}

#[tokio::test]
async fn a_program_gets_what_its_tier_may_have() {
    let Some((_agent, url)) = agent().await else { return };
    let stand = stand(&url).await;
    for (client, scope) in
        [("gold", Some("reports.read reports.write")), ("silver", Some("reports.read")), ("bronze", None)]
    {
        let reply = stand.post("/token", client, &[("grant_type", "client_credentials")]).await;
        let refused = if scope.is_none() { "invalid_scope" } else { "" };
        assert_eq!(
            (reply.json["scope"].as_str(), reply.error()),
            (scope, refused),
            "{client}: {}",
            reply.text
        );
    }
}

#[tokio::test]
async fn the_cases_of_the_other_versions_hold() {
    let Some((_agent, url)) = agent().await else { return };
    let stand = stand(&url).await;
    let file = CaseFile::read(&samples().join("no-sdk/scopes-by-tier/cases.json")).unwrap();
    for case in &file.cases {
        let question = Question::simulated(case.request().unwrap(), None);
        let decided = stand.server.policies().decide(question).await;
        let told = match decided.unwrap_or_else(|failed| panic!("{}: {failed:?}", case.name)) {
            Decided::Allow(allowed) => {
                json!({ "decision": "allow", "set": { "grant": { "scope": allowed.proposal.grant.unwrap().scope } } })
            }
            Decided::Deny(error) => json!({ "decision": "deny", "error": { "code": error.code } }),
            Decided::Challenge(_) => panic!("{}: a challenge", case.name),
        };
        assert_eq!(told["decision"], case.expect.decision, "{}", case.name);
        // Reasons are for the log.
        for (pointer, expected) in
            case.expect.pointers.iter().filter(|(pointer, _)| *pointer != "/reason/code")
        {
            assert_eq!(told.pointer(pointer).unwrap_or(&Value::Null), expected, "{}: {pointer}", case.name);
        }
    }
}
