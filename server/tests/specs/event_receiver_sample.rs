//! The sample receiver, as a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use placet_server::clock::{Clock as _, SystemClock};
use serde_json::json;

use super::{
    harness::{HEADLESS, Stand},
    receiving::{deliver, kept, receiver},
    sidecar::SIGNING_SECRET,
};

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_sample_receiver_prints_each_event_once_and_takes_none_that_is_forged() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-policies/no-sdk/event-receiver");
    let child = Command::new("python3")
        .arg(folder.join("event_receiver.py"))
        .env("PLACET_SECRET", SIGNING_SECRET)
        .env("PORT", port.to_string())
        .stdout(Stdio::piped())
        .spawn();
    let mut process = Process(child.expect("Python starts"));
    let lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    let url = format!("http://127.0.0.1:{port}");
    let stand = Stand::with(|c| c.event_receiver = vec![receiver("printer", &["account.*"], &url)]).await;
    // The sample looks at the clock of the machine.
    stand.clock.advance(SystemClock::default().now() - stand.now());
    while stand.http.post(&url).send().await.is_err() {
        tokio::task::yield_now().await;
    }
    for kind in ["account.disabled", "account.enabled"] {
        let report = json!({ "type": kind, "sub": "bob" });
        let reply = stand.call(HEADLESS, reqwest::Method::POST, "/reports", Some(&report)).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        assert_eq!(deliver(&stand).await, 1);
        assert!(kept(&stand, false).await.is_empty(), "it was taken");
    }
    let forged = stand.http.post(&url).body("{}").header("webhook-id", "evt_1").send().await.unwrap();
    assert_eq!(forged.status(), 401);
    let printed: Vec<String> = lines.take(2).map(Result::unwrap).collect();
    assert!(printed[0].contains(" placet.account.disabled.v1 bob {"), "{printed:?}");
    assert!(printed[1].contains(" placet.account.enabled.v1 bob {"), "{printed:?}");
}
