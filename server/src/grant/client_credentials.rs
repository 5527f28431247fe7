//! The client credentials grant (RFC 6749 section 4.4).

use placet_oauth::{error::OAuthError, scope::Scope, token_request::TokenResponse};
use placet_sdk::grant::{Grant, Object};

use crate::{
    client::Client,
    outcome::Outcome,
    server::Server,
    token::{AccessRequest, mint_access},
};

/// Values that only make sense where a person took part.
const OF_PEOPLE: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

pub(super) async fn exchange(
    server: &Server,
    client: &Client,
    asked: Option<Scope>,
    resources: &[String],
) -> Outcome<TokenResponse> {
    if client.is_public() {
        return Err(OAuthError::unauthorized_client("a public client has no credentials of its own").into());
    }
    let possible = client
        .registered_scope()
        .unwrap_or_default()
        .difference(&Scope::from_values(OF_PEOPLE))
        .difference(&client.denied_scope());
    let scope = match asked {
        None => possible,
        Some(asked) if asked.is_subset(&possible) => asked,
        Some(asked) => {
            let more = asked.difference(&possible);
            return Err(OAuthError::invalid_scope(format!("client is not registered for `{more}`")).into());
        }
    };
    let scope = client.assign(&scope);
    server.config().check_resources(resources)?;
    let access = mint_access(
        server,
        &AccessRequest {
            client,
            sub: None,
            scope: &scope,
            resources,
            authorization_id: None,
            grant: &Grant::default(),
            facts: Object::new(),
            not_after: None,
        },
    )?;
    if let Some(record) = access.record {
        server.store().insert_token(record).await?;
    }
    Ok(TokenResponse {
        access_token: access.value,
        expires_in: u64::try_from(access.expires_in).unwrap_or(0),
        refresh_token: None,
        id_token: None,
        scope,
    })
}
