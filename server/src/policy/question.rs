//! A question for policies.

use placet_oauth::client::ClientMetadata;
use placet_sdk::{
    InstantMillis,
    decision::{
        ChainPosition, DeciderClient, DecisionRequest, HookType, Limits, Mode, PROTOCOL, Party, PartyType,
        Proposal, RequestFacts,
    },
};

use super::client_facts;
use crate::client::{AuthenticatedClient, Client};

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
    /// What the same client registered: policies see what their registration names.
    pub metadata: Option<Box<ClientMetadata>>,
    /// The decision point.
    pub hook: HookType,
    /// To set another subject than the proposed one is to put somebody in the place of an authenticated user: only
    /// policies with `allow_impersonation` may, whatever the limits say. So is to take actors away.
    pub impersonation: bool,
}

impl Question {
    /// A question of this type about a client.
    pub fn new(hook: HookType, client: Option<(&Client, DeciderClient)>, request: RequestFacts) -> Self {
        let mut question = Self::about(hook, request);
        if let Some((client, facts)) = client {
            question.client_id = Some(client.id.clone());
            question.sector = Some(client.sector());
            question.metadata = Some(Box::new(client.metadata.clone()));
            question.request.client = Some(facts);
        }
        question
    }

    /// A question of this type about the request of a client that authenticated, with what that request proved.
    pub fn asked_by(hook: HookType, client: &AuthenticatedClient, request: RequestFacts) -> Self {
        let mut question = Self::new(hook, Some((client, client_facts(client, true))), request);
        question.request.pop = client.possession().facts(client);
        question
    }

    fn about(hook: HookType, request: RequestFacts) -> Self {
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
            client: None,
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
        Self {
            request: Box::new(request),
            client_id: None,
            sector: None,
            metadata: None,
            hook,
            impersonation: false,
        }
    }

    /// The question that a request is, as it stands in the log or as an operator writes it. `client` is the one that
    /// it concerns, where the server knows it.
    pub fn simulated(request: DecisionRequest, client: Option<&Client>) -> Self {
        let named = request.client.as_ref();
        let told = named.is_some_and(|client| !client.metadata.is_empty());
        let external = |party: &Party| party.party_type == PartyType::External;
        Self {
            client_id: client
                .map(|client| client.id.clone())
                .or_else(|| named.map(|client| client.client_id.clone())),
            sector: client.map(Client::sector),
            metadata: client.filter(|_| !told).map(|client| Box::new(client.metadata.clone())),
            hook: request.hook,
            impersonation: match request.hook {
                HookType::InteractionEvaluate | HookType::InteractionApprove => true,
                HookType::GrantTokenExchange => !request.subject.as_ref().is_some_and(external),
                _ => false,
            },
            request: Box::new(request),
        }
    }
}
