//! What policies are told of an interaction.

use placet_oauth::{authorization::AuthorizationRequest, grant_type::GrantType};
use placet_sdk::{
    Instant, InstantMillis,
    decision::{
        GrantFacts, HookType, InteractionFacts, InteractionStage, Party, PartySource, PartyType, Remote,
        RequestFacts, Requested, SessionFacts,
    },
    interaction::Kind,
};

use crate::{
    client::Client,
    interaction::{
        session::Session,
        state::{Accepted, State, kind_name},
    },
    outcome::Fault,
    policy::{Question, client_facts},
    server::Server,
};

/// A question about an interaction: who asks, for what, and from where.
pub(super) fn begin(
    server: &Server,
    hook: HookType,
    client: &Client,
    state: &State,
) -> Result<Question, Fault> {
    let request = state.request()?;
    let asking = asking(server, state, request);
    let mut question = Question::new(hook, Some((client, client_facts(client, false))), asking);
    let grant_type = match state.kind {
        Kind::Device => GrantType::DeviceCode.as_str(),
        Kind::Ciba => GrantType::Ciba.as_str(),
        _ if request.response_type.code => GrantType::AuthorizationCode.as_str(),
        _ => GrantType::Implicit.as_str(),
    };
    question.request.grant =
        Some(GrantFacts { grant_type: Some(grant_type.to_owned()), ..requested_by(request) });
    Ok(question)
}

/// The request of the browser. Answers come from the login app, so that the browser's address and user agent are those
/// with which it started.
fn asking(server: &Server, state: &State, request: &AuthorizationRequest) -> RequestFacts {
    let origin = state.steered.as_ref().map(|steered| steered.origin.clone()).unwrap_or_default();
    RequestFacts {
        endpoint: if state.prompt.step == 1 { "authorize" } else { "ui" }.to_owned(),
        received_at: Some(InstantMillis(server.now_millis())),
        remote: origin.ip.map(|ip| Remote { ip: ip.to_string() }),
        user_agent: origin.user_agent,
        parameters: request.extra.clone(),
        ..RequestFacts::default()
    }
}

/// What a request asks for.
pub(super) fn requested_by(request: &AuthorizationRequest) -> GrantFacts {
    GrantFacts {
        grant_type: None,
        authorization_id: None,
        requested: Requested {
            scope: Some(request.scope.to_vec()),
            resources: (!request.resources.is_empty()).then(|| request.resources.clone()),
            authorization_details: Some(request.authorization_details.clone()).filter(|all| !all.is_empty()),
            ..Requested::default()
        },
    }
}

/// Adds the user and the interaction.
pub(super) fn about(
    question: &mut Question,
    state: &State,
    reached: InteractionStage,
    (accepted, current): (&Accepted, Option<&Session>),
) {
    let session = current.filter(|session| Some(&session.record.id) == accepted.session_id.as_ref());
    question.request.subject = Some(user(&accepted.sub, Some(&accepted.claims)));
    question.request.session = Some(SessionFacts {
        id: accepted.session_id.clone(),
        sub: accepted.sub.clone(),
        created_at: session.map(|session| Instant(session.record.created_at)),
        authenticated_at: Some(Instant(accepted.authenticated_at)),
        acr: accepted.acr.clone(),
        amr: accepted.amr.clone(),
        data: accepted.data.clone().or_else(|| session.and_then(|session| session.doc.data.clone())),
    });
    let steered = state.steered.as_ref();
    question.request.interaction = Some(InteractionFacts {
        id: state.id.clone(),
        kind: kind_name(state.kind).to_owned(),
        stage: reached,
        challenges: steered.map_or(0, |steered| steered.challenges),
        consent: None,
        results: steered.map(|steered| steered.results.clone()).unwrap_or_default(),
        front_channel: Vec::new(),
        device: state.device.as_ref().and_then(|device| device.facts()),
        ciba: state
            .request
            .as_ref()
            .zip(state.ciba.as_ref())
            .map(|(request, ciba)| ciba.facts(&request.acr_values)),
    });
}

/// A user, with the claims that the login app told.
pub(super) fn user(sub: &str, claims: Option<&placet_sdk::grant::Object>) -> Party {
    Party {
        sub: sub.to_owned(),
        party_type: PartyType::User,
        source: PartySource::Session,
        claims: claims.filter(|claims| !claims.is_empty()).cloned(),
    }
}
