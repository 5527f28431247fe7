//! The ledger: what was acknowledged, and whether it is still true afterwards.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinHandle;

use super::caller::{Answer, Caller, text};

/// What became of one code.
#[derive(Clone, Debug)]
struct Entry {
    code: String,
    redeemed: Answer,
    /// The access tokens that were acknowledged.
    access: Vec<String>,
    /// The refresh token that was acknowledged last.
    refresh: Option<String>,
}

/// Workers that sign users in, redeem, and refresh until they are told to stop; and what they saw.
pub struct Load {
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<()>>,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    entries: Mutex<Vec<Entry>>,
    /// Answers that blame somebody for the fault.
    wrong: Mutex<Vec<String>>,
    acknowledged: AtomicUsize,
    troubles: AtomicUsize,
}

const CLIENT: &str = "opaque";

impl Load {
    /// So many workers on each of these servers.
    pub fn start(callers: &[Caller], each: usize) -> Self {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Seen::default()));
        let workers = callers.iter().flat_map(|caller| std::iter::repeat_n(caller, each)).enumerate();
        let workers = workers
            .map(|(n, caller)| tokio::spawn(work(caller.clone(), n, stop.clone(), seen.clone())))
            .collect();
        Self { stop, workers, seen }
    }

    /// Waits until so many more redemptions and refreshes were acknowledged.
    pub async fn more(&self, enough: usize) {
        let wanted = self.seen.acknowledged.load(Ordering::SeqCst) + enough;
        for _ in 0..2_400 {
            if self.seen.acknowledged.load(Ordering::SeqCst) >= wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nothing gets on any more: {:?}", self.seen.wrong.lock().expect("no panic"));
    }

    /// How often there was trouble.
    pub fn troubles(&self) -> usize {
        self.seen.troubles.load(Ordering::SeqCst)
    }

    /// Stops the workers, and gives what they saw. Nobody was blamed for the fault.
    pub async fn end(self) -> Ledger {
        self.stop.store(true, Ordering::SeqCst);
        for worker in self.workers {
            worker.await.expect("a worker does not panic");
        }
        let wrong = self.seen.wrong.lock().expect("no panic").clone();
        assert!(wrong.is_empty(), "somebody was blamed for the fault: {wrong:#?}");
        let entries = std::mem::take(&mut *self.seen.entries.lock().expect("no panic"));
        Ledger { entries }
    }
}

impl Seen {
    /// Takes note of an answer; gives the body of a success.
    fn note<'a>(&self, what: &str, answer: &'a Answer) -> Option<&'a serde_json::Value> {
        if answer.is_trouble() {
            self.troubles.fetch_add(1, Ordering::SeqCst);
        } else if answer.success().is_none() {
            self.wrong.lock().expect("no panic").push(format!("{what}: {answer:?}"));
        }
        answer.success()
    }
}

async fn work(caller: Caller, number: usize, stop: Arc<AtomicBool>, seen: Arc<Seen>) {
    let mut round = 0;
    while !stop.load(Ordering::SeqCst) {
        round += 1;
        let sub = format!("user-{number}-{round}");
        let code = match caller.code(CLIENT, &sub).await {
            Ok(code) => code,
            Err(answer) => {
                seen.note("sign-in", &answer);
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let redeemed = caller.redeem(CLIENT, &code).await;
        let mut entry = Entry { code, redeemed: redeemed.clone(), access: Vec::new(), refresh: None };
        if let Some(tokens) = seen.note("redemption", &redeemed) {
            seen.acknowledged.fetch_add(1, Ordering::SeqCst);
            entry.access.push(text(tokens, "access_token"));
            let mut current = text(tokens, "refresh_token");
            for _ in 0..round % 3 {
                let refreshed = caller.refresh(CLIENT, &current).await;
                let Some(tokens) = seen.note("refresh", &refreshed) else { break };
                seen.acknowledged.fetch_add(1, Ordering::SeqCst);
                entry.access.push(text(tokens, "access_token"));
                current = text(tokens, "refresh_token");
            }
            entry.refresh = Some(current);
        }
        seen.entries.lock().expect("no panic").push(entry);
    }
}

/// What was acknowledged.
pub struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// How many codes were redeemed.
    pub fn redemptions(&self) -> usize {
        self.entries.iter().filter(|entry| entry.redeemed.success().is_some()).count()
    }

    /// Holds everything against what the survivors say, in turn: nothing that was acknowledged is lost, and nothing works
    /// twice.
    pub async fn settle(&self, callers: &[Caller]) {
        let mut turns = callers.iter().cycle().cloned();
        // Some at a time: there may be thousands.
        for some in self.entries.chunks(16) {
            let settled = some.iter().map(|entry| {
                let (entry, caller) = (entry.clone(), turns.next().expect("there is a survivor"));
                tokio::spawn(async move { entry.settle(&caller).await })
            });
            for settled in settled.collect::<Vec<_>>() {
                settled.await.expect("it is true");
            }
        }
    }
}

impl Entry {
    async fn settle(&self, caller: &Caller) {
        match &self.refresh {
            Some(refresh) => self.was_acknowledged(caller, refresh).await,
            None => self.was_not(caller).await,
        }
    }

    async fn was_acknowledged(&self, caller: &Caller, refresh: &str) {
        for token in &self.access {
            assert!(active(caller, token).await, "an acknowledged token is lost: {self:?}");
        }
        // Also where the answer to a refresh was lost: it can be asked for again.
        let next = caller.refresh(CLIENT, refresh).await;
        let next = next.success().unwrap_or_else(|| panic!("a refresh token is lost: {next:?} {self:?}"));
        assert!(active(caller, &text(next, "access_token")).await, "{self:?}");
        // A spent code stays spent; that it came back ends everything that came of it.
        let again = caller.redeem(CLIENT, &self.code).await;
        assert_eq!(again.refusal(), (400, "invalid_grant"), "a code works twice: {self:?}");
        for token in &self.access {
            assert!(!active(caller, token).await, "{self:?}");
        }
    }

    /// Nobody learnt what became of it: it works now, or it did then. Never both.
    async fn was_not(&self, caller: &Caller) {
        let now = caller.redeem(CLIENT, &self.code).await;
        if now.success().is_none() {
            assert_eq!(now.refusal(), (400, "invalid_grant"), "{self:?}");
            return;
        }
        let again = caller.redeem(CLIENT, &self.code).await;
        assert_eq!(again.refusal(), (400, "invalid_grant"), "a code works twice: {self:?}");
    }
}

async fn active(caller: &Caller, token: &str) -> bool {
    caller.is_active(CLIENT, token).await.expect("introspection answers")
}
