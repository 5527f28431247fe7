//! The console: how an operator comes in, who does not, and what a page of somebody else cannot do.

use placet_server::config::PolicyMode;
use reqwest::{Method, header};

use super::{
    administering::{admit, call, one_role, stand, stand_with},
    consoling::{Console, link, page, secret, token},
    harness::{Browser, Reply, Stand},
    policy_stage::{allow, scripted},
    securing::Secured,
    sidecar::policy,
};

#[tokio::test]
async fn a_link_signs_in_once_and_looking_at_it_uses_nothing_up() {
    let stand = stand().await;
    let link = link(&stand, &one_role("read")).await;
    let mut console = Console::outside(&stand);
    for _ in 0..2 {
        let shown = console.browser.get(&link).await;
        assert_eq!(shown.status, 200);
        assert!(shown.text.contains("Sign in"), "{}", shown.text);
        assert_eq!(console.get("/flows").await.header("location"), "/console/sign-in");
    }
    let entered = console.sign_in(secret(&link)).await;
    assert_eq!(entered.status, 303);
    let cookie = entered.header("set-cookie");
    for part in ["placet-console=", "; Path=/console;", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(console.sees("/flows").await.contains("Roles: read"));
    let again = Console::outside(&stand).sign_in(secret(&link)).await;
    assert_eq!(again.status, 403, "{}", again.text);
    assert!(again.text.contains("was used before") && again.header("set-cookie").is_empty());
}

#[tokio::test]
async fn of_many_browsers_with_one_link_one_gets_in() {
    let stand = stand().await;
    let link = link(&stand, &one_role("read")).await;
    let tries = (0..8).map(|_| async { Console::outside(&stand).sign_in(secret(&link)).await.status });
    let mut statuses = futures_util::future::join_all(tries).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 403, 403, 403, 403, 403, 403, 403]);
}

#[tokio::test]
async fn a_link_and_a_session_end_by_time_and_a_session_by_signing_out() {
    let stand = stand().await;
    let late = link(&stand, &one_role("read")).await;
    stand.clock.advance(120);
    assert_eq!(Console::outside(&stand).sign_in(secret(&late)).await.status, 403);

    let mut idle = Console::enter(&stand).await;
    stand.clock.advance(1_799);
    idle.sees("/flows").await;
    stand.clock.advance(1_800);
    assert_eq!(idle.get("/flows").await.header("location"), "/console/sign-in");

    let mut long = Console::enter(&stand).await;
    for _ in 0..16 {
        long.sees("/flows").await;
        stand.clock.advance(1_790);
    }
    long.sees("/flows").await;
    stand.clock.advance(8 * 3_600 - 16 * 1_790);
    assert_eq!(long.get("/flows").await.status, 303);

    let mut leaving = Console::enter(&stand).await;
    let stolen = leaving.browser.clone();
    let left = leaving.post("/sign-out", &[]).await;
    assert_eq!(left.header("location"), "/console/sign-in");
    assert!(left.header("set-cookie").contains("Max-Age=0"), "{}", left.header("set-cookie"));
    let mut stolen = Console { stand: &stand, browser: stolen };
    assert_eq!(stolen.get("/flows").await.status, 303, "the session is over, not only the cookie gone");
}

#[tokio::test]
async fn whoever_guesses_at_links_has_to_wait() {
    let stand = stand_with(|config| {
        config.limits.enabled = true;
        config.limits.failures = 5;
    })
    .await;
    let link = link(&stand, &one_role("read")).await;
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(Console::outside(&stand).sign_in("guessed").await.status);
    }
    assert_eq!((statuses[0], statuses[39]), (403, 429));
    assert_eq!(Console::outside(&stand).sign_in(secret(&link)).await.status, 429, "also with the right one");
}

#[tokio::test]
async fn only_an_admin_with_the_role_read_gets_a_link() {
    let stand = stand().await;
    let refused = call(&stand, &one_role("keys"), Method::POST, "/console-links", None).await;
    assert_eq!((refused.status, refused.error()), (403, "role_missing"));
    assert_eq!(call(&stand, "nobody", Method::POST, "/console-links", None).await.status, 401);
}

