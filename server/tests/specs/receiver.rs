//! Somebody whom the server sends something to, well-behaved or not.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::harness::{Params, query};

/// How a receiver answers.
#[derive(Clone, Debug)]
pub enum Manner {
    /// With this status line and these headers.
    Status(&'static str),
    /// With a body that never ends.
    EndlessBody,
    /// With headers that never end.
    EndlessHead,
    /// Not at all.
    Silent,
    /// With 200, once it is let.
    Gated(Arc<Semaphore>),
}

/// A receiver at an address of this machine.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Where it is.
    pub uri: String,
    bodies: Arc<Mutex<Vec<String>>>,
    manners: Arc<Mutex<VecDeque<Manner>>>,
}

impl Receiver {
    /// One that answers like this, one manner after the other; then with 200.
    pub async fn start(manners: &[Manner]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            uri: format!("http://{}/logout?of=placet", listener.local_addr().unwrap()),
            bodies: Arc::default(),
            manners: Arc::new(Mutex::new(manners.iter().cloned().collect())),
        };
        let own = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(own.clone().serve(stream));
            }
        });
        receiver
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut read = Vec::new();
        let body = loop {
            let mut part = [0; 8192];
            let n = stream.read(&mut part).await.unwrap_or(0);
            if n == 0 {
                return;
            }
            read.extend_from_slice(&part[..n]);
            let text = String::from_utf8_lossy(&read).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            assert!(head.starts_with("POST /logout?of=placet HTTP/1.1"), "{head}");
            let head = head.to_ascii_lowercase();
            assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                break body.to_owned();
            }
        };
        self.bodies.lock().unwrap().push(body);
        let manner = self.manners.lock().unwrap().pop_front().unwrap_or(Manner::Status("200 OK"));
        let mut say = async |text: &str| stream.write_all(text.as_bytes()).await.is_ok();
        match manner {
            Manner::Status(line) => {
                let end = "Content-Length: 0\r\nConnection: close\r\n\r\n";
                say(&format!("HTTP/1.1 {line}\r\n{end}")).await;
            }
            Manner::EndlessBody => {
                say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
                while say("5\r\nabcde\r\n").await {}
            }
            Manner::EndlessHead => {
                say("HTTP/1.1 200 OK\r\n").await;
                while say("X-More: and more and more and more\r\n").await {}
            }
            Manner::Silent => std::future::pending().await,
            Manner::Gated(gate) => {
                gate.acquire().await.unwrap().forget();
                say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
            }
        }
    }

    /// What came so far: the forms.
    pub fn got(&self) -> Vec<Params> {
        self.bodies.lock().unwrap().iter().map(|body| query(&format!("?{body}"))).collect()
    }

    /// The logout tokens that came so far.
    pub fn tokens(&self) -> Vec<String> {
        self.got().into_iter().map(|mut form| form.remove("logout_token").expect("a logout token")).collect()
    }
}
