//! What is stored when an interaction takes effect, and what the browser gets.

use placet_oauth::{id::Secret, native_sso::DEVICE_SSO};
use placet_sdk::{
    grant::{GrantedClaims, Object},
    interaction::{Delivery, LogoutResult, RememberMode},
};
use serde_json::json;

use super::{
    nowhere, refused,
    sessions::{session_event, session_part},
};
use crate::{
    actors, authorize,
    client::Client,
    events,
    grant::{CODE, CodeBinding},
    interaction::{
        advance,
        backchannel::CibaState,
        consent, device, session,
        state::{Consented, SessionCookieChange, State},
        steer::{self, Granted},
    },
    ledger::note,
    outcome::{Fault, Outcome},
    policy::ceiling,
    possession::{self, Possession},
    random,
    server::Server,
    session_management,
    store::{
        AuthorizationRecord, CodeRecord, Completion, ConsentRecord, Decision, InteractionRecord, Parties,
        Remembering,
    },
    token::{Authorized, IdRequest, IssueRequest, authorize_issue, family_wanted, id_token_claims, mint_id},
};

/// Everything but the interaction's own last state.
pub(super) struct Prepared {
    pub(super) completion: Completion,
    pub(super) delivery: Delivery,
    pub(super) cookie: Option<SessionCookieChange>,
    /// Whom a logout concerns.
    pub(super) logout: Option<LogoutResult>,
}

pub(super) fn nothing() -> Completion {
    Completion {
        interaction: InteractionRecord {
            id: String::new(),
            kind: String::new(),
            ui: String::new(),
            sub: None,
            sealed: Vec::new(),
            revision: 0,
            created_at: 0,
            expires_at: 0,
        },
        session: None,
        sessions_at_most: None,
        remember: None,
        authorization: None,
        parties: Parties::default(),
        code: None,
        token: None,
        pushed: None,
        decided: None,
        end: None,
        initiator: String::new(),
        deliveries: Vec::new(),
        now: 0,
        events: Vec::new(),
    }
}

/// A refusal: the client learns it, nothing else happens.
pub(super) async fn refusal(server: &Server, client: Option<&Client>, state: &State) -> Outcome<Prepared> {
    let completion = Completion { decided: device::decision(state)?, ..nothing() };
    if state.device.is_some() {
        return Ok(Prepared { completion, delivery: nowhere(), cookie: None, logout: None });
    }
    let client = client.ok_or_else(|| Fault::new("interaction", "a refusal for nobody"))?;
    if let Some(ciba) = &state.ciba {
        let refusal = state.denied.as_ref().map(|denied| denied.description.clone()).unwrap_or_default();
        let completion = Completion { decided: Some(decision(ciba, Some(refusal))?), ..nothing() };
        return Ok(Prepared { completion, delivery: nowhere(), cookie: None, logout: None });
    }
    let delivery = refused(server, client, state).await?;
    Ok(Prepared { completion, delivery, cookie: None, logout: None })
}

/// What came of preparing a grant.
pub(super) enum Grant {
    /// It can take effect.
    Ready(Box<Prepared>),
    /// The session it builds on is over, or what was remembered was withdrawn.
    Over,
    /// Policies have to look again: the authentication is not the one that they knew.
    Moved,
}

/// What the client learns that asks after its request.
fn decision(ciba: &CibaState, refusal: Option<String>) -> Result<Decision, Fault> {
    Ok(Decision { digest: ciba.digest()?, by: None, refusal })
}

/// Why a token does not go through the browser.
const UNBOUND: &str = "the access token has to be bound to a key, and in the browser it cannot be";

/// What a client learns that asks after its request.
fn decided(state: &State) -> Result<Option<Decision>, Fault> {
    match &state.ciba {
        Some(ciba) => decision(ciba, None).map(Some),
        None => device::decision(state),
    }
}

/// How long it may take until the client asks after what it was granted, in seconds: so much longer that has to live.
fn until_fetched(state: &State, now: i64) -> i64 {
    let of_device = state.device.as_ref().map_or(0, |device| device.waits(now));
    of_device + state.ciba.as_ref().map_or(0, |_| (state.ends_at - now).max(0))
}

