//! Requests that clients ask after until somebody decided.

use std::time::Duration;

use placet_server::store::{
    Completed, Completion, Decision, InteractionRecord, Parties, Polled, PolledRecord, Redemption,
    Replacement, Store, Whose,
};

use crate::{backend::Backend, samples::*};

async fn opened(store: &dyn Store, secret: &str) {
    assert!(store.open_polled(polled(secret)).await.expect("it opens"));
}

fn decision(secret: &str, by: &str) -> Decision {
    Decision { digest: digest(secret), by: Some(by.to_owned()), refusal: None }
}

/// Everything that a completion stores, and the request `secret` that the browser `by` approves with it.
fn approving(id: &str, az: &str, (secret, by): (&str, &str)) -> Completion {
    Completion {
        authorization: Some(authorization(az, "alice")),
        decided: Some(decision(secret, by)),
        events: vec![event(&format!("evt_{az}"), "authorization.granted")],
        ..completion(interaction(id))
    }
}

/// A request that the browser `me` has approved.
async fn approved(store: &dyn Store, secret: &str, az: &str) {
    opened(store, secret).await;
    assert!(store.claim_polled(&digest(secret), "me", NOW, vec![]).await.expect("it answers"));
    let id = format!("ia_for_{az}");
    store.open_interaction(interaction(&id)).await.expect("it opens");
    let done = store.complete_interaction(approving(&id, az, (secret, "me"))).await.expect("it answers");
    assert_eq!(done, Completed::Done);
}

async fn found(store: &dyn Store, secret: &str) -> PolledRecord {
    store.polled(&digest(secret)).await.expect("it reads").expect("it is stored").0
}

pub(crate) async fn a_polled_request_is_found_by_its_code_and_by_its_user_code(backend: &Backend) {
    let store = backend.store();
    opened(&*store, "device").await;
    let (record, home) = store.polled(&digest("device")).await.expect("it reads").expect("it is stored");
    assert_eq!((record, home), (polled("device"), None));
    let code = digest("user code of device");
    let by_code = store.polled_by_user_code(&code, NOW + 599).await.expect("it reads");
    assert_eq!(by_code, Some(polled("device")));
    assert_eq!(store.polled_by_user_code(&code, NOW + 600).await.expect("it reads"), None);
    assert_eq!(store.polled_by_user_code(&digest("other"), NOW).await.expect("it reads"), None);
    assert!(store.polled(&digest("other")).await.expect("it reads").is_none());
}

pub(crate) async fn a_user_code_is_taken_once(backend: &Backend) {
    let store = backend.store();
    opened(&*store, "device").await;
    let same = PolledRecord { user_code: polled("device").user_code, ..polled("other") };
    assert!(!store.open_polled(same).await.expect("it answers"));
    assert!(store.polled(&digest("other")).await.expect("it reads").is_none());
    // Those without a user code do not get in each other's way.
    for secret in ["one", "two"] {
        let without = PolledRecord { user_code: None, ..polled(secret) };
        assert!(store.open_polled(without).await.expect("it answers"));
    }
}

pub(crate) async fn of_50_browsers_one_claims_a_request_and_may_claim_it_again(backend: &Backend) {
    let store = backend.store();
    opened(&*store, "device").await;
    let outcomes = race(&store, 50, |store, i| async move {
        store.claim_polled(&digest("device"), &format!("browser {i}"), NOW, vec![]).await.expect("it answers")
    });
    let outcomes = outcomes.await;
    assert_eq!(count(&outcomes, &true), 1);
    let owner = found(&*store, "device").await.claimed_by.expect("somebody claimed it");
    assert!(store.claim_polled(&digest("device"), &owner, NOW, vec![]).await.expect("it answers"));
    assert!(!store.claim_polled(&digest("device"), "other", NOW, vec![]).await.expect("it answers"));
    assert!(!store.claim_polled(&digest("device"), &owner, NOW + 600, vec![]).await.expect("it answers"));
}

