//! The worker: claims what is due, attempts it, and notes what came of it.

use std::time::Duration;

use serde_json::json;
use tokio::{sync::watch, task::JoinSet};

use super::{Attempt, Schedule, kind};
use crate::{
    events,
    outcome::{Failure, Fault},
    random,
    server::Server,
    store::{Claim, DeliveryRecord, Event, Settled, Subscriber},
};

/// How often the worker looks for what is due, besides when it is woken.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Attempts of one process at once.
const AT_ONCE: usize = 32;
/// Attempts to one destination at once, of all processes together.
const PER_DESTINATION: u32 = 4;
/// An attempt may take this long.
const ATTEMPT: Duration = Duration::from_secs(20);
/// For so many seconds what was claimed is nobody else's: longer than an attempt takes, with some trouble around it.
const LEASE: i64 = 60;
/// What a receiver wants to be left alone for is believed up to this, in seconds.
const LONGEST_WISH: i64 = 24 * 60 * 60;
/// How long a stop waits for attempts under way. Those that are not through by then are made again by another process.
const DRAIN: Duration = Duration::from_secs(10);

/// Delivers until the stop.
pub async fn run(server: Server, mut stopped: watch::Receiver<bool>) {
    let mut under_way = JoinSet::new();
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        if let Err(fault) = begin(&server, &mut under_way).await {
            tracing::error!(%fault, "what has to be delivered cannot be read");
        }
        tokio::select! {
            _ = look.tick() => {}
            () = server.to_deliver().notified() => {}
            Some(_) = under_way.join_next() => {}
            changed = stopped.changed() => if changed.is_err() || *stopped.borrow() { break },
        }
    }
    let drained = tokio::time::timeout(DRAIN, async { while under_way.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!(left = under_way.len(), "deliveries under way are left to be attempted again");
    }
}

/// Attempts everything that is due now, once, and waits for it; gives how many that were.
///
/// # Errors
///
/// A fault of the store.
pub async fn round(server: &Server) -> Result<usize, Fault> {
    let mut under_way = JoinSet::new();
    let mut attempted = 0;
    loop {
        let before = under_way.len();
        begin(server, &mut under_way).await?;
        attempted += under_way.len() - before;
        if under_way.join_next().await.is_none() {
            return Ok(attempted);
        }
    }
}

/// Claims and begins what is due, as far as there is room.
async fn begin(server: &Server, under_way: &mut JoinSet<()>) -> Result<(), Fault> {
    while under_way.len() < AT_ONCE {
        let now = server.now();
        let claim = Claim {
            now,
            until: now + LEASE,
            most: u32::try_from(AT_ONCE - under_way.len()).unwrap_or(1),
            per_destination: PER_DESTINATION,
        };
        let claimed = server.store().claim_deliveries(claim).await?;
        if claimed.is_empty() {
            break;
        }
        for delivery in claimed {
            let server = server.clone();
            under_way.spawn(async move { make(&server, delivery).await });
        }
    }
    Ok(())
}

async fn make(server: &Server, delivery: DeliveryRecord) {
    let _counted = server.metrics().delivering();
    let attempt = attempt(server, &delivery).await;
    let (outcome, settled) = match settled(server, &delivery, attempt) {
        Ok(found) => found,
        // The lease runs out, and it is attempted again.
        Err(fault) => return tracing::error!(%fault, delivery = delivery.id, "a delivery is not settled"),
    };
    let told_of = match dead(server, &delivery, &settled) {
        Ok(events) => events,
        Err(fault) => return tracing::error!(%fault, delivery = delivery.id, "a delivery is not settled"),
    };
    server.metrics().delivered(&delivery.kind, outcome);
    let told = match &settled {
        Settled::Done => "",
        Settled::Later { reason, .. } | Settled::Dead { reason, .. } => reason,
    };
    tracing::info!(
        delivery = delivery.id,
        kind = delivery.kind,
        destination = delivery.destination,
        attempt = delivery.attempts,
        outcome,
        reason = told,
        "a delivery was attempted"
    );
    match server.store().settle_delivery(&delivery.id, delivery.attempts, settled, told_of).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(delivery = delivery.id, "an attempt took longer than its lease"),
        Err(error) => tracing::error!(%error, delivery = delivery.id, "a delivery is not settled"),
    }
}

/// What others learn of a delivery that is given up. Of events they learn nothing so: that would be an event, too, and
/// two receivers that are gone would tell each other for ever.
fn dead(server: &Server, delivery: &DeliveryRecord, settled: &Settled) -> Result<Vec<Event>, Fault> {
    let Settled::Dead { reason, .. } = settled else { return Ok(Vec::new()) };
    if delivery.kind == Subscriber::KIND {
        return Ok(Vec::new());
    }
    let data = json!({
        "kind": delivery.kind, "destination": delivery.destination, "reason": reason, "attempts": delivery.attempts,
    });
    Ok(vec![events::event(server, "delivery.dead", &delivery.id, &data)?])
}

async fn attempt(server: &Server, delivery: &DeliveryRecord) -> Attempt {
    let failed = |reason: &str| Attempt::Failed { reason: reason.to_owned(), after: None };
    // Written by a newer version, which runs beside this one.
    let Some(kind) = kind(&delivery.kind) else { return failed("this program does not know the kind") };
    let made = tokio::time::timeout(ATTEMPT, kind.attempt(server, delivery)).await;
    match made {
        Ok(Ok(attempt)) => attempt,
        Ok(Err(Failure::Refused(error))) => Attempt::Refused(error.description),
        Ok(Err(Failure::TooMany(_))) => failed("too much is asked of this server"),
        Ok(Err(Failure::Fault(fault))) => {
            tracing::error!(%fault, delivery = delivery.id, "a delivery cannot be made");
            failed("this server has trouble of its own")
        }
        Err(_) => failed("it took too long"),
    }
}

fn settled(
    server: &Server,
    delivery: &DeliveryRecord,
    attempt: Attempt,
) -> Result<(&'static str, Settled), Fault> {
    let now = server.now();
    Ok(match attempt {
        Attempt::Delivered => ("delivered", Settled::Done),
        Attempt::Refused(reason) => ("refused", Settled::Dead { at: now, reason }),
        Attempt::Failed { reason, after } => {
            let dice = u32::from_be_bytes(random::bytes(server.random())?);
            let pause = kind(&delivery.kind).map_or_else(
                || Schedule::default().pause(delivery.attempts, dice),
                |kind| kind.pause(delivery.attempts, dice),
            );
            let wish = after.unwrap_or(0).clamp(0, LONGEST_WISH);
            let next_at = now + pause.max(wish);
            if next_at >= delivery.expires_at {
                ("expired", Settled::Dead { at: now, reason })
            } else {
                ("failed", Settled::Later { next_at, reason })
            }
        }
    })
}
