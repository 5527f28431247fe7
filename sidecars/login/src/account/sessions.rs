//! Where a user is signed in.

use placet_sdk::{client::Error, interaction::SessionInfo};

use super::{Done, all, gone};
use crate::visit::Visit;

/// The sessions of a user: that of this browser first, then by when they were used.
pub(super) async fn of(visit: &Visit, sub: &str) -> Result<Vec<SessionInfo>, Error> {
    let api = &visit.app.api;
    let mut sessions = all(|cursor| async move { api.sessions(sub, cursor.as_deref()).await }).await?;
    let used = |session: &SessionInfo| session.last_used_at.unwrap_or(session.authenticated_at);
    sessions.sort_by_key(|session| std::cmp::Reverse((is_here(visit, session), used(session))));
    Ok(sessions)
}

/// Whether a session began in this browser. Another site's cookie tells which sessions it has; this app knows what it wrote
/// down when it signed the user in.
pub(super) fn is_here(visit: &Visit, session: &SessionInfo) -> bool {
    known(session, "browser").is_some_and(|mark| crate::csrf::same(&visit.browser_of(&session.sub), mark))
}

/// What the sign-in wrote down.
pub(super) fn known<'a>(session: &'a SessionInfo, name: &str) -> Option<&'a str> {
    session.data.as_ref()?.get(name)?.as_str()
}

/// Ends one of this user's sessions.
pub(super) async fn end(visit: &Visit, sub: &str, id: &str) -> Result<Done, Error> {
    if of(visit, sub).await?.iter().any(|session| session.id == id) {
        gone(visit.app.api.end_session(id).await)?;
    }
    Ok(Done::Ended)
}

/// Ends all sessions of this user but those of this browser.
pub(super) async fn end_others(visit: &Visit, sub: &str) -> Result<Done, Error> {
    for session in of(visit, sub).await?.iter().filter(|session| !is_here(visit, session)) {
        gone(visit.app.api.end_session(&session.id).await)?;
    }
    Ok(Done::EndedOthers)
}
