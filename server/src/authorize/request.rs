//! Validation of an authorization request. First the client and a safe destination; from there on every error
//! goes to the destination.

use placet_oauth::{
    authorization::{
        AuthorizationRequest, Destination, Prompt, RequestPolicy, parse_request, parse_without_browser,
        resolve_destination,
    },
    error::{ErrorCode, OAuthError},
    grant_type::GrantType,
    params::{Params, unambiguous},
    scope::Scope,
};
use placet_sdk::{
    decision::HookType,
    grant::{Grant, SenderConstraint},
};

use super::{
    Refusal, Stop, Valid,
    arrival::{self, Arrived},
    object, profile, pushed, redirect_uris,
};
use crate::{
    client::{Client, SharedClient, document},
    config::{ConsentMode, TokenBinding},
    ledger::note,
    outcome::{Failure, Outcome},
    possession,
    server::Server,
    store::Once,
    token::{audience, check_known, is_for, read_hint},
};

/// Longer requests are refused: what is pending is kept for strangers too, so it must be small.
const MAX_REQUEST: usize = 32 * 1024;

/// Validates the raw parameters of an authorization request.
pub async fn validate(server: &Server, raw: &[u8]) -> Result<Valid, Refusal> {
    if raw.len() > MAX_REQUEST {
        return Err(Refusal::Page(too_long()));
    }
    let client = client_of(server, raw).await?;
    let arrived = arrival::of_browser(server, &client, raw).await.map_err(|stop| stop.refusal(&client))?;
    let (arrival, once) = (arrived.arrival.clone(), arrived.once.clone());
    match examine(server, &client, arrived).await {
        Ok(valid) => {
            let first = use_up(server, once).await;
            first.map(|()| valid).map_err(|stop| stop.refusal(&client))
        }
        // It was sound when it was pushed: the client changed since. This is a response like any other.
        Err(stop) if matches!(stop.failure, Failure::Refused(_)) => {
            if pushed::spend(server, &arrival).await.map_err(Refusal::Fault)? {
                Err(stop.refusal(&client))
            } else {
                Err(Refusal::Page(pushed::already_answered()))
            }
        }
        Err(stop) => Err(stop.refusal(&client)),
    }
}

fn too_long() -> OAuthError {
    OAuthError::invalid_request("the request is longer than 32768 bytes")
}

/// What is good once is used up last, by a request that is sound in every other respect.
async fn use_up(server: &Server, once: Option<Once>) -> Result<(), Stop> {
    let Some(once) = once else { return Ok(()) };
    if server.store().consume_once(once.kind, &once.id, once.expires_at).await? {
        return Ok(());
    }
    Err(object::used().into())
}

async fn client_of(server: &Server, raw: &[u8]) -> Result<SharedClient, Refusal> {
    let page = |text: &str| Refusal::Page(OAuthError::invalid_request(text));
    let client_id = unambiguous(raw, "client_id")
        .ok_or_else(|| page("parameter `client_id` is missing, repeated or not readable"))?;
    let client = match document::presented(server, &client_id).await {
        Ok(client) => client,
        Err(Failure::Fault(fault)) => return Err(Refusal::Fault(fault)),
        Err(other) => return Err(Refusal::Page(other.shown())),
    };
    if let Some(client) = &client {
        note(|noted| noted.client(&client.id));
    }
    client.ok_or_else(|| {
        Refusal::Page(OAuthError::new(
            ErrorCode::InvalidClient,
            format!("client `{client_id}` is not registered here"),
        ))
    })
}

/// Validates the parameters that count: first a safe destination, then the rest.
pub(super) async fn examine(
    server: &Server,
    client: &SharedClient,
    Arrived { form, arrival, .. }: Arrived,
) -> Result<Valid, Stop> {
    if form.len() > MAX_REQUEST {
        return Err(too_long().into());
    }
    let destination = resolve_destination(&form, redirect_uris(client))?;
    if object::is_required(server, client) && !arrival.signed {
        let error = OAuthError::invalid_request("this request has to be a signed request object (`request`)");
        return Err(Stop::at(&destination, error));
    }
    match read(server, client, &destination, &form).await {
        Ok((request, demanded_sub)) => {
            profile::check(client, &request, arrival.pushed.is_some())
                .map_err(|error| Stop::at(&destination, error))?;
            Ok(Valid { client: client.clone(), request, destination, demanded_sub, arrival })
        }
        Err(failure) => Err(Stop::at(&destination, failure)),
    }
}

