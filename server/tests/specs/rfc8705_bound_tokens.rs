//! Tokens that are bound to a client's certificate (RFC 8705 section 3), and to a key besides (RFC 9449).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::sha::sha256;
use placet_sdk::grant::SenderConstraint;
use placet_server::config::Config;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{
    certificates::{Identity, Wanted},
    exchanging,
    harness::{Reply, SECRET, Stand, claims},
    helpers::{client, text},
    policy_stage::set,
    prover::{self, Prover, code_form, refresh_form},
    rfc9449_dpop::code,
    securing::Secured,
    sidecar::Sidecar,
};

const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];
/// The header in which the proxy of these tests passes certificates on (RFC 9440).
const HEADER: &str = "client-cert";

/// What a request proves.
#[derive(Clone, Copy, Default)]
struct Shown<'a> {
    certificate: Option<&'a Identity>,
    key: Option<&'a Prover>,
}

fn certificate(certificate: &Identity) -> Shown<'_> {
    Shown { certificate: Some(certificate), key: None }
}

fn nothing() -> Shown<'static> {
    Shown::default()
}

fn identity() -> Identity {
    Wanted::client("books").self_signed()
}

fn thumbprint(identity: &Identity) -> String {
    URL_SAFE_NO_PAD.encode(sha256(&identity.certificate.to_der().unwrap()))
}

/// A server behind a proxy that passes certificates on; `web`, `spa`, `opaque` and `service` want bound tokens.
async fn start(change: impl FnOnce(&mut Config)) -> Stand {
    Stand::with(|config| {
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.mtls.proxy.header = Some(HEADER.to_owned());
        for id in ["web", "spa", "opaque", "service"] {
            client(config, id).metadata.tls_client_certificate_bound_access_tokens = Some(true);
        }
        change(config);
    })
    .await
}

fn showing(request: RequestBuilder, certificate: Option<&Identity>) -> RequestBuilder {
    match certificate {
        Some(identity) => request.header(HEADER, format!(":{}:", identity.base64())),
        None => request,
    }
}

async fn token(stand: &Stand, client: &str, form: &[(&str, &str)], shown: Shown<'_>) -> Reply {
    let mut request = showing(stand.http.post(format!("{}/token", stand.issuer)), shown.certificate);
    let mut form = form.to_vec();
    if client == "spa" {
        form.push(("client_id", client));
    } else {
        request = request.basic_auth(client, Some(SECRET));
    }
    if let Some(key) = shown.key {
        request = request.header("DPoP", key.proof(stand));
    }
    Reply::read(request.form(&form).send().await.unwrap()).await
}

async fn userinfo(stand: &Stand, token: &str, shown: Shown<'_>) -> Reply {
    let mut request = showing(stand.http.get(format!("{}/userinfo", stand.issuer)), shown.certificate);
    request = match shown.key {
        Some(key) => request
            .header("Authorization", format!("DPoP {token}"))
            .header("DPoP", key.proof_for(stand, token)),
        None => request.bearer_auth(token),
    };
    Reply::read(request.send().await.unwrap()).await
}

