//! What the steps of the store are written over: statements, values, rows, and the engine that runs a step.

use std::{fmt, future::Future, pin::Pin, sync::Arc, vec};

use async_trait::async_trait;

use crate::store::{Digest, Fact, Load, StoreError, Subscriber};

/// How often a step that collides with others is run before it is given up.
pub(crate) const ATTEMPTS: u32 = 5;

/// Why a step failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Somebody else wrote at the same time: the step is worth another attempt.
    Collision,
    /// A text holds U+0000, which PostgreSQL cannot store: nothing stored can be equal to it.
    Unstorable,
    /// The store failed.
    Store(StoreError),
}

impl Fault {
    /// The database did not do what it was told.
    pub(crate) fn unavailable(cause: impl fmt::Display) -> Self {
        Self::Store(StoreError::Unavailable(cause.to_string()))
    }

    pub(crate) fn corrupt(cause: impl fmt::Display) -> Self {
        Self::Store(StoreError::Corrupt(cause.to_string()))
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Collision => Self::Contended,
            Fault::Unstorable => Self::Unavailable("a text holds a nul character".into()),
            Fault::Store(error) => error,
        }
    }
}

/// Result inside a step.
pub(crate) type Fallible<T> = Result<T, Fault>;

/// What a step does, borrowed from its transaction and its input.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = Fallible<T>> + Send + 'a>>;

/// A step that can be run again.
pub(crate) type Step<T> = Arc<dyn for<'a> Fn(&'a mut dyn Tx) -> Work<'a, T> + Send + Sync>;

/// A statement that gives no rows, and its parameters from `$2` on.
pub(crate) struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) params: Vec<Value>,
}

/// A transaction of one tenant. `$1` is the tenant in every statement, put there by the engine: a statement
/// that forgets it is refused by the database. The parameters that are passed start at `$2`.
#[async_trait]
pub(crate) trait Tx: Send {
    /// Runs a statement that gives rows.
    async fn query(&mut self, sql: &'static str, params: &[Value]) -> Fallible<Vec<Row>>;
    /// Runs a statement that gives none; tells how many rows it touched.
    async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Fallible<u64>;
    /// Runs `first` and, if that touched a row, `then`: all of them or none. Tells whether it did. If so, they are all that
    /// the step writes: it must ask for nothing after them, so that an engine may end the transaction with them.
    ///
    /// `first` is an update. The others are each an insert of one row, which ends in its `VALUES`, or a statement that ends in
    /// its condition. None of them sees what another one writes.
    async fn decide(&mut self, first: &Statement, then: &[Statement]) -> Fallible<bool>;
    /// Says what the statement before changed of what may be kept in memory: of one that does not say it, everything is taken
    /// to be changed.
    fn changed(&mut self, _facts: &[Fact]) {}
    /// Takes back what the step wrote so far and will write; its result stands.
    fn give_up(&mut self);
    /// Says that something was written that nobody may overlook who remembers what was revoked.
    fn raised(&mut self) {}
    /// Who is told of the events that are written.
    fn subscribers(&self) -> &[Subscriber] {
        &[]
    }
}

/// Runs `first` and, if that touched a row, each of `then`; tells whether it did.
pub(crate) async fn in_turn(tx: &mut dyn Tx, first: &Statement, then: &[Statement]) -> Fallible<bool> {
    if tx.execute(first.sql, &first.params).await? == 0 {
        return Ok(false);
    }
    for statement in then {
        tx.execute(statement.sql, &statement.params).await?;
    }
    Ok(true)
}

/// Runs steps.
#[async_trait]
pub(crate) trait Engine: Send + Sync + 'static {
    /// The statement that raises the number of changes and tells other processes what changed, which is its only parameter;
    /// none if there are no other processes.
    const TELL: Option<&'static str>;
    /// Runs a step in one transaction, again when it collides, and returns once it is durable. A caller that
    /// goes away leaves nothing half done.
    async fn write<T: Send + 'static>(&self, tenant: &Arc<str>, step: Step<T>) -> Fallible<T>;
    /// Runs a step of single reading statements; what was acknowledged before is seen.
    async fn read<T: Send + 'static>(&self, tenant: &Arc<str>, step: Step<T>) -> Fallible<T>;
    /// How busy it is.
    fn load(&self) -> Load;
    /// Whether it did something a moment ago, so that it must be there.
    fn has_answered_lately(&self) -> bool {
        false
    }
    /// Calls `heard` with what other processes tell, for as long as they can be heard.
    async fn hear<F: Fn(&str) + Send + Sync>(&self, heard: F) -> Result<(), StoreError>;
}

