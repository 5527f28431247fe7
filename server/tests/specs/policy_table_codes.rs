//! The decision API, `docs/protocol.md`: every way in which a sidecar can fail, played by a process, where something
//! would be used up.
//!
//! The rows are made of [`FailureCode::ALL`]: a new code does not compile before somebody says how it comes about.

use std::time::Duration;

use placet_sdk::{
    admin::{DecisionOutcome, FailureCode},
    decision::{ClientCredentialsSection, GrantLimits, HookType, Limits, Proposal, RequestFacts},
    grant::Grant,
};
use placet_server::{
    config::{Config, PolicyConfig},
    policy::{Decided, DecisionFilter, Question, client_facts},
};
use tokio::{sync::Mutex, task::JoinSet};

use super::{
    harness::Stand,
    policy_doors::{Came, Scene, Wish},
    policy_stage::stored,
    policy_table::in_the_end,
    sidecar_script::{Script, Scripted},
};

/// Where something is good once, or is handed on.
const DOORS: [HookType; 4] = [
    HookType::GrantAuthorizationCode,
    HookType::GrantDeviceCode,
    HookType::GrantRefreshToken,
    HookType::GrantJwtBearer,
];
/// How little time there is where it is to run out, in milliseconds: enough to ask, on a busy machine too.
const LITTLE: u32 = 1_000;
/// All time that there may be, in milliseconds.
const MUCH: u32 = 10_000;
/// So many questions to one endpoint are open at the most.
const OPEN: usize = 256;
/// Held by whose crowd waits. No policy may take longer than [`MUCH`]: four crowds at once, on a busy machine, would not
/// all have come before the first of them had to go.
static CROWD: Mutex<()> = Mutex::const_new(());

/// How a failure comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The process does this.
    Plays(Script),
    /// The process is killed.
    Killed,
    /// The process failed others again and again, and is well again.
    Notorious,
    /// Others wait for the process, and that is as many as may.
    Crowded,
}

/// How a failure comes about, and how often the sidecar is tried.
fn trouble(code: FailureCode) -> (Trouble, u32) {
    match code {
        FailureCode::Connect => (Trouble::Killed, 2),
        FailureCode::Tls => (Trouble::Plays(Script::Stranger), 2),
        FailureCode::Timeout | FailureCode::Budget => (Trouble::Plays(Script::Silent), 1),
        FailureCode::HttpStatus => (Trouble::Plays(Script::InternalError), 1),
        FailureCode::Redirect => (Trouble::Plays(Script::Redirect), 1),
        FailureCode::ContentType => (Trouble::Plays(Script::Html), 1),
        FailureCode::TooLarge => (Trouble::Plays(Script::Long), 1),
        FailureCode::Malformed => (Trouble::Plays(Script::Half), 1),
        FailureCode::Schema => (Trouble::Plays(Script::Maybe), 1),
        FailureCode::IdMismatch => (Trouble::Plays(Script::Mistaken), 1),
        FailureCode::Signature => (Trouble::Plays(Script::Unsigned), 1),
        FailureCode::Limit => (Trouble::Plays(Script::Greedy), 1),
        FailureCode::Requires => (Trouble::Plays(Script::Bare), 1),
        FailureCode::ErrorCode => (Trouble::Plays(Script::Inventive), 1),
        FailureCode::BreakerOpen => (Trouble::Notorious, 0),
        FailureCode::Bulkhead => (Trouble::Crowded, 0),
        FailureCode::NotImplemented => (Trouble::Plays(Script::NotImplemented), 1),
    }
}

/// Whether a decision point knows this failure: one that requires nothing lacks nothing.
fn occurs(code: FailureCode, hook: HookType) -> bool {
    code != FailureCode::Requires || hook == HookType::GrantJwtBearer
}

fn registration(sidecar: &Scripted, code: FailureCode, hook: HookType) -> PolicyConfig {
    let types = [hook.as_str(), "grant.client_credentials"];
    let policy = match code {
        FailureCode::Signature => sidecar.signing_policy("row", &types),
        FailureCode::Tls => sidecar.encrypted_policy("row", &types),
        _ => sidecar.policy("row", &types),
    };
    PolicyConfig { timeout_ms: Some(if code == FailureCode::Timeout { LITTLE } else { MUCH }), ..policy }
}

fn settings(config: &mut Config, code: FailureCode) {
    config.policy_defaults.chain_budget_ms = if code == FailureCode::Budget { LITTLE } else { MUCH };
    config.policy_defaults.request_budget_ms = MUCH;
}

async fn own(scene: &Scene) -> Wish {
    scene.wish(HookType::GrantClientCredentials).await
}

