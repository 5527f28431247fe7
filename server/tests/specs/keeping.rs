//! Decisions that are used again.

use std::sync::atomic::{AtomicU64, Ordering};

use placet_server::config::{PolicyCache, PolicyConfig};
use serde_json::{Value, json};

use super::{
    harness::{Reply, Stand},
    sidecar::Sidecar,
};

/// The decision point.
pub const HOOK: &str = "grant.client_credentials";

/// A policy whose decisions may be kept so long.
pub fn kept(policy: PolicyConfig, max_age: u32) -> PolicyConfig {
    PolicyConfig { cache: PolicyCache { max_age, ..PolicyCache::default() }, ..policy }
}

/// Asks for a token.
pub async fn ask(stand: &Stand) -> Reply {
    let reply = stand.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    assert!([200, 400].contains(&reply.status), "{}", reply.text);
    reply
}

/// A sidecar that answers with a number that grows, and says that the answer may be kept.
pub async fn counting(cache: Value) -> Sidecar {
    let calls = AtomicU64::new(0);
    Sidecar::start(move |_| {
        let number = calls.fetch_add(1, Ordering::SeqCst);
        json!({ "decision": "allow", "set": { "token_response": { "number": number } }, "cache": cache })
    })
    .await
}
