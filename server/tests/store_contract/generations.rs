//! What revocations leave behind for tokens that carry everything themselves.

use std::collections::BTreeMap;

use placet_server::store::{
    AuthorizationRecord, Begins, FamilyRecord, Issued, Known, Learned, Narrowed, Redemption, Revoked, Rotate,
    Rotation, Store, Whose,
};

use crate::{backend::Backend, samples::*};

async fn carried(store: &dyn Store, id: &str, sub: &str) {
    let authorization = AuthorizationRecord { self_contained: true, ..authorization(id, sub) };
    granted(store, authorization, Issued::default()).await;
}

async fn revoked(store: &dyn Store, id: &str) {
    assert!(store.revoke_authorization(id, NOW, vec![]).await.expect("it answers"));
}

async fn learned(store: &dyn Store, since: i64) -> Learned {
    store.learn_generations(since, 1000).await.expect("it reads")
}

async fn raised(store: &dyn Store, az: &str, number: i64) -> bool {
    let names = [
        Revoked::authorization(az),
        Revoked::subject("alice"),
        Revoked::client("app"),
        Revoked::family("unknown"),
    ];
    !store.raised_since(&names, number).await.expect("it reads").is_empty()
}

pub(crate) async fn a_mark_counts_at_once_and_gets_its_number_later(backend: &Backend) {
    let store = backend.store();
    assert_eq!(store.number_generations().await.expect("it answers"), 0);
    assert_eq!(learned(&*store, 0).await.newest, Known::default());
    carried(&*store, "az_1", "alice").await;
    granted(&*store, authorization("az_stored", "alice"), Issued::default()).await;
    let before = store.generations_raised();
    revoked(&*store, "az_stored").await;
    assert_eq!(store.generations_raised(), before, "of a stored one nothing is to be learned");
    revoked(&*store, "az_1").await;
    assert!(store.generations_raised() > before);
    assert!(raised(&*store, "az_1", 0).await && raised(&*store, "az_1", 1000).await);
    assert!(!raised(&*store, "az_2", 0).await);
    let pending = learned(&*store, 0).await;
    assert!(pending.pending && pending.marks.is_empty());
    assert_eq!(store.number_generations().await.expect("it answers"), 1);
    let known = learned(&*store, 0).await;
    assert!(!known.pending);
    assert_eq!(known.marks, [(Revoked::authorization("az_1"), known.newest.number)]);
    assert!(raised(&*store, "az_1", known.newest.number - 1).await);
    assert!(!raised(&*store, "az_1", known.newest.number).await);
    assert!(learned(&*store, known.newest.number).await.marks.is_empty());
}

pub(crate) async fn everything_of_a_subject_or_a_client_is_one_mark(backend: &Backend) {
    let store = backend.store();
    for (id, sub) in [("az_1", "alice"), ("az_2", "alice"), ("az_3", "bob")] {
        carried(&*store, id, sub).await;
    }
    let revoke = async |whose: Whose| {
        store.revoke_all(whose, NOW, vec![event("evt_1", "access.revoked")]).await.expect("it answers");
        while store.number_generations().await.expect("it answers") > 0 {}
        let marks: BTreeMap<_, _> = learned(&*store, 0).await.marks.into_iter().collect();
        marks
    };
    let marks = revoke(Whose::Subject("carol".into())).await;
    assert!(marks.is_empty(), "who had nothing leaves nothing");
    let marks = revoke(Whose::Subject("alice".into())).await;
    assert_eq!(marks.keys().collect::<Vec<_>>(), [&Revoked::subject("alice")]);
    let marks = revoke(Whose::Client("app".into())).await;
    assert_eq!(marks.keys().collect::<Vec<_>>(), [&Revoked::client("app"), &Revoked::subject("alice")]);
    assert!(marks[&Revoked::client("app")] > marks[&Revoked::subject("alice")]);
    carried(&*store, "az_4", "alice").await;
    let later = revoke(Whose::Subject("alice".into())).await;
    assert!(
        later[&Revoked::subject("alice")] > marks[&Revoked::client("app")],
        "a mark that is raised again is new"
    );
}

pub(crate) async fn the_end_of_everything_begins_an_era(backend: &Backend) {
    let store = backend.store();
    carried(&*store, "az_1", "alice").await;
    let mut eras = vec![learned(&*store, 0).await.newest.era];
    for id in ["evt_1", "evt_2"] {
        let before = store.generations_raised();
        let event = vec![event(id, "access.revoked")];
        store.revoke_all(Whose::Everybody, NOW, event).await.expect("it answers");
        assert!(store.generations_raised() > before);
        eras.push(learned(&*store, 0).await.newest.era);
    }
    eras.dedup();
    assert_eq!(eras.len(), 3);
}

/// Whoever has read up to a number has missed nothing that has a lower one.
pub(crate) async fn of_40_racing_revocations_readers_overlook_none(backend: &Backend) {
    let store = backend.store();
    for n in 0..40 {
        carried(&*store, &format!("az_{n}"), "alice").await;
    }
    let outcomes = race(&store, 50, |store, n| async move {
        if n % 5 != 4 {
            let n = n - n / 5;
            revoked(&*store, &format!("az_{n}")).await;
            return BTreeMap::new();
        }
        let (mut since, mut seen) = (0, BTreeMap::new());
        for _ in 0..20 {
            store.number_generations().await.expect("it answers");
            let learned = learned(&*store, since).await;
            assert!(learned.marks.iter().all(|(_, number)| *number > since));
            since = learned.newest.number;
            seen.extend(learned.marks);
        }
        while seen.len() < 40 {
            store.number_generations().await.expect("it answers");
            let learned = learned(&*store, since).await;
            since = learned.newest.number;
            seen.extend(learned.marks);
            tokio::task::yield_now().await;
        }
        seen
    });
    let all: BTreeMap<_, _> = learned(&*store, 0).await.marks.into_iter().collect();
    for seen in outcomes.await.into_iter().filter(|seen| !seen.is_empty()) {
        assert_eq!(seen.len(), 40);
    }
    assert!(all.len() <= 40);
}

