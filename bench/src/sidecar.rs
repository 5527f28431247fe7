//! A policy that allows what is proposed, so that what is measured is the asking.

use placet_sdk::policy::{ClientCredentials, Decision, Policy, TokenExchange, serve as serve_policy};

use crate::wire::Broken;

struct Allow;

impl Policy for Allow {
    async fn client_credentials(&self, x: ClientCredentials) -> Decision<ClientCredentials> {
        x.allow()
    }

    async fn token_exchange(&self, x: TokenExchange) -> Decision<TokenExchange> {
        x.allow()
    }
}

/// Serves until the process ends; `PLACET_SECRET` and `PORT` are those of every sidecar.
pub(crate) async fn serve() -> Result<(), Broken> {
    serve_policy(Allow).from_env().await.map_err(|error| Broken::Answer(error.to_string()))
}
