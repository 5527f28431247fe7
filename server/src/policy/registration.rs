//! A policy as it is registered.

mod route;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use placet_sdk::decision::{DecisionRequest, HookType};
use tokio::time::Instant;

use super::{
    backend::{
        Backend,
        authzen::Authzen,
        discovery::{Discovery, Origin},
        http::Http,
        opa::Opa,
        rules::Rules,
    },
    breaker::Gate,
    failure::Failed,
};
use crate::{
    clock::Clock,
    config::{BackendKind, OnFailure, PolicyConfig, PolicyMode},
    outcome::Fault,
    random::Random,
};

pub(crate) use route::secret;

/// What of a policy can be changed while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) mode: PolicyMode,
    pub(super) order: i32,
}

/// A policy as it is registered.
pub(super) struct Registration {
    pub(super) config: PolicyConfig,
    pub(super) backend: Box<dyn Backend>,
    pub(super) setting: ArcSwap<Setting>,
    /// Cached decisions of an earlier generation are never used.
    pub(super) generation: AtomicU64,
    /// The version that it last told, and when decisions of an earlier one were forgotten.
    pub(super) version: Mutex<Option<(String, Option<Instant>)>>,
    /// The last failure, and when it was, in milliseconds since the epoch.
    pub(super) last_failure: Mutex<Option<(i64, Failed)>>,
}

/// What registrations are made of.
pub(super) struct Making<'a> {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) gates: &'a mut HashMap<String, Arc<Gate>>,
}

impl Registration {
    /// Reads its files and makes its client.
    pub(super) fn new(config: &PolicyConfig, making: &mut Making<'_>) -> Result<Self, Fault> {
        let backend: Box<dyn Backend> = match config.backend {
            BackendKind::Rules => Box::new(Rules(config.rules.clone())),
            BackendKind::Http => Box::new(http(config, making)?),
            BackendKind::Authzen => {
                let (origin, transport) = route::to(config, making.gates)?;
                let discovery = Discovery::new(origin.clone());
                let (config, random) = (config.authzen.clone(), making.random.clone());
                Box::new(Authzen { origin, transport, discovery, config, random })
            }
            BackendKind::Opa => {
                let (origin, transport) = route::to(config, making.gates)?;
                let (config, random) = (config.opa.clone(), making.random.clone());
                Box::new(Opa { origin, transport, config, random })
            }
        };
        Ok(Self {
            setting: ArcSwap::from_pointee(Setting { mode: config.mode, order: config.order }),
            config: config.clone(),
            backend,
            generation: AtomicU64::new(0),
            version: Mutex::default(),
            last_failure: Mutex::default(),
        })
    }

    /// Whether it takes part in decisions of this type in this mode.
    pub(super) fn takes_part(&self, hook: HookType, mode: PolicyMode) -> bool {
        self.setting.load().mode == mode && self.config.types.contains(&hook)
    }

    /// How long an answer may take.
    pub(super) fn timeout(&self, hook: HookType) -> Duration {
        Duration::from_millis(self.config.timeout_ms.unwrap_or(hook.default_timeout_ms()).into())
    }

    /// What happens when it fails. `required`: the answer has to set something, so that nothing can stand in for it.
    pub(super) fn on_failure(&self, hook: HookType, required: bool) -> OnFailure {
        match self.config.failure_policy(hook) {
            OnFailure::Proceed if required || hook.needs_policy() => OnFailure::Fail,
            other => other,
        }
    }

    /// Whether it is asked about this request, which is the one that it would be sent, whole.
    pub(super) fn matches(&self, request: &DecisionRequest) -> bool {
        if self.config.when.is_empty() {
            return true;
        }
        // What cannot be looked at counts as a match.
        let Ok(request) = serde_json::to_value(request) else { return true };
        let mut predicates = self.config.when.iter().flatten();
        predicates.all(|(pointer, predicate)| predicate.holds(request.pointer(pointer)).unwrap_or(true))
    }

