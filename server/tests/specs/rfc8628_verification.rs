//! OAuth 2.0 Device Authorization Grant, RFC 8628 section 3.3: the people who answer for a device, and those who should
//! not.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    device_flow::{
        agree, answer, approve, ask, code, confirm, devices, form, open, poll, prompt, stand, start,
    },
    harness::{Browser, HEADLESS, Reply, Stand, auth},
    helpers::text,
};

#[tokio::test]
async fn a_code_is_the_same_however_it_is_typed() {
    let stand = stand().await;
    let codes = start(&stand, "tv", "openid").await;
    let letters = codes.user.replace('-', "");
    assert_eq!((codes.user.len(), letters.len()), (9, 8));
    assert!(letters.bytes().all(|b| b"BCDFGHJKLMNPQRSTVWXZ".contains(&b)), "{letters}");
    let spaced = letters.split("").collect::<Vec<_>>().join(" ");
    for typed in [&codes.user, &letters, &codes.user.to_lowercase(), &spaced, &format!(" {letters}. ")] {
        let id = open(&stand, &mut Browser::new(), None).await;
        let next = answer(&stand, &id, &code(typed)).await;
        assert_eq!((&next["type"], &next["device"]["user_code"]), (&json!("confirm"), &json!(codes.user)));
    }
}

#[tokio::test]
async fn the_user_sees_what_is_connected_from_where_and_when_before_anybody_signs_in() {
    let stand = stand().await;
    let request = form(&stand, "/device_authorization", "tv", &[("scope", "openid profile")]);
    let asked = Reply::read(request.header("user-agent", "AcmeTV/7").send().await.unwrap()).await.json;
    let user_code = text(&asked["user_code"]);
    let id = open(&stand, &mut Browser::new(), None).await;
    let first = prompt(&stand, &id).await;
    assert_eq!((&first["type"], &first["kind"]), (&json!("user_code"), &json!("device")));
    assert_eq!(first["user_code"]["attempts_left"], 5);
    assert!(first.get("device").is_none() && first.get("client").is_none());
    let next = answer(&stand, &id, &code(&user_code)).await;
    assert_eq!((&next["type"], &next["confirm"]), (&json!("confirm"), &json!({ "what": "device" })));
    let started = placet_sdk::Instant(stand.now());
    let device = json!({
        "user_code": user_code, "prefilled": false, "ip": "127.0.0.1", "user_agent": "AcmeTV/7",
        "started_at": started,
    });
    assert_eq!(next["device"], device);
    assert_eq!((&next["client"]["client_id"], &next["client"]["name"]), (&json!("tv"), &json!("Acme TV")));
    let request = &next["request"];
    assert_eq!(request["scope"], json!(["openid", "profile"]));
    for member in ["response_type", "response_mode", "redirect_uri", "pkce"] {
        assert!(request.get(member).is_none(), "{member}: {request}");
    }
    let next = answer(&stand, &id, &confirm(true)).await;
    assert_eq!((&next["type"], &next["device"]), (&json!("auth"), &device));
    let next = answer(&stand, &id, &auth("alice")).await;
    assert_eq!((&next["type"], &next["device"]), (&json!("consent"), &device));
    assert_eq!(next["consent"]["scope"][0]["value"], "openid");
}

#[tokio::test]
async fn a_link_fills_in_the_code_and_the_confirmation_is_asked_nevertheless() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let codes = start(&stand, "house", "openid").await;
    approve(&stand, &mut browser, &codes.user, "alice").await;
    // Signed in, and a client that needs no consent: there is nothing else to ask.
    let codes = start(&stand, "house", "openid").await;
    let id = open(&stand, &mut browser, Some(&codes.user)).await;
    let first = prompt(&stand, &id).await;
    assert_eq!((&first["type"], &first["confirm"]["warn"]), (&json!("confirm"), &json!(["prefilled_code"])));
    assert_eq!(first["device"]["prefilled"], true);
    assert_eq!(poll(&stand, "house", &codes.device).await.error(), "authorization_pending");
    let next = answer(&stand, &id, &confirm(true)).await;
    assert_eq!(next["type"], "response");
    let page = browser.get(&text(&next["response"]["delivery"]["uri"])).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(poll(&stand, "house", &codes.device).await.status, 200);
}

