//! The JWT bearer grant (RFC 7523 section 2.1). A client may vouch for itself; what others vouch for, a policy of the
//! type `grant.jwt_bearer` turns into a local subject.

use placet_oauth::{
    error::OAuthError,
    grant_type::GrantType,
    id::Secret,
    token_request::{Asked, TokenResponse},
};
use placet_sdk::decision::{
    HookType, JwtAssertion, JwtBearerSection, JwtIssuer, JwtVerified, Party, PartySource, PartyType,
    RequestFacts, Trust,
};

use super::establish::{Establish, establish};
use crate::{
    client::AuthenticatedClient,
    outcome::Outcome,
    policy::Question,
    server::Server,
    store::Once,
    trusted::{self, USED_ASSERTION, VerifiedJwt},
};

pub(super) async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    (assertion, asked): (&Secret, Asked),
    asking: &RequestFacts,
) -> Outcome<TokenResponse> {
    const HOOK: HookType = HookType::GrantJwtBearer;
    let verified = trusted::verify(server, client, assertion.expose()).await?;
    let for_itself = verified.own && verified.sub() == client.id;
    if !for_itself && !server.policies().has(HOOK) {
        return Err(
            OAuthError::invalid_grant("no policy of this server says whose tokens these would be").into()
        );
    }
    let mut question = Question::asked_by(HOOK, client, asking.clone());
    question.request.subject = Some(Party {
        sub: verified.sub().to_owned(),
        party_type: if for_itself { PartyType::Client } else { PartyType::External },
        source: PartySource::Assertion,
        claims: None,
    });
    question.request.jwt_bearer = Some(section(&verified));
    let wanted = Establish {
        grant_type: GrantType::JwtBearer,
        question,
        asked,
        sub: for_itself.then(|| client.id.clone()),
        authentication: None,
        consume: vec![Once {
            kind: USED_ASSERTION,
            id: verified.id.clone(),
            expires_at: verified.remembered_until(),
        }],
        people: false,
        bound: verified.confirmation.is_some(),
    };
    establish(server, client, wanted).await
}

fn section(verified: &VerifiedJwt) -> JwtBearerSection {
    JwtBearerSection {
        trust: if verified.own { Trust::Own } else { Trust::ThirdParty },
        issuer: JwtIssuer { id: verified.issuer.clone(), jwks_source: verified.jwks_source.to_owned() },
        assertion: JwtAssertion { header: verified.header.clone(), claims: verified.claims.clone() },
        verified: JwtVerified { signature: true, audience: true, replay_checked: true },
    }
}
