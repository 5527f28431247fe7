//! What every decision point tells.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    decision::{
        DeciderClient, DecisionRequest, GrantFacts, HookType, InteractionFacts, Limits, Mode, Party,
        ProofOfPossession, Proposal, RequestFacts, SessionFacts,
    },
    grant::Object,
};

/// A decision request and how long there is to answer it. Every type of request derefs to this.
#[derive(Clone, Debug)]
pub struct Question {
    pub(super) request: DecisionRequest,
    pub(super) deadline: Instant,
}

impl Question {
    /// `dec_…`: the same when the server repeats the question.
    pub fn id(&self) -> &str {
        &self.request.id
    }

    /// The decision point.
    pub fn hook(&self) -> HookType {
        self.request.hook
    }

    /// Whether the answer counts.
    pub fn mode(&self) -> Mode {
        self.request.mode
    }

    /// Whether the handler may change anything: the answer counts. Where it does not, it is only compared or shown,
    /// and there must be no side effects.
    pub fn may_act(&self) -> bool {
        self.request.mode == Mode::Enforce
    }

    /// When the answer comes too late; the handler is stopped then.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// How long there is to answer.
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The issuer identifier of the server.
    pub fn issuer(&self) -> &str {
        &self.request.issuer
    }

    /// The tenant, where there are several.
    pub fn tenant(&self) -> Option<&str> {
        self.request.tenant.as_deref()
    }

    /// The client.
    pub fn client(&self) -> Option<&DeciderClient> {
        self.request.client.as_ref()
    }

    /// A member of the operator's own metadata of the client.
    pub fn client_data(&self, name: &str) -> Option<&Value> {
        self.client()?.data.get(name)
    }

    /// The grant, as it was requested.
    pub fn requested(&self) -> Option<&GrantFacts> {
        self.request.grant.as_ref()
    }

    /// Whom it is about.
    pub fn subject(&self) -> Option<&Party> {
        self.request.subject.as_ref()
    }

    /// Who acts.
    pub fn actor(&self) -> Option<&Party> {
        self.request.actor.as_ref()
    }

    /// The user's session.
    pub fn session(&self) -> Option<&SessionFacts> {
        self.request.session.as_ref()
    }

    /// The interaction with the user.
    pub fn interaction(&self) -> Option<&InteractionFacts> {
        self.request.interaction.as_ref()
    }

    /// The HTTP request that led here.
    pub fn http(&self) -> &RequestFacts {
        &self.request.request
    }

    /// Proof of possession, verified.
    pub fn pop(&self) -> Option<&ProofOfPossession> {
        self.request.pop.as_ref()
    }

    /// The result if the answer is a bare allow.
    pub fn proposal(&self) -> &Proposal {
        &self.request.proposal
    }

    /// The ceiling of what may be set.
    pub fn limits(&self) -> &Limits {
        &self.request.limits
    }

    /// JSON Pointers into the result that must be there when the answer is allow.
    pub fn requires(&self) -> &[String] {
        &self.request.requires
    }

    /// The whole request, less the section of its type.
    pub fn request(&self) -> &DecisionRequest {
        &self.request
    }

    pub(super) fn proposed(&self) -> Object {
        match serde_json::to_value(&self.request.proposal) {
            Ok(Value::Object(proposal)) => proposal,
            _ => Object::new(),
        }
    }
}
