//! Who opened the page for requests: a cookie that only this app could make.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{csrf, directory::User, visit::Visit};

/// How long it is good, in seconds.
const LIFE: u32 = 15 * 60;

/// Name of the cookie.
pub(crate) fn name(secure: bool) -> &'static str {
    if secure { "__Host-placet-approve" } else { "placet-approve" }
}

fn now(visit: &Visit) -> u32 {
    u32::try_from(visit.app.clock.now()).unwrap_or(u32::MAX)
}

/// What the cookie is about, apart from all interactions: their ids begin otherwise.
fn subject(sub: &str) -> String {
    format!("approvals of {sub}")
}

/// The user whose page it is, if the cookie is genuine, not over, and of this very browser.
pub(crate) fn user(visit: &Visit) -> Option<Arc<User>> {
    read(visit).map(|(user, _)| user)
}

/// When that user gave the password, in seconds since 1970.
pub(crate) fn given_at(visit: &Visit) -> Option<i64> {
    read(visit).map(|(_, until)| i64::from(until.saturating_sub(LIFE)))
}

fn read(visit: &Visit) -> Option<(Arc<User>, u32)> {
    let value = visit.pass.as_deref()?;
    let mut parts = value.split('.');
    let (sub, until, tag) = (parts.next()?, parts.next()?, parts.next()?);
    let sub = String::from_utf8(URL_SAFE_NO_PAD.decode(sub).ok()?).ok()?;
    let until: u32 = until.parse().ok()?;
    if visit.is_new || now(visit) >= until {
        return None;
    }
    let genuine = visit.app.seal.accepts(tag, &visit.browser, &subject(&sub), until);
    visit.app.directory.by_sub(&sub).filter(|_| genuine).map(|user| (user, until))
}

/// The `Set-Cookie` line for this user.
pub(crate) fn give(visit: &Visit, sub: &str) -> String {
    let until = now(visit).saturating_add(LIFE);
    let tag = visit.app.seal.token(&visit.browser, &subject(sub), until);
    let value = format!("{}.{until}.{tag}", URL_SAFE_NO_PAD.encode(sub));
    csrf::line((name(visit.app.secure), &value), visit.app.secure, LIFE)
}

/// The `Set-Cookie` line for nobody.
pub(crate) fn none(visit: &Visit) -> String {
    csrf::line((name(visit.app.secure), ""), visit.app.secure, 0)
}

/// The token of the forms of this user's page; of the sign-in form, if there is none.
pub(crate) fn token(visit: &Visit, sub: Option<&str>) -> String {
    visit.app.seal.token(&visit.browser, &form(sub), 0)
}

/// Whether a form was made for this browser and this user.
pub(crate) fn accepts(visit: &Visit, sub: Option<&str>, token: &str) -> bool {
    visit.app.seal.accepts(token, &visit.browser, &form(sub), 0)
}

fn form(sub: Option<&str>) -> String {
    sub.map_or_else(
        || "sign-in of the page for requests".to_owned(),
        |sub| format!("form of {}", subject(sub)),
    )
}
