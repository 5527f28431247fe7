//! `interaction.approve`, `docs/protocol.md`: what a policy may make of a grant before it takes effect.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, HEADLESS, Stand, auth, claims},
    helpers::text,
    policy_stage::{
        allow, assert_unavailable, challenge, deny, everything, failing, prompt, reply, rows, scripted, set,
        stand,
    },
    sidecar::Sidecar,
};

const HOOK: [&str; 1] = ["interaction.approve"];

/// A request that alice consented to, but whose browser is not back yet.
async fn consented(stand: &Stand, browser: &mut Browser, extra: &[(&str, &str)]) -> (String, Value) {
    let id = browser.authorize(stand, "web", extra).await.interaction();
    reply(stand, &id, &auth("alice")).await;
    let next = reply(stand, &id, &everything()).await;
    assert_eq!(next.status, 200, "{}", next.text);
    (id, next.json)
}

fn back(prompt: &Value) -> String {
    assert_eq!(prompt["type"], "response", "{prompt}");
    text(&prompt["response"]["delivery"]["uri"])
}

#[tokio::test]
async fn what_is_approved_is_what_is_granted() {
    let patch = json!({ "grant": {
        "scope": ["openid", "email", "offline_access"], "claims": { "userinfo": ["email"] },
        "access_token": { "lifetime": 30, "claims": { "plan": "gold" } },
        "refresh_token": { "lifetime": 100 }, "id_token": { "claims": { "tier": 2 } },
        "userinfo": { "claims": { "points": 7 } }, "data": { "risk": "low" },
    } });
    let sidecar = Sidecar::start(move |request| {
        let offline = request["interaction"]["consent"]["scope"][3] == "offline_access";
        if offline { set(&patch) } else { allow() }
    })
    .await;
    let stand = stand(&sidecar, &["interaction.approve", "grant.refresh_token"]).await;
    let mut browser = Browser::new();
    let extra = [("scope", "openid email phone offline_access"), ("prompt", "consent")];
    let params = stand.sign_in(&mut browser, "web", &extra).await;
    let asked = sidecar.requests();
    let [request] = asked.as_slice() else { panic!("asked {} times", asked.len()) };
    let interaction = &request["interaction"];
    assert_eq!((&interaction["stage"], &interaction["challenges"]), (&json!("approve"), &json!(0)));
    let scope = json!(["openid", "email", "phone", "offline_access"]);
    assert_eq!(interaction["consent"], json!({ "scope": scope, "explicit": true }));
    assert!(interaction.get("front_channel").is_none());
    let proposal = &request["proposal"]["grant"];
    assert_eq!((&proposal["sub"], &proposal["scope"]), (&json!("alice"), &scope));
    assert_eq!(proposal["authentication"]["amr"], json!(["pwd"]));
    assert_eq!(request["limits"]["grant"]["claims"]["userinfo"][0], "email");
    assert_eq!(request["limits"]["grant"]["access_token"]["max_lifetime"], 600);

    let tokens = stand.redeem("web", &params["code"]).await.json;
    let access = text(&tokens["access_token"]);
    assert_eq!(
        (&tokens["scope"], &tokens["expires_in"]),
        (&json!("openid email offline_access"), &json!(30))
    );
    assert_eq!(claims(&access)["plan"], "gold");
    assert_eq!(claims(&text(&tokens["id_token"]))["tier"], 2);
    let known = stand.userinfo(&access).await.json;
    assert_eq!((&known["points"], known.get("phone_number")), (&json!(7), None));
    let refreshed = super::helpers::refresh(&stand, "web", &text(&tokens["refresh_token"])).await;
    assert_eq!(refreshed.json["expires_in"], 30, "{}", refreshed.text);
    assert_eq!(sidecar.requests().pop().unwrap()["refresh_token"]["data"], json!({ "risk": "low" }));
    // What the user agreed to is remembered, whatever the policy made of it this time.
    let extra = [("scope", "openid email phone")];
    assert!(browser.authorize(&stand, "web", &extra).await.params().contains_key("code"));
    stand.clock.advance(100);
    let over = super::helpers::refresh(&stand, "web", &text(&refreshed.json["refresh_token"])).await;
    assert_eq!(over.error(), "invalid_grant", "the family had 100 seconds");
}

