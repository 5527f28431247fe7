//! What a step says of what it changed, what is made of what others tell, and when something was last known.

use std::sync::Arc;

use async_trait::async_trait;

use super::super::{
    noting::{Noted, Noting},
    tx::{Engine, Fallible, Fault, Row, Statement, Step, Tx, Value, in_turn},
};
use crate::store::{ALIVE, Changes, Fact, Load, Mark, StoreError, Watched as _, sql::SqlStore};

const NOW: i64 = 1_000;

/// A database in which every statement touches so many rows, and finds one with a number.
#[derive(Default)]
struct Fake {
    touches: u64,
    told: Vec<Value>,
}

#[async_trait]
impl Tx for Fake {
    async fn query(&mut self, _sql: &'static str, params: &[Value]) -> Fallible<Vec<Row>> {
        self.told.extend_from_slice(params);
        Ok(vec![Row::new(vec![Value::Int(7)])])
    }

    async fn execute(&mut self, _sql: &'static str, _params: &[Value]) -> Fallible<u64> {
        Ok(self.touches)
    }

    async fn decide(&mut self, first: &Statement, then: &[Statement]) -> Fallible<bool> {
        in_turn(self, first, then).await
    }

    fn give_up(&mut self) {}
}

/// A database that takes its time to answer.
struct Slow;

#[async_trait]
impl Engine for Slow {
    const TELL: Option<&'static str> = Some("tell");

    async fn write<T: Send + 'static>(&self, _tenant: &Arc<str>, _step: Step<T>) -> Fallible<T> {
        Err(Fault::unavailable("nothing is written"))
    }

    async fn read<T: Send + 'static>(&self, _tenant: &Arc<str>, step: Step<T>) -> Fallible<T> {
        tokio::time::advance(std::time::Duration::from_secs(ALIVE.unsigned_abs())).await;
        step(&mut Fake::default()).await
    }

    fn load(&self) -> Load {
        Load::default()
    }

    async fn hear<F: Fn(&str) + Send + Sync>(&self, _heard: F) -> Result<(), StoreError> {
        Ok(())
    }
}

fn fact(name: &str) -> Fact {
    Fact::client(name)
}

/// What others are told of a step, and whether facts that were read before it still count.
async fn after(touches: u64, step: impl AsyncFnOnce(&mut Noting<'_>)) -> (Vec<Value>, impl Fn(&str) -> bool) {
    let changes = Arc::new(Changes::new(true));
    let mark = changes.mark();
    let noted = Noted::new(Arc::clone(&changes));
    let mut tx = Fake { touches, told: Vec::new() };
    let mut noting = Noting::new(&mut tx, &noted);
    step(&mut noting).await;
    noting.end(Some("tell")).await.unwrap();
    drop(noted);
    (tx.told, move |name: &str| changes.unchanged(&[fact(name)], mark))
}

async fn run(tx: &mut Noting<'_>, sql: &'static str) {
    tx.execute(sql, &[]).await.unwrap();
}

#[tokio::test]
async fn what_a_step_says_is_told_and_noted() {
    let (told, unchanged) = after(1, async |tx| {
        run(tx, "UPDATE clients SET doc = $3 WHERE tenant = $1").await;
        tx.changed(&[fact("a")]);
        run(tx, "UPDATE sessions SET ended_at = $3 WHERE tenant = $1").await;
    })
    .await;
    assert!(!unchanged("a") && unchanged("b"));
    assert_eq!(told.len(), 1);
    let (told, unchanged) = after(0, async |tx| {
        run(tx, "UPDATE clients SET doc = $3 WHERE tenant = $1").await;
    })
    .await;
    assert!(unchanged("a") && told.is_empty(), "it touched nothing");
}

#[tokio::test]
async fn what_is_said_of_one_statement_is_not_said_of_another() {
    for silent in
        ["UPDATE tokens SET revoked_at = $2 WHERE tenant = $1", "DELETE FROM clients WHERE tenant = $1"]
    {
        let (told, unchanged) = after(1, async |tx| {
            run(tx, silent).await;
            run(tx, "UPDATE authorizations SET revoked_at = NULL WHERE tenant = $1").await;
            tx.changed(&[]);
            tx.changed(&[]);
        })
        .await;
        assert!(!unchanged("a"), "{silent}");
        assert!(told == [Value::Text("*".to_owned())], "{silent}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_known_was_so_when_it_was_asked_not_when_the_answer_came() {
    let store = SqlStore::new(Arc::new(Slow), "one");
    store.catch_up(NOW).await.unwrap();
    assert!(!store.changes().is_known(NOW), "the answer is too old already");
}

#[test]
fn a_word_that_is_not_understood_may_be_anything_and_one_for_others_is_nothing() {
    let store = SqlStore::new(Arc::new(Slow), "one");
    let forgets = |word: &str| {
        let mark: Mark = store.changes().mark();
        store.heard(word);
        !store.changes().unchanged(&[fact("a")], mark)
    };
    for word in ["", "gibberish", "x * one", "9", "9 *", "1 * one", "2 of-a-later-version one"] {
        assert!(forgets(word), "{word}");
    }
    let missed = store.changes().missed();
    for word in ["9 * another", "700 * one more"] {
        assert!(!forgets(word), "{word}");
    }
    assert_eq!(store.changes().missed(), missed);
}
