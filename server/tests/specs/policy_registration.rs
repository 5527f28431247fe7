//! `client.register`, `client.update` and `client.delete`, `docs/protocol.md`; software statements (RFC 7591 section 2.3).

use std::sync::atomic::Ordering;

use placet_server::{config::RegistrationMode, seal::hex};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    harness::{Reply, Stand},
    helpers::text,
    policy_stage::{allow, challenge, deny, failing, scripted, set, stand},
    sidecar::Sidecar,
};

const HOOKS: [&str; 3] = ["client.register", "client.update", "client.delete"];
const URI: &str = "https://dynamic.example/cb";

async fn send(stand: &Stand, method: Method, path: &str, token: Option<&str>, body: Option<&Value>) -> Reply {
    let mut request = stand.http.request(method, format!("{}{path}", stand.issuer));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    Reply::read(request.send().await.unwrap()).await
}

async fn register(stand: &Stand, extra: &Value) -> Reply {
    let mut body = json!({ "redirect_uris": [URI], "client_name": "Acme" });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    send(stand, Method::POST, "/register", None, Some(&body)).await
}

/// How many clients registered themselves.
async fn registered(stand: &Stand) -> usize {
    stand.server.store().clients("", 100).await.unwrap().len()
}

/// The path and the token of a registration.
fn managed(reply: &Reply) -> (String, String) {
    assert_eq!(reply.status, 201, "{}", reply.text);
    (format!("/register/{}", text(&reply.json["client_id"])), text(&reply.json["registration_access_token"]))
}

fn update(reply: &Reply, name: &str) -> Value {
    json!({ "client_id": reply.json["client_id"], "redirect_uris": [URI], "client_name": name })
}

