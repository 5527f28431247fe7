//! The schema of a database.

use bb8::ManageConnection;
use tokio_postgres::Client;

use super::{pool::manager, unavailable};
use crate::store::{
    Result,
    migrations::{self, Migration},
};

/// Any number, as long as it is always the same: whoever holds its lock changes the schema.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7235424563911012)";

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
    batch(&client, "BEGIN").await?;
    batch(&client, LOCK).await?;
    let missing = migrations::missing(version(&client).await?)?;
    batch(&client, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)").await?;
    for migration in missing {
        batch(&client, migration.sql).await?;
        batch(&client, &format!("INSERT INTO schema_version (version) VALUES ({})", migration.version))
            .await?;
    }
    batch(&client, "COMMIT").await?;
    Ok(missing)
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
