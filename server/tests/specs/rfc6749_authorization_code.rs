//! RFC 6749 section 4.1, RFC 7636, RFC 9207: the authorization code grant.

use std::sync::Arc;

use super::harness::{Browser, CALLBACK, SECRET, Stand, VERIFIER, claims, query};

#[tokio::test]
async fn a_code_becomes_tokens_that_say_who_signed_in() {
    let stand = Stand::start().await;
    let params = stand.sign_in(&mut Browser::new(), "web", &[("nonce", "n-1")]).await;
    assert_eq!(params["state"], "the-state");
    assert_eq!(params["iss"], stand.issuer);

    let reply = stand.redeem("web", &params["code"]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.json["token_type"], "Bearer");
    assert_eq!(reply.json["scope"], "openid email");
    let id = claims(reply.json["id_token"].as_str().unwrap());
    assert_eq!(id["iss"], stand.issuer);
    assert_eq!(id["sub"], "alice");
    assert_eq!(id["aud"], "web");
    assert_eq!(id["nonce"], "n-1");
    assert_eq!(id["acr"], "urn:placet:acr:pwd");
    assert!(id["at_hash"].is_string());
    let access = claims(reply.json["access_token"].as_str().unwrap());
    assert_eq!(access["client_id"], "web");
    assert_eq!(access["aud"], stand.issuer);
    let userinfo = stand.userinfo(reply.json["access_token"].as_str().unwrap()).await;
    assert_eq!(userinfo.json["email"], "alice@example.com");
    assert!(userinfo.json.get("name").is_none(), "profile was not asked for");
}

#[tokio::test]
async fn of_300_racing_redemptions_one_wins_and_the_authorization_dies() {
    let stand = Arc::new(Stand::start().await);
    let params = stand.sign_in(&mut Browser::new(), "web", &[]).await;
    let mut races = Vec::new();
    for _ in 0..300 {
        let (stand, code) = (stand.clone(), params["code"].clone());
        races.push(tokio::spawn(async move { stand.redeem("web", &code).await }));
    }
    let mut tokens = Vec::new();
    for race in races {
        let reply = race.await.unwrap();
        match reply.status {
            200 => tokens.push(reply.json["access_token"].as_str().unwrap().to_owned()),
            400 => assert_eq!(reply.error(), "invalid_grant"),
            other => panic!("{other}: {}", reply.text),
        }
    }
    assert_eq!(tokens.len(), 1);
    assert!(!stand.is_active("web", &tokens[0]).await, "a replayed code revokes what was issued for it");
}

#[tokio::test]
async fn a_mismatch_is_refused_and_burns_nothing() {
    let stand = Stand::start().await;
    let params = stand.sign_in(&mut Browser::new(), "web", &[]).await;
    let code = params["code"].as_str();
    let good = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let with = |name: &str, value: &'static str| {
        let mut form = good.to_vec();
        form.retain(|(n, _)| *n != name);
        if !value.is_empty() {
            form.push((
                ["redirect_uri", "code_verifier", "code"].into_iter().find(|n| *n == name).unwrap(),
                value,
            ));
        }
        form
    };
    let wrong = "wrong-verifier-wrong-verifier-wrong-verifier-wrong";
    for (client, form) in [
        ("other", good.to_vec()),
        ("web", with("redirect_uri", "https://client.example/other")),
        ("web", with("redirect_uri", "")),
        ("web", with("code_verifier", wrong)),
        ("web", with("code_verifier", "")),
    ] {
        let reply = stand.post("/token", client, &form).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_grant"), "{form:?}");
        assert!(reply.header("placet-request-id").starts_with("req_"));
    }
    assert_eq!(stand.post("/token", "web", &good).await.status, 200);
}

#[tokio::test]
async fn a_code_is_good_for_its_lifetime_and_no_longer() {
    let stand = Stand::start().await;
    let params = stand.sign_in(&mut Browser::new(), "web", &[]).await;
    stand.clock.advance(60);
    let reply = stand.redeem("web", &params["code"]).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_grant"));
}

#[tokio::test]
async fn a_second_use_by_its_own_client_revokes_but_a_strangers_try_does_not() {
    let stand = Stand::start().await;
    let params = stand.sign_in(&mut Browser::new(), "web", &[]).await;
    let first = stand.redeem("web", &params["code"]).await;
    let token = first.json["access_token"].as_str().unwrap();
    assert_eq!(stand.redeem("other", &params["code"]).await.error(), "invalid_grant");
    assert!(stand.is_active("web", token).await);
    assert_eq!(stand.redeem("web", &params["code"]).await.error(), "invalid_grant");
    assert!(!stand.is_active("web", token).await);
    assert_eq!(stand.userinfo(token).await.status, 401);
}

