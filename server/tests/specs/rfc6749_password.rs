//! The resource owner password credentials grant (RFC 6749 section 4.3) through the front door.

use serde_json::{Value, json};

use super::{
    harness::{Reply, SECRET, Stand, claims},
    helpers::configured,
    sidecar::Sidecar,
};

/// A policy that knows one password, and asks for a second factor where the scope has more than `openid`.
fn decide(request: &Value) -> Value {
    let given = &request["password"];
    if given["username"] != "alice" || given["password"] != "wonderland" {
        return json!({ "decision": "deny", "error": { "code": "invalid_grant", "description": "no" } });
    }
    if request["proposal"]["grant"]["scope"].as_array().unwrap().len() > 2 && given["otp"] != "123456" {
        return json!({ "decision": "challenge", "challenge": { "kind": "step_up", "amr_values": ["otp"] } });
    }
    json!({
        "decision": "allow",
        "set": {
            "grant": {
                "sub": "alice",
                "authentication": { "authenticated_at": "2026-11-23T07:00:00Z", "amr": ["pwd"] },
            },
            "token_response": { "welcome": "back" },
        },
    })
}

async fn stand(sidecar: Option<&Sidecar>) -> Stand {
    let policy = sidecar.map(|s| s.policy("store", &["grant.password"]));
    Stand::with(|config| {
        for (id, first_party) in [("own-app", true), ("their-app", false)] {
            let mut client = configured(
                id,
                &json!({
                    "grant_types": ["password", "refresh_token"],
                    "scope": "openid email offline_access reports.read",
                }),
            );
            client.settings.first_party = first_party;
            config.clients.push(client);
        }
        config.policy.extend(policy);
        config.limits.enabled = true;
        config.limits.logins = 3;
    })
    .await
}

async fn log_in(stand: &Stand, client: &str, more: &[(&str, &str)]) -> Reply {
    let mut form = vec![("grant_type", "password"), ("scope", "openid email")];
    if !more.iter().any(|(name, _)| *name == "username") {
        form.extend([("username", "alice"), ("password", "wonderland")]);
    }
    form.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    form.extend(more);
    stand.post("/token", client, &form).await
}

#[tokio::test]
async fn a_policy_says_who_the_user_is() {
    let sidecar = Sidecar::start(decide).await;
    let stand = stand(Some(&sidecar)).await;
    let reply = log_in(&stand, "own-app", &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json["welcome"], "back");
    let token = claims(reply.json["access_token"].as_str().unwrap());
    assert_eq!((&token["sub"], &token["scope"]), (&json!("alice"), &json!("openid email")));
    let id_token = claims(reply.json["id_token"].as_str().unwrap());
    assert_eq!((&id_token["sub"], &id_token["amr"]), (&json!("alice"), &json!(["pwd"])));
    let info = stand.userinfo(reply.json["access_token"].as_str().unwrap()).await;
    assert_eq!((info.status, &info.json["sub"]), (200, &json!("alice")));
}

#[tokio::test]
async fn refresh_tokens_come_with_offline_access_and_work() {
    let sidecar = Sidecar::start(decide).await;
    let stand = stand(Some(&sidecar)).await;
    let none = log_in(&stand, "own-app", &[]).await;
    assert!(none.json["refresh_token"].is_null());
    let more = [("scope", "openid email offline_access"), ("otp", "123456")];
    let reply = log_in(&stand, "own-app", &more).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let token = reply.json["refresh_token"].as_str().unwrap();
    let refreshed = super::helpers::refresh(&stand, "own-app", token).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
}

#[tokio::test]
async fn a_second_factor_travels_in_a_parameter_of_its_own() {
    let sidecar = Sidecar::start(decide).await;
    let stand = stand(Some(&sidecar)).await;
    let scope = ("scope", "openid email reports.read");
    let without = log_in(&stand, "own-app", &[scope]).await;
    assert_eq!(without.status, 400);
    assert_ne!(without.error(), "invalid_request", "{}", without.text);
    let with = log_in(&stand, "own-app", &[scope, ("otp", "123456")]).await;
    assert_eq!(with.status, 200, "{}", with.text);
}

#[tokio::test]
async fn wrong_passwords_and_unknown_users_are_refused_alike() {
    let sidecar = Sidecar::start(decide).await;
    let stand = stand(Some(&sidecar)).await;
    let wrong = log_in(&stand, "own-app", &[("username", "alice"), ("password", "x")]).await;
    let unknown = log_in(&stand, "own-app", &[("username", "mallory"), ("password", "x")]).await;
    assert_eq!((wrong.status, wrong.error()), (400, "invalid_grant"));
    assert_eq!(wrong.json, unknown.json);
}

