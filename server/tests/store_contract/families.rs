//! Refresh token families.

use placet_server::store::{FamilyRecord, Issued, Rotate, Rotation, Store};

use crate::{backend::Backend, samples::*};

async fn used(store: &dyn Store, rotate: Rotate) -> Rotation {
    store.rotate(rotate, Issued::default()).await.expect("it answers")
}

async fn family_of(store: &dyn Store, id: &str) -> FamilyRecord {
    store.family(id).await.expect("it reads").expect("it is stored").0
}

/// What those get who come again with the parent of `child`.
fn repeated(child: &str) -> Rotation {
    Rotation::Repeated { salt: child.into(), key_id: "k2".into(), generation: 2 }
}

/// The use of a token that stays the current one.
fn kept(family_id: &str, presented: &str) -> Rotate {
    Rotate { child: None, ..rotate(family_id, presented, "") }
}

async fn is_replay(backend: &Backend, rotate: Rotate) {
    let store = backend.store();
    let now = rotate.now;
    let issued = issued("loot", "az_1");
    assert_eq!(store.rotate(rotate, issued).await.expect("it answers"), Rotation::Replayed);
    assert!(!is_live(&*store, "az_1", now).await);
    assert!(store.token(&digest("loot")).await.expect("it reads").is_none());
    assert_eq!(backend.outbox().await, [("token.reuse_detected".to_owned(), "az_1".to_owned())]);
    // What was current is dead too.
    let (current, _) = store.family("f1").await.expect("it reads").expect("it is stored");
    let last = Rotate { presented: current.current, now, ..kept("f1", "") };
    assert_eq!(used(&*store, last).await, Rotation::Dead);
}

pub(crate) async fn of_200_racing_refreshes_with_one_token_all_get_the_same_child(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    let outcomes = race(&store, 200, |store, i| async move {
        let issued = issued(&format!("token {i}"), "az_1");
        store.rotate(rotate("f1", "f1-1", &format!("child {i}")), issued).await.expect("it answers")
    });
    let outcomes = outcomes.await;
    assert_eq!(count(&outcomes, &Rotation::Rotated), 1);
    let winner = outcomes.iter().position(|outcome| *outcome == Rotation::Rotated).expect("one won");
    let child = format!("child {winner}");
    assert_eq!(count(&outcomes, &repeated(&child)), 199);
    for i in 0..200 {
        let stored = store.token(&digest(&format!("token {i}"))).await.expect("it reads");
        assert!(stored.is_some(), "every one has an access token, {i} too");
    }
    let family = family_of(&*store, "f1").await;
    assert_eq!((family.generation, family.current), (2, digest(&child)));
    assert!(is_live(&*store, "az_1", NOW).await);
    assert_eq!(backend.outbox().await, []);
}

pub(crate) async fn a_rotated_family_is_stored_with_what_was_issued(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    let mut issued = issued("token", "az_1");
    issued.events = vec![event("evt_1", "token.issued")];
    let rotation = store.rotate(rotate("f1", "f1-1", "f1-2"), issued).await.expect("it answers");
    assert_eq!(rotation, Rotation::Rotated);
    let expected = FamilyRecord {
        generation: 2,
        current: digest("f1-2"),
        parent: Some(digest("f1-1")),
        salt: "f1-2".into(),
        key_id: "k2".into(),
        rotated_at: NOW + 10,
        last_used_at: NOW + 10,
        ..family("f1", "az_1")
    };
    assert_eq!(family_of(&*store, "f1").await, expected);
    assert!(store.token(&digest("token")).await.expect("it reads").is_some());
    assert_eq!(backend.count("token.issued").await, 1);
}

pub(crate) async fn a_parent_in_its_grace_is_answered_with_the_same_child(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    assert_eq!(used(&*store, rotate("f1", "f1-1", "f1-2")).await, Rotation::Rotated);
    for i in [0, 30, 60] {
        let again = Rotate { now: NOW + 10 + i, ..rotate("f1", "f1-1", "another") };
        let issued = issued(&format!("token {i}"), "az_1");
        assert_eq!(store.rotate(again, issued).await.expect("it answers"), repeated("f1-2"));
        assert!(store.token(&digest(&format!("token {i}"))).await.expect("it reads").is_some());
    }
    assert!(is_live(&*store, "az_1", NOW).await);
    let next = Rotate { now: NOW + 80, ..rotate("f1", "f1-2", "f1-3") };
    assert_eq!(used(&*store, next).await, Rotation::Rotated);
}

pub(crate) async fn a_parent_outside_its_grace_is_a_replay(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    assert_eq!(used(&*store, rotate("f1", "f1-1", "f1-2")).await, Rotation::Rotated);
    is_replay(backend, Rotate { now: NOW + 10 + 61, ..rotate("f1", "f1-1", "another") }).await;
}

pub(crate) async fn no_grace_makes_every_parent_a_replay(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    assert_eq!(used(&*store, rotate("f1", "f1-1", "f1-2")).await, Rotation::Rotated);
    is_replay(backend, Rotate { grace: 0, ..rotate("f1", "f1-1", "another") }).await;
}

pub(crate) async fn a_parent_whose_child_was_rotated_is_a_replay(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    assert_eq!(used(&*store, rotate("f1", "f1-1", "f1-2")).await, Rotation::Rotated);
    assert_eq!(used(&*store, rotate("f1", "f1-2", "f1-3")).await, Rotation::Rotated);
    is_replay(backend, rotate("f1", "f1-1", "another")).await;
}

