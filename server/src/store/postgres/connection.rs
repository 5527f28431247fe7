//! A connection and its transactions.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use bytes::BytesMut;
use tokio_postgres::{
    Client, Statement,
    error::SqlState,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use crate::store::sql::{ATTEMPTS, Fallible, Fault, Row, Step, Tx, Value, check_storable};

/// A write that takes longer than this, with everything in it, has lost its connection.
const WRITE: Duration = Duration::from_secs(30);

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
    statements: HashMap<&'static str, Statement>,
    /// A transaction was begun and is not known to have ended.
    in_transaction: bool,
}

impl Connection {
    pub(super) fn new(client: Client) -> Self {
        Self { client, statements: HashMap::new(), in_transaction: false }
    }

    /// Whether it must not be used again. That it may be within a transaction suffices: whoever came next would
    /// write into it.
    pub(super) fn is_unfit(&self) -> bool {
        self.in_transaction || self.client.is_closed()
    }

    pub(super) async fn ping(&self) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute("").await
    }

    /// Runs a step outside a transaction.
    pub(super) async fn read<T>(&mut self, tenant: &str, step: &Step<T>) -> Fallible<T> {
        step(&mut PostgresTx { connection: self, tenant, given_up: false, failed: false }).await
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
        // The steps rely on an update that waited for another one seeing what that one wrote.
        self.command("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        let mut tx = PostgresTx { connection: self, tenant, given_up: false, failed: false };
        let outcome = step(&mut tx).await;
        // After a failed statement the database would answer a commit by quietly rolling back.
        let keep = outcome.is_ok() && !tx.given_up && !tx.failed;
        let lost = outcome.is_ok() && tx.failed;
        let ended = self.command(if keep { "COMMIT" } else { "ROLLBACK" }).await;
        match ended {
            Ok(()) => self.in_transaction = false,
            Err(fault) if keep => {
                // A commit that was refused leaves no transaction; one whose answer was lost has a dead
                // connection, and its fate is unknown.
                self.in_transaction = self.command("ROLLBACK").await.is_err();
                return Err(fault);
            }
            Err(fault) => return outcome.and(Err(fault)),
        }
        if lost { Err(Fault::unavailable("a step went on after a failed statement")) } else { outcome }
    }

    async fn command(&self, sql: &str) -> Fallible<()> {
        self.client.batch_execute(sql).await.map_err(|error| fault(&error))
    }

    async fn prepared(&mut self, sql: &'static str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    async fn query(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let statement = self.prepared(sql).await?;
        let rows = self.client.query(&statement, params).await?;
        rows.iter()
            .map(|row| (0..row.len()).map(|i| row.try_get(i)).collect::<Result<_, _>>().map(Row::new))
            .collect()
    }

    async fn execute(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, tokio_postgres::Error> {
        let statement = self.prepared(sql).await?;
        self.client.execute(&statement, params).await
    }
}

struct PostgresTx<'a> {
    connection: &'a mut Connection,
    tenant: &'a str,
    given_up: bool,
    failed: bool,
}

fn with_tenant<'a>(tenant: &'a &'a str, params: &'a [Value]) -> Vec<&'a (dyn ToSql + Sync)> {
    let tenant: &(dyn ToSql + Sync) = tenant;
    std::iter::once(tenant).chain(params.iter().map(|value| value as &(dyn ToSql + Sync))).collect()
}

#[async_trait]
impl Tx for PostgresTx<'_> {
    async fn query(&mut self, sql: &'static str, params: &[Value]) -> Fallible<Vec<Row>> {
        check_storable(params)?;
        let rows = self.connection.query(sql, &with_tenant(&self.tenant, params)).await;
        self.failed |= rows.is_err();
        rows.map_err(|error| fault(&error))
    }

    async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Fallible<u64> {
        check_storable(params)?;
        let touched = self.connection.execute(sql, &with_tenant(&self.tenant, params)).await;
        self.failed |= touched.is_err();
        touched.map_err(|error| fault(&error))
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
