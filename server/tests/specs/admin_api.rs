//! The admin API on the private listener.

use std::collections::{BTreeMap, BTreeSet};

use placet_server::openapi::{Access, admin_operations};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering::{ROLES, TOKEN, call, get, one_role, stand, url},
    harness::{Browser, Reply},
};

/// Every operation with the role it needs.
fn operations() -> Vec<(Method, &'static str, &'static str)> {
    vec![
        (Method::GET, "/clients", "read"),
        (Method::POST, "/clients", "clients"),
        (Method::GET, "/clients/web", "read"),
        (Method::PUT, "/clients/unknown", "clients"),
        (Method::DELETE, "/clients/unknown", "clients"),
        (Method::POST, "/clients/unknown/secret", "clients"),
        (Method::GET, "/sessions?sub=alice", "read"),
        (Method::GET, "/sessions/ses_x", "read"),
        (Method::DELETE, "/sessions/ses_x", "revoke"),
        (Method::GET, "/authorizations?sub=alice", "read"),
        (Method::GET, "/authorizations/az_x", "read"),
        (Method::DELETE, "/authorizations/az_x", "revoke"),
        (Method::GET, "/subjects/alice", "read"),
        (Method::PUT, "/subjects/alice", "revoke"),
        (Method::POST, "/revocations", "revoke"),
        (Method::POST, "/global-token-revocation", "revoke"),
        (Method::POST, "/console-links", "read"),
        (Method::GET, "/keys", "read"),
        (Method::POST, "/keys:rotate", "keys"),
        (Method::POST, "/keys/unknown:revoke", "keys"),
        (Method::GET, "/policies", "read"),
        (Method::GET, "/policies/unknown", "read"),
        (Method::PATCH, "/policies/unknown", "policies"),
        (Method::POST, "/policies/unknown/cache:purge", "policies"),
        (Method::POST, "/policies:simulate", "policies"),
        (Method::GET, "/decisions", "policies"),
        (Method::GET, "/decisions/dec_x", "policies"),
        (Method::POST, "/decisions/dec_x:replay", "policies"),
        (Method::GET, "/event-receivers", "read"),
        (Method::GET, "/event-receivers/unknown", "read"),
        (Method::PATCH, "/event-receivers/unknown", "events"),
        (Method::POST, "/event-receivers/unknown:redeliver", "events"),
        (Method::GET, "/deliveries", "read"),
        (Method::GET, "/deliveries/dlv_x", "read"),
        (Method::DELETE, "/deliveries/dlv_x", "events"),
        (Method::POST, "/deliveries/dlv_x:redeliver", "events"),
    ]
}

#[test]
fn the_description_has_these_operations_with_these_roles_and_no_others() {
    const WORDS: [&str; 14] = [
        "clients",
        "secret",
        "sessions",
        "authorizations",
        "subjects",
        "revocations",
        "global-token-revocation",
        "console-links",
        "keys",
        "policies",
        "cache",
        "decisions",
        "event-receivers",
        "deliveries",
    ];
    // A path with `*` in the place of ids.
    let shape = |path: &str| {
        let parts = path.split('?').next().unwrap().split('/').map(|part| {
            let (thing, verb) = part.split_at(part.find(':').unwrap_or(part.len()));
            let known = thing.is_empty() || WORDS.contains(&thing);
            format!("{}{verb}", if known { thing } else { "*" })
        });
        parts.collect::<Vec<_>>().join("/")
    };
    let tried: BTreeSet<_> = operations()
        .into_iter()
        .map(|(method, path, role)| (method.as_str().to_lowercase(), shape(path), json!(role).to_string()))
        .collect();
    let described: BTreeSet<_> = admin_operations()
        .into_iter()
        .filter_map(|operation| match operation.access {
            Access::Role(role) => {
                Some((operation.method.to_owned(), shape(operation.path), json!(role).to_string()))
            }
            Access::Open | Access::Bearer => None,
        })
        .collect();
    assert_eq!(tried, described);
}

