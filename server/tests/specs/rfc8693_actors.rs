//! RFC 8693 section 4: actors in tokens, as a login app names them with a consent.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    granting::{consented, tokens_of, trust_the_app},
    harness::{Browser, CALLBACK, HEADLESS, Stand, claims},
    helpers::{keep_client, refresh, text},
};

const ELSEWHERE: &str = "https://pairwise.example/cb";
const WEB: (&str, &str) = ("web", CALLBACK);

async fn stand() -> Stand {
    Stand::with(trust_the_app).await
}

#[tokio::test]
async fn whoever_acts_is_seen_in_every_token_and_by_resource_servers() {
    let stand = stand().await;
    let act = json!({ "sub": "bob", "act": { "sub": "desk", "client_id": "desk" } });
    let may_act = json!({ "sub": "night-shift", "shift": 3 });
    let grant = json!({ "act": act, "may_act": may_act });
    let tokens = tokens_of(&stand, WEB, ("alice", "openid email offline_access", &grant)).await;
    let again = refresh(&stand, "web", &text(&tokens["refresh_token"])).await.json;
    for tokens in [&tokens, &again] {
        for name in ["access_token", "id_token"] {
            let said = claims(&text(&tokens[name]));
            assert_eq!(
                (&said["sub"], &said["act"], &said["may_act"]),
                (&json!("alice"), &act, &may_act),
                "{name}"
            );
        }
    }
    for name in ["access_token", "refresh_token"] {
        let said = stand.post("/introspect", "web", &[("token", &text(&again[name]))]).await.json;
        assert_eq!((&said["active"], &said["act"]), (&json!(true), &act), "{name}");
    }

    let opaque = tokens_of(&stand, ("opaque", CALLBACK), ("alice", "openid email", &grant)).await;
    let said = stand.post("/introspect", "opaque", &[("token", &text(&opaque["access_token"]))]).await.json;
    assert_eq!((&said["act"], &said["may_act"]), (&act, &may_act));
}

#[tokio::test]
async fn a_client_with_pairwise_subjects_sees_those_of_acting_users_too() {
    let stand = stand().await;
    let pairwise = ("pairwise", ELSEWHERE);
    let act = json!({
        "sub": "bob", "act": { "sub": "desk", "client_id": "desk", "act": { "sub": "eve", "iss": "https://else.example" } },
    });
    let grant = json!({ "act": act, "may_act": { "sub": "bob" } });
    let tokens = tokens_of(&stand, pairwise, ("alice", "openid email", &grant)).await;
    let of_bob = tokens_of(&stand, pairwise, ("bob", "openid email", &json!({}))).await;
    let bob = claims(&text(&of_bob["id_token"]))["sub"].clone();
    assert_ne!(bob, "bob");
    for name in ["access_token", "id_token"] {
        let said = claims(&text(&tokens[name]));
        assert_eq!(said["act"]["sub"], bob, "{name}");
        assert_eq!(said["act"]["act"]["sub"], "desk", "a client is no user");
        assert_eq!(said["act"]["act"]["act"]["sub"], "eve", "nor is somebody of another issuer");
        assert_eq!(said["may_act"]["sub"], bob, "{name}");
    }
}

#[tokio::test]
async fn to_name_actors_needs_a_capability_and_has_limits() {
    let stand = Stand::with(|config| {
        trust_the_app(config);
        config.ui[0].sub_deny = vec!["admin*".to_owned()];
    })
    .await;
    let chain = |length: usize| {
        (0..length).fold(Value::Null, |act, i| match act {
            Value::Null => json!({ "sub": format!("actor {i}") }),
            act => json!({ "sub": format!("actor {i}"), "act": act }),
        })
    };
    let mut browser = Browser::new();
    for (grant, status, pointer) in [
        (json!({ "act": { "sub": "admin 1" } }), 403, "/grant/act"),
        (json!({ "act": { "sub": "bob", "act": { "sub": "admin 1" } } }), 403, "/grant/act"),
        (json!({ "act": { "sub": "" } }), 422, "/grant/act"),
        (json!({ "act": { "sub": "bo\nb" } }), 422, "/grant/act"),
        (json!({ "act": chain(6) }), 422, "/grant/act"),
        (json!({ "act": { "sub": "bob", "client_id": "x".repeat(256) } }), 422, "/grant/act"),
        (json!({ "may_act": { "iss": "https://as.example" } }), 422, "/grant/may_act/sub"),
        (json!({ "may_act": { "sub": "bob", "more": "x".repeat(1024) } }), 422, "/grant/may_act"),
        (json!({ "sub": "" }), 422, "/grant/sub"),
    ] {
        let refused = consented(&stand, &mut browser, WEB, ("alice", "openid email", &grant)).await;
        assert_eq!(refused.status, status, "{grant}: {}", refused.text);
        assert_eq!(refused.json["errors"][0]["pointer"], pointer, "{grant}: {}", refused.text);
    }
    let tokens = tokens_of(&stand, WEB, ("alice", "openid", &json!({ "act": chain(5) }))).await;
    assert_eq!(claims(&text(&tokens["access_token"]))["act"], chain(5));

    let without = Stand::start().await;
    for member in ["act", "may_act"] {
        let grant = json!({ member: { "sub": "bob" } });
        let refused = consented(&without, &mut browser, WEB, ("alice", "openid email", &grant)).await;
        assert_eq!((refused.status, refused.error()), (403, "capability_missing"), "{member}");
    }
}

