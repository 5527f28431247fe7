//! What is kept of the decisions of policies while an interaction lasts.

use placet_sdk::{
    decision::{DemandProposal, SessionProposal},
    grant::{Grant, Object},
    interaction::CustomPrompt,
};
use serde::{Deserialize, Serialize};

/// The longest user agent that is kept, in characters.
const MAX_USER_AGENT: usize = 256;

/// Where a browser came from when it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Origin {
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<std::net::IpAddr>,
    /// Its user agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

impl Origin {
    /// The origin of a browser; a user agent that is very long is cut.
    pub fn new(ip: Option<std::net::IpAddr>, user_agent: Option<&str>) -> Self {
        Self { ip, user_agent: user_agent.map(|text| text.chars().take(MAX_USER_AGENT).collect()) }
    }
}

/// What policies decided of an interaction.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Steered {
    /// Where the browser came from.
    pub origin: Origin,
    /// What `authorization.request` demands of the user, beyond the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) demand: Option<DemandProposal>,
    /// What may be granted, as `authorization.request` narrowed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offer: Option<Grant>,
    /// How many challenges were raised.
    pub(super) challenges: u32,
    /// The user whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sub: Option<String>,
    /// The authentication that a challenge demands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) step_up: Option<StepUp>,
    /// The user has to choose an account; with this message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) select: Option<Select>,
    /// The user has to consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) consent: Option<ForcedConsent>,
    /// The page that is to be shown next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<CustomPrompt>,
    /// What pages gave, by name.
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(super) results: Object,
    /// The last allow of `interaction.evaluate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evaluated: Option<Evaluated>,
    /// The allow of `interaction.approve`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) approved: Option<Approved>,
}

/// An authentication that a challenge demands.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct StepUp {
    /// Of whom; none if the user may be another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sub: Option<String>,
    /// Acceptable classes; empty for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) acr_values: Vec<String>,
    /// Methods that must have been used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) amr_values: Vec<String>,
    /// Its greatest age, in seconds, when it was demanded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_age: Option<u64>,
    /// It must not have happened before this.
    pub(super) not_before: i64,
    /// For the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
}

/// A choice of accounts that a challenge demands.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Select {
    /// For the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
}

/// A consent that a challenge demands.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ForcedConsent {
    /// The scope values that are shown as new; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) scope: Vec<String>,
    /// For the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
}

/// The authentication that a decision rests on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Basis {
    pub(super) sub: String,
    pub(super) authenticated_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) amr: Vec<String>,
}

/// An allow of `interaction.evaluate`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Evaluated {
    /// What it rests on; none once the user answered something new.
    pub(super) basis: Option<Basis>,
    /// What may be granted.
    pub(super) offer: Grant,
    /// The user has to be asked.
    pub(super) ask: bool,
    /// How long the session may live.
    pub(super) session: Option<SessionProposal>,
    /// The policy that put another subject in the place of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject_by: Option<String>,
}

/// The allow of `interaction.approve`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Approved {
    /// What it rests on.
    pub(super) basis: Basis,
    /// What is granted.
    pub(super) grant: Grant,
    /// The policy that put another subject in the place of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject_by: Option<String>,
}