#[tokio::test]
async fn a_public_client_needs_pkce_and_plain_is_refused() {
    let stand = Stand::start().await;
    for extra in [
        vec![("code_challenge", ""), ("code_challenge_method", "")],
        vec![("code_challenge_method", "plain")],
        vec![("code_challenge_method", "")],
    ] {
        let reply = Browser::new().authorize(&stand, "spa", &extra).await;
        let params = reply.params();
        assert_eq!(params["error"], "invalid_request", "{extra:?}");
        assert_eq!(params["state"], "the-state");
        assert_eq!(params["iss"], stand.issuer);
    }
    let params = stand.sign_in(&mut Browser::new(), "spa", &[]).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "spa"),
        ("code", &params["code"]),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(stand.post_public("/token", &form).await.status, 200);
}

#[tokio::test]
async fn an_unregistered_redirect_uri_gets_a_page_and_never_a_redirect() {
    let stand = Stand::start().await;
    for uri in [
        "https://client.example/callback/",
        "https://client.example/callback?x=1",
        "https://client.example/Callback",
        "https://client.example:443/callback",
        "https://evil.example/callback",
        "https://client.example/callback#f",
        "https://client.example\\@evil.example/callback",
    ] {
        let reply = Browser::new().authorize(&stand, "web", &[("redirect_uri", uri)]).await;
        assert_eq!(reply.status, 400, "{uri}");
        assert!(reply.headers.get("location").is_none());
        assert!(reply.text.contains("id=\"error-page\""));
        assert!(reply.text.contains(reply.header("placet-request-id")));
    }
    let unknown = Browser::new().authorize(&stand, "nobody", &[]).await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.text.contains("invalid_client"));
}

#[tokio::test]
async fn a_repeated_parameter_is_refused_by_redirect_when_the_destination_is_clear() {
    let stand = Stand::start().await;
    let base = format!(
        "{}/authorize?client_id=web&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code",
        stand.issuer
    );
    let reply = Browser::new().get(&format!("{base}&scope=openid&state=s&nonce=a&nonce=b")).await;
    let params = reply.params();
    assert_eq!(params["error"], "invalid_request");
    assert!(params["error_description"].contains("nonce"));
    assert_eq!(params["state"], "s");
    let twice = Browser::new().get(&format!("{base}&client_id=web&scope=openid")).await;
    assert_eq!(twice.status, 400);
    let broken = Browser::new().get(&format!("{base}&scope=%zz")).await;
    assert_eq!(broken.params()["error"], "invalid_request");
}

#[tokio::test]
async fn the_request_may_be_posted_also_by_another_site() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    let form = [
        ("client_id", "web"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "posted"),
        ("prompt", "none"),
    ];
    // A form posted by another site brings no cookies; the redirect to ourselves does.
    let parked = Browser::new().post(&format!("{}/authorize", stand.issuer), &form).await;
    assert_eq!(parked.status, 303);
    let own = parked.header("location").to_owned();
    assert!(own.starts_with(&format!("{}/authorize?resume=", stand.issuer)));
    let params = browser.get(&own).await.params();
    assert_eq!(params["state"], "posted");
    assert!(params.contains_key("code"), "{params:?}");
    let altered = format!("{own}A");
    assert_eq!(browser.get(&altered).await.status, 400);
}

#[tokio::test]
async fn client_authentication_is_by_the_registered_method_and_failures_look_alike() {
    let stand = Stand::with(|c| c.development = true).await;
    let form = [("grant_type", "client_credentials")];
    let wrong = stand
        .http
        .post(format!("{}/token", stand.issuer))
        .basic_auth("service", Some("wrong-wrong-wrong-wrong-wrong"))
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 401);
    assert!(wrong.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
    let by_post = [("grant_type", "client_credentials"), ("client_id", "service"), ("client_secret", SECRET)];
    assert_eq!(stand.post_public("/token", &by_post).await.error(), "invalid_client");
    let both = stand.post("/token", "service", &by_post).await;
    assert_eq!(both.error(), "invalid_request");
    assert_eq!(stand.post_public("/token", &form).await.error(), "invalid_client");
    assert_eq!(stand.post_public("/token", &[("client_id", "web"), form[0]]).await.error(), "invalid_client");
}

#[tokio::test]
async fn the_answer_goes_back_with_the_redirect_uris_own_query() {
    let stand = Stand::with(|config| {
        let web = config.clients.iter_mut().find(|c| c.client_id == "web").unwrap();
        web.metadata.redirect_uris = Some(vec!["https://client.example/callback?a=%2B&b".to_owned()]);
    })
    .await;
    let uri = "https://client.example/callback?a=%2B&b";
    let reply = Browser::new()
        .authorize(&stand, "web", &[("redirect_uri", uri), ("response_type", "nonsense")])
        .await;
    let location = reply.header("location");
    assert!(location.starts_with("https://client.example/callback?a=%2B&b&error="), "{location}");
    assert_eq!(query(location)["error"], "unsupported_response_type");
}