#[tokio::test]
async fn reasons_for_caution_are_named() {
    let stand = Stand::with(|config| {
        devices(config);
        config.trusted_proxies = vec![[127, 0, 0, 1].into()];
    })
    .await;
    let at = async |ip: &str| {
        let request = form(&stand, "/device_authorization", "tv", &[]).header("x-forwarded-for", ip);
        text(&Reply::read(request.send().await.unwrap()).await.json["user_code"])
    };
    let warned = async |user_code: &str, ip: &str| {
        let request = stand.http.get(format!("{}/device", stand.issuer)).header("x-forwarded-for", ip);
        let id = Reply::read(request.send().await.unwrap()).await.interaction();
        answer(&stand, &id, &code(user_code)).await["confirm"]["warn"].clone()
    };
    for (device, browser, warn) in [
        ("192.0.2.7", "192.0.2.7", Value::Null),
        ("192.0.2.7", "192.0.2.8", json!(["different_network"])),
        ("2001:db8:1:2::7", "2001:db8:1:2:ff::8", Value::Null),
        ("2001:db8:1:2::7", "2001:db8:1:3::7", json!(["different_network"])),
        ("2001:db8:1:2::7", "192.0.2.7", json!(["different_network"])),
    ] {
        assert_eq!(warned(&at(device).await, browser).await, warn, "{device} {browser}");
    }
    let user_code = at("192.0.2.7").await;
    stand.clock.advance(300);
    assert_eq!(warned(&user_code, "192.0.2.7").await, json!(["old_request"]));
}

#[tokio::test]
async fn whoever_does_not_know_the_device_refuses_it() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let deny = json!({ "type": "deny" });
    for (answers, name) in [
        (vec![confirm(false)], "not my device"),
        (vec![deny.clone()], "cancelled at the confirmation"),
        (vec![confirm(true), deny.clone()], "cancelled at the login"),
        (vec![confirm(true), auth("alice"), deny.clone()], "cancelled at the consent"),
    ] {
        let codes = start(&stand, "tv", "openid").await;
        let mut browser = Browser::new();
        let id = open(&stand, &mut browser, Some(&codes.user)).await;
        let mut last = Value::Null;
        for body in answers {
            last = answer(&stand, &id, &body).await;
        }
        assert_eq!(last["response"]["error"], "access_denied", "{name}");
        assert_eq!(poll(&stand, "tv", &codes.device).await.error(), "authorization_pending", "{name}");
        let page = browser.get(&text(&last["response"]["delivery"]["uri"])).await;
        assert!(page.status == 200 && page.text.contains("Acme TV is not connected"), "{name}: {page:?}");
        for _ in 0..2 {
            let reply = poll(&stand, "tv", &codes.device).await;
            assert_eq!((reply.status, reply.error()), (400, "access_denied"), "{name}");
        }
        let id = open(&stand, &mut browser, Some(&codes.user)).await;
        assert_eq!(prompt(&stand, &id).await["type"], "user_code", "{name}: it is used up");
    }
    // Who enters no code refuses nothing.
    let codes = start(&stand, "tv", "openid").await;
    let id = open(&stand, &mut browser, None).await;
    let last = answer(&stand, &id, &deny).await;
    let page = browser.get(&text(&last["response"]["delivery"]["uri"])).await;
    assert!(page.text.contains("The device is not connected"), "{}", page.text);
    assert_eq!(poll(&stand, "tv", &codes.device).await.error(), "authorization_pending");
}

#[tokio::test]
async fn codes_that_are_unknown_expired_used_or_anothers_are_the_same_to_whoever_tries() {
    let stand = stand().await;
    let expired = start(&stand, "tv", "openid").await;
    stand.clock.advance(600);
    let used = start(&stand, "tv", "openid").await;
    approve(&stand, &mut Browser::new(), &used.user, "alice").await;
    let claimed = start(&stand, "tv", "openid").await;
    let id = open(&stand, &mut Browser::new(), Some(&claimed.user)).await;
    answer(&stand, &id, &confirm(true)).await;
    let mut seen = Vec::new();
    for typed in [&expired.user, &used.user, &claimed.user, "BCDF-GHJK", "no", "", "0000-0000"] {
        let mut browser = Browser::new();
        let id = open(&stand, &mut browser, None).await;
        let typed_in = answer(&stand, &id, &code(typed)).await;
        let linked = open(&stand, &mut browser, Some(typed).filter(|typed| !typed.is_empty())).await;
        let mut linked = prompt(&stand, &linked).await;
        assert_eq!(linked["type"], "user_code", "{typed}");
        if !typed.is_empty() {
            assert_eq!(linked["user_code"]["attempts_left"], 4, "{typed}");
        }
        let mut first = typed_in;
        for prompt in [&mut first, &mut linked] {
            prompt.as_object_mut().unwrap().remove("id");
        }
        seen.push(first);
    }
    assert_eq!(seen[0]["user_code"]["attempts_left"], 4);
    assert!(seen.windows(2).all(|two| two[0] == two[1]), "{seen:?}");
}

