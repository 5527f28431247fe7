//! `logout.evaluate`: what policies say of a logout before the user is asked to confirm it.

use placet_sdk::{
    InstantMillis,
    decision::{
        HookType, Limits, LogoutClient, LogoutHint, LogoutLimits, LogoutProposal, LogoutSection, Party,
        PartySource, PartyType, Proposal, Remote, RequestFacts,
    },
};

use super::LogoutRequest;
use crate::{
    interaction::{Origin, session::Session},
    outcome::{Fault, Outcome},
    policy::{Decided, Question, client_facts, denial},
    server::Server,
};

/// Whether the user has to confirm. Without a policy always; with one, unless it says otherwise of a request whose hint
/// is of a session of this very browser.
///
/// # Errors
///
/// `access_denied` if a policy refuses the logout.
pub(crate) async fn must_confirm(
    server: &Server,
    asked: &LogoutRequest,
    (origin, sessions): (&Origin, &[Session]),
) -> Outcome<bool> {
    const HOOK: HookType = HookType::LogoutEvaluate;
    if !server.policies().asks(HOOK) {
        return Ok(true);
    }
    let facts = &asked.facts;
    let asking = RequestFacts {
        endpoint: "logout".to_owned(),
        received_at: Some(InstantMillis(server.now_millis())),
        remote: origin.ip.map(|ip| Remote { ip: ip.to_string() }),
        user_agent: origin.user_agent.clone(),
        parameters: asked.parameters.clone(),
        ..RequestFacts::default()
    };
    let client = asked.client.as_deref().map(|client| (client, client_facts(client, false)));
    let mut question = Question::new(HOOK, client, asking);
    let request = &mut question.request;
    request.subject = facts.sub.clone().map(|sub| Party {
        sub,
        party_type: PartyType::User,
        source: PartySource::Session,
        claims: None,
    });
    let session = sessions.iter().find(|session| Some(&session.record.id) == facts.session_id.as_ref());
    request.session = session.map(Session::shown);
    let mut clients = Vec::new();
    for client_id in &facts.clients {
        let client = server.client(client_id).await?;
        let metadata = client.as_ref().map(|client| &client.metadata);
        clients.push(LogoutClient {
            client_id: client_id.clone(),
            frontchannel: metadata.is_some_and(|told| told.frontchannel_logout_uri.is_some()),
            backchannel: metadata.is_some_and(|told| told.backchannel_logout_uri.is_some()),
        });
    }
    request.logout = Some(LogoutSection {
        initiator: facts.initiator.clone(),
        clients,
        hint: asked
            .hint
            .clone()
            .map(|claims| LogoutHint { verified: facts.hint_verified, claims: Some(claims) }),
        parameters: asked.parameters.clone(),
    });
    request.proposal = Proposal { logout: Some(LogoutProposal { confirm: true }), ..Proposal::default() };
    request.limits =
        Limits { logout: Some(LogoutLimits { skip_confirm: facts.hint_verified }), ..Limits::default() };
    match server.policies().decide(question).await? {
        Decided::Allow(allowed) => Ok(allowed.proposal.logout.is_none_or(|logout| logout.confirm)),
        Decided::Deny(error) => Err(denial(&error).into()),
        Decided::Challenge(_) => Err(Fault::new("policy", "`logout.evaluate` cannot be challenged").into()),
    }
}
