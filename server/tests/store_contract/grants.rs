//! Grants outside an interaction.

use placet_server::store::{
    AuthorizationRecord, Granted, NewGrant, Once, Parent, Parties, Rotation, SessionRecord, Store,
    TokenRecord,
};

use crate::{backend::Backend, samples::*};

async fn outcome(store: &dyn Store, grant: NewGrant) -> Granted {
    store.grant(grant).await.expect("it answers")
}

/// A grant `az` of carol with the token `secret`.
fn grant(az: &str, secret: &str) -> NewGrant {
    NewGrant::new(authorization(az, "carol"), issued(secret, az))
}

async fn is_absent(store: &dyn Store, az: &str, secret: &str) {
    assert_eq!(store.authorization(az).await.expect("it reads"), None);
    assert!(store.token(&digest(secret)).await.expect("it reads").is_none());
}

fn once(id: &str) -> Once {
    Once { kind: "assertion", id: id.into(), expires_at: NOW + 600 }
}

pub(crate) async fn what_is_over_gives_nothing(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_revoked", "alice").await;
    assert!(store.revoke_authorization("az_revoked", NOW, vec![]).await.expect("it answers"));
    let ended = AuthorizationRecord { expires_at: NOW, ..authorization("az_ended", "alice") };
    granted(&*store, ended, issued("ended", "az_ended")).await;
    for token in [token("revoked", None), TokenRecord { expires_at: NOW, ..token("late", None) }] {
        store.insert_token(token).await.expect("it stores");
    }
    assert!(store.revoke_token(&digest("revoked"), NOW - 1, vec![]).await.expect("it answers"));
    store.revoke_jti("j1", NOW, NOW + 600, vec![]).await.expect("it answers");
    let refresh = |presented: &str| Parent::RefreshToken {
        family_id: "f1".into(),
        presented: digest(presented),
        begins: None,
    };
    let over = [
        Parent::Authorization("az_revoked".into()),
        Parent::Authorization("az_ended".into()),
        Parent::Authorization("az_unknown".into()),
        Parent::OpaqueToken(digest("revoked")),
        Parent::OpaqueToken(digest("late")),
        Parent::OpaqueToken(digest("unknown")),
        Parent::SignedToken { jti: "j1".into(), expires_at: NOW + 600, of_client: None },
        Parent::SignedToken { jti: "j2".into(), expires_at: NOW, of_client: None },
        refresh("f1-1"),
        refresh("unknown"),
    ];
    for parent in over {
        let derived = NewGrant { derived_from: vec![parent.clone()], ..grant("az_1", "loot") };
        assert_eq!(outcome(&*store, derived).await, Granted::ParentOver, "{parent:?}");
        is_absent(&*store, "az_1", "loot").await;
    }
}

pub(crate) async fn a_session_that_is_over_gives_nothing(backend: &Backend) {
    let store = backend.store();
    created_session(&*store, session("ses_live", "carol")).await;
    created_session(&*store, session("ses_ended", "carol")).await;
    created_session(&*store, SessionRecord { idle_seconds: 0, ..session("ses_idle", "carol") }).await;
    assert!(store.end_session("ses_ended", NOW, vec![]).await.expect("it answers"));
    let within = |session: &str, az: &str, secret: &str| {
        let home = AuthorizationRecord { session_id: Some(session.into()), ..authorization(az, "carol") };
        NewGrant { in_session: true, ..NewGrant::new(home, issued(secret, az)) }
    };
    for over in ["ses_ended", "ses_idle", "ses_unknown"] {
        let refused = outcome(&*store, within(over, "az_1", "loot")).await;
        assert_eq!(refused, Granted::SessionOver, "{over}");
        is_absent(&*store, "az_1", "loot").await;
        // Who does not depend on the session may name it.
        let spared = NewGrant { in_session: false, ..within(over, &format!("az_{over}"), over) };
        assert_eq!(outcome(&*store, spared).await, Granted::Stored, "{over}");
    }
    assert_eq!(outcome(&*store, within("ses_live", "az_1", "token")).await, Granted::Stored);
    let found = store.session("ses_live").await.expect("it reads").expect("it is stored");
    assert_eq!(found.last_used_at, NOW, "a grant is no use of the session");
}

pub(crate) async fn a_disabled_actor_or_a_deleted_client_takes_part_in_nothing(backend: &Backend) {
    let store = backend.store();
    store.set_subject_disabled("mallory", true, NOW, vec![]).await.expect("it answers");
    assert!(store.insert_client(client("desk"), vec![]).await.expect("it answers"));
    let with = |subjects: &[&str], clients: &[&str]| NewGrant {
        parties: Parties { subjects: strings(subjects), clients: strings(clients), ..Parties::default() },
        ..grant("az_1", "loot")
    };
    assert_eq!(outcome(&*store, with(&["bob", "mallory"], &[])).await, Granted::SubjectDisabled);
    assert_eq!(outcome(&*store, with(&["bob"], &["desk", "gone"])).await, Granted::ParentOver);
    is_absent(&*store, "az_1", "loot").await;
    assert_eq!(outcome(&*store, with(&["bob", "bob", "carol"], &["desk", "desk"])).await, Granted::Stored);
    let found = store.client("desk").await.expect("it reads");
    assert_eq!(found, Some(client("desk")), "taking part changes nothing of it");
}

