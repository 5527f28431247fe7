//! What policies must be to be safe.

pub(super) mod place;
mod when;

use placet_oauth::response_type::ResponseType;
use placet_sdk::{decision::HookType, grant::is_reserved_claim};

use crate::{
    config::{BackendKind, Config, OnFailure, PolicyConfig, PolicyMode, SubjectView},
    policy::MAX_CACHE_AGE,
};

/// How long a policy may take, in milliseconds.
const TIMEOUTS: std::ops::RangeInclusive<u32> = 50..=10_000;
/// Headers with secrets of clients and users: no policy sees them.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "dpop", "x-forwarded-client-cert"];
/// Grants that exist only while policies decide them.
const DECIDED: [(&str, &[HookType]); 3] = [
    ("password", &[HookType::GrantPassword]),
    (
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        &[HookType::AssertionSaml2, HookType::GrantSaml2Bearer],
    ),
    ("urn:ietf:params:oauth:grant-type:token-exchange", &[HookType::GrantTokenExchange]),
];

impl Config {
    pub(super) fn check_policies(&self, wrong: &mut Vec<String>) {
        for policy in &self.policy {
            let mut found = Vec::new();
            self.check_policy(policy, &mut found);
            place::check(self, policy, &mut found);
            when::check(policy, &mut found);
            wrong.extend(found.into_iter().map(|what| format!("[[policy]] `{}`: {what}", policy.name)));
        }
        self.check_owners(wrong);
        self.check_decided_grants(wrong);
        let budgets = self.policy_defaults;
        if budgets.chain_budget_ms == 0 || budgets.request_budget_ms < budgets.chain_budget_ms {
            wrong.push(
                "policy_defaults: chain_budget_ms must be greater than 0, and at most request_budget_ms"
                    .to_owned(),
            );
        }
        let log = &self.decision_log;
        if log.required && log.file.is_none() {
            wrong.push("decision_log.required needs decision_log.file".to_owned());
        }
        for pointer in log.mask.iter().chain(&log.hash).filter(|pointer| !pointer.starts_with('/')) {
            wrong.push(format!("decision_log: `{pointer}` is no JSON Pointer"));
        }
    }

    fn check_policy(&self, policy: &PolicyConfig, wrong: &mut Vec<String>) {
        let named = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if policy.name.is_empty() || policy.name.len() > 64 || !policy.name.chars().all(named) {
            wrong.push("a name has 1 to 64 letters, digits, `_` and `-`".to_owned());
        }
        if self.policy.iter().filter(|other| other.name == policy.name).count() > 1 {
            wrong.push("two policies have this name".to_owned());
        }
        if policy.types.is_empty() {
            wrong.push("needs types: the decisions it takes part in".to_owned());
        }
        if policy.timeout_ms.is_some_and(|timeout| !TIMEOUTS.contains(&timeout)) {
            wrong.push("timeout_ms must be 50 to 10000".to_owned());
        }
        if !(0.0..=1.0).contains(&policy.sample) {
            wrong.push("sample must be 0 to 1".to_owned());
        }
        if policy.subject_view == SubjectView::Pairwise {
            let sees =
                [HookType::GrantPassword, HookType::CibaRequest].iter().find(|h| policy.types.contains(h));
            if let Some(hook) = sees {
                wrong.push(format!("subject_view = \"pairwise\" cannot hide who `{hook}` is about"));
            }
            if policy.allow_impersonation {
                wrong.push(
                    "subject_view = \"pairwise\" and allow_impersonation exclude each other".to_owned(),
                );
            }
        }
        self.check_when_it_fails(policy, wrong);
        self.check_what_it_sees(policy, wrong);
    }

    #[allow(clippy::unused_self, reason = "one of the checks")]
    fn check_when_it_fails(&self, policy: &PolicyConfig, wrong: &mut Vec<String>) {
        let cache = policy.cache;
        if cache.max_age > MAX_CACHE_AGE || cache.stale_for > MAX_CACHE_AGE {
            wrong.push(format!("cache: at most {MAX_CACHE_AGE} seconds"));
        }
        let kept = cache.max_age > 0 || cache.stale_for > 0;
        if kept && !policy.types.iter().any(|hook| hook.cacheable()) {
            wrong.push("cache: decisions of these types are never kept".to_owned());
        }
        match policy.on_failure {
            Some(OnFailure::Stale) => {
                if cache.max_age == 0 || cache.stale_for == 0 {
                    wrong.push("on_failure = \"stale\" needs cache.max_age and cache.stale_for".to_owned());
                }
                if let Some(hook) = policy.types.iter().find(|hook| !hook.cacheable()) {
                    wrong.push(format!("on_failure = \"stale\": decisions of `{hook}` are never kept"));
                }
            }
            Some(OnFailure::Proceed) => {
                if let Some(hook) = policy.types.iter().find(|hook| requires(**hook)) {
                    wrong.push(format!("on_failure = \"proceed\": `{hook}` needs an answer"));
                }
                let open = |hook: &&HookType| {
                    ["grant.", "interaction."].iter().any(|p| hook.as_str().starts_with(p))
                };
                if let (false, Some(hook)) = (policy.acknowledge_fail_open, policy.types.iter().find(open)) {
                    wrong.push(format!(
                        "on_failure = \"proceed\" lets `{hook}` through unseen: say acknowledge_fail_open = true"
                    ));
                }
            }
            Some(OnFailure::Fail | OnFailure::Deny) | None => {}
        }
    }

