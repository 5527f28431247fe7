//! Deliveries.

use std::sync::Arc;

use placet_server::store::{
    Backlog, Claim, DeliveryFilter, DeliveryRecord, Hold, Paging, PublishedEvent, Room, Settled, Store,
    Subscriber,
};

use crate::{backend::Backend, samples::*};

const LEASE: i64 = 60;

fn to(destination: &str, id: &str) -> DeliveryRecord {
    DeliveryRecord::new(id.to_owned(), ("parcel", destination), id.into(), (NOW, NOW + 1_000))
}

async fn enqueued(store: &dyn Store, deliveries: &[(&str, &str)]) {
    let all = deliveries.iter().map(|(destination, id)| to(destination, id)).collect();
    store.enqueue(all, vec![]).await.expect("they are kept");
}

fn wanted(now: i64, most: u32) -> Claim {
    Claim { now, until: now + LEASE, most, per_destination: 2 }
}

async fn claimed(store: &dyn Store, now: i64, most: u32) -> Vec<String> {
    let mut found = store.claim_deliveries(wanted(now, most)).await.expect("it answers");
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found.into_iter().map(|delivery| delivery.id).collect()
}

async fn listed(store: &dyn Store, dead: bool) -> Vec<String> {
    let found = store.deliveries(&of(dead), ALL).await.expect("it reads");
    found.into_iter().map(|delivery| delivery.id).collect()
}

fn of(dead: bool) -> DeliveryFilter {
    DeliveryFilter { dead, ..DeliveryFilter::default() }
}

fn later(next_at: i64) -> Settled {
    Settled::Later { next_at, reason: "busy".into() }
}

fn dead(at: i64) -> Settled {
    Settled::Dead { at, reason: "gone".into() }
}

pub(crate) async fn what_is_due_is_claimed_once_and_again_when_the_lease_is_over(backend: &Backend) {
    let store = backend.store();
    enqueued(&*store, &[("a", "dlv_1")]).await;
    // The same again is the same, whatever it says now.
    let again = DeliveryRecord { payload: "another".into(), expires_at: NOW + 5, ..to("b", "dlv_1") };
    store.enqueue(vec![again], vec![]).await.expect("it answers");
    assert!(claimed(&*store, NOW - 1, 9).await.is_empty());
    let first = store.claim_deliveries(wanted(NOW, 9)).await.expect("it answers");
    assert_eq!(first, [DeliveryRecord { attempts: 1, next_at: NOW + LEASE, ..to("a", "dlv_1") }]);
    assert!(claimed(&*store, NOW + LEASE - 1, 9).await.is_empty());
    assert_eq!(claimed(&*store, NOW + LEASE, 9).await, ["dlv_1"]);
    // Whose lease ran out has nothing more to say.
    for late in [Settled::Done, later(NOW), dead(NOW)] {
        let told = vec![event("evt_late", "delivery.dead")];
        assert!(!store.settle_delivery("dlv_1", 1, late, told).await.expect("it answers"));
    }
    let second = DeliveryRecord { attempts: 2, next_at: NOW + 2 * LEASE, ..to("a", "dlv_1") };
    assert_eq!(store.delivery("dlv_1").await.expect("it reads"), Some(second), "it is under way");
    assert_eq!(backend.outbox().await, []);
    assert!(claimed(&*store, NOW + LEASE, 9).await.is_empty());
    assert!(store.settle_delivery("dlv_1", 2, Settled::Done, vec![]).await.expect("it answers"));
    assert_eq!(store.delivery("dlv_1").await.expect("it reads"), None);
    assert!(!store.settle_delivery("dlv_1", 2, Settled::Done, vec![]).await.expect("it answers"));
}

pub(crate) async fn of_50_racing_claims_each_delivery_goes_to_one(backend: &Backend) {
    let store = backend.store();
    let all: Vec<_> = (0..20).map(|i| to(&format!("d{i}"), &format!("dlv_{i}"))).collect();
    store.enqueue(all, vec![]).await.expect("they are kept");
    let outcomes = race(&store, 50, |store, _| async move { claimed(&*store, NOW, 3).await }).await;
    let mut found: Vec<_> = outcomes.into_iter().flatten().collect();
    let claims = found.len();
    found.sort();
    found.dedup();
    assert_eq!(found.len(), claims, "nobody shares one");
    // Those who met others at the same rows went away with fewer.
    while !claimed(&*store, NOW, 9).await.is_empty() {}
    assert!(store.deliveries(&of(false), ALL).await.expect("it reads").iter().all(|d| d.attempts == 1));
}

