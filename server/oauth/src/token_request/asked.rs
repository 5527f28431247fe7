//! What a token request asks for beside its artefact.

use serde_json::{Map, Value};

use crate::{
    error::{ErrorCode, OAuthError},
    params::Params,
    rar::parse_details,
    scope::Scope,
    uri::AbsoluteUri,
};

/// The most resource indicators of a request.
const MAX_RESOURCES: usize = 32;

/// What a token shall be good for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The scope; none leaves it to the server, or to what was granted.
    pub scope: Option<Scope>,
    /// Where the token shall be used (RFC 8707 section 2.2).
    pub resources: Vec<String>,
    /// The authorization details (RFC 9396 section 6).
    pub details: Option<Vec<Map<String, Value>>>,
}

impl Asked {
    /// Reads `scope`, `resource` and `authorization_details`.
    ///
    /// # Errors
    ///
    /// `invalid_scope`, `invalid_target` and `invalid_authorization_details`.
    pub fn parse(params: &Params) -> Result<Self, OAuthError> {
        Ok(Self {
            scope: params.get("scope").map(Scope::parse).transpose()?,
            resources: parse_resources(params)?,
            details: parse_details(params)?,
        })
    }
}

/// The resource indicators of a request, each once, in order (RFC 8707 section 2).
///
/// # Errors
///
/// `invalid_target` for one that is not an absolute URI or has a fragment, and for too many.
pub fn parse_resources(params: &Params) -> Result<Vec<String>, OAuthError> {
    let mut resources: Vec<String> = Vec::new();
    for resource in params.get_all("resource") {
        check_resource(resource).map_err(|reason| {
            OAuthError::new(ErrorCode::InvalidTarget, format!("resource `{resource}` {reason}"))
        })?;
        if !resources.iter().any(|known| known == resource) {
            resources.push(resource.to_owned());
        }
    }
    if resources.len() > MAX_RESOURCES {
        return Err(OAuthError::new(
            ErrorCode::InvalidTarget,
            format!("more than {MAX_RESOURCES} resources"),
        ));
    }
    Ok(resources)
}

/// What a resource indicator has to be (RFC 8707 section 2): an absolute URI without a fragment.
pub fn check_resource(uri: &str) -> Result<(), &'static str> {
    AbsoluteUri::parse(uri)?;
    if uri.contains('#') { Err("has a fragment") } else { Ok(()) }
}
