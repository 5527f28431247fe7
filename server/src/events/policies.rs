//! What others learn of policies that fail.

use serde_json::json;

use super::event;
use crate::{outcome::Fault, server::Server};

/// Writes down what went wrong with policies since this was last done: at most one event for each policy and sort. A
/// decision has no transaction of its own; what a killed process had not written yet is in the log of decisions alone.
///
/// # Errors
///
/// A fault of the store.
pub async fn tell_of_policies(server: &Server) -> Result<(), Fault> {
    let noticed = server.metrics().take_noticed();
    if noticed.is_empty() {
        return Ok(());
    }
    let events = noticed.into_iter().map(|noticed| {
        let mut data = json!({ "policy": noticed.policy, "count": noticed.count });
        if let Some(code) = noticed.code {
            data["code"] = json!(code);
        }
        event(server, noticed.event_type, &noticed.policy, &data)
    });
    Ok(server.store().publish(events.collect::<Result<_, _>>()?).await?)
}