#[tokio::test]
async fn a_changed_subject_is_recorded_with_who_signed_in() {
    let stand = stand().await;
    let grant = json!({ "sub": "carol", "act": { "sub": "alice" }, "data": { "case": "CASE-1182" } });
    let tokens = tokens_of(&stand, WEB, ("alice", "openid email", &grant)).await;
    let said = claims(&text(&tokens["id_token"]));
    assert_eq!((&said["sub"], &said["act"]["sub"]), (&json!("carol"), &json!("alice")));
    assert!(said.get("case").is_none() && said.get("data").is_none());
    let (_, recorded) = stand.events("authorization.impersonated").pop().expect("it was recorded");
    assert_eq!((&recorded["sub"], &recorded["authenticated_sub"]), (&json!("carol"), &json!("alice")));
    assert_eq!(recorded["act"], json!({ "sub": "alice" }));
    assert_eq!(recorded["data"]["case"], "CASE-1182");

    tokens_of(&stand, WEB, ("alice", "openid", &json!({ "act": { "sub": "bob" } }))).await;
    assert_eq!(stand.events("authorization.impersonated").len(), 1, "the subject is the one who signed in");
    let (_, granted) = stand.events("authorization.granted").pop().expect("it was recorded");
    assert_eq!((&granted["sub"], &granted["act"]["sub"]), (&json!("alice"), &json!("bob")));
}

#[tokio::test]
async fn what_somebody_has_a_part_in_ends_with_them() {
    let stand = stand().await;
    let register = json!({ "redirect_uris": [CALLBACK], "client_name": "Desk" });
    let request = stand.http.post(format!("{}/register", stand.issuer)).json(&register);
    let desk: Value = request.send().await.unwrap().json().await.unwrap();
    let desk_id = text(&desk["client_id"]);
    let mut tokens = Vec::new();
    for grant in [
        json!({ "act": { "sub": "bob" } }),
        json!({ "act": { "sub": "eve", "act": { "sub": "bob" } } }),
        json!({ "act": { "sub": desk_id, "client_id": desk_id } }),
        json!({ "sub": "carol" }),
        json!({ "act": { "sub": "bob", "iss": "https://else.example" } }),
    ] {
        let got = tokens_of(&stand, WEB, ("alice", "openid email offline_access", &grant)).await;
        tokens.push(text(&got["access_token"]));
    }
    let live = async || {
        let mut live = Vec::new();
        for token in &tokens {
            live.push(stand.is_active("web", token).await);
        }
        live
    };
    assert_eq!(live().await, [true; 5]);
    let report = async |sub: &str| {
        let body = json!({ "type": "account.disabled", "sub": sub });
        stand.call(HEADLESS, Method::POST, "/reports", Some(&body)).await
    };
    assert_eq!(report("bob").await.status, 202);
    assert_eq!(live().await, [false, false, true, true, true]);
    let delete = stand.http.delete(desk["registration_client_uri"].as_str().unwrap());
    let deleted =
        delete.bearer_auth(desk["registration_access_token"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(deleted.status(), 204);
    assert_eq!(live().await, [false, false, false, true, true]);
    assert_eq!(report("alice").await.status, 202);
    assert_eq!(live().await, [false; 5], "whoever signed in has a part in all of them");

    let grant = json!({ "act": { "sub": "bob" } });
    let mut browser = Browser::new();
    let done = consented(&stand, &mut browser, WEB, ("eve", "openid email", &grant)).await;
    let refused = browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await;
    assert_eq!(refused.params()["error"], "access_denied", "a disabled actor acts for nobody");
}

#[tokio::test]
async fn no_setting_writes_actors_into_tokens() {
    let stand = stand().await;
    keep_client(&stand, |settings| {
        settings.access_token.claims =
            serde_json::from_value(json!({ "act": { "sub": "eve" }, "may_act": { "sub": "eve" } })).unwrap();
    })
    .await;
    let tokens = tokens_of(&stand, ("kept", CALLBACK), ("alice", "openid email", &json!({}))).await;
    let said = claims(&text(&tokens["access_token"]));
    assert!(said.get("act").is_none() && said.get("may_act").is_none(), "{said}");
}
