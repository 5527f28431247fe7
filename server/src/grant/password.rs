//! The resource owner password credentials grant (RFC 6749 section 4.3). It exists while a policy of the type
//! `grant.password` is registered, for clients of the operator alone: they see the password.

use placet_oauth::{
    error::OAuthError,
    grant_type::GrantType,
    id::Secret,
    token_request::{Asked, TokenResponse},
};
use placet_sdk::decision::{HookType, PasswordSection, RequestFacts};

use super::establish::{Establish, establish};
use crate::{client::AuthenticatedClient, outcome::Outcome, policy::Question, server::Server};

/// What the client presents.
#[derive(Debug)]
pub(super) struct Presented {
    pub(super) username: String,
    pub(super) password: Secret,
    pub(super) otp: Option<Secret>,
}

pub(super) async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    (presented, asked): (Presented, Asked),
    asking: &RequestFacts,
) -> Outcome<TokenResponse> {
    const HOOK: HookType = HookType::GrantPassword;
    if !client.settings.first_party {
        return Err(
            OAuthError::unauthorized_client("only clients of the operator may ask for passwords").into()
        );
    }
    let address = asking.remote.as_ref().map_or("", |remote| remote.ip.as_str());
    server.limits().login(address, &presented.username)?;
    let mut question = Question::asked_by(HOOK, client, asking.clone());
    question.request.password = Some(PasswordSection {
        username: presented.username,
        password: presented.password.expose().to_owned(),
        otp: presented.otp.map(|otp| otp.expose().to_owned()),
    });
    let wanted = Establish {
        grant_type: GrantType::Password,
        question,
        asked,
        sub: None,
        authentication: None,
        consume: Vec::new(),
        people: true,
        bound: false,
    };
    establish(server, client, wanted).await
}
