//! Tokens that carry everything themselves, at two servers on one PostgreSQL: each is a data centre that remembers for a
//! while what it has heard of revocations.

use std::{collections::BTreeMap, sync::Arc};

use placet_oauth::grant_type::GrantType;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering,
    exchanging::{ACCESS, REFRESH, form},
    harness::Stand,
    helpers::{client, refresh, text},
    replicas::two_with,
    sidecar::Sidecar,
    stateless::{SCOPE, granted, is_over, revoke_all, stateless},
};

/// For so long another server may go on with what it knew.
const BOUND: i64 = 5;

async fn two() -> Option<[Arc<Stand>; 2]> {
    two_with(stateless).await
}

async fn refreshed(stand: &Stand, client: &str, token: &str) -> String {
    let reply = refresh(stand, client, token).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    text(&reply.json["refresh_token"])
}

async fn admin(stand: &Stand, method: Method, path: &str, body: Option<&Value>) -> Value {
    let reply = administering::call(stand, administering::TOKEN, method, path, body).await;
    assert!(reply.status < 300, "{}", reply.text);
    reply.json
}

#[tokio::test]
async fn a_token_of_one_server_is_good_at_the_other() {
    let Some([one, two]) = two().await else { return };
    for client in ["web", "other"] {
        let mut token = granted(&one, client).await;
        for stand in [&two, &one, &two] {
            token = refreshed(stand, client, &token).await;
            assert!(one.is_active(client, &token).await);
        }
    }
}

#[tokio::test]
async fn what_one_server_revokes_is_over_at_the_other_within_the_bound_with_all_that_came_of_it() {
    let Some([one, two]) = two().await else { return };
    let ways = ["token", "authorization", "subject", "client", "everybody", "account"];
    for way in ways {
        let held = granted(&one, "web").await;
        refreshed(&two, "web", &held).await;
        let meanwhile = async || match way {
            "token" => assert_eq!(one.post("/revoke", "web", &[("token", &held)]).await.status, 200),
            "authorization" => {
                let list = admin(&one, Method::GET, "/authorizations?sub=alice", None).await;
                for item in list["items"].as_array().unwrap() {
                    admin(&one, Method::DELETE, &format!("/authorizations/{}", text(&item["id"])), None)
                        .await;
                }
            }
            "subject" => revoke_all(&one, json!({ "sub": "alice" })).await,
            "client" => revoke_all(&one, json!({ "client_id": "web" })).await,
            "everybody" => revoke_all(&one, json!({ "everybody": true })).await,
            _ => {
                for disabled in [true, false] {
                    let body = json!({ "disabled": disabled });
                    admin(&one, Method::PUT, "/subjects/alice", Some(&body)).await;
                }
            }
        };
        meanwhile().await;
        is_over(&one, "web", &held).await;
        // The other server has not heard of it yet. What it issues until then is over as well.
        let mut issued = vec![held.clone()];
        let late = refresh(&two, "web", &held).await;
        assert_eq!(late.status, 200, "{way}: it was just looked, {}", late.text);
        assert!(!one.is_active("web", &text(&late.json["access_token"])).await, "{way}");
        assert!(!two.is_active("web", &text(&late.json["access_token"])).await, "{way}");
        issued.push(text(&late.json["refresh_token"]));
        is_over(&one, "web", &issued[1]).await;
        two.clock.advance(BOUND);
        for token in &issued {
            is_over(&two, "web", token).await;
        }
        // Who is signed in anew has not been in vain, wherever that is.
        for (here, there) in [(&one, &two), (&two, &one)] {
            let newer = granted(here, "web").await;
            refreshed(there, "web", &newer).await;
            refreshed(here, "web", &newer).await;
        }
    }
}

#[tokio::test]
async fn who_signs_in_where_the_revocation_was_not_heard_of_yet_has_not_done_so_in_vain() {
    let Some([one, two]) = two().await else { return };
    for whose in [json!({ "sub": "alice" }), json!({ "client_id": "web" }), json!({ "everybody": true })] {
        let held = granted(&one, "web").await;
        // The other server has looked just now.
        refreshed(&two, "web", &held).await;
        revoke_all(&one, whose).await;
        let newer = granted(&two, "web").await;
        for stand in [&one, &two] {
            refreshed(stand, "web", &newer).await;
            stand.clock.advance(BOUND);
            refreshed(stand, "web", &newer).await;
            is_over(stand, "web", &held).await;
        }
    }
}

#[tokio::test]
async fn one_that_rotates_is_over_at_the_other_server_at_once() {
    let Some([one, two]) = two().await else { return };
    let held = refreshed(&two, "other", &granted(&one, "other").await).await;
    let unused = granted(&one, "other").await;
    // The other server has looked just now, and remembers that nothing was revoked.
    refreshed(&two, "web", &granted(&two, "web").await).await;
    revoke_all(&one, json!({ "sub": "alice" })).await;
    is_over(&two, "other", &held).await;
    is_over(&two, "other", &unused).await;
}

