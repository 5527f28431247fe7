//! The fate of what was derived: one test for each line of the table, and the races against each end.

use std::sync::Arc;

use placet_server::store::{
    AuthorizationRecord, Completed, EndSessions, Granted, Issued, NewGrant, Parent, Parties, Redemption,
    Remembering, Rotation, Store,
};

use crate::{backend::Backend, samples::*};

fn of(id: &str) -> Parent {
    Parent::Authorization(id.into())
}

fn signed(jti: &str) -> Parent {
    Parent::SignedToken { jti: jti.into(), expires_at: NOW + 600, of_client: None }
}

/// An authorization `az` of `sub` to the client "service", with an access token of the same name.
fn derived(az: &str, sub: &str, derived_from: Vec<Parent>) -> NewGrant {
    let home = AuthorizationRecord { client_id: "service".into(), ..authorization(az, sub) };
    NewGrant { derived_from, ..NewGrant::new(home, issued(az, az)) }
}

async fn stored(store: &dyn Store, grant: NewGrant) {
    assert_eq!(store.grant(grant).await.expect("it answers"), Granted::Stored);
}

/// Whether the tokens under these authorizations count.
async fn are_live<const N: usize>(store: &dyn Store, ids: [&str; N]) -> [bool; N] {
    let mut live = [false; N];
    for (i, id) in ids.into_iter().enumerate() {
        let found = store.token(&digest(id)).await.expect("it reads").expect("it is stored");
        live[i] = found.authorization.expect("it has one").is_live(NOW);
    }
    live
}

pub(crate) async fn a_replayed_code_ends_what_was_derived_from_its_authorization(backend: &Backend) {
    let store = backend.store();
    created_code(&*store, "code", "az_1", "alice").await;
    let first = store.redeem_code(&digest("code"), NOW, issued("az_1", "az_1")).await;
    assert_eq!(first.expect("it answers"), Redemption::First);
    stored(&*store, derived("az_2", "alice", vec![of("az_1")])).await;
    stored(&*store, derived("az_3", "alice", vec![of("az_2")])).await;
    assert_eq!(are_live(&*store, ["az_1", "az_2", "az_3"]).await, [true; 3]);
    let again = store.redeem_code(&digest("code"), NOW, issued("loot", "az_1")).await;
    assert_eq!(again.expect("it answers"), Redemption::Replayed);
    assert_eq!(are_live(&*store, ["az_1", "az_2", "az_3"]).await, [false; 3]);
}

pub(crate) async fn a_replayed_refresh_token_ends_what_was_derived_from_its_authorization(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    for (presented, child) in [("f1-1", "f1-2"), ("f1-2", "f1-3")] {
        let rotated = store.rotate(rotate("f1", presented, child), Issued::default()).await;
        assert_eq!(rotated.expect("it answers"), Rotation::Rotated);
    }
    stored(&*store, derived("az_2", "alice", vec![of("az_1")])).await;
    let again = store.rotate(rotate("f1", "f1-1", "loot"), Issued::default()).await;
    assert_eq!(again.expect("it answers"), Rotation::Replayed);
    assert_eq!(are_live(&*store, ["az_2"]).await, [false]);
}

pub(crate) async fn a_revoked_authorization_ends_what_was_derived_from_it_however_far(backend: &Backend) {
    let store = backend.store();
    granted(&*store, authorization("az_0", "alice"), issued("az_0", "az_0")).await;
    granted(&*store, authorization("az_other", "alice"), issued("az_other", "az_other")).await;
    for i in 1..=20 {
        // A chain, with a branch at each link, whose subject changes on the way.
        let parent = format!("az_{}", i - 1);
        stored(&*store, derived(&format!("az_{i}"), &format!("user {i}"), vec![of(&parent)])).await;
        stored(&*store, derived(&format!("branch_{i}"), "bob", vec![of(&parent), of("az_0")])).await;
    }
    stored(&*store, derived("az_spared", "alice", vec![of("az_other")])).await;
    assert!(store.revoke_authorization("az_10", NOW, vec![]).await.expect("it answers"));
    for i in 1..=20 {
        let ids = [format!("az_{i}"), format!("branch_{i}")];
        let live = are_live(&*store, [&ids[0], &ids[1]]).await;
        assert_eq!(live, [i < 10, i <= 10], "{i}");
    }
    assert!(store.revoke_authorization("az_0", NOW, vec![]).await.expect("it answers"));
    for i in 1..=20 {
        let ids = [format!("az_{i}"), format!("branch_{i}")];
        assert_eq!(are_live(&*store, [&ids[0], &ids[1]]).await, [false; 2], "{i}");
    }
    assert_eq!(are_live(&*store, ["az_other", "az_spared"]).await, [true; 2]);
    // Another tenant may have rows of the same names.
    let elsewhere = backend.tenant("two");
    granted(&*elsewhere, authorization("az_0", "alice"), issued("az_0", "az_0")).await;
    stored(&*elsewhere, derived("az_1", "alice", vec![of("az_0")])).await;
    granted(&*store, authorization("az_again", "alice"), Issued::default()).await;
    assert!(!store.revoke_authorization("az_0", NOW, vec![]).await.expect("it answers"));
    assert_eq!(are_live(&*elsewhere, ["az_0", "az_1"]).await, [true; 2]);
}

