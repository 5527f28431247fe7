//! A connection and its transactions.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use bytes::BytesMut;
use futures_util::future;
use tokio::time::{error::Elapsed, timeout};
use tokio_postgres::{
    Client, Statement as Prepared,
    error::SqlState,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use super::decision;
use crate::store::sql::{
    ATTEMPTS, Fallible, Fault, Row, Statement, Step, Tx, Value, check_storable, in_turn,
};

/// A write that takes longer than this, with everything in it, has lost its connection.
const WRITE: Duration = Duration::from_secs(30);

/// A statement that takes longer than this has, too. A little more than what the database allows one: as a rule it says so
/// itself, and the connection stays.
const STATEMENT: Duration = Duration::from_secs(11);

/// The steps rely on an update that waited for another one seeing what that one wrote.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Those that collided come back one after the other.
const PAUSE: Duration = Duration::from_millis(5);

/// Says what went wrong, without the values the database may quote in its details.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(cause) => format!("{} (SQLSTATE {})", cause.message(), cause.code().code()),
        None => match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}

fn fault(error: &tokio_postgres::Error) -> Fault {
    let collided = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    match error.code() {
        Some(code) if collided.contains(code) => Fault::Collision,
        _ => Fault::unavailable(describe(error)),
    }
}

/// A connection with its prepared statements.
pub(super) struct Connection {
    client: Client,
    statements: HashMap<&'static str, Prepared>,
    /// Those that were put together of several.
    decisions: HashMap<Vec<&'static str>, Prepared>,
    /// A transaction was begun and is not known to have ended.
    in_transaction: bool,
    /// A statement was not answered, or this is a server that must not be written to.
    lost: bool,
}

impl Connection {
    pub(super) fn new(client: Client) -> Self {
        let (statements, decisions) = (HashMap::new(), HashMap::new());
        Self { client, statements, decisions, in_transaction: false, lost: false }
    }

    /// Whether it must not be used again. That it may be within a transaction suffices: whoever came next would
    /// write into it.
    pub(super) fn is_unfit(&self) -> bool {
        self.in_transaction || self.lost || self.client.is_closed()
    }

    pub(super) async fn ping(&self) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute("").await
    }

    /// Runs a step outside a transaction.
    pub(super) async fn read<T>(&mut self, tenant: &str, step: &Step<T>) -> Fallible<T> {
        step(&mut PostgresTx::new(self, tenant, Phase::Outside)).await
    }

    /// Runs a step in a transaction, again if it collides.
    pub(super) async fn write<T>(&mut self, tenant: &str, step: &Step<T>) -> Fallible<T> {
        for attempt in 1..=ATTEMPTS {
            let outcome = tokio::time::timeout(WRITE, self.attempt(tenant, step))
                .await
                .unwrap_or_else(|_| Err(Fault::unavailable("the database did not answer in time")));
            if !matches!(outcome, Err(Fault::Collision)) || self.is_unfit() {
                return outcome;
            }
            tokio::time::sleep(PAUSE * attempt).await;
        }
        Err(Fault::Collision)
    }

    async fn attempt<T>(&mut self, tenant: &str, step: &Step<T>) -> Fallible<T> {
        self.in_transaction = true;
        let mut tx = PostgresTx::new(self, tenant, Phase::Before);
        let outcome = step(&mut tx).await;
        let PostgresTx { phase, given_up, failed, .. } = tx;
        let lost = || Fault::unavailable("a step went on after a failed statement");
        if phase != Phase::Within {
            // Nothing was begun, or a single statement was all of it, which the database has committed.
            self.in_transaction = false;
            return if failed { outcome.and(Err(lost())) } else { outcome };
        }
        if self.lost {
            // Without its connection the transaction ends by itself.
            return outcome.and(Err(lost()));
        }
        // After a failed statement the database would answer a commit by quietly rolling back.
        let keep = outcome.is_ok() && !given_up && !failed;
        let ended = self.command(if keep { "COMMIT" } else { "ROLLBACK" }).await;
        match ended {
            Ok(()) => self.in_transaction = false,
            Err(fault) if keep => {
                // A commit that was refused leaves no transaction; one whose answer was lost has a dead
                // connection, and its fate is unknown.
                self.in_transaction = self.lost || self.command("ROLLBACK").await.is_err();
                return Err(fault);
            }
            Err(fault) => return outcome.and(Err(fault)),
        }
        if failed { outcome.and(Err(lost())) } else { outcome }
    }

    async fn command(&mut self, sql: &str) -> Fallible<()> {
        let done = timeout(STATEMENT, self.client.batch_execute(sql)).await;
        self.judged(done)
    }

    /// What came of a statement. A server that does not answer, and one that became a standby, are left for another.
    fn judged<T>(&mut self, answer: Result<Answer<T>, Elapsed>) -> Fallible<T> {
        match answer {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                self.lost |= error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION);
                Err(fault(&error))
            }
            Err(_) => {
                self.lost = true;
                Err(Fault::unavailable("the database did not answer in time"))
            }
        }
    }

    async fn prepared(&mut self, sql: &'static str) -> Result<Prepared, tokio_postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    async fn prepared_decision(
        &mut self,
        parts: Vec<&'static str>,
    ) -> Result<Prepared, tokio_postgres::Error> {
        if let Some(statement) = self.decisions.get(&parts) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&decision::compose(&parts)).await?;
        self.decisions.insert(parts, statement.clone());
        Ok(statement)
    }
}

