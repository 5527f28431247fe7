//! Answering a prompt: idempotent by step, and of many racing answers one wins.

mod apply;
pub(crate) mod body;
pub(crate) mod limits;

use placet_oauth::id::Secret;
use placet_sdk::{
    Instant,
    grant::Object,
    interaction::{Body, Prompt},
};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{
    advance::{self, Next},
    complete::{self, Finished},
    id::{self, Read},
    open::binding_text,
    state::{Answered, Door, State},
};
use crate::{
    client::SharedClient,
    config::UiConfig,
    outcome::Fault,
    problem::{ApiFailure, ApiResult, problem},
    seal::hex,
    server::Server,
    store::InteractionRecord,
};

/// Scratch state of a login app, in bytes of JSON.
const MAX_DATA: usize = 8 * 1024;
/// So many answers are remembered for repetitions.
const REMEMBERED: usize = 8;
/// Racing answers look again this often before they give up.
const ATTEMPTS: usize = 5;

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The login app.
    pub ui: &'a UiConfig,
    /// Headless door: the browser's binding secret, as the app sends it.
    pub binding: Option<&'a Secret>,
}

/// The prompt after an answer, and whether the answer was a repetition.
#[derive(Debug)]
pub struct Answer {
    /// The prompt.
    pub prompt: Prompt,
    /// This very answer had been given before.
    pub replayed: bool,
}

/// The current prompt.
pub async fn current(server: &Server, caller: Caller<'_>, id: &str) -> ApiResult<Prompt> {
    let (state, _) = load(server, caller, id).await?;
    Ok(shown(&state))
}

/// Answers the prompt of `step` with `raw`.
pub async fn answer(
    server: &Server,
    caller: Caller<'_>,
    (id, step): (&str, u32),
    raw: &[u8],
) -> ApiResult<Answer> {
    let digest = hex(&Sha256::digest(raw));
    for _ in 0..ATTEMPTS {
        let (state, record) = load(server, caller, id).await?;
        server.limits().answer(id)?;
        check_binding(caller, &state)?;
        let current = state.prompt.step;
        if step < current {
            return replay(&state, step, &digest);
        }
        if step > current {
            return Err(
                with_position(problem(409, "step_ahead", "this step has not been reached"), &state).into()
            );
        }
        if let Some(prompt) = process(server, caller, (state, record), (raw, &digest)).await? {
            return Ok(Answer { prompt, replayed: false });
        }
        // Somebody else answered this step at the same time: look at what it is now.
    }
    Err(Fault::new("interaction", "racing answers kept colliding").into())
}

fn replay(state: &State, step: u32, digest: &str) -> ApiResult<Answer> {
    let answered = state.history.iter().find(|a| a.step == step);
    match answered {
        Some(answered) if answered.digest == digest => {
            let last = step + 1 == state.prompt.step;
            let prompt = if last { shown(state) } else { answered.prompt.clone() };
            Ok(Answer { prompt, replayed: true })
        }
        _ => {
            let detail = format!("the interaction is at step {} by now", state.prompt.step);
            Err(with_position(problem(409, "step_conflict", &detail), state).into())
        }
    }
}

async fn process(
    server: &Server,
    caller: Caller<'_>,
    (mut state, record): (Box<State>, InteractionRecord),
    (raw, digest): (&[u8], &str),
) -> ApiResult<Option<Prompt>> {
    let submitted = body::read(raw, &state)?;
    let client = complete::client_of(server, &state).await?;
    if state.client_id.is_some() && client.is_none() {
        return Err(expired(server, &state, None).into());
    }
    apply::apply(server, (caller.ui, client.as_deref()), &mut state, submitted).await?;
    // A user code leads to the client of a device.
    let client = complete::client_of(server, &state).await?;
    let step = state.prompt.step;
    state.prompt.step = step + 1;
    let next = advance::advance(server, client.as_deref(), &mut state).await?;
    if matches!(next, Next::Finish) && state.door != Door::Redirect {
        return finish(server, (state, record.revision), (step, digest)).await;
    }
    if matches!(next, Next::Finish) {
        advance::send_back(server, client.as_deref(), &mut state)?;
    }
    let prompt = state.prompt.clone();
    state.history.push(Answered { step, digest: digest.to_owned(), prompt: prompt.clone() });
    let old = state.history.len().saturating_sub(REMEMBERED);
    state.history.drain(..old);
    let sealed = state.seal(server, record.revision, state.kept_until(server))?;
    Ok(server.store().advance_interaction(sealed).await?.then_some(prompt))
}

