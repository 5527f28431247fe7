//! Step-up authentication (RFC 9470): a resource asks for a stronger or fresher authentication, the client comes back
//! with `acr_values` and `max_age`, and the new tokens say what happened.

use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, CHALLENGE, Reply, Stand, auth, claims},
    helpers::{client, refresh, text},
    policy_stage::{everything, prompt, reply},
    signer::Signer,
    stepping::{MFA, PWD, assert_told, reusing, stand, stand_with, stepped_up, strong, tokens},
};

/// The three ways of asking: in the query, pushed, in a request object.
async fn ask(
    stand: &Stand,
    browser: &mut Browser,
    (way, key): (&str, &Signer),
    extra: &[(&str, Value)],
) -> Reply {
    let mut claims = json!({
        "iss": "web", "aud": stand.issuer, "exp": stand.now() + 60, "nbf": stand.now(), "client_id": "web",
        "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid email", "state": "the-state",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    });
    for (name, value) in extra {
        claims[*name] = value.clone();
    }
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let extra: Vec<(&str, String)> = extra.iter().map(|(name, value)| (*name, plain(value))).collect();
    let mut query: Vec<(&str, &str)> = extra.iter().map(|(name, value)| (*name, value.as_str())).collect();
    match way {
        "query" => browser.authorize(stand, "web", &query).await,
        "pushed" => {
            query.extend([
                ("redirect_uri", CALLBACK),
                ("response_type", "code"),
                ("scope", "openid email"),
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ]);
            let pushed = stand.post("/par", "web", &query).await;
            assert_eq!(pushed.status, 201, "{}", pushed.text);
            visit(stand, browser, "request_uri", &text(&pushed.json["request_uri"])).await
        }
        _ => visit(stand, browser, "request", &key.sign(&claims)).await,
    }
}

async fn visit(stand: &Stand, browser: &mut Browser, name: &str, value: &str) -> Reply {
    let params = [("client_id", "web"), (name, value)];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    browser.get(&format!("{}/authorize?{query}", stand.issuer)).await
}

#[tokio::test]
async fn however_it_is_asked_for_a_weak_session_leads_to_a_second_factor_and_the_tokens_say_so() {
    let key = Signer::new("key-1");
    let jwks = key.jwks();
    let stand =
        stand_with(move |config| client(config, "web").metadata.jwks = serde_json::from_value(jwks).unwrap())
            .await;
    for way in ["query", "pushed", "object"] {
        let mut browser = Browser::new();
        let first = stand.sign_in(&mut browser, "web", &[]).await;
        let began = stand.now();
        assert_told(&stand, &tokens(&stand, &first).await, PWD, began).await;
        stand.clock.advance(100);
        let challenged = [("acr_values", json!(MFA)), ("max_age", json!(600))];
        let id = ask(&stand, &mut browser, (way, &key), &challenged).await.interaction();
        let asked = prompt(&stand, &id).await;
        assert_eq!(asked["auth"]["reasons"], json!(["acr_insufficient"]), "{way}");
        assert_eq!(asked["auth"]["acr"], json!({ "values": [MFA], "essential": true, "current": PWD }));
        let again = reply(&stand, &id, &reusing(auth("alice"), &asked)).await.json;
        assert_eq!(again["auth"]["reasons"], json!(["answer_insufficient", "acr_insufficient"]), "{way}");
        let params = stepped_up(&stand, &mut browser, &id).await;
        assert_told(&stand, &tokens(&stand, &params).await, MFA, began + 100).await;
        // What was reached holds: the same challenge needs nobody.
        let silent = ask(&stand, &mut browser, (way, &key), &challenged).await.params();
        stand.clock.advance(10);
        assert_told(&stand, &tokens(&stand, &silent).await, MFA, began + 100).await;
    }
}

#[tokio::test]
async fn a_session_that_is_too_old_is_asked_again_and_the_time_is_that_of_the_answer() {
    let key = Signer::new("key-1");
    let jwks = key.jwks();
    let stand =
        stand_with(move |config| client(config, "web").metadata.jwks = serde_json::from_value(jwks).unwrap())
            .await;
    for way in ["query", "pushed", "object"] {
        let mut browser = Browser::new();
        stand.sign_in(&mut browser, "web", &[]).await;
        stand.clock.advance(301);
        let fresh = [("max_age", json!(300))];
        let id = ask(&stand, &mut browser, (way, &key), &fresh).await.interaction();
        assert_eq!(prompt(&stand, &id).await["auth"]["reasons"], json!(["max_age_exceeded"]), "{way}");
        let at = stand.now();
        let params = stand.finish(&mut browser, &id, "alice").await;
        stand.clock.advance(20);
        assert_told(&stand, &tokens(&stand, &params).await, PWD, at).await;
    }
}