#[tokio::test]
async fn what_the_policy_leaves_alone_follows_the_settings_of_the_client() {
    let sidecar = Sidecar::start(|_| set(&json!({ "grant": { "data": { "x": 1 } } }))).await;
    let stand = stand(&sidecar, &HOOK).await;
    stand.sign_in(&mut Browser::new(), "web", &[]).await;
    let page = placet_server::store::Paging { after: "", limit: 1 };
    let stored = stand.server.store().authorizations_of("alice", page, stand.now()).await.unwrap();
    let grant = &serde_json::from_str::<Value>(&stored[0].doc).unwrap()["grant"];
    assert_eq!(grant["data"], json!({ "x": 1 }));
    for untouched in ["access_token", "refresh_token", "id_token", "sub", "authentication"] {
        assert!(grant.get(untouched).is_none(), "{untouched}: {grant}");
    }
}

#[tokio::test]
async fn a_grant_that_nobody_was_asked_about_is_approved_too() {
    let sidecar = scripted(vec![allow(), allow(), deny("invalid_scope")]).await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "own", &[]).await;
    assert!(browser.authorize(&stand, "own", &[("prompt", "none")]).await.params().contains_key("code"));
    let silent = &sidecar.requests()[1];
    assert_eq!(silent["interaction"]["consent"]["explicit"], false);
    assert_eq!(
        (&silent["request"]["endpoint"], &silent["subject"]["sub"]),
        (&json!("authorize"), &json!("alice"))
    );
    let before = rows(&stand, "alice").await;
    let params = browser.authorize(&stand, "own", &[]).await.params();
    assert_eq!(params["error"], "invalid_scope");
    assert_eq!(rows(&stand, "alice").await, before);
}

