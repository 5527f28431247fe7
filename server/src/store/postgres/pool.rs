//! Connections and the queue before them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bb8::{ManageConnection, PooledConnection, RunError};
use bb8_postgres::PostgresConnectionManager;
use postgres_openssl::MakeTlsConnector;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_postgres::Config;

use super::{PoolSettings, connection::Connection, secure, unavailable};
use crate::store::{
    Load, Result, StoreError,
    sql::{Fallible, Fault},
};

/// A server that does not answer is given up after this: of several, the next one is to be tried before callers give up.
const CONNECT: Duration = Duration::from_secs(2);

/// What the database allows one of our statements, and a transaction that was left alone: its peer is gone.
/// Statements that are a transaction of their own are as strict as those within one.
const LIMITS: &str = "SET statement_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'; \
                      SET default_transaction_isolation = 'read committed'";

/// How to reach the database at `url`.
pub(super) fn target(url: &str) -> Result<(Config, MakeTlsConnector)> {
    let secure::Target { mut config, connector } = secure::read(url).map_err(StoreError::Unavailable)?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_application_name().is_none() {
        config.application_name("placet");
    }
    // A peer that vanished without a word is noticed while an answer is awaited.
    config.tcp_user_timeout(Duration::from_secs(20)).keepalives_idle(Duration::from_secs(30));
    Ok((config, connector))
}

/// Makes connections to the database at `url`.
pub(super) fn manager(url: &str) -> Result<PostgresConnectionManager<MakeTlsConnector>> {
    let (config, connector) = target(url)?;
    Ok(PostgresConnectionManager::new(config, connector))
}

/// Makes connections that carry their prepared statements.
struct Manager(PostgresConnectionManager<MakeTlsConnector>);

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = tokio_postgres::Error;

    async fn connect(&self) -> std::result::Result<Connection, tokio_postgres::Error> {
        let client = self.0.connect().await?;
        client.batch_execute(LIMITS).await?;
        Ok(Connection::new(client))
    }

    async fn is_valid(&self, connection: &mut Connection) -> std::result::Result<(), tokio_postgres::Error> {
        connection.ping().await
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.is_unfit()
    }
}

/// Steps that take so long together, for each connection, are enough to wait for it; and one at least, so that there is always a
/// next one. In nanoseconds.
const ENOUGH: u64 = 10_000_000;
/// What came to its end so many milliseconds ago did so a moment ago.
const LATELY: u64 = 100;

pub(super) struct Pool {
    connections: bb8::Pool<Manager>,
    queue: Arc<Semaphore>,
    wait: Duration,
    size: u64,
    waiting: AtomicU64,
    /// How long a step has its connection, in nanoseconds, on average.
    takes: Arc<AtomicU64>,
    begun: Instant,
    /// When a step came to its end last, in milliseconds since the beginning; 0 before the first one.
    answered: AtomicU64,
}

/// A caller that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection and a place in the queue; the connection is given back first.
pub(super) struct Lease {
    connection: PooledConnection<'static, Manager>,
    _place: OwnedSemaphorePermit,
    since: Instant,
    takes: Arc<AtomicU64>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let took = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let before = self.takes.load(Ordering::Relaxed);
        self.takes.store(before - before / 16 + took / 16, Ordering::Relaxed);
    }
}

impl Lease {
    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Pool {
    pub(super) fn new(url: &str, settings: PoolSettings) -> Result<Self> {
        let size = settings.size.max(1);
        let connections = bb8::Pool::builder()
            .max_size(size)
            .connection_timeout(settings.wait)
            // Asking every time would double every step.
            .test_on_check_out(false)
            .build_unchecked(Manager(manager(url)?));
        let places = usize::try_from(size).unwrap_or(1);
        Ok(Self {
            connections,
            queue: Arc::new(Semaphore::new(places)),
            wait: settings.wait,
            size: size.into(),
            waiting: AtomicU64::new(0),
            takes: Arc::default(),
            begun: Instant::now(),
            answered: AtomicU64::new(0),
        })
    }

    fn enough(&self) -> u64 {
        self.size.saturating_mul((ENOUGH / self.takes.load(Ordering::Relaxed).max(1)).max(1))
    }

    /// A step came to its end.
    pub(super) fn answered(&self) {
        self.answered.store(self.millis().max(1), Ordering::Relaxed);
    }

    /// One did not: nobody knows whether the database is there.
    pub(super) fn failed(&self) {
        self.answered.store(0, Ordering::Relaxed);
    }

    /// Whether one came to its end a moment ago, and none has failed since, so that the database must be there.
    pub(super) fn has_answered_lately(&self) -> bool {
        let answered = self.answered.load(Ordering::Relaxed);
        answered > 0 && self.millis().saturating_sub(answered) <= LATELY
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// How many connections are in use, and how many callers wait for one.
    pub(super) fn load(&self) -> Load {
        let free = u64::try_from(self.queue.available_permits()).unwrap_or(u64::MAX);
        Load {
            connections: self.size,
            in_use: self.size.saturating_sub(free),
            waiting: self.waiting.load(Ordering::Relaxed),
            // Those who wait for a database that is gone keep nobody from what needs none.
            enough: self.has_answered_lately().then(|| self.enough()),
            ..Load::default()
        }
    }

    /// A connection, in the order of asking.
    pub(super) async fn lease(&self) -> Fallible<Lease> {
        let _waiting = Waiting::new(&self.waiting);
        let place = tokio::time::timeout(self.wait, Arc::clone(&self.queue).acquire_owned())
            .await
            .map_err(|_| Fault::unavailable("no database connection became free in time"))?
            .map_err(Fault::unavailable)?;
        loop {
            let connection = self.connections.get_owned().await.map_err(|error| match error {
                RunError::User(error) => Fault::Store(unavailable(&error)),
                RunError::TimedOut => Fault::unavailable("the database could not be reached in time"),
            })?;
            // One that was lost while it was idle goes back to the pool, which throws it away.
            if !connection.is_unfit() {
                let (since, takes) = (Instant::now(), Arc::clone(&self.takes));
                return Ok(Lease { connection, _place: place, since, takes });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_has_enough_to_do_as_long_as_it_does_it() {
        let settings = PoolSettings { size: 3, wait: Duration::from_secs(1) };
        let pool = Pool::new("postgres://nobody@127.0.0.1:1/nothing", settings).unwrap();
        let _waiting = [(); 3].map(|()| Waiting::new(&pool.waiting));
        pool.takes.store(ENOUGH, Ordering::Relaxed);
        assert!(!pool.load().is_enough(), "it has never answered");
        pool.answered();
        assert!(pool.load().is_enough() && pool.has_answered_lately());
        tokio::time::advance(Duration::from_millis(LATELY + 2)).await;
        assert!(!pool.load().is_enough() && !pool.has_answered_lately(), "it is gone, or stuck");
        pool.answered();
        pool.failed();
        assert!(!pool.load().is_enough() && !pool.has_answered_lately(), "it may be gone");
        pool.answered();
        drop(Waiting::new(&pool.waiting));
        assert!(pool.load().is_enough());
        pool.waiting.fetch_sub(1, Ordering::Relaxed);
        assert!(!pool.load().is_enough(), "a connection would be free soon");
        pool.takes.store(ENOUGH / 5, Ordering::Relaxed);
        assert_eq!(pool.load().enough, Some(15), "quick ones wait for others gladly");
        pool.waiting.fetch_add(1, Ordering::Relaxed);
    }
}