/// A question of a client for itself: a crowd of whole requests would take much longer to come.
async fn question(stand: &Stand) -> Question {
    let client = stand.server.client("service").await.unwrap().unwrap();
    let facts = client_facts(&client, false);
    let mut question =
        Question::new(HookType::GrantClientCredentials, Some((&client, facts)), RequestFacts::default());
    question.request.client_credentials = Some(ClientCredentialsSection::default());
    question.request.proposal = Proposal { grant: Some(Grant::default()), ..Proposal::default() };
    question.request.limits = Limits { grant: Some(GrantLimits::default()), ..Limits::default() };
    question
}

async fn check(
    sidecar: &mut Scripted,
    (code, hook): (FailureCode, HookType),
    (trouble, attempts): (Trouble, u32),
) {
    sidecar.plays(Script::Well);
    let scene = Scene::start(Some(&registration(sidecar, code, hook)), |config| settings(config, code)).await;
    let stand = &*scene.stand;
    let mut wish = match hook {
        HookType::GrantJwtBearer => scene.foreign(),
        _ => scene.wish(hook).await,
    };
    let mut others = JoinSet::new();
    let crowd = if trouble == Trouble::Crowded { Some(CROWD.lock().await) } else { None };
    match trouble {
        Trouble::Plays(script) => sidecar.plays(script),
        Trouble::Killed => sidecar.0.kill(),
        Trouble::Notorious => {
            sidecar.plays(Script::InternalError);
            for _ in 0..5 {
                assert_eq!(own(&scene).await.make(stand).await, Came::Unavailable);
            }
            sidecar.plays(Script::Well);
        }
        Trouble::Crowded => {
            sidecar.plays(Script::Silent);
            let before = sidecar.asked();
            for _ in 0..OPEN {
                let (policies, question) = (stand.server.policies().clone(), question(stand).await);
                others.spawn(async move { policies.decide(question).await });
            }
            while sidecar.asked() < before + OPEN {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    let before = stored(stand);
    assert_eq!(wish.make(stand).await, Came::Unavailable, "{code} {hook}");
    assert_eq!(stored(stand), before, "{code} {hook}: something was used up");
    look_at_record(stand, (code, attempts), hook);
    sidecar.plays(Script::Well);
    if trouble == Trouble::Killed {
        sidecar.0.restart().await;
    }
    assert_eq!(in_the_end(&mut wish, stand).await, Came::Good, "{code} {hook}: it is good no more");
    if wish.is_once() {
        assert_eq!(wish.make(stand).await, Came::Spent, "{code} {hook}");
    }
    while let Some(came) = others.join_next().await {
        let came = came.unwrap();
        assert!(matches!(came, Ok(Decided::Allow(_))), "{code} {hook}: who waited in the crowd: {came:?}");
    }
    drop(crowd);
}

/// What stands in the log, and what was counted.
fn look_at_record(stand: &Stand, (code, attempts): (FailureCode, u32), hook: HookType) {
    let filter = DecisionFilter { hook: Some(hook), ..DecisionFilter::default() };
    let record = stand.server.policies().decisions(&filter).decisions.remove(0);
    let part = &record.policies[0];
    assert_eq!((record.outcome, part.failure), (DecisionOutcome::Failed, Some(code)), "{hook}");
    assert_eq!((part.attempts, &record.granted), (attempts, &None), "{code} {hook}");
    let counted = stand.server.metrics().text().unwrap();
    let failed = format!("placet_policy_failures_total{{policy=\"row\",code=\"{code}\"}} 1");
    assert!(counted.contains(&failed), "{code} {hook}: {counted}");
    let last = stand.server.policies().list().into_iter().find(|policy| policy.name == "row").unwrap();
    assert_eq!(last.last_failure.map(|failure| failure.code), Some(code), "{hook}");
}

#[tokio::test]
async fn whatever_is_wrong_with_a_sidecar_has_its_code_and_uses_nothing_up() {
    let mut looking = JoinSet::new();
    for hook in DOORS {
        looking.spawn(async move {
            let mut sidecar = Scripted::start(&format!("codes-{hook}")).await;
            for code in FailureCode::ALL.into_iter().filter(|code| occurs(*code, hook)) {
                check(&mut sidecar, (code, hook), trouble(code)).await;
            }
        });
    }
    while let Some(looked) = looking.join_next().await {
        looked.unwrap();
    }
    for code in FailureCode::ALL {
        assert!(DOORS.iter().any(|hook| occurs(code, *hook)), "{code} has no row");
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_waited_for_and_uses_nothing_up() {
    let mut sidecar = Scripted::start("endless").await;
    for (script, code) in [
        (Script::Endless, FailureCode::TooLarge),
        (Script::Flooding, FailureCode::TooLarge),
        (Script::Dripping, FailureCode::Timeout),
    ] {
        let row = (code, HookType::GrantRefreshToken);
        check(&mut sidecar, row, (Trouble::Plays(script), 1)).await;
    }
}
