//! Rate limits, in bounded memory.

mod address;
mod rate;
mod table;

use std::{hash::Hash, net::IpAddr, ops::RangeInclusive, sync::Arc};

use unicode_normalization::UnicodeNormalization as _;

use crate::{clock::Clock, config::LimitsConfig, metrics::LimitMeter};

use address::Block;
pub(crate) use address::Network;
pub use rate::{Policy, Standing, TooMany};
use rate::{Rate, Shared, Watch};
use table::Table;

/// So long a caller waits that has failed too often, in seconds.
const WAIT: u32 = 30;
/// The /48 of an address of IPv6 has so many times what a /64 has: whoever has one has 65,536 of those.
const BLOCK: u32 = 16;

/// What is asked of the server, as limits count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Tokens.
    Token,
    /// To keep an authorization request.
    Par,
    /// Codes for a device.
    Device,
    /// A user on another device.
    Ciba,
    /// What a token is.
    Introspection,
    /// The end of a token.
    Revocation,
    /// Who a token is about.
    UserInfo,
    /// A page, by a browser.
    Authorize,
    /// To become a client, or what is known of one.
    Register,
}

/// The limits of a kind of request.
#[derive(Debug)]
struct Requests {
    address: Rate,
    block: Rate,
    client: Rate,
}

impl Requests {
    fn new(shared: Option<&Shared>, names: [&'static str; 3], (address, client): (u32, u32)) -> Self {
        let rate = |name, quota| Rate::new(shared, Policy { name, quota, window: 60 });
        let [of_address, of_block, of_client] = names;
        Self {
            address: rate(of_address, address),
            block: rate(of_block, address.saturating_mul(BLOCK)),
            client: rate(of_client, client),
        }
    }

    fn take(&self, peer: IpAddr) -> Result<Option<Standing>, TooMany> {
        let network = Network::of(peer);
        let standing = self.address.take(network)?;
        if let Some(block) = Block::around(network) {
            self.block.take(block)?;
        }
        Ok(standing)
    }
}

/// The limits in force.
#[derive(Debug)]
pub struct Limits {
    shared: Option<Shared>,
    refused: LimitMeter,
    requests: [Requests; 9],
    failures: Rate,
    failure_addresses: Rate,
    pending_addresses: Rate,
    pending: Rate,
    answers: Rate,
    logins: Rate,
    failed_logins: Rate,
    login_addresses: Rate,
    user_codes: Rate,
    user_code_addresses: Rate,
    user_codes_in_all: Rate,
}

impl Limits {
    /// These limits, where what somebody began lives for so many seconds; what they refuse is counted.
    pub fn new(config: &LimitsConfig, pending: u32, (clock, refused): (Arc<dyn Clock>, LimitMeter)) -> Self {
        let shared = config
            .enabled
            .then(|| Shared { table: Arc::new(Table::new(config.keys)), watch: Watch::new(clock) });
        let requests = |names, counts| Requests::new(shared.as_ref(), names, counts);
        let rate = |name, quota| Rate::new(shared.as_ref(), Policy { name, quota, window: 60 });
        let kept = |name, quota| Rate::new(shared.as_ref(), Policy { name, quota, window: pending });
        let of = &config.clients;
        Self {
            // In the order of `Asked`.
            requests: [
                requests(["token", "token-network", "token-client"], (config.token, of.token)),
                requests(["par", "par-network", "par-client"], (config.par, of.par)),
                requests(["device", "device-network", "device-client"], (config.device, of.device)),
                requests(["ciba", "ciba-network", "ciba-client"], (config.ciba, of.ciba)),
                requests(
                    ["introspection", "introspection-network", "introspection-client"],
                    (config.introspection, of.introspection),
                ),
                requests(
                    ["revocation", "revocation-network", "revocation-client"],
                    (config.revocation, of.revocation),
                ),
                requests(["userinfo", "userinfo-network", ""], (config.userinfo, 0)),
                requests(["authorize", "authorize-network", ""], (config.authorize, 0)),
                requests(["register", "register-network", ""], (config.register, 0)),
            ],
            failures: rate("failures", config.failures),
            failure_addresses: rate("failures-address", config.failures_per_address),
            pending_addresses: kept("pending", config.pending_per_address),
            pending: kept("pending-all", config.pending_in_all),
            answers: rate("answers", config.answers),
            logins: rate("logins", config.logins),
            failed_logins: rate("failed-logins", config.failed_logins),
            login_addresses: rate("logins-address", config.logins_per_address),
            user_codes: rate("user-codes", config.user_codes),
            user_code_addresses: rate("user-codes-address", config.user_codes_per_address),
            user_codes_in_all: rate("user-codes-all", config.user_codes_in_all),
            shared,
            refused,
        }
    }

    /// A request from `peer`, whoever it says that it is.
    pub fn address(&self, asked: Asked, peer: IpAddr) -> Result<Option<Standing>, TooMany> {
        self.counted(self.requests[asked as usize].take(peer))
    }

