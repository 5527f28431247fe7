//! TLS towards PostgreSQL: something that speaks it stands before the database of the tests.

use std::{fs, path::PathBuf, sync::Arc};

use openssl::{
    asn1::Asn1Time,
    bn::{BigNum, MsbOption},
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    ssl::{Ssl, SslAcceptor, SslMethod, SslVerifyMode},
    x509::{
        X509, X509Name, X509NameBuilder,
        extension::{BasicConstraints, SubjectAlternativeName},
        store::X509StoreBuilder,
    },
};
use placet_server::store::postgres::{PoolSettings, Postgres};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
};
use tokio_postgres::config::Host;

use crate::backend::{TempDir, postgres_url, unique};

/// What a client of PostgreSQL sends before TLS: length 8, and the code of the request.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

struct Identity {
    certificate: X509,
    key: PKey<Private>,
}

fn name(common: &str) -> X509Name {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", common).unwrap();
    name.build()
}

/// A certificate for `host`, or an authority if there is none.
fn identity(common: &str, host: Option<&str>, issuer: Option<&Identity>) -> Identity {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(64, MsbOption::MAYBE_ZERO, false).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name(common)).unwrap();
    builder.set_issuer_name(issuer.map_or(&name(common), |by| by.certificate.subject_name())).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    match host {
        None => builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap(),
        Some(host) => {
            let context = builder.x509v3_context(None, None);
            let names = SubjectAlternativeName::new().dns(host).build(&context).unwrap();
            builder.append_extension(names).unwrap();
        }
    }
    builder.sign(issuer.map_or(&key, |by| &by.key), MessageDigest::sha256()).unwrap();
    Identity { certificate: builder.build(), key }
}

/// A database that speaks TLS, if there is one to stand before.
struct Secure {
    port: u16,
    dir: TempDir,
    authority: Identity,
}

impl Secure {
    /// With a certificate for `host`; `asks` for one of the client.
    async fn start(host: &str, asks: bool) -> Option<Self> {
        let url = postgres_url()?;
        let authority = identity("Test authority", None, None);
        let server = identity("Database", Some(host), Some(&authority));
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        acceptor.set_certificate(&server.certificate).unwrap();
        acceptor.set_private_key(&server.key).unwrap();
        if asks {
            let mut trusted = X509StoreBuilder::new().unwrap();
            trusted.add_cert(authority.certificate.clone()).unwrap();
            acceptor.set_verify_cert_store(trusted.build()).unwrap();
            acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        }
        let acceptor = acceptor.build();
        let port = stand_before(&url, Some(acceptor)).await;
        let dir = TempDir::new();
        let secure = Self { port, dir, authority };
        secure.write("ca.pem", &secure.authority.certificate.to_pem().unwrap());
        let client = identity("placet", Some("placet"), Some(&secure.authority));
        secure.write("client.pem", &client.certificate.to_pem().unwrap());
        secure.write("client.key", &client.key.private_key_to_pem_pkcs8().unwrap());
        Some(secure)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.file().with_file_name(file)
    }

    fn write(&self, file: &str, content: &[u8]) {
        fs::write(self.path(file), content).expect("a file");
    }

    /// Its URL, with `{file}` in the query for the path of a file.
    fn url(&self, query: &str) -> String {
        let mut query = query.to_owned();
        for file in ["ca.pem", "client.pem", "client.key"] {
            query = query.replace(&format!("{{{file}}}"), self.path(file).to_str().expect("a path"));
        }
        format!("{}?{query}", through(self.port))
    }
}

/// The database of the tests, at this port of this machine.
fn through(port: u16) -> String {
    let config: tokio_postgres::Config = postgres_url().expect("a database").parse().expect("a url");
    let (user, name) = (config.get_user().unwrap_or("postgres"), config.get_dbname().unwrap_or("postgres"));
    format!("postgres://{user}@localhost:{port}/{name}")
}

