//! Who looks after the store.

use async_trait::async_trait;

use super::Result;

/// Which of several processes deletes what is dead, and the latest time at which one did.
#[async_trait]
pub trait Housekeeping: Send + Sync + 'static {
    /// Makes `worker` the one that purges, or keeps it so; false while another one is. Who has not been heard of for a
    /// minute is one no more. The latest `now` of those who were is kept.
    async fn lead(&self, worker: &str, now: i64) -> Result<bool>;
    /// The latest time at which anybody purged; 0 if nobody has.
    async fn latest_time(&self) -> Result<i64>;
    /// Forgets it, and who purges.
    async fn forget_time(&self) -> Result<()>;
}
