//! Asking the policies of an exchange.

use placet_oauth::{grant_type::GrantType, token_request::TokenType};
use placet_sdk::{
    Instant,
    decision::{
        Freedom, GrantFacts, GrantLimits, HookType, Party, PartySource, PartyType, RequestFacts, Requested,
        TokenExchangeSection, TokenFacts,
    },
    grant::{Authentication, Encoding, Grant},
};

use super::{
    Exchange,
    presented::{Presented, Who},
};
use crate::{
    actors,
    client::{AuthenticatedClient, Client},
    grant::decide::{Settled, decide, requested},
    outcome::Outcome,
    policy::{Question, ceiling},
    possession,
    server::Server,
};

pub(super) async fn ask(
    server: &Server,
    client: &AuthenticatedClient,
    exchange: &Exchange,
    asking: &RequestFacts,
) -> Outcome<Settled> {
    const HOOK: HookType = HookType::GrantTokenExchange;
    let (subject, actor) = (&exchange.subject, exchange.actor.as_ref());
    let mut question = Question::asked_by(HOOK, client, asking.clone());
    // Whoever this server knows is only exchanged for another by who may impersonate.
    question.impersonation = !matches!(subject.who, Who::External { .. });
    let request = &mut question.request;
    request.subject = Some(party(&subject.who, PartySource::SubjectToken));
    request.actor = actor.map(|actor| party(&actor.who, PartySource::ActorToken));
    request.token_exchange = Some(TokenExchangeSection {
        semantics: if actor.is_some() { "delegation" } else { "impersonation" }.to_owned(),
        subject_token: token_facts(subject),
        actor_token: actor.map(token_facts),
        act_depth: u32::try_from(actors::chain(exchange.act.as_ref()).count()).unwrap_or(u32::MAX),
    });
    request.requires = vec!["/grant/sub".to_owned(), "/grant/scope".to_owned()];
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let asked = requested(&exchange.asked);
    let facts = GrantFacts {
        grant_type: Some(GrantType::TokenExchange.as_str().to_owned()),
        authorization_id: subject.home.as_ref().map(|(authorization, _)| authorization.id.clone()),
        requested: Requested {
            resources: some(&exchange.resources),
            audience: some(&exchange.audience),
            requested_token_type: Some(exchange.wanted.as_str().to_owned()),
            ..asked
        },
    };
    decide(server, question, facts, proposal(server, client, exchange)).await
}

fn party(who: &Who, source: PartySource) -> Party {
    let (sub, party_type) = match who {
        Who::User(sub) => (sub, PartyType::User),
        Who::Client(id) => (id, PartyType::Client),
        Who::External { sub, .. } => (sub, PartyType::External),
    };
    Party { sub: sub.clone(), party_type, source, claims: None }
}

fn token_facts(presented: &Presented) -> TokenFacts {
    let external = matches!(presented.who, Who::External { .. });
    TokenFacts {
        token_type: presented.token_type.as_str().to_owned(),
        origin: if external { "trusted_issuer" } else { "local" }.to_owned(),
        authorization_id: presented.home.as_ref().map(|(authorization, _)| authorization.id.clone()),
        claims: presented.claims.clone(),
        cnf: presented.confirmation.as_ref().and_then(|bound| bound.to_claim().as_object().cloned()),
        act: presented.act.clone(),
    }
}

/// What a bare allow leads to, and its ceiling.
fn proposal(server: &Server, client: &Client, exchange: &Exchange) -> (Grant, GrantLimits) {
    let (subject, wanted) = (&exchange.subject, exchange.wanted);
    let authorized = subject.home.as_ref().map(|(_, authorized)| authorized);
    let mut grant = Grant {
        sub: match &subject.who {
            Who::User(sub) | Who::Client(sub) => Some(sub.clone()),
            // A policy says whom of this server it is.
            Who::External { .. } => None,
        },
        act: exchange.act.clone(),
        scope: Some(exchange.scope.to_vec()),
        resources: Some(exchange.resources.clone()),
        authorization_details: exchange.details.clone(),
        // The user consented to them for this client alone.
        claims: match &exchange.shared {
            Some(shared) => Some(shared.claims.clone()),
            None => authorized.filter(|_| exchange.is_own(client)).and_then(|a| a.grant.claims.clone()),
        },
        authentication: authorized.filter(|a| a.authenticated_at > 0).map(|a| Authentication {
            authenticated_at: Some(Instant(a.authenticated_at)),
            acr: a.acr.clone(),
            amr: Some(a.amr.clone()),
        }),
        ..Grant::default()
    };
    if subject.bound || exchange.actor.as_ref().is_some_and(|actor| actor.bound) {
        possession::require(&mut grant);
    }
    let shares = |value: &str| exchange.shared.is_some() && exchange.scope.contains(value);
    let refreshes = shares("offline_access");
    let tokens =
        (refreshes || wanted == TokenType::RefreshToken, shares("openid") || wanted == TokenType::IdToken);
    let mut proposed = ceiling::effective(server, client, grant, tokens);
    let left = u32::try_from(exchange.until - server.now()).unwrap_or(u32::MAX);
    let at_most = |seconds: &mut Option<u32>| *seconds = seconds.map(|seconds| seconds.min(left));
    if let Some(set) = &mut proposed.access_token {
        at_most(&mut set.lifetime);
        if wanted == TokenType::Jwt {
            set.encoding = Some(Encoding::Jwt);
        }
    }
    if let Some(set) = &mut proposed.id_token {
        at_most(&mut set.lifetime);
    }
    let mut limits = ceiling::narrow_only(server, client, &proposed);
    // A credential that outlives the occasion is only issued by a policy that says so.
    if let Some(set) = &mut proposed.refresh_token {
        set.issue = Some(refreshes);
    }
    if wanted == TokenType::Jwt {
        limits.access_token.encodings = vec![Encoding::Jwt];
        limits.access_token.single_use = false;
    }
    limits.enrichable = server.details().enrichable();
    limits.sub = Freedom::Settable;
    limits.act = Freedom::Settable;
    limits.may_act = Freedom::Settable;
    if matches!(subject.who, Who::External { .. }) {
        limits.authentication = Freedom::Settable;
    }
    limits.max_data_bytes = ceiling::MAX_DATA;
    limits.max_claims_context_bytes = ceiling::MAX_CLAIMS_CONTEXT;
    (proposed, limits)
}
