//! Reading, beside the writer.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;

use super::connection::{Connection, open_for_reading};
use crate::store::sql::{Fallible, Fault, Step};

/// Read-only connections, opened when they are needed first.
pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
    most: u64,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        // More at once than there are processors would only wait for each other; two, since one may meet the disk.
        let readers = std::thread::available_parallelism().map_or(2, usize::from).max(2);
        Self {
            path: path.to_owned(),
            idle: Arc::default(),
            free: Arc::new(Semaphore::new(readers)),
            most: readers.try_into().unwrap_or(u64::MAX),
        }
    }

    /// How many may read at once, and how many do.
    pub(super) fn load(&self) -> (u64, u64) {
        let free = u64::try_from(self.free.available_permits()).unwrap_or(u64::MAX);
        (self.most, self.most.saturating_sub(free))
    }

    pub(super) async fn run<T: Send + 'static>(&self, tenant: Arc<str>, step: Step<T>) -> Fallible<T> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(Fault::unavailable)?;
        let idle = Arc::clone(&self.idle);
        let path = self.path.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let pooled = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match pooled {
                Some(connection) => connection,
                None => open_for_reading(&path).map_err(Fault::Store)?,
            };
            let (outcome, _) = connection.run(&tenant, &step);
            // One that failed is not used again: whatever was wrong with it goes with it.
            if !matches!(outcome, Err(Fault::Store(_))) {
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
            outcome
        });
        reading.await.map_err(Fault::unavailable)?
    }
}