pub(crate) async fn of_50_racing_uses_of_one_assertion_one_is_stored(backend: &Backend) {
    let store = backend.store();
    let outcomes = race(&store, 50, |store, i| async move {
        let (az, sub) = (format!("az_{i}"), format!("user {}", i % 5));
        let mut grant = NewGrant::new(authorization(&az, &sub), issued(&format!("token {i}"), &az));
        grant.consume = vec![once("j1")];
        store.grant(grant).await.expect("it answers")
    });
    let outcomes = outcomes.await;
    assert_eq!(count(&outcomes, &Granted::Stored), 1);
    assert_eq!(count(&outcomes, &Granted::AlreadyUsed), 49);
    for (i, outcome) in outcomes.iter().enumerate() {
        let found = store.authorization(&format!("az_{i}")).await.expect("it reads");
        assert_eq!(found.is_some(), *outcome == Granted::Stored, "{i}");
        let found = store.token(&digest(&format!("token {i}"))).await.expect("it reads");
        assert_eq!(found.is_some(), *outcome == Granted::Stored, "{i}");
    }
}

pub(crate) async fn a_refused_grant_uses_nothing_up(backend: &Backend) {
    let store = backend.store();
    store.insert_token(TokenRecord { single_use: true, ..token("single", None) }).await.expect("it stores");
    assert!(store.consume_once("assertion", "used", NOW + 600).await.expect("it answers"));
    let refused = NewGrant {
        derived_from: vec![
            Parent::OpaqueToken(digest("single")),
            Parent::SignedToken { jti: "j1".into(), expires_at: NOW + 600, of_client: None },
        ],
        consume: vec![once("fresh"), once("used")],
        ..grant("az_1", "loot")
    };
    assert_eq!(outcome(&*store, refused.clone()).await, Granted::AlreadyUsed);
    is_absent(&*store, "az_1", "loot").await;
    let again = NewGrant { consume: vec![once("fresh")], ..refused };
    assert_eq!(outcome(&*store, again).await, Granted::Stored);
}

pub(crate) async fn a_single_use_token_is_used_up_by_what_is_derived_from_it(backend: &Backend) {
    let store = backend.store();
    store.insert_token(TokenRecord { single_use: true, ..token("single", None) }).await.expect("it stores");
    store.insert_token(token("of many uses", None)).await.expect("it stores");
    let outcomes = race(&store, 20, |store, i| async move {
        let derived_from = vec![Parent::OpaqueToken(digest("single"))];
        let grant = NewGrant { derived_from, ..grant(&format!("az_{i}"), &format!("token {i}")) };
        store.grant(grant).await.expect("it answers")
    });
    let outcomes = outcomes.await;
    assert_eq!(count(&outcomes, &Granted::Stored), 1);
    assert_eq!(count(&outcomes, &Granted::ParentOver), 19);
    assert!(!store.use_token(&digest("single"), NOW).await.expect("it answers"));
    for i in 20..22 {
        let derived_from = vec![Parent::OpaqueToken(digest("of many uses"))];
        let grant = NewGrant { derived_from, ..grant(&format!("az_{i}"), &format!("token {i}")) };
        assert_eq!(outcome(&*store, grant).await, Granted::Stored);
    }
    let found = store.token(&digest("of many uses")).await.expect("it reads").expect("it is stored");
    assert_eq!(found.token.used_at, None);
}

pub(crate) async fn only_the_current_refresh_token_derives_and_it_stays_current(backend: &Backend) {
    let store = backend.store();
    created_family(&*store, "f1", "az_1", "alice").await;
    let rotated = store.rotate(rotate("f1", "f1-1", "f1-2"), issued("token", "az_1")).await;
    assert_eq!(rotated.expect("it answers"), Rotation::Rotated);
    let derive = |presented: &str, az: &str| NewGrant {
        derived_from: vec![
            Parent::RefreshToken { family_id: "f1".into(), presented: digest(presented), begins: None },
            Parent::Authorization("az_1".into()),
        ],
        ..grant(az, az)
    };
    assert_eq!(outcome(&*store, derive("f1-1", "az_2")).await, Granted::ParentOver);
    assert!(is_live(&*store, "az_1", NOW).await, "to present the parent is no replay here");
    for az in ["az_2", "az_3"] {
        assert_eq!(outcome(&*store, derive("f1-2", az)).await, Granted::Stored);
    }
    // Whoever presents it has it, so its parent is not answered any more.
    let next = store.rotate(rotate("f1", "f1-2", "f1-3"), issued("next", "az_1")).await;
    assert_eq!(next.expect("it answers"), Rotation::Rotated);
}
