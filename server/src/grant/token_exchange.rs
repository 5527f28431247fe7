//! The token exchange grant (RFC 8693). It exists while a policy of the type `grant.token_exchange` is registered.
//!
//! What a client presents is verified against the store; a policy decides; what is issued lives no longer than what
//! it was exchanged for, and dies with it.

mod ask;
mod delegation;
mod issue;
mod native;
mod presented;

use native::Shared;
use placet_oauth::{
    error::{ErrorCode, OAuthError},
    grant_type::GrantType,
    native_sso::is_native_sso,
    resource::TokenFormat,
    scope::Scope,
    token_request::{Asked, ExchangeRequest, TokenResponse, TokenType},
};
use placet_sdk::{
    decision::RequestFacts,
    grant::{Actor, Grant, Object},
};
use presented::{Presented, Role, Who};

use crate::{
    client::{AuthenticatedClient, Client},
    config::ScopeCeiling,
    outcome::Outcome,
    server::Server,
    token::{audience, check_known, reach},
};

/// An exchange whose tokens were verified.
struct Exchange {
    subject: Presented,
    actor: Option<Presented>,
    /// What is issued.
    wanted: TokenType,
    /// The actors that the result would have.
    act: Option<Actor>,
    /// What the request asks for.
    asked: Asked,
    /// The scope that the result would have, which is the most that it may have.
    scope: Scope,
    /// Where the result would be good.
    resources: Vec<String>,
    /// The authorization details that the result would have, which are the most that it may have.
    details: Option<Vec<Object>>,
    /// `audience` as it was asked for.
    audience: Vec<String>,
    /// Nothing that is issued may outlive this.
    until: i64,
    /// What an application that shares a sign-in gets besides the access token; none for any other exchange.
    shared: Option<Shared>,
}

impl Exchange {
    /// Whether the subject token is one of the client itself about a user.
    fn is_own(&self, client: &Client) -> bool {
        is_own(client, &self.subject)
    }
}

fn is_own(client: &Client, subject: &Presented) -> bool {
    matches!(subject.who, Who::User(_)) && subject.client_id.as_deref() == Some(&client.id)
}

pub(super) async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    request: ExchangeRequest,
    asking: &RequestFacts,
) -> Outcome<TokenResponse> {
    let exchange = if is_native_sso(&request) {
        native::verify(server, client, request).await?
    } else {
        verify(server, client, request).await?
    };
    let settled = ask::ask(server, client, &exchange, asking).await?;
    issue::issue(server, client, &exchange, settled).await
}

/// Everything that can be refused before a policy is asked.
async fn verify(
    server: &Server,
    client: &AuthenticatedClient,
    request: ExchangeRequest,
) -> Outcome<Exchange> {
    let wanted = request.requested.unwrap_or(TokenType::AccessToken);
    if matches!(wanted, TokenType::Saml1 | TokenType::Saml2) {
        return Err(OAuthError::invalid_request("this server issues no SAML assertions").into());
    }
    if wanted == TokenType::DeviceSecret {
        return Err(
            OAuthError::invalid_request("a device secret comes with a code, and not by exchange").into()
        );
    }
    let mut resources = request.asked.resources.clone();
    resources.extend(named(server, client, &request.audience).await?);
    server.config().check_resources(&client.settings, &resources)?;
    let mut seen = Vec::new();
    resources.retain(|one| {
        !seen.contains(one) && {
            seen.push(one.clone());
            true
        }
    });

    let subject = presented::verify(server, client, (&request.subject, Role::Subject)).await?;
    let actor = match &request.actor {
        Some(actor) => Some(presented::verify(server, client, (actor, Role::Actor)).await?),
        None => None,
    };
    if client.settings.token_exchange.enforce_may_act {
        delegation::check_may_act(server, client, &subject, actor.as_ref())?;
    }
    let act = delegation::proposed(&subject, actor.as_ref())?;
    let until = actor.as_ref().map_or(subject.expires_at, |actor| subject.expires_at.min(actor.expires_at));
    check_wanted(client, wanted, &subject)?;
    let ceiling = ceiling(client, &subject);
    let details = details(server, client, &subject, &request.asked)?;
    let listed = details.as_deref().unwrap_or_default();
    let scope = match &request.asked.scope {
        None if !listed.is_empty() => Scope::empty(),
        None => ceiling,
        Some(asked) if asked.is_subset(&ceiling) => asked.clone(),
        Some(asked) => {
            let more = asked.difference(&ceiling);
            return Err(OAuthError::invalid_scope(format!("`{more}` cannot be had for these tokens")).into());
        }
    };
    if wanted == TokenType::IdToken && !scope.contains("openid") {
        return Err(OAuthError::invalid_scope("an ID token needs the scope `openid`").into());
    }
    let scope = reachable(server, client, (wanted, &request.asked), (scope, &resources, listed))?;
    let (asked, audience) = (request.asked, request.audience);
    let shared = None;
    Ok(Exchange { subject, actor, wanted, act, asked, scope, resources, details, audience, until, shared })
}

