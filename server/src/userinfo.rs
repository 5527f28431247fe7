//! The `UserInfo` endpoint (OpenID Connect Core section 5.3).

use placet_oauth::{
    bearer::{Presented, Scheme},
    client::JwtResponse,
    error::{ErrorCode, OAuthError},
    id::Secret,
};
use placet_sdk::{decision::RequestFacts, grant::is_reserved_claim};
use serde_json::{Map, Value};

use crate::{
    claims::{Target, Wanted, gather, presets},
    client::Client,
    outcome::Outcome,
    possession::{self, Evidence},
    secured,
    server::Server,
    token::{Authorized, active},
};

/// An answer of the endpoint.
#[derive(Debug)]
pub enum UserInfo {
    /// Plain claims.
    Json(Map<String, Value>),
    /// Claims that are signed, encrypted, or both.
    Jwt(Secret),
}

/// The consented claims about the user whom an access token stands for (OpenID Connect Core section 5.3.2).
///
/// A token that can be used once only is used up by the answer.
pub async fn userinfo(
    server: &Server,
    presented: &Presented,
    evidence: Evidence<'_>,
    asking: RequestFacts,
) -> Outcome<UserInfo> {
    let inactive = || OAuthError::invalid_token("the access token is unknown, expired or revoked");
    let Presented { scheme, token } = presented;
    let examined = match scheme {
        Scheme::Bearer => possession::examine(server, Evidence { proof: None, ..evidence }, None)?,
        Scheme::Dpop if evidence.proof.is_none() => {
            let text = "the scheme DPoP needs a proof in the header `DPoP`";
            return Err(OAuthError::invalid_dpop_proof(text).into());
        }
        Scheme::Dpop => possession::examine(server, evidence, Some(token))?,
    };
    let found = active(server, token).await?.ok_or_else(inactive)?;
    let holder = possession::check_holder(server, &found.claims, (*scheme, examined)).await?;
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
    let names = authorized.within(authorized.claims().userinfo, &found.scope());
    let wanted = Wanted {
        client: &found.client,
        authorization,
        authorized: &authorized,
        target: Target::Userinfo,
        names,
        asking,
        pop: holder.facts(&found.client),
    };
    let mut claims = gather(server, wanted).await?;
    let preset = authorized.grant.userinfo.clone().and_then(|preset| preset.claims);
    let preset = presets(server, &authorized, (preset, &claims));
    claims.extend(preset.into_iter().filter(|(name, _)| !is_reserved_claim(name)));
    // The same as in the ID token, which the client compares it with (section 5.3.2), also where the access token
    // shows its resource server another one.
    let sub = found.client.subject(&authorization.sub, server.root().pairwise_salt());
    claims.insert("sub".to_owned(), sub.into());
    let answer = write(server, &found.client, claims).await?;
    // Used up last: nothing that fails before may cost the token.
    if let Some(digest) = found.single_use
        && !server.store().use_token(&digest, server.now()).await?
    {
        return Err(inactive().into());
    }
    Ok(answer)
}

/// The answer as its client registered it (section 5.3.2). It has no `exp`: what has one could be taken for a token.
async fn write(server: &Server, client: &Client, mut claims: Map<String, Value>) -> Outcome<UserInfo> {
    if !secured::is_jwt(client, JwtResponse::Userinfo) {
        return Ok(UserInfo::Json(claims));
    }
    claims.insert("iss".to_owned(), server.issuer().into());
    claims.insert("aud".to_owned(), client.id.clone().into());
    secured::jwt(server, client, JwtResponse::Userinfo, ("JWT", &claims)).await.map(UserInfo::Jwt)
}
