//! A sidecar that is killed, frozen or slow while dozens of clients want tokens: nothing is lost, nobody is blamed,
//! nothing is issued that the policy did not allow, and everything goes on by itself.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use placet_server::{
    clock::{Clock as _, SystemClock},
    config::{OnFailure, PolicyConfig},
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    harness::{Browser, HEADLESS, Reply, START, Stand},
    helpers::{configured, refresh, text},
    sidecar_process::{FORBIDDEN, Process},
};

const HOOKS: [&str; 3] = ["grant.authorization_code", "grant.refresh_token", "grant.client_credentials"];
/// The client whose requests go on without the policy while it fails.
const EAGER: &str = "eager";
/// How often a condition is looked at, every 20 milliseconds, before it is given up.
const PATIENCE: usize = 750;

/// What somebody wants again and again.
#[derive(Clone, Debug)]
enum Wish {
    /// To redeem a code of this user.
    Code { sub: String, code: String },
    /// To use the newest refresh token of this user.
    Refresh { sub: String, token: String },
    /// A token of this client for itself, with this scope.
    Own { client: &'static str, scope: &'static str },
}

impl Wish {
    /// The decision point, and who asks: under these names its decisions are counted.
    fn name(&self) -> (String, String) {
        match self {
            Self::Code { sub, .. } => (HOOKS[0].to_owned(), sub.clone()),
            Self::Refresh { sub, .. } => (HOOKS[1].to_owned(), sub.clone()),
            Self::Own { client, scope } => (HOOKS[2].to_owned(), format!("{client} {scope}")),
        }
    }

    fn is_forbidden(&self) -> bool {
        match self {
            Self::Code { sub, .. } | Self::Refresh { sub, .. } => sub.starts_with("forbidden"),
            Self::Own { scope, .. } => *scope == FORBIDDEN,
        }
    }

    async fn ask(&self, stand: &Stand) -> Reply {
        match self {
            Self::Code { code, .. } => stand.redeem("web", code).await,
            Self::Refresh { token, .. } => refresh(stand, "web", token).await,
            Self::Own { client, scope } => {
                let form = [("grant_type", "client_credentials"), ("scope", scope)];
                stand.post("/token", client, &form).await
            }
        }
    }
}

/// How often each wish got each outcome.
type Counts = BTreeMap<(String, String), BTreeMap<&'static str, usize>>;

/// The server, its policy, and those who ask.
struct Scene {
    stand: Arc<Stand>,
    process: Process,
    log: PathBuf,
    counts: Arc<Mutex<Counts>>,
    stop: Arc<AtomicBool>,
    flows: JoinSet<Wish>,
}

impl Scene {
    async fn start(process: Process) -> Self {
        let log = process.folder().join("decisions.jsonl");
        let registered = |name, client: Value| {
            let when = json!({ "/client/client_id": client });
            PolicyConfig {
                timeout_ms: Some(400),
                when: vec![serde_json::from_value(when).unwrap()],
                ..process.policy(name, &HOOKS)
            }
        };
        let strict = registered("strict", json!({ "not": { "eq": EAGER } }));
        let lenient = PolicyConfig {
            on_failure: Some(OnFailure::Proceed),
            acknowledge_fail_open: true,
            ..registered("lenient", json!({ "eq": EAGER }))
        };
        let stand = Stand::with(|config| {
            // Its tokens could come without a code, past the policy.
            config.clients.retain(|client| client.client_id != "hybrid");
            let metadata =
                json!({ "grant_types": ["client_credentials"], "scope": "reports.read reports.write" });
            config.clients.push(configured(EAGER, &metadata));
            config.policy.extend([strict, lenient]);
            config.decision_log.file = Some(log.clone());
            config.decision_log.required = true;
        })
        .await;
        // The process has the clock of the machine, and believes no request that is old.
        stand.clock.advance(SystemClock::default().now() - START);
        let mut scene = Self {
            stand: Arc::new(stand),
            process,
            log,
            counts: Arc::default(),
            stop: Arc::default(),
            flows: JoinSet::new(),
        };
        for wish in scene.standing_wishes().await {
            scene.begin(wish);
        }
        scene
    }