/// What of the scope the resources of the result know. To ask for more than that is refused.
fn reachable(
    server: &Server,
    client: &Client,
    (wanted, asked): (TokenType, &Asked),
    (scope, resources, details): (Scope, &[String], &[Object]),
) -> Result<Scope, OAuthError> {
    if wanted == TokenType::IdToken {
        return Ok(scope);
    }
    let grant = Grant {
        scope: Some(scope.to_vec()),
        resources: Some(resources.to_vec()),
        authorization_details: Some(details.to_vec()),
        ..Grant::default()
    };
    let audience = audience(server, client, &grant);
    let named = asked.scope.clone().unwrap_or_default();
    check_known(server.config(), &audience, (&named, details))?;
    let reach = reach(server.config(), audience, (&scope, details))?;
    if wanted == TokenType::Jwt && reach.terms.format == Some(TokenFormat::Opaque) {
        let text = "tokens for these resources are opaque, and no JWTs";
        return Err(OAuthError::new(ErrorCode::InvalidTarget, text));
    }
    Ok(reach.scope)
}

/// The authorization details that are asked for: of those that the subject token carries, unless the operator lets the
/// client have scope and details of its own.
fn details(
    server: &Server,
    client: &Client,
    subject: &Presented,
    asked: &Asked,
) -> Result<Option<Vec<Object>>, OAuthError> {
    let Some(asked) = &asked.details else { return Ok(None) };
    server.details().check_asked(server.config(), client, asked)?;
    match client.settings.token_exchange.scope_ceiling {
        ScopeCeiling::Client => Ok(Some(asked.clone())),
        ScopeCeiling::Both | ScopeCeiling::SubjectToken => {
            server.details().narrowed(&subject.details, asked).map(Some)
        }
    }
}

/// The resources that `audience` stands for: a resource by its URI, or a client that is a resource server by its id.
async fn named(server: &Server, client: &Client, audience: &[String]) -> Outcome<Vec<String>> {
    let mut resources = Vec::new();
    for name in audience {
        if server.config().offers_resource(&client.settings, name) {
            resources.push(name.clone());
            continue;
        }
        let target = server.client(name).await?.filter(|target| !target.settings.resources.is_empty());
        let Some(target) = target else {
            let text = format!("audience `{name}` is not known to this server");
            return Err(OAuthError::new(ErrorCode::InvalidTarget, text).into());
        };
        resources.extend(target.settings.resources.iter().cloned());
    }
    Ok(resources)
}

/// Some tokens can only be had for some others.
fn check_wanted(client: &Client, wanted: TokenType, subject: &Presented) -> Result<(), OAuthError> {
    let refused = |text: &str| Err(OAuthError::invalid_request(text));
    match wanted {
        TokenType::Jwt if client.settings.access_token.single_use => {
            refused("this client gets single-use tokens, and a JWT cannot be used up")
        }
        TokenType::IdToken if !is_own(client, subject) => {
            refused("an ID token is only issued for a token of this very client about a user")
        }
        TokenType::RefreshToken if !client.may_use(GrantType::RefreshToken) => Err(
            OAuthError::unauthorized_client("client is not registered for the grant type `refresh_token`"),
        ),
        _ => Ok(()),
    }
}

/// The most that may be granted.
fn ceiling(client: &Client, subject: &Presented) -> Scope {
    let of_client = client.registered_scope().unwrap_or_default();
    let of_token = &subject.scope;
    let ceiling = match client.settings.token_exchange.scope_ceiling {
        ScopeCeiling::Client => of_client,
        ScopeCeiling::SubjectToken => of_token.clone(),
        ScopeCeiling::Both => of_client.intersect(of_token),
    };
    // Offline access is a promise of a user to one client, and so is what `openid` stands for.
    let personal: &[&str] =
        if is_own(client, subject) { &["offline_access"] } else { &["offline_access", "openid"] };
    ceiling.difference(&client.denied_scope()).difference(&Scope::from_values(personal.iter().copied()))
}
