//! A client that signs its authorization requests (RFC 9101), and what it sends.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_server::config::Config;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, CHALLENGE, Reply, Stand, UI},
    helpers::configured,
    signer::Signer,
};

/// A server, and the key of its client `jar`.
pub struct Scene {
    /// The server.
    pub stand: Stand,
    /// The key.
    pub key: Signer,
}

impl Scene {
    /// As usual.
    pub async fn start() -> Self {
        Self::with(|_, _| {}).await
    }

    /// A server with a client `jar` that signs; `change` alters settings and metadata.
    pub async fn with(change: impl FnOnce(&mut Config, &mut Value)) -> Self {
        let key = Signer::new("key-1");
        let mut metadata = json!({
            "redirect_uris": [CALLBACK, "https://client.example/other"], "jwks": key.jwks(),
            "scope": "openid email reports.read", "grant_types": ["authorization_code"],
        });
        let stand = Stand::with(|config| {
            change(config, &mut metadata);
            config.clients.push(configured("jar", &metadata));
        })
        .await;
        Self { stand, key }
    }

    /// What a request object says, if nothing else is said.
    pub fn claims(&self) -> Value {
        let now = self.stand.now();
        json!({
            "iss": "jar", "aud": self.stand.issuer, "exp": now + 60, "nbf": now, "iat": now,
            "client_id": "jar", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid email",
            "state": "the-state", "nonce": "n-1", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        })
    }

    /// The claims with those of `changes` over them; null leaves one out.
    pub fn altered(&self, changes: &Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }

    /// A request object.
    pub fn object(&self) -> String {
        self.key.sign(&self.claims())
    }

    /// Visits the authorization endpoint.
    pub async fn visit(&self, browser: &mut Browser, params: &[(&str, &str)]) -> Reply {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        browser.get(&format!("{}/authorize?{query}", self.stand.issuer)).await
    }

    /// Visits with an object and nothing else.
    pub async fn ask(&self, object: &str) -> Reply {
        self.visit(&mut Browser::new(), &[("client_id", "jar"), ("request", object)]).await
    }

    /// An object is refused with a page that says why.
    pub async fn refused(&self, object: &str, why: &str) {
        // A redirect URI beside an object that is not verified is nobody's word.
        let beside = [("client_id", "jar"), ("request", object), ("redirect_uri", CALLBACK), ("state", "x")];
        for reply in [self.ask(object).await, self.visit(&mut Browser::new(), &beside).await] {
            assert_page(&reply, "invalid_request_object");
            assert!(reply.text.contains(why), "the page does not say `{why}`: {}", reply.text);
        }
    }

    /// The prompt that a visit led to.
    pub async fn shown(&self, reply: &Reply) -> Value {
        let path = format!("/interactions/{}", reply.interaction());
        self.stand.call(UI, Method::GET, &path, None).await.json
    }

    /// Pushes a form.
    pub async fn push(&self, form: &[(&str, &str)]) -> Reply {
        self.stand.post("/par", "jar", form).await
    }
}

/// A page says what was wrong, and nobody is redirected.
#[track_caller]
pub fn assert_page(reply: &Reply, code: &str) {
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(reply.headers.get("location").is_none() && reply.text.contains("error-page"), "{}", reply.text);
    assert!(reply.text.contains(code), "the page does not say `{code}`: {}", reply.text);
}

/// A JWT with this header and no signature.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}