    /// Those who ask as long as the test runs.
    async fn standing_wishes(&self) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for n in 0..5 {
            for (kind, scope) in [("allowed", "reports.read"), ("forbidden", FORBIDDEN)] {
                let sub = format!("{kind}-refresh-{n}");
                let body = json!({ "client_id": "web", "sub": sub, "grant": { "scope": [scope] } });
                let tokens = self.stand.call(HEADLESS, Method::POST, "/grants", Some(&body)).await;
                wishes.push(Wish::Refresh { sub, token: text(&tokens.json["refresh_token"]) });
                let client = if n < 3 { "service" } else { EAGER };
                wishes.push(Wish::Own { client, scope });
            }
        }
        wishes
    }

    /// New codes, half of them for what is forbidden.
    async fn codes(&self, batch: &str) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for n in 0..4 {
            for (kind, scope) in [("allowed", "reports.read"), ("forbidden", FORBIDDEN)] {
                let sub = format!("{kind}-{batch}-{n}");
                let mut browser = Browser::new();
                let id = browser.authorize(&self.stand, "web", &[("scope", scope)]).await.interaction();
                let code = self.stand.finish(&mut browser, &id, &sub).await["code"].clone();
                wishes.push(Wish::Code { sub, code });
            }
        }
        wishes
    }

    /// Somebody begins to ask.
    fn begin(&mut self, wish: Wish) {
        let (stand, counts, stop) = (self.stand.clone(), self.counts.clone(), self.stop.clone());
        self.counts().entry(wish.name()).or_default();
        self.flows.spawn(async move {
            let mut wish = wish;
            // A code that can be redeemed is redeemed in the end.
            let lasting = matches!(&wish, Wish::Code { .. } if !wish.is_forbidden());
            while lasting || !stop.load(Ordering::SeqCst) {
                let reply = wish.ask(&stand).await;
                let outcome = outcome(&wish, &reply);
                *counts.lock().unwrap().entry(wish.name()).or_default().entry(outcome).or_default() += 1;
                match &mut wish {
                    Wish::Code { .. } if outcome == "allow" => break,
                    Wish::Refresh { token, .. } if outcome == "allow" => {
                        *token = text(&reply.json["refresh_token"]);
                    }
                    _ => {}
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            wish
        });
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap()
    }

    /// Waits until everybody whom this concerns got the outcome that it gives once more.
    async fn until(&mut self, concerned: impl Fn(&(String, String)) -> Option<&'static str>) {
        let of = |counts: &Counts, name: &(String, String), outcome: &str| {
            counts.get(name).and_then(|outcomes| outcomes.get(outcome)).copied().unwrap_or(0)
        };
        let before = self.counts().clone();
        for _ in 0..PATIENCE {
            let now = self.counts().clone();
            let again = |name: &(String, String)| {
                concerned(name).is_none_or(|word| of(&now, name, word) > of(&before, name, word))
            };
            if now.keys().all(again) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nothing moves: {:#?}", self.counts());
    }

    /// The sidecar breaks while everybody asks, and is mended later.
    async fn endure(mut self, fail: impl AsyncFn(&mut Process), mend: impl AsyncFn(&mut Process)) {
        let (early, late, after) =
            (self.codes("early").await, self.codes("late").await, self.codes("after").await);
        let codes = [&early[..], &late[..], &after[..]].concat();
        for wish in early {
            self.begin(wish);
        }
        self.until(|name| is_standing(name).then(|| decided(name))).await;
        fail(&mut self.process).await;
        for wish in late {
            self.begin(wish);
        }
        self.until(|name| match name {
            (_, who) if who.starts_with(EAGER) => Some("allow"),
            (_, who) if is_standing(name) || who.contains("-late-") => Some("failed"),
            _ => None,
        })
        .await;
        mend(&mut self.process).await;
        self.until(|name| is_standing(name).then(|| decided(name))).await;
        for wish in after {
            self.begin(wish);
        }
        self.until(|(_, who)| who.contains("-after-").then(|| decided(&(String::new(), who.clone())))).await;
        assert_eq!(
            self.stand.server.policies().list()[0].breaker,
            Some(placet_sdk::admin::BreakerState::Closed)
        );
        self.stop.store(true, Ordering::SeqCst);
        let mut wishes = Vec::new();
        let patience = Duration::from_secs(15);
        while let Some(ended) = tokio::time::timeout(patience, self.flows.join_next()).await.unwrap() {
            wishes.push(ended.unwrap());
        }
        self.check_records();
        self.check_artefacts(&codes, &wishes).await;
    }

    /// Each decision has its record, and each permission is one that the policy gave.
    fn check_records(&self) {
        let (said, mut logged) = (self.process.said(), Counts::new());
        for line in std::fs::read_to_string(&self.log).unwrap().lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            let scope = record["requested"]["scope"][0].as_str().unwrap_or_default();
            let who = match record["sub"].as_str() {
                Some(sub) if record["type"] != HOOKS[2] => sub.to_owned(),
                _ => format!("{} {scope}", text(&record["client_id"])),
            };
            let outcome = ["allow", "deny", "failed"].into_iter().find(|word| record["outcome"] == **word);
            let outcome = outcome.unwrap();
            *logged.entry((text(&record["type"]), who.clone())).or_default().entry(outcome).or_default() += 1;
            if record["degraded"] == true {
                assert!(who.starts_with(EAGER), "{record}");
            } else if outcome != "failed" {
                assert_eq!(said[record["id"].as_str().unwrap()], outcome, "{record}");
            }
        }
        assert_eq!(logged, *self.counts());
    }

    /// What is allowed was had exactly once, and nothing is lost.
    async fn check_artefacts(&self, codes: &[Wish], wishes: &[Wish]) {
        for wish in codes.iter().filter(|wish| !wish.is_forbidden()) {
            assert_eq!(self.counts()[&wish.name()]["allow"], 1, "{wish:?}");
            let again = wish.ask(&self.stand).await;
            assert_eq!((again.status, again.error()), (400, "invalid_grant"), "{wish:?}: {}", again.text);
        }
        for wish in wishes.iter().filter(|wish| matches!(wish, Wish::Refresh { .. })) {
            let status = wish.ask(&self.stand).await.status;
            assert_eq!(status, if wish.is_forbidden() { 400 } else { 200 }, "{wish:?}");
        }
    }
}

/// Whether somebody asks as long as the test runs.
fn is_standing((hook, _): &(String, String)) -> bool {
    hook != HOOKS[0]
}

/// What the policy says to somebody.
fn decided((_, who): &(String, String)) -> &'static str {
    if who.starts_with("forbidden") || who.ends_with(FORBIDDEN) { "deny" } else { "allow" }
}

/// What came of a wish; nothing but a permission, a denial of the policy, and the server's own trouble may.
fn outcome(wish: &Wish, reply: &Reply) -> &'static str {
    let proceeds = matches!(wish, Wish::Own { client: EAGER, .. });
    match (reply.status, reply.error()) {
        (200, _) if proceeds || !wish.is_forbidden() => "allow",
        (400, "access_denied") if wish.is_forbidden() => "deny",
        (503, "temporarily_unavailable") if !proceeds && !reply.header("retry-after").is_empty() => "failed",
        _ => panic!("{wish:?}: {reply:?}"),
    }
}

#[tokio::test]
async fn a_sidecar_that_is_killed_and_started_again_costs_no_code_no_token_and_no_record() {
    let process = Process::on_loopback("faults-kill").await;
    Scene::start(process).await.endure(async |p| p.kill(), async |p| p.restart().await).await;
}

#[tokio::test]
async fn a_sidecar_that_freezes_and_goes_on_costs_no_code_no_token_and_no_record() {
    let process = Process::on_socket("faults-freeze").await;
    Scene::start(process).await.endure(async |p| p.freeze(), async |p| p.thaw()).await;
}

#[tokio::test]
async fn a_sidecar_that_is_too_slow_for_a_while_costs_no_code_no_token_and_no_record() {
    let process = Process::on_loopback("faults-slow").await;
    let slow = async |p: &mut Process| p.slow_down(Duration::from_secs(5));
    Scene::start(process).await.endure(slow, async |p| p.slow_down(Duration::ZERO)).await;
}
