//! TLS of the listeners: versions and ciphers, changed certificates, those who say nothing.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use openssl::{
    hash::MessageDigest,
    ssl::{SslConnectorBuilder, SslSessionCacheMode, SslVersion},
};
use placet_server::{
    config::{ClientCertificates, TlsProfile},
    http,
};
use reqwest::Version;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    certificates::{Wanted, believing, rsa},
    harness::Reply,
    securing::{Secured, ask, client, shake},
};

const FAPI_CIPHERS: [&str; 4] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
];

/// Offers one version, and one cipher if it is TLS 1.2 or below.
fn only(version: SslVersion, cipher: &str) -> impl FnOnce(&mut SslConnectorBuilder) {
    move |builder| {
        // Ours must be the side that refuses.
        builder.set_security_level(0);
        builder.set_min_proto_version(Some(version)).unwrap();
        builder.set_max_proto_version(Some(version)).unwrap();
        builder.set_cipher_list(cipher).unwrap();
    }
}

fn address(url: &str) -> String {
    url.trim_start_matches("https://").to_owned()
}

/// A connection that keeps what was sent.
#[derive(Debug)]
struct Recorded {
    stream: TcpStream,
    sent: Vec<u8>,
}

impl Read for Recorded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.read(into)
    }
}

impl Write for Recorded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent.extend_from_slice(bytes);
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[tokio::test]
async fn nothing_below_tls_1_2_and_no_weak_cipher_is_spoken() {
    let secured = Secured::start().await;
    let shaken =
        async |version, cipher| shake(&client(only(version, cipher)), &secured.stand.issuer).await.is_ok();
    for version in [SslVersion::TLS1, SslVersion::TLS1_1] {
        assert!(!shaken(version, "ALL").await, "{version:?}");
    }
    for cipher in ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "AES128-GCM-SHA256"] {
        assert!(!shaken(SslVersion::TLS1_2, cipher).await, "{cipher}");
    }
    for cipher in ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"] {
        assert!(shaken(SslVersion::TLS1_2, cipher).await, "{cipher}");
    }
    assert!(shaken(SslVersion::TLS1_3, "ALL").await);
}

#[tokio::test]
async fn the_profile_of_fapi_leaves_four_ciphers_to_tls_1_2() {
    // An RSA key, so that all ciphers of RSA could be chosen; the other listener has one on a curve.
    let secured = Secured::with(|config| {
        config.tls.profile = TlsProfile::Fapi;
        let of_rsa = Wanted { key: rsa(2048), ..Wanted::server() }.self_signed();
        let folder = config.tls.certificate_file.as_ref().unwrap().parent().unwrap();
        let (certificate, key) = of_rsa.write(folder, "rsa");
        (config.mtls.certificate_file, config.mtls.key_file) = (Some(certificate), Some(key));
    })
    .await;
    for base in [&secured.stand.issuer, &secured.mutual] {
        let mut spoken = Vec::new();
        for cipher in [
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDHE-RSA-AES128-GCM-SHA256",
            "ECDHE-RSA-AES256-GCM-SHA384",
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            "ECDHE-RSA-CHACHA20-POLY1305",
            "DHE-RSA-AES128-GCM-SHA256",
            "DHE-RSA-AES256-GCM-SHA384",
            "ECDHE-RSA-AES128-SHA256",
            "ECDHE-RSA-AES128-SHA",
            "ECDHE-ECDSA-AES256-SHA384",
            "AES256-GCM-SHA384",
            "AES128-SHA",
        ] {
            if shake(&client(only(SslVersion::TLS1_2, cipher)), base).await.is_ok() {
                spoken.push(cipher);
            }
        }
        let kind = if *base == secured.mutual { "RSA" } else { "ECDSA" };
        let expected: Vec<_> = FAPI_CIPHERS.into_iter().filter(|cipher| cipher.contains(kind)).collect();
        let expected: Vec<_> =
            expected.into_iter().filter(|cipher| cipher.contains(&format!("-{kind}-"))).collect();
        assert_eq!(spoken, expected, "{base}");
        assert!(shake(&client(only(SslVersion::TLS1_3, "ALL")), base).await.is_ok());
        assert!(shake(&client(only(SslVersion::TLS1_1, "ALL")), base).await.is_err());
    }
}

