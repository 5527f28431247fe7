//! Recording the fact that an answer states, within what its app may say.

use placet_oauth::id::Subject;
use placet_sdk::{
    grant::Object,
    interaction::{
        Answer, AuthAnswer, Body, ConfirmAnswer, ConsentAnswer, ConsentPrompt, CustomAnswer, CustomPrompt,
        DenyAnswer, Kind, LogoutScope, RememberMode, SessionAction,
    },
};

use super::limits::{self, Ceiling};

use crate::{
    client::Client,
    config::UiConfig,
    interaction::{
        advance, consent, device, session,
        state::{Accepted, Consented, Door, State},
        steer,
    },
    problem::{ApiResult, invalid_answer, problem},
    server::Server,
};

/// Clocks may differ by so much, in seconds.
const SKEW: i64 = 60;
/// Session claims, in bytes of JSON.
const MAX_CLAIMS: usize = 32 * 1024;
/// Other free objects, in bytes of JSON.
const MAX_DATA: usize = 8 * 1024;

/// Records what an answer says.
pub(super) async fn apply(
    server: &Server,
    (ui, client): (&UiConfig, Option<&Client>),
    state: &mut State,
    answer: Answer,
) -> ApiResult<()> {
    match (answer, state.prompt.body.clone(), client) {
        (Answer::Deny(denial), _, _) => {
            deny(state, &denial)?;
            if state.device.is_some() {
                // The device learns it, unless another browser decides about it by now.
                device::claim(server, state).await?;
            }
            Ok(())
        }
        (Answer::UserCode(answer), Body::UserCode { .. }, _) => {
            Ok(device::enter(server, state, (&answer.user_code, false)).await?)
        }
        (Answer::Confirm(answer), Body::Confirm { .. }, _) if state.device.is_some() => {
            if device::claim(server, state).await? && !answer.accepted {
                advance::deny(state, "access_denied", "the user did not recognise the device");
            }
            Ok(())
        }
        (Answer::Auth(answer), Body::Auth { .. }, _) => auth(server, ui, state, answer).await,
        (Answer::Consent(answer), Body::Consent { consent }, Some(client)) => {
            let granted = granted(server, (ui, client), state, (&consent, *answer))?;
            state.consented = Some(granted);
            steer::look_again_at_grant(state);
            Ok(())
        }
        (Answer::Custom(answer), Body::Custom { custom }, _) => page(state, &custom, answer),
        (Answer::Confirm(answer), Body::Confirm { confirm }, _) => {
            confirmed(state, &confirm.choices, confirm.default, &answer)
        }
        _ => Err(problem(422, "type_mismatch", "the answer does not fit the prompt").into()),
    }
}

fn deny(state: &mut State, denial: &DenyAnswer) -> ApiResult<()> {
    let code = denial.error.map_or("access_denied", |e| e.code());
    let description = denial.error_description.as_deref().unwrap_or("the user declined the request");
    if description.len() > 512
        || !description.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E))
    {
        return Err(invalid_answer(
            "/error_description",
            "charset",
            "at most 512 characters that RFC 6749 section 5.2 allows",
        ));
    }
    if let Some(reason) = &denial.reason {
        tracing::info!(interaction = %state.id, code, reason = %reason.code, "the login app denied");
    }
    if state.kind == Kind::Logout {
        // A declined logout ends nothing and still goes back.
        state.confirmed = Some(None);
    } else {
        advance::deny(state, code, description);
    }
    Ok(())
}

async fn auth(server: &Server, ui: &UiConfig, state: &mut State, answer: AuthAnswer) -> ApiResult<()> {
    if Subject::parse(&answer.sub).is_none() {
        return Err(invalid_answer("/sub", "invalid", "1 to 255 characters without control characters"));
    }
    if ui.denies(&answer.sub) {
        return Err(problem(403, "capability_missing", "this app must not sign this subject in").into());
    }
    if let (Some(acr), Some(allowed)) = (&answer.acr, &ui.max_acr)
        && !allowed.contains(acr)
    {
        return Err(problem(403, "capability_missing", "this app must not assert this `acr`").into());
    }
    let now = server.now();
    let authenticated_at = answer.authenticated_at.map_or(now, |at| at.0);
    if authenticated_at > now + SKEW {
        return Err(invalid_answer(
            "/authenticated_at",
            "future",
            "an authentication cannot lie in the future",
        ));
    }
    let session = answer.session;
    small(session.claims.as_ref(), MAX_CLAIMS, "/session/claims")?;
    small(session.data.as_ref(), MAX_DATA, "/session/data")?;
    match (session.action, &session.id) {
        (SessionAction::Reuse, Some(id)) if state.sessions.contains(id) => {
            let reused = session::live(server, id).await?;
            if reused.is_none_or(|s| s.record.sub != answer.sub) {
                return Err(invalid_answer(
                    "/session/id",
                    "wrong_session",
                    "not a live session of this subject",
                ));
            }
        }
        (SessionAction::Reuse, _) => {
            return Err(invalid_answer("/session/id", "wrong_session", "not a session of this browser"));
        }
        (_, Some(_)) => {
            return Err(invalid_answer("/session/id", "unexpected", "only `reuse` names a session"));
        }
        _ => {}
    }
    // There is no browser that could hold a handle.
    let action = if state.door == Door::Backchannel { SessionAction::None } else { session.action };
    state.accepted = Some(Accepted {
        sub: answer.sub,
        authenticated_at,
        acr: answer.acr,
        amr: answer.amr,
        action,
        session_id: session.id,
        persistent: session.persistent.unwrap_or(false),
        max_life: session.max_life,
        max_idle: session.max_idle,
        auth_life: session.auth_life,
        claims: session.claims.unwrap_or_default(),
        data: session.data,
    });
    steer::look_again(state);
    Ok(())
}

