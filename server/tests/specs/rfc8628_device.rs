//! OAuth 2.0 Device Authorization Grant, RFC 8628: what devices ask, and what they get.

use placet_server::config::{Config, ConfigError};
use serde_json::{Value, json};

use super::{
    device_flow::{
        DEVICE, agree, answer, approve, approved, ask, code, devices, form, open, poll, prompt, refresh_tv,
        stand, start,
    },
    harness::{Browser, Reply, Stand, auth, claims},
    helpers::{refresh, text, verified},
    policy_stage::stored,
};

const API: &str = "https://api.example";

#[tokio::test]
async fn a_device_gets_tokens_once_its_user_has_agreed_on_another_one() {
    let stand = stand().await;
    let params = [("scope", "openid email offline_access"), ("nonce", "n-1")];
    let asked = ask(&stand, "tv", &params).await;
    assert_eq!((asked.status, asked.header("cache-control")), (200, "no-store"));
    let user_code = text(&asked.json["user_code"]);
    assert_eq!(asked.json["verification_uri"], format!("{}/device", stand.issuer));
    let link = format!("{}/device?user_code={user_code}", stand.issuer);
    assert_eq!(asked.json["verification_uri_complete"], link);
    assert_eq!((&asked.json["expires_in"], &asked.json["interval"]), (&json!(600), &json!(5)));
    let device_code = text(&asked.json["device_code"]);

    let waiting = poll(&stand, "tv", &device_code).await;
    assert_eq!((waiting.status, waiting.error()), (400, "authorization_pending"));
    stand.clock.advance(5);
    let page = approve(&stand, &mut Browser::new(), &user_code, "alice").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("id=\"device-done\"") && page.text.contains("Acme TV is connected"));

    let tokens = poll(&stand, "tv", &device_code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert_eq!(tokens.json["scope"], "openid email offline_access");
    let (_, id) = verified(&stand, &text(&tokens.json["id_token"])).await;
    assert_eq!((&id["sub"], &id["aud"], &id["nonce"]), (&json!("alice"), &json!("tv"), &json!("n-1")));
    assert_eq!((&id["amr"], id.get("sid")), (&json!(["pwd"]), None));
    let seen = stand.userinfo(&text(&tokens.json["access_token"])).await;
    assert_eq!(seen.json["email"], "alice@example.com", "{}", seen.text);
    let again = refresh_tv(&stand, &text(&tokens.json["refresh_token"])).await;
    assert_eq!(again.status, 200, "{}", again.text);
}

#[tokio::test]
async fn the_last_page_speaks_the_language_of_the_browser() {
    let stand = stand().await;
    for (language, words) in [
        ("de-AT, en;q=0.5", ["lang=\"de\"", "Acme TV ist verbunden", "zu Ihrem Gerät zurückgehen"]),
        ("fr", ["lang=\"en\"", "Acme TV is connected", "go back to your device"]),
    ] {
        let codes = start(&stand, "tv", "openid").await;
        let page = approve(&stand, &mut Browser::speaking(language), &codes.user, "alice").await;
        for word in words {
            assert!(page.text.contains(word), "{word}: {}", page.text);
        }
    }
}

#[tokio::test]
async fn nothing_takes_effect_before_the_browser_that_started_is_back() {
    let stand = stand().await;
    let codes = start(&stand, "tv", "openid").await;
    let mut browser = Browser::new();
    let id = open(&stand, &mut browser, Some(&codes.user)).await;
    let back = agree(&stand, &id, "alice").await;
    assert_eq!(poll(&stand, "tv", &codes.device).await.error(), "authorization_pending");
    // Somebody else's browser gets the address: the end of it, and nothing for the device.
    let lured = Browser::new().get(&back).await;
    assert_eq!((lured.status, lured.text.contains("another browser")), (400, true));
    assert_eq!(browser.get(&back).await.status, 400);
    stand.clock.advance(5);
    assert_eq!(poll(&stand, "tv", &codes.device).await.error(), "authorization_pending");
    // The code is still the one of the browser that claimed it.
    let id = open(&stand, &mut browser, Some(&codes.user)).await;
    let back = agree(&stand, &id, "alice").await;
    assert_eq!(browser.get(&back).await.status, 200);
    assert_eq!(poll(&stand, "tv", &codes.device).await.status, 200);
}