/// A grant.
pub(super) async fn grant(server: &Server, client: &Client, state: &mut State) -> Outcome<Grant> {
    let Some(part) = session_part(server, client, state).await? else { return Ok(Grant::Over) };
    if advance::fell_short(server, client, state, &part.facts)? {
        return Ok(Grant::Moved);
    }
    let now = server.now();
    let request = state.request()?;
    let consented =
        state.consented.clone().ok_or_else(|| Fault::new("interaction", "a grant without consent"))?;
    let offer = steer::offer(state, request).into_owned();
    let remembered = consent::remembered(server, client, &offer, &part.facts.sub).await?;
    if !consented.asked {
        let reasons = consent::reasons(server, client, request, (&offer, remembered.as_ref()));
        if !reasons.is_empty() || steer::asks_consent(state) {
            // What was remembered has been withdrawn in the meantime.
            return Ok(Grant::Over);
        }
    }
    let (mut grant, subject_by) = match steer::granted(server, client, state, &part.facts)? {
        Granted::Grant(grant, subject_by) => (*grant, subject_by),
        Granted::Moved => return Ok(Grant::Moved),
    };
    if request.response_type.token && possession::must_be_bound(server, client, &grant) {
        advance::deny(state, "access_denied", UNBOUND);
        return Ok(Grant::Ready(Box::new(refusal(server, Some(client), state).await?)));
    }
    let sub = grant.sub.take().unwrap_or_else(|| part.facts.sub.clone());
    let scope = placet_oauth::scope::Scope::from_values(grant.scope.clone().unwrap_or_default());
    // A device is not part of the browser that its user answers with, and goes on when that signs out.
    let home = part.session_id.as_deref().filter(|_| request.has_browser());
    let mut authorized = Authorized {
        authenticated_at: part.facts.authenticated_at,
        acr: part.facts.acr.clone(),
        amr: part.facts.amr.clone(),
        sid: home.map(|id| session::sid(server.root(), id, &client.id)),
        asked: request.claims.userinfo.keys().cloned().collect(),
        // What is known of one user says nothing about another.
        claim_values: if sub == part.facts.sub { part.facts.claims.clone() } else { Object::new() },
        demands: request.claims.clone(),
        claims_locales: request.claims_locales.clone(),
        grant,
        ..Authorized::default()
    };
    authorized.claim_values = consented_values(&authorized);
    let chosen = authorized.take_tokens();
    let home = home.map(str::to_owned);
    if let (Some(accepted), Some(id)) = (&mut state.accepted, &part.session_id) {
        accepted.session_id = Some(id.clone());
    }
    let decided = decided(state)?;
    let authorization = AuthorizationRecord {
        id: random::id(server.random(), "az_")?,
        client_id: client.id.clone(),
        sub: sub.clone(),
        session_id: home,
        consent_id: remembered.map(|r| r.id),
        offline: scope.contains("offline_access"),
        doc: authorized.write()?,
        created_at: now,
        expires_at: now + until_fetched(state, now) + authorization_life(server, client, &authorized),
        revoked_at: None,
        self_contained: server.config().carries_tokens(client, chosen),
    };
    note(|noted| noted.flow(&authorization.id));
    let mut completion = Completion { decided, ..nothing() };
    completion.events.extend(session_event(server, part.change.as_ref())?);
    completion.session = part.change;
    let limits = &server.config().limits;
    completion.sessions_at_most = limits.enabled.then_some(limits.sessions);
    completion.remember = remembering(server, client, &offer, (&part.facts.sub, consented))?;
    let act = authorized.grant.act.as_ref();
    completion.parties = actors::parties(server, act).await?;
    if sub != part.facts.sub {
        // What somebody got in the name of another ends with them, too.
        completion.parties.subjects.push(part.facts.sub.clone());
    }
    // To take actors away is to put the subject in their place.
    if sub != part.facts.sub || subject_by.is_some() {
        completion.events.push(events::event(
            server,
            "authorization.impersonated",
            &authorization.id,
            &json!({
                "sub": sub, "authenticated_sub": part.facts.sub, "act": act, "data": authorized.grant.data,
                "client_id": client.id, "policy": subject_by,
            }),
        )?);
    }
    completion.events.push(events::event(
        server,
        "authorization.granted",
        &authorization.id,
        &json!({ "sub": sub, "act": act, "client_id": client.id, "scope": scope.to_vec() }),
    )?);
    let delivery = match &state.destination {
        Some(destination) => {
            let holds = (&authorization, &authorized, &mut completion);
            let params = response_params(server, client, state, holds).await?;
            authorize::delivery(server, client, destination, params).await?
        }
        None => nowhere(),
    };
    completion.authorization = Some(authorization);
    Ok(Grant::Ready(Box::new(Prepared { completion, delivery, cookie: part.cookie, logout: None })))
}

/// What is remembered of a consent: what the user consented to, also where a policy grants less this time.
fn remembering(
    server: &Server,
    client: &Client,
    offer: &placet_sdk::grant::Grant,
    (sub, consented): (&str, Consented),
) -> Result<Option<Remembering>, Fault> {
    let Some(remember) = consented.remember.filter(|remember| remember.mode != RememberMode::Never) else {
        return Ok(None);
    };
    let (grant, now) = (consented.grant, server.now());
    let lifetime = remember.lifetime.filter(|_| remember.mode == RememberMode::For);
    let consent = ConsentRecord {
        id: random::id(server.random(), "cns_")?,
        sub: sub.to_owned(),
        client_id: client.id.clone(),
        resource: consent::resource_key(offer),
        scope: grant.scope.unwrap_or_default(),
        claims: names_of(&grant.claims.unwrap_or_default()),
        details: consent::details::to_remember(server, &grant.authorization_details.unwrap_or_default()),
        granted_at: now,
        expires_at: lifetime.map(|seconds| now + i64::from(seconds)),
    };
    Ok(Some(Remembering { consent }))
}

