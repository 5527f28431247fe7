//! Policies: sidecars and built-in rules that decide.

mod auth;
mod backends;
mod log;
mod matching;

use placet_sdk::{decision::HookType, grant::Object};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use auth::{ClientCertificate, PolicyAuth, ResponseSecret, SecretText, SigningSecret};
pub use backends::{AuthzenConfig, AuthzenStrategy, OpaConfig, ResourceSearch, RulesConfig};
pub use log::DecisionLogConfig;
pub use matching::{Matcher, Predicate};
pub use placet_sdk::admin::{BackendKind, OnFailure, PolicyMode};

/// Which subjects a policy sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectView {
    /// Those of the user directory.
    #[default]
    Local,
    /// Those that the client of the request would see if it were pairwise: one sector cannot tell another's. Such a
    /// policy can set no subject.
    Pairwise,
}

/// A policy.
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// Its name, in logs, metrics and requests: letters, digits, `_` and `-`.
    pub name: String,
    /// The decisions it takes part in.
    pub types: Vec<HookType>,
    /// What decides.
    pub backend: BackendKind,
    /// Where it is: `https://…`, or `unix:///run/policy.sock`, with `:/path` behind it for another path than `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether the document at `/.well-known/placet-policy` of its host is read. A sidecar that has none (404) needs
    /// no setting.
    pub discovery: bool,
    /// Policies of a type are asked in this order, the lowest first; equal ones as they stand here.
    pub order: i32,
    /// How long an answer may take, in milliseconds: 50 to 10000. Absent: what suits the type, 300 to 3000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// What happens when it fails. Absent: `fail`, and `proceed` for `logout.evaluate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// Says that `on_failure = "proceed"` is meant, for decisions about grants and interactions.
    pub acknowledge_fail_open: bool,
    /// Whether its answers count.
    pub mode: PolicyMode,
    /// The share of requests that a policy in shadow is asked, 0 to 1.
    pub sample: f64,
    /// It is only asked about requests that all of these match. What cannot be evaluated counts as a match.
    pub when: Vec<Matcher>,
    /// How long its decisions may be used again.
    pub cache: PolicyCache,
    /// It may put another subject in the place of an authenticated user, and take actors away.
    pub allow_impersonation: bool,
    /// Subjects that it may set; a trailing `*` stands for anything. Empty: any.
    pub sub_allow: Vec<String>,
    /// Subjects and actors that it may never set; a trailing `*` stands for anything.
    pub sub_deny: Vec<String>,
    /// Whoever it puts in the place of an authenticated user gets that user as the actor, if it sets none.
    pub force_act: bool,
    /// JSON Pointers of members that it may set beyond what an earlier policy set, within the server's limits.
    pub may_widen: Vec<String>,
    /// Which subjects it sees.
    pub subject_view: SubjectView,
    /// Registered client metadata that it sees, by name.
    pub client_metadata: Vec<String>,
    /// JSON Pointers of what it is shown besides the mandatory members. Absent: what its discovery document says,
    /// or everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<Vec<String>>,
    /// Error codes with which it may deny, besides those of the type.
    pub extra_error_codes: Vec<String>,
    /// A claims source without which tokens are issued too, when it fails.
    pub optional: bool,
    /// Claims that a claims source owns, in all languages. Empty: those that no other source owns.
    pub owns: Vec<String>,
    /// Names of request headers that it sees.
    pub headers: Vec<String>,
    /// How the server and the policy know each other.
    pub auth: PolicyAuth,
    /// The rules of `backend = "rules"`.
    pub rules: RulesConfig,
    /// Settings of `backend = "authzen"`.
    pub authzen: AuthzenConfig,
    /// Settings of `backend = "opa"`.
    pub opa: OpaConfig,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            types: Vec::new(),
            backend: BackendKind::Http,
            url: None,
            discovery: true,
            order: 0,
            timeout_ms: None,
            on_failure: None,
            acknowledge_fail_open: false,
            mode: PolicyMode::Enforce,
            sample: 1.0,
            when: Vec::new(),
            cache: PolicyCache::default(),
            allow_impersonation: false,
            sub_allow: Vec::new(),
            sub_deny: Vec::new(),
            force_act: false,
            may_widen: Vec::new(),
            subject_view: SubjectView::Local,
            client_metadata: Vec::new(),
            needs: None,
            extra_error_codes: Vec::new(),
            optional: false,
            owns: Vec::new(),
            headers: Vec::new(),
            auth: PolicyAuth::default(),
            rules: RulesConfig::default(),
            authzen: AuthzenConfig::default(),
            opa: OpaConfig::default(),
        }
    }
}

impl PolicyConfig {
    /// What happens when it fails to decide this type.
    pub fn failure_policy(&self, hook: HookType) -> OnFailure {
        let default = if hook == HookType::LogoutEvaluate { OnFailure::Proceed } else { OnFailure::Fail };
        self.on_failure.unwrap_or(default)
    }

    /// Whether `when` says for sure that it is never asked about this client.
    pub fn leaves_out(&self, client_id: &str, data: &Object) -> bool {
        if self.when.is_empty() {
            return false;
        }
        let client = json!({ "client": { "client_id": client_id, "data": data } });
        let sure = |pointer: &str| pointer == "/client/client_id" || pointer.starts_with("/client/data/");
        let mut predicates = self.when.iter().flatten().filter(|(pointer, _)| sure(pointer));
        predicates.any(|(pointer, predicate)| predicate.holds(client.pointer(pointer)) == Some(false))
    }
}

/// How long decisions of a policy may be used again. The policy has to agree in each answer; the shorter time counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyCache {
    /// In seconds; 0 means not at all.
    pub max_age: u32,
    /// Seconds after that during which `on_failure = "stale"` still uses them.
    pub stale_for: u32,
    /// Keep denials too, for at most 5 seconds.
    pub denies: bool,
}

/// What all policies share.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyDefaults {
    /// How long all policies of one decision may take together, in milliseconds.
    pub chain_budget_ms: u32,
    /// How long all policies that one HTTP request needs may take together, in milliseconds.
    pub request_budget_ms: u32,
}

impl Default for PolicyDefaults {
    fn default() -> Self {
        Self { chain_budget_ms: 2_000, request_budget_ms: 4_000 }
    }
}