/// Asks with another `Host`.
async fn as_host(stand: &Stand, host: &str, path: &str, cookie: &str) -> Reply {
    let request = stand.http.get(page(stand, path)).header(header::HOST, host).header(header::COOKIE, cookie);
    Reply::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn another_host_name_leads_nowhere_even_with_the_cookie() {
    let stand = stand().await;
    let console = Console::enter(&stand).await;
    let cookie = format!("placet-console={}", console.browser.cookies["placet-console"]);
    let style = "/assets/x.css";
    for path in ["/", "/sign-in", "/flows", "/keys", "/search?q=x", "/people", style] {
        let refused = as_host(&stand, "evil.example", path, &cookie).await;
        assert_eq!(refused.status, 421, "{path}: {}", refused.text);
    }
    let port = stand.server.config().private_listen.port();
    assert_eq!(as_host(&stand, &format!("localhost:{port}"), "/flows", &cookie).await.status, 200);
    let posted = stand.http.post(page(&stand, "/sign-in")).header(header::HOST, "evil.example");
    assert_eq!(posted.form(&[("link", "x")]).send().await.unwrap().status(), 421);
}

#[tokio::test]
async fn a_form_of_another_page_changes_nothing() {
    let stand = stand().await;
    let mut console = Console::enter(&stand).await;
    let other = Console::enter(&stand).await;
    let cookie = format!("placet-console={}", console.browser.cookies["placet-console"]);
    let own = token(&console.sees("/keys").await);
    let foreign = token(&Console { stand: &stand, browser: other.browser }.sees("/keys").await);
    let before = stand.server.keys().entries().await.unwrap();
    let send = async |token: &str, headers: &[(&str, &str)]| {
        let mut request = stand.http.post(page(&stand, "/keys")).header(header::COOKIE, &cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reply::read(request.form(&[("token", token)]).send().await.unwrap()).await
    };
    let tries: [(&str, &[(&str, &str)]); 7] = [
        ("", &[]),
        ("guessed", &[]),
        (&foreign, &[]),
        (&own, &[("origin", "https://evil.example")]),
        (&own, &[("origin", "null")]),
        (&own, &[("sec-fetch-site", "cross-site")]),
        (&own, &[("sec-fetch-site", "same-site")]),
    ];
    for (token, headers) in tries {
        let refused = send(token, headers).await;
        assert_eq!(refused.status, 403, "{token} {headers:?}: {}", refused.text);
        assert!(refused.text.contains("foreign_form"), "{}", refused.text);
    }
    assert_eq!(stand.server.keys().entries().await.unwrap(), before);
    let origin = page(&stand, "").trim_end_matches("/console").to_owned();
    let taken = send(&own, &[("origin", &origin), ("sec-fetch-site", "same-origin")]).await;
    assert_eq!((taken.status, taken.header("location")), (303, "/console/keys?done=rotated"));
}

#[tokio::test]
async fn each_page_and_each_change_wants_the_role_that_the_admin_api_wants() {
    let stand = stand_with(|config| {
        config.policy.push(policy("guard", &["grant.client_credentials"], "http://127.0.0.1:9"));
    })
    .await;
    let policies = ["/decisions", "/decisions/dec_x", "/simulate"];
    let mut reader = Console::with(&stand, &one_role("read")).await;
    let seen = reader.sees("/flows").await;
    assert!(!seen.contains("/console/decisions") && seen.contains("/console/policies"), "{seen}");
    for path in policies {
        let refused = reader.get(path).await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(refused.text.contains("role_missing"), "{}", refused.text);
    }
    let changes: [(&str, &[(&str, &str)]); 6] = [
        ("/keys", &[]),
        ("/policies", &[("name", "x"), ("mode", "off")]),
        ("/people", &[("sub", "alice"), ("session", "ses_x")]),
        ("/people", &[("sub", "alice"), ("authorization", "az_x")]),
        ("/simulate", &[("question", "{}")]),
        ("/decisions/dec_x", &[]),
    ];
    for (path, form) in changes {
        let refused = reader.post(path, form).await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(refused.text.contains("role_missing"), "{path}: {}", refused.text);
    }
    for path in ["/policies", "/clients", "/people?sub=alice", "/keys"] {
        let html = reader.sees(path).await;
        assert_eq!(html.matches("name=\"token\"").count(), 1, "{path}: only the way out is offered");
    }
}

#[tokio::test]
async fn pages_are_kept_nowhere_framed_nowhere_and_run_nothing() {
    let stand = stand().await;
    let mut console = Console::enter(&stand).await;
    for path in
        ["/flows", "/decisions", "/policies", "/simulate", "/clients", "/people", "/keys", "/flows/req_x"]
    {
        let page = console.get(path).await;
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("x-frame-options"), "DENY");
        for name in ["referrer-policy", "cross-origin-opener-policy", "cross-origin-resource-policy"] {
            assert_eq!(page.header(name), "same-origin", "{path}: {name}");
        }
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("script"), "{policy}");
        for part in ["style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.split("; ").any(|found| found == part), "{part}: {policy}");
        }
        assert!(page.header("access-control-allow-origin").is_empty());
        assert!(!page.text.contains("<script") && !page.text.contains("style="), "{}", page.text);
    }
}

#[tokio::test]
async fn whoever_comes_in_anew_leaves_the_session_before() {
    let stand = stand().await;
    let mut console = Console::enter(&stand).await;
    let mut before = Console { stand: &stand, browser: console.browser.clone() };
    before.sees("/flows").await;
    let again = link(&stand, &one_role("read")).await;
    assert_eq!(console.sign_in(secret(&again)).await.status, 303);
    assert_eq!(before.get("/flows").await.header("location"), "/console/sign-in");
    console.sees("/flows").await;
}

