//! A process of the built program.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use placet_server::seal::hex;
use sha2::{Digest as _, Sha256};

use super::{
    caller::{ADMIN, Caller, ISSUER, SECRET, UI},
    rights::signal,
};

static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// What servers of one issuer share: settings, master key, data.
pub struct Site {
    folder: PathBuf,
    extra: String,
    /// Where PostgreSQL is; absent for a file in the folder.
    pub database: Option<String>,
}

impl Site {
    /// One with this store.
    pub fn new(database: Option<String>) -> Self {
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("placet-site-{}-{number}", std::process::id()));
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join("master.key"), "5b".repeat(32)).expect("a master key");
        fs::write(folder.join("secret"), SECRET).expect("a secret");
        Self { folder, extra: String::new(), database }
    }

    /// The same with more settings, which come first.
    #[must_use]
    pub fn with(mut self, settings: &str) -> Self {
        self.extra.push_str(settings);
        self
    }

    /// The folder with the data.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A server of it, ready.
    pub async fn server(&self) -> Server {
        let (public, private) = (free_port(), free_port());
        self.server_at(public, private).await
    }

    /// A server of it on these ports, ready.
    pub async fn server_at(&self, public: u16, private: u16) -> Server {
        let mut server = self.start(public, private);
        server.until_ready().await;
        server
    }

    /// A server of it that has just been started.
    pub fn start(&self, public: u16, private: u16) -> Server {
        let config = self.folder.join(format!("{public}.toml"));
        fs::write(&config, self.settings(public, private)).expect("its settings");
        let log = self.folder.join(format!("{public}.log"));
        let file = fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_placet"));
        command
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .env("PLACET_LIMITS", "off")
            .env("PLACET_LOG", "info");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let child = command.spawn().expect("the program starts");
        let at = |port: u16| format!("http://127.0.0.1:{port}");
        Server { child, caller: Caller::new(at(public), at(private)), ports: (public, private), log }
    }

    fn settings(&self, public: u16, private: u16) -> String {
        let secret = self.folder.join("secret");
        let digest = |token: &str| hex(&Sha256::digest(token));
        let database = self.database.as_ref().map_or(String::new(), |url| format!("database_url = '{url}'"));
        format!(
            r#"{}
{database}
issuer = "{ISSUER}"
listen = "127.0.0.1:{public}"
private_listen = "127.0.0.1:{private}"
data_dir = '{}'
master_key_file = '{}'
signing_alg = "EdDSA"

[lifetimes]
code = 600

[[ui]]
name = "login"
login_uri = "https://login.test/"
token_sha256 = ["{}"]
front_door = "headless"
capabilities = ["report"]

[[admin]]
name = "operator"
token_sha256 = ["{}"]
roles = ["read", "clients", "revoke", "keys"]

{}
{}
[[clients]]
client_id = "service"
secret_file = '{}'
metadata = {{ grant_types = ["client_credentials"], response_types = [] }}
"#,
            self.extra,
            self.data().display(),
            self.folder.join("master.key").display(),
            digest(UI),
            digest(ADMIN),
            client("web", "jwt", &secret),
            client("opaque", "opaque", &secret),
            secret.display(),
        )
    }
}

/// A client of the operator, which asks for nobody's consent.
fn client(id: &str, encoding: &str, secret: &Path) -> String {
    let secret = secret.display();
    format!(
        r#"[[clients]]
client_id = "{id}"
secret_file = '{secret}'
metadata = {{ redirect_uris = ["https://client.test/callback"], grant_types = ["authorization_code", "refresh_token"], scope = "openid offline_access" }}
settings = {{ first_party = true, consent = "implicit", access_token = {{ encoding = "{encoding}" }} }}
"#
    )
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// Who calls it.
    pub caller: Caller,
    /// Its ports: public and private.
    pub ports: (u16, u16),
    log: PathBuf,
}

impl Server {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        signal(name, self.pid());
    }

    /// Waits until it is ready.
    pub async fn until_ready(&mut self) {
        for _ in 0..1_200 {
            if !self.is_alive() {
                break;
            }
            if self.caller.is_ready().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it is not ready:\n{}", self.log());
    }

    /// Kills it, without a word.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end; gives whether it was a good one.
    pub async fn ended(&mut self) -> bool {
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status.success();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// What it has said.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its open files and connections.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(Path::new("/proc").join(self.pid().to_string()).join("fd")).map_or(0, Iterator::count)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
