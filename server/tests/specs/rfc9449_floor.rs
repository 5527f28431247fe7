//! How firmly tokens are bound (`sender_constraint`): policies and login apps raise it, nobody lowers it, and where no
//! key can be proved there are no tokens that have to be bound.

use placet_oauth::grant_type::GrantType;
use placet_sdk::grant::SenderConstraint;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    granting::trust_the_app,
    harness::{Browser, HEADLESS, Reply, Stand, auth, claims},
    helpers::{client, configured, text},
    policy_stage::{prompt, reply, scripted, set, stand},
    prover::{self, Prover, code_form, token},
    rfc9449_dpop::code,
    sidecar::Sidecar,
    signer::Signer,
};

const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

fn constraint(value: &str) -> Value {
    set(&json!({ "grant": { "access_token": { "sender_constraint": value } } }))
}

#[track_caller]
fn refused(reply: &Reply) {
    assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{}", reply.text);
    let told = reply.json["error_description"].as_str().unwrap();
    assert!(told.contains("only issued bound to a key"), "{told}");
}

#[track_caller]
fn bound(reply: &Reply, key: &Prover) {
    assert_eq!((reply.status, &reply.json["token_type"]), (200, &json!("DPoP")), "{}", reply.text);
    assert_eq!(claims(&text(&reply.json["access_token"]))["cnf"], json!({ "jkt": key.jkt() }));
}

#[tokio::test]
async fn policies_of_grants_see_the_proof_and_may_demand_one() {
    let hooks = ["grant.client_credentials", "grant.authorization_code", "grant.refresh_token"];
    let sidecar = Sidecar::start(|_| constraint("required")).await;
    let stand = Stand::with(|config| {
        // It may get tokens in the browser, past these policies.
        config.clients.retain(|known| known.client_id != "hybrid");
        config.policy.push(sidecar.policy("guard", &hooks));
    })
    .await;
    let key = Prover::new();
    refused(&token(&stand, "service", &OWN, None).await);
    let plain = sidecar.requests().remove(0);
    assert!(plain.get("pop").is_none(), "nothing was proved: {plain}");
    assert_eq!(plain["proposal"]["grant"]["access_token"]["sender_constraint"], "if_presented");
    bound(&token(&stand, "service", &OWN, Some(&key)).await, &key);
    let code = code(&stand, "web", &[]).await;
    refused(&token(&stand, "web", &code_form(&code), None).await);
    let tokens = token(&stand, "web", &code_form(&code), Some(&key)).await;
    bound(&tokens, &key);
    let refresh = text(&tokens.json["refresh_token"]);
    bound(&token(&stand, "web", &prover::refresh_form(&refresh), Some(&key)).await, &key);
    let facts = json!({
        "binding": "dpop", "dpop": { "verified": true, "jkt": key.jkt(), "alg": "ES256" },
    });
    let seen: Vec<Value> = sidecar.requests().into_iter().filter(|asked| asked["pop"] == facts).collect();
    let types: Vec<&str> = seen.iter().map(|asked| asked["type"].as_str().unwrap()).collect();
    assert_eq!(types, hooks);
}

#[tokio::test]
async fn policies_cannot_lower_it() {
    let sidecar = scripted(vec![constraint("none"), constraint("if_presented")]).await;
    let stand = stand(&sidecar, &["grant.client_credentials"]).await;
    let key = Prover::new();
    let lowered = token(&stand, "service", &OWN, Some(&key)).await;
    assert_eq!((lowered.status, lowered.error()), (503, "temporarily_unavailable"), "{}", lowered.text);
    bound(&token(&stand, "service", &OWN, Some(&key)).await, &key);
}

#[tokio::test]
async fn what_an_approval_demands_is_demanded_of_every_token_of_the_grant() {
    let sidecar = Sidecar::start(|_| constraint("required")).await;
    let stand = stand(&sidecar, &["interaction.approve"]).await;
    let key = Prover::new();
    let code = code(&stand, "web", &[]).await;
    refused(&token(&stand, "web", &code_form(&code), None).await);
    let tokens = token(&stand, "web", &code_form(&code), Some(&key)).await;
    bound(&tokens, &key);
    let refresh = text(&tokens.json["refresh_token"]);
    refused(&token(&stand, "web", &prover::refresh_form(&refresh), None).await);
    bound(&token(&stand, "web", &prover::refresh_form(&refresh), Some(&key)).await, &key);
}

