//! The line and the cores, without anything that is asked for.

use tokio::sync::Semaphore;

use super::*;

fn admission(requests: u32, waiting: u32, patience: u32) -> Arc<Admission> {
    Admission::new(&OverloadConfig { requests, waiting, patience }, Gauge::default())
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

/// Works until it is told to go on, and then until it is told so again.
fn work(on: &Arc<Admission>, told: &Arc<Semaphore>) -> tokio::task::JoinHandle<()> {
    let (on, told) = (Arc::clone(on), Arc::clone(told));
    tokio::spawn(async move {
        let place = on.enter().await.unwrap();
        place.work(async { told.acquire().await.unwrap().forget() }).await;
    })
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_something_else_keeps_nobody_from_the_core() {
    let config = OverloadConfig { requests: 0, waiting: 100, patience: 60_000 };
    let admission = Admission::sized((50, 2), &config, Gauge::default());
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
    let admission = Admission::sized((50, 2), &config, Gauge::default());
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
    // Ready again, and counted again, however often it is told so.
    told.add_permits(1);
    assert_eq!(admission.at_cores.load(SeqCst), 3);
    let fourth = come(&admission);
    settle().await;
    waits.await;
    drop(third);
    settle().await;
    assert!(fourth.is_finished());
}

#[tokio::test(start_paused = true)]
async fn whoever_is_gone_is_at_no_core_whatever_wakes_it_later() {
    let config = OverloadConfig { requests: 0, waiting: 100, patience: 60_000 };
    let admission = Admission::sized((50, 2), &config, Gauge::default());
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
