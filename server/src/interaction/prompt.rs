//! The envelope of prompts.

use std::collections::BTreeMap;

use placet_oauth::authorization::{AuthorizationRequest, Prompt as PromptValue};
use placet_sdk::{
    Instant,
    interaction::{Body, ClientInfo, Kind, LogoutInfo, Prompt, RequestInfo, SessionInfo, UiHints},
};

use super::state::State;
use crate::{authorize::Arrival, server::Server};

/// What the envelope is made of.
pub(super) struct Envelope {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) step: u32,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
}

/// A bare prompt.
pub(super) fn bare(server: &Server, envelope: Envelope, body: Body) -> Prompt {
    Prompt {
        id: envelope.id,
        kind: envelope.kind,
        step: envelope.step,
        created_at: Instant(envelope.created_at),
        expires_at: Instant(envelope.expires_at),
        issuer: server.issuer().to_owned(),
        tenant: None,
        client: None,
        request: None,
        session: None,
        ui: UiHints::default(),
        logout: None,
        device: None,
        ciba: None,
        data: None,
        body,
    }
}

/// The prompt of a state, with `body`.
pub(super) fn of_state(
    server: &Server,
    state: &State,
    client: Option<ClientInfo>,
    session: Option<SessionInfo>,
    body: Body,
) -> Prompt {
    let envelope = Envelope {
        id: state.id.clone(),
        kind: state.kind,
        step: state.prompt.step,
        created_at: state.opened_at,
        expires_at: state.idle_until(server),
    };
    let mut prompt = bare(server, envelope, body);
    prompt.client = client;
    prompt.session = session;
    prompt.data.clone_from(&state.data);
    if let Some(request) = &state.request {
        prompt.request = Some(request_info(server, request, &state.arrival));
        prompt.ui = hints(request);
    }
    if let Some(logout) = &state.logout {
        prompt.ui.locales.clone_from(&logout.ui_locales);
    }
    prompt.device = state.device.as_ref().and_then(|device| device.info());
    prompt.logout = state.logout.as_ref().map(|logout| LogoutInfo {
        initiator: logout.initiator.clone(),
        hint_verified: logout.hint_verified,
        clients: logout.clients.clone(),
        post_logout_redirect: logout.return_to.is_some(),
    });
    let acr_values = state.request.as_ref().map(|request| request.acr_values.as_slice()).unwrap_or_default();
    prompt.ciba = state.ciba.as_ref().map(|ciba| ciba.info(acr_values));
    prompt
}

/// How the pages of a request shall look and speak.
pub(super) fn hints(request: &AuthorizationRequest) -> UiHints {
    UiHints {
        locales: request.ui_locales.clone(),
        display: request.display.clone(),
        login_hint: request.login_hint.clone(),
        domain_hint: request.domain_hint.clone(),
        screen: request.prompt.contains(&PromptValue::Create).then(|| "signup".to_owned()),
    }
}

/// The request as login apps and policies see it.
pub(super) fn request_info(
    server: &Server,
    request: &AuthorizationRequest,
    arrival: &Arrival,
) -> RequestInfo {
    let passed = &server.config().passed_parameters;
    let parameters: BTreeMap<_, _> = request
        .extra
        .iter()
        .filter(|(name, _)| passed.contains(name))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    let of_browser = |text: &str| request.has_browser().then(|| text.to_owned());
    RequestInfo {
        response_type: of_browser(request.response_type.as_str()),
        response_mode: of_browser(request.response_mode.as_str()),
        redirect_uri: of_browser(&request.redirect_uri),
        scope: request.scope.to_vec(),
        resources: request.resources.clone(),
        authorization_details: request.authorization_details.clone(),
        prompt: request.prompt.iter().map(|p| p.as_str().to_owned()).collect(),
        max_age: request.max_age,
        pushed: arrival.pushed.is_some(),
        signed: arrival.signed,
        pkce: request.challenge.as_ref().map(|_| "S256".to_owned()),
        dpop_jkt: request.dpop_jkt.as_ref().map(ToString::to_string),
        parameters,
    }
}
