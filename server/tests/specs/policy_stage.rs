//! What the specifications of policies share: decisions, and a look at what is stored.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use placet_server::store::Paging;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Reply, Stand, UI},
    sidecar::{Answered, Sidecar},
};

/// An allow of the proposal as it is.
pub fn allow() -> Value {
    json!({ "decision": "allow" })
}

/// An allow with a patch.
pub fn set(patch: &Value) -> Value {
    json!({ "decision": "allow", "set": patch })
}

/// A denial.
pub fn deny(code: &str) -> Value {
    json!({ "decision": "deny", "error": { "code": code } })
}

/// A challenge.
pub fn challenge(challenge: &Value) -> Value {
    json!({ "decision": "challenge", "challenge": challenge })
}

/// A sidecar that gives these decisions one after the other, and then allows.
pub async fn scripted(decisions: Vec<Value>) -> Sidecar {
    let next = AtomicUsize::new(0);
    Sidecar::start(move |_| decisions.get(next.fetch_add(1, Ordering::SeqCst)).cloned().unwrap_or_else(allow))
        .await
}

/// A server that asks this sidecar about decisions of these types.
pub async fn stand(sidecar: &Sidecar, types: &[&str]) -> Stand {
    Stand::with(|config| config.policy.push(sidecar.policy("guard", types))).await
}

/// A sidecar that can be made to fail.
pub async fn failing(decide: impl Fn(&Value) -> Value + Send + Sync + 'static) -> (Sidecar, Arc<AtomicBool>) {
    let fails = Arc::new(AtomicBool::new(false));
    let broken = fails.clone();
    let sidecar = Sidecar::answering(move |request| {
        if broken.load(Ordering::SeqCst) {
            return Answered::status(500);
        }
        let mut decision = decide(request);
        decision["id"] = request["id"].clone();
        Answered::json(200, &decision)
    })
    .await;
    (sidecar, fails)
}

/// The current prompt.
pub async fn prompt(stand: &Stand, id: &str) -> Value {
    let reply = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

/// Answers the current prompt of an interaction.
pub async fn reply(stand: &Stand, id: &str, body: &Value) -> Reply {
    let step = u32::try_from(prompt(stand, id).await["step"].as_u64().unwrap()).unwrap();
    stand.answer(id, step, body).await
}

/// A consent to everything that is offered, remembered.
pub fn everything() -> Value {
    json!({ "type": "consent", "accept_all": true, "remember": { "mode": "always" } })
}

/// How many sessions, consents and authorizations of a user are stored.
pub async fn rows(stand: &Stand, sub: &str) -> (usize, usize, usize) {
    let (store, page) = (stand.server.store(), Paging { after: "", limit: 100 });
    (
        store.sessions_of(sub, page, stand.now()).await.unwrap().len(),
        store.consents_of(sub, page, stand.now()).await.unwrap().len(),
        store.authorizations_of(sub, page, stand.now()).await.unwrap().len(),
    )
}

/// Everything that is stored, row by row: what differs later was used up, changed or made.
pub fn stored(stand: &Stand) -> BTreeSet<String> {
    let database = stand.database();
    let mut tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let names = tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<Vec<String>, _>>().unwrap();
    let mut all = BTreeSet::new();
    for table in names {
        let mut statement = database.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap()));
            all.insert(format!("{table}: {}", values.collect::<Vec<_>>().join(", ")));
        }
    }
    all
}

/// Our own trouble, which the same call later may overcome.
#[track_caller]
pub fn assert_unavailable(reply: &Reply) {
    assert_eq!((reply.status, reply.error()), (503, "policy_unavailable"), "{}", reply.text);
    assert_eq!(reply.header("retry-after"), "2");
}
