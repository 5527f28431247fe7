//! The way to an endpoint that the operator configured: over https, or through a Unix socket; with a certificate, a
//! bearer, both or neither.

use std::{
    fmt,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderValue, header};
use tokio::{net::UnixStream, time::Instant};
use url::Url;
use zeroize::Zeroizing;

use super::{Got, Operator, Route, SendError, Sent};
use crate::{config::ClientCertificate, outcome::Fault};

/// A bearer is read again when it is older than this.
const BEARER_AGE: Duration = Duration::from_secs(30);
/// What stands for the host of a Unix socket in URLs.
const SOCKET_HOST: &str = "http://localhost";

/// What the configuration says of an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// `https://…`, or `unix:///run/some.sock`, with `:/path` behind it for another path than `/`.
    pub url: &'a str,
    /// The certificate that the server shows, and who may vouch for that of the endpoint.
    pub mtls: &'a ClientCertificate,
    /// File with a bearer token.
    pub bearer_file: Option<&'a Path>,
    /// Owner of the Unix socket; none for this server's own user and root.
    pub peer_uid: Option<u32>,
    /// A connection has to stand within this time.
    pub connect_timeout: Duration,
}

/// The way to an endpoint.
pub struct Endpoint {
    client: Operator,
    through: Option<Url>,
    socket: Option<Socket>,
    bearer: Option<Bearer>,
}

/// A Unix socket, and who must own it and listen there.
struct Socket {
    path: PathBuf,
    owners: Vec<u32>,
    /// The socket that was found to be listened to by an owner.
    seen: Mutex<Option<Inode>>,
}

/// What tells a socket from another one that takes its place: device, number, and when it was last changed.
type Inode = (u64, u64, i64, i64);

/// A bearer token in a file.
struct Bearer {
    path: PathBuf,
    read: Mutex<Option<(Instant, Zeroizing<String>)>>,
}

/// The socket and the path of `unix:///run/policy.sock:/path`.
pub fn unix(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("unix://")?;
    let (socket, path) = rest.split_once(':').unwrap_or((rest, "/"));
    (socket.starts_with('/') && path.starts_with('/')).then_some((socket, path))
}

impl Endpoint {
    /// Reads the files, and makes the client.
    ///
    /// # Errors
    ///
    /// A file cannot be used.
    pub fn new(way: &Way<'_>) -> Result<Self, Fault> {
        let broken = |e: &dyn fmt::Display| Fault::new("endpoint", e);
        let socket = unix(way.url).map(|(socket, path)| (PathBuf::from(socket), path.to_owned()));
        let through = socket.as_ref().map(|(_, path)| Url::parse(&format!("{SOCKET_HOST}{path}")));
        let through = through.transpose().map_err(|e| broken(&e))?;
        let read =
            |path: &PathBuf| std::fs::read(path).map_err(|e| broken(&format!("{}: {e}", path.display())));
        let identity = match (&way.mtls.cert_file, &way.mtls.key_file) {
            (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
            _ => None,
        };
        let route = Route {
            unix_socket: socket.as_ref().map(|(path, _)| path.clone()),
            authorities: way.mtls.ca_file.as_ref().map(read).transpose()?,
            identity,
            connect_timeout: way.connect_timeout,
        };
        let socket = socket
            .map(|(path, _)| {
                Ok::<_, Fault>(Socket { path, owners: owners(way.peer_uid)?, seen: Mutex::default() })
            })
            .transpose()?;
        Ok(Self {
            client: Operator::new(&route)?,
            through,
            socket,
            bearer: way.bearer_file.map(|path| Bearer { path: path.to_owned(), read: Mutex::default() }),
        })
    }

    /// How it is reached, if not as its URL stands: through a Unix socket.
    pub fn through(&self) -> Option<&Url> {
        self.through.as_ref()
    }

    /// Sends a request, with the bearer, once it is seen that the socket belongs to whom it should.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub async fn send(&self, mut sent: Sent<'_>) -> Result<Got, SendError> {
        if let Some(bearer) = &self.bearer {
            sent.headers.insert(header::AUTHORIZATION, bearer.header()?);
        }
        if let Some(socket) = &self.socket {
            socket.check().await?;
        }
        self.client.send(sent).await
    }
}

/// Who may own a socket: the user that is named, else this server's own, or root.
fn owners(peer_uid: Option<u32>) -> Result<Vec<u32>, Fault> {
    if let Some(uid) = peer_uid {
        return Ok(vec![uid]);
    }
    let own = std::fs::metadata("/proc/self").map_err(|e| Fault::new("peer_uid", e))?.uid();
    Ok(vec![own, 0])
}

impl Socket {
    /// Whoever else could put a socket there could stand in for the endpoint. A file says who made it, its peer who
    /// listens; a new file is looked at again.
    async fn check(&self) -> Result<(), SendError> {
        let path = self.path.display();
        let found = std::fs::metadata(&self.path).map_err(|e| SendError::Connect(format!("{path}: {e}")))?;
        if !found.file_type().is_socket() {
            return Err(SendError::Connect(format!("{path} is no socket")));
        }
        if !self.owners.contains(&found.uid()) {
            return Err(SendError::Connect(format!("{path} belongs to user {}", found.uid())));
        }
        let inode = (found.dev(), found.ino(), found.ctime(), found.ctime_nsec());
        if *self.seen.lock().unwrap_or_else(PoisonError::into_inner) == Some(inode) {
            return Ok(());
        }
        let refused = |e: std::io::Error| SendError::Connect(format!("{path}: {e}"));
        let listening = UnixStream::connect(&self.path).await.map_err(refused)?;
        let peer = listening.peer_cred().map_err(refused)?.uid();
        if !self.owners.contains(&peer) {
            return Err(SendError::Connect(format!("user {peer} listens at {path}")));
        }
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(inode);
        Ok(())
    }
}

impl Bearer {
    fn header(&self) -> Result<HeaderValue, SendError> {
        let wrong = |e: &dyn fmt::Display| {
            SendError::Connect(format!("the bearer in {} cannot be used: {e}", self.path.display()))
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = read.as_ref().is_some_and(|(at, _)| at.elapsed() < BEARER_AGE);
        if !fresh {
            let text = Zeroizing::new(std::fs::read_to_string(&self.path).map_err(|e| wrong(&e))?);
            *read = Some((Instant::now(), Zeroizing::new(text.trim().to_owned())));
        }
        let token = read.as_ref().map_or("", |(_, token)| token.as_str());
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|e| wrong(&e))?;
        value.set_sensitive(true);
        Ok(value)
    }
}