#[tokio::test]
async fn what_is_announced_is_necessary_and_what_nobody_knows_stays_a_wish() {
    let stand = stand().await;
    let discovery = stand.http.get(format!("{}/.well-known/openid-configuration", stand.issuer));
    let discovery = Reply::read(discovery.send().await.unwrap()).await.json;
    assert_eq!(discovery["acr_values_supported"], json!([PWD, MFA]));
    for (values, essential) in
        [(MFA, true), ("urn:unknown urn:placet:acr:mfa", true), ("urn:unknown urn:other", false)]
    {
        let mut browser = Browser::new();
        let id = browser.authorize(&stand, "web", &[("acr_values", values)]).await.interaction();
        assert_eq!(prompt(&stand, &id).await["auth"]["acr"]["essential"], essential, "{values}");
        let next = reply(&stand, &id, &auth("alice")).await.json;
        assert_eq!(next["type"] == "auth", essential, "{values}: {next}");
        if !essential {
            let params = stand.finish(&mut browser, &id, "alice").await;
            assert_told(&stand, &tokens(&stand, &params).await, PWD, stand.now()).await;
        }
    }
    // Any of several will do.
    let id = Browser::new().authorize(&stand, "web", &[("acr_values", &format!("{MFA} {PWD}"))]).await;
    assert_ne!(reply(&stand, &id.interaction(), &auth("alice")).await.json["type"], "auth");
}

#[tokio::test]
async fn the_client_learns_that_the_authentication_cannot_be_had() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[("acr_values", MFA)]).await.interaction();
    let unmet = "unmet_authentication_requirements";
    let deny = json!({ "type": "deny", "error": unmet });
    let over = reply(&stand, &id, &deny).await.json;
    let uri = text(&over["response"]["delivery"]["uri"]);
    let params = browser.get(&uri).await.params();
    assert_eq!((params["error"].as_str(), params["state"].as_str()), (unmet, "the-state"));
    assert!(!params.contains_key("code"));
    // Nobody is signed in by a refusal.
    let none = browser.authorize(&stand, "web", &[("prompt", "none")]).await.params();
    assert_eq!(none["error"], "login_required");
}

#[tokio::test]
async fn nobody_is_asked_for_what_the_login_app_may_not_assert() {
    let stand = stand_with(|config| config.ui[0].max_acr = Some(vec![PWD.to_owned()])).await;
    let unmet = "unmet_authentication_requirements";
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    for mut visitor in [browser.clone(), Browser::new()] {
        for prompt in ["", "none", "login"] {
            let asked = [("acr_values", MFA), ("prompt", prompt)];
            let params = visitor.authorize(&stand, "web", &asked).await.params();
            assert_eq!(params["error"], unmet, "prompt={prompt}");
        }
    }
    let wish = browser.authorize(&stand, "web", &[("acr_values", "urn:unknown")]).await.interaction();
    assert_eq!(prompt(&stand, &wish).await["type"], "auth", "a wish is asked for once");
    // The app cannot help itself, either.
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let refused = reply(&stand, &id, &strong(&Value::Null)).await;
    assert_eq!((refused.status, refused.error()), (403, "capability_missing"));
}

#[tokio::test]
async fn tokens_tell_the_authentication_that_they_come_from_and_no_other() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let offline = [("scope", "openid offline_access"), ("prompt", "consent")];
    let weak = stand.sign_in(&mut browser, "web", &offline).await;
    let weak = tokens(&stand, &weak).await;
    let began = stand.now();
    stand.clock.advance(50);
    let stepping = [("scope", "openid offline_access"), ("prompt", "consent"), ("acr_values", MFA)];
    let id = browser.authorize(&stand, "web", &stepping).await.interaction();
    let raised = stepped_up(&stand, &mut browser, &id).await;
    let raised = tokens(&stand, &raised).await;
    assert_told(&stand, &raised, MFA, began + 50).await;
    // The same session, but an older grant: refreshing it raises nothing.
    let old = refresh(&stand, "web", &text(&weak["refresh_token"])).await.json;
    assert_told(&stand, &old, PWD, began).await;
    assert_told(&stand, &weak, PWD, began).await;
    // The session falls back by a new sign-in with a password alone; what was granted before stays as it was.
    stand.clock.advance(50);
    let id = browser.authorize(&stand, "web", &[("prompt", "login")]).await.interaction();
    let again = reusing(auth("alice"), &prompt(&stand, &id).await);
    reply(&stand, &id, &again).await;
    let lowered = stand.finish(&mut browser, &id, "alice").await;
    assert_told(&stand, &tokens(&stand, &lowered).await, PWD, began + 100).await;
    let kept = refresh(&stand, "web", &text(&raised["refresh_token"])).await.json;
    assert_told(&stand, &kept, MFA, began + 50).await;
    // And from now on a session that is weak again does not pass for a strong one.
    let params = browser.authorize(&stand, "web", &[("prompt", "none"), ("acr_values", MFA)]).await.params();
    assert_eq!(params["error"], "login_required");
}

