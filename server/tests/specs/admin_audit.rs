//! Every change through the admin API leaves exactly one record, with the name of the admin; whatever is refused leaves
//! none.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering::{TOKEN, call, get, one_role, stand},
    harness::{CALLBACK, Stand},
    helpers::text,
};

const EVENTS: [&str; 9] = [
    "client.registered",
    "client.updated",
    "client.deleted",
    "session.ended",
    "authorization.revoked",
    "account.disabled",
    "account.enabled",
    "key.rotated",
    "key.revoked",
];

/// How many records there are that somebody asked for.
fn recorded(stand: &Stand) -> Vec<(&'static str, String, Value)> {
    let of = |kind: &'static str| {
        let asked = stand.events(kind).into_iter().filter(|(_, data)| data.get("by").is_some());
        asked.map(move |(subject, data)| (kind, subject, data)).collect::<Vec<_>>()
    };
    EVENTS.into_iter().flat_map(of).collect()
}

/// Does something as the admin with one role, and checks that there is one more record, which is this one.
async fn done(
    stand: &Stand,
    (role, method, path): (&str, Method, &str),
    body: Option<Value>,
    (kind, subject): (&str, &str),
) -> Value {
    let before = recorded(stand);
    let reply = call(stand, &one_role(role), method.clone(), path, body.as_ref()).await;
    assert!((200..300).contains(&reply.status), "{method} {path}: {}", reply.text);
    let mut after = recorded(stand);
    after.retain(|record| !before.contains(record));
    let [(found, about, data)] = &after[..] else { panic!("{method} {path}: {after:?}") };
    assert_eq!((*found, about.as_str()), (kind, subject), "{method} {path}");
    assert_eq!(data["by"], json!(format!("admin:{role}")), "{method} {path}");
    reply.json
}

#[tokio::test]
async fn every_change_is_recorded_once_with_the_name_of_the_admin() {
    let stand = stand().await;
    let mine = json!({ "client_id": "mine", "metadata": { "redirect_uris": [CALLBACK] } });
    let on_clients = |method, path| ("clients", method, path);
    done(&stand, on_clients(Method::POST, "/clients"), Some(mine.clone()), ("client.registered", "mine"))
        .await;
    done(&stand, on_clients(Method::PUT, "/clients/mine"), Some(mine), ("client.updated", "mine")).await;
    done(&stand, on_clients(Method::POST, "/clients/mine/secret"), None, ("client.updated", "mine")).await;
    done(&stand, on_clients(Method::DELETE, "/clients/mine"), None, ("client.deleted", "mine")).await;

    stand.tokens("web", "openid offline_access").await;
    let id =
        async |what: &str| text(&get(&stand, &format!("/{what}?sub=alice")).await.json["items"][0]["id"]);
    let (session, authorization) = (id("sessions").await, id("authorizations").await);
    let path = format!("/sessions/{session}");
    done(&stand, ("revoke", Method::DELETE, &path), None, ("session.ended", &session)).await;
    let path = format!("/authorizations/{authorization}");
    done(&stand, ("revoke", Method::DELETE, &path), None, ("authorization.revoked", &authorization)).await;
    for (disabled, kind) in [(true, "account.disabled"), (false, "account.enabled")] {
        let body = Some(json!({ "disabled": disabled }));
        done(&stand, ("revoke", Method::PUT, "/subjects/alice"), body, (kind, "alice")).await;
    }

    let keys = done(&stand, ("keys", Method::POST, "/keys:rotate"), None, ("key.rotated", "keys")).await;
    let kid = text(&keys["items"][0]["kid"]);
    let path = format!("/keys/{kid}:revoke");
    done(&stand, ("keys", Method::POST, &path), None, ("key.revoked", &kid)).await;
}

#[tokio::test]
async fn what_is_refused_or_changes_nothing_leaves_no_record() {
    let stand = stand().await;
    let rotated = call(&stand, TOKEN, Method::POST, "/keys:rotate", None).await;
    assert_eq!(rotated.status, 200);
    let before = recorded(&stand);
    let broken = json!({ "metadata": { "redirect_uris": ["ftp://x"] } });
    let taken = json!({ "client_id": "web", "metadata": { "redirect_uris": [CALLBACK] } });
    let disable = json!({ "disabled": true });
    for (token, method, path, body, status) in [
        (TOKEN, Method::POST, "/clients", Some(&broken), 422),
        (TOKEN, Method::POST, "/clients", Some(&taken), 409),
        (TOKEN, Method::PUT, "/clients/web", Some(&taken), 409),
        (TOKEN, Method::DELETE, "/clients/unknown", None, 404),
        (TOKEN, Method::DELETE, "/sessions/ses_x", None, 404),
        (TOKEN, Method::DELETE, "/authorizations/az_x", None, 404),
        (TOKEN, Method::POST, "/keys/unknown:revoke", None, 404),
        (TOKEN, Method::PUT, "/subjects/alice", Some(&broken), 422),
        (&one_role("read"), Method::PUT, "/subjects/alice", Some(&disable), 403),
        // Successors wait already.
        (TOKEN, Method::POST, "/keys:rotate", None, 200),
    ] {
        let reply = call(&stand, token, method.clone(), path, body).await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text);
        assert_eq!(recorded(&stand), before, "{method} {path}");
    }
}
