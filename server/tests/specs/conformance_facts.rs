//! What the modules of the OpenID Foundation's conformance suite look at before anything else: the members of discovery, the
//! headers, and the forms of errors. Their plans run elsewhere (`conformance/`); these facts hold at every test run.

use std::collections::HashSet;

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, Reply, SECRET, Stand, claims},
    helpers::{client, jwks, text},
};

async fn get(stand: &Stand, path: &str) -> Reply {
    Reply::read(stand.http.get(format!("{}{path}", stand.issuer)).send().await.unwrap()).await
}

async fn post_json(stand: &Stand, path: &str, body: &Value) -> Reply {
    let request = stand.http.post(format!("{}{path}", stand.issuer)).json(body);
    Reply::read(request.send().await.unwrap()).await
}

fn names(list: &Value) -> HashSet<&str> {
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

/// RFC 6749 section 5.2: which characters `error` and `error_description` may have.
fn is_an_error(reply: &Reply) {
    assert_eq!(reply.header("content-type"), "application/json", "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store", "{}", reply.text);
    let allowed = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
    for member in ["error", "error_description"] {
        let value = reply.json[member].as_str().unwrap_or_else(|| panic!("{member}: {}", reply.text));
        assert!(!value.is_empty() && value.chars().all(allowed), "{member}: {value}");
    }
}

#[tokio::test]
async fn discovery_has_every_required_member_and_says_what_would_else_be_taken_for_granted() {
    let stand = Stand::start().await;
    let reply = get(&stand, "/.well-known/openid-configuration").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    let d = &reply.json;
    assert_eq!(d["issuer"], stand.issuer);
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "registration_endpoint",
        "end_session_endpoint",
        "pushed_authorization_request_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
    ] {
        assert!(d[endpoint].as_str().is_some_and(|url| url.starts_with(&stand.issuer)), "{endpoint}: {d}");
    }
    let types = names(&d["response_types_supported"]);
    for expected in
        ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"]
    {
        assert!(types.contains(expected), "{expected}: {types:?}");
    }
    assert!(names(&d["response_modes_supported"]).is_superset(&HashSet::from([
        "query",
        "fragment",
        "form_post"
    ])));
    assert!(names(&d["id_token_signing_alg_values_supported"]).contains("RS256"));
    assert!(names(&d["subject_types_supported"]).is_superset(&HashSet::from(["public", "pairwise"])));
    assert!(names(&d["scopes_supported"]).contains("openid"));
    assert!(names(&d["claims_supported"]).is_superset(&HashSet::from(["sub", "name", "email"])));
    assert!(names(&d["code_challenge_methods_supported"]).contains("S256"));
    assert!(!names(&d["code_challenge_methods_supported"]).contains("plain"));
    // Discovery 1.0 section 3: what is left out here would mean true, or another method than ours.
    for member in
        ["request_uri_parameter_supported", "request_parameter_supported", "claims_parameter_supported"]
    {
        assert!(d[member].is_boolean(), "{member}: {d}");
    }
    assert!(d["token_endpoint_auth_methods_supported"].is_array());
    assert_eq!(d["authorization_response_iss_parameter_supported"], true);
    assert_eq!(get(&stand, "/.well-known/oauth-authorization-server").await.json["issuer"], stand.issuer);
}

#[tokio::test]
async fn the_key_set_holds_public_keys_that_can_be_told_apart() {
    let stand = Stand::start().await;
    let keys = jwks(&stand).await;
    let mut seen = HashSet::new();
    for key in &keys {
        assert!(seen.insert(text(&key["kid"])), "twice: {key}");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
            assert!(key.get(private).is_none(), "{private} of {}", key["kid"]);
        }
        assert!(["sig", "enc"].contains(&key["use"].as_str().unwrap()), "{key}");
    }
    assert!(keys.iter().any(|key| key["kty"] == "RSA" && key["use"] == "sig"), "for RS256");
}

#[tokio::test]
async fn what_holds_tokens_is_json_that_nobody_keeps() {
    let stand = Stand::start().await;
    let params = stand.sign_in(&mut Browser::new(), "web", &[]).await;
    let reply = stand.redeem("web", &params["code"]).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"), "{}", reply.text);
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), ("no-store", "no-cache"));
    assert_eq!(reply.json["token_type"], "Bearer");
    assert!(reply.json["expires_in"].as_i64().is_some_and(|seconds| seconds > 0));

    let again = stand.redeem("web", &params["code"]).await;
    assert_eq!((again.status, again.error()), (400, "invalid_grant"), "a code is good once");
    is_an_error(&again);
}

#[tokio::test]
async fn the_errors_of_the_token_endpoint_have_the_form_of_the_standard() {
    let stand = Stand::start().await;
    let no_grant = stand.post("/token", "web", &[]).await;
    assert_eq!((no_grant.status, no_grant.error()), (400, "invalid_request"));
    let strange = stand.post("/token", "web", &[("grant_type", "magic\"\\\u{e9}")]).await;
    assert_eq!((strange.status, strange.error()), (400, "unsupported_grant_type"));
    let unknown = stand.redeem("web", "never-issued").await;
    assert_eq!((unknown.status, unknown.error()), (400, "invalid_grant"));
    for reply in [no_grant, strange, unknown] {
        is_an_error(&reply);
    }

    let form = [("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", CALLBACK)];
    let request =
        stand.http.post(format!("{}/token", stand.issuer)).basic_auth("web", Some(format!("{SECRET}x")));
    let wrong = Reply::read(request.form(&form).send().await.unwrap()).await;
    assert_eq!((wrong.status, wrong.error()), (401, "invalid_client"));
    assert!(wrong.header("www-authenticate").starts_with("Basic"), "section 5.2");
    is_an_error(&wrong);
}

