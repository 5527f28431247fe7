//! Limits: who asks too often is told when to come back, and nobody else pays for it.

use placet_server::config::{ClientLimitsConfig, LimitsConfig};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    folder::Folder,
    harness::{Browser, HEADLESS, Reply, SECRET, Stand, auth},
};

async fn limited() -> Stand {
    Stand::with(|config| {
        config.limits = LimitsConfig {
            enabled: true,
            token: 3,
            par: 3,
            device: 3,
            ciba: 3,
            introspection: 3,
            revocation: 3,
            userinfo: 3,
            authorize: 3,
            register: 3,
            failures: 3,
            answers: 3,
            ..config.limits
        };
    })
    .await
}

/// Sends the same request until it is refused for its rate.
async fn until_refused(stand: &Stand, method: reqwest::Method, path: &str) -> Reply {
    for _ in 0..6 {
        let request = stand.http.request(method.clone(), format!("{}{path}", stand.issuer));
        let reply = Reply::read(request.send().await.unwrap()).await;
        if reply.status == 429 {
            return reply;
        }
    }
    panic!("{path} knows no limit");
}

#[tokio::test]
async fn every_kind_of_endpoint_has_its_limit_and_says_when_to_come_back() {
    use reqwest::Method;
    for (method, path) in [
        (Method::POST, "/token"),
        (Method::POST, "/par"),
        (Method::POST, "/device_authorization"),
        (Method::POST, "/bc-authorize"),
        (Method::GET, "/device"),
        (Method::POST, "/introspect"),
        (Method::POST, "/revoke"),
        (Method::GET, "/userinfo"),
        (Method::GET, "/authorize"),
        (Method::POST, "/authorize"),
        (Method::GET, "/logout"),
        (Method::POST, "/register"),
        (Method::GET, "/register/x"),
    ] {
        let stand = limited().await;
        let reply = until_refused(&stand, method, path).await;
        let wait: u64 = reply.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{path}");
        assert!(reply.header("ratelimit").ends_with(&format!("\";r=0;t={wait}")), "{path}: {reply:?}");
        assert!(reply.header("ratelimit-policy").ends_with("\";q=3;w=60"), "{path}: {reply:?}");
        assert!(reply.header("placet-request-id").starts_with("req_"));
    }
}

#[tokio::test]
async fn answers_to_one_interaction_are_limited_and_those_to_another_are_not() {
    let stand = limited().await;
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let other = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let wrong = json!({ "type": "auth" });
    let mut last = stand.answer(&id, 1, &wrong).await;
    for _ in 0..4 {
        last = stand.answer(&id, 1, &wrong).await;
    }
    assert_eq!((last.status, last.error()), (429, "too_many_requests"));
    assert!(!last.header("retry-after").is_empty(), "{last:?}");
    assert_eq!(stand.answer(&other, 1, &auth("alice")).await.status, 200);
}

#[tokio::test]
async fn who_keeps_guessing_secrets_has_to_wait_and_the_client_is_not_locked_out() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.failures = 3;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let ask = async |address: &str, secret: &str| {
        let request = stand.http.post(format!("{}/token", stand.issuer)).basic_auth("service", Some(secret));
        let request =
            request.header("x-forwarded-for", address).form(&[("grant_type", "client_credentials")]);
        Reply::read(request.send().await.unwrap()).await
    };
    let mut guesses = 0;
    while ask("192.0.2.1", "guess").await.status == 401 {
        guesses += 1;
        assert!(guesses < 100, "nobody had to wait");
    }
    assert!(guesses >= 3, "{guesses}");
    for secret in ["guess", SECRET] {
        let reply = ask("192.0.2.1", secret).await;
        assert_eq!(reply.status, 429, "the right secret does not end the wait: {}", reply.text);
        assert!(!reply.header("retry-after").is_empty());
    }
    assert_eq!(ask("192.0.2.2", SECRET).await.status, 200);
}

