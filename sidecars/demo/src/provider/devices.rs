//! The device authorization grant (RFC 8628), with the library's own loop.

use openidconnect::{OAuth2TokenResponse, Scope, core::CoreDeviceAuthorizationResponse};

use super::{By, Expected, Provider, Tokens};
use crate::failure::Failure;

/// What the television asks for, next to `openid`.
const SCOPE: [&str; 2] = ["profile", "offline_access"];

impl Provider {
    /// Codes for a television.
    pub(crate) async fn device_codes(&self) -> Result<CoreDeviceAuthorizationResponse, Failure> {
        let known = self.known().await?;
        let http = self.http.caller();
        let url = known.endpoints.device_authorization_endpoint.clone();
        let url = url.ok_or_else(|| Failure::lacks("device_authorization_endpoint"))?;
        let client = known.television.clone().set_device_authorization_url(url);
        let request =
            client.exchange_device_code().add_scopes(SCOPE.map(|scope| Scope::new(scope.to_owned())));
        Ok(request.request_async(&http).await?)
    }

    /// Asks until somebody has answered, or the codes have expired.
    pub(crate) async fn device_tokens(
        &self,
        details: &CoreDeviceAuthorizationResponse,
    ) -> Result<Tokens, Failure> {
        let known = self.known().await?;
        let http = self.http.caller();
        let request = known.television.exchange_device_access_token(details)?;
        let answer = request.request_async(&http, tokio::time::sleep, None).await?;
        let expected = Expected {
            scope: answer.scopes().into_iter().flatten().map(|scope| scope.to_string()).collect(),
            nonce: None,
            max_age: None,
            subject: None,
            id_token: true,
            client: By::Television,
        };
        self.accept(known, &answer, expected).await
    }
}