pub(crate) async fn whoever_asks_too_soon_has_to_wait_longer_each_time(backend: &Backend) {
    let store = backend.store();
    opened(&*store, "device").await;
    let ask = async |at: i64| store.poll(&digest("device"), NOW + at).await.expect("it answers");
    assert_eq!(ask(0).await, Polled::Pending);
    assert_eq!(ask(4).await, Polled::TooFast);
    // The interval is ten seconds now, and counts from the last question.
    assert_eq!(ask(13).await, Polled::TooFast);
    assert_eq!(ask(28).await, Polled::Pending);
    assert_eq!(ask(42).await, Polled::TooFast);
    assert_eq!(found(&*store, "device").await.poll_interval, 20);
    assert_eq!(ask(600).await, Polled::Over);
    assert_eq!(store.poll(&digest("other"), NOW).await.expect("it answers"), Polled::Over);
}

pub(crate) async fn of_20_questions_at_once_one_is_not_too_soon(backend: &Backend) {
    let store = backend.store();
    opened(&*store, "device").await;
    let outcomes =
        race(
            &store,
            20,
            |store, _| async move { store.poll(&digest("device"), NOW).await.expect("it answers") },
        );
    let outcomes = outcomes.await;
    assert_eq!(count(&outcomes, &Polled::Pending), 1);
    assert_eq!(count(&outcomes, &Polled::TooFast), 19);
    assert_eq!(found(&*store, "device").await.poll_interval, 5 + 19 * 5);
}

pub(crate) async fn only_the_browser_that_claimed_it_decides_and_only_once(backend: &Backend) {
    let store = backend.store();
    opened(&*store, "device").await;
    for id in ["ia_1", "ia_2", "ia_3", "ia_4"] {
        store.open_interaction(interaction(id)).await.expect("it opens");
    }
    let decide = async |id: &str, az: &str, by: &str| {
        store.complete_interaction(approving(id, az, ("device", by))).await.expect("it answers")
    };
    assert_eq!(decide("ia_1", "az_1", "me").await, Completed::RequestSpent, "nobody claimed it");
    assert!(store.claim_polled(&digest("device"), "me", NOW, vec![]).await.expect("it answers"));
    assert_eq!(decide("ia_2", "az_2", "other").await, Completed::RequestSpent);
    assert_eq!(decide("ia_3", "az_3", "me").await, Completed::Done);
    assert_eq!(decide("ia_4", "az_4", "me").await, Completed::RequestSpent);
    for (az, granted) in [("az_1", false), ("az_2", false), ("az_3", true), ("az_4", false)] {
        assert_eq!(store.authorization(az).await.expect("it reads").is_some(), granted, "{az}");
    }
    let (record, home) = store.polled(&digest("device")).await.expect("it reads").expect("it is stored");
    assert_eq!((record.decided_at, record.authorization_id.as_deref()), (Some(NOW), Some("az_3")));
    assert_eq!(home, Some(authorization("az_3", "alice")));
    assert_eq!(store.poll(&digest("device"), NOW).await.expect("it answers"), Polled::Over);
    let code = digest("user code of device");
    assert_eq!(store.polled_by_user_code(&code, NOW).await.expect("it reads"), None);
    assert_eq!(backend.count("authorization.granted").await, 1);
}

pub(crate) async fn a_refusal_is_kept_and_gives_nothing(backend: &Backend) {
    let store = backend.store();
    opened(&*store, "device").await;
    assert!(store.claim_polled(&digest("device"), "me", NOW, vec![]).await.expect("it answers"));
    let refusal = Decision { refusal: Some("access_denied".into()), ..decision("device", "me") };
    let done = complete(&*store, "ia_1", |completion| completion.decided = Some(refusal)).await;
    assert_eq!(done, Completed::Done);
    let record = found(&*store, "device").await;
    assert_eq!((record.refusal.as_deref(), record.authorization_id), (Some("access_denied"), None));
    let redeemed = store.redeem_polled(&digest("device"), NOW, issued("token", "az_1")).await;
    assert_eq!(redeemed.expect("it answers"), Redemption::Dead);
    assert!(store.token(&digest("token")).await.expect("it reads").is_none());
}

