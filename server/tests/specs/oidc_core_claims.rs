//! Claims from sources (OpenID Connect Core sections 5.1 to 5.6) through the front door.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, HEADLESS, Stand, auth, claims},
    helpers::{refresh, text},
    sidecar::Sidecar,
};

/// A source that knows `email` and `phone_number`, and answers in the language that is asked for.
fn source(request: &Value) -> Value {
    let known = json!({
        "email": "alice@directory.example", "email_verified": true, "phone_number": "+1 555 0199",
        "name#de": "Alice aus dem Verzeichnis",
    });
    let asked = request["claims"]["requested"].as_array().unwrap();
    let mut set = serde_json::Map::new();
    for claim in asked {
        let name = claim["name"].as_str().unwrap();
        for (key, value) in known.as_object().unwrap() {
            if key == name || key.split('#').next() == Some(name) {
                set.insert(key.clone(), value.clone());
            }
        }
    }
    json!({ "decision": "allow", "set": { "claims": set } })
}

async fn stand(sidecar: &Sidecar, owns: &[&str]) -> Stand {
    let mut policy = sidecar.policy("directory", &["claims.source"]);
    policy.owns = owns.iter().map(|name| (*name).to_owned()).collect();
    Stand::with(|config| config.policy.push(policy)).await
}

#[tokio::test]
async fn a_claim_that_a_source_owns_comes_from_it_and_the_others_from_the_session() {
    let sidecar = Sidecar::start(source).await;
    let stand = stand(&sidecar, &["email", "email_verified", "phone_number"]).await;
    let tokens = stand.tokens("web", "openid email profile").await;
    let info = stand.userinfo(tokens["access_token"].as_str().unwrap()).await.json;
    assert_eq!(info["email"], "alice@directory.example");
    assert_eq!(info["name"], "Alice Adams");
    let asked = sidecar.requests().pop().unwrap();
    assert_eq!(asked["claims"]["target"], "userinfo");
    assert_eq!(asked["subject"]["sub"], "alice");
    let names: Vec<&str> =
        asked["limits"]["claims"]["names"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    assert!(names.contains(&"email") && !names.contains(&"phone_number"), "{names:?}");
    assert!(asked["proposal"]["claims"]["email"].is_null(), "what the session says of it does not count");
}

#[tokio::test]
async fn a_source_is_asked_for_what_the_claims_parameter_names_with_its_demands() {
    let sidecar = Sidecar::start(source).await;
    let stand = stand(&sidecar, &["phone_number"]).await;
    let mut browser = Browser::new();
    let wanted = json!({
        "id_token": { "phone_number": { "essential": true } },
        "userinfo": { "phone_number": null },
    })
    .to_string();
    let params =
        stand.sign_in(&mut browser, "web", &[("claims", &wanted), ("claims_locales", "de en")]).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["phone_number"], "+1 555 0199");
    let asked = sidecar.requests().pop().unwrap();
    assert_eq!(asked["claims"]["target"], "id_token");
    assert_eq!(asked["claims"]["locales"], json!(["de", "en"]));
    assert_eq!(asked["claims"]["requested"], json!([{ "name": "phone_number", "essential": true }]));
}

#[tokio::test]
async fn verified_claims_pass_through_as_they_are() {
    let verified = json!({
        "verification": { "trust_framework": "eidas" }, "claims": { "given_name": "Alice" },
    });
    let answer = verified.clone();
    let sidecar = Sidecar::start(
        move |_| json!({ "decision": "allow", "set": { "claims": { "verified_claims": answer } } }),
    )
    .await;
    let stand = stand(&sidecar, &["verified_claims"]).await;
    let wanted = json!({
        "verification": { "trust_framework": null }, "claims": { "given_name": null },
    });
    let parameter = json!({ "userinfo": { "verified_claims": wanted } }).to_string();
    let params = stand.sign_in(&mut Browser::new(), "web", &[("claims", &parameter)]).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let info = stand.userinfo(tokens["access_token"].as_str().unwrap()).await.json;
    assert_eq!(info["verified_claims"], verified);
    let asked = sidecar.requests().pop().unwrap();
    assert_eq!(asked["claims"]["requested"][0]["details"], wanted);
}