pub(crate) async fn destinations_take_turns_and_a_slow_one_keeps_nobody_waiting(backend: &Backend) {
    let store = backend.store();
    enqueued(&*store, &[("slow", "dlv_1"), ("slow", "dlv_2"), ("slow", "dlv_3"), ("slow", "dlv_4")]).await;
    enqueued(&*store, &[("other", "dlv_5"), ("third", "dlv_6")]).await;
    assert_eq!(claimed(&*store, NOW, 9).await, ["dlv_1", "dlv_5", "dlv_6"]);
    assert_eq!(claimed(&*store, NOW, 9).await, ["dlv_2"]);
    assert!(claimed(&*store, NOW, 9).await.is_empty(), "two are under way to the slow one");
    assert!(store.settle_delivery("dlv_1", 1, later(NOW + 30), vec![]).await.expect("it answers"));
    assert_eq!(claimed(&*store, NOW, 9).await, ["dlv_3"]);
    // The most overdue come first.
    assert!(store.settle_delivery("dlv_5", 1, later(NOW + 20), vec![]).await.expect("it answers"));
    assert!(store.settle_delivery("dlv_6", 1, later(NOW + 10), vec![]).await.expect("it answers"));
    assert_eq!(claimed(&*store, NOW + 20, 1).await, ["dlv_6"]);
    assert_eq!(claimed(&*store, NOW + 20, 1).await, ["dlv_5"]);
}

pub(crate) async fn what_is_given_up_is_kept_listed_and_can_be_delivered_again(backend: &Backend) {
    let store = backend.store();
    enqueued(&*store, &[("a", "dlv_1"), ("b", "dlv_2"), ("c", "dlv_3")]).await;
    assert_eq!(claimed(&*store, NOW, 9).await.len(), 3);
    let events = || vec![event("evt_1", "delivery.redelivered")];
    let again = (NOW + 9, NOW + 5_000);
    assert!(!store.redeliver("dlv_1", again, events()).await.expect("it answers"), "it is under way");
    assert!(store.settle_delivery("dlv_1", 1, dead(NOW + 1), vec![]).await.expect("it answers"));
    assert!(store.settle_delivery("dlv_2", 1, later(NOW + 100), vec![]).await.expect("it answers"));
    assert_eq!(
        (listed(&*store, true).await, listed(&*store, false).await),
        (strings(&["dlv_1"]), strings(&["dlv_2", "dlv_3"]))
    );
    let page = Paging { after: "dlv_2", limit: 1 };
    assert_eq!(store.deliveries(&of(false), page).await.expect("it reads")[0].id, "dlv_3");
    let given_up = store.delivery("dlv_1").await.expect("it reads").expect("it is kept");
    assert_eq!((given_up.dead_at, given_up.reason.as_deref()), (Some(NOW + 1), Some("gone")));
    assert!(claimed(&*store, NOW + 50, 9).await.is_empty());

    assert!(store.redeliver("dlv_1", again, events()).await.expect("it answers"));
    assert_eq!(backend.count("delivery.redelivered").await, 1);
    let found = store.claim_deliveries(wanted(NOW + 9, 9)).await.expect("it answers");
    assert_eq!((found[0].attempts, found[0].expires_at, found[0].dead_at), (2, NOW + 5_000, None));
    assert!(store.drop_delivery("dlv_2", vec![]).await.expect("it answers"));
    assert!(!store.drop_delivery("dlv_2", vec![]).await.expect("it answers"));
}

pub(crate) async fn what_is_delivered_to_one_destination_again_leaves_the_others_alone(backend: &Backend) {
    let store = backend.store();
    enqueued(&*store, &[("a", "dlv_1"), ("b", "dlv_2"), ("a", "dlv_3")]).await;
    assert_eq!(claimed(&*store, NOW, 9).await, ["dlv_1", "dlv_2"]);
    for id in ["dlv_1", "dlv_2"] {
        assert!(store.settle_delivery(id, 1, dead(NOW), vec![]).await.expect("it answers"));
    }
    assert_eq!(store.redeliver_to("a", (NOW + 1, NOW + 9), 9, vec![]).await.expect("it answers"), 1);
    assert_eq!(
        (listed(&*store, true).await, listed(&*store, false).await),
        (strings(&["dlv_2"]), strings(&["dlv_1", "dlv_3"]))
    );
    let waiting = store.delivery("dlv_3").await.expect("it reads");
    assert_eq!(waiting, Some(to("a", "dlv_3")), "it was not given up");
}

