//! Client authentication: by secret (RFC 6749 section 2.3.1), by a JWT, by a certificate, by an attestation, and of clients
//! without any.

use std::{net::IpAddr, ops::Deref, sync::Arc};

use placet_oauth::{
    credentials::Credentials,
    error::{ErrorCode, OAuthError},
};

use super::{
    Client, ClientCertificate, assertion, attestation, certificate, document, secret::CLIENT_SECRET,
};
use crate::{
    ledger::note,
    outcome::{Failure, Outcome},
    possession::{Examined, Possession},
    server::Server,
    store::Digest,
    traces,
};

/// A client that has proved who it is, as far as its registered method asks for proof.
/// Beside that it carries what the same request proved to possess.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    client: Arc<Client>,
    possession: Possession,
}

impl Deref for AuthenticatedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl AuthenticatedClient {
    /// The client.
    pub fn shared(&self) -> &Arc<Client> {
        &self.client
    }

    /// A client that proved who it is with an earlier request, for what is sent to it because of that. It proves nothing
    /// now.
    pub(crate) fn earlier(client: Arc<Client>) -> Self {
        Self { client, possession: Possession::default() }
    }

    /// The same client with what its request proved to possess, besides the key of its instance.
    #[must_use]
    pub fn with_possession(self, possession: Possession) -> Self {
        let instance = self.possession.instance().cloned();
        Self { possession: possession.of_instance(instance), ..self }
    }

    /// What its request proved to possess: tokens are bound to it, and bound tokens ask for it.
    pub fn possession(&self) -> &Possession {
        &self.possession
    }
}

/// Who sends a request, and where to.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// The address that it comes from.
    pub peer: IpAddr,
    /// The path of the endpoint.
    pub endpoint: &'a str,
    /// The certificate of the connection, if there is one.
    pub certificate: Option<&'a ClientCertificate>,
    /// The DPoP proof, as far as it was looked at. Where it is the proof of an attested client too, the caller uses it up
    /// after the authentication, as any other.
    pub proof: Option<&'a Examined<'a>>,
}

impl<'a> Sender<'a> {
    /// The same with a DPoP proof.
    #[must_use]
    pub fn with(self, proof: &'a Examined<'a>) -> Self {
        Self { proof: Some(proof), ..self }
    }
}

/// Authenticates the client of a request. An unknown client, a wrong method and a wrong secret are the same to the
/// caller, in words and in work; failures are counted by address and client.
pub async fn authenticate(
    server: &Server,
    credentials: &Credentials,
    sender: Sender<'_>,
) -> Outcome<AuthenticatedClient> {
    let Sender { peer, endpoint, certificate, proof } = sender;
    let client_id = credentials.client_id().as_str();
    // Whoever failed too often has to wait also with the right secret: else guessing could go on.
    server.limits().may_try(peer, client_id)?;
    let client = document::presented(server, client_id).await.inspect_err(|failure| {
        if matches!(failure, Failure::Refused(_)) {
            server.limits().failure(peer, client_id);
        }
    })?;
    let registered = client.as_ref().and_then(|c| c.secret);
    let proved = match credentials {
        Credentials::None { .. } | Credentials::Assertion { .. } | Credentials::Attestation { .. } => true,
        // Compared also for an unknown client, so that the answer takes as long.
        Credentials::SecretBasic { secret, .. } | Credentials::SecretPost { secret, .. } => {
            let digest = registered.unwrap_or(Digest([0; 32]));
            server.root().matches(CLIENT_SECRET, secret, &digest) && registered.is_some()
        }
    };
    let Some(client) = client.as_ref().filter(|c| proved && credentials.fit(c.auth_method())) else {
        server.limits().failure(peer, client_id);
        return Err(unproved(server, client.as_deref()).into());
    };
    let outcome = match credentials {
        Credentials::Assertion { assertion, .. } => {
            assertion::prove(server, client, (assertion, endpoint)).await.map(|()| None)
        }
        Credentials::Attestation { attested, .. } if client.auth_method().needs_attestation() => {
            attestation::prove(server, client, attested, proof).await.map(Some)
        }
        _ if client.auth_method().needs_certificate() => {
            by_certificate(server, client, certificate).await.map(|()| None)
        }
        _ => Ok(None),
    };
    if let Err(Failure::Refused(error)) = &outcome
        // It asks for the challenge by this.
        && error.code != ErrorCode::UseAttestationChallenge
    {
        server.limits().failure(peer, client_id);
    }
    let possession = Possession::of_connection(certificate).of_instance(outcome?);
    traces::note("placet.client_id", || client.id.clone());
    note(|noted| noted.client(&client.id));
    Ok(AuthenticatedClient { client: client.clone(), possession })
}

/// What is wrong with a certificate is for the log: the caller is told what everybody is told who proves nothing.
async fn by_certificate(server: &Server, client: &Client, shown: Option<&ClientCertificate>) -> Outcome<()> {
    let proved = match shown {
        Some(certificate) => certificate::prove(server, client, certificate).await?,
        None => Err("the request came without a certificate".to_owned()),
    };
    proved.map_err(|reason| {
        let subject = shown.and_then(ClientCertificate::subject).map(|subject| subject.to_string());
        let thumbprint = shown.map(ClientCertificate::thumbprint);
        tracing::info!(client = %client.id, reason, thumbprint, subject, "a certificate proves nothing");
        unproved(server, Some(client)).into()
    })
}

fn unproved(server: &Server, client: Option<&Client>) -> OAuthError {
    let hint = client
        .filter(|_| server.config().development)
        .map(|c| format!("; client `{}` is registered for `{}`", c.id, c.auth_method().as_str()));
    let description = format!("client authentication failed{}", hint.unwrap_or_default());
    OAuthError::new(ErrorCode::InvalidClient, description)
}
