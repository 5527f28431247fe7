//! The decision API: at each decision point the server proposes, states its limits, asks, checks the answer, and only
//! then goes on.
//!
//! A caller fills a [`Question`] and hands it to [`Policies::decide`]. Nothing is consumed and no transaction is open
//! while a policy is asked.

mod backend;
pub mod ceiling;
mod chain;
mod facts;
mod failure;
mod question;
mod registration;

pub use facts::{client_facts, request_facts};
pub use failure::{Failed, FailureCode};
pub use question::Question;

use std::{fmt, sync::Arc};

use placet_oauth::error::{ErrorCode, ErrorExtension, OAuthError};
use placet_sdk::decision::{Challenge, HookType, PolicyError, Proposal};

use crate::{clock::Clock, config::Config, outcome::Fault, random::Random};
use registration::Registration;

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
    registrations: Vec<Arc<Registration>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.registrations.iter().map(|policy| &policy.config.name)).finish()
    }
}

impl Policies {
    /// The policies of the configuration. Fails if a file of theirs cannot be used.
    pub fn new(config: &Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, Fault> {
        let registrations = config
            .policy
            .iter()
            .map(|policy| Registration::new(policy, clock.clone()).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self(Arc::new(Inner { issuer: config.issuer.clone(), registrations, clock, random })))
    }

    /// Whether an enforced policy is registered for a decision point.
    pub fn has(&self, hook: HookType) -> bool {
        self.0.registrations.iter().any(|policy| policy.enforces(hook))
    }

    /// Whether a claims source owns this claim, in whatever language.
    pub fn owns_claim(&self, _name: &str) -> bool {
        self.has(HookType::ClaimsSource)
    }

    /// The enforced policies of a type, in their order.
    fn chain(&self, hook: HookType) -> Vec<Arc<Registration>> {
        let mut chain: Vec<_> =
            self.0.registrations.iter().filter(|policy| policy.enforces(hook)).cloned().collect();
        chain.sort_by_key(|policy| policy.config.order);
        chain
    }
}
