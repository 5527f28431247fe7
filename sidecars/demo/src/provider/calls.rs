//! What can be done with the tokens at the provider.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{Method, header};
use openidconnect::{AccessToken, HttpRequest, HttpResponse, UserInfoClaims, core::CoreGenderClaim};
use serde_json::Value;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::{Credentials, Others, Provider, Tokens};
use crate::failure::Failure;

type UserInfo = UserInfoClaims<Others, CoreGenderClaim>;

impl Provider {
    /// The claims of the `UserInfo` endpoint; the library checks that they are about the same subject.
    pub(crate) async fn user_info(&self, tokens: &Tokens) -> Result<Value, Failure> {
        let known = self.known().await?;
        let http = self.http.caller();
        let request = known.client.user_info(tokens.access.clone(), tokens.subject.clone())?;
        let claims: UserInfo = request.request_async(&http).await?;
        shown(serde_json::to_value(claims))
    }

    /// What the provider says about the access token (RFC 7662).
    pub(crate) async fn introspect(&self, tokens: &Tokens) -> Result<Value, Failure> {
        self.introspect_token(&tokens.access).await
    }

    /// What the provider says about an access token that somebody brought.
    pub(crate) async fn introspect_token(&self, token: &AccessToken) -> Result<Value, Failure> {
        let known = self.known().await?;
        let http = self.http.caller();
        let url = known.endpoints.introspection_endpoint.clone();
        let url = url.ok_or_else(|| Failure::lacks("introspection_endpoint"))?;
        let client = known.client.clone().set_introspection_url(url);
        let answer =
            client.introspect(token).set_token_type_hint("access_token").request_async(&http).await?;
        shown(serde_json::to_value(answer))
    }

    /// Ends a token (RFC 7009). The library refuses to do so over plain HTTP, even within one machine, where a
    /// development provider lives; so this request is made here.
    pub(crate) async fn revoke(&self, token: &str, hint: &str) -> Result<(), Failure> {
        let known = self.known().await?;
        let url = known.endpoints.revocation_endpoint.as_ref();
        let url = url.ok_or_else(|| Failure::lacks("revocation_endpoint"))?;
        let own = Credentials { id: self.client_id.to_string(), secret: self.client_secret.clone() };
        let form = [("token", token), ("token_type_hint", hint)];
        let answer = self.posted((url.as_str(), "revocation_endpoint"), &own, &form).await?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(Failure::answered(answer.status(), answer.body()))
        }
    }

    /// Posts a form to the endpoint at `url`, which metadata call `member`, as the client of these credentials.
    pub(super) async fn posted(
        &self,
        (url, member): (&str, &'static str),
        client: &Credentials,
        form: &[(&str, &str)],
    ) -> Result<HttpResponse, Failure> {
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        // RFC 6749, section 2.3.1: identifier and secret are form-encoded first.
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let credentials = format!("{}:{}", encoded(&client.id), encoded(client.secret.secret()));
        let request = HttpRequest::new(body.into_bytes());
        let (mut parts, body) = request.into_parts();
        parts.method = Method::POST;
        parts.uri = url.parse().map_err(|_| Failure::lacks(member))?;
        let basic = format!("Basic {}", BASE64_STANDARD.encode(credentials));
        for (name, value) in [
            (header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
            (header::ACCEPT, "application/json"),
            (header::AUTHORIZATION, &basic),
        ] {
            parts.headers.insert(name, value.parse().expect("these values are ASCII"));
        }
        Ok((self.http.caller())(HttpRequest::from_parts(parts, body)).await?)
    }
}

fn shown(value: Result<Value, serde_json::Error>) -> Result<Value, Failure> {
    value.map_err(|error| Failure::Unusable(format!("the answer cannot be shown: {error}")))
}
