//! What a scenario does not say.

use placet_sdk::{
    grant::Object,
    interaction::{Kind, Prompt},
};
use serde_json::{Value, json};

use super::Scenario;

pub(super) fn group() -> String {
    "Your own".to_owned()
}

pub(super) fn kind() -> Kind {
    Kind::Authorization
}

pub(super) fn times() -> u32 {
    1
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(members) => members,
        _ => Object::new(),
    }
}

/// The client of most scenarios.
pub(super) fn client() -> Object {
    object(json!({
        "client_id": "books-web",
        "type": "confidential",
        "application_type": "web",
        "name": "Acme Books",
        "client_uri": "https://books.example/",
        "policy_uri": "https://books.example/privacy",
        "tos_uri": "https://books.example/terms",
        "first_party": false,
    }))
}

/// The request of most scenarios.
pub(super) fn request() -> Object {
    object(json!({
        "response_type": "code",
        "response_mode": "query",
        "redirect_uri": "https://books.example/cb",
        "scope": ["openid", "profile", "email"],
        "pkce": "S256",
    }))
}

/// Everything of a prompt but its section.
pub(super) fn envelope(scenario: &Scenario) -> Object {
    let with = |mut base: Object, more: &Object| {
        base.extend(more.clone());
        // `null` takes a member away.
        base.retain(|_, value| !value.is_null());
        base
    };
    let mut envelope = object(json!({
        "id": "{id}",
        "kind": scenario.kind,
        "step": 1,
        "created_at": "{now}",
        "expires_at": format!("{{now+{}s}}", scenario.life()),
        "issuer": "{issuer}",
        "ui": with(object(json!({ "locales": ["en"] })), &scenario.ui),
    }));
    let no_client = scenario.logout.as_ref().is_some_and(|l| l.get("initiator") == Some(&json!("op")));
    if !no_client {
        envelope.insert("client".to_owned(), Value::Object(with(client(), &scenario.client)));
    }
    if scenario.kind != Kind::Logout {
        envelope.insert("request".to_owned(), Value::Object(with(request(), &scenario.request)));
    }
    let sections = [
        ("session", &scenario.session),
        ("device", &scenario.device),
        ("ciba", &scenario.ciba),
        ("logout", &scenario.logout),
    ];
    for (name, section) in sections {
        if let Some(section) = section {
            envelope.insert(name.to_owned(), Value::Object(section.clone()));
        }
    }
    envelope
}

/// The prompt around nothing: what a response is made of when no step was there before.
pub(crate) fn bare(scenario: &Scenario, facts: &super::Facts) -> Result<Prompt, String> {
    let mut envelope = envelope(scenario);
    envelope.extend(object(json!({
        "type": "error",
        "error": { "error": "server_error", "error_description": "", "retryable": false },
    })));
    serde_json::from_value(super::fill(Value::Object(envelope), facts)).map_err(|e| e.to_string())
}
