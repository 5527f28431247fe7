//! A server that is killed (SIGKILL) after a fact, and before or while somebody learns of it: the next one on the same
//! store goes on where it was.
//!
//! The process runs this very test program, with one test selected that does what the environment says.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use placet_sdk::grant::Encoding;
use placet_server::{
    delivery,
    store::{Store, embedded::Embedded},
};
use reqwest::Method;
use serde_json::json;

use super::{
    calling,
    harness::{HEADLESS, Stand},
    helpers::text,
    receiving::receiver,
    sidecar::{Answered, Asked, Sidecar},
};

/// What the process runs.
const PROCESS: &str = "specs::killed::the_process_does_what_it_is_told_until_it_is_killed";
/// In its environment: the folder of its store.
const FOLDER: &str = "PLACET_SPEC_KILLED_FOLDER";
/// What it does: the client that asks for alice, or `event`.
const SCENE: &str = "PLACET_SPEC_KILLED_SCENE";
/// Whom it tells.
const EAR: &str = "PLACET_SPEC_KILLED_EAR";
/// In the folder: the `auth_req_id`, once the fact is stored.
const SAID: &str = "said";
/// An issuer that both servers are.
const ISSUER: &str = "http://127.0.0.1:9";
/// For so many seconds what a server attempts is nobody else's.
const LEASE: i64 = 60;

static FOLDERS: AtomicU64 = AtomicU64::new(0);

/// A server on the store in this folder that tells this ear.
async fn stand(folder: &Path, ear: &str) -> Stand {
    let store: Arc<dyn Store> = Arc::new(Embedded::open(&folder.join("placet.db"), "default").unwrap());
    let sidecar = Sidecar::start(calling::directory).await;
    Stand::on(store, |config| {
        ISSUER.clone_into(&mut config.issuer);
        config.policy = vec![sidecar.policy("directory", &["ciba.request"])];
        config.event_receiver = vec![receiver("audit", &["account.*"], ear)];
        let told = json!({ "backchannel_client_notification_endpoint": ear });
        let mut letter = calling::caller("letter", "push", &told);
        letter.settings.access_token.encoding = Some(Encoding::Opaque);
        config.clients.extend([
            calling::caller("desk", "poll", &json!({})),
            calling::caller("bell", "ping", &told),
            letter,
        ]);
    })
    .await
}

#[tokio::test]
async fn the_process_does_what_it_is_told_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER).map(PathBuf::from) else { return };
    let (scene, ear) = (std::env::var(SCENE).unwrap(), std::env::var(EAR).unwrap());
    let stand = stand(&folder, &ear).await;
    let mut said = String::new();
    if scene == "event" {
        let report = json!({ "type": "account.disabled", "sub": "bob" });
        let reply = stand.call(HEADLESS, Method::POST, "/reports", Some(&report)).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
    } else {
        let reply = calling::ask(&stand, &scene, &[]).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        said = text(&reply.json["auth_req_id"]);
        calling::approve(&stand, "alice").await;
    }
    std::fs::write(folder.join("saying"), said).unwrap();
    std::fs::rename(folder.join("saying"), folder.join(SAID)).unwrap();
    delivery::round(&stand.server).await.unwrap();
    std::future::pending::<()>().await;
}

/// Somebody who is told, and hears nothing until it is let.
struct Ear {
    at: Sidecar,
    hears: Arc<AtomicBool>,
}

impl Ear {
    async fn start() -> Self {
        let hears = Arc::new(AtomicBool::new(false));
        let at = Sidecar::serving({
            let hears = hears.clone();
            move |_| {
                let answer = Answered::status(204);
                if hears.load(Ordering::SeqCst) { answer } else { answer.after(Duration::from_secs(3_600)) }
            }
        });
        Self { at: at.await, hears }
    }

    fn got(&self) -> Vec<Asked> {
        self.at.asked()
    }
}

/// The server that comes after one that was killed.
struct Heir {
    stand: Stand,
    ear: Ear,
    /// What the one before it gave its client.
    auth_req_id: String,
    folder: PathBuf,
}

impl Drop for Heir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A process. It is killed when the test ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Heir {
    /// Kills a server once it has done this, and, if there is somebody to tell, once it is telling.
    async fn of(scene: &str) -> Self {
        let n = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("placet-spec-killed-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let ear = Ear::start().await;
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", PROCESS]).env(FOLDER, &folder).env(SCENE, scene).env(EAR, &ear.at.url);
        let mut process = Process(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
        while !folder.join(SAID).exists() || (scene != "desk" && ear.got().is_empty()) {
            assert_eq!(process.0.try_wait().unwrap(), None, "it ended by itself");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        process.0.kill().unwrap();
        process.0.wait().unwrap();
        ear.hears.store(true, Ordering::SeqCst);
        let auth_req_id = std::fs::read_to_string(folder.join(SAID)).unwrap();
        let stand = stand(&folder, &ear.at.url).await;
        Self { stand, ear, auth_req_id, folder }
    }

    /// What it tells: nothing while the one before it may still be at it, and then once.
    async fn tells_again(&self) {
        let round = async || delivery::round(&self.stand.server).await.unwrap();
        assert_eq!((round().await, self.ear.got().len()), (0, 1));
        self.stand.clock.advance(LEASE);
        assert_eq!((round().await, self.ear.got().len()), (1, 2));
        self.stand.clock.advance(LEASE);
        assert_eq!((round().await, self.ear.got().len()), (0, 2));
    }

    async fn has_tokens_once(&self, client: &str) {
        let reply = calling::poll(&self.stand, client, &self.auth_req_id).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert!(self.stand.is_active(client, &text(&reply.json["access_token"])).await);
        assert_eq!(calling::poll(&self.stand, client, &self.auth_req_id).await.error(), "invalid_grant");
    }
}

#[tokio::test]
async fn what_a_user_approved_is_there_for_who_asks_after_the_server_was_killed() {
    Heir::of("desk").await.has_tokens_once("desk").await;
}

#[tokio::test]
async fn a_ping_that_was_under_way_is_sent_again_and_the_tokens_are_there() {
    let heir = Heir::of("bell").await;
    heir.tells_again().await;
    for asked in heir.ear.got() {
        assert_eq!(asked.body, json!({ "auth_req_id": heir.auth_req_id }));
        let bearer = asked.headers["authorization"].to_str().unwrap();
        assert_eq!(bearer, format!("Bearer {}", calling::NOTIFICATION));
    }
    heir.has_tokens_once("bell").await;
}

#[tokio::test]
async fn of_tokens_that_were_on_their_way_when_the_server_was_killed_only_those_that_arrive_live() {
    let heir = Heir::of("letter").await;
    heir.tells_again().await;
    let tokens: Vec<String> = heir.ear.got().iter().map(|asked| text(&asked.body["access_token"])).collect();
    assert_ne!(tokens[0], tokens[1]);
    assert!(!heir.stand.is_active("letter", &tokens[0]).await);
    assert!(heir.stand.is_active("letter", &tokens[1]).await);
}

#[tokio::test]
async fn an_event_that_was_under_way_is_told_again_as_the_same_one() {
    let heir = Heir::of("event").await;
    heir.tells_again().await;
    let got = heir.ear.got();
    assert_eq!(got[0].raw, got[1].raw);
    assert_eq!(got[0].headers["webhook-id"], got[1].headers["webhook-id"]);
}
