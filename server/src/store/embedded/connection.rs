//! A connection and its transactions.

use std::{
    collections::HashMap,
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt;
use rusqlite::{
    OpenFlags, ToSql,
    types::{ToSqlOutput, ValueRef},
};

use crate::store::{
    Result, StoreError,
    sql::{Fallible, Fault, Row, Statement, Step, Tx, Value, check_storable, in_turn},
};

/// More than there are statements.
const STATEMENTS: usize = 256;

/// Only a checkpoint or a backup can make one wait.
const BUSY: Duration = Duration::from_secs(5);

pub(super) fn unavailable(error: &rusqlite::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn fault(error: &rusqlite::Error) -> Fault {
    Fault::Store(unavailable(error))
}

/// Opens or creates a file, for its owner's eyes only.
pub(super) fn open_for_writing(path: &Path) -> Result<Connection> {
    OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| StoreError::Unavailable(format!("cannot open `{}`: {error}", path.display())))?;
    let connection = Connection::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // FULL flushes the log at every commit: a code that was spent stays spent when the power fails.
    connection.batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;",
    )?;
    Ok(connection)
}

pub(super) fn open_for_reading(path: &Path) -> Result<Connection> {
    Connection::open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// A connection with its statements.
pub(super) struct Connection {
    sqlite: rusqlite::Connection,
    /// `SQLite` takes `$1` for a name; these are the statements with `?1`.
    rewritten: HashMap<&'static str, String>,
}

impl Connection {
    fn open(path: &Path, mode: OpenFlags) -> Result<Self> {
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sqlite = rusqlite::Connection::open_with_flags(path, flags).map_err(|e| unavailable(&e))?;
        sqlite.set_prepared_statement_cache_capacity(STATEMENTS);
        sqlite.busy_timeout(BUSY).map_err(|e| unavailable(&e))?;
        Ok(Self { sqlite, rewritten: HashMap::new() })
    }

    /// Runs statements without parameters and results.
    pub(super) fn batch(&self, sql: &str) -> Result<()> {
        self.command(sql).map_err(|e| unavailable(&e))
    }

    /// As [`batch`](Self::batch), with the database's own error.
    pub(super) fn command(&self, sql: &str) -> rusqlite::Result<()> {
        self.sqlite.execute_batch(sql)
    }

    /// The number in the only column of the only row.
    pub(super) fn number(&self, sql: &str) -> Result<i64> {
        self.sqlite.query_row(sql, [], |row| row.get(0)).map_err(|e| unavailable(&e))
    }

    /// Whether a transaction is open. After some errors `SQLite` ends it by itself.
    pub(super) fn in_transaction(&self) -> bool {
        !self.sqlite.is_autocommit()
    }

    /// Runs a step; gives whether it wants its writes kept. A panic is an error like others.
    pub(super) fn run<T>(&mut self, tenant: &str, step: &Step<T>) -> (Fallible<T>, bool) {
        let mut tx = SqliteTx { connection: self, tenant, given_up: false };
        let outcome = catch_unwind(AssertUnwindSafe(|| step(&mut tx).now_or_never()));
        let outcome = match outcome {
            Ok(Some(outcome)) => outcome,
            Ok(None) => Err(Fault::unavailable("a step waited for something else than the database")),
            Err(_) => Err(Fault::unavailable("a step panicked")),
        };
        let keep = outcome.is_ok() && !tx.given_up;
        (outcome, keep)
    }

    fn query(&mut self, sql: &'static str, params: &[&dyn ToSql]) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.sqlite.prepare_cached(rewritten(&mut self.rewritten, sql))?;
        let width = statement.column_count();
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let columns: rusqlite::Result<Vec<_>> = (0..width).map(|i| row.get_ref(i).map(value)).collect();
            found.push(Row::new(columns?));
        }
        Ok(found)
    }

    fn execute(&mut self, sql: &'static str, params: &[&dyn ToSql]) -> rusqlite::Result<usize> {
        self.sqlite.prepare_cached(rewritten(&mut self.rewritten, sql))?.execute(params)
    }
}

fn rewritten<'a>(known: &'a mut HashMap<&'static str, String>, sql: &'static str) -> &'a str {
    known.entry(sql).or_insert_with(|| sql.replace('$', "?"))
}

fn value(column: ValueRef<'_>) -> Value {
    match column {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Text(value) => Value::Text(String::from_utf8_lossy(value).into_owned()),
        ValueRef::Blob(value) => Value::Bytes(value.to_vec()),
        // No column is of this kind; a step that meets one finds the wrong kind of value.
        ValueRef::Real(value) => Value::Text(value.to_string()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

/// Never waits: its futures are ready when they are made.
struct SqliteTx<'a> {
    connection: &'a mut Connection,
    tenant: &'a str,
    given_up: bool,
}

fn with_tenant<'a>(tenant: &'a &'a str, params: &'a [Value]) -> Vec<&'a dyn ToSql> {
    let tenant: &dyn ToSql = tenant;
    std::iter::once(tenant).chain(params.iter().map(|value| value as &dyn ToSql)).collect()
}

#[async_trait]
impl Tx for SqliteTx<'_> {
    async fn query(&mut self, sql: &'static str, params: &[Value]) -> Fallible<Vec<Row>> {
        check_storable(params)?;
        self.connection.query(sql, &with_tenant(&self.tenant, params)).map_err(|e| fault(&e))
    }

    async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Fallible<u64> {
        check_storable(params)?;
        let touched =
            self.connection.execute(sql, &with_tenant(&self.tenant, params)).map_err(|e| fault(&e))?;
        Ok(u64::try_from(touched).unwrap_or(u64::MAX))
    }

    async fn decide(&mut self, first: &Statement, then: &[Statement]) -> Fallible<bool> {
        in_turn(self, first, then).await
    }

    fn give_up(&mut self) {
        self.given_up = true;
    }
}
