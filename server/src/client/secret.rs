//! Client authentication by secret (RFC 6749 section 2.3.1) and for clients without one.

use std::{net::IpAddr, ops::Deref, sync::Arc};

use placet_oauth::{
    client::AuthMethod,
    credentials::Credentials,
    error::{ErrorCode, OAuthError},
};

use super::Client;
use crate::{outcome::Outcome, server::Server, store::Digest};

/// Kind of the digests of client secrets.
pub const CLIENT_SECRET: &str = "client_secret";
/// Kind of the digests of registration access tokens.
pub const REGISTRATION_TOKEN: &str = "registration_token";

/// A client that has proved who it is, as far as its registered method asks for proof.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(Arc<Client>);

impl Deref for AuthenticatedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

impl AuthenticatedClient {
    /// The client.
    pub fn shared(&self) -> &Arc<Client> {
        &self.0
    }
}

/// Authenticates the client of a request from `peer`. An unknown client, a wrong method and a wrong secret are
/// the same to the caller, in words and in work; failures are counted by address and client.
pub async fn authenticate(
    server: &Server,
    credentials: &Credentials,
    peer: IpAddr,
) -> Outcome<AuthenticatedClient> {
    let client_id = credentials.client_id().as_str();
    // Whoever failed too often has to wait also with the right secret: else guessing could go on.
    server.limits().may_try(peer, client_id)?;
    let client = server.client(client_id).await?;
    let none = Digest([0; 32]);
    let (method, secret) = match credentials {
        Credentials::None { .. } => (AuthMethod::None, None),
        Credentials::SecretBasic { secret, .. } => (AuthMethod::ClientSecretBasic, Some(secret)),
        Credentials::SecretPost { secret, .. } => (AuthMethod::ClientSecretPost, Some(secret)),
    };
    let registered = client.as_ref().and_then(|c| c.secret);
    let proved = match secret {
        None => true,
        // Compared also for an unknown client, so that the answer takes as long.
        Some(secret) => {
            server.root().matches(CLIENT_SECRET, secret, &registered.unwrap_or(none)) && registered.is_some()
        }
    };
    match client {
        Some(client) if proved && client.auth_method() == method => Ok(AuthenticatedClient(client)),
        refused => {
            let hint = refused
                .filter(|_| server.config().development)
                .map(|c| format!("client `{}` is registered for `{}`", c.id, c.auth_method().as_str()));
            server.limits().failure(peer, client_id);
            let description = match hint {
                Some(hint) => format!("client authentication failed; {hint}"),
                None => "client authentication failed".to_owned(),
            };
            Err(OAuthError::new(ErrorCode::InvalidClient, description).into())
        }
    }
}