#[tokio::test]
async fn a_session_that_grew_weak_while_the_browser_was_away_does_not_count() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[("acr_values", MFA)]).await.interaction();
    stepped_up(&stand, &mut browser, &id).await;
    // One tab stands before the consent to another client, which wants the second factor.
    let waiting = browser.authorize(&stand, "other", &[("acr_values", MFA)]).await.interaction();
    assert_eq!(prompt(&stand, &waiting).await["type"], "consent");
    // Its answer is given, but its browser is not back yet.
    let last = reply(&stand, &waiting, &everything()).await.json;
    // The other tab signs in anew, with a password alone.
    let id = browser.authorize(&stand, "web", &[("prompt", "login")]).await.interaction();
    let weak = reusing(auth("alice"), &prompt(&stand, &id).await);
    reply(&stand, &id, &weak).await;
    stand.finish(&mut browser, &id, "alice").await;
    let back = browser.get(&text(&last["response"]["delivery"]["uri"])).await;
    assert_eq!(back.interaction(), waiting, "the login app is asked once more");
    assert_eq!(prompt(&stand, &waiting).await["auth"]["reasons"], json!(["acr_insufficient"]));
    let params = stepped_up(&stand, &mut browser, &waiting).await;
    let reply = stand.redeem("other", &params["code"]).await;
    assert_eq!(claims(&text(&reply.json["id_token"]))["acr"], MFA);
}

#[tokio::test]
async fn an_essential_claim_wins_and_a_voluntary_one_weakens_nothing() {
    let stand = stand_with(|config| {
        client(config, "other").metadata.default_acr_values = Some(vec![MFA.to_owned()]);
    })
    .await;
    let essential = r#"{"id_token":{"acr":{"essential":true,"value":"urn:placet:acr:mfa"}}}"#;
    let voluntary = r#"{"id_token":{"acr":{"values":["urn:placet:acr:pwd"]}}}"#;
    for (client, extra, demanded) in [
        (
            "web",
            &[("claims", essential), ("acr_values", PWD)][..],
            json!({ "values": [MFA], "essential": true }),
        ),
        ("web", &[("claims", voluntary), ("acr_values", MFA)], json!({ "values": [MFA], "essential": true })),
        ("web", &[("claims", voluntary)], json!({ "values": [PWD], "essential": false })),
        // What is registered counts where the request says nothing, and only there.
        ("other", &[], json!({ "values": [MFA], "essential": true })),
        ("other", &[("acr_values", PWD)], json!({ "values": [PWD], "essential": true })),
        ("other", &[("claims", voluntary)], json!({ "values": [PWD], "essential": false })),
    ] {
        let id = Browser::new().authorize(&stand, client, extra).await.interaction();
        assert_eq!(prompt(&stand, &id).await["auth"]["acr"], demanded, "{client} {extra:?}");
    }
}

#[tokio::test]
async fn what_is_no_list_of_classes_or_no_age_is_refused() {
    let stand = stand().await;
    let long = "x".repeat(2049);
    for extra in [("acr_values", long.as_str()), ("max_age", "-1"), ("max_age", "soon"), ("max_age", "1e3")] {
        let params = Browser::new().authorize(&stand, "web", &[extra]).await.params();
        assert_eq!(params["error"], "invalid_request", "{}", extra.0);
        let mut form =
            vec![("redirect_uri", CALLBACK), ("response_type", "code"), ("scope", "openid"), extra];
        form.extend([("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]);
        let pushed = stand.post("/par", "web", &form).await;
        assert_eq!((pushed.status, pushed.error()), (400, "invalid_request"), "{}", extra.0);
    }
    let twice = format!(
        "{}/authorize?client_id=web&redirect_uri={CALLBACK}&response_type=code&scope=openid&acr_values={PWD}&acr_values={MFA}",
        stand.issuer
    );
    let params = Browser::new().get(&twice).await.params();
    assert_eq!(params["error"], "invalid_request", "which of two would count?");
}
