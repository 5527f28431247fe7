//! What may be granted, and how what a policy, the login app and the client's settings say becomes one grant.

use std::borrow::Cow;

use placet_oauth::{authorization::AuthorizationRequest, scope::Scope};
use placet_sdk::grant::Grant;
use serde_json::Value;

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
