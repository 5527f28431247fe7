//! What of a request a sidecar is shown that says what it needs.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Map, Value};

use super::request::DecisionRequest;

/// The schema of requests: what it requires of an object is sent whenever the object is.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(DecisionRequest).to_value());

/// What every policy is shown, whole.
const MANDATORY: [&str; 14] = [
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
    "/requires",
    "/request/endpoint",
];

/// Members that are wanted, by name, or all there is.
#[derive(Debug, Default)]
struct Wanted {
    members: BTreeMap<String, Wanted>,
    whole: bool,
}

impl Wanted {
    fn add(&mut self, pointer: &str) {
        let mut here = self;
        for token in pointer.split('/').skip(1) {
            let name = token.replace("~1", "/").replace("~0", "~");
            here = here.members.entry(name).or_default();
        }
        here.whole = true;
    }
}

/// The request with what these JSON Pointers lead to, besides what is mandatory. What is left satisfies the schema:
/// of an object that is shown in part, the members that its type requires are shown too.
pub fn project(request: &Value, needs: &[String]) -> Value {
    let mut wanted = Wanted::default();
    let needs = needs.iter().map(String::as_str).filter(|pointer| pointer.starts_with('/'));
    for pointer in MANDATORY.into_iter().chain(needs) {
        wanted.add(pointer);
    }
    part(request, &wanted, &SCHEMA)
}

/// Whether a JSON Pointer leads to something in any request that there can be.
pub fn can_lead(pointer: &str) -> bool {
    let mut tokens = pointer.split('/');
    let names: Vec<String> =
        tokens.by_ref().skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
    pointer.starts_with('/') && leads(&SCHEMA, &names)
}

fn leads(schema: &Value, names: &[String]) -> bool {
    let Some((name, rest)) = names.split_first() else { return true };
    if schema == &Value::Bool(true) {
        return true;
    }
    if let Some(target) = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
        return SCHEMA.pointer(target).is_some_and(|schema| leads(schema, names));
    }
    let either = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
    if either.into_iter().any(|schema| leads(schema, names)) {
        return true;
    }
    if let Some(inner) = schema["properties"].get(name) {
        return leads(inner, rest);
    }
    if let Some(inner) = schema.get("items") {
        return name.parse::<usize>().is_ok() && leads(inner, rest);
    }
    schema.get("additionalProperties").is_some_and(|inner| leads(inner, rest))
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
        match wanted.members.get(name) {
            Some(some) if some.whole => {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pointer_leads_somewhere_if_the_schema_knows_its_names() {
        for pointer in [
            "/type",
            "/client/client_id",
            "/client/data/any/thing",
            "/request/headers/x-tenant",
            "/request/parameters/case/0",
            "/proposal/grant/scope/0",
            "/proposal/grant/access_token/claims/plan",
            "/limits/grant/refresh_token/max_idle",
            "/saml2_bearer/assertion/attributes/0/values/0",
        ] {
            assert!(can_lead(pointer), "{pointer}");
        }
        for pointer in [
            "",
            "type",
            "/clinet/client_id",
            "/client/clientid",
            "/type/x",
            "/proposal/grant/scope/first",
            "/limits/grant/refresh_token/idle",
        ] {
            assert!(!can_lead(pointer), "{pointer}");
        }
    }

    fn request() -> Value {
        json!({
            "protocol": "1.0", "id": "dec_1", "type": "grant.refresh_token", "time": "2026-11-23T09:00:00Z",
            "deadline": "2026-11-23T09:00:01Z", "mode": "enforce", "attempt": 1, "issuer": "https://as.example",
            "chain": {"policy": "p", "position": 1, "of": 1},
            "client": {"client_id": "web", "name": "Books", "data": {"tier": "gold", "owner": "x"}},
            "subject": {"sub": "alice", "type": "user", "source": "authorization", "claims": {"a": 1}},
            "session": {"id": "ses_1", "sub": "alice", "acr": "1"},
            "request": {"endpoint": "token", "remote": {"ip": "192.0.2.1"}, "user_agent": "x"},
            "proposal": {"grant": {"scope": ["a"]}}, "limits": {}, "requires": ["/grant/scope"],
        })
    }

    #[test]
    fn a_policy_is_shown_what_is_mandatory_what_it_needs_and_what_the_schema_requires_with_it() {
        let needs = ["/client/data/tier", "/subject/sub", "/request/remote", "client"].map(str::to_owned);
        let shown = project(&request(), &needs);
        assert_eq!(shown["client"], json!({"data": {"tier": "gold"}}));
        assert_eq!(shown["subject"], json!({"sub": "alice", "type": "user", "source": "authorization"}));
        assert_eq!(shown["request"], json!({"endpoint": "token", "remote": {"ip": "192.0.2.1"}}));
        assert_eq!(
            (&shown["proposal"], &shown["requires"]),
            (&request()["proposal"], &request()["requires"])
        );
        assert_eq!(shown.get("session"), None);
        serde_json::from_value::<DecisionRequest>(shown).expect("what is shown satisfies the types");
        for needs in [["/request", "/subject"], ["/subject/sub", "/subject"], ["/subject", "/subject/sub"]] {
            let shown = project(&request(), &needs.map(str::to_owned));
            assert_eq!(
                shown["subject"],
                request()["subject"],
                "what is wanted whole is shown whole: {needs:?}"
            );
        }
        assert_eq!(project(&request(), &["/request".to_owned()])["request"], request()["request"]);
        let nothing = project(&request(), &[]);
        assert_eq!(nothing.get("client"), None);
        serde_json::from_value::<DecisionRequest>(nothing).expect("what is shown satisfies the types");
    }
}
