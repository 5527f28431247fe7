//! A transaction that notes what it changes of what may be kept in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::tx::{Fallible, Row, Statement, Tx, Value, in_turn};
use crate::store::changes::{Changed, Changes, Fact};

/// What a statement begins with, somewhere in it, that changes what may be kept in memory.
const WRITES: [&str; 6] = [
    "UPDATE tokens ",
    "UPDATE authorizations ",
    "UPDATE clients ",
    "DELETE FROM tokens ",
    "DELETE FROM authorizations ",
    "DELETE FROM clients ",
];

/// Whether a statement changes what may be kept in memory.
fn writes_kept(sql: &str) -> bool {
    WRITES.iter().any(|write| sql.contains(write))
}

/// What a step changed. It lives as long as the step, and so until its transaction has ended in one way or another: then
/// what was read before counts no more, though its caller be gone, or the answer of the database lost.
pub(super) struct Noted {
    changes: Arc<Changes>,
    changed: Mutex<Changed>,
}

impl Noted {
    pub(super) fn new(changes: Arc<Changes>) -> Self {
        Self { changes, changed: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Changed> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.changes.note(&self.lock());
    }
}

pub(super) struct Noting<'a> {
    tx: &'a mut dyn Tx,
    noted: &'a Noted,
    /// The statement before changed something of which it was not said what.
    untold: bool,
    /// So did an earlier one, of which it never was.
    silent: bool,
}

impl<'a> Noting<'a> {
    pub(super) fn new(tx: &'a mut dyn Tx, noted: &'a Noted) -> Self {
        Self { tx, noted, untold: false, silent: false }
    }

    fn ran(&mut self, sql: &'static str, touched: bool) {
        self.silent |= self.untold;
        self.untold = touched && writes_kept(sql);
    }

    /// Ends the step: whatever it did not say may have been anything. With `tell` other processes are told, in the same
    /// transaction.
    pub(super) async fn end(self, tell: Option<&'static str>) -> Fallible<()> {
        if self.untold || self.silent {
            *self.noted.lock() = Changed::Everything;
        }
        let changed = self.noted.lock().clone();
        if let Some(sql) = tell
            && changed != Changed::Nothing
        {
            self.tx.query(sql, &[Value::Text(changed.written())]).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Tx for Noting<'_> {
    async fn query(&mut self, sql: &'static str, params: &[Value]) -> Fallible<Vec<Row>> {
        let rows = self.tx.query(sql, params).await?;
        self.ran(sql, !rows.is_empty());
        Ok(rows)
    }

    async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Fallible<u64> {
        let touched = self.tx.execute(sql, params).await?;
        self.ran(sql, touched > 0);
        Ok(touched)
    }

    /// What others have to be told of is more than these statements, so it needs a transaction.
    async fn decide(&mut self, first: &Statement, then: &[Statement]) -> Fallible<bool> {
        if std::iter::once(first).chain(then).any(|statement| writes_kept(statement.sql)) {
            return in_turn(self, first, then).await;
        }
        self.tx.decide(first, then).await
    }

    fn changed(&mut self, facts: &[Fact]) {
        self.untold = false;
        self.noted.lock().add(facts);
    }

    fn give_up(&mut self) {
        self.tx.give_up();
    }
}
