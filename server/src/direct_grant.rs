//! Grants and reports of a login app that involve no prompt.

use placet_oauth::{
    error::OAuthError, grant_type::GrantType, id::Subject, scope::Scope, token_request::TokenResponse,
};
use placet_sdk::{
    grant::{Grant, GrantedClaims, Object},
    resources::{DirectGrant, Report, ReportType},
};
use serde_json::json;

use crate::{
    actors,
    client::{Client, SharedClient},
    config::UiConfig,
    events,
    interaction::{
        Accepted,
        answer::limits,
        complete::authorization_life,
        session::{self, Session},
        steer,
    },
    outcome::Failure,
    possession::{self, Possession},
    problem::{ApiFailure, ApiResult, capability_missing, invalid_answer, problem},
    random,
    server::Server,
    store::{AuthorizationRecord, Granted, NewGrant},
    token::{Authorized, IssueRequest, audience, authorize_issue, check_known},
};

/// Grants tokens to a client for a user, without a browser. It passes the same gate as every other grant.
pub async fn grant(server: &Server, ui: &UiConfig, asked: DirectGrant) -> ApiResult<TokenResponse> {
    let client = client_of(server, ui, &asked.client_id).await?;
    let (authenticated, session) = subject(server, ui, &asked).await?;
    check_scope(&client, &asked)?;
    check_targets(server, &client, &asked.grant)?;
    limits::settings(server, (ui, &client), &Grant::default(), &asked.grant)?;
    let now = server.now();
    let mut grant = asked.grant;
    let assigned = client.assign(&Scope::from_values(grant.scope.take().unwrap_or_default()));
    grant.scope = Some(assigned.to_vec());
    let accepted = match &session {
        Some(session) => session.accepted(),
        None => Accepted { sub: authenticated.clone(), authenticated_at: now, ..Accepted::default() },
    };
    let id = random::id(server.random(), "az_")?;
    let (mut grant, subject_by) =
        steer::direct(server, &client, &id, ((&accepted, session.as_ref()), grant)).await?;
    if possession::must_be_bound(server, &client, &grant) {
        let text = "the access tokens have to be bound to a key of the client, which nobody else can prove";
        return Err(invalid_answer("/grant/access_token/sender_constraint", "not_supported", text));
    }
    let sub = grant.sub.take().unwrap_or_else(|| authenticated.clone());
    let scope = Scope::from_values(grant.scope.clone().unwrap_or_default());
    let mut authorized = Authorized {
        authenticated_at: accepted.authenticated_at,
        acr: accepted.acr,
        amr: accepted.amr,
        sid: session.as_ref().map(|s| session::sid(server.root(), &s.record.id, &client.id)),
        asked: Vec::new(),
        // What is known of one user says nothing about another.
        claim_values: if sub == authenticated { accepted.claims } else { Object::new() },
        grant,
        ..Authorized::default()
    };
    // The app named every claim itself.
    authorized.asked = names_of(authorized.claims());
    authorized.claim_values = authorized.values(Some(&authorized.asked));
    let chosen = authorized.take_tokens();
    let authorization = AuthorizationRecord {
        id,
        client_id: client.id.clone(),
        sub: sub.clone(),
        session_id: session.map(|s| s.record.id),
        consent_id: None,
        offline: scope.contains("offline_access"),
        doc: authorized.write()?,
        created_at: now,
        expires_at: now + authorization_life(server, &client, &authorized),
        revoked_at: None,
        self_contained: server.config().carries_tokens(&client, chosen),
    };
    let request = IssueRequest {
        client: &client,
        authorization: &authorization,
        authorized: &authorized,
        nonce: None,
        first_refresh: true,
        id_token: true,
        // The app that asks holds no key of the client.
        holder: &Possession::default(),
        auth_req_id: None,
    };
    let minted = authorize_issue(server, &request).await.map_err(refused)?;
    let mut issued = minted.issued;
    let act = authorized.grant.act.as_ref();
    let mut parties = actors::parties(server, act).await?;
    if sub != authenticated {
        // What somebody got in the name of another ends with them, too.
        parties.subjects.push(authenticated.clone());
    }
    // To take actors away is to put the subject in their place.
    if sub != authenticated || subject_by.is_some() {
        issued.events.push(events::event(
            server,
            "authorization.impersonated",
            &authorization.id,
            &json!({
                "sub": sub, "authenticated_sub": authenticated, "act": act, "data": authorized.grant.data,
                "client_id": client.id, "policy": subject_by,
            }),
        )?);
    }
    issued.events.push(events::event(
        server,
        "authorization.granted",
        &authorization.id,
        &json!({ "sub": sub, "client_id": client.id, "scope": scope.to_vec(), "direct": ui.name }),
    )?);
    let in_session = authorization.session_id.is_some();
    let new = NewGrant { parties, in_session, ..NewGrant::new(authorization, issued) };
    match server.store().grant(new).await? {
        Granted::Stored => Ok(minted.response),
        Granted::SubjectDisabled => Err(problem(403, "account_disabled", "the account is disabled").into()),
        // Nothing else than the session can be over: it ended while this was under way.
        Granted::SessionOver | Granted::ParentOver | Granted::AlreadyUsed => Err(no_session()),
    }
}

/// A client that people sign in to, and for which the app may ask.
async fn client_of(server: &Server, ui: &UiConfig, id: &str) -> ApiResult<SharedClient> {
    if !ui.direct_grant_clients.iter().any(|known| known == id) {
        return Err(capability_missing("/client_id", "direct_grant for this client"));
    }
    let client = server.client(id).await?.filter(|client| client.may_use(GrantType::AuthorizationCode));
    client.ok_or_else(|| {
        invalid_answer("/client_id", "unknown", "no client that people sign in to has this id")
    })
}

