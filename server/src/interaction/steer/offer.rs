//! What may be granted, and how what a policy, the login app and the client's settings say becomes one grant.

use std::borrow::Cow;

use placet_oauth::{authorization::AuthorizationRequest, scope::Scope};
use placet_sdk::grant::Grant;
use serde_json::{Map, Value};

use crate::{
    client::Client,
    interaction::{consent, state::State},
    outcome::Fault,
};

/// What may be granted: everything that was asked for, or what policies left of it. Token settings are those that
/// policies set.
pub(in crate::interaction) fn offer<'a>(state: &'a State, request: &AuthorizationRequest) -> Cow<'a, Grant> {
    let steered = state.steered.as_ref();
    let evaluated = steered.and_then(|steered| steered.evaluated.as_ref()).map(|evaluated| &evaluated.offer);
    match evaluated.or_else(|| steered.and_then(|steered| steered.offer.as_ref())) {
        Some(offer) => Cow::Borrowed(offer),
        None => Cow::Owned(consent::everything(request)),
    }
}

/// What is granted of an offer: the lists of the consent, its settings, and where it has none those of the offer. What
/// a policy set as claims or data stays, whatever the consent says. The client gets the scope that its operator assigns,
/// without what a policy took away.
pub(super) fn combined(
    client: &Client,
    request: &AuthorizationRequest,
    offer: &Grant,
    consented: &Grant,
) -> Result<Grant, Fault> {
    let sections = Grant {
        access_token: offer.access_token.clone(),
        refresh_token: offer.refresh_token.clone(),
        id_token: offer.id_token.clone(),
        userinfo: offer.userinfo.clone(),
        data: offer.data.clone(),
        claims_context: offer.claims_context.clone(),
        ..Grant::default()
    };
    let mut grant = if sections == Grant::default() {
        consented.clone()
    } else {
        read(filled(write(consented)?, write(&sections)?, false))?
    };
    let granted = Scope::from_values(grant.scope.take().unwrap_or_default());
    let offered = Scope::from_values(offer.scope.clone().unwrap_or_default());
    let taken = request.scope.difference(&offered);
    grant.sub = grant.sub.or_else(|| offer.sub.clone());
    grant.act = grant.act.or_else(|| offer.act.clone());
    grant.may_act = grant.may_act.or_else(|| offer.may_act.clone());
    // What is offered no more may still have been granted beyond the request, by an app with `widen_scope`.
    grant.scope = Some(client.assign(&granted).difference(&taken).to_vec());
    Ok(grant)
}

/// `own`, and what only `other` has. Within objects of free members, `other` counts.
fn filled(own: Value, other: Value, free: bool) -> Value {
    match (own, other) {
        (Value::Object(mut own), Value::Object(other)) => {
            for (name, value) in other {
                let value = match own.remove(&name) {
                    None => value,
                    Some(_) if free => value,
                    Some(mine) => {
                        let free = matches!(name.as_str(), "claims" | "data" | "claims_context");
                        filled(mine, value, free)
                    }
                };
                own.insert(name, value);
            }
            Value::Object(own)
        }
        (own, _) => own,
    }
}

/// The grant with what a policy changed: everything that it left as it was proposed stays with the settings of client
/// and server, which may still change.
pub(super) fn settled(original: &Grant, proposed: &Grant, result: &Grant) -> Result<Grant, Fault> {
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
        assert_eq!(filled(own, policy, false), expected);
    }
}
