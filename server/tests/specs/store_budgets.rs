//! What a request costs the database: how often the server goes to it and back, counted at the wire.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use placet_server::store::{
    Store,
    postgres::{PoolSettings, Postgres},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixListener, UnixStream},
};
use tokio_postgres::config::Host;

use super::{
    folder::Folder,
    harness::{Browser, Stand},
    helpers::{refresh, text},
};

/// A way to the database on which every message is looked at.
struct Counter {
    /// How often somebody went to the database who had no answer outstanding.
    trips: AtomicU64,
    _folder: Folder,
}

impl Counter {
    /// Listens in front of the database at `url`; gives the URL of the way through here.
    fn before(url: &str) -> (Arc<Self>, String) {
        let config: tokio_postgres::Config = url.parse().unwrap();
        let (host, port) =
            (config.get_hosts()[0].clone(), config.get_ports().first().copied().unwrap_or(5432));
        let folder = Folder::new("counted");
        let listener = UnixListener::bind(folder.join(".s.PGSQL.5432")).unwrap();
        let encoded = folder.display().to_string().replace('/', "%2F");
        let (user, name) =
            (config.get_user().unwrap_or("postgres"), config.get_dbname().unwrap_or("postgres"));
        let own = format!("postgres://{user}@{encoded}/{name}");
        let counter = Arc::new(Self { trips: AtomicU64::new(0), _folder: folder });
        let shared = Arc::clone(&counter);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (host, shared) = (host.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    match host {
                        Host::Unix(folder) => {
                            let path = folder.join(format!(".s.PGSQL.{port}"));
                            carry(client, UnixStream::connect(path).await.unwrap(), shared).await;
                        }
                        Host::Tcp(name) => {
                            carry(client, TcpStream::connect((name, port)).await.unwrap(), shared).await;
                        }
                    }
                });
            }
        });
        (counter, own)
    }

    fn take(&self) -> u64 {
        self.trips.swap(0, Ordering::SeqCst)
    }
}

async fn carry<D: AsyncRead + AsyncWrite + Send + 'static>(
    client: UnixStream,
    database: D,
    counter: Arc<Counter>,
) {
    let outstanding = Arc::new(AtomicI64::new(0));
    let (from_client, to_client) = client.into_split();
    let (from_database, to_database) = tokio::io::split(database);
    let asked = Arc::clone(&outstanding);
    let there = pass(from_client, to_database, Frames::after_startup(), move |kind| {
        // Each of these the database answers with ReadyForQuery.
        if matches!(kind, b'S' | b'Q') && asked.fetch_add(1, Ordering::SeqCst) <= 0 {
            counter.trips.fetch_add(1, Ordering::SeqCst);
        }
    });
    let back = pass(from_database, to_client, Frames::default(), move |kind| {
        if kind == b'Z' {
            outstanding.fetch_sub(1, Ordering::SeqCst);
        }
    });
    tokio::join!(there, back);
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut frames: Frames,
    mut seen: impl FnMut(u8),
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        frames.feed(&buffer[..read], &mut seen);
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// Finds where messages begin: a byte of their kind, and their length. The first one of a client has no kind.
#[derive(Default)]
struct Frames {
    startup: bool,
    head: Vec<u8>,
    rest: usize,
}

impl Frames {
    fn after_startup() -> Self {
        Self { startup: true, ..Self::default() }
    }

    fn feed(&mut self, mut bytes: &[u8], seen: &mut impl FnMut(u8)) {
        while !bytes.is_empty() {
            if self.rest > 0 {
                let skipped = self.rest.min(bytes.len());
                (self.rest, bytes) = (self.rest - skipped, &bytes[skipped..]);
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            let kind = usize::from(!self.startup);
            if self.head.len() == kind + 4 {
                let length = u32::from_be_bytes(self.head[kind..].try_into().unwrap());
                self.rest = usize::try_from(length).unwrap() - 4;
                if !self.startup {
                    seen(self.head[0]);
                }
                (self.startup, self.head) = (false, Vec::new());
            }
        }
    }
}

/// A server with one connection to a database, and what counts on that. Nothing runs beside its requests.
async fn counted(tenant: &str) -> Option<(Stand, Arc<Counter>)> {
    let Ok(url) = std::env::var("PLACET_TEST_POSTGRES") else {
        eprintln!("skipped: PLACET_TEST_POSTGRES names no database");
        return None;
    };
    let (counter, url) = Counter::before(&url);
    let settings = PoolSettings { size: 1, wait: Duration::from_secs(20) };
    let tenant = format!("budgets-{tenant}-{}", std::process::id());
    let store: Arc<dyn Store> = Arc::new(Postgres::connect(&url, &tenant, settings).await.unwrap());
    Some((Stand::on(store, |_| ()).await, counter))
}

/// What the third of three calls cost: by then all statements are prepared.
async fn cost(counter: &Counter, mut call: impl AsyncFnMut()) -> u64 {
    for _ in 0..2 {
        call().await;
    }
    counter.take();
    call().await;
    counter.take()
}

#[tokio::test]
async fn a_client_gets_a_jwt_for_itself_without_the_database() {
    let Some((stand, counter)) = counted("credentials").await else { return };
    let form = [("grant_type", "client_credentials"), ("scope", "reports.read")];
    let trips = cost(&counter, async || {
        let reply = stand.post("/token", "service", &form).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    })
    .await;
    assert_eq!(trips, 0);
}

#[tokio::test]
async fn introspection_goes_to_the_database_at_most_once() {
    let Some((stand, counter)) = counted("introspection").await else { return };
    for client in ["web", "opaque"] {
        let tokens = stand.tokens(client, "openid profile").await;
        let token = text(&tokens["access_token"]);
        let trips = cost(&counter, async || assert!(stand.is_active(client, &token).await)).await;
        assert!(trips <= 1, "{client}: {trips}");
    }
}

#[tokio::test]
async fn a_refresh_goes_to_the_database_twice() {
    let Some((stand, counter)) = counted("refresh").await else { return };
    for client in ["web", "opaque"] {
        let tokens = stand.tokens(client, "openid offline_access").await;
        let mut token = text(&tokens["refresh_token"]);
        let trips = cost(&counter, async || {
            let reply = refresh(&stand, client, &token).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            token = text(&reply.json["refresh_token"]);
        })
        .await;
        assert_eq!(trips, 2, "{client}");
    }
}

#[tokio::test]
async fn a_code_is_redeemed_with_two_ways_to_the_database() {
    let Some((stand, counter)) = counted("codes").await else { return };
    for client in ["web", "opaque"] {
        let mut codes = Vec::new();
        for _ in 0..3 {
            codes.push(stand.sign_in(&mut Browser::new(), client, &[]).await["code"].clone());
        }
        let trips = cost(&counter, async || {
            let reply = stand.redeem(client, &codes.pop().unwrap()).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
        })
        .await;
        assert_eq!(trips, 2, "{client}");
    }
}