#[tokio::test]
async fn after_five_wrong_codes_the_interaction_is_over() {
    let stand = stand().await;
    let codes = start(&stand, "tv", "openid").await;
    let id = open(&stand, &mut Browser::new(), None).await;
    for left in [4, 3, 2, 1] {
        let next = answer(&stand, &id, &code("BCDF-GHJK")).await;
        assert_eq!((&next["type"], &next["user_code"]["attempts_left"]), (&json!("user_code"), &json!(left)));
    }
    let last = answer(&stand, &id, &code("BCDF-GHJK")).await;
    assert_eq!((&last["type"], &last["error"]["error"]), (&json!("error"), &json!("access_denied")));
    let late = stand.answer(&id, 6, &code(&codes.user)).await;
    assert_eq!((late.status, late.error()), (422, "type_mismatch"));
}

#[tokio::test]
async fn of_two_browsers_with_one_code_the_first_to_confirm_has_it() {
    let stand = stand().await;
    let codes = start(&stand, "tv", "openid").await;
    let (mut mine, mut other) = (Browser::new(), Browser::new());
    let my_id = open(&stand, &mut mine, Some(&codes.user)).await;
    let other_id = open(&stand, &mut other, Some(&codes.user)).await;
    assert_eq!(answer(&stand, &my_id, &confirm(true)).await["type"], "auth");
    let late = answer(&stand, &other_id, &confirm(true)).await;
    assert_eq!((&late["type"], &late["user_code"]["attempts_left"]), (&json!("user_code"), &json!(4)));
    assert!(late.get("device").is_none() && late.get("client").is_none(), "{late}");
    // Nor can it refuse what is not its own.
    let refusing = open(&stand, &mut other, None).await;
    answer(&stand, &refusing, &json!({ "type": "deny" })).await;
    let back = agree(&stand, &my_id, "alice").await;
    assert_eq!(mine.get(&back).await.status, 200);
    assert_eq!(poll(&stand, "tv", &codes.device).await.status, 200);
}