    /// Whether what earlier policies answer decides whether it is asked.
    pub(super) fn waits_for_others(&self) -> bool {
        let decided = |pointer: &String| {
            ["/proposal", "/limits"].into_iter().any(|section| pointer.starts_with(section))
        };
        self.config.when.iter().flat_map(|matcher| matcher.keys()).any(decided)
    }

    /// Whether decisions of this type are kept.
    pub(super) fn caches(&self, hook: HookType) -> bool {
        hook.cacheable() && self.config.cache.max_age > 0 && self.setting.load().mode == PolicyMode::Enforce
    }

    /// Forgets all its cached decisions.
    pub(super) fn purge(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Remembers a failure, for the admin API.
    pub(super) fn remember(&self, at: i64, failed: &Failed) {
        let mut last = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((at, failed.clone()));
    }

    /// Changes its setting.
    pub(super) fn set(&self, change: impl Fn(&mut Setting)) {
        self.setting.rcu(|setting| {
            let mut setting = **setting;
            change(&mut setting);
            setting
        });
        self.purge();
    }
}

fn http(config: &PolicyConfig, making: &mut Making<'_>) -> Result<Http, Fault> {
    let (origin, transport) = route::to(config, making.gates)?;
    let auth = &config.auth;
    let secrets = [
        route::secret(auth.sign.secret.as_ref(), auth.sign.secret_file.as_deref())?,
        route::secret(auth.sign.previous.as_ref(), auth.sign.previous_file.as_deref())?,
    ];
    let response = route::secret(auth.response.secret.as_ref(), auth.response.secret_file.as_deref())?;
    let secrets: Vec<_> = secrets.into_iter().flatten().collect();
    if response.as_ref().is_some_and(|response| secrets.contains(response)) {
        let detail = format!("`{}`: answers must be signed with another secret than requests", config.name);
        return Err(Fault::new("policy secret", detail));
    }
    if auth.require_signed_response && response.is_none() {
        let detail = format!("`{}`: require_signed_response needs a secret in auth.response", config.name);
        return Err(Fault::new("policy secret", detail));
    }
    Ok(Http {
        url: url_of(&origin),
        transport,
        discovery: config.discovery.then(|| Discovery::new(origin)),
        secrets,
        response_secret: response.filter(|_| auth.require_signed_response),
        clock: making.clock.clone(),
        random: making.random.clone(),
    })
}

fn url_of(origin: &Origin) -> String {
    origin.through.as_ref().map_or_else(|| origin.id.clone(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::ManualClock, config::PolicyCache, random::OsRandom};

    fn registered(config: &PolicyConfig) -> Registration {
        let mut making = Making {
            clock: Arc::new(ManualClock::new(0)),
            random: Arc::new(OsRandom),
            gates: &mut HashMap::new(),
        };
        Registration::new(config, &mut making).unwrap()
    }

    #[test]
    fn what_says_who_somebody_is_or_is_only_tried_out_is_never_kept() {
        let cache = PolicyCache { max_age: 60, ..PolicyCache::default() };
        let kept = PolicyConfig { backend: BackendKind::Rules, cache, ..PolicyConfig::default() };
        let policy = registered(&kept);
        let unkept = registered(&PolicyConfig { cache: PolicyCache::default(), ..kept });
        for hook in HookType::ALL {
            assert_eq!(policy.caches(hook), hook.cacheable(), "{hook}");
            assert!(!unkept.caches(hook), "{hook}");
        }
        policy.set(|setting| setting.mode = PolicyMode::Shadow);
        assert!(HookType::ALL.iter().all(|hook| !policy.caches(*hook)));
    }

    #[test]
    fn nothing_stands_in_for_an_answer_that_has_to_set_something() {
        let config = PolicyConfig {
            backend: BackendKind::Rules,
            on_failure: Some(OnFailure::Proceed),
            ..PolicyConfig::default()
        };
        let policy = registered(&config);
        for hook in HookType::ALL {
            let alone = policy.on_failure(hook, false);
            assert_eq!(alone == OnFailure::Proceed, !hook.needs_policy(), "{hook}");
            assert_eq!(policy.on_failure(hook, true), OnFailure::Fail, "{hook}");
        }
    }
}