#[tokio::test]
async fn a_device_goes_on_when_the_browser_signs_out() {
    let stand = stand().await;
    let codes = start(&stand, "tv", "openid").await;
    let mut browser = Browser::new();
    approve(&stand, &mut browser, &codes.user, "alice").await;
    let tokens = poll(&stand, "tv", &codes.device).await.json;
    stand.server.store().end_sessions_of("alice", "ui", stand.now(), Vec::new()).await.unwrap();
    assert_eq!(stand.userinfo(&text(&tokens["access_token"])).await.status, 200);
}

#[tokio::test]
async fn what_a_device_asks_wrongly_is_refused_and_nothing_is_kept() {
    let stand = stand().await;
    let before = stored(&stand);
    let details = "[{\"type\":\"unknown\"}]";
    for (params, error) in [
        (vec![("scope", "reports.delete")], "invalid_scope"),
        (vec![("scope", "a\"b")], "invalid_scope"),
        (vec![("resource", "https://elsewhere.example")], "invalid_target"),
        (vec![("resource", "no-uri")], "invalid_target"),
        (vec![("authorization_details", details)], "invalid_authorization_details"),
        (vec![("authorization_details", "{}")], "invalid_authorization_details"),
        (vec![("scope", "openid"), ("scope", "email")], "invalid_request"),
        (vec![("max_age", "soon")], "invalid_request"),
        (vec![("request", "a.b.c")], "request_not_supported"),
    ] {
        for client in ["tv", "box"] {
            let reply = ask(&stand, client, &params).await;
            assert_eq!((reply.status, reply.error()), (400, error), "{params:?}: {}", reply.text);
        }
    }
    let nobody = stand.post_public("/device_authorization", &[("scope", "openid")]).await;
    assert_eq!((nobody.status, nobody.error()), (401, "invalid_client"));
    for client in ["unknown", "box"] {
        let reply = stand.post_public("/device_authorization", &[("client_id", client)]).await;
        assert_eq!((reply.status, reply.error()), (401, "invalid_client"), "{client}");
    }
    let other = stand.post("/device_authorization", "web", &[("scope", "openid")]).await;
    assert_eq!((other.status, other.error()), (400, "unauthorized_client"));
    let other = stand.post("/token", "web", &[("grant_type", DEVICE), ("device_code", "x")]).await;
    assert_eq!((other.status, other.error()), (400, "unauthorized_client"));
    let read = stand.http.get(format!("{}/device_authorization", stand.issuer)).send().await.unwrap();
    assert_eq!(read.status(), 405);
    assert_eq!(stored(&stand), before);
}

#[tokio::test]
async fn neither_code_lies_readable_in_the_store() {
    let stand = stand().await;
    let codes = start(&stand, "tv", "openid").await;
    let id = open(&stand, &mut Browser::new(), Some(&codes.user)).await;
    assert_eq!(prompt(&stand, &id).await["device"]["user_code"], json!(codes.user));
    let all = stored(&stand).into_iter().collect::<Vec<_>>().join("\n");
    assert!(all.contains("polled_requests"));
    for secret in [&codes.device, &codes.user, &codes.user.replace('-', "")] {
        assert!(!all.contains(secret.as_str()), "{secret}");
        let bytes = format!("{:?}", secret.as_bytes());
        assert!(!all.contains(bytes.trim_matches(['[', ']'])), "{secret}");
    }
}