#[tokio::test]
async fn every_path_has_the_methods_of_the_description_and_no_others() {
    let stand = stand().await;
    let mut paths: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for operation in admin_operations() {
        paths.entry(operation.path).or_default().push(operation.method.to_uppercase());
    }
    for (path, mut methods) in paths {
        let path = path.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
        let path = path.collect::<Vec<_>>().join("x");
        let reply = call(&stand, TOKEN, Method::OPTIONS, &path, None).await;
        assert_eq!((reply.status, reply.error()), (405, "method_not_allowed"), "{path}");
        let mut allowed: Vec<String> = reply.header("allow").split(", ").map(str::to_owned).collect();
        allowed.sort();
        methods.sort();
        assert_eq!(allowed, methods, "{path}");
    }
}

#[tokio::test]
async fn the_description_is_there_for_everybody_who_comes_by_a_right_name_and_not_on_the_public_listener() {
    let stand = stand().await;
    let request = |url: String| stand.http.get(url);
    let reply = Reply::read(request(url(&stand, "/openapi.json")).send().await.unwrap()).await;
    assert_eq!((reply.status, reply.json["openapi"].as_str()), (200, Some("3.1.0")));
    assert_eq!(reply.header("cache-control"), "no-store");
    let elsewhere = request(url(&stand, "/openapi.json")).header("host", "evil.example");
    assert_eq!(Reply::read(elsewhere.send().await.unwrap()).await.status, 421);
    for path in ["/openapi.json", "/keys", "/clients"] {
        let public = request(format!("{}/admin/v1{path}", stand.issuer)).bearer_auth(TOKEN);
        assert_eq!(Reply::read(public.send().await.unwrap()).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn every_operation_asks_for_a_bearer_and_for_its_role() {
    let stand = stand().await;
    for (method, path, needed) in operations() {
        let request = stand.http.request(method.clone(), url(&stand, path));
        let nobody = Reply::read(request.send().await.unwrap()).await;
        assert_eq!((nobody.status, nobody.error()), (401, "unauthorized"), "{method} {path}");
        let wrong = call(&stand, "admin-token-of-nobody-at-all-0123456789", method.clone(), path, None).await;
        assert_eq!(wrong.status, 401, "{method} {path}");
        for role in ROLES {
            let reply = call(&stand, &one_role(role), method.clone(), path, None).await;
            let refused = reply.error() == "role_missing" && reply.status == 403;
            assert_eq!(refused, role != needed, "{method} {path} as {role}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn another_host_name_is_misdirected_and_no_page_of_another_origin_is_let_in() {
    let stand = stand().await;
    let request = stand.http.get(url(&stand, "/keys")).bearer_auth(TOKEN).header("host", "evil.example");
    let reply = Reply::read(request.send().await.unwrap()).await;
    assert_eq!((reply.status, reply.error()), (421, "misdirected_request"));
    let request =
        stand.http.get(url(&stand, "/keys")).bearer_auth(TOKEN).header("origin", "https://evil.example");
    let reply = Reply::read(request.send().await.unwrap()).await;
    assert!(reply.headers.get("access-control-allow-origin").is_none());
    assert_eq!(reply.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_tokens_of_login_apps_and_users_open_nothing() {
    let stand = stand().await;
    let tokens = stand.tokens("web", "openid").await;
    for token in [super::harness::UI, super::harness::HEADLESS, tokens["access_token"].as_str().unwrap()] {
        assert_eq!(call(&stand, token, Method::GET, "/keys", None).await.status, 401);
    }
}

#[tokio::test]
async fn an_id_in_a_path_that_is_none_is_not_found_and_makes_nothing() {
    let stand = stand().await;
    let disable = json!({ "disabled": true });
    for id in ["%ff", "%zz", "%0a", "%00", "x%", &"x".repeat(256)] {
        for (method, path, body) in [
            (Method::GET, format!("/subjects/{id}"), None),
            (Method::PUT, format!("/subjects/{id}"), Some(&disable)),
            (Method::GET, format!("/clients/{id}"), None),
            (Method::DELETE, format!("/clients/{id}"), None),
            (Method::GET, format!("/sessions/{id}"), None),
            (Method::GET, format!("/authorizations/{id}"), None),
            (Method::POST, format!("/keys/{id}:revoke"), None),
        ] {
            let reply = call(&stand, TOKEN, method.clone(), &path, body).await;
            assert_eq!((reply.status, reply.error()), (404, "not_found"), "{method} {path}: {}", reply.text);
        }
    }
    assert!(stand.events("account.disabled").is_empty());
}

#[tokio::test]
async fn ending_a_session_or_an_authorization_is_in_effect_with_the_next_request() {
    let stand = stand().await;
    for what in ["sessions", "authorizations"] {
        let tokens = stand.tokens("web", "openid").await;
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(stand.userinfo(access).await.status, 200);
        let listed = get(&stand, &format!("/{what}?sub=alice")).await;
        for item in listed.json["items"].as_array().unwrap() {
            let path = format!("/{what}/{}", item["id"].as_str().unwrap());
            assert_eq!(get(&stand, &path).await.json["sub"], "alice");
            assert_eq!(call(&stand, TOKEN, Method::DELETE, &path, None).await.status, 204);
            assert_eq!(get(&stand, &path).await.status, 404);
        }
        assert_eq!(stand.userinfo(access).await.status, 401, "{what}");
    }
}

#[tokio::test]
async fn a_disabled_subject_gets_nothing_until_it_is_enabled() {
    let stand = stand().await;
    let tokens = stand.tokens("web", "openid").await;
    let access = tokens["access_token"].as_str().unwrap();
    let off = call(&stand, TOKEN, Method::PUT, "/subjects/alice", Some(&json!({ "disabled": true }))).await;
    assert_eq!((off.status, &off.json["disabled"]), (200, &json!(true)), "{}", off.text);
    assert_eq!(stand.userinfo(access).await.status, 401);
    let params = stand.sign_in(&mut Browser::new(), "web", &[]).await;
    assert_eq!(params["error"], "access_denied");
    let on = call(&stand, TOKEN, Method::PUT, "/subjects/alice", Some(&json!({ "disabled": false }))).await;
    assert_eq!(on.json, json!({ "sub": "alice", "disabled": false }));
    assert_eq!(stand.userinfo(access).await.status, 401, "what ended stays ended");
    stand.tokens("web", "openid").await;
}

#[tokio::test]
async fn keys_are_rotated_and_a_revoked_one_counts_no_more() {
    let stand = stand().await;
    let tokens = stand.tokens("web", "openid").await;
    let access = tokens["access_token"].as_str().unwrap();
    let rotated = call(&stand, TOKEN, Method::POST, "/keys:rotate", None).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    let states = |reply: &Reply| -> Vec<(String, String)> {
        let items = reply.json["items"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        items.iter().map(|key| (text(&key["alg"]), text(&key["state"]))).collect()
    };
    let eddsa = |state: &str| ("EdDSA".to_owned(), state.to_owned());
    assert!(states(&rotated).contains(&eddsa("staged")) && states(&rotated).contains(&eddsa("signing")));

    assert_eq!(stand.userinfo(access).await.status, 200);
    let kid = super::helpers::header(access)["kid"].as_str().unwrap().to_owned();
    let revoked = call(&stand, TOKEN, Method::POST, &format!("/keys/{kid}:revoke"), None).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text);
    assert_eq!(stand.userinfo(access).await.status, 401);
    assert!(super::helpers::jwks(&stand).await.iter().all(|key| key["kid"] != json!(kid)));
    let fresh = stand.tokens("web", "openid").await;
    let other = super::helpers::header(fresh["access_token"].as_str().unwrap())["kid"].clone();
    assert_ne!(other, json!(kid));
    assert_eq!(call(&stand, TOKEN, Method::POST, &format!("/keys/{kid}:revoke"), None).await.status, 404);
}
