//! RFC 8707: tokens for the resources that a client names, as their servers want them.

use placet_sdk::grant::Encoding;
use placet_server::config::{Config, ResourceConfig};
use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, CHALLENGE, Params, Reply, Stand, VERIFIER, auth, claims},
    helpers::{client, header, text},
    policy_stage::{allow, prompt, reply},
    sidecar::Sidecar,
};

const READS: &str = "https://reads.example";
const WRITES: &str = "https://writes.example";
const ANY: &str = "https://api.example";

/// Resources with these settings, besides `api`, which takes any token.
fn resources(config: &mut Config, all: &Value) {
    config.resource = serde_json::from_value(all.clone()).unwrap();
}

/// Two resources of which each knows one scope value.
fn two(config: &mut Config) {
    let all =
        json!([{ "uri": READS, "scopes": ["reports.read"] }, { "uri": WRITES, "scopes": ["reports.write"] }]);
    resources(config, &all);
}

fn resource<'a>(config: &'a mut Config, uri: &str) -> &'a mut ResourceConfig {
    config.resource.iter_mut().find(|resource| resource.uri == uri).unwrap()
}

async fn credentials(stand: &Stand, extra: &[(&str, &str)]) -> Reply {
    stand.post("/token", "service", &[&[("grant_type", "client_credentials")], extra].concat()).await
}

/// What an access token in an answer says.
#[track_caller]
fn said(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    claims(&text(&reply.json["access_token"]))
}

#[track_caller]
fn refused(reply: &Reply, code: &str, why: &str) {
    assert_eq!((reply.status, reply.error()), (400, code), "{}", reply.text);
    let description = text(&reply.json["error_description"]);
    assert!(description.contains(why), "`{description}` does not say `{why}`");
}

/// An authorization request for several resources.
async fn ask(stand: &Stand, browser: &mut Browser, scope: &str, resources: &[&str]) -> Reply {
    ask_of(stand, browser, ("web", scope), resources).await
}

async fn ask_of(
    stand: &Stand,
    browser: &mut Browser,
    (client, scope): (&str, &str),
    resources: &[&str],
) -> Reply {
    let pairs: Vec<(&str, &str)> = resources.iter().map(|uri| ("resource", *uri)).collect();
    let more = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let base = [
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", scope),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("prompt", "consent"),
    ];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(base).finish();
    browser.get(&format!("{}/authorize?{query}&{more}", stand.issuer)).await
}

/// A code for a grant of these resources.
async fn code(stand: &Stand, scope: &str, resources: &[&str]) -> String {
    let mut browser = Browser::new();
    let id = ask(stand, &mut browser, scope, resources).await.interaction();
    stand.finish(&mut browser, &id, "alice").await["code"].clone()
}

async fn redeem(stand: &Stand, code: &str, extra: &[(&str, &str)]) -> Reply {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    stand.post("/token", "web", &[&form[..], extra].concat()).await
}

async fn refresh(stand: &Stand, token: &str, extra: &[(&str, &str)]) -> Reply {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    stand.post("/token", "web", &[&form[..], extra].concat()).await
}

fn error(params: &Params) -> (&str, &str) {
    (params["error"].as_str(), params["error_description"].as_str())
}

#[tokio::test]
async fn a_token_carries_what_its_resources_know_of_a_scope() {
    let stand = Stand::with(two).await;
    let read = said(&credentials(&stand, &[("resource", READS)]).await);
    assert_eq!((&read["aud"], &read["scope"]), (&json!(READS), &json!("reports.read")));
    let both = credentials(&stand, &[("resource", READS), ("resource", WRITES)]).await;
    assert_eq!(both.json["scope"], "reports.read reports.write");
    assert_eq!(said(&both)["aud"], json!([READS, WRITES]));
    // Whoever names a value that nobody there knows, is told.
    let form = [("resource", READS), ("scope", "reports.read reports.write")];
    refused(&credentials(&stand, &form).await, "invalid_scope", "`reports.write` is not known to");
    // A resource without a list takes any.
    let any = said(&credentials(&stand, &[("resource", ANY)]).await);
    assert_eq!(any["scope"], "reports.read reports.write");
}

