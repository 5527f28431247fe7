//! Answers in the name of users, for test suites that have nobody to hold a phone. In development mode only, and only
//! where the configuration says so (`ciba.automatic_answers`).

use placet_oauth::{error::OAuthError, id::Secret};
use placet_sdk::interaction::{Answer, AuthAnswer, Body, ConsentAnswer, DenyAnswer, Prompt};

use super::AUTH_REQ_ID;
use crate::{
    interaction::{
        answer::{Caller, answer, current},
        backchannel::PolledDoc,
    },
    outcome::{Failure, Fault, Outcome},
    problem::ApiFailure,
    server::Server,
};

/// Prompts at most: nobody is asked more than for a sign-in, a consent, and what a policy adds.
const MOST: usize = 5;

/// Answers a request through the interaction API, as its user would: yes to everything, or no.
///
/// # Errors
///
/// `invalid_request` for a request that is unknown or answered, and for what cannot be answered without a person.
pub(crate) async fn automatic(server: &Server, auth_req_id: &Secret, allow: bool) -> Outcome<()> {
    let digest = server.root().digest(AUTH_REQ_ID, auth_req_id);
    let found = server.store().polled(&digest).await?;
    let unknown = || OAuthError::invalid_request("there is no such `auth_req_id`");
    let (record, _) = found.filter(|(record, _)| record.kind == AUTH_REQ_ID).ok_or_else(unknown)?;
    let id = PolledDoc::open(server, &record)?.interaction;
    let interaction = server.store().interaction(&id, server.now()).await?.ok_or_else(unknown)?;
    let ui = server.ui(&interaction.ui).ok_or_else(|| Fault::new("ciba", "its login app is gone"))?;
    let caller = Caller { ui, binding: None };
    let mut prompt = current(server, caller, &id).await.map_err(told)?;
    for _ in 0..MOST {
        let Some(body) = said(&prompt, allow) else { return Ok(()) };
        let raw = serde_json::to_vec(&body).map_err(|error| Fault::new("ciba", error))?;
        prompt = answer(server, caller, (&id, prompt.step), &raw).await.map_err(told)?.prompt;
    }
    Err(OAuthError::invalid_request("the request asks for more than can be answered without a person").into())
}

/// What is said to a prompt; nothing to the last one.
fn said(prompt: &Prompt, allow: bool) -> Option<Answer> {
    match &prompt.body {
        Body::Response { .. } | Body::Error { .. } => None,
        Body::Auth { auth } if allow => Some(Answer::Auth(AuthAnswer {
            sub: auth.account.sub.clone().unwrap_or_default(),
            acr: auth.acr.as_ref().and_then(|acr| acr.values.first().cloned()),
            amr: auth.amr.as_ref().map(|amr| amr.values.clone()).unwrap_or_default(),
            ..AuthAnswer::default()
        })),
        Body::Consent { .. } if allow => Some(Answer::Consent(Box::new(ConsentAnswer {
            accept_all: Some(true),
            ..ConsentAnswer::default()
        }))),
        _ => Some(Answer::Deny(DenyAnswer::default())),
    }
}

fn told(failure: ApiFailure) -> Failure {
    match failure {
        ApiFailure::Problem(problem) => {
            OAuthError::invalid_request(problem.detail.clone().unwrap_or(problem.code.clone())).into()
        }
        ApiFailure::TooMany(wait) => Failure::TooMany(wait),
        ApiFailure::Fault(fault) => fault.into(),
    }
}
