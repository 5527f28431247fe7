//! Connections that are opened, kept, filled or left unread to wear the server out: each kind has its bound, and others are
//! answered meanwhile.

use std::time::Duration;

use placet_server::config::{Config, ConnectionsConfig};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::harness::Stand;

const ASK: &[u8] = b"HEAD /jwks HTTP/1.1\r\nhost: x\r\n\r\n";
/// Longer than anything here takes, unless it never ends.
const NEVER: Duration = Duration::from_secs(60);

async fn stand(change: impl FnOnce(&mut ConnectionsConfig)) -> Stand {
    Stand::with(|config| change(&mut config.connections)).await
}

async fn connect(stand: &Stand) -> TcpStream {
    TcpStream::connect(stand.issuer.trim_start_matches("http://")).await.unwrap()
}

/// Sends this and reads the beginning of the answer; empty if there is none.
async fn say(stream: &mut TcpStream, bytes: &[u8]) -> String {
    if stream.write_all(bytes).await.is_err() {
        return String::new();
    }
    let mut answer = vec![0; 65_536];
    let length = stream.read(&mut answer).await.unwrap_or(0);
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// Reads until the server has closed the connection; whatever came.
async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = tokio::time::timeout(NEVER, stream.read_to_end(&mut all)).await.expect("it is never closed");
    all
}

fn is_answered(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200 OK")
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_more_are_closed_at_once() {
    let stand = stand(|allowed| allowed.max_per_address = 3).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&stand).await;
        assert!(is_answered(&say(&mut stream, ASK).await));
        open.push(stream);
    }
    for _ in 0..5 {
        assert_eq!(say(&mut connect(&stand).await, ASK).await, "");
    }
    assert!(is_answered(&say(&mut open[0], ASK).await), "those that are there go on");
    let private = stand.api.trim_end_matches("/ui/v1");
    for _ in 0..5 {
        let answer = reqwest::Client::builder().build().unwrap().get(format!("{private}/livez")).send().await;
        assert_eq!(answer.unwrap().status(), 200, "the private listener counts nobody");
    }
    open.pop();
    while !is_answered(&say(&mut connect(&stand).await, ASK).await) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_trusted_proxy_has_as_many_connections_as_it_wants() {
    let change = |config: &mut Config| {
        config.connections.max_per_address = 1;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    };
    let stand = Stand::with(change).await;
    let mut open = Vec::new();
    for _ in 0..10 {
        let mut stream = connect(&stand).await;
        assert!(is_answered(&say(&mut stream, ASK).await));
        open.push(stream);
    }
}