/// The parameters of a successful response; what must be stored for them goes into the completion.
async fn response_params(
    server: &Server,
    client: &Client,
    state: &State,
    (authorization, authorized, completion): (&AuthorizationRecord, &Authorized, &mut Completion),
) -> Outcome<Vec<(String, String)>> {
    let request = state.request()?;
    let response_type = request.response_type;
    let mut params = Vec::new();
    let code = if response_type.code { Some(random::secret(server.random())?) } else { None };
    if let Some(code) = &code {
        completion.code = Some(code_record(server, state, authorization, code)?);
        params.push(("code".to_owned(), code.expose().to_owned()));
    }
    let mut access_token = None;
    if response_type.token {
        let minted = authorize_issue(
            server,
            &IssueRequest {
                client,
                authorization,
                authorized,
                nonce: None,
                first_refresh: false,
                id_token: false,
                // Nothing can be proved by way of the browser.
                holder: &Possession::default(),
                auth_req_id: None,
            },
        )
        .await?;
        completion.token = minted.issued.token;
        params.push(("access_token".to_owned(), minted.response.access_token.expose().to_owned()));
        params.push(("token_type".to_owned(), minted.response.token_type.as_str().to_owned()));
        params.push(("expires_in".to_owned(), minted.response.expires_in.to_string()));
        params.push(("scope".to_owned(), minted.response.scope.to_string()));
        access_token = Some(minted.response.access_token);
    }
    if response_type.id_token {
        let alone = !response_type.code && !response_type.token;
        let nothing = Possession::default();
        let about = (client, authorization, authorized, &nothing);
        let claims = id_token_claims(server, about, alone).await?;
        let id_token = mint_id(
            server,
            &IdRequest {
                client,
                authorization,
                authorized,
                nonce: request.nonce.as_deref(),
                state: request.state.as_deref(),
                access_token: access_token.as_ref(),
                code: code.as_ref(),
                claims,
                pushed: None,
            },
        )
        .await?;
        params.push(("id_token".to_owned(), id_token.expose().to_owned()));
    }
    if let Some(value) = session_management::of_response(server, state)? {
        params.push(("session_state".to_owned(), value));
    }
    Ok(params)
}

fn code_record(
    server: &Server,
    state: &State,
    authorization: &AuthorizationRecord,
    code: &Secret,
) -> Result<CodeRecord, Fault> {
    let request = state.request()?;
    let binding = CodeBinding {
        redirect_uri: request.redirect_uri_given.then(|| request.redirect_uri.clone()),
        challenge: request.challenge.clone(),
        nonce: request.nonce.clone(),
        dpop_jkt: request.dpop_jkt.clone(),
        instance: state.arrival.instance.clone(),
    };
    let now = server.now();
    Ok(CodeRecord {
        digest: server.root().digest(CODE, code),
        authorization_id: authorization.id.clone(),
        client_id: authorization.client_id.clone(),
        doc: serde_json::to_string(&binding).map_err(|e| Fault::new("code record", e))?,
        created_at: now,
        expires_at: now + i64::from(server.config().lifetimes.code),
        redeemed_at: None,
    })
}

/// How long an authorization lives: as long as its refresh tokens, or as the one access token it leads to.
pub(crate) fn authorization_life(server: &Server, client: &Client, authorized: &Authorized) -> i64 {
    let lifetimes = &server.config().lifetimes;
    let access = authorized.grant.access_token.as_ref().and_then(|s| s.lifetime);
    i64::from(if family_wanted(client, authorized) {
        let settings = ceiling::refresh_token(server, client, authorized.grant.refresh_token.clone());
        settings.lifetime.unwrap_or(lifetimes.refresh_token)
    } else {
        let access = access.or(client.settings.access_token.lifetime).unwrap_or(lifetimes.access_token);
        let access = access.saturating_add(lifetimes.code);
        // What a device secret is for goes on without tokens of this client.
        let shared = authorized.scope().contains(DEVICE_SSO);
        if shared { access.max(server.config().native_sso.lifetime) } else { access }
    })
}

/// All consented claim names.
fn names_of(claims: &GrantedClaims) -> Vec<String> {
    let all = [&claims.id_token, &claims.userinfo, &claims.access_token];
    let set: std::collections::BTreeSet<String> = all.into_iter().flatten().flatten().cloned().collect();
    set.into_iter().collect()
}

/// Only what the user consented to is copied from the session.
fn consented_values(authorized: &Authorized) -> Object {
    authorized.values(Some(&names_of(&authorized.claims())))
}