/// The names of all claims that were granted, wherever they go.
fn names_of(claims: GrantedClaims) -> Vec<String> {
    [claims.id_token, claims.userinfo, claims.access_token].into_iter().flatten().flatten().collect()
}

fn no_session() -> ApiFailure {
    invalid_answer("/session", "unknown", "no live session has this id")
}

fn refused(failure: Failure) -> ApiFailure {
    failure.into()
}

async fn subject(
    server: &Server,
    ui: &UiConfig,
    asked: &DirectGrant,
) -> ApiResult<(String, Option<Session>)> {
    match (&asked.session, &asked.sub) {
        (Some(id), None) => {
            if id.chars().any(char::is_control) {
                return Err(no_session());
            }
            let session = session::live(server, id).await?.ok_or_else(no_session)?;
            if ui.denies(&session.record.sub) {
                return Err(capability_missing("/session", "this subject"));
            }
            Ok((session.record.sub.clone(), Some(session)))
        }
        (None, Some(sub)) if Subject::parse(sub).is_some() => {
            if ui.denies(sub) {
                return Err(capability_missing("/sub", "this subject"));
            }
            Ok((sub.clone(), None))
        }
        (None, Some(_)) => {
            Err(invalid_answer("/sub", "invalid", "1 to 255 characters without control characters"))
        }
        _ => Err(invalid_answer("", "ambiguous", "exactly one of `session` and `sub` is expected")),
    }
}

fn check_scope(client: &Client, asked: &DirectGrant) -> ApiResult<()> {
    let grant = &asked.grant;
    if grant.sub.is_some() || grant.act.is_some() || grant.may_act.is_some() || grant.authentication.is_some()
    {
        return Err(invalid_answer(
            "/grant",
            "not_settable",
            "the subject stands beside the grant, and nobody acts",
        ));
    }
    let values = grant.scope.clone().unwrap_or_default();
    let scope = Scope::from_values(values.clone());
    if scope.len() != values.len() {
        return Err(invalid_answer("/grant/scope", "invalid", "a value is repeated or not a scope value"));
    }
    let allowed = client.registered_scope().map(|s| s.difference(&client.denied_scope()));
    if allowed.is_none_or(|allowed| !scope.is_subset(&allowed)) && !scope.is_empty() {
        return Err(invalid_answer(
            "/grant/scope",
            "not_grantable",
            "the client is not registered for this scope",
        ));
    }
    Ok(())
}

/// Resources and authorization details are those that an authorization request of the client might name (RFC 8707
/// section 2, RFC 9396 section 5), and the scope is known to the resources.
fn check_targets(server: &Server, client: &Client, grant: &Grant) -> ApiResult<()> {
    let config = server.config();
    let resources = grant.resources.as_deref().unwrap_or_default();
    let details = grant.authorization_details.as_deref().unwrap_or_default();
    if resources.is_empty() && details.is_empty() {
        return Ok(());
    }
    if resources.iter().enumerate().any(|(at, uri)| resources[..at].contains(uri)) {
        return Err(invalid_answer("/grant/resources", "invalid", "a resource is repeated"));
    }
    let refused = |pointer: &'static str| {
        move |error: OAuthError| invalid_answer(pointer, "not_grantable", &error.description)
    };
    config.check_resources(&client.settings, resources).map_err(refused("/grant/resources"))?;
    server.details().check_asked(config, client, details).map_err(refused("/grant/authorization_details"))?;
    let scope = Scope::from_values(grant.scope.clone().unwrap_or_default());
    check_known(config, &audience(server, client, grant), (&scope, details)).map_err(refused("/grant/scope"))
}

/// Takes a fact about an account; it is in effect when this returns.
pub async fn report(server: &Server, report: Report) -> ApiResult<()> {
    if Subject::parse(&report.sub).is_none() {
        return Err(invalid_answer("/sub", "invalid", "1 to 255 characters without control characters"));
    }
    let name = match report.report_type {
        ReportType::CredentialChanged => "credential.changed",
        ReportType::AccountDisabled => "account.disabled",
        ReportType::AccountEnabled => "account.enabled",
        ReportType::LoginFailed => "login.failed",
    };
    if report.end_sessions && report.report_type != ReportType::CredentialChanged {
        return Err(invalid_answer("/end_sessions", "unexpected", "only with `credential.changed`"));
    }
    if report.report_type == ReportType::LoginFailed {
        server.limits().failed_login(&report.sub)?;
    }
    let event = events::event(server, name, &report.sub, &json!({ "sub": report.sub }))?;
    let (store, now) = (server.store(), server.now());
    match report.report_type {
        ReportType::AccountDisabled => {
            store.set_subject_disabled(&report.sub, true, now, vec![event]).await?;
        }
        ReportType::AccountEnabled => {
            store.set_subject_disabled(&report.sub, false, now, vec![event]).await?;
        }
        ReportType::CredentialChanged if report.end_sessions => {
            store.end_sessions_of(&report.sub, "account", now, vec![event]).await?;
        }
        ReportType::CredentialChanged | ReportType::LoginFailed => store.publish(vec![event]).await?,
    }
    server.deliver_soon();
    server.policies().flush_subject(&report.sub);
    tracing::info!(report = name, "an account was reported");
    Ok(())
}