    #[allow(clippy::unused_self, reason = "one of the checks")]
    fn check_what_it_sees(&self, policy: &PolicyConfig, wrong: &mut Vec<String>) {
        let pointers = policy.when.iter().flat_map(|matcher| matcher.keys());
        let pointers = pointers.chain(policy.needs.iter().flatten()).chain(&policy.may_widen);
        for pointer in pointers.filter(|pointer| !pointer.starts_with('/')) {
            wrong.push(format!("`{pointer}` is no JSON Pointer"));
        }
        for name in &policy.headers {
            if SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                wrong.push(format!("headers: `{name}` is shown to no policy"));
            } else if name.parse::<http::HeaderName>().is_err() {
                wrong.push(format!("headers: `{name}` is no name of a header"));
            }
        }
        for code in &policy.extra_error_codes {
            let fits = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
            if code.is_empty() || code.len() > 64 || !code.bytes().all(fits) {
                wrong.push(format!("extra_error_codes: `{code}` is no error code (RFC 6749 section 5.2)"));
            }
        }
        let source = policy.types.contains(&HookType::ClaimsSource);
        if !source && (policy.optional || !policy.owns.is_empty()) {
            wrong.push("owns and optional are for claims.source".to_owned());
        }
        for name in policy.owns.iter().filter(|name| is_reserved_claim(name)) {
            wrong.push(format!("owns: the server alone writes `{name}`"));
        }
        if source && policy.backend == BackendKind::Authzen && policy.authzen.claims.is_empty() {
            wrong.push("claims.source needs authzen.claims".to_owned());
        }
        let mut known = policy.types.iter().flat_map(|hook| hook.error_codes());
        if let Some(code) = &policy.rules.deny
            && !known.any(|known| known == code)
        {
            wrong.push(format!("rules.deny: `{code}` is no error code of these types"));
        }
    }

    /// Why the answers of a policy cannot count beside those that do: what the configuration would be refused for.
    /// `enforced` tells which count then.
    pub fn conflicts_of(&self, name: &str, enforced: impl Fn(&str) -> bool) -> Vec<String> {
        let changed = |counts: &dyn Fn(&str) -> bool| {
            let mut config = self.clone();
            for policy in &mut config.policy {
                policy.mode = if counts(&policy.name) { PolicyMode::Enforce } else { PolicyMode::Off };
            }
            let mut wrong = Vec::new();
            config.check_owners(&mut wrong);
            config.check_decided_grants(&mut wrong);
            wrong
        };
        let before = changed(&|other| other != name && enforced(other));
        changed(&enforced).into_iter().filter(|what| !before.contains(what)).collect()
    }

    /// A claim has one owner.
    fn check_owners(&self, wrong: &mut Vec<String>) {
        let sources: Vec<&PolicyConfig> = self
            .policy
            .iter()
            .filter(|p| p.mode == PolicyMode::Enforce && p.types.contains(&HookType::ClaimsSource))
            .collect();
        for (at, one) in sources.iter().enumerate() {
            for other in &sources[at + 1..] {
                let both = |name: &&String| other.owns.iter().any(|own| overlap(own, name));
                if let Some(name) = one.owns.iter().find(both) {
                    wrong.push(format!(
                        "[[policy]] `{}` and `{}` both own the claim `{name}`",
                        one.name, other.name
                    ));
                }
                if one.owns.is_empty() && other.owns.is_empty() {
                    wrong.push(format!(
                        "[[policy]] `{}` and `{}` both own all other claims: say which with owns",
                        one.name, other.name
                    ));
                }
            }
        }
    }

    /// What clients are registered for has to be decided by somebody.
    fn check_decided_grants(&self, wrong: &mut Vec<String>) {
        let decided = |hook: HookType| {
            self.policy.iter().any(|p| p.mode == PolicyMode::Enforce && p.types.contains(&hook))
        };
        let saml = [HookType::AssertionSaml2, HookType::GrantSaml2Bearer];
        if saml.into_iter().all(decided) && self.saml.issuers.is_empty() {
            wrong.push(
                "policies decide about SAML assertions, but nobody's count: say whose in [[saml.issuers]]"
                    .to_owned(),
            );
        }
        for client in &self.clients {
            let (id, metadata) = (&client.client_id, &client.metadata);
            let grants: Vec<&str> = metadata.grant_types.iter().flatten().map(|g| g.as_str()).collect();
            for (grant, hooks) in DECIDED.iter().filter(|(grant, _)| grants.contains(grant)) {
                for hook in hooks.iter().filter(|hook| !decided(**hook)) {
                    wrong.push(format!(
                        "client `{id}` is registered for `{grant}`, which needs a policy for `{hook}`"
                    ));
                }
            }
            let token = |response: &ResponseType| response.token;
            let asked = |policy: &&PolicyConfig| {
                policy.mode == PolicyMode::Enforce
                    && policy.types.contains(&HookType::GrantAuthorizationCode)
                    && !policy.leaves_out(id, &client.settings.data)
            };
            if metadata.response_types.iter().flatten().any(token) && self.policy.iter().any(|p| asked(&p)) {
                wrong.push(format!(
                    "client `{id}` may get tokens in the browser, past the policies for `grant.authorization_code`"
                ));
            }
        }
    }
}

/// Whether two names of claims mean one claim: they are the same, or one is the other in some language.
fn overlap(one: &str, other: &str) -> bool {
    let bare = |name: &str| name.split('#').next().unwrap_or_default().to_owned();
    let tagged = |name: &str| name.contains('#');
    one == other || (bare(one) == bare(other) && !(tagged(one) && tagged(other)))
}

/// Whether the answer has to set something that the server does not know.
fn requires(hook: HookType) -> bool {
    hook.needs_policy() || matches!(hook, HookType::GrantJwtBearer | HookType::CibaRequest)
}