#[tokio::test]
async fn resources_are_asked_for_once_and_tokens_for_one_after_the_other() {
    let stand = Stand::with(|config| {
        devices(config);
        config.resources.push("https://films.example".to_owned());
    })
    .await;
    let params = [("scope", "reports.read"), ("resource", API), ("resource", "https://films.example")];
    let asked = ask(&stand, "box", &params).await.json;
    approve(&stand, &mut Browser::new(), &text(&asked["user_code"]), "alice").await;
    let device_code = text(&asked["device_code"]);
    let with = async |resource: &str| {
        let params = [("grant_type", DEVICE), ("device_code", device_code.as_str()), ("resource", resource)];
        Reply::read(form(&stand, "/token", "box", &params).send().await.unwrap()).await
    };
    assert_eq!(with("https://elsewhere.example").await.error(), "invalid_target");
    let tokens = with(API).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert_eq!(claims(&text(&tokens.json["access_token"]))["aud"], API);
    let params = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.json["refresh_token"].as_str().unwrap()),
        ("resource", "https://films.example"),
    ];
    let films = stand.post("/token", "box", &params).await;
    assert_eq!(claims(&text(&films.json["access_token"]))["aud"], "https://films.example");
}

#[tokio::test]
async fn offline_access_is_granted_without_a_prompt_that_devices_cannot_send() {
    let stand = stand().await;
    for (scope, refreshes) in [("openid offline_access", true), ("openid", false), ("reports.read", true)] {
        let device_code = approved(&stand, "box", scope).await;
        let tokens = poll(&stand, "box", &device_code).await.json;
        assert_eq!(tokens["refresh_token"].is_string(), refreshes, "{scope}: {tokens}");
        if refreshes {
            assert_eq!(refresh(&stand, "box", &text(&tokens["refresh_token"])).await.status, 200);
        }
    }
}

#[tokio::test]
async fn discovery_announces_it_and_nobody_registers_for_it_without_leave() {
    let stand = stand().await;
    let get = stand.http.get(format!("{}/.well-known/oauth-authorization-server", stand.issuer));
    let metadata = Reply::read(get.send().await.unwrap()).await.json;
    let endpoint = format!("{}/device_authorization", stand.issuer);
    assert_eq!(metadata["device_authorization_endpoint"], endpoint);
    assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!(DEVICE)));

    let body = json!({ "client_name": "Radio", "grant_types": [DEVICE], "response_types": [] });
    let register = async |stand: &Stand| -> Reply {
        let request = stand.http.post(format!("{}/register", stand.issuer)).json(&body);
        Reply::read(request.send().await.unwrap()).await
    };
    assert_eq!(register(&stand).await.error(), "invalid_client_metadata");
    let open = Stand::with(|config| config.registration.allowed_grants.push(DEVICE.to_owned())).await;
    let client = register(&open).await;
    assert_eq!(client.status, 201, "{}", client.text);
    let (id, secret) = (text(&client.json["client_id"]), text(&client.json["client_secret"]));
    let request = open.http.post(format!("{}/device_authorization", open.issuer));
    let request = request.basic_auth(&id, Some(&secret)).form(&[("scope", "openid")]);
    let asked = Reply::read(request.send().await.unwrap()).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    approve(&open, &mut Browser::new(), &text(&asked.json["user_code"]), "alice").await;
    let device_code = text(&asked.json["device_code"]);
    let request = open.http.post(format!("{}/token", open.issuer)).basic_auth(&id, Some(&secret));
    let request = request.form(&[("grant_type", DEVICE), ("device_code", &device_code)]);
    let tokens = Reply::read(request.send().await.unwrap()).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
}

#[tokio::test]
async fn a_shorter_address_can_be_shown_and_the_terms_can_be_set() {
    let stand = Stand::with(|config| {
        devices(config);
        config.device.verification_uri = Some("https://acme.example/tv?from=box".to_owned());
        config.device.interval = 7;
        config.lifetimes.device_code = 120;
    })
    .await;
    let asked = ask(&stand, "box", &[]).await.json;
    assert_eq!(asked["verification_uri"], "https://acme.example/tv?from=box");
    let link = format!("https://acme.example/tv?from=box&user_code={}", text(&asked["user_code"]));
    assert_eq!(asked["verification_uri_complete"], link);
    assert_eq!((&asked["expires_in"], &asked["interval"]), (&json!(120), &json!(7)));
    stand.clock.advance(120);
    assert_eq!(poll(&stand, "box", &text(&asked["device_code"])).await.error(), "expired_token");
}

