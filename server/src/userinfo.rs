//! The `UserInfo` endpoint (OpenID Connect Core section 5.3).

use placet_oauth::{
    error::{ErrorCode, OAuthError},
    id::Secret,
};
use placet_sdk::grant::RESERVED_CLAIMS;
use serde_json::{Map, Value};

use crate::{
    outcome::Outcome,
    server::Server,
    token::{Authorized, active},
};

/// The consented claims about the user whom an access token stands for (OpenID Connect Core section 5.3.2).
///
/// A token that can be used once only is used up by the answer.
pub async fn userinfo(server: &Server, token: &Secret) -> Outcome<Map<String, Value>> {
    let inactive = || OAuthError::invalid_token("the access token is unknown, expired or revoked");
    let found = active(server, token).await?.ok_or_else(inactive)?;
    if !found.is_for(server.issuer()) {
        return Err(OAuthError::invalid_token("the access token is meant for another resource").into());
    }
    if !found.scope().contains("openid") {
        return Err(OAuthError::new(
            ErrorCode::InsufficientScope,
            "the access token lacks the scope `openid`",
        )
        .into());
    }
    let Some(authorization) = &found.authorization else {
        return Err(OAuthError::invalid_token("the access token does not stand for a user").into());
    };
    let authorized = Authorized::read(authorization)?;
    if let Some(digest) = found.single_use
        && !server.store().use_token(&digest, server.now()).await?
    {
        return Err(inactive().into());
    }
    let readable = authorized.within(authorized.claims().userinfo, &found.scope());
    let mut claims = authorized.values(Some(&readable));
    claims.extend(authorized.grant.userinfo.and_then(|preset| preset.claims).unwrap_or_default());
    claims.retain(|name, _| !RESERVED_CLAIMS.contains(&name.as_str()));
    // The same as in the ID token, which the client compares it with (section 5.3.2), also where the access token
    // shows its resource server another one.
    let sub = found.client.subject(&authorization.sub, server.root().pairwise_salt());
    claims.insert("sub".to_owned(), sub.into());
    Ok(claims)
}
