//! The client credentials grant (RFC 6749 section 4.4).

use placet_oauth::{
    error::OAuthError,
    resource::OPENID_SCOPE,
    scope::Scope,
    token_request::{Asked, TokenResponse},
};
use placet_sdk::{
    decision::{
        ClientCredentialsSection, GrantFacts, GrantLimits, HookType, Party, PartySource, PartyType,
        RequestFacts,
    },
    grant::{Grant, Object},
};

use super::{
    decide::{Settled, decide, requested},
    wanted::wanted,
};
use crate::{
    client::AuthenticatedClient,
    outcome::Outcome,
    policy::{Question, ceiling},
    server::Server,
    token::{AccessRequest, Reach, audience, mint_access, reach},
};

pub(super) async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    asked: &Asked,
    asking: &RequestFacts,
) -> Outcome<TokenResponse> {
    if client.is_public() {
        return Err(OAuthError::unauthorized_client("a public client has no credentials of its own").into());
    }
    // Values that only make sense where a person took part cannot be had.
    let grant = wanted(server, client, asked, &Scope::from_values(OPENID_SCOPE))?;
    let Settled { mut grant, extra, .. } = settle(server, client, asking, (asked, grant)).await?;
    let scope = Scope::from_values(grant.scope.clone().unwrap_or_default());
    let audience = audience(server, client, &grant);
    let named = grant.authorization_details.take();
    let Reach { audience, terms, scope, details } =
        reach(server.config(), audience, (&scope, named.as_deref().unwrap_or_default()))?;
    grant.authorization_details = named.map(|_| details);
    let access = mint_access(
        server,
        &AccessRequest {
            client,
            sub: None,
            scope: &scope,
            authorization_id: None,
            grant: &grant,
            audience: &audience,
            terms: &terms,
            facts: Object::new(),
            not_after: None,
            holder: client.possession(),
        },
    )
    .await?;
    if let Some(record) = access.record {
        server.store().insert_token(record).await?;
    }
    Ok(TokenResponse {
        access_token: access.value,
        issued_token_type: None,
        token_type: access.token_type,
        expires_in: u64::try_from(access.expires_in).unwrap_or(0),
        refresh_token: None,
        id_token: None,
        device_secret: None,
        scope,
        details: grant.authorization_details,
        extra,
    })
}

/// What the policies make of it; without any, what was asked.
async fn settle(
    server: &Server,
    client: &AuthenticatedClient,
    asking: &RequestFacts,
    (asked, grant): (&Asked, Grant),
) -> Outcome<Settled> {
    const HOOK: HookType = HookType::GrantClientCredentials;
    if !server.policies().asks_about(HOOK, client) {
        return Ok(Settled { grant, extra: Object::new(), changed_subject_by: None });
    }
    let mut question = Question::asked_by(HOOK, client, asking.clone());
    question.request.client_credentials = Some(ClientCredentialsSection::default());
    question.request.subject = Some(Party {
        sub: client.id.clone(),
        party_type: PartyType::Client,
        source: PartySource::Client,
        claims: None,
    });
    let facts = GrantFacts {
        grant_type: Some("client_credentials".to_owned()),
        authorization_id: None,
        requested: requested(asked),
    };
    let proposed = ceiling::effective(server, client, grant, (false, false));
    let limits = GrantLimits {
        enrichable: server.details().enrichable(),
        ..ceiling::narrow_only(server, client, &proposed)
    };
    decide(server, question, facts, (proposed, limits)).await
}