#[tokio::test]
async fn http_2_is_chosen_where_it_is_offered() {
    let secured = Secured::start().await;
    let url = format!("{}/jwks", secured.stand.issuer);
    let response = secured.stand.http.get(&url).send().await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (Version::HTTP_2, 200));
    let old = believing(&secured.server).http1_only().build().unwrap();
    let response = old.get(&url).send().await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (Version::HTTP_11, 200));
    let offering = async |protocols: &'static [u8]| {
        let client = client(|builder| builder.set_alpn_protos(protocols).unwrap());
        let stream = shake(&client, &secured.stand.issuer).await?;
        Ok::<_, String>(stream.ssl().selected_alpn_protocol().map(<[u8]>::to_vec))
    };
    assert_eq!(offering(b"\x08http/1.1\x02h2").await.unwrap().unwrap(), b"h2");
    assert_eq!(offering(b"\x08http/1.1").await.unwrap().unwrap(), b"http/1.1");
    assert!(offering(b"\x03ftp").await.is_err(), "who wants another protocol is at the wrong server");
    let (_, status) = ask(shake(&client(|_| {}), &secured.stand.issuer).await.unwrap()).await;
    assert_eq!(status, Some(200), "without ALPN it is HTTP/1.1");
}

#[tokio::test]
async fn plain_http_is_not_answered_where_tls_is_spoken() {
    let secured = Secured::start().await;
    let url = format!("{}/jwks", secured.stand.issuer.replace("https://", "http://"));
    assert!(secured.stand.http.get(url).send().await.is_err());
}

#[tokio::test]
async fn a_changed_certificate_is_for_new_connections_and_a_broken_one_for_none() {
    let secured = Secured::start().await;
    let url = secured.stand.issuer.as_str();
    let shown = async || {
        let stream = shake(&client(|_| {}), url).await.unwrap();
        stream.ssl().peer_certificate().unwrap().digest(MessageDigest::sha256()).unwrap().to_vec()
    };
    let digest =
        |certificate: &openssl::x509::X509| certificate.digest(MessageDigest::sha256()).unwrap().to_vec();
    let old = shake(&client(|_| {}), url).await.unwrap();
    let (old, status) = ask(old).await;
    assert_eq!(status, Some(200));

    let renewed = Wanted::server().self_signed();
    let (certificate, key) = renewed.write(&secured.folder, "server");
    assert_eq!(shown().await, digest(&secured.server.certificate), "nothing has been looked at yet");
    secured.stand.fronts.refresh();
    assert_eq!(shown().await, digest(&renewed.certificate));
    let (old, status) = ask(old).await;
    assert_eq!(status, Some(200), "the connection from before lives on");

    let other = Wanted::server().self_signed();
    for (file, content) in [
        (&certificate, other.pem()),
        (&certificate, "no certificate".to_owned()),
        (&certificate, String::new()),
        (&key, "no key".to_owned()),
    ] {
        let before = std::fs::read(file).unwrap();
        std::fs::write(file, content).unwrap();
        secured.stand.fronts.refresh();
        assert_eq!(shown().await, digest(&renewed.certificate));
        std::fs::write(file, before).unwrap();
        secured.stand.fronts.refresh();
    }
    std::fs::remove_file(&key).unwrap();
    secured.stand.fronts.refresh();
    assert_eq!(shown().await, digest(&renewed.certificate));

    // The certificate comes first, its key a moment later.
    std::fs::write(&certificate, other.pem()).unwrap();
    secured.stand.fronts.refresh();
    assert_eq!(shown().await, digest(&renewed.certificate));
    other.write(&secured.folder, "server");
    secured.stand.fronts.refresh();
    assert_eq!(shown().await, digest(&other.certificate));
    assert_eq!(ask(old).await.1, Some(200));
}

