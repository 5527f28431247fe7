//! Whom a client means (CIBA Core section 7.1).

use placet_oauth::{
    ciba::Hint,
    error::{ErrorCode, OAuthError},
    id::Secret,
    jwt,
};
use placet_sdk::{decision::HintFacts, grant::Object};
use serde_json::Value;

use crate::{
    client::AuthenticatedClient,
    outcome::{Failure, Outcome},
    server::Server,
    token::{authorization_of_jti, is_for, read_hint},
    trusted,
};

/// The hint as policies see it, and the user, where the hint alone says who that is.
///
/// # Errors
///
/// `invalid_request` for a token that proves nothing, `expired_login_hint_token`.
pub(super) async fn read(
    server: &Server,
    client: &AuthenticatedClient,
    hint: &Hint,
) -> Outcome<(HintFacts, Option<String>)> {
    let kind = hint.name().to_owned();
    match hint {
        Hint::LoginHint(text) => Ok((HintFacts { kind, value: Some(text.clone()), claims: None }, None)),
        Hint::LoginHintToken(token) => {
            let claims = token_claims(server, client, token).await?;
            Ok((HintFacts { kind, value: None, claims: Some(claims) }, None))
        }
        Hint::IdTokenHint(token) => {
            let found = read_hint(server, token.expose()).await?;
            let claims = found.filter(|claims| is_for(claims, &client.id)).ok_or_else(|| {
                OAuthError::invalid_request(
                    "`id_token_hint` is not an ID token of this server for this client",
                )
            })?;
            let sub = subject(server, client, &claims).await?;
            Ok((HintFacts { kind, value: None, claims: Some(claims) }, sub))
        }
    }
}

/// The user of an ID token. What a pairwise client sees of a user leads back to nobody but by the authorization that the
/// token was issued under.
async fn subject(server: &Server, client: &AuthenticatedClient, claims: &Object) -> Outcome<Option<String>> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let seen = text("sub").unwrap_or_default();
    if !client.is_pairwise() {
        return Ok(Some(seen.to_owned()));
    }
    let Some(id) = text("jti").and_then(authorization_of_jti) else { return Ok(None) };
    let found = server.store().authorization(&id).await?;
    let sub = found.filter(|found| found.client_id == client.id).map(|found| found.sub);
    Ok(sub.filter(|sub| client.subject(sub, server.root().pairwise_salt()) == seen))
}

/// The claims of a JWT about the user: one of the client itself, or of an issuer that the operator trusts. It is used as
/// often as the client likes until it ends.
async fn token_claims(server: &Server, client: &AuthenticatedClient, token: &Secret) -> Outcome<Object> {
    match trusted::verify(server, client, token.expose()).await {
        Ok(verified) => Ok(verified.claims),
        Err(Failure::Refused(error)) => Err(refused(server, token, &error).into()),
        Err(failure) => Err(failure),
    }
}

fn refused(server: &Server, token: &Secret, error: &OAuthError) -> OAuthError {
    let ends = jwt::parse(token.expose()).ok().and_then(|parsed| parsed.claims.get("exp")?.as_i64());
    if ends.is_some_and(|ends| ends + trusted::SKEW <= server.now()) {
        let text = "the time of `login_hint_token` is over";
        return OAuthError::new(ErrorCode::ExpiredLoginHintToken, text);
    }
    OAuthError::invalid_request(format!("`login_hint_token`: {}", error.description))
}