/// A sign-in to `hybrid` with this consent; gives what the browser takes to the client.
async fn hybrid(stand: &Stand, response_type: &str, grant: &Value) -> Reply {
    let mut browser = Browser::new();
    let extra = [("response_type", response_type), ("nonce", "n")];
    let id = browser.authorize(stand, "hybrid", &extra).await.interaction();
    reply(stand, &id, &auth("alice")).await;
    let consent = json!({ "type": "consent", "accept_all": true, "grant": grant });
    let done = reply(stand, &id, &consent).await;
    assert_eq!(done.status, 200, "{}", done.text);
    browser.get(&text(&done.json["response"]["delivery"]["uri"])).await
}

#[tokio::test]
async fn nothing_that_has_to_be_bound_leaves_through_the_browser() {
    let sidecar = Sidecar::start(|_| constraint("required")).await;
    let stand = stand(&sidecar, &["interaction.approve"]).await;
    for response_type in ["id_token token", "code token", "code id_token token"] {
        let params = hybrid(&stand, response_type, &json!({})).await.params();
        assert_eq!(params["error"], "access_denied", "{params:?}");
        assert!(!params.contains_key("access_token") && !params.contains_key("code"), "{params:?}");
    }
    let params = hybrid(&stand, "code id_token", &json!({})).await.params();
    refused(&token(&stand, "hybrid", &code_form(&params["code"]), None).await);
}

#[tokio::test]
async fn a_client_that_gets_bound_tokens_alone_cannot_ask_for_one_in_the_browser() {
    let stand = Stand::with(|config| {
        let metadata = client(config, "hybrid").metadata.clone();
        let mut demanding = configured("demanding", &json!({}));
        demanding.metadata = metadata;
        demanding.settings.access_token.sender_constraint = Some(SenderConstraint::IfPresented);
        config.clients.push(demanding);
    })
    .await;
    // Its settings changed after it was registered.
    let mut stored = (*stand.server.client("demanding").await.unwrap().unwrap()).clone();
    "stored".clone_into(&mut stored.id);
    stored.settings.access_token.sender_constraint = Some(SenderConstraint::Required);
    assert!(stand.server.store().insert_client(stored.to_record().unwrap(), Vec::new()).await.unwrap());
    for (id, denied) in [("demanding", false), ("stored", true)] {
        for response_type in ["id_token token", "code token"] {
            let extra = [("response_type", response_type), ("nonce", "n")];
            let reply = Browser::new().authorize(&stand, id, &extra).await;
            let error = super::harness::query(reply.header("location")).get("error").cloned();
            assert_eq!(error.as_deref() == Some("unauthorized_client"), denied, "{id} {reply:?}");
        }
    }
    let extra = [("response_type", "code id_token"), ("nonce", "n")];
    Browser::new().authorize(&stand, "stored", &extra).await.interaction();
}

#[tokio::test]
async fn a_login_app_may_demand_a_key_and_cannot_lower_what_is_demanded() {
    let stand = Stand::with(|config| {
        trust_the_app(config);
        client(config, "other").metadata.dpop_bound_access_tokens = Some(true);
    })
    .await;
    let key = Prover::new();
    for (client, set, fits) in [
        ("web", "required", true),
        ("web", "if_presented", true),
        ("web", "none", false),
        ("other", "required", true),
        ("other", "if_presented", false),
    ] {
        let mut browser = Browser::new();
        let id = browser.authorize(&stand, client, &[("prompt", "login consent")]).await.interaction();
        reply(&stand, &id, &auth("alice")).await;
        assert_eq!(prompt(&stand, &id).await["type"], "consent");
        let grant = json!({ "access_token": { "sender_constraint": set } });
        let done =
            reply(&stand, &id, &json!({ "type": "consent", "accept_all": true, "grant": grant })).await;
        if !fits {
            assert_eq!(done.status, 422, "{client} {set}: {}", done.text);
            assert_eq!(done.json["errors"][0]["pointer"], "/grant/access_token/sender_constraint");
            continue;
        }
        let params = browser.get(&text(&done.json["response"]["delivery"]["uri"])).await.params();
        let without = token(&stand, client, &code_form(&params["code"]), None).await;
        assert_eq!(without.status == 200, set == "if_presented", "{client} {set}: {}", without.text);
        if set == "required" {
            bound(&token(&stand, client, &code_form(&params["code"]), Some(&key)).await, &key);
        }
    }
    // In the browser nothing can be bound: the client learns that it gets nothing.
    let grant = json!({ "access_token": { "sender_constraint": "required" } });
    let params = hybrid(&stand, "code token", &grant).await.params();
    assert_eq!(params["error"], "access_denied", "{params:?}");
}

