//! Reading the parameters of an authorization request.

use std::collections::BTreeMap;

use super::{AuthorizationRequest, Destination, Prompt};
use crate::{
    claims::ClaimsRequest,
    client::ClientMetadata,
    confirmation::Thumbprint,
    error::{ErrorCode, OAuthError},
    params::Params,
    pkce::Challenge,
    rar::parse_details,
    response_mode::ResponseMode,
    response_type::ResponseType,
    scope::Scope,
    token_request::parse_resources,
};

/// The parameters with a limit of their own, in bytes.
const LIMITS: [(&str, usize); 8] = [
    ("state", 2048),
    ("nonce", 2048),
    ("login_hint", 2048),
    ("domain_hint", 2048),
    ("acr_values", 2048),
    ("ui_locales", 2048),
    ("claims_locales", 2048),
    ("id_token_hint", 16 * 1024),
];

/// Every parameter that is read here; all others are extra.
const KNOWN: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "prompt",
    "max_age",
    "acr_values",
    "login_hint",
    "domain_hint",
    "id_token_hint",
    "ui_locales",
    "claims_locales",
    "display",
    "claims",
    "resource",
    "authorization_details",
    "request",
    "request_uri",
    "registration",
];

/// So many preferred languages count.
const MAX_LOCALES: usize = 10;

/// How pages may be displayed (OpenID Connect Core section 3.1.2.1).
pub(crate) const DISPLAYS: [&str; 4] = ["page", "popup", "touch", "wap"];

/// What one client may ask of one server.
#[derive(Clone, Copy, Debug)]
pub struct RequestPolicy<'a> {
    /// The metadata of the client.
    pub metadata: &'a ClientMetadata,
    /// Whether the client has no secret; it must then use PKCE (RFC 9700 section 2.1.1).
    pub public_client: bool,
    /// Whether confidential clients must use PKCE too.
    pub require_pkce: bool,
    /// The scope values of the server, which a client may ask for that registered no scope.
    pub known_scopes: &'a [String],
}

/// Reads an authorization request whose destination is settled.
///
/// Fails with the codes of RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6; the error goes to the
/// destination.
pub fn parse_request(
    params: &Params,
    destination: &Destination,
    policy: &RequestPolicy<'_>,
) -> Result<AuthorizationRequest, OAuthError> {
    refuse_unsupported(params)?;
    check_limits(params)?;
    let client_id = value(params, "client_id").ok_or_else(|| missing("client_id"))?.to_owned();
    let response_type = parse_response_type(params, policy.metadata)?;
    let response_mode = parse_response_mode(params, response_type)?;
    let scope = parse_scope(params, policy)?;
    let nonce = owned(params, "nonce");
    check_openid(response_type, &scope, nonce.is_some())?;
    let challenge = parse_challenge(params, response_type, policy)?;
    let claims = value(params, "claims").map(ClaimsRequest::parse).transpose()?.unwrap_or_default();
    Ok(AuthorizationRequest {
        client_id,
        redirect_uri: destination.redirect_uri.clone(),
        redirect_uri_given: destination.redirect_uri_given,
        response_type,
        response_mode,
        scope,
        state: destination.state.clone(),
        nonce,
        challenge,
        dpop_jkt: parse_dpop_jkt(params)?,
        prompt: parse_prompt(params)?,
        max_age: parse_max_age(params)?.or(policy.metadata.default_max_age),
        acr_values: parse_acr_values(params, policy, &claims),
        login_hint: owned(params, "login_hint"),
        domain_hint: owned(params, "domain_hint"),
        id_token_hint: owned(params, "id_token_hint"),
        ui_locales: locales(params, "ui_locales"),
        claims_locales: locales(params, "claims_locales"),
        display: parse_display(params)?,
        claims,
        resources: parse_resources(params)?,
        authorization_details: parse_details(params)?.unwrap_or_default(),
        extra: extra(params),
    })
}

