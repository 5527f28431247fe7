//! The stop of a server: who is being answered gets the answer, and who uses a connection once more gets one, too, and is told
//! that it was the last time.

use std::{net::SocketAddr, time::Duration};

use placet_server::http;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use super::{
    harness::{Reply, SECRET, Stand},
    overload::{Holding, hold_up},
};

/// One more listener of a server, which can be stopped.
struct Listening {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Listening {
    async fn start(stand: &Stand) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let (routes, front) = (http::public(&stand.server), stand.fronts.public.clone());
        let serving = tokio::spawn(http::listen::serve(listener, routes, front, stopped));
        Self { address, stop, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Stops it, and waits until nobody is let in any more.
    async fn stop(&self) {
        self.stop.send_replace(true);
        while TcpStream::connect(self.address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Asks for the keys, and gives the head of the answer; empty if there is none.
async fn ask(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    if stream.write_all(b"HEAD /jwks HTTP/1.1\r\nhost: x\r\n\r\n").await.is_ok() {
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

#[tokio::test]
async fn who_uses_a_connection_right_after_the_stop_is_answered_and_told_that_it_was_the_last_time() {
    let stand = Stand::start().await;
    let listening = Listening::start(&stand).await;
    let mut kept = listening.connect().await;
    let before = ask(&mut kept).await;
    assert!(before.starts_with("http/1.1 200 ") && !before.contains("connection: close"), "{before}");
    listening.stop().await;
    // Time to close it, if that were what is done.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let last = ask(&mut kept).await;
    assert!(last.starts_with("http/1.1 200 ") && last.contains("\r\nconnection: close\r\n"), "{last}");
    assert_eq!(ask(&mut kept).await, "", "it is closed");
    listening.serving.await.unwrap();
}

#[tokio::test]
async fn a_request_that_is_under_way_at_the_stop_is_waited_for() {
    let mut holding = Holding::start().await;
    let stand = Stand::with(|config| hold_up(config, &holding)).await;
    let listening = Listening::start(&stand).await;
    let request = stand.http.post(format!("http://{}/token", listening.address));
    let request = request.basic_auth("service", Some(SECRET)).form(&[("grant_type", "client_credentials")]);
    let asked = tokio::spawn(async move { Reply::read(request.send().await.unwrap()).await });
    holding.until(1).await;
    listening.stop().await;
    // Longer than idle connections stay open.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(!listening.serving.is_finished(), "whoever waits for this would end the process");
    holding.go_on();
    assert_eq!(asked.await.unwrap().status, 200);
    listening.serving.await.unwrap();
}
