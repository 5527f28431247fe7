//! A proxy before PostgreSQL that loses, repeats or holds back what the database tells those who listen, and cuts
//! connections where the database has committed and nobody knows yet.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};
use tokio_postgres::{Config, config::Host};

/// What happens to notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They arrive.
    Pass,
    /// They are lost.
    Lose,
    /// They arrive twice.
    Repeat,
    /// They wait until another fate comes.
    Hold,
    /// They arrive, and connections end with what they commit: the answer is lost.
    Cut,
}

/// The type of a message that tells a listener something.
const NOTIFICATION: u8 = b'A';
/// What the database says of a transaction that is durable.
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";

/// The proxy.
pub struct Tamper {
    /// The URL of the database by way of the proxy.
    pub url: String,
    fate: watch::Sender<Fate>,
    met: Arc<AtomicU64>,
}

impl Tamper {
    /// A proxy before the database at `url`.
    pub async fn before(url: &str) -> Self {
        let config: Config = url.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let name = config.get_dbname().unwrap();
        let user = config.get_user().unwrap();
        let url = format!("postgres://{user}@{address}/{name}?sslmode=disable");
        let (fate, fates) = watch::channel(Fate::Pass);
        let met = Arc::new(AtomicU64::new(0));
        let counted = met.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (config, fates, met) = (config.clone(), fates.clone(), counted.clone());
                tokio::spawn(async move {
                    let port = config.get_ports().first().copied().unwrap_or(5432);
                    match &config.get_hosts()[0] {
                        Host::Unix(path) => {
                            let socket = path.join(format!(".s.PGSQL.{port}"));
                            join(client, UnixStream::connect(socket).await.unwrap(), (fates, met)).await;
                        }
                        Host::Tcp(name) => {
                            let server = TcpStream::connect((name.as_str(), port)).await.unwrap();
                            join(client, server, (fates, met)).await;
                        }
                    }
                });
            }
        });
        Self { url, fate, met }
    }

    /// From now on this happens to notifications.
    pub fn set(&self, fate: Fate) {
        self.fate.send_replace(fate);
    }

    /// How many notifications have come to the proxy.
    pub fn met(&self) -> u64 {
        self.met.load(Ordering::SeqCst)
    }
}

async fn join(
    client: TcpStream,
    server: impl AsyncRead + AsyncWrite + Send + 'static,
    told: (watch::Receiver<Fate>, Arc<AtomicU64>),
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
    });
    let _ = pass(&mut from_server, &mut to_client, told).await;
}

async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    (mut fates, met): (watch::Receiver<Fate>, Arc<AtomicU64>),
) -> std::io::Result<()> {
    loop {
        let kind = from.read_u8().await?;
        let length = from.read_u32().await?;
        let mut message = vec![kind];
        message.extend(length.to_be_bytes());
        message.resize(length as usize + 1, 0);
        from.read_exact(&mut message[5..]).await?;
        if message == COMMITTED && *fates.borrow() == Fate::Cut {
            return Ok(());
        }
        let times = if kind == NOTIFICATION {
            met.fetch_add(1, Ordering::SeqCst);
            let fate = *fates.wait_for(|fate| *fate != Fate::Hold).await.unwrap();
            match fate {
                Fate::Lose => 0,
                Fate::Repeat => 2,
                Fate::Pass | Fate::Hold | Fate::Cut => 1,
            }
        } else {
            1
        };
        for _ in 0..times {
            to.write_all(&message).await?;
        }
        to.flush().await?;
    }
}