/// Reads what a client asks for that sends no browser (RFC 8628 section 3.1): scope, resources and authorization details,
/// and what OpenID Connect lets it ask for besides.
///
/// Fails with the codes of RFC 6749 section 5.2, RFC 8707 and RFC 9396.
pub fn parse_without_browser(
    params: &Params,
    (client_id, policy): (&str, &RequestPolicy<'_>),
) -> Result<AuthorizationRequest, OAuthError> {
    refuse_unsupported(params)?;
    check_limits(params)?;
    let response_type = ResponseType { code: true, id_token: false, token: false };
    let claims = value(params, "claims").map(ClaimsRequest::parse).transpose()?.unwrap_or_default();
    Ok(AuthorizationRequest {
        client_id: client_id.to_owned(),
        redirect_uri: String::new(),
        redirect_uri_given: false,
        response_type,
        response_mode: ResponseMode::default_for(response_type),
        scope: parse_scope(params, policy)?,
        state: None,
        nonce: owned(params, "nonce"),
        challenge: None,
        dpop_jkt: None,
        prompt: Vec::new(),
        max_age: parse_max_age(params)?.or(policy.metadata.default_max_age),
        acr_values: parse_acr_values(params, policy, &claims),
        login_hint: owned(params, "login_hint"),
        domain_hint: owned(params, "domain_hint"),
        id_token_hint: None,
        ui_locales: locales(params, "ui_locales"),
        claims_locales: locales(params, "claims_locales"),
        display: None,
        claims,
        resources: parse_resources(params)?,
        authorization_details: parse_details(params)?.unwrap_or_default(),
        extra: extra(params),
    })
}

/// The authentication context classes asked for, or those that the client registered.
fn parse_acr_values(params: &Params, policy: &RequestPolicy<'_>, claims: &ClaimsRequest) -> Vec<String> {
    let asked = words(params, "acr_values");
    // OpenID Connect Registration section 2: both the parameter and the claim override the default.
    if !asked.is_empty() || claims.acr().is_some() {
        return asked;
    }
    policy.metadata.default_acr_values.clone().unwrap_or_default()
}

/// A parameter without a value counts as omitted (RFC 6749 section 3.1).
fn value<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.get(name).filter(|value| !value.is_empty())
}

fn owned(params: &Params, name: &str) -> Option<String> {
    value(params, name).map(str::to_owned)
}

fn words(params: &Params, name: &str) -> Vec<String> {
    value(params, name)
        .unwrap_or_default()
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn missing(name: &str) -> OAuthError {
    OAuthError::invalid_request(format!("`{name}` is required"))
}

/// These come first: a server that ignored them would answer another request than the one that was meant.
fn refuse_unsupported(params: &Params) -> Result<(), OAuthError> {
    for (name, code) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        if value(params, name).is_some() {
            return Err(OAuthError::new(code, format!("`{name}` is not supported")));
        }
    }
    Ok(())
}

fn check_limits(params: &Params) -> Result<(), OAuthError> {
    match LIMITS.iter().find(|(name, limit)| value(params, name).is_some_and(|text| text.len() > *limit)) {
        Some((name, limit)) => {
            Err(OAuthError::invalid_request(format!("`{name}` is longer than {limit} bytes")))
        }
        None => Ok(()),
    }
}

fn parse_response_type(params: &Params, metadata: &ClientMetadata) -> Result<ResponseType, OAuthError> {
    let name = value(params, "response_type").ok_or_else(|| missing("response_type"))?;
    let response_type = ResponseType::parse(name)?;
    let registered = match &metadata.response_types {
        Some(list) => list.contains(&response_type),
        // RFC 7591 section 2: the default is `code`.
        None => response_type.code && !response_type.id_token && !response_type.token,
    };
    if !registered {
        let name = response_type.as_str();
        return Err(OAuthError::unauthorized_client(format!(
            "response type `{name}` is not registered for this client"
        )));
    }
    Ok(response_type)
}

fn parse_response_mode(params: &Params, response_type: ResponseType) -> Result<ResponseMode, OAuthError> {
    let Some(name) = value(params, "response_mode") else {
        return Ok(ResponseMode::default_for(response_type));
    };
    let mode = ResponseMode::requested(name, Some(response_type))
        .ok_or_else(|| OAuthError::invalid_request("`response_mode` is not supported"))?;
    if mode.allowed_for(response_type) {
        return Ok(mode);
    }
    // OAuth 2.0 Multiple Response Type Encoding Practices section 5: tokens must not travel in the query.
    let (mode, response_type) = (mode.as_str(), response_type.as_str());
    Err(OAuthError::invalid_request(format!(
        "response mode `{mode}` is not allowed for response type `{response_type}`"
    )))
}

/// Preferred languages, best first; nobody reads more than these, and each one is looked up in every text.
fn locales(params: &Params, name: &str) -> Vec<String> {
    let mut tags = words(params, name);
    tags.truncate(MAX_LOCALES);
    tags
}