pub(crate) async fn what_has_expired_cannot_be_decided(backend: &Backend) {
    let store = backend.store();
    opened(&*store, "device").await;
    assert!(store.claim_polled(&digest("device"), "me", NOW, vec![]).await.expect("it answers"));
    let late = InteractionRecord { expires_at: NOW + 9_000, ..interaction("ia_1") };
    store.open_interaction(late.clone()).await.expect("it opens");
    let approval =
        Completion { interaction: late, now: NOW + 600, ..approving("ia_1", "az_1", ("device", "me")) };
    let outcome = store.complete_interaction(approval).await.expect("it answers");
    assert_eq!(outcome, Completed::RequestSpent);
    assert!(store.authorization("az_1").await.expect("it reads").is_none());
}

pub(crate) async fn a_polled_request_is_redeemed_by_exactly_one_of_100_racing_clients(backend: &Backend) {
    let store = backend.store();
    approved(&*store, "device", "az_1").await;
    let outcomes = race(&store, 100, |store, i| async move {
        let issued = issued(&format!("token {i}"), "az_1");
        store.redeem_polled(&digest("device"), NOW + 1, issued).await.expect("it answers")
    });
    let outcomes = outcomes.await;
    assert_eq!(count(&outcomes, &Redemption::First), 1);
    assert_eq!(count(&outcomes, &Redemption::Replayed), 99);
    for (i, outcome) in outcomes.iter().enumerate() {
        let stored = store.token(&digest(&format!("token {i}"))).await.expect("it reads");
        assert_eq!(stored.is_some(), *outcome == Redemption::First, "token {i}");
    }
    assert!(!is_live(&*store, "az_1", NOW + 1).await, "the winner's tokens are dead as well");
    assert_eq!(backend.count("token.reuse_detected").await, 1);
}

pub(crate) async fn what_is_over_cannot_be_redeemed(backend: &Backend) {
    let store = backend.store();
    let redeem = async |secret: &str, az: &str, at: i64| {
        let issued = issued(&format!("token of {secret}"), az);
        store.redeem_polled(&digest(secret), NOW + at, issued).await.expect("it answers")
    };
    opened(&*store, "undecided").await;
    assert_eq!(redeem("undecided", "az_0", 1).await, Redemption::Dead);
    approved(&*store, "late", "az_1").await;
    assert_eq!(redeem("late", "az_1", 600).await, Redemption::Dead);
    approved(&*store, "revoked", "az_2").await;
    assert!(store.revoke_authorization("az_2", NOW, vec![]).await.expect("it answers"));
    assert_eq!(redeem("revoked", "az_2", 1).await, Redemption::Dead);
    approved(&*store, "disabled", "az_3").await;
    store.set_subject_disabled("alice", true, NOW, vec![]).await.expect("it answers");
    assert_eq!(redeem("disabled", "az_3", 1).await, Redemption::Dead);
    assert_eq!(redeem("unknown", "az_4", 1).await, Redemption::Dead);
    for secret in ["undecided", "late", "revoked", "disabled", "unknown"] {
        let token = store.token(&digest(&format!("token of {secret}"))).await.expect("it reads");
        assert!(token.is_none(), "{secret}");
    }
}

pub(crate) async fn an_expired_request_is_remembered_for_a_while(backend: &Backend) {
    let store = backend.store();
    opened(&*store, "device").await;
    assert_eq!(store.purge(NOW + 1_199, 100).await.expect("it answers"), 0);
    assert!(store.polled(&digest("device")).await.expect("it reads").is_some());
    assert_eq!(store.purge(NOW + 1_200, 100).await.expect("it answers"), 1);
    assert!(store.polled(&digest("device")).await.expect("it reads").is_none());
}

