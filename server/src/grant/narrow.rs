//! Asking the policies of a grant whose user has decided already: they can only narrow it.

use placet_sdk::{
    Instant,
    decision::{
        AuthorizationFacts, GrantFacts, HookType, Party, PartySource, PartyType, RefreshTokenSection,
        RequestFacts, Requested,
    },
    grant::{Authentication, Object},
};

use super::decide::decide;
use crate::{
    client::AuthenticatedClient,
    outcome::Outcome,
    policy::{Question, ceiling},
    server::Server,
    store::AuthorizationRecord,
    token::Authorized,
};

/// What is asked of a stored authorization.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// The decision point.
    pub(super) hook: HookType,
    /// The request.
    pub(super) asking: &'a RequestFacts,
    /// The scope that the request names, if it does.
    pub(super) requested: Option<Vec<String>>,
    /// Facts of a refresh.
    pub(super) refresh: Option<RefreshTokenSection>,
    /// Whether there would be a refresh token.
    pub(super) family: bool,
}

/// The authorization as the policies of the grant narrow it for this once, and extra members of the answer.
pub(super) async fn narrow(
    server: &Server,
    client: &AuthenticatedClient,
    asked: Asked<'_>,
    (authorization, mut authorized): (&AuthorizationRecord, Authorized),
) -> Outcome<(Authorized, Object)> {
    if !server.policies().asks(asked.hook) {
        return Ok((authorized, Object::new()));
    }
    let mut question = Question::asked_by(asked.hook, client, asked.asking.clone());
    let request = &mut question.request;
    request.subject = Some(Party {
        sub: authorization.sub.clone(),
        party_type: PartyType::User,
        source: PartySource::Authorization,
        claims: None,
    });
    let grant = &authorized.grant;
    request.refresh_token = asked.refresh;
    if asked.hook != HookType::GrantRefreshToken {
        request.authorization = Some(AuthorizationFacts {
            id: authorization.id.clone(),
            kind: "authorization".to_owned(),
            granted_at: Instant(authorization.created_at),
            scope: grant.scope.clone().unwrap_or_default(),
            resources: grant.resources.clone().unwrap_or_default(),
            data: grant.data.clone(),
            claims_context: grant.claims_context.clone(),
        });
    }
    let facts = GrantFacts {
        grant_type: Some(
            if asked.hook == HookType::GrantRefreshToken { "refresh_token" } else { "authorization_code" }
                .to_owned(),
        ),
        authorization_id: Some(authorization.id.clone()),
        requested: Requested { scope: asked.requested.clone(), ..Requested::default() },
    };
    let mut proposed = grant.clone();
    proposed.sub = Some(authorization.sub.clone());
    proposed.data = None;
    proposed.claims_context = None;
    proposed.authentication = Some(Authentication {
        authenticated_at: Some(Instant(authorized.authenticated_at)),
        acr: authorized.acr.clone(),
        amr: Some(authorized.amr.clone()),
    });
    if asked.requested.is_some() {
        proposed.scope = asked.requested;
    }
    let openid = authorized.scope().contains("openid");
    let id_token = openid && grant.id_token.as_ref().and_then(|s| s.issue).unwrap_or(true);
    let proposed = ceiling::effective(server, client, proposed, (asked.family, id_token));
    let limits = ceiling::narrow_only(client, &proposed);
    let settled = decide(server, question, facts, (proposed, limits)).await?;
    let (data, context) = (authorized.grant.data.take(), authorized.grant.claims_context.take());
    authorized.grant = settled.grant;
    // What stands in the authorization itself is no matter of the grant's settings.
    authorized.grant.sub = None;
    authorized.grant.authentication = None;
    authorized.grant.data = data;
    authorized.grant.claims_context = context;
    Ok((authorized, settled.extra))
}
