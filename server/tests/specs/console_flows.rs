//! The console: the ledger of flows is true to what happened, and holds nothing that is worth stealing.

use serde_json::json;

use super::{
    administering::{admit, one_role, stand, stand_with},
    consoling::{Console, says},
    device_flow::{ask, devices, poll},
    harness::{Browser, CALLBACK, Reply, Stand, UI, VERIFIER, auth, query},
    helpers::{client, refresh},
    policy_stage::scripted,
};

/// The id of the request that a page or an answer names.
fn request_id(reply: &Reply) -> String {
    let id = reply.header("placet-request-id").to_owned();
    assert!(id.starts_with("req_"), "{reply:?}");
    id
}

/// A flow by any id that is in it.
async fn flow(console: &mut Console<'_>, id: &str) -> String {
    let path = console.finds(id).await.unwrap_or_else(|| panic!("nothing of {id}"));
    assert!(path.starts_with("/flows/req_"), "{path}");
    console.sees(&path).await
}

#[tokio::test]
async fn a_code_flow_is_shown_step_by_step_with_what_policies_said_and_why() {
    let sidecar = scripted(vec![
        json!({ "decision": "allow", "reason": { "code": "known_network", "detail": "it is the office" } }),
        json!({ "decision": "allow", "reason": { "code": "tier_gold" } }),
    ])
    .await;
    let stand = stand_with(|config| {
        config.policy.push(sidecar.policy("guard", &["interaction.approve", "grant.authorization_code"]));
        // It may get tokens past that policy.
        config.clients.retain(|client| client.client_id != "hybrid");
    })
    .await;
    let mut browser = Browser::new();
    let asked = browser.authorize(&stand, "web", &[("scope", "openid email")]).await;
    let (first, interaction) = (request_id(&asked), asked.interaction());
    let mut console = Console::enter(&stand).await;
    says(&flow(&mut console, &interaction).await, &["waits for the answer to `auth`", "303"]);
    let params = stand.finish(&mut browser, &interaction, "alice").await;
    let redeemed = stand.redeem("web", &params["code"]).await;
    assert_eq!(redeemed.status, 200, "{}", redeemed.text);
    let shown = flow(&mut console, &first).await;
    says(
        &shown,
        &[
            "tokens were issued",
            "web",
            "alice",
            &interaction,
            "az_",
            "An application sent a browser",
            "/authorize",
            "The login app is asked: `auth`, step 1",
            "The login app read what it has to ask",
            "The login app answered",
            "The login app is asked: `consent`, step 2",
            "The login app answered",
            "the browser is sent back",
            "interaction.approve",
            "allow",
            "guard",
            "known_network: it is the office",
            "The browser came back from the login app",
            "A client asked for tokens",
            "Grant type `authorization_code`",
            "grant.authorization_code",
            "tier_gold",
        ],
    );
    for id in [request_id(&redeemed), interaction] {
        assert_eq!(
            flow(&mut console, &id).await.matches("<li class=").count(),
            shown.matches("<li class=").count()
        );
    }
    // A refresh belongs to the same flow, through its authorization.
    let token = stand.tokens("web", "openid offline_access").await;
    let again = refresh(&stand, "web", token["refresh_token"].as_str().unwrap()).await;
    says(
        &flow(&mut console, &request_id(&again)).await,
        &["An application sent", "Grant type `refresh_token`"],
    );
    // The decision leads on, but not for those who may not look at decisions.
    let mut reader = Console::with(&stand, &one_role("read")).await;
    let plain = flow(&mut reader, &first).await;
    assert!(!plain.contains("known_network") && plain.contains("needs the role"), "{plain}");
}

#[tokio::test]
async fn a_refused_request_is_found_by_the_reference_on_its_error_page() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let refused = browser.authorize(&stand, "web", &[("redirect_uri", "https://evil.example/")]).await;
    let id = request_id(&refused);
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains(&id), "the page shows it");
    let mut console = Console::enter(&stand).await;
    says(&flow(&mut console, &id).await, &["invalid_request", "web", "An application sent", "redirect_uri"]);
    says(
        &console.sees("/flows?outcome=refused").await,
        &["An application sent a browser", "invalid_request", "web"],
    );
    says(&console.sees("/flows?outcome=done").await, &["No flow of this process fits"]);

    let told =
        browser.authorize(&stand, "web", &[("scope", "openid nothing_known"), ("prompt", "none")]).await;
    let code = query(told.header("location"))["error"].clone();
    says(&flow(&mut console, &request_id(&told)).await, &[&code, "web"]);

    let wrong = stand.redeem("web", "guessed").await;
    says(
        &flow(&mut console, &request_id(&wrong)).await,
        &["invalid_grant", "A client asked for tokens", "unknown"],
    );
    let stranger = stand.post("/token", "nobody", &[("grant_type", "client_credentials")]).await;
    says(&flow(&mut console, &request_id(&stranger)).await, &["invalid_client", "not known"]);
}

#[tokio::test]
async fn another_browser_that_comes_back_is_seen_in_the_flow_that_it_ended() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    let mut thief = Browser::new();
    let mut prompt = stand.call(UI, reqwest::Method::GET, &format!("/interactions/{id}"), None).await.json;
    while prompt["type"] != "response" {
        let body = match prompt["type"].as_str().unwrap() {
            "auth" => auth("alice"),
            _ => json!({ "type": "consent", "accept_all": true }),
        };
        prompt =
            stand.answer(&id, u32::try_from(prompt["step"].as_u64().unwrap()).unwrap(), &body).await.json;
    }
    let refused = thief.get(prompt["response"]["delivery"]["uri"].as_str().unwrap()).await;
    assert_eq!(refused.status, 400);
    let mut console = Console::enter(&stand).await;
    says(
        &flow(&mut console, &request_id(&refused)).await,
        &["invalid_request", "An application sent", "The browser came back", "started in another browser"],
    );
}

