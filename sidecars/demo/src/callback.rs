//! The provider's answer to a sign-in.

use std::collections::HashMap;

use openidconnect::AuthorizationCode;
use url::form_urlencoded;

use crate::{
    ambient,
    app::{App, Browser, Pending},
    failure::Failure,
    provider::{By, Expected, Tokens},
};

/// The parameters of an authorization response.
#[derive(Default)]
pub(crate) struct Parameters(HashMap<String, String>);

impl Parameters {
    /// RFC 6749, section 3.1: a parameter must not be repeated.
    pub(crate) fn parse(encoded: &[u8]) -> Result<Self, Failure> {
        let mut parameters = HashMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if parameters.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(Failure::Rejected("response_invalid", format!("`{name}` is repeated")));
            }
        }
        Ok(Self(parameters))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl App {
    /// Keeps a posted answer, and yields where the browser picks it up. A post from another site comes without our
    /// `SameSite=Lax` cookie; the request that follows the redirect has it.
    pub(crate) fn keep_posted(&self, body: &[u8]) -> Result<String, Failure> {
        let id = ambient::secret();
        self.posted.put(id.clone(), Parameters::parse(body)?);
        Ok(format!("/callback?posted={id}"))
    }

    /// Finishes a sign-in; yields the browser's new cookie, and whether a transfer waits for it.
    pub(crate) async fn callback(
        &self,
        query: &str,
        cookie: Option<String>,
    ) -> Result<(String, bool), Failure> {
        let mut answer = Parameters::parse(query.as_bytes())?;
        if let Some(id) = answer.get("posted") {
            // Taken once: a reload of the page finds nothing, as it would find the state used.
            answer = self.posted.take_if(id, |_| true).unwrap_or_default();
        }
        let (cookie, pending) = self.pending(&answer, cookie)?;
        self.check_issuer(&answer).await?;
        if let Some(error) = answer.get("error") {
            return Err(Failure::Answered {
                error: error.to_owned(),
                description: answer.get("error_description").map(str::to_owned),
            });
        }
        let code = answer.get("code").ok_or_else(|| {
            Failure::Rejected("response_invalid", "it has neither `code` nor `error`".to_owned())
        })?;
        let expected = Expected {
            scope: pending.scope,
            nonce: Some(pending.nonce),
            max_age: pending.max_age,
            subject: None,
            id_token: pending.openid,
            client: By::App,
        };
        let code = AuthorizationCode::new(code.to_owned());
        let tokens = self.provider.exchange(code, pending.verifier, expected).await?;
        Ok((self.signed_in(&cookie, pending.tag, tokens), pending.step_up))
    }

    /// The sign-in that `state` stands for, if it was started by this browser and is not over.
    fn pending(&self, answer: &Parameters, cookie: Option<String>) -> Result<(String, Pending), Failure> {
        let mismatch = |reason: &str| Failure::Rejected("state_mismatch", reason.to_owned());
        let state =
            answer.get("state").ok_or_else(|| mismatch("`state` is missing, or the answer was used"))?;
        let cookie = cookie.ok_or_else(|| mismatch("this browser started no sign-in"))?;
        let tag = self.browsers.with(&cookie, |browser| browser.tag.clone());
        let tag = tag.ok_or_else(|| mismatch("this browser started no sign-in"))?;
        let pending = self.pending.take_if(state, |pending| ambient::same(&pending.tag, &tag));
        let pending = pending.ok_or_else(|| {
            mismatch("no sign-in of this browser waits for this answer: it was used, is too old, or is somebody else's")
        })?;
        Ok((cookie, pending))
    }

    /// RFC 9207: the answer must come from the provider that was asked.
    async fn check_issuer(&self, answer: &Parameters) -> Result<(), Failure> {
        let expected = self.provider.issuer.as_str();
        match answer.get("iss") {
            Some(iss) if iss == expected => Ok(()),
            Some(iss) => {
                Err(Failure::Rejected("iss_mismatch", format!("`{iss}` answered, `{expected}` was asked")))
            }
            None if self.provider.known().await?.endpoints.authorization_response_iss_parameter_supported => {
                Err(Failure::Rejected("iss_mismatch", "`iss` is missing".to_owned()))
            }
            None => Ok(()),
        }
    }

    /// Remembers the tokens under a new cookie, so that one planted before the sign-in is worth nothing.
    fn signed_in(&self, cookie: &str, tag: String, tokens: Tokens) -> String {
        let before = self.browsers.take_if(cookie, |_| true);
        // What one user began, another must not finish.
        let same = |before: &Browser| before.tokens.as_ref().is_some_and(|t| t.subject == tokens.subject);
        let transfer = before.filter(same).and_then(|before| before.transfer);
        let fresh = ambient::secret();
        self.browsers.put(fresh.clone(), Browser { tag, tokens: Some(tokens), transfer, ..Browser::new() });
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused() {
        assert!(Parameters::parse(b"code=a&state=b").is_ok());
        assert!(Parameters::parse(b"code=a&state=b&code=c").is_err());
    }
}