pub(crate) async fn a_family_is_stored_with_its_first_use_and_a_later_token_begins_none(backend: &Backend) {
    let store = backend.store();
    carried(&*store, "az_1", "alice").await;
    let begins = |generation: i64| {
        let family = FamilyRecord { generation, ..family("f1", "az_1") };
        Some(Begins { family, kept: generation == 1 })
    };
    let later = Rotate { begins: begins(2), ..rotate("f1", "f1-1", "child") };
    assert_eq!(store.rotate(later, Issued::default()).await.expect("it answers"), Rotation::Dead);
    let before = store.generations_raised();
    let outcomes = race(&store, 50, |store, i| async move {
        let family = family("f1", "az_1");
        let rotate = Rotate {
            begins: Some(Begins { family, kept: true }),
            ..rotate("f1", "f1-1", &format!("child {i}"))
        };
        store.rotate(rotate, Issued::default()).await.expect("it answers")
    });
    let outcomes = outcomes.await;
    assert_eq!(count(&outcomes, &Rotation::Rotated), 1);
    assert!(outcomes.iter().all(|one| matches!(one, Rotation::Rotated | Rotation::Repeated { .. })));
    assert!(store.generations_raised() > before, "those who knew of no row have to learn of it");
    let names =
        [Revoked::family("f1"), Revoked::subject("a"), Revoked::client("b"), Revoked::authorization("c")];
    assert_eq!(store.raised_since(&names, 0).await.expect("it reads"), [Revoked::family("f1")]);

    carried(&*store, "az_2", "alice").await;
    revoked(&*store, "az_2").await;
    let over = Rotate {
        begins: Some(Begins { family: family("f2", "az_2"), kept: false }),
        ..rotate("f2", "f2-1", "child")
    };
    assert_eq!(store.rotate(over, Issued::default()).await.expect("it answers"), Rotation::Dead);
    assert!(store.family("f2").await.expect("it reads").is_none(), "nothing begins that is over");
}

pub(crate) async fn a_family_begins_once_though_its_row_is_gone_before_its_first_token_is_over(
    backend: &Backend,
) {
    let store = backend.store();
    carried(&*store, "az_1", "alice").await;
    let used = async |at: i64| {
        let begins = Some(Begins { family: family("f1", "az_1"), kept: false });
        let rotate = Rotate { begins, now: NOW + at, expires_at: NOW + 20, ..rotate("f1", "f1-1", "child") };
        store.rotate(rotate, Issued::default()).await.expect("it answers")
    };
    assert_eq!(used(10).await, Rotation::Rotated);
    store.purge(NOW + 20, 100).await.expect("it purges");
    assert!(store.family("f1").await.expect("it reads").is_none(), "it was to end sooner");
    assert_eq!(used(30).await, Rotation::Dead);
    assert!(store.family("f1").await.expect("it reads").is_none());
}

/// A redemption that chooses where what is known of its tokens lies.
fn choosing(id: &str, self_contained: bool) -> Issued {
    let narrowed = Narrowed {
        authorization_id: id.into(),
        offline: true,
        doc: "{}".into(),
        self_contained: Some(self_contained),
    };
    Issued { narrowed: Some(narrowed), ..Issued::default() }
}

pub(crate) async fn what_a_redemption_chooses_decides_whether_a_revocation_leaves_a_mark(backend: &Backend) {
    let store = backend.store();
    for (id, chosen) in [("az_1", true), ("az_2", false)] {
        created_code(&*store, id, id, "alice").await;
        let redemption = store.redeem_code(&digest(id), NOW, choosing(id, chosen)).await;
        assert_eq!(redemption.expect("it answers"), Redemption::First);
        let held = store.authorization(id).await.expect("it reads").expect("it is stored");
        assert_eq!(held.self_contained, chosen);
        revoked(&*store, id).await;
        assert_eq!(raised(&*store, id, 1000).await, chosen, "{id}");
    }
    created_code(&*store, "late", "az_3", "alice").await;
    revoked(&*store, "az_3").await;
    let late = store.redeem_code(&digest("late"), NOW, choosing("az_3", true)).await;
    assert_eq!(late.expect("it answers"), Redemption::Dead);
    let held = store.authorization("az_3").await.expect("it reads").expect("it is stored");
    assert!(!held.self_contained);
}

/// A token that carries everything itself and is over without a mark would live.
pub(crate) async fn a_choice_that_races_with_a_revocation_is_marked_or_not_made(backend: &Backend) {
    let store = backend.store();
    for i in 0..40 {
        let id = format!("az_{i}");
        created_code(&*store, &id, &id, "alice").await;
        let outcomes = race(&store, 2, |store, side| {
            let id = id.clone();
            async move {
                if side == (i % 2) {
                    store.redeem_code(&digest(&id), NOW, choosing(&id, true)).await.expect("it answers")
                        == Redemption::First
                } else {
                    store.revoke_authorization(&id, NOW, vec![]).await.expect("it answers")
                }
            }
        });
        let outcomes = outcomes.await;
        let (made, ended) = (outcomes[i % 2], outcomes[1 - i % 2]);
        assert!(ended, "{id}");
        assert_eq!(raised(&*store, &id, 1000).await, made, "{id}");
    }
}
