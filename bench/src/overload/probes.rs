//! Whether what is cheap can be had while too much is asked for: keys and metadata, and what tells an operator's machines
//! whether the server lives. A thread of its own asks, which does not wait for those who ask for too much.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use tokio::{sync::oneshot, task::JoinSet, time::Instant};

use super::Probe;
use crate::{
    drive::times,
    place::Place,
    wire::{Broken, Wire},
};

/// A request for each of them is due so often.
const EVERY: Duration = Duration::from_millis(25);
/// What takes longer counts as missed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks from the one moment to the other.
pub(super) fn start(place: &Arc<Place>, (begin, end): (Instant, Instant)) -> oneshot::Receiver<Vec<Probe>> {
    let (told, tell) = oneshot::channel();
    let wires = vec![
        ("/jwks", place.public(0)),
        ("/.well-known/openid-configuration", place.public(0)),
        ("/livez", place.private(0)),
        ("/readyz", place.private(0)),
    ];
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // Without one, the receiver is told that nobody sends.
        let Ok(runtime) = runtime else { return };
        let probes = runtime.block_on(async {
            let mut asking = JoinSet::new();
            for (path, wire) in wires {
                asking.spawn(probe(path, wire, (begin, end)));
            }
            let mut probes: Vec<Probe> = asking.join_all().await.into_iter().flatten().collect();
            probes.sort_by(|one, other| one.path.cmp(&other.path));
            probes
        });
        // Whoever does not want to know any more is gone.
        let _ = told.send(probes);
    });
    tell
}

async fn probe(path: &'static str, mut wire: Wire, (begin, end): (Instant, Instant)) -> Option<Probe> {
    let mut latency = times().ok()?;
    let (mut due, mut missed) = (begin, 0);
    while due < end {
        tokio::time::sleep_until(due).await;
        let asked = tokio::time::timeout(PATIENCE, wire.send("GET", path, &[], "")).await;
        let asked = asked.unwrap_or(Err(Broken::Late));
        if asked.is_ok_and(|answer| answer.status == StatusCode::OK) {
            latency.saturating_record(u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX).max(1));
        } else {
            missed += 1;
            wire.close();
        }
        due += EVERY;
    }
    let quantile = |quantile| latency.value_at_quantile(quantile);
    Some(Probe { path: path.to_owned(), p50_us: quantile(0.5), p99_us: quantile(0.99), missed })
}
