//! The store in a file of this machine: `SQLite` in WAL mode, durable at every answer.
//!
//! One thread writes. It takes all the steps that wait, up to a limit, runs each in a savepoint of one
//! transaction, commits, and only then answers: a flush of the disk serves many. Reads go through a small pool
//! of read-only connections and see everything that was answered before. One process at a time.

mod connection;
mod lock;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;

use self::{lock::FileLock, reader::Readers, writer::Writer};
use super::{
    Load, Result, Store,
    migrations::Migration,
    sql::{Engine, Fallible, SqlStore, Step},
};

/// An open file.
pub struct Embedded {
    engine: Arc<EmbeddedEngine>,
}

impl Embedded {
    /// Opens the file at `path`, creating it if need be, as the store of one tenant.
    pub fn open(path: &Path, tenant: &str) -> Result<impl Store + use<>> {
        Ok(Self::file(path)?.tenant(tenant))
    }

    /// Opens the file at `path`, creating it if need be.
    pub fn file(path: &Path) -> Result<Self> {
        let lock = FileLock::take(path)?;
        let mut connection = connection::open_for_writing(path)?;
        schema::migrate(&mut connection)?;
        let writer = Writer::start(connection)?;
        let readers = Readers::new(path);
        Ok(Self { engine: Arc::new(EmbeddedEngine { writer, readers, _lock: lock }) })
    }

    /// The store of a tenant in this file.
    pub fn tenant(&self, tenant: &str) -> impl Store + use<> {
        SqlStore::new(Arc::clone(&self.engine), tenant)
    }
}

/// What a file lacks. It may be in use.
pub(super) fn pending(path: &Path) -> Result<&'static [Migration]> {
    schema::pending(path)
}

/// Applies what a file lacks.
pub(super) fn migrate(path: &Path) -> Result<&'static [Migration]> {
    let _lock = FileLock::take(path)?;
    schema::migrate(&mut connection::open_for_writing(path)?)
}

/// Fields are dropped in their order: the lock goes last, when nobody has the file open any more.
struct EmbeddedEngine {
    writer: Writer,
    readers: Readers,
    _lock: FileLock,
}

#[async_trait]
impl Engine for EmbeddedEngine {
    const TELL: Option<&'static str> = None;

    async fn write<T: Send + 'static>(&self, tenant: &Arc<str>, step: Step<T>) -> Fallible<T> {
        self.writer.run(Arc::clone(tenant), step).await
    }

    async fn read<T: Send + 'static>(&self, tenant: &Arc<str>, step: Step<T>) -> Fallible<T> {
        self.readers.run(Arc::clone(tenant), step).await
    }

    fn load(&self) -> Load {
        let (connections, in_use) = self.readers.load();
        let (waiting, commits, committed) = self.writer.load();
        Load { connections, in_use, waiting, enough: None, commits, committed }
    }

    async fn hear<F: Fn(&str) + Send + Sync>(&self, _heard: F) -> Result<()> {
        std::future::pending().await
    }
}
