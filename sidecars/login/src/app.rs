//! What all requests share.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use placet_sdk::client::UiClient;

use crate::{brand::Brand, csrf::Seal, directory::Directory, limiter::Limiter, password::Passwords};

/// Failures that one account may see within the window.
const FAILURES_PER_NAME: u32 = 10;
/// Failures that one address may cause within the window; several people may share it.
const FAILURES_PER_ADDRESS: u32 = 100;
/// Accounts that one address may create within the window.
const SIGNUPS_PER_ADDRESS: u32 = 30;
const WINDOW: Duration = Duration::from_secs(300);
const REMEMBERED_KEYS: usize = 20_000;

/// Sign-ups that are remembered, to know a repeated form again.
const REMEMBERED_SIGNUPS: usize = 1024;

/// What all requests share.
pub(crate) struct App {
    pub(crate) api: UiClient,
    pub(crate) directory: Directory,
    pub(crate) passwords: Passwords,
    pub(crate) limits: Limits,
    pub(crate) signups: Signups,
    pub(crate) seal: Seal,
    pub(crate) brand: Brand,
    /// Authentication context classes that a password satisfies; the first one is the default.
    pub(crate) acr: Vec<String>,
    /// Whether browsers reach this app over https.
    pub(crate) secure: bool,
    /// Development mode.
    pub(crate) dev: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpAddr>,
}

/// How often something may fail.
pub(crate) struct Limits {
    pub(crate) by_name: Limiter,
    pub(crate) by_address: Limiter,
    pub(crate) signups: Limiter,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            by_name: Limiter::new(FAILURES_PER_NAME, WINDOW, REMEMBERED_KEYS),
            by_address: Limiter::new(FAILURES_PER_ADDRESS, WINDOW, REMEMBERED_KEYS),
            signups: Limiter::new(SIGNUPS_PER_ADDRESS, WINDOW, REMEMBERED_KEYS),
        }
    }
}

/// Which interaction created which user.
///
/// A sign-up form that is sent twice, or again after the server did not answer, then goes on with the account it
/// made instead of finding its own name taken.
#[derive(Default)]
pub(crate) struct Signups(Mutex<VecDeque<(String, String)>>);

impl Signups {
    /// Remembers that the interaction created `sub`.
    pub(crate) fn remember(&self, interaction: &str, sub: &str) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= REMEMBERED_SIGNUPS {
            entries.pop_front();
        }
        entries.push_back((interaction.to_owned(), sub.to_owned()));
    }

    /// Whether the interaction created `sub`.
    pub(crate) fn made(&self, interaction: &str, sub: &str) -> bool {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().any(|(known, made)| known == interaction && made == sub)
    }
}
