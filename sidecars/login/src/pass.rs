//! Who is signed in to this app itself: for pages that belong to no interaction, [`approve`](crate::approve) and
//! [`account`](crate::account).
//!
//! Whoever gives the password at one of them has a cookie for a quarter of an hour, which only this app could make: a pass,
//! good at all of them. It holds in the browser that it was made for, and until the user has another password. A page
//! that wants more has the second factor added to it.

mod door;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

pub(crate) use self::door::{Door, back, held, show, take};
use crate::{csrf, directory::User, visit::Visit};

/// How long it is good, in seconds.
const LIFE: u32 = 15 * 60;

/// That a user gave the password in this browser.
pub(crate) struct Pass {
    pub(crate) user: Arc<User>,
    /// Whether the second factor was given, too.
    pub(crate) both: bool,
    /// When it is over, in seconds since 1970.
    until: u32,
}

impl Pass {
    /// The one that a browser sent, if it is genuine, not over, and of this very browser.
    fn of(visit: &Visit) -> Option<Self> {
        let value = visit.cookie(name(visit.app.secure))?;
        let (body, mark) = value.rsplit_once('.')?;
        let mut parts = body.splitn(3, '.');
        let (sub, until, factors) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let sub = String::from_utf8(URL_SAFE_NO_PAD.decode(sub).ok()?).ok()?;
        if visit.is_new || now(visit) >= until {
            return None;
        }
        let pass = Self { user: visit.app.directory.by_sub(&sub)?, both: factors == "2", until };
        csrf::same(&pass.mark(visit), mark).then_some(pass)
    }

    /// One that begins now.
    fn begin(visit: &Visit, user: Arc<User>) -> Self {
        Self { user, both: false, until: now(visit).saturating_add(LIFE) }
    }

    /// When the password was given, in seconds since 1970.
    pub(crate) fn given_at(&self) -> i64 {
        i64::from(self.until.saturating_sub(LIFE))
    }

    /// The token of the forms that this user is shown.
    pub(crate) fn token(&self, visit: &Visit) -> String {
        visit.app.seal.sign("form of a pass", &[visit.browser.as_bytes(), self.user.sub.as_bytes()])
    }

    fn mark(&self, visit: &Visit) -> String {
        let Self { user, both, until } = self;
        let parts = [
            visit.browser.as_bytes(),
            user.sub.as_bytes(),
            user.password.as_str().as_bytes(),
            &until.to_be_bytes(),
            &[u8::from(*both)],
        ];
        visit.app.seal.sign("pass", &parts)
    }

    /// The `Set-Cookie` line.
    fn cookie(&self, visit: &Visit) -> String {
        let sub = URL_SAFE_NO_PAD.encode(&self.user.sub);
        let factors = if self.both { 2 } else { 1 };
        let value = format!("{sub}.{}.{factors}.{}", self.until, self.mark(visit));
        let life = self.until.saturating_sub(now(visit));
        csrf::line((name(visit.app.secure), &value), visit.app.secure, life)
    }
}

/// Name of the cookie.
fn name(secure: bool) -> &'static str {
    if secure { "__Host-placet-pass" } else { "placet-pass" }
}

fn now(visit: &Visit) -> u32 {
    u32::try_from(visit.app.clock.now()).unwrap_or(u32::MAX)
}
