//! The decision API, `docs/protocol.md`: whatever is revoked makes kept decisions about its user forgotten.

use placet_server::config::PolicyConfig;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering::{self, TOKEN},
    harness::{HEADLESS, Stand},
    helpers::{refresh, text},
    keeping::{counting, kept},
    stateless::SCOPE,
};

/// Something that ends what a user has.
#[derive(Clone, Copy, Debug)]
enum Door {
    /// Its refresh token is revoked by its client.
    Token,
    /// Ended by the login app: one of a kind, by its id.
    Ui(&'static str),
    /// All sessions, by the login app.
    UiSessions,
    /// Ended by an operator: one of a kind, by its id.
    Admin(&'static str),
    /// Disabled, and enabled again.
    Account,
    /// Everything, by an operator.
    Everything,
}

const DOORS: [Door; 9] = [
    Door::Token,
    Door::Ui("sessions"),
    Door::UiSessions,
    Door::Ui("consents"),
    Door::Ui("authorizations"),
    Door::Admin("sessions"),
    Door::Admin("authorizations"),
    Door::Account,
    Door::Everything,
];

async fn admin(stand: &Stand, method: Method, path: &str, body: Option<&Value>) -> Value {
    let reply = administering::call(stand, TOKEN, method, path, body).await;
    assert!(reply.status < 300, "{path} {}", reply.text);
    reply.json
}

async fn ui(stand: &Stand, method: Method, path: &str) -> Value {
    let reply = stand.call(HEADLESS, method, path, None).await;
    assert!(reply.status < 300, "{path} {}", reply.text);
    reply.json
}

/// Goes through it, with something that alice has by now.
async fn go(stand: &Stand, door: Door) {
    let held = stand.tokens("web", "openid offline_access").await;
    let list = |kind: &str| format!("/{kind}?sub=alice");
    let one = |kind: &str, list: &Value| format!("/{kind}/{}", text(&list["items"][0]["id"]));
    match door {
        Door::Token => {
            let form = [("token", held["refresh_token"].as_str().unwrap())];
            assert_eq!(stand.post("/revoke", "web", &form).await.status, 200);
        }
        Door::Ui(kind) => {
            let found = ui(stand, Method::GET, &list(kind)).await;
            ui(stand, Method::DELETE, &one(kind, &found)).await;
        }
        Door::UiSessions => {
            ui(stand, Method::DELETE, &list("sessions")).await;
        }
        Door::Admin(kind) => {
            let found = admin(stand, Method::GET, &list(kind), None).await;
            admin(stand, Method::DELETE, &one(kind, &found), None).await;
        }
        Door::Account => {
            for disabled in [true, false] {
                admin(stand, Method::PUT, "/subjects/alice", Some(&json!({ "disabled": disabled }))).await;
            }
        }
        Door::Everything => {
            admin(stand, Method::POST, "/revocations", Some(&json!({ "sub": "alice" }))).await;
        }
    }
}

#[tokio::test]
async fn whatever_is_revoked_makes_decisions_about_its_user_forgotten() {
    let sidecar = counting(json!({ "max_age": 3_600 })).await;
    let policy = PolicyConfig { needs: Some(Vec::new()), ..sidecar.policy("kept", &["grant.refresh_token"]) };
    let stand = Stand::with(|config| {
        administering::admit(config);
        config.policy.push(kept(policy, 3_600));
    })
    .await;
    let number = async || {
        let token = text(&stand.tokens("other", SCOPE).await["refresh_token"]);
        let reply = refresh(&stand, "other", &token).await;
        reply.json["number"].as_u64().unwrap_or_else(|| panic!("{}", reply.text))
    };
    for door in DOORS {
        let before = number().await;
        assert_eq!(number().await, before, "{door:?}");
        go(&stand, door).await;
        assert_eq!(number().await, before + 1, "{door:?}");
    }
}
