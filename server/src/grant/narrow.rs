//! Asking the policies of a grant whose user has decided already: they can only narrow it.

use placet_oauth::{grant_type::GrantType, token_request::Asked};
use placet_sdk::{
    Instant,
    decision::{
        AuthorizationFacts, GrantFacts, HookType, Party, PartySource, PartyType, RefreshTokenSection,
        RequestFacts,
    },
    grant::{Authentication, Grant, GrantedClaims, Object, RefreshTokenSettings, Tokens},
};

use super::{
    decide::{decide, requested},
    less::less,
};
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
pub(super) struct Narrow<'a> {
    /// The decision point.
    pub(super) hook: HookType,
    /// The request.
    pub(super) asking: &'a RequestFacts,
    /// What the request names, if it asks for less than was granted.
    pub(super) asked: &'a Asked,
    /// Facts of a refresh, and of the token that a bare allow leads to.
    pub(super) refresh: Option<(RefreshTokenSection, RefreshTokenSettings)>,
    /// Whether there would be a refresh token.
    pub(super) family: bool,
}

/// What request and policies left of an authorization.
#[derive(Debug)]
pub(super) struct Left {
    /// What it holds for this once; what no policy changed follows the settings of client and server.
    pub(super) authorized: Authorized,
    /// The refresh token that comes of it.
    pub(super) refresh_token: RefreshTokenSettings,
    /// Extra members of the answer.
    pub(super) extra: Object,
    /// What the authorization itself holds from now on, if a policy changed anything. That the request asks for less is
    /// for this once.
    pub(super) narrowed: Option<Authorized>,
    /// Where a policy chose that what is known of the tokens lies.
    pub(super) chosen: Option<Tokens>,
}

/// Asks the policies of the grant what they leave of what the request asks for of the authorization.
pub(super) async fn narrow(
    server: &Server,
    client: &AuthenticatedClient,
    asked: Narrow<'_>,
    (authorization, mut authorized): (&AuthorizationRecord, Authorized),
) -> Outcome<Left> {
    let refreshes = asked.refresh.is_some();
    let (section, refresh_token) = asked.refresh.unzip();
    let granted = authorized.grant;
    authorized.grant = less(server, client, granted.clone(), asked.asked)?;
    if !server.policies().asks_about(asked.hook, client) {
        let refresh_token = refresh_token.unwrap_or_default();
        return Ok(Left { authorized, refresh_token, extra: Object::new(), narrowed: None, chosen: None });
    }
    let (grant_type, kind) = names(asked.hook);
    let mut question = Question::asked_by(asked.hook, client, asked.asking.clone());
    let request = &mut question.request;
    request.subject = Some(Party {
        sub: authorization.sub.clone(),
        party_type: PartyType::User,
        source: PartySource::Authorization,
        claims: None,
    });
    request.refresh_token = section;
    if !refreshes {
        request.authorization = Some(AuthorizationFacts {
            id: authorization.id.clone(),
            kind: kind.to_owned(),
            granted_at: Instant(authorization.created_at),
            scope: granted.scope.clone().unwrap_or_default(),
            resources: granted.resources.clone().unwrap_or_default(),
            data: granted.data.clone(),
            claims_context: granted.claims_context.clone(),
        });
    }
    let facts = GrantFacts {
        grant_type: Some(grant_type.as_str().to_owned()),
        authorization_id: Some(authorization.id.clone()),
        requested: requested(asked.asked),
    };
    let mut original = authorized.grant.clone();
    let kept = Kept::take(&mut original, refreshes);
    let mut proposed = original.clone();
    proposed.sub = Some(authorization.sub.clone());
    proposed.authentication = Some(Authentication {
        authenticated_at: Some(Instant(authorized.authenticated_at)),
        acr: authorized.acr.clone(),
        amr: Some(authorized.amr.clone()),
    });
    match refresh_token {
        Some(refresh_token) => proposed.refresh_token = Some(refresh_token),
        // It was settled when this was granted, whatever is set by now.
        None => proposed.refresh_token.get_or_insert_default().tokens = Some(authorization.tokens()),
    }
    let openid = authorized.scope().contains("openid");
    let id_token = openid && original.id_token.as_ref().and_then(|s| s.issue).unwrap_or(true);
    let proposed = ceiling::effective(server, client, proposed, (asked.family, id_token));
    let mut limits = ceiling::narrow_only(server, client, &proposed);
    if refreshes {
        limits.max_userinfo_bytes = 0;
        limits.refresh_token.tokens.clear();
        limits.refresh_token.tokens.extend(tokens_of(&proposed));
    }
    let settled = decide(server, question, facts, (proposed.clone(), limits)).await?;
    let narrowed = if settled.grant == proposed {
        None
    } else {
        let mut rest = authorized.clone();
        rest.grant = rest_of(server, (granted, refreshes), (&proposed, &settled.grant))?;
        rest.take_tokens();
        Some(rest)
    };
    authorized.grant = policy::settled(&original, &proposed, &settled.grant)?;
    kept.put_back(&mut authorized.grant);
    let chosen = authorized.take_tokens();
    Ok(Left {
        authorized,
        refresh_token: settled.grant.refresh_token.clone().unwrap_or_default(),
        extra: settled.extra,
        narrowed,
        chosen,
    })
}

/// Where what is known of the refresh token would lie.
fn tokens_of(grant: &Grant) -> Option<Tokens> {
    grant.refresh_token.as_ref().and_then(|set| set.tokens)
}

/// The grant type of a decision point, and how the authorization came about.
fn names(hook: HookType) -> (GrantType, &'static str) {
    match hook {
        HookType::GrantRefreshToken => (GrantType::RefreshToken, "authorization"),
        HookType::GrantDeviceCode => (GrantType::DeviceCode, "device"),
        HookType::GrantCiba => (GrantType::Ciba, "ciba"),
        _ => (GrantType::AuthorizationCode, "authorization"),
    }
}

/// What is left of all that was granted: what policies took away of what they were shown is gone, and what they were not
/// shown, because the request did not ask for it, is still there.
fn rest_of(
    server: &Server,
    (mut granted, refreshes): (Grant, bool),
    (proposed, result): (&Grant, &Grant),
) -> Outcome<Grant> {
    let kept = Kept::take(&mut granted, refreshes);
    let mut rest = policy::settled(&granted, proposed, result)?;
    rest.scope = less_what_went(granted.scope, (&proposed.scope, &result.scope), |one, gone| one == gone);
    rest.resources =
        less_what_went(granted.resources, (&proposed.resources, &result.resources), |one, gone| one == gone);
    rest.authorization_details = less_what_went(
        granted.authorization_details,
        (&proposed.authorization_details, &result.authorization_details),
        // The request may have asked for fewer elements of it.
        |one, gone| server.details().narrowed(std::slice::from_ref(one), std::slice::from_ref(gone)).is_ok(),
    );
    kept.put_back(&mut rest);
    Ok(rest)
}

fn less_what_went<T: PartialEq>(
    granted: Option<Vec<T>>,
    (proposed, result): (&Option<Vec<T>>, &Option<Vec<T>>),
    is: impl Fn(&T, &T) -> bool,
) -> Option<Vec<T>> {
    let left = result.as_deref().unwrap_or_default();
    let gone: Vec<&T> = proposed.iter().flatten().filter(|one| !left.contains(one)).collect();
    granted.map(|mut granted| {
        granted.retain(|one| !gone.iter().any(|gone| is(one, gone)));
        granted
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
