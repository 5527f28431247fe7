//! The authorization request (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1): where its answer may go,
//! what it asks, and what has to happen before it can be answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    claims::ClaimsRequest, confirmation::Thumbprint, pkce::Challenge, response_mode::ResponseMode,
    response_type::ResponseType, scope::Scope,
};

mod destination;
mod next_step;
mod request;

pub use destination::resolve_destination;
pub use next_step::{AuthFacts, AuthReason, ConsentState, Demand, Progress, Step, next_step, shortfalls};
pub(crate) use request::DISPLAYS;
pub use request::{RequestPolicy, parse_request, parse_without_browser};

/// What the client wants the user to be asked (OpenID Connect Core section 3.1.2.1; `create` is from Initiating User
/// Registration via OpenID Connect 1.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Nothing: fail if anything had to be asked.
    None,
    /// To authenticate, even if there is a session.
    Login,
    /// To consent, even if consent was given before.
    Consent,
    /// To choose an account.
    SelectAccount,
    /// To create an account.
    Create,
}

impl Prompt {
    /// Every prompt.
    pub const ALL: [Self; 5] = [Self::None, Self::Login, Self::Consent, Self::SelectAccount, Self::Create];

    /// The registered name of the prompt.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
            Self::Create => "create",
        }
    }

    /// The prompt of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|prompt| prompt.as_str() == name)
    }
}

/// Where the answer to an authorization request goes. It exists only for a redirect URI that the client registered,
/// so errors may be sent there as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The redirect URI to use.
    pub redirect_uri: String,
    /// Whether the request named it: the token request must then repeat it (RFC 6749 section 4.1.3).
    pub redirect_uri_given: bool,
    /// How the parameters of the answer travel.
    pub response_mode: ResponseMode,
    /// What to send back in `state`.
    pub state: Option<String>,
}

/// A request that is well-formed and within what its client registered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: String,
    /// Where the answer goes; empty if no browser carries it.
    pub redirect_uri: String,
    /// Whether the request named the redirect URI.
    pub redirect_uri_given: bool,
    /// What the answer shall carry.
    pub response_type: ResponseType,
    /// How the parameters of the answer travel.
    pub response_mode: ResponseMode,
    /// The scope asked for; empty if none was.
    pub scope: Scope,
    /// What to send back in `state`.
    pub state: Option<String>,
    /// What to put into the ID token as `nonce`.
    pub nonce: Option<String>,
    /// What the token request must prove (RFC 7636); `None` if the answer carries no code.
    pub challenge: Option<Challenge>,
    /// The key that the token request must prove (RFC 9449 section 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<Thumbprint>,
    /// What the user shall be asked, without repeats.
    pub prompt: Vec<Prompt>,
    /// How old the authentication may be, in seconds.
    pub max_age: Option<u64>,
    /// The authentication context classes asked for, best first.
    pub acr_values: Vec<String>,
    /// Who the user probably is.
    pub login_hint: Option<String>,
    /// Which upstream provider or organisation the user probably belongs to.
    pub domain_hint: Option<String>,
    /// An ID token from before, unverified.
    pub id_token_hint: Option<String>,
    /// The languages for pages, best first.
    pub ui_locales: Vec<String>,
    /// The languages for claims, best first.
    pub claims_locales: Vec<String>,
    /// `page`, `popup`, `touch` or `wap`.
    pub display: Option<String>,
    /// The claims asked for one by one.
    pub claims: ClaimsRequest,
    /// The resources that access tokens shall be for (RFC 8707).
    pub resources: Vec<String>,
    /// What is asked for beyond the scope (RFC 9396 section 2).
    #[serde(default)]
    pub authorization_details: Vec<Map<String, Value>>,
    /// Every parameter that is not known here.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl AuthorizationRequest {
    /// Whether this is an OpenID Connect request, not plain OAuth 2.0.
    pub fn is_openid(&self) -> bool {
        self.scope.contains("openid")
    }

    /// Whether a browser came with it, which carries the answer. Else the client asks after it at the token endpoint.
    pub fn has_browser(&self) -> bool {
        !self.redirect_uri.is_empty()
    }
}

#[cfg(test)]
mod tests;
