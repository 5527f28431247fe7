//! The store in PostgreSQL, for several server processes.
//!
//! Connections come from a pool, behind a fair queue of the pool's size: the pool alone lets some callers wait
//! for ever. Every write runs as a task of its own, so that a caller that goes away cannot leave a transaction
//! half done; a connection that may be within one is thrown away, never reused. Acknowledged is what the
//! database has acknowledged, so leave its `synchronous_commit` on.

mod connection;
mod decision;
mod hearing;
mod pool;
mod schema;
mod secure;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use self::pool::Pool;
use super::{
    Load, Result, Store, StoreError,
    migrations::Migration,
    sql::{Engine, Fallible, Fault, SqlStore, Step},
};

/// How many connections there are, and how long a caller waits for one.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// Connections at most.
    pub size: u32,
    /// After this a caller is told that the store is unavailable.
    pub wait: Duration,
}

/// A database.
pub struct Postgres {
    engine: Arc<PostgresEngine>,
}

impl Postgres {
    /// Connects to the database at `url` as the store of one tenant.
    pub async fn connect(url: &str, tenant: &str, settings: PoolSettings) -> Result<impl Store + use<>> {
        Ok(Self::database(url, settings).await?.tenant(tenant))
    }

    /// Connects to the database at `url`, which brings its schema up to date.
    pub async fn database(url: &str, settings: PoolSettings) -> Result<Self> {
        schema::migrate(url).await?;
        let pool = Pool::new(url, settings)?;
        Ok(Self { engine: Arc::new(PostgresEngine { pool, url: url.to_owned() }) })
    }

    /// The store of a tenant in this database.
    pub fn tenant(&self, tenant: &str) -> impl Store + use<> {
        SqlStore::new(Arc::clone(&self.engine), tenant)
    }
}

/// What is wrong with the URL of a database or with the files that it names; nothing is connected to.
pub fn check_url(url: &str) -> std::result::Result<(), String> {
    secure::read(url).map(drop)
}

/// What a database lacks.
pub(super) async fn pending(url: &str) -> Result<&'static [Migration]> {
    schema::pending(url).await
}

/// Applies what a database lacks.
pub(super) async fn migrate(url: &str) -> Result<&'static [Migration]> {
    schema::migrate(url).await
}

fn unavailable(error: &tokio_postgres::Error) -> StoreError {
    StoreError::Unavailable(connection::describe(error))
}

struct PostgresEngine {
    pool: Pool,
    url: String,
}

impl PostgresEngine {
    fn note<T>(&self, outcome: Fallible<T>) -> Fallible<T> {
        match &outcome {
            Ok(_) => self.pool.answered(),
            Err(_) => self.pool.failed(),
        }
        outcome
    }

    async fn run<T: Send + 'static>(&self, tenant: &Arc<str>, step: Step<T>) -> Fallible<T> {
        // Whoever goes away while waiting for a connection has not begun.
        let mut lease = self.pool.lease().await?;
        let tenant = Arc::clone(tenant);
        let task = tokio::spawn(async move {
            let outcome = lease.connection().write(&tenant, &step).await;
            // What it changed counts from here on, before anybody is told.
            drop(step);
            outcome
        });
        task.await.unwrap_or_else(|_| Err(Fault::unavailable("a step panicked")))
    }

    async fn look<T: Send + 'static>(&self, tenant: &Arc<str>, step: Step<T>) -> Fallible<T> {
        let mut lease = self.pool.lease().await?;
        lease.connection().read(tenant, &step).await
    }
}

#[async_trait]
impl Engine for PostgresEngine {
    const TELL: Option<&'static str> = Some(hearing::TELL);

    async fn write<T: Send + 'static>(&self, tenant: &Arc<str>, step: Step<T>) -> Fallible<T> {
        self.note(self.run(tenant, step).await)
    }

    async fn read<T: Send + 'static>(&self, tenant: &Arc<str>, step: Step<T>) -> Fallible<T> {
        self.note(self.look(tenant, step).await)
    }

    fn has_answered_lately(&self) -> bool {
        self.pool.has_answered_lately()
    }

    fn load(&self) -> Load {
        self.pool.load()
    }

    async fn hear<F: Fn(&str) + Send + Sync>(&self, heard: F) -> Result<()> {
        hearing::hear(&self.url, heard).await
    }
}
