//! The decision API, `docs/protocol.md`: what every failure policy makes of every decision point whose sidecar is gone.
//!
//! The sidecar is a process, and it is killed. The rows are made of [`HookType::ALL`] and [`OnFailure::ALL`]: a new
//! decision point does not compile before it has a door here.

use placet_sdk::{
    admin::{CacheUse, DecisionOutcome, FailureCode, OnFailure},
    decision::HookType,
};
use placet_server::{
    config::{Config, ConfigError, PolicyCache, PolicyConfig},
    policy::DecisionFilter,
};
use tokio::task::JoinSet;

use super::{
    harness::Stand,
    policy_doors::{Came, Scene, Wish},
    policy_stage::{rows, stored},
    sidecar_script::Scripted,
};

/// So many decision points are looked at at once.
const AT_ONCE: usize = 4;

/// What a failure comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    /// Our own trouble; nothing was used up.
    Unavailable,
    /// The ordinary denial; nothing was used up.
    Denied,
    /// What the policy last said.
    Stale,
    /// What the server proposed.
    Degraded,
    /// Nothing: the configuration is refused, for this reason.
    Refused(&'static str),
}

fn row(hook: HookType, on_failure: OnFailure) -> Row {
    match on_failure {
        OnFailure::Fail => Row::Unavailable,
        OnFailure::Deny => Row::Denied,
        OnFailure::Stale if hook.cacheable() => Row::Stale,
        OnFailure::Stale => Row::Refused("are never kept"),
        OnFailure::Proceed if must_be_answered(hook) => Row::Refused("needs an answer"),
        OnFailure::Proceed => Row::Degraded,
    }
}

/// Where the server does not know itself what a policy has to tell.
fn must_be_answered(hook: HookType) -> bool {
    match hook {
        HookType::CibaRequest
        | HookType::GrantPassword
        | HookType::GrantJwtBearer
        | HookType::AssertionSaml2
        | HookType::GrantSaml2Bearer
        | HookType::GrantTokenExchange => true,
        HookType::AuthorizationRequest
        | HookType::InteractionEvaluate
        | HookType::InteractionApprove
        | HookType::DeviceRequest
        | HookType::GrantAuthorizationCode
        | HookType::GrantDeviceCode
        | HookType::GrantCiba
        | HookType::GrantRefreshToken
        | HookType::GrantClientCredentials
        | HookType::ClientRegister
        | HookType::ClientUpdate
        | HookType::ClientDelete
        | HookType::ClaimsSource
        | HookType::TokenIntrospect
        | HookType::LogoutEvaluate => false,
    }
}

/// What is wrong with a configuration that has this policy.
fn wrong_with(policy: &PolicyConfig) -> Vec<String> {
    let config = Config {
        issuer: "http://localhost:8080".to_owned(),
        development: true,
        policy: vec![policy.clone()],
        ..Config::default()
    };
    match config.check() {
        Ok(()) => Vec::new(),
        Err(ConfigError::Refused(wrong)) => wrong,
        Err(other) => panic!("{other}"),
    }
}

fn registration(sidecar: &Scripted, hook: HookType, on_failure: OnFailure) -> PolicyConfig {
    let stale = on_failure == OnFailure::Stale;
    PolicyConfig {
        on_failure: Some(on_failure),
        acknowledge_fail_open: on_failure == OnFailure::Proceed,
        timeout_ms: Some(10_000),
        cache: PolicyCache {
            max_age: u32::from(stale),
            stale_for: if stale { 60 } else { 0 },
            denies: false,
        },
        // What differs from request to request is not shown, so that an old answer is one to the same question.
        needs: stale.then(|| vec!["/client/client_id".to_owned()]),
        owns: if hook == HookType::ClaimsSource { vec!["email".to_owned()] } else { Vec::new() },
        ..sidecar.policy("row", &[hook.as_str()])
    }
}

/// Makes a request until the server is not unavailable any more: the process has been started again.
pub(super) async fn in_the_end(wish: &mut Wish, stand: &Stand) -> Came {
    for _ in 0..200 {
        match wish.make(stand).await {
            Came::Unavailable => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
            came => return came,
        }
    }
    Came::Unavailable
}