#[tokio::test]
async fn a_listener_has_so_many_connections_and_the_next_one_waits_for_its_turn() {
    let stand = stand(|allowed| allowed.max = 2).await;
    let (mut first, mut second) = (connect(&stand).await, connect(&stand).await);
    assert!(is_answered(&say(&mut first, ASK).await) && is_answered(&say(&mut second, ASK).await));
    let mut third = connect(&stand).await;
    third.write_all(ASK).await.unwrap();
    let mut begin = [0; 15];
    let early = tokio::time::timeout(Duration::from_millis(100), third.read_exact(&mut begin)).await;
    assert!(early.is_err(), "it is served beside the others");
    drop(first);
    third.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_head_has_so_many_fields_and_bytes() {
    let stand = stand(|allowed| allowed.max_headers = 20).await;
    let with = |count: usize, length: usize| {
        let mut head = String::from("GET /jwks HTTP/1.1\r\nhost: x\r\n");
        for n in 0..count {
            head.extend(["x-", &n.to_string(), ": ", &"x".repeat(length), "\r\n"]);
        }
        [head.as_bytes(), b"\r\n"].concat()
    };
    assert!(is_answered(&say(&mut connect(&stand).await, &with(19, 1)).await));
    let answer = say(&mut connect(&stand).await, &with(20, 1)).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    // Closed with bytes that nobody read, a connection may take its last answer along.
    let answer = say(&mut connect(&stand).await, &with(1, 70_000)).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let http2 = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let url = format!("{}/jwks", stand.issuer);
    let ask = async |count: usize, length: usize| {
        let mut request = http2.get(&url);
        for n in 0..count {
            request = request.header(format!("x-{n}"), "x".repeat(length));
        }
        request.send().await.map(|response| response.status().as_u16())
    };
    assert_eq!(ask(10, 1).await.unwrap(), 200);
    assert_eq!(ask(30, 1).await.unwrap(), 431);
    assert_ne!(ask(10, 10_000).await.ok(), Some(200));
    assert_eq!(ask(10, 1).await.unwrap(), 200);
}

/// Sends this, and then a byte now and then, as long as the connection is there.
async fn drip(stand: &Stand, begin: &[u8], byte: &'static [u8]) -> String {
    let (mut read, mut write) = connect(stand).await.into_split();
    write.write_all(begin).await.unwrap();
    let dripping = tokio::spawn(async move {
        while write.write_all(byte).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut all = Vec::new();
    let _ = tokio::time::timeout(NEVER, read.read_to_end(&mut all)).await.expect("it is never closed");
    dripping.abort();
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn a_head_or_a_body_that_comes_byte_by_byte_is_not_waited_for() {
    let stand = stand(|allowed| {
        allowed.head_timeout = 1;
        allowed.body_timeout = 1;
        allowed.idle_timeout = 3_600;
    })
    .await;
    let head = drip(&stand, b"GET /jwks HTTP/1.1\r\nhost: x\r\nx: ", b"x").await;
    assert!(!is_answered(&head), "{head}");
    let begin = b"POST /token HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\nconnection: close\r\n\r\n";
    let body = drip(&stand, begin, b"x").await;
    assert!(body.starts_with("HTTP/1.1 408 ") && body.contains("did not come in time"), "{body}");
    let silent = until_closed(&mut connect(&stand).await).await;
    assert_eq!(silent, b"");
}

#[tokio::test]
async fn a_connection_over_which_no_request_comes_is_closed() {
    let stand = stand(|allowed| {
        allowed.head_timeout = 3_600;
        allowed.idle_timeout = 1;
    })
    .await;
    let mut idle = connect(&stand).await;
    assert!(is_answered(&say(&mut idle, ASK).await));
    until_closed(&mut idle).await;
    // HTTP/2, with pings all the time.
    let begin = [PREFACE, &frame(SETTINGS, 0, 0, b"")].concat();
    let answered = drip(&stand, &begin, b"\0\0\x08\x06\0\0\0\0\0pingping").await;
    assert!(!answered.is_empty());
}

#[tokio::test]
async fn who_does_not_read_the_answers_is_left() {
    let stand = stand(|allowed| {
        allowed.write_timeout = 1;
        allowed.head_timeout = 3_600;
        allowed.idle_timeout = 3_600;
    })
    .await;
    let mut stream = connect(&stand).await;
    let asked = b"GET /.well-known/openid-configuration HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let full = async { while stream.write_all(&asked).await.is_ok() {} };
    tokio::time::timeout(NEVER, full).await.expect("it is waited for");
    assert!(is_answered(&say(&mut connect(&stand).await, ASK).await));
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

/// A frame of HTTP/2 (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The kinds of frames with their payloads.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while bytes.len() >= 9 {
        let length = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) as usize;
        let Some(payload) = bytes.get(9..9 + length) else { break };
        found.push((bytes[3], payload.to_vec()));
        bytes = &bytes[9 + length..];
    }
    found
}

#[tokio::test]
async fn requests_that_are_given_up_as_soon_as_they_are_sent_end_the_connection() {
    let stand = stand(|allowed| allowed.max_streams = 7).await;
    let mut stream = connect(&stand).await;
    // GET http://x/, all from the static table but the host (RFC 7541 appendix A).
    let head = [0x82, 0x86, 0x84, 0x41, 1, b'x'];
    let mut flood = [PREFACE, &frame(SETTINGS, 0, 0, b"")].concat();
    for number in 0..2_000 {
        let id = 2 * number + 1;
        flood.extend(frame(HEADERS, 0x5, id, &head));
        // CANCEL
        flood.extend(frame(RST_STREAM, 0, id, &8_u32.to_be_bytes()));
    }
    let _ = stream.write_all(&flood).await;
    let answered = frames(&until_closed(&mut stream).await);
    let (_, settings) = answered.iter().find(|(kind, _)| *kind == SETTINGS).expect("settings");
    let streams = settings.chunks(6).find(|setting| setting[..2] == [0, 3]).expect("a number of streams");
    assert_eq!(streams[2..], 7_u32.to_be_bytes());
    let (_, goaway) = answered.iter().find(|(kind, _)| *kind == GOAWAY).expect("a word of farewell");
    // ENHANCE_YOUR_CALM (RFC 9113 section 7)
    assert_eq!(goaway[4..8], 11_u32.to_be_bytes());
    assert!(is_answered(&say(&mut connect(&stand).await, ASK).await));
}

#[test]
fn what_would_let_nobody_in_is_refused() {
    let mut config = Config { development: true, ..Config::default() };
    config.connections = ConnectionsConfig {
        max: 0,
        max_headers: 0,
        max_streams: 0,
        handshake_timeout: 0,
        head_timeout: 0,
        body_timeout: 0,
        write_timeout: 0,
        idle_timeout: 0,
        max_per_address: 0,
    };
    let refused = config.check().unwrap_err().to_string();
    assert_eq!(refused.matches("connections.").count(), 8, "{refused}");
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_gone() {
    let stand = stand(|allowed| {
        allowed.head_timeout = 1;
        allowed.idle_timeout = 3_600;
    })
    .await;
    let mut stream = connect(&stand).await;
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, b"")].concat()).await.unwrap();
    let answered = frames(&until_closed(&mut stream).await);
    assert!(answered.iter().any(|(kind, _)| *kind == PING), "{answered:?}");
}
