//! A question for policies.

use placet_sdk::{
    InstantMillis,
    decision::{
        ChainPosition, DeciderClient, DecisionRequest, HookType, Limits, Mode, PROTOCOL, Proposal,
        RequestFacts,
    },
};

use crate::client::Client;

/// A question for policies: the decision request without what only its sending decides (id, instants, chain).
#[derive(Clone, Debug)]
pub struct Question {
    /// The request; callers fill in the sections of their type.
    pub request: Box<DecisionRequest>,
    /// The client as the request concerns it: whose pairwise subjects a policy may be shown, whose cached decisions
    /// fall with a change of it.
    pub client_id: Option<String>,
    /// The sector and whether it sees pairwise subjects, of the same client.
    pub sector: Option<String>,
    /// The decision point.
    pub hook: HookType,
    /// To set another subject than the proposed one is to put somebody in the place of an authenticated user: only
    /// policies with `allow_impersonation` may, whatever the limits say. So is to take actors away.
    pub impersonation: bool,
}

impl Question {
    /// A question of this type about a client.
    pub fn new(hook: HookType, client: Option<(&Client, DeciderClient)>, request: RequestFacts) -> Self {
        let (client_id, sector, client) = match client {
            Some((client, facts)) => (Some(client.id.clone()), Some(client.sector()), Some(facts)),
            None => (None, None, None),
        };
        let request = DecisionRequest {
            protocol: PROTOCOL.to_owned(),
            id: String::new(),
            hook,
            time: InstantMillis(0),
            deadline: InstantMillis(0),
            mode: Mode::Enforce,
            attempt: 1,
            issuer: String::new(),
            tenant: None,
            chain: ChainPosition { policy: String::new(), position: 1, of: 1 },
            client,
            grant: None,
            subject: None,
            actor: None,
            session: None,
            interaction: None,
            request,
            pop: None,
            proposal: Proposal::default(),
            limits: Limits::default(),
            requires: Vec::new(),
            authorization_request: None,
            device: None,
            ciba: None,
            authorization: None,
            refresh_token: None,
            password: None,
            client_credentials: None,
            jwt_bearer: None,
            raw_assertion: None,
            saml2_bearer: None,
            token_exchange: None,
            registration: None,
            claims: None,
            introspection: None,
            logout: None,
        };
        Self { request: Box::new(request), client_id, sector, hook, impersonation: false }
    }
}
