//! What a server does for itself now and then.

use std::time::Duration;

use placet_server::{events, housekeeping, server::Server};
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior, interval},
};

/// How often it is asked what was revoked elsewhere: often enough that no request has to.
const GENERATIONS_EVERY: Duration = Duration::from_secs(1);
/// How often the keys are looked after.
const KEYS_EVERY: Duration = Duration::from_secs(5);
/// How often dead rows are deleted.
const PURGE_EVERY: Duration = Duration::from_secs(10);

/// Looks after generations, keys and dead rows until the stop. None of them waits for another one, which may have much to do.
pub(super) async fn keep(server: Server, stopped: watch::Receiver<bool>) {
    tokio::join!(
        keep_generations(&server, stopped.clone()),
        keep_keys(&server, stopped.clone()),
        purge(&server, stopped)
    );
}

async fn keep_generations(server: &Server, mut stopped: watch::Receiver<bool>) {
    let mut turns = turns(GENERATIONS_EVERY);
    while comes(&mut turns, &mut stopped).await {
        server.generations().keep_up((server.store(), server.now())).await;
    }
}

async fn keep_keys(server: &Server, mut stopped: watch::Receiver<bool>) {
    let mut turns = turns(KEYS_EVERY);
    while comes(&mut turns, &mut stopped).await {
        if let Err(fault) = server.keys().maintain().await {
            tracing::error!(%fault, "the keys could not be looked after");
        }
    }
}

async fn purge(server: &Server, mut stopped: watch::Receiver<bool>) {
    let mut turns = turns(PURGE_EVERY);
    while comes(&mut turns, &mut stopped).await {
        tokio::select! {
            purged = housekeeping::purge(server) => if let Err(fault) = purged {
                tracing::error!(%fault, "dead rows could not be deleted");
            },
            // A round may be long, and each of its batches is whole.
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        look_after_events(server).await;
    }
}

/// Turns of which none is made up for.
fn turns(period: Duration) -> Interval {
    let mut turns = interval(period);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    turns
}

/// Whether the next turn comes before the stop.
async fn comes(turns: &mut Interval, stopped: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        _ = stopped.wait_for(|stopped| *stopped) => false,
        _ = turns.tick() => true,
    }
}

/// Tells of policies that failed, and counts what waits for the receivers of events.
async fn look_after_events(server: &Server) {
    if let Err(fault) = events::tell_of_policies(server).await {
        tracing::error!(%fault, "nobody is told of policies that failed");
    }
    if let Err(fault) = events::count(server).await {
        tracing::error!(%fault, "what waits for the receivers of events could not be counted");
    }
}
