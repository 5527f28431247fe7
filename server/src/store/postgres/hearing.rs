//! Hearing of what other processes changed: a connection of its own, since the answers of the others are for those who ask.

use std::{future::poll_fn, pin::pin};

use tokio_postgres::AsyncMessage;

use super::{pool, unavailable};
use crate::store::Result;

/// Raises the number of changes, and tells everybody of this one: its number, what changed, the tenant. Others are told
/// when, and only if, the transaction is committed.
pub(super) const TELL: &str = "WITH next AS (INSERT INTO changes (tenant, number) VALUES ($1, 1) \
     ON CONFLICT (tenant) DO UPDATE SET number = changes.number + 1 RETURNING number) \
     SELECT pg_notify('placet_changes', number || ' ' || $2 || ' ' || $1)::text FROM next";

const LISTEN: &str = "LISTEN placet_changes";

/// Calls `heard` with what is told, until the connection is lost.
pub(super) async fn hear(url: &str, heard: impl Fn(&str)) -> Result<()> {
    let (config, connector) = pool::target(url)?;
    let (client, mut connection) = config.connect(connector).await.map_err(|e| unavailable(&e))?;
    let mut listening = pin!(async {
        client.batch_execute(LISTEN).await?;
        // The connection lives as long as its client.
        std::future::pending::<std::result::Result<(), tokio_postgres::Error>>().await
    });
    loop {
        let message = tokio::select! {
            message = poll_fn(|cx| connection.poll_message(cx)) => message,
            Err(error) = &mut listening => return Err(unavailable(&error)),
        };
        match message {
            Some(Ok(AsyncMessage::Notification(told))) => heard(told.payload()),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(unavailable(&error)),
            None => return Ok(()),
        }
    }
}
