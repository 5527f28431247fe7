//! The line and the cores, without anything that is asked for.

use std::sync::atomic::AtomicBool;

use tokio::sync::Semaphore;

use super::*;

fn admission(requests: u32, waiting: u32, patience: u32) -> Arc<Admission> {
    Admission::new(&OverloadConfig { requests, waiting, patience }, || false, Gauge::default())
}

/// So many places, and so many at a single core.
fn sized((places, at_core): (usize, usize), config: &OverloadConfig) -> Arc<Admission> {
    Admission::sized((places, 1, at_core), config, Behind(Box::new(|| false)), Gauge::default())
}

fn come(to: &Arc<Admission>) -> tokio::task::JoinHandle<Result<Place, Shed>> {
    let to = Arc::clone(to);
    tokio::spawn(async move { to.enter().await })
}

async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_line_that_stands_the_last_is_let_in_and_who_is_not_let_in_soon_is_sent_away() {
    let admission = admission(1, 3, 100);
    let first = admission.enter().await.unwrap();
    assert!(!admission.is_full());
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(come(&admission));
        settle().await;
    }
    tokio::time::advance(Duration::from_millis(5)).await;
    assert!(admission.is_full());
    assert_eq!(admission.enter().await.unwrap_err(), Shed::Full);
    drop(first);
    let last = waiting.pop().unwrap().await.unwrap().unwrap();
    assert_eq!(admission.under_way.get(), 1);
    drop(last);
    let second = waiting.pop().unwrap().await.unwrap().unwrap();
    tokio::time::advance(Duration::from_millis(101)).await;
    assert_eq!(waiting.pop().unwrap().await.unwrap().unwrap_err(), Shed::Late);
    drop(second);
    assert_eq!(admission.under_way.get(), 0);
    let again = admission.enter().await;
    assert!(again.is_ok(), "a place that nobody waits for is there for the next one");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_moves_is_first_come_first_served() {
    let admission = admission(1, 2, 100);
    let first = admission.enter().await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..2 {
        waiting.push(come(&admission));
        settle().await;
    }
    tokio::time::advance(Duration::from_millis(4)).await;
    drop(first);
    settle().await;
    assert!(waiting[0].is_finished() && !waiting[1].is_finished());
    let second = waiting.remove(0).await.unwrap().unwrap();
    drop(second);
    waiting.remove(0).await.unwrap().unwrap();
}

