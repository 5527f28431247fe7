//! What a policy is shown of a question: no more than it needs.

use std::{collections::BTreeMap, sync::LazyLock};

use placet_sdk::decision::DecisionRequest;
use serde_json::{Map, Value};

/// The schema of requests: what it requires of an object is sent whenever the object is.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(DecisionRequest).to_value());

/// What every policy is shown, whole.
const MANDATORY: [&str; 12] = [
    "/protocol",
    "/id",
    "/type",
    "/time",
    "/deadline",
    "/mode",
    "/attempt",
    "/issuer",
    "/tenant",
    "/chain",
    "/proposal",
    "/limits",
];

/// What is left out of questions whose answers are kept, unless it is needed by name: it would make each of them
/// another question.
const FLEETING: [&str; 3] = ["/request/remote", "/request/user_agent", "/session/id"];

/// Members that are wanted, by name; a leaf is wanted whole.
#[derive(Debug, Default)]
struct Wanted(BTreeMap<String, Wanted>);

impl Wanted {
    fn add(&mut self, pointer: &str) {
        let mut here = self;
        for token in pointer.split('/').skip(1) {
            let name = token.replace("~1", "/").replace("~0", "~");
            here = here.0.entry(name).or_default();
        }
    }
}

/// The request with what these pointers lead to, besides what is mandatory. What is left satisfies the schema.
pub(super) fn project(request: &Value, needs: &[String]) -> Value {
    let mut wanted = Wanted::default();
    for pointer in MANDATORY.iter().chain(&["/requires", "/request/endpoint"]) {
        wanted.add(pointer);
    }
    for pointer in needs.iter().filter(|pointer| pointer.starts_with('/')) {
        wanted.add(pointer);
    }
    part(request, &wanted, &SCHEMA)
}

fn part(value: &Value, wanted: &Wanted, schema: &Value) -> Value {
    let Value::Object(members) = value else { return value.clone() };
    let schema = resolve(schema);
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let nothing = Wanted::default();
    let mut kept = Map::new();
    for (name, value) in members {
        let inner = &schema["properties"][name];
        match wanted.0.get(name) {
            Some(whole) if whole.0.is_empty() => {
                kept.insert(name.clone(), value.clone());
            }
            Some(some) => {
                kept.insert(name.clone(), part(value, some, inner));
            }
            None if required.contains(&name.as_str()) => {
                kept.insert(name.clone(), part(value, &nothing, inner));
            }
            None => {}
        }
    }
    Value::Object(kept)
}

/// The schema that a reference leads to, or that stands beside `null`.
fn resolve(schema: &Value) -> &Value {
    if let Some(target) = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
        return SCHEMA.pointer(target).map_or(&Value::Null, resolve);
    }
    match schema["anyOf"].as_array().and_then(|any| any.iter().find(|s| s["type"] != "null")) {
        Some(inner) => resolve(inner),
        None => schema,
    }
}

/// Takes away what would make each question another one.
pub(super) fn steady(request: &mut Value, needs: Option<&[String]>) {
    for pointer in FLEETING {
        let named = needs.is_some_and(|needs| {
            needs.iter().any(|need| need == pointer || need.starts_with(&format!("{pointer}/")))
        });
        if !named {
            remove(request, pointer);
        }
    }
}

/// Removes what a pointer leads to.
pub(super) fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    if let Some(Value::Object(members)) = value.pointer_mut(parent) {
        members.remove(&name.replace("~1", "/").replace("~0", "~"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request() -> Value {
        json!({
            "protocol": "1.0", "id": "dec_1", "type": "grant.refresh_token", "time": "2026-11-23T09:00:00Z",
            "deadline": "2026-11-23T09:00:01Z", "mode": "enforce", "attempt": 1, "issuer": "https://as.example",
            "chain": { "policy": "p", "position": 1, "of": 1 },
            "client": { "client_id": "web", "name": "Books", "data": { "tier": "gold", "owner": "x" } },
            "subject": { "sub": "alice", "type": "user", "source": "authorization", "claims": { "a": 1 } },
            "session": { "id": "ses_1", "sub": "alice", "acr": "1" },
            "request": { "endpoint": "token", "remote": { "ip": "192.0.2.1" }, "user_agent": "x" },
            "proposal": { "grant": { "scope": ["a"] } }, "limits": {}, "requires": ["/grant/scope"],
        })
    }

    #[test]
    fn a_policy_is_shown_what_is_mandatory_what_it_needs_and_what_the_schema_requires_with_it() {
        let shown = project(&request(), &["/client/data/tier".to_owned(), "/subject/claims".to_owned()]);
        assert_eq!(shown["client"], json!({ "data": { "tier": "gold" } }));
        assert_eq!(shown["subject"], request()["subject"]);
        assert_eq!(shown["request"], json!({ "endpoint": "token" }));
        assert_eq!(shown["proposal"], request()["proposal"]);
        assert_eq!(shown["requires"], request()["requires"]);
        assert_eq!(shown.get("session"), None);
        serde_json::from_value::<DecisionRequest>(shown).expect("what is shown satisfies the types");
        let nothing = project(&request(), &[]);
        assert_eq!(nothing.get("client"), None);
        serde_json::from_value::<DecisionRequest>(nothing).expect("what is shown satisfies the types");
    }

    #[test]
    fn what_differs_from_request_to_request_is_shown_only_by_name_where_answers_are_kept() {
        let mut shown = request();
        steady(&mut shown, None);
        assert_eq!(shown["request"], json!({ "endpoint": "token" }));
        assert_eq!(shown["session"], json!({ "sub": "alice", "acr": "1" }));
        let mut shown = request();
        steady(&mut shown, Some(&["/request/remote/ip".to_owned()]));
        assert_eq!(shown["request"], json!({ "endpoint": "token", "remote": { "ip": "192.0.2.1" } }));
    }
}
