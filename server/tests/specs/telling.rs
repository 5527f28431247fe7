//! Receivers that are told, and what there is to tell.

use serde_json::json;

use super::{
    harness::{HEADLESS, Stand},
    receiving::Receiver,
};

/// An hour, in seconds.
pub const HOUR: i64 = 3_600;

/// A server that tells a receiver of events of these types.
pub async fn told(receiver: &Receiver, types: &[&str]) -> Stand {
    let config = receiver.config("audit", types);
    Stand::with(|c| c.event_receiver = vec![config]).await
}

/// Something happens: an account is reported as disabled.
pub async fn happen(stand: &Stand, sub: &str) {
    let report = json!({ "type": "account.disabled", "sub": sub });
    let reply = stand.call(HEADLESS, reqwest::Method::POST, "/reports", Some(&report)).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
}