#[tokio::test]
async fn tokens_that_leave_through_the_browser_are_approved_here_for_the_last_time() {
    let patch = json!({ "grant": {
        "access_token": { "claims": { "plan": "gold" }, "lifetime": 60 }, "id_token": { "claims": { "tier": 2 } },
    } });
    let sidecar = scripted(vec![
        set(&patch),
        set(&json!({ "grant": { "id_token": { "issue": false } } })),
        set(&json!({ "grant": { "scope": ["email"] } })),
    ])
    .await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    let extra = [
        ("response_type", "id_token token"),
        ("nonce", "n"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let params = stand.sign_in(&mut browser, "hybrid", &extra).await;
    assert_eq!(sidecar.requests()[0]["interaction"]["front_channel"], json!(["id_token", "token"]));
    assert_eq!(sidecar.requests()[0]["grant"]["type"], "implicit");
    assert_eq!(
        (params["expires_in"].as_str(), &claims(&params["access_token"])["plan"]),
        ("60", &json!("gold"))
    );
    assert_eq!(claims(&params["id_token"])["tier"], 2);
    for _ in 0..2 {
        let params = browser.authorize(&stand, "hybrid", &extra).await.params();
        assert_eq!(params["error"], "access_denied", "an ID token is part of the response type");
        assert!(!params.contains_key("access_token"));
    }
}

#[tokio::test]
async fn a_challenge_after_the_consent_leads_to_a_page_and_back() {
    let terms = json!({ "kind": "prompt", "name": "terms" });
    let step_up = json!({ "kind": "step_up", "acr_values": ["gold"] });
    let sidecar = scripted(vec![challenge(&terms), challenge(&step_up)]).await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    let (id, next) = consented(&stand, &mut browser, &[]).await;
    assert_eq!(next["type"], "custom", "{next}");
    let result = json!({ "type": "custom", "name": "terms", "result": { "accepted": true } });
    let next = reply(&stand, &id, &result).await.json;
    assert_eq!(next["auth"]["reasons"], json!(["policy_step_up"]), "{next}");
    let mut strong = auth("alice");
    strong["acr"] = json!("gold");
    let next = reply(&stand, &id, &strong).await.json;
    // The consent was given once, by the same user, for the same.
    assert!(browser.get(&back(&next)).await.params().contains_key("code"));
    let last = sidecar.requests().pop().unwrap();
    assert_eq!(last["interaction"]["challenges"], 2);
    assert_eq!(last["interaction"]["results"], json!({ "terms": { "accepted": true } }));
    assert_eq!(last["session"]["acr"], "gold");
    assert_eq!(rows(&stand, "alice").await, (1, 1, 1));
}

#[tokio::test]
async fn the_consent_of_one_user_is_not_approved_for_another() {
    let sidecar = scripted(vec![challenge(&json!({ "kind": "select_account" }))]).await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    let (id, next) = consented(&stand, &mut browser, &[]).await;
    assert_eq!(next["type"], "auth", "{next}");
    let next = reply(&stand, &id, &auth("bob")).await.json;
    assert_eq!((&next["type"], &next["consent"]["subject"]["sub"]), (&json!("consent"), &json!("bob")));
    let less = json!({ "type": "consent", "grant": { "scope": ["openid"] } });
    let next = reply(&stand, &id, &less).await.json;
    let params = browser.get(&back(&next)).await.params();
    let tokens = stand.redeem("web", &params["code"]).await.json;
    assert_eq!(
        (&tokens["scope"], &claims(&text(&tokens["id_token"]))["sub"]),
        (&json!("openid"), &json!("bob"))
    );
    assert_eq!(rows(&stand, "alice").await, (0, 0, 0));
}

#[tokio::test]
async fn a_consent_to_another_offer_is_asked_again() {
    let sidecar = Sidecar::start(|request| {
        match (request["type"].as_str().unwrap(), request["interaction"]["challenges"].as_u64().unwrap()) {
            ("interaction.approve", 0) => challenge(&json!({ "kind": "prompt", "name": "terms" })),
            ("interaction.evaluate", 1) => set(&json!({ "grant": { "scope": ["openid"] } })),
            _ => allow(),
        }
    })
    .await;
    let stand = stand(&sidecar, &["interaction.evaluate", "interaction.approve"]).await;
    let mut browser = Browser::new();
    let (id, next) = consented(&stand, &mut browser, &[]).await;
    assert_eq!(next["type"], "custom", "{next}");
    let next = reply(&stand, &id, &json!({ "type": "custom", "name": "terms", "result": {} })).await.json;
    assert_eq!(next["type"], "consent", "{next}");
    assert_eq!(next["consent"]["scope"].as_array().unwrap().len(), 1);
    let params = stand.finish(&mut browser, &id, "alice").await;
    assert_eq!(stand.redeem("web", &params["code"]).await.json["scope"], "openid");
}

#[tokio::test]
async fn a_failing_policy_leaves_the_last_step_open() {
    let (sidecar, fails) = failing(|_| allow()).await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    reply(&stand, &id, &auth("alice")).await;
    let before = prompt(&stand, &id).await;
    fails.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        assert_unavailable(&stand.answer(&id, 2, &everything()).await);
        assert_eq!(prompt(&stand, &id).await, before);
    }
    assert_eq!(rows(&stand, "alice").await, (0, 0, 0));
    fails.store(false, Ordering::SeqCst);
    let done = stand.answer(&id, 2, &everything()).await.json;
    assert!(browser.get(&back(&done)).await.params().contains_key("code"));
    assert_eq!(rows(&stand, "alice").await, (1, 1, 1));
}

#[tokio::test]
async fn a_policy_that_widens_a_consent_fails_and_nothing_is_stored() {
    for patch in [
        json!({ "scope": ["openid", "email", "phone"] }),
        json!({ "claims": { "userinfo": ["email", "phone_number"] } }),
        json!({ "resources": ["https://api.example"] }),
        json!({ "sub": "bob" }),
        json!({ "access_token": { "audience": ["https://api.example"] } }),
        json!({ "access_token": { "lifetime": 601 } }),
        json!({ "refresh_token": { "issue": true } }),
        json!({ "id_token": { "audience": ["other"] } }),
        json!({ "authentication": { "acr": "gold" } }),
        json!({ "data": { "x": "y".repeat(8190) } }),
        json!({ "claims_context": { "x": "y".repeat(4096) } }),
        json!({ "colour": "red" }),
    ] {
        let shown = patch.to_string();
        let sidecar = Sidecar::start(move |_| set(&json!({ "grant": patch }))).await;
        let stand = stand(&sidecar, &HOOK).await;
        let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
        reply(&stand, &id, &auth("alice")).await;
        let refused = stand.answer(&id, 2, &everything()).await;
        assert_eq!((refused.status, refused.error()), (503, "policy_unavailable"), "{shown}");
        assert_eq!(rows(&stand, "alice").await, (0, 0, 0));
    }
}

/// A grant to another client that builds on a session, which is renewed in another tab before the browser is back.
async fn renewed_meanwhile(decision: Value) -> (Stand, Sidecar, Browser, String) {
    let sidecar = scripted(vec![allow(), allow(), allow(), decision]).await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    let id = browser.authorize(&stand, "other", &[]).await.interaction();
    let uri = back(&reply(&stand, &id, &everything()).await.json);
    stand.clock.advance(10);
    let tab = browser.authorize(&stand, "web", &[("prompt", "login")]).await.interaction();
    let mut again = auth("alice");
    let session = prompt(&stand, &tab).await["session"]["id"].clone();
    again["session"] = json!({ "action": "reuse", "id": session });
    let renewed = reply(&stand, &tab, &again).await.json;
    browser.get(&back(&renewed)).await.params();
    assert_eq!(sidecar.requests().len(), 3);
    (stand, sidecar, browser, uri)
}

#[tokio::test]
async fn what_was_approved_of_one_authentication_is_asked_again_for_a_later_one() {
    let (stand, sidecar, mut browser, uri) = renewed_meanwhile(allow()).await;
    let params = browser.get(&uri).await.params();
    assert!(params.contains_key("code"), "{params:?}");
    let asked = sidecar.requests();
    assert_eq!(asked.len(), 4);
    let at = |n: usize| text(&asked[n]["session"]["authenticated_at"]);
    assert_ne!(at(1), at(3));
    assert_eq!(stand.redeem("other", &params["code"]).await.status, 200);

    let (stand, _, mut browser, uri) = renewed_meanwhile(deny("access_denied")).await;
    let before = rows(&stand, "alice").await;
    assert_eq!(browser.get(&uri).await.params()["error"], "access_denied");
    assert_eq!(rows(&stand, "alice").await, before);

    let terms = challenge(&json!({ "kind": "prompt", "name": "terms" }));
    let (stand, _, mut browser, uri) = renewed_meanwhile(terms).await;
    let id = browser.get(&uri).await.interaction();
    assert_eq!(prompt(&stand, &id).await["type"], "custom");
    let result = json!({ "type": "custom", "name": "terms", "result": {} });
    let done = reply(&stand, &id, &result).await.json;
    assert!(browser.get(&back(&done)).await.params().contains_key("code"));
    assert_eq!(browser.get(&uri).await.status, 400, "the first ticket is worth nothing any more");
}

#[tokio::test]
async fn a_headless_app_gets_the_challenges_too() {
    const BINDING: &str = "binding-of-the-browser-0123456789";
    let (sidecar, fails) = failing(|request| match request["interaction"].get("results") {
        None => challenge(&json!({ "kind": "prompt", "name": "terms" })),
        Some(_) => set(&json!({ "grant": { "access_token": { "lifetime": 30 } } })),
    })
    .await;
    let stand = stand(&sidecar, &HOOK).await;
    let query = "client_id=web&response_type=code&scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
                 &code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback";
    let body = json!({
        "kind": "authorization", "request": { "method": "GET", "query": query },
        "browser": { "binding": BINDING, "sessions": [] },
    });
    let mut next = stand.call(HEADLESS, Method::POST, "/interactions", Some(&body)).await.json;
    // The app may set tokens, but what it sets is bounded like everything else.
    let consent =
        json!({ "type": "consent", "accept_all": true, "grant": { "access_token": { "lifetime": 60 } } });
    let result = json!({ "type": "custom", "name": "terms", "result": { "accepted": true } });
    for (kind, body) in [("auth", auth("alice")), ("consent", consent), ("custom", result)] {
        assert_eq!(next["type"], kind, "{next}");
        let url =
            format!("{}/interactions/{}/steps/{}", stand.api, next["id"].as_str().unwrap(), next["step"]);
        let put = || {
            stand.http.put(&url).bearer_auth(HEADLESS).header("placet-browser-binding", BINDING).json(&body)
        };
        if kind == "custom" {
            fails.store(true, Ordering::SeqCst);
            assert_unavailable(&super::harness::Reply::read(put().send().await.unwrap()).await);
            assert_eq!(rows(&stand, "alice").await, (0, 0, 0));
            fails.store(false, Ordering::SeqCst);
        }
        next = super::harness::Reply::read(put().send().await.unwrap()).await.json;
    }
    assert_eq!(sidecar.requests().pop().unwrap()["limits"]["grant"]["access_token"]["max_lifetime"], 60);
    let params = super::harness::query(&back(&next));
    let tokens = stand.redeem("web", &params["code"]).await.json;
    assert_eq!(tokens["expires_in"], 30, "{tokens}");
}

#[tokio::test]
async fn a_login_app_stays_within_what_a_policy_offers() {
    let offer = json!({ "grant": {
        "access_token": { "lifetime": 60, "claims": { "limit": 5 } }, "refresh_token": { "issue": false },
        "id_token": { "lifetime": 30 },
    } });
    let sidecar = Sidecar::start(move |_| set(&offer)).await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &["interaction.evaluate"]));
        config.ui[0].capabilities = vec![placet_server::config::Capability::SetTokens];
    })
    .await;
    let mut browser = Browser::new();
    let extra = [("scope", "openid email offline_access"), ("prompt", "consent")];
    let id = browser.authorize(&stand, "web", &extra).await.interaction();
    reply(&stand, &id, &auth("alice")).await;
    let answer = |grant: &Value| json!({ "type": "consent", "accept_all": true, "grant": grant });
    for (grant, pointer) in [
        (json!({ "access_token": { "lifetime": 61 } }), "/grant/access_token/lifetime"),
        (json!({ "refresh_token": { "issue": true } }), "/grant/refresh_token/issue"),
        (json!({ "id_token": { "lifetime": 31 } }), "/grant/id_token/lifetime"),
    ] {
        let refused = reply(&stand, &id, &answer(&grant)).await;
        assert_eq!((refused.status, refused.error()), (422, "invalid_answer"), "{}", refused.text);
        assert_eq!(refused.json["errors"][0]["pointer"], pointer);
    }
    let less = json!({ "access_token": { "lifetime": 10, "claims": { "limit": 9, "seat": "3a" } } });
    let done = reply(&stand, &id, &answer(&less)).await.json;
    let params = browser.get(&back(&done)).await.params();
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let said = claims(&text(&tokens["access_token"]));
    assert_eq!((&tokens["expires_in"], tokens.get("refresh_token")), (&json!(10), None));
    assert_eq!((&said["limit"], &said["seat"]), (&json!(5), &json!("3a")), "the policy has the last word");
    let id = claims(&text(&tokens["id_token"]));
    assert_eq!(id["exp"], stand.now() + 30);
}
