//! The schema of a database.

use std::time::Duration;

use bb8::ManageConnection;
use tokio_postgres::{Client, error::SqlState};

use super::{pool::manager, unavailable};
use crate::store::{
    Result,
    migrations::{self, Migration},
};

/// Any number, as long as it is always the same: whoever holds its lock changes the schema.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7235424563911012)";

/// Servers of the version before go on meanwhile. Whoever comes after a statement that waits for one of them waits behind it,
/// so it does not wait for long, and is tried again.
const PATIENCE: &str = "SET LOCAL lock_timeout = '2s'";
const ATTEMPTS: u32 = 30;
const PAUSE: Duration = Duration::from_millis(500);

const FIND_TABLE: &str = "SELECT COUNT(*) FROM information_schema.tables \
                          WHERE table_schema = current_schema() AND table_name = 'schema_version'";
const VERSION: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_version";

/// What the database at `url` lacks.
pub(super) async fn pending(url: &str) -> Result<&'static [Migration]> {
    let client = manager(url)?.connect().await.map_err(|e| unavailable(&e))?;
    migrations::missing(version(&client).await?)
}

/// Applies what is missing, all or nothing, while others that try wait. A connection that is dropped within the
/// transaction takes it back.
pub(super) async fn migrate(url: &str) -> Result<&'static [Migration]> {
    let client = manager(url)?.connect().await.map_err(|e| unavailable(&e))?;
    let missing = migrations::missing(version(&client).await?)?;
    if missing.is_empty() {
        return Ok(missing);
    }
    for _ in 1..ATTEMPTS {
        match attempt(&client).await {
            Ok(applied) => return applied,
            Err(error) if is_in_the_way(&error) => {
                batch(&client, "ROLLBACK").await?;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(unavailable(&error)),
        }
    }
    attempt(&client).await.map_err(|error| unavailable(&error))?
}

/// Whether somebody else was in the way of a migration.
fn is_in_the_way(error: &tokio_postgres::Error) -> bool {
    let codes = [SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE];
    error.code().is_some_and(|code| codes.contains(code))
}

async fn attempt(
    client: &Client,
) -> std::result::Result<Result<&'static [Migration]>, tokio_postgres::Error> {
    client.batch_execute("BEGIN").await?;
    client.batch_execute(LOCK).await?;
    client.batch_execute(PATIENCE).await?;
    let missing = match version(client).await.and_then(migrations::missing) {
        Ok(missing) => missing,
        Err(error) => return Ok(Err(error)),
    };
    client.batch_execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)").await?;
    for migration in missing {
        client.batch_execute(migration.sql).await?;
        let number = format!("INSERT INTO schema_version (version) VALUES ({})", migration.version);
        client.batch_execute(&number).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(Ok(missing))
}

async fn version(client: &Client) -> Result<i64> {
    match number(client, FIND_TABLE).await? {
        0 => Ok(0),
        _ => number(client, VERSION).await,
    }
}

async fn number(client: &Client, sql: &str) -> Result<i64> {
    let row = client.query_one(sql, &[]).await.map_err(|e| unavailable(&e))?;
    row.try_get(0).map_err(|e| unavailable(&e))
}

async fn batch(client: &Client, sql: &str) -> Result<()> {
    client.batch_execute(sql).await.map_err(|e| unavailable(&e))
}
