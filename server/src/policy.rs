//! The decision API: at each decision point the server proposes, states its limits, asks, checks the answer, and only
//! then goes on.
//!
//! A caller fills a [`Question`] and hands it to [`Policies::decide`]. Nothing is consumed and no transaction is open
//! while a policy is asked.

mod admin;
mod asking;
mod backend;
mod breaker;
pub mod ceiling;
mod chain;
mod context;
mod decisions;
mod details;
mod facts;
mod failure;
mod identity;
mod log;
mod noted;
mod question;
mod registration;
mod settled;
mod shadow;
mod shown;
mod sources;
mod subjects;
mod tighten;

pub use admin::{AdminError, replay};
pub use context::Context;
pub(crate) use decisions::MAX_AGE as MAX_CACHE_AGE;
pub use facts::{client_facts, passed_parameters, request_facts};
pub use failure::{Failed, FailureCode};
pub use log::{DecisionFilter, DecisionPage};
pub use question::Question;
pub(crate) use registration::secret as signing_secret;
pub use settled::{filled, settled};

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use placet_oauth::error::{ErrorCode, ErrorExtension, OAuthError};
use placet_sdk::decision::{Challenge, HookType, PolicyError, Proposal};

use tokio::sync::Semaphore;

use self::{
    decisions::Decisions,
    log::DecisionLog,
    registration::{Making, Registration},
};
use crate::{
    client::Client,
    clock::Clock,
    config::{CachesConfig, Config, PolicyDefaults, PolicyMode},
    details::DetailsTypes,
    metrics::Metrics,
    outcome::Fault,
    random::Random,
    seal::RootKeys,
    traces::Begun,
};

/// What the policies of a decision point made of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Decided {
    /// Go on with this.
    Allow(Allowed),
    /// Refuse with this error; its code is one that the type allows.
    Deny(PolicyError),
    /// Something is needed of the user first.
    Challenge(Challenge),
}

/// What policies let go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Allowed {
    /// The result, which is within the limits.
    pub proposal: Box<Proposal>,
    /// A policy failed and the proposal went on without it, or with an old decision of it.
    pub degraded: bool,
    /// The id of the decision in the decision log; none if nobody was asked.
    pub decision_id: Option<String>,
    /// The policy that put another subject in the place of an authenticated one, or took actors away.
    pub changed_subject_by: Option<String>,
}

impl Allowed {
    /// The proposal as it was.
    fn bare(proposal: Proposal) -> Self {
        Self { proposal: Box::new(proposal), degraded: false, decision_id: None, changed_subject_by: None }
    }
}

/// The error that a client is shown when a policy denies.
pub fn denial(error: &PolicyError) -> OAuthError {
    let known = ErrorCode::parse(&error.code);
    let code = known.unwrap_or(ErrorCode::AccessDenied);
    let text =
        error.description.clone().unwrap_or_else(|| "a policy of this server refused the request".to_owned());
    OAuthError::new(code, text).with_extension(ErrorExtension {
        code: known.is_none().then(|| error.code.clone()),
        uri: error.uri.clone(),
        members: Vec::new(),
    })
}

/// The policies that are registered; cheap to clone.
#[derive(Clone)]
pub struct Policies(Arc<Inner>);

struct Inner {
    issuer: String,
    defaults: PolicyDefaults,
    registrations: Vec<Arc<Registration>>,
    /// Names of headers that some policy sees.
    headers: Vec<String>,
    decisions: Decisions,
    log: DecisionLog,
    metrics: Arc<Metrics>,
    details: Arc<DetailsTypes>,
    shadows: Arc<Semaphore>,
    /// Decisions under way.
    open: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    salt: Vec<u8>,
}

/// What policies need of the server.
#[derive(Clone)]
pub struct Surroundings {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The random source.
    pub random: Arc<dyn Random>,
    /// The symmetric keys.
    pub root: RootKeys,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// The types of authorization details.
    pub details: Arc<DetailsTypes>,
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.registrations.iter().map(|policy| &policy.config.name)).finish()
    }
}

impl Policies {
    /// The policies of the configuration. Fails if a file of theirs cannot be used.
    pub fn new(config: &Config, around: Surroundings) -> Result<Self, Fault> {
        let Surroundings { clock, random, root, metrics, details } = around;
        let mut gates = HashMap::new();
        let mut making = Making { clock: clock.clone(), random: random.clone(), gates: &mut gates };
        let registrations = config
            .policy
            .iter()
            .map(|policy| Registration::new(policy, &mut making).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        let patience = Duration::from_millis(config.policy_defaults.chain_budget_ms.into());
        let headers = config.policy.iter().flat_map(|policy| &policy.headers);
        Ok(Self(Arc::new(Inner {
            issuer: config.issuer.clone(),
            defaults: config.policy_defaults,
            headers: headers.map(|name| name.to_ascii_lowercase()).collect(),
            registrations,
            decisions: Decisions::new(CachesConfig::bytes(config.caches.decisions), metrics.caches()),
            log: DecisionLog::new((&config.decision_log, patience), root.log_key(), &metrics)?,
            metrics,
            details,
            shadows: Arc::new(Semaphore::new(shadow::OPEN)),
            open: Arc::new(Semaphore::new(usize::try_from(chain::OPEN).unwrap_or(usize::MAX))),
            clock,
            random,
            salt: root.pairwise_salt().to_vec(),
        })))
    }

    /// Whether an enforced policy is registered for a decision point: a grant that needs one is on.
    pub fn has(&self, hook: HookType) -> bool {
        self.0.registrations.iter().any(|policy| policy.takes_part(hook, PolicyMode::Enforce))
    }

    /// Whether an enforced policy may be asked about this client at a decision point.
    pub fn concerns(&self, hook: HookType, client: &Client) -> bool {
        let mut enforced = self.0.registrations.iter().filter(|p| p.takes_part(hook, PolicyMode::Enforce));
        enforced.any(|policy| !policy.config.leaves_out(&client.id, &client.settings.data))
    }

    /// Whether anybody wants to be asked at a decision point, if only in shadow.
    pub fn asks(&self, hook: HookType) -> bool {
        self.has(hook)
            || self.0.registrations.iter().any(|policy| policy.takes_part(hook, PolicyMode::Shadow))
    }

    /// Whether anybody wants to be asked about this client at a decision point. Where the conditions of all policies say for sure
    /// that they do not, the question need not be put together.
    pub fn asks_about(&self, hook: HookType, client: &Client) -> bool {
        let mut registrations = self.0.registrations.iter();
        registrations.any(|policy| {
            (policy.takes_part(hook, PolicyMode::Enforce) || policy.takes_part(hook, PolicyMode::Shadow))
                && !policy.config.leaves_out(&client.id, &client.settings.data)
        })
    }

    /// What all decisions of a request with these headers share.
    pub fn context(&self, headers: &http::HeaderMap, begun: Option<Begun>) -> Context {
        Context::new(headers, &self.0.headers, begun)
    }

    /// The policies of a type, enforced and in shadow, in their order.
    fn taking_part(&self, hook: HookType) -> Vec<Arc<Registration>> {
        let mut chain: Vec<_> = self
            .0
            .registrations
            .iter()
            .filter(|policy| {
                policy.takes_part(hook, PolicyMode::Enforce) || policy.takes_part(hook, PolicyMode::Shadow)
            })
            .cloned()
            .collect();
        chain.sort_by_key(|policy| policy.setting.load().order);
        chain
    }
}