#[tokio::test]
async fn aggregated_and_distributed_claims_are_written_as_references() {
    let sidecar = Sidecar::start(|_| {
        json!({ "decision": "allow", "set": { "claim_sources": {
            "bank": { "claims": ["phone_number"], "jwt": "e30.e30.c2ln" },
            "mail": { "claims": ["email"], "endpoint": "https://mail.example/claims", "access_token": "t" },
        } } })
    })
    .await;
    let stand = stand(&sidecar, &["email", "phone_number"]).await;
    let tokens = stand.tokens("web", "openid email phone").await;
    let info = stand.userinfo(tokens["access_token"].as_str().unwrap()).await.json;
    assert_eq!(info["_claim_names"], json!({ "phone_number": "bank", "email": "mail" }));
    assert_eq!(
        info["_claim_sources"],
        json!({
            "bank": { "JWT": "e30.e30.c2ln" },
            "mail": { "endpoint": "https://mail.example/claims", "access_token": "t" },
        })
    );
}

#[tokio::test]
async fn every_target_has_its_own_claims_and_a_refreshed_token_fresh_ones() {
    let sidecar = Sidecar::start(|request| {
        let names = request["claims"]["requested"].as_array().unwrap();
        let target = request["claims"]["target"].as_str().unwrap();
        let told = names.iter().map(|claim| (claim["name"].as_str().unwrap().to_owned(), json!(target)));
        json!({ "decision": "allow", "set": { "claims": told.collect::<serde_json::Map<_, _>>() } })
    })
    .await;
    let stand = stand(&sidecar, &["email", "email_verified", "phone_number", "plan"]).await;
    let grant = json!({
        "scope": ["openid", "email", "offline_access"],
        "claims": { "id_token": ["phone_number"], "userinfo": ["email"], "access_token": ["plan"] },
    });
    let body = json!({ "client_id": "web", "sub": "alice", "grant": grant });
    let tokens = stand.call(HEADLESS, Method::POST, "/grants", Some(&body)).await.json;
    let (id_token, access) = (claims(&text(&tokens["id_token"])), text(&tokens["access_token"]));
    let info = stand.userinfo(&access).await.json;
    let of = |told: &Value| ["phone_number", "plan", "email"].map(|name| told[name].clone());
    assert_eq!(of(&id_token), [json!("id_token"), Value::Null, Value::Null]);
    assert_eq!(of(&claims(&access)), [Value::Null, json!("access_token"), Value::Null]);
    assert_eq!(of(&info), [Value::Null, Value::Null, json!("userinfo")]);
    let before = sidecar.requests().len();
    let again = refresh(&stand, "web", &text(&tokens["refresh_token"])).await.json;
    assert_eq!(claims(&text(&again["access_token"]))["plan"], "access_token");
    assert!(sidecar.requests().len() > before, "a refreshed token does not repeat what was told before");
}

#[tokio::test]
async fn claims_come_in_the_languages_that_were_asked_for() {
    let sidecar = Sidecar::start(source).await;
    let stand = stand(&sidecar, &["name", "email"]).await;
    let wanted = json!({ "userinfo": { "name#de": null, "email": null } }).to_string();
    let extra = [("claims", wanted.as_str()), ("claims_locales", "de-AT de")];
    let params = stand.sign_in(&mut Browser::new(), "web", &extra).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let info = stand.userinfo(&text(&tokens["access_token"])).await.json;
    assert_eq!(info["name#de"], "Alice aus dem Verzeichnis");
    assert!(info["name"].is_null(), "nobody asked for it without a language");
    let asked = sidecar.requests().pop().unwrap();
    assert_eq!(asked["claims"]["locales"], json!(["de-AT", "de"]));
    let names: Vec<&Value> =
        asked["claims"]["requested"].as_array().unwrap().iter().map(|claim| &claim["name"]).collect();
    assert!(names.contains(&&json!("name#de")) && !names.contains(&&json!("name")), "{names:?}");
}

