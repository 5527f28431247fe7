//! Getting tokens, and believing them only once they are verified.

use std::{sync::Arc, time::Duration};

use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClaimsVerificationError, Nonce, OAuth2TokenResponse,
    PkceCodeVerifier, RefreshToken, SubjectIdentifier, TokenResponse,
    core::{CoreIdToken, CoreTokenResponse},
};
use tokio::time::Instant;

use super::{Known, Provider};
use crate::{ambient, failure::Failure};

/// How far two clocks may be apart, in seconds.
const SKEW: i64 = 60;

/// What a sign-in or a refresh yielded. No `Debug`: it is full of secrets.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: AccessToken,
    pub(crate) token_type: String,
    pub(crate) refresh: Option<RefreshToken>,
    pub(crate) id: Option<CoreIdToken>,
    pub(crate) subject: Option<SubjectIdentifier>,
    pub(crate) scope: Vec<String>,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) since: Instant,
}

/// What the request asked for, and the answer has to keep to.
pub(crate) struct Expected {
    pub(crate) scope: Vec<String>,
    /// None for a refresh: its ID token need not repeat the nonce (OpenID Connect Core, section 12.2).
    pub(crate) nonce: Option<Nonce>,
    /// In seconds.
    pub(crate) max_age: Option<u64>,
    /// Whose ID token a refresh has to yield.
    pub(crate) subject: Option<SubjectIdentifier>,
    pub(crate) id_token: bool,
    pub(crate) client: By,
}

/// Which of the clients that this app plays asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    App,
    Television,
    CallCentre,
}

impl Provider {
    /// Exchanges the code and verifies what comes back.
    pub(crate) async fn exchange(
        &self,
        code: AuthorizationCode,
        verifier: PkceCodeVerifier,
        expected: Expected,
    ) -> Result<Tokens, Failure> {
        let known = self.known().await?;
        let http = self.http.caller();
        let answer =
            known.client.exchange_code(code)?.set_pkce_verifier(verifier).request_async(&http).await?;
        self.accept(known, &answer, expected).await
    }

    /// Trades the refresh token for new tokens; what the answer leaves out stays as it was.
    pub(crate) async fn refresh(&self, tokens: &Tokens, refresh: &RefreshToken) -> Result<Tokens, Failure> {
        let known = self.known().await?;
        let http = self.http.caller();
        let answer = known.client.exchange_refresh_token(refresh)?.request_async(&http).await?;
        let expected = Expected {
            scope: tokens.scope.clone(),
            nonce: None,
            max_age: None,
            subject: tokens.subject.clone(),
            id_token: false,
            client: By::App,
        };
        let mut fresh = self.accept(known, &answer, expected).await?;
        fresh.refresh = fresh.refresh.or_else(|| Some(refresh.clone()));
        fresh.id = fresh.id.or_else(|| tokens.id.clone());
        fresh.subject = fresh.subject.or_else(|| tokens.subject.clone());
        Ok(fresh)
    }

    pub(super) async fn accept(
        &self,
        known: Arc<Known>,
        answer: &CoreTokenResponse,
        expected: Expected,
    ) -> Result<Tokens, Failure> {
        let subject = match answer.id_token() {
            Some(id) => Some(self.subject(known, id, answer.access_token(), &expected).await?),
            None if expected.id_token => {
                return Err(Failure::Unusable("the token response has no `id_token`".to_owned()));
            }
            None => None,
        };
        // RFC 6749, section 5.1: the scope may be left out when it is what was asked for.
        let scope =
            answer.scopes().map_or(expected.scope, |scopes| scopes.iter().map(|s| s.to_string()).collect());
        Ok(Tokens {
            access: answer.access_token().clone(),
            token_type: answer.token_type().as_ref().to_owned(),
            refresh: answer.refresh_token().cloned(),
            id: answer.id_token().cloned(),
            subject,
            scope,
            lifetime: answer.expires_in(),
            since: Instant::now(),
        })
    }

    /// Verifies the ID token and tells whose it is.
    async fn subject(
        &self,
        known: Arc<Known>,
        id: &CoreIdToken,
        access: &AccessToken,
        expected: &Expected,
    ) -> Result<SubjectIdentifier, Failure> {
        let subject = match verify(&known, id, access, expected) {
            // The key may be newer than the keys we remember.
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                verify(&*self.known_anew().await?, id, access, expected)?
            }
            verified => verified?,
        };
        match &expected.subject {
            Some(before) if *before != subject => Err(Failure::Rejected(
                "sub_mismatch",
                "the refresh yielded the ID token of somebody else".to_owned(),
            )),
            _ => Ok(subject),
        }
    }
}

fn verify(
    known: &Known,
    id: &CoreIdToken,
    access: &AccessToken,
    expected: &Expected,
) -> Result<SubjectIdentifier, ClaimsVerificationError> {
    let max_age = expected.max_age;
    let client = match expected.client {
        By::App => &known.client,
        By::Television => &known.television,
        By::CallCentre => &known.call_centre,
    };
    let verifier = client
        .id_token_verifier()
        .set_auth_time_verifier_fn(move |at| recent_enough(max_age, at.map(|at| at.timestamp())));
    let claims = match &expected.nonce {
        Some(nonce) => id.claims(&verifier, nonce)?,
        None => id.claims(&verifier, |_: Option<&Nonce>| Ok(()))?,
    };
    if let Some(hash) = claims.access_token_hash() {
        let signature = ClaimsVerificationError::SignatureVerification;
        let alg = id.signing_alg().map_err(signature)?;
        let key = id.signing_key(&verifier).map_err(signature)?;
        let actual = AccessTokenHash::from_token(access, alg, key)
            .map_err(|error| ClaimsVerificationError::Other(format!("at_hash cannot be made: {error}")))?;
        if actual != *hash {
            return Err(ClaimsVerificationError::Other("`at_hash` is not of this access token".to_owned()));
        }
    }
    Ok(claims.subject().clone())
}

/// OpenID Connect Core, section 3.1.3.7, item 13.
fn recent_enough(max_age: Option<u64>, auth_time: Option<i64>) -> Result<(), String> {
    match (max_age, auth_time) {
        (None, _) => Ok(()),
        (Some(_), None) => Err("`max_age` was asked for, and `auth_time` is missing".to_owned()),
        (Some(max_age), Some(at)) => {
            let age = ambient::now().saturating_sub(at).saturating_sub(SKEW);
            if age > i64::try_from(max_age).unwrap_or(i64::MAX) {
                return Err(format!("`max_age` was {max_age}, and the sign-in is older"));
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_older_than_max_age_is_refused() {
        let now = ambient::now();
        assert!(recent_enough(Some(30), Some(now - 20)).is_ok());
        assert!(recent_enough(Some(30), Some(now - 30 - SKEW - 5)).is_err());
    }

    #[test]
    fn auth_time_must_be_told_when_max_age_was_asked() {
        assert!(recent_enough(Some(30), None).is_err());
        assert!(recent_enough(None, None).is_ok());
    }
}