#[tokio::test]
async fn a_client_with_an_old_secret_locks_out_no_other_one_and_many_names_are_no_help_to_who_guesses() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.failures = 3;
        config.limits.failures_per_address = 6;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let ask = async |(address, client): (&str, &str), secret: &str| {
        let request = stand.http.post(format!("{}/token", stand.issuer)).basic_auth(client, Some(secret));
        Reply::read(request.header("x-forwarded-for", address).form(&CREDENTIALS).send().await.unwrap()).await
    };
    let here = |client| ("192.0.2.1", client);
    for expected in [401, 401, 401, 401, 429] {
        assert_eq!(ask(here("web"), "an old one").await.status, expected);
    }
    assert_eq!(ask(here("service"), SECRET).await.status, 200, "it is another client");
    for name in ["one", "two", "three"] {
        assert_eq!(ask(here(name), "a guess").await.status, 401, "{name}");
    }
    let waits = ask(here("service"), SECRET).await;
    assert_eq!((waits.status, waits.header("retry-after")), (429, "30"));
    assert!(list(&waits, "ratelimit-policy").starts_with("\"failures-address\""), "{waits:?}");
    for client in ["service", "web"] {
        let elsewhere = ask(("192.0.2.2", client), SECRET).await;
        assert_ne!(elsewhere.status, 429, "nobody locks {client} out: {}", elsewhere.text);
    }
}

/// How many of six requests at `/register` are refused for the rate of one address, of which each names another one.
async fn refused_of_six(trusted: &[&str], forged: impl Fn(u32) -> String) -> u32 {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.register = 2;
        config.trusted_proxies = trusted.iter().map(|address| address.parse().unwrap()).collect();
    })
    .await;
    let mut refused = 0;
    for n in 0..6 {
        let request = stand.http.post(format!("{}/register", stand.issuer)).json(&json!({}));
        let reply = Reply::read(request.header("x-forwarded-for", forged(n)).send().await.unwrap()).await;
        refused += u32::from(reply.status == 429);
    }
    refused
}

#[tokio::test]
async fn what_a_stranger_writes_into_x_forwarded_for_counts_for_nothing() {
    let refused = refused_of_six(&["127.0.0.1"], |n| format!("192.0.2.{n}, x, 198.51.100.7")).await;
    assert!(refused >= 3, "{refused}");
    let refused = refused_of_six(&["127.0.0.1"], |n| format!("198.51.100.7, 192.0.2.{n}")).await;
    assert_eq!(refused, 0, "these are what the proxy says");
}

#[tokio::test]
async fn a_peer_that_is_no_trusted_proxy_speaks_for_nobody() {
    for trusted in [&[][..], &["203.0.113.1"]] {
        let refused = refused_of_six(trusted, |n| format!("192.0.2.{n}")).await;
        assert!(refused >= 3, "{trusted:?}: {refused}");
        let refused = refused_of_six(trusted, |n| format!("192.0.2.{n}, 203.0.113.1")).await;
        assert!(refused >= 3, "{trusted:?}: {refused}");
    }
}

#[tokio::test]
async fn what_stands_left_of_a_hop_that_cannot_be_read_is_not_believed() {
    for hop in ["x", "", "unknown", "198.51.100.7:4711"] {
        let refused = refused_of_six(&["127.0.0.1"], |n| format!("192.0.2.{n}, {hop}")).await;
        assert!(refused >= 3, "{hop}: {refused}");
        let refused = refused_of_six(&["127.0.0.1"], |n| format!("192.0.2.{n}, {hop}, 127.0.0.1")).await;
        assert!(refused >= 3, "{hop}: {refused}");
    }
}

/// All lines of a field, as one list.
fn list(reply: &Reply, field: &str) -> String {
    let lines = reply.headers.get_all(field).iter();
    lines.map(|line| line.to_str().unwrap()).collect::<Vec<_>>().join(", ")
}

const CREDENTIALS: [(&str, &str); 1] = [("grant_type", "client_credentials")];