#[tokio::test]
async fn a_replay_at_one_server_of_what_was_rotated_at_the_other_ends_everything() {
    let Some([one, two]) = two().await else { return };
    let tokens = one.tokens("other", SCOPE).await;
    let first = text(&tokens["refresh_token"]);
    let second = refreshed(&two, "other", &first).await;
    let third = refreshed(&one, "other", &second).await;
    is_over(&two, "other", &first).await;
    for stand in [&one, &two] {
        is_over(stand, "other", &third).await;
        assert!(!stand.is_active("other", &text(&tokens["access_token"])).await);
    }
}

#[tokio::test]
async fn of_100_refreshes_racing_over_two_servers_one_rotates_and_the_others_get_the_same_child() {
    let Some(stands) = two().await else { return };
    let token = granted(&stands[0], "other").await;
    let mut races = Vec::new();
    for n in 0..100 {
        let (stand, token) = (stands[n % 2].clone(), token.clone());
        races.push(tokio::spawn(async move { refresh(&stand, "other", &token).await }));
    }
    let mut last = String::new();
    for race in races {
        let reply = race.await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text);
        last = text(&reply.json["refresh_token"]);
    }
    // All are the same: to use one of them makes the next one, and the parent of all a replay.
    refreshed(&stands[1], "other", &last).await;
    is_over(&stands[0], "other", &token).await;
}

#[tokio::test]
async fn of_refreshes_that_race_with_a_revocation_none_outlives_it() {
    let Some(stands) = two().await else { return };
    for client in ["web", "other"] {
        for _ in 0..5 {
            let token = granted(&stands[0], client).await;
            let mut races = Vec::new();
            for n in 0..20 {
                let (stand, token) = (stands[n % 2].clone(), token.clone());
                races.push(tokio::spawn(async move {
                    if n == 10 {
                        let reply = stand.post("/revoke", client, &[("token", &token)]).await;
                        assert_eq!(reply.status, 200, "{}", reply.text);
                    }
                    refresh(&stand, client, &token).await
                }));
            }
            let mut issued = BTreeMap::new();
            for race in races {
                let reply = race.await.unwrap();
                match reply.status {
                    200 => {
                        issued.insert(text(&reply.json["refresh_token"]), text(&reply.json["access_token"]));
                    }
                    _ => assert_eq!(reply.error(), "invalid_grant", "{}", reply.text),
                }
            }
            for stand in &stands {
                stand.clock.advance(BOUND);
                for (refresh_token, access_token) in &issued {
                    assert!(!stand.is_active(client, access_token).await);
                    is_over(stand, client, refresh_token).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn revocations_that_race_at_two_servers_are_all_learned_of() {
    let Some(stands) = two().await else { return };
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(granted(&stands[0], "web").await);
    }
    let mut races = Vec::new();
    for (n, token) in held.iter().cloned().enumerate() {
        let stands = stands.clone();
        races.push(tokio::spawn(async move {
            let (here, there) = (&stands[n % 2], &stands[(n + 1) % 2]);
            let reply = here.post("/revoke", "web", &[("token", &token)]).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            is_over(here, "web", &token).await;
            let _ = refresh(there, "web", &token).await;
        }));
    }
    for race in races {
        race.await.unwrap();
    }
    for stand in &stands {
        stand.clock.advance(BOUND);
        for token in &held {
            is_over(stand, "web", token).await;
        }
    }
}

#[tokio::test]
async fn nothing_is_derived_at_the_other_server_from_what_everybody_lost() {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let stands = two_with(|config| {
        stateless(config);
        for id in ["web", "other"] {
            client(config, id).metadata.grant_types.get_or_insert_default().push(GrantType::TokenExchange);
        }
        config.policy.push(sidecar.policy("exchange", &["grant.token_exchange"]));
    });
    let Some([one, two]) = stands.await else { return };
    for client in ["web", "other"] {
        let tokens = one.tokens(client, SCOPE).await;
        let kinds = [("refresh_token", REFRESH), ("access_token", ACCESS)];
        let exchange = async |(name, kind): (&str, &str)| {
            let token = text(&tokens[name]);
            two.post("/token", client, &form(&token, &[("subject_token_type", kind)])).await
        };
        // The other server has looked just now, and remembers that nothing was revoked.
        for kind in kinds {
            let derived = exchange(kind).await;
            assert_eq!(derived.status, 200, "{client}, {kind:?}: {}", derived.text);
        }
        let asked = sidecar.requests().len();
        revoke_all(&one, json!({ "everybody": true })).await;
        for kind in kinds {
            let refused = exchange(kind).await;
            assert_eq!((refused.status, refused.error()), (400, "invalid_request"), "{client}, {kind:?}");
        }
        assert_eq!(sidecar.requests().len(), asked, "nobody is asked about it");
    }
}
