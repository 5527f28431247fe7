//! A call centre: clients that ask for users who are not at their browsers, and a policy that knows those users.

use std::sync::Arc;

use placet_oauth::client::AuthMethod;
use placet_server::config::{ClientConfig, Config};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{CALLBACK, Reply, Stand, UI, auth},
    helpers::{client, configured},
    sidecar::Sidecar,
    signer::Signer,
};

/// The grant.
pub const CIBA: &str = "urn:openid:params:grant-type:ciba";
/// How assertions of clients are sent.
pub const BY_JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What clients are called back with.
pub const NOTIFICATION: &str = "notification-token-8d67dc78-7faa-4d41-aabd";
/// What only alice knows.
pub const USER_CODE: &str = "blue-sky";

/// A server with clients that call, and a policy that knows their users.
pub struct Desk {
    /// The server.
    pub stand: Arc<Stand>,
    /// The policy of `ciba.request`.
    pub sidecar: Sidecar,
    /// The key of the clients that sign.
    pub key: Signer,
}

/// What the policy says: `alice` and `bob` are known by their names and addresses; alice has a code, which counts where
/// one is sent.
pub fn directory(request: &Value) -> Value {
    let ciba = &request["ciba"];
    let hint = &ciba["hint"];
    let named = request["subject"]["sub"].as_str().or(hint["value"].as_str());
    let name = named.or(hint["claims"]["sub"].as_str()).unwrap_or_default();
    let name = name.split('@').next().unwrap_or_default();
    let deny = |code: &str| json!({ "decision": "deny", "error": { "code": code } });
    match (name, ciba["user_code"].as_str()) {
        ("alice", None | Some(USER_CODE)) | ("bob", None) => {
            let known = request["proposal"]["ciba"]["sub"].is_string();
            let set = if known {
                json!({})
            } else {
                json!({ "ciba": { "sub": name, "channel": { "app": "phone" } } })
            };
            json!({ "decision": "allow", "set": set })
        }
        ("alice", Some(_)) => deny("invalid_user_code"),
        ("carol", _) => deny("missing_user_code"),
        ("dave", _) => deny("access_denied"),
        _ => deny("unknown_user_id"),
    }
}

/// A client that calls, in this delivery mode.
pub fn caller(id: &str, mode: &str, extra: &Value) -> ClientConfig {
    let mut metadata = json!({
        "redirect_uris": [CALLBACK], "client_name": "Acme Phone Desk",
        "scope": "openid profile email offline_access reports.read",
        "grant_types": ["authorization_code", "refresh_token", CIBA],
        "backchannel_token_delivery_mode": mode,
        "backchannel_user_code_parameter": true,
    });
    if mode != "poll" {
        metadata["backchannel_client_notification_endpoint"] = json!("https://client.example/notify");
    }
    metadata.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    configured(id, &metadata)
}

