//! What all requests share.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use placet_sdk::client::UiClient;

use crate::{
    brand::Brand, clock::Clock, csrf::Seal, directory::Directory, limiter::Limiter, password::Passwords,
    vault::Vault,
};

/// Failures that one account may see within the window.
const FAILURES_PER_NAME: u32 = 10;
/// Failures that one address may cause within the window; several people may share it.
const FAILURES_PER_ADDRESS: u32 = 100;
/// Accounts that one address may create within the window.
const SIGNUPS_PER_ADDRESS: u32 = 30;
const WINDOW: Duration = Duration::from_secs(300);
/// Codes that one account may try within their window: a million codes, of which three are right at a time.
const CODES_PER_NAME: u32 = 5;
const CODE_WINDOW: Duration = Duration::from_secs(900);
const REMEMBERED_KEYS: usize = 20_000;

/// Forms that are remembered, to know a repeated one again.
const REMEMBERED_FORMS: usize = 1024;

/// What all requests share.
pub(crate) struct App {
    pub(crate) api: UiClient,
    pub(crate) directory: Directory,
    pub(crate) passwords: Passwords,
    pub(crate) limits: Limits,
    pub(crate) signups: Signups,
    /// Which forms used which codes up.
    pub(crate) codes: Mutex<Made>,
    pub(crate) seal: Seal,
    pub(crate) brand: Brand,
    pub(crate) means: Means,
    pub(crate) clock: Clock,
    /// Whether browsers reach this app over https.
    pub(crate) secure: bool,
    /// Development mode.
    pub(crate) dev: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpAddr>,
}

/// By what users can prove who they are.
pub(crate) struct Means {
    /// Authentication context classes that a password satisfies; the first one is the default.
    pub(crate) password: Vec<String>,
    /// Those that a password and a second factor satisfy together.
    pub(crate) both: Vec<String>,
    /// Opens the secrets of second factors; without it there are none.
    pub(crate) vault: Option<Vault>,
    /// Whether users may set up a second factor when one is demanded.
    pub(crate) enrolment: bool,
    /// Whether a second factor is asked for at every sign-in of a user who has one.
    pub(crate) always: bool,
}

/// How often something may fail.
pub(crate) struct Limits {
    pub(crate) by_name: Limiter,
    pub(crate) by_address: Limiter,
    pub(crate) by_code: Limiter,
    pub(crate) signups: Limiter,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            by_name: Limiter::new(FAILURES_PER_NAME, WINDOW, REMEMBERED_KEYS),
            by_address: Limiter::new(FAILURES_PER_ADDRESS, WINDOW, REMEMBERED_KEYS),
            by_code: Limiter::new(CODES_PER_NAME, CODE_WINDOW, REMEMBERED_KEYS),
            signups: Limiter::new(SIGNUPS_PER_ADDRESS, WINDOW, REMEMBERED_KEYS),
        }
    }
}

/// What repeated forms find already made.
#[derive(Default)]
pub(crate) struct Made(VecDeque<(String, String)>);

impl Made {
    /// Remembers that `form` made something for `sub`.
    pub(crate) fn remember(&mut self, form: &str, sub: &str) {
        if self.0.len() >= REMEMBERED_FORMS {
            self.0.pop_front();
        }
        self.0.push_back((form.to_owned(), sub.to_owned()));
    }

    /// Whether `form` did.
    pub(crate) fn made(&self, form: &str, sub: &str) -> bool {
        self.0.iter().any(|(known, made)| known == form && made == sub)
    }
}

/// Which interaction created which user.
///
/// A sign-up form that is sent twice, or again after the server did not answer, then goes on with the account it
/// made instead of finding its own name taken.
#[derive(Default)]
pub(crate) struct Signups(Mutex<Made>);

impl Signups {
    /// Remembers that the interaction created `sub`.
    pub(crate) fn remember(&self, interaction: &str, sub: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remember(interaction, sub);
    }

    /// Whether the interaction created `sub`.
    pub(crate) fn made(&self, interaction: &str, sub: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).made(interaction, sub)
    }
}