#[tokio::test]
async fn answers_say_what_is_left_of_the_limits_of_the_address_and_of_the_client() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.token = 6;
        config.limits.clients.token = 3;
        config.limits.failures = 1_000;
    })
    .await;
    let first = stand.post("/token", "service", &CREDENTIALS).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(list(&first, "ratelimit-policy"), r#""token";q=6;w=60, "token-client";q=3;w=60"#);
    assert_eq!(list(&first, "ratelimit"), r#""token";r=5;t=10, "token-client";r=2;t=20"#);
    let wrong = stand.post_public("/token", &[("client_id", "service"), ("grant_type", "x")]).await;
    assert_eq!(list(&wrong, "ratelimit"), r#""token";r=4;t=20"#, "who it is was not proved");
    assert_eq!(stand.post("/token", "service", &CREDENTIALS).await.status, 200);
    assert_eq!(stand.post("/token", "service", &CREDENTIALS).await.status, 200);
    let spent = stand.post("/token", "service", &CREDENTIALS).await;
    assert_eq!((spent.status, spent.header("retry-after")), (429, "20"));
    assert_eq!(list(&spent, "ratelimit"), r#""token-client";r=0;t=20, "token";r=1;t=50"#);
    assert_eq!(
        stand.post("/token", "web", &CREDENTIALS).await.error(),
        "unauthorized_client",
        "it is another one"
    );
    let all_of_it = stand.post("/token", "web", &CREDENTIALS).await;
    assert_eq!((all_of_it.status, list(&all_of_it, "ratelimit").as_str()), (429, r#""token";r=0;t=10"#));
    stand.clock.advance(20);
    assert_eq!(stand.post("/token", "service", &CREDENTIALS).await.status, 200);
}

#[tokio::test]
async fn scripts_may_read_what_is_left() {
    let stand = limited().await;
    let request = stand.http.post(format!("{}/token", stand.issuer)).header("origin", "https://app.example");
    let reply = Reply::read(request.send().await.unwrap()).await;
    let exposed = reply.header("access-control-expose-headers");
    assert!(exposed.contains("ratelimit, ratelimit-policy") && exposed.contains("retry-after"), "{exposed}");
}

#[tokio::test]
async fn a_client_id_that_is_only_named_spends_nothing_of_what_the_client_has() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.failures = 1_000;
        config.limits.clients =
            ClientLimitsConfig { token: 1, par: 1, device: 1, ciba: 1, introspection: 1, revocation: 1 };
    })
    .await;
    for path in ["/token", "/par", "/introspect", "/revoke"] {
        for _ in 0..3 {
            let request = stand.http.post(format!("{}{path}", stand.issuer));
            let request = request.basic_auth("web", Some("a guess")).form(&[("token", "x")]);
            assert_eq!(Reply::read(request.send().await.unwrap()).await.status, 401, "{path}");
        }
        let form = [("token", "x"), ("grant_type", "x")];
        assert_ne!(stand.post(path, "web", &form).await.status, 429, "{path}");
        let spent = stand.post(path, "web", &form).await;
        assert_eq!(spent.status, 429, "{path}: {}", spent.text);
        assert!(list(&spent, "ratelimit").contains("-client\";r=0;"), "{path}: {spent:?}");
        assert_ne!(stand.post(path, "other", &form).await.status, 429, "{path}: another client");
    }
    for _ in 0..3 {
        // Anybody can be a public client.
        let reply = stand.post_public("/token", &[("client_id", "spa"), ("grant_type", "x")]).await;
        assert_eq!(reply.error(), "unsupported_grant_type");
        assert!(!list(&reply, "ratelimit").contains("client"), "{reply:?}");
    }
}

#[tokio::test]
async fn who_has_spent_all_is_refused_before_the_body_is_read_or_anybody_authenticated() {
    let stand = limited().await;
    until_refused(&stand, reqwest::Method::POST, "/token").await;
    let mut stream = TcpStream::connect(stand.issuer.trim_start_matches("http://")).await.unwrap();
    let head = b"POST /token HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut begin = [0; 13];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 429 ", "its body never comes");
    assert_eq!(stand.post("/token", "service", &CREDENTIALS).await.status, 429);
}

#[tokio::test]
async fn networks_of_ipv6_are_one_address_each_and_a_site_has_as_much_as_sixteen() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.token = 1;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let ask = async |address: &str| {
        let request = stand.http.post(format!("{}/token", stand.issuer)).header("x-forwarded-for", address);
        Reply::read(request.send().await.unwrap()).await
    };
    assert_eq!(ask("2001:db8::1").await.status, 400);
    let same = ask("2001:db8::ffff:2").await;
    assert_eq!((same.status, list(&same, "ratelimit").as_str()), (429, r#""token";r=0;t=60"#));
    for network in 1..16 {
        assert_eq!(ask(&format!("2001:db8:0:{network}::1")).await.status, 400);
    }
    let site = ask("2001:db8:0:ffff::1").await;
    assert_eq!((site.status, list(&site, "ratelimit").as_str()), (429, r#""token-network";r=0;t=4"#));
    assert_eq!(ask("2001:db8:1::1").await.status, 400);
}

#[test]
fn a_server_without_limits_says_so_loudly_at_its_start() {
    let folder = Folder::new("limits");
    let file = folder.join("placet.toml");
    std::fs::write(&file, "issuer = \"https://login.example\"\n").unwrap();
    // It ends soon: its address is taken.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let start = |limits: Option<&str>| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_placet"));
        command.arg("--config").arg(&file).arg("serve").env_remove("PLACET_LOG");
        command.env("PLACET_LISTEN", taken.local_addr().unwrap().to_string());
        if let Some(limits) = limits {
            command.env("PLACET_LIMITS", limits);
        }
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let said = start(Some("off"));
    let line = said.lines().find(|line| line.contains("ALL RATE LIMITS ARE OFF"));
    assert!(line.is_some_and(|line| line.contains("WARN")), "{said}");
    for limited in [None, Some("on")] {
        assert!(!start(limited).contains("LIMITS ARE OFF"), "{limited:?}");
    }
    assert!(start(Some("no")).contains("PLACET_LIMITS"));
}

#[tokio::test]
async fn where_limits_are_off_nothing_is_said_of_them() {
    let stand = Stand::start().await;
    let reply = stand.post("/token", "service", &CREDENTIALS).await;
    assert_eq!(reply.status, 200);
    assert_eq!((list(&reply, "ratelimit"), list(&reply, "ratelimit-policy")), (String::new(), String::new()));
}

#[tokio::test]
async fn guesses_at_the_admin_api_make_their_address_wait() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.failures = 3;
    })
    .await;
    let url = format!("{}/admin/v1/clients", stand.api.trim_end_matches("/ui/v1"));
    let ask = async || Reply::read(stand.http.get(&url).bearer_auth("a-guess").send().await.unwrap()).await;
    for _ in 0..4 {
        assert_eq!(ask().await.status, 401);
    }
    let waits = ask().await;
    assert_eq!((waits.status, waits.header("retry-after")), (429, "30"));
    stand.clock.advance(30);
    assert_eq!(ask().await.status, 401);
}

#[tokio::test]
async fn failed_logins_that_a_login_app_reports_are_counted_by_user_and_it_learns_when_there_are_too_many() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.failed_logins = 3;
    })
    .await;
    let report = async |kind: &str, sub: &str| {
        let body = json!({ "type": kind, "sub": sub });
        stand.call(HEADLESS, reqwest::Method::POST, "/reports", Some(&body)).await
    };
    for _ in 0..3 {
        assert_eq!(report("login.failed", "alice").await.status, 202);
    }
    let refused = report("login.failed", "alice").await;
    assert_eq!(
        (refused.status, refused.error(), refused.header("retry-after")),
        (429, "too_many_requests", "20")
    );
    assert_eq!(list(&refused, "ratelimit"), r#""failed-logins";r=0;t=20"#);
    assert_eq!(stand.events("login.failed").len(), 3, "no stranger fills the store by this");
    assert_eq!(report("login.failed", "bob").await.status, 202);
    assert_eq!(report("account.disabled", "alice").await.status, 202, "what counts is taken all the same");
    stand.clock.advance(20);
    assert_eq!(report("login.failed", "alice").await.status, 202);
}