fn replacement(secret: &str, (old, new): (&str, &str), at: i64) -> Replacement {
    Replacement {
        digest: digest(secret),
        old: old.to_owned(),
        new: authorization(new, "alice"),
        issued: issued(&format!("token of {new}"), new),
        now: NOW + at,
    }
}

/// Whether what was issued with a replacement is stored.
async fn is_issued(store: &dyn Store, new: &str) -> bool {
    store.token(&digest(&format!("token of {new}"))).await.expect("it reads").is_some()
}

pub(crate) async fn what_is_issued_anew_takes_the_place_of_what_was_issued_before(backend: &Backend) {
    let store = backend.store();
    approved(&*store, "push", "az_1").await;
    let replace = async |old: &str, new: &str| {
        store.replace_polled(replacement("push", (old, new), 1)).await.expect("it answers")
    };
    assert!(replace("az_1", "az_2").await);
    assert!(!is_live(&*store, "az_1", NOW + 1).await, "what was issued before is dead");
    assert!(is_live(&*store, "az_2", NOW + 1).await && is_issued(&*store, "az_2").await);
    // Whoever comes too late knows the one before.
    assert!(!replace("az_1", "az_3").await);
    assert!(store.authorization("az_3").await.expect("it reads").is_none());
    assert!(is_live(&*store, "az_2", NOW + 1).await && !is_issued(&*store, "az_3").await);
    let outcomes = race(&store, 20, |store, i| async move {
        let new = format!("az_race_{i}");
        store.replace_polled(replacement("push", ("az_2", &new), 1)).await.expect("it answers")
    });
    let outcomes = outcomes.await;
    assert_eq!(count(&outcomes, &true), 1);
    for (i, won) in outcomes.into_iter().enumerate() {
        let new = format!("az_race_{i}");
        assert_eq!(is_issued(&*store, &new).await, won, "{new}");
    }
}

pub(crate) async fn nothing_takes_the_place_of_what_is_over(backend: &Backend) {
    let store = backend.store();
    let refused = async |secret: &str, at: i64| {
        let (old, new) = (format!("az_{secret}"), format!("az_instead_of_{secret}"));
        let replaced = store.replace_polled(replacement(secret, (&old, &new), at)).await.expect("it answers");
        assert!(!replaced, "{secret}");
        assert!(store.authorization(&new).await.expect("it reads").is_none(), "{secret}");
        assert!(!is_issued(&*store, &new).await, "{secret}");
    };
    for secret in ["redeemed", "expired", "revoked", "disabled"] {
        approved(&*store, secret, &format!("az_{secret}")).await;
    }
    let redeemed = store.redeem_polled(&digest("redeemed"), NOW + 1, issued("token", "az_redeemed")).await;
    assert_eq!(redeemed.expect("it answers"), Redemption::First);
    refused("redeemed", 2).await;
    assert!(is_live(&*store, "az_redeemed", NOW + 2).await, "what arrived stays good");
    refused("expired", 600).await;
    assert!(store.revoke_authorization("az_revoked", NOW, vec![]).await.expect("it answers"));
    refused("revoked", 2).await;
    refused("unknown", 2).await;
    store.set_subject_disabled("alice", true, NOW, vec![]).await.expect("it answers");
    store.set_subject_disabled("alice", false, NOW, vec![]).await.expect("it answers");
    refused("disabled", 2).await;
}