#[track_caller]
fn issued(reply: Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

#[track_caller]
fn refused(reply: &Reply, error: &str) {
    assert_eq!((reply.status, reply.error()), (400, error), "{}", reply.text);
}

fn cnf(tokens: &Value) -> Value {
    claims(&text(&tokens["access_token"]))["cnf"].clone()
}

#[tokio::test]
async fn a_token_is_bound_to_the_certificate_of_the_request_and_good_with_it_alone() {
    let stand = start(|_| {}).await;
    let (own, other) = (identity(), identity());
    let bound = json!({ "x5t#S256": thumbprint(&own) });
    for client in ["web", "opaque", "spa"] {
        let code = code(&stand, client, &[]).await;
        refused(&token(&stand, client, &code_form(&code), nothing()).await, "invalid_request");
        let tokens = issued(token(&stand, client, &code_form(&code), certificate(&own)).await);
        assert_eq!(tokens["token_type"], "Bearer", "RFC 8705 section 3");
        let access = text(&tokens["access_token"]);
        if client == "opaque" {
            let seen = stand.post("/introspect", client, &[("token", &access)]).await.json;
            assert_eq!((&seen["cnf"], &seen["token_type"]), (&bound, &json!("Bearer")), "{seen}");
        } else {
            assert_eq!(cnf(&tokens), bound);
        }
        assert_eq!(userinfo(&stand, &access, certificate(&own)).await.json["sub"], "alice");
        for wrong in [nothing(), certificate(&other)] {
            let reply = userinfo(&stand, &access, wrong).await;
            assert_eq!((reply.status, reply.error()), (401, "invalid_token"), "{}", reply.text);
        }
    }
    refused(&token(&stand, "service", &OWN, nothing()).await, "invalid_request");
    assert_eq!(cnf(&issued(token(&stand, "service", &OWN, certificate(&own)).await)), bound);
}

#[tokio::test]
async fn the_listener_that_asks_for_certificates_binds_to_what_it_saw() {
    let secured = Secured::with(|config| {
        client(config, "service").metadata.tls_client_certificate_bound_access_tokens = Some(true);
    })
    .await;
    let own = identity();
    let http = secured.http(&own);
    let ask = async |base: &str, proof: Option<String>| {
        let mut request = http.post(format!("{base}/token")).basic_auth("service", Some(SECRET)).form(&OWN);
        if let Some(proof) = proof {
            request = request.header("DPoP", proof);
        }
        issued(Reply::read(request.send().await.unwrap()).await)
    };
    assert_eq!(cnf(&ask(&secured.mutual, None).await), json!({ "x5t#S256": thumbprint(&own) }));
    // A proof may be for the URL of the issuer or for that of the alias: it is the same endpoint.
    let key = Prover::new();
    for base in [&secured.stand.issuer, &secured.mutual] {
        let mut usual = prover::claims(&secured.stand, "POST", "/token");
        usual["htu"] = format!("{base}/token").into();
        let tokens = ask(&secured.mutual, Some(key.proof_of(&usual))).await;
        assert_eq!(cnf(&tokens), json!({ "jkt": key.jkt(), "x5t#S256": thumbprint(&own) }));
    }
    let uri = format!("{}/.well-known/openid-configuration", secured.stand.issuer);
    let document = Reply::read(secured.stand.http.get(uri).send().await.unwrap()).await.json;
    assert_eq!(document["tls_client_certificate_bound_access_tokens"], true);
}

#[tokio::test]
async fn where_no_certificate_can_come_none_is_announced() {
    let stand = Stand::start().await;
    let uri = format!("{}/.well-known/openid-configuration", stand.issuer);
    let document = Reply::read(stand.http.get(uri).send().await.unwrap()).await.json;
    assert_eq!(document["tls_client_certificate_bound_access_tokens"], false);
}

#[tokio::test]
async fn a_certificate_binds_only_where_that_is_wanted_or_nothing_else_would_do() {
    let stand = start(|config| {
        client(config, "api").settings.access_token.sender_constraint = Some(SenderConstraint::Required);
        client(config, "other").metadata.tls_client_certificate_bound_access_tokens = Some(false);
    })
    .await;
    let (own, key) = (identity(), Prover::new());
    let code = code(&stand, "other", &[]).await;
    let tokens = issued(token(&stand, "other", &code_form(&code), certificate(&own)).await);
    assert!(cnf(&tokens).is_null(), "it may have been shown to authenticate");
    // A binding is demanded: one of both has to be there, and the key comes first.
    refused(&token(&stand, "api", &OWN, nothing()).await, "invalid_request");
    let tokens = issued(token(&stand, "api", &OWN, certificate(&own)).await);
    assert_eq!(cnf(&tokens), json!({ "x5t#S256": thumbprint(&own) }));
    let both = Shown { certificate: Some(&own), key: Some(&key) };
    assert_eq!(cnf(&issued(token(&stand, "api", &OWN, both).await)), json!({ "jkt": key.jkt() }));
    // A client that wants its certificate to be asked for cannot put a key in its place.
    let by_key = Shown { certificate: None, key: Some(&key) };
    refused(&token(&stand, "service", &OWN, by_key).await, "invalid_request");
}

#[tokio::test]
async fn a_token_that_is_bound_to_both_needs_both() {
    let stand = start(|_| {}).await;
    let (own, other, key) = (identity(), identity(), Prover::new());
    let both = Shown { certificate: Some(&own), key: Some(&key) };
    let code = code(&stand, "web", &[]).await;
    let tokens = issued(token(&stand, "web", &code_form(&code), both).await);
    assert_eq!(tokens["token_type"], "DPoP");
    assert_eq!(cnf(&tokens), json!({ "jkt": key.jkt(), "x5t#S256": thumbprint(&own) }));
    let access = text(&tokens["access_token"]);
    assert_eq!(userinfo(&stand, &access, both).await.status, 200);
    for wrong in [
        certificate(&own),
        Shown { certificate: None, key: Some(&key) },
        Shown { certificate: Some(&other), key: Some(&key) },
        Shown { certificate: Some(&own), key: Some(&Prover::new()) },
    ] {
        assert_eq!(userinfo(&stand, &access, wrong).await.status, 401);
    }
}

#[tokio::test]
async fn the_refresh_tokens_of_a_public_client_are_bound_to_its_certificate_others_to_any() {
    let stand = start(|_| {}).await;
    let (own, other) = (identity(), identity());
    let code_of_spa = code(&stand, "spa", &[]).await;
    let tokens = issued(token(&stand, "spa", &code_form(&code_of_spa), certificate(&own)).await);
    let refresh = text(&tokens["refresh_token"]);
    for wrong in [nothing(), certificate(&other)] {
        refused(&token(&stand, "spa", &refresh_form(&refresh), wrong).await, "invalid_grant");
    }
    let tokens = issued(token(&stand, "spa", &refresh_form(&refresh), certificate(&own)).await);
    assert_eq!(cnf(&tokens), json!({ "x5t#S256": thumbprint(&own) }));
    // A client that authenticates may renew its certificate.
    let code_of_web = code(&stand, "web", &[]).await;
    let tokens = issued(token(&stand, "web", &code_form(&code_of_web), certificate(&own)).await);
    let refresh = text(&tokens["refresh_token"]);
    refused(&token(&stand, "web", &refresh_form(&refresh), nothing()).await, "invalid_request");
    let tokens = issued(token(&stand, "web", &refresh_form(&refresh), certificate(&other)).await);
    assert_eq!(cnf(&tokens), json!({ "x5t#S256": thumbprint(&other) }));
}

#[tokio::test]
async fn what_a_public_client_announced_as_a_key_is_not_met_by_a_certificate() {
    let stand = start(|_| {}).await;
    let (own, key) = (identity(), Prover::new());
    let code = code(&stand, "web", &[("dpop_jkt", &key.jkt())]).await;
    refused(&token(&stand, "web", &code_form(&code), certificate(&own)).await, "invalid_grant");
    let both = Shown { certificate: Some(&own), key: Some(&key) };
    issued(token(&stand, "web", &code_form(&code), both).await);
}

#[tokio::test]
async fn a_bound_token_is_exchanged_with_its_certificate_for_one_that_is_bound() {
    let sidecar = Sidecar::start(|_| set(&json!({}))).await;
    let policy = sidecar.policy("exchange", &["grant.token_exchange"]);
    let stand = start(|config| {
        for id in ["service", "api"] {
            let grants = client(config, id).metadata.grant_types.get_or_insert_default();
            grants.push(placet_oauth::grant_type::GrantType::TokenExchange);
        }
        client(config, "api").settings.token_exchange.may_exchange_of = vec!["service".to_owned()];
        config.policy.push(policy);
    })
    .await;
    let (own, other) = (identity(), identity());
    let subject = text(&issued(token(&stand, "service", &OWN, certificate(&own)).await)["access_token"]);
    let form = exchanging::form(&subject, &[]);
    // `api` wants no bound tokens of itself: it gets one because this one is.
    for client in ["service", "api"] {
        for wrong in [nothing(), certificate(&other)] {
            refused(&token(&stand, client, &form, wrong).await, "invalid_request");
        }
        let tokens = issued(token(&stand, client, &form, certificate(&own)).await);
        assert_eq!(cnf(&tokens), json!({ "x5t#S256": thumbprint(&own) }), "{client}");
    }
}

#[tokio::test]
async fn policies_see_the_certificate_and_what_binds() {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let policy = sidecar.policy("guard", &["grant.client_credentials"]);
    let stand = start(|config| config.policy.push(policy)).await;
    let (own, key) = (identity(), Prover::new());
    let facts = json!({ "verified": true, "x5t#S256": thumbprint(&own), "subject_dn": "CN=books" });
    for (client, key, binding) in
        [("service", None, "mtls"), ("api", None, "none"), ("service", Some(&key), "dpop")]
    {
        issued(token(&stand, client, &OWN, Shown { certificate: Some(&own), key }).await);
        let pop = sidecar.requests().pop().unwrap()["pop"].clone();
        assert_eq!((&pop["binding"], &pop["mtls"]), (&json!(binding), &facts), "{client}: {pop}");
        assert_eq!(pop.get("dpop").is_some(), key.is_some());
    }
}

#[tokio::test]
async fn a_certificate_from_somebody_who_is_no_proxy_is_none() {
    let stand = start(|config| config.trusted_proxies = vec!["192.0.2.1".parse().unwrap()]).await;
    refused(&token(&stand, "service", &OWN, certificate(&identity())).await, "invalid_request");
}