/// The result of a page reaches the policy that asked for it.
fn page(state: &mut State, asked: &CustomPrompt, answer: CustomAnswer) -> ApiResult<()> {
    if answer.name != asked.name {
        return Err(invalid_answer("/name", "wrong_page", "the prompt asks for another page"));
    }
    small(Some(&answer.result), MAX_DATA, "/result")?;
    steer::take_result(state, answer.name, answer.result);
    Ok(())
}

fn small(object: Option<&Object>, limit: usize, pointer: &str) -> ApiResult<()> {
    let size = object.map_or(0, |o| serde_json::to_vec(o).map_or(usize::MAX, |bytes| bytes.len()));
    if size > limit {
        return Err(invalid_answer(pointer, "too_large", &format!("at most {limit} bytes of JSON")));
    }
    Ok(())
}

fn confirmed(
    state: &mut State,
    choices: &[LogoutScope],
    default: Option<LogoutScope>,
    answer: &ConfirmAnswer,
) -> ApiResult<()> {
    let scope = answer.scope.or(default);
    if answer.scope.is_some_and(|s| !choices.contains(&s)) {
        return Err(invalid_answer("/scope", "not_offered", "the prompt did not offer this scope"));
    }
    state.confirmed = Some(scope.filter(|_| answer.accepted));
    Ok(())
}

fn granted(
    server: &Server,
    (ui, client): (&UiConfig, &Client),
    state: &State,
    (prompt, answer): (&ConsentPrompt, ConsentAnswer),
) -> ApiResult<Consented> {
    let request = state.request()?;
    if let Some(remember) = &answer.remember
        && (remember.mode == RememberMode::For) != remember.lifetime.is_some()
    {
        return Err(invalid_answer(
            "/remember/lifetime",
            "invalid",
            "`lifetime` belongs to the mode `for`, and only there",
        ));
    }
    let mut grant = answer.grant.unwrap_or_default();
    let offer = steer::offer(state, request);
    if answer.accept_all == Some(true) {
        if grant.scope.is_some() || grant.claims.is_some() || grant.authorization_details.is_some() {
            return Err(invalid_answer(
                "/accept_all",
                "ambiguous",
                "not together with `grant.scope`, `claims` or `authorization_details`",
            ));
        }
        grant.scope.clone_from(&offer.scope);
        grant.claims.clone_from(&offer.claims);
        // As they are listed: of a type that is enriched the prompt shows what was chosen before.
        let listed = prompt.authorization_details.clone();
        grant.authorization_details = Some(listed).filter(|listed| !listed.is_empty());
    } else if grant.scope.is_none() {
        return Err(invalid_answer("/grant/scope", "missing", "name what is granted, or send `accept_all`"));
    }
    // `openid` makes it an OpenID request: it cannot be declined, only the whole request can.
    if let Some(scope) = &mut grant.scope
        && offer.scope.iter().flatten().any(|s| s == "openid")
        && !scope.iter().any(|s| s == "openid")
    {
        scope.insert(0, "openid".to_owned());
    }
    consent::details::without_status(grant.authorization_details.as_deref_mut().unwrap_or_default());
    // Resources follow the granted scopes when the answer says nothing of them.
    grant.resources.get_or_insert_with(|| offer.resources.clone().unwrap_or_default());
    let enrichable = consent::details::enrichable(server, request, &offer);
    let ceiling = Ceiling { server, client, ui, offered: &offer, enrichable: &enrichable, prompt };
    limits::check(&ceiling, &grant)?;
    Ok(Consented { asked: true, grant, remember: answer.remember })
}