#[tokio::test]
async fn userinfo_takes_get_and_post_and_says_why_it_refuses() {
    let stand = Stand::start().await;
    let tokens = stand.tokens("web", "openid email").await;
    let url = format!("{}/userinfo", stand.issuer);
    let token = tokens["access_token"].as_str().unwrap();
    for method in [Method::GET, Method::POST] {
        let reply =
            Reply::read(stand.http.request(method, &url).bearer_auth(token).send().await.unwrap()).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"), "{}", reply.text);
        assert_eq!(reply.json["sub"], "alice");
    }
    let none = get(&stand, "/userinfo").await;
    assert_eq!(none.status, 401);
    assert!(none.header("www-authenticate").starts_with("Bearer "), "{:?}", none.headers);
    let wrong = Reply::read(stand.http.get(&url).bearer_auth("wrong").send().await.unwrap()).await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.header("www-authenticate").contains("error=\"invalid_token\""));
}

#[tokio::test]
async fn the_authorization_endpoint_answers_with_state_and_issuer_or_with_a_page() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    for (extra, error) in [
        ([("prompt", "none")], "login_required"),
        ([("response_type", "")], "invalid_request"),
        ([("response_type", "magic")], "unsupported_response_type"),
        ([("request_uri", "https://client.example/object")], "request_uri_not_supported"),
        ([("registration", "{}")], "registration_not_supported"),
    ] {
        let params = browser.authorize(&stand, "web", &extra).await.params();
        assert_eq!(params["error"], error, "{extra:?}");
        assert_eq!((params["state"].as_str(), params["iss"].as_str()), ("the-state", stand.issuer.as_str()));
        assert!(!params.contains_key("code"));
    }
    for redirect_uri in ["", "https://client.example/other", "https://client.example/callback?added=1"] {
        let page = browser.authorize(&stand, "web", &[("redirect_uri", redirect_uri)]).await;
        assert_eq!(page.status, 400, "{redirect_uri}");
        assert!(page.text.contains("id=\"error-page\"") && page.text.contains("Request cannot be processed"));
        assert!(page.header(header::LOCATION.as_str()).is_empty());
    }
}

#[tokio::test]
async fn a_registration_repeats_what_counts_and_its_errors_have_their_own_codes() {
    let stand = Stand::start().await;
    let wanted =
        json!({ "redirect_uris": [CALLBACK], "client_name": "Facts", "contacts": ["ops@client.example"] });
    let made = post_json(&stand, "/register", &wanted).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"), "{}", made.text);
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&made.json[name], value);
    }
    assert!(
        made.json["client_id_issued_at"].is_i64() && made.json["client_secret_expires_at"] == 0,
        "{}",
        made.text
    );
    let uri = text(&made.json["registration_client_uri"]);
    let token = text(&made.json["registration_access_token"]);
    let read = Reply::read(stand.http.get(&uri).bearer_auth(token).send().await.unwrap()).await;
    assert_eq!((read.status, &read.json["client_id"]), (200, &made.json["client_id"]));

    for (bad, error) in [
        (json!({ "redirect_uris": [format!("{CALLBACK}#fragment")] }), "invalid_redirect_uri"),
        (
            json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "magic" }),
            "invalid_client_metadata",
        ),
        (
            json!({ "redirect_uris": [CALLBACK], "jwks": { "keys": [] }, "jwks_uri": "https://client.example/k" }),
            "invalid_client_metadata",
        ),
    ] {
        let refused = post_json(&stand, "/register", &bad).await;
        assert_eq!((refused.status, refused.error()), (400, error), "{bad}: {}", refused.text);
        is_an_error(&refused);
    }
}

#[tokio::test]
async fn a_pushed_request_gets_a_name_that_is_good_for_a_while() {
    let stand = Stand::start().await;
    let request = [
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
        ("code_challenge", super::harness::CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let pushed = stand.post("/par", "web", &request).await;
    assert_eq!((pushed.status, pushed.header("cache-control")), (201, "no-store"), "{}", pushed.text);
    assert!(text(&pushed.json["request_uri"]).starts_with("urn:ietf:params:oauth:request_uri:"));
    assert!(pushed.json["expires_in"].as_i64().is_some_and(|seconds| (5..=600).contains(&seconds)));
    let refused = stand
        .post("/par", "web", &[("response_type", "code"), ("redirect_uri", "https://other.example/")])
        .await;
    assert_eq!(refused.status, 400);
    is_an_error(&refused);
}

#[tokio::test]
async fn what_is_told_of_a_user_is_what_was_asked_for_in_members_that_the_standard_knows() {
    let stand = Stand::with(|config| client(config, "web").metadata.post_logout_redirect_uris = None).await;
    let asked = json!({ "userinfo": { "name": { "essential": true } }, "id_token": { "email": null } });
    let asked = asked.to_string();
    let wanted = [("scope", "openid"), ("nonce", "n-1"), ("claims", asked.as_str())];
    let params = stand.sign_in(&mut Browser::new(), "web", &wanted).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let info = stand.userinfo(&text(&tokens["access_token"])).await.json;
    assert_eq!(info, json!({ "sub": "alice", "name": "Alice Adams" }));
    // OpenID Connect Core sections 2, 3.1.3.6 and 3.3.2.11, RFC 7519 section 4.1.7, and what was asked for.
    let known = [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "acr",
        "amr",
        "azp",
        "at_hash",
        "c_hash",
        "jti",
        "email",
    ];
    let told = claims(&text(&tokens["id_token"]));
    let strange: Vec<_> =
        told.as_object().unwrap().keys().filter(|name| !known.contains(&name.as_str())).collect();
    assert!(strange.is_empty(), "{strange:?}");
}