pub(crate) async fn only_what_is_given_up_is_purged_and_late(backend: &Backend) {
    let store = backend.store();
    enqueued(&*store, &[("a", "dlv_1"), ("b", "dlv_2")]).await;
    assert_eq!(claimed(&*store, NOW, 9).await.len(), 2);
    assert!(store.settle_delivery("dlv_1", 1, dead(NOW), vec![]).await.expect("it answers"));
    let month = 30 * 86_400;
    assert_eq!(store.purge(NOW + month - 1, 100).await.expect("it answers"), 0);
    assert_eq!(store.purge(NOW + month, 100).await.expect("it answers"), 1);
    assert_eq!(listed(&*store, false).await, ["dlv_2"]);
}

pub(crate) async fn tenants_deliver_their_own(backend: &Backend) {
    let (one, two) = (backend.tenant("one"), backend.tenant("two"));
    enqueued(&*one, &[("a", "dlv_1")]).await;
    assert!(claimed(&*two, NOW, 9).await.is_empty());
    assert!(!two.drop_delivery("dlv_1", vec![]).await.expect("it answers"));
    assert_eq!(claimed(&*one, NOW, 9).await, ["dlv_1"]);
}

pub(crate) async fn nothing_of_a_held_destination_is_claimed_until_it_is_released(backend: &Backend) {
    let store = backend.store();
    enqueued(&*store, &[("a", "dlv_1"), ("b", "dlv_2")]).await;
    let hold = |reason: &str| Hold { destination: "a".into(), held_at: NOW, reason: reason.into() };
    assert!(store.hold_destination(hold("gone"), vec![event("evt_1", "held")]).await.expect("it answers"));
    assert!(!store.hold_destination(hold("again"), vec![event("evt_2", "held")]).await.expect("it answers"));
    assert_eq!(backend.count("held").await, 1);
    assert_eq!(store.held_destinations().await.expect("it reads"), [hold("gone")]);
    assert_eq!(claimed(&*store, NOW, 9).await, ["dlv_2"]);
    // What waits there beyond its end is given up, and nothing else.
    assert_eq!(store.purge(NOW + 1_000, 9).await.expect("it answers"), 1);
    assert_eq!(
        (listed(&*store, true).await, listed(&*store, false).await),
        (strings(&["dlv_1"]), strings(&["dlv_2"]))
    );
    assert!(store.release_destination("a", vec![]).await.expect("it answers"));
    assert!(!store.release_destination("a", vec![]).await.expect("it answers"));
    assert_eq!(store.redeliver_to("a", (NOW, NOW + 9), 9, vec![]).await.expect("it answers"), 1);
    assert_eq!(claimed(&*store, NOW, 9).await, ["dlv_1"]);
}

pub(crate) async fn what_is_being_sent_to_a_held_destination_is_not_given_up_beneath_it(backend: &Backend) {
    let store = backend.store();
    enqueued(&*store, &[("a", "dlv_1")]).await;
    let end = NOW + 1_000;
    assert_eq!(claimed(&*store, end - 1, 9).await, ["dlv_1"]);
    let hold = Hold { destination: "a".into(), held_at: end, reason: "gone".into() };
    assert!(store.hold_destination(hold, vec![]).await.expect("it answers"));
    assert_eq!(store.purge(end + LEASE - 2, 9).await.expect("it answers"), 0);
    let sent = later(end + LEASE + 9);
    assert!(store.settle_delivery("dlv_1", 1, sent, vec![]).await.expect("it answers"));
    assert_eq!(store.purge(end + LEASE, 9).await.expect("it answers"), 1, "nobody sends it any more");
    assert_eq!(listed(&*store, true).await, ["dlv_1"]);
}

pub(crate) async fn what_a_worker_left_for_a_held_destination_is_given_up_with_its_lease(backend: &Backend) {
    let store = backend.store();
    enqueued(&*store, &[("a", "dlv_1")]).await;
    let end = NOW + 1_000;
    assert_eq!(claimed(&*store, end, 9).await, ["dlv_1"]);
    let hold = Hold { destination: "a".into(), held_at: end, reason: "gone".into() };
    assert!(store.hold_destination(hold, vec![]).await.expect("it answers"));
    assert_eq!(store.purge(end + LEASE - 1, 9).await.expect("it answers"), 0);
    assert_eq!(store.purge(end + LEASE, 9).await.expect("it answers"), 1);
    assert_eq!(listed(&*store, true).await, ["dlv_1"]);
}

