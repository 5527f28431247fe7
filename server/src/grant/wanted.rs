//! What a client asks for where nothing was granted yet.

use placet_oauth::{error::OAuthError, scope::Scope, token_request::Asked};
use placet_sdk::grant::Grant;

use crate::{
    client::Client,
    server::Server,
    token::{audience, check_known, reach},
};

/// What the client asks for, if it may have it, and what its operator assigns; `never` is what this grant cannot give.
/// Without a scope it is offered all that it registered, as far as the resources know it; unless it names authorization
/// details, which say what it wants.
///
/// # Errors
///
/// `invalid_scope`, `invalid_target` or `invalid_authorization_details`.
pub(super) fn wanted(
    server: &Server,
    client: &Client,
    asked: &Asked,
    never: &Scope,
) -> Result<Grant, OAuthError> {
    let config = server.config();
    let possible = client.registered_scope().unwrap_or_default().difference(&client.denied_scope());
    let possible = possible.difference(never);
    let named = match &asked.scope {
        None => Scope::empty(),
        Some(asked) if asked.is_subset(&possible) => asked.clone(),
        Some(asked) => {
            let more = asked.difference(&possible);
            return Err(OAuthError::invalid_scope(format!("client cannot have `{more}` by this grant")));
        }
    };
    config.check_resources(&client.settings, &asked.resources)?;
    let details = asked.details.as_deref().unwrap_or_default();
    server.details().check_asked(config, client, details)?;
    let scope = if asked.scope.is_none() && details.is_empty() { possible } else { named.clone() };
    let scope = client.assign(&scope).difference(never);
    let mut grant = Grant {
        scope: Some(scope.to_vec()),
        resources: Some(asked.resources.clone()),
        authorization_details: asked.details.clone(),
        ..Grant::default()
    };
    let audience = audience(server, client, &grant);
    check_known(config, &audience, (&named, details))?;
    grant.scope = Some(reach(config, audience, (&scope, details))?.scope.to_vec());
    Ok(grant)
}
