//! Certificates, made as they are needed.

use std::path::{Path, PathBuf};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use openssl::{
    asn1::{Asn1Object, Asn1OctetString, Asn1Time},
    bn::{BigNum, BigNumContext},
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{
        X509, X509Extension, X509NameBuilder,
        extension::{BasicConstraints, ExtendedKeyUsage, SubjectAlternativeName},
    },
};

use serde_json::{Value, json};

use super::harness::START;

const DAY: i64 = 86_400;

/// A certificate and its key.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: X509,
    /// Its key.
    pub key: PKey<Private>,
}

/// What a certificate is to be.
#[derive(Clone)]
pub struct Wanted {
    /// The subject, first RDN first.
    pub subject: Vec<(&'static str, &'static str)>,
    /// Alternative names: kind and value.
    pub names: Vec<(&'static str, &'static str)>,
    /// From when to when it is good.
    pub period: (i64, i64),
    /// Whether it is an authority, and with how many others below it.
    #[allow(clippy::option_option, reason = "an authority may say no number")]
    pub authority: Option<Option<u32>>,
    /// What it is for; `None` is everything.
    pub usage: Option<&'static str>,
    /// Its key.
    pub key: PKey<Private>,
    /// Further extensions: object identifier and DER.
    pub extensions: Vec<(&'static str, Vec<u8>)>,
}

impl Wanted {
    /// A certificate of a client with this common name, good around the start of the clock.
    pub fn client(common: &'static str) -> Self {
        Self {
            subject: vec![("CN", common)],
            names: Vec::new(),
            period: (START - DAY, START + DAY),
            authority: None,
            usage: Some("client"),
            key: key(),
            extensions: Vec::new(),
        }
    }

    /// An authority.
    pub fn authority(common: &'static str) -> Self {
        Self { authority: Some(None), usage: None, ..Self::client(common) }
    }

    /// A server at `127.0.0.1`, good for long: other programs look at their own clocks.
    pub fn server() -> Self {
        Self {
            names: vec![("ip", "127.0.0.1")],
            period: (START - 3_650 * DAY, START + 3_650 * DAY),
            usage: Some("server"),
            ..Self::client("server")
        }
    }

    /// The certificate, signed by itself.
    pub fn self_signed(self) -> Identity {
        self.signed(None)
    }

    fn signed(self, by: Option<&Identity>) -> Identity {
        let name = |entries: &[(&str, &str)]| {
            let mut name = X509NameBuilder::new().unwrap();
            for (kind, value) in entries {
                name.append_entry_by_text(kind, value).unwrap();
            }
            name.build()
        };
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        let mut serial = BigNum::new().unwrap();
        serial.rand(120, openssl::bn::MsbOption::MAYBE_ZERO, false).unwrap();
        builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
        let subject = name(&self.subject);
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(by.map_or(&*subject, |by| by.certificate.subject_name())).unwrap();
        builder.set_pubkey(&self.key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(self.period.0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(self.period.1).unwrap()).unwrap();
        if let Some(below) = self.authority {
            let mut constraints = BasicConstraints::new();
            constraints.critical().ca();
            if let Some(below) = below {
                constraints.pathlen(below);
            }
            builder.append_extension(constraints.build().unwrap()).unwrap();
        }
        if let Some(usage) = self.usage {
            let mut extended = ExtendedKeyUsage::new();
            if usage == "server" {
                extended.server_auth()
            } else {
                extended.client_auth()
            };
            builder.append_extension(extended.build().unwrap()).unwrap();
        }
        if !self.names.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for (kind, value) in &self.names {
                match *kind {
                    "dns" => names.dns(value),
                    "uri" => names.uri(value),
                    "ip" => names.ip(value),
                    _ => names.email(value),
                };
            }
            let context = builder.x509v3_context(by.map(|by| &*by.certificate), None);
            let names = names.build(&context).unwrap();
            builder.append_extension(names).unwrap();
        }
        for (oid, der) in &self.extensions {
            let oid = Asn1Object::from_str(oid).unwrap();
            let der = Asn1OctetString::new_from_bytes(der).unwrap();
            builder.append_extension(X509Extension::new_from_der(&oid, false, &der).unwrap()).unwrap();
        }
        builder.sign(by.map_or(&self.key, |by| &by.key), MessageDigest::sha256()).unwrap();
        Identity { certificate: builder.build(), key: self.key }
    }
}

impl Identity {
    /// A certificate of this authority.
    pub fn issue(&self, wanted: Wanted) -> Self {
        wanted.signed(Some(self))
    }

    /// Writes certificate and key into a folder; gives their paths.
    pub fn write(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        std::fs::write(&certificate, self.pem()).unwrap();
        std::fs::write(&key, self.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        (certificate, key)
    }

    /// The certificate in PEM.
    pub fn pem(&self) -> String {
        String::from_utf8(self.certificate.to_pem().unwrap()).unwrap()
    }

    /// The certificate in standard base64: a member of `x5c`.
    pub fn base64(&self) -> String {
        STANDARD.encode(self.certificate.to_der().unwrap())
    }

    /// An HTTP client that shows this certificate, and others to link it to an authority, and believes `server`.
    pub fn http(&self, server: &Self, links: &[&Self]) -> reqwest::Client {
        let chain: String = std::iter::once(self.pem()).chain(links.iter().map(|link| link.pem())).collect();
        let key = self.key.private_key_to_pem_pkcs8().unwrap();
        let identity = reqwest::Identity::from_pkcs8_pem(chain.as_bytes(), &key).unwrap();
        believing(server).identity(identity).build().unwrap()
    }
}

/// An HTTP client that believes `server`.
pub fn believing(server: &Identity) -> reqwest::ClientBuilder {
    let root = reqwest::Certificate::from_pem(server.pem().as_bytes()).unwrap();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().tls_certs_only([root])
}

/// A key on P-256.
pub fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

/// An RSA key.
pub fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

/// The public half of a key on P-256 as a JWK.
pub fn jwk(key: &PKey<Private>) -> Value {
    let key = key.ec_key().unwrap();
    let (mut x, mut y) = (BigNum::new().unwrap(), BigNum::new().unwrap());
    let mut context = BigNumContext::new().unwrap();
    key.public_key().affine_coordinates_gfp(key.group(), &mut x, &mut y, &mut context).unwrap();
    let encode = |number: &BigNum| URL_SAFE_NO_PAD.encode(number.to_vec_padded(32).unwrap());
    json!({ "kty": "EC", "crv": "P-256", "x": encode(&x), "y": encode(&y) })
}
