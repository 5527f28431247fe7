//! A sidecar behind TLS that wants a certificate of who asks, and the certificates for it.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    ssl::{SslAcceptor, SslMethod, SslStream, SslVerifyMode},
    x509::{
        X509, X509Builder, X509NameBuilder,
        extension::{BasicConstraints, SubjectAlternativeName},
    },
};
use serde_json::{Value, json};

/// A certificate and its key.
pub struct Identity {
    certificate: X509,
    key: PKey<Private>,
}

impl Identity {
    /// A certificate authority.
    pub fn authority() -> Self {
        let key = key();
        let mut builder = begun("authority", &key);
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.set_issuer_name(&name("authority")).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { certificate: builder.build(), key }
    }

    /// A certificate of this authority.
    pub fn issue(&self, name: &str) -> Self {
        self.issue_at(name, "127.0.0.1")
    }

    /// A certificate of this authority for this address.
    pub fn issue_at(&self, name: &str, ip: &str) -> Self {
        let key = key();
        let mut builder = begun(name, &key);
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let names = SubjectAlternativeName::new().ip(ip).build(&context).unwrap();
        builder.append_extension(names).unwrap();
        builder.set_issuer_name(self.certificate.subject_name()).unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        Self { certificate: builder.build(), key }
    }

    /// Writes certificate and key into a folder; gives their paths.
    pub fn write(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        std::fs::write(&certificate, self.certificate.to_pem().unwrap()).unwrap();
        std::fs::write(&key, self.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        (certificate, key)
    }
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn name(common: &str) -> openssl::x509::X509Name {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", common).unwrap();
    name.build()
}

fn begun(common: &str, key: &PKey<Private>) -> X509Builder {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(u32::try_from(common.len()).unwrap()).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&name(common)).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder
}

/// Starts a sidecar that allows everything to who shows a certificate of the authority; gives its URL, and the names
/// of those who asked.
pub fn start(server: &Identity, authority: &Identity) -> (String, Arc<Mutex<Vec<String>>>) {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_certificate(&server.certificate).unwrap();
    acceptor.set_private_key(&server.key).unwrap();
    acceptor.cert_store_mut().add_cert(authority.certificate.clone()).unwrap();
    acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    let acceptor = acceptor.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/decide", listener.local_addr().unwrap());
    let names = Arc::new(Mutex::new(Vec::new()));
    std::thread::spawn({
        let names = names.clone();
        move || {
            for stream in listener.incoming().flatten() {
                if let Ok(stream) = acceptor.accept(stream) {
                    let names = names.clone();
                    std::thread::spawn(move || serve(stream, &names));
                }
            }
        }
    });
    (url, names)
}

fn serve(mut stream: SslStream<std::net::TcpStream>, names: &Mutex<Vec<String>>) -> Option<()> {
    let certificate = stream.ssl().peer_certificate()?;
    let name = certificate.subject_name().entries().next()?.data().to_string().ok()?;
    let name = String::from(&*name);
    names.lock().unwrap().push(name);
    loop {
        let mut read = Vec::new();
        let body = loop {
            let mut chunk = [0; 8192];
            let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
            read.extend_from_slice(&chunk[..length]);
            let text = String::from_utf8(read.clone()).ok()?;
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            if body.len() >= length.map_or("0", |(_, length)| length).parse().ok()? {
                break body.to_owned();
            }
        };
        let request: Value = serde_json::from_str(&body).ok()?;
        let answer = json!({ "id": request["id"], "decision": "allow" }).to_string();
        let head = format!(
            "HTTP/1.1 200 x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(&[head.as_bytes(), answer.as_bytes()].concat()).ok()?;
    }
}