pub(crate) async fn a_revoked_access_token_ends_what_was_derived_from_it_and_nothing_else(backend: &Backend) {
    let store = backend.store();
    let issued = Issued { family: Some(family("f1", "az_1")), ..issued("opaque", "az_1") };
    granted(&*store, authorization("az_1", "alice"), issued).await;
    let opaque = || Parent::OpaqueToken(digest("opaque"));
    stored(&*store, derived("az_2", "alice", vec![of("az_1"), opaque()])).await;
    stored(&*store, derived("az_3", "alice", vec![of("az_1"), signed("j1")])).await;
    stored(&*store, derived("az_4", "alice", vec![of("az_1"), signed("j2")])).await;
    stored(&*store, derived("az_5", "alice", vec![of("az_3")])).await;
    // Without an authorization, as of client credentials.
    stored(&*store, derived("az_6", "alice", vec![signed("j1")])).await;

    assert!(store.revoke_token(&digest("opaque"), NOW, vec![]).await.expect("it answers"));
    assert_eq!(
        are_live(&*store, ["az_2", "az_3", "az_4", "az_5", "az_6"]).await,
        [false, true, true, true, true]
    );
    for _ in 0..2 {
        store.revoke_jti("j1", NOW, NOW + 600, vec![]).await.expect("it answers");
        assert_eq!(
            are_live(&*store, ["az_2", "az_3", "az_4", "az_5", "az_6"]).await,
            [false, false, true, false, false]
        );
    }
    let (found, home) = store.family("f1").await.expect("it reads").expect("it is stored");
    assert!(found.is_live(NOW) && home.is_live(NOW), "the refresh token lives");
}

pub(crate) async fn a_revoked_actor_token_ends_what_was_derived_with_it(backend: &Backend) {
    let store = backend.store();
    granted(&*store, authorization("az_subject", "alice"), issued("az_subject", "az_subject")).await;
    granted(&*store, authorization("az_actor", "bob"), issued("az_actor", "az_actor")).await;
    let both = || vec![of("az_subject"), signed("subject"), of("az_actor"), signed("actor")];
    stored(&*store, derived("az_1", "alice", both())).await;
    store.revoke_jti("actor", NOW, NOW + 600, vec![]).await.expect("it answers");
    assert_eq!(are_live(&*store, ["az_subject", "az_actor", "az_1"]).await, [true, true, false]);
    let refused = store.grant(derived("az_2", "alice", both())).await.expect("it answers");
    assert_eq!(refused, Granted::ParentOver);
}

pub(crate) async fn the_end_of_a_session_ends_what_was_derived_from_its_authorizations(backend: &Backend) {
    let store = backend.store();
    for round in 0..4 {
        let name = |what: &str| format!("{what}_{round}");
        let sub = name("user");
        created_session(&*store, session(&name("ses"), &sub)).await;
        let home = |id: &str, offline| AuthorizationRecord {
            session_id: Some(name("ses")),
            offline,
            ..authorization(id, &sub)
        };
        for (id, offline) in [(name("az_online"), false), (name("az_offline"), true)] {
            granted(&*store, home(&id, offline), issued(&id, &id)).await;
        }
        stored(&*store, derived(&name("az_1"), "carol", vec![of(&name("az_online"))])).await;
        stored(&*store, derived(&name("az_2"), "carol", vec![of(&name("az_offline"))])).await;
        let interaction = name("ia");
        let end = |end| complete(&*store, &interaction, |completion| completion.end = Some(end));
        match round {
            0 => assert!(store.end_session(&name("ses"), NOW, vec![]).await.expect("it answers")),
            1 => assert_eq!(store.end_sessions_of(&sub, "ui", NOW, vec![]).await.expect("it answers"), 1),
            2 => assert_eq!(end(EndSessions::Sessions(vec![name("ses")])).await, Completed::Done),
            _ => {
                let of_client = EndSessions::Client { session_id: name("ses"), client_id: "app".into() };
                assert_eq!(end(of_client).await, Completed::Done);
            }
        }
        let ids = ["az_online", "az_1", "az_offline", "az_2"].map(name);
        let live = are_live(&*store, ids.each_ref().map(String::as_str)).await;
        assert_eq!(live, [false, false, true, true], "{round}");
    }
}

