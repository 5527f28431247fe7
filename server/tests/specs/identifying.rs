//! Clients that authenticate by a certificate, and their token requests.

use placet_server::config::ClientConfig;
use reqwest::Client;
use serde_json::{Value, json};

use super::{harness::Reply, helpers::configured};

/// A client that authenticates like this.
pub fn client(id: &str, method: &str, extra: &Value) -> ClientConfig {
    let mut metadata = json!({
        "token_endpoint_auth_method": method, "grant_types": ["client_credentials"], "scope": "reports.read",
    });
    metadata.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    configured(id, &metadata)
}

/// A client that an authority names like this.
pub fn named(id: &str, member: &str, value: &str) -> ClientConfig {
    client(id, "tls_client_auth", &json!({ member: value }))
}

/// Asks for a token at this base URL as this client.
pub async fn token(http: &Client, base: &str, client_id: &str) -> Reply {
    let form = [("grant_type", "client_credentials"), ("client_id", client_id)];
    Reply::read(http.post(format!("{base}/token")).form(&form).send().await.unwrap()).await
}

/// Whether the client gets a token; if not, it is told what everybody is told.
pub async fn is_in(http: &Client, base: &str, client_id: &str) -> bool {
    let reply = token(http, base, client_id).await;
    if reply.status == 200 {
        return true;
    }
    assert_eq!((reply.status, reply.error()), (401, "invalid_client"), "{client_id}: {}", reply.text);
    false
}