#[tokio::test]
async fn guesses_are_limited_per_user_name_however_it_is_written() {
    let sidecar = Sidecar::start(decide).await;
    let stand = stand(Some(&sidecar)).await;
    for name in ["alice", "ALICE", " alice "] {
        let reply = log_in(&stand, "own-app", &[("username", name), ("password", "x")]).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
    }
    let right = log_in(&stand, "own-app", &[]).await;
    assert_eq!(right.status, 429, "{}", right.text);
    assert!(right.header("retry-after").parse::<u64>().unwrap() > 0);
    let other = log_in(&stand, "own-app", &[("username", "bob"), ("password", "x")]).await;
    assert_eq!(other.status, 400);
    assert_eq!(sidecar.requests().len(), 4);
}

#[tokio::test]
async fn guesses_are_limited_per_address_whatever_the_client_says_that_it_is() {
    let sidecar = Sidecar::start(decide).await;
    let policy = sidecar.policy("store", &["grant.password"]);
    let stand = Stand::with(|config| {
        let mut client = configured("own-app", &json!({ "grant_types": ["password"], "scope": "openid" }));
        client.settings.first_party = true;
        config.clients.push(client);
        config.policy.push(policy);
        config.limits.enabled = true;
        config.limits.logins_per_address = 3;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let guess = async |from: &str, name: &str| {
        let form = [("grant_type", "password"), ("username", name), ("password", "x")];
        let request = stand.http.post(format!("{}/token", stand.issuer)).basic_auth("own-app", Some(SECRET));
        Reply::read(request.header("x-forwarded-for", from).form(&form).send().await.unwrap()).await.status
    };
    for n in 0..3 {
        assert_eq!(guess("192.0.2.1", &format!("user-{n}")).await, 400);
    }
    assert_eq!(guess("192.0.2.1", "another").await, 429, "another name does not help");
    // Only the address that the trusted proxy wrote last counts.
    assert_eq!(guess("198.51.100.9, 192.0.2.1", "another").await, 429);
    assert_eq!(guess("192.0.2.2", "another").await, 400);
    assert_eq!(sidecar.requests().len(), 4, "who has to wait is not looked up");
}

#[tokio::test]
async fn what_the_operator_assigns_is_proposed_and_a_policy_can_take_it_away() {
    for taken in [false, true] {
        let sidecar = Sidecar::start(move |request| {
            let mut decision = decide(request);
            if taken {
                decision["set"]["grant"]["scope"] = json!(["openid", "email"]);
            }
            decision
        })
        .await;
        let policy = sidecar.policy("store", &["grant.password"]);
        let stand = Stand::with(|config| {
            let metadata = json!({ "grant_types": ["password"], "scope": "openid email" });
            let mut client = configured("own-app", &metadata);
            client.settings.first_party = true;
            client.settings.default_scope = vec!["reports.read".to_owned()];
            config.clients.push(client);
            config.policy.push(policy);
        })
        .await;
        let reply = log_in(&stand, "own-app", &[("otp", "123456")]).await;
        let all = json!(["openid", "email", "reports.read"]);
        let asked = &sidecar.requests()[0];
        assert_eq!(asked["proposal"]["grant"]["scope"], all);
        assert_eq!(asked["limits"]["grant"]["scope"], all);
        let expected = if taken { "openid email" } else { "openid email reports.read" };
        assert_eq!(reply.json["scope"], expected, "{}", reply.text);
    }
}

#[tokio::test]
async fn only_clients_of_the_operator_may_ask_for_passwords() {
    let sidecar = Sidecar::start(decide).await;
    let stand = stand(Some(&sidecar)).await;
    let reply = log_in(&stand, "their-app", &[]).await;
    assert_eq!((reply.status, reply.error()), (400, "unauthorized_client"), "{}", reply.text);
    assert!(sidecar.requests().is_empty());
}

#[tokio::test]
async fn discovery_tells_whether_the_grant_is_on() {
    let sidecar = Sidecar::start(decide).await;
    let stand = stand(Some(&sidecar)).await;
    let url = format!("{}/.well-known/openid-configuration", stand.issuer);
    let with = Reply::read(stand.http.get(url).send().await.unwrap()).await;
    assert!(with.json["grant_types_supported"].as_array().unwrap().contains(&json!("password")));
    let stand = Stand::start().await;
    let url = format!("{}/.well-known/openid-configuration", stand.issuer);
    let without = Reply::read(stand.http.get(url).send().await.unwrap()).await;
    assert!(!without.json["grant_types_supported"].as_array().unwrap().contains(&json!("password")));
}

#[tokio::test]
async fn nobody_can_grant_themselves_the_grant() {
    let sidecar = Sidecar::start(decide).await;
    let stand = stand(Some(&sidecar)).await;
    for grant in [
        "password",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
    ] {
        let body = json!({ "grant_types": [grant], "response_types": [] });
        let request = stand.http.post(format!("{}/register", stand.issuer)).json(&body);
        let reply = Reply::read(request.send().await.unwrap()).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_client_metadata"), "{}", reply.text);
    }
}
