//! Rate limits, in bounded memory.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    ops::RangeInclusive,
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    state::keyed::HashMapStateStore,
};
use moka::sync::Cache;

use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use crate::{config::LimitsConfig, seal::hex};

/// So long a caller waits that has failed to authenticate too often.
const WAIT: Duration = Duration::from_secs(30);
/// So many such callers are remembered.
const WAITING: u64 = 100_000;
/// With more keys than this, those that are at rest are forgotten.
const KEYS: usize = 100_000;

/// Why a caller has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Seconds until a request is let through again, rounded up.
    pub retry_after: u64,
}

/// One limit, by key.
#[derive(Debug)]
struct Limit(Option<RateLimiter<String, HashMapStateStore<String>, DefaultClock>>);

impl Limit {
    fn per_minute(enabled: bool, count: u32) -> Self {
        Self(
            NonZeroU32::new(count)
                .filter(|_| enabled)
                .map(|count| RateLimiter::hashmap(Quota::per_minute(count))),
        )
    }

    fn take(&self, key: &String) -> Result<(), TooMany> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        if limiter.len() > KEYS {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        limiter.check_key(key).map_err(|until| TooMany {
            retry_after: until.wait_time_from(DefaultClock::default().now()).as_secs().saturating_add(1),
        })
    }
}

/// The limits in force.
#[derive(Debug)]
pub struct Limits {
    token: Limit,
    authorize: Limit,
    register: Limit,
    failures: Limit,
    waiting: Cache<String, ()>,
    answers: Limit,
    logins: Limit,
    login_addresses: Limit,
    user_codes: Limit,
    user_code_addresses: Limit,
    user_codes_in_all: Limit,
}

impl Limits {
    /// These limits.
    pub fn new(config: &LimitsConfig) -> Self {
        let limit = |count| Limit::per_minute(config.enabled, count);
        Self {
            token: limit(config.token),
            authorize: limit(config.authorize),
            register: limit(config.register),
            failures: limit(config.failures),
            waiting: Cache::builder().max_capacity(WAITING).time_to_live(WAIT).build(),
            answers: limit(config.answers),
            logins: limit(config.logins),
            login_addresses: limit(config.logins_per_address),
            user_codes: limit(config.user_codes),
            user_code_addresses: limit(config.user_codes_per_address),
            user_codes_in_all: limit(config.user_codes_in_all),
        }
    }

    /// A request to an endpoint for clients, from `peer`.
    pub fn token(&self, peer: IpAddr) -> Result<(), TooMany> {
        self.token.take(&address(peer))
    }

    /// An authorization or logout request from `peer`.
    pub fn authorize(&self, peer: IpAddr) -> Result<(), TooMany> {
        self.authorize.take(&address(peer))
    }

    /// A registration from `peer`.
    pub fn register(&self, peer: IpAddr) -> Result<(), TooMany> {
        self.register.take(&address(peer))
    }

    /// Notes a failed authentication as `client_id` from `peer`. Clients are counted per address, so that a stranger
    /// cannot lock a client out.
    pub fn failure(&self, peer: IpAddr, client_id: &str) {
        let peer = address(peer);
        for key in [format!("{peer} {client_id}"), peer] {
            if self.failures.take(&key).is_err() {
                self.waiting.insert(key, ());
            }
        }
    }

    /// Whether `peer` may try to authenticate as `client_id`, or has failed too often.
    pub fn may_try(&self, peer: IpAddr, client_id: &str) -> Result<(), TooMany> {
        let peer = address(peer);
        if self.waiting.contains_key(&format!("{peer} {client_id}")) || self.waiting.contains_key(&peer) {
            return Err(TooMany { retry_after: WAIT.as_secs() });
        }
        Ok(())
    }

    /// An attempt to log in at the token endpoint as `username`, from `peer`. The right password does not lift the limit:
    /// else guessing could go on.
    pub fn login(&self, peer: &str, username: &str) -> Result<(), TooMany> {
        let peer = peer.parse().map_or_else(|_| peer.to_owned(), address);
        self.login_addresses.take(&peer)?;
        self.logins.take(&hex(&Sha256::digest(folded(username))))
    }

    /// Notes a wrong user code that the browser with this binding entered at `peer`. Only wrong ones are counted: else
    /// many people behind one address would be in each other's way.
    pub fn wrong_code(&self, peer: Option<IpAddr>, browser: &str) {
        for (limit, key) in self.guesses(peer, browser) {
            if limit.take(&key).is_err() {
                self.waiting.insert(key, ());
            }
        }
    }