    /// A request of a client that has proved who it is.
    pub fn client(&self, asked: Asked, client_id: &str) -> Result<Option<Standing>, TooMany> {
        self.counted(self.requests[asked as usize].client.take(client_id))
    }

    /// Something is about to be kept until it is answered or over; for a stranger, the address is counted, too. Nobody may fill
    /// the store, alone or with others.
    pub fn keep(&self, stranger: Option<IpAddr>) -> Result<(), TooMany> {
        if let Some(peer) = stranger {
            self.counted(self.pending_addresses.take(Network::of(peer)))?;
        }
        self.counted(self.pending.take(())).map(drop)
    }

    /// Notes a failed authentication as `client_id` from `peer`. Clients are counted per address, so that a stranger
    /// cannot lock a client out; and an address may fail more often than one client there, so that a client with an old
    /// secret does not lock out the others.
    pub fn failure(&self, peer: IpAddr, client_id: &str) {
        let peer = Network::of(peer);
        if self.failures.take((peer, client_id)).is_err() {
            self.make_wait(("failures", peer, client_id));
        }
        if self.failure_addresses.take(peer).is_err() {
            self.make_wait(("failures", peer));
        }
    }

    /// Whether `peer` may try to authenticate as `client_id`, or has failed too often.
    pub fn may_try(&self, peer: IpAddr, client_id: &str) -> Result<(), TooMany> {
        let peer = Network::of(peer);
        self.waits("failures", ("failures", peer, client_id))?;
        self.waits("failures-address", ("failures", peer))
    }

    /// An attempt to log in at the token endpoint as `username`, from `peer`. The right password does not lift the limit:
    /// else guessing could go on.
    pub fn login(&self, peer: &str, username: &str) -> Result<(), TooMany> {
        self.counted(match peer.parse() {
            Ok(peer) => self.login_addresses.take(Network::of(peer)),
            Err(_) => self.login_addresses.take(peer),
        })?;
        self.counted(self.logins.take(folded(username))).map(drop)
    }

    /// A login app tells that somebody failed to sign in as `sub`. It learns when that is too often.
    pub fn failed_login(&self, sub: &str) -> Result<(), TooMany> {
        self.counted(self.failed_logins.take(sub)).map(drop)
    }

    /// Notes a wrong user code that the browser with this binding entered at `peer`. Only wrong ones are counted: else
    /// many people behind one address would be in each other's way.
    pub fn wrong_code(&self, peer: Option<IpAddr>, browser: &str) {
        let peer = peer.map(Network::of);
        if self.user_codes.take(browser).is_err() {
            self.make_wait(("user code", browser));
        }
        if self.user_code_addresses.take(peer).is_err() {
            self.make_wait(("user code", peer));
        }
        if self.user_codes_in_all.take(()).is_err() {
            self.make_wait("user code");
        }
    }

    /// Whether the browser with this binding may enter a user code at `peer`, or too many were wrong: its own, those of the
    /// address, or all of them, since with many addresses one could guess as well.
    pub fn may_enter_code(&self, peer: Option<IpAddr>, browser: &str) -> Result<(), TooMany> {
        self.waits("user-codes", ("user code", browser))?;
        self.waits("user-codes-address", ("user code", peer.map(Network::of)))?;
        self.waits("user-codes-all", "user code")
    }

    /// An answer to the prompts of an interaction.
    pub fn answer(&self, interaction: &str) -> Result<(), TooMany> {
        self.counted(self.answers.take(interaction)).map(drop)
    }

    /// Counts it by the limit that was reached, if one was.
    fn counted<T>(&self, taken: Result<T, TooMany>) -> Result<T, TooMany> {
        taken.inspect_err(|refused| self.refused.reached(refused.policy.name))
    }

    /// Whoever this is the key of has to wait from now on.
    fn make_wait(&self, key: impl Hash) {
        if let Some(Shared { table, watch }) = &self.shared {
            let until = watch.nanos().saturating_add(u64::from(WAIT) * SECOND);
            let _: Result<(), ()> = table.update(table.key(("waits", key)), |_| Ok(((), until)));
        }
    }

    fn waits(&self, name: &'static str, key: impl Hash) -> Result<(), TooMany> {
        let Some(Shared { table, watch }) = &self.shared else { return Ok(()) };
        let until = table.until(table.key(("waits", key))).unwrap_or_default();
        match until.saturating_sub(watch.nanos()) {
            0 => Ok(()),
            left => {
                let policy = Policy { name, quota: 1, window: WAIT };
                self.counted(Err(TooMany { policy, retry_after: left.div_ceil(SECOND) }))
            }
        }
    }
}

/// In nanoseconds.
const SECOND: u64 = 1_000_000_000;

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

#[cfg(test)]
mod tests;