#[tokio::test]
async fn what_is_demanded_of_the_value_of_a_claim_reaches_the_source() {
    let sidecar = Sidecar::start(source).await;
    let stand = stand(&sidecar, &["email", "phone_number", "plan"]).await;
    let demands = json!({
        "plan": { "essential": true, "values": ["gold", "silver"] },
        "phone_number": { "value": "+1 555 0199" },
    });
    let wanted = json!({ "userinfo": demands }).to_string();
    let params = stand.sign_in(&mut Browser::new(), "web", &[("claims", &wanted), ("scope", "openid")]).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let info = stand.userinfo(&text(&tokens["access_token"])).await;
    assert_eq!(info.json["phone_number"], "+1 555 0199");
    assert!(info.json["plan"].is_null(), "an essential claim that nobody knows is no error (section 5.5.1)");
    let asked = sidecar.requests().pop().unwrap();
    let mut requested = asked["claims"]["requested"].as_array().unwrap().clone();
    requested.sort_by_key(|claim| text(&claim["name"]));
    assert_eq!(
        requested,
        [
            json!({ "name": "phone_number", "essential": false, "value": "+1 555 0199" }),
            json!({ "name": "plan", "essential": true, "values": ["gold", "silver"] }),
        ]
    );
}

#[tokio::test]
async fn only_what_the_user_consented_to_is_asked_for_and_told() {
    let sidecar = Sidecar::start(
        |_| json!({ "decision": "allow", "set": { "claims": { "email": "alice@directory.example" } } }),
    )
    .await;
    let stand = stand(&sidecar, &["email", "email_verified", "phone_number", "phone_number_verified"]).await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[("scope", "openid email phone")]).await.interaction();
    stand.answer(&id, 1, &auth("alice")).await;
    let consent = json!({ "type": "consent", "grant": {
        "scope": ["openid", "email", "phone"], "claims": { "userinfo": ["email"] },
    } });
    let done = stand.answer(&id, 2, &consent).await;
    let uri = text(&done.json["response"]["delivery"]["uri"]);
    let params = browser.get(&uri).await.params();
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let info = stand.userinfo(&text(&tokens["access_token"])).await.json;
    assert_eq!(info, json!({ "sub": "alice", "email": "alice@directory.example" }));
    let asked = sidecar.requests().pop().unwrap();
    assert_eq!(asked["limits"]["claims"]["names"], json!(["email"]));
    assert_eq!(asked["claims"]["requested"], json!([{ "name": "email", "essential": false }]));
}

/// What a policy presets of claims, in each place where claims are told.
async fn preset(owns: &[&str], scope: &str) -> (Value, Value, Value) {
    let sidecar = Sidecar::start(|request| {
        if request["type"] == "claims.source" {
            return source(request);
        }
        let preset = json!({ "email": "preset@policy", "email#de": "preset@policy", "team": "north" });
        json!({ "decision": "allow", "set": { "grant": {
            "userinfo": { "claims": preset }, "id_token": { "claims": preset }, "access_token": { "claims": preset },
        } } })
    })
    .await;
    let mut policy = sidecar.policy("all", &["claims.source", "interaction.approve"]);
    policy.owns = owns.iter().map(|name| (*name).to_owned()).collect();
    let stand = Stand::with(|config| config.policy.push(policy)).await;
    let tokens = stand.tokens("web", scope).await;
    let access = text(&tokens["access_token"]);
    let info = stand.userinfo(&access).await.json;
    (info, claims(&text(&tokens["id_token"])), claims(&access))
}

#[tokio::test]
async fn what_is_preset_never_stands_in_the_place_of_what_its_owner_tells() {
    for (owns, scope) in [(&["email"][..], "openid email"), (&[], "openid email")] {
        let (info, id, access) = preset(owns, scope).await;
        assert_eq!(info["email"], "alice@directory.example", "{owns:?}");
        for told in [&info, &id, &access] {
            assert!(!told.to_string().contains("preset@policy"), "{owns:?}: {told}");
            assert_eq!(told["team"], "north", "{owns:?}: nobody else tells it");
        }
    }
    let (info, id, _) = preset(&["email"], "openid").await;
    assert_eq!((info.get("email"), id.get("email")), (None, None), "nor of what was not asked for");
    let (info, ..) = preset(&["phone_number"], "openid email").await;
    assert_eq!(info["email"], "preset@policy", "without an owner it counts");
}
