//! A question as an AuthZEN decision point understands it.

use serde_json::{Map, Value, json};

use crate::policy::backend::Call;

/// Who wants something.
pub(super) fn subject(call: &Call) -> Value {
    let shown = &call.shown;
    // Both from one place: a user with the name of a client is somebody else.
    let party =
        |value: &'_ Value| Some((value["type"].as_str()?.to_owned(), value["sub"].as_str()?.to_owned()));
    let (kind, id) = party(&shown["subject"]).unwrap_or_else(|| {
        let client = shown["client"]["client_id"].as_str().unwrap_or_default();
        ("client".to_owned(), client.to_owned())
    });
    let mut properties = Map::new();
    // At the token endpoint there is no session, but the grant says how its user authenticated: a decision point that
    // has a duty to step up must see when it is done.
    let granted = &shown["proposal"]["grant"]["authentication"];
    for name in ["acr", "amr"] {
        if let Some(value) = shown["session"].get(name).or_else(|| granted.get(name)) {
            properties.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(claims) = shown["subject"]["claims"].as_object() {
        properties.extend(claims.clone());
    }
    json!({ "type": kind, "id": id, "properties": properties })
}

/// What it is wanted for: each resource, or the client itself.
pub(super) fn resources(call: &Call) -> Vec<Value> {
    let request = &call.request;
    let resources = request.proposal.grant.as_ref().and_then(|grant| grant.resources.clone());
    match resources {
        Some(resources) if !resources.is_empty() => {
            resources.iter().map(|id| json!({ "type": "api", "id": id })).collect()
        }
        _ => {
            let id = request.client.as_ref().map_or("", |client| client.client_id.as_str());
            vec![json!({ "type": "oauth_client", "id": id })]
        }
    }
}

/// What else is known.
pub(super) fn context(call: &Call) -> Value {
    let shown = &call.shown;
    let mut facts = Map::new();
    facts.insert("id".to_owned(), call.request.id.clone().into());
    facts.insert("type".to_owned(), call.request.hook.as_str().into());
    for (name, value) in [
        ("client_id", &shown["client"]["client_id"]),
        ("actor", &shown["actor"]["sub"]),
        ("pop", &shown["pop"]["binding"]),
        ("client", &shown["client"]),
        ("session", &shown["session"]),
        ("request", &shown["request"]),
    ] {
        if !value.is_null() {
            facts.insert(name.to_owned(), value.clone());
        }
    }
    json!({ "placet": facts })
}
