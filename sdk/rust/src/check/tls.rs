//! A greeting in a version of TLS that nobody should speak any more. It is written by hand, since a current library
//! cannot be brought to say it.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(5);
/// TLS 1.1 (RFC 4346).
const VERSION: [u8; 2] = [3, 2];
/// Suites that TLS 1.1 has, with every kind of key.
const SUITES: [u16; 6] = [0xc014, 0xc013, 0xc00a, 0xc009, 0x0035, 0x002f];

/// Whether whoever is at the address agrees to TLS 1.1.
pub(super) async fn agrees_to_tls_1_1(host: &str, port: u16) -> Result<bool, std::io::Error> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(&hello(host)).await?;
    // The head of a record: its type and version; of a handshake, the type of the first message follows.
    let mut head = [0; 6];
    match timeout(PATIENCE, stream.read_exact(&mut head)).await {
        // A handshake record with a ServerHello.
        Ok(Ok(_)) => Ok(head[0] == 22 && head[5] == 2),
        // Closed, or silent.
        Ok(Err(_)) | Err(_) => Ok(false),
    }
}

/// A `ClientHello` (RFC 4346 section 7.4.1.2) with the name of the server, the curves and the point formats.
fn hello(host: &str) -> Vec<u8> {
    let mut extensions = Vec::new();
    if host.parse::<std::net::IpAddr>().is_err() {
        let name = [&[0][..], &prefixed(host.as_bytes())].concat();
        extensions.extend(extension(0, &prefixed(&name)));
    }
    extensions.extend(extension(10, &prefixed(&[0, 23, 0, 24, 0, 29])));
    extensions.extend(extension(11, &[1, 0]));
    let suites: Vec<u8> = SUITES.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let mut body = Vec::new();
    body.extend(VERSION);
    // The random; nothing depends on it, since no secret is ever agreed upon.
    body.extend([0x5a; 32]);
    body.push(0);
    body.extend(prefixed(&suites));
    body.extend([1, 0]);
    body.extend(prefixed(&extensions));
    let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    [&[22, 3, 1][..], &prefixed(&message)].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &prefixed(content)].concat()
}

/// With its length before it, in two bytes.
fn prefixed(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or_default();
    [&length.to_be_bytes()[..], content].concat()
}
