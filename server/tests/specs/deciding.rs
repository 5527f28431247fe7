//! A server with one policy, and a client whose own tokens it decides about.

use placet_sdk::admin::FailureCode;
use placet_server::{config::PolicyConfig, policy::DecisionFilter};
use serde_json::json;

use super::{
    harness::{Reply, Stand},
    sidecar::{Answered, Asked},
};

/// The client asks for a token of its own.
pub async fn ask(stand: &Stand) -> Reply {
    stand.post("/token", "service", &[("grant_type", "client_credentials")]).await
}

/// A server that asks this policy.
pub async fn with(policy: PolicyConfig) -> Stand {
    Stand::with(|config| config.policy.push(policy)).await
}

/// The code of the last failure.
pub fn failure(stand: &Stand) -> &'static str {
    let page = stand.server.policies().decisions(&DecisionFilter::default());
    page.decisions[0].policies[0].failure.map_or("none", FailureCode::as_str)
}

/// Allows what is proposed, and has no discovery document.
pub fn allow(asked: &Asked) -> Answered {
    match asked.method.as_str() {
        "POST" => Answered::allow(asked, &json!({})),
        _ => Answered::status(404),
    }
}