#[tokio::test]
async fn a_demand_of_the_device_is_one_of_the_sign_in() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let first = start(&stand, "box", "openid").await;
    approve(&stand, &mut browser, &first.user, "alice").await;
    stand.clock.advance(100);
    let asked = ask(&stand, "box", &[("scope", "openid"), ("max_age", "60")]).await.json;
    let id = open(&stand, &mut browser, Some(&text(&asked["user_code"]))).await;
    let next = answer(&stand, &id, &super::device_flow::confirm(true)).await;
    assert_eq!((&next["type"], &next["auth"]["reasons"]), (&json!("auth"), &json!(["max_age_exceeded"])));
    let plain = ask(&stand, "box", &[("scope", "openid")]).await.json;
    let id = open(&stand, &mut browser, None).await;
    assert_eq!(answer(&stand, &id, &code(&text(&plain["user_code"]))).await["type"], "confirm");
    let next = answer(&stand, &id, &super::device_flow::confirm(true)).await;
    assert_eq!(next["type"], "response", "the session of the browser and the remembered consent serve");
}

/// What the user answered in an interaction is the browser's: `auth` is here for its claims.
#[tokio::test]
async fn claims_that_were_consented_reach_the_device() {
    let stand = stand().await;
    let params = [("scope", "openid profile"), ("claims", "{\"id_token\":{\"email\":null}}")];
    let asked = ask(&stand, "box", &params).await.json;
    let mut browser = Browser::new();
    let id = open(&stand, &mut browser, Some(&text(&asked["user_code"]))).await;
    answer(&stand, &id, &super::device_flow::confirm(true)).await;
    let consent: Value = answer(&stand, &id, &auth("alice")).await;
    let names: Vec<_> = consent["consent"]["claims"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
    assert!(names.contains(&&json!("email")) && names.contains(&&json!("name")), "{names:?}");
    let back = agree(&stand, &id, "alice").await;
    browser.get(&back).await;
    let tokens = poll(&stand, "box", &text(&asked["device_code"])).await.json;
    assert_eq!(claims(&text(&tokens["id_token"]))["email"], "alice@example.com");
    let seen = stand.userinfo(&text(&tokens["access_token"])).await;
    assert_eq!(seen.json["name"], "Alice Adams");
}

#[test]
fn settings_that_make_codes_easy_to_guess_are_refused() {
    let wrong = |change: fn(&mut Config)| {
        let mut config = Config {
            issuer: "https://as.example".to_owned(),
            master_key_file: Some("/nowhere/key".into()),
            ..Config::default()
        };
        change(&mut config);
        match config.check() {
            Err(ConfigError::Refused(wrong)) => wrong.join("\n"),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(wrong(|_| {}), "Ok(())");
    for (change, reason) in [
        ((|config| config.device.interval = 0) as fn(&mut Config), "device.interval"),
        (|config| config.device.interval = 61, "device.interval"),
        (|config| config.lifetimes.device_code = 59, "lifetimes.device_code"),
        (|config| config.lifetimes.device_code = 1_801, "lifetimes.device_code"),
        (|config| config.limits.user_codes = 0, "limits.user_codes "),
        (|config| config.limits.user_codes_per_address = 0, "limits.user_codes_per_address"),
        (|config| config.limits.user_codes_in_all = 0, "limits.user_codes_in_all"),
        (|config| config.device.verification_uri = Some("tv".to_owned()), "device.verification_uri"),
        (|config| config.device.verification_uri = Some("http://tv.example".to_owned()), "verification_uri"),
        (
            |config| config.device.verification_uri = Some("https://tv.example#a".to_owned()),
            "verification_uri",
        ),
        (
            |config| config.device.verification_uri = Some("https://tv.example?user_code=a".to_owned()),
            "verification_uri",
        ),
        (|config| config.registration.allowed_grants.push("password".to_owned()), "`password`"),
    ] {
        assert!(wrong(change).contains(reason), "{reason}: {}", wrong(change));
    }
    assert_eq!(wrong(|config| config.registration.allowed_grants.push(DEVICE.to_owned())), "Ok(())");
    let short = |config: &mut Config| config.device.verification_uri = Some("https://tv.example/".to_owned());
    assert_eq!(wrong(short), "Ok(())");
}
