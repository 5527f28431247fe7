//! What is looked at from outside: how busy the store is, and what changed in it.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{misc, store::SqlStore, tx::Engine};
use crate::{
    metrics::StoreMeter,
    store::{Changes, Load, Result, Watched},
};

#[async_trait]
impl<E: Engine> Watched for SqlStore<E> {
    fn measure(&self, meter: StoreMeter) {
        self.meter.store(Some(Arc::new(meter)));
    }

    fn load(&self) -> Load {
        self.engine.load()
    }

    fn changes(&self) -> &Changes {
        &self.changes
    }

    async fn catch_up(&self, now: i64) -> Result<()> {
        if E::TELL.is_some() {
            let asked = (Instant::now(), now);
            let number = self.read((), |tx, ()| Box::pin(misc::changes(tx))).await?;
            self.changes.caught_up(number, asked);
        }
        Ok(())
    }

    async fn hear(&self) -> Result<()> {
        self.engine.hear(|told: &str| self.heard(told)).await
    }
}

#[cfg(test)]
mod tests;