/// Looks at all failure policies of a decision point.
async fn look_at(hook: HookType) {
    let mut sidecar = Scripted::start(&format!("table-{hook}")).await;
    for on_failure in OnFailure::ALL {
        let expected = row(hook, on_failure);
        let policy = registration(&sidecar, hook, on_failure);
        if let Row::Refused(why) = expected {
            let wrong = wrong_with(&policy).join("\n");
            assert!(wrong.contains(why), "{hook} {on_failure:?}: {wrong}");
            continue;
        }
        let scene = Scene::start(Some(&policy), |config| {
            config.policy_defaults.chain_budget_ms = 10_000;
            config.policy_defaults.request_budget_ms = 10_000;
        })
        .await;
        check(&scene, &mut sidecar, (hook, expected)).await;
    }
}

async fn check(scene: &Scene, sidecar: &mut Scripted, (hook, expected): (HookType, Row)) {
    let stand = &*scene.stand;
    let mut wish = scene.wish(hook).await;
    if expected == Row::Stale {
        let mut another = if wish.is_once() { Some(scene.wish(hook).await) } else { None };
        let earlier = another.as_mut().unwrap_or(&mut wish);
        assert_eq!(in_the_end(earlier, stand).await, Came::Good, "{hook}");
        stand.clock.advance(2);
    }
    let before = stored(stand);
    sidecar.0.kill();
    let came = wish.make(stand).await;
    let unchanged = stored(stand) == before;
    look_at_record(stand, hook, expected);
    sidecar.0.restart().await;
    match expected {
        Row::Unavailable => assert_eq!((came, unchanged), (Came::Unavailable, true), "{hook} {expected:?}"),
        Row::Denied if matches!(wish, Wish::Answer { .. }) => {
            // A denial is the end of a sign-in; nothing is left of it.
            assert_eq!(came, Came::Denied, "{hook}");
            assert_eq!(rows(stand, "alice").await, (0, 0, 0), "{hook}");
            return;
        }
        Row::Denied => assert_eq!((came, unchanged), (Came::Denied, true), "{hook} {expected:?}"),
        Row::Stale | Row::Degraded | Row::Refused(_) => {
            assert_eq!(came, Came::Good, "{hook} {expected:?}");
            if wish.is_once() {
                assert_eq!(wish.make(stand).await, Came::Spent, "{hook} {expected:?}");
            }
            return;
        }
    }
    assert_eq!(in_the_end(&mut wish, stand).await, Came::Good, "{hook} {expected:?}: it was used up");
}

/// What stands in the log, and what was counted.
fn look_at_record(stand: &Stand, hook: HookType, expected: Row) {
    let filter = DecisionFilter { hook: Some(hook), ..DecisionFilter::default() };
    let record = stand.server.policies().decisions(&filter).decisions.remove(0);
    let part = &record.policies[0];
    let (outcome, cache, degraded) = match expected {
        Row::Unavailable => (DecisionOutcome::Failed, CacheUse::Off, false),
        Row::Denied => (DecisionOutcome::Deny, CacheUse::Off, false),
        Row::Stale => (DecisionOutcome::Allow, CacheUse::Stale, true),
        Row::Degraded | Row::Refused(_) => (DecisionOutcome::Allow, CacheUse::Off, true),
    };
    assert_eq!((record.outcome, part.cache, record.degraded), (outcome, cache, degraded), "{hook}");
    let failure = (expected != Row::Stale).then_some(FailureCode::Connect);
    assert_eq!((part.name.as_str(), part.failure), ("row", failure), "{hook}");
    let counted = stand.server.metrics().text().unwrap();
    let failed = "placet_policy_failures_total{policy=\"row\",code=\"connect\"} 1";
    assert!(counted.contains(failed), "{hook} {expected:?}: {counted}");
    let gone_on = "placet_policy_degraded_total{policy=\"row\"} 1";
    assert_eq!(counted.contains(gone_on), degraded, "{hook} {expected:?}: {counted}");
}

#[tokio::test]
async fn a_dead_sidecar_does_what_its_failure_policy_says_at_every_decision_point() {
    let mut looking = JoinSet::new();
    for hook in HookType::ALL {
        if looking.len() == AT_ONCE {
            looking.join_next().await.expect("somebody looks").unwrap();
        }
        looking.spawn(look_at(hook));
    }
    while let Some(looked) = looking.join_next().await {
        looked.unwrap();
    }
}