#[tokio::test]
async fn a_device_and_its_user_are_one_flow_and_waiting_is_one_step() {
    let stand = stand_with(devices).await;
    let begun = ask(&stand, "tv", &[("scope", "openid")]).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let device_code = begun.json["device_code"].as_str().unwrap();
    for _ in 0..3 {
        stand.clock.advance(10);
        assert_eq!(poll(&stand, "tv", device_code).await.error(), "authorization_pending");
    }
    let mut browser = Browser::new();
    let door = browser.get(begun.json["verification_uri_complete"].as_str().unwrap()).await;
    let mut console = Console::enter(&stand).await;
    let shown = flow(&mut console, &request_id(&door)).await;
    says(
        &shown,
        &[
            "waits for the answer to `confirm`",
            "tv",
            "A device asked for a code",
            "A client asked for tokens",
            "authorization_pending",
            "The same came 2 times before",
            "A browser came with the code of a device",
        ],
    );
    assert!(
        !shown.contains(device_code) && !shown.contains(begun.json["user_code"].as_str().unwrap()),
        "{shown}"
    );
}

#[tokio::test]
async fn nothing_that_opens_anything_and_no_claim_is_in_the_ledger() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let asked = browser
        .authorize(
            &stand,
            "web",
            &[("scope", "openid email offline_access"), ("prompt", "consent"), ("nonce", "the-nonce-of-it")],
        )
        .await;
    let interaction = asked.interaction();
    let params = stand.finish(&mut browser, &interaction, "alice").await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let mut console = Console::enter(&stand).await;
    let shown = flow(&mut console, &interaction).await + &console.sees("/flows?all=yes").await;
    let secrets =
        ["access_token", "refresh_token", "id_token"].map(|name| tokens[name].as_str().unwrap().to_owned());
    for secret in secrets.iter().map(String::as_str).chain([
        params["code"].as_str(),
        VERIFIER,
        "the-state",
        "the-nonce-of-it",
        "Alice Adams",
        "alice@example.com",
        CALLBACK,
    ]) {
        assert!(!shown.contains(secret), "{secret} is in the ledger");
    }
    for cookie in browser.cookies.values() {
        assert!(!shown.contains(cookie), "a cookie is in the ledger");
    }
}

#[tokio::test]
async fn it_is_bounded_says_what_it_forgot_and_can_be_switched_off() {
    let stand = stand_with(|config| config.ledger.keep = 3).await;
    let mut browser = Browser::new();
    let sign_in = browser.authorize(&stand, "web", &[]).await.interaction();
    let mut last = String::new();
    let first = request_id(&stand.redeem("web", "x").await);
    for _ in 0..5 {
        last = request_id(&stand.redeem("web", "x").await);
    }
    let mut console = Console::enter(&stand).await;
    assert!(console.finds(&last).await.is_some());
    assert!(console.finds(&sign_in).await.is_some(), "refused requests push no sign-in out");
    assert_eq!(console.finds(&first).await, None);
    says(
        &console.sees("/flows").await,
        &["Older ones were forgotten", "Each process keeps what it answered itself"],
    );

    let off = stand_with(|config| config.ledger.keep = 0).await;
    let refused = request_id(&off.redeem("web", "x").await);
    let mut console = Console::enter(&off).await;
    assert_eq!(console.finds(&refused).await, None);
    says(&console.sees("/flows").await, &["The ledger is off"]);
}

#[tokio::test]
async fn what_others_write_is_shown_as_text() {
    const EVIL: &str = "<script>alert(1)</script>\"'><img src=x>";
    let stand = stand_with(|config| {
        client(config, "web").metadata.client_name = Some(EVIL.to_owned());
    })
    .await;
    let sidecar = scripted(vec![json!({
        "decision": "deny", "error": { "code": "access_denied" },
        "reason": { "code": EVIL, "detail": EVIL }, "tags": { "x": EVIL },
    })])
    .await;
    let told = Stand::with(|config| {
        admit(config);
        config.policy.push(sidecar.policy("guard", &["grant.client_credentials"]));
    })
    .await;
    let denied = told.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    let id = request_id(&denied);
    let mut console = Console::enter(&told).await;
    let mut pages = vec![flow(&mut console, &id).await, console.sees("/decisions").await];
    let path =
        pages[1].split("/console/decisions/dec_").nth(1).unwrap().split('"').next().unwrap().to_owned();
    pages.push(console.sees(&format!("/decisions/dec_{path}")).await);
    let mut console = Console::enter(&stand).await;
    let query: String = url::form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    let mut browser = Browser::new();
    let refused = browser.authorize(&stand, EVIL, &[]).await;
    pages.push(flow(&mut console, &request_id(&refused)).await);
    for path in ["/clients", "/client?id=web"] {
        pages.push(console.sees(path).await);
    }
    for path in ["search?q", "flows?client_id", "flows?sub", "decisions?policy", "people?sub", "flows?done"] {
        pages.push(console.sees(&format!("/{path}={query}")).await);
    }
    let typed = console.post("/simulate", &[("question", EVIL)]).await;
    assert_eq!(typed.status, 422, "{}", typed.text);
    pages.push(typed.text);
    for page in pages {
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    }
}
