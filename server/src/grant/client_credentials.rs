//! The client credentials grant (RFC 6749 section 4.4).

use placet_oauth::{error::OAuthError, scope::Scope, token_request::TokenResponse};
use placet_sdk::{
    decision::{
        ClientCredentialsSection, GrantFacts, HookType, Party, PartySource, PartyType, RequestFacts,
        Requested,
    },
    grant::{Grant, Object},
};

use super::decide::{Settled, decide};
use crate::{
    client::AuthenticatedClient,
    outcome::Outcome,
    policy::{Question, ceiling},
    server::Server,
    token::{AccessRequest, mint_access},
};

/// Values that only make sense where a person took part.
const OF_PEOPLE: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

pub(super) async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    asked: Option<Scope>,
    resources: &[String],
    asking: &RequestFacts,
) -> Outcome<TokenResponse> {
    if client.is_public() {
        return Err(OAuthError::unauthorized_client("a public client has no credentials of its own").into());
    }
    let possible = client
        .registered_scope()
        .unwrap_or_default()
        .difference(&Scope::from_values(OF_PEOPLE))
        .difference(&client.denied_scope());
    let requested = asked.as_ref().map(Scope::to_vec);
    let scope = match asked {
        None => possible,
        Some(asked) if asked.is_subset(&possible) => asked,
        Some(asked) => {
            let more = asked.difference(&possible);
            return Err(OAuthError::invalid_scope(format!("client is not registered for `{more}`")).into());
        }
    };
    let scope = client.assign(&scope);
    server.config().check_resources(resources)?;
    let Settled { grant, extra, .. } = settle(server, client, asking, (requested, &scope, resources)).await?;
    let scope = Scope::from_values(grant.scope.clone().unwrap_or_default());
    let access = mint_access(
        server,
        &AccessRequest {
            client,
            sub: None,
            scope: &scope,
            authorization_id: None,
            grant: &grant,
            facts: Object::new(),
            not_after: None,
            holder: client.possession(),
        },
    )?;
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
        scope,
        extra,
    })
}

/// What the policies make of it; without any, what was asked.
async fn settle(
    server: &Server,
    client: &AuthenticatedClient,
    asking: &RequestFacts,
    (requested, scope, resources): (Option<Vec<String>>, &Scope, &[String]),
) -> Outcome<Settled> {
    const HOOK: HookType = HookType::GrantClientCredentials;
    let grant =
        Grant { scope: Some(scope.to_vec()), resources: Some(resources.to_vec()), ..Grant::default() };
    if !server.policies().asks(HOOK) {
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
        requested: Requested {
            scope: requested,
            resources: (!resources.is_empty()).then(|| resources.to_vec()),
            ..Requested::default()
        },
    };
    let proposed = ceiling::effective(server, client, grant, (false, false));
    let limits = ceiling::narrow_only(client, &proposed);
    decide(server, question, facts, (proposed, limits)).await
}