/// Listens on a port of its own, and passes on to the database at `url`; without an acceptor it refuses TLS.
async fn stand_before(url: &str, acceptor: Option<SslAcceptor>) -> u16 {
    let config: tokio_postgres::Config = url.parse().expect("a url");
    let host = config.get_hosts()[0].clone();
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let own = listener.local_addr().expect("an address").port();
    let acceptor = Arc::new(acceptor);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (host, acceptor) = (host.clone(), Arc::clone(&acceptor));
            tokio::spawn(async move { serve(stream, (&host, port), (*acceptor).as_ref()).await });
        }
    });
    own
}

async fn serve(mut stream: TcpStream, database: (&Host, u16), acceptor: Option<&SslAcceptor>) -> Option<()> {
    let mut first = [0; 8];
    stream.read_exact(&mut first).await.ok()?;
    let mut behind: Box<dyn Stream> = match database {
        (Host::Unix(folder), port) => {
            Box::new(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await.ok()?)
        }
        (Host::Tcp(name), port) => Box::new(TcpStream::connect((name.as_str(), port)).await.ok()?),
    };
    match (first == SSL_REQUEST, acceptor) {
        (true, Some(acceptor)) => {
            stream.write_all(b"S").await.ok()?;
            let mut secured =
                tokio_openssl::SslStream::new(Ssl::new(acceptor.context()).ok()?, stream).ok()?;
            std::pin::Pin::new(&mut secured).accept().await.ok()?;
            copy_bidirectional(&mut secured, &mut behind).await.ok()?;
        }
        (true, None) => stream.write_all(b"N").await.ok()?,
        (false, _) => {
            // Plain text: only those who were told so come here.
            behind.write_all(&first).await.ok()?;
            copy_bidirectional(&mut stream, &mut behind).await.ok()?;
        }
    }
    Some(())
}

async fn reach(url: &str) -> Result<(), String> {
    let settings = PoolSettings { size: 1, wait: std::time::Duration::from_secs(30) };
    let store = Postgres::connect(url, &unique(), settings).await.map_err(|error| error.to_string())?;
    placet_server::store::Store::ping(&store).await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_reached_through_tls() {
    let Some(database) = Secure::start("localhost", false).await else { return };
    for mode in ["verify-full", "verify-ca"] {
        let url = database.url(&format!("sslmode={mode}&sslrootcert={{ca.pem}}"));
        assert_eq!(reach(&url).await, Ok(()), "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_known_vouches_for_is_refused() {
    let Some(database) = Secure::start("localhost", false).await else { return };
    for mode in ["verify-full", "verify-ca"] {
        let error = reach(&database.url(&format!("sslmode={mode}"))).await.expect_err(mode);
        assert!(error.contains("certificate verify failed"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_host_is_refused_unless_the_authority_is_enough() {
    let Some(database) = Secure::start("db.example.com", false).await else { return };
    let error =
        reach(&database.url("sslmode=verify-full&sslrootcert={ca.pem}")).await.expect_err("another host");
    assert!(error.contains("certificate verify failed"), "{error}");
    assert_eq!(reach(&database.url("sslmode=verify-ca&sslrootcert={ca.pem}")).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_may_ask_for_a_certificate() {
    let Some(database) = Secure::start("localhost", true).await else { return };
    let with = "sslmode=verify-full&sslrootcert={ca.pem}&sslcert={client.pem}&sslkey={client.key}";
    assert_eq!(reach(&database.url(with)).await, Ok(()));
    reach(&database.url("sslmode=verify-full&sslrootcert={ca.pem}")).await.expect_err("no certificate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_tls_is_not_spoken_to_in_plain_text_instead() {
    let Some(url) = postgres_url() else { return };
    let port = stand_before(&url, None).await;
    let error = reach(&format!("{}?sslmode=verify-full", through(port))).await.expect_err("no TLS");
    assert!(error.contains("TLS"), "{error}");
    let plain = format!("{}?sslmode=disable", through(port));
    assert_eq!(reach(&plain).await, Ok(()), "the operator says that the network is trusted");
}
