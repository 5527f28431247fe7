//! The schema, as a series of additive scripts.
//!
//! A program works with a database of its own version and of the next one, so that two adjacent versions can
//! run side by side while a deployment is rolled out. Opening a store applies what is missing; `placet migrate`
//! does it beforehand.

use std::path::Path;

use super::{Result, StoreError, embedded, postgres};

/// One script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its number, from 1.
    pub version: i64,
    /// What it is about.
    pub name: &'static str,
    pub(crate) sql: &'static str,
}

const MIGRATIONS: [Migration; 15] = [
    Migration {
        version: 1,
        name: "first tables",
        sql: include_str!("../../migrations/0001_first_tables.sql"),
    },
    Migration { version: 2, name: "derivation", sql: include_str!("../../migrations/0002_derivation.sql") },
    Migration {
        version: 3,
        name: "pushed requests",
        sql: include_str!("../../migrations/0003_pushed_requests.sql"),
    },
    Migration {
        version: 4,
        name: "bound families",
        sql: include_str!("../../migrations/0004_bound_families.sql"),
    },
    Migration {
        version: 5,
        name: "details of consents",
        sql: include_str!("../../migrations/0005_consent_details.sql"),
    },
    Migration {
        version: 6,
        name: "polled requests",
        sql: include_str!("../../migrations/0006_polled_requests.sql"),
    },
    Migration { version: 7, name: "deliveries", sql: include_str!("../../migrations/0007_deliveries.sql") },
    Migration {
        version: 8,
        name: "listed interactions",
        sql: include_str!("../../migrations/0008_listed_interactions.sql"),
    },
    Migration {
        version: 9,
        name: "clients of sessions",
        sql: include_str!("../../migrations/0009_session_clients.sql"),
    },
    Migration {
        version: 10,
        name: "held destinations",
        sql: include_str!("../../migrations/0010_held_destinations.sql"),
    },
    Migration {
        version: 11,
        name: "revocations",
        sql: include_str!("../../migrations/0011_revocations.sql"),
    },
    Migration { version: 12, name: "changes", sql: include_str!("../../migrations/0012_changes.sql") },
    Migration {
        version: 13,
        name: "generations",
        sql: include_str!("../../migrations/0013_generations.sql"),
    },
    Migration {
        version: 14,
        name: "housekeeping",
        sql: include_str!("../../migrations/0014_housekeeping.sql"),
    },
    Migration {
        version: 15,
        name: "begun families",
        sql: include_str!("../../migrations/0015_begun_families.sql"),
    },
];

/// A database to look at or to change.
#[derive(Clone, Copy, Debug)]
pub enum Database<'a> {
    /// A file of the embedded store.
    Embedded(&'a Path),
    /// The URL of a PostgreSQL database.
    Postgres(&'a str),
}

/// What is yet to be applied. An embedded file that does not exist yet is not created.
pub async fn pending(database: Database<'_>) -> Result<&'static [Migration]> {
    match database {
        Database::Embedded(path) => embedded::pending(path),
        Database::Postgres(url) => postgres::pending(url).await,
    }
}

/// Applies what is missing, in one transaction, and gives what that was. Several programs can try at once; an
/// embedded file must not be open in another program.
pub async fn apply(database: Database<'_>) -> Result<&'static [Migration]> {
    match database {
        Database::Embedded(path) => embedded::migrate(path),
        Database::Postgres(url) => postgres::migrate(url).await,
    }
}

/// What a database of version `found` lacks; an error if it is too new to work with.
pub(crate) fn missing(found: i64) -> Result<&'static [Migration]> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if !(0..=known.saturating_add(1)).contains(&found) {
        return Err(StoreError::Unavailable(format!(
            "the database has schema version {found}, this program works with {known} and {}",
            known + 1
        )));
    }
    let applied = usize::try_from(found).unwrap_or(0).min(MIGRATIONS.len());
    Ok(const { &MIGRATIONS }.get(applied..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_numbered_from_one_without_gaps() {
        let versions: Vec<_> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, (1..).take(MIGRATIONS.len()).collect::<Vec<i64>>());
    }

    #[test]
    fn a_database_one_version_ahead_is_accepted_and_two_ahead_is_refused() {
        let known = MIGRATIONS.last().expect("there is one").version;
        assert_eq!(missing(0).expect("empty").len(), MIGRATIONS.len());
        assert_eq!(missing(known).expect("same"), []);
        assert_eq!(missing(known + 1).expect("next"), []);
        let refused = missing(known + 2).expect_err("too new").to_string();
        assert!(refused.contains("schema version"), "{refused}");
    }
}
