//! Asking a user who is elsewhere (OpenID CIBA). The library knows nothing of it, so the requests are made here.

use openidconnect::{HttpResponse, core::CoreTokenResponse};
use serde::Deserialize;

use super::{By, Expected, Provider, Tokens};
use crate::failure::Failure;

/// What the provider calls the request by.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Asked {
    pub(crate) auth_req_id: String,
    pub(crate) expires_in: u64,
    /// Seconds between two questions; 5 if the provider does not say (CIBA Core section 7.3).
    #[serde(default = "five")]
    pub(crate) interval: u64,
}

fn five() -> u64 {
    5
}

/// What became of a request.
pub(crate) enum Answered {
    /// The user has not answered yet; `true` if this was asked too often.
    Waiting(bool),
    /// Tokens.
    Tokens(Box<Tokens>),
}

/// What is asked for.
const SCOPE: &str = "openid profile email";

const GRANT: &str = "urn:openid:params:grant-type:ciba";

impl Provider {
    /// Asks for the user whom `hint` means.
    pub(crate) async fn ask(&self, hint: &str, message: &str) -> Result<Asked, Failure> {
        let known = self.known().await?;
        let url = known.endpoints.backchannel_authentication_endpoint.as_deref();
        let url = url.ok_or_else(|| Failure::lacks("backchannel_authentication_endpoint"))?;
        let mut form = vec![("scope", SCOPE), ("login_hint", hint)];
        form.extend((!message.is_empty()).then_some(("binding_message", message)));
        let answer = self.posted((url, "backchannel_authentication_endpoint"), &self.caller, &form).await?;
        read(&answer)
    }

    /// Asks what became of it.
    pub(crate) async fn answered(&self, auth_req_id: &str) -> Result<Answered, Failure> {
        let known = self.known().await?;
        let url = known.client.token_uri().ok_or_else(|| Failure::lacks("token_endpoint"))?;
        let form = [("grant_type", GRANT), ("auth_req_id", auth_req_id)];
        let answer = self.posted((url.as_str(), "token_endpoint"), &self.caller, &form).await?;
        match read::<CoreTokenResponse>(&answer) {
            Ok(tokens) => {
                let expected = Expected {
                    scope: SCOPE.split(' ').map(str::to_owned).collect(),
                    nonce: None,
                    max_age: None,
                    subject: None,
                    id_token: true,
                    client: By::CallCentre,
                };
                Ok(Answered::Tokens(Box::new(self.accept(known, &tokens, expected).await?)))
            }
            Err(Failure::Answered { error, .. }) if error == "authorization_pending" => {
                Ok(Answered::Waiting(false))
            }
            Err(Failure::Answered { error, .. }) if error == "slow_down" => Ok(Answered::Waiting(true)),
            Err(failure) => Err(failure),
        }
    }
}

fn read<T: for<'a> Deserialize<'a>>(answer: &HttpResponse) -> Result<T, Failure> {
    if !answer.status().is_success() {
        return Err(Failure::answered(answer.status(), answer.body()));
    }
    serde_json::from_slice(answer.body())
        .map_err(|error| Failure::Unusable(format!("the answer cannot be read: {error}")))
}