impl Desk {
    /// A desk as usual.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// One whose settings `change` has altered.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let sidecar = Sidecar::start(directory).await;
        let key = Signer::new("desk-1");
        let keys = key.jwks();
        let stand = Stand::with(|config| {
            config.policy = vec![sidecar.policy("directory", &["ciba.request"])];
            let signs = json!({ "backchannel_authentication_request_signing_alg": "EdDSA", "jwks": keys });
            config.clients.extend([
                caller("desk", "poll", &json!({})),
                caller("desk2", "poll", &json!({})),
                caller("bell", "ping", &json!({})),
                caller("letter", "push", &json!({})),
                caller("signer", "poll", &signs),
                caller(
                    "quiet",
                    "poll",
                    &json!({ "subject_type": "pairwise", "redirect_uris": ["https://quiet.example/cb"] }),
                ),
            ]);
            change(config);
        })
        .await;
        Self { stand: Arc::new(stand), sidecar, key }
    }

    /// One whose client `signer` has no secret and proves by assertions who it is; `change` alters it.
    pub async fn asserting(change: impl FnOnce(&mut ClientConfig)) -> Self {
        Self::with(|config| {
            let signer = client(config, "signer");
            signer.secret = None;
            signer.metadata.token_endpoint_auth_method = Some(AuthMethod::PrivateKeyJwt);
            change(signer);
        })
        .await
    }

    /// An assertion by which `signer` proves who it is.
    pub fn assertion(&self, jti: &str) -> String {
        let now = self.stand.now();
        self.key.sign(&json!({
            "iss": "signer", "sub": "signer", "aud": self.stand.issuer, "iat": now, "nbf": now, "exp": now + 60,
            "jti": jti,
        }))
    }

    /// Asks for a user; `alice` unless `extra` says otherwise (an empty value leaves a parameter out).
    pub async fn ask(&self, client: &str, extra: &[(&str, &str)]) -> Reply {
        ask(&self.stand, client, extra).await
    }

    /// The same, and it is taken: gives the `auth_req_id`.
    pub async fn asked(&self, client: &str, extra: &[(&str, &str)]) -> String {
        let reply = self.ask(client, extra).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json["auth_req_id"].as_str().unwrap().to_owned()
    }

    /// Asks whether tokens are there.
    pub async fn poll(&self, client: &str, auth_req_id: &str) -> Reply {
        poll(&self.stand, client, auth_req_id).await
    }

    /// The prompts that wait for a user.
    pub async fn waiting(&self, sub: &str) -> Vec<Value> {
        waiting(&self.stand, sub).await
    }

    /// The one prompt that waits for a user.
    pub async fn prompt(&self, sub: &str) -> Value {
        let mut all = self.waiting(sub).await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// The user says yes to the one request that waits.
    pub async fn approve(&self, sub: &str) -> Value {
        approve(&self.stand, sub).await
    }

    /// A signed request with these claims beside the usual ones.
    pub fn signed(&self, change: impl FnOnce(&mut Value)) -> String {
        let now = self.stand.now();
        let mut claims = json!({
            "iss": "signer", "aud": self.stand.issuer, "iat": now, "nbf": now, "exp": now + 300,
            "jti": "request-1", "scope": "openid email", "login_hint": "alice", "binding_message": "W4SCT",
        });
        change(&mut claims);
        self.key.sign(&claims)
    }
}

/// Asks for a user.
pub async fn ask(stand: &Stand, client: &str, extra: &[(&str, &str)]) -> Reply {
    let usual = [("scope", "openid email"), ("login_hint", "alice"), ("binding_message", "W4SCT")];
    let told = ("client_notification_token", NOTIFICATION);
    let mut form: Vec<(&str, &str)> = usual.into_iter().collect();
    if ["bell", "letter"].contains(&client) {
        form.push(told);
    }
    form.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
    form.extend(extra.iter().filter(|(_, value)| !value.is_empty()));
    stand.post("/bc-authorize", client, &form).await
}

/// Asks whether tokens are there.
pub async fn poll(stand: &Stand, client: &str, auth_req_id: &str) -> Reply {
    stand.post("/token", client, &[("grant_type", CIBA), ("auth_req_id", auth_req_id)]).await
}

/// The prompts that wait for a user.
pub async fn waiting(stand: &Stand, sub: &str) -> Vec<Value> {
    let list =
        stand.call(UI, Method::GET, &format!("/interactions?kind=ciba&sub={sub}&state=open"), None).await;
    assert_eq!(list.status, 200, "{}", list.text);
    list.json["items"].as_array().unwrap().clone()
}

/// The user says yes to the one request that waits; gives the last prompt.
pub async fn approve(stand: &Stand, sub: &str) -> Value {
    let mut prompt = waiting(stand, sub).await.remove(0);
    let id = prompt["id"].as_str().unwrap().to_owned();
    while prompt["type"] != "response" {
        let body = match prompt["type"].as_str().unwrap() {
            "auth" => auth(sub),
            "consent" => json!({ "type": "consent", "accept_all": true }),
            other => panic!("unexpected prompt {other}: {prompt}"),
        };
        let step = u32::try_from(prompt["step"].as_u64().unwrap()).unwrap();
        let reply = stand.answer(&id, step, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        prompt = reply.json;
    }
    prompt
}