pub(crate) async fn a_withdrawn_consent_ends_what_was_derived_under_it(backend: &Backend) {
    let store = backend.store();
    let done = complete(&*store, "ia_1", |completion| {
        completion.remember = Some(Remembering { consent: consent("cns_1", "alice") });
        completion.authorization = Some(authorization("az_1", "alice"));
        completion.token = Some(token("az_1", Some("az_1")));
    });
    assert_eq!(done.await, Completed::Done);
    stored(&*store, derived("az_2", "alice", vec![of("az_1")])).await;
    assert!(store.delete_consent("cns_1", NOW, vec![]).await.expect("it answers"));
    assert_eq!(are_live(&*store, ["az_1", "az_2"]).await, [false; 2]);
}

pub(crate) async fn a_deleted_client_ends_what_was_derived_from_its_tokens_and_where_it_acts(
    backend: &Backend,
) {
    let store = backend.store();
    for id in ["app", "desk"] {
        assert!(store.insert_client(client(id), vec![]).await.expect("it answers"));
    }
    let acting = |az: &str, sub: &str, clients: &[&str]| NewGrant {
        parties: Parties { subjects: vec![], clients: strings(clients), ..Parties::default() },
        ..derived(az, sub, vec![])
    };
    granted(&*store, authorization("az_1", "alice"), issued("az_1", "az_1")).await;
    stored(&*store, derived("az_2", "alice", vec![of("az_1")])).await;
    stored(&*store, acting("az_3", "alice", &["app", "desk"])).await;
    stored(&*store, acting("az_4", "alice", &["desk"])).await;
    // A user may be called like a client.
    let namesake = NewGrant {
        parties: Parties { subjects: strings(&["app"]), clients: vec![], ..Parties::default() },
        ..acting("az_5", "bob", &[])
    };
    stored(&*store, namesake).await;
    assert!(store.delete_client("app", NOW, vec![]).await.expect("it answers"));
    assert_eq!(
        are_live(&*store, ["az_1", "az_2", "az_3", "az_4", "az_5"]).await,
        [false, false, false, true, true]
    );
}

pub(crate) async fn a_disabled_subject_ends_what_was_derived_from_its_tokens_and_where_it_acts(
    backend: &Backend,
) {
    let store = backend.store();
    let acting = |az: &str, sub: &str, subjects: &[&str]| NewGrant {
        parties: Parties { subjects: strings(subjects), clients: vec![], ..Parties::default() },
        ..derived(az, sub, vec![])
    };
    granted(&*store, authorization("az_1", "alice"), issued("az_1", "az_1")).await;
    stored(&*store, derived("az_2", "carol", vec![of("az_1")])).await;
    stored(&*store, acting("az_3", "carol", &["bob", "alice"])).await;
    stored(&*store, derived("az_4", "carol", vec![of("az_3")])).await;
    stored(&*store, acting("az_5", "carol", &["bob"])).await;
    store.set_subject_disabled("alice", true, NOW, vec![]).await.expect("it answers");
    store.set_subject_disabled("alice", false, NOW, vec![]).await.expect("it answers");
    assert_eq!(
        are_live(&*store, ["az_1", "az_2", "az_3", "az_4", "az_5"]).await,
        [false, false, false, false, true]
    );
}

