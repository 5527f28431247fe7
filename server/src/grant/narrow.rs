//! Asking the policies of a grant whose user has decided already: they can only narrow it.

use placet_sdk::{
    Instant,
    decision::{
        AuthorizationFacts, GrantFacts, HookType, Party, PartySource, PartyType, RefreshTokenSection,
        RequestFacts, Requested,
    },
    grant::{Authentication, Grant, GrantedClaims, Object, RefreshTokenSettings},
};

use super::decide::decide;
use crate::{
    client::AuthenticatedClient,
    outcome::Outcome,
    policy::{self, Question, ceiling},
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
    /// Facts of a refresh, and of the token that a bare allow leads to.
    pub(super) refresh: Option<(RefreshTokenSection, RefreshTokenSettings)>,
    /// Whether there would be a refresh token.
    pub(super) family: bool,
}

/// What policies left of an authorization.
#[derive(Debug)]
pub(super) struct Left {
    /// What it holds; what no policy changed follows the settings of client and server.
    pub(super) authorized: Authorized,
    /// The refresh token that comes of it.
    pub(super) refresh_token: RefreshTokenSettings,
    /// Extra members of the answer.
    pub(super) extra: Object,
    /// Whether a policy changed anything.
    pub(super) narrowed: bool,
}

/// Asks the policies of the grant what they leave of the authorization.
pub(super) async fn narrow(
    server: &Server,
    client: &AuthenticatedClient,
    asked: Asked<'_>,
    (authorization, mut authorized): (&AuthorizationRecord, Authorized),
) -> Outcome<Left> {
    let refreshes = asked.refresh.is_some();
    let (section, refresh_token) = asked.refresh.unzip();
    if !server.policies().asks(asked.hook) {
        let refresh_token = refresh_token.unwrap_or_default();
        return Ok(Left { authorized, refresh_token, extra: Object::new(), narrowed: false });
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
    request.refresh_token = section;
    if !refreshes {
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
    let grant_type = if refreshes { "refresh_token" } else { "authorization_code" };
    let facts = GrantFacts {
        grant_type: Some(grant_type.to_owned()),
        authorization_id: Some(authorization.id.clone()),
        requested: Requested { scope: asked.requested.clone(), ..Requested::default() },
    };
    let mut original = grant.clone();
    if asked.requested.is_some() {
        original.scope = asked.requested;
    }
    let kept = Kept::take(&mut original, refreshes);
    let mut proposed = original.clone();
    proposed.sub = Some(authorization.sub.clone());
    proposed.authentication = Some(Authentication {
        authenticated_at: Some(Instant(authorized.authenticated_at)),
        acr: authorized.acr.clone(),
        amr: Some(authorized.amr.clone()),
    });
    if let Some(refresh_token) = refresh_token {
        proposed.refresh_token = Some(refresh_token);
    }
    let openid = authorized.scope().contains("openid");
    let id_token = openid && original.id_token.as_ref().and_then(|s| s.issue).unwrap_or(true);
    let proposed = ceiling::effective(server, client, proposed, (asked.family, id_token));
    let mut limits = ceiling::narrow_only(client, &proposed);
    if refreshes {
        limits.max_userinfo_bytes = 0;
    }
    let settled = decide(server, question, facts, (proposed.clone(), limits)).await?;
    authorized.grant = policy::settled(&original, &proposed, &settled.grant)?;
    kept.put_back(&mut authorized.grant);
    Ok(Left {
        authorized,
        refresh_token: settled.grant.refresh_token.clone().unwrap_or_default(),
        extra: settled.extra,
        narrowed: settled.grant != proposed,
    })
}

/// What of an authorization is not up for decision.
struct Kept {
    data: Option<Object>,
    claims_context: Option<Object>,
    /// What `UserInfo` tells: it looks at the authorization, not at the refresh that a token came from.
    userinfo: Option<(Option<Vec<String>>, Option<placet_sdk::grant::UserinfoSettings>)>,
}

impl Kept {
    fn take(grant: &mut Grant, refreshes: bool) -> Self {
        let names = |claims: &mut GrantedClaims| claims.userinfo.take();
        Self {
            data: grant.data.take(),
            claims_context: grant.claims_context.take(),
            userinfo: refreshes.then(|| (grant.claims.as_mut().and_then(names), grant.userinfo.take())),
        }
    }

    fn put_back(self, grant: &mut Grant) {
        grant.data = self.data;
        grant.claims_context = self.claims_context;
        if let Some((names, preset)) = self.userinfo {
            if names.is_some() {
                grant.claims.get_or_insert_default().userinfo = names;
            }
            grant.userinfo = preset;
        }
    }
}
