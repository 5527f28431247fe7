//! What a decision makes of a grant that is kept.

use placet_sdk::grant::Grant;
use serde_json::{Map, Value};

use crate::outcome::Fault;

/// The grant with what a policy changed: everything that it left as it was proposed stays with the settings of client
/// and server, which may still change.
pub fn settled(original: &Grant, proposed: &Grant, result: &Grant) -> Result<Grant, Fault> {
    let (from, before, after) = (write(original)?, write(proposed)?, write(result)?);
    let mut grant: Grant = read(kept(Some(&from), Some(&before), Some(&after)).unwrap_or_default())?;
    let audience = |grant: &Grant| grant.access_token.as_ref().and_then(|token| token.audience.clone());
    if result.resources != proposed.resources && audience(result) == audience(proposed) {
        // The audience follows the resources, but never to anybody whom it was not meant for before.
        let left = grant.resources.clone().unwrap_or_default();
        let mut wanted = audience(proposed).unwrap_or_default();
        wanted.retain(|one| left.contains(one));
        let wanted = if wanted.is_empty() { audience(proposed) } else { Some(wanted) };
        grant.access_token.get_or_insert_default().audience = wanted;
    }
    Ok(grant)
}

fn kept(original: Option<&Value>, proposed: Option<&Value>, result: Option<&Value>) -> Option<Value> {
    if proposed == result {
        return original.cloned();
    }
    let (Some(Value::Object(proposed)), Some(Value::Object(result))) = (proposed, result) else {
        return result.cloned();
    };
    let nothing = Map::new();
    let original = original.and_then(Value::as_object).unwrap_or(&nothing);
    let mut names: Vec<&String> = original.keys().chain(proposed.keys()).chain(result.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let members = names.into_iter().filter_map(|name| {
        kept(original.get(name), proposed.get(name), result.get(name)).map(|value| (name.clone(), value))
    });
    Some(Value::Object(members.collect()))
}

/// A grant with what only the other one has. Within objects of free members, the other one counts.
pub fn filled(own: &Grant, other: &Grant) -> Result<Grant, Fault> {
    read(fill(write(own)?, write(other)?, false))
}

fn fill(own: Value, other: Value, free: bool) -> Value {
    match (own, other) {
        (Value::Object(mut own), Value::Object(other)) => {
            for (name, value) in other {
                let value = match own.remove(&name) {
                    None => value,
                    Some(_) if free => value,
                    Some(mine) => {
                        let free = matches!(name.as_str(), "claims" | "data" | "claims_context");
                        fill(mine, value, free)
                    }
                };
                own.insert(name, value);
            }
            Value::Object(own)
        }
        (own, _) => own,
    }
}

fn write(grant: &Grant) -> Result<Value, Fault> {
    serde_json::to_value(grant).map_err(|e| Fault::new("grant", e))
}

fn read(value: Value) -> Result<Grant, Fault> {
    serde_json::from_value(value).map_err(|e| Fault::new("grant", e))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn grant(value: Value) -> Grant {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_a_policy_leaves_alone_stays_with_the_settings_of_the_client() {
        let original = grant(json!({ "scope": ["a", "b"], "access_token": { "lifetime": 60 } }));
        let proposed = grant(json!({
            "scope": ["a", "b"], "access_token": { "lifetime": 60, "encoding": "jwt", "audience": ["https://as"] },
            "refresh_token": { "issue": true, "lifetime": 600 },
        }));
        let mut result = proposed.clone();
        assert_eq!(settled(&original, &proposed, &result).unwrap(), original);
        result.scope = Some(vec!["a".to_owned()]);
        result.refresh_token = serde_json::from_value(json!({ "issue": true, "lifetime": 60 })).unwrap();
        let expected = grant(json!({
            "scope": ["a"], "access_token": { "lifetime": 60 }, "refresh_token": { "lifetime": 60 },
        }));
        assert_eq!(settled(&original, &proposed, &result).unwrap(), expected);
    }

    #[test]
    fn the_audience_follows_the_resources_and_never_widens() {
        let original = grant(json!({ "resources": ["https://a", "https://b"] }));
        let proposed = grant(json!({
            "resources": ["https://a", "https://b"], "access_token": { "audience": ["https://a", "https://b"] },
        }));
        let audience = |resources: Value| {
            let mut result = proposed.clone();
            result.resources = serde_json::from_value(resources).unwrap();
            settled(&original, &proposed, &result).unwrap().access_token.unwrap().audience.unwrap()
        };
        assert_eq!(audience(json!(["https://a"])), ["https://a"]);
        assert_eq!(audience(json!([])), ["https://a", "https://b"]);
    }

    #[test]
    fn a_login_app_cannot_overwrite_the_claims_and_the_data_of_a_policy() {
        let own = json!({ "access_token": { "lifetime": 30, "claims": { "limit": 9, "plan": "gold" } }, "data": { "a": 1 } });
        let policy = json!({
            "access_token": { "lifetime": 60, "single_use": true, "claims": { "limit": 5 } }, "data": { "a": 2, "b": 3 },
        });
        let expected = json!({
            "access_token": { "lifetime": 30, "single_use": true, "claims": { "limit": 5, "plan": "gold" } },
            "data": { "a": 2, "b": 3 },
        });
        assert_eq!(fill(own, policy, false), expected);
    }
}
