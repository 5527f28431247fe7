//! Backchannel authentication requests: a client asks for a user who is not at its browser (OpenID Connect CIBA Core
//! section 7). What follows is an interaction without a browser, which the server itself opens.

mod automatic;
mod hint;
pub(crate) mod notify;
mod signed;

pub(crate) use automatic::automatic;
pub(crate) use signed::used;

use placet_oauth::{
    authorization::RequestPolicy,
    ciba::{AuthenticationRequest, DeliveryMode, parse_request},
    error::{ErrorCode, OAuthError},
    grant_type::GrantType,
    params::Params,
};
use placet_sdk::{
    decision::{HintFacts, HookType, RequestFacts},
    grant::{Grant, SenderConstraint},
};

use crate::{
    authorize,
    client::{AuthenticatedClient, Client},
    config::TokenBinding,
    interaction::backchannel::{self, Opened},
    outcome::{Fault, Outcome},
    possession::demanded,
    server::Server,
    store::Once,
};

/// Kind of the digests of `auth_req_id`s, and of the polled requests behind them.
pub const AUTH_REQ_ID: &str = "ciba";

/// A request that is sound, and whose hint says something.
#[derive(Debug)]
pub struct Valid {
    /// What is asked.
    pub asked: AuthenticationRequest,
    /// How tokens get to the client.
    pub mode: DeliveryMode,
    /// The hint as policies see it.
    pub hint: HintFacts,
    /// The user, where the hint alone says who it is.
    pub sub: Option<String>,
    /// What is used up by the request.
    pub once: Option<Once>,
}

/// Takes an authentication request, and opens an interaction with the user whom it is for.
///
/// # Errors
///
/// The codes of section 13.
pub async fn authenticate(
    server: &Server,
    client: &AuthenticatedClient,
    params: &Params,
    asking: RequestFacts,
) -> Outcome<Opened> {
    let mode = admit(client)?;
    let arrived = signed::open(server, client, params).await?;
    let (params, once) = match &arrived {
        Some(arrived) => (&arrived.params, Some(arrived.once.clone())),
        None => (params, None),
    };
    let known = server.config().known_scopes();
    let policy = RequestPolicy {
        metadata: &client.metadata,
        public_client: false,
        require_pkce: false,
        known_scopes: &known,
    };
    let mut asked = parse_request(params, &client.id, &policy)?;
    check(server, client, (&asked, mode))?;
    authorize::check(server, client, &mut asked.request)?;
    let (hint, sub) = hint::read(server, client, &asked.hint).await?;
    backchannel::open(server, client, Valid { asked, mode, hint, sub, once }, asking).await
}

/// Refuses clients that may not ask like this at all.
fn admit(client: &AuthenticatedClient) -> Outcome<DeliveryMode> {
    if !client.may_use(GrantType::Ciba) || client.is_public() {
        let text = format!("client is not registered for the grant type `{}`", GrantType::Ciba.as_str());
        return Err(OAuthError::unauthorized_client(text).into());
    }
    client.meet_profiles()?;
    let mode = client.metadata.backchannel_token_delivery_mode;
    // Whoever is sent tokens proves no key at that moment (FAPI-CIBA section 5.2.2-1 forbids it altogether).
    if mode == Some(DeliveryMode::Push)
        && demanded(client, &Grant::default(), TokenBinding::default()) == SenderConstraint::Required
    {
        let text = "the tokens of this client have to be bound to a key, and tokens that are sent cannot be";
        return Err(OAuthError::unauthorized_client(text).into());
    }
    Ok(mode.ok_or_else(|| Fault::new("client metadata", "no delivery mode is registered"))?)
}

/// What the client, and its profiles, have to say beyond what every request says.
fn check(
    server: &Server,
    client: &Client,
    (asked, mode): (&AuthenticationRequest, DeliveryMode),
) -> Result<(), OAuthError> {
    if mode.notifies() && asked.client_notification_token.is_none() {
        let text = format!("`client_notification_token` is required in the delivery mode {}", mode.as_str());
        return Err(OAuthError::invalid_request(text));
    }
    if asked.user_code.is_some() {
        if client.metadata.backchannel_user_code_parameter != Some(true) {
            let text = "`user_code`: the client is not registered for it (`backchannel_user_code_parameter`)";
            return Err(OAuthError::invalid_request(text));
        }
        // A code that nobody compares would look like a protection.
        if !server.policies().asks(HookType::CibaRequest) {
            let text = "`user_code` is not supported: no policy of this server knows such codes";
            return Err(OAuthError::invalid_request(text));
        }
    }
    // FAPI-CIBA section 5.2.2-2: the user must be able to tell what is asked, and by whom.
    let says = asked.binding_message.is_some() || !asked.request.authorization_details.is_empty();
    match client.profiles.iter().find(|profile| profile.signed_authentication_requests()) {
        Some(profile) if !says => Err(OAuthError::new(
            ErrorCode::InvalidBindingMessage,
            format!("profile `{}`: `binding_message` is required", profile.as_str()),
        )),
        _ => Ok(()),
    }
}