fn parse_scope(params: &Params, policy: &RequestPolicy<'_>) -> Result<Scope, OAuthError> {
    let Some(text) = value(params, "scope") else { return Ok(Scope::default()) };
    let mut scope = Scope::parse(text)?;
    let registered: Option<Vec<&str>> =
        policy.metadata.scope.as_deref().map(|list| list.split(' ').collect());
    if scope.contains("openid") {
        // What an OpenID provider does not understand it should ignore (OpenID Connect Core section 3.1.2.1).
        let understood = |value: &str| {
            policy.known_scopes.iter().any(|known| known == value)
                || registered.as_ref().is_some_and(|list| list.contains(&value))
        };
        scope = Scope::from_values(scope.to_vec().into_iter().filter(|value| understood(value)));
    }
    for wanted in scope.iter() {
        let allowed = match &registered {
            Some(list) => list.contains(&wanted),
            None => policy.known_scopes.iter().any(|known| known == wanted),
        };
        if !allowed {
            return Err(OAuthError::invalid_scope(format!(
                "scope `{wanted}` is not available to this client"
            )));
        }
    }
    Ok(scope)
}

/// An ID token needs the scope `openid`, and one from the authorization endpoint a `nonce` against replay
/// (OpenID Connect Core sections 3.2.2.1 and 3.3.2.11).
fn check_openid(response_type: ResponseType, scope: &Scope, has_nonce: bool) -> Result<(), OAuthError> {
    if !response_type.id_token {
        return Ok(());
    }
    if !scope.contains("openid") {
        return Err(OAuthError::invalid_request("a response type with id_token needs the scope openid"));
    }
    if !has_nonce {
        return Err(OAuthError::invalid_request("a response type with id_token needs a `nonce`"));
    }
    Ok(())
}

fn parse_challenge(
    params: &Params,
    response_type: ResponseType,
    policy: &RequestPolicy<'_>,
) -> Result<Option<Challenge>, OAuthError> {
    if !response_type.code {
        return Ok(None);
    }
    let challenge =
        Challenge::parse(value(params, "code_challenge"), value(params, "code_challenge_method"))?;
    if challenge.is_none() && (policy.public_client || policy.require_pkce) {
        return Err(OAuthError::invalid_request(
            "`code_challenge` is required: this client must use PKCE with code_challenge_method=S256",
        ));
    }
    Ok(challenge)
}

fn parse_dpop_jkt(params: &Params) -> Result<Option<Thumbprint>, OAuthError> {
    let Some(text) = value(params, "dpop_jkt") else { return Ok(None) };
    Thumbprint::parse(text).map(Some).ok_or_else(|| {
        OAuthError::invalid_request(
            "`dpop_jkt` must be the SHA-256 thumbprint of a key (RFC 9449 section 10)",
        )
    })
}

fn parse_prompt(params: &Params) -> Result<Vec<Prompt>, OAuthError> {
    let mut prompts = Vec::new();
    for word in value(params, "prompt").unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        let prompt = Prompt::parse(word).ok_or_else(|| {
            let shown: String = word.chars().take(64).collect();
            OAuthError::invalid_request(format!("prompt `{shown}` is not supported"))
        })?;
        if !prompts.contains(&prompt) {
            prompts.push(prompt);
        }
    }
    if prompts.contains(&Prompt::None) && prompts.len() > 1 {
        return Err(OAuthError::invalid_request("prompt `none` must not be combined with other prompts"));
    }
    Ok(prompts)
}

fn parse_max_age(params: &Params) -> Result<Option<u64>, OAuthError> {
    let Some(text) = value(params, "max_age") else { return Ok(None) };
    // `u64::from_str` alone would take a plus sign.
    let seconds = if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None };
    seconds.map(Some).ok_or_else(|| OAuthError::invalid_request("`max_age` must be a number of seconds"))
}

fn parse_display(params: &Params) -> Result<Option<String>, OAuthError> {
    match value(params, "display") {
        Some(display) if !DISPLAYS.contains(&display) => {
            Err(OAuthError::invalid_request("`display` must be page, popup, touch or wap"))
        }
        display => Ok(display.map(str::to_owned)),
    }
}

fn extra(params: &Params) -> BTreeMap<String, Vec<String>> {
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in params.iter() {
        if !KNOWN.contains(&name) {
            extra.entry(name.to_owned()).or_default().push(value.to_owned());
        }
    }
    extra
}
