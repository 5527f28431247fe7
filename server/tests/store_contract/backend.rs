//! The stores under test.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Once},
    time::Duration,
};

use placet_server::store::{
    Store,
    embedded::Embedded,
    postgres::{PoolSettings, Postgres},
};

/// Different at every call, in every process.
pub(crate) fn unique() -> String {
    format!("{:016x}", RandomState::new().hash_one("unique"))
}

/// A directory that is removed when dropped.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("placet-store-{}", unique()));
        fs::create_dir(&path).expect("a temporary directory");
        Self(path)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("placet.db")
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

enum Kind {
    Embedded(Embedded, TempDir),
    Postgres(Postgres, String),
}

/// A database, and tenants in it that no other test uses.
pub(crate) struct Backend {
    kind: Kind,
    run: String,
}

/// Where PostgreSQL is, if it is to be tested.
pub(crate) fn postgres_url() -> Option<String> {
    static SKIPPED: Once = Once::new();
    let url = std::env::var("PLACET_TEST_POSTGRES").ok();
    if url.is_none() {
        // Not `eprintln`, which the test runner keeps to itself as long as tests succeed.
        let notice = "\nskipped: everything about PostgreSQL, since PLACET_TEST_POSTGRES names no database";
        SKIPPED.call_once(|| writeln!(std::io::stderr(), "{notice}").expect("somebody listens"));
    }
    url
}

pub(crate) fn pool(size: u32) -> PoolSettings {
    PoolSettings { size, wait: Duration::from_secs(30) }
}

impl Backend {
    pub(crate) fn embedded() -> Self {
        let dir = TempDir::new();
        let file = Embedded::file(&dir.file()).expect("the file opens");
        Self { kind: Kind::Embedded(file, dir), run: unique() }
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let url = postgres_url()?;
        let database = Postgres::database(&url, pool(8)).await.expect("the database answers");
        Some(Self { kind: Kind::Postgres(database, url), run: unique() })
    }

    /// The store of one tenant.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.tenant("one")
    }

    /// The store of a tenant.
    pub(crate) fn tenant(&self, name: &str) -> Arc<dyn Store> {
        let tenant = self.tenant_name(name);
        match &self.kind {
            Kind::Embedded(file, _) => Arc::new(file.tenant(&tenant)),
            Kind::Postgres(database, _) => Arc::new(database.tenant(&tenant)),
        }
    }

    fn tenant_name(&self, name: &str) -> String {
        format!("{name}-{}", self.run)
    }

    /// The events of the tenant of [`store`](Self::store): type and subject, in order.
    pub(crate) async fn outbox(&self) -> Vec<(String, String)> {
        let tenant = self.tenant_name("one");
        match &self.kind {
            Kind::Embedded(_, dir) => outbox_of_file(&dir.file(), &tenant),
            Kind::Postgres(_, url) => outbox_of_database(url, &tenant).await,
        }
    }

    /// How many of these events there are.
    pub(crate) async fn count(&self, event_type: &str) -> usize {
        self.outbox().await.iter().filter(|(found, _)| found == event_type).count()
    }
}

fn outbox_of_file(path: &Path, tenant: &str) -> Vec<(String, String)> {
    let connection = rusqlite::Connection::open(path).expect("the file opens");
    let mut statement = connection
        .prepare("SELECT event_type, subject FROM outbox WHERE tenant = ? ORDER BY seq")
        .expect("the outbox is there");
    let rows = statement.query_map([tenant], |row| Ok((row.get(0)?, row.get(1)?))).expect("it is readable");
    rows.collect::<Result<_, _>>().expect("every row is readable")
}

async fn outbox_of_database(url: &str, tenant: &str) -> Vec<(String, String)> {
    let (client, connection) =
        tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("the database answers");
    tokio::spawn(connection);
    let rows = client
        .query("SELECT event_type, subject FROM outbox WHERE tenant = $1 ORDER BY seq", &[&tenant])
        .await
        .expect("the outbox is readable");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}
