//! Files and schemas.

use std::{fs, os::unix::fs::PermissionsExt};

use placet_server::store::{
    Store,
    embedded::Embedded,
    migrations::{self, Database, Migration},
    postgres::Postgres,
};

use crate::{
    backend::{TempDir, pool, postgres_url, unique},
    samples::*,
};

#[tokio::test]
async fn a_file_is_migrated_once() {
    let dir = TempDir::new();
    let path = dir.file();
    let database = Database::Embedded(&path);
    let pending = migrations::pending(database).await.expect("it answers");
    assert!(!pending.is_empty());
    assert!(!path.exists(), "looking at it does not create it");
    assert_eq!(migrations::apply(database).await.expect("it applies"), pending);
    assert_eq!(migrations::pending(database).await.expect("it answers"), []);
    assert_eq!(migrations::apply(database).await.expect("it applies"), []);
    let store = Embedded::open(&path, "one").expect("it opens");
    assert!(store.insert_client(client("app"), vec![]).await.expect("it answers"));
    assert_eq!(migrations::pending(database).await.expect("it may be in use"), []);
}

#[tokio::test]
async fn a_file_keeps_what_it_holds_when_it_is_opened_again() {
    let dir = TempDir::new();
    for round in 0..3 {
        let store = Embedded::open(&dir.file(), "one").expect("it opens");
        assert_eq!(store.clients("", 10).await.expect("it reads").len(), round);
        assert!(store.insert_client(client(&format!("app {round}")), vec![]).await.expect("it answers"));
    }
}

#[tokio::test]
async fn a_file_has_one_owner_who_alone_can_read_it() {
    let dir = TempDir::new();
    let path = dir.file();
    let first = Embedded::open(&path, "one").expect("it opens");
    let second = Embedded::open(&path, "one").map(|_| ()).expect_err("it is taken").to_string();
    assert!(second.contains("another process has it open"), "{second}");
    let migration = migrations::apply(Database::Embedded(&path)).await.expect_err("it is taken").to_string();
    assert!(migration.contains("another process has it open"), "{migration}");
    first.ping().await.expect("it is not disturbed");
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(first);
    Embedded::open(&path, "one").map(|_| ()).expect("it is free again");
}

#[tokio::test]
async fn a_file_of_the_next_version_is_opened_and_a_later_one_is_refused() {
    let dir = TempDir::new();
    let path = dir.file();
    migrations::apply(Database::Embedded(&path)).await.expect("it applies");
    for (ahead, expected) in [(1, true), (2, false)] {
        let raise = "INSERT INTO schema_version (version) SELECT MAX(version) + 1 FROM schema_version";
        rusqlite::Connection::open(&path).expect("it opens").execute(raise, []).expect("it writes");
        let opened = Embedded::open(&path, "one").map(|_| ());
        assert_eq!(opened.is_ok(), expected, "{ahead} ahead: {opened:?}");
        let pending = migrations::pending(Database::Embedded(&path)).await;
        assert_eq!(pending.is_ok(), expected, "{ahead} ahead: {pending:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_migrated_once_by_many_at_once_and_refused_when_too_new() {
    let Some(url) = postgres_url() else { return };
    let (client, connection) =
        tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("the database answers");
    tokio::spawn(connection);
    let schema = format!("test_{}", unique());
    client.batch_execute(&format!("CREATE SCHEMA {schema}")).await.expect("it creates");
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options=-c%20search_path%3D{schema}");

    let pending = migrations::pending(Database::Postgres(&url)).await.expect("it answers");
    assert!(!pending.is_empty());
    let attempts: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(
                async move { migrations::apply(Database::Postgres(&url)).await.expect("it applies") },
            )
        })
        .collect();
    let mut applied: Vec<&Migration> = Vec::new();
    for attempt in attempts {
        applied.extend(attempt.await.expect("it does not panic"));
    }
    assert_eq!(applied, pending.iter().collect::<Vec<_>>(), "by one of them, once");
    assert_eq!(migrations::pending(Database::Postgres(&url)).await.expect("it answers"), []);

    for (ahead, expected) in [(1, true), (2, false)] {
        let version = format!("{schema}.schema_version");
        let raise = format!("INSERT INTO {version} (version) SELECT MAX(version) + 1 FROM {version}");
        client.batch_execute(&raise).await.expect("it writes");
        let opened = Postgres::connect(&url, "one", pool(1)).await.map(|_| ());
        assert_eq!(opened.is_ok(), expected, "{ahead} ahead: {opened:?}");
    }
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.expect("it drops");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_unavailable() {
    let opened = Postgres::connect("postgres://nobody@127.0.0.1:1/nothing", "one", pool(1)).await;
    let error = opened.map(|_| ()).expect_err("nobody is there").to_string();
    assert!(error.starts_with("the store is unavailable"), "{error}");
    let opened = Postgres::connect("not a url", "one", pool(1)).await;
    assert!(opened.map(|_| ()).is_err());
    let opened = Embedded::open("/nowhere/at/all".as_ref(), "one");
    assert!(opened.map(|_| ()).is_err());
}
