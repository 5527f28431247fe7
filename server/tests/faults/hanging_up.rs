//! Clients that hang up, by the thousand, wherever it hurts.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    cluster::Cluster,
    ledger::Load,
    rights::{all, alone},
    server::{Server, Site},
};

/// A whole request for a token of the client itself that is stored, so that the database has something to do.
fn request(path: &str, body: &str) -> String {
    let secret = openssl::base64::encode_block(format!("opaque:{}", super::caller::SECRET).as_bytes());
    format!(
        "POST {path} HTTP/1.1\r\nhost: op.test\r\nauthorization: Basic {secret}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Numbers in no particular order, the same at every run.
fn scattered(i: usize) -> usize {
    (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

/// Connects, says some of it, perhaps waits for some of the answer, and is gone.
async fn hang_up(port: u16, n: usize, said: &str) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let cut = match n % 4 {
        // In the middle of the head, at its end, in the middle of the body, after all of it.
        0 => scattered(n) % 60,
        1 => said.find("\r\n\r\n").unwrap_or(0) + 4,
        2 => said.len() - 1 - scattered(n) % 20,
        _ => said.len(),
    };
    let _ = stream.write_all(&said.as_bytes()[..cut]).await;
    match scattered(n) % 3 {
        0 => {}
        1 => tokio::time::sleep(Duration::from_millis((scattered(n) % 30) as u64)).await,
        _ => {
            let wait = Duration::from_millis((scattered(n) % 30) as u64);
            let _ = tokio::time::timeout(wait, stream.read(&mut [0; 16])).await;
        }
    }
    // With what was not read the system sends a reset.
}

async fn hang_up_by_the_thousand(server: &Server, codes: &[String]) {
    let port = server.ports.0;
    let many = if all() { 6_000 } else { 1_500 };
    let bodies: Vec<String> = codes
        .iter()
        .map(|code| {
            format!(
                "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fclient.test%2Fcallback\
                 &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
            )
        })
        .collect();
    let mut waves = Vec::new();
    for n in 0..many {
        let said = match n % 3 {
            0 => request("/token", &bodies[n / 3 % bodies.len()]),
            1 => request("/introspect", "token=nobody-knows-this-token-0123456789012345"),
            _ => request(
                "/par",
                "response_type=code&client_id=opaque&redirect_uri=https%3A%2F%2Fclient.test%2Fcallback&scope=openid",
            ),
        };
        waves.push(tokio::spawn(async move { hang_up(port, n, &said).await }));
        if waves.len() == 300 {
            for wave in waves.drain(..) {
                wave.await.expect("no panic");
            }
        }
    }
    for wave in waves {
        wave.await.expect("no panic");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_hang_up_by_the_thousand_leave_nothing_behind() {
    let _alone = alone().await;
    let Some(cluster) = Cluster::start("clients that hang up", &[]) else { return };
    let site = Site::new(Some(cluster.url())).with("database_connections = 6\n");
    let server = site.server().await;
    let caller = &server.caller;
    // Every connection of the pool is there, before anybody hangs up.
    let load = Load::start(std::slice::from_ref(caller), 12);
    load.more(60).await;
    load.end().await.settle(std::slice::from_ref(caller)).await;
    let mut codes = Vec::new();
    for n in 0..40 {
        codes.push(caller.code("opaque", &format!("user-{n}")).await.expect("a code"));
    }
    let before = server.descriptors();
    hang_up_by_the_thousand(&server, &codes).await;

    // Those who stay are served, at once and as many at a time as there are connections.
    let load = Load::start(std::slice::from_ref(caller), 12);
    load.more(60).await;
    assert_eq!(load.troubles(), 0, "no permit is lost");
    load.end().await.settle(std::slice::from_ref(caller)).await;
    // What they began is finished, and their connections are closed.
    let other = cluster.client().await;
    let open = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'placet' \
                AND (xact_start IS NOT NULL OR state LIKE 'idle in transaction%')";
    let mut left = (i64::MAX, usize::MAX);
    for _ in 0..600 {
        left = (other.query_one(open, &[]).await.expect("it reads").get(0), server.descriptors());
        if left.0 == 0 && left.1 <= before + 32 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(left.0 == 0 && left.1 <= before + 32, "{left:?}, and {before} descriptors before");
    let pool = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'placet'";
    // Those of the pool, and the one that listens for what other servers change.
    let connections: i64 = other.query_one(pool, &[]).await.expect("it reads").get(0);
    assert!(connections <= 6 + 1, "{connections}");
    // Each code was redeemed by one who went away, or can be redeemed now: never twice.
    for code in &codes {
        let tokens = caller.redeem("opaque", code).await;
        let again = caller.redeem("opaque", code).await;
        assert!(tokens.success().is_some() || tokens.refusal() == (400, "invalid_grant"), "{tokens:?}");
        assert_eq!(again.refusal(), (400, "invalid_grant"));
    }
}