pub(crate) async fn a_parent_whose_child_was_used_is_a_replay(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    assert_eq!(used(&*store, rotate("f1", "f1-1", "f1-2")).await, Rotation::Rotated);
    assert_eq!(used(&*store, kept("f1", "f1-2")).await, Rotation::Kept);
    is_replay(backend, rotate("f1", "f1-1", "another")).await;
}

pub(crate) async fn a_foreign_token_of_a_known_family_is_a_replay(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    is_replay(backend, rotate("f1", "made up", "another")).await;
}

pub(crate) async fn a_family_that_does_not_rotate_keeps_its_token(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    let outcomes = race(&store, 50, |store, i| async move {
        let issued = issued(&format!("token {i}"), "az_1");
        store.rotate(kept("f1", "f1-1"), issued).await.expect("it answers")
    });
    assert_eq!(count(&outcomes.await, &Rotation::Kept), 50);
    let expected = FamilyRecord { used: true, last_used_at: NOW + 10, ..family("f1", "az_1") };
    assert_eq!(family_of(&*store, "f1").await, expected);
    for i in 0..50 {
        assert!(store.token(&digest(&format!("token {i}"))).await.expect("it reads").is_some());
    }
}

pub(crate) async fn a_family_that_is_over_is_dead_and_not_replayed(backend: &Backend) {
    let store = backend.store();
    for i in 1..=4 {
        created_family(&*store, &format!("f{i}"), &format!("az_{i}"), &format!("user {i}")).await;
    }
    let idle = Rotate { now: NOW + 10_000, ..rotate("f1", "f1-1", "child") };
    assert_eq!(used(&*store, idle).await, Rotation::Dead);
    // Kept in use until its end, but no further.
    for i in 1..=12 {
        let busy = Rotate { now: NOW + i * 9_000, ..kept("f2", "f2-1") };
        let expected = if i * 9_000 < 100_000 { Rotation::Kept } else { Rotation::Dead };
        assert_eq!(used(&*store, busy).await, expected, "{i}");
    }
    assert!(store.revoke_authorization("az_3", NOW, vec![]).await.expect("it answers"));
    store.set_subject_disabled("user 4", true, NOW, vec![]).await.expect("it answers");
    for i in [3, 4] {
        for presented in [format!("f{i}-1"), "made up".into()] {
            let outcome = used(&*store, rotate(&format!("f{i}"), &presented, "child")).await;
            assert_eq!(outcome, Rotation::Dead, "f{i} {presented}");
        }
    }
    assert_eq!(used(&*store, rotate("unknown", "f1-1", "child")).await, Rotation::Dead);
    let expired = Rotate { now: NOW + 100_000, ..rotate("f1", "made up", "child") };
    assert_eq!(used(&*store, expired).await, Rotation::Dead);
    assert_eq!(backend.outbox().await, []);
}

pub(crate) async fn use_puts_off_the_idle_limit(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    for i in 1..=5 {
        let presented = format!("f1-{i}");
        let child = format!("f1-{}", i + 1);
        let next = Rotate { now: NOW + i * 9_999, ..rotate("f1", &presented, &child) };
        assert_eq!(used(&*store, next).await, Rotation::Rotated, "{i}");
    }
}

pub(crate) async fn a_use_can_let_a_family_end_sooner_and_never_later(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    let before = family_of(&*store, "f1").await;
    let lasting = |rotate: Rotate, expires_at: i64, idle_seconds: Option<i64>| Rotate {
        expires_at,
        idle_seconds,
        ..rotate
    };
    let ends = async || {
        let family = family_of(&*store, "f1").await;
        (family.expires_at, family.idle_seconds)
    };
    let (life, idle) = (before.expires_at, before.idle_seconds);
    let longer = lasting(rotate("f1", "f1-1", "f1-2"), life + 1, idle.map(|idle| idle + 1));
    assert_eq!(used(&*store, longer).await, Rotation::Rotated);
    assert_eq!(ends().await, (life, idle));
    let shorter = lasting(rotate("f1", "f1-2", "f1-3"), NOW + 100, Some(50));
    assert_eq!(used(&*store, shorter).await, Rotation::Rotated);
    assert_eq!(ends().await, (NOW + 100, Some(50)));
    let stays = lasting(kept("f1", "f1-3"), NOW + 90, Some(40));
    assert_eq!(used(&*store, stays).await, Rotation::Kept);
    assert_eq!(ends().await, (NOW + 90, Some(40)));
    let moved = lasting(rotate("f1", "f1-3", "f1-4"), life, None);
    assert_eq!(used(&*store, moved).await, Rotation::Rotated);
    assert_eq!(ends().await, (NOW + 90, Some(40)));
    let repeats = lasting(rotate("f1", "f1-3", "f1-5"), NOW + 80, Some(30));
    assert!(matches!(used(&*store, repeats).await, Rotation::Repeated { .. }));
    assert_eq!(ends().await, (NOW + 80, Some(30)));
}

pub(crate) async fn a_use_can_end_a_family_and_is_then_no_replay(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    let last = Rotate { expires_at: NOW + 10, ..kept("f1", "f1-1") };
    assert_eq!(store.rotate(last, issued("token", "az_1")).await.expect("it answers"), Rotation::Kept);
    assert!(store.token(&digest("token")).await.expect("it reads").is_some());
    for presented in ["f1-1", "f1-2"] {
        assert_eq!(used(&*store, rotate("f1", presented, "x")).await, Rotation::Dead, "{presented}");
    }
    assert!(is_live(&*store, "az_1", NOW + 10).await);
}
