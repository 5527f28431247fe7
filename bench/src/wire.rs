//! One connection that is kept, and requests over it one after the other. Nothing is followed, nothing decoded: what the
//! load costs is what the server is not given.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    pin::Pin,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use openssl::ssl::{SslConnector, SslFiletype, SslMethod};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream},
};
use tokio_openssl::SslStream;

/// What is not answered within this time never is.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("no connection: {0}")]
    Connect(std::io::Error),
    #[error("the connection broke: {0}")]
    Http(#[from] hyper::Error),
    #[error("no request: {0}")]
    Request(#[from] http::Error),
    #[error("sent away: 503 with `Retry-After`")]
    Busy,
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    Late,
    #[error("{0}")]
    Answer(String),
    #[error("a file: {0}")]
    File(std::io::Error),
    #[error("no cryptography: {0}")]
    Crypto(#[from] openssl::error::ErrorStack),
    #[error("no TLS: {0}")]
    Tls(#[from] openssl::ssl::Error),
}

/// What came back.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<serde_json::Value, Broken> {
        serde_json::from_slice(&self.body).map_err(|_| self.unexpected("no JSON"))
    }

    /// A member of the body that is a string.
    pub(crate) fn string(&self, pointer: &str) -> Result<String, Broken> {
        let value = self.json()?;
        let text = value.pointer(pointer).and_then(serde_json::Value::as_str).map(str::to_owned);
        text.ok_or_else(|| self.unexpected(pointer))
    }

    /// Where it leads.
    pub(crate) fn location(&self) -> Result<&str, Broken> {
        let location = self.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        location.ok_or_else(|| self.unexpected("no location"))
    }

    /// The answer, if it has this status.
    pub(crate) fn having(self, status: StatusCode) -> Result<Self, Broken> {
        match self.status {
            found if found == status => Ok(self),
            StatusCode::SERVICE_UNAVAILABLE if self.headers.contains_key(header::RETRY_AFTER) => {
                Err(Broken::Busy)
            }
            _ => Err(self.unexpected("another status was expected")),
        }
    }

    fn unexpected(&self, what: &str) -> Broken {
        let body: String = String::from_utf8_lossy(&self.body).chars().take(300).collect();
        Broken::Answer(format!("{} ({what}): {body}", self.status))
    }
}

/// What a client with a certificate connects with: files `ca.pem`, `client.pem` and `client.key` in a folder.
pub(crate) fn certified(folder: &Path) -> Result<SslConnector, Broken> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    builder.set_ca_file(folder.join("ca.pem"))?;
    builder.set_certificate_file(folder.join("client.pem"), SslFiletype::PEM)?;
    builder.set_private_key_file(folder.join("client.key"), SslFiletype::PEM)?;
    Ok(builder.build())
}

/// A connection.
pub(crate) struct Wire {
    address: SocketAddr,
    /// Where it comes from, if that is to be somewhere in particular.
    from: Option<IpAddr>,
    host: String,
    tls: Option<SslConnector>,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Wire {
    /// To this address, as this host.
    pub(crate) fn new(address: SocketAddr, host: &str) -> Self {
        Self { address, from: None, host: host.to_owned(), tls: None, sender: None }
    }

    /// The same from this address.
    pub(crate) fn coming_from(self, from: IpAddr) -> Self {
        Self { from: Some(from), ..self }
    }

    /// The same over TLS.
    pub(crate) fn secured(self, connector: SslConnector) -> Self {
        Self { tls: Some(connector), ..self }
    }

    /// Closes it: the next request opens it again.
    pub(crate) fn close(&mut self) {
        self.sender = None;
    }

    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Broken> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = connect(self.address, self.from).await.map_err(Broken::Connect)?;
            stream.set_nodelay(true).map_err(Broken::Connect)?;
            let sender = match &self.tls {
                None => shake(stream).await?,
                Some(connector) => {
                    let ssl = connector.configure()?.into_ssl(&self.address.ip().to_string())?;
                    let mut stream = SslStream::new(ssl, stream)?;
                    Pin::new(&mut stream).connect().await?;
                    shake(stream).await?
                }
            };
            self.sender = Some(sender);
        }
        self.sender.as_mut().ok_or_else(|| Broken::Answer("no connection".to_owned()))
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, Broken> {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, &self.host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into()))?;
        let sent = async {
            let sender = self.sender().await?;
            sender.ready().await?;
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        let answer = tokio::time::timeout(PATIENCE, sent).await.unwrap_or(Err(Broken::Late));
        if answer.is_err() {
            self.sender = None;
        }
        answer
    }

    /// Posts a form.
    pub(crate) async fn form(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, Broken> {
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.send("POST", path, &all, body).await
    }
}

async fn connect(address: SocketAddr, from: Option<IpAddr>) -> std::io::Result<TcpStream> {
    let Some(from) = from else { return TcpStream::connect(address).await };
    let socket = if from.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(address).await
}

async fn shake(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>, Broken> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // Its end is seen at the next request.
        let _ = connection.await;
    });
    Ok(sender)
}
