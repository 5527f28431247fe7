//! A transaction that knows who is told of the events that are written in it, and notes what others have to learn.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::tx::{Fallible, Row, Statement, Tx, Value};
use crate::store::{Fact, Subscriber};

pub(super) struct Told<'a> {
    pub(super) tx: &'a mut dyn Tx,
    pub(super) subscribers: &'a [Subscriber],
    pub(super) raised: &'a AtomicBool,
}

#[async_trait]
impl Tx for Told<'_> {
    async fn query(&mut self, sql: &'static str, params: &[Value]) -> Fallible<Vec<Row>> {
        self.tx.query(sql, params).await
    }

    async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Fallible<u64> {
        self.tx.execute(sql, params).await
    }

    async fn decide(&mut self, first: &Statement, then: &[Statement]) -> Fallible<bool> {
        self.tx.decide(first, then).await
    }

    fn changed(&mut self, facts: &[Fact]) {
        self.tx.changed(facts);
    }

    fn give_up(&mut self) {
        self.tx.give_up();
    }

    fn raised(&mut self) {
        self.raised.store(true, Ordering::Release);
    }

    fn subscribers(&self) -> &[Subscriber] {
        self.subscribers
    }
}
