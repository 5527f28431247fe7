//! What the mock remembers while it runs.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use placet_sdk::interaction::Kind;

use crate::{
    Settings,
    accounts::Accounts,
    clock,
    problem::{Outcome, problem},
    run::{Capabilities, Run},
    scenario::{Gallery, ScenarioError},
};

/// So many runs are remembered; older ones are forgotten.
const MAX_RUNS: usize = 200;

/// The state, shared by all requests.
pub(crate) type Shared = Arc<State>;

/// What the mock remembers while it runs.
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) issuer: String,
    pub(crate) capabilities: Capabilities,
    runs: Mutex<VecDeque<Run>>,
    accounts: Mutex<Accounts>,
    /// Headless front door: what the front page started last, by kind.
    chosen: Mutex<Option<String>>,
    /// What was opened with an `Idempotency-Key`: the body, and the id.
    opened: Mutex<HashMap<String, (Vec<u8>, String)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    pub(crate) fn shared(settings: Settings, issuer: String) -> Shared {
        let capabilities = Capabilities(settings.capabilities.clone());
        let accounts = Mutex::new(Accounts::new(clock::now()));
        Arc::new(Self {
            settings,
            issuer,
            capabilities,
            runs: Mutex::default(),
            accounts,
            chosen: Mutex::default(),
            opened: Mutex::default(),
        })
    }

    /// The scenarios as they are now: files may have changed.
    pub(crate) fn gallery(&self) -> Result<Gallery, ScenarioError> {
        Gallery::of(&self.settings.scenarios)
    }

    /// Remembers a run.
    pub(crate) fn keep(&self, run: Run) {
        let mut runs = lock(&self.runs);
        runs.push_front(run);
        runs.truncate(MAX_RUNS);
    }

    /// Does something with the run of this id.
    pub(crate) fn with<T>(&self, id: &str, work: impl FnOnce(&mut Run) -> T) -> Option<T> {
        lock(&self.runs).iter_mut().find(|run| run.id() == id).map(work)
    }

    /// The same for an app, which is refused where there is none.
    pub(crate) fn of_app<T>(&self, id: &str, work: impl FnOnce(&mut Run) -> Outcome<T>) -> Outcome<T> {
        self.with(id, work).unwrap_or_else(|| {
            Err(problem(404, "interaction_not_found", "there is no such interaction").into())
        })
    }

    /// Copies of the newest runs.
    pub(crate) fn newest(&self, count: usize) -> Vec<Run> {
        lock(&self.runs).iter().take(count).cloned().collect()
    }

    /// The waiting interactions of a kind.
    pub(crate) fn waiting(&self, kind: Kind) -> Vec<Run> {
        let now = clock::now();
        lock(&self.runs).iter().filter(|run| run.is_listed(kind, now)).cloned().collect()
    }

    /// Sessions, consents and authorizations.
    pub(crate) fn accounts(&self) -> MutexGuard<'_, Accounts> {
        lock(&self.accounts)
    }

    /// The scenario that the front page started last.
    pub(crate) fn chosen(&self) -> MutexGuard<'_, Option<String>> {
        lock(&self.chosen)
    }

    /// What was opened with which key.
    pub(crate) fn opened(&self) -> MutexGuard<'_, HashMap<String, (Vec<u8>, String)>> {
        lock(&self.opened)
    }
}
