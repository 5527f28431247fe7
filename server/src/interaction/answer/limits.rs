//! What a login app may grant. Asking for more than its limits is refused, never silently cut.

use placet_oauth::{id::Subject, scope::Scope};
use placet_sdk::{
    decision::judge_grant,
    details::Enrichable,
    grant::{AccessTokenSettings, Encoding, Grant, Object, is_reserved_claim},
    interaction::ConsentPrompt,
};

use serde_json::Value;

use crate::{
    actors,
    client::Client,
    config::{Capability, UiConfig},
    interaction::consent::details,
    policy::{self, ceiling},
    problem::{ApiResult, capability_missing, invalid_answer},
    server::Server,
};

/// Server-side data of a grant, in bytes of JSON.
const MAX_DATA: usize = 8 * 1024;
/// Context for claims sources, in bytes of JSON.
const MAX_CONTEXT: usize = 4 * 1024;
/// Claims that are set, in bytes of JSON.
const MAX_CLAIMS: usize = 8 * 1024;

/// What bounds a consent.
pub(super) struct Ceiling<'a> {
    pub(super) server: &'a Server,
    pub(super) client: &'a Client,
    pub(super) ui: &'a UiConfig,
    pub(super) offered: &'a Grant,
    pub(super) enrichable: &'a Enrichable,
    pub(super) prompt: &'a ConsentPrompt,
}

/// Checks a consent against what its prompt offered and what its app may do.
pub(super) fn check(ceiling: &Ceiling<'_>, grant: &Grant) -> ApiResult<()> {
    subject(ceiling.ui, grant)?;
    scope(ceiling, grant)?;
    claims(ceiling, grant)?;
    settings(ceiling.server, (ceiling.ui, ceiling.client), ceiling.offered, grant)
}

fn subject(ui: &UiConfig, grant: &Grant) -> ApiResult<()> {
    for (pointer, set) in [
        ("/grant/sub", grant.sub.is_some()),
        ("/grant/act", grant.act.is_some()),
        ("/grant/may_act", grant.may_act.is_some()),
    ] {
        if set && !ui.may(Capability::AllowImpersonation) {
            return Err(capability_missing(pointer, "allow_impersonation"));
        }
    }
    if grant.sub.as_deref().is_some_and(|sub| ui.denies(sub)) {
        return Err(capability_missing("/grant/sub", "another subject"));
    }
    if grant.sub.as_deref().is_some_and(|sub| Subject::parse(sub).is_none()) {
        return Err(invalid_answer(
            "/grant/sub",
            "invalid",
            "1 to 255 characters without control characters",
        ));
    }
    actors(ui, grant)?;
    if grant.authentication.is_some() {
        return Err(invalid_answer(
            "/grant/authentication",
            "not_settable",
            "the server saw the authentication itself",
        ));
    }
    Ok(())
}

/// Who acts, and who may act later (RFC 8693 section 4).
fn actors(ui: &UiConfig, grant: &Grant) -> ApiResult<()> {
    if let Some(act) = &grant.act {
        if !actors::is_sound(act) {
            let detail = format!("at most {} actors, each with a proper subject", actors::MAX_ACTORS);
            return Err(invalid_answer("/grant/act", "limit", &detail));
        }
        if actors::chain(Some(act)).any(|actor| ui.denies(&actor.sub)) {
            return Err(capability_missing("/grant/act", "this actor"));
        }
    }
    sized("/grant/may_act", grant.may_act.as_ref(), actors::MAX_MAY_ACT)?;
    if grant.may_act.as_ref().is_some_and(|may_act| !may_act.get("sub").is_some_and(Value::is_string)) {
        return Err(invalid_answer("/grant/may_act/sub", "missing", "the subject of who may act"));
    }
    Ok(())
}

fn scope(ceiling: &Ceiling<'_>, grant: &Grant) -> ApiResult<()> {
    let asked = grant.scope.clone().unwrap_or_default();
    let granted = Scope::from_values(asked.clone());
    if granted.len() != asked.len() {
        return Err(invalid_answer("/grant/scope", "invalid", "a value is repeated or not a scope value"));
    }
    let offered = Scope::from_values(ceiling.prompt.scope.iter().map(|s| s.value.clone()));
    let more = granted.difference(&offered);
    if !more.is_empty() && !ceiling.ui.may(Capability::WidenScope) {
        return Err(capability_missing("/grant/scope", "widen_scope"));
    }
    let denied = ceiling.client.denied_scope();
    if more.contains("offline_access") || more.iter().any(|value| denied.contains(value)) {
        return Err(invalid_answer("/grant/scope", "not_grantable", "this client cannot have that scope"));
    }
    let resources = grant.resources.clone().unwrap_or_default();
    let offered = ceiling.offered.resources.as_deref().unwrap_or_default();
    if resources.iter().any(|r| !offered.contains(r)) {
        return Err(capability_missing("/grant/resources", "more resources than requested"));
    }
    let granted = grant.authorization_details.as_deref().unwrap_or_default();
    let offered = ceiling.offered.authorization_details.as_deref().unwrap_or_default();
    details::check(ceiling.server, (offered, ceiling.enrichable), granted)
}

