//! For whom a token is, and what of a grant that leaves to it.

use placet_oauth::{
    error::OAuthError,
    rar::{Unfit, locations},
    resource::Terms,
    scope::Scope,
};
use placet_sdk::grant::{Grant, Object};

use crate::{client::Client, config::Config, server::Server};

/// For whom a token of this grant is: what was set, else the resources, else what its client is for, else the issuer;
/// and, unless it was set, where the authorization details say that they are used (RFC 9396 section 2.2).
pub fn audience(server: &Server, client: &Client, grant: &Grant) -> Vec<String> {
    if let Some(set) = grant.access_token.as_ref().and_then(|set| set.audience.clone()) {
        return set;
    }
    let located: Vec<&str> = grant.authorization_details.iter().flatten().flat_map(locations).collect();
    let scoped = grant.scope.as_ref().is_some_and(|scope| !scope.is_empty());
    let mut audience = match grant.resources.as_deref() {
        Some(resources) if !resources.is_empty() => resources.to_vec(),
        // Nothing is granted that would be used anywhere else.
        _ if !located.is_empty() && !scoped => Vec::new(),
        _ if !client.settings.access_token.audience.is_empty() => {
            client.settings.access_token.audience.clone()
        }
        _ => vec![server.issuer().to_owned()],
    };
    for location in located {
        if !audience.iter().any(|known| known == location) {
            audience.push(location.to_owned());
        }
    }
    audience
}

/// What a token carries of a grant.
#[derive(Debug)]
pub struct Reach {
    /// For whom it is.
    pub audience: Vec<String>,
    /// What these want of it.
    pub terms: Terms,
    /// The scope values that one of them knows.
    pub scope: Scope,
    /// The authorization details that concern one of them.
    pub details: Vec<Object>,
}

/// What a token for this audience carries of a scope and of authorization details.
///
/// # Errors
///
/// `invalid_target` if there is no token for all of them, `invalid_scope` if it would be good for nothing.
pub fn reach(
    config: &Config,
    audience: Vec<String>,
    (scope, details): (&Scope, &[Object]),
) -> Result<Reach, OAuthError> {
    let terms = config.terms(&audience)?;
    let details: Vec<Object> =
        details.iter().filter(|detail| config.concerns(&audience, detail)).cloned().collect();
    let permitted = terms.permit(scope);
    if permitted.is_empty() && !scope.is_empty() && details.is_empty() {
        let text = format!("nothing of `{scope}` is known to `{}`", audience.join(" "));
        return Err(OAuthError::invalid_scope(text));
    }
    Ok(Reach { audience, terms, scope: permitted, details })
}

/// Refuses what nobody in the audience knows: a scope value (RFC 8707 section 2), or a detail.
pub fn check_known(
    config: &Config,
    audience: &[String],
    (scope, details): (&Scope, &[Object]),
) -> Result<(), OAuthError> {
    if let Some(unknown) = scope.iter().find(|value| !config.knows_scope(audience, value)) {
        let text = format!("scope `{unknown}` is not known to `{}`", audience.join(" "));
        return Err(OAuthError::invalid_scope(text));
    }
    match details.iter().position(|detail| !config.concerns(audience, detail)) {
        Some(at) => Err(Unfit::new(format!("/{at}"), "is for none of the resources of this request").into()),
        None => Ok(()),
    }
}
