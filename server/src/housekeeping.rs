//! What a server does for itself now and then.

use crate::{outcome::Fault, server::Server};

/// How many rows of a kind are deleted at once, and how often in one round.
const ROWS: u32 = 500;
const BATCHES: usize = 200;

/// Deletes what is dead, a batch at a time, until little is left: strangers must not write faster than this deletes. Of
/// several processes one does it; gives how many rows it deleted. The time is kept in the store on this occasion.
pub async fn purge(server: &Server) -> Result<u64, Fault> {
    let mut purged = 0;
    for _ in 0..BATCHES {
        // Each time: a process that was stopped in between does not go on beside the one that took over.
        if !server.store().lead(server.worker(), server.now()).await? {
            break;
        }
        let rows = server.store().purge(server.now(), ROWS).await?;
        purged += rows;
        if rows < u64::from(ROWS) {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(purged)
}