async fn read(
    server: &Server,
    client: &Client,
    destination: &Destination,
    raw: &[u8],
) -> Outcome<(AuthorizationRequest, Option<String>)> {
    let params = Params::parse(raw)?;
    let known = server.config().known_scopes();
    let policy = RequestPolicy {
        metadata: &client.metadata,
        public_client: client.is_public(),
        require_pkce: client.settings.require_pkce,
        known_scopes: &known,
    };
    let mut request = parse_request(&params, destination, &policy)?;
    let front = request.response_type.is_front_channel();
    // Such a token would leave through the browser, past the policies that decide when a code is redeemed.
    if request.response_type.token && server.policies().concerns(HookType::GrantAuthorizationCode, client) {
        return Err(OAuthError::unauthorized_client("tokens are not handed out in the browser here").into());
    }
    if request.response_type.token
        && possession::demanded(client, &Grant::default(), TokenBinding::default())
            == SenderConstraint::Required
    {
        let text = "the access tokens of this client are bound to a key, and in the browser they cannot be";
        return Err(OAuthError::unauthorized_client(text).into());
    }
    if (request.response_type.code && !client.may_use(GrantType::AuthorizationCode))
        || (front && !client.may_use(GrantType::Implicit))
    {
        return Err(OAuthError::unauthorized_client("client is not registered for this response type").into());
    }
    check(server, client, &mut request)?;
    let hinted = hinted_sub(server, client, &request).await?;
    let claimed = request.claims.sub();
    if let (Some(claimed), Some(hinted)) = (&claimed, &hinted)
        && claimed != hinted
    {
        return Err(
            OAuthError::invalid_request("`id_token_hint` and `claims` name different subjects").into()
        );
    }
    Ok((request, claimed.or(hinted)))
}

/// Reads the request of a client that sends no browser, and has authenticated.
///
/// # Errors
///
/// `invalid_request`, `invalid_scope`, `invalid_target` or `invalid_authorization_details`.
pub fn read_without_browser(
    server: &Server,
    client: &Client,
    params: &Params,
) -> Result<AuthorizationRequest, OAuthError> {
    let known = server.config().known_scopes();
    let policy = RequestPolicy {
        metadata: &client.metadata,
        public_client: client.is_public(),
        require_pkce: false,
        known_scopes: &known,
    };
    let mut request = parse_without_browser(params, (&client.id, &policy))?;
    check(server, client, &mut request)?;
    Ok(request)
}

/// Checks what is asked for, and takes away what cannot be had.
pub(crate) fn check(
    server: &Server,
    client: &Client,
    request: &mut AuthorizationRequest,
) -> Result<(), OAuthError> {
    server.config().check_resources(&client.settings, &request.resources)?;
    server.details().check_asked(server.config(), client, &request.authorization_details)?;
    request.extra.retain(|name, _| server.config().passed_parameters.contains(name));
    request.scope = permitted(client, request);
    check_reach(server, client, request)
}

/// Refuses what none of the resources knows. A token of this very response has to be possible for all of them at once;
/// tokens for a code can be had for one after the other (RFC 8707 section 2.2).
fn check_reach(server: &Server, client: &Client, request: &AuthorizationRequest) -> Result<(), OAuthError> {
    let grant = Grant {
        scope: Some(request.scope.to_vec()),
        resources: Some(request.resources.clone()),
        authorization_details: Some(request.authorization_details.clone()),
        ..Grant::default()
    };
    let audience = audience(server, client, &grant);
    check_known(server.config(), &audience, (&request.scope, &request.authorization_details))?;
    if request.response_type.token {
        let terms = server.config().terms(&audience)?;
        if terms.dpop || terms.certificate {
            let text = "tokens for these resources are bound to a key, and in the browser they cannot be";
            return Err(OAuthError::new(ErrorCode::InvalidTarget, text));
        }
    }
    Ok(())
}

/// The scope that can be granted at all: without what the operator denies, and without offline access where OpenID
/// Connect Core section 11 says to ignore it.
fn permitted(client: &Client, request: &AuthorizationRequest) -> Scope {
    let mut scope = request.scope.difference(&client.denied_scope());
    let implicit = client.settings.first_party && client.settings.consent == ConsentMode::Implicit;
    // Without a browser it was the client that began, so that the user is asked for a confirmation in any case.
    let asked = request.prompt.contains(&Prompt::Consent) || !request.has_browser();
    let possible = request.response_type.code && client.may_use(GrantType::RefreshToken);
    if request.is_openid() && !(possible && (asked || implicit)) {
        scope = scope.difference(&Scope::from_values(["offline_access"]));
    }
    scope
}

/// The subject of `id_token_hint`: one of our own ID tokens for this client, also an expired one.
async fn hinted_sub(
    server: &Server,
    client: &Client,
    request: &AuthorizationRequest,
) -> Outcome<Option<String>> {
    let Some(hint) = &request.id_token_hint else { return Ok(None) };
    let claims =
        read_hint(server, hint).await?.filter(|claims| is_for(claims, &client.id)).ok_or_else(|| {
            OAuthError::invalid_request("`id_token_hint` is not an ID token of this server for this client")
        })?;
    Ok(claims.get("sub").and_then(serde_json::Value::as_str).map(str::to_owned))
}