#[tokio::test]
async fn an_authorization_request_is_for_resources_that_know_its_scope() {
    let stand = Stand::with(two).await;
    for (scope, resources, code, why) in [
        ("openid reports.write", &[READS][..], "invalid_scope", "`reports.write` is not known to"),
        ("openid", &["https://unknown.example"], "invalid_target", "is not known to this server"),
        ("openid", &["https://reads.example/"], "invalid_target", "is not known to this server"),
        ("openid", &["https://reads.example#x"], "invalid_target", "has a fragment"),
        ("openid", &["reads.example"], "invalid_target", "is not an absolute URI"),
        ("openid", &[READS, "https://unknown.example"], "invalid_target", "is not known"),
    ] {
        let params = ask(&stand, &mut Browser::new(), scope, resources).await.params();
        assert_eq!(error(&params).0, code, "{scope} {resources:?}");
        assert!(error(&params).1.contains(why), "{scope} {resources:?}: {params:?}");
    }
}

#[tokio::test]
async fn a_code_for_several_resources_gives_tokens_for_one_after_the_other() {
    let stand = Stand::with(two).await;
    let scope = "openid offline_access reports.read reports.write";
    let code = code(&stand, scope, &[READS, WRITES]).await;
    let first = redeem(&stand, &code, &[("resource", READS)]).await;
    let token = said(&first);
    assert_eq!(token["aud"], READS);
    assert_eq!(
        token["scope"], "openid offline_access reports.read",
        "what is about no resource is everywhere"
    );
    assert_eq!(first.json["scope"], token["scope"]);
    assert!(first.json["id_token"].is_string());
    // The grant itself has not become less.
    let refresh_token = text(&first.json["refresh_token"]);
    let second = refresh(&stand, &refresh_token, &[("resource", WRITES)]).await;
    let token = said(&second);
    assert_eq!(
        (&token["aud"], &token["scope"]),
        (&json!(WRITES), &json!("openid offline_access reports.write"))
    );
    let all = said(&refresh(&stand, &text(&second.json["refresh_token"]), &[]).await);
    assert_eq!(all["aud"], json!([READS, WRITES]));
    let words = |value: &Value| {
        let mut words: Vec<String> = text(value).split(' ').map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    assert_eq!(words(&all["scope"]), ["offline_access", "openid", "reports.read", "reports.write"]);
}

#[tokio::test]
async fn what_was_not_granted_is_refused_and_costs_neither_code_nor_refresh_token() {
    let stand = Stand::with(two).await;
    let code = code(&stand, "openid offline_access reports.read", &[READS]).await;
    for resource in [WRITES, ANY, &stand.issuer.clone(), "https://unknown.example"] {
        let reply = redeem(&stand, &code, &[("resource", resource)]).await;
        refused(&reply, "invalid_target", "was not granted");
    }
    let tokens = redeem(&stand, &code, &[("resource", READS)]).await;
    let token = text(&tokens.json["refresh_token"]);
    refused(&refresh(&stand, &token, &[("resource", WRITES)]).await, "invalid_target", "was not granted");
    let both = refresh(&stand, &token, &[("resource", READS), ("resource", WRITES)]).await;
    refused(&both, "invalid_target", "was not granted");
    said(&refresh(&stand, &token, &[("resource", READS)]).await);
}

#[tokio::test]
async fn a_grant_without_resources_is_one_for_the_usual_audience() {
    let stand = Stand::with(two).await;
    let issuer = stand.issuer.clone();
    let plain = code(&stand, "openid reports.read", &[]).await;
    refused(&redeem(&stand, &plain, &[("resource", READS)]).await, "invalid_target", "was not granted");
    assert_eq!(said(&redeem(&stand, &plain, &[("resource", &issuer)]).await)["aud"], issuer);
}

#[tokio::test]
async fn a_token_that_would_be_good_for_nothing_is_refused() {
    let stand = Stand::with(two).await;
    let code = code(&stand, "reports.read", &[READS, WRITES]).await;
    let reply = redeem(&stand, &code, &[("resource", WRITES)]).await;
    refused(&reply, "invalid_scope", "nothing of `reports.read` is known to `https://writes.example`");
    said(&redeem(&stand, &code, &[("resource", READS)]).await);
}

#[tokio::test]
async fn the_shortest_life_wins_and_opaque_wins() {
    let stand = Stand::with(|config| {
        two(config);
        resource(config, READS).lifetime = Some(60);
        resource(config, WRITES).lifetime = Some(90);
        resource(config, WRITES).token_format = Some(Encoding::Opaque);
    })
    .await;
    let one = credentials(&stand, &[("resource", READS)]).await;
    assert_eq!(
        (one.json["expires_in"].as_u64(), text(&one.json["access_token"]).contains('.')),
        (Some(60), true)
    );
    let other = credentials(&stand, &[("resource", WRITES)]).await;
    assert_eq!(
        (other.json["expires_in"].as_u64(), text(&other.json["access_token"]).contains('.')),
        (Some(90), false)
    );
    let both = credentials(&stand, &[("resource", READS), ("resource", WRITES)]).await;
    assert_eq!(
        (both.json["expires_in"].as_u64(), text(&both.json["access_token"]).contains('.')),
        (Some(60), false)
    );
    let usual = credentials(&stand, &[]).await;
    assert_eq!(usual.json["expires_in"], 600);
}

#[tokio::test]
async fn what_a_resource_can_read_comes_before_the_settings_of_the_client() {
    let stand = Stand::with(|config| {
        two(config);
        resource(config, READS).token_format = Some(Encoding::Jwt);
        resource(config, READS).signing_alg = Some("ES256".to_owned());
        let settings = &mut client(config, "service").settings.access_token;
        settings.encoding = Some(Encoding::Opaque);
        settings.signing_alg = Some("RS256".to_owned());
    })
    .await;
    let token = text(&credentials(&stand, &[("resource", READS)]).await.json["access_token"]);
    assert_eq!(header(&token)["alg"], "ES256");
    assert!(!text(&credentials(&stand, &[]).await.json["access_token"]).contains('.'));
}

#[tokio::test]
async fn resources_that_cannot_read_the_same_token_are_asked_for_one_at_a_time() {
    let stand = Stand::with(|config| {
        two(config);
        resource(config, READS).signing_alg = Some("ES256".to_owned());
        resource(config, WRITES).signing_alg = Some("RS256".to_owned());
    })
    .await;
    let both = credentials(&stand, &[("resource", READS), ("resource", WRITES)]).await;
    refused(&both, "invalid_target", "ask for one of them");
    let code = code(&stand, "openid reports.read reports.write", &[READS, WRITES]).await;
    refused(&redeem(&stand, &code, &[]).await, "invalid_target", "ask for one of them");
    let token = redeem(&stand, &code, &[("resource", WRITES)]).await;
    assert_eq!(header(&text(&token.json["access_token"]))["alg"], "RS256");

    // A token of the response itself cannot be asked for one at a time.
    let front = [
        ("client_id", "hybrid"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code token"),
        ("scope", "openid reports.read"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", READS),
        ("resource", WRITES),
    ];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(front).finish();
    let params = Browser::new().get(&format!("{}/authorize?{query}", stand.issuer)).await.params();
    assert_eq!(error(&params).0, "invalid_target", "{params:?}");
}

#[tokio::test]
async fn a_client_may_ask_for_the_resources_that_the_operator_allows_it() {
    let stand = Stand::with(|config| {
        two(config);
        for id in ["service", "web"] {
            client(config, id).settings.allowed_resources = Some(vec![READS.to_owned()]);
        }
    })
    .await;
    said(&credentials(&stand, &[("resource", READS)]).await);
    said(&credentials(&stand, &[("resource", &stand.issuer.clone())]).await);
    refused(&credentials(&stand, &[("resource", WRITES)]).await, "invalid_target", "is not for this client");
    let params = ask(&stand, &mut Browser::new(), "openid", &[READS, WRITES]).await.params();
    assert_eq!(
        error(&params),
        ("invalid_target", "resource `https://writes.example` is not for this client")
    );
}

#[tokio::test]
async fn the_page_of_consent_learns_whose_scope_values_are() {
    let stand = Stand::with(two).await;
    let mut browser = Browser::new();
    let scope = "openid reports.read reports.write";
    let id = ask(&stand, &mut browser, scope, &[READS, WRITES]).await.interaction();
    reply(&stand, &id, &auth("alice")).await;
    let consent = prompt(&stand, &id).await;
    assert_eq!(consent["request"]["resources"], json!([READS, WRITES]));
    let of = |value: &str| {
        let items = consent["consent"]["scope"].as_array().unwrap();
        items.iter().find(|item| item["value"] == value).unwrap()["resources"].clone()
    };
    assert_eq!(of("reports.read"), json!([READS]));
    assert_eq!(of("reports.write"), json!([WRITES]));
    assert_eq!(of("openid"), Value::Null);
}

#[tokio::test]
async fn a_policy_sees_what_is_left_of_a_grant_for_these_resources() {
    let sidecar = Sidecar::start(|_| allow()).await;
    let stand = Stand::with(|config| {
        two(config);
        resource(config, READS).lifetime = Some(60);
        config.clients.retain(|client| client.client_id != "hybrid");
        config.policy.push(sidecar.policy("guard", &["grant.authorization_code"]));
    })
    .await;
    let code = code(&stand, "openid reports.read reports.write", &[READS, WRITES]).await;
    said(&redeem(&stand, &code, &[("resource", READS)]).await);
    let asked = sidecar.requests().pop().unwrap();
    assert_eq!(asked["grant"]["requested"]["resources"], json!([READS]));
    assert_eq!(asked["authorization"]["resources"], json!([READS, WRITES]), "what the user granted");
    let proposed = &asked["proposal"]["grant"];
    assert_eq!(
        (&proposed["resources"], &proposed["scope"]),
        (&json!([READS]), &json!(["openid", "reports.read"]))
    );
    assert_eq!(proposed["access_token"]["lifetime"], 60);
    assert_eq!(asked["limits"]["grant"]["access_token"]["audiences"], json!([READS]));
    assert_eq!(asked["limits"]["grant"]["scope"], json!(["openid", "reports.read"]));
}

#[tokio::test]
async fn a_resource_server_is_told_of_its_own_scope_alone() {
    let stand = Stand::with(|config| {
        two(config);
        client(config, "api").settings.resources = vec![READS.to_owned()];
    })
    .await;
    let token = said_token(&credentials(&stand, &[("resource", READS), ("resource", WRITES)]).await);
    let scope = async |caller: &str| {
        stand.post("/introspect", caller, &[("token", &token)]).await.json["scope"].clone()
    };
    assert_eq!(scope("api").await, "reports.read");
    assert_eq!(scope("service").await, "reports.read reports.write", "its client knows it already");
}

fn said_token(reply: &Reply) -> String {
    text(&reply.json["access_token"])
}

#[tokio::test]
async fn what_the_operator_takes_from_a_client_is_in_no_later_token() {
    let stand = Stand::with(two).await;
    let web = (*stand.server.client("web").await.unwrap().unwrap()).clone();
    let mut kept = placet_server::client::Client { id: "kept".to_owned(), ..web };
    assert!(stand.server.store().insert_client(kept.to_record().unwrap(), Vec::new()).await.unwrap());
    let mut browser = Browser::new();
    let scope = "openid offline_access reports.read reports.write";
    let id = ask_of(&stand, &mut browser, ("kept", scope), &[READS, WRITES]).await.interaction();
    let code = stand.finish(&mut browser, &id, "alice").await["code"].clone();
    let tokens = stand.redeem("kept", &code).await;
    let token = text(&tokens.json["refresh_token"]);

    let mut allow_only = async |uris: &[&str]| {
        let current = stand.server.store().client("kept").await.unwrap().unwrap();
        kept.generation = current.generation;
        kept.settings.allowed_resources = Some(uris.iter().map(|uri| (*uri).to_owned()).collect());
        assert!(stand.server.store().update_client(kept.to_record().unwrap(), Vec::new()).await.unwrap());
        stand.server.forget_client("kept").await;
    };
    allow_only(&[READS]).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    let less = stand.post("/token", "kept", &form).await;
    assert_eq!(said(&less)["aud"], READS);
    allow_only(&[]).await;
    let token = text(&less.json["refresh_token"]);
    let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    refused(&stand.post("/token", "kept", &form).await, "invalid_target", "not for this client any more");
}
