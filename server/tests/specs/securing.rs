//! A server that speaks TLS, on its public listener and on one for clients with certificates.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod, SslStream, SslVerifyMode};
use placet_server::config::Config;

use super::{
    certificates::{Identity, Wanted, believing},
    folder::Folder,
    harness::Stand,
};

/// A server that speaks TLS.
pub struct Secured {
    /// The server; its own HTTP client believes it and has no certificate.
    pub stand: Stand,
    /// The certificate of its listeners.
    pub server: Identity,
    /// The authority for clients with `tls_client_auth`.
    pub authority: Identity,
    /// The base URL for clients with certificates.
    pub mutual: String,
    /// Where its certificates are: `server.pem` and `server.key`, `authority.pem`.
    pub folder: Folder,
}

impl Secured {
    /// A server with the usual settings.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A server whose settings `change` has altered.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = Folder::new("tls");
        let server = Wanted::server().self_signed();
        let authority = Wanted::authority("authority").self_signed();
        let (certificate, key) = server.write(&folder, "server");
        let (trusted, _) = authority.write(&folder, "authority");
        let mut stand = Stand::with(|config| {
            config.issuer = config.issuer.replace("http://", "https://");
            (config.tls.certificate_file, config.tls.key_file) = (Some(certificate), Some(key));
            config.mtls.listen = Some("127.0.0.1:0".parse().unwrap());
            config.mtls.ca_files = vec![trusted];
            change(config);
        })
        .await;
        stand.http = believing(&server).build().unwrap();
        let mutual = stand.server.config().mtls.base_url.clone().unwrap();
        Self { stand, server, authority, mutual, folder }
    }

    /// An HTTP client that shows this certificate.
    pub fn http(&self, identity: &Identity) -> reqwest::Client {
        identity.http(&self.server, &[])
    }
}

/// A client of OpenSSL that `change` has altered and that believes anybody.
pub fn client(change: impl FnOnce(&mut SslConnectorBuilder)) -> SslConnector {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_verify(SslVerifyMode::NONE);
    change(&mut builder);
    builder.build()
}

/// Shakes hands with the server at this URL.
pub async fn shake(connector: &SslConnector, url: &str) -> Result<SslStream<TcpStream>, String> {
    let (connector, address) = (connector.clone(), url.trim_start_matches("https://").to_owned());
    tokio::task::spawn_blocking(move || {
        let stream = TcpStream::connect(address).unwrap();
        connector.connect("127.0.0.1", stream).map_err(|error| error.to_string())
    })
    .await
    .unwrap()
}

/// Asks for the key set on this connection, which stays open; gives the status.
pub async fn ask(mut stream: SslStream<TcpStream>) -> (SslStream<TcpStream>, Option<u16>) {
    tokio::task::spawn_blocking(move || {
        let status = ask_now(&mut stream);
        (stream, status)
    })
    .await
    .unwrap()
}

fn ask_now(stream: &mut SslStream<TcpStream>) -> Option<u16> {
    stream.write_all(b"GET /jwks HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut read = Vec::new();
    loop {
        let mut chunk = [0; 8192];
        let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
        read.extend_from_slice(&chunk[..length]);
        let text = String::from_utf8_lossy(&read);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let (_, length) = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
        if body.len() >= length.parse().ok()? {
            return head.split(' ').nth(1)?.parse().ok();
        }
    }
}