/// Without a browser that comes back, the effect comes with the last answer.
async fn finish(
    server: &Server,
    (mut state, revision): (Box<State>, i64),
    (step, digest): (u32, &str),
) -> ApiResult<Option<Prompt>> {
    let prompt = state.prompt.clone();
    state.history.push(Answered { step, digest: digest.to_owned(), prompt });
    match complete::complete(server, state, revision).await? {
        Finished::Delivered(state) | Finished::AskAgain(state) | Finished::TooLate(state) => {
            Ok(Some(state.prompt))
        }
        Finished::Conflict => Ok(None),
    }
}

/// Stores scratch state of the login app.
pub async fn put_data(server: &Server, caller: Caller<'_>, id: &str, data: Object) -> ApiResult<()> {
    let size = serde_json::to_vec(&data).map_or(usize::MAX, |bytes| bytes.len());
    if size > MAX_DATA {
        return Err(problem(413, "payload_too_large", "scratch state is limited to 8 KiB").into());
    }
    for _ in 0..ATTEMPTS {
        let (mut state, record) = load(server, caller, id).await?;
        check_binding(caller, &state)?;
        if state.prompt.body.is_terminal() {
            return Err(
                with_position(problem(409, "step_conflict", "the interaction has ended"), &state).into()
            );
        }
        state.data = Some(data.clone());
        state.prompt.data = Some(data.clone());
        let until = state.idle_until(server);
        state.prompt.expires_at = Instant(until);
        let sealed = state.seal(server, record.revision, state.kept_until(server))?;
        if server.store().advance_interaction(sealed).await? {
            return Ok(());
        }
    }
    Err(Fault::new("interaction", "racing writers kept colliding").into())
}

/// The scratch state.
pub async fn data(server: &Server, caller: Caller<'_>, id: &str) -> ApiResult<Object> {
    let (state, _) = load(server, caller, id).await?;
    Ok(state.data.unwrap_or_default())
}

/// Abandons an interaction silently: no response is made.
pub async fn abandon(server: &Server, caller: Caller<'_>, id: &str) -> ApiResult<()> {
    load(server, caller, id).await?;
    Ok(server.store().delete_interaction(id).await?)
}

/// The interaction of this id, if this login app may see it.
async fn load(server: &Server, caller: Caller<'_>, id: &str) -> ApiResult<(Box<State>, InteractionRecord)> {
    let not_found =
        || ApiFailure::from(problem(404, "interaction_not_found", "there is no such interaction"));
    match id::read(server.root(), id, server.now()) {
        Read::Forged => return Err(not_found()),
        Read::Expired => return Err(problem(410, "interaction_expired", "its time is over").into()),
        Read::Genuine => {}
    }
    let Some(record) = server.store().interaction(id, server.now()).await? else {
        return Err(
            problem(410, "interaction_expired", "it was abandoned, or nobody answered in time").into()
        );
    };
    if record.ui != caller.ui.name {
        return Err(not_found());
    }
    let state = State::open(server, &record)?;
    let idle = server.now() >= state.prompt.expires_at.0;
    if idle || (state.delivered.is_some() && state.door == Door::Redirect) {
        let client = complete::client_of(server, &state).await?;
        return Err(expired(server, &state, client.as_ref()).into());
    }
    Ok((state, record))
}

fn expired(server: &Server, state: &State, client: Option<&SharedClient>) -> placet_sdk::problem::Problem {
    let mut gone =
        problem(410, "interaction_expired", "nobody answered in time, or the browser has returned");
    let locales = state.request.as_ref().map(|r| r.ui_locales.clone()).unwrap_or_default();
    gone.client = client.map(|c| c.info(&locales));
    gone.restart_uri = client.and_then(|c| c.metadata.login_link(server.issuer()));
    gone
}

fn check_binding(caller: Caller<'_>, state: &State) -> ApiResult<()> {
    if state.door != Door::Headless {
        return Ok(());
    }
    let given = caller.binding.map(binding_text).unwrap_or_default();
    if bool::from(given.as_bytes().ct_eq(state.binding.as_bytes())) {
        Ok(())
    } else {
        let detail = "`Placet-Browser-Binding` is not the binding this interaction was opened with";
        Err(problem(403, "binding_mismatch", detail).into())
    }
}

fn with_position(mut problem: placet_sdk::problem::Problem, state: &State) -> placet_sdk::problem::Problem {
    problem.current_step = Some(state.prompt.step);
    problem.current_type = Some(state.prompt.body.type_name().to_owned());
    problem
}

/// The current prompt as the login app sees it.
pub(super) fn shown(state: &State) -> Prompt {
    let mut prompt = state.prompt.clone();
    if !matches!(prompt.body, Body::Response { .. } | Body::Error { .. }) {
        prompt.data.clone_from(&state.data);
    }
    prompt
}
