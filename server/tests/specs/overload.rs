//! When more is asked than the server can do: it does as much as it can, sends the others away at once, and nobody loses
//! anything by it.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use placet_server::config::{Config, OverloadConfig};
use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use super::{
    harness::{Browser, HEADLESS, Reply, SECRET, Stand},
    helpers::{refresh, text},
    sidecar::{self, Answered},
};

/// A policy that lets those who ask wait until it is told to answer.
pub struct Holding {
    /// Where it is asked.
    pub url: String,
    asked: watch::Receiver<usize>,
    go_on: watch::Sender<bool>,
}

impl Holding {
    /// One that nobody has asked yet.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/decide", listener.local_addr().unwrap());
        let ((count, asked), (go_on, released)) = (watch::channel(0), watch::channel(false));
        let count = Arc::new(count);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (count, mut released) = (count.clone(), released.clone());
                tokio::spawn(async move {
                    let mut read = Vec::new();
                    while let Some(asked) = sidecar::request(&mut stream, &mut read).await {
                        let answer = if asked.method == "POST" {
                            count.send_modify(|count| *count += 1);
                            if released.wait_for(|go_on| *go_on).await.is_err() {
                                return;
                            }
                            Answered::allow(&asked, &json!({}))
                        } else {
                            Answered::status(404)
                        };
                        if stream.write_all(&answer.bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, asked, go_on }
    }

    /// Waits until it was asked so often.
    pub async fn until(&mut self, count: usize) {
        self.asked.wait_for(|asked| *asked >= count).await.unwrap();
    }

    /// From now on it answers.
    pub fn go_on(&self) {
        self.go_on.send_replace(true);
    }
}

/// It decides about what clients ask for themselves, and may take long.
pub fn hold_up(config: &mut Config, holding: &Holding) {
    let mut policy = sidecar::policy("holding", &["grant.client_credentials"], &holding.url);
    policy.timeout_ms = Some(10_000);
    config.policy_defaults.chain_budget_ms = 10_000;
    config.policy_defaults.request_budget_ms = 10_000;
    config.policy.push(policy);
}

/// A server that works on so many requests, lets as many more wait, and whose client `service` a policy holds up.
async fn stand(
    (requests, waiting, patience): (u32, u32, u32),
    change: impl FnOnce(&mut Config),
) -> (Stand, Holding) {
    let holding = Holding::start().await;
    let stand = Stand::with(|config| {
        config.overload = OverloadConfig { requests, waiting, patience };
        hold_up(config, &holding);
        change(config);
    })
    .await;
    (stand, holding)
}

const HOUR: u32 = 3_600_000;

/// Asks for a token in a connection of its own, and goes on.
fn ask(stand: &Stand) -> JoinHandle<Reply> {
    let request = stand.http.post(format!("{}/token", stand.issuer)).basic_auth("service", Some(SECRET));
    let request = request.form(&[("grant_type", "client_credentials")]);
    tokio::spawn(async move { Reply::read(request.send().await.unwrap()).await })
}

async fn statuses(asked: Vec<JoinHandle<Reply>>) -> Vec<u16> {
    let mut statuses = Vec::new();
    for one in asked {
        statuses.push(one.await.unwrap().status);
    }
    statuses
}

/// Sent away, and told when to come again.
fn is_sent_away(reply: &Reply) -> bool {
    let told = (reply.status, reply.header("retry-after"), reply.header("cache-control"));
    told == (503, "1", "no-store") && reply.text.contains("busy")
}

fn counted(stand: &Stand, line: &str) -> bool {
    let text = stand.server.metrics().text().unwrap();
    text.lines().any(|found| found == line)
}

#[tokio::test]
async fn as_many_as_there_are_places_are_served_as_many_wait_and_the_others_are_sent_away_at_once() {
    let (stand, mut holding) = stand((4, 8, HOUR), |_| {}).await;
    let served: Vec<_> = (0..4).map(|_| ask(&stand)).collect();
    holding.until(4).await;
    let waiting: Vec<_> = (0..8).map(|_| ask(&stand)).collect();
    // Those who wait are in the line once it is full.
    while !stand.server.admission(placet_server::admission::Door::Public).is_full() {
        tokio::task::yield_now().await;
    }
    for _ in 0..28 {
        let reply = ask(&stand).await.unwrap();
        assert!(is_sent_away(&reply), "{reply:?}");
        assert_eq!(reply.error(), "temporarily_unavailable");
        assert!(reply.header("placet-request-id").starts_with("req_"));
    }
    assert!(counted(&stand, "placet_requests_shed_total{endpoint=\"token\",reason=\"full\"} 28"));
    assert!(counted(&stand, "placet_requests_under_way{door=\"public\"} 4"));
    assert_eq!(*holding.asked.borrow(), 4, "nobody is asked about those who wait or were sent away");
    holding.go_on();
    assert_eq!(statuses(served).await, [200; 4]);
    assert_eq!(statuses(waiting).await, [200; 8]);
    assert_eq!(ask(&stand).await.unwrap().status, 200);
    assert!(counted(&stand, "placet_requests_under_way{door=\"public\"} 0"));
}

#[tokio::test]
async fn those_who_wait_for_a_policy_keep_nobody_from_the_cores() {
    let (stand, mut holding) = stand((0, 1_000, HOUR), |_| {}).await;
    // More than would ever be at the cores at once.
    let many = 40 * std::thread::available_parallelism().unwrap().get();
    let held: Vec<_> = (0..many).map(|_| ask(&stand)).collect();
    holding.until(many).await;
    holding.go_on();
    assert_eq!(statuses(held).await, vec![200; many]);
}

#[tokio::test]
async fn who_has_waited_too_long_is_sent_away_and_those_who_are_served_are_not_disturbed() {
    let (stand, mut holding) = stand((2, 100, 1), |_| {}).await;
    let served: Vec<_> = (0..2).map(|_| ask(&stand)).collect();
    holding.until(2).await;
    for one in (0..20).map(|_| ask(&stand)).collect::<Vec<_>>() {
        let reply = one.await.unwrap();
        assert!(is_sent_away(&reply), "{reply:?}");
    }
    assert!(counted(&stand, "placet_requests_shed_total{endpoint=\"token\",reason=\"late\"} 20"));
    holding.go_on();
    assert_eq!(statuses(served).await, [200; 2]);
}

#[tokio::test]
async fn what_is_cheap_and_what_operators_need_is_never_sent_away_and_login_apps_have_a_line_of_their_own() {
    let (stand, mut holding) = stand((1, 0, HOUR), |_| {}).await;
    let served = ask(&stand);
    holding.until(1).await;
    let private = stand.api.trim_end_matches("/ui/v1").to_owned();
    for url in [
        format!("{}/jwks", stand.issuer),
        format!("{}/.well-known/openid-configuration", stand.issuer),
        format!("{}/.well-known/oauth-authorization-server", stand.issuer),
        format!("{private}/livez"),
        format!("{private}/readyz"),
        format!("{private}/metrics"),
    ] {
        assert_eq!(stand.http.get(&url).send().await.unwrap().status(), 200, "{url}");
    }
    for (method, path) in [
        (Method::POST, "/token"),
        (Method::POST, "/introspect"),
        (Method::POST, "/revoke"),
        (Method::POST, "/par"),
        (Method::POST, "/device_authorization"),
        (Method::POST, "/bc-authorize"),
        (Method::POST, "/register"),
        (Method::GET, "/register/x"),
        (Method::GET, "/userinfo"),
        (Method::GET, "/authorize"),
        (Method::GET, "/resume"),
        (Method::GET, "/device"),
        (Method::GET, "/logout"),
    ] {
        let request = stand.http.request(method, format!("{}{path}", stand.issuer));
        let reply = Reply::read(request.send().await.unwrap()).await;
        assert!(is_sent_away(&reply), "{path}: {reply:?}");
        let for_people = ["/authorize", "/resume", "/device", "/logout"].contains(&path);
        assert_eq!(reply.text.contains("id=\"error-page\""), for_people, "{path}");
    }
    let app = stand.call(HEADLESS, Method::GET, "/sessions?sub=alice", None).await;
    assert_eq!(app.status, 200, "{}", app.text);
    let admin = stand.http.get(format!("{private}/admin/v1/clients")).send().await.unwrap();
    assert_eq!(admin.status(), 401);
    holding.go_on();
    assert_eq!(served.await.unwrap().status, 200);
}

#[tokio::test]
async fn scripts_may_read_that_they_are_sent_away_where_they_may_read_answers() {
    let (stand, mut holding) = stand((1, 0, HOUR), |_| {}).await;
    let served = ask(&stand);
    holding.until(1).await;
    for (path, allowed) in [("/token", "*"), ("/introspect", "")] {
        let request =
            stand.http.post(format!("{}{path}", stand.issuer)).header("origin", "https://app.example");
        let reply = Reply::read(request.send().await.unwrap()).await;
        assert!(is_sent_away(&reply), "{path}: {reply:?}");
        assert_eq!(reply.header("access-control-allow-origin"), allowed, "{path}");
    }
    let request = stand.http.request(Method::OPTIONS, format!("{}/token", stand.issuer));
    let request = request.header("origin", "https://app.example");
    assert_eq!(request.send().await.unwrap().status(), 204, "whether they may ask costs nothing to say");
    holding.go_on();
    assert_eq!(served.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_request_that_is_sent_away_uses_up_nothing() {
    let (stand, mut holding) = stand((1, 0, HOUR), |_| {}).await;
    let params = stand.sign_in(&mut Browser::new(), "web", &[("scope", "reports.read")]).await;
    let tokens = stand.tokens("web", "reports.read offline_access").await;
    let served = ask(&stand);
    holding.until(1).await;
    assert!(is_sent_away(&stand.redeem("web", &params["code"]).await));
    assert!(is_sent_away(&refresh(&stand, "web", &text(&tokens["refresh_token"])).await));
    holding.go_on();
    assert_eq!(served.await.unwrap().status, 200);
    assert_eq!(stand.redeem("web", &params["code"]).await.status, 200);
    assert_eq!(refresh(&stand, "web", &text(&tokens["refresh_token"])).await.status, 200);
}

#[tokio::test]
async fn whoever_hangs_up_leaves_the_place_to_others() {
    let (stand, mut holding) = stand((1, 1, HOUR), |_| {}).await;
    let served = ask(&stand);
    holding.until(1).await;
    let waits = ask(&stand);
    let admission = stand.server.admission(placet_server::admission::Door::Public).clone();
    while !admission.is_full() {
        tokio::task::yield_now().await;
    }
    waits.abort();
    while admission.is_full() {
        tokio::task::yield_now().await;
    }
    served.abort();
    holding.go_on();
    assert_eq!(ask(&stand).await.unwrap().status, 200);
}

#[tokio::test]
async fn who_sends_slowly_takes_no_place() {
    let (stand, holding) = stand((1, 0, HOUR), |_| {}).await;
    holding.go_on();
    let address = stand.issuer.trim_start_matches("http://").to_owned();
    let mut slow = TcpStream::connect(&address).await.unwrap();
    let basic = STANDARD.encode(format!("service:{SECRET}"));
    let head = format!(
        "POST /token HTTP/1.1\r\nhost: {address}\r\nauthorization: Basic {basic}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: 29\r\nexpect: 100-continue\r\n\r\n"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; 25];
    slow.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n", "the body is waited for");
    for _ in 0..3 {
        assert_eq!(ask(&stand).await.unwrap().status, 200);
    }
    slow.write_all(b"grant_type=client_credentials").await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn who_is_sent_away_is_told_so_before_the_body_has_come() {
    let (stand, mut holding) = stand((1, 0, HOUR), |config| config.connections.body_timeout = 1).await;
    let served = ask(&stand);
    holding.until(1).await;
    let mut stream = TcpStream::connect(stand.issuer.trim_start_matches("http://")).await.unwrap();
    stream.write_all(b"POST /token HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n").await.unwrap();
    let mut begin = [0; 13];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 503 ", "its body never comes");
    holding.go_on();
    assert_eq!(served.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_connection_whose_request_is_worked_on_is_not_idle() {
    let (stand, mut holding) = stand((1, 0, HOUR), |config| config.connections.idle_timeout = 1).await;
    let served = ask(&stand);
    holding.until(1).await;
    // Longer than a connection is kept over which nothing comes.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    holding.go_on();
    assert_eq!(served.await.unwrap().status, 200);
}