#[tokio::test]
async fn nobody_proves_the_key_of_a_client_in_its_place() {
    let grant = |scope: &str| json!({ "client_id": "web", "sub": "alice", "grant": { "scope": [scope] } });
    let stand = Stand::start().await;
    let body = grant("openid");
    assert_eq!(stand.call(HEADLESS, Method::POST, "/grants", Some(&body)).await.status, 200);
    let mut demanding = grant("openid");
    demanding["grant"]["access_token"] = json!({ "sender_constraint": "required" });
    let bound =
        Stand::with(|config| client(config, "web").metadata.dpop_bound_access_tokens = Some(true)).await;
    for (stand, body) in [(&stand, &demanding), (&bound, &body)] {
        let reply = stand.call(HEADLESS, Method::POST, "/grants", Some(body)).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        assert_eq!(reply.json["errors"][0]["pointer"], "/grant/access_token/sender_constraint");
    }
}

#[tokio::test]
async fn passwords_and_assertions_lead_to_bound_tokens_too() {
    let partner = Signer::new("partner");
    let (issuer, jwks) = ("https://idp.partner.example", partner.jwks());
    let sidecar = Sidecar::start(|_| set(&json!({ "grant": { "sub": "alice" } }))).await;
    let policy = sidecar.policy("who", &["grant.password", "grant.jwt_bearer"]);
    let stand = Stand::with(|config| {
        let own = client(config, "own");
        own.settings.first_party = true;
        let grants = own.metadata.grant_types.get_or_insert_default();
        grants.extend([GrantType::Password, GrantType::JwtBearer]);
        config.trusted_issuers.push(placet_server::config::TrustedIssuer {
            issuer: issuer.to_owned(),
            jwks: jwks.as_object().cloned(),
            client_ids: vec!["own".to_owned()],
            ..Default::default()
        });
        config.policy.push(policy);
    })
    .await;
    let key = Prover::new();
    let password = [("grant_type", "password"), ("username", "alice"), ("password", "wonderland")];
    bound(&token(&stand, "own", &password, Some(&key)).await, &key);
    assert_eq!(sidecar.requests().pop().unwrap()["pop"]["dpop"]["jkt"], key.jkt());
    let assertion = |more: Value| {
        let now = stand.now();
        let mut said =
            json!({ "iss": issuer, "sub": "alice", "aud": stand.issuer, "iat": now, "exp": now + 300 });
        said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        partner.sign(&said)
    };
    let present = async |assertion: String, key: Option<&Prover>| {
        let grant = GrantType::JwtBearer.as_str();
        token(&stand, "own", &[("grant_type", grant), ("assertion", &assertion)], key).await
    };
    bound(&present(assertion(json!({ "jti": "1" })), Some(&key)).await, &key);
    // An assertion that is bound counts from whoever proves it, and its tokens are bound whatever the policy sets.
    let held = |jti: &str| assertion(json!({ "jti": jti, "cnf": { "jkt": key.jkt() } }));
    for wrong in [None, Some(&Prover::new())] {
        let reply = present(held("2"), wrong).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_grant"), "{}", reply.text);
    }
    bound(&present(held("2"), Some(&key)).await, &key);
    let asked = sidecar.requests().pop().unwrap();
    assert_eq!(asked["limits"]["grant"]["access_token"]["sender_constraint"], "required");
}

#[tokio::test]
async fn the_configuration_and_registrations_cannot_contradict_themselves() {
    let mut config = placet_server::config::Config { development: true, ..Default::default() };
    config.clients = super::harness::clients::clients();
    client(&mut config, "hybrid").settings.access_token.sender_constraint = Some(SenderConstraint::Required);
    config.dpop.nonce_lifetime = 9;
    let wrong = config.check().unwrap_err().to_string();
    assert!(wrong.contains("client `hybrid`: access_token.sender_constraint"), "{wrong}");
    assert!(wrong.contains("dpop.nonce_lifetime"), "{wrong}");

    let stand = Stand::start().await;
    let register = async |more: Value| {
        let mut body = json!({
            "redirect_uris": ["https://client.example/cb"], "grant_types": ["authorization_code", "implicit"],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let request = stand.http.post(format!("{}/register", stand.issuer)).json(&body);
        Reply::read(request.send().await.unwrap()).await
    };
    let types = json!(["code id_token token"]);
    let refused = register(json!({ "response_types": types, "dpop_bound_access_tokens": true })).await;
    assert_eq!((refused.status, refused.error()), (400, "invalid_client_metadata"), "{}", refused.text);
    let wrong_type = register(json!({ "dpop_bound_access_tokens": "yes" })).await;
    assert_eq!((wrong_type.status, wrong_type.error()), (400, "invalid_client_metadata"));
    let made = register(json!({ "response_types": ["code"], "dpop_bound_access_tokens": true })).await;
    assert_eq!((made.status, &made.json["dpop_bound_access_tokens"]), (201, &json!(true)), "{}", made.text);
}