#[tokio::test]
async fn links_and_sessions_are_bounded_and_the_oldest_give_way() {
    let stand = stand().await;
    let mut links = Vec::new();
    for _ in 0..33 {
        links.push(link(&stand, &one_role("read")).await);
    }
    let mut outside = Console::outside(&stand);
    assert_eq!(outside.sign_in(secret(&links[0])).await.status, 403);
    assert_eq!(outside.sign_in(secret(&links[1])).await.status, 303);
    let mut newer = Console::enter(&stand).await;
    for _ in 0..63 {
        Console::enter(&stand).await;
    }
    assert_eq!(outside.get("/flows").await.header("location"), "/console/sign-in");
    newer.sees("/flows").await;
}

#[tokio::test]
async fn every_form_is_one_of_its_own_session() {
    let sidecar = scripted(vec![allow(), allow(), allow()]).await;
    let stand =
        stand_with(|config| config.policy.push(sidecar.policy("guard", &["grant.client_credentials"]))).await;
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[]).await;
    let access = stand.redeem("web", &params["code"]).await.json["access_token"].clone();
    assert_eq!(stand.post("/token", "service", &[("grant_type", "client_credentials")]).await.status, 200);
    let mut console = Console::enter(&stand).await;
    let id = |html: &str, prefix: &str| {
        // The box for ids says what they look like.
        let (_, main) = html.split_once("<main").unwrap();
        let at = main.find(prefix).unwrap_or_else(|| panic!("no {prefix} in {main}"));
        main[at..].split(['<', '"']).next().unwrap().to_owned()
    };
    let people = console.sees("/people?sub=alice").await;
    let (session, authorization) = (id(&people, "ses_"), id(&people, "az_"));
    let decision = format!("/decisions/{}", id(&console.sees("/decisions?policy=guard").await, "dec_"));
    let asked = sidecar.requests().len();
    let other = Console::enter(&stand).await;
    let foreign = token(&Console { stand: &stand, browser: other.browser }.sees("/keys").await);
    let forms: [(&str, &[(&str, &str)]); 8] = [
        ("/people", &[("sub", "alice"), ("session", &session)]),
        ("/people", &[("sub", "alice"), ("authorization", &authorization)]),
        ("/policies", &[("name", "guard"), ("mode", "off")]),
        ("/policies", &[("name", "guard"), ("action", "purge")]),
        ("/simulate", &[("question", "{}")]),
        ("/keys", &[]),
        (&decision, &[]),
        ("/sign-out", &[]),
    ];
    for (path, form) in forms {
        for token in ["", &foreign] {
            let form: Vec<_> = form.iter().copied().chain([("token", token)]).collect();
            let refused = console.browser.post(&page(&stand, path), &form).await;
            assert_eq!(refused.status, 403, "{path} {form:?}: {}", refused.text);
            assert!(refused.text.contains("foreign_form"), "{path}: {}", refused.text);
        }
    }
    console.sees("/flows").await;
    assert!(stand.is_active("web", access.as_str().unwrap()).await);
    assert_eq!(stand.server.policies().policy("guard").unwrap().mode, PolicyMode::Enforce);
    assert_eq!(sidecar.requests().len(), asked, "nothing was asked");
    for event in ["policy.cache_purged", "policy.changed", "session.ended", "authorization.revoked"] {
        assert!(stand.events(event).is_empty(), "{event}");
    }
}

#[tokio::test]
async fn over_tls_the_cookie_is_of_this_host_alone() {
    let stand = Secured::with(|config| {
        admit(config);
        (config.tls.private.certificate_file, config.tls.private.key_file) =
            (config.tls.certificate_file.clone(), config.tls.key_file.clone());
    })
    .await;
    let base = format!("https://{}", stand.stand.server.config().private_listen);
    let http = &stand.stand.http;
    let asked = http.post(format!("{base}/admin/v1/console-links")).bearer_auth(one_role("read"));
    let link = Reply::read(asked.send().await.unwrap()).await.json["url"].as_str().unwrap().to_owned();
    assert!(link.starts_with(&base), "{link}");
    let sent = http.post(format!("{base}/console/sign-in")).header(header::ORIGIN, &base);
    let entered = Reply::read(sent.form(&[("link", secret(&link))]).send().await.unwrap()).await;
    assert_eq!(entered.status, 303, "{}", entered.text);
    let cookie = entered.header("set-cookie");
    assert!(cookie.starts_with("__Host-placet-console="), "{cookie}");
    for part in ["; Path=/;", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap();
    let shown = http.get(format!("{base}/console/flows")).header(header::COOKIE, pair).send().await.unwrap();
    assert_eq!(shown.status(), 200);
    // What a page over plain HTTP could have planted is not looked at.
    let planted = pair.replacen("__Host-", "", 1);
    let shown = http.get(format!("{base}/console/keys")).header(header::COOKIE, planted).send().await;
    assert_ne!(shown.unwrap().status(), 200);
}
