//! The user table of `placet-login`: a small TOML file, read again when it changes.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Entry, SourceError};

/// Tells one state of the file from the next; the clock of a file system is too coarse alone.
type Version = (SystemTime, u64, u64);

/// What is read of the file; the password hashes are not.
#[derive(Deserialize)]
struct Table {
    #[serde(default, rename = "user")]
    users: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    username: String,
    sub: String,
    #[serde(default)]
    claims: Map<String, Value>,
}

struct Loaded {
    version: Version,
    rows: Arc<Vec<Row>>,
}

/// The user table.
pub struct Users {
    path: PathBuf,
    loaded: Mutex<Loaded>,
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Users").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Users {
    /// Opens the table.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let loaded = Mutex::new(load(path)?);
        Ok(Self { path: path.to_owned(), loaded })
    }

    /// The user with this subject.
    pub fn by_sub(&self, sub: &str) -> Result<Option<Entry>, SourceError> {
        Ok(self.rows()?.iter().find(|row| row.sub == sub).map(entry))
    }

    /// The user with this name or email address.
    pub fn by_hint(&self, hint: &str) -> Result<Option<Entry>, SourceError> {
        let wanted = hint.trim().to_lowercase();
        let matches = |row: &&Row| {
            row.username.to_lowercase() == wanted
                || row.claims.get("email").and_then(Value::as_str).is_some_and(|m| m.to_lowercase() == wanted)
        };
        Ok(self.rows()?.iter().find(matches).map(entry))
    }

    fn rows(&self) -> Result<Arc<Vec<Row>>, SourceError> {
        let now = version(&self.path).map_err(|e| unusable(&e))?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.version != now {
            match load(&self.path) {
                Ok(fresh) => *loaded = fresh,
                // A file that is broken for the moment does not take the users away.
                Err(error) => tracing::error!(%error, "the changed user table is not used"),
            }
        }
        Ok(loaded.rows.clone())
    }
}

fn entry(row: &Row) -> Entry {
    Entry { sub: row.sub.clone(), claims: row.claims.clone() }
}

fn load(path: &Path) -> Result<Loaded, SourceError> {
    // Asked first: what changes after it is noticed by the next look.
    let version = version(path).map_err(|e| unusable(&e))?;
    let text = fs::read_to_string(path).map_err(|e| unusable(&e))?;
    // The message of the parser would quote the file, and with it a hash.
    let table: Table = toml::from_str(&text).map_err(|e| SourceError::Unusable(e.message().to_owned()))?;
    Ok(Loaded { version, rows: Arc::new(table.users) })
}

fn version(path: &Path) -> io::Result<Version> {
    let file = fs::metadata(path)?;
    Ok((file.modified()?, file.ino(), file.len()))
}

fn unusable(error: &io::Error) -> SourceError {
    SourceError::Unusable(error.to_string())
}