pub(crate) async fn an_event_that_is_written_again_is_told_once_and_as_it_was(backend: &Backend) {
    let store = backend.store();
    let subscriber = Subscriber {
        destination: "a".into(),
        types: vec!["*".into()],
        retry_for: 60,
        room: Arc::new(Room::default()),
    };
    store.subscribe(vec![subscriber]);
    store.publish(vec![event("evt_1", "session.ended")]).await.expect("it answers");
    let again = || {
        let mut again = event("evt_1", "session.ended");
        (again.at, again.data) = (NOW + 1, "{\"again\":true}".into());
        vec![again]
    };
    store.publish(again()).await.expect("it answers");
    let found = store.claim_deliveries(wanted(NOW + 9, 9)).await.expect("it answers");
    assert_eq!(found.len(), 1);
    let told: PublishedEvent = serde_json::from_slice(&found[0].payload).expect("an event");
    assert_eq!((told.at, told.data), (NOW, serde_json::json!({})));
    assert!(store.settle_delivery(&found[0].id, 1, Settled::Done, vec![]).await.expect("it answers"));
    store.publish(again()).await.expect("it answers");
    assert!(listed(&*store, false).await.is_empty(), "it was told");
}

pub(crate) async fn lists_are_filtered_and_destinations_counted(backend: &Backend) {
    let store = backend.store();
    enqueued(&*store, &[("a", "dlv_1"), ("b", "dlv_2"), ("a", "dlv_3")]).await;
    let to_a = DeliveryFilter { destination: "a".into(), kind: "parcel".into(), dead: false };
    let found = store.deliveries(&to_a, ALL).await.expect("it reads");
    assert_eq!(found.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["dlv_1", "dlv_3"]);
    let letters = DeliveryFilter { kind: "letter".into(), ..of(false) };
    assert_eq!(store.deliveries(&letters, ALL).await.expect("it reads"), []);
    let backlog = |pending, dead| Backlog { pending, oldest: Some(NOW), dead };
    assert_eq!(store.backlog("a", 9).await.expect("it reads"), backlog(2, 0));
    assert_eq!(store.backlog("a", 1).await.expect("it reads"), backlog(1, 0));
    assert_eq!(store.backlog("c", 9).await.expect("it reads"), Backlog::default());
    assert_eq!(claimed(&*store, NOW, 9).await, ["dlv_1", "dlv_2"]);
    assert!(store.settle_delivery("dlv_1", 1, dead(NOW), vec![]).await.expect("it answers"));
    assert_eq!(store.backlog("a", 9).await.expect("it reads"), backlog(1, 1));
}

pub(crate) async fn whoever_wants_an_event_is_told_in_the_step_that_writes_it(backend: &Backend) {
    let store = backend.store();
    let room = Arc::new(Room::default());
    let subscriber = |destination: &str, wanted: &str| Subscriber {
        destination: destination.into(),
        types: vec![wanted.into()],
        retry_for: 60,
        room: room.clone(),
    };
    store.subscribe(vec![subscriber("a", "session.*"), subscriber("b", "*")]);
    let events = vec![event("evt_1", "session.ended"), event("evt_2", "account.disabled")];
    store.publish(events.clone()).await.expect("it answers");
    // The same again is the same.
    store.publish(events).await.expect("it answers");
    let found = store.deliveries(&of(false), ALL).await.expect("it reads");
    let told: Vec<_> = found
        .iter()
        .map(|d| {
            let event: PublishedEvent = serde_json::from_slice(&d.payload).expect("an event");
            (d.destination.as_str(), event.id, d.expires_at - d.created_at)
        })
        .collect();
    let expected = [("a", "evt_1"), ("b", "evt_1"), ("b", "evt_2")].map(|(d, e)| (d, e.to_owned(), 60));
    assert!(expected.iter().all(|delivery| told.contains(delivery)), "{told:?}");
    assert_eq!(told.len(), 3);
    // A step that comes to nothing tells nobody.
    assert!(
        !store
            .revoke_authorization("az_9", NOW, vec![event("evt_3", "session.ended")])
            .await
            .expect("it answers")
    );
    assert!(!room.set_full(true));
    store.publish(vec![event("evt_4", "session.ended")]).await.expect("it answers");
    assert_eq!(store.deliveries(&of(false), ALL).await.expect("it reads").len(), 3, "there was no room");
    assert_eq!((room.take_not_kept(), room.take_not_kept()), (2, 0));
    assert_eq!(backend.count("session.ended").await, 2);
}
