//! A resource whose tokens are encrypted to it, and tokens for it.

use placet_server::config::Config;
use serde_json::{Value, json};

use super::{
    encrypting::Reader,
    harness::{Browser, Params, Stand},
    helpers::{configured, text, verified},
};

/// The resource whose tokens are encrypted.
pub const LOCKED: &str = "https://locked.example";
/// One whose tokens are not.
pub const OPEN: &str = "https://open.example";

/// A resource that wants its tokens encrypted, its server as the client `vault`, and one that does not care.
pub fn resources(config: &mut Config, encryption: &Value) {
    config.resource = serde_json::from_value(json!([
        { "uri": LOCKED, "encryption": encryption }, { "uri": OPEN },
    ]))
    .unwrap();
    let metadata = json!({ "grant_types": ["client_credentials"], "scope": "reports.read openid" });
    let mut vault = configured("vault", &metadata);
    vault.settings.resources = vec![LOCKED.to_owned()];
    config.clients.push(vault);
}

/// How it wants them, with the key of this reader.
pub fn to(reader: &Reader) -> Value {
    json!({ "alg": "ECDH-ES+A256KW", "enc": "A256GCM", "jwk": reader.jwk() })
}

/// A server with this resource.
pub async fn stand(reader: &Reader) -> Stand {
    Stand::with(|config| resources(config, &to(reader))).await
}

/// Parameters of a client that asks for itself.
pub fn own(resource: &str) -> [(&str, &str); 2] {
    [("grant_type", "client_credentials"), ("resource", resource)]
}

/// Signs alice in to a client for resources, and gives the parameters of the response.
pub async fn granted(stand: &Stand, id: &str, extra: &[(&str, &str)]) -> Params {
    let usual = [("scope", "openid offline_access reports.read"), ("prompt", "consent")];
    stand.sign_in(&mut Browser::new(), id, &[&usual[..], extra].concat()).await
}

/// A code of alice for it.
pub async fn code(stand: &Stand) -> String {
    granted(stand, "web", &[("resource", LOCKED)]).await["code"].clone()
}

/// The tokens of alice for it.
pub async fn users(stand: &Stand) -> Value {
    let reply = stand.redeem("web", &code(stand).await).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

/// What the resource server finds in a token, which nobody else can read.
pub async fn read(stand: &Stand, reader: &Reader, token: &Value) -> Value {
    let token = text(token);
    assert_eq!(token.split('.').count(), 5, "{token}");
    let (outer, inner) = reader.open(&token);
    assert_eq!(outer["cty"], "JWT");
    let (header, claims) = verified(stand, &inner).await;
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(claims["aud"], LOCKED);
    claims
}

/// What this caller is told of a token.
pub async fn look(stand: &Stand, caller: &str, token: &str) -> Value {
    stand.post("/introspect", caller, &[("token", token)]).await.json
}
