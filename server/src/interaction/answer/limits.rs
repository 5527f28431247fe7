//! What a login app may grant. Asking for more than its limits is refused, never silently cut.

use placet_oauth::{client::SubjectType, id::Subject, scope::Scope};
use placet_sdk::{
    grant::{Encoding, Grant, Object, SubType, is_reserved_claim},
    interaction::ConsentPrompt,
};

use serde_json::Value;

use crate::{
    actors,
    client::Client,
    config::{Capability, UiConfig},
    possession,
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
    if more.contains("offline_access")
        || more.iter().any(|s| ceiling.client.settings.denied_scope.iter().any(|d| d == s))
    {
        return Err(invalid_answer("/grant/scope", "not_grantable", "this client cannot have that scope"));
    }
    let resources = grant.resources.clone().unwrap_or_default();
    let offered = ceiling.offered.resources.as_deref().unwrap_or_default();
    if resources.iter().any(|r| !offered.contains(r)) {
        return Err(capability_missing("/grant/resources", "more resources than requested"));
    }
    if grant.authorization_details.as_ref().is_some_and(|d| !d.is_empty()) {
        return Err(capability_missing("/grant/authorization_details", "more details than requested"));
    }
    Ok(())
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
    access_token(server, client, offered, grant)?;
    other_tokens(server, client, offered, grant)
}

fn access_token(server: &Server, client: &Client, offered: &Grant, grant: &Grant) -> ApiResult<()> {
    let Some(set) = &grant.access_token else { return Ok(()) };
    let defaults = &server.config().lifetimes;
    let ceiling = offered.access_token.clone().unwrap_or_default();
    let longest = ceiling.lifetime.or(client.settings.access_token.lifetime).unwrap_or(defaults.access_token);
    at_most("/grant/access_token/lifetime", set.lifetime, longest)?;
    let audience = set.audience.as_deref().unwrap_or_default();
    let resources = offered.resources.as_deref().unwrap_or_default();
    let allowed = |one: &String| match &ceiling.audience {
        Some(audience) => audience.contains(one),
        None => one == server.issuer() || resources.contains(one),
    };
    if !audience.iter().all(allowed) {
        return Err(invalid_answer(
            "/grant/access_token/audience",
            "limit",
            "only the issuer and requested resources",
        ));
    }
    let pairwise = client.metadata.subject_type == Some(SubjectType::Pairwise);
    if pairwise && set.sub_type == Some(SubType::Public) {
        return Err(invalid_answer(
            "/grant/access_token/sub_type",
            "limit",
            "this client sees pairwise subjects",
        ));
    }
    if !pairwise && set.sub_type == Some(SubType::Pairwise) {
        return Err(invalid_answer(
            "/grant/access_token/sub_type",
            "limit",
            "this client sees public subjects",
        ));
    }
    if set.encrypt == Some(true) {
        return Err(invalid_answer("/grant/access_token", "not_supported", "encryption is not supported"));
    }
    let floor = possession::demanded(client, offered);
    if set.sender_constraint.is_some_and(|own| own < floor) {
        return Err(invalid_answer(
            "/grant/access_token/sender_constraint",
            "limit",
            "the client, its operator or a policy demands a stronger one",
        ));
    }
    let single_use = ceiling.single_use.unwrap_or(client.settings.access_token.single_use);
    if set.single_use == Some(false) && single_use {
        return Err(invalid_answer(
            "/grant/access_token/single_use",
            "limit",
            "this client gets single-use tokens",
        ));
    }
    if set.single_use == Some(true) && set.encoding == Some(Encoding::Jwt) {
        return Err(invalid_answer("/grant/access_token/single_use", "limit", "a JWT cannot be used up"));
    }
    settable("/grant/access_token/claims", set.claims.as_ref())
}

fn other_tokens(server: &Server, client: &Client, offered: &Grant, grant: &Grant) -> ApiResult<()> {
    let defaults = &server.config().lifetimes;
    let withheld = |pointer: &str, set: Option<bool>, offered: Option<bool>| match (set, offered) {
        (Some(true), Some(false)) => Err(invalid_answer(pointer, "limit", "a policy withholds this token")),
        _ => Ok(()),
    };
    if let Some(set) = &grant.refresh_token {
        let own = &client.settings.refresh_token;
        let ceiling = offered.refresh_token.clone().unwrap_or_default();
        withheld("/grant/refresh_token/issue", set.issue, ceiling.issue)?;
        at_most(
            "/grant/refresh_token/lifetime",
            set.lifetime,
            ceiling.lifetime.or(own.lifetime).unwrap_or(defaults.refresh_token),
        )?;
        at_most(
            "/grant/refresh_token/max_idle",
            set.max_idle,
            ceiling.max_idle.or(own.max_idle).unwrap_or(defaults.refresh_token_idle),
        )?;
        let grace = ceiling.grace.or(own.grace).unwrap_or(defaults.refresh_token_grace);
        at_most("/grant/refresh_token/grace", set.grace, grace)?;
    }
    if let Some(set) = &grant.id_token {
        let ceiling = offered.id_token.clone().unwrap_or_default();
        withheld("/grant/id_token/issue", set.issue, ceiling.issue)?;
        let longest = ceiling.lifetime.or(client.settings.id_token.lifetime).unwrap_or(defaults.id_token);
        at_most("/grant/id_token/lifetime", set.lifetime, longest)?;
        if set.audience.as_ref().is_some_and(|a| !a.is_empty()) {
            return Err(invalid_answer("/grant/id_token/audience", "limit", "only the client itself"));
        }
        settable("/grant/id_token/claims", set.claims.as_ref())?;
    }
    settable("/grant/userinfo/claims", grant.userinfo.as_ref().and_then(|u| u.claims.as_ref()))
}

fn at_most(pointer: &str, value: Option<u32>, limit: u32) -> ApiResult<()> {
    match value {
        Some(value)
            if value > limit
                || (value == 0 && pointer.ends_with("token/lifetime") && !pointer.contains("refresh")) =>
        {
            Err(invalid_answer(pointer, "limit", &format!("at least 1, at most {limit} seconds")))
        }
        _ => Ok(()),
    }
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