/// A value of a parameter or column.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Drivers log parameters; what is in them must not get there.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Int(_) => "int",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        })
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<&Vec<u8>> for Value {
    fn from(value: &Vec<u8>) -> Self {
        Self::Bytes(value.clone())
    }
}

impl From<&Digest> for Value {
    fn from(value: &Digest) -> Self {
        Self::Bytes(value.0.to_vec())
    }
}

impl From<&Vec<String>> for Value {
    fn from(value: &Vec<String>) -> Self {
        Self::Text(serde_json::Value::from(value.as_slice()).to_string())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The parameters of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Value::from($value)),*] };
}
pub(crate) use values;

/// Refuses parameters that one of the databases could not hold.
pub(crate) fn check_storable(params: &[Value]) -> Fallible<()> {
    let nul = params.iter().any(|value| matches!(value, Value::Text(text) if text.contains('\0')));
    if nul { Err(Fault::Unstorable) } else { Ok(()) }
}

/// A row, read column by column in the order of the statement.
pub(crate) struct Row(vec::IntoIter<Value>);

impl Row {
    /// A row of these columns.
    pub(crate) fn new(columns: Vec<Value>) -> Self {
        Self(columns.into_iter())
    }

    /// Whether the next column is null; it stays the next one.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.0.as_slice().first(), None | Some(Value::Null))
    }

    fn next(&mut self) -> Value {
        self.0.next().unwrap_or(Value::Null)
    }

    pub(crate) fn int(&mut self) -> Fallible<i64> {
        self.optional_int()?.ok_or_else(|| Fault::corrupt("a number is missing"))
    }

    pub(crate) fn optional_int(&mut self) -> Fallible<Option<i64>> {
        match self.next() {
            Value::Null => Ok(None),
            Value::Int(value) => Ok(Some(value)),
            other => Err(Fault::corrupt(format_args!("{other:?} instead of a number"))),
        }
    }

    pub(crate) fn flag(&mut self) -> Fallible<bool> {
        Ok(self.int()? != 0)
    }

    pub(crate) fn text(&mut self) -> Fallible<String> {
        self.optional_text()?.ok_or_else(|| Fault::corrupt("a text is missing"))
    }

    pub(crate) fn optional_text(&mut self) -> Fallible<Option<String>> {
        match self.next() {
            Value::Null => Ok(None),
            Value::Text(value) => Ok(Some(value)),
            other => Err(Fault::corrupt(format_args!("{other:?} instead of a text"))),
        }
    }

    /// A list that is kept as a JSON array.
    pub(crate) fn texts(&mut self) -> Fallible<Vec<String>> {
        serde_json::from_str(&self.text()?).map_err(Fault::corrupt)
    }

    pub(crate) fn bytes(&mut self) -> Fallible<Vec<u8>> {
        self.optional_bytes()?.ok_or_else(|| Fault::corrupt("bytes are missing"))
    }

    fn optional_bytes(&mut self) -> Fallible<Option<Vec<u8>>> {
        match self.next() {
            Value::Null => Ok(None),
            Value::Bytes(value) => Ok(Some(value)),
            other => Err(Fault::corrupt(format_args!("{other:?} instead of bytes"))),
        }
    }

    pub(crate) fn digest(&mut self) -> Fallible<Digest> {
        self.optional_digest()?.ok_or_else(|| Fault::corrupt("a digest is missing"))
    }

    pub(crate) fn optional_digest(&mut self) -> Fallible<Option<Digest>> {
        let Some(bytes) = self.optional_bytes()? else { return Ok(None) };
        bytes
            .try_into()
            .map(|digest| Some(Digest(digest)))
            .map_err(|_| Fault::corrupt("a digest of another length"))
    }
}

/// At most one row.
pub(crate) fn first(rows: Vec<Row>) -> Option<Row> {
    rows.into_iter().next()
}

/// Reads every row.
pub(crate) fn every<T>(rows: Vec<Row>, read: fn(&mut Row) -> Fallible<T>) -> Fallible<Vec<T>> {
    rows.into_iter().map(|mut row| read(&mut row)).collect()
}

/// Reads the first row, if there is one.
pub(crate) fn at_most_one<T>(rows: Vec<Row>, read: fn(&mut Row) -> Fallible<T>) -> Fallible<Option<T>> {
    first(rows).map(|mut row| read(&mut row)).transpose()
}