#[tokio::test]
async fn of_20_browsers_that_confirm_at_once_one_is_asked_to_sign_in() {
    let stand = Arc::new(stand().await);
    let codes = start(&stand, "tv", "openid").await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(open(&stand, &mut Browser::new(), Some(&codes.user)).await);
    }
    let mut races = Vec::new();
    for id in ids {
        let stand = stand.clone();
        races.push(tokio::spawn(async move { stand.answer(&id, 1, &confirm(true)).await.json }));
    }
    let mut won = 0;
    for race in races {
        match race.await.unwrap()["type"].as_str() {
            Some("auth") => won += 1,
            other => assert_eq!(other, Some("user_code")),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn two_windows_of_one_browser_decide_once() {
    let stand = stand().await;
    let codes = start(&stand, "tv", "openid").await;
    let mut browser = Browser::new();
    let one = open(&stand, &mut browser, Some(&codes.user)).await;
    let two = open(&stand, &mut browser, Some(&codes.user)).await;
    let (first, second) = (agree(&stand, &one, "alice").await, agree(&stand, &two, "bob").await);
    assert_eq!(browser.get(&first).await.status, 200);
    let late = browser.get(&second).await;
    assert!(late.status == 400 && late.text.contains("answered already"), "{late:?}");
    let tokens = poll(&stand, "tv", &codes.device).await;
    assert_eq!(super::harness::claims(&text(&tokens.json["id_token"]))["sub"], "alice");
}

#[tokio::test]
async fn a_public_device_is_never_approved_by_what_is_remembered() {
    let stand = stand().await;
    let mut browser = Browser::new();
    for expected in ["first_time", "native_client"] {
        let codes = start(&stand, "tv", "openid").await;
        let id = open(&stand, &mut browser, Some(&codes.user)).await;
        let mut next = answer(&stand, &id, &confirm(true)).await;
        if next["type"] == "auth" {
            next = answer(&stand, &id, &auth("alice")).await;
        }
        assert_eq!(next["consent"]["reasons"], json!([expected]));
        let back = agree(&stand, &id, "alice").await;
        browser.get(&back).await;
    }
}

#[tokio::test]
async fn guesses_are_limited_by_browser_by_address_and_in_all() {
    let limited = async |browsers: u32, addresses: u32, all: u32| {
        Stand::with(move |config| {
            devices(config);
            config.limits.enabled = true;
            config.limits.user_codes = browsers;
            config.limits.user_codes_per_address = addresses;
            config.limits.user_codes_in_all = all;
        })
        .await
    };
    for (browsers, addresses, all, same) in [(2, 100, 100, true), (100, 2, 100, false), (100, 100, 2, false)]
    {
        let stand = limited(browsers, addresses, all).await;
        let codes = start(&stand, "tv", "openid").await;
        let mut browser = Browser::new();
        for _ in 0..3 {
            if !same {
                browser = Browser::new();
            }
            let id = open(&stand, &mut browser, None).await;
            assert_eq!(answer(&stand, &id, &code("BCDF-GHJK")).await["type"], "user_code");
        }
        let id = open(&stand, &mut browser, None).await;
        let refused = stand.answer(&id, 1, &code(&codes.user)).await;
        assert_eq!((refused.status, refused.error()), (429, "too_many_requests"), "{}", refused.text);
        assert_eq!(refused.header("retry-after"), "30");
        let link = browser.get(&format!("{}/device?user_code={}", stand.issuer, codes.user)).await;
        assert_eq!((link.status, link.header("retry-after")), (429, "30"));
        let other = open(&stand, &mut Browser::new(), None).await;
        let other = stand.answer(&other, 1, &code(&codes.user)).await;
        assert_eq!(other.status == 200, same, "{}", other.text);
    }
}

#[tokio::test]
async fn right_codes_are_not_counted_as_guesses() {
    let stand = Stand::with(|config| {
        devices(config);
        config.limits.enabled = true;
        config.limits.user_codes = 1;
    })
    .await;
    let mut browser = Browser::new();
    for _ in 0..5 {
        let codes = start(&stand, "tv", "openid").await;
        let id = open(&stand, &mut browser, Some(&codes.user)).await;
        assert_eq!(prompt(&stand, &id).await["type"], "confirm");
    }
}

#[tokio::test]
async fn strangers_cannot_fill_the_store() {
    let stand = Stand::with(|config| {
        devices(config);
        config.limits.enabled = true;
        config.limits.authorize = 2;
    })
    .await;
    let path = format!("{}/device", stand.issuer);
    let mut last = Browser::new().get(&path).await;
    for _ in 0..2 {
        last = Browser::new().get(&path).await;
    }
    assert_eq!(last.status, 429);
    // Anybody can be the television; the box has a secret.
    assert_eq!(ask(&stand, "tv", &[]).await.status, 429);
    assert_eq!(ask(&stand, "box", &[]).await.status, 200);
}

#[tokio::test]
async fn a_broken_address_is_a_page_and_opens_nothing() {
    let stand = stand().await;
    for query in ["?user_code=%zz", "?user_code=a&user_code=b"] {
        let page = Browser::new().get(&format!("{}/device{query}", stand.issuer)).await;
        assert_eq!((page.status, page.text.contains("id=\"error-page\"")), (400, true), "{query}");
    }
    assert_eq!(stand.rows("SELECT id FROM interactions"), Vec::<String>::new());
    let posted = Browser::new().post(&format!("{}/device", stand.issuer), &[]).await;
    assert_eq!(posted.status, 405);
}

#[tokio::test]
async fn a_login_app_that_holds_the_browser_connects_devices_itself() {
    let stand = stand().await;
    let binding = "binding-of-a-browser-0123456789";
    let opened = async |members: Value| {
        let mut body = json!({ "kind": "device", "browser": { "binding": binding, "ip": "127.0.0.1" } });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        stand.call(HEADLESS, Method::POST, "/interactions", Some(&body)).await
    };
    let put = async |id: &str, step: u32, binding: &str, body: &Value| {
        let request = stand.http.put(format!("{}/interactions/{id}/steps/{step}", stand.api));
        let request = request.bearer_auth(HEADLESS).header("placet-browser-binding", binding).json(body);
        Reply::read(request.send().await.unwrap()).await
    };
    let codes = start(&stand, "tv", "openid").await;
    let asked = opened(json!({})).await;
    assert_eq!((asked.status, &asked.json["type"]), (201, &json!("user_code")), "{}", asked.text);
    let linked = opened(json!({ "user_code": codes.user, "prefilled": true })).await;
    assert_eq!(
        (&linked.json["type"], &linked.json["device"]["prefilled"]),
        (&json!("confirm"), &json!(true))
    );
    let typed = opened(json!({ "user_code": codes.user })).await;
    assert_eq!(typed.json["device"]["prefilled"], false);
    let id = text(&typed.json["id"]);
    let stranger = put(&id, 1, "binding-of-another-browser-9876", &confirm(true)).await;
    assert_eq!((stranger.status, stranger.error()), (403, "binding_mismatch"));
    let consent = json!({ "type": "consent", "accept_all": true });
    let mut last = Value::Null;
    for (step, body) in [(1, confirm(true)), (2, auth("alice")), (3, consent)] {
        let reply = put(&id, step, binding, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        last = reply.json;
    }
    let response = &last["response"];
    assert_eq!(
        (&response["outcome"], &response["delivery"]),
        (&json!("success"), &json!({ "method": "none" }))
    );
    assert_eq!(response["summary"]["sub"], "alice");
    assert!(response["session"]["cookie"]["value"].is_string(), "{response}");
    assert_eq!(poll(&stand, "tv", &codes.device).await.status, 200);
}