    /// Whether the browser with this binding may enter a user code at `peer`, or too many were wrong: its own, those of the
    /// address, or all of them, since with many addresses one could guess as well.
    pub fn may_enter_code(&self, peer: Option<IpAddr>, browser: &str) -> Result<(), TooMany> {
        if self.guesses(peer, browser).any(|(_, key)| self.waiting.contains_key(&key)) {
            return Err(TooMany { retry_after: WAIT.as_secs() });
        }
        Ok(())
    }

    /// By what wrong user codes are counted.
    fn guesses<'a>(
        &'a self,
        peer: Option<IpAddr>,
        browser: &str,
    ) -> impl Iterator<Item = (&'a Limit, String)> + use<'a> {
        let peer = peer.map_or_else(|| "unknown".to_owned(), address);
        [
            (&self.user_codes, format!("user code {browser}")),
            (&self.user_code_addresses, format!("user code {peer}")),
            (&self.user_codes_in_all, "user code".to_owned()),
        ]
        .into_iter()
    }

    /// An answer to the prompts of an interaction.
    pub fn answer(&self, interaction: &str) -> Result<(), TooMany> {
        self.answers.take(&interaction.to_owned())
    }
}

/// A user name as a lenient policy may read it: whoever writes one name in many ways has one limit for all of them.
fn folded(username: &str) -> String {
    let seen =
        |c: &char| !c.is_whitespace() && !c.is_control() && !INVISIBLE.iter().any(|range| range.contains(c));
    username.nfkc().filter(seen).flat_map(char::to_lowercase).nfkc().collect()
}

/// Characters that nobody sees: the soft hyphen, joiners and marks of direction, variation selectors, tags.
const INVISIBLE: [RangeInclusive<char>; 8] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{e0000}'..='\u{e01ef}',
];

/// The key of an address: IPv6 by its /64, since a host has all of that.
fn address(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_per_key_and_says_how_long_to_wait() {
        let limits = Limits::new(&LimitsConfig { register: 2, ..LimitsConfig::default() });
        let (a, b) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert_eq!(limits.register(a), Ok(()));
        assert_eq!(limits.register(a), Ok(()));
        let refused = limits.register(a).unwrap_err();
        assert!((1..=31).contains(&refused.retry_after));
        assert_eq!(limits.register(b), Ok(()));
    }

    #[test]
    fn who_failed_too_often_waits_but_nobody_else_does() {
        let limits = Limits::new(&LimitsConfig { failures: 2, ..LimitsConfig::default() });
        let (a, b) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..2 {
            limits.failure(a, "web");
            assert_eq!(limits.may_try(a, "web"), Ok(()));
        }
        limits.failure(a, "web");
        assert!(limits.may_try(a, "web").is_err());
        assert_eq!(limits.may_try(b, "web"), Ok(()));
    }

    #[test]
    fn wrong_codes_are_counted_by_browser_by_address_and_in_all() {
        let config = LimitsConfig {
            user_codes: 1,
            user_codes_per_address: 3,
            user_codes_in_all: 5,
            ..LimitsConfig::default()
        };
        let limits = Limits::new(&config);
        let at = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
        let wrong = |peer, browser: &str, times| (0..times).for_each(|_| limits.wrong_code(peer, browser));
        wrong(at(1), "a", 2);
        assert!(limits.may_enter_code(at(1), "a").is_err());
        assert!(limits.may_enter_code(at(2), "a").is_err(), "a browser may change its address");
        assert_eq!(limits.may_enter_code(at(1), "b"), Ok(()));
        wrong(at(1), "b", 1);
        wrong(at(1), "c", 1);
        assert!(limits.may_enter_code(at(1), "d").is_err(), "browsers are made quickly");
        assert_eq!(limits.may_enter_code(at(2), "d"), Ok(()));
        wrong(at(2), "d", 1);
        wrong(at(3), "e", 1);
        assert!(limits.may_enter_code(at(4), "f").is_err(), "there are many addresses");
    }

    #[test]
    fn a_user_name_has_one_limit_however_it_is_written() {
        for written in [
            "alice",
            "ALICE",
            " alice\t",
            "al ice",
            "\u{ff41}\u{ff4c}\u{ff49}\u{ff43}\u{ff45}",
            "al\u{200b}ice",
            "ali\u{ad}ce",
            "a\u{fe0f}lice\u{0}",
        ] {
            assert_eq!(folded(written), "alice", "{written:?}");
        }
        assert_eq!(folded("Ame\u{301}lie"), folded("AM\u{c9}LIE"));
        assert_ne!(folded("alice"), folded("alice2"));
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_limit() {
        let limits = Limits::new(&LimitsConfig { register: 1, ..LimitsConfig::default() });
        assert_eq!(limits.register("2001:db8::1".parse().unwrap()), Ok(()));
        assert!(limits.register("2001:db8::2".parse().unwrap()).is_err());
        assert_eq!(limits.register("2001:db8:0:1::1".parse().unwrap()), Ok(()));
    }
}
