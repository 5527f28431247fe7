//! The schema of a file.

use std::path::Path;

use super::connection::{Connection, open_for_reading};
use crate::store::{
    Result,
    migrations::{self, Migration},
};

const FIND_TABLE: &str =
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'";
const VERSION: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_version";

/// What the file at `path` lacks; everything if there is none.
pub(super) fn pending(path: &Path) -> Result<&'static [Migration]> {
    if !path.exists() {
        return migrations::missing(0);
    }
    migrations::missing(version(&open_for_reading(path)?)?)
}

fn version(connection: &Connection) -> Result<i64> {
    match connection.number(FIND_TABLE)? {
        0 => Ok(0),
        _ => connection.number(VERSION),
    }
}

/// Applies what is missing, all or nothing.
pub(super) fn migrate(connection: &mut Connection) -> Result<&'static [Migration]> {
    connection.batch("BEGIN EXCLUSIVE")?;
    let applied = apply(connection);
    match &applied {
        Ok(_) => connection.batch("COMMIT")?,
        Err(_) => connection.batch("ROLLBACK")?,
    }
    applied
}

fn apply(connection: &Connection) -> Result<&'static [Migration]> {
    let missing = migrations::missing(version(connection)?)?;
    if missing.is_empty() {
        return Ok(missing);
    }
    connection.batch("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")?;
    for migration in missing {
        connection.batch(&in_sqlite(migration.sql))?;
        connection.batch(&format!("INSERT INTO schema_version (version) VALUES ({})", migration.version))?;
    }
    Ok(missing)
}

/// The text of a script for `SQLite`, which compares byte by byte anyway.
fn in_sqlite(sql: &str) -> String {
    sql.replace(" COLLATE \"C\"", "")
        .replace("BIGSERIAL PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT")
        .replace(" BYTEA", " BLOB")
}
