//! A server at which tokens are exchanged (RFC 8693), and a policy that answers what a test says.

use std::sync::{Arc, Mutex};

use placet_oauth::grant_type::GrantType;
use placet_server::config::{Config, PolicyConfig};
use serde_json::{Value, json};

use super::{
    granting::{tokens_of, trust_the_app},
    harness::{Browser, CALLBACK, Reply, Stand},
    helpers::{client, configured, text},
    sidecar::Sidecar,
};

/// The grant type.
pub const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// Types of tokens.
pub const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Of refresh tokens.
pub const REFRESH: &str = "urn:ietf:params:oauth:token-type:refresh_token";
/// Of ID tokens.
pub const ID: &str = "urn:ietf:params:oauth:token-type:id_token";
/// Of JWTs.
pub const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// The resource that the client `api` is.
pub const API: &str = "https://api.example";
/// The resource that the client `shipping` is.
pub const SHIPPING: &str = "https://shipping.example";
/// What users grant to `web`.
pub const SCOPE: &str = "openid email offline_access reports.read reports.write";

/// The server, its policy, and what the policy answers next.
pub struct Scene {
    /// The server.
    pub stand: Stand,
    /// The policy.
    pub sidecar: Sidecar,
    answer: Arc<Mutex<Value>>,
}

impl Scene {
    /// A policy that allows what is proposed.
    pub async fn start() -> Self {
        Self::with(|_, _| {}).await
    }

    /// The same with other settings of the server and of the policy.
    pub async fn with(change: impl FnOnce(&mut Config, &mut PolicyConfig)) -> Self {
        let answer = Arc::new(Mutex::new(json!({ "decision": "allow" })));
        let next = answer.clone();
        let sidecar = Sidecar::start(move |_| next.lock().unwrap().clone()).await;
        let mut policy = sidecar.policy("exchange", &["grant.token_exchange"]);
        let stand = Stand::with(|config| {
            trust_the_app(config);
            config.resources.push(SHIPPING.to_owned());
            let audience = vec![config.issuer.clone(), API.to_owned()];
            client(config, "web").settings.access_token.audience = audience;
            for id in ["web", "opaque", "single", "spa", "pairwise", "api"] {
                let grants = &mut client(config, id).metadata.grant_types;
                grants.get_or_insert_default().push(GrantType::TokenExchange);
            }
            client(config, "api").metadata.scope = Some("reports.read reports.write openid".to_owned());
            let metadata =
                json!({ "grant_types": [EXCHANGE, "client_credentials"], "scope": "reports.read" });
            let mut shipping = configured("shipping", &metadata);
            shipping.settings.resources = vec![SHIPPING.to_owned()];
            config.clients.push(shipping);
            change(config, &mut policy);
            config.policy.push(policy);
        })
        .await;
        Self { stand, sidecar, answer }
    }

    /// What the policy answers from now on.
    pub fn answers(&self, decision: Value) {
        *self.answer.lock().unwrap() = decision;
    }

    /// The policy allows with this patch of the grant from now on.
    pub fn sets(&self, grant: &Value) {
        self.answers(json!({ "decision": "allow", "set": { "grant": grant } }));
    }

    /// The tokens of a user for `web` that are good at the client `api`.
    pub async fn user(&self, sub: &str) -> Value {
        self.user_with(sub, &json!({})).await
    }

    /// The same, with this grant.
    pub async fn user_with(&self, sub: &str, grant: &Value) -> Value {
        self.tokens("web", CALLBACK, sub, grant).await
    }

    /// The tokens of a user for a client, with this grant.
    pub async fn tokens(&self, client: &str, uri: &str, sub: &str, grant: &Value) -> Value {
        tokens_of(&self.stand, (client, uri), (sub, SCOPE, grant)).await
    }

    /// An access token of a client for itself.
    pub async fn own_token(&self, client: &str) -> String {
        let form = [("grant_type", "client_credentials")];
        let reply = self.stand.post("/token", client, &form).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        text(&reply.json["access_token"])
    }

    /// Exchanges an access token; `extra` parameters replace the usual ones, an empty one leaves them out.
    pub async fn exchange(&self, client: &str, token: &str, extra: &[(&str, &str)]) -> Reply {
        self.stand.post("/token", client, &form(token, extra)).await
    }

    /// Exchanges an access token for another, which works.
    pub async fn exchanged(&self, client: &str, token: &str, extra: &[(&str, &str)]) -> Value {
        let reply = self.exchange(client, token, extra).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json
    }

    /// An exchange that is refused, before any policy is asked.
    pub async fn refused_unasked(
        &self,
        client: &str,
        token: &str,
        extra: &[(&str, &str)],
        error: &str,
    ) -> String {
        let asked = self.sidecar.requests().len();
        let reply = self.exchange(client, token, extra).await;
        assert_eq!((reply.status, reply.error()), (400, error), "{extra:?}: {}", reply.text);
        assert_eq!(self.sidecar.requests().len(), asked, "a policy was asked");
        text(&reply.json["error_description"])
    }

    /// What the policy was asked last.
    pub fn asked(&self) -> Value {
        self.sidecar.requests().pop().expect("the policy was asked")
    }

    /// Whether the token counts, as its own client sees it.
    pub async fn is_live(&self, client: &str, token: &Value) -> bool {
        self.stand.is_active(client, token.as_str().expect("a token")).await
    }
}

/// The form of an exchange.
pub fn form<'a>(token: &'a str, extra: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS)];
    let mut form: Vec<_> =
        usual.into_iter().filter(|(name, _)| extra.iter().all(|(n, _)| n != name)).collect();
    form.extend(extra.iter().copied().filter(|(_, value)| !value.is_empty()));
    form
}

/// A fresh browser signs alice in to `web` and gives a code, with the usual redirect URI.
pub async fn code(stand: &Stand) -> String {
    let params = stand.sign_in(&mut Browser::new(), "web", &[("scope", SCOPE), ("prompt", "consent")]).await;
    params["code"].clone()
}