pub(crate) async fn who_ends_what_was_replaced_ends_what_took_its_place(backend: &Backend) {
    // Whoever comes when all of it is over ends nothing.
    let ends = authorization("az_1", "alice").expires_at - NOW;
    for (tenant, at, ended) in [("one", 2, true), ("late", ends, false)] {
        let store = backend.tenant(tenant);
        approved(&*store, "push", "az_1").await;
        for names in [("az_1", "az_2"), ("az_2", "az_3")] {
            assert!(store.replace_polled(replacement("push", names, 1)).await.expect("it answers"));
        }
        let revoke = async |id: &str| {
            let event = event(&format!("evt_{id}_{tenant}"), "authorization.revoked");
            store.revoke_authorization(id, NOW + at, vec![event]).await.expect("it answers")
        };
        assert_eq!(revoke("az_1").await, ended, "who has read that id need not know of the others");
        assert!(!is_live(&*store, "az_3", NOW + at).await);
        assert!(!revoke("az_1").await && !revoke("az_3").await, "nothing is left");
        let again = store.replace_polled(replacement("push", ("az_3", "az_4"), 3)).await;
        assert!(!again.expect("it answers"), "nor does anything take its place");
    }
    assert_eq!(backend.count("authorization.revoked").await, 1);
}

pub(crate) async fn who_ends_one_authorization_ends_what_takes_its_place_meanwhile(backend: &Backend) {
    for n in 0..30 {
        let store = backend.tenant(&format!("tenant {n}"));
        approved(&*store, "push", "az_1").await;
        let ends = async {
            // Each time it meets the replacement at another step.
            tokio::time::sleep(Duration::from_micros(150 * n)).await;
            store.revoke_authorization("az_1", NOW + 1, vec![]).await.expect("it answers")
        };
        let (replaced, ended) =
            tokio::join!(store.replace_polled(replacement("push", ("az_1", "az_2"), 1)), ends);
        replaced.expect("it answers");
        assert!(ended, "there was something to end, at step {n}");
        for az in ["az_1", "az_2"] {
            let found = store.authorization(az).await.expect("it reads");
            assert!(!found.is_some_and(|found| found.is_live(NOW + 1)), "{az}, at step {n}");
        }
    }
}

pub(crate) async fn whoever_takes_part_in_what_is_replaced_takes_part_in_what_replaces_it(backend: &Backend) {
    for (n, whose) in [Whose::Actor("bob".into()), Whose::Actor("service".into())].into_iter().enumerate() {
        let store = backend.tenant(&format!("tenant {n}"));
        opened(&*store, "push").await;
        assert!(store.claim_polled(&digest("push"), "me", NOW, vec![]).await.expect("it answers"));
        let parties = Parties {
            subjects: vec!["bob".into()],
            configured: vec!["service".into()],
            ..Parties::default()
        };
        store.open_interaction(interaction("ia_1")).await.expect("it opens");
        let approval = Completion { parties, ..approving("ia_1", "az_1", ("push", "me")) };
        assert_eq!(store.complete_interaction(approval).await.expect("it answers"), Completed::Done);
        for names in [("az_1", "az_2"), ("az_2", "az_3")] {
            assert!(store.replace_polled(replacement("push", names, 1)).await.expect("it answers"));
        }
        assert!(is_live(&*store, "az_3", NOW + 1).await);
        store.revoke_all(whose.clone(), NOW + 1, vec![]).await.expect("it answers");
        assert!(!is_live(&*store, "az_3", NOW + 1).await, "{whose:?}");
    }
}

pub(crate) async fn who_ends_everything_of_somebody_ends_what_takes_a_place_meanwhile(backend: &Backend) {
    for n in 0..30 {
        let store = backend.tenant(&format!("tenant {n}"));
        approved(&*store, "push", "az_1").await;
        let ends = async {
            // Each time it meets the replacement at another step.
            tokio::time::sleep(Duration::from_micros(150 * n)).await;
            store.revoke_all(Whose::Subject("alice".into()), NOW + 1, vec![]).await.expect("it answers");
        };
        let (replaced, ()) =
            tokio::join!(store.replace_polled(replacement("push", ("az_1", "az_2"), 1)), ends);
        replaced.expect("it answers");
        for az in ["az_1", "az_2"] {
            let found = store.authorization(az).await.expect("it reads");
            assert!(!found.is_some_and(|found| found.is_live(NOW + 1)), "{az}, at step {n}");
        }
    }
}