pub(crate) async fn a_disabled_actor_ends_what_a_person_granted_it(backend: &Backend) {
    let store = backend.store();
    assert!(store.insert_client(client("desk"), vec![]).await.expect("it answers"));
    let fill = |az: &'static str, subjects: &'static [&'static str], clients: &'static [&'static str]| {
        complete(&*store, az, move |completion| {
            completion.authorization = Some(authorization(az, "alice"));
            completion.token = Some(token(az, Some(az)));
            completion.parties =
                Parties { subjects: strings(subjects), clients: strings(clients), ..Parties::default() };
        })
    };
    assert_eq!(fill("az_1", &["bob"], &[]).await, Completed::Done);
    assert_eq!(fill("az_2", &[], &["desk"]).await, Completed::Done);
    assert_eq!(fill("az_3", &[], &["gone"]).await, Completed::SubjectDisabled);
    store.set_subject_disabled("bob", true, NOW, vec![]).await.expect("it answers");
    assert_eq!(are_live(&*store, ["az_1", "az_2"]).await, [false, true]);
    assert!(store.delete_client("desk", NOW, vec![]).await.expect("it answers"));
    assert_eq!(are_live(&*store, ["az_1", "az_2"]).await, [false; 2]);
    assert_eq!(fill("az_4", &["bob"], &[]).await, Completed::SubjectDisabled);
    for az in ["az_3", "az_4"] {
        assert_eq!(store.authorization(az).await.expect("it reads"), None);
        assert_eq!(store.interaction(az, NOW).await.expect("it reads"), Some(interaction(az)), "untouched");
    }
}

/// The ways in which the parent of round `round` can end.
async fn end(store: &dyn Store, round: usize) {
    let name = |what: &str| format!("{what}_{round}");
    match round % 7 {
        0 => drop(store.revoke_authorization(&name("az"), NOW, vec![]).await.expect("it answers")),
        1 => drop(store.revoke_token(&digest(&name("az")), NOW, vec![]).await.expect("it answers")),
        2 => store.revoke_jti(&name("j"), NOW, NOW + 600, vec![]).await.expect("it answers"),
        3 => drop(store.end_session(&name("ses"), NOW, vec![]).await.expect("it answers")),
        4 => drop(store.delete_client(&name("client"), NOW, vec![]).await.expect("it answers")),
        5 => store.set_subject_disabled(&name("actor"), true, NOW, vec![]).await.expect("it answers"),
        _ => store.set_subject_disabled(&name("user"), true, NOW, vec![]).await.expect("it answers"),
    }
}

pub(crate) async fn nothing_derived_survives_a_race_with_the_end_of_its_parent(backend: &Backend) {
    let store = backend.store();
    for round in 0..21 {
        let name = |what: &str| format!("{what}_{round}");
        created_session(&*store, session(&name("ses"), &name("user"))).await;
        assert!(store.insert_client(client(&name("client")), vec![]).await.expect("it answers"));
        let home = AuthorizationRecord {
            session_id: Some(name("ses")),
            ..authorization(&name("az"), &name("user"))
        };
        granted(&*store, home, issued(&name("az"), &name("az"))).await;
        let ender = {
            let store = Arc::clone(&store);
            tokio::spawn(async move { end(&*store, round).await })
        };
        let outcomes = race(&store, 8, |store, i| async move {
            let name = |what: &str| format!("{what}_{round}");
            let parents = vec![of(&name("az")), signed(&name("j")), Parent::OpaqueToken(digest(&name("az")))];
            let parties = Parties {
                subjects: vec![name("actor")],
                clients: vec![name("client")],
                ..Parties::default()
            };
            let grant = NewGrant { parties, ..derived(&format!("az_{round}_{i}"), "carol", parents) };
            store.grant(grant).await.expect("it answers")
        });
        let outcomes = outcomes.await;
        ender.await.expect("it does not panic");
        for (i, outcome) in outcomes.into_iter().enumerate() {
            let found = store.authorization(&format!("az_{round}_{i}")).await.expect("it reads");
            assert_eq!(found.is_some(), outcome == Granted::Stored, "{round} {i}");
            assert!(found.is_none_or(|authorization| !authorization.is_live(NOW)), "{round} {i}");
        }
    }
}

pub(crate) async fn a_chain_that_grows_while_its_root_ends_is_ended_whole(backend: &Backend) {
    let store = backend.store();
    for round in 0..10 {
        let root = format!("az_{round}_0");
        granted(&*store, authorization(&root, "alice"), Issued::default()).await;
        let growing = {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for i in 1..40 {
                    let parent = format!("az_{round}_{}", i - 1);
                    // Different subjects, so that nothing but the lineage orders the steps.
                    let next = derived(&format!("az_{round}_{i}"), &format!("user {i}"), vec![of(&parent)]);
                    if store.grant(next).await.expect("it answers") != Granted::Stored {
                        return i;
                    }
                }
                40
            })
        };
        tokio::task::yield_now().await;
        assert!(store.revoke_authorization(&root, NOW, vec![]).await.expect("it answers"));
        let grown = growing.await.expect("it does not panic");
        for i in 0..grown {
            assert!(!is_live(&*store, &format!("az_{round}_{i}"), NOW).await, "{round} {i} of {grown}");
        }
    }
}
