//! A sidecar that is a process of its own: it can be killed, frozen and slowed down.
//!
//! The process runs this very test program, with one test selected that serves a policy of the SDK. The policy denies
//! whatever would grant `reports.write`, allows the rest, and writes down what it says before it says it.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use placet_sdk::policy::{
    AuthorizationCode, ClientCredentials, Decision, Policy, Question, RefreshToken, serve,
};
use placet_server::config::PolicyConfig;

use super::{
    folder::Folder,
    sidecar::{SIGNING_SECRET, policy},
};

/// What the policy grants to nobody.
pub const FORBIDDEN: &str = "reports.write";
/// In the environment of a process: the folder that it shares with the test.
pub const FOLDER: &str = "PLACET_SPEC_SIDECAR";
/// What the process of [`Marked`] runs.
const MARKED: &str = "specs::sidecar_process::the_process_of_a_sidecar_serves_its_policy";
/// In that folder: how long each answer takes, in milliseconds.
const DELAY: &str = "delay";
/// In that folder: what was said.
const SAID: &str = "said";

static ADDRESSES: AtomicU8 = AtomicU8::new(100);

struct Marked(PathBuf);

impl Marked {
    /// Whether what is proposed is allowed.
    async fn says(&self, question: &Question) -> bool {
        let delay = std::fs::read_to_string(self.0.join(DELAY)).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(delay.parse().unwrap_or(0))).await;
        let scope = question.proposal().grant.as_ref().and_then(|grant| grant.scope.as_ref());
        let good = scope.is_some_and(|scope| scope.iter().all(|value| value != FORBIDDEN));
        let line = format!("{} {}\n", question.id(), if good { "allow" } else { "deny" });
        let mut said = OpenOptions::new().create(true).append(true).open(self.0.join(SAID)).unwrap();
        said.write_all(line.as_bytes()).unwrap();
        good
    }
}

impl Policy for Marked {
    async fn authorization_code(&self, x: AuthorizationCode) -> Decision<AuthorizationCode> {
        if self.says(&x).await { x.allow() } else { x.deny("access_denied", "not this") }
    }

    async fn refresh_token(&self, x: RefreshToken) -> Decision<RefreshToken> {
        if self.says(&x).await { x.allow() } else { x.deny("access_denied", "not this") }
    }

    async fn client_credentials(&self, x: ClientCredentials) -> Decision<ClientCredentials> {
        if self.says(&x).await { x.allow() } else { x.deny("access_denied", "not this") }
    }
}

#[tokio::test]
async fn the_process_of_a_sidecar_serves_its_policy() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    serve(Marked(folder.into())).from_env().await.unwrap();
}

/// The process. It is killed when the test ends.
pub struct Process {
    /// Where it is asked.
    pub url: String,
    runs: &'static str,
    folder: Folder,
    listens: Listens,
    child: Child,
}

enum Listens {
    /// An address that nobody else takes while the process is down: no other loopback address than 127.0.0.1 is
    /// given away by the system.
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Process {
    /// A process on an address of its own.
    pub async fn on_loopback(name: &str) -> Self {
        Self::running(MARKED, name).await
    }

    /// A process that runs this test of this program, on an address of its own.
    pub async fn running(test: &'static str, name: &str) -> Self {
        let [.., high, low] = std::process::id().to_be_bytes();
        let ip = Ipv4Addr::new(127, ADDRESSES.fetch_add(1, Ordering::Relaxed), high, low.max(1));
        let address = TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap();
        Self::start(test, name, Listens::Tcp(address)).await
    }

    /// A process on a Unix socket.
    pub async fn on_socket(name: &str) -> Self {
        Self::start(MARKED, name, Listens::Unix("policy.sock".into())).await
    }

    async fn start(runs: &'static str, name: &str, listens: Listens) -> Self {
        let folder = Folder::new(name);
        let listens = match listens {
            Listens::Unix(socket) => Listens::Unix(folder.join(socket)),
            tcp @ Listens::Tcp(_) => tcp,
        };
        let url = match &listens {
            Listens::Tcp(address) => format!("http://{address}"),
            Listens::Unix(path) => format!("unix://{}", path.display()),
        };
        let child = spawn(runs, &folder, &listens);
        let process = Self { url, runs, folder, listens, child };
        process.ready().await;
        process
    }

    /// Its registration for decisions of these types.
    pub fn policy(&self, name: &str, types: &[&str]) -> PolicyConfig {
        policy(name, types, &self.url)
    }

    /// The folder that it shares with the test.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends it at once, whatever it is doing (SIGKILL).
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was, and waits until it listens.
    pub async fn restart(&mut self) {
        self.child = spawn(self.runs, &self.folder, &self.listens);
        self.ready().await;
    }

    /// Stops it without ending it (SIGSTOP): it accepts connections and says nothing.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// From now on each answer takes this long.
    pub fn slow_down(&self, delay: Duration) {
        self.tell(DELAY, &delay.as_millis().to_string());
    }

    /// Writes a file that the process looks at, at once.
    pub fn tell(&self, file: &str, text: &str) {
        let (new, there) = (self.folder.join(format!("{file}.new")), self.folder.join(file));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, there).unwrap();
    }

    /// What it said so far: `allow` or `deny`, by the id of the question.
    pub fn said(&self) -> BTreeMap<String, String> {
        let said = std::fs::read_to_string(self.folder.join(SAID)).unwrap_or_default();
        let lines = said.lines().filter_map(|line| line.split_once(' '));
        lines.map(|(id, word)| (id.to_owned(), word.to_owned())).collect()
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    async fn ready(&self) {
        for _ in 0..1_000 {
            let there = match &self.listens {
                Listens::Tcp(address) => TcpStream::connect(address).is_ok(),
                Listens::Unix(path) => UnixStream::connect(path).is_ok(),
            };
            if there {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the process does not listen");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(test: &str, folder: &Path, listens: &Listens) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]).env(FOLDER, folder).env("PLACET_SECRET", SIGNING_SECRET);
    match listens {
        Listens::Tcp(address) => {
            command.env("HOST", address.ip().to_string()).env("PORT", address.port().to_string());
        }
        Listens::Unix(path) => {
            command.env("PLACET_SOCKET", path);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}
