use std::convert::Infallible;

use tokio::sync::oneshot;

use super::*;

fn small() -> Cached<&'static str, u32> {
    let room = Room { name: "small", bytes: 10_000, ttl: Duration::from_secs(60) };
    Cached::new(room, &Caches::default(), |key: &&'static str, _| key.len())
}

#[tokio::test]
async fn of_several_who_claim_a_key_one_gets_it_until_it_stands_no_more() {
    let cache = small();
    let claims = (0..20).map(|n| cache.claim("k", n, |_| true));
    let got = futures_util::future::join_all(claims).await;
    assert_eq!(got.iter().filter(|got| **got).count(), 1);
    assert!(!cache.claim("k", 21, |_| true).await);
    assert!(cache.claim("k", 22, |_| false).await);
    assert_eq!(cache.peek(&"k").await, Some(22));
}

#[tokio::test]
async fn a_value_that_was_being_loaded_while_it_was_removed_is_not_served() {
    let cache = small();
    let (started, loading) = oneshot::channel();
    let (go, wait) = oneshot::channel::<()>();
    let loader = tokio::spawn({
        let cache = cache.clone();
        async move {
            cache
                .get("k", async {
                    let _ = started.send(());
                    let _ = wait.await;
                    Ok::<_, Infallible>(Some(1))
                })
                .await
        }
    });
    loading.await.unwrap();
    let remover = tokio::spawn({
        let cache = cache.clone();
        async move { cache.remove("k").await }
    });
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    loader.await.unwrap().unwrap();
    remover.await.unwrap();
    let after = cache.get("k", async { Ok::<_, Infallible>(Some(2)) }).await.unwrap();
    assert_eq!(after, Some(2));
}

#[tokio::test]
async fn of_100_who_want_the_same_at_once_one_loads_it() {
    let (cache, loads) = (small(), AtomicU64::new(0));
    let all = (0..100).map(|_| {
        cache.get("k", async {
            loads.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Some(1))
        })
    });
    let got = futures_util::future::join_all(all).await;
    assert!(got.iter().all(|got| *got == Ok(Some(1))));
    assert_eq!(loads.into_inner(), 1);
}

#[tokio::test]
async fn of_100_who_want_what_cannot_be_loaded_none_waits_for_more_than_one_other() {
    let cache = small();
    let (under_way, most) = (AtomicU64::new(0), AtomicU64::new(0));
    let (go, wait) = tokio::sync::watch::channel(false);
    let all = (0..100).map(|_| {
        let mut wait = wait.clone();
        let (cache, under_way, most) = (&cache, &under_way, &most);
        async move {
            let load = async {
                let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                let _ = wait.wait_for(|go| *go).await;
                tokio::task::yield_now().await;
                under_way.fetch_sub(1, Ordering::SeqCst);
                Err::<Option<u32>, _>("down")
            };
            cache.get("k", load).await
        }
    });
    let first = async {
        tokio::task::yield_now().await;
        assert_eq!(under_way.load(Ordering::SeqCst), 1, "as long as nothing failed, one tries for all");
        go.send_replace(true);
    };
    let (got, ()) = futures_util::future::join(futures_util::future::join_all(all), first).await;
    assert!(got.iter().all(|got| *got == Err("down")));
    assert!(most.into_inner() > 50, "after a failure they do not try one after the other");
    let after = cache.get("k", async { Ok::<_, Infallible>(Some(2)) }).await;
    assert_eq!(after, Ok(Some(2)), "a failure is nobody's later");
}

#[tokio::test]
async fn what_counts_no_more_is_loaded_again_and_goes_if_it_is_gone() {
    let cache = small();
    cache.put("k", 1).await;
    let load = |value| async move { Ok::<_, Infallible>(value) };
    assert_eq!(cache.get_if("k", |_| true, load(Some(2))).await, Ok(Some(1)));
    assert_eq!(cache.get_if("k", |value| *value > 1, load(Some(2))).await, Ok(Some(2)));
    assert_eq!(cache.get_if("k", |_| false, load(None)).await, Ok(None));
    assert_eq!(cache.peek(&"k").await, None);
}

#[tokio::test]
async fn more_than_there_is_room_for_is_not_kept_and_is_counted() {
    let caches = Caches::default();
    let room = Room { name: "small", bytes: 10_000, ttl: Duration::from_secs(60) };
    let cache = Cached::<u32, Vec<u8>>::new(room, &caches, |_, value: &Vec<u8>| value.len());
    for n in 0..1_000 {
        cache.put(n, vec![0; 1_000]).await;
    }
    cache.entries.run_pending_tasks().await;
    assert!(cache.entries.weighted_size() <= 10_000);
    assert!((1..10).contains(&cache.entries.entry_count()), "so many of a thousand bytes have room");
    cache.put(0, vec![0; 20_000]).await;
    cache.entries.run_pending_tasks().await;
    assert!(cache.entries.weighted_size() <= 10_000);
    assert_eq!(cache.peek(&0).await, None, "one alone that is too large is not kept");
}
