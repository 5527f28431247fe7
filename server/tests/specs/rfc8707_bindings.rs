//! RFC 8707 and RFC 9449: resources whose tokens must be bound to a key.

use placet_server::config::Config;
use serde_json::json;

use super::{
    harness::{Browser, CALLBACK, CHALLENGE, Reply, Stand, claims},
    helpers::text,
    policy_stage::allow,
    prover::{Prover, code_form, refresh_form, token},
    rfc9449_dpop::code,
    sidecar::Sidecar,
};

const BOUND: &str = "https://bound.example";
const FREE: &str = "https://free.example";

fn resources(config: &mut Config) {
    config.resource = serde_json::from_value(json!([
        { "uri": BOUND, "dpop_bound_access_tokens_required": true }, { "uri": FREE },
    ]))
    .unwrap();
}

fn own(resource: &str) -> [(&str, &str); 2] {
    [("grant_type", "client_credentials"), ("resource", resource)]
}

#[track_caller]
fn unproved(reply: &Reply) {
    assert_eq!((reply.status, reply.error()), (400, "invalid_dpop_proof"), "{}", reply.text);
    assert!(text(&reply.json["error_description"]).contains("tokens for these resources"), "{}", reply.text);
}

#[track_caller]
fn bound(reply: &Reply, key: &Prover) {
    assert_eq!((reply.status, &reply.json["token_type"]), (200, &json!("DPoP")), "{}", reply.text);
    assert_eq!(claims(&text(&reply.json["access_token"]))["cnf"], json!({ "jkt": key.jkt() }));
}

#[tokio::test]
async fn a_resource_gets_the_bound_tokens_that_it_demands() {
    let stand = Stand::with(resources).await;
    let key = Prover::new();
    unproved(&token(&stand, "service", &own(BOUND), None).await);
    bound(&token(&stand, "service", &own(BOUND), Some(&key)).await, &key);
    let free = token(&stand, "service", &own(FREE), None).await;
    assert_eq!((free.status, &free.json["token_type"]), (200, &json!("Bearer")));
    let both = [&own(BOUND)[..], &[("resource", FREE)]].concat();
    unproved(&token(&stand, "service", &both, None).await);
}

#[tokio::test]
async fn a_grant_gives_bound_tokens_for_one_resource_and_others_for_another() {
    let stand = Stand::with(resources).await;
    let key = Prover::new();
    let code = code(&stand, "web", &[("resource", BOUND)]).await;
    let form = code_form(&code);
    unproved(&token(&stand, "web", &form, None).await);
    let tokens = token(&stand, "web", &form, Some(&key)).await;
    bound(&tokens, &key);
    let refresh = text(&tokens.json["refresh_token"]);
    assert_eq!(token(&stand, "web", &refresh_form(&refresh), None).await.status, 400);
    bound(&token(&stand, "web", &refresh_form(&refresh), Some(&key)).await, &key);
}

#[tokio::test]
async fn no_token_that_must_be_bound_is_handed_out_in_the_browser() {
    let stand = Stand::with(resources).await;
    let pairs = [
        ("client_id", "hybrid"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code token"),
        ("scope", "openid"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", BOUND),
    ];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let params = Browser::new().get(&format!("{}/authorize?{query}", stand.issuer)).await.params();
    assert_eq!(params["error"], "invalid_target", "{params:?}");
}

#[tokio::test]
async fn a_policy_sees_the_demand_and_cannot_lower_it() {
    let sidecar = Sidecar::start(|_| allow()).await;
    let stand = Stand::with(|config| {
        resources(config);
        config.policy.push(sidecar.policy("guard", &["grant.client_credentials"]));
    })
    .await;
    let key = Prover::new();
    bound(&token(&stand, "service", &own(BOUND), Some(&key)).await, &key);
    let asked = sidecar.requests().pop().unwrap();
    assert_eq!(asked["proposal"]["grant"]["access_token"]["sender_constraint"], "required");
    assert_eq!(asked["limits"]["grant"]["access_token"]["sender_constraint"], "required");
}
