//! What a client asks for under a grant that stands: all of it, or less (RFC 6749 section 6, RFC 8707 section 2.2, RFC
//! 9396 section 6).

use placet_oauth::{
    error::{ErrorCode, OAuthError},
    scope::Scope,
    token_request::Asked,
};
use placet_sdk::grant::Grant;

use crate::{
    client::Client,
    server::Server,
    token::{Reach, audience, reach},
};

/// The grant as far as this request asks for it, and as far as it still stands: what the operator took from the client
/// since then is gone. The grant that is stored stays as it is.
///
/// # Errors
///
/// `invalid_scope`, `invalid_target` or `invalid_authorization_details` for what was not granted.
pub(super) fn less(
    server: &Server,
    client: &Client,
    mut grant: Grant,
    asked: &Asked,
) -> Result<Grant, OAuthError> {
    let config = server.config();
    let target = |text: String| OAuthError::new(ErrorCode::InvalidTarget, text);
    if let Some(resources) = &mut grant.resources {
        let some = !resources.is_empty();
        resources.retain(|uri| config.offers_resource(&client.settings, uri));
        if some && resources.is_empty() {
            return Err(target(
                "the resources that were granted are not for this client any more".to_owned(),
            ));
        }
    }
    if let Some(details) = &mut grant.authorization_details {
        *details = server.details().standing(client, details);
    }
    let mut audience = audience(server, client, &grant);
    if let Some(unknown) = asked.resources.iter().find(|uri| !audience.contains(uri)) {
        return Err(target(format!("resource `{unknown}` was not granted")));
    }
    if !asked.resources.is_empty() {
        audience.clone_from(&asked.resources);
        if let Some(resources) = &mut grant.resources {
            resources.retain(|uri| asked.resources.contains(uri));
        }
        grant.access_token.get_or_insert_default().audience = Some(audience.clone());
    }
    if let Some(asked) = &asked.details {
        let granted = grant.authorization_details.take().unwrap_or_default();
        grant.authorization_details = Some(server.details().narrowed(&granted, asked)?);
    }
    let granted =
        Scope::from_values(grant.scope.clone().unwrap_or_default()).difference(&client.denied_scope());
    let scope = match &asked.scope {
        None => granted,
        Some(asked) if asked.is_subset(&granted) => asked.clone(),
        Some(asked) => {
            let more = asked.difference(&granted);
            return Err(OAuthError::invalid_scope(format!("`{more}` was not granted")));
        }
    };
    let details = grant.authorization_details.take();
    let Reach { scope, details: within, .. } =
        reach(config, audience, (&scope, details.as_deref().unwrap_or_default()))?;
    grant.scope = Some(scope.to_vec());
    grant.authorization_details = details.map(|_| within);
    Ok(grant)
}