fn claims(ceiling: &Ceiling<'_>, grant: &Grant) -> ApiResult<()> {
    let granted = grant.claims.clone().unwrap_or_default();
    let offered = ceiling.offered.claims.clone().unwrap_or_default();
    let targets = [
        ("/grant/claims/id_token", granted.id_token, offered.id_token),
        ("/grant/claims/userinfo", granted.userinfo, offered.userinfo),
        ("/grant/claims/access_token", granted.access_token, offered.access_token),
    ];
    for (pointer, granted, offered) in targets {
        let offered = offered.unwrap_or_default();
        if granted.unwrap_or_default().iter().any(|name| !offered.contains(name)) {
            return Err(capability_missing(pointer, "more claims than requested"));
        }
    }
    Ok(())
}

/// Token settings need a capability, and stay below what the operator set and policies offered.
pub(crate) fn settings(
    server: &Server,
    (ui, client): (&UiConfig, &Client),
    offered: &Grant,
    grant: &Grant,
) -> ApiResult<()> {
    let set = [
        ("/grant/access_token", grant.access_token.is_some()),
        ("/grant/refresh_token", grant.refresh_token.is_some()),
        ("/grant/id_token", grant.id_token.is_some()),
        ("/grant/userinfo", grant.userinfo.is_some()),
        ("/grant/data", grant.data.is_some()),
        ("/grant/claims_context", grant.claims_context.is_some()),
    ];
    if let Some((pointer, _)) = set.into_iter().find(|(_, set)| *set && !ui.may(Capability::SetTokens)) {
        return Err(capability_missing(pointer, "set_tokens"));
    }
    sized("/grant/data", grant.data.as_ref(), MAX_DATA)?;
    sized("/grant/claims_context", grant.claims_context.as_ref(), MAX_CONTEXT)?;
    tokens(server, client, offered, grant)
}

/// The settings of tokens pass the judge of policies.
fn tokens(server: &Server, client: &Client, offered: &Grant, grant: &Grant) -> ApiResult<()> {
    for (pointer, claims) in [
        ("/grant/access_token/claims", grant.access_token.as_ref().and_then(|set| set.claims.as_ref())),
        ("/grant/id_token/claims", grant.id_token.as_ref().and_then(|set| set.claims.as_ref())),
        ("/grant/userinfo/claims", grant.userinfo.as_ref().and_then(|set| set.claims.as_ref())),
    ] {
        settable(pointer, claims)?;
    }
    let mut own = Grant {
        access_token: grant.access_token.clone(),
        refresh_token: grant.refresh_token.clone(),
        id_token: grant.id_token.clone(),
        userinfo: grant.userinfo.clone(),
        ..Grant::default()
    };
    if let Some(set) = &own.access_token {
        unsupported(set)?;
    }
    if let Some(lifetime) = own.refresh_token.as_mut().and_then(|set| set.lifetime.as_mut())
        && *lifetime == 0
    {
        // As long as the authorization: the longest that there is.
        *lifetime = server.config().lifetimes.refresh_token;
    }
    let (proposed, limits) = ceiling::of_login_app(server, client, offered)?;
    let result = policy::filled(&own, &proposed)?;
    judge_grant(&proposed, &result, &limits)
        .map_err(|violation| invalid_answer(&violation.pointer, "limit", &violation.detail))
}

fn unsupported(set: &AccessTokenSettings) -> ApiResult<()> {
    if set.encrypt == Some(true) {
        return Err(invalid_answer("/grant/access_token", "not_supported", "encryption is not supported"));
    }
    if set.single_use == Some(true) && set.encoding == Some(Encoding::Jwt) {
        return Err(invalid_answer("/grant/access_token/single_use", "limit", "a JWT cannot be used up"));
    }
    Ok(())
}

fn settable(pointer: &str, claims: Option<&Object>) -> ApiResult<()> {
    sized(pointer, claims, MAX_CLAIMS)?;
    match claims.and_then(|c| c.keys().find(|name| is_reserved_claim(name))) {
        Some(name) => Err(invalid_answer(
            &format!("{pointer}/{name}"),
            "reserved",
            "the server alone writes this claim",
        )),
        None => Ok(()),
    }
}

fn sized(pointer: &str, object: Option<&Object>, limit: usize) -> ApiResult<()> {
    let size = object.map_or(0, |o| serde_json::to_vec(o).map_or(usize::MAX, |bytes| bytes.len()));
    if size > limit {
        return Err(invalid_answer(pointer, "too_large", &format!("at most {limit} bytes of JSON")));
    }
    Ok(())
}
