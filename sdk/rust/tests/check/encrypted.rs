//! A sidecar behind TLS: of today, or of long ago.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use openssl::{
    asn1::Asn1Time,
    bn::{BigNum, MsbOption},
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    ssl::{SslAcceptor, SslMethod},
    x509::{X509, X509NameBuilder, extension::SubjectAlternativeName},
};
use placet_sdk::policy::{Settings, serve};

use crate::sound::{RESPONSE, SECRET, Sound, secret};

/// A record with the beginning of a `ServerHello` in TLS 1.1.
const OLD_HELLO: [u8; 11] = [22, 3, 2, 0, 6, 2, 0, 0, 2, 3, 2];

pub(crate) struct Encrypted {
    pub(crate) url: String,
    pub(crate) ca: Vec<u8>,
}

impl Encrypted {
    pub(crate) async fn start(old: bool) -> Self {
        let outer = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", outer.local_addr().unwrap());
        let inner = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = inner.local_addr().unwrap();
        let settings =
            Settings::new(&url, secret(SECRET)).unwrap().response_secret(secret(RESPONSE)).unwrap();
        tokio::spawn(serve(Sound).listener(settings, inner, std::future::pending()));
        let (certificate, key) = certificate();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        acceptor.set_certificate(&certificate).unwrap();
        acceptor.set_private_key(&key).unwrap();
        let acceptor = Arc::new(acceptor.build());
        std::thread::spawn(move || {
            for stream in outer.incoming().flatten() {
                let acceptor = acceptor.clone();
                std::thread::spawn(move || pass(stream, &acceptor, (address, old)));
            }
        });
        Self { url, ca: certificate.to_pem().unwrap() }
    }
}

/// Takes one request out of the encryption, and puts the answer into it.
fn pass(
    mut stream: TcpStream,
    acceptor: &SslAcceptor,
    (inner, old): (std::net::SocketAddr, bool),
) -> Option<()> {
    let mut head = [0; 11];
    while stream.peek(&mut head).ok()? < head.len() {
        std::thread::yield_now();
    }
    // The version that the greeting offers at most; today's say 1.2 here, and more in an extension.
    if old && head[9..] == [3, 2] {
        return stream.write_all(&OLD_HELLO).ok();
    }
    let mut stream = acceptor.accept(stream).ok()?;
    let mut request = Vec::new();
    while request.windows(4).all(|part| part != b"\r\n\r\n") {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&part[..read]);
    }
    let end = request.windows(4).position(|part| part == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    while request.len() < end + 4 + length.unwrap_or(0) {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&part[..read]);
    }
    let line = request.windows(2).position(|part| part == b"\r\n")?;
    request.splice(line..line, b"\r\nconnection: close".iter().copied());
    let mut plain = TcpStream::connect(inner).ok()?;
    plain.write_all(&request).ok()?;
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).ok()?;
    stream.write_all(&answer).ok()?;
    stream.shutdown().ok().map(drop)
}

fn certificate() -> (X509, PKey<Private>) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "127.0.0.1").unwrap();
    let name = name.build();
    let mut serial = BigNum::new().unwrap();
    serial.rand(120, MsbOption::MAYBE_ZERO, false).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    let names =
        SubjectAlternativeName::new().ip("127.0.0.1").build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(names).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}
