//! How much waits for each receiver: counted now and then, shown in metrics, and bounded.

use super::{Receivers, destination};
use crate::{outcome::Fault, server::Server};

/// Counts what waits for the receivers. While more waits for one than it may have, no more is kept for it.
///
/// # Errors
///
/// A fault of the store.
pub async fn count(server: &Server) -> Result<(), Fault> {
    let receivers: &Receivers = server.receivers();
    for receiver in receivers.all() {
        let (name, most) = (receiver.config.name.as_str(), receiver.config.max_pending);
        let backlog = server.store().backlog(&destination(name), most.saturating_add(1)).await?;
        let full = backlog.pending > i64::from(most);
        match (receiver.room().set_full(full), full) {
            (false, true) => {
                tracing::error!(
                    receiver = name,
                    pending = most,
                    "so many events wait for a receiver that no more are kept for it"
                );
            }
            (true, false) => tracing::info!(receiver = name, "events are kept for a receiver again"),
            _ => {}
        }
        let oldest = backlog.oldest.map_or(0, |at| server.now().saturating_sub(at));
        server.metrics().waiting(name, (backlog.pending, backlog.dead, oldest));
        server.metrics().not_kept(name, receiver.room().take_not_kept());
    }
    Ok(())
}
