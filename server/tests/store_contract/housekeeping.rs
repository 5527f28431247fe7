//! Who purges, and the latest time.

use std::sync::Arc;

use placet_server::store::Store;

use crate::{backend::Backend, samples::*};

async fn leads(store: &dyn Store, worker: &str, now: i64) -> bool {
    store.lead(worker, now).await.expect("it answers")
}

pub(crate) async fn one_worker_leads_and_another_takes_over_from_a_silent_one(backend: &Backend) {
    let store = backend.store();
    assert!(leads(&*store, "one", NOW).await);
    assert!(!leads(&*store, "two", NOW + 30).await);
    assert!(leads(&*store, "one", NOW + 30).await, "and keeps it so");
    assert!(!leads(&*store, "two", NOW + 89).await);
    assert!(leads(&*store, "two", NOW + 90).await);
    assert!(!leads(&*store, "one", NOW + 91).await, "one that was stopped meanwhile does not go on");
    assert!(leads(&*backend.tenant("other"), "one", NOW + 91).await, "tenants are looked after apart");
}

pub(crate) async fn of_50_racing_workers_one_leads(backend: &Backend) {
    let store = backend.store();
    let attempt =
        |store: Arc<dyn Store>, i: usize| async move { leads(&*store, &format!("w{i}"), NOW).await };
    let led = race(&store, 50, attempt).await;
    assert_eq!(count(&led, &true), 1);
}

pub(crate) async fn a_worker_whose_clock_was_ahead_keeps_nobody_out(backend: &Backend) {
    let store = backend.store();
    let year = 31_536_000;
    assert!(leads(&*store, "ahead", NOW + year).await);
    assert!(leads(&*store, "right", NOW).await);
}

pub(crate) async fn the_latest_time_is_kept_and_can_be_forgotten(backend: &Backend) {
    let store = backend.store();
    let latest = async || store.latest_time().await.expect("it reads");
    assert_eq!(latest().await, 0);
    assert!(leads(&*store, "one", NOW).await);
    assert_eq!(latest().await, NOW);
    assert!(!leads(&*store, "two", NOW + 10).await);
    assert_eq!(latest().await, NOW, "who does not lead says nothing");
    assert!(leads(&*store, "one", NOW - 500).await, "a clock that went back");
    assert_eq!(latest().await, NOW);
    store.forget_time().await.expect("it forgets");
    assert_eq!(latest().await, 0);
    assert!(leads(&*store, "two", NOW - 500).await);
    assert_eq!(latest().await, NOW - 500);
}