/// Works until it is told to go on, unless it is sent away.
fn work(on: &Arc<Admission>, told: &Arc<Semaphore>) -> tokio::task::JoinHandle<()> {
    let (on, told) = (Arc::clone(on), Arc::clone(told));
    tokio::spawn(async move {
        let Ok(place) = on.enter().await else { return };
        place.work(async { told.acquire().await.unwrap().forget() }).await;
    })
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_something_else_keeps_nobody_from_the_core() {
    let config = OverloadConfig { requests: 0, waiting: 100, patience: 60_000 };
    let admission = sized((50, 2), &config);
    let told = Arc::new(Semaphore::new(0));
    let working: Vec<_> = (0..60).map(|_| work(&admission, &told)).collect();
    for _ in 0..60 {
        settle().await;
    }
    assert_eq!(
        admission.under_way.get(),
        50,
        "each waits for something, so that there was room for the next"
    );
    assert_eq!(admission.at_cores.load(SeqCst), 0);
    told.add_permits(60);
    for one in working {
        one.await.unwrap();
    }
    assert_eq!(admission.at_cores.load(SeqCst), 0);
    assert_eq!(admission.lock().free, 50);
}

#[tokio::test(start_paused = true)]
async fn no_more_are_at_the_cores_than_have_something_to_do_there() {
    let config = OverloadConfig { requests: 0, waiting: 100, patience: 60_000 };
    let admission = sized((50, 2), &config);
    let both = [admission.enter().await.unwrap(), admission.enter().await.unwrap()];
    let third = come(&admission);
    settle().await;
    assert!(!third.is_finished(), "there are places, and no core for it");
    let told = Arc::new(Semaphore::new(0));
    let [first, _second] = both;
    let mut waits = Box::pin(first.work(async { told.acquire().await.unwrap().forget() }));
    assert!(futures_util::poll!(&mut waits).is_pending());
    settle().await;
    let third = third.await.unwrap().unwrap();
    // Ready again, but there is no core for it, and whoever comes does not go before it.
    told.add_permits(1);
    assert_eq!((admission.at_cores.load(SeqCst), admission.lock().ready.len()), (2, 1));
    let fourth = come(&admission);
    settle().await;
    waits.await;
    drop(third);
    settle().await;
    assert!(fourth.is_finished());
}

#[tokio::test(start_paused = true)]
async fn whoever_has_a_place_is_woken_when_there_is_a_core_and_before_others_are_let_in() {
    let config = OverloadConfig { requests: 0, waiting: 100, patience: 60_000 };
    let admission = sized((50, 2), &config);
    let told = Arc::new(Semaphore::new(0));
    let working: Vec<_> = (0..5).map(|_| work(&admission, &told)).collect();
    for _ in 0..5 {
        settle().await;
    }
    assert_eq!(admission.under_way.get(), 5);
    let busy = [admission.enter().await.unwrap(), admission.enter().await.unwrap()];
    told.add_permits(5);
    settle().await;
    assert!(working.iter().all(|one| !one.is_finished()), "the cores have enough to do");
    // One that is gone before its turn is passed over.
    working[0].abort();
    settle().await;
    let comes = come(&admission);
    settle().await;
    assert!(!comes.is_finished());
    drop(busy);
    for _ in 0..5 {
        settle().await;
    }
    assert!(working.iter().all(tokio::task::JoinHandle::is_finished) && comes.is_finished());
    drop(comes);
    settle().await;
    assert_eq!((admission.at_cores.load(SeqCst), admission.lock().free), (0, 50));
}

#[tokio::test(start_paused = true)]
async fn as_many_may_wait_as_were_done_lately_and_all_there_is_room_for_once_nobody_waits() {
    let config = OverloadConfig { requests: 0, waiting: 1_000, patience: 1_000 };
    let admission = sized((1, 2), &config);
    let told = Arc::new(Semaphore::new(0));
    let working: Vec<_> = (0..600).map(|_| work(&admission, &told)).collect();
    settle().await;
    let done = async |count: usize| {
        for _ in 0..count {
            told.add_permits(1);
            settle().await;
            tokio::time::advance(Duration::from_micros(500)).await;
        }
    };
    assert!(!admission.is_full(), "a peak: nobody knows yet how many can be done");
    done(205).await;
    assert!((195..=205).contains(&admission.lock().room), "{}", admission.lock().room);
    assert!(admission.is_full());
    // However few are done.
    tokio::time::advance(Duration::from_millis(100)).await;
    done(10).await;
    assert_eq!(admission.lock().room, WAITING_EACH_CORE);
    told.add_permits(600);
    for one in working {
        one.await.unwrap();
    }
    assert_eq!(admission.lock().room, 1_000);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_has_enough_to_do_others_wait_where_they_can_be_seen() {
    let busy = Arc::new(AtomicBool::new(true));
    let store = Behind(Box::new({
        let busy = Arc::clone(&busy);
        move || busy.load(SeqCst)
    }));
    let config = OverloadConfig { requests: 0, waiting: 100, patience: 60_000 };
    let admission = Admission::sized((50, 1, 2), &config, store, Gauge::default());
    let told = Arc::new(Semaphore::new(0));
    let first = work(&admission, &told);
    settle().await;
    assert_eq!(admission.under_way.get(), 1, "nobody else would tell that the store is free");
    let second = work(&admission, &told);
    settle().await;
    assert_eq!((admission.under_way.get(), admission.lock().waiting.len()), (1, 1));
    busy.store(false, SeqCst);
    told.add_permits(1);
    first.await.unwrap();
    settle().await;
    assert_eq!((admission.under_way.get(), admission.lock().waiting.len()), (1, 0));
    told.add_permits(1);
    second.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_is_gone_is_at_no_core_whatever_wakes_it_later() {
    let config = OverloadConfig { requests: 0, waiting: 100, patience: 60_000 };
    let admission = sized((50, 2), &config);
    let place = admission.enter().await.unwrap();
    let mut kept = None;
    place
        .work(std::future::poll_fn(|context| {
            kept = Some(context.waker().clone());
            Poll::Ready(())
        }))
        .await;
    drop(place);
    kept.unwrap().wake();
    assert_eq!(admission.at_cores.load(SeqCst), 0);
    // Gone while it was ready.
    drop(admission.enter().await.unwrap());
    assert_eq!((admission.at_cores.load(SeqCst), admission.lock().free), (0, 50));
}

#[tokio::test(start_paused = true)]
async fn whoever_hangs_up_gives_back_the_place_and_the_stand_in_the_line() {
    let admission = admission(1, 2, 100);
    let first = admission.enter().await.unwrap();
    let gone = [come(&admission), come(&admission)];
    settle().await;
    assert!(admission.is_full());
    for one in gone {
        one.abort();
        let _ = one.await;
    }
    assert!(!admission.is_full());
    let stays = come(&admission);
    settle().await;
    drop(first);
    let place = stays.await.unwrap().unwrap();
    // Let in, and gone before it knew.
    let unaware = come(&admission);
    settle().await;
    drop(place);
    unaware.abort();
    let _ = unaware.await;
    assert!(admission.enter().await.is_ok());
    assert_eq!(admission.under_way.get(), 0);
}

#[tokio::test]
async fn those_who_never_wait_for_anything_are_seen_to_come_together() {
    let admission = admission(2, 100, 60_000);
    let served: Vec<_> = (0..10).map(|_| come(&admission)).collect();
    settle().await;
    let waiting = admission.lock().waiting.len();
    assert_eq!(waiting, 8, "two are worked on");
    // Each gives its place to the next one, as its result is dropped.
    drop(served);
    for _ in 0..5 {
        settle().await;
    }
    assert_eq!(admission.lock().free, 2);
}

#[tokio::test(start_paused = true)]
async fn of_very_many_who_are_sent_away_some_are_told_later() {
    use futures_util::FutureExt as _;
    let config = OverloadConfig { requests: 0, waiting: 0, patience: 100 };
    let admission = sized((1, 2), &config);
    let at_once = (0..200).filter(|_| admission.turn_away().now_or_never().is_some()).count();
    assert_eq!(at_once, 50, "a twentieth of the patience, at ten thousand a second");
    let begun = Instant::now();
    admission.turn_away().await;
    assert_eq!(begun.elapsed(), Duration::from_millis(100));
}