/// Where a step stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It only reads: each statement for itself.
    Outside,
    /// It will write, and has said nothing yet.
    Before,
    /// In its transaction.
    Within,
    /// It has decided in a single statement, and that is committed.
    Decided,
}

struct PostgresTx<'a> {
    connection: &'a mut Connection,
    tenant: &'a str,
    phase: Phase,
    given_up: bool,
    failed: bool,
}

type Answer<T> = Result<T, tokio_postgres::Error>;

impl<'a> PostgresTx<'a> {
    fn new(connection: &'a mut Connection, tenant: &'a str, phase: Phase) -> Self {
        Self { connection, tenant, phase, given_up: false, failed: false }
    }

    /// A statement, ready to be sent, and whether a transaction has to begin with it.
    async fn ready(&mut self, sql: &'static str, params: &[Value]) -> Fallible<(Prepared, bool)> {
        if self.phase == Phase::Decided {
            return Err(Fault::unavailable("a step went on after it had decided"));
        }
        check_storable(params)?;
        let statement = timeout(STATEMENT, self.connection.prepared(sql)).await;
        let statement = self.seen(statement)?;
        let begins = self.phase == Phase::Before;
        if begins {
            self.phase = Phase::Within;
        }
        Ok((statement, begins))
    }

    fn seen<T>(&mut self, answer: Result<Answer<T>, Elapsed>) -> Fallible<T> {
        let seen = self.connection.judged(answer);
        self.failed |= seen.is_err();
        seen
    }
}

/// What was sent, and before it the beginning of its transaction, for which nobody waits.
async fn sent<T>(client: &Client, begins: bool, statement: impl Future<Output = Answer<T>>) -> Answer<T> {
    if !begins {
        return statement.await;
    }
    // In this order they reach the database: the first one is polled first.
    let (begun, answer) = future::join(client.batch_execute(BEGIN), statement).await;
    begun.and(answer)
}

fn with_tenant<'a>(tenant: &'a &'a str, params: &'a [Value]) -> Vec<&'a (dyn ToSql + Sync)> {
    let tenant: &(dyn ToSql + Sync) = tenant;
    std::iter::once(tenant).chain(params.iter().map(|value| value as &(dyn ToSql + Sync))).collect()
}

#[async_trait]
impl Tx for PostgresTx<'_> {
    async fn query(&mut self, sql: &'static str, params: &[Value]) -> Fallible<Vec<Row>> {
        let (statement, begins) = self.ready(sql, params).await?;
        let params = with_tenant(&self.tenant, params);
        let client = &self.connection.client;
        let rows = timeout(STATEMENT, sent(client, begins, client.query(&statement, &params))).await;
        let columns =
            |row: &tokio_postgres::Row| (0..row.len()).map(|i| row.try_get(i)).collect::<Answer<_>>();
        let read =
            |rows: Vec<tokio_postgres::Row>| rows.iter().map(|row| columns(row).map(Row::new)).collect();
        self.seen(rows.map(|rows| rows.and_then(read)))
    }

    async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Fallible<u64> {
        let (statement, begins) = self.ready(sql, params).await?;
        let params = with_tenant(&self.tenant, params);
        let client = &self.connection.client;
        let touched = timeout(STATEMENT, sent(client, begins, client.execute(&statement, &params))).await;
        self.seen(touched)
    }

    async fn decide(&mut self, first: &Statement, then: &[Statement]) -> Fallible<bool> {
        if self.phase != Phase::Before {
            return in_turn(self, first, then).await;
        }
        let all = || std::iter::once(first).chain(then);
        all().try_for_each(|statement| check_storable(&statement.params))?;
        let parts = all().map(|statement| statement.sql).collect();
        let statement = timeout(STATEMENT, self.connection.prepared_decision(parts)).await;
        let statement = self.seen(statement)?;
        let mut params = with_tenant(&self.tenant, &first.params);
        params.extend(then.iter().flat_map(|s| &s.params).map(|value| value as &(dyn ToSql + Sync)));
        let decided = timeout(STATEMENT, self.connection.client.query_one(&statement, &params)).await;
        let decided: i64 = self.seen(decided.map(|row| row.and_then(|row| row.try_get(0))))?;
        if decided > 0 {
            self.phase = Phase::Decided;
        }
        Ok(decided > 0)
    }

    fn give_up(&mut self) {
        self.given_up = true;
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) => value.to_sql_checked(kind, out),
            Self::Text(value) => value.to_sql_checked(kind, out),
            Self::Bytes(value) => value.to_sql_checked(kind, out),
        }
    }

    /// Which kinds a value fits depends on the value; it is checked when it is written.
    fn accepts(_kind: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        match *kind {
            Type::INT8 => i64::from_sql(kind, raw).map(Self::Int),
            Type::INT4 => i32::from_sql(kind, raw).map(|value| Self::Int(value.into())),
            Type::BYTEA => Vec::from_sql(kind, raw).map(Self::Bytes),
            _ => String::from_sql(kind, raw).map(Self::Text),
        }
    }

    fn from_sql_null(_kind: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::BYTEA, Type::TEXT, Type::VARCHAR].contains(kind)
    }
}

#[cfg(test)]
mod tests;