#[tokio::test]
async fn who_says_nothing_keeps_nobody_out_and_is_not_waited_for() {
    let secured = Secured::start().await;
    let address = address(&secured.stand.issuer);
    let silent: Vec<_> = (0..50).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let response = secured.stand.http.get(format!("{}/jwks", secured.stand.issuer)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    drop(silent);
}

#[tokio::test]
async fn a_handshake_that_does_not_come_to_an_end_is_given_up() {
    let secured = Secured::with(|config| config.connections.handshake_timeout = 1).await;
    // It begins like any other.
    for said in [&b""[..], &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]] {
        let mut stream = tokio::net::TcpStream::connect(address(&secured.stand.issuer)).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut all = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut all)).await;
        let _ = closed.expect("it is closed");
        assert!(all.is_empty(), "{said:?}");
    }
}

#[tokio::test]
async fn a_stop_closes_idle_connections_and_waits_for_nobody_who_is_silent() {
    let secured = Secured::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let routes = http::public(&secured.stand.server);
    let serving =
        tokio::spawn(http::listen::serve(listener, routes, secured.stand.fronts.public.clone(), stopped));
    let _silent = TcpStream::connect(address(&url)).unwrap();
    let (idle, status) = ask(shake(&client(|_| {}), &url).await.unwrap()).await;
    assert_eq!(status, Some(200));
    stop.send(true).unwrap();
    serving.await.unwrap();
    assert_eq!(ask(idle).await.1, None, "nobody is there any more");
    assert!(TcpStream::connect(address(&url)).is_err());
}

#[tokio::test]
async fn browsers_are_not_asked_for_certificates_unless_the_operator_wants_it() {
    let secured = Secured::start().await;
    let identity = secured.authority.issue(Wanted::client("app"));
    let asked = async |url: &str| {
        let connector = client(|builder| {
            builder.set_certificate(&identity.certificate).unwrap();
            builder.set_private_key(&identity.key).unwrap();
            // Up to TLS 1.2 certificates are in clear, and are sent when they are asked for.
            builder.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
        });
        let (certificate, address) = (identity.certificate.to_der().unwrap(), address(url));
        tokio::task::spawn_blocking(move || {
            let wire = Recorded { stream: TcpStream::connect(address).unwrap(), sent: Vec::new() };
            let stream = connector.connect("127.0.0.1", wire).unwrap();
            stream.get_ref().sent.windows(certificate.len()).any(|part| part == certificate)
        })
        .await
        .unwrap()
    };
    assert!(!asked(&secured.stand.issuer).await);
    assert!(asked(&secured.mutual).await);
    let open = Secured::with(|config| config.tls.client_certificates = ClientCertificates::Optional).await;
    assert!(asked(&open.stand.issuer).await);
}

#[tokio::test]
async fn sessions_are_not_resumed_where_certificates_count() {
    let secured = Secured::start().await;
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let offered = async |url: &str| {
            let offered = Arc::new(AtomicBool::new(false));
            let connector = client(|builder| {
                let offered = offered.clone();
                builder.set_max_proto_version(Some(version)).unwrap();
                builder.set_session_cache_mode(SslSessionCacheMode::CLIENT);
                builder.set_new_session_callback(move |_, _| offered.store(true, Ordering::Relaxed));
            });
            // In TLS 1.3 sessions come with the first answer.
            let _ = ask(shake(&connector, url).await.unwrap()).await;
            offered.load(Ordering::Relaxed)
        };
        assert!(offered(&secured.stand.issuer).await, "{version:?}");
        assert!(!offered(&secured.mutual).await, "{version:?}");
    }
}

/// Without certificates, to see that the listener answers what it should.
#[tokio::test]
async fn the_listener_for_certificates_has_the_endpoints_of_clients_and_none_for_browsers() {
    let secured = Secured::start().await;
    let http = believing(&secured.server).build().unwrap();
    for path in ["/token", "/introspect", "/revoke", "/userinfo", "/register"] {
        let reply = Reply::read(http.get(format!("{}{path}", secured.mutual)).send().await.unwrap()).await;
        assert_ne!(reply.status, 404, "{path}");
    }
    for path in ["/authorize", "/resume", "/logout", "/assets/x", "/ui/v1/sessions", "/livez", "/metrics"] {
        let reply = Reply::read(http.get(format!("{}{path}", secured.mutual)).send().await.unwrap()).await;
        assert_eq!(reply.status, 404, "{path}");
    }
}
