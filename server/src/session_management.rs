//! What a client can see of the browser's sessions without asking (OpenID Connect Session Management 1.0).
//!
//! The browser keeps a *state* in a cookie that scripts of this server's origin can read: a keyed digest of the ids of
//! the sessions that it is signed in with. It changes with them, and says nothing of them. Clients get a hash over it
//! (`session_state`), and the page at `/check_session`, loaded in a frame, compares.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::{
    id::Secret,
    session_state::{origin_of, session_state},
};

use crate::{
    config::Config,
    interaction::{Door, State, session::MAX_PER_BROWSER},
    outcome::Fault,
    random,
    seal::RootKeys,
    server::Server,
};

/// Whether it is on: where the cookie can be read inside frames of other sites, and in development, where everything is
/// on one.
pub fn is_on(config: &Config) -> bool {
    config.browser.third_party || config.development
}

/// The state of a browser with these live sessions, in any order; empty without any.
pub fn browser_state<'a>(root: &RootKeys, sessions: impl IntoIterator<Item = &'a str>) -> String {
    let mut ids: Vec<_> = sessions.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return String::new();
    }
    let digest = root.digest("browser state", &Secret::new(ids.join(" ")));
    URL_SAFE_NO_PAD.encode(&digest.0[..16])
}

/// The sessions that a browser is signed in with once the effect of an interaction is there, the newest first.
fn after(state: &State) -> impl Iterator<Item = &str> {
    let own = state.accepted.as_ref().and_then(|accepted| accepted.session_id.as_deref());
    let others = state.sessions.iter().map(String::as_str).filter(move |id| Some(*id) != own);
    own.into_iter().chain(others).take(MAX_PER_BROWSER)
}

/// The state of the browser once the effect of an interaction is there; none where cookies are not this server's matter.
pub fn state_after(server: &Server, state: &State) -> Option<String> {
    (is_on(server.config()) && state.door == Door::Redirect)
        .then(|| browser_state(server.root(), after(state)))
}

/// The `session_state` of a response; none for a request that is not OpenID Connect's, and where the client has no pages
/// that could watch.
pub fn of_response(server: &Server, state: &State) -> Result<Option<String>, Fault> {
    let Some(browser) = state_after(server, state) else { return Ok(None) };
    let request = state.request()?;
    let origin = origin_of(&request.redirect_uri).filter(|_| request.scope.contains("openid"));
    let Some(origin) = origin else { return Ok(None) };
    let salt = URL_SAFE_NO_PAD.encode(random::bytes::<12>(server.random())?);
    Ok(Some(session_state(&request.client_id, &origin, &browser, &salt)))
}