#[tokio::test]
async fn a_policy_changes_what_a_client_registers() {
    let sidecar = Sidecar::start(|_| {
        set(&json!({ "client": {
            "client_name": "Acme (verified)", "scope": "openid", "grant_types": ["authorization_code"],
            "software_version": null,
        } }))
    })
    .await;
    let stand = stand(&sidecar, &HOOKS).await;
    let asked = json!({ "software_version": "7", "client_name#de": "Acme (de)", "unknown_member": 1 });
    let reply = register(&stand, &asked).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(
        (&reply.json["client_name"], &reply.json["scope"]),
        (&json!("Acme (verified)"), &json!("openid"))
    );
    assert_eq!(reply.json["grant_types"], json!(["authorization_code"]));
    assert!(reply.json.get("software_version").is_none());
    let stored = stand.server.client(&text(&reply.json["client_id"])).await.unwrap().unwrap();
    assert_eq!(stored.metadata.client_name.as_deref(), Some("Acme (verified)"));

    let request = sidecar.requests().remove(0);
    let section = &request["registration"];
    assert_eq!((&section["operation"], &section["auth"]), (&json!("create"), &json!({ "kind": "open" })));
    assert_eq!(
        (&section["metadata"]["client_name"], &section["metadata"]["software_version"]),
        (&json!("Acme"), &json!("7"))
    );
    assert_eq!(section["metadata"], request["proposal"]["client"]);
    assert!(section.get("existing").is_none() && request.get("client").is_none());
    assert_eq!(
        (&request["request"]["endpoint"], &request["request"]["remote"]["ip"]),
        (&json!("register"), &json!("127.0.0.1"))
    );
    let limits = &request["limits"]["client"];
    assert_eq!(limits["grant_types"], json!(["authorization_code", "refresh_token", "implicit"]));
    let members: Vec<&str> =
        limits["members"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    assert!(members.contains(&"client_name#de"));
    for own in [
        "token_endpoint_auth_method",
        "redirect_uris",
        "post_logout_redirect_uris",
        "jwks",
        "jwks_uri",
        "sector_identifier_uri",
        "client_id",
    ] {
        assert!(!members.contains(&own), "{own} is the client's own word");
    }
    assert!(!request.to_string().contains("unknown_member"));
}

#[tokio::test]
async fn a_refusal_is_forbidden_or_says_what_is_wrong() {
    for (code, status) in [
        ("access_denied", 403),
        ("invalid_redirect_uri", 400),
        ("invalid_client_metadata", 400),
        ("invalid_software_statement", 400),
        ("unapproved_software_statement", 400),
    ] {
        let sidecar = Sidecar::start(move |_| deny(code)).await;
        let stand = stand(&sidecar, &HOOKS).await;
        let refused = register(&stand, &json!({})).await;
        assert_eq!((refused.status, refused.error()), (status, code), "{}", refused.text);
        assert_eq!(registered(&stand).await, 0);
    }
}

#[tokio::test]
async fn only_what_the_server_itself_would_register_is_asked_about() {
    let sidecar = Sidecar::start(|_| allow()).await;
    let stand = stand(&sidecar, &HOOKS).await;
    for wrong in [
        json!({ "redirect_uris": ["http://dynamic.example/cb"] }),
        json!({ "grant_types": ["client_credentials"] }),
        json!({ "scope": "reports.read" }),
    ] {
        assert_eq!(register(&stand, &wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(sidecar.requests().len(), 0);
}

#[tokio::test]
async fn an_update_and_a_deletion_are_asked_about_with_what_is_there() {
    let sidecar = scripted(vec![
        allow(),
        deny("access_denied"),
        set(&json!({ "client": { "client_name": "Acme II" } })),
        deny("access_denied"),
    ])
    .await;
    let stand = stand(&sidecar, &HOOKS).await;
    let mine = register(&stand, &json!({})).await;
    let (path, token) = managed(&mine);
    let body = update(&mine, "Acme 2");
    let refused = send(&stand, Method::PUT, &path, Some(&token), Some(&body)).await;
    assert_eq!((refused.status, refused.error()), (403, "access_denied"));
    let kept = send(&stand, Method::GET, &path, Some(&token), None).await;
    assert_eq!(kept.json["client_name"], "Acme");
    let updated = send(&stand, Method::PUT, &path, Some(&token), Some(&body)).await;
    assert_eq!((updated.status, &updated.json["client_name"]), (200, &json!("Acme II")), "{}", updated.text);
    let request = sidecar.requests().remove(2);
    let section = &request["registration"];
    assert_eq!(
        (&section["operation"], &section["auth"]["kind"]),
        (&json!("update"), &json!("registration_access_token"))
    );
    assert_eq!(
        (&section["existing"]["client_name"], &section["metadata"]["client_name"]),
        (&json!("Acme"), &json!("Acme 2"))
    );
    assert_eq!(request["client"]["client_id"], mine.json["client_id"]);
    assert!(
        !request.to_string().contains(&token)
            && !request.to_string().contains(&text(&mine.json["client_secret"]))
    );

    let refused = send(&stand, Method::DELETE, &path, Some(&token), None).await;
    assert_eq!((refused.status, refused.error()), (403, "access_denied"));
    assert_eq!(registered(&stand).await, 1);
    let deleted = send(&stand, Method::DELETE, &path, Some(&token), None).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(registered(&stand).await, 0);
    let request = sidecar.requests().pop().unwrap();
    assert_eq!(
        (&request["type"], &request["registration"]["operation"]),
        (&json!("client.delete"), &json!("delete"))
    );
    assert_eq!(request["registration"]["existing"]["client_name"], "Acme II");
    // A stranger is nobody whom a policy would be asked about.
    let strange = send(&stand, Method::DELETE, &path, Some("wrong"), None).await;
    assert_eq!((strange.status, sidecar.requests().len()), (401, 5));
}

#[tokio::test]
async fn while_the_policy_fails_nothing_is_registered_changed_or_deleted() {
    let (sidecar, fails) = failing(|_| allow()).await;
    let stand = stand(&sidecar, &HOOKS).await;
    let mine = register(&stand, &json!({})).await;
    let (path, token) = managed(&mine);
    fails.store(true, Ordering::SeqCst);
    let body = update(&mine, "Other");
    for reply in [
        register(&stand, &json!({})).await,
        send(&stand, Method::PUT, &path, Some(&token), Some(&body)).await,
        send(&stand, Method::DELETE, &path, Some(&token), None).await,
    ] {
        assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"), "{}", reply.text);
        assert_eq!(reply.header("retry-after"), "2");
    }
    assert_eq!(registered(&stand).await, 1);
    let kept = send(&stand, Method::GET, &path, Some(&token), None).await;
    assert_eq!(kept.json["client_name"], "Acme");
}

#[tokio::test]
async fn a_policy_cannot_register_what_the_client_itself_could_not() {
    for patch in [
        json!({ "client": { "redirect_uris": ["https://evil.example/cb"] } }),
        json!({ "client": { "grant_types": ["client_credentials"] } }),
        json!({ "client": { "scope": "openid reports.read" } }),
        json!({ "client": { "client_id": "web" } }),
        json!({ "client": { "jwks_uri": "https://evil.example/jwks" } }),
        json!({ "client": { "logo_uri": "javascript:alert(1)" } }),
        json!({ "client": { "token_endpoint_auth_method": "telepathy" } }),
        json!({ "client": { "response_types": ["id_token"] } }),
        json!({ "client": { "application_type": "toaster" } }),
        json!({ "grant": { "scope": [] } }),
    ] {
        let shown = patch.to_string();
        let sidecar = Sidecar::start(move |_| set(&patch)).await;
        let stand = stand(&sidecar, &HOOKS).await;
        let reply = register(&stand, &json!({})).await;
        assert_eq!(
            (reply.status, reply.error()),
            (503, "temporarily_unavailable"),
            "{shown}: {}",
            reply.text
        );
        assert_eq!(registered(&stand).await, 0);
    }
    let sidecar = Sidecar::start(|_| challenge(&json!({ "kind": "consent" }))).await;
    let stand = stand(&sidecar, &HOOKS).await;
    assert_eq!(register(&stand, &json!({})).await.status, 503);
}

#[tokio::test]
async fn a_policy_knows_how_the_caller_is_entitled_and_admission_comes_first() {
    const INITIAL: &str = "initial-access-token-of-the-operator";
    let sidecar = Sidecar::start(|_| allow()).await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &HOOKS));
        config.registration.mode = RegistrationMode::InitialAccessToken;
        config.registration.initial_access_token_sha256 = vec![hex(&Sha256::digest(INITIAL))];
    })
    .await;
    assert_eq!(register(&stand, &json!({})).await.status, 401);
    assert_eq!(sidecar.requests().len(), 0);
    let body = json!({ "redirect_uris": [URI] });
    let reply = send(&stand, Method::POST, "/register", Some(INITIAL), Some(&body)).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let request = sidecar.requests().remove(0);
    assert_eq!(request["registration"]["auth"], json!({ "kind": "initial_access_token" }));
    assert!(!request.to_string().contains(INITIAL));
}

#[tokio::test]
async fn a_software_statement_is_not_ignored() {
    let stand = Stand::start().await;
    // {"alg":"RS256"}.{"iss":"https://vendor.example"}.signature
    let statement = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL3ZlbmRvci5leGFtcGxlIn0.c2lnbmF0dXJl";
    for (value, code) in [
        (json!(statement), "unapproved_software_statement"),
        (json!("no.statement"), "invalid_software_statement"),
        (json!({ "iss": "https://vendor.example" }), "invalid_software_statement"),
    ] {
        let refused = register(&stand, &json!({ "software_statement": value })).await;
        assert_eq!((refused.status, refused.error()), (400, code), "{}", refused.text);
    }
    assert_eq!(registered(&stand).await, 0);
    let mine = register(&stand, &json!({ "software_statement": null })).await;
    let (path, token) = managed(&mine);
    let mut body = update(&mine, "Acme");
    body["software_statement"] = json!(statement);
    let refused = send(&stand, Method::PUT, &path, Some(&token), Some(&body)).await;
    assert_eq!((refused.status, refused.error()), (400, "unapproved_software_statement"));
}
