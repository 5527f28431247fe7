//! A sidecar on a port of its own, and a server that asks it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use placet_sdk::{
    Instant,
    policy::{
        ClaimsSource, ClientCredentials, Decision, Description, InteractionEvaluate, Policy, Secret,
        Settings, TokenExchange, serve,
    },
    signature::sign,
};
use reqwest::Response;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub(crate) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const PREVIOUS: &str = "whsec_HxweHRobGBkWFxQVEhMQEQ4PDA0KCwgJBgcEBQIDAAE=";
pub(crate) const RESPONSE: &str = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

pub(crate) fn secret(text: &str) -> Secret {
    text.parse().unwrap()
}

/// Delegates shipping, counts, waits, breaks.
#[derive(Clone, Default)]
pub(crate) struct Sample {
    pub(crate) asked: Arc<AtomicU32>,
}

impl Policy for Sample {
    fn describe(&self) -> Description {
        use placet_sdk::decision::HookType::{ClaimsSource, GrantTokenExchange};
        Description::new("sample", "7")
            .needs(ClaimsSource, ["/subject/sub"])
            .returns(GrantTokenExchange, ["/grant"])
    }

    async fn token_exchange(&self, x: TokenExchange) -> Decision<TokenExchange> {
        let count = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let Some(actor) = x.actor() else { return Decision::deny("invalid_request", "actor_token required") };
        let scope = x.limits().scope_where(|value| value.starts_with("shipping."));
        if scope.is_empty() {
            return x.deny("invalid_scope", "nothing to delegate");
        }
        x.allow()
            .scope(scope)
            .access_token_lifetime(120)
            .require_sender_constraint()
            .access_token_claim("order_limit_eur", 500)
            .data("count", count)
            .reason("delegation_ok")
            .tag("actor", &actor.sub)
            .cache_secs(20)
    }

    async fn client_credentials(&self, x: ClientCredentials) -> Decision<ClientCredentials> {
        match x.client_data("mood").and_then(Value::as_str) {
            Some("slow") => tokio::time::sleep(Duration::from_secs(60)).await,
            Some("bad") => panic!("as asked"),
            Some("unsure") => return Decision::unavailable(),
            _ => {}
        }
        x.allow()
    }

    async fn claims_source(&self, x: ClaimsSource) -> Decision<ClaimsSource> {
        match x.subject() {
            Some(subject) => x.allow().claim("email", format!("{}@example.com", subject.sub)),
            None => x.allow(),
        }
    }

    async fn interaction_evaluate(&self, x: InteractionEvaluate) -> Decision<InteractionEvaluate> {
        let demand = placet_sdk::decision::Challenge::SelectAccount { message: None };
        if x.section().challenges == 0 { Decision::challenge(demand) } else { x.allow().ask_consent() }
    }
}

/// A running sidecar.
pub(crate) struct Running {
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<placet_sdk::policy::Result<()>>,
}

impl Running {
    pub(crate) async fn start(policy: impl Policy, path: &str, response: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}{path}", listener.local_addr().unwrap());
        let mut settings = Settings::new(&base, secret(SECRET)).unwrap().previous_secret(secret(PREVIOUS));
        if response {
            settings = settings.response_secret(secret(RESPONSE)).unwrap();
        }
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let serving = tokio::spawn(serve(policy).listener(settings, listener, stopped));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { base, http, stop, serving }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap().unwrap();
    }

    /// Sends the question, signed as it should be.
    pub(crate) async fn ask(&self, question: &Value) -> Response {
        self.send(Sent::of(question)).await
    }

    pub(crate) async fn send(&self, sent: Sent) -> Response {
        let mut request = self.http.post(format!("{}{}", self.base, sent.path)).body(sent.body);
        for (name, value) in sent.headers {
            request = request.header(name, value);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn answer(&self, question: &Value) -> Value {
        let response = self.ask(question).await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }
}

/// A request that can be spoiled.
pub(crate) struct Sent {
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    pub(crate) fn of(question: &Value) -> Self {
        Self::signed(
            question["id"].as_str().unwrap_or("dec_none"),
            question.to_string().into_bytes(),
            SECRET,
            0,
        )
    }

    pub(crate) fn signed(id: &str, body: Vec<u8>, by: &str, off: i64) -> Self {
        let at = Instant(now().0 + off);
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", at.0.to_string()),
            ("webhook-signature", sign(&secret(by), id, at, &body)),
        ];
        Self { path: "/decide", headers, body }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }
}

#[expect(clippy::disallowed_methods, reason = "the sidecar looks at the real clock too")]
pub(crate) fn now() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Instant(i64::try_from(since.as_secs()).unwrap())
}

/// A question of a type, with members put over the usual ones.
pub(crate) fn question(id: &str, hook: &str, members: &Value) -> Value {
    let mut question = json!({
        "protocol": "1.0", "id": id, "type": hook, "time": "2026-11-23T09:20:00.120Z",
        "deadline": "2026-11-23T09:20:05.120Z", "mode": "enforce", "attempt": 1, "issuer": "https://as.example",
        "chain": {"policy": "sample", "position": 1, "of": 1}, "request": {"endpoint": "token"},
        "proposal": {}, "limits": {},
    });
    question.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    question
}

pub(crate) fn exchange(id: &str) -> Value {
    question(
        id,
        "grant.token_exchange",
        &json!({
            "subject": {"sub": "alice", "type": "user", "source": "subject_token"},
            "actor": {"sub": "orders", "type": "client", "source": "actor_token"},
            "token_exchange": {"semantics": "delegation", "subject_token": {
                "type": "urn:ietf:params:oauth:token-type:access_token", "origin": "local", "claims": {}
            }},
            "proposal": {"grant": {
                "sub": "alice", "scope": ["shipping.quote", "orders.read"],
                "access_token": {"lifetime": 300, "sender_constraint": "if_presented"}
            }},
            "limits": {"grant": {
                "sub": "fixed", "scope": ["shipping.quote", "orders.read"], "max_data_bytes": 100,
                "access_token": {"max_lifetime": 300, "sender_constraint": "none", "max_claims_bytes": 100}
            }},
        }),
    )
}

pub(crate) fn credentials(id: &str, mood: &str) -> Value {
    let members = json!({"client": {"client_id": "c", "data": {"mood": mood}}, "client_credentials": {}});
    question(id, "grant.client_credentials", &members)
}
